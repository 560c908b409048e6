/* Expressions without columns: their values, and folding them in place. */
#include "expr/program_internal.h"

/* A row of no columns. */
static const tn_batch one_row = {.rows = 1, .selected = 1};

tarn_code tn_expr_evaluate(tn_expr_context *context, const tn_expr *expr, tn_pool *pool,
                           tn_value *out, tarn_error *err)
{
    const tn_program *program = NULL;
    tn_evaluator *ev = NULL;
    tn_column column;
    tn_value value;
    uint32_t next = 0;
    tarn_code code = TARN_OK;
    if (expr->kind == TN_EXPR_LITERAL) {
        *out = expr->value;
        return TARN_OK;
    }
    TN_TRY(tn_program_compile(context, &expr, 1, NULL, NULL, &program, err));
    TN_TRY(tn_evaluator_create(program, pool, &ev, err));
    TN_TRY(tn_evaluator_run(ev, &one_row, &next, &column, err));
    TN_TRY(tn_column_raise(&column, &one_row, err));
    uint32_t row = 0;
    const tn_column *located = tn_column_locate(&column, &row);
    if (located == NULL) {
        *out = tn_value_null(expr->type);
        goto done;
    }
    TN_TRY(tn_value_of(&column, 0, &ev->arena, &value, err));
    TN_TRY(tn_value_copy(context->arena, &value, out, err));
    out->type = expr->type;
done:
    tn_evaluator_destroy(ev);
    return code;
}

typedef struct folding {
    tn_expr_context *context;
    tn_pool *pool;
} folding;

/* A constant node becomes its value; where that is a fault, the node stays as it is. */
static tarn_code fold_node(void *opaque, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    const folding *state = opaque;
    tarn_error fault = TARN_ERROR_INIT;
    tn_value value;
    *out = expr;
    if (!expr->is_constant || expr->kind == TN_EXPR_LITERAL) {
        return TARN_OK;
    }
    const tarn_code code = tn_expr_evaluate(state->context, expr, state->pool, &value, &fault);
    if (code == TARN_E_NOMEM) {
        return tn_error_copy(err, &fault);
    }
    return code == TARN_OK ? tn_bind__literal(state->context, &value, expr->span, out, err)
                           : TARN_OK;
}

/* Is there anything to fold at all?  Most predicates have nothing. */
static bool find_constant(void *opaque, const tn_expr *expr)
{
    bool *found = opaque;
    *found |= expr->is_constant && expr->kind != TN_EXPR_LITERAL;
    return !*found;
}

tarn_code tn_expr_fold(tn_expr_context *context, const tn_expr *expr, tn_pool *pool,
                       const tn_expr **out, tarn_error *err)
{
    folding state = {context, pool};
    bool found = false;
    *out = expr;
    TN_RETURN_IF_ERROR(tn_expr_walk(expr, pool, find_constant, &found, err));
    return found ? tn_expr_rewrite(expr, context->arena, fold_node, &state, out, err) : TARN_OK;
}
