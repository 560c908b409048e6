/* GROUP BY: the end that takes batches (aggregate_internal.h says how). */
#include "exec/aggregate_internal.h"

#include "base/size.h"
#include "kernel/hash_column.h"

#include <math.h>

enum {
    WINDOW = 64 << 10,       /* rows between two looks at the reduction */
    SCATTER_MIN = 256 << 10, /* rows scattered before the table is tried again */
    SCATTER_MAX = 4 << 20,
    LOCAL_MIN = 256 << 10,
    LOCAL_MAX = 8 << 20, /* bytes of a task's table: what caches hold, about */
    GROW_MAX = 256 << 20,
    REPEATS_MIN = 256, /* rows of known groups that an estimate stands on */
    PART_MIN = 512 << 10,
    SMALL = 512 << 10, /* bytes of rows that are not worth partitions */
    BITS_LITTLE = 4,
    BITS_SMALL = 6,
    BITS_LARGE = 8
};
static const size_t LITTLE_BUDGET = (size_t)20 << 20;
static const size_t LARGE_BUDGET = (size_t)512 << 20;

typedef struct agg_task {
    tn_operator_task base;
    tn_aggregation *op;
    tn_pool *pool;
    tn_inputs *inputs;
    tn_groups *groups;
    tn_row_writer *raw_writer;
    tn_rows *raw, *states; /* by partition; NULL until needed */
    uint64_t *seen;        /* TN_AGG_SEEN bits a partition, beside raw, of ordered aggregates */
    tn_agg_feed *feed;     /* NULL: none is direct */
    uint8_t *part_of;
    uint8_t **rows;
    uint64_t window_rows, window_groups; /* since the last look */
    uint64_t scatter_left, scatter_next; /* rows that go unaggregated */
    bool frozen;                         /* the table takes no more groups */
    uint64_t table_rows;                 /* that the groups at hand were made of */
    size_t table_max;                    /* bytes of the table */
    bool outgrew;                        /* it grew, and did not hold all groups */
    uint64_t morsel;
    uint32_t part;
    uint64_t taken;
} agg_task;

static TN_FALLIBLE make_sets(const agg_task *task, const tn_row_layout *layout, bool evictable,
                             tn_rows **out, tarn_error *err)
{
    tn_aggregation *op = task->op;
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc(task->pool, op->parts * sizeof(tn_rows), &memory, err));
    *out = memory;
    for (uint32_t p = 0; p < op->parts; p++) {
        tn_rows_init(&(*out)[p], layout, &op->pool, evictable ? op->run->spill : NULL);
        (*out)[p].page_max = op->page_max;
    }
    return TARN_OK;
}

static void free_sets(const agg_task *task, tn_rows *sets)
{
    for (uint32_t p = 0; sets != NULL && p < task->op->parts; p++) {
        tn_rows_clear(&sets[p]);
    }
    tn_pool_free(task->pool, sets, task->op->parts * sizeof(tn_rows));
}

static void task_close(tn_operator_task *base)
{
    agg_task *task = (agg_task *)base;
    tn_groups__destroy(task->groups);
    tn_inputs__destroy(task->inputs);
    tn_row_writer_destroy(task->raw_writer);
    free_sets(task, task->raw);
    free_sets(task, task->states);
    tn_agg_feed__destroy(task->feed);
    tn_pool_free(task->pool, task->seen, task->op->parts * (TN_AGG_SEEN / 8));
    tn_pool_free(task->pool, task->part_of, TN_BATCH_ROWS);
    tn_pool_free(task->pool, task->rows, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code task_open(tn_operator *base, const tn_task *task, tn_operator_task **out,
                           tarn_error *err)
{
    tn_aggregation *op = (tn_aggregation *)base;
    tarn_code code = TARN_OK;
    agg_task *made = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, sizeof(*made), &memory, err));
    made = memory;
    made->base.ops = base->ops;
    made->op = op;
    made->pool = task->pool;
    made->morsel = UINT64_MAX;
    made->scatter_next = SCATTER_MIN;
    made->frozen = op->has_ordered && op->direct == NULL;
    made->table_max = op->local_max;
    TN_TRY(tn_inputs__create(op->program, op->expr_count, task->pool, &made->inputs, err));
    TN_TRY(tn_groups__create(op, task->pool, 1, !op->has_move, &made->groups, err));
    TN_TRY(tn_pool_alloc(task->pool, TN_BATCH_ROWS, (void **)&made->part_of, err));
    if (op->direct != NULL) {
        TN_TRY(tn_agg_feed__create(op->direct, task->pool, &made->feed, err));
    }
    TN_TRY(tn_pool_alloc(task->pool, TN_BATCH_ROWS * sizeof(void *), (void **)&made->rows, err));
    *out = &made->base;
    made = NULL;
done:
    if (made != NULL) {
        task_close(&made->base);
    }
    return code;
}

