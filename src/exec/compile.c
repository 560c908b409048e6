/*
 * From a plan to pipelines: each runs from a source, or from what an operator holds, through steps
 * to an end.  Nodes that several pipelines pass through (above a UNION, or above a join that gives
 * its unmatched rows afterwards) have one operator for all.  `order` ends as an order of need: what
 * fills an operator stands before what reads it.
 *
 * Steps along a chain are walked in a loop; only the other inputs of joins and of what blocks are
 * entered by a call, as deep as queries are nested, which DEPTH_MAX bounds.
 */
#include "exec/exec_internal.h"

#include "column/chunk.h"
#include "exec/result.h"
#include "exec/window.h"
#include "expr/function.h"
#include "scan/memory.h"

#include <assert.h>

enum { DEPTH_MAX = 300 };

/* One node of a chain, from the end's child downwards; of a UNION also which child. */
typedef struct link {
    const tn_plan *node;
    const tn_plan *child; /* the one walked to */
} link;

typedef struct chain {
    link links[TN_STEPS_MAX];
    uint32_t count;
} chain;

static TN_FALLIBLE compile_input(tn_query *query, const tn_plan *node, uint32_t depth,
                                 tn_segments *out, tarn_error *err);

/* ---- layouts ----------------------------------------------------------------------------------*/

static TN_FALLIBLE layout_new(tn_query *query, uint32_t count, tn_column_id **ids,
                              const tn_type ***types, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, tn_column_id, count, ids, err));
    return tn_arena_array(&query->arena, const tn_type *, count, types, err);
}

static TN_FALLIBLE layout_of_outputs(tn_query *query, const tn_plan *node, tn_layout *layout,
                                     const tn_type ***types, tarn_error *err)
{
    tn_column_id *ids;
    TN_RETURN_IF_ERROR(layout_new(query, node->output_count, &ids, types, err));
    for (uint32_t i = 0; i < node->output_count; i++) {
        ids[i] = node->outputs[i].id;
        (*types)[i] = node->outputs[i].type;
    }
    *layout = (tn_layout){node->output_count, ids};
    return TARN_OK;
}

static bool layout_is(const tn_layout *layout, const tn_plan *node)
{
    bool same = layout->count == node->output_count;
    for (uint32_t i = 0; i < layout->count && same; i++) {
        same = layout->ids[i] == node->outputs[i].id;
    }
    return same;
}

