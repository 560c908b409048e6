/* parse_call.c - function calls, with the forms that some functions have of their own; stars. */
#include "sql/parser_internal.h"

static bool named(const tn_operand_frame *f, const char *name)
{
    return tn_str_equal_fold(f->text, tn_str_of(name));
}

static bool is_word_text(tn_parser *p, const char *word)
{
    const tn_token *token = next_token(p);
    return token->kind == TN_TOKEN_NAME &&
           tn_str_equal_fold(tn_str_slice(p->lexer.text, token->span.start,
                                          token->span.start + token->span.length),
                             tn_str_of(word));
}

static tn_ast_call *call_of(tn_parser *p, tn_operand_frame *f, tarn_error *err)
{
    if (f->call == NULL && tn_arena_new(p->arena, tn_ast_call, &f->call, err) != TARN_OK) {
        return NULL;
    }
    return f->call;
}

static TN_FALLIBLE push_string(tn_parser *p, tn_str text, tarn_error *err)
{
    tn_ast *node;
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_STRING, p->last.span.start, &node, err));
    node->text = text;
    return tn_vec_push(&p->values, node, err);
}

/* The last `count` values change their order: the first becomes the last. */
static void rotate(tn_parser *p, size_t count)
{
    tn_ast **at = p->values.items + p->values.count - count;
    tn_ast *first = at[0];
    memmove(at, at + 1, (count - 1) * sizeof(*at));
    at[count - 1] = first;
}

/* EXTRACT(year FROM x): the field becomes a string, the rest is as any call. */
static TN_FALLIBLE begin_extract(tn_parser *p, tn_operand_frame *f, bool *taken, tarn_error *err)
{
    const tn_token *behind;
    tn_str field;
    *taken = false;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    if (!named(f, "extract") || behind->kind != TN_TOKEN_NAME || behind->keyword != TN_KW_FROM) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_token__decode(p->lexer.text, next_token(p), p->arena, &field, err));
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    f->text = TN_STR("date_part");
    *taken = true;
    return push_string(p, field, err);
}

/* TRIM(LEADING x FROM y): what stands before the first expression. */
static TN_FALLIBLE begin_trim(tn_parser *p, tn_operand_frame *f, tarn_error *err)
{
    if (!named(f, "trim")) {
        return TARN_OK;
    }
    if (next_is_word(p, TN_KW_LEADING) || next_is_word(p, TN_KW_TRAILING)) {
        f->text = next_is_word(p, TN_KW_LEADING) ? TN_STR("ltrim") : TN_STR("rtrim");
        f->flag = true;
        return tn_parser__skip(p, err);
    }
    f->flag = true;
    bool taken;
    return tn_parser__accept_word(p, TN_KW_BOTH, &taken, err);
}

/* A word that goes on with the next argument where others have a comma. */
static TN_FALLIBLE accept_separator(tn_parser *p, tn_operand_frame *f, bool *more, tarn_error *err)
{
    const bool from = next_is_word(p, TN_KW_FROM);
    *more = from && (f->flag || named(f, "substring"));
    *more = *more || (next_is_word(p, TN_KW_FOR) && named(f, "substring"));
    *more = *more || (next_is_word(p, TN_KW_IN) && named(f, "position"));
    if (next_is_word(p, TN_KW_PLACING)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "OVERLAY ... PLACING");
    }
    if (!*more) {
        return tn_parser__accept(p, ',', more, err);
    }
    if (next_is_word(p, TN_KW_FOR) && p->values.count == f->list + 1) {
        tn_ast *one; /* SUBSTRING(x FOR 3) begins with the first */
        TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_NUMBER, p->last.span.start, &one, err));
        one->text = TN_STR("1");
        one->detail = TN_TOKEN_INTEGER;
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, one, err));
    }
    f->rotates = (from && f->flag) || next_is_word(p, TN_KW_IN);
    return tn_parser__skip(p, err);
}

