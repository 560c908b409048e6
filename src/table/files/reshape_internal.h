/*
 * reshape_internal.h - nested columns of a file in the shape that a table declares: fields found by
 * the names that the file uses, in the table's order, missing ones NULL.  No value is copied.
 */
#ifndef TN_TABLE_FILES_RESHAPE_INTERNAL_H
#define TN_TABLE_FILES_RESHAPE_INTERNAL_H

#include "column/column.h"
#include "column/value.h"

typedef struct tn_reshape tn_reshape;   /* for a file and column: lives in an arena */
typedef struct tn_reshaped tn_reshaped; /* for a task on it: likewise */

/* The same values in a lane that fits: BIGINT read from INT32, DECIMAL(20,2) from DECIMAL(9,2). */
bool tn_reshape__only_wider(const tn_type *from, const tn_type *to);

/* From a file's type to the table's, whose fields the file knows by the names in `physical` (the
 * same type, but for names).  `*out` is NULL where values would have to be cast. */
TN_FALLIBLE tn_reshape__plan(const tn_type *own, const tn_type *type, const tn_type *physical,
                             bool fill_missing, tn_arena *arena, const tn_reshape **out,
                             tarn_error *err);
TN_FALLIBLE tn_reshape__start(const tn_reshape *plan, tn_arena *arena, tn_reshaped **out,
                              tarn_error *err);
/* `out` reaches what `in` reaches, and columns of the task's. */
void tn_reshape__run(tn_reshaped *task, const tn_column *in, tn_column *out);

#endif
