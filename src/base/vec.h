/*
 * vec.h - arrays that grow, typed by a macro: TN_VEC(int) numbers = TN_VEC_INIT(pool).
 *
 * The element type must be copyable by memcpy.  tn_vec_push(&numbers, 3, err) is fallible.  The
 * items move when the array grows, so no pointer to one is kept across a push.
 */
#ifndef TN_BASE_VEC_H
#define TN_BASE_VEC_H

#include "base/pool.h"

#define TN_VEC(type)            \
    struct {                    \
        tn_pool *pool;          \
        type *items;            \
        size_t count, capacity; \
    }
#define TN_VEC_INIT(from_pool)  \
    {                           \
        (from_pool), NULL, 0, 0 \
    }

/* Room for `more` further items. */
#define tn_vec_reserve(vec, more, err)                                                       \
    tn_vec_grow((vec)->pool, (void **)&(vec)->items, &(vec)->capacity, (vec)->count, (more), \
                sizeof(*(vec)->items), (err))
#define tn_vec_push(vec, item, err)                                                                \
    (tn_vec_reserve((vec), 1, (err)) == TARN_OK ? ((vec)->items[(vec)->count++] = (item), TARN_OK) \
                                                : TARN_E_NOMEM)
#define tn_vec_pop(vec) ((vec)->items[--(vec)->count])
#define tn_vec_free(vec)                                                               \
    (tn_pool_free((vec)->pool, (vec)->items, (vec)->capacity * sizeof(*(vec)->items)), \
     (vec)->items = NULL, (vec)->count = (vec)->capacity = 0)

TN_FALLIBLE tn_vec_grow(tn_pool *pool, void **items, size_t *capacity, size_t count, size_t more,
                        size_t item_size, tarn_error *err);

#endif
