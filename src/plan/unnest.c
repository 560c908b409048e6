/*
 * APPLY, a join whose right side reads the left's columns, becomes a plain join.
 *
 * The right side is peeled first: its filters become conditions of the join, its projections are
 * done above.  Most subqueries read nothing from outside after that.  One that always has a single
 * row (an aggregate without keys) is joined by its outer values, and what it says of no rows
 * (count() = 0) is put in for values without a match.  Everything else: domain.c.
 */
#include "plan/optimise_internal.h"

/* A right side being peeled: its outputs as expressions over what is left of it. */
typedef struct peeling {
    tn_optimiser *optimiser;
    tn_plan_context *context;
    tn_plan *apply, *left, *right;
    tn_join_kind kind;
    tn_expr_vec items;      /* one an output of the right */
    tn_expr_vec conditions; /* over left and what is left of the right */
    tn_columns outer;       /* the left's outputs */
    bool left_only;         /* nothing above sees the right's outputs */
} peeling;

/* ---- substitution of a projection's outputs ---- */

typedef struct substituting {
    const tn_plan *project;
} substituting;

static const tn_expr *projected(void *context, tn_column_id id)
{
    const tn_plan *project = context;
    for (uint32_t i = 0; i < project->output_count; i++) {
        if (project->outputs[i].id == id) {
            return project->exprs[i];
        }
    }
    return NULL;
}

static tarn_code substitute(peeling *p, tn_plan *project, tarn_error *err)
{
    for (size_t i = 0; i < p->items.count; i++) {
        TN_RETURN_IF_ERROR(tn_expr__replace(p->context, p->items.items[i], projected, project,
                                            &p->items.items[i], err));
    }
    for (size_t i = 0; i < p->conditions.count; i++) {
        TN_RETURN_IF_ERROR(tn_expr__replace(p->context, p->conditions.items[i], projected, project,
                                            &p->conditions.items[i], err));
    }
    return TARN_OK;
}

static bool has_volatile(const tn_plan *plan)
{
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        if (plan->exprs[i]->is_volatile) {
            return true;
        }
    }
    return false;
}

static tarn_code reads_outer(const peeling *p, const tn_plan *plan, bool *out, tarn_error *err)
{
    tn_columns free;
    tn_columns__init(&free, p->context->pool);
    const tarn_code code = tn_columns__add_free(&free, plan, err);
    *out = tn_columns__meet(&free, &p->outer);
    tn_columns__deinit(&free);
    return code;
}

static tarn_code expr_reads_outer(const peeling *p, const tn_expr *expr, bool *out, tarn_error *err)
{
    tn_reads reads;
    const tarn_code code = tn_expr__reads(expr, &p->outer, p->context->pool, &reads, err);
    *out = reads == TN_READS_INSIDE || reads == TN_READS_BOTH;
    return code;
}

