#include "codec/foreign.h"

#include "base/size.h"

void *tn_foreign_alloc(void *pool, size_t size)
{
    void *memory;
    size_t whole;
    if (!tn_size_add(size, TN_ALIGNMENT, &whole) ||
        tn_pool_alloc(pool, whole, &memory, NULL) != TARN_OK) {
        return NULL;
    }
    *(size_t *)memory = whole;
    return (uint8_t *)memory + TN_ALIGNMENT;
}

void *tn_foreign_alloc_array(void *pool, unsigned count, unsigned size)
{
    size_t whole;
    return tn_size_mul(count, size, &whole) ? tn_foreign_alloc(pool, whole) : NULL;
}

void tn_foreign_free(void *pool, void *memory)
{
    if (memory != NULL) {
        void *const start = (uint8_t *)memory - TN_ALIGNMENT;
        tn_pool_free(pool, start, *(size_t *)start);
    }
}
