/*
 * Filters go down: through projections, into both sides of joins, below groups and set operations.
 *
 * A conjunct that can fault goes below a join only as a prefilter, where a fault lets the row pass,
 * and stays where the query had it (decision 5).  Volatile ones stay.  On the way LEFT, RIGHT and
 * FULL joins whose missing rows a filter would drop become narrower ones, and what is known of one
 * side of an equality is said of the other.
 */
#include "expr/function.h"
#include "plan/optimise_internal.h"

typedef struct pushing {
    tn_plan_context *context;
    tn_expr_vec pool_of; /* conjuncts still to be placed */
    tn_expr_vec above;   /* stay above the node */
    tn_expr_vec on;      /* become the join's */
    tn_expr_vec down[2]; /* to a child */
    tn_expr_vec pre[2];  /* to a child, as prefilters */
    tn_columns sides[2];
} pushing;

static void pushing_init(pushing *p, tn_plan_context *context)
{
    *p = (pushing){.context = context,
                   .pool_of = TN_VEC_INIT(context->pool),
                   .above = TN_VEC_INIT(context->pool),
                   .on = TN_VEC_INIT(context->pool),
                   .down = {TN_VEC_INIT(context->pool), TN_VEC_INIT(context->pool)},
                   .pre = {TN_VEC_INIT(context->pool), TN_VEC_INIT(context->pool)}};
    tn_columns__init(&p->sides[0], context->pool);
    tn_columns__init(&p->sides[1], context->pool);
}

static void pushing_deinit(pushing *p)
{
    tn_vec_free(&p->pool_of);
    tn_vec_free(&p->above);
    tn_vec_free(&p->on);
    for (int i = 0; i < 2; i++) {
        tn_vec_free(&p->down[i]);
        tn_vec_free(&p->pre[i]);
        tn_columns__deinit(&p->sides[i]);
    }
}

static bool list_has(const tn_expr *const *list, size_t count, const tn_expr *expr)
{
    for (size_t i = 0; i < count && i < 64; i++) {
        if (tn_expr_equal(list[i], expr)) {
            return true;
        }
    }
    return false;
}

/* The child under a filter of these, unless it has them. */
static tarn_code put_filter(tn_plan_context *context, tn_plan *child, tn_expr_vec *conjuncts,
                            bool prefilter, tn_plan **out, tarn_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < conjuncts->count; i++) {
        const tn_expr *expr = conjuncts->items[i];
        const bool has = child->kind == TN_PLAN_FILTER && child->prefilter == prefilter &&
                         list_has(child->exprs, child->expr_count, expr);
        if (!has && !list_has(conjuncts->items, kept, expr)) {
            conjuncts->items[kept++] = expr;
        }
    }
    conjuncts->count = kept;
    *out = child;
    if (kept == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_plan__filter(context, child, conjuncts->items, (uint32_t)kept, out, err));
    (*out)->prefilter = prefilter;
    return TARN_OK;
}

/* ---- below projections, groups, set operations ---- */

static const tn_expr *made_by(void *context, tn_column_id id)
{
    const tn_plan *node = context;
    const tn_expr *const *exprs = node->kind == TN_PLAN_AGGREGATE ? node->keys : node->exprs;
    const uint32_t count = node->kind == TN_PLAN_AGGREGATE ? node->key_count : node->expr_count;
    for (uint32_t i = 0; i < count; i++) {
        if (node->outputs[i].id == id) {
            return exprs[i];
        }
    }
    return NULL;
}

