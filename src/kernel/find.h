/* find.h - a piece of text in another: the first and the last byte of the needle are looked for
 * sixteen places at a time, and only where both fit the rest is compared. */
#ifndef TN_KERNEL_FIND_H
#define TN_KERNEL_FIND_H

#include "base/str.h"

#if defined(__SSE2__)
#    include <emmintrin.h>
#endif

/* Index of the first occurrence at or behind `from`, or SIZE_MAX. */
static inline size_t tn_find(tn_str text, tn_str needle, size_t from)
{
    if (needle.size == 0) {
        return from <= text.size ? from : SIZE_MAX;
    }
    if (needle.size > text.size) {
        return SIZE_MAX;
    }
    const size_t last = text.size - needle.size; /* the last place it can be */
    size_t at = from;
#if defined(__SSE2__)
    const __m128i first_byte = _mm_set1_epi8(needle.data[0]);
    const __m128i last_byte = _mm_set1_epi8(needle.data[needle.size - 1]);
    while (at <= last && last - at >= 15) {
        const __m128i a = _mm_loadu_si128((const __m128i *)(text.data + at));
        const __m128i b = _mm_loadu_si128((const __m128i *)(text.data + at + needle.size - 1));
        const __m128i both =
            _mm_and_si128(_mm_cmpeq_epi8(a, first_byte), _mm_cmpeq_epi8(b, last_byte));
        for (unsigned bits = (unsigned)_mm_movemask_epi8(both); bits != 0; bits &= bits - 1) {
            const size_t place = at + (size_t)__builtin_ctz(bits);
            if (memcmp(text.data + place, needle.data, needle.size) == 0) {
                return place;
            }
        }
        at += 16;
    }
#endif
    for (; at <= last; at++) {
        if (text.data[at] == needle.data[0] &&
            memcmp(text.data + at, needle.data, needle.size) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

#endif
