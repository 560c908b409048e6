/* Typed nodes: literals, columns, calls, CASE, IN, aggregates. */
#include "expr/aggregate_internal.h"
#include "expr/expr_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

tarn_code tn_bind__fail(tarn_error *err, tn_span span, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    const tarn_code code = tn_fail(err, TARN_E_INVALID, "%s", message);
    if (err != NULL) {
        err->span_start = span.start;
        err->span_length = span.length;
    }
    return code;
}

static void add_span(tarn_error *err, tn_span span)
{
    if (err != NULL && err->span_length == 0) {
        err->span_start = span.start;
        err->span_length = span.length;
    }
}

/* ---- leaves ---- */

tarn_code tn_expr_column(tn_expr_context *context, tn_column_id id, tn_str name,
                         const tn_type *type, tn_span span, const tn_expr **out, tarn_error *err)
{
    tn_expr *expr = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_expr__new(context, TN_EXPR_COLUMN, type, NULL, 0, span, &expr, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(context->arena, name, &expr->name, err));
    expr->column = id;
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}

/* The value lives in the arena already. */
tarn_code tn_bind__literal(tn_expr_context *context, const tn_value *value, tn_span span,
                           const tn_expr **out, tarn_error *err)
{
    tn_expr *expr = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(
        tn_expr__new(context, TN_EXPR_LITERAL, value->type, NULL, 0, span, &expr, err));
    expr->value = *value;
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}

tarn_code tn_expr_literal(tn_expr_context *context, const tn_value *value, tn_span span,
                          const tn_expr **out, tarn_error *err)
{
    tn_value copy;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_value_copy(context->arena, value, &copy, err));
    return tn_bind__literal(context, &copy, span, out, err);
}

tarn_code tn_expr_parameter(tn_expr_context *context, tn_str name, const tn_type *type,
                            tn_span span, const tn_expr **out, tarn_error *err)
{
    tn_expr *expr = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_expr__new(context, TN_EXPR_PARAMETER, type, NULL, 0, span, &expr, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(context->arena, name, &expr->name, err));
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}

tarn_code tn_expr_subquery(tn_expr_context *context, const tn_subquery *subquery,
                           const tn_expr *left, const tn_type *type, tn_span span,
                           const tn_expr **out, tarn_error *err)
{
    tn_expr *expr = NULL;
    tn_subquery *copy = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_expr__new(context, TN_EXPR_SUBQUERY, type, left == NULL ? NULL : &left,
                                    left != NULL, span, &expr, err));
    TN_RETURN_IF_ERROR(tn_arena_new(context->arena, tn_subquery, &copy, err));
    *copy = *subquery;
    expr->subquery = copy;
    /* Two rows of a scalar one are raised by the join that it becomes, not by the expression. */
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}

/* ---- calls ---- */

static tarn_code unknown_function(tn_str name, tn_span span, tarn_error *err)
{
    size_t count = 0;
    const tn_function *const *functions = tn_functions(&count);
    tn_str best = TN_STR_NONE;
    for (size_t i = 0; i < count; i += 64) { /* the nearest of each 64, then of those */
        tn_str names[65];
        size_t named = 0;
        for (size_t j = i; j < count && j < i + 64; j++) {
            names[named++] = tn_str_of(functions[j]->name);
        }
        if (best.data != NULL) {
            names[named++] = best;
        }
        best = tn_str_nearest(name, names, named);
    }
    const char *instead = tn_function__instead(name);
    tn_bind__fail(err, span, "there is no function '%.*s'", TN_STR_ARGS(name));
    if (instead != NULL) {
        tn_hint(err, "%s", instead);
    } else if (best.data != NULL &&
               tn_str_distance(name, best) <= name.size / 3 + (name.size < 3)) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(best));
    } else {
        tn_hint(err, "SHOW FUNCTIONS lists them");
    }
    return TARN_E_INVALID;
}

/* Runs the kernel's open() once with what is constant, so that a bad pattern is an error here. */
static TN_FALLIBLE check_constants(tn_expr_context *context, const tn_bound_call *bound,
                                   const tn_expr *const *children, uint32_t count, tarn_error *err)
{
    const tn_value **constants = NULL;
    void *state = NULL;
    if (bound->form != TN_FORM_ROWS || bound->kernel->open == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->arena, const tn_value *, count + 1, &constants, err));
    for (uint32_t i = 0; i < count; i++) {
        constants[i] = children[i]->kind == TN_EXPR_LITERAL ? &children[i]->value : NULL;
    }
    TN_RETURN_IF_ERROR(bound->kernel->open(bound, constants, context->arena->pool, &state, err));
    if (state != NULL && bound->kernel->close != NULL) {
        bound->kernel->close(state, context->arena->pool);
    }
    return TARN_OK;
}

