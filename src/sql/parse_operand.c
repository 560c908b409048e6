/* parse_operand.c - what may stand where an expression wants an operand and more than a word. */
#include "sql/parser_internal.h"

/* ---- names ---- */

/* a, t.a, s.t.a; stops before ".*". */
static TN_FALLIBLE parse_name(tn_parser *p, bool *star, tarn_error *err)
{
    enum { PARTS_MAX = 64 };
    tn_str parts[PARTS_MAX];
    uint32_t count = 0;
    const uint32_t start = next_token(p)->span.start;

    *star = false;
    for (;;) {
        tn_span span;
        const tn_token *behind;
        if (count == PARTS_MAX) {
            return tn_parser__expected(p, "an operator", err);
        }
        TN_RETURN_IF_ERROR(tn_parser__label(p, "a name", &parts[count], &span, err));
        count++;
        if (!next_is(p, '.')) {
            break;
        }
        TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
        *star = behind->kind == TN_TOKEN_SYMBOL && behind->symbol == '*';
        if (*star) {
            break;
        }
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_NAME, start, &p->expr, err));
    p->expr->count = count;
    p->expr->text = parts[count - 1];
    p->expr->names = &p->expr->text;
    if (count > 1) {
        tn_str *names;
        TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_str, count, &names, err));
        memcpy(names, parts, count * sizeof(*parts));
        p->expr->names = names;
    }
    return TARN_OK;
}

/* t.* and *, with what is left out or replaced. */
static tarn_code parse_table_star(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;

    TN_ROUTINE(f);
    f->node = p->expr; /* the NAME before the point, or NULL */
    f->start = next_token(p)->span.start;
    if (f->node != NULL) {
        f->start = f->node->span.start;
        f->text = f->node->text;
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    TN_CALL(p, f, tn_parse__star, (tn_star_frame){.table = f->text, .start = f->start});
    TN_ROUTINE_END(p);
}

/* ---- brackets ---- */

/* (query), (a), (a, b) */
static tarn_code parse_brackets(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    bool query;
    bool more;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->list = p->values.count;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__query_ahead(p, &query, err));
    if (query) {
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
        TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_SUBQUERY, f->start, &p->expr, err));
        p->expr->query = p->query;
        return tn_routine_return(&p->routines);
    }
    TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
    if (p->expr->kind == TN_AST_SUBQUERY && tn_parser__goes_on_as_query(p)) {
        /* ((SELECT 1) UNION SELECT 2): the inner brackets were a part of the query. */
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = p->expr->query});
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
        TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_SUBQUERY, f->start, &p->expr, err));
        p->expr->query = p->query;
        return tn_routine_return(&p->routines);
    }
    TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    if (!more) {
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
        return tn_routine_return(&p->routines);
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    if (!next_is(p, ')')) {
        TN_CALL(p, f, tn_parse__list, (tn_list_frame){.head.state = 0});
    }
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_ROW, f->start, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    TN_ROUTINE_END(p);
}

/* [a, b], also behind ARRAY; ROW(a, b) */
static tarn_code parse_list_literal(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->list = p->values.count;
    f->flag = next_is_word(p, TN_KW_ROW);
    if (!next_is(p, '[')) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    if (!next_is(p, f->flag ? ')' : ']')) {
        TN_CALL(p, f, tn_parse__list, (tn_list_frame){.head.state = 0});
    }
    if (next_is_word(p, TN_KW_FOR)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "lists made by FOR");
    }
    TN_RETURN_IF_ERROR(f->flag ? tn_parser__expect(p, ')', "')'", err)
                               : tn_parser__expect(p, ']', "']'", err));
    TN_RETURN_IF_ERROR(
        tn_parser__node(p, f->flag ? TN_AST_ROW : TN_AST_LIST, f->start, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    TN_ROUTINE_END(p);
}

/* {'a': 1, b: 2} */
static tarn_code parse_struct(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    bool more = false;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->list = p->values.count;
    f->items = p->items.count;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    do {
        f->item = (tn_ast_item){.expr = NULL};
        if (next_token(p)->kind == TN_TOKEN_STRING) {
            TN_RETURN_IF_ERROR(
                tn_token__decode(p->lexer.text, next_token(p), p->arena, &f->item.alias, err));
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        } else {
            TN_RETURN_IF_ERROR(
                tn_parser__label(p, "a field's name", &f->item.alias, &f->item.alias_span, err));
        }
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ':', "':'", err));
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
        TN_RETURN_IF_ERROR(tn_vec_push(&p->items, f->item, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more && !next_is(p, '}'));
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '}', "'}'", err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_STRUCT, f->start, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    tn_str *names;
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_str, p->expr->count, &names, err));
    for (uint32_t i = 0; i < p->expr->count; i++) {
        names[i] = p->items.items[f->items + i].alias;
    }
    p->items.count = f->items;
    p->expr->names = names;
    TN_ROUTINE_END(p);
}

