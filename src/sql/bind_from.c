/* bind_from.c - tables: by name, URI, function, query; views and CTEs. */
#include "sql/bind_internal.h"

/* ---- columns of a table ---- */

/* The table's name and its columns' as the statement gives them. */
static TN_FALLIBLE push_table(tn_binder *b, const tn_ast_table *table, const tn_plan *plan,
                              tn_str fallback, tarn_error *err)
{
    const tn_str name = table->alias.size > 0 ? table->alias : fallback;
    const size_t from = b->columns.count;
    if (table->column_count > plan->output_count) {
        return tn_binder__fail(b, table->span, err, TARN_E_INVALID,
                               "%u names for the %u column%s of '%.*s'", table->column_count,
                               plan->output_count, plan->output_count == 1 ? "" : "s",
                               TN_STR_ARGS(name));
    }
    TN_RETURN_IF_ERROR(tn_binder__push_outputs(b, plan, name, err));
    for (uint32_t i = 0; i < table->column_count; i++) {
        b->columns.items[from + i].name = table->columns[i].alias;
    }
    return TARN_OK;
}

static TN_FALLIBLE scan_source(tn_binder *b, const tn_ast_table *table, const tn_relation *relation,
                               tn_str fallback, tarn_error *err)
{
    const tn_span span = tn_binder__span(b, table->span);
    const size_t from = b->columns.count;
    tn_plan *scan;
    TN_RETURN_IF_ERROR(tn_plan_scan(b->context, relation->source, span, &scan, err));
    const uint32_t width = scan->output_count;
    const uint32_t virtuals = relation->virtuals & b->virtuals;
    for (uint32_t bit = 1; bit <= TN_VIRTUAL_MODIFIED; bit <<= 1) {
        if ((virtuals & bit) != 0) {
            TN_RETURN_IF_ERROR(tn_plan_scan_add_virtual(b->context, scan, (tn_virtual)bit, err));
        }
    }
    b->plan = scan;
    TN_RETURN_IF_ERROR(push_table(b, table, scan, fallback, err));
    for (size_t i = from + width; i < b->columns.count; i++) {
        b->columns.items[i].hidden = true;
    }
    return TARN_OK;
}

/* ---- by name ---- */

static tn_cte *find_cte(tn_binder *b, tn_str name)
{
    tn_cte *folded = NULL;
    for (size_t i = b->ctes.count; i > b->cte_floor; i--) {
        tn_cte *cte = &b->ctes.items[i - 1];
        if ((cte->done || cte->recursive) && cte->hidden == 0 &&
            tn_str_equal_fold(cte->name, name)) {
            if (tn_str_equal(cte->name, name)) {
                return cte;
            }
            folded = folded == NULL ? cte : folded;
        }
    }
    return folded;
}

/* A query that is read once is put in its place; others are kept and read by references. */
static bool is_read_here(const tn_binder *b, const tn_cte *cte)
{
    return cte->uses <= 1 && cte->references == 0 && b->expr_depth == cte->expr_depth;
}

static TN_FALLIBLE bind_cte(tn_binder *b, const tn_ast_table *table, tn_cte *cte, tarn_error *err)
{
    const tn_str name = cte->name;
    b->plan = cte->plan;
    if (!is_read_here(b, cte)) {
        TN_RETURN_IF_ERROR(tn_plan_shared(b->context, cte->plan, cte->shared_id, &b->plan, err));
    }
    cte->references++;
    return push_table(b, table, b->plan, name, err);
}

/* One that reads columns from outside is bound once more for each reference: each may have another
 * row.  It sees those that stand before it. */
static void hide_ctes(tn_binder *b, uint32_t from, bool hide)
{
    for (size_t i = from; i < b->ctes.count; i++) {
        b->ctes.items[i].hidden += hide ? 1 : UINT32_MAX;
    }
}

static TN_FALLIBLE finish_again(tn_binder *b, tn_bind_table_frame *f, tarn_error *err)
{
    hide_ctes(b, f->index, false);
    const tn_ast_cte *ast = b->ctes.items[f->index].ast;
    if (ast->column_count > 0) {
        TN_RETURN_IF_ERROR(tn_binder__rename(b, b->plan, ast->columns, ast->column_count, ast->span,
                                             &b->plan, err));
    }
    return push_table(b, f->table, b->plan, ast->name, err);
}

