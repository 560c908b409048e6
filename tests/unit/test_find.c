/* Substring search against a plain loop: texts of any length around those it treats apart, needles
 * of any, starts before and behind what can match. */
#include "kernel/find.h"
#include "support/check.h"

#include <stdlib.h>

enum { TEXT_MOST = 150, NEEDLE_MOST = 40 };

static size_t plainly(tn_str text, tn_str needle, size_t from)
{
    for (size_t at = from; at <= text.size && needle.size <= text.size - at; at++) {
        if (memcmp(text.data + at, needle.data, needle.size) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

TEST(searching_finds_what_a_plain_loop_finds)
{
    uint64_t state = 11;
    size_t found = 0;
    for (size_t round = 0; round < TEST_SIZE(200000, 30000); round++) {
        uint64_t word[4];
        for (size_t i = 0; i < 4; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            word[i] = state >> 33;
        }
        const size_t size = word[0] % TEXT_MOST;
        const size_t most = word[1] % 4 == 0 ? NEEDLE_MOST : 6;
        /* Blocks of their own, so that a read past either end is seen by ASan. */
        char *bytes = malloc(size + 1);
        char *wanted = malloc(most + 1);
        CHECK(bytes != NULL && wanted != NULL);
        const tn_str text = {bytes + 1, size};
        const tn_str needle = {wanted + 1, word[2] % (most + 1)};
        for (size_t i = 0; i < size; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bytes[i + 1] = (char)('a' + (state >> 40) % 2);
        }
        const size_t taken = size == 0 ? 0 : word[3] % size;
        for (size_t i = 0; i < needle.size; i++) { /* mostly a part of the text */
            wanted[i + 1] = taken + i < size ? bytes[taken + i + 1] : 'b';
        }
        const size_t from = word[3] / 1024 % 3 == 0 ? word[3] / 4096 % (size + 3) : 0;
        const size_t said = tn_find(text, needle, from);
        const size_t right = plainly(text, needle, from);
        free(bytes);
        free(wanted);
        CHECK_U64(said, right);
        found += right != SIZE_MAX;
    }
    CHECK(found > 1000);
}
