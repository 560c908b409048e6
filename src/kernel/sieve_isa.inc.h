/* The sieve for one instruction set; compiled by sieve_v2.c, _v3.c, _v4.c. */
#include "kernel/sieve.h"
#include "kernel/template.h"

#if defined(__SSE2__)
#    include <immintrin.h>
#endif

/* Texts of sizes outside of these pass: they are few, or searching them costs more than a look. */
#if defined(__AVX512BW__)
static const size_t size_min = 0;
static const size_t size_most = 64;
typedef __m512i block;
#    define SET(byte) _mm512_set1_epi8(byte)
#elif defined(__AVX2__)
static const size_t size_min = 32;
static const size_t size_most = 64;
typedef __m256i block;
#    define SET(byte)  _mm256_set1_epi8(byte)
#    define LOAD(at)   _mm256_loadu_si256((const __m256i *)(const void *)(at))
#    define SAME(a, b) ((uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8((a), (b))))
#elif defined(__SSE2__)
static const size_t size_min = 16;
static const size_t size_most = 64;
typedef __m128i block;
#    define SET(byte)  _mm_set1_epi8(byte)
#    define LOAD(at)   _mm_loadu_si128((const __m128i *)(const void *)(at))
#    define SAME(a, b) ((uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8((a), (b))))
#else
static const size_t size_min = 0;
static const size_t size_most = 0;
typedef char block;
#    define SET(byte) (byte)
#endif

typedef struct wanted {
    block first[TN_SIEVE_PIECES], last[TN_SIEVE_PIECES];
} wanted;

TN_INLINE void prepare(const tn_sieve *sieve, wanted *w)
{
    for (size_t p = 0; p < TN_SIEVE_PIECES; p++) {
        w->first[p] = SET(sieve->pieces[p].first);
        w->last[p] = SET(sieve->pieces[p].last);
    }
}

#if defined(__AVX512BW__)
/* One load, of as many bytes as there are. */
TN_INLINE bool may_hold(const tn_sieve *sieve, const wanted *w, const char *text, size_t size)
{
    const __mmask64 there = _bzhi_u64(UINT64_MAX, (unsigned)size);
    const __m512i bytes = _mm512_maskz_loadu_epi8(there, text);
    bool all = true;
    for (size_t p = 0; p < TN_SIEVE_PIECES; p++) {
        all &= (_mm512_cmpeq_epi8_mask(bytes, w->first[p]) &
                (_mm512_cmpeq_epi8_mask(bytes, w->last[p]) >> sieve->pieces[p].gap)) != 0;
    }
    return all;
}
#elif defined(__SSE2__)
/* Blocks from the front as far as they are whole, and the last one once more. */
TN_INLINE bool may_hold(const tn_sieve *sieve, const wanted *w, const char *text, size_t size)
{
    uint64_t first[TN_SIEVE_PIECES] = {0};
    uint64_t last[TN_SIEVE_PIECES] = {0};
    bool all = true;
    for (size_t from = 0; from < size; from += sizeof(block)) {
        const size_t end = size - sizeof(block);
        const size_t at = from > end ? end : from;
        const block bytes = LOAD(text + at);
        for (size_t p = 0; p < TN_SIEVE_PIECES; p++) {
            first[p] |= SAME(bytes, w->first[p]) << at;
            last[p] |= SAME(bytes, w->last[p]) << at;
        }
    }
    for (size_t p = 0; p < TN_SIEVE_PIECES; p++) {
        all &= (first[p] & (last[p] >> sieve->pieces[p].gap)) != 0;
    }
    return all;
}
#else
TN_INLINE bool may_hold(const tn_sieve *sieve, const wanted *w, const char *text, size_t size)
{
    (void)sieve;
    (void)w;
    (void)text;
    return size == 0; /* all pass */
}
#endif

extern tn_sieve_fn TN_FOR_ISA(tn_sieve);
uint32_t TN_FOR_ISA(tn_sieve)(const tn_sieve *sieve, const tn_view *texts, uint32_t mask,
                              const uint16_t *rows, uint32_t count, uint16_t *out)
{
    const tn_sieve own = *sieve; /* which nothing written to out can change */
    wanted w;
    uint32_t kept = 0;
    prepare(&own, &w);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = rows == NULL ? i : rows[i];
        const tn_view *text = &texts[row & mask];
        const size_t size = text->size;
        out[kept] = (uint16_t)row;
        kept +=
            size - size_min > size_most - size_min || may_hold(&own, &w, tn_view_data(text), size);
    }
    return kept;
}