/* Filters over a node that makes columns: those that read only what `made_by` knows go below. */
static tarn_code through_columns(pushing *p, const tn_plan *filter, tn_plan *node, tn_plan **out,
                                 tarn_error *err)
{
    tn_plan_context *context = p->context;
    const bool group = node->kind == TN_PLAN_AGGREGATE;
    const uint32_t first = group ? node->key_count : node->output_count;
    for (uint32_t i = first; i < node->output_count; i++) {
        TN_RETURN_IF_ERROR(tn_columns__add(&p->sides[0], node->outputs[i].id, err));
    }
    bool any_volatile = false;
    for (uint32_t i = 0; !group && i < node->expr_count; i++) {
        any_volatile |= node->exprs[i]->is_volatile;
    }
    for (uint32_t i = 0; i < filter->expr_count; i++) {
        const tn_expr *expr = filter->exprs[i];
        tn_reads reads;
        TN_RETURN_IF_ERROR(tn_expr__reads(expr, &p->sides[0], context->pool, &reads, err));
        const bool reads_made = reads == TN_READS_INSIDE || reads == TN_READS_BOTH;
        if (expr->is_volatile || any_volatile || reads_made ||
            (group && (expr->can_fail || node->key_count == 0))) {
            TN_RETURN_IF_ERROR(tn_vec_push(&p->above, expr, err));
            continue;
        }
        TN_RETURN_IF_ERROR(tn_expr__replace(context, expr, made_by, node, &expr, err));
        if (group && expr->can_fail) { /* the key itself can: let it raise where it is */
            TN_RETURN_IF_ERROR(tn_vec_push(&p->above, filter->exprs[i], err));
        } else {
            TN_RETURN_IF_ERROR(tn_vec_push(&p->down[0], expr, err));
        }
    }
    if (p->down[0].count == 0) {
        return TARN_OK;
    }
    tn_plan *child = NULL;
    TN_RETURN_IF_ERROR(
        put_filter(context, node->children[0], &p->down[0], filter->prefilter, &child, err));
    TN_RETURN_IF_ERROR(tn_plan__with_children(context, node, &child, &node, err));
    TN_RETURN_IF_ERROR(
        tn_plan__filter(context, node, p->above.items, (uint32_t)p->above.count, out, err));
    if (*out != node) {
        (*out)->prefilter = filter->prefilter;
    }
    return TARN_OK;
}

typedef struct matching {
    tn_plan_context *context;
    const tn_plan *set, *member;
    tarn_code failed;
} matching;

static const tn_expr *member_column(void *context, tn_column_id id)
{
    matching *m = context;
    const tn_expr *column = NULL;
    for (uint32_t i = 0; i < m->set->output_count && m->failed == TARN_OK; i++) {
        if (m->set->outputs[i].id == id) {
            m->failed = tn_expr__column_of(m->context, &m->member->outputs[i], &column, NULL);
        }
    }
    return column;
}

static tarn_code through_set(pushing *p, const tn_plan *filter, tn_plan *set, tn_plan **out,
                             tarn_error *err)
{
    tn_plan_context *context = p->context;
    tn_plan **children = NULL;
    for (uint32_t i = 0; i < filter->expr_count; i++) {
        const tn_expr *expr = filter->exprs[i];
        const bool stays = expr->is_volatile || (expr->can_fail && set->kind != TN_PLAN_UNION);
        TN_RETURN_IF_ERROR(tn_vec_push(stays ? &p->above : &p->down[0], expr, err));
    }
    if (p->down[0].count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_plan *, set->child_count, &children, err));
    for (uint32_t c = 0; c < set->child_count; c++) {
        matching m = {context, set, set->children[c], TARN_OK};
        p->down[1].count = 0;
        for (size_t i = 0; i < p->down[0].count; i++) {
            const tn_expr *expr = NULL;
            TN_RETURN_IF_ERROR(
                tn_expr__replace(context, p->down[0].items[i], member_column, &m, &expr, err));
            TN_RETURN_IF_ERROR(tn_vec_push(&p->down[1], expr, err));
        }
        if (m.failed != TARN_OK) {
            return tn_fail(err, m.failed, "no memory left for the plan");
        }
        TN_RETURN_IF_ERROR(put_filter(context, set->children[c], &p->down[1], filter->prefilter,
                                      &children[c], err));
    }
    TN_RETURN_IF_ERROR(tn_plan__with_children(context, set, children, &set, err));
    TN_RETURN_IF_ERROR(
        tn_plan__filter(context, set, p->above.items, (uint32_t)p->above.count, out, err));
    if (*out != set) {
        (*out)->prefilter = filter->prefilter;
    }
    return TARN_OK;
}