static TN_FALLIBLE finish_call(tn_binder *binder, const tn_expr **out, tarn_error *err)
{
    tn_bound_call *bound = binder->bound;
    const tn_type **types = NULL;
    tn_expr *expr = NULL;
    TN_RETURN_IF_ERROR(tn_expr__new(binder->context, TN_EXPR_CALL, binder->type, binder->children,
                                    binder->count, binder->span, &expr, err));
    if (binder->count > 0) {
        TN_RETURN_IF_ERROR(
            tn_arena_array(binder->context->arena, const tn_type *, binder->count, &types, err));
        for (uint32_t i = 0; i < binder->count; i++) {
            types[i] = binder->children[i]->type;
        }
    }
    bound->function = binder->function;
    bound->type = binder->type;
    bound->argument_types = types;
    bound->argument_count = binder->count;
    expr->function = binder->function;
    expr->function_data = bound;
    expr->fails_itself = binder->can_fail;
    for (uint32_t i = 1; i < binder->count && bound->kernel != NULL; i++) {
        expr->fails_itself |=
            bound->kernel->fails_unchecked && binder->children[i]->kind != TN_EXPR_LITERAL;
    }
    expr->is_volatile = binder->function->volatility == TN_VOLATILE;
    bound->ordinal = expr->is_volatile ? binder->context->volatile_calls++ : 0;
    tn_expr__finish(expr);
    TN_RETURN_IF_ERROR(
        check_constants(binder->context, bound, expr->children, expr->child_count, err));
    *out = expr;
    return TARN_OK;
}

/* f(NULL, ...) of a strict function is NULL, before any other argument may fail. */
static TN_FALLIBLE null_of_nulls(const tn_binder *binder, const tn_expr *const *children,
                                 const tn_expr **out, tarn_error *err)
{
    const tn_type *type = binder->replaced != NULL ? binder->replaced->type : binder->type;
    bool any = false;
    for (uint32_t i = 0; i < binder->count && !binder->function->sees_null; i++) {
        any |= children[i]->kind == TN_EXPR_LITERAL && children[i]->value.is_null;
    }
    if (!any || type == NULL || type->kind == TN_KIND_NULL) {
        return TARN_OK;
    }
    const tn_value null = tn_value_null(type);
    return tn_bind__literal(binder->context, &null, binder->span, out, err);
}

tarn_code tn_expr_call(tn_expr_context *context, tn_str name, const tn_expr *const *children,
                       uint32_t count, tn_span span, const tn_expr **out, tarn_error *err)
{
    const tn_function *function = tn_function_find(name);
    tn_binder binder = {.context = context, .function = function, .span = span, .count = count};
    *out = NULL;
    if (function == NULL) {
        return unknown_function(name, span, err);
    }
    if (function->aggregate != NULL) {
        tn_bind__fail(err, span, "%s is an aggregate and cannot stand here", function->name);
        return TARN_E_INVALID;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->arena, const tn_expr *, count + 1, &binder.children, err));
    TN_RETURN_IF_ERROR(tn_arena_new(context->arena, tn_bound_call, &binder.bound, err));
    if (count > 0) {
        memcpy(binder.children, children, count * sizeof(*children));
    }
    tarn_code code = function->binding->resolve != NULL ? function->binding->resolve(&binder, err)
                                                        : tn_coerce__resolve(&binder, err);
    if (code == TARN_OK) {
        TN_RETURN_IF_ERROR(null_of_nulls(&binder, children, out, err));
    }
    if (code == TARN_OK && (*out != NULL || binder.replaced != NULL)) {
        *out = *out != NULL ? *out : binder.replaced;
        return TARN_OK;
    }
    if (code == TARN_OK) {
        assert(binder.bound->form != TN_FORM_ROWS || tn_kernel__is_declared(binder.bound->kernel));
        code = finish_call(&binder, out, err);
    }
    if (code != TARN_OK) {
        add_span(err, span);
    }
    return code;
}

/* ---- AND, OR ---- */

