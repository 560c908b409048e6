/*
 * A subquery in a branch runs below the node that holds the branch, for all of the node's rows.
 * What can fail in it must not be asked of rows that take another branch: their condition, the
 * guard, goes with it, as a filter beneath what can fail (decision 5).
 *
 * A guard may be weaker than the condition, never stronger: a part is left out where it cannot be
 * said twice (random()), or not of the node's rows.
 */
#include "plan/optimise_internal.h"

/* ---- which rows ask for a subquery ---- */

typedef struct guarded_expr {
    const tn_expr *expr;
    const tn_expr *guard; /* NULL: every row */
} guarded_expr;

typedef struct collecting {
    tn_plan_context *context;
    tn_pointer_map *guards;
    TN_VEC(guarded_expr) stack;
} collecting;

typedef struct looking {
    tn_pool *pool;
    bool unfit;
} looking;

static bool look(void *context, const tn_expr *expr)
{
    looking *l = context;
    l->unfit = l->unfit || expr->is_volatile || expr->kind == TN_EXPR_AGGREGATE ||
               (expr->kind == TN_EXPR_SUBQUERY && expr->child_count > 0);
    return !l->unfit;
}

/* guard AND test(part); `test` NULL: the part itself. */
static TN_FALLIBLE narrow(collecting *c, const char *test, const tn_expr *part,
                          const tn_expr **guard, tarn_error *err)
{
    looking l = {.pool = c->context->pool};
    TN_RETURN_IF_ERROR(tn_expr_walk(part, l.pool, look, &l, err));
    if (l.unfit) {
        return TARN_OK;
    }
    const tn_expr *both[2] = {part, *guard};
    if (test != NULL) {
        TN_RETURN_IF_ERROR(tn_expr__call1(c->context, test, part, &both[0], err));
    }
    return tn_expr__all(c->context, both, *guard == NULL ? 1 : 2, guard, err);
}

static TN_FALLIBLE push(collecting *c, const tn_expr *expr, const tn_expr *guard, tarn_error *err)
{
    bool has = false;
    TN_RETURN_IF_ERROR(tn_expr__has_subquery(expr, c->context->pool, &has, err));
    const guarded_expr item = {expr, guard};
    return has ? tn_vec_push(&c->stack, item, err) : TARN_OK;
}

static TN_FALLIBLE collect_case(collecting *c, const guarded_expr *item, tarn_error *err)
{
    const tn_expr *expr = item->expr;
    const tn_expr *guard = item->guard;
    for (uint32_t i = 0; i + 1 < expr->child_count; i += 2) {
        const tn_expr *taken = guard;
        TN_RETURN_IF_ERROR(push(c, expr->children[i], guard, err));
        TN_RETURN_IF_ERROR(narrow(c, NULL, expr->children[i], &taken, err));
        TN_RETURN_IF_ERROR(push(c, expr->children[i + 1], taken, err));
        TN_RETURN_IF_ERROR(narrow(c, "is_not_true", expr->children[i], &guard, err));
    }
    return expr->child_count % 2 == 0 ? TARN_OK
                                      : push(c, expr->children[expr->child_count - 1], guard, err);
}

/* AND, OR, coalesce: a child is asked for where those before it do not decide, nor those after it
 * that are cheap to ask. */
static TN_FALLIBLE collect_deciding(collecting *c, const guarded_expr *item, const char *test,
                                    bool any_order, tarn_error *err)
{
    const tn_expr *expr = item->expr;
    for (uint32_t i = 0; i < expr->child_count; i++) {
        const tn_expr *guard = item->guard;
        bool has = false;
        TN_RETURN_IF_ERROR(tn_expr__has_subquery(expr->children[i], c->context->pool, &has, err));
        for (uint32_t j = 0; has && j < expr->child_count; j++) {
            bool other = false;
            TN_RETURN_IF_ERROR(
                tn_expr__has_subquery(expr->children[j], c->context->pool, &other, err));
            if (j < i || (any_order && j > i && !other)) {
                TN_RETURN_IF_ERROR(narrow(c, test, expr->children[j], &guard, err));
            }
        }
        TN_RETURN_IF_ERROR(push(c, expr->children[i], guard, err));
    }
    return TARN_OK;
}

