#include "column/gather.h"

#include <assert.h>

static void open_rows(tn_slice *slice, const uint16_t *rows16, const uint32_t *rows32,
                      uint32_t from)
{
    const size_t count = slice->count;
    uint32_t *restrict index = slice->index;
    slice->is_run = rows16 == NULL && rows32 == NULL;
    if (rows16 != NULL) {
        for (size_t i = 0; i < count; i++) {
            index[i] = rows16[i];
        }
    } else if (rows32 != NULL) {
        memcpy(index, rows32, count * sizeof(*index));
    } else {
        for (size_t i = 0; i < count; i++) {
            index[i] = from + (uint32_t)i;
        }
    }
}

/* Clears the bits of the rows whose position in `index` is null by `validity`. */
static void mask_nulls(tn_slice *slice, const uint64_t *validity)
{
    for (size_t i = 0; i < slice->count; i++) {
        if (!tn_bit_get(validity, slice->index[i])) {
            tn_bit_clear(slice->validity, i);
            slice->has_nulls = true;
        }
    }
}

/* One loop a lane of codes; rows that follow each other are read as they lie. */
#define FOLLOW(type)                                                   \
    {                                                                  \
        const type *restrict codes = column->values;                   \
        const type *restrict first = is_run ? codes + index[0] : NULL; \
        for (size_t i = 0; is_run && i < slice->count; i++) {          \
            index[i] = first[i];                                       \
        }                                                              \
        for (size_t i = 0; !is_run && i < slice->count; i++) {         \
            index[i] = codes[index[i]];                                \
        }                                                              \
    }

static void follow_codes(tn_slice *slice, const tn_column *column)
{
    uint32_t *index = slice->index;
    const bool is_run = slice->is_run;
    slice->is_run = false;
    if (slice->has_nulls) { /* codes of null rows mean nothing */
        for (size_t i = 0; i < slice->count; i++) {
            index[i] = tn_bit_get(slice->validity, i) ? tn_column_code(column, index[i]) : 0;
        }
        return;
    }
    if (slice->count == 0) {
        return;
    }
    if (column->code_lane == TN_LANE_u8) {
        FOLLOW(uint8_t)
    } else if (column->code_lane == TN_LANE_u16) {
        FOLLOW(uint16_t)
    } else {
        FOLLOW(uint32_t)
    }
}
#undef FOLLOW

void tn_slice_open(tn_slice *slice, const tn_column *column, const uint16_t *rows16,
                   const uint32_t *rows32, uint32_t from, uint32_t count)
{
    assert(count <= TN_SLICE_ROWS);
    slice->count = count;
    slice->has_nulls = false;
    slice->base = column;
    memset(slice->validity, 0xFF, sizeof(slice->validity));
    open_rows(slice, rows16, rows32, from);
    if (column->encoding == TN_CONSTANT) {
        memset(slice->index, 0, count * sizeof(slice->index[0]));
        slice->is_run = count <= 1;
    }
    if (column->type->kind == TN_KIND_NULL) {
        memset(slice->validity, 0, sizeof(slice->validity));
        slice->has_nulls = count > 0;
        return;
    }
    if (column->validity != NULL) {
        mask_nulls(slice, column->validity);
    }
    if (column->encoding == TN_DICTIONARY) {
        follow_codes(slice, column);
        slice->base = column->children;
        if (slice->base->validity != NULL && slice->base->rows > 0) {
            mask_nulls(slice, slice->base->validity);
        }
    }
    if (slice->has_nulls) {
        slice->is_run = false;
        for (size_t i = 0; i < count; i++) {
            slice->index[i] = tn_bit_get(slice->validity, i) ? slice->index[i] : 0;
        }
    }
}

#define COPY(type)                                             \
    do {                                                       \
        const type *restrict from = base->values;              \
        type *restrict to = (type *)values + at;               \
        if (slice->is_run) {                                   \
            memcpy(to, from + index[0], count * sizeof(type)); \
        } else {                                               \
            for (size_t i = 0; i < count; i++) {               \
                to[i] = from[index[i]];                        \
            }                                                  \
        }                                                      \
    } while (0)

