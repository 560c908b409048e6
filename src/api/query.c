#include "api/api_internal.h"

#include "kernel/text.h"
#include "session/render.h"
#include "session/request.h"

struct tarn_script {
    tarn_session *session;
    tn_script *script;
    tn_arena arena; /* of where results go */
    tn_copy_options target;
    struct tarn_result result; /* of the statement that was started last */
};

static tn_pool *pool_of(const tarn_script *script)
{
    return tn_session_pool(script->session->session);
}

tarn_code tarn_script_open(tarn_session *session, const char *sql, size_t sql_size,
                           tarn_script **out, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(sql, "statement", err));
    tn_pool *pool = tn_session_pool(session->session);
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tarn_script), &memory, err));
    tarn_script *script = memory;
    script->session = session;
    tn_arena_init(&script->arena, pool);
    tn_arena_init(&script->result.arena, pool);
    const tarn_code code = tn_script_open(session->session, (tn_str){sql, sql_size},
                                          &session->parameters, &script->script, err);
    if (code != TARN_OK) {
        tarn_script_close(script);
        return code;
    }
    *out = script;
    return TARN_OK;
}

void tarn_script_close(tarn_script *script)
{
    if (script == NULL) {
        return;
    }
    tn_script_close(script->script);
    tn_arena_deinit(&script->result.arena);
    tn_arena_deinit(&script->arena);
    tn_pool_free(pool_of(script), script, sizeof(*script));
}

tarn_code tarn_script_next(tarn_script *script, tarn_result **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check_given(script != NULL, "script", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    struct tarn_result *const result = &script->result;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_api__check(script->session, err));
    tn_arena_reset(&result->arena);
    result->schema = (tn_schema){0, NULL};
    TN_RETURN_IF_ERROR(tn_script_next(script->script, &result->result, err));
    if (result->result == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_schema_copy(&result->arena, tn_result_schema(result->result), &result->schema, err));
    *out = result;
    return TARN_OK;
}

size_t tarn_script_results(const tarn_script *script)
{
    return script == NULL ? 0 : tn_script_results(script->script);
}

typedef struct name_search {
    tn_str name;
    bool found;
} name_search;

static void see_parameter(void *context, tn_str name)
{
    name_search *search = context;
    search->found = search->found || tn_str_equal(name, search->name);
}

bool tarn_script_has_parameter(const tarn_script *script, const char *name)
{
    name_search search = {.found = false};
    if (script == NULL || name == NULL) {
        return false;
    }
    search.name = tn_str_of(name);
    (void)!tn_script_parameters(script->script, see_parameter, &search, NULL);
    return search.found;
}

tarn_code tarn_script_write_to(tarn_script *script, const char *uri, const char *format,
                               tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check_given(script != NULL, "script", err));
    TN_RETURN_IF_ERROR(tn_api__check(script->session, err));
    if (uri == NULL) {
        tn_script_redirect(script->script, NULL);
        return TARN_OK;
    }
    script->target = (tn_copy_options){0};
    TN_RETURN_IF_ERROR(tn_arena_copy(&script->arena, tn_str_of(uri), &script->target.uri, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(&script->arena, tn_str_of(format == NULL ? "" : format),
                                     &script->target.format, err));
    tn_script_redirect(script->script, &script->target);
    return TARN_OK;
}

size_t tarn_result_column_count(const tarn_result *result)
{
    return result == NULL ? 0 : result->schema.count;
}

const char *tarn_result_column_name(const tarn_result *result, size_t column)
{
    return column < tarn_result_column_count(result) ? result->schema.fields[column].name.data : "";
}

const char *tarn_result_column_type(const tarn_result *result, size_t column)
{
    return column < tarn_result_column_count(result) ? result->schema.fields[column].type->name.data
                                                     : "";
}

bool tarn_result_is_count(const tarn_result *result)
{
    return result != NULL && result->result != NULL && tn_result_is_count(result->result);
}

