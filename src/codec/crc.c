#include "codec/crc.h"

#include "codec/bits.h"

#include <libdeflate.h>

uint32_t tn_crc32(uint32_t crc, const void *data, size_t size)
{
    return size == 0 ? crc : libdeflate_crc32(crc, data, size);
}

uint32_t tn_crc32c(uint32_t crc, const void *data, size_t size)
{
    return ~tn_bits_table()->crc32c(~crc, data, size);
}
