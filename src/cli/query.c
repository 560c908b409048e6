/* tarn query: statements in order, and the result of each that has one. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10, TEXT_SIZE_MAX = 1 << 28 };

static int no_memory(const invocation *in)
{
    tarn_error error = TARN_ERROR_INIT;
    error.code = TARN_E_NOMEM;
    (void)snprintf(error.message, sizeof(error.message), "out of memory");
    return report(in, &error, NULL, 0);
}

static int cannot_read(const invocation *in, const char *path, int number)
{
    tarn_error error = TARN_ERROR_INIT;
    error.code = number == ENOENT                       ? TARN_E_NOT_FOUND
                 : number == EINTR                      ? TARN_E_CANCELLED
                 : number == EACCES || number == EISDIR ? TARN_E_INVALID
                                                        : TARN_E_IO;
    (void)snprintf(error.message, sizeof(error.message), "reading '%s': %s", path,
                   number == EINTR ? "cancelled" : strerror(number));
    if (number == ENOENT || number == EISDIR) {
        (void)snprintf(error.hint, sizeof(error.hint), "a file of SQL is wanted");
    }
    return number == ENOENT || number == EACCES || number == EISDIR
               ? report_usage(in, &error, NULL, 0)
               : report(in, &error, NULL, 0);
}

int read_whole(const invocation *in, const char *path, char **out, size_t *size)
{
    char buffer[READ_SIZE];
    const bool is_input = strcmp(path, "-") == 0;
    const int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int code = -1;
    *out = NULL;
    *size = 0;
    if (fd < 0) {
        return cannot_read(in, path, errno);
    }
    for (;;) {
        const ssize_t got = read(fd, buffer, sizeof(buffer));
        if (got == 0) {
            break;
        }
        if (got < 0 && (errno != EINTR || signal_seen() != 0)) {
            code = cannot_read(in, is_input ? "standard input" : path, errno);
            break;
        }
        if (got > 0 && (*size > TEXT_SIZE_MAX || !text_add(out, size, buffer, (size_t)got))) {
            code = no_memory(in);
            break;
        }
    }
    if (!is_input) {
        (void)close(fd);
    }
    if (code < 0 && *out == NULL && !text_add(out, size, "", 0)) {
        code = no_memory(in);
    }
    if (code >= 0) {
        tarn_text_free(*out);
        *out = NULL;
    }
    return code;
}

/* ---- results ---- */

typedef struct word {
    char text[64];
    size_t size;
} word;

static int write_word(void *context, const char *data, size_t size)
{
    word *w = context;
    for (size_t i = 0; i < size && data[i] != '\n' && w->size + 1 < sizeof(w->text); i++) {
        w->text[w->size++] = data[i];
    }
    return 1;
}

static void add_stats(invocation *in, const tarn_result *result)
{
    tarn_stats stats = TARN_STATS_INIT;
    tarn_result_stats(result, &stats);
    in->stats.rows_in += stats.rows_in;
    in->stats.rows_out += stats.rows_out;
    in->stats.rows_rejected += stats.rows_rejected;
    in->stats.bytes_read += stats.bytes_read;
    in->stats.spilled_bytes += stats.spilled_bytes;
    in->stats.peak_bytes =
        stats.peak_bytes > in->stats.peak_bytes ? stats.peak_bytes : in->stats.peak_bytes;
}

static int report_statement(sql_run *r, tarn_error *error)
{
    progress_clear();
    if (r->is_made && error->span_length > 0 && error->line == 1 &&
        error->column == (int64_t)error->span_start + 1) {
        error->line = error->column = 0;
    }
    if (r->is_made && strncmp(error->hint, "(FORMAT parquet)", 16) == 0) { /* nobody wrote SQL */
        (void)snprintf(error->hint, sizeof(error->hint),
                       "--to parquet, csv, tsv, json, jsonl or delta");
        return report_usage(r->in, error, NULL, 0);
    }
    const char *argument = strstr(error->hint, " => ");
    if (r->is_made && (argument != NULL || strncmp(error->hint, "read_parquet()", 14) == 0)) {
        char hint[sizeof(error->hint)]; /* arguments of SQL: where they can be given */
        if (argument == NULL) {
            (void)snprintf(hint, sizeof(hint), "%.60s: tarn query \"FROM read_parquet('%.100s')\"",
                           error->hint, error->subject[0] != '\0' ? error->subject : "FILE");
        } else {
            (void)snprintf(hint, sizeof(hint),
                           "in 'tarn query', as arguments of read_csv() or read_json(): %.180s",
                           error->hint);
        }
        memcpy(error->hint, hint, sizeof(hint));
    }
    if (r->is_made && strncmp(error->hint, "leave such rows out (", 21) == 0) {
        char hint[sizeof(error->hint)]; /* what a line of SQL could do */
        (void)snprintf(hint, sizeof(hint),
                       "with COPY (...) TO ... (FORMAT delta, MODE append) in 'tarn query': %.170s",
                       error->hint);
        memcpy(error->hint, hint, sizeof(hint));
    }
    if (r->is_made && strncmp(error->hint, "(FORMAT delta, MODE", 19) == 0) {
        (void)snprintf(error->hint, sizeof(error->hint),
                       "--mode append adds the rows, --mode overwrite replaces what is there");
    }
    return report(r->in, error, r->sql, r->sql_size);
}

