/*
 * optimise.h - from what was asked to what is run.
 *
 * fold -> unnest every subquery and APPLY -> push filters down -> order joins -> choose build sides
 * -> push projections down -> statistics shortcuts -> top-n and limits -> order and estimates.
 * After it no APPLY and no subquery expression is left.  `rules` of the settings can be named in
 * `disabled` (tests compare results with each rule on and off).
 */
#ifndef TN_PLAN_OPTIMISE_H
#define TN_PLAN_OPTIMISE_H

#include "plan/plan.h"

typedef struct tn_optimise_options {
    tn_str disabled; /* names of rules with commas between */
    bool keep_order; /* SET preserve_order */
} tn_optimise_options;

TN_FALLIBLE tn_plan_optimise(tn_plan_context *context, tn_plan *plan,
                             const tn_optimise_options *options, tn_plan **out, tarn_error *err);

/* The name of a rule that can be left out; NULL behind the last. */
const char *tn_optimise_rule(size_t index);

/* The plan as a tree, one node a line, with expressions, estimates and `order:`; `annotate` (or
 * NULL) may add to a node's line what a run measured. */
typedef void tn_plan_annotate(void *context, const tn_plan *node, tn_text *out);
TN_FALLIBLE tn_plan_explain(const tn_plan *plan, tn_pool *pool, tn_plan_annotate *annotate,
                            void *annotate_context, tn_text *out, tarn_error *err);

/* The versioned JSON form, and back.  Sources and sinks are written by name and found again by
 * `find_source`. */
TN_FALLIBLE tn_plan_to_json(const tn_plan *plan, tn_pool *pool, tn_text *out, tarn_error *err);
typedef tarn_code tn_plan_find_source(void *context, tn_str name, tn_source **out, tarn_error *err);
TN_FALLIBLE tn_plan_from_json(tn_plan_context *context, tn_str json, tn_plan_find_source *find,
                              void *find_context, tn_plan **out, tarn_error *err);

#endif
