/* column_internal.h - what the files of column/ share. */
#ifndef TN_COLUMN_INTERNAL_H
#define TN_COLUMN_INTERNAL_H

#include "column/chunk.h"
#include "column/flatten.h"

tn_pool *tn_types__pool(const tn_types *types);

/* A flat, deep copy of `count` rows from `from`, living in the arena. */
TN_FALLIBLE tn_column__copy(const tn_column *column, uint32_t from, uint32_t count, tn_arena *arena,
                            tn_column *out, tarn_error *err);

/* One row of a column against one of another, by the type's order, nulls last. */
int tn_column__compare(const tn_column *a, uint32_t a_row, const tn_column *b, uint32_t b_row);

#endif
