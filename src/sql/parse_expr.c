/*
 * parse_expr.c - expressions by precedence: operands and operators wait on two stacks until an
 * operator that binds less says what they belong to.
 */
#include "sql/parser_internal.h"

#include <inttypes.h>

/* As PostgreSQL's; the higher binds more. */
enum {
    LEVEL_OR = 1,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_IS,
    LEVEL_COMPARE,
    LEVEL_LIKE, /* IN and BETWEEN, too */
    LEVEL_OTHER,
    LEVEL_ADD,
    LEVEL_MULTIPLY,
    LEVEL_POWER,
    LEVEL_AT,
    LEVEL_SIGN
};
enum { OP_PREFIX, OP_BINARY, OP_AND, OP_OR, OP_LIKE, OP_BETWEEN, OP_BETWEEN_SYMMETRIC };

typedef struct binary_operator {
    uint32_t symbol;
    uint8_t kind, level;
    bool negated;
    const char *name;
} binary_operator;

static const binary_operator binaries[] = {
    {TN_SYM1('='), OP_BINARY, LEVEL_COMPARE, false, "="},
    {TN_SYM2('=', '='), OP_BINARY, LEVEL_COMPARE, false, "="},
    {TN_SYM2('<', '>'), OP_BINARY, LEVEL_COMPARE, false, "<>"},
    {TN_SYM2('!', '='), OP_BINARY, LEVEL_COMPARE, false, "<>"},
    {TN_SYM1('<'), OP_BINARY, LEVEL_COMPARE, false, "<"},
    {TN_SYM2('<', '='), OP_BINARY, LEVEL_COMPARE, false, "<="},
    {TN_SYM1('>'), OP_BINARY, LEVEL_COMPARE, false, ">"},
    {TN_SYM2('>', '='), OP_BINARY, LEVEL_COMPARE, false, ">="},
    {TN_SYM1('+'), OP_BINARY, LEVEL_ADD, false, "+"},
    {TN_SYM1('-'), OP_BINARY, LEVEL_ADD, false, "-"},
    {TN_SYM1('*'), OP_BINARY, LEVEL_MULTIPLY, false, "*"},
    {TN_SYM1('/'), OP_BINARY, LEVEL_MULTIPLY, false, "/"},
    {TN_SYM2('/', '/'), OP_BINARY, LEVEL_MULTIPLY, false, "//"},
    {TN_SYM1('%'), OP_BINARY, LEVEL_MULTIPLY, false, "%"},
    {TN_SYM1('^'), OP_BINARY, LEVEL_POWER, false, "^"},
    {TN_SYM2('*', '*'), OP_BINARY, LEVEL_POWER, false, "^"},
    {TN_SYM2('|', '|'), OP_BINARY, LEVEL_OTHER, false, "||"},
    {TN_SYM1('&'), OP_BINARY, LEVEL_OTHER, false, "&"},
    {TN_SYM1('|'), OP_BINARY, LEVEL_OTHER, false, "|"},
    {TN_SYM1('#'), OP_BINARY, LEVEL_OTHER, false, "#"},
    {TN_SYM2('<', '<'), OP_BINARY, LEVEL_OTHER, false, "<<"},
    {TN_SYM2('>', '>'), OP_BINARY, LEVEL_OTHER, false, ">>"},
    {TN_SYM2('-', '>'), OP_BINARY, LEVEL_OTHER, false, "->"},
    {TN_SYM3('-', '>', '>'), OP_BINARY, LEVEL_OTHER, false, "->>"},
    {TN_SYM2('@', '>'), OP_BINARY, LEVEL_OTHER, false, "@>"},
    {TN_SYM2('<', '@'), OP_BINARY, LEVEL_OTHER, false, "<@"},
    {TN_SYM2('&', '&'), OP_BINARY, LEVEL_OTHER, false, "&&"},
    {TN_SYM2('^', '@'), OP_BINARY, LEVEL_OTHER, false, "starts_with"},
    {TN_SYM1('~'), OP_LIKE, LEVEL_OTHER, false, "~"},
    {TN_SYM2('!', '~'), OP_LIKE, LEVEL_OTHER, true, "~"},
    {TN_SYM2('~', '*'), OP_LIKE, LEVEL_OTHER, false, "~*"},
    {TN_SYM3('!', '~', '*'), OP_LIKE, LEVEL_OTHER, true, "~*"},
    {TN_SYM2('~', '~'), OP_LIKE, LEVEL_OTHER, false, "like"},
    {TN_SYM3('!', '~', '~'), OP_LIKE, LEVEL_OTHER, true, "like"},
    {TN_SYM3('~', '~', '*'), OP_LIKE, LEVEL_OTHER, false, "ilike"},
    {TN_SYM4('!', '~', '~', '*'), OP_LIKE, LEVEL_OTHER, true, "ilike"},
};

