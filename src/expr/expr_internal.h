/*
 * expr_internal.h - what the files of expr/ share: how a call is bound, and how its kernel runs.
 */
#ifndef TN_EXPR_EXPR_INTERNAL_H
#define TN_EXPR_EXPR_INTERNAL_H

#include "expr/aggregate.h"
#include "expr/bind.h"
#include "expr/function.h"
#include "kernel/call.h"

/* How the evaluator runs a call. */
typedef enum tn_form {
    TN_FORM_ROWS,       /* .kernel->run over selected rows */
    TN_FORM_ARITHMETIC, /* op: tn_arithmetic_op; both operands in the result's type or decimals */
    TN_FORM_COMPARE,    /* op: tn_compare_op */
    TN_FORM_NOT,
    TN_FORM_IS_NULL,
    TN_FORM_IS_NOT_NULL,
    TN_FORM_TRUTH,    /* op: tn_truth_op */
    TN_FORM_COALESCE, /* the first argument that is not null */
    TN_FORM_TRY,      /* its argument, null where that fails */
    TN_FORM_CONVERT,  /* a cast between numbers: evaluate_numeric.c */
    TN_FORM_FIELD     /* of a struct: data is its index */
} tn_form;

typedef enum tn_compare_op {
    TN_COMPARE_EQ,
    TN_COMPARE_NE,
    TN_COMPARE_LT,
    TN_COMPARE_LE,
    TN_COMPARE_GT,
    TN_COMPARE_GE,
    TN_COMPARE_DISTINCT,    /* IS DISTINCT FROM: never null */
    TN_COMPARE_NOT_DISTINCT /* IS NOT DISTINCT FROM */
} tn_compare_op;

typedef enum tn_truth_op { TN_IS_TRUE, TN_IS_NOT_TRUE, TN_IS_FALSE, TN_IS_NOT_FALSE } tn_truth_op;

typedef struct tn_bound_call tn_bound_call;

/* A row kernel with what surrounds it.  All but `run` may be NULL. */
typedef struct tn_kernel {
    tn_kernel_fn *run;
    /* What constant arguments allow to prepare once a task: compiled patterns, look-up tables.
     * constants[i] is NULL where argument i is not constant.  Also called at binding, to check. */
    tarn_code (*open)(const tn_bound_call *bound, const tn_value *const *constants, tn_pool *pool,
                      void **state, tarn_error *err);
    void (*close)(void *state, tn_pool *pool);
    /* The message for a fault; NULL: "<function>(<arguments>) has no value". */
    tarn_code (*describe)(const tn_bound_call *bound, const tn_value *arguments, tarn_error *err);
    bool sees_null, can_fail;
    bool fails_unchecked; /* can fail only where open() does not see all arguments but the first */
} tn_kernel;

struct tn_bound_call {
    tn_form form;
    uint8_t op;
    const tn_function *function;
    const tn_kernel *kernel; /* of FORM_ROWS, and of casts */
    const void *data;        /* what a resolver kept for its kernel */
    const tn_type *type;
    const tn_type *const *argument_types;
    uint32_t argument_count;
    uint64_t ordinal; /* of a volatile call: tells it from its equals */
};

/* One declared overload: parameters by letters, a '*' behind the last repeats it (0 or more).
 *   b BOOLEAN  i INTEGER  l BIGINT  d DOUBLE  s VARCHAR  x BLOB  D DATE  t TIME  T TIMESTAMP
 *   N TIMESTAMP_NS  Z TIMESTAMPTZ  v INTERVAL  ? anything as it is  S anything, made VARCHAR
 * Result: the same letters, or '1'..'3' for the type of that argument. */
typedef struct tn_overload {
    const char *parameters;
    char result;
    tn_kernel kernel;
} tn_overload;

/* A call being bound: resolvers may replace children by casts of them. */
typedef struct tn_binder {
    tn_expr_context *context;
    const tn_function *function;
    tn_span span;
    uint32_t count;
    const tn_expr **children;
    tn_bound_call *bound;    /* zeroed; the resolver fills form, op, kernel, data */
    const tn_type *type;     /* the resolver's answer */
    const tn_expr *replaced; /* or another expression that stands for the whole call */
    bool can_fail;
} tn_binder;

typedef tarn_code tn_resolver(tn_binder *binder, tarn_error *err);
/* An aggregate's type rule: fills the bound aggregate, its ops where they depend on the type. */
typedef tarn_code tn_aggregate_resolver(tn_binder *binder, tn_bound_aggregate *bound,
                                        tarn_error *err);

typedef struct tn_function_binding tn_function_binding;
struct tn_function_binding {
    tn_resolver *resolve;         /* NULL: by overloads */
    const tn_overload *overloads; /* ended by one without parameters */
    uint8_t op;                   /* for resolvers that serve several functions */
    tn_aggregate_resolver *resolve_aggregate;
};

