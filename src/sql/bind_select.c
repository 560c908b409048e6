/*
 * bind_select.c - one SELECT: FROM, WHERE, GROUP BY, its list, HAVING, DISTINCT and ORDER BY.
 *
 * The list is expanded to entries, one an output; what ORDER BY and DISTINCT ON need besides goes
 * behind them as hidden entries, which a last projection drops.
 */
#include "sql/bind_internal.h"

typedef struct tn_select_entry select_entry;
struct tn_select_entry {
    const tn_ast *ast; /* NULL: .column, of a star */
    tn_scope_column column;
    tn_str name;
    tn_span span;
    const tn_expr *expr;
    bool unnest; /* .expr is the list */
    bool is_aliased;
    uint32_t item; /* of the list of SELECT: aliases before it may be named */
    uint32_t key;  /* from 1: the key of GROUP BY that names it; 0: none does */
};

/* Routines that work on the frame of the SELECT beneath them. */
typedef struct tn_group_frame {
    tn_frame head;
    tn_bind_select_frame *select;
    uint32_t index;
    const tn_ast *ast;
} tn_group_frame;

/* ---- stars ---- */

static bool stars(const tn_scope_column *column, tn_str table)
{
    if (column->hidden) {
        return false;
    }
    return table.size == 0 ? !column->qualified_only
                           : !column->unqualified && tn_str_equal_fold(column->table, table);
}

/* Does `name` mean this column of the star?  Exactly so, or by case where no other is exact. */
static bool means(const tn_binder *b, const tn_scope *scope, const tn_ast_star *star, tn_str name,
                  const tn_scope_column *column)
{
    if (tn_str_equal(name, column->name) || !tn_str_equal_fold(name, column->name)) {
        return tn_str_equal(name, column->name);
    }
    for (size_t i = scope->from; i < scope->to; i++) {
        const tn_scope_column *other = &b->columns.items[i];
        if (stars(other, star->table) && tn_str_equal(other->name, name)) {
            return false;
        }
    }
    return true;
}

/* Entry for a column of a star, unless it is excluded. */
static void put_star(const tn_binder *b, const tn_scope *scope, const tn_ast *ast,
                     const tn_scope_column *column, select_entry *entries, uint32_t *count)
{
    const tn_ast_star *star = ast->star;
    for (uint32_t i = 0; i < star->exclude_count; i++) {
        if (means(b, scope, star, star->exclude[i].alias, column)) {
            return;
        }
    }
    select_entry *entry = &entries[(*count)++];
    *entry = (select_entry){.column = *column, .name = column->name, .span = ast->span};
    for (uint32_t i = 0; i < star->replace_count; i++) {
        if (means(b, scope, star, star->replace[i].alias, column)) {
            entry->ast = star->replace[i].expr;
        }
    }
    for (uint32_t i = 0; i < star->rename_count; i++) {
        const tn_ast *from = star->rename[i].expr;
        if (from->kind == TN_AST_NAME && means(b, scope, star, from->text, column)) {
            entry->name = star->rename[i].alias;
        }
    }
}

static TN_FALLIBLE check_star(tn_binder *b, const tn_scope *scope, const tn_ast *ast,
                              tarn_error *err)
{
    const tn_ast_star *star = ast->star;
    for (uint32_t i = 0; i < star->exclude_count + star->replace_count; i++) {
        const tn_ast_item *item =
            i < star->exclude_count ? &star->exclude[i] : &star->replace[i - star->exclude_count];
        bool found = false;
        for (size_t c = scope->from; c < scope->to; c++) {
            found = found || (stars(&b->columns.items[c], star->table) &&
                              tn_str_equal_fold(b->columns.items[c].name, item->alias));
        }
        if (!found) {
            return tn_binder__fail(b, item->alias_span, err, TARN_E_INVALID,
                                   "'*' has no column '%.*s' to %s", TN_STR_ARGS(item->alias),
                                   i < star->exclude_count ? "exclude" : "replace");
        }
    }
    return TARN_OK;
}

