/* bind_query.c - WITH, VALUES, set operations, LIMIT; and ORDER BY where it is over outputs alone.
 */
#include "sql/bind_internal.h"

tn_sort_key tn_binder__sort_key(const tn_ast_order *order, const tn_expr *expr)
{
    return (tn_sort_key){expr, order->descending, order->nulls_first};
}

tarn_code tn_binder__ordinal(tn_binder *b, const tn_ast *ast, const char *clause, uint32_t count,
                             uint32_t *out, tarn_error *err)
{
    *out = UINT32_MAX;
    if (ast->kind != TN_AST_NUMBER || ast->detail != TN_TOKEN_INTEGER) {
        return TARN_OK;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < ast->text.size && number <= count; i++) {
        const char c = ast->text.data[i];
        number = c == '-' ? (uint64_t)count + 1 : number * 10 + (uint64_t)(c - '0');
    }
    if (number == 0 || number > count) {
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID,
                               "%s %.*s is not a column of the result, which has %u", clause,
                               TN_STR_ARGS(ast->text), count);
    }
    *out = (uint32_t)number - 1;
    return TARN_OK;
}

tarn_code tn_binder__rename(tn_binder *b, const tn_plan *plan, const tn_ast_item *names,
                            uint32_t count, tn_span span, tn_plan **out, tarn_error *err)
{
    const tn_expr **exprs;
    tn_str *renamed;
    if (count > plan->output_count) {
        return tn_binder__fail(b, span, err, TARN_E_INVALID, "%u names for %u column%s", count,
                               plan->output_count, plan->output_count == 1 ? "" : "s");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, plan->output_count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, plan->output_count, &renamed, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        TN_RETURN_IF_ERROR(tn_plan_column(b->context, plan, i, (tn_span){0, 0}, &exprs[i], err));
        renamed[i] = i < count ? names[i].alias : plan->outputs[i].name;
    }
    return tn_plan_project(b->context, (tn_plan *)(uintptr_t)plan, exprs, renamed,
                           plan->output_count, out, err);
}

tarn_code tn_binder__one_row(tn_binder *b, tn_plan **out, tarn_error *err)
{
    return tn_plan_values(b->context, NULL, 1, NULL, 0, out, err);
}

/* ---- VALUES ---- */

static bool is_text_literal(const tn_expr *expr)
{
    return expr->kind == TN_EXPR_LITERAL && expr->type == TN_VARCHAR;
}

/* Column `c`'s type; literals in quotes take that of the others. */
static TN_FALLIBLE column_type(tn_binder *b, const tn_ast_query *query, const tn_expr **cells,
                               uint32_t width, uint32_t c, const tn_type **out, tarn_error *err)
{
    bool found = true;
    bool text = false;
    *out = TN_TYPE_NULL;
    for (uint32_t r = 0; r < query->row_count; r++) {
        const tn_expr *cell = cells[(size_t)r * width + c];
        const tn_type *before = *out;
        if (cell->type == before) {
            continue;
        }
        if (is_text_literal(cell)) {
            text = true;
            continue;
        }
        TN_RETURN_IF_ERROR(
            tn_types_common(b->expr_context->types, before, cell->type, out, &found, err));
        if (!found) {
            return tn_binder__fail(b, cell->span, err, TARN_E_INVALID,
                                   "column %u of VALUES is %.*s in one row and %.*s in another",
                                   c + 1, TN_STR_ARGS(before->name), TN_STR_ARGS(cell->type->name));
        }
    }
    if ((*out)->kind == TN_KIND_NULL && text) {
        *out = TN_VARCHAR;
    }
    return TARN_OK;
}

/* Rows that read columns or queries: each a projection of its own. */
static TN_FALLIBLE union_of_rows(tn_binder *b, const tn_ast_query *query, const tn_expr **cells,
                                 const tn_output *outputs, uint32_t width, tarn_error *err)
{
    tn_plan **rows;
    tn_str *names;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_plan *, query->row_count, &rows, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, width, &names, err));
    for (uint32_t i = 0; i < width; i++) {
        names[i] = outputs[i].name;
    }
    for (uint32_t r = 0; r < query->row_count; r++) {
        tn_plan *one;
        TN_RETURN_IF_ERROR(tn_binder__one_row(b, &one, err));
        TN_RETURN_IF_ERROR(tn_plan_project(b->context, one, cells + (size_t)r * width, names, width,
                                           &rows[r], err));
    }
    if (query->row_count == 1) {
        b->plan = rows[0];
        return TARN_OK;
    }
    return tn_plan_set(b->context, TN_PLAN_UNION, rows, query->row_count, true,
                       tn_binder__span(b, query->span), &b->plan, err);
}