/* A shared plan that reads from outside: this reader gets a copy. */
static tarn_code copy_shared(peeling *p, tarn_error *err)
{
    tn_plan *shared = p->right;
    tn_plan *copy = NULL;
    const tn_expr **exprs = NULL;
    TN_RETURN_IF_ERROR(tn_plan__clone(p->context, shared->children[0], &copy, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(p->context->expr.arena, const tn_expr *, shared->output_count, &exprs, err));
    for (uint32_t i = 0; i < shared->output_count; i++) {
        TN_RETURN_IF_ERROR(tn_expr__column_of(p->context, &copy->outputs[i], &exprs[i], err));
    }
    return tn_plan__project(p->context, copy, exprs, shared->outputs, shared->output_count,
                            &p->right, err);
}

/* Takes one node off the right side where that keeps the meaning. */
static tarn_code peel_one(peeling *p, bool *peeled, tarn_error *err)
{
    tn_plan *right = p->right;
    *peeled = true;
    if (right->kind == TN_PLAN_SHARED) {
        return copy_shared(p, err);
    }
    if (right->kind == TN_PLAN_FILTER && !has_volatile(right) && !right->prefilter) {
        for (uint32_t i = 0; i < right->expr_count; i++) {
            TN_RETURN_IF_ERROR(tn_vec_push(&p->conditions, right->exprs[i], err));
        }
    } else if (right->kind == TN_PLAN_PROJECT && !has_volatile(right)) {
        TN_RETURN_IF_ERROR(substitute(p, right, err));
    } else if (right->kind == TN_PLAN_SORT && right->limit == UINT64_MAX && right->offset == 0) {
        /* the order of a join's side means nothing */
    } else if (right->kind == TN_PLAN_DISTINCT && right->key_count == 0 && p->left_only) {
        /* whether there is a match does not depend on how often */
    } else if ((right->kind == TN_PLAN_LIMIT || right->kind == TN_PLAN_SORT) && p->left_only &&
               p->conditions.count == 0 && right->limit > 0 && right->offset == 0) {
        /* nor whether there is any row at all */
    } else {
        *peeled = false;
        return TARN_OK;
    }
    p->right = right->children[0];
    return TARN_OK;
}

/* Filters and projections over an aggregate without keys: at most one row. */
static bool over_one_group(const tn_plan *plan)
{
    while (plan->kind == TN_PLAN_PROJECT || plan->kind == TN_PLAN_FILTER) {
        plan = plan->children[0];
    }
    return plan->kind == TN_PLAN_AGGREGATE && plan->key_count == 0;
}

static tarn_code peel(peeling *p, tarn_error *err)
{
    bool dependent = true;
    bool peeled = true;
    while (peeled) {
        TN_RETURN_IF_ERROR(reads_outer(p, p->right, &dependent, err));
        if (!dependent && !over_one_group(p->right)) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(peel_one(p, &peeled, err));
    }
    return TARN_OK;
}

/* ---- putting together ---- */

/* The APPLY's outputs from a plan that has the left's columns and what the items read. */
static tarn_code project_result(peeling *p, tn_plan *plan, const tn_expr *const *items,
                                const tn_expr *mark, tn_plan **out, tarn_error *err)
{
    tn_plan *apply = p->apply;
    const uint32_t left_count = p->left->output_count;
    const tn_expr **exprs = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(p->context->expr.arena, const tn_expr *, apply->output_count, &exprs, err));
    for (uint32_t i = 0; i < apply->output_count; i++) {
        if (i >= left_count && mark != NULL) {
            exprs[i] = mark;
        } else if (i >= left_count) {
            exprs[i] = items[i - left_count];
        } else {
            TN_RETURN_IF_ERROR(tn_expr__column_of(p->context, &apply->outputs[i], &exprs[i], err));
        }
    }
    return tn_plan__project(p->context, plan, exprs, apply->outputs, apply->output_count, out, err);
}

/* CASE WHEN conditions THEN expr END; the expression itself without conditions. */
static tarn_code guarded(peeling *p, const tn_expr *condition, const tn_expr *expr,
                         const tn_expr **out, tarn_error *err)
{
    const tn_expr *const parts[2] = {condition, expr};
    *out = expr;
    return condition == NULL ? TARN_OK
                             : tn_expr_case(&p->context->expr, parts, 2, expr->span, out, err);
}

