/* bind.c - statements: what the session must do with each, and the plan of its rows. */
#include "sql/bind_internal.h"

static void binder_init(tn_binder *b, tn_catalogue *catalogue, tn_plan_context *context,
                        tn_str text)
{
    tn_pool *pool = context->pool;
    *b = (tn_binder){.context = context,
                     .expr_context = &context->expr,
                     .arena = context->expr.arena,
                     .pool = pool,
                     .catalogue = catalogue,
                     .text = text,
                     .shallowest = UINT32_MAX,
                     .columns = TN_VEC_INIT(pool),
                     .exprs = TN_VEC_INIT(pool),
                     .ctes = TN_VEC_INIT(pool),
                     .plans = TN_VEC_INIT(pool),
                     .tables = TN_VEC_INIT(pool),
                     .groupings = TN_VEC_INIT(pool)};
    tn_routines_init(&b->routines, pool);
    tn_binder__read_text(b, text);
}

static void binder_deinit(tn_binder *b)
{
    tn_routines_deinit(&b->routines);
    for (size_t i = 0; i < b->groupings.count; i++) {
        tn_grouping_state *g = b->groupings.items[i];
        tn_vec_free(&g->keys);
        tn_vec_free(&g->aggregates);
        tn_vec_free(&g->aggregate_ids);
        tn_vec_free(&g->aggregate_names);
        tn_vec_free(&g->ungrouped);
    }
    tn_vec_free(&b->columns);
    tn_vec_free(&b->exprs);
    tn_vec_free(&b->ctes);
    tn_vec_free(&b->plans);
    tn_vec_free(&b->tables);
    tn_vec_free(&b->groupings);
}

static TN_FALLIBLE run_query(tn_binder *b, const tn_ast_query *query, tarn_error *err)
{
    void *frame;
    TN_RETURN_IF_ERROR(
        tn_routine_push(&b->routines, tn_bind__query, sizeof(tn_bind_query_frame), &frame, err));
    ((tn_bind_query_frame *)frame)->query = query;
    return tn_routines_run(&b->routines, b, err);
}

static TN_FALLIBLE run_expr(tn_binder *b, const tn_ast *ast, tn_env *env, tarn_error *err)
{
    void *frame;
    TN_RETURN_IF_ERROR(
        tn_routine_push(&b->routines, tn_bind__expr, sizeof(tn_bind_frame), &frame, err));
    ((tn_bind_frame *)frame)->ast = ast;
    ((tn_bind_frame *)frame)->env = env;
    return tn_routines_run(&b->routines, b, err);
}

static TN_FALLIBLE names_of(tn_binder *b, const tn_ast_item *items, uint32_t count,
                            const tn_str **out, tarn_error *err)
{
    tn_str *names;
    *out = NULL;
    if (count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, count, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = items[i].alias;
    }
    *out = names;
    return TARN_OK;
}

/* ---- CREATE ---- */

static TN_FALLIBLE check_unique(tn_binder *b, const tn_field *fields, uint32_t i, tn_span span,
                                tarn_error *err)
{
    for (uint32_t k = 0; k < i; k++) {
        if (tn_str_equal(fields[k].name, fields[i].name)) {
            return tn_binder__fail(b, span, err, TARN_E_INVALID, "column '%.*s' is there twice",
                                   TN_STR_ARGS(fields[i].name));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE bind_create_table(tn_binder *b, const tn_ast_statement *ast, tn_bound *out,
                                     tarn_error *err)
{
    tn_field *fields;
    out->not_enforced = ast->not_enforced;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_field, ast->definition_count, &fields, err));
    for (uint32_t i = 0; i < ast->definition_count; i++) {
        const tn_ast_column *column = &ast->definitions[i];
        fields[i].name = column->name;
        fields[i].nullable = !column->not_null;
        TN_RETURN_IF_ERROR(
            tn_binder__type(b, column->type, column->type_span, &fields[i].type, err));
        TN_RETURN_IF_ERROR(check_unique(b, fields, i, column->span, err));
    }
    out->schema = (tn_schema){ast->definition_count, fields};
    return TARN_OK;
}

/* Columns of NULLs alone are INTEGER, as DuckDB's: a table's column must have a type. */
static TN_FALLIBLE settle_types(tn_binder *b, tarn_error *err)
{
    const uint32_t count = b->plan->output_count;
    const tn_expr **exprs;
    tn_str *names;
    bool any = false;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, count, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_plan_column(b->context, b->plan, i, (tn_span){0, 0}, &exprs[i], err));
        names[i] = b->plan->outputs[i].name;
        if (exprs[i]->type->kind == TN_KIND_NULL) {
            any = true;
            TN_RETURN_IF_ERROR(tn_expr_cast(b->expr_context, exprs[i], TN_INTEGER, false, true,
                                            (tn_span){0, 0}, &exprs[i], err));
        }
    }
    return any ? tn_plan_project(b->context, b->plan, exprs, names, count, &b->plan, err) : TARN_OK;
}

