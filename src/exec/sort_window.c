/*
 * The merge of runs that are bare keys.  A tournament of the runs' first keys is a chain of some
 * twenty loads and compares for each key, one after the other.  Here a window of keys is taken at
 * once: as many of each run as come up to a key that no run's next part lies below.  They are few
 * enough for the cache, and merged two by two from both ends, without a branch on what a key is.
 *
 * Keys that are equal cannot be told apart, so a window may end between them.
 */
#include "base/size.h"
#include "exec/sort_internal.h"

#include <assert.h>

enum {
    WINDOW = 8 << 10, /* keys; two such arrays stay in the second cache */
    RUNS_MAX = 256,   /* the most that a sorter merges at once */
    BOTH_MIN = 8      /* fewer keys are not worth the start of two chains */
};
_Static_assert(WINDOW / RUNS_MAX >= BOTH_MIN, "each run has a share of the window");

typedef struct source {
    tn_rows_cursor cursor;
    const uint8_t *row; /* NULL at the end */
    size_t left;        /* keys from there on, in this page */
} source;

struct tn_key_merge {
    tn_pool *pool;
    source *sources;
    size_t count;
    size_t live; /* sources that have not ended: they stand first */
    uint64_t *window, *spare;
    const uint64_t *merged; /* what is left of the window at hand */
    size_t merged_count;
    uint32_t ends[RUNS_MAX + 1]; /* where parts of the window begin, and the last one ends */
    bool started;
};

/* A source without a further page ends: its place goes to the last one. */
static TN_FALLIBLE next_page(tn_key_merge *merge, size_t at, bool *ended, tarn_error *err)
{
    source *from = &merge->sources[at];
    uint32_t count;
    uint8_t *first;
    if (from->cursor.page != NULL) {
        from->cursor.row = from->cursor.page->rows;
    }
    TN_RETURN_IF_ERROR(tn_rows_cursor_next(&from->cursor, 1, &first, &count, err));
    *ended = count == 0;
    if (count > 0) {
        from->row = first;
        from->left = from->cursor.page->rows;
    } else {
        const source last = merge->sources[--merge->live];
        merge->sources[merge->live] = *from;
        merge->sources[at] = last;
    }
    return TARN_OK;
}

tarn_code tn_key_merge__create(const tn_sorter *sorter, tn_pool *pool, tn_key_merge **out,
                               tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_key_merge *merge = NULL;
    void *memory = NULL;

    *out = NULL;
    assert(sorter->is_bare && sorter->run_count <= RUNS_MAX);
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*merge), &memory, err));
    merge = memory;
    merge->pool = pool;
    merge->count = sorter->run_count;
    TN_TRY(tn_pool_alloc_zeroed(pool, (merge->count + 1) * sizeof(source), (void **)&merge->sources,
                                err));
    TN_TRY(tn_pool_alloc(pool, 2 * WINDOW * sizeof(uint64_t), &memory, err));
    merge->window = memory;
    merge->spare = merge->window + WINDOW;
    for (size_t i = 0; i < merge->count; i++) {
        merge->sources[i].cursor = (tn_rows_cursor){.rows = &sorter->runs[i], .consume = true};
    }
    *out = merge;
    merge = NULL;
done:
    tn_key_merge__destroy(merge);
    return code;
}

void tn_key_merge__destroy(tn_key_merge *merge)
{
    if (merge == NULL) {
        return;
    }
    for (size_t i = 0; merge->sources != NULL && i < merge->count; i++) {
        tn_rows_cursor_close(&merge->sources[i].cursor);
    }
    tn_pool_free(merge->pool, merge->window < merge->spare ? merge->window : merge->spare,
                 2 * WINDOW * sizeof(uint64_t));
    tn_pool_free(merge->pool, merge->sources, (merge->count + 1) * sizeof(source));
    tn_pool_free(merge->pool, merge, sizeof(*merge));
}

static inline uint64_t key_at(const uint8_t *row, size_t at)
{
    return tn_sort__head(row, at * sizeof(uint64_t));
}

