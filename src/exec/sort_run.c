/* Sorting one run in memory: pointers by the first bytes of their keys. */
#include "exec/sort_internal.h"

enum {
    SMALL = 48,
    RADIX_MIN = 512,
    LOOK = 64 << 10,
    DIGIT = 11, /* bits */
    DIGITS = 3,
    MASK = (1 << DIGIT) - 1
};
_Static_assert(2 * DIGIT * DIGITS >= 64, "two rounds see the whole key");

int tn_sort__compare(const tn_sorter *sorter, const uint8_t *a, const uint8_t *b)
{
    int order = memcmp(a, b, sorter->prefix);
    if (order == 0 && sorter->varies) {
        const uint32_t offset = sorter->layout->fields[0].offset;
        order = tn_view_compare((const tn_view *)(const void *)(a + offset),
                                (const tn_view *)(const void *)(b + offset));
    }
    if (order == 0 && sorter->has_rank) {
        uint64_t a_rank;
        uint64_t b_rank;
        memcpy(&a_rank, a + sorter->prefix, 8);
        memcpy(&b_rank, b + sorter->prefix, 8);
        order = (a_rank > b_rank) - (a_rank < b_rank);
    }
    return order;
}

static inline bool is_cancelled(const tn_sorter *sorter)
{
    return atomic_load_explicit(sorter->cancelled, memory_order_relaxed);
}

static inline bool comes_before(const tn_sorter *sorter, const tn_sort_entry *a,
                                const tn_sort_entry *b)
{
    return a->key != b->key ? a->key < b->key : tn_sort__compare(sorter, a->row, b->row) < 0;
}

static void insertion_sort(const tn_sorter *sorter, tn_sort_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const tn_sort_entry moved = entries[i];
        size_t at = i;
        while (at > 0 && comes_before(sorter, &moved, &entries[at - 1])) {
            entries[at] = entries[at - 1];
            at--;
        }
        entries[at] = moved;
    }
}

/* Bottom up, so that nothing recurses. */
static bool merge_sort(const tn_sorter *sorter, tn_sort_entry *entries, tn_sort_entry *spare,
                       size_t count)
{
    tn_sort_entry *from = entries;
    tn_sort_entry *to = spare;
    for (size_t at = 0; at < count; at += SMALL) {
        if (at % (SMALL * 256) == 0 && is_cancelled(sorter)) {
            return false;
        }
        insertion_sort(sorter, entries + at, count - at < SMALL ? count - at : SMALL);
    }
    for (size_t width = SMALL; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            const size_t middle = at + width < count ? at + width : count;
            const size_t end = at + 2 * width < count ? at + 2 * width : count;
            size_t left = at;
            size_t right = middle;
            for (size_t i = at; i < end; i++) {
                if ((i - at) % LOOK == LOOK - 1 && is_cancelled(sorter)) {
                    return false;
                }
                const bool take_right =
                    right < end &&
                    (left == middle || comes_before(sorter, &from[right], &from[left]));
                to[i] = from[take_right ? right++ : left++];
            }
            if (is_cancelled(sorter)) {
                return false;
            }
        }
        tn_sort_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries) {
        memcpy(entries, from, count * sizeof(*entries));
    }
    return true;
}

/*
 * By the highest bits in which keys differ, least significant digit first.  Few keys that
 * differ at all are alike in so many bits, so a third of the passes do; answers the bits below.
 * False where `cancelled` was set.
 */
static bool radix_pass(const tn_sorter *sorter, tn_sort_entry *entries, tn_sort_entry *spare,
                       size_t count, unsigned *below)
{
    uint32_t counts[DIGITS][1 << DIGIT];
    tn_sort_entry *from = entries;
    tn_sort_entry *to = spare;
    uint64_t differ = 0;

    for (size_t i = 1; i < count; i++) {
        differ |= entries[i].key ^ entries[0].key;
    }
    const unsigned high = differ == 0 ? 0 : 64 - (unsigned)__builtin_clzll(differ);
    const unsigned low = high > DIGITS * DIGIT ? high - DIGITS * DIGIT : 0;
    const unsigned digits = (high - low + DIGIT - 1) / DIGIT;
    *below = low;
    memset(counts, 0, digits * sizeof(counts[0]));
    for (size_t i = 0; i < count && digits > 0; i++) {
        const uint64_t key = entries[i].key >> low;
        for (unsigned digit = 0; digit < digits; digit++) {
            counts[digit][key >> (DIGIT * digit) & MASK]++;
        }
    }
    for (unsigned digit = 0; digit < digits; digit++) {
        uint32_t *count_of = counts[digit];
        const unsigned shift = low + DIGIT * digit;
        if (is_cancelled(sorter)) {
            return false;
        }
        if (count_of[(entries[0].key >> shift) & MASK] == count) {
            continue;
        }
        uint32_t sum = 0;
        for (size_t value = 0; value <= MASK; value++) {
            const uint32_t here = count_of[value];
            count_of[value] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            to[count_of[(from[i].key >> shift) & MASK]++] = from[i];
        }
        tn_sort_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries) {
        memcpy(entries, from, count * sizeof(*entries));
    }
    return true;
}

static void insertion_sort_keys(tn_sort_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const tn_sort_entry moved = entries[i];
        size_t at = i;
        for (; at > 0 && moved.key < entries[at - 1].key; at--) {
            entries[at] = entries[at - 1];
        }
        entries[at] = moved;
    }
}

/* By the whole key; equal ones stay as they were. */
static bool radix_sort(const tn_sorter *sorter, tn_sort_entry *entries, tn_sort_entry *spare,
                       size_t count)
{
    unsigned below;
    unsigned none;
    if (!radix_pass(sorter, entries, spare, count, &below)) {
        return false;
    }
    for (size_t at = 0; below > 0 && at < count;) {
        size_t end = at + 1;
        while (end < count && entries[end].key >> below == entries[at].key >> below) {
            end++;
        }
        if (end - at <= SMALL) {
            insertion_sort_keys(entries + at, end - at);
        } else if (end - at < RADIX_MIN
                       ? !merge_sort(sorter, entries + at, spare + at, end - at)
                       : !radix_pass(sorter, entries + at, spare + at, end - at, &none)) {
            return false;
        }
        at = end;
    }
    return true;
}

bool tn_sort__entries(const tn_sorter *sorter, tn_sort_entry *entries, tn_sort_entry *spare,
                      size_t count, size_t skip)
{
    if (count < RADIX_MIN) {
        return merge_sort(sorter, entries, spare, count);
    }
    if (!radix_sort(sorter, entries, spare, count)) {
        return false;
    }
    if (skip + 8 >= sorter->prefix && !sorter->varies && !sorter->has_rank) {
        return true; /* the key was the whole of it; radix keeps the order of equal ones */
    }
    for (size_t at = 0; at < count;) { /* ties on the first bytes */
        size_t end = at + 1;
        while (end < count && entries[end].key == entries[at].key) {
            end++;
        }
        if (end - at > 1 && !merge_sort(sorter, entries + at, spare + at, end - at)) {
            return false;
        }
        at = end;
    }
    return true;
}
