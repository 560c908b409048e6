/* Registers as operands of kernels: flat, in the lane asked for, constants as 64 copies. */
#include "base/size.h"
#include "column/gather.h"
#include "expr/program_internal.h"

static TN_FALLIBLE flat_room(tn_evaluator *ev, tn_register *reg, size_t size, tarn_error *err)
{
    const size_t rows = ev->rows <= 64 ? 64 : TN_BATCH_ROWS;
    const size_t bytes = size == 0 ? sizeof(uint64_t) * TN_ROW_WORDS : rows * size;
    return tn_eval__grow(ev->pool, &reg->flat_values, &reg->flat_size, bytes, err);
}

bool tn_eval__is_null_constant(const tn_column *column)
{
    return column->type->kind == TN_KIND_NULL ||
           (column->encoding == TN_CONSTANT && column->validity != NULL &&
            !tn_bit_get(column->validity, 0));
}

/* `count` values of one lane as another.  Values beyond 38 digits have none in 128 bits: faults of
 * their rows, which the operation that asks has (tn_eval__operation). */
static TN_FALLIBLE convert(const tn_column *column, const void *from, size_t count, tn_lane lane,
                           void *to, tn_register *reg, tarn_error *err)
{
    if (column->lane == TN_LANE_i256 && lane == TN_LANE_i128) {
        reg->flat_cut = tn_convert_checked(TN_LANE_i256, lane)(from, count, to, reg->flat_faults);
        return TARN_OK;
    }
    if (lane == TN_LANE_i256 && column->lane != TN_LANE_i128) {
        tn_i128 wide[64];
        for (size_t i = 0; i < count; i += 64) {
            const size_t part = count - i < 64 ? count - i : 64;
            const char *at = (const char *)from + i * tn_lane_size((tn_lane)column->lane);
            tn_convert_plain((tn_lane)column->lane, TN_LANE_i128)(at, part, wide);
            tn_convert_plain(TN_LANE_i128, lane)(wide, part, (tn_i256 *)to + i);
        }
        return TARN_OK;
    }
    tn_convert_fn *plain = tn_convert_plain((tn_lane)column->lane, lane);
    if (plain == NULL) {
        return tn_fail(err, TARN_E_INTERNAL, "a column of lane %s was asked for as %s",
                       tn_lane_text((tn_lane)column->lane), tn_lane_text(lane));
    }
    plain(from, count, to);
    return TARN_OK;
}

/* 64 copies, so that vector kernels take blocks of them as they take columns. */
static TN_FALLIBLE constant_operand(tn_evaluator *ev, tn_register *reg, tn_lane lane,
                                    tarn_error *err)
{
    const tn_column *column = &reg->column;
    const size_t size = tn_lane_size(lane);
    const bool null = tn_eval__is_null_constant(column);
    reg->flat = (tn_operand){.mask = TN_CONSTANT_COPIES - 1, .column = column};
    reg->flat.validity = null ? reg->flat_validity : NULL;
    memset(reg->flat_validity, 0, null ? sizeof(reg->flat_validity) : 0);
    TN_RETURN_IF_ERROR(flat_room(ev, reg, tn_max_size(size, 8), err));
    reg->flat.values = reg->flat_values;
    if (null) {
        memset(reg->flat_values, 0, tn_max_size(size, 8) * TN_CONSTANT_COPIES);
        if (lane == TN_LANE_none || lane == TN_LANE_list) {
            reg->flat.mask = 0;
        }
        return TARN_OK;
    }
    if (lane == TN_LANE_bool) {
        *(uint64_t *)reg->flat_values = tn_bit_get(column->values, 0) ? ~UINT64_C(0) : 0;
        return TARN_OK;
    }
    if (lane == TN_LANE_none || lane == TN_LANE_list) {
        reg->flat.mask = 0;
        reg->flat.values = column->values;
        return TARN_OK;
    }
    if (column->lane == lane) {
        memcpy(reg->flat_values, column->values, size);
    } else {
        TN_RETURN_IF_ERROR(convert(column, column->values, 1, lane, reg->flat_values, reg, err));
        memset(reg->flat_faults, reg->flat_cut ? 0xff : 0, sizeof(reg->flat_faults));
    }
    char *to = reg->flat_values;
    for (size_t filled = 1; filled < TN_CONSTANT_COPIES; filled *= 2) {
        memcpy(to + filled * size, to, filled * size);
    }
    return TARN_OK;
}

static void scatter(const void *from, size_t size, const uint16_t *rows, size_t count, void *to)
{
#define SCATTER(type)                                    \
    for (size_t i = 0; i < count; i++) {                 \
        ((type *)to)[rows[i]] = ((const type *)from)[i]; \
    }
    switch (size) {
    case 1:
        SCATTER(uint8_t)
        break;
    case 2:
        SCATTER(uint16_t)
        break;
    case 4:
        SCATTER(uint32_t)
        break;
    case 8:
        SCATTER(uint64_t)
        break;
    case 16:
        SCATTER(tn_view)
        break;
    case 32:
        SCATTER(tn_i256)
        break;
    default:
        break;
    }
}

