/* Sets of deleted rows: every form of a Roaring bitmap, and bytes that are none. */
#include "table/files/row_set.h"

#include "support/check.h"

typedef struct bytes {
    uint8_t data[1 << 16];
    size_t size;
} bytes;

static void put(bytes *b, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        b->data[b->size++] = (uint8_t)(value >> 8 * i);
    }
}

/* The magic number, and how many 32-bit bitmaps follow. */
static void begin(bytes *b, uint64_t bitmaps)
{
    b->size = 0;
    put(b, 1681511377, 4);
    put(b, bitmaps, 8);
}

static void put_list_bitmap(bytes *b, uint32_t high, uint16_t key, const uint16_t *rows,
                            uint16_t count)
{
    put(b, high, 4);
    put(b, 12346, 4);
    put(b, 1, 4);
    put(b, key, 2);
    put(b, (uint64_t)count - 1, 2);
    put(b, 16, 4); /* the offset, which nobody needs */
    for (uint16_t i = 0; i < count; i++) {
        put(b, rows[i], 2);
    }
}

static tarn_code read_set(const bytes *b, tn_pool *pool, tn_row_set **out, tarn_error *err)
{
    tn_buffer *buffer;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_buffer_create(pool, b->size, &buffer, err));
    if (b->size > 0) {
        memcpy(buffer->data, b->data, b->size);
    }
    const tarn_code code = tn_row_set_read(buffer, pool, out, err);
    if (code != TARN_OK) {
        tn_buffer_release(buffer);
    }
    return code;
}

/* Row `row` alone. */
static bool has(const tn_row_set *set, uint64_t row)
{
    uint16_t position;
    return tn_row_set_others(set, row, 1, &position) == 0;
}

/* Any window gives what each row by itself gives. */
static bool windows_agree(const tn_row_set *set, uint64_t from, uint64_t to)
{
    static const uint32_t widths[] = {1, 7, 64, 1000, 2048};
    for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
        for (uint64_t at = from; at < to; at += widths[w]) {
            uint16_t got[2048];
            uint32_t next = 0;
            const uint32_t kept = tn_row_set_others(set, at, widths[w], got);
            for (uint32_t i = 0; i < widths[w]; i++) {
                if (!has(set, at + i) && (next >= kept || got[next++] != i)) {
                    return false;
                }
            }
            if (next != kept) {
                return false;
            }
        }
    }
    return true;
}

TEST(a_list_of_rows_leaves_the_others)
{
    static const uint16_t rows[] = {3, 4, 7, 11, 18, 29};
    bytes b;
    tn_row_set *set;
    uint16_t others[32];
    begin(&b, 1);
    put_list_bitmap(&b, 0, 0, rows, 6);
    CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_OK);
    CHECK_EQ(tn_row_set_count(set), 6);
    CHECK_EQ(tn_row_set_end(set), 30);
    CHECK_EQ(tn_row_set_others(set, 2, 8, others), 5); /* 2 5 6 8 9 */
    CHECK_EQ(others[0], 0);
    CHECK_EQ(others[1], 3);
    CHECK_EQ(others[4], 7);
    CHECK(windows_agree(set, 0, 5000));
    tn_row_set_destroy(set);
}

