/*
 * Aggregates without a bounded state (median, string_agg): the rows of one partition, sorted by
 * group and then by what the aggregate asks for, and fed to it group by group.  The sorter spills,
 * so that one group may be larger than the memory.  Without GROUP BY all tasks feed the sorters at
 * once, and numbers that only their values order are sorted as bare keys.
 */
#include "exec/aggregate_internal.h"

#include "base/size.h"
#include "column/chunk.h"
#include "expr/function.h"

typedef struct stream {
    const tn_agg_slot *slot;
    const tn_type *type; /* of the first argument */
    tn_sorter *sorter;
    tn_merge *merge;
    tn_key_merge *key_merge; /* where is_bare */
    tn_row_reader *reader;
    tn_chunk_builder *builder;
    tn_chunk *chunk; /* the results handed out last */
    void *state;
    size_t state_size;
    bool running;
    bool is_bare;     /* the sorter's rows are keys alone, which say the values */
    bool rank_is_key; /* rows come in the order of the input, and nothing else */
    uint8_t **rows;
    uint64_t *numbers; /* of the rows' groups; of bare ones: keys */
    uint32_t at, count;
    _Atomic uint64_t total_rows, total_not_null, total_bytes; /* of the one group */
} stream;

struct tn_agg_ordered {
    const tn_aggregation *op;
    tn_pool *pool;
    bool has_number; /* rows say which group they are of */
    stream *streams; /* one a slot; unused for those with states */
    tn_arena arena;  /* of results */
};

typedef struct feeder {
    tn_sorter_task *task;
    tn_key_run run; /* where is_bare */
    tn_scratch scratch;
} feeder;

struct tn_agg_feed {
    tn_agg_ordered *ordered;
    tn_pool *pool;
    feeder *feeders;   /* one a slot */
    uint32_t *numbers; /* of the rows' groups */
    uint64_t *places;  /* of rows in the input, where that is all that orders them */
    uint64_t *ranks;
    uint16_t *which, *selection;
};

static const tn_agg_slot *slot_of(const tn_agg_ordered *ordered, uint32_t s)
{
    const tn_agg_slot *slot = &ordered->op->slots[s];
    return slot->bound->is_ordered ? slot : NULL;
}

static bool by_value(const tn_agg_slot *slot)
{
    return slot->order_count == 0 && slot->bound->sorted_by_value;
}

/* ---- values as keys of 8 bytes ---- */

static bool has_key(const tn_type *type)
{
    return !tn_type_is_nested(type) &&
           (type->lane <= TN_LANE_u64 || type->lane == TN_LANE_f32 || type->lane == TN_LANE_f64);
}

/* NaN above everything, -0 below 0. */
static inline uint64_t float_key(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits = value != value ? UINT64_C(0x7ff8000000000000) : bits;
    return (bits >> 63) != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline double float_of(uint64_t key)
{
    const uint64_t bits = (key >> 63) != 0 ? key ^ UINT64_C(1) << 63 : ~key;
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

#define SIGN (UINT64_C(1) << 63)
#define EACH_LANE(X)                                                  \
    X(i8, int8_t, (uint64_t)(int64_t)v ^ SIGN, (int8_t)(k ^ SIGN))    \
    X(i16, int16_t, (uint64_t)(int64_t)v ^ SIGN, (int16_t)(k ^ SIGN)) \
    X(i32, int32_t, (uint64_t)(int64_t)v ^ SIGN, (int32_t)(k ^ SIGN)) \
    X(i64, int64_t, (uint64_t)v ^ SIGN, (int64_t)(k ^ SIGN))          \
    X(u8, uint8_t, (uint64_t)v, (uint8_t)k)                           \
    X(u16, uint16_t, (uint64_t)v, (uint16_t)k)                        \
    X(u32, uint32_t, (uint64_t)v, (uint32_t)k)                        \
    X(u64, uint64_t, v, k)                                            \
    X(f32, float, float_key((double)v), (float)float_of(k))           \
    X(f64, double, float_key(v), float_of(k))

/* Those of a flat, dense column that are not NULL. */
static uint32_t encode(const tn_column *column, uint32_t count, uint64_t *restrict keys)
{
    uint32_t kept = 0;
#define ENCODE(lane, ctype, to, from)                  \
    case TN_LANE_##lane: {                             \
        const ctype *restrict values = column->values; \
        for (size_t i = 0; i < count; i++) {           \
            const ctype v = values[i];                 \
            keys[i] = to;                              \
        }                                              \
        break;                                         \
    }
    switch (column->type->lane) {
        EACH_LANE(ENCODE)
    default:
        break;
    }
#undef ENCODE
    if (column->validity == NULL) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        keys[kept] = keys[i];
        kept += tn_bit_get(column->validity, i);
    }
    return kept;
}

