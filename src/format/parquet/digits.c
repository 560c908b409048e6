/* Decimals that have more digits than their type says: files that lie, which no sum may trust. */
#include "format/parquet/leaf_internal.h"

#include <stdio.h>

/* 10^digits - 1, of up to 38 digits. */
static tn_u128 largest(unsigned digits)
{
    tn_u128 power = 1;
    for (unsigned i = 0; i < digits; i++) {
        power *= 10;
    }
    return power - 1;
}

/* -most <= v <= most where neither v + most nor 2 most - (v + most) is negative: in wrapping
 * arithmetic it is one of them for every other v. */
#define FIT(name, T, U)                                              \
    static bool name(const T *restrict values, size_t count, U most) \
    {                                                                \
        U bad = 0;                                                   \
        for (size_t i = 0; i < count; i++) {                         \
            const U up = (U)values[i] + most;                        \
            bad |= up | (2 * most - up);                             \
        }                                                            \
        return bad >> (8 * sizeof(U) - 1) == 0;                      \
    }
FIT(fit_i32, int32_t, uint32_t)
FIT(fit_i64, int64_t, uint64_t)

static bool fit_i128(const tn_i128 *restrict values, size_t count, tn_u128 most)
{
    bool fit = true;
    for (size_t i = 0; i < count; i++) {
        fit &= (tn_u128)values[i] + most <= 2 * most;
    }
    return fit;
}

/* Divided by 10^digits, 18 of them at a time: nothing may be left of it. */
static bool fits_i256(tn_i256 value, unsigned digits)
{
    const bool negative = (value.words[3] >> 63) != 0;
    tn_u128 carry = negative;
    for (size_t i = 0; i < 4 && negative; i++) {
        carry += ~value.words[i];
        value.words[i] = (uint64_t)carry;
        carry >>= 64;
    }
    while (digits > 0) {
        const unsigned step = digits < 18 ? digits : 18;
        const uint64_t by = (uint64_t)largest(step) + 1;
        tn_u128 rest = 0;
        for (size_t i = 4; i-- > 0;) {
            rest = rest << 64 | value.words[i];
            value.words[i] = (uint64_t)(rest / by);
            rest %= by;
        }
        digits -= step;
    }
    return (value.words[0] | value.words[1] | value.words[2] | value.words[3]) == 0;
}

TN_FALLIBLE tn_digits__check(const tn_leaf_reader *reader, const void *values, size_t count,
                             tarn_error *err)
{
    const unsigned digits = reader->leaf->type->precision;
    bool fit = true;
    switch (reader->lane) {
    case TN_LANE_i32:
        fit = digits > 9 || fit_i32(values, count, (uint32_t)largest(digits));
        break;
    case TN_LANE_i64:
        fit = digits > 18 || fit_i64(values, count, (uint64_t)largest(digits));
        break;
    case TN_LANE_i128:
        fit = digits > 38 || fit_i128(values, count, largest(digits));
        break;
    default:
        for (size_t i = 0; i < count; i++) {
            fit &= fits_i256(((const tn_i256 *)values)[i], digits);
        }
    }
    if (fit) {
        return TARN_OK;
    }
    char wider[32];
    const unsigned scale = reader->leaf->type->scale;
    (void)snprintf(wider, sizeof(wider), "DECIMAL(%u,%u)", digits < 38 ? 38U : 76U, scale);
    (void)tn_fail(err, TARN_E_UNSUPPORTED, "a value has more digits than its type %.*s",
                  TN_STR_ARGS(reader->leaf->type->name));
    if (digits < 76) {
        tn_convert__hint(reader, wider, "what is there", err);
    }
    return TARN_E_UNSUPPORTED;
}
