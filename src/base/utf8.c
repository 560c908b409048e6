#include "base/utf8.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

static inline uint64_t load_word(const char *data)
{
    uint64_t word;
    memcpy(&word, data, 8);
    return word;
}

bool tn_utf8_is_ascii(const char *data, size_t size)
{
    uint64_t seen = 0;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        seen |= load_word(data + i);
    }
    for (; i < size; i++) {
        seen |= (uint8_t)data[i];
    }
    return (seen & HIGH_BITS) == 0;
}

static inline bool follows(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the valid sequence at `p`, or 0. */
static inline size_t sequence(const uint8_t *p, size_t room)
{
    const uint8_t lead = p[0];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xc2) {
        return 0; /* a byte that follows nothing, or an overlong pair */
    }
    if (lead < 0xe0) {
        return room >= 2 && follows(p[1]) ? 2 : 0;
    }
    if (lead < 0xf0) {
        /* E0 80..9F would be overlong, ED A0..BF a surrogate */
        return room >= 3 && follows(p[1]) && follows(p[2]) && (lead != 0xe0 || p[1] >= 0xa0) &&
                       (lead != 0xed || p[1] < 0xa0)
                   ? 3
                   : 0;
    }
    /* F0 80..8F would be overlong, F4 90.. beyond U+10FFFF */
    return room >= 4 && lead < 0xf5 && follows(p[1]) && follows(p[2]) && follows(p[3]) &&
                   (lead != 0xf0 || p[1] >= 0x90) && (lead != 0xf4 || p[1] < 0x90)
               ? 4
               : 0;
}

size_t tn_utf8_check(const char *data, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)data;
    size_t i = 0;
    while (i < size) {
        while (i + 16 <= size &&
               ((load_word(data + i) | load_word(data + i + 8)) & HIGH_BITS) == 0) {
            i += 16;
        }
        /* prose comes in runs: stay here until the text is plain again */
        while (i < size) {
            const size_t length = sequence(bytes + i, size - i);
            if (length == 0) {
                return i;
            }
            i += length;
            if (length == 1 && i + 8 <= size && (load_word(data + i) & HIGH_BITS) == 0) {
                break;
            }
        }
    }
    return size;
}

/* Bytes 10xxxxxx of eight. */
static size_t following_of(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return (size_t)(((word >> 7) & ~(word >> 6) & ones) * ones >> 56);
}

size_t tn_utf8_length(const char *data, size_t size)
{
    size_t following = 0;
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        following += following_of(load_word(data + i));
    }
    if (i < size && size > 8) { /* the last eight, without those that are counted */
        following += following_of(load_word(data + size - 8) >> 8 * (8 - (size - i)));
        i = size;
    }
    for (; i < size; i++) {
        following += ((uint8_t)data[i] & 0xc0) == 0x80;
    }
    return size - following;
}

size_t tn_utf8_skip(const char *data, size_t size, size_t count)
{
    size_t i = 0;
    while (i < size && count > 0) {
        i++;
        while (i < size && follows((uint8_t)data[i])) {
            i++;
        }
        count--;
    }
    return i;
}

uint32_t tn_utf8_next(const char *data, size_t size, size_t *at)
{
    const uint8_t *p = (const uint8_t *)data + *at;
    const size_t length = sequence(p, size - *at);
    *at += length == 0 ? 1 : length;
    switch (length) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3:
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    default:
        return TN_UTF8_REPLACEMENT;
    }
}

size_t tn_utf8_encode(uint32_t point, char *out)
{
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        point = TN_UTF8_REPLACEMENT;
    }
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    const size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(leads[length] | point);
    return length;
}
