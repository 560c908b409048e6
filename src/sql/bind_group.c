/* bind_group.c - GROUP BY: what may stand above it, and the aggregate itself. */
#include "sql/bind_internal.h"

tarn_code tn_binder__new_grouping(tn_binder *b, tn_grouping_state **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(b->arena, tn_grouping_state, out, err));
    (*out)->aggregates.pool = b->pool;
    (*out)->aggregate_ids.pool = b->pool;
    (*out)->aggregate_names.pool = b->pool;
    (*out)->keys.pool = b->pool;
    (*out)->ungrouped.pool = b->pool;
    return tn_vec_push(&b->groupings, *out, err);
}

tarn_code tn_binder__add_key(tn_binder *b, tn_grouping_state *g, const tn_expr *key, uint32_t size,
                             tn_str name, uint32_t *index, tarn_error *err)
{
    for (size_t i = 0; i < g->keys.count; i++) {
        if (tn_expr_equal(g->keys.items[i].expr, key)) {
            *index = (uint32_t)i;
            return TARN_OK;
        }
    }
    const bool plain = key->kind == TN_EXPR_COLUMN && !g->has_sets;
    const tn_group_key made = {.expr = key,
                               .size = size,
                               .is_plain = plain,
                               .name = name,
                               .id = plain ? key->column : tn_plan_new_column(b->context)};
    *index = (uint32_t)g->keys.count;
    return tn_vec_push(&g->keys, made, err);
}

tarn_code tn_binder__note_ungrouped(tn_binder *b, tn_grouping_state *g,
                                    const tn_scope_column *column, tn_span span, tarn_error *err)
{
    for (size_t i = 0; i < g->keys.count; i++) {
        if (g->keys.items[i].is_plain && g->keys.items[i].id == column->id) {
            return TARN_OK;
        }
    }
    const tn_ungrouped note = {column->table, column->name, span};
    (void)b;
    return tn_vec_push(&g->ungrouped, note, err);
}

/* A key that stands within an expression, as it was before it became a column. */
static tarn_code restore(void *context, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    const tn_grouping_state *g = context;
    (void)err;
    *out = expr;
    for (size_t i = 0; expr->kind == TN_EXPR_COLUMN && i < g->keys.count; i++) {
        if (g->keys.items[i].id == expr->column) {
            *out = g->keys.items[i].expr;
        }
    }
    return TARN_OK;
}

/* Whole keys come first: of the keys a and f(a), f(a) is the second, not a function of the first,
 * which may be NULL in a set without it. */
static TN_FALLIBLE find_key(tn_binder *b, tn_grouping_state *g, const tn_group_key **out,
                            tarn_error *err)
{
    const tn_expr *whole = NULL;
    *out = NULL;
    for (size_t i = 0; i < g->keys.count; i++) {
        const tn_group_key *key = &g->keys.items[i];
        if (key->is_plain || key->size != b->size) {
            continue;
        }
        if (whole == NULL && g->keys.count > 1 && b->expr->kind != TN_EXPR_COLUMN) {
            TN_RETURN_IF_ERROR(tn_expr_rewrite(b->expr, b->arena, restore, g, &whole, err));
        }
        if (tn_expr_equal(key->expr, whole != NULL ? whole : b->expr)) {
            *out = key;
            break;
        }
    }
    return TARN_OK;
}

