/* Arithmetic, comparison and conversion: which lane, which bounds, which kernel. */
#include "base/number.h"
#include "expr/program_internal.h"
#include "kernel/operand.h"
#include "kernel/order.h"

#include <math.h>
#include <stdio.h>

#define I64_MIN ((tn_i128)INT64_MIN)
#define I64_MAX ((tn_i128)INT64_MAX)

/* ---- bounds ---- */

static bool lane_bounds(tn_lane lane, tn_i128 *min, tn_i128 *max)
{
    switch (lane) {
#define BOUNDS(name, low, high) \
    case TN_LANE_##name:        \
        *min = (low);           \
        *max = (tn_i128)(high); \
        return true;
        BOUNDS(i8, INT8_MIN, INT8_MAX)
        BOUNDS(i16, INT16_MIN, INT16_MAX)
        BOUNDS(i32, INT32_MIN, INT32_MAX)
        BOUNDS(u8, 0, UINT8_MAX)
        BOUNDS(u16, 0, UINT16_MAX)
        BOUNDS(u32, 0, UINT32_MAX)
    default:
        return false;
    }
}

static void set_bounds(tn_evaluator *ev, tn_register *reg, tn_i128 min, tn_i128 max)
{
    reg->bounds_epoch = ev->epoch;
    reg->min = min;
    reg->max = max;
}

/* What the values of a column of integers or decimals lie between; `scan` allows a look at them. */
bool tn_eval__bounds(tn_evaluator *ev, tn_register *reg, bool scan, tn_i128 *min, tn_i128 *max)
{
    const tn_column *column = &reg->column;
    if (reg->bounds_epoch == ev->epoch && ev->epoch != 0) {
        *min = reg->min;
        *max = reg->max;
        return true;
    }
    if (column->encoding == TN_CONSTANT && column->lane != TN_LANE_i256) {
        tn_i128 value = 0;
        if (tn_convert_plain((tn_lane)column->lane, TN_LANE_i128) == NULL) {
            return false;
        }
        tn_convert_plain((tn_lane)column->lane, TN_LANE_i128)(column->values, 1, &value);
        *min = *max = value;
        return true;
    }
    if (lane_bounds((tn_lane)column->lane, min, max)) {
        return true;
    }
    if (scan && column->lane == TN_LANE_i64 && column->encoding == TN_DICTIONARY &&
        column->children->encoding == TN_FLAT && column->children->rows > 0 &&
        column->dictionary_id != 0) {
        if (reg->dictionary_id != column->dictionary_id) {
            tn_range_i64(column->children->values, column->children->rows, &reg->dictionary_min,
                         &reg->dictionary_max);
            reg->dictionary_id = column->dictionary_id;
        }
        /* The value under a null is 0. */
        *min = reg->dictionary_min < 0 ? reg->dictionary_min : 0;
        *max = reg->dictionary_max > 0 ? reg->dictionary_max : 0;
        set_bounds(ev, reg, *min, *max);
        return true;
    }
    /* Rows outside the selection are looked at, too: their values mean nothing, and can only make
     * the bounds wider. */
    if (!scan || column->lane != TN_LANE_i64 || column->encoding != TN_FLAT || ev->rows == 0) {
        return false;
    }
    int64_t low = 0;
    int64_t high = 0;
    if (ev->selection != NULL && ev->count < ev->rows / 8) {
        const int64_t *values = column->values; /* what others compute to means nothing */
        for (uint32_t i = 0; i < ev->count; i++) {
            const int64_t value = values[ev->selection[i]];
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    } else {
        tn_range_i64(column->values, ev->rows, &low, &high);
    }
    set_bounds(ev, reg, low, high);
    *min = low;
    *max = high;
    return true;
}

/* The bounds of a op b; false where they pass 128 bits. */
static bool combine_bounds(uint8_t op, const tn_i128 a[2], const tn_i128 b[2], tn_i128 out[2])
{
    if (op == TN_ARITHMETIC_ADD) {
        return !__builtin_add_overflow(a[0], b[0], &out[0]) &&
               !__builtin_add_overflow(a[1], b[1], &out[1]);
    }
    if (op == TN_ARITHMETIC_SUBTRACT) {
        return !__builtin_sub_overflow(a[0], b[1], &out[0]) &&
               !__builtin_sub_overflow(a[1], b[0], &out[1]);
    }
    if (op != TN_ARITHMETIC_MULTIPLY) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        tn_i128 product;
        if (__builtin_mul_overflow(a[i & 1], b[i >> 1], &product)) {
            return false;
        }
        out[0] = i == 0 || product < out[0] ? product : out[0];
        out[1] = i == 0 || product > out[1] ? product : out[1];
    }
    return true;
}

