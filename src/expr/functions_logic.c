/* Choosing among values: COALESCE, NULLIF, IF, GREATEST, LEAST; and typeof. */
#include "expr/expr_internal.h"
#include "kernel/operand.h"

static TN_FALLIBLE to_common(tn_binder *binder, tarn_error *err)
{
    const tn_type *type = NULL;
    bool found = false;
    TN_RETURN_IF_ERROR(tn_coerce__common(binder->context, binder->children, binder->count, false,
                                         &type, &found, err));
    if (!found) {
        tn_bind__fail(err, binder->span, "the arguments of %s have no common type",
                      binder->function->name);
        tn_hint(err, "cast them to one type");
        return TARN_E_INVALID;
    }
    for (uint32_t i = 0; i < binder->count; i++) {
        TN_RETURN_IF_ERROR(
            tn_coerce__to(binder->context, binder->children[i], type, &binder->children[i], err));
    }
    binder->type = type;
    return TARN_OK;
}

static tarn_code resolve_coalesce(tn_binder *binder, tarn_error *err)
{
    if (binder->count == 0) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(to_common(binder, err));
    if (binder->count == 1) {
        binder->replaced = binder->children[0];
    }
    binder->bound->form = TN_FORM_COALESCE;
    return TARN_OK;
}

static tarn_code resolve_try(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    binder->type = binder->children[0]->type;
    binder->bound->form = TN_FORM_TRY;
    return TARN_OK;
}

/* CASE WHEN a = b THEN NULL ELSE a END */
static tarn_code resolve_nullif(tn_binder *binder, tarn_error *err)
{
    const tn_value null = tn_value_null(TN_TYPE_NULL);
    const tn_expr *parts[3] = {NULL, NULL, NULL};
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    parts[2] = binder->children[0];
    TN_RETURN_IF_ERROR(tn_expr_call(binder->context, TN_STR("="), binder->children, 2, binder->span,
                                    &parts[0], err));
    TN_RETURN_IF_ERROR(tn_bind__literal(binder->context, &null, binder->span, &parts[1], err));
    return tn_expr_case(binder->context, parts, 3, binder->span, &binder->replaced, err);
}

static tarn_code resolve_if(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 3) {
        return tn_coerce__no_overload(binder, err);
    }
    return tn_expr_case(binder->context, binder->children, 3, binder->span, &binder->replaced, err);
}

/* ---- greatest, least ---- */

/* The best of the arguments that are not null; null where all are. */
static tarn_code choose_extreme(tn_call *call, bool greatest, tarn_error *err)
{
    (void)err;
    const size_t size = tn_lane_size(call->type->lane);
    TN_EACH (call, row) {
        uint32_t best = UINT32_MAX;
        for (uint32_t k = 0; k < call->in_count; k++) {
            if (tn_call_is_null(call, k, row)) {
                continue;
            }
            const int order =
                best == UINT32_MAX
                    ? 0
                    : tn_operand_compare(&call->in[k], row, &call->in[best], row, call->type);
            if (best == UINT32_MAX || (greatest ? order > 0 : order < 0)) {
                best = k;
            }
        }
        if (best == UINT32_MAX) {
            tn_call_null(call, row);
        } else if (call->type->lane == TN_LANE_bool) {
            tn_call_put_bool(call, row, tn_call_bool(call, best, row));
        } else {
            memcpy((char *)call->values + row * size,
                   (const char *)call->in[best].values + (row & call->in[best].mask) * size, size);
        }
    }
    return TARN_OK;
}
static tarn_code run_greatest(tn_call *call, tarn_error *err)
{
    return choose_extreme(call, true, err);
}
static tarn_code run_least(tn_call *call, tarn_error *err)
{
    return choose_extreme(call, false, err);
}

static const tn_kernel least_kernel = {.run = run_least, .sees_null = true};
static const tn_kernel greatest_kernel = {.run = run_greatest, .sees_null = true};
static tarn_code resolve_extreme(tn_binder *binder, tarn_error *err)
{
    if (binder->count == 0) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(to_common(binder, err));
    if (binder->count == 1 || binder->type->kind == TN_KIND_NULL) {
        binder->replaced = binder->children[0];
        return TARN_OK;
    }
    if (tn_type_is_nested(binder->type)) {
        return tn_coerce__no_overload(binder, err);
    }
    binder->bound->kernel = binder->function->binding->op == 1 ? &greatest_kernel : &least_kernel;
    return TARN_OK;
}

/* ---- typeof ---- */

static tarn_code resolve_typeof(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    const tn_value name = tn_value_varchar(binder->children[0]->type->name);
    return tn_expr_literal(binder->context, &name, binder->span, &binder->replaced, err);
}

static const tn_function functions[] = {
    {.name = "coalesce",
     .aliases = TN_ALIASES("ifnull", "nvl"),
     .category = "logic",
     .signature = "coalesce(value, ...) -> the values' common type",
     .doc = "The first value that is not NULL.",
     .example = "coalesce(NULL, 2, 3)",
     .example_result = "2",
     .cost = 1,
     .sees_null = true,
     .binding = &(const tn_function_binding){.resolve = resolve_coalesce}},
    {.name = "nullif",
     .category = "logic",
     .signature = "nullif(a, b) -> type of a",
     .doc = "NULL where a = b, else a.",
     .example = "nullif(1, 1)",
     .example_result = "NULL",
     .cost = 1,
     .sees_null = true,
     .binding = &(const tn_function_binding){.resolve = resolve_nullif}},
    {.name = "if",
     .aliases = TN_ALIASES("iif"),
     .category = "logic",
     .signature = "if(condition BOOLEAN, then, else) -> the values' common type",
     .doc = "The second argument where the first is true, else the third.",
     .example = "if(1 < 2, 'yes', 'no')",
     .example_result = "yes",
     .cost = 1,
     .sees_null = true,
     .binding = &(const tn_function_binding){.resolve = resolve_if}},
    {.name = "greatest",
     .category = "logic",
     .signature = "greatest(value, ...) -> the values' common type",
     .doc = "The greatest of the values that are not NULL.",
     .example = "greatest(1, 3, NULL, 2)",
     .example_result = "3",
     .cost = 2,
     .sees_null = true,
     .binding = &(const tn_function_binding){.resolve = resolve_extreme, .op = 1}},
    {.name = "least",
     .category = "logic",
     .signature = "least(value, ...) -> the values' common type",
     .doc = "The least of the values that are not NULL.",
     .example = "least('b', 'a')",
     .example_result = "a",
     .cost = 2,
     .sees_null = true,
     .binding = &(const tn_function_binding){.resolve = resolve_extreme, .op = 0}},
    {.name = "try",
     .category = "logic",
     .signature = "try(value) -> type of value",
     .doc = "The value, or NULL where computing it fails.",
     .example = "try(1 / 0)",
     .example_result = "NULL",
     .cost = 1,
     .sees_null = true,
     .binding = &(const tn_function_binding){.resolve = resolve_try}},
    {.name = "typeof",
     .category = "logic",
     .signature = "typeof(value) -> VARCHAR",
     .doc = "The name of the value's type.",
     .example = "typeof(1 + 1.5)",
     .example_result = "DECIMAL(3,1)",
     .cost = 1,
     .sees_null = true,
     .binding = &(const tn_function_binding){.resolve = resolve_typeof}},
};

static const tn_kernel *const kernels[] = {&greatest_kernel, &least_kernel, NULL};
const tn_function_list tn__logic_functions = {functions, sizeof(functions) / sizeof(*functions),
                                              kernels};