/* Keys and values in turn become two lists. */
static TN_FALLIBLE finish_map(tn_parser *p, tn_operand_frame *f, tarn_error *err)
{
    tn_ast *lists[2];
    const size_t pairs = (p->values.count - f->list) / 2;
    for (size_t side = 0; side < 2; side++) {
        TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_LIST, f->start, &lists[side], err));
        lists[side]->count = (uint32_t)pairs;
        TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_ast *, pairs, &lists[side]->items, err));
        for (size_t i = 0; i < pairs; i++) {
            lists[side]->items[i] = p->values.items[f->list + 2 * i + side];
        }
    }
    p->values.count = f->list;
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, lists[0], err));
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, lists[1], err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_CALL, f->start, &p->expr, err));
    p->expr->text = TN_STR("map");
    return tn_parser__items_to(p, f->list, p->expr, err);
}

/* MAP {k: v} is map([k], [v]). */
static tarn_code parse_map(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    bool more = true;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->list = p->values.count;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    while (more && !next_is(p, '}')) {
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ':', "':'", err));
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '}', "'}'", err));
    TN_RETURN_IF_ERROR(finish_map(p, f, err));
    TN_ROUTINE_END(p);
}

/* a[1], a[1:2], a[:] behind the value on top. */
tarn_code tn_parse__subscript(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;

    TN_ROUTINE(f);
    f->list = p->values.count - 1;
    f->start = p->values.items[f->list]->span.start;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    p->expr = NULL;
    if (!next_is(p, ':')) {
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__accept(p, ':', &f->flag, err));
    if (f->flag) {
        p->expr = NULL;
        if (!next_is(p, ']')) {
            TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
        }
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ']', "']'", err));
    TN_RETURN_IF_ERROR(
        tn_parser__node(p, f->flag ? TN_AST_SLICE : TN_AST_SUBSCRIPT, f->start, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    TN_ROUTINE_END(p);
}

/* [NOT] IN (list or query) behind the value on top. */
tarn_code tn_parse__in(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    bool query;

    TN_ROUTINE(f);
    f->list = p->values.count - 1;
    f->start = p->values.items[f->list]->span.start;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'(' behind IN", err));
    TN_RETURN_IF_ERROR(tn_parser__query_ahead(p, &query, err));
    p->query = NULL;
    if (query) {
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
    } else if (!next_is(p, ')')) {
        TN_CALL(p, f, tn_parse__list, (tn_list_frame){.head.state = 0});
        p->query = NULL;
        if (p->values.count == f->list + 2 &&
            p->values.items[f->list + 1]->kind == TN_AST_SUBQUERY) {
            p->query = tn_vec_pop(&p->values)->query; /* IN ((SELECT 1)) */
            if (tn_parser__goes_on_as_query(p)) {
                TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = p->query});
            }
        }
    }
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, p->query == NULL ? TN_AST_IN : TN_AST_IN_QUERY, f->start,
                                       &p->expr, err));
    p->expr->query = p->query;
    p->expr->negated = f->flag;
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    TN_ROUTINE_END(p);
}

