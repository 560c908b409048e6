/* GROUP BY: the scan that aggregates one partition after the other and hands out its groups. */
#include "exec/aggregate_internal.h"

#include "base/vec.h"

enum { SPLIT_BITS = 4, SPLITS = 1 << SPLIT_BITS, LEVEL_MAX = 6 };

typedef struct merge_task {
    tn_scan_task base;
    tn_aggregation *op;
    tn_pool *pool;
    tn_groups *groups;
    tn_agg_ordered *ordered; /* of the part, or the operator's own */
    tn_agg_feed *feed;
    tn_row_reader *raw_reader, *group_reader;
    tn_column *exprs; /* of raw rows; also keys of states */
    const tn_column **keys;
    uint8_t **rows;
    uint64_t *ranks;
    uint8_t *part_of;
    tn_agg_output *outputs; /* one a slot */
    tn_column *columns;     /* keys, then aggregates */
    tn_agg_part part;       /* the one at hand */
    bool has_part;
    tn_rows_cursor cursor; /* over its groups */
    tn_numbering numbering;
} merge_task;

static tn_aggregation *op_of(tn_scan *scan)
{
    return (tn_aggregation *)(void *)((char *)scan - offsetof(tn_aggregation, scan));
}

static void drop_part(merge_task *task)
{
    tn_rows_cursor_close(&task->cursor);
    if (task->has_part) {
        tn_rows_clear(&task->part.raw);
        tn_rows_clear(&task->part.states);
    }
    task->has_part = false;
    tn_agg_feed__destroy(task->feed);
    task->feed = NULL;
    if (task->ordered != task->op->direct) {
        tn_agg_ordered__destroy(task->ordered);
    }
    task->ordered = NULL;
    if (task->groups != NULL) {
        tn_rows_clear(&task->groups->sets[0]);
        tn_groups__reset(task->groups);
        if (task->groups->heap != NULL) { /* its texts were handed out with the part */
            tn_arena_reset(&task->groups->heap->arena);
        }
    }
}