static int print_result(sql_run *r, tarn_result *result)
{
    tarn_error error = TARN_ERROR_INIT;
    word count = {"", 0};
    tarn_code code = TARN_OK;
    const char *warning = tarn_result_warning(result);
    if (warning != NULL && !warn(r->in, "%s is not enforced", warning)) {
        return EXIT_DATA;
    }
    if (tarn_result_is_count(result)) {
        code = tarn_result_print(result, TARN_PRINT(.form = TARN_FORM_CSV, .no_header = 1),
                                 write_word, &count, &error);
        if (code == TARN_OK && isatty(STDERR_FILENO) == 1) {
            tell(r->in, "%s row%s\n", count.text, strcmp(count.text, "1") == 0 ? "" : "s");
        }
    } else if (tarn_result_column_count(result) > 0) {
        if (r->form.print.form == TARN_FORM_MARKDOWN && r->results > 0) {
            (void)output_write(&r->out, "\n", 1); /* else the two would be one table */
        }
        code = tarn_result_print(result, &r->form.print, output_write, &r->out, &error);
    }
    add_stats(r->in, result);
    if (code != TARN_OK) {
        return report_statement(r, &error);
    }
    r->out.closed = false; /* it ends this statement's result only */
    return r->out.failed ? output_close(&r->out, EXIT_DONE) : -1;
}

static void put_timing(sql_run *r, uint64_t since)
{
    char members[96];
    const double seconds = (double)(now_ns() - since) / 1e9;
    if (option_is_set(r->in, "timing")) {
        r->in->told_time = true;
        (void)fprintf(stderr, "time: %.3f s\n", seconds);
    }
    (void)snprintf(members, sizeof(members), "\"statement\":%llu,\"seconds\":%.6f",
                   (unsigned long long)r->statements, seconds);
    log_line(r->in, "info", "statement done", members);
}

/* -1 where the output can hold what so many statements answer. */
static int refuse_results(const sql_run *r, size_t results)
{
    if (!r->form.holds_one || results < 2) {
        return -1;
    }
    const char *hint = "one statement with rows, UNION ALL, or COPY ... TO a file for each";
    return r->form.file != NULL
               ? usage_error(r->in, hint, "-o %s holds one result: a second one would %s",
                             r->form.file,
                             r->form.copied != NULL ? "replace the first" : "make it unreadable")
               : usage_error(r->in, hint, "--format %s writes one result", r->form.copied);
}

/* All statements of a text; -1 when each has run. */
int run_text(sql_run *r, const char *sql, size_t size)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_script *script = NULL;
    tarn_result *result = NULL;
    int code = -1;
    r->sql = r->is_made ? NULL : sql;
    r->sql_size = size;
    if (tarn_script_open(r->in->session, sql, size, &script, &error) != TARN_OK) {
        return report_statement(r, &error);
    }
    code = refuse_results(r, r->results + tarn_script_results(script));
    const char *target = r->copy_path[0] != '\0' ? r->copy_path : r->form.file;
    if (code < 0 && r->form.copied != NULL &&
        tarn_script_write_to(script, target, r->form.copied, &error) != TARN_OK) {
        code = report(r->in, &error, NULL, 0);
    }
    while (code < 0) {
        const uint64_t begun = now_ns();
        const size_t left = tarn_script_results(script);
        progress_begin(r->in);
        r->statements++;
        if (tarn_script_next(script, &result, &error) != TARN_OK) {
            code = report_statement(r, &error);
        } else if (result == NULL) {
            break;
        } else {
            code = print_result(r, result);
            r->results += code < 0 ? left - tarn_script_results(script) : 0;
            progress_end(r->in);
            put_timing(r, begun);
        }
    }
    progress_end(r->in);
    if (signal_seen() == 0 || r->stays) { /* else the process ends now, and its memory with it */
        tarn_script_close(script);
    }
    return code;
}

