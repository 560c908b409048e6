/*
 * gather.h - rows of any column, taken out in slices: the one place that sees through encodings,
 * nulls and narrow lanes for those who copy.
 *
 * A slice is up to TN_SLICE_ROWS rows.  It is opened on a column and a list of rows, and then says
 * where each row's value lies in one flat column, and which rows are null.
 */
#ifndef TN_COLUMN_GATHER_H
#define TN_COLUMN_GATHER_H

#include "column/column.h"

enum { TN_SLICE_ROWS = 1024 };

typedef struct tn_slice {
    const tn_column *base; /* flat, or a sequence */
    uint32_t count;
    bool has_nulls;
    bool is_run;                   /* index[i] = index[0] + i */
    uint32_t index[TN_SLICE_ROWS]; /* 0 where null */
    uint64_t validity[TN_SLICE_ROWS / 64];
} tn_slice;

/* Row i of the slice is rows16[i], rows32[i] or, where both are NULL, from + i. */
void tn_slice_open(tn_slice *slice, const tn_column *column, const uint16_t *rows16,
                   const uint32_t *rows32, uint32_t from, uint32_t count);

/* The values in `lane` (the base's own, a wider one, or a float of integers) to values[at...]; zero
 * where null.  Views are copied as they are; bool goes to bits. */
void tn_slice_values(const tn_slice *slice, tn_lane lane, void *values, size_t at);

/* Which rows are valid, to bits at...; bits that are already set past them are kept. */
void tn_slice_validity(const tn_slice *slice, uint64_t *bits, size_t at);

/* The same without a slice, for what is most common: a dictionary of values of fixed width, without
 * nulls, in their own lane.  False where it is not such; nothing is written then.  Row i is
 * rows[i], or from + i where that is NULL; its value goes to values[i], and where `in_place`, to
 * the row's own position. */
bool tn_column_decode(const tn_column *column, const uint16_t *rows, uint32_t from, uint32_t count,
                      tn_lane lane, bool in_place, void *values);

#endif
