/*
 * Plans as JSON: {"version": 1, "items": [...], "root": N}.
 *
 * Items are expressions and nodes, each named by its place in the list and naming only earlier
 * ones; so a plan that shares a part says it once, and neither writing nor reading recurs.
 */
#include "base/json.h"
#include "expr/function.h"
#include "plan/plan_internal.h"

#include <stdio.h>

enum { VERSION = 1 };

typedef struct item {
    const tn_expr *expr;
    const tn_plan *plan; /* one of them */
} item;

typedef struct writing {
    tn_json_writer json;
    TN_VEC(item) stack;
    tn_pointer_map numbers;
    size_t count;
    bool waiting; /* the top of the stack has parts that are not written yet */
} writing;

/* ---- what an item is made of ---- */

static tarn_code need(writing *w, const void *key, item part, tarn_error *err)
{
    size_t number = 0;
    if (key == NULL || tn_pointer_map__find(&w->numbers, key, &number)) {
        return TARN_OK;
    }
    w->waiting = true;
    return tn_vec_push(&w->stack, part, err);
}

static tarn_code need_expr(void *context, const tn_expr *expr, tarn_error *err)
{
    return need(context, expr, (item){.expr = expr}, err);
}

static tarn_code need_parts(writing *w, const item *of, tarn_error *err)
{
    if (of->plan != NULL) {
        for (uint32_t i = 0; i < of->plan->child_count; i++) {
            TN_RETURN_IF_ERROR(
                need(w, of->plan->children[i], (item){.plan = of->plan->children[i]}, err));
        }
        return tn_plan__each_expr(of->plan, need_expr, w, err);
    }
    const tn_expr *expr = of->expr;
    for (uint32_t i = 0; i < expr->child_count; i++) {
        TN_RETURN_IF_ERROR(need_expr(w, expr->children[i], err));
    }
    for (uint32_t i = 0; i < expr->order_count; i++) {
        TN_RETURN_IF_ERROR(need_expr(w, expr->order[i].expr, err));
    }
    if (expr->filter != NULL) {
        TN_RETURN_IF_ERROR(need_expr(w, expr->filter, err));
    }
    return expr->subquery == NULL
               ? TARN_OK
               : need(w, expr->subquery->plan, (item){.plan = expr->subquery->plan}, err);
}

static void put_reference(writing *w, const void *key)
{
    size_t number = 0;
    (void)tn_pointer_map__find(&w->numbers, key, &number);
    tn_json_put_unsigned(&w->json, number);
}

/* ---- expressions ---- */

static void put_hex(tn_json_writer *json, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    tn_text_puts(json->out, json->comma ? ",\"" : "\"");
    for (size_t i = 0; i < size; i++) {
        tn_text_printf(json->out, "%02x", bytes[i]);
    }
    tn_text_putc(json->out, '"');
    json->comma = true;
}

/* Exact, to the bit: numbers as integers, floats and wide decimals as their bytes. */
static tarn_code put_value(tn_json_writer *json, const tn_value *value, tarn_error *err)
{
    const tn_type *type = value->type;
    if (value->is_null) {
        tn_json_put_null(json);
    } else if (tn_type_is_nested(type)) {
        return tn_fail(err, TARN_E_UNSUPPORTED,
                       "a plan with a constant of type %.*s has no JSON form",
                       TN_STR_ARGS(type->name));
    } else if (type->kind == TN_KIND_BOOLEAN) {
        tn_json_put_bool(json, value->boolean);
    } else if (tn_type_is_string(type)) {
        put_hex(json, value->str.data, value->str.size);
    } else if (tn_type_is_float(type)) {
        put_hex(json, &value->f64, sizeof(value->f64));
    } else if (type->lane == TN_LANE_i128) {
        put_hex(json, &value->i128, sizeof(value->i128));
    } else if (type->lane == TN_LANE_i256) {
        put_hex(json, &value->i256, sizeof(value->i256));
    } else if (type->kind == TN_KIND_INTERVAL) {
        put_hex(json, &value->interval, sizeof(value->interval));
    } else {
        tn_json_put_integer(json, value->i64);
    }
    return TARN_OK;
}

static const char *const expr_kinds[] = {"column", "literal",   "parameter", "call",
                                         "and",    "or",        "cast",      "case",
                                         "in",     "aggregate", "subquery"};

static void put_flag(tn_json_writer *json, const char *name, bool value)
{
    if (value) {
        tn_json_name(json, name);
        tn_json_put_bool(json, true);
    }
}

static void put_span(tn_json_writer *json, tn_span span)
{
    if (span.length > 0) {
        tn_json_name(json, "span");
        tn_json_begin(json, '[');
        tn_json_put_unsigned(json, span.start);
        tn_json_put_unsigned(json, span.length);
        tn_json_end(json, ']');
    }
}

