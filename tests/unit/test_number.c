/* Numbers from text and back: exact, shortest, and refused where they do not fit. */
#include "base/number.h"
#include "base/number_internal.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const char *printed(char *out, size_t size)
{
    out[size] = '\0';
    return out;
}

TEST(integers_read_back)
{
    static const int64_t values[] = {0, 1, -1, 9, 10, 99, 100, -12345, INT64_MAX, INT64_MIN};
    char text[TN_NUMBER_SIZE + 1];
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char want[32];
        int64_t got;
        (void)snprintf(want, sizeof(want), "%lld", (long long)values[i]);
        CHECK_STR(printed(text, tn_print_i64(text, values[i])), want);
        CHECK_EQ(tn_parse_i64(text, strlen(text), &got), TN_PARSED);
        CHECK_EQ(got, values[i]);
    }
    CHECK_STR(printed(text, tn_print_u64(text, UINT64_MAX)), "18446744073709551615");
}

TEST(integers_that_do_not_fit_or_are_none)
{
    static const struct {
        const char *text;
        tn_parsed i64, u64;
    } cases[] = {
        {"9223372036854775807", TN_PARSED, TN_PARSED},
        {"9223372036854775808", TN_PARSED_TOO_LARGE, TN_PARSED},
        {"-9223372036854775808", TN_PARSED, TN_PARSED_TOO_LARGE},
        {"-9223372036854775809", TN_PARSED_TOO_LARGE, TN_PARSED_TOO_LARGE},
        {"18446744073709551616", TN_PARSED_TOO_LARGE, TN_PARSED_TOO_LARGE},
        {"99999999999999999999999999", TN_PARSED_TOO_LARGE, TN_PARSED_TOO_LARGE},
        {"0000000000000000000000000000001", TN_PARSED, TN_PARSED},
        {"+7", TN_PARSED, TN_PARSED},
        {"-0", TN_PARSED, TN_PARSED},
        {"", TN_PARSED_NOTHING, TN_PARSED_NOTHING},
        {"-", TN_PARSED_NOTHING, TN_PARSED_NOTHING},
        {" 1", TN_PARSED_NOTHING, TN_PARSED_NOTHING},
        {"1 ", TN_PARSED_NOTHING, TN_PARSED_NOTHING},
        {"1.0", TN_PARSED_NOTHING, TN_PARSED_NOTHING},
        {"99999999999999999999999999x", TN_PARSED_NOTHING, TN_PARSED_NOTHING},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t a;
        uint64_t b;
        CHECK_EQ(tn_parse_i64(cases[i].text, strlen(cases[i].text), &a), cases[i].i64);
        CHECK_EQ(tn_parse_u64(cases[i].text, strlen(cases[i].text), &b), cases[i].u64);
    }
}

TEST(integers_of_128_bits)
{
    static const char *const texts[] = {"0",
                                        "-1",
                                        "18446744073709551616",
                                        "100000000000000000000000000000000000000",
                                        "170141183460469231731687303715884105727",
                                        "-170141183460469231731687303715884105728",
                                        "-10000000000000000000"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[TN_NUMBER_SIZE + 1];
        tn_i128 value;
        CHECK_EQ(tn_parse_i128(texts[i], strlen(texts[i]), &value), TN_PARSED);
        CHECK_STR(printed(text, tn_print_i128(text, value)), texts[i]);
    }
    tn_i128 value;
    CHECK_EQ(tn_parse_i128("170141183460469231731687303715884105728", 39, &value),
             TN_PARSED_TOO_LARGE);
    CHECK_EQ(tn_parse_i128("-170141183460469231731687303715884105729", 40, &value),
             TN_PARSED_TOO_LARGE);
}

