/*
 * bind_internal.h - what the files of the binder share.
 *
 * The binder is a machine of routines (routine.h).  Columns that can be named stand in one stack;
 * a scope is a part of it.  A query's FROM pushes its columns, and they go when the query ends.
 */
#ifndef TN_SQL_BIND_INTERNAL_H
#define TN_SQL_BIND_INTERNAL_H

#include "base/vec.h"
#include "expr/program.h"
#include "sql/ast.h"
#include "sql/routine.h"

typedef struct tn_scope_column {
    tn_str table; /* by which it may be qualified, or empty */
    tn_str name;
    tn_column_id id;
    const tn_type *type;
    bool qualified_only; /* one side of USING: not by its bare name, not by * */
    bool unqualified;    /* USING of a FULL JOIN made it: not a part of t.* */
    bool hidden;         /* a virtual column: not by any * */
    uint32_t merged;     /* USING: later joins first in *; 0: not merged */
} tn_scope_column;

typedef struct tn_grouping_state tn_grouping_state;

typedef struct tn_scope {
    struct tn_scope *outer;
    size_t from, to; /* of binder.columns */
    uint32_t depth;
    bool used;                   /* some name was found here from a scope within */
    tn_grouping_state *grouping; /* set while what stands above an aggregate is bound */
    const struct tn_env *env; /* of the expression whose subquery is bound: it may name aliases */
} tn_scope;

typedef struct tn_group_key {
    const tn_expr *expr; /* over the input */
    uint32_t size;       /* AST nodes, which spares most comparisons */
    bool is_plain;       /* a column that keeps its id */
    tn_column_id id;
    tn_str name;
} tn_group_key;
typedef struct tn_ungrouped {
    tn_str table, name;
    tn_span span;
} tn_ungrouped;

/* Above GROUP BY only keys and aggregates are there: what was bound, and what broke that rule. */
struct tn_grouping_state {
    TN_VEC(tn_group_key) keys;
    TN_VEC(const tn_expr *) aggregates;
    TN_VEC(tn_column_id) aggregate_ids;
    TN_VEC(tn_str) aggregate_names;
    TN_VEC(tn_ungrouped) ungrouped;
    bool has_sets;  /* GROUPING SETS: no key keeps its id */
    uint64_t *sets; /* one bit a key */
    uint32_t set_count;
};

/* What an expression may do where it stands. */
typedef struct tn_env {
    tn_scope *scope;    /* NULL: no names at all */
    const char *clause; /* "WHERE": aggregates are refused in its words; NULL: allowed */
    bool in_aggregate;
    bool prefers_alias;         /* HAVING, ORDER BY: to a column that is not grouped */
    const tn_ast_item *aliases; /* of the select list, for names that are no columns */
    uint32_t alias_count;
} tn_env;

typedef struct tn_cte {
    tn_str name;
    tn_plan *plan;
    uint32_t shared_id, uses, references;
    bool recursive; /* being bound: a reference would be its own */
    bool done;
    bool reads_outside; /* names columns of a query around it */
    const tn_ast_cte *ast;
    tn_scope *outer;
    uint32_t expr_depth; /* where WITH stands */
    uint32_t hidden;     /* above 0 while an earlier one is bound once more */
} tn_cte;

typedef struct tn_binder {
    tn_routines routines;
    tn_plan_context *context;
    tn_expr_context *expr_context;
    tn_arena *arena;
    tn_pool *pool;
    tn_catalogue *catalogue;
    tn_str text;       /* spans are of this one */
    tn_str source;     /* the text that is being bound: a view's, too */
    tn_span view_span; /* in a view: where the statement names it */
    uint32_t view_depth;
    uint32_t expr_depth;   /* queries within expressions */
    uint32_t shallowest;   /* the outermost scope in which a name was found */
    uint64_t alias_weight; /* nodes that aliases were replaced by */
    uint32_t virtuals;     /* tn_virtual bits that the text names */
    size_t cte_floor;
    bool allows_default; /* INSERT: DEFAULT is NULL */
    bool lateral_used;   /* the table bound last reads columns of those before it */
    uint32_t joins;      /* with USING: numbers them */

    TN_VEC(tn_scope_column) columns;
    TN_VEC(const tn_expr *) exprs;
    TN_VEC(const tn_ast_table *) tables; /* joins whose left side is being bound */
    TN_VEC(tn_cte) ctes;
    TN_VEC(tn_plan *) plans;
    TN_VEC(tn_grouping_state *) groupings; /* to be freed at the end */

    /* What the routine that returned last has made. */
    const tn_expr *expr;
    uint32_t size; /* AST nodes under expr */
    tn_plan *plan;
} tn_binder;

