/* A small reader of SQL expressions: operator precedence, one token ahead. */
#include "base/number.h"
#include "kernel/text.h"
#include "support/exprs.h"

#include <stdio.h>

typedef struct parser {
    exprs *e;
    const char *at;
    const char *const *column_types;
} parser;

static const tn_expr *parse(parser *p, int least);

static void skip_spaces(parser *p)
{
    while (*p->at == ' ' || *p->at == '\n') {
        p->at++;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
}

/* Takes a symbol or a whole word. */
static bool take(parser *p, const char *token)
{
    const size_t size = strlen(token);
    skip_spaces(p);
    for (size_t i = 0; i < size; i++) {
        if (tn_ascii_lower(p->at[i]) != tn_ascii_lower(token[i])) {
            return false;
        }
    }
    if (is_letter(token[0]) && is_letter(p->at[size])) {
        return false;
    }
    p->at += size;
    return true;
}

static const tn_expr *wrong(parser *p)
{
    if (p->e->code == TARN_OK) {
        p->e->code = tn_fail(&p->e->err, TARN_E_INVALID, "cannot read '%s'", p->at);
    }
    return exprs_null(p->e);
}

static const tn_expr *text_literal(parser *p)
{
    char text[1024];
    size_t size = 0;
    p->at++;
    while (*p->at != 0 && size + 1 < sizeof(text) && (*p->at != '\'' || p->at[1] == '\'')) {
        p->at += *p->at == '\'';
        text[size++] = *p->at++;
    }
    text[size] = 0;
    p->at++;
    return exprs_text(p->e, text);
}

static const tn_expr *number(parser *p)
{
    const char *from = p->at;
    char copy[64];
    char type[32];
    size_t digits = 0;
    size_t behind = 0;
    bool point = false;
    bool exponent = false;
    for (; (*p->at >= '0' && *p->at <= '9') || *p->at == '.' || *p->at == 'e'; p->at++) {
        point |= *p->at == '.';
        exponent |= *p->at == 'e';
        digits += *p->at >= '0' && *p->at <= '9';
        behind += point && *p->at != '.';
    }
    const size_t size = (size_t)(p->at - from);
    memcpy(copy, from, size);
    copy[size] = 0;
    if (exponent) {
        return exprs_typed(p->e, copy, "DOUBLE");
    }
    if (!point) {
        int64_t value = 0;
        (void)tn_parse_i64(copy, size, &value);
        return exprs_int(p->e, value);
    }
    (void)snprintf(type, sizeof(type), "DECIMAL(%zu,%zu)", digits, behind);
    const tn_expr *typed = exprs_typed(p->e, copy, type);
    const tn_expr *out = typed;
    if (p->e->code == TARN_OK) {
        p->e->code = tn_expr_fold(&p->e->context, typed, p->e->arena.pool, &out, &p->e->err);
    }
    return out;
}

static const tn_expr *call(parser *p, const char *name)
{
    const tn_expr *children[32];
    uint32_t count = 0;
    while (!take(p, ")") && p->e->code == TARN_OK) {
        if (count == 32 || *p->at == 0) {
            return wrong(p);
        }
        children[count++] = parse(p, 0);
        (void)take(p, ",");
    }
    return exprs_call_(p->e, name, children, count);
}

static const tn_expr *cast(parser *p, bool try_cast)
{
    const tn_expr *child = parse(p, 0);
    char type[64];
    size_t size = 0;
    int depth = 0;
    if (!take(p, "AS")) {
        return wrong(p);
    }
    skip_spaces(p);
    while (*p->at != 0 && (depth > 0 || *p->at != ')') && size + 1 < sizeof(type)) {
        depth += *p->at == '(' ? 1 : *p->at == ')' ? -1 : 0;
        type[size++] = *p->at++;
    }
    type[size] = 0;
    p->at++;
    return exprs_cast(p->e, child, type, try_cast);
}

static const tn_expr *case_when(parser *p)
{
    const tn_expr *children[32];
    const tn_expr *out = NULL;
    uint32_t count = 0;
    while (take(p, "WHEN") && count < 30) {
        children[count++] = parse(p, 0);
        (void)take(p, "THEN");
        children[count++] = parse(p, 0);
    }
    if (take(p, "ELSE")) {
        children[count++] = parse(p, 0);
    }
    if (!take(p, "END")) {
        return wrong(p);
    }
    if (p->e->code == TARN_OK) {
        p->e->code =
            tn_expr_case(&p->e->context, children, count, (tn_span){0, 0}, &out, &p->e->err);
    }
    return out;
}

static const tn_expr *list(parser *p)
{
    const tn_expr *children[32];
    uint32_t count = 0;
    while (!take(p, "]") && count < 32 && *p->at != 0) {
        children[count++] = parse(p, 0);
        (void)take(p, ",");
    }
    return exprs_call_(p->e, "list_value", children, count);
}

static const tn_expr *word(parser *p)
{
    static const char *const types[] = {"DATE", "TIMESTAMP", "TIME", "INTERVAL", "BLOB"};
    char name[64];
    size_t size = 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        const char *start = p->at;
        if (take(p, types[i])) {
            skip_spaces(p);
            if (*p->at == '\'') {
                const tn_expr *text = text_literal(p);
                return exprs_cast(p->e, text, types[i], false);
            }
            p->at = start;
        }
    }
    while (is_letter(*p->at) && size + 1 < sizeof(name)) {
        name[size++] = *p->at++;
    }
    name[size] = 0;
    if (take(p, "(")) {
        return strcmp(name, "CAST") == 0       ? cast(p, false)
               : strcmp(name, "TRY_CAST") == 0 ? cast(p, true)
                                               : call(p, name);
    }
    if (size == 1 && p->column_types != NULL) {
        const uint32_t id = (uint32_t)(name[0] - 'a');
        return exprs_column(p->e, id, p->column_types[id]);
    }
    return size == 0 ? wrong(p) : exprs_call_(p->e, name, NULL, 0);
}