static uint32_t layout_find(const tn_layout *layout, tn_column_id id)
{
    for (uint32_t i = 0; i < layout->count; i++) {
        if (layout->ids[i] == id) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* ---- operators --------------------------------------------------------------------------------*/

/* Takes the operator over, also when this fails. */
static TN_FALLIBLE own(tn_query *query, tn_operator *op, tarn_error *err)
{
    if (tn_vec_push(&query->operators, op, err) != TARN_OK) {
        op->ops->destroy(op);
        return TARN_E_NOMEM;
    }
    return TARN_OK;
}

static tn_made *find_made(tn_query *query, const tn_plan *node)
{
    for (size_t i = 0; i < query->made.count; i++) {
        tn_made *made = query->made.items[i];
        if (made->node == node ||
            (node->kind == TN_PLAN_SHARED && made->shared_id == node->shared_id)) {
            return made;
        }
    }
    return NULL;
}

static TN_FALLIBLE new_made(tn_query *query, const tn_plan *node, tn_made **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(&query->arena, tn_made, out, err));
    (*out)->node = node;
    (*out)->shared_id = node->kind == TN_PLAN_SHARED ? node->shared_id : UINT32_MAX;
    (*out)->builds.pool = &query->pool;
    return tn_vec_push(&query->made, *out, err);
}

static TN_FALLIBLE add_step(tn_segment *segment, const tn_plan *node, tn_operator *op,
                            tarn_error *err)
{
    tn_pipeline *pipeline = &segment->pipeline;
    if (pipeline->step_count == TN_STEPS_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a pipeline may have %d steps", TN_STEPS_MAX);
    }
    segment->steps[pipeline->step_count] = op;
    segment->nodes[++pipeline->step_count] = node;
    return TARN_OK;
}

/* A step that hands on exactly the outputs of `node`, in their order. */
static TN_FALLIBLE narrow_to(tn_query *query, tn_segment *segment, const tn_plan *node,
                             const tn_plan *names, tarn_error *err)
{
    const tn_expr **exprs;
    tn_operator *op;
    TN_RETURN_IF_ERROR(
        tn_arena_array(&query->arena, const tn_expr *, node->output_count, &exprs, err));
    for (uint32_t i = 0; i < node->output_count; i++) {
        const tn_output *output = &node->outputs[i];
        TN_RETURN_IF_ERROR(tn_expr_column(&query->context->expr, output->id, output->name,
                                          output->type, node->span, &exprs[i], err));
    }
    TN_RETURN_IF_ERROR(
        tn_project_create(&query->run, exprs, node->output_count, &segment->layout, &op, err));
    TN_RETURN_IF_ERROR(own(query, op, err));
    TN_RETURN_IF_ERROR(add_step(segment, NULL, op, err));
    return layout_of_outputs(query, names, &segment->layout, &segment->types, err);
}

static TN_FALLIBLE narrow(tn_query *query, tn_segments *segments, const tn_plan *node,
                          tarn_error *err)
{
    for (size_t i = 0; i < segments->count; i++) {
        if (!layout_is(&segments->items[i]->layout, node)) {
            TN_RETURN_IF_ERROR(narrow_to(query, segments->items[i], node, node, err));
        }
    }
    return TARN_OK;
}

/* The pipelines end in `end`, and run next. */
static TN_FALLIBLE finish_segments(tn_query *query, tn_segments *segments, const tn_plan *node,
                                   tn_operator *end, tarn_error *err)
{
    for (size_t i = 0; i < segments->count; i++) {
        tn_segment *segment = segments->items[i];
        tn_pipeline *pipeline = &segment->pipeline;
        pipeline->run = &query->run;
        pipeline->steps = segment->steps;
        pipeline->end = end;
        pipeline->ordinal = (uint64_t)i << TN_ORDINAL_SHIFT;
        pipeline->finalises = i + 1 == segments->count;
        pipeline->counters = segment->counters;
        segment->nodes[pipeline->step_count + 1] = node;
        TN_RETURN_IF_ERROR(tn_vec_push(&query->order, segment, err));
    }
    return TARN_OK;
}

/* ---- steps, from below ------------------------------------------------------------------------*/

static bool filters_probe(tn_join_kind kind)
{
    return kind == TN_JOIN_INNER || kind == TN_JOIN_SEMI || kind == TN_JOIN_RIGHT;
}

static bool is_filter_join(const tn_plan *join)
{
    return join->join == TN_JOIN_SEMI || join->join == TN_JOIN_ANTI;
}

/* The scan below gets a filter that the build fills, where a key is one of its columns. */
static TN_FALLIBLE offer_filter(tn_query *query, tn_segment *segment, const tn_expr *key,
                                tn_dynamic_filter **out, tarn_error *err)
{
    *out = NULL;
    if (segment->origin != TN_ORIGIN_SOURCE || segment->node->kind != TN_PLAN_SCAN ||
        key->kind != TN_EXPR_COLUMN || segment->filter_count == TN_STEPS_MAX) {
        return TARN_OK;
    }
    const tn_plan *scan = segment->node;
    for (uint32_t i = 0; i < scan->output_count; i++) {
        if (scan->outputs[i].id == key->column && (scan->fields[i] & TN_FIELD_VIRTUAL) == 0) {
            TN_RETURN_IF_ERROR(
                tn_join_filter_create(&query->pool, scan->fields[i], key->type, out, err));
            if (tn_vec_push(&query->filters, *out, err) != TARN_OK) {
                tn_join_filter_destroy(*out);
                return TARN_E_NOMEM;
            }
            segment->filters[segment->filter_count++] = *out;
            return TARN_OK;
        }
    }
    return TARN_OK;
}

static tn_join_kind seen_from_probe(const tn_plan *join)
{
    if (!join->build_left) {
        return join->join;
    }
    return join->join == TN_JOIN_LEFT    ? TN_JOIN_RIGHT
           : join->join == TN_JOIN_RIGHT ? TN_JOIN_LEFT
                                         : join->join;
}

static bool may_build_left(const tn_plan *join)
{
    return join->build_left && (join->join == TN_JOIN_INNER || join->join == TN_JOIN_LEFT ||
                                join->join == TN_JOIN_RIGHT || join->join == TN_JOIN_FULL ||
                                (is_filter_join(join) && !join->null_aware));
}

/* Rows that come after the probes: unmatched ones of the build side, and whatever had to wait for a
 * partition that did not fit the memory, which only the run knows. */
static bool has_tail(const tn_plan *node)
{
    return node->kind == TN_PLAN_JOIN;
}

/* Columns of the build side that are wanted above, or by the join's own conditions. */
typedef struct wanted {
    const tn_layout *layout;
    bool *is_wanted;
} wanted;

static bool want(void *context, const tn_expr *expr)
{
    wanted *w = context;
    if (expr->kind == TN_EXPR_COLUMN) {
        const uint32_t at = layout_find(w->layout, expr->column);
        if (at != UINT32_MAX) {
            w->is_wanted[at] = true;
        }
    }
    return true;
}

static TN_FALLIBLE choose_payload(tn_query *query, const tn_plan *join, const tn_segment *build,
                                  tn_join_options *options, tarn_error *err)
{
    const bool keeps = options->of_build || (!is_filter_join(join) && join->join != TN_JOIN_MARK);
    const uint32_t width = build->layout.count;
    wanted w = {.layout = &build->layout};
    uint32_t *payload;
    const tn_type **types;

    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, bool, width, &w.is_wanted, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, uint32_t, width, &payload, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, const tn_type *, width, &types, err));
    for (uint32_t i = 0; i < join->output_count && keeps; i++) {
        const uint32_t at = layout_find(&build->layout, join->outputs[i].id);
        if (at != UINT32_MAX) {
            w.is_wanted[at] = true;
        }
    }
    for (uint32_t i = 0; i < join->expr_count; i++) {
        TN_RETURN_IF_ERROR(tn_expr_walk(join->exprs[i], &query->pool, want, &w, err));
    }
    for (uint32_t i = 0; i < width; i++) {
        if (w.is_wanted[i]) {
            types[options->payload_count] = build->types[i];
            payload[options->payload_count++] = i;
        }
    }
    options->payload = payload;
    options->payload_types = types;
    return TARN_OK;
}

