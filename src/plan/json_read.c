/* Plans read from their JSON form (json_write.c), which may come from anywhere: everything that is
 * named must be there, and of the right kind. */
#include "base/json.h"
#include "expr/function.h"
#include "plan/plan_internal.h"

enum { VERSION = 1, ROWS_MAX = 1 << 26 };

typedef struct made {
    const tn_expr *expr;
    tn_plan *plan; /* one of them */
} made;

typedef struct reading {
    tn_plan_context *context;
    tn_plan_find_source *find;
    void *find_context;
    TN_VEC(made) items;
} reading;

static tarn_code wrong(const reading *r, tarn_error *err, const char *what)
{
    return tn_fail(err, TARN_E_CORRUPT, "a plan's JSON form: item %zu: %s", r->items.count, what);
}

/* ---- references ---- */

static tarn_code number_of(const reading *r, const tn_json *json, uint64_t most, uint64_t *out,
                           tarn_error *err)
{
    if (!tn_json_is(json, TN_JSON_NUMBER) || !json->is_integer || json->integer < 0 ||
        (uint64_t)json->integer > most) {
        return wrong(r, err, "a number is missing or too large");
    }
    *out = (uint64_t)json->integer;
    return TARN_OK;
}

static tarn_code expr_of(const reading *r, const tn_json *json, const tn_expr **out,
                         tarn_error *err)
{
    uint64_t number = 0;
    TN_RETURN_IF_ERROR(number_of(r, json, UINT32_MAX, &number, err));
    *out = number < r->items.count ? r->items.items[number].expr : NULL;
    return *out == NULL ? wrong(r, err, "no earlier expression is there") : TARN_OK;
}

static tarn_code plan_of(const reading *r, const tn_json *json, tn_plan **out, tarn_error *err)
{
    uint64_t number = 0;
    TN_RETURN_IF_ERROR(number_of(r, json, UINT32_MAX, &number, err));
    *out = number < r->items.count ? r->items.items[number].plan : NULL;
    return *out == NULL ? wrong(r, err, "no earlier node is there") : TARN_OK;
}

static tarn_code exprs_of(const reading *r, const tn_json *list, const tn_expr *const **out,
                          uint32_t *count, tarn_error *err)
{
    const tn_expr **exprs = NULL;
    *count = list == NULL ? 0 : list->count;
    TN_RETURN_IF_ERROR(
        tn_arena_array(r->context->expr.arena, const tn_expr *, *count, &exprs, err));
    uint32_t i = 0;
    for (const tn_json *it = tn_json_first(list); it != NULL && i < *count; it = it->next) {
        TN_RETURN_IF_ERROR(expr_of(r, it, &exprs[i++], err));
    }
    *count = i;
    *out = exprs;
    return TARN_OK;
}

static tarn_code order_of(const reading *r, const tn_json *list, const tn_sort_key **out,
                          uint32_t *count, tarn_error *err)
{
    tn_sort_key *keys = NULL;
    *count = list == NULL ? 0 : list->count;
    TN_RETURN_IF_ERROR(tn_arena_array(r->context->expr.arena, tn_sort_key, *count, &keys, err));
    uint32_t i = 0;
    for (const tn_json *it = tn_json_first(list); it != NULL && i < *count; it = it->next) {
        const tn_json *expr = tn_json_first(it);
        const tn_json *descending = expr == NULL ? NULL : expr->next;
        const tn_json *nulls = descending == NULL ? NULL : descending->next;
        TN_RETURN_IF_ERROR(expr_of(r, expr, &keys[i].expr, err));
        keys[i].descending = tn_json_is(descending, TN_JSON_TRUE);
        keys[i++].nulls_first = tn_json_is(nulls, TN_JSON_TRUE);
    }
    *count = i;
    *out = keys;
    return TARN_OK;
}

static tn_span span_of(const tn_json *json)
{
    const tn_json *start = tn_json_first(tn_json_get(json, "span"));
    if (!tn_json_is(start, TN_JSON_NUMBER) || !tn_json_is(start->next, TN_JSON_NUMBER)) {
        return (tn_span){0, 0};
    }
    return (tn_span){(uint32_t)start->integer, (uint32_t)start->next->integer};
}

