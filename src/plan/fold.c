/*
 * Constants folded, conditions and nodes that say nothing left out.
 *
 * A fault is a value here, too: it is not raised by folding, and it goes where its row goes.
 */
#include "expr/function.h"
#include "plan/optimise_internal.h"

enum { FACTOR_MAX = 64 /* branches of an OR, and conjuncts of a branch, that are looked at */ };

/* ---- expressions ---- */

static tarn_code fold_expr(void *context, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    tn_plan_context *plans = ((tn_optimiser *)context)->context;
    return tn_expr_fold(&plans->expr, expr, plans->pool, out, err);
}

static bool contains(const tn_expr_vec *list, size_t from, size_t to, const tn_expr *expr)
{
    for (size_t i = from; i < to; i++) {
        if (tn_expr_equal(list->items[i], expr)) {
            return true;
        }
    }
    return false;
}

/* The conjuncts of all branches of an OR, one branch after the other; ends[i] is behind branch i.
 * False where there are too many. */
static tarn_code branches_of(const tn_expr *expr, tn_expr_vec *all, size_t *ends, bool *few,
                             tarn_error *err)
{
    *few = expr->child_count <= FACTOR_MAX;
    for (uint32_t i = 0; *few && i < expr->child_count; i++) {
        const size_t start = all->count;
        TN_RETURN_IF_ERROR(tn_expr__conjuncts(expr->children[i], all, err));
        ends[i] = all->count;
        *few = all->count - start <= FACTOR_MAX;
    }
    return TARN_OK;
}

/* (a AND b) OR (a AND c) = a AND (b OR c): what all branches have is a conjunct of its own, such
 * as a join's condition. */
static tarn_code factor(tn_plan_context *context, const tn_expr *expr, tn_expr_vec *out,
                        tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec all = TN_VEC_INIT(context->pool);
    tn_expr_vec common = TN_VEC_INIT(context->pool);
    tn_expr_vec rest = TN_VEC_INIT(context->pool);
    tn_expr_vec branch = TN_VEC_INIT(context->pool);
    size_t ends[FACTOR_MAX] = {0};
    bool few = false;
    TN_TRY(branches_of(expr, &all, ends, &few, err));
    for (size_t i = 0; few && i < ends[0]; i++) {
        bool everywhere = !all.items[i]->is_volatile;
        for (uint32_t b = 1; everywhere && b < expr->child_count; b++) {
            everywhere = contains(&all, ends[b - 1], ends[b], all.items[i]);
        }
        if (everywhere && !contains(&common, 0, common.count, all.items[i])) {
            TN_TRY(tn_vec_push(&common, all.items[i], err));
        }
    }
    if (common.count == 0) {
        TN_TRY(tn_vec_push(out, expr, err));
        goto done;
    }
    bool one_is_true = false;
    for (uint32_t b = 0; b < expr->child_count; b++) {
        const tn_expr *left = NULL;
        branch.count = 0;
        for (size_t i = b == 0 ? 0 : ends[b - 1]; i < ends[b]; i++) {
            if (!contains(&common, 0, common.count, all.items[i])) {
                TN_TRY(tn_vec_push(&branch, all.items[i], err));
            }
        }
        one_is_true |= branch.count == 0;
        TN_TRY(tn_expr__all(context, branch.items, (uint32_t)branch.count, &left, err));
        TN_TRY(tn_vec_push(&rest, left, err));
    }
    for (size_t i = 0; i < common.count; i++) {
        TN_TRY(tn_vec_push(out, common.items[i], err));
    }
    if (!one_is_true) {
        const tn_expr *either = NULL;
        TN_TRY(tn_expr_or(&context->expr, rest.items, (uint32_t)rest.count, &either, err));
        TN_TRY(tn_vec_push(out, either, err));
    }
done:
    tn_vec_free(&all);
    tn_vec_free(&common);
    tn_vec_free(&rest);
    tn_vec_free(&branch);
    return code;
}

