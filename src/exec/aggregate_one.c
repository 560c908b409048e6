/*
 * Aggregates without GROUP BY: one state a task.  Over ordered input each morsel has its own, and
 * they are merged by the morsels' numbers, so that float sums are the same to the bit for any
 * number of tasks (decision 5).
 */
#include "exec/aggregate_internal.h"

#include "base/sort.h"
#include "base/vec.h"

typedef struct one_task {
    tn_operator_task base;
    tn_aggregation *op;
    tn_pool *pool;
    tn_inputs *inputs;
    tn_agg_heap *heap;
    tn_scratch scratch[4];
    uint8_t *states; /* NULL: none begun */
    uint16_t *which, *selection;
    uint64_t morsel;
    uint32_t part;
    uint64_t taken;
} one_task;

static void task_close(tn_operator_task *base)
{
    one_task *task = (one_task *)base;
    tn_inputs__destroy(task->inputs);
    if (task->heap != NULL) {
        tn_arena_deinit(&task->heap->arena);
        tn_pool_free(task->heap->arena.pool, task->heap, sizeof(*task->heap));
    }
    for (uint32_t i = 0; i < 4; i++) {
        tn_scratch_deinit(&task->scratch[i]);
    }
    tn_pool_free(&task->op->pool, task->states, task->op->groups->row_size);
    tn_pool_free(task->pool, task->which, TN_BATCH_ROWS * sizeof(uint16_t));
    tn_pool_free(task->pool, task->selection, TN_BATCH_ROWS * sizeof(uint16_t));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code task_open(tn_operator *base, const tn_task *task, tn_operator_task **out,
                           tarn_error *err)
{
    tn_aggregation *op = (tn_aggregation *)base;
    tarn_code code = TARN_OK;
    one_task *made = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, sizeof(*made), &memory, err));
    made = memory;
    made->base.ops = base->ops;
    made->op = op;
    made->pool = task->pool;
    made->morsel = UINT64_MAX;
    for (uint32_t i = 0; i < 4; i++) {
        tn_scratch_init(&made->scratch[i], task->pool);
    }
    TN_TRY(tn_inputs__create(op->program, op->expr_count, task->pool, &made->inputs, err));
    TN_TRY(tn_pool_alloc(task->pool, TN_BATCH_ROWS * sizeof(uint16_t), (void **)&made->which, err));
    TN_TRY(tn_pool_alloc(task->pool, TN_BATCH_ROWS * sizeof(uint16_t), (void **)&made->selection,
                         err));
    if (op->has_move) {
        TN_TRY(tn_agg__heap_create(&op->pool, &made->heap, err));
    }
    *out = &made->base;
    made = NULL;
done:
    if (made != NULL) {
        task_close(&made->base);
    }
    return code;
}

static TN_FALLIBLE begin(tn_aggregation *op, uint8_t **states, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(&op->pool, op->groups->row_size, &memory, err));
    *states = memory;
    tn_agg__init_states(op, *states);
    return TARN_OK;
}

/* The morsel, or the task, is at its end: its states wait for the others. */
static TN_FALLIBLE hand_over(one_task *task, tarn_error *err)
{
    tn_aggregation *op = task->op;
    if (task->states == NULL) {
        return TARN_OK;
    }
    for (uint32_t s = 0; s < op->slot_count; s++) {
        const tn_bound_aggregate *bound = op->slots[s].bound;
        if (bound->ops->end_morsel != NULL && !op->slots[s].is_shared) {
            bound->ops->end_morsel(bound, task->states + op->slots[s].state);
        }
    }
    pthread_mutex_lock(&op->lock);
    const tarn_code code = tn_vec_grow(&op->pool, (void **)&op->morsels, &op->morsel_capacity,
                                       op->morsel_count, 1, sizeof(tn_agg_morsel), err);
    if (code == TARN_OK) {
        op->morsels[op->morsel_count++] = (tn_agg_morsel){task->morsel, task->states};
        task->states = NULL;
    }
    pthread_mutex_unlock(&op->lock);
    return code;
}

