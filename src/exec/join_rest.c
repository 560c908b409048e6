/* The scan of a join's build: partitions that waited, and rows only the build side has. */
#include "exec/join_internal.h"

#include "base/size.h"
#include "base/vec.h"
#include "kernel/hash_column.h"

enum { SPLIT_BITS = 4, SPLITS = 1 << SPLIT_BITS };

typedef enum stage { STAGE_NEXT, STAGE_PROBE, STAGE_REST, STAGE_UNMATCHED, STAGE_END } stage;

typedef struct rest_task {
    tn_scan_task base;
    tn_join *join;
    tn_pool *pool;
    tn_prober *prober;
    tn_row_reader *probe_reader, *build_reader;
    tn_join_table table;
    tn_join_part item; /* the partition at hand */
    tn_rows block;     /* the build rows in the table */
    bool in_blocks;    /* the partition has several */
    uint8_t *flags;    /* one a probe row: it had a match in some block */
    size_t flags_size;
    uint64_t ordinal; /* of the batch's first probe row */
    stage stage;
    tn_rows_cursor probes, builds;
    tn_rows *sets[TN_JOIN_PARTS + 2]; /* whose unmatched rows come out */
    uint32_t set_count, set;
    bool residents; /* they are the join's own */
    tn_batch in;
    bool has_in;
    tn_column *in_columns, *columns;
    uint8_t **rows;
    tn_numbering numbering;
} rest_task;

static tn_join *join_of(tn_scan *scan)
{
    return (tn_join *)(void *)((char *)scan - offsetof(tn_join, scan));
}

static void drop_block(rest_task *task)
{
    tn_join__table_free(task->pool, &task->table);
    tn_rows_clear(&task->block);
    task->block.keep = false;
}

static void drop_item(rest_task *task)
{
    tn_rows_cursor_close(&task->probes);
    tn_rows_cursor_close(&task->builds);
    drop_block(task);
    tn_rows_clear(&task->item.build);
    tn_rows_clear(&task->item.probe);
    tn_pool_free_pages(task->pool, task->flags, task->flags_size);
    task->flags = NULL;
    task->flags_size = 0;
    task->has_in = false;
}

static void scan_task_close(tn_scan_task *base)
{
    rest_task *task = (rest_task *)base;
    const tn_join *join = task->join;
    drop_item(task);
    tn_prober__destroy(task->prober);
    tn_row_reader_destroy(task->probe_reader);
    tn_row_reader_destroy(task->build_reader);
    tn_pool_free(task->pool, task->in_columns, join->probe_layout->count * sizeof(tn_column));
    tn_pool_free(task->pool, task->columns, (join->width + 1) * sizeof(tn_column));
    tn_pool_free(task->pool, task->rows, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_free(task->pool, task, sizeof(*task));
}

/* The partitions that wait become work, once. */
static TN_FALLIBLE make_work(tn_join *join, tarn_error *err)
{
    tarn_code code = TARN_OK;
    pthread_mutex_lock(&join->lock);
    if (!join->scan_ready && join->defers) {
        TN_TRY(tn_vec_grow(&join->pool, (void **)&join->work, &join->work_capacity,
                           join->work_count, TN_JOIN_PARTS, sizeof(tn_join_part), err));
        for (uint32_t p = 0; p < TN_JOIN_PARTS; p++) {
            if (join->resident[p]) {
                continue;
            }
            tn_join_part *part = &join->work[join->work_count++];
            *part = (tn_join_part){.build = join->parts[p]};
            tn_rows_init(&part->probe, join->probe_layout, &join->pool, join->run->spill);
            if (join->probes != NULL) {
                part->probe = join->probes[p];
                tn_rows_init(&join->probes[p], join->probe_layout, &join->pool, join->run->spill);
            }
            tn_rows_init(&join->parts[p], join->layout, &join->pool, join->run->spill);
        }
    }
    join->scan_ready = true;
done:
    pthread_mutex_unlock(&join->lock);
    return code;
}

static tarn_code scan_task_open(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tn_join *join = join_of(scan);
    tarn_code code = TARN_OK;
    rest_task *task = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(make_work(join, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->base.ops = scan->ops;
    task->join = join;
    task->pool = pool;
    task->numbering.morsels = &join->given;
    tn_rows_init(&task->block, join->layout, &join->pool, join->run->spill);
    tn_rows_init(&task->item.build, join->layout, &join->pool, join->run->spill);
    tn_rows_init(&task->item.probe, join->probe_layout, &join->pool, join->run->spill);
    if (join->defers || join->keeps_build) {
        TN_TRY(tn_prober__create(join, pool, false, &task->prober, err));
        task->prober->table = &task->table;
        TN_TRY(tn_row_reader_create(pool, join->probe_layout, &task->probe_reader, err));
        TN_TRY(tn_row_reader_create(pool, join->layout, &task->build_reader, err));
        TN_TRY(tn_pool_alloc(pool, join->probe_layout->count * sizeof(tn_column),
                             (void **)&task->in_columns, err));
        TN_TRY(tn_pool_alloc(pool, (join->width + 1) * sizeof(tn_column), (void **)&task->columns,
                             err));
        TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(void *), (void **)&task->rows, err));
    } else {
        task->stage = STAGE_END;
    }
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        scan_task_close(&task->base);
    }
    return code;
}