const char *tarn_result_warning(const tarn_result *result)
{
    return result == NULL || result->result == NULL ? NULL : tn_result_warning(result->result);
}

void tarn_result_stats(const tarn_result *result, tarn_stats *out)
{
    tn_query_stats stats;
    if (result == NULL || out == NULL || out->struct_size < sizeof(*out) ||
        result->result == NULL) {
        return;
    }
    tn_result_stats(result->result, &stats);
    out->rows_in = stats.rows_in;
    out->rows_out = stats.rows_out;
    out->rows_rejected = stats.rows_rejected;
    out->bytes_read = stats.bytes_read;
    out->spilled_bytes = stats.spilled_bytes;
    out->peak_bytes = stats.peak_bytes;
}

/* ---- text -------------------------------------------------------------------------------------*/

typedef struct writer {
    tarn_write *write;
    void *context;
} writer;

static bool call_writer(void *context, const char *data, size_t size)
{
    const writer *w = context;
    return w->write(w->context, data, size) != 0;
}

static tarn_code read_result(void *context, tn_chunk **out, tarn_error *err)
{
    tarn_result *result = context;
    if (result->result != NULL) {
        return tn_result_read(result->result, out, err);
    }
    *out = result->chunk;
    result->chunk = NULL;
    return TARN_OK;
}

static TN_FALLIBLE put_rows(const tn_chunk *chunk, tarn_row *row, void *context, tn_text *text,
                            const char **values, size_t *starts, bool *goes_on, tarn_error *err)
{
    for (uint32_t at = 0; at < chunk->rows && *goes_on; at++) {
        tn_text_clear(text);
        for (uint32_t i = 0; i < chunk->width; i++) {
            starts[i] = text->size;
            tn_text_value(&chunk->columns[i], at, text);
            tn_text_putc(text, '\0');
        }
        TN_RETURN_IF_ERROR(tn_text_status(text, err));
        for (uint32_t i = 0; i < chunk->width; i++) { /* nothing moves any more */
            values[i] = tn_column_is_null(&chunk->columns[i], at) ? NULL : text->data + starts[i];
        }
        *goes_on = row(context, values, chunk->width) != 0;
    }
    return TARN_OK;
}

tarn_code tarn_result_rows(tarn_result *result, tarn_row *row, void *context, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_chunk *chunk = NULL;
    tn_arena arena;
    tn_text text;
    TN_RETURN_IF_ERROR(tn_api__check_given(result != NULL, "result", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(row != NULL, "function that takes the rows", err));
    const char **values;
    size_t *starts;
    bool goes_on = true;

    tn_arena_init(&arena, result->arena.pool);
    tn_text_init(&text, result->arena.pool, (size_t)1 << 30);
    TN_TRY(tn_arena_array(&arena, const char *, result->schema.count, &values, err));
    TN_TRY(tn_arena_array(&arena, size_t, result->schema.count, &starts, err));
    while (goes_on) {
        TN_TRY(read_result(result, &chunk, err));
        if (chunk == NULL) {
            break;
        }
        TN_TRY(put_rows(chunk, row, context, &text, values, starts, &goes_on, err));
        tn_chunk_release(chunk);
        chunk = NULL;
    }
done:
    tn_chunk_release(chunk);
    tn_text_deinit(&text);
    tn_arena_deinit(&arena);
    return code;
}

tarn_code tn_api__begin_result(tarn_session *session, tarn_result **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    tn_pool *pool = tn_session_pool(session->session);
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tarn_result), &memory, err));
    *out = memory;
    tn_arena_init(&(*out)->arena, pool);
    return TARN_OK;
}

tarn_code tn_api__end_result(tarn_code code, const tn_facts *facts, tarn_result **out)
{
    if (code != TARN_OK) {
        tarn_result_close(*out);
        *out = NULL;
        return code;
    }
    (*out)->schema = facts->schema;
    (*out)->chunk = facts->chunk;
    return TARN_OK;
}