static void parts_of(const tn_aggregation *op, const uint64_t *hashes, uint32_t count,
                     uint8_t *part_of)
{
    if (op->bits == 0) {
        memset(part_of, 0, count);
        return;
    }
    const unsigned shift = 64 - op->bits;
    for (size_t i = 0; i < count; i++) {
        part_of[i] = (uint8_t)(hashes[i] >> shift);
    }
}

/* Copies a set of groups to partitions. */
static TN_FALLIBLE partition_groups(const tn_aggregation *op, tn_rows *from, tn_rows *into,
                                    tarn_error *err)
{
    tarn_code code = TARN_OK;
    uint8_t *rows[512];
    uint8_t *copies[512];
    uint64_t hashes[512];
    uint8_t part_of[512];
    tn_rows_cursor cursor = {.rows = from};
    uint32_t count;
    do {
        TN_TRY(tn_rows_cursor_next(&cursor, 512, rows, &count, err));
        for (uint32_t i = 0; i < count; i++) {
            hashes[i] = tn_group__hash(rows[i]);
        }
        parts_of(op, hashes, count, part_of);
        TN_TRY(tn_rows_copy(into, part_of, rows, count, copies, err));
    } while (count > 0);
done:
    tn_rows_cursor_close(&cursor);
    return code;
}

static TN_FALLIBLE flush(agg_task *task, tarn_error *err)
{
    tn_groups *groups = task->groups;
    if (task->states == NULL) {
        TN_RETURN_IF_ERROR(make_sets(task, task->op->groups, true, &task->states, err));
    }
    if (groups->set_count > 1) {
        for (uint32_t p = 0; p < task->op->parts; p++) {
            tn_rows_append(&task->states[p], &groups->sets[p]);
        }
    } else {
        TN_RETURN_IF_ERROR(partition_groups(task->op, &groups->sets[0], task->states, err));
        tn_rows_clear(&groups->sets[0]);
    }
    if (task->table_max > task->op->local_max) {
        tn_groups__shrink(groups);
        task->outgrew = true;
        task->table_max = task->op->local_max;
    }
    tn_groups__reset(groups);
    task->table_rows = 0;
    return TARN_OK;
}

/* Keys and arguments as they are, to their partition. */
static TN_FALLIBLE scatter(agg_task *task, const tn_batch *part, uint64_t rank, tarn_error *err)
{
    tn_aggregation *op = task->op;
    tn_inputs *inputs = task->inputs;
    const uint32_t count = part->selected;

    if (task->raw == NULL) {
        TN_RETURN_IF_ERROR(
            tn_row_writer_create(task->pool, op->raw, op->key_count, &task->raw_writer, err));
        TN_RETURN_IF_ERROR(make_sets(task, op->raw, true, &task->raw, err));
        if (op->has_ordered) {
            TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, op->parts * (TN_AGG_SEEN / 8),
                                                    (void **)&task->seen, err));
        }
    }
    for (uint32_t s = 0; s < op->slot_count; s++) {
        const tn_agg_slot *slot = &op->slots[s];
        tn_batch rows = *part;
        if (slot->filter != TN_NO_EXPR) {
            TN_RETURN_IF_ERROR(tn_agg__filter(slot, inputs->columns, part, task->groups->which,
                                              &rows.selected, err));
            for (uint32_t i = 0; i < rows.selected; i++) {
                task->groups->selection[i] = (uint16_t)tn_batch_row(part, task->groups->which[i]);
            }
            rows.selection = task->groups->selection;
        }
        for (uint32_t a = 0; a < slot->bound->argument_count; a++) {
            const tn_column *column = &inputs->columns[slot->arguments + a];
            const bool plain = column->type->lane != TN_LANE_view;
            TN_RETURN_IF_ERROR(tn_inputs__raise(column, plain ? &rows : part, err));
        }
        for (uint32_t o = 0; o < slot->order_count; o++) {
            TN_RETURN_IF_ERROR(tn_inputs__raise(&inputs->columns[slot->order + o], part, err));
        }
    }
    TN_RETURN_IF_ERROR(
        tn_row_writer_prepare(task->raw_writer, inputs->pointers, part->selection, count, err));
    for (uint32_t k = 0; k < op->key_count; k++) {
        tn_hash_column(&task->raw_writer->columns[k], count, k > 0, task->groups->hashes);
    }
    parts_of(op, task->groups->hashes, count, task->part_of);
    for (uint32_t i = 0; task->seen != NULL && i < count; i++) {
        tn_agg__see(task->seen + task->part_of[i] * (TN_AGG_SEEN / 64), task->groups->hashes[i]);
    }
    tn_row_writer_measure(task->raw_writer, count);
    TN_RETURN_IF_ERROR(tn_row_writer_add(task->raw_writer, task->raw, task->part_of, NULL, count,
                                         task->rows, err));
    for (uint32_t i = 0; op->has_rank && i < count; i++) {
        const uint64_t own = rank + tn_batch_row(part, i);
        memcpy(task->rows[i], &own, 8);
    }
    tn_row_writer_settle(task->raw_writer);
    return TARN_OK;
}

