/*
 * What a source may use of the filters above its scan: conjuncts of the form column `op` literals.
 * The filter stays: how much of it a source holds is promised only when the scan is opened.
 */
#include "expr/function.h"
#include "expr/program.h"
#include "plan/optimise_internal.h"

typedef struct offering {
    tn_plan_context *context;
    const tn_plan *scan;
    TN_VEC(tn_conjunct) conjuncts;
    tn_expr_vec exprs;
} offering;

/* A literal's value, or a parameter's. */
static const tn_value *value_of(const tn_plan_context *context, const tn_expr *expr)
{
    if (expr->kind == TN_EXPR_LITERAL) {
        return &expr->value;
    }
    const tn_parameters *parameters = context->parameters;
    for (uint32_t i = 0;
         expr->kind == TN_EXPR_PARAMETER && parameters != NULL && i < parameters->count; i++) {
        if (tn_str_equal(parameters->names[i], expr->name)) {
            return &parameters->values[i];
        }
    }
    return NULL;
}

static bool field_of(const offering *o, const tn_expr *expr, uint32_t *field)
{
    for (uint32_t i = 0; expr->kind == TN_EXPR_COLUMN && i < o->scan->output_count; i++) {
        if (o->scan->outputs[i].id == expr->column) {
            *field = o->scan->fields[i];
            return o->scan->fields[i] < o->scan->source->schema.count;
        }
    }
    return false;
}

static tarn_code offer(offering *o, uint32_t field, tn_conjunct_op op, const tn_value *values,
                       uint32_t count, const tn_expr *expr, tarn_error *err)
{
    tn_value *copy = NULL;
    const tn_type *type = o->scan->source->schema.fields[field].type;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].is_null || values[i].type != type || tn_type_is_nested(type)) {
            return TARN_OK;
        }
    }
    TN_RETURN_IF_ERROR(tn_arena_array(o->context->expr.arena, tn_value, count, &copy, err));
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = values[i];
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&o->conjuncts, ((tn_conjunct){field, op, count, copy}), err));
    return tn_vec_push(&o->exprs, expr, err);
}

static bool comparison_op(const char *name, bool mirrored, tn_conjunct_op *op)
{
    static const struct {
        const char *name;
        tn_conjunct_op op, mirrored;
    } table[] = {{"=", TN_OP_EQ, TN_OP_EQ}, {"<>", TN_OP_NE, TN_OP_NE},
                 {"<", TN_OP_LT, TN_OP_GT}, {"<=", TN_OP_LE, TN_OP_GE},
                 {">", TN_OP_GT, TN_OP_LT}, {">=", TN_OP_GE, TN_OP_LE}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].name, name) == 0) {
            *op = mirrored ? table[i].mirrored : table[i].op;
            return true;
        }
    }
    return false;
}

/* The part of a LIKE pattern before its first wildcard. */
static tn_str like_prefix(tn_str pattern)
{
    size_t size = 0;
    while (size < pattern.size && pattern.data[size] != '%' && pattern.data[size] != '_' &&
           pattern.data[size] != '\\') {
        size++;
    }
    return tn_str_slice(pattern, 0, size);
}

static tarn_code offer_call(offering *o, const tn_expr *expr, tarn_error *err)
{
    const char *name = expr->function->name;
    uint32_t field = 0;
    tn_conjunct_op op;
    if (strcmp(name, "is_null") == 0 || strcmp(name, "is_not_null") == 0) {
        op = strcmp(name, "is_null") == 0 ? TN_OP_IS_NULL : TN_OP_IS_NOT_NULL;
        return field_of(o, expr->children[0], &field) ? offer(o, field, op, NULL, 0, expr, err)
                                                      : TARN_OK;
    }
    if (expr->child_count != 2) {
        return TARN_OK;
    }
    const tn_value *right = value_of(o->context, expr->children[1]);
    if ((strcmp(name, "like") == 0 || strcmp(name, "starts_with") == 0) && right != NULL &&
        !right->is_null && right->type == TN_VARCHAR && field_of(o, expr->children[0], &field)) {
        tn_value prefix = *right;
        prefix.str = name[0] == 'l' ? like_prefix(right->str) : right->str;
        return prefix.str.size == 0 ? TARN_OK
                                    : offer(o, field, TN_OP_STARTS_WITH, &prefix, 1, expr, err);
    }
    for (int side = 0; side < 2; side++) {
        const tn_value *value = value_of(o->context, expr->children[1 - side]);
        if (value != NULL && field_of(o, expr->children[side], &field) &&
            comparison_op(name, side == 1, &op)) {
            return offer(o, field, op, value, 1, expr, err);
        }
    }
    return TARN_OK;
}