/* Opens ANDs, factors ORs, leaves out TRUE and repetitions; *never where one cannot be true. */
static tarn_code tidy(tn_plan_context *context, const tn_expr *const *exprs, uint32_t count,
                      tn_expr_vec *out, bool *never, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec opened = TN_VEC_INIT(context->pool);
    tn_expr_vec factored = TN_VEC_INIT(context->pool);
    *never = false;
    for (uint32_t i = 0; i < count; i++) {
        TN_TRY(tn_expr__conjuncts(exprs[i], &opened, err));
    }
    for (size_t i = 0; i < opened.count; i++) {
        const tn_expr *expr = opened.items[i];
        if (expr->kind == TN_EXPR_OR) {
            TN_TRY(factor(context, expr, &factored, err));
        } else {
            TN_TRY(tn_vec_push(&factored, expr, err));
        }
    }
    for (size_t i = 0; i < factored.count; i++) {
        const tn_expr *expr = factored.items[i];
        *never |= tn_expr__is_not_true(expr);
        /* Long lists are not searched for repetitions. */
        const bool repeated = out->count < FACTOR_MAX && contains(out, 0, out->count, expr);
        if (!tn_expr__is_true(expr) && !repeated) {
            TN_TRY(tn_vec_push(out, expr, err));
        }
    }
done:
    tn_vec_free(&opened);
    tn_vec_free(&factored);
    return code;
}

static bool same_list(const tn_expr_vec *list, const tn_expr *const *exprs, uint32_t count)
{
    return list->count == count &&
           (count == 0 || memcmp(list->items, exprs, count * sizeof(*exprs)) == 0);
}

static tarn_code fold_filter(tn_plan_context *context, tn_plan *plan, tn_plan **out,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec conjuncts = TN_VEC_INIT(context->pool);
    bool never = false;
    TN_TRY(tidy(context, plan->exprs, plan->expr_count, &conjuncts, &never, err));
    if (never) {
        TN_TRY(tn_plan__empty(context, plan, out, err));
    } else if (!same_list(&conjuncts, plan->exprs, plan->expr_count)) {
        TN_TRY(tn_plan__filter(context, plan->children[0], conjuncts.items,
                               (uint32_t)conjuncts.count, out, err));
        (*out)->prefilter = conjuncts.count > 0 ? plan->prefilter : (*out)->prefilter;
    }
done:
    tn_vec_free(&conjuncts);
    return code;
}

static tarn_code fold_join(tn_plan_context *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec all = TN_VEC_INIT(context->pool);
    tn_expr_vec conjuncts = TN_VEC_INIT(context->pool);
    bool never = false;
    tn_plan *join = NULL;
    TN_TRY(tidy(context, plan->exprs, plan->expr_count, &conjuncts, &never, err));
    if (never && (plan->join == TN_JOIN_INNER || plan->join == TN_JOIN_SEMI)) {
        TN_TRY(tn_plan__empty(context, plan, out, err));
        goto done;
    }
    if (plan->null_aware || same_list(&conjuncts, plan->exprs, plan->expr_count)) {
        goto done;
    }
    for (uint32_t i = 0; i < plan->pair_count; i++) {
        const tn_expr *same = NULL;
        TN_TRY(tn_plan__pair_expr(context, &plan->pairs[i], &same, err));
        TN_TRY(tn_vec_push(&all, same, err));
    }
    for (size_t i = 0; i < conjuncts.count; i++) {
        TN_TRY(tn_vec_push(&all, conjuncts.items[i], err));
    }
    TN_TRY(tn_plan__join(context, plan->kind, plan->join, plan->children[0], plan->children[1],
                         all.items, (uint32_t)all.count, plan->span, &join, err));
    join->mark = plan->mark;
    join->outputs = plan->outputs;
    join->output_count = plan->output_count;
    *out = join;
done:
    tn_vec_free(&all);
    tn_vec_free(&conjuncts);
    return code;
}

TN_FALLIBLE tn_rule__fold(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_optimiser *optimiser = context;
    tn_plan *folded = plan;
    *out = plan;
    if (plan->kind != TN_PLAN_SCAN) {
        TN_RETURN_IF_ERROR(
            tn_plan__map_exprs(optimiser->context, plan, fold_expr, optimiser, &folded, err));
    }
    *out = folded;
    if (folded->kind == TN_PLAN_FILTER) {
        return fold_filter(optimiser->context, folded, out, err);
    }
    if (folded->kind == TN_PLAN_JOIN || folded->kind == TN_PLAN_APPLY) {
        return fold_join(optimiser->context, folded, out, err);
    }
    return TARN_OK;
}

/* ---- nodes ---- */