/*
 * How many groups there are, if `rows` rows drew `seen` of them and all come as often as each
 * other: seen / rows = (1 - exp(-x)) / x, where x = rows / groups.  INFINITY: hardly one came
 * twice.
 */
static double groups_expected(uint64_t rows, uint64_t seen)
{
    const double share = (double)seen / (double)rows;
    double low = 0;
    double high = 64;
    if (rows - seen < REPEATS_MIN) {
        return INFINITY;
    }
    for (int i = 0; i < 40; i++) {
        const double x = (low + high) / 2;
        if ((1 - exp(-x)) / x > share) {
            low = x;
        } else {
            high = x;
        }
    }
    return (double)rows / high;
}

/* Whether a larger table will hold all groups. */
static bool may_grow(const agg_task *task)
{
    enum { ENTRIES = 4 * 8 }; /* of the directory, a group, at most */
    const tn_aggregation *op = task->op;
    const tn_groups *groups = task->groups;
    if (op->grow_max == 0 || task->outgrew || groups->count == 0) {
        return false;
    }
    if (task->table_max > op->local_max) {
        return true; /* it was decided */
    }
    const double row = (double)groups->sets[0].bytes / (double)groups->count;
    const double bytes = groups_expected(task->table_rows, groups->count) * (row + ENTRIES);
    /* What is free depends on chance; where results must not, what may be used is to do. */
    const size_t free =
        op->run->deterministic ? SIZE_MAX : tn_run__available(op->run) / 2 / op->threads;
    return bytes < (double)tn_min_size(op->grow_max, free);
}

/* Looks at what the table gained in the last window, and at its size. */
static TN_FALLIBLE weigh(agg_task *task, uint64_t groups_before, uint32_t rows, tarn_error *err)
{
    task->window_rows += rows;
    task->window_groups += task->groups->count - groups_before;
    task->table_rows += rows;
    if (task->window_rows >= WINDOW) {
        if (2 * task->window_groups > task->window_rows && !may_grow(task)) {
            task->scatter_left = task->scatter_next;
            task->scatter_next = tn_min_size(2 * task->scatter_next, SCATTER_MAX);
        }
        task->window_rows = task->window_groups = 0;
    }
    if (tn_groups__bytes(task->groups) <= task->table_max) {
        return TARN_OK;
    }
    if (task->op->has_move) {
        task->frozen = true;
        return TARN_OK;
    }
    if (task->table_max == task->op->local_max && may_grow(task)) {
        task->table_max = task->op->grow_max;
        return tn_groups__spread(task->groups, err);
    }
    return flush(task, err);
}