/* ---- Parquet on standard output: made whole beside it, then copied ---- */

static int prepare_copy(sql_run *r)
{
    const char *folder = getenv("TMPDIR");
    if (r->form.copied == NULL || r->form.file != NULL) {
        return -1;
    }
    (void)snprintf(r->copy_path, sizeof(r->copy_path), "%s/tarn-XXXXXX",
                   folder == NULL || strlen(folder) > 200 ? "/tmp" : folder);
    const int fd = mkstemp(r->copy_path);
    if (fd < 0) {
        const int number = errno;
        r->copy_path[0] = '\0';
        return cannot_read(r->in, folder == NULL ? "/tmp" : folder, number);
    }
    (void)close(fd);
    return -1;
}

static int deliver_copy(sql_run *r, int code)
{
    char buffer[READ_SIZE];
    if (r->copy_path[0] == '\0') {
        return code;
    }
    const int fd = code < 0 ? open(r->copy_path, O_RDONLY | O_CLOEXEC) : -1;
    while (fd >= 0) {
        const ssize_t got = read(fd, buffer, sizeof(buffer));
        if (got <= 0 || !output_write(&r->out, buffer, (size_t)got)) {
            break;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)unlink(r->copy_path);
    return code;
}

/* ---- the command ---- */

int run_begin(sql_run *r, invocation *in)
{
    int code;
    *r = (sql_run){.in = in};
    if (!printing_of(in, &r->form)) {
        return EXIT_USAGE;
    }
    if (session_of(in, &code) == NULL) {
        return code;
    }
    code = prepare_copy(r);
    return code >= 0 ? code
                     : output_open(&r->out, in, r->form.copied == NULL ? r->form.file : NULL);
}

int run_end(sql_run *r, int code)
{
    code = deliver_copy(r, code);
    if (code < 0 && r->form.file != NULL && r->results == 0) { /* an older file stays as it is */
        if (r->statements > 0 && !r->is_made && strncmp(r->form.file, "/dev/", 5) != 0) {
            tell(r->in, "'%s' is not written: no statement gave rows\n", r->form.file);
        }
        tarn_upload_abort(r->out.upload);
        r->out.upload = NULL;
        return EXIT_DONE;
    }
    return output_close(&r->out, code < 0 ? EXIT_DONE : code);
}

int run_sql(invocation *in, const char *sql, size_t size)
{
    sql_run r;
    const int code = run_begin(&r, in);
    r.is_made = true;
    return code >= 0 ? code : run_end(&r, run_text(&r, sql, size));
}

int print_and_close(invocation *in, tarn_result *result)
{
    tarn_error error = TARN_ERROR_INIT;
    printing form;
    output out;
    int code = EXIT_USAGE;
    if (printing_of(in, &form)) {
        code = form.copied == NULL
                   ? output_open(&out, in, form.file)
                   : usage_error(in, "--format csv, json...", "this list is text, not Parquet");
    }
    if (code < 0) {
        code = tarn_result_print(result, &form.print, output_write, &out, &error) == TARN_OK
                   ? EXIT_DONE
                   : report(in, &error, NULL, 0);
        code = output_close(&out, code);
    }
    tarn_result_close(result);
    return code;
}

/* The texts of the command line: read before the first of them runs. */
typedef struct texts {
    struct {
        const char *text;
        char *owned; /* a file's */
        size_t size;
    } items[GIVEN_MAX * 2];
    size_t count;
} texts;

static int add_text(sql_run *r, texts *all, const char *text)
{
    if (all->count == sizeof(all->items) / sizeof(all->items[0])) {
        return usage_error(r->in, "-f takes a file of many", "more than %zu texts of SQL",
                           all->count);
    }
    all->items[all->count].text = text;
    all->items[all->count++].size = strlen(text);
    return -1;
}

static int add_file(sql_run *r, texts *all, const char *path)
{
    char *text;
    size_t size;
    int code = read_whole(r->in, path, &text, &size);
    if (code < 0 && (code = add_text(r, all, "")) >= 0) {
        tarn_text_free(text);
    } else if (code < 0) {
        all->items[all->count - 1].text = all->items[all->count - 1].owned = text;
        all->items[all->count - 1].size = size;
    }
    return code;
}

static int gather_texts(sql_run *r, texts *all)
{
    const invocation *in = r->in;
    int code = -1;
    for (size_t i = 0; i < in->given_count && code < 0; i++) {
        const given *each = &in->given[i];
        if (each->option->letter == 'c') {
            code = add_text(r, all, each->value);
        } else if (each->option->letter == 'f') {
            code = add_file(r, all, each->value);
        }
    }
    for (size_t i = 0; i < in->word_count && code < 0; i++) {
        code =
            strcmp(in->words[i], "-") == 0 ? add_file(r, all, "-") : add_text(r, all, in->words[i]);
    }
    return code < 0 && all->count == 0 ? add_file(r, all, "-") : code;
}

/* ---- parameters that no statement has: meant for another name, or lost on the way ---- */

static bool name_of_parameter(const given *each, char *name, size_t room)
{
    const char *equals = strchr(each->value, '=');
    if (strcmp(each->option->name, "param") != 0 || equals == NULL) {
        return false;
    }
    (void)snprintf(name, room, "%.*s", (int)(equals - each->value), each->value);
    return true;
}

void see_parameters(const invocation *in, const tarn_script *script, bool *used)
{
    char name[128];
    for (size_t i = 0; i < in->given_count; i++) {
        used[i] = used[i] || !name_of_parameter(&in->given[i], name, sizeof(name)) ||
                  tarn_script_has_parameter(script, name);
    }
}

int refuse_unused(const invocation *in, const bool *used)
{
    char name[128];
    char hint[400];
    for (size_t i = 0; i < in->given_count; i++) {
        if (!used[i] && name_of_parameter(&in->given[i], name, sizeof(name))) {
            (void)snprintf(
                hint, sizeof(hint),
                "leave -p %s out; or write the SQL in '...': within \"...\" a shell puts "
                "its own $%s there",
                name, name);
            return usage_error(in, hint, "no statement has the parameter $%s", name);
        }
    }
    return -1;
}

/* -o of the command line that no statement fills: nothing runs, and an older file stays. */
static int refuse_empty_output(const sql_run *r)
{
    size_t at = 0;
    const char *file = option_each(r->in, "output", &at);
    return file == NULL || r->form.file == NULL || strncmp(r->form.file, "/dev/", 5) == 0
               ? -1
               : usage_error(r->in, "leave -o out, or end with a SELECT, FROM, SHOW...",
                             "no statement gives rows for -o %s", r->form.file);
}

/* What would make a second result, or none for -o, is known before the first statement runs, and so
 * are parameters without a use.  A text that cannot be read is told when its turn comes. */
static int check_texts(sql_run *r, const texts *all)
{
    bool used[GIVEN_MAX] = {false};
    size_t results = 0;
    size_t at = 0;
    bool all_read = true;
    const bool binds = option_each(r->in, "param", &at) != NULL;
    if (!binds && !r->form.holds_one && r->form.file == NULL) {
        return -1;
    }
    for (size_t i = 0; i < all->count; i++) {
        tarn_script *script = NULL;
        if (tarn_script_open(r->in->session, all->items[i].text, all->items[i].size, &script,
                             NULL) == TARN_OK) {
            results += tarn_script_results(script);
            see_parameters(r->in, script, used);
        } else {
            all_read = false;
        }
        tarn_script_close(script);
    }
    const int code = all_read && binds ? refuse_unused(r->in, used) : -1;
    return code >= 0                  ? code
           : all_read && results == 0 ? refuse_empty_output(r)
                                      : refuse_results(r, results);
}

int run_query(invocation *in)
{
    static texts all; /* too large for every stack */
    sql_run r;
    bool any = in->word_count > 0;
    for (size_t i = 0; i < in->given_count; i++) {
        any = any || in->given[i].option->letter == 'c' || in->given[i].option->letter == 'f';
    }
    if (!any && isatty(STDIN_FILENO) == 1) {
        return usage_error(in, "tarn query \"SELECT 42\"", "no SQL given");
    }
    int code = run_begin(&r, in);
    if (code >= 0) {
        return code;
    }
    code = gather_texts(&r, &all);
    code = code >= 0 ? code : check_texts(&r, &all);
    for (size_t i = 0; i < all.count && code < 0; i++) {
        code = run_text(&r, all.items[i].text, all.items[i].size);
    }
    for (size_t i = 0; i < all.count; i++) {
        tarn_text_free(all.items[i].owned);
    }
    return run_end(&r, code);
}