/* USING's columns first, those of later joins before those of earlier ones. */
static TN_FALLIBLE expand_star(tn_binder *b, const tn_scope *scope, const tn_ast *ast,
                               bool has_from, select_entry *entries, uint32_t *count,
                               tarn_error *err)
{
    const tn_str table = ast->star->table;
    const uint32_t before = *count;
    uint32_t merged = UINT32_MAX;
    bool any = false;
    TN_RETURN_IF_ERROR(check_star(b, scope, ast, err));
    while (table.size == 0 && merged > 0) {
        const tn_scope_column *next = NULL;
        for (size_t i = scope->from; i < scope->to; i++) {
            const tn_scope_column *column = &b->columns.items[i];
            if (column->merged > 0 && column->merged < merged && stars(column, table) &&
                (next == NULL || column->merged > next->merged)) {
                next = column;
            }
        }
        if (next != NULL) {
            put_star(b, scope, ast, next, entries, count);
            any = true;
        }
        merged = next == NULL ? 0 : next->merged;
    }
    for (size_t i = scope->from; i < scope->to; i++) {
        const tn_scope_column *column = &b->columns.items[i];
        if (stars(column, table) && (table.size > 0 || column->merged == 0)) {
            put_star(b, scope, ast, column, entries, count);
            any = true;
        }
    }
    if (any && *count == before) {
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "'*' excludes every column");
    }
    if (!any && table.size > 0) {
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "no table named '%.*s' in FROM",
                               TN_STR_ARGS(table));
    }
    return any ? TARN_OK
               : tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "'*' needs columns, and %s",
                                 has_from ? "what FROM names has none" : "there is no FROM");
}

static TN_FALLIBLE put_item(tn_binder *b, const tn_ast_item *item, select_entry *entry,
                            tarn_error *err)
{
    *entry = (select_entry){.ast = item->expr, .name = item->alias, .span = item->expr->span};
    entry->unnest = item->expr->kind == TN_AST_CALL && item->expr->count == 1 &&
                    tn_str_equal_fold(item->expr->text, TN_STR("unnest"));
    if (entry->unnest) {
        entry->ast = item->expr->items[0];
    }
    entry->is_aliased = item->alias.size > 0;
    if (!entry->is_aliased) {
        TN_RETURN_IF_ERROR(tn_binder__output_name(b, item->expr, &entry->name, err));
    }
    return TARN_OK;
}

/* The list as entries, with room for hidden ones. */
static TN_FALLIBLE expand(tn_binder *b, tn_bind_select_frame *f, tarn_error *err)
{
    tn_ast_star everything = {.exclude_count = 0};
    const tn_ast star = {.kind = TN_AST_STAR, .star = &everything, .span = f->query->span};
    const tn_ast_query *query = f->query;
    uint64_t room = query->order_count + query->distinct_on_count;
    const uint64_t width = f->scope.to - f->scope.from;
    for (uint32_t i = 0; i < query->item_count; i++) {
        room += query->items[i].expr->kind == TN_AST_STAR ? width : 1;
    }
    room += query->item_count == 0 ? width : 0;
    if (room > UINT32_MAX / 2) {
        return tn_binder__fail(b, query->span, err, TARN_E_LIMIT, "too many columns");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, select_entry, (size_t)room, &f->entries, err));
    if (query->item_count == 0) { /* FROM t */
        TN_RETURN_IF_ERROR(
            expand_star(b, &f->scope, &star, query->from != NULL, f->entries, &f->count, err));
    }
    for (uint32_t i = 0; i < query->item_count; i++) {
        const tn_ast_item *item = &query->items[i];
        if (item->expr->kind == TN_AST_STAR) {
            TN_RETURN_IF_ERROR(expand_star(b, &f->scope, item->expr, query->from != NULL,
                                           f->entries, &f->count, err));
        } else {
            TN_RETURN_IF_ERROR(put_item(b, item, &f->entries[f->count], err));
            f->entries[f->count++].item = i;
        }
    }
    f->visible = f->count;
    return TARN_OK;
}

/* ---- is it grouped? ---- */