TEST(doubles_print_as_people_write_them)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {1, "1"},
        {0.1, "0.1"},
        {1e30, "1e+30"},
        {-0.0, "-0"},
        {0, "0"},
        {100, "100"},
        {123456.789, "123456.789"},
        {1e15, "1000000000000000"},
        {1e16, "1e+16"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1.5e-7, "1.5e-07"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {9007199254740993.0, "9007199254740992"},
        {-1.0 / 3, "-0.3333333333333333"},
        {9.5, "9.5"},
        {1e23, "1e+23"},
    };
    char text[TN_NUMBER_SIZE + 1];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_STR(printed(text, tn_print_f64(text, cases[i].value)), cases[i].text);
    }
    CHECK_STR(printed(text, tn_print_f64(text, __builtin_nan(""))), "NaN");
    CHECK_STR(printed(text, tn_print_f64(text, __builtin_inf())), "Infinity");
    CHECK_STR(printed(text, tn_print_f64(text, -__builtin_inf())), "-Infinity");
    CHECK_STR(printed(text, tn_print_f32(text, 0.1F)), "0.1");
    CHECK_STR(printed(text, tn_print_f32(text, 16777216.0F)), "16777216");
    CHECK_STR(printed(text, tn_print_f32(text, 3.4028235e38F)), "3.4028235e+38");
    CHECK_STR(printed(text, tn_print_f32(text, 1e-45F)), "1e-45");
}

TEST(doubles_are_the_shortest_that_read_back)
{
    uint64_t state = 88172645463325252;
    for (int i = 0; i < 30000; i++) {
        uint64_t bits = next_random(&state);
        char text[TN_NUMBER_SIZE + 1];
        char shorter[64];
        double value;
        double back;
        memcpy(&value, &bits, 8);
        if (value != value || __builtin_isinf(value)) {
            continue;
        }
        (void)printed(text, tn_print_f64(text, value));
        CHECK_EQ(tn_parse_f64(text, strlen(text), &back), TN_PARSED);
        CHECK_F64(back, value);
        CHECK_F64(strtod(text, NULL), value);
        /* printf's own search for the least precision that reads back */
        int precision = 0;
        do {
            (void)snprintf(shorter, sizeof(shorter), "%.*e", precision++, value);
        } while (strtod(shorter, NULL) != value);
        const tn_shortest least = tn_shortest_f64(value);
        CHECK((int)tn_print_u64(text, least.digits) <= precision);
    }
}

TEST(floats_are_the_shortest_that_read_back)
{
    uint64_t state = 1234567;
    for (int i = 0; i < 30000; i++) {
        const uint32_t bits = (uint32_t)next_random(&state);
        char text[TN_NUMBER_SIZE + 1];
        float value;
        float back;
        memcpy(&value, &bits, 4);
        if (value != value || __builtin_isinf(value)) {
            continue;
        }
        (void)printed(text, tn_print_f32(text, value));
        CHECK_EQ(tn_parse_f32(text, strlen(text), &back), TN_PARSED);
        CHECK_F64((double)back, (double)value);
        CHECK_F64((double)strtof(text, NULL), (double)value);
        CHECK(strlen(text) <= 17);
    }
}

TEST(decimal_text_is_rounded_correctly)
{
    uint64_t state = 42;
    for (int i = 0; i < 60000; i++) {
        char text[64];
        double got;
        float got32;
        const uint64_t digits = next_random(&state);
        const int exponent = (int)(next_random(&state) % 700) - 360;
        const int size = snprintf(text, sizeof(text), "%llu%llue%d", (unsigned long long)digits,
                                  (unsigned long long)(i % 2 ? next_random(&state) : 0), exponent);
        const double want = strtod(text, NULL);
        const tn_parsed parsed = tn_parse_f64(text, (size_t)size, &got);
        CHECK_F64(got, want);
        CHECK_EQ(parsed, __builtin_isinf(want) ? TN_PARSED_TOO_LARGE : TN_PARSED);
        (void)tn_parse_f32(text, (size_t)size, &got32);
        CHECK_F64((double)got32, (double)strtof(text, NULL));
    }
}

