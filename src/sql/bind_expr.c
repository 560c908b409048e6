/* bind_expr.c - the walk over an expression: children first, then the node itself. */
#include "sql/bind_internal.h"

enum { ALIAS_WEIGHT_MAX = 1000000 };

bool tn_ast__has_query(const tn_ast *ast)
{
    return ast->kind == TN_AST_SUBQUERY || ast->kind == TN_AST_EXISTS ||
           ast->kind == TN_AST_IN_QUERY || (ast->kind == TN_AST_QUANTIFIED && ast->query != NULL);
}

static bool is_leaf(const tn_ast *ast)
{
    return ast->kind >= TN_AST_NULL && ast->kind <= TN_AST_DEFAULT;
}

bool tn_binder__is_aggregate(const tn_ast *ast)
{
    return ast->kind == TN_AST_CALL && (tn_function_class_of(ast->text) == TN_FUNCTION_AGGREGATE ||
                                        (ast->call != NULL && ast->call->within_group));
}

tarn_code tn_ast__has_aggregate(tn_pool *pool, const tn_ast *ast, bool *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(const tn_ast *) stack = TN_VEC_INIT(pool);
    *out = false;
    TN_TRY(tn_vec_push(&stack, ast, err));
    while (stack.count > 0 && !*out) {
        const tn_ast *at = tn_vec_pop(&stack);
        if (at == NULL || at->kind == TN_AST_STAR) {
            continue;
        }
        *out = tn_binder__is_aggregate(at);
        for (uint32_t i = 0; i < at->count && at->kind != TN_AST_NAME; i++) {
            TN_TRY(tn_vec_push(&stack, at->items[i], err));
        }
    }
done:
    tn_vec_free(&stack);
    return code;
}

/* ---- children ---- */

/* (a, b) = (c, d) and (a, b) IN ((1, 2)) are bound by their parts. */
static bool by_parts(const tn_ast *ast)
{
    if (ast->kind == TN_AST_OPERATOR && ast->count == 2) {
        return ast->items[0]->kind == TN_AST_ROW && ast->items[1]->kind == TN_AST_ROW;
    }
    return ast->kind == TN_AST_IN && ast->items[0]->kind == TN_AST_ROW;
}

static uint32_t child_count(const tn_ast *ast)
{
    uint32_t count = ast->count;
    if (by_parts(ast)) {
        count = 0;
        for (uint32_t i = 0; i < ast->count; i++) {
            count += ast->items[i]->kind == TN_AST_ROW ? ast->items[i]->count : 1;
        }
        return count;
    }
    if (ast->kind == TN_AST_CALL && ast->call != NULL) {
        count += ast->call->order_count + (ast->call->filter != NULL);
    }
    return count;
}

/* Behind a call's arguments stand its order and its filter. */
static const tn_ast *child_at(const tn_ast *ast, uint32_t i)
{
    if (by_parts(ast)) {
        const uint32_t width = ast->items[0]->count;
        const tn_ast *row = ast->items[width == 0 ? 0 : i / width];
        return row->kind == TN_AST_ROW && row->count == width ? row->items[i % width] : NULL;
    }
    if (i < ast->count) {
        const bool named = ast->kind == TN_AST_CALL && ast->items[i]->kind == TN_AST_ARGUMENT &&
                           tn_str_equal_fold(ast->text, TN_STR("struct_pack"));
        return named ? ast->items[i]->items[0] : ast->items[i];
    }
    i -= ast->count;
    return i < ast->call->order_count ? ast->call->order[i].expr : ast->call->filter;
}

static TN_FALLIBLE check_rows(tn_binder *b, const tn_ast *ast, tarn_error *err)
{
    for (uint32_t i = 1; by_parts(ast) && i < ast->count; i++) {
        const tn_ast *row = ast->items[i];
        if (row->kind != TN_AST_ROW || row->count != ast->items[0]->count) {
            return tn_binder__fail(b, row->span, err, TARN_E_INVALID,
                                   "rows of different width cannot be compared: %u and %u columns",
                                   ast->items[0]->count, row->kind == TN_AST_ROW ? row->count : 1);
        }
    }
    return TARN_OK;
}

/* ---- names ---- */

/* Words that are functions without brackets in the standard. */
static TN_FALLIBLE bind_word(tn_binder *b, const tn_ast *ast, const tn_expr **out, tarn_error *err)
{
    static const struct {
        const char *word, *function;
    } words[] = {{"current_date", "current_date"},
                 {"current_timestamp", "now"},
                 {"localtimestamp", "localtimestamp"},
                 {"current_time", "current_time"}};
    *out = NULL;
    for (size_t i = 0; ast->count == 1 && i < sizeof(words) / sizeof(*words); i++) {
        if (tn_str_equal_fold(ast->text, tn_str_of(words[i].word))) {
            return tn_binder__call(b, words[i].function, NULL, 0, ast->span, out, err);
        }
    }
    return TARN_OK;
}

