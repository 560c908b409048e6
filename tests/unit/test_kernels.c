/* Vector kernels against plain loops in 128 bits, at every length around a word, column and
 * constant operands; ctest runs this at each CPU level. */
#include "base/bitmap.h"
#include "kernel/compare.h"
#include "kernel/convert.h"
#include "support/check.h"

#include <math.h>

enum { ROWS = 193 };

/* Values that sit at the edges of every lane. */
static const double edges[] = {0,  1,   -1,  2,     7,     -8,     127,        -128,          255,
                               99, 300, -77, 65535, 32767, -32768, 2147483647, -2147483648.0, 3,
                               12, 5};

static tn_i128 exact(tn_arithmetic_op op, tn_i128 a, tn_i128 b, bool *bad)
{
    tn_i128 product = 0;
    *bad = false;
    switch (op) {
    case TN_ARITHMETIC_ADD:
        return a + b;
    case TN_ARITHMETIC_SUBTRACT:
        return a - b;
    case TN_ARITHMETIC_MULTIPLY:
        *bad = __builtin_mul_overflow(a, b, &product);
        return product;
    case TN_ARITHMETIC_DIVIDE:
        *bad = b == 0;
        return b == 0 ? 0 : a / b;
    case TN_ARITHMETIC_REMAINDER:
        *bad = b == 0;
        return b == 0 ? 0 : a % b;
    case TN_ARITHMETIC_COUNT:
        break;
    }
    return 0;
}

static size_t checked_runs;