static const binary_operator *find_binary(const tn_token *token)
{
    for (size_t i = 0; token->kind == TN_TOKEN_SYMBOL && i < sizeof(binaries) / sizeof(*binaries);
         i++) {
        if (binaries[i].symbol == token->symbol) {
            return &binaries[i];
        }
    }
    return NULL;
}

/* ---- reducing ---- */

/* -1 is a number, so that the least of all BIGINTs can be written. */
static TN_FALLIBLE negate_number(tn_parser *p, const tn_parse_operator *op, tn_ast *number,
                                 tarn_error *err)
{
    const uint32_t end = number->span.start + number->span.length;
    if (op->start + 1 == number->span.start) {
        number->text = tn_str_slice(p->lexer.text, op->start, end);
    } else {
        TN_RETURN_IF_ERROR(
            tn_arena_print(p->arena, &number->text, err, "-%.*s", TN_STR_ARGS(number->text)));
    }
    number->span = (tn_span){op->start, end - op->start};
    return TARN_OK;
}

static uint8_t kind_of_operator(const tn_parse_operator *op)
{
    switch (op->kind) {
    case OP_AND:
        return TN_AST_AND;
    case OP_OR:
        return TN_AST_OR;
    case OP_LIKE:
        return TN_AST_LIKE;
    case OP_BETWEEN:
    case OP_BETWEEN_SYMMETRIC:
        return TN_AST_BETWEEN;
    default:
        return TN_AST_OPERATOR;
    }
}

/* The operator on top takes its operands. */
static TN_FALLIBLE reduce(tn_parser *p, tarn_error *err)
{
    const tn_parse_operator op = tn_vec_pop(&p->operators);
    if (op.is_open) { /* its second operand has not come */
        return tn_parser__expected(p, "AND of BETWEEN", err);
    }
    const size_t base = p->values.count - 1 - op.count;
    tn_ast *first = p->values.items[base];
    const tn_ast *last = p->values.items[p->values.count - 1];
    if (op.kind == OP_PREFIX && op.name[0] == '-' && first->kind == TN_AST_NUMBER &&
        first->text.data[0] != '-' && !first->flag) {
        return negate_number(p, &op, first, err);
    }
    tn_ast *node;
    const uint32_t start = op.kind == OP_PREFIX ? op.start : first->span.start;
    const uint32_t end = last->span.start + last->span.length;
    TN_RETURN_IF_ERROR(tn_parser__node(p, (tn_ast_kind)kind_of_operator(&op), start, &node, err));
    node->span.length = end - start;
    node->text = tn_str_of(op.name);
    node->negated = op.negated;
    node->flag = op.kind == OP_BETWEEN_SYMMETRIC;
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, base, node, err));
    return tn_vec_push(&p->values, node, err);
}

static tn_parse_operator *top_operator(tn_parser *p, const tn_expr_frame *f)
{
    return p->operators.count > f->operators ? &p->operators.items[p->operators.count - 1] : NULL;
}

static TN_FALLIBLE reduce_from(tn_parser *p, const tn_expr_frame *f, unsigned level,
                               tarn_error *err)
{
    for (;;) {
        const tn_parse_operator *top = top_operator(p, f);
        if (top == NULL || top->precedence < level) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(reduce(p, err));
    }
}

static TN_FALLIBLE push_operator(tn_parser *p, const tn_expr_frame *f, tn_parse_operator op,
                                 tarn_error *err)
{
    if (op.kind == OP_AND || op.kind == OP_OR) {
        /* a AND b AND c is one node, however long. */
        TN_RETURN_IF_ERROR(reduce_from(p, f, op.precedence + 1U, err));
        tn_parse_operator *top = top_operator(p, f);
        if (top != NULL && top->kind == op.kind) {
            top->count++;
            return TARN_OK;
        }
    }
    if (op.kind != OP_PREFIX) {
        TN_RETURN_IF_ERROR(reduce_from(p, f, op.precedence, err));
    }
    return tn_vec_push(&p->operators, op, err);
}

