#include "exec/result.h"

#include "base/size.h"
#include "base/vec.h"
#include "exec/sort_internal.h"
#include "exec/window.h"

#include <pthread.h>

enum { READY_MAX = 3, CHUNK_MIN = 64 << 10 };
static const size_t window_max = 32 << 20; /* or an eighth of the memory there is */

typedef struct result {
    tn_operator base;
    tn_pool *pool;
    tn_result_options options;
    tn_window *window; /* NULL: rows in any order */

    pthread_mutex_t lock; /* guards what follows */
    uint64_t skip, left;  /* rows still to leave out, and to give */
    uint16_t positions[TN_BATCH_ROWS];
    tn_chunk_builder *builder;
    size_t chunk_bytes;       /* from so many on a chunk is given: half a dozen of them are about */
    TN_VEC(tn_chunk *) ready; /* a few, and what one batch more has filled */
    TN_VEC(tn_waker *) waiting;
} result;

typedef struct result_task {
    tn_operator_task base;
    result *result;
    tn_pool *pool;
    tn_waker *waker;
} result_task;

/* Locked.  Rows [from, selected) of the batch as one whose first row is `from`. */
static tn_batch tail_of(const tn_batch *batch, uint32_t from, uint32_t count, uint16_t *positions)
{
    tn_batch tail = *batch;
    tail.selected = count;
    if (from == 0 && count == batch->selected) {
        return tail;
    }
    for (uint32_t i = 0; i < count; i++) {
        positions[i] = (uint16_t)tn_batch_row(batch, from + i);
    }
    tail.selection = positions;
    return tail;
}

/* Locked.  Takes all of the batch, or none of it while too much waits for the reader. */
static TN_FALLIBLE take_locked(result *r, const tn_batch *batch, tn_waker *waker, tn_answer *answer,
                               tarn_error *err)
{
    tn_chunk *full;
    if (r->ready.count >= READY_MAX) {
        *answer = TN_WAIT;
        return tn_vec_push(&r->waiting, waker, err);
    }
    const uint64_t skipped = r->skip < batch->selected ? r->skip : batch->selected;
    const uint64_t rest = batch->selected - skipped;
    const uint64_t given = rest < r->left ? rest : r->left;
    const tn_batch part = tail_of(batch, (uint32_t)skipped, (uint32_t)given, r->positions);
    for (uint32_t next = 0; next < part.selected;) {
        TN_RETURN_IF_ERROR(tn_chunk_builder_append(r->builder, &part, &next, err));
        if (next < part.selected || tn_chunk_builder_rows(r->builder) >= r->options.chunk_rows ||
            tn_chunk_builder_bytes(r->builder) >= r->chunk_bytes) {
            TN_RETURN_IF_ERROR(tn_vec_reserve(&r->ready, 1, err));
            TN_RETURN_IF_ERROR(tn_chunk_builder_finish(r->builder, &full, err));
            r->ready.items[r->ready.count++] = full;
        }
    }
    r->skip -= skipped;
    r->left -= given;
    *answer = r->left == 0 ? TN_ENOUGH : TN_MORE_INPUT;
    return TARN_OK;
}

static TN_FALLIBLE consume(void *consumer, const tn_batch *batch, tn_waker *waker,
                           tn_answer *answer, tarn_error *err)
{
    result *r = consumer;
    pthread_mutex_lock(&r->lock);
    const tarn_code code = take_locked(r, batch, waker, answer, err);
    pthread_mutex_unlock(&r->lock);
    return code;
}

static tarn_code result_take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                             tarn_error *err)
{
    result_task *task = (result_task *)base;
    for (uint32_t i = 0; i < in->width; i++) {
        TN_RETURN_IF_ERROR(tn_column_raise(&in->columns[i], in, err));
    }
    if (task->result->window != NULL) {
        return tn_window_take(task->result->window, in, task->waker, answer, err);
    }
    return consume(task->result, in, task->waker, answer, err);
}

