/*
 * DISTINCT in aggregates is groups of its own: count(DISTINCT x) BY k counts the groups of (k, x).
 *
 * With one distinct argument and plain aggregates that can be made of parts, the inner groups carry
 * the parts.  Otherwise the input is shared: the plain aggregates, and each distinct argument, are
 * grouped for themselves and joined by the keys.
 */
#include "expr/function.h"
#include "plan/optimise_internal.h"

typedef struct regroup {
    tn_plan_context *context;
    tn_plan *plan;         /* the aggregate */
    const tn_expr **calls; /* its aggregates, DISTINCT dropped where it means nothing */
    uint32_t *set;         /* of each: UINT32_MAX plain, else number of its distinct argument */
    uint32_t set_count;
} regroup;

static tarn_code call_again(tn_plan_context *context, const char *name, const tn_expr *call,
                            const tn_expr *const *children, bool distinct, const tn_expr *filter,
                            const tn_expr **out, tarn_error *err)
{
    const tn_aggregate_call made = {.name = tn_str_of(name),
                                    .children = children,
                                    .count = call->child_count,
                                    .distinct = distinct,
                                    .filter = filter,
                                    .order = call->order,
                                    .order_count = call->order_count,
                                    .span = call->span};
    return tn_expr_aggregate(&context->expr, &made, out, err);
}

static bool is_distinct(const tn_expr *call)
{
    return call->distinct || strcmp(call->function->name, "count_distinct") == 0;
}

