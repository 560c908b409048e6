/*
 * Unnesting of arbitrary plans, after Neumann and Kemper: a dependent plan is evaluated once for
 * all values of the outer columns that it reads (the domain), which travel through it as columns.
 *
 * Each node below answers a plan that reads nothing from outside, and *replicas*: columns that hold
 * the outer values.  An equality `inner = outer` in a filter gives the replica for nothing.  Only
 * where there is none, the distinct values of the left (a second reader of a SHARED run of it) are
 * joined in.
 */
#include "expr/function.h"
#include "plan/optimise_internal.h"

typedef struct freed {
    tn_plan *plan;
    tn_replicas replicas;
} freed;

typedef struct freeing {
    tn_optimiser *optimiser;
    tn_plan_context *context;
    tn_plan *left;
    const tn_columns *outer;
    tn_columns total; /* all outer columns that the plan reads: one domain has them */
    bool has_shared;
    uint32_t shared_id;
    TN_VEC(tn_columns) reads; /* by node: outer columns read by it and below */
    TN_VEC(freed) done;       /* by node */
    tn_pointer_map numbers;   /* of nodes */
} freeing;

/* ---- replicas ---- */

static const tn_replica *find(const tn_replicas *replicas, tn_column_id outer)
{
    for (size_t i = 0; i < replicas->count; i++) {
        if (replicas->items[i].outer == outer) {
            return &replicas->items[i];
        }
    }
    return NULL;
}

const tn_expr *tn_replica__find(void *replicas_of, tn_column_id outer)
{
    tn_replica_map *map = replicas_of;
    const tn_replica *replica = find(map->replicas, outer);
    const tn_expr *column = NULL;
    if (replica != NULL && map->failed == TARN_OK) {
        map->failed = tn_expr__column_of(map->context, &replica->column, &column, NULL);
    }
    return column;
}

static tarn_code replace(freeing *f, const tn_replicas *replicas, const tn_expr *expr,
                         const tn_expr **out, tarn_error *err)
{
    tn_replica_map map = {f->context, replicas, TARN_OK};
    TN_RETURN_IF_ERROR(tn_expr__replace(f->context, expr, tn_replica__find, &map, out, err));
    return map.failed == TARN_OK ? TARN_OK
                                 : tn_fail(err, map.failed, "no memory left for the plan");
}

static tarn_code equality(tn_plan_context *context, const tn_output *a, const tn_output *b,
                          bool null_safe, const tn_expr **out, tarn_error *err)
{
    const tn_expr *left = NULL;
    const tn_expr *right = NULL;
    TN_RETURN_IF_ERROR(tn_expr__column_of(context, a, &left, err));
    TN_RETURN_IF_ERROR(tn_expr__column_of(context, b, &right, err));
    return tn_expr__call2(context, null_safe ? "is_not_distinct_from" : "=", left, right, out, err);
}

TN_FALLIBLE tn_replica__equality(tn_plan_context *context, const tn_output *outer,
                                 const tn_replica *replica, const tn_expr **out, tarn_error *err)
{
    return equality(context, outer, &replica->column, replica->null_safe && outer->nullable, out,
                    err);
}

/* Equalities between the replicas that both have. */
static tarn_code common_equalities(freeing *f, const tn_replicas *a, const tn_replicas *b,
                                   tn_expr_vec *out, tarn_error *err)
{
    for (size_t i = 0; i < a->count; i++) {
        const tn_replica *other = find(b, a->items[i].outer);
        const tn_expr *same = NULL;
        if (other == NULL) {
            continue;
        }
        TN_RETURN_IF_ERROR(equality(f->context, &a->items[i].column, &other->column,
                                    a->items[i].null_safe && other->null_safe, &same, err));
        TN_RETURN_IF_ERROR(tn_vec_push(out, same, err));
    }
    return TARN_OK;
}

/* ---- the domain ---- */

