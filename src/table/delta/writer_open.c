/* A write that begins and ends: its table, whether the rows fit it, and what is left behind. */
#include "table/delta/writer_internal.h"

static TN_FALLIBLE open_table(tn_delta_writer *writer, const tn_delta_write_options *options,
                              tarn_error *err)
{
    tarn_error missing = TARN_ERROR_INIT;
    const tarn_code code = tn_delta_open(writer->stores, writer->types, writer->uri,
                                         &TN_DELTA_LATEST, writer->pool, &writer->table, &missing);
    if (code == TARN_E_NOT_FOUND) {
        if (!options->must_exist) {
            return TARN_OK;
        }
        (void)tn_fail(err, TARN_E_NOT_FOUND, "there is no Delta table at '%.*s'",
                      TN_STR_ARGS(writer->uri));
        tn_hint(err, "create it with 'tarn table create', or write with --create");
        return TARN_E_NOT_FOUND;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &missing);
        return code;
    }
    if (options->mode == TN_DELTA_ERROR) {
        (void)tn_fail(err, TARN_E_EXISTS, "there is a Delta table at '%.*s' already",
                      TN_STR_ARGS(writer->uri));
        tn_hint(err, "append or overwrite");
        return TARN_E_EXISTS;
    }
    return tn_delta__check_write(writer->table, options->mode == TN_DELTA_OVERWRITE, err);
}

/* Every difference at once, so that one look is enough. */
static TN_FALLIBLE schema_differs(const tn_delta_writer *writer, tn_text *what, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_text_status(what, err));
    (void)tn_fail(err, TARN_E_INVALID, "the rows do not fit the Delta table '%.*s': %.*s",
                  TN_STR_ARGS(writer->uri), TN_STR_ARGS(tn_text_str(what)));
    tn_subject(err, writer->uri.data);
    tn_hint(err, "select and cast the table's columns; 'tarn schema %.*s' shows them",
            TN_STR_ARGS(writer->uri));
    return TARN_E_INVALID;
}

static void note(tn_text *what, const char *text, tn_str name, const tn_type *type,
                 const tn_type *other)
{
    tn_text_puts(what, what->size > 0 ? "; " : "");
    tn_text_printf(what, "column '%.*s' %s", TN_STR_ARGS(name), text);
    if (type != NULL) {
        tn_text_printf(what, " %.*s", TN_STR_ARGS(type->name));
    }
    if (other != NULL && type == NULL) {
        tn_text_printf(what, " %.*s in the table", TN_STR_ARGS(other->name));
    } else if (other != NULL) {
        tn_text_printf(what, " and %.*s in the table", TN_STR_ARGS(other->name));
    }
}

/* Nanoseconds, where none has a digit behind its microseconds: each value is asked. */
static bool is_kept_exactly(const tn_type *given, const tn_type *own)
{
    if (given->kind == TN_KIND_LIST && own->kind == TN_KIND_LIST) {
        return given->fields[0].type->kind == TN_KIND_TIMESTAMP_NS &&
               own->fields[0].type->kind == TN_KIND_TIMESTAMP;
    }
    return given->kind == TN_KIND_TIMESTAMP_NS && tn_type_is_timestamp(own);
}

