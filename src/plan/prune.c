/*
 * Columns that nobody reads are not made: scans read fewer fields, joins hand fewer through, sorts
 * and shared runs keep fewer.
 */
#include "plan/optimise_internal.h"

typedef struct pruning {
    tn_plan_context *context;
    tn_plan_vec nodes;        /* children first */
    tn_pointer_map numbers;   /* of nodes */
    TN_VEC(tn_columns) above; /* by node: columns read above it */
    TN_VEC(bool) exact;       /* by node: its outputs must be just what is read, in order */
} pruning;

static tn_columns *above_of(pruning *p, const tn_plan *plan)
{
    size_t number = 0;
    (void)tn_pointer_map__find(&p->numbers, plan, &number);
    return &p->above.items[number];
}

static tarn_code want_all(pruning *p, const tn_plan *child, tarn_error *err)
{
    return tn_columns__add_outputs(above_of(p, child), child, err);
}

/* The child's column at each place whose output is read. */
static tarn_code want_places(pruning *p, const tn_plan *plan, const tn_columns *above, bool all,
                             tarn_error *err)
{
    for (uint32_t c = 0; c < plan->child_count; c++) {
        for (uint32_t i = 0; i < plan->output_count; i++) {
            if (all || tn_columns__has(above, plan->outputs[i].id)) {
                TN_RETURN_IF_ERROR(tn_columns__add(above_of(p, plan->children[c]),
                                                   plan->children[c]->outputs[i].id, err));
            }
        }
    }
    return TARN_OK;
}

static tarn_code want_read(pruning *p, const tn_plan *plan, const tn_columns *above,
                           tn_columns *reads, tarn_error *err)
{
    const uint32_t first = plan->kind == TN_PLAN_AGGREGATE ? plan->key_count : 0;
    for (uint32_t i = 0; i < first; i++) {
        TN_RETURN_IF_ERROR(tn_columns__add_expr(reads, plan->keys[i], err));
    }
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        if (tn_columns__has(above, plan->outputs[first + i].id)) {
            TN_RETURN_IF_ERROR(tn_columns__add_expr(reads, plan->exprs[i], err));
        }
    }
    return tn_columns__add_set(above_of(p, plan->children[0]), reads, err);
}

static void ask_exact(pruning *p, const tn_plan *plan)
{
    for (uint32_t c = 0; c < plan->child_count; c++) {
        size_t number = 0;
        (void)tn_pointer_map__find(&p->numbers, plan->children[c], &number);
        p->exact.items[number] = true;
    }
}

/* What a node reads of its children, given what is read above it. */
static tarn_code want(pruning *p, const tn_plan *plan, tn_columns *reads, tarn_error *err)
{
    const tn_columns *above = above_of(p, plan);
    switch (plan->kind) {
    case TN_PLAN_PROJECT:
    case TN_PLAN_AGGREGATE:
        return want_read(p, plan, above, reads, err);
    case TN_PLAN_UNION:
    case TN_PLAN_SHARED:
        ask_exact(p, plan);
        return want_places(p, plan, above, false, err);
    case TN_PLAN_EXCEPT:
    case TN_PLAN_INTERSECT:
        ask_exact(p, plan);
        return want_places(p, plan, above, true, err);
    case TN_PLAN_WRITE:
    case TN_PLAN_ALL:
        ask_exact(p, plan);
        for (uint32_t c = 0; c < plan->child_count; c++) {
            TN_RETURN_IF_ERROR(want_all(p, plan->children[c], err));
        }
        return TARN_OK;
    case TN_PLAN_DISTINCT:
        ask_exact(p, plan);
        if (plan->key_count == 0) {
            return want_all(p, plan->children[0], err);
        }
        break;
    case TN_PLAN_SORT:
        ask_exact(p, plan);
        break;
    case TN_PLAN_SCAN:
    case TN_PLAN_VALUES:
        return TARN_OK;
    case TN_PLAN_FILTER:
    case TN_PLAN_JOIN:
    case TN_PLAN_APPLY:
    case TN_PLAN_LIMIT:
    case TN_PLAN_UNNEST:
    case TN_PLAN_METER:
    case TN_PLAN_KIND_COUNT:
    default:
        break;
    }
    TN_RETURN_IF_ERROR(tn_columns__add_node(reads, plan, err));
    for (uint32_t c = 0; c < plan->child_count; c++) {
        tn_columns *child = above_of(p, plan->children[c]);
        TN_RETURN_IF_ERROR(tn_columns__add_set(child, reads, err));
        if (c == 0 || plan->kind != TN_PLAN_JOIN || !tn_plan__left_only(plan->join)) {
            TN_RETURN_IF_ERROR(tn_columns__add_set(child, above, err));
        }
    }
    return TARN_OK;
}

