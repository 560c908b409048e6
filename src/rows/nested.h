/*
 * nested.h - nested values as strings of bytes, and back.
 *
 * Three forms.  *Verbatim* is for payload.  *Canonical* is for keys: equal values have equal bytes
 * (-0 becomes 0, every NaN the same one).  *Sort* is for ORDER BY: bytes compare as values do.  The
 * first two can be read back.  Written and read with an explicit stack (decision 14).
 */
#ifndef TN_ROWS_NESTED_H
#define TN_ROWS_NESTED_H

#include "column/flatten.h"

typedef struct tn_nested tn_nested;

typedef enum tn_nested_form {
    TN_NESTED_VERBATIM,
    TN_NESTED_CANONICAL,
    TN_NESTED_SORT
} tn_nested_form;

TN_FALLIBLE tn_nested_create(tn_pool *pool, const tn_type *type, tn_nested **out, tarn_error *err);
void tn_nested_destroy(tn_nested *nested); /* NULL is allowed */

/* Rows of the selection as a flat column of views; lent until the next call. */
TN_FALLIBLE tn_nested_encode(tn_nested *nested, const tn_column *in, const uint16_t *selection,
                             uint32_t count, tn_nested_form form, tn_column *out, tarn_error *err);
/* Back: strings point into the views' bytes. */
TN_FALLIBLE tn_nested_decode(tn_nested *nested, const tn_column *views, tn_column *out,
                             tarn_error *err);

/* One value's bytes in the sort form, appended: what a sort key is made of. */
typedef struct tn_bytes {
    tn_pool *pool;
    uint8_t *items;
    size_t count, capacity;
} tn_bytes;
TN_FALLIBLE tn_nested_sort_bytes(tn_nested *nested, const tn_column *in, uint32_t row,
                                 tn_bytes *out, tarn_error *err);

#endif