static void decode(tn_lane lane, const uint64_t *restrict keys, size_t count, void *restrict out)
{
#define DECODE(lane, ctype, to, from)        \
    case TN_LANE_##lane: {                   \
        ctype *restrict values = out;        \
        for (size_t i = 0; i < count; i++) { \
            const uint64_t k = keys[i];      \
            values[i] = from;                \
        }                                    \
        break;                               \
    }
    switch (lane) {
        EACH_LANE(DECODE)
    default:
        break;
    }
#undef DECODE
}

/* ---- making ---- */

static TN_FALLIBLE make_sorter(tn_agg_ordered *ordered, stream *made, tarn_error *err)
{
    const tn_aggregation *op = ordered->op;
    const tn_agg_slot *slot = made->slot;
    const tn_expr *expr = slot->bound->expr;
    tn_order orders[16];
    const tn_type *types[5];
    uint32_t count = 0;
    uint32_t width = 0;
    uint32_t streams = 0;

    for (uint32_t s = 0; s < op->slot_count; s++) {
        streams += slot_of(ordered, s) != NULL;
    }
    if (ordered->has_number) {
        orders[count++] = (tn_order){TN_UINTEGER, false, false};
        types[width++] = TN_UINTEGER;
    }
    for (uint32_t o = 0; o < slot->order_count; o++) {
        const tn_sort_key *key = &expr->order[o];
        orders[count++] = (tn_order){key->expr->type, key->descending, key->nulls_first};
    }
    if (by_value(slot)) {
        orders[count++] = (tn_order){op->expr_types[slot->arguments], false, false};
    }
    made->rank_is_key = count == 0;
    if (made->rank_is_key) {
        orders[count++] = (tn_order){TN_UBIGINT, false, false};
    }
    for (uint32_t a = 0; a < slot->bound->argument_count; a++) {
        types[width++] = op->expr_types[slot->arguments + a];
    }
    /* While runs are made, half is for who gives the rows: the tables of a GROUP BY or of a join
     * below, or those of this one.  Groups take turns, so all merges of all tasks are open at once;
     * without groups one follows the other. */
    const uint32_t threads = op->run->threads > 0 ? op->run->threads : 1;
    const size_t budget = tn_run__budget(op->run) / (ordered->has_number ? streams * threads : 1);
    const tn_sorter_options options = {.pool = ordered->pool,
                                       .spill = op->run->spill,
                                       .cancelled = op->run->cancelled,
                                       .orders = orders,
                                       .order_count = made->is_bare ? 0 : count,
                                       .types = types,
                                       .width = made->is_bare ? 0 : width,
                                       .has_rank =
                                           !made->is_bare && !made->rank_is_key && !by_value(slot),
                                       .is_bare = made->is_bare,
                                       .budget = budget / 2,
                                       .merge_budget = budget,
                                       .tasks = ordered->has_number ? 1 : threads * streams,
                                       .limit = UINT64_MAX};
    return tn_sorter__create(&options, &made->sorter, err);
}