static bool ignores_repetition(const tn_expr *call)
{
    static const char *const names[] = {
        "min", "max", "bool_and", "bool_or", "approx_count_distinct", "any_value"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(call->function->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool same_arguments(const tn_expr *a, const tn_expr *b)
{
    if (a->child_count != b->child_count || (a->filter == NULL) != (b->filter == NULL) ||
        (a->filter != NULL && !tn_expr_equal(a->filter, b->filter))) {
        return false;
    }
    for (uint32_t i = 0; i < a->child_count; i++) {
        if (!tn_expr_equal(a->children[i], b->children[i])) {
            return false;
        }
    }
    return true;
}

/* Arguments become keys of groups, and a key raises its faults: rows that the filter drops must
 * not. */
static tarn_code guard_arguments(tn_plan_context *context, const tn_expr *call, const tn_expr **out,
                                 tarn_error *err)
{
    const tn_expr **children = NULL;
    tn_sort_key *order = NULL;
    bool can_fail = false;
    *out = call;
    for (uint32_t i = 0; i < call->child_count; i++) {
        can_fail |= call->children[i]->can_fail;
    }
    if (call->filter == NULL || !can_fail) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, call->child_count, &children, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_sort_key, call->order_count, &order, err));
    for (uint32_t i = 0; i < call->order_count; i++) {
        order[i] = call->order[i];
    }
    for (uint32_t i = 0; i < call->child_count; i++) {
        const tn_expr *const parts[] = {call->filter, call->children[i]};
        children[i] = call->children[i];
        if (children[i]->can_fail) {
            TN_RETURN_IF_ERROR(
                tn_expr_case(&context->expr, parts, 2, children[i]->span, &children[i], err));
        }
        for (uint32_t k = 0; k < call->order_count; k++) {
            if (tn_expr_equal(call->order[k].expr, call->children[i])) {
                order[k].expr = children[i];
            }
        }
    }
    tn_expr shape = *call;
    shape.order = order;
    return call_again(context, call->function->name, &shape, children, call->distinct, call->filter,
                      out, err);
}

static tarn_code sort_out(regroup *g, tarn_error *err)
{
    const tn_plan *plan = g->plan;
    TN_RETURN_IF_ERROR(
        tn_arena_array(g->context->expr.arena, const tn_expr *, plan->expr_count, &g->calls, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(g->context->expr.arena, uint32_t, plan->expr_count, &g->set, err));
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        const tn_expr *call = plan->exprs[i];
        g->calls[i] = call;
        g->set[i] = UINT32_MAX;
        if (!is_distinct(call)) {
            continue;
        }
        if (ignores_repetition(call)) {
            TN_RETURN_IF_ERROR(call_again(g->context, call->function->name, call, call->children,
                                          false, call->filter, &g->calls[i], err));
            continue;
        }
        TN_RETURN_IF_ERROR(guard_arguments(g->context, call, &g->calls[i], err));
        call = g->calls[i];
        for (uint32_t j = 0; j < i && g->set[i] == UINT32_MAX; j++) {
            if (g->set[j] != UINT32_MAX && same_arguments(g->calls[j], call)) {
                g->set[i] = g->set[j];
            }
        }
        if (g->set[i] == UINT32_MAX) {
            g->set[i] = g->set_count++;
        }
    }
    return TARN_OK;
}

/* ---- one distinct argument ---- */

/* A node of groups; keys first. */
static tarn_code group_node(regroup *g, tn_plan *child, const tn_expr *const *keys,
                            uint32_t key_count, const tn_expr *const *calls, uint32_t count,
                            const tn_output *outputs, tn_plan **out, tarn_error *err)
{
    tn_plan *made = NULL;
    TN_RETURN_IF_ERROR(
        tn_plan__new(g->context, TN_PLAN_AGGREGATE, g->plan->span, &child, 1, &made, err));
    made->keys = keys;
    made->key_count = key_count;
    made->exprs = calls;
    made->expr_count = count;
    made->outputs = outputs;
    made->output_count = key_count + count;
    *out = made;
    return TARN_OK;
}

/* A column for an expression of the inner groups: the key that it is. */
typedef struct inner_keys {
    tn_plan_context *context;
    const tn_expr *const *keys;
    const tn_output *outputs;
    uint32_t count;
} inner_keys;

static tarn_code key_column(const inner_keys *k, const tn_expr *expr, const tn_expr **out,
                            tarn_error *err)
{
    *out = NULL;
    for (uint32_t i = 0; i < k->count && *out == NULL; i++) {
        if (tn_expr_equal(k->keys[i], expr)) {
            TN_RETURN_IF_ERROR(tn_expr__column_of(k->context, &k->outputs[i], out, err));
        }
    }
    return TARN_OK;
}

static tarn_code outer_distinct(regroup *g, const inner_keys *k, const tn_expr *call,
                                const tn_expr **out, tarn_error *err)
{
    tn_plan_context *context = g->context;
    const tn_expr **children = NULL;
    const tn_expr *filter = NULL;
    tn_sort_key *order = NULL;
    tn_expr shape = *call;
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, call->child_count, &children, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_sort_key, call->order_count, &order, err));
    for (uint32_t i = 0; i < call->child_count; i++) {
        TN_RETURN_IF_ERROR(key_column(k, call->children[i], &children[i], err));
        if (children[i] == NULL) { /* a constant, as a separator: no key */
            children[i] = call->children[i];
        }
    }
    if (call->filter != NULL) {
        TN_RETURN_IF_ERROR(key_column(k, call->filter, &filter, err));
        filter = filter == NULL ? call->filter : filter; /* a constant */
    }
    for (uint32_t i = 0; i < call->order_count; i++) {
        order[i] = call->order[i];
        TN_RETURN_IF_ERROR(key_column(k, call->order[i].expr, &order[i].expr, err));
        if (order[i].expr == NULL) {
            const tarn_code code =
                tn_fail(err, TARN_E_INVALID,
                        "%s(DISTINCT ... ORDER BY ...) can be ordered only by its arguments",
                        call->function->name);
            if (err != NULL) {
                err->span_start = call->span.start;
                err->span_length = call->span.length;
            }
            return code;
        }
    }
    shape.order = order;
    const char *name = call->function->name;
    return call_again(context, strcmp(name, "count_distinct") == 0 ? "count" : name, &shape,
                      children, false, filter, out, err);
}

