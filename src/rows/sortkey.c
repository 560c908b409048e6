#include "rows/sortkey.h"

#include "base/size.h"
#include "base/vec.h"
#include "kernel/compare.h"
#include "kernel/sortkey.h"

enum { VARYING_PREFIX = 16 };

tarn_code tn_sort_keys_create(tn_pool *pool, const tn_order *orders, uint32_t count,
                              tn_sort_keys **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_sort_keys *keys = NULL;
    void *memory = NULL;
    size_t fixed = 0;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*keys), &memory, err));
    keys = memory;
    keys->pool = pool;
    keys->bytes.pool = pool;
    keys->count = count;
    TN_TRY(tn_pool_alloc(pool, count * sizeof(tn_order), (void **)&keys->orders, err));
    memcpy(keys->orders, orders, count * sizeof(tn_order));
    TN_TRY(tn_pool_alloc_zeroed(pool, count * sizeof(tn_scratch), (void **)&keys->scratch, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, count * sizeof(void *), (void **)&keys->nested, err));
    for (uint32_t i = 0; i < count; i++) {
        tn_scratch_init(&keys->scratch[i], pool);
        if (tn_type_is_nested(orders[i].type)) {
            TN_TRY(tn_nested_create(pool, orders[i].type, &keys->nested[i], err));
        }
        const size_t size = tn_sortkey_size(orders[i].type);
        keys->varies = keys->varies || (size == 0 && orders[i].type->lane != TN_LANE_none) ||
                       keys->nested[i] != NULL;
        fixed += 1 + size;
    }
    keys->prefix = (uint32_t)tn_round_up(fixed == 0 ? 1 : fixed, 8);
    if (keys->varies) {
        keys->prefix = keys->prefix < VARYING_PREFIX ? VARYING_PREFIX : keys->prefix;
        TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(tn_view), (void **)&keys->views, err));
        TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(size_t), (void **)&keys->ends, err));
    }
    /* Zeros behind keys of fixed size, which nobody overwrites. */
    TN_TRY(tn_pool_alloc_zeroed(pool, (size_t)TN_BATCH_ROWS * keys->prefix,
                                (void **)&keys->prefixes, err));
    *out = keys;
    keys = NULL;
done:
    tn_sort_keys_destroy(keys);
    return code;
}

void tn_sort_keys_destroy(tn_sort_keys *keys)
{
    if (keys == NULL) {
        return;
    }
    tn_pool *pool = keys->pool;
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->scratch != NULL && keys->scratch[i].pool != NULL) {
            tn_scratch_deinit(&keys->scratch[i]);
        }
        if (keys->nested != NULL) {
            tn_nested_destroy(keys->nested[i]);
        }
    }
    tn_pool_free(pool, keys->orders, keys->count * sizeof(tn_order));
    tn_pool_free(pool, keys->scratch, keys->count * sizeof(tn_scratch));
    tn_pool_free(pool, keys->nested, keys->count * sizeof(void *));
    tn_pool_free(pool, keys->prefixes, (size_t)TN_BATCH_ROWS * keys->prefix);
    tn_pool_free(pool, keys->views, TN_BATCH_ROWS * sizeof(tn_view));
    tn_pool_free(pool, keys->ends, TN_BATCH_ROWS * sizeof(size_t));
    tn_pool_free(pool, keys->bytes.items, keys->bytes.capacity);
    tn_pool_free(pool, keys, sizeof(*keys));
}

static uint8_t null_byte(const tn_order *order, bool is_null)
{
    return !is_null ? 1 : order->nulls_first ? 0 : 2;
}

static void turn(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)~bytes[i];
    }
}

