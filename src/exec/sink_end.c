/*
 * The end over a tn_sink: a file, a table.  Ordered sinks get their batches through a window; what
 * others want later is parked, and given to them when all else was taken.
 */
#include "exec/operators.h"

#include "base/size.h"
#include "exec/park.h"
#include "exec/sort_internal.h"
#include "exec/window.h"

#include <pthread.h>

enum {
    DRAIN_TURN = 16, /* batches */
    TASK_SHARE = 4   /* of the memory goes to what tasks keep open */
};
static const size_t window_max = 32 << 20; /* or an eighth of the memory there is */

typedef struct sink_end {
    tn_operator base;
    tn_pool *pool;
    tn_sink *sink;
    const tn_type **types;
    tn_window *window; /* of ordered sinks, with one writer */
    tn_sink_task *writer;
    pthread_mutex_t lock; /* guards `writer` being opened */
    tn_park park;
    tn_sink_task *drain; /* takes what is parked */
    tn_batch batch;      /* that it was offered; selected 0: none */
} sink_end;

typedef struct sink_end_task {
    tn_operator_task base;
    sink_end *end;
    tn_pool *pool;
    tn_waker *waker;
    tn_sink_task *writer; /* of unordered sinks */
    tn_parked parked;
} sink_end_task;

static tn_answer answer_of(tn_sink_answer answer)
{
    return answer == TN_SINK_WAIT ? TN_WAIT : answer == TN_SINK_ENOUGH ? TN_ENOUGH : TN_MORE_INPUT;
}

static TN_FALLIBLE write_to(tn_sink *sink, tn_sink_task *writer, const tn_batch *batch,
                            tn_waker *waker, tn_answer *answer, tarn_error *err)
{
    tn_sink_answer taken = TN_SINK_TAKEN;
    TN_RETURN_IF_ERROR(writer->ops->write(writer, batch, waker, &taken, err));
    *answer = answer_of(taken);
    if (taken != TN_SINK_WAIT) {
        atomic_fetch_add_explicit(&sink->rows, batch->selected, memory_order_relaxed);
    }
    return TARN_OK;
}

static TN_FALLIBLE consume(void *consumer, const tn_batch *batch, tn_waker *waker,
                           tn_answer *answer, tarn_error *err)
{
    sink_end *end = consumer;
    const tarn_code code = write_to(end->sink, end->writer, batch, waker, answer, err);
    if (code != TARN_OK && err != NULL && err->row == TN_ROW_OF_BATCH) {
        err->row = 0; /* it waited for its turn: the scan is elsewhere */
    }
    return code;
}

tarn_code tn_sink_end_explain(const tn_sink *sink, const tn_pool *pool, tarn_code code,
                              tarn_error *err)
{
    enum { MEGABYTE = 1000000, STEP = 16, WIDE = 128, EACH_MAX = 80 << 10, OTHERS = 8 << 20 };
    const uint32_t width = sink->schema.count;
    const size_t budget = tn_pool_budget(pool);
    if (code == TARN_E_NOMEM && err != NULL && sink->column_memory > 0 && width >= WIDE &&
        budget != SIZE_MAX) {
        const size_t wanted = (size_t)width * EACH_MAX + OTHERS;
        const size_t least = tn_max_size(wanted, budget + budget / 4) / MEGABYTE + 1;
        err->hint[0] = '\0'; /* this one has the figure */
        tn_hint(err, "a row group of %u columns takes about %zu MB; --memory %zuMB would do", width,
                wanted / MEGABYTE + 1, (least + STEP - 1) / STEP * STEP);
    }
    return code;
}

static tarn_code explain_width(const sink_end *end, tarn_code code, tarn_error *err)
{
    return tn_sink_end_explain(end->sink, end->pool, code, err);
}

static tarn_code sink_end_take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                               tarn_error *err)
{
    sink_end_task *task = (sink_end_task *)base;
    for (uint32_t i = 0; i < in->width; i++) {
        TN_RETURN_IF_ERROR(tn_column_raise(&in->columns[i], in, err));
    }
    if (task->end->window != NULL) {
        return tn_window_take(task->end->window, in, task->waker, answer, err);
    }
    const tarn_code code = write_to(task->end->sink, task->writer, in, task->waker, answer, err);
    TN_RETURN_IF_ERROR(explain_width(task->end, code, err));
    return *answer == TN_WAIT || task->writer->later_count == 0
               ? TARN_OK
               : tn_parked_add(&task->parked, task->writer, in, err);
}