/* ---- work ---- */

static TN_FALLIBLE load_probe_rows(rest_task *task, uint32_t count, tarn_error *err)
{
    const uint32_t width = task->join->probe_layout->count;
    for (uint32_t c = 0; c < width; c++) {
        TN_RETURN_IF_ERROR(tn_row_reader_gather(task->probe_reader, c, task->rows, count, NULL,
                                                count, &task->in_columns[c], err));
    }
    task->in =
        (tn_batch){.columns = task->in_columns, .width = width, .rows = count, .selected = count};
    return TARN_OK;
}

/* The hashes of a batch of probe rows. */
static TN_FALLIBLE hash_probe_rows(rest_task *task, uint64_t *hashes, tarn_error *err)
{
    tn_prober *prober = task->prober;
    tn_batch part;
    bool more;
    uint32_t at = 0;
    for (;;) {
        TN_RETURN_IF_ERROR(tn_inputs__part(prober->keys, &task->in, &part, &more, err));
        if (!more) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(tn_row_writer_prepare_keys(prober->writer, prober->keys->pointers,
                                                      part.selection, part.selected, err));
        for (uint32_t k = 0; k < task->join->options.key_count; k++) {
            tn_hash_column(&prober->writer->columns[k], part.selected, k > 0, hashes + at);
        }
        at += part.selected;
    }
}

static TN_FALLIBLE split_side(rest_task *task, bool build, tn_rows *sets, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const unsigned shift = 64 - TN_JOIN_BITS - SPLIT_BITS * (task->item.level + 1);
    tn_rows_cursor cursor = {.rows = build ? &task->item.build : &task->item.probe,
                             .consume = true};
    uint8_t part_of[TN_BATCH_ROWS];
    uint64_t *hashes = task->prober->hashes;
    uint32_t count;
    do {
        TN_TRY(tn_rows_cursor_next(&cursor, TN_BATCH_ROWS, task->rows, &count, err));
        if (build) {
            for (uint32_t i = 0; i < count; i++) {
                hashes[i] = ((const tn_join_row *)(void *)task->rows[i])->hash;
            }
        } else if (count > 0) {
            TN_TRY(load_probe_rows(task, count, err));
            TN_TRY(hash_probe_rows(task, hashes, err));
        }
        for (uint32_t i = 0; i < count; i++) {
            part_of[i] = (uint8_t)(hashes[i] >> shift & (SPLITS - 1));
        }
        TN_TRY(tn_rows_copy(sets, part_of, task->rows, count, task->prober->pair, err));
        if (atomic_load_explicit(task->join->run->cancelled, memory_order_relaxed)) {
            code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
            goto done;
        }
    } while (count > 0);
done:
    tn_rows_cursor_close(&cursor);
    return code;
}

