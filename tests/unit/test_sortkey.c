/* Sort keys as bytes, and what a bound says of a column before its rows are keys. */
#include "kernel/sortkey.h"
#include "rows/sortkey.h"
#include "support/check.h"

enum { ROWS = 500 };

static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    return value;
}

static void fill(const tn_column *column, void *values, uint64_t seed)
{
    const size_t size = tn_lane_size(column->lane);
    for (uint64_t i = 0; i < ROWS; i++) {
        uint64_t bits = mix(i * 7 + seed);
        if (column->lane == TN_LANE_f64) {
            const double some[] = {0.0, -0.0, 1.5, -1.5, 1e300, -1e300, 0.0 / 0.0, (double)bits};
            memcpy(&bits, &some[bits % 8], 8);
        } else if (i % 3 == 0) {
            bits = (uint64_t)(int64_t)(int8_t)bits; /* near zero, and both ends */
        }
        memcpy((uint8_t *)values + i * size, &bits, size);
    }
}

static void cut_like_the_keys(tn_pool *pool, const tn_type *type, tn_lane lane, bool descending)
{
    static uint64_t values[ROWS];
    static uint16_t half[ROWS / 2];
    static uint16_t out[TN_BATCH_ROWS + 8];
    const tn_order order = {type, descending, descending};
    const tn_column column = {
        .type = type, .lane = (uint8_t)lane, .encoding = TN_FLAT, .rows = ROWS, .values = values};
    const tn_column *const columns[] = {&column};
    const size_t size = 1 + tn_sortkey_size(type);
    tn_sort_keys *keys;
    uint8_t bound[40];

    CHECK_EQ(tn_sort_keys_create(pool, &order, 1, &keys, NULL), TARN_OK);
    fill(&column, values, lane);
    for (uint32_t i = 0; i < ROWS / 2; i++) {
        half[i] = (uint16_t)(2 * i + 1);
    }
    for (uint32_t at = 0; at < ROWS; at += 23) {
        CHECK_EQ(tn_sort_keys_encode(keys, columns, NULL, ROWS, NULL), TARN_OK);
        memcpy(bound, keys->prefixes + (size_t)at * keys->prefix, size);
        for (int selected = 0; selected < 2; selected++) {
            uint32_t count = selected ? ROWS / 2 : ROWS;
            CHECK(tn_sort_keys_cut(keys, bound, &column, selected ? half : NULL, &count, out));
            uint32_t expected = 0;
            for (uint32_t i = (uint32_t)selected; i < ROWS; i += 1 + (uint32_t)selected) {
                if (memcmp(keys->prefixes + (size_t)i * keys->prefix, bound, size) <= 0) {
                    CHECK(expected < count && out[expected] == i);
                    expected++;
                }
            }
            CHECK_EQ(count, expected);
        }
    }
    tn_sort_keys_destroy(keys);
}

TEST(a_bound_cuts_a_column_as_its_key_cuts_keys)
{
    const struct {
        const tn_type *type;
        tn_lane lane; /* of the values: as declared, or narrower */
    } cases[] = {{TN_BIGINT, TN_LANE_i64},   {TN_BIGINT, TN_LANE_i16}, {TN_INTEGER, TN_LANE_i32},
                 {TN_INTEGER, TN_LANE_i8},   {TN_DATE, TN_LANE_i32},   {TN_UBIGINT, TN_LANE_u64},
                 {TN_UINTEGER, TN_LANE_u16}, {TN_DOUBLE, TN_LANE_f64}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cut_like_the_keys(pool, cases[i].type, cases[i].lane, false);
        cut_like_the_keys(pool, cases[i].type, cases[i].lane, true);
    }
}

TEST(a_bound_says_nothing_of_nulls_and_of_wider_values)
{
    const tn_order order = {TN_BIGINT, false, false};
    const uint8_t null[16] = {2};
    const uint8_t far[16] = {1, 0xff}; /* above all of a narrower lane */
    const int16_t values[4] = {1, 2, 3, 4};
    const uint64_t validity[1] = {5};
    tn_column column = {
        .type = TN_BIGINT, .lane = TN_LANE_i16, .encoding = TN_FLAT, .rows = 4, .values = values};
    uint16_t out[TN_BATCH_ROWS + 8];
    uint32_t count = 4;
    tn_sort_keys *keys;

    CHECK_EQ(tn_sort_keys_create(pool, &order, 1, &keys, NULL), TARN_OK);
    CHECK(!tn_sort_keys_cut(keys, null, &column, NULL, &count, out));
    CHECK(!tn_sort_keys_cut(keys, far, &column, NULL, &count, out));
    column.validity = validity;
    CHECK(!tn_sort_keys_cut(keys, far, &column, NULL, &count, out));
    CHECK_EQ(count, 4);
    tn_sort_keys_destroy(keys);
}
