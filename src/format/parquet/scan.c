/*
 * Scans: row groups as morsels, one task each at a time.
 *
 * A task keeps one reader a leaf, from morsel to morsel.  A batch is filled leaf by leaf; where
 * bytes are missing the task parks and goes on with the same leaf.
 */
#include "format/parquet/scan_internal.h"

#include "base/size.h"

#include <inttypes.h>

enum {
    WINDOW_FIRST = 256 << 10, /* of a scan that may stop early; doubles with each morsel */
    WINDOW_MAX = 1 << 20,
    WINDOW_MIN = 16 << 10,
    WINDOWS_BUDGET = 16 << 20, /* of a task */
    WINDOWS_SHARE = 16,        /* of the memory, for those of all tasks: each is there four times */
    AHEAD_MIN = 64 << 10,      /* windows below are not read ahead: memory is short */
    PAGE_USUAL = 1 << 20,      /* what most writers aim at */
    GAP_MAX = 32 << 10,        /* bytes nobody wants, cheaper read than asked for again */
    TOGETHER_MAX = 4 << 20     /* of one read for several chunks */
};

/* ---- the scan -------------------------------------------------------------------------------- */

static TN_FALLIBLE copy_request(tn_parquet_scan *scan, const tn_scan_request *request,
                                tarn_error *err)
{
    tn_arena *const arena = &scan->arena;
    uint32_t *fields;
    tn_conjunct *conjuncts;
    scan->request = *request;
    scan->request.promises = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, uint32_t, request->field_count, &fields, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, tn_conjunct, request->conjunct_count, &conjuncts, err));
    for (uint32_t i = 0; i < request->field_count; i++) {
        fields[i] = request->fields[i];
        if (fields[i] >= scan->source->footer.schema.count) {
            return tn_fail(err, TARN_E_INTERNAL, "a scan asks for column %" PRIu32 " of %" PRIu32,
                           fields[i], scan->source->footer.schema.count);
        }
    }
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        const tn_conjunct *const from = &request->conjuncts[i];
        tn_value *values;
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_value, from->value_count, &values, err));
        for (uint32_t k = 0; k < from->value_count; k++) {
            TN_RETURN_IF_ERROR(tn_value_copy(arena, &from->values[k], &values[k], err));
        }
        conjuncts[i] = *from;
        conjuncts[i].values = values;
        if (request->promises != NULL) {
            request->promises[i] =
                from->field < scan->source->footer.schema.count &&
                        tn_footer__flat_leaf(&scan->source->footer, from->field) != UINT32_MAX
                    ? TN_PROMISE_PARTIAL
                    : TN_PROMISE_NONE;
        }
    }
    scan->request.fields = fields;
    scan->request.conjuncts = conjuncts;
    return TARN_OK;
}

static TN_FALLIBLE list_morsels(tn_parquet_scan *scan, tarn_error *err)
{
    const tn_footer *const footer = &scan->source->footer;
    uint64_t wanted = scan->request.row_limit;
    TN_RETURN_IF_ERROR(
        tn_arena_array(&scan->arena, tn_parquet_morsel, footer->group_count, &scan->morsels, err));
    for (uint32_t group = 0; group < footer->group_count; group++) {
        const uint64_t rows = footer->groups[group].rows;
        bool excluded = false;
        for (uint32_t i = 0; i < scan->request.conjunct_count && !excluded; i++) {
            excluded = tn_group__excluded(scan->source, group, &scan->request.conjuncts[i]);
        }
        if (excluded) {
            scan->rows_pruned += rows;
            scan->groups_pruned++;
        } else if (rows > 0 && wanted > 0) {
            const uint64_t some = rows < wanted ? rows : wanted;
            scan->morsels[scan->morsel_count++] = (tn_parquet_morsel){group, some};
            wanted -= some;
        }
    }
    scan->groups = footer->group_count;
    return TARN_OK;
}