/* = ANY (query or list) behind the value on top. */
tarn_code tn_parse__quantified(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    bool query;

    TN_ROUTINE(f);
    f->list = p->values.count - 1;
    f->start = p->values.items[f->list]->span.start;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    f->flag = next_is_word(p, TN_KW_ALL);
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
    TN_RETURN_IF_ERROR(tn_parser__query_ahead(p, &query, err));
    p->query = NULL;
    if (query) {
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
    } else {
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
        p->query = NULL;
        if (p->expr->kind == TN_AST_SUBQUERY) {
            p->query = p->expr->query; /* ANY ((SELECT 1)) */
            if (tn_parser__goes_on_as_query(p)) {
                TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = p->query});
            }
        } else {
            TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
        }
    }
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_QUANTIFIED, f->start, &p->expr, err));
    p->expr->query = p->query;
    p->expr->flag = f->flag;
    p->expr->text = tn_str_of(f->name);
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    TN_ROUTINE_END(p);
}

/* ---- words with a form of their own ---- */

static tarn_code parse_case(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    bool taken;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->list = p->values.count;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    p->expr = NULL;
    if (!next_is_word(p, TN_KW_WHEN)) {
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    do {
        TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_WHEN, err));
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
        TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_THEN, err));
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    } while (next_is_word(p, TN_KW_WHEN));
    p->expr = NULL;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ELSE, &taken, err));
    if (taken) {
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    if (!next_is_word(p, TN_KW_END)) {
        return tn_parser__expected(p, "WHEN, ELSE or END of CASE", err);
    }
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_CASE, f->start, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    TN_ROUTINE_END(p);
}

static tarn_code parse_cast(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    tn_span span;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->flag = next_is_word(p, TN_KW_TRY_CAST);
    f->list = p->values.count;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
    TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.values = 0});
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_AS, err));
    TN_RETURN_IF_ERROR(tn_parser__type(p, &f->text, &span, err));
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_CAST, f->start, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    p->expr->text = f->text;
    p->expr->flag = f->flag;
    TN_ROUTINE_END(p);
}

static tarn_code parse_exists(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_CALL(p, f, parse_brackets, (tn_operand_frame){.list = 0});
    if (p->expr->kind != TN_AST_SUBQUERY) {
        return tn_sql__fail(p->lexer.text, p->expr->span, err, TARN_E_INVALID,
                            "EXISTS wants a query in its brackets");
    }
    p->expr->kind = TN_AST_EXISTS;
    p->expr->span = tn_parser__span_from(p, f->start);
    TN_ROUTINE_END(p);
}

/* DATE '2001-01-01' and its kin. */
static tarn_code parse_typed_literal(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    tn_span span;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->list = p->values.count;
    TN_RETURN_IF_ERROR(tn_parser__type(p, &f->text, &span, err));
    if (next_token(p)->kind != TN_TOKEN_STRING) {
        return tn_parser__expected(p, "a string", err);
    }
    TN_RETURN_IF_ERROR(tn_parser__simple(p, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_CAST, f->start, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    p->expr->text = f->text;
    p->expr->negated = true;
    TN_ROUTINE_END(p);
}

/* INTERVAL '1 day', INTERVAL '1' DAY, INTERVAL 1 DAY, INTERVAL (a + 1) DAY */
static tarn_code parse_interval(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    tn_span span;
    bool to;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->list = p->values.count;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    f->flag = next_token(p)->kind == TN_TOKEN_STRING;
    if (next_is(p, '(')) {
        TN_CALL(p, f, parse_brackets, (tn_operand_frame){.list = 0});
    } else {
        TN_RETURN_IF_ERROR(tn_parser__simple(p, &p->expr, err));
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    f->text = TN_STR_NONE;
    if (!f->flag || tn_parser__is_unit(p)) {
        TN_RETURN_IF_ERROR(tn_parser__name(p, "a unit such as DAY", &f->text, &span, err));
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_TO, &to, err));
        if (to) { /* YEAR TO MONTH: the string itself tells */
            TN_RETURN_IF_ERROR(tn_parser__name(p, "a unit such as SECOND", &f->text, &span, err));
            f->text = TN_STR_NONE;
        }
    }
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_INTERVAL, f->start, &p->expr, err));
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->list, p->expr, err));
    p->expr->text = f->text;
    TN_ROUTINE_END(p);
}

