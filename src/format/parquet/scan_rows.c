/* Which rows of a row group are read: page indexes say what some pages cannot hold. */
#include "format/parquet/scan_internal.h"

enum {
    INDEX_WINDOW = 16 << 10,
    INDEX_MAX = 16 << 20 /* of one chunk's pages */
};

void tn_rows__close(tn_parquet_task *task)
{
    for (uint32_t i = 0; task->indexes != NULL && i < 2 * task->scan->request.conjunct_count; i++) {
        tn_range__close(&task->indexes[i]);
    }
}

/* The chunk of a conjunct where the group is large enough for its page index to be worth a look. */
static bool index_of(const tn_parquet_task *task, uint32_t i, uint32_t *leaf, tn_chunk_meta *chunk)
{
    const tn_parquet_source *const source = task->scan->source;
    const tn_parquet_morsel *const morsel = &task->scan->morsels[task->morsel];
    const uint32_t field = task->scan->request.conjuncts[i].field;
    if (field >= source->footer.schema.count ||
        source->footer.groups[morsel->group].rows < 2 * TN_BATCH_ROWS) {
        return false;
    }
    *leaf = tn_footer__flat_leaf(&source->footer, field);
    return *leaf != UINT32_MAX &&
           tn_footer__chunk(&source->footer, morsel->group, *leaf, source->file_size, chunk,
                            NULL) == TARN_OK &&
           chunk->offset_index_size > 0 && chunk->column_index_size > 0 &&
           chunk->offset_index_size <= INDEX_MAX && chunk->column_index_size <= INDEX_MAX &&
           chunk->offset_index_offset < source->file_size &&
           chunk->column_index_offset < source->file_size &&
           chunk->offset_index_size <= source->file_size - chunk->offset_index_offset &&
           chunk->column_index_size <= source->file_size - chunk->column_index_offset;
}

TN_FALLIBLE tn_rows__start(tn_parquet_task *task, tarn_error *err)
{
    for (uint32_t i = 0; i < task->scan->request.conjunct_count; i++) {
        tn_chunk_meta chunk;
        uint32_t leaf;
        if (!index_of(task, i, &leaf, &chunk)) {
            continue;
        }
        tn_range *const pair = &task->indexes[2 * i];
        tn_range__open(&pair[0], &task->reading, chunk.offset_index_offset,
                       chunk.offset_index_offset + chunk.offset_index_size, INDEX_WINDOW, false);
        tn_range__open(&pair[1], &task->reading, chunk.column_index_offset,
                       chunk.column_index_offset + chunk.column_index_size, INDEX_WINDOW, false);
        TN_RETURN_IF_ERROR(tn_range__start(&pair[0], err));
        TN_RETURN_IF_ERROR(tn_range__start(&pair[1], err));
    }
    return TARN_OK;
}

/* Takes the rows of one page out of the ranges. */
static TN_FALLIBLE take_out(tn_parquet_task *task, tn_row_range out, tarn_error *err)
{
    for (size_t i = 0; i < task->ranges.count; i++) {
        tn_row_range *const range = &task->ranges.items[i];
        if (out.to <= range->from || out.from >= range->to) {
            continue;
        }
        const tn_row_range behind = {out.to, range->to};
        range->to = out.from > range->from ? out.from : range->from;
        if (behind.from < behind.to) { /* in two: the rest goes right behind */
            TN_RETURN_IF_ERROR(tn_vec_push(&task->ranges, behind, err));
            tn_row_range *const items = task->ranges.items;
            memmove(items + i + 2, items + i + 1,
                    (task->ranges.count - i - 2) * sizeof(tn_row_range));
            items[i + 1] = behind;
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE prune_pages(tn_parquet_task *task, uint32_t i, uint32_t leaf, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_footer *const footer = &task->scan->source->footer;
    const uint64_t rows = footer->groups[task->scan->morsels[task->morsel].group].rows;
    const tn_range *const pair = &task->indexes[2 * i];
    tn_page_index index;
    tn_arena arena;
    tn_arena_init(&arena, task->pool);
    /* A damaged index is no reason not to read the file: it then says nothing. */
    if (tn_page_index__read(pair[0].at, tn_range__there(&pair[0]), pair[1].at,
                            tn_range__there(&pair[1]), rows, &arena, &index, NULL) != TARN_OK ||
        index.bounds == NULL) {
        index.count = 0;
    }
    for (size_t page = 0; page < index.count; page++) {
        const uint64_t from = index.places[page].first_row;
        const uint64_t to = page + 1 < index.count ? index.places[page + 1].first_row : rows;
        tn_column_statistics statistics;
        tn_bounds__read(footer, leaf, &index.bounds[page], &statistics);
        if (index.only_nulls[page] != 0) {
            statistics.nulls = TN_EXACT;
            statistics.null_count = to - from;
        }
        if (tn_conjunct_excludes(&task->scan->request.conjuncts[i], &statistics, to - from)) {
            TN_TRY(take_out(task, (tn_row_range){from, to}, err));
        }
    }
done:
    tn_arena_deinit(&arena);
    return code;
}

/* Which rows of the morsel are read: all of them, less what the page indexes exclude. */
TN_FALLIBLE tn_rows__choose(tn_parquet_task *task, tn_waker *waker, bool *wait, tarn_error *err)
{
    const uint32_t count = task->scan->request.conjunct_count;
    const uint64_t rows = task->scan->morsels[task->morsel].rows;
    *wait = false;
    for (uint32_t i = 0; i < 2 * count; i++) {
        tn_range *const range = &task->indexes[i];
        while (range->reading != NULL) {
            tn_ready ready;
            TN_RETURN_IF_ERROR(tn_range__need(range, (size_t)tn_range__left(range), &ready, err));
            if (ready == TN_READY) {
                break;
            }
            if (tn_range__park(range, waker)) {
                *wait = true;
                return TARN_OK;
            }
        }
    }
    task->ranges.count = 0;
    TN_RETURN_IF_ERROR(tn_vec_push(&task->ranges, ((tn_row_range){0, rows}), err));
    for (uint32_t i = 0; i < count; i++) {
        tn_chunk_meta chunk;
        uint32_t leaf;
        if (index_of(task, i, &leaf, &chunk)) {
            TN_RETURN_IF_ERROR(prune_pages(task, i, leaf, err));
        }
    }
    tn_rows__close(task);
    size_t kept = 0;
    uint64_t left = 0;
    for (size_t i = 0; i < task->ranges.count; i++) {
        const tn_row_range range = task->ranges.items[i];
        if (range.from < range.to) {
            task->ranges.items[kept++] = range;
            left += range.to - range.from;
        }
    }
    task->ranges.count = kept;
    task->scan->rows_pruned += rows - left;
    return TARN_OK;
}
