/*
 * The order of joins.
 *
 * A tree of inner joins is taken apart into relations and predicates.  LEFT, SEMI, ANTI, MARK and
 * SINGLE joins on the way are taken in, too: their right side is a *dependent* relation, which may
 * be joined once the left columns that its condition reads are there (an inner join above keeps
 * or drops left rows, and does so before as well as after).  Up to EXACT_MAX relations the cheapest
 * tree is found by dynamic programming over sets; beyond, pairs with the smallest result are joined
 * first.  Equalities between columns form classes: of a = b and b = c, any two may be used.
 */
#include "plan/optimise_internal.h"

enum { RELATIONS_MAX = 64, EXACT_MAX = 12 };

typedef uint64_t relations; /* a set: one bit each */

typedef struct relation {
    tn_plan *plan;
    double rows;
    bool is_dependent;
    tn_plan *join;   /* of a dependent one: kind, pairs, conditions */
    relations needs; /* of a dependent one: what must be there */
    double share;    /* of a dependent one: rows per left and right row */
} relation;

typedef struct predicate {
    const tn_expr *expr;
    relations reads;
    double share;
} predicate;

typedef struct member {
    const tn_expr *column;
    uint32_t of; /* relation */
    uint32_t class;
} member;

typedef struct candidate { /* the best tree for a set */
    double cost, rows;
    relations left, right;
    bool is_there;
} candidate;

typedef struct ordering {
    tn_optimiser *optimiser;
    tn_plan_context *context;
    relation relations[RELATIONS_MAX];
    uint32_t count;
    tn_expr_vec conditions; /* of inner joins */
    TN_VEC(predicate) predicates;
    TN_VEC(member) members;
    uint32_t class_count;
    relations *class_sets; /* by class: relations that have a member */
    candidate *table;      /* by set */
} ordering;

/* ---- taking apart ---- */

static bool is_left_kind(tn_join_kind kind)
{
    return kind == TN_JOIN_LEFT || kind == TN_JOIN_SEMI || kind == TN_JOIN_ANTI ||
           kind == TN_JOIN_MARK || kind == TN_JOIN_SINGLE;
}

/* A projection that only leaves columns out is no obstacle. */
static tn_plan *behind_projections(tn_plan *plan)
{
    while (plan->kind == TN_PLAN_PROJECT) {
        for (uint32_t i = 0; i < plan->expr_count; i++) {
            if (plan->exprs[i]->kind != TN_EXPR_COLUMN ||
                plan->exprs[i]->column != plan->outputs[i].id) {
                return plan;
            }
        }
        plan = plan->children[0];
    }
    return plan;
}

typedef struct part {
    tn_plan *plan;
    tn_plan *dependent_join; /* set: the plan is its right side */
    uint32_t first;          /* relations of its left: first ... */
    bool is_mark;            /* a note that the left is complete: dependent_join's right follows */
} part;

/* Relations below `root`, lefts first, so that a dependent one follows all of its left. */
static tarn_code take_apart(ordering *o, tn_plan *root, tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(part) stack = TN_VEC_INIT(o->context->pool);
    TN_TRY(tn_vec_push(&stack, ((part){root, NULL, 0, false}), err));
    while (stack.count > 0) {
        const part top = tn_vec_pop(&stack);
        tn_plan *plan = top.dependent_join != NULL ? top.plan : behind_projections(top.plan);
        const bool room = o->count + stack.count + 2 < RELATIONS_MAX;
        if (top.dependent_join == NULL && room && plan->kind == TN_PLAN_JOIN &&
            plan->join == TN_JOIN_INNER) {
            TN_TRY(tn_plan__conditions(o->context, plan, &o->conditions, err));
            TN_TRY(tn_vec_push(&stack, ((part){plan->children[1], NULL, 0, false}), err));
            TN_TRY(tn_vec_push(&stack, ((part){plan->children[0], NULL, 0, false}), err));
            continue;
        }
        if (top.dependent_join == NULL && room && plan->kind == TN_PLAN_JOIN &&
            is_left_kind(plan->join)) {
            TN_TRY(tn_vec_push(&stack, ((part){plan->children[1], plan, o->count, false}), err));
            TN_TRY(tn_vec_push(&stack, ((part){plan->children[0], NULL, 0, false}), err));
            continue;
        }
        relation *r = &o->relations[o->count];
        *r = (relation){.plan = top.dependent_join != NULL ? top.plan : plan,
                        .is_dependent = top.dependent_join != NULL,
                        .join = top.dependent_join};
        /* All of its left until it is known what it reads. */
        for (uint32_t i = top.first; r->is_dependent && i < o->count; i++) {
            r->needs |= (relations)1 << i;
        }
        o->count++;
    }
done:
    tn_vec_free(&stack);
    return code;
}

