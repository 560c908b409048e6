/* Pruning by bounds: what statistics can refute, and what they must not. */
#include "scan/source.h"

#include "support/check.h"

#include <math.h>

static tn_conjunct conjunct_of(tn_conjunct_op op, const tn_value *values, uint32_t count)
{
    return (tn_conjunct){0, op, count, values};
}

static tn_column_statistics bounds_of(tn_value min, tn_value max)
{
    return (tn_column_statistics){.bounds = TN_ESTIMATE, .min = min, .max = max};
}

/* Three values of one type, in order: the bounds are the first and the last. */
static void check_ops(tn_value below, tn_value min, tn_value max, tn_value above)
{
    const tn_column_statistics known = bounds_of(min, max);
    const tn_column_statistics one = bounds_of(min, min);
    const struct {
        tn_conjunct_op op;
        const tn_value *value;
        bool excludes, excludes_one;
    } cases[] = {
        {TN_OP_EQ, &below, true, true},   {TN_OP_EQ, &min, false, false},
        {TN_OP_EQ, &max, false, true},    {TN_OP_EQ, &above, true, true},
        {TN_OP_NE, &below, false, false}, {TN_OP_NE, &min, false, true},
        {TN_OP_LT, &below, true, true},   {TN_OP_LT, &min, true, true},
        {TN_OP_LT, &max, false, false},   {TN_OP_LE, &below, true, true},
        {TN_OP_LE, &min, false, false},   {TN_OP_GT, &above, true, true},
        {TN_OP_GT, &max, true, true},     {TN_OP_GT, &min, false, true},
        {TN_OP_GE, &above, true, true},   {TN_OP_GE, &max, false, true},
        {TN_OP_GE, &min, false, false},   {TN_OP_IN, &below, true, true},
        {TN_OP_IN, &max, false, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const tn_conjunct c = conjunct_of(cases[i].op, cases[i].value, 1);
        CHECK_EQ(tn_conjunct_excludes(&c, &known, 10), cases[i].excludes);
        CHECK_EQ(tn_conjunct_excludes(&c, &one, 10), cases[i].excludes_one);
    }
    const tn_value ends[2] = {below, above};
    const tn_conjunct outside = conjunct_of(TN_OP_IN, ends, 2);
    CHECK(tn_conjunct_excludes(&outside, &known, 10));
}

static tn_value number(const tn_type *type, int n)
{
    tn_value value = {.type = type};
    if (tn_type_is_float(type)) {
        value.f64 = n;
    } else if (type->kind >= TN_KIND_UTINYINT && type->kind <= TN_KIND_UBIGINT) {
        value.u64 = (uint64_t)n;
    } else if (type->kind == TN_KIND_INTERVAL) {
        value.interval.days = n;
    } else if (type->lane == TN_LANE_i128) {
        value.i128 = n;
    } else {
        value.i64 = n;
    }
    return value;
}

TEST(bounds_refute_every_comparison_of_every_scalar_type)
{
    tarn_error err = TARN_ERROR_INIT;
    tn_types *types = NULL;
    const tn_type *all[20] = {TN_TINYINT,   TN_SMALLINT,     TN_INTEGER,     TN_BIGINT,
                              TN_UTINYINT,  TN_USMALLINT,    TN_UINTEGER,    TN_UBIGINT,
                              TN_REAL,      TN_DOUBLE,       TN_DATE,        TN_TIME,
                              TN_TIMESTAMP, TN_TIMESTAMP_NS, TN_TIMESTAMPTZ, TN_INTERVAL};
    CHECK_EQ(tn_types_create(pool, &types, &err), TARN_OK);
    CHECK_EQ(tn_types_decimal(types, 15, 2, &all[16], &err), TARN_OK);
    CHECK_EQ(tn_types_decimal(types, 38, 10, &all[17], &err), TARN_OK);
    for (int i = 0; i < 18; i++) {
        check_ops(number(all[i], 1), number(all[i], 2), number(all[i], 5), number(all[i], 7));
    }
    check_ops(tn_value_varchar(TN_STR("a")), tn_value_varchar(TN_STR("ab")),
              tn_value_varchar(TN_STR("n")), tn_value_varchar(TN_STR("na")));
    tn_types_destroy(types);
}

TEST(unknown_bounds_and_other_types_refute_nothing)
{
    const tn_value five = tn_value_bigint(5);
    const tn_conjunct c = conjunct_of(TN_OP_EQ, &five, 1);
    tn_column_statistics s = {0};
    CHECK(!tn_conjunct_excludes(&c, &s, 10));
    s = bounds_of(tn_value_bigint(7), tn_value_bigint(9));
    CHECK(tn_conjunct_excludes(&c, &s, 10));
    s.bounds = TN_UNKNOWN;
    CHECK(!tn_conjunct_excludes(&c, &s, 10));
    s = bounds_of(number(TN_INTEGER, 7), number(TN_INTEGER, 9));
    CHECK(!tn_conjunct_excludes(&c, &s, 10));
    s = bounds_of(tn_value_null(TN_BIGINT), tn_value_null(TN_BIGINT));
    CHECK(!tn_conjunct_excludes(&c, &s, 10));
}

TEST(not_a_number_is_above_all)
{
    const tn_value nan_value = tn_value_double(NAN);
    const tn_value hundred = tn_value_double(100);
    const tn_column_statistics numbers = bounds_of(tn_value_double(1), tn_value_double(9));
    const tn_column_statistics with_nan = bounds_of(tn_value_double(1), nan_value);
    const tn_conjunct is_nan = conjunct_of(TN_OP_EQ, &nan_value, 1);
    const tn_conjunct above = conjunct_of(TN_OP_GT, &hundred, 1);
    const tn_conjunct below_nan = conjunct_of(TN_OP_LT, &nan_value, 1);
    CHECK(tn_conjunct_excludes(&is_nan, &numbers, 10));
    CHECK(!tn_conjunct_excludes(&is_nan, &with_nan, 10));
    CHECK(tn_conjunct_excludes(&above, &numbers, 10));
    CHECK(!tn_conjunct_excludes(&above, &with_nan, 10));
    CHECK(!tn_conjunct_excludes(&below_nan, &numbers, 10));
    const tn_value zero = tn_value_double(0);
    const tn_conjunct is_zero = conjunct_of(TN_OP_EQ, &zero, 1);
    const tn_column_statistics minus_zero = bounds_of(tn_value_double(-0.0), tn_value_double(-0.0));
    CHECK(!tn_conjunct_excludes(&is_zero, &minus_zero, 10));
}

TEST(null_counts_refute_only_when_exact)
{
    const tn_value five = tn_value_bigint(5);
    const tn_conjunct is_null = conjunct_of(TN_OP_IS_NULL, NULL, 0);
    const tn_conjunct not_null = conjunct_of(TN_OP_IS_NOT_NULL, NULL, 0);
    const tn_conjunct equal = conjunct_of(TN_OP_EQ, &five, 1);
    tn_column_statistics s = {.nulls = TN_EXACT, .null_count = 0};
    CHECK(tn_conjunct_excludes(&is_null, &s, 10));
    CHECK(!tn_conjunct_excludes(&not_null, &s, 10));
    s.null_count = 10;
    CHECK(!tn_conjunct_excludes(&is_null, &s, 10));
    CHECK(tn_conjunct_excludes(&not_null, &s, 10));
    CHECK(tn_conjunct_excludes(&equal, &s, 10));
    s.nulls = TN_ESTIMATE;
    CHECK(!tn_conjunct_excludes(&not_null, &s, 10));
    CHECK(!tn_conjunct_excludes(&equal, &s, 10));
}

TEST(prefixes_are_refuted_by_string_bounds)
{
    const tn_column_statistics s =
        bounds_of(tn_value_varchar(TN_STR("kiwi")), tn_value_varchar(TN_STR("melon")));
    const struct {
        tn_str prefix;
        bool excludes;
    } cases[] = {{TN_STR("a"), true},    {TN_STR("k"), false},     {TN_STR("ki"), false},
                 {TN_STR("kiw"), false}, {TN_STR("ka"), true},     {TN_STR("l"), false},
                 {TN_STR("mel"), false}, {TN_STR("melons"), true}, {TN_STR("n"), true},
                 {TN_STR(""), false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const tn_value prefix = tn_value_varchar(cases[i].prefix);
        const tn_conjunct c = conjunct_of(TN_OP_STARTS_WITH, &prefix, 1);
        CHECK_EQ(tn_conjunct_excludes(&c, &s, 10), cases[i].excludes);
    }
}

TEST(an_empty_list_of_values_passes_no_row)
{
    const tn_column_statistics s = {0};
    const tn_conjunct c = conjunct_of(TN_OP_IN, NULL, 0);
    CHECK(tn_conjunct_excludes(&c, &s, 10));
}
