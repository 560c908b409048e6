#include "expr/expr_internal.h"
tarn_code tn_expr_evaluate(tn_expr_context *context, const tn_expr *expr, tn_pool *pool,
                           tn_value *out, tarn_error *err)
{
    (void)context;
    (void)pool;
    if (expr->kind == TN_EXPR_LITERAL) {
        *out = expr->value;
        return TARN_OK;
    }
    return tn_fail(err, TARN_E_UNSUPPORTED, "constants of calls are for the next step");
}
tarn_code tn_expr_fold(tn_expr_context *context, const tn_expr *expr, tn_pool *pool,
                       const tn_expr **out, tarn_error *err)
{
    (void)context;
    (void)pool;
    (void)err;
    *out = expr;
    return TARN_OK;
}
void tn_value__print_typed(const tn_value *value, tn_text *out)
{
    (void)value;
    tn_text_puts(out, "?");
}
