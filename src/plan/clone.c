/* Plans copied with new column ids, and plans whose expressions read other columns. */
#include "plan/plan_internal.h"

typedef struct shared_clone {
    uint32_t old_id, new_id;
    tn_plan *child; /* what the first reader made of it */
} shared_clone;

typedef struct nested_plan {
    const tn_subquery *old, *clone;
} nested_plan;

typedef struct cloning {
    tn_plan_context *context;
    tn_column_id first_new;      /* ids from here on are new already */
    TN_VEC(const tn_expr *) ids; /* by old id: a column of the new one, or NULL */
    TN_VEC(shared_clone) shared;
    TN_VEC(nested_plan) nested; /* of expressions; each before those within it */
    tn_pointer_map places;      /* of subqueries in that list */
    size_t looking;             /* the place whose plan is looked over, from 1 */
} cloning;

static const tn_expr *new_column(void *context, tn_column_id id)
{
    const cloning *c = context;
    return id < c->ids.count ? c->ids.items[id] : NULL;
}

static tarn_code rename_output(cloning *c, tn_output *output, tarn_error *err)
{
    if (output->id >= c->first_new) {
        return TARN_OK; /* derived from a child that was renamed */
    }
    while (c->ids.count <= output->id) {
        TN_RETURN_IF_ERROR(tn_vec_push(&c->ids, NULL, err));
    }
    const tn_expr *known = c->ids.items[output->id];
    if (known == NULL) {
        tn_output fresh = *output;
        fresh.id = tn_plan_new_column(c->context);
        TN_RETURN_IF_ERROR(tn_expr__column_of(c->context, &fresh, &known, err));
        c->ids.items[output->id] = known;
    }
    output->id = known->column;
    return TARN_OK;
}

/* All readers of one run read one clone of it. */
static tarn_code rename_shared(cloning *c, tn_plan **out, tarn_error *err)
{
    tn_plan *plan = *out;
    for (size_t i = 0; i < c->shared.count; i++) {
        if (c->shared.items[i].old_id == plan->shared_id) {
            plan->shared_id = c->shared.items[i].new_id;
            return tn_plan__with_children(c->context, plan, &c->shared.items[i].child, out, err);
        }
    }
    const shared_clone fresh = {plan->shared_id, c->context->next_shared++, plan->children[0]};
    plan->shared_id = fresh.new_id;
    return tn_vec_push(&c->shared, fresh, err);
}

typedef struct replacing {
    tn_plan_context *context;
    tn_column_map *map;
    void *map_context;
} replacing;

static tarn_code replace_expr(void *context, const tn_expr *expr, const tn_expr **out,
                              tarn_error *err)
{
    const replacing *r = context;
    return tn_expr__replace(r->context, expr, r->map, r->map_context, out, err);
}

static tarn_code replace_node(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    const replacing *r = context;
    return tn_plan__map_exprs(r->context, plan, replace_expr, context, out, err);
}

TN_FALLIBLE tn_plan__replace(tn_plan_context *context, tn_plan *plan, tn_column_map *map,
                             void *map_context, tn_plan **out, tarn_error *err)
{
    replacing r = {context, map, map_context};
    return tn_plan__bottom_up(context, plan, replace_node, &r, out, err);
}

/* ---- plans within expressions ---- */

static tarn_code clone_part(void *context, const tn_expr *expr, const tn_expr **out,
                            tarn_error *err)
{
    const cloning *c = context;
    size_t place = 0;
    *out = expr;
    if (expr->kind == TN_EXPR_COLUMN) {
        const tn_expr *now = new_column(context, expr->column);
        *out = now == NULL ? expr : now;
    } else if (expr->kind == TN_EXPR_SUBQUERY &&
               tn_pointer_map__find(&c->places, expr->subquery, &place)) {
        tn_expr *copy = NULL;
        TN_RETURN_IF_ERROR(tn_arena_new(c->context->expr.arena, tn_expr, &copy, err));
        *copy = *expr;
        copy->subquery = c->nested.items[place].clone;
        *out = copy;
    }
    return TARN_OK;
}

static tarn_code clone_expr(void *context, const tn_expr *expr, const tn_expr **out,
                            tarn_error *err)
{
    const cloning *c = context;
    return tn_expr_rewrite(expr, c->context->expr.arena, clone_part, context, out, err);
}

typedef struct seeking {
    cloning *c;
    tarn_error *err;
    tarn_code code;
} seeking;

