#include "base/sort.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { ITEM_SIZE_MAX = 256 };

typedef struct heap {
    uint8_t *items;
    size_t item_size;
    int (*compare)(const void *a, const void *b, void *context);
    void *context;
} heap;

static void swap(const heap *all, size_t a, size_t b)
{
    uint8_t kept[ITEM_SIZE_MAX];
    memcpy(kept, all->items + a * all->item_size, all->item_size);
    memcpy(all->items + a * all->item_size, all->items + b * all->item_size, all->item_size);
    memcpy(all->items + b * all->item_size, kept, all->item_size);
}

static int order(const heap *all, size_t a, size_t b)
{
    return all->compare(all->items + a * all->item_size, all->items + b * all->item_size,
                        all->context);
}

static void sink(const heap *all, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && order(all, child, child + 1) < 0) {
            child++;
        }
        if (order(all, at, child) >= 0) {
            break;
        }
        swap(all, at, child);
    }
}

void tn_sort(void *items, size_t count, size_t item_size,
             int (*compare)(const void *a, const void *b, void *context), void *context)
{
    const heap all = {items, item_size, compare, context};
    assert(item_size <= ITEM_SIZE_MAX);
    for (size_t i = count / 2; i > 0; i--) {
        sink(&all, i - 1, count);
    }
    for (size_t left = count; left > 1; left--) {
        swap(&all, 0, left - 1);
        sink(&all, 0, left - 1);
    }
}