/* Probe columns, payload, and the mark where there is one. */
static TN_FALLIBLE joined_layout(tn_query *query, const tn_plan *join, const tn_segment *probe,
                                 const tn_segment *build, const tn_join_options *options,
                                 tn_layout *layout, const tn_type ***types, tarn_error *err)
{
    const uint32_t probe_count = probe->layout.count;
    const bool marks = join->join == TN_JOIN_MARK;
    const uint32_t count = probe_count + options->payload_count + marks;
    tn_column_id *ids;
    TN_RETURN_IF_ERROR(layout_new(query, count, &ids, types, err));
    for (uint32_t i = 0; i < probe_count; i++) {
        ids[i] = probe->layout.ids[i];
        (*types)[i] = probe->types[i];
    }
    for (uint32_t i = 0; i < options->payload_count; i++) {
        ids[probe_count + i] = build->layout.ids[options->payload[i]];
        (*types)[probe_count + i] = options->payload_types[i];
    }
    if (marks) {
        ids[count - 1] = join->mark;
        (*types)[count - 1] = TN_BOOLEAN;
    }
    *layout = (tn_layout){count, ids};
    return TARN_OK;
}

/* What the join hands on: SEMI, ANTI and MARK leave the payload behind, which only their residual
 * reads; those of the build hand on nothing else. */