/* ---- which relations an expression reads ---- */

static tarn_code reads_of(ordering *o, const tn_columns *columns, relations *out)
{
    *out = 0;
    for (uint32_t r = 0; r < o->count; r++) {
        const relation *of = &o->relations[r];
        if (of->is_dependent && tn_plan__left_only(of->join->join)) {
            if (of->join->join == TN_JOIN_MARK && tn_columns__has(columns, of->join->mark)) {
                *out |= (relations)1 << r;
            }
            continue;
        }
        for (uint32_t i = 0; i < of->plan->output_count; i++) {
            if (tn_columns__has(columns, of->plan->outputs[i].id)) {
                *out |= (relations)1 << r;
                break;
            }
        }
    }
    return TARN_OK;
}

static tarn_code expr_relations(ordering *o, const tn_expr *expr, relations *out, tarn_error *err)
{
    tn_columns columns;
    tn_columns__init(&columns, o->context->pool);
    tarn_code code = tn_columns__add_expr(&columns, expr, err);
    if (code == TARN_OK) {
        code = reads_of(o, &columns, out);
    }
    tn_columns__deinit(&columns);
    return code;
}

static uint32_t only(relations set) /* the one relation of a set, or UINT32_MAX */
{
    return set != 0 && (set & (set - 1)) == 0 ? (uint32_t)__builtin_ctzll(set) : UINT32_MAX;
}

static bool node_can_fail(const tn_plan *join)
{
    bool can = join->join == TN_JOIN_SINGLE;
    for (uint32_t i = 0; i < join->expr_count; i++) {
        can |= join->exprs[i]->can_fail || join->exprs[i]->is_volatile;
    }
    for (uint32_t i = 0; i < join->pair_count; i++) {
        can |= join->pairs[i].left->can_fail || join->pairs[i].right->can_fail;
    }
    return can;
}

/* What a dependent relation needs before it: where its condition could raise, its whole left, so
 * that it is asked of no row that was not asked before. */
static tarn_code find_needs(ordering *o, uint32_t r, tarn_error *err)
{
    relation *of = &o->relations[r];
    tn_columns columns;
    relations reads = 0;
    tn_columns__init(&columns, o->context->pool);
    tarn_code code = tn_columns__add_node(&columns, of->join, err);
    if (code == TARN_OK) {
        code = reads_of(o, &columns, &reads);
    }
    tn_columns__deinit(&columns);
    reads &= of->needs;
    if (reads != 0 && !node_can_fail(of->join)) {
        of->needs = reads;
    }
    of->share = 1;
    for (uint32_t i = 0; i < of->join->pair_count && code == TARN_OK; i++) {
        of->share *= tn_estimates__equality(o->optimiser->estimates, of->join->pairs[i].left,
                                            of->rows, of->join->pairs[i].right, of->rows);
    }
    for (uint32_t i = 0; i < of->join->expr_count && code == TARN_OK; i++) {
        of->share *=
            tn_estimates__selectivity(o->optimiser->estimates, of->join->exprs[i], of->rows);
    }
    return code;
}

/* ---- predicates and classes of equal columns ---- */

static tarn_code class_of(ordering *o, const tn_expr *column, uint32_t relation_of, uint32_t *out,
                          tarn_error *err)
{
    for (size_t i = 0; i < o->members.count; i++) {
        if (o->members.items[i].column->column == column->column) {
            *out = o->members.items[i].class;
            return TARN_OK;
        }
    }
    *out = o->class_count++;
    return tn_vec_push(&o->members, ((member){column, relation_of, *out}), err);
}

