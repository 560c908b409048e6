#include "scan/memory.h"

#include <assert.h>

/* A multiple of 64, so that bitmaps are cut at words. */
enum { MORSEL_ROWS = 32 * TN_BATCH_ROWS };

typedef struct memory_source {
    tn_source base;
    tn_pool *pool;
    tn_arena arena;
    size_t count;
    tn_chunk **chunks;
    uint64_t rows, bytes;
} memory_source;

typedef struct memory_scan {
    tn_scan base;
    memory_source *source;
    tn_pool *pool;
    uint32_t width;
    uint32_t *fields;
    uint32_t morsels;
    _Atomic uint32_t cursor;
    _Atomic uint64_t rows_out;
} memory_scan;

typedef struct memory_task {
    tn_scan_task base;
    memory_scan *scan;
    tn_pool *pool;
    const tn_chunk *chunk;
    uint32_t at, end; /* rows of the chunk in work */
    uint64_t morsel;
    uint32_t part;
    tn_column *all;     /* of the chunk's width */
    tn_column *columns; /* of those asked for */
} memory_task;

static uint32_t morsels_of(const tn_chunk *chunk)
{
    return (chunk->rows + MORSEL_ROWS - 1) / MORSEL_ROWS;
}

/* ---- the scan ---- */

static bool take_morsel(memory_task *task)
{
    memory_scan *scan = task->scan;
    uint32_t morsel = atomic_fetch_add(&scan->cursor, 1);
    if (morsel >= scan->morsels) {
        return false;
    }
    task->morsel = morsel;
    task->part = 0;
    for (size_t i = 0; i < scan->source->count; i++) {
        const tn_chunk *chunk = scan->source->chunks[i];
        const uint32_t count = morsels_of(chunk);
        if (morsel < count) {
            const uint32_t left = chunk->rows - morsel * MORSEL_ROWS;
            task->chunk = chunk;
            task->at = morsel * MORSEL_ROWS;
            task->end = task->at + (left < MORSEL_ROWS ? left : MORSEL_ROWS);
            return true;
        }
        morsel -= count;
    }
    assert(false);
    return false;
}

static tarn_code memory_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                             tn_scan_answer *answer, tarn_error *err)
{
    memory_task *task = (memory_task *)base;
    memory_scan *scan = task->scan;
    (void)waker;
    (void)err;

    if (task->at == task->end && !take_morsel(task)) {
        *answer = TN_SCAN_END;
        return TARN_OK;
    }
    const uint32_t left = task->end - task->at;
    const uint32_t rows = left < TN_BATCH_ROWS ? left : TN_BATCH_ROWS;
    tn_chunk_batch(task->chunk, task->at, rows, task->all, out);
    for (uint32_t i = 0; i < scan->width; i++) {
        task->columns[i] = task->all[scan->fields[i]];
    }
    task->at += rows;
    out->columns = task->columns;
    out->width = scan->width;
    out->tag = (tn_tag){task->morsel, task->part++, task->at == task->end};
    atomic_fetch_add_explicit(&scan->rows_out, rows, memory_order_relaxed);
    *answer = TN_SCAN_BATCH;
    return TARN_OK;
}

static void memory_task_close(tn_scan_task *base)
{
    memory_task *task = (memory_task *)base;
    const size_t room = tn_chunk_room_of(&task->scan->source->base.schema);
    tn_pool_free(task->pool, task->all, room * sizeof(tn_column));
    tn_pool_free(task->pool, task->columns, task->scan->width * sizeof(tn_column));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code memory_task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    memory_scan *scan = (memory_scan *)base;
    memory_task *task = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(memory_task), &memory, err));
    task = memory;
    task->base.ops = base->ops;
    task->scan = scan;
    task->pool = pool;
    const size_t room = tn_chunk_room_of(&scan->source->base.schema);
    TN_TRY(tn_pool_alloc_zeroed(pool, room * sizeof(tn_column), &memory, err));
    task->all = memory;
    TN_TRY(tn_pool_alloc_zeroed(pool, scan->width * sizeof(tn_column), &memory, err));
    task->columns = memory;
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        memory_task_close(&task->base);
    }
    return code;
}

static void memory_counters(tn_scan *base, tn_scan_counters *out)
{
    memory_scan *scan = (memory_scan *)base;
    const uint64_t rows = atomic_load(&scan->rows_out);
    *out = (tn_scan_counters){.rows_read = rows, .rows_out = rows};
}