static TN_FALLIBLE build_values(tn_binder *b, const tn_ast_query *query, const tn_expr **cells,
                                uint32_t width, tarn_error *err)
{
    tn_output *outputs;
    bool needs_row = false;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_output, width, &outputs, err));
    for (uint32_t c = 0; c < width; c++) {
        outputs[c].id = TN_COLUMN_NONE;
        TN_RETURN_IF_ERROR(tn_arena_print(b->arena, &outputs[c].name, err, "column%u", c + 1));
        TN_RETURN_IF_ERROR(column_type(b, query, cells, width, c, &outputs[c].type, err));
    }
    for (size_t i = 0; i < (size_t)query->row_count * width; i++) {
        bool cell_needs;
        const tn_type *type = outputs[i % width].type;
        if (cells[i]->type != type) {
            TN_RETURN_IF_ERROR(tn_expr_cast(b->expr_context, cells[i], type, false,
                                            is_text_literal(cells[i]), cells[i]->span, &cells[i],
                                            err));
        }
        TN_RETURN_IF_ERROR(tn_binder__needs_row(b, cells[i], &cell_needs, err));
        needs_row = needs_row || cell_needs;
    }
    return needs_row
               ? union_of_rows(b, query, cells, outputs, width, err)
               : tn_plan_values(b->context, cells, query->row_count, outputs, width, &b->plan, err);
}

tarn_code tn_bind__values(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_query_frame *f = frame;
    const uint32_t width = f->query->rows[0]->count;
    const tn_ast *row;

    TN_ROUTINE(f);
    f->exprs = b->exprs.count;
    f->scope = (tn_scope){.outer = f->outer,
                          .from = b->columns.count,
                          .to = b->columns.count,
                          .depth = f->outer == NULL ? 0 : f->outer->depth + 1};
    f->env = (tn_env){.scope = &f->scope, .clause = "VALUES"};
    for (f->index = 0; f->index / width < f->query->row_count; f->index++) {
        row = f->query->rows[f->index / width];
        if (row->count != width) {
            return tn_binder__fail(b, row->span, err, TARN_E_INVALID,
                                   "this row of VALUES has %u column%s, the first has %u",
                                   row->count, row->count == 1 ? "" : "s", width);
        }
        TN_CALL(b, f, tn_bind__expr,
                (tn_bind_frame){.ast = f->query->rows[f->index / width]->items[f->index % width],
                                .env = &f->env});
        TN_RETURN_IF_ERROR(tn_vec_push(&b->exprs, b->expr, err));
    }
    TN_RETURN_IF_ERROR(build_values(b, f->query, b->exprs.items + f->exprs, width, err));
    b->exprs.count = f->exprs;
    TN_ROUTINE_END(b);
}

/* ---- set operations ---- */

static TN_FALLIBLE combine(tn_binder *b, tn_bind_query_frame *f, tarn_error *err)
{
    const tn_ast_query *query = f->query;
    tn_plan *const *plans = b->plans.items + f->plans;
    const tn_span span = tn_binder__span(b, query->span);
    const tn_plan_kind kind = query->kind == TN_QUERY_UNION    ? TN_PLAN_UNION
                              : query->kind == TN_QUERY_EXCEPT ? TN_PLAN_EXCEPT
                                                               : TN_PLAN_INTERSECT;
    f->plan = plans[0];
    if (query->child_count > 1 && query->by_name) {
        TN_RETURN_IF_ERROR(
            tn_plan_union_by_name(b->context, plans, query->child_count, span, &f->plan, err));
    } else if (query->child_count > 1) {
        TN_RETURN_IF_ERROR(tn_plan_set(b->context, kind, plans, query->child_count,
                                       query->all || kind == TN_PLAN_UNION, span, &f->plan, err));
    }
    b->plans.count = f->plans;
    if (kind == TN_PLAN_UNION && !query->all) {
        return tn_plan_distinct(b->context, f->plan, NULL, 0, NULL, 0, &f->plan, err);
    }
    return TARN_OK;
}

