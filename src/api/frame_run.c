/* The ends of frames: what plans a chain and runs it. */
#include "api/stream_internal.h"

#include "frame/frame.h"
#include "table/delta/delta.h"

static const size_t explain_max = 16 << 20;

/* ---- leaves -----------------------------------------------------------------------------------*/

static TN_FALLIBLE bind_query(tn_session *session, tn_str sql, tn_plan_context *plans,
                              tn_plan **out, tarn_error *err)
{
    const tn_statement *statements;
    size_t count;
    tn_bound bound;
    tn_str text;
    TN_RETURN_IF_ERROR(tn_arena_copy(plans->expr.arena, sql, &text, err));
    TN_RETURN_IF_ERROR(
        tn_sql_parse(text, plans->expr.arena, plans->pool, &statements, &count, err));
    if (count != 1 || statements[0].kind != TN_STATEMENT_SELECT ||
        statements[0].explain != TN_EXPLAIN_NONE) {
        return tn_fail(err, TARN_E_INVALID, "a frame's SQL is one query");
    }
    const tarn_code code =
        tn_sql_bind(&statements[0], tn_session_catalogue(session), plans, &bound, err);
    if (code != TARN_OK) {
        tn_sql_locate(text, err);
        return code;
    }
    *out = bound.plan;
    return TARN_OK;
}

/* FROM, and what is named between quotes. */
static TN_FALLIBLE bind_from(tn_session *session, tn_str name, char quote, tn_plan_context *plans,
                             tn_plan **out, tarn_error *err)
{
    tn_text sql;
    tn_text_init(&sql, plans->pool, 1 << 20);
    tn_text_puts(&sql, "FROM ");
    tn_text_putc(&sql, quote);
    for (size_t i = 0; i < name.size; i++) {
        tn_text_putc(&sql, name.data[i]);
        if (name.data[i] == quote) {
            tn_text_putc(&sql, quote);
        }
    }
    tn_text_putc(&sql, quote);
    tarn_code code = tn_text_status(&sql, err);
    if (code == TARN_OK) {
        code = bind_query(session, tn_text_str(&sql), plans, out, err);
    }
    tn_text_deinit(&sql);
    return code;
}

/* FROM "name" where the session has a table or view of it, else FROM 'uri'.  A word that is neither
 * is more likely a name that was mistyped. */
static TN_FALLIBLE bind_name(tn_session *session, tn_str name, tn_plan_context *plans,
                             tn_plan **out, tarn_error *err)
{
    tn_relation relation;
    tarn_error missing = TARN_ERROR_INIT;
    bool is_word = true;
    tn_catalogue *catalogue = tn_session_catalogue(session);
    const tn_object_name object = {.name = name};
    TN_RETURN_IF_ERROR(catalogue->ops->find(catalogue, &object, &relation, err));
    for (size_t i = 0; i < name.size; i++) {
        is_word = is_word && strchr("./:*?", name.data[i]) == NULL;
    }
    tarn_code code;
    if (relation.kind != TN_RELATION_NONE) {
        code = bind_from(session, name, '"', plans, out, err);
    } else if (!is_word) {
        code = bind_from(session, name, '\'', plans, out, err);
    } else {
        code = bind_from(session, name, '\'', plans, out, &missing);
        if (code == TARN_E_NOT_FOUND) {
            code = bind_from(session, name, '"', plans, out, err);
        } else if (code != TARN_OK && err != NULL) {
            *err = missing;
        }
    }
    if (code != TARN_OK && err != NULL) { /* places in a text that nobody wrote */
        err->span_length = 0;
        err->line = err->column = 0;
    }
    return code;
}

static tarn_code open_leaf(void *context, const tarn_frame *step, tn_plan_context *plans,
                           tn_plan **out, tarn_error *err)
{
    tn_session *session = context;
    return step->kind == TN_FRAME_SQL ? bind_query(session, step->text, plans, out, err)
                                      : bind_name(session, step->text, plans, out, err);
}

/* ---- chains -----------------------------------------------------------------------------------*/

/* An error at run time stands at a step. */
static void explain_step(tarn_error *err)
{
    if (err != NULL && err->span_length > 0 && (err->span_start & TN_STEP_SPAN) != 0) {
        tn_explain(err, "step %u", err->span_start & ~TN_STEP_SPAN);
        err->span_start = err->span_length = 0;
        err->line = err->column = 0;
    }
}

static TN_FALLIBLE check_frame(const tarn_frame *frame, tarn_error *err)
{
    if (frame == NULL) {
        return tn_fail(err, TARN_E_NOMEM, "no memory is left for building the frame");
    }
    return frame->owner == NULL && frame->kind == TN_FRAME_ERROR ? TARN_OK
                                                                 : tn_api__check(frame->owner, err);
}

