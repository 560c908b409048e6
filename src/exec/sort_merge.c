/* The sorter's tasks, and the merge of their runs. */
#include "exec/sort_internal.h"

#include "base/size.h"
#include "base/vec.h"

#include <assert.h>

enum {
    RUN_MIN = 256 << 10,
    RUN_MAX = 16 << 20,
    PAGE = 256 << 10,
    NEAR_SIZE = (TN_BATCH_ROWS + 8) * sizeof(uint16_t),
    TOP_SLACK = 4096 /* rows a top-n collects beyond twice its limit before it cuts */
};

size_t tn_run__budget(const tn_run *run)
{
    return tn_pool_budget(run->pool);
}

size_t tn_run__available(const tn_run *run)
{
    size_t least = SIZE_MAX;
    const size_t evictable = tn_spill_evictable(run->spill);
    for (tn_pool *pool = run->pool; pool != NULL; pool = pool->parent) {
        const size_t held = atomic_load_explicit(&pool->held, memory_order_relaxed);
        if (pool->limit != SIZE_MAX) {
            least = tn_min_size(least, pool->limit - tn_min_size(held, pool->limit) + evictable);
        }
    }
    return least;
}

/* Rows of key, rank and payload. */
static TN_FALLIBLE lay_out(tn_sorter *sorter, const tn_sorter_options *options, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_sort_keys *keys = NULL;
    void *memory = NULL;
    const tn_type **types = NULL;
    const uint32_t width = options->width + 1;

    TN_TRY(tn_pool_alloc(options->pool, options->order_count * sizeof(tn_order), &memory, err));
    memcpy(memory, options->orders, options->order_count * sizeof(tn_order));
    sorter->orders = memory;
    TN_TRY(tn_sort_keys_create(options->pool, options->orders, options->order_count, &keys, err));
    sorter->prefix = keys->prefix;
    sorter->varies = keys->varies;
    sorter->first_payload = keys->varies ? 1 : 0;
    TN_TRY(tn_pool_alloc(options->pool, width * sizeof(void *), (void **)&types, err));
    types[0] = TN_BLOB;
    if (options->width > 0) {
        memcpy(types + sorter->first_payload, options->types, options->width * sizeof(void *));
    }
    TN_TRY(tn_row_layout_create(options->pool, types, options->width + sorter->first_payload,
                                keys->prefix + (options->has_rank ? 8 : 0), &sorter->layout, err));
done:
    tn_pool_free(options->pool, types, width * sizeof(void *));
    tn_sort_keys_destroy(keys);
    return code;
}

tarn_code tn_sorter__create(const tn_sorter_options *options, tn_sorter **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_sorter *sorter = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(options->pool, sizeof(*sorter), &memory, err));
    sorter = memory;
    pthread_mutex_init(&sorter->lock, NULL);
    sorter->pool = options->pool;
    sorter->spill = options->spill;
    sorter->cancelled = options->cancelled;
    sorter->order_count = options->order_count;
    sorter->has_rank = options->has_rank;
    sorter->limit = options->limit;
    if (options->is_bare) {
        sorter->is_bare = true;
        sorter->prefix = 8;
        TN_TRY(tn_row_layout_create(options->pool, NULL, 0, 8, &sorter->layout, err));
    } else {
        TN_TRY(lay_out(sorter, options, err));
    }
    /* A run needs its rows, two pointers with a key for each, and its copy page by page. */
    const size_t share = options->budget / 8 / (options->tasks == 0 ? 1 : options->tasks);
    sorter->run_bytes = share < RUN_MIN ? RUN_MIN : tn_min_size(share, RUN_MAX);
    const size_t fan_in = tn_max_size(options->budget, options->merge_budget) / 4 / PAGE;
    sorter->fan_in = fan_in < 4 ? 4 : fan_in > 256 ? 256 : (uint32_t)fan_in;
    *out = sorter;
    sorter = NULL;