static TN_FALLIBLE look_for_aggregates(tn_binder *b, tn_bind_select_frame *f, bool *out,
                                       tarn_error *err)
{
    const tn_ast_query *query = f->query;
    *out = query->is_grouped || query->having != NULL;
    for (uint32_t i = 0; i < f->count && !*out; i++) {
        if (f->entries[i].ast != NULL) {
            TN_RETURN_IF_ERROR(tn_ast__has_aggregate(b->pool, f->entries[i].ast, out, err));
        }
    }
    for (uint32_t i = 0; i < query->order_count && !*out; i++) {
        TN_RETURN_IF_ERROR(tn_ast__has_aggregate(b->pool, query->order[i].expr, out, err));
    }
    return TARN_OK;
}

/* ---- GROUP BY ---- */

/* The expressions of GROUP BY in the order they stand there; `out` NULL: only counted. */
static uint32_t leaves_of(const tn_ast *group, const tn_ast **out)
{
    uint32_t count = 0;
    const bool whole = group->kind != TN_AST_GROUPING && group->kind != TN_AST_ROW;
    for (uint32_t i = 0; i < (whole ? 1 : group->count); i++) {
        const tn_ast *item = whole ? group : group->items[i];
        const bool nested = !whole && (item->kind == TN_AST_ROW || item->kind == TN_AST_GROUPING);
        for (uint32_t k = 0; k < (nested ? item->count : 1); k++) {
            const tn_ast *leaf = nested ? item->items[k] : item;
            const bool row = nested && leaf->kind == TN_AST_ROW;
            for (uint32_t m = 0; m < (row ? leaf->count : 1); m++) {
                if (out != NULL) {
                    out[count] = row ? leaf->items[m] : leaf;
                }
                count++;
            }
        }
    }
    return count;
}

static TN_FALLIBLE collect_leaves(tn_binder *b, tn_bind_select_frame *f, tarn_error *err)
{
    const tn_ast_query *query = f->query;
    uint32_t count = 0;
    for (uint32_t i = 0; i < query->group_count; i++) {
        count += leaves_of(query->groups[i], NULL);
        f->grouping->has_sets |= query->groups[i]->kind == TN_AST_GROUPING;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_ast *, count, &f->leaves, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, uint32_t, count, &f->leaf_keys, err));
    for (uint32_t i = 0; i < query->group_count; i++) {
        f->leaf_count += leaves_of(query->groups[i], f->leaves + f->leaf_count);
    }
    return TARN_OK;
}

/* A number among the keys means that column of the list. */
static TN_FALLIBLE leaf_entry(tn_binder *b, tn_bind_select_frame *f, const tn_ast *leaf,
                              const select_entry **out, tarn_error *err)
{
    uint32_t ordinal;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_binder__ordinal(b, leaf, "GROUP BY", f->visible, &ordinal, err));
    if (ordinal != UINT32_MAX) {
        *out = &f->entries[ordinal];
    }
    return TARN_OK;
}

static TN_FALLIBLE star_column(tn_binder *b, tn_bind_select_frame *f, const select_entry *entry,
                               tarn_error *err)
{
    const size_t ungrouped = f->scope.grouping == NULL ? 0 : f->scope.grouping->ungrouped.count;
    if (f->scope.grouping != NULL) {
        TN_RETURN_IF_ERROR(
            tn_binder__note_ungrouped(b, f->scope.grouping, &entry->column, entry->span, err));
    }
    TN_RETURN_IF_ERROR(tn_expr_column(b->expr_context, entry->column.id, entry->column.name,
                                      entry->column.type, tn_binder__span(b, entry->span), &b->expr,
                                      err));
    b->size = 1;
    return tn_binder__match_key(b, &f->env, ungrouped, err);
}

/* ---- sets of keys ---- */

enum { SETS_MAX = 4096, KEYS_OF_SETS_MAX = 64 };

typedef struct set_list {
    uint64_t *sets;
    uint32_t count;
} set_list;

/* The keys of one item, of which `*leaf` is the first. */
static uint64_t mask_of(const tn_bind_select_frame *f, const tn_ast *item, uint32_t *leaf)
{
    uint64_t mask = 0;
    const uint32_t count = item->kind == TN_AST_ROW ? item->count : 1;
    for (uint32_t i = 0; i < count; i++) {
        mask |= UINT64_C(1) << f->leaf_keys[(*leaf)++];
    }
    return mask;
}

