/*
 * Aggregates without a bounded state (median, string_agg): the rows of one partition, sorted by
 * group and then by what the aggregate asks for, and fed to it group by group.  The sorter spills,
 * so that one group may be larger than the memory.
 */
#include "exec/aggregate_internal.h"

#include "column/chunk.h"
#include "expr/function.h"

typedef struct stream {
    const tn_agg_slot *slot;
    tn_sorter *sorter;
    tn_sorter_task *task;
    tn_merge *merge;
    tn_row_reader *reader;
    tn_chunk_builder *builder;
    tn_chunk *chunk; /* the results handed out last */
    void *state;
    size_t state_size;
    bool running;
    uint8_t **rows;
    uint64_t *numbers; /* of the rows' groups */
    uint32_t at, count;
} stream;

struct tn_agg_ordered {
    const tn_aggregation *op;
    tn_pool *pool;
    stream *streams; /* one a slot; unused for those with states */
    tn_arena arena;  /* of results */
    uint64_t *numbers;
    uint16_t *which, *selection;
    uint64_t *ranks;
};

static const tn_agg_slot *slot_of(const tn_agg_ordered *ordered, uint32_t s)
{
    const tn_agg_slot *slot = &ordered->op->slots[s];
    return slot->bound->is_ordered ? slot : NULL;
}

static TN_FALLIBLE open_stream(tn_agg_ordered *ordered, uint32_t s, tarn_error *err)
{
    const tn_aggregation *op = ordered->op;
    stream *made = &ordered->streams[s];
    const tn_agg_slot *slot = &op->slots[s];
    const tn_expr *expr = slot->bound->expr;
    tn_order orders[16];
    const tn_type *types[5];
    uint32_t count = 0;

    if (slot->order_count > 14) {
        return tn_fail(err, TARN_E_LIMIT, "an aggregate is ordered by more than 14 keys");
    }
    made->slot = slot;
    orders[count++] = (tn_order){TN_UBIGINT, false, false};
    for (uint32_t o = 0; o < slot->order_count; o++) {
        const tn_sort_key *key = &expr->order[o];
        orders[count++] = (tn_order){key->expr->type, key->descending, key->nulls_first};
    }
    if (slot->order_count == 0 && slot->bound->sorted_by_value) {
        orders[count++] = (tn_order){op->expr_types[slot->arguments], false, false};
    }
    types[0] = TN_UBIGINT;
    for (uint32_t a = 0; a < slot->bound->argument_count; a++) {
        types[1 + a] = op->expr_types[slot->arguments + a];
    }
    const tn_sorter_options options = {.pool = ordered->pool,
                                       .spill = op->run->spill,
                                       .cancelled = op->run->cancelled,
                                       .orders = orders,
                                       .order_count = count,
                                       .types = types,
                                       .width = 1 + slot->bound->argument_count,
                                       .has_rank = true,
                                       .budget = tn_run__budget(op->run) / 2,
                                       .tasks = op->run->threads * op->slot_count,
                                       .limit = UINT64_MAX};
    TN_RETURN_IF_ERROR(tn_sorter__create(&options, &made->sorter, err));
    TN_RETURN_IF_ERROR(tn_sorter__task_create(made->sorter, ordered->pool, &made->task, err));
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
    tn_arena_init(&made->arena, pool);
    TN_TRY(
        tn_pool_alloc_zeroed(pool, op->slot_count * sizeof(stream), (void **)&made->streams, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 8, (void **)&made->numbers, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 8, (void **)&made->ranks, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 2, (void **)&made->which, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 2, (void **)&made->selection, err));
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
        tn_sorter__task_destroy(gone->task);
        tn_row_reader_destroy(gone->reader);
        tn_chunk_builder_destroy(gone->builder);
        tn_chunk_release(gone->chunk);
        tn_pool_free(pool, gone->rows, TN_BATCH_ROWS * sizeof(void *));
        tn_pool_free(pool, gone->numbers, TN_BATCH_ROWS * sizeof(uint64_t));
        tn_pool_free(pool, gone->state, gone->state_size);
        tn_sorter__destroy(gone->sorter);
    }
    tn_pool_free(pool, ordered->streams, ordered->op->slot_count * sizeof(stream));
    tn_pool_free(pool, ordered->numbers, TN_BATCH_ROWS * 8);
    tn_pool_free(pool, ordered->ranks, TN_BATCH_ROWS * 8);
    tn_pool_free(pool, ordered->which, TN_BATCH_ROWS * 2);
    tn_pool_free(pool, ordered->selection, TN_BATCH_ROWS * 2);
    tn_arena_deinit(&ordered->arena);
    tn_pool_free(pool, ordered, sizeof(*ordered));
}

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

/* Refuses a group whose result cannot be held before its rows are sorted in vain. */
static TN_FALLIBLE count_rows(const tn_agg_ordered *ordered, const tn_agg_slot *slot,
                              const tn_column *exprs, const tn_batch *rows, const uint16_t *which,
                              uint8_t *const *groups, tarn_error *err)
{
    const tn_bound_aggregate *bound = slot->bound;
    uint64_t most = 0;
    for (uint32_t i = 0; i < rows->selected; i++) {
        uint8_t *counts = groups[which == NULL ? i : which[i]] + slot->counts;
        uint64_t both[2];
        memcpy(both, counts, 16);
        both[0]++;
        both[1] += slot->bound->argument_count == 0 ||
                   !tn_column_is_null(&exprs[slot->arguments], tn_batch_row(rows, i));
        most = both[0] > most ? both[0] : most;
        memcpy(counts, both, 16);
    }
    const size_t least =
        bound->ops->stream_least == NULL ? 0 : bound->ops->stream_least(bound, most);
    if (least <= tn_run__budget(ordered->op->run)) {
        return TARN_OK;
    }
    return explain_group(slot, "more than ", most, tn_pool_fail(ordered->pool, least, NULL, err),
                         err);
}