/* a.b.c, where the first part is a column: the others are fields. */
static TN_FALLIBLE bind_fields(tn_binder *b, const tn_ast *ast, uint32_t parts, const tn_expr **out,
                               tarn_error *err)
{
    for (uint32_t i = parts; i < ast->count; i++) {
        if ((*out)->type->kind != TN_KIND_STRUCT) {
            return tn_binder__fail(b, ast->span, err, TARN_E_INVALID,
                                   "'%.*s' is a %.*s and has no field '%.*s'",
                                   TN_STR_ARGS(ast->names[i - 1]), TN_STR_ARGS((*out)->type->name),
                                   TN_STR_ARGS(ast->names[i]));
        }
        const tn_value field = tn_value_varchar(ast->names[i]);
        const tn_expr *pair[2] = {*out, NULL};
        TN_RETURN_IF_ERROR(
            tn_expr_literal(b->expr_context, &field, tn_binder__span(b, ast->span), &pair[1], err));
        TN_RETURN_IF_ERROR(tn_binder__call(b, "struct_extract", pair, 2, ast->span, out, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE bind_found(tn_binder *b, const tn_ast *ast, const tn_found_name *found,
                              const tn_expr **out, tarn_error *err)
{
    const tn_scope_column *column = found->column;
    if (found->scope->grouping != NULL) {
        TN_RETURN_IF_ERROR(
            tn_binder__note_ungrouped(b, found->scope->grouping, column, ast->span, err));
    }
    TN_RETURN_IF_ERROR(tn_expr_column(b->expr_context, column->id, column->name, column->type,
                                      tn_binder__span(b, ast->span), out, err));
    return bind_fields(b, ast, found->parts, out, err);
}

static const tn_ast_item *find_alias(const tn_env *env, const tn_ast *ast)
{
    for (uint32_t i = 0; ast->count == 1 && i < env->alias_count; i++) {
        if (env->aliases[i].alias.size > 0 && env->aliases[i].expr->kind != TN_AST_STAR &&
            tn_str_equal_fold(env->aliases[i].alias, ast->text)) {
            return &env->aliases[i];
        }
    }
    return NULL;
}

/* HAVING x > 1 means the alias where column x is not there any more, being neither key nor
 * aggregate. */
static bool is_gone(const tn_grouping_state *g, const tn_scope_column *column)
{
    for (size_t i = 0; i < g->keys.count; i++) {
        const tn_group_key *key = &g->keys.items[i];
        if (!key->is_plain || key->id == column->id) {
            return false; /* it may be a part of the key */
        }
    }
    return true;
}

/* An alias of a query around this one, and where it stands: what it reads comes from outside. */
static const tn_env *find_outer_alias(tn_binder *b, const tn_env *env, const tn_ast *ast,
                                      const tn_ast_item **alias)
{
    for (tn_scope *at = env->scope == NULL ? NULL : env->scope->outer; at != NULL; at = at->outer) {
        *alias = at->env == NULL ? NULL : find_alias(at->env, ast);
        if (*alias != NULL) {
            at->used = true;
            b->shallowest = at->depth < b->shallowest ? at->depth : b->shallowest;
            return at->env;
        }
    }
    return env;
}

/* A column of this query, else an alias of its list, else a column of a query around it, else an
 * alias there. */
static TN_FALLIBLE bind_name(tn_binder *b, tn_bind_frame *f, const tn_env **env,
                             const tn_ast_item **alias, tarn_error *err)
{
    tn_found_name found = {.column = NULL};
    *alias = NULL;
    *env = f->env;
    TN_RETURN_IF_ERROR(tn_binder__find(b, f->env->scope, f->ast, false, &found, err));
    if (found.column != NULL && f->env->prefers_alias && f->env->scope->grouping != NULL &&
        is_gone(f->env->scope->grouping, found.column)) {
        *alias = find_alias(f->env, f->ast);
        if (*alias != NULL) {
            return TARN_OK;
        }
    }
    if (found.column == NULL) {
        *alias = find_alias(f->env, f->ast);
        if (*alias != NULL) {
            return TARN_OK;
        }
        if (f->env->scope != NULL) {
            TN_RETURN_IF_ERROR(tn_binder__find(b, f->env->scope->outer, f->ast, true, &found, err));
        }
    }
    if (found.column != NULL) {
        return bind_found(b, f->ast, &found, &b->expr, err);
    }
    *env = find_outer_alias(b, f->env, f->ast, alias);
    if (*alias != NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(bind_word(b, f->ast, &b->expr, err));
    return b->expr != NULL ? TARN_OK : tn_binder__no_column(b, f->env->scope, f->ast, err);
}

/* Within an alias only what stands before it can be named, so that none goes in a circle. */
static void enter_alias(tn_bind_frame *f, const tn_env *env, const tn_ast_item *alias)
{
    f->inner = *env;
    f->inner.alias_count = (uint32_t)(alias - env->aliases);
}

/* ---- the walk ---- */

static TN_FALLIBLE enter_call(tn_binder *b, tn_bind_frame *f, tarn_error *err)
{
    const tn_ast *ast = f->ast;
    f->inner = *f->env;
    if (!tn_binder__is_aggregate(ast)) {
        if (ast->kind == TN_AST_CALL && ast->call != NULL) {
            return tn_binder__fail(b, ast->span, err, TARN_E_INVALID,
                                   "%s wants an aggregate, and '%.*s' is none",
                                   ast->call->filter != NULL    ? "FILTER"
                                   : ast->call->order_count > 0 ? "ORDER BY in a call"
                                   : ast->call->distinct        ? "DISTINCT in a call"
                                                                : "'*' as an argument",
                                   TN_STR_ARGS(ast->text));
        }
        return TARN_OK;
    }
    if (ast->call != NULL && ast->call->star &&
        (ast->call->distinct || !tn_str_equal_fold(ast->text, TN_STR("count")))) {
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "only count(*) takes '*'");
    }
    if (f->env->in_aggregate) {
        return tn_binder__fail(b, ast->span, err, TARN_E_INVALID,
                               "aggregates cannot stand within aggregates");
    }
    if (f->env->clause != NULL) {
        (void)tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "aggregates cannot stand in %s",
                              f->env->clause);
        if (strcmp(f->env->clause, "WHERE") == 0) {
            tn_hint(err, "HAVING filters groups");
        }
        return TARN_E_INVALID;
    }
    f->inner.in_aggregate = true;
    f->grouping = f->env->scope->grouping;
    f->env->scope->grouping = NULL; /* its arguments are over the input */
    return TARN_OK;
}

static TN_FALLIBLE finish(tn_binder *b, tn_bind_frame *f, tarn_error *err)
{
    if (f->grouping != NULL) {
        f->env->scope->grouping = f->grouping;
    }
    TN_RETURN_IF_ERROR(tn_binder__node(b, f->ast, f->env, b->exprs.items + f->base, &b->expr, err));
    b->exprs.count = f->base;
    b->size = f->size;
    return TARN_OK;
}

tarn_code tn_bind__expr(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_frame *f = frame;
    const tn_ast_item *alias;
    const tn_env *env;

    TN_ROUTINE(f);
    f->base = b->exprs.count;
    f->size = 1;
    if (f->env->scope != NULL && f->env->scope->grouping != NULL) {
        f->ungrouped = f->env->scope->grouping->ungrouped.count;
    }
    if (is_leaf(f->ast)) {
        b->size = 1;
        TN_RETURN_IF_ERROR(tn_binder__literal(b, f->ast, &b->expr, err));
        return tn_routine_return(&b->routines);
    }
    if (f->ast->kind == TN_AST_NAME) {
        b->size = 1;
        TN_RETURN_IF_ERROR(bind_name(b, f, &env, &alias, err));
        if (alias != NULL) {
            enter_alias(f, env, alias);
            TN_CALL(b, f, tn_bind__expr,
                    (tn_bind_frame){.ast = f->inner.aliases[f->inner.alias_count].expr,
                                    .env = &f->inner});
            b->alias_weight += b->size;
            if (b->alias_weight > ALIAS_WEIGHT_MAX) {
                return tn_binder__fail(b, f->ast->span, err, TARN_E_LIMIT,
                                       "aliases of aliases make this query too large");
            }
        }
    } else if (tn_ast__has_query(f->ast)) {
        TN_CALL(b, f, tn_bind__subquery, (tn_bind_frame){.ast = f->ast, .env = f->env});
    } else {
        TN_RETURN_IF_ERROR(check_rows(b, f->ast, err));
        TN_RETURN_IF_ERROR(enter_call(b, f, err));
        for (f->index = 0; f->index < child_count(f->ast); f->index++) {
            if (child_at(f->ast, f->index) == NULL) {
                TN_RETURN_IF_ERROR(tn_vec_push(&b->exprs, NULL, err));
                continue;
            }
            TN_CALL(b, f, tn_bind__expr,
                    (tn_bind_frame){.ast = child_at(f->ast, f->index), .env = &f->inner});
            f->size += b->size;
            TN_RETURN_IF_ERROR(tn_vec_push(&b->exprs, b->expr, err));
        }
        TN_RETURN_IF_ERROR(finish(b, f, err));
    }
    TN_RETURN_IF_ERROR(tn_binder__match_key(b, f->env, f->ungrouped, err));
    TN_ROUTINE_END(b);
}
