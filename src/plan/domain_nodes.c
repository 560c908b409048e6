/* What each kind of node becomes when it is freed of outer columns: domain.c. */
#include "expr/function.h"
#include "plan/domain_internal.h"

/* ---- projections ---- */

typedef struct columns_made {
    tn_expr_vec exprs;
    TN_VEC(tn_output) outputs;
} columns_made;

static void columns_init(columns_made *made, tn_pool *pool)
{
    *made = (columns_made){TN_VEC_INIT(pool), TN_VEC_INIT(pool)};
}

static void columns_deinit(columns_made *made)
{
    tn_vec_free(&made->exprs);
    tn_vec_free(&made->outputs);
}

static bool columns_have(const columns_made *made, tn_column_id id)
{
    for (size_t i = 0; i < made->outputs.count; i++) {
        if (made->outputs.items[i].id == id) {
            return true;
        }
    }
    return false;
}

static tarn_code columns_push(columns_made *made, const tn_expr *expr, const tn_output *output,
                              tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_push(&made->exprs, expr, err));
    return tn_vec_push(&made->outputs, *output, err);
}

static tarn_code columns_push_replicas(tn_freeing *f, columns_made *made,
                                       const tn_replicas *replicas, tarn_error *err)
{
    for (size_t i = 0; i < replicas->count; i++) {
        const tn_expr *column = NULL;
        if (columns_have(made, replicas->items[i].column.id)) {
            continue;
        }
        TN_RETURN_IF_ERROR(
            tn_expr__column_of(f->context, &replicas->items[i].column, &column, err));
        TN_RETURN_IF_ERROR(columns_push(made, column, &replicas->items[i].column, err));
    }
    return TARN_OK;
}

static tarn_code free_project(tn_freeing *f, const tn_plan *plan, tn_freed *to, tarn_error *err)
{
    tarn_code code = TARN_OK;
    columns_made made;
    columns_init(&made, f->context->pool);
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        const tn_expr *expr = NULL;
        TN_TRY(tn_domain__replace(f, &to->replicas, plan->exprs[i], &expr, err));
        TN_TRY(columns_push(&made, expr, &plan->outputs[i], err));
    }
    TN_TRY(columns_push_replicas(f, &made, &to->replicas, err));
    TN_TRY(tn_plan__project(f->context, to->plan, made.exprs.items, made.outputs.items,
                            (uint32_t)made.exprs.count, &to->plan, err));
done:
    columns_deinit(&made);
    return code;
}

/* Exactly these outputs, then the replicas: for nodes that look at whole rows. */
static tarn_code narrow(tn_freeing *f, const tn_plan *like, tn_freed *to, tarn_error *err)
{
    tarn_code code = TARN_OK;
    columns_made made;
    columns_init(&made, f->context->pool);
    for (uint32_t i = 0; i < like->output_count; i++) {
        const tn_expr *column = NULL;
        TN_TRY(tn_expr__column_of(f->context, &like->outputs[i], &column, err));
        TN_TRY(columns_push(&made, column, &like->outputs[i], err));
    }
    TN_TRY(columns_push_replicas(f, &made, &to->replicas, err));
    TN_TRY(tn_plan__project(f->context, to->plan, made.exprs.items, made.outputs.items,
                            (uint32_t)made.exprs.count, &to->plan, err));
done:
    columns_deinit(&made);
    return code;
}

/* ---- aggregates ---- */

static bool has_default(const tn_expr *aggregate)
{
    const char *name = aggregate->function->name;
    return strcmp(name, "count") == 0 || strcmp(name, "count_if") == 0 ||
           strcmp(name, "approx_count_distinct") == 0 || strcmp(name, "count_distinct") == 0;
}

