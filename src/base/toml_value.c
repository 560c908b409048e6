/* Strings, numbers, dates and truth of TOML. */
#include "base/number.h"
#include "base/toml_internal.h"
#include "base/utf8.h"

#include <stdio.h>

/* ---- strings ----------------------------------------------------------------------------------*/

/* One string's body, unit by unit: read for its text, or walked to find where a byte of it is. */
typedef struct body {
    tn_str text; /* the document */
    size_t at;
    char quote;
    bool is_long;
} body;

typedef enum unit { UNIT_BYTES, UNIT_NOTHING, UNIT_END, UNIT_WRONG } unit;

static body open_body(tn_str text, size_t at)
{
    body b = {text, at + 1, text.data[at], false};
    if (at + 2 < text.size && text.data[at + 1] == b.quote && text.data[at + 2] == b.quote) {
        b.is_long = true;
        b.at = at + 3;
        if (b.at < text.size && text.data[b.at] == '\r') {
            b.at += b.at + 1 < text.size && text.data[b.at + 1] == '\n';
        }
        b.at += b.at < text.size && text.data[b.at] == '\n';
    }
    return b;
}

/* A backslash at b->at; `why` where it is no escape. */
static unit read_escape(body *b, char *out, size_t *size, const char **why)
{
    static const char names[] = "btnfr\"\\";
    static const char values[] = "\b\t\n\f\r\"\\";
    const char c = b->at + 1 < b->text.size ? b->text.data[b->at + 1] : '\0';
    const char *found = c == '\0' ? NULL : strchr(names, c);
    if (found != NULL) {
        out[0] = values[found - names];
        *size = 1;
        b->at += 2;
        return UNIT_BYTES;
    }
    if (c == 'u' || c == 'U') {
        const size_t digits = c == 'u' ? 4 : 8;
        uint32_t point = 0;
        for (size_t i = 0; i < digits; i++) {
            const int digit =
                b->at + 2 + i < b->text.size ? tn_hex_digit(b->text.data[b->at + 2 + i]) : -1;
            if (digit < 0) {
                *why = c == 'u' ? "\\u needs four hexadecimal digits"
                                : "\\U needs eight hexadecimal digits";
                return UNIT_WRONG;
            }
            point = point << 4 | (uint32_t)digit;
        }
        if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
            *why = "this escape is no Unicode character";
            return UNIT_WRONG;
        }
        *size = tn_utf8_encode(point, out);
        b->at += 2 + digits;
        return UNIT_BYTES;
    }
    if (b->is_long) { /* a line end is trimmed with all blanks that follow */
        size_t at = b->at + 1;
        while (at < b->text.size && (b->text.data[at] == ' ' || b->text.data[at] == '\t')) {
            at++;
        }
        at += at + 1 < b->text.size && b->text.data[at] == '\r' && b->text.data[at + 1] == '\n';
        if (at < b->text.size && b->text.data[at] == '\n') {
            while (at < b->text.size && memchr(" \t\r\n", b->text.data[at], 4) != NULL) {
                at++;
            }
            b->at = at;
            return UNIT_NOTHING;
        }
    }
    *why = "there is no such escape; a backslash itself is \\\\, or use '...' quotes";
    return UNIT_WRONG;
}

static bool at_quotes(const body *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (b->at + i >= b->text.size || b->text.data[b->at + i] != b->quote) {
            return false;
        }
    }
    return true;
}