static void copy_same(const tn_slice *slice, void *values, size_t at)
{
    const tn_column *base = slice->base;
    const uint32_t *index = slice->index;
    const size_t count = slice->count;

    switch (tn_lane_size((tn_lane)base->lane)) {
    case 1:
        COPY(uint8_t);
        break;
    case 2:
        COPY(uint16_t);
        break;
    case 4:
        COPY(uint32_t);
        break;
    case 8:
        if (base->lane == TN_LANE_list) {
            COPY(tn_list);
        } else {
            COPY(uint64_t);
        }
        break;
    case 16:
        if (base->lane == TN_LANE_view) {
            COPY(tn_view);
        } else if (base->lane == TN_LANE_interval) {
            COPY(tn_interval);
        } else {
            COPY(tn_i128);
        }
        break;
    case 32:
        COPY(tn_i256);
        break;
    default:
        break;
    }
}

static void copy_bits(const tn_slice *slice, void *values, size_t at)
{
    const uint64_t *from = slice->base->values;
    for (size_t i = 0; i < slice->count; i++) {
        tn_bit_put(values, at + i, tn_bit_get(from, slice->index[i]));
    }
}

/* Each integer lane read as 128 bits: the slow road for lanes that travel narrower than declared.
 */
static tn_i128 load_wide(const tn_column *base, uint32_t row)
{
    switch ((tn_lane)base->lane) {
#define LOAD(name, type) \
    case TN_LANE_##name: \
        return (tn_i128)((const type *)base->values)[row];
        LOAD(i8, int8_t)
        LOAD(i16, int16_t)
        LOAD(i32, int32_t)
        LOAD(i64, int64_t)
        LOAD(u8, uint8_t)
        LOAD(u16, uint16_t)
        LOAD(u32, uint32_t)
        LOAD(u64, uint64_t)
        LOAD(i128, tn_i128)
#undef LOAD
    default:
        return 0;
    }
}

static void store_wide(tn_lane lane, void *values, size_t at, tn_i128 value)
{
    switch (lane) {
#define STORE(name, type)                   \
    case TN_LANE_##name:                    \
        ((type *)values)[at] = (type)value; \
        break;
        STORE(i8, int8_t)
        STORE(i16, int16_t)
        STORE(i32, int32_t)
        STORE(i64, int64_t)
        STORE(u8, uint8_t)
        STORE(u16, uint16_t)
        STORE(u32, uint32_t)
        STORE(u64, uint64_t)
        STORE(i128, tn_i128)
        STORE(f32, float)
        STORE(f64, double)
#undef STORE
    case TN_LANE_i256: {
        const uint64_t sign = value < 0 ? ~UINT64_C(0) : 0;
        ((tn_i256 *)values)[at] = (tn_i256){{(uint64_t)value, (uint64_t)(value >> 64), sign, sign}};
        break;
    }
    default:
        break;
    }
}

/* The narrow lanes that are met most, straight to what declared types use most. */
#define WIDEN_TO(to_type)                  \
    switch ((tn_lane)base->lane) {         \
        WIDEN_FROM(i8, int8_t, to_type)    \
        WIDEN_FROM(i16, int16_t, to_type)  \
        WIDEN_FROM(i32, int32_t, to_type)  \
        WIDEN_FROM(u8, uint8_t, to_type)   \
        WIDEN_FROM(u16, uint16_t, to_type) \
        WIDEN_FROM(u32, uint32_t, to_type) \
    default:                               \
        break;                             \
    }
#define WIDEN_TO_WIDE(to_type)            \
    switch ((tn_lane)base->lane) {        \
        WIDEN_FROM(i32, int32_t, to_type) \
        WIDEN_FROM(i64, int64_t, to_type) \
    default:                              \
        break;                            \
    }
#define WIDEN_FROM(name, from_type, to_type)           \
    case TN_LANE_##name: {                             \
        const from_type *restrict from = base->values; \
        to_type *restrict to = (to_type *)values + at; \
        for (size_t i = 0; i < slice->count; i++) {    \
            to[i] = (to_type)from[slice->index[i]];    \
        }                                              \
        return;                                        \
    }

static void copy_wider(const tn_slice *slice, tn_lane lane, void *values, size_t at)
{
    const tn_column *base = slice->base;
    if (lane == TN_LANE_i64) {
        WIDEN_TO(int64_t)
    } else if (lane == TN_LANE_i32) {
        WIDEN_TO(int32_t)
    } else if (lane == TN_LANE_i128) {
        WIDEN_TO_WIDE(tn_i128)
    } else if (lane == TN_LANE_f64 && base->lane == TN_LANE_f32) {
        for (size_t i = 0; i < slice->count; i++) {
            ((double *)values)[at + i] = (double)((const float *)base->values)[slice->index[i]];
        }
        return;
    }
    for (size_t i = 0; i < slice->count; i++) {
        store_wide(lane, values, at + i, load_wide(base, slice->index[i]));
    }
}

