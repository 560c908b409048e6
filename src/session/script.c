/* Statements run one after the other, and what each of them answers. */
#include "session/session_internal.h"

#include "scan/memory.h"

#include <stdio.h>

static const size_t explain_max = 16 << 20;

struct tn_script {
    tn_session *session;
    tn_arena arena; /* the statements' */
    char *text;     /* a copy: spans point into it */
    size_t size;
    const tn_parameters *parameters;
    const tn_statement *statements;
    size_t count, next;
    tn_result *open; /* the last one answered */
    const tn_copy_options *redirect;
    bool redirected; /* a result is there: another one would replace it */
};

struct tn_result {
    tn_session *session;
    tn_script *script;
    tn_arena arena; /* the plan's */
    tn_plan_context context;
    tn_schema schema;
    tn_query *query; /* or: */
    tn_chunk *chunk; /* an answer that is there already */
    bool is_count;
    const char *warning;
    tn_query_stats stats;
    size_t mark; /* sources opened before */
    tn_sources sources;
};

/* ---- scripts ----------------------------------------------------------------------------------*/

static TN_FALLIBLE refuse_secrets(tarn_error *err)
{
    (void)tn_fail(
        err, TARN_E_INVALID,
        "the statement is wrong, and is not shown, since it names a secret: none is taken "
        "from SQL");
    tn_hint(err, "put secrets into the environment or into ~/.aws/credentials");
    return TARN_E_INVALID;
}

tarn_code tn_script_open(tn_session *session, tn_str sql, const tn_parameters *parameters,
                         tn_script **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_script *script = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(&session->pool, sizeof(tn_script), &memory, err));
    script = memory;
    script->session = session;
    script->parameters = parameters;
    tn_arena_init(&script->arena, &session->pool);
    TN_TRY(tn_pool_alloc(&session->pool, sql.size + 1, &memory, err));
    script->text = memory;
    script->size = sql.size;
    if (sql.size > 0) {
        memcpy(script->text, sql.data, sql.size);
    }
    script->text[sql.size] = '\0';
    code = tn_sql_parse((tn_str){script->text, sql.size}, &script->arena, &session->pool,
                        &script->statements, &script->count, err);
    if (code != TARN_OK) {
        /* The message may have a word of it, which may be the secret. */
        TN_TRY(tn_setting_names_secret(sql) ? refuse_secrets(err) : code);
    }
    *out = script;
    script = NULL;
done:
    tn_script_close(script);
    return code;
}

void tn_script_close(tn_script *script)
{
    if (script == NULL) {
        return;
    }
    tn_result_close(script->open);
    tn_arena_deinit(&script->arena);
    if (script->text != NULL) {
        tn_pool_free(&script->session->pool, script->text, script->size + 1);
    }
    tn_pool_free(&script->session->pool, script, sizeof(*script));
}

/* ---- results ----------------------------------------------------------------------------------*/

void tn_script_redirect(tn_script *script, const tn_copy_options *options)
{
    script->redirect = options;
    script->redirected = false;
}

static bool answers_rows(const tn_statement *statement)
{
    return statement->explain != TN_EXPLAIN_NONE || statement->kind == TN_STATEMENT_SELECT ||
           statement->kind == TN_STATEMENT_DESCRIBE || statement->kind == TN_STATEMENT_SHOW;
}

size_t tn_script_results(const tn_script *script)
{
    size_t results = 0;
    for (size_t i = script->next; i < script->count; i++) {
        results += answers_rows(&script->statements[i]);
    }
    return results;
}

tarn_code tn_script_parameters(const tn_script *script, void (*see)(void *context, tn_str name),
                               void *context, tarn_error *err)
{
    for (const tn_entry *each = script->session->entries; each != NULL; each = each->next) {
        if (each->is_view) { /* bound anew with the values of who reads it */
            TN_RETURN_IF_ERROR(tn_sql_parameters(each->sql, see, context, err));
        }
    }
    return tn_sql_parameters((tn_str){script->text, script->size}, see, context, err);
}

tn_span tn_script_span(const tn_script *script)
{
    return script->next == 0 ? (tn_span){0, 0} : script->statements[script->next - 1].span;
}

bool tn_script_is_at_end(const tn_script *script)
{
    return script->next == script->count;
}

const char *tn_result_warning(const tn_result *result)
{
    return result->warning;
}

const tn_schema *tn_result_schema(const tn_result *result)
{
    return &result->schema;
}

bool tn_result_is_count(const tn_result *result)
{
    return result->is_count;
}

