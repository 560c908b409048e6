/* Results: where they go, and in which form. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): fopencookie */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROWS_ON_TERMINAL = 40 };

uint32_t terminal_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (columns != NULL) {
        const unsigned long width = strtoul(columns, NULL, 10);
        if (width >= 20 && width < 10000) {
            return (uint32_t)width;
        }
    }
    for (int fd = 0; fd < 3; fd++) {
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) {
            return size.ws_col;
        }
    }
    return 80;
}

int output_open(output *out, invocation *in, const char *uri)
{
    tarn_error error = TARN_ERROR_INIT;
    int code;
    *out = (output){.in = in, .fd = STDOUT_FILENO, .error = TARN_ERROR_INIT};
    if (uri == NULL || strcmp(uri, "-") == 0) {
        (void)fflush(stdout);
        return -1;
    }
    tarn_session *session = session_of(in, &code);
    if (session == NULL) {
        return code;
    }
    if (tarn_upload_open(session, uri, TARN_COPY(.needs_folder = 1), &out->upload, &error) !=
        TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    return -1;
}

int output_write(void *context, const char *data, size_t size)
{
    output *out = context;
    if (out->closed || out->failed) {
        return 0;
    }
    if (out->upload != NULL) {
        out->failed = tarn_upload_write(out->upload, data, size, &out->error) != TARN_OK;
        return !out->failed;
    }
    progress_clear();
    while (size > 0) {
        const ssize_t written = write(out->fd, data, size);
        if (written >= 0) {
            data += written;
            size -= (size_t)written;
        } else if (errno == EPIPE) {
            out->closed = true; /* whoever read it has left on purpose */
            return 0;
        } else if (errno != EINTR || signal_seen() != 0) {
            out->failed = true;
            out->error.code = errno == EINTR                       ? TARN_E_CANCELLED
                              : errno == ENOSPC || errno == EDQUOT ? TARN_E_DISK_FULL
                                                                   : TARN_E_IO;
            out->error.os_errno = errno;
            (void)snprintf(out->error.message, sizeof(out->error.message),
                           "writing to standard output: %s",
                           errno == EINTR ? "cancelled" : strerror(errno));
            return 0;
        }
    }
    return 1;
}

int output_close(output *out, int code)
{
    tarn_upload *upload = out->upload;
    out->upload = NULL;
    if (out->failed || code != EXIT_DONE) {
        tarn_upload_abort(upload);
        return out->failed && code == EXIT_DONE ? report(out->in, &out->error, NULL, 0) : code;
    }
    if (upload != NULL && tarn_upload_finish(upload, &out->error) != TARN_OK) {
        return report(out->in, &out->error, NULL, 0);
    }
    return code;
}

/* ---- accounts: what is no rows ----------------------------------------------------------------*/

static const char *last_of(const invocation *in, const char *name)
{
    const char *last = NULL;
    size_t at = 0;
    for (const char *each; (each = option_each(in, name, &at)) != NULL;) {
        last = each;
    }
    return last;
}

int open_account(invocation *in, output *out, bool *json)
{
    const char *format = last_of(in, "format");
    const char *file = last_of(in, "output");
    const file_format *by_name = file == NULL || format != NULL ? NULL : format_of_file(file);
    const char *form = by_name != NULL ? by_name->name : format;
    *json = option_is_set(in, "json") || (form != NULL && strcmp(form, "json") == 0);
    if (format != NULL && strcmp(format, "json") != 0 && (*json || strcmp(format, "table") != 0)) {
        return usage_error(in, "--format json, or leave it out",
                           "'tarn %s' prints text or JSON, and no '%s'", in->command->name, format);
    }
    if (by_name != NULL && (is_packed(file) || !*json)) {
        return usage_error(in, "a name that ends in .json, or --format table for text",
                           "'tarn %s' writes text or JSON, and '%s' promises something else",
                           in->command->name, file);
    }
    return output_open(out, in, file);
}

static ssize_t write_account(void *context, const char *data, size_t size)
{
    return output_write(context, data, size) != 0 ? (ssize_t)size : 0;
}

FILE *account_stream(output *out)
{
    FILE *stream = fopencookie(out, "w", (cookie_io_functions_t){.write = write_account});
    if (stream == NULL) {
        (void)usage_error(out->in, "", "out of memory");
    }
    return stream;
}

/* ---- forms ------------------------------------------------------------------------------------*/

static const char *const forms[] = {"table", "box",      "csv",      "tsv", "json",
                                    "jsonl", "markdown", "vertical", NULL};

static int form_of(const char *name)
{
    for (int i = 0; forms[i] != NULL; i++) {
        if (strcmp(name, forms[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* Results stand one behind the other where each line of them can be read alone, or by a person. */
static bool holds_one(const printing *p)
{
    const tarn_form form = p->print.form;
    return p->file != NULL &&
           (form == TARN_FORM_JSON ||
            ((form == TARN_FORM_CSV || form == TARN_FORM_TSV) && !p->print.no_header));
}

/* The ending of a name without that of a compression, or NULL. */
static const char *ending_of(const char *name)
{
    const char *base = strrchr(name, '/');
    base = base == NULL ? name : base + 1;
    const char *point = strchr(base + (base[0] == '.'), '.');
    return point == NULL || (is_packed(name) && strrchr(base, '.') == point) ? NULL : point;
}

int refuse_packed_parquet(const invocation *in, const char *file)
{
    return usage_error(in, "its pages are: name it '.parquet'",
                       "'%s' promises a compressed file, and Parquet is never compressed as a "
                       "whole",
                       file);
}

bool printing_of(const invocation *in, printing *out)
{
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    const char *format = option_text(in, "format");
    uint64_t width;
    *out =
        (printing){.print = {.struct_size = sizeof(tarn_print)}, .file = option_text(in, "output")};
    if (out->file != NULL && strcmp(out->file, "-") == 0) {
        out->file = NULL;
    }
    if (out->file != NULL && out->file[0] == '\0') {
        (void)usage_error(in, "", "-o names no file");
        return false;
    }
    const bool to_terminal = terminal && out->file == NULL;
    const file_format *by_name = out->file == NULL ? NULL : format_of_file(out->file);
    const char *ending =
        format == NULL && out->file != NULL && by_name == NULL ? ending_of(out->file) : NULL;
    if (ending != NULL && is_planned_format(ending + 1)) {
        (void)not_built(in, "a name that ends in .parquet, .csv, .tsv, .json, .jsonl or .md",
                        "the format '%s' is not built yet", ending + 1);
        return false;
    }
    if (ending != NULL) {
        (void)usage_error(
            in,
            "--format csv, or a name that ends in .parquet, .csv, .tsv, .json, .jsonl "
            "or .md; .gz or .zst may stand behind text",
            "the ending of '%s' names no format", out->file);
        return false;
    }
    if (format == NULL && out->file != NULL && by_name == NULL &&
        strncmp(out->file, "/dev/", 5) != 0) {
        tell(in, "'%s' is written as CSV: its name has no ending, and there is no --format\n",
             out->file);
    }
    if (format == NULL) {
        format = by_name != NULL ? by_name->name : to_terminal ? "table" : "csv";
    }
    const bool packed = out->file != NULL && is_packed(out->file);
    const bool is_parquet = strcmp(format, "parquet") == 0;
    const file_format *copied = format_named(format);
    if (packed && !is_parquet && (copied == NULL || !copied->is_text)) {
        (void)usage_error(in, "csv, tsv, json and jsonl are", "'%s' is not written compressed",
                          format);
        return false;
    }
    if (is_parquet && packed) {
        (void)refuse_packed_parquet(in, out->file);
        return false;
    }
    if (!form_heeds_all(in, format, packed)) {
        return false;
    }
    if (is_parquet || packed) {
        if (to_terminal) {
            (void)usage_error(in, "name a file with -o, or redirect standard output",
                              "Parquet is binary and is not written to a terminal");
            return false;
        }
        out->copied = format;
        out->holds_one = true;
        return true;
    }
    const int form = form_of(format);
    if (form < 0) {
        (void)usage_error(in, "", "'%s' is no format", format);
        return false;
    }
    out->print.form = (tarn_form)form;
    out->print.no_header = option_is_set(in, "no-header");
    out->print.json_strings = option_is_set(in, "json-strings");
    out->print.null_text = option_text(in, "null");
    out->print.colour = to_terminal && wants_colour(in, STDOUT_FILENO);
    if (!option_number(in, "max-rows", to_terminal ? ROWS_ON_TERMINAL : 0, &out->print.max_rows) ||
        !option_number(in, "max-width", to_terminal ? terminal_width() : 0, &width)) {
        return false;
    }
    out->holds_one = holds_one(out);
    out->print.max_width = width > UINT32_MAX ? UINT32_MAX : (uint32_t)width;
    return true;
}
