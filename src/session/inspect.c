/* What tables and files say of themselves. */
#include "session/facts_internal.h"

#include "base/json.h"
#include "format/parquet/parquet.h"
#include "kernel/text.h"

#include <stdio.h>

enum { FACTS_WIDTH_MAX = 16, COUNTED_MAX = 4 << 20 /* bytes of files */ };

tarn_code tn_facts__begin(tn_session *session, const tn_field *fields, uint32_t width,
                          tn_facts_maker *out, tarn_error *err)
{
    const tn_type *types[FACTS_WIDTH_MAX];
    for (uint32_t i = 0; i < width; i++) {
        types[i] = fields[i].type;
    }
    out->width = width;
    return tn_chunk_builder_create(&session->pool, types, width, UINT32_MAX, &out->builder, err);
}

tarn_code tn_facts__put(tn_facts_maker *maker, const tn_value *values, tarn_error *err)
{
    for (uint32_t i = 0; i < maker->width; i++) {
        TN_RETURN_IF_ERROR(tn_chunk_builder_put(maker->builder, i, &values[i], err));
    }
    return TARN_OK;
}

tarn_code tn_facts__finish(tn_facts_maker *maker, const tn_field *fields, uint32_t width,
                           tn_arena *arena, tn_facts *out, tarn_error *err)
{
    const tn_schema schema = {width, fields};
    TN_RETURN_IF_ERROR(tn_schema_copy(arena, &schema, &out->schema, err));
    return tn_chunk_builder_finish(maker->builder, &out->chunk, err);
}

void tn_facts__end(tn_facts_maker *maker)
{
    if (maker->builder != NULL) {
        tn_chunk_builder_destroy(maker->builder);
        maker->builder = NULL;
    }
}

static tn_value text_or_null(tn_str text)
{
    return text.size == 0 ? tn_value_null(TN_VARCHAR) : tn_value_varchar(text);
}

/* ---- Delta tables -----------------------------------------------------------------------------*/

tarn_code tn_inspect_history(tn_session *session, tn_str uri, uint64_t limit, tn_arena *arena,
                             tn_facts *out, tarn_error *err)
{
    const tn_field fields[] = {
        {TN_STR("version"), TN_BIGINT, false},   {TN_STR("timestamp"), TN_TIMESTAMPTZ, true},
        {TN_STR("operation"), TN_VARCHAR, true}, {TN_STR("parameters"), TN_VARCHAR, true},
        {TN_STR("metrics"), TN_VARCHAR, true},   {TN_STR("engine"), TN_VARCHAR, true}};
    enum { WIDTH = 6 };
    tarn_code code = TARN_OK;
    tn_facts_maker maker = {NULL, 0};
    tn_delta_commit_info *commits;
    size_t count;

    *out = (tn_facts){.chunk = NULL};
    TN_TRY(tn_delta_history(session->stores, uri, limit, arena, &session->pool, &commits, &count,
                            err));
    TN_TRY(tn_facts__begin(session, fields, WIDTH, &maker, err));
    for (size_t i = 0; i < count; i++) {
        const tn_value values[] = {tn_value_bigint(commits[i].version),
                                   {.type = TN_TIMESTAMPTZ, .i64 = commits[i].timestamp_ms * 1000},
                                   text_or_null(commits[i].operation),
                                   text_or_null(commits[i].parameters),
                                   text_or_null(commits[i].metrics),
                                   text_or_null(commits[i].engine)};
        TN_TRY(tn_facts__put(&maker, values, err));
    }
    TN_TRY(tn_facts__finish(&maker, fields, WIDTH, arena, out, err));
done:
    tn_facts__end(&maker);
    return code;
}

/* {"day":"2001-01-31","origin":null} */
static TN_FALLIBLE partition_text(const tn_delta_about *about, const tn_delta_file *file,
                                  tn_text *out, tn_value *value, tarn_error *err)
{
    tn_json_writer w = {.out = out};
    tn_text_clear(out);
    tn_json_begin(&w, '{');
    for (uint32_t i = 0; i < about->partition_count; i++) {
        tn_json_name_str(&w, about->schema.fields[about->partition_fields[i]].name);
        if (file->partitions[i].data == NULL) {
            tn_json_put_null(&w);
        } else {
            tn_json_put_str(&w, file->partitions[i]);
        }
    }
    tn_json_end(&w, '}');
    *value = about->partition_count == 0 ? tn_value_null(TN_VARCHAR)
                                         : tn_value_varchar(tn_text_str(out));
    return tn_text_status(out, err);
}

