/*
 * arithmetic.h - + - * / % on numeric lanes, with and without a check for overflow.
 *
 * An operand is values and a mask: value i is values[i & mask].  The mask is SIZE_MAX for a column,
 * and 63 for a constant, of which 64 copies stand in a row: so one loop serves both and stays in
 * cache.  Checked kernels write a fault bit a row (whole words; bits past `rows` are 0) and answer
 * whether any is set; what they put into a faulting row means nothing.  Nulls are the caller's.
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
/* Only the rows of a selection. */
typedef void tn_arithmetic_at_fn(const void *a, size_t a_mask, const void *b, size_t b_mask,
                                 const uint16_t *selection, size_t count, void *out);

/* By lane.  Floats: `plain` only, IEEE.  Integers: `plain` wraps, and has no division. */
typedef struct tn_arithmetic {
    tn_arithmetic_fn *plain[TN_ARITHMETIC_COUNT][TN_LANE_COUNT];
    tn_arithmetic_at_fn *plain_at[TN_ARITHMETIC_COUNT][TN_LANE_COUNT];
    tn_arithmetic_checked_fn *checked[TN_ARITHMETIC_COUNT][TN_LANE_COUNT];
    /* i32 x i32 -> i64, which cannot overflow */
    tn_arithmetic_fn *multiply_wide;
} tn_arithmetic;

const tn_arithmetic *tn_arithmetic_table(void);

/* i128, compiled once: decimals beyond 18 digits. */
tn_arithmetic_checked_fn *tn_arithmetic_i128(tn_arithmetic_op op);

#endif