/* Keys of the inner groups: the node's, then the arguments and the filter of the distinct ones. */
static tarn_code inner_keys_of(regroup *g, uint32_t set, inner_keys *out, tarn_error *err)
{
    tn_plan_context *context = g->context;
    const tn_plan *plan = g->plan;
    const tn_expr *call = NULL;
    const tn_expr **keys = NULL;
    tn_output *outputs = NULL;
    for (uint32_t i = 0; i < plan->expr_count && call == NULL; i++) {
        call = g->set[i] == set ? g->calls[i] : NULL;
    }
    const uint32_t most = plan->key_count + call->child_count + 1;
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_expr *, most, &keys, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_output, most + plan->expr_count * 2, &outputs, err));
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->key_count; i++) {
        keys[n] = plan->keys[i];
        outputs[n] = plan->outputs[i];
        outputs[n++].id = tn_plan_new_column(context);
    }
    for (uint32_t i = 0; i <= call->child_count; i++) {
        const tn_expr *expr = i < call->child_count ? call->children[i] : call->filter;
        if (expr == NULL || expr->is_constant) {
            continue;
        }
        keys[n] = expr;
        outputs[n++] =
            (tn_output){tn_plan_new_column(context), TN_STR("distinct"), expr->type, true};
    }
    if (n == 0) { /* of a constant alone: one group where there is a row, and none where not */
        keys[n] = call->children[0];
        outputs[n++] = (tn_output){tn_plan_new_column(context), TN_STR("distinct"),
                                   call->children[0]->type, true};
    }
    *out = (inner_keys){context, keys, outputs, n};
    return TARN_OK;
}

/* ---- parts ---- */

static bool has_parts(const tn_expr *call)
{
    const char *name = call->function->name;
    if (call->order_count > 0) {
        return false;
    }
    if (strcmp(name, "sum") == 0 || strcmp(name, "avg") == 0) {
        const tn_type *type = call->children[0]->type;
        return tn_type_is_integer(type) ||
               (type->kind == TN_KIND_DECIMAL && strcmp(name, "sum") == 0);
    }
    return strcmp(name, "count") == 0 || strcmp(name, "min") == 0 || strcmp(name, "max") == 0 ||
           strcmp(name, "bool_and") == 0 || strcmp(name, "bool_or") == 0;
}

typedef struct parts {
    regroup *g;
    tn_expr_vec inner, outer;  /* aggregates of the two levels */
    TN_VEC(tn_output) columns; /* of the outer aggregates */
    tn_expr_vec results;       /* one for each aggregate of the node, over .columns */
    tn_output *inner_outputs;  /* behind the inner keys */
    uint32_t inner_first;
} parts;

/* An inner aggregate and the outer one that adds it up; a column of the result. */
static tarn_code add_part(parts *p, const char *inner_name, const char *outer_name,
                          const tn_expr *call, const tn_type *type, const tn_expr **out,
                          tarn_error *err)
{
    tn_plan_context *context = p->g->context;
    const tn_expr *inner = NULL;
    const tn_expr *column = NULL;
    const tn_expr *outer = NULL;
    TN_RETURN_IF_ERROR(
        call_again(context, inner_name, call, call->children, false, call->filter, &inner, err));
    tn_output *output = &p->inner_outputs[p->inner_first + p->inner.count];
    *output = (tn_output){tn_plan_new_column(context), TN_STR("part"), inner->type, true};
    TN_RETURN_IF_ERROR(tn_vec_push(&p->inner, inner, err));
    TN_RETURN_IF_ERROR(tn_expr__column_of(context, output, &column, err));
    const tn_aggregate_call made = {
        .name = tn_str_of(outer_name), .children = &column, .count = 1, .span = call->span};
    TN_RETURN_IF_ERROR(tn_expr_aggregate(&context->expr, &made, &outer, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&p->outer, outer, err));
    TN_RETURN_IF_ERROR(tn_vec_push(
        &p->columns, ((tn_output){tn_plan_new_column(context), TN_STR("whole"), outer->type, true}),
        err));
    TN_RETURN_IF_ERROR(
        tn_expr__column_of(context, &p->columns.items[p->columns.count - 1], out, err));
    if (type != NULL && (*out)->type != type) {
        return tn_expr_cast(&context->expr, *out, type, false, false, call->span, out, err);
    }
    return TARN_OK;
}