static TN_FALLIBLE put_files(const tn_delta_about *about, tn_facts_maker *maker, tn_pool *pool,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_text partitions;
    const tn_json *statistics;

    tn_arena_init(&arena, pool);
    tn_text_init(&partitions, pool, 1 << 20);
    for (uint64_t i = 0; i < about->file_count; i++) {
        const tn_delta_file *file = &about->files[i];
        tn_value values[5] = {tn_value_varchar(file->path),
                              tn_value_bigint((int64_t)file->size),
                              tn_value_null(TN_BIGINT),
                              {.type = TN_TIMESTAMPTZ, .i64 = file->modified_ms * 1000}};
        tn_arena_reset(&arena);
        if (file->statistics.size > 0 &&
            tn_json_parse(&arena, file->statistics, &statistics, NULL) == TARN_OK) {
            const int64_t rows = tn_json_get_integer(statistics, "numRecords", -1);
            values[2] = rows < 0 ? values[2] : tn_value_bigint(rows);
        }
        TN_TRY(partition_text(about, file, &partitions, &values[4], err));
        TN_TRY(tn_facts__put(maker, values, err));
    }
done:
    tn_text_deinit(&partitions);
    tn_arena_deinit(&arena);
    return code;
}

tarn_code tn_inspect_files(tn_session *session, tn_str uri, const tn_delta_at *at, tn_arena *arena,
                           tn_facts *out, tarn_error *err)
{
    const tn_field fields[] = {{TN_STR("path"), TN_VARCHAR, false},
                               {TN_STR("size"), TN_BIGINT, false},
                               {TN_STR("rows"), TN_BIGINT, true},
                               {TN_STR("modified"), TN_TIMESTAMPTZ, true},
                               {TN_STR("partition"), TN_VARCHAR, true}};
    enum { WIDTH = 5 };
    tarn_code code = TARN_OK;
    tn_facts_maker maker = {NULL, 0};
    tn_delta *table = NULL;

    *out = (tn_facts){.chunk = NULL};
    TN_TRY(tn_delta_open(session->stores, session->types, uri, at, &session->pool, &table, err));
    TN_TRY(tn_facts__begin(session, fields, WIDTH, &maker, err));
    TN_TRY(put_files(tn_delta_describe(table), &maker, &session->pool, err));
    TN_TRY(tn_facts__finish(&maker, fields, WIDTH, arena, out, err));
done:
    tn_facts__end(&maker);
    tn_delta_close(table);
    return code;
}

/* ---- detail ---- */

typedef struct detail {
    tn_facts_maker maker;
    tn_text text;
    tarn_error *err;
    tarn_code code;
} detail;

static void put(detail *d, const char *name, tn_str value)
{
    const tn_value values[] = {tn_value_varchar(tn_str_of(name)), text_or_null(value)};
    if (d->code == TARN_OK) {
        d->code = tn_text_status(&d->text, d->err); /* what `value` may have been made in */
    }
    if (d->code == TARN_OK) {
        d->code = tn_facts__put(&d->maker, values, d->err);
    }
}

static void put_number(detail *d, const char *name, int64_t number)
{
    tn_text_clear(&d->text);
    tn_text_printf(&d->text, "%lld", (long long)number);
    put(d, name, tn_text_str(&d->text));
}

static void put_time(detail *d, const char *name, int64_t ms)
{
    const tn_value value = {.type = TN_TIMESTAMPTZ, .i64 = ms * 1000};
    tn_text_clear(&d->text);
    tn_text_of(&value, &d->text);
    put(d, name, tn_text_str(&d->text));
}

static void put_list(detail *d, const char *name, const tn_str *items, uint32_t count)
{
    tn_text_clear(&d->text);
    for (uint32_t i = 0; i < count; i++) {
        tn_text_puts(&d->text, i > 0 ? ", " : "");
        tn_text_append(&d->text, items[i]);
    }
    put(d, name, tn_text_str(&d->text));
}