/* Sorts, DISTINCT, UNNEST: rows are the child's, with some left out or more columns. */
static tarn_code through_rows(pushing *p, const tn_plan *filter, tn_plan *node, tn_plan **out,
                              tarn_error *err)
{
    tn_plan_context *context = p->context;
    if ((node->kind == TN_PLAN_SORT && (node->limit != UINT64_MAX || node->offset != 0)) ||
        node->kind == TN_PLAN_LIMIT) {
        return TARN_OK;
    }
    if (node->key_count > 0) { /* DISTINCT ON: what is the same for all rows of a key */
        for (uint32_t i = 0; i < node->key_count; i++) {
            if (node->keys[i]->kind == TN_EXPR_COLUMN) {
                TN_RETURN_IF_ERROR(tn_columns__add(&p->sides[0], node->keys[i]->column, err));
            }
        }
    } else {
        TN_RETURN_IF_ERROR(tn_columns__add_outputs(&p->sides[0], node->children[0], err));
    }
    for (uint32_t i = 0; i < filter->expr_count; i++) {
        const tn_expr *expr = filter->exprs[i];
        tn_reads reads;
        TN_RETURN_IF_ERROR(tn_expr__reads(expr, &p->sides[0], context->pool, &reads, err));
        const bool inside = reads == TN_READS_INSIDE || reads == TN_READS_NONE;
        const bool stays =
            expr->is_volatile || !inside || (expr->can_fail && node->kind != TN_PLAN_SORT);
        TN_RETURN_IF_ERROR(tn_vec_push(stays ? &p->above : &p->down[0], expr, err));
    }
    if (p->down[0].count == 0) {
        return TARN_OK;
    }
    tn_plan *child = NULL;
    TN_RETURN_IF_ERROR(
        put_filter(context, node->children[0], &p->down[0], filter->prefilter, &child, err));
    TN_RETURN_IF_ERROR(tn_plan__with_children(context, node, &child, &node, err));
    TN_RETURN_IF_ERROR(
        tn_plan__filter(context, node, p->above.items, (uint32_t)p->above.count, out, err));
    if (*out != node) {
        (*out)->prefilter = filter->prefilter;
    }
    return TARN_OK;
}

/* ---- joins ---- */

/* What a filter above makes of the kind of join: rows that it would drop need not be made. */
static tarn_code narrow_kind(pushing *p, const tn_plan *filter, tn_join_kind *kind, tarn_error *err)
{
    for (uint32_t i = 0; filter != NULL && !filter->prefilter && i < filter->expr_count; i++) {
        bool no_left = false; /* rows without a left are dropped */
        bool no_right = false;
        TN_RETURN_IF_ERROR(
            tn_expr__rejects_null(filter->exprs[i], &p->sides[0], p->context->pool, &no_left, err));
        TN_RETURN_IF_ERROR(tn_expr__rejects_null(filter->exprs[i], &p->sides[1], p->context->pool,
                                                 &no_right, err));
        if (filter->exprs[i]->is_volatile) {
            continue;
        }
        if (no_right && *kind == TN_JOIN_LEFT) {
            *kind = TN_JOIN_INNER;
        } else if (no_left && *kind == TN_JOIN_RIGHT) {
            *kind = TN_JOIN_INNER;
        } else if (*kind == TN_JOIN_FULL && no_left && no_right) {
            *kind = TN_JOIN_INNER;
        } else if (*kind == TN_JOIN_FULL && no_left) {
            *kind = TN_JOIN_LEFT; /* every row has a left */
        } else if (*kind == TN_JOIN_FULL && no_right) {
            *kind = TN_JOIN_RIGHT;
        }
    }
    return TARN_OK;
}