static bool see_part(void *context, const tn_expr *expr)
{
    seeking *s = context;
    cloning *c = s->c;
    size_t place = 0;
    if (s->code == TARN_OK && expr->kind == TN_EXPR_SUBQUERY &&
        (!tn_pointer_map__find(&c->places, expr->subquery, &place) || place < c->looking)) {
        const nested_plan nested = {expr->subquery, NULL};
        s->code = tn_pointer_map__put(&c->places, expr->subquery, c->nested.count, s->err);
        if (s->code == TARN_OK) {
            s->code = tn_vec_push(&c->nested, nested, s->err);
        }
    }
    return s->code == TARN_OK;
}

static tarn_code see_expr(void *context, const tn_expr *expr, tarn_error *err)
{
    seeking s = {context, err, TARN_OK};
    if (expr->kind < TN_EXPR_CALL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_expr_walk(expr, s.c->context->pool, see_part, &s, err));
    return s.code;
}

/* New ids for what the plan's nodes make, before anybody who reads them is cloned; and the plans
 * within its expressions. */
static tarn_code look_over(cloning *c, const tn_plan *plan, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_vec nodes = TN_VEC_INIT(c->context->pool);
    TN_TRY(tn_plan__postorder(plan, &nodes, err));
    for (size_t i = 0; i < nodes.count; i++) {
        const tn_plan *node = nodes.items[i];
        for (uint32_t o = 0; o < node->output_count; o++) {
            tn_output output = node->outputs[o];
            TN_TRY(rename_output(c, &output, err));
        }
        TN_TRY(tn_plan__each_expr(node, see_expr, c, err));
    }
done:
    tn_vec_free(&nodes);
    return code;
}

/* Children are cloned by now, and their outputs renamed. */
static tarn_code clone_node(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    cloning *c = context;
    tn_plan *copy = NULL;
    tn_output *outputs = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(c->context->expr.arena, tn_output, plan->output_count, &outputs, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        outputs[i] = plan->outputs[i];
        TN_RETURN_IF_ERROR(rename_output(c, &outputs[i], err));
    }
    TN_RETURN_IF_ERROR(tn_plan__map_exprs(c->context, plan, clone_expr, c, &copy, err));
    TN_RETURN_IF_ERROR(tn_plan__copy(c->context, copy, out, err));
    (*out)->outputs = outputs;
    if (plan->kind == TN_PLAN_SHARED) {
        TN_RETURN_IF_ERROR(rename_shared(c, out, err));
    }
    if (plan->mark != TN_COLUMN_NONE && plan->output_count > 0) {
        (*out)->mark = outputs[plan->output_count - 1].id;
    }
    return TARN_OK;
}

static tarn_code clone_nested(cloning *c, size_t place, tarn_error *err)
{
    nested_plan *nested = &c->nested.items[place];
    tn_subquery *clone = NULL;
    size_t last = 0;
    if (!tn_pointer_map__find(&c->places, nested->old, &last) || last != place) {
        return TARN_OK; /* it stands behind another that holds it, too */
    }
    TN_RETURN_IF_ERROR(tn_arena_new(c->context->expr.arena, tn_subquery, &clone, err));
    *clone = *nested->old;
    nested->clone = clone;
    return tn_plan__bottom_up(c->context, clone->plan, clone_node, c, &clone->plan, err);
}

TN_FALLIBLE tn_plan__clone(tn_plan_context *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    cloning c = {.context = context,
                 .first_new = context->next_column,
                 .ids = TN_VEC_INIT(context->pool),
                 .shared = TN_VEC_INIT(context->pool),
                 .nested = TN_VEC_INIT(context->pool)};
    tn_pointer_map__init(&c.places, context->pool);
    TN_TRY(look_over(&c, plan, err));
    for (size_t i = 0; i < c.nested.count; i++) {
        c.looking = i + 1;
        TN_TRY(look_over(&c, c.nested.items[i].old->plan, err));
    }
    for (size_t i = c.nested.count; i > 0; i--) { /* those within others first */
        TN_TRY(clone_nested(&c, i - 1, err));
    }
    TN_TRY(tn_plan__bottom_up(context, plan, clone_node, &c, out, err));
done:
    tn_vec_free(&c.ids);
    tn_vec_free(&c.shared);
    tn_vec_free(&c.nested);
    tn_pointer_map__deinit(&c.places);
    return code;
}
