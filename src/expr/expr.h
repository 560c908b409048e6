/*
 * expr.h - typed expressions: what the binder, the frames and the optimiser speak.
 *
 * A tree node is read-only once made and lives in an arena; rewriting makes new nodes and shares
 * the old ones.  Columns are named by *column ids*, which are unique within a plan, so that a rule
 * which moves an expression need not renumber it.  Every node carries its span in the statement
 * (or the builder's ordinal), so that a run-time error points at its place.
 *
 * Typed nodes are made only by the functions of expr/bind.h, which check arguments, choose the
 * overload and insert casts.
 */
#ifndef TN_EXPR_EXPR_H
#define TN_EXPR_EXPR_H

#include "base/arena.h"
#include "column/value.h"

typedef struct tn_span {
    uint32_t start, length; /* bytes; length 0: unknown */
} tn_span;

typedef uint32_t tn_column_id;
#define TN_COLUMN_NONE UINT32_MAX

typedef enum tn_expr_kind {
    TN_EXPR_COLUMN,    /* .column */
    TN_EXPR_LITERAL,   /* .value */
    TN_EXPR_PARAMETER, /* .name; its value is looked up when the run pins its inputs */
    TN_EXPR_CALL, /* .function over children; comparisons, arithmetic, NOT, IS NULL... are calls */
    TN_EXPR_AND,  /* n-ary: children */
    TN_EXPR_OR,   /* n-ary */
    TN_EXPR_CAST, /* child 0 to .type; .try_cast makes a failure NULL */
    TN_EXPR_CASE, /* when, then, when, then, ..., [else]: odd count means there is an else */
    TN_EXPR_IN,   /* child 0 in the others, all literals of one type (.negated) */
    TN_EXPR_AGGREGATE, /* .function over children, with .distinct, .filter, .order */
    TN_EXPR_SUBQUERY   /* .subquery: only between binder and unnesting */
} tn_expr_kind;

typedef struct tn_expr tn_expr;

typedef struct tn_sort_key {
    const tn_expr *expr;
    bool descending;
    bool nulls_first; /* default: NULLs last ascending, first descending, as PostgreSQL */
} tn_sort_key;

typedef enum tn_subquery_kind {
    TN_SUBQUERY_SCALAR, /* one value, NULL where no row, an error where more than one */
    TN_SUBQUERY_EXISTS,
    TN_SUBQUERY_ANY, /* child 0 `comparison` ANY (plan): IN is "=" ANY */
    TN_SUBQUERY_ALL
} tn_subquery_kind;

typedef struct tn_subquery {
    tn_subquery_kind kind;
    struct tn_plan *plan;   /* its first output column is the value */
    const char *comparison; /* "=", "<>", "<", "<=", ">", ">=" */
    bool negated;           /* NOT EXISTS, NOT IN */
} tn_subquery;

struct tn_expr {
    tn_expr_kind kind;
    bool try_cast, distinct, negated;
    bool exact;        /* of a cast between times: digits that would be lost are a fault */
    bool fails_itself; /* some row may fault in this node, whatever its children do */
    bool can_fail;     /* some row may fault */
    bool is_volatile;  /* random(): never folded, shared or moved */
    bool is_constant;  /* only literals beneath, nothing volatile */
    const tn_type *type;
    tn_span span;
    uint64_t hash;   /* of its meaning, span aside: equal expressions have equal hashes */
    uint32_t weight; /* nodes in its tree, shared ones once each time; UINT32_MAX: that or more */
    uint32_t child_count;
    const tn_expr *const *children;
    tn_column_id column;
    tn_str name; /* of a column (for EXPLAIN and messages), or of a parameter */
    tn_value value;
    const struct tn_function *function;
    const void *function_data; /* what specialisation at bind time made: expr/function.h */
    const tn_expr *filter;     /* of an aggregate; NULL: none */
    const tn_sort_key *order;  /* of an aggregate: string_agg(x ORDER BY y) */
    uint32_t order_count;
    const tn_subquery *subquery;
};

/* As SQL would write it, for EXPLAIN, default column names and messages. */
void tn_expr_print(const tn_expr *expr, tn_text *out);
bool tn_expr_equal(const tn_expr *a, const tn_expr *b); /* volatile ones never are */

/*
 * Visits every node below and including `root`, parents first, without recursion.  The visitor
 * answers false to leave a node's children out.  Subquery plans are not entered.
 */
typedef bool tn_expr_visitor(void *context, const tn_expr *expr);
TN_FALLIBLE tn_expr_walk(const tn_expr *root, tn_pool *pool, tn_expr_visitor *visit, void *context,
                         tarn_error *err);

/*
 * A copy in which every node for which `rewrite` answers another node is replaced by it (children
 * first).  `rewrite` sets `*out` to `expr` itself to keep it.  Unchanged subtrees are shared.
 */
typedef tarn_code tn_expr_rewriter(void *context, const tn_expr *expr, const tn_expr **out,
                                   tarn_error *err);
TN_FALLIBLE tn_expr_rewrite(const tn_expr *root, tn_arena *arena, tn_expr_rewriter *rewrite,
                            void *context, const tn_expr **out, tarn_error *err);

#endif