static void put_order(writing *w, const tn_sort_key *keys, uint32_t count)
{
    tn_json_begin(&w->json, '[');
    for (uint32_t i = 0; i < count; i++) {
        tn_json_begin(&w->json, '[');
        put_reference(w, keys[i].expr);
        tn_json_put_bool(&w->json, keys[i].descending);
        tn_json_put_bool(&w->json, keys[i].nulls_first);
        tn_json_end(&w->json, ']');
    }
    tn_json_end(&w->json, ']');
}

static void put_references(writing *w, const char *name, const void *const *list, uint32_t count)
{
    if (count == 0) {
        return;
    }
    tn_json_name(&w->json, name);
    tn_json_begin(&w->json, '[');
    for (uint32_t i = 0; i < count; i++) {
        put_reference(w, list[i]);
    }
    tn_json_end(&w->json, ']');
}

static void put_subquery(writing *w, const tn_subquery *subquery)
{
    static const char *const kinds[] = {"scalar", "exists", "any", "all"};
    tn_json_name(&w->json, "subquery");
    tn_json_put_text(&w->json, kinds[subquery->kind]);
    tn_json_name(&w->json, "plan");
    put_reference(w, subquery->plan);
    if (subquery->comparison != NULL) {
        tn_json_name(&w->json, "comparison");
        tn_json_put_text(&w->json, subquery->comparison);
    }
    put_flag(&w->json, "not", subquery->negated);
}

static tarn_code put_expr(writing *w, const tn_expr *expr, tarn_error *err)
{
    tn_json_writer *json = &w->json;
    tn_json_begin(json, '{');
    tn_json_name(json, "expr");
    tn_json_put_text(json, expr_kinds[expr->kind]);
    tn_json_name(json, "type");
    tn_json_put_str(json, expr->type->name);
    if (expr->kind == TN_EXPR_COLUMN) {
        tn_json_name(json, "id");
        tn_json_put_unsigned(json, expr->column);
    }
    if (expr->name.size > 0) {
        tn_json_name(json, "name");
        tn_json_put_str(json, expr->name);
    }
    if (expr->kind == TN_EXPR_LITERAL) {
        tn_json_name(json, "value");
        TN_RETURN_IF_ERROR(put_value(json, &expr->value, err));
    }
    if (expr->function != NULL) {
        tn_json_name(json, "function");
        tn_json_put_text(json, expr->function->name);
    }
    put_references(w, "of", (const void *const *)expr->children, expr->child_count);
    put_flag(json, "try", expr->try_cast);
    put_flag(json, "distinct", expr->distinct);
    put_flag(json, "negated", expr->negated);
    if (expr->filter != NULL) {
        tn_json_name(json, "filter");
        put_reference(w, expr->filter);
    }
    if (expr->order_count > 0) {
        tn_json_name(json, "order");
        put_order(w, expr->order, expr->order_count);
    }
    if (expr->subquery != NULL) {
        put_subquery(w, expr->subquery);
    }
    put_span(json, expr->span);
    tn_json_end(json, '}');
    return TARN_OK;
}

/* ---- nodes ---- */

static void put_numbers(tn_json_writer *json, const uint32_t *numbers, uint32_t count)
{
    tn_json_begin(json, '[');
    for (uint32_t i = 0; i < count; i++) {
        tn_json_put_unsigned(json, numbers[i]);
    }
    tn_json_end(json, ']');
}

static void put_pairs(writing *w, const tn_plan *plan)
{
    tn_json_begin(&w->json, '[');
    for (uint32_t i = 0; i < plan->pair_count; i++) {
        tn_json_begin(&w->json, '[');
        put_reference(w, plan->pairs[i].left);
        put_reference(w, plan->pairs[i].right);
        tn_json_put_bool(&w->json, plan->pairs[i].null_equal);
        tn_json_end(&w->json, ']');
    }
    tn_json_end(&w->json, ']');
}