done:
    tn_sorter__destroy(sorter);
    return code;
}

void tn_sorter__share_budget(tn_sorter *sorter, uint32_t sharers)
{
    sorter->run_bytes = tn_max_size(RUN_MIN, sorter->run_bytes / sharers);
    sorter->fan_in = sorter->fan_in / sharers < 4 ? 4 : sorter->fan_in / sharers;
}

void tn_sorter__destroy(tn_sorter *sorter)
{
    if (sorter == NULL) {
        return;
    }
    for (size_t i = 0; i < sorter->run_count; i++) {
        tn_rows_clear(&sorter->runs[i]);
    }
    tn_pool_free(sorter->pool, sorter->runs, sorter->run_capacity * sizeof(tn_rows));
    tn_pool_free(sorter->pool, (void *)(uintptr_t)sorter->orders,
                 sorter->order_count * sizeof(tn_order));
    tn_row_layout_destroy(sorter->layout);
    pthread_mutex_destroy(&sorter->lock);
    tn_pool_free(sorter->pool, sorter, sizeof(*sorter));
}

tarn_code tn_sorter__task_create(tn_sorter *sorter, tn_pool *pool, tn_sorter_task **out,
                                 tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_sorter_task *task = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*task), &memory, err));
    task = memory;
    task->sorter = sorter;
    task->pool = pool;
    tn_rows_init(&task->run, sorter->layout, sorter->pool, sorter->spill);
    task->run.keep = true;
    TN_TRY(tn_sort_keys_create(pool, sorter->orders, sorter->order_count, &task->keys, err));
    TN_TRY(tn_row_writer_create(pool, sorter->layout, 0, &task->writer, err));
    TN_TRY(
        tn_pool_alloc(pool, sorter->layout->count * sizeof(void *), (void **)&task->columns, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(void *), (void **)&task->rows, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(uint16_t), (void **)&task->which, err));
    TN_TRY(tn_pool_alloc(pool, NEAR_SIZE, (void **)&task->near, err));
    TN_TRY(tn_pool_alloc(pool, sorter->prefix, (void **)&task->bound, err));
    *out = task;
    task = NULL;
done:
    tn_sorter__task_destroy(task);
    return code;
}

void tn_sorter__task_destroy(tn_sorter_task *task)
{
    if (task == NULL) {
        return;
    }
    tn_rows_clear(&task->run);
    tn_pool_free_pages(task->sorter->pool, task->entries,
                       2 * task->entry_count * sizeof(tn_sort_entry));
    tn_sort_keys_destroy(task->keys);
    tn_row_writer_destroy(task->writer);
    tn_pool_free(task->pool, task->columns, task->sorter->layout->count * sizeof(void *));
    tn_pool_free(task->pool, task->rows, TN_BATCH_ROWS * sizeof(void *));
    tn_pool_free(task->pool, task->which, TN_BATCH_ROWS * sizeof(uint16_t));
    tn_pool_free(task->pool, task->near, NEAR_SIZE);
    tn_pool_free(task->pool, task->bound, task->sorter->prefix);
    tn_pool_free(task->pool, task, sizeof(*task));
}

/* Copies the first `count` entries' rows, in order, to `into`. */
static TN_FALLIBLE copy_in_order(tn_sorter_task *task, const tn_sort_entry *entries, size_t count,
                                 tn_rows *into, tarn_error *err)
{
    uint8_t *from[256];
    uint8_t *to[256];
    for (size_t at = 0; at < count; at += 256) {
        const uint32_t part = count - at < 256 ? (uint32_t)(count - at) : 256;
        for (uint32_t i = 0; i < part; i++) {
            from[i] = entries[at + i].row;
            __builtin_prefetch(from[i]);
        }
        TN_RETURN_IF_ERROR(tn_rows_copy(into, NULL, from, part, to, err));
        if (at % (64 << 10) == 0 &&
            atomic_load_explicit(task->sorter->cancelled, memory_order_relaxed)) {
            return tn_fail(err, TARN_E_CANCELLED, "cancelled");
        }
    }
    return TARN_OK;
}

