#include "codec/codec.h"

#define ZSTD_STATIC_LINKING_ONLY /* contexts in memory of ours */
#include "base/size.h"
#include "codec/foreign.h"
#include "codec/snappy.h"

#include <brotli/decode.h>
#include <libdeflate.h>
#include <lz4.h>
#include <lz4frame.h>
#include <string.h>
#include <zstd.h>

static const char *const names[TN_CODEC_COUNT] = {
    [TN_CODEC_NONE] = "none", [TN_CODEC_SNAPPY] = "snappy", [TN_CODEC_GZIP] = "gzip",
    [TN_CODEC_LZO] = "lzo",   [TN_CODEC_BROTLI] = "brotli", [TN_CODEC_LZ4_HADOOP] = "lz4 (hadoop)",
    [TN_CODEC_ZSTD] = "zstd", [TN_CODEC_LZ4] = "lz4",
};

const char *tn_codec_name(tn_codec codec)
{
    return (unsigned)codec < TN_CODEC_COUNT ? names[codec] : "unknown";
}

bool tn_codec_reads(tn_codec codec)
{
    return (unsigned)codec < TN_CODEC_COUNT && codec != TN_CODEC_LZO;
}

bool tn_codec_writes(tn_codec codec)
{
    return tn_codec_reads(codec) && codec != TN_CODEC_BROTLI;
}

void tn_decompressor_init(tn_decompressor *decompressor, tn_pool *pool)
{
    *decompressor = (tn_decompressor){.pool = pool};
}

void tn_decompressor_deinit(tn_decompressor *decompressor)
{
    tn_pool_free(decompressor->pool, decompressor->zstd, decompressor->zstd_size);
    libdeflate_free_decompressor(decompressor->deflate);
    decompressor->zstd = decompressor->deflate = NULL;
}

static tarn_code damaged(tn_codec codec, tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "%s block is damaged", tn_codec_name(codec));
}

static tarn_code wrong_size(tn_codec codec, size_t got, size_t want, tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "%s block holds %zu bytes, where %zu are stated",
                   tn_codec_name(codec), got, want);
}

static tarn_code no_state(const tn_pool *pool, tn_codec codec, tarn_error *err)
{
    const tarn_code code = tn_pool_fail(pool, 0, "the state of a codec", err);
    tn_explain(err, "%s", tn_codec_name(codec));
    return code;
}

/* ---- one function a codec, each with the signature of tn_decompress without the codec ---------
 */

static TN_FALLIBLE unzstd(tn_decompressor *d, const void *from, size_t from_size, void *to,
                          size_t to_size, tarn_error *err)
{
    if (d->zstd == NULL) {
        const size_t size = ZSTD_estimateDCtxSize();
        TN_RETURN_IF_ERROR(tn_pool_alloc(d->pool, size, &d->zstd, err));
        d->zstd_size = size;
        if (ZSTD_initStaticDCtx(d->zstd, size) == NULL) {
            return no_state(d->pool, TN_CODEC_ZSTD, err);
        }
    }
    const size_t got = ZSTD_decompressDCtx(d->zstd, to, to_size, from, from_size);
    if (ZSTD_isError(got)) {
        return tn_fail(err, TARN_E_CORRUPT, "zstd block is damaged: %s", ZSTD_getErrorName(got));
    }
    return got == to_size ? TARN_OK : wrong_size(TN_CODEC_ZSTD, got, to_size, err);
}

static TN_FALLIBLE ungzip(tn_decompressor *d, const void *from, size_t from_size, void *to,
                          size_t to_size, tarn_error *err)
{
    const uint8_t *at = from;
    const uint8_t *const end = at + from_size;
    size_t done = 0;
    if (d->deflate == NULL && (d->deflate = libdeflate_alloc_decompressor()) == NULL) {
        return no_state(d->pool, TN_CODEC_GZIP, err);
    }
    const bool gzip = from_size >= 2 && at[0] == 0x1f && at[1] == 0x8b;
    do { /* one member after another */
        size_t taken = 0;
        size_t given = 0;
        const enum libdeflate_result result =
            gzip ? libdeflate_gzip_decompress_ex(d->deflate, at, (size_t)(end - at),
                                                 (uint8_t *)to + done, to_size - done, &taken,
                                                 &given)
                 : libdeflate_zlib_decompress_ex(d->deflate, at, (size_t)(end - at),
                                                 (uint8_t *)to + done, to_size - done, &taken,
                                                 &given);
        if (result != LIBDEFLATE_SUCCESS) {
            return damaged(TN_CODEC_GZIP, err);
        }
        at += taken;
        done += given;
    } while (gzip && at < end && (done < to_size || (end - at >= 18 && at[0] == 0x1f)));
    return done == to_size ? TARN_OK : wrong_size(TN_CODEC_GZIP, done, to_size, err);
}

