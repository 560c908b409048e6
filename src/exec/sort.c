/* ORDER BY and top-n: the sorter (sort_internal.h) as an operator. */
#include "exec/block_internal.h"
#include "exec/join_filter_internal.h"
#include "exec/sort_internal.h"

enum { TOP_N_MAX = 1 << 20 }; /* more rows than this are sorted whole */

typedef struct sort {
    tn_operator base;
    tn_run *run;
    tn_pool pool;
    tn_sorter *sorter;
    const tn_program *program;
    uint32_t key_count, width;
    uint32_t distinct; /* keys of DISTINCT ON: they are payload, too, behind the columns */
    tn_sort_span span;
    tn_sort_span of_each; /* rows of one key */
    tn_dynamic_filter *filter;
    const tn_type *first_type; /* of the first key: for the filter */
    bool first_descending;
    tn_scan scan;
    _Atomic(uint64_t) given; /* morsels, by the tasks of the scan */
    _Atomic bool taken;      /* by the one task that merges */
} sort;

typedef struct sort_task {
    tn_operator_task base;
    sort *op;
    tn_pool *pool;
    tn_sorter_task *sorter;
    tn_inputs *keys;
    const tn_column **payload;
    uint64_t morsel;
    uint32_t part;
    uint64_t published; /* the first bytes of the bound */
    bool finished;
} sort_task;

static void task_close(tn_operator_task *base)
{
    sort_task *task = (sort_task *)base;
    tn_sorter__task_destroy(task->sorter);
    tn_inputs__destroy(task->keys);
    tn_pool_free(task->pool, task->payload,
                 (task->op->width + task->op->distinct) * sizeof(void *));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code task_open(tn_operator *base, const tn_task *task, tn_operator_task **out,
                           tarn_error *err)
{
    sort *op = (sort *)base;
    tarn_code code = TARN_OK;
    sort_task *made = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, sizeof(*made), &memory, err));
    made = memory;
    made->base.ops = base->ops;
    made->op = op;
    made->pool = task->pool;
    made->morsel = UINT64_MAX;
    TN_TRY(tn_sorter__task_create(op->sorter, task->pool, &made->sorter, err));
    TN_TRY(tn_inputs__create(op->program, op->key_count, task->pool, &made->keys, err));
    TN_TRY(tn_pool_alloc(task->pool, (op->width + op->distinct) * sizeof(void *),
                         (void **)&made->payload, err));
    *out = &made->base;
    made = NULL;
done:
    if (made != NULL) {
        task_close(&made->base);
    }
    return code;
}

/* A key's bytes as the number they were made from; false for what is no simple number. */
static bool decode_bound(const sort *op, const uint8_t *bytes, tn_value *out)
{
    const size_t size = tn_lane_size(op->first_type->lane);
    const tn_lane lane = op->first_type->lane;
    uint64_t bits = 0;
    if (lane > TN_LANE_u64 || bytes[0] != 1) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | (uint8_t)(op->first_descending ? ~bytes[1 + i] : bytes[1 + i]);
    }
    *out = (tn_value){.type = op->first_type};
    if (lane >= TN_LANE_u8) {
        out->u64 = bits;
    } else {
        const unsigned shift = (unsigned)(64 - 8 * size);
        bits ^= UINT64_C(1) << (8 * size - 1);
        out->i64 = (int64_t)(bits << shift) >> shift;
    }
    return true;
}

/* What lies behind the last row that is still wanted need not be read. */
static void publish(sort_task *task)
{
    const sort *op = task->op;
    tn_value value;
    if (op->filter == NULL || !task->sorter->has_bound) {
        return;
    }
    uint64_t head = tn_sort__head(task->sorter->bound, tn_sort__skip(task->op->sorter, false));
    head += head == 0;
    if (task->published != head && decode_bound(op, task->sorter->bound, &value)) {
        tn_join_filter__bounds(op->filter, op->first_descending ? &value : NULL,
                               op->first_descending ? NULL : &value);
    }
    task->published = head;
}

