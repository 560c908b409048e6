/*
 * Rows that are read more than once: SHARED plans, streams that can be read only once.  Each morsel
 * is a list of evictable pages of its own; scans hand the morsels out by their numbers, in input
 * order, to as many tasks as ask.
 */
#include "base/sort.h"
#include "base/vec.h"
#include "exec/block_internal.h"

typedef struct keep_morsel {
    uint64_t number;
    tn_rows *rows;
} keep_morsel;

typedef struct keep {
    tn_operator base;
    tn_run *run;
    tn_pool pool;
    tn_row_layout *layout;
    uint32_t width;
    bool ordered;
    pthread_mutex_t lock; /* guards what follows, until it is finalised */
    keep_morsel *morsels;
    size_t count, capacity;
} keep;

typedef struct keep_task {
    tn_operator_task base;
    keep *op;
    tn_pool *pool;
    tn_row_writer *writer;
    const tn_column **columns;
    uint8_t **added;
    tn_rows *rows; /* of the morsel at hand, or NULL */
    uint64_t morsel;
} keep_task;

static void free_rows(keep *op, tn_rows *rows)
{
    if (rows != NULL) {
        tn_rows_clear(rows);
        tn_pool_free(&op->pool, rows, sizeof(*rows));
    }
}

static void task_close(tn_operator_task *base)
{
    keep_task *task = (keep_task *)base;
    free_rows(task->op, task->rows);
    tn_row_writer_destroy(task->writer);
    tn_pool_free(task->pool, task->columns, task->op->width * sizeof(void *));
    tn_pool_free(task->pool, task->added, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code task_open(tn_operator *base, const tn_task *task, tn_operator_task **out,
                           tarn_error *err)
{
    keep *op = (keep *)base;
    tarn_code code = TARN_OK;
    keep_task *made = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, sizeof(*made), &memory, err));
    made = memory;
    made->base.ops = base->ops;
    made->op = op;
    made->pool = task->pool;
    TN_TRY(tn_row_writer_create(task->pool, op->layout, 0, &made->writer, err));
    TN_TRY(tn_pool_alloc(task->pool, op->width * sizeof(void *), (void **)&made->columns, err));
    TN_TRY(tn_pool_alloc(task->pool, TN_BATCH_ROWS * sizeof(void *), (void **)&made->added, err));
    *out = &made->base;
    made = NULL;
done:
    if (made != NULL) {
        task_close(&made->base);
    }
    return code;
}

static TN_FALLIBLE end_morsel(keep_task *task, tarn_error *err)
{
    keep *op = task->op;
    if (task->rows == NULL) {
        return TARN_OK;
    }
    tn_rows_seal(task->rows);
    pthread_mutex_lock(&op->lock);
    const tarn_code code = tn_vec_grow(&op->pool, (void **)&op->morsels, &op->capacity, op->count,
                                       1, sizeof(keep_morsel), err);
    if (code == TARN_OK) {
        op->morsels[op->count++] = (keep_morsel){task->morsel, task->rows};
        task->rows = NULL;
    }
    pthread_mutex_unlock(&op->lock);
    return code;
}

static tarn_code take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                      tarn_error *err)
{
    keep_task *task = (keep_task *)base;
    keep *op = task->op;

    *answer = TN_MORE_INPUT;
    if (task->rows != NULL && task->morsel != in->tag.morsel) {
        TN_RETURN_IF_ERROR(end_morsel(task, err));
    }
    task->morsel = in->tag.morsel;
    if (in->selected > 0) {
        if (task->rows == NULL) {
            void *memory;
            TN_RETURN_IF_ERROR(tn_pool_alloc(&op->pool, sizeof(tn_rows), &memory, err));
            task->rows = memory;
            tn_rows_init(task->rows, op->layout, &op->pool, op->run->spill);
        }
        for (uint32_t c = 0; c < op->width; c++) {
            TN_RETURN_IF_ERROR(tn_inputs__raise(&in->columns[c], in, err));
            task->columns[c] = &in->columns[c];
        }
        TN_RETURN_IF_ERROR(
            tn_row_writer_prepare(task->writer, task->columns, in->selection, in->selected, err));
        tn_row_writer_measure(task->writer, in->selected);
        TN_RETURN_IF_ERROR(tn_row_writer_add(task->writer, task->rows, NULL, NULL, in->selected,
                                             task->added, err));
        tn_row_writer_settle(task->writer);
    }
    return in->tag.last ? end_morsel(task, err) : TARN_OK;
}

static tarn_code combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    *answer = TN_MORE_INPUT;
    return end_morsel((keep_task *)base, err);
}

static int by_number(const void *a, const void *b, void *context)
{
    const uint64_t left = ((const keep_morsel *)a)->number;
    const uint64_t right = ((const keep_morsel *)b)->number;
    (void)context;
    return (left > right) - (left < right);
}

static tarn_code finalise(tn_operator *base, const tn_task *task, tn_answer *answer,
                          tarn_error *err)
{
    keep *op = (keep *)base;
    (void)task;
    (void)err;
    *answer = TN_MORE_INPUT;
    tn_sort(op->morsels, op->count, sizeof(keep_morsel), by_number, NULL);
    return TARN_OK;
}