/* Rows made for the chain's session, and its plan; on failure `*out` is NULL. */
static TN_FALLIBLE plan_frame(const tarn_frame *frame, tn_rows **out, tn_plan **plan,
                              tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_rows *rows = NULL;

    *out = NULL;
    *plan = NULL;
    TN_TRY(check_frame(frame, err));
    tarn_session *session = frame->owner;
    if (session == NULL) {
        code = tn_fail(err, frame->code, "%s", frame->text.data);
        tn_explain(err, "step %u (%s)", frame->ordinal, frame->verb);
        goto done;
    }
    const tn_frame_source source = {open_leaf, session->session};
    TN_TRY(tn_rows_create(session->session, &session->parameters, &rows, err));
    TN_TRY(tn_frame_lower(frame, &source, tn_rows_context(rows), plan, err));
    *out = rows;
    rows = NULL;
done:
    if (code != TARN_OK && err != NULL && (err->span_start & TN_STEP_SPAN) != 0) {
        err->span_start = err->span_length = 0; /* the step was named on the way up */
    }
    tn_rows_close(rows);
    return code;
}

static TN_FALLIBLE start_frame(const tarn_frame *frame, tn_rows **out, tarn_error *err)
{
    tn_plan *plan;
    TN_RETURN_IF_ERROR(plan_frame(frame, out, &plan, err));
    const tarn_code code = tn_rows_start(*out, plan, err);
    if (code != TARN_OK) {
        explain_step(err);
        tn_rows_close(*out);
        *out = NULL;
    }
    return code;
}

static tarn_code feed_rows(void *context, tn_chunk **out, tarn_error *err)
{
    const tarn_code code = tn_rows_read(context, out, err);
    if (code != TARN_OK) {
        explain_step(err);
    }
    return code;
}

static void close_rows(void *context)
{
    tn_rows_close(context);
}

tarn_code tarn_frame_stream(tarn_frame *frame, struct ArrowArrayStream *out, tarn_error *err)
{
    tn_rows *rows;
    tarn_code code = tn_api__check_given(out != NULL, "place for the answer", err);
    if (code == TARN_OK) {
        *out = (struct ArrowArrayStream){.release = NULL};
        code = start_frame(frame, &rows, err);
    }
    if (code == TARN_OK) {
        const tn_arrow_feed feed = {tn_rows_schema(rows), feed_rows, close_rows, rows};
        code = tn_api__stream(frame->owner, &feed, out, err);
    }
    tn_step_release(frame);
    return code;
}

/* ---- collect ----------------------------------------------------------------------------------*/

typedef struct collected {
    tn_pool *pool;
    tn_rows *rows; /* for its schema: the query is over */
    tn_chunks chunks;
    size_t next;
} collected;

static tarn_code feed_collected(void *context, tn_chunk **out, tarn_error *err)
{
    collected *c = context;
    (void)err;
    *out = c->next == c->chunks.count ? NULL : tn_chunk_retain(c->chunks.items[c->next++]);
    return TARN_OK;
}

static void close_collected(void *context)
{
    collected *c = context;
    tn_chunks_free(&c->chunks);
    tn_rows_close(c->rows);
    tn_pool_free(c->pool, c, sizeof(*c));
}

static TN_FALLIBLE read_all(collected *c, tarn_error *err)
{
    for (tn_chunk *chunk = NULL;;) {
        TN_RETURN_IF_ERROR(feed_rows(c->rows, &chunk, err));
        if (chunk == NULL) {
            return TARN_OK;
        }
        if (tn_vec_push(&c->chunks, chunk, err) != TARN_OK) {
            tn_chunk_release(chunk);
            return TARN_E_NOMEM;
        }
    }
}

tarn_code tarn_frame_collect(tarn_frame *frame, struct ArrowArrayStream *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    collected *c = NULL;
    tn_rows *rows = NULL;
    void *memory;

    TN_TRY(tn_api__check_given(out != NULL, "place for the answer", err));
    *out = (struct ArrowArrayStream){.release = NULL};
    TN_TRY(start_frame(frame, &rows, err));
    tarn_session *session = frame->owner;
    tn_pool *pool = tn_session_pool(session->session);
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(collected), &memory, err));
    c = memory;
    *c = (collected){.pool = pool, .rows = rows, .chunks = TN_VEC_INIT(pool)};
    rows = NULL;
    TN_TRY(read_all(c, err));
    const tn_arrow_feed feed = {tn_rows_schema(c->rows), feed_collected, close_collected, c};
    c = NULL; /* the stream's */
    TN_TRY(tn_api__stream(session, &feed, out, err));
