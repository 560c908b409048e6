/*
 * plan.h - the one plan language (decision 18): what SQL and frames build, the optimiser rewrites
 * and the engine runs.
 *
 * A node is read-only once made and lives in an arena with its expressions; a rule answers another
 * node and shares what did not change.  Each node's output columns have ids that are unique within
 * the plan; expressions above name them by id, so moving a node renumbers nothing.  The plan knows
 * sources and sinks, never which format is behind them.
 *
 * Which fields a kind uses is written once, in TN_PLAN_FIELDS of plan/fields.inc.h; copy, equality,
 * walking, EXPLAIN and the JSON form are derived from it.
 */
#ifndef TN_PLAN_PLAN_H
#define TN_PLAN_PLAN_H

#include "expr/bind.h"
#include "scan/sink.h"

typedef enum tn_plan_kind {
    TN_PLAN_SCAN,      /* rows of .source */
    TN_PLAN_VALUES,    /* .exprs: row_count rows of output_count expressions without columns */
    TN_PLAN_FILTER,    /* rows for which all of .exprs are true; .prefilter */
    TN_PLAN_PROJECT,   /* one of .exprs for each output */
    TN_PLAN_AGGREGATE, /* outputs: .keys, then .exprs (aggregates); no keys: exactly one row */
    TN_PLAN_JOIN,  /* children left, right; see tn_join_kind.  Outputs: the left's columns, then the
                      right's; after optimising only those that somebody above reads */
    TN_PLAN_APPLY, /* a dependent join: right may use left's columns; unnesting removes it.
                      join fields as JOIN; .exprs is its condition */
    TN_PLAN_SORT,  /* by .order; with .limit a top-n */
    TN_PLAN_LIMIT, /* .offset, .limit; the lowest tags */
    TN_PLAN_DISTINCT, /* one row for each distinct row, or (.keys) the first by key: DISTINCT ON.
                         With keys .limit rows (usually 1) of each, from .offset on */
    TN_PLAN_UNION,    /* UNION ALL; children's outputs match by position */
    TN_PLAN_EXCEPT,   /* two children; .all: multiplicities count */
    TN_PLAN_INTERSECT,
    TN_PLAN_UNNEST, /* .exprs: one list (or map) per new output, which follow the child's */
    TN_PLAN_SHARED, /* a child that several nodes read and that runs once: CTEs, pipeline steps.
                       Each reference is a node of its own with its own output ids */
    TN_PLAN_WRITE,  /* child's rows into .sink; one row out: the count, BIGINT */
    TN_PLAN_METER,  /* the child's rows, counted in the context's meters[.meter]; no rule moves
                       anything through it */
    TN_PLAN_ALL,    /* several roots run as one DAG: a pipeline's sinks; no output */
    TN_PLAN_KIND_COUNT
} tn_plan_kind;

typedef enum tn_join_kind {
    TN_JOIN_INNER,
    TN_JOIN_LEFT,
    TN_JOIN_RIGHT,
    TN_JOIN_FULL,
    TN_JOIN_SEMI,  /* left rows with a match; outputs: left's */
    TN_JOIN_ANTI,  /* left rows without one; .null_aware: NOT IN */
    TN_JOIN_MARK,  /* left's outputs and a BOOLEAN: matched (.null_aware: NULL where IN is unknown)
                    */
    TN_JOIN_SINGLE /* left rows with the one match or NULLs; two matches are an error */
} tn_join_kind;

typedef struct tn_output {
    tn_column_id id;
    tn_str name;
    const tn_type *type;
    bool nullable;
} tn_output;

/* One equality of a join: left and right are over that side's columns, of one type. */
typedef struct tn_join_pair {
    const tn_expr *left, *right;
    bool null_equal; /* IS NOT DISTINCT FROM */
} tn_join_pair;

typedef struct tn_plan tn_plan;

