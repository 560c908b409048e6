/*
 * arena.h - many small things that die together: a parse, a plan, a schema.
 *
 * Memory comes from a pool in chunks and goes back at tn_arena_deinit() (or _reset, which keeps the
 * first chunk).  Nothing is freed singly.  One thread at a time.
 */
#ifndef TN_BASE_ARENA_H
#define TN_BASE_ARENA_H

#include "base/pool.h"
#include "base/str.h"

typedef struct tn_arena {
    tn_pool *pool;
    struct tn_arena_chunk *chunks;
    size_t room; /* what is left of the newest chunk */
} tn_arena;

void tn_arena_init(tn_arena *arena, tn_pool *pool);
void tn_arena_deinit(tn_arena *arena);
void tn_arena_reset(tn_arena *arena);

/* Aligned to 16 bytes, zeroed.  On failure `*out` is NULL. */
TN_FALLIBLE tn_arena_alloc(tn_arena *arena, size_t size, void **out, tarn_error *err);
/* A copy with a terminating zero behind it, which `out->size` does not count. */
TN_FALLIBLE tn_arena_copy(tn_arena *arena, tn_str text, tn_str *out, tarn_error *err);
TN_FALLIBLE tn_arena_print(tn_arena *arena, tn_str *out, tarn_error *err, const char *format, ...)
    TN_PRINTF(4, 5);

/* tn_arena_new(arena, plan_node, &node, err): one zeroed object of a type, or an array of them. */
#define tn_arena_new(arena, type, out, err) \
    tn_arena_alloc((arena), sizeof(type), (void **)(type **)(out), (err))
#define tn_arena_array(arena, type, count, out, err) \
    tn_arena_alloc_array((arena), (count), sizeof(type), (void **)(type **)(out), (err))
TN_FALLIBLE tn_arena_alloc_array(tn_arena *arena, size_t count, size_t size, void **out,
                                 tarn_error *err);

#endif
