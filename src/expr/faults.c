/* What a failed row's error says. */
#include "expr/program_internal.h"

enum { MESSAGE_MAX = 600, EXACT_DIGITS = 38 };

static const char *sign_of(uint8_t op)
{
    static const char *const signs[] = {"+", "-", "*", "/", "%"};
    return signs[op];
}

static tarn_code describe_arithmetic(const tn_bound_call *bound, const tn_value *values, tn_text *a,
                                     tn_text *b, tarn_error *err)
{
    const bool divides = bound->op == TN_ARITHMETIC_DIVIDE || bound->op == TN_ARITHMETIC_REMAINDER;
    const tn_value *by = &values[1];
    const bool zero = by->type->lane == TN_LANE_i128 ? by->i128 == 0 : by->i64 == 0;
    if (divides && zero && by->type->lane != TN_LANE_i256) {
        tn_fail(err, TARN_E_INVALID, "division by zero: %s %s 0", tn_value__show(&values[0], a),
                sign_of(bound->op));
        tn_hint(err, "nullif(divisor, 0) makes the result NULL there");
        return TARN_E_INVALID;
    }
    tn_fail(err, TARN_E_INVALID, "%.*s overflow in %s %s %s", TN_STR_ARGS(bound->type->name),
            tn_value__show(&values[0], a), sign_of(bound->op), tn_value__show(&values[1], b));
    tn_hint(err, bound->type->kind == TN_KIND_DECIMAL && bound->type->precision >= EXACT_DIGITS
                     ? "round() an operand to fewer digits, or cast it to DOUBLE"
                     : "cast an operand to a wider type");
    return TARN_E_INVALID;
}

static tarn_code describe_cast(const tn_type *to, bool exact, const tn_value *value, tn_text *shown,
                               tarn_error *err)
{
    if (exact) {
        tn_fail(err, TARN_E_INVALID, "%s has nanoseconds, which %.*s would lose",
                tn_value__show(value, shown), TN_STR_ARGS(to->name));
        tn_hint(err, "CAST(... AS %.*s) cuts them off, CAST(... AS VARCHAR) keeps them",
                TN_STR_ARGS(to->name));
        return TARN_E_INVALID;
    }
    const char *why = value->type->kind == TN_KIND_VARCHAR ? tn_cast__why(value->str, to) : NULL;
    const char *text = tn_value__show(value, shown);
    if (why != NULL) {
        tn_fail(err, TARN_E_INVALID, "cannot cast %s to %.*s: %s", text, TN_STR_ARGS(to->name),
                why);
    } else {
        tn_fail(err, TARN_E_INVALID, "cannot cast %s to %.*s", text, TN_STR_ARGS(to->name));
    }
    tn_hint(err, "TRY_CAST makes it NULL");
    return TARN_E_INVALID;
}

static tarn_code describe_call(const tn_bound_call *bound, const tn_value *values, uint32_t count,
                               tn_text *shown, tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            tn_text_puts(shown, ", ");
        }
        (void)tn_value__show(&values[i], shown);
    }
    return tn_fail(err, TARN_E_INVALID, "%s(%s) has no value", bound->function->name,
                   shown->data == NULL ? "" : shown->data);
}

/* A value that 128 bits do not hold. */
static const tn_value *beyond(const tn_value *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const tn_value *value = &values[i];
        if (value->is_null || value->type->kind != TN_KIND_DECIMAL ||
            value->type->lane != TN_LANE_i256) {
            continue;
        }
        const uint64_t *words = value->i256.words;
        const uint64_t sign = words[1] >> 63 != 0 ? UINT64_MAX : 0;
        if (words[2] != sign || words[3] != sign) {
            return value;
        }
    }
    return NULL;
}

tarn_code tn_fault__describe(const tn_expr *expr, const tn_bound_call *bound,
                             const tn_value *values, uint32_t count, tarn_error *err)
{
    tn_pool pool;
    tn_text shown[2];
    tarn_code code;
    tn_pool_init(&pool, NULL, "message", SIZE_MAX);
    tn_text_init(&shown[0], &pool, MESSAGE_MAX);
    tn_text_init(&shown[1], &pool, MESSAGE_MAX);
    const tn_value *wide = beyond(values, count);
    if (wide != NULL) {
        code = tn_fail(err, TARN_E_UNSUPPORTED,
                       "%s, a %.*s: values beyond 38 digits are not computed with",
                       tn_value__show(wide, &shown[0]), TN_STR_ARGS(wide->type->name));
    } else if (expr->kind == TN_EXPR_CAST) {
        code = describe_cast(expr->type, expr->exact, &values[0], &shown[0], err);
    } else if (bound->form == TN_FORM_ARITHMETIC) {
        code = describe_arithmetic(bound, values, &shown[0], &shown[1], err);
    } else if (bound->kernel != NULL && bound->kernel->describe != NULL) {
        code = bound->kernel->describe(bound, values, err);
    } else {
        code = describe_call(bound, values, count, &shown[0], err);
    }
    tn_text_deinit(&shown[0]);
    tn_text_deinit(&shown[1]);
    tn_pool_deinit(&pool);
    if (err != NULL && err->span_length == 0) {
        err->span_start = expr->span.start;
        err->span_length = expr->span.length;
    }
    return code;
}