tarn_code tn_binder__no_relation(tn_binder *b, const tn_object_name *name, bool function,
                                 tarn_error *err)
{
    const tn_str *names = NULL;
    size_t count = 0;
    (void)tn_binder__fail(b, name->span, err, TARN_E_NOT_FOUND, "no table%s named '%.*s%s%.*s'",
                          function ? " function" : "", TN_STR_ARGS(name->schema),
                          name->schema.size > 0 ? "." : "", TN_STR_ARGS(name->name));
    tarn_error ignored = TARN_ERROR_INIT;
    if (b->catalogue != NULL && b->catalogue->ops->names(b->catalogue, function, b->arena, &names,
                                                         &count, &ignored) != TARN_OK) {
        return TARN_E_NOT_FOUND;
    }
    tn_str near = tn_binder__nearest(name->name, names, count);
    if (near.size > 0) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    } else if (!function && tn_str_find(name->name, '.') != SIZE_MAX) {
        tn_hint(err, "a file stands in single quotes: FROM '%.*s'", TN_STR_ARGS(name->name));
    } else if (!function && name->schema.size > 0 && name->name.size <= 8) {
        tn_hint(err, "a file stands in single quotes: FROM '%.*s.%.*s'", TN_STR_ARGS(name->schema),
                TN_STR_ARGS(name->name));
    }
    return TARN_E_NOT_FOUND;
}

/* Errors of the catalogue that know no place happened at the table. */
static tarn_code at_table(const tn_binder *b, tn_span span, tarn_error *err, tarn_code code)
{
    if (code != TARN_OK && err != NULL && err->span_length == 0) {
        const tn_span shown = tn_binder__span(b, span);
        err->span_start = shown.start;
        err->span_length = shown.length;
    }
    return code;
}

static TN_FALLIBLE look_up(tn_binder *b, tn_bind_table_frame *f, tarn_error *err)
{
    const tn_ast_table *table = f->table;
    f->relation = (tn_relation){.kind = TN_RELATION_NONE};
    if (table->kind == TN_TABLE_URI) {
        if (b->catalogue == NULL) {
            return tn_binder__unsupported(b, table->span, err, "files in this place");
        }
        return at_table(b, table->span, err,
                        b->catalogue->ops->open_uri(b->catalogue, table->uri,
                                                    tn_binder__span(b, table->span), &f->relation,
                                                    err));
    }
    if (b->catalogue != NULL) {
        TN_RETURN_IF_ERROR(
            at_table(b, table->span, err,
                     b->catalogue->ops->find(b->catalogue, &table->name, &f->relation, err)));
    }
    return f->relation.kind == TN_RELATION_NONE
               ? tn_binder__no_relation(b, &table->name, false, err)
               : TARN_OK;
}

static tn_str name_of(const tn_bind_table_frame *f)
{
    if (f->relation.default_alias.size > 0) {
        return f->relation.default_alias;
    }
    return f->table->kind == TN_TABLE_FUNCTION ? f->table->call->text : f->table->name.name;
}

/* ---- views ---- */

static uint32_t virtuals_named(tn_str text)
{
    static const struct {
        const char *name;
        tn_virtual bit;
    } columns[] = {{"_file", TN_VIRTUAL_FILE},
                   {"_row", TN_VIRTUAL_ROW},
                   {"_line", TN_VIRTUAL_LINE},
                   {"_modified", TN_VIRTUAL_MODIFIED}};
    uint32_t found = 0;
    for (size_t i = 0; i < text.size; i++) {
        for (size_t c = 0; text.data[i] == '_' && c < 4; c++) {
            const size_t size = strlen(columns[c].name);
            if (text.size - i >= size &&
                tn_str_equal_fold(tn_str_slice(text, i, i + size), tn_str_of(columns[c].name))) {
                found |= (uint32_t)columns[c].bit;
            }
        }
    }
    return found;
}

void tn_binder__read_text(tn_binder *b, tn_str text)
{
    b->source = text;
    b->virtuals = virtuals_named(text);
}

static TN_FALLIBLE enter_view(tn_binder *b, tn_bind_table_frame *f, const tn_ast_query **query,
                              tarn_error *err)
{
    enum { VIEWS_DEEP_MAX = 64 };
    const tn_statement *statements;
    size_t count;
    if (b->view_depth == VIEWS_DEEP_MAX) {
        return tn_binder__fail(b, f->table->span, err, TARN_E_LIMIT,
                               "view '%.*s' stands on more than %d others, or on itself",
                               TN_STR_ARGS(f->table->name.name), VIEWS_DEEP_MAX);
    }
    const tarn_code code =
        tn_sql_parse(f->relation.sql, b->arena, b->pool, &statements, &count, err);
    if (code != TARN_OK || count != 1 || statements[0].kind != TN_STATEMENT_SELECT) {
        if (code == TARN_E_NOMEM) {
            return code;
        }
        return tn_binder__fail(b, f->table->span, err, TARN_E_CORRUPT, "view '%.*s' is not a query",
                               TN_STR_ARGS(f->table->name.name));
    }
    *query = statements[0].ast->query;
    f->source = b->source;
    f->cte_floor = b->cte_floor;
    b->view_span = tn_binder__span(b, f->table->span);
    b->view_depth++;
    b->cte_floor = b->ctes.count;
    tn_binder__read_text(b, f->relation.sql);
    return TARN_OK;
}

