/*
 * plan_internal.h - what the files of plan/ share: fields, sets of columns, walking and rewriting.
 */
#ifndef TN_PLAN_PLAN_INTERNAL_H
#define TN_PLAN_PLAN_INTERNAL_H

#include "base/hash.h"
#include "base/vec.h"
#include "plan/optimise.h"
#include "plan/plan.h"

/* ---- fields ---- */

typedef enum tn_plan_form {
    TN_FORM_BOOL,
    TN_FORM_U32,
    TN_FORM_U64,
    TN_FORM_TEXT,
    TN_FORM_JOIN_KIND,
    TN_FORM_NUMBERS,
    TN_FORM_EXPRS,
    TN_FORM_PAIRS,
    TN_FORM_ORDER,
    TN_FORM_CONJUNCTS, /* conjunct_exprs; .conjuncts are made of them */
    TN_FORM_SOURCE,
    TN_FORM_SINK,
    TN_FORM_REJECTS
} tn_plan_form;

typedef struct tn_plan_field {
    uint32_t kinds; /* bits of tn_plan_kind */
    tn_plan_form form;
    const char *name;
    size_t offset, count_offset;
} tn_plan_field;
extern const tn_plan_field tn_plan__fields[];
extern const size_t tn_plan__field_count;

const char *tn_plan__kind_name(tn_plan_kind kind); /* "scan" */
const char *tn_plan__join_name(tn_join_kind kind); /* "inner" */
static inline bool tn_plan__has(const tn_plan *plan, const tn_plan_field *field)
{
    return (field->kinds >> plan->kind) & 1;
}
/* Member and list length of a field. */
#define TN_FIELD_AT(plan, field, type) (*(type const *)((const char *)(plan) + (field)->offset))
static inline uint32_t tn_plan__field_length(const tn_plan *plan, const tn_plan_field *field)
{
    return *(const uint32_t *)((const char *)plan + field->count_offset);
}

/* ---- sets of columns ---- */

/* One bit an id; grows as needed. */
typedef struct tn_columns {
    tn_pool *pool;
    uint64_t *words;
    size_t word_count;
} tn_columns;

static inline void tn_columns__init(tn_columns *set, tn_pool *pool)
{
    *set = (tn_columns){pool, NULL, 0};
}
void tn_columns__deinit(tn_columns *set);
void tn_columns__clear(tn_columns *set);
TN_FALLIBLE tn_columns__add(tn_columns *set, tn_column_id id, tarn_error *err);
static inline bool tn_columns__has(const tn_columns *set, tn_column_id id)
{
    return id / 64 < set->word_count && ((set->words[id / 64] >> (id % 64)) & 1);
}
static inline void tn_columns__remove(tn_columns *set, tn_column_id id)
{
    if (id / 64 < set->word_count) {
        set->words[id / 64] &= ~(UINT64_C(1) << (id % 64));
    }
}
bool tn_columns__within(const tn_columns *inner, const tn_columns *outer); /* subset */
bool tn_columns__meet(const tn_columns *a, const tn_columns *b);           /* not disjoint */
bool tn_columns__empty(const tn_columns *set);
TN_FALLIBLE tn_columns__add_outputs(tn_columns *set, const tn_plan *plan, tarn_error *err);
TN_FALLIBLE tn_columns__add_set(tn_columns *set, const tn_columns *from, tarn_error *err);
/* The columns an expression reads; a subquery reads what its plan leaves free. */
TN_FALLIBLE tn_columns__add_expr(tn_columns *set, const tn_expr *expr, tarn_error *err);
/* ... that the expressions of one node read (its children apart). */
TN_FALLIBLE tn_columns__add_node(tn_columns *set, const tn_plan *plan, tarn_error *err);
/* Columns a plan reads and does not make: outer ones. */
TN_FALLIBLE tn_columns__add_free(tn_columns *set, const tn_plan *plan, tarn_error *err);

typedef enum tn_reads { TN_READS_NONE, TN_READS_INSIDE, TN_READS_OUTSIDE, TN_READS_BOTH } tn_reads;
/* Whether an expression reads columns of the set, others, both, or none. */
TN_FALLIBLE tn_expr__reads(const tn_expr *expr, const tn_columns *set, tn_pool *pool, tn_reads *out,
                           tarn_error *err);