/* The sets that one ROLLUP, CUBE, expression or row stands for; `out` has room for SETS_MAX. */
static TN_FALLIBLE sets_of(tn_binder *b, const tn_bind_select_frame *f, const tn_ast *group,
                           uint32_t *leaf, set_list *out, tarn_error *err)
{
    if (group->kind != TN_AST_GROUPING) {
        out->sets[out->count++] = mask_of(f, group, leaf);
        return TARN_OK;
    }
    uint64_t all = 0;
    uint64_t masks[12];
    if (group->detail == TN_GROUPING_CUBE && group->count > 12) {
        return tn_binder__fail(b, group->span, err, TARN_E_LIMIT,
                               "CUBE of %u columns makes too many sets", group->count);
    }
    if (out->count + group->count + (UINT64_C(1) << (group->count < 12 ? group->count : 12)) >
        SETS_MAX) {
        return tn_binder__fail(b, group->span, err, TARN_E_LIMIT, "too many grouping sets");
    }
    if (group->detail == TN_GROUPING_ROLLUP) {
        const uint32_t first = out->count;
        out->sets[out->count++] = 0;
        for (uint32_t i = 0; i < group->count; i++) {
            all |= mask_of(f, group->items[i], leaf);
            out->sets[out->count++] = all;
        }
        for (uint32_t i = 0; i < (out->count - first) / 2; i++) { /* the widest first */
            const uint64_t kept = out->sets[first + i];
            out->sets[first + i] = out->sets[out->count - 1 - i];
            out->sets[out->count - 1 - i] = kept;
        }
        return TARN_OK;
    }
    for (uint32_t i = 0; i < group->count; i++) {
        masks[i] = mask_of(f, group->items[i], leaf);
    }
    for (uint32_t s = 0; s < UINT32_C(1) << group->count; s++) {
        uint64_t mask = 0;
        for (uint32_t i = 0; i < group->count; i++) {
            mask |= (s >> i & 1) == 0 ? masks[i] : 0;
        }
        out->sets[out->count++] = mask;
    }
    return TARN_OK;
}

/* Elements of GROUP BY multiply: each set of one with each of the next. */
static TN_FALLIBLE build_sets(tn_binder *b, tn_bind_select_frame *f, tarn_error *err)
{
    tn_grouping_state *g = f->grouping;
    uint64_t *sets;
    uint64_t *more;
    uint64_t *product;
    uint32_t count = 1;
    uint32_t leaf = 0;
    if (g->keys.count > KEYS_OF_SETS_MAX) {
        return tn_binder__fail(b, f->query->span, err, TARN_E_LIMIT,
                               "too many keys in GROUPING SETS");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, uint64_t, SETS_MAX, &sets, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, uint64_t, SETS_MAX, &more, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, uint64_t, SETS_MAX, &product, err));
    sets[0] = 0;
    for (uint32_t i = 0; i < f->query->group_count; i++) {
        const tn_ast *group = f->query->groups[i];
        const bool is_sets = group->kind == TN_AST_GROUPING && group->detail == TN_GROUPING_SETS;
        set_list list = {more, 0};
        for (uint32_t k = 0; k < (is_sets ? group->count : 1); k++) {
            const tn_ast *item = is_sets ? group->items[k] : group;
            if (is_sets && item->kind == TN_AST_GROUPING && item->detail == TN_GROUPING_SETS) {
                return tn_binder__unsupported(b, item->span, err, "GROUPING SETS in each other");
            }
            if (list.count >= SETS_MAX) {
                return tn_binder__fail(b, group->span, err, TARN_E_LIMIT, "too many grouping sets");
            }
            TN_RETURN_IF_ERROR(sets_of(b, f, item, &leaf, &list, err));
        }
        if ((uint64_t)count * list.count > SETS_MAX) {
            return tn_binder__fail(b, group->span, err, TARN_E_LIMIT, "too many grouping sets");
        }
        for (uint32_t s = 0; s < count * list.count; s++) {
            product[s] = sets[s / list.count] | more[s % list.count];
        }
        count *= list.count;
        memcpy(sets, product, count * sizeof(*sets));
    }
    g->sets = sets;
    g->set_count = count;
    return TARN_OK;
}

