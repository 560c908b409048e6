/* Sorting plain keys of 64 bits: what tn_sort__entries() does, without rows behind them. */
#include "exec/sort_internal.h"

enum { SMALL = 48, DIGIT = 11, DIGITS = 3, MASK = (1 << DIGIT) - 1 };
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

/* By the highest bits in which keys differ; answers the bits below.  False where `cancelled`. */
static bool radix_pass(const tn_sorter *sorter, uint64_t *keys, uint64_t *spare, size_t count,
                       unsigned *below)
{
    uint32_t counts[DIGITS][1 << DIGIT];
    uint64_t *from = keys;
    uint64_t *to = spare;
    uint64_t differ = 0;

    for (size_t i = 1; i < count; i++) {
        differ |= keys[i] ^ keys[0];
    }
    const unsigned high = differ == 0 ? 0 : 64 - (unsigned)__builtin_clzll(differ);
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

bool tn_sort__keys(const tn_sorter *sorter, uint64_t *keys, uint64_t *spare, size_t count)
{
    unsigned below;
    unsigned none;
    bool ordered = true;

    for (size_t i = 1; i < count && ordered; i++) {
        ordered = keys[i - 1] <= keys[i];
    }
    if (ordered) {
        return true;
    }
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
