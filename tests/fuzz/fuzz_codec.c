/* Block codecs, run-length and delta data.  The first byte picks which, the next two the size. */
#include "codec/codec.h"
#include "codec/delta.h"
#include "codec/rle.h"
#include "codec/stream.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    const unsigned kind = data[0] % 16;
    const size_t count = (size_t)data[1] << 8 | data[2];
    tn_pool pool;
    uint8_t *out = malloc(count * 8 + 1);
    data += 3;
    size -= 3;
    tn_pool_init(&pool, NULL, "fuzz", 64 << 20);
    if (kind < TN_CODEC_COUNT) {
        tn_decompressor d;
        tn_decompressor_init(&d, &pool);
        (void)!tn_decompress(&d, (tn_codec)kind, data, size, out, count, NULL);
        tn_decompressor_deinit(&d);
    } else if (kind < 10) {
        tn_inflater *inflater;
        if (tn_inflater_create(kind == 8 ? TN_CODEC_GZIP : TN_CODEC_ZSTD, &pool, &inflater, NULL) ==
            TARN_OK) {
            const uint8_t *from = data;
            uint8_t *to = out;
            (void)!tn_inflater_step(inflater, &from, data + size, &to, out + count, NULL);
            (void)!tn_inflater_finish(inflater, NULL);
            tn_inflater_destroy(inflater);
        }
    } else if (kind < 12 && size > 0) {
        tn_delta delta;
        if (tn_delta_init(&delta, data, size, NULL) == TARN_OK) {
            const size_t some = delta.left < count ? delta.left : count;
            (void)!(kind == 10 ? tn_delta_read_i64(&delta, some, (int64_t *)(void *)out, NULL)
                               : tn_delta_read_i32(&delta, some, (int32_t *)(void *)out, NULL));
        }
    } else if (size > 0) {
        tn_rle rle;
        tn_rle_init(&rle, data + 1, size - 1, data[0] % (kind == 12 ? 17 : 33));
        (void)!(kind == 12 ? tn_rle_read_u16(&rle, count, (uint16_t *)(void *)out, NULL)
                           : tn_rle_read_u32(&rle, count, (uint32_t *)(void *)out, NULL));
    }
    free(out);
    tn_pool_deinit(&pool);
    return 0;
}
