/* Rows as Arrow streams, out and in. */
#include "api/stream_internal.h"

#include <unistd.h>

static void retain_session(void *owner)
{
    tn_api__hold(owner);
}

static void release_session(void *owner)
{
    tn_api__let_go(owner);
}

static bool is_stale(void *owner)
{
    return ((const tarn_session *)owner)->owner != getpid();
}

tarn_code tn_api__stream(tarn_session *session, const tn_arrow_feed *feed,
                         struct ArrowArrayStream *out, tarn_error *err)
{
    const tn_arrow_options options = {.views = session->string_views,
                                      .retain = retain_session,
                                      .release = release_session,
                                      .is_stale = is_stale,
                                      .owner = session};
    return tn_arrow_export_stream(feed, &options, tn_session_pool(session->session), out, err);
}

tarn_code tn_api__schema(tarn_session *session, const tn_schema *schema, struct ArrowSchema *out,
                         tarn_error *err)
{
    const tn_arrow_options options = {.views = session->string_views,
                                      .retain = retain_session,
                                      .release = release_session,
                                      .is_stale = is_stale,
                                      .owner = session};
    return tn_arrow_export_schema(schema, &options, tn_session_pool(session->session), out, err);
}

/* ---- statements ---- */

typedef struct statement {
    tn_pool *pool;
    tn_script *script;
    tn_result *result; /* of the last statement */
} statement;

static void statement_close(void *context)
{
    statement *s = context;
    tn_script_close(s->script);
    tn_pool_free(s->pool, s, sizeof(*s));
}

static tarn_code statement_next(void *context, tn_chunk **out, tarn_error *err)
{
    return tn_result_read(((statement *)context)->result, out, err);
}

static TN_FALLIBLE drain(tn_result *result, tarn_error *err)
{
    for (tn_chunk *chunk = NULL;;) {
        TN_RETURN_IF_ERROR(tn_result_read(result, &chunk, err));
        if (chunk == NULL) {
            return TARN_OK;
        }
        tn_chunk_release(chunk);
    }
}

/* All but the last statement run to their ends; the last is started. */
static TN_FALLIBLE run_statements(statement *s, tarn_error *err)
{
    while (!tn_script_is_at_end(s->script)) {
        if (s->result != NULL) {
            TN_RETURN_IF_ERROR(drain(s->result, err));
        }
        TN_RETURN_IF_ERROR(tn_script_next(s->script, &s->result, err));
    }
    return s->result != NULL ? TARN_OK
                             : tn_fail(err, TARN_E_INVALID, "the text holds no statement");
}

tarn_code tarn_query(tarn_session *session, const char *sql, struct ArrowArrayStream *out,
                     tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    *out = (struct ArrowArrayStream){.release = NULL};
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(sql, "statement", err));
    tn_pool *pool = tn_session_pool(session->session);
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(statement), &memory, err));
    statement *s = memory;
    s->pool = pool;
    tarn_code code =
        tn_script_open(session->session, tn_str_of(sql), &session->parameters, &s->script, err);
    if (code == TARN_OK) {
        code = run_statements(s, err);
    }
    if (code != TARN_OK) {
        statement_close(s);
        return code;
    }
    const tn_arrow_feed feed = {tn_result_schema(s->result), statement_next, statement_close, s};
    return tn_api__stream(session, &feed, out, err);
}

tarn_code tarn_session_string_views(tarn_session *session, bool views, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    session->string_views = views;
    return TARN_OK;
}

bool tarn_stream_error(const struct ArrowArrayStream *stream, tarn_error *out)
{
    return stream != NULL && out != NULL && tn_arrow_stream_error(stream, out);
}

/* ---- tables ---- */

tarn_code tarn_session_register(tarn_session *session, const char *name,
                                struct ArrowArrayStream *stream, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_chunks chunks = {.pool = NULL};
    tn_schema schema;
    tn_arena arena = {.pool = NULL};

    TN_TRY(tn_api__check(session, err));
    TN_TRY(tn_api__check_text(name, "name", err));
    TN_TRY(tn_api__check_given(stream != NULL, "stream", err));
    tn_session *inner = session->session;
    chunks.pool = tn_session_pool(inner);
    tn_arena_init(&arena, tn_session_pool(inner));
    TN_TRY(tn_arrow_import_stream(stream, tn_session_types(inner), &arena, &schema, &chunks, err));
    TN_TRY(tn_session_add_table(inner, tn_str_of(name), &schema, chunks.items, chunks.count, err));
done:
    if (chunks.pool != NULL) {
        tn_chunks_free(&chunks);
        tn_arena_deinit(&arena);
    }
    if (stream != NULL && stream->release != NULL) {
        stream->release(stream);
    }
    if (code != TARN_OK && name != NULL) {
        tn_explain(err, "registering the Arrow stream '%.100s'", name);
    }
    return code;
}
