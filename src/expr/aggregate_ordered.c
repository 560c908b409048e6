/* Aggregates that are fed one group at a time, sorted: quantiles, mode, string_agg, array_agg. */
#include "column/chunk.h"
#include "expr/aggregate_internal.h"
#include "kernel/operand.h"

#include <math.h>

static TN_FALLIBLE row_value(const tn_column *column, size_t row, tn_value *out, tarn_error *err)
{
    return tn_value_of(column, (uint32_t)row, NULL, out, err); /* scalars need no arena */
}

/* A scalar that outlives its batch: texts are copied to the pool. */
typedef struct held {
    tn_value value;
    char *bytes;
    size_t size;
    bool is_set;
} held;

static void held_free(held *item, tn_pool *pool)
{
    tn_pool_free(pool, item->bytes, item->size);
    *item = (held){.bytes = NULL};
}

static TN_FALLIBLE hold(held *item, tn_pool *pool, const tn_value *value, tarn_error *err)
{
    tn_value copy = *value;
    if (value->type->lane == TN_LANE_view) {
        if (item->size < value->str.size) {
            void *bytes = NULL;
            tn_pool_free(pool, item->bytes, item->size);
            item->bytes = NULL;
            item->size = 0;
            TN_RETURN_IF_ERROR(tn_pool_alloc(pool, value->str.size, &bytes, err));
            item->bytes = bytes;
            item->size = value->str.size;
        }
        if (value->str.size > 0) {
            memcpy(item->bytes, value->str.data, value->str.size);
        }
        copy.str.data = item->bytes;
    }
    item->value = copy;
    item->is_set = true;
    return TARN_OK;
}

/* ---- quantiles: the wanted ranks are known before the first row ---- */

typedef struct quantile {
    tn_pool *pool;
    uint64_t seen, lower, upper; /* non-null rows so far; ranks to keep */
    double weight;               /* of the upper one */
    held low, high;
} quantile;

static size_t quantile_size(const tn_bound_aggregate *self)
{
    (void)self;
    return sizeof(quantile);
}

static tarn_code quantile_begin(const tn_bound_aggregate *self, void *stream, tn_pool *pool,
                                uint64_t rows, uint64_t non_null_rows, tarn_error *err)
{
    quantile *state = stream;
    const double fraction = *(const double *)self->data;
    (void)rows;
    (void)err;
    *state = (quantile){.pool = pool};
    if (non_null_rows == 0) {
        return TARN_OK;
    }
    if (self->ops == &tn_aggregate__quantile_disc) {
        const double at = ceil(fraction * (double)non_null_rows);
        state->lower = at < 1 ? 0 : (uint64_t)at - 1;
    } else {
        const double at = fraction * (double)(non_null_rows - 1);
        state->lower = (uint64_t)at;
        state->weight = at - (double)state->lower;
    }
    state->lower = state->lower >= non_null_rows ? non_null_rows - 1 : state->lower;
    state->upper = state->lower + (state->weight > 0);
    return TARN_OK;
}

static tarn_code quantile_rows(const tn_bound_aggregate *self, void *stream,
                               const tn_column *arguments, const uint16_t *selection,
                               uint32_t count, tarn_error *err)
{
    quantile *state = stream;
    (void)self;
    for (size_t i = 0; i < count && state->seen <= state->upper; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        tn_value value;
        if (!tn_aggregate__is_valid(arguments, row)) {
            continue;
        }
        if (state->seen == state->lower || state->seen == state->upper) {
            TN_RETURN_IF_ERROR(row_value(arguments, row, &value, err));
            if (state->seen == state->lower) {
                TN_RETURN_IF_ERROR(hold(&state->low, state->pool, &value, err));
            }
            if (state->seen == state->upper) {
                TN_RETURN_IF_ERROR(hold(&state->high, state->pool, &value, err));
            }
        }
        state->seen++;
    }
    return TARN_OK;
}

static void quantile_abandon(const tn_bound_aggregate *self, void *stream)
{
    quantile *state = stream;
    (void)self;
    held_free(&state->low, state->pool);
    held_free(&state->high, state->pool);
}

static tarn_code quantile_end(const tn_bound_aggregate *self, void *stream, tn_arena *arena,
                              tn_value *out, tarn_error *err)
{
    quantile *state = stream;
    tarn_code code = TARN_OK;
    *out = tn_value_null(self->result_type);
    if (state->low.is_set && state->high.is_set) {
        tn_value value = state->low.value;
        if (self->result_type->kind == TN_KIND_DOUBLE && state->weight > 0) {
            const double low = state->low.value.f64;
            value.f64 = low + (state->high.value.f64 - low) * state->weight;
        } else if (state->weight > 0) {
            const double gap = (double)state->high.value.i64 - (double)state->low.value.i64;
            value.i64 += (int64_t)(gap * state->weight);
        }
        value.type = self->result_type;
        code = tn_value_copy(arena, &value, out, err);
    }
    quantile_abandon(self, stream);
    return code;
}

