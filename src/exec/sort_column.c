/*
 * ORDER BY of one column of whole numbers, which is all of the row: its keys are sorted by
 * themselves, 8 bytes each, and turned back to values at the end.  Equal rows cannot be told apart,
 * so there are no ties, and NULLs are counted.  Runs are sorted within the pages that they came in.
 */
#include "exec/block_internal.h"
#include "exec/sort_internal.h"

typedef struct column_sort {
    tn_operator base;
    tn_run *run;
    tn_pool pool;
    tn_sorter *sorter;
    const tn_type *type;
    uint64_t turn; /* value ^ turn: a number that orders as the key does */
    bool nulls_first;
    tn_sort_span span;
    _Atomic uint64_t nulls;
    tn_scan scan;
    _Atomic(uint64_t) given; /* morsels, by the tasks of the scan */
    _Atomic bool taken;      /* by the one task that merges */
} column_sort;

typedef struct column_task {
    tn_operator_task base;
    column_sort *op;
    tn_pool *pool;
    tn_scratch scratch;
    tn_key_run run;
    uint64_t batch[TN_BATCH_ROWS];
} column_task;

static bool is_signed(const tn_type *type)
{
    return type->lane <= TN_LANE_i64;
}

static void task_close(tn_operator_task *base)
{
    column_task *task = (column_task *)base;
    tn_key_run__deinit(&task->run);
    tn_scratch_deinit(&task->scratch);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code task_open(tn_operator *base, const tn_task *task, tn_operator_task **out,
                           tarn_error *err)
{
    column_sort *op = (column_sort *)base;
    void *memory = NULL;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, sizeof(column_task), &memory, err));
    column_task *made = memory;
    made->base.ops = base->ops;
    made->op = op;
    made->pool = task->pool;
    tn_scratch_init(&made->scratch, task->pool);
    tn_key_run__init(&made->run, op->sorter);
    *out = &made->base;
    return TARN_OK;
}

/* The values as keys, those that are not NULL. */
static uint32_t encode(const column_sort *op, const tn_column *column, uint64_t *restrict keys)
{
    const size_t count = column->rows;
    const uint64_t turn = op->turn;
    uint32_t kept = 0;
#define WIDEN(lane, ctype, wide)                        \
    case TN_LANE_##lane: {                              \
        const ctype *restrict values = column->values;  \
        for (size_t i = 0; i < count; i++) {            \
            keys[i] = (uint64_t)(wide)values[i] ^ turn; \
        }                                               \
        break;                                          \
    }
    switch (op->type->lane) {
        WIDEN(i8, int8_t, int64_t)
        WIDEN(i16, int16_t, int64_t)
        WIDEN(i32, int32_t, int64_t)
        WIDEN(i64, int64_t, int64_t)
        WIDEN(u8, uint8_t, uint64_t)
        WIDEN(u16, uint16_t, uint64_t)
        WIDEN(u32, uint32_t, uint64_t)
    default: {
        const uint64_t *restrict values = column->values;
        for (size_t i = 0; i < count; i++) {
            keys[i] = values[i] ^ turn;
        }
    }
    }
#undef WIDEN
    if (column->validity == NULL) {
        return (uint32_t)count;
    }
    for (size_t i = 0; i < count; i++) {
        keys[kept] = keys[i];
        kept += tn_bit_get(column->validity, i);
    }
    return kept;
}

static tarn_code take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                      tarn_error *err)
{
    column_task *task = (column_task *)base;
    column_sort *op = task->op;
    tn_column flat;

    *answer = TN_MORE_INPUT;
    if (in->selected == 0) { /* it may have no columns then */
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_inputs__raise(&in->columns[0], in, err));
    TN_RETURN_IF_ERROR(tn_column_flatten(&in->columns[0], in->selection, in->selected,
                                         op->type->lane, &task->scratch, &flat, err));
    flat.rows = in->selected;
    const uint32_t kept = encode(op, &flat, task->batch);
    if (kept < in->selected) {
        atomic_fetch_add(&op->nulls, in->selected - kept);
    }
    return tn_key_run__add(&task->run, task->batch, kept, err);
}

static tarn_code combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    column_task *task = (column_task *)base;
    *answer = TN_MORE_INPUT;
    return tn_key_run__finish(&task->run, err);
}

static tarn_code finalise(tn_operator *base, const tn_task *task, tn_answer *answer,
                          tarn_error *err)
{
    (void)task;
    *answer = TN_MORE_INPUT;
    return tn_sorter__finish(((column_sort *)base)->sorter, err);
}

/* ---- the rows, in order ---- */

typedef struct column_scan_task {
    tn_scan_task base;
    column_sort *op; /* NULL: another task merges */
    tn_pool *pool;
    tn_key_merge *merge;
    uint64_t nulls; /* still to come */
    uint64_t seen;  /* rows, those of the offset included */
    tn_numbering numbering;
    tn_column column;
    uint64_t validity[TN_BATCH_ROWS / 64]; /* of a batch of NULLs */
    uint64_t keys[TN_BATCH_ROWS];
    uint64_t values[TN_BATCH_ROWS];
} column_scan_task;

static void scan_task_close(tn_scan_task *base)
{
    column_scan_task *task = (column_scan_task *)base;
    tn_key_merge__destroy(task->merge);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static column_sort *sort_of(tn_scan *scan)
{
    return (column_sort *)(void *)((char *)scan - offsetof(column_sort, scan));
}

static tarn_code scan_task_open(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    column_sort *op = sort_of(scan);
    tarn_code code = TARN_OK;
    column_scan_task *task = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = scan->ops;
    task->pool = pool;
    task->numbering.morsels = &op->given;
    if (!atomic_exchange(&op->taken, true)) {
        task->op = op;
        task->nulls = atomic_load(&op->nulls);
        TN_TRY(tn_key_merge__create(op->sorter, pool, &task->merge, err));
    }
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        scan_task_close(&task->base);
    }
    return code;
}