/* One run serves all places of a subquery: where they differ, every row. */
static TN_FALLIBLE note(collecting *c, const guarded_expr *item, tarn_error *err)
{
    const tn_subquery *subquery = item->expr->subquery;
    const tn_expr *guard = item->guard;
    size_t known = 0;
    if (tn_pointer_map__find(c->guards, subquery, &known)) {
        const tn_expr *first = (const tn_expr *)(uintptr_t)known;
        guard = first != NULL && guard != NULL && tn_expr_equal(first, guard) ? first : NULL;
    }
    return tn_pointer_map__put(c->guards, subquery, (size_t)(uintptr_t)guard, err);
}

static TN_FALLIBLE collect_one(collecting *c, guarded_expr item, tarn_error *err)
{
    const tn_expr *expr = item.expr;
    if (expr->kind == TN_EXPR_AGGREGATE) { /* its children are of the rows that enter */
        item.guard = NULL;
        if (expr->filter != NULL) {
            TN_RETURN_IF_ERROR(narrow(c, NULL, expr->filter, &item.guard, err));
        }
    }
    if (expr->kind == TN_EXPR_SUBQUERY) {
        TN_RETURN_IF_ERROR(note(c, &item, err));
    } else if (expr->kind == TN_EXPR_CASE) {
        return collect_case(c, &item, err);
    } else if (expr->kind == TN_EXPR_AND) {
        return collect_deciding(c, &item, "is_not_false", true, err);
    } else if (expr->kind == TN_EXPR_OR) {
        return collect_deciding(c, &item, "is_not_true", true, err);
    } else if (tn_expr__is_call(expr, "coalesce")) {
        return collect_deciding(c, &item, "is_null", false, err);
    }
    for (uint32_t i = 0; i < expr->child_count; i++) {
        TN_RETURN_IF_ERROR(push(c, expr->children[i], item.guard, err));
    }
    return TARN_OK;
}

TN_FALLIBLE tn_guards__collect(tn_plan_context *context, const tn_expr *expr, tn_pointer_map *out,
                               tarn_error *err)
{
    tarn_code code = TARN_OK;
    collecting c = {.context = context, .guards = out, .stack = TN_VEC_INIT(context->pool)};
    TN_TRY(tn_vec_push(&c.stack, ((guarded_expr){expr, NULL}), err));
    while (c.stack.count > 0) {
        TN_TRY(collect_one(&c, c.stack.items[--c.stack.count], err));
    }
done:
    tn_vec_free(&c.stack);
    return code;
}

/* ---- where the guard goes ---- */

typedef struct fallibility {
    bool fails, moves; /* may fault; may be done for fewer rows */
} fallibility;

static tarn_code see_expr(void *context, const tn_expr *expr, tarn_error *err)
{
    fallibility *f = context;
    (void)err;
    f->fails = f->fails || expr->can_fail;
    f->moves = f->moves && !expr->is_volatile;
    return TARN_OK;
}

/* Whether this node or one below it can fail. */
static TN_FALLIBLE can_fail(tn_plan_context *context, const tn_plan *plan, bool *out,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    fallibility f = {.moves = true};
    tn_plan_vec nodes = TN_VEC_INIT(context->pool);
    TN_TRY(tn_plan__postorder(plan, &nodes, err));
    for (size_t i = 0; i < nodes.count && !f.fails; i++) {
        TN_TRY(tn_plan__each_expr(nodes.items[i], see_expr, &f, err));
    }
    *out = f.fails;
done:
    tn_vec_free(&nodes);
    return code;
}