static TN_FALLIBLE open_stream(tn_agg_ordered *ordered, uint32_t s, tarn_error *err)
{
    const tn_aggregation *op = ordered->op;
    stream *made = &ordered->streams[s];
    const tn_agg_slot *slot = &op->slots[s];

    if (slot->order_count > 14) {
        return tn_fail(err, TARN_E_LIMIT, "an aggregate is ordered by more than 14 keys");
    }
    made->slot = slot;
    made->type = slot->bound->argument_count > 0 ? op->expr_types[slot->arguments] : NULL;
    made->is_bare =
        !ordered->has_number && by_value(slot) && has_key(op->expr_types[slot->arguments]);
    TN_RETURN_IF_ERROR(make_sorter(ordered, made, err));
    TN_RETURN_IF_ERROR(
        tn_row_reader_create(ordered->pool, made->sorter->layout, &made->reader, err));
    TN_RETURN_IF_ERROR(tn_chunk_builder_create(ordered->pool, &slot->bound->result_type, 1,
                                               TN_BATCH_ROWS, &made->builder, err));
    TN_RETURN_IF_ERROR(
        tn_pool_alloc(ordered->pool, TN_BATCH_ROWS * sizeof(void *), (void **)&made->rows, err));
    TN_RETURN_IF_ERROR(tn_pool_alloc(ordered->pool, TN_BATCH_ROWS * sizeof(uint64_t),
                                     (void **)&made->numbers, err));
    made->state_size = slot->bound->ops->stream_size(slot->bound);
    return tn_pool_alloc_zeroed(ordered->pool, made->state_size, &made->state, err);
}

tarn_code tn_agg_ordered__create(const tn_aggregation *op, tn_pool *pool, tn_agg_ordered **out,
                                 tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_agg_ordered *made = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*made), &memory, err));
    made = memory;
    made->op = op;
    made->pool = pool;
    made->has_number = op->key_count > 0;
    tn_arena_init(&made->arena, pool);
    TN_TRY(
        tn_pool_alloc_zeroed(pool, op->slot_count * sizeof(stream), (void **)&made->streams, err));
    for (uint32_t s = 0; s < op->slot_count; s++) {
        if (slot_of(made, s) != NULL) {
            TN_TRY(open_stream(made, s, err));
        }
    }
    *out = made;
    made = NULL;
done:
    tn_agg_ordered__destroy(made);
    return code;
}

void tn_agg_ordered__destroy(tn_agg_ordered *ordered)
{
    if (ordered == NULL) {
        return;
    }
    tn_pool *pool = ordered->pool;
    for (uint32_t s = 0; ordered->streams != NULL && s < ordered->op->slot_count; s++) {
        stream *gone = &ordered->streams[s];
        if (gone->running) {
            gone->slot->bound->ops->stream_abandon(gone->slot->bound, gone->state);
        }
        tn_merge__destroy(gone->merge);
        tn_key_merge__destroy(gone->key_merge);
        tn_row_reader_destroy(gone->reader);
        tn_chunk_builder_destroy(gone->builder);
        tn_chunk_release(gone->chunk);
        tn_pool_free(pool, gone->rows, TN_BATCH_ROWS * sizeof(void *));
        tn_pool_free(pool, gone->numbers, TN_BATCH_ROWS * sizeof(uint64_t));
        tn_pool_free(pool, gone->state, gone->state_size);
        tn_sorter__destroy(gone->sorter);
    }
    tn_pool_free(pool, ordered->streams, ordered->op->slot_count * sizeof(stream));
    tn_arena_deinit(&ordered->arena);
    tn_pool_free(pool, ordered, sizeof(*ordered));
}

tarn_code tn_agg_feed__create(tn_agg_ordered *ordered, tn_pool *pool, tn_agg_feed **out,
                              tarn_error *err)
{
    const tn_aggregation *op = ordered->op;
    tarn_code code = TARN_OK;
    tn_agg_feed *made = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*made), &memory, err));
    made = memory;
    made->ordered = ordered;
    made->pool = pool;
    TN_TRY(
        tn_pool_alloc_zeroed(pool, op->slot_count * sizeof(feeder), (void **)&made->feeders, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 4, (void **)&made->numbers, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 8, (void **)&made->places, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 8, (void **)&made->ranks, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 2, (void **)&made->which, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 2, (void **)&made->selection, err));
    for (uint32_t s = 0; s < op->slot_count; s++) {
        feeder *to = &made->feeders[s];
        tn_scratch_init(&to->scratch, pool);
        if (slot_of(ordered, s) == NULL) {
            continue;
        }
        if (ordered->streams[s].is_bare) {
            tn_key_run__init(&to->run, ordered->streams[s].sorter);
        } else {
            TN_TRY(tn_sorter__task_create(ordered->streams[s].sorter, pool, &to->task, err));
        }
    }
    *out = made;
    made = NULL;