static tarn_code sink_end_combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    sink_end_task *task = (sink_end_task *)base;
    tn_sink_answer finished = TN_SINK_TAKEN;
    if (task->end->window != NULL) {
        return tn_window_flush(task->end->window, task->waker, answer, err);
    }
    const tarn_code code =
        task->writer->ops->task_finish(task->writer, task->waker, &finished, err);
    TN_RETURN_IF_ERROR(explain_width(task->end, code, err));
    *answer = finished == TN_SINK_WAIT ? TN_WAIT : TN_MORE_INPUT;
    if (finished != TN_SINK_WAIT) {
        tn_parked_combine(&task->parked);
    }
    return TARN_OK;
}

/* Offers the batch at hand, or the next one; at the end of a part what the sink has open ends. */
static TN_FALLIBLE drain_one(sink_end *end, tn_waker *waker, tn_sink_answer *answer, bool *done,
                             tarn_error *err)
{
    *answer = TN_SINK_TAKEN;
    if (end->batch.selected == 0) {
        TN_RETURN_IF_ERROR(tn_park_next(&end->park, &end->batch, err));
    }
    if (end->batch.selected == 0) {
        TN_RETURN_IF_ERROR(end->drain->ops->task_finish(end->drain, waker, answer, err));
        *done = *answer != TN_SINK_WAIT && !tn_park_turn(&end->park);
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(end->drain->ops->write(end->drain, &end->batch, waker, answer, err));
    if (*answer != TN_SINK_WAIT) {
        end->batch.selected = 0;
        return end->drain->later_count == 0 ? TARN_OK : tn_park_again(&end->park, end->drain, err);
    }
    return TARN_OK;
}

/* Gives the sink what it wanted later; lets go of the worker now and then, and heeds the cancel
 * flag where nothing is waited for: a driver that waits while it finalises is not stopped by
 * others. */
static TN_FALLIBLE drain(sink_end *end, tn_waker *waker, tn_answer *answer, tarn_error *err)
{
    tn_sink_answer taken = TN_SINK_TAKEN;
    bool done = false;
    if (end->drain == NULL) {
        if (!tn_park_turn(&end->park)) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(end->sink->ops->task_open(end->sink, end->pool, &end->drain, err));
    }
    for (uint32_t i = 0; i < DRAIN_TURN && !done && taken != TN_SINK_WAIT; i++) {
        TN_RETURN_IF_ERROR(drain_one(end, waker, &taken, &done, err));
        if (!done && taken != TN_SINK_WAIT &&
            atomic_load_explicit(end->park.run->cancelled, memory_order_relaxed)) {
            return tn_fail(err, TARN_E_CANCELLED, "cancelled");
        }
    }
    if (!done) {
        *answer = TN_WAIT;
        if (taken != TN_SINK_WAIT) {
            tn_wake(waker);
        }
        return TARN_OK;
    }
    end->drain->ops->task_close(end->drain);
    end->drain = NULL;
    return TARN_OK;
}

static tarn_code sink_end_finalise(tn_operator *op, const tn_task *task, tn_answer *answer,
                                   tarn_error *err)
{
    sink_end *end = (sink_end *)op;
    tn_sink_answer finished = TN_SINK_TAKEN;
    if (end->window != NULL) {
        TN_RETURN_IF_ERROR(tn_window_check(end->window, err));
    }
    if (end->writer != NULL) {
        TN_RETURN_IF_ERROR(end->writer->ops->task_finish(end->writer, task->waker, &finished, err));
        if (finished == TN_SINK_WAIT) {
            *answer = TN_WAIT;
            return TARN_OK;
        }
        end->writer->ops->task_close(end->writer);
        end->writer = NULL;
    }
    *answer = TN_MORE_INPUT;
    TN_RETURN_IF_ERROR(drain(end, task->waker, answer, err));
    if (*answer == TN_WAIT) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(end->sink->ops->finish(end->sink, task->waker, &finished, err));
    *answer = finished == TN_SINK_WAIT ? TN_WAIT : TN_MORE_INPUT;
    return TARN_OK;
}

static void sink_end_task_close(tn_operator_task *base)
{
    sink_end_task *task = (sink_end_task *)base;
    if (task->writer != NULL) {
        task->writer->ops->task_close(task->writer);
    }
    tn_parked_deinit(&task->parked);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code sink_end_task_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                    tarn_error *err)
{
    sink_end *end = (sink_end *)op;
    tarn_code code = TARN_OK;
    void *memory;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, sizeof(sink_end_task), &memory, err));
    sink_end_task *opened = memory;
    *opened =
        (sink_end_task){.base = {op->ops}, .end = end, .pool = task->pool, .waker = task->waker};
    tn_parked_init(&opened->parked, &end->park, task->pool);
    if (end->window == NULL) {
        code = end->sink->ops->task_open(end->sink, task->pool, &opened->writer, err);
    } else {
        pthread_mutex_lock(&end->lock);
        if (end->writer == NULL) {
            code = end->sink->ops->task_open(end->sink, end->pool, &end->writer, err);
        }
        pthread_mutex_unlock(&end->lock);
    }
    if (code != TARN_OK) {
        tn_pool_free(task->pool, opened, sizeof(*opened));
        return code;
    }
    *out = &opened->base;
    return TARN_OK;
}

