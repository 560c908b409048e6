/*
 * Floats from text, correctly rounded.  Up to 19 digits go through Daniel Lemire's and Michael
 * Eisel's product with a 128-bit power of five, which is exact; of longer texts the first 19 digits
 * bound the answer, and where the two bounds differ big integers decide.
 */
#include "base/number_internal.h"

#include <assert.h>
#include <string.h>

/* What differs between float and double. */
typedef struct form {
    int bits;           /* of the stored significand */
    int exponent_least; /* of the smallest biased exponent, 0 */
    int exponent_infinite;
    int tie_least, tie_most; /* powers of ten between which a tie is possible */
} form;
static const form form_f64 = {52, -1023, 0x7ff, -4, 23};
static const form form_f32 = {23, -127, 0xff, -17, 10};

/* A decimal as the text has it: digits x 10^exponent. */
typedef struct decimal {
    uint64_t digits; /* the first 19, without zeros in front */
    int64_t exponent;
    bool negative, cut; /* cut: there were more than 19, and some of them not 0 */
    const char *first;  /* the first significant digit in the text */
    const char *end;    /* of the digits */
    size_t count;       /* significant digits before `end`, zeros at the end included */
} decimal;

static inline bool is_digit(char c)
{
    return (unsigned)(uint8_t)c - '0' <= 9;
}

/* The exponent behind an 'e'; false where it is malformed.  Saturates far outside any float. */
static bool parse_exponent(const char *p, const char *end, int64_t *out)
{
    bool negative = false;
    int64_t value = 0;
    if (p < end && (*p == '-' || *p == '+')) {
        negative = *p++ == '-';
    }
    if (p == end) {
        return false;
    }
    for (; p < end; p++) {
        if (!is_digit(*p)) {
            return false;
        }
        if (value < 1000000000) {
            value = value * 10 + (*p - '0');
        }
    }
    *out = negative ? -value : value;
    return true;
}

static bool parse_decimal(const char *text, size_t size, decimal *out)
{
    const char *p = text;
    const char *end = text + size;
    bool any = false;
    int64_t point = 0; /* digits behind it, of those taken into `digits` */
    bool behind = false;

    *out = (decimal){0};
    if (p < end && (*p == '-' || *p == '+')) {
        out->negative = *p++ == '-';
    }
    for (; p < end; p++) {
        if (*p == '.') {
            if (behind) {
                return false;
            }
            behind = true;
            continue;
        }
        if (!is_digit(*p)) {
            break;
        }
        any = true;
        const unsigned digit = (unsigned)(*p - '0');
        if (out->count == 0 && digit == 0) {
            point += behind;
            continue;
        }
        if (out->count == 0) {
            out->first = p;
        }
        if (out->count < 19) {
            out->digits = out->digits * 10 + digit;
            point += behind;
        } else {
            out->cut = out->cut || digit != 0;
            point -= !behind;
        }
        out->count++;
    }
    if (!any) {
        return false;
    }
    out->end = p;
    if (p < end) {
        int64_t exponent;
        if ((*p != 'e' && *p != 'E') || !parse_exponent(p + 1, end, &exponent)) {
            return false;
        }
        out->exponent = exponent;
    }
    out->exponent -= point;
    return true;
}

/* The bits of the float nearest to digits x 10^exponent, without sign. */
static inline uint64_t nearest(uint64_t digits, int64_t exponent, const form *f)
{
    const uint64_t infinity = (uint64_t)f->exponent_infinite << f->bits;
    if (digits == 0 || exponent < TN_POWER_LEAST) {
        return 0;
    }
    if (exponent > 308) {
        return infinity;
    }
    const int zeros = __builtin_clzll(digits);
    const int q = (int)exponent;
    const uint64_t w = digits << zeros;
    const tn_power power = tn__powers_of_five[q - TN_POWER_LEAST];
    const uint64_t mask = UINT64_MAX >> (f->bits + 3);
    const tn_u128 first = (tn_u128)w * power.high;
    uint64_t high = (uint64_t)(first >> 64);
    uint64_t low = (uint64_t)first;
    if ((high & mask) == mask) {
        const uint64_t second = (uint64_t)(((tn_u128)w * power.low) >> 64);
        low += second;
        high += low < second;
    }
    const int top = (int)(high >> 63);
    const int shift = top + 64 - f->bits - 3;
    const uint64_t one = UINT64_C(1) << f->bits;
    uint64_t mantissa = high >> shift;
    int power2 = (((152170 + 65536) * q) >> 16) + 63 + top - zeros - f->exponent_least;
    if (power2 <= 0) { /* subnormal, or 0 */
        if (1 - power2 >= 64) {
            return 0;
        }
        mantissa >>= 1 - power2;
        mantissa += mantissa & 1;
        mantissa >>= 1;
        return mantissa; /* where it became normal, its bit is the exponent's */
    }
    if (low <= 1 && q >= f->tie_least && q <= f->tie_most && (mantissa & 3) == 1 &&
        mantissa << shift == high) {
        mantissa &= ~UINT64_C(1); /* half-way, and even below */
    }
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= 2 * one) {
        mantissa = one;
        power2++;
    }
    return power2 >= f->exponent_infinite ? infinity
                                          : ((uint64_t)power2 << f->bits) | (mantissa & (one - 1));
}

/* ---- big integers, for more than 19 digits ----------------------------------------------------
 */

enum {
    LIMBS = 96,      /* 6,144 bits: 770 digits, or 5^1,100, shifted by 1,500 at most */
    DIGITS_MAX = 768 /* no half-way point between doubles has more */
};

typedef struct big {
    uint64_t limb[LIMBS]; /* least significant first */
    size_t count;
} big;

