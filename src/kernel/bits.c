/* Bits and selections. */
#include "kernel/compare.h"

#include <pthread.h>
#include <string.h>

#if defined(__SSE2__)
#    include <emmintrin.h>
#endif

/* positions[m] lists the set bits of the byte m, and counts[m] is how many they are: 4 KB, made
 * once, which stay in the first cache. */
static uint16_t positions[256][8];
static uint8_t counts[256];
static pthread_once_t positions_once = PTHREAD_ONCE_INIT;

static void fill_positions(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        size_t count = 0;
        for (unsigned bit = 0; bit < 8; bit++) {
            if ((byte >> bit & 1) != 0) {
                positions[byte][count++] = (uint16_t)bit;
            }
        }
        counts[byte] = (uint8_t)count;
    }
}

static inline size_t emit(unsigned byte, size_t base, uint16_t *out)
{
#if defined(__SSE2__)
    const __m128i at = _mm_loadu_si128((const __m128i *)positions[byte]);
    _mm_storeu_si128((__m128i *)out, _mm_add_epi16(at, _mm_set1_epi16((short)base)));
#else
    for (size_t i = 0; i < 8; i++) {
        out[i] = (uint16_t)(positions[byte][i] + base);
    }
#endif
    return counts[byte];
}

uint32_t tn_bits_to_selection(const uint64_t *bits, size_t rows, uint16_t *out)
{
    size_t kept = 0;
    (void)pthread_once(&positions_once, fill_positions);
    for (size_t row = 0; row < rows; row += 64) {
        uint64_t word = bits[row / 64];
        if (rows - row < 64) {
            word &= (UINT64_C(1) << (rows - row)) - 1;
        }
        if (word == 0) {
            continue;
        }
        for (size_t byte = 0; byte < 8; byte++, word >>= 8) { /* zeros: less than a branch */
            kept += emit((unsigned)(word & 255), row + 8 * byte, out + kept);
        }
    }
    return (uint32_t)kept;
}

uint32_t tn_bits_filter(const uint64_t *bits, const uint16_t *selection, size_t count,
                        uint16_t *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t row = selection[i];
        out[kept] = (uint16_t)row;
        kept += bits[row / 64] >> row % 64 & 1;
    }
    return (uint32_t)kept;
}

void tn_bits_of_selection(const uint16_t *selection, size_t count, uint64_t *bits)
{
    for (size_t i = 0; i < count; i++) {
        bits[selection[i] / 64] |= UINT64_C(1) << selection[i] % 64;
    }
}
