/* Codecs and bit loops: what goes in comes out, and no damage does more than an error. */
#include "codec/bits.h"
#include "codec/codec.h"
#include "codec/crc.h"
#include "codec/delta.h"
#include "codec/rle.h"
#include "codec/snappy.h"
#include "codec/stream.h"
#include "support/check.h"

#include <stdlib.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Text with matches near and far, runs and noise. */
static void fill(uint8_t *to, size_t size, unsigned kind)
{
    static const char *const words[] = {"the ", "quick ", "fox ", "lineitem ", "a", "zz", "slyly "};
    uint64_t state = 88172645463325252u + kind;
    for (size_t at = 0; at < size;) {
        const uint64_t r = next_random(&state);
        if (kind == 0) {
            to[at++] = (uint8_t)r;
        } else if (kind == 1) {
            to[at++] = 'x';
        } else if (kind == 2) {
            const char *const word = words[r % 7];
            for (size_t i = 0; word[i] != 0 && at < size; i++) {
                to[at++] = (uint8_t)word[i];
            }
        } else {
            const size_t back = 1 + (r >> 8) % (at < 70 ? at + 1 : 70);
            for (size_t i = 0; i < r % 90 && at < size; i++, at++) {
                to[at] = at >= back ? to[at - back] : (uint8_t)r;
            }
            if (at < size) {
                to[at++] = (uint8_t)(r >> 40);
            }
        }
    }
}

enum { TEXT_MAX = 200000 };

static const tn_codec written[] = {TN_CODEC_NONE, TN_CODEC_SNAPPY,     TN_CODEC_GZIP,
                                   TN_CODEC_ZSTD, TN_CODEC_LZ4_HADOOP, TN_CODEC_LZ4};

typedef struct bench {
    uint8_t *text, *packed, *back;
    size_t room;
} bench;

static bool bench_open(bench *b, tn_pool *pool)
{
    b->room = TEXT_MAX * 2;
    return tn_pool_alloc(pool, b->room, (void **)&b->text, NULL) == TARN_OK &&
           tn_pool_alloc(pool, b->room, (void **)&b->packed, NULL) == TARN_OK &&
           tn_pool_alloc(pool, b->room, (void **)&b->back, NULL) == TARN_OK;
}

static void bench_close(bench *b, tn_pool *pool)
{
    tn_pool_free(pool, b->text, b->room);
    tn_pool_free(pool, b->packed, b->room);
    tn_pool_free(pool, b->back, b->room);
}

TEST(every_codec_gives_back_what_it_took)
{
    static const size_t sizes[] = {0,   1,   2,   15,   16,    17,    63,    64,     65,
                                   127, 128, 129, 1000, 65535, 65536, 65537, 131072, TEXT_MAX};
    bench b;
    tn_decompressor d;
    CHECK(bench_open(&b, pool));
    tn_decompressor_init(&d, pool);
    for (size_t c = 0; c < sizeof(written) / sizeof(*written); c++) {
        tn_compressor compressor;
        CHECK_EQ(tn_compressor_init(&compressor, written[c], 0, pool, NULL), TARN_OK);
        for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
            for (unsigned kind = 0; kind < 4; kind++) {
                tarn_error err = TARN_ERROR_INIT;
                size_t size = b.room;
                fill(b.text, sizes[s], kind);
                CHECK_EQ(tn_compress(&compressor, b.text, sizes[s], b.packed, &size, &err),
                         TARN_OK);
                /* From the end of its own block, so that a read past it is seen by ASan. */
                uint8_t *exact = malloc(size + 1);
                uint8_t *out = malloc(sizes[s] + 1);
                CHECK(exact != NULL && out != NULL);
                memcpy(exact + 1, b.packed, size);
                const tarn_code code =
                    tn_decompress(&d, written[c], exact + 1, size, out + 1, sizes[s], &err);
                const bool same = code == TARN_OK && memcmp(out + 1, b.text, sizes[s]) == 0;
                free(exact);
                free(out);
                CHECK_STR(err.message, "");
                CHECK(same);
            }
        }
        tn_compressor_deinit(&compressor);
    }
    tn_decompressor_deinit(&d);
    bench_close(&b, pool);
}

