/*
 * Unnesting of arbitrary plans, after Neumann and Kemper: a dependent plan is evaluated once for
 * all values of the outer columns that it reads (the domain), which travel through it as columns.
 *
 * Each node below answers a plan that reads nothing from outside, and *replicas*: columns that hold
 * the outer values.  An equality `inner = outer` in a filter gives the replica for nothing.  Only
 * where there is none, the distinct values of the left (a second reader of a SHARED run of it) are
 * joined in.
 */
#include "plan/domain_internal.h"

/* ---- replicas ---- */

const tn_replica *tn_domain__find(const tn_replicas *replicas, tn_column_id outer)
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
    const tn_replica *replica = tn_domain__find(map->replicas, outer);
    const tn_expr *column = NULL;
    if (replica != NULL && map->failed == TARN_OK) {
        map->failed = tn_expr__column_of(map->context, &replica->column, &column, NULL);
    }
    return column;
}

tarn_code tn_domain__replace(tn_freeing *f, const tn_replicas *replicas, const tn_expr *expr,
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
tarn_code tn_domain__common(tn_freeing *f, const tn_replicas *a, const tn_replicas *b,
                            tn_expr_vec *out, tarn_error *err)
{
    for (size_t i = 0; i < a->count; i++) {
        const tn_replica *other = tn_domain__find(b, a->items[i].outer);
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
tarn_code tn_domain__make(tn_freeing *f, const tn_columns *wanted, tn_freed *out, tarn_error *err)
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
tarn_code tn_domain__ensure(tn_freeing *f, tn_freed *to, const tn_columns *wanted, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = f->context;
    tn_freed domain = {NULL, TN_VEC_INIT(context->pool)};
    tn_expr_vec conditions = TN_VEC_INIT(context->pool);
    tn_columns all;
    bool missing = false;
    tn_columns__init(&all, context->pool);
    for (uint32_t i = 0; i < f->left->output_count; i++) {
        const tn_column_id id = f->left->outputs[i].id;
        const bool wants = tn_columns__has(wanted, id) && tn_columns__has(f->outer, id);
        missing |= wants && tn_domain__find(&to->replicas, id) == NULL;
        if (wants || tn_columns__has(&f->total, id) || tn_domain__find(&to->replicas, id) != NULL) {
            TN_TRY(tn_columns__add(&all, id, err));
        }
    }
    if (!missing) {
        goto done;
    }
    TN_TRY(tn_domain__make(f, &all, &domain, err));
    TN_TRY(tn_domain__common(f, &domain.replicas, &to->replicas, &conditions, err));
    TN_TRY(tn_plan__join(context, TN_PLAN_JOIN, TN_JOIN_INNER, domain.plan, to->plan,
                         conditions.items, (uint32_t)conditions.count, to->plan->span, &to->plan,
                         err));
    for (size_t i = 0; i < domain.replicas.count; i++) {
        if (tn_domain__find(&to->replicas, domain.replicas.items[i].outer) == NULL) {
            TN_TRY(tn_vec_push(&to->replicas, domain.replicas.items[i], err));
        }
    }
done:
    tn_vec_free(&domain.replicas);
    tn_vec_free(&conditions);
    tn_columns__deinit(&all);
    return code;
}

tarn_code tn_domain__level(tn_freeing *f, const size_t *members, uint32_t count, tn_columns *wanted,
                           tarn_error *err)
{
    size_t before = SIZE_MAX;
    size_t after = 0;
    while (before != after) {
        before = after;
        after = 0;
        for (uint32_t m = 0; m < count; m++) {
            const tn_replicas *replicas = &f->done.items[members[m]].replicas;
            for (size_t i = 0; i < replicas->count; i++) {
                TN_RETURN_IF_ERROR(tn_columns__add(wanted, replicas->items[i].outer, err));
            }
        }
        for (uint32_t m = 0; m < count; m++) {
            TN_RETURN_IF_ERROR(tn_domain__ensure(f, &f->done.items[members[m]], wanted, err));
            after += f->done.items[members[m]].replicas.count;
        }
    }
    return TARN_OK;
}

/* ---- filters: where replicas come for nothing ---- */

/* `outer = expression of the plan`: the outer column, and the expression. */
static tarn_code equality_of(tn_freeing *f, const tn_expr *conjunct, const tn_columns *inside,
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
static tarn_code column_for(tn_freeing *f, tn_freed *to, const tn_expr *expr, tn_output *out,
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

tarn_code tn_domain__filter(tn_freeing *f, tn_freed *to, const tn_expr *const *conjuncts,
                            uint32_t count, tarn_error *err)
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
        if (!f->strict) {
            TN_TRY(equality_of(f, conjuncts[i], &inside, &outer, &inner, err));
        }
        if (inner == NULL || tn_domain__find(&to->replicas, outer) != NULL) {
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
    TN_TRY(tn_domain__ensure(f, to, &reads, err));
    for (size_t i = 0; i < kept.count; i++) {
        TN_TRY(tn_domain__replace(f, &to->replicas, kept.items[i], &kept.items[i], err));
    }
    TN_TRY(tn_plan__filter(f->context, to->plan, kept.items, (uint32_t)kept.count, &to->plan, err));
done:
    tn_vec_free(&kept);
    tn_columns__deinit(&inside);
    tn_columns__deinit(&reads);
    return code;
}

static bool is_set(const tn_plan *plan)
{
    return plan->kind == TN_PLAN_UNION || plan->kind == TN_PLAN_EXCEPT ||
           plan->kind == TN_PLAN_INTERSECT;
}

/* Sees to it that the sides of a join have the replicas that the join needs. */
static tarn_code prepare_join(tn_freeing *f, const tn_plan *plan, const tn_columns *own,
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
        TN_TRY(tn_domain__level(f, members, 2, &wanted, err));
        goto done;
    }
    /* Its replicas are the join's: one that the other side alone has would multiply rows. */
    const tn_replicas *others = &f->done.items[members[swap ? 0 : 1]].replicas;
    for (size_t i = 0; i < others->count; i++) {
        TN_TRY(tn_columns__add(&wanted, others->items[i].outer, err));
    }
    TN_TRY(tn_domain__ensure(f, &f->done.items[members[swap ? 1 : 0]], &wanted, err));
done:
    tn_columns__deinit(&wanted);
    return code;
}

static tarn_code number_of(const tn_freeing *f, const tn_plan *plan, size_t *out, tarn_error *err)
{
    return tn_pointer_map__find(&f->numbers, plan, out)
               ? TARN_OK
               : tn_fail(err, TARN_E_INTERNAL, "a subquery's node is not known");
}

/* Keeps the columns of the set that belong to the left. */
static void only_outer(const tn_freeing *f, tn_columns *set)
{
    for (size_t i = 0; i < set->word_count; i++) {
        set->words[i] &= i < f->outer->word_count ? f->outer->words[i] : 0;
    }
}

static tarn_code record(tn_freeing *f, const tn_columns *reads, const tn_freed *result,
                        tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_reserve(&f->reads, 1, err));
    TN_RETURN_IF_ERROR(tn_vec_reserve(&f->done, 1, err));
    f->reads.items[f->reads.count++] = *reads;
    f->done.items[f->done.count++] = *result;
    return TARN_OK;
}

/* The right of an APPLY reads the left's replicas: it is not freed here, only looked at. */
static tarn_code do_dependent(tn_freeing *f, tn_plan *plan, size_t *number, tarn_error *err)
{
    const tn_freed result = {plan, TN_VEC_INIT(f->context->pool)};
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

static tarn_code do_node(tn_freeing *f, tn_plan *plan, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_pool *pool = f->context->pool;
    TN_VEC(size_t) members = TN_VEC_INIT(pool);
    tn_columns own;
    tn_columns all;
    tn_freed result = {plan, TN_VEC_INIT(pool)};
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
            TN_TRY(tn_domain__set(f, plan, members.items, &all, &result, err));
        } else if (plan->child_count > 0) {
            /* RIGHT joins are LEFT joins with the sides swapped. */
            if (plan->kind == TN_PLAN_JOIN && plan->join == TN_JOIN_RIGHT) {
                const size_t left = members.items[0];
                members.items[0] = members.items[1];
                members.items[1] = left;
            }
            const tn_freed *first = &f->done.items[members.items[0]];
            result.plan = first->plan;
            for (size_t i = 0; i < first->replicas.count; i++) {
                TN_TRY(tn_vec_push(&result.replicas, first->replicas.items[i], err));
            }
            TN_TRY(tn_domain__node(f, plan, &own, members.items, &result, err));
        } else {
            TN_TRY(tn_domain__node(f, plan, &own, members.items, &result, err));
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
    tn_freeing *f = context;
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

static void freeing_deinit(tn_freeing *f)
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
static tarn_code share_left(tn_freeing *f, tn_plan **left, tarn_error *err)
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

static tarn_code see_fallible(void *context, const tn_expr *expr, tarn_error *err)
{
    bool *fails = context;
    (void)err;
    if (expr->kind != TN_EXPR_AGGREGATE) {
        *fails = *fails || expr->can_fail;
        return TARN_OK;
    }
    /* that a sum may pass its digits is no reason to join */
    for (uint32_t i = 0; i < expr->child_count; i++) {
        *fails = *fails || expr->children[i]->can_fail;
    }
    *fails = *fails || (expr->filter != NULL && expr->filter->can_fail);
    return TARN_OK;
}

static tarn_code is_fallible(tn_plan_context *context, const tn_plan *plan, bool *out,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_vec nodes = TN_VEC_INIT(context->pool);
    TN_TRY(tn_plan__postorder(plan, &nodes, err));
    for (size_t i = 0; i < nodes.count && !*out; i++) {
        TN_TRY(tn_plan__each_expr(nodes.items[i], see_fallible, out, err));
    }
done:
    tn_vec_free(&nodes);
    return code;
}

TN_FALLIBLE tn_plan__free_of(tn_optimiser *optimiser, tn_plan *plan, const tn_plan *whole,
                             tn_plan **left, const tn_columns *outer, const tn_columns *need,
                             tn_plan **out, tn_replicas *replicas, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = optimiser->context;
    tn_plan_vec nodes = TN_VEC_INIT(context->pool);
    tn_freeing f = {.optimiser = optimiser,
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
    TN_TRY(is_fallible(context, whole, &f.strict, err));
    TN_TRY(tn_plan__bottom_up(context, plan, unshare, &f, &plan, err));
    TN_TRY(list_nodes(plan, &nodes, err));
    for (size_t i = 0; i < nodes.count; i++) {
        TN_TRY(do_node(&f, nodes.items[i], err));
    }
    tn_freed *root = &f.done.items[f.done.count - 1];
    if (need != NULL) {
        TN_TRY(tn_domain__ensure(&f, root, need, err));
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
