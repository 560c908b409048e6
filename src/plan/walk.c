/* Walking and rewriting plans, which are graphs (SHARED), without recursion. */
#include "plan/plan_internal.h"

typedef struct frame {
    tn_plan *original; /* as the parent names it: the key of what was done */
    tn_plan *node;
    uint32_t next;   /* child to enter */
    size_t children; /* where the rewritten ones begin in the list */
} frame;

TN_FALLIBLE tn_plan__postorder(const tn_plan *root, tn_plan_vec *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(frame) stack = TN_VEC_INIT(out->pool);
    tn_pointer_map seen;
    tn_pointer_map__init(&seen, out->pool);
    union {
        const tn_plan *in;
        tn_plan *node;
    } start = {.in = root};
    TN_TRY(tn_vec_push(&stack, ((frame){start.node, start.node, 0, 0}), err));
    TN_TRY(tn_pointer_map__put(&seen, root, 0, err));
    while (stack.count > 0) {
        frame *top = &stack.items[stack.count - 1];
        if (top->next == top->node->child_count) {
            TN_TRY(tn_vec_push(out, top->node, err));
            stack.count--;
            continue;
        }
        tn_plan *child = top->node->children[top->next++];
        size_t ignored;
        if (!tn_pointer_map__find(&seen, child, &ignored)) {
            TN_TRY(tn_pointer_map__put(&seen, child, 0, err));
            TN_TRY(tn_vec_push(&stack, ((frame){child, child, 0, 0}), err));
        }
    }
done:
    tn_vec_free(&stack);
    tn_pointer_map__deinit(&seen);
    return code;
}

typedef struct rewriting {
    tn_plan_context *context;
    tn_plan_rule *before, *after; /* one of them */
    void *rule_context;
    TN_VEC(frame) stack;
    tn_plan_vec done;    /* rewritten children of the nodes on the stack */
    tn_pointer_map seen; /* original to rewritten */
} rewriting;

/* Enters a node, or takes what was made of it before. */
static tarn_code enter(rewriting *r, tn_plan *plan, tarn_error *err)
{
    size_t known;
    if (tn_pointer_map__find(&r->seen, plan, &known)) {
        return tn_vec_push(&r->done, (tn_plan *)(uintptr_t)known, err);
    }
    tn_plan *node = plan;
    if (r->before != NULL) {
        TN_RETURN_IF_ERROR(r->before(r->rule_context, plan, &node, err));
    }
    return tn_vec_push(&r->stack, ((frame){plan, node, 0, r->done.count}), err);
}

static tarn_code leave(rewriting *r, tarn_error *err)
{
    const frame top = tn_vec_pop(&r->stack);
    tn_plan *plan = NULL;
    TN_RETURN_IF_ERROR(
        tn_plan__with_children(r->context, top.node, r->done.items + top.children, &plan, err));
    if (r->after != NULL) {
        TN_RETURN_IF_ERROR(r->after(r->rule_context, plan, &plan, err));
    }
    r->done.count = top.children;
    TN_RETURN_IF_ERROR(tn_pointer_map__put(&r->seen, top.original, (size_t)(uintptr_t)plan, err));
    return tn_vec_push(&r->done, plan, err);
}

static tarn_code rewrite(tn_plan_context *context, tn_plan *root, tn_plan_rule *before,
                         tn_plan_rule *after, void *rule_context, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    rewriting r = {.context = context,
                   .before = before,
                   .after = after,
                   .rule_context = rule_context,
                   .stack = TN_VEC_INIT(context->pool),
                   .done = TN_VEC_INIT(context->pool)};
    tn_pointer_map__init(&r.seen, context->pool);
    TN_TRY(enter(&r, root, err));
    while (r.stack.count > 0) {
        frame *top = &r.stack.items[r.stack.count - 1];
        if (top->next < top->node->child_count) {
            tn_plan *child = top->node->children[top->next++];
            TN_TRY(enter(&r, child, err));
        } else {
            TN_TRY(leave(&r, err));
        }
    }
    *out = r.done.items[0];
done:
    tn_vec_free(&r.stack);
    tn_vec_free(&r.done);
    tn_pointer_map__deinit(&r.seen);
    return code;
}

