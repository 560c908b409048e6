/* aggregate_internal.h - states of aggregates, shared between type rules and kernels. */
#ifndef TN_EXPR_AGGREGATE_INTERNAL_H
#define TN_EXPR_AGGREGATE_INTERNAL_H

#include "base/size.h"
#include "expr/expr_internal.h"

static inline bool tn_aggregate__is_valid(const tn_column *column, size_t row)
{
    return column->validity == NULL || tn_bit_get(column->validity, row);
}
static inline size_t tn_aggregate__row(const uint16_t *selection, size_t i)
{
    return selection == NULL ? i : selection[i];
}

typedef struct tn_sum_small { /* of integers up to 32 bits: 2^32 rows cannot overflow it */
    int64_t sum, count;
} tn_sum_small;
typedef struct tn_sum_wide { /* of i64, u64, decimals; the sum in two words, low first */
    uint64_t low;
    int64_t high;
    int64_t count;
    int64_t overflowed; /* not 0: past 128 bits */
} tn_sum_wide;
/* Grouped: sum and count. Ungrouped: the defined order of decision 5 behind them, the i-th row of
 * a morsel to accumulator i mod 16, folded each 2,048 rows into `total`, the morsel's into `sum`.
 */
typedef struct tn_sum_float {
    double sum;
    int64_t count;
} tn_sum_float;
typedef struct tn_sum_float_single {
    tn_sum_float base;
    double accumulators[16];
    double total;
    uint64_t rank;
} tn_sum_float_single;
typedef struct tn_sum_interval {
    int64_t months, days;
    int64_t nanos_low, nanos_high; /* an i128, low word first */
    int64_t count;
} tn_sum_interval;
typedef struct tn_moments { /* Welford's, merged as Chan has it */
    double mean, m2;
    int64_t count;
} tn_moments;
typedef struct tn_pair_moments {
    double mean_x, mean_y, m2_x, m2_y, co;
    int64_t count;
} tn_pair_moments;
/* Bytes of the heap that a state may write its text to again. */
typedef struct tn_text_room {
    char *bytes;
    uint64_t capacity;
} tn_text_room;
typedef struct tn_kept { /* first, last, any_value */
    uint64_t rank;
    uint64_t set, null;
    uint64_t value[4]; /* in the declared lane */
    tn_text_room room;
} tn_kept;
enum { TN_HLL_BITS = 12, TN_HLL_STATE_SIZE = 1 << TN_HLL_BITS };

enum { TN_VAR_SAMP, TN_VAR_POP, TN_STDDEV_SAMP, TN_STDDEV_POP };
enum { TN_COVAR_SAMP, TN_COVAR_POP, TN_CORR, TN_REGR_SLOPE, TN_REGR_INTERCEPT, TN_REGR_R2 };
enum { TN_BITS_AND, TN_BITS_OR, TN_BITS_XOR };
typedef struct tn_bits {
    uint64_t bits, seen;
} tn_bits;
enum { TN_KEEP_FIRST, TN_KEEP_LAST, TN_KEEP_ANY };
enum { TN_QUANTILE_MEDIAN, TN_QUANTILE_CONT, TN_QUANTILE_DISC };

extern const tn_aggregate_ops tn_aggregate__count, tn_aggregate__sum_small, tn_aggregate__sum_wide,
    tn_aggregate__sum_float, tn_aggregate__sum_interval, tn_aggregate__avg_decimal,
    tn_aggregate__avg_integer, tn_aggregate__avg_float, tn_aggregate__avg_interval,
    tn_aggregate__bool_and, tn_aggregate__bool_or, tn_aggregate__bits, tn_aggregate__by,
    tn_aggregate__approximate, tn_aggregate__quantile_cont, tn_aggregate__quantile_disc,
    tn_aggregate__mode, tn_aggregate__string_agg, tn_aggregate__array_agg;
const tn_aggregate_ops *tn_aggregate__extreme(tn_lane lane, bool max);
size_t tn_aggregate__extreme_size(tn_lane lane);
const tn_aggregate_ops *tn_aggregate__moments(uint8_t op);
const tn_aggregate_ops *tn_aggregate__pair(uint8_t op);
const tn_aggregate_ops *tn_aggregate__one_of(uint8_t op);
/* Makes a call whose DOUBLE depends on the order of its rows one of the ordered class. */
TN_FALLIBLE tn_aggregate__heed_order(tn_bound_aggregate *bound, tn_arena *arena, tarn_error *err);

#endif
