/* size.h - arithmetic on sizes that come from strangers.  Each answers false where it would wrap.
 */
#ifndef TN_BASE_SIZE_H
#define TN_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool tn_size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool tn_size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline size_t tn_round_up(size_t size, size_t unit) /* `unit` is a power of two */
{
    return (size + unit - 1) & ~(unit - 1);
}

static inline size_t tn_min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t tn_max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
