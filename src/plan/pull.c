/*
 * What can fail is computed above joins, sorts, DISTINCT ON and plans that are read more than once,
 * not below: their row stores keep no faults, so a fault would be raised for rows that nobody asks
 * for (decision 5).
 */
#include "plan/optimise_internal.h"

typedef struct pulling {
    tn_plan_context *context;
    tn_plan *node;
    tn_columns reads;     /* what the node's own expressions read */
    const tn_expr **late; /* by output of the node: the expression to compute above, or NULL */
    bool any;
} pulling;

/* May expressions over this child be computed above the node? */
static bool may_pull(const tn_plan *node, uint32_t child, const tn_expr *expr)
{
    if (node->kind == TN_PLAN_SORT || node->kind == TN_PLAN_SHARED ||
        (node->kind == TN_PLAN_DISTINCT && node->key_count > 0)) {
        return true;
    }
    if (node->kind != TN_PLAN_JOIN) {
        return false;
    }
    const bool nulls = child == 0 ? node->join == TN_JOIN_RIGHT || node->join == TN_JOIN_FULL
                                  : node->join == TN_JOIN_LEFT || node->join == TN_JOIN_FULL ||
                                        node->join == TN_JOIN_SINGLE;
    if (child == 1 && tn_plan__left_only(node->join)) {
        return false;
    }
    return !nulls || tn_expr__is_strict(expr);
}

static bool is_late(const pulling *p, uint32_t child, const tn_plan *project, uint32_t i)
{
    const tn_expr *expr = project->exprs[i];
    return expr->can_fail && !expr->is_volatile &&
           !tn_columns__has(&p->reads, project->outputs[i].id) && may_pull(p->node, child, expr);
}

/* The child without the late outputs, with what they read instead. */
static tarn_code lower(pulling *p, uint32_t child, tn_plan *project, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = p->context;
    tn_expr_vec exprs = TN_VEC_INIT(context->pool);
    TN_VEC(tn_output) outputs = TN_VEC_INIT(context->pool);
    tn_columns wanted;
    tn_columns__init(&wanted, context->pool);
    for (uint32_t i = 0; i < project->expr_count; i++) {
        if (is_late(p, child, project, i)) {
            TN_TRY(tn_columns__add_expr(&wanted, project->exprs[i], err));
        } else {
            TN_TRY(tn_vec_push(&exprs, project->exprs[i], err));
            TN_TRY(tn_vec_push(&outputs, project->outputs[i], err));
        }
    }
    for (size_t i = 0; i < outputs.count; i++) {
        tn_columns__remove(&wanted, outputs.items[i].id);
    }
    const tn_plan *input = project->children[0];
    for (uint32_t i = 0; i < input->output_count; i++) {
        const tn_expr *column = NULL;
        if (tn_columns__has(&wanted, input->outputs[i].id)) {
            TN_TRY(tn_expr__column_of(context, &input->outputs[i], &column, err));
            TN_TRY(tn_vec_push(&exprs, column, err));
            TN_TRY(tn_vec_push(&outputs, input->outputs[i], err));
        }
    }
    TN_TRY(tn_plan__project(context, project->children[0], exprs.items, outputs.items,
                            (uint32_t)exprs.count, out, err));
done:
    tn_vec_free(&exprs);
    tn_vec_free(&outputs);
    tn_columns__deinit(&wanted);
    return code;
}

static void note_late(pulling *p, uint32_t child, const tn_plan *project)
{
    for (uint32_t i = 0; i < project->expr_count; i++) {
        if (!is_late(p, child, project, i)) {
            continue;
        }
        for (uint32_t o = 0; o < p->node->output_count; o++) {
            if (p->node->outputs[o].id == project->outputs[i].id) {
                p->late[o] = project->exprs[i];
                p->any = true;
            }
        }
    }
}

static tarn_code raise_up(pulling *p, tn_plan **out, tarn_error *err)
{
    tn_plan *node = p->node;
    tn_plan *children[2] = {NULL, NULL};
    tn_plan *made = NULL;
    for (uint32_t c = 0; c < node->child_count; c++) {
        children[c] = node->children[c];
        if (children[c]->kind == TN_PLAN_PROJECT) {
            TN_RETURN_IF_ERROR(lower(p, c, children[c], &children[c], err));
        }
    }
    TN_RETURN_IF_ERROR(tn_plan__with_children(p->context, node, children, &made, err));
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (p->late[i] == NULL) {
            TN_RETURN_IF_ERROR(tn_expr__column_of(p->context, &node->outputs[i], &p->late[i], err));
        }
    }
    return tn_plan__project(p->context, made, p->late, node->outputs, node->output_count, out, err);
}