static TN_FALLIBLE list_leaves(tn_parquet_scan *scan, tarn_error *err)
{
    const tn_footer *const footer = &scan->source->footer;
    uint8_t *wanted;
    TN_RETURN_IF_ERROR(tn_arena_array(&scan->arena, uint8_t, footer->leaf_count, &wanted, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&scan->arena, uint32_t, footer->leaf_count, &scan->leaves, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&scan->arena, uint8_t, footer->leaf_count, &scan->is_flat, err));
    for (uint32_t i = 0; i < scan->request.field_count; i++) {
        const tn_node *const node = &footer->columns[scan->request.fields[i]];
        for (uint32_t leaf = node->leaf; leaf < node->leaf_end; leaf++) {
            wanted[leaf] = node->kind == TN_NODE_LEAF ? 2 : 1;
        }
    }
    for (uint32_t leaf = 0; leaf < footer->leaf_count; leaf++) {
        if (wanted[leaf] != 0) {
            scan->is_flat[scan->leaf_count] = wanted[leaf] == 2;
            scan->leaves[scan->leaf_count++] = leaf;
        }
    }
    return TARN_OK;
}

static void scan_close(tn_scan *base)
{
    tn_parquet_scan *const scan = (tn_parquet_scan *)base;
    tn_arena_deinit(&scan->arena);
    tn_source_release(&scan->source->base);
    tn_pool_free(scan->pool, scan, sizeof(*scan));
}

static void scan_counters(tn_scan *base, tn_scan_counters *out)
{
    tn_parquet_scan *const scan = (tn_parquet_scan *)base;
    *out = (tn_scan_counters){.bytes_read = scan->bytes_read,
                              .rows_read = scan->rows_read,
                              .rows_out = scan->rows_read,
                              .rows_pruned = scan->rows_pruned,
                              .files = 1,
                              .groups = scan->groups,
                              .groups_pruned = scan->groups_pruned};
}

static tarn_code scan_finish(tn_scan *base, tarn_error *err)
{
    return tn_object_verify(((tn_parquet_scan *)base)->source->object, err);
}

static uint32_t morsels_expected(tn_scan *base)
{
    return ((tn_parquet_scan *)base)->morsel_count;
}

/* Of what windows may take, that of one leaf. */
static size_t window_share(const tn_parquet_scan *scan)
{
    const size_t tasks = tn_max_size(scan->request.tasks_max, 1);
    const size_t all =
        tn_min_size(WINDOWS_BUDGET, tn_pool_budget(scan->pool) / WINDOWS_SHARE / tasks);
    return tn_max_size(all / tn_max_size(scan->leaf_count, 1), WINDOW_MIN);
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static void task_close(tn_scan_task *base)
{
    tn_parquet_task *const task = (tn_parquet_task *)base;
    tn_parquet_scan *const scan = task->scan;
    const uint32_t fields = scan->request.field_count;
    for (uint32_t i = 0; task->readers != NULL && i < scan->leaf_count; i++) {
        tn_leaf__close(&task->readers[i]);
    }
    for (uint32_t i = 0; task->assemblies != NULL && i < fields; i++) {
        tn_assembly__close(&task->assemblies[i]);
    }
    tn_rows__close(task);
    tn_reading__close(&task->reading);
    tn_pool_free(task->pool, task->indexes,
                 2 * (size_t)scan->request.conjunct_count * sizeof(tn_range));
    tn_vec_free(&task->ranges);
    tn_decompressor_deinit(&task->decompressor);
    tn_pool_free(task->pool, task->readers, scan->leaf_count * sizeof(tn_leaf_reader));
    tn_pool_free(task->pool, task->by_leaf,
                 scan->source->footer.leaf_count * sizeof(tn_leaf_reader *));
    tn_pool_free(task->pool, task->assemblies, fields * sizeof(tn_assembly));
    tn_pool_free(task->pool, task->columns, task->column_count * sizeof(tn_column));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static TN_FALLIBLE zeroed_array(tn_pool *pool, size_t count, size_t size, void **out,
                                tarn_error *err)
{
    size_t bytes;
    *out = NULL;
    if (!tn_size_mul(count, size, &bytes)) {
        return tn_fail(err, TARN_E_NOMEM, "too many columns");
    }
    return tn_pool_alloc_zeroed(pool, bytes, out, err);
}

static tarn_code task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_parquet_scan *const scan = (tn_parquet_scan *)base;
    const tn_footer *const footer = &scan->source->footer;
    const uint32_t fields = scan->request.field_count;
    tn_parquet_task *task = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = base->ops;
    task->scan = scan;
    task->pool = pool;
    task->column_count = fields + (uint32_t)__builtin_popcount(scan->request.virtuals);
    /* No more than its windows are anyway, while a row group is read. */
    task->reading = (tn_reading){.object = scan->source->object,
                                 .pool = pool,
                                 .spare_max = 4 * window_share(scan) * scan->leaf_count};
    task->ranges.pool = pool;
    tn_decompressor_init(&task->decompressor, pool);
    TN_TRY(zeroed_array(pool, 2 * (size_t)scan->request.conjunct_count, sizeof(tn_range), &memory,
                        err));
    task->indexes = memory;
    TN_TRY(zeroed_array(pool, scan->leaf_count, sizeof(tn_leaf_reader), &memory, err));
    task->readers = memory;
    TN_TRY(zeroed_array(pool, footer->leaf_count, sizeof(tn_leaf_reader *), &memory, err));
    task->by_leaf = memory;
    TN_TRY(zeroed_array(pool, fields, sizeof(tn_assembly), &memory, err));
    task->assemblies = memory;
    TN_TRY(zeroed_array(pool, task->column_count, sizeof(tn_column), &memory, err));
    task->columns = memory;
    for (uint32_t i = 0; i < scan->leaf_count; i++) {
        TN_TRY(tn_leaf__open(&task->readers[i], footer, scan->leaves[i], scan->is_flat[i],
                             &task->decompressor, pool, err));
        task->by_leaf[scan->leaves[i]] = &task->readers[i];
    }
    for (uint32_t i = 0; i < fields; i++) {
        const tn_node *const node = &footer->columns[scan->request.fields[i]];
        if (node->kind != TN_NODE_LEAF) {
            TN_TRY(tn_assembly__open(&task->assemblies[i], node, pool, err));
        }
    }
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        task_close(&task->base);
    }
    return code;
}

