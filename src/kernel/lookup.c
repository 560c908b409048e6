#include "kernel/lookup.h"

#include "base/bitmap.h"
#include "kernel/template.h"

typedef struct two_words {
    uint64_t words[2];
} two_words;
typedef struct four_words {
    uint64_t words[4];
} four_words;

#define T    uint8_t
#define LANE 1
#include "kernel/lookup.inc.h"
#define T    uint16_t
#define LANE 2
#include "kernel/lookup.inc.h"
#define T    uint32_t
#define LANE 4
#include "kernel/lookup.inc.h"
#define T    uint64_t
#define LANE 8
#include "kernel/lookup.inc.h"
#define T    two_words
#define LANE 16
#include "kernel/lookup.inc.h"
#define T    four_words
#define LANE 32
#include "kernel/lookup.inc.h"

/* Values of at most 32 bits differ by less than 2^32: a key below `min` wraps to what is too large
 * for any range that fits them. */
#define POSITIONS(TYPE, WIDE)                                        \
    for (size_t i = 0; i < count; i++) {                             \
        const WIDE wide = (WIDE)((const TYPE *)keys)[i] - (WIDE)min; \
        const bool misses = wide >= range;                           \
        at[i] = misses ? range : (uint32_t)wide;                     \
        missed |= misses;                                            \
    }
#define NARROW(TYPE) POSITIONS(TYPE, uint32_t)

bool tn_lookup_positions(tn_lane lane, const void *keys, size_t count, uint64_t min, uint32_t range,
                         uint32_t *restrict at)
{
    uint32_t missed = 0;
    TN_BY_INTEGER_LANE(lane, NARROW, POSITIONS(uint64_t, uint64_t))
    return missed != 0;
}

uint32_t tn_lookup_present(const uint8_t *present, uint32_t *at, const uint16_t *rows,
                           uint32_t count, uint16_t *out)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t entry = at[i];
        out[kept] = rows == NULL ? (uint16_t)i : rows[i];
        at[kept] = entry;
        kept += present[entry] != 0;
    }
    return kept;
}

void tn_lookup_gather(size_t width, const void *table, const uint32_t *at, size_t count,
                      const uint16_t *positions, void *out)
{
    switch (width) {
    case 1:
        gather_1(table, at, count, positions, out);
        break;
    case 2:
        gather_2(table, at, count, positions, out);
        break;
    case 4:
        gather_4(table, at, count, positions, out);
        break;
    case 8:
        gather_8(table, at, count, positions, out);
        break;
    case 16:
        gather_16(table, at, count, positions, out);
        break;
    default:
        gather_32(table, at, count, positions, out);
        break;
    }
}

void tn_lookup_bits(const uint8_t *table, uint8_t flip, const uint32_t *at, size_t count,
                    const uint16_t *positions, uint64_t *bits)
{
    for (size_t i = 0; i < count; i++) {
        tn_bit_put(bits, positions == NULL ? i : positions[i], ((table[at[i]] ^ flip) & 1) != 0);
    }
}
