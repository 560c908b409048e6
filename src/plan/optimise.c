/* The list of rules, and how they run. */
#include "plan/optimise_internal.h"

typedef tarn_code whole_pass(tn_optimiser *optimiser, tn_plan *plan, tn_plan **out,
                             tarn_error *err);

typedef enum direction { BOTTOM_UP, TOP_DOWN } direction;

typedef struct step {
    const char *name;
    direction direction;
    tn_plan_rule *rule;
    whole_pass *whole; /* instead of a rule */
    bool is_needed;    /* the engine cannot run what it would leave, or not rightly */
} step;

/* ---- SHARED with one reader ---- */

typedef struct counting {
    tn_optimiser *optimiser;
    TN_VEC(uint32_t) readers; /* by shared id */
} counting;

static tarn_code inline_one(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    counting *c = context;
    tn_plan_context *plans = c->optimiser->context;
    const tn_expr **exprs = NULL;
    *out = plan;
    if (plan->kind != TN_PLAN_SHARED || c->readers.items[plan->shared_id] != 1) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(plans->expr.arena, const tn_expr *, plan->output_count, &exprs, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        TN_RETURN_IF_ERROR(
            tn_expr__column_of(plans, &plan->children[0]->outputs[i], &exprs[i], err));
    }
    return tn_plan__project(plans, plan->children[0], exprs, plan->outputs, plan->output_count, out,
                            err);
}

TN_FALLIBLE tn_plan__inline_shared(tn_optimiser *optimiser, tn_plan *plan, tn_plan **out,
                                   tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_pool *pool = optimiser->context->pool;
    tn_plan_vec nodes = TN_VEC_INIT(pool);
    counting c = {optimiser, TN_VEC_INIT(pool)};
    bool any = false;
    TN_TRY(tn_plan__postorder(plan, &nodes, err));
    for (size_t i = 0; i < nodes.count; i++) {
        if (nodes.items[i]->kind != TN_PLAN_SHARED) {
            continue;
        }
        while (c.readers.count <= nodes.items[i]->shared_id) {
            TN_TRY(tn_vec_push(&c.readers, 0, err));
        }
        c.readers.items[nodes.items[i]->shared_id]++;
        any = true;
    }
    *out = plan;
    if (any) {
        TN_TRY(tn_plan__bottom_up(optimiser->context, plan, inline_one, &c, out, err));
    }
done:
    tn_vec_free(&nodes);
    tn_vec_free(&c.readers);
    return code;
}

/* ---- order and estimates ---- */

static bool keeps_order(const tn_plan *plan, bool wanted)
{
    bool all = true;
    for (uint32_t i = 0; i < plan->child_count; i++) {
        all &= plan->children[i]->keeps_order;
    }
    switch (plan->kind) {
    case TN_PLAN_SCAN:
        return wanted && plan->source->is_ordered;
    case TN_PLAN_VALUES:
        return wanted;
    case TN_PLAN_SORT:
        return true;
    case TN_PLAN_FILTER:
    case TN_PLAN_METER:
    case TN_PLAN_PROJECT:
    case TN_PLAN_LIMIT:
    case TN_PLAN_UNION:
    case TN_PLAN_UNNEST:
    case TN_PLAN_SHARED:
    case TN_PLAN_WRITE:
        return all;
    case TN_PLAN_AGGREGATE:
    case TN_PLAN_JOIN:
    case TN_PLAN_APPLY:
    case TN_PLAN_DISTINCT:
    case TN_PLAN_EXCEPT:
    case TN_PLAN_INTERSECT:
    case TN_PLAN_ALL:
    case TN_PLAN_KIND_COUNT:
    default:
        return false;
    }
}

static tarn_code finish_node(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_optimiser *optimiser = context;
    double rows = -1;
    TN_RETURN_IF_ERROR(tn_plan__copy(optimiser->context, plan, out, err));
    TN_RETURN_IF_ERROR(tn_estimates__rows(optimiser->estimates, *out, &rows, err));
    (*out)->rows_estimate = rows;
    (*out)->keeps_order = keeps_order(*out, optimiser->options->keep_order);
    return TARN_OK;
}

TN_FALLIBLE tn_plan__finish(tn_optimiser *optimiser, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    return tn_plan__bottom_up(optimiser->context, plan, finish_node, optimiser, out, err);
}

/* ---- the list ---- */