/* How many of the first `count` keys are not above `bound`. */
static size_t count_up_to(const uint8_t *row, size_t count, uint64_t bound)
{
    size_t low = 0;
    while (low < count) {
        const size_t middle = low + (count - low) / 2;
        if (key_at(row, middle) <= bound) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

/* Takes from each source what comes up to the least of the keys that their shares of the window end
 * with: one share at least is taken whole, and what is left lies above, or is equal. */
static TN_FALLIBLE fill(tn_key_merge *merge, size_t *parts, tarn_error *err)
{
    const size_t share = WINDOW / merge->live;
    uint64_t bound = UINT64_MAX;
    size_t filled = 0;

    for (size_t i = 0; i < merge->live; i++) {
        const source *from = &merge->sources[i];
        const uint64_t last = key_at(from->row, tn_min_size(share, from->left) - 1);
        bound = last < bound ? last : bound;
    }
    *parts = 0;
    for (size_t i = 0; i < merge->live;) {
        source *from = &merge->sources[i];
        const size_t taken = count_up_to(from->row, tn_min_size(share, from->left), bound);
        uint64_t *restrict keys = merge->window + filled;
        bool ended = false;
        for (size_t k = 0; k < taken; k++) {
            keys[k] = key_at(from->row, k);
        }
        if (taken > 0) {
            merge->ends[(*parts)++] = (uint32_t)filled;
            filled += taken;
            from->row += taken * sizeof(uint64_t);
            from->left -= taken;
            if (from->left == 0) {
                TN_RETURN_IF_ERROR(next_page(merge, i, &ended, err));
            }
        }
        i += !ended;
    }
    merge->ends[*parts] = (uint32_t)filled;
    return TARN_OK;
}

/* As many steps from both ends at once as neither part can run out in: two chains of loads that
 * do not wait for each other. */
static void merge_two(const uint64_t *restrict a, size_t a_count, const uint64_t *restrict b,
                      size_t b_count, uint64_t *restrict out)
{
    uint64_t *out_end = out + a_count + b_count;
    for (;;) {
        const size_t steps = tn_min_size(a_count, b_count) / 2;
        const uint64_t *a_last = a + a_count - 1;
        const uint64_t *b_last = b + b_count - 1;
        if (steps < BOTH_MIN) {
            break;
        }
        for (size_t i = 0; i < steps; i++) {
            const uint64_t low_a = *a;
            const uint64_t low_b = *b;
            const uint64_t high_a = *a_last;
            const uint64_t high_b = *b_last;
            const size_t first = low_a <= low_b;
            const size_t last = high_a > high_b;
            out[i] = low_a <= low_b ? low_a : low_b;
            *--out_end = high_a > high_b ? high_a : high_b;
            a += first;
            b += first ^ 1;
            a_last -= last;
            b_last -= last ^ 1;
        }
        out += steps;
        a_count = (size_t)(a_last + 1 - a);
        b_count = (size_t)(b_last + 1 - b);
    }
    while (a_count > 0 && b_count > 0) {
        const bool first = *a <= *b;
        *out++ = first ? *a : *b;
        a += first;
        a_count -= first;
        b += !first;
        b_count -= !first;
    }
    memcpy(out, a_count > 0 ? a : b, (a_count + b_count) * sizeof(*out));
}

/* The parts of the window, two by two, until one is left. */
static void merge_parts(tn_key_merge *merge, size_t parts)
{
    uint32_t *ends = merge->ends;
    for (; parts > 1; parts = (parts + 1) / 2) {
        uint64_t *const from = merge->window;
        uint64_t *const to = merge->spare;
        const uint32_t filled = ends[parts];
        size_t made = 0;
        for (size_t i = 0; i < parts; i += 2) {
            const size_t begin = ends[i];
            const size_t middle = ends[i + 1];
            const size_t end = i + 2 <= parts ? ends[i + 2] : middle;
            if (middle == end || from[middle - 1] <= from[middle]) {
                memcpy(to + begin, from + begin, (end - begin) * sizeof(*to));
            } else {
                merge_two(from + begin, middle - begin, from + middle, end - middle, to + begin);
            }
            ends[made++] = (uint32_t)begin;
        }
        ends[made] = filled;
        merge->window = to;
        merge->spare = from;
    }
}

static TN_FALLIBLE start(tn_key_merge *merge, tarn_error *err)
{
    merge->live = merge->count;
    for (size_t i = 0; i < merge->live;) {
        bool ended;
        TN_RETURN_IF_ERROR(next_page(merge, i, &ended, err));
        i += !ended;
    }
    merge->started = true;
    return TARN_OK;
}

tarn_code tn_key_merge__next(tn_key_merge *merge, uint32_t max, uint64_t *keys, uint32_t *count,
                             tarn_error *err)
{
    uint32_t made = 0;
    *count = 0;
    if (!merge->started) {
        TN_RETURN_IF_ERROR(start(merge, err));
    }
    while (made < max) {
        if (merge->merged_count == 0) {
            size_t parts;
            if (merge->live == 0) {
                break;
            }
            TN_RETURN_IF_ERROR(fill(merge, &parts, err));
            merge_parts(merge, parts);
            merge->merged = merge->window;
            merge->merged_count = merge->ends[1];
        }
        const size_t more = tn_min_size(max - made, merge->merged_count);
        memcpy(keys + made, merge->merged, more * sizeof(*keys));
        merge->merged += more;
        merge->merged_count -= more;
        made += (uint32_t)more;
    }
    *count = made;
    return TARN_OK;
}