/* The distinct values of some columns of the left: a plan and its replicas. */
static tarn_code make_domain(freeing *f, const tn_columns *wanted, freed *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = f->context;
    tn_plan *shared = NULL;
    tn_expr_vec exprs = TN_VEC_INIT(context->pool);
    TN_VEC(tn_output) outputs = TN_VEC_INIT(context->pool);
    if (!f->has_shared) {
        f->has_shared = true;
        f->shared_id = context->next_shared++;
    }
    TN_TRY(tn_plan_shared(context, f->left, f->shared_id, &shared, err));
    for (uint32_t i = 0; i < f->left->output_count; i++) {
        const tn_column_id id = f->left->outputs[i].id;
        const tn_expr *column = NULL;
        if (!tn_columns__has(wanted, id)) {
            continue;
        }
        TN_TRY(tn_expr__column_of(context, &shared->outputs[i], &column, err));
        TN_TRY(tn_vec_push(&exprs, column, err));
        TN_TRY(tn_vec_push(&outputs, shared->outputs[i], err));
        TN_TRY(tn_vec_push(&out->replicas,
                           ((tn_replica){id, shared->outputs[i], shared->outputs[i].nullable}),
                           err));
    }
    TN_TRY(tn_plan__project(context, shared, exprs.items, outputs.items, (uint32_t)exprs.count,
                            &out->plan, err));
    TN_TRY(tn_plan_distinct(context, out->plan, NULL, 0, NULL, 0, &out->plan, err));
done:
    tn_vec_free(&exprs);
    tn_vec_free(&outputs);
    return code;
}

/* Sees to replicas for all wanted columns, by joining the domain where some are missing. */
static tarn_code ensure(freeing *f, freed *to, const tn_columns *wanted, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = f->context;
    freed domain = {NULL, TN_VEC_INIT(context->pool)};
    tn_expr_vec conditions = TN_VEC_INIT(context->pool);
    tn_columns all;
    bool missing = false;
    tn_columns__init(&all, context->pool);
    for (uint32_t i = 0; i < f->left->output_count; i++) {
        const tn_column_id id = f->left->outputs[i].id;
        const bool wants = tn_columns__has(wanted, id) && tn_columns__has(f->outer, id);
        missing |= wants && find(&to->replicas, id) == NULL;
        if (wants || tn_columns__has(&f->total, id) || find(&to->replicas, id) != NULL) {
            TN_TRY(tn_columns__add(&all, id, err));
        }
    }
    if (!missing) {
        goto done;
    }
    TN_TRY(make_domain(f, &all, &domain, err));
    TN_TRY(common_equalities(f, &domain.replicas, &to->replicas, &conditions, err));
    TN_TRY(tn_plan__join(context, TN_PLAN_JOIN, TN_JOIN_INNER, domain.plan, to->plan,
                         conditions.items, (uint32_t)conditions.count, to->plan->span, &to->plan,
                         err));
    for (size_t i = 0; i < domain.replicas.count; i++) {
        if (find(&to->replicas, domain.replicas.items[i].outer) == NULL) {
            TN_TRY(tn_vec_push(&to->replicas, domain.replicas.items[i], err));
        }
    }
done:
    tn_vec_free(&domain.replicas);
    tn_vec_free(&conditions);
    tn_columns__deinit(&all);
    return code;
}

/* ---- filters: where replicas come for nothing ---- */

/* `outer = expression of the plan`: the outer column, and the expression. */
static tarn_code equality_of(freeing *f, const tn_expr *conjunct, const tn_columns *inside,
                             tn_column_id *outer, const tn_expr **inner, tarn_error *err)
{
    *inner = NULL;
    if (!tn_expr__is_call(conjunct, "=") || conjunct->is_volatile) {
        return TARN_OK;
    }
    for (int side = 0; side < 2 && *inner == NULL; side++) {
        const tn_expr *column = conjunct->children[side];
        const tn_expr *other = conjunct->children[1 - side];
        tn_reads reads;
        if (column->kind != TN_EXPR_COLUMN || !tn_columns__has(f->outer, column->column) ||
            column->type != other->type || other->can_fail) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_expr__reads(other, inside, f->context->pool, &reads, err));
        if (reads == TN_READS_INSIDE) {
            *outer = column->column;
            *inner = other;
        }
    }
    return TARN_OK;
}