tarn_code tn_agg_ordered__add(tn_agg_ordered *ordered, const tn_column *exprs, const tn_batch *part,
                              uint8_t *const *groups, const uint64_t *ranks, tarn_error *err)
{
    const tn_aggregation *op = ordered->op;
    const tn_column *keys[16];
    const tn_column *payload[5];

    for (uint32_t i = 0; i < part->selected; i++) { /* the part is dense: it comes from rows */
        memcpy(&ordered->numbers[i], groups[i] + op->index_at, 8);
    }
    const tn_column number = {.type = TN_UBIGINT,
                              .lane = TN_LANE_u64,
                              .encoding = TN_FLAT,
                              .rows = part->rows,
                              .values = ordered->numbers};
    for (uint32_t s = 0; s < op->slot_count; s++) {
        const tn_agg_slot *slot = slot_of(ordered, s);
        tn_batch rows = *part;
        uint32_t count = 0;
        if (slot == NULL) {
            continue;
        }
        if (slot->filter != TN_NO_EXPR) {
            TN_RETURN_IF_ERROR(
                tn_agg__filter(slot, exprs, part, ordered->which, &rows.selected, err));
            rows.selection = ordered->which;
        }
        TN_RETURN_IF_ERROR(count_rows(ordered, slot, exprs, &rows, rows.selection, groups, err));
        keys[count++] = &number;
        for (uint32_t o = 0; o < slot->order_count; o++) {
            keys[count++] = &exprs[slot->order + o];
        }
        if (slot->order_count == 0 && slot->bound->sorted_by_value) {
            keys[count++] = &exprs[slot->arguments];
        }
        payload[0] = &number;
        for (uint32_t a = 0; a < slot->bound->argument_count; a++) {
            payload[1 + a] = &exprs[slot->arguments + a];
        }
        for (uint32_t i = 0; i < rows.selected; i++) {
            ordered->ranks[i] = ranks[tn_batch_row(&rows, i)];
        }
        if (rows.selected > 0) {
            TN_RETURN_IF_ERROR(tn_sorter__add(ordered->streams[s].task, keys, payload,
                                              rows.selection, rows.selected, 0, ordered->ranks,
                                              err));
        }
    }
    return TARN_OK;
}

tarn_code tn_agg_ordered__finish(tn_agg_ordered *ordered, tarn_error *err)
{
    for (uint32_t s = 0; s < ordered->op->slot_count; s++) {
        stream *at = &ordered->streams[s];
        if (slot_of(ordered, s) == NULL) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_sorter__task_finish(at->task, err));
        TN_RETURN_IF_ERROR(tn_sorter__finish(at->sorter, err));
        TN_RETURN_IF_ERROR(tn_merge__create(at->sorter, at->sorter->runs, at->sorter->run_count,
                                            ordered->pool, &at->merge, err));
    }
    return TARN_OK;
}

/* Feeds the rows of one group. */
static TN_FALLIBLE feed(stream *at, uint64_t number, tarn_error *err)
{
    const tn_bound_aggregate *bound = at->slot->bound;
    tn_column arguments[4];
    for (;;) {
        if (at->at == at->count) {
            TN_RETURN_IF_ERROR(tn_merge__next(at->merge, TN_BATCH_ROWS, at->rows, &at->count, err));
            at->at = 0;
            const uint32_t offset = at->sorter->layout->fields[at->sorter->first_payload].offset;
            for (uint32_t i = 0; i < at->count; i++) {
                memcpy(&at->numbers[i], at->rows[i] + offset, 8);
            }
            if (at->count == 0) {
                return TARN_OK;
            }
        }
        uint32_t end = at->at;
        while (end < at->count && at->numbers[end] == number) {
            end++;
        }
        if (end == at->at) {
            return TARN_OK;
        }
        for (uint32_t a = 0; a < bound->argument_count; a++) {
            TN_RETURN_IF_ERROR(tn_row_reader_gather(at->reader, at->sorter->first_payload + 1 + a,
                                                    at->rows + at->at, end - at->at, NULL,
                                                    end - at->at, &arguments[a], err));
        }
        TN_RETURN_IF_ERROR(
            bound->ops->stream_rows(bound, at->state, arguments, NULL, end - at->at, err));
        at->at = end;
    }
}

static TN_FALLIBLE run_group(tn_agg_ordered *ordered, stream *at, uint64_t number,
                             const uint64_t counts[2], tn_value *value, tarn_error *err)
{
    const tn_bound_aggregate *bound = at->slot->bound;
    TN_RETURN_IF_ERROR(
        bound->ops->stream_begin(bound, at->state, ordered->pool, counts[0], counts[1], err));
    at->running = true;
    TN_RETURN_IF_ERROR(feed(at, number, err));
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
            uint64_t counts[2];
            tn_value value;
            memcpy(&number, groups[i] + ordered->op->index_at, 8);
            memcpy(counts, groups[i] + at->slot->counts, 16);
            tn_arena_reset(&ordered->arena);
            const tarn_code code = run_group(ordered, at, number, counts, &value, err);
            if (code != TARN_OK) {
                return explain_group(at->slot, "", counts[0], code, err);
            }
        }
        tn_chunk_release(at->chunk);
        at->chunk = NULL;
        TN_RETURN_IF_ERROR(tn_chunk_builder_finish(at->builder, &at->chunk, err));
        columns[s] = at->chunk->columns[0];
    }
    return TARN_OK;
}