static tarn_code zero_of(tn_plan_context *context, const tn_expr *expr, const tn_expr **out,
                         tarn_error *err)
{
    const tn_value zero = tn_value_bigint(0);
    const tn_expr *literal = NULL;
    TN_RETURN_IF_ERROR(tn_expr_literal(&context->expr, &zero, expr->span, &literal, err));
    TN_RETURN_IF_ERROR(
        tn_expr_cast(&context->expr, literal, expr->type, false, false, expr->span, &literal, err));
    return tn_expr__call2(context, "coalesce", expr, literal, out, err);
}

static tarn_code add_plain(parts *p, const tn_expr *call, const tn_expr **out, tarn_error *err)
{
    tn_plan_context *context = p->g->context;
    const char *name = call->function->name;
    if (strcmp(name, "count") == 0) {
        TN_RETURN_IF_ERROR(add_part(p, "count", "sum", call, call->type, out, err));
        return zero_of(context, *out, out, err);
    }
    if (strcmp(name, "avg") == 0) {
        const tn_expr *sum = NULL;
        const tn_expr *count = NULL;
        const tn_expr *none = NULL;
        const tn_value zero = tn_value_double(0);
        TN_RETURN_IF_ERROR(add_part(p, "sum", "sum", call, TN_DOUBLE, &sum, err));
        TN_RETURN_IF_ERROR(add_part(p, "count", "sum", call, TN_DOUBLE, &count, err));
        TN_RETURN_IF_ERROR(tn_expr_literal(&context->expr, &zero, call->span, &none, err));
        TN_RETURN_IF_ERROR(tn_expr__call2(context, "nullif", count, none, &count, err));
        return tn_expr__call2(context, "/", sum, count, out, err);
    }
    return add_part(p, name, name, call, call->type, out, err);
}

/* ---- two levels ---- */