/* CREATE TABLE t (a INT NOT NULL) AS: names and types are given. */
static TN_FALLIBLE cast_to_schema(tn_binder *b, const tn_ast_statement *ast,
                                  const tn_schema *schema, tarn_error *err)
{
    const tn_expr **exprs;
    tn_str *names;
    if (b->plan->output_count != schema->count) {
        return tn_binder__fail(b, ast->name.span, err, TARN_E_INVALID,
                               "%u column%s defined, the query has %u", schema->count,
                               schema->count == 1 ? " is" : "s are", b->plan->output_count);
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, schema->count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, schema->count, &names, err));
    for (uint32_t i = 0; i < schema->count; i++) {
        const tn_expr *column;
        const tn_span span = ast->definitions[i].span;
        TN_RETURN_IF_ERROR(tn_plan_column(b->context, b->plan, i, span, &column, err));
        TN_RETURN_IF_ERROR(tn_expr_cast(b->expr_context, column, schema->fields[i].type, false,
                                        false, span, &exprs[i], err));
        names[i] = schema->fields[i].name;
    }
    return tn_plan_project(b->context, b->plan, exprs, names, schema->count, &b->plan, err);
}

static TN_FALLIBLE bind_create_as(tn_binder *b, const tn_ast_statement *ast, tn_bound *out,
                                  tarn_error *err)
{
    tn_field *fields;
    TN_RETURN_IF_ERROR(run_query(b, ast->query, err));
    if (ast->definition_count > 0) {
        TN_RETURN_IF_ERROR(bind_create_table(b, ast, out, err));
        return cast_to_schema(b, ast, &out->schema, err);
    }
    if (ast->column_count > 0) {
        TN_RETURN_IF_ERROR(tn_binder__rename(b, b->plan, ast->columns, ast->column_count,
                                             ast->name.span, &b->plan, err));
    }
    TN_RETURN_IF_ERROR(settle_types(b, err));
    const uint32_t count = b->plan->output_count;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_field, count, &fields, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_output *output = &b->plan->outputs[i];
        fields[i] = (tn_field){output->name, output->type, true};
        TN_RETURN_IF_ERROR(check_unique(b, fields, i, ast->name.span, err));
    }
    out->schema = (tn_schema){count, fields};
    return TARN_OK;
}

static TN_FALLIBLE bind_create_view(tn_binder *b, const tn_ast_statement *ast, tn_bound *out,
                                    tarn_error *err)
{
    TN_RETURN_IF_ERROR(run_query(b, ast->query, err));
    if (ast->column_count > b->plan->output_count) {
        return tn_binder__fail(b, ast->name.span, err, TARN_E_INVALID,
                               "%u names for %u column%s of the view", ast->column_count,
                               b->plan->output_count, b->plan->output_count == 1 ? "" : "s");
    }
    out->sql = ast->query_text;
    out->column_count = ast->column_count;
    return names_of(b, ast->columns, ast->column_count, &out->columns, err);
}

/* ---- INSERT ---- */

