/*
 * sortkey.h - the ORDER BY of a row as bytes: memcmp orders them as the keys order the rows.
 *
 * Each key is a byte that says null or not, then the value (kernel/sortkey.h; strings with zeros
 * escaped and an end), turned over where it descends.  Keys of fixed size fill a prefix of known
 * size; where a key varies in size, the prefix holds the first bytes and the whole is kept beside.
 * No key is the beginning of another, so equal prefixes of whole keys mean equal keys.
 */
#ifndef TN_ROWS_SORTKEY_H
#define TN_ROWS_SORTKEY_H

#include "rows/nested.h"

typedef struct tn_order {
    const tn_type *type;
    bool descending, nulls_first;
} tn_order;

typedef struct tn_sort_keys {
    tn_pool *pool;
    tn_order *orders;
    uint32_t count;
    uint32_t prefix; /* bytes, a multiple of 8 */
    bool varies;     /* `whole` holds the keys that are longer than the prefix */
    tn_scratch *scratch;
    struct tn_nested **nested;
    uint8_t *prefixes; /* of the rows encoded last, `prefix` bytes each */
    tn_column whole;   /* views; empty where the prefix says all */
    tn_view *views;
    size_t *ends;
    tn_bytes bytes;
} tn_sort_keys;

TN_FALLIBLE tn_sort_keys_create(tn_pool *pool, const tn_order *orders, uint32_t count,
                                tn_sort_keys **out, tarn_error *err);
void tn_sort_keys_destroy(tn_sort_keys *keys); /* NULL is allowed */
/* Rows of the selection; at most TN_BATCH_ROWS.  Lent until the next call. */
TN_FALLIBLE tn_sort_keys_encode(tn_sort_keys *keys, const tn_column *const *columns,
                                const uint16_t *selection, uint32_t count, tarn_error *err);
/*
 * Of `count` rows of the selection those that may order before or with `bound`, the encoded keys of
 * a row, by the first key alone: their positions in `out`.  False, and nothing is said, where the
 * first key is no plain number without nulls: this is for what comes before any row is encoded.
 * `out` has room for TN_BATCH_ROWS + 8.
 */
bool tn_sort_keys_cut(const tn_sort_keys *keys, const uint8_t *bound, const tn_column *first,
                      const uint16_t *selection, uint32_t *count, uint16_t *out);

#endif
