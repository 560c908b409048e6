/* parse_query.c - WITH, SELECT, VALUES, set operations, ORDER BY and LIMIT. */
#include "sql/parser_internal.h"

bool tn_parser__goes_on_as_query(const tn_parser *p)
{
    return next_is_word(p, TN_KW_UNION) || next_is_word(p, TN_KW_EXCEPT) ||
           next_is_word(p, TN_KW_INTERSECT) || next_is_word(p, TN_KW_ORDER) ||
           next_is_word(p, TN_KW_LIMIT) || next_is_word(p, TN_KW_OFFSET) ||
           next_is_word(p, TN_KW_FETCH);
}

tarn_code tn_parser__query_ahead(tn_parser *p, bool *found, tarn_error *err)
{
    const tn_token *behind;
    *found = next_is_word(p, TN_KW_SELECT) || next_is_word(p, TN_KW_WITH) ||
             next_is_word(p, TN_KW_FROM) || next_is_word(p, TN_KW_TABLE);
    if (!next_is_word(p, TN_KW_VALUES)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    *found = behind->kind == TN_TOKEN_SYMBOL && behind->symbol == '(';
    return TARN_OK;
}

static TN_FALLIBLE new_query(tn_parser *p, tn_ast_query_kind kind, uint32_t start,
                             tn_ast_query **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast_query, out, err));
    (*out)->kind = kind;
    (*out)->span = tn_parser__span_from(p, start);
    return TARN_OK;
}

/* ---- ORDER BY ---- */

static TN_FALLIBLE parse_direction(tn_parser *p, tn_ast_order *order, tarn_error *err)
{
    bool taken;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ASC, &taken, err));
    if (!taken) {
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_DESC, &order->descending, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_NULLS, &order->nulls_given, err));
    order->nulls_first = order->descending;
    if (order->nulls_given) {
        order->nulls_first = next_is_word(p, TN_KW_FIRST);
        if (!order->nulls_first && !next_is_word(p, TN_KW_LAST)) {
            return tn_parser__expected(p, "FIRST or LAST", err);
        }
        return tn_parser__skip(p, err);
    }
    return TARN_OK;
}

tarn_code tn_parse__order(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_order_frame *f = frame;
    bool more;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_ORDER, err));
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_BY, err));
    do {
        p->expr = NULL;
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ALL, &more, err));
        if (!more) { /* ALL is told by an order without an expression */
            TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
        }
        tn_ast_order order = {.expr = p->expr};
        TN_RETURN_IF_ERROR(parse_direction(p, &order, err));
        TN_RETURN_IF_ERROR(tn_vec_push(&p->orders, order, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more);
    TN_ROUTINE_END(p);
}

tarn_code tn_parser__take_orders(tn_parser *p, size_t base, const tn_ast_order **out,
                                 uint32_t *count, tarn_error *err)
{
    tn_ast_order *orders;
    *count = (uint32_t)(p->orders.count - base);
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_ast_order, *count, &orders, err));
    if (*count > 0) {
        memcpy(orders, p->orders.items + base, *count * sizeof(*orders));
    }
    p->orders.count = base;
    *out = orders;
    return TARN_OK;
}

/* ---- GROUP BY ---- */

typedef struct groups_frame {
    tn_frame head;
    size_t base;
    uint32_t start;
    uint8_t detail;
} groups_frame;

static TN_FALLIBLE grouping_ahead(tn_parser *p, uint8_t *detail, bool *found, tarn_error *err)
{
    *detail = next_is_word(p, TN_KW_ROLLUP) ? TN_GROUPING_ROLLUP : TN_GROUPING_CUBE;
    TN_RETURN_IF_ERROR(tn_parser__words_ahead(
        p, *detail == TN_GROUPING_ROLLUP ? TN_KW_ROLLUP : TN_KW_CUBE, TN_KW_NONE, found, err));
    if (*found) {
        return tn_parser__skip(p, err);
    }
    TN_RETURN_IF_ERROR(tn_parser__words_ahead(p, TN_KW_GROUPING, TN_KW_SETS, found, err));
    if (*found) {
        *detail = TN_GROUPING_SETS;
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        return tn_parser__skip(p, err);
    }
    return TARN_OK;
}