struct tn_plan {
    tn_plan_kind kind;
    tn_span span;
    uint32_t output_count, child_count;
    const tn_output *outputs;
    tn_plan *const *children;

    const tn_expr *const *exprs;
    uint32_t expr_count;
    const tn_expr *const *keys; /* of AGGREGATE, DISTINCT ON */
    uint32_t key_count;
    uint32_t row_count; /* of VALUES */

    /* SCAN: output i is the source's field fields[i]; beyond the schema, TN_FIELD_VIRTUAL + a
     * tn_virtual bit. */
    tn_source *source; /* borrowed: the statement's binder keeps it alive */
    const uint32_t *fields;
    const tn_conjunct *conjuncts;         /* pushed down; fields by the source's schema */
    const tn_expr *const *conjunct_exprs; /* the same as expressions, for EXPLAIN */
    uint32_t conjunct_count;
    uint64_t row_limit;      /* UINT64_MAX: all */
    bool conjuncts_fallible; /* some go as prefilters */
    tn_reject_edge *rejects; /* a pipeline's quarantine, or NULL */

    tn_join_kind join;
    const tn_join_pair *pairs;
    uint32_t pair_count; /* .exprs: the other conditions, over both sides */
    bool null_aware;
    bool build_left;   /* chosen by the optimiser: default builds on the right */
    tn_column_id mark; /* of MARK */

    const tn_sort_key *order; /* of SORT and DISTINCT ON */
    uint32_t order_count;
    uint64_t limit, offset; /* UINT64_MAX: no limit */
    bool prefilter;     /* FILTER: rows whose conjunct faults pass, since it is asked again above
                           (decision 5) */
    bool all;           /* EXCEPT, INTERSECT */
    bool outer;         /* UNNEST keeps rows whose list is empty or null */
    uint32_t shared_id; /* SHARED: equal ids are one run */
    uint32_t meter;

    tn_sink *sink;
    tn_str label; /* a pipeline's step id, or empty: for EXPLAIN, errors and summaries */

    /* Set by the optimiser. */
    double rows_estimate; /* below 0: unknown */
    bool keeps_order;     /* order: input */
};

#define TN_FIELD_VIRTUAL UINT32_C(0x80000000)

/* What making plans needs; one a statement. */
typedef struct tn_plan_context {
    tn_expr_context expr; /* with the arena and types */
    tn_pool *pool;        /* for scratch */
    tn_column_id next_column;
    uint32_t next_shared;
    const struct tn_parameters *parameters; /* their values are known when a plan is bound */
    _Atomic uint64_t *meters;               /* rows that came by each METER, or NULL */
} tn_plan_context;

tn_column_id tn_plan_new_column(tn_plan_context *context);

/* Constructors: outputs are derived and checked; lists are copied to the arena. */
TN_FALLIBLE tn_plan_scan(tn_plan_context *context, tn_source *source, tn_span span, tn_plan **out,
                         tarn_error *err); /* all fields */
/* Adds a virtual column to a SCAN that was just made. */
TN_FALLIBLE tn_plan_scan_add_virtual(tn_plan_context *context, tn_plan *scan, tn_virtual column,
                                     tarn_error *err);
TN_FALLIBLE tn_plan_values(tn_plan_context *context, const tn_expr *const *exprs, uint32_t rows,
                           const tn_output *outputs, uint32_t width, tn_plan **out,
                           tarn_error *err);
TN_FALLIBLE tn_plan_filter(tn_plan_context *context, tn_plan *child, const tn_expr *predicate,
                           tn_plan **out, tarn_error *err);
