#include "base/span_internal.h"

#include "base/poison.h"

#include <assert.h>

enum {
    CHUNK_PAGES = TN_SPAN_CHUNK / TN_SPAN_PAGE,
    ORDERS = 9,               /* 4 KiB to 1 MiB */
    SMALL_CHUNKS = 2,         /* on small pages */
    BIG_CACHED_MAX = 8 << 20, /* bytes of big spans that are kept */
    IDLE_SHARE = 16,          /* of what is used; so much may be idle, its pages kept */
    IDLE_MIN = 4 << 20,       /* and so much in any case: a 64th of the limit, within these */
    IDLE_MAX = 16 << 20,
    IDLE_LEAST = 2 << 20, /* where that would show: */
    SHOWN_MIN = 64 << 20, /* from here on what is idle is a tenth of all at most, program and all */
    LIMIT_SHARE = 64,
    TIGHT = 512 << 20,    /* a limit below this counts each page, not each huge page */
    IDLE_TIGHT = 1 << 20, /* what may be idle then */
    SMALL = 2,            /* orders below: spans whose pages go back only where memory is scarce */
    PURGED_LARGE = 4      /* order of the smallest one otherwise: fewer calls */
};

/*
 * In the first page of its chunk. `free_order[page]` is 1 + the order of a free span that begins
 * at the page, else 0.  A span whose pages are not there is purged: it is in no list, which would
 * touch it, but its chunk is, by the orders of such spans that it has.
 */
typedef struct chunk {
    struct chunk *next, *previous;
    size_t used_pages;
    struct {
        struct chunk *next, *previous;
    } purged[ORDERS];
    uint16_t purged_count[ORDERS];
    uint8_t free_order[CHUNK_PAGES];
    bool is_purged[CHUNK_PAGES];
} chunk;
_Static_assert(sizeof(chunk) <= TN_SPAN_PAGE, "a chunk's head fits its first page");

/* At the start of a free span whose pages are there. */
typedef struct span {
    struct span *next, *previous;
} span;

typedef struct big {
    struct big *next;
    size_t size;     /* as it is mapped */
    size_t resident; /* pages of it that were used: the others are not there */
} big;

struct tn_span_heap {
    pthread_mutex_t lock;
    const tn_extent_source *source;
    chunk *chunks;
    size_t chunk_count, free_chunks;
    size_t used_pages; /* of all chunks */
    size_t idle_pages; /* of free spans: what purging them would give back */
    size_t idle_small; /* the same, of small ones */
    bool is_tight;
    span *free[ORDERS];
    chunk *purged[ORDERS];
    big *bigs;                  /* free ones */
    size_t big_bytes, big_used; /* of the free ones, of those in use */
    size_t idle_min;
};

tn_span_heap *tn_span__create(const tn_extent_source *source, size_t limit)
{
    tn_span_heap *heap = source->map(TN_SPAN_PAGE);
    if (heap != NULL) {
        *heap = (tn_span_heap){.lock = PTHREAD_MUTEX_INITIALIZER, .source = source};
        tn_span__set_limit(heap, limit);
    }
    return heap;
}

static chunk *chunk_of(const void *span_at)
{
    return (chunk *)((uintptr_t)span_at & ~(uintptr_t)(TN_SPAN_CHUNK - 1));
}

static span *span_at(chunk *in, size_t page)
{
    return (span *)(void *)((uint8_t *)in + page * TN_SPAN_PAGE);
}

static size_t *idle_of(tn_span_heap *heap, size_t order)
{
    return order < SMALL ? &heap->idle_small : &heap->idle_pages;
}

static void insert_purged(tn_span_heap *heap, chunk *in, size_t page, size_t order)
{
    in->is_purged[page] = true;
    if (in->purged_count[order]++ == 0) {
        chunk *next = heap->purged[order];
        in->purged[order].next = next;
        in->purged[order].previous = NULL;
        if (next != NULL) {
            next->purged[order].previous = in;
        }
        heap->purged[order] = in;
    }
}