static tarn_code take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                      tarn_error *err)
{
    sort_task *task = (sort_task *)base;
    tn_batch part;
    bool more;

    *answer = TN_MORE_INPUT;
    task->part = in->tag.morsel == task->morsel ? task->part + 1 : 0;
    task->morsel = in->tag.morsel;
    for (;;) {
        TN_RETURN_IF_ERROR(tn_inputs__part(task->keys, in, &part, &more, err));
        if (!more) {
            return TARN_OK;
        }
        for (uint32_t i = 0; i < task->op->key_count; i++) {
            TN_RETURN_IF_ERROR(tn_inputs__raise(&task->keys->columns[i], &part, err));
        }
        for (uint32_t i = 0; i < task->op->width; i++) {
            TN_RETURN_IF_ERROR(tn_inputs__raise(&in->columns[i], &part, err));
            task->payload[i] = &in->columns[i];
        }
        for (uint32_t i = 0; i < task->op->distinct; i++) {
            task->payload[task->op->width + i] = &task->keys->columns[i];
        }
        TN_RETURN_IF_ERROR(tn_sorter__add(task->sorter, task->keys->pointers, task->payload,
                                          part.selection, part.selected,
                                          tn_rank__of(&in->tag, task->part), NULL, err));
        publish(task);
    }
}

static tarn_code combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    sort_task *task = (sort_task *)base;
    *answer = TN_MORE_INPUT;
    if (!task->finished) {
        TN_RETURN_IF_ERROR(tn_sorter__task_finish(task->sorter, err));
        task->finished = true;
    }
    return TARN_OK;
}

static tarn_code finalise(tn_operator *base, const tn_task *task, tn_answer *answer,
                          tarn_error *err)
{
    (void)task;
    *answer = TN_MORE_INPUT;
    return tn_sorter__finish(((sort *)base)->sorter, err);
}

/* ---- the rows, in order ---- */

typedef struct sort_scan_task {
    tn_scan_task base;
    sort *op; /* NULL: another task merges */
    tn_pool *pool;
    tn_merge *merge;
    tn_row_reader *reader;
    tn_column *columns;
    uint8_t **rows;
    tn_rows last; /* DISTINCT ON: the last row of the batch before */
    uint8_t *last_row;
    uint64_t place; /* of that row among those of its key */
    uint64_t seen;  /* rows of the merge, those of the offset included */
    tn_numbering numbering;
} sort_scan_task;

static void scan_task_close(tn_scan_task *base)
{
    sort_scan_task *task = (sort_scan_task *)base;
    tn_merge__destroy(task->merge);
    tn_row_reader_destroy(task->reader);
    if (task->op != NULL) {
        tn_rows_clear(&task->last);
    }
    tn_pool_free(task->pool, task->columns,
                 task->op == NULL ? 0 : task->op->width * sizeof(tn_column));
    tn_pool_free(task->pool, task->rows, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static sort *sort_of(tn_scan *scan)
{
    return (sort *)(void *)((char *)scan - offsetof(sort, scan));
}

static tarn_code scan_task_open(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    sort *op = sort_of(scan);
    tarn_code code = TARN_OK;
    sort_scan_task *task = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = scan->ops;
    task->pool = pool;
    task->numbering.morsels = &op->given;
    if (!atomic_exchange(&op->taken, true)) {
        task->op = op;
        tn_rows_init(&task->last, op->sorter->layout, pool, NULL);
        TN_TRY(tn_merge__create(op->sorter, op->sorter->runs, op->sorter->run_count, pool,
                                &task->merge, err));
        TN_TRY(tn_row_reader_create(pool, op->sorter->layout, &task->reader, err));
        TN_TRY(tn_pool_alloc(pool, op->width * sizeof(tn_column), (void **)&task->columns, err));
        TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(void *), (void **)&task->rows, err));
    }
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        scan_task_close(&task->base);
    }
    return code;
}

static bool same_float(const uint8_t *a, const uint8_t *b, tn_lane lane)
{
    double left;
    double right;
    float a32;
    float b32;
    memcpy(&left, a, lane == TN_LANE_f64 ? 8 : 0);
    memcpy(&right, b, lane == TN_LANE_f64 ? 8 : 0);
    if (lane == TN_LANE_f32) {
        memcpy(&a32, a, 4);
        memcpy(&b32, b, 4);
        left = (double)a32;
        right = (double)b32;
    }
    return left == right || (left != left && right != right);
}

