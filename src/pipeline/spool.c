#include "pipeline/spool.h"

enum { MORSEL_BYTES = 8 << 20 };

/* ---- rows in ----------------------------------------------------------------------------------*/

tarn_code tn_spool_open(tn_spool *s, tn_pool *parent, tn_str temp_dir, const tn_schema *schema,
                        tarn_error *err)
{
    const tn_type *types[64];
    void *memory;
    *s = (tn_spool){.schema = schema, .is_open = true};
    tn_pool_init(&s->pool, parent, "spool", SIZE_MAX);
    for (uint32_t i = 0; i < schema->count; i++) {
        types[i] = schema->fields[i].type;
    }
    TN_RETURN_IF_ERROR(tn_spill_create(&s->pool, temp_dir, &s->spill, err));
    TN_RETURN_IF_ERROR(tn_row_layout_create(&s->pool, types, schema->count, 0, &s->layout, err));
    tn_rows_init(&s->rows, s->layout, &s->pool, s->spill);
    TN_RETURN_IF_ERROR(tn_row_writer_create(&s->pool, s->layout, 0, &s->writer, err));
    TN_RETURN_IF_ERROR(tn_pool_alloc(&s->pool, TN_BATCH_ROWS * sizeof(void *), &memory, err));
    s->added = memory;
    return TARN_OK;
}

void tn_spool_close(tn_spool *s)
{
    if (!s->is_open) {
        return;
    }
    if (s->rows.pool != NULL) {
        tn_rows_clear(&s->rows);
    }
    tn_row_writer_destroy(s->writer);
    tn_row_layout_destroy(s->layout);
    tn_spill_destroy(s->spill);
    tn_pool_free(&s->pool, s->added, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_deinit(&s->pool);
    s->is_open = false;
}

/* Cold pages go before they are in anybody's way. */
static TN_FALLIBLE write_out(tn_spool *s, tarn_error *err)
{
    const size_t cold = tn_spill_evictable(s->spill);
    if (cold <= TN_SPOOL_MEMORY || tn_spill_reclaim(s->spill, cold)) {
        return TARN_OK;
    }
    const tarn_code code = tn_pool_fail(&s->pool, 0, "rows that are set aside", err);
    return tn_spill_explain(s->spill, code, err);
}

tarn_code tn_spool_add(tn_spool *s, const tn_chunk *chunk, tarn_error *err)
{
    tn_column columns[64];
    const tn_column *pointers[64];
    tn_batch batch;
    for (uint32_t from = 0; from < chunk->rows; from += TN_BATCH_ROWS) {
        const uint32_t left = chunk->rows - from;
        const uint32_t rows = left < TN_BATCH_ROWS ? left : TN_BATCH_ROWS;
        tn_chunk_batch(chunk, from, rows, columns, &batch);
        for (uint32_t i = 0; i < chunk->width; i++) {
            pointers[i] = &columns[i];
        }
        TN_RETURN_IF_ERROR(
            tn_row_writer_prepare(s->writer, pointers, batch.selection, batch.selected, err));
        tn_row_writer_measure(s->writer, batch.selected);
        TN_RETURN_IF_ERROR(
            tn_row_writer_add(s->writer, &s->rows, NULL, NULL, batch.selected, s->added, err));
        tn_row_writer_settle(s->writer);
    }
    return write_out(s, err);
}

/* ---- rows out ---------------------------------------------------------------------------------*/

typedef struct spool_source {
    tn_source base;
    tn_pool *pool;
    tn_spool *spool;
} spool_source;

typedef struct spool_scan {
    tn_scan base;
    spool_source *source;
    tn_pool *pool;
    uint32_t width;
    uint32_t *fields;
    _Atomic bool taken; /* by its one task */
    _Atomic uint64_t rows_out;
} spool_scan;

typedef struct spool_task {
    tn_scan_task base;
    spool_scan *scan;
    tn_pool *pool;
    tn_row_reader *reader;
    tn_column *columns;
    uint8_t **rows;
    tn_rows_cursor cursor;
    const tn_page *page; /* of the last batch */
    uint64_t left, morsel;
    size_t bytes; /* of the morsel's pages */
    uint32_t part;
    bool begun;
} spool_task;

static void task_close(tn_scan_task *base)
{
    spool_task *task = (spool_task *)base;
    if (task->begun) {
        tn_rows_cursor_close(&task->cursor);
    }
    tn_row_reader_destroy(task->reader);
    tn_pool_free(task->pool, task->columns, task->scan->width * sizeof(tn_column));
    tn_pool_free(task->pool, task->rows, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    spool_scan *scan = (spool_scan *)base;
    spool_task *task = NULL;
    void *memory;
    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = base->ops;
    task->scan = scan;
    task->pool = pool;
    TN_TRY(tn_row_reader_create(pool, scan->source->spool->layout, &task->reader, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, scan->width * sizeof(tn_column), &memory, err));
    task->columns = memory;
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(void *), &memory, err));
    task->rows = memory;
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        task_close(&task->base);
    }
    return code;
}