/* ---- expressions ---- */

typedef TN_VEC(const tn_expr *) tn_expr_vec;
typedef TN_VEC(tn_plan *) tn_plan_vec;

bool tn_expr__is_call(const tn_expr *expr, const char *name);
TN_FALLIBLE tn_expr__has_subquery(const tn_expr *expr, tn_pool *pool, bool *out, tarn_error *err);
/* Pushes the conjuncts of an expression: ANDs are opened, at any depth. */
TN_FALLIBLE tn_expr__conjuncts(const tn_expr *expr, tn_expr_vec *out, tarn_error *err);
/* May the expression be NULL over rows of this plan (bounded in depth: true where unsure)? */
bool tn_expr__nullable(const tn_expr *expr, const tn_plan *input);
/* A copy with columns replaced: map answers the new expression for an id, or NULL. */
typedef const tn_expr *tn_column_map(void *context, tn_column_id id);
TN_FALLIBLE tn_expr__replace(tn_plan_context *context, const tn_expr *expr, tn_column_map *map,
                             void *map_context, const tn_expr **out, tarn_error *err);
TN_FALLIBLE tn_expr__column_of(tn_plan_context *context, const tn_output *output,
                               const tn_expr **out, tarn_error *err);
/* Conjuncts as one expression; NULL for none. */
TN_FALLIBLE tn_expr__all(tn_plan_context *context, const tn_expr *const *exprs, uint32_t count,
                         const tn_expr **out, tarn_error *err);

TN_FALLIBLE tn_expr__call1(tn_plan_context *context, const char *name, const tn_expr *a,
                           const tn_expr **out, tarn_error *err);
TN_FALLIBLE tn_expr__call2(tn_plan_context *context, const char *name, const tn_expr *a,
                           const tn_expr *b, const tn_expr **out, tarn_error *err);
TN_FALLIBLE tn_expr__boolean(tn_plan_context *context, bool value, const tn_expr **out,
                             tarn_error *err);
bool tn_expr__is_true(const tn_expr *expr);     /* the literal */
bool tn_expr__is_not_true(const tn_expr *expr); /* the literals FALSE and NULL */

/* ---- nodes ---- */

TN_FALLIBLE tn_plan__new(tn_plan_context *context, tn_plan_kind kind, tn_span span,
                         tn_plan *const *children, uint32_t child_count, tn_plan **out,
                         tarn_error *err);
TN_FALLIBLE tn_plan__copy(tn_plan_context *context, const tn_plan *plan, tn_plan **out,
                          tarn_error *err);
/* The same node over other children; outputs are derived again where the children's changed. */
TN_FALLIBLE tn_plan__with_children(tn_plan_context *context, tn_plan *plan,
                                   tn_plan *const *children, tn_plan **out, tarn_error *err);
/* Outputs of nodes that hand their children's through: FILTER, SORT, JOIN... */
TN_FALLIBLE tn_plan__derive(tn_plan_context *context, tn_plan *plan, tarn_error *err);
bool tn_plan__same_outputs(const tn_plan *a, const tn_plan *b); /* ids, in order */
/* Below a PROJECT of columns where its outputs are not exactly these, in this order. */
TN_FALLIBLE tn_plan__restore(tn_plan_context *context, tn_plan *plan, const tn_output *outputs,
                             uint32_t count, tn_plan **out, tarn_error *err);
/* A PROJECT with given outputs (ids included). */
TN_FALLIBLE tn_plan__project(tn_plan_context *context, tn_plan *child, const tn_expr *const *exprs,
                             const tn_output *outputs, uint32_t count, tn_plan **out,
                             tarn_error *err);
TN_FALLIBLE tn_plan__filter(tn_plan_context *context, tn_plan *child, const tn_expr *const *exprs,
                            uint32_t count, tn_plan **out, tarn_error *err); /* none: the child */
/* No rows, with these outputs. */
TN_FALLIBLE tn_plan__empty(tn_plan_context *context, const tn_plan *like, tn_plan **out,
                           tarn_error *err);