void tn_result_stats(const tn_result *result, tn_query_stats *out)
{
    *out = result->stats;
    if (result->query != NULL) {
        tn_query_get_stats(result->query, out);
    }
}

tarn_code tn_result_read(tn_result *result, tn_chunk **out, tarn_error *err)
{
    *out = result->chunk;
    result->chunk = NULL;
    if (*out != NULL || result->query == NULL) {
        return TARN_OK;
    }
    tn_session__run(result->session, result->query); /* others may be read in turn */
    const tarn_code code = tn_query_next(result->query, out, err);
    if (code != TARN_OK) {
        tn_sql_locate((tn_str){result->script->text, result->script->size}, err);
    }
    return code;
}

void tn_result_close(tn_result *result)
{
    if (result == NULL) {
        return;
    }
    tn_session *session = result->session;
    if (result->script->open == result) {
        result->script->open = NULL;
    }
    tn_session__run(session, NULL);
    tn_query_destroy(result->query);
    tn_chunk_release(result->chunk);
    tn_arena_deinit(&result->arena);
    tn_sources__free(&result->sources);
    tn_session__drop_sources(session, result->mark);
    tn_pool_free(&session->pool, result, sizeof(*result));
}

/* ---- one statement ----------------------------------------------------------------------------*/

static TN_FALLIBLE schema_of(tn_result *result, const tn_plan *plan, tarn_error *err)
{
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(&result->arena, tn_field, plan->output_count, &fields, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        fields[i] =
            (tn_field){plan->outputs[i].name, plan->outputs[i].type, plan->outputs[i].nullable};
    }
    result->schema = (tn_schema){plan->output_count, fields};
    return TARN_OK;
}

static TN_FALLIBLE optimise(tn_result *result, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_optimise_options options;
    tn_session_optimise_options(result->session, &options);
    return tn_plan_optimise(&result->context, plan, &options, out, err);
}

static TN_FALLIBLE start_query(tn_result *result, const tn_plan *plan, tarn_error *err)
{
    tn_session *session = result->session;
    tn_query_options options;
    tn_session_query_options(session, &options);
    TN_RETURN_IF_ERROR(tn_query_create(&result->context, plan, &options, &result->query, err));
    tn_session__run(session, result->query);
    return TARN_OK;
}

static TN_FALLIBLE answer_lines(tn_result *result, const tn_text *text, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_text_status(text, err));
    return tn_session__lines(result->session, tn_text_str(text), &result->arena, &result->schema,
                             &result->chunk, err);
}

/* EXPLAIN: the plan; with ANALYZE it is run first, and its rows are counted and thrown away. */
static TN_FALLIBLE explain(tn_result *result, tn_plan *plan, bool analyse, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text text;
    tn_plan *optimised;
    tn_chunk *chunk;

    tn_text_init(&text, &result->session->pool, explain_max);
    TN_TRY(optimise(result, plan, &optimised, err));
    if (analyse) {
        TN_TRY(start_query(result, optimised, err));
        do {
            TN_TRY(tn_query_next(result->query, &chunk, err));
            tn_chunk_release(chunk);
        } while (chunk != NULL);
    }
    TN_TRY(tn_plan_explain(optimised, &result->session->pool, analyse ? tn_query_annotate : NULL,
                           result->query, &text, err));
    if (analyse) {
        tn_query_get_stats(result->query, &result->stats);
        tn_text_printf(&text, "rows read %llu, bytes read %llu, spilled %llu, peak memory %llu\n",
                       (unsigned long long)result->stats.rows_in,
                       (unsigned long long)result->stats.bytes_read,
                       (unsigned long long)result->stats.spilled_bytes,
                       (unsigned long long)result->stats.peak_bytes);
    }
    TN_TRY(answer_lines(result, &text, err));
done:
    tn_session__run(result->session, NULL);
    tn_query_destroy(result->query);
    result->query = NULL;
    tn_text_deinit(&text);
    return code;
}

static TN_FALLIBLE answer_count(tn_result *result, uint64_t rows, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_chunk_builder *builder = NULL;
    tn_field *field;
    const tn_type *const type = TN_BIGINT;
    const tn_value count = tn_value_bigint((int64_t)rows);

    TN_TRY(tn_arena_new(&result->arena, tn_field, &field, err));
    *field = (tn_field){TN_STR("count"), TN_BIGINT, false};
    result->schema = (tn_schema){1, field};
    result->is_count = true;
    TN_TRY(tn_chunk_builder_create(&result->session->pool, &type, 1, 1, &builder, err));
    TN_TRY(tn_chunk_builder_put(builder, 0, &count, err));
    TN_TRY(tn_chunk_builder_finish(builder, &result->chunk, err));
done:
    tn_chunk_builder_destroy(builder);
    return code;
}