static tarn_code take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                      tarn_error *err)
{
    agg_task *task = (agg_task *)base;
    const tn_aggregation *op = task->op;
    tn_batch part;
    bool more;

    *answer = TN_MORE_INPUT;
    task->part = in->tag.morsel == task->morsel ? task->part + 1 : 0;
    task->morsel = in->tag.morsel;
    const uint64_t rank = tn_rank__of(&in->tag, task->part);
    for (;;) {
        TN_RETURN_IF_ERROR(tn_inputs__part(task->inputs, in, &part, &more, err));
        if (!more) {
            return TARN_OK;
        }
        task->taken += part.selected;
        for (uint32_t k = 0; k < op->key_count; k++) {
            TN_RETURN_IF_ERROR(tn_inputs__raise(&task->inputs->columns[k], &part, err));
        }
        if (task->frozen || task->scatter_left > 0) {
            TN_RETURN_IF_ERROR(scatter(task, &part, rank, err));
            task->scatter_left -= tn_min_size(task->scatter_left, part.selected);
            continue;
        }
        const uint64_t before = task->groups->count;
        TN_RETURN_IF_ERROR(tn_groups__look_up(task->groups, task->inputs->pointers, &part, err));
        TN_RETURN_IF_ERROR(
            tn_groups__update(task->groups, task->inputs->columns, &part, rank, NULL, err));
        if (task->feed != NULL) { /* the table holds one group */
            TN_RETURN_IF_ERROR(
                tn_agg_feed__add(task->feed, task->inputs->columns, &part, NULL, rank, NULL, err));
            continue;
        }
        TN_RETURN_IF_ERROR(weigh(task, before, part.selected, err));
    }
}

/* ---- handing over ---- */

static TN_FALLIBLE make_partitions(tn_aggregation *op, tarn_error *err)
{
    void *memory;
    if (op->partitions != NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_pool_alloc_zeroed(&op->pool, op->parts * sizeof(tn_agg_part), &memory, err));
    op->partitions = memory;
    op->partition_count = op->partition_capacity = op->parts;
    for (uint32_t p = 0; p < op->parts; p++) {
        tn_rows_init(&op->partitions[p].raw, op->raw, &op->pool, op->run->spill);
        tn_rows_init(&op->partitions[p].states, op->groups, &op->pool,
                     op->has_move ? NULL : op->run->spill);
    }
    return TARN_OK;
}

static tarn_code combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    agg_task *task = (agg_task *)base;
    tn_aggregation *op = task->op;
    tarn_code code = TARN_OK;

    *answer = TN_MORE_INPUT;
    if (task->feed != NULL) {
        TN_RETURN_IF_ERROR(tn_agg_feed__finish(task->feed, err));
        tn_agg_feed__destroy(task->feed);
        task->feed = NULL;
    }
    pthread_mutex_lock(&op->lock);
    op->rows += task->taken;
    task->taken = 0;
    if (task->raw != NULL || task->states != NULL) {
        TN_TRY(make_partitions(op, err));
        for (uint32_t p = 0; p < op->parts; p++) {
            if (task->raw != NULL) {
                tn_rows_append(&op->partitions[p].raw, &task->raw[p]);
            }
            op->partitions[p].has_seen = op->has_ordered;
            for (uint32_t i = 0; task->seen != NULL && i < TN_AGG_SEEN / 64; i++) {
                op->partitions[p].seen[i] |= task->seen[p * (TN_AGG_SEEN / 64) + i];
            }
            if (task->states != NULL) {
                tn_rows_append(&op->partitions[p].states, &task->states[p]);
            }
        }
    }
    op->mixed = op->mixed || task->raw != NULL || task->states != NULL;
    if (task->groups->set_count > 1) {
        TN_TRY(make_partitions(op, err));
        for (uint32_t p = 0; p < op->parts; p++) {
            tn_rows_append(&op->partitions[p].states, &task->groups->sets[p]);
        }
        op->spread_count += task->groups->count > 0;
        tn_groups__shrink(task->groups);
        task->groups->count = 0;
    } else if (task->groups->count > 0) {
        tn_rows_append(&op->locals, &task->groups->sets[0]);
        op->local_count++;
        task->groups->count = 0;
    }
    if (task->groups->heap != NULL) { /* the states point into it */
        task->groups->heap->next = op->heaps;
        op->heaps = task->groups->heap;
        task->groups->heap = NULL;
    }
done:
    pthread_mutex_unlock(&op->lock);
    return code;
}