static TN_FALLIBLE update(one_task *task, const tn_batch *part, uint64_t rank, tarn_error *err)
{
    tn_aggregation *op = task->op;
    const tn_column *exprs = task->inputs->columns;
    tn_column arguments[4];

    for (uint32_t s = 0; s < op->slot_count; s++) {
        const tn_agg_slot *slot = &op->slots[s];
        tn_batch rows = *part;
        if (slot->is_shared) {
            continue;
        }
        if (slot->filter != TN_NO_EXPR) {
            TN_RETURN_IF_ERROR(tn_agg__filter(slot, exprs, part, task->which, &rows.selected, err));
            for (uint32_t i = 0; i < rows.selected; i++) {
                task->selection[i] = (uint16_t)tn_batch_row(part, task->which[i]);
            }
            rows.selection = task->selection;
        }
        const uint16_t *selection = rows.selection;
        bool flat = true;
        for (uint32_t a = 0; a < slot->bound->argument_count; a++) {
            const tn_column *column = &exprs[slot->arguments + a];
            TN_RETURN_IF_ERROR(tn_inputs__raise(column, &rows, err));
            flat = flat && column->encoding == TN_FLAT &&
                   (tn_lane)column->lane == tn_agg__lane(slot->bound, column);
            arguments[a] = *column;
        }
        for (uint32_t a = 0; !flat && a < slot->bound->argument_count; a++) {
            const tn_column *column = &exprs[slot->arguments + a];
            TN_RETURN_IF_ERROR(tn_column_flatten(column, rows.selection, rows.selected,
                                                 tn_agg__lane(slot->bound, column),
                                                 &task->scratch[a], &arguments[a], err));
            selection = NULL;
        }
        TN_RETURN_IF_ERROR(slot->bound->ops->update_one(
            slot->bound, task->states + slot->state, arguments, selection, rows.selected, rank,
            task->heap == NULL ? NULL : &task->heap->base, err));
    }
    return TARN_OK;
}

static tarn_code take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                      tarn_error *err)
{
    one_task *task = (one_task *)base;
    tn_batch part;
    bool more;

    *answer = TN_MORE_INPUT;
    task->part = in->tag.morsel == task->morsel ? task->part + 1 : 0;
    task->morsel = in->tag.morsel;
    if (task->states == NULL) {
        TN_RETURN_IF_ERROR(begin(task->op, &task->states, err));
    }
    for (;;) {
        TN_RETURN_IF_ERROR(tn_inputs__part(task->inputs, in, &part, &more, err));
        if (!more) {
            break;
        }
        TN_RETURN_IF_ERROR(update(task, &part, tn_rank__of(&in->tag, task->part), err));
        task->taken += part.selected;
    }
    return in->tag.last && task->op->input_ordered ? hand_over(task, err) : TARN_OK;
}

static tarn_code combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    one_task *task = (one_task *)base;
    tn_aggregation *op = task->op;

    *answer = TN_MORE_INPUT;
    TN_RETURN_IF_ERROR(hand_over(task, err));
    pthread_mutex_lock(&op->lock);
    op->rows += task->taken;
    task->taken = 0;
    if (task->heap != NULL) {
        task->heap->next = op->heaps;
        op->heaps = task->heap;
        task->heap = NULL;
    }
    pthread_mutex_unlock(&op->lock);
    return TARN_OK;
}

static int by_morsel(const void *a, const void *b, void *context)
{
    const uint64_t left = ((const tn_agg_morsel *)a)->morsel;
    const uint64_t right = ((const tn_agg_morsel *)b)->morsel;
    (void)context;
    return (left > right) - (left < right);
}