/* A file's functions; and the kernels that its resolvers choose from, which no overload names. */
typedef struct tn_function_list {
    const tn_function *items;
    size_t count;
    const tn_kernel *const *kernels; /* NULL-terminated, or NULL */
} tn_function_list;
extern const tn_function_list tn__operator_functions, tn__logic_functions, tn__string_functions,
    tn__pattern_functions, tn__time_functions, tn__math_functions, tn__nested_functions,
    tn__aggregate_functions;

#define TN_ALIASES(...)   \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }
#define TN_OVERLOADS(...)                  \
    &(const tn_function_binding)           \
    {                                      \
        .overloads = (const tn_overload[]) \
        {                                  \
            __VA_ARGS__, TN_NO_MORE        \
        }                                  \
    }
#define TN_NO_MORE                                      \
    {                                                   \
        NULL, 0,                                        \
        {                                               \
            NULL, NULL, NULL, NULL, false, false, false \
        }                                               \
    }

/* ---- registry.c ---- */
/* Every row kernel there is, of overloads, resolvers and casts; NULL behind the last.  `owner` says
 * whose it is, for messages. */
const tn_kernel *tn_kernel__at(size_t index, const char **owner);
bool tn_kernel__is_declared(const tn_kernel *kernel);

/* ---- tree.c ---- */
/* Finishes a node: hash, weight, and the flags that come from its children. */
void tn_expr__finish(tn_expr *expr);
TN_FALLIBLE tn_expr__new(tn_expr_context *context, tn_expr_kind kind, const tn_type *type,
                         const tn_expr *const *children, uint32_t count, tn_span span,
                         tn_expr **out, tarn_error *err);
uint64_t tn_value__hash(const tn_value *value);
bool tn_value__equal(const tn_value *a, const tn_value *b); /* also in type; nulls are equal */

/* ---- coerce.c ---- */
/* How far an implicit cast is: 0 the same, below 0 there is none.  Literals go where they can. */
int tn_coerce__cost(const tn_expr *from, const tn_type *to);
/* The child in `type`, by an implicit cast where it differs. */
TN_FALLIBLE tn_coerce__to(tn_expr_context *context, const tn_expr *child, const tn_type *type,
                          const tn_expr **out, tarn_error *err);
/* The common type of several, literals adapting to the rest; *found false where there is none. */
TN_FALLIBLE tn_coerce__common(tn_expr_context *context, const tn_expr *const *children,
                              uint32_t count, bool compare, const tn_type **out, bool *found,
                              tarn_error *err);
bool tn_coerce__is_text_literal(const tn_expr *expr);
bool tn_coerce__is_null_literal(const tn_expr *expr);
tarn_code tn_coerce__no_overload(const tn_binder *binder, tarn_error *err); /* raises */
TN_FALLIBLE tn_coerce__resolve(tn_binder *binder, tarn_error *err);         /* by the overloads */

/* ---- cast.c ---- */
/* The kernel that casts between two types; NULL where none exists. */
TN_FALLIBLE tn_cast__find(tn_expr_context *context, const tn_type *from, const tn_type *to,
                          tn_bound_call **out, tarn_error *err);
extern const tn_kernel tn_cast__to_text, tn_cast__blob_to_text, tn_cast__empty_list,
    tn_cast__nested_to_text, tn_cast__from_text, tn_cast__text_to_blob, tn_cast__list,
    tn_cast__list_exact, tn_cast__time, tn_cast__time_exact;
/* Why a text is no value of the type; NULL where it is one, or nothing is known. */
const char *tn_cast__why(tn_str text, const tn_type *to);
bool tn_cast__can_fail(const tn_type *from, const tn_type *to);
/* A day or a time of it, without a zone. */
bool tn_cast__is_local_time(const tn_type *type);
bool tn_cast__exists(const tn_type *from, const tn_type *to);

/* ---- faults.c ---- */
/* The error for a row whose arguments are these. */
tarn_code tn_fault__describe(const tn_expr *expr, const tn_bound_call *bound,
                             const tn_value *values, uint32_t count, tarn_error *err);

/* ---- bind.c ---- */
tarn_code tn_bind__fail(tarn_error *err, tn_span span, const char *format, ...) TN_PRINTF(3, 4);
TN_FALLIBLE tn_bind__literal(tn_expr_context *context, const tn_value *value, tn_span span,
                             const tn_expr **out, tarn_error *err);

/* ---- instead.c ---- */
/* What to write for a function that others have; NULL where nothing is known. */
const char *tn_function__instead(tn_str name);

/* ---- arithmetic_rules.c: type rules, shared by entries ---- */
tn_resolver tn_rules__compare, tn_rules__arithmetic, tn_rules__negate;

/* ---- value.c ---- */
/* As an SQL literal: 1.50, 'text', DATE '2001-01-01'. */
void tn_value__print(const tn_value *value, tn_text *out);
/* The same for a message: appended, and cut where it is long.  Answers out's text. */
const char *tn_value__show(const tn_value *value, tn_text *out);

#endif
