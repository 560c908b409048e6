/*
 * Top-n and limits: LIMIT over SORT is a top-n, and limits go below what keeps the number of rows,
 * down to the scan.  And answers that a source's exact statistics hold already.
 */
#include "expr/function.h"
#include "plan/optimise_internal.h"

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static tarn_code limit_child(tn_plan_context *context, tn_plan *child, uint64_t most, tn_plan **out,
                             tarn_error *err)
{
    *out = child;
    if ((child->kind == TN_PLAN_LIMIT || child->kind == TN_PLAN_SORT) && child->limit <= most) {
        return TARN_OK;
    }
    if (child->kind == TN_PLAN_SCAN && child->row_limit <= most) {
        return TARN_OK;
    }
    return tn_plan_limit(context, child, most, 0, out, err);
}

/* Two limits, or a limit over a top-n: one. */
static tarn_code join_limits(tn_plan_context *context, const tn_plan *plan, tn_plan *inner,
                             tn_plan **out, tarn_error *err)
{
    tn_plan *copy = NULL;
    TN_RETURN_IF_ERROR(tn_plan__copy(context, inner, &copy, err));
    const uint64_t left = inner->limit == UINT64_MAX    ? UINT64_MAX
                          : inner->limit > plan->offset ? inner->limit - plan->offset
                                                        : 0;
    copy->limit = plan->limit < left ? plan->limit : left;
    copy->offset = add_up(inner->offset, plan->offset);
    *out = copy;
    return TARN_OK;
}

static tarn_code push_limit(tn_plan_context *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan *child = plan->children[0];
    const uint64_t most = add_up(plan->limit, plan->offset);
    tn_plan *limited = NULL;
    if (child->kind == TN_PLAN_SORT || child->kind == TN_PLAN_LIMIT) {
        return join_limits(context, plan, child, out, err);
    }
    if (child->kind == TN_PLAN_PROJECT) {
        TN_RETURN_IF_ERROR(
            tn_plan_limit(context, child->children[0], plan->limit, plan->offset, &limited, err));
        return tn_plan__with_children(context, child, &limited, out, err);
    }
    if (most == UINT64_MAX) {
        return TARN_OK;
    }
    if (child->kind == TN_PLAN_SCAN && child->row_limit > most) {
        TN_RETURN_IF_ERROR(tn_plan__copy(context, child, &limited, err));
        limited->row_limit = most;
        return tn_plan__with_children(context, plan, &limited, out, err);
    }
    const bool keeps_left = child->kind == TN_PLAN_JOIN &&
                            (child->join == TN_JOIN_LEFT || child->join == TN_JOIN_MARK ||
                             child->join == TN_JOIN_SINGLE);
    if (!keeps_left && child->kind != TN_PLAN_UNION) {
        return TARN_OK;
    }
    tn_plan **children = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_plan *, child->child_count, &children, err));
    for (uint32_t i = 0; i < child->child_count; i++) {
        children[i] = child->children[i];
        if (i == 0 || !keeps_left) {
            TN_RETURN_IF_ERROR(limit_child(context, children[i], most, &children[i], err));
        }
    }
    TN_RETURN_IF_ERROR(tn_plan__with_children(context, child, children, &limited, err));
    return tn_plan__with_children(context, plan, &limited, out, err);
}

TN_FALLIBLE tn_rule__limits(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan_context *plans = ((tn_optimiser *)context)->context;
    *out = plan;
    while ((*out)->kind == TN_PLAN_LIMIT) {
        tn_plan *before = *out;
        TN_RETURN_IF_ERROR(push_limit(plans, before, out, err));
        if (*out == before || (*out)->children[0] == before->children[0]) {
            return TARN_OK;
        }
        if ((*out)->kind == TN_PLAN_LIMIT && before->children[0]->kind != TN_PLAN_LIMIT) {
            return TARN_OK; /* what can go down went down */
        }
    }
    return TARN_OK;
}

