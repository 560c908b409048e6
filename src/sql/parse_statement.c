/* parse_statement.c - everything that is not a query, and around queries. */
#include "sql/parser_internal.h"

#include <stdio.h>

static bool next_is_text(const tn_parser *p, const char *word)
{
    const tn_token *token = next_token(p);
    return token->kind == TN_TOKEN_NAME &&
           tn_str_equal_fold(tn_str_slice(p->lexer.text, token->span.start,
                                          token->span.start + token->span.length),
                             tn_str_of(word));
}

/* ---- CREATE ---- */

/* What may be created elsewhere, and not here. */
static const char *is_other_object(const tn_parser *p)
{
    static const char *const others[] = {
        "INDEX",    "UNIQUE", "SCHEMA", "SEQUENCE",     "MACRO",   "FUNCTION", "TYPE", "EXTERNAL",
        "DATABASE", "SECRET", "USER",   "MATERIALIZED", "TRIGGER", "VIRTUAL",  "ROLE", "UNBOUNDED"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (next_is_text(p, others[i])) {
            return others[i];
        }
    }
    return NULL;
}

static TN_FALLIBLE accept_if_exists(tn_parser *p, bool negated, bool *found, tarn_error *err)
{
    *found = next_is_word(p, TN_KW_IF);
    if (!*found) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    if (negated) {
        TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_NOT, err));
    }
    return tn_parser__expect_word(p, TN_KW_EXISTS, err);
}

static TN_FALLIBLE refuse_constraint(tn_parser *p, tarn_error *err)
{
    static const char *const words[] = {"CHECK",      "REFERENCES",     "FOREIGN", "GENERATED",
                                        "CONSTRAINT", "AUTO_INCREMENT", "COLLATE"};
    if (next_is_word(p, TN_KW_DEFAULT)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "DEFAULT of a column");
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (next_is_text(p, words[i])) {
            return tn_parser__unsupported(p, next_token(p)->span, err, words[i]);
        }
    }
    return TARN_OK;
}

/* PRIMARY KEY and UNIQUE are taken as a note, as lakehouses do: the session tells. */
static TN_FALLIBLE accept_key(tn_parser *p, tn_ast_statement *ast, bool *primary, bool *taken,
                              tarn_error *err)
{
    bool key;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_UNIQUE, taken, err));
    if (*taken) {
        ast->not_enforced = ast->not_enforced == NULL ? "UNIQUE" : ast->not_enforced;
    }
    TN_RETURN_IF_ERROR(tn_parser__words_ahead(p, TN_KW_PRIMARY, TN_KW_KEY, &key, err));
    if (key) {
        *taken = *primary = true;
        ast->not_enforced = "PRIMARY KEY";
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE parse_definition(tn_parser *p, tn_ast_statement *ast, tarn_error *err)
{
    tn_ast_column column = {.not_null = false};
    bool taken;

    TN_RETURN_IF_ERROR(refuse_constraint(p, err));
    TN_RETURN_IF_ERROR(tn_parser__name(p, "a column", &column.name, &column.span, err));
    TN_RETURN_IF_ERROR(tn_parser__type(p, &column.type, &column.type_span, err));
    do {
        TN_RETURN_IF_ERROR(refuse_constraint(p, err));
        bool primary = false;
        TN_RETURN_IF_ERROR(accept_key(p, ast, &primary, &taken, err));
        column.not_null = column.not_null || primary;
        if (!taken && next_is_word(p, TN_KW_NOT)) {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_NULL, err));
            column.not_null = taken = true;
        }
        if (!taken) {
            TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_NULL, &taken, err));
        }
    } while (taken);
    return tn_vec_push(&p->definitions, column, err);
}

