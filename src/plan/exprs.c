/* Expressions as the planner asks about them: conjuncts, nulls, replacing columns. */
#include "expr/function.h"
#include "plan/plan_internal.h"

bool tn_expr__is_call(const tn_expr *expr, const char *name)
{
    return expr->kind == TN_EXPR_CALL && strcmp(expr->function->name, name) == 0;
}

TN_FALLIBLE tn_expr__conjuncts(const tn_expr *expr, tn_expr_vec *out, tarn_error *err)
{
    if (expr->kind != TN_EXPR_AND) {
        return tn_vec_push(out, expr, err);
    }
    tarn_code code = TARN_OK;
    tn_expr_vec stack = TN_VEC_INIT(out->pool);
    TN_TRY(tn_vec_push(&stack, expr, err));
    while (stack.count > 0) {
        const tn_expr *top = tn_vec_pop(&stack);
        if (top->kind != TN_EXPR_AND) {
            TN_TRY(tn_vec_push(out, top, err));
            continue;
        }
        for (uint32_t i = top->child_count; i > 0; i--) {
            TN_TRY(tn_vec_push(&stack, top->children[i - 1], err));
        }
    }
done:
    tn_vec_free(&stack);
    return code;
}

TN_FALLIBLE tn_expr__all(tn_plan_context *context, const tn_expr *const *exprs, uint32_t count,
                         const tn_expr **out, tarn_error *err)
{
    *out = count == 0 ? NULL : exprs[0];
    return count < 2 ? TARN_OK : tn_expr_and(&context->expr, exprs, count, out, err);
}

TN_FALLIBLE tn_expr__has_subquery(const tn_expr *expr, tn_pool *pool, bool *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec stack = TN_VEC_INIT(pool);
    *out = false;
    if (expr->kind < TN_EXPR_CALL) {
        return TARN_OK; /* leaves hold none */
    }
    TN_TRY(tn_vec_push(&stack, expr, err));
    while (!*out && stack.count > 0) {
        const tn_expr *top = tn_vec_pop(&stack);
        *out = top->kind == TN_EXPR_SUBQUERY;
        for (uint32_t i = 0; i < top->child_count; i++) {
            if (top->children[i]->kind >= TN_EXPR_CALL) {
                TN_TRY(tn_vec_push(&stack, top->children[i], err));
            }
        }
        for (uint32_t i = 0; i < top->order_count; i++) {
            TN_TRY(tn_vec_push(&stack, top->order[i].expr, err));
        }
        if (top->filter != NULL) {
            TN_TRY(tn_vec_push(&stack, top->filter, err));
        }
    }
done:
    tn_vec_free(&stack);
    return code;
}

/* Functions whose result is null only where an argument is. */
static bool is_total(const tn_function *function)
{
    static const char *const names[] = {
        "=",     "<>",   "<",     "<=",    ">",       ">=",       "+",   "-",
        "*",     "not",  "||",    "lower", "upper",   "length",   "abs", "like",
        "ilike", "year", "month", "day",   "extract", "substring"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(function->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_never_null(const tn_function *function)
{
    static const char *const names[] = {"is_null",          "is_not_null",          "is_true",
                                        "is_false",         "is_not_true",          "is_not_false",
                                        "is_distinct_from", "is_not_distinct_from", "count"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(function->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The depth is bounded, so this recursion is not on the user's input. */
static bool nullable(const tn_expr *expr, const tn_plan *input, int depth)
{
    if (expr->type->kind == TN_KIND_NULL || depth == 0) {
        return true;
    }
    if (expr->kind == TN_EXPR_COLUMN) {
        const tn_output *output = input == NULL ? NULL : tn_plan_output(input, expr->column);
        return output == NULL || output->nullable;
    }
    if (expr->kind == TN_EXPR_LITERAL) {
        return expr->value.is_null;
    }
    if (expr->kind == TN_EXPR_CALL || expr->kind == TN_EXPR_AGGREGATE) {
        if (is_never_null(expr->function)) {
            return false;
        }
        if (strcmp(expr->function->name, "coalesce") == 0) {
            for (uint32_t i = 0; i < expr->child_count; i++) {
                if (!nullable(expr->children[i], input, depth - 1)) {
                    return false;
                }
            }
            return true;
        }
        if (expr->kind == TN_EXPR_AGGREGATE || !is_total(expr->function)) {
            return true;
        }
    } else if ((expr->kind == TN_EXPR_CAST && expr->try_cast) || expr->kind == TN_EXPR_PARAMETER ||
               expr->kind == TN_EXPR_SUBQUERY ||
               (expr->kind == TN_EXPR_CASE && expr->child_count % 2 == 0)) {
        return true;
    }
    for (uint32_t i = 0; i < expr->child_count; i++) {
        const bool is_when = expr->kind == TN_EXPR_CASE && i % 2 == 0 && i + 1 < expr->child_count;
        if (!is_when && nullable(expr->children[i], input, depth - 1)) {
            return true;
        }
    }
    return false;
}

bool tn_expr__nullable(const tn_expr *expr, const tn_plan *input)
{
    return nullable(expr, input, 12);
}

/* ---- columns replaced ---- */

typedef struct replacing {
    tn_column_map *map;
    void *context;
} replacing;

static tarn_code replace_column(void *context, const tn_expr *expr, const tn_expr **out,
                                tarn_error *err)
{
    (void)err;
    const replacing *r = context;
    const tn_expr *now = expr->kind == TN_EXPR_COLUMN ? r->map(r->context, expr->column) : NULL;
    *out = now == NULL ? expr : now;
    return TARN_OK;
}

TN_FALLIBLE tn_expr__replace(tn_plan_context *context, const tn_expr *expr, tn_column_map *map,
                             void *map_context, const tn_expr **out, tarn_error *err)
{
    replacing r = {map, map_context};
    return tn_expr_rewrite(expr, context->expr.arena, replace_column, &r, out, err);
}

/* ---- small ones, made ---- */

TN_FALLIBLE tn_expr__call1(tn_plan_context *context, const char *name, const tn_expr *a,
                           const tn_expr **out, tarn_error *err)
{
    return tn_expr_call(&context->expr, tn_str_of(name), &a, 1, a->span, out, err);
}

TN_FALLIBLE tn_expr__call2(tn_plan_context *context, const char *name, const tn_expr *a,
                           const tn_expr *b, const tn_expr **out, tarn_error *err)
{
    const tn_expr *const children[2] = {a, b};
    return tn_expr_call(&context->expr, tn_str_of(name), children, 2, a->span, out, err);
}

TN_FALLIBLE tn_expr__boolean(tn_plan_context *context, bool value, const tn_expr **out,
                             tarn_error *err)
{
    const tn_value boolean = tn_value_boolean(value);
    return tn_expr_literal(&context->expr, &boolean, (tn_span){0, 0}, out, err);
}

bool tn_expr__is_true(const tn_expr *expr)
{
    return expr->kind == TN_EXPR_LITERAL && expr->type->kind == TN_KIND_BOOLEAN &&
           !expr->value.is_null && expr->value.boolean;
}

bool tn_expr__is_not_true(const tn_expr *expr)
{
    return expr->kind == TN_EXPR_LITERAL &&
           (expr->value.is_null || (expr->type->kind == TN_KIND_BOOLEAN && !expr->value.boolean));
}