static bool within(const tn_i128 bounds[2], tn_lane lane)
{
    tn_i128 min;
    tn_i128 max;
    if (lane == TN_LANE_i64) {
        min = I64_MIN;
        max = I64_MAX;
    } else if (lane == TN_LANE_u64) {
        min = 0;
        max = (tn_i128)UINT64_MAX;
    } else if (!lane_bounds(lane, &min, &max)) {
        return false;
    }
    return bounds[0] >= min && bounds[1] <= max;
}

/* ---- arithmetic ---- */

static TN_FALLIBLE arithmetic_in(tn_evaluator *ev, const tn_instruction *ins,
                                 tn_register *const *args, tn_register *out, tn_lane lane,
                                 bool checked, tarn_error *err)
{
    const tn_arithmetic_op op = (tn_arithmetic_op)ins->bound->op;
    tn_operand a;
    tn_operand b;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], lane, &a, err));
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[1], lane, &b, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, tn_lane_size(lane), err));
    bool faulty = false;
    if (checked) {
        faulty =
            tn_arithmetic_checked(op, lane)(a.values, tn_eval__mask(&a), b.values,
                                            tn_eval__mask(&b), ev->rows, out->values, out->faults);
    } else {
        tn_arithmetic_plain(op, lane)(a.values, tn_eval__mask(&a), b.values, tn_eval__mask(&b),
                                      ev->rows, out->values);
    }
    tn_eval__flat_result(ev, out, ins->expr->type, lane);
    return faulty ? tn_eval__add_faults(ev, ins, args, out, err) : TARN_OK;
}

/* The quotient of decimals, row by row: 10^shift first, then rounded. */
static TN_FALLIBLE divide_decimals(tn_evaluator *ev, const tn_instruction *ins,
                                   tn_register *const *args, tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const tn_lane lane = type->lane == TN_LANE_i64 ? TN_LANE_i64 : TN_LANE_i128;
    const unsigned a_scale = ins->bound->argument_types[0]->scale;
    const unsigned b_scale = ins->bound->argument_types[1]->scale;
    const unsigned shift = type->scale + b_scale - a_scale;
    const tn_i128 limit = tn_power_of_ten_i128(type->precision > 38 ? 38 : type->precision);
    tn_operand a;
    tn_operand b;
    bool faulty = false;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], TN_LANE_i128, &a, err));
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[1], TN_LANE_i128, &b, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, tn_lane_size(lane), err));
    memset(out->faults, 0, sizeof(out->faults));
    for (uint32_t i = 0; i < ev->count; i++) {
        const uint32_t row = ev->selection == NULL ? i : ev->selection[i];
        const tn_i128 x = ((const tn_i128 *)a.values)[row & a.mask];
        const tn_i128 y = ((const tn_i128 *)b.values)[row & b.mask];
        tn_i128 quotient = 0;
        const bool fine =
            tn_decimal_divide(x, y, shift, &quotient) && quotient < limit && quotient > -limit;
        if (!fine) {
            tn_bit_set(out->faults, row);
            faulty = true;
        }
        if (lane == TN_LANE_i64) {
            ((int64_t *)out->values)[row] = (int64_t)quotient;
        } else {
            ((tn_i128 *)out->values)[row] = quotient;
        }
    }
    tn_eval__flat_result(ev, out, type, lane);
    return faulty ? tn_eval__add_faults(ev, ins, args, out, err) : TARN_OK;
}

enum { EXACT_DIGITS = 38 };

/* Sums and products that 128 bits hold, but not the 38 digits of their type. */
static TN_FALLIBLE hold_digits(tn_evaluator *ev, const tn_instruction *ins,
                               tn_register *const *args, tn_register *out, tarn_error *err)
{
    const tn_i128 limit = tn_power_of_ten_i128(EXACT_DIGITS);
    const tn_i128 *values = out->values;
    uint64_t any = 0;
    memset(out->faults, 0, sizeof(out->faults));
    for (uint32_t row = 0; row < ev->rows; row++) {
        const uint64_t bad = values[row] >= limit || values[row] <= -limit;
        out->faults[row / 64] |= bad << row % 64;
        any |= bad;
    }
    return any != 0 ? tn_eval__add_faults(ev, ins, args, out, err) : TARN_OK;
}

