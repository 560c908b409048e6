#define TN_ISA v4
#include "kernel/csv_isa.inc.h"

/* Bytes are compressed to their places by one instruction where the machine has VBMI2, which the
 * level does not promise. */
__attribute__((target("avx512vbmi2"))) static inline uint32_t *
compress_ends(uint64_t bits, uint32_t base, uint32_t *out)
{
    static const uint8_t places[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const unsigned count = (unsigned)__builtin_popcountll(bits);
    const __m512i at = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(places));
    const __m512i first = _mm512_set1_epi32((int)base);
    _mm512_storeu_si512(out,
                        _mm512_add_epi32(first, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(at))));
    if (__builtin_expect(count > 16, 0)) {
        const __m128i parts[3] = {_mm512_extracti32x4_epi32(at, 1),
                                  _mm512_extracti32x4_epi32(at, 2),
                                  _mm512_extracti32x4_epi32(at, 3)};
        for (unsigned i = 0; 16 * (i + 1) < count; i++) {
            _mm512_storeu_si512(out + 16 * (i + 1),
                                _mm512_add_epi32(first, _mm512_cvtepu8_epi32(parts[i])));
        }
    }
    return out + count;
}

__attribute__((target("avx512vbmi2"))) static size_t
index_compressed(const char *text, size_t size, uint32_t *ends, tn_csv_scan *scan)
{
    return index_text(text, size, ends, scan, compress_ends);
}

extern const tn_csv_kernels tn_csv_kernels_v4_vbmi2;
const tn_csv_kernels tn_csv_kernels_v4_vbmi2 = {
    .index = index_compressed,
    .count = count_bytes,
    .utf8 = valid_utf8,
    .integers = read_integers,
    .decimals = read_decimals,
    .doubles = read_doubles,
    .dates = read_dates,
    .views = read_views,
};