static TN_FALLIBLE handed_on(tn_query *query, const tn_plan *join, const tn_segment *probe,
                             const tn_layout *residual, bool of_build, tn_made *made,
                             tarn_error *err)
{
    const uint32_t probe_count = probe->layout.count;
    const bool marks = join->join == TN_JOIN_MARK;
    tn_column_id *ids;
    if (of_build) {
        made->layout = (tn_layout){residual->count - probe_count, residual->ids + probe_count};
        made->types += probe_count;
        return TARN_OK;
    }
    if ((!marks && !is_filter_join(join)) || residual->count == probe_count + marks) {
        made->layout = *residual;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(layout_new(query, probe_count + marks, &ids, &made->types, err));
    for (uint32_t i = 0; i < probe_count; i++) {
        ids[i] = probe->layout.ids[i];
        made->types[i] = probe->types[i];
    }
    if (marks) {
        ids[probe_count] = join->mark;
        made->types[probe_count] = TN_BOOLEAN;
    }
    made->layout = (tn_layout){probe_count + marks, ids};
    return TARN_OK;
}

static TN_FALLIBLE join_keys(tn_query *query, const tn_plan *join, tn_segment *probe,
                             tn_join_options *options, tarn_error *err)
{
    const bool left = may_build_left(join);
    const uint32_t count = join->pair_count;
    const tn_expr **build_keys;
    const tn_expr **probe_keys;
    bool *null_equal;
    tn_dynamic_filter **filters;

    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, const tn_expr *, count, &build_keys, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, const tn_expr *, count, &probe_keys, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, bool, count, &null_equal, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, tn_dynamic_filter *, count, &filters, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_join_pair *pair = &join->pairs[i];
        build_keys[i] = left ? pair->left : pair->right;
        probe_keys[i] = left ? pair->right : pair->left;
        null_equal[i] = pair->null_equal;
        if ((filters_probe(options->kind) || options->of_build) && !pair->null_equal) {
            TN_RETURN_IF_ERROR(offer_filter(query, probe, probe_keys[i], &filters[i], err));
        }
    }
    options->build_keys = build_keys;
    options->probe_keys = probe_keys;
    options->null_equal = null_equal;
    options->key_count = count;
    options->filters = filters;
    return TARN_OK;
}

static TN_FALLIBLE make_join(tn_query *query, tn_made *made, tn_segment *probe, tarn_error *err)
{
    const tn_plan *join = made->node;
    tn_segment *build = made->builds.items[0];
    tn_layout residual_layout;
    const tn_type **residual_types;
    const tn_plan *build_node = join->children[may_build_left(join) ? 0 : 1];
    tn_join_options options = {
        .kind = may_build_left(join) ? seen_from_probe(join) : join->join,
        .null_aware = join->null_aware,
        .of_build = may_build_left(join) && is_filter_join(join),
        .build_layout = &build->layout,
        .probe_layout = &probe->layout,
        .probe_types = probe->types,
        .residual = join->exprs,
        .residual_count = join->expr_count,
        .build_rows_estimate = build_node->rows_estimate,
    };

    if (join->null_aware &&
        (join->pair_count != 1 || join->expr_count > 0 || join->pairs[0].null_equal)) {
        return tn_fail(err, TARN_E_UNSUPPORTED, "IN by NULLs on several conditions at once");
    }
    TN_RETURN_IF_ERROR(join_keys(query, join, probe, &options, err));
    TN_RETURN_IF_ERROR(choose_payload(query, join, build, &options, err));
    TN_RETURN_IF_ERROR(
        joined_layout(query, join, probe, build, &options, &residual_layout, &residual_types, err));
    options.residual_layout = &residual_layout;
    made->types = residual_types;
    TN_RETURN_IF_ERROR(
        handed_on(query, join, probe, &residual_layout, options.of_build, made, err));
    TN_RETURN_IF_ERROR(tn_join_create(&query->run, &options, &made->op, &made->second, err));
    tn_operator *probe_op = made->second;
    if (own(query, made->op, err) != TARN_OK) {
        probe_op->ops->destroy(probe_op);
        return TARN_E_NOMEM;
    }
    TN_RETURN_IF_ERROR(own(query, probe_op, err));
    return finish_segments(query, &made->builds, join, made->op, err);
}

static TN_FALLIBLE step_join(tn_query *query, tn_segment *segment, const tn_plan *node,
                             tarn_error *err)
{
    tn_made *made = find_made(query, node);
    assert(made != NULL);
    if (made->op == NULL) {
        TN_RETURN_IF_ERROR(make_join(query, made, segment, err));
    }
    TN_RETURN_IF_ERROR(add_step(segment, node, made->second, err));
    segment->layout = made->layout;
    segment->types = made->types;
    return TARN_OK;
}

