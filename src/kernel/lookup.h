/*
 * lookup.h - values by small keys: an array in place of a hash table.
 *
 * Keys that lie close together are positions in arrays, which have one entry more than there are
 * keys: what a key that is not among them finds.
 */
#ifndef TN_KERNEL_LOOKUP_H
#define TN_KERNEL_LOOKUP_H

#include "column/lanes.h"

#include <stdbool.h>

/* at[i] = keys[i] - min, or `range` where the key is not in [min, min + range).  True: some are
 * not.  `lane` is one of integers; min has the bits of its values as 64-bit ones. */
bool tn_lookup_positions(tn_lane lane, const void *keys, size_t count, uint64_t min, uint32_t range,
                         uint32_t *at);

/* Of at and rows (NULL: 0, 1, 2...) those whose entry in `present` is not 0, to at and out, which
 * may be rows itself; answers how many. */
uint32_t tn_lookup_present(const uint8_t *present, uint32_t *at, const uint16_t *rows,
                           uint32_t count, uint16_t *out);

/* Entry at[i] of a table with entries of `width` bytes (1, 2, 4, 8, 16, 32) to row positions[i] of
 * `out` (NULL: i). */
void tn_lookup_gather(size_t width, const void *table, const uint32_t *at, size_t count,
                      const uint16_t *positions, void *out);

/* The same for bits made of bytes: a byte's bit 0, flipped by `flip`.  Bits of other rows stay. */
void tn_lookup_bits(const uint8_t *table, uint8_t flip, const uint32_t *at, size_t count,
                    const uint16_t *positions, uint64_t *bits);

#endif