/* Up to `max` rows that are all NULL or all not. */
static TN_FALLIBLE next_rows(column_scan_task *task, uint32_t max, uint32_t *count, bool *is_null,
                             tarn_error *err)
{
    *count = 0;
    *is_null = false;
    if (task->nulls == 0 || !task->op->nulls_first) {
        TN_RETURN_IF_ERROR(tn_key_merge__next(task->merge, max, task->keys, count, err));
    }
    if (*count == 0) {
        *count = task->nulls < max ? (uint32_t)task->nulls : max;
        *is_null = true;
        task->nulls -= *count;
    }
    return TARN_OK;
}

/* Keys back to values of the lane. */
static void decode(const column_sort *op, const uint64_t *restrict keys, size_t count,
                   void *restrict out)
{
    const uint64_t turn = op->turn;
#define NARROW(size, ctype)                      \
    case size: {                                 \
        ctype *restrict values = out;            \
        for (size_t i = 0; i < count; i++) {     \
            values[i] = (ctype)(keys[i] ^ turn); \
        }                                        \
        break;                                   \
    }
    switch (tn_lane_size(op->type->lane)) {
        NARROW(1, uint8_t)
        NARROW(2, uint16_t)
        NARROW(4, uint32_t)
    default: {
        uint64_t *restrict values = out;
        for (size_t i = 0; i < count; i++) {
            values[i] = keys[i] ^ turn;
        }
    }
    }
#undef NARROW
}

static tarn_code scan_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                           tn_scan_answer *answer, tarn_error *err)
{
    column_scan_task *task = (column_scan_task *)base;
    const column_sort *op = task->op;
    uint32_t count;
    uint32_t from;
    bool is_null;

    (void)waker;
    if (op == NULL) {
        *answer = TN_SCAN_END;
        return TARN_OK;
    }
    do { /* rows before the offset are passed over */
        const uint32_t room = tn_sort_span__room(&op->span, task->seen);
        TN_RETURN_IF_ERROR(next_rows(task, room, &count, &is_null, err));
        if (count == 0) {
            tn_numbering__end(&task->numbering, out, answer);
            return TARN_OK;
        }
        from = tn_sort_span__before(&op->span, task->seen, count);
        task->seen += count;
    } while (from == count);
    if (is_null) {
        memset(task->values, 0, sizeof(task->values));
    } else {
        decode(op, task->keys + from, count - from, task->values);
    }
    task->column = (tn_column){.type = op->type,
                               .lane = (uint8_t)op->type->lane,
                               .encoding = TN_FLAT,
                               .rows = count - from,
                               .values = task->values,
                               .validity = is_null ? task->validity : NULL};
    *out = (tn_batch){
        .columns = &task->column, .width = 1, .rows = count - from, .selected = count - from};
    tn_numbering__next(&task->numbering, out);
    *answer = TN_SCAN_BATCH;
    return TARN_OK;
}

static tarn_code scan(tn_operator *base, tn_scan **out, tarn_error *err)
{
    static const tn_scan_ops ops = {scan_task_open,
                                    scan_read,
                                    scan_task_close,
                                    tn_block__counters,
                                    tn_block__finish,
                                    tn_block__close,
                                    tn_block__one,
                                    NULL,
                                    NULL};
    column_sort *op = (column_sort *)base;
    (void)err;
    op->scan.ops = &ops;
    *out = &op->scan;
    return TARN_OK;
}

static void destroy(tn_operator *base)
{
    column_sort *op = (column_sort *)base;
    tn_sorter__destroy(op->sorter);
    tn_pool_deinit(&op->pool);
    tn_pool_free(op->run->pool, op, sizeof(*op));
}

bool tn_sort__is_column(const tn_sort_key *keys, uint32_t key_count, const tn_layout *layout,
                        const tn_type *const *types, uint32_t width)
{
    return key_count == 1 && width == 1 && layout->count == 1 &&
           keys[0].expr->kind == TN_EXPR_COLUMN && keys[0].expr->column == layout->ids[0] &&
           keys[0].expr->type == types[0] && !tn_type_is_nested(types[0]) &&
           types[0]->lane <= TN_LANE_u64;
}

tarn_code tn_sort__create_column(tn_run *run, const tn_sort_key *key, uint64_t limit,
                                 uint64_t offset, tn_operator **out, tarn_error *err)
{
    static const tn_operator_ops ops = {.name = "sort",
                                        .task_open = task_open,
                                        .task_close = task_close,
                                        .take = take,
                                        .combine = combine,
                                        .finalise = finalise,
                                        .scan = scan,
                                        .destroy = destroy};
    column_sort *op = NULL;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_block__new(run, sizeof(*op), &op, err));
    op->base.ops = &ops;
    op->run = run;
    tn_pool_init(&op->pool, run->pool, "sort", SIZE_MAX);
    op->type = key->expr->type;
    op->turn = (is_signed(op->type) ? UINT64_C(1) << 63 : 0) ^ (key->descending ? UINT64_MAX : 0);
    op->nulls_first = key->nulls_first;
    op->span = (tn_sort_span){limit, offset};
    const tn_sorter_options options = {.pool = &op->pool,
                                       .spill = run->spill,
                                       .cancelled = run->cancelled,
                                       .is_bare = true,
                                       .budget = tn_run__budget(run),
                                       .tasks = run->threads,
                                       .limit = UINT64_MAX};
    const tarn_code code = tn_sorter__create(&options, &op->sorter, err);
    if (code != TARN_OK) {
        destroy(&op->base);
        return code;
    }
    *out = &op->base;
    return TARN_OK;
}
