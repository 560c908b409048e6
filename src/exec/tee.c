/*
 * One pipeline's rows to several outputs, each with steps of its own and an end: what SHARED plans
 * and runs with several sinks read once, without a copy (decision 16).
 *
 * The tee is the end of the pipeline that feeds it; its task walks each output as a driver walks a
 * pipeline, with one word and a place to go on at.  A batch is offered to every output; those that
 * wait are offered it again, the others are not, and the pipeline goes on when all have taken it:
 * nothing is kept, and the slowest output sets the pace.  An output that has enough is left out;
 * when all have, the pipeline ends.
 */
#include "exec/tee.h"

#include "os/clock.h"

#include <assert.h>
#include <pthread.h>

/* Steps that one call walks before it lets others in: an output may expand a batch without end. */
enum { TURN_STEPS = 256 };

typedef struct tee {
    tn_operator base;
    tn_run *run;
    tn_tee_output *outputs;
    uint32_t count;
    _Atomic uint32_t tasks, over; /* opened; of which no output wants more */
    uint32_t finalised;           /* outputs whose end is whole; one driver finalises */
    pthread_mutex_t lock;         /* guards the outputs' counters */
} tee;

typedef struct tee_branch {
    tn_operator_task **steps;
    tn_operator_task *end;
    tn_batch *outs;  /* of each step */
    uint64_t again;  /* bit k: step k wants the same input again; step count: the end does */
    uint32_t at;     /* the slot to go on with */
    bool is_pending; /* has not taken the batch at hand */
    bool is_over;    /* a step had enough: no row passes it in this task */
    bool is_combined;
    tn_slot_counters *counters; /* what came in, the steps, the end */
#ifdef TARN_TEST_HOOKS
    uint32_t forced[TN_STEPS_MAX + 3]; /* steps, the end, combine: waits still to be made up */
#endif
} tee_branch;

typedef struct tee_task {
    tn_operator_task base;
    tee *op;
    tn_pool *pool;
    tn_waker *waker;
    bool is_offered; /* the batch at hand was begun */
    bool is_over;    /* counted among the tee's */
    tee_branch branches[];
} tee_task;

/* ---- opening and closing ----------------------------------------------------------------------*/

static void task_close(tn_operator_task *base)
{
    tee_task *task = (tee_task *)base;
    tee *op = task->op;
    for (uint32_t b = op->count; b > 0; b--) {
        tee_branch *branch = &task->branches[b - 1];
        const tn_tee_output *output = &op->outputs[b - 1];
        const uint32_t steps = output->step_count;
        if (branch->end != NULL) {
            branch->end->ops->task_close(branch->end);
        }
        for (uint32_t i = steps; i > 0 && branch->steps != NULL; i--) {
            if (branch->steps[i - 1] != NULL) {
                branch->steps[i - 1]->ops->task_close(branch->steps[i - 1]);
            }
        }
        if (branch->counters != NULL) {
            pthread_mutex_lock(&op->lock);
            for (uint32_t slot = 0; slot < steps + 2; slot++) {
                output->counters[slot].batches += branch->counters[slot].batches;
                output->counters[slot].rows += branch->counters[slot].rows;
                output->counters[slot].taken += branch->counters[slot].taken;
                output->counters[slot].nanos += branch->counters[slot].nanos;
            }
            pthread_mutex_unlock(&op->lock);
        }
        tn_pool_free(task->pool, branch->counters, (steps + 2) * sizeof(tn_slot_counters));
        tn_pool_free(task->pool, branch->outs, (steps + 1) * sizeof(tn_batch));
        tn_pool_free(task->pool, branch->steps, (steps + 1) * sizeof(void *));
    }
    tn_pool_free(task->pool, task, sizeof(*task) + op->count * sizeof(tee_branch));
}

static TN_FALLIBLE open_branch(tee_branch *branch, const tn_tee_output *output, const tn_task *task,
                               tarn_error *err)
{
    const uint32_t steps = output->step_count;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, (steps + 1) * sizeof(void *),
                                            (void **)&branch->steps, err));
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, (steps + 1) * sizeof(tn_batch),
                                            (void **)&branch->outs, err));
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, (steps + 2) * sizeof(tn_slot_counters),
                                            (void **)&branch->counters, err));
    for (uint32_t i = 0; i < steps; i++) {
        tn_operator *step = output->steps[i];
        TN_RETURN_IF_ERROR(step->ops->task_open(step, task, &branch->steps[i], err));
    }
#ifdef TARN_TEST_HOOKS
    for (uint32_t i = 0; i < TN_STEPS_MAX + 3; i++) {
        branch->forced[i] = tn_driver__forced_waits();
    }