static TN_FALLIBLE find_target(tn_binder *b, const tn_ast_statement *ast, tn_bound *out,
                               tarn_error *err)
{
    tn_relation relation = {.kind = TN_RELATION_NONE};
    if (b->catalogue != NULL) {
        TN_RETURN_IF_ERROR(b->catalogue->ops->find(b->catalogue, &ast->name, &relation, err));
    }
    if (relation.kind == TN_RELATION_NONE) {
        return tn_binder__no_relation(b, &ast->name, false, err);
    }
    if (relation.kind != TN_RELATION_SOURCE) {
        return tn_binder__fail(b, ast->name.span, err, TARN_E_INVALID,
                               "'%.*s' is a view: rows go into tables",
                               TN_STR_ARGS(ast->name.name));
    }
    out->target = relation.source;
    return TARN_OK;
}

/* Which column of the query goes to each of the table; UINT32_MAX: none. */
static TN_FALLIBLE map_columns(tn_binder *b, const tn_ast_statement *ast, const tn_schema *schema,
                               uint32_t *from, tarn_error *err)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        from[i] = ast->column_count == 0 ? i : UINT32_MAX;
    }
    for (uint32_t i = 0; i < ast->column_count; i++) {
        bool ambiguous = false;
        const tn_ast_item *item = &ast->columns[i];
        const uint32_t field = tn_schema_find(schema, item->alias, &ambiguous);
        if (ambiguous || field == UINT32_MAX) {
            (void)tn_binder__fail(b, item->alias_span, err, TARN_E_INVALID,
                                  ambiguous ? "column '%.*s' is ambiguous in '%.*s'"
                                            : "no column named '%.*s' in %.*s",
                                  TN_STR_ARGS(item->alias), TN_STR_ARGS(ast->name.name));
            tn_str near = TN_STR_NONE;
            for (uint32_t k = 0; k < schema->count && near.size == 0; k++) {
                near = tn_binder__nearest(item->alias, &schema->fields[k].name, 1);
            }
            if (near.size > 0) {
                tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
            }
            return TARN_E_INVALID;
        }
        if (from[field] != UINT32_MAX) {
            return tn_binder__fail(b, item->alias_span, err, TARN_E_INVALID,
                                   "column '%.*s' is there twice", TN_STR_ARGS(item->alias));
        }
        from[field] = i;
    }
    return TARN_OK;
}

static TN_FALLIBLE line_up(tn_binder *b, const tn_ast_statement *ast, const tn_schema *schema,
                           tarn_error *err)
{
    const uint32_t wanted = ast->default_values     ? 0
                            : ast->column_count > 0 ? ast->column_count
                                                    : schema->count;
    uint32_t *from;
    const tn_expr **exprs;
    tn_str *names;
    if (b->plan->output_count != wanted) {
        return tn_binder__fail(b, ast->name.span, err, TARN_E_INVALID,
                               "%u column%s for the %u of '%.*s'", b->plan->output_count,
                               b->plan->output_count == 1 ? "" : "s", wanted,
                               TN_STR_ARGS(ast->name.name));
    }
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, uint32_t, schema->count, &from, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, schema->count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, schema->count, &names, err));
    TN_RETURN_IF_ERROR(map_columns(b, ast, schema, from, err));
    for (uint32_t i = 0; i < schema->count; i++) {
        const tn_field *field = &schema->fields[i];
        const tn_value null = tn_value_null(field->type);
        const tn_expr *expr;
        names[i] = field->name;
        if (ast->default_values || from[i] == UINT32_MAX) {
            TN_RETURN_IF_ERROR(
                tn_expr_literal(b->expr_context, &null, (tn_span){0, 0}, &exprs[i], err));
            continue;
        }
        TN_RETURN_IF_ERROR(
            tn_plan_column(b->context, b->plan, from[i], (tn_span){0, 0}, &expr, err));
        const tarn_code code = tn_expr_cast(b->expr_context, expr, field->type, false, false,
                                            expr->span, &exprs[i], err);
        if (code != TARN_OK) {
            tn_explain(err, "column '%.*s'", TN_STR_ARGS(field->name));
            return code;
        }
    }
    return tn_plan_project(b->context, b->plan, exprs, names, schema->count, &b->plan, err);
}