static const tn_expr *boolean(parser *p, bool value)
{
    const tn_expr *out = NULL;
    const tn_value literal = tn_value_boolean(value);
    if (p->e->code == TARN_OK) {
        p->e->code = tn_expr_literal(&p->e->context, &literal, (tn_span){0, 0}, &out, &p->e->err);
    }
    return out;
}

static const tn_expr *primary(parser *p)
{
    skip_spaces(p);
    if (take(p, "(")) {
        const tn_expr *inner = parse(p, 0);
        return take(p, ")") ? inner : wrong(p);
    }
    if (take(p, "-")) {
        return exprs_call(p->e, "-", parse(p, 9));
    }
    if (take(p, "NOT")) {
        return exprs_call(p->e, "not", parse(p, 3));
    }
    if (take(p, "NULL")) {
        return exprs_null(p->e);
    }
    if (take(p, "true")) {
        return boolean(p, true);
    }
    if (take(p, "false")) {
        return boolean(p, false);
    }
    if (take(p, "CASE")) {
        return case_when(p);
    }
    if (take(p, "[")) {
        return list(p);
    }
    if (*p->at == '\'') {
        return text_literal(p);
    }
    return *p->at >= '0' && *p->at <= '9' ? number(p) : word(p);
}

static const tn_expr *is_test(parser *p, const tn_expr *left)
{
    const bool negated = take(p, "NOT");
    if (take(p, "NULL")) {
        return exprs_call(p->e, negated ? "is_not_null" : "is_null", left);
    }
    if (take(p, "TRUE")) {
        return exprs_call(p->e, negated ? "is_not_true" : "is_true", left);
    }
    if (take(p, "FALSE")) {
        return exprs_call(p->e, negated ? "is_not_false" : "is_false", left);
    }
    if (take(p, "DISTINCT") && take(p, "FROM")) {
        return exprs_call(p->e, negated ? "is_not_distinct_from" : "is_distinct_from", left,
                          parse(p, 5));
    }
    return wrong(p);
}