static void scan_task_close(tn_scan_task *base)
{
    merge_task *task = (merge_task *)base;
    const tn_aggregation *op = task->op;
    const size_t width = op->key_count + op->slot_count;
    drop_part(task);
    tn_groups__destroy(task->groups);
    tn_row_reader_destroy(task->raw_reader);
    tn_row_reader_destroy(task->group_reader);
    for (uint32_t s = 0; task->outputs != NULL && s < op->slot_count; s++) {
        tn_pool_free(task->pool, task->outputs[s].values, task->outputs[s].size);
        tn_pool_free(task->pool, task->outputs[s].validity, TN_BATCH_ROWS / 8);
    }
    tn_pool_free(task->pool, task->outputs, op->slot_count * sizeof(tn_agg_output));
    tn_pool_free(task->pool, task->exprs, op->expr_count * sizeof(tn_column));
    tn_pool_free(task->pool, task->keys, op->key_count * sizeof(void *));
    tn_pool_free(task->pool, task->rows, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_free(task->pool, task->ranks, TN_BATCH_ROWS * sizeof(uint64_t));
    tn_pool_free(task->pool, task->part_of, TN_BATCH_ROWS);
    tn_pool_free(task->pool, task->columns, width * sizeof(tn_column));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code scan_task_open(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tn_aggregation *op = op_of(scan);
    tarn_code code = TARN_OK;
    merge_task *task = NULL;
    void *memory = NULL;
    const size_t width = op->key_count + op->slot_count;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = scan->ops;
    task->op = op;
    task->pool = pool;
    task->numbering.morsels = &op->given;
    TN_TRY(tn_groups__create(op, pool, 1, !op->has_move, &task->groups, err));
    TN_TRY(tn_row_reader_create(pool, op->raw, &task->raw_reader, err));
    TN_TRY(tn_row_reader_create(pool, op->groups, &task->group_reader, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, op->slot_count * sizeof(tn_agg_output),
                                (void **)&task->outputs, err));
    TN_TRY(tn_pool_alloc(pool, op->expr_count * sizeof(tn_column), (void **)&task->exprs, err));
    TN_TRY(tn_pool_alloc(pool, op->key_count * sizeof(void *), (void **)&task->keys, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(void *), (void **)&task->rows, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(uint64_t), (void **)&task->ranks, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS, (void **)&task->part_of, err));
    TN_TRY(tn_pool_alloc(pool, width * sizeof(tn_column), (void **)&task->columns, err));
    for (uint32_t k = 0; k < op->key_count; k++) {
        task->keys[k] = &task->exprs[k];
    }
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        scan_task_close(&task->base);
    }
    return code;
}

/* The keys (and, of raw rows, all expressions) of rows as columns, and their hashes. */
static TN_FALLIBLE load(merge_task *task, bool raw, uint32_t count, tarn_error *err)
{
    const uint32_t fields = raw ? task->op->expr_count : task->op->key_count;
    tn_row_reader *reader = raw ? task->raw_reader : task->group_reader;
    for (uint32_t f = 0; f < fields; f++) {
        TN_RETURN_IF_ERROR(
            tn_row_reader_gather(reader, f, task->rows, count, NULL, count, &task->exprs[f], err));
    }
    return tn_groups__prepare(task->groups, task->keys, NULL, count, err);
}

static TN_FALLIBLE cancelled(const merge_task *task, tarn_error *err)
{
    return atomic_load_explicit(task->op->run->cancelled, memory_order_relaxed)
               ? tn_fail(err, TARN_E_CANCELLED, "cancelled")
               : TARN_OK;
}

static TN_FALLIBLE add_raw(merge_task *task, tarn_error *err)
{
    const tn_aggregation *op = task->op;
    tn_rows_cursor cursor = {.rows = &task->part.raw, .consume = true};
    tarn_code code = TARN_OK;
    uint32_t count;
    for (;;) {
        TN_TRY(tn_rows_cursor_next(&cursor, TN_BATCH_ROWS, task->rows, &count, err));
        if (count == 0) {
            break;
        }
        TN_TRY(cancelled(task, err));
        for (uint32_t i = 0; op->has_rank && i < count; i++) {
            memcpy(&task->ranks[i], task->rows[i], 8);
        }
        TN_TRY(load(task, true, count, err));
        TN_TRY(tn_groups__find(task->groups, count, err));
        const tn_batch batch = {
            .columns = task->exprs, .width = op->expr_count, .rows = count, .selected = count};
        TN_TRY(tn_groups__update(task->groups, task->exprs, &batch, 0,
                                 op->has_rank ? task->ranks : NULL, err));
        if (task->feed != NULL) {
            TN_TRY(tn_agg_feed__add(task->feed, task->exprs, &batch, task->groups->rows, 0,
                                    op->has_rank ? task->ranks : NULL, err));
        }
    }
done:
    tn_rows_cursor_close(&cursor);
    return code;
}

static TN_FALLIBLE add_states(merge_task *task, tarn_error *err)
{
    tn_rows_cursor cursor = {.rows = &task->part.states, .consume = true};
    tarn_code code = TARN_OK;
    uint32_t count;
    for (;;) {
        TN_TRY(tn_rows_cursor_next(&cursor, TN_BATCH_ROWS, task->rows, &count, err));
        if (count == 0) {
            break;
        }
        TN_TRY(cancelled(task, err));
        TN_TRY(load(task, false, count, err));
        TN_TRY(tn_groups__find(task->groups, count, err));
        TN_TRY(tn_groups__merge(task->groups, task->rows, count, err));
    }
done:
    tn_rows_cursor_close(&cursor);
    return code;
}

/* Whether a part has so few groups that their rows alone make it large: to split it by their hashes
 * would only copy them. */
static bool has_few_groups(const tn_agg_part *part)
{
    enum { FEW = TN_AGG_SEEN * 3 / 4 }; /* bits: some 700 groups */
    return part->has_seen && tn_bitmap_count(part->seen, TN_AGG_SEEN) <= FEW;
}

/* Where most rows went to partitions as they are, most made new groups. */
static bool has_many_groups(const merge_task *task)
{
    return !task->op->has_ordered && task->part.raw.count > task->part.states.count;
}

/* Groups of a part, at most: a bit that none of them set would be a wonder among more. */
static uint64_t groups_at_most(const tn_agg_part *part)
{
    const uint64_t rows = part->raw.count + part->states.count;
    const bool few = part->has_seen && tn_bitmap_count(part->seen, TN_AGG_SEEN) < TN_AGG_SEEN;
    return few && rows > 16 * TN_AGG_SEEN ? 16 * TN_AGG_SEEN : rows;
}

/* Whether a part is too much to aggregate at once: its rows, or the table of its groups. */
static bool is_large(const merge_task *task)
{
    const tn_aggregation *op = task->op;
    const tn_agg_part *part = &task->part;
    return op->key_count > 0 && part->level < LEVEL_MAX &&
           (part->raw.bytes + part->states.bytes > op->part_max ||
            tn_groups__need(task->groups, groups_at_most(part), has_many_groups(task)) >
                op->table_max) &&
           !has_few_groups(part);
}

/* Too much to aggregate at once: by the next bits of the hash into parts that others take, too. */
static TN_FALLIBLE split(merge_task *task, tarn_error *err)
{
    tn_aggregation *op = task->op;
    tarn_code code = TARN_OK;
    tn_rows sets[2][SPLITS];
    uint64_t seen[SPLITS][TN_AGG_SEEN / 64] = {{0}};
    uint8_t **copies = (uint8_t **)task->groups->states;
    const unsigned shift = 64 - op->bits - SPLIT_BITS * (task->part.level + 1);
    uint32_t count;

    for (uint32_t kind = 0; kind < 2; kind++) {
        const bool raw = kind == 0;
        for (uint32_t p = 0; p < SPLITS; p++) {
            tn_rows_init(&sets[kind][p], raw ? op->raw : op->groups, &op->pool,
                         !raw && op->has_move ? NULL : op->run->spill);
            sets[kind][p].page_max = 64 << 10;
        }
    }
    for (uint32_t kind = 0; kind < 2; kind++) {
        tn_rows_cursor cursor = {.rows = kind == 0 ? &task->part.raw : &task->part.states,
                                 .consume = true};
        do {
            code = tn_rows_cursor_next(&cursor, TN_BATCH_ROWS, task->rows, &count, err);
            if (code == TARN_OK && count > 0) {
                code = load(task, kind == 0, count, err);
            }
            for (uint32_t i = 0; code == TARN_OK && i < count; i++) {
                task->part_of[i] = (uint8_t)(task->groups->hashes[i] >> shift & (SPLITS - 1));
                tn_agg__see(seen[task->part_of[i]], task->groups->hashes[i]);
            }
            if (code == TARN_OK && count > 0) {
                code = tn_rows_copy(sets[kind], task->part_of, task->rows, count, copies, err);
            }
            if (code == TARN_OK) {
                code = cancelled(task, err);
            }
        } while (code == TARN_OK && count > 0);
        tn_rows_cursor_close(&cursor);
        TN_TRY(code);
    }
    pthread_mutex_lock(&op->lock);
    code = tn_vec_grow(&op->pool, (void **)&op->partitions, &op->partition_capacity,
                       op->partition_count, SPLITS, sizeof(tn_agg_part), err);
    for (uint32_t p = 0; code == TARN_OK && p < SPLITS; p++) {
        tn_rows_seal(&sets[0][p]);
        tn_rows_seal(&sets[1][p]);
        tn_agg_part *made = &op->partitions[op->partition_count++];
        *made = (tn_agg_part){.raw = sets[0][p],
                              .states = sets[1][p],
                              .level = task->part.level + 1,
                              .has_seen = true};
        memcpy(made->seen, seen[p], sizeof(made->seen));
        tn_rows_init(&sets[0][p], op->raw, &op->pool, op->run->spill);
        tn_rows_init(&sets[1][p], op->groups, &op->pool, op->run->spill);
    }
    pthread_mutex_unlock(&op->lock);
done:
    for (uint32_t p = 0; p < SPLITS; p++) {
        tn_rows_clear(&sets[0][p]);
        tn_rows_clear(&sets[1][p]);
    }
    return code;
}

/* Takes the next partition and makes its groups; `*done` where none is left. */
static TN_FALLIBLE next_part(merge_task *task, bool *end, tarn_error *err)
{
    tn_aggregation *op = task->op;

    for (;;) {
        drop_part(task);
        pthread_mutex_lock(&op->lock);
        *end = op->next_partition == op->partition_count;
        if (!*end) {
            tn_agg_part *part = &op->partitions[op->next_partition++];
            task->part = *part;
            tn_rows_init(&part->raw, op->raw, &op->pool, op->run->spill);
            tn_rows_init(&part->states, op->groups, &op->pool, op->run->spill);
            task->has_part = true;
        }
        pthread_mutex_unlock(&op->lock);
        if (*end) {
            return TARN_OK;
        }
        const uint64_t rows = task->part.raw.count + task->part.states.count;
        task->ordered = op->direct;
        if (op->direct != NULL) {
            TN_RETURN_IF_ERROR(tn_agg_ordered__finish(op->direct, err));
        }
        if (task->part.whole) {
            task->cursor = (tn_rows_cursor){.rows = &task->part.states};
            return TARN_OK;
        }
        if (is_large(task)) {
            TN_RETURN_IF_ERROR(split(task, err));
            continue;
        }
        if (rows == 0 && op->key_count > 0) {
            continue;
        }
        task->groups->most = rows;
        if (has_many_groups(task)) {
            TN_RETURN_IF_ERROR(tn_groups__reserve(task->groups, rows, err));
        }
        const bool fed = op->has_ordered && op->direct == NULL;
        if (fed) {
            TN_RETURN_IF_ERROR(tn_agg_ordered__create(op, task->pool, &task->ordered, err));
            TN_RETURN_IF_ERROR(tn_agg_feed__create(task->ordered, task->pool, &task->feed, err));
        }
        TN_RETURN_IF_ERROR(add_states(task, err));
        TN_RETURN_IF_ERROR(add_raw(task, err));
        if (task->groups->count == 0 && op->key_count == 0) { /* no rows: one group all the same */
            TN_RETURN_IF_ERROR(tn_groups__prepare(task->groups, task->keys, NULL, 1, err));
            TN_RETURN_IF_ERROR(tn_groups__find(task->groups, 1, err));
        }
        if (fed) {
            TN_RETURN_IF_ERROR(tn_agg_feed__finish(task->feed, err));
            tn_agg_feed__destroy(task->feed);
            task->feed = NULL;
            TN_RETURN_IF_ERROR(tn_agg_ordered__finish(task->ordered, err));
        }
        task->cursor = (tn_rows_cursor){.rows = &task->groups->sets[0]};
        return TARN_OK;
    }
}

tarn_code tn_agg__output(const tn_agg_slot *slot, tn_pool *pool, tn_agg_output *output,
                         const void *const *states, uint32_t count, tn_column *out, tarn_error *err)
{
    const tn_type *type = slot->bound->result_type;
    const size_t size = type->lane == TN_LANE_bool ? 1 : tn_lane_size(type->lane);
    void *memory;
    if (output->values == NULL) {
        TN_RETURN_IF_ERROR(tn_pool_alloc(pool, TN_BATCH_ROWS * size, &output->values, err));
        output->size = TN_BATCH_ROWS * size;
        TN_RETURN_IF_ERROR(tn_pool_alloc(pool, TN_BATCH_ROWS / 8, &memory, err));
        output->validity = memory;
    }
    memset(output->values, 0, output->size);
    memset(output->validity, 0xff, TN_BATCH_ROWS / 8);
    TN_RETURN_IF_ERROR(slot->bound->ops->finalise(slot->bound, states, count, output->values,
                                                  output->validity, err));
    *out =
        (tn_column){.type = type,
                    .lane = (uint8_t)type->lane,
                    .encoding = TN_FLAT,
                    .rows = count,
                    .values = output->values,
                    .validity = tn_bitmap_all(output->validity, count) ? NULL : output->validity};
    return TARN_OK;
}

static TN_FALLIBLE hand_out(merge_task *task, uint32_t count, tn_batch *out, tarn_error *err)
{
    tn_aggregation *op = task->op;
    for (uint32_t k = 0; k < op->key_count; k++) {
        TN_RETURN_IF_ERROR(tn_row_reader_gather(task->group_reader, k, task->rows, count, NULL,
                                                count, &task->columns[k], err));
    }
    for (uint32_t s = 0; s < op->slot_count; s++) {
        const tn_agg_slot *slot = &op->slots[s];
        if (slot->bound->is_ordered) {
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            task->groups->states[i] = task->rows[i] + slot->state;
        }
        TN_RETURN_IF_ERROR(tn_agg__output(slot, task->pool, &task->outputs[s],
                                          (const void *const *)task->groups->states, count,
                                          &task->columns[op->key_count + s], err));
    }
    if (task->ordered != NULL) {
        TN_RETURN_IF_ERROR(tn_agg_ordered__next(task->ordered, task->rows, count,
                                                task->columns + op->key_count, err));
    }
    *out = (tn_batch){.columns = task->columns,
                      .width = op->key_count + op->slot_count,
                      .rows = count,
                      .selected = count};
    tn_numbering__next(&task->numbering, out);
    return TARN_OK;
}

static tarn_code scan_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                           tn_scan_answer *answer, tarn_error *err)
{
    merge_task *task = (merge_task *)base;
    tarn_code code = TARN_OK;
    uint32_t count = 0;
    bool end;

    (void)waker;
    for (;;) {
        if (task->has_part) {
            TN_TRY(tn_rows_cursor_next(&task->cursor, task->cursor.rows->layout->batch_rows,
                                       task->rows, &count, err));
            if (count > 0) {
                TN_TRY(hand_out(task, count, out, err));
                *answer = TN_SCAN_BATCH;
                return TARN_OK;
            }
        }
        TN_TRY(next_part(task, &end, err));
        if (end) {
            tn_numbering__end(&task->numbering, out, answer);
            return TARN_OK;
        }
    }
done:
    return tn_spill_explain(task->op->run->spill, code, err);
}

static uint32_t expected(tn_scan *scan)
{
    return (uint32_t)op_of(scan)->partition_count;
}

const tn_scan_ops tn_agg__scan_ops = {scan_task_open,
                                      scan_read,
                                      scan_task_close,
                                      tn_block__counters,
                                      tn_block__finish,
                                      tn_block__close,
                                      expected,
                                      NULL,
                                      NULL};
