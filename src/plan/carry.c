/* Columns of a row's origin, carried up to where they were not asked for: a pipeline's quarantine
 * names the file and line of rows that steps have changed since. */
#include "plan/plan_internal.h"

/* The input that each row of the node stems from; NULL where rows come of several, or of none. */
static tn_plan *input_of(const tn_plan *plan)
{
    switch (plan->kind) {
    case TN_PLAN_FILTER:
    case TN_PLAN_PROJECT:
    case TN_PLAN_SORT:
    case TN_PLAN_LIMIT:
    case TN_PLAN_UNNEST:
    case TN_PLAN_METER:
        return plan->children[0];
    case TN_PLAN_JOIN:
    case TN_PLAN_APPLY: /* subqueries of conditions and of values */
        return plan->join == TN_JOIN_SEMI || plan->join == TN_JOIN_ANTI ||
                       plan->join == TN_JOIN_MARK || plan->join == TN_JOIN_SINGLE
                   ? plan->children[0]
                   : NULL;
    case TN_PLAN_SCAN:
    case TN_PLAN_VALUES:
    case TN_PLAN_AGGREGATE:
    case TN_PLAN_DISTINCT:
    case TN_PLAN_UNION:
    case TN_PLAN_EXCEPT:
    case TN_PLAN_INTERSECT:
    case TN_PLAN_SHARED:
    case TN_PLAN_WRITE:
    case TN_PLAN_ALL:
    case TN_PLAN_KIND_COUNT:
        break;
    }
    return NULL;
}

const tn_plan *tn_plan_origin(const tn_plan *plan, uint32_t first_own)
{
    while (plan != NULL && (plan->kind != TN_PLAN_SHARED || plan->shared_id >= first_own)) {
        plan = plan->kind == TN_PLAN_SHARED ? plan->children[0] : input_of(plan);
    }
    return plan;
}

/* A PROJECT that hands on those columns, too: `ids` are its child's, then its own. */
static TN_FALLIBLE widen(tn_plan_context *context, const tn_plan *plan, tn_plan *child,
                         const tn_column_id *ids, uint32_t count, tn_plan **out, tarn_error *err)
{
    uint32_t width = plan->output_count;
    const tn_expr **exprs = NULL;
    tn_output *outputs = NULL;
    tn_arena *arena = context->expr.arena;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_expr *, width + count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_output, width + count, &outputs, err));
    for (uint32_t i = 0; i < width; i++) {
        exprs[i] = plan->exprs[i];
        outputs[i] = plan->outputs[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        const tn_output *column = tn_plan_output(child, ids[i]);
        if (tn_plan_output(plan, ids[i]) == NULL) { /* else it was asked for */
            outputs[width] = *column;
            TN_RETURN_IF_ERROR(tn_expr__column_of(context, column, &exprs[width++], err));
        }
    }
    return tn_plan__project(context, child, exprs, outputs, width, out, err);
}

/* The node over a child that has columns more; `ids` become its own where it renames. */
static TN_FALLIBLE rise(tn_plan_context *context, tn_plan *plan, tn_plan *child, tn_column_id *ids,
                        uint32_t count, tn_plan **out, tarn_error *err)
{
    tn_plan *children[2] = {child, plan->child_count > 1 ? plan->children[1] : NULL};
    if (plan->kind == TN_PLAN_PROJECT) {
        return widen(context, plan, child, ids, count, out, err);
    }
    if (plan->kind != TN_PLAN_SHARED) {
        return tn_plan__with_children(context, plan, children, out, err);
    }
    /* A WITH of the same text: its other readers keep the narrow one, and the ids they know. */
    tn_plan *wide = NULL;
    tn_output *outputs = NULL;
    TN_RETURN_IF_ERROR(tn_plan_shared(context, child, context->next_shared++, &wide, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_output, wide->output_count, &outputs, err));
    for (uint32_t i = 0; i < wide->output_count; i++) {
        outputs[i] = wide->outputs[i];
        for (uint32_t o = 0; o < plan->output_count; o++) {
            if (plan->children[0]->outputs[o].id == child->outputs[i].id) {
                outputs[i].id = plan->outputs[o].id;
            }
        }
        for (uint32_t c = 0; c < count; c++) {
            ids[c] = child->outputs[i].id == ids[c] ? outputs[i].id : ids[c];
        }
    }
    wide->outputs = outputs;
    *out = wide;
    return TARN_OK;
}

tarn_code tn_plan_carry(tn_plan_context *context, tn_plan *plan, const tn_plan *origin,
                        const uint32_t *columns, const tn_str *names, uint32_t count, tn_plan **out,
                        tarn_error *err)
{
    tarn_code code = TARN_OK;
    const uint32_t width = plan->output_count;
    tn_plan *now = NULL;
    tn_column_id *ids = NULL;
    const tn_expr **exprs = NULL;
    tn_str *all = NULL;
    TN_VEC(tn_plan *) path = TN_VEC_INIT(context->pool);

    *out = NULL;
    for (tn_plan *at = plan; at != origin;
         at = at->kind == TN_PLAN_SHARED ? at->children[0] : input_of(at)) {
        TN_TRY(tn_vec_push(&path, at, err));
    }
    TN_TRY(tn_arena_array(context->expr.arena, tn_column_id, count, &ids, err));
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, width + count, &exprs, err));
    TN_TRY(tn_arena_array(context->expr.arena, tn_str, width + count, &all, err));
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = origin->outputs[columns[i]].id;
    }
    for (size_t i = path.count; i > 0; i--) {
        tn_plan *child = now != NULL || path.items[i - 1]->child_count == 0
                             ? now
                             : path.items[i - 1]->children[0];
        TN_TRY(rise(context, path.items[i - 1], child, ids, count, &now, err));
    }
    now = now == NULL ? plan : now;
    for (uint32_t i = 0; i < width + count; i++) {
        const tn_column_id id = i < width ? plan->outputs[i].id : ids[i - width];
        TN_TRY(tn_expr__column_of(context, tn_plan_output(now, id), &exprs[i], err));
        all[i] = i < width ? plan->outputs[i].name : names[i - width];
    }
    TN_TRY(tn_plan_project(context, now, exprs, all, width + count, out, err));
done:
    tn_vec_free(&path);
    return code;
}