static void put_about(detail *d, const tn_delta_about *about)
{
    put(d, "uri", about->uri);
    put(d, "id", about->id);
    put(d, "name", about->name);
    put(d, "description", about->description);
    put_number(d, "version", about->version);
    put_time(d, "created", about->created_ms);
    put_time(d, "modified", about->modified_ms);
    put_number(d, "files", (int64_t)about->file_count);
    put_number(d, "bytes", (int64_t)about->bytes);
    put_number(d, "columns", about->schema.count);
    tn_text_clear(&d->text);
    for (uint32_t i = 0; i < about->partition_count; i++) {
        tn_text_puts(&d->text, i > 0 ? ", " : "");
        tn_text_append(&d->text, about->schema.fields[about->partition_fields[i]].name);
    }
    put(d, "partitioned by", tn_text_str(&d->text));
    put_number(d, "reader version", about->reader_version);
    put_number(d, "writer version", about->writer_version);
    put_list(d, "reader features", about->reader_features, about->reader_feature_count);
    put_list(d, "writer features", about->writer_features, about->writer_feature_count);
    for (uint32_t i = 0; i < about->property_count; i++) {
        char name[128];
        const tn_str key = about->properties[i].name;
        const size_t size = key.size < sizeof(name) - 1 ? key.size : sizeof(name) - 1;
        memcpy(name, key.data, size);
        name[size] = '\0';
        put(d, name, about->properties[i].value);
    }
}

tarn_code tn_inspect_detail(tn_session *session, tn_str uri, const tn_delta_at *at, tn_arena *arena,
                            tn_facts *out, tarn_error *err)
{
    const tn_field fields[] = {{TN_STR("name"), TN_VARCHAR, false},
                               {TN_STR("value"), TN_VARCHAR, true}};
    tarn_code code = TARN_OK;
    tn_delta *table = NULL;
    detail d = {.err = err, .code = TARN_OK};

    *out = (tn_facts){.chunk = NULL};
    tn_text_init(&d.text, &session->pool, 1 << 20);
    TN_TRY(tn_delta_open(session->stores, session->types, uri, at, &session->pool, &table, err));
    TN_TRY(tn_facts__begin(session, fields, 2, &d.maker, err));
    put_about(&d, tn_delta_describe(table));
    TN_TRY(tn_text_status(&d.text, err));
    TN_TRY(d.code);
    TN_TRY(tn_facts__finish(&d.maker, fields, 2, arena, out, err));
done:
    tn_facts__end(&d.maker);
    tn_text_deinit(&d.text);
    tn_delta_close(table);
    return code;
}

/* ---- one file ---------------------------------------------------------------------------------*/

static void json_columns(const tn_schema *schema, tn_json_writer *w)
{
    tn_json_name(w, "columns");
    tn_json_begin(w, '[');
    for (uint32_t i = 0; i < schema->count; i++) {
        const tn_field *field = &schema->fields[i];
        tn_json_begin(w, '{');
        tn_json_name(w, "name");
        tn_json_put_str(w, field->name);
        tn_json_name(w, "type");
        tn_json_put_str(w, field->type->name);
        tn_json_name(w, "nullable");
        tn_json_put_bool(w, field->nullable);
        tn_json_end(w, '}');
    }
    tn_json_end(w, ']');
}

static void json_begin(tn_json_writer *w, tn_str uri, const char *kind)
{
    tn_json_begin(w, '{');
    tn_json_name(w, "uri");
    tn_json_put_str(w, uri);
    tn_json_name(w, "kind");
    tn_json_put_text(w, kind);
}

static void json_end(tn_json_writer *w)
{
    tn_json_end(w, '}');
    tn_text_putc(w->out, '\n');
}

typedef struct description {
    tn_session *session;
    tn_str uri;
    bool pages, json;
    tn_text *out;
} description;