/* PRIMARY KEY (a, b) as an entry of its own. */
static TN_FALLIBLE parse_table_key(tn_parser *p, tn_ast_statement *ast, size_t base, bool *taken,
                                   tarn_error *err)
{
    bool primary = false;
    const tn_ast_item *names;
    uint32_t count;
    TN_RETURN_IF_ERROR(tn_parser__words_ahead(p, TN_KW_UNIQUE, TN_KW_NONE, taken, err));
    if (!*taken) {
        TN_RETURN_IF_ERROR(tn_parser__words_ahead(p, TN_KW_PRIMARY, TN_KW_KEY, taken, err));
    }
    if (!*taken) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(accept_key(p, ast, &primary, taken, err));
    TN_RETURN_IF_ERROR(tn_parser__name_list(p, &names, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        for (size_t c = base; primary && c < p->definitions.count; c++) {
            tn_ast_column *column = &p->definitions.items[c];
            column->not_null |= tn_str_equal_fold(column->name, names[i].alias);
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE parse_definitions(tn_parser *p, tn_ast_statement *ast, tarn_error *err)
{
    const size_t base = p->definitions.count;
    bool more;
    tn_ast_column *columns;

    TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'(' or AS", err));
    do {
        bool key;
        TN_RETURN_IF_ERROR(parse_table_key(p, ast, base, &key, err));
        if (!key) {
            TN_RETURN_IF_ERROR(parse_definition(p, ast, err));
        }
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more && !next_is(p, ')'));
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
    ast->definition_count = (uint32_t)(p->definitions.count - base);
    TN_RETURN_IF_ERROR(
        tn_arena_array(p->arena, tn_ast_column, ast->definition_count, &columns, err));
    if (ast->definition_count > 0) {
        memcpy(columns, p->definitions.items + base, ast->definition_count * sizeof(*columns));
    }
    p->definitions.count = base;
    ast->definitions = columns;
    return TARN_OK;
}

/* Names in brackets before AS, or definitions: a name behind a name is a type. */
static TN_FALLIBLE parse_table_columns(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    const tn_token *behind;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 2, &behind, err));
    const bool names = behind->kind == TN_TOKEN_SYMBOL;
    if (names) {
        return tn_parser__name_list(p, &f->ast->columns, &f->ast->column_count, err);
    }
    return parse_definitions(p, f->ast, err);
}

static TN_FALLIBLE begin_create(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    bool taken;
    bool view;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(
        tn_parser__words_ahead(p, TN_KW_OR, TN_KW_REPLACE, &f->ast->or_replace, err));
    if (f->ast->or_replace) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_TEMP, &f->ast->temporary, err));
    if (!f->ast->temporary) {
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_TEMPORARY, &f->ast->temporary, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_VIEW, &view, err));
    if (!view && !next_is_word(p, TN_KW_TABLE)) {
        const char *other = is_other_object(p);
        if (other != NULL) {
            char what[64];
            (void)snprintf(what, sizeof(what), "CREATE %s", other);
            return tn_parser__unsupported(p, next_token(p)->span, err, what);
        }
        return tn_parser__expected(p, "TABLE or VIEW", err);
    }
    if (!view) {
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_TABLE, &taken, err));
    }
    f->statement->kind = view ? TN_STATEMENT_CREATE_VIEW : TN_STATEMENT_CREATE_TABLE;
    TN_RETURN_IF_ERROR(accept_if_exists(p, true, &f->ast->if_not_exists, err));
    TN_RETURN_IF_ERROR(tn_parser__object_name(
        p, view ? "a name for the view" : "a name for the table", &f->ast->name, err));
    if (!next_is(p, '(')) {
        return TARN_OK;
    }
    return view ? tn_parser__name_list(p, &f->ast->columns, &f->ast->column_count, err)
                : parse_table_columns(p, f, err);
}

static tarn_code parse_create(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_statement_frame *f = frame;

    TN_ROUTINE(f);
    TN_RETURN_IF_ERROR(begin_create(p, f, err));
    if (f->ast->definition_count > 0 && !next_is_word(p, TN_KW_AS)) {
        return tn_routine_return(&p->routines);
    }
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_AS, err));
    f->start = next_token(p)->span.start;
    TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
    f->ast->query = p->query;
    f->ast->query_text =
        tn_str_slice(p->lexer.text, f->start, f->start + tn_parser__span_from(p, f->start).length);
    if (f->statement->kind == TN_STATEMENT_CREATE_TABLE) {
        f->statement->kind = TN_STATEMENT_CREATE_TABLE_AS;
    }
    TN_ROUTINE_END(p);
}

/* ---- DROP ---- */