/* A list of expressions, (), ROLLUP (...) and their kin: pushed to p->values. */
static tarn_code parse_groups(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    groups_frame *f = frame;
    const tn_token *behind;
    bool found;

    TN_ROUTINE(f);
    for (;;) {
        f->base = p->values.count;
        f->start = next_token(p)->span.start;
        TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
        TN_RETURN_IF_ERROR(grouping_ahead(p, &f->detail, &found, err));
        if (found) {
            TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
            TN_CALL(p, f, parse_groups, (groups_frame){.base = 0});
            TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
            TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_GROUPING, f->start, &p->expr, err));
            p->expr->detail = f->detail;
            TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->base, p->expr, err));
        } else if (next_is(p, '(') && behind->kind == TN_TOKEN_SYMBOL && behind->symbol == ')') {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_ROW, f->start, &p->expr, err));
        } else {
            TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
        }
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, p->expr, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &found, err));
        if (!found) {
            break;
        }
    }
    TN_ROUTINE_END(p);
}

/* ---- SELECT ---- */

typedef struct select_frame {
    tn_frame head;
    tn_ast_query *query;
    size_t values, items;
    bool again;
} select_frame;

/* Moves values[base..] to an array. */
static TN_FALLIBLE take_values(tn_parser *p, size_t base, tn_ast ***out, uint32_t *count,
                               tarn_error *err)
{
    tn_ast list = {.kind = TN_AST_ROW};
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, base, &list, err));
    *out = list.items;
    *count = list.count;
    return TARN_OK;
}

/* The list behind SELECT. */
static tarn_code parse_select_list(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    select_frame *f = frame;
    bool more;

    TN_ROUTINE(f);
    f->items = p->items.count;
    do {
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
        tn_ast_item item = {.expr = p->expr};
        if (p->expr->kind != TN_AST_STAR) {
            TN_RETURN_IF_ERROR(tn_parser__alias(p, &item.alias, &item.alias_span, err));
        }
        TN_RETURN_IF_ERROR(tn_vec_push(&p->items, item, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more && !next_is_word(p, TN_KW_FROM)); /* a comma too many before FROM is forgiven */
    TN_RETURN_IF_ERROR(
        tn_parser__take_items(p, f->items, &f->query->items, &f->query->item_count, err));
    TN_ROUTINE_END(p);
}

/* SELECT [ALL | DISTINCT [ON (...)]] list */
static tarn_code parse_select_head(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    select_frame *f = frame;
    bool taken;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_DISTINCT, &f->query->distinct, err));
    if (f->query->distinct && next_is_word(p, TN_KW_ON)) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
        f->values = p->values.count;
        TN_CALL(p, f, tn_parse__list, (tn_list_frame){.head.state = 0});
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
        TN_RETURN_IF_ERROR(
            take_values(p, f->values, &f->query->distinct_on, &f->query->distinct_on_count, err));
    } else if (!f->query->distinct) {
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ALL, &taken, err));
    }
    TN_CALL(p, f, parse_select_list, (select_frame){.query = f->query});
    if (next_is_word(p, TN_KW_INTO)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "SELECT ... INTO");
    }
    TN_ROUTINE_END(p);
}

static bool is_text(const tn_parser *p, const tn_token *token, const char *word)
{
    return token->kind == TN_TOKEN_NAME &&
           tn_str_equal_fold(tn_str_slice(p->lexer.text, token->span.start,
                                          token->span.start + token->span.length),
                             tn_str_of(word));
}

/* LIMIT 10%, LIMIT 10 PERCENT */
static TN_FALLIBLE refuse_share(tn_parser *p, tarn_error *err)
{
    const tn_token *behind;
    const tn_token *third;
    if (next_token(p)->kind != TN_TOKEN_INTEGER && next_token(p)->kind != TN_TOKEN_DECIMAL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 2, &third, err));
    const bool ends =
        third->kind == TN_TOKEN_END ||
        (third->kind == TN_TOKEN_SYMBOL && (third->symbol == ')' || third->symbol == ';'));
    const bool sign = behind->kind == TN_TOKEN_SYMBOL && behind->symbol == '%' && ends;
    return sign || is_text(p, behind, "PERCENT")
               ? tn_parser__unsupported(p, behind->span, err, "LIMIT of a percentage")
               : TARN_OK;
}

static TN_FALLIBLE refuse_clauses(tn_parser *p, tarn_error *err)
{
    const tn_token *behind = NULL;
    if (next_is_word(p, TN_KW_USING)) {
        TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
        if (is_text(p, behind, "SAMPLE")) {
            return tn_parser__unsupported(p, next_token(p)->span, err, "USING SAMPLE");
        }
    }
    const bool qualify = next_is_word(p, TN_KW_QUALIFY);
    if (!qualify && !next_is_word(p, TN_KW_WINDOW)) {
        return TARN_OK;
    }
    return tn_parser__unsupported(p, next_token(p)->span, err,
                                  qualify ? "QUALIFY" : "the WINDOW clause");
}

