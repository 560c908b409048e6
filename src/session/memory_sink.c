/*
 * Rows gathered for a table in memory.  Each task fills a chunk for a morsel on its own; at the end
 * the chunks are put into the order of their morsels, so that writing is parallel and ordered.
 */
#include "session/session_internal.h"

#include "base/sort.h"

#include <pthread.h>

enum { CHUNK_ROWS = 131072 }; /* fewer would leave more of their texts' room unused */

typedef struct placed {
    uint64_t morsel;
    uint64_t ordinal; /* of chunks of one morsel */
    tn_chunk *chunk;
} placed;

struct tn_memory_sink {
    tn_sink base;
    tn_pool *pool;
    tn_arena arena;
    tn_str table;
    const tn_type **types;
    pthread_mutex_t lock; /* guards `chunks` */
    TN_VEC(placed) chunks;
    tn_chunk **in_order;
};

typedef struct memory_sink_task {
    tn_sink_task base;
    tn_memory_sink *sink;
    tn_pool *pool;
    tn_chunk_builder *builder;
    uint64_t morsel, ordinal;
} memory_sink_task;

static TN_FALLIBLE flush(memory_sink_task *task, tarn_error *err)
{
    tn_memory_sink *sink = task->sink;
    tn_chunk *chunk;
    if (tn_chunk_builder_rows(task->builder) == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_chunk_builder_finish(task->builder, &chunk, err));
    const placed place = {task->morsel, task->ordinal++, chunk};
    pthread_mutex_lock(&sink->lock);
    const tarn_code code = tn_vec_push(&sink->chunks, place, err);
    pthread_mutex_unlock(&sink->lock);
    if (code != TARN_OK) {
        tn_chunk_release(chunk);
    }
    return code;
}

static tarn_code memory_sink_write(tn_sink_task *base, const tn_batch *batch, tn_waker *waker,
                                   tn_sink_answer *answer, tarn_error *err)
{
    memory_sink_task *task = (memory_sink_task *)base;
    (void)waker;
    *answer = TN_SINK_TAKEN;
    TN_RETURN_IF_ERROR(
        tn_sink_refuse_nulls(&task->sink->base, task->sink->table, batch, task->pool, err));
    if (batch->tag.morsel != task->morsel) {
        TN_RETURN_IF_ERROR(flush(task, err));
        task->morsel = batch->tag.morsel;
        task->ordinal = 0;
    }
    for (uint32_t next = 0; next < batch->selected;) {
        TN_RETURN_IF_ERROR(tn_chunk_builder_append(task->builder, batch, &next, err));
        if (next < batch->selected) {
            TN_RETURN_IF_ERROR(flush(task, err));
        }
    }
    return TARN_OK;
}

static tarn_code memory_sink_task_finish(tn_sink_task *base, tn_waker *waker,
                                         tn_sink_answer *answer, tarn_error *err)
{
    (void)waker;
    *answer = TN_SINK_TAKEN;
    return flush((memory_sink_task *)base, err);
}

static void memory_sink_task_close(tn_sink_task *base)
{
    memory_sink_task *task = (memory_sink_task *)base;
    tn_chunk_builder_destroy(task->builder);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code memory_sink_task_open(tn_sink *base, tn_pool *pool, tn_sink_task **out,
                                       tarn_error *err)
{
    tn_memory_sink *sink = (tn_memory_sink *)base;
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(memory_sink_task), &memory, err));
    memory_sink_task *task = memory;
    task->base.ops = base->ops;
    task->sink = sink;
    task->pool = pool;
    /* The chunks outlive the query: the table's pool pays for them. */
    const tarn_code code = tn_chunk_builder_create(sink->pool, sink->types, base->schema.count,
                                                   CHUNK_ROWS, &task->builder, err);
    if (code != TARN_OK) {
        memory_sink_task_close(&task->base);
        return code;
    }
    *out = &task->base;
    return TARN_OK;
}

static int by_place(const void *a, const void *b, void *context)
{
    const placed *left = a;
    const placed *right = b;
    (void)context;
    if (left->morsel != right->morsel) {
        return left->morsel < right->morsel ? -1 : 1;
    }
    return left->ordinal < right->ordinal ? -1 : left->ordinal > right->ordinal;
}

static tarn_code memory_sink_finish(tn_sink *base, tn_waker *waker, tn_sink_answer *answer,
                                    tarn_error *err)
{
    tn_memory_sink *sink = (tn_memory_sink *)base;
    (void)waker;
    *answer = TN_SINK_TAKEN;
    tn_sort(sink->chunks.items, sink->chunks.count, sizeof(placed), by_place, NULL);
    TN_RETURN_IF_ERROR(
        tn_arena_array(&sink->arena, tn_chunk *, sink->chunks.count, &sink->in_order, err));
    for (size_t i = 0; i < sink->chunks.count; i++) {
        sink->in_order[i] = sink->chunks.items[i].chunk;
    }
    return TARN_OK;
}

static const tn_sink_ops memory_sink_ops = {
    .kind = "memory",
    .task_open = memory_sink_task_open,
    .write = memory_sink_write,
    .task_finish = memory_sink_task_finish,
    .task_close = memory_sink_task_close,
    .finish = memory_sink_finish,
};

void tn_memory_sink_destroy(tn_memory_sink *sink)
{
    if (sink == NULL) {
        return;
    }
    for (size_t i = 0; i < sink->chunks.count; i++) {
        tn_chunk_release(sink->chunks.items[i].chunk);
    }
    tn_vec_free(&sink->chunks);
    tn_arena_deinit(&sink->arena);
    (void)pthread_mutex_destroy(&sink->lock);
    tn_pool_free(sink->pool, sink, sizeof(*sink));
}

tarn_code tn_memory_sink_create(tn_pool *pool, tn_str table, const tn_schema *schema,
                                tn_memory_sink **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_memory_sink *sink = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(tn_memory_sink), &memory, err));
    sink = memory;
    sink->base.ops = &memory_sink_ops;
    sink->pool = pool;
    sink->chunks.pool = pool;
    (void)pthread_mutex_init(&sink->lock, NULL);
    tn_arena_init(&sink->arena, pool);
    TN_TRY(tn_arena_copy(&sink->arena, table, &sink->table, err));
    TN_TRY(tn_schema_copy(&sink->arena, schema, &sink->base.schema, err));
    TN_TRY(tn_arena_array(&sink->arena, const tn_type *, schema->count, &sink->types, err));
    for (uint32_t i = 0; i < schema->count; i++) {
        sink->types[i] = schema->fields[i].type;
    }
    *out = sink;
    sink = NULL;
done:
    tn_memory_sink_destroy(sink);
    return code;
}

tn_sink *tn_memory_sink_base(tn_memory_sink *sink)
{
    return &sink->base;
}

tn_chunk *const *tn_memory_sink_chunks(const tn_memory_sink *sink, size_t *count)
{
    *count = sink->chunks.count;
    return sink->in_order;
}