static tarn_code result_combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    result_task *task = (result_task *)base;
    *answer = TN_MORE_INPUT;
    return task->result->window == NULL
               ? TARN_OK
               : tn_window_flush(task->result->window, task->waker, answer, err);
}

static tarn_code result_finalise(tn_operator *op, const tn_task *task, tn_answer *answer,
                                 tarn_error *err)
{
    const result *r = (const result *)op;
    (void)task;
    *answer = TN_MORE_INPUT;
    return r->window == NULL ? TARN_OK : tn_window_check(r->window, err);
}

static tarn_code result_task_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                  tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, sizeof(result_task), &memory, err));
    result_task *opened = memory;
    *opened = (result_task){
        .base = {op->ops}, .result = (result *)op, .pool = task->pool, .waker = task->waker};
    *out = &opened->base;
    return TARN_OK;
}

static void result_task_close(tn_operator_task *base)
{
    result_task *task = (result_task *)base;
    tn_pool_free(task->pool, task, sizeof(*task));
}

static void result_destroy(tn_operator *op)
{
    result *r = (result *)op;
    tn_window_destroy(r->window);
    for (size_t i = 0; i < r->ready.count; i++) {
        tn_chunk_release(r->ready.items[i]);
    }
    tn_vec_free(&r->ready);
    tn_chunk_builder_destroy(r->builder);
    tn_vec_free(&r->waiting);
    (void)pthread_mutex_destroy(&r->lock);
    tn_pool_free(r->pool, r, sizeof(*r));
}

static const tn_operator_ops result_ops = {
    .name = "result",
    .task_open = result_task_open,
    .task_close = result_task_close,
    .take = result_take,
    .combine = result_combine,
    .finalise = result_finalise,
    .destroy = result_destroy,
};

tarn_code tn_result_create(tn_run *run, const tn_result_options *options, tn_operator **out,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory;
    result *r = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(run->pool, sizeof(result), &memory, err));
    r = memory;
    r->base.ops = &result_ops;
    r->pool = run->pool;
    r->options = *options;
    r->skip = options->offset;
    r->left = options->limit;
    r->chunk_bytes = tn_max_size(tn_run__budget(run) / 128, CHUNK_MIN);
    r->waiting.pool = r->ready.pool = run->pool;
    (void)pthread_mutex_init(&r->lock, NULL);
    TN_TRY(tn_chunk_builder_create(options->pool, options->types, options->width,
                                   options->chunk_rows, &r->builder, err));
    if (options->ordered) {
        TN_TRY(tn_window_create(run->pool, options->types, options->width,
                                tn_min_size(window_max, tn_run__budget(run) / 8), consume, r,
                                &r->window, err));
    }
    *out = &r->base;
    r = NULL;
done:
    if (r != NULL) {
        result_destroy(&r->base);
    }
    return code;
}

bool tn_result_is_ready(tn_operator *op)
{
    result *r = (result *)op;
    pthread_mutex_lock(&r->lock);
    const bool ready = r->ready.count > 0;
    pthread_mutex_unlock(&r->lock);
    return ready;
}

tarn_code tn_result_next(tn_operator *op, bool all, tn_chunk **out, tarn_error *err)
{
    result *r = (result *)op;
    tarn_code code = TARN_OK;

    *out = NULL;
    pthread_mutex_lock(&r->lock);
    if (r->ready.count > 0) {
        *out = r->ready.items[0];
        r->ready.count--;
        memmove(r->ready.items, r->ready.items + 1, r->ready.count * sizeof(tn_chunk *));
    } else if (all && tn_chunk_builder_rows(r->builder) > 0) {
        code = tn_chunk_builder_finish(r->builder, out, err);
    }
    for (size_t i = 0; i < r->waiting.count; i++) {
        tn_wake(r->waiting.items[i]);
    }
    r->waiting.count = 0;
    pthread_mutex_unlock(&r->lock);
    return code;
}
