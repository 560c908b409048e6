/* bind_node.c - what a node means once its children are bound. */
#include "expr/function.h"
#include "sql/bind_internal.h"

tarn_code tn_binder__call(tn_binder *b, const char *name, const tn_expr *const *items,
                          uint32_t count, tn_span span, const tn_expr **out, tarn_error *err)
{
    return tn_expr_call(b->expr_context, tn_str_of(name), items, count, tn_binder__span(b, span),
                        out, err);
}

static TN_FALLIBLE negate(tn_binder *b, bool negated, tn_span span, const tn_expr **out,
                          tarn_error *err)
{
    const tn_expr *inner = *out;
    return negated ? tn_binder__call(b, "not", &inner, 1, span, out, err) : TARN_OK;
}

static TN_FALLIBLE string_literal(tn_binder *b, tn_str text, tn_span span, const tn_expr **out,
                                  tarn_error *err)
{
    const tn_value value = tn_value_varchar(text);
    return tn_expr_literal(b->expr_context, &value, tn_binder__span(b, span), out, err);
}

/* ---- operators ---- */

/* (a, b) = (c, d) and their order: by the first part that differs. */
static TN_FALLIBLE compare_rows(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                                const tn_expr **out, tarn_error *err)
{
    const uint32_t width = ast->items[0]->count;
    const char *name = ast->text.data;
    const bool equality = strcmp(name, "=") == 0 || strcmp(name, "<>") == 0;
    const char strict[2] = {name[0], '\0'};
    const tn_expr **parts;
    *out = NULL;
    if (width == 0) {
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "a row needs a column");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, width, &parts, err));
    for (uint32_t i = width; i-- > 0;) {
        const tn_expr *const pair[2] = {items[i], items[width + i]};
        if (equality) {
            TN_RETURN_IF_ERROR(tn_binder__call(b, "=", pair, 2, ast->span, &parts[i], err));
            continue;
        }
        const char *op = i + 1 == width ? name : strict;
        const tn_expr *step[2] = {NULL, NULL};
        TN_RETURN_IF_ERROR(tn_binder__call(b, op, pair, 2, ast->span, &step[0], err));
        if (*out != NULL) { /* a < c OR (a = c AND the rest) */
            const tn_expr *equal[2] = {NULL, *out};
            TN_RETURN_IF_ERROR(tn_binder__call(b, "=", pair, 2, ast->span, &equal[0], err));
            TN_RETURN_IF_ERROR(tn_expr_and(b->expr_context, equal, 2, &step[1], err));
            TN_RETURN_IF_ERROR(tn_expr_or(b->expr_context, step, 2, out, err));
        } else {
            *out = step[0];
        }
    }
    if (!equality) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_expr_and(b->expr_context, parts, width, out, err));
    return negate(b, strcmp(name, "<>") == 0, ast->span, out, err);
}

static TN_FALLIBLE bind_operator(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                                 const tn_expr **out, tarn_error *err)
{
    const char *name = ast->text.data;
    if (ast->count == 2 && ast->items[0]->kind == TN_AST_ROW && ast->items[1]->kind == TN_AST_ROW) {
        if (name[0] != '=' && name[0] != '<' && name[0] != '>') {
            return tn_binder__unsupported(b, ast->span, err, "this operator between rows");
        }
        return compare_rows(b, ast, items, out, err);
    }
    if (strcmp(name, "+") == 0 && ast->count == 1) {
        if (!tn_type_is_numeric(items[0]->type) && items[0]->type->kind != TN_KIND_INTERVAL &&
            items[0]->type->kind != TN_KIND_NULL) {
            return tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "+ is not defined for %.*s",
                                   TN_STR_ARGS(items[0]->type->name));
        }
        *out = items[0];
        return TARN_OK;
    }
    if (strcmp(name, "is_unknown") == 0 || strcmp(name, "is_not_unknown") == 0) {
        name = name[3] == 'n' ? "is_not_null" : "is_null";
    }
    if (strcmp(name, "at_time_zone") == 0) {
        const tn_expr *const zoned[2] = {items[1], items[0]};
        return tn_binder__call(b, "timezone", zoned, 2, ast->span, out, err);
    }
    if (strcmp(name, "->") == 0 || strcmp(name, "->>") == 0) {
        return tn_binder__unsupported(b, ast->span, err, "-> of JSON");
    }
    if (strcmp(name, "^") == 0) {
        name = "power";
    }
    return tn_binder__call(b, name, items, ast->count, ast->span, out, err);
}