/* ---- positions: what ORDER BY and DISTINCT ON mean ---- */

static TN_FALLIBLE position_by_name(tn_binder *b, tn_bind_select_frame *f, const tn_ast *ast,
                                    uint32_t *out, tarn_error *err)
{
    *out = UINT32_MAX;
    TN_RETURN_IF_ERROR(tn_binder__ordinal(b, ast, "ORDER BY", f->visible, out, err));
    if (*out != UINT32_MAX || ast->kind != TN_AST_NAME || ast->count != 1) {
        return TARN_OK;
    }
    bool exact = false;
    for (uint32_t i = 0; i < f->visible; i++) {
        const select_entry *entry = &f->entries[i];
        const bool same = tn_str_equal(entry->name, ast->text);
        if (!tn_str_equal_fold(entry->name, ast->text) || (exact && !same)) {
            continue;
        }
        if (*out != UINT32_MAX && exact == same && f->entries[*out].expr != NULL &&
            !tn_expr_equal(f->entries[*out].expr, entry->expr)) {
            return tn_binder__fail(b, ast->span, err, TARN_E_INVALID,
                                   "'%.*s' is ambiguous: two columns of the result have that name",
                                   TN_STR_ARGS(ast->text));
        }
        *out = *out == UINT32_MAX || (same && !exact) ? i : *out;
        exact = exact || same;
    }
    return TARN_OK;
}

/* The entry that b->expr is, perhaps a new hidden one. */
static uint32_t position_of(tn_binder *b, tn_bind_select_frame *f)
{
    for (uint32_t i = 0; i < f->count && !b->expr->is_volatile; i++) {
        if (!f->entries[i].unnest && tn_expr_equal(f->entries[i].expr, b->expr)) {
            return i;
        }
    }
    f->entries[f->count] = (select_entry){.expr = b->expr, .span = b->expr->span};
    return f->count++;
}

/* ---- the plan ---- */

static TN_FALLIBLE build_unnest(tn_binder *b, tn_bind_select_frame *f, tarn_error *err)
{
    const tn_expr **lists;
    tn_str *names;
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->visible; i++) {
        count += f->entries[i].unnest;
    }
    if (count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, count, &lists, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, count, &names, err));
    count = 0;
    for (uint32_t i = 0; i < f->visible; i++) {
        if (f->entries[i].unnest) {
            lists[count] = f->entries[i].expr;
            names[count++] = f->entries[i].name;
        }
    }
    TN_RETURN_IF_ERROR(
        tn_plan_unnest(b->context, f->plan, lists, names, count, false, &f->plan, err));
    uint32_t output = f->plan->output_count - count;
    for (uint32_t i = 0; i < f->visible; i++) {
        if (f->entries[i].unnest) {
            TN_RETURN_IF_ERROR(tn_plan_column(b->context, f->plan, output++,
                                              tn_binder__span(b, f->entries[i].span),
                                              &f->entries[i].expr, err));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE project(tn_binder *b, const tn_bind_select_frame *f, tn_plan **out,
                           tarn_error *err)
{
    const tn_expr **exprs;
    tn_str *names;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, f->count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, f->count, &names, err));
    for (uint32_t i = 0; i < f->count; i++) {
        exprs[i] = f->entries[i].expr;
        names[i] = f->entries[i].name;
    }
    return tn_plan_project(b->context, f->plan, exprs, names, f->count, out, err);
}

static TN_FALLIBLE sort_keys(tn_binder *b, const tn_bind_select_frame *f, const tn_plan *plan,
                             tn_sort_key **out, uint32_t *count, tarn_error *err)
{
    const tn_ast_query *query = f->query;
    *count = query->order_all ? f->visible : query->order_count;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_sort_key, *count, out, err));
    for (uint32_t i = 0; i < *count; i++) {
        const tn_ast_order *order = &query->order[query->order_all ? 0 : i];
        const tn_span span = order->expr == NULL ? (tn_span){0, 0} : order->expr->span;
        const tn_expr *column;
        TN_RETURN_IF_ERROR(tn_plan_column(b->context, plan, query->order_all ? i : f->positions[i],
                                          tn_binder__span(b, span), &column, err));
        (*out)[i] = tn_binder__sort_key(order, column);
    }
    return TARN_OK;
}

