/* count, sum and avg of integers, decimals and intervals. */
#include "expr/aggregate_internal.h"
#include "kernel/arithmetic.h"

/* ---- count ---- */

static void count_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    *(int64_t *)state = 0;
}

static tarn_code count_update(const tn_bound_aggregate *self, void *const *states,
                              const tn_column *arguments, const uint16_t *selection, uint32_t count,
                              uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)rank;
    (void)heap;
    (void)err;
    const bool all = self->argument_count == 0 || arguments->validity == NULL;
    for (size_t i = 0; i < count; i++) {
        *(int64_t *)states[i] +=
            all || tn_aggregate__is_valid(arguments, tn_aggregate__row(selection, i));
    }
    return TARN_OK;
}

static tarn_code count_update_one(const tn_bound_aggregate *self, void *state,
                                  const tn_column *arguments, const uint16_t *selection,
                                  uint32_t count, uint64_t rank, tn_state_heap *heap,
                                  tarn_error *err)
{
    (void)rank;
    (void)heap;
    (void)err;
    int64_t sum = 0;
    if (self->argument_count == 0 || arguments->validity == NULL) {
        sum = count;
    } else if (selection == NULL) {
        sum = (int64_t)tn_bitmap_count(arguments->validity, count);
    } else {
        for (size_t i = 0; i < count; i++) {
            sum += tn_bit_get(arguments->validity, selection[i]);
        }
    }
    *(int64_t *)state += sum;
    return TARN_OK;
}

static tarn_code count_merge(const tn_bound_aggregate *self, void *const *into,
                             const void *const *from, uint32_t count, tn_state_heap *heap,
                             tarn_error *err)
{
    (void)self;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        *(int64_t *)into[i] += *(const int64_t *)from[i];
    }
    return TARN_OK;
}

static tarn_code count_finalise(const tn_bound_aggregate *self, const void *const *states,
                                uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self;
    (void)validity;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        ((int64_t *)values)[i] = *(const int64_t *)states[i];
    }
    return TARN_OK;
}

const tn_aggregate_ops tn_aggregate__count = {.is_exact = true,
                                              .init = count_init,
                                              .update = count_update,
                                              .update_one = count_update_one,
                                              .merge = count_merge,
                                              .finalise = count_finalise};

/* ---- sums in 64 bits: of at most 32-bit values ---- */

#define TN_SMALL_LANES(X) \
    X(i8, int8_t)         \
    X(i16, int16_t)       \
    X(i32, int32_t)       \
    X(u8, uint8_t)        \
    X(u16, uint16_t)      \
    X(u32, uint32_t)

static void small_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    *(tn_sum_small *)state = (tn_sum_small){0, 0};
}

static tarn_code small_update(const tn_bound_aggregate *self, void *const *states,
                              const tn_column *arguments, const uint16_t *selection, uint32_t count,
                              uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)self;
    (void)rank;
    (void)heap;
    const bool all = arguments->validity == NULL;
    switch ((tn_lane)arguments->lane) {
#define UPDATE(name, type)                                            \
    case TN_LANE_##name:                                              \
        for (size_t i = 0; i < count; i++) {                          \
            const size_t row = tn_aggregate__row(selection, i);       \
            if (all || tn_bit_get(arguments->validity, row)) {        \
                tn_sum_small *state = states[i];                      \
                state->sum += ((const type *)arguments->values)[row]; \
                state->count++;                                       \
            }                                                         \
        }                                                             \
        return TARN_OK;
        TN_SMALL_LANES(UPDATE)
#undef UPDATE
    default:
        return tn_fail(err, TARN_E_INTERNAL, "sum was given lane %s",
                       tn_lane_text((tn_lane)arguments->lane));
    }
}

