/* The lanes that queries compute in, for one instruction set; the others are in arithmetic.c. */
#include "kernel/arithmetic_internal.h"
#include "kernel/template.h"

#include <string.h>

#define T    int32_t
#define U    uint32_t
#define LANE i32
#include "kernel/arithmetic.inc.h"
#define T    int64_t
#define U    uint64_t
#define LANE i64
#include "kernel/arithmetic.inc.h"
#define T    float
#define LANE f32
#include "kernel/arithmetic_float.inc.h"
#define T    double
#define LANE f64
#include "kernel/arithmetic_float.inc.h"

/* The least and greatest of a column, for bounds: rows > 0. */
static void range_i64(const int64_t *restrict values, size_t rows, int64_t *min, int64_t *max)
{
    int64_t low[8];
    int64_t high[8];
    size_t row = 0;
    for (size_t j = 0; j < 8; j++) {
        low[j] = high[j] = values[0];
    }
    for (; row + 8 <= rows; row += 8) {
        for (size_t j = 0; j < 8; j++) {
            low[j] = values[row + j] < low[j] ? values[row + j] : low[j];
            high[j] = values[row + j] > high[j] ? values[row + j] : high[j];
        }
    }
    for (; row < rows; row++) {
        low[0] = values[row] < low[0] ? values[row] : low[0];
        high[0] = values[row] > high[0] ? values[row] : high[0];
    }
    for (size_t j = 1; j < 8; j++) {
        low[0] = low[j] < low[0] ? low[j] : low[0];
        high[0] = high[j] > high[0] ? high[j] : high[0];
    }
    *min = low[0];
    *max = high[0];
}

extern const tn_arithmetic_isa TN_FOR_ISA(tn_arithmetic_isa);
const tn_arithmetic_isa TN_FOR_ISA(tn_arithmetic_isa) = {
    .plain_i32 = {add_plain_i32, subtract_plain_i32, multiply_plain_i32, NULL, NULL},
    .plain_i64 = {add_plain_i64, subtract_plain_i64, multiply_plain_i64, NULL, NULL},
    .plain_f32 = {add_plain_f32, subtract_plain_f32, multiply_plain_f32, divide_plain_f32, NULL},
    .plain_f64 = {add_plain_f64, subtract_plain_f64, multiply_plain_f64, divide_plain_f64, NULL},
    .checked_i32 = {add_checked_i32, subtract_checked_i32, multiply_checked_i32, divide_checked_i32,
                    remainder_checked_i32},
    .checked_i64 = {add_checked_i64, subtract_checked_i64, multiply_checked_i64, divide_checked_i64,
                    remainder_checked_i64},
    .range_i64 = range_i64,
};