static TN_FALLIBLE decimal_arithmetic(tn_evaluator *ev, const tn_instruction *ins,
                                      tn_register *const *args, tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const uint8_t op = ins->bound->op;
    tn_i128 a[2];
    tn_i128 b[2];
    tn_i128 result[2];
    if (op == TN_ARITHMETIC_DIVIDE && type->scale == 0) { /* of integers: cut */
        return arithmetic_in(ev, ins, args, out, TN_LANE_i128, true, err);
    }
    if (op == TN_ARITHMETIC_DIVIDE) {
        return divide_decimals(ev, ins, args, out, err);
    }
    const bool known = tn_eval__bounds(ev, args[0], true, &a[0], &a[1]) &&
                       tn_eval__bounds(ev, args[1], true, &b[0], &b[1]);
    if (op == TN_ARITHMETIC_REMAINDER) {
        const bool narrow = known && within(a, TN_LANE_i64) && within(b, TN_LANE_i64);
        return arithmetic_in(ev, ins, args, out, narrow ? TN_LANE_i64 : TN_LANE_i128, true, err);
    }
    if (known && combine_bounds(op, a, b, result)) {
        const bool narrow =
            within(result, TN_LANE_i64) && within(a, TN_LANE_i64) && within(b, TN_LANE_i64);
        TN_RETURN_IF_ERROR(
            arithmetic_in(ev, ins, args, out, narrow ? TN_LANE_i64 : TN_LANE_i128, !narrow, err));
        const tn_i128 limit = tn_power_of_ten_i128(EXACT_DIGITS);
        set_bounds(ev, out, result[0], result[1]);
        return type->precision == EXACT_DIGITS && (result[0] <= -limit || result[1] >= limit)
                   ? hold_digits(ev, ins, args, out, err)
                   : TARN_OK;
    }
    const tn_lane lane = type->lane == TN_LANE_i64 ? TN_LANE_i64 : TN_LANE_i128;
    TN_RETURN_IF_ERROR(arithmetic_in(ev, ins, args, out, lane, true, err));
    return type->precision == EXACT_DIGITS ? hold_digits(ev, ins, args, out, err) : TARN_OK;
}

tarn_code tn_eval__arithmetic(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                              tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    tn_i128 a[2];
    tn_i128 b[2];
    tn_i128 result[2];
    TN_RETURN_IF_ERROR(tn_eval__strict(ev, args, 2, out, err));
    if (tn_type_is_float(type)) {
        return arithmetic_in(ev, ins, args, out, type->lane, false, err);
    }
    if (type->kind == TN_KIND_DECIMAL) {
        return decimal_arithmetic(ev, ins, args, out, err);
    }
    if (tn_eval__bounds(ev, args[0], false, &a[0], &a[1]) &&
        tn_eval__bounds(ev, args[1], false, &b[0], &b[1]) &&
        combine_bounds(ins->bound->op, a, b, result) && within(result, type->lane)) {
        TN_RETURN_IF_ERROR(arithmetic_in(ev, ins, args, out, type->lane, false, err));
        set_bounds(ev, out, result[0], result[1]);
        return TARN_OK;
    }
    return arithmetic_in(ev, ins, args, out, type->lane, true, err);
}

/* ---- comparison ---- */

/* Narrow columns beside constants are compared in their own lane where the constant fits it. */
static tn_lane compare_lane(tn_evaluator *ev, tn_register *const *args)
{
    const tn_column *a = &args[0]->column;
    const tn_column *b = &args[1]->column;
    const tn_lane declared = a->type->lane;
    tn_i128 min;
    tn_i128 max;
    tn_i128 value[2];
    if (a->encoding != TN_CONSTANT && b->encoding != TN_CONSTANT) {
        return a->lane == b->lane && a->encoding == TN_FLAT && b->encoding == TN_FLAT
                   ? (tn_lane)a->lane
                   : declared;
    }
    const tn_column *column = a->encoding == TN_CONSTANT ? b : a;
    tn_register *constant = a->encoding == TN_CONSTANT ? args[0] : args[1];
    if (column->encoding != TN_FLAT || column->lane == declared) {
        return declared;
    }
    if (column->lane == TN_LANE_i64) {
        min = I64_MIN;
        max = I64_MAX;
    } else if (!lane_bounds((tn_lane)column->lane, &min, &max)) {
        return declared;
    }
    return tn_eval__bounds(ev, constant, false, &value[0], &value[1]) && value[0] >= min &&
                   value[0] <= max
               ? (tn_lane)column->lane
               : declared;
}

static void compare_bits(const tn_operand *a, const tn_operand *b, uint8_t op, uint32_t words,
                         uint64_t *out)
{
    const uint64_t *x = a->values;
    const uint64_t *y = b->values;
    for (uint32_t i = 0; i < words; i++) {
        const uint64_t left = a->mask == UINT32_MAX ? x[i] : x[0];
        const uint64_t right = b->mask == UINT32_MAX ? y[i] : y[0];
        out[i] = op == TN_COMPARE_EQ   ? ~(left ^ right)
                 : op == TN_COMPARE_LT ? ~left & right
                                       : ~left | right;
    }
}