done:
    tn_agg_feed__destroy(made);
    return code;
}

void tn_agg_feed__destroy(tn_agg_feed *feed)
{
    if (feed == NULL) {
        return;
    }
    tn_pool *pool = feed->pool;
    const uint32_t count = feed->ordered->op->slot_count;
    for (uint32_t s = 0; feed->feeders != NULL && s < count; s++) {
        tn_sorter__task_destroy(feed->feeders[s].task);
        tn_key_run__deinit(&feed->feeders[s].run);
        tn_scratch_deinit(&feed->feeders[s].scratch);
    }
    tn_pool_free(pool, feed->feeders, count * sizeof(feeder));
    tn_pool_free(pool, feed->numbers, TN_BATCH_ROWS * 4);
    tn_pool_free(pool, feed->places, TN_BATCH_ROWS * 8);
    tn_pool_free(pool, feed->ranks, TN_BATCH_ROWS * 8);
    tn_pool_free(pool, feed->which, TN_BATCH_ROWS * 2);
    tn_pool_free(pool, feed->selection, TN_BATCH_ROWS * 2);
    tn_pool_free(pool, feed, sizeof(*feed));
}

/* ---- rows in ---- */

/* Which of its groups was too large for an aggregate. */
static tarn_code explain_group(const tn_agg_slot *slot, const char *about, uint64_t rows,
                               tarn_code code, tarn_error *err)
{
    const tn_function *function = slot->bound->expr->function;
    if (code == TARN_E_NOMEM || code == TARN_E_LIMIT) {
        tn_explain(err, "%s() of a group of %s%llu rows",
                   function != NULL ? function->name : "an aggregate", about,
                   (unsigned long long)rows);
    }
    return code;
}

/* Whose rows could not be sorted. */
static tarn_code explain_sort(const tn_agg_slot *slot, tarn_code code, tarn_error *err)
{
    const tn_function *function = slot->bound->expr->function;
    if (code == TARN_E_NOMEM) {
        tn_explain(err, "sorting the rows of %s()",
                   function != NULL ? function->name : "aggregate");
    }
    return code;
}

static inline tn_agg_counts count_of(const tn_column *argument, size_t i)
{
    const bool valid =
        argument != NULL && (argument->validity == NULL || tn_bit_get(argument->validity, i));
    return (tn_agg_counts){1, argument == NULL || valid,
                           valid && argument->type->lane == TN_LANE_view && argument->values != NULL
                               ? ((const tn_view *)argument->values)[i].size
                               : 0};
}

static inline void add_counts(tn_agg_counts *to, tn_agg_counts more)
{
    to->rows += more.rows;
    to->not_null += more.not_null;
    to->bytes += more.bytes;
}

/* Refuses a group whose result cannot be held before its rows are sorted in vain.  `argument`: the
 * first one, flat and dense; NULL where it is none that can be counted. */
