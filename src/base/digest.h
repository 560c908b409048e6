/*
 * digest.h - SHA-256, HMAC-SHA-256 and MD5, for signatures, checksums and the functions of SQL.
 *
 * MD5 is for what others ask it for (Content-MD5, md5()), never to tell friend from foe.
 */
#ifndef TN_BASE_DIGEST_H
#define TN_BASE_DIGEST_H

#include "base/str.h"

enum { TN_SHA256_SIZE = 32, TN_MD5_SIZE = 16 };

typedef struct tn_sha256 {
    uint32_t state[8];
    uint64_t size;
    uint8_t rest[64];
} tn_sha256;
void tn_sha256_init(tn_sha256 *sha);
void tn_sha256_add(tn_sha256 *sha, const void *data, size_t size);
void tn_sha256_end(tn_sha256 *sha, uint8_t out[TN_SHA256_SIZE]);
void tn_sha256_of(tn_str data, uint8_t out[TN_SHA256_SIZE]);
void tn_hmac_sha256(tn_str key, tn_str data, uint8_t out[TN_SHA256_SIZE]);

typedef struct tn_md5 {
    uint32_t state[4];
    uint64_t size;
    uint8_t rest[64];
} tn_md5;
void tn_md5_init(tn_md5 *md5);
void tn_md5_add(tn_md5 *md5, const void *data, size_t size);
void tn_md5_end(tn_md5 *md5, uint8_t out[TN_MD5_SIZE]);
void tn_md5_of(tn_str data, uint8_t out[TN_MD5_SIZE]);

/* 2 * size digits in lower case, and a zero. */
void tn_hex(const uint8_t *bytes, size_t size, char *out);
/* Back; false where `text` is not 2 * size digits. */
bool tn_hex_parse(tn_str text, uint8_t *out, size_t size);
/* (size + 2) / 3 * 4 characters, and a zero. */
void tn_base64(const uint8_t *bytes, size_t size, char *out);

#endif
