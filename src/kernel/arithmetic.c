#include "kernel/arithmetic.h"

#include "kernel/arithmetic_internal.h"
#include "kernel/template.h"
#include "os/cpu.h"

#include <math.h>
#include <string.h>

#define T    int8_t
#define U    uint8_t
#define LANE i8
#include "kernel/arithmetic.inc.h"
#define T    int16_t
#define U    uint16_t
#define LANE i16
#include "kernel/arithmetic.inc.h"
#define T    uint8_t
#define U    uint8_t
#define LANE u8
#include "kernel/arithmetic.inc.h"
#define T    uint16_t
#define U    uint16_t
#define LANE u16
#include "kernel/arithmetic.inc.h"
#define T    uint32_t
#define U    uint32_t
#define LANE u32
#include "kernel/arithmetic.inc.h"
#define T    uint64_t
#define U    uint64_t
#define LANE u64
#include "kernel/arithmetic.inc.h"
#define T    tn_i128
#define U    tn_u128
#define LANE i128
#define TN_ARITHMETIC_BUILTIN
#include "kernel/arithmetic_wide.inc.h"

static void remainder_plain_f64(const void *a, size_t a_mask, const void *b, size_t b_mask,
                                size_t rows, void *out)
{
    for (size_t row = 0; row < rows; row++) {
        ((double *)out)[row] =
            fmod(((const double *)a)[row & a_mask], ((const double *)b)[row & b_mask]);
    }
}
static void remainder_plain_f32(const void *a, size_t a_mask, const void *b, size_t b_mask,
                                size_t rows, void *out)
{
    for (size_t row = 0; row < rows; row++) {
        ((float *)out)[row] =
            fmodf(((const float *)a)[row & a_mask], ((const float *)b)[row & b_mask]);
    }
}

#define DECLARE(level) extern const tn_arithmetic_isa tn_arithmetic_isa_##level;
TN_CPU_LEVELS(DECLARE)

static const tn_arithmetic_isa *isa_table(void)
{
#define TABLE(level) &tn_arithmetic_isa_##level,
    static const tn_arithmetic_isa *const tables[] = {TN_CPU_LEVELS(TABLE)};
    return tables[tn_cpu_level()];
}

#define PLAIN_TABLE(lane)                                                          \
    {                                                                              \
        add_plain_##lane, subtract_plain_##lane, multiply_plain_##lane, NULL, NULL \
    }
#define CHECKED_TABLE(lane)                                                   \
    {                                                                         \
        add_checked_##lane, subtract_checked_##lane, multiply_checked_##lane, \
            divide_checked_##lane, remainder_checked_##lane                   \
    }

tn_arithmetic_fn *tn_arithmetic_plain(tn_arithmetic_op op, tn_lane lane)
{
    static tn_arithmetic_fn *const table[TN_LANE_COUNT][TN_ARITHMETIC_COUNT] = {
        [TN_LANE_i8] = PLAIN_TABLE(i8),   [TN_LANE_i16] = PLAIN_TABLE(i16),
        [TN_LANE_u8] = PLAIN_TABLE(u8),   [TN_LANE_u16] = PLAIN_TABLE(u16),
        [TN_LANE_u32] = PLAIN_TABLE(u32), [TN_LANE_u64] = PLAIN_TABLE(u64),
    };
    switch (lane) {
    case TN_LANE_i32:
        return isa_table()->plain_i32[op];
    case TN_LANE_i64:
        return isa_table()->plain_i64[op];
    case TN_LANE_f32:
        return op == TN_ARITHMETIC_REMAINDER ? remainder_plain_f32 : isa_table()->plain_f32[op];
    case TN_LANE_f64:
        return op == TN_ARITHMETIC_REMAINDER ? remainder_plain_f64 : isa_table()->plain_f64[op];
    default:
        return lane < TN_LANE_COUNT ? table[lane][op] : NULL;
    }
}