static tarn_code small_update_one(const tn_bound_aggregate *self, void *state,
                                  const tn_column *arguments, const uint16_t *selection,
                                  uint32_t count, uint64_t rank, tn_state_heap *heap,
                                  tarn_error *err)
{
    (void)self;
    (void)rank;
    (void)heap;
    int64_t sum = 0;
    int64_t seen = 0;
    const uint64_t *validity = arguments->validity;
    switch ((tn_lane)arguments->lane) {
#define UPDATE(name, type)                                                       \
    case TN_LANE_##name: {                                                       \
        const type *restrict v = arguments->values;                              \
        if (validity == NULL && selection == NULL) {                             \
            for (size_t i = 0; i < count; i++) {                                 \
                sum += v[i];                                                     \
            }                                                                    \
            seen = count;                                                        \
            break;                                                               \
        }                                                                        \
        for (size_t i = 0; i < count; i++) {                                     \
            const size_t row = tn_aggregate__row(selection, i);                  \
            const int64_t valid = validity == NULL || tn_bit_get(validity, row); \
            sum += (int64_t)v[row] & -valid;                                     \
            seen += valid;                                                       \
        }                                                                        \
        break;                                                                   \
    }
        TN_SMALL_LANES(UPDATE)
#undef UPDATE
    default:
        return tn_fail(err, TARN_E_INTERNAL, "sum was given lane %s",
                       tn_lane_text((tn_lane)arguments->lane));
    }
    ((tn_sum_small *)state)->sum += sum;
    ((tn_sum_small *)state)->count += seen;
    return TARN_OK;
}

static tarn_code small_merge(const tn_bound_aggregate *self, void *const *into,
                             const void *const *from, uint32_t count, tn_state_heap *heap,
                             tarn_error *err)
{
    (void)self;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const tn_sum_small *other = from[i];
        ((tn_sum_small *)into[i])->sum += other->sum;
        ((tn_sum_small *)into[i])->count += other->count;
    }
    return TARN_OK;
}

static tarn_code small_finalise(const tn_bound_aggregate *self, const void *const *states,
                                uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self;
    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        const tn_sum_small *state = states[i];
        ((int64_t *)values)[i] = state->sum;
        if (state->count == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

const tn_aggregate_ops tn_aggregate__sum_small = {.is_exact = true,
                                                  .init = small_init,
                                                  .update = small_update,
                                                  .update_one = small_update_one,
                                                  .merge = small_merge,
                                                  .finalise = small_finalise};

/* ---- sums in 128 bits ---- */

static inline tn_i128 wide_get(const tn_sum_wide *state)
{
    return (tn_i128)((tn_u128)(uint64_t)state->high << 64 | state->low);
}

static inline void wide_add(tn_sum_wide *state, tn_i128 value)
{
    tn_i128 sum = wide_get(state);
    state->overflowed |= __builtin_add_overflow(sum, value, &sum);
    state->low = (uint64_t)sum;
    state->high = (int64_t)(sum >> 64);
}

/* 2^63 rows of 64 bits cannot pass 128. */
static inline void wide_add_i64(tn_sum_wide *state, int64_t value)
{
    uint64_t low;
    const bool carry = __builtin_add_overflow(state->low, (uint64_t)value, &low);
    state->high += (value >> 63) + carry;
    state->low = low;
    state->count++;
}

static void wide_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    *(tn_sum_wide *)state = (tn_sum_wide){0, 0, 0, 0};
}

/* A value of any integer lane; false where it passes 128 bits. */
static inline bool wide_value(const tn_column *column, size_t row, tn_i128 *out)
{
    switch ((tn_lane)column->lane) {
#define VALUE(name, type)                                    \
    case TN_LANE_##name:                                     \
        *out = (tn_i128)((const type *)column->values)[row]; \
        return true;
        TN_SMALL_LANES(VALUE)
        VALUE(i64, int64_t)
        VALUE(u64, uint64_t)
        VALUE(i128, tn_i128)
#undef VALUE
    case TN_LANE_i256: {
        const uint64_t *words = ((const tn_i256 *)column->values)[row].words;
        const uint64_t sign = words[1] >> 63 != 0 ? ~UINT64_C(0) : 0;
        *out = (tn_i128)((tn_u128)words[1] << 64 | words[0]);
        return words[2] == sign && words[3] == sign;
    }
    default:
        *out = 0;
        return false;
    }
}

static tarn_code wide_update(const tn_bound_aggregate *self, void *const *states,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)self;
    (void)rank;
    (void)heap;
    (void)err;
    switch ((tn_lane)arguments->lane) {
#define UPDATE(name, type)                                                                 \
    case TN_LANE_##name: {                                                                 \
        const type *values = arguments->values;                                            \
        if (arguments->validity == NULL) {                                                 \
            for (size_t i = 0; i < count; i++) {                                           \
                wide_add_i64(states[i], (int64_t)values[tn_aggregate__row(selection, i)]); \
            }                                                                              \
            return TARN_OK;                                                                \
        }                                                                                  \
        for (size_t i = 0; i < count; i++) {                                               \
            const size_t row = tn_aggregate__row(selection, i);                            \
            if (tn_bit_get(arguments->validity, row)) {                                    \
                wide_add_i64(states[i], (int64_t)values[row]);                             \
            }                                                                              \
        }                                                                                  \
        return TARN_OK;                                                                    \
    }
        TN_SMALL_LANES(UPDATE)
        UPDATE(i64, int64_t)
#undef UPDATE
    default:
        break;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        tn_i128 value;
        if (tn_aggregate__is_valid(arguments, row)) {
            tn_sum_wide *state = states[i];
            state->overflowed |= !wide_value(arguments, row, &value);
            wide_add(state, value);
            state->count++;
        }
    }
    return TARN_OK;
}