static tarn_code two_levels(regroup *g, tn_plan *child, uint32_t set, bool with_plain,
                            tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = g->context;
    const tn_plan *plan = g->plan;
    tn_pool *pool = context->pool;
    inner_keys k = {0};
    parts p = {.g = g,
               .inner = TN_VEC_INIT(pool),
               .outer = TN_VEC_INIT(pool),
               .columns = TN_VEC_INIT(pool),
               .results = TN_VEC_INIT(pool)};
    TN_VEC(tn_output) made = TN_VEC_INIT(pool);
    const tn_expr **lists[3] = {NULL};
    tn_output *outputs = NULL;
    tn_plan *inner = NULL;
    tn_plan *outer = NULL;

    TN_TRY(inner_keys_of(g, set, &k, err));
    /* inner_keys_of left room behind the keys for all parts. */
    TN_TRY(tn_arena_array(context->expr.arena, tn_output, k.count + plan->expr_count * 2,
                          &p.inner_outputs, err));
    memcpy(p.inner_outputs, k.outputs, k.count * sizeof(*p.inner_outputs));
    p.inner_first = k.count;
    for (uint32_t i = 0; i < plan->key_count; i++) {
        const tn_expr *column = NULL;
        TN_TRY(tn_expr__column_of(context, &plan->outputs[i], &column, err));
        TN_TRY(tn_vec_push(&p.results, column, err));
        TN_TRY(tn_vec_push(&made, plan->outputs[i], err));
    }
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        const tn_expr *result = NULL;
        if (g->set[i] == set) {
            const tn_expr *call = NULL;
            TN_TRY(outer_distinct(g, &k, g->calls[i], &call, err));
            TN_TRY(tn_vec_push(&p.outer, call, err));
            TN_TRY(tn_vec_push(&p.columns, plan->outputs[plan->key_count + i], err));
            p.columns.items[p.columns.count - 1].id = tn_plan_new_column(context);
            TN_TRY(
                tn_expr__column_of(context, &p.columns.items[p.columns.count - 1], &result, err));
        } else if (g->set[i] == UINT32_MAX && with_plain) {
            TN_TRY(add_plain(&p, g->calls[i], &result, err));
        } else {
            continue;
        }
        TN_TRY(tn_vec_push(&p.results, result, err));
        TN_TRY(tn_vec_push(&made, plan->outputs[plan->key_count + i], err));
    }
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, p.inner.count, &lists[0], err));
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, p.outer.count, &lists[1], err));
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, plan->key_count, &lists[2], err));
    TN_TRY(tn_arena_array(context->expr.arena, tn_output, plan->key_count + p.outer.count, &outputs,
                          err));
    if (p.inner.count > 0) {
        memcpy(lists[0], p.inner.items, p.inner.count * sizeof(**lists));
    }
    memcpy(lists[1], p.outer.items, p.outer.count * sizeof(**lists));
    for (uint32_t i = 0; i < plan->key_count; i++) {
        outputs[i] = plan->outputs[i];
        TN_TRY(tn_expr__column_of(context, &k.outputs[i], &lists[2][i], err));
    }
    memcpy(outputs + plan->key_count, p.columns.items, p.columns.count * sizeof(*outputs));
    TN_TRY(group_node(g, child, k.keys, k.count, lists[0], (uint32_t)p.inner.count, p.inner_outputs,
                      &inner, err));
    TN_TRY(group_node(g, inner, lists[2], plan->key_count, lists[1], (uint32_t)p.outer.count,
                      outputs, &outer, err));
    TN_TRY(tn_plan__project(context, outer, p.results.items, made.items, (uint32_t)made.count, out,
                            err));
done:
    tn_vec_free(&p.inner);
    tn_vec_free(&p.outer);
    tn_vec_free(&p.columns);
    tn_vec_free(&p.results);
    tn_vec_free(&made);
    return code;
}

/* ---- several groupings of one input, joined ---- */

typedef struct renaming {
    tn_plan_context *context;
    const tn_plan *from, *to; /* outputs by position */
    tarn_code failed;
} renaming;

static const tn_expr *renamed(void *context, tn_column_id id)
{
    renaming *r = context;
    const tn_expr *column = NULL;
    for (uint32_t i = 0; i < r->from->output_count && r->failed == TARN_OK; i++) {
        if (r->from->outputs[i].id == id) {
            r->failed = tn_expr__column_of(r->context, &r->to->outputs[i], &column, NULL);
            break;
        }
    }
    return column;
}

static tarn_code rename_expr(void *context, const tn_expr *expr, const tn_expr **out,
                             tarn_error *err)
{
    renaming *r = context;
    TN_RETURN_IF_ERROR(tn_expr__replace(r->context, expr, renamed, r, out, err));
    return r->failed == TARN_OK ? TARN_OK : tn_fail(err, r->failed, "no memory left for the plan");
}

/* The node's aggregates of one set (or the plain ones) over a reader of the shared input; its keys
 * have new ids unless it is the first. */
