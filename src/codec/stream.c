#include "codec/stream.h"

#define ZSTD_STATIC_LINKING_ONLY /* memory of ours */
#include "base/size.h"
#include "base/str.h"
#include "codec/foreign.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct tn_inflater {
    tn_pool *pool;
    tn_codec codec;
    bool inside; /* a member has begun and not ended */
    bool begun;  /* any member has ended: what follows may be padding */
    bool zlib_open;
    z_stream zlib;
    ZSTD_DStream *zstd;
};

enum { GZIP_OR_ZLIB = 15 + 32 };

TN_FALLIBLE tn_inflater_create(tn_codec codec, tn_pool *pool, tn_inflater **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_inflater *inflater = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*inflater), &memory, err));
    inflater = memory;
    inflater->pool = pool;
    inflater->codec = codec;
    if (codec == TN_CODEC_GZIP) {
        inflater->zlib.zalloc = tn_foreign_alloc_array;
        inflater->zlib.zfree = tn_foreign_free;
        inflater->zlib.opaque = pool;
        if (inflateInit2(&inflater->zlib, GZIP_OR_ZLIB) != Z_OK) {
            code = tn_pool_fail(pool, 0, "unpacking gzip", err);
            goto done;
        }
        inflater->zlib_open = true;
    } else if (codec == TN_CODEC_ZSTD) {
        inflater->zstd =
            ZSTD_createDStream_advanced((ZSTD_customMem){tn_foreign_alloc, tn_foreign_free, pool});
        if (inflater->zstd == NULL) {
            code = tn_pool_fail(pool, 0, "unpacking zstd", err);
            goto done;
        }
    } else if (codec != TN_CODEC_NONE) {
        code = tn_fail(err, TARN_E_UNSUPPORTED, "text cannot be read through the codec %s",
                       tn_codec_name(codec));
        goto done;
    }
    *out = inflater;
    inflater = NULL;
done:
    tn_inflater_destroy(inflater);
    return code;
}

void tn_inflater_destroy(tn_inflater *inflater)
{
    if (inflater != NULL) {
        if (inflater->zlib_open) {
            (void)inflateEnd(&inflater->zlib);
        }
        (void)ZSTD_freeDStream(inflater->zstd);
        tn_pool_free(inflater->pool, inflater, sizeof(*inflater));
    }
}

static TN_FALLIBLE step_gzip(tn_inflater *inflater, const uint8_t **from, const uint8_t *from_end,
                             uint8_t **to, uint8_t *to_end, tarn_error *err)
{
    z_stream *const zlib = &inflater->zlib;
    while (*from < from_end && *to < to_end) {
        if (!inflater->inside) {
            if (inflater->begun && **from == 0) { /* gzip allows zeros behind the last member */
                (*from)++;
                continue;
            }
            if (inflater->begun && inflateReset(zlib) != Z_OK) {
                return tn_fail(err, TARN_E_INTERNAL, "gzip state cannot be reset");
            }
            inflater->inside = true;
        }
        zlib->next_in = (Bytef *)(uintptr_t)*from; /* zlib's prototype lacks the const */
        zlib->avail_in = (uInt)tn_min_size((size_t)(from_end - *from), UINT_MAX);
        zlib->next_out = *to;
        zlib->avail_out = (uInt)tn_min_size((size_t)(to_end - *to), UINT_MAX);
        const int result = inflate(zlib, Z_NO_FLUSH);
        const bool moved = zlib->next_in != *from || zlib->next_out != *to;
        *from = zlib->next_in;
        *to = zlib->next_out;
        if (result == Z_STREAM_END) {
            inflater->inside = false;
            inflater->begun = true;
        } else if (result == Z_MEM_ERROR) {
            return tn_pool_fail(inflater->pool, 0, "unpacking gzip", err);
        } else if ((result != Z_OK && result != Z_BUF_ERROR) || !moved) {
            return tn_fail(err, TARN_E_CORRUPT, "gzip stream is damaged: %s",
                           zlib->msg != NULL ? zlib->msg : "no progress");
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE step_zstd(tn_inflater *inflater, const uint8_t **from, const uint8_t *from_end,
                             uint8_t **to, uint8_t *to_end, tarn_error *err)
{
    /* Even without new bytes the state may hold text that did not fit the last time. */
    for (;;) {
        ZSTD_inBuffer in = {*from, (size_t)(from_end - *from), 0};
        ZSTD_outBuffer out = {*to, (size_t)(to_end - *to), 0};
        if (out.size == 0 || (in.size == 0 && !inflater->inside)) {
            return TARN_OK;
        }
        const size_t result = ZSTD_decompressStream(inflater->zstd, &out, &in);
        if (ZSTD_isError(result)) {
            return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation
                       ? tn_pool_fail(inflater->pool, 0, "the window of zstd", err)
                       : tn_fail(err, TARN_E_CORRUPT, "zstd stream is damaged: %s",
                                 ZSTD_getErrorName(result));
        }
        *from += in.pos;
        *to += out.pos;
        inflater->inside = result != 0;
        if (in.pos == 0 && out.pos == 0) {
            return TARN_OK;
        }
    }
}

TN_FALLIBLE tn_inflater_step(tn_inflater *inflater, const uint8_t **from, const uint8_t *from_end,
                             uint8_t **to, uint8_t *to_end, tarn_error *err)
{
    if (inflater->codec == TN_CODEC_GZIP) {
        return step_gzip(inflater, from, from_end, to, to_end, err);
    }
    if (inflater->codec == TN_CODEC_ZSTD) {
        return step_zstd(inflater, from, from_end, to, to_end, err);
    }
    const size_t size = tn_min_size((size_t)(from_end - *from), (size_t)(to_end - *to));
    if (size > 0) {
        memcpy(*to, *from, size);
        *from += size;
        *to += size;
    }
    return TARN_OK;
}

TN_FALLIBLE tn_inflater_finish(const tn_inflater *inflater, tarn_error *err)
{
    return inflater->inside ? tn_fail(err, TARN_E_CORRUPT, "%s stream ends early",
                                      tn_codec_name(inflater->codec))
                            : TARN_OK;
}

tn_codec tn_codec_of_name(const char *name, size_t size)
{
    const tn_str whole = {name, size};
    return tn_str_has_ending(whole, TN_STR(".gz"))    ? TN_CODEC_GZIP
           : tn_str_has_ending(whole, TN_STR(".zst")) ? TN_CODEC_ZSTD
                                                      : TN_CODEC_NONE;
}

tn_codec tn_codec_of_bytes(const void *bytes, size_t size)
{
    return size >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0           ? TN_CODEC_GZIP
           : size >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 ? TN_CODEC_ZSTD
                                                                    : TN_CODEC_NONE;
}