static tarn_code type_of(const reading *r, const tn_json *json, const tn_type **out,
                         tarn_error *err)
{
    if (!tn_json_is(json, TN_JSON_STRING)) {
        return wrong(r, err, "a type is missing");
    }
    if (tn_str_equal(json->text, TN_STR("NULL"))) {
        *out = TN_TYPE_NULL;
        return TARN_OK;
    }
    return tn_types_parse(r->context->expr.types, json->text, out, err);
}

/* ---- expressions ---- */

static tarn_code bytes_of(const reading *r, const tn_json *json, tn_str *out, tarn_error *err)
{
    char *bytes = NULL;
    if (!tn_json_is(json, TN_JSON_STRING) || json->text.size % 2 != 0) {
        return wrong(r, err, "a constant's bytes are missing");
    }
    const size_t size = json->text.size / 2;
    TN_RETURN_IF_ERROR(tn_arena_alloc(r->context->expr.arena, size + 1, (void **)&bytes, err));
    for (size_t i = 0; i < size; i++) {
        const int high = tn_hex_digit(json->text.data[2 * i]);
        const int low = tn_hex_digit(json->text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return wrong(r, err, "a constant's bytes are no hexadecimal digits");
        }
        bytes[i] = (char)(high * 16 + low);
    }
    *out = (tn_str){bytes, size};
    return TARN_OK;
}

static tarn_code fixed_of(const reading *r, const tn_json *json, void *out, size_t size,
                          tarn_error *err)
{
    tn_str bytes = TN_STR_NONE;
    TN_RETURN_IF_ERROR(bytes_of(r, json, &bytes, err));
    if (bytes.size != size) {
        return wrong(r, err, "a constant has another size");
    }
    memcpy(out, bytes.data, size);
    return TARN_OK;
}

static tarn_code value_of(const reading *r, const tn_json *json, const tn_type *type, tn_value *out,
                          tarn_error *err)
{
    *out = (tn_value){.type = type};
    if (json == NULL || type->kind == TN_KIND_NULL) {
        out->is_null = true;
        return TARN_OK;
    }
    if (tn_type_is_nested(type)) {
        return wrong(r, err, "a constant has a type that has no JSON form");
    }
    if (type->kind == TN_KIND_BOOLEAN) {
        out->boolean = tn_json_is(json, TN_JSON_TRUE);
        return TARN_OK;
    }
    if (tn_type_is_string(type)) {
        return bytes_of(r, json, &out->str, err);
    }
    if (tn_type_is_float(type)) {
        return fixed_of(r, json, &out->f64, sizeof(out->f64), err);
    }
    if (type->lane == TN_LANE_i128) {
        return fixed_of(r, json, &out->i128, sizeof(out->i128), err);
    }
    if (type->lane == TN_LANE_i256) {
        return fixed_of(r, json, &out->i256, sizeof(out->i256), err);
    }
    if (type->kind == TN_KIND_INTERVAL) {
        return fixed_of(r, json, &out->interval, sizeof(out->interval), err);
    }
    if (!tn_json_is(json, TN_JSON_NUMBER) || !json->is_integer) {
        return wrong(r, err, "a constant is no integer");
    }
    out->i64 = json->integer;
    return TARN_OK;
}

static tarn_code read_subquery(reading *r, const tn_json *json, const tn_type *type,
                               const tn_expr *left, const tn_expr **out, tarn_error *err)
{
    static const char *const kinds[] = {"scalar", "exists", "any", "all"};
    static const char *const comparisons[] = {"=", "<>", "<", "<=", ">", ">="};
    const tn_str kind = tn_json_get_text(json, "subquery", TN_STR_NONE);
    const tn_str comparison = tn_json_get_text(json, "comparison", TN_STR_NONE);
    tn_subquery subquery = {.negated = tn_json_get_bool(json, "not", false)};
    bool known = false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tn_str_equal(kind, tn_str_of(kinds[i]))) {
            subquery.kind = (tn_subquery_kind)i;
            known = true;
        }
    }
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        if (tn_str_equal(comparison, tn_str_of(comparisons[i]))) {
            subquery.comparison = comparisons[i];
        }
    }
    const bool compares = subquery.kind == TN_SUBQUERY_ANY || subquery.kind == TN_SUBQUERY_ALL;
    if (!known || compares != (subquery.comparison != NULL) || compares != (left != NULL)) {
        return wrong(r, err, "a subquery is of no kind");
    }
    TN_RETURN_IF_ERROR(plan_of(r, tn_json_get(json, "plan"), &subquery.plan, err));
    if (subquery.plan->output_count == 0 && subquery.kind != TN_SUBQUERY_EXISTS) {
        return wrong(r, err, "a subquery has no column");
    }
    return tn_expr_subquery(&r->context->expr, &subquery, left, type, span_of(json), out, err);
}