TEST(damaged_blocks_fail_and_touch_nothing_else)
{
    bench b;
    tn_decompressor d;
    uint64_t state = 42;
    CHECK(bench_open(&b, pool));
    tn_decompressor_init(&d, pool);
    fill(b.text, 5000, 3);
    for (size_t c = 1; c < sizeof(written) / sizeof(*written); c++) {
        tn_compressor compressor;
        size_t size = b.room;
        CHECK_EQ(tn_compressor_init(&compressor, written[c], 0, pool, NULL), TARN_OK);
        CHECK_EQ(tn_compress(&compressor, b.text, 5000, b.packed, &size, NULL), TARN_OK);
        tn_compressor_deinit(&compressor);
        for (size_t cut = 0; cut < size; cut += 1 + cut / 16) {
            CHECK(tn_decompress(&d, written[c], b.packed, cut, b.back, 5000, NULL) != TARN_OK);
        }
        CHECK(tn_decompress(&d, written[c], b.packed, size, b.back, 4999, NULL) != TARN_OK);
        CHECK(tn_decompress(&d, written[c], b.packed, size, b.back, 5001, NULL) != TARN_OK);
        for (size_t round = 0; round < 500; round++) {
            uint8_t *copy = malloc(size);
            uint8_t *out = malloc(5000);
            memcpy(copy, b.packed, size);
            copy[next_random(&state) % size] ^= (uint8_t)(1u << (next_random(&state) % 8));
            const tarn_code code = tn_decompress(&d, written[c], copy, size, out, 5000, NULL);
            free(copy);
            free(out);
            CHECK(code == TARN_OK || code == TARN_E_CORRUPT || code == TARN_E_NOMEM);
        }
    }
    tn_decompressor_deinit(&d);
    bench_close(&b, pool);
}

enum { SNAPPY_MOST = 6000 };

/* A stream of elements that an encoder might or might not write, and what they mean, byte by byte.
 * False: one reaches to before the start. */
typedef struct elements {
    uint8_t packed[4 * SNAPPY_MOST], text[SNAPPY_MOST + 256];
    size_t packed_size, text_size;
    bool good;
} elements;

static void put_literal(elements *e, size_t length, uint64_t *state)
{
    if (length <= 60) {
        e->packed[e->packed_size++] = (uint8_t)((length - 1) << 2);
    } else {
        e->packed[e->packed_size++] = 60 << 2;
        e->packed[e->packed_size++] = (uint8_t)(length - 1);
    }
    for (size_t i = 0; i < length; i++) {
        const uint8_t byte = (uint8_t)next_random(state);
        e->packed[e->packed_size++] = byte;
        e->text[e->text_size++] = byte;
    }
}

static void put_copy(elements *e, unsigned kind, size_t offset, size_t length)
{
    if (kind == 1) {
        e->packed[e->packed_size++] = (uint8_t)(offset >> 8 << 5 | (length - 4) << 2 | 1);
        e->packed[e->packed_size++] = (uint8_t)offset;
    } else {
        e->packed[e->packed_size++] = (uint8_t)((length - 1) << 2 | kind);
        for (unsigned i = 0; i < (kind == 2 ? 2 : 4); i++) {
            e->packed[e->packed_size++] = (uint8_t)(offset >> (8 * i));
        }
    }
    e->good = e->good && offset > 0 && offset <= e->text_size;
    for (size_t i = 0; e->good && i < length; i++, e->text_size++) {
        e->text[e->text_size] = e->text[e->text_size - offset];
    }
}

