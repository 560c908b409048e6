/* bind_subquery.c - queries within expressions.  What they read of the outside stays a column of
 * the outer query, by its id: the optimiser unnests them. */
#include "sql/bind_internal.h"

static TN_FALLIBLE check_width(tn_binder *b, const tn_ast *ast, const tn_plan *plan,
                               uint32_t wanted, tarn_error *err)
{
    if (plan->output_count == wanted) {
        return TARN_OK;
    }
    return tn_binder__fail(b, ast->query->span, err, TARN_E_INVALID,
                           "a query must have %u column%s here; this one has %u", wanted,
                           wanted == 1 ? "" : "s", plan->output_count);
}

/* Both sides of the comparison in one type. */
static TN_FALLIBLE unify(tn_binder *b, const tn_ast *ast, const char *comparison,
                         const tn_expr **left, tn_plan **plan, tarn_error *err)
{
    const tn_expr *pair[2] = {*left, NULL};
    const tn_expr *compared;
    TN_RETURN_IF_ERROR(
        tn_plan_column(b->context, *plan, 0, tn_binder__span(b, ast->query->span), &pair[1], err));
    TN_RETURN_IF_ERROR(tn_binder__call(b, comparison, pair, 2, ast->span, &compared, err));
    if (compared->kind != TN_EXPR_CALL || compared->child_count != 2) {
        return TARN_OK;
    }
    *left = compared->children[0];
    if (compared->children[1]->type == pair[1]->type) {
        return TARN_OK;
    }
    const tn_str name = (*plan)->outputs[0].name;
    const tn_expr *cast;
    TN_RETURN_IF_ERROR(tn_expr_cast(b->expr_context, pair[1], compared->children[1]->type, false,
                                    false, pair[1]->span, &cast, err));
    return tn_plan_project(b->context, *plan, &cast, &name, 1, plan, err);
}

static TN_FALLIBLE compare_with(tn_binder *b, const tn_ast *ast, const char *comparison,
                                const tn_expr *left, tn_plan *plan, const tn_expr **out,
                                tarn_error *err)
{
    const bool all = ast->kind == TN_AST_QUANTIFIED && ast->flag;
    tn_subquery subquery = {.kind = all ? TN_SUBQUERY_ALL : TN_SUBQUERY_ANY,
                            .comparison = comparison,
                            .negated = ast->negated};
    TN_RETURN_IF_ERROR(check_width(b, ast, plan, 1, err));
    TN_RETURN_IF_ERROR(unify(b, ast, comparison, &left, &plan, err));
    subquery.plan = plan;
    return tn_expr_subquery(b->expr_context, &subquery, left, TN_BOOLEAN,
                            tn_binder__span(b, ast->span), out, err);
}

/* EXISTS over the plan's rows for which all parts are equal, or (unknown) may be. */
static TN_FALLIBLE exists_row(tn_binder *b, const tn_ast *ast, const tn_expr *const *row,
                              tn_plan *plan, bool unknown, const tn_expr **out, tarn_error *err)
{
    const uint32_t width = ast->items[0]->count;
    const tn_expr **parts;
    const tn_expr *match;
    TN_RETURN_IF_ERROR(check_width(b, ast, plan, width, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, width, &parts, err));
    for (uint32_t i = 0; i < width; i++) {
        const tn_expr *pair[2] = {row[i], NULL};
        TN_RETURN_IF_ERROR(tn_plan_column(b->context, plan, i, pair[0]->span, &pair[1], err));
        TN_RETURN_IF_ERROR(tn_binder__call(b, "=", pair, 2, ast->span, &parts[i], err));
    }
    TN_RETURN_IF_ERROR(tn_expr_and(b->expr_context, parts, width, &match, err));
    if (unknown) {
        const tn_expr *inner = match;
        TN_RETURN_IF_ERROR(tn_binder__call(b, "is_null", &inner, 1, ast->span, &match, err));
    }
    TN_RETURN_IF_ERROR(tn_plan_filter(b->context, plan, match, &plan, err));
    const tn_subquery subquery = {.kind = TN_SUBQUERY_EXISTS, .plan = plan};
    return tn_expr_subquery(b->expr_context, &subquery, NULL, TN_BOOLEAN,
                            tn_binder__span(b, ast->span), out, err);
}

