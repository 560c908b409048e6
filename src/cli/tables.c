/* tarn table VERB URI... */
#include "commands.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { PROPERTIES_MAX = 64 };

static int pass_over(void *context, const char *const *values, size_t count)
{
    (void)context;
    (void)values;
    (void)count;
    return 1;
}

/* SQL reads it as delta_scan does: what is no time is the command line's fault. */
static bool is_time(const invocation *in, const char *text)
{
    draft t = {NULL, 0, false};
    tarn_error error = TARN_ERROR_INIT;
    tarn_script *script = NULL;
    tarn_result *result = NULL;
    draft_put(&t, "SELECT TIMESTAMP ");
    draft_put_quoted(&t, text);
    tarn_code code =
        t.failed ? TARN_OK : tarn_script_open(in->session, t.data, t.size, &script, &error);
    if (code == TARN_OK && script != NULL) {
        code = tarn_script_next(script, &result, &error);
    }
    if (code == TARN_OK && result != NULL) {
        code = tarn_result_rows(result, pass_over, NULL, &error);
    }
    tarn_script_close(script);
    draft_free(&t);
    return code != TARN_E_INVALID; /* any other fault is met again */
}

/* --version or --at; false after a report. */
static bool read_at(const invocation *in, tarn_at *at)
{
    uint64_t version;
    const tarn_at latest = TARN_AT_LATEST;
    *at = latest;
    at->timestamp = option_text(in, "at");
    if (!option_number(in, "version", UINT64_MAX, &version)) {
        return false;
    }
    at->version = version > INT64_MAX ? -1 : (int64_t)version;
    if (at->timestamp != NULL && at->version >= 0) {
        (void)usage_error(in, "", "--version and --at exclude each other");
        return false;
    }
    if (at->timestamp != NULL && !is_time(in, at->timestamp)) {
        (void)usage_error(in, "such as '2026-01-31' or '2026-01-31 12:30:00'",
                          "'%s' is no value of --at: a time is wanted", at->timestamp);
        return false;
    }
    return true;
}

static void add_scan(draft *t, const char *uri, const tarn_at *at)
{
    char version[64];
    draft_put(t, "delta_scan(");
    draft_put_quoted(t, uri);
    if (at->version >= 0) {
        (void)snprintf(version, sizeof(version), ", version => %lld", (long long)at->version);
        draft_put(t, version);
    }
    if (at->timestamp != NULL) {
        draft_put(t, ", timestamp => ");
        draft_put_quoted(t, at->timestamp);
    }
    draft_put(t, ")");
}

static int show(invocation *in, const char *uri)
{
    draft t = {NULL, 0, false};
    tarn_at at;
    if (!read_at(in, &at)) {
        return EXIT_USAGE;
    }
    draft_put(&t, "SELECT * FROM ");
    add_scan(&t, uri, &at);
    return draft_run(in, &t);
}

static int show_schema(invocation *in, const char *uri)
{
    draft t = {NULL, 0, false};
    tarn_at at;
    if (!read_at(in, &at)) {
        return EXIT_USAGE;
    }
    draft_put(&t, "DESCRIBE SELECT * FROM ");
    add_scan(&t, uri, &at);
    return draft_run(in, &t);
}

static int history(invocation *in, const char *uri)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_result *result;
    uint64_t limit;
    if (!option_number(in, "limit", 0, &limit)) {
        return EXIT_USAGE;
    }
    return tarn_table_history(in->session, uri, limit, &result, &error) == TARN_OK
               ? print_and_close(in, result)
               : report(in, &error, NULL, 0);
}

static int files(invocation *in, const char *uri)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_result *result;
    tarn_at at;
    if (!read_at(in, &at)) {
        return EXIT_USAGE;
    }
    return tarn_table_files(in->session, uri, &at, &result, &error) == TARN_OK
               ? print_and_close(in, result)
               : report(in, &error, NULL, 0);
}

static int detail(invocation *in, const char *uri)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_result *result;
    tarn_at at;
    if (!read_at(in, &at)) {
        return EXIT_USAGE;
    }
    return tarn_table_detail(in->session, uri, &at, &result, &error) == TARN_OK
               ? print_and_close(in, result)
               : report(in, &error, NULL, 0);
}

