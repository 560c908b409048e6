/*
 * function.h - the registry: every function declared once (decision 11).
 *
 * SQL, frames, SHOW FUNCTIONS, the docs and the tests are read from these entries.
 */
#ifndef TN_EXPR_FUNCTION_H
#define TN_EXPR_FUNCTION_H

#include "expr/expr.h"

typedef struct tn_function tn_function;
typedef struct tn_aggregate_ops tn_aggregate_ops;

typedef enum tn_volatility {
    TN_IMMUTABLE, /* same arguments, same value */
    TN_STABLE,    /* ... within one run: now() */
    TN_VOLATILE   /* random() */
} tn_volatility;

typedef enum tn_monotonicity {
    TN_NOT_MONOTONIC,
    TN_INCREASING, /* in its first argument: prunes by the bounds of what is beneath */
    TN_DECREASING
} tn_monotonicity;

struct tn_function {
    const char *name;
    const char *const *aliases; /* NULL-terminated, or NULL */
    const char *category;       /* "string", "time", "math", "aggregate", "operator"... */
    const char *signature;      /* "lower(text VARCHAR) -> VARCHAR" */
    const char *doc;            /* one line */
    const char *example;        /* "lower('Tarn')"; the result stands in example_result */
    const char *example_result;
    tn_volatility volatility;
    tn_monotonicity monotonicity;
    bool can_fail;
    bool sees_null; /* false: any null argument makes a null result, done around the kernel */
    uint8_t cost;   /* 1: as an addition ... 10: as a regular expression */
    /* The rest (type rule, specialisation, kernels) is private to expr/. */
    const struct tn_function_binding *binding;
    const tn_aggregate_ops *aggregate; /* NULL for scalar functions */
};

/* All entries, in name order, for listing. */
const tn_function *const *tn_functions(size_t *count);
const tn_function *tn_function_find(tn_str name); /* by name or alias, ASCII case aside */

#endif
