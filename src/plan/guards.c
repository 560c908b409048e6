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

/* What is true of some node, this one or one below it. */
static TN_FALLIBLE look_below(tn_plan_context *context, const tn_plan *plan, fallibility *f,
                              tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_vec nodes = TN_VEC_INIT(context->pool);
    TN_TRY(tn_plan__postorder(plan, &nodes, err));
    for (size_t i = 0; i < nodes.count; i++) {
        TN_TRY(tn_plan__each_expr(nodes.items[i], see_expr, f, err));
    }
done:
    tn_vec_free(&nodes);
    return code;
}

static TN_FALLIBLE can_fail(tn_plan_context *context, const tn_plan *plan, bool *out,
                            tarn_error *err)
{
    fallibility f = {.moves = true};
    const tarn_code code = look_below(context, plan, &f, err);
    *out = f.fails;
    return code;
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

/* A reader of a SHARED run that gets a guard has a run of its own: not of what is never said twice.
 */
static TN_FALLIBLE is_barrier(tn_plan_context *context, const tn_plan *plan, bool *out,
                              tarn_error *err)
{
    fallibility f = {.moves = true};
    if (plan->kind == TN_PLAN_SHARED) {
        TN_RETURN_IF_ERROR(look_below(context, plan, &f, err));
    }
    *out = !f.moves || plan->child_count == 0;
    return TARN_OK;
}

typedef struct inserting {
    tn_plan_context *context;
    const tn_expr *guard;
    tn_plan_vec stack;     /* nodes with something to guard */
    tn_pointer_map places; /* nodes that get the filter above them */
} inserting;

/*
 * Nobody reads what the plan answers where the guard is not true, and where it is true the filter
 * takes no row away: so it may stand anywhere, below any kind of node.  A node without rows has
 * nothing that fails, and so have the children that do not get it.
 */
static TN_FALLIBLE guard_one(inserting *in, tn_plan *plan, tarn_error *err)
{
    bool fails = false;
    bool barrier = false;
    fallibility own = {.moves = true};
    TN_RETURN_IF_ERROR(can_fail(in->context, plan, &fails, err));
    TN_RETURN_IF_ERROR(tn_plan__each_expr(plan, see_expr, &own, err));
    TN_RETURN_IF_ERROR(is_barrier(in->context, plan, &barrier, err));
    if (!fails || !own.moves || barrier) {
        return tn_pointer_map__put(&in->places, plan, 1, err);
    }
    for (uint32_t i = 0; i < plan->child_count; i++) {
        bool wanted = own.fails;
        if (plan->kind == TN_PLAN_APPLY) { /* its right runs for the rows of its left */
            wanted = i == 0;
        } else if (!wanted) {
            TN_RETURN_IF_ERROR(can_fail(in->context, plan->children[i], &wanted, err));
        }
        if (wanted) {
            TN_RETURN_IF_ERROR(tn_vec_push(&in->stack, plan->children[i], err));
        }
    }
    return TARN_OK;
}

static tarn_code insert_here(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    inserting *in = context;
    size_t ignored = 0;
    *out = plan;
    return tn_pointer_map__find(&in->places, plan, &ignored)
               ? tn_plan__filter(in->context, plan, &in->guard, 1, out, err)
               : TARN_OK;
}

TN_FALLIBLE tn_guards__insert(tn_plan_context *context, tn_plan *plan, const tn_expr *guard,
                              tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    inserting in = {.context = context, .guard = guard, .stack = TN_VEC_INIT(context->pool)};
    tn_pointer_map__init(&in.places, context->pool);
    TN_TRY(tn_vec_push(&in.stack, plan, err));
    while (in.stack.count > 0) {
        TN_TRY(guard_one(&in, in.stack.items[--in.stack.count], err));
    }
    TN_TRY(tn_plan__bottom_up(context, plan, insert_here, &in, out, err));
done:
    tn_vec_free(&in.stack);
    tn_pointer_map__deinit(&in.places);
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