static TN_FALLIBLE leave_view(tn_binder *b, tn_bind_table_frame *f, tarn_error *err)
{
    tn_ast_item *names;
    b->view_depth--;
    b->cte_floor = f->cte_floor;
    tn_binder__read_text(b, f->source);
    if (f->relation.columns == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(b->arena, tn_ast_item, f->relation.column_count, &names, err));
    for (uint32_t i = 0; i < f->relation.column_count; i++) {
        names[i].alias = f->relation.columns[i];
    }
    return tn_binder__rename(b, b->plan, names, f->relation.column_count, f->table->span, &b->plan,
                             err);
}

/* ---- table functions ---- */

/* name => value, and name = value, which DuckDB's users write. */
static const tn_ast *argument_at(const tn_ast *call, uint32_t i, tn_str *name, tn_span *span)
{
    const tn_ast *ast = call->items[i];
    *name = TN_STR_NONE;
    *span = (tn_span){0, 0};
    if (ast->kind == TN_AST_ARGUMENT) {
        *name = ast->text;
        *span = (tn_span){ast->span.start, (uint32_t)ast->text.size};
        return ast->items[0];
    }
    if (ast->kind == TN_AST_OPERATOR && ast->count == 2 && tn_str_equal(ast->text, TN_STR("="))) {
        const tn_ast *left = ast->items[0];
        if (left->kind == TN_AST_NULL || (left->kind == TN_AST_NAME && left->count == 1)) {
            *name = left->kind == TN_AST_NULL ? TN_STR("null") : left->text;
            *span = left->span;
            return ast->items[1];
        }
    }
    return ast;
}

bool tn_ast_table__is_unnest(const tn_ast_table *table)
{
    return table->kind == TN_TABLE_FUNCTION &&
           tn_str_equal_fold(table->call->text, TN_STR("unnest"));
}

static TN_FALLIBLE unnest(tn_binder *b, tn_bind_table_frame *f, tarn_error *err)
{
    const tn_ast_table *table = f->table;
    const uint32_t count = table->call->count;
    tn_plan *child = f->child;
    tn_str *names;
    if (count == 0) {
        return tn_binder__fail(b, table->span, err, TARN_E_INVALID, "unnest() wants a list");
    }
    if (child == NULL) {
        TN_RETURN_IF_ERROR(tn_binder__one_row(b, &child, err));
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, count, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = i < table->column_count               ? table->columns[i].alias
                   : count == 1 && table->alias.size > 0 ? table->alias
                                                         : TN_STR("unnest");
    }
    TN_RETURN_IF_ERROR(tn_plan_unnest(b->context, child, b->exprs.items + f->exprs, names, count,
                                      f->outer, &b->plan, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_output *output = &b->plan->outputs[b->plan->output_count - count + i];
        TN_RETURN_IF_ERROR(tn_binder__push_column(
            b,
            (tn_scope_column){.table = table->alias.size > 0 ? table->alias : TN_STR("unnest"),
                              .name = output->name,
                              .id = output->id,
                              .type = output->type},
            err));
    }
    return TARN_OK;
}

static TN_FALLIBLE call_function(tn_binder *b, tn_bind_table_frame *f, tarn_error *err)
{
    const tn_ast *call = f->table->call;
    tn_argument *arguments;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_argument, call->count, &arguments, err));
    for (uint32_t i = 0; i < call->count; i++) {
        const tn_expr *expr = b->exprs.items[f->exprs + i];
        tn_span name_span;
        const tn_ast *ast = argument_at(call, i, &arguments[i].name, &name_span);
        bool needs_row;
        TN_RETURN_IF_ERROR(tn_binder__needs_row(b, expr, &needs_row, err));
        if (needs_row) {
            return tn_binder__fail(b, ast->span, err, TARN_E_UNSUPPORTED,
                                   "arguments of %.*s() must be constants",
                                   TN_STR_ARGS(call->text));
        }
        TN_RETURN_IF_ERROR(tn_binder__constant(b, expr, &arguments[i].value, err));
        arguments[i].span = tn_binder__span(b, ast->span);
        arguments[i].name_span = tn_binder__span(b, name_span);
    }
    f->relation = (tn_relation){.kind = TN_RELATION_NONE};
    if (b->catalogue != NULL) {
        TN_RETURN_IF_ERROR(at_table(
            b, call->span, err,
            b->catalogue->ops->call(b->catalogue, call->text, tn_binder__span(b, call->span),
                                    arguments, call->count, &f->relation, err)));
    }
    if (f->relation.kind == TN_RELATION_NONE) {
        const tn_object_name name = {.name = call->text,
                                     .span = {call->span.start, (uint32_t)call->text.size}};
        return tn_binder__no_relation(b, &name, true, err);
    }
    return TARN_OK;
}

