/* Integers from text and back. */
#include "base/number_internal.h"

#include <string.h>

const tn_power tn__powers_of_five[TN_POWER_MOST - TN_POWER_LEAST + 1] = {
#include "base/power_table.inc.h"
};

const uint64_t tn_powers_of_ten[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Digits only, at least one; false where something else is among them. */
static tn_parsed magnitude(const char *text, size_t size, uint64_t *out)
{
    uint64_t value = 0;
    if (size == 0) {
        return TN_PARSED_NOTHING;
    }
    if (size <= 19) {
        for (size_t i = 0; i < size; i++) {
            const unsigned digit = (unsigned)(uint8_t)text[i] - '0';
            if (digit > 9) {
                return TN_PARSED_NOTHING;
            }
            value = value * 10 + digit;
        }
        *out = value;
        return TN_PARSED;
    }
    bool fits = true;
    for (size_t i = 0; i < size; i++) {
        const unsigned digit = (unsigned)(uint8_t)text[i] - '0';
        if (digit > 9) {
            return TN_PARSED_NOTHING;
        }
        fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, digit, &value);
    }
    *out = value;
    return fits ? TN_PARSED : TN_PARSED_TOO_LARGE;
}

static size_t sign_size(const char *text, size_t size)
{
    return size > 0 && (text[0] == '-' || text[0] == '+');
}

tn_parsed tn_parse_u64(const char *text, size_t size, uint64_t *out)
{
    const size_t sign = sign_size(text, size);
    uint64_t value;
    const tn_parsed parsed = magnitude(text + sign, size - sign, &value);
    if (parsed == TN_PARSED && sign != 0 && text[0] == '-' && value != 0) {
        return TN_PARSED_TOO_LARGE;
    }
    if (parsed == TN_PARSED) {
        *out = value;
    }
    return parsed;
}

tn_parsed tn_parse_i64(const char *text, size_t size, int64_t *out)
{
    const size_t sign = sign_size(text, size);
    const bool negative = sign != 0 && text[0] == '-';
    uint64_t value;
    const tn_parsed parsed = magnitude(text + sign, size - sign, &value);
    if (parsed != TN_PARSED) {
        return parsed;
    }
    if (value > (uint64_t)INT64_MAX + negative) {
        return TN_PARSED_TOO_LARGE;
    }
    *out = (int64_t)(negative ? 0 - value : value);
    return TN_PARSED;
}

tn_parsed tn_parse_i128(const char *text, size_t size, tn_i128 *out)
{
    const size_t sign = sign_size(text, size);
    const bool negative = sign != 0 && text[0] == '-';
    const tn_u128 most = (tn_u128)((~(tn_u128)0) >> 1) + negative;
    tn_u128 value = 0;
    bool fits = true;
    if (size == sign) {
        return TN_PARSED_NOTHING;
    }
    for (size_t i = sign; i < size; i++) {
        const unsigned digit = (unsigned)(uint8_t)text[i] - '0';
        if (digit > 9) {
            return TN_PARSED_NOTHING;
        }
        fits = fits && value <= (most - digit) / 10;
        value = fits ? value * 10 + digit : 0;
    }
    if (!fits) {
        return TN_PARSED_TOO_LARGE;
    }
    *out = (tn_i128)(negative ? 0 - value : value);
    return TN_PARSED;
}

static size_t count_digits(uint64_t value)
{
    size_t count = 1;
    while (count < 20 && value >= tn_powers_of_ten[count]) {
        count++;
    }
    return count;
}

size_t tn_print_u64(char *out, uint64_t value)
{
    const size_t size = count_digits(value);
    size_t at = size;
    while (value >= 100) {
        at -= 2;
        memcpy(out + at, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(out, digit_pairs + 2 * value, 2);
    } else {
        out[0] = (char)('0' + value);
    }
    return size;
}

size_t tn_print_i64(char *out, int64_t value)
{
    if (value >= 0) {
        return tn_print_u64(out, (uint64_t)value);
    }
    out[0] = '-';
    return 1 + tn_print_u64(out + 1, 0 - (uint64_t)value);
}

/* Exactly `count` digits, with zeros in front. */
static void print_padded(char *out, uint64_t value, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

size_t tn_print_i128(char *out, tn_i128 value)
{
    const uint64_t unit = tn_powers_of_ten[19];
    size_t at = 0;
    tn_u128 rest = (tn_u128)value;
    if (value < 0) {
        out[at++] = '-';
        rest = 0 - rest;
    }
    if (rest < unit) {
        return at + tn_print_u64(out + at, (uint64_t)rest);
    }
    const uint64_t low = (uint64_t)(rest % unit);
    rest /= unit;
    if (rest < unit) {
        at += tn_print_u64(out + at, (uint64_t)rest);
    } else {
        const uint64_t middle = (uint64_t)(rest % unit);
        at += tn_print_u64(out + at, (uint64_t)(rest / unit));
        print_padded(out + at, middle, 19);
        at += 19;
    }
    print_padded(out + at, low, 19);
    return at + 19;
}