static tarn_code parse_group_by(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    select_frame *f = frame;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_BY, err));
    f->query->is_grouped = true;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ALL, &f->query->group_all, err));
    if (!f->query->group_all) {
        f->values = p->values.count;
        TN_CALL(p, f, parse_groups, (groups_frame){.base = 0});
        TN_RETURN_IF_ERROR(
            take_values(p, f->values, &f->query->groups, &f->query->group_count, err));
    }
    TN_ROUTINE_END(p);
}

/* One SELECT, or FROM ... [SELECT ...]. */
static tarn_code parse_select(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    select_frame *f = frame;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(new_query(p, TN_QUERY_SELECT, next_token(p)->span.start, &f->query, err));
    if (next_is_word(p, TN_KW_SELECT)) {
        TN_CALL(p, f, parse_select_head, (select_frame){.query = f->query});
    }
    if (next_is_word(p, TN_KW_FROM)) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_CALL(p, f, tn_parse__from, (tn_from_frame){.table = NULL});
        f->query->from = p->table;
    }
    if (f->query->item_count == 0 && next_is_word(p, TN_KW_SELECT)) {
        TN_CALL(p, f, parse_select_head, (select_frame){.query = f->query});
    }
    if (next_is_word(p, TN_KW_WHERE)) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
        f->query->where = p->expr;
    }
    if (next_is_word(p, TN_KW_GROUP)) {
        TN_CALL(p, f, parse_group_by, (select_frame){.query = f->query});
    }
    if (next_is_word(p, TN_KW_HAVING)) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
        f->query->having = p->expr;
    }
    TN_RETURN_IF_ERROR(refuse_clauses(p, err));
    f->query->span = tn_parser__span_from(p, f->query->span.start);
    p->query = f->query;
    TN_ROUTINE_END(p);
}

/* VALUES (1, 2), (3, 4) */
tarn_code tn_parse__values(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_values_frame *f = frame;
    tn_ast *row;
    bool more;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(new_query(p, TN_QUERY_VALUES, next_token(p)->span.start, &f->query, err));
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    f->values = p->values.count;
    do {
        f->row = p->values.count;
        f->start = next_token(p)->span.start;
        TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
        TN_CALL(p, f, tn_parse__list, (tn_list_frame){.head.state = 0});
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
        TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_ROW, f->start, &row, err));
        TN_RETURN_IF_ERROR(tn_parser__items_to(p, f->row, row, err));
        TN_RETURN_IF_ERROR(tn_vec_push(&p->values, row, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more && next_is(p, '(')); /* a comma too many is forgiven */
    TN_RETURN_IF_ERROR(take_values(p, f->values, &f->query->rows, &f->query->row_count, err));
    f->query->span = tn_parser__span_from(p, f->query->span.start);
    p->query = f->query;
    TN_ROUTINE_END(p);
}

/* TABLE t is SELECT * FROM t. */
static TN_FALLIBLE parse_table_query(tn_parser *p, tarn_error *err)
{
    tn_ast_table *table;
    tn_ast_query *query;
    TN_RETURN_IF_ERROR(new_query(p, TN_QUERY_SELECT, next_token(p)->span.start, &query, err));
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast_table, &table, err));
    table->kind = TN_TABLE_NAME;
    TN_RETURN_IF_ERROR(tn_parser__object_name(p, "a table", &table->name, err));
    table->span = table->name.span;
    query->from = table;
    query->span = tn_parser__span_from(p, query->span.start);
    p->query = query;
    return tn_vec_push(&p->tables, table, err);
}

/* ---- set operations ---- */

