/*
 * delta.h - DELTA_BINARY_PACKED: integers as differences, packed by blocks.
 *
 * Arithmetic wraps around, as the format wants it; 32-bit columns wrap at 32 bits.  A reader
 * borrows the bytes it reads from.
 */
#ifndef TN_CODEC_DELTA_H
#define TN_CODEC_DELTA_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tn_delta {
    const uint8_t *at, *end;
    size_t mini_count, mini_size; /* of a block; values of one */
    size_t left;                  /* values not handed out yet */
    uint64_t last, least;         /* the value before, the block's smallest delta */
    bool first;                   /* the first value stands in the head */
    const uint8_t *widths;
    size_t mini_next;             /* in the block */
    size_t mini_left, mini_taken; /* values of the current miniblock */
    const uint8_t *mini;
    unsigned width;
    uint64_t stage[8]; /* what was unpacked and not wanted yet */
    size_t stage_at, stage_count;
} tn_delta;

/* Reads the head.  `tn_delta.left` is the number of values then. */
TN_FALLIBLE tn_delta_init(tn_delta *delta, const uint8_t *from, size_t size, tarn_error *err);
TN_FALLIBLE tn_delta_read_i32(tn_delta *delta, size_t count, int32_t *to, tarn_error *err);
TN_FALLIBLE tn_delta_read_i64(tn_delta *delta, size_t count, int64_t *to, tarn_error *err);
/* Where the bytes behind the last miniblock begin, once all values were read. */
const uint8_t *tn_delta_end(const tn_delta *delta);

/* Room for `count` values, with what the packing loops write behind the end. */
size_t tn_delta_bound(size_t count);
/* Answer the bytes used. */
size_t tn_delta_write_i32(const int32_t *from, size_t count, uint8_t *to);
size_t tn_delta_write_i64(const int64_t *from, size_t count, uint8_t *to);

#endif