/* Pointers to the task's rows; which bytes of the key to look at first; is it in order already? */
static size_t make_entries(tn_sorter_task *task, tn_sort_entry *entries, bool *has_nulls,
                           bool *in_order)
{
    const tn_sorter *sorter = task->sorter;
    uint8_t first = 0xff;
    uint8_t any = 0;
    size_t count = 0;
    const size_t size = sorter->layout->row_size;

    for (tn_page *page = task->run.first; page != NULL; page = page->next) {
        uint8_t *row = page->data;
        for (uint32_t i = 0; i < page->rows; i++, row += size) {
            first &= row[0];
            any |= row[0];
            entries[count++].row = row;
        }
    }
    *has_nulls = count > 0 && (first != any || any != 1);
    const size_t skip = tn_sort__skip(sorter, *has_nulls);
    bool ordered = true;
    for (size_t i = 0; i < count; i++) {
        entries[i].key = tn_sort__head(entries[i].row, skip);
        ordered = ordered && (i == 0 || entries[i - 1].key < entries[i].key ||
                              (entries[i - 1].key == entries[i].key &&
                               tn_sort__compare(sorter, entries[i - 1].row, entries[i].row) <= 0));
    }
    *in_order = ordered;
    return skip;
}

tarn_code tn_sorter__add_run(tn_sorter *sorter, tn_rows *run, bool has_nulls, tarn_error *err)
{
    size_t page_most = 0;
    for (const tn_page *page = run->first; page != NULL; page = page->next) {
        page_most = tn_max_size(page_most, page->size);
    }
    pthread_mutex_lock(&sorter->lock);
    sorter->page_most = tn_max_size(sorter->page_most, page_most);
    const tarn_code code = tn_vec_grow(sorter->pool, (void **)&sorter->runs, &sorter->run_capacity,
                                       sorter->run_count, 1, sizeof(tn_rows), err);
    if (code == TARN_OK) {
        sorter->runs[sorter->run_count++] = *run;
        sorter->rows += run->count;
        sorter->has_nulls = sorter->has_nulls || has_nulls;
        tn_rows_init(run, run->layout, run->pool, run->spill);
    }
    pthread_mutex_unlock(&sorter->lock);
    return code;
}

static void free_entries(tn_sorter_task *task)
{
    tn_pool_free_pages(task->sorter->pool, task->entries,
                       2 * task->entry_count * sizeof(tn_sort_entry));
    task->entries = NULL;
    task->entry_count = 0;
}

static TN_FALLIBLE ensure_entries(tn_sorter_task *task, size_t count, tarn_error *err)
{
    void *memory;
    if (count <= task->entry_count) {
        return TARN_OK;
    }
    free_entries(task);
    count += count / 16; /* the next run may be a little longer */
    TN_RETURN_IF_ERROR(tn_pool_alloc_pages(task->sorter->pool, 2 * count * sizeof(tn_sort_entry),
                                           false, &memory, err));
    task->entries = memory;
    task->entry_count = count;
    return TARN_OK;
}