/* Of decimals: the lane may be narrower than that of their type. */
static int compare_i128(const tn_operand *a, const tn_operand *b, uint32_t row)
{
    const tn_i128 x = ((const tn_i128 *)a->values)[row & a->mask];
    const tn_i128 y = ((const tn_i128 *)b->values)[row & b->mask];
    return (x > y) - (x < y);
}

/* Views and all that has no vector form: selected, valid rows only. */
static void compare_rows(tn_evaluator *ev, const tn_operand *a, const tn_operand *b,
                         const tn_type *type, tn_lane lane, uint8_t op, const tn_column *result,
                         uint64_t *out)
{
    uint64_t *words = ev->words[0];
    const uint32_t word_count = tn_eval__word_count(ev);
    const bool views = type->lane == TN_LANE_view;
    memset(out, 0, TN_ROW_WORDS * sizeof(*out));
    memset(words, 0xff, word_count * sizeof(*words));
    if (result->validity != NULL) {
        memcpy(words, result->validity, word_count * sizeof(*words));
    }
    for (const tn_faults *node = result->faults; node != NULL; node = node->next) {
        for (uint32_t i = 0; i < word_count; i++) {
            words[i] &= ~node->mask[i];
        }
    }
    for (uint32_t i = 0; i < ev->count; i++) {
        const uint32_t row = ev->selection == NULL ? i : ev->selection[i];
        bool truth;
        if (!tn_bit_get(words, row)) {
            continue;
        }
        if (views && op == TN_COMPARE_EQ) {
            truth = tn_view_equal(&((const tn_view *)a->values)[row & a->mask],
                                  &((const tn_view *)b->values)[row & b->mask]);
        } else {
            const int order = lane == TN_LANE_i128 ? compare_i128(a, b, row)
                                                   : tn_operand_compare(a, row, b, row, type);
            truth = op == TN_COMPARE_EQ ? order == 0 : op == TN_COMPARE_LT ? order < 0 : order <= 0;
        }
        out[row / 64] |= (uint64_t)truth << row % 64;
    }
}

/* Every comparison is =, < or <= of the operands in one order or the other, or the inverse. */
typedef struct comparison {
    uint8_t op;
    bool swapped, negated;
} comparison;

static comparison comparison_of(uint8_t op)
{
    switch ((tn_compare_op)op) {
    case TN_COMPARE_LT:
        return (comparison){TN_COMPARE_LT, false, false};
    case TN_COMPARE_LE:
        return (comparison){TN_COMPARE_LE, false, false};
    case TN_COMPARE_GT:
        return (comparison){TN_COMPARE_LT, true, false};
    case TN_COMPARE_GE:
        return (comparison){TN_COMPARE_LE, true, false};
    case TN_COMPARE_NE:
    case TN_COMPARE_DISTINCT:
        return (comparison){TN_COMPARE_EQ, false, true};
    case TN_COMPARE_EQ:
    case TN_COMPARE_NOT_DISTINCT:
        break;
    }
    return (comparison){TN_COMPARE_EQ, false, false};
}

/* IS [NOT] DISTINCT FROM: the bits of equality, corrected where a side is null. */
static void finish_distinct(tn_evaluator *ev, const tn_operand *a, const tn_operand *b,
                            bool negated, uint64_t *bits)
{
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        const uint64_t x =
            a->validity == NULL ? ~UINT64_C(0) : a->validity[a->mask == UINT32_MAX ? i : 0];
        const uint64_t y =
            b->validity == NULL ? ~UINT64_C(0) : b->validity[b->mask == UINT32_MAX ? i : 0];
        const uint64_t equal = (x & y & bits[i]) | (~x & ~y);
        bits[i] = negated ? ~equal : equal;
    }
}