static bool is_empty(const tn_plan *plan)
{
    return plan->kind == TN_PLAN_VALUES && plan->row_count == 0;
}

static bool is_unit(const tn_plan *plan) /* one row without columns: SELECT without FROM */
{
    return plan->kind == TN_PLAN_VALUES && plan->row_count == 1 && plan->output_count == 0;
}

static bool no_rows_from_none(const tn_plan *plan)
{
    switch (plan->kind) {
    case TN_PLAN_FILTER:
    case TN_PLAN_METER:
    case TN_PLAN_PROJECT:
    case TN_PLAN_SORT:
    case TN_PLAN_LIMIT:
    case TN_PLAN_DISTINCT:
    case TN_PLAN_UNNEST:
        return is_empty(plan->children[0]);
    case TN_PLAN_AGGREGATE:
        return plan->key_count > 0 && is_empty(plan->children[0]);
    case TN_PLAN_JOIN:
        return (is_empty(plan->children[0]) && plan->join != TN_JOIN_RIGHT &&
                plan->join != TN_JOIN_FULL) ||
               (is_empty(plan->children[1]) &&
                (plan->join == TN_JOIN_INNER || plan->join == TN_JOIN_SEMI ||
                 plan->join == TN_JOIN_RIGHT));
    case TN_PLAN_EXCEPT:
        return is_empty(plan->children[0]);
    case TN_PLAN_INTERSECT:
        return is_empty(plan->children[0]) || is_empty(plan->children[1]);
    case TN_PLAN_SCAN:
    case TN_PLAN_VALUES:
    case TN_PLAN_APPLY:
    case TN_PLAN_UNION:
    case TN_PLAN_SHARED:
    case TN_PLAN_WRITE:
    case TN_PLAN_ALL:
    case TN_PLAN_KIND_COUNT:
    default:
        return false;
    }
}

/* Outputs of the node, each the child's at its place. */
static tarn_code rename_child(tn_plan_context *context, const tn_plan *plan, tn_plan *child,
                              tn_plan **out, tarn_error *err)
{
    const tn_expr **exprs = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, plan->output_count, &exprs, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        TN_RETURN_IF_ERROR(tn_expr__column_of(context, &child->outputs[i], &exprs[i], err));
    }
    return tn_plan__project(context, child, exprs, plan->outputs, plan->output_count, out, err);
}

/* UNION ALL: members without rows go, unions within a union are opened. */
static tarn_code simplify_union(tn_plan_context *context, tn_plan *plan, tn_plan **out,
                                tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_vec members = TN_VEC_INIT(context->pool);
    for (uint32_t i = 0; i < plan->child_count; i++) {
        tn_plan *child = plan->children[i];
        const uint32_t count = child->kind == TN_PLAN_UNION ? child->child_count : 1;
        tn_plan *const *list = child->kind == TN_PLAN_UNION ? child->children : &child;
        for (uint32_t j = 0; j < count; j++) {
            if (!is_empty(list[j])) {
                TN_TRY(tn_vec_push(&members, list[j], err));
            }
        }
    }
    if (members.count == 0) {
        TN_TRY(tn_plan__empty(context, plan, out, err));
    } else if (members.count == 1) {
        TN_TRY(rename_child(context, plan, members.items[0], out, err));
    } else if (members.count != plan->child_count ||
               memcmp(members.items, plan->children, members.count * sizeof(tn_plan *)) != 0) {
        tn_plan *set = NULL;
        TN_TRY(tn_plan__new(context, TN_PLAN_UNION, plan->span, members.items,
                            (uint32_t)members.count, &set, err));
        set->outputs = plan->outputs;
        set->output_count = plan->output_count;
        *out = set;
    }
done:
    tn_vec_free(&members);
    return code;
}

typedef struct counting {
    const tn_plan *project;
    uint32_t *uses;
} counting;

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

static bool count_use(void *context, const tn_expr *expr)
{
    counting *c = context;
    for (uint32_t i = 0; expr->kind == TN_EXPR_COLUMN && i < c->project->output_count; i++) {
        c->uses[i] += c->project->outputs[i].id == expr->column;
    }
    return true;
}

