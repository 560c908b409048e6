/*
 * Delimited text for one instruction set; compiled by csv_v2.c, _v3.c, _v4.c.
 *
 * The index, UTF-8 and views are here; numbers and dates in csv_eight.inc.h where there is AVX-512,
 * else in csv_slots.inc.h.  Either takes up to eight digits and marks all else as odd.
 */
#include "base/utf8.h"
#include "kernel/csv.h"
#include "kernel/template.h"

#include <string.h>
#if defined(__x86_64__)
#    include <immintrin.h>
#endif

TN_INLINE uint64_t load64(const char *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

TN_INLINE uint16_t load16(const char *p)
{
    uint16_t word;
    memcpy(&word, p, 2);
    return word;
}

/* ---- the index --------------------------------------------------------------------------------
 */

typedef struct masks {
    uint64_t delimiters, newlines, quotes, returns;
    bool high; /* some byte is above 0x7f */
} masks;

#if defined(__AVX512BW__)
TN_INLINE masks look(const char *text, const tn_csv_scan *scan)
{
    const __m512i bytes = _mm512_loadu_si512(text);
    return (masks){
        .delimiters = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(scan->delimiter)),
        .newlines = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(scan->newline)),
        .quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(scan->quote)),
        .returns = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\r')),
        .high = _mm512_movepi8_mask(bytes) != 0,
    };
}
#elif defined(__AVX2__)
TN_INLINE uint64_t equal(__m256i low, __m256i high, char byte)
{
    const __m256i wanted = _mm256_set1_epi8(byte);
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) << 32;
}
TN_INLINE masks look(const char *text, const tn_csv_scan *scan)
{
    const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)text);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
    return (masks){
        .delimiters = equal(low, high, scan->delimiter),
        .newlines = equal(low, high, scan->newline),
        .quotes = equal(low, high, scan->quote),
        .returns = equal(low, high, '\r'),
        .high = _mm256_movemask_epi8(_mm256_or_si256(low, high)) != 0,
    };
}
#elif defined(__SSE2__)
TN_INLINE uint64_t equal(const __m128i *parts, char byte)
{
    const __m128i wanted = _mm_set1_epi8(byte);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++) {
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(parts[i], wanted)) << 16 * i;
    }
    return mask;
}
TN_INLINE masks look(const char *text, const tn_csv_scan *scan)
{
    __m128i parts[4];
    for (int i = 0; i < 4; i++) {
        parts[i] = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
    }
    return (masks){
        .delimiters = equal(parts, scan->delimiter),
        .newlines = equal(parts, scan->newline),
        .quotes = equal(parts, scan->quote),
        .returns = equal(parts, '\r'),
        .high = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(parts[0], parts[1]),
                                               _mm_or_si128(parts[2], parts[3]))) != 0,
    };
}
#else
TN_INLINE masks look(const char *text, const tn_csv_scan *scan)
{
    masks found = {0, 0, 0, 0, false};
    for (unsigned i = 0; i < 64; i++) {
        found.delimiters |= (uint64_t)(text[i] == scan->delimiter) << i;
        found.newlines |= (uint64_t)(text[i] == scan->newline) << i;
        found.quotes |= (uint64_t)(text[i] == scan->quote) << i;
        found.returns |= (uint64_t)(text[i] == '\r') << i;
        found.high |= (text[i] & 0x80) != 0;
    }
    return found;
}
#endif

/* Bit i of the answer is the exclusive or of bits 0 to i. */
TN_INLINE uint64_t prefix_xor(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2) {
        bits ^= bits << shift;
    }
    return bits;
}

