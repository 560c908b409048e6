#include "scan/range.h"

enum { MORSEL_ROWS = 64 * TN_BATCH_ROWS };

typedef struct range_source {
    tn_source base;
    tn_pool *pool;
    tn_arena arena;
    tn_field field;
    int64_t first, step;
    uint64_t count;
} range_source;

typedef struct range_scan {
    tn_scan base;
    range_source *source;
    tn_pool *pool;
    uint32_t width;
    _Atomic uint64_t cursor, rows_out;
} range_scan;

enum { WIDTH_MAX = 8 };

typedef struct range_task {
    tn_scan_task base;
    range_scan *scan;
    tn_pool *pool;
    uint64_t at, end;
    tn_tag tag;
    tn_sequence sequence;
    tn_column columns[WIDTH_MAX]; /* the one column, as often as it was asked for */
} range_task;

static uint64_t morsels_of(const range_source *source)
{
    return source->count / MORSEL_ROWS + (source->count % MORSEL_ROWS != 0);
}

static tarn_code range_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                            tn_scan_answer *answer, tarn_error *err)
{
    range_task *task = (range_task *)base;
    range_scan *scan = task->scan;
    const range_source *source = scan->source;
    (void)waker;
    (void)err;

    *answer = TN_SCAN_END;
    if (task->at == task->end) {
        const uint64_t morsel = atomic_fetch_add(&scan->cursor, 1);
        if (morsel >= morsels_of(source)) {
            return TARN_OK;
        }
        const uint64_t left = source->count - morsel * MORSEL_ROWS;
        task->at = morsel * MORSEL_ROWS;
        task->end = task->at + (left < MORSEL_ROWS ? left : MORSEL_ROWS);
        task->tag = (tn_tag){morsel, 0, false};
    }
    const uint64_t left = task->end - task->at;
    const uint32_t rows = left < TN_BATCH_ROWS ? (uint32_t)left : TN_BATCH_ROWS;
    task->sequence = (tn_sequence){
        (int64_t)((uint64_t)source->first + (uint64_t)source->step * task->at), source->step};
    for (uint32_t i = 0; i < scan->width; i++) {
        task->columns[i] = (tn_column){.type = TN_BIGINT,
                                       .lane = TN_LANE_i64,
                                       .encoding = TN_SEQUENCE,
                                       .rows = rows,
                                       .values = &task->sequence};
    }
    task->at += rows;
    *out = (tn_batch){.columns = task->columns,
                      .width = scan->width,
                      .rows = rows,
                      .selected = rows,
                      .tag = task->tag};
    out->tag.last = task->at == task->end;
    task->tag.part++;
    atomic_fetch_add_explicit(&scan->rows_out, rows, memory_order_relaxed);
    *answer = TN_SCAN_BATCH;
    return TARN_OK;
}

static tarn_code range_task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(range_task), &memory, err));
    range_task *task = memory;
    task->base.ops = base->ops;
    task->scan = (range_scan *)base;
    task->pool = pool;
    *out = &task->base;
    return TARN_OK;
}

static void range_task_close(tn_scan_task *base)
{
    range_task *task = (range_task *)base;
    tn_pool_free(task->pool, task, sizeof(*task));
}

static void range_counters(tn_scan *base, tn_scan_counters *out)
{
    const uint64_t rows = atomic_load(&((range_scan *)base)->rows_out);
    *out = (tn_scan_counters){.rows_read = rows, .rows_out = rows};
}

static tarn_code range_finish(tn_scan *base, tarn_error *err)
{
    (void)base;
    (void)err;
    return TARN_OK;
}

static void range_close(tn_scan *base)
{
    range_scan *scan = (range_scan *)base;
    tn_source_release(&scan->source->base);
    tn_pool_free(scan->pool, scan, sizeof(*scan));
}

static uint32_t range_morsels(tn_scan *base)
{
    const uint64_t morsels = morsels_of(((range_scan *)base)->source);
    return morsels < UINT32_MAX ? (uint32_t)morsels : UINT32_MAX;
}

static const tn_scan_ops range_scan_ops = {
    .task_open = range_task_open,
    .read = range_read,
    .task_close = range_task_close,
    .counters = range_counters,
    .finish = range_finish,
    .close = range_close,
    .morsels_expected = range_morsels,
};

static tarn_code range_open(tn_source *base, const tn_scan_request *request, tn_pool *pool,
                            tn_scan **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    if (request->virtuals != 0 || request->field_count > WIDTH_MAX) {
        return tn_fail(err, TARN_E_INVALID, "rows of %.*s() stem from no file",
                       TN_STR_ARGS(base->name));
    }
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        request->promises[i] = TN_PROMISE_NONE;
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(range_scan), &memory, err));
    range_scan *scan = memory;
    scan->base.ops = &range_scan_ops;
    scan->source = (range_source *)tn_source_retain(base);
    scan->pool = pool;
    scan->width = request->field_count;
    *out = &scan->base;
    return TARN_OK;
}

static tarn_code range_statistics(tn_source *base, const tn_conjunct *conjuncts, uint32_t count,
                                  tn_arena *arena, tn_statistics *out, tarn_error *err)
{
    const range_source *source = (const range_source *)base;
    tn_column_statistics *column;
    (void)conjuncts;
    *out =
        (tn_statistics){.rows_known = count == 0 ? TN_EXACT : TN_ESTIMATE, .rows = source->count};
    if (source->count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_column_statistics, &column, err));
    const int64_t last = source->first + source->step * (int64_t)(source->count - 1);
    const bool rises = source->step >= 0;
    *column = (tn_column_statistics){.bounds = TN_EXACT,
                                     .nulls = TN_EXACT,
                                     .distinct = TN_EXACT,
                                     .min = tn_value_bigint(rises ? source->first : last),
                                     .max = tn_value_bigint(rises ? last : source->first),
                                     .distinct_count = source->count};
    out->columns = column;
    return TARN_OK;
}

static void range_destroy(tn_source *base)
{
    range_source *source = (range_source *)base;
    tn_arena_deinit(&source->arena);
    tn_pool_free(source->pool, source, sizeof(*source));
}

static const tn_source_ops range_source_ops = {
    .kind = "range",
    .statistics = range_statistics,
    .open = range_open,
    .destroy = range_destroy,
};

tarn_code tn_range_source_create(tn_pool *pool, tn_str column, int64_t first, int64_t step,
                                 uint64_t count, tn_source **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(range_source), &memory, err));
    range_source *source = memory;
    source->base.ops = &range_source_ops;
    atomic_init(&source->base.refs, 1);
    source->base.is_ordered = true;
    source->pool = pool;
    source->first = first;
    source->step = step;
    source->count = count;
    tn_arena_init(&source->arena, pool);
    const tarn_code code = tn_arena_copy(&source->arena, column, &source->field.name, err);
    if (code != TARN_OK) {
        range_destroy(&source->base);
        return code;
    }
    source->field.type = TN_BIGINT;
    source->base.name = source->field.name;
    source->base.schema = (tn_schema){1, &source->field};
    *out = &source->base;
    return TARN_OK;
}
