/*
 * arithmetic.h - + - * / % on numeric lanes, with and without a check for overflow.
 *
 * An operand is values and a mask: value i is values[i & mask].  The mask is TN_MASK_COLUMN for a
 * column and TN_MASK_CONSTANT for a constant, of which 64 copies stand in a row: so one loop serves
 * both and stays in cache.  Checked kernels write a fault bit a row (whole words; bits past `rows`
 * are 0) and answer whether any is set; what they put into a faulting row means nothing.  Nulls are
 * the caller's.
 */
#ifndef TN_KERNEL_ARITHMETIC_H
#define TN_KERNEL_ARITHMETIC_H

#include "column/lanes.h"

#include <stdbool.h>

typedef enum tn_arithmetic_op {
    TN_ARITHMETIC_ADD,
    TN_ARITHMETIC_SUBTRACT,
    TN_ARITHMETIC_MULTIPLY,
    TN_ARITHMETIC_DIVIDE,
    TN_ARITHMETIC_REMAINDER,
    TN_ARITHMETIC_COUNT
} tn_arithmetic_op;

enum { TN_CONSTANT_COPIES = 64 };
#define TN_MASK_COLUMN   SIZE_MAX
#define TN_MASK_CONSTANT ((size_t)TN_CONSTANT_COPIES - 1)

typedef void tn_arithmetic_fn(const void *a, size_t a_mask, const void *b, size_t b_mask,
                              size_t rows, void *out);
typedef bool tn_arithmetic_checked_fn(const void *a, size_t a_mask, const void *b, size_t b_mask,
                                      size_t rows, void *out, uint64_t *faults);

/* Wraps; of floats IEEE.  NULL for / and % of integers, which are always checked. */
tn_arithmetic_fn *tn_arithmetic_plain(tn_arithmetic_op op, tn_lane lane);
/* Integer lanes and i128; NULL for floats, which never fail. */
tn_arithmetic_checked_fn *tn_arithmetic_checked(tn_arithmetic_op op, tn_lane lane);

/* The least and greatest value; rows > 0. */
void tn_range_i64(const int64_t *values, size_t rows, int64_t *min, int64_t *max);

/*
 * a x 10^shift / b, rounded half away from zero, where the product may pass 128 bits.  False: b is
 * 0, or the quotient passes 38 digits.
 */
bool tn_decimal_divide(tn_i128 a, tn_i128 b, unsigned shift, tn_i128 *out);
/* a / 10^digits, rounded half away from zero. */
tn_i128 tn_decimal_round(tn_i128 a, unsigned digits);
tn_i128 tn_power_of_ten_i128(unsigned digits); /* 0 to 38 */

#endif