static TN_FALLIBLE step_unnest(tn_query *query, tn_segment *segment, const tn_plan *node,
                               tn_operator **op, tarn_error *err)
{
    const uint32_t before = segment->layout.count;
    const uint32_t added = node->expr_count;
    tn_column_id *ids;
    const tn_type **types;
    TN_RETURN_IF_ERROR(tn_unnest_create(&query->run, node->exprs, node->expr_count, node->outer,
                                        &segment->layout, op, err));
    TN_RETURN_IF_ERROR(own(query, *op, err));
    TN_RETURN_IF_ERROR(layout_new(query, before + added, &ids, &types, err));
    for (uint32_t i = 0; i < before; i++) {
        ids[i] = segment->layout.ids[i];
        types[i] = segment->types[i];
    }
    for (uint32_t i = 0; i < added; i++) {
        const tn_output *output = &node->outputs[node->output_count - added + i];
        ids[before + i] = output->id;
        types[before + i] = output->type;
    }
    segment->layout = (tn_layout){before + added, ids};
    segment->types = types;
    return TARN_OK;
}

static TN_FALLIBLE step_limit(tn_query *query, const tn_plan *node, tn_operator **op,
                              tarn_error *err)
{
    tn_made *made = find_made(query, node);
    if (made == NULL) {
        TN_RETURN_IF_ERROR(new_made(query, node, &made, err));
        TN_RETURN_IF_ERROR(tn_limit_create(&query->run, node->limit, node->offset, &made->op, err));
        TN_RETURN_IF_ERROR(own(query, made->op, err));
    }
    *op = made->op;
    return TARN_OK;
}

static TN_FALLIBLE step_up(tn_query *query, tn_segment *segment, const link *at, tarn_error *err)
{
    const tn_plan *node = at->node;
    tn_operator *op = NULL;
    switch (node->kind) {
    case TN_PLAN_FILTER:
        TN_RETURN_IF_ERROR(tn_filter_create(&query->run, node->exprs, node->expr_count,
                                            &segment->layout, node->prefilter, &op, err));
        TN_RETURN_IF_ERROR(own(query, op, err));
        break;
    case TN_PLAN_METER: {
        _Atomic uint64_t *meters = query->context->meters;
        TN_RETURN_IF_ERROR(
            tn_meter_create(&query->run, meters == NULL ? NULL : &meters[node->meter], &op, err));
        TN_RETURN_IF_ERROR(own(query, op, err));
        break;
    }
    case TN_PLAN_PROJECT:
        TN_RETURN_IF_ERROR(tn_project_create(&query->run, node->exprs, node->expr_count,
                                             &segment->layout, &op, err));
        TN_RETURN_IF_ERROR(own(query, op, err));
        TN_RETURN_IF_ERROR(layout_of_outputs(query, node, &segment->layout, &segment->types, err));
        break;
    case TN_PLAN_UNNEST:
        TN_RETURN_IF_ERROR(step_unnest(query, segment, node, &op, err));
        break;
    case TN_PLAN_LIMIT:
        TN_RETURN_IF_ERROR(step_limit(query, node, &op, err));
        segment->single = segment->single || query->run.preserve_order;
        segment->stop_early = true;
        break;
    case TN_PLAN_JOIN:
        return step_join(query, segment, node, err);
    case TN_PLAN_UNION:
        return narrow_to(query, segment, at->child, node, err);
    default:
        return tn_fail(err, TARN_E_INTERNAL, "a node of kind %d is no step", (int)node->kind);
    }
    return add_step(segment, node, op, err);
}

static TN_FALLIBLE climb(tn_query *query, tn_segment *segment, const chain *above, tarn_error *err)
{
    for (uint32_t i = above->count; i > 0; i--) {
        TN_RETURN_IF_ERROR(step_up(query, segment, &above->links[i - 1], err));
    }
    return TARN_OK;
}

/* ---- origins ----------------------------------------------------------------------------------*/

static TN_FALLIBLE new_segment(tn_query *query, tn_origin origin, const tn_plan *node,
                               tn_operator *state, tn_segments *out, tn_segment **made,
                               tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(&query->arena, tn_segment, made, err));
    (*made)->origin = origin;
    (*made)->node = node;
    (*made)->nodes[0] = node;
    (*made)->state = state;
    TN_RETURN_IF_ERROR(layout_of_outputs(query, node, &(*made)->layout, &(*made)->types, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&query->all, *made, err));
    return tn_vec_push(out, *made, err);
}

