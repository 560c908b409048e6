/* The bit loops for one instruction set; compiled by bits_v2.c and bits_v3.c. */
#include "codec/bits.h"

#include <string.h>
#if defined(__AVX2__)
#    include <immintrin.h>
#elif defined(__SSE4_2__)
#    include <nmmintrin.h>
#endif

#define PASTE_(a, b)    a##_##b
#define PASTE(a, b)     PASTE_(a, b)
#define FOR_ISA(name)   PASTE(name, TN_ISA)
#define ALWAYS_INLINE   static inline __attribute__((always_inline))
#define EACH_4(X, base) X(base) X(base + 1) X(base + 2) X(base + 3)
#define EACH_16(X, base) \
    EACH_4(X, base) EACH_4(X, base + 4) EACH_4(X, base + 8) EACH_4(X, base + 12)
#define EACH_32(X, base) EACH_16(X, base) EACH_16(X, base + 16)

enum { GROUP = 8, REACH = 32 /* a group may be loaded with this many bytes past its first */ };

ALWAYS_INLINE uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

/* Value `i` of a group; `width` and `i` are constants after inlining. */
ALWAYS_INLINE uint64_t value_at(const uint8_t *from, unsigned width, size_t i)
{
    const size_t bit = i * width;
    const unsigned shift = (unsigned)(bit % 8);
    const uint64_t mask = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
    uint64_t word = load64(from + bit / 8) >> shift;
    if (shift + width > 64) {
        word |= (uint64_t)from[bit / 8 + 8] << (64 - shift);
    }
    return word & mask;
}

/* Groups that can be loaded whole words at a time without passing `size`. */
ALWAYS_INLINE size_t whole_groups(size_t size, unsigned width, size_t count)
{
    const size_t bytes = width; /* of a group of 8 */
    const size_t reach = bytes + 16 > REACH ? bytes + 16 : REACH;
    const size_t groups = count / GROUP;
    const size_t safe = size < reach ? 0 : (size - reach) / bytes + 1;
    return groups < safe ? groups : safe;
}

/*
 * The rest, group by group from a padded copy.  `STORE` is the lane.  Written as a macro over lanes
 * since nothing but the lane differs.
 */
#define UNPACK(lane, T)                                                                            \
    ALWAYS_INLINE void groups_##lane(const uint8_t *from, size_t groups, T *to, unsigned width)    \
    {                                                                                              \
        for (size_t g = 0; g < groups; g++) {                                                      \
            for (size_t i = 0; i < GROUP; i++) {                                                   \
                to[i] = (T)value_at(from, width, i);                                               \
            }                                                                                      \
            from += width;                                                                         \
            to += GROUP;                                                                           \
        }                                                                                          \
    }                                                                                              \
    ALWAYS_INLINE void rest_##lane(const uint8_t *from, size_t size, unsigned width, size_t count, \
                                   T *to)                                                          \
    {                                                                                              \
        while (count > 0) {                                                                        \
            uint8_t padded[64 + 16] = {0};                                                         \
            const size_t some = count < GROUP ? count : GROUP;                                     \
            memcpy(padded, from, size < width ? size : width);                                     \
            for (size_t i = 0; i < some; i++) {                                                    \
                to[i] = (T)value_at(padded, width, i);                                             \
            }                                                                                      \
            from += size < width ? size : width;                                                   \
            size -= size < width ? size : width;                                                   \
            to += some;                                                                            \
            count -= some;                                                                         \
        }                                                                                          \
    }

UNPACK(u16, uint16_t)
UNPACK(u32, uint32_t)
UNPACK(u64, uint64_t)

#if defined(__AVX2__)
/* Eight values of up to 25 bits: each lies in four bytes, which a shuffle moves to its lane.  Two
 * loads, since a shuffle stays within 16 bytes; the second begins where value 4 does. */