/* A column of the plan that holds the expression. */
static tarn_code column_for(freeing *f, freed *to, const tn_expr *expr, tn_output *out,
                            tarn_error *err)
{
    tn_plan_context *context = f->context;
    const tn_output *same =
        expr->kind == TN_EXPR_COLUMN ? tn_plan_output(to->plan, expr->column) : NULL;
    if (same != NULL) {
        *out = *same;
        return TARN_OK;
    }
    const uint32_t count = to->plan->output_count;
    const tn_expr **exprs = NULL;
    tn_output *outputs = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, count + 1, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count + 1, &outputs, err));
    for (uint32_t i = 0; i < count; i++) {
        outputs[i] = to->plan->outputs[i];
        TN_RETURN_IF_ERROR(tn_expr__column_of(context, &outputs[i], &exprs[i], err));
    }
    *out = (tn_output){tn_plan_new_column(context), TN_STR("key"), expr->type,
                       tn_expr__nullable(expr, to->plan)};
    exprs[count] = expr;
    outputs[count] = *out;
    return tn_plan__project(context, to->plan, exprs, outputs, count + 1, &to->plan, err);
}

static tarn_code free_filter(freeing *f, freed *to, const tn_expr *const *conjuncts, uint32_t count,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec kept = TN_VEC_INIT(f->context->pool);
    tn_columns inside;
    tn_columns reads;
    tn_columns__init(&inside, f->context->pool);
    tn_columns__init(&reads, f->context->pool);
    TN_TRY(tn_columns__add_outputs(&inside, to->plan, err));
    for (uint32_t i = 0; i < count; i++) {
        tn_column_id outer = 0;
        const tn_expr *inner = NULL;
        TN_TRY(equality_of(f, conjuncts[i], &inside, &outer, &inner, err));
        if (inner == NULL || find(&to->replicas, outer) != NULL) {
            TN_TRY(tn_vec_push(&kept, conjuncts[i], err));
            continue;
        }
        tn_replica replica = {.outer = outer};
        TN_TRY(column_for(f, to, inner, &replica.column, err));
        TN_TRY(tn_vec_push(&to->replicas, replica, err));
    }
    for (size_t i = 0; i < kept.count; i++) {
        TN_TRY(tn_columns__add_expr(&reads, kept.items[i], err));
    }
    TN_TRY(ensure(f, to, &reads, err));
    for (size_t i = 0; i < kept.count; i++) {
        TN_TRY(replace(f, &to->replicas, kept.items[i], &kept.items[i], err));
    }
    TN_TRY(tn_plan__filter(f->context, to->plan, kept.items, (uint32_t)kept.count, &to->plan, err));
done:
    tn_vec_free(&kept);
    tn_columns__deinit(&inside);
    tn_columns__deinit(&reads);
    return code;
}

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

static tarn_code columns_push_replicas(freeing *f, columns_made *made, const tn_replicas *replicas,
                                       tarn_error *err)
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

