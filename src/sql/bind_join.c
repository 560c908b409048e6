/* bind_join.c - joins: conditions, USING and NATURAL, tables that read those before them. */
#include "sql/bind_internal.h"

/* ---- USING ---- */

static bool is_bare(const tn_scope_column *column)
{
    return !column->qualified_only && !column->hidden;
}

static TN_FALLIBLE side_column(tn_binder *b, size_t from, size_t to, tn_str name, tn_span span,
                               const char *side, tn_scope_column **out, tarn_error *err)
{
    *out = NULL;
    bool exact = false;
    for (size_t i = from; i < to; i++) {
        tn_scope_column *column = &b->columns.items[i];
        if (!is_bare(column) || !tn_str_equal_fold(column->name, name)) {
            continue;
        }
        const bool same = tn_str_equal(column->name, name);
        if (*out != NULL && same == exact) {
            return tn_binder__fail(b, span, err, TARN_E_INVALID,
                                   "'%.*s' is twice on the %s side of the JOIN", TN_STR_ARGS(name),
                                   side);
        }
        if (*out == NULL || same) {
            *out = column;
            exact = same;
        }
    }
    if (*out == NULL) {
        return tn_binder__fail(b, span, err, TARN_E_INVALID,
                               "no column named '%.*s' on the %s side of the JOIN",
                               TN_STR_ARGS(name), side);
    }
    return TARN_OK;
}

static TN_FALLIBLE column_expr(tn_binder *b, const tn_scope_column *column, tn_span span,
                               const tn_expr **out, tarn_error *err)
{
    return tn_expr_column(b->expr_context, column->id, column->name, column->type,
                          tn_binder__span(b, span), out, err);
}

/* The columns that both sides have, in the left's order. */
static TN_FALLIBLE natural_names(tn_binder *b, const tn_bind_from_frame *f,
                                 const tn_ast_item **names, uint32_t *count, tarn_error *err)
{
    tn_ast_item *items;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_ast_item, f->middle - f->from, &items, err));
    *count = 0;
    for (size_t i = f->from; i < f->middle; i++) {
        const tn_scope_column *left = &b->columns.items[i];
        bool shared = false;
        for (size_t k = f->middle; is_bare(left) && k < b->columns.count; k++) {
            const tn_scope_column *right = &b->columns.items[k];
            shared = shared || (is_bare(right) && tn_str_equal_fold(left->name, right->name));
        }
        if (shared) {
            items[(*count)++] = (tn_ast_item){.alias = left->name, .alias_span = f->table->span};
        }
    }
    *names = items;
    return TARN_OK;
}

typedef struct using_pair {
    size_t left, right; /* of b->columns */
} using_pair;

static TN_FALLIBLE using_condition(tn_binder *b, const tn_bind_from_frame *f,
                                   const tn_ast_item *names, uint32_t count, using_pair *pairs,
                                   const tn_expr **out, tarn_error *err)
{
    const tn_expr **parts;
    *out = NULL;
    if (count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, count, &parts, err));
    for (uint32_t i = 0; i < count; i++) {
        tn_scope_column *left;
        tn_scope_column *right;
        const tn_expr *pair[2];
        const tn_span span = names[i].alias_span;
        TN_RETURN_IF_ERROR(
            side_column(b, f->from, f->middle, names[i].alias, span, "left", &left, err));
        TN_RETURN_IF_ERROR(side_column(b, f->middle, b->columns.count, names[i].alias, span,
                                       "right", &right, err));
        pairs[i] =
            (using_pair){(size_t)(left - b->columns.items), (size_t)(right - b->columns.items)};
        TN_RETURN_IF_ERROR(column_expr(b, left, span, &pair[0], err));
        TN_RETURN_IF_ERROR(column_expr(b, right, span, &pair[1], err));
        TN_RETURN_IF_ERROR(tn_expr_call(b->expr_context, TN_STR("="), pair, 2,
                                        tn_binder__span(b, span), &parts[i], err));
    }
    return tn_expr_and(b->expr_context, parts, count, out, err);
}

