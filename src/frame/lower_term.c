/* Terms to typed expressions. */
#include "frame/frame_internal.h"

static const size_t terms_max = 10000000; /* one term may stand in many places */

const tarn_expr *tn_term_bare(const tarn_expr *term)
{
    while (term->kind == TN_TERM_AS || term->kind == TN_TERM_SORT) {
        term = term->children[0];
    }
    return term;
}

tn_str tn_term_name(const tarn_expr *term)
{
    for (; term->kind == TN_TERM_AS || term->kind == TN_TERM_SORT; term = term->children[0]) {
        if (term->kind == TN_TERM_AS) {
            return term->text;
        }
    }
    return TN_STR_NONE; /* a column is called as the plan spells it */
}

/* ---- columns ----------------------------------------------------------------------------------*/

/* How many outputs have the name; the last of them. */
static uint32_t match(const tn_plan *plan, tn_str name, uint32_t *out)
{
    uint32_t folded = 0;
    uint32_t exact = 0;
    for (uint32_t i = 0; i < plan->output_count; i++) {
        if (tn_str_equal(plan->outputs[i].name, name)) {
            exact++;
            *out = i;
        } else if (exact == 0 && tn_str_equal_fold(plan->outputs[i].name, name)) {
            folded++;
            *out = i;
        }
    }
    return exact > 0 ? exact : folded;
}

static TN_FALLIBLE no_column(const tn_scope *scope, const tn_plan *plan, tn_str name,
                             tarn_error *err)
{
    tn_str *names;
    (void)tn_fail(err, TARN_E_INVALID, "there is no column '%.*s'", TN_STR_ARGS(name));
    TN_RETURN_IF_ERROR(
        tn_arena_array(scope->plans->expr.arena, tn_str, plan->output_count, &names, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        names[i] = plan->outputs[i].name;
    }
    const tn_str near = tn_str_nearest(name, names, plan->output_count);
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    }
    return TARN_E_INVALID;
}

static TN_FALLIBLE two_columns(tn_str name, const char *hint, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "the name '%.*s' fits two columns", TN_STR_ARGS(name));
    tn_hint(err, "%s", hint);
    return TARN_E_INVALID;
}

tarn_code tn_scope_find(const tn_scope *scope, const tn_plan *plan, tn_str name, uint32_t *out,
                        tarn_error *err)
{
    *out = 0;
    const uint32_t count = match(plan, name, out);
    return count == 1   ? TARN_OK
           : count == 0 ? no_column(scope, plan, name, err)
                        : two_columns(name, "spell it exactly, or rename one with select", err);
}

static TN_FALLIBLE lower_column(const tn_scope *scope, const tarn_expr *term, const tn_expr **out,
                                tarn_error *err)
{
    uint32_t at = 0;
    const tn_plan *plan = term->side == 2 ? scope->right : scope->left;
    if (scope->right == NULL && term->side != 0) {
        return tn_fail(err, TARN_E_INVALID,
                       "tarn_left() and tarn_right() belong in tarn_frame_join_on()");
    }
    if (scope->right != NULL && term->side == 0) {
        const uint32_t left = match(scope->left, term->text, &at);
        const uint32_t right = match(scope->right, term->text, &at);
        if (left > 0 && right > 0) {
            return two_columns(term->text, "name the side: tarn_left(), tarn_right()", err);
        }
        plan = right > 0 ? scope->right : scope->left;
    }
    TN_RETURN_IF_ERROR(tn_scope_find(scope, plan, term->text, &at, err));
    return tn_plan_column(scope->plans, plan, at, scope->span, out, err);
}

/* ---- literals ---------------------------------------------------------------------------------*/