void tarn_result_close(tarn_result *result)
{
    if (result != NULL && result->result == NULL) {
        tn_pool *pool = result->arena.pool;
        tn_chunk_release(result->chunk);
        tn_arena_deinit(&result->arena);
        tn_pool_free(pool, result, sizeof(*result));
    }
}

tarn_code tn_api__print(tn_render_source *source, const tarn_print *options, tarn_write *write,
                        void *context, tarn_error *err)
{
    tn_render_options render = {.form = TN_FORM_TABLE};
    writer w = {write, context};
    if (options != NULL) {
        if (options->struct_size < sizeof(*options) || (int)options->form < 0 ||
            (int)options->form >= (int)TN_FORM_COUNT) {
            return tn_fail(err, TARN_E_INVALID, "the print options name no form");
        }
        render = (tn_render_options){.form = (tn_form)options->form,
                                     .no_header = options->no_header != 0,
                                     .json_strings = options->json_strings != 0,
                                     .colour = options->colour != 0,
                                     .null_text = tn_str_of(options->null_text),
                                     .max_rows = options->max_rows,
                                     .max_width = options->max_width};
    }
    return tn_render(source, &render, call_writer, &w, err);
}

tarn_code tarn_result_print(tarn_result *result, const tarn_print *options, tarn_write *write,
                            void *context, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check_given(result != NULL, "result", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(write != NULL, "function that takes the text", err));
    tn_render_source source = {
        .pool = result->arena.pool, /* the session's */
        .schema = &result->schema,
        .read = read_result,
        .context = result,
    };
    return tn_api__print(&source, options, write, context, err);
}

/* ---- for shells -------------------------------------------------------------------------------*/

bool tarn_sql_is_complete(const char *sql, size_t sql_size)
{
    return tn_sql_is_complete((tn_str){sql, sql == NULL ? 0 : sql_size});
}

const char *tarn_sql_keyword(size_t index)
{
    size_t count;
    const char *const *keywords = tn_sql_keywords(&count);
    return index < count ? keywords[index] : NULL;
}

/* tarn_shell is the session's shell by another name. */
static tn_shell *inner(tarn_shell *shell)
{
    return (tn_shell *)(void *)shell;
}

tarn_code tarn_shell_open(tarn_shell **out, tarn_error *err)
{
    tn_shell *shell;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    const tarn_code code = tn_shell_create(&shell, err);
    *out = (tarn_shell *)(void *)shell;
    return code;
}

void tarn_shell_close(tarn_shell *shell)
{
    tn_shell_destroy(inner(shell));
}

tarn_code tarn_shell_set(tarn_shell *shell, const char *name, const char *value, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check_given(shell != NULL, "shell", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(name, "name", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(value, "value", err));
    return tn_shell_set(inner(shell), tn_str_of(name), tn_str_of(value), TN_FROM_OPTION, err);
}

bool tarn_shell_is_cancel(const char *line, size_t size)
{
    return tn_shell_is_cancel((tn_str){line, line == NULL ? 0 : size});
}

void tarn_shell_cancel(tarn_shell *shell)
{
    if (shell != NULL) {
        tn_shell_cancel(inner(shell));
    }
}

void tarn_shell_begin(tarn_shell *shell, bool cancelled)
{
    if (shell != NULL) {
        tn_shell_begin(inner(shell), cancelled);
    }
}

tarn_code tarn_shell_answer(tarn_shell *shell, const char *line, size_t size, char **out,
                            size_t *out_size, tarn_error *err)
{
    tn_text text;
    TN_RETURN_IF_ERROR(tn_api__check_given(shell != NULL, "shell", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(line != NULL, "request", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(out_size != NULL, "place for the size", err));
    *out = NULL;
    tn_text_init(&text, tn_process_pool(), (size_t)1 << 31);
    const tarn_code code = tn_shell_answer(inner(shell), (tn_str){line, size}, &text, err);
    if (code != TARN_OK) {
        tn_text_deinit(&text);
        return code;
    }
    return tn_api__give(&text, out, out_size, err);
}