static tarn_code add_condition(ordering *o, const tn_expr *expr, tarn_error *err)
{
    relations reads = 0;
    TN_RETURN_IF_ERROR(expr_relations(o, expr, &reads, err));
    if (tn_expr__is_call(expr, "=") && expr->children[0]->kind == TN_EXPR_COLUMN &&
        expr->children[1]->kind == TN_EXPR_COLUMN &&
        expr->children[0]->type == expr->children[1]->type) {
        relations left = 0;
        relations right = 0;
        uint32_t a = 0;
        uint32_t b = 0;
        TN_RETURN_IF_ERROR(expr_relations(o, expr->children[0], &left, err));
        TN_RETURN_IF_ERROR(expr_relations(o, expr->children[1], &right, err));
        const uint32_t l = only(left);
        const uint32_t r = only(right);
        if (l != UINT32_MAX && r != UINT32_MAX && l != r && !o->relations[l].is_dependent &&
            !o->relations[r].is_dependent) {
            TN_RETURN_IF_ERROR(class_of(o, expr->children[0], l, &a, err));
            TN_RETURN_IF_ERROR(class_of(o, expr->children[1], r, &b, err));
            for (size_t i = 0; i < o->members.count; i++) {
                if (o->members.items[i].class == b) {
                    o->members.items[i].class = a;
                }
            }
            return TARN_OK;
        }
    }
    const double share = tn_estimates__selectivity(o->optimiser->estimates, expr, 1e6);
    return tn_vec_push(&o->predicates, ((predicate){expr, reads, share}), err);
}

/* A member of the class in the set, or NULL. */
static const member *member_in(const ordering *o, uint32_t class, relations set)
{
    for (size_t i = 0; (o->class_sets[class] & set) != 0 && i < o->members.count; i++) {
        const member *m = &o->members.items[i];
        if (m->class == class && ((set >> m->of) & 1)) {
            return m;
        }
    }
    return NULL;
}

/* ---- costs ---- */

static bool reads_dependent(const ordering *o, uint32_t r, relations with)
{
    const relations all = with | (relations)1 << r;
    for (size_t i = 0; i < o->predicates.count; i++) {
        const relations reads = o->predicates.items[i].reads;
        if (((reads >> r) & 1) && (reads & ~all) == 0) {
            return true;
        }
    }
    return false;
}

/* Joining two sets: false where that is not allowed. */
static bool pair_up(const ordering *o, relations a, relations b, double rows_a, double rows_b,
                    double *rows, bool *connected)
{
    const uint32_t one = only(b);
    const uint32_t lone = only(a);
    double share = 1;
    *connected = false;
    if (lone != UINT32_MAX && o->relations[lone].is_dependent) {
        return false;
    }
    if (one != UINT32_MAX && o->relations[one].is_dependent) {
        const relation *r = &o->relations[one];
        /* A predicate on its columns is asked above it, so what it reads must come later. */
        if ((r->needs & ~a) != 0 || reads_dependent(o, one, a)) {
            return false;
        }
        const double matches = rows_a * rows_b * r->share;
        *connected = true;
        *rows = r->join->join == TN_JOIN_LEFT   ? (matches > rows_a ? matches : rows_a)
                : r->join->join == TN_JOIN_SEMI ? (matches < rows_a ? matches : rows_a)
                : r->join->join == TN_JOIN_ANTI
                    ? (rows_a > 2 * matches ? rows_a - matches : rows_a / 2)
                    : rows_a;
        return true;
    }
    for (uint32_t c = 0; c < o->class_count; c++) {
        const member *left = member_in(o, c, a);
        const member *right = left == NULL ? NULL : member_in(o, c, b);
        if (right != NULL) {
            *connected = true;
            share *= tn_estimates__equality(o->optimiser->estimates, left->column, rows_a,
                                            right->column, rows_b);
        }
    }
    for (size_t i = 0; i < o->predicates.count; i++) {
        const predicate *p = &o->predicates.items[i];
        if ((p->reads & ~(a | b)) == 0 && (p->reads & a) != 0 && (p->reads & b) != 0) {
            *connected = true;
            share *= p->share;
        }
    }
    *rows = rows_a * rows_b * share;
    return true;
}

static double cost_of(double rows_a, double rows_b, double rows, bool connected, bool dependent)
{
    const double build = dependent || rows_b < rows_a ? rows_b : rows_a;
    const double probe = rows_a + rows_b - build;
    return (connected ? rows : 10 * rows) + 2 * build + probe;
}