/* A text as SQL reads it in a cast: wrong ones are found here. */
static TN_FALLIBLE lower_typed(const tn_scope *scope, const tn_value *text, const tn_type *type,
                               const tn_expr **out, tarn_error *err)
{
    tn_expr_context *context = &scope->plans->expr;
    const tn_expr *cast;
    tn_value value;
    TN_RETURN_IF_ERROR(tn_expr_literal(context, text, scope->span, out, err));
    TN_RETURN_IF_ERROR(tn_expr_cast(context, *out, type, false, false, scope->span, &cast, err));
    TN_RETURN_IF_ERROR(tn_expr_evaluate(context, cast, scope->plans->pool, &value, err));
    return tn_expr_literal(context, &value, scope->span, out, err);
}

static TN_FALLIBLE lower_decimal(const tn_scope *scope, tn_str digits, const tn_expr **out,
                                 tarn_error *err)
{
    const tn_type *type;
    const tn_value text = tn_value_varchar(digits);
    const size_t point = tn_str_find(digits, '.');
    unsigned count = 0;
    unsigned scale = 0;
    for (size_t i = 0; i < digits.size && count <= TN_DECIMAL_DIGITS_MAX; i++) {
        if (digits.data[i] >= '0' && digits.data[i] <= '9') {
            count++;
            scale += point != SIZE_MAX && i > point;
        }
    }
    if (count == 0 || count > TN_DECIMAL_DIGITS_MAX) {
        return tn_fail(err, TARN_E_INVALID, "'%.*s' is no decimal of up to %d digits",
                       TN_STR_ARGS(digits), TN_DECIMAL_DIGITS_MAX);
    }
    TN_RETURN_IF_ERROR(tn_types_decimal(scope->plans->expr.types, count, scale, &type, err));
    return lower_typed(scope, &text, type, out, err);
}

/* ---- aggregates -------------------------------------------------------------------------------*/

/* A column that stands for the aggregate until group_by has made its plan: its id is the number of
 * the aggregate, counted from the top of all ids. */
static TN_FALLIBLE lower_aggregate(const tn_scope *scope, const tarn_expr *term,
                                   const tn_expr *const *children, const tn_expr **out,
                                   tarn_error *err)
{
    const tn_expr *made;
    tn_text text;
    tn_str name;
    tn_expr_context *context = &scope->plans->expr;
    const uint32_t count = (uint32_t)term->child_count - (term->flag ? 1 : 0);
    const tn_aggregate_call call = {.name = term->text,
                                    .children = children,
                                    .count = count,
                                    .filter = term->flag ? children[count] : NULL,
                                    .span = scope->span};
    if (scope->aggregates == NULL) {
        (void)tn_fail(err, TARN_E_INVALID, "the aggregate %.*s() stands where none can be",
                      TN_STR_ARGS(term->text));
        tn_hint(err, "aggregates belong in tarn_frame_group_by(), not inside each other");
        return TARN_E_INVALID;
    }
    TN_RETURN_IF_ERROR(tn_expr_aggregate(context, &call, &made, err));
    size_t at = 0;
    while (at < scope->aggregates->count && !tn_expr_equal(scope->aggregates->items[at], made)) {
        at++;
    }
    if (at == scope->aggregates->count) {
        TN_RETURN_IF_ERROR(tn_vec_push(scope->aggregates, made, err));
    }
    tn_text_init(&text, scope->plans->pool, 1 << 16);
    tn_expr_print(made, &text);
    tarn_code code = tn_text_status(&text, err);
    if (code == TARN_OK) {
        code = tn_arena_copy(context->arena, tn_text_str(&text), &name, err);
    }
    tn_text_deinit(&text);
    return code != TARN_OK ? code
                           : tn_expr_column(context, TN_COLUMN_NONE - 1 - (tn_column_id)at, name,
                                            made->type, scope->span, out, err);
}

/* ---- one term ---------------------------------------------------------------------------------*/

