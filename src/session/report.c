/* Errors as people read them: what is wrong, where, what to do. */
#include "session/render.h"

#include "base/size.h"
#include "base/utf8.h"
#include "session/session.h"

#include <stdio.h>

typedef struct place {
    size_t line, column; /* from 1, in characters */
    tn_str text;         /* the line */
    size_t from, size;   /* the culprit in it */
} place;

static bool locate(const tarn_error *error, tn_str sql, place *out)
{
    size_t begin = 0;
    const size_t start = error->span_start;
    if (sql.size == 0 || start > sql.size || tn_setting_names_secret(sql) ||
        (error->span_length == 0 && start == 0)) {
        return false;
    }
    out->line = 1;
    for (size_t i = 0; i < start; i++) {
        if (sql.data[i] == '\n') {
            out->line++;
            begin = i + 1;
        }
    }
    size_t end = start;
    while (end < sql.size && sql.data[end] != '\n') {
        end++;
    }
    out->text = tn_str_slice(sql, begin, end);
    if (out->text.size > 0 && out->text.data[out->text.size - 1] == '\r') {
        out->text.size--;
    }
    out->from = tn_min_size(start - begin, out->text.size);
    out->size = tn_min_size(error->span_length, out->text.size - out->from);
    out->column = 1 + tn_utf8_length(out->text.data, out->from);
    return true;
}

/* Tabs are a blank each, so that what stands below stands below. */
static void put_flat(tn_text *out, tn_str text)
{
    for (size_t at = 0; at < text.size;) {
        const size_t from = at;
        const uint32_t point = tn_utf8_next(text.data, text.size, &at);
        if (point < 0x20 || point == 0x7f) {
            tn_text_putc(out, ' ');
        } else {
            tn_text_append(out, tn_str_slice(text, from, at));
        }
    }
}

static size_t flat_width(tn_str text)
{
    size_t controls = 0;
    for (size_t i = 0; i < text.size; i++) {
        controls += (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f;
    }
    const size_t width = tn_text_width(text);
    return tn_utf8_is_ascii(text.data, text.size) ? width : width + controls;
}

/* The line, cut to what is around the culprit where it is long, and carets below. */
static void put_place(const place *p, const tn_report_options *options, tn_text *out)
{
    char head[64];
    const size_t head_size =
        (size_t)snprintf(head, sizeof(head), "  line %zu, column %zu: ", p->line, p->column);
    const size_t room =
        options->width > head_size + 40 ? options->width - head_size - 2 : 4096 - head_size;
    size_t first = 0;
    if (flat_width(p->text) > room && p->from > room / 3) {
        first = p->from - room / 3;
        while (first > 0 && ((unsigned char)p->text.data[first] & 0xc0) == 0x80) {
            first--;
        }
    }
    const tn_str before = tn_str_slice(p->text, first, p->from);
    tn_str rest = tn_str_slice(p->text, p->from, p->text.size);
    const size_t lead = flat_width(before) + (first > 0 ? 1 : 0);
    const size_t fits = tn_text_cut(rest, room > lead ? room - lead : 1);
    const bool is_cut = fits < rest.size;
    rest.size = fits;
    tn_text_append(out, (tn_str){head, head_size});
    tn_text_puts(out, first > 0 ? "…" : "");
    put_flat(out, before);
    put_flat(out, rest);
    tn_text_puts(out, is_cut ? "…\n" : "\n");
    for (size_t i = 0; i < head_size + lead; i++) {
        tn_text_putc(out, ' ');
    }
    tn_text_puts(out, options->colour ? "\033[1;31m" : "");
    const size_t carets = flat_width(tn_str_slice(rest, 0, tn_min_size(p->size, rest.size)));
    for (size_t i = 0; i < tn_max_size(carets, 1); i++) {
        tn_text_putc(out, '^');
    }
    tn_text_puts(out, options->colour ? "\033[0m\n" : "\n");
}

static bool mentions(const char *message, const char *what)
{
    return what[0] == '\0' || strstr(message, what) != NULL;
}

void tn_report_members(const tarn_error *error, const char *message_name, tn_json_writer *w)
{
    tn_json_name(w, "code");
    tn_json_put_text(w, tarn_code_name(error->code));
    tn_json_name(w, message_name);
    tn_json_put_text(w, error->message);
    if (error->subject[0] != '\0') {
        tn_json_name(w, "subject");
        tn_json_put_text(w, error->subject);
    }
    if (error->line > 0) {
        tn_json_name(w, "line");
        tn_json_put_integer(w, error->line);
    }
    if (error->column > 0) {
        tn_json_name(w, "column");
        tn_json_put_integer(w, error->column);
    }
    if (error->row > 0) {
        tn_json_name(w, "row");
        tn_json_put_integer(w, error->row);
    }
    if (error->hint[0] != '\0') {
        tn_json_name(w, "hint");
        tn_json_put_text(w, error->hint);
    }
    if ((error->flags & TARN_ERROR_RETRYABLE) != 0) {
        tn_json_name(w, "retryable");
        tn_json_put_bool(w, true);
    }
}

static void put_json(const tarn_error *error, const char *what, tn_text *out)
{
    tn_json_writer w = {.out = out};
    tn_json_begin(&w, '{');
    tn_json_name(&w, "level");
    tn_json_put_text(&w, what);
    tn_report_members(error, "message", &w);
    if ((error->flags & TARN_ERROR_RETRYABLE) == 0) {
        tn_json_name(&w, "retryable");
        tn_json_put_bool(&w, false);
    }
    tn_json_end(&w, '}');
    tn_text_putc(out, '\n');
}

void tn_report(const tarn_error *error, tn_str sql, const tn_report_options *options, tn_text *out)
{
    place p;
    char line[32];
    if (options->json) {
        put_json(error, options->what, out);
        return;
    }
    tn_text_puts(out, options->colour ? "\033[1;31m" : "");
    tn_text_puts(out, options->what);
    tn_text_puts(out, options->colour ? ":\033[0m " : ": ");
    tn_text_puts(out, error->message[0] == '\0' ? tarn_code_name(error->code) : error->message);
    tn_text_putc(out, '\n');
    const bool in_sql = locate(error, sql, &p);
    (void)snprintf(line, sizeof(line), "line %lld", (long long)error->line);
    const bool names_line = !in_sql && error->line > 0 && !mentions(error->message, line);
    const bool names_subject = !mentions(error->message, error->subject);
    if (names_subject) {
        tn_text_printf(out, "  in '%s'", error->subject);
    }
    if (names_line) {
        tn_text_puts(out, names_subject ? ", " : "  ");
        tn_text_puts(out, line);
        if (error->column > 0) {
            tn_text_printf(out, ", column %lld", (long long)error->column);
        }
    }
    if (names_subject || names_line) {
        tn_text_putc(out, '\n');
    }
    if (in_sql) {
        put_place(&p, options, out);
    }
    if (error->hint[0] != '\0') {
        tn_text_printf(out, "  hint: %s\n", error->hint);
    }
}