static int create(invocation *in, const char *uri)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_receipt receipt = TARN_RECEIPT_INIT;
    const char *properties[PROPERTIES_MAX + 1] = {NULL};
    const char *property;
    size_t count = 0;
    const tarn_table *options =
        TARN_TABLE(.schema = option_text(in, "schema"), .like = option_text(in, "like"),
                   .partition_by = option_text(in, "partition-by"), .properties = properties);
    if (options->schema != NULL && options->like != NULL) {
        return usage_error(in, "leave one of them out",
                           "--schema and --like both say what columns there are");
    }
    if (options->schema == NULL && options->like == NULL) {
        return usage_error(in, "tarn table create URI --schema 'id BIGINT NOT NULL, day DATE'",
                           "name the columns with --schema or with --like");
    }
    for (size_t at = 0; (property = option_each(in, "property", &at)) != NULL;) {
        if (count == PROPERTIES_MAX) {
            return usage_error(in, "", "more than %d properties", PROPERTIES_MAX);
        }
        properties[count++] = property;
    }
    if (tarn_table_create(in->session, uri, options, &receipt, &error) != TARN_OK) {
        if (error.code == TARN_E_EXISTS) {
            (void)snprintf(error.hint, sizeof(error.hint), "'tarn table write' adds rows to it");
        }
        return error.code == TARN_E_INVALID || error.code == TARN_E_UNSUPPORTED
                   ? report_usage(in, &error, NULL, 0) /* of the command line's words */
                   : report(in, &error, NULL, 0);
    }
    if (receipt.not_enforced != NULL && !warn(in, "%s is not enforced", receipt.not_enforced)) {
        return EXIT_DATA;
    }
    if (isatty(STDERR_FILENO) == 1) {
        tell(in, "created '%s', version %lld\n", uri, (long long)receipt.version);
    }
    return EXIT_DONE;
}

/* "a, b" as names of SQL. */
static void add_names(draft *t, const char *names)
{
    for (const char *at = names; *at != '\0';) {
        const size_t size = strcspn(at, ",");
        size_t first = strspn(at, " ");
        size_t last = size;
        while (last > first && at[last - 1] == ' ') {
            last--;
        }
        draft_put(t, at == names ? "\"" : ", \"");
        for (; first < last; first++) {
            const char piece[] = {at[first], at[first] == '"' ? '"' : '\0', '\0'};
            draft_put(t, piece);
        }
        draft_put(t, "\"");
        at += size;
        at += *at == ',' ? 1 : 0;
    }
}

/* ---- write ---- */

/* Names and types of a relation, each ended by a zero, by turns. */
static int take_column(void *context, const char *const *values, size_t count)
{
    draft *columns = context;
    for (size_t i = 0; i < 2 && count >= 2 && values[i] != NULL; i++) {
        draft_put_bytes(columns, values[i], strlen(values[i]) + 1);
    }
    return 1;
}

/* Of what cannot be read nothing is told here: the statement itself will say why. */
static void describe(invocation *in, const char *uri, draft *columns)
{
    draft t = {NULL, 0, false};
    draft_put(&t, "DESCRIBE SELECT * FROM ");
    draft_put_quoted(&t, uri);
    draft_rows(in->session, &t, take_column, columns);
}

static const char *type_of(const draft *columns, const char *name)
{
    for (size_t at = 0; at < columns->size;) {
        const char *type = columns->data + at + strlen(columns->data + at) + 1;
        if (strcasecmp(columns->data + at, name) == 0) {
            return type;
        }
        at = (size_t)(type - columns->data) + strlen(type) + 1;
    }
    return NULL;
}

/* Values of a file of text are read in the table's types, not in those they seem to have. */
static void add_input(invocation *in, draft *t, const char *uri, const draft *table)
{
    const file_format *format = format_of_file(uri);
    draft found = {NULL, 0, false};
    draft types = {NULL, 0, false};
    if (format != NULL && format->is_text && table->size > 0) {
        describe(in, uri, &found);
    }
    for (size_t at = 0; at < found.size;) {
        const char *name = found.data + at;
        const char *type = name + strlen(name) + 1;
        const char *wanted = type_of(table, name);
        if (wanted != NULL && strcmp(type, wanted) != 0) {
            draft_put(&types, types.size == 0 ? "{" : ", ");
            draft_put_quoted(&types, name);
            draft_put(&types, ": ");
            draft_put_quoted(&types, wanted);
        }
        at = (size_t)(type - found.data) + strlen(type) + 1;
    }
    draft_put(t, "SELECT * FROM ");
    if (types.size > 0) {
        draft_put(t, format->reader);
        draft_put_quoted(t, uri);
        draft_put(t, ", types => ");
        draft_put(t, types.data);
        draft_put(t, "})");
    } else {
        draft_put_quoted(t, uri);
    }
    t->failed = t->failed || found.failed || types.failed;
    draft_free(&found);
    draft_free(&types);
}

