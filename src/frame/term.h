/*
 * term.h - expressions as a frame's user builds them: names, not yet columns or types.
 *
 * A term is immutable and counted; making one consumes its children.  A term that could not be
 * built is of kind ERROR, or NULL where memory was refused; both are lawful children, and an ERROR
 * is raised when the term is lowered.  Nothing here recurses: chains may be 100,000 terms deep.
 */
#ifndef TN_FRAME_TERM_H
#define TN_FRAME_TERM_H

#include "column/value.h"

#include <tarn/error.h>
#include <tarn/expr.h>

typedef enum tn_term_kind {
    TN_TERM_ERROR,  /* .code, .text */
    TN_TERM_COLUMN, /* .text, .side */
    TN_TERM_ALL,
    TN_TERM_LITERAL, /* .value */
    TN_TERM_TYPED,   /* .value a text, of the SQL type .text */
    TN_TERM_DECIMAL, /* .text: digits */
    TN_TERM_CALL,    /* .text */
    TN_TERM_AND,
    TN_TERM_OR,
    TN_TERM_CAST,      /* .text: the type; .flag: try */
    TN_TERM_CASE,      /* when, then, ..., [else] */
    TN_TERM_IN,        /* .flag: negated */
    TN_TERM_AGGREGATE, /* .text; the last child is the filter where .flag */
    TN_TERM_AS,        /* .text */
    TN_TERM_SORT       /* .flag: descending; .nulls */
} tn_term_kind;

typedef enum tn_term_nulls { TN_NULLS_DEFAULT, TN_NULLS_FIRST, TN_NULLS_LAST } tn_term_nulls;

struct tarn_expr {
    _Atomic size_t refs;
    tn_pool *pool;
    size_t size; /* of this struct with what stands behind it */
    tn_term_kind kind;
    tarn_code code;
    bool flag;
    uint8_t side; /* of a join: 1 left, 2 right */
    tn_term_nulls nulls;
    tn_str text;
    tn_value value;
    tarn_expr *next; /* of those to be freed, once nobody else looks */
    size_t child_count;
    tarn_expr **children;
};

/*
 * A copy of `like` (refs, pool and memory aside, its texts copied, too) with these children, which
 * are consumed.  NULL where memory was refused or where a child is NULL.
 */
tarn_expr *tn_term_make(tn_pool *pool, const tarn_expr *like, tarn_expr *const *children,
                        size_t count);
tarn_expr *tn_term_error(tn_pool *pool, tarn_code code, const char *message);
tarn_expr *tn_term_retain(tarn_expr *term); /* NULL is allowed */
void tn_term_release(tarn_expr *term);      /* NULL is allowed */

#endif
