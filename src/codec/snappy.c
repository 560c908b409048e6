#include "codec/snappy.h"

#include <stdbool.h>
#include <string.h>

static uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static uint32_t load32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, 4);
    return word;
}

static void copy16(uint8_t *to, const uint8_t *from)
{
    uint64_t low = load64(from);
    uint64_t high = load64(from + 8);
    memcpy(to, &low, 8);
    memcpy(to + 8, &high, 8);
}

/* ---- decompress ------------------------------------------------------------------------------ */

TN_FALLIBLE tn_snappy_size(const uint8_t *from, size_t from_size, size_t *out, tarn_error *err)
{
    uint64_t size = 0;
    *out = 0;
    for (size_t i = 0; i < 5; i++) {
        if (i == from_size) {
            return tn_fail(err, TARN_E_CORRUPT, "snappy block ends early");
        }
        size |= (uint64_t)(from[i] & 0x7f) << (7 * i);
        if (from[i] < 0x80) {
            if (size > UINT32_MAX) {
                break;
            }
            *out = (size_t)size;
            return TARN_OK;
        }
    }
    return tn_fail(err, TARN_E_CORRUPT, "snappy block states a size above 4 GiB");
}

/* What a tag byte says: how many bytes of offset or length follow, and the length it holds. */
enum { SLOP = 64 }; /* the fast loop may read and write this far past what it was asked for */

typedef struct snappy_cursor {
    const uint8_t *at, *end;
    uint8_t *to, *to_start, *to_end;
} snappy_cursor;

/* An element near either end, each byte checked.  False on damage. */
static bool step_careful(snappy_cursor *c)
{
    const unsigned tag = *c->at++;
    const size_t left = (size_t)(c->end - c->at);
    size_t length;
    size_t offset = 0;
    switch (tag & 3) {
    case 0: {
        length = (tag >> 2) + 1;
        if (length > 60) {
            const size_t bytes = length - 60;
            if (left < bytes) {
                return false;
            }
            length = 0;
            for (size_t i = 0; i < bytes; i++) {
                length |= (size_t)c->at[i] << (8 * i);
            }
            length++;
            c->at += bytes;
        }
        if ((size_t)(c->end - c->at) < length || (size_t)(c->to_end - c->to) < length) {
            return false;
        }
        memcpy(c->to, c->at, length);
        c->at += length;
        c->to += length;
        return true;
    }
    case 1:
        if (left < 1) {
            return false;
        }
        length = 4 + ((tag >> 2) & 7);
        offset = (size_t)(tag >> 5) << 8 | c->at[0];
        c->at += 1;
        break;
    case 2:
        if (left < 2) {
            return false;
        }
        length = (tag >> 2) + 1;
        offset = (size_t)c->at[0] | (size_t)c->at[1] << 8;
        c->at += 2;
        break;
    default:
        if (left < 4) {
            return false;
        }
        length = (tag >> 2) + 1;
        offset = load32(c->at);
        c->at += 4;
        break;
    }
    if (offset == 0 || offset > (size_t)(c->to - c->to_start) ||
        length > (size_t)(c->to_end - c->to)) {
        return false;
    }
    const uint8_t *from = c->to - offset;
    for (size_t i = 0; i < length; i++) {
        c->to[i] = from[i];
    }
    c->to += length;
    return true;
}

/* A match of up to 64 bytes, with room to write 64 more.  Overlaps repeat their pattern: short
 * offsets are spread to 8 bytes at least before whole words are copied. */
static inline void copy_match(uint8_t *to, size_t offset, size_t length)
{
    const uint8_t *from = to - offset;
    if (offset >= 16 || offset >= length) { /* what is stored beyond the length is written again */
        copy16(to, from);
        copy16(to + 16, from + 16);
        if (length > 32) {
            copy16(to + 32, from + 32);
            copy16(to + 48, from + 48);
        }
        return;
    }
    if (offset >= 8) {
        for (size_t i = 0; i < length; i += 8) {
            const uint64_t word = load64(from + i);
            memcpy(to + i, &word, 8);
        }
        return;
    }
    /* The pattern of 1-7 bytes, repeated byte by byte over 8, then stepped by a multiple of it. */
    static const uint8_t step[8] = {0, 8, 8, 6, 8, 5, 6, 7};
    for (size_t i = 0; i < 8; i++) {
        to[i] = from[i];
    }
    const size_t stride = step[offset];
    const uint64_t word = load64(to);
    for (size_t i = stride; i < length; i += stride) {
        memcpy(to + i, &word, 8);
    }
}

/*
 * Values of eight bytes that share their upper ones with the value before, as most columns of whole
 * numbers do, are a literal of 1 to 4 bytes and a copy of the rest from 8 bytes behind, value after
 * value.  All such with one length of literal are done here in a few instructions each; at least 8
 * bytes lie behind `to`, and what the fast loop needs lies before both stops.
 */
