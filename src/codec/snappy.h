/* snappy.h - the snappy block format; see codec.h for the usual way in. */
#ifndef TN_CODEC_SNAPPY_H
#define TN_CODEC_SNAPPY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* The size of the text that a block claims to hold. */
TN_FALLIBLE tn_snappy_size(const uint8_t *from, size_t from_size, size_t *out, tarn_error *err);
TN_FALLIBLE tn_snappy_decompress(const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size,
                                 tarn_error *err);

enum { TN_SNAPPY_TABLE = 1 << 14 }; /* entries of the compressor's table */
size_t tn_snappy_bound(size_t size);
/* `to` has room for tn_snappy_bound(from_size).  Answers the size used. */
size_t tn_snappy_compress(const uint8_t *from, size_t from_size, uint8_t *to,
                          uint16_t table[TN_SNAPPY_TABLE]);

#endif