tn_arithmetic_checked_fn *tn_arithmetic_checked(tn_arithmetic_op op, tn_lane lane)
{
    static tn_arithmetic_checked_fn *const table[TN_LANE_ALL][TN_ARITHMETIC_COUNT] = {
        [TN_LANE_i8] = CHECKED_TABLE(i8),     [TN_LANE_i16] = CHECKED_TABLE(i16),
        [TN_LANE_u8] = CHECKED_TABLE(u8),     [TN_LANE_u16] = CHECKED_TABLE(u16),
        [TN_LANE_u32] = CHECKED_TABLE(u32),   [TN_LANE_u64] = CHECKED_TABLE(u64),
        [TN_LANE_i128] = CHECKED_TABLE(i128),
    };
    switch (lane) {
    case TN_LANE_i32:
        return isa_table()->checked_i32[op];
    case TN_LANE_i64:
        return isa_table()->checked_i64[op];
    default:
        return table[lane][op];
    }
}

void tn_range_i64(const int64_t *values, size_t rows, int64_t *min, int64_t *max)
{
    isa_table()->range_i64(values, rows, min, max);
}

/* ---- decimals ---- */

tn_i128 tn_power_of_ten_i128(unsigned digits)
{
    tn_i128 power = 1;
    while (digits-- > 0) {
        power *= 10;
    }
    return power;
}

tn_i128 tn_decimal_round(tn_i128 a, unsigned digits)
{
    if (digits == 0) {
        return a;
    }
    if (digits > 38) {
        return 0;
    }
    const tn_i128 by = tn_power_of_ten_i128(digits);
    const tn_i128 rest = a % by;
    const tn_i128 half = by / 2;
    return a / by + (rest >= half ? 1 : rest <= -half ? -1 : 0);
}

/* |a| x |b| in two words of 128 bits. */
static void multiply_u128(tn_u128 a, tn_u128 b, tn_u128 *high, tn_u128 *low)
{
    const tn_u128 mask = ~UINT64_C(0);
    const tn_u128 ll = (a & mask) * (b & mask);
    const tn_u128 lh = (a & mask) * (b >> 64);
    const tn_u128 hl = (a >> 64) * (b & mask);
    const tn_u128 middle = (ll >> 64) + (lh & mask) + (hl & mask);
    *low = (ll & mask) | middle << 64;
    *high = (a >> 64) * (b >> 64) + (lh >> 64) + (hl >> 64) + (middle >> 64);
}

/* (high, low) / by, bit by bit; false where the quotient passes 128 bits. */
static bool divide_u256(tn_u128 high, tn_u128 low, tn_u128 by, tn_u128 *quotient, tn_u128 *rest)
{
    if (high >= by) {
        return false;
    }
    for (int i = 0; i < 128; i++) {
        const bool carry = high >> 127 != 0;
        high = high << 1 | low >> 127;
        low <<= 1;
        if (carry || high >= by) {
            high -= by;
            low |= 1;
        }
    }
    *quotient = low;
    *rest = high;
    return true;
}

bool tn_decimal_divide(tn_i128 a, tn_i128 b, unsigned shift, tn_i128 *out)
{
    const bool negative = (a < 0) != (b < 0);
    const tn_u128 divisor = b < 0 ? (tn_u128)0 - (tn_u128)b : (tn_u128)b;
    const tn_u128 left = a < 0 ? (tn_u128)0 - (tn_u128)a : (tn_u128)a;
    tn_u128 quotient;
    tn_u128 rest;
    tn_u128 product;
    *out = 0;
    if (b == 0 || shift > 76) {
        return false;
    }
    const tn_u128 first = (tn_u128)tn_power_of_ten_i128(shift > 38 ? 38 : shift);
    if (shift > 38 && left != 0) {
        return false; /* the quotient would need more than 38 digits in every case that matters */
    }
    if (!__builtin_mul_overflow(left, first, &product)) {
        if (product >> 64 == 0 && divisor >> 64 == 0) { /* by the processor */
            quotient = (uint64_t)product / (uint64_t)divisor;
            rest = (uint64_t)product % (uint64_t)divisor;
        } else {
            quotient = product / divisor;
            rest = product % divisor;
        }
    } else {
        tn_u128 high;
        tn_u128 low;
        multiply_u128(left, first, &high, &low);
        if (!divide_u256(high, low, divisor, &quotient, &rest)) {
            return false;
        }
    }
    quotient += rest >= divisor - rest;
    if (quotient >= (tn_u128)tn_power_of_ten_i128(38)) {
        return false;
    }
    *out = negative ? -(tn_i128)quotient : (tn_i128)quotient;
    return true;
}
