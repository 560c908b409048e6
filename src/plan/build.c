/* Constructors of nodes with one input or none, and of joins: outputs are derived and checked. */
#include "expr/function.h"
#include "plan/plan_internal.h"

static tarn_code copy_exprs(tn_plan_context *context, const tn_expr *const *exprs, uint32_t count,
                            const tn_expr *const **out, tarn_error *err)
{
    const tn_expr **copy = NULL;
    *out = NULL;
    if (count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_expr *, count, &copy, err));
    memcpy(copy, exprs, count * sizeof(*copy));
    *out = copy;
    return TARN_OK;
}

static tarn_code copy_order(tn_plan_context *context, const tn_sort_key *keys, uint32_t count,
                            const tn_sort_key **out, tarn_error *err)
{
    tn_sort_key *copy = NULL;
    *out = NULL;
    if (count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_sort_key, count, &copy, err));
    memcpy(copy, keys, count * sizeof(*copy));
    *out = copy;
    return TARN_OK;
}

/* A place in the statement for a node: its first expression's. */
static tn_span span_of(const tn_expr *const *exprs, uint32_t count)
{
    return count == 0 ? (tn_span){0, 0} : exprs[0]->span;
}

TN_FALLIBLE tn_plan_scan(tn_plan_context *context, tn_source *source, tn_span span, tn_plan **out,
                         tarn_error *err)
{
    const uint32_t count = source->schema.count;
    tn_plan *plan = NULL;
    tn_output *outputs = NULL;
    uint32_t *fields = NULL;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_plan__new(context, TN_PLAN_SCAN, span, NULL, 0, &plan, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count, &outputs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, uint32_t, count, &fields, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_field *field = &source->schema.fields[i];
        fields[i] = i;
        outputs[i] =
            (tn_output){tn_plan_new_column(context), field->name, field->type, field->nullable};
    }
    plan->source = source;
    plan->fields = fields;
    plan->outputs = outputs;
    plan->output_count = count;
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_scan_add_virtual(tn_plan_context *context, tn_plan *scan, tn_virtual column,
                                     tarn_error *err)
{
    const uint32_t field = TN_FIELD_VIRTUAL + (uint32_t)column;
    const uint32_t count = scan->output_count;
    tn_output *outputs = NULL;
    uint32_t *fields = NULL;
    tn_output added = {0, {0}, TN_BIGINT, false};

    switch (column) {
    case TN_VIRTUAL_FILE:
        added.name = TN_STR("_file");
        added.type = TN_VARCHAR;
        break;
    case TN_VIRTUAL_ROW:
        added.name = TN_STR("_row");
        break;
    case TN_VIRTUAL_LINE:
        added.name = TN_STR("_line");
        added.nullable = true;
        break;
    case TN_VIRTUAL_MODIFIED:
    default:
        added.name = TN_STR("_modified");
        added.type = TN_TIMESTAMPTZ;
        added.nullable = true;
        break;
    }
    /* Behind the schema's fields, in the order of the bits: so the batches have them. */
    uint32_t at = count;
    while (at > 0 && scan->fields[at - 1] > field) {
        at--;
    }
    if (at > 0 && scan->fields[at - 1] == field) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count + 1, &outputs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, uint32_t, count + 1, &fields, err));
    added.id = tn_plan_new_column(context);
    for (uint32_t i = 0; i <= count; i++) {
        fields[i] = i == at ? field : scan->fields[i - (i > at)];
        outputs[i] = i == at ? added : scan->outputs[i - (i > at)];
    }
    scan->fields = fields;
    scan->outputs = outputs;
    scan->output_count = count + 1;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_values(tn_plan_context *context, const tn_expr *const *exprs, uint32_t rows,
                           const tn_output *outputs, uint32_t width, tn_plan **out, tarn_error *err)
{
    tn_plan *plan = NULL;
    tn_output *columns = NULL;
    const tn_expr **cells = NULL;

    *out = NULL;
    if (width > 0 && rows > UINT32_MAX / width) {
        return tn_fail(err, TARN_E_LIMIT, "a VALUES list of %u rows and %u columns is too long",
                       rows, width);
    }
    const uint32_t count = rows * width;
    TN_RETURN_IF_ERROR(
        tn_plan__new(context, TN_PLAN_VALUES, span_of(exprs, count), NULL, 0, &plan, err));
    if (width > 0) {
        TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, width, &columns, err));
        memcpy(columns, outputs, width * sizeof(*columns));
        for (uint32_t i = 0; i < width; i++) {
            if (columns[i].id == TN_COLUMN_NONE) {
                columns[i].id = tn_plan_new_column(context);
            }
        }
    }
    if (count > 0) {
        TN_RETURN_IF_ERROR(
            tn_arena_array(context->expr.arena, const tn_expr *, count, &cells, err));
    }
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_expr_cast(&context->expr, exprs[i], columns[i % width].type, false,
                                        true, exprs[i]->span, &cells[i], err));
        columns[i % width].nullable |= tn_expr__nullable(cells[i], NULL);
    }
    plan->exprs = cells;
    plan->expr_count = count;
    plan->row_count = rows;
    plan->outputs = columns;
    plan->output_count = width;
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan__filter(tn_plan_context *context, tn_plan *child, const tn_expr *const *exprs,
                            uint32_t count, tn_plan **out, tarn_error *err)
{
    tn_plan *plan = NULL;
    *out = child;
    if (count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_plan__new(context, TN_PLAN_FILTER, span_of(exprs, count), &child, 1, &plan, err));
    TN_RETURN_IF_ERROR(copy_exprs(context, exprs, count, &plan->exprs, err));
    plan->expr_count = count;
    TN_RETURN_IF_ERROR(tn_plan__derive(context, plan, err));
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_filter(tn_plan_context *context, tn_plan *child, const tn_expr *predicate,
                           tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec conjuncts = TN_VEC_INIT(context->pool);
    *out = NULL;
    TN_TRY(tn_expr_cast(&context->expr, predicate, TN_BOOLEAN, false, true, predicate->span,
                        &predicate, err));
    TN_TRY(tn_expr__conjuncts(predicate, &conjuncts, err));
    TN_TRY(tn_plan__filter(context, child, conjuncts.items, (uint32_t)conjuncts.count, out, err));
done:
    tn_vec_free(&conjuncts);
    return code;
}

TN_FALLIBLE tn_plan__project(tn_plan_context *context, tn_plan *child, const tn_expr *const *exprs,
                             const tn_output *outputs, uint32_t count, tn_plan **out,
                             tarn_error *err)
{
    tn_plan *plan = NULL;
    tn_output *copy = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(
        tn_plan__new(context, TN_PLAN_PROJECT, span_of(exprs, count), &child, 1, &plan, err));
    TN_RETURN_IF_ERROR(copy_exprs(context, exprs, count, &plan->exprs, err));
    plan->expr_count = count;
    if (count > 0) {
        TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count, &copy, err));
        memcpy(copy, outputs, count * sizeof(*copy));
    }
    plan->outputs = copy;
    plan->output_count = count;
    *out = plan;
    return TARN_OK;
}