static TN_FALLIBLE junction(tn_expr_context *context, tn_expr_kind kind,
                            const tn_expr *const *children, uint32_t count, const tn_expr **out,
                            tarn_error *err)
{
    const tn_expr **parts = NULL;
    tn_expr *expr = NULL;
    size_t part_count = 0;
    size_t filled = 0;
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        part_count += children[i]->kind == kind ? children[i]->child_count : 1;
    }
    if (part_count > UINT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a condition of %zu terms is too long", part_count);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->arena, const tn_expr *, part_count + 1, &parts, err));
    for (uint32_t i = 0; i < count; i++) {
        if (children[i]->kind == kind) {
            memcpy(parts + filled, children[i]->children,
                   children[i]->child_count * sizeof(*parts));
            filled += children[i]->child_count;
            continue;
        }
        TN_RETURN_IF_ERROR(tn_coerce__to(context, children[i], TN_BOOLEAN, &parts[filled++], err));
    }
    if (filled == 1) {
        *out = parts[0];
        return TARN_OK;
    }
    if (filled == 0) {
        const tn_value value = tn_value_boolean(kind == TN_EXPR_AND);
        return tn_bind__literal(context, &value, (tn_span){0, 0}, out, err);
    }
    const tn_span first = parts[0]->span;
    const tn_span last = parts[filled - 1]->span;
    const tn_span span = {first.start, last.start + last.length > first.start
                                           ? last.start + last.length - first.start
                                           : first.length};
    TN_RETURN_IF_ERROR(tn_expr__new(context, kind, TN_BOOLEAN, NULL, 0, span, &expr, err));
    expr->children = parts;
    expr->child_count = (uint32_t)filled;
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}

tarn_code tn_expr_and(tn_expr_context *context, const tn_expr *const *children, uint32_t count,
                      const tn_expr **out, tarn_error *err)
{
    return junction(context, TN_EXPR_AND, children, count, out, err);
}

tarn_code tn_expr_or(tn_expr_context *context, const tn_expr *const *children, uint32_t count,
                     const tn_expr **out, tarn_error *err)
{
    return junction(context, TN_EXPR_OR, children, count, out, err);
}

/* ---- CASE ---- */

tarn_code tn_expr_case(tn_expr_context *context, const tn_expr *const *children, uint32_t count,
                       tn_span span, const tn_expr **out, tarn_error *err)
{
    const tn_expr **parts = NULL;
    const tn_expr **results = NULL;
    const tn_type *type = NULL;
    tn_expr *expr = NULL;
    uint32_t result_count = 0;
    bool found = false;
    *out = NULL;
    if (count < 2) {
        return tn_bind__fail(err, span, "CASE needs a WHEN with a THEN");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_expr *, count, &parts, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_expr *, count, &results, err));
    for (uint32_t i = 0; i < count; i++) {
        if (i % 2 == 1 || i + 1 == count) {
            results[result_count++] = children[i];
        }
    }
    TN_RETURN_IF_ERROR(
        tn_coerce__common(context, results, result_count, false, &type, &found, err));
    if (!found) {
        tn_bind__fail(err, span, "the results of CASE have no common type (%.*s and %.*s)",
                      TN_STR_ARGS(results[0]->type->name),
                      TN_STR_ARGS(results[result_count - 1]->type->name));
        tn_hint(err, "cast them to one type");
        return TARN_E_INVALID;
    }
    for (uint32_t i = 0; i < count; i++) {
        const bool is_result = i % 2 == 1 || i + 1 == count;
        TN_RETURN_IF_ERROR(
            tn_coerce__to(context, children[i], is_result ? type : TN_BOOLEAN, &parts[i], err));
    }
    TN_RETURN_IF_ERROR(tn_expr__new(context, TN_EXPR_CASE, type, parts, count, span, &expr, err));
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}

/* ---- IN ---- */

static TN_FALLIBLE in_as_ors(tn_expr_context *context, const tn_expr *const *parts, uint32_t count,
                             bool negated, tn_span span, const tn_expr **out, tarn_error *err)
{
    const tn_expr **terms = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_expr *, count, &terms, err));
    for (uint32_t i = 1; i < count; i++) {
        const tn_expr *const pair[] = {parts[0], parts[i]};
        TN_RETURN_IF_ERROR(tn_expr_call(context, TN_STR("="), pair, 2, span, &terms[i - 1], err));
    }
    TN_RETURN_IF_ERROR(tn_expr_or(context, terms, count - 1, out, err));
    const tn_expr *any = *out; /* a call clears its `out` before it looks at its children */
    return negated ? tn_expr_call(context, TN_STR("not"), &any, 1, span, out, err) : TARN_OK;
}