static TN_FALLIBLE lower_one(const tn_scope *scope, const tarn_expr *term,
                             const tn_expr *const *children, const tn_expr **out, tarn_error *err)
{
    tn_expr_context *context = &scope->plans->expr;
    const tn_type *type;
    const uint32_t count = (uint32_t)term->child_count;
    switch (term->kind) {
    case TN_TERM_ERROR:
        return tn_fail(err, term->code, "%s", term->text.data);
    case TN_TERM_COLUMN:
        return lower_column(scope, term, out, err);
    case TN_TERM_ALL:
        return tn_fail(err, TARN_E_INVALID, "tarn_all() stands alone in the list of select");
    case TN_TERM_LITERAL:
        return tn_expr_literal(context, &term->value, scope->span, out, err);
    case TN_TERM_TYPED:
        TN_RETURN_IF_ERROR(tn_types_parse(context->types, term->text, &type, err));
        return lower_typed(scope, &term->value, type, out, err);
    case TN_TERM_DECIMAL:
        return lower_decimal(scope, term->text, out, err);
    case TN_TERM_CALL:
        if (tn_function_class_of(term->text) == TN_FUNCTION_AGGREGATE) {
            return lower_aggregate(scope, term, children, out, err);
        }
        return tn_expr_call(context, term->text, children, count, scope->span, out, err);
    case TN_TERM_AND:
        return tn_expr_and(context, children, count, out, err);
    case TN_TERM_OR:
        return tn_expr_or(context, children, count, out, err);
    case TN_TERM_CAST:
        TN_RETURN_IF_ERROR(tn_types_parse(context->types, term->text, &type, err));
        return tn_expr_cast(context, children[0], type, term->flag, false, scope->span, out, err);
    case TN_TERM_CASE:
        return tn_expr_case(context, children, count, scope->span, out, err);
    case TN_TERM_IN:
        return tn_expr_in(context, children, count, term->flag, scope->span, out, err);
    case TN_TERM_AGGREGATE:
        return lower_aggregate(scope, term, children, out, err);
    case TN_TERM_AS:
    case TN_TERM_SORT:
    default:
        *out = children[0];
        return TARN_OK;
    }
}

typedef struct visit {
    const tarn_expr *term;
    size_t next;
    bool in_aggregate; /* it, or what is above it */
} visit;

static bool is_aggregate(const tarn_expr *term)
{
    return term->kind == TN_TERM_AGGREGATE ||
           (term->kind == TN_TERM_CALL &&
            tn_function_class_of(term->text) == TN_FUNCTION_AGGREGATE);
}

tarn_code tn_term_lower(const tn_scope *scope, const tarn_expr *term, const tn_expr **out,
                        tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(visit) stack = TN_VEC_INIT(scope->plans->pool);
    tn_expr_list done_terms = TN_VEC_INIT(scope->plans->pool);
    size_t seen = 0;
    visit first = {term, 0, false};

    *out = NULL;
    TN_TRY(tn_vec_push(&stack, first, err));
    while (stack.count > 0) {
        visit *top = &stack.items[stack.count - 1];
        const tarn_expr *here = top->term;
        if (top->next < here->child_count) {
            const visit child = {here->children[top->next++], 0,
                                 top->in_aggregate || is_aggregate(here)};
            TN_TRY(tn_vec_push(&stack, child, err));
            continue;
        }
        tn_scope inner = *scope;
        inner.aggregates = top->in_aggregate ? NULL : scope->aggregates;
        stack.count--;
        if (++seen > terms_max) {
            code = tn_fail(err, TARN_E_LIMIT, "an expression of more than %zu terms", terms_max);
            goto done;
        }
        const size_t base = done_terms.count - here->child_count;
        const tn_expr *made;
        TN_TRY(lower_one(&inner, here, done_terms.items + base, &made, err));
        done_terms.count = base;
        TN_TRY(tn_vec_push(&done_terms, made, err));
    }
    *out = done_terms.items[0];
done:
    tn_vec_free(&stack);
    tn_vec_free(&done_terms);
    return code;
}
