/*
 * str.h - borrowed bytes with a length: names, keys, pieces of statements.
 *
 * A tn_str owns nothing; whoever made it says how long it lives.  Object keys are bytes, and so are
 * these: nothing here assumes UTF-8 or a terminating zero.
 */
#ifndef TN_BASE_STR_H
#define TN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct tn_str {
    const char *data;
    size_t size;
} tn_str;

#define TN_STR(literal)  ((tn_str){(literal), sizeof(literal) - 1})
#define TN_STR_NONE      ((tn_str){NULL, 0})
#define TN_STR_ARGS(str) (int)(str).size, (str).data /* for "%.*s" */

static inline tn_str tn_str_of(const char *text)
{
    return (tn_str){text, text == NULL ? 0 : strlen(text)};
}

static inline bool tn_str_equal(tn_str a, tn_str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline tn_str tn_str_slice(tn_str str, size_t from, size_t to)
{
    return (tn_str){str.data + from, to - from};
}

static inline char tn_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The value of a hexadecimal digit of either case, or -1. */
static inline int tn_hex_digit(char c)
{
    const char lower = tn_ascii_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Names fold by ASCII (decision 5). */
bool tn_str_equal_fold(tn_str a, tn_str b);
bool tn_str_starts(tn_str str, tn_str prefix);
bool tn_str_ends(tn_str str, tn_str suffix);
/* A file's name with this ending, ASCII case aside; the ending alone is no name. */
bool tn_str_has_ending(tn_str name, tn_str ending);
int tn_str_compare(tn_str a, tn_str b); /* by bytes */
/* Index of the first/last `c`, or SIZE_MAX. */
size_t tn_str_find(tn_str str, char c);
size_t tn_str_find_last(tn_str str, char c);

/* How many letters must be added, dropped or changed, ASCII case aside; names over 64 bytes count
 * as far away.  For "did you mean". */
size_t tn_str_distance(tn_str a, tn_str b);
/* The nearest of `names`, or TN_STR_NONE where nothing is near enough to suggest. */
tn_str tn_str_nearest(tn_str name, const tn_str *names, size_t count);

#endif
