/*
 * How many rows a node gives, about: from the sources' statistics, and the usual assumptions where
 * they say nothing.
 *
 * For each column: how many distinct values (known, or at most so many) and between which numbers.
 * Since ids are unique in a plan, a column's facts are those of the node that made it.
 */
#include "expr/function.h"
#include "plan/optimise_internal.h"

#include <math.h>

typedef struct facts {
    double distinct;     /* 0: unknown */
    bool distinct_known; /* else an upper bound */
    bool is_guess;       /* nothing but the number of rows */
    bool bounded;
    double min, max;
    double nulls; /* share */
} facts;

struct tn_estimates {
    tn_plan_context *context;
    TN_VEC(facts) columns;
    TN_VEC(double) rows;
    tn_pointer_map numbers; /* of nodes, into rows */
};

TN_FALLIBLE tn_estimates__create(tn_plan_context *context, tn_estimates **out, tarn_error *err)
{
    tn_estimates *e = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(context->expr.arena, tn_estimates, &e, err));
    *e = (tn_estimates){.context = context,
                        .columns = TN_VEC_INIT(context->pool),
                        .rows = TN_VEC_INIT(context->pool)};
    tn_pointer_map__init(&e->numbers, context->pool);
    *out = e;
    return TARN_OK;
}

void tn_estimates__destroy(tn_estimates *e)
{
    if (e != NULL) {
        tn_vec_free(&e->columns);
        tn_vec_free(&e->rows);
        tn_pointer_map__deinit(&e->numbers);
    }
}

static facts *facts_of(const tn_estimates *e, tn_column_id id)
{
    return id < e->columns.count ? &e->columns.items[id] : NULL;
}

static tarn_code set_facts(tn_estimates *e, tn_column_id id, facts value, tarn_error *err)
{
    while (e->columns.count <= id) {
        TN_RETURN_IF_ERROR(tn_vec_push(&e->columns, ((facts){0}), err));
    }
    e->columns.items[id] = value;
    return TARN_OK;
}

static bool as_number(const tn_value *value, double *out)
{
    const tn_type *type = value->type;
    if (value->is_null || type == NULL) {
        return false;
    }
    if (type->lane >= TN_LANE_i8 && type->lane <= TN_LANE_i64) {
        *out = (double)value->i64;
        return true;
    }
    if (type->lane >= TN_LANE_u8 && type->lane <= TN_LANE_u64) {
        *out = (double)value->u64;
        return true;
    }
    if (type->lane == TN_LANE_i128) {
        *out = (double)value->i128;
        return true;
    }
    *out = value->f64;
    return tn_type_is_float(type) && isfinite(value->f64);
}

/* ---- selectivity ---- */