/* Sorts what the task holds.  `keep`: back into the task (a top-n cut); else a run is made. */
static TN_FALLIBLE sort_task(tn_sorter_task *task, bool keep, tarn_error *err)
{
    tn_sorter *sorter = task->sorter;
    tarn_code code = TARN_OK;
    tn_rows sorted;
    bool has_nulls;
    bool in_order;
    const size_t count = task->run.count;
    const size_t wanted = count < sorter->limit ? count : (size_t)sorter->limit;

    tn_rows_init(&sorted, sorter->layout, sorter->pool, sorter->spill);
    sorted.keep = keep;
    if (count == 0) {
        return TARN_OK;
    }
    tn_rows_note(&task->run);
    TN_TRY(ensure_entries(task, count, err));
    tn_sort_entry *entries = task->entries;
    const size_t skip = make_entries(task, entries, &has_nulls, &in_order);
    if (!in_order && !tn_sort__entries(sorter, entries, entries + count, count, skip)) {
        code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
        goto done;
    }
    if (wanted == sorter->limit && wanted > 0) {
        memcpy(task->bound, entries[wanted - 1].row, sorter->prefix);
        task->has_bound = true;
    }
    if (in_order && !keep && wanted == count) {
        tn_rows_seal(&task->run);
        TN_TRY(tn_sorter__add_run(sorter, &task->run, has_nulls, err));
        task->run.keep = true;
        goto done;
    }
    TN_TRY(copy_in_order(task, entries, wanted, &sorted, err));
    tn_rows_clear(&task->run);
    if (keep) {
        task->run = sorted;
        tn_rows_init(&sorted, sorter->layout, sorter->pool, sorter->spill);
    } else {
        tn_rows_seal(&sorted);
        TN_TRY(tn_sorter__add_run(sorter, &sorted, has_nulls, err));
    }
done:
    tn_rows_clear(&sorted);
    return tn_spill_explain(sorter->spill, code, err);
}

/* Leaves out rows that lie behind the bound of a top-n. */
static uint32_t cut_by_bound(const tn_sorter_task *task, uint32_t count, uint16_t *which)
{
    const size_t prefix = task->sorter->prefix;
    const uint64_t head = tn_sort__head(task->bound, 0);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *key = task->keys->prefixes + i * prefix;
        const uint64_t mine = tn_sort__head(key, 0);
        which[kept] = (uint16_t)i;
        kept += mine < head || (mine == head && memcmp(key, task->bound, prefix) <= 0);
    }
    return kept;
}

/* How many of the rows from `from` on make a run: all of them, but for those of very long texts. */
static uint32_t rows_of_a_run(tn_sorter_task *task, const uint16_t *which, uint32_t from,
                              uint32_t end)
{
    const tn_row_writer *writer = task->writer;
    const size_t most = task->sorter->run_bytes;
    size_t bytes = 0;
    if (!writer->has_heap) {
        return end - from;
    }
    for (uint32_t i = from; i < end; i++) {
        bytes += writer->heaps[which == NULL ? i : which[i]];
        if (bytes > most && i > from) {
            return i - from;
        }
    }
    return end - from;
}

/* Rows that were prepared and measured; where there are enough of them they become a run. */
static TN_FALLIBLE add_rows(tn_sorter_task *task, const uint16_t *which, uint32_t count,
                            const uint16_t *selection, uint64_t rank, const uint64_t *ranks,
                            tarn_error *err)
{
    tn_sorter *sorter = task->sorter;
    const size_t prefix = sorter->prefix;
    TN_RETURN_IF_ERROR(
        tn_row_writer_add(task->writer, &task->run, NULL, which, count, task->rows, err));
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = which == NULL ? i : which[i];
        const uint8_t *key = task->keys->prefixes + at * prefix;
        tn_row_copy(task->rows[i], key, prefix);
        if (sorter->has_rank) {
            const uint64_t mine =
                ranks != NULL ? ranks[at] : rank + (selection == NULL ? at : selection[at]);
            memcpy(task->rows[i] + prefix, &mine, 8);
        }
    }
    if (sorter->limit < UINT64_MAX / 4 && task->run.count >= 2 * sorter->limit + TOP_SLACK) {
        return sort_task(task, true, err);
    }
    return task->run.bytes >= sorter->run_bytes ? sort_task(task, false, err) : TARN_OK;
}

