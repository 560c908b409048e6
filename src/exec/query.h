/*
 * query.h - runs an optimised plan.
 *
 * A query cuts its plan into pipelines, runs them in their order of need on the process's workers
 * (the calling thread is one of them), and hands out the result's chunks as they come.  A plan of
 * WRITE nodes has no result but the counts; the caller commits the sinks afterwards.
 */
#ifndef TN_EXEC_QUERY_H
#define TN_EXEC_QUERY_H

#include "column/chunk.h"
#include "exec/step.h"
#include "plan/plan.h"

typedef struct tn_query tn_query;

typedef struct tn_query_options {
    tn_pool *pool; /* the session's: the query makes its own below it */
    uint32_t threads;
    tn_str temp_dir; /* for spilling; empty: TMPDIR or /tmp */
    bool preserve_order, deterministic;
    uint32_t chunk_rows; /* of results; 0: TN_CHUNK_ROWS */
    /* Called now and then from the calling thread with what was done so far (bytes of the sources
     * read, of how many where known); may be NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *progress_context;
} tn_query_options;

/* Fixes nothing and reads nothing: the plan was bound and optimised before. */
TN_FALLIBLE tn_query_create(tn_plan_context *context, const tn_plan *plan,
                            const tn_query_options *options, tn_query **out, tarn_error *err);

/*
 * Runs until the next chunk of the result is ready; NULL at the end.  Called from one thread.  At
 * the end every scan has been finished (objects unchanged) and every row balance checked; a failure
 * there is an error before any commit.
 */
TN_FALLIBLE tn_query_next(tn_query *query, tn_chunk **out, tarn_error *err);

/* From any thread and from a signal handler: sets a flag. */
void tn_query_cancel(tn_query *query);

/* For who needs memory beside the query (its chunks, a sink's files): writes out what can wait.
 * False where nothing was given back. */
bool tn_query_reclaim(tn_query *query, size_t size);

/* Cancels what still runs, waits for it, frees all. */
void tn_query_destroy(tn_query *query); /* NULL is allowed */

typedef struct tn_query_stats {
    uint64_t rows_in, rows_out, rows_rejected, bytes_read, spilled_bytes, peak_bytes;
} tn_query_stats;
void tn_query_get_stats(const tn_query *query, tn_query_stats *out);

/* EXPLAIN ANALYZE: rows, time, memory and what was pruned, per node; for tn_plan_explain(). */
void tn_query_annotate(void *query, const tn_plan *node, tn_text *out);

#endif
