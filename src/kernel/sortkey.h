/*
 * sortkey.h - scalars as bytes that memcmp orders as the type does (decision 5): big-endian, the
 * sign turned, floats with -0 as 0 and NaN above everything.
 */
#ifndef TN_KERNEL_SORTKEY_H
#define TN_KERNEL_SORTKEY_H

#include "column/column.h"

static inline uint64_t tn_sortkey_f64(double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, sizeof(bits));
    bits = value != value ? UINT64_C(0x7ff8000000000000) : bits;
    return (bits >> 63) != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline uint32_t tn_sortkey_f32(float value)
{
    uint32_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, sizeof(bits));
    bits = value != value ? UINT32_C(0x7fc00000) : bits;
    return (bits >> 31) != 0 ? ~bits : bits | UINT32_C(1) << 31;
}

/* Months are 30 days, days 24 hours, as PostgreSQL compares intervals. */
static inline tn_i128 tn_sortkey_interval(const tn_interval *value)
{
    return ((tn_i128)value->months * 30 + value->days) * INT64_C(86400000000000) + value->nanos;
}

static inline void tn_sortkey_store(uint8_t *to, uint64_t bits, size_t size) /* big-endian */
{
    bits = __builtin_bswap64(bits << (8 * (8 - size)));
    memcpy(to, &bits, size);
}

/* Bytes of a scalar's key; 0 for strings and nested values, whose keys vary. */
static inline size_t tn_sortkey_size(const tn_type *type)
{
    return type->lane == TN_LANE_bool ? 1
           : type->lane == TN_LANE_view || type->lane == TN_LANE_list || type->lane == TN_LANE_none
               ? 0
               : tn_lane_size(type->lane);
}

/* Row `row` of a flat column in `lane`; strings and nested values are the caller's. */
void tn_sortkey_scalar(const tn_column *column, size_t row, uint8_t *to);

#endif