/* Are two rows equal in the keys of DISTINCT ON? */
static bool same_keys(const sort *op, const uint8_t *a, const uint8_t *b)
{
    const tn_row_layout *layout = op->sorter->layout;
    for (uint32_t k = 0; k < op->distinct; k++) {
        const uint32_t f = op->sorter->first_payload + op->width + k;
        const tn_row_field *field = &layout->fields[f];
        const bool null = tn_row_is_null(layout, a, f);
        bool same;
        if (null || tn_row_is_null(layout, b, f)) {
            same = null && tn_row_is_null(layout, b, f);
        } else if (field->lane == TN_LANE_view) {
            same = tn_view_equal((const tn_view *)(const void *)(a + field->offset),
                                 (const tn_view *)(const void *)(b + field->offset));
        } else if (field->lane == TN_LANE_f64 || field->lane == TN_LANE_f32) {
            same = same_float(a + field->offset, b + field->offset, (tn_lane)field->lane);
        } else {
            same = memcmp(a + field->offset, b + field->offset, field->size) == 0;
        }
        if (!same) {
            return false;
        }
    }
    return true;
}

/* Leaves the first rows of each key. */
static TN_FALLIBLE keep_first(sort_scan_task *task, uint32_t *count, tarn_error *err)
{
    const sort *op = task->op;
    uint8_t *before = task->last_row;
    uint8_t *last = task->rows[*count - 1];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        uint8_t *row = task->rows[i];
        const bool first = before == NULL || !same_keys(op, before, row);
        task->place = first ? 0 : task->place + 1;
        task->rows[kept] = row;
        kept += task->place >= op->of_each.offset &&
                task->place - op->of_each.offset < op->of_each.limit;
        before = row;
    }
    *count = kept;
    tn_rows_clear(&task->last);
    return tn_rows_copy(&task->last, NULL, &last, 1, &task->last_row, err);
}

static tarn_code scan_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                           tn_scan_answer *answer, tarn_error *err)
{
    sort_scan_task *task = (sort_scan_task *)base;
    sort *op = task->op;
    uint32_t count;
    uint32_t from = 0;

    (void)waker;
    if (op == NULL) {
        *answer = TN_SCAN_END;
        return TARN_OK;
    }
    const uint32_t batch_rows = op->sorter->layout->batch_rows;
    do { /* rows before the offset are passed over */
        const uint32_t room = tn_sort_span__room(&op->span, task->seen);
        count = 0;
        if (room > 0) {
            TN_RETURN_IF_ERROR(tn_merge__next(task->merge, room < batch_rows ? room : batch_rows,
                                              task->rows, &count, err));
        }
        if (count == 0) {
            tn_numbering__end(&task->numbering, out, answer);
            return TARN_OK;
        }
        from = tn_sort_span__before(&op->span, task->seen, count);
        task->seen += count;
        if (op->distinct > 0) {
            TN_RETURN_IF_ERROR(keep_first(task, &count, err));
        }
    } while (from == count);
    for (uint32_t i = 0; i < op->width; i++) {
        TN_RETURN_IF_ERROR(tn_row_reader_gather(task->reader, op->sorter->first_payload + i,
                                                task->rows + from, count - from, NULL, count - from,
                                                &task->columns[i], err));
    }
    *out = (tn_batch){.columns = task->columns,
                      .width = op->width,
                      .rows = count - from,
                      .selected = count - from};
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
    sort *op = (sort *)base;
    (void)err;
    op->scan.ops = &ops;
    *out = &op->scan;
    return TARN_OK;
}

static void destroy(tn_operator *base)
{
    sort *op = (sort *)base;
    tn_sorter__destroy(op->sorter);
    tn_pool_deinit(&op->pool);
    tn_pool_free(op->run->pool, op, sizeof(*op));
}

static void share_budget(tn_operator *base, uint32_t sharers)
{
    tn_sorter__share_budget(((sort *)base)->sorter, sharers);
}

