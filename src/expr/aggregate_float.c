/* sum and avg of floats, variances, covariances. */
#include "expr/aggregate_internal.h"

#include <math.h>

enum { ACCUMULATORS = 16, FOLD_EVERY = 2048 };

static inline double value_at(const tn_column *column, size_t row)
{
    return column->lane == TN_LANE_f32 ? (double)((const float *)column->values)[row]
                                       : ((const double *)column->values)[row];
}

/* ---- sum, avg ---- */

static void sum_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    *(tn_sum_float *)state = (tn_sum_float){-0.0, 0};
}

static tarn_code sum_update(const tn_bound_aggregate *self, void *const *states,
                            const tn_column *arguments, const uint16_t *selection, uint32_t count,
                            uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)self;
    (void)rank;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(arguments, row)) {
            tn_sum_float *state = states[i];
            state->sum += value_at(arguments, row);
            state->count++;
        }
    }
    return TARN_OK;
}

static double fold(const double *a)
{
    double eight[8];
    double four[4];
    for (size_t i = 0; i < 8; i++) {
        eight[i] = a[i] + a[i + 8];
    }
    for (size_t i = 0; i < 4; i++) {
        four[i] = eight[i] + eight[i + 4];
    }
    return (four[0] + four[2]) + (four[1] + four[3]);
}

static void fold_block(tn_sum_float_single *state)
{
    state->total += fold(state->accumulators);
    memset(state->accumulators, 0, sizeof(state->accumulators));
    state->rank = 0;
}

/* `count` dense values, nulls already -0.0; rank and accumulators run on. */
static void add_dense(tn_sum_float_single *state, const double *restrict values, size_t count)
{
    size_t i = 0;
    while (i < count) {
        const size_t room = FOLD_EVERY - state->rank;
        const size_t end = count - i < room ? count : i + room;
        for (; i < end && state->rank % ACCUMULATORS != 0; i++) {
            state->accumulators[state->rank++ % ACCUMULATORS] += values[i];
        }
        double a[ACCUMULATORS];
        memcpy(a, state->accumulators, sizeof(a));
        const size_t blocks = (end - i) / ACCUMULATORS;
        for (size_t block = 0; block < blocks; block++, i += ACCUMULATORS) {
            for (size_t j = 0; j < ACCUMULATORS; j++) {
                a[j] += values[i + j];
            }
        }
        memcpy(state->accumulators, a, sizeof(a));
        state->rank += blocks * ACCUMULATORS;
        for (; i < end; i++) {
            state->accumulators[state->rank++ % ACCUMULATORS] += values[i];
        }
        if (state->rank == FOLD_EVERY) {
            fold_block(state);
        }
    }
}

static tarn_code sum_update_one(const tn_bound_aggregate *self, void *opaque,
                                const tn_column *arguments, const uint16_t *selection,
                                uint32_t count, uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    tn_sum_float_single *state = opaque;
    (void)self;
    (void)rank;
    (void)heap;
    (void)err;
    if (arguments->lane == TN_LANE_f64 && arguments->validity == NULL && selection == NULL) {
        add_dense(state, arguments->values, count);
        state->base.count += count;
        return TARN_OK;
    }
    for (size_t from = 0; from < count; from += 256) {
        double dense[256];
        const size_t part = count - from < 256 ? count - from : 256;
        for (size_t i = 0; i < part; i++) {
            const size_t row = tn_aggregate__row(selection, from + i);
            const bool valid = tn_aggregate__is_valid(arguments, row);
            dense[i] = valid ? value_at(arguments, row) : -0.0;
            state->base.count += valid;
        }
        add_dense(state, dense, part);
    }
    return TARN_OK;
}

static void sum_end_morsel(const tn_bound_aggregate *self, void *opaque)
{
    tn_sum_float_single *state = opaque;
    (void)self;
    fold_block(state);
    state->base.sum += state->total;
    state->total = 0;
}

static tarn_code sum_merge(const tn_bound_aggregate *self, void *const *into,
                           const void *const *from, uint32_t count, tn_state_heap *heap,
                           tarn_error *err)
{
    (void)self;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const tn_sum_float *other = from[i];
        ((tn_sum_float *)into[i])->sum += other->sum;
        ((tn_sum_float *)into[i])->count += other->count;
    }
    return TARN_OK;
}

static void put(double value, bool null, void *values, uint64_t *validity, uint32_t i)
{
    ((double *)values)[i] = null ? 0 : value;
    if (null) {
        tn_bit_clear(validity, i);
    }
}

static tarn_code sum_finalise(const tn_bound_aggregate *self, const void *const *states,
                              uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self;
    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        const tn_sum_float *state = states[i];
        put(state->sum, state->count == 0, values, validity, i);
    }
    return TARN_OK;
}

