/*
 * operators.h - the constructors of operators, one for each file beside this one.
 *
 * Expressions name columns by id; `layout` says at which position of the input batch an id stands.
 * Programs are compiled here, once; all that is made lives in `run->expr->arena` or the operator's
 * pool.  An operator accepts batches with any encoding, narrower lanes, and selections.
 */
#ifndef TN_EXEC_OPERATORS_H
#define TN_EXEC_OPERATORS_H

#include "exec/step.h"
#include "plan/plan.h"
#include "scan/sink.h"

/* ---- steps that pass rows through (owner: pipelines) ---- */
TN_FALLIBLE tn_filter_create(tn_run *run, const tn_expr *const *predicates, uint32_t count,
                             const tn_layout *layout, bool prefilter, tn_operator **out,
                             tarn_error *err);
TN_FALLIBLE tn_project_create(tn_run *run, const tn_expr *const *exprs, uint32_t count,
                              const tn_layout *layout, tn_operator **out, tarn_error *err);
/* Adds the rows that pass to *meter; NULL: nobody asks. */
TN_FALLIBLE tn_meter_create(tn_run *run, _Atomic uint64_t *meter, tn_operator **out,
                            tarn_error *err);
/* LIMIT and OFFSET: one budget for all drivers.  The lowest tags where one driver runs it. */
TN_FALLIBLE tn_limit_create(tn_run *run, uint64_t limit, uint64_t offset, tn_operator **out,
                            tarn_error *err);
TN_FALLIBLE tn_unnest_create(tn_run *run, const tn_expr *const *lists, uint32_t count, bool outer,
                             const tn_layout *layout, tn_operator **out, tarn_error *err);
/* An end over a tn_sink (COPY, tables), ordered or not. */
TN_FALLIBLE tn_sink_end_create(tn_run *run, tn_sink *sink, tn_operator **out, tarn_error *err);
/* Of rows too wide for the memory: says what memory would do, whoever met the limit. */
tarn_code tn_sink_end_explain(const tn_sink *sink, const tn_pool *pool, tarn_code code,
                              tarn_error *err);

/* ---- operators that block: all of them spill (owner: operators) ---- */

/*
 * GROUP BY: scan() gives batches of keys, then aggregates, in plan order. key_count 0: one row.
 * Handles every class of aggregate (expr/aggregate.h), FILTER and ORDER BY in aggregates; DISTINCT
 * was rewritten before.
 */
TN_FALLIBLE tn_aggregate_create(tn_run *run, const tn_expr *const *keys, uint32_t key_count,
                                const tn_expr *const *aggregates, uint32_t aggregate_count,
                                const tn_layout *layout, bool input_ordered, double groups_estimate,
                                tn_operator **out, tarn_error *err);

/*
 * A join is two operators that share a table: the build end, and the probe step.  The build side's
 * payload columns (by position of its input) come behind the probe side's columns, all of which are
 * handed through.  RIGHT and FULL are asked with build as the right side: scan() of the build
 * operator then gives the unmatched rows, probe columns NULL, after the probe pipeline ended.
 * SEMI and ANTI `of_build` ask for the build's rows, by whether a probe row matches them: the probe
 * gives nothing, and the scan the payload alone.
 * `residual` is over the layout (probe columns, then payload).
 */
typedef struct tn_join_options {
    tn_join_kind kind; /* seen with the probe side as left */
    bool null_aware;
    bool of_build;                    /* SEMI and ANTI only, and not null_aware */
    const tn_expr *const *build_keys; /* over build_layout */
    const tn_expr *const *probe_keys; /* over probe_layout, same types */
    const bool *null_equal;
    uint32_t key_count; /* 0: a cross or nested-loop join */
    const tn_layout *build_layout, *probe_layout;
    const tn_type *const *probe_types; /* of all probe columns */
    const uint32_t *payload;           /* positions in the build input */
    const tn_type *const *payload_types;
    uint32_t payload_count;
    const tn_expr *const *residual;
    uint32_t residual_count;
    const tn_layout *residual_layout;
    tn_dynamic_filter *const *filters; /* one a key or NULL: filled when the build ends */
    double build_rows_estimate;
} tn_join_options;
TN_FALLIBLE tn_join_create(tn_run *run, const tn_join_options *options, tn_operator **build,
                           tn_operator **probe, tarn_error *err);
/* The filter a build fills; conjuncts name `field` of the probe's source. */
TN_FALLIBLE tn_join_filter_create(tn_pool *pool, uint32_t field, const tn_type *type,
                                  tn_dynamic_filter **out, tarn_error *err);
void tn_join_filter_destroy(tn_dynamic_filter *filter);

/* ORDER BY: all columns of the input in order; ties by tag where the input is ordered.  With a
 * limit: top-n, whose bound goes to `filter` (or NULL). */
TN_FALLIBLE tn_sort_create(tn_run *run, const tn_sort_key *keys, uint32_t key_count,
                           const tn_layout *layout, const tn_type *const *types, uint32_t width,
                           uint64_t limit, uint64_t offset, tn_dynamic_filter *filter,
                           tn_operator **out, tarn_error *err);

/* DISTINCT over the whole row, or ON keys keeping the first rows by `order`, then by tag: `limit`
 * of each key from `offset` on. */
TN_FALLIBLE tn_distinct_create(tn_run *run, const tn_expr *const *keys, uint32_t key_count,
                               const tn_sort_key *order, uint32_t order_count, uint64_t limit,
                               uint64_t offset, const tn_layout *layout,
                               const tn_type *const *types, uint32_t width, tn_operator **out,
                               tarn_error *err);

/* EXCEPT [ALL], INTERSECT [ALL]: two ends that share state; scan() of the second gives the rows. */
TN_FALLIBLE tn_set_create(tn_run *run, tn_plan_kind kind, bool all, const tn_type *const *types,
                          uint32_t width, tn_operator **left, tn_operator **right, tarn_error *err);

/* Rows kept (evictable) to be read more than once: SHARED, and streams read twice.  After the end
 * has finalised, tn_keep_scan() opens any number of independent scans, in input order. */
TN_FALLIBLE tn_keep_create(tn_run *run, const tn_type *const *types, uint32_t width, bool ordered,
                           tn_operator **out, tarn_error *err);
TN_FALLIBLE tn_keep_scan(tn_operator *keep, tn_pool *pool, tn_scan **out, tarn_error *err);

#endif
