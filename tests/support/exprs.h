/* exprs.h - short ways to build bound expressions in tests: columns are named by letters, column i
 * has id i. */
#ifndef TN_TESTS_EXPRS_H
#define TN_TESTS_EXPRS_H

#include "expr/program.h"
#include "support/check.h"

typedef struct exprs {
    tn_arena arena;
    tn_types *types;
    tn_expr_context context;
    tarn_error err; /* of the last call that failed; later calls do nothing */
    tarn_code code;
} exprs;

void exprs_init(exprs *e, tn_pool *pool);
void exprs_deinit(exprs *e);

const tn_type *exprs_type(exprs *e, const char *name);
const tn_expr *exprs_column(exprs *e, uint32_t id, const char *type); /* named "a", "b"... */
const tn_expr *exprs_int(exprs *e, int64_t value); /* INTEGER, or BIGINT where it must */
const tn_expr *exprs_double(exprs *e, double value);
const tn_expr *exprs_text(exprs *e, const char *value);
const tn_expr *exprs_null(exprs *e);
/* 'text' read as a type: exprs_typed(e, "2001-01-01", "DATE") */
const tn_expr *exprs_typed(exprs *e, const char *text, const char *type);
const tn_expr *exprs_call_(exprs *e, const char *name, const tn_expr *const *children,
                           uint32_t count);
#define exprs_call(e, name, ...)                                    \
    exprs_call_((e), (name), (const tn_expr *const[]){__VA_ARGS__}, \
                sizeof((const tn_expr *const[]){__VA_ARGS__}) / sizeof(tn_expr *))
const tn_expr *exprs_cast(exprs *e, const tn_expr *child, const char *type, bool try_cast);
/* SQL's expressions as far as examples and tests need them: literals, calls, operators, CAST, IS,
 * LIKE, IN, BETWEEN-less.  Single letters a to d are columns of `column_types`, which may be NULL.
 */
const tn_expr *exprs_parse(exprs *e, const char *text, const char *const *column_types);
/* The value of an expression without columns as text, or the error's message. */
const char *exprs_value(exprs *e, const char *text);

/* The printed form, in the arena. */
const char *exprs_print(exprs *e, const tn_expr *expr);

#endif