tarn_code tn_expr_in(tn_expr_context *context, const tn_expr *const *children, uint32_t count,
                     bool negated, tn_span span, const tn_expr **out, tarn_error *err)
{
    const tn_expr **parts = NULL;
    const tn_type *type = NULL;
    tn_expr *expr = NULL;
    bool found = false;
    bool literal = true;
    *out = NULL;
    if (count < 2) {
        const tn_value none = tn_value_boolean(negated);
        return tn_bind__literal(context, &none, span, out, err);
    }
    TN_RETURN_IF_ERROR(tn_coerce__common(context, children, count, true, &type, &found, err));
    if (!found) {
        tn_bind__fail(err, span, "%.*s cannot be compared with %.*s",
                      TN_STR_ARGS(children[0]->type->name),
                      TN_STR_ARGS(children[count - 1]->type->name));
        tn_hint(err, "cast one side to the other's type");
        return TARN_E_INVALID;
    }
    if (type->kind == TN_KIND_NULL) {
        type = TN_INTEGER;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_expr *, count, &parts, err));
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_coerce__to(context, children[i], type, &parts[i], err));
        literal &= i == 0 || parts[i]->kind == TN_EXPR_LITERAL;
    }
    if (!literal || tn_type_is_nested(type) || count == 2) {
        return in_as_ors(context, parts, count, negated, span, out, err);
    }
    TN_RETURN_IF_ERROR(
        tn_expr__new(context, TN_EXPR_IN, TN_BOOLEAN, parts, count, span, &expr, err));
    expr->negated = negated;
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}

/* ---- aggregates ---- */

const tn_bound_aggregate *tn_expr_bound_aggregate(const tn_expr *expr)
{
    return expr->kind == TN_EXPR_AGGREGATE ? expr->function_data : NULL;
}

/* Sums of floats, and what is made of them, differ in their last bits by the order of rows. */
static bool rounds_by_order(const tn_bound_aggregate *bound, const tn_function *function)
{
    bool floats = false;
    for (uint32_t i = 0; i < bound->argument_count && i < 4; i++) {
        floats = floats || tn_type_is_float(bound->argument_types[i]);
    }
    return floats && !bound->is_ordered && !bound->keeps_tag && bound->result_type == TN_DOUBLE &&
           strcmp(function->name, "min") != 0 && strcmp(function->name, "max") != 0;
}

tarn_code tn_expr_aggregate(tn_expr_context *context, const tn_aggregate_call *call,
                            const tn_expr **out, tarn_error *err)
{
    const tn_function *function = tn_function_find(call->name);
    tn_binder binder = {
        .context = context, .function = function, .span = call->span, .count = call->count};
    tn_bound_aggregate *bound = NULL;
    tn_sort_key *order = NULL;
    const tn_expr *filter = call->filter;
    tn_expr *expr = NULL;
    *out = NULL;
    if (function == NULL) {
        return unknown_function(call->name, call->span, err);
    }
    if (function->aggregate == NULL) {
        return tn_bind__fail(err, call->span, "%s is not an aggregate", function->name);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->arena, const tn_expr *, call->count + 1, &binder.children, err));
    if (call->count > 0) {
        memcpy(binder.children, call->children, call->count * sizeof(*call->children));
    }
    TN_RETURN_IF_ERROR(tn_arena_new(context->arena, tn_bound_aggregate, &bound, err));
    bound->ops = function->aggregate;
    const tarn_code code = function->binding->resolve_aggregate(&binder, bound, err);
    if (code != TARN_OK) {
        add_span(err, call->span);
        return code;
    }
    if (filter != NULL) {
        TN_RETURN_IF_ERROR(tn_coerce__to(context, filter, TN_BOOLEAN, &filter, err));
    }
    TN_RETURN_IF_ERROR(tn_expr__new(context, TN_EXPR_AGGREGATE, bound->result_type, binder.children,
                                    binder.count, call->span, &expr, err));
    if (call->order_count > 0) {
        TN_RETURN_IF_ERROR(
            tn_arena_array(context->arena, tn_sort_key, call->order_count, &order, err));
        memcpy(order, call->order, call->order_count * sizeof(*order));
    }
    expr->function = function;
    expr->function_data = bound;
    expr->distinct = call->distinct || strcmp(function->name, "count_distinct") == 0;
    expr->filter = filter;
    expr->order = order;
    expr->order_count = call->order_count;
    tn_expr__finish(expr);
    bound->expr = expr;
    bound->argument_count = binder.count - bound->constant_count;
    for (uint32_t i = 0; i < bound->argument_count && i < 4; i++) {
        bound->argument_types[i] = binder.children[i]->type;
    }
    if (order != NULL && rounds_by_order(bound, function)) {
        TN_RETURN_IF_ERROR(tn_aggregate__heed_order(bound, context->arena, err));
    }
    *out = expr;
    return TARN_OK;
}