/* The low and the high halves apart: neither can overflow within a batch. */
static tn_i128 sum_i64(const int64_t *restrict values, size_t count)
{
    uint64_t low = 0;
    int64_t high = 0;
    for (size_t i = 0; i < count; i++) {
        low += (uint32_t)values[i];
        high += values[i] >> 32;
    }
    return (tn_i128)high * ((tn_i128)1 << 32) + (tn_i128)low;
}

static tn_i128 sum_selected_i64(const int64_t *restrict values, const uint16_t *restrict selection,
                                size_t count)
{
    uint64_t low = 0;
    int64_t high = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t value = values[selection[i]];
        low += (uint32_t)value;
        high += value >> 32;
    }
    return (tn_i128)high * ((tn_i128)1 << 32) + (tn_i128)low;
}

/* Of a batch's rows without nulls, in a lane of up to 64 bits. */
static tn_i128 sum_short(const tn_column *column, const uint16_t *selection, size_t count)
{
    int64_t sum = 0;
    switch ((tn_lane)column->lane) {
#define SUM(name, type)                                         \
    case TN_LANE_##name:                                        \
        for (size_t i = 0; i < count; i++) {                    \
            const size_t row = tn_aggregate__row(selection, i); \
            sum += ((const type *)column->values)[row];         \
        }                                                       \
        return sum;
        TN_SMALL_LANES(SUM)
#undef SUM
    case TN_LANE_u64: {
        tn_i128 wide = 0;
        for (size_t i = 0; i < count; i++) {
            wide += ((const uint64_t *)column->values)[tn_aggregate__row(selection, i)];
        }
        return wide;
    }
    default:
        return selection == NULL ? sum_i64(column->values, count)
                                 : sum_selected_i64(column->values, selection, count);
    }
}

static tarn_code wide_update_one(const tn_bound_aggregate *self, void *state,
                                 const tn_column *arguments, const uint16_t *selection,
                                 uint32_t count, uint64_t rank, tn_state_heap *heap,
                                 tarn_error *err)
{
    tn_sum_wide *wide = state;
    (void)self;
    (void)rank;
    (void)heap;
    (void)err;
    if (arguments->validity == NULL && tn_lane_size((tn_lane)arguments->lane) <= 8) {
        wide_add(wide, sum_short(arguments, selection, count));
        wide->count += count;
        return TARN_OK;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        tn_i128 value;
        if (tn_aggregate__is_valid(arguments, row)) {
            wide->overflowed |= !wide_value(arguments, row, &value);
            wide_add(wide, value);
            wide->count++;
        }
    }
    return TARN_OK;
}

