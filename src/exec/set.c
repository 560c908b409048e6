/*
 * EXCEPT and INTERSECT: both sides are grouped by the whole row, into one aggregation that counts
 * each group's rows by side; the scan gives as many copies of each group as the counts say.
 */
#include "exec/block_internal.h"
#include "expr/aggregate.h"

typedef struct set_counts {
    int64_t left, right;
} set_counts;

typedef struct set {
    tn_operator left, right;
    tn_run *run;
    _Atomic uint32_t refs; /* left and right */
    tn_plan_kind kind;
    bool all;
    uint32_t width;
    tn_operator *groups;
    tn_bound_aggregate bound;
    tn_scan scan;
    _Atomic(uint64_t) given; /* morsels, by the tasks of the scan */
    tn_scan *inner;
} set;

/* ---- the aggregate: how many copies ---- */

static void counts_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    *(set_counts *)state = (set_counts){0, 0};
}

static tarn_code counts_update(const tn_bound_aggregate *self, void *const *states,
                               const tn_column *arguments, const uint16_t *selection,
                               uint32_t count, uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    const int8_t *sides = arguments[0].values;
    (void)self, (void)rank, (void)heap, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        set_counts *state = states[i];
        const int8_t side = sides[selection == NULL ? i : selection[i]];
        state->left += side == 0;
        state->right += side != 0;
    }
    return TARN_OK;
}

static tarn_code counts_merge(const tn_bound_aggregate *self, void *const *into,
                              const void *const *from, uint32_t count, tn_state_heap *heap,
                              tarn_error *err)
{
    (void)self, (void)heap, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        ((set_counts *)into[i])->left += ((const set_counts *)from[i])->left;
        ((set_counts *)into[i])->right += ((const set_counts *)from[i])->right;
    }
    return TARN_OK;
}

static tarn_code counts_finalise(const tn_bound_aggregate *self, const void *const *states,
                                 uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    const set *op = self->data;
    (void)validity, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        const set_counts *state = states[i];
        int64_t copies;
        if (op->kind == TN_PLAN_EXCEPT) {
            copies = op->all ? state->left - state->right : state->right == 0 && state->left > 0;
        } else {
            copies = state->left < state->right ? state->left : state->right;
            copies = op->all ? copies : copies > 0;
        }
        ((int64_t *)values)[i] = copies < 0 ? 0 : copies;
    }
    return TARN_OK;
}

static const tn_aggregate_ops counts_ops = {.init = counts_init,
                                            .update = counts_update,
                                            .merge = counts_merge,
                                            .finalise = counts_finalise};

/* ---- the ends ---- */

typedef struct set_task {
    tn_operator_task base;
    set *op;
    tn_pool *pool;
    tn_operator_task *groups;
    tn_column *columns; /* the batch's, and the side */
    int8_t side;
} set_task;

static set *set_of(tn_operator *base, bool is_left)
{
    return (set *)(void *)((char *)base - (is_left ? offsetof(set, left) : offsetof(set, right)));
}

static void task_close(tn_operator_task *base)
{
    set_task *task = (set_task *)base;
    if (task->groups != NULL) {
        task->groups->ops->task_close(task->groups);
    }
    tn_pool_free(task->pool, task->columns, (task->op->width + 1) * sizeof(tn_column));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code open_side(tn_operator *base, bool is_left, const tn_task *task,
                           tn_operator_task **out, tarn_error *err)
{
    set *op = set_of(base, is_left);
    tarn_code code = TARN_OK;
    set_task *made = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, sizeof(*made), &memory, err));
    made = memory;
    made->base.ops = base->ops;
    made->op = op;
    made->pool = task->pool;
    made->side = is_left ? 0 : 1;
    TN_TRY(tn_pool_alloc(task->pool, (op->width + 1) * sizeof(tn_column), (void **)&made->columns,
                         err));
    TN_TRY(op->groups->ops->task_open(op->groups, task, &made->groups, err));
    *out = &made->base;
    made = NULL;
done:
    if (made != NULL) {
        task_close(&made->base);
    }
    return code;
}

static tarn_code open_left(tn_operator *base, const tn_task *task, tn_operator_task **out,
                           tarn_error *err)
{
    return open_side(base, true, task, out, err);
}