static double clamp(double share)
{
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static double distinct_of(const tn_estimates *e, const tn_expr *expr, double rows, bool *known)
{
    const facts *f = expr->kind == TN_EXPR_COLUMN ? facts_of(e, expr->column) : NULL;
    *known = f != NULL && f->distinct > 0 && f->distinct_known;
    double distinct = f != NULL && f->distinct > 0 ? f->distinct : rows;
    if (expr->kind == TN_EXPR_CAST && expr->children[0]->kind == TN_EXPR_COLUMN) {
        return distinct_of(e, expr->children[0], rows, known);
    }
    if (distinct > rows) {
        distinct = rows;
    }
    return distinct < 1 ? 1 : distinct;
}

double tn_estimates__equality(tn_estimates *e, const tn_expr *left, double left_rows,
                              const tn_expr *right, double right_rows)
{
    bool left_known = false;
    bool right_known = false;
    /* Distinct counts are of the whole table: filters above a key leave holes on one side only. */
    const double l = distinct_of(e, left, INFINITY, &left_known);
    const double r = distinct_of(e, right, INFINITY, &right_known);
    const double left_distinct = isfinite(l) ? l : left_rows < 1 ? 1 : left_rows;
    const double right_distinct = isfinite(r) ? r : right_rows < 1 ? 1 : right_rows;
    if (left_known && right_known) {
        return 1 / fmax(left_distinct, right_distinct);
    }
    /* Upper bounds: a key's is its table's size, a reference's may be anything above. */
    return 1 / fmax(1, fmin(left_distinct, right_distinct));
}

static double compare_share(const tn_estimates *e, const char *op, const tn_expr *column,
                            const tn_value *value, double rows)
{
    const facts *f = facts_of(e, column->column);
    bool known = false;
    double number = 0;
    double distinct = f != NULL && f->distinct > 0 ? distinct_of(e, column, rows, &known) : 25;
    if (f != NULL && f->is_guess) { /* who compares with a constant seldom does so with a key */
        distinct = fmin(distinct, 25);
    }
    const bool placed = f != NULL && f->bounded && as_number(value, &number);
    if (strcmp(op, "=") == 0) {
        return placed && (number < f->min || number > f->max) ? 0.5 / fmax(rows, 1) : 1 / distinct;
    }
    if (strcmp(op, "<>") == 0) {
        return 1 - 1 / distinct;
    }
    if (!placed) {
        return 0.3;
    }
    const double width = f->max - f->min;
    const double below = width <= 0 ? (number >= f->min) : clamp((number - f->min) / width);
    const double share = op[0] == '<' ? below : 1 - below;
    return fmax(share, 0.5 / fmax(rows, 1));
}

static const char *mirrored(const char *op)
{
    return strcmp(op, "<") == 0    ? ">"
           : strcmp(op, "<=") == 0 ? ">="
           : strcmp(op, ">") == 0  ? "<"
           : strcmp(op, ">=") == 0 ? "<="
                                   : op;
}

static double call_share(tn_estimates *e, const tn_expr *expr, double rows, int depth);
static double share_of(tn_estimates *e, const tn_expr *expr, double rows, int depth);

/* 1: keeps what is below a constant, -1: what is above; 0: is no such comparison of a column whose
 * bounds are known. */
static int side_of(const tn_estimates *e, const tn_expr *expr, tn_column_id *column)
{
    if (expr->kind != TN_EXPR_CALL || expr->child_count != 2) {
        return 0;
    }
    const bool turned = expr->children[0]->kind == TN_EXPR_LITERAL;
    const tn_expr *of = expr->children[turned];
    const char *op = turned ? mirrored(expr->function->name) : expr->function->name;
    if (of->kind != TN_EXPR_COLUMN || expr->children[!turned]->kind != TN_EXPR_LITERAL ||
        facts_of(e, of->column) == NULL || !facts_of(e, of->column)->bounded) {
        return 0;
    }
    *column = of->column;
    return strcmp(op, "<") == 0 || strcmp(op, "<=") == 0   ? 1
           : strcmp(op, ">") == 0 || strcmp(op, ">=") == 0 ? -1
                                                           : 0;
}

/* Of conditions that must all hold.  Two that bound one column from both sides are a range: what
 * either drops is dropped once, so that the shares do not multiply. */
static double share_of_all(tn_estimates *e, const tn_expr *const *exprs, uint32_t count,
                           double rows, int depth)
{
    double share = 1;
    for (uint32_t i = 0; i < count && share > 1e-9; i++) {
        tn_column_id column = 0;
        tn_column_id other = 0;
        double own = share_of(e, exprs[i], rows, depth);
        const int side = side_of(e, exprs[i], &column);
        for (uint32_t j = 0; side != 0 && j < i; j++) {
            if (side_of(e, exprs[j], &other) == -side && other == column) {
                const double before = share_of(e, exprs[j], rows, depth);
                own = fmax(own + before - 1, 0.5 / fmax(rows, 1)) / fmax(before, 1e-9);
                break;
            }
        }
        share *= clamp(own);
    }
    return share;
}

static double share_of(tn_estimates *e, const tn_expr *expr, double rows, int depth)
{
    double share = 1;
    if (depth == 0) {
        return 0.3;
    }
    switch (expr->kind) {
    case TN_EXPR_LITERAL:
        return tn_expr__is_true(expr) ? 1 : 0;
    case TN_EXPR_AND:
        return share_of_all(e, expr->children, expr->child_count, rows, depth - 1);
    case TN_EXPR_OR:
        for (uint32_t i = 0; i < expr->child_count && share > 1e-9; i++) {
            share *= 1 - share_of(e, expr->children[i], rows, depth - 1);
        }
        return 1 - share;
    case TN_EXPR_IN: {
        bool known = false;
        const tn_expr *of = expr->children[0];
        const facts *f = of->kind == TN_EXPR_COLUMN ? facts_of(e, of->column) : NULL;
        double distinct = f != NULL && f->distinct > 0 ? distinct_of(e, of, rows, &known) : 25;
        if (f != NULL && f->is_guess) {
            distinct = fmin(distinct, 25);
        }
        share = clamp((expr->child_count - 1) / distinct);
        return expr->negated ? 1 - share : share;
    }
    case TN_EXPR_CALL:
        return call_share(e, expr, rows, depth);
    case TN_EXPR_COLUMN:
        return 0.5;
    case TN_EXPR_PARAMETER:
    case TN_EXPR_CAST:
    case TN_EXPR_CASE:
    case TN_EXPR_AGGREGATE:
    case TN_EXPR_SUBQUERY:
    default:
        return 0.3;
    }
}

static double call_share(tn_estimates *e, const tn_expr *expr, double rows, int depth)
{
    const char *name = expr->function->name;
    if (strcmp(name, "not") == 0) {
        return 1 - share_of(e, expr->children[0], rows, depth - 1);
    }
    if (strcmp(name, "is_null") == 0 || strcmp(name, "is_not_null") == 0) {
        const tn_expr *of = expr->children[0];
        const facts *f = of->kind == TN_EXPR_COLUMN ? facts_of(e, of->column) : NULL;
        const double nulls = f == NULL ? 0.1 : f->nulls;
        return strcmp(name, "is_null") == 0 ? fmax(nulls, 0.5 / fmax(rows, 1)) : 1 - nulls;
    }
    if (strcmp(name, "like") == 0 || strcmp(name, "ilike") == 0 ||
        strcmp(name, "starts_with") == 0 || strcmp(name, "contains") == 0) {
        return 0.1;
    }
    if (expr->child_count == 2) {
        const tn_expr *a = expr->children[0];
        const tn_expr *b = expr->children[1];
        if (a->kind == TN_EXPR_COLUMN && b->kind == TN_EXPR_LITERAL) {
            return compare_share(e, name, a, &b->value, rows);
        }
        if (b->kind == TN_EXPR_COLUMN && a->kind == TN_EXPR_LITERAL) {
            return compare_share(e, mirrored(name), b, &a->value, rows);
        }
        if (strcmp(name, "=") == 0) {
            bool known = false;
            const double l = distinct_of(e, a, rows, &known);
            const double r = distinct_of(e, b, rows, &known);
            return 1 / fmax(1, fmin(fmax(l, r), 100));
        }
    }
    return 0.3;
}

double tn_estimates__selectivity(tn_estimates *e, const tn_expr *expr, double rows)
{
    return clamp(share_of(e, expr, rows, 16));
}

/* ---- rows ---- */

static tarn_code scan_rows(tn_estimates *e, const tn_plan *plan, double *out, tarn_error *err)
{
    tn_statistics statistics = {0};
    if (plan->source->ops->statistics != NULL) {
        TN_RETURN_IF_ERROR(plan->source->ops->statistics(plan->source, plan->conjuncts,
                                                         plan->conjunct_count,
                                                         e->context->expr.arena, &statistics, err));
    }
    /* A file of unknown size: large enough not to be a build side without reason. */
    double rows = statistics.rows_known != TN_UNKNOWN    ? (double)statistics.rows
                  : statistics.bytes_known != TN_UNKNOWN ? (double)statistics.bytes / 64
                                                         : 100000;
    for (uint32_t i = 0; i < plan->output_count; i++) {
        facts f = {.nulls = plan->outputs[i].nullable ? 0.05 : 0};
        const uint32_t field = plan->fields[i];
        if (statistics.columns != NULL && field < plan->source->schema.count) {
            const tn_column_statistics *s = &statistics.columns[field];
            f.bounded =
                s->bounds != TN_UNKNOWN && as_number(&s->min, &f.min) && as_number(&s->max, &f.max);
            if (s->nulls != TN_UNKNOWN && rows > 0) {
                f.nulls = clamp((double)s->null_count / rows);
            }
            if (s->distinct != TN_UNKNOWN) {
                f.distinct = (double)s->distinct_count;
                f.distinct_known = true;
            } else if (f.bounded && !tn_type_is_float(plan->outputs[i].type)) {
                f.distinct = f.max - f.min + 1;
            }
        }
        f.is_guess = f.distinct <= 0;
        if (f.distinct <= 0 || f.distinct > rows) {
            f.distinct = rows;
        }
        TN_RETURN_IF_ERROR(set_facts(e, plan->outputs[i].id, f, err));
    }
    *out = plan->row_limit == UINT64_MAX ? rows : fmin(rows, (double)plan->row_limit);
    return TARN_OK;
}

/* What is known of a computed column: the facts of the column it is. */
static tarn_code hand_facts(tn_estimates *e, const tn_expr *expr, tn_column_id id, double rows,
                            tarn_error *err)
{
    facts f = {.distinct = rows, .nulls = 0.05, .is_guess = true};
    const facts *known = NULL;
    if (expr->kind == TN_EXPR_COLUMN) {
        known = facts_of(e, expr->column);
    } else if (expr->kind == TN_EXPR_CAST && expr->children[0]->kind == TN_EXPR_COLUMN) {
        known = facts_of(e, expr->children[0]->column);
    } else if (expr->kind == TN_EXPR_CALL && expr->child_count > 0 &&
               expr->children[expr->child_count - 1]->kind == TN_EXPR_COLUMN) {
        /* A function of one column has at most its values: extract(year from d). */
        known = facts_of(e, expr->children[expr->child_count - 1]->column);
        if (known != NULL) {
            f.distinct = known->distinct;
            known = NULL;
        }
    }
    return set_facts(e, id, known != NULL ? *known : f, err);
}

static double groups_of(tn_estimates *e, const tn_expr *const *keys, uint32_t count, double rows)
{
    double groups = 1;
    for (uint32_t i = 0; i < count && groups < rows; i++) {
        bool known = false;
        const facts *f = keys[i]->kind == TN_EXPR_COLUMN ? facts_of(e, keys[i]->column) : NULL;
        groups *= f == NULL || f->distinct <= 0 ? fmax(1, sqrt(rows))
                                                : distinct_of(e, keys[i], rows, &known);
    }
    return fmin(groups, fmax(rows, count == 0 ? 1 : 0));
}

static double join_rows(tn_estimates *e, const tn_plan *plan, double left, double right)
{
    double share = 1;
    for (uint32_t i = 0; i < plan->pair_count; i++) {
        share *= tn_estimates__equality(e, plan->pairs[i].left, left, plan->pairs[i].right, right);
    }
    const double before = left * right * share;
    double rows = before;
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        rows *= tn_estimates__selectivity(e, plan->exprs[i], before);
    }
    switch (plan->join) {
    case TN_JOIN_LEFT:
        return fmax(rows, left);
    case TN_JOIN_RIGHT:
        return fmax(rows, right);
    case TN_JOIN_FULL:
        return fmax(rows, left + right);
    case TN_JOIN_SEMI:
        return plan->pair_count > 0 ? fmin(left, fmax(rows, 1)) : left * 0.5;
    case TN_JOIN_ANTI:
        return fmax(left - fmin(left, rows), left * 0.1);
    case TN_JOIN_MARK:
    case TN_JOIN_SINGLE:
        return left;
    case TN_JOIN_INNER:
    default:
        return rows;
    }
}

