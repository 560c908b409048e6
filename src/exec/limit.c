/*
 * LIMIT and OFFSET below the result: one budget that all drivers draw from.  Where the lowest tags
 * are promised, the query runs the pipeline with one driver.
 */
#include "exec/operators.h"

typedef struct limit {
    tn_operator base;
    tn_pool *pool;
    _Atomic uint64_t skip, left;
} limit;

typedef struct limit_task {
    tn_operator_task base;
    limit *limit;
    tn_pool *pool;
    uint16_t positions[TN_BATCH_ROWS];
} limit_task;

/* At most `wish` of what is left. */
static uint32_t draw(_Atomic uint64_t *budget, uint32_t wish)
{
    uint64_t left = atomic_load(budget);
    uint64_t given;
    do {
        given = left < wish ? left : wish;
    } while (!atomic_compare_exchange_weak(budget, &left, left - given));
    return (uint32_t)given;
}

static tarn_code limit_step(tn_operator_task *base, const tn_batch *in, tn_batch *out,
                            tn_answer *answer, tarn_error *err)
{
    limit_task *task = (limit_task *)base;
    limit *l = task->limit;
    (void)err;

    *out = *in;
    const uint32_t skipped = draw(&l->skip, in->selected);
    out->selected = draw(&l->left, in->selected - skipped);
    if (out->selected > 0 && out->selected < in->selected) {
        for (uint32_t i = 0; i < out->selected; i++) {
            task->positions[i] = (uint16_t)tn_batch_row(in, skipped + i);
        }
        out->selection = task->positions;
    }
    if (atomic_load(&l->left) == 0) {
        *answer = TN_ENOUGH;
        out->tag.last = true; /* nothing of this morsel follows: others may wait for their turn */
    } else {
        *answer = TN_MORE_INPUT;
    }
    return TARN_OK;
}

static tarn_code limit_task_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                 tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, sizeof(limit_task), &memory, err));
    limit_task *opened = memory;
    opened->base.ops = op->ops;
    opened->limit = (limit *)op;
    opened->pool = task->pool;
    *out = &opened->base;
    return TARN_OK;
}

static void limit_task_close(tn_operator_task *base)
{
    limit_task *task = (limit_task *)base;
    tn_pool_free(task->pool, task, sizeof(*task));
}

static void limit_destroy(tn_operator *op)
{
    limit *l = (limit *)op;
    tn_pool_free(l->pool, l, sizeof(*l));
}

static const tn_operator_ops limit_ops = {
    .name = "limit",
    .task_open = limit_task_open,
    .task_close = limit_task_close,
    .step = limit_step,
    .destroy = limit_destroy,
};

tarn_code tn_limit_create(tn_run *run, uint64_t count, uint64_t offset, tn_operator **out,
                          tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(run->pool, sizeof(limit), &memory, err));
    limit *l = memory;
    l->base.ops = &limit_ops;
    l->pool = run->pool;
    atomic_init(&l->skip, offset);
    atomic_init(&l->left, count);
    *out = &l->base;
    return TARN_OK;
}