static unit next_unit(body *b, char *out, size_t *size, const char **why)
{
    if (b->at >= b->text.size) {
        *why = "the string has no end";
        return UNIT_WRONG;
    }
    const char c = b->text.data[b->at];
    /* Up to two quotes may stand before the three that end a long string. */
    if (c == b->quote && (!b->is_long || (at_quotes(b, 3) && !at_quotes(b, 4)) ||
                          (at_quotes(b, 5) && at_quotes(b, 6)))) {
        b->at += b->is_long ? 3 : 1;
        return UNIT_END;
    }
    if (c == '\\' && b->quote == '"') {
        return read_escape(b, out, size, why);
    }
    const bool newline =
        c == '\n' || (c == '\r' && b->at + 1 < b->text.size && b->text.data[b->at + 1] == '\n');
    if (newline && !b->is_long) {
        *why = "the string does not end on its line; use three quotes for long ones";
        return UNIT_WRONG;
    }
    if (((unsigned char)c < 0x20 && c != '\t' && !newline) || c == 0x7f) {
        *why = "a control character in a string must be written as \\u00XX";
        return UNIT_WRONG;
    }
    out[0] = c;
    *size = 1;
    b->at++;
    return UNIT_BYTES;
}

tarn_code tn_toml__string(tn_toml_reader *r, bool may_be_long, tn_str *out, tarn_error *err)
{
    const size_t start = r->at;
    body b = open_body(r->text, r->at);
    const char *why = NULL;
    char bytes[TN_UTF8_MAX];
    char *text = NULL;
    size_t size = 0;
    size_t total = 0;
    const size_t from = b.at;
    unit got;

    if (b.is_long && !may_be_long) {
        return tn_toml__fault(r, start, err, "a key cannot be a string of several lines");
    }
    for (body scan = b; (got = next_unit(&scan, bytes, &size, &why)) != UNIT_END;) {
        if (got == UNIT_WRONG) {
            const bool no_end = scan.at >= r->text.size;
            r->at = scan.at;
            return tn_toml__fault(r, no_end ? start : scan.at, err, "%s", why);
        }
        total += got == UNIT_BYTES ? size : 0;
        r->at = scan.at;
    }
    if (r->at == start || r->at < from) {
        r->at = from;
    }
    if (r->at - from == total) { /* nothing was escaped */
        *out = tn_str_slice(r->text, from, r->at);
        r->at += b.is_long ? 3 : 1;
        return TARN_OK;
    }
    void *memory;
    TN_RETURN_IF_ERROR(tn_arena_alloc(r->arena, total + 1, &memory, err));
    text = memory;
    total = 0;
    while ((got = next_unit(&b, bytes, &size, &why)) != UNIT_END) {
        if (got == UNIT_BYTES) {
            memcpy(text + total, bytes, size);
            total += size;
        }
    }
    r->at = b.at;
    *out = (tn_str){text, total};
    return TARN_OK;
}

void tn_toml_place(tn_str document, const tn_toml *string, size_t index, uint32_t *line,
                   uint32_t *column)
{
    size_t at = string->offset;
    if (string->kind == TN_TOML_STRING && at < document.size) {
        body b = open_body(document, at);
        const char *why;
        char bytes[TN_UTF8_MAX];
        size_t size = 0;
        size_t passed = 0;
        at = b.at;
        while (passed <= index) {
            const size_t before = b.at;
            const unit got = next_unit(&b, bytes, &size, &why);
            at = before;
            if (got == UNIT_END || got == UNIT_WRONG) {
                break;
            }
            passed += got == UNIT_BYTES ? size : 0;
        }
    }
    tn_toml_reader r = {.text = document};
    tn_toml__locate(&r, at, line, column);
}

/* ---- numbers ----------------------------------------------------------------------------------*/

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Copies without underscores; each must stand between digits. */
static bool without_underscores(tn_str text, char *out, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '_') {
            out[(*size)++] = text.data[i];
        } else if (i == 0 || i + 1 == text.size || tn_hex_digit(text.data[i - 1]) < 0 ||
                   tn_hex_digit(text.data[i + 1]) < 0) {
            return false;
        }
    }
    return true;
}