/* ORDER BY over outputs: by number, name, or an expression over them. */
static tarn_code order_outputs(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_query_frame *f = frame;
    tn_sort_key *keys;
    uint32_t ordinal;

    TN_ROUTINE(f);
    f->columns = b->columns.count;
    f->exprs = b->exprs.count;
    TN_RETURN_IF_ERROR(tn_binder__push_outputs(b, f->plan, TN_STR_NONE, err));
    f->scope = (tn_scope){.outer = f->outer,
                          .from = f->columns,
                          .to = b->columns.count,
                          .depth = f->outer == NULL ? 0 : f->outer->depth + 1};
    f->env = (tn_env){.scope = &f->scope, .clause = "ORDER BY of a set operation"};
    for (f->index = 0; f->index < f->query->order_count && !f->query->order_all; f->index++) {
        if (f->query->order[f->index].expr == NULL) {
            return tn_binder__unsupported(b, f->query->span, err, "ALL beside other keys");
        }
        TN_RETURN_IF_ERROR(tn_binder__ordinal(b, f->query->order[f->index].expr, "ORDER BY",
                                              f->plan->output_count, &ordinal, err));
        if (ordinal != UINT32_MAX) {
            TN_RETURN_IF_ERROR(tn_plan_column(
                b->context, f->plan, ordinal,
                tn_binder__span(b, f->query->order[f->index].expr->span), &b->expr, err));
        } else {
            TN_CALL(b, f, tn_bind__expr,
                    (tn_bind_frame){.ast = f->query->order[f->index].expr, .env = &f->env});
        }
        TN_RETURN_IF_ERROR(tn_vec_push(&b->exprs, b->expr, err));
    }
    const uint32_t count = f->query->order_all ? f->plan->output_count : f->query->order_count;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_sort_key, count, &keys, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_expr *expr = f->query->order_all ? NULL : b->exprs.items[f->exprs + i];
        if (f->query->order_all) {
            TN_RETURN_IF_ERROR(tn_plan_column(b->context, f->plan, i, (tn_span){0, 0}, &expr, err));
        }
        keys[i] = tn_binder__sort_key(&f->query->order[f->query->order_all ? 0 : i], expr);
    }
    TN_RETURN_IF_ERROR(
        tn_plan_sort(b->context, f->plan, keys, count, UINT64_MAX, 0, &b->plan, err));
    b->columns.count = f->columns;
    b->exprs.count = f->exprs;
    TN_ROUTINE_END(b);
}

/* ---- WITH ---- */

static TN_FALLIBLE begin_cte(tn_binder *b, const tn_bind_query_frame *f, const tn_ast_cte *cte,
                             tarn_error *err)
{
    for (size_t i = f->ctes; i < b->ctes.count; i++) {
        if (tn_str_equal_fold(b->ctes.items[i].name, cte->name)) {
            return tn_binder__fail(b, cte->span, err, TARN_E_INVALID, "WITH names '%.*s' twice",
                                   TN_STR_ARGS(cte->name));
        }
    }
    const tn_cte entry = {.name = cte->name,
                          .uses = cte->uses + (cte->materialized ? 1 : 0),
                          .recursive = cte->recursive,
                          .shared_id = b->context->next_shared++,
                          .ast = cte,
                          .outer = f->outer,
                          .expr_depth = b->expr_depth};
    return tn_vec_push(&b->ctes, entry, err);
}

static TN_FALLIBLE finish_cte(tn_binder *b, const tn_ast_cte *cte, const tn_scope *outer,
                              tarn_error *err)
{
    tn_cte *entry = &b->ctes.items[b->ctes.count - 1];
    if (cte->column_count > 0) {
        TN_RETURN_IF_ERROR(tn_binder__rename(b, b->plan, cte->columns, cte->column_count, cte->span,
                                             &b->plan, err));
    }
    entry->plan = b->plan;
    entry->done = true;
    entry->reads_outside = outer != NULL && b->shallowest <= outer->depth;
    return TARN_OK;
}

/* ---- LIMIT ---- */

