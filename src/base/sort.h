/* sort.h - sorts small things in place: names, options, schedules.  Rows have exec/'s sorts. */
#ifndef TN_BASE_SORT_H
#define TN_BASE_SORT_H

#include <stddef.h>

/* Heap sort: no memory, no worst case; equal items in no special order.  `item_size` is at most
 * 256. */
void tn_sort(void *items, size_t count, size_t item_size,
             int (*compare)(const void *a, const void *b, void *context), void *context);

#endif