/* ---- which of them ---- */

static TN_FALLIBLE word_operand(tn_parser *p, tn_routine **out, tarn_error *err)
{
    const tn_token *behind;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    const bool bracket = behind->kind == TN_TOKEN_SYMBOL && behind->symbol == '(';
    const bool square = behind->kind == TN_TOKEN_SYMBOL && behind->symbol == '[';
    const bool number = behind->kind == TN_TOKEN_INTEGER || behind->kind == TN_TOKEN_DECIMAL;

    *out = NULL;
    switch ((int)next_token(p)->keyword) {
    case TN_KW_CASE:
        *out = parse_case;
        return TARN_OK;
    case TN_KW_CAST:
    case TN_KW_TRY_CAST:
        *out = parse_cast;
        return TARN_OK;
    case TN_KW_EXISTS:
        *out = bracket ? parse_exists : NULL;
        break;
    case TN_KW_INTERVAL:
        *out = bracket || number || behind->kind == TN_TOKEN_STRING ||
                       behind->kind == TN_TOKEN_PARAMETER
                   ? parse_interval
                   : NULL;
        break;
    case TN_KW_ARRAY:
        if (bracket) {
            return tn_parser__unsupported(p, next_token(p)->span, err, "ARRAY(SELECT ...)");
        }
        *out = square ? parse_list_literal : NULL;
        break;
    case TN_KW_ROW:
        *out = bracket ? parse_list_literal : NULL;
        break;
    case TN_KW_COLUMNS:
        if (bracket) {
            return tn_parser__unsupported(p, next_token(p)->span, err, "COLUMNS()");
        }
        break;
    default:
        break;
    }
    if (*out == NULL && tn_parser__is_name(next_token(p), false)) {
        bool literal;
        *out = bracket ? tn_parse__call : NULL;
        if (behind->kind == TN_TOKEN_SYMBOL && behind->symbol == '{' &&
            tn_str_equal_fold(tn_str_slice(p->lexer.text, next_token(p)->span.start,
                                           next_token(p)->span.start + next_token(p)->span.length),
                              TN_STR("map"))) {
            *out = parse_map;
        }
        TN_RETURN_IF_ERROR(tn_parser__typed_literal_ahead(p, &literal, err));
        *out = literal ? parse_typed_literal : *out;
    }
    return TARN_OK;
}

tarn_code tn_parser__operand(tn_parser *p, tn_routine **out, tarn_error *err)
{
    const tn_token *token = next_token(p);
    *out = NULL;
    if (token->kind == TN_TOKEN_SYMBOL) {
        p->expr = NULL;
        *out = token->symbol == '('   ? parse_brackets
               : token->symbol == '[' ? parse_list_literal
               : token->symbol == '{' ? parse_struct
               : token->symbol == '*' ? parse_table_star
                                      : NULL;
    } else if (token->kind == TN_TOKEN_NAME) {
        TN_RETURN_IF_ERROR(word_operand(p, out, err));
    } else if (token->kind == TN_TOKEN_QUOTED) {
        const tn_token *behind;
        TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
        *out = behind->kind == TN_TOKEN_SYMBOL && behind->symbol == '(' ? tn_parse__call : NULL;
    }
    if (*out != NULL) {
        return TARN_OK;
    }
    /* Words such as LEFT are functions, not columns, unless a point follows. */
    const tn_token *point;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &point, err));
    const bool qualifies = point->kind == TN_TOKEN_SYMBOL && point->symbol == '.';
    if (!tn_parser__is_name(next_token(p), !qualifies)) {
        return tn_parser__expected(p, "an expression", err);
    }
    bool star;
    TN_RETURN_IF_ERROR(parse_name(p, &star, err));
    if (star) {
        *out = parse_table_star;
    } else if (next_is(p, '(')) {
        *out = tn_parse__call;
    }
    return TARN_OK;
}