TN_INLINE uint32_t *put_ends(uint64_t bits, uint32_t base, uint32_t *out)
{
    const unsigned count = (unsigned)__builtin_popcountll(bits);
    for (unsigned done = 0; done < count; done += 8) { /* mostly once: writes past the end */
        for (unsigned i = 0; i < 8; i++) {
            out[done + i] = base + (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
            bits &= bits - 1;
        }
    }
    return out + count;
}

typedef struct quote_state {
    uint64_t inside;   /* all ones within quotes */
    uint64_t before;   /* bit 0: the byte before may stand before an opening quote */
    uint64_t pending;  /* bit 0: the byte before was a closing quote */
    uint64_t returned; /* bit 0: the byte before was a '\r' behind a closing quote */
    uint64_t odd;
} quote_state;

/* Takes what lies within quotes out of the masks, and looks whether quotes stand where they may:
 * an opening one at a field's start, behind a closing one a delimiter, a line end or another. */
TN_INLINE void apply_quotes(masks *found, uint64_t live, quote_state *state)
{
    const uint64_t quotes = found->quotes;
    const uint64_t inside = prefix_xor(quotes) ^ state->inside;
    const uint64_t ends = found->delimiters | found->newlines;
    const uint64_t opening = quotes & inside;
    const uint64_t closing = quotes & ~inside;
    const uint64_t before = (ends | quotes) << 1 | state->before;
    const uint64_t behind = closing << 1 | state->pending;
    state->odd |= opening & ~before;
    const uint64_t returns = behind & found->returns & ~ends;
    state->odd |= behind & live & ~(ends | quotes | returns);
    state->odd |= (returns << 1 | state->returned) & live & ~found->newlines;
    state->inside = (uint64_t)((int64_t)inside >> 63);
    state->before = (ends | quotes) >> 63;
    state->pending = closing >> 63;
    state->returned = returns >> 63;
    found->delimiters &= ~inside;
    found->newlines &= ~inside;
}

TN_INLINE size_t index_text(const char *text, size_t size, uint32_t *ends, tn_csv_scan *scan,
                            uint32_t *(*put)(uint64_t, uint32_t, uint32_t *))
{
    const tn_csv_scan marks = *scan;
    const bool has_quote = marks.quote != marks.newline;
    quote_state state = {.inside = marks.in_quotes ? ~UINT64_C(0) : 0, .before = 1};
    uint32_t *out = ends;
    uint64_t quotes = 0;
    size_t records = 0;
    size_t newlines = 0;
    bool high = false;

    for (size_t i = 0; i < size; i += 64) {
        const uint64_t live = size - i >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (size - i)) - 1;
        char tail[64];
        const char *from = text + i;
        if (live != ~UINT64_C(0)) {
            memset(tail, 0, sizeof(tail));
            memcpy(tail, from, size - i);
            from = tail;
        }
        masks found = look(from, &marks);
        found.delimiters &= live; /* a delimiter may be 0 */
        newlines += (size_t)__builtin_popcountll(found.newlines);
        if (has_quote && (found.quotes | state.inside | state.pending | state.returned) != 0) {
            quotes |= found.quotes;
            apply_quotes(&found, live, &state);
        } else {
            state.before = (found.delimiters | found.newlines) >> 63;
        }
        high |= found.high;
        records += (size_t)__builtin_popcountll(found.newlines);
        out = put(found.delimiters | found.newlines, (uint32_t)i, out);
    }
    scan->in_quotes = state.inside != 0; /* zeros behind the end change nothing */
    scan->non_ascii |= high;
    scan->quotes |= quotes != 0;
    scan->odd |= state.odd != 0;
    scan->records += records;
    scan->newlines += newlines;
    return (size_t)(out - ends);
}

static size_t index_block(const char *text, size_t size, uint32_t *ends, tn_csv_scan *scan)
{
    return index_text(text, size, ends, scan, put_ends);
}

static size_t count_bytes(const char *text, size_t size, char byte)
{
    size_t count = 0;
    size_t i = 0;
    while (i < size) { /* sums of up to 255 fit a byte, so that the loop packs well */
        const size_t stop = size - i > 128 ? i + 128 : size;
        uint8_t sum = 0;
        for (; i < stop; i++) {
            sum = (uint8_t)(sum + (text[i] == byte));
        }
        count += sum;
    }
    return count;
}

/* ---- UTF-8, by the lookup method of John Keiser and Daniel Lemire -------------------------------
 *
 * Three tables, by the halves of the byte before and the top half of the byte itself, name the ways
 * in which two bytes may be wrong together; a way that all three name is an error.
 */
