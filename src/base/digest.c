/* FIPS 180-4, RFC 2104, RFC 1321, RFC 4648. */
#include "base/digest.h"

#if defined(__x86_64__)
#    include <cpuid.h>
#    include <immintrin.h>
#endif

enum { BLOCK = 64 };

/* ---- SHA-256 ----------------------------------------------------------------------------------
 */

static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate_right(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t rotate_left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void sha_blocks_plain(uint32_t state[8], const uint8_t *data, size_t count)
{
    uint32_t w[64];
    for (; count > 0; count--, data += BLOCK) {
        uint32_t v[8];
        for (size_t i = 0; i < 16; i++) {
            w[i] = (uint32_t)data[4 * i] << 24 | (uint32_t)data[4 * i + 1] << 16 |
                   (uint32_t)data[4 * i + 2] << 8 | data[4 * i + 3];
        }
        for (size_t i = 16; i < 64; i++) {
            const uint32_t a = w[i - 15];
            const uint32_t b = w[i - 2];
            w[i] = w[i - 16] + (rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3) + w[i - 7] +
                   (rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10);
        }
        memcpy(v, state, sizeof(v));
        for (size_t i = 0; i < 64; i++) {
            const uint32_t e = v[4];
            const uint32_t a = v[0];
            const uint32_t t1 = v[7] +
                                (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                                ((e & v[5]) ^ (~e & v[6])) + sha_k[i] + w[i];
            const uint32_t t2 = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                                ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
            memmove(v + 1, v, 7 * sizeof(v[0]));
            v[4] += t1;
            v[0] = t1 + t2;
        }
        for (size_t i = 0; i < 8; i++) {
            state[i] += v[i];
        }
    }
}

#if defined(__x86_64__)
/* With the CPU's own rounds; bodies of 8 MiB are hashed for plain HTTP, where a slow hash shows. */
__attribute__((target("sha,sse4.1"))) static void sha_blocks_ni(uint32_t state[8],
                                                                const uint8_t *data, size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i abcd = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i efgh = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    const __m128i cdab = _mm_shuffle_epi32(abcd, 0xB1);
    efgh = _mm_shuffle_epi32(efgh, 0x1B);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);

    for (; count > 0; count--, data += BLOCK) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4];
        for (size_t i = 0; i < 4; i++) {
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i)),
                                    swap);
        }
#    pragma GCC unroll 16
        for (size_t i = 0; i < 16; i++) {
            const __m128i k = _mm_loadu_si128((const __m128i *)(const void *)(sha_k + 4 * i));
            const __m128i sum = _mm_add_epi32(w[i & 3], k);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
            const __m128i last = w[(i + 3) & 3];
            __m128i next = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
            w[i & 3] = _mm_sha256msg2_epu32(next, last);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    abcd = _mm_blend_epi16(feba, dchg, 0xF0);
    efgh = _mm_alignr_epi8(dchg, feba, 8);
    _mm_storeu_si128((__m128i *)(void *)state, abcd);
    _mm_storeu_si128((__m128i *)(void *)(state + 4), efgh);
}

static bool has_sha(void)
{
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
           (b & 1U << 29) != 0;
}
#endif

static void sha_blocks(uint32_t state[8], const uint8_t *data, size_t count)
{
#if defined(__x86_64__)
    static _Atomic int known; /* 0 not asked, 1 no, 2 yes: all threads store the same */
    int has = known;
    if (has == 0) {
        known = has = has_sha() ? 2 : 1;
    }
    if (has == 2) {
        sha_blocks_ni(state, data, count);
        return;
    }
#endif
    sha_blocks_plain(state, data, count);
}

/* What both digests do alike: whole blocks from the data, the rest kept. */
typedef void block_function(uint32_t *state, const uint8_t *data, size_t count);

static void add(block_function *blocks, uint32_t *state, uint64_t *total, uint8_t rest[BLOCK],
                const uint8_t *data, size_t size)
{
    const size_t kept = (size_t)(*total % BLOCK);
    *total += size;
    if (kept > 0 && size > 0) {
        const size_t room = BLOCK - kept;
        const size_t part = size < room ? size : room;
        memcpy(rest + kept, data, part);
        data += part;
        size -= part;
        if (part < room) {
            return;
        }
        blocks(state, rest, 1);
    }
    if (size >= BLOCK) {
        blocks(state, data, size / BLOCK);
        data += size / BLOCK * BLOCK;
        size %= BLOCK;
    }
    if (size > 0) {
        memcpy(rest, data, size);
    }
}

/* The bit 1, zeros, and the size in bits. */
static void pad(block_function *blocks, uint32_t *state, uint64_t total, uint8_t rest[BLOCK],
                bool big_endian)
{
    uint8_t tail[2 * BLOCK] = {0};
    const size_t kept = (size_t)(total % BLOCK);
    const size_t size = kept < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    memcpy(tail, rest, kept);
    tail[kept] = 0x80;
    for (size_t i = 0; i < 8; i++) {
        tail[size - 1 - i] = (uint8_t)(total * 8 >> (big_endian ? 8 * i : 8 * (7 - i)));
    }
    blocks(state, tail, size / BLOCK);
}