static TN_FALLIBLE unbrotli(tn_decompressor *d, const void *from, size_t from_size, void *to,
                            size_t to_size, tarn_error *err)
{
    BrotliDecoderState *state =
        BrotliDecoderCreateInstance(tn_foreign_alloc, tn_foreign_free, d->pool);
    if (state == NULL) {
        return no_state(d->pool, TN_CODEC_BROTLI, err);
    }
    size_t in_left = from_size;
    size_t out_left = to_size;
    const uint8_t *in = from;
    uint8_t *out = to;
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state, &in_left, &in, &out_left, &out, NULL);
    const BrotliDecoderErrorCode error = BrotliDecoderGetErrorCode(state);
    BrotliDecoderDestroyInstance(state);
    if (error <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        error >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES) {
        return no_state(d->pool, TN_CODEC_BROTLI, err);
    }
    if (result != BROTLI_DECODER_RESULT_SUCCESS) {
        return damaged(TN_CODEC_BROTLI, err);
    }
    return out_left == 0 ? TARN_OK : wrong_size(TN_CODEC_BROTLI, to_size - out_left, to_size, err);
}

static bool unlz4_raw(const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size)
{
    /* Room for nothing is refused by the library, but a block for nothing exists: one zero. */
    if (to_size == 0) {
        return from_size == 1 && from[0] == 0;
    }
    return from_size <= INT32_MAX && to_size <= INT32_MAX &&
           LZ4_decompress_safe((const char *)from, (char *)to, (int)from_size, (int)to_size) ==
               (int)to_size;
}

static TN_FALLIBLE unlz4(tn_decompressor *d, const void *from, size_t from_size, void *to,
                         size_t to_size, tarn_error *err)
{
    (void)d;
    return unlz4_raw(from, from_size, to, to_size) ? TARN_OK : damaged(TN_CODEC_LZ4, err);
}

static uint32_t big32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Hadoop: big-endian size of the text, size of the block, the block; again until the end. */
static bool unlz4_hadoop(const uint8_t *at, size_t left, uint8_t *to, size_t room)
{
    while (left >= 8) {
        const size_t text = big32(at);
        const size_t block = big32(at + 4);
        if (block > left - 8 || text > room || !unlz4_raw(at + 8, block, to, text)) {
            return false;
        }
        at += 8 + block;
        left -= 8 + block;
        to += text;
        room -= text;
    }
    return left == 0 && room == 0;
}

static bool unlz4_frame(const uint8_t *at, size_t left, uint8_t *to, size_t room)
{
    LZ4F_dctx *state = NULL;
    size_t given = room;
    size_t taken = left;
    if (left < 7 || at[0] != 0x04 || at[1] != 0x22 || at[2] != 0x4d || at[3] != 0x18 ||
        LZ4F_isError(LZ4F_createDecompressionContext(&state, LZ4F_VERSION))) {
        return false;
    }
    const size_t more = LZ4F_decompress(state, to, &given, at, &taken, NULL);
    (void)LZ4F_freeDecompressionContext(state);
    return more == 0 && given == room && taken == left;
}

static TN_FALLIBLE unlz4_any(tn_decompressor *d, const void *from, size_t from_size, void *to,
                             size_t to_size, tarn_error *err)
{
    (void)d;
    return unlz4_hadoop(from, from_size, to, to_size) ||
                   unlz4_frame(from, from_size, to, to_size) ||
                   unlz4_raw(from, from_size, to, to_size)
               ? TARN_OK
               : damaged(TN_CODEC_LZ4_HADOOP, err);
}

TN_FALLIBLE tn_decompress(tn_decompressor *decompressor, tn_codec codec, const void *from,
                          size_t from_size, void *to, size_t to_size, tarn_error *err)
{
    switch (codec) {
    case TN_CODEC_NONE:
        if (from_size != to_size) {
            return tn_fail(err, TARN_E_CORRUPT, "%zu bytes are stored, where %zu are stated",
                           from_size, to_size);
        }
        if (to_size > 0) {
            memcpy(to, from, to_size);
        }
        return TARN_OK;
    case TN_CODEC_SNAPPY:
        return tn_snappy_decompress(from, from_size, to, to_size, err);
    case TN_CODEC_GZIP:
        return ungzip(decompressor, from, from_size, to, to_size, err);
    case TN_CODEC_BROTLI:
        return unbrotli(decompressor, from, from_size, to, to_size, err);
    case TN_CODEC_LZ4_HADOOP:
        return unlz4_any(decompressor, from, from_size, to, to_size, err);
    case TN_CODEC_ZSTD:
        return unzstd(decompressor, from, from_size, to, to_size, err);
    case TN_CODEC_LZ4:
        return unlz4(decompressor, from, from_size, to, to_size, err);
    case TN_CODEC_LZO:
    case TN_CODEC_COUNT:
        break;
    }
    return tn_fail(err, TARN_E_UNSUPPORTED, "cannot read the codec %s (%d)", tn_codec_name(codec),
                   (int)codec);
}

/* ---- compress -------------------------------------------------------------------------------- */

enum { ZSTD_LEVEL = 1, GZIP_LEVEL = 6 };

