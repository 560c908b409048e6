/*
 * plans.h - plans for tests: sources without rows but with statistics, and short ways to build.
 *
 * The first failing call sets .code; later calls do nothing.  Sources are owned by `plans`.
 */
#ifndef TN_TESTS_PLANS_H
#define TN_TESTS_PLANS_H

#include "plan/optimise.h"

#include "support/check.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct plans_column {
    const char *name;
    const tn_type *type;
    bool nullable;
    int64_t min, max;  /* both 0: bounds unknown */
    uint64_t distinct; /* 0: unknown */
} plans_column;

typedef struct plans_source {
    tn_source base; /* first */
    tn_statistics statistics;
    tn_field fields[32];
    tn_column_statistics columns[32];
} plans_source;

typedef struct plans {
    tn_arena arena;
    tn_plan_context context;
    plans_source *sources[32];
    uint32_t source_count;
    tarn_error err;
    tarn_code code;
} plans;

static inline tarn_code plans_statistics(tn_source *source, const tn_conjunct *conjuncts,
                                         uint32_t count, tn_arena *arena, tn_statistics *out,
                                         tarn_error *err)
{
    (void)conjuncts;
    (void)count;
    (void)arena;
    (void)err;
    *out = ((plans_source *)(void *)source)->statistics;
    return TARN_OK;
}

static inline tarn_code plans_open(tn_source *source, const tn_scan_request *request, tn_pool *pool,
                                   tn_scan **out, tarn_error *err)
{
    (void)source;
    (void)request;
    (void)pool;
    (void)out;
    return tn_fail(err, TARN_E_UNSUPPORTED, "a double has no rows");
}

static inline void plans_destroy(tn_source *source)
{
    (void)source;
}

static inline void plans_init(plans *p, tn_pool *pool)
{
    *p = (plans){.err = TARN_ERROR_INIT};
    tn_arena_init(&p->arena, pool);
    p->context =
        (tn_plan_context){.expr = {.arena = &p->arena, .zone = TN_STR("UTC")}, .pool = pool};
    p->code = tn_types_create(pool, &p->context.expr.types, &p->err);
}

static inline void plans_deinit(plans *p)
{
    if (p->context.expr.types != NULL) {
        tn_types_destroy(p->context.expr.types);
    }
    tn_arena_deinit(&p->arena);
}

#define PLANS_TRY(p, call)          \
    do {                            \
        if ((p)->code == TARN_OK) { \
            (p)->code = (call);     \
        }                           \
    } while (0)

static inline plans_source *plans_source_of(plans *p, const char *name, uint64_t rows,
                                            const plans_column *columns, uint32_t count)
{
    static const tn_source_ops ops = {"double", plans_statistics, plans_open, plans_destroy};
    plans_source *source = NULL;
    PLANS_TRY(p, tn_arena_new(&p->arena, plans_source, &source, &p->err));
    if (p->code != TARN_OK) {
        return NULL;
    }
    source->base = (tn_source){.ops = &ops,
                               .refs = 1,
                               .schema = {count, source->fields},
                               .name = tn_str_of(name),
                               .is_ordered = true};
    source->statistics = (tn_statistics){.rows_known = rows == UINT64_MAX ? TN_UNKNOWN : TN_EXACT,
                                         .rows = rows,
                                         .columns = source->columns};
    for (uint32_t i = 0; i < count; i++) {
        source->fields[i] =
            (tn_field){tn_str_of(columns[i].name), columns[i].type, columns[i].nullable};
        if (columns[i].min != 0 || columns[i].max != 0) {
            source->columns[i].bounds = TN_EXACT;
            source->columns[i].min = (tn_value){.type = columns[i].type, .i64 = columns[i].min};
            source->columns[i].max = (tn_value){.type = columns[i].type, .i64 = columns[i].max};
        }
        source->columns[i].nulls = columns[i].nullable ? TN_UNKNOWN : TN_EXACT;
        source->columns[i].distinct = columns[i].distinct == 0 ? TN_UNKNOWN : TN_ESTIMATE;
        source->columns[i].distinct_count = columns[i].distinct;
    }
    p->sources[p->source_count++ % 32] = source;
    return source;
}