/* x IN (...), and x = 1 OR x = 2: the values. */
static tarn_code offer_any(offering *o, const tn_expr *expr, tarn_error *err)
{
    const bool in = expr->kind == TN_EXPR_IN;
    tn_value *values = NULL;
    uint32_t count = 0;
    uint32_t field = 0;
    TN_RETURN_IF_ERROR(
        tn_arena_array(o->context->expr.arena, tn_value, expr->child_count, &values, err));
    if (in && (expr->negated || !field_of(o, expr->children[0], &field))) {
        return TARN_OK;
    }
    for (uint32_t i = in ? 1 : 0; i < expr->child_count; i++) {
        const tn_expr *branch = expr->children[i];
        const tn_value *value = NULL;
        if (in) {
            value = value_of(o->context, branch);
        } else if (tn_expr__is_call(branch, "=")) {
            uint32_t other = 0;
            value = value_of(o->context, branch->children[1]);
            if (!field_of(o, branch->children[0], &other) || (i > 0 && other != field)) {
                return TARN_OK;
            }
            field = other;
        }
        if (value == NULL) {
            return TARN_OK;
        }
        if (!value->is_null) { /* NULL equals nothing */
            values[count++] = *value;
        }
    }
    return offer(o, field, TN_OP_IN, values, count, expr, err);
}

static tarn_code offer_all(offering *o, const tn_expr *const *exprs, uint32_t count,
                           tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const tn_expr *expr = exprs[i];
        if (expr->is_volatile || expr->can_fail) {
            continue;
        }
        if (expr->kind == TN_EXPR_CALL) {
            TN_RETURN_IF_ERROR(offer_call(o, expr, err));
        } else if (expr->kind == TN_EXPR_IN || expr->kind == TN_EXPR_OR) {
            TN_RETURN_IF_ERROR(offer_any(o, expr, err));
        }
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan__offer(tn_plan_context *context, const tn_plan *scan,
                           const tn_expr *const *filters, uint32_t count, tn_plan **out,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan *copy = NULL;
    tn_conjunct *conjuncts = NULL;
    const tn_expr **exprs = NULL;
    offering o = {.context = context,
                  .scan = scan,
                  .conjuncts = TN_VEC_INIT(context->pool),
                  .exprs = TN_VEC_INIT(context->pool)};
    TN_TRY(tn_plan__copy(context, scan, &copy, err));
    *out = copy;
    TN_TRY(offer_all(&o, filters, count, err));
    if (o.conjuncts.count == 0) {
        goto done;
    }
    TN_TRY(tn_arena_array(context->expr.arena, tn_conjunct, o.conjuncts.count, &conjuncts, err));
    TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, o.exprs.count, &exprs, err));
    memcpy(conjuncts, o.conjuncts.items, o.conjuncts.count * sizeof(*conjuncts));
    memcpy(exprs, o.exprs.items, o.exprs.count * sizeof(*exprs));
    copy->conjuncts = conjuncts;
    copy->conjunct_exprs = exprs;
    copy->conjunct_count = (uint32_t)o.conjuncts.count;
done:
    tn_vec_free(&o.conjuncts);
    tn_vec_free(&o.exprs);
    return code;
}

TN_FALLIBLE tn_rule__scan_conjuncts(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan_context *plans = ((tn_optimiser *)context)->context;
    tn_plan *scan = NULL;
    *out = plan;
    if (plan->kind != TN_PLAN_FILTER || plan->children[0]->kind != TN_PLAN_SCAN ||
        plan->children[0]->conjunct_count > 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_plan__offer(plans, plan->children[0], plan->exprs, plan->expr_count, &scan, err));
    return scan->conjunct_count == 0 ? TARN_OK
                                     : tn_plan__with_children(plans, plan, &scan, out, err);
}