tarn_code tn_eval__compare(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                           tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->bound->argument_types[0];
    const comparison how = comparison_of(ins->bound->op);
    const bool distinct = ins->bound->op >= TN_COMPARE_DISTINCT;
    const tn_lane lane =
        type->lane < TN_LANE_COUNT || type->lane == TN_LANE_i128 || type->lane == TN_LANE_i256
            ? compare_lane(ev, args)
            : type->lane;
    tn_operand operands[2];
    TN_RETURN_IF_ERROR(tn_eval__strict(ev, args, 2, out, err));
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], lane, &operands[0], err));
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[1], lane, &operands[1], err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, 0, err));
    const tn_operand *a = &operands[how.swapped];
    const tn_operand *b = &operands[!how.swapped];
    uint64_t *bits = out->values;
    if (lane < TN_LANE_COUNT) {
        const tn_compare *table = tn_compare_table();
        tn_compare_fn *compare = how.op == TN_COMPARE_EQ   ? table->eq[lane]
                                 : how.op == TN_COMPARE_LT ? table->lt[lane]
                                                           : table->le[lane];
        compare(a->values, tn_eval__mask(a), b->values, tn_eval__mask(b), ev->rows, bits);
    } else if (lane == TN_LANE_bool) {
        compare_bits(a, b, how.op, tn_eval__word_count(ev), bits);
    } else {
        compare_rows(ev, a, b, type, lane, how.op, &out->column, bits);
    }
    if (distinct) {
        finish_distinct(ev, a, b, how.negated, bits);
        out->column.validity = NULL;
    } else if (how.negated) {
        for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
            bits[i] = ~bits[i];
        }
    }
    tn_eval__flat_result(ev, out, TN_BOOLEAN, TN_LANE_bool);
    return TARN_OK;
}

tarn_code tn_eval__compare_at(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                              uint16_t *passed, uint32_t *count, bool *done, tarn_error *err)
{
    const comparison how = comparison_of(ins->bound->op);
    const tn_type *type = ins->bound->argument_types[0];
    tn_operand operands[2];
    *done = false;
    if (ev->selection == NULL || type->lane >= TN_LANE_COUNT ||
        ins->bound->op >= TN_COMPARE_DISTINCT) {
        return TARN_OK;
    }
    for (uint32_t i = 0; i < 2; i++) {
        const tn_column *column = &args[i]->column;
        if (column->validity != NULL || column->faults != NULL ||
            (column->encoding != TN_FLAT && column->encoding != TN_CONSTANT)) {
            return TARN_OK;
        }
    }
    const tn_lane lane = compare_lane(ev, args);
    if ((size_t)ev->count * 24 > ev->rows * tn_lane_size(lane) || lane >= TN_LANE_COUNT) {
        return TARN_OK; /* all rows are cheaper */
    }
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], lane, &operands[0], err));
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[1], lane, &operands[1], err));
    const tn_operand *a = &operands[how.swapped];
    const tn_operand *b = &operands[!how.swapped];
    const tn_compare *table = tn_compare_table();
    tn_compare_at_fn *compare = how.negated               ? table->at_ne[lane]
                                : how.op == TN_COMPARE_EQ ? table->at_eq[lane]
                                : how.op == TN_COMPARE_LT ? table->at_lt[lane]
                                                          : table->at_le[lane];
    *count = compare(a->values, tn_eval__mask(a), b->values, tn_eval__mask(b), ev->selection,
                     ev->count, passed);
    *done = true;
    return TARN_OK;
}

/* ---- casts between numbers ---- */

/* Whole numbers and powers of ten that a DOUBLE, and a REAL, hold exactly. */
#define EXACT_WHOLE (INT64_C(1) << 53)
enum { EXACT_POWER = 22, EXACT_POWER_REAL = 10, EXACT_WHOLE_REAL = 1 << 24 };

/* The same values under another type: lanes may be narrower than declared. */
static TN_FALLIBLE relabel(tn_evaluator *ev, const tn_instruction *ins, tn_register *arg,
                           tn_register *out, tarn_error *err)
{
    const tn_faults *faults = arg->column.faults;
    out->column = arg->column;
    out->column.type = ins->expr->type;
    out->column.faults = faults;
    if (arg->bounds_epoch == ev->epoch) {
        set_bounds(ev, out, arg->min, arg->max);
    }
    if (arg->column.encoding == TN_DICTIONARY) {
        tn_column *child = NULL;
        TN_RETURN_IF_ERROR(tn_arena_new(&ev->arena, tn_column, &child, err));
        *child = *arg->column.children;
        child->type = ins->expr->type;
        out->column.children = child;
    }
    return TARN_OK;
}

static TN_FALLIBLE to_lane(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                           tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const tn_type *from = ins->bound->argument_types[0];
    const size_t size = tn_lane_size(type->lane);
    tn_operand a;
    bool faulty = false;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], from->lane, &a, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, size, err));
    /* A constant is there in some copies, and is cast row by row where rows of its own fail. */
    const uint32_t most = a.mask == UINT32_MAX ? ev->rows : TN_CONSTANT_COPIES;
    for (uint32_t row = 0; row < ev->rows; row += most) {
        const uint32_t rows = ev->rows - row < most ? ev->rows - row : most;
        faulty |= tn_convert_checked(from->lane, type->lane)(
            a.values, rows, (char *)out->values + row * size, out->faults + row / 64);
    }
    tn_eval__flat_result(ev, out, type, type->lane);
    return faulty ? tn_eval__add_faults(ev, ins, args, out, err) : TARN_OK;
}