/* One key of fixed size into all prefixes, at `offset`. */
static void encode_fixed(const tn_sort_keys *keys, const tn_order *order, const tn_column *column,
                         size_t offset, uint32_t count)
{
    const size_t size = tn_sortkey_size(order->type);
    const size_t step = keys->prefix;
    const uint64_t turned = order->descending ? ~UINT64_C(0) : 0;
    uint8_t *to = keys->prefixes + offset;

    if (column->lane == TN_LANE_i64 || column->lane == TN_LANE_f64) {
        for (size_t i = 0; i < count; i++, to += step) {
            uint64_t bits;
            memcpy(&bits, (const char *)column->values + 8 * i, 8);
            if (column->lane == TN_LANE_i64) {
                bits ^= UINT64_C(1) << 63;
            } else {
                double value;
                memcpy(&value, &bits, 8);
                bits = tn_sortkey_f64(value);
            }
            to[0] = 1;
            tn_sortkey_store(to + 1, bits ^ turned, 8);
        }
    } else if (column->lane == TN_LANE_i32) {
        for (size_t i = 0; i < count; i++, to += step) {
            const uint32_t bits = ((const uint32_t *)column->values)[i] ^ UINT32_C(0x80000000);
            const uint32_t bytes = __builtin_bswap32(bits ^ (uint32_t)turned);
            to[0] = 1;
            memcpy(to + 1, &bytes, 4);
        }
    } else {
        for (size_t i = 0; i < count; i++, to += step) {
            to[0] = 1;
            if (size > 0) {
                uint8_t bytes[40];
                tn_sortkey_scalar(column, i, bytes);
                memcpy(to + 1, bytes, size);
            }
            if (order->descending) {
                turn(to + 1, size);
            }
        }
    }
    if (column->validity != NULL || column->lane == TN_LANE_none) {
        to = keys->prefixes + offset;
        for (size_t i = 0; i < count; i++, to += step) {
            if (column->validity == NULL || !tn_bit_get(column->validity, i)) {
                memset(to, 0, 1 + size);
                to[0] = null_byte(order, true);
            }
        }
    }
}

static TN_FALLIBLE put_key(tn_sort_keys *keys, uint32_t at, const tn_column *column, uint32_t row,
                           uint32_t nested_row, const tn_column *nested, tarn_error *err)
{
    const tn_order *order = &keys->orders[at];
    tn_bytes *bytes = &keys->bytes;
    const bool is_null = nested != NULL
                             ? tn_column_is_null(nested, nested_row)
                             : column->lane == TN_LANE_none ||
                                   (column->validity != NULL && !tn_bit_get(column->validity, row));
    const tn_view *view = nested == NULL && column->lane == TN_LANE_view
                              ? (const tn_view *)column->values + row
                              : NULL;
    const size_t size = nested != NULL ? 0
                        : view != NULL ? 2 * (size_t)view->size + 2
                                       : tn_sortkey_size(order->type);
    TN_RETURN_IF_ERROR(tn_vec_grow(bytes->pool, (void **)&bytes->items, &bytes->capacity,
                                   bytes->count, size + 1, 1, err));
    bytes->items[bytes->count++] = null_byte(order, is_null);
    const size_t from = bytes->count;
    if (is_null) {
        return TARN_OK;
    }
    if (nested != NULL) {
        TN_RETURN_IF_ERROR(tn_nested_sort_bytes(keys->nested[at], nested, nested_row, bytes, err));
    } else if (view != NULL) {
        const char *data = tn_view_data(view);
        uint8_t *to = bytes->items + from;
        for (size_t i = 0; i < view->size; i++) {
            *to++ = (uint8_t)data[i];
            if (data[i] == 0) {
                *to++ = 1;
            }
        }
        *to++ = 0;
        *to++ = 0;
        bytes->count = (size_t)(to - bytes->items);
    } else {
        tn_sortkey_scalar(column, row, bytes->items + from);
        bytes->count += size;
    }
    if (order->descending) {
        turn(bytes->items + from, bytes->count - from);
    }
    return TARN_OK;
}