/* ---- morsels --------------------------------------------------------------------------------- */

static size_t window_of(const tn_parquet_task *task)
{
    const tn_parquet_scan *const scan = task->scan;
    size_t window = WINDOW_MAX;
    if (scan->request.stop_early || scan->request.row_limit != UINT64_MAX) {
        window = task->morsels_done < 2 ? (size_t)WINDOW_FIRST << task->morsels_done : WINDOW_MAX;
    }
    return tn_min_size(window, window_share(scan));
}

static tarn_code explain_leaf(const tn_parquet_task *task, size_t i, tarn_code code,
                              tarn_error *err)
{
    if (code != TARN_OK) {
        const tn_leaf *const leaf = &task->scan->source->footer.leaves[task->scan->leaves[i]];
        tn_explain(err, "row group %" PRIu32 ": column '%.*s'",
                   task->scan->morsels[task->morsel].group, TN_STR_ARGS(leaf->path));
    }
    return code;
}

/* One read for the small chunks from `first` on that lie together; answers how many. */
static TN_FALLIBLE read_together(tn_parquet_task *task, size_t first, size_t window, size_t *taken,
                                 tarn_error *err)
{
    const size_t leaf_count = task->scan->leaf_count;
    const tn_chunk_meta *const chunk = &task->readers[first].chunk;
    uint64_t end = chunk->start + chunk->stored_size;
    size_t last = first + 1;
    *taken = 1;
    if (chunk->stored_size > 2 * window) {
        return tn_range__start(&task->readers[first].range, err);
    }
    for (; last < leaf_count; last++) {
        const tn_chunk_meta *const next = &task->readers[last].chunk;
        const uint64_t next_end = next->start + next->stored_size;
        if (next->start < end || next->start - end > GAP_MAX || next->stored_size > 2 * window ||
            next_end - chunk->start > TOGETHER_MAX) {
            break;
        }
        end = next_end;
    }
    if (end == chunk->start) { /* nothing in there */
        return TARN_OK;
    }
    tn_fetch *fetch;
    TN_RETURN_IF_ERROR(tn_fetch__start(&task->reading, chunk->start, (size_t)(end - chunk->start),
                                       0, &fetch, err));
    for (size_t i = first; i < last; i++) {
        const tn_chunk_meta *const part = &task->readers[i].chunk;
        if (part->stored_size > 0) {
            tn_range__share(&task->readers[i].range, fetch, (size_t)(part->start - chunk->start),
                            (size_t)part->stored_size);
        }
    }
    tn_fetch__release(&task->reading, fetch);
    *taken = last - first;
    return TARN_OK;
}