static TN_FALLIBLE parse_drop(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    const size_t base = p->names.count;
    tn_object_name *names;
    bool more;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    const bool view = next_is_word(p, TN_KW_VIEW);
    if (!view && !next_is_word(p, TN_KW_TABLE)) {
        if (is_other_object(p) != NULL) {
            return tn_parser__unsupported(p, next_token(p)->span, err,
                                          "DROP of anything but tables and views");
        }
        return tn_parser__expected(p, "TABLE or VIEW", err);
    }
    f->statement->kind = view ? TN_STATEMENT_DROP_VIEW : TN_STATEMENT_DROP_TABLE;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(accept_if_exists(p, false, &f->ast->if_exists, err));
    do {
        tn_object_name name;
        TN_RETURN_IF_ERROR(tn_parser__object_name(p, view ? "a view" : "a table", &name, err));
        TN_RETURN_IF_ERROR(tn_vec_push(&p->names, name, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more);
    if (next_is_text(p, "CASCADE") || next_is_text(p, "RESTRICT")) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    f->ast->name_count = (uint32_t)(p->names.count - base);
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_object_name, f->ast->name_count, &names, err));
    memcpy(names, p->names.items + base, f->ast->name_count * sizeof(*names));
    p->names.count = base;
    f->ast->names = names;
    return TARN_OK;
}

/* ---- INSERT ---- */

static TN_FALLIBLE begin_insert(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    const tn_token *behind;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    if (next_is_word(p, TN_KW_OR)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "INSERT OR ...");
    }
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_INTO, err));
    TN_RETURN_IF_ERROR(tn_parser__object_name(p, "a table", &f->ast->name, err));
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    const bool values = behind->kind == TN_TOKEN_NAME && behind->keyword == TN_KW_VALUES;
    if (next_is(p, '(') && tn_parser__is_name(behind, false) && !values) {
        TN_RETURN_IF_ERROR(tn_parser__name_list(p, &f->ast->columns, &f->ast->column_count, err));
    }
    TN_RETURN_IF_ERROR(
        tn_parser__words_ahead(p, TN_KW_DEFAULT, TN_KW_VALUES, &f->ast->default_values, err));
    if (f->ast->default_values) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        return tn_parser__skip(p, err);
    }
    if (next_is_word(p, TN_KW_BY)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "INSERT ... BY NAME");
    }
    return TARN_OK;
}

static tarn_code parse_insert(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_statement_frame *f = frame;

    TN_ROUTINE(f);
    f->statement->kind = TN_STATEMENT_INSERT;
    TN_RETURN_IF_ERROR(begin_insert(p, f, err));
    if (!f->ast->default_values) {
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
        f->ast->query = p->query;
    }
    if (next_is_word(p, TN_KW_ON)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "ON CONFLICT");
    }
    if (next_is_text(p, "RETURNING")) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "RETURNING");
    }
    TN_ROUTINE_END(p);
}

/* ---- COPY ---- */

/* A word, string, number or boolean; a word is a string. */
static TN_FALLIBLE parse_option_value(tn_parser *p, tarn_error *err)
{
    tn_ast *value;
    tn_span span;
    tn_str word;
    bool minus;
    if (tn_parser__is_name(next_token(p), false) || next_is_word(p, TN_KW_ON) ||
        next_is_word(p, TN_KW_ALL)) {
        TN_RETURN_IF_ERROR(tn_parser__label(p, "a value", &word, &span, err));
        TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_STRING, span.start, &value, err));
        value->text = word;
        return tn_vec_push(&p->values, value, err);
    }
    const uint32_t start = next_token(p)->span.start;
    TN_RETURN_IF_ERROR(tn_parser__accept(p, '-', &minus, err));
    TN_RETURN_IF_ERROR(tn_parser__simple(p, &value, err));
    if (value == NULL || (minus && value->kind != TN_AST_NUMBER)) {
        return tn_parser__expected(p, "a value", err);
    }
    if (minus) {
        value->span = tn_parser__span_from(p, start);
        TN_RETURN_IF_ERROR(
            tn_arena_print(p->arena, &value->text, err, "-%.*s", TN_STR_ARGS(value->text)));
    }
    return tn_vec_push(&p->values, value, err);
}

