/*
 * Conditions of joins: which conjuncts are equalities between the sides (pairs, by which rows are
 * hashed), and which are the rest.
 *
 * An equality that can fault stays in the rest where the join has another pair: keys are computed
 * before a row is known to match, so their faults would be raised too early (decision 5).  The only
 * pair is computed for the rows of a side that pass what is asked of that side alone.
 */
#include "expr/function.h"
#include "plan/plan_internal.h"

typedef struct split {
    tn_plan_context *context;
    tn_columns left, right;
    TN_VEC(tn_join_pair) pairs;
    tn_expr_vec rest;
    tn_expr_vec fallible; /* equalities that wait for a pair that cannot fail */
} split;

/* NOT (a IS DISTINCT FROM b) and its direct form. */
static const tn_expr *null_equality(const tn_expr *expr)
{
    if (tn_expr__is_call(expr, "is_not_distinct_from")) {
        return expr;
    }
    if (tn_expr__is_call(expr, "not") && tn_expr__is_call(expr->children[0], "is_distinct_from")) {
        return expr->children[0];
    }
    return NULL;
}

static tarn_code same_type(split *s, tn_join_pair *pair, bool *ok, tarn_error *err)
{
    const tn_type *common = NULL;
    *ok = pair->left->type == pair->right->type;
    if (*ok) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_types_common(s->context->expr.types, pair->left->type, pair->right->type,
                                       &common, ok, err));
    if (!*ok) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_expr_cast(&s->context->expr, pair->left, common, false, true,
                                    pair->left->span, &pair->left, err));
    return tn_expr_cast(&s->context->expr, pair->right, common, false, true, pair->right->span,
                        &pair->right, err);
}

/* The pair that a conjunct is, or none. */
static tarn_code pair_of(split *s, const tn_expr *conjunct, tn_join_pair *pair, bool *is_pair,
                         tarn_error *err)
{
    const tn_expr *same = null_equality(conjunct);
    const tn_expr *equality = tn_expr__is_call(conjunct, "=") ? conjunct : same;
    tn_reads first[2];  /* sides read by child 0 */
    tn_reads second[2]; /* by child 1 */
    tn_pool *pool = s->context->pool;

    *is_pair = false;
    if (equality == NULL || equality->is_volatile) {
        return TARN_OK;
    }
    const tn_expr *a = equality->children[0];
    const tn_expr *b = equality->children[1];
    TN_RETURN_IF_ERROR(tn_expr__reads(a, &s->left, pool, &first[0], err));
    TN_RETURN_IF_ERROR(tn_expr__reads(a, &s->right, pool, &first[1], err));
    TN_RETURN_IF_ERROR(tn_expr__reads(b, &s->left, pool, &second[0], err));
    TN_RETURN_IF_ERROR(tn_expr__reads(b, &s->right, pool, &second[1], err));
    if (first[0] == TN_READS_INSIDE && second[1] == TN_READS_INSIDE) {
        *pair = (tn_join_pair){a, b, same != NULL};
    } else if (first[1] == TN_READS_INSIDE && second[0] == TN_READS_INSIDE) {
        *pair = (tn_join_pair){b, a, same != NULL};
    } else {
        return TARN_OK;
    }
    return same_type(s, pair, is_pair, err);
}

static tarn_code split_one(split *s, const tn_expr *conjunct, bool take, tarn_error *err)
{
    tn_join_pair pair = {0};
    bool is_pair = false;
    TN_RETURN_IF_ERROR(pair_of(s, conjunct, &pair, &is_pair, err));
    if (!is_pair) {
        return tn_vec_push(&s->rest, conjunct, err);
    }
    if (!take && (pair.left->can_fail || pair.right->can_fail)) {
        return tn_vec_push(&s->fallible, conjunct, err);
    }
    return tn_vec_push(&s->pairs, pair, err);
}

/* CASE WHEN what is asked of this side alone THEN the key END: NULL matches nothing. */
static tarn_code guard_key(split *s, const tn_columns *side, const tn_expr **key, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec own = TN_VEC_INIT(s->context->pool);
    const tn_expr *parts[2] = {NULL, *key};
    for (size_t i = 0; (*key)->can_fail && i < s->rest.count; i++) {
        const tn_expr *conjunct = s->rest.items[i];
        tn_reads reads = TN_READS_NONE;
        TN_TRY(tn_expr__reads(conjunct, side, s->context->pool, &reads, err));
        if (reads == TN_READS_INSIDE && !conjunct->is_volatile) {
            TN_TRY(tn_vec_push(&own, conjunct, err));
        }
    }
    if (own.count > 0) {
        TN_TRY(tn_expr__all(s->context, own.items, (uint32_t)own.count, &parts[0], err));
        if ((*key)->kind == TN_EXPR_CASE && tn_expr_equal((*key)->children[0], parts[0])) {
            goto done; /* the join was made before */
        }
        TN_TRY(tn_expr_case(&s->context->expr, parts, 2, (*key)->span, key, err));
    }
done:
    tn_vec_free(&own);
    return code;
}