/* FULL JOIN ... USING: the column is whichever side has a value. */
static TN_FALLIBLE coalesce_columns(tn_binder *b, const tn_bind_from_frame *f,
                                    const using_pair *pairs, uint32_t count, uint32_t merged,
                                    tarn_error *err)
{
    const tn_plan *plan = b->plan;
    const uint32_t width = plan->output_count;
    const tn_expr **exprs;
    tn_str *names;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, width + count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, width + count, &names, err));
    for (uint32_t i = 0; i < width; i++) {
        TN_RETURN_IF_ERROR(tn_plan_column(b->context, plan, i, (tn_span){0, 0}, &exprs[i], err));
        names[i] = plan->outputs[i].name;
    }
    for (uint32_t i = 0; i < count; i++) {
        const tn_expr *pair[2];
        const tn_scope_column *left = &b->columns.items[pairs[i].left];
        TN_RETURN_IF_ERROR(column_expr(b, left, f->table->span, &pair[0], err));
        TN_RETURN_IF_ERROR(
            column_expr(b, &b->columns.items[pairs[i].right], f->table->span, &pair[1], err));
        TN_RETURN_IF_ERROR(tn_expr_call(b->expr_context, TN_STR("coalesce"), pair, 2,
                                        tn_binder__span(b, f->table->span), &exprs[width + i],
                                        err));
        names[width + i] = left->name;
    }
    TN_RETURN_IF_ERROR(
        tn_plan_project(b->context, b->plan, exprs, names, width + count, &b->plan, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_output *output = &b->plan->outputs[width + i];
        b->columns.items[pairs[i].left].qualified_only = true;
        b->columns.items[pairs[i].right].qualified_only = true;
        TN_RETURN_IF_ERROR(tn_binder__push_column(b,
                                                  (tn_scope_column){.name = output->name,
                                                                    .id = output->id,
                                                                    .type = output->type,
                                                                    .unqualified = true,
                                                                    .merged = merged - i},
                                                  err));
    }
    return TARN_OK;
}

