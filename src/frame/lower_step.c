/* Steps to plan nodes. */
#include "frame/frame_internal.h"

/* Columns being gathered for a projection. */
typedef struct columns {
    tn_plan_context *plans;
    tn_expr_list exprs;
    TN_VEC(tn_str) names;
} columns;

static void columns_init(columns *list, tn_plan_context *plans)
{
    *list = (columns){
        .plans = plans, .exprs = TN_VEC_INIT(plans->pool), .names = TN_VEC_INIT(plans->pool)};
}

static void columns_deinit(columns *list)
{
    tn_vec_free(&list->exprs);
    tn_vec_free(&list->names);
}

static TN_FALLIBLE name_of(tn_plan_context *plans, const tarn_expr *term, const tn_expr *expr,
                           tn_str *out, tarn_error *err)
{
    tn_text text;
    *out = tn_term_name(term);
    if (out->data != NULL) {
        return tn_arena_copy(plans->expr.arena, *out, out, err);
    }
    if (expr->kind == TN_EXPR_COLUMN) {
        *out = expr->name;
        return TARN_OK;
    }
    tn_text_init(&text, plans->pool, 1 << 16);
    tn_expr_print(expr, &text);
    tarn_code code = tn_text_status(&text, err);
    if (code == TARN_OK) {
        code = tn_arena_copy(plans->expr.arena, tn_text_str(&text), out, err);
    }
    tn_text_deinit(&text);
    return code;
}

static size_t columns_find(const columns *list, tn_str name)
{
    size_t at = 0;
    while (at < list->names.count && !tn_str_equal_fold(list->names.items[at], name)) {
        at++;
    }
    return at;
}

static TN_FALLIBLE columns_add(columns *list, const tn_expr *expr, tn_str name, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_push(&list->exprs, expr, err));
    return tn_vec_push(&list->names, name, err);
}