static tarn_code free_project(freeing *f, const tn_plan *plan, freed *to, tarn_error *err)
{
    tarn_code code = TARN_OK;
    columns_made made;
    columns_init(&made, f->context->pool);
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        const tn_expr *expr = NULL;
        TN_TRY(replace(f, &to->replicas, plan->exprs[i], &expr, err));
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
static tarn_code narrow(freeing *f, const tn_plan *like, freed *to, tarn_error *err)
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
    return strcmp(name, "count") == 0 || strcmp(name, "approx_count_distinct") == 0 ||
           strcmp(name, "count_distinct") == 0;
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
static tarn_code group_by_replicas(freeing *f, const tn_plan *plan, freed *to, tn_plan **out,
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
        TN_TRY(replace(f, &to->replicas, plan->keys[i], &key, err));
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
        TN_TRY(replace(f, &to->replicas, plan->exprs[i], &aggregates[i], err));
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
static tarn_code complete(freeing *f, const tn_plan *plan, tn_plan *group, freed *to,
                          tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = f->context;
    freed domain = {NULL, TN_VEC_INIT(context->pool)};
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
    TN_TRY(make_domain(f, &wanted, &domain, err));
    TN_TRY(common_equalities(f, &domain.replicas, &to->replicas, &conditions, err));
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

static tarn_code free_aggregate(freeing *f, const tn_plan *plan, freed *to, tarn_error *err)
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

static tarn_code free_inner(freeing *f, const tn_plan *plan, freed *to, const freed *right,
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
    TN_TRY(common_equalities(f, &to->replicas, &right->replicas, &plain, err));
    TN_TRY(tn_plan__join(f->context, TN_PLAN_JOIN, TN_JOIN_INNER, to->plan, right->plan,
                         plain.items, (uint32_t)plain.count, plan->span, &to->plan, err));
    for (size_t i = 0; i < right->replicas.count; i++) {
        if (find(&to->replicas, right->replicas.items[i].outer) == NULL) {
            TN_TRY(tn_vec_push(&to->replicas, right->replicas.items[i], err));
        }
    }
    TN_TRY(free_filter(f, to, dependent.items, (uint32_t)dependent.count, err));
done:
    tn_vec_free(&all);
    tn_vec_free(&plain);
    tn_vec_free(&dependent);
    return code;
}

/* Joins that keep the left's rows: its replicas are the result's. */
static tarn_code free_left(freeing *f, const tn_plan *plan, freed *to, const freed *right,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec conditions = TN_VEC_INIT(f->context->pool);
    tn_plan *join = NULL;
    TN_TRY(tn_plan__conditions(f->context, plan, &conditions, err));
    for (size_t i = 0; i < conditions.count; i++) {
        TN_TRY(replace(f, &to->replicas, conditions.items[i], &conditions.items[i], err));
    }
    TN_TRY(common_equalities(f, &to->replicas, &right->replicas, &conditions, err));
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
static tarn_code free_full(freeing *f, const tn_plan *plan, freed *to, const freed *right,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec conditions = TN_VEC_INIT(f->context->pool);
    columns_made made;
    columns_init(&made, f->context->pool);
    TN_TRY(tn_plan__conditions(f->context, plan, &conditions, err));
    for (size_t i = 0; i < conditions.count; i++) {
        TN_TRY(replace(f, &to->replicas, conditions.items[i], &conditions.items[i], err));
    }
    TN_TRY(common_equalities(f, &to->replicas, &right->replicas, &conditions, err));
    TN_TRY(tn_plan__join(f->context, TN_PLAN_JOIN, TN_JOIN_FULL, to->plan, right->plan,
                         conditions.items, (uint32_t)conditions.count, plan->span, &to->plan, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const tn_expr *column = NULL;
        TN_TRY(tn_expr__column_of(f->context, &plan->outputs[i], &column, err));
        TN_TRY(columns_push(&made, column, &plan->outputs[i], err));
    }
    for (size_t i = 0; i < to->replicas.count; i++) {
        tn_replica *replica = &to->replicas.items[i];
        const tn_replica *other = find(&right->replicas, replica->outer);
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

static tarn_code free_apply(freeing *f, const tn_plan *plan, freed *to, tarn_error *err)
{
    tn_replica_map map = {f->context, &to->replicas, TARN_OK};
    freed right = {NULL, TN_VEC_INIT(f->context->pool)};
    TN_RETURN_IF_ERROR(
        tn_plan__replace(f->context, plan->children[1], tn_replica__find, &map, &right.plan, err));
    if (map.failed != TARN_OK) {
        return tn_fail(err, map.failed, "no memory left for the plan");
    }
    return free_left(f, plan, to, &right, err);
}

/* ---- order and limits ---- */

static tarn_code refuse_limit(const tn_plan *plan, tarn_error *err)
{
    const tarn_code code =
        tn_fail(err, TARN_E_UNSUPPORTED,
                "LIMIT %llu OFFSET %llu in a subquery that reads columns from "
                "outside is not supported: only LIMIT 1 is",
                (unsigned long long)plan->limit, (unsigned long long)plan->offset);
    tn_hint(err, "compute the rows for all outer values at once, and join them");
    if (err != NULL) {
        err->span_start = plan->span.start;
        err->span_length = plan->span.length;
    }
    return code;
}

static tarn_code first_of_each(freeing *f, const tn_plan *plan, const tn_plan *sorted, freed *to,
                               tarn_error *err)
{
    const uint32_t count = (uint32_t)to->replicas.count;
    const uint32_t order_count = sorted == NULL ? 0 : sorted->order_count;
    const tn_expr **keys = NULL;
    tn_sort_key *order = NULL;
    if (plan->limit == UINT64_MAX && plan->offset == 0) {
        return TARN_OK;
    }
    if (plan->limit != 1 || plan->offset != 0) {
        return refuse_limit(plan, err);
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
        TN_RETURN_IF_ERROR(replace(f, &to->replicas, sorted->order[i].expr, &order[i].expr, err));
    }
    return tn_plan_distinct(f->context, to->plan, keys, count, order, order_count, &to->plan, err);
}

static tarn_code free_distinct(freeing *f, const tn_plan *plan, freed *to, tarn_error *err)
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
        TN_RETURN_IF_ERROR(replace(f, &to->replicas, plan->keys[i], &keys[i], err));
    }
    for (size_t i = 0; i < to->replicas.count; i++) {
        TN_RETURN_IF_ERROR(tn_expr__column_of(f->context, &to->replicas.items[i].column,
                                              &keys[plan->key_count + i], err));
    }
    for (uint32_t i = 0; i < plan->order_count; i++) {
        order[i] = plan->order[i];
        TN_RETURN_IF_ERROR(replace(f, &to->replicas, order[i].expr, &order[i].expr, err));
    }
    TN_RETURN_IF_ERROR(
        tn_plan_distinct(f->context, to->plan, keys, count, order, plan->order_count, &copy, err));
    to->plan = copy;
    return TARN_OK;
}

/* ---- set operations ---- */

/* A child with exactly the outputs, then a replica for each wanted column in the left's order;
 * where some child's NULL stands for a NULL of the left, no other may have one. */
static tarn_code free_member(freeing *f, const tn_plan *child, const tn_columns *wanted,
                             const bool *null_safe, freed *to, tarn_error *err)
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
        const tn_replica *replica = find(&to->replicas, id);
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

static tarn_code free_set(freeing *f, const tn_plan *plan, const size_t *members,
                          const tn_columns *wanted, freed *to, tarn_error *err)
{
    tn_plan_context *context = f->context;
    const uint32_t width = plan->output_count;
    uint32_t extra = 0;
    tn_plan **children = NULL;
    tn_output *outputs = NULL;
    tn_plan *copy = NULL;
    bool *null_safe = NULL;
    for (uint32_t i = 0; i < f->left->output_count; i++) {
        extra += tn_columns__has(wanted, f->left->outputs[i].id);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_plan *, plan->child_count, &children, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_output, width + extra, &outputs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, bool, extra, &null_safe, err));
    for (uint32_t c = 0; c < plan->child_count; c++) {
        freed *member = &f->done.items[members[c]];
        TN_RETURN_IF_ERROR(ensure(f, member, wanted, err));
        for (uint32_t i = 0, n = 0; i < f->left->output_count; i++) {
            if (tn_columns__has(wanted, f->left->outputs[i].id)) {
                null_safe[n++] |= find(&member->replicas, f->left->outputs[i].id)->null_safe;
            }
        }
    }
    for (uint32_t c = 0; c < plan->child_count; c++) {
        freed *member = &f->done.items[members[c]];
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
static tarn_code free_node(freeing *f, const tn_plan *plan, const tn_columns *own,
                           const size_t *members, freed *to, tarn_error *err)
{
    const freed *second = plan->child_count > 1 ? &f->done.items[members[1]] : NULL;
    tn_plan *copy = NULL;
    switch (plan->kind) {
    case TN_PLAN_FILTER:
        return free_filter(f, to, plan->exprs, plan->expr_count, err);
    case TN_PLAN_PROJECT:
        TN_RETURN_IF_ERROR(ensure(f, to, own, err));
        return free_project(f, plan, to, err);
    case TN_PLAN_AGGREGATE:
        TN_RETURN_IF_ERROR(ensure(f, to, own, err));
        return free_aggregate(f, plan, to, err);
    case TN_PLAN_UNNEST: {
        TN_RETURN_IF_ERROR(ensure(f, to, own, err));
        const tn_expr **lists = NULL;
        TN_RETURN_IF_ERROR(tn_plan__copy(f->context, plan, &copy, err));
        TN_RETURN_IF_ERROR(
            tn_arena_array(f->context->expr.arena, const tn_expr *, plan->expr_count, &lists, err));
        for (uint32_t i = 0; i < plan->expr_count; i++) {
            TN_RETURN_IF_ERROR(replace(f, &to->replicas, plan->exprs[i], &lists[i], err));
        }
        copy->exprs = lists;
        TN_RETURN_IF_ERROR(tn_plan__with_children(f->context, copy, &to->plan, &to->plan, err));
        return TARN_OK;
    }
    case TN_PLAN_SORT:
        TN_RETURN_IF_ERROR(ensure(f, to, own, err));
        return first_of_each(f, plan, plan, to, err);
    case TN_PLAN_LIMIT:
        return first_of_each(
            f, plan, plan->children[0]->kind == TN_PLAN_SORT ? plan->children[0] : NULL, to, err);
    case TN_PLAN_DISTINCT:
        TN_RETURN_IF_ERROR(ensure(f, to, own, err));
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
    case TN_PLAN_WRITE:
    case TN_PLAN_ALL:
    case TN_PLAN_KIND_COUNT:
    default:
        return tn_fail(err, TARN_E_INTERNAL, "a %s in a subquery reads columns from outside",
                       tn_plan__kind_name(plan->kind));
    }
}

static bool is_set(const tn_plan *plan)
{
    return plan->kind == TN_PLAN_UNION || plan->kind == TN_PLAN_EXCEPT ||
           plan->kind == TN_PLAN_INTERSECT;
}

/* Sees to it that the sides of a join have the replicas that the join needs. */
static tarn_code prepare_join(freeing *f, const tn_plan *plan, const tn_columns *own,
                              const size_t *members, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const bool swap = plan->join == TN_JOIN_RIGHT;
    tn_columns wanted;
    tn_columns__init(&wanted, f->context->pool);
    if (plan->join == TN_JOIN_INNER && plan->kind == TN_PLAN_JOIN) {
        goto done;
    }
    TN_TRY(tn_columns__add_set(&wanted, own, err));
    TN_TRY(tn_columns__add_set(&wanted, &f->reads.items[members[swap ? 0 : 1]], err));
    if (plan->join == TN_JOIN_FULL) {
        TN_TRY(tn_columns__add_set(&wanted, &f->reads.items[members[0]], err));
        TN_TRY(ensure(f, &f->done.items[members[1]], &wanted, err));
    }
    TN_TRY(ensure(f, &f->done.items[members[swap ? 1 : 0]], &wanted, err));
done:
    tn_columns__deinit(&wanted);
    return code;
}

static tarn_code number_of(const freeing *f, const tn_plan *plan, size_t *out, tarn_error *err)
{
    return tn_pointer_map__find(&f->numbers, plan, out)
               ? TARN_OK
               : tn_fail(err, TARN_E_INTERNAL, "a subquery's node is not known");
}

/* Keeps the columns of the set that belong to the left. */
static void only_outer(const freeing *f, tn_columns *set)
{
    for (size_t i = 0; i < set->word_count; i++) {
        set->words[i] &= i < f->outer->word_count ? f->outer->words[i] : 0;
    }
}

static tarn_code record(freeing *f, const tn_columns *reads, const freed *result, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_reserve(&f->reads, 1, err));
    TN_RETURN_IF_ERROR(tn_vec_reserve(&f->done, 1, err));
    f->reads.items[f->reads.count++] = *reads;
    f->done.items[f->done.count++] = *result;
    return TARN_OK;
}

/* The right of an APPLY reads the left's replicas: it is not freed here, only looked at. */
static tarn_code do_dependent(freeing *f, tn_plan *plan, size_t *number, tarn_error *err)
{
    const freed result = {plan, TN_VEC_INIT(f->context->pool)};
    tn_columns reads;
    tn_columns__init(&reads, f->context->pool);
    tarn_code code = tn_columns__add_free(&reads, plan, err);
    only_outer(f, &reads);
    *number = f->done.count;
    if (code == TARN_OK) {
        code = record(f, &reads, &result, err);
    }
    if (code != TARN_OK) {
        tn_columns__deinit(&reads);
    }
    return code;
}

static tarn_code do_node(freeing *f, tn_plan *plan, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_pool *pool = f->context->pool;
    TN_VEC(size_t) members = TN_VEC_INIT(pool);
    tn_columns own;
    tn_columns all;
    freed result = {plan, TN_VEC_INIT(pool)};
    bool kept = false;
    tn_columns__init(&own, pool);
    tn_columns__init(&all, pool);
    TN_TRY(tn_columns__add_node(&own, plan, err));
    only_outer(f, &own);
    TN_TRY(tn_columns__add_set(&all, &own, err));
    for (uint32_t i = 0; i < plan->child_count; i++) {
        size_t number = 0;
        if (plan->kind == TN_PLAN_APPLY && i == 1) {
            TN_TRY(do_dependent(f, plan->children[1], &number, err));
        } else {
            TN_TRY(number_of(f, plan->children[i], &number, err));
        }
        TN_TRY(tn_vec_push(&members, number, err));
        TN_TRY(tn_columns__add_set(&all, &f->reads.items[number], err));
    }
    if (!tn_columns__empty(&all)) {
        if (plan->kind == TN_PLAN_JOIN || plan->kind == TN_PLAN_APPLY) {
            TN_TRY(prepare_join(f, plan, &own, members.items, err));
        }
        if (is_set(plan)) {
            TN_TRY(free_set(f, plan, members.items, &all, &result, err));
        } else if (plan->child_count > 0) {
            /* RIGHT joins are LEFT joins with the sides swapped. */
            if (plan->kind == TN_PLAN_JOIN && plan->join == TN_JOIN_RIGHT) {
                const size_t left = members.items[0];
                members.items[0] = members.items[1];
                members.items[1] = left;
            }
            const freed *first = &f->done.items[members.items[0]];
            result.plan = first->plan;
            for (size_t i = 0; i < first->replicas.count; i++) {
                TN_TRY(tn_vec_push(&result.replicas, first->replicas.items[i], err));
            }
            TN_TRY(free_node(f, plan, &own, members.items, &result, err));
        } else {
            TN_TRY(free_node(f, plan, &own, members.items, &result, err));
        }
    }
    TN_TRY(tn_pointer_map__put(&f->numbers, plan, f->done.count, err));
    TN_TRY(record(f, &all, &result, err));
    kept = true;
done:
    tn_vec_free(&members);
    tn_columns__deinit(&own);
    if (!kept) {
        tn_columns__deinit(&all);
        tn_vec_free(&result.replicas);
    }
    return code;
}

/* A SHARED whose child reads from outside becomes a copy of it. */
static tarn_code unshare(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    freeing *f = context;
    tn_plan *copy = NULL;
    tn_columns free;
    tn_columns__init(&free, f->context->pool);
    *out = plan;
    if (plan->kind != TN_PLAN_SHARED) {
        goto done;
    }
    TN_TRY(tn_columns__add_free(&free, plan->children[0], err));
    if (!tn_columns__meet(&free, f->outer)) {
        goto done;
    }
    TN_TRY(tn_plan__clone(f->context, plan->children[0], &copy, err));
    const tn_expr **exprs = NULL;
    TN_TRY(
        tn_arena_array(f->context->expr.arena, const tn_expr *, plan->output_count, &exprs, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        TN_TRY(tn_expr__column_of(f->context, &copy->outputs[i], &exprs[i], err));
    }
    TN_TRY(tn_plan__project(f->context, copy, exprs, plan->outputs, plan->output_count, out, err));
done:
    tn_columns__deinit(&free);
    return code;
}

/* Children first; the dependent sides of APPLY are left out. */
static tarn_code list_nodes(tn_plan *root, tn_plan_vec *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_vec stack = TN_VEC_INIT(out->pool);
    tn_pointer_map seen; /* 1: entered, 2: listed */
    tn_pointer_map__init(&seen, out->pool);
    TN_TRY(tn_vec_push(&stack, root, err));
    while (stack.count > 0) {
        tn_plan *top = stack.items[stack.count - 1];
        size_t state = 0;
        const bool known = tn_pointer_map__find(&seen, top, &state);
        if (known) {
            stack.count--;
            if (state == 1) {
                TN_TRY(tn_pointer_map__put(&seen, top, 2, err));
                TN_TRY(tn_vec_push(out, top, err));
            }
            continue;
        }
        TN_TRY(tn_pointer_map__put(&seen, top, 1, err));
        for (uint32_t i = top->kind == TN_PLAN_APPLY ? 1 : top->child_count; i > 0; i--) {
            TN_TRY(tn_vec_push(&stack, top->children[i - 1], err));
        }
    }
done:
    tn_vec_free(&stack);
    tn_pointer_map__deinit(&seen);
    return code;
}

static void freeing_deinit(freeing *f)
{
    for (size_t i = 0; i < f->reads.count; i++) {
        tn_columns__deinit(&f->reads.items[i]);
    }
    for (size_t i = 0; i < f->done.count; i++) {
        tn_vec_free(&f->done.items[i].replicas);
    }
    tn_vec_free(&f->reads);
    tn_vec_free(&f->done);
    tn_pointer_map__deinit(&f->numbers);
    tn_columns__deinit(&f->total);
}

/* The left as one of the readers of its shared run, under its own ids. */
static tarn_code share_left(freeing *f, tn_plan **left, tarn_error *err)
{
    if (!f->has_shared) {
        return TARN_OK;
    }
    tn_plan *shared = NULL;
    TN_RETURN_IF_ERROR(tn_plan_shared(f->context, f->left, f->shared_id, &shared, err));
    shared->outputs = f->left->outputs;
    *left = shared;
    return TARN_OK;
}

TN_FALLIBLE tn_plan__free_of(tn_optimiser *optimiser, tn_plan *plan, tn_plan **left,
                             const tn_columns *outer, const tn_columns *need, tn_plan **out,
                             tn_replicas *replicas, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = optimiser->context;
    tn_plan_vec nodes = TN_VEC_INIT(context->pool);
    freeing f = {.optimiser = optimiser,
                 .context = context,
                 .left = *left,
                 .outer = outer,
                 .reads = TN_VEC_INIT(context->pool),
                 .done = TN_VEC_INIT(context->pool)};
    tn_pointer_map__init(&f.numbers, context->pool);
    tn_columns__init(&f.total, context->pool);
    TN_TRY(tn_columns__add_free(&f.total, plan, err));
    if (need != NULL) {
        TN_TRY(tn_columns__add_set(&f.total, need, err));
    }
    only_outer(&f, &f.total);
    TN_TRY(tn_plan__bottom_up(context, plan, unshare, &f, &plan, err));
    TN_TRY(list_nodes(plan, &nodes, err));
    for (size_t i = 0; i < nodes.count; i++) {
        TN_TRY(do_node(&f, nodes.items[i], err));
    }
    freed *root = &f.done.items[f.done.count - 1];
    if (need != NULL) {
        TN_TRY(ensure(&f, root, need, err));
    }
    *out = root->plan;
    for (size_t i = 0; i < root->replicas.count; i++) {
        TN_TRY(tn_vec_push(replicas, root->replicas.items[i], err));
    }
    TN_TRY(share_left(&f, left, err));
done:
    freeing_deinit(&f);
    tn_vec_free(&nodes);
    return code;
}