#define CHECK_INTEGER(name, type)                                                                 \
    do {                                                                                          \
        type a[ROWS + 64];                                                                        \
        type b[ROWS + 64];                                                                        \
        type out[ROWS + 64];                                                                      \
        uint64_t faults[8];                                                                       \
        for (size_t i = 0; i < ROWS + 64; i++) {                                                  \
            a[i] = (type)(int64_t)edges[i % 20];                                                  \
            b[i] = (type)(int64_t)edges[i * 7 / 3 % 20];                                          \
            a[i] = i % 31 == 0 ? (type)((uint64_t)1 << (sizeof(type) * 8 - 1)) : a[i];            \
            b[i] = i % 37 == 0 ? (type)-1 : b[i];                                                 \
        }                                                                                         \
        for (unsigned op = 0; op < TN_ARITHMETIC_COUNT; op++) {                                   \
            for (size_t rows = 0; rows <= ROWS; rows++) {                                         \
                for (int constant = 0; constant < 2; constant++) {                                \
                    const type by = b[5 + op];                                                    \
                    type copies[TN_CONSTANT_COPIES];                                              \
                    for (size_t i = 0; i < TN_CONSTANT_COPIES; i++) {                             \
                        copies[i] = by;                                                           \
                    }                                                                             \
                    const void *right = constant ? (const void *)copies : (const void *)b;        \
                    const size_t mask = constant ? TN_MASK_CONSTANT : TN_MASK_COLUMN;             \
                    const bool any = tn_arithmetic_checked((tn_arithmetic_op)op, TN_LANE_##name)( \
                        a, TN_MASK_COLUMN, right, mask, rows, out, faults);                       \
                    bool want_any = false;                                                        \
                    for (size_t i = 0; i < rows; i++) {                                           \
                        bool bad = false;                                                         \
                        const tn_i128 want =                                                      \
                            exact((tn_arithmetic_op)op, a[i], constant ? by : b[i], &bad);        \
                        bad |= (tn_i128)(type)want != want;                                       \
                        CHECK_EQ(faults[i / 64] >> (i % 64) & 1, bad);                            \
                        CHECK(bad || out[i] == (type)want);                                       \
                        want_any |= bad;                                                          \
                    }                                                                             \
                    CHECK_EQ(any, want_any);                                                      \
                    if (op <= TN_ARITHMETIC_MULTIPLY) {                                           \
                        tn_arithmetic_plain((tn_arithmetic_op)op, TN_LANE_##name)(                \
                            a, TN_MASK_COLUMN, right, mask, rows, out);                           \
                        for (size_t i = 0; i < rows; i++) {                                       \
                            bool bad = false;                                                     \
                            const tn_i128 want =                                                  \
                                exact((tn_arithmetic_op)op, a[i], constant ? by : b[i], &bad);    \
                            CHECK(bad || out[i] == (type)want);                                   \
                        }                                                                         \
                    }                                                                             \
                    checked_runs++;                                                               \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
    } while (0);

TEST(integer_arithmetic_agrees_with_exact_numbers_in_every_lane)
{
    (void)pool;
    CHECK_INTEGER(i8, int8_t)
    CHECK_INTEGER(i16, int16_t)
    CHECK_INTEGER(i32, int32_t)
    CHECK_INTEGER(i64, int64_t)
    CHECK_INTEGER(u8, uint8_t)
    CHECK_INTEGER(u16, uint16_t)
    CHECK_INTEGER(u32, uint32_t)
    CHECK_INTEGER(u64, uint64_t)
    CHECK(checked_runs > 0);
}

TEST(every_arithmetic_kernel_is_run_above)
{
    (void)pool;
    for (int lane = 0; lane < TN_LANE_COUNT; lane++) {
        const bool is_float = lane == TN_LANE_f32 || lane == TN_LANE_f64;
        for (int op = 0; op < TN_ARITHMETIC_COUNT; op++) {
            CHECK_EQ(tn_arithmetic_checked((tn_arithmetic_op)op, (tn_lane)lane) != NULL, !is_float);
            CHECK_EQ(tn_arithmetic_plain((tn_arithmetic_op)op, (tn_lane)lane) != NULL,
                     is_float || op <= TN_ARITHMETIC_MULTIPLY);
        }
    }
}

#define CHECK_FLOAT(name, type)                                                           \
    do {                                                                                  \
        type a[ROWS];                                                                     \
        type b[ROWS];                                                                     \
        type out[ROWS];                                                                   \
        for (size_t i = 0; i < ROWS; i++) {                                               \
            a[i] = (type)edges[i % 20] * (type)0.37;                                      \
            b[i] = (type)edges[i * 7 / 3 % 20];                                           \
        }                                                                                 \
        for (size_t rows = 0; rows <= ROWS; rows++) {                                     \
            for (unsigned op = 0; op < TN_ARITHMETIC_COUNT; op++) {                       \
                tn_arithmetic_plain((tn_arithmetic_op)op, TN_LANE_##name)(                \
                    a, TN_MASK_COLUMN, b, TN_MASK_COLUMN, rows, out);                     \
                for (size_t i = 0; i < rows; i++) {                                       \
                    const type want = op == 0   ? a[i] + b[i]                             \
                                      : op == 1 ? a[i] - b[i]                             \
                                      : op == 2 ? a[i] * b[i]                             \
                                      : op == 3 ? a[i] / b[i]                             \
                                                : (type)fmod((double)a[i], (double)b[i]); \
                    CHECK_F64((double)out[i], (double)want);                              \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
    } while (0);

TEST(float_arithmetic_is_ieee)
{
    (void)pool;
    CHECK_FLOAT(f32, float)
    CHECK_FLOAT(f64, double)
}

/* From `from_type` to every integer lane: what does not fit is a fault, what fits is exact. */
#define CHECK_TO(name, type)                                                              \
    do {                                                                                  \
        type out[ROWS];                                                                   \
        uint64_t faults[8];                                                               \
        for (size_t rows = 0; rows <= ROWS; rows += rows < 66 ? 1 : 31) {                 \
            bool want_any = false;                                                        \
            const bool any =                                                              \
                tn_convert_checked(from_lane, TN_LANE_##name)(values, rows, out, faults); \
            for (size_t i = 0; i < rows; i++) {                                           \
                const bool is_float = (type)0.5 != 0;                                     \
                const tn_i128 want = wide[i];                                             \
                const bool bad = !is_float && (tn_i128)(type)want != want;                \
                CHECK_EQ(faults[i / 64] >> (i % 64) & 1, bad);                            \
                CHECK(bad || out[i] == (type)want);                                       \
                want_any |= bad;                                                          \
            }                                                                             \
            CHECK_EQ(any, want_any);                                                      \
        }                                                                                 \
    } while (0);

#define CHECK_FROM(name, type)                        \
    do {                                              \
        type values[ROWS];                            \
        tn_i128 wide[ROWS];                           \
        const tn_lane from_lane = TN_LANE_##name;     \
        for (size_t i = 0; i < ROWS; i++) {           \
            values[i] = (type)(int64_t)edges[i % 20]; \
            wide[i] = (tn_i128)values[i];             \
        }                                             \
        TN_LANES(CHECK_TO)                            \
        CHECK_TO(i128, tn_i128)                       \
    } while (0);

TEST(conversions_keep_what_fits_and_fault_on_the_rest)
{
    (void)pool;
    CHECK_FROM(i8, int8_t)
    CHECK_FROM(i16, int16_t)
    CHECK_FROM(i32, int32_t)
    CHECK_FROM(i64, int64_t)
    CHECK_FROM(u8, uint8_t)
    CHECK_FROM(u16, uint16_t)
    CHECK_FROM(u32, uint32_t)
    CHECK_FROM(u64, uint64_t)
    CHECK_FROM(i128, tn_i128)
}

TEST(floats_round_to_the_even_integer_and_stop_at_the_bounds)
{
    static const double values[] = {0.5,   1.5,    2.5,    -0.5, 127.4,
                                    127.5, -128.5, -128.6, NAN,  INFINITY};
    static const int8_t want[] = {0, 2, 2, 0, 127, 0, -128, 0, 0, 0};
    int8_t out[10];
    uint64_t faults;
    (void)pool;
    CHECK(tn_convert_checked(TN_LANE_f64, TN_LANE_i8)(values, 10, out, &faults));
    CHECK_U64(faults, 0x3a0);
    for (size_t i = 0; i < 10; i++) {
        CHECK_EQ(out[i], want[i]);
    }
}

TEST(bits_become_selections_and_back)
{
    (void)pool;
    for (size_t rows = 0; rows <= ROWS; rows++) {
        uint64_t bits[4] = {0};
        uint64_t back[4] = {0};
        uint16_t selection[ROWS + 8];
        uint32_t count = 0;
        for (size_t i = 0; i < ROWS; i++) {
            if (i * i % 7 < 3) {
                tn_bit_set(bits, i);
                count += i < rows;
            }
        }
        CHECK_EQ(tn_bits_to_selection(bits, rows, selection), count);
        tn_bits_of_selection(selection, count, back);
        for (size_t i = 0; i < ROWS; i++) {
            CHECK_EQ(tn_bit_get(back, i), i < rows && tn_bit_get(bits, i));
        }
        const uint64_t odd[4] = {0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa,
                                 0xaaaaaaaaaaaaaaaa};
        const uint32_t kept = tn_bits_filter(odd, selection, count, selection);
        for (uint32_t i = 0; i < kept; i++) {
            CHECK_EQ(selection[i] % 2, 1);
        }
    }
}

TEST(selected_comparisons_agree_with_all_rows)
{
    const tn_compare *table = tn_compare_table();
    int32_t a[ROWS];
    int32_t b[ROWS];
    uint16_t selection[ROWS];
    (void)pool;
    for (size_t i = 0; i < ROWS; i++) {
        a[i] = (int32_t)edges[i % 20];
        b[i] = (int32_t)edges[i * 3 % 20];
        selection[i] = (uint16_t)i;
    }
    for (size_t rows = 0; rows <= ROWS; rows++) {
        uint64_t bits[4];
        uint16_t passed[ROWS];
        table->lt[TN_LANE_i32](a, TN_MASK_COLUMN, b, TN_MASK_COLUMN, rows, bits);
        const uint32_t count = table->at_lt[TN_LANE_i32](a, TN_MASK_COLUMN, b, TN_MASK_COLUMN,
                                                         selection, rows, passed);
        CHECK_EQ(count, tn_bitmap_count(bits, rows));
        for (uint32_t i = 0; i < count; i++) {
            CHECK(tn_bit_get(bits, passed[i]));
        }
    }
}

TEST(decimals_divide_through_256_bits)
{
    tn_i128 out = 0;
    (void)pool;
    CHECK(tn_decimal_divide(1, 3, 10, &out) && out == 3333333333);
    CHECK(tn_decimal_divide(-5, 2, 0, &out) && out == -3);
    CHECK(!tn_decimal_divide(1, 0, 4, &out));
    const tn_i128 large = tn_power_of_ten_i128(37);
    CHECK(tn_decimal_divide(large, large, 20, &out) && out == tn_power_of_ten_i128(20));
    CHECK(!tn_decimal_divide(large, 1, 20, &out));
}