/* Names and types of computed outputs; a plain column keeps its id the first time. */
static tarn_code name_outputs(tn_plan_context *context, const tn_plan *child,
                              const tn_expr *const *exprs, const tn_str *names, uint32_t count,
                              tn_columns *taken, tn_output *out, tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const tn_expr *expr = exprs[i];
        const tn_output *same =
            expr->kind == TN_EXPR_COLUMN ? tn_plan_output(child, expr->column) : NULL;
        const bool keeps = same != NULL && !tn_columns__has(taken, expr->column);
        tn_str name = names == NULL ? TN_STR_NONE : names[i];
        if (name.size == 0 && expr->kind == TN_EXPR_COLUMN) {
            name = expr->name;
        }
        TN_RETURN_IF_ERROR(tn_arena_copy(context->expr.arena, name, &name, err));
        out[i] = (tn_output){keeps ? expr->column : tn_plan_new_column(context), name, expr->type,
                             tn_expr__nullable(expr, child)};
        TN_RETURN_IF_ERROR(tn_columns__add(taken, out[i].id, err));
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan_project(tn_plan_context *context, tn_plan *child, const tn_expr *const *exprs,
                            const tn_str *names, uint32_t count, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_output *outputs = NULL;
    tn_columns taken;
    tn_columns__init(&taken, context->pool);
    *out = NULL;
    TN_TRY(tn_arena_array(context->expr.arena, tn_output, count, &outputs, err));
    TN_TRY(name_outputs(context, child, exprs, names, count, &taken, outputs, err));
    TN_TRY(tn_plan__project(context, child, exprs, outputs, count, out, err));
done:
    tn_columns__deinit(&taken);
    return code;
}

TN_FALLIBLE tn_plan__restore(tn_plan_context *context, tn_plan *plan, const tn_output *outputs,
                             uint32_t count, tn_plan **out, tarn_error *err)
{
    tn_plan like = {.outputs = outputs, .output_count = count};
    const tn_expr **exprs = NULL;
    *out = plan;
    if (tn_plan__same_outputs(plan, &like)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_expr *, count, &exprs, err));
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_expr__column_of(context, &outputs[i], &exprs[i], err));
    }
    return tn_plan__project(context, plan, exprs, outputs, count, out, err);
}

