/*
 * value.h - one value outside a column: literals, parameters, bounds, settings.
 *
 * Scalars lie in place; strings and nested values are borrowed and live as long as their maker says
 * (an arena, mostly).
 */
#ifndef TN_COLUMN_VALUE_H
#define TN_COLUMN_VALUE_H

#include "column/column.h"

typedef struct tn_value {
    const tn_type *type;
    bool is_null;
    union {
        bool boolean;
        int64_t i64;  /* signed integers, dates, times, timestamps, decimals to 18 digits */
        uint64_t u64; /* unsigned integers */
        double f64;   /* REAL and DOUBLE */
        tn_i128 i128; /* decimals of 19 to 38 digits */
        tn_i256 i256; /* decimals beyond */
        tn_interval interval;
        tn_str str;              /* VARCHAR, BLOB */
        const tn_column *nested; /* LIST, STRUCT, MAP: a column of one row */
    };
} tn_value;

static inline tn_value tn_value_null(const tn_type *type)
{
    return (tn_value){.type = type, .is_null = true};
}
static inline tn_value tn_value_boolean(bool boolean)
{
    return (tn_value){.type = TN_BOOLEAN, .boolean = boolean};
}
static inline tn_value tn_value_bigint(int64_t value)
{
    return (tn_value){.type = TN_BIGINT, .i64 = value};
}
static inline tn_value tn_value_double(double value)
{
    return (tn_value){.type = TN_DOUBLE, .f64 = value};
}
static inline tn_value tn_value_varchar(tn_str value)
{
    return (tn_value){.type = TN_VARCHAR, .str = value};
}

/* A deep copy into an arena. */
TN_FALLIBLE tn_value_copy(tn_arena *arena, const tn_value *from, tn_value *out, tarn_error *err);
/* Row `row` of a column; strings and nested values point into the column. For nested values a
 * one-row column is made in `arena`. */
TN_FALLIBLE tn_value_of(const tn_column *column, uint32_t row, tn_arena *arena, tn_value *out,
                        tarn_error *err);
/* A constant column of `rows` rows in the type's declared lane, living in the arena. */
TN_FALLIBLE tn_value_column(const tn_value *value, uint32_t rows, tn_arena *arena, tn_column *out,
                            tarn_error *err);
/* The one order of values (decision 5) among values of one type; nulls last and equal. */
int tn_value_compare(const tn_value *a, const tn_value *b);
/* The same for a row of one column and one of another, of one type. */
int tn_column_compare(const tn_column *a, uint32_t a_row, const tn_column *b, uint32_t b_row);

#endif
