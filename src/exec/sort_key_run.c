/* Runs of bare keys: sorted in an array, within the pages that they came in. */
#include "exec/sort_internal.h"

void tn_key_run__init(tn_key_run *run, tn_sorter *sorter)
{
    *run = (tn_key_run){.sorter = sorter};
    tn_rows_init(&run->rows, sorter->layout, sorter->pool, sorter->spill);
    run->rows.keep = true;
}

static void free_keys(tn_key_run *run)
{
    tn_pool_free_pages(run->sorter->pool, run->keys, 2 * run->key_count * sizeof(uint64_t));
    run->keys = NULL;
    run->key_count = 0;
}

void tn_key_run__deinit(tn_key_run *run)
{
    if (run->sorter != NULL) {
        tn_rows_clear(&run->rows);
        free_keys(run);
    }
}

static TN_FALLIBLE append(tn_rows *rows, const uint64_t *keys, uint32_t count, tarn_error *err)
{
    for (uint32_t at = 0; at < count;) {
        uint8_t *row;
        TN_RETURN_IF_ERROR(tn_rows_slot(rows, 0, &row, err));
        const size_t room = (size_t)(rows->heap - rows->next_row) / sizeof(uint64_t);
        const uint32_t more = count - at - 1 < room ? count - at - 1 : (uint32_t)room;
        for (uint32_t i = 0; i <= more; i++) {
            const uint64_t bytes = __builtin_bswap64(keys[at + i]);
            memcpy(row + i * sizeof(bytes), &bytes, sizeof(bytes));
        }
        rows->next_row += more * sizeof(uint64_t);
        rows->count += more;
        at += more + 1;
    }
    return TARN_OK;
}

static TN_FALLIBLE ensure_keys(tn_key_run *run, size_t count, tarn_error *err)
{
    void *memory;
    if (count <= run->key_count) {
        return TARN_OK;
    }
    free_keys(run);
    TN_RETURN_IF_ERROR(
        tn_pool_alloc_pages(run->sorter->pool, 2 * count * sizeof(uint64_t), false, &memory, err));
    run->keys = memory;
    run->key_count = count;
    return TARN_OK;
}

/* The run goes from its pages to an array, and back in order: no page is new. */
static TN_FALLIBLE sort_run(tn_key_run *run, tarn_error *err)
{
    tn_sorter *sorter = run->sorter;
    tarn_code code = TARN_OK;
    const size_t count = run->rows.count;
    size_t at = 0;

    if (count == 0) {
        return TARN_OK;
    }
    tn_rows_note(&run->rows);
    TN_TRY(ensure_keys(run, count, err));
    for (const tn_page *page = run->rows.first; page != NULL; page = page->next) {
        for (uint32_t i = 0; i < page->rows; i++) {
            run->keys[at++] = tn_sort__head(page->data + i * sizeof(uint64_t), 0);
        }
    }
    if (!tn_sort__keys(sorter, run->keys, run->keys + count, count)) {
        code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
        goto done;
    }
    at = 0;
    for (tn_page *page = run->rows.first; page != NULL; page = page->next) {
        for (uint32_t i = 0; i < page->rows; i++) {
            const uint64_t bytes = __builtin_bswap64(run->keys[at++]);
            memcpy(page->data + i * sizeof(bytes), &bytes, sizeof(bytes));
        }
    }
    tn_rows_seal(&run->rows);
    TN_TRY(tn_sorter__add_run(sorter, &run->rows, false, err));
    run->rows.keep = true;
done:
    return tn_spill_explain(sorter->spill, code, err);
}

tarn_code tn_key_run__add(tn_key_run *run, const uint64_t *keys, uint32_t count, tarn_error *err)
{
    TN_RETURN_IF_ERROR(append(&run->rows, keys, count, err));
    return run->rows.bytes >= run->sorter->run_bytes ? sort_run(run, err) : TARN_OK;
}

tarn_code tn_key_run__finish(tn_key_run *run, tarn_error *err)
{
    TN_RETURN_IF_ERROR(sort_run(run, err));
    free_keys(run);
    return TARN_OK;
}