/* Runs the plan's rows into the sink. */
static TN_FALLIBLE write_into(tn_result *result, tn_plan *plan, tn_sink *sink, tarn_error *err)
{
    tn_plan *write;
    TN_RETURN_IF_ERROR(tn_plan_write(&result->context, plan, sink, &write, err));
    return tn_session_run_writes(result->session, &result->context, write, &result->stats, err);
}

/* ---- tables -----------------------------------------------------------------------------------*/

static TN_FALLIBLE refuse_taken(tn_result *result, const tn_bound *bound, bool *skip,
                                tarn_error *err)
{
    bool ambiguous;
    const tn_entry *entry = tn_session__find(result->session, bound->name.name, &ambiguous);
    *skip = false;
    if (entry == NULL || (bound->or_replace && !entry->is_view)) {
        return TARN_OK;
    }
    if (bound->if_not_exists) {
        *skip = true;
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_EXISTS, "there is a %s named '%.*s' already",
                  entry->is_view ? "view" : "table", TN_STR_ARGS(entry->name));
    tn_hint(err, "%s",
            entry->is_view ? "DROP VIEW it first"
                           : "CREATE OR REPLACE TABLE, or DROP TABLE it first");
    return TARN_E_EXISTS;
}

/* Columns made from a query may all be null later, whatever its rows say now. */
static TN_FALLIBLE may_be_null(tn_result *result, const tn_schema *from, tn_schema *out,
                               tarn_error *err)
{
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(&result->arena, tn_field, from->count, &fields, err));
    for (uint32_t i = 0; i < from->count; i++) {
        fields[i] = from->fields[i];
        fields[i].nullable = true;
    }
    *out = (tn_schema){from->count, fields};
    return TARN_OK;
}

static TN_FALLIBLE create_table(tn_result *result, const tn_bound *bound, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_session *session = result->session;
    tn_memory_sink *sink = NULL;
    bool skip;
    size_t count = 0;
    tn_chunk *const *chunks = NULL;
    tn_schema schema = bound->schema;

    TN_TRY(refuse_taken(result, bound, &skip, err));
    if (skip) {
        goto done;
    }
    if (bound->kind == TN_STATEMENT_CREATE_TABLE_AS) {
        TN_TRY(may_be_null(result, &bound->schema, &schema, err));
        TN_TRY(tn_memory_sink_create(&session->pool, bound->name.name, &schema, &sink, err));
        TN_TRY(write_into(result, bound->plan, tn_memory_sink_base(sink), err));
        chunks = tn_memory_sink_chunks(sink, &count);
    }
    TN_TRY(
        tn_session__add_table(session, bound->name.name, &bound->schema, chunks, count, true, err));
    if (sink != NULL) {
        TN_TRY(answer_count(result, atomic_load(&tn_memory_sink_base(sink)->rows), err));
    }
done:
    tn_memory_sink_destroy(sink);
    return code;
}

static TN_FALLIBLE insert(tn_result *result, const tn_bound *bound, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_session *session = result->session;
    tn_memory_sink *sink = NULL;
    tn_chunk **all = NULL;
    bool ambiguous;
    size_t added;
    const tn_entry *table = tn_session__find(session, bound->name.name, &ambiguous);

    if (table == NULL || table->is_view) {
        code = tn_fail(err, TARN_E_INVALID, "'%.*s' is no table of this session",
                       TN_STR_ARGS(bound->name.name));
        tn_hint(err, "rows go into a Delta table with COPY ... TO or 'tarn table write'");
        goto done;
    }
    TN_TRY(tn_memory_sink_create(&session->pool, table->name, &table->schema, &sink, err));
    TN_TRY(write_into(result, bound->plan, tn_memory_sink_base(sink), err));
    tn_chunk *const *chunks = tn_memory_sink_chunks(sink, &added);
    TN_TRY(tn_arena_array(&result->arena, tn_chunk *, table->chunk_count + added, &all, err));
    for (size_t i = 0; i < table->chunk_count + added; i++) {
        all[i] = i < table->chunk_count ? table->chunks[i] : chunks[i - table->chunk_count];
    }
    TN_TRY(tn_session__add_table(session, table->name, &table->schema, all,
                                 table->chunk_count + added, true, err));
    TN_TRY(answer_count(result, atomic_load(&tn_memory_sink_base(sink)->rows), err));
done:
    tn_memory_sink_destroy(sink);
    return code;
}