static void narrow_groups_u32(const uint8_t *from, size_t groups, uint32_t *to, unsigned width)
{
    uint8_t pick[32];
    uint32_t shift[8];
    const size_t half = width / 2; /* value 4 begins at bit 4 * width */
    for (size_t i = 0; i < 8; i++) {
        const size_t bit = i * width - (i < 4 ? 0 : half * 8);
        shift[i] = (uint32_t)(bit % 8);
        for (size_t k = 0; k < 4; k++) {
            pick[4 * i + k] = (uint8_t)(bit / 8 + k);
        }
    }
    const __m256i picks = _mm256_loadu_si256((const __m256i *)(const void *)pick);
    const __m256i shifts = _mm256_loadu_si256((const __m256i *)(const void *)shift);
    const __m256i mask = _mm256_set1_epi32((int)((UINT32_C(1) << width) - 1));
    for (size_t g = 0; g < groups; g++) {
        const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)from);
        const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(from + half));
        __m256i values = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        values = _mm256_shuffle_epi8(values, picks);
        values = _mm256_and_si256(_mm256_srlv_epi32(values, shifts), mask);
        _mm256_storeu_si256((__m256i *)(void *)to, values);
        from += width;
        to += GROUP;
    }
}

/* Eight values of up to 9 bits: each lies in two bytes.  A product moves it to the top of its lane,
 * since there is no shift by lane for 16 bits. */
static void short_groups_u16(const uint8_t *from, size_t groups, uint16_t *to, unsigned width)
{
    uint8_t pick[32];
    uint16_t factor[16];
    for (size_t i = 0; i < 16; i++) { /* of two groups */
        const size_t bit = i % 8 * width;
        pick[2 * i] = (uint8_t)(bit / 8);
        pick[2 * i + 1] = (uint8_t)(bit / 8 + 1);
        factor[i] = (uint16_t)(1U << (16 - width - bit % 8));
    }
    const __m256i picks = _mm256_loadu_si256((const __m256i *)(const void *)pick);
    const __m256i factors = _mm256_loadu_si256((const __m256i *)(const void *)factor);
    const __m128i down = _mm_cvtsi32_si128((int)(16 - width));
    for (; groups >= 2; groups -= 2) {
        const __m128i first = _mm_loadu_si128((const __m128i *)(const void *)from);
        const __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(from + width));
        __m256i values = _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
        values = _mm256_mullo_epi16(_mm256_shuffle_epi8(values, picks), factors);
        _mm256_storeu_si256((__m256i *)(void *)to, _mm256_srl_epi16(values, down));
        from += 2 * (size_t)width;
        to += 2 * GROUP;
    }
    if (groups > 0) {
        __m128i values = _mm_loadu_si128((const __m128i *)(const void *)from);
        values = _mm_mullo_epi16(_mm_shuffle_epi8(values, _mm256_castsi256_si128(picks)),
                                 _mm256_castsi256_si128(factors));
        _mm_storeu_si128((__m128i *)(void *)to, _mm_srl_epi16(values, down));
    }
}

/* For lanes of 16 bits and values of up to 16: longer ones are unpacked to 32 and brought together.
 */
static void narrow_groups_u16(const uint8_t *from, size_t groups, uint16_t *to, unsigned width)
{
    uint32_t wide[64 * GROUP];
    if (width <= 9) {
        short_groups_u16(from, groups, to, width);
        return;
    }
    while (groups > 0) {
        const size_t some = groups < 64 ? groups : 64;
        narrow_groups_u32(from, some, wide, width);
        for (size_t i = 0; i < some * GROUP; i++) {
            to[i] = (uint16_t)wide[i];
        }
        from += some * width;
        to += some * GROUP;
        groups -= some;
    }
}

