/*
 * Subquery expressions become APPLY nodes below the node that holds them.
 *
 *   EXISTS, IN, ANY, ALL as a conjunct of WHERE    SEMI or ANTI
 *   the same anywhere else                         MARK: a BOOLEAN column
 *   a scalar subquery                              SINGLE: a column
 *
 * IN over values that may be NULL is null-aware where the comparison is the join's only key and
 * condition.  With outer columns or a constant on the left the three-valued logic is written out:
 * x NOT IN (...) keeps a row for which no row of the subquery has x = v true or NULL.
 */
#include "plan/optimise_internal.h"

typedef struct placing {
    tn_optimiser *optimiser;
    tn_plan *child;        /* what the node reads, with the applies so far */
    tn_pointer_map known;  /* subquery to the expression that stands for it */
    tn_pointer_map lefts;  /* ... of IN, ANY, ALL: to what was compared with it then */
    tn_pointer_map guards; /* subquery to the rows that ask for it */
} placing;

/* The subquery's plan; where it stands in the plan already, with new ids. */
static tarn_code fresh_plan(placing *p, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    size_t ignored;
    *out = plan;
    if (tn_pointer_map__find(&p->optimiser->cloned, plan, &ignored)) {
        return tn_plan__clone(p->optimiser->context, plan, out, err);
    }
    return tn_pointer_map__put(&p->optimiser->cloned, plan, 1, err);
}

static tarn_code apply(placing *p, tn_join_kind kind, tn_plan *plan, const tn_expr *condition,
                       bool null_aware, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    tn_expr_vec conjuncts = TN_VEC_INIT(context->pool);
    tarn_code code = TARN_OK;
    if (condition != NULL) {
        TN_TRY(tn_expr__conjuncts(condition, &conjuncts, err));
    }
    TN_TRY(tn_plan__join(context, TN_PLAN_APPLY, kind, p->child, plan, conjuncts.items,
                         (uint32_t)conjuncts.count, plan->span, &p->child, err));
    p->child->null_aware = null_aware;
    TN_TRY(tn_plan__derive(context, p->child, err));
done:
    tn_vec_free(&conjuncts);
    return code;
}

static tarn_code mark_column(placing *p, const tn_expr **out, tarn_error *err)
{
    const tn_output *mark = tn_plan_output(p->child, p->child->mark);
    return tn_expr__column_of(p->optimiser->context, mark, out, err);
}

static tarn_code negate(placing *p, bool negated, const tn_expr *expr, const tn_expr **out,
                        tarn_error *err)
{
    *out = expr;
    return negated ? tn_expr__call1(p->optimiser->context, "not", expr, out, err) : TARN_OK;
}

/* expr is true or NULL. */
static tarn_code not_false(placing *p, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    return tn_expr__call1(context, "is_not_false", expr, out, err);
}

static tarn_code has_outer(placing *p, const tn_plan *plan, bool *out, tarn_error *err)
{
    tn_columns free;
    tn_columns__init(&free, p->optimiser->context->pool);
    const tarn_code code = tn_columns__add_free(&free, plan, err);
    *out = !tn_columns__empty(&free);
    tn_columns__deinit(&free);
    return code;
}

/* What a quantified comparison says, as ANY: ALL is NOT ANY of the opposite. */
typedef struct quantified {
    tn_plan *plan;
    const tn_expr *left;
    const tn_expr *condition; /* left comparison value */
    bool negated;             /* NOT ANY */
    const char *comparison;
    bool may_be_null;
    bool keyed; /* one key of the join, and nothing beside it: a null-aware join is exact */
} quantified;

/* Whether the condition is, and stays, a pair of the join's sides.  A constant is no key: rows for
 * which the condition is NULL would be taken for rows that do not match. */