#endif
    return output->end->ops->task_open(output->end, task, &branch->end, err);
}

static tarn_code task_open(tn_operator *base, const tn_task *task, tn_operator_task **out,
                           tarn_error *err)
{
    tee *op = (tee *)base;
    tarn_code code = TARN_OK;
    void *memory;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(
        task->pool, sizeof(tee_task) + op->count * sizeof(tee_branch), &memory, err));
    tee_task *made = memory;
    made->base.ops = base->ops;
    made->op = op;
    made->pool = task->pool;
    made->waker = task->waker;
    for (uint32_t b = 0; b < op->count && code == TARN_OK; b++) {
        code = open_branch(&made->branches[b], &op->outputs[b], task, err);
    }
    if (code != TARN_OK) {
        task_close(&made->base);
        return code;
    }
    atomic_fetch_add(&op->tasks, 1);
    *out = &made->base;
    return TARN_OK;
}

/* ---- the walk ---------------------------------------------------------------------------------*/

static bool is_forced(tee_task *task, tee_branch *branch, uint32_t slot)
{
#ifdef TARN_TEST_HOOKS
    if (branch->forced[slot] > 0) {
        branch->forced[slot]--;
        tn_wake(task->waker);
        return true;
    }
#else
    (void)task;
    (void)branch;
    (void)slot;
#endif
    return false;
}

static TN_FALLIBLE run_slot(tee_task *task, uint32_t b, const tn_batch *in, tn_answer *answer,
                            tarn_error *err)
{
    tee_branch *branch = &task->branches[b];
    const uint32_t at = branch->at;
    const tn_batch *from = at == 0 ? in : &branch->outs[at - 1];
    if (is_forced(task, branch, at)) {
        *answer = TN_WAIT;
        return TARN_OK;
    }
    if (at == task->op->outputs[b].step_count) {
        return branch->end->ops->take(branch->end, from, answer, err);
    }
    tn_batch *out = &branch->outs[at];
    out->selected = 0;
    out->tag = from->tag;
    return branch->steps[at]->ops->step(branch->steps[at], from, out, answer, err);
}

/* Walks an output until it has taken the batch, waits, or has had its turn. */
static TN_FALLIBLE walk(tee_task *task, uint32_t b, const tn_batch *in, tn_answer *answer,
                        tarn_error *err)
{
    tee *op = task->op;
    tee_branch *branch = &task->branches[b];
    const uint32_t end = op->outputs[b].step_count;
    uint64_t before = tn_clock_monotonic_ns();
    for (uint32_t turns = 0;; turns++) {
        tn_answer said = TN_MORE_INPUT;
        const uint32_t at = branch->at;
        if (atomic_load_explicit(op->outputs[b].enough, memory_order_relaxed)) {
            branch->is_over = true; /* said to another task */
            *answer = TN_MORE_INPUT;
            return TARN_OK;
        }
        if (turns == TURN_STEPS) { /* the driver looks at the cancel flag, and comes back */
            tn_wake(task->waker);
            *answer = TN_WAIT;
            return TARN_OK;
        }
        const tn_batch *from = at == 0 ? in : &branch->outs[at - 1];
        const bool is_new = (branch->again >> at & 1) == 0;
        TN_RETURN_IF_ERROR(run_slot(task, b, in, &said, err));
        const uint64_t after = tn_clock_monotonic_ns();
        tn_slot_counters *counters = &branch->counters[at + 1];
        counters->nanos += after - before;
        before = after;
        if (said == TN_WAIT) {
            *answer = TN_WAIT;
            return TARN_OK;
        }
        counters->taken += is_new ? from->selected : 0;
        if (at == 0 && is_new) {
            branch->counters[0].batches++;
            branch->counters[0].rows += in->selected;
        }
        if (said == TN_MORE_OUTPUT) {
            branch->again |= UINT64_C(1) << at;
        } else if (said == TN_ENOUGH) {
            branch->again &= ~((UINT64_C(2) << at) - 1);
            branch->is_over = true;
            if (at == end) {
                atomic_store(op->outputs[b].enough, true);
            }
        } else {
            branch->again &= ~(UINT64_C(1) << at);
        }
        if (at < end && (branch->outs[at].selected > 0 || branch->outs[at].tag.last)) {
            counters->batches++;
            counters->rows += branch->outs[at].selected;
            branch->at = at + 1;
            continue;
        }
        if (branch->again == 0) {
            *answer = TN_MORE_INPUT;
            return TARN_OK;
        }
        branch->at = 63U - (uint32_t)__builtin_clzll(branch->again);
    }
}