static tarn_code wide_merge(const tn_bound_aggregate *self, void *const *into,
                            const void *const *from, uint32_t count, tn_state_heap *heap,
                            tarn_error *err)
{
    (void)self;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const tn_sum_wide *other = from[i];
        tn_sum_wide *state = into[i];
        wide_add(state, wide_get(other));
        state->overflowed |= other->overflowed;
        state->count += other->count;
    }
    return TARN_OK;
}

static tarn_code too_large(const tn_bound_aggregate *self, tarn_error *err)
{
    tn_fail(err, TARN_E_INVALID, "%s overflow: the sum passes 38 digits",
            self->expr->function->name);
    tn_hint(err, "cast the argument to DOUBLE");
    return TARN_E_INVALID;
}

static void put_decimal(const tn_type *type, void *values, uint32_t i, tn_i128 value)
{
    if (type->lane == TN_LANE_i64) {
        ((int64_t *)values)[i] = (int64_t)value;
    } else if (type->lane == TN_LANE_i128) {
        ((tn_i128 *)values)[i] = value;
    } else {
        const uint64_t sign = value < 0 ? ~UINT64_C(0) : 0;
        ((tn_i256 *)values)[i] = (tn_i256){{(uint64_t)value, (uint64_t)(value >> 64), sign, sign}};
    }
}

static tarn_code wide_finalise(const tn_bound_aggregate *self, const void *const *states,
                               uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const tn_sum_wide *state = states[i];
        if (state->overflowed != 0) {
            return too_large(self, err);
        }
        put_decimal(self->result_type, values, i, wide_get(state));
        if (state->count == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

static tarn_code avg_decimal_finalise(const tn_bound_aggregate *self, const void *const *states,
                                      uint32_t count, void *values, uint64_t *validity,
                                      tarn_error *err)
{
    const unsigned shift = (unsigned)self->result_type->scale - self->argument_types[0]->scale;
    for (uint32_t i = 0; i < count; i++) {
        const tn_sum_wide *state = states[i];
        tn_i128 mean = 0;
        if (state->overflowed != 0) {
            return too_large(self, err);
        }
        if (state->count == 0) {
            tn_bit_clear(validity, i);
        } else if (!tn_decimal_divide(wide_get(state), state->count, shift, &mean)) {
            return too_large(self, err);
        }
        put_decimal(self->result_type, values, i, mean);
    }
    return TARN_OK;
}

static tarn_code avg_integer_finalise(const tn_bound_aggregate *self, const void *const *states,
                                      uint32_t count, void *values, uint64_t *validity,
                                      tarn_error *err)
{
    (void)self;
    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        const tn_sum_wide *state = states[i];
        ((double *)values)[i] =
            state->count == 0 ? 0 : (double)wide_get(state) / (double)state->count;
        if (state->count == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

#define WIDE(finalise_)                                                                            \
    {                                                                                              \
        .is_exact = true, .init = wide_init, .update = wide_update, .update_one = wide_update_one, \
        .merge = wide_merge, .finalise = (finalise_)                                               \
    }
const tn_aggregate_ops tn_aggregate__sum_wide = WIDE(wide_finalise);
const tn_aggregate_ops tn_aggregate__avg_decimal = WIDE(avg_decimal_finalise);
const tn_aggregate_ops tn_aggregate__avg_integer = WIDE(avg_integer_finalise);

/* ---- intervals ---- */

static void interval_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    memset(state, 0, sizeof(tn_sum_interval));
}

static void interval_add(tn_sum_interval *state, int64_t months, int64_t days, tn_i128 nanos)
{
    tn_u128 sum = (tn_u128)(uint64_t)state->nanos_high << 64 | (uint64_t)state->nanos_low;
    sum += (tn_u128)nanos;
    state->nanos_low = (int64_t)(uint64_t)sum;
    state->nanos_high = (int64_t)(uint64_t)(sum >> 64);
    state->months += months;
    state->days += days;
}

static tarn_code interval_update(const tn_bound_aggregate *self, void *const *states,
                                 const tn_column *arguments, const uint16_t *selection,
                                 uint32_t count, uint64_t rank, tn_state_heap *heap,
                                 tarn_error *err)
{
    (void)self;
    (void)rank;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(arguments, row)) {
            const tn_interval *value = &((const tn_interval *)arguments->values)[row];
            interval_add(states[i], value->months, value->days, value->nanos);
            ((tn_sum_interval *)states[i])->count++;
        }
    }
    return TARN_OK;
}

static tarn_code interval_update_one(const tn_bound_aggregate *self, void *state,
                                     const tn_column *arguments, const uint16_t *selection,
                                     uint32_t count, uint64_t rank, tn_state_heap *heap,
                                     tarn_error *err)
{
    void *states[64];
    for (size_t i = 0; i < 64; i++) {
        states[i] = state;
    }
    for (uint32_t from = 0; from < count; from += 64) {
        const uint32_t part = count - from < 64 ? count - from : 64;
        uint16_t rows[64];
        for (uint32_t i = 0; i < part; i++) {
            rows[i] = (uint16_t)tn_aggregate__row(selection, from + i);
        }
        TN_RETURN_IF_ERROR(interval_update(self, states, arguments, rows, part, rank, heap, err));
    }
    return TARN_OK;
}

static tarn_code interval_merge(const tn_bound_aggregate *self, void *const *into,
                                const void *const *from, uint32_t count, tn_state_heap *heap,
                                tarn_error *err)
{
    (void)self;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const tn_sum_interval *other = from[i];
        const tn_i128 nanos =
            (tn_i128)((tn_u128)(uint64_t)other->nanos_high << 64 | (uint64_t)other->nanos_low);
        interval_add(into[i], other->months, other->days, nanos);
        ((tn_sum_interval *)into[i])->count += other->count;
    }
    return TARN_OK;
}