static TN_FALLIBLE create(tn_run *run, const tn_sort_key *keys, uint32_t key_count,
                          uint32_t distinct, const tn_layout *layout, const tn_type *const *types,
                          uint32_t width, uint64_t limit, uint64_t offset,
                          tn_dynamic_filter *filter, tn_operator **out, tarn_error *err)
{
    static const tn_operator_ops ops = {.name = "sort",
                                        .task_open = task_open,
                                        .task_close = task_close,
                                        .take = take,
                                        .combine = combine,
                                        .finalise = finalise,
                                        .scan = scan,
                                        .destroy = destroy,
                                        .share_budget = share_budget};
    tarn_code code = TARN_OK;
    sort *op = NULL;
    const tn_expr **exprs = NULL;
    tn_order *orders = NULL;
    const tn_type **payload = NULL;

    *out = NULL;
    TN_TRY(tn_block__new(run, sizeof(*op), &op, err));
    op->base.ops = &ops;
    op->run = run;
    tn_pool_init(&op->pool, run->pool, "sort", SIZE_MAX);
    op->key_count = key_count;
    op->width = width;
    op->distinct = distinct;
    op->span = (tn_sort_span){limit, offset};
    TN_TRY(tn_arena_array(run->expr->arena, const tn_expr *, key_count, &exprs, err));
    TN_TRY(tn_arena_array(run->expr->arena, tn_order, key_count, &orders, err));
    for (uint32_t i = 0; i < key_count; i++) {
        exprs[i] = keys[i].expr;
        orders[i] = (tn_order){keys[i].expr->type, keys[i].descending, keys[i].nulls_first};
    }
    TN_TRY(tn_arena_array(run->expr->arena, const tn_type *, width + distinct, &payload, err));
    for (uint32_t i = 0; i < width + distinct; i++) {
        payload[i] = i < width ? types[i] : exprs[i - width]->type;
    }
    TN_TRY(tn_program_compile(run->expr, exprs, key_count, layout, run->parameters, &op->program,
                              err));
    const uint64_t wanted = limit > TOP_N_MAX || offset > TOP_N_MAX ? UINT64_MAX : limit + offset;
    const tn_sorter_options options = {.pool = &op->pool,
                                       .spill = run->spill,
                                       .cancelled = run->cancelled,
                                       .orders = orders,
                                       .order_count = key_count,
                                       .types = payload,
                                       .width = width + distinct,
                                       .has_rank = run->threads > 1,
                                       .budget = tn_run__budget(run),
                                       .tasks = run->threads,
                                       .limit = wanted > TOP_N_MAX ? UINT64_MAX : wanted};
    TN_TRY(tn_sorter__create(&options, &op->sorter, err));
    op->filter = filter != NULL && !keys[0].nulls_first ? filter : NULL;
    op->first_type = orders[0].type;
    op->first_descending = orders[0].descending;
    *out = &op->base;
    op = NULL;
done:
    if (op != NULL) {
        destroy(&op->base);
    }
    return code;
}

tarn_code tn_sort_create(tn_run *run, const tn_sort_key *keys, uint32_t key_count,
                         const tn_layout *layout, const tn_type *const *types, uint32_t width,
                         uint64_t limit, uint64_t offset, tn_dynamic_filter *filter,
                         tn_operator **out, tarn_error *err)
{
    if (limit > TOP_N_MAX && filter == NULL &&
        tn_sort__is_column(keys, key_count, layout, types, width)) {
        return tn_sort__create_column(run, &keys[0], limit, offset, out, err);
    }
    return create(run, keys, key_count, 0, layout, types, width, limit, offset, filter, out, err);
}

tarn_code tn_sort__create_first(tn_run *run, const tn_sort_key *keys, uint32_t key_count,
                                uint32_t distinct, uint64_t limit, uint64_t offset,
                                const tn_layout *layout, const tn_type *const *types,
                                uint32_t width, tn_operator **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(create(run, keys, key_count, distinct, layout, types, width, UINT64_MAX, 0,
                              NULL, out, err));
    ((sort *)*out)->of_each = (tn_sort_span){limit, offset};
    return TARN_OK;
}
