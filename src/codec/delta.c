#include "codec/delta.h"

#include "codec/bits.h"

#include <string.h>

enum {
    BLOCK_SIZE = 128, /* what we write; readers take any */
    BLOCK_MINIS = 4,
    MINI_SIZE = BLOCK_SIZE / BLOCK_MINIS,
    UNPACK_MAX = 256,
    MINIS_MAX = 1 << 16,
    BLOCK_MAX = 1 << 24
};

static tarn_code ends_early(tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "delta-packed data ends early");
}

static TN_FALLIBLE take_varint(tn_delta *delta, uint64_t *out, tarn_error *err)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (delta->at == delta->end) {
            return ends_early(err);
        }
        const uint8_t byte = *delta->at++;
        value |= (uint64_t)(byte & 0x7f) << (shift < 63 ? shift : 63);
        if (byte < 0x80) {
            *out = value;
            return TARN_OK;
        }
    }
    return tn_fail(err, TARN_E_CORRUPT, "delta-packed data has a number above 64 bits");
}

static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

TN_FALLIBLE tn_delta_init(tn_delta *delta, const uint8_t *from, size_t size, tarn_error *err)
{
    uint64_t block = 0;
    uint64_t minis = 0;
    uint64_t count = 0;
    uint64_t first = 0;
    *delta = (tn_delta){.at = from, .end = from + size};
    TN_RETURN_IF_ERROR(take_varint(delta, &block, err));
    TN_RETURN_IF_ERROR(take_varint(delta, &minis, err));
    TN_RETURN_IF_ERROR(take_varint(delta, &count, err));
    TN_RETURN_IF_ERROR(take_varint(delta, &first, err));
    if (minis == 0 || minis > MINIS_MAX || block > BLOCK_MAX || block % minis != 0 ||
        block / minis == 0 || block / minis % 8 != 0 || count > INT32_MAX) {
        return tn_fail(err, TARN_E_CORRUPT,
                       "delta-packed data claims %llu values in blocks of %llu with %llu parts",
                       (unsigned long long)count, (unsigned long long)block,
                       (unsigned long long)minis);
    }
    delta->mini_count = delta->mini_next = (size_t)minis;
    delta->mini_size = (size_t)(block / minis);
    delta->left = (size_t)count;
    delta->last = unzigzag(first);
    delta->first = count > 0;
    delta->mini = delta->at;
    return TARN_OK;
}

static TN_FALLIBLE next_miniblock(tn_delta *delta, tarn_error *err)
{
    if (delta->mini_next == delta->mini_count) {
        uint64_t least = 0;
        TN_RETURN_IF_ERROR(take_varint(delta, &least, err));
        if ((size_t)(delta->end - delta->at) < delta->mini_count) {
            return ends_early(err);
        }
        delta->least = unzigzag(least);
        delta->widths = delta->at;
        delta->at += delta->mini_count;
        delta->mini_next = 0;
    }
    delta->width = delta->widths[delta->mini_next++];
    if (delta->width > 64) {
        return tn_fail(err, TARN_E_CORRUPT, "delta-packed data claims a width of %u bits",
                       delta->width);
    }
    const size_t size = delta->mini_size / 8 * delta->width;
    const size_t there = (size_t)(delta->end - delta->at);
    delta->mini = delta->at;
    delta->mini_taken = 0;
    delta->mini_left = delta->mini_size;
    if (size > there) { /* a last miniblock whose padding is missing */
        delta->mini_left = there * 8 / delta->width & ~(size_t)7;
        if (delta->mini_left == 0) {
            return ends_early(err);
        }
        delta->at = delta->end;
        return TARN_OK;
    }
    delta->at += size;
    return TARN_OK;
}

const uint8_t *tn_delta_end(const tn_delta *delta)
{
    return delta->at;
}

static uint8_t *put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *to++ = (uint8_t)(value | 0x80);
    }
    *to++ = (uint8_t)value;
    return to;
}

static uint8_t *put_zigzag(uint8_t *to, int64_t value)
{
    return put_varint(to, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

size_t tn_delta_bound(size_t count)
{
    return 64 + (count / BLOCK_SIZE + 1) * (10 + BLOCK_MINIS + BLOCK_SIZE * sizeof(uint64_t));
}

#define T    int32_t
#define U    uint32_t
#define LANE i32
#include "codec/delta_lane.inc.h"
#define T    int64_t
#define U    uint64_t
#define LANE i64
#include "codec/delta_lane.inc.h"