static tarn_code memory_finish(tn_scan *base, tarn_error *err)
{
    const memory_scan *scan = (const memory_scan *)base;
    const uint64_t rows = atomic_load(&scan->rows_out);
    if (atomic_load(&scan->cursor) >= scan->morsels && rows > scan->source->rows) {
        return tn_fail(err, TARN_E_INTERNAL, "a scan gave more rows than its table has");
    }
    return TARN_OK;
}

static void memory_close(tn_scan *base)
{
    memory_scan *scan = (memory_scan *)base;
    tn_source_release(&scan->source->base);
    tn_pool_free(scan->pool, scan->fields, scan->width * sizeof(uint32_t));
    tn_pool_free(scan->pool, scan, sizeof(*scan));
}

static uint32_t memory_morsels(tn_scan *base)
{
    return ((memory_scan *)base)->morsels;
}

static const tn_scan_ops memory_scan_ops = {
    .task_open = memory_task_open,
    .read = memory_read,
    .task_close = memory_task_close,
    .counters = memory_counters,
    .finish = memory_finish,
    .close = memory_close,
    .morsels_expected = memory_morsels,
};

/* ---- the source ---- */

static tarn_code memory_open(tn_source *base, const tn_scan_request *request, tn_pool *pool,
                             tn_scan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    memory_scan *scan = NULL;
    void *memory;

    *out = NULL;
    if (request->virtuals != 0) {
        return tn_fail(err, TARN_E_INVALID, "rows of '%.*s' stem from no file: they have no _file",
                       TN_STR_ARGS(base->name));
    }
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        request->promises[i] = TN_PROMISE_NONE;
    }
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(memory_scan), &memory, err));
    scan = memory;
    scan->base.ops = &memory_scan_ops;
    scan->pool = pool;
    scan->source = (memory_source *)tn_source_retain(base);
    TN_TRY(tn_pool_alloc_zeroed(pool, request->field_count * sizeof(uint32_t), &memory, err));
    scan->fields = memory;
    scan->width = request->field_count;
    if (scan->width > 0) {
        memcpy(scan->fields, request->fields, scan->width * sizeof(uint32_t));
    }
    for (size_t i = 0; i < scan->source->count; i++) {
        scan->morsels += morsels_of(scan->source->chunks[i]);
    }
    *out = &scan->base;
    scan = NULL;
done:
    if (scan != NULL) {
        memory_close(&scan->base);
    }
    return code;
}

static tarn_code memory_statistics(tn_source *base, const tn_conjunct *conjuncts, uint32_t count,
                                   tn_arena *arena, tn_statistics *out, tarn_error *err)
{
    const memory_source *source = (const memory_source *)base;
    (void)conjuncts;
    (void)arena;
    (void)err;
    *out = (tn_statistics){.rows_known = count == 0 ? TN_EXACT : TN_ESTIMATE,
                           .bytes_known = TN_ESTIMATE,
                           .rows = source->rows,
                           .bytes = source->bytes};
    return TARN_OK;
}

static void memory_destroy(tn_source *base)
{
    memory_source *source = (memory_source *)base;
    for (size_t i = 0; i < source->count; i++) {
        tn_chunk_release(source->chunks[i]);
    }
    tn_arena_deinit(&source->arena);
    tn_pool_free(source->pool, source, sizeof(*source));
}

static const tn_source_ops memory_source_ops = {
    .kind = "memory",
    .statistics = memory_statistics,
    .open = memory_open,
    .destroy = memory_destroy,
};

tarn_code tn_memory_source_create(tn_pool *pool, tn_str name, const tn_schema *schema,
                                  tn_chunk *const *chunks, size_t count, tn_source **out,
                                  tarn_error *err)
{
    tarn_code code = TARN_OK;
    memory_source *source = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(memory_source), &memory, err));
    source = memory;
    source->base.ops = &memory_source_ops;
    atomic_init(&source->base.refs, 1);
    source->base.is_ordered = true;
    source->pool = pool;
    tn_arena_init(&source->arena, pool);
    TN_TRY(tn_arena_copy(&source->arena, name, &source->base.name, err));
    TN_TRY(tn_schema_copy(&source->arena, schema, &source->base.schema, err));
    TN_TRY(tn_arena_array(&source->arena, tn_chunk *, count, &source->chunks, err));
    for (size_t i = 0; i < count; i++) {
        source->chunks[source->count++] = tn_chunk_retain(chunks[i]);
        source->rows += chunks[i]->rows;
        source->bytes += chunks[i]->size;
    }
    *out = &source->base;
    source = NULL;
done:
    if (source != NULL) {
        memory_destroy(&source->base);
    }
    return code;
}