/* Half-way points with hundreds of digits, a hair above and below. */
TEST(ties_with_many_digits_are_decided)
{
    uint64_t state = 7;
    for (int i = 0; i < 500; i++) {
        static char text[1400];
        uint64_t bits = next_random(&state) & ~(UINT64_C(1) << 63);
        if (i % 2 == 0) {
            bits &= (UINT64_C(1) << 56) - 1; /* subnormal, or nearly */
        }
        double value;
        memcpy(&value, &bits, 8);
        if (value != value || __builtin_isinf(value)) {
            continue;
        }
        /* the exact half-way point: 2 x mantissa + 1 at half the unit, through long double */
        const long double half =
            ((long double)value + (long double)__builtin_nextafter(value, __builtin_inf())) / 2;
        (void)snprintf(text, sizeof(text), "%.1100Le", half);
        char *exponent = strchr(text, 'e');
        for (int nudge = -1; nudge <= 1; nudge++) {
            double got;
            if (nudge == 1) {
                exponent[-1] = '1';
            } else if (nudge == 0) {
                exponent[-1] = '0';
            }
            if (strlen(text) < sizeof(text)) {
                (void)tn_parse_f64(text, strlen(text), &got);
                CHECK_F64(got, strtod(text, NULL));
            }
        }
    }
    double got;
    CHECK_EQ(tn_parse_f64("2.4703282292062327208e-324", 26, &got), TN_PARSED);
    CHECK_F64(got, 0.0);
    CHECK_EQ(tn_parse_f64("2.4703282292062327209e-324", 26, &got), TN_PARSED);
    CHECK_F64(got, 5e-324);
}

TEST(words_and_odd_forms_of_floats)
{
    static const char *const good[] = {"nan", "NaN",    "-inf",          "Infinity", "+1",
                                       ".5",  "5.",     "1e5",           "1E-5",     "-.5e+3",
                                       "0e0", "1e-400", "0e999999999999"};
    static const char *const bad[] = {"",    "-",  ".",  "e5",   "1e",    "1e+",  "1.2.3",
                                      "0x1", "1 ", " 1", "1e5.", "infin", "nano", "1_0"};
    double value;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK_EQ(tn_parse_f64(good[i], strlen(good[i]), &value), TN_PARSED);
        CHECK_F64(value, strtod(good[i], NULL));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(tn_parse_f64(bad[i], strlen(bad[i]), &value), TN_PARSED_NOTHING);
    }
    CHECK_EQ(tn_parse_f64("1e400", 5, &value), TN_PARSED_TOO_LARGE);
    CHECK_EQ(tn_parse_f64("-1e99999999999999999", 20, &value), TN_PARSED_TOO_LARGE);
}

/* ---- the table, made again --------------------------------------------------------------------
 */

enum { LIMBS = 16 };

static void multiply(uint64_t *number, uint64_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        const tn_u128 product = (tn_u128)number[i] * factor + carry;
        number[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
}

static int top_bit(const uint64_t *number)
{
    int i = LIMBS - 1;
    while (number[i] == 0) {
        i--;
    }
    return 64 * i + 63 - __builtin_clzll(number[i]);
}

static bool bit_of(const uint64_t *number, int bit)
{
    return bit >= 0 && (number[bit / 64] >> (bit % 64) & 1);
}

TEST(the_table_of_powers_is_right)
{
    uint64_t power[LIMBS] = {1};
    for (int q = 0; q <= TN_POWER_MOST; q++) {
        const tn_power entry = tn__powers_of_five[q - TN_POWER_LEAST];
        const int top = top_bit(power);
        tn_u128 want = 0;
        for (int i = 0; i < 128; i++) {
            want = want << 1 | bit_of(power, top - i);
        }
        CHECK_U64(entry.high, (uint64_t)(want >> 64));
        CHECK_U64(entry.low, (uint64_t)want);
        if (q > 0 && q <= -TN_POWER_LEAST) { /* 2^(top + 128) / 5^q by long division */
            const tn_power inverse = tn__powers_of_five[-q - TN_POWER_LEAST];
            uint64_t rest[LIMBS] = {0};
            rest[top / 64] = UINT64_C(1) << top % 64; /* 2^top <= 5^q */
            tn_u128 quotient = 0;
            for (int i = 0; i < 128; i++) {
                multiply(rest, 2);
                bool enough = true;
                for (int j = LIMBS - 1; j >= 0; j--) {
                    if (rest[j] != power[j]) {
                        enough = rest[j] > power[j];
                        break;
                    }
                }
                quotient = quotient << 1 | enough;
                if (enough) {
                    uint64_t borrow = 0;
                    for (int j = 0; j < LIMBS; j++) {
                        const tn_u128 less = (tn_u128)power[j] + borrow;
                        borrow = less > rest[j];
                        rest[j] -= (uint64_t)less;
                    }
                }
            }
            quotient += q <= 27;
            CHECK_U64(inverse.high, (uint64_t)(quotient >> 64));
            CHECK_U64(inverse.low, (uint64_t)quotient);
        }
        multiply(power, 5);
    }
}