static TN_FALLIBLE bind_insert(tn_binder *b, const tn_ast_statement *ast, tn_bound *out,
                               tarn_error *err)
{
    TN_RETURN_IF_ERROR(find_target(b, ast, out, err));
    b->allows_default = true;
    if (ast->default_values) {
        TN_RETURN_IF_ERROR(tn_binder__one_row(b, &b->plan, err));
    } else {
        TN_RETURN_IF_ERROR(run_query(b, ast->query, err));
    }
    return line_up(b, ast, &out->target->schema, err);
}

/* ---- COPY ---- */

static TN_FALLIBLE option_value(tn_binder *b, const tn_ast *ast, tn_value *out, tarn_error *err)
{
    tn_env env = {.clause = "COPY"};
    TN_RETURN_IF_ERROR(run_expr(b, ast, &env, err));
    return tn_binder__constant(b, b->expr, out, err);
}

static TN_FALLIBLE bind_partition(tn_binder *b, const tn_ast_option *option, tn_bound *out,
                                  tarn_error *err)
{
    tn_str *names;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, option->value_count, &names, err));
    for (uint32_t i = 0; i < option->value_count; i++) {
        const tn_ast *value = option->values[i];
        for (int exact = 1; exact >= 0 && names[i].size == 0; exact--) {
            for (uint32_t c = 0; c < b->plan->output_count; c++) {
                const tn_str column = b->plan->outputs[c].name;
                if (exact ? tn_str_equal(column, value->text)
                          : tn_str_equal_fold(column, value->text)) {
                    names[i] = column;
                }
            }
        }
        if (value->kind != TN_AST_STRING || names[i].size == 0) {
            return tn_binder__fail(b, value->span, err, TARN_E_INVALID,
                                   "no column named '%.*s' to partition by",
                                   TN_STR_ARGS(value->text));
        }
    }
    out->partition_by = names;
    out->partition_count = option->value_count;
    return TARN_OK;
}

static TN_FALLIBLE bind_options(tn_binder *b, const tn_ast_statement *ast, tn_bound *out,
                                tarn_error *err)
{
    tn_copy_option *options;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_copy_option, ast->option_count, &options, err));
    for (uint32_t i = 0; i < ast->option_count; i++) {
        const tn_ast_option *from = &ast->options[i];
        tn_value *values;
        TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_value, from->value_count, &values, err));
        for (uint32_t v = 0; v < from->value_count; v++) {
            TN_RETURN_IF_ERROR(option_value(b, from->values[v], &values[v], err));
        }
        options[i] = (tn_copy_option){from->name, from->span, values, from->value_count};
        if (tn_str_equal_fold(from->name, TN_STR("partition_by"))) {
            TN_RETURN_IF_ERROR(bind_partition(b, from, out, err));
        }
        if (tn_str_equal_fold(from->name, TN_STR("format"))) {
            if (from->value_count != 1 || values[0].type != TN_VARCHAR) {
                return tn_binder__fail(b, from->span, err, TARN_E_INVALID,
                                       "FORMAT wants a name, such as parquet");
            }
            out->format = values[0].str;
        }
    }
    out->options = options;
    out->option_count = ast->option_count;
    return TARN_OK;
}

static TN_FALLIBLE bind_copy(tn_binder *b, const tn_ast_statement *ast, tn_bound *out,
                             tarn_error *err)
{
    tn_value uri;
    tn_env env = {.clause = "COPY"};
    TN_RETURN_IF_ERROR(run_query(b, ast->query, err));
    tn_plan *plan = b->plan;
    TN_RETURN_IF_ERROR(run_expr(b, ast->uri, &env, err));
    TN_RETURN_IF_ERROR(tn_binder__constant(b, b->expr, &uri, err));
    if (uri.is_null || uri.type != TN_VARCHAR || uri.str.size == 0) {
        return tn_binder__fail(b, ast->uri_span, err, TARN_E_INVALID, "COPY wants a URI here");
    }
    out->uri = uri.str;
    out->uri_span = ast->uri_span;
    b->plan = plan;
    TN_RETURN_IF_ERROR(settle_types(b, err));
    return bind_options(b, ast, out, err);
}