static void insert(tn_span_heap *heap, chunk *in, size_t page, size_t order, bool is_purged)
{
    in->free_order[page] = (uint8_t)(order + 1);
    if (is_purged) {
        insert_purged(heap, in, page, order);
        return;
    }
    span *added = span_at(in, page);
    TN_SHOW(added, sizeof(*added));
    *added = (span){.next = heap->free[order]};
    *idle_of(heap, order) += (size_t)1 << order;
    if (added->next != NULL) {
        added->next->previous = added;
    }
    heap->free[order] = added;
}

static void take_out_purged(tn_span_heap *heap, chunk *in, size_t page, size_t order)
{
    in->is_purged[page] = false;
    if (--in->purged_count[order] == 0) {
        chunk *next = in->purged[order].next;
        chunk *previous = in->purged[order].previous;
        if (next != NULL) {
            next->purged[order].previous = previous;
        }
        *(previous != NULL ? &previous->purged[order].next : &heap->purged[order]) = next;
    }
}

/* Answers whether its pages are not there. */
static bool take_out(tn_span_heap *heap, chunk *in, size_t page, size_t order)
{
    in->free_order[page] = 0;
    if (in->is_purged[page]) {
        take_out_purged(heap, in, page, order);
        return true;
    }
    span *gone = span_at(in, page);
    *idle_of(heap, order) -= (size_t)1 << order;
    if (gone->next != NULL) {
        gone->next->previous = gone->previous;
    }
    *(gone->previous != NULL ? &gone->previous->next : &heap->free[order]) = gone->next;
    return false;
}

/* Gives pages [page, page + count) to the lists, joined with their free buddies. */
static void release_pages(tn_span_heap *heap, chunk *in, size_t page, size_t count, bool is_purged)
{
    while (count > 0) {
        size_t order = page == 0 ? ORDERS - 1 : (size_t)__builtin_ctzll(page);
        const size_t most = 63 - (size_t)__builtin_clzll(count);
        order = order < most ? order : most;
        order = order < ORDERS - 1 ? order : ORDERS - 1;
        size_t at = page;
        page += (size_t)1 << order;
        count -= (size_t)1 << order;
        size_t joined = order;
        bool purged = is_purged;
        while (joined < ORDERS - 1 && in->free_order[at ^ ((size_t)1 << joined)] == joined + 1) {
            const size_t buddy = at ^ ((size_t)1 << joined);
            purged = take_out(heap, in, buddy, joined) && purged;
            at = at < buddy ? at : buddy;
            joined++;
        }
        insert(heap, in, at, joined, purged);
    }
}

static void chunk_unmap(tn_span_heap *heap, chunk *gone)
{
    for (size_t page = 1; page < CHUNK_PAGES; page++) {
        if (gone->free_order[page] != 0) {
            take_out(heap, gone, page, gone->free_order[page] - 1U);
        }
    }
    if (gone->next != NULL) {
        gone->next->previous = gone->previous;
    }
    *(gone->previous != NULL ? &gone->previous->next : &heap->chunks) = gone->next;
    heap->chunk_count--;
    TN_SHOW(gone, TN_SPAN_CHUNK);
    heap->source->unmap(gone, TN_SPAN_CHUNK);
}

/* Is more memory idle than a share of what is in use?  The limit on a process is one on pages that
 * are there, used or not. */
static bool has_plenty(const tn_span_heap *heap)
{
    const size_t used = heap->used_pages * TN_SPAN_PAGE + heap->big_used;
    const size_t idle = heap->idle_pages * TN_SPAN_PAGE + heap->big_bytes;
    if (heap->is_tight) {
        return idle + heap->idle_small * TN_SPAN_PAGE > heap->idle_min;
    }
    const size_t below = used < SHOWN_MIN ? SHOWN_MIN - used : 0;
    const size_t free_of_care = below < heap->idle_min ? below : heap->idle_min;
    return idle > IDLE_LEAST && idle > free_of_care && idle > used / IDLE_SHARE;
}

static void free_bigs(tn_span_heap *heap)
{
    while (heap->bigs != NULL) {
        big *gone = heap->bigs;
        const size_t size = gone->size;
        heap->bigs = gone->next;
        TN_SHOW(gone, size);
        heap->source->unmap(gone, size);
    }
    heap->big_bytes = 0;
}