static TN_FALLIBLE count_rows(const tn_agg_ordered *ordered, stream *at, const tn_column *argument,
                              uint32_t count, const uint16_t *which, uint8_t *const *groups,
                              tarn_error *err)
{
    const tn_agg_slot *slot = at->slot;
    const tn_bound_aggregate *bound = slot->bound;
    tn_agg_counts most = {0, 0, 0};
    if (groups == NULL) {
        for (uint32_t i = 0; i < count; i++) {
            add_counts(&most, count_of(argument, i));
        }
        most.rows += atomic_fetch_add(&at->total_rows, most.rows);
        most.not_null += atomic_fetch_add(&at->total_not_null, most.not_null);
        most.bytes += atomic_fetch_add(&at->total_bytes, most.bytes);
    }
    for (uint32_t i = 0; groups != NULL && i < count; i++) {
        uint8_t *place = groups[which == NULL ? i : which[i]] + slot->counts;
        tn_agg_counts counts;
        memcpy(&counts, place, sizeof(counts));
        add_counts(&counts, count_of(argument, i));
        if (counts.rows + counts.bytes > most.rows + most.bytes) {
            most = counts;
        }
        memcpy(place, &counts, sizeof(counts));
    }
    const size_t least =
        bound->ops->stream_least == NULL
            ? 0
            : bound->ops->stream_least(bound, most.rows, most.not_null, most.bytes);
    if (least <= tn_run__budget(ordered->op->run)) {
        return TARN_OK;
    }
    return explain_group(slot, "more than ", most.rows,
                         tn_pool_fail(ordered->pool, least, NULL, err), err);
}

/* The rows of one slot; `rows` are those that its filter lets through, at positions `which`. */
static TN_FALLIBLE add_slot(tn_agg_feed *feed, uint32_t s, const tn_column *exprs,
                            const tn_batch *rows, const uint16_t *which, uint8_t *const *groups,
                            tarn_error *err)
{
    tn_agg_ordered *ordered = feed->ordered;
    stream *at = &ordered->streams[s];
    feeder *to = &feed->feeders[s];
    const tn_agg_slot *slot = at->slot;
    const tn_column *argument = &exprs[slot->arguments];
    const tn_column number = {.type = TN_UINTEGER,
                              .lane = TN_LANE_u32,
                              .encoding = TN_FLAT,
                              .rows = rows->rows,
                              .values = feed->numbers};
    const tn_column place = {.type = TN_UBIGINT,
                             .lane = TN_LANE_u64,
                             .encoding = TN_FLAT,
                             .rows = rows->rows,
                             .values = feed->places};
    const tn_column *keys[16];
    const tn_column *payload[5];
    tn_column flat;
    uint32_t count = 0;
    uint32_t width = 0;

    const bool countable = slot->bound->argument_count > 0 && !tn_type_is_nested(argument->type) &&
                           argument->type->lane != TN_LANE_none;
    if (countable) {
        TN_RETURN_IF_ERROR(tn_column_flatten(argument, rows->selection, rows->selected,
                                             argument->type->lane, &to->scratch, &flat, err));
    }
    TN_RETURN_IF_ERROR(
        count_rows(ordered, at, countable ? &flat : NULL, rows->selected, which, groups, err));
    if (at->is_bare) {
        const uint32_t kept = encode(&flat, rows->selected, feed->ranks);
        return explain_sort(slot, tn_key_run__add(&to->run, feed->ranks, kept, err), err);
    }
    if (ordered->has_number) {
        keys[count++] = &number;
        payload[width++] = &number;
    }
    if (at->rank_is_key) {
        keys[count++] = &place;
    }
    for (uint32_t o = 0; o < slot->order_count; o++) {
        keys[count++] = &exprs[slot->order + o];
    }
    if (by_value(slot)) {
        keys[count++] = argument;
    }
    for (uint32_t a = 0; a < slot->bound->argument_count; a++) {
        payload[width++] = &exprs[slot->arguments + a];
    }
    return explain_sort(slot,
                        tn_sorter__add(to->task, keys, payload, rows->selection, rows->selected, 0,
                                       feed->ranks, err),
                        err);
}

static TN_FALLIBLE raise_faults(const tn_agg_slot *slot, const tn_column *exprs,
                                const tn_batch *rows, tarn_error *err)
{
    for (uint32_t a = 0; a < slot->bound->argument_count; a++) {
        TN_RETURN_IF_ERROR(tn_inputs__raise(&exprs[slot->arguments + a], rows, err));
    }
    for (uint32_t o = 0; o < slot->order_count; o++) {
        TN_RETURN_IF_ERROR(tn_inputs__raise(&exprs[slot->order + o], rows, err));
    }
    return TARN_OK;
}

