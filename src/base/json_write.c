/* Writing JSON. */
#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"

/* Index of the first byte from `at` that must be escaped, or is not ASCII. */
static size_t plain_end(tn_str text, size_t at)
{
    while (at < text.size) {
        const unsigned char c = (unsigned char)text.data[at];
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80) {
            break;
        }
        at++;
    }
    return at;
}

static void quote_byte(tn_text *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    const char *known = memchr(from, c, sizeof(from) - 1);
    if (known != NULL) {
        const char escape[2] = {'\\', to[known - from]};
        tn_text_append(out, (tn_str){escape, 2});
    } else {
        static const char hex[] = "0123456789abcdef";
        const char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        tn_text_append(out, (tn_str){escape, 6});
    }
}

void tn_json_quote(tn_text *out, tn_str text)
{
    size_t at = 0;
    tn_text_putc(out, '"');
    while (at < text.size) {
        size_t end = plain_end(text, at);
        tn_text_append(out, tn_str_slice(text, at, end));
        at = end;
        if (at == text.size) {
            break;
        }
        if ((unsigned char)text.data[at] < 0x80) {
            quote_byte(out, (unsigned char)text.data[at++]);
            continue;
        }
        char bytes[TN_UTF8_MAX];
        const uint32_t point = tn_utf8_next(text.data, text.size, &at);
        tn_text_append(out, (tn_str){bytes, tn_utf8_encode(point, bytes)});
    }
    tn_text_putc(out, '"');
}

static void before_value(tn_json_writer *w)
{
    if (w->comma) {
        tn_text_putc(w->out, ',');
    }
    w->comma = true;
}

void tn_json_begin(tn_json_writer *w, char bracket)
{
    before_value(w);
    tn_text_putc(w->out, bracket);
    w->comma = false;
}

void tn_json_end(tn_json_writer *w, char bracket)
{
    tn_text_putc(w->out, bracket);
    w->comma = true;
}

void tn_json_name_str(tn_json_writer *w, tn_str name)
{
    before_value(w);
    tn_json_quote(w->out, name);
    tn_text_putc(w->out, ':');
    w->comma = false;
}

void tn_json_name(tn_json_writer *w, const char *name)
{
    tn_json_name_str(w, tn_str_of(name));
}

void tn_json_put_raw(tn_json_writer *w, tn_str json)
{
    before_value(w);
    tn_text_append(w->out, json);
}

void tn_json_put_null(tn_json_writer *w)
{
    tn_json_put_raw(w, TN_STR("null"));
}

void tn_json_put_bool(tn_json_writer *w, bool value)
{
    tn_json_put_raw(w, value ? TN_STR("true") : TN_STR("false"));
}

void tn_json_put_integer(tn_json_writer *w, int64_t value)
{
    char digits[TN_NUMBER_SIZE];
    tn_json_put_raw(w, (tn_str){digits, tn_print_i64(digits, value)});
}

void tn_json_put_unsigned(tn_json_writer *w, uint64_t value)
{
    char digits[TN_NUMBER_SIZE];
    tn_json_put_raw(w, (tn_str){digits, tn_print_u64(digits, value)});
}

void tn_json_put_double(tn_json_writer *w, double value)
{
    char digits[TN_NUMBER_SIZE];
    const tn_str text = {digits, tn_print_f64(digits, value)};
    if (value - value == 0) {
        tn_json_put_raw(w, text);
    } else {
        tn_json_put_str(w, text);
    }
}

void tn_json_put_str(tn_json_writer *w, tn_str value)
{
    before_value(w);
    tn_json_quote(w->out, value);
}

void tn_json_put_text(tn_json_writer *w, const char *value)
{
    if (value == NULL) {
        tn_json_put_null(w);
    } else {
        tn_json_put_str(w, tn_str_of(value));
    }
}

static void put_scalar(tn_json_writer *w, const tn_json *value)
{
    switch ((tn_json_kind)value->kind) {
    case TN_JSON_NUMBER:
        tn_json_put_raw(w, value->text);
        break;
    case TN_JSON_STRING:
        tn_json_put_str(w, value->text);
        break;
    case TN_JSON_TRUE:
    case TN_JSON_FALSE:
        tn_json_put_bool(w, value->kind == TN_JSON_TRUE);
        break;
    case TN_JSON_NULL:
    case TN_JSON_ARRAY:
    case TN_JSON_OBJECT:
        tn_json_put_null(w);
        break;
    }
}

void tn_json_put(tn_json_writer *w, const tn_json *value)
{
    const tn_json *stack[TN_JSON_DEPTH_MAX]; /* open containers: none is deeper when read */
    size_t depth = 0;
    const tn_json *it = value;

    for (;;) {
        if (depth > 0 && stack[depth - 1]->kind == TN_JSON_OBJECT) {
            tn_json_name_str(w, it->name);
        }
        if (it->kind == TN_JSON_OBJECT || it->kind == TN_JSON_ARRAY) {
            tn_json_begin(w, it->kind == TN_JSON_OBJECT ? '{' : '[');
            if (it->child != NULL && depth < TN_JSON_DEPTH_MAX) {
                stack[depth++] = it;
                it = it->child;
                continue;
            }
            tn_json_end(w, it->kind == TN_JSON_OBJECT ? '}' : ']');
        } else {
            put_scalar(w, it);
        }
        while (depth > 0 && it->next == NULL) {
            it = stack[--depth];
            tn_json_end(w, it->kind == TN_JSON_OBJECT ? '}' : ']');
        }
        if (depth == 0) {
            return;
        }
        it = it->next;
    }
}