/* The operator that still wants a word (AND of BETWEEN, ESCAPE of LIKE), when all that binds more
 * has been reduced; NULL where there is none. */
static TN_FALLIBLE waiting_operator(tn_parser *p, const tn_expr_frame *f, tn_parse_operator **out,
                                    tarn_error *err)
{
    *out = NULL;
    for (size_t i = p->operators.count; i > f->operators; i--) {
        const tn_parse_operator *op = &p->operators.items[i - 1];
        if (op->is_open || (op->kind == OP_LIKE && op->precedence == LEVEL_LIKE)) {
            while (p->operators.count > i) {
                TN_RETURN_IF_ERROR(reduce(p, err));
            }
            *out = &p->operators.items[i - 1];
            return TARN_OK;
        }
        if (op->precedence <= LEVEL_LIKE) {
            return TARN_OK;
        }
    }
    return TARN_OK;
}

/* ---- operands without further expressions ---- */

static TN_FALLIBLE leaf(tn_parser *p, tn_ast_kind kind, tn_ast **out, tarn_error *err)
{
    const tn_token token = *next_token(p);
    tn_str text;
    TN_RETURN_IF_ERROR(tn_token__decode(p->lexer.text, &token, p->arena, &text, err));
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, kind, token.span.start, out, err));
    (*out)->text = text;
    (*out)->detail = (uint8_t)token.kind;
    return TARN_OK;
}

static TN_FALLIBLE question_mark(tn_parser *p, tn_ast **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(leaf(p, TN_AST_PARAMETER, out, err));
    return tn_arena_print(p->arena, &(*out)->text, err, "%" PRIu32, ++p->parameters);
}

static TN_FALLIBLE word_leaf(tn_parser *p, tn_ast **out, tarn_error *err)
{
    switch ((int)next_token(p)->keyword) {
    case TN_KW_NULL:
        return leaf(p, TN_AST_NULL, out, err);
    case TN_KW_DEFAULT:
        return leaf(p, TN_AST_DEFAULT, out, err);
    case TN_KW_TRUE:
    case TN_KW_FALSE: {
        const bool truth = next_token(p)->keyword == TN_KW_TRUE;
        TN_RETURN_IF_ERROR(leaf(p, TN_AST_BOOLEAN, out, err));
        (*out)->flag = truth;
        return TARN_OK;
    }
    default:
        *out = NULL;
        return TARN_OK;
    }
}

/* Literals and parameters; NULL where the operand needs more. */
tarn_code tn_parser__simple(tn_parser *p, tn_ast **out, tarn_error *err)
{
    switch (next_token(p)->kind) {
    case TN_TOKEN_INTEGER:
    case TN_TOKEN_DECIMAL:
    case TN_TOKEN_DOUBLE:
        return leaf(p, TN_AST_NUMBER, out, err);
    case TN_TOKEN_STRING:
        return leaf(p, TN_AST_STRING, out, err);
    case TN_TOKEN_BLOB:
        return leaf(p, TN_AST_BLOB, out, err);
    case TN_TOKEN_PARAMETER:
        return leaf(p, TN_AST_PARAMETER, out, err);
    case TN_TOKEN_NAME:
        return word_leaf(p, out, err);
    case TN_TOKEN_SYMBOL:
        if (next_is(p, '?')) {
            return question_mark(p, out, err);
        }
        break;
    case TN_TOKEN_QUOTED:
    case TN_TOKEN_END:
        break;
    }
    *out = NULL;
    return TARN_OK;
}

static TN_FALLIBLE accept_prefix(tn_parser *p, const tn_expr_frame *f, bool *taken, tarn_error *err)
{
    tn_parse_operator op = {
        .kind = OP_PREFIX, .precedence = LEVEL_SIGN, .start = next_token(p)->span.start};
    if (next_is(p, '-')) {
        op.name = "-";
    } else if (next_is(p, '+')) {
        op.name = "+";
    } else if (next_is(p, '~')) {
        op.name = "~";
    } else if (next_is_word(p, TN_KW_NOT)) {
        op.name = "not";
        op.precedence = LEVEL_NOT;
    } else {
        *taken = false;
        return TARN_OK;
    }
    *taken = true;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    return push_operator(p, f, op, err);
}

/* ---- operators behind an operand ---- */

