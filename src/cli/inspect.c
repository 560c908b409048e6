/* tarn schema, head, meta, convert: a file or table at a glance, mostly by SQL. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

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
    draft t = {NULL, 0, false};
    int code = one_uri(in);
    code = code >= 0 ? code : no_pipeline(in);
    if (code >= 0) {
        return code;
    }
    draft_put(&t, "DESCRIBE SELECT * FROM ");
    draft_put_quoted(&t, in->words[0]);
    return draft_run(in, &t);
}

int run_head(invocation *in)
{
    char limit[64];
    draft t = {NULL, 0, false};
    uint64_t rows;
    int code = one_uri(in);
    code = code >= 0 ? code : no_pipeline(in);
    if (code >= 0) {
        return code;
    }
    if (!option_number(in, "rows", 10, &rows)) {
        return EXIT_USAGE;
    }
    draft_put(&t, "SELECT * FROM ");
    draft_put_quoted(&t, in->words[0]);
    (void)snprintf(limit, sizeof(limit), " LIMIT %llu", (unsigned long long)rows);
    draft_put(&t, limit);
    return draft_run(in, &t);
}

int run_meta(invocation *in)
{
    tarn_error error = TARN_ERROR_INIT;
    output out;
    bool json;
    char *about = NULL;
    int code = one_uri(in);
    code = code >= 0 ? code : no_pipeline(in);
    if (code >= 0 || session_of(in, &code) == NULL) {
        return code;
    }
    code = open_account(in, &out, &json);
    if (code >= 0) {
        return code;
    }
    const uint32_t what =
        (option_is_set(in, "pages") ? TARN_DESCRIBE_PAGES : 0) | (json ? TARN_DESCRIBE_JSON : 0);
    if (tarn_describe(in->session, in->words[0], what, &about, &error) != TARN_OK) {
        code = report(in, &error, NULL, 0);
    } else {
        (void)output_write(&out, about, strlen(about));
    }
    tarn_text_free(about);
    return output_close(&out, code < 0 ? EXIT_DONE : code);
}

/* ---- convert ---- */

int run_convert(invocation *in)
{
    draft t = {NULL, 0, false};
    size_t at = 0;
    const char *format = option_text(in, "from");
    const char *to = option_text(in, "to");
    if (in->word_count != 2) {
        return usage_error(in, "tarn convert flights.csv flights.parquet",
                           "tarn convert takes an input and an output");
    }
    const bool to_output = strcmp(in->words[1], "-") == 0;
    const file_format *into = to != NULL ? format_named(to) : format_of_file(in->words[1]);
    if (!to_output && is_packed(in->words[1]) && into != NULL &&
        strcmp(into->name, "parquet") == 0) {
        return refuse_packed_parquet(in, in->words[1]);
    }
    const char *mode = to_output ? NULL : option_text(in, "mode");
    const bool is_delta = to != NULL ? strcmp(to, "delta") == 0 : mode != NULL && into == NULL;
    if (option_each(in, "mode", &at) != NULL && !to_output && !is_delta) {
        return usage_error(in, "--to delta, or leave it out: a file is written anew",
                           "--mode says nothing of %s", into == NULL ? to : into->name);
    }
    if (to_output && to != NULL && strcmp(to, "delta") == 0) {
        return usage_error(in, "tarn convert IN FOLDER --to delta",
                           "a Delta table is a folder, and is not written to standard output");
    }
    draft_put(&t, to_output ? "SELECT * FROM " : "COPY (SELECT * FROM ");
    const file_format *from = format == NULL ? NULL : format_named(format);
    draft_put(&t, from == NULL ? "" : from->reader);
    draft_put_quoted(&t, in->words[0]);
    draft_put(&t, from == NULL ? "" : ")");
    if (to_output) { /* as a query's result, whose form is --format's */
        static const option form = {"format", 0, "FORMAT", ""};
        if (to != NULL && in->given_count < GIVEN_MAX) {
            in->given[in->given_count++] = (given){&form, to};
        }
        return draft_run(in, &t);
    }
    draft_put(&t, ") TO ");
    draft_put_quoted(&t, in->words[1]);
    if (to != NULL || is_delta) {
        draft_put(&t, " (FORMAT ");
        draft_put(&t, is_delta ? "delta" : to);
        if (is_delta && mode != NULL) {
            draft_put(&t, ", MODE ");
            draft_put(&t, mode);
        }
        draft_put(&t, ")");
    }
    return draft_run(in, &t);
}
