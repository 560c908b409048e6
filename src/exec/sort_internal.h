/*
 * sort_internal.h - the sorter: rows in, rows out in order, spilling between.
 *
 * A sorter task collects rows (sort key as bytes, then the payload) and, when its run is long
 * enough, sorts pointers to them by the first bytes of the key, and copies the rows in that order
 * to sealed pages: a run.  Reading merges the runs; where there are too many for the memory, some
 * are merged to longer ones before.  Used by ORDER BY, ordered aggregates, DISTINCT ON and ordered
 * results.
 */
#ifndef TN_EXEC_SORT_INTERNAL_H
#define TN_EXEC_SORT_INTERNAL_H

#include "exec/step.h"
#include "rows/rows.h"
#include "rows/sortkey.h"

/* What a reader of sorted rows wants: `limit` rows from `offset` on; UINT64_MAX: all. */
typedef struct tn_sort_span {
    uint64_t limit, offset;
} tn_sort_span;

/* How many rows to ask for when `seen` were read, those before the offset included; 0 at the end.
 */
static inline uint32_t tn_sort_span__room(const tn_sort_span *span, uint64_t seen)
{
    const uint64_t end =
        span->limit > UINT64_MAX - span->offset ? UINT64_MAX : span->limit + span->offset;
    return seen >= end ? 0 : end - seen < TN_BATCH_ROWS ? (uint32_t)(end - seen) : TN_BATCH_ROWS;
}

/* How many of the `count` rows behind `seen` stand before the offset. */
static inline uint32_t tn_sort_span__before(const tn_sort_span *span, uint64_t seen, uint32_t count)
{
    return seen >= span->offset          ? 0
           : span->offset - seen < count ? (uint32_t)(span->offset - seen)
                                         : count;
}

typedef struct tn_sorter {
    tn_pool *pool;
    tn_spill *spill;
    _Atomic bool *cancelled;
    tn_row_layout *layout; /* header: key, then the rank; fields: rest of the key, then payload */
    const tn_order *orders;
    uint32_t order_count, prefix, first_payload;
    bool varies, has_rank;
    bool is_bare; /* a row is 8 bytes of key and nothing else */
    size_t run_bytes;
    uint64_t limit; /* rows wanted; UINT64_MAX: all */
    uint32_t fan_in;

    pthread_mutex_t lock; /* guards what follows */
    tn_rows *runs;
    size_t run_count, run_capacity;
    uint64_t rows;
    bool has_nulls;   /* in the first key */
    size_t page_most; /* bytes of the largest page of a run */
} tn_sorter;

typedef struct tn_sorter_options {
    tn_pool *pool;
    tn_spill *spill;
    _Atomic bool *cancelled;
    const tn_order *orders; /* copied */
    uint32_t order_count;
    const tn_type *const *types; /* of the payload */
    uint32_t width;
    bool has_rank;       /* ties go by a 64-bit rank, given with each row */
    bool is_bare;        /* no orders, no payload: see tn_sort__create_column() */
    size_t budget;       /* bytes the sorter may hold pinned, all tasks together */
    size_t merge_budget; /* the same once all rows are there; 0: no other */
    uint32_t tasks;
    uint64_t limit;
} tn_sorter_options;

TN_FALLIBLE tn_sorter__create(const tn_sorter_options *options, tn_sorter **out, tarn_error *err);
void tn_sorter__destroy(tn_sorter *sorter); /* NULL is allowed */

typedef struct tn_sort_entry {
    uint64_t key; /* the first bytes that differ */
    uint8_t *row;
} tn_sort_entry;

typedef struct tn_sorter_task {
    tn_sorter *sorter;
    tn_pool *pool;
    tn_sort_keys *keys;
    tn_row_writer *writer;
    const tn_column **columns; /* the writer's input */
    tn_rows run;
    uint8_t **rows;
    uint16_t *which;
    tn_sort_entry *entries; /* and as many spare ones; kept from run to run */
    size_t entry_count;
    uint16_t *near; /* rows of a batch that may come before the bound */
    uint8_t *bound; /* top-n: the last row that is still wanted */
    bool has_bound;
} tn_sorter_task;

TN_FALLIBLE tn_sorter__task_create(tn_sorter *sorter, tn_pool *pool, tn_sorter_task **out,
                                   tarn_error *err);
void tn_sorter__task_destroy(tn_sorter_task *task); /* NULL is allowed */
/* Row i of the selection has rank `rank` + its position, or ranks[i] where not NULL. */
TN_FALLIBLE tn_sorter__add(tn_sorter_task *task, const tn_column *const *keys,
                           const tn_column *const *payload, const uint16_t *selection,
                           uint32_t count, uint64_t rank, const uint64_t *ranks, tarn_error *err);