/* To a side, where what the side drops is dropped anyway. */
static tarn_code send(pushing *p, int side, const tn_expr *expr, bool prefilter, tn_expr_vec *stays,
                      tarn_error *err)
{
    if (!expr->can_fail && !prefilter) {
        return tn_vec_push(&p->down[side], expr, err);
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&p->pre[side], expr, err));
    return prefilter ? TARN_OK : tn_vec_push(stays, expr, err);
}

/* Each side's part of (a1 AND b1) OR (a2 AND b2): a1 OR a2 goes to the side of a. */
static tarn_code part_of_or(pushing *p, const tn_expr *either, int side, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan_context *context = p->context;
    tn_expr_vec branches = TN_VEC_INIT(context->pool);
    tn_expr_vec conjuncts = TN_VEC_INIT(context->pool);
    enum { BRANCHES_MAX = 64 };
    bool complete = either->kind == TN_EXPR_OR && either->child_count <= BRANCHES_MAX;
    for (uint32_t i = 0; complete && i < either->child_count; i++) {
        const tn_expr *branch = NULL;
        size_t kept = 0;
        conjuncts.count = 0;
        TN_TRY(tn_expr__conjuncts(either->children[i], &conjuncts, err));
        for (size_t j = 0; j < conjuncts.count && j < BRANCHES_MAX; j++) {
            const tn_expr *expr = conjuncts.items[j];
            tn_reads reads;
            TN_TRY(tn_expr__reads(expr, &p->sides[side], context->pool, &reads, err));
            if (reads == TN_READS_INSIDE && !expr->can_fail && !expr->is_volatile) {
                conjuncts.items[kept++] = expr;
            }
        }
        complete = kept > 0;
        TN_TRY(tn_expr__all(context, conjuncts.items, (uint32_t)kept, &branch, err));
        TN_TRY(tn_vec_push(&branches, branch, err));
    }
    if (complete) {
        const tn_expr *part = NULL;
        TN_TRY(tn_expr_or(&context->expr, branches.items, (uint32_t)branches.count, &part, err));
        TN_TRY(tn_vec_push(&p->down[side], part, err));
    }
done:
    tn_vec_free(&branches);
    tn_vec_free(&conjuncts);
    return code;
}

/* A conjunct of a filter above the join. */
static tarn_code place_above(pushing *p, tn_join_kind kind, const tn_expr *expr, bool prefilter,
                             tarn_error *err)
{
    const bool keeps_left = kind != TN_JOIN_RIGHT && kind != TN_JOIN_FULL;
    const bool keeps_right = kind == TN_JOIN_INNER || kind == TN_JOIN_RIGHT;
    tn_reads left;
    tn_reads right;
    TN_RETURN_IF_ERROR(tn_expr__reads(expr, &p->sides[0], p->context->pool, &left, err));
    TN_RETURN_IF_ERROR(tn_expr__reads(expr, &p->sides[1], p->context->pool, &right, err));
    if (expr->is_volatile || left == TN_READS_NONE) {
        return tn_vec_push(&p->above, expr, err);
    }
    if (left == TN_READS_INSIDE && keeps_left) {
        return send(p, 0, expr, prefilter, &p->above, err);
    }
    if (right == TN_READS_INSIDE && keeps_right) {
        return send(p, 1, expr, prefilter, &p->above, err);
    }
    if (kind == TN_JOIN_INNER && !prefilter) {
        TN_RETURN_IF_ERROR(part_of_or(p, expr, 0, err));
        TN_RETURN_IF_ERROR(part_of_or(p, expr, 1, err));
        return tn_vec_push(&p->on, expr, err);
    }
    return tn_vec_push(&p->above, expr, err);
}