/* The table's type for each column written; differences are gathered. */
static TN_FALLIBLE match_columns(tn_delta_writer *writer, const tn_schema *schema, tn_field *fields,
                                 tn_text *what, tarn_error *err)
{
    const tn_schema *own = &writer->table->about.schema;
    const bool is_mark = writer->operation.size > 0; /* which brings no rows */
    for (uint32_t i = 0; i < schema->count; i++) {
        bool ambiguous;
        bool found;
        const tn_type *common;
        const tn_field *given = &schema->fields[i];
        const uint32_t at = tn_schema_find(own, given->name, &ambiguous);
        if (at == UINT32_MAX) {
            note(what, "is not in it", given->name, NULL, NULL);
            continue;
        }
        fields[i] = own->fields[at];
        TN_RETURN_IF_ERROR(tn_types_common(writer->types, given->type, own->fields[at].type,
                                           &common, &found, err));
        if ((!found || common != own->fields[at].type) &&
            !is_kept_exactly(given->type, own->fields[at].type)) {
            const bool same = tn_str_equal(given->type->name, own->fields[at].type->name);
            note(what, same ? "has other fields that are NOT NULL than" : "is", given->name,
                 same ? NULL : given->type, own->fields[at].type);
        } else if (tn_delta__bars_nulls_within(writer->table, at) && !is_mark) {
            note(what, "has lists or maps without NULL in them, which Tarn cannot check",
                 given->name, NULL, NULL);
        }
    }
    for (uint32_t i = 0; i < own->count; i++) {
        bool ambiguous;
        if (!own->fields[i].nullable &&
            tn_schema_find(schema, own->fields[i].name, &ambiguous) == UINT32_MAX) {
            note(what, "is missing and NOT NULL", own->fields[i].name, NULL, NULL);
        }
        if (tn_delta__has_default(writer->table, i) &&
            tn_schema_find(schema, own->fields[i].name, &ambiguous) == UINT32_MAX) {
            note(what, "is missing and has a default, which Tarn cannot compute",
                 own->fields[i].name, NULL, NULL);
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE fit_schema(tn_delta_writer *writer, const tn_schema *schema, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_field *fields = NULL;
    tn_text what;

    tn_text_init(&what, writer->pool, 1 << 16);
    TN_TRY(tn_arena_array(&writer->arena, tn_field, schema->count, &fields, err));
    if (writer->table != NULL) {
        TN_TRY(match_columns(writer, schema, fields, &what, err));
    }
    for (uint32_t i = 0; i < schema->count && writer->table == NULL; i++) {
        fields[i] = schema->fields[i];
        TN_TRY(tn_arena_copy(&writer->arena, schema->fields[i].name, &fields[i].name, err));
        TN_TRY(tn_delta__stored_type(writer->types, fields[i].name, schema->fields[i].type,
                                     &fields[i].type, err));
        for (uint32_t j = 0; j < i; j++) {
            if (tn_str_equal_fold(fields[i].name, fields[j].name)) {
                code = tn_fail(err, TARN_E_INVALID, "two columns are named '%.*s'",
                               TN_STR_ARGS(fields[i].name));
                tn_hint(err, "name one of them anew with AS");
                goto done;
            }
        }
    }
    if (what.size > 0 || what.failed != TARN_OK) {
        code = schema_differs(writer, &what, err);
        goto done;
    }
    writer->sink.schema = (tn_schema){schema->count, fields};
    writer->table_schema = writer->sink.schema;
done:
    tn_text_deinit(&what);
    return code;
}

/* Names of the partition columns: the table's own, or those asked for. */
static tn_str partition_name(const tn_delta_writer *writer, const tn_delta_write_options *options,
                             uint32_t i)
{
    const tn_delta_about *about = writer->table == NULL ? NULL : &writer->table->about;
    return about != NULL ? about->schema.fields[about->partition_fields[i]].name
                         : options->partition_by[i];
}

static TN_FALLIBLE check_partitions(const tn_delta_writer *writer,
                                    const tn_delta_write_options *options, tarn_error *err)
{
    const tn_delta_about *about = writer->table == NULL ? NULL : &writer->table->about;
    if (about == NULL || options->partition_count == 0) {
        return TARN_OK;
    }
    bool same = options->partition_count == about->partition_count;
    for (uint32_t i = 0; i < options->partition_count && same; i++) {
        same = tn_str_equal_fold(options->partition_by[i], partition_name(writer, options, i));
    }
    if (same) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID, "the Delta table '%.*s' is partitioned by other columns",
                  TN_STR_ARGS(writer->uri));
    tn_subject(err, writer->uri.data);
    tn_hint(err, "leave the partitions to the table, which knows its own");
    return TARN_E_INVALID;
}

static TN_FALLIBLE place_columns(tn_delta_writer *writer, const tn_delta_write_options *options,
                                 tarn_error *err)
{
    const tn_schema *schema = &writer->sink.schema;
    const uint32_t count =
        writer->table != NULL ? writer->table->about.partition_count : options->partition_count;
    TN_RETURN_IF_ERROR(check_partitions(writer, options, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&writer->arena, uint32_t, count, &writer->partition_columns, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&writer->arena, uint32_t, schema->count, &writer->data_columns, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&writer->arena, tn_field, schema->count, &writer->data_fields, err));
    for (uint32_t i = 0; i < count; i++) {
        bool ambiguous;
        const tn_str name = partition_name(writer, options, i);
        const uint32_t at = tn_schema_find(schema, name, &ambiguous);
        if (at == UINT32_MAX || tn_type_is_nested(schema->fields[at].type)) {
            (void)tn_fail(err, TARN_E_INVALID,
                          at == UINT32_MAX
                              ? "there is no column '%.*s' to partition by"
                              : "the column '%.*s' is nested: no table is partitioned by such",
                          TN_STR_ARGS(name));
            return TARN_E_INVALID;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (writer->partition_columns[j] == at) {
                return tn_fail(err, TARN_E_INVALID, "the column '%.*s' partitions the table twice",
                               TN_STR_ARGS(schema->fields[at].name));
            }
        }
        writer->partition_columns[writer->partition_count++] = at;
    }
    for (uint32_t i = 0; i < schema->count; i++) {
        bool is_partition = false;
        for (uint32_t j = 0; j < count; j++) {
            is_partition = is_partition || writer->partition_columns[j] == i;
        }
        if (!is_partition) {
            writer->data_columns[writer->data_count] = i;
            writer->data_fields[writer->data_count++] = schema->fields[i];
        }
    }
    if (writer->data_count == 0) {
        return tn_fail(err, TARN_E_INVALID, "a table cannot consist of partition columns alone");
    }
    return TARN_OK;
}

static TN_FALLIBLE copy_properties(tn_delta_writer *writer, const tn_delta_write_options *options,
                                   tarn_error *err)
{
    tn_delta_property *properties;
    TN_RETURN_IF_ERROR(tn_arena_array(&writer->arena, tn_delta_property, options->property_count,
                                      &properties, err));
    for (uint32_t i = 0; i < options->property_count; i++) {
        TN_RETURN_IF_ERROR(tn_delta__check_property(&options->properties[i], err));
        TN_RETURN_IF_ERROR(
            tn_arena_copy(&writer->arena, options->properties[i].name, &properties[i].name, err));
        TN_RETURN_IF_ERROR(
            tn_arena_copy(&writer->arena, options->properties[i].value, &properties[i].value, err));
    }
    writer->properties = properties;
    writer->property_count = options->property_count;
    TN_RETURN_IF_ERROR(
        tn_arena_copy(&writer->arena, options->application, &writer->application, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(&writer->arena, options->operation, &writer->operation, err));
    return tn_arena_copy(&writer->arena, options->run, &writer->run, err);
}

tarn_code tn_delta_writer_open(tn_stores *stores, tn_types *types, tn_str uri,
                               const tn_schema *schema, const tn_delta_write_options *options,
                               tn_pool *pool, tn_delta_writer **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_delta_writer *writer = NULL;
    tn_str key;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(tn_delta_writer), &memory, err));
    writer = memory;
    writer->sink.ops = &tn_delta__sink_ops;
    writer->sink.column_memory = TN_SINK_COLUMN_MEMORY;
    writer->pool = pool;
    writer->stores = stores;
    writer->types = types;
    writer->mode = options->mode;
    writer->file_size = options->file_size;
    writer->parquet = options->parquet;
    writer->application_version = options->application_version;
    writer->staged.pool = writer->waiting.pool = pool;
    writer->close_error = (tarn_error)TARN_ERROR_INIT;
    (void)pthread_mutex_init(&writer->lock, NULL);
    tn_arena_init(&writer->arena, pool);
    TN_TRY(tn_arena_copy(&writer->arena, uri, &writer->uri, err));
    TN_TRY(copy_properties(writer, options, err));
    TN_TRY(tn_stores_resolve(stores, writer->uri, &writer->arena, &writer->store, &key, err));
    TN_TRY(tn_arena_print(&writer->arena, &writer->table_root, err, "%.*s%s", TN_STR_ARGS(key),
                          key.size == 0 || tn_str_ends(key, TN_STR("/")) ? "" : "/"));
    TN_TRY(open_table(writer, options, err));
    TN_TRY(fit_schema(writer, schema, err));
    TN_TRY(place_columns(writer, options, err));
    TN_TRY(tn_delta__writer_buckets(writer, err));
    *out = writer;
    writer = NULL;
done:
    tn_delta_writer_close(writer);
    return code;
}

tn_sink *tn_delta_writer_sink(tn_delta_writer *writer)
{
    return &writer->sink;
}

/* Files that no entry names, and that nobody could have named. */
static void remove_staged(tn_delta_writer *writer)
{
    tn_arena arena;
    tn_arena_init(&arena, writer->pool);
    for (size_t i = 0; i < writer->staged.count; i++) {
        tn_str key;
        if (tn_arena_print(&arena, &key, NULL, "%.*s%.*s", TN_STR_ARGS(writer->table_root),
                           TN_STR_ARGS(writer->staged.items[i].path)) == TARN_OK) {
            (void)!tn_store_delete(writer->store, key, NULL);
        }
    }
    tn_arena_deinit(&arena);
}

void tn_delta_writer_close(tn_delta_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    tn_delta__abandon_files(writer);
    if (!writer->keep_files) {
        remove_staged(writer);
    }
    tn_vec_free(&writer->staged);
    tn_vec_free(&writer->waiting);
    tn_delta_close(writer->table);
    tn_arena_deinit(&writer->arena);
    (void)pthread_mutex_destroy(&writer->lock);
    tn_pool_free(writer->pool, writer, sizeof(*writer));
}