TN_FALLIBLE tn_sorter__task_finish(tn_sorter_task *task, tarn_error *err);
/* Takes a sealed run over; `run` is empty then. */
TN_FALLIBLE tn_sorter__add_run(tn_sorter *sorter, tn_rows *run, bool has_nulls, tarn_error *err);
/* After all tasks finished: so few runs that they can be merged at once. */
TN_FALLIBLE tn_sorter__finish(tn_sorter *sorter, tarn_error *err);

/* Reads the rows in order, once: pages are freed behind it. */
typedef struct tn_merge tn_merge;
TN_FALLIBLE tn_merge__create(tn_sorter *sorter, tn_rows *runs, size_t count, tn_pool *pool,
                             tn_merge **out, tarn_error *err);
void tn_merge__destroy(tn_merge *merge); /* NULL is allowed */
/* Up to `max` rows, valid until the next call; 0 at the end. */
TN_FALLIBLE tn_merge__next(tn_merge *merge, uint32_t max, uint8_t **rows, uint32_t *count,
                           tarn_error *err);

/* What one task adds to a bare sorter: keys, by themselves. */
typedef struct tn_key_run {
    tn_sorter *sorter; /* NULL: never begun */
    tn_rows rows;
    uint64_t *keys; /* and as many spare ones; kept from run to run */
    size_t key_count;
} tn_key_run;

void tn_key_run__init(tn_key_run *run, tn_sorter *sorter);
void tn_key_run__deinit(tn_key_run *run);
TN_FALLIBLE tn_key_run__add(tn_key_run *run, const uint64_t *keys, uint32_t count, tarn_error *err);
TN_FALLIBLE tn_key_run__finish(tn_key_run *run, tarn_error *err);

/* The same of a bare sorter, after tn_sorter__finish(): the keys themselves, `max` of them as
 * long as there are so many; 0 at the end. */
typedef struct tn_key_merge tn_key_merge;
TN_FALLIBLE tn_key_merge__create(const tn_sorter *sorter, tn_pool *pool, tn_key_merge **out,
                                 tarn_error *err);
void tn_key_merge__destroy(tn_key_merge *merge); /* NULL is allowed */
TN_FALLIBLE tn_key_merge__next(tn_key_merge *merge, uint32_t max, uint64_t *keys, uint32_t *count,
                               tarn_error *err);

/* Sorts keys alone; `spare` has as many.  False where `cancelled` was set. */
bool tn_sort__keys(const tn_sorter *sorter, uint64_t *keys, uint64_t *spare, size_t count);
/* Sorts pointers to rows; `spare` has as many.  Stable.  False where `cancelled` was set. */
bool tn_sort__entries(const tn_sorter *sorter, tn_sort_entry *entries, tn_sort_entry *spare,
                      size_t count, size_t skip);
/* Before any row: it has but this part of the budget. */
void tn_sorter__share_budget(tn_sorter *sorter, uint32_t sharers);
/* The order of two rows of the sorter, the rank included. */
int tn_sort__compare(const tn_sorter *sorter, const uint8_t *a, const uint8_t *b);

/* What a query may hold: the least limit of the pools above. */
size_t tn_run__budget(const tn_run *run);
/* What of it is not pinned by others now. */
size_t tn_run__available(const tn_run *run);

/* A sort whose scan gives `limit` rows from `offset` on of those that are equal in the first
 * `distinct` keys. */
TN_FALLIBLE tn_sort__create_first(tn_run *run, const tn_sort_key *keys, uint32_t key_count,
                                  uint32_t distinct, uint64_t limit, uint64_t offset,
                                  const struct tn_layout *layout, const tn_type *const *types,
                                  uint32_t width, struct tn_operator **out, tarn_error *err);

/* ORDER BY where the key is all of the row: one column of whole numbers. */
bool tn_sort__is_column(const tn_sort_key *keys, uint32_t key_count, const struct tn_layout *layout,
                        const tn_type *const *types, uint32_t width);
TN_FALLIBLE tn_sort__create_column(tn_run *run, const tn_sort_key *key, uint64_t limit,
                                   uint64_t offset, struct tn_operator **out, tarn_error *err);

static inline uint64_t tn_sort__head(const uint8_t *row, size_t skip)
{
    uint64_t bits;
    memcpy(&bits, row + skip, 8);
    return __builtin_bswap64(bits);
}

/* The byte of a key at which looking begins: not at the one that marks NULL where no row is NULL,
 * if then no byte behind the key is looked at. */
static inline size_t tn_sort__skip(const tn_sorter *sorter, bool has_nulls)
{
    return has_nulls || sorter->prefix == 8 ? 0 : 1;
}

/* Where row 0 of a batch stands in the input's order; its rows follow at + position. */
static inline uint64_t tn_rank__of(const tn_tag *tag, uint32_t part)
{
    return tag->morsel << 28 | (uint64_t)(part < 0xffff ? part : 0xffff) << 12;
}

#endif
