/* arrow_values.h - values whose layout is not ours, converted one by one. */
#ifndef TN_COLUMN_ARROW_VALUES_H
#define TN_COLUMN_ARROW_VALUES_H

#include "column/arrow_internal.h"

typedef struct tn_arrow_values {
    const tn_arrow_node *node;
    const uint8_t *data;      /* of the first row; aligned or not */
    const uint64_t *validity; /* or NULL; what stands under a null is not looked at */
    uint32_t rows;
} tn_arrow_values;

/* To `out`, in the type's lane; values of nulls are zero.  TARN_E_INVALID where one does not fit.
 */
TN_FALLIBLE tn_arrow__convert(const tn_arrow_values *in, void *out, tarn_error *err);
void tn_arrow__uuid(const uint8_t *bytes, char *text); /* 16 bytes to 36 characters */

#endif