#if defined(__SSSE3__)
enum {
    SHORT = 1, /* a leading byte, then no following one */
    LONG = 2,  /* ASCII, then a following byte */
    OVER3 = 4,
    LARGE = 8,
    SURROGATE = 16,
    OVER2 = 32,
    LARGE_OR_OVER4 = 64,
    TWO_FOLLOW = 128,
    ANY = SHORT | LONG | TWO_FOLLOW
};
static const uint8_t by_first_high[16] = {LONG,
                                          LONG,
                                          LONG,
                                          LONG,
                                          LONG,
                                          LONG,
                                          LONG,
                                          LONG,
                                          TWO_FOLLOW,
                                          TWO_FOLLOW,
                                          TWO_FOLLOW,
                                          TWO_FOLLOW,
                                          SHORT | OVER2,
                                          SHORT,
                                          SHORT | OVER3 | SURROGATE,
                                          SHORT | LARGE | LARGE_OR_OVER4};
static const uint8_t by_first_low[16] = {ANY | OVER3 | OVER2 | LARGE_OR_OVER4,
                                         ANY | OVER2,
                                         ANY,
                                         ANY,
                                         ANY | LARGE,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4 | SURROGATE,
                                         ANY | LARGE | LARGE_OR_OVER4,
                                         ANY | LARGE | LARGE_OR_OVER4};
static const uint8_t by_second_high[16] = {SHORT,
                                           SHORT,
                                           SHORT,
                                           SHORT,
                                           SHORT,
                                           SHORT,
                                           SHORT,
                                           SHORT,
                                           LONG | OVER2 | TWO_FOLLOW | OVER3 | LARGE_OR_OVER4,
                                           LONG | OVER2 | TWO_FOLLOW | OVER3 | LARGE,
                                           LONG | OVER2 | TWO_FOLLOW | SURROGATE | LARGE,
                                           LONG | OVER2 | TWO_FOLLOW | SURROGATE | LARGE,
                                           SHORT,
                                           SHORT,
                                           SHORT,
                                           SHORT};

TN_INLINE __m128i load128(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

/* What is wrong at 16 bytes; the three before them are looked at, too. */
TN_INLINE __m128i wrong_at(const char *text)
{
    const __m128i low = _mm_set1_epi8(15);
    const __m128i now = load128(text);
    const __m128i before = load128(text - 1);
    const __m128i ways = _mm_and_si128(
        _mm_and_si128(
            _mm_shuffle_epi8(load128(by_first_high), _mm_and_si128(_mm_srli_epi16(before, 4), low)),
            _mm_shuffle_epi8(load128(by_first_low), _mm_and_si128(before, low))),
        _mm_shuffle_epi8(load128(by_second_high), _mm_and_si128(_mm_srli_epi16(now, 4), low)));
    const __m128i third = _mm_subs_epu8(load128(text - 2), _mm_set1_epi8(0xe0 - 0x80));
    const __m128i fourth = _mm_subs_epu8(load128(text - 3), _mm_set1_epi8(0xf0 - 0x80));
    return _mm_xor_si128(ways,
                         _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)0x80)));
}

static bool valid_utf8(const char *text, size_t size)
{
    __m128i wrong = _mm_setzero_si128();
    char tail[3 + 32] = {0};
    size_t i = 0;
    for (; i + 16 <= size; i += 16) {
        if (_mm_movemask_epi8(load128(text + i)) != 0 || (i > 0 && (text[i - 1] & 0x80) != 0)) {
            wrong = _mm_or_si128(wrong, wrong_at(text + i));
        }
    }
    /* the rest, with zeros behind it, which end no sequence */
    memcpy(tail, text + i - 3, 3 + (size - i));
    wrong = _mm_or_si128(wrong, wrong_at(tail + 3));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) == 0xffff;
}
#else
static bool valid_utf8(const char *text, size_t size)
{
    return tn_utf8_valid(text, size);
}
#endif

/* ---- fields -----------------------------------------------------------------------------------
 */

typedef struct span {
    uint32_t start, end;
} span;