static void big_multiply_add(big *b, uint64_t factor, uint64_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < b->count; i++) {
        const tn_u128 product = (tn_u128)b->limb[i] * factor + carry;
        b->limb[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    if (carry != 0) {
        assert(b->count < LIMBS);
        b->limb[b->count++] = carry;
    }
}

static void big_times_power_of_five(big *b, unsigned power)
{
    const uint64_t five27 = UINT64_C(7450580596923828125);
    for (; power >= 27; power -= 27) {
        big_multiply_add(b, five27, 0);
    }
    for (; power > 0; power--) {
        big_multiply_add(b, 5, 0);
    }
}

static void big_shift(big *b, unsigned bits)
{
    const size_t words = bits / 64;
    big_multiply_add(b, UINT64_C(1) << bits % 64, 0);
    assert(b->count + words <= LIMBS);
    memmove(b->limb + words, b->limb, b->count * 8);
    memset(b->limb, 0, words * 8);
    b->count += words;
}

static int big_compare(const big *a, const big *b)
{
    if (a->count != b->count) {
        return a->count < b->count ? -1 : 1;
    }
    for (size_t i = a->count; i > 0; i--) {
        if (a->limb[i - 1] != b->limb[i - 1]) {
            return a->limb[i - 1] < b->limb[i - 1] ? -1 : 1;
        }
    }
    return 0;
}

/* Compares the whole decimal with the point half-way between the float `bits` and the next. */
static int compare_half_way(const decimal *d, uint64_t bits, const form *f)
{
    big left = {.count = 0};
    big right = {.limb = {0}, .count = 1};
    size_t taken = 0;
    bool rest = false;

    for (const char *p = d->first; p < d->end; p++) {
        if (*p == '.') {
            continue;
        }
        if (taken < DIGITS_MAX) {
            big_multiply_add(&left, 10, (uint64_t)(*p - '0'));
            taken++;
        } else {
            rest = rest || *p != '0';
        }
    }
    int64_t exponent = d->exponent - ((int64_t)taken - 19);
    if (rest) { /* what is left out only has to be more than nothing */
        big_multiply_add(&left, 10, 1);
        exponent--;
    }
    const int biased = (int)(bits >> f->bits);
    const uint64_t one = UINT64_C(1) << f->bits;
    const uint64_t mantissa = (bits & (one - 1)) | (biased == 0 ? 0 : one);
    right.limb[0] = 2 * mantissa + 1;
    const int64_t power2 = (biased == 0 ? 1 : biased) + f->exponent_least - f->bits - 1;
    if (exponent >= 0) {
        big_times_power_of_five(&left, (unsigned)exponent);
    } else {
        big_times_power_of_five(&right, (unsigned)-exponent);
    }
    const int64_t shift = exponent - power2;
    big_shift(shift > 0 ? &left : &right, (unsigned)(shift > 0 ? shift : -shift));
    return big_compare(&left, &right);
}

static uint64_t round_exactly(const decimal *d, const form *f)
{
    uint64_t bits = nearest(d->digits, d->exponent, f);
    if (!d->cut) {
        return bits;
    }
    const uint64_t above = nearest(d->digits + 1, d->exponent, f);
    while (bits < above) {
        const int order = compare_half_way(d, bits, f);
        if (order < 0 || (order == 0 && (bits & 1) == 0)) {
            break;
        }
        bits++;
    }
    return bits;
}

/* ---- the doors --------------------------------------------------------------------------------
 */

static bool same_word(const char *text, size_t size, const char *word)
{
    if (size != strlen(word)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((text[i] | 0x20) != word[i]) {
            return false;
        }
    }
    return true;
}

static bool parse_word(const char *text, size_t size, double *out)
{
    const bool negative = size > 0 && text[0] == '-';
    const size_t sign = size > 0 && (text[0] == '-' || text[0] == '+');
    text += sign;
    size -= sign;
    if (same_word(text, size, "nan")) {
        *out = (double)__builtin_nanf("");
        return true;
    }
    if (same_word(text, size, "inf") || same_word(text, size, "infinity")) {
        *out = negative ? -__builtin_inf() : __builtin_inf();
        return true;
    }
    return false;
}

tn_parsed tn_parse_f64(const char *text, size_t size, double *out)
{
    decimal d;
    if (!parse_decimal(text, size, &d)) {
        return parse_word(text, size, out) ? TN_PARSED : TN_PARSED_NOTHING;
    }
    if (d.digits <= UINT64_C(1) << 53 && d.exponent >= -15 && d.exponent <= 15 && !d.cut) {
        /* both sides are exact, so one operation rounds once */
        const double digits = (double)d.digits;
        const double value = d.exponent < 0 ? digits / (double)tn_powers_of_ten[-d.exponent]
                                            : digits * (double)tn_powers_of_ten[d.exponent];
        *out = d.negative ? -value : value;
        return TN_PARSED;
    }
    const uint64_t bits = round_exactly(&d, &form_f64) | (uint64_t)d.negative << 63;
    memcpy(out, &bits, 8);
    return __builtin_isinf(*out) ? TN_PARSED_TOO_LARGE : TN_PARSED;
}

tn_parsed tn_parse_f32(const char *text, size_t size, float *out)
{
    decimal d;
    if (!parse_decimal(text, size, &d)) {
        double word;
        if (!parse_word(text, size, &word)) {
            return TN_PARSED_NOTHING;
        }
        *out = (float)word;
        return TN_PARSED;
    }
    const uint32_t bits = (uint32_t)round_exactly(&d, &form_f32) | (uint32_t)d.negative << 31;
    memcpy(out, &bits, 4);
    return __builtin_isinf(*out) ? TN_PARSED_TOO_LARGE : TN_PARSED;
}