static void make_elements(elements *e, uint64_t *state)
{
    const size_t most = 1 + next_random(state) % SNAPPY_MOST;
    const bool damaged = next_random(state) % 8 == 0;
    e->packed_size = 3;
    e->text_size = 0;
    e->good = true;
    while (e->good && e->text_size < most) {
        const uint64_t choice = next_random(state) % 8;
        const unsigned kind = (unsigned)(1 + next_random(state) % 3);
        const size_t length = kind == 1 ? 4 + next_random(state) % 8 : 1 + next_random(state) % 64;
        const size_t reach = e->text_size < 2046 ? e->text_size : 2046;
        if (choice < 2 && e->text_size >= (damaged ? 0 : 8)) { /* values of eight bytes */
            const size_t own = 1 + next_random(state) % 4;
            for (size_t i = next_random(state) % 40; e->good && i > 0 && e->text_size < most; i--) {
                put_literal(e, own, state);
                put_copy(e, i % 7 == 6 ? 2 : 1, 8, 8 - own);
            }
        } else if (choice < 4 || reach == 0) {
            put_literal(e, 1 + next_random(state) % (choice == 2 ? 100 : 8), state);
        } else if (choice < 7) {
            put_copy(e, kind, 1 + next_random(state) % (reach + damaged), length);
        } else {
            put_copy(e, kind, 1 + next_random(state) % (reach < 20 ? reach : 20), length);
        }
    }
    e->packed[0] = (uint8_t)(e->text_size | 0x80);
    e->packed[1] = (uint8_t)(e->text_size >> 7 | 0x80);
    e->packed[2] = (uint8_t)(e->text_size >> 14);
}

TEST(snappy_reads_any_elements_as_a_plain_loop_does)
{
    static elements e;
    uint64_t state = 7;
    size_t bad = 0;
    for (size_t round = 0; round < TEST_SIZE(20000, 3000); round++) {
        make_elements(&e, &state);
        uint8_t *packed = malloc(e.packed_size);
        uint8_t *out = malloc(e.text_size + 1);
        CHECK(packed != NULL && out != NULL);
        memcpy(packed, e.packed, e.packed_size);
        const tarn_code code = tn_snappy_decompress(packed, e.packed_size, out, e.text_size, NULL);
        const bool same = memcmp(out, e.text, e.text_size) == 0;
        free(packed);
        free(out);
        CHECK_EQ(code, e.good ? TARN_OK : TARN_E_CORRUPT);
        CHECK(!e.good || same);
        bad += !e.good;
    }
    CHECK(bad > 0);
}

TEST(snappy_says_where_it_is_damaged)
{
    tarn_error err = TARN_ERROR_INIT;
    uint8_t out[16];
    const uint8_t far[] = {8, 0, 'a', 0x01 | 3 << 2, 9};
    CHECK_EQ(tn_snappy_decompress(far, sizeof(far), out, 8, &err), TARN_E_CORRUPT);
    CHECK_STR(err.message, "snappy block is damaged at byte 5 of 5");
    CHECK_EQ(tn_snappy_decompress(far, 3, out, 8, &err), TARN_E_CORRUPT);
    CHECK_STR(err.message, "snappy block ends early");
    CHECK_EQ(tn_snappy_decompress(far, 0, out, 8, &err), TARN_E_CORRUPT);
    CHECK_EQ(tn_snappy_decompress(far, 5, out, 7, &err), TARN_E_CORRUPT);
    CHECK_STR(err.message, "snappy block holds 8 bytes, where 7 are stated");
}

TEST(codecs_survive_the_loss_of_any_allocation)
{
    uint8_t text[1000];
    uint8_t packed[4000];
    uint8_t back[1000];
    fill(text, sizeof(text), 2);
    for (size_t c = 0; c < sizeof(written) / sizeof(*written); c++) {
        for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
            tn_compressor compressor = {0};
            tn_decompressor d;
            size_t size = sizeof(packed);
            tn_decompressor_init(&d, pool);
            tarn_code code = tn_compressor_init(&compressor, written[c], 0, pool, NULL);
            if (code == TARN_OK) {
                code = tn_compress(&compressor, text, sizeof(text), packed, &size, NULL);
            }
            if (code == TARN_OK) {
                code = tn_decompress(&d, written[c], packed, size, back, sizeof(text), NULL);
            }
            tn_compressor_deinit(&compressor);
            tn_decompressor_deinit(&d);
            CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
            CHECK_EQ(pool->used, 0);
        }
    }
}

