/* Aggregates: their entries and type rules.  The states are in aggregate_*.c. */
#include "expr/aggregate_internal.h"

static TN_FALLIBLE one_argument(tn_binder *binder, tarn_error *err)
{
    return binder->count == 1 ? TARN_OK : tn_coerce__no_overload(binder, err);
}

/* The one argument in a type the states are made for; text and NULL literals become `type`. */
static TN_FALLIBLE make_argument(tn_binder *binder, const tn_type *type, tarn_error *err)
{
    return tn_coerce__to(binder->context, binder->children[0], type, &binder->children[0], err);
}

static void use(tn_bound_aggregate *bound, const tn_aggregate_ops *ops, size_t state_size,
                const tn_type *result)
{
    bound->ops = ops;
    bound->state_size = state_size;
    bound->single_size = state_size;
    bound->result_type = result;
}

static tarn_code resolve_count(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    if (binder->count > 1) {
        return tn_coerce__no_overload(binder, err);
    }
    use(bound, &tn_aggregate__count, sizeof(int64_t), TN_BIGINT);
    return TARN_OK;
}

static unsigned min_unsigned(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static tarn_code resolve_sum(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    const tn_type *type = NULL;
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    if (tn_coerce__is_null_literal(binder->children[0])) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_INTEGER, err));
    }
    type = binder->children[0]->type;
    if (type->kind == TN_KIND_BOOLEAN) {
        TN_RETURN_IF_ERROR(tn_expr_cast(binder->context, binder->children[0], TN_INTEGER, false,
                                        false, binder->span, &binder->children[0], err));
        type = TN_INTEGER;
    }
    switch (type->kind) {
    case TN_KIND_TINYINT:
    case TN_KIND_SMALLINT:
    case TN_KIND_INTEGER:
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
        use(bound, &tn_aggregate__sum_small, sizeof(tn_sum_small), TN_BIGINT);
        bound->takes_narrow = true;
        return TARN_OK;
    case TN_KIND_BIGINT:
    case TN_KIND_UBIGINT:
        use(bound, &tn_aggregate__sum_wide, sizeof(tn_sum_wide), NULL);
        bound->takes_narrow = true;
        return tn_types_decimal(binder->context->types, 38, 0, &bound->result_type, err);
    case TN_KIND_DECIMAL:
        use(bound, &tn_aggregate__sum_wide, sizeof(tn_sum_wide), NULL);
        bound->takes_narrow = true;
        return tn_types_decimal(binder->context->types,
                                min_unsigned(type->precision + 19U, TN_DECIMAL_DIGITS_MAX),
                                type->scale, &bound->result_type, err);
    case TN_KIND_REAL:
    case TN_KIND_DOUBLE:
        use(bound, &tn_aggregate__sum_float, sizeof(tn_sum_float), TN_DOUBLE);
        bound->single_size = sizeof(tn_sum_float_single);
        return TARN_OK;
    case TN_KIND_INTERVAL:
        use(bound, &tn_aggregate__sum_interval, sizeof(tn_sum_interval), TN_INTERVAL);
        return TARN_OK;
    default:
        return tn_coerce__no_overload(binder, err);
    }
}

