/*
 * optimise_internal.h - the optimiser's rules and what they share.
 *
 * A rule is a function on one node that answers the node to put in its place, with the same
 * outputs (ids, in order).  Passes that need more than one node at a time see the whole plan.
 */
#ifndef TN_PLAN_OPTIMISE_INTERNAL_H
#define TN_PLAN_OPTIMISE_INTERNAL_H

#include "plan/plan_internal.h"

typedef struct tn_optimiser {
    tn_plan_context *context;
    const tn_optimise_options *options;
    struct tn_estimates *estimates; /* statistics.c */
    tn_pointer_map cloned;          /* subquery plans that were placed once */
    tn_pointer_map lowered;         /* children of SHARED: what took their place in pull.c */
} tn_optimiser;

/* ---- subqueries ---- */
tn_plan_rule tn_rule__subqueries;    /* top-down: SUBQUERY expressions become APPLY */
tn_plan_rule tn_rule__unnest;        /* top-down: APPLY becomes JOIN */
tn_plan_rule tn_rule__unnest_values; /* VALUES with subqueries or outer columns: a UNION */

/* Guards: which rows of a node ask for a subquery, by tn_subquery; NULL: all.  guards.c. */
TN_FALLIBLE tn_guards__collect(tn_plan_context *context, const tn_expr *expr, tn_pointer_map *out,
                               tarn_error *err);
/* Can the subquery fail where nobody asks for it? */
TN_FALLIBLE tn_guards__wanted(tn_plan_context *context, const tn_subquery *subquery, bool *out,
                              tarn_error *err);
/* Adds the guard's truth to the outputs. */
TN_FALLIBLE tn_guards__column(tn_plan_context *context, const tn_expr *guard, tn_plan **plan,
                              const tn_expr **out, tarn_error *err);
/* The subquery's plan with the guard, a column from outside, beneath what can fail. */
TN_FALLIBLE tn_guards__insert(tn_plan_context *context, tn_plan *plan, const tn_expr *guard,
                              tn_plan **out, tarn_error *err);

/* The body of an APPLY, freed of the left's columns: domain.c. */
typedef struct tn_replica {
    tn_column_id outer; /* of the left */
    tn_output column;   /* the same value in the freed plan */
    bool null_safe;     /* NULL stands for a NULL of the left; else for no row of it */
} tn_replica;
typedef TN_VEC(tn_replica) tn_replicas;
/*
 * `plan` without reading the `outer` columns of `*left`: its rows for every value of those it read
 * (and of those in `need`), which stand in `replicas`.  Where the values could not be had from the
 * plan's own equalities, `*left` becomes a reference to a shared run, whose other reader makes the
 * domain.
 */
TN_FALLIBLE tn_plan__free_of(tn_optimiser *optimiser, tn_plan *plan, const tn_plan *whole,
                             tn_plan **left, const tn_columns *outer, const tn_columns *need,
                             tn_plan **out, tn_replicas *replicas, tarn_error *err);
/* outer = replica, in the right sense. */
TN_FALLIBLE tn_replica__equality(tn_plan_context *context, const tn_output *outer,
                                 const tn_replica *replica, const tn_expr **out, tarn_error *err);
const tn_expr *tn_replica__find(void *replicas_of, tn_column_id outer); /* a tn_column_map */
typedef struct tn_replica_map {
    tn_plan_context *context;
    const tn_replicas *replicas;
    tarn_code failed;
} tn_replica_map;
/* Splits what an aggregate without keys gives over no rows from NULL: count() is 0.  The node's
 * aggregates get new ids where they are not NULL then, and `exprs[i]` is what output i is. */
TN_FALLIBLE tn_plan__defaults(tn_plan_context *context, tn_plan *aggregate, uint32_t first,
                              tn_output *outputs, const tn_expr **exprs, tarn_error *err);

/* ---- rewriting ---- */
tn_plan_rule tn_rule__fold;         /* bottom-up */
tn_plan_rule tn_rule__simplify;     /* bottom-up: trivial nodes go */
tn_plan_rule tn_rule__push_filters; /* top-down */
tn_plan_rule tn_rule__distinct_aggregates;
tn_plan_rule tn_rule__pull_fallible;  /* bottom-up */
tn_plan_rule tn_rule__limits;         /* top-down: top-n, limits through projections and unions */
tn_plan_rule tn_rule__shortcuts;      /* bottom-up: COUNT, MIN, MAX from statistics */
tn_plan_rule tn_rule__scan_conjuncts; /* bottom-up: what a source may use */
tn_plan_rule tn_rule__join_order;     /* top-down: whole trees of joins */
tn_plan_rule tn_rule__build_side;     /* bottom-up */
TN_FALLIBLE tn_plan__inline_shared(tn_optimiser *optimiser, tn_plan *plan, tn_plan **out,
                                   tarn_error *err);
TN_FALLIBLE tn_plan__prune(tn_optimiser *optimiser, tn_plan *plan, tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_plan__finish(tn_optimiser *optimiser, tn_plan *plan, tn_plan **out, tarn_error *err);

/* Can the conjunct not be true where all of these columns are NULL? */
TN_FALLIBLE tn_expr__rejects_null(const tn_expr *expr, const tn_columns *columns, tn_pool *pool,
                                  bool *out, tarn_error *err);
/* Is the expression NULL (and without fault) where all of its columns are; and reads it one? */
bool tn_expr__is_strict(const tn_expr *expr);

/* ---- statistics ---- */
typedef struct tn_estimates tn_estimates;
TN_FALLIBLE tn_estimates__create(tn_plan_context *context, tn_estimates **out, tarn_error *err);
void tn_estimates__destroy(tn_estimates *estimates);
TN_FALLIBLE tn_estimates__rows(tn_estimates *estimates, const tn_plan *plan, double *out,
                               tarn_error *err);
/* Share of rows that pass a conjunct; `rows` come in. */
double tn_estimates__selectivity(tn_estimates *estimates, const tn_expr *expr, double rows);
/* Share of the cross product that passes left = right. */
double tn_estimates__equality(tn_estimates *estimates, const tn_expr *left, double left_rows,
                              const tn_expr *right, double right_rows);

#endif
