/* crc.h - checksums of pages (CRC-32, as gzip has it) and of Avro blocks, S3 parts and spilled
 * pages (CRC-32C).  `crc` is 0 at first, then the last answer. */
#ifndef TN_CODEC_CRC_H
#define TN_CODEC_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t tn_crc32(uint32_t crc, const void *data, size_t size);
uint32_t tn_crc32c(uint32_t crc, const void *data, size_t size);

#endif