TEST(concatenated_gzip_members_are_one_page)
{
    uint8_t text[600];
    uint8_t packed[2000];
    uint8_t back[600];
    tn_compressor compressor;
    tn_decompressor d;
    size_t first = sizeof(packed);
    fill(text, sizeof(text), 2);
    CHECK_EQ(tn_compressor_init(&compressor, TN_CODEC_GZIP, 0, pool, NULL), TARN_OK);
    CHECK_EQ(tn_compress(&compressor, text, 200, packed, &first, NULL), TARN_OK);
    size_t second = sizeof(packed) - first;
    CHECK_EQ(tn_compress(&compressor, text + 200, 400, packed + first, &second, NULL), TARN_OK);
    tn_compressor_deinit(&compressor);
    tn_decompressor_init(&d, pool);
    CHECK_EQ(tn_decompress(&d, TN_CODEC_GZIP, packed, first + second, back, 600, NULL), TARN_OK);
    CHECK(memcmp(text, back, 600) == 0);
    tn_decompressor_deinit(&d);
}

static tarn_code inflate_all(tn_pool *pool, tn_codec codec, const uint8_t *from, size_t size,
                             size_t feed, size_t room, uint8_t *to, size_t to_size, size_t *got)
{
    tarn_code code = TARN_OK;
    tn_inflater *inflater = NULL;
    uint8_t *out = to;
    TN_TRY(tn_inflater_create(codec, pool, &inflater, NULL));
    for (size_t at = 0; at < size;) {
        const size_t some = size - at < feed ? size - at : feed;
        const uint8_t *in = from + at;
        for (;;) {
            const size_t left = (size_t)(to + to_size - out);
            uint8_t *const stop = out + (left < room ? left : room);
            TN_TRY(tn_inflater_step(inflater, &in, from + at + some, &out, stop, NULL));
            if (out < stop || stop == to + to_size) {
                break;
            }
        }
        at += some;
        if (in != from + at) {
            code = TARN_E_LIMIT;
            goto done;
        }
    }
    TN_TRY(tn_inflater_finish(inflater, NULL));
    *got = (size_t)(out - to);
done:
    tn_inflater_destroy(inflater);
    return code;
}

TEST(streams_give_text_however_they_are_fed)
{
    static const tn_codec codecs[] = {TN_CODEC_GZIP, TN_CODEC_ZSTD, TN_CODEC_NONE};
    bench b;
    CHECK(bench_open(&b, pool));
    fill(b.text, 30000, 2);
    for (size_t c = 0; c < 3; c++) {
        tn_compressor compressor;
        size_t size = 0;
        CHECK_EQ(tn_compressor_init(&compressor, codecs[c], 0, pool, NULL), TARN_OK);
        for (size_t at = 0; at < 30000; at += 10000) { /* three members */
            size_t some = b.room - size;
            CHECK_EQ(tn_compress(&compressor, b.text + at, 10000, b.packed + size, &some, NULL),
                     TARN_OK);
            size += some;
        }
        tn_compressor_deinit(&compressor);
        for (size_t feed = 1; feed < 40000; feed = feed * 3 + 1) {
            for (size_t room = 1; room < 40000; room = room * 7 + 5) {
                size_t got = 0;
                CHECK_EQ(
                    inflate_all(pool, codecs[c], b.packed, size, feed, room, b.back, b.room, &got),
                    TARN_OK);
                CHECK_EQ(got, 30000);
                CHECK(memcmp(b.text, b.back, got) == 0);
            }
        }
        size_t got = 0;
        if (codecs[c] != TN_CODEC_NONE) {
            CHECK_EQ(
                inflate_all(pool, codecs[c], b.packed, size - 5, 100, 100, b.back, b.room, &got),
                TARN_E_CORRUPT);
            b.packed[size / 2] ^= 0x55;
            CHECK_EQ(inflate_all(pool, codecs[c], b.packed, size, 100, 100, b.back, b.room, &got),
                     TARN_E_CORRUPT);
            b.packed[size / 2] ^= 0x55;
            for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
                const tarn_code code =
                    inflate_all(pool, codecs[c], b.packed, size, 999, 999, b.back, b.room, &got);
                CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
            }
        }
    }
    bench_close(&b, pool);
}

