/*
 * codec.h - one door to all block codecs: pages of Parquet, buffers of Arrow IPC, blocks of Avro.
 *
 * A *decompressor* and a *compressor* keep the states of the foreign codecs between calls; each
 * belongs to one task and is used by one thread at a time.  Blocks come from strangers: whatever
 * the bytes are, no call reads or writes outside what it was given, and the result has exactly the
 * size that the caller states, or the call fails as TARN_E_CORRUPT.
 */
#ifndef TN_CODEC_CODEC_H
#define TN_CODEC_CODEC_H

#include "base/pool.h"

/* The numbers are Parquet's. */
typedef enum tn_codec {
    TN_CODEC_NONE = 0,
    TN_CODEC_SNAPPY = 1,
    TN_CODEC_GZIP = 2, /* reads zlib streams, too, and members one after another */
    TN_CODEC_LZO = 3,  /* known by name only */
    TN_CODEC_BROTLI = 4,
    TN_CODEC_LZ4_HADOOP = 5, /* reads Hadoop's framing, LZ4's own, or none; writes Hadoop's */
    TN_CODEC_ZSTD = 6,
    TN_CODEC_LZ4 = 7, /* one raw block */
    TN_CODEC_COUNT
} tn_codec;

const char *tn_codec_name(tn_codec codec); /* "snappy"; "unknown" where it is none of these */
bool tn_codec_reads(tn_codec codec);
bool tn_codec_writes(tn_codec codec);

typedef struct tn_decompressor {
    tn_pool *pool;
    void *zstd;
    size_t zstd_size;
    void *deflate;
} tn_decompressor;

void tn_decompressor_init(tn_decompressor *decompressor, tn_pool *pool);
void tn_decompressor_deinit(tn_decompressor *decompressor);

/* `to_size` is the exact size of the text; `from` and `to` do not overlap. */
TN_FALLIBLE tn_decompress(tn_decompressor *decompressor, tn_codec codec, const void *from,
                          size_t from_size, void *to, size_t to_size, tarn_error *err);

typedef struct tn_compressor {
    tn_pool *pool;
    tn_codec codec;
    int level;
    void *state;
    size_t state_size; /* 0 where the state is a foreign one */
} tn_compressor;

/* `level` 0 means the codec's usual one; snappy has none, lz4 takes it as acceleration. */
TN_FALLIBLE tn_compressor_init(tn_compressor *compressor, tn_codec codec, int level, tn_pool *pool,
                               tarn_error *err);
void tn_compressor_deinit(tn_compressor *compressor); /* also of a zeroed one */

/* Room that is enough for any text of `size` bytes. */
size_t tn_compress_bound(tn_codec codec, size_t size);
/* `to_size` is the room in `to`, tn_compress_bound() at least, and becomes the size used. */
TN_FALLIBLE tn_compress(tn_compressor *compressor, const void *from, size_t from_size, void *to,
                        size_t *to_size, tarn_error *err);

#endif