static int write_rows(invocation *in, const char *uri)
{
    draft t = {NULL, 0, false};
    draft table = {NULL, 0, false};
    tarn_error error = TARN_ERROR_INIT;
    bool exists = false;
    const char *mode = option_text(in, "mode");
    const char *partition_by = option_text(in, "partition-by");
    mode = mode == NULL ? "append" : mode;
    if (in->word_count < 3) {
        return usage_error(in, "tarn table write URI IN...", "no input given");
    }
    if (tarn_table_exists(in->session, uri, &exists, &error) != TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    if (!exists && strcmp(mode, "error") != 0 && !option_is_set(in, "create")) {
        return usage_error(in, "--create makes it from the input's columns",
                           "there is no table '%s'", uri);
    }
    draft_put(&t, "COPY (");
    if (exists) {
        describe(in, uri, &table);
    }
    for (size_t i = 2; i < in->word_count; i++) {
        draft_put(&t, i == 2 ? "" : " UNION ALL BY NAME ");
        add_input(in, &t, in->words[i], &table);
    }
    t.failed = t.failed || table.failed;
    draft_free(&table);
    draft_put(&t, ") TO ");
    draft_put_quoted(&t, uri);
    draft_put(&t, " (FORMAT delta, MODE ");
    draft_put_quoted(&t, mode);
    if (partition_by != NULL) {
        draft_put(&t, ", PARTITION_BY (");
        add_names(&t, partition_by);
        draft_put(&t, ")");
    }
    draft_put(&t, ")");
    return draft_run(in, &t);
}

static int checkpoint(invocation *in, const char *uri)
{
    tarn_error error = TARN_ERROR_INIT;
    int64_t version;
    if (tarn_table_checkpoint(in->session, uri, &version, &error) != TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    if (isatty(STDERR_FILENO) == 1) {
        tell(in, "wrote the checkpoint of '%s', version %lld\n", uri, (long long)version);
    }
    return EXIT_DONE;
}

static const struct {
    const char *name;
    int (*run)(invocation *in, const char *uri);
} verbs[] = {
    {"show", show},     {"schema", show_schema}, {"history", history},       {"files", files},
    {"detail", detail}, {"create", create},      {"checkpoint", checkpoint}, {"write", write_rows}};

int run_table(invocation *in)
{
    static const char *const planned[] = {"delete",   "update", "merge",   "optimize", "vacuum",
                                          "restore",  "fsck",   "convert", "clone",    "set",
                                          "features", "cdf",    NULL};
    char hint[96] = "tarn table VERB URI, such as 'tarn table show flights'";
    int code;
    if (in->word_count == 0) {
        return usage_error(in, hint, "no verb given");
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(in->words[0], verbs[i].name) != 0) {
            continue;
        }
        if (in->word_count < 2 || (in->word_count > 2 && strcmp(verbs[i].name, "write") != 0)) {
            (void)snprintf(hint, sizeof(hint), "such as 'tarn table %s lake/flights'",
                           verbs[i].name);
            return usage_error(in, hint, "tarn table %s takes one URI", verbs[i].name);
        }
        return session_of(in, &code) == NULL ? code : verbs[i].run(in, in->words[1]);
    }
    for (size_t i = 0; planned[i] != NULL; i++) {
        if (strcmp(in->words[0], planned[i]) == 0) {
            return not_built(in, "", "'table %s' is not built yet", planned[i]);
        }
    }
    const char *near = nearest_of(in->words[0], in->command->verbs);
    if (near != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
    }
    return usage_error(in, hint, "'tarn table' has no verb '%s'", in->words[0]);
}