done:
    if (c != NULL) {
        close_collected(c);
    }
    tn_rows_close(rows);
    tn_step_release(frame);
    return code;
}

/* ---- writing ----------------------------------------------------------------------------------*/

/* The columns as they are written: what a query makes may be null later, whatever it says now. */
static TN_FALLIBLE written_schema(tn_rows *rows, const tn_plan *plan, tn_schema *out,
                                  tarn_error *err)
{
    tn_field *fields;
    tn_schema schema;
    TN_RETURN_IF_ERROR(tn_rows_schema_of(rows, plan, &schema, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(tn_rows_context(rows)->expr.arena, tn_field, schema.count, &fields, err));
    for (uint32_t i = 0; i < schema.count; i++) {
        fields[i] = (tn_field){schema.fields[i].name, schema.fields[i].type, true};
    }
    *out = (tn_schema){schema.count, fields};
    return TARN_OK;
}

static TN_FALLIBLE run_into(tn_session *session, tn_rows *rows, tn_plan *plan, tn_sink *sink,
                            tarn_error *err)
{
    tn_plan *write;
    tn_plan_context *context = tn_rows_context(rows);
    TN_RETURN_IF_ERROR(tn_plan_write(context, plan, sink, &write, err));
    const tarn_code code = tn_session_run_writes(session, context, write, NULL, err);
    if (code != TARN_OK) {
        explain_step(err);
    }
    return code;
}

static TN_FALLIBLE write_file(tarn_frame *frame, const char *uri, const tn_copy_options *options,
                              uint64_t *count, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_rows *rows = NULL;
    tn_copy *copy = NULL;
    tn_schema schema;
    tn_plan *plan;

    TN_TRY(tn_api__check_text(uri, "URI", err));
    TN_TRY(plan_frame(frame, &rows, &plan, err));
    tn_session *session = ((tarn_session *)frame->owner)->session;
    TN_TRY(written_schema(rows, plan, &schema, err));
    TN_TRY(tn_copy_open(session, &schema, options, &copy, err));
    TN_TRY(run_into(session, rows, plan, tn_copy_sink(copy), err));
    TN_TRY(tn_copy_commit(copy, err));
    if (count != NULL) {
        *count = atomic_load(&tn_copy_sink(copy)->rows);
    }
done:
    tn_copy_close(copy);
    tn_rows_close(rows);
    tn_step_release(frame);
    return code;
}

/* The options that were given, as COPY's list has them. */
typedef struct copy_list {
    tn_copy_option options[8];
    tn_value values[8];
    uint32_t count;
} copy_list;

static void add_option(copy_list *list, const char *name, tn_value value)
{
    list->values[list->count] = value;
    list->options[list->count] = (tn_copy_option){
        .name = tn_str_of(name), .values = &list->values[list->count], .value_count = 1};
    list->count++;
}

static void add_character(copy_list *list, const char *name, const char *character)
{
    if (*character != '\0') {
        add_option(list, name, tn_value_varchar((tn_str){character, 1}));
    }
}

tarn_code tarn_frame_write_parquet(tarn_frame *frame, const char *uri,
                                   const tarn_parquet_write *options, uint64_t *rows,
                                   tarn_error *err)
{
    copy_list list = {.count = 0};
    if (options != NULL && options->struct_size >= sizeof(*options)) {
        if (options->codec != NULL) {
            add_option(&list, "codec", tn_value_varchar(tn_str_of(options->codec)));
        }
        if (options->group_rows > 0) {
            add_option(&list, "row_group_size", tn_value_bigint((int64_t)options->group_rows));
        }
    }
    const tn_copy_options copy = {.uri = tn_str_of(uri),
                                  .format = TN_STR("parquet"),
                                  .options = list.options,
                                  .option_count = list.count};
    return write_file(frame, uri, &copy, rows, err);
}

tarn_code tarn_frame_write_csv(tarn_frame *frame, const char *uri, const tarn_csv_write *options,
                               uint64_t *rows, tarn_error *err)
{
    copy_list list = {.count = 0};
    if (options != NULL && options->struct_size >= sizeof(*options)) {
        add_character(&list, "delimiter", &options->delimiter);
        add_character(&list, "quote", &options->quote);
        add_character(&list, "escape", &options->escape);
        add_option(&list, "header", tn_value_boolean(!options->no_header));
        if (options->null_text != NULL) {
            add_option(&list, "null", tn_value_varchar(tn_str_of(options->null_text)));
        }
    }
    const tn_copy_options copy = {.uri = tn_str_of(uri),
                                  .format = TN_STR("csv"),
                                  .options = list.options,
                                  .option_count = list.count};
    return write_file(frame, uri, &copy, rows, err);
}

/* ---- Delta ---- */

static TN_FALLIBLE split_names(const char *text, tn_arena *arena, const tn_str **out,
                               uint32_t *count, tarn_error *err)
{
    tn_str *names;
    const tn_str all = tn_str_of(text);
    *out = NULL;
    *count = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, all.size + 1, &names, err));
    for (size_t at = 0; at < all.size;) {
        const size_t comma = tn_str_find(tn_str_slice(all, at, all.size), ',');
        size_t end = comma == SIZE_MAX ? all.size : at + comma;
        const size_t next = end + 1;
        while (at < end && all.data[at] == ' ') {
            at++;
        }
        while (end > at && all.data[end - 1] == ' ') {
            end--;
        }
        names[(*count)++] = tn_str_slice(all, at, end);
        at = next;
    }
    *out = names;
    return TARN_OK;
}

