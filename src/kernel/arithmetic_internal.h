/* arithmetic_internal.h - the part of the arithmetic kernels that is built per instruction set. */
#ifndef TN_KERNEL_ARITHMETIC_INTERNAL_H
#define TN_KERNEL_ARITHMETIC_INTERNAL_H

#include "kernel/arithmetic.h"

typedef struct tn_arithmetic_isa {
    tn_arithmetic_fn *plain_i32[TN_ARITHMETIC_COUNT], *plain_i64[TN_ARITHMETIC_COUNT],
        *plain_f32[TN_ARITHMETIC_COUNT], *plain_f64[TN_ARITHMETIC_COUNT];
    tn_arithmetic_checked_fn *checked_i32[TN_ARITHMETIC_COUNT], *checked_i64[TN_ARITHMETIC_COUNT];
    void (*range_i64)(const int64_t *values, size_t rows, int64_t *min, int64_t *max);
} tn_arithmetic_isa;

#endif