static TN_FALLIBLE create_view(tn_result *result, const tn_bound *bound, tarn_error *err)
{
    bool ambiguous;
    const tn_entry *entry = tn_session__find(result->session, bound->name.name, &ambiguous);
    if (entry != NULL && !(bound->or_replace && entry->is_view)) {
        if (bound->if_not_exists && entry->is_view) {
            return TARN_OK;
        }
        (void)tn_fail(err, TARN_E_EXISTS, "there is a %s named '%.*s' already",
                      entry->is_view ? "view" : "table", TN_STR_ARGS(entry->name));
        tn_hint(err, "CREATE OR REPLACE VIEW, or drop it first");
        return TARN_E_EXISTS;
    }
    return tn_session__add_view(result->session, bound, err);
}

static TN_FALLIBLE drop(tn_result *result, const tn_bound *bound, tarn_error *err)
{
    const bool views = bound->kind == TN_STATEMENT_DROP_VIEW;
    for (uint32_t i = 0; i < bound->name_count; i++) {
        bool ambiguous;
        const tn_str name = bound->names[i].name;
        tn_entry *entry = tn_session__find(result->session, name, &ambiguous);
        if (entry != NULL && entry->is_view == views) {
            tn_session__drop(result->session, entry);
        } else if (entry != NULL) {
            (void)tn_fail(err, TARN_E_INVALID, "'%.*s' is a %s", TN_STR_ARGS(name),
                          views ? "table" : "view");
            tn_hint(err, "%s", views ? "DROP TABLE drops it" : "DROP VIEW drops it");
            return TARN_E_INVALID;
        } else if (!bound->if_exists) {
            (void)tn_fail(err, TARN_E_NOT_FOUND, "there is no %s named '%.*s'",
                          views ? "view" : "table", TN_STR_ARGS(name));
            tn_hint(err, "DROP ... IF EXISTS does nothing then");
            return TARN_E_NOT_FOUND;
        }
    }
    return TARN_OK;
}

/* ---- COPY and settings ------------------------------------------------------------------------*/

static TN_FALLIBLE copy_rows(tn_result *result, tn_plan *plan, const tn_copy_options *options,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_copy *copy = NULL;
    tn_schema schema;

    TN_TRY(schema_of(result, plan, err));
    TN_TRY(may_be_null(result, &result->schema, &schema, err));
    TN_TRY(tn_copy_open(result->session, &schema, options, &copy, err));
    TN_TRY(write_into(result, plan, tn_copy_sink(copy), err));
    TN_TRY(tn_copy_commit(copy, err));
    TN_TRY(answer_count(result, atomic_load(&tn_copy_sink(copy)->rows), err));
done:
    tn_copy_close(copy);
    return code;
}

static TN_FALLIBLE copy_to(tn_result *result, const tn_bound *bound, tarn_error *err)
{
    const tn_copy_options options = {.uri = bound->uri,
                                     .format = bound->format,
                                     .partition_by = bound->partition_by,
                                     .partition_count = bound->partition_count,
                                     .options = bound->options,
                                     .option_count = bound->option_count};
    return copy_rows(result, bound->plan, &options, err);
}

static TN_FALLIBLE set(tn_result *result, const tn_bound *bound, tarn_error *err)
{
    char text[64];
    tn_str value = TN_STR_NONE;
    const tn_value *given = &bound->value;

    TN_RETURN_IF_ERROR(tn_session_refuse_secret(bound->setting, err));
    if (given->is_null) {
        return tn_session_reset(result->session, bound->setting, err);
    }
    if (given->type->kind == TN_KIND_VARCHAR) {
        value = given->str;
    } else if (given->type->kind == TN_KIND_BOOLEAN) {
        value = given->boolean ? TN_STR("on") : TN_STR("off");
    } else if (tn_type_is_integer(given->type)) {
        value = (tn_str){text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)given->i64)};
    } else {
        return tn_fail(err, TARN_E_INVALID,
                       "the value of '%.*s' must be a text, a number or on/off",
                       TN_STR_ARGS(bound->setting));
    }
    return tn_session_set(result->session, bound->setting, value, TN_FROM_SESSION, err);
}

/* ---- results that go to a file ----------------------------------------------------------------*/

