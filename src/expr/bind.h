/*
 * bind.h - makes typed expressions: checks, chooses overloads, inserts casts, folds constants.
 *
 * Errors carry the span, the types as the user knows them, and a hint ("did you mean", "cast it").
 * All nodes go to the context's arena.
 */
#ifndef TN_EXPR_BIND_H
#define TN_EXPR_BIND_H

#include "expr/expr.h"

typedef struct tn_expr_context {
    tn_arena *arena;
    tn_types *types;
    /* Fixed before the first read of a run (decision 15). */
    int64_t now_us;          /* now(), current_date...; microseconds since 1970, UTC */
    uint64_t seed;           /* of random() */
    tn_str zone;             /* for timestamps with zone; "UTC" */
    uint64_t volatile_calls; /* bound so far: each has numbers of its own */
} tn_expr_context;

TN_FALLIBLE tn_expr_column(tn_expr_context *context, tn_column_id id, tn_str name,
                           const tn_type *type, tn_span span, const tn_expr **out, tarn_error *err);
TN_FALLIBLE tn_expr_literal(tn_expr_context *context, const tn_value *value, tn_span span,
                            const tn_expr **out, tarn_error *err); /* copies the value */
TN_FALLIBLE tn_expr_parameter(tn_expr_context *context, tn_str name, const tn_type *type,
                              tn_span span, const tn_expr **out, tarn_error *err);

/*
 * A scalar function or operator by name ("+", "=", "<>", "not", "is_null", "is_not_null",
 * "is_true", "is_distinct_from", "like", "ilike", "||", "lower"...).  Literals adapt to the other
 * side's type
 * ('2001-01-01' beside a DATE is a date).  Unknown names: TARN_E_INVALID with the nearest.
 */
TN_FALLIBLE tn_expr_call(tn_expr_context *context, tn_str name, const tn_expr *const *children,
                         uint32_t count, tn_span span, const tn_expr **out, tarn_error *err);
/* n-ary; flattens nested ones of the same kind; each child is made BOOLEAN. */
TN_FALLIBLE tn_expr_and(tn_expr_context *context, const tn_expr *const *children, uint32_t count,
                        const tn_expr **out, tarn_error *err);
TN_FALLIBLE tn_expr_or(tn_expr_context *context, const tn_expr *const *children, uint32_t count,
                       const tn_expr **out, tarn_error *err);
/* Cast where the type differs. `implicit` refuses what loses (VARCHAR to INTEGER...). */
TN_FALLIBLE tn_expr_cast(tn_expr_context *context, const tn_expr *child, const tn_type *type,
                         bool try_cast, bool implicit, tn_span span, const tn_expr **out,
                         tarn_error *err);
/* The same to the type in which a sink keeps the value: nanoseconds that it would lose are a fault.
 */
TN_FALLIBLE tn_expr_cast_stored(tn_expr_context *context, const tn_expr *child, const tn_type *type,
                                tn_span span, const tn_expr **out, tarn_error *err);
/* when, then, ..., [else]; the branches come to a common type. */
TN_FALLIBLE tn_expr_case(tn_expr_context *context, const tn_expr *const *children, uint32_t count,
                         tn_span span, const tn_expr **out, tarn_error *err);
/* child 0 [NOT] IN the rest; falls back to ORs of "=" where the list is not literal. */
TN_FALLIBLE tn_expr_in(tn_expr_context *context, const tn_expr *const *children, uint32_t count,
                       bool negated, tn_span span, const tn_expr **out, tarn_error *err);
TN_FALLIBLE tn_expr_subquery(tn_expr_context *context, const tn_subquery *subquery,
                             const tn_expr *left, const tn_type *type, tn_span span,
                             const tn_expr **out, tarn_error *err);

typedef struct tn_aggregate_call {
    tn_str name; /* "sum", "count" (no children: count(*)), "avg"... */
    const tn_expr *const *children;
    uint32_t count;
    bool distinct;
    const tn_expr *filter;
    const tn_sort_key *order;
    uint32_t order_count;
    tn_span span;
} tn_aggregate_call;
TN_FALLIBLE tn_expr_aggregate(tn_expr_context *context, const tn_aggregate_call *call,
                              const tn_expr **out, tarn_error *err);

/* What kind of function a name is, before binding its arguments. */
typedef enum tn_function_class {
    TN_FUNCTION_UNKNOWN,
    TN_FUNCTION_SCALAR,
    TN_FUNCTION_AGGREGATE
} tn_function_class;
tn_function_class tn_function_class_of(tn_str name);

/* A rebuilt node with other children and the same meaning (for rewrites): types must agree. */
TN_FALLIBLE tn_expr_with_children(tn_expr_context *context, const tn_expr *expr,
                                  const tn_expr *const *children, const tn_expr **out,
                                  tarn_error *err);

/* Evaluates an expression without columns. A fault is an error. */
TN_FALLIBLE tn_expr_evaluate(tn_expr_context *context, const tn_expr *expr, tn_pool *pool,
                             tn_value *out, tarn_error *err);
/* Folds constant subtrees (a fault stays in place: it is raised only when it is needed). */
TN_FALLIBLE tn_expr_fold(tn_expr_context *context, const tn_expr *expr, tn_pool *pool,
                         const tn_expr **out, tarn_error *err);

#endif