static inline tn_plan *plans_scan(plans *p, plans_source *source)
{
    tn_plan *out = NULL;
    if (source != NULL) {
        PLANS_TRY(p, tn_plan_scan(&p->context, &source->base, (tn_span){0, 0}, &out, &p->err));
    }
    return out;
}

/* A table of three BIGINT columns a (not null), b, c. */
static inline tn_plan *plans_table(plans *p, const char *name, uint64_t rows)
{
    const plans_column columns[] = {{"a", TN_BIGINT, false, 0, 0, rows},
                                    {"b", TN_BIGINT, true, 0, 0, 0},
                                    {"c", TN_BIGINT, true, 1, 100, 100}};
    return plans_scan(p, plans_source_of(p, name, rows, columns, 3));
}

static inline const tn_expr *plans_column_of(plans *p, const tn_plan *plan, uint32_t output)
{
    const tn_expr *out = NULL;
    if (p->code == TARN_OK) {
        p->code = tn_plan_column(&p->context, plan, output, (tn_span){0, 0}, &out, &p->err);
    }
    return out;
}

static inline const tn_expr *plans_int(plans *p, int64_t number)
{
    const tn_value value = tn_value_bigint(number);
    const tn_expr *out = NULL;
    PLANS_TRY(p, tn_expr_literal(&p->context.expr, &value, (tn_span){0, 0}, &out, &p->err));
    return out;
}

static inline const tn_expr *plans_call_(plans *p, const char *name, const tn_expr *const *children,
                                         uint32_t count)
{
    const tn_expr *out = NULL;
    PLANS_TRY(p, tn_expr_call(&p->context.expr, tn_str_of(name), children, count, (tn_span){0, 0},
                              &out, &p->err));
    return out;
}
#define plans_call(p, name, ...)                                    \
    plans_call_((p), (name), (const tn_expr *const[]){__VA_ARGS__}, \
                sizeof((const tn_expr *const[]){__VA_ARGS__}) / sizeof(tn_expr *))

static inline const tn_expr *plans_and(plans *p, const tn_expr *a, const tn_expr *b)
{
    const tn_expr *const children[2] = {a, b};
    const tn_expr *out = NULL;
    PLANS_TRY(p, tn_expr_and(&p->context.expr, children, 2, &out, &p->err));
    return out;
}

static inline const tn_expr *plans_or(plans *p, const tn_expr *a, const tn_expr *b)
{
    const tn_expr *const children[2] = {a, b};
    const tn_expr *out = NULL;
    PLANS_TRY(p, tn_expr_or(&p->context.expr, children, 2, &out, &p->err));
    return out;
}

static inline const tn_expr *plans_aggregate_of(plans *p, const char *name, const tn_expr *argument,
                                                bool distinct)
{
    const tn_aggregate_call call = {.name = tn_str_of(name),
                                    .children = &argument,
                                    .count = argument != NULL,
                                    .distinct = distinct};
    const tn_expr *out = NULL;
    PLANS_TRY(p, tn_expr_aggregate(&p->context.expr, &call, &out, &p->err));
    return out;
}

static inline tn_plan *plans_filter(plans *p, tn_plan *child, const tn_expr *predicate)
{
    tn_plan *out = NULL;
    PLANS_TRY(p, tn_plan_filter(&p->context, child, predicate, &out, &p->err));
    return out;
}

static inline tn_plan *plans_project(plans *p, tn_plan *child, const tn_expr *const *exprs,
                                     uint32_t count)
{
    static const char *const letters = "pqrstuvwxyz";
    tn_str names[11];
    tn_plan *out = NULL;
    for (uint32_t i = 0; i < 11; i++) {
        names[i] = (tn_str){letters + i, 1};
    }
    PLANS_TRY(p, tn_plan_project(&p->context, child, exprs, names, count, &out, &p->err));
    return out;
}
#define plans_select(p, child, ...)                                    \
    plans_project((p), (child), (const tn_expr *const[]){__VA_ARGS__}, \
                  sizeof((const tn_expr *const[]){__VA_ARGS__}) / sizeof(tn_expr *))