static tarn_code is_keyed(placing *p, const quantified *q, const tn_expr *left, bool *out,
                          tarn_error *err)
{
    tn_reads reads = TN_READS_NONE;
    tn_columns child;
    tarn_code code = TARN_OK;
    *out = strcmp(q->comparison, "=") == 0 && !q->condition->can_fail && !q->condition->is_volatile;
    if (!*out) {
        return TARN_OK;
    }
    tn_columns__init(&child, p->optimiser->context->pool);
    TN_TRY(has_outer(p, q->plan, out, err));
    TN_TRY(tn_columns__add_outputs(&child, p->child, err));
    TN_TRY(tn_expr__reads(left, &child, p->optimiser->context->pool, &reads, err));
    *out = !*out && reads == TN_READS_INSIDE;
done:
    tn_columns__deinit(&child);
    return code;
}

static const char *opposite(const char *comparison)
{
    static const char *const pairs[][2] = {{"=", "<>"}, {"<>", "="}, {"<", ">="},
                                           {">=", "<"}, {">", "<="}, {"<=", ">"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (strcmp(pairs[i][0], comparison) == 0) {
            return pairs[i][1];
        }
    }
    return comparison;
}

/* ---- guards ---- */

typedef struct naming {
    const placing *p;
    bool missing;
} naming;

static tarn_code known_subquery(void *context, const tn_expr *expr, const tn_expr **out,
                                tarn_error *err)
{
    naming *n = context;
    size_t known = 0;
    (void)err;
    *out = expr;
    if (expr->kind != TN_EXPR_SUBQUERY) {
        return TARN_OK;
    }
    if (tn_pointer_map__find(&n->p->known, expr->subquery, &known)) {
        *out = (const tn_expr *)(uintptr_t)known;
    } else {
        n->missing = true;
    }
    return TARN_OK;
}

/* The column of the child that says whether a row asks for the subquery; NULL: all do. */
static tarn_code guard_of(placing *p, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    naming n = {.p = p};
    size_t at = 0;
    bool wanted = false;
    *out = NULL;
    if (!tn_pointer_map__find(&p->guards, expr->subquery, &at) || at == 0) {
        return TARN_OK;
    }
    const tn_expr *guard = (const tn_expr *)(uintptr_t)at;
    TN_RETURN_IF_ERROR(tn_guards__wanted(context, expr->subquery, &wanted, err));
    if (!wanted && !(expr->child_count > 0 && expr->children[0]->can_fail)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_expr_rewrite(guard, context->expr.arena, known_subquery, &n, &guard, err));
    return n.missing ? TARN_OK : tn_guards__column(context, guard, &p->child, out, err);
}

/* The subquery's plan, for the rows that ask for it. */
static tarn_code guarded_plan(placing *p, const tn_expr *expr, const tn_expr *guard, tn_plan **out,
                              tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    const tn_subquery *subquery = expr->subquery;
    bool wanted = false;
    TN_RETURN_IF_ERROR(fresh_plan(p, subquery->plan, out, err));
    if (guard == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_guards__wanted(context, subquery, &wanted, err));
    return wanted ? tn_guards__insert(context, *out, guard, out, err) : TARN_OK;
}

static tarn_code quantify(placing *p, const tn_expr *expr, quantified *q, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    const tn_subquery *subquery = expr->subquery;
    const bool all = subquery->kind == TN_SUBQUERY_ALL;
    const char *comparison = all ? opposite(subquery->comparison) : subquery->comparison;
    const tn_expr *left = expr->children[0];
    const tn_expr *value = NULL;
    const tn_expr *guard = NULL;
    q->comparison = comparison;

    TN_RETURN_IF_ERROR(guard_of(p, expr, &guard, err));
    TN_RETURN_IF_ERROR(guarded_plan(p, expr, guard, &q->plan, err));
    if (guard != NULL && left->can_fail) {
        const tn_expr *const parts[2] = {guard, left};
        TN_RETURN_IF_ERROR(tn_expr_case(&context->expr, parts, 2, left->span, &left, err));
    }
    q->left = left;
    TN_RETURN_IF_ERROR(tn_expr__column_of(context, &q->plan->outputs[0], &value, err));
    TN_RETURN_IF_ERROR(tn_expr__call2(context, comparison, left, value, &q->condition, err));
    q->negated = subquery->negated != all;
    q->may_be_null = tn_expr__nullable(left, p->child) || q->plan->outputs[0].nullable;
    return is_keyed(p, q, left, &q->keyed, err);
}

/* As a conjunct: rows pass or do not, so NULL is as good as false. */
static tarn_code place_conjunct(placing *p, const tn_expr *expr, bool negated, tarn_error *err)
{
    const tn_subquery *subquery = expr->subquery;
    if (subquery->kind == TN_SUBQUERY_EXISTS) {
        tn_plan *plan = NULL;
        TN_RETURN_IF_ERROR(fresh_plan(p, subquery->plan, &plan, err));
        negated = negated != subquery->negated;
        return apply(p, negated ? TN_JOIN_ANTI : TN_JOIN_SEMI, plan, NULL, false, err);
    }
    quantified q = {0};
    TN_RETURN_IF_ERROR(quantify(p, expr, &q, err));
    if (q.negated == negated) {
        return apply(p, TN_JOIN_SEMI, q.plan, q.condition, false, err);
    }
    if (!q.may_be_null) {
        return apply(p, TN_JOIN_ANTI, q.plan, q.condition, false, err);
    }
    if (q.keyed) {
        return apply(p, TN_JOIN_ANTI, q.plan, q.condition, true, err);
    }
    TN_RETURN_IF_ERROR(not_false(p, q.condition, &q.condition, err));
    return apply(p, TN_JOIN_ANTI, q.plan, q.condition, false, err);
}

/* A reader of the subquery's plan, and the comparison with its column. */
static tarn_code compare_shared(placing *p, const quantified *q, uint32_t shared_id, tn_plan **out,
                                const tn_expr **condition, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    const tn_expr *value = NULL;
    TN_RETURN_IF_ERROR(tn_plan_shared(context, q->plan, shared_id, out, err));
    TN_RETURN_IF_ERROR(tn_expr__column_of(context, &(*out)->outputs[0], &value, err));
    return tn_expr__call2(context, q->comparison, q->left, value, condition, err);
}

/* A column of truth: TRUE where a row has the condition true, else NULL where one has it NULL. */
static tarn_code place_quantified(placing *p, const tn_expr *expr, const tn_expr **out,
                                  tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    const tn_value null = tn_value_null(TN_BOOLEAN);
    const tn_expr *parts[5] = {NULL};
    const tn_expr *unknown = NULL;
    tn_plan *once = NULL;
    tn_plan *again = NULL;
    quantified q = {0};
    TN_RETURN_IF_ERROR(quantify(p, expr, &q, err));
    if (!q.may_be_null || q.keyed) {
        TN_RETURN_IF_ERROR(apply(p, TN_JOIN_MARK, q.plan, q.condition, q.may_be_null, err));
        TN_RETURN_IF_ERROR(mark_column(p, out, err));
        return negate(p, q.negated, *out, out, err);
    }
    /* Two readers of the subquery; where it reads from outside, unnesting makes copies of it. */
    const uint32_t shared_id = context->next_shared++;
    TN_RETURN_IF_ERROR(compare_shared(p, &q, shared_id, &once, &q.condition, err));
    TN_RETURN_IF_ERROR(apply(p, TN_JOIN_MARK, once, q.condition, false, err));
    TN_RETURN_IF_ERROR(mark_column(p, &parts[0], err));
    TN_RETURN_IF_ERROR(compare_shared(p, &q, shared_id, &again, &unknown, err));
    TN_RETURN_IF_ERROR(tn_expr__call1(context, "is_null", unknown, &unknown, err));
    TN_RETURN_IF_ERROR(apply(p, TN_JOIN_MARK, again, unknown, false, err));
    TN_RETURN_IF_ERROR(mark_column(p, &parts[2], err));
    TN_RETURN_IF_ERROR(tn_expr__boolean(context, true, &parts[1], err));
    TN_RETURN_IF_ERROR(tn_expr_literal(&context->expr, &null, expr->span, &parts[3], err));
    TN_RETURN_IF_ERROR(tn_expr__boolean(context, false, &parts[4], err));
    TN_RETURN_IF_ERROR(tn_expr_case(&context->expr, parts, 5, expr->span, out, err));
    return negate(p, q.negated, *out, out, err);
}

static tarn_code place_value(placing *p, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    const tn_subquery *subquery = expr->subquery;
    const tn_expr *guard = NULL;
    tn_plan *plan = NULL;
    if (subquery->kind == TN_SUBQUERY_ANY || subquery->kind == TN_SUBQUERY_ALL) {
        return place_quantified(p, expr, out, err);
    }
    TN_RETURN_IF_ERROR(guard_of(p, expr, &guard, err));
    TN_RETURN_IF_ERROR(guarded_plan(p, expr, guard, &plan, err));
    if (subquery->kind == TN_SUBQUERY_EXISTS) {
        TN_RETURN_IF_ERROR(apply(p, TN_JOIN_MARK, plan, NULL, false, err));
        TN_RETURN_IF_ERROR(mark_column(p, out, err));
        return negate(p, subquery->negated, *out, out, err);
    }
    const tn_column_id id = plan->outputs[0].id;
    TN_RETURN_IF_ERROR(apply(p, TN_JOIN_SINGLE, plan, NULL, false, err));
    TN_RETURN_IF_ERROR(
        tn_expr__column_of(p->optimiser->context, tn_plan_output(p->child, id), out, err));
    if (expr->type != (*out)->type) {
        return tn_expr_cast(&p->optimiser->context->expr, *out, expr->type, false, false,
                            expr->span, out, err);
    }
    return TARN_OK;
}

static tarn_code replace_subquery(void *context, const tn_expr *expr, const tn_expr **out,
                                  tarn_error *err)
{
    placing *p = context;
    const tn_expr *left = expr->child_count > 0 ? expr->children[0] : NULL;
    size_t known;
    size_t before = 0;
    *out = expr;
    if (expr->kind != TN_EXPR_SUBQUERY) {
        return TARN_OK;
    }
    /* One run serves equal expressions, as when ORDER BY repeats what SELECT has. */
    if (tn_pointer_map__find(&p->known, expr->subquery, &known) &&
        (left == NULL || (tn_pointer_map__find(&p->lefts, expr->subquery, &before) &&
                          tn_expr_equal(left, (const tn_expr *)(uintptr_t)before)))) {
        *out = (const tn_expr *)(uintptr_t)known;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(place_value(p, expr, out, err));
    TN_RETURN_IF_ERROR(
        tn_pointer_map__put(&p->lefts, expr->subquery, (size_t)(uintptr_t)left, err));
    return tn_pointer_map__put(&p->known, expr->subquery, (size_t)(uintptr_t)*out, err);
}

static tarn_code map_expr(void *context, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    placing *p = context;
    tn_plan_context *plans = p->optimiser->context;
    bool has = false;
    *out = expr;
    TN_RETURN_IF_ERROR(tn_expr__has_subquery(expr, plans->pool, &has, err));
    if (!has) {
        return TARN_OK;
    }
    return tn_expr_rewrite(expr, plans->expr.arena, replace_subquery, p, out, err);
}

/* A conjunct that is a subquery's truth: the expression, with NOTs counted; or NULL. */
static const tn_expr *truth_of(const tn_expr *conjunct, bool *negated)
{
    *negated = false;
    while (tn_expr__is_call(conjunct, "not")) {
        *negated = !*negated;
        conjunct = conjunct->children[0];
    }
    const bool is_truth =
        conjunct->kind == TN_EXPR_SUBQUERY && conjunct->subquery->kind != TN_SUBQUERY_SCALAR;
    return is_truth ? conjunct : NULL;
}

/* Whether what the conjunct asks of a row can fault. */
static tarn_code is_fallible(placing *p, const tn_expr *conjunct, bool *out, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    tarn_code code = TARN_OK;
    tn_pointer_map subqueries;
    tn_pointer_map__init(&subqueries, context->pool);
    *out = conjunct->can_fail;
    TN_TRY(tn_guards__collect(context, conjunct, &subqueries, err));
    for (size_t i = 0; i < subqueries.capacity && !*out; i++) {
        if (subqueries.slots[i].key != NULL) {
            TN_TRY(tn_guards__wanted(context, subqueries.slots[i].key, out, err));
        }
    }
done:
    tn_pointer_map__deinit(&subqueries);
    return code;
}

/* One conjunct with a subquery: as a join, or mapped and left to the filter above. */
static tarn_code place_one(placing *p, const tn_expr *conjunct, tn_expr_vec *above, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    bool negated = false;
    const tn_expr *mapped = NULL;
    const tn_expr *truth = truth_of(conjunct, &negated);
    if (truth == NULL) {
        TN_RETURN_IF_ERROR(map_expr(p, conjunct, &mapped, err));
        return tn_vec_push(above, mapped, err);
    }
    if (truth->child_count > 0) { /* the left of IN may hold another */
        tn_expr *copy = NULL;
        const tn_expr **left = NULL;
        TN_RETURN_IF_ERROR(tn_arena_new(context->expr.arena, tn_expr, &copy, err));
        TN_RETURN_IF_ERROR(tn_arena_new(context->expr.arena, const tn_expr *, &left, err));
        TN_RETURN_IF_ERROR(map_expr(p, truth->children[0], left, err));
        *copy = *truth;
        copy->children = left;
        truth = copy;
    }
    return place_conjunct(p, truth, negated, err);
}

/* Plain conjuncts first: they stay below the subqueries.  Those that can fault are asked of the
 * rows that the subqueries leave; below, they only take rows away. */
static tarn_code place_plain(placing *p, const tn_plan *plan, tn_expr_vec *above, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    tarn_code code = TARN_OK;
    tn_expr_vec below = TN_VEC_INIT(context->pool);
    tn_expr_vec pre = TN_VEC_INIT(context->pool);
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        const tn_expr *conjunct = plan->exprs[i];
        bool has = false;
        TN_TRY(tn_expr__has_subquery(conjunct, context->pool, &has, err));
        if (has) {
            continue;
        }
        const bool twice = conjunct->can_fail && !conjunct->is_volatile;
        TN_TRY(tn_vec_push(twice ? &pre : &below, conjunct, err));
        if (twice) {
            TN_TRY(tn_vec_push(above, conjunct, err));
        }
    }
    TN_TRY(tn_plan__filter(context, p->child, below.items, (uint32_t)below.count, &p->child, err));
    if (pre.count > 0) {
        TN_TRY(tn_plan__filter(context, p->child, pre.items, (uint32_t)pre.count, &p->child, err));
        p->child->prefilter = true;
    }
done:
    tn_vec_free(&below);
    tn_vec_free(&pre);
    return code;
}

static tarn_code place_filter(placing *p, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    tarn_code code = TARN_OK;
    tn_expr_vec above = TN_VEC_INIT(context->pool);
    TN_TRY(place_plain(p, plan, &above, err));
    /* What can fault is asked of the rows that the others leave. */
    for (int turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < plan->expr_count; i++) {
            bool has = false;
            bool fallible = false;
            TN_TRY(tn_expr__has_subquery(plan->exprs[i], context->pool, &has, err));
            if (has) {
                TN_TRY(is_fallible(p, plan->exprs[i], &fallible, err));
            }
            if (has && fallible == (turn == 1)) {
                TN_TRY(place_one(p, plan->exprs[i], &above, err));
            }
        }
    }
    TN_TRY(tn_plan__filter(context, p->child, above.items, (uint32_t)above.count, out, err));
done:
    tn_vec_free(&above);
    return code;
}