/* So few rows that partitions would only cost: one of all. */
static void join_small_parts(tn_aggregation *op)
{
    size_t bytes = 0;
    for (size_t p = 0; p < op->partition_count; p++) {
        bytes += op->partitions[p].raw.count * (op->raw->row_size + 64) +
                 op->partitions[p].states.count * (op->groups->row_size + 64);
    }
    if (bytes < SMALL) {
        for (size_t p = 1; p < op->partition_count; p++) {
            tn_rows_append(&op->partitions[0].raw, &op->partitions[p].raw);
            tn_rows_append(&op->partitions[0].states, &op->partitions[p].states);
        }
        op->partition_count = 1;
    }
}

static tarn_code finalise(tn_operator *base, const tn_task *task, tn_answer *answer,
                          tarn_error *err)
{
    tn_aggregation *op = (tn_aggregation *)base;
    tarn_code code = TARN_OK;
    tn_rows *sets = NULL;

    (void)task;
    *answer = TN_MORE_INPUT;
    if (op->partitions == NULL && op->locals.bytes <= op->part_max) { /* one, in memory */
        const uint32_t parts = op->parts;
        op->parts = 1;
        code = make_partitions(op, err);
        op->parts = parts;
        TN_TRY(code);
        op->partitions[0].whole = op->local_count == 1;
        tn_rows_append(&op->partitions[0].states, &op->locals);
        goto done;
    }
    TN_TRY(make_partitions(op, err));
    for (uint32_t p = 0; p < op->parts; p++) {
        op->partitions[p].whole = op->spread_count == 1 && !op->mixed && op->locals.count == 0;
    }
    if (op->locals.count > 0) {
        TN_TRY(tn_pool_alloc(&op->pool, op->parts * sizeof(tn_rows), (void **)&sets, err));
        for (uint32_t p = 0; p < op->parts; p++) {
            tn_rows_init(&sets[p], op->groups, &op->pool, op->has_move ? NULL : op->run->spill);
            sets[p].page_max = op->page_max;
        }
        code = partition_groups(op, &op->locals, sets, err);
        for (uint32_t p = 0; p < op->parts; p++) {
            if (code == TARN_OK) {
                tn_rows_append(&op->partitions[p].states, &sets[p]);
            } else {
                tn_rows_clear(&sets[p]);
            }
        }
        tn_rows_clear(&op->locals);
    }
    join_small_parts(op);
done:
    tn_pool_free(&op->pool, sets, op->parts * sizeof(tn_rows));
    return tn_spill_explain(op->run->spill, code, err);
}

tarn_code tn_agg__scan(tn_operator *base, tn_scan **out, tarn_error *err)
{
    tn_aggregation *op = (tn_aggregation *)base;
    (void)err;
    op->scan.ops = base->ops == &tn_agg__one_ops ? &tn_agg__one_scan_ops : &tn_agg__scan_ops;
    *out = &op->scan;
    return TARN_OK;
}

void tn_agg__destroy(tn_operator *base)
{
    tn_aggregation *op = (tn_aggregation *)base;
    tn_agg_ordered__destroy(op->direct);
    for (size_t p = 0; p < op->partition_count; p++) {
        tn_rows_clear(&op->partitions[p].raw);
        tn_rows_clear(&op->partitions[p].states);
    }
    if (op->groups != NULL) {
        tn_rows_clear(&op->locals);
    }
    tn_pool_free(&op->pool, op->partitions, op->partition_capacity * sizeof(tn_agg_part));
    while (op->heaps != NULL) {
        tn_agg_heap *gone = op->heaps;
        op->heaps = gone->next;
        tn_arena_deinit(&gone->arena);
        tn_pool_free(gone->arena.pool, gone, sizeof(*gone));
    }
    for (size_t i = 0; i < op->morsel_count; i++) {
        tn_pool_free(&op->pool, op->morsels[i].states, op->groups->row_size);
    }
    tn_pool_free(&op->pool, op->morsels, op->morsel_capacity * sizeof(tn_agg_morsel));
    tn_row_layout_destroy(op->groups);
    tn_row_layout_destroy(op->raw);
    pthread_mutex_destroy(&op->lock);
    tn_pool_deinit(&op->pool);
    tn_pool_free(op->run->pool, op, sizeof(*op));
}

/* ---- planning ---- */

static uint32_t expressions_of(const tn_expr *aggregate)
{
    const uint32_t arguments = tn_expr_bound_aggregate(aggregate)->argument_count;
    return arguments + (aggregate->filter != NULL) + aggregate->order_count;
}