static TN_FALLIBLE bind_like(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                             const tn_expr **out, tarn_error *err)
{
    const tn_expr *parts[3] = {items[0], items[1], ast->count > 2 ? items[2] : NULL};
    uint32_t count = ast->count;
    const char *name = ast->text.data;
    if (name[0] == '~') {
        if (name[1] == '*') {
            TN_RETURN_IF_ERROR(string_literal(b, TN_STR("i"), ast->span, &parts[count++], err));
        }
        name = "regexp_matches";
    }
    TN_RETURN_IF_ERROR(tn_binder__call(b, name, parts, count, ast->span, out, err));
    return negate(b, ast->negated, ast->span, out, err);
}

static TN_FALLIBLE range_of(tn_binder *b, const tn_ast *ast, const tn_expr *value,
                            const tn_expr *low, const tn_expr *high, const tn_expr **out,
                            tarn_error *err)
{
    const tn_expr *const above[2] = {value, low};
    const tn_expr *const below[2] = {value, high};
    const tn_expr *both[2];
    TN_RETURN_IF_ERROR(tn_binder__call(b, ">=", above, 2, ast->span, &both[0], err));
    TN_RETURN_IF_ERROR(tn_binder__call(b, "<=", below, 2, ast->span, &both[1], err));
    return tn_expr_and(b->expr_context, both, 2, out, err);
}

static TN_FALLIBLE bind_between(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                                const tn_expr **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(range_of(b, ast, items[0], items[1], items[2], out, err));
    if (ast->flag) { /* SYMMETRIC */
        const tn_expr *ways[2] = {*out, NULL};
        TN_RETURN_IF_ERROR(range_of(b, ast, items[0], items[2], items[1], &ways[1], err));
        TN_RETURN_IF_ERROR(tn_expr_or(b->expr_context, ways, 2, out, err));
    }
    return negate(b, ast->negated, ast->span, out, err);
}

/* (a, b) IN ((1, 2), (3, 4)): ORs of ANDs, which know NULL. */
static TN_FALLIBLE bind_row_in(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                               const tn_expr **out, tarn_error *err)
{
    const uint32_t width = ast->items[0]->count;
    const tn_expr **rows;
    const tn_expr **parts;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, ast->count, &rows, err));
    for (uint32_t r = 1; r < ast->count; r++) {
        TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, width, &parts, err));
        for (uint32_t i = 0; i < width; i++) {
            const tn_expr *const pair[2] = {items[i], items[r * width + i]};
            TN_RETURN_IF_ERROR(tn_binder__call(b, "=", pair, 2, ast->span, &parts[i], err));
        }
        TN_RETURN_IF_ERROR(tn_expr_and(b->expr_context, parts, width, &rows[r - 1], err));
    }
    TN_RETURN_IF_ERROR(tn_expr_or(b->expr_context, rows, ast->count - 1, out, err));
    return negate(b, ast->negated, ast->span, out, err);
}

/* x = ANY ([...]) over a list that stands there; over another list only equality. */
static TN_FALLIBLE bind_quantified(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                                   const tn_expr **out, tarn_error *err)
{
    const bool equal = tn_str_equal(ast->text, TN_STR("=")) && !ast->flag;
    const bool differs = tn_str_equal(ast->text, TN_STR("<>")) && ast->flag;
    if (!equal && !differs) {
        return tn_binder__unsupported(b, ast->span, err, "ANY and ALL over a list, but = ANY");
    }
    const tn_expr *const pair[2] = {items[1], items[0]};
    TN_RETURN_IF_ERROR(tn_binder__call(b, "list_contains", pair, 2, ast->span, out, err));
    return negate(b, differs, ast->span, out, err);
}

/* ---- CASE, casts, intervals ---- */