/* Conditions of joins: an inner one is a filter above; a left one is part of its right side. */
static tarn_code place_join(placing *p, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    tarn_code code = TARN_OK;
    tn_plan *left = plan->children[plan->join == TN_JOIN_RIGHT];
    tn_plan *right = plan->children[plan->join != TN_JOIN_RIGHT];
    tn_expr_vec conditions = TN_VEC_INIT(context->pool);
    tn_plan *made = NULL;

    TN_TRY(tn_plan__conditions(context, plan, &conditions, err));
    if (plan->join == TN_JOIN_INNER) {
        TN_TRY(tn_plan__join(context, plan->kind, TN_JOIN_INNER, left, right, NULL, 0, plan->span,
                             &made, err));
        TN_TRY(
            tn_plan__filter(context, made, conditions.items, (uint32_t)conditions.count, out, err));
        goto done;
    }
    if (plan->join == TN_JOIN_FULL || plan->null_aware) {
        code = tn_fail(err, TARN_E_UNSUPPORTED,
                       "a subquery in the condition of a FULL join is not supported");
        tn_hint(err, "compute it in a subquery of FROM, and join by its column");
        if (err != NULL) {
            err->span_start = plan->span.start;
            err->span_length = plan->span.length;
        }
        goto done;
    }
    TN_TRY(
        tn_plan__filter(context, right, conditions.items, (uint32_t)conditions.count, &right, err));
    TN_TRY(tn_plan__join(context, TN_PLAN_APPLY,
                         plan->join == TN_JOIN_RIGHT ? TN_JOIN_LEFT : plan->join, left, right, NULL,
                         0, plan->span, &made, err));
    if (plan->join == TN_JOIN_MARK) {
        made->mark = plan->mark;
        TN_TRY(tn_plan__derive(context, made, err));
    }
    TN_TRY(tn_plan__restore(context, made, plan->outputs, plan->output_count, out, err));
done:
    tn_vec_free(&conditions);
    return code;
}