static tarn_code take_fallible(split *s, const tn_expr *conjunct, tarn_error *err)
{
    const size_t count = s->pairs.count;
    TN_RETURN_IF_ERROR(split_one(s, conjunct, true, err));
    if (s->pairs.count == count || s->pairs.items[count].null_equal) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(guard_key(s, &s->left, &s->pairs.items[count].left, err));
    return guard_key(s, &s->right, &s->pairs.items[count].right, err);
}

static tarn_code split_all(split *s, const tn_expr *const *conjuncts, uint32_t count,
                           tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!tn_expr__is_true(conjuncts[i])) {
            TN_RETURN_IF_ERROR(split_one(s, conjuncts[i], false, err));
        }
    }
    for (size_t i = 0; i < s->fallible.count; i++) {
        if (s->pairs.count > 0) {
            TN_RETURN_IF_ERROR(tn_vec_push(&s->rest, s->fallible.items[i], err));
        } else {
            TN_RETURN_IF_ERROR(take_fallible(s, s->fallible.items[i], err));
        }
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan__join(tn_plan_context *context, tn_plan_kind node, tn_join_kind kind,
                          tn_plan *left, tn_plan *right, const tn_expr *const *conjuncts,
                          uint32_t count, tn_span span, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan *plan = NULL;
    tn_join_pair *pairs = NULL;
    const tn_expr **rest = NULL;
    tn_plan *const children[2] = {left, right};
    split s = {.context = context,
               .pairs = TN_VEC_INIT(context->pool),
               .rest = TN_VEC_INIT(context->pool),
               .fallible = TN_VEC_INIT(context->pool)};
    tn_columns__init(&s.left, context->pool);
    tn_columns__init(&s.right, context->pool);

    *out = NULL;
    TN_TRY(tn_plan__new(context, node, span, children, 2, &plan, err));
    plan->join = kind;
    if (kind == TN_JOIN_MARK) {
        plan->mark = tn_plan_new_column(context);
    }
    if (node == TN_PLAN_APPLY) { /* sides are not apart yet */
        for (uint32_t i = 0; i < count; i++) {
            TN_TRY(tn_vec_push(&s.rest, conjuncts[i], err));
        }
    } else {
        TN_TRY(tn_columns__add_outputs(&s.left, left, err));
        TN_TRY(tn_columns__add_outputs(&s.right, right, err));
        TN_TRY(split_all(&s, conjuncts, count, err));
    }
    if (s.pairs.count > 0) {
        TN_TRY(tn_arena_array(context->expr.arena, tn_join_pair, s.pairs.count, &pairs, err));
        memcpy(pairs, s.pairs.items, s.pairs.count * sizeof(*pairs));
    }
    if (s.rest.count > 0) {
        TN_TRY(tn_arena_array(context->expr.arena, const tn_expr *, s.rest.count, &rest, err));
        memcpy(rest, s.rest.items, s.rest.count * sizeof(*rest));
    }
    plan->pairs = pairs;
    plan->pair_count = (uint32_t)s.pairs.count;
    plan->exprs = rest;
    plan->expr_count = (uint32_t)s.rest.count;
    TN_TRY(tn_plan__derive(context, plan, err));
    *out = plan;
done:
    tn_vec_free(&s.pairs);
    tn_vec_free(&s.rest);
    tn_vec_free(&s.fallible);
    tn_columns__deinit(&s.left);
    tn_columns__deinit(&s.right);
    return code;
}

TN_FALLIBLE tn_plan__pair_expr(tn_plan_context *context, const tn_join_pair *pair,
                               const tn_expr **out, tarn_error *err)
{
    const tn_expr *const sides[2] = {pair->left, pair->right};
    const tn_span span = pair->left->span;
    if (!pair->null_equal) {
        return tn_expr_call(&context->expr, TN_STR("="), sides, 2, span, out, err);
    }
    return tn_expr_call(&context->expr, TN_STR("is_not_distinct_from"), sides, 2, span, out, err);
}

TN_FALLIBLE tn_plan__conditions(tn_plan_context *context, const tn_plan *join, tn_expr_vec *out,
                                tarn_error *err)
{
    for (uint32_t i = 0; i < join->pair_count; i++) {
        const tn_expr *equality = NULL;
        TN_RETURN_IF_ERROR(tn_plan__pair_expr(context, &join->pairs[i], &equality, err));
        TN_RETURN_IF_ERROR(tn_vec_push(out, equality, err));
    }
    for (uint32_t i = 0; i < join->expr_count; i++) {
        TN_RETURN_IF_ERROR(tn_vec_push(out, join->exprs[i], err));
    }
    return TARN_OK;
}