static TN_FALLIBLE distinct(tn_binder *b, const tn_bind_select_frame *f, const tn_sort_key *order,
                            uint32_t order_count, tn_plan **plan, tarn_error *err)
{
    const tn_ast_query *query = f->query;
    const tn_expr **keys = NULL;
    if (query->distinct_on_count == 0) {
        if (f->count > f->visible) {
            (void)tn_binder__fail(b, f->entries[f->visible].span, err, TARN_E_INVALID,
                                  "ORDER BY of SELECT DISTINCT can only name what is selected");
            tn_hint(err, "add it to the list of SELECT");
            return TARN_E_INVALID;
        }
        return tn_plan_distinct(b->context, *plan, NULL, 0, NULL, 0, plan, err);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(b->arena, const tn_expr *, query->distinct_on_count, &keys, err));
    for (uint32_t i = 0; i < query->distinct_on_count; i++) {
        TN_RETURN_IF_ERROR(tn_plan_column(
            b->context, *plan, f->positions[(query->order_all ? 0 : query->order_count) + i],
            tn_binder__span(b, query->distinct_on[i]->span), &keys[i], err));
    }
    return tn_plan_distinct(b->context, *plan, keys, query->distinct_on_count, order, order_count,
                            plan, err);
}

static TN_FALLIBLE drop_hidden(tn_binder *b, const tn_bind_select_frame *f, tn_plan **plan,
                               tarn_error *err)
{
    const tn_expr **exprs;
    tn_str *names;
    if (f->count == f->visible) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, f->visible, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, f->visible, &names, err));
    for (uint32_t i = 0; i < f->visible; i++) {
        TN_RETURN_IF_ERROR(tn_plan_column(b->context, *plan, i, (tn_span){0, 0}, &exprs[i], err));
        names[i] = f->entries[i].name;
    }
    return tn_plan_project(b->context, *plan, exprs, names, f->visible, plan, err);
}

static TN_FALLIBLE build(tn_binder *b, tn_bind_select_frame *f, tarn_error *err)
{
    const tn_ast_query *query = f->query;
    tn_sort_key *order = NULL;
    uint32_t order_count = 0;
    if (f->grouping != NULL) {
        TN_RETURN_IF_ERROR(tn_binder__check_grouped(b, f->grouping, err));
        TN_RETURN_IF_ERROR(tn_binder__aggregate_plan(b, f->grouping, &f->plan, err));
    }
    if (f->having != NULL) {
        TN_RETURN_IF_ERROR(tn_plan_filter(b->context, f->plan, f->having, &f->plan, err));
    }
    TN_RETURN_IF_ERROR(build_unnest(b, f, err));
    tn_plan *plan;
    TN_RETURN_IF_ERROR(project(b, f, &plan, err));
    TN_RETURN_IF_ERROR(sort_keys(b, f, plan, &order, &order_count, err));
    if (query->distinct) {
        TN_RETURN_IF_ERROR(distinct(b, f, order, order_count, &plan, err));
    }
    if (order_count > 0) {
        TN_RETURN_IF_ERROR(
            tn_plan_sort(b->context, plan, order, order_count, UINT64_MAX, 0, &plan, err));
    }
    TN_RETURN_IF_ERROR(drop_hidden(b, f, &plan, err));
    b->plan = plan;
    return TARN_OK;
}

/* ---- the routines ---- */

/* b->expr becomes a key. */
static TN_FALLIBLE add_key(tn_binder *b, tn_bind_select_frame *f, const tn_ast *ast,
                           uint32_t *index, tarn_error *err)
{
    tn_str name = b->expr->name;
    if (b->expr->kind != TN_EXPR_COLUMN) {
        TN_RETURN_IF_ERROR(tn_binder__text_of(b, ast->span, &name, err));
    }
    return tn_binder__add_key(b, f->grouping, b->expr, b->size, name, index, err);
}

