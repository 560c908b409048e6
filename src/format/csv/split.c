/* Records by the careful way, byte by byte: for dialects and blocks that the index does not take.
 */
#include "format/csv/csv_internal.h"

static bool is_delimiter(const tn__csv_dialect *d, const char *text, size_t size, size_t at)
{
    return text[at] == d->delimiter[0] &&
           (d->delimiter_size == 1 || (size - at >= d->delimiter_size &&
                                       memcmp(text + at, d->delimiter, d->delimiter_size) == 0));
}

/* Behind the closing quote of a value whose opening one is before `at`; SIZE_MAX: there is none. */
static size_t quoted_end(const tn__csv_dialect *d, const char *text, size_t size, size_t at)
{
    while (at < size) {
        if (d->escape != d->quote && d->escape != 0 && text[at] == d->escape) {
            at += 2;
        } else if (text[at] != d->quote) {
            at++;
        } else if (d->escape == d->quote && at + 1 < size && text[at + 1] == d->quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    return SIZE_MAX;
}

/* What ends a field or is odd in its middle: up to three bytes, in each byte of a word. */
typedef struct stops {
    uint64_t newline, delimiter, quote;
} stops;

static uint64_t spread(char byte)
{
    return (uint8_t)byte * UINT64_C(0x0101010101010101);
}

/* The lowest marked byte is one that is `wanted`; those above it may not be. */
static uint64_t mark(uint64_t word, uint64_t wanted)
{
    const uint64_t differs = word ^ wanted;
    return (differs - UINT64_C(0x0101010101010101)) & ~differs & UINT64_C(0x8080808080808080);
}

/* Passes over bytes that are none of these, eight at a time. */
static size_t pass_over(const stops *s, const char *text, size_t size, size_t at)
{
    while (size - at >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text + at, sizeof(word));
        const uint64_t found =
            mark(word, s->newline) | mark(word, s->delimiter) | mark(word, s->quote);
        if (found != 0) {
            return at + (size_t)__builtin_ctzll(found) / 8;
        }
        at += sizeof(word);
    }
    return at;
}

/* Does a field end here?  A '\r' is the line end's only where that follows. */
static bool ends_field(const tn__csv_dialect *d, const char *text, size_t size, size_t at)
{
    return at == size || text[at] == d->newline || is_delimiter(d, text, size, at) ||
           (text[at] == '\r' && (at + 1 == size || text[at + 1] == d->newline));
}

tn__csv_split tn__csv_split_record(const tn__csv_dialect *d, const char *text, size_t size,
                                   bool is_last, size_t *at, tn__csv_span *fields, size_t max,
                                   size_t *count, tn__csv_quotes *quotes)
{
    size_t i = *at;
    size_t found = 0;
    const stops stop = {spread(d->newline), spread(d->delimiter[0]),
                        spread(d->quote != 0 ? d->quote : d->newline)};
    *quotes = (tn__csv_quotes){.odd = false};
    if (d->comment != 0 && i < size && text[i] == d->comment) {
        const char *end = memchr(text + i, d->newline, size - i);
        *at = end == NULL ? size : (size_t)(end - text) + 1;
        *count = 0;
        return end == NULL && !is_last ? TN__CSV_INCOMPLETE : TN__CSV_SKIP;
    }
    for (;;) { /* a field begins at i */
        const size_t start = i;
        bool behind = false;
        if (d->quote != 0 && i < size && text[i] == d->quote) {
            i = quoted_end(d, text, size, i + 1);
            if (i == SIZE_MAX || (i == size && !is_last)) {
                *count = found + 1;
                *at = start; /* of the field that stays open */
                return is_last ? TN__CSV_UNCLOSED : TN__CSV_INCOMPLETE;
            }
            behind = !ends_field(d, text, size, i);
            quotes->odd |= behind;
        }
        i = pass_over(&stop, text, size, i);
        while (i < size && text[i] != d->newline && !is_delimiter(d, text, size, i)) {
            quotes->odd |= d->quote != 0 && text[i] == d->quote;
            i = pass_over(&stop, text, size, i + 1);
        }
        if (i == size && !is_last) {
            return TN__CSV_INCOMPLETE;
        }
        const bool ends = i == size || text[i] == d->newline;
        const bool returned = ends && i > start && text[i - 1] == '\r';
        const tn__csv_span span = {(uint32_t)start, (uint32_t)(i - returned)};
        if (found < max) {
            fields[found] = span;
        }
        if (behind && !quotes->behind) {
            quotes->behind = true;
            quotes->span = span;
            quotes->field = (uint32_t)found;
        }
        found++;
        if (ends) {
            *at = i + (i < size);
            *count = found;
            return TN__CSV_RECORD;
        }
        i += d->delimiter_size;
    }
}

size_t tn__csv_fold(const tn__csv_dialect *d, char *text, size_t size)
{
    const char escape = d->escape;
    size_t to = 0;
    if (escape == 0) {
        return size;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == escape && i + 1 < size &&
            (text[i + 1] == d->quote || text[i + 1] == escape)) {
            i++;
        }
        text[to++] = text[i];
    }
    return to;
}

bool tn__csv_is_null_text(const tn__csv_source *source, tn_str text)
{
    for (uint32_t i = 0; i < source->null_count; i++) {
        if (tn_str_equal(text, source->nulls[i])) {
            return true;
        }
    }
    return false;
}
