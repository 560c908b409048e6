/*
 * strict_internal.h - columns of files cast to a set's types, value by value.  What can lose
 * nothing is cast as it is; any other value must come back the same from the type it goes to, or
 * its row is a bad record that names file, row, column and value.
 */
#ifndef TN_TABLE_FILES_STRICT_INTERNAL_H
#define TN_TABLE_FILES_STRICT_INTERNAL_H

#include "expr/bind.h"
#include "scan/source.h"

/* A column of a file whose values may not fit. */
typedef struct tn_strict_check {
    uint32_t at; /* in the file's batch */
    tn_str name; /* as the set has it */
    const tn_type *own, *wanted;
} tn_strict_check;

/* The bad records of a batch: where they are and where they go. */
typedef struct tn_strict_rows {
    tn_str uri;
    const tn_strict_check *checks;
    uint32_t check_count;
    const tn_column *faulty;  /* BOOLEAN, one a check: the value does not fit */
    const tn_column *columns; /* of the file's batch */
    const tn_column *numbers; /* of rows in the file, from 1 */
    tn_reject_edge *rejects;  /* NULL: the first one is an error */
    bool is_united;           /* by name: the type is the one that held all files' */
} tn_strict_rows;

/* `*cast` is `own` in `wanted`; `*faulty`: is a value no such value?  NULL where none can be. */
TN_FALLIBLE tn_strict__cast(tn_expr_context *context, const tn_expr *own, const tn_type *wanted,
                            const tn_expr **cast, const tn_expr **faulty, tarn_error *err);

/* What a failure to cast a whole column says besides. */
void tn_strict__explain(tn_str uri, const tn_field *wanted, const tn_type *own, tarn_error *err);

/* Nested types that are no wider ones. */
TN_FALLIBLE tn_strict__refuse_nested(tn_str uri, const tn_field *wanted, const tn_type *own,
                                     tarn_error *err);

/* Takes bad records out of the batch's selection, which goes to `selection`; counts them. */
TN_FALLIBLE tn_strict__leave_out(const tn_strict_rows *rows, tn_batch *batch, uint16_t *selection,
                                 tn_arena *arena, uint32_t *rejected, tarn_error *err);

#endif