/* ---- which of them ---- */

static TN_FALLIBLE bind_statement(tn_binder *b, const tn_statement *statement, tn_bound *out,
                                  tarn_error *err)
{
    const tn_ast_statement *ast = statement->ast;
    tn_env env = {.clause = "SET"};
    switch (statement->kind) {
    case TN_STATEMENT_SELECT:
    case TN_STATEMENT_DESCRIBE:
        TN_RETURN_IF_ERROR(run_query(b, ast->query, err));
        break;
    case TN_STATEMENT_CREATE_TABLE:
        return bind_create_table(b, ast, out, err);
    case TN_STATEMENT_CREATE_TABLE_AS:
        TN_RETURN_IF_ERROR(bind_create_as(b, ast, out, err));
        break;
    case TN_STATEMENT_CREATE_VIEW:
        TN_RETURN_IF_ERROR(bind_create_view(b, ast, out, err));
        break;
    case TN_STATEMENT_INSERT:
        TN_RETURN_IF_ERROR(bind_insert(b, ast, out, err));
        break;
    case TN_STATEMENT_COPY_TO:
        TN_RETURN_IF_ERROR(bind_copy(b, ast, out, err));
        break;
    case TN_STATEMENT_SET:
        TN_RETURN_IF_ERROR(run_expr(b, ast->value, &env, err));
        return tn_binder__constant(b, b->expr, &out->value, err);
    case TN_STATEMENT_DROP_TABLE:
    case TN_STATEMENT_DROP_VIEW:
    case TN_STATEMENT_SHOW:
    case TN_STATEMENT_RESET:
        break;
    }
    out->plan = b->plan;
    return TARN_OK;
}

/* A failure in a view is shown where the view is named. */
static void place_error(const tn_binder *b, tarn_error *err)
{
    if (err == NULL) {
        return;
    }
    if (b->view_depth > 0) {
        err->span_start = b->view_span.start;
        err->span_length = b->view_span.length;
        err->line = err->column = 0;
    }
    tn_sql_locate(b->text, err);
}

tarn_code tn_sql_bind(const tn_statement *statement, tn_catalogue *catalogue,
                      tn_plan_context *context, tn_bound *out, tarn_error *err)
{
    const tn_ast_statement *ast = statement->ast;
    tn_binder binder;
    *out = (tn_bound){.kind = statement->kind,
                      .explain = statement->explain,
                      .name = ast->name,
                      .names = ast->names,
                      .name_count = ast->name_count,
                      .or_replace = ast->or_replace,
                      .if_not_exists = ast->if_not_exists,
                      .if_exists = ast->if_exists,
                      .is_temporary = ast->temporary,
                      .show = ast->show,
                      .setting = ast->setting,
                      .setting_span = ast->setting_span};
    binder_init(&binder, catalogue, context, statement->text);
    const tarn_code code = bind_statement(&binder, statement, out, err);
    if (code != TARN_OK) {
        place_error(&binder, err);
    }
    binder_deinit(&binder);
    return code;
}

tarn_code tn_sql_bind_expression(tn_str text, const tn_plan *input, tn_plan_context *context,
                                 const tn_expr **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_binder binder;
    tn_ast *ast;
    tn_scope scope = {.outer = NULL};
    tn_env env = {.scope = &scope, .clause = "this place"};

    *out = NULL;
    binder_init(&binder, NULL, context, text);
    TN_TRY(tn_sql__parse_expression(text, context->expr.arena, context->pool, &ast, err));
    TN_TRY(tn_binder__push_outputs(&binder, input, TN_STR_NONE, err));
    scope.to = binder.columns.count;
    TN_TRY(run_expr(&binder, ast, &env, err));
    bool needs_query = false;
    TN_TRY(tn_binder__has_query(&binder, binder.expr, &needs_query, err));
    if (needs_query) {
        code = tn_binder__unsupported(&binder, ast->span, err, "a query in this place");
        goto done;
    }
    *out = binder.expr;
done:
    if (code != TARN_OK) {
        place_error(&binder, err);
    }
    binder_deinit(&binder);
    return code;
}