static tarn_code resolve_avg(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    if (tn_coerce__is_null_literal(binder->children[0])) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_DOUBLE, err));
    }
    const tn_type *type = binder->children[0]->type;
    if (type->kind == TN_KIND_DECIMAL) {
        const unsigned least = type->scale > 6 ? type->scale : 6;
        const unsigned scale = min_unsigned(least + 4, TN_DECIMAL_DIGITS_MAX);
        const unsigned whole = (unsigned)type->precision - type->scale;
        use(bound, &tn_aggregate__avg_decimal, sizeof(tn_sum_wide), NULL);
        bound->takes_narrow = true;
        return tn_types_decimal(binder->context->types,
                                min_unsigned(whole + scale, TN_DECIMAL_DIGITS_MAX), scale,
                                &bound->result_type, err);
    }
    if (tn_type_is_integer(type)) {
        use(bound, &tn_aggregate__avg_integer, sizeof(tn_sum_wide), TN_DOUBLE);
        bound->takes_narrow = true;
        return TARN_OK;
    }
    if (tn_type_is_float(type)) {
        use(bound, &tn_aggregate__avg_float, sizeof(tn_sum_float), TN_DOUBLE);
        bound->single_size = sizeof(tn_sum_float_single);
        return TARN_OK;
    }
    if (type->kind == TN_KIND_INTERVAL) {
        use(bound, &tn_aggregate__avg_interval, sizeof(tn_sum_interval), TN_INTERVAL);
        return TARN_OK;
    }
    return tn_coerce__no_overload(binder, err);
}

static tarn_code resolve_extreme(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    if (tn_coerce__is_null_literal(binder->children[0])) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_INTEGER, err));
    }
    const tn_type *type = binder->children[0]->type;
    if (tn_type_is_nested(type)) {
        return tn_coerce__no_overload(binder, err);
    }
    const bool max = binder->function->binding->op == 1;
    use(bound, tn_aggregate__extreme(type->lane, max), tn_aggregate__extreme_size(type->lane),
        type);
    return TARN_OK;
}

static tarn_code resolve_moments(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    TN_RETURN_IF_ERROR(make_argument(binder, TN_DOUBLE, err));
    use(bound, tn_aggregate__moments(binder->function->binding->op), sizeof(tn_moments), TN_DOUBLE);
    return TARN_OK;
}

static tarn_code resolve_pair(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    for (uint32_t i = 0; i < 2; i++) {
        TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[i], TN_DOUBLE,
                                         &binder->children[i], err));
    }
    use(bound, tn_aggregate__pair(binder->function->binding->op), sizeof(tn_pair_moments),
        TN_DOUBLE);
    return TARN_OK;
}

static tarn_code resolve_boolean(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    TN_RETURN_IF_ERROR(make_argument(binder, TN_BOOLEAN, err));
    use(bound,
        binder->function->binding->op == 0 ? &tn_aggregate__bool_and : &tn_aggregate__bool_or, 8,
        TN_BOOLEAN);
    return TARN_OK;
}

static tarn_code resolve_bits(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    TN_RETURN_IF_ERROR(make_argument(binder, TN_BIGINT, err));
    use(bound, &tn_aggregate__bits, sizeof(tn_bits), TN_BIGINT);
    return TARN_OK;
}

/* count_if(x) counts what nullif(x, false) leaves. */
static tarn_code resolve_count_if(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    const tn_value no = tn_value_boolean(false);
    const tn_expr *parts[2] = {NULL, NULL};
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    TN_RETURN_IF_ERROR(make_argument(binder, TN_BOOLEAN, err));
    parts[0] = binder->children[0];
    TN_RETURN_IF_ERROR(tn_bind__literal(binder->context, &no, binder->span, &parts[1], err));
    TN_RETURN_IF_ERROR(tn_expr_call(binder->context, TN_STR("nullif"), parts, 2, binder->span,
                                    &binder->children[0], err));
    use(bound, &tn_aggregate__count, sizeof(int64_t), TN_BIGINT);
    return TARN_OK;
}

static tarn_code resolve_approximate(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    if (tn_coerce__is_null_literal(binder->children[0])) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_INTEGER, err));
    }
    use(bound, &tn_aggregate__approximate, TN_HLL_STATE_SIZE, TN_BIGINT);
    return TARN_OK;
}

/* first, last, any_value: nested ones are not kept. */
static tarn_code resolve_one_of(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    if (tn_coerce__is_null_literal(binder->children[0])) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_INTEGER, err));
    }
    const tn_type *type = binder->children[0]->type;
    if (tn_type_is_nested(type)) {
        return tn_coerce__no_overload(binder, err);
    }
    use(bound, tn_aggregate__one_of(binder->function->binding->op), sizeof(tn_kept), type);
    bound->keeps_tag = true;
    return TARN_OK;
}