static TN_FALLIBLE begin_morsel(tn_parquet_task *task, tarn_error *err)
{
    tn_parquet_scan *const scan = task->scan;
    const tn_parquet_morsel *const morsel = &scan->morsels[task->morsel];
    const size_t window = window_of(task);
    const bool ahead = (!scan->request.stop_early || task->morsels_done > 0) && window >= AHEAD_MIN;
    for (size_t i = 0; i < scan->leaf_count; i++) {
        tn_leaf_reader *const reader = &task->readers[i];
        tn_chunk_meta chunk;
        TN_RETURN_IF_ERROR(tn_footer__chunk(&scan->source->footer, morsel->group, scan->leaves[i],
                                            scan->source->file_size, &chunk, err));
        if (!tn_codec_reads(chunk.codec)) {
            return explain_leaf(task, i,
                                tn_fail(err, TARN_E_UNSUPPORTED, "cannot read the codec %s",
                                        tn_codec_name(chunk.codec)),
                                err);
        }
        tn_leaf__chunk(reader, &chunk);
        tn_range__open(&reader->range, &task->reading, chunk.start, chunk.start + chunk.stored_size,
                       window, ahead);
    }
    for (size_t i = 0, taken; i < scan->leaf_count; i += taken) {
        TN_RETURN_IF_ERROR(read_together(task, i, window, &taken, err));
    }
    task->first_row = scan->source->footer.groups[morsel->group].first_row;
    task->row = 0;
    task->range = 0;
    task->part = 0;
    return TARN_OK;
}

/* ---- filters that grow ---------------------------------------------------------------------- */

typedef struct dynamic_look {
    const tn_parquet_scan *scan;
    uint32_t group;
    bool excluded;
} dynamic_look;

static void see_dynamic(void *context, const tn_conjunct *conjunct)
{
    dynamic_look *const look = context;
    look->excluded =
        look->excluded || tn_group__excluded(look->scan->source, look->group, conjunct);
}

/* Has a filter that grew meanwhile made this morsel useless? */
static bool excluded_by_now(const tn_parquet_scan *scan, uint32_t group)
{
    dynamic_look look = {scan, group, false};
    for (uint32_t i = 0; i < scan->request.dynamic_count && !look.excluded; i++) {
        tn_dynamic_filter *const filter = scan->request.dynamic[i];
        if (filter->version > 0) {
            filter->visit(filter, see_dynamic, &look);
        }
    }
    return look.excluded;
}

/* ---- batches --------------------------------------------------------------------------------- */

static void begin_batch(tn_parquet_task *task)
{
    size_t width = 0;
    size_t heap = 0;
    for (size_t i = 0; i < task->scan->leaf_count; i++) {
        tn_leaf__begin(&task->readers[i]);
        width += tn_max_size(task->readers[i].lane_size, 1);
        heap += tn_leaf__heap_a_row(&task->readers[i]);
    }
    size_t rows = TN_BATCH_ROWS;
    rows = tn_min_size(rows, tn_max_size(TN_BATCH_BYTES / tn_max_size(width, 1), 64));
    for (size_t i = 0; i < task->scan->leaf_count && task->scan->is_short; i++) {
        rows = tn_leaf__rows_of_page(&task->readers[i], rows);
    }
    if (heap > 0) {
        rows = tn_min_size(rows, tn_max_size(TN_BATCH_HEAP / heap, 1));
    }
    const tn_row_range *const range = &task->ranges.items[task->range];
    task->skip = range->from > task->row ? (size_t)(range->from - task->row) : 0;
    const uint64_t left = range->to - (task->row + task->skip);
    task->rows = left < rows ? (size_t)left : rows;
    task->next_leaf = 0;
}