static TN_FALLIBLE merge_columns(tn_binder *b, const tn_bind_from_frame *f, const using_pair *pairs,
                                 uint32_t count, tarn_error *err)
{
    const uint32_t merged =
        ++b->joins << 12 | 0xFFF; /* 4,096 names: the order of * beyond is ours */
    if (f->table->join == TN_JOIN_FULL) {
        return coalesce_columns(b, f, pairs, count, merged, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        const bool right = f->table->join == TN_JOIN_RIGHT;
        tn_scope_column *kept = &b->columns.items[right ? pairs[i].right : pairs[i].left];
        tn_scope_column *other = &b->columns.items[right ? pairs[i].left : pairs[i].right];
        kept->merged = merged - (i < 0xFFF ? i : 0xFFE);
        other->qualified_only = true;
        other->merged = 0;
    }
    return TARN_OK;
}

tarn_code tn_binder__join(tn_binder *b, tn_bind_from_frame *f, const tn_expr *condition,
                          tarn_error *err)
{
    const tn_ast_table *table = f->table;
    const tn_ast_item *names = table->using;
    uint32_t count = table->using_count;
    using_pair *pairs;
    const tn_span span = tn_binder__span(b, table->span);

    if (table->natural) {
        TN_RETURN_IF_ERROR(natural_names(b, f, &names, &count, err));
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, using_pair, count, &pairs, err));
    if (count > 0) {
        TN_RETURN_IF_ERROR(using_condition(b, f, names, count, pairs, &condition, err));
    }
    const tn_join_kind kind = table->join;
    if (f->lateral_used) {
        TN_RETURN_IF_ERROR(
            tn_plan_apply(b->context, kind, f->left, f->right, condition, span, &b->plan, err));
    } else {
        TN_RETURN_IF_ERROR(
            tn_plan_join(b->context, kind, f->left, f->right, condition, span, &b->plan, err));
    }
    if (kind == TN_JOIN_SEMI || kind == TN_JOIN_ANTI) {
        b->columns.count = f->middle;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(merge_columns(b, f, pairs, count, err));
    for (size_t i = f->from; table->alias.size > 0 && i < b->columns.count; i++) {
        b->columns.items[i].table = table->alias; /* (a JOIN b) AS c */
    }
    return TARN_OK;
}

/* ---- the walk ---- */

/* unnest() stands on what is left of it. */
static TN_FALLIBLE check_unnest(tn_binder *b, const tn_ast_table *join, tarn_error *err)
{
    const bool always = join->condition == NULL ||
                        (join->condition->kind == TN_AST_BOOLEAN && join->condition->flag);
    if ((join->join == TN_JOIN_LEFT && always) || join->join == TN_JOIN_INNER) {
        return join->using_count == 0 && !join->natural
                   ? TARN_OK
                   : tn_binder__unsupported(b, join->span, err, "USING with unnest()");
    }
    return tn_binder__unsupported(b, join->span, err,
                                  "unnest() in a join that is neither inner nor LEFT ... ON true");
}

/* The leftmost table that is no join, from where the walk to the right begins. */
static TN_FALLIBLE push_lefts(tn_binder *b, const tn_ast_table **table, tarn_error *err)
{
    while ((*table)->kind == TN_TABLE_JOIN) {
        TN_RETURN_IF_ERROR(tn_vec_push(&b->tables, *table, err));
        *table = (*table)->left;
    }
    return TARN_OK;
}

static TN_FALLIBLE begin_on(tn_binder *b, tn_bind_from_frame *f, tarn_error *err)
{
    (void)err;
    f->on = (tn_scope){.outer = f->scope->outer,
                       .from = f->from,
                       .to = b->columns.count,
                       .depth = f->scope->depth};
    f->env = (tn_env){.scope = &f->on, .clause = "the condition of a JOIN"};
    return TARN_OK;
}

tarn_code tn_bind__from(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_from_frame *f = frame;
    const tn_ast_table *first;

    TN_ROUTINE(f);
    f->from = b->columns.count;
    f->base = b->tables.count;
    first = f->table;
    TN_RETURN_IF_ERROR(push_lefts(b, &first, err));
    TN_CALL(b, f, tn_bind__table, (tn_bind_table_frame){.table = first, .scope = f->scope});
    f->left = b->plan;
    while (b->tables.count > f->base) {
        f->table = tn_vec_pop(&b->tables);
        f->middle = b->columns.count;
        if (tn_ast_table__is_unnest(f->table->right)) {
            TN_RETURN_IF_ERROR(check_unnest(b, f->table, err));
            TN_CALL(b, f, tn_bind__table,
                    (tn_bind_table_frame){.table = f->table->right,
                                          .scope = f->scope,
                                          .child = f->left,
                                          .outer = f->table->join == TN_JOIN_LEFT});
            f->left = b->plan;
            if (f->table->condition != NULL && f->table->join == TN_JOIN_INNER) {
                TN_RETURN_IF_ERROR(begin_on(b, f, err));
                TN_CALL(b, f, tn_bind__expr,
                        (tn_bind_frame){.ast = f->table->condition, .env = &f->env});
                TN_RETURN_IF_ERROR(tn_plan_filter(b->context, f->left, b->expr, &f->left, err));
            }
            continue;
        }
        f->lateral_outside = b->lateral_used;
        b->lateral_used = false;
        TN_CALL(b, f, tn_bind__from,
                (tn_bind_from_frame){.table = f->table->right, .scope = f->scope});
        f->right = b->plan;
        f->lateral_used = b->lateral_used;
        b->lateral_used = b->lateral_used || f->lateral_outside;
        b->expr = NULL;
        if (f->table->condition != NULL) {
            TN_RETURN_IF_ERROR(begin_on(b, f, err));
            TN_CALL(b, f, tn_bind__expr,
                    (tn_bind_frame){.ast = f->table->condition, .env = &f->env});
        }
        TN_RETURN_IF_ERROR(
            tn_binder__join(b, f, f->table->condition == NULL ? NULL : b->expr, err));
        f->left = b->plan;
    }
    b->plan = f->left;
    TN_ROUTINE_END(b);
}