tarn_code tn_sorter__add(tn_sorter_task *task, const tn_column *const *keys,
                         const tn_column *const *payload, const uint16_t *selection, uint32_t count,
                         uint64_t rank, const uint64_t *ranks, tarn_error *err)
{
    tn_sorter *sorter = task->sorter;
    const uint32_t width = sorter->layout->count - sorter->first_payload;
    const uint16_t *which = NULL;
    uint32_t kept = count;

    if (task->has_bound && ranks == NULL &&
        tn_sort_keys_cut(task->keys, task->bound, keys[0], selection, &count, task->near)) {
        if (count == 0) {
            return TARN_OK;
        }
        selection = task->near;
        kept = count;
    }
    TN_RETURN_IF_ERROR(tn_sort_keys_encode(task->keys, keys, selection, count, err));
    if (task->has_bound) {
        kept = cut_by_bound(task, count, task->which);
        which = task->which;
        if (kept == 0) {
            return TARN_OK;
        }
    }
    for (uint32_t i = 0; i < width; i++) {
        task->columns[sorter->first_payload + i] = payload[i];
    }
    if (sorter->varies) {
        task->columns[0] = &task->keys->whole;
    }
    /* The rest of the key is dense already, the payload is not. */
    if (sorter->varies && selection != NULL) {
        TN_RETURN_IF_ERROR(
            tn_row_writer_prepare_from(task->writer, 1, task->columns, selection, count, err));
        task->writer->columns[0] = task->keys->whole;
    } else {
        TN_RETURN_IF_ERROR(
            tn_row_writer_prepare(task->writer, task->columns, selection, count, err));
    }
    tn_row_writer_measure(task->writer, count);
    for (uint32_t from = 0; from < kept;) {
        const uint32_t part = rows_of_a_run(task, which, from, kept);
        if (part < kept && which == NULL) {
            for (uint32_t i = 0; i < kept; i++) {
                task->which[i] = (uint16_t)i;
            }
            which = task->which;
        }
        TN_RETURN_IF_ERROR(
            add_rows(task, which == NULL ? NULL : which + from, part, selection, rank, ranks, err));
        from += part;
    }
    return TARN_OK;
}

tarn_code tn_sorter__task_finish(tn_sorter_task *task, tarn_error *err)
{
    const tarn_code code = sort_task(task, false, err);
    free_entries(task);
    return code;
}

/* ---- merging ---- */

typedef struct source {
    tn_rows *run;
    tn_rows_cursor cursor;
    uint64_t key; /* of the row at hand */
    uint8_t *row; /* NULL at the end */
    uint8_t *end; /* behind the page's last row */
} source;

/* Who lost here, with its key: the next comparison loads nothing else, mostly. */
typedef struct loser {
    uint64_t key;
    uint32_t source;
} loser;

struct tn_merge {
    tn_sorter *sorter;
    tn_pool *pool;
    source *sources;
    loser *tree; /* tree[0] is the winner */
    size_t count;
    size_t skip;
    bool page_ended; /* the winner's page is read to its end, and must stay until the next call */
    bool started;
};

static TN_FALLIBLE next_page(tn_merge *merge, source *from, tarn_error *err)
{
    uint32_t count;
    uint8_t *first;
    from->row = NULL;
    if (from->cursor.page != NULL) {
        from->cursor.row = from->cursor.page->rows;
    }
    TN_RETURN_IF_ERROR(tn_rows_cursor_next(&from->cursor, 1, &first, &count, err));
    if (count > 0) {
        const tn_page *page = from->cursor.page;
        from->row = page->data;
        from->end = page->data + (size_t)page->rows * page->layout->row_size;
        from->key = tn_sort__head(from->row, merge->skip);
    } else {
        from->key = UINT64_MAX;
    }
    return TARN_OK;
}