TN_FALLIBLE tn_plan_aggregate(tn_plan_context *context, tn_plan *child, const tn_expr *const *keys,
                              const tn_str *key_names, uint32_t key_count,
                              const tn_expr *const *aggregates, const tn_str *names, uint32_t count,
                              tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan *plan = NULL;
    tn_output *outputs = NULL;
    const uint32_t width = key_count + count;
    tn_columns taken;
    tn_columns__init(&taken, context->pool);

    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (aggregates[i]->kind != TN_EXPR_AGGREGATE) {
            code = tn_fail(err, TARN_E_INTERNAL, "an aggregate's expression is none");
            goto done;
        }
    }
    TN_TRY(tn_plan__new(context, TN_PLAN_AGGREGATE,
                        key_count > 0 ? keys[0]->span : span_of(aggregates, count), &child, 1,
                        &plan, err));
    TN_TRY(copy_exprs(context, keys, key_count, &plan->keys, err));
    TN_TRY(copy_exprs(context, aggregates, count, &plan->exprs, err));
    plan->key_count = key_count;
    plan->expr_count = count;
    TN_TRY(tn_arena_array(context->expr.arena, tn_output, width, &outputs, err));
    TN_TRY(name_outputs(context, child, keys, key_names, key_count, &taken, outputs, err));
    TN_TRY(
        name_outputs(context, child, aggregates, names, count, &taken, outputs + key_count, err));
    plan->outputs = outputs;
    plan->output_count = width;
    *out = plan;
done:
    tn_columns__deinit(&taken);
    return code;
}

static tarn_code join_of(tn_plan_context *context, tn_plan_kind node, tn_join_kind kind,
                         tn_plan *left, tn_plan *right, const tn_expr *condition, tn_span span,
                         tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec conjuncts = TN_VEC_INIT(context->pool);
    *out = NULL;
    if (condition != NULL) {
        TN_TRY(tn_expr_cast(&context->expr, condition, TN_BOOLEAN, false, true, condition->span,
                            &condition, err));
        TN_TRY(tn_expr__conjuncts(condition, &conjuncts, err));
    }
    TN_TRY(tn_plan__join(context, node, kind, left, right, conjuncts.items,
                         (uint32_t)conjuncts.count, span, out, err));
done:
    tn_vec_free(&conjuncts);
    return code;
}

TN_FALLIBLE tn_plan_join(tn_plan_context *context, tn_join_kind kind, tn_plan *left, tn_plan *right,
                         const tn_expr *condition, tn_span span, tn_plan **out, tarn_error *err)
{
    return join_of(context, TN_PLAN_JOIN, kind, left, right, condition, span, out, err);
}

static tarn_code reads_left(tn_plan_context *context, const tn_plan *left, const tn_plan *right,
                            bool *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_columns made;
    tn_columns free;
    tn_columns__init(&made, context->pool);
    tn_columns__init(&free, context->pool);
    TN_TRY(tn_columns__add_outputs(&made, left, err));
    TN_TRY(tn_columns__add_free(&free, right, err));
    *out = tn_columns__meet(&made, &free);
done:
    tn_columns__deinit(&made);
    tn_columns__deinit(&free);
    return code;
}

TN_FALLIBLE tn_plan_apply(tn_plan_context *context, tn_join_kind kind, tn_plan *left,
                          tn_plan *right, const tn_expr *condition, tn_span span, tn_plan **out,
                          tarn_error *err)
{
    bool depends = false;
    TN_RETURN_IF_ERROR(reads_left(context, left, right, &depends, err));
    if (!depends) {
        return join_of(context, TN_PLAN_JOIN, kind, left, right, condition, span, out, err);
    }
    if (kind == TN_JOIN_RIGHT || kind == TN_JOIN_FULL) {
        *out = NULL;
        if (err != NULL) {
            err->span_start = span.start;
            err->span_length = span.length;
        }
        return tn_fail(err, TARN_E_UNSUPPORTED,
                       "a %s join cannot have a LATERAL side: there is no left row to read from",
                       kind == TN_JOIN_RIGHT ? "RIGHT" : "FULL");
    }
    return join_of(context, TN_PLAN_APPLY, kind, left, right, condition, span, out, err);
}