/* ---- rewriting ---- */

/* Outputs (and what stands beside them) that are read above; the first `kept` stay anyway. */
static tarn_code narrow(tn_plan_context *context, tn_plan *plan, const tn_columns *above,
                        uint32_t kept, tn_plan **out, tarn_error *err)
{
    tn_output *outputs = NULL;
    const tn_expr **exprs = NULL;
    uint32_t *fields = NULL;
    uint32_t n = 0;
    uint32_t read = 0;
    for (uint32_t i = 0; i < plan->output_count; i++) {
        read += i < kept || tn_columns__has(above, plan->outputs[i].id);
    }
    *out = plan;
    if (read == plan->output_count) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_plan__copy(context, plan, out, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, read, &outputs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_expr *, read, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, uint32_t, read, &fields, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        if (i >= kept && !tn_columns__has(above, plan->outputs[i].id)) {
            continue;
        }
        if (plan->kind == TN_PLAN_SCAN) {
            fields[n] = plan->fields[i];
        } else if (plan->kind != TN_PLAN_JOIN && i >= kept) {
            exprs[n - kept] = plan->exprs[i - kept];
        }
        outputs[n++] = plan->outputs[i];
    }
    (*out)->outputs = outputs;
    (*out)->output_count = n;
    if (plan->kind == TN_PLAN_SCAN) {
        (*out)->fields = fields;
    } else if (plan->kind != TN_PLAN_JOIN) {
        (*out)->exprs = exprs;
        (*out)->expr_count = n - kept;
    }
    return TARN_OK;
}

/* VALUES: the columns that are read, row by row. */
static tarn_code narrow_values(tn_plan_context *context, tn_plan *plan, const tn_columns *above,
                               tn_plan **out, tarn_error *err)
{
    const uint32_t width = plan->output_count;
    tn_output *outputs = NULL;
    const tn_expr **exprs = NULL;
    uint32_t n = 0;
    *out = plan;
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, width, &outputs, err));
    for (uint32_t i = 0; i < width; i++) {
        if (tn_columns__has(above, plan->outputs[i].id)) {
            outputs[n++] = plan->outputs[i];
        }
    }
    if (n == width) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_expr *,
                                      (size_t)n * plan->row_count, &exprs, err));
    size_t at = 0;
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        if (tn_columns__has(above, plan->outputs[i % width].id)) {
            exprs[at++] = plan->exprs[i];
        }
    }
    TN_RETURN_IF_ERROR(tn_plan__copy(context, plan, out, err));
    (*out)->exprs = exprs;
    (*out)->expr_count = (uint32_t)at;
    (*out)->outputs = outputs;
    (*out)->output_count = n;
    return TARN_OK;
}

/* The node over its new children, with the outputs that are read. */
static tarn_code cut(pruning *p, tn_plan *original, tn_plan *const *children,
                     const tn_columns *above, tn_plan **out, tarn_error *err)
{
    tn_plan_context *context = p->context;
    tn_plan *plan = NULL;
    TN_RETURN_IF_ERROR(tn_plan__with_children(context, original, children, &plan, err));
    *out = plan;
    switch (plan->kind) {
    case TN_PLAN_SCAN:
    case TN_PLAN_PROJECT:
        return narrow(context, plan, above, 0, out, err);
    case TN_PLAN_AGGREGATE:
        return narrow(context, plan, above, plan->key_count, out, err);
    case TN_PLAN_VALUES:
        return narrow_values(context, plan, above, out, err);
    case TN_PLAN_JOIN:
        return narrow(context, plan, above, 0, out, err);
    case TN_PLAN_UNION:
    case TN_PLAN_SHARED: {
        tn_output *outputs = NULL;
        uint32_t n = 0;
        TN_RETURN_IF_ERROR(
            tn_arena_array(context->expr.arena, tn_output, plan->output_count, &outputs, err));
        /* Of a shared run, all readers have the columns that any of them reads. */
        const tn_plan *first = original->children[0];
        const tn_columns *below = above_of(p, first);
        for (uint32_t i = 0; i < plan->output_count; i++) {
            if (tn_columns__has(plan->kind == TN_PLAN_UNION ? above : below,
                                plan->kind == TN_PLAN_UNION ? plan->outputs[i].id
                                                            : first->outputs[i].id)) {
                outputs[n++] = plan->outputs[i];
            }
        }
        TN_RETURN_IF_ERROR(tn_plan__copy(context, plan, out, err));
        (*out)->outputs = outputs;
        (*out)->output_count = n;
        return TARN_OK;
    }
    case TN_PLAN_FILTER:
    case TN_PLAN_METER:
    case TN_PLAN_APPLY:
    case TN_PLAN_SORT:
    case TN_PLAN_LIMIT:
    case TN_PLAN_DISTINCT:
    case TN_PLAN_EXCEPT:
    case TN_PLAN_INTERSECT:
    case TN_PLAN_UNNEST:
    case TN_PLAN_WRITE:
    case TN_PLAN_ALL:
    case TN_PLAN_KIND_COUNT:
    default:
        return TARN_OK;
    }
}