/* The child through which a filter on nothing of the plan's own may go down, or child_count. */
static TN_FALLIBLE way_down(tn_plan_context *context, const tn_plan *plan, uint32_t *out,
                            tarn_error *err)
{
    bool right_fails = false;
    *out = plan->child_count;
    switch ((int)plan->kind) {
    case TN_PLAN_FILTER:
    case TN_PLAN_PROJECT:
    case TN_PLAN_AGGREGATE:
    case TN_PLAN_DISTINCT:
    case TN_PLAN_UNNEST:
        *out = 0;
        break;
    case TN_PLAN_SORT:
    case TN_PLAN_LIMIT: /* of each outer row: only the first */
        if ((plan->kind == TN_PLAN_SORT && plan->limit == UINT64_MAX && plan->offset == 0) ||
            (plan->limit == 1 && plan->offset == 0)) {
            *out = 0;
        }
        break;
    case TN_PLAN_JOIN:
        if (plan->join == TN_JOIN_RIGHT || plan->join == TN_JOIN_FULL || plan->null_aware) {
            break;
        }
        TN_RETURN_IF_ERROR(can_fail(context, plan->children[1], &right_fails, err));
        *out = right_fails && plan->join == TN_JOIN_INNER ? 1 : 0;
        break;
    default:
        break;
    }
    return TARN_OK;
}

static bool has_one_row(const tn_plan *plan)
{
    while (plan->kind == TN_PLAN_PROJECT || plan->kind == TN_PLAN_FILTER ||
           (plan->kind == TN_PLAN_SORT && plan->limit > 1)) {
        plan = plan->children[0];
    }
    return (plan->kind == TN_PLAN_AGGREGATE && plan->key_count == 0) ||
           (plan->kind == TN_PLAN_VALUES && plan->row_count <= 1) ||
           ((plan->kind == TN_PLAN_LIMIT || plan->kind == TN_PLAN_SORT) && plan->limit <= 1);
}

TN_FALLIBLE tn_guards__wanted(tn_plan_context *context, const tn_subquery *subquery, bool *out,
                              tarn_error *err)
{
    TN_RETURN_IF_ERROR(can_fail(context, subquery->plan, out, err));
    *out = *out || (subquery->kind == TN_SUBQUERY_SCALAR && !has_one_row(subquery->plan));
    return TARN_OK;
}

TN_FALLIBLE tn_guards__insert(tn_plan_context *context, tn_plan *plan, const tn_expr *guard,
                              tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_vec path = TN_VEC_INIT(context->pool);
    TN_VEC(uint32_t) ways = TN_VEC_INIT(context->pool);
    tn_plan *node = plan;
    for (;;) {
        bool fails = false;
        fallibility own = {.moves = true};
        uint32_t way = 0;
        TN_TRY(can_fail(context, node, &fails, err));
        TN_TRY(tn_plan__each_expr(node, see_expr, &own, err));
        TN_TRY(way_down(context, node, &way, err));
        if (!fails || !own.moves || way >= node->child_count) {
            break;
        }
        TN_TRY(tn_vec_push(&path, node, err));
        TN_TRY(tn_vec_push(&ways, way, err));
        node = node->children[way];
    }
    TN_TRY(tn_plan__filter(context, node, &guard, 1, &node, err));
    while (path.count > 0) {
        tn_plan *above = path.items[--path.count];
        tn_plan *children[2] = {above->children[0],
                                above->child_count > 1 ? above->children[1] : NULL};
        children[ways.items[path.count]] = node;
        TN_TRY(tn_plan__with_children(context, above, children, &node, err));
    }
    *out = node;
done:
    tn_vec_free(&path);
    tn_vec_free(&ways);
    return code;
}

TN_FALLIBLE tn_guards__column(tn_plan_context *context, const tn_expr *guard, tn_plan **plan,
                              const tn_expr **out, tarn_error *err)
{
    tn_plan *below = *plan;
    const uint32_t count = below->output_count;
    const tn_expr **exprs = NULL;
    tn_output *outputs = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, count + 1, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count + 1, &outputs, err));
    for (uint32_t i = 0; i < count; i++) {
        outputs[i] = below->outputs[i];
        TN_RETURN_IF_ERROR(tn_expr__column_of(context, &outputs[i], &exprs[i], err));
    }
    TN_RETURN_IF_ERROR(tn_expr__call1(context, "is_true", guard, &exprs[count], err));
    outputs[count] = (tn_output){tn_plan_new_column(context), TN_STR("guard"), TN_BOOLEAN, false};
    TN_RETURN_IF_ERROR(tn_expr__column_of(context, &outputs[count], out, err));
    return tn_plan__project(context, below, exprs, outputs, count + 1, plan, err);
}