static tarn_code read_aggregate(reading *r, const tn_json *json, const tn_expr *const *children,
                                uint32_t count, const tn_expr **out, tarn_error *err)
{
    tn_aggregate_call call = {.name = tn_json_get_text(json, "function", TN_STR_NONE),
                              .children = children,
                              .count = count,
                              .distinct = tn_json_get_bool(json, "distinct", false),
                              .span = span_of(json)};
    const tn_json *filter = tn_json_get(json, "filter");
    if (filter != NULL) {
        TN_RETURN_IF_ERROR(expr_of(r, filter, &call.filter, err));
    }
    TN_RETURN_IF_ERROR(
        order_of(r, tn_json_get(json, "order"), &call.order, &call.order_count, err));
    return tn_expr_aggregate(&r->context->expr, &call, out, err);
}

static tarn_code read_leaf(reading *r, const tn_json *json, tn_str kind, const tn_type *type,
                           const tn_expr **out, tarn_error *err)
{
    tn_expr_context *context = &r->context->expr;
    const tn_str name = tn_json_get_text(json, "name", TN_STR_NONE);
    const tn_span span = span_of(json);
    if (tn_str_equal(kind, TN_STR("column"))) {
        uint64_t id = 0;
        TN_RETURN_IF_ERROR(number_of(r, tn_json_get(json, "id"), 1u << 30, &id, err));
        return tn_expr_column(context, (tn_column_id)id, name, type, span, out, err);
    }
    if (tn_str_equal(kind, TN_STR("parameter"))) {
        return tn_expr_parameter(context, name, type, span, out, err);
    }
    tn_value value;
    TN_RETURN_IF_ERROR(value_of(r, tn_json_get(json, "value"), type, &value, err));
    return tn_expr_literal(context, &value, span, out, err);
}

static tarn_code read_expr(reading *r, const tn_json *json, tn_str kind, const tn_expr **out,
                           tarn_error *err)
{
    tn_expr_context *context = &r->context->expr;
    const tn_span span = span_of(json);
    const tn_type *type = NULL;
    const tn_expr *const *children = NULL;
    uint32_t count = 0;
    TN_RETURN_IF_ERROR(type_of(r, tn_json_get(json, "type"), &type, err));
    TN_RETURN_IF_ERROR(exprs_of(r, tn_json_get(json, "of"), &children, &count, err));
    const bool one = count == 1;
    if (tn_str_equal(kind, TN_STR("column")) || tn_str_equal(kind, TN_STR("parameter")) ||
        tn_str_equal(kind, TN_STR("literal"))) {
        TN_RETURN_IF_ERROR(read_leaf(r, json, kind, type, out, err));
    } else if (tn_str_equal(kind, TN_STR("call"))) {
        TN_RETURN_IF_ERROR(tn_expr_call(context, tn_json_get_text(json, "function", TN_STR_NONE),
                                        children, count, span, out, err));
    } else if (tn_str_equal(kind, TN_STR("and")) && count > 0) {
        TN_RETURN_IF_ERROR(tn_expr_and(context, children, count, out, err));
    } else if (tn_str_equal(kind, TN_STR("or")) && count > 0) {
        TN_RETURN_IF_ERROR(tn_expr_or(context, children, count, out, err));
    } else if (tn_str_equal(kind, TN_STR("cast")) && one) {
        TN_RETURN_IF_ERROR(tn_expr_cast(context, children[0], type,
                                        tn_json_get_bool(json, "try", false), false, span, out,
                                        err));
    } else if (tn_str_equal(kind, TN_STR("case")) && count > 1) {
        TN_RETURN_IF_ERROR(tn_expr_case(context, children, count, span, out, err));
    } else if (tn_str_equal(kind, TN_STR("in")) && count > 1) {
        TN_RETURN_IF_ERROR(tn_expr_in(context, children, count,
                                      tn_json_get_bool(json, "negated", false), span, out, err));
    } else if (tn_str_equal(kind, TN_STR("aggregate"))) {
        TN_RETURN_IF_ERROR(read_aggregate(r, json, children, count, out, err));
    } else if (tn_str_equal(kind, TN_STR("subquery")) && count <= 1) {
        TN_RETURN_IF_ERROR(read_subquery(r, json, type, one ? children[0] : NULL, out, err));
    } else {
        return wrong(r, err, "an expression is of no kind");
    }
    return (*out)->type == type ? TARN_OK : wrong(r, err, "an expression has another type");
}