static TN_FALLIBLE bind_case(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                             const tn_expr **out, tarn_error *err)
{
    const tn_expr **parts;
    uint32_t count = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, ast->count, &parts, err));
    for (uint32_t i = 1; i + 1 < ast->count; i++) {
        parts[count] = items[i];
        if (i % 2 == 1 && items[0] != NULL) {
            const tn_expr *const pair[2] = {items[0], items[i]};
            TN_RETURN_IF_ERROR(
                tn_binder__call(b, "=", pair, 2, ast->items[i]->span, &parts[count], err));
        }
        count++;
    }
    if (items[ast->count - 1] != NULL) {
        parts[count++] = items[ast->count - 1];
    }
    return tn_expr_case(b->expr_context, parts, count, tn_binder__span(b, ast->span), out, err);
}

static TN_FALLIBLE bind_cast(tn_binder *b, const tn_ast *ast, const tn_expr *item,
                             const tn_expr **out, tarn_error *err)
{
    const tn_type *type;
    TN_RETURN_IF_ERROR(tn_binder__type(b, ast->text, ast->span, &type, err));
    return tn_expr_cast(b->expr_context, item, type, ast->flag, false,
                        tn_binder__span(b, ast->span), out, err);
}

static TN_FALLIBLE bind_interval(tn_binder *b, const tn_ast *ast, const tn_expr *item,
                                 const tn_expr **out, tarn_error *err)
{
    const tn_ast *amount = ast->items[0];
    const bool literal = amount->kind == TN_AST_STRING || amount->kind == TN_AST_NUMBER;
    const tn_expr *unit = item;
    tn_str text;
    if (ast->text.size > 0) {
        TN_RETURN_IF_ERROR(
            tn_arena_print(b->arena, &text, err, "%.*s %.*s", literal ? (int)amount->text.size : 1,
                           literal ? amount->text.data : "1", TN_STR_ARGS(ast->text)));
        TN_RETURN_IF_ERROR(string_literal(b, text, ast->span, &unit, err));
    }
    TN_RETURN_IF_ERROR(tn_expr_cast(b->expr_context, unit, TN_INTERVAL, false, false,
                                    tn_binder__span(b, ast->span), out, err));
    if (ast->text.size > 0 && !literal) {
        const tn_expr *const product[2] = {*out, item};
        return tn_binder__call(b, "*", product, 2, ast->span, out, err);
    }
    return TARN_OK;
}

/* ---- calls ---- */

/* percentile_cont(0.5) WITHIN GROUP (ORDER BY x) is quantile_cont(x, 0.5). */
static TN_FALLIBLE order_as_argument(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                                     tn_aggregate_call *call, tarn_error *err)
{
    static const struct {
        const char *standard, *name;
    } names[] = {{"percentile_cont", "quantile_cont"},
                 {"percentile_disc", "quantile_disc"},
                 {"mode", "mode"}};
    const tn_expr **children;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!tn_str_equal_fold(ast->text, tn_str_of(names[i].standard))) {
            continue;
        }
        if (ast->call->order_count != 1 || ast->call->order[0].descending) {
            return tn_binder__unsupported(b, ast->span, err,
                                          "WITHIN GROUP with more than one ascending key");
        }
        call->name = tn_str_of(names[i].name);
        TN_RETURN_IF_ERROR(
            tn_arena_array(b->arena, const tn_expr *, ast->count + 1, &children, err));
        children[0] = items[ast->count];
        memcpy(children + 1, items, ast->count * sizeof(*children));
        call->children = children;
        call->count = ast->count + 1;
        call->order_count = 0;
        return TARN_OK;
    }
    return TARN_OK; /* string_agg(x, ',') WITHIN GROUP (ORDER BY y): as any order */
}

static TN_FALLIBLE order_keys(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                              tn_aggregate_call *call, tarn_error *err)
{
    tn_sort_key *keys;
    call->order_count = ast->call->order_count;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_sort_key, call->order_count, &keys, err));
    for (uint32_t i = 0; i < call->order_count; i++) {
        const tn_ast_order *order = &ast->call->order[i];
        if (order->expr == NULL) {
            return tn_binder__unsupported(b, ast->span, err, "ORDER BY ALL in a call");
        }
        keys[i] = (tn_sort_key){items[ast->count + i], order->descending, order->nulls_first};
    }
    call->order = keys;
    return TARN_OK;
}