TN_FALLIBLE tn_compressor_init(tn_compressor *compressor, tn_codec codec, int level, tn_pool *pool,
                               tarn_error *err)
{
    *compressor = (tn_compressor){.pool = pool, .codec = codec, .level = level};
    if (!tn_codec_writes(codec)) {
        return tn_fail(err, TARN_E_UNSUPPORTED, "cannot write the codec %s", tn_codec_name(codec));
    }
    size_t size = 0;
    switch (codec) {
    case TN_CODEC_SNAPPY:
        size = TN_SNAPPY_TABLE * sizeof(uint16_t);
        break;
    case TN_CODEC_ZSTD:
        compressor->level = level == 0 ? ZSTD_LEVEL : level;
        if (compressor->level < ZSTD_minCLevel() || compressor->level > ZSTD_maxCLevel()) {
            return tn_fail(err, TARN_E_INVALID, "zstd has no level %d", level);
        }
        size = ZSTD_estimateCCtxSize(compressor->level);
        break;
    case TN_CODEC_LZ4:
    case TN_CODEC_LZ4_HADOOP:
        compressor->level = level <= 0 ? 1 : level;
        size = (size_t)LZ4_sizeofState();
        break;
    case TN_CODEC_GZIP:
        compressor->level = level == 0 ? GZIP_LEVEL : level;
        if (level < 0 || level > 12) {
            return tn_fail(err, TARN_E_INVALID, "gzip has no level %d", level);
        }
        compressor->state = libdeflate_alloc_compressor(compressor->level);
        return compressor->state != NULL ? TARN_OK : no_state(pool, codec, err);
    case TN_CODEC_NONE:
    case TN_CODEC_BROTLI:
    case TN_CODEC_LZO:
    case TN_CODEC_COUNT:
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, size, &compressor->state, err));
    compressor->state_size = size;
    if (codec == TN_CODEC_ZSTD && ZSTD_initStaticCCtx(compressor->state, size) == NULL) {
        return no_state(pool, codec, err);
    }
    return TARN_OK;
}

void tn_compressor_deinit(tn_compressor *compressor)
{
    if (compressor->state_size > 0) {
        tn_pool_free(compressor->pool, compressor->state, compressor->state_size);
    } else {
        libdeflate_free_compressor(compressor->state);
    }
    compressor->state = NULL;
    compressor->state_size = 0;
}

size_t tn_compress_bound(tn_codec codec, size_t size)
{
    switch (codec) {
    case TN_CODEC_SNAPPY:
        return tn_snappy_bound(size);
    case TN_CODEC_ZSTD:
        return ZSTD_compressBound(size);
    case TN_CODEC_GZIP:
        return libdeflate_gzip_compress_bound(NULL, size);
    case TN_CODEC_LZ4:
    case TN_CODEC_LZ4_HADOOP:
        return size + size / 255 + 16 + 8;
    case TN_CODEC_NONE:
    case TN_CODEC_BROTLI:
    case TN_CODEC_LZO:
    case TN_CODEC_COUNT:
        break;
    }
    return size;
}

static void put_big32(uint8_t *to, size_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

TN_FALLIBLE tn_compress(tn_compressor *compressor, const void *from, size_t from_size, void *to,
                        size_t *to_size, tarn_error *err)
{
    const tn_codec codec = compressor->codec;
    if (from_size > INT32_MAX || *to_size < tn_compress_bound(codec, from_size)) {
        return tn_fail(err, TARN_E_LIMIT, "a block of %zu bytes is too large to compress",
                       from_size);
    }
    const size_t head = codec == TN_CODEC_LZ4_HADOOP ? 8 : 0;
    size_t got = 0;
    switch (codec) {
    case TN_CODEC_SNAPPY:
        got = tn_snappy_compress(from, from_size, to, compressor->state);
        break;
    case TN_CODEC_ZSTD:
        got =
            ZSTD_compressCCtx(compressor->state, to, *to_size, from, from_size, compressor->level);
        if (ZSTD_isError(got)) {
            return tn_fail(err, TARN_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(got));
        }
        break;
    case TN_CODEC_GZIP:
        got = libdeflate_gzip_compress(compressor->state, from, from_size, to, *to_size);
        break;
    case TN_CODEC_LZ4:
    case TN_CODEC_LZ4_HADOOP:
        got = (size_t)LZ4_compress_fast_extState(
            compressor->state, (const char *)from, (char *)to + head, (int)from_size,
            (int)tn_min_size(*to_size - head, INT32_MAX), compressor->level);
        if (head > 0) {
            put_big32(to, from_size);
            put_big32((uint8_t *)to + 4, got);
        }
        break;
    case TN_CODEC_NONE:
    case TN_CODEC_BROTLI:
    case TN_CODEC_LZO:
    case TN_CODEC_COUNT:
        got = from_size;
        if (got > 0) {
            memcpy(to, from, got);
        }
        *to_size = got;
        return TARN_OK;
    }
    if (got == 0) {
        return tn_fail(err, TARN_E_INTERNAL, "%s gave no block", tn_codec_name(codec));
    }
    *to_size = got + head;
    return TARN_OK;
}