/* Decimals and integers among each other: digits are added or rounded away. */
static TN_FALLIBLE rescale(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                           tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const tn_type *from = ins->bound->argument_types[0];
    const unsigned from_scale = from->kind == TN_KIND_DECIMAL ? from->scale : 0;
    const unsigned to_scale = type->kind == TN_KIND_DECIMAL ? type->scale : 0;
    const tn_lane lane = type->lane == TN_LANE_i256 ? TN_LANE_i128 : type->lane;
    const tn_i128 limit = type->kind == TN_KIND_DECIMAL
                              ? tn_power_of_ten_i128(type->precision > 38 ? 38 : type->precision)
                              : 0;
    const tn_i128 up = tn_power_of_ten_i128(to_scale > from_scale ? to_scale - from_scale : 0);
    tn_operand a;
    bool faulty = false;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], TN_LANE_i128, &a, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, sizeof(tn_i128), err));
    memset(out->faults, 0, sizeof(out->faults));
    tn_i128 *values = out->values;
    for (uint32_t row = 0; row < ev->rows; row++) {
        tn_i128 value = ((const tn_i128 *)a.values)[row & a.mask];
        bool bad = false;
        if (from_scale > to_scale) {
            value = tn_decimal_round(value, from_scale - to_scale);
        } else {
            bad = __builtin_mul_overflow(value, up, &value);
        }
        bad |= limit != 0 && (value >= limit || value <= -limit);
        values[row] = value;
        out->faults[row / 64] |= (uint64_t)bad << row % 64;
        faulty |= bad;
    }
    if (lane != TN_LANE_i128) {
        uint64_t more[TN_ROW_WORDS];
        TN_RETURN_IF_ERROR(tn_eval__narrow(ev, out, lane, more, err));
        for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
            out->faults[i] |= more[i];
            faulty |= more[i] != 0;
        }
    }
    tn_eval__flat_result(ev, out, type, lane);
    return faulty ? tn_eval__add_faults(ev, ins, args, out, err) : TARN_OK;
}

/* The i128 values of a register as narrower ones, in place: each write is behind its read. */
tarn_code tn_eval__narrow(tn_evaluator *ev, tn_register *reg, tn_lane lane, uint64_t *faults,
                          tarn_error *err)
{
    const size_t size = tn_lane_size(lane);
    char block[64 * sizeof(tn_i128)];
    (void)err;
    for (uint32_t row = 0; row < ev->rows; row += 64) {
        const uint32_t rows = ev->rows - row < 64 ? ev->rows - row : 64;
        (void)tn_convert_checked(TN_LANE_i128, lane)((const tn_i128 *)reg->values + row, rows,
                                                     block, faults + row / 64);
        memcpy((char *)reg->values + row * size, block, rows * size);
    }
    return TARN_OK;
}

/* Adding digits, where the bounds say that 64 bits hold the result: one multiplication. */
static TN_FALLIBLE rescale_narrow(tn_evaluator *ev, const tn_instruction *ins,
                                  tn_register *const *args, tn_register *out, bool *done,
                                  tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const tn_type *from = ins->bound->argument_types[0];
    const unsigned from_scale = from->kind == TN_KIND_DECIMAL ? from->scale : 0;
    tn_i128 bounds[2];
    tn_i128 result[2];
    int64_t up[TN_CONSTANT_COPIES];
    tn_operand a;
    *done = false;
    if (type->kind != TN_KIND_DECIMAL || type->scale < from_scale ||
        type->scale - from_scale > 18 ||
        !tn_eval__bounds(ev, args[0], true, &bounds[0], &bounds[1])) {
        return TARN_OK;
    }
    const tn_i128 power = tn_power_of_ten_i128(type->scale - from_scale);
    const tn_i128 by[2] = {power, power};
    const tn_i128 limit = tn_power_of_ten_i128(type->precision > 38 ? 38 : type->precision);
    if (!combine_bounds(TN_ARITHMETIC_MULTIPLY, bounds, by, result) ||
        !within(result, TN_LANE_i64) || !within(bounds, TN_LANE_i64) || result[0] <= -limit ||
        result[1] >= limit) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], TN_LANE_i64, &a, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, sizeof(int64_t), err));
    for (size_t i = 0; i < TN_CONSTANT_COPIES; i++) {
        up[i] = (int64_t)power;
    }
    tn_arithmetic_plain(TN_ARITHMETIC_MULTIPLY, TN_LANE_i64)(
        a.values, tn_eval__mask(&a), up, TN_MASK_CONSTANT, ev->rows, out->values);
    tn_eval__flat_result(ev, out, type, TN_LANE_i64);
    set_bounds(ev, out, result[0], result[1]);
    *done = true;
    return TARN_OK;
}