/* ---- the ordered class ---- */

static void use_ordered(tn_bound_aggregate *bound, const tn_aggregate_ops *ops,
                        const tn_type *result, bool sorted_by_value)
{
    use(bound, ops, 0, result);
    bound->is_ordered = true;
    bound->sorted_by_value = sorted_by_value;
}

static TN_FALLIBLE fraction_of(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    double *fraction = NULL;
    tn_value value;
    TN_RETURN_IF_ERROR(tn_arena_new(binder->context->arena, double, &fraction, err));
    bound->data = fraction;
    *fraction = 0.5;
    if (binder->function->binding->op == TN_QUANTILE_MEDIAN) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_coerce__to(binder->context, binder->children[1], TN_DOUBLE, &binder->children[1], err));
    if (!binder->children[1]->is_constant) {
        return tn_bind__fail(err, binder->children[1]->span,
                             "the fraction of %s must be a constant", binder->function->name);
    }
    TN_RETURN_IF_ERROR(tn_expr_evaluate(binder->context, binder->children[1],
                                        binder->context->arena->pool, &value, err));
    if (value.is_null || !(value.f64 >= 0 && value.f64 <= 1)) {
        return tn_bind__fail(err, binder->children[1]->span,
                             "the fraction of %s must be from 0 to 1", binder->function->name);
    }
    *fraction = value.f64;
    return TARN_OK;
}

static tarn_code resolve_quantile(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    const uint8_t op = binder->function->binding->op;
    if (binder->count != (op == TN_QUANTILE_MEDIAN ? 1U : 2U)) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(fraction_of(binder, bound, err));
    bound->constant_count = binder->count - 1;
    if (tn_coerce__is_null_literal(binder->children[0])) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_DOUBLE, err));
    }
    const tn_type *type = binder->children[0]->type;
    if (op == TN_QUANTILE_DISC) {
        if (tn_type_is_nested(type)) {
            return tn_coerce__no_overload(binder, err);
        }
        use_ordered(bound, &tn_aggregate__quantile_disc, type, true);
        return TARN_OK;
    }
    if (tn_type_is_numeric(type)) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_DOUBLE, err));
        use_ordered(bound, &tn_aggregate__quantile_cont, TN_DOUBLE, true);
        return TARN_OK;
    }
    if (type->kind == TN_KIND_DATE) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_TIMESTAMP, err));
        type = TN_TIMESTAMP;
    }
    if (tn_type_is_timestamp(type) || type->kind == TN_KIND_TIME) {
        use_ordered(bound, &tn_aggregate__quantile_cont, type, true);
        return TARN_OK;
    }
    return tn_coerce__no_overload(binder, err);
}

static tarn_code resolve_mode(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    if (tn_coerce__is_null_literal(binder->children[0])) {
        TN_RETURN_IF_ERROR(make_argument(binder, TN_INTEGER, err));
    }
    if (tn_type_is_nested(binder->children[0]->type)) {
        return tn_coerce__no_overload(binder, err);
    }
    use_ordered(bound, &tn_aggregate__mode, binder->children[0]->type, true);
    return TARN_OK;
}

static tarn_code resolve_by(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (tn_coerce__is_null_literal(binder->children[i])) {
            TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[i], TN_INTEGER,
                                             &binder->children[i], err));
        }
        if (tn_type_is_nested(binder->children[i]->type)) {
            return tn_coerce__no_overload(binder, err);
        }
    }
    use_ordered(bound, &tn_aggregate__by, binder->children[0]->type, false);
    return TARN_OK;
}