static TN_FALLIBLE reduce_sets(tn_parser *p, tn_query_frame *f, unsigned level, tarn_error *err)
{
    while (p->operators.count > f->operators) {
        const tn_parse_operator *top = &p->operators.items[p->operators.count - 1];
        if (top->precedence < level) {
            return TARN_OK;
        }
        const size_t base = p->queries.count - 1 - top->count;
        tn_ast_query *query;
        TN_RETURN_IF_ERROR(new_query(p, (tn_ast_query_kind)top->kind,
                                     p->queries.items[base]->span.start, &query, err));
        query->all = top->negated;
        query->by_name = top->is_open;
        query->child_count = top->count + 1;
        TN_RETURN_IF_ERROR(
            tn_arena_array(p->arena, tn_ast_query *, query->child_count, &query->children, err));
        memcpy(query->children, p->queries.items + base,
               query->child_count * sizeof(*query->children));
        p->queries.count = base;
        p->operators.count--;
        TN_RETURN_IF_ERROR(tn_vec_push(&p->queries, query, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE accept_set(tn_parser *p, tn_query_frame *f, bool *taken, tarn_error *err)
{
    tn_parse_operator op = {.count = 1, .precedence = 1};
    bool found;

    *taken = true;
    if (next_is_word(p, TN_KW_UNION)) {
        op.kind = TN_QUERY_UNION;
    } else if (next_is_word(p, TN_KW_EXCEPT)) {
        op.kind = TN_QUERY_EXCEPT;
    } else if (next_is_word(p, TN_KW_INTERSECT)) {
        op.kind = TN_QUERY_INTERSECT;
        op.precedence = 2;
    } else {
        *taken = false;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ALL, &op.negated, err));
    if (!op.negated) {
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_DISTINCT, &found, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__words_ahead(p, TN_KW_BY, TN_KW_NAME, &op.is_open, err));
    if (op.is_open) {
        if (op.kind != TN_QUERY_UNION) {
            return tn_parser__unsupported(p, next_token(p)->span, err,
                                          "BY NAME behind EXCEPT and INTERSECT");
        }
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    TN_RETURN_IF_ERROR(reduce_sets(p, f, op.precedence + 1U, err));
    if (p->operators.count > f->operators && op.kind == TN_QUERY_UNION) {
        tn_parse_operator *top = &p->operators.items[p->operators.count - 1];
        if (top->kind == op.kind && top->negated == op.negated && top->is_open == op.is_open) {
            top->count++; /* a UNION b UNION c is one node, however long */
            return TARN_OK;
        }
    }
    TN_RETURN_IF_ERROR(reduce_sets(p, f, op.precedence, err));
    return tn_vec_push(&p->operators, op, err);
}

/* ---- WITH ---- */

static TN_FALLIBLE begin_cte(tn_parser *p, tn_query_frame *f, tarn_error *err)
{
    bool negated;
    bool taken;
    f->cte = (tn_ast_cte){.recursive = f->cte.recursive};
    TN_RETURN_IF_ERROR(tn_parser__name(p, "a name for a query", &f->cte.name, &f->cte.span, err));
    if (next_is(p, '(')) {
        TN_RETURN_IF_ERROR(tn_parser__name_list(p, &f->cte.columns, &f->cte.column_count, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_AS, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_NOT, &negated, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_MATERIALIZED, &taken, err));
    if (negated && !taken) {
        return tn_parser__expected(p, "MATERIALIZED", err);
    }
    f->cte.inline_each = negated;
    f->cte.materialized = taken && !negated;
    return tn_parser__expect(p, '(', "'('", err);
}

static tarn_code parse_with(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_query_frame *f = frame;
    bool more;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_RECURSIVE, &f->cte.recursive, err));
    f->ctes = p->ctes.count;
    do {
        TN_RETURN_IF_ERROR(begin_cte(p, f, err));
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
        f->cte.query = p->query;
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
        TN_RETURN_IF_ERROR(tn_vec_push(&p->ctes, f->cte, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more);
    TN_RETURN_IF_ERROR(new_query(p, TN_QUERY_SELECT, 0, &f->query, err));
    f->query->cte_count = (uint32_t)(p->ctes.count - f->ctes);
    TN_RETURN_IF_ERROR(
        tn_arena_array(p->arena, tn_ast_cte, f->query->cte_count, &f->query->ctes, err));
    memcpy(f->query->ctes, p->ctes.items + f->ctes, f->query->cte_count * sizeof(tn_ast_cte));
    p->ctes.count = f->ctes;
    TN_RETURN_IF_ERROR(tn_vec_push(&p->withs, f->query, err));
    p->query = f->query; /* an empty one: only its CTEs count */
    TN_ROUTINE_END(p);
}

/* ---- the whole query ---- */

static TN_FALLIBLE skip_rows_word(tn_parser *p, bool wanted, tarn_error *err)
{
    bool taken;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ROWS, &taken, err));
    if (!taken) {
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ROW, &taken, err));
    }
    return wanted && !taken ? tn_parser__expected(p, "ROWS", err) : TARN_OK;
}

/* ORDER BY, LIMIT, OFFSET, FETCH: into f->query. */
static tarn_code parse_tail(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_query_frame *f = frame;
    bool taken;

    TN_ROUTINE(f);
    if (next_is_word(p, TN_KW_ORDER)) {
        f->orders = p->orders.count;
        TN_CALL(p, f, tn_parse__order, (tn_order_frame){.head.state = 0});
        TN_RETURN_IF_ERROR(
            tn_parser__take_orders(p, f->orders, &f->query->order, &f->query->order_count, err));
        f->query->order_all = f->query->order_count == 1 && f->query->order[0].expr == NULL;
    }
    while (next_is_word(p, TN_KW_LIMIT) || next_is_word(p, TN_KW_OFFSET) ||
           next_is_word(p, TN_KW_FETCH)) {
        if (next_is_word(p, TN_KW_LIMIT)) {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ALL, &taken, err));
            if (!taken) {
                TN_RETURN_IF_ERROR(refuse_share(p, err));
                TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
                f->query->limit = p->expr;
            }
        } else if (next_is_word(p, TN_KW_OFFSET)) {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
            f->query->offset = p->expr;
            TN_RETURN_IF_ERROR(skip_rows_word(p, false, err));
        } else {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            if (!next_is_word(p, TN_KW_FIRST) && !next_is_word(p, TN_KW_NEXT)) {
                return tn_parser__expected(p, "FIRST or NEXT", err);
            }
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            p->expr = NULL;
            if (!next_is_word(p, TN_KW_ROW) && !next_is_word(p, TN_KW_ROWS)) {
                TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
            }
            f->query->limit = p->expr;
            f->query->fetch_one = p->expr == NULL;
            TN_RETURN_IF_ERROR(skip_rows_word(p, true, err));
            if (next_is_word(p, TN_KW_WITH)) {
                return tn_parser__unsupported(p, next_token(p)->span, err, "FETCH ... WITH TIES");
            }
            TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_ONLY, err));
        }
    }
    TN_ROUTINE_END(p);
}