/* ---- nodes ---- */

static tarn_code read_outputs(reading *r, const tn_json *list, tn_plan *plan, tarn_error *err)
{
    tn_output *outputs = NULL;
    const uint32_t count = list == NULL ? 0 : list->count;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(r->context->expr.arena, tn_output, count, &outputs, err));
    for (const tn_json *it = tn_json_first(list); it != NULL && i < count; it = it->next, i++) {
        const tn_json *id = tn_json_first(it);
        const tn_json *name = id == NULL ? NULL : id->next;
        const tn_json *type = name == NULL ? NULL : name->next;
        const tn_json *nullable = type == NULL ? NULL : type->next;
        uint64_t number = 0;
        TN_RETURN_IF_ERROR(number_of(r, id, 1u << 30, &number, err));
        TN_RETURN_IF_ERROR(type_of(r, type, &outputs[i].type, err));
        outputs[i].id = (tn_column_id)number;
        if (number >= r->context->next_column) {
            r->context->next_column = (tn_column_id)number + 1;
        }
        TN_RETURN_IF_ERROR(tn_arena_copy(
            r->context->expr.arena, tn_json_is(name, TN_JSON_STRING) ? name->text : TN_STR_NONE,
            &outputs[i].name, err));
        outputs[i].nullable = tn_json_is(nullable, TN_JSON_TRUE);
    }
    plan->outputs = outputs;
    plan->output_count = i;
    return TARN_OK;
}

static tarn_code read_numbers(reading *r, const tn_json *list, tn_plan *plan, tarn_error *err)
{
    uint32_t *numbers = NULL;
    const uint32_t count = list == NULL ? 0 : list->count;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(r->context->expr.arena, uint32_t, count, &numbers, err));
    for (const tn_json *it = tn_json_first(list); it != NULL && i < count; it = it->next) {
        uint64_t number = 0;
        TN_RETURN_IF_ERROR(number_of(r, it, UINT32_MAX, &number, err));
        numbers[i++] = (uint32_t)number;
    }
    plan->fields = numbers;
    return i == plan->output_count ? TARN_OK : wrong(r, err, "a scan's fields do not match");
}

static tarn_code read_pairs(reading *r, const tn_json *list, tn_plan *plan, tarn_error *err)
{
    tn_join_pair *pairs = NULL;
    const uint32_t count = list == NULL ? 0 : list->count;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(r->context->expr.arena, tn_join_pair, count, &pairs, err));
    for (const tn_json *it = tn_json_first(list); it != NULL && i < count; it = it->next, i++) {
        const tn_json *left = tn_json_first(it);
        const tn_json *right = left == NULL ? NULL : left->next;
        TN_RETURN_IF_ERROR(expr_of(r, left, &pairs[i].left, err));
        TN_RETURN_IF_ERROR(expr_of(r, right, &pairs[i].right, err));
        pairs[i].null_equal = tn_json_is(right->next, TN_JSON_TRUE);
        if (pairs[i].left->type != pairs[i].right->type) {
            return wrong(r, err, "a join's pair is of two types");
        }
    }
    plan->pairs = pairs;
    plan->pair_count = i;
    return TARN_OK;
}

static tarn_code read_join_kind(reading *r, const tn_json *json, tn_plan *plan, tarn_error *err)
{
    for (int kind = TN_JOIN_INNER; kind <= TN_JOIN_SINGLE; kind++) {
        if (tn_json_is(json, TN_JSON_STRING) &&
            tn_str_equal(json->text, tn_str_of(tn_plan__join_name((tn_join_kind)kind)))) {
            plan->join = (tn_join_kind)kind;
            return TARN_OK;
        }
    }
    return wrong(r, err, "a join is of no kind");
}