tarn_code tn_merge__create(tn_sorter *sorter, tn_rows *runs, size_t count, tn_pool *pool,
                           tn_merge **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_merge *merge = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*merge), &memory, err));
    merge = memory;
    merge->sorter = sorter;
    merge->pool = pool;
    merge->count = count;
    merge->skip = tn_sort__skip(sorter, sorter->has_nulls);
    TN_TRY(tn_pool_alloc_zeroed(pool, (count + 1) * sizeof(source), (void **)&merge->sources, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, (count + 1) * sizeof(loser), (void **)&merge->tree, err));
    for (size_t i = 0; i < count; i++) {
        merge->sources[i].run = &runs[i];
        merge->sources[i].cursor = (tn_rows_cursor){.rows = &runs[i], .consume = true};
    }
    *out = merge;
    merge = NULL;
done:
    tn_merge__destroy(merge);
    return code;
}

void tn_merge__destroy(tn_merge *merge)
{
    if (merge == NULL) {
        return;
    }
    for (size_t i = 0; merge->sources != NULL && i < merge->count; i++) {
        tn_rows_cursor_close(&merge->sources[i].cursor);
    }
    tn_pool_free(merge->pool, merge->sources, (merge->count + 1) * sizeof(source));
    tn_pool_free(merge->pool, merge->tree, (merge->count + 1) * sizeof(loser));
    tn_pool_free(merge->pool, merge, sizeof(*merge));
}

/* Does source a's row come before source b's?  Ended ones come last; earlier runs first. */
static inline bool wins(const tn_merge *merge, uint32_t a, uint32_t b)
{
    const source *left = &merge->sources[a];
    const source *right = &merge->sources[b];
    if (left->row == NULL || right->row == NULL) {
        return left->row != NULL || (right->row == NULL && a < b);
    }
    if (left->key != right->key) {
        return left->key < right->key;
    }
    const int order = tn_sort__compare(merge->sorter, left->row, right->row);
    return order < 0 || (order == 0 && a < b);
}

/* From the leaf of `at` up: the losers stay, the winner goes on. */
static void replay(tn_merge *merge, uint32_t at)
{
    loser *tree = merge->tree;
    loser winner = {merge->sources[at].key, at};
    for (size_t node = (at + merge->count) / 2; node > 0; node /= 2) {
        const loser other = tree[node];
        bool swap = other.key < winner.key;
        if (__builtin_expect(other.key == winner.key, 0)) {
            swap = wins(merge, other.source, winner.source);
        }
        tree[node].key = swap ? winner.key : other.key;
        tree[node].source = swap ? winner.source : other.source;
        winner.key = swap ? other.key : winner.key;
        winner.source = swap ? other.source : winner.source;
    }
    tree[0] = winner;
}

static TN_FALLIBLE start(tn_merge *merge, tarn_error *err)
{
    const size_t count = merge->count;
    uint32_t winners[512];
    assert(count <= 256);
    for (size_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(next_page(merge, &merge->sources[i], err));
        winners[count + i] = (uint32_t)i;
    }
    for (size_t node = count - 1; node > 0; node--) {
        const uint32_t a = winners[2 * node];
        const uint32_t b = winners[2 * node + 1];
        const bool first = wins(merge, a, b);
        winners[node] = first ? a : b;
        const uint32_t lost = first ? b : a;
        merge->tree[node] = (loser){merge->sources[lost].key, lost};
    }
    merge->tree[0].source = count == 1 ? 0 : winners[1];
    merge->started = true;
    return TARN_OK;
}

/* One run: its pages as they are. */
static uint32_t take_run(tn_merge *merge, uint32_t max, uint8_t **rows)
{
    source *from = &merge->sources[0];
    const size_t size = merge->sorter->layout->row_size;
    uint32_t count = 0;
    while (count < max && from->row != from->end) {
        rows[count++] = from->row;
        from->row += size;
    }
    merge->page_ended = from->row == from->end;
    return count;
}