tarn_code tn_agg_feed__add(tn_agg_feed *feed, const tn_column *exprs, const tn_batch *part,
                           uint8_t *const *groups, uint64_t rank, const uint64_t *ranks,
                           tarn_error *err)
{
    const tn_aggregation *op = feed->ordered->op;
    const uint32_t numbered = groups == NULL ? 0 : part->selected;

    for (uint32_t i = 0; i < numbered; i++) { /* dense: they come from rows */
        uint64_t number;
        memcpy(&number, groups[i] + op->index_at, 8);
        feed->numbers[i] = (uint32_t)number; /* memory holds no more groups */
    }
    for (uint32_t s = 0; s < op->slot_count; s++) {
        const tn_agg_slot *slot = slot_of(feed->ordered, s);
        const uint16_t *which = NULL;
        tn_batch rows = *part;
        if (slot == NULL) {
            continue;
        }
        if (slot->filter != TN_NO_EXPR) {
            TN_RETURN_IF_ERROR(tn_agg__filter(slot, exprs, part, feed->which, &rows.selected, err));
            for (uint32_t i = 0; i < rows.selected; i++) {
                feed->selection[i] = (uint16_t)tn_batch_row(part, feed->which[i]);
            }
            rows.selection = feed->selection;
            which = feed->which;
        }
        if (rows.selected == 0) {
            continue;
        }
        TN_RETURN_IF_ERROR(raise_faults(slot, exprs, &rows, err));
        for (uint32_t i = 0; i < rows.selected; i++) {
            const uint32_t row = tn_batch_row(&rows, i);
            feed->ranks[i] = ranks == NULL ? rank + row : ranks[row];
            feed->places[row] = feed->ranks[i];
        }
        TN_RETURN_IF_ERROR(add_slot(feed, s, exprs, &rows, which, groups, err));
    }
    return TARN_OK;
}