static inline bool begins_values(uint64_t word, size_t length)
{
    return (word >> (8 * length + 8) & 0xffff) == (8 << 8 | (4 - length) << 2 | 1);
}

static void run_values(const uint8_t **from, const uint8_t *at_stop, uint8_t **into,
                       const uint8_t *to_stop)
{
    const uint8_t *at = *from;
    uint8_t *to = *into;
    const size_t length = (size_t)(*at >> 2) + 1;
    const unsigned copy = 8 * ((unsigned)length + 1); /* the bit where its tag is */
    const uint64_t tags = 0xff | UINT64_C(0xffff) << copy;
    const uint64_t wanted = load64(at) & tags;
    const uint64_t low = UINT64_MAX >> (64 - 8 * length);
    const uint64_t high = load64(to - 8) & ~low;
    while (at <= at_stop && to <= to_stop) {
        const uint64_t word = load64(at);
        if ((word & tags) != wanted) {
            break;
        }
        const uint64_t value = high | (word >> 8 & low);
        memcpy(to, &value, 8);
        at += length + 3;
        to += 8;
    }
    *from = at;
    *into = to;
}

/*
 * The loop for the middle: SLOP bytes of input and 2 x SLOP of output are there, so a tag needs no
 * check but that of its offset.  A short literal and the copy behind it are read as one word, since
 * what costs time is to learn from each tag where the next one is.
 */
static bool run_fast(snappy_cursor *c)
{
    const uint8_t *at = c->at;
    uint8_t *to = c->to;
    const uint8_t *const at_stop = c->end - (SLOP + 16);
    uint8_t *const to_stop = c->to_end - 2 * SLOP;
    bool good = true;

    while (at <= at_stop && to <= to_stop) {
        uint64_t word = load64(at);
        if ((word & 3) == 0) {
            const size_t length = (size_t)(word >> 2 & 63) + 1;
            if (length > 4) {
                at++;
                if (length > 60) {
                    const size_t bytes = length - 60;
                    const size_t longer = ((word >> 8) & (UINT32_MAX >> (32 - 8 * bytes)));
                    at += bytes;
                    if (longer >= (size_t)(c->end - at) || longer >= (size_t)(c->to_end - to)) {
                        good = false;
                        break;
                    }
                    memcpy(to, at, longer + 1);
                    at += longer + 1;
                    to += longer + 1;
                    continue;
                }
                copy16(to, at);
                if (length > 16) {
                    copy16(to + 16, at + 16);
                    copy16(to + 32, at + 32);
                    copy16(to + 48, at + 48);
                }
                at += length;
                to += length;
                continue;
            }
            if (begins_values(word, length) && to - c->to_start >= 8) {
                run_values(&at, at_stop, &to, to_stop);
                continue;
            }
            const uint64_t literal = word >> 8;
            memcpy(to, &literal, 8);
            word >>= 2 * (word & 0xff) + 16; /* 8 * length + 8, sooner */
            at += length + 1;
            to += length;
            if ((word & 3) == 0) {
                continue;
            }
        }
        const size_t kind = word & 3;
        size_t offset;
        size_t length;
        if (kind == 3) {
            offset = load32(at + 1);
            length = (size_t)(word >> 2 & 63) + 1;
            at += 5;
        } else { /* without a branch on which of the two it is */
            const uint64_t two = UINT64_C(1) - kind;
            offset = (word >> 8 & (0xff | (two & 0xff00))) | ((word & 0xe0) << 3 & ~two);
            length = (size_t)((word >> 2 & (7 | (two & 56))) + 4 - (two & 3));
            at += 1 + kind;
        }
        if (offset - 1 >= (size_t)(to - c->to_start)) {
            good = false;
            break;
        }
        copy_match(to, offset, length);
        to += length;
    }
    c->at = at;
    c->to = to;
    return good;
}

TN_FALLIBLE tn_snappy_decompress(const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size,
                                 tarn_error *err)
{
    size_t stated;
    TN_RETURN_IF_ERROR(tn_snappy_size(from, from_size, &stated, err));
    if (stated != to_size) {
        return tn_fail(err, TARN_E_CORRUPT, "snappy block holds %zu bytes, where %zu are stated",
                       stated, to_size);
    }
    snappy_cursor c = {.at = from, .end = from + from_size, .to = to, .to_start = to};
    c.to_end = to + to_size;
    while (*c.at++ >= 0x80) { /* the size; tn_snappy_size() saw its end */
    }
    bool good = true;
    if (from_size > SLOP + 16 && to_size > 2 * SLOP) {
        good = run_fast(&c);
    }
    while (good && c.at < c.end) {
        good = step_careful(&c);
    }
    if (!good) {
        return tn_fail(err, TARN_E_CORRUPT, "snappy block is damaged at byte %zu of %zu",
                       (size_t)(c.at - from), from_size);
    }
    if (c.to != c.to_end) {
        return tn_fail(err, TARN_E_CORRUPT, "snappy block ends early");
    }
    return TARN_OK;
}