/* The double nearest to value / 10^scale.  A quotient of two exact doubles is; else its text is
 * read, which rounds once. */
static double nearest_double(tn_i128 value, unsigned scale, double by)
{
    char text[TN_NUMBER_SIZE + 8];
    double out = (double)value / by;
    if (scale > EXACT_POWER || value > EXACT_WHOLE || value < -EXACT_WHOLE) {
        const size_t digits = tn_print_i128(text, value);
        const int more = snprintf(text + digits, sizeof(text) - digits, "e-%u", scale);
        (void)tn_parse_f64(text, digits + (size_t)more, &out);
    }
    return out;
}

static float nearest_float(tn_i128 value, unsigned scale, double by)
{
    char text[TN_NUMBER_SIZE + 8];
    float out = (float)value / (float)by;
    if (scale <= EXACT_POWER_REAL && value <= EXACT_WHOLE_REAL && value >= -EXACT_WHOLE_REAL) {
        return out;
    }
    const size_t digits = tn_print_i128(text, value);
    const int more = snprintf(text + digits, sizeof(text) - digits, "e-%u", scale);
    (void)tn_parse_f32(text, digits + (size_t)more, &out);
    return out;
}

static bool any_inexact(const double *values, size_t rows)
{
    double most = 0;
    for (size_t row = 0; row < rows; row++) {
        const double size = fabs(values[row]);
        most = most > size ? most : size;
    }
    return most >= (double)EXACT_WHOLE;
}

/* Both steps by vectors; *done where all of the values are exact as doubles. */
static TN_FALLIBLE divide_exact(tn_evaluator *ev, tn_register *arg, tn_register *out, double by,
                                bool *done, tarn_error *err)
{
    double copies[TN_CONSTANT_COPIES];
    tn_operand a;
    for (size_t i = 0; i < TN_CONSTANT_COPIES; i++) {
        copies[i] = by;
    }
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, arg, TN_LANE_f64, &a, err));
    *done = !any_inexact(a.values, a.mask == UINT32_MAX ? ev->rows : 1);
    if (*done) {
        tn_arithmetic_plain(TN_ARITHMETIC_DIVIDE, TN_LANE_f64)(
            a.values, tn_eval__mask(&a), copies, TN_MASK_CONSTANT, ev->rows, out->values);
    }
    return TARN_OK;
}

static TN_FALLIBLE decimal_to_float(tn_evaluator *ev, const tn_instruction *ins,
                                    tn_register *const *args, tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const tn_type *from = ins->bound->argument_types[0];
    const double by = from->scale > EXACT_POWER ? 1 : (double)tn_power_of_ten_i128(from->scale);
    const bool narrow = from->lane == TN_LANE_i64;
    bool done = false;
    tn_operand a;
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, sizeof(double), err));
    if (narrow && type->lane == TN_LANE_f64 && from->scale <= EXACT_POWER) {
        TN_RETURN_IF_ERROR(divide_exact(ev, args[0], out, by, &done, err));
    }
    if (!done) {
        TN_RETURN_IF_ERROR(
            tn_eval__operand(ev, args[0], narrow ? TN_LANE_i64 : TN_LANE_i128, &a, err));
    }
    for (uint32_t row = 0; !done && row < ev->rows; row++) {
        const tn_i128 value = narrow ? ((const int64_t *)a.values)[row & a.mask]
                                     : ((const tn_i128 *)a.values)[row & a.mask];
        if (type->lane == TN_LANE_f64) {
            ((double *)out->values)[row] = nearest_double(value, from->scale, by);
        } else {
            ((float *)out->values)[row] = nearest_float(value, from->scale, by);
        }
    }
    tn_eval__flat_result(ev, out, type, type->lane);
    return TARN_OK;
}