static tarn_code check_order(const tn_sort_key *keys, uint32_t count, tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const tn_type *type = keys[i].expr->type;
        if (type->kind == TN_KIND_MAP) {
            const tarn_code code = tn_fail(err, TARN_E_INVALID, "rows cannot be ordered by a %.*s",
                                           TN_STR_ARGS(type->name));
            if (err != NULL) {
                err->span_start = keys[i].expr->span.start;
                err->span_length = keys[i].expr->span.length;
            }
            tn_hint(err, "order by one of its entries");
            return code;
        }
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan_sort(tn_plan_context *context, tn_plan *child, const tn_sort_key *keys,
                         uint32_t count, uint64_t limit, uint64_t offset, tn_plan **out,
                         tarn_error *err)
{
    tn_plan *plan = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(check_order(keys, count, err));
    TN_RETURN_IF_ERROR(tn_plan__new(context, TN_PLAN_SORT,
                                    count > 0 ? keys[0].expr->span : (tn_span){0, 0}, &child, 1,
                                    &plan, err));
    TN_RETURN_IF_ERROR(copy_order(context, keys, count, &plan->order, err));
    plan->order_count = count;
    plan->limit = limit;
    plan->offset = offset;
    TN_RETURN_IF_ERROR(tn_plan__derive(context, plan, err));
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_limit(tn_plan_context *context, tn_plan *child, uint64_t limit, uint64_t offset,
                          tn_plan **out, tarn_error *err)
{
    tn_plan *plan = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(
        tn_plan__new(context, TN_PLAN_LIMIT, (tn_span){0, 0}, &child, 1, &plan, err));
    plan->limit = limit;
    plan->offset = offset;
    TN_RETURN_IF_ERROR(tn_plan__derive(context, plan, err));
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_distinct(tn_plan_context *context, tn_plan *child, const tn_expr *const *keys,
                             uint32_t key_count, const tn_sort_key *order, uint32_t order_count,
                             tn_plan **out, tarn_error *err)
{
    tn_plan *plan = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(check_order(order, order_count, err));
    TN_RETURN_IF_ERROR(
        tn_plan__new(context, TN_PLAN_DISTINCT, span_of(keys, key_count), &child, 1, &plan, err));
    TN_RETURN_IF_ERROR(copy_exprs(context, keys, key_count, &plan->keys, err));
    TN_RETURN_IF_ERROR(copy_order(context, order, order_count, &plan->order, err));
    plan->key_count = key_count;
    plan->order_count = order_count;
    plan->limit = 1;
    TN_RETURN_IF_ERROR(tn_plan__derive(context, plan, err));
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_unnest(tn_plan_context *context, tn_plan *child, const tn_expr *const *lists,
                           const tn_str *names, uint32_t count, bool outer, tn_plan **out,
                           tarn_error *err)
{
    tn_plan *plan = NULL;
    tn_output *outputs = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(
        tn_plan__new(context, TN_PLAN_UNNEST, span_of(lists, count), &child, 1, &plan, err));
    TN_RETURN_IF_ERROR(copy_exprs(context, lists, count, &plan->exprs, err));
    plan->expr_count = count;
    plan->outer = outer;
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count, &outputs, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_type *type = lists[i]->type;
        const tn_type *element = NULL;
        if (type->kind == TN_KIND_LIST) {
            element = type->fields[0].type;
        } else if (type->kind == TN_KIND_MAP) {
            TN_RETURN_IF_ERROR(tn_types_struct(context->expr.types, type->fields, type->field_count,
                                               &element, err));
        } else {
            const tarn_code code = tn_fail(err, TARN_E_INVALID, "unnest takes lists, not a %.*s",
                                           TN_STR_ARGS(type->name));
            if (err != NULL) {
                err->span_start = lists[i]->span.start;
                err->span_length = lists[i]->span.length;
            }
            return code;
        }
        tn_str name = TN_STR_NONE;
        TN_RETURN_IF_ERROR(tn_arena_copy(context->expr.arena, names[i], &name, err));
        outputs[i] = (tn_output){tn_plan_new_column(context), name, element, true};
    }
    plan->outputs = outputs;
    plan->output_count = count;
    TN_RETURN_IF_ERROR(tn_plan__derive(context, plan, err));
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan__empty(tn_plan_context *context, const tn_plan *like, tn_plan **out,
                           tarn_error *err)
{
    return tn_plan_values(context, NULL, 0, like->outputs, like->output_count, out, err);
}