static double input_rows(const tn_estimates *e, const tn_plan *plan, uint32_t child)
{
    size_t number = 0;
    return tn_pointer_map__find(&e->numbers, plan->children[child], &number) ? e->rows.items[number]
                                                                             : 1000;
}

static tarn_code set_outputs(tn_estimates *e, const tn_plan *plan, double rows, tarn_error *err)
{
    const bool group = plan->kind == TN_PLAN_AGGREGATE;
    for (uint32_t i = 0; i < plan->output_count; i++) {
        if (group) {
            TN_RETURN_IF_ERROR(hand_facts(
                e, i < plan->key_count ? plan->keys[i] : plan->exprs[i - plan->key_count],
                plan->outputs[i].id, rows, err));
        } else if (plan->kind == TN_PLAN_PROJECT) {
            TN_RETURN_IF_ERROR(hand_facts(e, plan->exprs[i], plan->outputs[i].id, rows, err));
        } else { /* SHARED, set operations: by position */
            const facts *f = facts_of(e, plan->children[0]->outputs[i].id);
            facts copy = f == NULL ? (facts){.distinct = rows} : *f;
            if (plan->kind == TN_PLAN_UNION) {
                copy.bounded = false;
                copy.distinct_known = false;
            }
            TN_RETURN_IF_ERROR(set_facts(e, plan->outputs[i].id, copy, err));
        }
    }
    return TARN_OK;
}