static size_t resident_size(size_t size)
{
    return (size + TN_SPAN_PAGE - 1) & ~(size_t)(TN_SPAN_PAGE - 1);
}

/* Before more pages come to be: those of spans that are free go back.  Not when spans are freed,
 * since a query's end frees them all one after the other, and then their chunks. */
static void purge(tn_span_heap *heap)
{
    if (heap->source->advise == NULL || !has_plenty(heap)) {
        return;
    }
    free_bigs(heap);
    for (size_t order = ORDERS; order-- > (heap->is_tight ? 0 : PURGED_LARGE);) {
        if (order < SMALL && !has_plenty(heap)) {
            break; /* a call for a page or two */
        }
        while (heap->free[order] != NULL) {
            uint8_t *memory = (uint8_t *)heap->free[order];
            chunk *in = chunk_of(memory);
            const size_t page = (size_t)(memory - (uint8_t *)in) / TN_SPAN_PAGE;
            (void)take_out(heap, in, page, order);
            TN_HIDE(memory, sizeof(span));
            heap->source->advise(memory, (size_t)TN_SPAN_PAGE << order, TN_ADVICE_IDLE);
            insert(heap, in, page, order, true);
        }
    }
}

static bool chunk_map(tn_span_heap *heap)
{
    purge(heap);
    chunk *fresh = heap->source->map(TN_SPAN_CHUNK);
    if (fresh == NULL) {
        return false;
    }
    assert(chunk_of(fresh) == fresh);
    const bool huge =
        heap->chunk_count >= SMALL_CHUNKS && heap->source->advise != NULL && !heap->is_tight;
    if (huge) {
        heap->source->advise(fresh, TN_SPAN_CHUNK, TN_ADVICE_HUGE);
    }
    *fresh = (chunk){.next = heap->chunks};
    if (fresh->next != NULL) {
        fresh->next->previous = fresh;
    }
    heap->chunks = fresh;
    heap->chunk_count++;
    heap->free_chunks++;
    TN_HIDE((uint8_t *)fresh + TN_SPAN_PAGE, TN_SPAN_CHUNK - TN_SPAN_PAGE);
    release_pages(heap, fresh, 1, CHUNK_PAGES - 1, !huge); /* small pages come when touched */
    return true;
}

static bool has_free(const tn_span_heap *heap, size_t order)
{
    return heap->free[order] != NULL || heap->purged[order] != NULL;
}

/* One whose pages are there, if there is one. */
static void find_free(const tn_span_heap *heap, size_t order, chunk **in, size_t *page)
{
    const uint8_t *warm = (const uint8_t *)heap->free[order];
    if (warm != NULL) {
        *in = chunk_of(warm);
        *page = (size_t)(warm - (const uint8_t *)*in) / TN_SPAN_PAGE;
        return;
    }
    size_t at = 0;
    *in = heap->purged[order];
    while ((*in)->free_order[at] != order + 1 || !(*in)->is_purged[at]) {
        at += (size_t)1 << order;
    }
    *page = at;
}

static void *alloc_small(tn_span_heap *heap, size_t pages)
{
    size_t order = pages == 1 ? 0 : 64 - (size_t)__builtin_clzll(pages - 1);
    size_t found = order;
    size_t page;
    chunk *in;
    while (found < ORDERS && !has_free(heap, found)) {
        found++;
    }
    if (found == ORDERS) {
        if (!chunk_map(heap)) {
            return NULL;
        }
        for (found = order; !has_free(heap, found);) {
            found++;
        }
    }
    find_free(heap, found, &in, &page);
    const bool was_purged = take_out(heap, in, page, found);
    heap->free_chunks -= in->used_pages == 0;
    in->used_pages += pages;
    heap->used_pages += pages;
    release_pages(heap, in, page + pages, ((size_t)1 << found) - pages, was_purged);
    if (was_purged) {
        purge(heap);
    }
    return span_at(in, page);
}

static size_t big_size(size_t size)
{
    return (size + TN_SPAN_CHUNK - 1) & ~(size_t)(TN_SPAN_CHUNK - 1);
}