static tarn_code avg_finalise(const tn_bound_aggregate *self, const void *const *states,
                              uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self;
    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        const tn_sum_float *state = states[i];
        put(state->sum / (double)state->count, state->count == 0, values, validity, i);
    }
    return TARN_OK;
}

#define SUM(finalise_)                                                            \
    {                                                                             \
        .init = sum_init, .update = sum_update, .update_one = sum_update_one,     \
        .end_morsel = sum_end_morsel, .merge = sum_merge, .finalise = (finalise_) \
    }
const tn_aggregate_ops tn_aggregate__sum_float = SUM(sum_finalise);
const tn_aggregate_ops tn_aggregate__avg_float = SUM(avg_finalise);

/* ---- variance and standard deviation ---- */

static void moments_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    memset(state, 0, sizeof(tn_moments));
}

static inline void moments_add(tn_moments *state, double value)
{
    const double delta = value - state->mean;
    state->count++;
    state->mean += delta / (double)state->count;
    state->m2 += delta * (value - state->mean);
}

static tarn_code moments_update(const tn_bound_aggregate *self, void *const *states,
                                const tn_column *arguments, const uint16_t *selection,
                                uint32_t count, uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)self;
    (void)rank;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(arguments, row)) {
            moments_add(states[i], value_at(arguments, row));
        }
    }
    return TARN_OK;
}

static tarn_code moments_update_one(const tn_bound_aggregate *self, void *state,
                                    const tn_column *arguments, const uint16_t *selection,
                                    uint32_t count, uint64_t rank, tn_state_heap *heap,
                                    tarn_error *err)
{
    (void)self;
    (void)rank;
    (void)heap;
    (void)err;
    tn_moments local = *(tn_moments *)state;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(arguments, row)) {
            moments_add(&local, value_at(arguments, row));
        }
    }
    *(tn_moments *)state = local;
    return TARN_OK;
}

static tarn_code moments_merge(const tn_bound_aggregate *self, void *const *into,
                               const void *const *from, uint32_t count, tn_state_heap *heap,
                               tarn_error *err)
{
    (void)self;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const tn_moments *b = from[i];
        tn_moments *a = into[i];
        const double total = (double)(a->count + b->count);
        const double delta = b->mean - a->mean;
        if (b->count == 0) {
            continue;
        }
        a->m2 += b->m2 + delta * delta * (double)a->count * (double)b->count / total;
        a->mean += delta * (double)b->count / total;
        a->count += b->count;
    }
    return TARN_OK;
}

static tarn_code moments_finalise(const void *const *states, uint32_t count, void *values,
                                  uint64_t *validity, uint8_t op)
{
    for (uint32_t i = 0; i < count; i++) {
        const tn_moments *state = states[i];
        const bool sample = op == TN_VAR_SAMP || op == TN_STDDEV_SAMP;
        const int64_t by = state->count - sample;
        const double variance = by > 0 ? state->m2 / (double)by : 0;
        const bool root = op == TN_STDDEV_SAMP || op == TN_STDDEV_POP;
        put(root ? sqrt(variance) : variance, by <= 0, values, validity, i);
    }
    return TARN_OK;
}
#define FINALISE(name, op)                                                                   \
    static tarn_code name(const tn_bound_aggregate *self, const void *const *states,         \
                          uint32_t count, void *values, uint64_t *validity, tarn_error *err) \
    {                                                                                        \
        (void)self;                                                                          \
        (void)err;                                                                           \
        return moments_finalise(states, count, values, validity, op);                        \
    }
FINALISE(var_samp, TN_VAR_SAMP)
FINALISE(var_pop, TN_VAR_POP)
FINALISE(stddev_samp, TN_STDDEV_SAMP)
FINALISE(stddev_pop, TN_STDDEV_POP)

#define MOMENTS(finalise_)                                                                \
    {                                                                                     \
        .init = moments_init, .update = moments_update, .update_one = moments_update_one, \
        .merge = moments_merge, .finalise = (finalise_)                                   \
    }
const tn_aggregate_ops *tn_aggregate__moments(uint8_t op)
{
    static const tn_aggregate_ops table[] = {
        [TN_VAR_SAMP] = MOMENTS(var_samp),
        [TN_VAR_POP] = MOMENTS(var_pop),
        [TN_STDDEV_SAMP] = MOMENTS(stddev_samp),
        [TN_STDDEV_POP] = MOMENTS(stddev_pop),
    };
    return &table[op];
}

/* ---- pairs: covariance, correlation, regression ---- */

static void pair_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    memset(state, 0, sizeof(tn_pair_moments));
}

