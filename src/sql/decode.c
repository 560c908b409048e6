/* decode.c - what quoted names, strings and parameters say. */
#include "sql/token.h"

static size_t put_utf8(char *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    const size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    out[0] = (char)((0xF00 >> size) | point);
    return size;
}

/* One escape of an E'' string, `*from` behind the backslash. The result never takes more bytes than
 * the escape. */
static TN_FALLIBLE unescape(tn_str text, uint32_t *from, uint32_t end, char *out, size_t *size,
                            tarn_error *err)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    const uint32_t start = *from;
    const char c = text.data[(*from)++];
    const char *letter = c == '\0' ? NULL : strchr(letters, c);
    uint32_t point = 0;
    uint32_t digits = 0;

    *size = 1;
    if (letter != NULL) {
        out[0] = meanings[letter - letters];
        return TARN_OK;
    }
    if (c >= '0' && c <= '7') {
        for (*from = start;
             digits < 3 && *from < end && text.data[*from] >= '0' && text.data[*from] <= '7';
             digits++) {
            point = point * 8 + (uint32_t)(text.data[(*from)++] - '0');
        }
    } else if (c == 'x' || c == 'u' || c == 'U') {
        const uint32_t most = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        for (; digits < most && *from < end && tn_hex_digit(text.data[*from]) >= 0; digits++) {
            point = point * 16 + (uint32_t)tn_hex_digit(text.data[(*from)++]);
        }
        if (digits == 0 || (c != 'x' && digits < most)) {
            return tn_sql__fail(text, (tn_span){start - 1, 2}, err, TARN_E_INVALID,
                                "'\\%c' needs %u hexadecimal digits", c, most);
        }
    } else {
        out[0] = c;
        return TARN_OK;
    }
    if (point == 0 || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
        return tn_sql__fail(text, (tn_span){start - 1, *from - start + 1}, err, TARN_E_INVALID,
                            "this escape is no character");
    }
    /* '\377' and '\xFF' are two bytes as a character: no more than were written. */
    *size = put_utf8(out, point);
    return TARN_OK;
}

static TN_FALLIBLE decode_quoted(tn_str text, uint32_t from, uint32_t end, char quote, bool escapes,
                                 tn_arena *arena, tn_str *out, tarn_error *err)
{
    const tn_str raw = tn_str_slice(text, from, end);
    if (tn_str_find(raw, quote) == SIZE_MAX && (!escapes || tn_str_find(raw, '\\') == SIZE_MAX)) {
        *out = raw;
        return TARN_OK;
    }
    void *memory;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, raw.size, &memory, err));
    char *data = memory;
    size_t size = 0;
    while (from < end) {
        const char c = text.data[from++];
        if (escapes && c == '\\' && from < end) {
            size_t more;
            TN_RETURN_IF_ERROR(unescape(text, &from, end, data + size, &more, err));
            size += more;
        } else {
            from += c == quote;
            data[size++] = c;
        }
    }
    *out = (tn_str){data, size};
    return TARN_OK;
}

static TN_FALLIBLE decode_blob(tn_str text, const tn_token *token, tn_arena *arena, tn_str *out,
                               tarn_error *err)
{
    const uint32_t from = token->span.start + 2;
    const uint32_t end = token->span.start + token->span.length - 1;
    void *memory;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, (end - from) / 2, &memory, err));
    uint8_t *data = memory;
    for (uint32_t i = from; i < end; i += 2) {
        const int high = tn_hex_digit(text.data[i]);
        const int low = i + 1 < end ? tn_hex_digit(text.data[i + 1]) : -1;
        if (high < 0 || low < 0) {
            return tn_sql__fail(text, token->span, err, TARN_E_INVALID,
                                "X'' holds pairs of hexadecimal digits");
        }
        data[(i - from) / 2] = (uint8_t)(high << 4 | low);
    }
    *out = (tn_str){memory, (end - from) / 2};
    return TARN_OK;
}

tarn_code tn_token__decode(tn_str text, const tn_token *token, tn_arena *arena, tn_str *out,
                           tarn_error *err)
{
    uint32_t from = token->span.start;
    uint32_t end = from + token->span.length;
    const char first = text.data[from];

    *out = tn_str_slice(text, from, end);
    if (token->kind == TN_TOKEN_PARAMETER) {
        *out = tn_str_slice(text, from + 1, end);
        return TARN_OK;
    }
    if (token->kind == TN_TOKEN_QUOTED) {
        return decode_quoted(text, from + 1, end - 1, '"', false, arena, out, err);
    }
    if (token->kind == TN_TOKEN_BLOB) {
        return decode_blob(text, token, arena, out, err);
    }
    if (token->kind != TN_TOKEN_STRING) {
        return TARN_OK;
    }
    if (first == '$') {
        const uint32_t tag = (uint32_t)tn_str_find(tn_str_slice(text, from + 1, end), '$') + 2;
        *out = tn_str_slice(text, from + tag, end - tag);
        return TARN_OK;
    }
    const bool is_plain = first == '\'';
    const bool escapes = tn_ascii_lower(first) == 'e';
    return decode_quoted(text, from + (is_plain ? 1 : 2), end - 1, '\'', escapes, arena, out, err);
}
