/* A pipeline's steps count what they give: rows come by and are counted. */
#include "exec/operators.h"

#include <stdlib.h>

typedef struct meter {
    tn_operator base;
    tn_pool *pool;
    _Atomic uint64_t *count;
} meter;

typedef struct meter_task {
    tn_operator_task base;
    meter *meter;
    tn_pool *pool;
} meter_task;

static tarn_code meter_step(tn_operator_task *base, const tn_batch *in, tn_batch *out,
                            tn_answer *answer, tarn_error *err)
{
    const meter_task *task = (meter_task *)base;
    (void)err;
    *answer = TN_MORE_INPUT;
    *out = *in;
#ifdef TARN_TEST_HOOKS
    if (getenv("TARN_LOSE_ROW") != NULL && out->selected > 0) {
        out->selected--; /* tests see that it is missed */
    }
#endif
    if (task->meter->count != NULL && in->selected > 0) {
        atomic_fetch_add_explicit(task->meter->count, in->selected, memory_order_relaxed);
    }
    return TARN_OK;
}

static tarn_code meter_task_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                 tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, sizeof(meter_task), &memory, err));
    meter_task *opened = memory;
    *opened = (meter_task){.base = {op->ops}, .meter = (meter *)op, .pool = task->pool};
    *out = &opened->base;
    return TARN_OK;
}

static void meter_task_close(tn_operator_task *base)
{
    meter_task *task = (meter_task *)base;
    tn_pool_free(task->pool, task, sizeof(*task));
}

static void meter_destroy(tn_operator *op)
{
    meter *m = (meter *)op;
    tn_pool_free(m->pool, m, sizeof(*m));
}

static const tn_operator_ops meter_ops = {
    .name = "meter",
    .task_open = meter_task_open,
    .task_close = meter_task_close,
    .step = meter_step,
    .destroy = meter_destroy,
};

tarn_code tn_meter_create(tn_run *run, _Atomic uint64_t *count, tn_operator **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(run->pool, sizeof(meter), &memory, err));
    meter *m = memory;
    *m = (meter){.base = {&meter_ops}, .pool = run->pool, .count = count};
    *out = &m->base;
    return TARN_OK;
}