static tarn_code node_rows(tn_estimates *e, const tn_plan *plan, double *out, tarn_error *err)
{
    const double input = plan->child_count > 0 ? input_rows(e, plan, 0) : 0;
    double rows = input;
    switch (plan->kind) {
    case TN_PLAN_SCAN:
        return scan_rows(e, plan, out, err);
    case TN_PLAN_VALUES:
        rows = plan->row_count;
        for (uint32_t i = 0; i < plan->output_count; i++) {
            TN_RETURN_IF_ERROR(
                set_facts(e, plan->outputs[i].id, (facts){.distinct = fmax(rows, 1)}, err));
        }
        break;
    case TN_PLAN_FILTER:
        rows *= plan->prefilter ? 1 : share_of_all(e, plan->exprs, plan->expr_count, input, 16);
        break;
    case TN_PLAN_AGGREGATE:
        rows = groups_of(e, plan->keys, plan->key_count, input);
        TN_RETURN_IF_ERROR(set_outputs(e, plan, rows, err));
        break;
    case TN_PLAN_JOIN:
    case TN_PLAN_APPLY:
        rows = join_rows(e, plan, input, input_rows(e, plan, 1));
        break;
    case TN_PLAN_SORT:
    case TN_PLAN_LIMIT:
        rows = fmax(0, input - (double)plan->offset);
        rows = plan->limit == UINT64_MAX ? rows : fmin(rows, (double)plan->limit);
        break;
    case TN_PLAN_DISTINCT:
        rows = plan->key_count > 0 ? groups_of(e, plan->keys, plan->key_count, input) *
                                         fmin((double)plan->limit, fmax(input, 1))
                                   : 1;
        for (uint32_t i = 0; plan->key_count == 0 && i < plan->output_count; i++) {
            const facts *f = facts_of(e, plan->outputs[i].id);
            rows *= f == NULL || f->distinct <= 0 ? sqrt(fmax(input, 1)) : f->distinct;
        }
        rows = fmin(rows, input);
        break;
    case TN_PLAN_UNION:
        for (uint32_t i = 1; i < plan->child_count; i++) {
            rows += input_rows(e, plan, i);
        }
        TN_RETURN_IF_ERROR(set_outputs(e, plan, rows, err));
        break;
    case TN_PLAN_METER:
        break;
    case TN_PLAN_PROJECT:
    case TN_PLAN_EXCEPT:
    case TN_PLAN_INTERSECT:
    case TN_PLAN_SHARED:
        TN_RETURN_IF_ERROR(set_outputs(e, plan, rows, err));
        break;
    case TN_PLAN_UNNEST:
        rows = input * 5;
        for (uint32_t i = 0; i < plan->expr_count && i < plan->output_count; i++) {
            TN_RETURN_IF_ERROR(set_facts(e, plan->outputs[plan->output_count - 1 - i].id,
                                         (facts){.distinct = rows}, err));
        }
        break;
    case TN_PLAN_WRITE:
        rows = 1;
        break;
    case TN_PLAN_ALL:
    case TN_PLAN_KIND_COUNT:
    default:
        rows = 0;
        break;
    }
    *out = rows;
    return TARN_OK;
}

TN_FALLIBLE tn_estimates__rows(tn_estimates *e, const tn_plan *plan, double *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(const tn_plan *) stack = TN_VEC_INIT(e->context->pool);
    size_t number = 0;
    TN_TRY(tn_vec_push(&stack, plan, err));
    while (stack.count > 0) {
        const tn_plan *top = stack.items[stack.count - 1];
        bool ready = true;
        if (tn_pointer_map__find(&e->numbers, top, &number)) {
            stack.count--;
            continue;
        }
        for (uint32_t i = 0; i < top->child_count; i++) {
            if (!tn_pointer_map__find(&e->numbers, top->children[i], &number)) {
                TN_TRY(tn_vec_push(&stack, top->children[i], err));
                ready = false;
            }
        }
        if (ready) {
            double rows = 0;
            TN_TRY(node_rows(e, top, &rows, err));
            TN_TRY(tn_pointer_map__put(&e->numbers, top, e->rows.count, err));
            TN_TRY(tn_vec_push(&e->rows, rows, err));
            stack.count--;
        }
    }
    (void)tn_pointer_map__find(&e->numbers, plan, &number);
    *out = e->rows.items[number];
done:
    tn_vec_free(&stack);
    return code;
}
