/* tarn schema, head, meta, convert: a file or table at a glance, mostly by SQL. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

typedef struct text {
    char *data;
    size_t size;
    bool failed;
} text;

static void add(text *t, const char *piece)
{
    t->failed = t->failed || !text_add(&t->data, &t->size, piece, strlen(piece));
}

static void add_quoted(text *t, const char *piece)
{
    t->failed = t->failed || !text_add_quoted(&t->data, &t->size, piece);
}

/* Runs it and frees it. */
static int run_made(invocation *in, text *t)
{
    const int code =
        t->failed ? usage_error(in, "", "out of memory") : run_sql(in, t->data, t->size);
    tarn_text_free(t->data);
    return code;
}

static int one_uri(const invocation *in)
{
    char hint[96];
    (void)snprintf(hint, sizeof(hint), "such as 'tarn %s flights.csv'", in->command->name);
    return in->word_count == 1 ? -1
                               : usage_error(in, hint, "tarn %s takes one URI", in->command->name);
}

/* A pipeline is no table, though it would pass for a CSV file of one column. */
static int no_pipeline(const invocation *in)
{
    const size_t size = strlen(in->words[0]);
    return size <= 5 || strcmp(in->words[0] + size - 5, ".toml") != 0
               ? -1
               : usage_error(in, "'tarn check' and 'tarn graph' look at a pipeline",
                             "'%s' is TOML, not a file of rows", in->words[0]);
}

int run_schema(invocation *in)
{
    text t = {NULL, 0, false};
    int code = one_uri(in);
    code = code >= 0 ? code : no_pipeline(in);
    if (code >= 0) {
        return code;
    }
    add(&t, "DESCRIBE SELECT * FROM ");
    add_quoted(&t, in->words[0]);
    return run_made(in, &t);
}

int run_head(invocation *in)
{
    char limit[64];
    text t = {NULL, 0, false};
    uint64_t rows;
    int code = one_uri(in);
    code = code >= 0 ? code : no_pipeline(in);
    if (code >= 0) {
        return code;
    }
    if (!option_number(in, "rows", 10, &rows)) {
        return EXIT_USAGE;
    }
    add(&t, "SELECT * FROM ");
    add_quoted(&t, in->words[0]);
    (void)snprintf(limit, sizeof(limit), " LIMIT %llu", (unsigned long long)rows);
    add(&t, limit);
    return run_made(in, &t);
}

int run_meta(invocation *in)
{
    tarn_error error = TARN_ERROR_INIT;
    output out;
    char *about = NULL;
    int code = one_uri(in);
    code = code >= 0 ? code : no_pipeline(in);
    if (code >= 0 || session_of(in, &code) == NULL) {
        return code;
    }
    if ((code = refuse_forms(in)) >= 0) {
        return code;
    }
    if (tarn_describe(in->session, in->words[0], option_is_set(in, "pages"), &about, &error) !=
        TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    code = output_open(&out, in, option_text(in, "output"));
    if (code < 0) {
        (void)output_write(&out, about, strlen(about));
        code = output_close(&out, EXIT_DONE);
    }
    tarn_text_free(about);
    return code;
}

/* ---- convert ---- */

static bool add_source(text *t, const char *uri, const char *format)
{
    static const char *const readers[][2] = {
        {"csv", "read_csv("},         {"tsv", "read_csv(delim => '\t', "},
        {"parquet", "read_parquet("}, {"json", "read_json("},
        {"jsonl", "read_json("},      {"delta", "delta_scan("}};
    if (format == NULL) {
        add_quoted(t, uri);
        return true;
    }
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (strcmp(format, readers[i][0]) == 0) {
            add(t, readers[i][1]);
            add_quoted(t, uri);
            add(t, ")");
            return true;
        }
    }
    return false;
}

int run_convert(invocation *in)
{
    text t = {NULL, 0, false};
    const char *to = option_text(in, "to");
    if (in->word_count != 2) {
        return usage_error(in, "tarn convert flights.csv flights.parquet",
                           "tarn convert takes an input and an output");
    }
    const bool to_output = strcmp(in->words[1], "-") == 0;
    add(&t, to_output ? "SELECT * FROM " : "COPY (SELECT * FROM ");
    (void)add_source(&t, in->words[0], option_text(in, "from"));
    if (to_output) { /* as a query's result, whose form is --format's */
        static const option format = {"format", 0, "FORMAT", ""};
        if (to != NULL && in->given_count < GIVEN_MAX) {
            in->given[in->given_count++] = (given){&format, to};
        }
        return run_made(in, &t);
    }
    add(&t, ") TO ");
    add_quoted(&t, in->words[1]);
    if (to != NULL) {
        add(&t, " (FORMAT ");
        add(&t, to);
        add(&t, ")");
    }
    return run_made(in, &t);
}