/* A conjunct of the join's own condition. */
static tarn_code place_on(pushing *p, tn_join_kind kind, const tn_expr *expr, tarn_error *err)
{
    const bool left_filters =
        kind == TN_JOIN_INNER || kind == TN_JOIN_SEMI || kind == TN_JOIN_RIGHT;
    const bool right_filters = kind != TN_JOIN_RIGHT && kind != TN_JOIN_FULL;
    tn_reads left;
    tn_reads right;
    TN_RETURN_IF_ERROR(tn_expr__reads(expr, &p->sides[0], p->context->pool, &left, err));
    TN_RETURN_IF_ERROR(tn_expr__reads(expr, &p->sides[1], p->context->pool, &right, err));
    if (!expr->is_volatile && left == TN_READS_INSIDE && left_filters) {
        return send(p, 0, expr, false, &p->on, err);
    }
    if (!expr->is_volatile && right == TN_READS_INSIDE && right_filters) {
        return send(p, 1, expr, false, &p->on, err);
    }
    if (!expr->is_volatile && left_filters) {
        TN_RETURN_IF_ERROR(part_of_or(p, expr, 0, err));
    }
    if (!expr->is_volatile && right_filters) {
        TN_RETURN_IF_ERROR(part_of_or(p, expr, 1, err));
    }
    return tn_vec_push(&p->on, expr, err);
}

typedef struct twin {
    tn_column_id from;
    const tn_expr *to;
} twin;

static const tn_expr *twin_of(void *context, tn_column_id id)
{
    const twin *t = context;
    return t->from == id ? t->to : NULL;
}

/* a = b and a > 5: b > 5. */
static tarn_code tell_other_side(pushing *p, const tn_plan *join, tn_join_kind kind, int from,
                                 size_t count, tarn_error *err)
{
    const int to = 1 - from;
    const bool may = kind == TN_JOIN_INNER || kind == TN_JOIN_SEMI ||
                     (from == 0 && kind != TN_JOIN_RIGHT && kind != TN_JOIN_FULL) ||
                     (from == 1 && kind == TN_JOIN_RIGHT);
    if (!may || join->null_aware) {
        return TARN_OK;
    }
    for (uint32_t i = 0; i < join->pair_count; i++) {
        const tn_expr *mine = from == 0 ? join->pairs[i].left : join->pairs[i].right;
        const tn_expr *other = from == 0 ? join->pairs[i].right : join->pairs[i].left;
        if (mine->kind != TN_EXPR_COLUMN || other->kind != TN_EXPR_COLUMN) {
            continue;
        }
        tn_columns one;
        tn_columns__init(&one, p->context->pool);
        tarn_code code = tn_columns__add(&one, mine->column, err);
        for (size_t j = 0; code == TARN_OK && j < count; j++) {
            tn_reads reads;
            twin t = {mine->column, other};
            const tn_expr *told = NULL;
            code = tn_expr__reads(p->down[from].items[j], &one, p->context->pool, &reads, err);
            if (code == TARN_OK && reads == TN_READS_INSIDE) {
                code =
                    tn_expr__replace(p->context, p->down[from].items[j], twin_of, &t, &told, err);
                if (code == TARN_OK) {
                    code = tn_vec_push(&p->down[to], told, err);
                }
            }
        }
        tn_columns__deinit(&one);
        TN_RETURN_IF_ERROR(code);
    }
    return TARN_OK;
}