#define QUANTILE                                                      \
    {                                                                 \
        .stream_size = quantile_size, .stream_begin = quantile_begin, \
        .stream_rows = quantile_rows, .stream_end = quantile_end,     \
        .stream_abandon = quantile_abandon                            \
    }
const tn_aggregate_ops tn_aggregate__quantile_cont = QUANTILE;
const tn_aggregate_ops tn_aggregate__quantile_disc = QUANTILE;

/* ---- mode: the longest run of equal values, the first of them ---- */

typedef struct mode {
    tn_pool *pool;
    held best, current;
    uint64_t best_run, run;
} mode;

static size_t mode_size(const tn_bound_aggregate *self)
{
    (void)self;
    return sizeof(mode);
}

static tarn_code mode_begin(const tn_bound_aggregate *self, void *stream, tn_pool *pool,
                            uint64_t rows, uint64_t non_null_rows, tarn_error *err)
{
    (void)self, (void)rows, (void)non_null_rows, (void)err;
    *(mode *)stream = (mode){.pool = pool};
    return TARN_OK;
}

static void close_run(mode *state)
{
    if (state->run > state->best_run) {
        const held swap = state->best;
        state->best = state->current;
        state->current = swap;
        state->best_run = state->run;
    }
}

static tarn_code mode_rows(const tn_bound_aggregate *self, void *stream, const tn_column *arguments,
                           const uint16_t *selection, uint32_t count, tarn_error *err)
{
    mode *state = stream;
    (void)self;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        tn_value value;
        if (!tn_aggregate__is_valid(arguments, row)) {
            continue;
        }
        TN_RETURN_IF_ERROR(row_value(arguments, row, &value, err));
        if (state->run > 0 && tn_value_compare(&state->current.value, &value) == 0) {
            state->run++;
            continue;
        }
        close_run(state);
        TN_RETURN_IF_ERROR(hold(&state->current, state->pool, &value, err));
        state->run = 1;
    }
    return TARN_OK;
}

static void mode_abandon(const tn_bound_aggregate *self, void *stream)
{
    mode *state = stream;
    (void)self;
    held_free(&state->best, state->pool);
    held_free(&state->current, state->pool);
}

static tarn_code mode_end(const tn_bound_aggregate *self, void *stream, tn_arena *arena,
                          tn_value *out, tarn_error *err)
{
    mode *state = stream;
    tarn_code code = TARN_OK;
    close_run(state);
    *out = tn_value_null(self->result_type);
    if (state->best_run > 0) {
        code = tn_value_copy(arena, &state->best.value, out, err);
    }
    mode_abandon(self, stream);
    return code;
}

const tn_aggregate_ops tn_aggregate__mode = {.stream_size = mode_size,
                                             .stream_begin = mode_begin,
                                             .stream_rows = mode_rows,
                                             .stream_end = mode_end,
                                             .stream_abandon = mode_abandon};

/* ---- arg_min, arg_max: the value beside the least or the greatest ---- */

typedef struct beside {
    tn_pool *pool;
    held value, by;
} beside;

static size_t beside_size(const tn_bound_aggregate *self)
{
    (void)self;
    return sizeof(beside);
}

static tarn_code beside_begin(const tn_bound_aggregate *self, void *stream, tn_pool *pool,
                              uint64_t rows, uint64_t non_null_rows, tarn_error *err)
{
    (void)self, (void)rows, (void)non_null_rows, (void)err;
    *(beside *)stream = (beside){.pool = pool};
    return TARN_OK;
}

static tarn_code beside_rows(const tn_bound_aggregate *self, void *stream,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             tarn_error *err)
{
    beside *state = stream;
    const bool max = self->expr->function->binding->op == 1;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        tn_value value;
        tn_value by;
        if (!tn_aggregate__is_valid(&arguments[0], row) ||
            !tn_aggregate__is_valid(&arguments[1], row)) {
            continue;
        }
        TN_RETURN_IF_ERROR(row_value(&arguments[1], row, &by, err));
        const int order = state->by.is_set ? tn_value_compare(&by, &state->by.value) : 0;
        if (state->by.is_set && (max ? order <= 0 : order >= 0)) {
            continue;
        }
        TN_RETURN_IF_ERROR(row_value(&arguments[0], row, &value, err));
        TN_RETURN_IF_ERROR(hold(&state->value, state->pool, &value, err));
        TN_RETURN_IF_ERROR(hold(&state->by, state->pool, &by, err));
    }
    return TARN_OK;
}