static inline tn_plan *plans_join(plans *p, tn_join_kind kind, tn_plan *left, tn_plan *right,
                                  const tn_expr *condition)
{
    tn_plan *out = NULL;
    PLANS_TRY(
        p, tn_plan_join(&p->context, kind, left, right, condition, (tn_span){0, 0}, &out, &p->err));
    return out;
}

static inline tn_plan *plans_group(plans *p, tn_plan *child, const tn_expr *key,
                                   const tn_expr *const *aggregates, uint32_t count)
{
    const tn_str names[4] = {TN_STR("v"), TN_STR("w"), TN_STR("x"), TN_STR("y")};
    const tn_str key_name = TN_STR_NONE;
    tn_plan *out = NULL;
    PLANS_TRY(p, tn_plan_aggregate(&p->context, child, &key, &key_name, key != NULL, aggregates,
                                   names, count, &out, &p->err));
    return out;
}

static inline tn_plan *plans_sort(plans *p, tn_plan *child, const tn_expr *key, uint64_t limit)
{
    const tn_sort_key order = {.expr = key};
    tn_plan *out = NULL;
    PLANS_TRY(p, tn_plan_sort(&p->context, child, &order, 1, limit, 0, &out, &p->err));
    return out;
}

static inline const tn_expr *plans_subquery(plans *p, tn_subquery_kind kind, tn_plan *plan,
                                            const tn_expr *left, const char *comparison,
                                            bool negated)
{
    const tn_subquery subquery = {kind, plan, comparison, negated};
    const tn_expr *out = NULL;
    if (p->code == TARN_OK) {
        p->code = tn_expr_subquery(&p->context.expr, &subquery, left,
                                   kind == TN_SUBQUERY_SCALAR ? plan->outputs[0].type : TN_BOOLEAN,
                                   (tn_span){0, 0}, &out, &p->err);
    }
    return out;
}

/* The plan as text in the arena; the error's message where building failed. */
static inline const char *plans_explain(plans *p, const tn_plan *plan)
{
    tn_text text;
    tn_str copy = TN_STR("");
    tn_text_init(&text, p->context.pool, 1 << 24);
    PLANS_TRY(p, tn_plan_explain(plan, p->context.pool, NULL, NULL, &text, &p->err));
    PLANS_TRY(p, tn_arena_copy(&p->arena, tn_text_str(&text), &copy, &p->err));
    tn_text_deinit(&text);
    return p->code == TARN_OK ? copy.data : p->err.message;
}

static inline tarn_code plans_find(void *context, tn_str name, tn_source **out, tarn_error *err)
{
    plans *p = context;
    for (uint32_t i = 0; i < p->source_count && i < 32; i++) {
        if (tn_str_equal(p->sources[i]->base.name, name)) {
            *out = &p->sources[i]->base;
            return TARN_OK;
        }
    }
    return tn_fail(err, TARN_E_NOT_FOUND, "no such source");
}

/* Written, read, and written again: the same text? */
static inline bool plans_json_returns(plans *p, const tn_plan *plan)
{
    tn_text text;
    tn_text again;
    tn_plan *read = NULL;
    tn_text_init(&text, p->context.pool, 1 << 28);
    tn_text_init(&again, p->context.pool, 1 << 28);
    PLANS_TRY(p, tn_plan_to_json(plan, p->context.pool, &text, &p->err));
    PLANS_TRY(p, tn_plan_from_json(&p->context, tn_text_str(&text), plans_find, p, &read, &p->err));
    PLANS_TRY(p, tn_plan_to_json(read, p->context.pool, &again, &p->err));
    const bool same = tn_str_equal(tn_text_str(&text), tn_text_str(&again));
    if (p->code == TARN_OK && !same) {
        printf("%.*s\n%.*s\n", TN_STR_ARGS(tn_text_str(&text)), TN_STR_ARGS(tn_text_str(&again)));
    }
    tn_text_deinit(&text);
    tn_text_deinit(&again);
    return same;
}

static inline tn_plan *plans_optimise(plans *p, tn_plan *plan, const char *disabled)
{
    const tn_optimise_options options = {tn_str_of(disabled), true};
    tn_plan *out = NULL;
    PLANS_TRY(p, tn_plan_optimise(&p->context, plan, &options, &out, &p->err));
    return out;
}

#endif