/* ---- from statistics ---- */

/* The scan below projections that only hand columns through. */
static const tn_plan *plain_scan(const tn_plan *plan)
{
    while (plan->kind == TN_PLAN_PROJECT) {
        plan = plan->children[0];
    }
    const bool plain = plan->kind == TN_PLAN_SCAN && plan->conjunct_count == 0 &&
                       plan->row_limit == UINT64_MAX && plan->rejects == NULL;
    return plain ? plan : NULL;
}

/* The scan's field that a column is, seen through the projections. */
static bool field_of(const tn_plan *plan, const tn_expr *expr, uint32_t *field)
{
    while (expr->kind == TN_EXPR_COLUMN && plan->kind == TN_PLAN_PROJECT) {
        uint32_t i = 0;
        while (i < plan->output_count && plan->outputs[i].id != expr->column) {
            i++;
        }
        if (i == plan->output_count) {
            return false;
        }
        expr = plan->exprs[i];
        plan = plan->children[0];
    }
    for (uint32_t i = 0; expr->kind == TN_EXPR_COLUMN && i < plan->output_count; i++) {
        if (plan->outputs[i].id == expr->column) {
            *field = plan->fields[i];
            return plan->fields[i] < plan->source->schema.count;
        }
    }
    return false;
}

/* One aggregate's value, where the statistics are exact. */
static bool known_value(const tn_plan *input, const tn_expr *call, const tn_statistics *statistics,
                        tn_value *out)
{
    const char *name = call->function->name;
    uint32_t field = 0;
    if (call->filter != NULL || call->distinct) {
        return false;
    }
    if (strcmp(name, "count") == 0 && call->child_count == 0) {
        *out = tn_value_bigint((int64_t)statistics->rows);
        return statistics->rows_known == TN_EXACT && call->type == TN_BIGINT;
    }
    if (call->child_count != 1 || statistics->columns == NULL ||
        !field_of(input, call->children[0], &field)) {
        return false;
    }
    const tn_column_statistics *column = &statistics->columns[field];
    if (strcmp(name, "count") == 0) {
        if (column->nulls != TN_EXACT || column->null_count > statistics->rows) {
            return false;
        }
        *out = tn_value_bigint((int64_t)(statistics->rows - column->null_count));
        return statistics->rows_known == TN_EXACT && call->type == TN_BIGINT;
    }
    const bool is_min = strcmp(name, "min") == 0;
    if (column->bounds != TN_EXACT || (!is_min && strcmp(name, "max") != 0)) {
        return false;
    }
    *out = is_min ? column->min : column->max;
    return !out->is_null && out->type == call->type;
}

TN_FALLIBLE tn_rule__shortcuts(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan_context *plans = ((tn_optimiser *)context)->context;
    tn_statistics statistics = {0};
    const tn_expr **exprs = NULL;
    *out = plan;
    if (plan->kind != TN_PLAN_AGGREGATE || plan->key_count > 0 || plan->expr_count == 0) {
        return TARN_OK;
    }
    const tn_plan *scan = plain_scan(plan->children[0]);
    if (scan == NULL || scan->source->ops->statistics == NULL) {
        return TARN_OK;
    }
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        const char *name = plan->exprs[i]->function->name;
        if (strcmp(name, "count") != 0 && strcmp(name, "min") != 0 && strcmp(name, "max") != 0) {
            return TARN_OK;
        }
    }
    TN_RETURN_IF_ERROR(
        scan->source->ops->statistics(scan->source, NULL, 0, plans->expr.arena, &statistics, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(plans->expr.arena, const tn_expr *, plan->expr_count, &exprs, err));
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        tn_value value;
        if (!known_value(plan->children[0], plan->exprs[i], &statistics, &value)) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(
            tn_expr_literal(&plans->expr, &value, plan->exprs[i]->span, &exprs[i], err));
    }
    return tn_plan_values(plans, exprs, 1, plan->outputs, plan->output_count, out, err);
}
