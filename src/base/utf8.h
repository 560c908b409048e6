/*
 * utf8.h - checking and walking UTF-8.
 *
 * Valid means as Unicode has it: shortest forms only, no surrogates, nothing above U+10FFFF.  The
 * functions that walk expect valid text; on other text they stay inside it and give U+FFFD.
 */
#ifndef TN_BASE_UTF8_H
#define TN_BASE_UTF8_H

#include "base/str.h"

enum { TN_UTF8_MAX = 4, TN_UTF8_REPLACEMENT = 0xfffd };

/* Index of the first byte that begins no valid sequence; `size` where all of it is valid. */
size_t tn_utf8_check(const char *data, size_t size);
static inline bool tn_utf8_valid(const char *data, size_t size)
{
    return tn_utf8_check(data, size) == size;
}
bool tn_utf8_is_ascii(const char *data, size_t size);

/* Code points of valid text. */
size_t tn_utf8_length(const char *data, size_t size);
/* The byte index at which code point `count` (from 0) begins; `size` where there are fewer. */
size_t tn_utf8_skip(const char *data, size_t size, size_t count);

/* The code point at `*at`, which moves behind it; *at < size. */
uint32_t tn_utf8_next(const char *data, size_t size, size_t *at);
/* Writes at most TN_UTF8_MAX bytes and returns how many; a surrogate or a number beyond U+10FFFF is
 * written as U+FFFD. */
size_t tn_utf8_encode(uint32_t point, char *out);

#endif