tarn_code tn_sort_keys_encode(tn_sort_keys *keys, const tn_column *const *columns,
                              const uint16_t *selection, uint32_t count, tarn_error *err)
{
    tn_column few[16];
    tn_column *flat = few;
    void *memory = NULL;
    tarn_code code = TARN_OK;

    if (keys->count > 16) {
        TN_TRY(tn_pool_alloc(keys->pool, keys->count * sizeof(tn_column), &memory, err));
        flat = memory;
    }
    size_t offset = 0;
    for (uint32_t k = 0; k < keys->count; k++) {
        const tn_order *order = &keys->orders[k];
        if (keys->nested[k] != NULL) {
            continue;
        }
        if (order->type->lane == TN_LANE_none) {
            flat[k] = (tn_column){.type = order->type, .lane = TN_LANE_none, .rows = count};
        } else {
            TN_TRY(tn_column_flatten(columns[k], selection, count, order->type->lane,
                                     &keys->scratch[k], &flat[k], err));
        }
        if (!keys->varies) {
            encode_fixed(keys, order, &flat[k], offset, count);
            offset += 1 + tn_sortkey_size(order->type);
        }
    }
    if (!keys->varies) {
        goto done;
    }
    keys->bytes.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < keys->count; k++) {
            TN_TRY(put_key(keys, k, &flat[k], i, selection == NULL ? i : selection[i],
                           keys->nested[k] != NULL ? columns[k] : NULL, err));
        }
        keys->ends[i] = keys->bytes.count;
    }
    size_t from = 0;
    for (uint32_t i = 0; i < count; i++) {
        const size_t size = keys->ends[i] - from;
        const size_t head = size < keys->prefix ? size : keys->prefix;
        uint8_t *prefix = keys->prefixes + (size_t)i * keys->prefix;
        memset(prefix, 0, keys->prefix);
        memcpy(prefix, keys->bytes.items + from, head);
        keys->views[i] = tn_view_of((const char *)keys->bytes.items + from + head, size - head);
        from = keys->ends[i];
    }
    keys->whole = (tn_column){.type = TN_BLOB,
                              .lane = TN_LANE_view,
                              .encoding = TN_FLAT,
                              .rows = count,
                              .values = keys->views};
done:
    tn_pool_free(keys->pool, memory, keys->count * sizeof(tn_column));
    return code;
}

/* The bits of a value of `lane` that orders as the first key of `bound`; false where there is none.
 */
static bool decode_first(const tn_order *order, const uint8_t *bound, tn_lane lane, uint64_t *out)
{
    const tn_lane declared = order->type->lane;
    const bool is_signed = declared <= TN_LANE_i64;
    if (declared >= TN_LANE_COUNT || declared == TN_LANE_f32 || bound[0] != 1 || lane > declared) {
        return false;
    }
    const size_t size = tn_lane_size(declared);
    const unsigned unused = (unsigned)(64 - 8 * size);
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | (uint8_t)(order->descending ? ~bound[1 + i] : bound[1 + i]);
    }
    if (declared == TN_LANE_f64) {
        *out = bits >> 63 != 0 ? bits & ~(UINT64_C(1) << 63) : ~bits;
        return lane == TN_LANE_f64;
    }
    const unsigned above = (unsigned)(64 - 8 * tn_lane_size(lane)); /* a lane may be narrower */
    if (!is_signed) {
        *out = bits;
        return lane >= TN_LANE_u8 && bits <= UINT64_MAX >> above;
    }
    bits ^= UINT64_C(1) << (8 * size - 1);
    const int64_t value = (int64_t)(bits << unused) >> unused;
    *out = (uint64_t)value;
    return value >= INT64_MIN >> above && value <= INT64_MAX >> above;
}

bool tn_sort_keys_cut(const tn_sort_keys *keys, const uint8_t *bound, const tn_column *first,
                      const uint16_t *selection, uint32_t *count, uint16_t *out)
{
    const tn_order *order = &keys->orders[0];
    const tn_lane lane = first->lane;
    uint64_t value;
    uint64_t copies[64];
    uint64_t bits[TN_BATCH_ROWS / 64];

    if (first->encoding != TN_FLAT || first->validity != NULL || lane >= TN_LANE_COUNT ||
        *count == 0 || !decode_first(order, bound, lane, &value)) {
        return false;
    }
    const size_t size = tn_lane_size(lane);
    for (size_t i = 0; i < 64; i++) { /* little-endian: the low bytes are the value */
        memcpy((uint8_t *)copies + i * size, &value, size);
    }
    const tn_compare *compare = tn_compare_table();
    const bool turned = order->descending;
    const void *a = turned ? copies : first->values;
    const void *b = turned ? first->values : copies;
    const size_t a_mask = turned ? TN_MASK_CONSTANT : TN_MASK_COLUMN;
    const size_t b_mask = turned ? TN_MASK_COLUMN : TN_MASK_CONSTANT;
    if (selection != NULL) {
        *count = compare->at_le[lane](a, a_mask, b, b_mask, selection, *count, out);
    } else {
        compare->le[lane](a, a_mask, b, b_mask, *count, bits);
        *count = tn_bits_to_selection(bits, *count, out);
    }
    return true;
}