/* All states become the first one's. */
static tarn_code finalise(tn_operator *base, const tn_task *task, tn_answer *answer,
                          tarn_error *err)
{
    tn_aggregation *op = (tn_aggregation *)base;
    (void)task;
    *answer = TN_MORE_INPUT;
    if (op->morsel_count == 0) {
        uint8_t *states;
        TN_RETURN_IF_ERROR(tn_vec_grow(&op->pool, (void **)&op->morsels, &op->morsel_capacity, 0, 1,
                                       sizeof(tn_agg_morsel), err));
        TN_RETURN_IF_ERROR(begin(op, &states, err));
        op->morsels[op->morsel_count++] = (tn_agg_morsel){0, states};
        return TARN_OK;
    }
    tn_sort(op->morsels, op->morsel_count, sizeof(tn_agg_morsel), by_morsel, NULL);
    while (op->morsel_count > 1) { /* into the first, in order */
        for (size_t m = 1; m < op->morsel_count; m++) {
            for (uint32_t s = 0; s < op->slot_count; s++) {
                const tn_agg_slot *slot = &op->slots[s];
                if (slot->is_shared) {
                    continue;
                }
                void *into = op->morsels[0].states + slot->state;
                const void *from = op->morsels[m].states + slot->state;
                TN_RETURN_IF_ERROR(
                    slot->bound->ops->merge(slot->bound, &into, &from, 1,
                                            op->heaps == NULL ? NULL : &op->heaps->base, err));
            }
        }
        while (op->morsel_count > 1) {
            tn_pool_free(&op->pool, op->morsels[--op->morsel_count].states, op->groups->row_size);
        }
    }
    return TARN_OK;
}

const tn_operator_ops tn_agg__one_ops = {.name = "aggregate",
                                         .task_open = task_open,
                                         .task_close = task_close,
                                         .take = take,
                                         .combine = combine,
                                         .finalise = finalise,
                                         .scan = tn_agg__scan,
                                         .destroy = tn_agg__destroy};

/* ---- the one row ---- */

typedef struct one_scan_task {
    tn_scan_task base;
    tn_aggregation *op;
    tn_pool *pool;
    tn_agg_output *outputs;
    tn_column *columns;
} one_scan_task;

static void scan_task_close(tn_scan_task *base)
{
    one_scan_task *task = (one_scan_task *)base;
    const uint32_t count = task->op->slot_count;
    for (uint32_t s = 0; task->outputs != NULL && s < count; s++) {
        tn_pool_free(task->pool, task->outputs[s].values, task->outputs[s].size);
        tn_pool_free(task->pool, task->outputs[s].validity, TN_BATCH_ROWS / 8);
    }
    tn_pool_free(task->pool, task->outputs, count * sizeof(tn_agg_output));
    tn_pool_free(task->pool, task->columns, count * sizeof(tn_column));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code scan_task_open(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tn_aggregation *op = (tn_aggregation *)(void *)((char *)scan - offsetof(tn_aggregation, scan));
    tarn_code code = TARN_OK;
    one_scan_task *task = NULL;
    void *memory = NULL;
    const size_t count = op->slot_count;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = scan->ops;
    task->op = op;
    task->pool = pool;
    TN_TRY(tn_pool_alloc_zeroed(pool, count * sizeof(tn_agg_output), (void **)&task->outputs, err));
    TN_TRY(tn_pool_alloc(pool, count * sizeof(tn_column), (void **)&task->columns, err));
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        scan_task_close(&task->base);
    }
    return code;
}

static tarn_code scan_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                           tn_scan_answer *answer, tarn_error *err)
{
    one_scan_task *task = (one_scan_task *)base;
    tn_aggregation *op = task->op;
    (void)waker;
    pthread_mutex_lock(&op->lock);
    const bool mine = !op->ungrouped_taken;
    op->ungrouped_taken = true;
    pthread_mutex_unlock(&op->lock);
    *answer = mine ? TN_SCAN_BATCH : TN_SCAN_END;
    for (uint32_t s = 0; mine && s < op->slot_count; s++) {
        const void *state = op->morsels[0].states + op->slots[s].state;
        TN_RETURN_IF_ERROR(tn_agg__output(&op->slots[s], task->pool, &task->outputs[s], &state, 1,
                                          &task->columns[s], err));
    }
    *out = (tn_batch){.columns = task->columns,
                      .width = op->slot_count,
                      .rows = 1,
                      .selected = 1,
                      .tag = {0, 0, true}};
    return TARN_OK;
}

const tn_scan_ops tn_agg__one_scan_ops = {scan_task_open,
                                          scan_read,
                                          scan_task_close,
                                          tn_block__counters,
                                          tn_block__finish,
                                          tn_block__close,
                                          tn_block__one,
                                          NULL,
                                          NULL};