TN_FALLIBLE tn_plan__defaults(tn_plan_context *context, tn_plan *aggregate, uint32_t first,
                              tn_output *outputs, const tn_expr **exprs, tarn_error *err)
{
    for (uint32_t i = 0; i < aggregate->expr_count; i++) {
        const tn_expr *call = aggregate->exprs[i];
        tn_output *output = &outputs[first + i];
        if (!has_default(call)) {
            TN_RETURN_IF_ERROR(tn_expr__column_of(context, output, &exprs[i], err));
            continue;
        }
        const tn_value zero = {.type = TN_BIGINT, .i64 = 0};
        const tn_expr *literal = NULL;
        const tn_expr *column = NULL;
        output->id = tn_plan_new_column(context);
        TN_RETURN_IF_ERROR(tn_expr__column_of(context, output, &column, err));
        TN_RETURN_IF_ERROR(tn_expr_literal(&context->expr, &zero, call->span, &literal, err));
        TN_RETURN_IF_ERROR(tn_expr_cast(&context->expr, literal, call->type, false, false,
                                        call->span, &literal, err));
        TN_RETURN_IF_ERROR(tn_expr__call2(context, "coalesce", column, literal, &exprs[i], err));
    }
    return TARN_OK;
}

/* Groups by the replicas, too. */
static tarn_code group_by_replicas(tn_freeing *f, const tn_plan *plan, tn_freed *to, tn_plan **out,
                                   tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = f->context;
    columns_made made;
    tn_plan *group = NULL;
    tn_output *outputs = NULL;
    const tn_expr **keys = NULL;
    const tn_expr **aggregates = NULL;
    columns_init(&made, context->pool);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        const tn_expr *key = NULL;
        TN_TRY(tn_domain__replace(f, &to->replicas, plan->keys[i], &key, err));
        TN_TRY(columns_push(&made, key, &plan->outputs[i], err));
    }
    TN_TRY(columns_push_replicas(f, &made, &to->replicas, err));
    const uint32_t key_count = (uint32_t)made.exprs.count;
    const uint32_t width = key_count + plan->expr_count;
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, key_count, &keys, err));
    TN_TRY(
        tn_arena_array(context->expr.arena, const tn_expr *, plan->expr_count, &aggregates, err));
    TN_TRY(tn_arena_array(context->expr.arena, tn_output, width, &outputs, err));
    memcpy(keys, made.exprs.items, key_count * sizeof(*keys));
    memcpy(outputs, made.outputs.items, key_count * sizeof(*outputs));
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        TN_TRY(tn_domain__replace(f, &to->replicas, plan->exprs[i], &aggregates[i], err));
        outputs[key_count + i] = plan->outputs[plan->key_count + i];
    }
    TN_TRY(tn_plan__new(context, TN_PLAN_AGGREGATE, plan->span, &to->plan, 1, &group, err));
    group->keys = keys;
    group->key_count = key_count;
    group->exprs = aggregates;
    group->expr_count = plan->expr_count;
    group->outputs = outputs;
    group->output_count = width;
    *out = group;
done:
    columns_deinit(&made);
    return code;
}

/* One row for each value of the domain, also where the aggregate saw none. */
static tarn_code complete(tn_freeing *f, const tn_plan *plan, tn_plan *group, tn_freed *to,
                          tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = f->context;
    tn_freed domain = {NULL, TN_VEC_INIT(context->pool)};
    tn_expr_vec conditions = TN_VEC_INIT(context->pool);
    columns_made made;
    tn_columns wanted;
    tn_output *outputs = NULL;
    const tn_expr **exprs = NULL;
    tn_plan *join = NULL;
    columns_init(&made, context->pool);
    tn_columns__init(&wanted, context->pool);
    for (size_t i = 0; i < to->replicas.count; i++) {
        TN_TRY(tn_columns__add(&wanted, to->replicas.items[i].outer, err));
    }
    TN_TRY(tn_arena_array(context->expr.arena, tn_output, group->output_count, &outputs, err));
    memcpy(outputs, group->outputs, group->output_count * sizeof(*outputs));
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, group->expr_count, &exprs, err));
    TN_TRY(tn_plan__defaults(context, group, group->key_count, outputs, exprs, err));
    group->outputs = outputs;
    TN_TRY(tn_domain__make(f, &wanted, &domain, err));
    TN_TRY(tn_domain__common(f, &domain.replicas, &to->replicas, &conditions, err));
    TN_TRY(tn_plan__join(context, TN_PLAN_JOIN, TN_JOIN_LEFT, domain.plan, group, conditions.items,
                         (uint32_t)conditions.count, plan->span, &join, err));
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        TN_TRY(columns_push(&made, exprs[i], &plan->outputs[plan->key_count + i], err));
    }
    TN_TRY(columns_push_replicas(f, &made, &domain.replicas, err));
    TN_TRY(tn_plan__project(context, join, made.exprs.items, made.outputs.items,
                            (uint32_t)made.exprs.count, &to->plan, err));
    to->replicas.count = 0;
    for (size_t i = 0; i < domain.replicas.count; i++) {
        TN_TRY(tn_vec_push(&to->replicas, domain.replicas.items[i], err));
    }
