/*
 * result.h - the end that hands a query's rows to its reader, chunk by chunk, and LIMIT on the way.
 *
 * At most a few chunks wait for the reader; then drivers park.
 */
#ifndef TN_EXEC_RESULT_H
#define TN_EXEC_RESULT_H

#include "column/chunk.h"
#include "exec/step.h"

typedef struct tn_result_options {
    tn_pool *pool; /* pays for the chunks, which may outlive the run */
    const tn_type *const *types;
    uint32_t width, chunk_rows;
    bool ordered;
    uint64_t limit, offset; /* UINT64_MAX: no limit */
} tn_result_options;

TN_FALLIBLE tn_result_create(tn_run *run, const tn_result_options *options, tn_operator **out,
                             tarn_error *err);
/* The next whole chunk, or what there is once `all` is known to have arrived; NULL: none (yet). */
TN_FALLIBLE tn_result_next(tn_operator *result, bool all, tn_chunk **out, tarn_error *err);
bool tn_result_is_ready(tn_operator *result);

#endif