static void pair_add(tn_pair_moments *s, double y, double x)
{
    s->count++;
    const double dx = x - s->mean_x;
    const double dy = y - s->mean_y;
    s->mean_x += dx / (double)s->count;
    s->mean_y += dy / (double)s->count;
    s->m2_x += dx * (x - s->mean_x);
    s->m2_y += dy * (y - s->mean_y);
    s->co += dx * (y - s->mean_y);
}

static tarn_code pair_update(const tn_bound_aggregate *self, void *const *states,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)self;
    (void)rank;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(&arguments[0], row) &&
            tn_aggregate__is_valid(&arguments[1], row)) {
            pair_add(states[i], value_at(&arguments[0], row), value_at(&arguments[1], row));
        }
    }
    return TARN_OK;
}

static tarn_code pair_update_one(const tn_bound_aggregate *self, void *state,
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
        if (tn_aggregate__is_valid(&arguments[0], row) &&
            tn_aggregate__is_valid(&arguments[1], row)) {
            pair_add(state, value_at(&arguments[0], row), value_at(&arguments[1], row));
        }
    }
    return TARN_OK;
}

static tarn_code pair_merge(const tn_bound_aggregate *self, void *const *into,
                            const void *const *from, uint32_t count, tn_state_heap *heap,
                            tarn_error *err)
{
    (void)self;
    (void)heap;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const tn_pair_moments *b = from[i];
        tn_pair_moments *a = into[i];
        if (b->count == 0) {
            continue;
        }
        const double total = (double)(a->count + b->count);
        const double weight = (double)a->count * (double)b->count / total;
        const double dx = b->mean_x - a->mean_x;
        const double dy = b->mean_y - a->mean_y;
        a->m2_x += b->m2_x + dx * dx * weight;
        a->m2_y += b->m2_y + dy * dy * weight;
        a->co += b->co + dx * dy * weight;
        a->mean_x += dx * (double)b->count / total;
        a->mean_y += dy * (double)b->count / total;
        a->count += b->count;
    }
    return TARN_OK;
}

static double pair_value(const tn_pair_moments *s, int op, bool *null)
{
    const double n = (double)s->count;
    *null = s->count == 0;
    switch (op) {
    case TN_COVAR_SAMP:
        *null = s->count < 2;
        return s->co / (n - 1);
    case TN_COVAR_POP:
        return s->co / n;
    case TN_CORR:
        *null |= s->m2_x == 0 || s->m2_y == 0;
        return s->co / sqrt(s->m2_x * s->m2_y);
    case TN_REGR_SLOPE:
        *null |= s->m2_x == 0;
        return s->co / s->m2_x;
    case TN_REGR_INTERCEPT:
        *null |= s->m2_x == 0;
        return s->mean_y - s->co / s->m2_x * s->mean_x;
    default: /* TN_REGR_R2 */
        *null |= s->m2_x == 0;
        return s->m2_y == 0 ? 1 : s->co * s->co / (s->m2_x * s->m2_y);
    }
}

#define PAIR_FINALISE(name, op)                                                              \
    static tarn_code name(const tn_bound_aggregate *self, const void *const *states,         \
                          uint32_t count, void *values, uint64_t *validity, tarn_error *err) \
    {                                                                                        \
        (void)self;                                                                          \
        (void)err;                                                                           \
        for (uint32_t i = 0; i < count; i++) {                                               \
            bool null = false;                                                               \
            const double value = pair_value(states[i], op, &null);                           \
            put(value, null, values, validity, i);                                           \
        }                                                                                    \
        return TARN_OK;                                                                      \
    }
PAIR_FINALISE(covar_samp, TN_COVAR_SAMP)
PAIR_FINALISE(covar_pop, TN_COVAR_POP)
PAIR_FINALISE(corr, TN_CORR)
PAIR_FINALISE(regr_slope, TN_REGR_SLOPE)
PAIR_FINALISE(regr_intercept, TN_REGR_INTERCEPT)
PAIR_FINALISE(regr_r2, TN_REGR_R2)

#define PAIR(finalise_)                                                          \
    {                                                                            \
        .init = pair_init, .update = pair_update, .update_one = pair_update_one, \
        .merge = pair_merge, .finalise = (finalise_)                             \
    }
const tn_aggregate_ops *tn_aggregate__pair(uint8_t op)
{
    static const tn_aggregate_ops table[] = {
        [TN_COVAR_SAMP] = PAIR(covar_samp),
        [TN_COVAR_POP] = PAIR(covar_pop),
        [TN_CORR] = PAIR(corr),
        [TN_REGR_SLOPE] = PAIR(regr_slope),
        [TN_REGR_INTERCEPT] = PAIR(regr_intercept),
        [TN_REGR_R2] = PAIR(regr_r2),
    };
    return &table[op];
}