static void consider(ordering *o, relations a, relations b, bool cross)
{
    const candidate *left = &o->table[a];
    const candidate *right = &o->table[b];
    candidate *best = &o->table[a | b];
    double rows = 0;
    bool connected = false;
    if (!left->is_there || !right->is_there ||
        !pair_up(o, a, b, left->rows, right->rows, &rows, &connected) || (!connected && !cross)) {
        return;
    }
    const uint32_t one = only(b);
    const bool dependent = one != UINT32_MAX && o->relations[one].is_dependent;
    const double cost =
        left->cost + right->cost + cost_of(left->rows, right->rows, rows, connected, dependent);
    if (!best->is_there || cost < best->cost) {
        *best = (candidate){cost, rows, a, b, true};
    }
}

/* Every set from its parts, small sets first (their numbers are smaller). */
static void search_all(ordering *o, bool cross)
{
    const relations end = (relations)1 << o->count;
    for (relations set = 1; set < end; set++) {
        const relations lowest = set & (~set + 1);
        for (relations a = (set - 1) & set; a != 0; a = (a - 1) & set) {
            const relations b = set & ~a;
            /* Both orders only where the right is dependent. */
            if ((a & lowest) != 0 ||
                (only(b) != UINT32_MAX && o->relations[only(b)].is_dependent)) {
                consider(o, a, b, cross);
            }
        }
    }
}

/* ---- putting together ---- */

static tarn_code conditions_between(ordering *o, relations a, relations b, tn_expr_vec *out,
                                    tarn_error *err)
{
    for (uint32_t c = 0; c < o->class_count; c++) {
        const member *left = member_in(o, c, a);
        const member *right = left == NULL ? NULL : member_in(o, c, b);
        if (right != NULL) {
            const tn_expr *same = NULL;
            TN_RETURN_IF_ERROR(
                tn_expr__call2(o->context, "=", left->column, right->column, &same, err));
            TN_RETURN_IF_ERROR(tn_vec_push(out, same, err));
        }
    }
    for (size_t i = 0; i < o->predicates.count; i++) {
        const predicate *p = &o->predicates.items[i];
        if ((p->reads & ~(a | b)) == 0 && (p->reads & a) != 0 && (p->reads & b) != 0) {
            TN_RETURN_IF_ERROR(tn_vec_push(out, p->expr, err));
        }
    }
    return TARN_OK;
}

static tarn_code remember(ordering *o, const tn_plan *join, tarn_error *err)
{
    return tn_pointer_map__put(&o->optimiser->cloned, join, 2, err);
}

static tarn_code put_together(ordering *o, tn_plan *left, double rows_left, relations a,
                              tn_plan *right, double rows_right, relations b, tn_plan **out,
                              tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec conditions = TN_VEC_INIT(o->context->pool);
    const uint32_t one = only(b);
    if (one != UINT32_MAX && o->relations[one].is_dependent) {
        tn_plan *const children[2] = {left, right};
        tn_plan *copy = NULL;
        TN_TRY(tn_plan__copy(o->context, o->relations[one].join, &copy, err));
        TN_TRY(tn_plan__with_children(o->context, copy, children, out, err));
        TN_TRY(tn_plan__derive(o->context, *out, err));
        TN_TRY(remember(o, *out, err));
        goto done;
    }
    const bool swap = rows_left < rows_right; /* the right is built */
    TN_TRY(conditions_between(o, a, b, &conditions, err));
    TN_TRY(tn_plan__join(o->context, TN_PLAN_JOIN, TN_JOIN_INNER, swap ? right : left,
                         swap ? left : right, conditions.items, (uint32_t)conditions.count,
                         left->span, out, err));
    TN_TRY(remember(o, *out, err));
done:
    tn_vec_free(&conditions);
    return code;
}