/* The rows of VALUES, computed now. */
static TN_FALLIBLE make_values(tn_query *query, tn_segment *segment, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_plan *node = segment->node;
    const uint32_t width = node->output_count;
    tn_chunk_builder *builder = NULL;
    tn_chunk *chunk = NULL;
    tn_field *fields = NULL;

    TN_TRY(tn_arena_array(&query->arena, tn_field, width, &fields, err));
    for (uint32_t i = 0; i < width; i++) {
        fields[i] = (tn_field){node->outputs[i].name, node->outputs[i].type, true};
    }
    TN_TRY(tn_chunk_builder_create(&query->pool, segment->types, width, UINT32_MAX, &builder, err));
    for (uint32_t i = 0; i < node->row_count * width; i++) {
        tn_value value;
        TN_TRY(tn_expr_evaluate(&query->context->expr, node->exprs[i], &query->pool, &value, err));
        TN_TRY(tn_chunk_builder_put(builder, i % width, &value, err));
    }
    TN_TRY(tn_chunk_builder_finish(builder, &chunk, err));
    if (width == 0) {
        chunk->rows = node->row_count; /* SELECT without FROM: rows without columns */
    }
    TN_TRY(tn_memory_source_create(&query->pool, TN_STR("VALUES"), &(tn_schema){width, fields},
                                   &chunk, 1, &segment->values, err));
done:
    tn_chunk_release(chunk);
    tn_chunk_builder_destroy(builder);
    return code;
}

static TN_FALLIBLE types_of(tn_query *query, const tn_plan *node, const tn_type *const **out,
                            tarn_error *err)
{
    tn_layout ignored;
    const tn_type **types;
    TN_RETURN_IF_ERROR(layout_of_outputs(query, node, &ignored, &types, err));
    *out = types;
    return TARN_OK;
}

/* Does the order of its rows show in the last bits of a group's result? */
static bool is_order_seen(const tn_plan *aggregate)
{
    static const char *const exact[] = {"count", "min", "max", "any_value", "first", "last"};
    bool seen = false;
    for (uint32_t i = 0; i < aggregate->expr_count && aggregate->key_count > 0; i++) {
        const tn_expr *call = aggregate->exprs[i];
        bool is_exact = !tn_type_is_float(call->type);
        for (size_t k = 0; k < sizeof(exact) / sizeof(*exact); k++) {
            is_exact = is_exact || strcmp(call->function->name, exact[k]) == 0;
        }
        seen = seen || !is_exact;
    }
    return seen;
}

/* Compiles the inputs of a node that blocks, and makes its operator; *made->op is to be read. */
static TN_FALLIBLE make_blocking(tn_query *query, const tn_plan *node, uint32_t depth,
                                 tn_made *made, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_segments inputs = TN_VEC_INIT(&query->pool);
    tn_segments others = TN_VEC_INIT(&query->pool);
    const tn_type *const *types = NULL;
    tn_run *run = &query->run;
    const tn_plan *child = node->children[0];

    TN_TRY(compile_input(query, child, depth + 1, &inputs, err));
    if (node->kind != TN_PLAN_AGGREGATE) {
        TN_TRY(narrow(query, &inputs, child, err));
    }
    const tn_layout *layout = &inputs.items[0]->layout;
    TN_TRY(types_of(query, child, &types, err));
    switch (node->kind) {
    case TN_PLAN_AGGREGATE:
        for (size_t i = 0; i < inputs.count && run->deterministic && is_order_seen(node); i++) {
            inputs.items[i]->single = true; /* rows come to the groups in their order */
        }
        TN_TRY(tn_aggregate_create(run, node->keys, node->key_count, node->exprs, node->expr_count,
                                   layout, child->keeps_order, node->rows_estimate, &made->op,
                                   err));
        break;
    case TN_PLAN_SORT:
        TN_TRY(tn_sort_create(run, node->order, node->order_count, layout, types,
                              child->output_count, node->limit, node->offset, NULL, &made->op,
                              err));
        break;
    case TN_PLAN_DISTINCT:
        TN_TRY(tn_distinct_create(run, node->keys, node->key_count, node->order, node->order_count,
                                  node->limit, node->offset, layout, types, child->output_count,
                                  &made->op, err));
        break;
    case TN_PLAN_SHARED:
        TN_TRY(tn_keep_create(run, types, child->output_count, true, &made->op, err));
        break;
    default: /* EXCEPT, INTERSECT */
        TN_TRY(tn_set_create(run, node->kind, node->all, types, child->output_count, &made->second,
                             &made->op, err));
        code = own(query, made->second, err);
        if (code == TARN_OK) {
            code = compile_input(query, node->children[1], depth + 1, &others, err);
        }
        if (code == TARN_OK) {
            code = narrow(query, &others, node->children[1], err);
        }
        if (code != TARN_OK) { /* nobody owns the other end yet */
            made->op->ops->destroy(made->op);
            made->op = NULL;
            goto done;
        }
        break;
    }
    TN_TRY(own(query, made->op, err));
    if (made->second != NULL) {
        TN_TRY(finish_segments(query, &inputs, NULL, made->second, err));
        TN_TRY(finish_segments(query, &others, node, made->op, err));
    } else {
        TN_TRY(finish_segments(query, &inputs, node, made->op, err));
    }
done:
    tn_vec_free(&inputs);
    tn_vec_free(&others);
    return code;
}

