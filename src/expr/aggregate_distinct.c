/* approx_count_distinct: HyperLogLog with 4,096 registers, read by Ertl's improved estimator. */
#include "base/hash.h"
#include "expr/aggregate_internal.h"

#include <math.h>

enum { REGISTERS = 1 << TN_HLL_BITS, RANKS = 64 - TN_HLL_BITS };

static void hll_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    memset(state, 0, TN_HLL_STATE_SIZE);
}

static uint64_t hash_float(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return tn_hash_u64(value != value ? UINT64_C(0x7ff8000000000000) : value == 0 ? 0 : bits);
}

static uint64_t hash_row(const tn_column *column, size_t row)
{
    const void *values = column->values;
    switch ((tn_lane)column->lane) {
    case TN_LANE_bool:
        return tn_hash_u64(tn_bit_get(values, row) + UINT64_C(1));
    case TN_LANE_f32:
        return hash_float((double)((const float *)values)[row]);
    case TN_LANE_f64:
        return hash_float(((const double *)values)[row]);
#define HASH(name, type) \
    case TN_LANE_##name: \
        return tn_hash_u64((uint64_t)((const type *)values)[row]);
        HASH(i8, int8_t)
        HASH(i16, int16_t)
        HASH(i32, int32_t)
        HASH(i64, int64_t)
        HASH(u8, uint8_t)
        HASH(u16, uint16_t)
        HASH(u32, uint32_t)
        HASH(u64, uint64_t)
    case TN_LANE_view: {
        const tn_view *view = &((const tn_view *)values)[row];
        return tn_hash_bytes(tn_view_data(view), view->size, 0);
    }
    case TN_LANE_i128:
    case TN_LANE_i256:
    case TN_LANE_interval: {
        const size_t size = tn_lane_size((tn_lane)column->lane);
        return tn_hash_bytes((const char *)values + row * size, size, 0);
    }
    case TN_LANE_list:
    case TN_LANE_none:
    case TN_LANE_ALL:
        break;
    }
    return 0;
}

static inline void offer(uint8_t *registers, uint64_t hash)
{
    const size_t at = hash >> RANKS;
    const uint64_t rest = hash << TN_HLL_BITS;
    const uint8_t rank = (uint8_t)(rest == 0 ? RANKS + 1 : (unsigned)__builtin_clzll(rest) + 1);
    registers[at] = registers[at] < rank ? rank : registers[at];
}

static tarn_code hll_update(const tn_bound_aggregate *self, void *const *states,
                            const tn_column *arguments, const uint16_t *selection, uint32_t count,
                            uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)rank, (void)heap;
    if (tn_type_is_nested(self->argument_types[0])) {
        return tn_fail(err, TARN_E_UNSUPPORTED, "approx_count_distinct of nested values");
    }
    for (size_t i = 0; i < count; i++) {
        const size_t row = selection == NULL ? i : selection[i];
        if (arguments->validity == NULL || tn_bit_get(arguments->validity, row)) {
            offer(states[i], hash_row(arguments, row));
        }
    }
    return TARN_OK;
}

static tarn_code hll_update_one(const tn_bound_aggregate *self, void *state,
                                const tn_column *arguments, const uint16_t *selection,
                                uint32_t count, uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)rank, (void)heap;
    if (tn_type_is_nested(self->argument_types[0])) {
        return tn_fail(err, TARN_E_UNSUPPORTED, "approx_count_distinct of nested values");
    }
    for (size_t i = 0; i < count; i++) {
        const size_t row = selection == NULL ? i : selection[i];
        if (arguments->validity == NULL || tn_bit_get(arguments->validity, row)) {
            offer(state, hash_row(arguments, row));
        }
    }
    return TARN_OK;
}

static tarn_code hll_merge(const tn_bound_aggregate *self, void *const *into,
                           const void *const *from, uint32_t count, tn_state_heap *heap,
                           tarn_error *err)
{
    (void)self, (void)heap, (void)err;
    for (size_t i = 0; i < count; i++) {
        uint8_t *restrict a = into[i];
        const uint8_t *restrict b = from[i];
        for (size_t j = 0; j < REGISTERS; j++) {
            a[j] = a[j] < b[j] ? b[j] : a[j];
        }
    }
    return TARN_OK;
}

static double sigma(double x)
{
    double y = 1;
    double z = x;
    double before;
    if (x == 1) {
        return INFINITY;
    }
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (before != z);
    return z;
}

static double tau(double x)
{
    double y = 1;
    double z = 1 - x;
    double before;
    if (x == 0 || x == 1) {
        return 0;
    }
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (before != z);
    return z / 3;
}

static tarn_code hll_finalise(const tn_bound_aggregate *self, const void *const *states,
                              uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self, (void)validity, (void)err;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *registers = states[i];
        uint32_t histogram[RANKS + 2] = {0};
        for (size_t j = 0; j < REGISTERS; j++) {
            histogram[registers[j]]++;
        }
        double z = REGISTERS * tau(1.0 - (double)histogram[RANKS + 1] / REGISTERS);
        for (size_t k = RANKS; k > 0; k--) {
            z = (z + histogram[k]) * 0.5;
        }
        z += REGISTERS * sigma((double)histogram[0] / REGISTERS);
        const double estimate = (double)REGISTERS * REGISTERS / (2 * 0.69314718055994530942) / z;
        ((int64_t *)values)[i] = (int64_t)(estimate + 0.5);
    }
    return TARN_OK;
}

const tn_aggregate_ops tn_aggregate__approximate = {.init = hll_init,
                                                    .update = hll_update,
                                                    .update_one = hll_update_one,
                                                    .merge = hll_merge,
                                                    .finalise = hll_finalise};