/* (a, b) IN (query): true where a row is equal, NULL where one may be, else false. */
static TN_FALLIBLE row_in_query(tn_binder *b, tn_bind_frame *f, tarn_error *err)
{
    const tn_ast *ast = f->ast;
    const tn_span span = tn_binder__span(b, ast->span);
    const tn_expr *const *row = b->exprs.items + f->base;
    const tn_value yes = tn_value_boolean(true);
    const tn_value no = tn_value_boolean(false);
    const tn_value null = tn_value_null(TN_BOOLEAN);
    const tn_expr *parts[5];
    TN_RETURN_IF_ERROR(exists_row(b, ast, row, f->plan, false, &parts[0], err));
    TN_RETURN_IF_ERROR(tn_expr_literal(b->expr_context, &yes, span, &parts[1], err));
    TN_RETURN_IF_ERROR(exists_row(b, ast, row, b->plan, true, &parts[2], err));
    TN_RETURN_IF_ERROR(tn_expr_literal(b->expr_context, &null, span, &parts[3], err));
    TN_RETURN_IF_ERROR(tn_expr_literal(b->expr_context, &no, span, &parts[4], err));
    TN_RETURN_IF_ERROR(tn_expr_case(b->expr_context, parts, 5, span, &b->expr, err));
    if (ast->negated) {
        const tn_expr *inner = b->expr;
        return tn_binder__call(b, "not", &inner, 1, ast->span, &b->expr, err);
    }
    return TARN_OK;
}

static TN_FALLIBLE finish(tn_binder *b, tn_bind_frame *f, tarn_error *err)
{
    const tn_ast *ast = f->ast;
    const tn_span span = tn_binder__span(b, ast->span);
    tn_subquery subquery = {.kind = TN_SUBQUERY_SCALAR, .plan = f->plan, .negated = ast->negated};
    switch ((tn_ast_kind)ast->kind) {
    case TN_AST_EXISTS:
        subquery.kind = TN_SUBQUERY_EXISTS;
        return tn_expr_subquery(b->expr_context, &subquery, NULL, TN_BOOLEAN, span, &b->expr, err);
    case TN_AST_SUBQUERY:
        TN_RETURN_IF_ERROR(check_width(b, ast, f->plan, 1, err));
        return tn_expr_subquery(b->expr_context, &subquery, NULL, f->plan->outputs[0].type, span,
                                &b->expr, err);
    case TN_AST_IN_QUERY:
        if (ast->items[0]->kind == TN_AST_ROW) {
            return row_in_query(b, f, err);
        }
        return compare_with(b, ast, "=", b->exprs.items[f->base], f->plan, &b->expr, err);
    default:
        return compare_with(b, ast, ast->text.data, b->exprs.items[f->base], f->plan, &b->expr,
                            err);
    }
}

static const tn_ast *left_at(const tn_ast *ast, uint32_t i)
{
    if (ast->count == 0) {
        return NULL;
    }
    if (ast->items[0]->kind != TN_AST_ROW || ast->kind != TN_AST_IN_QUERY) {
        return i == 0 ? ast->items[0] : NULL;
    }
    return i < ast->items[0]->count ? ast->items[0]->items[i] : NULL;
}

tarn_code tn_bind__subquery(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_frame *f = frame;

    TN_ROUTINE(f);
    f->base = b->exprs.count;
    f->size = 1;
    for (f->index = 0; left_at(f->ast, f->index) != NULL; f->index++) {
        TN_CALL(b, f, tn_bind__expr,
                (tn_bind_frame){.ast = left_at(f->ast, f->index), .env = f->env});
        f->size += b->size;
        TN_RETURN_IF_ERROR(tn_vec_push(&b->exprs, b->expr, err));
    }
    b->expr_depth++;
    if (f->env->scope != NULL) {
        f->around = f->env->scope->env;
        f->env->scope->env = f->env;
    }
    TN_CALL(b, f, tn_bind__query,
            (tn_bind_query_frame){.query = f->ast->query, .outer = f->env->scope});
    f->plan = b->plan;
    if (f->ast->kind == TN_AST_IN_QUERY && f->ast->items[0]->kind == TN_AST_ROW) {
        TN_CALL(b, f, tn_bind__query, /* once more: for the rows that may be equal */
                (tn_bind_query_frame){.query = f->ast->query, .outer = f->env->scope});
    }
    b->expr_depth--;
    if (f->env->scope != NULL) {
        f->env->scope->env = f->around;
    }
    TN_RETURN_IF_ERROR(finish(b, f, err));
    b->exprs.count = f->base;
    b->size = f->size;
    TN_ROUTINE_END(b);
}