tarn_code tn_agg_feed__finish(tn_agg_feed *feed, tarn_error *err)
{
    for (uint32_t s = 0; s < feed->ordered->op->slot_count; s++) {
        const tn_agg_slot *slot = &feed->ordered->op->slots[s];
        feeder *to = &feed->feeders[s];
        if (to->task != NULL) {
            TN_RETURN_IF_ERROR(explain_sort(slot, tn_sorter__task_finish(to->task, err), err));
        } else if (to->run.sorter != NULL) {
            TN_RETURN_IF_ERROR(explain_sort(slot, tn_key_run__finish(&to->run, err), err));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE open_merge(const tn_agg_ordered *ordered, stream *at, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_sorter__finish(at->sorter, err));
    return at->is_bare ? tn_key_merge__create(at->sorter, ordered->pool, &at->key_merge, err)
                       : tn_merge__create(at->sorter, at->sorter->runs, at->sorter->run_count,
                                          ordered->pool, &at->merge, err);
}

tarn_code tn_agg_ordered__finish(tn_agg_ordered *ordered, tarn_error *err)
{
    for (uint32_t s = 0; s < ordered->op->slot_count; s++) {
        stream *at = &ordered->streams[s];
        if (slot_of(ordered, s) != NULL) {
            TN_RETURN_IF_ERROR(explain_sort(at->slot, open_merge(ordered, at, err), err));
        }
    }
    return TARN_OK;
}

/* ---- groups out ---- */

/* A group may have any number of rows: who feeds it looks at every batch. */
static TN_FALLIBLE cancelled(const stream *at, tarn_error *err)
{
    return atomic_load_explicit(at->sorter->cancelled, memory_order_relaxed)
               ? tn_fail(err, TARN_E_CANCELLED, "cancelled")
               : TARN_OK;
}

/* The values of the one group, from their keys. */
static TN_FALLIBLE feed_keys(stream *at, tarn_error *err)
{
    const tn_bound_aggregate *bound = at->slot->bound;
    const tn_type *type = at->type;
    for (;;) {
        TN_RETURN_IF_ERROR(cancelled(at, err));
        TN_RETURN_IF_ERROR(
            tn_key_merge__next(at->key_merge, TN_BATCH_ROWS, at->numbers, &at->count, err));
        if (at->count == 0) {
            return TARN_OK;
        }
        decode(type->lane, at->numbers, at->count, at->rows);
        const tn_column column = {.type = type,
                                  .lane = (uint8_t)type->lane,
                                  .encoding = TN_FLAT,
                                  .rows = at->count,
                                  .values = at->rows};
        TN_RETURN_IF_ERROR(
            bound->ops->stream_rows(bound, at->state, &column, NULL, at->count, err));
    }
}

/* Feeds the rows of one group. */
static TN_FALLIBLE feed_rows(stream *at, bool has_number, uint64_t number, tarn_error *err)
{
    const tn_bound_aggregate *bound = at->slot->bound;
    const uint32_t first = at->sorter->first_payload + (has_number ? 1 : 0);
    tn_column arguments[4];
    for (;;) {
        if (at->at == at->count) {
            TN_RETURN_IF_ERROR(cancelled(at, err));
            TN_RETURN_IF_ERROR(tn_merge__next(at->merge, TN_BATCH_ROWS, at->rows, &at->count, err));
            at->at = 0;
            const uint32_t offset = has_number ? at->sorter->layout->fields[first - 1].offset : 0;
            for (uint32_t i = 0; has_number && i < at->count; i++) {
                uint32_t own;
                memcpy(&own, at->rows[i] + offset, 4);
                at->numbers[i] = own;
            }
            if (at->count == 0) {
                return TARN_OK;
            }
        }
        uint32_t end = at->at;
        while (has_number && end < at->count && at->numbers[end] == number) {
            end++;
        }
        end = has_number ? end : at->count;
        if (end == at->at) {
            return TARN_OK;
        }
        for (uint32_t a = 0; a < bound->argument_count; a++) {
            TN_RETURN_IF_ERROR(tn_row_reader_gather(at->reader, first + a, at->rows + at->at,
                                                    end - at->at, NULL, end - at->at, &arguments[a],
                                                    err));
        }
        TN_RETURN_IF_ERROR(
            bound->ops->stream_rows(bound, at->state, arguments, NULL, end - at->at, err));
        at->at = end;
    }
}

static TN_FALLIBLE run_group(tn_agg_ordered *ordered, stream *at, uint64_t number,
                             const tn_agg_counts *counts, tn_value *value, tarn_error *err)
{
    const tn_bound_aggregate *bound = at->slot->bound;
    TN_RETURN_IF_ERROR(bound->ops->stream_begin(bound, at->state, ordered->pool, counts->rows,
                                                counts->not_null, err));
    at->running = true;
    TN_RETURN_IF_ERROR(at->is_bare ? feed_keys(at, err)
                                   : feed_rows(at, ordered->has_number, number, err));
    at->running = false; /* the end frees what the stream took, also when it fails */
    TN_RETURN_IF_ERROR(bound->ops->stream_end(bound, at->state, &ordered->arena, value, err));
    return tn_chunk_builder_put(at->builder, 0, value, err);
}

tarn_code tn_agg_ordered__next(tn_agg_ordered *ordered, uint8_t *const *groups, uint32_t count,
                               tn_column *columns, tarn_error *err)
{
    for (uint32_t s = 0; s < ordered->op->slot_count; s++) {
        stream *at = &ordered->streams[s];
        if (slot_of(ordered, s) == NULL) {
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            uint64_t number;
            tn_agg_counts counts = {at->total_rows, at->total_not_null, at->total_bytes};
            tn_value value;
            memcpy(&number, groups[i] + ordered->op->index_at, 8);
            if (ordered->has_number) {
                memcpy(&counts, groups[i] + at->slot->counts, sizeof(counts));
            }
            tn_arena_reset(&ordered->arena);
            const tarn_code code = run_group(ordered, at, number, &counts, &value, err);
            if (code != TARN_OK) {
                return explain_group(at->slot, "", counts.rows, code, err);
            }
        }
        tn_chunk_release(at->chunk);
        at->chunk = NULL;
        TN_RETURN_IF_ERROR(tn_chunk_builder_finish(at->builder, &at->chunk, err));
        columns[s] = at->chunk->columns[0];
    }
    return TARN_OK;
}