static TN_FALLIBLE refuse_second(const tn_script *script, const tn_statement *statement,
                                 tarn_error *err)
{
    if (!script->redirected || !answers_rows(statement)) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "'%.*s' holds a result already, which this one would replace",
                  TN_STR_ARGS(script->redirect->uri));
    tn_hint(err, "one statement with rows for each file, UNION ALL, or COPY ... TO a file of its "
                 "own");
    return TARN_E_INVALID;
}

/* DESCRIBE, SHOW, EXPLAIN: what they answer is in memory. */
static TN_FALLIBLE copy_answer(tn_result *result, const tn_copy_options *options, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_source *source = NULL;
    tn_plan *plan;
    tn_session *session = result->session;

    TN_TRY(tn_memory_source_create(&session->pool, TN_STR("result"), &result->schema,
                                   &result->chunk, 1, &source, err));
    TN_TRY(tn_plan_scan(&result->context, source, (tn_span){0, 0}, &plan, err));
    tn_chunk_release(result->chunk);
    result->chunk = NULL;
    TN_TRY(copy_rows(result, plan, options, err));
done:
    tn_source_release(source);
    return code;
}

/* ---- the statement ----------------------------------------------------------------------------*/

static TN_FALLIBLE run_bound(tn_result *result, const tn_bound *bound, tarn_error *err)
{
    tn_plan *optimised;
    if (bound->explain != TN_EXPLAIN_NONE && bound->plan != NULL) {
        return explain(result, bound->plan, bound->explain == TN_EXPLAIN_ANALYZE, err);
    }
    switch (bound->kind) {
    case TN_STATEMENT_SELECT:
        if (result->script->redirect != NULL) {
            return copy_rows(result, bound->plan, result->script->redirect, err);
        }
        TN_RETURN_IF_ERROR(schema_of(result, bound->plan, err));
        TN_RETURN_IF_ERROR(optimise(result, bound->plan, &optimised, err));
        return start_query(result, optimised, err);
    case TN_STATEMENT_CREATE_TABLE:
    case TN_STATEMENT_CREATE_TABLE_AS:
        return create_table(result, bound, err);
    case TN_STATEMENT_CREATE_VIEW:
        return create_view(result, bound, err);
    case TN_STATEMENT_DROP_TABLE:
    case TN_STATEMENT_DROP_VIEW:
        return drop(result, bound, err);
    case TN_STATEMENT_INSERT:
        return insert(result, bound, err);
    case TN_STATEMENT_COPY_TO:
        return copy_to(result, bound, err);
    case TN_STATEMENT_DESCRIBE:
        return tn_session__describe(result->session, bound->plan, &result->arena, &result->schema,
                                    &result->chunk, err);
    case TN_STATEMENT_SHOW:
        return tn_session__show(result->session, bound, &result->arena, &result->schema,
                                &result->chunk, err);
    case TN_STATEMENT_SET:
        return set(result, bound, err);
    default:
        return tn_session_reset(result->session, bound->setting, err);
    }
}

tarn_code tn_script_next(tn_script *script, tn_result **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_session *session = script->session;
    tn_result *result = NULL;
    tn_bound bound;
    void *memory;

    *out = NULL;
    tn_result_close(script->open);
    script->open = NULL;
    if (script->next == script->count) {
        return TARN_OK;
    }
    const tn_statement *statement = &script->statements[script->next++];
    TN_TRY(refuse_second(script, statement, err));
    TN_TRY(tn_pool_alloc_zeroed(&session->pool, sizeof(tn_result), &memory, err));
    result = memory;
    result->session = session;
    result->script = script;
    result->mark = session->opened.count;
    tn_arena_init(&result->arena, &session->pool);
    tn_session_plan_context(session, &result->arena, script->parameters, &result->context);
    TN_TRY(tn_sql_bind(statement, &session->catalogue, &result->context, &bound, err));
    result->warning = bound.not_enforced;
    TN_TRY(run_bound(result, &bound, err));
    if (script->redirect != NULL && answers_rows(statement)) {
        if (!result->is_count && result->chunk != NULL) {
            TN_TRY(copy_answer(result, script->redirect, err));
        }
        script->redirected = true;
    }
    TN_TRY(tn_session__take_sources(session, result->mark, &result->sources, err));
    result->mark = session->opened.count;
    script->open = result;
    *out = result;
    result = NULL;
done:
    if (code != TARN_OK) {
        tn_sql_locate((tn_str){script->text, script->size}, err);
    }
    tn_result_close(result);
    return code;
}