/* name => or name := before an argument. */
static TN_FALLIBLE accept_argument_name(tn_parser *p, tn_operand_frame *f, tarn_error *err)
{
    const tn_token *behind;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    f->node = NULL;
    const tn_token *third;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 2, &third, err));
    const bool arrow = tn_parser__is_name(next_token(p), false) &&
                       behind->kind == TN_TOKEN_SYMBOL && behind->symbol == TN_SYM2('-', '>') &&
                       third->kind != TN_TOKEN_STRING; /* a path into JSON */
    if (arrow || (is_word_text(p, "lambda") && behind->kind == TN_TOKEN_NAME)) {
        (void)tn_parser__unsupported(p, next_token(p)->span, err, "lambdas (x -> ...)");
        tn_hint(err, "unnest() the list in FROM, and gather the results with list()");
        return TARN_E_UNSUPPORTED;
    }
    if (behind->kind != TN_TOKEN_SYMBOL ||
        (behind->symbol != TN_SYM2('=', '>') && behind->symbol != TN_SYM2(':', '='))) {
        return TARN_OK;
    }
    tn_str name;
    TN_RETURN_IF_ERROR(
        tn_parser__node(p, TN_AST_ARGUMENT, next_token(p)->span.start, &f->node, err));
    TN_RETURN_IF_ERROR(tn_token__decode(p->lexer.text, next_token(p), p->arena, &name, err));
    f->node->text = name;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    return tn_parser__skip(p, err);
}

static TN_FALLIBLE push_argument(tn_parser *p, tn_operand_frame *f, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
    if (f->node == NULL) {
        return TARN_OK;
    }
    f->node->span = tn_parser__span_from(p, f->node->span.start);
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, p->values.count - 1, f->node, err));
    return tn_vec_push(&p->values, f->node, err);
}

static TN_FALLIBLE begin_call(tn_parser *p, tn_operand_frame *f, tarn_error *err)
{
    tn_span span;
    bool taken;
    const tn_token *behind;

    f->start = next_token(p)->span.start;
    if (next_is(p, '(')) {
        f->start = p->expr->span.start;
        f->text = p->expr->text;
    } else {
        TN_RETURN_IF_ERROR(tn_parser__name(p, "a function", &f->text, &span, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
    f->list = p->values.count;
    f->orders = p->orders.count;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_DISTINCT, &taken, err));
    if (taken) {
        if (call_of(p, f, err) == NULL) {
            return TARN_E_NOMEM;
        }
        f->call->distinct = true;
    } else {
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ALL, &taken, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    if (next_is(p, '*') && behind->kind == TN_TOKEN_SYMBOL && behind->symbol == ')') {
        if (call_of(p, f, err) == NULL) {
            return TARN_E_NOMEM;
        }
        f->call->star = true;
        return tn_parser__skip(p, err);
    }
    TN_RETURN_IF_ERROR(begin_extract(p, f, &taken, err));
    return taken ? TARN_OK : begin_trim(p, f, err);
}

static TN_FALLIBLE finish_call(tn_parser *p, tn_operand_frame *f, tarn_error *err)
{
    if (f->call != NULL) {
        tn_ast_call *call = f->call;
        if (p->orders.count > f->orders) {
            TN_RETURN_IF_ERROR(
                tn_parser__take_orders(p, f->orders, &call->order, &call->order_count, err));
        }
    }
    if (next_is_word(p, TN_KW_OVER)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "window functions (OVER)");
    }
    if (is_word_text(p, "IGNORE") || is_word_text(p, "RESPECT")) {
        return tn_parser__unsupported(p, next_token(p)->span, err,
                                      "IGNORE NULLS and RESPECT NULLS");
    }
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_CALL, f->start, &p->expr, err));
    if (f->rotates) {
        rotate(p, p->values.count - f->list);
    }
    p->expr->text = named(f, "position") && f->rotates ? TN_STR("strpos") : f->text;
    p->expr->call = f->call;
    return tn_parser__items_to(p, f->list, p->expr, err);
}