static tarn_code interval_out(const tn_bound_aggregate *self, const tn_sum_interval *state,
                              int64_t by, tn_interval *out, tarn_error *err)
{
    tn_i128 nanos =
        (tn_i128)((tn_u128)(uint64_t)state->nanos_high << 64 | (uint64_t)state->nanos_low);
    /* What does not divide goes on to the smaller unit: a month as 30 days, a day as 24 hours. */
    const int64_t day_rest = state->months % by * 30;
    const int64_t days = state->days + day_rest;
    nanos = (nanos + (tn_i128)(days % by) * INT64_C(86400000000000)) / by;
    const int64_t months = state->months / by;
    if (months != (int32_t)months || days / by != (int32_t)(days / by) || nanos > INT64_MAX ||
        nanos < INT64_MIN) {
        return tn_fail(err, TARN_E_INVALID, "%s overflow: the interval is too long",
                       self->expr->function->name);
    }
    *out = (tn_interval){(int32_t)months, (int32_t)(days / by), (int64_t)nanos};
    return TARN_OK;
}

static tarn_code sum_interval_finalise(const tn_bound_aggregate *self, const void *const *states,
                                       uint32_t count, void *values, uint64_t *validity,
                                       tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const tn_sum_interval *state = states[i];
        TN_RETURN_IF_ERROR(interval_out(self, state, 1, &((tn_interval *)values)[i], err));
        if (state->count == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

static tarn_code avg_interval_finalise(const tn_bound_aggregate *self, const void *const *states,
                                       uint32_t count, void *values, uint64_t *validity,
                                       tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const tn_sum_interval *state = states[i];
        const int64_t by = state->count == 0 ? 1 : state->count;
        TN_RETURN_IF_ERROR(interval_out(self, state, by, &((tn_interval *)values)[i], err));
        if (state->count == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

#define INTERVAL(finalise_)                                                                  \
    {                                                                                        \
        .init = interval_init, .update = interval_update, .update_one = interval_update_one, \
        .merge = interval_merge, .finalise = (finalise_)                                     \
    }
const tn_aggregate_ops tn_aggregate__sum_interval = INTERVAL(sum_interval_finalise);
const tn_aggregate_ops tn_aggregate__avg_interval = INTERVAL(avg_interval_finalise);