static void put_field(writing *w, const tn_plan *plan, const tn_plan_field *field)
{
    tn_json_writer *json = &w->json;
    const uint32_t length = tn_plan__field_length(plan, field);
    if (field->form == TN_FORM_EXPRS || field->form == TN_FORM_CONJUNCTS) {
        put_references(w, field->name,
                       (const void *const *)TN_FIELD_AT(plan, field, const tn_expr *const *),
                       length);
        return;
    }
    if (field->form == TN_FORM_BOOL) {
        put_flag(json, field->name, TN_FIELD_AT(plan, field, bool));
        return;
    }
    if (field->form == TN_FORM_REJECTS ||
        (field->form == TN_FORM_TEXT && TN_FIELD_AT(plan, field, tn_str).size == 0) ||
        (field->form == TN_FORM_U64 && TN_FIELD_AT(plan, field, uint64_t) == UINT64_MAX)) {
        return; /* an edge belongs to a run, not to the plan */
    }
    tn_json_name(json, field->name);
    switch (field->form) {
    case TN_FORM_U32:
        tn_json_put_unsigned(json, TN_FIELD_AT(plan, field, uint32_t));
        break;
    case TN_FORM_U64: {
        char digits[24];
        (void)snprintf(digits, sizeof(digits), "%llu",
                       (unsigned long long)TN_FIELD_AT(plan, field, uint64_t));
        tn_json_put_text(json, digits); /* beyond what JSON numbers keep */
        break;
    }
    case TN_FORM_TEXT:
        tn_json_put_str(json, TN_FIELD_AT(plan, field, tn_str));
        break;
    case TN_FORM_JOIN_KIND:
        tn_json_put_text(json, tn_plan__join_name(plan->join));
        break;
    case TN_FORM_NUMBERS:
        put_numbers(json, TN_FIELD_AT(plan, field, const uint32_t *), length);
        break;
    case TN_FORM_PAIRS:
        put_pairs(w, plan);
        break;
    case TN_FORM_ORDER:
        put_order(w, TN_FIELD_AT(plan, field, const tn_sort_key *), length);
        break;
    case TN_FORM_SOURCE:
        tn_json_put_str(json, plan->source->name);
        break;
    case TN_FORM_SINK:
        tn_json_put_text(json, plan->sink->ops->kind);
        break;
    case TN_FORM_BOOL:
    case TN_FORM_EXPRS:
    case TN_FORM_CONJUNCTS:
    case TN_FORM_REJECTS:
    default:
        break;
    }
}

static void put_plan(writing *w, const tn_plan *plan)
{
    tn_json_writer *json = &w->json;
    tn_json_begin(json, '{');
    tn_json_name(json, "node");
    tn_json_put_text(json, tn_plan__kind_name(plan->kind));
    put_references(w, "children", (const void *const *)plan->children, plan->child_count);
    tn_json_name(json, "outputs");
    tn_json_begin(json, '[');
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const tn_output *output = &plan->outputs[i];
        tn_json_begin(json, '[');
        tn_json_put_unsigned(json, output->id);
        tn_json_put_str(json, output->name);
        tn_json_put_str(json, output->type->name);
        tn_json_put_bool(json, output->nullable);
        tn_json_end(json, ']');
    }
    tn_json_end(json, ']');
    for (size_t f = 0; f < tn_plan__field_count; f++) {
        if (tn_plan__has(plan, &tn_plan__fields[f])) {
            put_field(w, plan, &tn_plan__fields[f]);
        }
    }
    put_span(json, plan->span);
    if (plan->rows_estimate >= 0) {
        tn_json_name(json, "rows");
        tn_json_put_double(json, plan->rows_estimate);
    }
    put_flag(json, "keeps_order", plan->keeps_order);
    tn_json_end(json, '}');
}

TN_FALLIBLE tn_plan_to_json(const tn_plan *plan, tn_pool *pool, tn_text *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    writing w = {.json = {.out = out}, .stack = TN_VEC_INIT(pool)};
    tn_pointer_map__init(&w.numbers, pool);
    tn_json_begin(&w.json, '{');
    tn_json_name(&w.json, "version");
    tn_json_put_integer(&w.json, VERSION);
    tn_json_name(&w.json, "items");
    tn_json_begin(&w.json, '[');
    TN_TRY(tn_vec_push(&w.stack, ((item){.plan = plan}), err));
    while (w.stack.count > 0) {
        const item top = w.stack.items[w.stack.count - 1];
        const void *key = top.plan != NULL ? (const void *)top.plan : (const void *)top.expr;
        size_t number = 0;
        if (tn_pointer_map__find(&w.numbers, key, &number)) {
            w.stack.count--;
            continue;
        }
        w.waiting = false;
        TN_TRY(need_parts(&w, &top, err));
        if (w.waiting) {
            continue;
        }
        if (top.plan != NULL) {
            put_plan(&w, top.plan);
        } else {
            TN_TRY(put_expr(&w, top.expr, err));
        }
        TN_TRY(tn_pointer_map__put(&w.numbers, key, w.count++, err));
        w.stack.count--;
    }
    tn_json_end(&w.json, ']');
    tn_json_name(&w.json, "root");
    put_reference(&w, plan);
    tn_json_end(&w.json, '}');
    TN_TRY(tn_text_status(out, err));
done:
    tn_vec_free(&w.stack);
    tn_pointer_map__deinit(&w.numbers);
    return code;
}