typedef struct finding {
    tn_pool *pool;
    bool found;
} finding;

static tarn_code find_subquery(void *context, const tn_expr *expr, tarn_error *err)
{
    finding *f = context;
    return f->found ? TARN_OK : tn_expr__has_subquery(expr, f->pool, &f->found, err);
}

static tarn_code collect_guards(void *context, const tn_expr *expr, tarn_error *err)
{
    placing *p = context;
    return tn_guards__collect(p->optimiser->context, expr, &p->guards, err);
}

static tarn_code place(placing *p, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan_context *context = p->optimiser->context;
    tn_plan *node = plan;
    p->child = plan->children[0];
    TN_RETURN_IF_ERROR(tn_plan__each_expr(plan, collect_guards, p, err));
    if (plan->kind == TN_PLAN_FILTER) {
        TN_RETURN_IF_ERROR(place_filter(p, plan, out, err));
        return tn_plan__restore(context, *out, plan->outputs, plan->output_count, out, err);
    }
    TN_RETURN_IF_ERROR(tn_plan__map_exprs(context, plan, map_expr, p, &node, err));
    TN_RETURN_IF_ERROR(tn_plan__with_children(context, node, &p->child, out, err));
    return tn_plan__restore(context, *out, plan->outputs, plan->output_count, out, err);
}

TN_FALLIBLE tn_rule__subqueries(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    placing p = {.optimiser = context};
    finding f = {.pool = p.optimiser->context->pool};

    if (plan->kind == TN_PLAN_VALUES) {
        return tn_rule__unnest_values(context, plan, out, err);
    }
    *out = plan;
    TN_RETURN_IF_ERROR(tn_plan__each_expr(plan, find_subquery, &f, err));
    if (!f.found) {
        return TARN_OK;
    }
    tn_pointer_map__init(&p.known, f.pool);
    tn_pointer_map__init(&p.lefts, f.pool);
    tn_pointer_map__init(&p.guards, f.pool);
    if (plan->kind == TN_PLAN_JOIN || plan->kind == TN_PLAN_APPLY) {
        TN_TRY(place_join(&p, plan, out, err));
        /* The filter that holds the condition now may be the result itself. */
        if ((*out)->kind == TN_PLAN_FILTER) {
            TN_TRY(place(&p, *out, out, err));
        }
    } else {
        TN_TRY(place(&p, plan, out, err));
    }
done:
    tn_pointer_map__deinit(&p.known);
    tn_pointer_map__deinit(&p.lefts);
    tn_pointer_map__deinit(&p.guards);
    return code;
}