static void *alloc_big(tn_span_heap *heap, size_t size, bool *fresh)
{
    const size_t mapped = big_size(size);
    for (big **each = &heap->bigs; *each != NULL; each = &(*each)->next) {
        if ((*each)->size == mapped) {
            big *found = *each;
            *each = found->next;
            heap->big_bytes -= found->resident;
            heap->big_used += resident_size(size);
            return found;
        }
    }
    purge(heap);
    void *memory = heap->source->map(mapped);
    heap->big_used += memory != NULL ? resident_size(size) : 0;
    *fresh = memory != NULL && heap->source->advise != NULL; /* the system's pages are clear */
    const size_t whole = size & ~(size_t)(TN_SPAN_CHUNK - 1);
    if (memory != NULL && heap->source->advise != NULL && whole > 0 && !heap->is_tight) {
        heap->source->advise(memory, whole, TN_ADVICE_HUGE); /* not the tail */
    }
    return memory;
}

void *tn_span__alloc(tn_span_heap *heap, size_t size, bool *fresh)
{
    *fresh = false;
    pthread_mutex_lock(&heap->lock);
    void *memory =
        size <= TN_SPAN_MAX ? alloc_small(heap, size / TN_SPAN_PAGE) : alloc_big(heap, size, fresh);
    pthread_mutex_unlock(&heap->lock);
    if (memory != NULL) {
        TN_SHOW(memory, size);
    }
    return memory;
}

void tn_span__free(tn_span_heap *heap, void *memory, size_t size)
{
    pthread_mutex_lock(&heap->lock);
    if (size > TN_SPAN_MAX) {
        const size_t mapped = big_size(size);
        const size_t resident = resident_size(size);
        heap->big_used -= resident;
        if (resident <= BIG_CACHED_MAX - heap->big_bytes && !has_plenty(heap)) {
            big *kept = memory;
            TN_SHOW(memory, sizeof(*kept));
            *kept = (big){heap->bigs, mapped, resident};
            heap->bigs = kept;
            heap->big_bytes += resident;
        } else {
            TN_SHOW(memory, mapped);
            heap->source->unmap(memory, mapped);
        }
    } else {
        chunk *in = chunk_of(memory);
        const size_t pages = size / TN_SPAN_PAGE;
        assert(in->used_pages >= pages);
        TN_HIDE(memory, size);
        release_pages(heap, in, (size_t)((uint8_t *)memory - (uint8_t *)in) / TN_SPAN_PAGE, pages,
                      false);
        in->used_pages -= pages;
        heap->used_pages -= pages;
        if (in->used_pages == 0) {
            heap->free_chunks++;
            if (heap->free_chunks * TN_SPAN_CHUNK > 2 * heap->idle_min &&
                heap->free_chunks > heap->chunk_count / IDLE_SHARE) {
                heap->free_chunks--;
                chunk_unmap(heap, in);
            }
        }
    }
    pthread_mutex_unlock(&heap->lock);
}

void tn_span__destroy(tn_span_heap *heap)
{
    if (heap == NULL) {
        return;
    }
    free_bigs(heap);
    while (heap->chunks != NULL) {
        assert(heap->chunks->used_pages == 0);
        chunk_unmap(heap, heap->chunks);
    }
    heap->source->unmap(heap, TN_SPAN_PAGE);
}

void tn_span__set_limit(tn_span_heap *heap, size_t limit)
{
    const size_t share = limit / LIMIT_SHARE;
    pthread_mutex_lock(&heap->lock);
    heap->is_tight = limit < TIGHT;
    heap->idle_min = heap->is_tight     ? IDLE_TIGHT
                     : share < IDLE_MIN ? IDLE_MIN
                     : share > IDLE_MAX ? IDLE_MAX
                                        : share;
    pthread_mutex_unlock(&heap->lock);
}

void tn_span__lock(tn_span_heap *heap)
{
    pthread_mutex_lock(&heap->lock);
}

void tn_span__unlock(tn_span_heap *heap)
{
    pthread_mutex_unlock(&heap->lock);
}