/* `joined` has each row of the left exactly once, with the right's one row beside it. */
static tarn_code with_one_row(peeling *p, tn_plan *joined, tn_plan **out, tarn_error *err)
{
    tn_plan_context *context = p->context;
    const tn_expr *condition = NULL;
    tn_plan *plan = joined;
    TN_RETURN_IF_ERROR(
        tn_expr__all(context, p->conditions.items, (uint32_t)p->conditions.count, &condition, err));
    if (p->kind == TN_JOIN_INNER || p->kind == TN_JOIN_SEMI) {
        TN_RETURN_IF_ERROR(tn_plan__filter(context, joined, p->conditions.items,
                                           (uint32_t)p->conditions.count, &plan, err));
    } else if (p->kind == TN_JOIN_ANTI) {
        const tn_expr *none = NULL;
        if (condition == NULL) {
            TN_RETURN_IF_ERROR(tn_expr__boolean(context, false, &none, err));
        } else {
            TN_RETURN_IF_ERROR(tn_expr__call1(context, "is_not_true", condition, &none, err));
        }
        TN_RETURN_IF_ERROR(tn_plan__filter(context, joined, &none, 1, &plan, err));
    } else if (p->kind == TN_JOIN_MARK) {
        const tn_expr *mark = NULL;
        if (condition == NULL) {
            TN_RETURN_IF_ERROR(tn_expr__boolean(context, true, &mark, err));
        } else {
            TN_RETURN_IF_ERROR(tn_expr__call1(context, "is_true", condition, &mark, err));
        }
        return project_result(p, plan, NULL, mark, out, err);
    } else {
        for (size_t i = 0; i < p->items.count; i++) {
            TN_RETURN_IF_ERROR(guarded(p, condition, p->items.items[i], &p->items.items[i], err));
        }
    }
    return project_result(p, plan, p->items.items, NULL, out, err);
}

/* The right is an aggregate without keys. */
static tarn_code join_aggregate(peeling *p, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = p->context;
    tn_plan *aggregate = p->right;
    tn_plan *freed = NULL;
    tn_plan *group = NULL;
    tn_plan *joined = NULL;
    tn_plan *original_left = p->left;
    tn_replicas replicas = TN_VEC_INIT(context->pool);
    tn_expr_vec on = TN_VEC_INIT(context->pool);
    const tn_expr **keys = NULL;
    const tn_expr **aggregates = NULL;
    const tn_expr **defaults = NULL;
    tn_output *outputs = NULL;
    tn_columns need;
    tn_columns__init(&need, context->pool);

    TN_TRY(tn_columns__add_node(&need, aggregate, err));
    TN_TRY(tn_plan__free_of(p->optimiser, aggregate->children[0], aggregate, &p->left, &p->outer,
                            &need, &freed, &replicas, err));
    const uint32_t key_count = (uint32_t)replicas.count;
    const uint32_t count = aggregate->expr_count;
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, key_count, &keys, err));
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, count, &aggregates, err));
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, count, &defaults, err));
    TN_TRY(tn_arena_array(context->expr.arena, tn_output, key_count + count, &outputs, err));
    tn_replica_map map = {context, &replicas, TARN_OK};
    for (uint32_t i = 0; i < count; i++) {
        TN_TRY(tn_expr__replace(context, aggregate->exprs[i], tn_replica__find, &map,
                                &aggregates[i], err));
        outputs[key_count + i] = aggregate->outputs[i];
    }
    for (uint32_t i = 0; i < key_count; i++) {
        const tn_expr *same = NULL;
        outputs[i] = replicas.items[i].column;
        TN_TRY(tn_expr__column_of(context, &outputs[i], &keys[i], err));
        /* Two outer columns may be equal to one inner column: one key. */
        for (uint32_t j = 0; j < i; j++) {
            if (outputs[j].id == outputs[i].id) {
                outputs[i].id = tn_plan_new_column(context);
                replicas.items[i].column.id = outputs[i].id;
            }
        }
        const tn_output *outer = tn_plan_output(p->left, replicas.items[i].outer);
        TN_TRY(tn_replica__equality(context, outer, &replicas.items[i], &same, err));
        TN_TRY(tn_vec_push(&on, same, err));
    }
    TN_TRY(tn_plan__new(context, TN_PLAN_AGGREGATE, aggregate->span, &freed, 1, &group, err));
    group->keys = keys;
    group->key_count = key_count;
    group->exprs = aggregates;
    group->expr_count = count;
    group->output_count = key_count + count;
    TN_TRY(tn_plan__defaults(context, group, key_count, outputs, defaults, err));
    group->outputs = outputs;
    /* What is above reads the aggregate's columns: now with their defaults. */
    tn_plan shown = {.outputs = aggregate->outputs, .output_count = count, .exprs = defaults};
    TN_TRY(substitute(p, &shown, err));
    TN_TRY(tn_plan__join(context, TN_PLAN_JOIN, TN_JOIN_LEFT, p->left, group, on.items,
                         (uint32_t)on.count, p->apply->span, &joined, err));
    (void)original_left;
    TN_TRY(with_one_row(p, joined, out, err));