tarn_code tn_binder__match_key(tn_binder *b, const tn_env *env, size_t ungrouped, tarn_error *err)
{
    const tn_group_key *key;
    tn_grouping_state *g = env->scope == NULL ? NULL : env->scope->grouping;
    if (g == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(find_key(b, g, &key, err));
    if (key == NULL) {
        return TARN_OK;
    }
    g->ungrouped.count = ungrouped;
    return tn_expr_column(b->expr_context, key->id, key->name, b->expr->type, b->expr->span,
                          &b->expr, err);
}

tarn_code tn_binder__check_grouped(tn_binder *b, const tn_grouping_state *g, tarn_error *err)
{
    if (g->ungrouped.count == 0) {
        return TARN_OK;
    }
    const tn_ungrouped *first = &g->ungrouped.items[0];
    (void)tn_binder__fail(b, first->span, err, TARN_E_INVALID,
                          "column '%.*s' must appear in GROUP BY or in an aggregate",
                          TN_STR_ARGS(first->name));
    tn_hint(err, "add it to GROUP BY, or use any_value(%.*s) where its value does not matter",
            TN_STR_ARGS(first->name));
    return TARN_E_INVALID;
}

/* The outputs get the ids by which what stands above names them. */
static TN_FALLIBLE name_outputs(tn_binder *b, const tn_grouping_state *g, tn_plan *plan,
                                tarn_error *err)
{
    tn_output *outputs;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_output, plan->output_count, &outputs, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        outputs[i] = plan->outputs[i];
        outputs[i].id =
            i < g->keys.count ? g->keys.items[i].id : g->aggregate_ids.items[i - g->keys.count];
    }
    plan->outputs = outputs;
    return TARN_OK;
}

static TN_FALLIBLE key_exprs(tn_binder *b, const tn_grouping_state *g, const tn_expr ***out,
                             tn_str **names, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, g->keys.count, out, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, g->keys.count, names, err));
    for (size_t i = 0; i < g->keys.count; i++) {
        (*out)[i] = g->keys.items[i].expr;
        (*names)[i] = g->keys.items[i].name;
    }
    return TARN_OK;
}

/* ---- GROUPING SETS: one aggregate for each set over a child that runs once ---- */

/* The columns of the child, by those of one reference to it. */
typedef struct substitution {
    tn_binder *b;
    const tn_plan *from, *to;
} substitution;

static tarn_code substitute(void *context, const tn_expr *expr, const tn_expr **out,
                            tarn_error *err)
{
    const substitution *s = context;
    *out = expr;
    for (uint32_t i = 0; expr->kind == TN_EXPR_COLUMN && i < s->from->output_count; i++) {
        if (s->from->outputs[i].id == expr->column) {
            return tn_plan_column(s->b->context, s->to, i, expr->span, out, err);
        }
    }
    return TARN_OK;
}

/* One set: its aggregate, and NULL for the keys that are not in it. */
static TN_FALLIBLE one_set(tn_binder *b, const tn_grouping_state *g, uint64_t set, tn_plan *child,
                           tn_plan *reference, tn_plan **out, tarn_error *err)
{
    const uint32_t key_count = (uint32_t)g->keys.count;
    const uint32_t count = (uint32_t)g->aggregates.count;
    substitution s = {b, child, reference};
    const tn_expr **keys;
    const tn_expr **aggregates;
    const tn_expr **exprs;
    tn_str *names;
    uint32_t used = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, key_count, &keys, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, count, &aggregates, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, key_count + count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, key_count + count, &names, err));
    for (uint32_t i = 0; i < key_count; i++) {
        if ((set >> i & 1) != 0) {
            TN_RETURN_IF_ERROR(tn_expr_rewrite(g->keys.items[i].expr, b->arena, substitute, &s,
                                               &keys[used++], err));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(
            tn_expr_rewrite(g->aggregates.items[i], b->arena, substitute, &s, &aggregates[i], err));
    }
    TN_RETURN_IF_ERROR(tn_plan_aggregate(b->context, reference, keys, NULL, used, aggregates,
                                         g->aggregate_names.items, count, out, err));
    used = 0;
    for (uint32_t i = 0; i < key_count + count; i++) {
        names[i] = i < key_count ? g->keys.items[i].name : g->aggregate_names.items[i - key_count];
        if (i >= key_count || (set >> i & 1) != 0) {
            TN_RETURN_IF_ERROR(
                tn_plan_column(b->context, *out, used++, (tn_span){0, 0}, &exprs[i], err));
            continue;
        }
        const tn_value null = tn_value_null(g->keys.items[i].expr->type);
        TN_RETURN_IF_ERROR(
            tn_expr_literal(b->expr_context, &null, (tn_span){0, 0}, &exprs[i], err));
    }
    return tn_plan_project(b->context, *out, exprs, names, key_count + count, out, err);
}