/* All expressions of the operator, in one program; what each aggregate finds where. */
static TN_FALLIBLE plan_slots(tn_aggregation *op, const tn_expr *const *keys,
                              const tn_expr *const *aggregates, const tn_layout *layout,
                              tarn_error *err)
{
    tn_arena *arena = op->run->expr->arena;
    const tn_expr **exprs;
    const tn_type **types;
    uint32_t exact = 0;
    uint32_t count = op->key_count;

    for (uint32_t s = 0; s < op->slot_count; s++) {
        count += expressions_of(aggregates[s]);
    }
    op->expr_count = count;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_expr *, count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_type *, count, &types, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_agg_slot, op->slot_count, &op->slots, err));
    count = 0;
    for (uint32_t k = 0; k < op->key_count; k++) {
        exprs[count++] = keys[k];
    }
    for (uint32_t s = 0; s < op->slot_count; s++) {
        const tn_expr *aggregate = aggregates[s];
        tn_agg_slot *slot = &op->slots[s];
        slot->bound = tn_expr_bound_aggregate(aggregate);
        slot->arguments = count;
        for (uint32_t a = 0; a < slot->bound->argument_count; a++) {
            exprs[count++] = aggregate->children[a];
        }
        slot->filter = TN_NO_EXPR;
        if (aggregate->filter != NULL) {
            slot->filter = count;
            exprs[count++] = aggregate->filter;
        }
        slot->order = count;
        slot->order_count = slot->bound->is_ordered ? aggregate->order_count : 0;
        for (uint32_t o = 0; o < slot->order_count; o++) {
            exprs[count++] = aggregate->order[o].expr;
        }
        op->has_move = op->has_move || slot->bound->ops->move != NULL;
        op->has_ordered = op->has_ordered || slot->bound->is_ordered;
        exact += slot->bound->ops->is_exact && slot->filter == TN_NO_EXPR;
        const bool by_value = slot->bound->sorted_by_value && slot->order_count == 0;
        op->has_rank =
            op->has_rank || slot->bound->keeps_tag || (slot->bound->is_ordered && !by_value);
    }
    op->has_exact = exact > 0 && 2 * exact >= op->slot_count; /* else it does not pay */
    op->expr_count = count;
    for (uint32_t i = 0; i < count; i++) {
        types[i] = exprs[i]->type;
    }
    op->expr_types = types;
    return tn_program_compile(op->run->expr, exprs, count, layout, op->run->parameters,
                              &op->program, err);
}

/* The earlier slot whose state says all that this one's would; NULL: none. */
static const tn_agg_slot *twin(const tn_aggregation *op, uint32_t index)
{
    const tn_bound_aggregate *own = op->slots[index].bound;
    if (own->is_ordered || own->keeps_tag || own->data != NULL ||
        !(own->takes_narrow || own->argument_count == 0)) {
        return NULL;
    }
    for (uint32_t s = 0; s < index; s++) {
        const tn_bound_aggregate *bound = op->slots[s].bound;
        const tn_expr *a = own->expr;
        const tn_expr *b = bound->expr;
        bool same = bound->ops->update == own->ops->update && bound->ops->init == own->ops->init &&
                    bound->state_size == own->state_size && a->child_count == b->child_count &&
                    (a->filter == NULL) == (b->filter == NULL) &&
                    (a->filter == NULL || tn_expr_equal(a->filter, b->filter));
        for (uint32_t i = 0; same && i < a->child_count; i++) {
            same = tn_expr_equal(a->children[i], b->children[i]);
        }
        if (same) {
            return &op->slots[s];
        }
    }
    return NULL;
}

static TN_FALLIBLE plan_layouts(tn_aggregation *op, tarn_error *err)
{
    uint32_t header = 8; /* the hash */
    op->index_at = header;
    if (op->has_ordered) {
        header += 8;
        for (uint32_t s = 0; s < op->slot_count; s++) {
            op->slots[s].counts = header;
            header += op->slots[s].bound->is_ordered ? (uint32_t)sizeof(tn_agg_counts) : 0;
        }
    }
    for (uint32_t s = 0; s < op->slot_count; s++) {
        const tn_bound_aggregate *bound = op->slots[s].bound;
        const size_t size = op->key_count == 0 ? tn_max_size(bound->single_size, bound->state_size)
                                               : bound->state_size;
        const tn_agg_slot *same = twin(op, s);
        op->slots[s].is_shared = same != NULL;
        if (same != NULL) {
            op->slots[s].state = same->state;
            continue;
        }
        op->slots[s].state = header;
        header += bound->is_ordered ? 0 : (uint32_t)tn_round_up(size, 8);
    }
    TN_RETURN_IF_ERROR(
        tn_row_layout_create(&op->pool, op->expr_types, op->key_count, header, &op->groups, err));
    tn_rows_init(&op->locals, op->groups, &op->pool, op->has_move ? NULL : op->run->spill);
    return tn_row_layout_create(&op->pool, op->expr_types, op->expr_count, op->has_rank ? 8 : 0,
                                &op->raw, err);
}

