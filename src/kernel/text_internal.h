/* text_internal.h - what the files of text.h share. */
#ifndef TN_KERNEL_TEXT_INTERNAL_H
#define TN_KERNEL_TEXT_INTERNAL_H

#include "kernel/text.h"

/* At least `digits` digits, zeros in front. */
size_t tn_text__print_padded(char *out, uint64_t value, size_t digits);
/* The digits of |value|, at most 78. */
size_t tn_text__digits_of_i256(const tn_i256 *value, char *out, bool *negative);

/* Without the ASCII white space around it. */
static inline tn_str tn_text__trim(tn_str text)
{
    while (text.size > 0 &&
           (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r'))) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 &&
           (text.data[text.size - 1] == ' ' ||
            (text.data[text.size - 1] >= '\t' && text.data[text.size - 1] <= '\r'))) {
        text.size--;
    }
    return text;
}

static inline bool tn_text__is_digit(char c)
{
    return (unsigned)(unsigned char)c - '0' <= 9;
}

/*
 * The time part of a text from `*at`, in nanoseconds: HH:MM[:SS[.fraction]]; hours to `hours_max`.
 * Digits behind the ninth round.
 */
tn_reason tn_text__parse_clock(tn_str text, size_t *at, int64_t hours_max, int64_t *out);

#endif