/* Fills all leaves, or has them pass over rows. */
static TN_FALLIBLE fill(tn_parquet_task *task, tn_waker *waker, bool *wait, tarn_error *err)
{
    *wait = false;
    for (; task->next_leaf < task->scan->leaf_count; task->next_leaf++) {
        tn_leaf_reader *const reader = &task->readers[task->next_leaf];
        for (;;) {
            tn_ready ready;
            const tarn_code code =
                task->state == TASK_SKIP ? tn_leaf__skip(reader, task->skip, &ready, err)
                : reader->is_flat        ? tn_leaf__fill(reader, task->rows, &ready, err)
                                         : tn_leaf__fill_nested(reader, task->rows, &ready, err);
            if (code != TARN_OK) {
                return explain_leaf(task, task->next_leaf, code, err);
            }
            if (ready == TN_READY) {
                break;
            }
            if (tn_range__park(&reader->range, waker)) {
                *wait = true;
                return TARN_OK;
            }
        }
    }
    return TARN_OK;
}

static void virtual_columns(tn_parquet_task *task)
{
    const tn_parquet_scan *const scan = task->scan;
    static const uint64_t no_rows[1] = {0};
    tn_column *out = task->columns + scan->request.field_count;
    const uint32_t rows = (uint32_t)task->rows;
    if ((scan->request.virtuals & TN_VIRTUAL_FILE) != 0) {
        *out++ = (tn_column){.type = TN_VARCHAR,
                             .lane = TN_LANE_view,
                             .encoding = TN_CONSTANT,
                             .rows = rows,
                             .values = &scan->file_name};
    }
    task->row_numbers = (tn_sequence){(int64_t)(task->first_row + task->row) + 1, 1};
    task->rows_handed = rows;
    if ((scan->request.virtuals & TN_VIRTUAL_ROW) != 0) {
        *out++ = (tn_column){.type = TN_BIGINT,
                             .lane = TN_LANE_i64,
                             .encoding = TN_SEQUENCE,
                             .rows = rows,
                             .values = &task->row_numbers};
    }
    if ((scan->request.virtuals & TN_VIRTUAL_LINE) != 0) {
        *out++ = (tn_column){.type = TN_BIGINT,
                             .lane = TN_LANE_i64,
                             .encoding = TN_CONSTANT,
                             .rows = rows,
                             .values = no_rows,
                             .validity = no_rows};
    }
    if ((scan->request.virtuals & TN_VIRTUAL_MODIFIED) != 0) {
        *out = (tn_column){.type = TN_TIMESTAMPTZ,
                           .lane = TN_LANE_i64,
                           .encoding = TN_CONSTANT,
                           .rows = rows,
                           .values = &scan->modified};
    }
}

static TN_FALLIBLE hand_out(tn_parquet_task *task, tn_batch *out, tarn_error *err)
{
    const tn_parquet_scan *const scan = task->scan;
    const tn_footer *const footer = &scan->source->footer;
    for (uint32_t i = 0; i < scan->request.field_count; i++) {
        const tn_node *const node = &footer->columns[scan->request.fields[i]];
        tn_column *const column = &task->columns[i];
        tn_leaf_reader *const reader = task->by_leaf[node->leaf];
        tarn_code code;
        if (node->kind != TN_NODE_LEAF) {
            code =
                tn_assembly__column(&task->assemblies[i], task->by_leaf, task->rows, column, err);
        } else {
            code = tn_leaf__column(reader, task->rows, column, err);
        }
        if (code != TARN_OK) {
            tn_explain(err, "row group %" PRIu32 ": column '%.*s'",
                       scan->morsels[task->morsel].group, TN_STR_ARGS(node->name));
            return code;
        }
    }
    virtual_columns(task);
    task->row += task->rows;
    if (task->row == task->ranges.items[task->range].to) {
        task->range++;
    }
    *out = (tn_batch){.columns = task->columns,
                      .width = task->column_count,
                      .rows = (uint32_t)task->rows,
                      .selected = (uint32_t)task->rows,
                      .tag = {task->morsel, task->part++, task->range == task->ranges.count}};
    return TARN_OK;
}

/* A morsel that came to nothing still says that it is over. */
static void empty_batch(tn_parquet_task *task, tn_batch *out)
{
    task->rows = 0;
    virtual_columns(task);
    for (uint32_t i = 0; i < task->scan->request.field_count; i++) {
        const tn_type *const type =
            task->scan->source->footer.schema.fields[task->scan->request.fields[i]].type;
        task->columns[i] = (tn_column){.type = type, .lane = (uint8_t)type->lane};
    }
    *out = (tn_batch){
        .columns = task->columns, .width = task->column_count, .tag = {task->morsel, 0, true}};
}