/* ---- compress -------------------------------------------------------------------------------- */

enum {
    BLOCK = 1 << 16, /* offsets fit 16 bits, and so does the table */
    TAIL = 16,       /* matches are not looked for in a block's last bytes: loads stay inside */
    SKIP_SHIFT = 5,  /* without a match for 32 steps, step by two, and so on */
    TABLE_BITS = 14
};
_Static_assert(1 << TABLE_BITS == TN_SNAPPY_TABLE, "the table's size");

size_t tn_snappy_bound(size_t size)
{
    return size + size / 6 + 64;
}

static uint32_t hash5(const uint8_t *at, unsigned shift)
{
    return (uint32_t)((load64(at) << 24) * UINT64_C(0x9e3779b185ebca87) >> shift);
}

static uint8_t *put_literal(uint8_t *to, const uint8_t *from, size_t size, const uint8_t *end)
{
    if (size <= 60) {
        *to++ = (uint8_t)((size - 1) << 2);
        if (size <= 16 && end - from >= 16) {
            copy16(to, from);
            return to + size;
        }
    } else if (size <= 256) {
        *to++ = 60 << 2;
        *to++ = (uint8_t)(size - 1);
    } else {
        *to++ = 61 << 2;
        *to++ = (uint8_t)(size - 1);
        *to++ = (uint8_t)((size - 1) >> 8);
    }
    memcpy(to, from, size);
    return to + size;
}

static uint8_t *put_copy2(uint8_t *to, size_t offset, size_t length)
{
    to[0] = (uint8_t)((length - 1) << 2 | 2);
    to[1] = (uint8_t)offset;
    to[2] = (uint8_t)(offset >> 8);
    return to + 3;
}

static uint8_t *put_match(uint8_t *to, size_t offset, size_t length)
{
    while (length >= 68) {
        to = put_copy2(to, offset, 64);
        length -= 64;
    }
    if (length > 64) {
        to = put_copy2(to, offset, 60);
        length -= 60;
    }
    if (length < 12 && offset < 2048) {
        to[0] = (uint8_t)((offset >> 8) << 5 | (length - 4) << 2 | 1);
        to[1] = (uint8_t)offset;
        return to + 2;
    }
    return put_copy2(to, offset, length);
}

static size_t match_length(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    const uint8_t *const start = a;
    while (end - a >= 8) {
        const uint64_t difference = load64(a) ^ load64(b);
        if (difference != 0) {
            return (size_t)(a - start) + ((size_t)__builtin_ctzll(difference) >> 3);
        }
        a += 8;
        b += 8;
    }
    while (a < end && *a == *b) {
        a++;
        b++;
    }
    return (size_t)(a - start);
}

/* One block of up to 64 KiB.  Positions are hashed by five bytes: matches of four cost prose more
 * time than they save bytes. */
static uint8_t *compress_block(const uint8_t *base, size_t size, uint8_t *to, uint16_t *table)
{
    const uint8_t *const end = base + size;
    const uint8_t *literal = base;
    if (size > TAIL) {
        const uint8_t *const stop = end - TAIL;
        unsigned bits = 8;
        while (bits < TABLE_BITS && ((size_t)1 << bits) < size) {
            bits++;
        }
        const unsigned shift = 64 - bits;
        memset(table, 0, sizeof(*table) << bits);
        const uint8_t *at = base + 1;
        size_t skip = 1 << SKIP_SHIFT;
        while (at < stop) {
            const uint32_t slot = hash5(at, shift);
            const uint8_t *match = base + table[slot];
            table[slot] = (uint16_t)(at - base);
            if (load32(at) != load32(match)) {
                at += skip++ >> SKIP_SHIFT;
                continue;
            }
            size_t length = 4 + match_length(at + 4, match + 4, end);
            while (at > literal && match > base && at[-1] == match[-1]) {
                at--;
                match--;
                length++;
            }
            if (at > literal) {
                to = put_literal(to, literal, (size_t)(at - literal), end);
            }
            to = put_match(to, (size_t)(at - match), length);
            at += length;
            literal = at;
            skip = 1 << SKIP_SHIFT;
            if (at < stop) {
                table[hash5(at - 2, shift)] = (uint16_t)(at - 2 - base);
            }
        }
    }
    if (literal < end) {
        to = put_literal(to, literal, (size_t)(end - literal), end);
    }
    return to;
}

size_t tn_snappy_compress(const uint8_t *from, size_t from_size, uint8_t *to,
                          uint16_t table[TN_SNAPPY_TABLE])
{
    uint8_t *const start = to;
    size_t stated = from_size;
    for (; stated >= 0x80; stated >>= 7) {
        *to++ = (uint8_t)(stated | 0x80);
    }
    *to++ = (uint8_t)stated;
    for (size_t at = 0; at < from_size; at += BLOCK) {
        const size_t size = from_size - at < BLOCK ? from_size - at : BLOCK;
        to = compress_block(from + at, size, to, table);
    }
    return (size_t)(to - start);
}
