#include "kernel/ascii.h"

#include <stdint.h>

void tn_ascii_map(const char *from, size_t size, char first, char *to)
{
    const uint8_t *restrict x = (const uint8_t *)from;
    uint8_t *restrict y = (uint8_t *)to;
    for (size_t i = 0; i < size; i++) {
        const uint8_t is_letter = (uint8_t)(x[i] - (uint8_t)first) < 26;
        y[i] = (uint8_t)(x[i] ^ (is_letter << 5));
    }
}