static const tn_expr *in_list(parser *p, const tn_expr *left, bool negated)
{
    const tn_expr *children[32] = {left};
    const tn_expr *out = NULL;
    uint32_t count = 1;
    while (!take(p, ")") && count < 32 && *p->at != 0) {
        children[count++] = parse(p, 0);
        (void)take(p, ",");
    }
    if (p->e->code == TARN_OK) {
        p->e->code =
            tn_expr_in(&p->e->context, children, count, negated, (tn_span){0, 0}, &out, &p->e->err);
    }
    return out;
}

static const tn_expr *junction(parser *p, const tn_expr *left, bool is_and)
{
    const tn_expr *pair[] = {left, parse(p, is_and ? 3 : 2)};
    const tn_expr *out = NULL;
    if (p->e->code == TARN_OK) {
        p->e->code = is_and ? tn_expr_and(&p->e->context, pair, 2, &out, &p->e->err)
                            : tn_expr_or(&p->e->context, pair, 2, &out, &p->e->err);
    }
    return out;
}

/* One operator behind `left`; NULL where none holds tightly enough. */
static const tn_expr *infix(parser *p, const tn_expr *left, int least)
{
    static const struct {
        const char *text;
        int holds;
    } table[] = {{"<<", 6}, {">>", 6}, {"<>", 5}, {"!=", 5},   {"<=", 5},   {">=", 5}, {"||", 6},
                 {"=", 5},  {"<", 5},  {">", 5},  {"+", 7},    {"-", 7},    {"*", 8},  {"/", 8},
                 {"%", 8},  {"&", 6},  {"|", 6},  {"LIKE", 5}, {"ILIKE", 5}};
    const char *start = p->at;
    if (least <= 1 && take(p, "OR")) {
        return junction(p, left, false);
    }
    if (least <= 2 && take(p, "AND")) {
        return junction(p, left, true);
    }
    if (least <= 4 && take(p, "IS")) {
        return is_test(p, left);
    }
    const bool negated = least <= 5 && take(p, "NOT");
    if (least <= 5 && take(p, "IN") && take(p, "(")) {
        return in_list(p, left, negated);
    }
    if (take(p, "[")) {
        const tn_expr *index = parse(p, 0);
        return take(p, "]") ? exprs_call(p->e, "list_element", left, index) : wrong(p);
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        if (least <= table[i].holds && take(p, table[i].text)) {
            const tn_expr *right = parse(p, table[i].holds + 1);
            if (negated) {
                return exprs_call(p->e, table[i].text[0] == 'L' ? "not_like" : "not_ilike", left,
                                  right);
            }
            return exprs_call(p->e, table[i].text, left, right);
        }
    }
    p->at = start;
    return NULL;
}

static const tn_expr *parse(parser *p, int least)
{
    const tn_expr *left = primary(p);
    while (p->e->code == TARN_OK) {
        const tn_expr *next = infix(p, left, least);
        if (next == NULL) {
            break;
        }
        left = next;
    }
    return left;
}

const tn_expr *exprs_parse(exprs *e, const char *text, const char *const *column_types)
{
    parser p = {e, text, column_types};
    const tn_expr *out = parse(&p, 0);
    skip_spaces(&p);
    return *p.at == 0 ? out : wrong(&p);
}

const char *exprs_value(exprs *e, const char *text)
{
    const tn_expr *expr = exprs_parse(e, text, NULL);
    tn_value value = {.is_null = true};
    tn_text out;
    tn_str copy = TN_STR("");
    if (e->code == TARN_OK) {
        e->code = tn_expr_evaluate(&e->context, expr, e->arena.pool, &value, &e->err);
    }
    if (e->code != TARN_OK) {
        e->code = TARN_OK;
        return e->err.message;
    }
    if (value.is_null) {
        return "NULL";
    }
    tn_text_init(&out, e->arena.pool, 1 << 20);
    tn_text_of(&value, &out);
    e->code = tn_text_status(&out, &e->err);
    if (e->code == TARN_OK && out.size > 0) {
        e->code = tn_arena_copy(&e->arena, tn_text_str(&out), &copy, &e->err);
    }
    tn_text_deinit(&out);
    return copy.data == NULL ? "" : copy.data;
}