static tarn_code read(tn_scan_task *base, tn_waker *waker, tn_batch *out, tn_scan_answer *answer,
                      tarn_error *err)
{
    spool_task *task = (spool_task *)base;
    spool_scan *scan = task->scan;
    uint32_t count;
    (void)waker;
    *answer = TN_SCAN_END;
    if (!task->begun) {
        if (atomic_exchange(&scan->taken, true)) {
            return TARN_OK;
        }
        tn_rows_seal(&scan->source->spool->rows);
        task->cursor = (tn_rows_cursor){.rows = &scan->source->spool->rows, .consume = true};
        task->left = task->cursor.rows->count;
        task->begun = true;
    }
    if (task->left == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_rows_cursor_next(&task->cursor, TN_BATCH_ROWS, task->rows, &count, err));
    for (uint32_t c = 0; c < scan->width; c++) {
        TN_RETURN_IF_ERROR(tn_row_reader_gather(task->reader, scan->fields[c], task->rows, count,
                                                NULL, count, &task->columns[c], err));
    }
    task->left -= count;
    atomic_fetch_add_explicit(&scan->rows_out, count, memory_order_relaxed);
    *out = (tn_batch){.columns = task->columns,
                      .width = scan->width,
                      .rows = count,
                      .selected = count,
                      .tag = {task->morsel, task->part++, false}};
    task->bytes +=
        task->cursor.page != task->page && task->cursor.page != NULL ? task->cursor.page->size : 0;
    task->page = task->cursor.page;
    if (task->left == 0 || task->bytes >= MORSEL_BYTES) { /* what a writer may hold at once */
        out->tag.last = true;
        task->morsel++;
        task->part = 0;
        task->bytes = 0;
    }
    *answer = TN_SCAN_BATCH;
    return TARN_OK;
}

static void counters(tn_scan *base, tn_scan_counters *out)
{
    const uint64_t rows = atomic_load(&((spool_scan *)base)->rows_out);
    *out = (tn_scan_counters){.rows_read = rows, .rows_out = rows};
}

static tarn_code finish(tn_scan *base, tarn_error *err)
{
    (void)base;
    (void)err;
    return TARN_OK;
}

static void scan_close(tn_scan *base)
{
    spool_scan *scan = (spool_scan *)base;
    tn_source_release(&scan->source->base);
    tn_pool_free(scan->pool, scan->fields, scan->width * sizeof(uint32_t));
    tn_pool_free(scan->pool, scan, sizeof(*scan));
}

static uint32_t one_morsel(tn_scan *base)
{
    (void)base;
    return 1;
}

static const tn_scan_ops scan_ops = {.task_open = task_open,
                                     .read = read,
                                     .task_close = task_close,
                                     .counters = counters,
                                     .finish = finish,
                                     .close = scan_close,
                                     .morsels_expected = one_morsel};

static tarn_code statistics(tn_source *base, const tn_conjunct *conjuncts, uint32_t count,
                            tn_arena *arena, tn_statistics *out, tarn_error *err)
{
    (void)conjuncts;
    (void)count;
    (void)arena;
    (void)err;
    *out =
        (tn_statistics){.rows_known = TN_EXACT, .rows = ((spool_source *)base)->spool->rows.count};
    return TARN_OK;
}

static tarn_code open_scan(tn_source *base, const tn_scan_request *request, tn_pool *pool,
                           tn_scan **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        request->promises[i] = TN_PROMISE_NONE;
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(spool_scan), &memory, err));
    spool_scan *scan = memory;
    const tarn_code code =
        tn_pool_alloc(pool, request->field_count * sizeof(uint32_t), &memory, err);
    if (code != TARN_OK) {
        tn_pool_free(pool, scan, sizeof(*scan));
        return code;
    }
    scan->fields = memory;
    memcpy(scan->fields, request->fields, request->field_count * sizeof(uint32_t));
    scan->base.ops = &scan_ops;
    scan->pool = pool;
    scan->width = request->field_count;
    scan->source = (spool_source *)tn_source_retain(base);
    atomic_init(&scan->taken, false);
    atomic_init(&scan->rows_out, 0);
    *out = &scan->base;
    return TARN_OK;
}

static void destroy(tn_source *base)
{
    spool_source *source = (spool_source *)base;
    tn_pool_free(source->pool, source, sizeof(*source));
}

tarn_code tn_spool_source(tn_spool *spool, tn_str name, tn_source **out, tarn_error *err)
{
    static const tn_source_ops ops = {
        .kind = "spool", .statistics = statistics, .open = open_scan, .destroy = destroy};
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(&spool->pool, sizeof(spool_source), &memory, err));
    spool_source *source = memory;
    source->base.ops = &ops;
    source->base.schema = *spool->schema;
    source->base.name = name;
    source->base.is_ordered = true;
    atomic_init(&source->base.refs, 1);
    source->pool = &spool->pool;
    source->spool = spool;
    *out = &source->base;
    return TARN_OK;
}