static tarn_code open_right(tn_operator *base, const tn_task *task, tn_operator_task **out,
                            tarn_error *err)
{
    return open_side(base, false, task, out, err);
}

static tarn_code take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                      tarn_error *err)
{
    set_task *task = (set_task *)base;
    tn_batch batch = *in;
    if (in->width > 0) {
        memcpy(task->columns, in->columns, in->width * sizeof(tn_column));
    }
    task->columns[in->width] = (tn_column){.type = TN_TINYINT,
                                           .lane = TN_LANE_i8,
                                           .encoding = TN_CONSTANT,
                                           .rows = in->rows,
                                           .values = &task->side};
    batch.columns = task->columns;
    batch.width = in->width + 1;
    return task->groups->ops->take(task->groups, &batch, answer, err);
}

static tarn_code combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    set_task *task = (set_task *)base;
    return task->groups->ops->combine(task->groups, answer, err);
}

static tarn_code finalise_left(tn_operator *base, const tn_task *task, tn_answer *answer,
                               tarn_error *err)
{
    (void)base, (void)task, (void)err;
    *answer = TN_MORE_INPUT; /* the other side is to come */
    return TARN_OK;
}

static tarn_code finalise_right(tn_operator *base, const tn_task *task, tn_answer *answer,
                                tarn_error *err)
{
    set *op = set_of(base, false);
    return op->groups->ops->finalise(op->groups, task, answer, err);
}

static void release(set *op)
{
    if (atomic_fetch_sub(&op->refs, 1) == 1) {
        if (op->groups != NULL) {
            op->groups->ops->destroy(op->groups);
        }
        tn_pool_free(op->run->pool, op, sizeof(*op));
    }
}

static void destroy_left(tn_operator *base)
{
    release(set_of(base, true));
}

static void destroy_right(tn_operator *base)
{
    release(set_of(base, false));
}

/* ---- the scan ---- */

typedef struct set_scan_task {
    tn_scan_task base;
    set *op;
    tn_pool *pool;
    tn_scan_task *groups;
    tn_batch batch; /* of groups */
    int64_t round;  /* copies handed out of them; below 0: none at hand */
    uint16_t *selection;
    tn_numbering numbering;
    bool ended;
} set_scan_task;

static set *scan_of(tn_scan *scan)
{
    return (set *)(void *)((char *)scan - offsetof(set, scan));
}

static void scan_task_close(tn_scan_task *base)
{
    set_scan_task *task = (set_scan_task *)base;
    if (task->groups != NULL) {
        task->groups->ops->task_close(task->groups);
    }
    tn_pool_free(task->pool, task->selection, TN_BATCH_ROWS * sizeof(uint16_t));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code scan_task_open(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    set *op = scan_of(scan);
    tarn_code code = TARN_OK;
    set_scan_task *task = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = scan->ops;
    task->op = op;
    task->pool = pool;
    task->round = -1;
    task->numbering.morsels = &op->given;
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(uint16_t), (void **)&task->selection, err));
    TN_TRY(op->inner->ops->task_open(op->inner, pool, &task->groups, err));
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
    set_scan_task *task = (set_scan_task *)base;
    const uint32_t width = task->op->width;

    for (;;) {
        if (task->round < 0) {
            *answer = TN_SCAN_END;
            if (!task->ended) {
                TN_RETURN_IF_ERROR(
                    task->groups->ops->read(task->groups, waker, &task->batch, answer, err));
            }
            if (*answer == TN_SCAN_WAIT) {
                return TARN_OK;
            }
            if (*answer == TN_SCAN_END) {
                task->ended = true;
                tn_numbering__end(&task->numbering, out, answer);
                return TARN_OK;
            }
            task->round = 0;
        }
        uint32_t selected = 0;
        for (uint32_t i = 0; i < task->batch.selected; i++) { /* those with a copy left */
            task->selection[selected] = (uint16_t)i;
            selected += ((const int64_t *)task->batch.columns[width].values)[i] > task->round;
        }
        task->round = selected == 0 ? -1 : task->round + 1;
        if (selected > 0) {
            *out = task->batch;
            out->width = width;
            out->selection = task->selection;
            out->selected = selected;
            tn_numbering__next(&task->numbering, out);
            *answer = TN_SCAN_BATCH;
            return TARN_OK;
        }
    }
}