static void plan_memory(tn_aggregation *op, uint32_t sharers)
{
    const size_t budget = tn_run__budget(op->run) / sharers;
    const size_t threads = op->run->threads == 0 || op->run->deterministic ? 1 : op->run->threads;
    bool has_text = false;
    for (uint32_t k = 0; k < op->key_count; k++) {
        has_text = has_text || op->groups->fields[k].lane == TN_LANE_view;
    }
    op->threads = threads;
    op->bits = op->key_count == 0        ? 0
               : budget >= LARGE_BUDGET  ? BITS_LARGE
               : budget >= LITTLE_BUDGET ? BITS_SMALL
                                         : BITS_LITTLE;
    op->parts = 1U << op->bits;
    op->local_max = tn_max_size(LOCAL_MIN, tn_min_size(LOCAL_MAX, budget / 8 / threads));
    /* Numbers alone are cheaper kept as rows and aggregated in parts that caches hold. */
    op->grow_max = has_text && !op->has_move && !op->has_ordered
                       ? tn_min_size(GROW_MAX, budget / 4 / threads)
                       : 0;
    op->grow_max = op->grow_max > op->local_max ? op->grow_max : 0;
    /* Texts in states lie beside the rows, and are not evicted: a part takes several times as much.
     */
    op->part_max = tn_max_size(PART_MIN, budget / (op->has_move ? 24 : 6) / threads);
    /* Less than half: who takes the groups may sort them, and ordered aggregates sort their rows.
     */
    op->table_max = budget / 16 * (op->has_ordered ? 4 : 7) / threads;
    op->page_max = tn_max_size(4096, tn_min_size(256 << 10, budget / 16 / threads / op->parts));
}

static void share_budget(tn_operator *base, uint32_t sharers)
{
    plan_memory((tn_aggregation *)base, sharers);
}

tarn_code tn_aggregate_create(tn_run *run, const tn_expr *const *keys, uint32_t key_count,
                              const tn_expr *const *aggregates, uint32_t aggregate_count,
                              const tn_layout *layout, bool input_ordered, double groups_estimate,
                              tn_operator **out, tarn_error *err)
{
    static const tn_operator_ops ops = {.name = "aggregate",
                                        .task_open = task_open,
                                        .task_close = task_close,
                                        .take = take,
                                        .combine = combine,
                                        .finalise = finalise,
                                        .scan = tn_agg__scan,
                                        .destroy = tn_agg__destroy,
                                        .share_budget = share_budget};
    tarn_code code = TARN_OK;
    tn_aggregation *op = NULL;

    (void)groups_estimate;
    *out = NULL;
    TN_TRY(tn_block__new(run, sizeof(*op), &op, err));
    op->base.ops = &ops;
    op->run = run;
    tn_pool_init(&op->pool, run->pool, "aggregate", SIZE_MAX);
    pthread_mutex_init(&op->lock, NULL);
    op->key_count = key_count;
    op->slot_count = aggregate_count;
    op->input_ordered = input_ordered;
    TN_TRY(plan_slots(op, keys, aggregates, layout, err));
    TN_TRY(plan_layouts(op, err));
    plan_memory(op, 1);
    op->short_key = key_count == 1 && op->groups->fields[0].size <= 8 &&
                    op->groups->fields[0].lane != TN_LANE_none;
    if (key_count == 0 && !op->has_ordered) {
        op->base.ops = &tn_agg__one_ops;
    } else if (key_count == 0) {
        TN_TRY(tn_agg_ordered__create(op, &op->pool, &op->direct, err));
    }
    *out = &op->base;
    op = NULL;
done:
    if (op != NULL) {
        tn_agg__destroy(&op->base);
    }
    return code;
}