/* A filter for the mark itself: SEMI or ANTI, and the mark is a constant. */
static tarn_code take_mark(pushing *p, const tn_plan *filter, tn_plan *join, tn_plan **out,
                           bool *done, tarn_error *err)
{
    tn_plan_context *context = p->context;
    uint32_t at = UINT32_MAX;
    bool negated = false;
    *done = false;
    for (uint32_t i = 0; filter != NULL && !filter->prefilter && i < filter->expr_count; i++) {
        const tn_expr *expr = filter->exprs[i];
        const bool is_not = tn_expr__is_call(expr, "not");
        const tn_expr *inner = is_not ? expr->children[0] : expr;
        if (at == UINT32_MAX && inner->kind == TN_EXPR_COLUMN && inner->column == join->mark) {
            at = i;
            negated = is_not;
        }
    }
    if (at == UINT32_MAX) {
        return TARN_OK;
    }
    tn_plan *semi = NULL;
    const tn_expr **exprs = NULL;
    TN_RETURN_IF_ERROR(tn_plan__copy(context, join, &semi, err));
    semi->join = negated ? TN_JOIN_ANTI : TN_JOIN_SEMI;
    semi->null_aware = negated && join->null_aware;
    semi->mark = TN_COLUMN_NONE;
    TN_RETURN_IF_ERROR(tn_plan__derive(context, semi, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, const tn_expr *, join->output_count, &exprs, err));
    for (uint32_t i = 0; i < join->output_count; i++) {
        if (join->outputs[i].id == join->mark) {
            TN_RETURN_IF_ERROR(tn_expr__boolean(context, !negated, &exprs[i], err));
        } else {
            TN_RETURN_IF_ERROR(tn_expr__column_of(context, &join->outputs[i], &exprs[i], err));
        }
    }
    TN_RETURN_IF_ERROR(
        tn_plan__project(context, semi, exprs, join->outputs, join->output_count, &semi, err));
    p->above.count = 0;
    for (uint32_t i = 0; i < filter->expr_count; i++) {
        if (i != at) {
            TN_RETURN_IF_ERROR(tn_vec_push(&p->above, filter->exprs[i], err));
        }
    }
    *done = true;
    return tn_plan__filter(context, semi, p->above.items, (uint32_t)p->above.count, out, err);
}

static tarn_code place_all(pushing *p, const tn_plan *filter, const tn_plan *join,
                           tn_join_kind kind, tarn_error *err)
{
    const bool prefilter = filter != NULL && filter->prefilter;
    for (uint32_t i = 0; filter != NULL && i < filter->expr_count; i++) {
        TN_RETURN_IF_ERROR(place_above(p, kind, filter->exprs[i], prefilter, err));
    }
    for (uint32_t i = 0; i < join->expr_count && !join->null_aware; i++) {
        TN_RETURN_IF_ERROR(place_on(p, kind, join->exprs[i], err));
    }
    const size_t left = p->down[0].count;
    const size_t right = p->down[1].count;
    TN_RETURN_IF_ERROR(tell_other_side(p, join, kind, 0, left, err));
    return tell_other_side(p, join, kind, 1, right, err);
}

/* The join with the conditions it has now; its outputs as they were. */
static tarn_code rejoin(pushing *p, const tn_plan *join, tn_join_kind kind,
                        tn_plan *const *children, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec all = TN_VEC_INIT(p->context->pool);
    tn_plan *made = NULL;
    if (join->null_aware) {
        tn_plan *copy = NULL;
        TN_TRY(tn_plan__copy(p->context, join, &copy, err));
        TN_TRY(tn_plan__with_children(p->context, copy, children, out, err));
        goto done;
    }
    for (uint32_t i = 0; i < join->pair_count; i++) {
        const tn_expr *same = NULL;
        TN_TRY(tn_plan__pair_expr(p->context, &join->pairs[i], &same, err));
        TN_TRY(tn_vec_push(&all, same, err));
    }
    for (size_t i = 0; i < p->on.count; i++) {
        TN_TRY(tn_vec_push(&all, p->on.items[i], err));
    }
    TN_TRY(tn_plan__join(p->context, TN_PLAN_JOIN, kind, children[0], children[1], all.items,
                         (uint32_t)all.count, join->span, &made, err));
    made->mark = join->mark;
    made->label = join->label;
    TN_TRY(tn_plan__derive(p->context, made, err));
    *out = made;
done:
    tn_vec_free(&all);
    return code;
}