/* Two projections are one, where nothing would be computed twice. */
static tarn_code merge_projects(tn_plan_context *context, tn_plan *plan, tn_plan **out,
                                tarn_error *err)
{
    tn_plan *inner = plan->children[0];
    counting c = {inner, NULL};
    const tn_expr **exprs = NULL;
    /* Wide projections over wide ones are not worth the search. */
    if ((uint64_t)inner->expr_count * plan->expr_count > 100000) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, uint32_t, inner->output_count + 1, &c.uses, err));
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        TN_RETURN_IF_ERROR(tn_expr_walk(plan->exprs[i], context->pool, count_use, &c, err));
    }
    for (uint32_t i = 0; i < inner->expr_count; i++) {
        const tn_expr *expr = inner->exprs[i];
        if (expr->is_volatile ||
            (c.uses[i] > 1 && expr->kind != TN_EXPR_COLUMN && expr->kind != TN_EXPR_LITERAL)) {
            return TARN_OK;
        }
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, plan->expr_count, &exprs, err));
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        TN_RETURN_IF_ERROR(
            tn_expr__replace(context, plan->exprs[i], projected, inner, &exprs[i], err));
    }
    return tn_plan__project(context, inner->children[0], exprs, plan->outputs, plan->output_count,
                            out, err);
}

static bool only_hands_through(const tn_plan *project)
{
    for (uint32_t i = 0; i < project->expr_count; i++) {
        if (project->exprs[i]->kind != TN_EXPR_COLUMN ||
            project->exprs[i]->column != project->outputs[i].id) {
            return false;
        }
    }
    return true;
}

static tarn_code simplify_project(tn_plan_context *context, tn_plan *plan, tn_plan **out,
                                  tarn_error *err)
{
    tn_plan *child = plan->children[0];
    if (only_hands_through(plan) && tn_plan__same_outputs(plan, child)) {
        bool same_names = true;
        for (uint32_t i = 0; i < plan->output_count; i++) {
            same_names &= tn_str_equal(plan->outputs[i].name, child->outputs[i].name);
        }
        *out = same_names ? child : plan;
        return TARN_OK;
    }
    return child->kind == TN_PLAN_PROJECT ? merge_projects(context, plan, out, err) : TARN_OK;
}

static tarn_code merge_filters(tn_plan_context *context, tn_plan *plan, tn_plan **out,
                               tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan *inner = plan->children[0];
    tn_expr_vec all = TN_VEC_INIT(context->pool);
    for (uint32_t i = 0; i < inner->expr_count; i++) {
        TN_TRY(tn_vec_push(&all, inner->exprs[i], err));
    }
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        TN_TRY(tn_vec_push(&all, plan->exprs[i], err));
    }
    TN_TRY(tn_plan__filter(context, inner->children[0], all.items, (uint32_t)all.count, out, err));
done:
    tn_vec_free(&all);
    return code;
}

static tarn_code simplify_join(tn_plan *plan, tn_plan **out)
{
    tn_plan *left = plan->children[0];
    tn_plan *right = plan->children[1];
    const bool free = plan->pair_count + plan->expr_count == 0;
    if (plan->join == TN_JOIN_INNER && free && is_unit(right)) {
        *out = left;
    } else if (plan->join == TN_JOIN_INNER && free && is_unit(left)) {
        *out = right;
    } else if (plan->join == TN_JOIN_ANTI && is_empty(right)) {
        *out = left;
    }
    return TARN_OK;
}

TN_FALLIBLE tn_rule__simplify(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan_context *plans = ((tn_optimiser *)context)->context;
    *out = plan;
    if (no_rows_from_none(plan) ||
        ((plan->kind == TN_PLAN_LIMIT || plan->kind == TN_PLAN_SORT) && plan->limit == 0)) {
        return tn_plan__empty(plans, plan, out, err);
    }
    if (plan->kind == TN_PLAN_UNION) {
        return simplify_union(plans, plan, out, err);
    }
    if (plan->kind == TN_PLAN_PROJECT) {
        return simplify_project(plans, plan, out, err);
    }
    if (plan->kind == TN_PLAN_FILTER && plan->children[0]->kind == TN_PLAN_FILTER &&
        !plan->prefilter && !plan->children[0]->prefilter) {
        return merge_filters(plans, plan, out, err);
    }
    if (plan->kind == TN_PLAN_LIMIT && plan->limit == UINT64_MAX && plan->offset == 0) {
        *out = plan->children[0];
    }
    return plan->kind == TN_PLAN_JOIN ? simplify_join(plan, out) : TARN_OK;
}