tarn_code tn_merge__next(tn_merge *merge, uint32_t max, uint8_t **rows, uint32_t *count,
                         tarn_error *err)
{
    const size_t size = merge->sorter->layout->row_size;
    *count = 0;
    if (merge->count == 0) {
        return TARN_OK;
    }
    if (!merge->started) {
        TN_RETURN_IF_ERROR(start(merge, err));
    }
    if (merge->page_ended) { /* what was handed out is no longer looked at */
        merge->page_ended = false;
        TN_RETURN_IF_ERROR(next_page(merge, &merge->sources[merge->tree[0].source], err));
        replay(merge, merge->tree[0].source);
    }
    if (merge->sources[merge->tree[0].source].row == NULL) {
        return TARN_OK;
    }
    if (merge->count == 1) {
        *count = take_run(merge, max, rows);
        return TARN_OK;
    }
    uint32_t made = 0;
    while (made < max) {
        const uint32_t winner = merge->tree[0].source;
        source *from = &merge->sources[winner];
        if (from->row == NULL) {
            break;
        }
        rows[made++] = from->row;
        from->row += size;
        if (from->row == from->end) {
            merge->page_ended = true; /* the page is still needed: others go on next time */
            break;
        }
        from->key = tn_sort__head(from->row, merge->skip);
        __builtin_prefetch(from->row + 4 * size);
        replay(merge, winner);
    }
    *count = made;
    return TARN_OK;
}

/* `count` runs from `at` on become one: the shortest need not be sought, they are of one length. */
static TN_FALLIBLE merge_some(tn_sorter *sorter, size_t at, size_t count, tarn_error *err)
{
    tn_rows *runs = sorter->runs + at;
    tarn_code code = TARN_OK;
    tn_merge *merge = NULL;
    tn_rows merged;
    uint8_t *from[512];
    uint8_t *to[512];
    uint32_t rows;
    uint64_t done_rows = 0;

    tn_rows_init(&merged, sorter->layout, sorter->pool, sorter->spill);
    TN_TRY(tn_merge__create(sorter, runs, count, sorter->pool, &merge, err));
    do {
        TN_TRY(tn_merge__next(merge, 512, from, &rows, err));
        TN_TRY(tn_rows_copy(&merged, NULL, from, rows, to, err));
        done_rows += rows;
        if (atomic_load_explicit(sorter->cancelled, memory_order_relaxed)) {
            code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
            goto done;
        }
    } while (rows > 0 && done_rows < sorter->limit);
    tn_merge__destroy(merge);
    merge = NULL;
    for (size_t i = 0; i < count; i++) {
        tn_rows_clear(&runs[i]);
    }
    tn_rows_seal(&merged);
    /* In its place: runs stay in the order of their rows, for those who have no rank. */
    runs[0] = merged;
    memmove(runs + 1, runs + count, (sorter->run_count - at - count) * sizeof(tn_rows));
    sorter->run_count -= count - 1;
    tn_rows_init(&merged, sorter->layout, sorter->pool, sorter->spill);
done:
    tn_merge__destroy(merge);
    tn_rows_clear(&merged);
    return tn_spill_explain(sorter->spill, code, err);
}

/* Each merge goes on behind what the last one made, so that a pass over all runs copies each row
 * once at most: a merge that took the long run in again each time would copy it as often as there
 * are merges. */
tarn_code tn_sorter__finish(tn_sorter *sorter, tarn_error *err)
{
    size_t at = 0;
    /* A merge holds a page of each run, and texts that are longer than a page have their own. */
    if (sorter->page_most > PAGE) {
        const size_t fit = sorter->fan_in * (size_t)PAGE / sorter->page_most;
        sorter->fan_in = fit < 2 ? 2 : (uint32_t)fit;
    }
    while (sorter->run_count > sorter->fan_in) {
        const size_t excess = sorter->run_count - sorter->fan_in + 1;
        const size_t left = sorter->run_count - at;
        if (left < 2) {
            at = 0;
            continue;
        }
        TN_RETURN_IF_ERROR(
            merge_some(sorter, at, tn_min_size(left, tn_min_size(excess, sorter->fan_in)), err));
        at++;
    }
    return TARN_OK;
}