static tarn_code resolve_string_agg(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    tn_str *separator = NULL;
    tn_value value;
    if (binder->count != 1 && binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_expr_cast(binder->context, binder->children[0], TN_VARCHAR, false, false,
                                    binder->span, &binder->children[0], err));
    TN_RETURN_IF_ERROR(tn_arena_new(binder->context->arena, tn_str, &separator, err));
    *separator = TN_STR(",");
    bound->data = separator;
    if (binder->count == 2) {
        TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[1], TN_VARCHAR,
                                         &binder->children[1], err));
        if (!binder->children[1]->is_constant) {
            return tn_bind__fail(err, binder->children[1]->span,
                                 "the separator of %s must be a constant", binder->function->name);
        }
        TN_RETURN_IF_ERROR(tn_expr_evaluate(binder->context, binder->children[1],
                                            binder->context->arena->pool, &value, err));
        TN_RETURN_IF_ERROR(tn_arena_copy(binder->context->arena,
                                         value.is_null ? TN_STR("") : value.str, separator, err));
    }
    bound->constant_count = binder->count - 1;
    use_ordered(bound, &tn_aggregate__string_agg, TN_VARCHAR, false);
    return TARN_OK;
}

static tarn_code resolve_array_agg(tn_binder *binder, tn_bound_aggregate *bound, tarn_error *err)
{
    TN_RETURN_IF_ERROR(one_argument(binder, err));
    use_ordered(bound, &tn_aggregate__array_agg, NULL, false);
    return tn_types_list(binder->context->types, binder->children[0]->type, &bound->result_type,
                         err);
}

#define AGGREGATE(rule, op_)                                                                  \
    .cost = 1, .sees_null = true, .category = "aggregate", .aggregate = &tn_aggregate__count, \
    .binding = &(const tn_function_binding)                                                   \
    {                                                                                         \
        .resolve_aggregate = (rule), .op = (op_)                                              \
    }