static tarn_code parse_radix(tn_toml_reader *r, tn_toml *node, size_t start, const char *digits,
                             size_t size, tarn_error *err)
{
    const unsigned radix = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : 2;
    uint64_t value = 0;
    bool good = size > 2;
    for (size_t i = 2; i < size && good; i++) {
        const int digit = tn_hex_digit(digits[i]);
        good = digit >= 0 && (unsigned)digit < radix;
        if (good && value > (INT64_MAX - (uint64_t)digit) / radix) {
            return tn_toml__fault(r, start, err, "this number is too large");
        }
        value = value * radix + (uint64_t)(good ? digit : 0);
    }
    if (!good) {
        return tn_toml__fault(r, start, err, "'%.*s' is no number", TN_STR_ARGS(node->text));
    }
    node->kind = TN_TOML_INTEGER;
    node->integer = (int64_t)value;
    node->number = (double)node->integer;
    return TARN_OK;
}

/* [+-] digits [. digits] [e [+-] digits], no leading zero. */
static bool is_number(const char *text, size_t size, bool *is_float)
{
    size_t i = size > 0 && (text[0] == '+' || text[0] == '-');
    const size_t first = i;
    *is_float = false;
    while (i < size && is_digit(text[i])) {
        i++;
    }
    if (i == first || (text[first] == '0' && i > first + 1)) {
        return false;
    }
    if (i < size && text[i] == '.') {
        const size_t from = ++i;
        *is_float = true;
        while (i < size && is_digit(text[i])) {
            i++;
        }
        if (i == from) {
            return false;
        }
    }
    if (i < size && (text[i] == 'e' || text[i] == 'E')) {
        *is_float = true;
        i++;
        i += i < size && (text[i] == '+' || text[i] == '-');
        const size_t from = i;
        while (i < size && is_digit(text[i])) {
            i++;
        }
        if (i == from) {
            return false;
        }
    }
    return i == size;
}

static tarn_code parse_number(tn_toml_reader *r, tn_toml *node, size_t start, tarn_error *err)
{
    char digits[128];
    size_t size;
    bool is_float;
    const tn_str text = node->text;

    const size_t sign = text.size > 0 && (text.data[0] == '+' || text.data[0] == '-');
    const tn_str word = tn_str_slice(text, sign, text.size);
    if (tn_str_equal(word, TN_STR("inf")) || tn_str_equal(word, TN_STR("nan"))) {
        node->kind = TN_TOML_FLOAT;
        (void)tn_parse_f64(text.data, text.size, &node->number);
        return TARN_OK;
    }
    if (text.size >= sizeof(digits) || !without_underscores(text, digits, &size)) {
        return tn_toml__fault(r, start, err, "'%.*s' is no value", TN_STR_ARGS(text));
    }
    if (size > 2 && digits[0] == '0' && strchr("xob", digits[1]) != NULL && digits[1] != '\0') {
        return parse_radix(r, node, start, digits, size, err);
    }
    if (!is_number(digits, size, &is_float)) {
        return tn_toml__fault(r, start, err,
                              is_digit(text.data[0]) || sign ? "'%.*s' is no number or date"
                                                             : "'%.*s' is no value; a text "
                                                               "stands in quotes",
                              TN_STR_ARGS(text));
    }
    if (is_float) {
        node->kind = TN_TOML_FLOAT;
        (void)tn_parse_f64(digits, size, &node->number);
        return TARN_OK;
    }
    node->kind = TN_TOML_INTEGER;
    if (tn_parse_i64(digits, size, &node->integer) != TN_PARSED) {
        return tn_toml__fault(r, start, err, "this number is too large");
    }
    node->number = (double)node->integer;
    return TARN_OK;
}

/* ---- dates ------------------------------------------------------------------------------------*/

static bool read_digits(tn_str text, size_t *at, size_t count, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++, (*at)++) {
        if (*at >= text.size || !is_digit(text.data[*at])) {
            return false;
        }
        *out = 10 * *out + (unsigned)(text.data[*at] - '0');
    }
    return true;
}

static bool read_char(tn_str text, size_t *at, char c)
{
    const bool there = *at < text.size && text.data[*at] == c;
    *at += there;
    return there;
}

