/* Sorting one run in memory: pointers by the first bytes of their keys. */
#include "exec/sort_internal.h"

enum { SMALL = 48, RADIX_MIN = 512, LOOK = 64 << 10 };

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

/* Least significant byte first; bytes that all keys share are left out. */
static bool radix_sort(const tn_sorter *sorter, tn_sort_entry *entries, tn_sort_entry *spare,
                       size_t count)
{
    uint32_t counts[8][256];
    tn_sort_entry *from = entries;
    tn_sort_entry *to = spare;

    memset(counts, 0, sizeof(counts));
    for (size_t i = 0; i < count; i++) {
        const uint64_t key = entries[i].key;
        for (size_t digit = 0; digit < 8; digit++) {
            counts[digit][(key >> (8 * digit)) & 0xff]++;
        }
    }
    for (size_t digit = 0; digit < 8; digit++) {
        uint32_t *count_of = counts[digit];
        const unsigned shift = (unsigned)(8 * digit);
        if (count_of[(entries[0].key >> shift) & 0xff] == count) {
            continue;
        }
        uint32_t sum = 0;
        for (size_t value = 0; value < 256; value++) {
            const uint32_t here = count_of[value];
            count_of[value] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            to[count_of[(from[i].key >> shift) & 0xff]++] = from[i];
        }
        tn_sort_entry *swap = from;
        from = to;
        to = swap;
        if (is_cancelled(sorter)) {
            return false;
        }
    }
    if (from != entries) {
        memcpy(entries, from, count * sizeof(*entries));
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