void tn_sha256_init(tn_sha256 *sha)
{
    *sha = (tn_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void tn_sha256_add(tn_sha256 *sha, const void *data, size_t size)
{
    add(sha_blocks, sha->state, &sha->size, sha->rest, data, size);
}

void tn_sha256_end(tn_sha256 *sha, uint8_t out[TN_SHA256_SIZE])
{
    pad(sha_blocks, sha->state, sha->size, sha->rest, true);
    for (size_t i = 0; i < TN_SHA256_SIZE; i++) {
        out[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void tn_sha256_of(tn_str data, uint8_t out[TN_SHA256_SIZE])
{
    tn_sha256 sha;
    tn_sha256_init(&sha);
    tn_sha256_add(&sha, data.data, data.size);
    tn_sha256_end(&sha, out);
}

void tn_hmac_sha256(tn_str key, tn_str data, uint8_t out[TN_SHA256_SIZE])
{
    uint8_t short_key[TN_SHA256_SIZE];
    uint8_t block[BLOCK] = {0};
    tn_sha256 sha;

    if (key.size > BLOCK) {
        tn_sha256_of(key, short_key);
        memcpy(block, short_key, sizeof(short_key));
    } else if (key.size > 0) {
        memcpy(block, key.data, key.size);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        block[i] ^= 0x36;
    }
    tn_sha256_init(&sha);
    tn_sha256_add(&sha, block, BLOCK);
    tn_sha256_add(&sha, data.data, data.size);
    tn_sha256_end(&sha, out);
    for (size_t i = 0; i < BLOCK; i++) {
        block[i] ^= 0x36 ^ 0x5C;
    }
    tn_sha256_init(&sha);
    tn_sha256_add(&sha, block, BLOCK);
    tn_sha256_add(&sha, out, TN_SHA256_SIZE);
    tn_sha256_end(&sha, out);
}

/* ---- MD5 --------------------------------------------------------------------------------------
 */

static const uint32_t md5_k[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const uint8_t md5_turn[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};

static void md5_blocks(uint32_t state[4], const uint8_t *data, size_t count)
{
    for (; count > 0; count--, data += BLOCK) {
        uint32_t w[16];
        uint32_t a = state[0];
        uint32_t b = state[1];
        uint32_t c = state[2];
        uint32_t d = state[3];
        for (size_t i = 0; i < 16; i++) {
            w[i] = (uint32_t)data[4 * i + 3] << 24 | (uint32_t)data[4 * i + 2] << 16 |
                   (uint32_t)data[4 * i + 1] << 8 | data[4 * i];
        }
        for (size_t i = 0; i < 64; i++) {
            const size_t round = i / 16;
            const uint32_t f = round == 0   ? (b & c) | (~b & d)
                               : round == 1 ? (d & b) | (~d & c)
                               : round == 2 ? b ^ c ^ d
                                            : c ^ (b | ~d);
            static const uint8_t step[4] = {1, 5, 3, 7};
            static const uint8_t start[4] = {0, 1, 5, 0};
            const size_t g = (step[round] * i + start[round]) % 16;
            const uint32_t sum = a + f + md5_k[i] + w[g];
            a = d;
            d = c;
            c = b;
            b += rotate_left(sum, md5_turn[4 * round + i % 4]);
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
    }
}

void tn_md5_init(tn_md5 *md5)
{
    *md5 = (tn_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void tn_md5_add(tn_md5 *md5, const void *data, size_t size)
{
    add(md5_blocks, md5->state, &md5->size, md5->rest, data, size);
}

void tn_md5_end(tn_md5 *md5, uint8_t out[TN_MD5_SIZE])
{
    pad(md5_blocks, md5->state, md5->size, md5->rest, false);
    for (size_t i = 0; i < TN_MD5_SIZE; i++) {
        out[i] = (uint8_t)(md5->state[i / 4] >> (8 * (i % 4)));
    }
}

void tn_md5_of(tn_str data, uint8_t out[TN_MD5_SIZE])
{
    tn_md5 md5;
    tn_md5_init(&md5);
    tn_md5_add(&md5, data.data, data.size);
    tn_md5_end(&md5, out);
}

/* ---- digits -----------------------------------------------------------------------------------
 */

void tn_hex(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

static int digit_of(char c)
{
    const char low = tn_ascii_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

bool tn_hex_parse(tn_str text, uint8_t *out, size_t size)
{
    if (text.size != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const int high = digit_of(text.data[2 * i]);
        const int low = digit_of(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

void tn_base64(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t i = 0; i < size; i += 3) {
        const uint32_t group = (uint32_t)bytes[i] << 16 |
                               (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                               (i + 2 < size ? bytes[i + 2] : 0);
        out[at++] = digits[group >> 18];
        out[at++] = digits[group >> 12 & 63];
        out[at++] = i + 1 < size ? digits[group >> 6 & 63] : '=';
        out[at++] = i + 2 < size ? digits[group & 63] : '=';
    }
    out[at] = '\0';
}