static tarn_code through_join(pushing *p, const tn_plan *filter, tn_plan *join, tn_plan **out,
                              tarn_error *err)
{
    tn_plan_context *context = p->context;
    tn_join_kind kind = join->join;
    bool done = false;
    if (kind == TN_JOIN_MARK) {
        TN_RETURN_IF_ERROR(take_mark(p, filter, join, out, &done, err));
        if (done) {
            return TARN_OK;
        }
    }
    for (int i = 0; i < 2; i++) {
        TN_RETURN_IF_ERROR(tn_columns__add_outputs(&p->sides[i], join->children[i], err));
    }
    TN_RETURN_IF_ERROR(narrow_kind(p, filter, &kind, err));
    TN_RETURN_IF_ERROR(place_all(p, filter, join, kind, err));
    tn_plan *children[2] = {join->children[0], join->children[1]};
    for (int i = 0; i < 2; i++) {
        TN_RETURN_IF_ERROR(put_filter(context, children[i], &p->down[i], false, &children[i], err));
        TN_RETURN_IF_ERROR(put_filter(context, children[i], &p->pre[i], true, &children[i], err));
    }
    const bool changed = kind != join->join || children[0] != join->children[0] ||
                         children[1] != join->children[1] || p->on.count != join->expr_count;
    if (!changed) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(rejoin(p, join, kind, children, out, err));
    if (filter == NULL || p->above.count == 0) {
        return TARN_OK;
    }
    tn_plan *const made = *out;
    TN_RETURN_IF_ERROR(
        tn_plan__filter(context, made, p->above.items, (uint32_t)p->above.count, out, err));
    (*out)->prefilter = filter->prefilter;
    return TARN_OK;
}

/* ---- the rule ---- */

static tarn_code push_once(pushing *p, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    *out = plan;
    if (plan->kind == TN_PLAN_JOIN) {
        return through_join(p, NULL, plan, out, err);
    }
    if (plan->kind != TN_PLAN_FILTER) {
        return TARN_OK;
    }
    tn_plan *child = plan->children[0];
    switch (child->kind) {
    case TN_PLAN_FILTER:
        if (plan->prefilter == child->prefilter) {
            for (uint32_t i = 0; i < child->expr_count; i++) {
                TN_RETURN_IF_ERROR(tn_vec_push(&p->above, child->exprs[i], err));
            }
            for (uint32_t i = 0; i < plan->expr_count; i++) {
                TN_RETURN_IF_ERROR(tn_vec_push(&p->above, plan->exprs[i], err));
            }
            TN_RETURN_IF_ERROR(tn_plan__filter(p->context, child->children[0], p->above.items,
                                               (uint32_t)p->above.count, out, err));
            (*out)->prefilter = plan->prefilter;
        }
        return TARN_OK;
    case TN_PLAN_PROJECT:
    case TN_PLAN_AGGREGATE:
        return through_columns(p, plan, child, out, err);
    case TN_PLAN_UNION:
    case TN_PLAN_EXCEPT:
    case TN_PLAN_INTERSECT:
        return through_set(p, plan, child, out, err);
    case TN_PLAN_SORT:
    case TN_PLAN_DISTINCT:
    case TN_PLAN_UNNEST:
        return through_rows(p, plan, child, out, err);
    case TN_PLAN_JOIN:
        return through_join(p, plan, child, out, err);
    case TN_PLAN_SCAN:
    case TN_PLAN_VALUES:
    case TN_PLAN_APPLY:
    case TN_PLAN_LIMIT:
    case TN_PLAN_SHARED:
    case TN_PLAN_METER:
    case TN_PLAN_WRITE:
    case TN_PLAN_ALL:
    case TN_PLAN_KIND_COUNT:
    default:
        return TARN_OK;
    }
}

TN_FALLIBLE tn_rule__push_filters(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_plan_context *plans = ((tn_optimiser *)context)->context;
    *out = plan;
    /* A join's own conditions are placed when it is met without a filter. */
    for (;;) {
        pushing p;
        tn_plan *before = *out;
        pushing_init(&p, plans);
        const tarn_code code = push_once(&p, before, out, err);
        pushing_deinit(&p);
        if (code != TARN_OK || *out == before || (*out)->kind != TN_PLAN_FILTER) {
            return code;
        }
        /* What stayed above has no way down, unless two filters were merged. */
        if (before->kind != TN_PLAN_FILTER || before->children[0]->kind != TN_PLAN_FILTER) {
            return TARN_OK;
        }
    }
}