done:
    tn_vec_free(&domain.replicas);
    tn_vec_free(&conditions);
    columns_deinit(&made);
    tn_columns__deinit(&wanted);
    return code;
}

static tarn_code free_aggregate(tn_freeing *f, const tn_plan *plan, tn_freed *to, tarn_error *err)
{
    tn_plan *group = NULL;
    TN_RETURN_IF_ERROR(group_by_replicas(f, plan, to, &group, err));
    if (plan->key_count == 0) {
        return complete(f, plan, group, to, err);
    }
    to->plan = group;
    return TARN_OK;
}

/* ---- joins ---- */

static tarn_code free_inner(tn_freeing *f, const tn_plan *plan, tn_freed *to, const tn_freed *right,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec all = TN_VEC_INIT(f->context->pool);
    tn_expr_vec plain = TN_VEC_INIT(f->context->pool);
    tn_expr_vec dependent = TN_VEC_INIT(f->context->pool);
    TN_TRY(tn_plan__conditions(f->context, plan, &all, err));
    for (size_t i = 0; i < all.count; i++) {
        tn_reads reads;
        TN_TRY(tn_expr__reads(all.items[i], f->outer, f->context->pool, &reads, err));
        const bool apart = reads == TN_READS_NONE || reads == TN_READS_OUTSIDE;
        if (apart) {
            TN_TRY(tn_vec_push(&plain, all.items[i], err));
        } else {
            TN_TRY(tn_vec_push(&dependent, all.items[i], err));
        }
    }
    TN_TRY(tn_domain__common(f, &to->replicas, &right->replicas, &plain, err));
    TN_TRY(tn_plan__join(f->context, TN_PLAN_JOIN, TN_JOIN_INNER, to->plan, right->plan,
                         plain.items, (uint32_t)plain.count, plan->span, &to->plan, err));
    for (size_t i = 0; i < right->replicas.count; i++) {
        if (tn_domain__find(&to->replicas, right->replicas.items[i].outer) == NULL) {
            TN_TRY(tn_vec_push(&to->replicas, right->replicas.items[i], err));
        }
    }
    TN_TRY(tn_domain__filter(f, to, dependent.items, (uint32_t)dependent.count, err));
done:
    tn_vec_free(&all);
    tn_vec_free(&plain);
    tn_vec_free(&dependent);
    return code;
}

/* Joins that keep the left's rows: its replicas are the result's. */
static tarn_code free_left(tn_freeing *f, const tn_plan *plan, tn_freed *to, const tn_freed *right,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec conditions = TN_VEC_INIT(f->context->pool);
    tn_plan *join = NULL;
    TN_TRY(tn_plan__conditions(f->context, plan, &conditions, err));
    for (size_t i = 0; i < conditions.count; i++) {
        TN_TRY(
            tn_domain__replace(f, &to->replicas, conditions.items[i], &conditions.items[i], err));
    }
    TN_TRY(tn_domain__common(f, &to->replicas, &right->replicas, &conditions, err));
    TN_TRY(tn_plan__join(
        f->context, plan->kind, plan->join == TN_JOIN_RIGHT ? TN_JOIN_LEFT : plan->join, to->plan,
        right->plan, conditions.items, (uint32_t)conditions.count, plan->span, &join, err));
    join->null_aware = plan->null_aware;
    join->mark = plan->mark;
    TN_TRY(tn_plan__derive(f->context, join, err));
    to->plan = join;
done:
    tn_vec_free(&conditions);
    return code;
}