static TN_FALLIBLE parse_option(tn_parser *p, tarn_error *err)
{
    tn_ast_option option = {.value_count = 0};
    const size_t base = p->values.count;
    bool taken;
    bool list;
    bool more = false;

    TN_RETURN_IF_ERROR(tn_parser__label(p, "an option", &option.name, &option.span, err));
    TN_RETURN_IF_ERROR(tn_parser__accept(p, '=', &taken, err));
    if (taken || (!next_is(p, ',') && !next_is(p, ')'))) {
        TN_RETURN_IF_ERROR(tn_parser__accept(p, '(', &list, err));
        do {
            TN_RETURN_IF_ERROR(parse_option_value(p, err));
            if (list) {
                TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
            }
        } while (more);
        if (list) {
            TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
        }
    }
    tn_ast values = {.kind = TN_AST_ROW};
    TN_RETURN_IF_ERROR(tn_parser__items_to(p, base, &values, err));
    option.values = values.items;
    option.value_count = values.count;
    return tn_vec_push(&p->options, option, err);
}

static TN_FALLIBLE parse_options(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    tn_ast_option *options;
    bool more;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_WITH, &more, err));
    if (!more && !next_is(p, '(')) {
        return TARN_OK;
    }
    p->options.count = 0;
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
    do {
        TN_RETURN_IF_ERROR(parse_option(p, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more);
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "',' or ')'", err));
    f->ast->option_count = (uint32_t)p->options.count;
    TN_RETURN_IF_ERROR(
        tn_arena_array(p->arena, tn_ast_option, f->ast->option_count, &options, err));
    memcpy(options, p->options.items, f->ast->option_count * sizeof(*options));
    f->ast->options = options;
    return TARN_OK;
}

/* A query that reads one table. */
static TN_FALLIBLE query_of_table(tn_parser *p, tn_ast_table *table, tn_ast_query **out,
                                  tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast_query, out, err));
    (*out)->kind = TN_QUERY_SELECT;
    (*out)->span = table->span;
    (*out)->from = table;
    return TARN_OK;
}

/* SELECT a, b FROM table, for COPY t (a, b). */
static TN_FALLIBLE select_columns(tn_parser *p, tn_ast_query *query, tarn_error *err)
{
    const tn_ast_item *names;
    tn_ast_item *items;
    TN_RETURN_IF_ERROR(tn_parser__name_list(p, &names, &query->item_count, err));
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_ast_item, query->item_count, &items, err));
    for (uint32_t i = 0; i < query->item_count; i++) {
        tn_ast *name;
        TN_RETURN_IF_ERROR(tn_parser__node(p, TN_AST_NAME, 0, &name, err));
        name->span = names[i].alias_span;
        name->text = names[i].alias;
        name->names = &name->text;
        name->count = 1;
        items[i].expr = name;
    }
    query->items = items;
    return TARN_OK;
}

static TN_FALLIBLE finish_copy(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    if (next_is_word(p, TN_KW_FROM)) {
        (void)tn_parser__unsupported(p, next_token(p)->span, err, "COPY ... FROM");
        tn_hint(err, "INSERT INTO t SELECT * FROM 'file' does the same");
        return TARN_E_UNSUPPORTED;
    }
    TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_TO, err));
    const tn_token token = *next_token(p);
    if (token.kind != TN_TOKEN_STRING && token.kind != TN_TOKEN_PARAMETER) {
        return tn_parser__expected(p, "a URI in quotes", err);
    }
    f->ast->uri_span = token.span;
    TN_RETURN_IF_ERROR(tn_parser__simple(p, &f->ast->uri, err));
    return parse_options(p, f, err);
}