done:
    tn_vec_free(&replicas);
    tn_vec_free(&on);
    tn_columns__deinit(&need);
    return code;
}

/* ---- the general way ---- */

typedef struct rebuilt {
    tn_expr_vec below, above; /* of the items: computed in the right, or over the join */
    TN_VEC(tn_output) outputs;
} rebuilt;

/* TRUE where the join found a match: a column of the right. */
static tarn_code add_match(peeling *p, tn_plan **right, const tn_expr **match, tarn_error *err)
{
    tn_plan_context *context = p->context;
    tn_plan *plan = *right;
    const uint32_t count = plan->output_count;
    const tn_expr **exprs = NULL;
    tn_output *outputs = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, count + 1, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count + 1, &outputs, err));
    for (uint32_t i = 0; i < count; i++) {
        outputs[i] = plan->outputs[i];
        TN_RETURN_IF_ERROR(tn_expr__column_of(context, &outputs[i], &exprs[i], err));
    }
    outputs[count] = (tn_output){tn_plan_new_column(context), TN_STR("match"), TN_BOOLEAN, false};
    TN_RETURN_IF_ERROR(tn_expr__boolean(context, true, &exprs[count], err));
    TN_RETURN_IF_ERROR(tn_expr__column_of(context, &outputs[count], match, err));
    return tn_plan__project(context, plan, exprs, outputs, count + 1, right, err);
}

/* Items that read only the right and are not plain columns are computed there. */
static tarn_code compute_below(peeling *p, const bool *dependent, tn_plan **right, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = p->context;
    tn_plan *plan = *right;
    tn_expr_vec exprs = TN_VEC_INIT(context->pool);
    TN_VEC(tn_output) outputs = TN_VEC_INIT(context->pool);
    const tn_output *wanted = p->apply->children[1]->outputs;
    bool any = false;
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const tn_expr *column = NULL;
        TN_TRY(tn_expr__column_of(context, &plan->outputs[i], &column, err));
        TN_TRY(tn_vec_push(&exprs, column, err));
        TN_TRY(tn_vec_push(&outputs, plan->outputs[i], err));
    }
    for (uint32_t i = 0; i < p->items.count; i++) {
        const tn_expr *item = p->items.items[i];
        if (dependent[i] || item->kind == TN_EXPR_COLUMN) {
            continue;
        }
        any = true;
        TN_TRY(tn_vec_push(&exprs, item, err));
        TN_TRY(tn_vec_push(&outputs, wanted[i], err));
        outputs.items[outputs.count - 1].id = tn_plan_new_column(context);
        TN_TRY(tn_expr__column_of(context, &outputs.items[outputs.count - 1], &p->items.items[i],
                                  err));
    }
    if (any) {
        TN_TRY(tn_plan__project(context, plan, exprs.items, outputs.items, (uint32_t)exprs.count,
                                right, err));
    }
done:
    tn_vec_free(&exprs);
    tn_vec_free(&outputs);
    return code;
}