/* A replica of a FULL join is the side's that has a row. */
static tarn_code free_full(tn_freeing *f, const tn_plan *plan, tn_freed *to, const tn_freed *right,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec conditions = TN_VEC_INIT(f->context->pool);
    columns_made made;
    columns_init(&made, f->context->pool);
    TN_TRY(tn_plan__conditions(f->context, plan, &conditions, err));
    for (size_t i = 0; i < conditions.count; i++) {
        TN_TRY(
            tn_domain__replace(f, &to->replicas, conditions.items[i], &conditions.items[i], err));
    }
    TN_TRY(tn_domain__common(f, &to->replicas, &right->replicas, &conditions, err));
    TN_TRY(tn_plan__join(f->context, TN_PLAN_JOIN, TN_JOIN_FULL, to->plan, right->plan,
                         conditions.items, (uint32_t)conditions.count, plan->span, &to->plan, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const tn_expr *column = NULL;
        TN_TRY(tn_expr__column_of(f->context, &plan->outputs[i], &column, err));
        TN_TRY(columns_push(&made, column, &plan->outputs[i], err));
    }
    for (size_t i = 0; i < to->replicas.count; i++) {
        tn_replica *replica = &to->replicas.items[i];
        const tn_replica *other = tn_domain__find(&right->replicas, replica->outer);
        const tn_expr *sides[2] = {NULL, NULL};
        const tn_expr *either = NULL;
        TN_TRY(tn_expr__column_of(f->context, &replica->column, &sides[0], err));
        TN_TRY(tn_expr__column_of(f->context, &other->column, &sides[1], err));
        TN_TRY(tn_expr__call2(f->context, "coalesce", sides[0], sides[1], &either, err));
        replica->column.id = tn_plan_new_column(f->context);
        replica->null_safe |= other->null_safe;
        TN_TRY(columns_push(&made, either, &replica->column, err));
    }
    TN_TRY(tn_plan__project(f->context, to->plan, made.exprs.items, made.outputs.items,
                            (uint32_t)made.exprs.count, &to->plan, err));
done:
    tn_vec_free(&conditions);
    columns_deinit(&made);
    return code;
}

static tarn_code free_apply(tn_freeing *f, const tn_plan *plan, tn_freed *to, tarn_error *err)
{
    tn_replica_map map = {f->context, &to->replicas, TARN_OK};
    tn_freed right = {NULL, TN_VEC_INIT(f->context->pool)};
    TN_RETURN_IF_ERROR(
        tn_plan__replace(f->context, plan->children[1], tn_replica__find, &map, &right.plan, err));
    if (map.failed != TARN_OK) {
        return tn_fail(err, map.failed, "no memory left for the plan");
    }
    return free_left(f, plan, to, &right, err);
}

/* ---- order and limits ---- */

/* The limit's rows for each value of the replicas. */
static tarn_code rows_of_each(tn_freeing *f, const tn_plan *plan, const tn_plan *sorted,
                              tn_freed *to, tarn_error *err)
{
    const uint32_t count = (uint32_t)to->replicas.count;
    const uint32_t order_count = sorted == NULL ? 0 : sorted->order_count;
    const tn_expr **keys = NULL;
    tn_sort_key *order = NULL;
    if (plan->limit == UINT64_MAX && plan->offset == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(f->context->expr.arena, const tn_expr *, count, &keys, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(f->context->expr.arena, tn_sort_key, order_count, &order, err));
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(
            tn_expr__column_of(f->context, &to->replicas.items[i].column, &keys[i], err));
    }
    for (uint32_t i = 0; i < order_count; i++) {
        order[i] = sorted->order[i];
        TN_RETURN_IF_ERROR(
            tn_domain__replace(f, &to->replicas, sorted->order[i].expr, &order[i].expr, err));
    }
    TN_RETURN_IF_ERROR(
        tn_plan_distinct(f->context, to->plan, keys, count, order, order_count, &to->plan, err));
    to->plan->limit = plan->limit;
    to->plan->offset = plan->offset;
    return TARN_OK;
}

static tarn_code free_distinct(tn_freeing *f, const tn_plan *plan, tn_freed *to, tarn_error *err)
{
    tn_plan *copy = NULL;
    const tn_expr **keys = NULL;
    tn_sort_key *order = NULL;
    const uint32_t count = plan->key_count + (uint32_t)to->replicas.count;
    if (plan->key_count == 0) {
        TN_RETURN_IF_ERROR(narrow(f, plan, to, err));
        return tn_plan_distinct(f->context, to->plan, NULL, 0, NULL, 0, &to->plan, err);
    }
    TN_RETURN_IF_ERROR(tn_arena_array(f->context->expr.arena, const tn_expr *, count, &keys, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(f->context->expr.arena, tn_sort_key, plan->order_count, &order, err));
    for (uint32_t i = 0; i < plan->key_count; i++) {
        TN_RETURN_IF_ERROR(tn_domain__replace(f, &to->replicas, plan->keys[i], &keys[i], err));
    }
    for (size_t i = 0; i < to->replicas.count; i++) {
        TN_RETURN_IF_ERROR(tn_expr__column_of(f->context, &to->replicas.items[i].column,
                                              &keys[plan->key_count + i], err));
    }
    for (uint32_t i = 0; i < plan->order_count; i++) {
        order[i] = plan->order[i];
        TN_RETURN_IF_ERROR(
            tn_domain__replace(f, &to->replicas, order[i].expr, &order[i].expr, err));
    }
    TN_RETURN_IF_ERROR(
        tn_plan_distinct(f->context, to->plan, keys, count, order, plan->order_count, &copy, err));
    to->plan = copy;
    return TARN_OK;
}

/* ---- set operations ---- */

/* A child with exactly the outputs, then a replica for each wanted column in the left's order;
 * where some child's NULL stands for a NULL of the left, no other may have one. */
static tarn_code free_member(tn_freeing *f, const tn_plan *child, const tn_columns *wanted,
                             const bool *null_safe, tn_freed *to, tarn_error *err)
{
    tarn_code code = TARN_OK;
    columns_made made;
    tn_expr_vec present = TN_VEC_INIT(f->context->pool);
    columns_init(&made, f->context->pool);
    for (uint32_t i = 0; i < child->output_count; i++) {
        const tn_expr *column = NULL;
        TN_TRY(tn_expr__column_of(f->context, &child->outputs[i], &column, err));
        TN_TRY(columns_push(&made, column, &child->outputs[i], err));
    }
    for (uint32_t i = 0, n = 0; i < f->left->output_count; i++) {
        const tn_column_id id = f->left->outputs[i].id;
        if (!tn_columns__has(wanted, id)) {
            continue;
        }
        const tn_replica *replica = tn_domain__find(&to->replicas, id);
        const tn_expr *column = NULL;
        const tn_expr *known = NULL;
        tn_output output = replica->column;
        TN_TRY(tn_expr__column_of(f->context, &replica->column, &column, err));
        if (null_safe[n++] && !replica->null_safe && replica->column.nullable) {
            TN_TRY(tn_expr__call1(f->context, "is_not_null", column, &known, err));
            TN_TRY(tn_vec_push(&present, known, err));
        }
        if (columns_have(&made, output.id)) {
            output.id = tn_plan_new_column(f->context);
        }
        TN_TRY(columns_push(&made, column, &output, err));
    }
    TN_TRY(tn_plan__filter(f->context, to->plan, present.items, (uint32_t)present.count, &to->plan,
                           err));
    TN_TRY(tn_plan__project(f->context, to->plan, made.exprs.items, made.outputs.items,
                            (uint32_t)made.exprs.count, &to->plan, err));
done:
    tn_vec_free(&present);
    columns_deinit(&made);
    return code;
}

tarn_code tn_domain__set(tn_freeing *f, const tn_plan *plan, const size_t *members,
                         tn_columns *wanted, tn_freed *to, tarn_error *err)
{
    tn_plan_context *context = f->context;
    const uint32_t width = plan->output_count;
    uint32_t extra = 0;
    tn_plan **children = NULL;
    tn_output *outputs = NULL;
    tn_plan *copy = NULL;
    bool *null_safe = NULL;
    TN_RETURN_IF_ERROR(tn_domain__level(f, members, plan->child_count, wanted, err));
    for (uint32_t i = 0; i < f->left->output_count; i++) {
        extra += tn_columns__has(wanted, f->left->outputs[i].id);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_plan *, plan->child_count, &children, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_output, width + extra, &outputs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, bool, extra, &null_safe, err));
    for (uint32_t c = 0; c < plan->child_count; c++) {
        const tn_freed *member = &f->done.items[members[c]];
        for (uint32_t i = 0, n = 0; i < f->left->output_count; i++) {
            if (tn_columns__has(wanted, f->left->outputs[i].id)) {
                null_safe[n++] |=
                    tn_domain__find(&member->replicas, f->left->outputs[i].id)->null_safe;
            }
        }
    }
    for (uint32_t c = 0; c < plan->child_count; c++) {
        tn_freed *member = &f->done.items[members[c]];
        TN_RETURN_IF_ERROR(free_member(f, plan->children[c], wanted, null_safe, member, err));
        children[c] = member->plan;
    }
    if (width > 0) {
        memcpy(outputs, plan->outputs, width * sizeof(*outputs));
    }
    for (uint32_t i = 0, n = 0; i < f->left->output_count; i++) {
        if (!tn_columns__has(wanted, f->left->outputs[i].id)) {
            continue;
        }
        outputs[width + n] = f->left->outputs[i];
        outputs[width + n].id = tn_plan_new_column(context);
        outputs[width + n].nullable = true;
        TN_RETURN_IF_ERROR(tn_vec_push(
            &to->replicas, ((tn_replica){f->left->outputs[i].id, outputs[width + n], null_safe[n]}),
            err));
        n++;
    }
    TN_RETURN_IF_ERROR(tn_plan__copy(context, plan, &copy, err));
    copy->children = children;
    copy->outputs = outputs;
    copy->output_count = width + extra;
    to->plan = copy;
    return TARN_OK;
}

/* ---- nodes ---- */

/* The first child's result is the node's to change. */
tarn_code tn_domain__node(tn_freeing *f, const tn_plan *plan, const tn_columns *own,
                          const size_t *members, tn_freed *to, tarn_error *err)
{
    const tn_freed *second = plan->child_count > 1 ? &f->done.items[members[1]] : NULL;
    tn_plan *copy = NULL;
    switch (plan->kind) {
    case TN_PLAN_FILTER:
        return tn_domain__filter(f, to, plan->exprs, plan->expr_count, err);
    case TN_PLAN_PROJECT:
        TN_RETURN_IF_ERROR(tn_domain__ensure(f, to, own, err));
        return free_project(f, plan, to, err);
    case TN_PLAN_AGGREGATE:
        TN_RETURN_IF_ERROR(tn_domain__ensure(f, to, own, err));
        return free_aggregate(f, plan, to, err);
    case TN_PLAN_UNNEST: {
        TN_RETURN_IF_ERROR(tn_domain__ensure(f, to, own, err));
        const tn_expr **lists = NULL;
        TN_RETURN_IF_ERROR(tn_plan__copy(f->context, plan, &copy, err));
        TN_RETURN_IF_ERROR(
            tn_arena_array(f->context->expr.arena, const tn_expr *, plan->expr_count, &lists, err));
        for (uint32_t i = 0; i < plan->expr_count; i++) {
            TN_RETURN_IF_ERROR(
                tn_domain__replace(f, &to->replicas, plan->exprs[i], &lists[i], err));
        }
        copy->exprs = lists;
        return tn_plan__with_children(f->context, copy, &to->plan, &to->plan, err);
    }
    case TN_PLAN_SORT:
        TN_RETURN_IF_ERROR(tn_domain__ensure(f, to, own, err));
        return rows_of_each(f, plan, plan, to, err);
    case TN_PLAN_LIMIT:
        return rows_of_each(
            f, plan, plan->children[0]->kind == TN_PLAN_SORT ? plan->children[0] : NULL, to, err);
    case TN_PLAN_DISTINCT:
        TN_RETURN_IF_ERROR(tn_domain__ensure(f, to, own, err));
        return free_distinct(f, plan, to, err);
    case TN_PLAN_APPLY:
        return free_apply(f, plan, to, err);
    case TN_PLAN_JOIN:
        return plan->join == TN_JOIN_INNER  ? free_inner(f, plan, to, second, err)
               : plan->join == TN_JOIN_FULL ? free_full(f, plan, to, second, err)
                                            : free_left(f, plan, to, second, err);
    case TN_PLAN_SCAN:
    case TN_PLAN_VALUES:
    case TN_PLAN_UNION:
    case TN_PLAN_EXCEPT:
    case TN_PLAN_INTERSECT:
    case TN_PLAN_SHARED:
    case TN_PLAN_METER:
    case TN_PLAN_WRITE:
    case TN_PLAN_ALL:
    case TN_PLAN_KIND_COUNT:
    default:
        return tn_fail(err, TARN_E_INTERNAL, "a %s in a subquery reads columns from outside",
                       tn_plan__kind_name(plan->kind));
    }
}