/* `plain` is a constant at each call. */
TN_INLINE span field_span(const tn_csv_fields *f, const uint32_t *at, bool plain)
{
    span s = {at[-1] + 1, at[0]};
    if (!plain) {
        const char *text = f->text;
        /* The last byte; of an empty field, which may begin the text, the byte behind it. */
        const uint32_t filled = s.end > s.start;
        s.end -= f->trim_return & filled & (text[s.end - filled] == '\r');
        const uint32_t quoted = (f->quote != 0) & (s.end > s.start + 1) &
                                (text[s.start] == f->quote) &
                                (text[s.end - (s.end > s.start)] == f->quote);
        s.start += quoted;
        s.end -= quoted;
    }
    return s;
}

TN_INLINE bool is_plain(const tn_csv_fields *f)
{
    return f->quote == 0 && !f->trim_return;
}

/* The odd bits of rows that are not there are cleared. */
static void finish_odd(uint8_t *bytes, size_t rows, uint64_t *odd)
{
    memset(odd, 0, (rows + 63) / 64 * 8);
    if (rows % 8 != 0) {
        bytes[rows / 8] = (uint8_t)(bytes[rows / 8] & ((1U << rows % 8) - 1));
    }
    memcpy(odd, bytes, (rows + 7) / 8);
}

#if defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__)
#    include "kernel/csv_eight.inc.h"
#else
#    include "kernel/csv_slots.inc.h"
#endif

/* ---- views ------------------------------------------------------------------------------------
 */

/* Bytes of an inline view that are the string's, by its length. */
static const uint64_t inline_low[16] = {
    0,          0xff,       0xffff,     0xffffff,   0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
    0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
static const uint64_t inline_high[16] = {0,
                                         0,
                                         0,
                                         0,
                                         0,
                                         0xff,
                                         0xffff,
                                         0xffffff,
                                         0xffffffff,
                                         0xffffffffff,
                                         0xffffffffffff,
                                         0xffffffffffffff,
                                         0xffffffffffffffff,
                                         0,
                                         0,
                                         0};

TN_INLINE void put_view(tn_view *out, const char *data, uint32_t size)
{
    const bool near = size <= TN_VIEW_INLINE;
    const uint32_t i = near ? size : 13;
    const uint64_t low = (load64(data) & inline_low[i]) << 32 | size;
    const uint64_t high = load64(data + 4) & inline_high[i];
    const uint64_t words[2] = {low, near ? high : (uint64_t)(uintptr_t)data};
    memcpy(out, words, 16);
}

static void read_views(const tn_csv_fields *f, tn_view *out, uint64_t *odd)
{
    const size_t rows = f->rows;
    const uint32_t *end = f->end;
    memset(odd, 0, (rows + 63) / 64 * 8);
    if (is_plain(f)) {
        const char *text = f->text;
        const size_t stride = f->stride;
        size_t empty = 0;
        for (size_t row = 0; row < rows; row++, end += stride) {
            const uint32_t start = end[-1] + 1;
            put_view(&out[row], text + start, end[0] - start);
            empty += end[0] == start;
        }
        for (size_t row = 0; empty > 0 && row < rows; row++) {
            odd[row / 64] |= (uint64_t)(out[row].size == 0) << row % 64;
        }
        return;
    }
    for (size_t row = 0; row < rows; row++, end += f->stride) {
        const span s = field_span(f, end, false);
        const bool quoted = f->quote != 0 && s.start > end[-1] + 1;
        const uint32_t size = s.end - s.start;
        put_view(&out[row], f->text + s.start, size);
        const bool special =
            size == 0 || (quoted && memchr(f->text + s.start, f->quote, size) != NULL);
        odd[row / 64] |= (uint64_t)special << row % 64;
    }
}

extern const tn_csv_kernels TN_FOR_ISA(tn_csv_kernels);
const tn_csv_kernels TN_FOR_ISA(tn_csv_kernels) = {
    .index = index_block,
    .count = count_bytes,
    .utf8 = valid_utf8,
    .integers = read_integers,
    .decimals = read_decimals,
    .doubles = read_doubles,
    .dates = read_dates,
    .views = read_views,
};