/* What a query in brackets has of its own stays within: around it stands a query of one child. */
static TN_FALLIBLE wrap_query(tn_parser *p, tn_query_frame *f, tarn_error *err)
{
    tn_ast_query *inner = f->query;
    TN_RETURN_IF_ERROR(new_query(p, TN_QUERY_UNION, inner->span.start, &f->query, err));
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_ast_query *, 1, &f->query->children, err));
    f->query->children[0] = inner;
    f->query->child_count = 1;
    f->query->all = true;
    return TARN_OK;
}

tarn_code tn_parse__query(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_query_frame *f = frame;
    bool more;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    f->operators = p->operators.count;
    f->queries = p->queries.count;
    p->query = f->first;
    f->in_brackets = f->first != NULL;
    if (f->first == NULL && next_is_word(p, TN_KW_WITH)) {
        TN_CALL(p, f, parse_with, (tn_query_frame){.first = NULL});
        f->with = p->query;
        p->query = NULL;
    }
    do {
        if (p->query != NULL) {
            f->start = p->query->span.start; /* given: parsed already */
        } else if (next_is(p, '(')) {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
            TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
            f->in_brackets = true;
        } else if (next_is_word(p, TN_KW_SELECT) || next_is_word(p, TN_KW_FROM)) {
            TN_CALL(p, f, parse_select, (select_frame){.again = false});
        } else if (next_is_word(p, TN_KW_VALUES)) {
            TN_CALL(p, f, tn_parse__values, (tn_values_frame){.start = 0});
        } else if (next_is_word(p, TN_KW_TABLE)) {
            TN_RETURN_IF_ERROR(parse_table_query(p, err));
        } else if (next_is_word(p, TN_KW_WITH) && p->queries.count > f->queries) {
            return tn_parser__expected(p, "a query in brackets", err);
        } else if (next_is_word(p, TN_KW_PIVOT) || next_is_word(p, TN_KW_UNPIVOT)) {
            return tn_parser__unsupported(p, next_token(p)->span, err, "PIVOT and UNPIVOT");
        } else {
            return tn_parser__expected(p, "SELECT, FROM or VALUES", err);
        }
        TN_RETURN_IF_ERROR(tn_vec_push(&p->queries, p->query, err));
        TN_RETURN_IF_ERROR(accept_set(p, f, &more, err));
        f->in_brackets = f->in_brackets && !more && p->operators.count == f->operators;
        p->query = NULL;
    } while (more);
    TN_RETURN_IF_ERROR(reduce_sets(p, f, 0, err));
    f->query = tn_vec_pop(&p->queries);
    if (f->in_brackets && (f->with != NULL || tn_parser__goes_on_as_query(p))) {
        TN_RETURN_IF_ERROR(wrap_query(p, f, err));
    }
    TN_CALL(p, f, parse_tail, (tn_query_frame){.query = f->query});
    if (f->with != NULL) {
        f->query->ctes = f->with->ctes;
        f->query->cte_count = f->with->cte_count;
        /* Counting uses goes over the list of these. */
    }
    f->query->span = tn_parser__span_from(p, f->start);
    p->query = f->query;
    TN_ROUTINE_END(p);
}
