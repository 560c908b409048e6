/*
 * domain_internal.h - what the two files that free plans of outer columns share: domain.c holds the
 * replicas, the domain and the walk, domain_nodes.c each kind of node.
 */
#ifndef TN_PLAN_DOMAIN_INTERNAL_H
#define TN_PLAN_DOMAIN_INTERNAL_H

#include "plan/optimise_internal.h"

/* A plan that reads nothing from outside, and where the outer values stand in it. */
typedef struct tn_freed {
    tn_plan *plan;
    tn_replicas replicas;
} tn_freed;

typedef struct tn_freeing {
    tn_optimiser *optimiser;
    tn_plan_context *context;
    tn_plan *left;
    const tn_columns *outer;
    tn_columns total; /* all outer columns that the plan reads: one domain has them */
    bool has_shared;
    bool strict; /* what is computed for values that no row of the left has could fault */
    uint32_t shared_id;
    TN_VEC(tn_columns) reads; /* by node: outer columns read by it and below */
    TN_VEC(tn_freed) done;    /* by node */
    tn_pointer_map numbers;   /* of nodes */
} tn_freeing;

const tn_replica *tn_domain__find(const tn_replicas *replicas, tn_column_id outer);
/* The expression over the replicas. */
TN_FALLIBLE tn_domain__replace(tn_freeing *f, const tn_replicas *replicas, const tn_expr *expr,
                               const tn_expr **out, tarn_error *err);
/* Equalities between the replicas that both have. */
TN_FALLIBLE tn_domain__common(tn_freeing *f, const tn_replicas *a, const tn_replicas *b,
                              tn_expr_vec *out, tarn_error *err);
/* The distinct values of some columns of the left: a plan and its replicas. */
TN_FALLIBLE tn_domain__make(tn_freeing *f, const tn_columns *wanted, tn_freed *out,
                            tarn_error *err);
/* Sees to replicas for all wanted columns, by joining the domain where some are missing. */
TN_FALLIBLE tn_domain__ensure(tn_freeing *f, tn_freed *to, const tn_columns *wanted,
                              tarn_error *err);
/* The same replicas for all members, those wanted among them; *wanted is then all of them. */
TN_FALLIBLE tn_domain__level(tn_freeing *f, const size_t *members, uint32_t count,
                             tn_columns *wanted, tarn_error *err);
TN_FALLIBLE tn_domain__filter(tn_freeing *f, tn_freed *to, const tn_expr *const *conjuncts,
                              uint32_t count, tarn_error *err);
/* `to` is the first child's result and becomes the node's. */
TN_FALLIBLE tn_domain__node(tn_freeing *f, const tn_plan *plan, const tn_columns *own,
                            const size_t *members, tn_freed *to, tarn_error *err);
TN_FALLIBLE tn_domain__set(tn_freeing *f, const tn_plan *plan, const size_t *members,
                           tn_columns *wanted, tn_freed *to, tarn_error *err);

#endif
