/*
 * sieve.h - which of many texts may hold a piece: what is left is searched in earnest.
 *
 * A text may hold a piece where the piece's first and last byte stand that far apart in it; one or
 * two loads tell for all places at once (the generic SIMD search of W. Mula, "SIMD-friendly
 * algorithms for substring searching", 2016, without its second half).  A text that does hold it is
 * never dropped.
 */
#ifndef TN_KERNEL_SIEVE_H
#define TN_KERNEL_SIEVE_H

#include "column/column.h"

enum { TN_SIEVE_PIECES = 2, TN_SIEVE_SIZE_MAX = 32 };

/* Pieces that must all be there; where there is one, it stands twice. */
typedef struct tn_sieve {
    struct {
        char first, last;
        uint8_t gap; /* from the one to the other; less than TN_SIEVE_SIZE_MAX */
    } pieces[TN_SIEVE_PIECES];
} tn_sieve;

/* Keeps those of `rows` (NULL: 0 to count) whose text, texts[row & mask], may hold all pieces: into
 * `out`, which has room for count, in order. */
typedef uint32_t tn_sieve_fn(const tn_sieve *sieve, const tn_view *texts, uint32_t mask,
                             const uint16_t *rows, uint32_t count, uint16_t *out);

tn_sieve_fn *tn_sieve_kernel(void); /* this machine's */

#endif
