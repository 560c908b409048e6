/*
 * hash_column.h - hashes of whole columns, by the one order of each type: equal values hash
 * equally, in any lane, at every CPU level and in every process.
 */
#ifndef TN_KERNEL_HASH_COLUMN_H
#define TN_KERNEL_HASH_COLUMN_H

#include "base/hash.h"
#include "column/column.h"

/* What a view hashes to: short strings by their words, longer ones by XXH3. */
static inline uint64_t tn_hash_view(const tn_view *view)
{
    uint64_t words[2];
    if (view->size > TN_VIEW_INLINE) {
        return tn_hash_bytes(view->data, view->size, 0);
    }
    memcpy(words, view, 16);
    return tn_hash_u64(words[0] ^ (words[1] * UINT64_C(0x9fb21c651e98df25)) ^ (words[1] >> 32));
}

/*
 * The rows of a flat column of the type's declared lane; nested values come as views of their
 * canonical form (rows/nested.h).  `mix`: combined with what `hashes` holds.
 */
void tn_hash_column(const tn_column *column, uint32_t count, bool mix, uint64_t *hashes);

#endif