static uint32_t expected(tn_scan *scan)
{
    tn_scan *inner = scan_of(scan)->inner;
    return inner->ops->morsels_expected(inner);
}

static tarn_code scan(tn_operator *base, tn_scan **out, tarn_error *err)
{
    static const tn_scan_ops ops = {scan_task_open,
                                    scan_read,
                                    scan_task_close,
                                    tn_block__counters,
                                    tn_block__finish,
                                    tn_block__close,
                                    expected,
                                    NULL,
                                    NULL};
    set *op = set_of(base, false);
    TN_RETURN_IF_ERROR(op->groups->ops->scan(op->groups, &op->inner, err));
    op->scan.ops = &ops;
    *out = &op->scan;
    return TARN_OK;
}

/* ---- planning ---- */

/* Columns by position: id i is column i, and the last one is the side. */
static TN_FALLIBLE plan(set *op, const tn_type *const *types, tarn_error *err)
{
    tn_expr_context *context = op->run->expr;
    const uint32_t width = op->width;
    tn_column_id *ids;
    const tn_expr **exprs;
    tn_expr *counts;
    const tn_expr *aggregate;

    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, tn_column_id, width + 1, &ids, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_expr *, width + 1, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_new(context->arena, tn_expr, &counts, err));
    for (uint32_t i = 0; i <= width; i++) {
        ids[i] = i;
        TN_RETURN_IF_ERROR(tn_expr_column(context, i, TN_STR("column"),
                                          i == width ? TN_TINYINT : types[i], (tn_span){0, 0},
                                          &exprs[i], err));
    }
    *counts = (tn_expr){.kind = TN_EXPR_AGGREGATE,
                        .type = TN_BIGINT,
                        .child_count = 1,
                        .children = &exprs[width],
                        .function_data = &op->bound};
    op->bound = (tn_bound_aggregate){.ops = &counts_ops,
                                     .expr = counts,
                                     .data = op,
                                     .argument_types = {TN_TINYINT},
                                     .argument_count = 1,
                                     .result_type = TN_BIGINT,
                                     .state_size = sizeof(set_counts)};
    aggregate = counts;
    const tn_layout layout = {width + 1, ids};
    return tn_aggregate_create(op->run, exprs, width, &aggregate, 1, &layout, false, -1,
                               &op->groups, err);
}

static void share_left(tn_operator *base, uint32_t sharers)
{
    const set *op = set_of(base, true);
    op->groups->ops->share_budget(op->groups, sharers);
}

static void share_right(tn_operator *base, uint32_t sharers)
{
    const set *op = set_of(base, false);
    op->groups->ops->share_budget(op->groups, sharers);
}

tarn_code tn_set_create(tn_run *run, tn_plan_kind kind, bool all, const tn_type *const *types,
                        uint32_t width, tn_operator **left, tn_operator **right, tarn_error *err)
{
    static const tn_operator_ops left_ops = {.name = "set, left",
                                             .task_open = open_left,
                                             .task_close = task_close,
                                             .take = take,
                                             .combine = combine,
                                             .finalise = finalise_left,
                                             .destroy = destroy_left,
                                             .share_budget = share_left};
    static const tn_operator_ops right_ops = {.name = "set, right",
                                              .task_open = open_right,
                                              .task_close = task_close,
                                              .take = take,
                                              .combine = combine,
                                              .finalise = finalise_right,
                                              .scan = scan,
                                              .destroy = destroy_right,
                                              .share_budget = share_right};
    tarn_code code = TARN_OK;
    set *op = NULL;

    *left = *right = NULL;
    TN_TRY(tn_block__new(run, sizeof(*op), &op, err));
    op->left.ops = &left_ops;
    op->right.ops = &right_ops;
    op->run = run;
    op->refs = 1;
    op->kind = kind;
    op->all = all;
    op->width = width;
    TN_TRY(plan(op, types, err));
    op->refs = 2;
    *left = &op->left;
    *right = &op->right;
    op = NULL;
done:
    if (op != NULL) {
        release(op);
    }
    return code;
}
