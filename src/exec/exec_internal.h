/* exec_internal.h - a query while it is compiled and run: shared by compile.c and query.c. */
#ifndef TN_EXEC_INTERNAL_H
#define TN_EXEC_INTERNAL_H

#include "base/vec.h"
#include "exec/driver.h"
#include "exec/operators.h"
#include "exec/query.h"

/* Where a pipeline's rows come from. */
typedef enum tn_origin {
    TN_ORIGIN_SOURCE, /* .node is a SCAN or VALUES */
    TN_ORIGIN_STATE,  /* what operator .state holds after its end */
    TN_ORIGIN_KEPT    /* an own scan of the keep operator .state */
} tn_origin;

typedef struct tn_segment {
    tn_pipeline pipeline;
    tn_origin origin;
    const tn_plan *node; /* of the origin */
    tn_source *values;   /* of VALUES, or NULL */
    tn_operator *state;
    tn_operator *steps[TN_STEPS_MAX];
    const tn_plan *nodes[TN_STEPS_MAX + 2]; /* whose counters these are: origin, steps, end */
    tn_slot_counters counters[TN_STEPS_MAX + 2];
    tn_scan_counters scanned;
    tn_dynamic_filter *filters[TN_STEPS_MAX]; /* that joins above fill for this scan */
    uint32_t filter_count;
    tn_layout layout; /* above the last step */
    const tn_type **types;
    bool single;     /* one driver: the lowest rows are promised */
    bool stop_early; /* a LIMIT is above */
    bool owns_scan, is_started, was_skipped;
    bool is_teed;                      /* runs as an output of another's tee, not by itself */
    struct tn_segment *const *outputs; /* of a tee at its end */
    uint32_t output_count;
    uint64_t rows_all, bytes_all; /* of the source, for the progress; 0 unknown */
} tn_segment;

typedef TN_VEC(tn_segment *) tn_segments;

/* A plan node's operator, found again where several pipelines pass through it. */
typedef struct tn_made {
    const tn_plan *node;
    uint32_t shared_id;       /* of SHARED; else UINT32_MAX */
    tn_operator *op, *second; /* a join's build and probe */
    tn_layout layout;         /* above it */
    const tn_type **types;
    tn_segments builds; /* of a join: its build side's pipelines, until the join is made */
} tn_made;

struct tn_query {
    tn_pool *parent; /* the session's: pays for what outlives the query */
    tn_pool pool;
    tn_arena arena;
    tn_plan_context *context;
    const tn_plan *plan;
    tn_query_options options;
    tn_run run;
    tn_gang gang;
    _Atomic bool cancelled;

    tn_segments all;   /* that were made */
    tn_segments order; /* in the order in which they run */
    size_t current;
    TN_VEC(tn_made *) made;
    TN_VEC(tn_operator *) operators; /* in the order of making */
    TN_VEC(tn_dynamic_filter *) filters;
    tn_operator *result; /* NULL for writes */
    uint64_t result_limit, result_offset;
    bool stop_early; /* the root is a LIMIT */
    bool answered;   /* the count of a WRITE was given */
    tarn_code failed;
    tarn_error failure;
    uint64_t rows_out;
    bool is_weighed; /* the segments know what their sources hold */
};

TN_FALLIBLE tn_query__compile(tn_query *query, tarn_error *err);
/* Row stores of plans that are read more than once give way to tees where they can: share.c. */
TN_FALLIBLE tn_query__share(tn_query *query, tarn_error *err);

#endif