static TN_FALLIBLE split(rest_task *task, tarn_error *err)
{
    tn_join *join = task->join;
    tarn_code code = TARN_OK;
    tn_rows sets[2][SPLITS];
    const size_t before = task->item.build.bytes;

    for (uint32_t p = 0; p < SPLITS; p++) {
        tn_rows_init(&sets[0][p], join->layout, &join->pool, join->run->spill);
        tn_rows_init(&sets[1][p], join->probe_layout, &join->pool, join->run->spill);
        sets[0][p].page_max = sets[1][p].page_max = 64 << 10;
    }
    TN_TRY(split_side(task, true, sets[0], err));
    TN_TRY(split_side(task, false, sets[1], err));
    pthread_mutex_lock(&join->lock);
    code = tn_vec_grow(&join->pool, (void **)&join->work, &join->work_capacity, join->work_count,
                       SPLITS, sizeof(tn_join_part), err);
    for (uint32_t p = 0; code == TARN_OK && p < SPLITS; p++) {
        tn_rows_seal(&sets[0][p]);
        tn_rows_seal(&sets[1][p]);
        /* Where nearly all went to one part, few keys have most rows: splitting is no help. */
        const bool stuck = sets[0][p].bytes > before / 2;
        join->work[join->work_count++] =
            (tn_join_part){.build = sets[0][p],
                           .probe = sets[1][p],
                           .level = stuck ? TN_JOIN_LEVEL_MAX : task->item.level + 1};
        tn_rows_init(&sets[0][p], join->layout, &join->pool, join->run->spill);
        tn_rows_init(&sets[1][p], join->probe_layout, &join->pool, join->run->spill);
    }
    pthread_mutex_unlock(&join->lock);
done:
    for (uint32_t p = 0; p < SPLITS; p++) {
        tn_rows_clear(&sets[0][p]);
        tn_rows_clear(&sets[1][p]);
    }
    return code;
}

static size_t block_bytes(const rest_task *task)
{
    const tn_join *join = task->join;
    const size_t threads = join->run->threads == 0 ? 1 : join->run->threads;
    const size_t room = tn_min_size(join->budget, tn_run__available(join->run)) / 4 / threads;
    return room < (512 << 10) ? 512 << 10 : room;
}

/* The next build rows that fit become the table. */
static TN_FALLIBLE next_block(rest_task *task, tarn_error *err)
{
    tn_rows *block = &task->block;
    drop_block(task);
    tn_rows_move(block, &task->item.build, block_bytes(task));
    TN_RETURN_IF_ERROR(tn_rows_pin(block, err));
    TN_RETURN_IF_ERROR(
        tn_join__table_make(task->join, task->pool, &block, 1, false, &task->table, err));
    task->probes = (tn_rows_cursor){.rows = &task->item.probe, .consume = !task->in_blocks};
    task->ordinal = 0;
    task->has_in = false;
    return TARN_OK;
}

static TN_FALLIBLE begin_item(rest_task *task, tarn_error *err)
{
    const size_t room = block_bytes(task);
    const size_t bytes = task->item.build.bytes + task->item.build.count * 16;
    if (bytes > room && task->item.level < TN_JOIN_LEVEL_MAX && task->join->options.key_count > 0) {
        TN_RETURN_IF_ERROR(split(task, err));
        drop_item(task);
        return TARN_OK; /* and the stage stays: the next work */
    }
    task->in_blocks = task->item.build.bytes > room;
    if (task->in_blocks) {
        void *memory;
        task->flags_size = (size_t)task->item.probe.count + 1;
        const tarn_code code =
            tn_pool_alloc_pages(task->pool, task->flags_size, true, &memory, err);
        task->flags = memory;
        task->flags_size = code == TARN_OK ? task->flags_size : 0;
        TN_RETURN_IF_ERROR(code);
    }
    task->prober->pass = task->in_blocks ? TN_PASS_BLOCK : TN_PASS_WHOLE;
    TN_RETURN_IF_ERROR(next_block(task, err));
    task->stage = STAGE_PROBE;
    return TARN_OK;
}

