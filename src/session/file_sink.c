/*
 * One file from many tasks, in the order of their morsels: each task encodes its morsel on its own,
 * and only the appending waits for its turn.  Text formats that cannot be cut so go through the
 * engine's ordered window with one writer.
 */
#include "session/session_internal.h"

#include <pthread.h>

struct tn_file_sink {
    tn_sink base;
    tn_pool *pool;
    tn_arena arena;
    tn_upload *upload;
    tn_file_writer *writer;
    tn_str uri;

    pthread_mutex_t lock; /* guards what follows */
    uint64_t next;        /* the morsel whose group is appended next */
    TN_VEC(tn_waker *) waiting;
};

typedef struct file_sink_task {
    tn_sink_task base;
    tn_file_sink *sink;
    tn_pool *pool;
    tn_group_writer *group;
    uint64_t rows; /* of the group */
    bool written;  /* the offered batch is in the group already: only its end waits */
} file_sink_task;

/* Pipelines with one end number their morsels from multiples of this on (exec/window.h). */
enum { ORDINAL_SHIFT = 28 };
static const uint64_t group_bytes_max = UINT64_C(16) << 20;
static const uint64_t group_rows_min = 512;

static TN_FALLIBLE begin(file_sink_task *task, tarn_error *err)
{
    tn_file_writer *writer = task->sink->writer;
    if (task->group != NULL) {
        return TARN_OK;
    }
    task->rows = 0;
    return writer->ops->group_begin(writer, task->pool, task->sink->base.task_memory, &task->group,
                                    err);
}

/* Is it this morsel's turn?  Else the waker is kept. */
static TN_FALLIBLE ask_turn(tn_file_sink *sink, uint64_t morsel, tn_waker *waker, bool *turn,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    pthread_mutex_lock(&sink->lock);
    if (morsel >> ORDINAL_SHIFT > sink->next >> ORDINAL_SHIFT) {
        sink->next = morsel >> ORDINAL_SHIFT << ORDINAL_SHIFT; /* the next pipeline of a union */
    }
    *turn = morsel == sink->next;
    if (!*turn) {
        code = tn_vec_push(&sink->waiting, waker, err);
    }
    pthread_mutex_unlock(&sink->lock);
    return code;
}

static void pass_turn(tn_file_sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    sink->next++;
    for (size_t i = 0; i < sink->waiting.count; i++) {
        tn_wake(sink->waiting.items[i]);
    }
    sink->waiting.count = 0;
    pthread_mutex_unlock(&sink->lock);
}

static TN_FALLIBLE end_group(file_sink_task *task, tn_waker *waker, bool *taken, tarn_error *err)
{
    tn_group_writer *group = task->group;
    *taken = true;
    if (group == NULL) {
        return TARN_OK;
    }
    const tarn_code code = group->ops->group_end(group, waker, taken, err);
    if (code != TARN_OK || *taken) {
        task->group = NULL;
    }
    return code;
}

/* A group that ends keeps a quarter of what a task may have for what its end takes; very few rows
 * are no group before that is needed, too. */
static bool is_full(const file_sink_task *task)
{
    const tn_group_writer *group = task->group;
    const size_t most = task->sink->base.task_memory;
    if (group->ops->group_bytes(group) >= group_bytes_max) {
        return true;
    }
    if (most == 0 || group->ops->group_memory == NULL) {
        return most > 0 && group->ops->group_bytes(group) >= most / 4; /* a text may double */
    }
    const size_t memory = group->ops->group_memory(group);
    return memory >= (task->rows < group_rows_min ? most + most / 2 : most / 4 * 3);
}

static tarn_code file_sink_write(tn_sink_task *base, const tn_batch *batch, tn_waker *waker,
                                 tn_sink_answer *answer, tarn_error *err)
{
    file_sink_task *task = (file_sink_task *)base;
    bool go = true;

    *answer = TN_SINK_TAKEN;
    if (!task->written && batch->selected > 0) {
        TN_RETURN_IF_ERROR(begin(task, err));
        TN_RETURN_IF_ERROR(task->group->ops->group_write(task->group, batch, err));
        task->rows += batch->selected;
        task->written = true;
    }
    const bool full = task->group != NULL && is_full(task);
    if (batch->tag.last || full) {
        if (!task->sink->base.is_ordered) {
            TN_RETURN_IF_ERROR(ask_turn(task->sink, batch->tag.morsel, waker, &go, err));
        }
        if (go) {
            TN_RETURN_IF_ERROR(end_group(task, waker, &go, err));
        }
        if (!go) {
            *answer = TN_SINK_WAIT;
            return TARN_OK;
        }
        if (batch->tag.last) {
            pass_turn(task->sink);
        }
    }
    task->written = false;
    return TARN_OK;
}