static TN_FALLIBLE describe_parquet(const description *d, tn_store *store, tn_str key,
                                    bool *is_parquet, tarn_error *err)
{
    tn_session *session = d->session;
    tn_json_writer w = {.out = d->out};
    tarn_code code = TARN_OK;
    tn_object *object = NULL;
    tn_source *source = NULL;
    char magic[4] = {0};

    *is_parquet = false;
    TN_TRY(tn_object_open(store, key, &session->pool, &TN_OBJECT_OPEN_DEFAULT, &object, err));
    if (tn_object_about(object)->size >= 12) {
        TN_TRY(tn_object_read(object, 0, magic, 4, err));
    }
    *is_parquet = memcmp(magic, "PAR1", 4) == 0 || tn_str_ends(key, TN_STR(".parquet"));
    if (*is_parquet) {
        TN_TRY(tn_parquet_open(object, session->types, &session->pool, &source, err));
        object = NULL;
        if (d->json) {
            json_begin(&w, d->uri, "Parquet");
            json_columns(&source->schema, &w);
            TN_TRY(tn_parquet_describe_json(source, d->pages, &w, err));
            json_end(&w);
        } else {
            TN_TRY(tn_parquet_describe(source, d->pages, d->out, err));
        }
    }
done:
    tn_source_release(source);
    if (object != NULL) {
        tn_object_close(object);
    }
    return code;
}

static void describe_columns(const tn_schema *schema, tn_text *out)
{
    tn_text_printf(out, "columns: %u\n", schema->count);
    for (uint32_t i = 0; i < schema->count; i++) {
        const tn_field *field = &schema->fields[i];
        tn_text_printf(out, "  %.*s %.*s%s\n", TN_STR_ARGS(field->name),
                       TN_STR_ARGS(field->type->name), field->nullable ? "" : " NOT NULL");
    }
}

static void json_figure(tn_json_writer *w, const char *name, uint64_t figure, tn_certainty known)
{
    char about[32];
    tn_json_name(w, name);
    if (known == TN_UNKNOWN) {
        tn_json_put_null(w);
        return;
    }
    tn_json_put_unsigned(w, figure);
    (void)snprintf(about, sizeof(about), "%s_exact", name);
    tn_json_name(w, about);
    tn_json_put_bool(w, known == TN_EXACT);
}

/* What is small is counted: an estimate is off by the most there.  Of rows that cannot be read the
 * estimate stays; they are for who reads them to tell. */
static TN_FALLIBLE count_rows(const description *d, tn_arena *arena, tn_statistics *statistics,
                              tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_script *script = NULL;
    tn_result *result = NULL;
    tn_chunk *chunk = NULL;
    tarn_error cause = TARN_ERROR_INIT;
    tn_value counted;
    tn_text sql;

    tn_text_init(&sql, arena->pool, SIZE_MAX);
    tn_text_puts(&sql, "SELECT count(*) FROM '");
    for (size_t i = 0; i < d->uri.size; i++) {
        tn_text_puts(&sql, d->uri.data[i] == '\'' ? "'" : "");
        tn_text_putc(&sql, d->uri.data[i]);
    }
    tn_text_putc(&sql, '\'');
    TN_TRY(tn_text_status(&sql, &cause));
    TN_TRY(tn_script_open(d->session, tn_text_str(&sql), NULL, &script, &cause));
    TN_TRY(tn_script_next(script, &result, &cause));
    TN_TRY(tn_result_read(result, &chunk, &cause));
    if (chunk != NULL && chunk->rows == 1) {
        TN_TRY(tn_value_of(&chunk->columns[0], 0, arena, &counted, &cause));
        statistics->rows = (uint64_t)counted.i64;
        statistics->rows_known = TN_EXACT;
    }
done:
    tn_chunk_release(chunk);
    tn_script_close(script);
    tn_text_deinit(&sql);
    return code == TARN_E_CANCELLED || code == TARN_E_NOMEM ? tn_error_copy(err, &cause) : TARN_OK;
}