static bool read_date(tn_str text, size_t *at)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year;
    unsigned month;
    unsigned day;
    if (!read_digits(text, at, 4, &year) || !read_char(text, at, '-') ||
        !read_digits(text, at, 2, &month) || !read_char(text, at, '-') ||
        !read_digits(text, at, 2, &day) || month < 1 || month > 12) {
        return false;
    }
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day >= 1 && day <= days[month - 1] + (unsigned)(month == 2 && leap);
}

static bool read_time(tn_str text, size_t *at)
{
    unsigned hour;
    unsigned minute;
    unsigned second;
    if (!read_digits(text, at, 2, &hour) || !read_char(text, at, ':') ||
        !read_digits(text, at, 2, &minute) || !read_char(text, at, ':') ||
        !read_digits(text, at, 2, &second) || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    if (read_char(text, at, '.')) {
        const size_t from = *at;
        while (*at < text.size && is_digit(text.data[*at])) {
            (*at)++;
        }
        return *at > from;
    }
    return true;
}

static bool parse_date(tn_toml *node)
{
    const tn_str text = node->text;
    size_t at = 0;
    unsigned hour;
    unsigned minute;
    if (text.size > 2 && text.data[2] == ':') {
        node->kind = TN_TOML_TIME;
        return read_time(text, &at) && at == text.size;
    }
    node->kind = TN_TOML_DATE;
    if (!read_date(text, &at)) {
        return false;
    }
    if (at == text.size) {
        return true;
    }
    node->kind = TN_TOML_DATETIME;
    if (strchr("Tt ", text.data[at]) == NULL || (at++, !read_time(text, &at))) {
        return false;
    }
    if (at == text.size) {
        return true;
    }
    node->kind = TN_TOML_DATETIMETZ;
    if (read_char(text, &at, 'Z') || read_char(text, &at, 'z')) {
        return at == text.size;
    }
    if (!read_char(text, &at, '+') && !read_char(text, &at, '-')) {
        return false;
    }
    return read_digits(text, &at, 2, &hour) && read_char(text, &at, ':') &&
           read_digits(text, &at, 2, &minute) && hour < 24 && minute < 60 && at == text.size;
}

/* ---- scalars ----------------------------------------------------------------------------------*/

static size_t word_end(tn_str text, size_t at)
{
    while (at < text.size && strchr(" \t\r\n,]}#=", text.data[at]) == NULL) {
        at++;
    }
    return at;
}

tarn_code tn_toml__scalar(tn_toml_reader *r, tn_toml *node, tarn_error *err)
{
    const size_t start = r->at;
    size_t end = word_end(r->text, start);

    /* A blank may stand between date and time. */
    if (end == start + 10 && r->text.data[start + 4] == '-' && end + 3 < r->text.size &&
        r->text.data[end] == ' ' && is_digit(r->text.data[end + 1]) &&
        is_digit(r->text.data[end + 2]) && r->text.data[end + 3] == ':') {
        end = word_end(r->text, end + 1);
    }
    node->text = tn_str_slice(r->text, start, end);
    r->at = end;
    if (end == start) {
        return tn_toml__fault(r, start, err, "a value is missing");
    }
    if (tn_str_equal(node->text, TN_STR("true")) || tn_str_equal(node->text, TN_STR("false"))) {
        node->kind = TN_TOML_BOOLEAN;
        node->boolean = node->text.size == 4;
        return TARN_OK;
    }
    if (node->text.size >= 5 && is_digit(node->text.data[0]) &&
        ((node->text.data[2] == ':') ||
         (is_digit(node->text.data[3]) && node->text.data[4] == '-'))) {
        return parse_date(node) ? TARN_OK
                                : tn_toml__fault(r, start, err, "'%.*s' is no date or time",
                                                 TN_STR_ARGS(node->text));
    }
    return parse_number(r, node, start, err);
}