/* Wraps the value on top as the one item of a node. */
static TN_FALLIBLE wrap(tn_parser *p, tn_ast_kind kind, const char *name, tn_ast **out,
                        tarn_error *err)
{
    const size_t base = p->values.count - 1;
    TN_RETURN_IF_ERROR(tn_parser__node(p, kind, p->values.items[base]->span.start, out, err));
    (*out)->text = tn_str_of(name);
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, base, *out, err));
    return tn_vec_push(&p->values, *out, err);
}

/* IS [NOT] NULL, TRUE, FALSE, UNKNOWN; `*pushed` for [NOT] DISTINCT FROM, which wants an operand.
 */
static TN_FALLIBLE parse_is(tn_parser *p, const tn_expr_frame *f, bool *pushed, tarn_error *err)
{
    bool negated;
    tn_ast *node;
    const char *name = NULL;

    TN_RETURN_IF_ERROR(reduce_from(p, f, LEVEL_IS, err));
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_NOT, &negated, err));
    *pushed = next_is_word(p, TN_KW_DISTINCT);
    if (*pushed) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_FROM, err));
        return push_operator(
            p, f,
            (tn_parse_operator){.kind = OP_BINARY,
                                .precedence = LEVEL_IS,
                                .count = 1,
                                .name = negated ? "is_not_distinct_from" : "is_distinct_from"},
            err);
    }
    if (next_is_word(p, TN_KW_NULL)) {
        name = negated ? "is_not_null" : "is_null";
    } else if (next_is_word(p, TN_KW_TRUE)) {
        name = "is_true";
    } else if (next_is_word(p, TN_KW_FALSE)) {
        name = "is_false";
    } else if (next_is_word(p, TN_KW_UNKNOWN)) {
        name = negated ? "is_not_unknown" : "is_unknown";
    } else {
        return tn_parser__expected(p, "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM", err);
    }
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(wrap(p, TN_AST_OPERATOR, name, &node, err));
    return negated && (name[3] == 't' || name[3] == 'f')
               ? wrap(p, TN_AST_OPERATOR, "not", &node, err)
               : TARN_OK;
}

/* LIKE, ILIKE, SIMILAR TO, BETWEEN [SYMMETRIC] */
static TN_FALLIBLE parse_like(tn_parser *p, const tn_expr_frame *f, bool negated, bool *pushed,
                              tarn_error *err)
{
    tn_parse_operator op = {
        .kind = OP_LIKE, .precedence = LEVEL_LIKE, .negated = negated, .count = 1};
    const tn_keyword word = next_token(p)->keyword;

    *pushed = true;
    if (word == TN_KW_LIKE || word == TN_KW_ILIKE) {
        op.name = word == TN_KW_LIKE ? "like" : "ilike";
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    } else if (word == TN_KW_SIMILAR) {
        op.name = "similar_to";
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_TO, err));
    } else {
        bool symmetric;
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_SYMMETRIC, &symmetric, err));
        op.name = "between";
        op.kind = symmetric ? OP_BETWEEN_SYMMETRIC : OP_BETWEEN;
        op.is_open = true;
        op.count = 2;
    }
    return push_operator(p, f, op, err);
}

static TN_FALLIBLE parse_at_time_zone(tn_parser *p, const tn_expr_frame *f, tarn_error *err)
{
    const tn_token *word;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    word = next_token(p);
    if (word->kind != TN_TOKEN_NAME ||
        !tn_str_equal_fold(
            tn_str_slice(p->lexer.text, word->span.start, word->span.start + word->span.length),
            TN_STR("TIME"))) {
        return tn_parser__expected(p, "TIME ZONE", err);
    }
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_ZONE, err));
    return push_operator(
        p, f,
        (tn_parse_operator){
            .kind = OP_BINARY, .precedence = LEVEL_AT, .count = 1, .name = "at_time_zone"},
        err);
}

/* Operators that need no routine. `*operand`: one was taken and wants an operand; `*again`: look
 * for an operator once more. */