static TN_FALLIBLE describe_any(const description *d, tarn_error *err)
{
    static const char *const certain[] = {"unknown", "about ", ""};
    tn_session *session = d->session;
    tn_text *out = d->out;
    const tn_str uri = d->uri;
    tn_json_writer w = {.out = out};
    tarn_code code = TARN_OK;
    tn_source *source = NULL;
    tn_statistics statistics = {.rows_known = TN_UNKNOWN};
    const tn_read_options options = TN_READ_DEFAULT;
    tn_arena arena;

    tn_arena_init(&arena, &session->pool);
    TN_TRY(tn_listing_source(session->stores, session->types, &uri, 1, &options, &session->pool,
                             &source, err));
    TN_TRY(source->ops->statistics(source, NULL, 0, &arena, &statistics, err));
    if (statistics.rows_known != TN_EXACT && statistics.bytes <= COUNTED_MAX) {
        TN_TRY(count_rows(d, &arena, &statistics, err));
    }
    if (d->json) {
        json_begin(&w, uri, source->ops->kind);
        json_figure(&w, "rows", statistics.rows, statistics.rows_known);
        json_figure(&w, "bytes", statistics.bytes, statistics.bytes_known);
        json_columns(&source->schema, &w);
        json_end(&w);
        goto done;
    }
    tn_text_printf(out, "'%.*s': %s\n", TN_STR_ARGS(uri), source->ops->kind);
    tn_text_printf(out, "rows: %s", certain[statistics.rows_known]);
    if (statistics.rows_known != TN_UNKNOWN) {
        tn_text_printf(out, "%llu", (unsigned long long)statistics.rows);
    }
    tn_text_printf(out, "\nbytes: %s", certain[statistics.bytes_known]);
    if (statistics.bytes_known != TN_UNKNOWN) {
        tn_text_printf(out, "%llu", (unsigned long long)statistics.bytes);
    }
    tn_text_putc(out, '\n');
    describe_columns(&source->schema, out);
done:
    tn_source_release(source);
    tn_arena_deinit(&arena);
    return code;
}

static void json_delta(const tn_delta_about *about, tn_str uri, tn_text *out)
{
    tn_json_writer w = {.out = out};
    json_begin(&w, uri, "Delta table");
    tn_json_name(&w, "version");
    tn_json_put_integer(&w, about->version);
    tn_json_name(&w, "files");
    tn_json_put_unsigned(&w, about->file_count);
    tn_json_name(&w, "bytes");
    tn_json_put_unsigned(&w, about->bytes);
    json_columns(&about->schema, &w);
    tn_json_name(&w, "partitioned_by");
    tn_json_begin(&w, '[');
    for (uint32_t i = 0; i < about->partition_count; i++) {
        tn_json_put_str(&w, about->schema.fields[about->partition_fields[i]].name);
    }
    tn_json_end(&w, ']');
    json_end(&w);
}

static TN_FALLIBLE describe_delta(const description *d, tarn_error *err)
{
    tn_session *session = d->session;
    tn_text *out = d->out;
    const tn_str uri = d->uri;
    tn_delta *table;
    TN_RETURN_IF_ERROR(tn_delta_open(session->stores, session->types, uri, &TN_DELTA_LATEST,
                                     &session->pool, &table, err));
    const tn_delta_about *about = tn_delta_describe(table);
    if (d->json) {
        json_delta(about, uri, out);
        tn_delta_close(table);
        return TARN_OK;
    }
    tn_text_printf(out, "'%.*s': Delta table, version %lld\nfiles: %llu\nbytes: %llu\n",
                   TN_STR_ARGS(uri), (long long)about->version,
                   (unsigned long long)about->file_count, (unsigned long long)about->bytes);
    describe_columns(&about->schema, out);
    if (about->partition_count > 0) {
        tn_text_puts(out, "partitioned by:");
        for (uint32_t i = 0; i < about->partition_count; i++) {
            tn_text_printf(out, " %.*s",
                           TN_STR_ARGS(about->schema.fields[about->partition_fields[i]].name));
        }
        tn_text_putc(out, '\n');
    }
    tn_delta_close(table);
    return TARN_OK;
}

tarn_code tn_inspect_describe(tn_session *session, tn_str uri, bool pages, bool json, tn_text *out,
                              tarn_error *err)
{
    const description d = {session, uri, pages, json, out};
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_object_info info;
    tn_store *store;
    tn_str key;
    tn_glob glob;
    bool done = false;

    tn_arena_init(&arena, &session->pool);
    TN_TRY(tn_listing_is_delta(session->stores, uri, &session->pool, &done, err));
    if (done) {
        TN_TRY(describe_delta(&d, err));
    } else {
        TN_TRY(tn_stores_resolve(session->stores, uri, &arena, &store, &key, err));
        TN_TRY(tn_glob_of(store, key, &session->pool, &glob, err));
        if (glob.pattern.size == 0 && tn_store_head(store, key, &info, NULL) == TARN_OK &&
            !info.is_folder && !info.is_stream) {
            TN_TRY(describe_parquet(&d, store, key, &done, err));
        }
    }
    if (!done) {
        TN_TRY(describe_any(&d, err));
    }
    code = tn_text_status(out, err);
done:
    tn_arena_deinit(&arena);
    return code;
}

