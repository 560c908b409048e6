#include "sql/token.h"

#include "sql/sql.h"

#include <stdarg.h>
#include <stdio.h>

/* Statements larger than this are data, and belong into a file. */
enum { TEXT_SIZE_MAX = 1 << 30 };

/* ---- keywords ---- */

static const char *const keyword_texts[TN_KW_COUNT] = {"",
#define KEYWORD_TEXT(word, class) #word,
                                                       TN_KEYWORDS(KEYWORD_TEXT)
#undef KEYWORD_TEXT
};
static const char keyword_classes[TN_KW_COUNT] = {'u',
#define KEYWORD_CLASS(word, class) #class[0],
                                                  TN_KEYWORDS(KEYWORD_CLASS)
#undef KEYWORD_CLASS
};

char tn_keyword__class(tn_keyword keyword)
{
    return keyword_classes[keyword];
}

const char *tn_keyword__text(tn_keyword keyword)
{
    return keyword_texts[keyword];
}

const char *const *tn_sql_keywords(size_t *count)
{
    *count = TN_KW_COUNT - 1;
    return keyword_texts + 1;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static int compare_word(tn_str word, const char *keyword)
{
    for (size_t i = 0; i < word.size; i++) {
        const int order = (unsigned char)upper(word.data[i]) - (unsigned char)keyword[i];
        if (order != 0) {
            return order; /* also where the keyword ends: its zero is below any letter */
        }
    }
    return keyword[word.size] == '\0' ? 0 : -1;
}

static tn_keyword keyword_of(tn_str word)
{
    size_t from = 1;
    size_t to = TN_KW_COUNT;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        const int order = compare_word(word, keyword_texts[middle]);
        if (order == 0) {
            return (tn_keyword)middle;
        }
        if (order < 0) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return TN_KW_NONE;
}

/* ---- places ---- */

void tn_sql_locate(tn_str text, tarn_error *err)
{
    if (err == NULL || err->line != 0 || (err->span_start == 0 && err->span_length == 0) ||
        err->span_start > text.size) {
        return;
    }
    int64_t line = 1;
    int64_t column = 1;
    for (uint32_t i = 0; i < err->span_start; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.data[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    err->line = line;
    err->column = column;
}

tarn_code tn_sql__fail(tn_str text, tn_span span, tarn_error *err, tarn_code code,
                       const char *format, ...)
{
    char message[2 * TARN_ERROR_MESSAGE_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)tn_fail(err, code, "%s", message);
    if (err != NULL) {
        err->span_start = span.start;
        err->span_length = span.length;
        tn_sql_locate(text, err);
    }
    return code;
}

/* ---- characters ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return tn_hex_digit(c) >= 0;
}

static bool starts_name(char c)
{
    const char lower = tn_ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool continues_name(char c)
{
    return starts_name(c) || is_digit(c);
}

/* The character at `i`, or zero behind the end. */
static char at(const tn_lexer *lexer, uint32_t i)
{
    return i < lexer->text.size ? lexer->text.data[i] : '\0';
}

/* Bytes of a blank at `i`: also the no-break space and byte order mark that pasting brings. */
static uint32_t blank_at(const tn_lexer *lexer, uint32_t i)
{
    const char c = at(lexer, i);
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
        return 1;
    }
    if (c == '\xC2' && at(lexer, i + 1) == '\xA0') {
        return 2;
    }
    return c == '\xEF' && at(lexer, i + 1) == '\xBB' && at(lexer, i + 2) == '\xBF' ? 3 : 0;
}

static tarn_code fail_from(const tn_lexer *lexer, uint32_t start, tarn_error *err,
                           const char *message)
{
    /* The rest of the text is no help to the eye: mark where it begins. */
    return tn_sql__fail(lexer->text, (tn_span){start, 1}, err, TARN_E_INVALID, "%s", message);
}

static TN_FALLIBLE skip_comment(tn_lexer *lexer, tarn_error *err)
{
    const uint32_t start = lexer->at;
    uint32_t depth = 1; /* they nest, as in PostgreSQL */
    lexer->at += 2;
    while (depth > 0) {
        if (lexer->at >= lexer->text.size) {
            lexer->at = start;
            return fail_from(lexer, start, err, "this comment has no end: '*/' is missing");
        }
        const char c = at(lexer, lexer->at);
        const char next = at(lexer, lexer->at + 1);
        if (c == '/' && next == '*') {
            depth++;
            lexer->at++;
        } else if (c == '*' && next == '/') {
            depth--;
            lexer->at++;
        }
        lexer->at++;
    }
    return TARN_OK;
}

static TN_FALLIBLE skip_blanks(tn_lexer *lexer, tarn_error *err)
{
    for (;;) {
        const uint32_t blank = blank_at(lexer, lexer->at);
        if (blank > 0) {
            lexer->at += blank;
        } else if (at(lexer, lexer->at) == '-' && at(lexer, lexer->at + 1) == '-') {
            while (lexer->at < lexer->text.size && lexer->text.data[lexer->at] != '\n') {
                lexer->at++;
            }
        } else if (at(lexer, lexer->at) == '/' && at(lexer, lexer->at + 1) == '*') {
            TN_RETURN_IF_ERROR(skip_comment(lexer, err));
        } else {
            return TARN_OK;
        }
    }
}

/* ---- tokens ---- */

/* From the opening quote at `at`; a doubled quote stands for one. */
static TN_FALLIBLE lex_quoted(tn_lexer *lexer, char quote, bool escapes, const char *message,
                              tarn_error *err)
{
    const uint32_t start = lexer->at++;
    while (lexer->at < lexer->text.size) {
        const char c = lexer->text.data[lexer->at++];
        if (escapes && c == '\\') {
            lexer->at++;
        } else if (c == quote) {
            if (at(lexer, lexer->at) != quote) {
                return TARN_OK;
            }
            lexer->at++;
        }
    }
    lexer->at = start;
    return fail_from(lexer, start, err, message);
}

static const char no_quote_end[] = "this string has no end: a ' is missing";

/* $tag$ ... $tag$, where `body` is behind the first tag. */
static TN_FALLIBLE lex_dollar(tn_lexer *lexer, uint32_t body, tarn_error *err)
{
    const uint32_t start = lexer->at;
    const uint32_t tag_size = body - start;
    for (uint32_t i = body; i + tag_size <= lexer->text.size; i++) {
        if (lexer->text.data[i] == '$' &&
            memcmp(lexer->text.data + i, lexer->text.data + start, tag_size) == 0) {
            lexer->at = i + tag_size;
            return TARN_OK;
        }
    }
    return fail_from(lexer, start, err, "this string has no end: its closing $$ is missing");
}

static TN_FALLIBLE lex_parameter(tn_lexer *lexer, tn_token *out, tarn_error *err)
{
    uint32_t end = lexer->at + 1;
    while (continues_name(at(lexer, end))) {
        end++;
    }
    const bool is_number = is_digit(at(lexer, lexer->at + 1));
    if (at(lexer, end) == '$' && !is_number) {
        out->kind = TN_TOKEN_STRING;
        return lex_dollar(lexer, end + 1, err);
    }
    if (end == lexer->at + 1) {
        return fail_from(lexer, lexer->at, err, "a parameter's name must follow '$'");
    }
    for (uint32_t i = lexer->at + 1; is_number && i < end; i++) {
        if (!is_digit(at(lexer, i))) {
            return fail_from(lexer, i, err,
                             "a parameter is $1 or $name: no name begins with a digit");
        }
    }
    out->kind = TN_TOKEN_PARAMETER;
    lexer->at = end;
    return TARN_OK;
}

static uint32_t skip_digits(const tn_lexer *lexer, uint32_t i, bool hex)
{
    while (hex ? is_hex(at(lexer, i)) : is_digit(at(lexer, i))) {
        i++;
        if (at(lexer, i) == '_' && (hex ? is_hex(at(lexer, i + 1)) : is_digit(at(lexer, i + 1)))) {
            i++;
        }
    }
    return i;
}

static TN_FALLIBLE lex_number(tn_lexer *lexer, tn_token *out, tarn_error *err)
{
    uint32_t i = lexer->at;
    out->kind = TN_TOKEN_INTEGER;
    if (at(lexer, i) == '0' && tn_ascii_lower(at(lexer, i + 1)) == 'x' &&
        is_hex(at(lexer, i + 2))) {
        i = skip_digits(lexer, i + 2, true);
    } else {
        i = skip_digits(lexer, i, false);
        if (at(lexer, i) == '.' && at(lexer, i + 1) != '.') {
            out->kind = TN_TOKEN_DECIMAL;
            i = skip_digits(lexer, i + 1, false);
        }
        const char sign = at(lexer, i + 1);
        const bool is_signed = sign == '+' || sign == '-';
        if (tn_ascii_lower(at(lexer, i)) == 'e' && is_digit(at(lexer, i + 1 + is_signed))) {
            out->kind = TN_TOKEN_DOUBLE;
            i = skip_digits(lexer, i + 1 + is_signed, false);
        }
    }
    if (continues_name(at(lexer, i))) {
        return tn_sql__fail(lexer->text, (tn_span){i, 1}, err, TARN_E_INVALID,
                            "a number cannot be followed by a letter: put a blank between");
    }
    lexer->at = i;
    return TARN_OK;
}

static TN_FALLIBLE lex_name(tn_lexer *lexer, tn_token *out, tarn_error *err)
{
    const char first = tn_ascii_lower(at(lexer, lexer->at));
    if (at(lexer, lexer->at + 1) == '\'' && (first == 'e' || first == 'x' || first == 'n')) {
        out->kind = first == 'x' ? TN_TOKEN_BLOB : TN_TOKEN_STRING;
        lexer->at++;
        return lex_quoted(lexer, '\'', first == 'e', no_quote_end, err);
    }
    const uint32_t start = lexer->at;
    while (continues_name(at(lexer, lexer->at)) && blank_at(lexer, lexer->at) == 0) {
        lexer->at++;
    }
    out->kind = TN_TOKEN_NAME;
    out->keyword = keyword_of(tn_str_slice(lexer->text, start, lexer->at));
    return TARN_OK;
}

/* Longest first. */
static const char symbols[][5] = {
    "!~~*", "->>", "!~*", "!~~", "~~*", "<->", "::", ":=", "=>", "==", "<>", "!=", "<=", ">=",
    "||",   "->",  "//",  "**",  "~*",  "!~",  "~~", "<<", ">>", "@>", "<@", "&&", "^@", "(",
    ")",    "[",   "]",   "{",   "}",   ",",   ";",  ".",  ":",  "+",  "-",  "*",  "/",  "%",
    "^",    "=",   "<",   ">",   "~",   "&",   "|",  "?",  "!",  "@",  "#",
};

static TN_FALLIBLE lex_symbol(tn_lexer *lexer, tn_token *out, tarn_error *err)
{
    for (size_t s = 0; s < sizeof(symbols) / sizeof(*symbols); s++) {
        const size_t size = strlen(symbols[s]);
        if (lexer->text.size - lexer->at >= size &&
            memcmp(lexer->text.data + lexer->at, symbols[s], size) == 0) {
            out->kind = TN_TOKEN_SYMBOL;
            for (size_t i = size; i-- > 0;) {
                out->symbol = out->symbol << 8 | (unsigned char)symbols[s][i];
            }
            lexer->at += (uint32_t)size;
            return TARN_OK;
        }
    }
    const unsigned char c = (unsigned char)at(lexer, lexer->at);
    const tn_span span = {lexer->at, 1};
    if (c < 0x20 || c == 0x7F) {
        return tn_sql__fail(lexer->text, span, err, TARN_E_INVALID,
                            "the byte 0x%02X has no place in SQL", c);
    }
    return tn_sql__fail(lexer->text, span, err, TARN_E_INVALID, "unexpected '%c'", c);
}

tarn_code tn_lexer__next(tn_lexer *lexer, tn_token *out, tarn_error *err)
{
    *out = (tn_token){.kind = TN_TOKEN_END};
    if (lexer->text.size > TEXT_SIZE_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "%zu bytes are too many for SQL text", lexer->text.size);
    }
    TN_RETURN_IF_ERROR(skip_blanks(lexer, err));
    out->span.start = lexer->at;
    if (lexer->at >= lexer->text.size) {
        return TARN_OK;
    }
    const char c = at(lexer, lexer->at);
    if (starts_name(c)) {
        TN_RETURN_IF_ERROR(lex_name(lexer, out, err));
    } else if (is_digit(c) || (c == '.' && is_digit(at(lexer, lexer->at + 1)))) {
        TN_RETURN_IF_ERROR(lex_number(lexer, out, err));
    } else if (c == '\'') {
        out->kind = TN_TOKEN_STRING;
        TN_RETURN_IF_ERROR(lex_quoted(lexer, '\'', false, no_quote_end, err));
    } else if (c == '"') {
        out->kind = TN_TOKEN_QUOTED;
        TN_RETURN_IF_ERROR(
            lex_quoted(lexer, '"', false, "this name has no end: a \" is missing", err));
    } else if (c == '$') {
        TN_RETURN_IF_ERROR(lex_parameter(lexer, out, err));
    } else {
        TN_RETURN_IF_ERROR(lex_symbol(lexer, out, err));
    }
    out->span.length = lexer->at - out->span.start;
    return TARN_OK;
}

bool tn_sql_is_complete(tn_str text)
{
    tn_lexer lexer = {text, 0};
    int64_t depth = 0;
    bool ended = true; /* nothing at all is complete */
    for (;;) {
        tn_token token;
        if (tn_lexer__next(&lexer, &token, NULL) != TARN_OK) {
            /* An open quote waits for its end; another mistake is told by the parser. */
            const char c = at(&lexer, lexer.at);
            return c != '\'' && c != '"' && c != '$' && c != '/';
        }
        if (token.kind == TN_TOKEN_END) {
            return ended;
        }
        const uint32_t symbol = token.kind == TN_TOKEN_SYMBOL ? token.symbol : 0;
        depth += symbol == '(' || symbol == '[' || symbol == '{';
        depth -= symbol == ')' || symbol == ']' || symbol == '}';
        ended = symbol == ';' && depth <= 0;
    }
}

void tn_sql_quote_name(tn_str name, tn_text *out)
{
    bool plain =
        name.size > 0 && starts_name(name.data[0]) && tn_keyword__class(keyword_of(name)) == 'u';
    for (size_t i = 0; i < name.size; i++) {
        plain = plain && continues_name(name.data[i]);
    }
    if (plain) {
        tn_text_append(out, name);
        return;
    }
    tn_text_putc(out, '"');
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"') {
            tn_text_putc(out, '"');
        }
        tn_text_putc(out, name.data[i]);
    }
    tn_text_putc(out, '"');
}
