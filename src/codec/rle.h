/*
 * rle.h - Parquet's hybrid of runs and bit-packed groups: levels, dictionary codes, booleans.
 *
 * A reader borrows the bytes it reads from.  It hands out any number of values at a time; what lies
 * in the middle of a run or a group waits for the next call.
 */
#ifndef TN_CODEC_RLE_H
#define TN_CODEC_RLE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tn_rle {
    const uint8_t *at, *end; /* behind the current run */
    unsigned width;
    uint32_t value;     /* of a run */
    const uint8_t *run; /* the bytes of packed values, NULL in a run */
    size_t taken, left; /* values of the current run or groups */
} tn_rle;

/* `width` is at most 32.  With width 0 there are no bytes and all values are 0. */
void tn_rle_init(tn_rle *rle, const uint8_t *from, size_t size, unsigned width);

TN_FALLIBLE tn_rle_read_u16(tn_rle *rle, size_t count, uint16_t *to, tarn_error *err);
TN_FALLIBLE tn_rle_read_u32(tn_rle *rle, size_t count, uint32_t *to, tarn_error *err);
TN_FALLIBLE tn_rle_skip(tn_rle *rle, size_t count, tarn_error *err);
/* Width 1: values become the bits from `first` on, whose words were cleared by the caller.  Adds
 * the number of ones to `*ones`. */
TN_FALLIBLE tn_rle_read_bits(tn_rle *rle, size_t count, uint64_t *bits, size_t first, size_t *ones,
                             tarn_error *err);
/* Whether the next `count` values are one run of `value`; takes them if so. */
bool tn_rle_take_run(tn_rle *rle, size_t count, uint32_t value);

/* The deprecated form of levels: most significant bit first, no runs. */
TN_FALLIBLE tn_unpack_levels(const uint8_t *from, size_t size, unsigned width, size_t count,
                             uint16_t *to, tarn_error *err);
static inline size_t tn_unpack_levels_size(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

/* Room for `count` values of any kind, with what the packing loops write behind the end. */
size_t tn_rle_bound(size_t count, unsigned width);
/* Answers the bytes used.  Values fit the width; `from` is read in whole groups of 8 only where
 * they lie inside `count`. */
size_t tn_rle_write_u16(const uint16_t *from, size_t count, unsigned width, uint8_t *to);
size_t tn_rle_write_u32(const uint32_t *from, size_t count, unsigned width, uint8_t *to);
/* Bits as values of width 1. */
size_t tn_rle_write_bits(const uint64_t *bits, size_t count, uint8_t *to);

#endif
