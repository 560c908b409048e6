/*
 * span_internal.h - the extents that all pools of a tree share.
 *
 * Memory is mapped in chunks of 2 MiB, aligned, which are cut into spans of whole pages by halves
 * (buddies), so that what one task gives back serves the next one, whatever its size.  The first
 * chunks stay on small pages: a short command must not pay for 2 MiB.  Later ones ask for huge
 * pages, whose first touch costs a sixteenth.  Only whole chunks go back to the system.  Spans of
 * more than 1 MiB are mapped by themselves; a few stay cached.
 *
 * Any thread; one lock, taken for an extent and not for a block.
 */
#ifndef TN_BASE_SPAN_INTERNAL_H
#define TN_BASE_SPAN_INTERNAL_H

#include "base/pool.h"

enum { TN_SPAN_PAGE = 4096, TN_SPAN_MAX = 1 << 20, TN_SPAN_CHUNK = 2 << 20 };

typedef struct tn_span_heap tn_span_heap;

tn_span_heap *tn_span__create(const tn_extent_source *source, size_t limit); /* NULL: no memory */
void tn_span__destroy(tn_span_heap *heap);
/* `size` is a multiple of TN_SPAN_PAGE; *fresh: the bytes come from the system and are zero. */
void *tn_span__alloc(tn_span_heap *heap, size_t size, bool *fresh);
/* A small one: no huge pages, which come and come back whole, and little is kept idle. */
void tn_span__set_limit(tn_span_heap *heap, size_t limit);
/* Around fork(): nobody is inside while it happens. */
void tn_span__lock(tn_span_heap *heap);
void tn_span__unlock(tn_span_heap *heap);
void tn_span__free(tn_span_heap *heap, void *span, size_t size);

#endif