/* ---- CREATE -----------------------------------------------------------------------------------*/

/* The columns of "id BIGINT NOT NULL, day DATE": SQL's own list, so SQL reads it. */
static TN_FALLIBLE parse_schema(tn_session *session, tn_str text, tn_arena *arena, tn_schema *out,
                                const char **not_enforced, tarn_error *err)
{
    tn_str sql;
    const tn_statement *statements;
    size_t count;
    tn_plan_context context;
    tn_bound bound;
    TN_RETURN_IF_ERROR(
        tn_arena_print(arena, &sql, err, "CREATE TABLE t (%.*s)", TN_STR_ARGS(text)));
    tarn_code code = tn_sql_parse(sql, arena, &session->pool, &statements, &count, err);
    if (code == TARN_OK && (count != 1 || statements[0].kind != TN_STATEMENT_CREATE_TABLE ||
                            statements[0].explain != TN_EXPLAIN_NONE)) {
        code = tn_fail(err, TARN_E_INVALID, "it is no list of columns with their types");
    }
    if (code == TARN_OK) {
        tn_session_plan_context(session, arena, NULL, &context);
        code = tn_sql_bind(&statements[0], &session->catalogue, &context, &bound, err);
    }
    if (code == TARN_E_INVALID && err != NULL && strncmp(err->message, "expected AS", 11) == 0) {
        err->message[0] = '\0'; /* a list of names, as of CREATE TABLE ... AS */
        code = tn_fail(err, TARN_E_INVALID, "it is no list of columns with their types");
    }
    if (code != TARN_OK) {
        tn_explain(err, "the schema '%.*s'", TN_STR_ARGS(text));
        if (err != NULL) { /* places are those of a text that nobody typed */
            err->span_start = err->span_length = 0;
            err->line = err->column = 0;
        }
        tn_hint(err, "a schema is a list of columns: 'id BIGINT NOT NULL, day DATE'");
        return code;
    }
    *not_enforced = bound.not_enforced;
    return tn_schema_copy(arena, &bound.schema, out, err);
}

tarn_code tn_inspect_create_table(tn_session *session, tn_str uri, const tn_table_options *options,
                                  tn_delta_receipt *receipt, const char **not_enforced,
                                  tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_delta_write_options write = {.mode = TN_DELTA_ERROR,
                                          .partition_by = options->partition_by,
                                          .partition_count = options->partition_count,
                                          .properties = options->properties,
                                          .property_count = options->property_count};
    const tn_read_options read = TN_READ_DEFAULT;
    tn_source *source = NULL;
    tn_schema schema;
    tn_arena arena;

    *not_enforced = NULL;
    tn_arena_init(&arena, &session->pool);
    if (options->schema.size > 0) {
        TN_TRY(parse_schema(session, options->schema, &arena, &schema, not_enforced, err));
    } else {
        TN_TRY(tn_listing_source(session->stores, session->types, &options->like, 1, &read,
                                 &session->pool, &source, err));
        schema = source->schema;
    }
    TN_TRY(tn_delta_create(session->stores, session->types, uri, &schema, &write, &session->pool,
                           receipt, err));
done:
    tn_source_release(source);
    tn_session_end_statement(session);
    tn_arena_deinit(&arena);
    return code;
}

tarn_code tn_inspect_checkpoint(tn_session *session, tn_str uri, int64_t *version, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_delta *table = NULL;
    TN_TRY(tn_delta_open(session->stores, session->types, uri, &TN_DELTA_LATEST, &session->pool,
                         &table, err));
    TN_TRY(tn_delta_checkpoint(table, &session->pool, err));
    *version = tn_delta_describe(table)->version;
done:
    tn_delta_close(table);
    tn_session_end_statement(session);
    return code;
}