static tarn_code join_result(peeling *p, tn_plan *right, tn_plan **out, tarn_error *err)
{
    tn_plan_context *context = p->context;
    const bool keeps = p->kind == TN_JOIN_LEFT || p->kind == TN_JOIN_SINGLE;
    const tn_expr *match = NULL;
    bool *dependent = NULL;
    bool any = false;
    tn_plan *join = NULL;
    if (!p->left_only) {
        TN_RETURN_IF_ERROR(
            tn_arena_array(context->expr.arena, bool, p->items.count, &dependent, err));
        for (size_t i = 0; i < p->items.count; i++) {
            TN_RETURN_IF_ERROR(expr_reads_outer(p, p->items.items[i], &dependent[i], err));
            any |= dependent[i];
        }
        TN_RETURN_IF_ERROR(compute_below(p, dependent, &right, err));
        if (any && keeps) {
            TN_RETURN_IF_ERROR(add_match(p, &right, &match, err));
        }
    }
    TN_RETURN_IF_ERROR(tn_plan__join(context, TN_PLAN_JOIN, p->kind, p->left, right,
                                     p->conditions.items, (uint32_t)p->conditions.count,
                                     p->apply->span, &join, err));
    join->null_aware = p->apply->null_aware;
    join->mark = p->apply->mark;
    TN_RETURN_IF_ERROR(tn_plan__derive(context, join, err));
    if (p->left_only) {
        return tn_plan__restore(context, join, p->apply->outputs, p->apply->output_count, out, err);
    }
    for (size_t i = 0; i < p->items.count; i++) {
        if (dependent[i]) {
            TN_RETURN_IF_ERROR(guarded(p, match, p->items.items[i], &p->items.items[i], err));
        }
    }
    return project_result(p, join, p->items.items, NULL, out, err);
}

static tarn_code join_freed(peeling *p, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan *right = NULL;
    tn_replicas replicas = TN_VEC_INIT(p->context->pool);
    TN_TRY(tn_plan__free_of(p->optimiser, p->right, p->right, &p->left, &p->outer, NULL, &right,
                            &replicas, err));
    for (size_t i = 0; i < replicas.count; i++) {
        const tn_output *outer = tn_plan_output(p->left, replicas.items[i].outer);
        const tn_expr *same = NULL;
        TN_TRY(tn_replica__equality(p->context, outer, &replicas.items[i], &same, err));
        TN_TRY(tn_vec_push(&p->conditions, same, err));
    }
    TN_TRY(join_result(p, right, out, err));
done:
    tn_vec_free(&replicas);
    return code;
}

/* FROM t, unnest(t.list): the lists are the left's own. */
static tarn_code unnest_left(peeling *p, tn_plan **out, bool *done, tarn_error *err)
{
    tn_plan *unnest = p->right;
    tn_plan *copy = NULL;
    *done = unnest->kind == TN_PLAN_UNNEST && unnest->children[0]->kind == TN_PLAN_VALUES &&
            unnest->children[0]->row_count == 1 && unnest->children[0]->output_count == 0 &&
            (p->kind == TN_JOIN_INNER || (p->kind == TN_JOIN_LEFT && p->conditions.count == 0));
    if (p->kind == TN_JOIN_LEFT) { /* above it a NULL list and no list must not look alike */
        for (size_t i = 0; i < p->items.count; i++) {
            *done = *done && p->items.items[i]->kind == TN_EXPR_COLUMN;
        }
    }
    if (!*done) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_plan__copy(p->context, unnest, &copy, err));
    copy->outer = unnest->outer || p->kind == TN_JOIN_LEFT;
    TN_RETURN_IF_ERROR(tn_plan__with_children(p->context, copy, &p->left, &copy, err));
    TN_RETURN_IF_ERROR(tn_plan__filter(p->context, copy, p->conditions.items,
                                       (uint32_t)p->conditions.count, &copy, err));
    return project_result(p, copy, p->items.items, NULL, out, err);
}

static tarn_code unnest(peeling *p, tn_plan **out, tarn_error *err)
{
    bool dependent = false;
    bool done = false;
    TN_RETURN_IF_ERROR(reads_outer(p, p->right, &dependent, err));
    const bool one_row =
        p->right->kind == TN_PLAN_VALUES && p->right->row_count == 1 && p->right->output_count == 0;
    if (one_row) {
        return with_one_row(p, p->left, out, err);
    }
    const bool one_group = p->right->kind == TN_PLAN_AGGREGATE && p->right->key_count == 0;
    if (!dependent && one_group && !p->apply->null_aware) {
        tn_plan *joined = NULL;
        TN_RETURN_IF_ERROR(tn_plan__join(p->context, TN_PLAN_JOIN, TN_JOIN_INNER, p->left, p->right,
                                         NULL, 0, p->apply->span, &joined, err));
        return with_one_row(p, joined, out, err);
    }
    if (!dependent) {
        return join_result(p, p->right, out, err);
    }
    TN_RETURN_IF_ERROR(unnest_left(p, out, &done, err));
    if (done) {
        return TARN_OK;
    }
    if (one_group) {
        return join_aggregate(p, out, err);
    }
    return join_freed(p, out, err);
}

