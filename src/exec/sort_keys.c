/* Sorting plain keys of 64 bits: what tn_sort__entries() does, without rows behind them. */
#include "exec/sort_internal.h"

enum {
    SMALL = 48,
    DIGIT = 11,
    DIGITS = 3,
    MASK = (1 << DIGIT) - 1,
    PARTS = 256, /* a run is cut into so many by its highest bits, */
    PART_BITS = 8,
    CUT_MIN = 64 << 10,  /* from so many keys on; */
    PART_MAX = 64 << 10, /* keys of a part that stay in the second cache, both copies */
    MOVES = 4            /* a key, on average, before the rest of its bits are seen to be a lot */
};
_Static_assert(2 * DIGIT * DIGITS >= 64, "two rounds see the whole key");

static inline bool is_cancelled(const tn_sorter *sorter)
{
    return atomic_load_explicit(sorter->cancelled, memory_order_relaxed);
}

static void insertion_sort(uint64_t *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const uint64_t moved = keys[i];
        size_t at = i;
        for (; at > 0 && moved < keys[at - 1]; at--) {
            keys[at] = keys[at - 1];
        }
        keys[at] = moved;
    }
}

static unsigned bits_that_differ(const uint64_t *keys, size_t count)
{
    uint64_t differ = 0;
    for (size_t i = 1; i < count; i++) {
        differ |= keys[i] ^ keys[0];
    }
    return differ == 0 ? 0 : 64 - (unsigned)__builtin_clzll(differ);
}

/* By the highest bits in which keys differ; answers the bits below.  False where `cancelled`. */
static bool radix_pass(const tn_sorter *sorter, uint64_t *keys, uint64_t *spare, size_t count,
                       unsigned *below)
{
    uint32_t counts[DIGITS][1 << DIGIT];
    uint64_t *from = keys;
    uint64_t *to = spare;

    const unsigned high = bits_that_differ(keys, count);
    const unsigned low = high > DIGITS * DIGIT ? high - DIGITS * DIGIT : 0;
    const unsigned digits = (high - low + DIGIT - 1) / DIGIT;
    *below = low;
    memset(counts, 0, digits * sizeof(counts[0]));
    for (size_t i = 0; i < count && digits > 0; i++) {
        const uint64_t key = keys[i] >> low;
        for (unsigned digit = 0; digit < digits; digit++) {
            counts[digit][key >> (DIGIT * digit) & MASK]++;
        }
    }
    for (unsigned digit = 0; digit < digits; digit++) {
        uint32_t *count_of = counts[digit];
        const unsigned shift = low + DIGIT * digit;
        uint32_t sum = 0;
        if (is_cancelled(sorter)) {
            return false;
        }
        if (count_of[(keys[0] >> shift) & MASK] == count) {
            continue;
        }
        for (size_t value = 0; value <= MASK; value++) {
            const uint32_t here = count_of[value];
            count_of[value] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            to[count_of[(from[i] >> shift) & MASK]++] = from[i];
        }
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys) {
        memcpy(keys, from, count * sizeof(*keys));
    }
    return true;
}

/* Copies keys in order; where they are so far from it that this is slow, as they are: false. */
static bool insertion_copy(const uint64_t *restrict from, uint64_t *restrict to, size_t count)
{
    size_t moves = count <= SMALL ? SIZE_MAX : MOVES * count;
    to[0] = from[0];
    for (size_t i = 1; i < count; i++) {
        const uint64_t moved = from[i];
        size_t at = i;
        for (; at > 0 && moved < to[at - 1]; at--) {
            to[at] = to[at - 1];
        }
        to[at] = moved;
        if (i - at > moves) {
            memcpy(to + i + 1, from + i + 1, (count - i - 1) * sizeof(*to));
            return false;
        }
        moves -= i - at;
    }
    return true;
}

static void scatter(const uint64_t *restrict from, uint64_t *restrict to, size_t count,
                    uint32_t *restrict counts, unsigned shift)
{
    uint32_t sum = 0;
    for (size_t value = 0; value < PARTS; value++) {
        const uint32_t here = counts[value];
        counts[value] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[counts[(from[i] >> shift) & (PARTS - 1)]++] = from[i];
    }
}

static bool sort_whole(const tn_sorter *sorter, uint64_t *keys, uint64_t *spare, size_t count)
{
    unsigned below;
    unsigned none;

    if (count <= SMALL) {
        insertion_sort(keys, count);
        return true;
    }
    if (!radix_pass(sorter, keys, spare, count, &below)) {
        return false;
    }
    for (size_t at = 0; below > 0 && at < count;) {
        size_t end = at + 1;
        while (end < count && keys[end] >> below == keys[at] >> below) {
            end++;
        }
        if (end - at <= SMALL) {
            insertion_sort(keys + at, end - at);
        } else if (!radix_pass(sorter, keys + at, spare + at, end - at, &none)) {
            return false;
        }
        at = end;
    }
    return true;
}

/* Keys that are in order but for their bits below. */
static bool sort_ties(const tn_sorter *sorter, uint64_t *keys, uint64_t *spare, size_t count,
                      unsigned below)
{
    for (size_t at = 0; at < count;) {
        size_t end = at + 1;
        while (end < count && keys[end] >> below == keys[at] >> below) {
            end++;
        }
        if (!sort_whole(sorter, keys + at, spare + at, end - at)) {
            return false;
        }
        at = end;
    }
    return true;
}

/* Keys of a part from `from` to `to`, in order: two digits bring them near to it. */
static bool sort_part(const tn_sorter *sorter, uint64_t *from, uint64_t *to, size_t count)
{
    uint32_t counts[2][PARTS] = {0};
    unsigned low = 0;

    if (count > PART_MAX) {
        memcpy(to, from, count * sizeof(*to));
        return sort_whole(sorter, to, from, count);
    }
    if (count > SMALL) {
        const unsigned high = bits_that_differ(from, count);
        low = high > 2 * PART_BITS ? high - 2 * PART_BITS : 0;
        for (size_t i = 0; i < count; i++) {
            counts[0][(from[i] >> low) & (PARTS - 1)]++;
            counts[1][(from[i] >> low >> PART_BITS) & (PARTS - 1)]++;
        }
        scatter(from, to, count, counts[0], low);
        scatter(to, from, count, counts[1], low + PART_BITS);
    }
    return count == 0 || insertion_copy(from, to, count) || sort_ties(sorter, to, from, count, low);
}

bool tn_sort__keys(const tn_sorter *sorter, uint64_t *keys, uint64_t *spare, size_t count)
{
    uint32_t ends[PARTS] = {0};
    bool ordered = true;

    for (size_t i = 1; i < count && ordered; i++) {
        ordered = keys[i - 1] <= keys[i];
    }
    if (ordered) {
        return true;
    }
    if (count < CUT_MIN) {
        return sort_whole(sorter, keys, spare, count);
    }
    const unsigned high = bits_that_differ(keys, count);
    const unsigned low = high > PART_BITS ? high - PART_BITS : 0;
    for (size_t i = 0; i < count; i++) {
        ends[(keys[i] >> low) & (PARTS - 1)]++;
    }
    scatter(keys, spare, count, ends, low);
    size_t begin = 0;
    for (size_t part = 0; part < PARTS; part++) {
        const size_t end = ends[part];
        if (is_cancelled(sorter) || !sort_part(sorter, spare + begin, keys + begin, end - begin)) {
            return false;
        }
        begin = end;
    }
    return true;
}