/* A subquery reads the child's own columns, which the references to it rename: it is computed
 * beneath them, as one more column. */
typedef struct lifting {
    tn_binder *b;
    tn_plan *plan;
} lifting;

static tarn_code lift(void *context, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    lifting *l = context;
    const uint32_t count = l->plan->output_count;
    const tn_expr **exprs;
    tn_str *names;
    *out = expr;
    if (expr->kind != TN_EXPR_SUBQUERY) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(l->b->arena, const tn_expr *, count + 1, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(l->b->arena, tn_str, count + 1, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = l->plan->outputs[i].name;
        TN_RETURN_IF_ERROR(
            tn_plan_column(l->b->context, l->plan, i, (tn_span){0, 0}, &exprs[i], err));
    }
    names[count] = TN_STR("subquery");
    exprs[count] = expr;
    TN_RETURN_IF_ERROR(
        tn_plan_project(l->b->context, l->plan, exprs, names, count + 1, &l->plan, err));
    return tn_plan_column(l->b->context, l->plan, count, expr->span, out, err);
}

static TN_FALLIBLE lift_subqueries(tn_binder *b, tn_grouping_state *g, tn_plan **plan,
                                   tarn_error *err)
{
    lifting l = {b, *plan};
    for (size_t i = 0; i < g->keys.count; i++) {
        tn_group_key *key = &g->keys.items[i];
        TN_RETURN_IF_ERROR(tn_expr_rewrite(key->expr, b->arena, lift, &l, &key->expr, err));
    }
    for (size_t i = 0; i < g->aggregates.count; i++) {
        const tn_expr **aggregate = &g->aggregates.items[i];
        TN_RETURN_IF_ERROR(tn_expr_rewrite(*aggregate, b->arena, lift, &l, aggregate, err));
    }
    *plan = l.plan;
    return TARN_OK;
}

static TN_FALLIBLE all_sets(tn_binder *b, tn_grouping_state *g, tn_plan **plan, tarn_error *err)
{
    TN_RETURN_IF_ERROR(lift_subqueries(b, g, plan, err));
    const uint32_t shared = b->context->next_shared++;
    tn_plan **branches;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_plan *, g->set_count, &branches, err));
    for (uint32_t i = 0; i < g->set_count; i++) {
        tn_plan *reference;
        TN_RETURN_IF_ERROR(tn_plan_shared(b->context, *plan, shared, &reference, err));
        TN_RETURN_IF_ERROR(one_set(b, g, g->sets[i], *plan, reference, &branches[i], err));
    }
    TN_RETURN_IF_ERROR(tn_plan_set(b->context, TN_PLAN_UNION, branches, g->set_count, true,
                                   (tn_span){0, 0}, plan, err));
    return TARN_OK;
}

tarn_code tn_binder__aggregate_plan(tn_binder *b, tn_grouping_state *g, tn_plan **plan,
                                    tarn_error *err)
{
    const tn_expr **keys;
    tn_str *names;
    if (g->has_sets) {
        TN_RETURN_IF_ERROR(all_sets(b, g, plan, err));
    } else {
        TN_RETURN_IF_ERROR(key_exprs(b, g, &keys, &names, err));
        TN_RETURN_IF_ERROR(tn_plan_aggregate(
            b->context, *plan, keys, names, (uint32_t)g->keys.count, g->aggregates.items,
            g->aggregate_names.items, (uint32_t)g->aggregates.count, plan, err));
    }
    return name_outputs(b, g, *plan, err);
}