static TN_FALLIBLE word_operator(tn_parser *p, const tn_expr_frame *f, bool *operand, bool *again,
                                 tarn_error *err)
{
    tn_parse_operator *waiting = NULL;
    tn_ast *node;
    const tn_keyword word =
        next_token(p)->kind == TN_TOKEN_NAME ? next_token(p)->keyword : TN_KW_NONE;

    switch ((int)word) {
    case TN_KW_AND:
        TN_RETURN_IF_ERROR(waiting_operator(p, f, &waiting, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        *operand = true;
        if (waiting != NULL && waiting->is_open) {
            waiting->is_open = false;
            return TARN_OK;
        }
        return push_operator(
            p, f, (tn_parse_operator){.kind = OP_AND, .precedence = LEVEL_AND, .count = 1}, err);
    case TN_KW_OR:
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        *operand = true;
        return push_operator(
            p, f, (tn_parse_operator){.kind = OP_OR, .precedence = LEVEL_OR, .count = 1}, err);
    case TN_KW_ESCAPE:
        TN_RETURN_IF_ERROR(waiting_operator(p, f, &waiting, err));
        if (waiting == NULL || waiting->kind != OP_LIKE || waiting->count == 2) {
            return TARN_OK;
        }
        waiting->count = 2;
        *operand = true;
        return tn_parser__skip(p, err);
    case TN_KW_IS:
        TN_RETURN_IF_ERROR(parse_is(p, f, operand, err));
        *again = !*operand;
        return TARN_OK;
    case TN_KW_ISNULL:
    case TN_KW_NOTNULL:
        TN_RETURN_IF_ERROR(reduce_from(p, f, LEVEL_IS, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        *again = true;
        return wrap(p, TN_AST_OPERATOR, word == TN_KW_ISNULL ? "is_null" : "is_not_null", &node,
                    err);
    case TN_KW_LIKE:
    case TN_KW_ILIKE:
    case TN_KW_SIMILAR:
    case TN_KW_BETWEEN:
        return parse_like(p, f, false, operand, err);
    case TN_KW_AT:
        *operand = true;
        return parse_at_time_zone(p, f, err);
    default:
        return TARN_OK;
    }
}

/* NOT behind an operand. `*in` where IN follows, which needs a routine. */
static TN_FALLIBLE not_operator(tn_parser *p, const tn_expr_frame *f, bool *operand, bool *again,
                                bool *in, tarn_error *err)
{
    const tn_token *behind;
    tn_ast *node;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    const tn_keyword word = behind->kind == TN_TOKEN_NAME ? behind->keyword : TN_KW_NONE;
    *in = word == TN_KW_IN;
    if (word == TN_KW_NULL) {
        TN_RETURN_IF_ERROR(reduce_from(p, f, LEVEL_IS, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        *again = true;
        return wrap(p, TN_AST_OPERATOR, "is_not_null", &node, err);
    }
    if (word == TN_KW_LIKE || word == TN_KW_ILIKE || word == TN_KW_SIMILAR ||
        word == TN_KW_BETWEEN) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        return parse_like(p, f, true, operand, err);
    }
    return *in ? tn_parser__skip(p, err) : TARN_OK;
}

/* = < ... and not before ANY or ALL, which need a routine. */
static TN_FALLIBLE symbol_operator(tn_parser *p, const tn_expr_frame *f, bool *operand,
                                   const binary_operator **quantified, tarn_error *err)
{
    const binary_operator *found = find_binary(next_token(p));
    const tn_token *behind;
    if (found == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    const tn_keyword word = behind->kind == TN_TOKEN_NAME ? behind->keyword : TN_KW_NONE;
    if (found->level == LEVEL_COMPARE &&
        (word == TN_KW_ANY || word == TN_KW_SOME || word == TN_KW_ALL)) {
        *quantified = found;
        return TARN_OK;
    }
    *operand = true;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    return push_operator(p, f,
                         (tn_parse_operator){.kind = found->kind,
                                             .precedence = found->level,
                                             .negated = found->negated,
                                             .count = 1,
                                             .name = found->name},
                         err);
}

static TN_FALLIBLE parse_cast_suffix(tn_parser *p, tarn_error *err)
{
    tn_ast *node;
    tn_span span;
    tn_str type;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__type(p, &type, &span, err));
    TN_RETURN_IF_ERROR(wrap(p, TN_AST_CAST, "", &node, err));
    node->text = type;
    return TARN_OK;
}

static TN_FALLIBLE parse_collate(tn_parser *p, tarn_error *err)
{
    tn_str name;
    tn_span span;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__name(p, "a collation", &name, &span, err));
    if (!tn_str_equal_fold(name, TN_STR("C")) && !tn_str_equal_fold(name, TN_STR("POSIX")) &&
        !tn_str_equal_fold(name, TN_STR("binary"))) {
        tn_sql__fail(p->lexer.text, span, err, TARN_E_UNSUPPORTED,
                     "COLLATE %.*s is not built: strings compare by bytes", TN_STR_ARGS(name));
        tn_hint(err, "compare lower(x) for an order without case");
        return TARN_E_UNSUPPORTED;
    }
    return TARN_OK;
}

/* .name behind something that is no name: (x).a */
static TN_FALLIBLE parse_field(tn_parser *p, tarn_error *err)
{
    tn_ast *node;
    tn_str name;
    tn_span span;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__label(p, "a field's name", &name, &span, err));
    TN_RETURN_IF_ERROR(wrap(p, TN_AST_FIELD, "", &node, err));
    node->text = name;
    return TARN_OK;
}

/* :: .field COLLATE: as long as they come. */
static TN_FALLIBLE parse_suffixes(tn_parser *p, tarn_error *err)
{
    for (;;) {
        if (next_is(p, TN_SYM2(':', ':'))) {
            TN_RETURN_IF_ERROR(parse_cast_suffix(p, err));
        } else if (next_is(p, '.')) {
            TN_RETURN_IF_ERROR(parse_field(p, err));
        } else if (next_is_word(p, TN_KW_COLLATE)) {
            TN_RETURN_IF_ERROR(parse_collate(p, err));
        } else {
            return TARN_OK;
        }
    }
}

/* Which operator follows; the routines for some are entered by tn_parse__expr. */
typedef struct what_follows {
    bool operand, again, in, negated;
    const binary_operator *quantified;
} what_follows;

static TN_FALLIBLE look_for_operator(tn_parser *p, const tn_expr_frame *f, what_follows *out,
                                     tarn_error *err)
{
    *out = (what_follows){.in = !f->no_in && next_is_word(p, TN_KW_IN)};
    if (next_is_word(p, TN_KW_NOT)) {
        out->negated = true;
        return not_operator(p, f, &out->operand, &out->again, &out->in, err);
    }
    if (next_token(p)->kind == TN_TOKEN_SYMBOL) {
        return symbol_operator(p, f, &out->operand, &out->quantified, err);
    }
    return out->in ? TARN_OK : word_operator(p, f, &out->operand, &out->again, err);
}

tarn_code tn_parse__expr(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_expr_frame *f = frame;
    what_follows follows;
    tn_routine *routine;
    bool taken;

    TN_ROUTINE(f);
    f->values = p->values.count;
    f->operators = p->operators.count;
    for (;;) {
        do {
            TN_RETURN_IF_ERROR(accept_prefix(p, f, &taken, err));
        } while (taken);
        TN_RETURN_IF_ERROR(tn_parser__simple(p, &p->expr, err));
        if (p->expr == NULL) {
            TN_RETURN_IF_ERROR(tn_parser__operand(p, &routine, err));
            if (routine != NULL) {
                TN_CALL(p, f, routine, (tn_operand_frame){.list = 0});
            }
        }
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
        do {
            TN_RETURN_IF_ERROR(parse_suffixes(p, err));
            while (next_is(p, '[')) {
                TN_CALL(p, f, tn_parse__subscript, (tn_operand_frame){.list = 0});
                TN_RETURN_IF_ERROR(parse_suffixes(p, err));
            }
            TN_RETURN_IF_ERROR(look_for_operator(p, f, &follows, err));
            if (follows.in) {
                TN_RETURN_IF_ERROR(reduce_from(p, f, LEVEL_LIKE, err));
                TN_CALL(p, f, tn_parse__in, (tn_operand_frame){.flag = follows.negated});
                follows = (what_follows){.again = true};
            } else if (follows.quantified != NULL) {
                TN_RETURN_IF_ERROR(reduce_from(p, f, LEVEL_COMPARE, err));
                TN_CALL(p, f, tn_parse__quantified,
                        (tn_operand_frame){.name = follows.quantified->name});
                follows = (what_follows){.again = true};
            }
        } while (follows.again);
        if (!follows.operand) {
            break;
        }
    }
    TN_RETURN_IF_ERROR(reduce_from(p, f, 0, err));
    p->expr = tn_vec_pop(&p->values);
    TN_ROUTINE_END(p);
}

tarn_code tn_parse__list(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_list_frame *f = frame;
    bool more;

    TN_ROUTINE(f);
    do {
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more);
    TN_ROUTINE_END(p);
}