/* Names of the outputs; ids are new unless an expression is a plain column. */
TN_FALLIBLE tn_plan_project(tn_plan_context *context, tn_plan *child, const tn_expr *const *exprs,
                            const tn_str *names, uint32_t count, tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_plan_aggregate(tn_plan_context *context, tn_plan *child, const tn_expr *const *keys,
                              const tn_str *key_names, uint32_t key_count,
                              const tn_expr *const *aggregates, const tn_str *names, uint32_t count,
                              tn_plan **out, tarn_error *err);
/* `condition` (or NULL) over both sides is split into pairs and the rest. */
TN_FALLIBLE tn_plan_join(tn_plan_context *context, tn_join_kind kind, tn_plan *left, tn_plan *right,
                         const tn_expr *condition, tn_span span, tn_plan **out, tarn_error *err);
/* A plain join where the right side does not read the left's columns. */
TN_FALLIBLE tn_plan_apply(tn_plan_context *context, tn_join_kind kind, tn_plan *left,
                          tn_plan *right, const tn_expr *condition, tn_span span, tn_plan **out,
                          tarn_error *err);
TN_FALLIBLE tn_plan_sort(tn_plan_context *context, tn_plan *child, const tn_sort_key *keys,
                         uint32_t count, uint64_t limit, uint64_t offset, tn_plan **out,
                         tarn_error *err);
TN_FALLIBLE tn_plan_limit(tn_plan_context *context, tn_plan *child, uint64_t limit, uint64_t offset,
                          tn_plan **out, tarn_error *err);
/* keys NULL: whole rows.  order: which row of a key is kept.  Its limit is 1 until it is set. */
TN_FALLIBLE tn_plan_distinct(tn_plan_context *context, tn_plan *child, const tn_expr *const *keys,
                             uint32_t key_count, const tn_sort_key *order, uint32_t order_count,
                             tn_plan **out, tarn_error *err);
/* UNION ALL, EXCEPT, INTERSECT: casts children to common types; names are the first child's. */
TN_FALLIBLE tn_plan_set(tn_plan_context *context, tn_plan_kind kind, tn_plan *const *children,
                        uint32_t count, bool all, tn_span span, tn_plan **out, tarn_error *err);
/* UNION ALL BY NAME: missing columns are NULL. */
TN_FALLIBLE tn_plan_union_by_name(tn_plan_context *context, tn_plan *const *children,
                                  uint32_t count, tn_span span, tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_plan_unnest(tn_plan_context *context, tn_plan *child, const tn_expr *const *lists,
                           const tn_str *names, uint32_t count, bool outer, tn_plan **out,
                           tarn_error *err);
/* A reference to `child`, which runs once for all references with the same shared id. */
TN_FALLIBLE tn_plan_shared(tn_plan_context *context, tn_plan *child, uint32_t shared_id,
                           tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_plan_meter(tn_plan_context *context, tn_plan *child, uint32_t meter, tn_plan **out,
                          tarn_error *err);
/* Casts the child's columns (by position) to the sink's schema. */
TN_FALLIBLE tn_plan_write(tn_plan_context *context, tn_plan *child, tn_sink *sink, tn_plan **out,
                          tarn_error *err);
TN_FALLIBLE tn_plan_all(tn_plan_context *context, tn_plan *const *roots, uint32_t count,
                        tn_plan **out, tarn_error *err);

/* The SHARED node below of which each row is one row, as it was, filtered, or with other columns;
 * NULL where there is none.  Those with ids from `first_own` are looked through. */
const tn_plan *tn_plan_origin(const tn_plan *plan, uint32_t first_own);
/* The plan with columns of that node, by their positions, behind its own. */
TN_FALLIBLE tn_plan_carry(tn_plan_context *context, tn_plan *plan, const tn_plan *origin,
                          const uint32_t *columns, const tn_str *names, uint32_t count,
                          tn_plan **out, tarn_error *err);

/* The output with this id, or NULL. */
const tn_output *tn_plan_output(const tn_plan *plan, tn_column_id id);
/* An expression for output i. */
TN_FALLIBLE tn_plan_column(tn_plan_context *context, const tn_plan *plan, uint32_t output,
                           tn_span span, const tn_expr **out, tarn_error *err);

#endif
