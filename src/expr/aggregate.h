/*
 * aggregate.h - aggregate states as the engine's operators see them.
 *
 * Two classes.  *Fixed* ones (sum, count, min, max, avg, stddev, bool_and, first, last,
 * approx_count_distinct...) keep a state of fixed size, placed by the operator (in its directory
 * entries or row store) and movable by memcpy; a state that must keep a string (min of VARCHAR)
 * asks its heap for the bytes.  *Ordered* ones (median, quantile, string_agg, array_agg) have no
 * bounded state: the operator sorts rows by group (and by tn_aggregate_order) and feeds each
 * group's values in that order.  DISTINCT is the planner's business: it never arrives here.
 *
 * A call is made per aggregate expression at plan time (tn_aggregate_call_of).  Functions are
 * thread-safe as long as the states differ.
 */
#ifndef TN_EXPR_AGGREGATE_H
#define TN_EXPR_AGGREGATE_H

#include "expr/expr.h"

/* Where states keep bytes of variable size; the operator implements it over its row store. */
typedef struct tn_state_heap {
    tarn_code (*take)(struct tn_state_heap *heap, size_t size, char **out, tarn_error *err);
} tn_state_heap;

typedef struct tn_aggregate_ops tn_aggregate_ops;

/* One aggregate of a query: what its expression was bound to. */
typedef struct tn_bound_aggregate {
    const tn_aggregate_ops *ops;
    const tn_expr *expr;
    const void *data; /* of the binding: quantile's fraction, string_agg's separator */
    const tn_type *argument_types[4];
    uint32_t argument_count; /* 0 for count(*) */
    uint32_t constant_count; /* children behind the arguments that the binding has taken in .data */
    const tn_type *result_type;
    size_t state_size; /* multiple of 8; 0 for ordered ones */
    /* Of the one state of an ungrouped aggregate: at least state_size, zeroed before init().  What
     * lies behind state_size runs within a morsel: end_morsel() folds it away, and is called before
     * such a state is merged or finalised. */
    size_t single_size;
    bool takes_narrow;    /* the argument may come in any lane that tn_lane_fits() its type */
    bool is_ordered;      /* the second class */
    bool keeps_tag;       /* first/last without ORDER BY: the lowest/highest tag wins */
    bool sorted_by_value; /* ordered class: wants its values sorted (median, quantile) */
} tn_bound_aggregate;

struct tn_aggregate_ops {
    /* Rows may come in any order, to the same bits: update_one() serves states of groups as well.
     */
    bool is_exact;
    void (*init)(const tn_bound_aggregate *self, void *state);
    /*
     * Row selection[i] (or i) of the arguments goes to states[i], i < count. Arguments are flat in
     * the declared lane. `rank` is the 64-bit order of row 0 (morsel and part folded), for
     * keeps_tag.  Faults were raised before.
     */
    tarn_code (*update)(const tn_bound_aggregate *self, void *const *states,
                        const tn_column *arguments, const uint16_t *selection, uint32_t count,
                        uint64_t rank, tn_state_heap *heap, tarn_error *err);
    /* All rows to one state: the ungrouped form. Float sums keep the order of decision 5. */
    tarn_code (*update_one)(const tn_bound_aggregate *self, void *state, const tn_column *arguments,
                            const uint16_t *selection, uint32_t count, uint64_t rank,
                            tn_state_heap *heap, tarn_error *err);
    /* At a morsel's end, ungrouped: folds what runs within a morsel, so that combining in morsel
     * order gives the same bits for any number of threads.  May be NULL. */
    void (*end_morsel)(const tn_bound_aggregate *self, void *state);
    tarn_code (*merge)(const tn_bound_aggregate *self, void *const *into, const void *const *from,
                       uint32_t count, tn_state_heap *heap, tarn_error *err);
    /* Strings a state points to must live in `heap` after it moved: copies them there. NULL where
     * states hold no pointers. */
    tarn_code (*move)(const tn_bound_aggregate *self, void *state, tn_state_heap *heap,
                      tarn_error *err);
    /* `count` results into `out`, whose flat values (declared lane), validity and heap the caller
     * owns: values has room for count; the validity is all set before. */
    tarn_code (*finalise)(const tn_bound_aggregate *self, const void *const *states, uint32_t count,
                          void *values, uint64_t *validity, tarn_error *err);

    /* ---- the ordered class: one group at a time ---- */
    size_t (*stream_size)(const tn_bound_aggregate *self);
    /* What making the result of so many rows holds at least, where the texts among them that are
     * not null have so many bytes; or NULL. */
    size_t (*stream_least)(const tn_bound_aggregate *self, uint64_t rows, uint64_t non_null_rows,
                           uint64_t bytes);
    /* `rows` is the group's size, nulls included, known beforehand. */
    tarn_code (*stream_begin)(const tn_bound_aggregate *self, void *stream, tn_pool *pool,
                              uint64_t rows, uint64_t non_null_rows, tarn_error *err);
    tarn_code (*stream_rows)(const tn_bound_aggregate *self, void *stream,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             tarn_error *err);
    tarn_code (*stream_end)(const tn_bound_aggregate *self, void *stream, tn_arena *arena,
                            tn_value *out, tarn_error *err); /* also frees what it took */
    void (*stream_abandon)(const tn_bound_aggregate *self, void *stream);
};

/* What an aggregate expression was bound to; lives in the expression's arena. */
const tn_bound_aggregate *tn_expr_bound_aggregate(const tn_expr *expr);

#endif
