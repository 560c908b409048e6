#include "kernel/sortkey.h"

static void store_i128(uint8_t *to, tn_i128 value)
{
    tn_sortkey_store(to, (uint64_t)(value >> 64) ^ UINT64_C(1) << 63, 8);
    tn_sortkey_store(to + 8, (uint64_t)value, 8);
}

void tn_sortkey_scalar(const tn_column *column, size_t row, uint8_t *to)
{
    const void *values = column->values;
    switch ((tn_lane)column->lane) {
    case TN_LANE_i8:
        to[0] = (uint8_t)(((const uint8_t *)values)[row] ^ 0x80);
        break;
    case TN_LANE_i16:
        tn_sortkey_store(to, ((const uint16_t *)values)[row] ^ 0x8000U, 2);
        break;
    case TN_LANE_i32:
        tn_sortkey_store(to, ((const uint32_t *)values)[row] ^ UINT32_C(0x80000000), 4);
        break;
    case TN_LANE_i64:
        tn_sortkey_store(to, ((const uint64_t *)values)[row] ^ UINT64_C(1) << 63, 8);
        break;
    case TN_LANE_u8:
        to[0] = ((const uint8_t *)values)[row];
        break;
    case TN_LANE_u16:
        tn_sortkey_store(to, ((const uint16_t *)values)[row], 2);
        break;
    case TN_LANE_u32:
        tn_sortkey_store(to, ((const uint32_t *)values)[row], 4);
        break;
    case TN_LANE_u64:
        tn_sortkey_store(to, ((const uint64_t *)values)[row], 8);
        break;
    case TN_LANE_f32:
        tn_sortkey_store(to, tn_sortkey_f32(((const float *)values)[row]), 4);
        break;
    case TN_LANE_f64:
        tn_sortkey_store(to, tn_sortkey_f64(((const double *)values)[row]), 8);
        break;
    case TN_LANE_bool:
        to[0] = tn_bit_get(values, row);
        break;
    case TN_LANE_i128: {
        tn_i128 value;
        memcpy(&value, (const char *)values + 16 * row, 16);
        store_i128(to, value);
        break;
    }
    case TN_LANE_i256: {
        const uint64_t *words = (const uint64_t *)values + 4 * row;
        tn_sortkey_store(to, words[3] ^ UINT64_C(1) << 63, 8);
        for (size_t i = 1; i < 4; i++) {
            tn_sortkey_store(to + 8 * i, words[3 - i], 8);
        }
        break;
    }
    case TN_LANE_interval:
        store_i128(to, tn_sortkey_interval((const tn_interval *)values + row));
        break;
    case TN_LANE_view:
    case TN_LANE_list:
    case TN_LANE_none:
    case TN_LANE_ALL:
    default:
        break;
    }
}
