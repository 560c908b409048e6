/* Floats to text: Raffaello Giulietti's Schubfach finds the shortest decimal in constant time. */
#include "base/number_internal.h"

#include <string.h>

/* 10^exponent as 128 bits, a little above where it is not exact. */
static tn_power power_above(int exponent)
{
    tn_power power = tn__powers_of_five[exponent - TN_POWER_LEAST];
    if (exponent < -27 || exponent > 55) { /* the table cut these off */
        power.low++;
        power.high += power.low == 0;
    }
    return power;
}

/* The top 64 bits of g x scaled, with a 1 at the bottom where anything was cut off. */
static uint64_t round_to_odd(tn_power g, uint64_t scaled)
{
    const tn_u128 low = (tn_u128)g.low * scaled;
    const tn_u128 high = (tn_u128)g.high * scaled + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

static int floor_log10_pow2(int e)
{
    return (e * 1262611) >> 22;
}

static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* value = significand x 2^exponent; `closer`: the next lower value is only half as far away. */
static tn_shortest shortest(uint64_t significand, int exponent, bool closer)
{
    const unsigned odd = significand & 1; /* an even one owns the edges of its interval */
    const int k = closer ? (exponent * 1262611 - 524031) >> 22 : floor_log10_pow2(exponent);
    const int h = exponent + floor_log2_pow10(-k) + 1;
    const tn_power g = power_above(-k);
    const uint64_t lower = round_to_odd(g, (4 * significand - 2 + closer) << h) + odd;
    const uint64_t middle = round_to_odd(g, (4 * significand) << h);
    const uint64_t upper = round_to_odd(g, (4 * significand + 2) << h) - odd;
    const uint64_t s = middle / 4;

    if (s >= 10) { /* is there a decimal with one digit less? */
        const uint64_t tens = s / 10;
        const bool below = lower <= 40 * tens;
        const bool above = 40 * tens + 40 <= upper;
        if (below != above) {
            return (tn_shortest){tens + above, k + 1};
        }
    }
    const bool below = lower <= 4 * s;
    const bool above = 4 * s + 4 <= upper;
    if (below != above) {
        return (tn_shortest){s + above, k};
    }
    const uint64_t half = 4 * s + 2;
    return (tn_shortest){s + (middle > half || (middle == half && (s & 1) != 0)), k};
}

static tn_shortest trim(tn_shortest value)
{
    while (value.digits % 10 == 0 && value.digits != 0) {
        value.digits /= 10;
        value.exponent++;
    }
    return value;
}

/* `bits`: of the stored significand. */
static tn_shortest shortest_of(uint64_t stored, int biased, int bits, int bias)
{
    const uint64_t significand = biased == 0 ? stored : stored | UINT64_C(1) << bits;
    const int exponent = (biased == 0 ? 1 : biased) - bias - bits;
    if (exponent <= 0 && exponent > -bits - 1 &&
        (significand & ((UINT64_C(1) << -exponent) - 1)) == 0) {
        return trim((tn_shortest){significand >> -exponent, 0});
    }
    return trim(shortest(significand, exponent, stored == 0 && biased > 1));
}

tn_shortest tn_shortest_f64(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return shortest_of(bits & ((UINT64_C(1) << 52) - 1), (int)(bits >> 52 & 0x7ff), 52, 1023);
}

tn_shortest tn_shortest_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return shortest_of(bits & ((UINT32_C(1) << 23) - 1), (int)(bits >> 23 & 0xff), 23, 127);
}

enum { FIXED_LEAST = -4, FIXED_MOST = 16 }; /* powers of ten that are written without exponent */

static size_t print_shortest(char *out, tn_shortest value)
{
    char digits[TN_NUMBER_SIZE];
    const size_t count = tn_print_u64(digits, value.digits);
    const int power = (int)count - 1 + value.exponent; /* of the first digit */
    size_t at = 0;

    if (power < FIXED_LEAST || power >= FIXED_MOST) {
        out[at++] = digits[0];
        if (count > 1) {
            out[at++] = '.';
            memcpy(out + at, digits + 1, count - 1);
            at += count - 1;
        }
        out[at++] = 'e';
        out[at++] = power < 0 ? '-' : '+';
        const unsigned size = (unsigned)(power < 0 ? -power : power);
        if (size < 10) {
            out[at++] = '0';
        }
        return at + tn_print_u64(out + at, size);
    }
    if (power < 0) {
        memcpy(out, "0.000", 5);
        at = 1 + (size_t)-power;
        memcpy(out + at, digits, count);
        return at + count;
    }
    const size_t whole = (size_t)power + 1;
    if (count <= whole) {
        memcpy(out, digits, count);
        memset(out + count, '0', whole - count);
        return whole;
    }
    memcpy(out, digits, whole);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, count - whole);
    return count + 1;
}

/* NaN, infinities and zeros; 0 where it is none of them. */
static size_t print_special(char *out, double value)
{
    if (value != value) {
        memcpy(out, "NaN", 3);
        return 3;
    }
    const bool negative = __builtin_signbit(value) != 0;
    if (value == 0) {
        memcpy(out, "-0", 2);
        out[0] = negative ? '-' : '0';
        return 1 + (size_t)negative;
    }
    if (__builtin_isinf(value)) {
        memcpy(out, "-Infinity", 9);
        memmove(out, out + !negative, 9);
        return 8 + (size_t)negative;
    }
    return 0;
}

size_t tn_print_f64(char *out, double value)
{
    const size_t special = print_special(out, value);
    if (special != 0) {
        return special;
    }
    out[0] = '-';
    const size_t sign = value < 0;
    return sign + print_shortest(out + sign, tn_shortest_f64(value));
}

size_t tn_print_f32(char *out, float value)
{
    const size_t special = print_special(out, (double)value);
    if (special != 0) {
        return special;
    }
    out[0] = '-';
    const size_t sign = value < 0;
    return sign + print_shortest(out + sign, tn_shortest_f32(value));
}
