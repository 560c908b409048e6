/* The types of + - * / % and of comparisons. */
#include "expr/expr_internal.h"
#include "kernel/arithmetic.h"

enum { DECIMAL_EXTRA_SCALE = 4, DECIMAL_LEAST_SCALE = 6, EXACT_DIGITS = 38 };

/* ---- comparisons ---- */

static tarn_code not_comparable(const tn_binder *binder, tarn_error *err)
{
    tn_bind__fail(err, binder->span, "%.*s cannot be compared with %.*s",
                  TN_STR_ARGS(binder->children[0]->type->name),
                  TN_STR_ARGS(binder->children[1]->type->name));
    tn_hint(err, "cast one side to the other's type");
    return TARN_E_INVALID;
}

tarn_code tn_rules__compare(tn_binder *binder, tarn_error *err)
{
    const tn_type *type = NULL;
    bool found = false;
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(
        tn_coerce__common(binder->context, binder->children, 2, true, &type, &found, err));
    if (!found) {
        return not_comparable(binder, err);
    }
    if (type->kind == TN_KIND_NULL) {
        type = TN_INTEGER;
    }
    for (uint32_t i = 0; i < 2; i++) {
        TN_RETURN_IF_ERROR(
            tn_coerce__to(binder->context, binder->children[i], type, &binder->children[i], err));
    }
    binder->bound->form = TN_FORM_COMPARE;
    binder->bound->op = binder->function->binding->op;
    binder->type = TN_BOOLEAN;
    return TARN_OK;
}

/* ---- numbers ---- */

static unsigned integer_digits(const tn_expr *expr)
{
    static const unsigned digits[] = {3, 5, 10, 19, 3, 5, 10, 20};
    if (expr->kind == TN_EXPR_LITERAL && !expr->value.is_null &&
        expr->type->kind <= TN_KIND_BIGINT) { /* a literal has its own digits */
        unsigned count = 1;
        for (int64_t rest = expr->value.i64 / 10; rest != 0; rest /= 10) {
            count++;
        }
        return count;
    }
    return digits[expr->type->kind - TN_KIND_TINYINT];
}