static TN_FALLIBLE next_work(rest_task *task, tarn_error *err)
{
    tn_join *join = task->join;
    bool residents = false;
    bool found = false;

    drop_item(task);
    pthread_mutex_lock(&join->lock);
    if (join->keeps_build && !join->unmatched_taken) {
        join->unmatched_taken = residents = true;
    } else if (join->next_work < join->work_count) {
        tn_join_part *part = &join->work[join->next_work++];
        task->item = *part;
        tn_rows_init(&part->build, join->layout, &join->pool, join->run->spill);
        tn_rows_init(&part->probe, join->probe_layout, &join->pool, join->run->spill);
        found = true;
    }
    pthread_mutex_unlock(&join->lock);
    if (residents) {
        task->set_count = task->set = 0;
        task->sets[task->set_count++] = &join->null_rows;
        task->sets[task->set_count++] = &join->rows;
        for (uint32_t p = 0; join->parts != NULL && p < TN_JOIN_PARTS; p++) {
            if (join->resident[p]) {
                task->sets[task->set_count++] = &join->parts[p];
            }
        }
        task->builds = (tn_rows_cursor){.rows = task->sets[0]};
        task->stage = STAGE_UNMATCHED;
        return TARN_OK;
    }
    if (!found) {
        task->stage = STAGE_END;
        return TARN_OK;
    }
    return begin_item(task, err);
}

/* ---- rows ---- */

/* Probe rows of the partition against the block; out->selected 0: the stage is at its end. */
static TN_FALLIBLE probe_some(rest_task *task, tn_batch *out, tarn_error *err)
{
    bool more;
    uint32_t count;
    for (;;) {
        if (!task->has_in) {
            TN_RETURN_IF_ERROR(tn_rows_cursor_next(
                &task->probes, task->probes.rows->layout->batch_rows, task->rows, &count, err));
            if (count == 0) {
                out->selected = 0;
                return TARN_OK;
            }
            TN_RETURN_IF_ERROR(load_probe_rows(task, count, err));
            task->has_in = true;
            task->prober->flags = task->flags == NULL ? NULL : task->flags + task->ordinal;
            task->ordinal += count;
        }
        TN_RETURN_IF_ERROR(tn_prober__next(task->prober, &task->in, out, &more, err));
        task->has_in = more;
        if (out->selected > 0) {
            return TARN_OK;
        }
        if (atomic_load_explicit(task->join->run->cancelled, memory_order_relaxed)) {
            return tn_fail(err, TARN_E_CANCELLED, "cancelled");
        }
    }
}

/* Build rows that nobody matched, the probe side NULL; of a SEMI join of_build, those that someone
 * did, and no probe side. */
static TN_FALLIBLE unmatched_some(rest_task *task, tn_batch *out, tarn_error *err)
{
    const tn_join *join = task->join;
    const bool matched = join->of_build && join->options.kind == TN_JOIN_SEMI;
    const uint32_t width = join->of_build ? 0 : join->probe_layout->count;
    uint32_t kept = 0;
    uint32_t count;

    while (kept == 0) {
        TN_RETURN_IF_ERROR(tn_rows_cursor_next(&task->builds, task->builds.rows->layout->batch_rows,
                                               task->rows, &count, err));
        for (uint32_t i = 0; i < count; i++) {
            task->rows[kept] = task->rows[i];
            kept += (((const tn_join_row *)(void *)task->rows[kept])->matched != 0) == matched;
        }
        if (count == 0) {
            if (++task->set == task->set_count) {
                out->selected = 0;
                return TARN_OK;
            }
            task->builds = (tn_rows_cursor){.rows = task->sets[task->set]};
        }
    }
    for (uint32_t p = 0; p < join->options.payload_count; p++) {
        TN_RETURN_IF_ERROR(tn_row_reader_gather(task->build_reader, join->options.key_count + p,
                                                task->rows, kept, NULL, kept,
                                                &task->columns[width + p], err));
    }
    for (uint32_t i = 0; i < kept; i++) {
        task->rows[i] = task->probe_reader->null_row;
    }
    for (uint32_t c = 0; c < width; c++) {
        TN_RETURN_IF_ERROR(tn_row_reader_gather(task->probe_reader, c, task->rows, kept, NULL, kept,
                                                &task->columns[c], err));
    }
    *out =
        (tn_batch){.columns = task->columns, .width = join->width, .rows = kept, .selected = kept};
    return TARN_OK;
}