static TN_FALLIBLE float_to_decimal(tn_evaluator *ev, const tn_instruction *ins,
                                    tn_register *const *args, tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const tn_lane lane = type->lane == TN_LANE_i256 ? TN_LANE_i128 : type->lane;
    const unsigned digits = type->precision > 38 ? 38 : type->precision;
    const long double up = (long double)tn_power_of_ten_i128(type->scale > 38 ? 38 : type->scale);
    const long double limit = (long double)tn_power_of_ten_i128(digits);
    tn_operand a;
    bool faulty = false;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], TN_LANE_f64, &a, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, sizeof(tn_i128), err));
    memset(out->faults, 0, sizeof(out->faults));
    for (uint32_t row = 0; row < ev->rows; row++) {
        const double value = ((const double *)a.values)[row & a.mask];
        const long double scaled = (long double)value * up + (value < 0 ? -0.5L : 0.5L);
        const bool fits = scaled < limit && scaled > -limit; /* false for NaN */
        const tn_i128 whole = fits ? (tn_i128)scaled : 0;
        if (lane == TN_LANE_i128) {
            ((tn_i128 *)out->values)[row] = whole;
        } else {
            ((int64_t *)out->values)[row] = (int64_t)whole;
        }
        out->faults[row / 64] |= (uint64_t)!fits << row % 64;
        faulty |= !fits;
    }
    tn_eval__flat_result(ev, out, type, lane);
    return faulty ? tn_eval__add_faults(ev, ins, args, out, err) : TARN_OK;
}

static TN_FALLIBLE from_boolean(tn_evaluator *ev, const tn_instruction *ins,
                                tn_register *const *args, tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    tn_operand a;
    uint8_t truth[TN_BATCH_ROWS];
    int64_t one = 1;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], TN_LANE_bool, &a, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, sizeof(tn_i128), err));
    for (uint32_t row = 0; row < ev->rows; row++) {
        truth[row] = tn_bit_get(a.values, row & a.mask);
    }
    if (type->kind != TN_KIND_DECIMAL) {
        tn_convert_plain(TN_LANE_u8, type->lane)(truth, ev->rows, out->values);
        tn_eval__flat_result(ev, out, type, type->lane);
        return TARN_OK;
    }
    for (unsigned i = 0; i < type->scale && i < 18; i++) {
        one *= 10;
    }
    for (uint32_t row = 0; row < ev->rows; row++) {
        ((int64_t *)out->values)[row] = truth[row] != 0 ? one : 0;
    }
    tn_eval__flat_result(ev, out, type, TN_LANE_i64);
    return TARN_OK;
}

static TN_FALLIBLE to_boolean(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                              tn_register *out, tarn_error *err)
{
    const tn_lane lane = ins->bound->argument_types[0]->lane;
    static const tn_i256 zero[TN_CONSTANT_COPIES];
    tn_operand a;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], lane, &a, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, 0, err));
    tn_compare_table()->eq[lane](a.values, tn_eval__mask(&a), zero, TN_MASK_CONSTANT, ev->rows,
                                 out->values);
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        ((uint64_t *)out->values)[i] = ~((uint64_t *)out->values)[i];
    }
    tn_eval__flat_result(ev, out, TN_BOOLEAN, TN_LANE_bool);
    return TARN_OK;
}

/* Do the values mean the same under the other type, whatever lane they come in? */
static bool same_values(const tn_type *from, const tn_type *to, const tn_column *column)
{
    const unsigned from_scale = from->kind == TN_KIND_DECIMAL ? from->scale : 0;
    const unsigned to_scale = to->kind == TN_KIND_DECIMAL ? to->scale : 0;
    return !tn_type_is_float(from) && !tn_type_is_float(to) && from->kind != TN_KIND_BOOLEAN &&
           to->kind != TN_KIND_BOOLEAN && from_scale == to_scale && !tn_cast__can_fail(from, to) &&
           tn_lane_fits(to, (tn_lane)column->lane);
}

tarn_code tn_eval__convert(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                           tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const tn_type *from = ins->bound->argument_types[0];
    bool done = false;
    if (same_values(from, type, &args[0]->column)) {
        return relabel(ev, ins, args[0], out, err);
    }
    TN_RETURN_IF_ERROR(tn_eval__strict(ev, args, 1, out, err));
    if (from->kind == TN_KIND_BOOLEAN) {
        return from_boolean(ev, ins, args, out, err);
    }
    if (type->kind == TN_KIND_BOOLEAN) {
        return to_boolean(ev, ins, args, out, err);
    }
    if (from->kind == TN_KIND_DECIMAL && tn_type_is_float(type)) {
        return decimal_to_float(ev, ins, args, out, err);
    }
    if (tn_type_is_float(from) && type->kind == TN_KIND_DECIMAL) {
        return float_to_decimal(ev, ins, args, out, err);
    }
    if (from->kind == TN_KIND_DECIMAL || type->kind == TN_KIND_DECIMAL) {
        TN_RETURN_IF_ERROR(rescale_narrow(ev, ins, args, out, &done, err));
        return done ? TARN_OK : rescale(ev, ins, args, out, err);
    }
    return to_lane(ev, ins, args, out, err);
}