static TN_FALLIBLE make_origin(tn_query *query, const tn_plan *node, uint32_t depth,
                               tn_segments *out, tn_segment **segment, tarn_error *err)
{
    if (node->kind == TN_PLAN_SCAN) {
        return new_segment(query, TN_ORIGIN_SOURCE, node, NULL, out, segment, err);
    }
    if (node->kind == TN_PLAN_VALUES) {
        TN_RETURN_IF_ERROR(new_segment(query, TN_ORIGIN_SOURCE, node, NULL, out, segment, err));
        return make_values(query, *segment, err);
    }
    tn_made *made = find_made(query, node);
    if (made == NULL) {
        TN_RETURN_IF_ERROR(new_made(query, node, &made, err));
        TN_RETURN_IF_ERROR(make_blocking(query, node, depth, made, err));
    }
    const tn_origin origin = node->kind == TN_PLAN_SHARED ? TN_ORIGIN_KEPT : TN_ORIGIN_STATE;
    return new_segment(query, origin, node, made->op, out, segment, err);
}

/* ---- chains -----------------------------------------------------------------------------------*/

static bool is_step(const tn_plan *node)
{
    return node->kind == TN_PLAN_FILTER || node->kind == TN_PLAN_PROJECT ||
           node->kind == TN_PLAN_UNNEST || node->kind == TN_PLAN_LIMIT ||
           node->kind == TN_PLAN_JOIN || node->kind == TN_PLAN_METER;
}

static TN_FALLIBLE push_link(chain *path, const tn_plan *node, const tn_plan *child,
                             tarn_error *err)
{
    if (path->count == TN_STEPS_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a pipeline may have %d steps", TN_STEPS_MAX);
    }
    path->links[path->count++] = (link){node, child};
    return TARN_OK;
}

/* The build side of a join, once for all pipelines that probe it. */
static TN_FALLIBLE compile_build(tn_query *query, const tn_plan *join, uint32_t depth,
                                 tarn_error *err)
{
    tn_made *made = find_made(query, join);
    if (made != NULL) {
        return TARN_OK;
    }
    const tn_plan *build = join->children[may_build_left(join) ? 0 : 1];
    TN_RETURN_IF_ERROR(new_made(query, join, &made, err));
    TN_RETURN_IF_ERROR(compile_input(query, build, depth + 1, &made->builds, err));
    return made->builds.count > 1 ? narrow(query, &made->builds, build, err) : TARN_OK;
}