/* The slice's values in a lane narrower than its own, which slices do not know: 256 bits as 128. */
static void cut_values(tn_register *reg, const tn_slice *slice, tn_i256 *wide, const uint16_t *rows,
                       uint32_t from, tn_i128 *to)
{
    uint64_t faults[TN_SLICE_ROWS / 64] = {0};
    tn_slice_values(slice, TN_LANE_i256, wide, 0);
    if (!tn_convert_checked(TN_LANE_i256, TN_LANE_i128)(wide, slice->count, to, faults)) {
        return;
    }
    for (uint32_t i = 0; i < slice->count; i++) {
        if (tn_bit_get(faults, i)) {
            tn_bit_set(reg->flat_faults, rows == NULL ? from + i : rows[i]);
            reg->flat_cut = true;
        }
    }
}

/* Dictionaries and sequences: through slices, which see through all of it. */
static TN_FALLIBLE gathered_operand(tn_evaluator *ev, tn_register *reg, tn_lane lane,
                                    tarn_error *err)
{
    const tn_column *column = &reg->column;
    const size_t size = tn_lane_size(lane);
    tn_slice slice;
    union {
        tn_i256 values[TN_SLICE_ROWS];
        uint64_t words[TN_SLICE_ROWS / 64];
    } dense;
    tn_i128 cut[TN_SLICE_ROWS];
    TN_RETURN_IF_ERROR(flat_room(ev, reg, size, err));
    reg->flat = (tn_operand){.values = reg->flat_values, .mask = UINT32_MAX, .column = column};
    if (column->encoding == TN_DICTIONARY) {
        reg->flat.column = column->children;
    }
    if (tn_column_decode(column, ev->selection, 0, ev->count, lane, true, reg->flat_values)) {
        return TARN_OK;
    }
    memset(reg->flat_validity, 0xff, sizeof(reg->flat_validity));
    memset(reg->flat_faults, 0, sizeof(reg->flat_faults));
    bool nulls = false;
    for (uint32_t from = 0; from < ev->count; from += TN_SLICE_ROWS) {
        const uint32_t count = ev->count - from < TN_SLICE_ROWS ? ev->count - from : TN_SLICE_ROWS;
        const uint16_t *rows = ev->selection == NULL ? NULL : ev->selection + from;
        tn_slice_open(&slice, column, rows, NULL, from, count);
        if (slice.base->lane == TN_LANE_i256 && lane == TN_LANE_i128) {
            tn_i128 *to = rows == NULL ? (tn_i128 *)reg->flat_values + from : cut;
            cut_values(reg, &slice, dense.values, rows, from, to);
            if (rows != NULL) {
                scatter(cut, size, rows, count, reg->flat_values);
            }
        } else if (rows == NULL) {
            tn_slice_values(&slice, lane, reg->flat_values, from);
        } else {
            tn_slice_values(&slice, lane, &dense, 0);
            scatter(&dense, size, rows, count, reg->flat_values);
        }
        nulls |= slice.has_nulls;
        const bool bits = size == 0 && lane == TN_LANE_bool && rows != NULL;
        for (uint32_t i = 0; (bits || slice.has_nulls) && i < count; i++) {
            const uint32_t row = rows == NULL ? from + i : rows[i];
            if (slice.has_nulls && !tn_bit_get(slice.validity, i)) {
                tn_bit_clear(reg->flat_validity, row);
            }
            if (bits) {
                tn_bit_put(reg->flat_values, row, tn_bit_get(dense.words, i));
            }
        }
    }
    reg->flat.validity = nulls ? reg->flat_validity : NULL;
    return TARN_OK;
}

/* Faults that came of narrowing the operand, for the operation at hand. */
static void note_cut(tn_evaluator *ev, const tn_register *reg)
{
    if (!reg->flat_cut) {
        return;
    }
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        ev->cut[i] = (ev->has_cut ? ev->cut[i] : 0) | reg->flat_faults[i];
    }
    ev->has_cut = true;
}

tarn_code tn_eval__operand(tn_evaluator *ev, tn_register *reg, tn_lane lane, tn_operand *out,
                           tarn_error *err)
{
    const tn_column *column = &reg->column;
    const uint64_t epoch = reg->epoch == TN_STATIC_EPOCH ? TN_STATIC_EPOCH : ev->epoch;
    if (column->encoding == TN_FLAT && (column->lane == lane || column->lane == TN_LANE_none)) {
        *out = (tn_operand){column->values, UINT32_MAX, column->validity, column};
        if (column->type->kind == TN_KIND_NULL) {
            memset(reg->flat_validity, 0, sizeof(reg->flat_validity));
            out->validity = reg->flat_validity;
        }
        return TARN_OK;
    }
    if (reg->flat_epoch == epoch && reg->flat_lane == lane) {
        *out = reg->flat;
        note_cut(ev, reg);
        return TARN_OK;
    }
    reg->flat_cut = false;
    if (column->encoding == TN_CONSTANT) {
        TN_RETURN_IF_ERROR(constant_operand(ev, reg, lane, err));
    } else if (column->encoding == TN_FLAT) {
        TN_RETURN_IF_ERROR(flat_room(ev, reg, tn_lane_size(lane), err));
        TN_RETURN_IF_ERROR(
            convert(column, column->values, ev->rows, lane, reg->flat_values, reg, err));
        reg->flat = (tn_operand){reg->flat_values, UINT32_MAX, column->validity, column};
    } else {
        TN_RETURN_IF_ERROR(gathered_operand(ev, reg, lane, err));
    }
    reg->flat_epoch = epoch;
    reg->flat_lane = lane;
    *out = reg->flat;
    note_cut(ev, reg);
    return TARN_OK;
}
