/*
 * range_internal.h - the bytes of one column chunk, read ahead in windows.
 *
 * A range belongs to one scan task.  It hands out contiguous bytes from its position on, with
 * TN_BLOCK_PADDING readable bytes behind them, and has at most one further window on its way.
 * Several small chunks that lie side by side share one read.
 */
#ifndef TN_FORMAT_PARQUET_RANGE_INTERNAL_H
#define TN_FORMAT_PARQUET_RANGE_INTERNAL_H

#include "column/column.h"
#include "store/store.h"

/*
 * A read that one or more ranges wait for.  `state` is 0 while it runs, 1 when it has finished and
 * nobody touches it any more, or the waker of the task that waits for it: so a wake is neither lost
 * nor given to a task that does not wait, and the read is not freed beneath the thread that ends
 * it.
 */
typedef struct tn_fetch {
    tn_waker waker; /* of the read */
    _Atomic uintptr_t state;
    tn_read read;
    tn_buffer *buffer;
    size_t lead; /* room before the bytes, for what is left of the window before */
    uint32_t refs;
    struct tn_fetch *next; /* of those that wait to be used again */
} tn_fetch;

static inline bool tn_fetch__done(tn_fetch *fetch)
{
    return atomic_load(&fetch->state) == 1;
}

/* What all ranges of a task share: windows and pages that were left are used again. */
enum { TN_READING_SPARES = 64 };
typedef struct tn_reading {
    tn_object *object;
    tn_pool *pool;
    uint64_t bytes_read;
    size_t spare_max; /* bytes; 0: nothing is kept */
    size_t spare_bytes;
    uint32_t spare_count;
    tn_buffer *spares[TN_READING_SPARES];
    tn_fetch *fetches;
} tn_reading;

/* A buffer of at least `size` bytes: one that was given back, or a new one. */
TN_FALLIBLE tn_reading__take(tn_reading *reading, size_t size, tn_buffer **out, tarn_error *err);
/* Releases it; kept where nobody else has it.  NULL is allowed for both. */
void tn_reading__give(tn_reading *reading, tn_buffer *buffer);
void tn_reading__close(tn_reading *reading); /* once all its ranges are closed */

typedef struct tn_range {
    tn_reading *reading;
    uint64_t next, end; /* in the object: of what was not asked for yet */
    size_t window;
    bool ahead;               /* the next window is asked for before this one is used up */
    tn_buffer *buffer;        /* holds the current window */
    const uint8_t *at, *stop; /* what is there */
    tn_fetch *fetch;          /* what is on its way */
    size_t fetch_at, fetch_size;
} tn_range;

typedef enum tn_ready { TN_READY, TN_NOT_READY } tn_ready;

/* Starts one read for several ranges that lie in [offset, offset + size): each then takes its part
 * with tn_range__share().  The caller drops its own reference. */
TN_FALLIBLE tn_fetch__start(tn_reading *reading, uint64_t offset, size_t size, size_t lead,
                            tn_fetch **out, tarn_error *err);
void tn_fetch__release(tn_reading *reading, tn_fetch *fetch);

void tn_range__open(tn_range *range, tn_reading *reading, uint64_t start, uint64_t end,
                    size_t window, bool ahead);
/* The range's first bytes come from `fetch`, from `at` of its bytes on. */
void tn_range__share(tn_range *range, tn_fetch *fetch, size_t at, size_t size);
/* Asks for the first window now, so that many ranges wait at the same time. */
TN_FALLIBLE tn_range__start(tn_range *range, tarn_error *err);
void tn_range__close(tn_range *range); /* cancels and waits for what is on its way */

static inline size_t tn_range__there(const tn_range *range)
{
    return (size_t)(range->stop - range->at);
}
/* How much there is at most from here on. */
static inline uint64_t tn_range__left(const tn_range *range)
{
    return tn_range__there(range) + (range->fetch != NULL ? range->fetch_size : 0) +
           (range->end - range->next);
}
/* Makes `size` bytes contiguous at `at`, or says that they are on their way. */
TN_FALLIBLE tn_range__need(tn_range *range, size_t size, tn_ready *ready, tarn_error *err);

/* Lets go of a window that was used up, before the next one is there. */
void tn_range__let_go(tn_range *range);

/* True: parked, and `waker` will be called once.  False: the bytes came meanwhile, go on. */
bool tn_range__park(tn_range *range, tn_waker *waker);

#endif