tarn_code tn_parse__call(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_operand_frame *f = frame;
    bool more;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(begin_call(p, f, err));
    more = !next_is(p, ')') && !next_is_word(p, TN_KW_ORDER);
    if (f->flag && next_is_word(p, TN_KW_FROM)) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err)); /* TRIM(BOTH FROM x) */
    }
    while (more) {
        TN_RETURN_IF_ERROR(accept_argument_name(p, f, err));
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = named(f, "position")});
        TN_RETURN_IF_ERROR(push_argument(p, f, err));
        TN_RETURN_IF_ERROR(accept_separator(p, f, &more, err));
    }
    if (next_is_word(p, TN_KW_ORDER)) {
        if (call_of(p, f, err) == NULL) {
            return TARN_E_NOMEM;
        }
        TN_CALL(p, f, tn_parse__order, (tn_order_frame){.head.state = 0});
    }
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
    if (next_is_word(p, TN_KW_WITHIN)) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_GROUP, err));
        TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
        if (call_of(p, f, err) == NULL) {
            return TARN_E_NOMEM;
        }
        f->call->within_group = true;
        TN_CALL(p, f, tn_parse__order, (tn_order_frame){.head.state = 0});
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
    }
    TN_RETURN_IF_ERROR(
        tn_parser__words_ahead(p, TN_KW_FILTER, TN_KW_NONE, &more, err)); /* FILTER ( */
    if (more) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_WHERE, &more, err));
        if (call_of(p, f, err) == NULL) {
            return TARN_E_NOMEM;
        }
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
        f->call->filter = p->expr;
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
    }
    TN_RETURN_IF_ERROR(finish_call(p, f, err));
    TN_ROUTINE_END(p);
}

/* ---- stars ---- */

/* a, or (a, b.c, d): names that the star leaves out. */
static TN_FALLIBLE parse_excluded(tn_parser *p, tn_star_frame *f, tarn_error *err)
{
    bool many;
    bool more;
    tn_ast_star *star = f->node->star;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__accept(p, '(', &many, err));
    do {
        tn_ast_item item = {.expr = NULL};
        TN_RETURN_IF_ERROR(tn_parser__name(p, "a column", &item.alias, &item.alias_span, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, '.', &more, err));
        if (more) { /* t.a: the column is what counts */
            TN_RETURN_IF_ERROR(tn_parser__name(p, "a column", &item.alias, &item.alias_span, err));
        }
        TN_RETURN_IF_ERROR(tn_vec_push(&p->items, item, err));
        more = false;
        if (many) {
            TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
        }
    } while (more);
    TN_RETURN_IF_ERROR(
        tn_parser__take_items(p, f->items, &star->exclude, &star->exclude_count, err));
    return many ? tn_parser__expect(p, ')', "',' or ')'", err) : TARN_OK;
}

/* * EXCEPT (a): a name where the set operation would have a query. */
static TN_FALLIBLE except_ahead(tn_parser *p, bool *found, tarn_error *err)
{
    const tn_token *name;
    TN_RETURN_IF_ERROR(tn_parser__words_ahead(p, TN_KW_EXCEPT, TN_KW_NONE, found, err));
    if (*found) {
        TN_RETURN_IF_ERROR(tn_parser__peek(p, 2, &name, err));
        *found = tn_parser__is_name(name, true);
    }
    return TARN_OK;
}

tarn_code tn_parse__star(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_star_frame *f = frame;
    tn_ast_item item = {.expr = NULL};
    tn_ast_star *star;
    bool more;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '*', "'*'", err));
    f->items = p->items.count;
    TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_STAR, f->start, &f->node, err));
    TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast_star, &f->node->star, err));
    f->node->star->table = f->table;
    TN_RETURN_IF_ERROR(except_ahead(p, &more, err));
    if (next_is_word(p, TN_KW_EXCLUDE) || more) {
        TN_RETURN_IF_ERROR(parse_excluded(p, f, err));
    }
    while (next_is_word(p, TN_KW_REPLACE) || next_is_word(p, TN_KW_RENAME)) {
        f->rename = next_is_word(p, TN_KW_RENAME);
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, '(', &f->many, err));
        do {
            TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
            item = (tn_ast_item){.expr = p->expr};
            TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_AS, err));
            TN_RETURN_IF_ERROR(tn_parser__name(p, "a column", &item.alias, &item.alias_span, err));
            TN_RETURN_IF_ERROR(tn_vec_push(&p->items, item, err));
            more = false;
            if (f->many) {
                TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
            }
        } while (more);
        if (f->many) {
            TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
        }
        star = f->node->star;
        TN_RETURN_IF_ERROR(
            f->rename
                ? tn_parser__take_items(p, f->items, &star->rename, &star->rename_count, err)
                : tn_parser__take_items(p, f->items, &star->replace, &star->replace_count, err));
    }
    p->expr = f->node;
    TN_ROUTINE_END(p);
}