/* A join from a list of conjuncts, which are split into pairs and the rest. */
TN_FALLIBLE tn_plan__join(tn_plan_context *context, tn_plan_kind node, tn_join_kind kind,
                          tn_plan *left, tn_plan *right, const tn_expr *const *conjuncts,
                          uint32_t count, tn_span span, tn_plan **out, tarn_error *err);
/* All conditions of a join as conjuncts again: pairs become "=" or IS NOT DISTINCT FROM. */
TN_FALLIBLE tn_plan__conditions(tn_plan_context *context, const tn_plan *join, tn_expr_vec *out,
                                tarn_error *err);
TN_FALLIBLE tn_plan__pair_expr(tn_plan_context *context, const tn_join_pair *pair,
                               const tn_expr **out, tarn_error *err);

static inline bool tn_plan__left_only(tn_join_kind kind) /* outputs no column of the right */
{
    return kind == TN_JOIN_SEMI || kind == TN_JOIN_ANTI || kind == TN_JOIN_MARK;
}

/* Every expression of a node, in field order. */
typedef tarn_code tn_expr_see(void *context, const tn_expr *expr, tarn_error *err);
TN_FALLIBLE tn_plan__each_expr(const tn_plan *plan, tn_expr_see *see, void *context,
                               tarn_error *err);
/* The node with each of its expressions rewritten; the node itself where none changed. */
TN_FALLIBLE tn_plan__map_exprs(tn_plan_context *context, tn_plan *plan, tn_expr_rewriter *map,
                               void *map_context, tn_plan **out, tarn_error *err);

bool tn_plan__node_equal(const tn_plan *a, const tn_plan *b); /* children by pointer */
TN_FALLIBLE tn_plan__equal(const tn_plan *a, const tn_plan *b, tn_pool *pool, bool *out,
                           tarn_error *err);
uint64_t tn_plan__node_hash(const tn_plan *plan); /* without expressions and children */

/* A copy of a scan with the conjuncts, of these filters, that a source may use. */
TN_FALLIBLE tn_plan__offer(tn_plan_context *context, const tn_plan *scan,
                           const tn_expr *const *filters, uint32_t count, tn_plan **out,
                           tarn_error *err);

/* ---- walking ---- */

/* From nodes (or other pointers) to numbers. */
typedef struct tn_pointer_map {
    tn_pool *pool;
    struct tn_pointer_slot {
        const void *key;
        size_t value;
    } * slots;
    size_t capacity, count;
} tn_pointer_map;
void tn_pointer_map__init(tn_pointer_map *map, tn_pool *pool);
void tn_pointer_map__deinit(tn_pointer_map *map);
bool tn_pointer_map__find(const tn_pointer_map *map, const void *key, size_t *value);
TN_FALLIBLE tn_pointer_map__put(tn_pointer_map *map, const void *key, size_t value,
                                tarn_error *err);

/* All nodes below and including `root`, each once, children first. Subquery plans not included. */
TN_FALLIBLE tn_plan__postorder(const tn_plan *root, tn_plan_vec *out, tarn_error *err);

/* A rule sees a node whose children are rewritten already (or, of top-down rules, are not yet). */
typedef tarn_code tn_plan_rule(void *context, tn_plan *plan, tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_plan__bottom_up(tn_plan_context *context, tn_plan *root, tn_plan_rule *rule,
                               void *rule_context, tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_plan__top_down(tn_plan_context *context, tn_plan *root, tn_plan_rule *rule,
                              void *rule_context, tn_plan **out, tarn_error *err);

/* A deep copy with new ids for all columns it makes (and new shared ids); *ids maps the old ones to
 * the new: pairs of old, new, for the root's outputs. */
TN_FALLIBLE tn_plan__clone(tn_plan_context *context, tn_plan *plan, tn_plan **out, tarn_error *err);
/* The plan with columns replaced in all of its expressions (not in what its nodes make). */
TN_FALLIBLE tn_plan__replace(tn_plan_context *context, tn_plan *plan, tn_column_map *map,
                             void *map_context, tn_plan **out, tarn_error *err);

/* An internal error where a node reads a column that its children do not have, or its shape is
 * wrong.  `outer_allowed`: free columns are fine (a subquery's plan). */
TN_FALLIBLE tn_plan__check(const tn_plan *root, tn_pool *pool, bool optimised, tarn_error *err);

#endif
