/*
 * bits.h - the loops below all of Parquet's encodings: values packed into `width` bits each, least
 * significant bit first, and bytes split into streams.
 *
 * tn_bits_table() picks the build that suits this machine.  `size` is what may be read from `from`;
 * the values asked for must lie in it (tn_packed_size() bytes), and no byte past it is touched.
 */
#ifndef TN_CODEC_BITS_H
#define TN_CODEC_BITS_H

#include <stddef.h>
#include <stdint.h>

typedef struct tn_bits {
    /* `width` is at most 32 and 64; wider values are cut to the lane in unpack_u16. */
    void (*unpack_u16)(const uint8_t *from, size_t size, unsigned width, size_t count,
                       uint16_t *to);
    void (*unpack_u32)(const uint8_t *from, size_t size, unsigned width, size_t count,
                       uint32_t *to);
    void (*unpack_u64)(const uint8_t *from, size_t size, unsigned width, size_t count,
                       uint64_t *to);
    /* `to` has room for tn_packed_size() and 16 bytes more; values fit the width. */
    void (*pack_u16)(const uint16_t *from, unsigned width, size_t count, uint8_t *to);
    void (*pack_u32)(const uint32_t *from, unsigned width, size_t count, uint8_t *to);
    void (*pack_u64)(const uint64_t *from, unsigned width, size_t count, uint8_t *to);
    uint16_t (*most_u16)(const uint16_t *values, size_t count); /* 0 of none */
    uint32_t (*most_u32)(const uint32_t *values, size_t count);
    /* Byte k of value i lies at from[k * stride + i]. */
    void (*join_4)(const uint8_t *from, size_t stride, size_t count, uint8_t *to);
    void (*join_8)(const uint8_t *from, size_t stride, size_t count, uint8_t *to);
    void (*split_4)(const uint8_t *from, size_t stride, size_t count, uint8_t *to);
    void (*split_8)(const uint8_t *from, size_t stride, size_t count, uint8_t *to);
    uint32_t (*crc32c)(uint32_t crc, const void *data, size_t size); /* without the inversions */
} tn_bits;

const tn_bits *tn_bits_table(void);

static inline size_t tn_packed_size(size_t count, unsigned width)
{
    return (count * width + 7) / 8; /* counts are below 2^31, widths at most 64 */
}

/* Any width of value, for what the loops above do not know. */
void tn_bytes_join(const uint8_t *from, size_t stride, size_t width, size_t count, uint8_t *to);
void tn_bytes_split(const uint8_t *from, size_t stride, size_t width, size_t count, uint8_t *to);

/* How many bits a value needs. */
static inline unsigned tn_bit_width(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

#endif
