/* Plans copied with new column ids, and plans whose expressions read other columns. */
#include "plan/plan_internal.h"

typedef struct cloning {
    tn_plan_context *context;
    tn_column_id first_new;      /* ids from here on are new already */
    TN_VEC(const tn_expr *) ids; /* by old id: a column of the new one, or NULL */
    TN_VEC(uint32_t) shared;     /* old, new, old, new... */
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

static tarn_code rename_shared(cloning *c, tn_plan *plan, tarn_error *err)
{
    for (size_t i = 0; i < c->shared.count; i += 2) {
        if (c->shared.items[i] == plan->shared_id) {
            plan->shared_id = c->shared.items[i + 1];
            return TARN_OK;
        }
    }
    const uint32_t fresh = c->context->next_shared++;
    TN_RETURN_IF_ERROR(tn_vec_push(&c->shared, plan->shared_id, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&c->shared, fresh, err));
    plan->shared_id = fresh;
    return TARN_OK;
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

/* Children are cloned by now, and their outputs renamed. */
static tarn_code clone_node(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    cloning *c = context;
    replacing r = {c->context, new_column, c};
    tn_plan *copy = NULL;
    tn_output *outputs = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(c->context->expr.arena, tn_output, plan->output_count, &outputs, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        outputs[i] = plan->outputs[i];
        TN_RETURN_IF_ERROR(rename_output(c, &outputs[i], err));
    }
    TN_RETURN_IF_ERROR(tn_plan__map_exprs(c->context, plan, replace_expr, &r, &copy, err));
    TN_RETURN_IF_ERROR(tn_plan__copy(c->context, copy, out, err));
    (*out)->outputs = outputs;
    if (plan->kind == TN_PLAN_SHARED) {
        TN_RETURN_IF_ERROR(rename_shared(c, *out, err));
    }
    if (plan->mark != TN_COLUMN_NONE && plan->output_count > 0) {
        (*out)->mark = outputs[plan->output_count - 1].id;
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan__clone(tn_plan_context *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    cloning c = {.context = context,
                 .first_new = context->next_column,
                 .ids = TN_VEC_INIT(context->pool),
                 .shared = TN_VEC_INIT(context->pool)};
    const tarn_code code = tn_plan__bottom_up(context, plan, clone_node, &c, out, err);
    tn_vec_free(&c.ids);
    tn_vec_free(&c.shared);
    return code;
}