static void beside_abandon(const tn_bound_aggregate *self, void *stream)
{
    beside *state = stream;
    (void)self;
    held_free(&state->value, state->pool);
    held_free(&state->by, state->pool);
}

static tarn_code beside_end(const tn_bound_aggregate *self, void *stream, tn_arena *arena,
                            tn_value *out, tarn_error *err)
{
    beside *state = stream;
    tarn_code code = TARN_OK;
    *out = tn_value_null(self->result_type);
    if (state->value.is_set) {
        code = tn_value_copy(arena, &state->value.value, out, err);
    }
    beside_abandon(self, stream);
    return code;
}

const tn_aggregate_ops tn_aggregate__by = {.stream_size = beside_size,
                                           .stream_begin = beside_begin,
                                           .stream_rows = beside_rows,
                                           .stream_end = beside_end,
                                           .stream_abandon = beside_abandon};

/* ---- string_agg ---- */

typedef struct joined {
    tn_text text;
    bool any;
} joined;

static size_t joined_size(const tn_bound_aggregate *self)
{
    (void)self;
    return sizeof(joined);
}

/* The text as it is gathered, and the value that is made of it. */
static size_t joined_least(const tn_bound_aggregate *self, uint64_t rows, uint64_t non_null_rows,
                           uint64_t bytes)
{
    const size_t separator = ((const tn_str *)self->data)->size;
    (void)rows;
    return non_null_rows == 0 ? 0 : 2 * (bytes + (non_null_rows - 1) * separator);
}

static tarn_code joined_begin(const tn_bound_aggregate *self, void *stream, tn_pool *pool,
                              uint64_t rows, uint64_t non_null_rows, tarn_error *err)
{
    enum { TEXT_MAX = 1 << 30 };
    joined *state = stream;
    (void)self, (void)rows, (void)non_null_rows, (void)err;
    tn_text_init(&state->text, pool, TEXT_MAX);
    state->any = false;
    return TARN_OK;
}

static tarn_code joined_rows(const tn_bound_aggregate *self, void *stream,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             tarn_error *err)
{
    joined *state = stream;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (!tn_aggregate__is_valid(arguments, row)) {
            continue;
        }
        if (state->any) {
            tn_text_append(&state->text, *(const tn_str *)self->data);
        }
        tn_text_append(&state->text, tn_view_str(&((const tn_view *)arguments->values)[row]));
        state->any = true;
    }
    return tn_text_status(&state->text, err);
}

static void joined_abandon(const tn_bound_aggregate *self, void *stream)
{
    (void)self;
    tn_text_deinit(&((joined *)stream)->text);
}

static tarn_code joined_end(const tn_bound_aggregate *self, void *stream, tn_arena *arena,
                            tn_value *out, tarn_error *err)
{
    joined *state = stream;
    tarn_code code = TARN_OK;
    *out = tn_value_null(TN_VARCHAR);
    if (state->any) {
        const tn_str text = state->text.size == 0 ? TN_STR("") : tn_text_str(&state->text);
        const tn_value value = tn_value_varchar(text);
        code = tn_value_copy(arena, &value, out, err);
    }
    joined_abandon(self, stream);
    return code;
}

const tn_aggregate_ops tn_aggregate__string_agg = {.stream_size = joined_size,
                                                   .stream_least = joined_least,
                                                   .stream_begin = joined_begin,
                                                   .stream_rows = joined_rows,
                                                   .stream_end = joined_end,
                                                   .stream_abandon = joined_abandon};

/* ---- array_agg ---- */

typedef struct listed {
    tn_chunk_builder *builder; /* NULL: no rows */
    const tn_type *types[1];
} listed;

static size_t listed_size(const tn_bound_aggregate *self)
{
    (void)self;
    return sizeof(listed);
}

/* The list as it is gathered, and the value that is made of it. */
static size_t listed_least(const tn_bound_aggregate *self, uint64_t rows, uint64_t non_null_rows,
                           uint64_t bytes)
{
    const size_t lane = tn_lane_size(self->argument_types[0]->lane);
    (void)non_null_rows;
    (void)bytes; /* short texts lie in their views */
    return 2 * (lane > 0 ? rows * lane : rows / 8);
}

static tarn_code listed_begin(const tn_bound_aggregate *self, void *stream, tn_pool *pool,
                              uint64_t rows, uint64_t non_null_rows, tarn_error *err)
{
    listed *state = stream;
    (void)non_null_rows;
    *state = (listed){.types = {self->argument_types[0]}};
    if (rows > INT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "array_agg: a list of %llu values is too long",
                       (unsigned long long)rows);
    }
    return rows == 0 ? TARN_OK
                     : tn_chunk_builder_create(pool, state->types, 1, (uint32_t)rows,
                                               &state->builder, err);
}