typedef struct tn_levels {
    const tn_binder *b;
    const tn_scope *scope;
    bool here, outside;
} tn_levels;

static bool see_level(void *context, const tn_expr *expr)
{
    tn_levels *levels = context;
    if (expr->kind == TN_EXPR_COLUMN) {
        bool found = false;
        for (size_t i = levels->scope->from; i < levels->scope->to && !found; i++) {
            found = levels->b->columns.items[i].id == expr->column;
        }
        levels->here |= found;
        levels->outside |= !found;
    }
    levels->here |= expr->kind == TN_EXPR_SUBQUERY; /* it may read anything */
    return !levels->here;
}

/* By the standard sum(outer column) is the outer query's aggregate, and constant in this one. */
static TN_FALLIBLE check_level(tn_binder *b, const tn_ast *ast, const tn_scope *scope,
                               const tn_expr *const *items, tarn_error *err)
{
    tn_levels levels = {.b = b, .scope = scope};
    for (uint32_t i = 0; i < ast->count && scope->outer != NULL; i++) {
        TN_RETURN_IF_ERROR(tn_expr_walk(items[i], b->pool, see_level, &levels, err));
    }
    if (levels.here || !levels.outside) {
        return TARN_OK;
    }
    (void)tn_binder__fail(b, ast->span, err, TARN_E_UNSUPPORTED,
                          "an aggregate within a subquery over columns of the outer query alone "
                          "is an aggregate of that query: not built yet");
    tn_hint(err, "compute it in a query of FROM, and name its column here");
    return TARN_E_UNSUPPORTED;
}

/* min and max of lists, structs and maps: the first of all in the one order of values. */
static TN_FALLIBLE extreme_of_nested(tn_binder *b, tn_aggregate_call *call, bool max,
                                     tarn_error *err)
{
    tn_sort_key *key = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_sort_key, 1, &key, err));
    *key = (tn_sort_key){call->children[0], max, false}; /* NULLs last */
    call->name = TN_STR("array_agg");
    call->order = key;
    call->order_count = 1;
    call->distinct = false;
    return TARN_OK;
}

/* first(x ORDER BY y) is the first of the list of all, and so is first(x) of nested values: *place
 * says which; 0: another function. */
static TN_FALLIBLE order_for_one(tn_binder *b, const tn_ast *ast, tn_aggregate_call *call,
                                 int64_t *place, tarn_error *err)
{
    const tn_function *function = tn_function_find(call->name);
    const char *name = function == NULL ? "" : function->name;
    const bool any = strcmp(name, "any_value") == 0;
    const bool max = strcmp(name, "max") == 0;
    if ((max || strcmp(name, "min") == 0) && call->count == 1 &&
        tn_type_is_nested(call->children[0]->type)) {
        *place = 1;
        return extreme_of_nested(b, call, max, err);
    }
    *place = strcmp(name, "last") == 0 ? -1 : any || strcmp(name, "first") == 0;
    const bool nested = call->count == 1 && tn_type_is_nested(call->children[0]->type);
    if (*place == 0 || call->count != 1 || (call->order_count == 0 && !nested)) {
        *place = 0;
        return TARN_OK;
    }
    call->name = TN_STR("array_agg");
    if (any) { /* NULLs do not count */
        const tn_expr *both[2] = {NULL, call->filter};
        TN_RETURN_IF_ERROR(
            tn_binder__call(b, "is_not_null", call->children, 1, ast->span, &both[0], err));
        call->filter = both[0];
        if (both[1] != NULL) {
            TN_RETURN_IF_ERROR(tn_expr_and(b->expr_context, both, 2, &call->filter, err));
        }
    }
    return TARN_OK;
}

