/* frame_internal.h - what the files of frame/ share. */
#ifndef TN_FRAME_INTERNAL_H
#define TN_FRAME_INTERNAL_H

#include "base/vec.h"
#include "frame/frame.h"

typedef TN_VEC(const tn_expr *) tn_expr_list;

/* What terms are lowered over: the columns of one plan, or of two. */
typedef struct tn_scope {
    tn_plan_context *plans;
    const tn_plan *left, *right; /* right: NULL but in a join's condition */
    tn_expr_list *aggregates;    /* NULL: aggregates are refused */
    tn_span span;                /* the step's number */
} tn_scope;

TN_FALLIBLE tn_term_lower(const tn_scope *scope, const tarn_expr *term, const tn_expr **out,
                          tarn_error *err);
/* The output of that name: exactly, else by ASCII case; raises with the nearest. */
TN_FALLIBLE tn_scope_find(const tn_scope *scope, const tn_plan *plan, tn_str name, uint32_t *out,
                          tarn_error *err);
/* What a term is called: tarn_as()'s name, a column's, or "": the expression's own text. */
tn_str tn_term_name(const tarn_expr *term);
/* The term beneath AS and SORT. */
const tarn_expr *tn_term_bare(const tarn_expr *term);

TN_FALLIBLE tn_step__lower(const tarn_frame *step, tn_plan *const *inputs,
                           const tn_frame_source *source, tn_plan_context *plans, tn_plan **out,
                           tarn_error *err);
TN_FALLIBLE tn_step__group_by(const tarn_frame *step, tn_plan *input, const tn_scope *scope,
                              tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_step__join(const tarn_frame *step, tn_plan *left, tn_plan *right,
                          const tn_scope *scope, tn_plan **out, tarn_error *err);

#endif