static const tn_function functions[] = {
    {.name = "count",
     .signature = "count(*) or count(value) -> BIGINT",
     .doc = "Rows, or values that are not NULL.",
     .example = "count(*)",
     AGGREGATE(resolve_count, 0)},
    {.name = "count_distinct",
     .signature = "count_distinct(value) -> BIGINT",
     .doc = "Different values that are not NULL: count(DISTINCT value).",
     .example = "count_distinct(city)",
     AGGREGATE(resolve_count, 0)},
    {.name = "sum",
     .signature = "sum(value) -> BIGINT, DECIMAL, DOUBLE or INTERVAL",
     .doc = "The sum; of BIGINT a DECIMAL(38,0), so that it cannot overflow.",
     .example = "sum(amount)",
     AGGREGATE(resolve_sum, 0)},
    {.name = "avg",
     .aliases = TN_ALIASES("mean"),
     .signature = "avg(value) -> DOUBLE, DECIMAL or INTERVAL",
     .doc = "The mean; of decimals a DECIMAL with four more digits (at least ten).",
     .example = "avg(amount)",
     AGGREGATE(resolve_avg, 0)},
    {.name = "min",
     .signature = "min(value) -> its type",
     .doc = "The least value.",
     .example = "min(day)",
     AGGREGATE(resolve_extreme, 0)},
    {.name = "max",
     .signature = "max(value) -> its type",
     .doc = "The greatest value.",
     .example = "max(day)",
     AGGREGATE(resolve_extreme, 1)},
    {.name = "var_samp",
     .aliases = TN_ALIASES("variance"),
     .signature = "var_samp(value DOUBLE) -> DOUBLE",
     .doc = "The sample's variance; NULL for fewer than two values.",
     .example = "var_samp(delay)",
     AGGREGATE(resolve_moments, TN_VAR_SAMP)},
    {.name = "var_pop",
     .signature = "var_pop(value DOUBLE) -> DOUBLE",
     .doc = "The population's variance.",
     .example = "var_pop(delay)",
     AGGREGATE(resolve_moments, TN_VAR_POP)},
    {.name = "stddev",
     .aliases = TN_ALIASES("stddev_samp", "std"),
     .signature = "stddev(value DOUBLE) -> DOUBLE",
     .doc = "The sample's standard deviation; NULL for fewer than two values.",
     .example = "stddev(delay)",
     AGGREGATE(resolve_moments, TN_STDDEV_SAMP)},
    {.name = "stddev_pop",
     .signature = "stddev_pop(value DOUBLE) -> DOUBLE",
     .doc = "The population's standard deviation.",
     .example = "stddev_pop(delay)",
     AGGREGATE(resolve_moments, TN_STDDEV_POP)},
    {.name = "covar_samp",
     .signature = "covar_samp(y DOUBLE, x DOUBLE) -> DOUBLE",
     .doc = "The sample's covariance.",
     .example = "covar_samp(y, x)",
     AGGREGATE(resolve_pair, TN_COVAR_SAMP)},
    {.name = "covar_pop",
     .signature = "covar_pop(y DOUBLE, x DOUBLE) -> DOUBLE",
     .doc = "The population's covariance.",
     .example = "covar_pop(y, x)",
     AGGREGATE(resolve_pair, TN_COVAR_POP)},
    {.name = "corr",
     .signature = "corr(y DOUBLE, x DOUBLE) -> DOUBLE",
     .doc = "The correlation coefficient.",
     .example = "corr(y, x)",
     AGGREGATE(resolve_pair, TN_CORR)},
    {.name = "regr_slope",
     .signature = "regr_slope(y DOUBLE, x DOUBLE) -> DOUBLE",
     .doc = "The slope of the line that fits best.",
     .example = "regr_slope(y, x)",
     AGGREGATE(resolve_pair, TN_REGR_SLOPE)},
    {.name = "regr_intercept",
     .signature = "regr_intercept(y DOUBLE, x DOUBLE) -> DOUBLE",
     .doc = "Where the line that fits best meets x = 0.",
     .example = "regr_intercept(y, x)",
     AGGREGATE(resolve_pair, TN_REGR_INTERCEPT)},
    {.name = "regr_r2",
     .signature = "regr_r2(y DOUBLE, x DOUBLE) -> DOUBLE",
     .doc = "The square of the correlation coefficient.",
     .example = "regr_r2(y, x)",
     AGGREGATE(resolve_pair, TN_REGR_R2)},
    {.name = "bool_and",
     .aliases = TN_ALIASES("every"),
     .signature = "bool_and(condition BOOLEAN) -> BOOLEAN",
     .doc = "True where no value is false.",
     .example = "bool_and(paid)",
     AGGREGATE(resolve_boolean, 0)},
    {.name = "bool_or",
     .signature = "bool_or(condition BOOLEAN) -> BOOLEAN",
     .doc = "True where a value is true.",
     .example = "bool_or(paid)",
     AGGREGATE(resolve_boolean, 1)},
    {.name = "bit_and",
     .signature = "bit_and(value BIGINT) -> BIGINT",
     .doc = "Bits that are set in all values.",
     .example = "bit_and(flags)",
     AGGREGATE(resolve_bits, TN_BITS_AND)},
    {.name = "bit_or",
     .signature = "bit_or(value BIGINT) -> BIGINT",
     .doc = "Bits that are set in some value.",
     .example = "bit_or(flags)",
     AGGREGATE(resolve_bits, TN_BITS_OR)},
    {.name = "bit_xor",
     .signature = "bit_xor(value BIGINT) -> BIGINT",
     .doc = "Bits that are set in an odd number of values.",
     .example = "bit_xor(flags)",
     AGGREGATE(resolve_bits, TN_BITS_XOR)},
    {.name = "count_if",
     .aliases = TN_ALIASES("countif"),
     .signature = "count_if(condition BOOLEAN) -> BIGINT",
     .doc = "For how many rows it is true.",
     .example = "count_if(delay > 15)",
     AGGREGATE(resolve_count_if, 0)},
    {.name = "arg_min",
     .aliases = TN_ALIASES("min_by", "argmin"),
     .signature = "arg_min(value, by) -> type of value",
     .doc = "The value beside the least `by`, the first where several are; NULLs do not count.",
     .example = "arg_min(city, delay)",
     AGGREGATE(resolve_by, 0)},
    {.name = "arg_max",
     .aliases = TN_ALIASES("max_by", "argmax"),
     .signature = "arg_max(value, by) -> type of value",
     .doc = "The value beside the greatest `by`, the first where several are; NULLs do not count.",
     .example = "arg_max(city, delay)",
     AGGREGATE(resolve_by, 1)},
    {.name = "approx_count_distinct",
     .signature = "approx_count_distinct(value) -> BIGINT",
     .doc = "About how many different values there are (HyperLogLog, 1.6 % standard error).",
     .example = "approx_count_distinct(user_id)",
     AGGREGATE(resolve_approximate, 0)},
    {.name = "first",
     .signature = "first(value) -> its type",
     .doc = "The first row's value in the input's order; it may be NULL.",
     .example = "first(city)",
     AGGREGATE(resolve_one_of, TN_KEEP_FIRST)},
    {.name = "last",
     .signature = "last(value) -> its type",
     .doc = "The last row's value in the input's order; it may be NULL.",
     .example = "last(city)",
     AGGREGATE(resolve_one_of, TN_KEEP_LAST)},
    {.name = "any_value",
     .aliases = TN_ALIASES("arbitrary"),
     .signature = "any_value(value) -> its type",
     .doc = "The first value that is not NULL.",
     .example = "any_value(city)",
     AGGREGATE(resolve_one_of, TN_KEEP_ANY)},
    {.name = "median",
     .signature = "median(value) -> DOUBLE, TIMESTAMP or TIME",
     .doc = "The middle value, halfway between the middle two.",
     .example = "median(delay)",
     AGGREGATE(resolve_quantile, TN_QUANTILE_MEDIAN)},
    {.name = "quantile_cont",
     .aliases = TN_ALIASES("quantile", "percentile_cont"),
     .signature = "quantile_cont(value, fraction DOUBLE) -> DOUBLE, TIMESTAMP or TIME",
     .doc = "The value below which the fraction lies, interpolated.",
     .example = "quantile_cont(delay, 0.95)",
     AGGREGATE(resolve_quantile, TN_QUANTILE_CONT)},
    {.name = "quantile_disc",
     .aliases = TN_ALIASES("percentile_disc"),
     .signature = "quantile_disc(value, fraction DOUBLE) -> its type",
     .doc = "The first value at or past the fraction.",
     .example = "quantile_disc(delay, 0.95)",
     AGGREGATE(resolve_quantile, TN_QUANTILE_DISC)},
    {.name = "mode",
     .signature = "mode(value) -> its type",
     .doc = "The most frequent value, the least of them where several are.",
     .example = "mode(city)",
     AGGREGATE(resolve_mode, 0)},
    {.name = "string_agg",
     .aliases = TN_ALIASES("group_concat", "listagg"),
     .signature = "string_agg(text VARCHAR [, separator VARCHAR]) -> VARCHAR",
     .doc = "The values one after another, with a separator (',') between.",
     .example = "string_agg(city, '; ' ORDER BY city)",
     AGGREGATE(resolve_string_agg, 0)},
    {.name = "array_agg",
     .aliases = TN_ALIASES("list"),
     .signature = "array_agg(value) -> a list of its type",
     .doc = "The values as a list, NULLs with them.",
     .example = "array_agg(city ORDER BY city)",
     AGGREGATE(resolve_array_agg, 0)},
};

const tn_function_list tn__aggregate_functions = {functions, sizeof(functions) / sizeof(*functions),
                                                  NULL};