TEST(checksums_agree_with_their_definitions)
{
    CHECK_U64(tn_crc32(0, "123456789", 9), 0xcbf43926);
    CHECK_U64(tn_crc32c(0, "123456789", 9), 0xe3069283);
    CHECK_U64(tn_crc32c(tn_crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
    CHECK_U64(tn_crc32(tn_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
}

/* The plain definition. */
static uint64_t bits_of(const uint8_t *from, size_t first, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)((from[(first + i) / 8] >> ((first + i) % 8)) & 1) << i;
    }
    return value;
}

TEST(unpacks_every_width_and_count)
{
    const tn_bits *const bits = tn_bits_table();
    for (unsigned width = 0; width <= 64; width++) {
        for (size_t count = 0; count < 140; count += count < 40 ? 1 : 33) {
            const size_t size = tn_packed_size(count, width);
            uint8_t *from = malloc(size + 1);
            uint64_t wide[140];
            uint32_t middle[140];
            uint16_t narrow[140];
            bool good = true;
            fill(from, size, 0);
            bits->unpack_u64(from, size, width, count, wide);
            if (width <= 32) {
                bits->unpack_u32(from, size, width, count, middle);
                bits->unpack_u16(from, size, width, count, narrow);
            }
            for (size_t i = 0; i < count; i++) {
                const uint64_t want = bits_of(from, i * width, width);
                good &= wide[i] == want;
                good &= width > 32 || (middle[i] == (uint32_t)want && narrow[i] == (uint16_t)want);
            }
            uint8_t *packed = malloc(size + 16);
            bits->pack_u64(wide, width, count, packed);
            for (size_t i = 0; i < count; i++) {
                good &= bits_of(packed, i * width, width) == wide[i];
            }
            if (width <= 32) {
                bits->pack_u32(middle, width, count, packed);
                for (size_t i = 0; i < count; i++) {
                    good &= bits_of(packed, i * width, width) == middle[i];
                }
            }
            if (width <= 16) {
                bits->pack_u16(narrow, width, count, packed);
                for (size_t i = 0; i < count; i++) {
                    good &= bits_of(packed, i * width, width) == narrow[i];
                }
            }
            free(from);
            free(packed);
            CHECK(good);
        }
    }
}

TEST(splits_and_joins_byte_streams)
{
    enum { COUNT = 100 };
    uint8_t from[COUNT * 16];
    uint8_t split[COUNT * 16];
    uint8_t back[COUNT * 16];
    const tn_bits *const bits = tn_bits_table();
    fill(from, sizeof(from), 0);
    for (size_t width = 1; width <= 16; width++) {
        tn_bytes_split(from, COUNT, width, COUNT, split);
        CHECK(split[COUNT * (width - 1) + 7] == from[7 * width + width - 1]);
        tn_bytes_join(split, COUNT, width, COUNT, back);
        CHECK(memcmp(from, back, COUNT * width) == 0);
        if (width == 4 || width == 8) {
            uint8_t same[COUNT * 16];
            memset(back, 0, sizeof(back));
            (width == 4 ? bits->split_4 : bits->split_8)(from, COUNT, COUNT, same);
            (width == 4 ? bits->join_4 : bits->join_8)(split, COUNT, COUNT, back);
            CHECK(memcmp(split, same, COUNT * width) == 0);
            CHECK(memcmp(from, back, COUNT * width) == 0);
        }
    }
}

TEST(run_length_data_comes_back_in_pieces_of_any_size)
{
    enum { COUNT = 3000 };
    static uint32_t values[COUNT];
    static uint16_t narrow[COUNT];
    static uint32_t back[COUNT];
    static uint16_t back16[COUNT];
    static uint64_t packed_bits[COUNT / 64 + 2];
    uint8_t *packed = malloc(tn_rle_bound(COUNT, 32));
    uint64_t state = 7;
    for (unsigned width = 1; width <= 32; width++) {
        for (unsigned kind = 0; kind < 3; kind++) {
            const uint32_t mask = UINT32_MAX >> (32 - width);
            for (size_t i = 0; i < COUNT;) {
                const uint32_t value = (uint32_t)next_random(&state) & mask;
                const size_t run = kind == 0 ? 1 : kind == 1 ? next_random(&state) % 400 : COUNT;
                for (size_t k = 0; k <= run && i < COUNT; k++) {
                    values[i] = value;
                    narrow[i++] = (uint16_t)(value & (width < 16 ? mask : 0xffff));
                }
                for (size_t k = 0; kind == 1 && k < next_random(&state) % 50 && i < COUNT; k++) {
                    values[i] = (uint32_t)next_random(&state) & mask;
                    narrow[i] = (uint16_t)values[i];
                    i++;
                }
            }
            const size_t size = tn_rle_write_u32(values, COUNT, width, packed);
            CHECK(size + 16 <= tn_rle_bound(COUNT, width));
            uint8_t *exact = malloc(size);
            memcpy(exact, packed, size);
            for (size_t piece = 1; piece < COUNT; piece = piece * 2 + 1) {
                tn_rle rle;
                bool good = true;
                tn_rle_init(&rle, exact, size, width);
                for (size_t at = 0; at < COUNT; at += piece) {
                    const size_t some = COUNT - at < piece ? COUNT - at : piece;
                    if (at / piece % 5 == 4) {
                        good &= tn_rle_skip(&rle, some, NULL) == TARN_OK;
                        memcpy(back + at, values + at, some * 4);
                    } else {
                        good &= tn_rle_read_u32(&rle, some, back + at, NULL) == TARN_OK;
                    }
                }
                CHECK(good && memcmp(values, back, sizeof(back)) == 0);
            }
            if (width == 1) {
                tn_rle rle;
                size_t ones = 0;
                size_t want = 0;
                memset(packed_bits, 0, sizeof(packed_bits));
                tn_rle_init(&rle, exact, size, width);
                for (size_t at = 0; at < COUNT; at += 77) {
                    const size_t some = COUNT - at < 77 ? COUNT - at : 77;
                    CHECK_EQ(tn_rle_read_bits(&rle, some, packed_bits, at, &ones, NULL), TARN_OK);
                }
                for (size_t i = 0; i < COUNT; i++) {
                    CHECK_EQ(packed_bits[i / 64] >> (i % 64) & 1, values[i]);
                    want += values[i];
                }
                CHECK_EQ(ones, want);
                const size_t bit_size = tn_rle_write_bits(packed_bits, COUNT, packed);
                tn_rle_init(&rle, packed, bit_size, 1);
                CHECK_EQ(tn_rle_read_u32(&rle, COUNT, back, NULL), TARN_OK);
                CHECK(memcmp(values, back, sizeof(back)) == 0);
            }
            if (width <= 16) {
                tn_rle rle;
                const size_t size16 = tn_rle_write_u16(narrow, COUNT, width, packed);
                tn_rle_init(&rle, packed, size16, width);
                CHECK_EQ(tn_rle_read_u16(&rle, COUNT, back16, NULL), TARN_OK);
                CHECK(memcmp(narrow, back16, sizeof(narrow)) == 0);
            }
            free(exact);
        }
    }
    free(packed);
}

TEST(run_length_data_that_ends_early_is_refused)
{
    const uint8_t run[] = {20, 3};         /* ten times 3 */
    const uint8_t groups[] = {2 << 1 | 1}; /* two groups, no bytes */
    tn_rle rle;
    uint32_t back[20];
    tarn_error err = TARN_ERROR_INIT;
    tn_rle_init(&rle, run, 2, 2);
    CHECK_EQ(tn_rle_read_u32(&rle, 11, back, &err), TARN_E_CORRUPT);
    CHECK_STR(err.message, "run-length data ends early");
    tn_rle_init(&rle, run, 2, 2);
    CHECK(!tn_rle_take_run(&rle, 11, 3));
    CHECK(!tn_rle_take_run(&rle, 10, 2));
    CHECK(tn_rle_take_run(&rle, 10, 3));
    CHECK(!tn_rle_take_run(&rle, 1, 3));
    tn_rle_init(&rle, groups, 1, 2);
    CHECK_EQ(tn_rle_read_u32(&rle, 1, back, NULL), TARN_E_CORRUPT);
    tn_rle_init(&rle, NULL, 0, 0); /* no width, no bytes */
    CHECK_EQ(tn_rle_read_u32(&rle, 20, back, NULL), TARN_OK);
    CHECK_EQ(back[19], 0);
}

TEST(deltas_come_back_in_pieces_of_any_size)
{
    enum { COUNT = 1000 };
    static int64_t wide[COUNT];
    static int64_t back[COUNT];
    static int32_t narrow[COUNT];
    static int32_t back32[COUNT];
    uint8_t *packed = malloc(tn_delta_bound(COUNT));
    uint64_t state = 99;
    for (unsigned bits = 0; bits <= 64; bits++) {
        const uint64_t mask = bits == 0 ? 0 : ~UINT64_C(0) >> (64 - bits);
        for (size_t count = 0; count <= COUNT; count = count * 3 + 1) {
            for (size_t i = 0; i < count; i++) {
                wide[i] = (int64_t)((next_random(&state) & mask) + i * 3);
                narrow[i] = (int32_t)wide[i];
            }
            const size_t size = tn_delta_write_i64(wide, count, packed);
            CHECK(size + 16 <= tn_delta_bound(count));
            uint8_t *exact = malloc(size);
            memcpy(exact, packed, size);
            for (size_t piece = 1; piece < COUNT; piece = piece * 3 + 2) {
                tn_delta delta;
                CHECK_EQ(tn_delta_init(&delta, exact, size, NULL), TARN_OK);
                CHECK_EQ(delta.left, count);
                for (size_t at = 0; at < count; at += piece) {
                    const size_t some = count - at < piece ? count - at : piece;
                    CHECK_EQ(tn_delta_read_i64(&delta, some, back + at, NULL), TARN_OK);
                }
                CHECK(memcmp(wide, back, count * 8) == 0);
                CHECK(tn_delta_end(&delta) == exact + size);
            }
            free(exact);
            const size_t size32 = tn_delta_write_i32(narrow, count, packed);
            tn_delta delta;
            CHECK_EQ(tn_delta_init(&delta, packed, size32, NULL), TARN_OK);
            for (size_t at = 0; at < count; at += 37) {
                const size_t some = count - at < 37 ? count - at : 37;
                CHECK_EQ(tn_delta_read_i32(&delta, some, back32 + at, NULL), TARN_OK);
            }
            CHECK(memcmp(narrow, back32, count * 4) == 0);
        }
    }
    free(packed);
}

TEST(hostile_deltas_are_refused)
{
    tn_delta delta;
    tarn_error err = TARN_ERROR_INIT;
    int64_t back[4];
    const uint8_t no_parts[] = {0x80, 1, 0, 4, 0};
    const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
    const uint8_t too_wide[] = {0x80, 1, 4, 4, 0, 0, 65, 0, 0, 0};
    CHECK_EQ(tn_delta_init(&delta, no_parts, sizeof(no_parts), &err), TARN_E_CORRUPT);
    CHECK_STR(err.message, "delta-packed data claims 4 values in blocks of 128 with 0 parts");
    CHECK_EQ(tn_delta_init(&delta, endless, sizeof(endless), &err), TARN_E_CORRUPT);
    CHECK_EQ(tn_delta_init(&delta, no_parts, 3, &err), TARN_E_CORRUPT);
    CHECK_STR(err.message, "delta-packed data ends early");
    CHECK_EQ(tn_delta_init(&delta, too_wide, sizeof(too_wide), &err), TARN_OK);
    CHECK_EQ(tn_delta_read_i64(&delta, 4, back, &err), TARN_E_CORRUPT);
    CHECK_STR(err.message, "delta-packed data claims a width of 65 bits");
}