static tarn_code bind_function(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_table_frame *f = frame;
    tn_str name;
    tn_span span;

    TN_ROUTINE(f);
    f->exprs = b->exprs.count;
    f->env = (tn_env){.scope = &f->lateral, .clause = "FROM"};
    for (f->index = 0; f->index < f->table->call->count; f->index++) {
        TN_CALL(b, f, tn_bind__expr,
                (tn_bind_frame){.ast = argument_at(f->table->call, f->index, &name, &span),
                                .env = &f->env});
        TN_RETURN_IF_ERROR(tn_vec_push(&b->exprs, b->expr, err));
    }
    if (tn_ast_table__is_unnest(f->table)) {
        TN_RETURN_IF_ERROR(unnest(b, f, err));
    } else {
        TN_RETURN_IF_ERROR(call_function(b, f, err));
        if (f->relation.kind == TN_RELATION_SOURCE) {
            TN_RETURN_IF_ERROR(scan_source(b, f->table, &f->relation, name_of(f), err));
        } else {
            b->plan = f->relation.plan;
            TN_RETURN_IF_ERROR(push_table(b, f->table, b->plan, name_of(f), err));
        }
    }
    b->exprs.count = f->exprs;
    TN_ROUTINE_END(b);
}

/* ---- any table but a join ---- */

tarn_code tn_bind__table(void *binder, void *frame, tarn_error *err)
{
    tn_binder *b = binder;
    tn_bind_table_frame *f = frame;
    const tn_ast_query *query = NULL;
    tn_cte *cte;

    TN_ROUTINE(f);
    if (f->table->ordinality) {
        return tn_binder__unsupported(b, f->table->span, err, "WITH ORDINALITY");
    }
    f->lateral = (tn_scope){.outer = f->scope->outer,
                            .from = f->scope->from,
                            .to = b->columns.count,
                            .depth = f->scope->depth};
    if (f->table->kind == TN_TABLE_FUNCTION) {
        TN_CALL(b, f, bind_function,
                (tn_bind_table_frame){.table = f->table,
                                      .scope = f->scope,
                                      .child = f->child,
                                      .outer = f->outer,
                                      .lateral = f->lateral});
        return tn_routine_return(&b->routines);
    }
    if (f->table->kind == TN_TABLE_QUERY) {
        TN_CALL(b, f, tn_bind__query,
                (tn_bind_query_frame){.query = f->table->query,
                                      .outer = f->table->lateral ? &f->lateral : f->scope->outer});
        b->lateral_used = b->lateral_used || f->lateral.used;
        TN_RETURN_IF_ERROR(push_table(b, f->table, b->plan, TN_STR_NONE, err));
        return tn_routine_return(&b->routines);
    }
    cte = f->table->kind == TN_TABLE_NAME && f->table->name.schema.size == 0
              ? find_cte(b, f->table->name.name)
              : NULL;
    if (cte != NULL && !cte->done) {
        return tn_binder__unsupported(b, f->table->span, err,
                                      "recursive queries (WITH RECURSIVE that reads itself)");
    }
    if (cte != NULL && cte->reads_outside && !is_read_here(b, cte)) {
        f->index = (uint32_t)(cte - b->ctes.items);
        hide_ctes(b, f->index, true);
        TN_CALL(b, f, tn_bind__query,
                (tn_bind_query_frame){.query = cte->ast->query, .outer = cte->outer});
        TN_RETURN_IF_ERROR(finish_again(b, f, err));
        return tn_routine_return(&b->routines);
    }
    if (cte != NULL) {
        TN_RETURN_IF_ERROR(bind_cte(b, f->table, cte, err));
        return tn_routine_return(&b->routines);
    }
    TN_RETURN_IF_ERROR(look_up(b, f, err));
    if (f->relation.kind == TN_RELATION_SOURCE) {
        TN_RETURN_IF_ERROR(scan_source(b, f->table, &f->relation, name_of(f), err));
    } else if (f->relation.kind == TN_RELATION_PLAN) {
        b->plan = f->relation.plan;
        TN_RETURN_IF_ERROR(push_table(b, f->table, b->plan, name_of(f), err));
        for (uint32_t i = 1; i <= f->relation.hidden_count; i++) {
            b->columns.items[b->columns.count - i].hidden = true;
        }
    } else {
        TN_RETURN_IF_ERROR(enter_view(b, f, &query, err));
        TN_CALL(b, f, tn_bind__query, (tn_bind_query_frame){.query = query});
        TN_RETURN_IF_ERROR(leave_view(b, f, err));
        TN_RETURN_IF_ERROR(push_table(b, f->table, b->plan, name_of(f), err));
    }
    TN_ROUTINE_END(b);
}