static tarn_code listed_rows(const tn_bound_aggregate *self, void *stream,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             tarn_error *err)
{
    listed *state = stream;
    uint32_t rows = count;
    uint32_t next = 0;
    (void)self;
    for (size_t i = 0; selection != NULL && i < count; i++) {
        rows = rows > selection[i] + 1U ? rows : selection[i] + 1U;
    }
    const tn_batch batch = {
        .columns = arguments, .selection = selection, .width = 1, .rows = rows, .selected = count};
    TN_RETURN_IF_ERROR(tn_chunk_builder_append(state->builder, &batch, &next, err));
    return next == count ? TARN_OK
                         : tn_fail(err, TARN_E_LIMIT, "array_agg: a list's texts are too long");
}

static void listed_abandon(const tn_bound_aggregate *self, void *stream)
{
    (void)self;
    tn_chunk_builder_destroy(((listed *)stream)->builder);
}

static tarn_code listed_end(const tn_bound_aggregate *self, void *stream, tn_arena *arena,
                            tn_value *out, tarn_error *err)
{
    listed *state = stream;
    tn_chunk *chunk = NULL;
    tarn_code code = TARN_OK;
    *out = tn_value_null(self->result_type);
    if (state->builder == NULL) {
        return TARN_OK;
    }
    TN_TRY(tn_chunk_builder_finish(state->builder, &chunk, err));
    const tn_list head = {0, chunk->rows};
    const tn_column list = {.type = self->result_type,
                            .lane = TN_LANE_list,
                            .encoding = TN_FLAT,
                            .rows = 1,
                            .values = &head,
                            .children = chunk->columns};
    const tn_value value = {.type = self->result_type, .nested = &list};
    TN_TRY(tn_value_copy(arena, &value, out, err));
done:
    tn_chunk_release(chunk);
    listed_abandon(self, stream);
    return code;
}

const tn_aggregate_ops tn_aggregate__array_agg = {.stream_size = listed_size,
                                                  .stream_least = listed_least,
                                                  .stream_begin = listed_begin,
                                                  .stream_rows = listed_rows,
                                                  .stream_end = listed_end,
                                                  .stream_abandon = listed_abandon};

/* ---- sum(x ORDER BY y): a state of fixed size, fed in the order asked for ---- */

static size_t heeding_size(const tn_bound_aggregate *self)
{
    return ((const tn_bound_aggregate *)self->data)->single_size;
}

static tarn_code heeding_begin(const tn_bound_aggregate *self, void *stream, tn_pool *pool,
                               uint64_t rows, uint64_t non_null_rows, tarn_error *err)
{
    const tn_bound_aggregate *inner = self->data;
    (void)pool, (void)rows, (void)non_null_rows, (void)err;
    memset(stream, 0, inner->single_size);
    inner->ops->init(inner, stream);
    return TARN_OK;
}

static tarn_code heeding_rows(const tn_bound_aggregate *self, void *stream,
                              const tn_column *arguments, const uint16_t *selection, uint32_t count,
                              tarn_error *err)
{
    const tn_bound_aggregate *inner = self->data;
    return inner->ops->update_one(inner, stream, arguments, selection, count, 0, NULL, err);
}

static tarn_code heeding_end(const tn_bound_aggregate *self, void *stream, tn_arena *arena,
                             tn_value *out, tarn_error *err)
{
    const tn_bound_aggregate *inner = self->data;
    const void *state = stream;
    uint64_t validity = 1;
    double value = 0;
    (void)arena;
    if (inner->ops->end_morsel != NULL) {
        inner->ops->end_morsel(inner, stream);
    }
    TN_RETURN_IF_ERROR(inner->ops->finalise(inner, &state, 1, &value, &validity, err));
    *out = tn_value_null(TN_DOUBLE);
    if (validity & 1) {
        *out = (tn_value){.type = TN_DOUBLE, .f64 = value};
    }
    return TARN_OK;
}

static void heeding_abandon(const tn_bound_aggregate *self, void *stream)
{
    (void)self, (void)stream;
}

TN_FALLIBLE tn_aggregate__heed_order(tn_bound_aggregate *bound, tn_arena *arena, tarn_error *err)
{
    static const tn_aggregate_ops heeding = {.stream_size = heeding_size,
                                             .stream_begin = heeding_begin,
                                             .stream_rows = heeding_rows,
                                             .stream_end = heeding_end,
                                             .stream_abandon = heeding_abandon};
    tn_bound_aggregate *inner = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_bound_aggregate, &inner, err));
    *inner = *bound;
    bound->ops = &heeding;
    bound->data = inner;
    bound->is_ordered = true;
    bound->takes_narrow = false;
    bound->state_size = 0;
    bound->single_size = 0;
    return TARN_OK;
}