static tarn_code parse_copy(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_statement_frame *f = frame;

    TN_ROUTINE(f);
    f->statement->kind = TN_STATEMENT_COPY_TO;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    if (next_is(p, '(')) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
        f->ast->query = p->query;
        TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
    } else {
        tn_ast_table *table;
        TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast_table, &table, err));
        table->kind = TN_TABLE_NAME;
        TN_RETURN_IF_ERROR(
            tn_parser__object_name(p, "a table, or a query in brackets", &table->name, err));
        table->span = table->name.span;
        TN_RETURN_IF_ERROR(query_of_table(p, table, &f->ast->query, err));
        if (next_is(p, '(')) {
            TN_RETURN_IF_ERROR(select_columns(p, f->ast->query, err));
        }
    }
    TN_RETURN_IF_ERROR(finish_copy(p, f, err));
    TN_ROUTINE_END(p);
}

/* ---- DESCRIBE, SHOW, SET ---- */

static tarn_code parse_describe(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_statement_frame *f = frame;
    bool query;

    TN_ROUTINE(f);
    f->statement->kind = TN_STATEMENT_DESCRIBE;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    if (next_is_word(p, TN_KW_TABLE)) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__query_ahead(p, &query, err));
    if (query || next_is(p, '(')) {
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
        f->ast->query = p->query;
    } else {
        TN_CALL(p, f, tn_parse__from, (tn_from_frame){.table = NULL});
        TN_RETURN_IF_ERROR(query_of_table(p, p->table, &f->ast->query, err));
    }
    TN_ROUTINE_END(p);
}

/* a, a.b, TIME ZONE */
static TN_FALLIBLE parse_setting(tn_parser *p, tn_ast_statement *ast, tarn_error *err)
{
    const uint32_t start = next_token(p)->span.start;
    tn_str name;
    tn_span span;
    bool more;
    if (next_is_text(p, "TIME")) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__expect_word(p, TN_KW_ZONE, err));
        ast->setting = TN_STR("timezone");
        ast->setting_span = tn_parser__span_from(p, start);
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_parser__label(p, "a setting", &ast->setting, &span, err));
    TN_RETURN_IF_ERROR(tn_parser__accept(p, '.', &more, err));
    while (more) {
        TN_RETURN_IF_ERROR(tn_parser__label(p, "a setting", &name, &span, err));
        TN_RETURN_IF_ERROR(tn_arena_print(p->arena, &ast->setting, err, "%.*s.%.*s",
                                          TN_STR_ARGS(ast->setting), TN_STR_ARGS(name)));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, '.', &more, err));
    }
    ast->setting_span = tn_parser__span_from(p, start);
    return TARN_OK;
}

static TN_FALLIBLE parse_show(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    bool taken;
    f->statement->kind = TN_STATEMENT_SHOW;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ALL, &taken, err));
    if (taken && !next_is_word(p, TN_KW_TABLES)) {
        f->ast->show = TN_SHOW_ALL;
        return TARN_OK;
    }
    if (next_is_word(p, TN_KW_TABLES) || next_is_word(p, TN_KW_FUNCTIONS)) {
        f->ast->show = next_is_word(p, TN_KW_TABLES) ? TN_SHOW_TABLES : TN_SHOW_FUNCTIONS;
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_LIKE, &taken, err));
        if (!taken) {
            return TARN_OK;
        }
        if (next_token(p)->kind != TN_TOKEN_STRING) {
            return tn_parser__expected(p, "a pattern in quotes", err);
        }
        f->ast->setting_span = next_token(p)->span;
        TN_RETURN_IF_ERROR(
            tn_token__decode(p->lexer.text, next_token(p), p->arena, &f->ast->setting, err));
        return tn_parser__skip(p, err);
    }
    f->ast->show = TN_SHOW_SETTING;
    return parse_setting(p, f->ast, err);
}

static TN_FALLIBLE parse_set(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    bool taken;
    const tn_token *behind;
    f->statement->kind = TN_STATEMENT_SET;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    if ((next_is_text(p, "SESSION") || next_is_text(p, "LOCAL") || next_is_text(p, "GLOBAL")) &&
        behind->kind == TN_TOKEN_NAME && behind->keyword != TN_KW_TO) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    const bool zone = next_is_text(p, "TIME");
    TN_RETURN_IF_ERROR(parse_setting(p, f->ast, err));
    TN_RETURN_IF_ERROR(tn_parser__accept(p, '=', &taken, err));
    if (!taken && !zone) {
        TN_RETURN_IF_ERROR(next_is_word(p, TN_KW_TO) ? tn_parser__skip(p, err)
                                                     : tn_parser__expected(p, "'='", err));
    }
    if (next_is_word(p, TN_KW_DEFAULT)) {
        f->statement->kind = TN_STATEMENT_RESET;
        return tn_parser__skip(p, err);
    }
    TN_RETURN_IF_ERROR(parse_option_value(p, err));
    f->ast->value = tn_vec_pop(&p->values);
    return TARN_OK;
}

