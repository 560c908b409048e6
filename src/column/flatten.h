/*
 * flatten.h - any column as a flat, dense one of the wanted lane, in scratch that is reused.
 *
 * For consumers that have no form of their own for an encoding or a narrow lane.  `scratch` belongs
 * to one task and one column position; what is written there lives until its next use.  Where the
 * column is flat, in the lane, and unselected (or `dense` is not asked for), it is handed through
 * without a copy.
 */
#ifndef TN_COLUMN_FLATTEN_H
#define TN_COLUMN_FLATTEN_H

#include "column/column.h"

typedef struct tn_scratch {
    tn_pool *pool;
    void *values;
    size_t values_size;
    uint64_t *validity;
    size_t validity_size;
    struct tn_scratch *children; /* of nested columns */
    uint32_t child_count;
    tn_column *child_columns;
} tn_scratch;

void tn_scratch_init(tn_scratch *scratch, tn_pool *pool);
void tn_scratch_deinit(tn_scratch *scratch);
/* Rows to make room for where `count` are wanted: a batch's, but less where batches are short, as
 * those of many columns are. */
static inline size_t tn_scratch_rows(size_t count)
{
    size_t rows = 64;
    while (rows < count) {
        rows *= 2;
    }
    return rows;
}
/* Room for `size` bytes of values and the validity of a batch; what was there is lost. */
TN_FALLIBLE tn_scratch_reserve(tn_scratch *scratch, size_t size, tarn_error *err);

/*
 * `out` has `count` rows: row i is row selection[i] of `in` (row i where selection is NULL). Values
 * of null rows are zero (views: empty).  Masks of faults are not carried: raise them before.
 * Nested columns keep their child columns as they are (heads are taken, children lent), except that
 * dictionary and constant children are flattened.
 */
TN_FALLIBLE tn_column_flatten(const tn_column *in, const uint16_t *selection, uint32_t count,
                              tn_lane lane, tn_scratch *scratch, tn_column *out, tarn_error *err);

#endif