/* At most RELATIONS_MAX deep, whatever the query. */
static tarn_code build(ordering *o, relations set, tn_plan **out, tarn_error *err)
{
    const candidate *c = &o->table[set];
    const uint32_t one = only(set);
    tn_plan *left = NULL;
    tn_plan *right = NULL;
    if (one != UINT32_MAX) {
        *out = o->relations[one].plan;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(build(o, c->left, &left, err));
    TN_RETURN_IF_ERROR(build(o, c->right, &right, err));
    return put_together(o, left, o->table[c->left].rows, c->left, right, o->table[c->right].rows,
                        c->right, out, err);
}

static tarn_code order_exactly(ordering *o, tn_plan **out, tarn_error *err)
{
    const relations all = ((relations)1 << o->count) - 1;
    const size_t size = (size_t)(all + 1) * sizeof(candidate);
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(o->context->pool, size, (void **)&o->table, err));
    for (uint32_t r = 0; r < o->count; r++) {
        o->table[(relations)1 << r] = (candidate){0, o->relations[r].rows, 0, 0, true};
    }
    search_all(o, false);
    if (!o->table[all].is_there) {
        search_all(o, true);
    }
    tarn_code code = TARN_OK;
    if (o->table[all].is_there) {
        code = build(o, all, out, err);
    } else {
        *out = NULL;
    }
    tn_pool_free(o->context->pool, o->table, size);
    return code;
}

/* Smallest result first, among all that may be joined. */
static tarn_code order_greedily(ordering *o, tn_plan **out, tarn_error *err)
{
    tn_plan *plans[RELATIONS_MAX];
    relations sets[RELATIONS_MAX];
    double rows[RELATIONS_MAX];
    uint32_t count = o->count;
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        plans[i] = o->relations[i].plan;
        sets[i] = (relations)1 << i;
        rows[i] = o->relations[i].rows;
    }
    while (count > 1) {
        double best_cost = -1;
        double best_rows = 0;
        uint32_t a = 0;
        uint32_t b = 0;
        for (int cross = 0; cross < 2 && best_cost < 0; cross++) {
            for (uint32_t i = 0; i < count; i++) {
                for (uint32_t j = 0; j < count; j++) {
                    double made = 0;
                    bool connected = false;
                    if (i == j ||
                        !pair_up(o, sets[i], sets[j], rows[i], rows[j], &made, &connected) ||
                        (!connected && !cross)) {
                        continue;
                    }
                    const double cost = made + (rows[i] < rows[j] ? rows[i] : rows[j]);
                    if (best_cost < 0 || cost < best_cost) {
                        best_cost = cost;
                        best_rows = made;
                        a = i;
                        b = j;
                    }
                }
            }
        }
        if (best_cost < 0) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(put_together(o, plans[a], rows[a], sets[a], plans[b], rows[b], sets[b],
                                        &plans[a], err));
        sets[a] |= sets[b];
        rows[a] = best_rows;
        count--;
        plans[b] = plans[count];
        sets[b] = sets[count];
        rows[b] = rows[count];
    }
    *out = plans[0];
    return TARN_OK;
}

/* ---- the rule ---- */

/* Columns of one relation that are equal by way of another relation's: a filter of its own, since
 * a join takes one member of each side. */
static tarn_code equal_within(ordering *o, tarn_error *err)
{
    for (size_t i = 0; i < o->members.count; i++) {
        const member *one = &o->members.items[i];
        for (size_t j = 0; j < i; j++) {
            const member *other = &o->members.items[j];
            relation *of = &o->relations[one->of];
            const tn_expr *same = NULL;
            if (other->class != one->class || other->of != one->of) {
                continue;
            }
            TN_RETURN_IF_ERROR(
                tn_expr__call2(o->context, "=", other->column, one->column, &same, err));
            TN_RETURN_IF_ERROR(tn_plan__filter(o->context, of->plan, &same, 1, &of->plan, err));
            TN_RETURN_IF_ERROR(
                tn_estimates__rows(o->optimiser->estimates, of->plan, &of->rows, err));
            break; /* with the first; that one is equal to the others */
        }
    }
    return TARN_OK;
}

static tarn_code prepare(ordering *o, tarn_error *err)
{
    for (uint32_t r = 0; r < o->count; r++) {
        TN_RETURN_IF_ERROR(tn_estimates__rows(o->optimiser->estimates, o->relations[r].plan,
                                              &o->relations[r].rows, err));
    }
    for (uint32_t r = 0; r < o->count; r++) {
        if (o->relations[r].is_dependent) {
            TN_RETURN_IF_ERROR(find_needs(o, r, err));
        }
    }
    for (size_t i = 0; i < o->conditions.count; i++) {
        TN_RETURN_IF_ERROR(add_condition(o, o->conditions.items[i], err));
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(o->context->expr.arena, relations, o->class_count + 1, &o->class_sets, err));
    for (size_t i = 0; i < o->members.count; i++) {
        o->class_sets[o->members.items[i].class] |= (relations)1 << o->members.items[i].of;
    }
    return equal_within(o, err);
}