static TN_FALLIBLE columns_add_all(columns *list, const tn_plan *plan, tn_span span,
                                   tarn_error *err)
{
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const tn_expr *column;
        TN_RETURN_IF_ERROR(tn_plan_column(list->plans, plan, i, span, &column, err));
        TN_RETURN_IF_ERROR(columns_add(list, column, plan->outputs[i].name, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE project(const columns *list, tn_plan *child, tn_plan **out, tarn_error *err)
{
    for (size_t i = 0; i < list->names.count; i++) {
        if (columns_find(list, list->names.items[i]) < i) {
            (void)tn_fail(err, TARN_E_INVALID, "two columns are named '%.*s'",
                          TN_STR_ARGS(list->names.items[i]));
            tn_hint(err, "give one another name with tarn_as()");
            return TARN_E_INVALID;
        }
    }
    return tn_plan_project(list->plans, child, list->exprs.items, list->names.items,
                           (uint32_t)list->exprs.count, out, err);
}

/* ---- select, with_columns ---------------------------------------------------------------------*/

static TN_FALLIBLE lower_select(const tarn_frame *step, tn_plan *input, const tn_scope *scope,
                                tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    columns list;
    const tn_expr *expr;
    tn_str name;

    columns_init(&list, scope->plans);
    if (step->kind == TN_FRAME_WITH_COLUMNS) {
        TN_TRY(columns_add_all(&list, input, scope->span, err));
    } else if (step->term_count == 0) {
        code = tn_fail(err, TARN_E_INVALID, "the list of columns is empty");
        goto done;
    }
    for (size_t i = 0; i < step->term_count; i++) {
        const tarn_expr *term = step->terms[i];
        if (term->kind == TN_TERM_ALL) {
            TN_TRY(columns_add_all(&list, input, scope->span, err));
            continue;
        }
        TN_TRY(tn_term_lower(scope, term, &expr, err));
        TN_TRY(name_of(scope->plans, term, expr, &name, err));
        const size_t at = columns_find(&list, name);
        if (step->kind == TN_FRAME_WITH_COLUMNS && at < input->output_count) {
            list.exprs.items[at] = expr;
            list.names.items[at] = name;
        } else {
            TN_TRY(columns_add(&list, expr, name, err));
        }
    }
    TN_TRY(project(&list, input, out, err));
done:
    columns_deinit(&list);
    return code;
}

/* ---- group_by ---------------------------------------------------------------------------------*/

/* From expressions over the input to ones over the aggregate's outputs. */
typedef struct regroup {
    const tn_scope *scope;
    const tn_plan *plan;
    const tn_expr *const *keys;
    uint32_t key_count, aggregate_count;
} regroup;

static tarn_code regroup_node(void *context, const tn_expr *expr, const tn_expr **out,
                              tarn_error *err)
{
    const regroup *r = context;
    *out = expr;
    for (uint32_t i = 0; i < r->key_count; i++) {
        if (tn_expr_equal(expr, r->keys[i])) {
            return tn_plan_column(r->scope->plans, r->plan, i, expr->span, out, err);
        }
    }
    if (expr->kind != TN_EXPR_COLUMN) {
        return TARN_OK;
    }
    const uint32_t number = TN_COLUMN_NONE - 1 - expr->column;
    if (number < r->aggregate_count) {
        return tn_plan_column(r->scope->plans, r->plan, r->key_count + number, expr->span, out,
                              err);
    }
    return TARN_OK;
}

typedef struct stray {
    const tn_plan *plan;
    const tn_expr *column; /* that is no output of the plan */
} stray;

static bool find_stray(void *context, const tn_expr *expr)
{
    stray *s = context;
    if (expr->kind == TN_EXPR_COLUMN && tn_plan_output(s->plan, expr->column) == NULL) {
        s->column = expr;
    }
    return s->column == NULL;
}

static TN_FALLIBLE refuse_stray(const tn_scope *scope, const tn_plan *plan, const tn_expr *expr,
                                tarn_error *err)
{
    stray s = {plan, NULL};
    TN_RETURN_IF_ERROR(tn_expr_walk(expr, scope->plans->pool, find_stray, &s, err));
    if (s.column != NULL) {
        (void)tn_fail(err, TARN_E_INVALID, "column '%.*s' is neither a key nor in an aggregate",
                      TN_STR_ARGS(s.column->name));
        tn_hint(err, "add it to the keys, or use tarn_first()");
        return TARN_E_INVALID;
    }
    return TARN_OK;
}

static TN_FALLIBLE make_aggregate(const tarn_frame *step, tn_plan *input, const tn_scope *scope,
                                  const columns *list, const tn_expr_list *aggregates,
                                  tn_plan **out, tarn_error *err)
{
    tn_str *names;
    TN_RETURN_IF_ERROR(
        tn_arena_array(scope->plans->expr.arena, tn_str, aggregates->count, &names, err));
    for (size_t i = 0; i < aggregates->count; i++) {
        TN_RETURN_IF_ERROR(
            tn_arena_print(scope->plans->expr.arena, &names[i], err, "aggregate %zu", i + 1));
    }
    return tn_plan_aggregate(scope->plans, input, list->exprs.items, list->names.items,
                             (uint32_t)step->key_count, aggregates->items, names,
                             (uint32_t)aggregates->count, out, err);
}

tarn_code tn_step__group_by(const tarn_frame *step, tn_plan *input, const tn_scope *scope,
                            tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    columns list;
    const tn_expr *expr;
    const tn_expr **keys = NULL;
    tn_str name;
    tn_plan *plan;
    tn_expr_list aggregates = TN_VEC_INIT(scope->plans->pool);
    tn_scope inner = *scope;

    columns_init(&list, scope->plans);
    for (size_t i = 0; i < step->term_count; i++) {
        inner.aggregates = i < step->key_count ? NULL : &aggregates;
        TN_TRY(tn_term_lower(&inner, step->terms[i], &expr, err));
        TN_TRY(name_of(scope->plans, step->terms[i], expr, &name, err));
        TN_TRY(columns_add(&list, expr, name, err));
    }
    if (step->term_count == 0) {
        code = tn_fail(err, TARN_E_INVALID, "neither keys nor aggregates");
        goto done;
    }
    TN_TRY(make_aggregate(step, input, scope, &list, &aggregates, &plan, err));
    TN_TRY(tn_arena_array(scope->plans->expr.arena, const tn_expr *, step->key_count, &keys, err));
    for (size_t i = 0; i < step->key_count; i++) {
        keys[i] = list.exprs.items[i];
    }
    regroup r = {scope, plan, keys, (uint32_t)step->key_count, (uint32_t)aggregates.count};
    for (size_t i = 0; i < list.exprs.count; i++) {
        TN_TRY(tn_expr_rewrite(list.exprs.items[i], scope->plans->expr.arena, regroup_node, &r,
                               &list.exprs.items[i], err));
        TN_TRY(refuse_stray(scope, plan, list.exprs.items[i], err));
    }
    TN_TRY(project(&list, plan, out, err));
done:
    tn_vec_free(&aggregates);
    columns_deinit(&list);
    return code;
}

/* ---- joins ------------------------------------------------------------------------------------*/

static TN_FALLIBLE join_kind(tarn_join_kind kind, tn_join_kind *out, tarn_error *err)
{
    switch ((int)kind) {
    case TARN_JOIN_INNER:
    case TARN_JOIN_CROSS:
        *out = TN_JOIN_INNER;
        return TARN_OK;
    case TARN_JOIN_LEFT:
        *out = TN_JOIN_LEFT;
        return TARN_OK;
    case TARN_JOIN_RIGHT:
        *out = TN_JOIN_RIGHT;
        return TARN_OK;
    case TARN_JOIN_FULL:
        *out = TN_JOIN_FULL;
        return TARN_OK;
    case TARN_JOIN_SEMI:
        *out = TN_JOIN_SEMI;
        return TARN_OK;
    case TARN_JOIN_ANTI:
        *out = TN_JOIN_ANTI;
        return TARN_OK;
    default:
        return tn_fail(err, TARN_E_INVALID, "%d is no kind of join", (int)kind);
    }
}

typedef struct joining {
    const tarn_frame *step;
    const tn_scope *scope;
    tn_plan *left, *right, *plan;
    uint32_t *left_keys, *right_keys; /* of those matched by name */
    uint32_t key_count;
} joining;

static TN_FALLIBLE equal_names(joining *j, const tn_expr **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *plans = j->scope->plans;
    tn_expr_list equal = TN_VEC_INIT(plans->pool);
    const tn_expr *pair[2];
    const tn_expr *both;

    j->key_count = (uint32_t)j->step->term_count;
    TN_TRY(tn_arena_array(plans->expr.arena, uint32_t, j->key_count, &j->left_keys, err));
    TN_TRY(tn_arena_array(plans->expr.arena, uint32_t, j->key_count, &j->right_keys, err));
    for (uint32_t i = 0; i < j->key_count; i++) {
        const tarn_expr *term = j->step->terms[i];
        if (term->kind != TN_TERM_COLUMN) {
            code = term->kind == TN_TERM_ERROR
                       ? tn_fail(err, term->code, "%s", term->text.data)
                       : tn_fail(err, TARN_E_INVALID, "a join by name takes columns only");
            tn_hint(err, "tarn_frame_join_on() takes any condition");
            goto done;
        }
        TN_TRY(tn_scope_find(j->scope, j->left, term->text, &j->left_keys[i], err));
        TN_TRY(tn_scope_find(j->scope, j->right, term->text, &j->right_keys[i], err));
        TN_TRY(tn_plan_column(plans, j->left, j->left_keys[i], j->scope->span, &pair[0], err));
        TN_TRY(tn_plan_column(plans, j->right, j->right_keys[i], j->scope->span, &pair[1], err));
        TN_TRY(tn_expr_call(&plans->expr, TN_STR("="), pair, 2, j->scope->span, &both, err));
        TN_TRY(tn_vec_push(&equal, both, err));
    }
    *out = equal.count == 1 ? equal.items[0] : NULL;
    if (equal.count > 1) {
        TN_TRY(tn_expr_and(&plans->expr, equal.items, (uint32_t)equal.count, out, err));
    }
done:
    tn_vec_free(&equal);
    return code;
}

static bool contains(const uint32_t *list, uint32_t count, uint32_t wanted, uint32_t *at)
{
    for (*at = 0; *at < count; (*at)++) {
        if (list[*at] == wanted) {
            return true;
        }
    }
    return false;
}

/* The left's columns: keys of the right and the full join come from either side. */
static TN_FALLIBLE left_columns(const joining *j, columns *list, tarn_error *err)
{
    const bool either = j->step->join == TARN_JOIN_RIGHT || j->step->join == TARN_JOIN_FULL;
    tn_plan_context *plans = j->scope->plans;
    for (uint32_t i = 0; i < j->left->output_count; i++) {
        const tn_expr *pair[2];
        const tn_expr *column;
        uint32_t key;
        TN_RETURN_IF_ERROR(tn_plan_column(plans, j->plan, i, j->scope->span, &column, err));
        if (either && contains(j->left_keys, j->key_count, i, &key)) {
            pair[0] = column;
            TN_RETURN_IF_ERROR(tn_plan_column(plans, j->plan,
                                              j->left->output_count + j->right_keys[key],
                                              j->scope->span, &pair[1], err));
            TN_RETURN_IF_ERROR(tn_expr_call(&plans->expr, TN_STR("coalesce"), pair, 2,
                                            j->scope->span, &column, err));
        }
        TN_RETURN_IF_ERROR(columns_add(list, column, j->left->outputs[i].name, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE right_columns(const joining *j, columns *list, tarn_error *err)
{
    tn_plan_context *plans = j->scope->plans;
    for (uint32_t i = 0; i < j->right->output_count; i++) {
        const tn_expr *column;
        uint32_t key;
        tn_str name = j->right->outputs[i].name;
        if (contains(j->right_keys, j->key_count, i, &key)) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_plan_column(plans, j->plan, j->left->output_count + i, j->scope->span,
                                          &column, err));
        if (columns_find(list, name) < list->names.count) {
            TN_RETURN_IF_ERROR(
                tn_arena_print(plans->expr.arena, &name, err, "%.*s_right", TN_STR_ARGS(name)));
        }
        TN_RETURN_IF_ERROR(columns_add(list, column, name, err));
    }
    return TARN_OK;
}

tarn_code tn_step__join(const tarn_frame *step, tn_plan *left, tn_plan *right,
                        const tn_scope *scope, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    joining j = {.step = step, .scope = scope, .left = left, .right = right};
    const tn_expr *condition = NULL;
    tn_join_kind kind = TN_JOIN_INNER;
    columns list;

    columns_init(&list, scope->plans);
    TN_TRY(join_kind(step->join, &kind, err));
    if ((step->term_count == 0) != (step->join == TARN_JOIN_CROSS)) {
        code = tn_fail(err, TARN_E_INVALID,
                       step->term_count == 0 ? "the join has no columns to match"
                                             : "a cross join matches nothing");
        tn_hint(err, "TARN_JOIN_CROSS makes every pair");
        goto done;
    }
    if (step->kind == TN_FRAME_JOIN_ON) {
        tn_scope both = *scope;
        both.right = right;
        TN_TRY(tn_term_lower(&both, step->terms[0], &condition, err));
    } else {
        TN_TRY(equal_names(&j, &condition, err));
    }
    TN_TRY(tn_plan_join(scope->plans, kind, left, right, condition, scope->span, &j.plan, err));
    *out = j.plan;
    if (kind != TN_JOIN_SEMI && kind != TN_JOIN_ANTI) {
        TN_TRY(left_columns(&j, &list, err));
        TN_TRY(right_columns(&j, &list, err));
        TN_TRY(project(&list, j.plan, out, err));
    }
done:
    columns_deinit(&list);
    return code;
}

/* ---- the others -------------------------------------------------------------------------------*/

static TN_FALLIBLE lower_list(const tarn_frame *step, const tn_scope *scope, tn_expr_list *out,
                              tarn_error *err)
{
    for (size_t i = 0; i < step->term_count; i++) {
        const tn_expr *expr;
        TN_RETURN_IF_ERROR(tn_term_lower(scope, step->terms[i], &expr, err));
        TN_RETURN_IF_ERROR(tn_vec_push(out, expr, err));
    }
    return TARN_OK;
}

/* The order that tarn_asc(), tarn_desc() and tarn_nulls_first() say, from the outside in. */
static tn_sort_key key_of(const tarn_expr *term, const tn_expr *expr)
{
    tn_term_nulls nulls = TN_NULLS_DEFAULT;
    bool descending = false;
    for (; term->kind == TN_TERM_SORT || term->kind == TN_TERM_AS; term = term->children[0]) {
        if (term->kind == TN_TERM_SORT) {
            nulls = nulls == TN_NULLS_DEFAULT ? term->nulls : nulls;
            descending = descending || term->flag;
        }
    }
    return (tn_sort_key){expr, descending,
                         nulls == TN_NULLS_DEFAULT ? descending : nulls == TN_NULLS_FIRST};
}

static TN_FALLIBLE lower_sort(const tarn_frame *step, tn_plan *input, const tn_scope *scope,
                              tn_plan **out, tarn_error *err)
{
    tn_sort_key *keys;
    TN_RETURN_IF_ERROR(
        tn_arena_array(scope->plans->expr.arena, tn_sort_key, step->term_count, &keys, err));
    if (step->term_count == 0) {
        return tn_fail(err, TARN_E_INVALID, "no keys to order by");
    }
    for (size_t i = 0; i < step->term_count; i++) {
        const tn_expr *expr;
        TN_RETURN_IF_ERROR(tn_term_lower(scope, step->terms[i], &expr, err));
        keys[i] = key_of(step->terms[i], expr);
    }
    return tn_plan_sort(scope->plans, input, keys, (uint32_t)step->term_count, step->limit,
                        step->offset, out, err);
}

static TN_FALLIBLE lower_unique(const tarn_frame *step, tn_plan *input, const tn_scope *scope,
                                tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_list keys = TN_VEC_INIT(scope->plans->pool);
    TN_TRY(lower_list(step, scope, &keys, err));
    TN_TRY(tn_plan_distinct(scope->plans, input, keys.count == 0 ? NULL : keys.items,
                            (uint32_t)keys.count, NULL, 0, out, err));
done:
    tn_vec_free(&keys);
    return code;
}

tarn_code tn_step__lower(const tarn_frame *step, tn_plan *const *inputs,
                         const tn_frame_source *source, tn_plan_context *plans, tn_plan **out,
                         tarn_error *err)
{
    const tn_expr *predicate;
    const tn_scope scope = {.plans = plans,
                            .left = inputs == NULL ? NULL : inputs[0],
                            .span = {TN_STEP_SPAN + step->ordinal, 1}};
    *out = NULL;
    switch (step->kind) {
    case TN_FRAME_ERROR:
        return tn_fail(err, step->code, "%s", step->text.data);
    case TN_FRAME_SCAN:
    case TN_FRAME_SQL:
        return source->open(source->context, step, plans, out, err);
    case TN_FRAME_FILTER:
        TN_RETURN_IF_ERROR(tn_term_lower(&scope, step->terms[0], &predicate, err));
        return tn_plan_filter(plans, inputs[0], predicate, out, err);
    case TN_FRAME_SELECT:
    case TN_FRAME_WITH_COLUMNS:
        return lower_select(step, inputs[0], &scope, out, err);
    case TN_FRAME_GROUP_BY:
        return tn_step__group_by(step, inputs[0], &scope, out, err);
    case TN_FRAME_JOIN:
    case TN_FRAME_JOIN_ON:
        return tn_step__join(step, inputs[0], inputs[1], &scope, out, err);
    case TN_FRAME_SORT:
        return lower_sort(step, inputs[0], &scope, out, err);
    case TN_FRAME_LIMIT:
        return tn_plan_limit(plans, inputs[0], step->limit, step->offset, out, err);
    case TN_FRAME_UNIQUE:
        return lower_unique(step, inputs[0], &scope, out, err);
    case TN_FRAME_UNION:
        return tn_plan_set(plans, TN_PLAN_UNION, inputs, 2, true, scope.span, out, err);
    case TN_FRAME_UNION_BY_NAME:
    default:
        return tn_plan_union_by_name(plans, inputs, 2, scope.span, out, err);
    }
}
