/*
 * program.h - expressions compiled to a flat register program, and its run on batches.
 *
 * A program is made once at planning and shared read-only; an evaluator is one task's state with
 * its scratch columns, reused from batch to batch.  Results are lent until the next run.  Faults
 * travel with the columns (decision 5); who needs a row calls tn_column_raise().
 */
#ifndef TN_EXPR_PROGRAM_H
#define TN_EXPR_PROGRAM_H

#include "expr/bind.h"

typedef struct tn_program tn_program;
typedef struct tn_evaluator tn_evaluator;

/* Where the ids of an input stand: position i of the batch holds ids[i]. */
typedef struct tn_layout {
    uint32_t count;
    const tn_column_id *ids;
} tn_layout;

/* Values of parameters by name, asked when the program is made. */
typedef struct tn_parameters {
    uint32_t count;
    const tn_str *names;
    const tn_value *values;
} tn_parameters;

/* Common subexpressions are computed once.  Lives in the context's arena. */
TN_FALLIBLE tn_program_compile(tn_expr_context *context, const tn_expr *const *exprs,
                               uint32_t count, const tn_layout *input,
                               const tn_parameters *parameters, const tn_program **out,
                               tarn_error *err);

TN_FALLIBLE tn_evaluator_create(const tn_program *program, tn_pool *pool, tn_evaluator **out,
                                tarn_error *err);
void tn_evaluator_destroy(tn_evaluator *evaluator); /* NULL is allowed */

/*
 * Computes the program's expressions over the selected rows: out[i] has in->rows rows, of which
 * only the selected ones mean anything.  Column references are handed through as they came.  Where
 * strings grow past TN_BATCH_HEAP it stops early: `*next` is moved from the first row of the
 * selection to compute (0 at first) to the first that was not; call again with it for the rest.
 */
TN_FALLIBLE tn_evaluator_run(tn_evaluator *evaluator, const tn_batch *in, uint32_t *next,
                             tn_column *out, tarn_error *err);

/*
 * The program's expressions as conjuncts: which selected rows survive all of them.  `*selection` is
 * NULL where all rows of the batch do.  A row whose conjunct faults is kept and raises if it
 * survives the others.  Conjuncts are reordered by observed cost and selectivity.  With `prefilter`
 * a fault lets the row pass and never raises.
 */
TN_FALLIBLE tn_evaluator_filter(tn_evaluator *evaluator, const tn_batch *in, bool prefilter,
                                const uint16_t **selection, uint32_t *selected, tarn_error *err);

#endif
