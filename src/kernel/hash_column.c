#include "kernel/hash_column.h"

#include "kernel/template.h"

static inline uint64_t bits_of_f64(double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value; /* -0 is 0 */
    memcpy(&bits, &value, sizeof(bits));
    return value != value ? UINT64_C(0x7ff8000000000000) : bits;
}

static inline uint64_t of_words(const uint64_t *words, size_t count)
{
    uint64_t hash = tn_hash_u64(words[0]);
    for (size_t i = 1; i < count; i++) {
        hash = tn_hash_mix(hash, words[i]);
    }
    return hash;
}

/* One loop a lane; EXPR is the hash of value i. */
#define LOOP(EXPR)                                             \
    for (size_t i = 0; i < count; i++) {                       \
        const uint64_t hash = (EXPR);                          \
        hashes[i] = mix ? tn_hash_mix(hashes[i], hash) : hash; \
    }                                                          \
    break

TN_INLINE void hash_values(const tn_column *column, size_t count, bool mix,
                           uint64_t *restrict hashes)
{
    const void *values = column->values;
    switch ((tn_lane)column->lane) {
    case TN_LANE_i8:
        LOOP(tn_hash_u64((uint64_t)(int64_t)((const int8_t *)values)[i]));
    case TN_LANE_i16:
        LOOP(tn_hash_u64((uint64_t)(int64_t)((const int16_t *)values)[i]));
    case TN_LANE_i32:
        LOOP(tn_hash_u64((uint64_t)(int64_t)((const int32_t *)values)[i]));
    case TN_LANE_i64:
        LOOP(tn_hash_u64((uint64_t)((const int64_t *)values)[i]));
    case TN_LANE_u8:
        LOOP(tn_hash_u64(((const uint8_t *)values)[i]));
    case TN_LANE_u16:
        LOOP(tn_hash_u64(((const uint16_t *)values)[i]));
    case TN_LANE_u32:
        LOOP(tn_hash_u64(((const uint32_t *)values)[i]));
    case TN_LANE_u64:
        LOOP(tn_hash_u64(((const uint64_t *)values)[i]));
    case TN_LANE_f32:
        LOOP(tn_hash_u64(bits_of_f64((double)((const float *)values)[i])));
    case TN_LANE_f64:
        LOOP(tn_hash_u64(bits_of_f64(((const double *)values)[i])));
    case TN_LANE_bool:
        LOOP(tn_hash_u64(tn_bit_get(values, i)));
    case TN_LANE_i128:
        LOOP(of_words((const uint64_t *)values + 2 * i, 2));
    case TN_LANE_i256:
        LOOP(of_words((const uint64_t *)values + 4 * i, 4));
    case TN_LANE_interval:
        LOOP(of_words((const uint64_t *)values + 2 * i, 2));
    case TN_LANE_view:
        LOOP(tn_hash_view((const tn_view *)values + i));
    case TN_LANE_list:
    case TN_LANE_none:
    case TN_LANE_ALL:
    default:
        LOOP(TN_HASH_NULL);
    }
}

void tn_hash_column(const tn_column *column, uint32_t count, bool mix, uint64_t *hashes)
{
    uint64_t before[64];
    if (column->validity == NULL) {
        if (mix) {
            hash_values(column, count, true, hashes);
        } else {
            hash_values(column, count, false, hashes);
        }
        return;
    }
    /* Nulls in blocks of 64: their values are hashed like others, then replaced. */
    tn_column part = *column;
    const size_t size = tn_lane_size((tn_lane)column->lane);
    for (uint32_t at = 0; at < count; at += 64) {
        const uint32_t rows = count - at < 64 ? count - at : 64;
        const uint64_t valid = column->validity[at / 64] | ~tn_bitmap_tail(rows);
        part.values = (const char *)column->values + (size == 0 ? at / 8 : at * size);
        if (mix) {
            memcpy(before, hashes + at, rows * sizeof(*before));
            hash_values(&part, rows, true, hashes + at);
        } else {
            hash_values(&part, rows, false, hashes + at);
        }
        for (uint64_t null = ~valid; null != 0; null &= null - 1) {
            const uint32_t i = (uint32_t)__builtin_ctzll(null);
            hashes[at + i] = mix ? tn_hash_mix(before[i], TN_HASH_NULL) : TN_HASH_NULL;
        }
    }
}
