#include "kernel/find.h"

#include <string.h>

#if defined(__SSE2__)
#    include <emmintrin.h>
#endif

/* A call of memcmp() would cost more than the few bytes it compares. */
static inline bool same(const char *a, const char *b, size_t size)
{
    uint64_t words[2];
    if (size >= 8) {
        size_t at = 0;
        for (; at + 8 < size; at += 8) {
            memcpy(&words[0], a + at, 8);
            memcpy(&words[1], b + at, 8);
            if (words[0] != words[1]) {
                return false;
            }
        }
        memcpy(&words[0], a + size - 8, 8);
        memcpy(&words[1], b + size - 8, 8);
        return words[0] == words[1];
    }
    if (size >= 4) {
        uint32_t halves[4];
        memcpy(&halves[0], a, 4);
        memcpy(&halves[1], b, 4);
        memcpy(&halves[2], a + size - 4, 4);
        memcpy(&halves[3], b + size - 4, 4);
        return halves[0] == halves[1] && halves[2] == halves[3];
    }
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

#if defined(__SSE2__)
/* Sixteen bytes from `at` on that equal `wanted`, as bits at their places. */
static inline uint64_t places(__m128i bytes, __m128i wanted, size_t at)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)) << at;
}

/* Texts of 16 to 64 bytes: a bit a place for each of the two bytes.  Loads overlap, so that how
 * many there are does not depend on each text's length. */
static size_t find_short(tn_str text, tn_str needle, size_t from)
{
    const __m128i first_byte = _mm_set1_epi8(needle.data[0]);
    const __m128i last_byte = _mm_set1_epi8(needle.data[needle.size - 1]);
    const size_t end = text.size - 16;
    const size_t at[4] = {0, end < 16 ? end : 16, end, end < 32 ? end : 32};
    const size_t loads = text.size <= 48 ? 3 : 4;
    uint64_t first = 0;
    uint64_t last = 0;
    for (size_t i = 0; i < loads; i++) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text.data + at[i]));
        first |= places(bytes, first_byte, at[i]);
        last |= places(bytes, last_byte, at[i]);
    }
    uint64_t both = first & (last >> (needle.size - 1)) & (UINT64_MAX << from);
    for (; both != 0; both &= both - 1) {
        const size_t place = (size_t)__builtin_ctzll(both);
        if (same(text.data + place, needle.data, needle.size)) {
            return place;
        }
    }
    return SIZE_MAX;
}

/* Longer ones: those of 16 places at a time, and the last 16 once more. */
static size_t find_long(tn_str text, tn_str needle, size_t from)
{
    const size_t last = text.size - needle.size; /* the last place it can be, from 15 on */
    const __m128i first_byte = _mm_set1_epi8(needle.data[0]);
    const __m128i last_byte = _mm_set1_epi8(needle.data[needle.size - 1]);
    for (size_t at = from; at <= last; at += 16) {
        at = at > last - 15 ? last - 15 : at;
        const char *begin = text.data + at;
        const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)begin);
        const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(begin + needle.size - 1));
        const __m128i both =
            _mm_and_si128(_mm_cmpeq_epi8(a, first_byte), _mm_cmpeq_epi8(b, last_byte));
        unsigned bits = (unsigned)_mm_movemask_epi8(both);
        bits &= at < from ? UINT32_MAX << (from - at) : UINT32_MAX;
        for (; bits != 0; bits &= bits - 1) {
            const size_t place = at + (size_t)__builtin_ctz(bits);
            if (same(text.data + place, needle.data, needle.size)) {
                return place;
            }
        }
    }
    return SIZE_MAX;
}
#endif

size_t tn_find(tn_str text, tn_str needle, size_t from)
{
    if (needle.size == 0) {
        return from <= text.size ? from : SIZE_MAX;
    }
    if (needle.size > text.size || from > text.size - needle.size) {
        return SIZE_MAX;
    }
#if defined(__SSE2__)
    if (text.size >= 16 && text.size <= 64) {
        return find_short(text, needle, from);
    }
    if (text.size - needle.size >= 15) {
        return find_long(text, needle, from);
    }
#endif
    for (size_t at = from; at <= text.size - needle.size; at++) {
        if (text.data[at] == needle.data[0] && same(text.data + at, needle.data, needle.size)) {
            return at;
        }
    }
    return SIZE_MAX;
}