static void count(tn_parquet_task *task)
{
    tn_parquet_scan *const scan = task->scan;
    scan->bytes_read += task->reading.bytes_read - task->bytes_counted;
    task->bytes_counted = task->reading.bytes_read;
}

/* A row group that was read to its end has no rows left in any column. */
static TN_FALLIBLE end_morsel(const tn_parquet_task *task, tarn_error *err)
{
    const tn_parquet_scan *const scan = task->scan;
    const uint32_t group = scan->morsels[task->morsel].group;
    for (size_t i = 0; i < scan->leaf_count && task->row == scan->source->footer.groups[group].rows;
         i++) {
        const tarn_code code = tn_leaf__end(&task->readers[i], err);
        if (code != TARN_OK) {
            return explain_leaf(task, i, code, err);
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE next_batch(tn_parquet_task *task, tn_waker *waker, tn_batch *out,
                              tn_scan_answer *answer, tarn_error *err)
{
    tn_parquet_scan *const scan = task->scan;
    bool wait;
    *answer = TN_SCAN_BATCH;
    if (task->state == TASK_MORSEL) {
        const uint32_t morsel = atomic_fetch_add(&scan->next, 1);
        if (morsel >= scan->morsel_count) {
            atomic_store(&scan->next, scan->morsel_count);
            *answer = TN_SCAN_END;
            return TARN_OK;
        }
        task->morsel = morsel;
        if (excluded_by_now(scan, scan->morsels[morsel].group)) {
            scan->rows_pruned += scan->morsels[morsel].rows;
            scan->groups_pruned++;
            empty_batch(task, out);
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(tn_rows__start(task, err));
        task->state = TASK_INDEX;
    }
    if (task->state == TASK_INDEX) {
        TN_RETURN_IF_ERROR(tn_rows__choose(task, waker, &wait, err));
        if (wait) {
            *answer = TN_SCAN_WAIT;
            return TARN_OK;
        }
        if (task->ranges.count == 0) {
            task->state = TASK_MORSEL;
            empty_batch(task, out);
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(begin_morsel(task, err));
        task->state = TASK_BATCH;
    }
    if (task->state == TASK_BATCH) {
        begin_batch(task);
        task->state = task->skip > 0 ? TASK_SKIP : TASK_FILL;
    }
    for (;;) {
        TN_RETURN_IF_ERROR(fill(task, waker, &wait, err));
        if (wait) {
            *answer = TN_SCAN_WAIT;
            return TARN_OK;
        }
        if (task->state == TASK_FILL) {
            break;
        }
        task->row += task->skip; /* and now the batch itself */
        begin_batch(task);
        task->state = TASK_FILL;
    }
    TN_RETURN_IF_ERROR(hand_out(task, out, err));
    scan->rows_read += task->rows;
    task->state = TASK_BATCH;
    if (task->range == task->ranges.count) {
        TN_RETURN_IF_ERROR(end_morsel(task, err));
        task->state = TASK_MORSEL;
        task->morsels_done++;
        count(task);
    }
    return TARN_OK;
}

/* Of the first row group's chunks: pages are as large as most writers make them, or the chunk. */
static size_t task_memory(tn_scan *base)
{
    const tn_parquet_scan *const scan = (const tn_parquet_scan *)base;
    const size_t window = window_share(scan);
    size_t sum = 0;
    for (size_t i = 0; i < scan->leaf_count && scan->morsel_count > 0; i++) {
        tn_chunk_meta chunk;
        if (tn_footer__chunk(&scan->source->footer, scan->morsels[0].group, scan->leaves[i],
                             scan->source->file_size, &chunk, NULL) == TARN_OK) {
            const size_t page = (size_t)(chunk.raw_size < PAGE_USUAL ? chunk.raw_size : PAGE_USUAL);
            const uint64_t windows =
                chunk.stored_size < 4 * window ? chunk.stored_size : 4 * window;
            sum += (size_t)windows + page * (chunk.dictionary_offset > 0 ? 2 : 1);
        }
    }
    return sum;
}

/* What memory would do: pages as large as those that were met, for each task that may run. */
static void hint_memory(const tn_parquet_task *task, tarn_error *err)
{
    enum { MEGABYTE = 1000000, STEP = 16, OTHERS = 4 << 20 };
    const tn_parquet_scan *const scan = task->scan;
    const size_t tasks = tn_max_size(tn_min_size(scan->request.tasks_max, scan->morsel_count), 1);
    const size_t budget = tn_pool_budget(scan->pool);
    size_t known = 0;
    size_t pages = 0;
    size_t making = 0;
    if (err == NULL || budget == SIZE_MAX) {
        return;
    }
    for (size_t i = 0; i < scan->leaf_count; i++) {
        const size_t size = tn_leaf__memory(&task->readers[i]);
        pages += size;
        known += size > 0;
        making = tn_max_size(making, task->readers[i].making_most);
    }
    pages = known == 0 ? scan->leaf_count * (size_t)PAGE_USUAL : pages / known * scan->leaf_count;
    const size_t each = pages + pages / 2 + making + TN_BATCH_BYTES + OTHERS;
    const size_t one = each / 3 * 4; /* and a quarter for windows: WINDOWS_SHARE */
    const size_t fit = tn_scan_tasks_fit((tn_scan *)&task->scan->base, one);
    const size_t least = one * tn_min_size(tasks, fit);
    const size_t wanted = tn_max_size(least, budget + budget / 4) / 15 * 16 / MEGABYTE + 1;
    err->hint[0] = '\0'; /* this one has the figure */
    tn_hint(err, "pages of a row group of %zu columns take about %zu MB; --memory %zuMB would do",
            (size_t)scan->leaf_count, pages / MEGABYTE + 1, (wanted + STEP - 1) / STEP * STEP);
}

static tarn_code task_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                           tn_scan_answer *answer, tarn_error *err)
{
    tn_parquet_task *const task = (tn_parquet_task *)base;
    const tarn_code code = next_batch(task, waker, out, answer, err);
    if (code == TARN_E_NOMEM) {
        hint_memory(task, err);
    }
    if (code != TARN_OK) {
        tn_parquet__hint(code, err);
        tn_explain(err, "reading '%.*s'", TN_STR_ARGS(task->scan->source->base.name));
        tn_subject(err, task->scan->source->base.name.data);
    }
    return code;
}

static bool task_place(tn_scan_task *base, tn_waker *waker, tn_scan_place *out)
{
    (void)waker;
    const tn_parquet_task *const task = (const tn_parquet_task *)base;
    *out = (tn_scan_place){.file = task->scan->source->base.name};
    if (task->rows_handed > 0) {
        out->first_row = task->row_numbers.first;
        out->last_row = task->row_numbers.first + (int64_t)task->rows_handed - 1;
    }
    return true;
}

static const tn_scan_ops scan_ops = {
    .task_open = task_open,
    .read = task_read,
    .task_close = task_close,
    .counters = scan_counters,
    .finish = scan_finish,
    .close = scan_close,
    .morsels_expected = morsels_expected,
    .place = task_place,
    .task_memory = task_memory,
};

TN_FALLIBLE tn_parquet__scan(tn_source *base, const tn_scan_request *request, tn_pool *pool,
                             tn_scan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_parquet_scan *scan = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*scan), &memory, err));
    scan = memory;
    scan->base.ops = &scan_ops;
    scan->source = (tn_parquet_source *)tn_source_retain(base);
    scan->pool = pool;
    tn_arena_init(&scan->arena, pool);
    scan->file_name = tn_view_of(base->name.data, base->name.size);
    scan->modified = tn_object_about(scan->source->object)->modified_us;
    TN_TRY(copy_request(scan, request, err));
    TN_TRY(list_leaves(scan, err));
    TN_TRY(list_morsels(scan, err));
    scan->is_short = window_share(scan) <
                     tn_min_size(WINDOW_MAX, WINDOWS_BUDGET / tn_max_size(scan->leaf_count, 1));
    *out = &scan->base;
    scan = NULL;
done:
    if (scan != NULL) {
        scan_close(&scan->base);
    }
    return code;
}