/* A column that was given no other name keeps its own spelling. */
static void adopt_spelling(select_entry *entry, const tn_expr *expr)
{
    const tn_ast *ast = entry->ast;
    while (ast != NULL && ast->kind == TN_AST_CAST) {
        ast = ast->items[0];
    }
    while (expr->kind == TN_EXPR_CAST) {
        expr = expr->children[0];
    }
    if (ast != NULL && ast->kind == TN_AST_NAME && expr->kind == TN_EXPR_COLUMN &&
        !entry->is_aliased && tn_str_equal_fold(expr->name, entry->name)) {
        entry->name = expr->name;
    }
}

/* GROUP BY 1, or an alias: the entry is that key.  What two bindings of it would not be, as one
 * with a subquery is never equal to another. */
static void note_key(tn_bind_select_frame *f, const tn_ast *leaf, const select_entry *entry,
                     const tn_expr *key, uint32_t index)
{
    for (uint32_t i = 0; i < f->visible && key->kind != TN_EXPR_COLUMN; i++) {
        select_entry *at = &f->entries[i];
        const bool named = leaf->kind == TN_AST_NAME && leaf->count == 1 && at->is_aliased &&
                           tn_str_equal_fold(at->name, leaf->text);
        if (at->ast != NULL && at->key == 0 && (at == entry || named)) {
            at->key = index + 1;
            return;
        }
    }
}

static TN_FALLIBLE key_column(tn_binder *b, const tn_bind_select_frame *f,
                              const select_entry *entry, tarn_error *err)
{
    const tn_group_key *key = &f->grouping->keys.items[entry->key - 1];
    b->size = 1;
    return tn_expr_column(b->expr_context, key->id, key->name, key->expr->type,
                          tn_binder__span(b, entry->span), &b->expr, err);
}

/* GROUP BY: its keys, over the input. */
static tarn_code bind_groups(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_group_frame *g = frame;
    tn_bind_select_frame *f = g->select;
    const select_entry *entry;
    bool aggregates;

    TN_ROUTINE(g);
    TN_RETURN_IF_ERROR(collect_leaves(b, f, err));
    f->env.clause = "GROUP BY";
    for (g->index = 0; g->index < f->leaf_count; g->index++) {
        TN_RETURN_IF_ERROR(leaf_entry(b, f, f->leaves[g->index], &entry, err));
        g->ast = entry == NULL ? f->leaves[g->index] : entry->ast;
        if (g->ast == NULL) {
            TN_RETURN_IF_ERROR(star_column(b, f, entry, err));
        } else {
            TN_CALL(b, g, tn_bind__expr, (tn_bind_frame){.ast = g->ast, .env = &f->env});
        }
        TN_RETURN_IF_ERROR(add_key(b, f, g->ast, &f->leaf_keys[g->index], err));
        TN_RETURN_IF_ERROR(leaf_entry(b, f, f->leaves[g->index], &entry, err));
        note_key(f, f->leaves[g->index], entry, b->expr, f->leaf_keys[g->index]);
    }
    for (g->index = 0; g->index < f->visible && f->query->group_all; g->index++) {
        aggregates = false;
        if (f->entries[g->index].ast != NULL) {
            TN_RETURN_IF_ERROR(
                tn_ast__has_aggregate(b->pool, f->entries[g->index].ast, &aggregates, err));
        }
        if (aggregates) {
            continue;
        }
        if (f->entries[g->index].ast == NULL) {
            TN_RETURN_IF_ERROR(star_column(b, f, &f->entries[g->index], err));
        } else {
            TN_CALL(b, g, tn_bind__expr,
                    (tn_bind_frame){.ast = f->entries[g->index].ast, .env = &f->env});
        }
        uint32_t ignored;
        TN_RETURN_IF_ERROR(add_key(b, f, f->entries[g->index].ast, &ignored, err));
    }
    if (f->grouping->has_sets) {
        TN_RETURN_IF_ERROR(build_sets(b, f, err));
    }
    TN_ROUTINE_END(b);
}