tarn_code tn_binder__aggregate(tn_binder *b, const tn_ast *ast, tn_env *env,
                               const tn_expr *const *items, const tn_expr **out, tarn_error *err)
{
    tn_aggregate_call call = {.name = ast->text,
                              .children = items,
                              .count = ast->count,
                              .span = tn_binder__span(b, ast->span)};
    tn_grouping_state *grouping = env->scope == NULL ? NULL : env->scope->grouping;
    if (grouping == NULL) {
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "an aggregate cannot stand here");
    }
    TN_RETURN_IF_ERROR(check_level(b, ast, env->scope, items, err));
    if (ast->call != NULL) {
        call.distinct = ast->call->distinct;
        if (ast->call->order_count > 0) {
            TN_RETURN_IF_ERROR(order_keys(b, ast, items, &call, err));
        }
        if (ast->call->within_group) {
            TN_RETURN_IF_ERROR(order_as_argument(b, ast, items, &call, err));
        }
        if (ast->call->filter != NULL) {
            call.filter = items[ast->count + ast->call->order_count];
        }
    }
    const tn_expr *made;
    int64_t place = 0;
    TN_RETURN_IF_ERROR(order_for_one(b, ast, &call, &place, err));
    TN_RETURN_IF_ERROR(tn_expr_aggregate(b->expr_context, &call, &made, err));
    size_t at = 0;
    while (at < grouping->aggregates.count &&
           (made->is_volatile || !tn_expr_equal(grouping->aggregates.items[at], made))) {
        at++;
    }
    if (at == grouping->aggregates.count) {
        tn_str name;
        TN_RETURN_IF_ERROR(tn_binder__text_of(b, ast->span, &name, err));
        TN_RETURN_IF_ERROR(tn_vec_push(&grouping->aggregate_names, name, err));
        TN_RETURN_IF_ERROR(
            tn_vec_push(&grouping->aggregate_ids, tn_plan_new_column(b->context), err));
        TN_RETURN_IF_ERROR(tn_vec_push(&grouping->aggregates, made, err));
    }
    TN_RETURN_IF_ERROR(tn_expr_column(b->expr_context, grouping->aggregate_ids.items[at],
                                      grouping->aggregate_names.items[at], made->type, call.span,
                                      out, err));
    if (place != 0) {
        const tn_value at_place = tn_value_bigint(place);
        const tn_expr *pair[2] = {*out, NULL};
        TN_RETURN_IF_ERROR(tn_expr_literal(b->expr_context, &at_place, call.span, &pair[1], err));
        return tn_binder__call(b, "list_extract", pair, 2, ast->span, out, err);
    }
    return TARN_OK;
}

/* {'a': 1}, struct_pack(a := 1): names and values in turn. */
static TN_FALLIBLE bind_struct(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                               const tn_expr **out, tarn_error *err)
{
    const tn_expr **parts;
    TN_RETURN_IF_ERROR(
        tn_arena_array(b->arena, const tn_expr *, (size_t)ast->count * 2, &parts, err));
    for (uint32_t i = 0; i < ast->count; i++) {
        TN_RETURN_IF_ERROR(
            string_literal(b, ast->kind == TN_AST_STRUCT ? ast->names[i] : ast->items[i]->text,
                           ast->items[i]->span, &parts[2 * (size_t)i], err));
        parts[2 * (size_t)i + 1] = items[i];
    }
    return tn_binder__call(b, "struct_pack", parts, ast->count * 2, ast->span, out, err);
}

static TN_FALLIBLE bind_call(tn_binder *b, const tn_ast *ast, tn_env *env,
                             const tn_expr *const *items, const tn_expr **out, tarn_error *err)
{
    if (tn_binder__is_aggregate(ast)) {
        return tn_binder__aggregate(b, ast, env, items, out, err);
    }
    if (ast->count > 0 && ast->items[0]->kind == TN_AST_ARGUMENT &&
        tn_str_equal_fold(ast->text, TN_STR("struct_pack"))) {
        return bind_struct(b, ast, items, out, err);
    }
    if (tn_str_equal_fold(ast->text, TN_STR("unnest"))) {
        return tn_binder__unsupported(b, ast->span, err,
                                      "unnest() within an expression (it may stand alone in a "
                                      "select list, or in FROM)");
    }
    if (tn_str_equal_fold(ast->text, TN_STR("grouping"))) {
        return tn_binder__unsupported(b, ast->span, err, "GROUPING()");
    }
    return tn_expr_call(b->expr_context, ast->text, items, ast->count,
                        tn_binder__span(b, ast->span), out, err);
}