/* Conditions that read one relation or none: they have no place in a join. */
static tarn_code add_rest(ordering *o, tn_plan **plan, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_expr_vec rest = TN_VEC_INIT(o->context->pool);
    for (size_t i = 0; i < o->predicates.count; i++) {
        const relations reads = o->predicates.items[i].reads;
        if (reads == 0 || only(reads) != UINT32_MAX) {
            TN_TRY(tn_vec_push(&rest, o->predicates.items[i].expr, err));
        }
    }
    TN_TRY(tn_plan__filter(o->context, *plan, rest.items, (uint32_t)rest.count, plan, err));
done:
    tn_vec_free(&rest);
    return code;
}

TN_FALLIBLE tn_rule__join_order(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_optimiser *optimiser = context;
    tn_pool *pool = optimiser->context->pool;
    ordering *o = NULL;
    tn_plan *made = NULL;
    size_t seen = 0;
    *out = plan;
    if (plan->kind != TN_PLAN_JOIN || (plan->join != TN_JOIN_INNER && !is_left_kind(plan->join)) ||
        (tn_pointer_map__find(&optimiser->cloned, plan, &seen) && seen == 2)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(*o), (void **)&o, err));
    *o = (ordering){.optimiser = optimiser,
                    .context = optimiser->context,
                    .conditions = TN_VEC_INIT(pool),
                    .predicates = TN_VEC_INIT(pool),
                    .members = TN_VEC_INIT(pool)};
    TN_TRY(take_apart(o, plan, err));
    TN_TRY(prepare(o, err));
    if (o->count <= EXACT_MAX) {
        TN_TRY(order_exactly(o, &made, err));
    } else {
        TN_TRY(order_greedily(o, &made, err));
    }
    if (made != NULL) {
        TN_TRY(add_rest(o, &made, err));
        TN_TRY(tn_plan__restore(o->context, made, plan->outputs, plan->output_count, out, err));
    }
done:
    tn_vec_free(&o->conditions);
    tn_vec_free(&o->predicates);
    tn_vec_free(&o->members);
    tn_pool_free(pool, o, sizeof(*o));
    return code;
}

/* A small left beside a large right is built: LEFT becomes RIGHT, SEMI and ANTI ask which rows of
 * the build had a match. */
TN_FALLIBLE tn_rule__build_side(void *context, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_optimiser *optimiser = context;
    double left = 0;
    double right = 0;
    *out = plan;
    if (plan->kind != TN_PLAN_JOIN || plan->pair_count == 0) {
        return TARN_OK;
    }
    const bool filters =
        (plan->join == TN_JOIN_SEMI || plan->join == TN_JOIN_ANTI) && !plan->null_aware;
    if (plan->join != TN_JOIN_LEFT && !filters) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_estimates__rows(optimiser->estimates, plan->children[0], &left, err));
    TN_RETURN_IF_ERROR(tn_estimates__rows(optimiser->estimates, plan->children[1], &right, err));
    if (left * 4 >= right) {
        return TARN_OK;
    }
    if (filters) {
        TN_RETURN_IF_ERROR(tn_plan__copy(optimiser->context, plan, out, err));
        (*out)->build_left = true;
        return TARN_OK;
    }
    tarn_code code = TARN_OK;
    tn_expr_vec conditions = TN_VEC_INIT(optimiser->context->pool);
    tn_plan *swapped = NULL;
    TN_TRY(tn_plan__conditions(optimiser->context, plan, &conditions, err));
    TN_TRY(tn_plan__join(optimiser->context, TN_PLAN_JOIN, TN_JOIN_RIGHT, plan->children[1],
                         plan->children[0], conditions.items, (uint32_t)conditions.count,
                         plan->span, &swapped, err));
    TN_TRY(
        tn_plan__restore(optimiser->context, swapped, plan->outputs, plan->output_count, out, err));
done:
    tn_vec_free(&conditions);
    return code;
}