/* Values of up to 57 bits, four at a time; the pattern of shifts repeats every eight. */
static void narrow_groups_u64(const uint8_t *from, size_t groups, uint64_t *to, unsigned width)
{
    uint8_t pick[2][32];
    uint64_t shift[2][4];
    size_t start[2][2];
    for (size_t i = 0; i < 8; i++) {
        const size_t pair = i / 2 * 2 * width / 8; /* where the 16 bytes of a pair begin */
        const size_t bit = i * width - pair * 8;
        start[i / 4][i / 2 % 2] = pair;
        shift[i / 4][i % 4] = bit % 8;
        for (size_t k = 0; k < 8; k++) {
            pick[i / 4][8 * (i % 4) + k] = (uint8_t)(bit / 8 + k);
        }
    }
    const __m256i mask = _mm256_set1_epi64x((long long)((UINT64_C(1) << width) - 1));
    for (size_t g = 0; g < groups; g++) {
        for (size_t h = 0; h < 2; h++) {
            const __m128i low =
                _mm_loadu_si128((const __m128i *)(const void *)(from + start[h][0]));
            const __m128i high =
                _mm_loadu_si128((const __m128i *)(const void *)(from + start[h][1]));
            __m256i values = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
            values = _mm256_shuffle_epi8(
                values, _mm256_loadu_si256((const __m256i *)(const void *)pick[h]));
            values = _mm256_srlv_epi64(values,
                                       _mm256_loadu_si256((const __m256i *)(const void *)shift[h]));
            _mm256_storeu_si256((__m256i *)(void *)(to + 4 * h), _mm256_and_si256(values, mask));
        }
        from += width;
        to += GROUP;
    }
}
enum { NARROW_32 = 25, NARROW_16 = 16, NARROW_64 = 57 };
#else
enum { NARROW_32 = 0, NARROW_16 = 0, NARROW_64 = 0 };
#    define narrow_groups_u16(from, groups, to, width) ((void)0)
#    define narrow_groups_u32(from, groups, to, width) ((void)0)
#    define narrow_groups_u64(from, groups, to, width) ((void)0)
#endif

#define CASE_u16(w)                      \
    case w:                              \
        groups_u16(from, groups, to, w); \
        break;
#define CASE_u32(w)                      \
    case w:                              \
        groups_u32(from, groups, to, w); \
        break;
#define CASE_u64(w)                      \
    case w:                              \
        groups_u64(from, groups, to, w); \
        break;

static void unpack_u16(const uint8_t *from, size_t size, unsigned width, size_t count, uint16_t *to)
{
    if (width == 0) {
        memset(to, 0, count * sizeof(*to));
        return;
    }
    const size_t groups = whole_groups(size, width, count);
    if (width <= NARROW_16) {
        narrow_groups_u16(from, groups, to, width);
    } else {
        switch (width) {
            EACH_32(CASE_u16, 1)
        default:
            return;
        }
    }
    rest_u16(from + groups * width, size - groups * width, width, count - groups * GROUP,
             to + groups * GROUP);
}

static void unpack_u32(const uint8_t *from, size_t size, unsigned width, size_t count, uint32_t *to)
{
    if (width == 0) {
        memset(to, 0, count * sizeof(*to));
        return;
    }
    const size_t groups = whole_groups(size, width, count);
    if (width <= NARROW_32) {
        narrow_groups_u32(from, groups, to, width);
    } else {
        switch (width) {
            EACH_32(CASE_u32, 1)
        default:
            return;
        }
    }
    rest_u32(from + groups * width, size - groups * width, width, count - groups * GROUP,
             to + groups * GROUP);
}

static void unpack_u64(const uint8_t *from, size_t size, unsigned width, size_t count, uint64_t *to)
{
    if (width == 0) {
        memset(to, 0, count * sizeof(*to));
        return;
    }
    const size_t groups = whole_groups(size, width, count);
    if (width <= NARROW_64) {
        narrow_groups_u64(from, groups, to, width);
    } else {
        switch (width) {
            EACH_32(CASE_u64, 1)
            EACH_32(CASE_u64, 33)
        default:
            return;
        }
    }
    rest_u64(from + groups * width, size - groups * width, width, count - groups * GROUP,
             to + groups * GROUP);
}

/* ---- pack ------------------------------------------------------------------------------------ */

typedef struct packer {
    uint8_t *to;
    uint64_t bits; /* fewer than 8 are pending */
    unsigned pending;
} packer;

/* Adds up to 56 bits, which are all that `value` has. */
ALWAYS_INLINE void put_bits(packer *p, uint64_t value, unsigned width)
{
    p->bits |= value << p->pending;
    memcpy(p->to, &p->bits, 8);
    p->pending += width;
    p->to += p->pending / 8;
    p->bits >>= p->pending & ~7u;
    p->pending %= 8;
}