static TN_FALLIBLE bind_subscript(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                                  const tn_expr **out, tarn_error *err)
{
    const tn_kind kind = items[0]->type->kind;
    const char *name = kind == TN_KIND_STRUCT ? "struct_extract"
                       : kind == TN_KIND_MAP  ? "map_extract_value"
                                              : "list_extract";
    return tn_binder__call(b, name, items, 2, ast->span, out, err);
}

static TN_FALLIBLE bind_slice(tn_binder *b, const tn_ast *ast, const tn_expr *const *items,
                              const tn_expr **out, tarn_error *err)
{
    const tn_expr *parts[3] = {items[0], items[1], items[2]};
    const tn_value null = tn_value_null(TN_BIGINT);
    for (int i = 1; i < 3; i++) {
        if (parts[i] == NULL) {
            TN_RETURN_IF_ERROR(tn_expr_literal(b->expr_context, &null,
                                               tn_binder__span(b, ast->span), &parts[i], err));
        }
    }
    return tn_binder__call(b, "list_slice", parts, 3, ast->span, out, err);
}

static tarn_code misplaced(tn_binder *b, const tn_ast *ast, tarn_error *err)
{
    switch ((tn_ast_kind)ast->kind) {
    case TN_AST_STAR:
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID,
                               "'*' may only stand in a select list and in count(*)");
    case TN_AST_ARGUMENT:
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID,
                               "only table functions take arguments by name");
    case TN_AST_ROW:
        return tn_binder__unsupported(b, ast->span, err,
                                      "a row of values outside of comparisons and IN");
    default:
        return tn_binder__unsupported(b, ast->span, err, "GROUPING SETS here");
    }
}

tarn_code tn_binder__node(tn_binder *b, const tn_ast *ast, tn_env *env, const tn_expr *const *items,
                          const tn_expr **out, tarn_error *err)
{
    const tn_span span = tn_binder__span(b, ast->span);
    *out = NULL;
    switch ((tn_ast_kind)ast->kind) {
    case TN_AST_OPERATOR:
        return bind_operator(b, ast, items, out, err);
    case TN_AST_AND:
        return tn_expr_and(b->expr_context, items, ast->count, out, err);
    case TN_AST_OR:
        return tn_expr_or(b->expr_context, items, ast->count, out, err);
    case TN_AST_LIKE:
        return bind_like(b, ast, items, out, err);
    case TN_AST_BETWEEN:
        return bind_between(b, ast, items, out, err);
    case TN_AST_IN:
        if (ast->items[0]->kind == TN_AST_ROW) {
            return bind_row_in(b, ast, items, out, err);
        }
        return tn_expr_in(b->expr_context, items, ast->count, ast->negated, span, out, err);
    case TN_AST_QUANTIFIED:
        return bind_quantified(b, ast, items, out, err);
    case TN_AST_CASE:
        return bind_case(b, ast, items, out, err);
    case TN_AST_CAST:
        return bind_cast(b, ast, items[0], out, err);
    case TN_AST_INTERVAL:
        return bind_interval(b, ast, items[0], out, err);
    case TN_AST_CALL:
        return bind_call(b, ast, env, items, out, err);
    case TN_AST_LIST:
        return tn_binder__call(b, "list_value", items, ast->count, ast->span, out, err);
    case TN_AST_STRUCT:
        return bind_struct(b, ast, items, out, err);
    case TN_AST_FIELD: {
        const tn_expr *pair[2] = {items[0], NULL};
        TN_RETURN_IF_ERROR(string_literal(b, ast->text, ast->span, &pair[1], err));
        return tn_binder__call(b, "struct_extract", pair, 2, ast->span, out, err);
    }
    case TN_AST_SUBSCRIPT:
        return bind_subscript(b, ast, items, out, err);
    case TN_AST_SLICE:
        return bind_slice(b, ast, items, out, err);
    default:
        return misplaced(b, ast, err);
    }
}