/* Just what is read, in the order the node had it. */
static tarn_code make_exact(pruning *p, const tn_plan *original, const tn_columns *above,
                            tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_output *outputs = NULL;
    uint32_t n = 0;
    TN_RETURN_IF_ERROR(
        tn_arena_array(p->context->expr.arena, tn_output, original->output_count, &outputs, err));
    for (uint32_t i = 0; i < original->output_count; i++) {
        if (tn_columns__has(above, original->outputs[i].id)) {
            outputs[n++] = original->outputs[i];
        }
    }
    return tn_plan__restore(p->context, plan, outputs, n, out, err);
}

static tarn_code rewrite(pruning *p, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_vec made = TN_VEC_INIT(p->context->pool);
    tn_plan_vec children = TN_VEC_INIT(p->context->pool);
    for (size_t i = 0; i < p->nodes.count; i++) {
        tn_plan *original = p->nodes.items[i];
        tn_plan *plan = NULL;
        children.count = 0;
        for (uint32_t c = 0; c < original->child_count; c++) {
            size_t number = 0;
            (void)tn_pointer_map__find(&p->numbers, original->children[c], &number);
            TN_TRY(tn_vec_push(&children, made.items[number], err));
        }
        TN_TRY(cut(p, original, children.items, &p->above.items[i], &plan, err));
        if (p->exact.items[i]) {
            TN_TRY(make_exact(p, original, &p->above.items[i], plan, &plan, err));
        }
        TN_TRY(tn_vec_push(&made, plan, err));
    }
    *out = made.items[made.count - 1];
done:
    tn_vec_free(&made);
    tn_vec_free(&children);
    return code;
}

TN_FALLIBLE tn_plan__prune(tn_optimiser *optimiser, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_pool *pool = optimiser->context->pool;
    pruning p = {.context = optimiser->context,
                 .nodes = TN_VEC_INIT(pool),
                 .above = TN_VEC_INIT(pool),
                 .exact = TN_VEC_INIT(pool)};
    tn_columns reads;
    tn_pointer_map__init(&p.numbers, pool);
    tn_columns__init(&reads, pool);
    TN_TRY(tn_plan__postorder(plan, &p.nodes, err));
    for (size_t i = 0; i < p.nodes.count; i++) {
        TN_TRY(tn_pointer_map__put(&p.numbers, p.nodes.items[i], i, err));
        TN_TRY(tn_vec_push(&p.above, ((tn_columns){pool, NULL, 0}), err));
        TN_TRY(tn_vec_push(&p.exact, false, err));
    }
    TN_TRY(want_all(&p, plan, err));
    p.exact.items[p.nodes.count - 1] = true;
    for (size_t i = p.nodes.count; i > 0; i--) { /* parents before their children */
        tn_columns__clear(&reads);
        TN_TRY(want(&p, p.nodes.items[i - 1], &reads, err));
    }
    TN_TRY(rewrite(&p, out, err));
done:
    for (size_t i = 0; i < p.above.count; i++) {
        tn_columns__deinit(&p.above.items[i]);
    }
    tn_vec_free(&p.nodes);
    tn_vec_free(&p.above);
    tn_vec_free(&p.exact);
    tn_pointer_map__deinit(&p.numbers);
    tn_columns__deinit(&reads);
    return code;
}