TN_FALLIBLE tn_plan__bottom_up(tn_plan_context *context, tn_plan *root, tn_plan_rule *rule,
                               void *rule_context, tn_plan **out, tarn_error *err)
{
    return rewrite(context, root, NULL, rule, rule_context, out, err);
}

TN_FALLIBLE tn_plan__top_down(tn_plan_context *context, tn_plan *root, tn_plan_rule *rule,
                              void *rule_context, tn_plan **out, tarn_error *err)
{
    return rewrite(context, root, rule, NULL, rule_context, out, err);
}

/* ---- the shape that every rule must leave ---- */

static tarn_code fault(const tn_plan *plan, const char *what, tarn_error *err)
{
    return tn_fail(err, TARN_E_INTERNAL, "a plan's %s %s", tn_plan__kind_name(plan->kind), what);
}

static tarn_code check_node(const tn_plan *plan, tn_columns *have, tn_columns *need, bool optimised,
                            tarn_error *err)
{
    tn_columns__clear(have);
    tn_columns__clear(need);
    if (optimised && plan->kind == TN_PLAN_APPLY) {
        return fault(plan, "was not unnested", err);
    }
    for (uint32_t i = 0; i < plan->child_count; i++) {
        TN_RETURN_IF_ERROR(tn_columns__add_outputs(have, plan->children[i], err));
        if ((plan->kind == TN_PLAN_UNION || plan->kind == TN_PLAN_EXCEPT ||
             plan->kind == TN_PLAN_INTERSECT || plan->kind == TN_PLAN_SHARED) &&
            plan->children[i]->output_count != plan->output_count) {
            return fault(plan, "has inputs of another width", err);
        }
    }
    if (plan->kind == TN_PLAN_SCAN) {
        TN_RETURN_IF_ERROR(tn_columns__add_outputs(have, plan, err));
    }
    TN_RETURN_IF_ERROR(tn_columns__add_node(need, plan, err));
    const bool hands_through = plan->kind == TN_PLAN_FILTER || plan->kind == TN_PLAN_SORT ||
                               plan->kind == TN_PLAN_LIMIT || plan->kind == TN_PLAN_DISTINCT ||
                               plan->kind == TN_PLAN_JOIN || plan->kind == TN_PLAN_METER;
    for (uint32_t i = 0; hands_through && i < plan->output_count; i++) {
        if (plan->outputs[i].id != plan->mark || plan->kind != TN_PLAN_JOIN) {
            TN_RETURN_IF_ERROR(tn_columns__add(need, plan->outputs[i].id, err));
        }
    }
    if (optimised && !tn_columns__within(need, have)) {
        for (tn_column_id id = 0; id < need->word_count * 64; id++) {
            if (tn_columns__has(need, id) && !tn_columns__has(have, id)) {
                return tn_fail(err, TARN_E_INTERNAL,
                               "a plan's %s reads column #%u, which it has not",
                               tn_plan__kind_name(plan->kind), id);
            }
        }
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan__check(const tn_plan *root, tn_pool *pool, bool optimised, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_vec nodes = TN_VEC_INIT(pool);
    tn_columns have;
    tn_columns need;
    tn_columns__init(&have, pool);
    tn_columns__init(&need, pool);
    TN_TRY(tn_plan__postorder(root, &nodes, err));
    for (size_t i = 0; i < nodes.count; i++) {
        TN_TRY(check_node(nodes.items[i], &have, &need, optimised, err));
    }
done:
    tn_vec_free(&nodes);
    tn_columns__deinit(&have);
    tn_columns__deinit(&need);
    return code;
}
