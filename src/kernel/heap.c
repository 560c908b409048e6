#include "base/poison.h"
#include "base/size.h"
#include "kernel/call.h"

enum { BLOCK_MIN = 4096, BLOCK_GROWTH_MAX = 1 << 20 };

typedef struct tn_heap_block {
    struct tn_heap_block *next;
    size_t size; /* with this head */
    _Alignas(16) char bytes[];
} tn_heap_block;

void tn_heap_init(tn_heap *heap, tn_pool *pool)
{
    *heap = (tn_heap){.pool = pool};
}

static void free_blocks(tn_heap *heap)
{
    while (heap->blocks != NULL) {
        tn_heap_block *block = heap->blocks;
        heap->blocks = block->next;
        tn_pool_free(heap->pool, block, block->size);
    }
    heap->next = NULL;
    heap->room = 0;
}

void tn_heap_deinit(tn_heap *heap)
{
    if (heap->pool != NULL) {
        free_blocks(heap);
    }
    heap->used = 0;
}

/* One block stays; where there were more, all go and the next is asked for as large as their sum,
 * so that a steady stream of batches settles on one block. */
void tn_heap_reset(tn_heap *heap)
{
    heap->used = 0;
    if (heap->blocks == NULL) {
        return;
    }
    if (heap->blocks->next != NULL) {
        size_t sum = 0;
        for (const tn_heap_block *block = heap->blocks; block != NULL; block = block->next) {
            sum += block->size;
        }
        free_blocks(heap);
        if (tn_heap_more(heap, sum, NULL) != TARN_OK) {
            return; /* the next take asks again and reports */
        }
        return;
    }
    heap->next = heap->blocks->bytes;
    heap->room = heap->blocks->size - sizeof(tn_heap_block);
}

tarn_code tn_heap_more(tn_heap *heap, size_t size, tarn_error *err)
{
    void *memory = NULL;
    size_t whole = 0;
    size_t growth = heap->blocks == NULL ? BLOCK_MIN : heap->blocks->size * 2;
    growth = tn_min_size(growth, BLOCK_GROWTH_MAX);
    if (!tn_size_add(tn_max_size(size, growth - sizeof(tn_heap_block)), sizeof(tn_heap_block),
                     &whole)) {
        return tn_fail(err, TARN_E_LIMIT, "a text of %zu bytes is too long", size);
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc(heap->pool, whole, &memory, err));
    tn_heap_block *block = memory;
    block->next = heap->blocks;
    block->size = whole;
    heap->blocks = block;
    heap->next = block->bytes;
    heap->room = whole - sizeof(tn_heap_block);
    return TARN_OK;
}
