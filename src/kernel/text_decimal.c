/*
 * Decimals from text: the digits that count are gathered first, rounded half away from zero at the
 * scale, and only then made into a number of the lane's width.
 */
#include "base/number.h"
#include "kernel/text_internal.h"

static const char no_number[] = "it is no number";
static const char too_large[] = "it has too many digits before the point";

typedef struct digits {
    char text[TN_DECIMAL_DIGITS_MAX + 2]; /* of the unscaled value, without zeros in front */
    size_t count;
    bool negative;
} digits;

/* The exponent behind 'e'; saturates. */
static bool parse_exponent(tn_str text, size_t at, int64_t *out)
{
    int64_t value = 0;
    const bool negative = at < text.size && text.data[at] == '-';
    at += at < text.size && (text.data[at] == '-' || text.data[at] == '+');
    if (at == text.size) {
        return false;
    }
    for (; at < text.size; at++) {
        if (!tn_text__is_digit(text.data[at])) {
            return false;
        }
        value = value < 1000000000 ? value * 10 + (text.data[at] - '0') : value;
    }
    *out = negative ? -value : value;
    return true;
}

/* Where the digits end, and how many stand before the point once the exponent has moved it. */
static bool survey(tn_str text, size_t start, size_t *end, int64_t *whole)
{
    size_t count = 0;
    int64_t exponent = 0;
    size_t at = start;
    *whole = -1;
    for (; at < text.size; at++) {
        if (text.data[at] == '.' && *whole < 0) {
            *whole = (int64_t)count;
        } else if (tn_text__is_digit(text.data[at])) {
            count++;
        } else {
            break;
        }
    }
    *end = at;
    if (count == 0 || (at < text.size && (tn_ascii_lower(text.data[at]) != 'e' ||
                                          !parse_exponent(text, at + 1, &exponent)))) {
        return false;
    }
    *whole = (*whole < 0 ? (int64_t)count : *whole) + exponent;
    return true;
}

static void round_up(digits *d)
{
    size_t i = d->count;
    while (i > 0 && d->text[i - 1] == '9') {
        d->text[--i] = '0';
    }
    if (i > 0) {
        d->text[i - 1]++;
        return;
    }
    memmove(d->text + 1, d->text, d->count); /* all were nines, or none was there */
    d->text[0] = '1';
    d->count++;
}

static tn_reason gather(tn_str text, const tn_type *type, digits *d)
{
    size_t end;
    int64_t whole;
    text = tn_text__trim(text);
    d->count = 0;
    d->negative = text.size > 0 && text.data[0] == '-';
    const size_t start = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    if (!survey(text, start, &end, &whole)) {
        return no_number;
    }
    int64_t wanted = whole + type->scale; /* digits that are kept, zeros in front included */
    bool up = false;
    for (size_t at = start; at < end && wanted >= 0; at++) {
        const char c = text.data[at];
        if (c == '.') {
            continue;
        }
        if (wanted == 0) {
            up = c >= '5';
            wanted = -1;
            break;
        }
        wanted--;
        if (d->count > 0 || c != '0') {
            if (d->count == type->precision) {
                return too_large;
            }
            d->text[d->count++] = c;
        }
    }
    if (d->count > 0 && wanted > 0) { /* the exponent asks for zeros */
        if (wanted > (int64_t)(type->precision - d->count)) {
            return too_large;
        }
        memset(d->text + d->count, '0', (size_t)wanted);
        d->count += (size_t)wanted;
    }
    if (up) {
        round_up(d);
    }
    return d->count > type->precision ? too_large : NULL;
}

tn_reason tn_text_parse_decimal(tn_str text, const tn_type *type, int64_t *out)
{
    digits d;
    const tn_reason why = gather(text, type, &d);
    if (why != NULL) {
        return why;
    }
    int64_t value = 0;
    for (size_t i = 0; i < d.count; i++) {
        value = value * 10 + (d.text[i] - '0');
    }
    *out = d.negative ? -value : value;
    return NULL;
}

tn_reason tn_text_parse_decimal128(tn_str text, const tn_type *type, tn_i128 *out)
{
    digits d;
    const tn_reason why = gather(text, type, &d);
    if (why != NULL) {
        return why;
    }
    tn_i128 value = 0;
    for (size_t i = 0; i < d.count; i++) {
        value = value * 10 + (d.text[i] - '0');
    }
    *out = d.negative ? -value : value;
    return NULL;
}

tn_reason tn_text_parse_decimal256(tn_str text, const tn_type *type, tn_i256 *out)
{
    digits d;
    const tn_reason why = gather(text, type, &d);
    if (why != NULL) {
        return why;
    }
    tn_i256 value = {{0, 0, 0, 0}};
    for (size_t i = 0; i < d.count; i++) {
        tn_u128 carry = (tn_u128)(unsigned)(d.text[i] - '0');
        for (int word = 0; word < 4; word++) {
            carry += (tn_u128)value.words[word] * 10;
            value.words[word] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    if (d.negative) {
        uint64_t carry = 1;
        for (int word = 0; word < 4; word++) {
            value.words[word] = ~value.words[word] + carry;
            carry = carry != 0 && value.words[word] == 0;
        }
    }
    *out = value;
    return NULL;
}

bool tn_text_has_fraction(tn_str text)
{
    size_t end;
    int64_t whole;
    text = tn_text__trim(text);
    const size_t start = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    if (!survey(text, start, &end, &whole)) {
        return false;
    }
    for (size_t at = start; at < end; at++) {
        if (text.data[at] != '.' && whole-- <= 0 && text.data[at] != '0') {
            return true;
        }
    }
    return false;
}

tn_whole tn_text_whole(tn_str text, bool *in_double)
{
    enum { IN_DOUBLE = 15 }; /* digits, whatever they are */
    double near = 0;
    tn_i128 value = 0;
    text = tn_text__trim(text);
    const bool negative = text.size > 0 && text.data[0] == '-';
    size_t at = negative || (text.size > 0 && text.data[0] == '+');
    *in_double = false;
    if (at == text.size) {
        return TN_WHOLE_NONE;
    }
    for (size_t i = at; i < text.size; i++) {
        if (!tn_text__is_digit(text.data[i])) {
            return TN_WHOLE_NONE;
        }
    }
    while (at < text.size && text.data[at] == '0') {
        at++;
    }
    if (text.size - at > 38) {
        return TN_WHOLE_LONGER;
    }
    if (text.size - at <= IN_DOUBLE) {
        *in_double = true;
        return TN_WHOLE_64;
    }
    for (; at < text.size; at++) {
        value = value * 10 + (text.data[at] - '0');
    }
    value = negative ? -value : value;
    *in_double = tn_text_parse_double(text, &near) == NULL && (tn_i128)near == value;
    return value >= INT64_MIN && value <= INT64_MAX ? TN_WHOLE_64 : TN_WHOLE_128;
}
