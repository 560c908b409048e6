/*
 * like.h - LIKE patterns, compiled: % is any text, _ one character, an escape takes the next
 * character as it is.
 *
 * A pattern is cut at its %: the pieces must follow one another, the first at the start and the
 * last at the end unless a % stands there.  The leftmost place is always right for each, so nothing
 * is tried twice.  Read-only once made; owned by the maker's pool.
 */
#ifndef TN_KERNEL_LIKE_H
#define TN_KERNEL_LIKE_H

#include "base/pool.h"
#include "base/str.h"
#include "kernel/sieve.h"

typedef struct tn_like tn_like;

/* escape: one character, or empty for none.  An escape at the end is TARN_E_INVALID. */
TN_FALLIBLE tn_like_create(tn_pool *pool, tn_str pattern, tn_str escape, tn_like **out,
                           tarn_error *err);
void tn_like_destroy(tn_like *like); /* NULL is allowed */
bool tn_like_match(const tn_like *like, tn_str text);
/* What a text that matches must hold; NULL: nothing that a look could tell. */
const tn_sieve *tn_like_sieve(const tn_like *like);

#endif