static tarn_code file_sink_task_finish(tn_sink_task *base, tn_waker *waker, tn_sink_answer *answer,
                                       tarn_error *err)
{
    bool taken;
    TN_RETURN_IF_ERROR(end_group((file_sink_task *)base, waker, &taken, err));
    *answer = taken ? TN_SINK_TAKEN : TN_SINK_WAIT;
    return TARN_OK;
}

static void file_sink_task_close(tn_sink_task *base)
{
    file_sink_task *task = (file_sink_task *)base;
    if (task->group != NULL) {
        task->group->ops->group_abort(task->group);
    }
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code file_sink_task_open(tn_sink *base, tn_pool *pool, tn_sink_task **out,
                                     tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(file_sink_task), &memory, err));
    file_sink_task *task = memory;
    tn_file_sink *sink = (tn_file_sink *)base;
    *task = (file_sink_task){.base = {.ops = base->ops}, .sink = sink, .pool = pool};
    *out = &task->base;
    return TARN_OK;
}

static tarn_code file_sink_finish(tn_sink *base, tn_waker *waker, tn_sink_answer *answer,
                                  tarn_error *err)
{
    (void)base;
    (void)waker;
    (void)err;
    *answer = TN_SINK_TAKEN; /* footer and name come with the commit */
    return TARN_OK;
}

static const tn_sink_ops file_sink_ops = {
    .kind = "file",
    .task_open = file_sink_task_open,
    .write = file_sink_write,
    .task_finish = file_sink_task_finish,
    .task_close = file_sink_task_close,
    .finish = file_sink_finish,
};

void tn_file_sink_destroy(tn_file_sink *sink)
{
    if (sink == NULL) {
        return;
    }
    if (sink->writer != NULL) {
        sink->writer->ops->destroy(sink->writer);
    }
    tn_upload_abort(sink->upload);
    tn_vec_free(&sink->waiting);
    tn_arena_deinit(&sink->arena);
    (void)pthread_mutex_destroy(&sink->lock);
    tn_pool_free(sink->pool, sink, sizeof(*sink));
}

tarn_code tn_file_sink_create(tn_stores *stores, tn_str uri, const tn_schema *schema,
                              tn_file_writer_open *open, const tn_writer_options *options,
                              bool has_groups, tn_pool *pool, tn_file_sink **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_file_sink *sink = NULL;
    tn_store *store;
    tn_str key;
    const tn_put_options put = {.mode = TN_PUT_OVERWRITE, .durable = true, .needs_folder = true};
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(tn_file_sink), &memory, err));
    sink = memory;
    sink->base.ops = &file_sink_ops;
    sink->base.is_ordered = !has_groups;
    sink->pool = pool;
    sink->waiting.pool = pool;
    (void)pthread_mutex_init(&sink->lock, NULL);
    tn_arena_init(&sink->arena, pool);
    TN_TRY(tn_arena_copy(&sink->arena, uri, &sink->uri, err));
    TN_TRY(tn_schema_copy(&sink->arena, schema, &sink->base.schema, err));
    TN_TRY(tn_stores_resolve(stores, sink->uri, &sink->arena, &store, &key, err));
    TN_TRY(tn_upload_create(store, key, pool, &put, &sink->upload, err));
    TN_TRY(open(sink->upload, &sink->base.schema, options, pool, &sink->writer, err));
    sink->base.column_memory = sink->writer->ops->group_memory == NULL ? 0 : TN_SINK_COLUMN_MEMORY;
    *out = sink;
    sink = NULL;
done:
    tn_file_sink_destroy(sink);
    return code;
}

tn_sink *tn_file_sink_base(tn_file_sink *sink)
{
    return &sink->base;
}

tarn_code tn_file_sink_commit(tn_file_sink *sink, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_file_receipt receipt;
    tn_outcome outcome;
    tn_upload *upload = sink->upload;

    TN_TRY(sink->writer->ops->finish(sink->writer, &sink->arena, &receipt, err));
    sink->upload = NULL;
    TN_TRY(tn_upload_finish(upload, NULL, &outcome, err));
done:
    return code;
}