static void offer(tee_task *task)
{
    tee *op = task->op;
    for (uint32_t b = 0; b < op->count; b++) {
        tee_branch *branch = &task->branches[b];
        branch->is_over |= atomic_load_explicit(op->outputs[b].enough, memory_order_relaxed);
        branch->is_pending = !branch->is_over;
        branch->at = 0;
        branch->again = 0;
    }
    task->is_offered = true;
}

static tarn_code take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                      tarn_error *err)
{
    tee_task *task = (tee_task *)base;
    tee *op = task->op;
    bool waits = false;
    bool is_over = true;

    if (atomic_load_explicit(op->run->cancelled, memory_order_relaxed)) {
        return tn_fail(err, TARN_E_CANCELLED, "cancelled");
    }
    if (!task->is_offered) {
        offer(task);
    }
    for (uint32_t b = 0; b < op->count; b++) {
        tee_branch *branch = &task->branches[b];
        tn_answer said = TN_MORE_INPUT;
        if (branch->is_pending) {
            TN_RETURN_IF_ERROR(walk(task, b, in, &said, err));
            branch->is_pending = said == TN_WAIT;
        }
        waits |= branch->is_pending;
        is_over &= branch->is_over;
    }
    task->is_offered = waits;
    *answer = waits ? TN_WAIT : TN_MORE_INPUT;
    if (is_over && !waits && !task->is_over) {
        /* Only when every task is: another's rows may still be on their way past a LIMIT. */
        task->is_over = true;
        *answer = atomic_fetch_add(&op->over, 1) + 1 == atomic_load(&op->tasks) ? TN_ENOUGH
                                                                                : TN_MORE_INPUT;
    }
    return TARN_OK;
}

/* ---- after the walk ---------------------------------------------------------------------------*/

static tarn_code combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    tee_task *task = (tee_task *)base;
    tee *op = task->op;
    *answer = TN_MORE_INPUT;
    for (uint32_t b = 0; b < op->count; b++) {
        tee_branch *branch = &task->branches[b];
        tn_answer said = TN_MORE_INPUT;
        if (branch->is_combined) {
            continue;
        }
        if (is_forced(task, branch, op->outputs[b].step_count + 1)) {
            said = TN_WAIT;
        } else if (branch->end->ops->combine != NULL) {
            TN_RETURN_IF_ERROR(branch->end->ops->combine(branch->end, &said, err));
        }
        branch->is_combined = said != TN_WAIT;
        *answer = said == TN_WAIT ? TN_WAIT : *answer;
    }
    return TARN_OK;
}

static tarn_code finalise(tn_operator *base, const tn_task *task, tn_answer *answer,
                          tarn_error *err)
{
    tee *op = (tee *)base;
    *answer = TN_MORE_INPUT;
    while (op->finalised < op->count) {
        tn_operator *end = op->outputs[op->finalised].end;
        if (end->ops->finalise != NULL) {
            TN_RETURN_IF_ERROR(end->ops->finalise(end, task, answer, err));
            if (*answer == TN_WAIT || *answer == TN_MORE_OUTPUT) {
                return TARN_OK;
            }
        }
        op->finalised++;
    }
    *answer = TN_MORE_INPUT;
    return TARN_OK;
}

static void destroy(tn_operator *base)
{
    tee *op = (tee *)base;
    pthread_mutex_destroy(&op->lock);
    tn_pool_free(op->run->pool, op->outputs, op->count * sizeof(tn_tee_output));
    tn_pool_free(op->run->pool, op, sizeof(*op));
}

tarn_code tn_tee_create(tn_run *run, const tn_tee_output *outputs, uint32_t count,
                        tn_operator **out, tarn_error *err)
{
    static const tn_operator_ops ops = {.name = "tee",
                                        .task_open = task_open,
                                        .task_close = task_close,
                                        .take = take,
                                        .combine = combine,
                                        .finalise = finalise,
                                        .destroy = destroy};
    tarn_code code = TARN_OK;
    void *memory;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(run->pool, sizeof(tee), &memory, err));
    tee *op = memory;
    op->base.ops = &ops;
    op->run = run;
    op->count = count;
    pthread_mutex_init(&op->lock, NULL);
    TN_TRY(
        tn_pool_alloc_zeroed(run->pool, count * sizeof(tn_tee_output), (void **)&op->outputs, err));
    for (uint32_t b = 0; b < count; b++) {
        assert(outputs[b].step_count <= TN_STEPS_MAX);
        op->outputs[b] = outputs[b];
    }
    *out = &op->base;
    op = NULL;
done:
    if (op != NULL) {
        destroy(&op->base);
    }
    return code;
}