TN_FALLIBLE tn_rule__unnest(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_optimiser *optimiser = context;
    *out = plan;
    if (plan->kind != TN_PLAN_APPLY) {
        return TARN_OK;
    }
    tn_plan_context *plans = optimiser->context;
    peeling p = {.optimiser = optimiser,
                 .context = plans,
                 .apply = plan,
                 .left = plan->children[0],
                 .right = plan->children[1],
                 .kind = plan->join,
                 .left_only = tn_plan__left_only(plan->join),
                 .items = TN_VEC_INIT(plans->pool),
                 .conditions = TN_VEC_INIT(plans->pool)};
    tn_columns__init(&p.outer, plans->pool);
    TN_TRY(tn_columns__add_outputs(&p.outer, p.left, err));
    TN_TRY(tn_plan__conditions(plans, plan, &p.conditions, err));
    for (uint32_t i = 0; i < p.right->output_count; i++) {
        const tn_expr *column = NULL;
        TN_TRY(tn_expr__column_of(plans, &p.right->outputs[i], &column, err));
        TN_TRY(tn_vec_push(&p.items, column, err));
    }
    if (!plan->null_aware) {
        TN_TRY(peel(&p, err));
    }
    TN_TRY(unnest(&p, out, err));
done:
    tn_vec_free(&p.items);
    tn_vec_free(&p.conditions);
    tn_columns__deinit(&p.outer);
    return code;
}

/* ---- VALUES that read columns ---- */

TN_FALLIBLE tn_rule__unnest_values(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *plans = ((tn_optimiser *)context)->context;
    tn_plan **rows = NULL;
    tn_plan *set = NULL;
    tn_columns reads;
    tn_columns__init(&reads, plans->pool);
    *out = plan;
    if (plan->kind != TN_PLAN_VALUES || plan->row_count == 0 || plan->output_count == 0) {
        goto done;
    }
    bool has_subquery = false;
    for (uint32_t i = 0; i < plan->expr_count && !has_subquery; i++) {
        if (plan->exprs[i]->kind == TN_EXPR_LITERAL) {
            continue;
        }
        TN_TRY(tn_columns__add_expr(&reads, plan->exprs[i], err));
        TN_TRY(tn_expr__has_subquery(plan->exprs[i], plans->pool, &has_subquery, err));
    }
    if (tn_columns__empty(&reads) && !has_subquery) {
        goto done;
    }
    TN_TRY(tn_arena_array(plans->expr.arena, tn_plan *, plan->row_count, &rows, err));
    for (uint32_t r = 0; r < plan->row_count; r++) {
        tn_output *outputs = NULL;
        TN_TRY(tn_arena_array(plans->expr.arena, tn_output, plan->output_count, &outputs, err));
        for (uint32_t i = 0; i < plan->output_count; i++) {
            outputs[i] = plan->outputs[i];
            outputs[i].nullable = true;
            outputs[i].id = plan->row_count == 1 ? outputs[i].id : tn_plan_new_column(plans);
        }
        TN_TRY(tn_plan_values(plans, NULL, 1, NULL, 0, &rows[r], err));
        TN_TRY(tn_plan__project(plans, rows[r], plan->exprs + (size_t)r * plan->output_count,
                                outputs, plan->output_count, &rows[r], err));
        TN_TRY(tn_rule__subqueries(context, rows[r], &rows[r], err));
    }
    *out = rows[0];
    if (plan->row_count > 1) {
        TN_TRY(tn_plan__new(plans, TN_PLAN_UNION, plan->span, rows, plan->row_count, &set, err));
        set->outputs = plan->outputs;
        set->output_count = plan->output_count;
        *out = set;
    }
done:
    tn_columns__deinit(&reads);
    return code;
}