static TN_FALLIBLE count_of(tn_binder *b, const tn_ast *ast, const char *clause, uint64_t none,
                            uint64_t *out, tarn_error *err)
{
    tn_value value;
    bool needs_row;
    const tn_expr *cast;
    TN_RETURN_IF_ERROR(tn_binder__needs_row(b, b->expr, &needs_row, err));
    if (needs_row) {
        return tn_binder__unsupported(b, ast->span, err, "a query or a column in LIMIT and OFFSET");
    }
    TN_RETURN_IF_ERROR(tn_binder__constant(b, b->expr, &value, err));
    if (!value.is_null) {
        TN_RETURN_IF_ERROR(tn_expr_literal(b->expr_context, &value, b->expr->span, &cast, err));
        TN_RETURN_IF_ERROR(tn_expr_cast(b->expr_context, cast, TN_BIGINT, false, false,
                                        b->expr->span, &cast, err));
        TN_RETURN_IF_ERROR(tn_expr_evaluate(b->expr_context, cast, b->pool, &value, err));
    }
    *out = none;
    if (value.is_null) {
        return TARN_OK;
    }
    if (value.i64 < 0) {
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "%s cannot be negative", clause);
    }
    *out = (uint64_t)value.i64;
    return TARN_OK;
}

static tarn_code limit(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_query_frame *f = frame;

    TN_ROUTINE(f);
    f->limit = f->query->fetch_one ? 1 : UINT64_MAX;
    f->env = (tn_env){.clause = "LIMIT"};
    if (f->query->limit != NULL) {
        TN_CALL(b, f, tn_bind__expr, (tn_bind_frame){.ast = f->query->limit, .env = &f->env});
        TN_RETURN_IF_ERROR(count_of(b, f->query->limit, "LIMIT", UINT64_MAX, &f->limit, err));
    }
    if (f->query->offset != NULL) {
        TN_CALL(b, f, tn_bind__expr, (tn_bind_frame){.ast = f->query->offset, .env = &f->env});
        TN_RETURN_IF_ERROR(count_of(b, f->query->offset, "OFFSET", 0, &f->offset, err));
    }
    b->plan = f->plan;
    if (f->limit != UINT64_MAX || f->offset > 0) {
        TN_RETURN_IF_ERROR(tn_plan_limit(b->context, f->plan, f->limit, f->offset, &b->plan, err));
    }
    TN_ROUTINE_END(b);
}

/* ---- the whole query ---- */

tarn_code tn_bind__query(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_query_frame *f = frame;

    TN_ROUTINE(f);
    f->ctes = b->ctes.count;
    f->plans = b->plans.count;
    for (f->index = 0; f->index < f->query->cte_count; f->index++) {
        TN_RETURN_IF_ERROR(begin_cte(b, f, &f->query->ctes[f->index], err));
        f->shallowest = b->shallowest;
        b->shallowest = UINT32_MAX;
        TN_CALL(b, f, tn_bind__query,
                (tn_bind_query_frame){.query = f->query->ctes[f->index].query, .outer = f->outer});
        TN_RETURN_IF_ERROR(finish_cte(b, &f->query->ctes[f->index], f->outer, err));
        b->shallowest = f->shallowest < b->shallowest ? f->shallowest : b->shallowest;
    }
    if (f->query->kind == TN_QUERY_SELECT) {
        TN_CALL(b, f, tn_bind__select,
                (tn_bind_select_frame){.query = f->query, .outer = f->outer});
        f->plan = b->plan;
    } else {
        if (f->query->kind == TN_QUERY_VALUES) {
            TN_CALL(b, f, tn_bind__values,
                    (tn_bind_query_frame){.query = f->query, .outer = f->outer});
            f->plan = b->plan;
        } else {
            for (f->index = 0; f->index < f->query->child_count; f->index++) {
                TN_CALL(b, f, tn_bind__query,
                        (tn_bind_query_frame){.query = f->query->children[f->index],
                                              .outer = f->outer});
                TN_RETURN_IF_ERROR(tn_vec_push(&b->plans, b->plan, err));
            }
            TN_RETURN_IF_ERROR(combine(b, f, err));
        }
        if (f->query->order_count > 0) {
            TN_CALL(b, f, order_outputs,
                    (tn_bind_query_frame){.query = f->query, .outer = f->outer, .plan = f->plan});
            f->plan = b->plan;
        }
    }
    if (f->query->limit != NULL || f->query->offset != NULL || f->query->fetch_one) {
        TN_CALL(b, f, limit, (tn_bind_query_frame){.query = f->query, .plan = f->plan});
        f->plan = b->plan;
    }
    b->ctes.count = f->ctes;
    b->plan = f->plan;
    TN_ROUTINE_END(b);
}