static void destroy(tn_operator *base)
{
    keep *op = (keep *)base;
    for (size_t i = 0; i < op->count; i++) {
        free_rows(op, op->morsels[i].rows);
    }
    tn_pool_free(&op->pool, op->morsels, op->capacity * sizeof(keep_morsel));
    tn_row_layout_destroy(op->layout);
    pthread_mutex_destroy(&op->lock);
    tn_pool_deinit(&op->pool);
    tn_pool_free(op->run->pool, op, sizeof(*op));
}

/* ---- scans ---- */

typedef struct keep_scan {
    tn_scan base;
    keep *op;
    tn_pool *pool;
    _Atomic size_t next; /* morsel */
} keep_scan;

typedef struct keep_scan_task {
    tn_scan_task base;
    keep_scan *scan;
    tn_pool *pool;
    tn_row_reader *reader;
    tn_column *columns;
    uint8_t **rows;
    tn_rows_cursor cursor;
    size_t morsel;
    bool in_morsel;
    uint64_t left; /* rows of the morsel */
    uint32_t part;
} keep_scan_task;

static void scan_task_close(tn_scan_task *base)
{
    keep_scan_task *task = (keep_scan_task *)base;
    tn_rows_cursor_close(&task->cursor);
    tn_row_reader_destroy(task->reader);
    tn_pool_free(task->pool, task->columns, task->scan->op->width * sizeof(tn_column));
    tn_pool_free(task->pool, task->rows, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code scan_task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    keep_scan *scan = (keep_scan *)base;
    tarn_code code = TARN_OK;
    keep_scan_task *task = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = base->ops;
    task->scan = scan;
    task->pool = pool;
    TN_TRY(tn_row_reader_create(pool, scan->op->layout, &task->reader, err));
    TN_TRY(tn_pool_alloc(pool, scan->op->width * sizeof(tn_column), (void **)&task->columns, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(void *), (void **)&task->rows, err));
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        scan_task_close(&task->base);
    }
    return code;
}

static tarn_code scan_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                           tn_scan_answer *answer, tarn_error *err)
{
    keep_scan_task *task = (keep_scan_task *)base;
    keep *op = task->scan->op;
    uint32_t count;

    (void)waker;
    if (!task->in_morsel) {
        task->morsel = atomic_fetch_add(&task->scan->next, 1);
        if (task->morsel >= op->count) {
            *answer = TN_SCAN_END;
            return TARN_OK;
        }
        tn_rows_cursor_close(&task->cursor);
        task->cursor = (tn_rows_cursor){.rows = op->morsels[task->morsel].rows};
        task->left = op->morsels[task->morsel].rows->count;
        task->in_morsel = true;
        task->part = 0;
    }
    TN_RETURN_IF_ERROR(tn_rows_cursor_next(&task->cursor, task->cursor.rows->layout->batch_rows,
                                           task->rows, &count, err));
    for (uint32_t c = 0; c < op->width; c++) {
        TN_RETURN_IF_ERROR(tn_row_reader_gather(task->reader, c, task->rows, count, NULL, count,
                                                &task->columns[c], err));
    }
    task->left -= count;
    *out = (tn_batch){.columns = task->columns,
                      .width = op->width,
                      .rows = count,
                      .selected = count,
                      .tag = {task->morsel, task->part++, task->left == 0}};
    task->in_morsel = task->left > 0;
    *answer = TN_SCAN_BATCH;
    return TARN_OK;
}

static void scan_close(tn_scan *base)
{
    keep_scan *scan = (keep_scan *)base;
    tn_pool_free(scan->pool, scan, sizeof(*scan));
}

static uint32_t expected(tn_scan *base)
{
    const size_t count = ((keep_scan *)base)->op->count;
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

tarn_code tn_keep_scan(tn_operator *base, tn_pool *pool, tn_scan **out, tarn_error *err)
{
    static const tn_scan_ops ops = {scan_task_open,
                                    scan_read,
                                    scan_task_close,
                                    tn_block__counters,
                                    tn_block__finish,
                                    scan_close,
                                    expected,
                                    NULL,
                                    NULL};
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(keep_scan), &memory, err));
    keep_scan *scan = memory;
    scan->base.ops = &ops;
    scan->op = (keep *)base;
    scan->pool = pool;
    *out = &scan->base;
    return TARN_OK;
}

static tarn_code scan(tn_operator *base, tn_scan **out, tarn_error *err)
{
    return tn_keep_scan(base, &((keep *)base)->pool, out, err);
}

tarn_code tn_keep_create(tn_run *run, const tn_type *const *types, uint32_t width, bool ordered,
                         tn_operator **out, tarn_error *err)
{
    static const tn_operator_ops ops = {.name = "keep",
                                        .task_open = task_open,
                                        .task_close = task_close,
                                        .take = take,
                                        .combine = combine,
                                        .finalise = finalise,
                                        .scan = scan,
                                        .destroy = destroy};
    tarn_code code = TARN_OK;
    keep *op = NULL;

    *out = NULL;
    TN_TRY(tn_block__new(run, sizeof(*op), &op, err));
    op->base.ops = &ops;
    op->run = run;
    op->width = width;
    op->ordered = ordered;
    pthread_mutex_init(&op->lock, NULL);
    tn_pool_init(&op->pool, run->pool, "keep", SIZE_MAX);
    TN_TRY(tn_row_layout_create(&op->pool, types, width, 0, &op->layout, err));
    *out = &op->base;
    op = NULL;
done:
    if (op != NULL) {
        destroy(&op->base);
    }
    return code;
}