static tarn_code grouping(regroup *g, uint32_t shared_id, uint32_t set, bool first, tn_plan **out,
                          tarn_error *err)
{
    tn_plan_context *context = g->context;
    tn_plan *child = g->plan->children[0];
    tn_plan *shared = NULL;
    tn_plan *part = NULL;
    tn_output *outputs = NULL;
    const tn_expr **calls = NULL;
    uint32_t count = 0;
    regroup own = {.context = context};
    TN_RETURN_IF_ERROR(tn_plan_shared(context, child, shared_id, &shared, err));
    TN_RETURN_IF_ERROR(tn_plan__copy(context, g->plan, &part, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_output, part->output_count, &outputs, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, part->expr_count, &calls, err));
    for (uint32_t i = 0; i < part->key_count; i++) {
        outputs[i] = g->plan->outputs[i];
        outputs[i].id = first ? outputs[i].id : tn_plan_new_column(context);
    }
    for (uint32_t i = 0; i < g->plan->expr_count; i++) {
        if (g->set[i] == set) {
            outputs[part->key_count + count] = g->plan->outputs[part->key_count + i];
            calls[count++] = g->calls[i];
        }
    }
    part->exprs = calls;
    part->expr_count = count;
    part->outputs = outputs;
    part->output_count = part->key_count + count;
    renaming r = {context, child, shared, TARN_OK};
    TN_RETURN_IF_ERROR(tn_plan__map_exprs(context, part, rename_expr, &r, &part, err));
    TN_RETURN_IF_ERROR(tn_plan__with_children(context, part, &shared, &part, err));
    *out = part;
    if (set == UINT32_MAX) {
        return TARN_OK;
    }
    own.plan = part;
    TN_RETURN_IF_ERROR(sort_out(&own, err));
    return two_levels(&own, shared, 0, false, out, err);
}

static tarn_code join_groupings(regroup *g, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = g->context;
    const uint32_t shared_id = context->next_shared++;
    tn_expr_vec conditions = TN_VEC_INIT(context->pool);
    bool plain = false;
    tn_plan *all = NULL;
    for (uint32_t i = 0; i < g->plan->expr_count; i++) {
        plain |= g->set[i] == UINT32_MAX;
    }
    for (uint32_t set = 0; set < g->set_count + plain; set++) {
        tn_plan *part = NULL;
        TN_TRY(grouping(g, shared_id, set == g->set_count ? UINT32_MAX : set, all == NULL, &part,
                        err));
        if (all == NULL) {
            all = part;
            continue;
        }
        conditions.count = 0;
        for (uint32_t i = 0; i < g->plan->key_count; i++) {
            const tn_expr *left = NULL;
            const tn_expr *right = NULL;
            const tn_expr *same = NULL;
            TN_TRY(tn_expr__column_of(context, &g->plan->outputs[i], &left, err));
            TN_TRY(tn_expr__column_of(context, &part->outputs[i], &right, err));
            TN_TRY(tn_expr__call2(context,
                                  g->plan->outputs[i].nullable ? "is_not_distinct_from" : "=", left,
                                  right, &same, err));
            TN_TRY(tn_vec_push(&conditions, same, err));
        }
        TN_TRY(tn_plan__join(context, TN_PLAN_JOIN, TN_JOIN_INNER, all, part, conditions.items,
                             (uint32_t)conditions.count, g->plan->span, &all, err));
    }
    TN_TRY(tn_plan__restore(context, all, g->plan->outputs, g->plan->output_count, out, err));
done:
    tn_vec_free(&conditions);
    return code;
}

TN_FALLIBLE tn_rule__distinct_aggregates(void *context, tn_plan *plan, tn_plan **out,
                                         tarn_error *err)
{
    regroup g = {.context = ((tn_optimiser *)context)->context, .plan = plan};
    bool any = false;
    bool plain = false;
    bool all_have_parts = true;
    *out = plan;
    for (uint32_t i = 0; plan->kind == TN_PLAN_AGGREGATE && i < plan->expr_count; i++) {
        any |= is_distinct(plan->exprs[i]);
    }
    if (!any) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(sort_out(&g, err));
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        plain |= g.set[i] == UINT32_MAX;
        all_have_parts &= g.set[i] != UINT32_MAX || has_parts(g.calls[i]);
    }
    if (g.set_count == 0) {
        TN_RETURN_IF_ERROR(tn_plan__copy(g.context, plan, out, err));
        (*out)->exprs = g.calls;
        return TARN_OK;
    }
    if (g.set_count == 1 && (!plain || all_have_parts)) {
        return two_levels(&g, plan->children[0], 0, plain, out, err);
    }
    return join_groupings(&g, out, err);
}