/* The list, HAVING, ORDER BY and DISTINCT ON: what stands above the grouping. */
static tarn_code bind_list(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_group_frame *g = frame;
    tn_bind_select_frame *f = g->select;
    const uint32_t order_count = f->query->order_all ? 0 : f->query->order_count;
    const tn_ast *ast;

    TN_ROUTINE(g);
    f->env.clause = NULL;
    f->scope.grouping = f->grouping;
    for (g->index = 0; g->index < f->visible; g->index++) {
        if (f->entries[g->index].ast == NULL) {
            TN_RETURN_IF_ERROR(star_column(b, f, &f->entries[g->index], err));
        } else if (f->entries[g->index].key > 0) {
            TN_RETURN_IF_ERROR(key_column(b, f, &f->entries[g->index], err));
        } else {
            f->env.alias_count = f->entries[g->index].item;
            TN_CALL(b, g, tn_bind__expr,
                    (tn_bind_frame){.ast = f->entries[g->index].ast, .env = &f->env});
        }
        f->entries[g->index].expr = b->expr;
        adopt_spelling(&f->entries[g->index], b->expr);
    }
    f->env.alias_count = f->query->item_count;
    f->env.prefers_alias = true;
    if (f->query->having != NULL) {
        TN_CALL(b, g, tn_bind__expr, (tn_bind_frame){.ast = f->query->having, .env = &f->env});
        f->having = b->expr;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, uint32_t,
                                      f->query->order_count + f->query->distinct_on_count,
                                      &f->positions, err));
    for (g->index = 0; g->index < order_count + f->query->distinct_on_count; g->index++) {
        ast = g->index < order_count ? f->query->order[g->index].expr
                                     : f->query->distinct_on[g->index - order_count];
        if (ast == NULL) {
            return tn_binder__unsupported(b, f->query->span, err, "ORDER BY ALL beside other keys");
        }
        TN_RETURN_IF_ERROR(position_by_name(b, f, ast, &f->positions[g->index], err));
        if (f->positions[g->index] == UINT32_MAX) {
            TN_CALL(b, g, tn_bind__expr,
                    (tn_bind_frame){.ast = g->index < order_count
                                               ? f->query->order[g->index].expr
                                               : f->query->distinct_on[g->index - order_count],
                                    .env = &f->env});
            f->positions[g->index] = position_of(b, f);
        }
    }
    TN_ROUTINE_END(b);
}

tarn_code tn_bind__select(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_select_frame *f = frame;
    bool grouped;

    TN_ROUTINE(f);
    f->columns = b->columns.count;
    f->scope = (tn_scope){.outer = f->outer,
                          .from = f->columns,
                          .to = f->columns,
                          .depth = f->outer == NULL ? 0 : f->outer->depth + 1};
    f->env = (tn_env){.scope = &f->scope,
                      .clause = "WHERE",
                      .aliases = f->query->items,
                      .alias_count = f->query->item_count};
    if (f->query->from == NULL) {
        TN_RETURN_IF_ERROR(tn_binder__one_row(b, &f->plan, err));
    } else {
        TN_CALL(b, f, tn_bind__from,
                (tn_bind_from_frame){.table = f->query->from, .scope = &f->scope});
        f->plan = b->plan;
        f->scope.to = b->columns.count;
    }
    if (f->query->where != NULL) {
        TN_CALL(b, f, tn_bind__expr, (tn_bind_frame){.ast = f->query->where, .env = &f->env});
        TN_RETURN_IF_ERROR(tn_plan_filter(b->context, f->plan, b->expr, &f->plan, err));
    }
    TN_RETURN_IF_ERROR(expand(b, f, err));
    TN_RETURN_IF_ERROR(look_for_aggregates(b, f, &grouped, err));
    if (grouped) {
        TN_RETURN_IF_ERROR(tn_binder__new_grouping(b, &f->grouping, err));
        TN_CALL(b, f, bind_groups, (tn_group_frame){.select = f});
    }
    TN_CALL(b, f, bind_list, (tn_group_frame){.select = f});
    TN_RETURN_IF_ERROR(build(b, f, err));
    b->columns.count = f->columns;
    TN_ROUTINE_END(b);
}