static const step steps[] = {
    {"subqueries", TOP_DOWN, tn_rule__subqueries, NULL, true},
    {"inline_shared", BOTTOM_UP, NULL, tn_plan__inline_shared, false},
    {"fold", BOTTOM_UP, tn_rule__fold, NULL, false},
    /* Unnesting looks for the order of a LIMIT 1 right below it. */
    {"limits_of_subqueries", TOP_DOWN, tn_rule__limits, NULL, true},
    {"unnest", TOP_DOWN, tn_rule__unnest, NULL, true},
    {"distinct_aggregates", BOTTOM_UP, tn_rule__distinct_aggregates, NULL, true},
    {"simplify", BOTTOM_UP, tn_rule__simplify, NULL, false},
    {"filter_pushdown", TOP_DOWN, tn_rule__push_filters, NULL, false},
    {"simplify", BOTTOM_UP, tn_rule__simplify, NULL, false},
    /* What a row store would raise too early. */
    {"pull_fallible", BOTTOM_UP, tn_rule__pull_fallible, NULL, true},
    {"simplify", BOTTOM_UP, tn_rule__simplify, NULL, false},
    {"join_order", TOP_DOWN, tn_rule__join_order, NULL, false},
    {"build_side", BOTTOM_UP, tn_rule__build_side, NULL, false},
    {"fold", BOTTOM_UP, tn_rule__fold, NULL, false},
    {"simplify", BOTTOM_UP, tn_rule__simplify, NULL, false},
    {"statistics", BOTTOM_UP, tn_rule__shortcuts, NULL, false},
    {"top_n", TOP_DOWN, tn_rule__limits, NULL, false},
    {"projection_pushdown", BOTTOM_UP, NULL, tn_plan__prune, false},
    {"inline_shared", BOTTOM_UP, NULL, tn_plan__inline_shared, false},
    {"simplify", BOTTOM_UP, tn_rule__simplify, NULL, false},
    {"scan_conjuncts", BOTTOM_UP, tn_rule__scan_conjuncts, NULL, false},
    {"finish", BOTTOM_UP, NULL, tn_plan__finish, true},
};

static bool is_disabled(tn_str list, const char *name)
{
    while (list.size > 0) {
        const size_t comma = tn_str_find(list, ',');
        tn_str item = tn_str_slice(list, 0, comma == SIZE_MAX ? list.size : comma);
        while (item.size > 0 && item.data[0] == ' ') {
            item = tn_str_slice(item, 1, item.size);
        }
        while (item.size > 0 && item.data[item.size - 1] == ' ') {
            item.size--;
        }
        if (tn_str_equal_fold(item, tn_str_of(name))) {
            return true;
        }
        list = comma == SIZE_MAX ? TN_STR_NONE : tn_str_slice(list, comma + 1, list.size);
    }
    return false;
}

const char *tn_optimise_rule(size_t index)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (!steps[i].is_needed && index-- == 0) {
            return steps[i].name;
        }
    }
    return NULL;
}

static tarn_code run_step(tn_optimiser *optimiser, const step *now, tn_plan *plan, tn_plan **out,
                          tarn_error *err)
{
    if (now->whole != NULL) {
        return now->whole(optimiser, plan, out, err);
    }
    return now->direction == TOP_DOWN
               ? tn_plan__top_down(optimiser->context, plan, now->rule, optimiser, out, err)
               : tn_plan__bottom_up(optimiser->context, plan, now->rule, optimiser, out, err);
}

/* Debug builds look at the plan after every step. */
static tarn_code check_step(tn_optimiser *optimiser, const step *now, const tn_plan *before,
                            const tn_plan *after, bool unnested, tarn_error *err)
{
    tarn_code code = TARN_OK;
#ifdef TARN_TEST_HOOKS
    code = tn_plan__check(after, optimiser->context->pool, unnested, err);
    if (code == TARN_OK && !tn_plan__same_outputs(before, after)) {
        code = tn_fail(err, TARN_E_INTERNAL, "a plan's outputs changed");
    }
    if (code != TARN_OK) {
        tn_explain(err, "after the optimiser's '%s'", now->name);
    }
#else
    (void)optimiser;
    (void)now;
    (void)before;
    (void)after;
    (void)unnested;
    (void)err;
#endif
    return code;
}

TN_FALLIBLE tn_plan_optimise(tn_plan_context *context, tn_plan *plan,
                             const tn_optimise_options *options, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_optimiser optimiser = {.context = context, .options = options};
    bool unnested = false;
    *out = NULL;
    tn_pointer_map__init(&optimiser.cloned, context->pool);
    tn_pointer_map__init(&optimiser.lowered, context->pool);
    TN_TRY(tn_estimates__create(context, &optimiser.estimates, err));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        tn_plan *before = plan;
        if (!steps[i].is_needed && is_disabled(options->disabled, steps[i].name)) {
            continue;
        }
        TN_TRY(run_step(&optimiser, &steps[i], before, &plan, err));
        unnested |= strcmp(steps[i].name, "unnest") == 0;
        TN_TRY(check_step(&optimiser, &steps[i], before, plan, unnested, err));
    }
    *out = plan;
done:
    tn_estimates__destroy(optimiser.estimates);
    tn_pointer_map__deinit(&optimiser.cloned);
    tn_pointer_map__deinit(&optimiser.lowered);
    return code;
}