/* ---- errors and places ---- */
/* A span as the user may see it: within a view, the view's name in the statement. */
static inline tn_span tn_binder__span(const tn_binder *b, tn_span span)
{
    return b->view_depth > 0 ? b->view_span : span;
}
tarn_code tn_binder__fail(const tn_binder *b, tn_span span, tarn_error *err, tarn_code code,
                          const char *format, ...) TN_PRINTF(5, 6);
tarn_code tn_binder__unsupported(const tn_binder *b, tn_span span, tarn_error *err,
                                 const char *what);

/* The nearest of some names, where more than half of the name is right. */
tn_str tn_binder__nearest(tn_str name, const tn_str *names, size_t count);

/* ---- names (bind_name.c) ---- */
TN_FALLIBLE tn_binder__push_column(tn_binder *b, tn_scope_column column, tarn_error *err);
/* All outputs of a plan under one table's name. */
TN_FALLIBLE tn_binder__push_outputs(tn_binder *b, const tn_plan *plan, tn_str table,
                                    tarn_error *err);
typedef struct tn_found_name {
    const tn_scope_column *column; /* NULL: there is none */
    tn_scope *scope;
    uint32_t parts; /* of the name that the column took; the rest are fields */
} tn_found_name;
TN_FALLIBLE tn_binder__find(tn_binder *b, tn_scope *scope, const tn_ast *name, bool outer,
                            tn_found_name *out, tarn_error *err);
tarn_code tn_binder__no_column(tn_binder *b, const tn_scope *scope, const tn_ast *name,
                               tarn_error *err);
/* The name an output gets that was given none. */
TN_FALLIBLE tn_binder__output_name(tn_binder *b, const tn_ast *ast, tn_str *out, tarn_error *err);
/* The text between, with blanks collapsed. */
TN_FALLIBLE tn_binder__text_of(tn_binder *b, tn_span span, tn_str *out, tarn_error *err);

/* ---- expressions (bind_expr.c) ---- */
typedef struct tn_bind_frame {
    tn_frame head;
    const tn_ast *ast; /* given */
    tn_env *env;       /* given */
    tn_env inner;      /* of an aggregate's arguments, of an alias */
    size_t base, ungrouped;
    uint32_t index, size, order;
    tn_plan *plan;
    const tn_expr *first;
    tn_grouping_state *grouping; /* of the scope, put aside within an aggregate's arguments */
    const tn_env *around;        /* what stood in the scope before a subquery of this one */
} tn_bind_frame;
tarn_code tn_bind__expr(void *binder, void *frame, tarn_error *err); /* b->expr, b->size */
/* Expressions with queries in them (bind_subquery.c): frames are tn_bind_frame. */
tarn_code tn_bind__subquery(void *binder, void *frame, tarn_error *err);
bool tn_ast__has_query(const tn_ast *ast);
/* Does an aggregate call stand in it, outside of queries? */
TN_FALLIBLE tn_ast__has_aggregate(tn_pool *pool, const tn_ast *ast, bool *out, tarn_error *err);
TN_FALLIBLE tn_binder__literal(tn_binder *b, const tn_ast *ast, const tn_expr **out,
                               tarn_error *err);
TN_FALLIBLE tn_binder__type(tn_binder *b, tn_str text, tn_span span, const tn_type **out,
                            tarn_error *err);
/* What is left when the children of a node are bound: items[0..count). */
TN_FALLIBLE tn_binder__node(tn_binder *b, const tn_ast *ast, tn_env *env,
                            const tn_expr *const *items, const tn_expr **out, tarn_error *err);
TN_FALLIBLE tn_binder__call(tn_binder *b, const char *name, const tn_expr *const *items,
                            uint32_t count, tn_span span, const tn_expr **out, tarn_error *err);
TN_FALLIBLE tn_binder__aggregate(tn_binder *b, const tn_ast *ast, tn_env *env,
                                 const tn_expr *const *items, const tn_expr **out, tarn_error *err);
bool tn_binder__is_aggregate(const tn_ast *ast);
/* A constant's value, parameters included: of LIMIT, of a table function's argument. */
TN_FALLIBLE tn_binder__constant(tn_binder *b, const tn_expr *expr, tn_value *out, tarn_error *err);
/* Columns or queries stand in it: it cannot be a cell of VALUES. */
TN_FALLIBLE tn_binder__needs_row(tn_binder *b, const tn_expr *expr, bool *out, tarn_error *err);

TN_FALLIBLE tn_binder__has_query(tn_binder *b, const tn_expr *expr, bool *out, tarn_error *err);

