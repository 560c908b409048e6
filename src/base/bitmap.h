/*
 * bitmap.h - one bit a row, row 0 in bit 0 of word 0, as Arrow lays out validity.
 *
 * Bitmaps are whole 64-bit words; bits past the last row may be anything unless a comment says so.
 */
#ifndef TN_BASE_BITMAP_H
#define TN_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t tn_bitmap_words(size_t rows)
{
    return (rows + 63) / 64;
}

static inline bool tn_bit_get(const uint64_t *bits, size_t row)
{
    return (bits[row / 64] >> (row % 64)) & 1;
}

static inline void tn_bit_set(uint64_t *bits, size_t row)
{
    bits[row / 64] |= UINT64_C(1) << (row % 64);
}

static inline void tn_bit_clear(uint64_t *bits, size_t row)
{
    bits[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

static inline void tn_bit_put(uint64_t *bits, size_t row, bool value)
{
    const uint64_t mask = UINT64_C(1) << (row % 64);
    bits[row / 64] = (bits[row / 64] & ~mask) | (value ? mask : 0);
}

/* Mask of the bits of the last word that stand for rows. */
static inline uint64_t tn_bitmap_tail(size_t rows)
{
    return rows % 64 == 0 ? ~UINT64_C(0) : (UINT64_C(1) << (rows % 64)) - 1;
}

size_t tn_bitmap_count(const uint64_t *bits, size_t rows); /* ones among the first `rows` */
bool tn_bitmap_all(const uint64_t *bits, size_t rows);
bool tn_bitmap_none(const uint64_t *bits, size_t rows);
/* Copies `rows` bits that begin at bit `from_row` of `from` to bit 0 of `to`; the last word's
 * other bits become 0.  Reads no byte that holds none of these bits. */
void tn_bitmap_copy(uint64_t *to, const void *from, size_t from_row, size_t rows);

#endif