TEST(runs_bitmaps_and_lists_stand_beside_each_other)
{
    bytes b;
    tn_row_set *set;
    uint32_t count = 0;
    begin(&b, 2);
    put(&b, 0, 4); /* the low 4 Gi rows: a run block, a bitmap block, and two lists */
    put(&b, 12347 | 3 << 16, 4);
    put(&b, 1, 1); /* only the first is runs */
    put(&b, 0, 2);
    put(&b, 300 - 1, 2);
    put(&b, 1, 2);
    put(&b, 5000 - 1, 2);
    put(&b, 2, 2);
    put(&b, 0, 2);
    put(&b, 65535, 2);
    put(&b, 0, 2);
    put(&b, 0, 8); /* four offsets */
    put(&b, 0, 8);
    put(&b, 2, 2); /* runs: 10..109 and 65336..65535 */
    put(&b, 10, 2);
    put(&b, 99, 2);
    put(&b, 65336, 2);
    put(&b, 199, 2);
    for (uint32_t i = 0; i < 8192; i++) { /* every 13th row, 5000 of them */
        uint8_t byte = 0;
        for (uint32_t bit = 0; bit < 8; bit++) {
            const bool is_set = (8 * i + bit) % 13 == 5 && count < 5000;
            byte = (uint8_t)(byte | is_set << bit);
            count += is_set;
        }
        put(&b, byte, 1);
    }
    put(&b, 77, 2);
    put(&b, 0, 2);
    static const uint16_t far[] = {65535};
    put_list_bitmap(&b, 7, 65535, far, 1);
    CHECK_EQ(count, 5000);
    CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_OK);
    CHECK_EQ(tn_row_set_count(set), 300 + 5000 + 1 + 1 + 1);
    CHECK_U64(tn_row_set_end(set), UINT64_C(8) << 32);
    CHECK(!has(set, 9) && has(set, 10) && has(set, 109) && !has(set, 110));
    CHECK(!has(set, 65335) && has(set, 65336) && has(set, 65535) && !has(set, 65536));
    CHECK(has(set, 65541) && !has(set, 65542));
    CHECK(has(set, 131072 + 77) && has(set, UINT64_C(65535) * 65536));
    CHECK(has(set, (UINT64_C(8) << 32) - 1) && !has(set, UINT64_C(8) << 32));
    CHECK(windows_agree(set, 0, 3000));
    CHECK(windows_agree(set, 63000, 69000)); /* over the edge of a block */
    CHECK(windows_agree(set, 130000, 133000));
    tn_row_set_destroy(set);
}

TEST(an_empty_set_leaves_all)
{
    bytes b;
    tn_row_set *set;
    uint16_t others[8];
    begin(&b, 0);
    CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_OK);
    CHECK_EQ(tn_row_set_count(set), 0);
    CHECK_EQ(tn_row_set_end(set), 0);
    CHECK_EQ(tn_row_set_others(set, 65530, 8, others), 8);
    CHECK_EQ(others[7], 7);
    tn_row_set_destroy(set);
}

TEST(damaged_sets_of_rows_are_refused)
{
    static const uint16_t rows[] = {3, 4, 7};
    static const uint16_t falling[] = {4, 3, 7};
    bytes b;
    tn_row_set *set;
    begin(&b, 1);
    put_list_bitmap(&b, 0, 0, rows, 3);
    const size_t whole = b.size;
    for (b.size = 0; b.size < whole; b.size++) {
        CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_E_CORRUPT);
    }
    for (size_t i = 0; i < whole; i++) { /* any byte: refused, or another set */
        for (int bit = 0; bit < 8; bit++) {
            b.size = whole;
            b.data[i] ^= (uint8_t)(1 << bit);
            if (read_set(&b, pool, &set, NULL) == TARN_OK) {
                CHECK(windows_agree(set, 0, 100));
                tn_row_set_destroy(set);
            }
            b.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    begin(&b, 1);
    put_list_bitmap(&b, 0, 0, falling, 3);
    CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_E_CORRUPT);
    begin(&b, 2); /* the same 4 Gi rows twice */
    put_list_bitmap(&b, 1, 0, rows, 3);
    put_list_bitmap(&b, 1, 0, rows, 3);
    CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_E_CORRUPT);
    begin(&b, UINT64_MAX); /* more parts than bytes */
    CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_E_CORRUPT);
    begin(&b, 1); /* more blocks than there can be */
    put(&b, 0, 4);
    put(&b, 12346, 4);
    put(&b, UINT32_MAX, 4);
    CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_E_CORRUPT);
    begin(&b, 1); /* runs that overlap */
    put(&b, 0, 4);
    put(&b, 12347, 4);
    put(&b, 1, 1);
    put(&b, 0, 2);
    put(&b, 9, 2);
    put(&b, 2, 2);
    put(&b, 5, 2);
    put(&b, 4, 2);
    put(&b, 8, 2);
    put(&b, 4, 2);
    CHECK_EQ(read_set(&b, pool, &set, NULL), TARN_E_CORRUPT);
}

TEST(a_set_of_rows_that_loses_any_allocation_says_so)
{
    static const uint16_t rows[] = {1, 2, 3};
    bytes b;
    begin(&b, 1);
    put_list_bitmap(&b, 0, 0, rows, 3);
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tn_row_set *set;
        const tarn_code code = read_set(&b, pool, &set, NULL);
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        tn_row_set_destroy(set);
    }
}