static void copy_sequence(const tn_slice *slice, tn_lane lane, void *values, size_t at)
{
    const tn_sequence *sequence = slice->base->values;
    for (size_t i = 0; i < slice->count; i++) {
        store_wide(lane, values, at + i,
                   sequence->first + sequence->step * (int64_t)slice->index[i]);
    }
}

static void clear_nulls(const tn_slice *slice, tn_lane lane, void *values, size_t at)
{
    const size_t size = tn_lane_size(lane);
    for (size_t i = 0; i < slice->count; i++) {
        if (tn_bit_get(slice->validity, i)) {
            continue;
        }
        if (lane == TN_LANE_bool) {
            tn_bit_clear(values, at + i);
        } else {
            memset((uint8_t *)values + (at + i) * size, 0, size);
        }
    }
}

static void clear_all(const tn_slice *slice, tn_lane lane, void *values, size_t at)
{
    tn_slice none = *slice;
    memset(none.validity, 0, sizeof(none.validity));
    clear_nulls(&none, lane, values, at);
}

void tn_slice_values(const tn_slice *slice, tn_lane lane, void *values, size_t at)
{
    const tn_column *base = slice->base;
    if (slice->count == 0 || lane == TN_LANE_none) {
        return;
    }
    if (base->encoding == TN_SEQUENCE) {
        copy_sequence(slice, lane, values, at);
    } else if (base->rows == 0 || base->values == NULL) {
        clear_all(slice, lane, values, at); /* an empty dictionary, or a column of NULLs */
    } else if (lane == TN_LANE_bool) {
        copy_bits(slice, values, at);
    } else if ((tn_lane)base->lane == lane) {
        copy_same(slice, values, at);
    } else {
        copy_wider(slice, lane, values, at);
    }
    if (slice->has_nulls) {
        clear_nulls(slice, lane, values, at);
    }
}

void tn_slice_validity(const tn_slice *slice, uint64_t *bits, size_t at)
{
    if (at % 64 != 0) {
        for (size_t i = 0; i < slice->count; i++) {
            tn_bit_put(bits, at + i, tn_bit_get(slice->validity, i));
        }
        return;
    }
    const size_t whole = slice->count / 64;
    memcpy(bits + at / 64, slice->validity, whole * sizeof(uint64_t));
    if (slice->count % 64 != 0) {
        const uint64_t mask = tn_bitmap_tail(slice->count % 64);
        uint64_t *last = &bits[at / 64 + whole];
        *last = (*last & ~mask) | (slice->validity[whole] & mask);
    }
}

/* ---- dictionaries, decoded at once ---- */

#define DECODE(code, value)                                            \
    do {                                                               \
        const code *restrict codes = column->values;                   \
        const value *restrict from_entries = column->children->values; \
        value *restrict to = values;                                   \
        if (rows == NULL) {                                            \
            codes += from;                                             \
            to += in_place ? from : 0;                                 \
            for (size_t i = 0; i < count; i++) {                       \
                to[i] = from_entries[codes[i]];                        \
            }                                                          \
        } else if (in_place) {                                         \
            for (size_t i = 0; i < count; i++) {                       \
                to[rows[i]] = from_entries[codes[rows[i]]];            \
            }                                                          \
        } else {                                                       \
            for (size_t i = 0; i < count; i++) {                       \
                to[i] = from_entries[codes[rows[i]]];                  \
            }                                                          \
        }                                                              \
    } while (0)

#define DECODE_CODES(value)                            \
    do {                                               \
        if (column->code_lane == TN_LANE_u8) {         \
            DECODE(uint8_t, value);                    \
        } else if (column->code_lane == TN_LANE_u16) { \
            DECODE(uint16_t, value);                   \
        } else {                                       \
            DECODE(uint32_t, value);                   \
        }                                              \
    } while (0)

bool tn_column_decode(const tn_column *column, const uint16_t *rows, uint32_t from, uint32_t count,
                      tn_lane lane, bool in_place, void *values)
{
    if (column->encoding != TN_DICTIONARY || column->validity != NULL) {
        return false;
    }
    const tn_column *const entries = column->children;
    if (entries->encoding != TN_FLAT || entries->validity != NULL || entries->values == NULL ||
        entries->rows == 0 || (tn_lane)entries->lane != lane) {
        return false;
    }
    switch (tn_lane_size(lane)) {
    case 4:
        DECODE_CODES(uint32_t);
        return true;
    case 8:
        DECODE_CODES(uint64_t);
        return true;
    default:
        return false;
    }
}