/* After the probes: what the join has left, through the steps above it. */
static TN_FALLIBLE compile_tails(tn_query *query, const chain *path, uint32_t from,
                                 tn_segments *out, tarn_error *err)
{
    for (uint32_t i = path->count; i > from; i--) {
        const tn_plan *join = path->links[i - 1].node;
        if (!has_tail(join)) {
            continue;
        }
        tn_made *made = find_made(query, join);
        tn_segment *segment;
        TN_RETURN_IF_ERROR(new_segment(query, TN_ORIGIN_STATE, join, made->op, out, &segment, err));
        segment->layout = made->layout;
        segment->types = made->types;
        chain above = *path;
        above.count = i - 1;
        TN_RETURN_IF_ERROR(climb(query, segment, &above, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE compile_chain(tn_query *query, const tn_plan *node, const chain *above,
                                 uint32_t depth, tn_segments *out, tarn_error *err)
{
    chain path = *above;
    tn_segment *segment;

    if (depth > DEPTH_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "the query is nested more than %d deep", DEPTH_MAX);
    }
    while (is_step(node)) {
        const bool left = node->kind == TN_PLAN_JOIN && may_build_left(node);
        if (node->kind == TN_PLAN_JOIN) {
            TN_RETURN_IF_ERROR(compile_build(query, node, depth, err));
        }
        TN_RETURN_IF_ERROR(push_link(&path, node, node->children[left ? 1 : 0], err));
        node = node->children[left ? 1 : 0];
    }
    if (node->kind == TN_PLAN_UNION) {
        for (uint32_t i = 0; i < node->child_count; i++) {
            chain branch = path;
            TN_RETURN_IF_ERROR(push_link(&branch, node, node->children[i], err));
            TN_RETURN_IF_ERROR(
                compile_chain(query, node->children[i], &branch, depth + 1, out, err));
        }
    } else {
        TN_RETURN_IF_ERROR(make_origin(query, node, depth, out, &segment, err));
        TN_RETURN_IF_ERROR(climb(query, segment, &path, err));
    }
    return compile_tails(query, &path, above->count, out, err);
}

static TN_FALLIBLE compile_input(tn_query *query, const tn_plan *node, uint32_t depth,
                                 tn_segments *out, tarn_error *err)
{
    const chain none = {.count = 0};
    return compile_chain(query, node, &none, depth, out, err);
}

/* ---- roots ------------------------------------------------------------------------------------*/

static TN_FALLIBLE compile_write(tn_query *query, const tn_plan *node, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_segments inputs = TN_VEC_INIT(&query->pool);
    tn_operator *end = NULL;

    TN_TRY(compile_input(query, node->children[0], 0, &inputs, err));
    TN_TRY(narrow(query, &inputs, node->children[0], err));
    TN_TRY(tn_sink_end_create(&query->run, node->sink, &end, err));
    TN_TRY(own(query, end, err));
    TN_TRY(finish_segments(query, &inputs, node, end, err));
done:
    tn_vec_free(&inputs);
    return code;
}

static TN_FALLIBLE compile_result(tn_query *query, const tn_plan *plan, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_segments inputs = TN_VEC_INIT(&query->pool);
    const tn_plan *rows = plan->kind == TN_PLAN_LIMIT ? plan->children[0] : plan;
    const bool limited = plan->kind == TN_PLAN_LIMIT;
    const tn_type *const *types;

    TN_TRY(compile_input(query, rows, 0, &inputs, err));
    TN_TRY(narrow(query, &inputs, rows, err));
    TN_TRY(types_of(query, rows, &types, err));
    const tn_result_options options = {
        .pool = query->parent,
        .types = types,
        .width = rows->output_count,
        .chunk_rows = query->options.chunk_rows > 0 ? query->options.chunk_rows : TN_CHUNK_ROWS,
        .ordered = query->run.preserve_order,
        .limit = limited ? plan->limit : UINT64_MAX,
        .offset = limited ? plan->offset : 0,
    };
    TN_TRY(tn_result_create(&query->run, &options, &query->result, err));
    TN_TRY(own(query, query->result, err));
    for (size_t i = 0; i < inputs.count; i++) {
        inputs.items[i]->stop_early = inputs.items[i]->stop_early || limited;
    }
    TN_TRY(finish_segments(query, &inputs, plan, query->result, err));
done:
    tn_vec_free(&inputs);
    return code;
}

tarn_code tn_query__compile(tn_query *query, tarn_error *err)
{
    const tn_plan *plan = query->plan;
    if (plan->kind == TN_PLAN_WRITE) {
        TN_RETURN_IF_ERROR(compile_write(query, plan, err));
    } else if (plan->kind != TN_PLAN_ALL) {
        TN_RETURN_IF_ERROR(compile_result(query, plan, err));
    }
    for (uint32_t i = 0; plan->kind == TN_PLAN_ALL && i < plan->child_count; i++) {
        TN_RETURN_IF_ERROR(compile_write(query, plan->children[i], err));
    }
    return tn_query__share(query, err);
}