static TN_FALLIBLE parse_reset(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    bool all;
    f->statement->kind = TN_STATEMENT_RESET;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ALL, &all, err));
    return all ? TARN_OK : parse_setting(p, f->ast, err);
}

/* ---- which of them ---- */

static tarn_code fail_statement(tn_parser *p, tarn_error *err)
{
    static const char *const others[] = {
        "UPDATE",  "DELETE",    "MERGE",      "BEGIN",     "START",      "COMMIT", "ROLLBACK",
        "PREPARE", "EXECUTE",   "DEALLOCATE", "ALTER",     "TRUNCATE",   "ATTACH", "DETACH",
        "USE",     "PRAGMA",    "CALL",       "GRANT",     "REVOKE",     "VACUUM", "ANALYZE",
        "INSTALL", "LOAD",      "EXPORT",     "IMPORT",    "CHECKPOINT", "PIVOT",  "UNPIVOT",
        "COMMENT", "SAVEPOINT", "LOCK",       "SUMMARIZE", "DECLARE",    "ABORT"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (next_is_text(p, others[i])) {
            return tn_parser__unsupported(p, next_token(p)->span, err, others[i]);
        }
    }
    return tn_parser__expected(p, "a statement", err);
}

static TN_FALLIBLE begin_explain(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    bool analyze;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_ANALYZE, &analyze, err));
    f->statement->explain = analyze ? TN_EXPLAIN_ANALYZE : TN_EXPLAIN_PLAN;
    return TARN_OK;
}

/* The statements that need no routine. */
static TN_FALLIBLE parse_flat(tn_parser *p, tn_statement_frame *f, tarn_error *err)
{
    switch ((int)(next_token(p)->kind == TN_TOKEN_NAME ? next_token(p)->keyword : TN_KW_NONE)) {
    case TN_KW_DROP:
        return parse_drop(p, f, err);
    case TN_KW_SHOW:
        return parse_show(p, f, err);
    case TN_KW_SET:
        return parse_set(p, f, err);
    case TN_KW_RESET:
        return parse_reset(p, f, err);
    default:
        return fail_statement(p, err);
    }
}

static tn_routine *routine_of(const tn_parser *p)
{
    switch ((int)(next_token(p)->kind == TN_TOKEN_NAME ? next_token(p)->keyword : TN_KW_NONE)) {
    case TN_KW_CREATE:
        return parse_create;
    case TN_KW_INSERT:
        return parse_insert;
    case TN_KW_COPY:
        return parse_copy;
    case TN_KW_DESCRIBE:
    case TN_KW_DESC:
        return parse_describe;
    default:
        return NULL;
    }
}

tarn_code tn_parse__statement(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_statement_frame *f = frame;
    bool query;
    tn_routine *routine;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast_statement, &f->ast, err));
    f->statement->ast = f->ast;
    if (next_is_word(p, TN_KW_EXPLAIN)) {
        TN_RETURN_IF_ERROR(begin_explain(p, f, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__query_ahead(p, &query, err));
    routine = routine_of(p);
    if (query || next_is(p, '(')) {
        f->statement->kind = TN_STATEMENT_SELECT;
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
        f->ast->query = p->query;
    } else if (routine != NULL) {
        TN_CALL(p, f, routine, (tn_statement_frame){.statement = f->statement, .ast = f->ast});
    } else {
        TN_RETURN_IF_ERROR(parse_flat(p, f, err));
    }
    f->statement->span = tn_parser__span_from(p, f->start);
    if (f->statement->explain != TN_EXPLAIN_NONE && f->ast->query == NULL) {
        return tn_parser__unsupported(p, f->statement->span, err,
                                      "EXPLAIN of a statement without a query");
    }
    TN_ROUTINE_END(p);
}