static void sink_end_destroy(tn_operator *op)
{
    sink_end *end = (sink_end *)op;
    if (end->writer != NULL) {
        end->writer->ops->task_close(end->writer);
    }
    if (end->drain != NULL) {
        end->drain->ops->task_close(end->drain);
    }
    tn_park_deinit(&end->park);
    tn_window_destroy(end->window);
    tn_pool_free(end->pool, end->types, end->sink->schema.count * sizeof(tn_type *));
    (void)pthread_mutex_destroy(&end->lock);
    tn_pool_free(end->pool, end, sizeof(*end));
}

static const tn_operator_ops sink_end_ops = {
    .name = "write",
    .task_open = sink_end_task_open,
    .task_close = sink_end_task_close,
    .take = sink_end_take,
    .combine = sink_end_combine,
    .finalise = sink_end_finalise,
    .destroy = sink_end_destroy,
};

/* Where tables are wide for the memory there is, fewer tasks write at a time. */
static void limit_tasks(tn_run *run, tn_sink *sink)
{
    const size_t budget = tn_run__budget(run);
    const size_t each = sink->column_memory * sink->schema.count;
    const size_t fit = each == 0 ? SIZE_MAX : tn_max_size(budget / 2 / each, 1);
    run->threads = fit < run->threads ? (uint32_t)fit : run->threads;
    sink->task_memory = budget / TASK_SHARE / (run->threads > 0 ? run->threads : 1);
}

tarn_code tn_sink_end_create(tn_run *run, tn_sink *sink, tn_operator **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const uint32_t width = sink->schema.count;
    sink_end *end = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(run->pool, sizeof(sink_end), &memory, err));
    end = memory;
    end->base.ops = &sink_end_ops;
    end->pool = run->pool;
    end->sink = sink;
    (void)pthread_mutex_init(&end->lock, NULL);
    tn_park_init(&end->park, run, NULL, 0);
    TN_TRY(tn_pool_alloc_zeroed(run->pool, width * sizeof(tn_type *), &memory, err));
    end->types = memory;
    for (uint32_t i = 0; i < width; i++) {
        end->types[i] = sink->schema.fields[i].type;
    }
    limit_tasks(run, sink);
    end->park.types = end->types;
    end->park.width = width;
    if (sink->is_ordered && run->preserve_order) {
        TN_TRY(tn_window_create(run->pool, end->types, width,
                                tn_min_size(window_max, tn_run__budget(run) / 8), consume, end,
                                &end->window, err));
    }
    *out = &end->base;
    end = NULL;
done:
    if (end != NULL) {
        sink_end_destroy(&end->base);
    }
    return code;
}