/* After a block's probe rows: its unmatched rows, the next block, or who is left of the probe. */
static TN_FALLIBLE after_probe(rest_task *task, tarn_error *err)
{
    tn_rows_cursor_close(&task->probes);
    if (task->join->keeps_build) {
        task->sets[0] = &task->block;
        task->set_count = 1;
        task->set = 0;
        task->builds = (tn_rows_cursor){.rows = &task->block};
        task->stage = STAGE_UNMATCHED;
        return TARN_OK;
    }
    if (task->item.build.first != NULL) {
        return next_block(task, err);
    }
    task->stage = STAGE_NEXT;
    if (task->in_blocks && (task->join->keeps_probe || task->join->only_probe)) {
        task->prober->pass = TN_PASS_REST;
        task->probes = (tn_rows_cursor){.rows = &task->item.probe, .consume = true};
        task->ordinal = 0;
        task->has_in = false;
        task->stage = STAGE_REST;
    }
    return TARN_OK;
}

static TN_FALLIBLE after_unmatched(rest_task *task, tarn_error *err)
{
    tn_rows_cursor_close(&task->builds);
    if (task->block.first == NULL) { /* those were the join's own */
        task->stage = STAGE_NEXT;
        return TARN_OK;
    }
    if (task->item.build.first != NULL) {
        task->stage = STAGE_PROBE;
        return next_block(task, err);
    }
    task->stage = STAGE_NEXT;
    if (task->in_blocks && task->join->keeps_probe) {
        task->prober->pass = TN_PASS_REST;
        task->probes = (tn_rows_cursor){.rows = &task->item.probe, .consume = true};
        task->ordinal = 0;
        task->has_in = false;
        task->stage = STAGE_REST;
    }
    return TARN_OK;
}

static tarn_code scan_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                           tn_scan_answer *answer, tarn_error *err)
{
    rest_task *task = (rest_task *)base;
    tarn_code code = TARN_OK;

    (void)waker;
    *answer = TN_SCAN_BATCH;
    for (;;) {
        switch (task->stage) {
        case STAGE_NEXT:
            TN_TRY(next_work(task, err));
            continue;
        case STAGE_PROBE:
        case STAGE_REST:
            TN_TRY(probe_some(task, out, err));
            if (out->selected == 0) {
                if (task->stage == STAGE_PROBE) {
                    TN_TRY(after_probe(task, err));
                } else {
                    task->stage = STAGE_NEXT;
                }
                continue;
            }
            break;
        case STAGE_UNMATCHED:
            TN_TRY(unmatched_some(task, out, err));
            if (out->selected == 0) {
                TN_TRY(after_unmatched(task, err));
                continue;
            }
            break;
        case STAGE_END:
        default:
            tn_numbering__end(&task->numbering, out, answer);
            return TARN_OK;
        }
        tn_numbering__next(&task->numbering, out);
        return TARN_OK;
    }
done:
    return tn_spill_explain(task->join->run->spill, code, err);
}

static uint32_t expected(tn_scan *scan)
{
    const tn_join *join = join_of(scan);
    return join->defers ? TN_JOIN_PARTS : 1;
}

const tn_scan_ops tn_join__scan_ops = {scan_task_open,
                                       scan_read,
                                       scan_task_close,
                                       tn_block__counters,
                                       tn_block__finish,
                                       tn_block__close,
                                       expected,
                                       NULL,
                                       NULL};

tarn_code tn_join__scan(tn_operator *build, tn_scan **out, tarn_error *err)
{
    tn_join *join = (tn_join *)build;
    (void)err;
    join->scan.ops = &tn_join__scan_ops;
    *out = &join->scan;
    return TARN_OK;
}