/* ---- queries ---- */
typedef struct tn_bind_query_frame {
    tn_frame head;
    const tn_ast_query *query; /* given */
    tn_scope *outer;           /* given or NULL */
    size_t columns, ctes, plans, exprs;
    uint32_t index, shallowest;
    tn_plan *plan;
    uint64_t limit, offset;
    tn_scope scope;
    tn_env env;
} tn_bind_query_frame;
typedef struct tn_bind_select_frame {
    tn_frame head;
    const tn_ast_query *query; /* given */
    tn_scope *outer;           /* given or NULL */
    size_t columns;
    tn_scope scope;
    tn_env env;
    tn_plan *plan; /* FROM and WHERE, then what is above */
    struct tn_select_entry *entries;
    uint32_t count, visible; /* entries; those that are outputs */
    tn_grouping_state *grouping;
    const tn_ast **leaves; /* expressions of GROUP BY */
    uint32_t *leaf_keys;   /* which key each is */
    uint32_t leaf_count;
    const tn_expr *having;
    uint32_t *positions; /* entries that ORDER BY means, then those of DISTINCT ON */
} tn_bind_select_frame;
tarn_code tn_bind__query(void *binder, void *frame, tarn_error *err);  /* b->plan */
tarn_code tn_bind__select(void *binder, void *frame, tarn_error *err); /* with its ORDER BY */
tarn_code tn_bind__values(void *binder, void *frame, tarn_error *err);
/* An order's direction and place of NULLs. */
tn_sort_key tn_binder__sort_key(const tn_ast_order *order, const tn_expr *expr);
/* 1, 2...: which output ORDER BY or GROUP BY means by a number; UINT32_MAX where it is none. */
TN_FALLIBLE tn_binder__ordinal(tn_binder *b, const tn_ast *ast, const char *clause, uint32_t count,
                               uint32_t *out, tarn_error *err);
/* The plan under other names for its columns, as far as there are some. */
TN_FALLIBLE tn_binder__rename(tn_binder *b, const tn_plan *plan, const tn_ast_item *names,
                              uint32_t count, tn_span span, tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_binder__one_row(tn_binder *b, tn_plan **out, tarn_error *err);

/* Frames of tn_bind__from and of the routines beneath it. */
typedef struct tn_bind_from_frame {
    tn_frame head;
    const tn_ast_table *table; /* given */
    tn_scope *scope;           /* given: of the query; its columns begin at scope->from */
    size_t from, middle, base; /* base: of b->tables */
    bool lateral_used, lateral_outside;
    tn_plan *left, *right;
    tn_scope on;
    tn_env env;
} tn_bind_from_frame;
tarn_code tn_bind__from(void *binder, void *frame, tarn_error *err); /* b->plan, b->columns */
/* A table that is no join. */
typedef struct tn_bind_table_frame {
    tn_frame head;
    const tn_ast_table *table; /* given */
    tn_scope *scope;           /* given */
    tn_plan *child;            /* given: what unnest() stands beside, or NULL */
    bool outer;                /* given: unnest() keeps rows without elements */
    uint32_t index;
    size_t exprs;
    tn_scope lateral;
    tn_env env;
    tn_relation relation;
    tn_str source; /* while a view is bound */
    size_t cte_floor;
    tn_argument *arguments;
} tn_bind_table_frame;
tarn_code tn_bind__table(void *binder, void *frame, tarn_error *err);
tarn_code tn_binder__no_relation(tn_binder *b, const tn_object_name *name, bool function,
                                 tarn_error *err);
/* The text that is bound from now on. */
void tn_binder__read_text(tn_binder *b, tn_str text);
bool tn_ast_table__is_unnest(const tn_ast_table *table);
TN_FALLIBLE tn_binder__join(tn_binder *b, tn_bind_from_frame *f, const tn_expr *condition,
                            tarn_error *err);

/* ---- grouping (bind_group.c) ---- */
TN_FALLIBLE tn_binder__new_grouping(tn_binder *b, tn_grouping_state **out, tarn_error *err);
TN_FALLIBLE tn_binder__add_key(tn_binder *b, tn_grouping_state *g, const tn_expr *key,
                               uint32_t size, tn_str name, uint32_t *index, tarn_error *err);
/* A node of a select list is a key: its column stands for it. */
TN_FALLIBLE tn_binder__match_key(tn_binder *b, const tn_env *env, size_t ungrouped,
                                 tarn_error *err);
TN_FALLIBLE tn_binder__note_ungrouped(tn_binder *b, tn_grouping_state *g,
                                      const tn_scope_column *column, tn_span span, tarn_error *err);
tarn_code tn_binder__check_grouped(tn_binder *b, const tn_grouping_state *g, tarn_error *err);
TN_FALLIBLE tn_binder__aggregate_plan(tn_binder *b, tn_grouping_state *g, tn_plan **plan,
                                      tarn_error *err);

TN_FALLIBLE tn_sql__parse_expression(tn_str text, tn_arena *arena, tn_pool *pool, tn_ast **out,
                                     tarn_error *err);

#endif