static unsigned scale_of(const tn_expr *expr)
{
    return expr->type->kind == TN_KIND_DECIMAL ? expr->type->scale : 0;
}
static unsigned precision_of(const tn_expr *expr)
{
    return expr->type->kind == TN_KIND_DECIMAL ? expr->type->precision : integer_digits(expr);
}
static unsigned min_unsigned(unsigned a, unsigned b)
{
    return a < b ? a : b;
}
static unsigned max_unsigned(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static TN_FALLIBLE child_to_decimal(tn_binder *binder, uint32_t i, unsigned precision,
                                    unsigned scale, tarn_error *err)
{
    const tn_type *type = NULL;
    TN_RETURN_IF_ERROR(tn_types_decimal(binder->context->types, precision, scale, &type, err));
    return tn_expr_cast(binder->context, binder->children[i], type, false, false,
                        binder->children[i]->span, &binder->children[i], err);
}

static TN_FALLIBLE decimal_arithmetic(tn_binder *binder, tn_arithmetic_op op, tarn_error *err)
{
    const tn_expr *a = binder->children[0];
    const tn_expr *b = binder->children[1];
    const unsigned a_scale = scale_of(a);
    const unsigned b_scale = scale_of(b);
    const unsigned a_whole = precision_of(a) - min_unsigned(a_scale, precision_of(a));
    const unsigned b_whole = precision_of(b) - min_unsigned(b_scale, precision_of(b));
    /* Beyond what 128 bits hold: only where an operand is wider itself. */
    const unsigned most = precision_of(a) > EXACT_DIGITS || precision_of(b) > EXACT_DIGITS
                              ? TN_DECIMAL_DIGITS_MAX
                              : EXACT_DIGITS;
    unsigned scale = max_unsigned(a_scale, b_scale);
    unsigned whole = max_unsigned(a_whole, b_whole);
    if (op == TN_ARITHMETIC_MULTIPLY) {
        scale = a_scale + b_scale;
        whole = a_whole + b_whole;
        if (scale > most) {
            tn_bind__fail(err, binder->span,
                          "a product with %u digits behind the point is too fine", scale);
            tn_hint(err, "round() one side first, or cast it to DOUBLE");
            return TARN_E_INVALID;
        }
        TN_RETURN_IF_ERROR(
            child_to_decimal(binder, 0, max_unsigned(1, precision_of(a)), a_scale, err));
        TN_RETURN_IF_ERROR(
            child_to_decimal(binder, 1, max_unsigned(1, precision_of(b)), b_scale, err));
    } else if (op == TN_ARITHMETIC_DIVIDE && tn_type_is_integer(a->type) &&
               tn_type_is_integer(b->type)) { /* UBIGINT and a signed one: cut, as all integers */
        whole = a_whole;
    } else if (op == TN_ARITHMETIC_DIVIDE) {
        scale = max_unsigned(scale, DECIMAL_LEAST_SCALE) + DECIMAL_EXTRA_SCALE;
        whole = a_whole + b_scale;
        if (whole + scale > 38) { /* what is computed; more digits are a fault where they appear */
            whole = scale > 37 ? 1 : 38 - scale;
        }
        TN_RETURN_IF_ERROR(
            child_to_decimal(binder, 0, max_unsigned(1, precision_of(a)), a_scale, err));
        TN_RETURN_IF_ERROR(
            child_to_decimal(binder, 1, max_unsigned(1, precision_of(b)), b_scale, err));
    } else {
        whole += op == TN_ARITHMETIC_REMAINDER ? 0 : 1;
    }
    const unsigned precision = max_unsigned(1, min_unsigned(whole + scale, most));
    TN_RETURN_IF_ERROR(
        tn_types_decimal(binder->context->types, precision, scale, &binder->type, err));
    if (op == TN_ARITHMETIC_ADD || op == TN_ARITHMETIC_SUBTRACT || op == TN_ARITHMETIC_REMAINDER ||
        (op == TN_ARITHMETIC_DIVIDE && scale == 0)) {
        for (uint32_t i = 0; i < 2; i++) {
            TN_RETURN_IF_ERROR(child_to_decimal(binder, i, precision, scale, err));
        }
    }
    /* An i128 holds any 38 digits, so within them sums and products of these types always fit. */
    binder->can_fail =
        whole + scale > EXACT_DIGITS || op == TN_ARITHMETIC_DIVIDE || op == TN_ARITHMETIC_REMAINDER;
    return TARN_OK;
}

static TN_FALLIBLE numeric_arithmetic(tn_binder *binder, tn_arithmetic_op op, tarn_error *err)
{
    const tn_type *type = NULL;
    bool found = false;
    const bool real = binder->children[0]->type->kind == TN_KIND_REAL &&
                      binder->children[1]->type->kind == TN_KIND_REAL;
    binder->bound->form = TN_FORM_ARITHMETIC;
    binder->bound->op = (uint8_t)op;
    TN_RETURN_IF_ERROR(tn_types_common(binder->context->types, binder->children[0]->type,
                                       binder->children[1]->type, &type, &found, err));
    if (!found) {
        return tn_coerce__no_overload(binder, err);
    }
    if (type->kind == TN_KIND_DECIMAL && tn_type_is_integer(binder->children[0]->type) &&
        tn_type_is_integer(binder->children[1]->type)) {
        /* UBIGINT beside a signed one: a literal takes UBIGINT where it can */
        TN_RETURN_IF_ERROR(
            tn_coerce__common(binder->context, binder->children, 2, true, &type, &found, err));
    }
    if (type->kind == TN_KIND_DECIMAL || binder->children[0]->type->kind == TN_KIND_DECIMAL ||
        binder->children[1]->type->kind == TN_KIND_DECIMAL) {
        if (!tn_type_is_float(binder->children[0]->type) &&
            !tn_type_is_float(binder->children[1]->type)) {
            return decimal_arithmetic(binder, op, err);
        }
    }
    type = real ? TN_REAL : type;
    for (uint32_t i = 0; i < 2; i++) {
        TN_RETURN_IF_ERROR(
            tn_coerce__to(binder->context, binder->children[i], type, &binder->children[i], err));
    }
    binder->type = type;
    binder->can_fail = tn_type_is_integer(type);
    return TARN_OK;
}

/* A text or NULL literal beside a number is a number of that type. */
static TN_FALLIBLE adapt_unknown(tn_binder *binder, tarn_error *err)
{
    for (uint32_t i = 0; i < 2; i++) {
        const tn_expr *child = binder->children[i];
        const tn_type *other = binder->children[1 - i]->type;
        if (tn_coerce__is_null_literal(child)) {
            const tn_type *type = other->kind == TN_KIND_NULL ? TN_INTEGER : other;
            TN_RETURN_IF_ERROR(
                tn_coerce__to(binder->context, child, type, &binder->children[i], err));
        } else if (tn_coerce__is_text_literal(child) && tn_type_is_numeric(other)) {
            TN_RETURN_IF_ERROR(
                tn_coerce__to(binder->context, child, other, &binder->children[i], err));
        }
    }
    return TARN_OK;
}

tarn_code tn_rules__arithmetic(tn_binder *binder, tarn_error *err)
{
    const tn_arithmetic_op op = (tn_arithmetic_op)binder->function->binding->op;
    if (binder->count == 1 && (op == TN_ARITHMETIC_SUBTRACT || op == TN_ARITHMETIC_ADD)) {
        if (op == TN_ARITHMETIC_ADD && tn_type_is_numeric(binder->children[0]->type)) {
            binder->replaced = binder->children[0];
            return TARN_OK;
        }
        return op == TN_ARITHMETIC_SUBTRACT ? tn_rules__negate(binder, err)
                                            : tn_coerce__no_overload(binder, err);
    }
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(adapt_unknown(binder, err));
    if (tn_type_is_numeric(binder->children[0]->type) &&
        tn_type_is_numeric(binder->children[1]->type)) {
        return numeric_arithmetic(binder, op, err);
    }
    return tn_coerce__resolve(binder, err);
}

/* -x: a literal is negated here, others are 0 - x (floats: their own kernel, for -0). */
tarn_code tn_rules__negate(tn_binder *binder, tarn_error *err)
{
    const tn_expr *child = binder->children[0];
    const tn_type *type = child->type;
    if (child->kind == TN_EXPR_LITERAL && !child->value.is_null && tn_type_is_numeric(type)) {
        tn_value value = child->value;
        bool done = true;
        if (tn_type_is_float(type)) {
            value.f64 = -value.f64;
        } else if (type->lane == TN_LANE_i128) {
            value.i128 = -value.i128;
        } else if (type->kind <= TN_KIND_BIGINT ||
                   (type->kind == TN_KIND_DECIMAL && type->lane != TN_LANE_i256)) {
            done = value.i64 != INT64_MIN;
            value.i64 = done ? -value.i64 : value.i64;
        } else {
            done = false;
        }
        if (done) {
            return tn_bind__literal(binder->context, &value, binder->span, &binder->replaced, err);
        }
    }
    if (type->kind >= TN_KIND_UTINYINT && type->kind <= TN_KIND_UBIGINT) { /* room for opposites */
        bool found;
        TN_RETURN_IF_ERROR(
            tn_types_common(binder->context->types, type, TN_TINYINT, &type, &found, err));
    }
    if (type != child->type) {
        TN_RETURN_IF_ERROR(
            tn_expr_cast(binder->context, child, type, false, false, child->span, &child, err));
    }
    if (tn_type_is_numeric(type)) {
        const tn_value zero = {.type = type};
        const tn_expr *pair[2] = {NULL, child};
        if (tn_type_is_float(type)) {
            const tn_value minus_zero = {.type = type, .f64 = -0.0};
            TN_RETURN_IF_ERROR(
                tn_bind__literal(binder->context, &minus_zero, binder->span, &pair[0], err));
        } else {
            TN_RETURN_IF_ERROR(
                tn_bind__literal(binder->context, &zero, binder->span, &pair[0], err));
        }
        return tn_expr_call(binder->context, TN_STR("-"), pair, 2, binder->span, &binder->replaced,
                            err);
    }
    return tn_coerce__resolve(binder, err);
}
