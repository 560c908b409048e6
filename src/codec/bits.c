#include "codec/bits.h"

#include "os/cpu.h"

#define DECLARE(level) extern const tn_bits tn_bits_##level;
DECLARE(v2)
#if defined(__x86_64__)
DECLARE(v3)
#endif

const tn_bits *tn_bits_table(void)
{
#if defined(__x86_64__)
    if (tn_cpu_level() >= TN_CPU_v3) {
        return &tn_bits_v3;
    }
#endif
    return &tn_bits_v2;
}

void tn_bytes_join(const uint8_t *from, size_t stride, size_t width, size_t count, uint8_t *to)
{
    for (size_t k = 0; k < width; k++) {
        for (size_t i = 0; i < count; i++) {
            to[i * width + k] = from[k * stride + i];
        }
    }
}

void tn_bytes_split(const uint8_t *from, size_t stride, size_t width, size_t count, uint8_t *to)
{
    for (size_t k = 0; k < width; k++) {
        for (size_t i = 0; i < count; i++) {
            to[k * stride + i] = from[i * width + k];
        }
    }
}
