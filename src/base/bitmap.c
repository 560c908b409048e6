#include "base/bitmap.h"

size_t tn_bitmap_count(const uint64_t *bits, size_t rows)
{
    size_t count = 0;
    for (size_t word = 0; word < rows / 64; word++) {
        count += (size_t)__builtin_popcountll(bits[word]);
    }
    if (rows % 64 != 0) {
        count += (size_t)__builtin_popcountll(bits[rows / 64] & tn_bitmap_tail(rows));
    }
    return count;
}

bool tn_bitmap_all(const uint64_t *bits, size_t rows)
{
    uint64_t all = ~UINT64_C(0);
    for (size_t word = 0; word < rows / 64; word++) {
        all &= bits[word];
    }
    if (rows % 64 != 0) {
        all &= bits[rows / 64] | ~tn_bitmap_tail(rows);
    }
    return all == ~UINT64_C(0);
}

bool tn_bitmap_none(const uint64_t *bits, size_t rows)
{
    uint64_t any = 0;
    for (size_t word = 0; word < rows / 64; word++) {
        any |= bits[word];
    }
    if (rows % 64 != 0) {
        any |= bits[rows / 64] & tn_bitmap_tail(rows);
    }
    return any == 0;
}

void tn_bitmap_copy(uint64_t *to, const void *from, size_t from_row, size_t rows)
{
    const uint8_t *bytes = (const uint8_t *)from + from_row / 8;
    const unsigned shift = from_row % 8;
    const size_t byte_count = (shift + rows + 7) / 8;

    for (size_t word = 0; word < tn_bitmap_words(rows); word++) {
        const size_t left = byte_count - 8 * word;
        uint64_t low = 0;
        memcpy(&low, bytes + 8 * word, left < 8 ? left : 8);
        if (shift != 0) {
            const uint64_t high = left > 8 ? bytes[8 * word + 8] : 0;
            low = (low >> shift) | (high << (64 - shift));
        }
        to[word] = low;
    }
    if (rows % 64 != 0) {
        to[rows / 64] &= tn_bitmap_tail(rows);
    }
}