static TN_FALLIBLE delta_mode(tarn_write_mode mode, tn_delta_mode *out, tarn_error *err)
{
    *out = mode == TARN_CREATE      ? TN_DELTA_ERROR
           : mode == TARN_OVERWRITE ? TN_DELTA_OVERWRITE
                                    : TN_DELTA_APPEND;
    return (int)mode == 0 || mode == TARN_CREATE || mode == TARN_APPEND || mode == TARN_OVERWRITE
               ? TARN_OK
               : tn_fail(err, TARN_E_INVALID, "%d is no way to write a table", (int)mode);
}

tarn_code tarn_frame_write_delta(tarn_frame *frame, const char *uri,
                                 const tarn_delta_write *options, tarn_receipt *receipt,
                                 tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_rows *rows = NULL;
    tn_delta_writer *writer = NULL;
    tn_delta_write_options write = {.mode = TN_DELTA_APPEND};
    tn_delta_receipt made;
    tn_schema schema;
    tn_plan *plan;

    TN_TRY(tn_api__check_text(uri, "URI", err));
    TN_TRY(plan_frame(frame, &rows, &plan, err));
    tn_session *session = ((tarn_session *)frame->owner)->session;
    if (options != NULL && options->struct_size >= sizeof(*options)) {
        TN_TRY(delta_mode(options->mode, &write.mode, err));
        write.file_size = options->file_size;
        if (options->partition_by != NULL) {
            TN_TRY(split_names(options->partition_by, tn_rows_context(rows)->expr.arena,
                               &write.partition_by, &write.partition_count, err));
        }
    }
    const char *codec = tn_session_get(session, "codec", NULL);
    write.parquet.codec = tn_str_of(codec == NULL ? "" : codec);
    TN_TRY(written_schema(rows, plan, &schema, err));
    TN_TRY(tn_delta_writer_open(tn_session_stores(session), tn_session_types(session),
                                tn_str_of(uri), &schema, &write, tn_session_pool(session), &writer,
                                err));
    TN_TRY(run_into(session, rows, plan, tn_delta_writer_sink(writer), err));
    TN_TRY(tn_delta_writer_commit(writer, &made, err));
    if (receipt != NULL && receipt->struct_size >= sizeof(*receipt)) {
        receipt->version = made.version;
        receipt->rows = made.rows;
        receipt->files = made.files;
        receipt->bytes = made.bytes;
    }
done:
    tn_delta_writer_close(writer);
    tn_rows_close(rows);
    tn_step_release(frame);
    return code;
}

/* ---- looking at it ----------------------------------------------------------------------------*/

tarn_code tarn_frame_explain(const tarn_frame *frame, char **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_rows *rows = NULL;
    tn_plan *plan;
    tn_text text;

    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    *out = NULL;
    tn_text_init(&text, tn_process_pool(), explain_max);
    TN_TRY(plan_frame(frame, &rows, &plan, err));
    TN_TRY(tn_rows_optimise(rows, plan, &plan, err));
    TN_TRY(tn_plan_explain(plan, tn_rows_context(rows)->pool, NULL, NULL, &text, err));
    TN_TRY(tn_api__give(&text, out, NULL, err));
done:
    tn_text_deinit(&text);
    tn_rows_close(rows);
    return code;
}

tarn_code tarn_frame_schema(const tarn_frame *frame, struct ArrowSchema *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_rows *rows = NULL;
    tn_schema schema;
    tn_plan *plan;

    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    *out = (struct ArrowSchema){.release = NULL};
    TN_TRY(plan_frame(frame, &rows, &plan, err));
    TN_TRY(tn_rows_schema_of(rows, plan, &schema, err));
    TN_TRY(tn_api__schema(frame->owner, &schema, out, err));
done:
    tn_rows_close(rows);
    return code;
}
