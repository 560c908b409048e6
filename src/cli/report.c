/* Everything that goes to standard error: errors, warnings, log lines, figures. */
#include "commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool wants_json(const invocation *in)
{
    const char *format = option_text(in, "log-format");
    return format != NULL && strcmp(format, "json") == 0;
}

bool is_quiet(const invocation *in)
{
    return option_is_set(in, "quiet");
}

bool wants_colour(const invocation *in, int fd)
{
    const char *colour = option_text(in, "color");
    const char *none = getenv("NO_COLOR");
    if (colour != NULL && strcmp(colour, "auto") != 0) {
        return strcmp(colour, "always") == 0;
    }
    return isatty(fd) == 1 && (none == NULL || none[0] == '\0');
}

/* By code and origin: docs/decisions has the table. */
int exit_code_of(const tarn_error *error, bool is_usage)
{
    switch (error->code) {
    case TARN_OK:
        return EXIT_DONE;
    case TARN_E_INVALID:
    case TARN_E_NOT_FOUND:
    case TARN_E_EXISTS:
    case TARN_E_CORRUPT:
    case TARN_E_UNSUPPORTED:
        return is_usage ? EXIT_USAGE : EXIT_DATA;
    case TARN_E_AUTH:
    case TARN_E_DENIED:
        return EXIT_USAGE;
    case TARN_E_CANCELLED:
        return signal_seen() == 15 ? EXIT_TERMINATED : EXIT_INTERRUPTED;
    case TARN_E_CONFLICT:
    case TARN_E_NOMEM:
    case TARN_E_LIMIT:
    case TARN_E_DISK_FULL:
    case TARN_E_UNAVAILABLE:
    case TARN_E_IO:
    case TARN_E_OUTCOME_UNKNOWN:
        return EXIT_TRY_AGAIN;
    case TARN_E_INTERNAL:
    default:
        return EXIT_INTERNAL;
    }
}

static void put(const invocation *in, const tarn_error *error, const char *what, const char *sql,
                size_t sql_size)
{
    char *text = NULL;
    const uint32_t flags = (wants_json(in) ? TARN_REPORT_JSON : 0) |
                           (wants_colour(in, STDERR_FILENO) ? TARN_REPORT_COLOUR : 0);
    const uint32_t width = isatty(STDERR_FILENO) == 1 ? terminal_width() : 0;
    (void)fflush(stdout);
    if (tarn_error_report(error, what, sql, sql_size, flags, width, &text, NULL) == TARN_OK) {
        (void)fputs(text, stderr);
    } else { /* no memory is left to say it well */
        (void)fprintf(stderr, "%s: %s\n", what, error->message);
    }
    tarn_text_free(text);
}

int report(const invocation *in, const tarn_error *error, const char *sql, size_t sql_size)
{
    put(in, error, "error", sql, sql_size);
    return exit_code_of(error, false);
}

int report_usage(const invocation *in, const tarn_error *error, const char *text, size_t size)
{
    put(in, error, "error", text, size);
    return exit_code_of(error, true);
}

int usage_error(const invocation *in, const char *hint, const char *format, ...)
{
    tarn_error error = TARN_ERROR_INIT;
    va_list arguments;
    va_start(arguments, format);
    error.code = TARN_E_INVALID;
    (void)vsnprintf(error.message, sizeof(error.message), format, arguments);
    va_end(arguments);
    (void)snprintf(error.hint, sizeof(error.hint), "%s", hint);
    return report_usage(in, &error, NULL, 0);
}

int not_built(const invocation *in, const char *hint, const char *format, ...)
{
    tarn_error error = TARN_ERROR_INIT;
    va_list arguments;
    va_start(arguments, format);
    error.code = TARN_E_UNSUPPORTED;
    (void)vsnprintf(error.message, sizeof(error.message), format, arguments);
    va_end(arguments);
    (void)snprintf(error.hint, sizeof(error.hint), "%s", hint);
    return report_usage(in, &error, NULL, 0);
}

bool warn(const invocation *in, const char *format, ...)
{
    const bool strict = option_is_set(in, "strict");
    tarn_error error = TARN_ERROR_INIT;
    va_list arguments;
    va_start(arguments, format);
    error.code = TARN_E_INVALID;
    (void)vsnprintf(error.message, sizeof(error.message), format, arguments);
    va_end(arguments);
    if (strict || !is_quiet(in)) {
        put(in, &error, strict ? "error" : "warning", NULL, 0);
    }
    return !strict;
}

void tell_warning(const invocation *in, const char *text)
{
    tarn_error error = TARN_ERROR_INIT;
    error.code = TARN_E_INVALID;
    (void)snprintf(error.message, sizeof(error.message), "%s", text);
    if (!is_quiet(in)) {
        put(in, &error, "warning", NULL, 0);
    }
}

void tell(const invocation *in, const char *format, ...)
{
    va_list arguments;
    if (is_quiet(in) || wants_json(in)) {
        return;
    }
    (void)fflush(stdout);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
}

static int level_of(const char *level)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(level, levels[i]) == 0) {
            return i;
        }
    }
    return 1;
}

void log_line(const invocation *in, const char *level, const char *message, const char *members)
{
    struct timespec now;
    const char *wanted = option_text(in, "log-level");
    if (level_of(level) > level_of(wanted == NULL ? "warn" : wanted)) {
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (wants_json(in)) {
        (void)fprintf(stderr, "{\"time\":%lld.%03ld,\"level\":\"%s\",\"message\":\"%s\"%s%s}\n",
                      (long long)now.tv_sec, now.tv_nsec / 1000000, level, message,
                      members[0] == '\0' ? "" : ",", members);
    } else {
        (void)fprintf(stderr, "%s: %s%s%s\n", level, message, members[0] == '\0' ? "" : " ",
                      members);
    }
}

void put_stats(const invocation *in)
{
    tarn_figures figures = TARN_FIGURES_INIT;
    if (!option_is_set(in, "stats")) {
        return;
    }
    tarn_process_figures(&figures);
    const double seconds = (double)(now_ns() - in->started_ns) / 1e9;
    (void)fflush(stdout);
    (void)fprintf(
        stderr,
        "{\"seconds\":%.6f,\"rows_in\":%llu,\"rows_out\":%llu,\"rows_rejected\":%llu,"
        "\"bytes_read\":%llu,\"bytes_written\":%llu,\"peak_bytes\":%llu,"
        "\"peak_rss_bytes\":%llu,\"spilled_bytes\":%llu}\n",
        seconds, (unsigned long long)in->stats.rows_in, (unsigned long long)in->stats.rows_out,
        (unsigned long long)in->stats.rows_rejected,
        (unsigned long long)(in->stats.bytes_read > figures.bytes_read ? in->stats.bytes_read
                                                                       : figures.bytes_read),
        (unsigned long long)figures.bytes_written, (unsigned long long)figures.peak_bytes,
        (unsigned long long)figures.peak_rss_bytes, (unsigned long long)in->stats.spilled_bytes);
}
