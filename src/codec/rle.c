#include "codec/rle.h"

#include "base/bitmap.h"
#include "codec/bits.h"

#include <string.h>

void tn_rle_init(tn_rle *rle, const uint8_t *from, size_t size, unsigned width)
{
    *rle = (tn_rle){.at = from, .end = from + size, .width = width};
    if (width == 0) {
        rle->left = SIZE_MAX;
    }
}

static tarn_code ends_early(tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "run-length data ends early");
}

static TN_FALLIBLE next_run(tn_rle *rle, tarn_error *err)
{
    if (rle->width == 0) { /* SIZE_MAX values were not enough for nobody */
        rle->left = SIZE_MAX;
        return TARN_OK;
    }
    do {
        uint64_t head = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (rle->at == rle->end || shift > 35) {
                return ends_early(err);
            }
            const uint8_t byte = *rle->at++;
            head |= (uint64_t)(byte & 0x7f) << shift;
            if (byte < 0x80) {
                break;
            }
        }
        const size_t there = (size_t)(rle->end - rle->at);
        rle->taken = 0;
        if ((head & 1) != 0) { /* groups of eight, of which the last may lack bytes */
            const uint64_t size = (head >> 1) * rle->width;
            rle->run = rle->at;
            if (size <= there) {
                rle->at += size;
                rle->left = (size_t)(head >> 1) * 8;
            } else if (size - there < rle->width) {
                rle->at = rle->end;
                rle->left = there * 8 / rle->width;
                if (rle->left == 0) {
                    return ends_early(err);
                }
            } else {
                return ends_early(err);
            }
        } else {
            const size_t bytes = (rle->width + 7) / 8;
            if (there < bytes) {
                return ends_early(err);
            }
            rle->value = 0;
            memcpy(&rle->value, rle->at, bytes);
            rle->at += bytes;
            if (rle->width < 32 && rle->value >> rle->width != 0) {
                return tn_fail(err, TARN_E_CORRUPT,
                               "run-length data has a value of %u, which takes more than %u bits",
                               (unsigned)rle->value, rle->width);
            }
            rle->run = NULL;
            rle->left = (size_t)(head >> 1);
        }
    } while (rle->left == 0);
    return TARN_OK;
}

static uint8_t *put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *to++ = (uint8_t)(value | 0x80);
    }
    *to++ = (uint8_t)value;
    return to;
}

#define T    uint16_t
#define LANE u16
#include "codec/rle_lane.inc.h"
#define T    uint32_t
#define LANE u32
#include "codec/rle_lane.inc.h"

TN_FALLIBLE tn_rle_skip(tn_rle *rle, size_t count, tarn_error *err)
{
    while (count > 0) {
        if (rle->left == 0) {
            TN_RETURN_IF_ERROR(next_run(rle, err));
        }
        const size_t some = rle->left < count ? rle->left : count;
        rle->left -= some;
        rle->taken += some;
        count -= some;
    }
    return TARN_OK;
}

/* Up to 64 bits of a packed run, from any bit. */
static uint64_t bits_at(const uint8_t *from, const uint8_t *end, size_t first)
{
    uint64_t word = 0;
    uint8_t over = 0;
    const uint8_t *const at = from + first / 8;
    const size_t there = (size_t)(end - at);
    memcpy(&word, at, there < 8 ? there : 8);
    if (there > 8) {
        over = at[8];
    }
    const unsigned shift = (unsigned)(first % 8);
    return shift == 0 ? word : word >> shift | (uint64_t)over << (64 - shift);
}

static void put_word(uint64_t *bits, size_t first, uint64_t word)
{
    bits[first / 64] |= word << (first % 64);
    if (first % 64 != 0 && (word >> (64 - first % 64)) != 0) {
        bits[first / 64 + 1] |= word >> (64 - first % 64);
    }
}

TN_FALLIBLE tn_rle_read_bits(tn_rle *rle, size_t count, uint64_t *bits, size_t first, size_t *ones,
                             tarn_error *err)
{
    while (count > 0) {
        if (rle->left == 0) {
            TN_RETURN_IF_ERROR(next_run(rle, err));
        }
        const size_t some = rle->left < count ? rle->left : count;
        for (size_t done = 0; done < some; done += 64) {
            const size_t step = some - done < 64 ? some - done : 64;
            uint64_t word = (rle->value & 1) != 0 ? ~UINT64_C(0) : 0;
            if (rle->run != NULL) {
                word = bits_at(rle->run, rle->at, rle->taken + done);
            }
            word &= tn_bitmap_tail(step);
            *ones += (size_t)__builtin_popcountll(word);
            put_word(bits, first + done, word);
        }
        rle->left -= some;
        rle->taken += some;
        first += some;
        count -= some;
    }
    return TARN_OK;
}

bool tn_rle_take_run(tn_rle *rle, size_t count, uint32_t value)
{
    if (rle->left == 0 && next_run(rle, NULL) != TARN_OK) {
        return false;
    }
    if (rle->run != NULL || rle->value != value || rle->left < count) {
        return false;
    }
    rle->left -= count;
    return true;
}

TN_FALLIBLE tn_unpack_levels(const uint8_t *from, size_t size, unsigned width, size_t count,
                             uint16_t *to, tarn_error *err)
{
    if (width > 16 || count > size * 8 / (width == 0 ? 1 : width)) {
        if (width > 0) {
            return ends_early(err);
        }
    }
    for (size_t i = 0; i < count; i++) {
        unsigned value = 0;
        for (size_t bit = i * width; bit < (i + 1) * width; bit++) {
            value = value << 1 | (((unsigned)from[bit / 8] >> (7 - bit % 8)) & 1u);
        }
        to[i] = (uint16_t)value;
    }
    return TARN_OK;
}

size_t tn_rle_bound(size_t count, unsigned width)
{
    /* A run never takes more than the groups it replaces and their head. */
    const size_t groups = (count + 7) / 8 + 1;
    return groups * width + groups / 2 * 2 + 64;
}

size_t tn_rle_write_bits(const uint64_t *bits, size_t count, uint8_t *to)
{
    uint8_t *const start = to;
    if (count == 0) {
        return 0;
    }
    const bool first = tn_bit_get(bits, 0);
    const size_t ones = tn_bitmap_count(bits, count);
    if (ones == (first ? count : 0)) {
        to = put_varint(to, (uint64_t)count << 1);
        *to++ = first ? 1 : 0;
        return (size_t)(to - start);
    }
    const size_t bytes = (count + 7) / 8;
    to = put_varint(to, (uint64_t)bytes << 1 | 1);
    memcpy(to, bits, bytes); /* the machine is little-endian, as the file is */
    if (count % 8 != 0) {
        to[bytes - 1] &= (uint8_t)((1u << (count % 8)) - 1);
    }
    return (size_t)(to - start) + bytes;
}
