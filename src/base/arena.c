#include "base/arena.h"

#include "base/poison.h"
#include "base/size.h"

#include <stdarg.h>
#include <stdio.h>

enum { CHUNK_MIN = 4 << 10, CHUNK_MAX = 256 << 10, ALIGN = 16 };

typedef struct tn_arena_chunk {
    struct tn_arena_chunk *next;
    size_t size; /* of the data behind this head */
} chunk;
_Static_assert(sizeof(chunk) % ALIGN == 0, "data stays aligned");

void tn_arena_init(tn_arena *arena, tn_pool *pool)
{
    *arena = (tn_arena){.pool = pool};
}

static void free_until(tn_arena *arena, const chunk *last)
{
    while (arena->chunks != last) {
        chunk *gone = arena->chunks;
        arena->chunks = gone->next;
        TN_SHOW(gone, sizeof(chunk) + gone->size);
        tn_pool_free(arena->pool, gone, sizeof(chunk) + gone->size);
    }
}

void tn_arena_deinit(tn_arena *arena)
{
    free_until(arena, NULL);
    arena->room = 0;
}

void tn_arena_reset(tn_arena *arena)
{
    chunk *first = arena->chunks;
    while (first != NULL && first->next != NULL) {
        first = first->next;
    }
    free_until(arena, first);
    arena->room = first == NULL ? 0 : first->size;
    if (first != NULL) {
        TN_SHOW(first + 1, first->size); /* parts were never handed out */
        TN_SPOIL(first + 1, first->size, 0xDD);
        TN_HIDE(first + 1, first->size);
    }
}

static TN_FALLIBLE grow(tn_arena *arena, size_t size, tarn_error *err)
{
    size_t wish = arena->chunks == NULL ? CHUNK_MIN : 2 * arena->chunks->size;
    wish = wish > CHUNK_MAX ? CHUNK_MAX : wish;
    wish = wish < size ? size : wish;
    wish -= wish > 2 * sizeof(chunk) + size ? sizeof(chunk) : 0;
    wish = (wish + ALIGN - 1) & ~(size_t)(ALIGN - 1);

    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc(arena->pool, sizeof(chunk) + wish, &memory, err));
    chunk *fresh = memory;
    *fresh = (chunk){.next = arena->chunks, .size = wish};
    TN_HIDE(fresh + 1, wish);
    arena->chunks = fresh;
    arena->room = wish;
    return TARN_OK;
}

tarn_code tn_arena_alloc(tn_arena *arena, size_t size, void **out, tarn_error *err)
{
    *out = NULL;
    if (size > SIZE_MAX / 4) {
        return tn_fail(err, TARN_E_NOMEM, "%zu bytes are more than an arena can hold", size);
    }
    const size_t block = size == 0 ? ALIGN : (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (arena->room < block) {
        TN_RETURN_IF_ERROR(grow(arena, block, err));
    }
    uint8_t *memory = (uint8_t *)(arena->chunks + 1) + (arena->chunks->size - arena->room);
    arena->room -= block;
    TN_SHOW(memory, size);
    memset(memory, 0, size);
    *out = memory;
    return TARN_OK;
}

tarn_code tn_arena_alloc_array(tn_arena *arena, size_t count, size_t size, void **out,
                               tarn_error *err)
{
    size_t total;
    *out = NULL;
    if (!tn_size_mul(count, size, &total)) {
        return tn_fail(err, TARN_E_NOMEM, "%zu things of %zu bytes are too many", count, size);
    }
    return tn_arena_alloc(arena, total, out, err);
}

tarn_code tn_arena_copy(tn_arena *arena, tn_str text, tn_str *out, tarn_error *err)
{
    void *memory;
    *out = TN_STR_NONE;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, text.size + 1, &memory, err));
    if (text.size > 0) {
        memcpy(memory, text.data, text.size);
    }
    *out = (tn_str){memory, text.size};
    return TARN_OK;
}

tarn_code tn_arena_print(tn_arena *arena, tn_str *out, tarn_error *err, const char *format, ...)
{
    va_list args;
    void *memory;

    *out = TN_STR_NONE;
    va_start(args, format);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, (size_t)size + 1, &memory, err));
    va_start(args, format);
    (void)vsnprintf(memory, (size_t)size + 1, format, args);
    va_end(args);
    *out = (tn_str){memory, (size_t)size};
    return TARN_OK;
}
