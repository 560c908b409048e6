/*
 * spill.h - a query's pages of rows: which lie in memory, which in its temporary file.
 *
 * A page is *pinned* (someone uses its bytes) or *evictable*.  When a pool of the query is at its
 * limit, the coldest evictable pages are written out and their memory is given back, by the thread
 * that needs it (base/pool.h, reclaim).  Pinning brings a page back, perhaps at another address:
 * its rows' views are moved by the difference then, once.
 *
 * One file a query, without a name, so that nothing is left even after kill -9; it is made when
 * first needed.  What was written leaves the page cache at once.
 *
 * Any thread may pin, unpin and allocate.  Locks: spill.load before spill.lock; no pool's lock is
 * held by a caller (docs/locks.md).
 */
#ifndef TN_ROWS_SPILL_H
#define TN_ROWS_SPILL_H

#include "base/pool.h"
#include "base/str.h"

typedef struct tn_spill tn_spill;
struct tn_row_layout;

typedef struct tn_page {
    struct tn_page *next;            /* its owner's */
    struct tn_page *colder, *hotter; /* evictable ones, guarded by the spill */
    tn_pool *pool;                   /* pays for this struct and the bytes */
    const struct tn_row_layout *layout;
    uint8_t *data;        /* NULL while evicted */
    uint8_t *base;        /* where the views of its rows point into */
    uint8_t *file_base;   /* the same, of what the file holds */
    struct tn_slot *slot; /* room in the file, or to be */
    size_t size, heap;    /* bytes; of the heap, which grows from the end */
    uint32_t rows, pins;
    bool is_written; /* the slot holds these bytes */
} tn_page;

/* Installs itself as the pool's reclaim hook. `temp_dir` empty: TMPDIR, or /tmp. */
TN_FALLIBLE tn_spill_create(tn_pool *query, tn_str temp_dir, tn_spill **out, tarn_error *err);
void tn_spill_destroy(tn_spill *spill); /* NULL is allowed; all pages are gone by then */
/* Bytes that could be written out now. */
/* Evicts at least so much, where there is as much; false where nothing was given back. */
bool tn_spill_reclaim(tn_spill *spill, size_t size);
size_t tn_spill_evictable(tn_spill *spill);     /* NULL is allowed */
uint64_t tn_spill_bytes(const tn_spill *spill); /* written so far */

/*
 * Whoever sees TARN_E_NOMEM calls this before giving up: where the temporary file was what failed
 * (a full disk), `code` and `err` become that failure.
 */
tarn_code tn_spill_explain(const tn_spill *spill, tarn_code code, tarn_error *err);

/* A pinned page of at least `size` bytes (a multiple of 4 KiB); without a spill it stays forever.
 */
TN_FALLIBLE tn_page_create(tn_spill *spill, tn_pool *pool, const struct tn_row_layout *layout,
                           size_t size, tn_page **out, tarn_error *err);
void tn_page_destroy(tn_spill *spill, tn_page *page); /* pinned or not */
TN_FALLIBLE tn_page_pin(tn_spill *spill, tn_page *page, tarn_error *err);
void tn_page_unpin(tn_spill *spill, tn_page *page);
/* Its bytes will change: what the file has is stale.  The page is pinned. */
void tn_page_touch(tn_spill *spill, tn_page *page);

#endif