static tarn_code read_u64(reading *r, const tn_json *json, uint64_t *out, tarn_error *err)
{
    uint64_t number = 0;
    if (json == NULL) {
        *out = UINT64_MAX;
        return TARN_OK;
    }
    for (size_t i = 0; json->kind == TN_JSON_STRING && i < json->text.size; i++) {
        const char c = json->text.data[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(c - '0'), &number)) {
            return wrong(r, err, "a count is no number");
        }
    }
    *out = number;
    return TARN_OK;
}

static tarn_code read_field(reading *r, const tn_json *object, const tn_plan_field *field,
                            tn_plan *plan, tarn_error *err)
{
    const tn_json *json = tn_json_get(object, field->name);
    char *at = (char *)plan + field->offset;
    uint32_t *count = (uint32_t *)(void *)((char *)plan + field->count_offset);
    uint64_t number = 0;
    switch (field->form) {
    case TN_FORM_BOOL:
        *(bool *)at = tn_json_is(json, TN_JSON_TRUE);
        return TARN_OK;
    case TN_FORM_U32:
        TN_RETURN_IF_ERROR(number_of(r, json, UINT32_MAX, &number, err));
        *(uint32_t *)(void *)at = (uint32_t)number;
        return TARN_OK;
    case TN_FORM_U64:
        return read_u64(r, json, (uint64_t *)(void *)at, err);
    case TN_FORM_TEXT:
        return tn_arena_copy(r->context->expr.arena,
                             tn_json_is(json, TN_JSON_STRING) ? json->text : TN_STR_NONE,
                             (tn_str *)(void *)at, err);
    case TN_FORM_JOIN_KIND:
        return read_join_kind(r, json, plan, err);
    case TN_FORM_NUMBERS:
        return read_numbers(r, json, plan, err);
    case TN_FORM_EXPRS:
    case TN_FORM_CONJUNCTS:
        return exprs_of(r, json, (const tn_expr *const **)(void *)at, count, err);
    case TN_FORM_PAIRS:
        return read_pairs(r, json, plan, err);
    case TN_FORM_ORDER:
        return order_of(r, json, (const tn_sort_key **)(void *)at, count, err);
    case TN_FORM_SOURCE:
        if (!tn_json_is(json, TN_JSON_STRING)) {
            return wrong(r, err, "a source's name is missing");
        }
        return r->find(r->find_context, json->text, &plan->source, err);
    case TN_FORM_SINK:
        return tn_fail(err, TARN_E_UNSUPPORTED, "a plan that writes cannot be read from JSON");
    case TN_FORM_REJECTS:
    default:
        return TARN_OK;
    }
}

/* Shapes that the constructors would have made. */
static tarn_code check_shape(const reading *r, const tn_plan *plan, tarn_error *err)
{
    const uint32_t n = plan->child_count;
    const tn_plan_kind kind = plan->kind;
    const bool leaf = kind == TN_PLAN_SCAN || kind == TN_PLAN_VALUES;
    const bool two = kind == TN_PLAN_JOIN || kind == TN_PLAN_APPLY || kind == TN_PLAN_EXCEPT ||
                     kind == TN_PLAN_INTERSECT;
    const bool many = kind == TN_PLAN_UNION || kind == TN_PLAN_ALL;
    if (leaf ? n != 0 : two ? n != 2 : many ? n == 0 : n != 1) {
        return wrong(r, err, "a node has another number of children");
    }
    const uint64_t cells = (uint64_t)plan->row_count * plan->output_count;
    if ((kind == TN_PLAN_PROJECT && plan->expr_count != plan->output_count) ||
        (kind == TN_PLAN_AGGREGATE &&
         (uint64_t)plan->key_count + plan->expr_count != plan->output_count) ||
        (kind == TN_PLAN_VALUES && (plan->row_count > ROWS_MAX || plan->expr_count != cells)) ||
        (kind == TN_PLAN_UNNEST && plan->output_count < plan->expr_count)) {
        return wrong(r, err, "a node has another number of columns");
    }
    for (uint32_t i = 0; kind == TN_PLAN_SCAN && i < plan->output_count; i++) {
        const uint32_t field = plan->fields[i];
        if (field < TN_FIELD_VIRTUAL &&
            (field >= plan->source->schema.count ||
             plan->source->schema.fields[field].type != plan->outputs[i].type)) {
            return wrong(r, err, "a scan's field is not in its source");
        }
    }
    for (uint32_t i = 0; kind == TN_PLAN_AGGREGATE && i < plan->expr_count; i++) {
        if (plan->exprs[i]->kind != TN_EXPR_AGGREGATE) {
            return wrong(r, err, "an aggregate is none");
        }
    }
    return TARN_OK;
}