/* ---- plans that are read more than once ---- */

typedef struct reading {
    const tn_plan *lowered; /* what the shared plan is now */
    const tn_output *outputs;
    tn_plan_context *context;
    tn_expr_vec columns; /* made for the replacement, kept in the arena */
} reading;

static const tn_expr *read_as(void *context, tn_column_id id)
{
    const reading *r = context;
    for (uint32_t i = 0; i < r->lowered->output_count; i++) {
        if (r->lowered->outputs[i].id == id) {
            return r->columns.items[i];
        }
    }
    return NULL;
}

/* The child of all readers, once for all of them: without what can fail, and with what that reads.
 */
static TN_FALLIBLE lower_shared(tn_optimiser *optimiser, pulling *p, tn_plan *project,
                                tn_plan **out, tarn_error *err)
{
    size_t at = 0;
    if (tn_pointer_map__find(&optimiser->lowered, project, &at)) {
        *out = (tn_plan *)(uintptr_t)at;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(lower(p, 0, project, out, err));
    return tn_pointer_map__put(&optimiser->lowered, project, (size_t)(uintptr_t)*out, err);
}

static TN_FALLIBLE above_reader(pulling *p, const tn_plan *project, tn_plan *lowered, tn_plan **out,
                                tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = p->context;
    tn_plan *node = p->node;
    tn_plan *made = NULL;
    tn_output *outputs = NULL;
    const tn_expr **exprs = NULL;
    reading r = {.lowered = lowered, .context = context, .columns = TN_VEC_INIT(context->pool)};

    TN_TRY(tn_plan__with_children(context, node, &lowered, &made, err));
    TN_TRY(tn_arena_array(context->expr.arena, tn_output, lowered->output_count, &outputs, err));
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, node->output_count, &exprs, err));
    for (uint32_t i = 0; i < lowered->output_count; i++) {
        const tn_expr *column = NULL;
        outputs[i] = lowered->outputs[i];
        outputs[i].id = tn_plan_new_column(context);
        TN_TRY(tn_expr__column_of(context, &outputs[i], &column, err));
        TN_TRY(tn_vec_push(&r.columns, column, err));
    }
    made->outputs = outputs;
    made->output_count = lowered->output_count;
    for (uint32_t i = 0; i < node->output_count; i++) {
        exprs[i] = read_as(&r, project->outputs[i].id);
        if (exprs[i] == NULL) {
            TN_TRY(tn_expr__replace(context, project->exprs[i], read_as, &r, &exprs[i], err));
        }
    }
    TN_TRY(tn_plan__project(context, made, exprs, node->outputs, node->output_count, out, err));
done:
    tn_vec_free(&r.columns);
    return code;
}

static TN_FALLIBLE pull_from_shared(tn_optimiser *optimiser, tn_plan *plan, tn_plan **out,
                                    tarn_error *err)
{
    tarn_code code = TARN_OK;
    pulling p = {.context = optimiser->context, .node = plan};
    tn_plan *project = plan->children[0];
    tn_plan *lowered = NULL;
    bool any = false;
    *out = plan;
    if (project->kind != TN_PLAN_PROJECT) {
        return TARN_OK;
    }
    tn_columns__init(&p.reads, p.context->pool);
    for (uint32_t i = 0; i < project->expr_count; i++) {
        any = any || is_late(&p, 0, project, i);
    }
    if (any) {
        TN_TRY(lower_shared(optimiser, &p, project, &lowered, err));
        TN_TRY(above_reader(&p, project, lowered, out, err));
    }
done:
    tn_columns__deinit(&p.reads);
    return code;
}

TN_FALLIBLE tn_rule__pull_fallible(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    pulling p = {.context = ((tn_optimiser *)context)->context, .node = plan};
    *out = plan;
    if (plan->kind == TN_PLAN_SHARED) {
        return pull_from_shared(context, plan, out, err);
    }
    if (plan->kind != TN_PLAN_JOIN && plan->kind != TN_PLAN_SORT &&
        plan->kind != TN_PLAN_DISTINCT) {
        return TARN_OK;
    }
    tn_columns__init(&p.reads, p.context->pool);
    TN_TRY(tn_columns__add_node(&p.reads, plan, err));
    TN_TRY(
        tn_arena_array(p.context->expr.arena, const tn_expr *, plan->output_count, &p.late, err));
    for (uint32_t c = 0; c < plan->child_count; c++) {
        if (plan->children[c]->kind == TN_PLAN_PROJECT) {
            note_late(&p, c, plan->children[c]);
        }
    }
    if (p.any) {
        TN_TRY(raise_up(&p, out, err));
    }
done:
    tn_columns__deinit(&p.reads);
    return code;
}