/* Joining neighbours first takes shifts that do not wait for each other. */
#define PACK(lane, T)                                                                        \
    static void pack_##lane(const T *from, unsigned width, size_t count, uint8_t *to)        \
    {                                                                                        \
        packer p = {to, 0, 0};                                                               \
        size_t i = 0;                                                                        \
        if (width <= 14) {                                                                   \
            for (; i + 4 <= count; i += 4) {                                                 \
                put_bits(&p,                                                                 \
                         ((uint64_t)from[i] | (uint64_t)from[i + 1] << width) |              \
                             ((uint64_t)from[i + 2] | (uint64_t)from[i + 3] << width)        \
                                 << (2 * width),                                             \
                         4 * width);                                                         \
            }                                                                                \
        } else if (width <= 28) {                                                            \
            for (; i + 2 <= count; i += 2) {                                                 \
                put_bits(&p, (uint64_t)from[i] | (uint64_t)from[i + 1] << width, 2 * width); \
            }                                                                                \
        }                                                                                    \
        for (; i < count; i++) {                                                             \
            const uint64_t value = from[i];                                                  \
            if (width <= 56) {                                                               \
                put_bits(&p, value, width);                                                  \
            } else {                                                                         \
                put_bits(&p, value &UINT32_MAX, 32);                                         \
                put_bits(&p, value >> 32, width - 32);                                       \
            }                                                                                \
        }                                                                                    \
        if (p.pending > 0) {                                                                 \
            *p.to = (uint8_t)p.bits;                                                         \
        }                                                                                    \
    }

PACK(u16, uint16_t)
PACK(u32, uint32_t)
PACK(u64, uint64_t)

/* ---- byte streams ---------------------------------------------------------------------------- */

static void join_4(const uint8_t *restrict from, size_t stride, size_t count, uint8_t *restrict to)
{
    const uint8_t *const b1 = from + stride;
    const uint8_t *const b2 = b1 + stride;
    const uint8_t *const b3 = b2 + stride;
    for (size_t i = 0; i < count; i++) {
        const uint32_t word = (uint32_t)from[i] | (uint32_t)b1[i] << 8 | (uint32_t)b2[i] << 16 |
                              (uint32_t)b3[i] << 24;
        memcpy(to + 4 * i, &word, 4);
    }
}

static void join_8(const uint8_t *restrict from, size_t stride, size_t count, uint8_t *restrict to)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t word = 0;
        for (size_t k = 0; k < 8; k++) {
            word |= (uint64_t)from[k * stride + i] << (8 * k);
        }
        memcpy(to + 8 * i, &word, 8);
    }
}

static void split_4(const uint8_t *restrict from, size_t stride, size_t count, uint8_t *restrict to)
{
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < count; i++) {
            to[k * stride + i] = from[4 * i + k];
        }
    }
}

static void split_8(const uint8_t *restrict from, size_t stride, size_t count, uint8_t *restrict to)
{
    for (size_t k = 0; k < 8; k++) {
        for (size_t i = 0; i < count; i++) {
            to[k * stride + i] = from[8 * i + k];
        }
    }
}

static uint16_t most_u16(const uint16_t *values, size_t count)
{
    uint16_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most = values[i] > most ? values[i] : most;
    }
    return most;
}

static uint32_t most_u32(const uint32_t *values, size_t count)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most = values[i] > most ? values[i] : most;
    }
    return most;
}

static uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *at = data;
#if defined(__SSE4_2__)
    uint64_t wide = crc;
    for (; size >= 8; size -= 8, at += 8) {
        wide = _mm_crc32_u64(wide, load64(at));
    }
    crc = (uint32_t)wide;
    for (; size > 0; size--, at++) {
        crc = _mm_crc32_u8(crc, *at);
    }
#else
    for (; size > 0; size--, at++) {
        crc ^= *at;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0x82f63b78) & (0 - (crc & 1)));
        }
    }
#endif
    return crc;
}

extern const tn_bits FOR_ISA(tn_bits);
const tn_bits FOR_ISA(tn_bits) = {
    .unpack_u16 = unpack_u16,
    .unpack_u32 = unpack_u32,
    .unpack_u64 = unpack_u64,
    .pack_u16 = pack_u16,
    .pack_u32 = pack_u32,
    .pack_u64 = pack_u64,
    .most_u16 = most_u16,
    .most_u32 = most_u32,
    .join_4 = join_4,
    .join_8 = join_8,
    .split_4 = split_4,
    .split_8 = split_8,
    .crc32c = crc32c,
};