static tarn_code read_plan(reading *r, const tn_json *json, tn_str kind, tn_plan **out,
                           tarn_error *err)
{
    const tn_json *list = tn_json_get(json, "children");
    const uint32_t count = list == NULL ? 0 : list->count;
    tn_plan **children = NULL;
    tn_plan *plan = NULL;
    uint32_t i = 0;
    int found = TN_PLAN_KIND_COUNT;
    for (int k = 0; k < TN_PLAN_KIND_COUNT; k++) {
        found = tn_str_equal(kind, tn_str_of(tn_plan__kind_name((tn_plan_kind)k))) ? k : found;
    }
    if (found == TN_PLAN_KIND_COUNT) {
        return wrong(r, err, "a node is of no kind");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(r->context->expr.arena, tn_plan *, count, &children, err));
    for (const tn_json *it = tn_json_first(list); it != NULL && i < count; it = it->next) {
        TN_RETURN_IF_ERROR(plan_of(r, it, &children[i++], err));
    }
    TN_RETURN_IF_ERROR(
        tn_plan__new(r->context, (tn_plan_kind)found, span_of(json), children, i, &plan, err));
    TN_RETURN_IF_ERROR(read_outputs(r, tn_json_get(json, "outputs"), plan, err));
    for (size_t f = 0; f < tn_plan__field_count; f++) {
        if (tn_plan__has(plan, &tn_plan__fields[f])) {
            TN_RETURN_IF_ERROR(read_field(r, json, &tn_plan__fields[f], plan, err));
        }
    }
    TN_RETURN_IF_ERROR(check_shape(r, plan, err));
    if (plan->kind == TN_PLAN_SHARED && plan->shared_id >= r->context->next_shared) {
        r->context->next_shared = plan->shared_id + 1;
    }
    const tn_json *rows = tn_json_get(json, "rows");
    plan->rows_estimate = tn_json_is(rows, TN_JSON_NUMBER) ? tn_json_double(rows) : -1;
    plan->keeps_order = tn_json_get_bool(json, "keeps_order", false);
    *out = plan;
    if (plan->conjunct_count > 0) { /* what the source gets is made of the expressions */
        TN_RETURN_IF_ERROR(
            tn_plan__offer(r->context, plan, plan->conjunct_exprs, plan->conjunct_count, out, err));
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan_from_json(tn_plan_context *context, tn_str json, tn_plan_find_source *find,
                              void *find_context, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_json *document = NULL;
    reading r = {context, find, find_context, TN_VEC_INIT(context->pool)};
    *out = NULL;
    TN_TRY(tn_json_parse(context->expr.arena, json, &document, err));
    if (tn_json_get_integer(document, "version", 0) != VERSION) {
        code = tn_fail(err, TARN_E_UNSUPPORTED, "a plan's JSON form is of another version than %d",
                       VERSION);
        goto done;
    }
    const tn_json *items = tn_json_get(document, "items");
    for (const tn_json *it = tn_json_first(items); it != NULL; it = it->next) {
        made item = {NULL, NULL};
        const tn_str expr = tn_json_get_text(it, "expr", TN_STR_NONE);
        if (expr.size > 0) {
            TN_TRY(read_expr(&r, it, expr, &item.expr, err));
        } else {
            TN_TRY(read_plan(&r, it, tn_json_get_text(it, "node", TN_STR_NONE), &item.plan, err));
        }
        TN_TRY(tn_vec_push(&r.items, item, err));
    }
    TN_TRY(plan_of(&r, tn_json_get(document, "root"), out, err));
    TN_TRY(tn_plan__check(*out, context->pool, false, err));
done:
    if (code != TARN_OK) {
        *out = NULL;
    }
    tn_vec_free(&r.items);
    return code;
}
