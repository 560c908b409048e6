/*
 * Classic checkpoints: one Parquet file with a row for each action that still counts.  Every table
 * that is written may have one, also one whose own checkpoints are of another kind.
 */
#include "column/chunk.h"
#include "format/parquet/parquet.h"
#include "os/clock.h"
#include "sched/io.h"
#include "table/delta/delta_internal.h"

enum { COLUMN_COUNT = 6, GROUP_ROWS = 65536, ARENA_ROWS = 256 };
static const int64_t tombstone_ms = INT64_C(7) * 86400000; /* unless the table says another */

#define VECTOR                                                                            \
    "deletionVector STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, offset INTEGER, " \
    "sizeInBytes INTEGER, cardinality BIGINT)"

static const char *const columns[COLUMN_COUNT][2] = {
    {"txn", "STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)"},
    {"add", "STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, "
            "modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, " VECTOR ")"},
    {"remove",
     "STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, size BIGINT, " VECTOR ")"},
    {"metaData", "STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, "
                 "format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), "
                 "schemaString VARCHAR, partitionColumns VARCHAR[], "
                 "configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)"},
    {"protocol", "STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, "
                 "readerFeatures VARCHAR[], writerFeatures VARCHAR[])"},
    {"domainMetadata", "STRUCT(domain VARCHAR, configuration VARCHAR, removed BOOLEAN)"},
};
enum { COLUMN_TXN, COLUMN_ADD, COLUMN_REMOVE, COLUMN_METADATA, COLUMN_PROTOCOL, COLUMN_DOMAIN };

typedef struct checkpoint {
    const tn_delta *table;
    tn_pool *pool;
    tn_arena arena;   /* of the schema */
    tn_arena scratch; /* of a few rows */
    tn_types *types;
    tn_field fields[COLUMN_COUNT];
    const tn_type *column_types[COLUMN_COUNT];
    uint32_t column_count; /* without the last, where no action needs it */
    tn_chunk_builder *builder;
    tn_file_writer *writer;
    uint64_t rows;
} checkpoint;

/* ---- nested values ----------------------------------------------------------------------------*/

static tn_value text_or_null(tn_str text)
{
    return text.size == 0 ? tn_value_null(TN_VARCHAR) : tn_value_varchar(text);
}

static TN_FALLIBLE make_struct(checkpoint *c, const tn_type *type, const tn_value *values,
                               tn_value *out, tarn_error *err)
{
    tn_column *column;
    tn_column *children;
    TN_RETURN_IF_ERROR(tn_arena_new(&c->scratch, tn_column, &column, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&c->scratch, tn_column, type->field_count, &children, err));
    for (uint32_t i = 0; i < type->field_count; i++) {
        tn_value value = values[i];
        value.type = type->fields[i].type;
        TN_RETURN_IF_ERROR(tn_value_column(&value, 1, &c->scratch, &children[i], err));
    }
    *column = (tn_column){.type = type, .lane = TN_LANE_none, .rows = 1, .children = children};
    *out = (tn_value){.type = type, .nested = column};
    return TARN_OK;
}

/* A list of texts, or with `values` a map from texts to texts (.data NULL: null). */
static TN_FALLIBLE make_list(checkpoint *c, const tn_type *type, const tn_str *keys,
                             const tn_str *values, uint32_t count, tn_value *out, tarn_error *err)
{
    tn_column *column;
    tn_column *children;
    tn_list *head;
    TN_RETURN_IF_ERROR(tn_arena_new(&c->scratch, tn_column, &column, err));
    TN_RETURN_IF_ERROR(tn_arena_new(&c->scratch, tn_list, &head, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&c->scratch, tn_column, type->field_count, &children, err));
    for (uint32_t field = 0; field < type->field_count; field++) {
        const tn_str *texts = field == 0 ? keys : values;
        tn_view *views;
        uint64_t *validity;
        TN_RETURN_IF_ERROR(tn_arena_array(&c->scratch, tn_view, count + 1, &views, err));
        TN_RETURN_IF_ERROR(
            tn_arena_array(&c->scratch, uint64_t, tn_bitmap_words(count) + 1, &validity, err));
        for (uint32_t i = 0; i < count; i++) {
            tn_bit_put(validity, i, texts[i].data != NULL);
            views[i] = tn_view_of(texts[i].data, texts[i].data == NULL ? 0 : texts[i].size);
        }
        children[field] = (tn_column){.type = TN_VARCHAR,
                                      .lane = TN_LANE_view,
                                      .rows = count,
                                      .values = views,
                                      .validity = validity};
    }
    *head = (tn_list){0, count};
    *column = (tn_column){
        .type = type, .lane = TN_LANE_list, .rows = 1, .values = head, .children = children};
    *out = (tn_value){.type = type, .nested = column};
    return TARN_OK;
}

/* ---- rows -------------------------------------------------------------------------------------*/

static TN_FALLIBLE write_group(checkpoint *c, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_chunk *chunk = NULL;
    tn_group_writer *group = NULL;
    void *batch_columns = NULL;
    const size_t room = tn_chunk_room(c->column_types, c->column_count);
    tn_batch batch;
    tn_latch latch;
    bool taken = false;

    TN_TRY(tn_chunk_builder_finish(c->builder, &chunk, err));
    if (chunk->rows == 0) {
        goto done;
    }
    TN_TRY(tn_pool_alloc(c->pool, room * sizeof(tn_column), &batch_columns, err));
    TN_TRY(c->writer->ops->group_begin(c->writer, c->pool, 0, &group, err));
    for (uint32_t from = 0; from < chunk->rows; from += TN_BATCH_ROWS) {
        const uint32_t left = chunk->rows - from;
        tn_chunk_batch(chunk, from, left < TN_BATCH_ROWS ? left : TN_BATCH_ROWS, batch_columns,
                       &batch);
        TN_TRY(group->ops->group_write(group, &batch, err));
    }
    while (!taken) {
        tn_group_writer *ending = group;
        tn_latch_init(&latch);
        code = ending->ops->group_end(ending, &latch.waker, &taken, err);
        if (code != TARN_OK) {
            group = NULL;
            goto done;
        }
        if (!taken) {
            tn_latch_wait(&latch);
        }
    }
    group = NULL;
done:
    tn_pool_free(c->pool, batch_columns, room * sizeof(tn_column));
    if (group != NULL) {
        group->ops->group_abort(group);
    }
    tn_chunk_release(chunk);
    return code;
}

static TN_FALLIBLE put_row(checkpoint *c, uint32_t column, const tn_value *value, tarn_error *err)
{
    for (uint32_t i = 0; i < c->column_count; i++) {
        const tn_value null = tn_value_null(c->column_types[i]);
        TN_RETURN_IF_ERROR(tn_chunk_builder_put(c->builder, i, i == column ? value : &null, err));
    }
    if (++c->rows % ARENA_ROWS == 0) {
        tn_arena_reset(&c->scratch);
    }
    return tn_chunk_builder_rows(c->builder) >= GROUP_ROWS ? write_group(c, err) : TARN_OK;
}

static TN_FALLIBLE put_struct(checkpoint *c, uint32_t column, const tn_value *fields,
                              tarn_error *err)
{
    tn_value value;
    TN_RETURN_IF_ERROR(make_struct(c, c->column_types[column], fields, &value, err));
    return put_row(c, column, &value, err);
}

static TN_FALLIBLE make_vector(checkpoint *c, const tn_type *type, const tn_delta_vector *vector,
                               tn_value *out, tarn_error *err)
{
    *out = tn_value_null(type);
    if (vector == NULL) {
        return TARN_OK;
    }
    tn_value fields[] = {tn_value_varchar(vector->storage), tn_value_varchar(vector->path),
                         tn_value_null(TN_INTEGER), tn_value_bigint(vector->size),
                         tn_value_bigint(vector->cardinality)};
    if (vector->offset >= 0) {
        fields[2] = tn_value_bigint(vector->offset);
    }
    return make_struct(c, type, fields, out, err);
}

/* Of a struct that was read only the number of rows is spelled as others read it. */
static TN_FALLIBLE make_statistics(checkpoint *c, const tn_delta_file *file, tn_value *out,
                                   tarn_error *err)
{
    const tn_json *json;
    tn_str text;
    *out = text_or_null(file->statistics);
    if (!file->statistics_parsed) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_json_parse(&c->scratch, file->statistics, &json, err));
    const int64_t rows = tn_json_get_integer(json, "numRecords", -1);
    TN_RETURN_IF_ERROR(
        tn_arena_print(&c->scratch, &text, err, "{\"numRecords\":%lld}", (long long)rows));
    *out = rows < 0 ? tn_value_null(TN_VARCHAR) : tn_value_varchar(text);
    return TARN_OK;
}

static TN_FALLIBLE put_file(checkpoint *c, const tn_delta_entry *entry, tarn_error *err)
{
    const tn_delta_about *about = &c->table->about;
    const uint32_t column = entry->is_live ? COLUMN_ADD : COLUMN_REMOVE;
    const tn_type *type = c->column_types[column];
    tn_value vector;
    tn_value statistics;
    const tn_value path = tn_value_varchar(entry->file.written);
    tn_str *names;
    TN_RETURN_IF_ERROR(make_vector(c, type->fields[type->field_count - 1].type,
                                   entry->file.deletion, &vector, err));
    TN_RETURN_IF_ERROR(make_statistics(c, &entry->file, &statistics, err));
    if (!entry->is_live) {
        const tn_value fields[] = {path, tn_value_bigint(entry->deleted_ms),
                                   tn_value_boolean(false),
                                   tn_value_bigint((int64_t)entry->file.size), vector};
        return put_struct(c, column, fields, err);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(&c->scratch, tn_str, about->partition_count + 1, &names, err));
    for (uint32_t i = 0; i < about->partition_count; i++) {
        names[i] = about->schema.fields[about->partition_fields[i]].name;
    }
    tn_value fields[] = {path,
                         tn_value_null(type->fields[1].type),
                         tn_value_bigint((int64_t)entry->file.size),
                         tn_value_bigint(entry->file.modified_ms),
                         tn_value_boolean(false),
                         statistics,
                         vector};
    TN_RETURN_IF_ERROR(make_list(c, type->fields[1].type, names, entry->file.partitions,
                                 about->partition_count, &fields[1], err));
    return put_struct(c, column, fields, err);
}

static TN_FALLIBLE put_metadata(checkpoint *c, tarn_error *err)
{
    const tn_delta_about *about = &c->table->about;
    const tn_type *type = c->column_types[COLUMN_METADATA];
    const uint32_t properties = about->property_count;
    tn_str *names;
    tn_str *keys;
    tn_str *texts;
    tn_value format[2] = {tn_value_varchar(TN_STR("parquet"))};

    TN_RETURN_IF_ERROR(
        tn_arena_array(&c->scratch, tn_str, about->partition_count + 1, &names, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&c->scratch, tn_str, properties + 1, &keys, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&c->scratch, tn_str, properties + 1, &texts, err));
    for (uint32_t i = 0; i < about->partition_count; i++) {
        names[i] = about->schema.fields[about->partition_fields[i]].name;
    }
    for (uint32_t i = 0; i < properties; i++) {
        keys[i] = about->properties[i].name;
        texts[i] = about->properties[i].value;
    }
    tn_value fields[] = {tn_value_varchar(about->id),
                         text_or_null(about->name),
                         text_or_null(about->description),
                         tn_value_null(type->fields[3].type),
                         tn_value_varchar(c->table->schema_json),
                         tn_value_null(type->fields[5].type),
                         tn_value_null(type->fields[6].type),
                         tn_value_bigint(about->created_ms)};
    TN_RETURN_IF_ERROR(
        make_list(c, type->fields[3].type->fields[1].type, keys, texts, 0, &format[1], err));
    TN_RETURN_IF_ERROR(make_struct(c, type->fields[3].type, format, &fields[3], err));
    TN_RETURN_IF_ERROR(
        make_list(c, type->fields[5].type, names, NULL, about->partition_count, &fields[5], err));
    TN_RETURN_IF_ERROR(
        make_list(c, type->fields[6].type, keys, texts, properties, &fields[6], err));
    return put_struct(c, COLUMN_METADATA, fields, err);
}

static TN_FALLIBLE put_protocol(checkpoint *c, tarn_error *err)
{
    const tn_delta_about *about = &c->table->about;
    const tn_type *type = c->column_types[COLUMN_PROTOCOL];
    tn_value fields[] = {{.type = TN_INTEGER, .i64 = about->reader_version},
                         {.type = TN_INTEGER, .i64 = about->writer_version},
                         tn_value_null(type->fields[2].type),
                         tn_value_null(type->fields[3].type)};
    if (about->reader_version >= 3) {
        TN_RETURN_IF_ERROR(make_list(c, type->fields[2].type, about->reader_features, NULL,
                                     about->reader_feature_count, &fields[2], err));
    }
    if (about->writer_version >= 7) {
        TN_RETURN_IF_ERROR(make_list(c, type->fields[3].type, about->writer_features, NULL,
                                     about->writer_feature_count, &fields[3], err));
    }
    return put_struct(c, COLUMN_PROTOCOL, fields, err);
}

static TN_FALLIBLE put_actions(checkpoint *c, tarn_error *err)
{
    const tn_delta *table = c->table;
    const int64_t now = tn_clock_now_us() / 1000;
    const int64_t kept_ms =
        tn_delta__duration(table, "delta.deletedFileRetentionDuration", tombstone_ms);
    TN_RETURN_IF_ERROR(put_protocol(c, err));
    TN_RETURN_IF_ERROR(put_metadata(c, err));
    for (size_t i = 0; i < table->txns.count; i++) {
        const tn_delta_txn_entry *txn = &table->txns.items[i];
        const tn_value fields[] = {tn_value_varchar(txn->application),
                                   tn_value_bigint(txn->version), tn_value_bigint(txn->updated_ms)};
        TN_RETURN_IF_ERROR(put_struct(c, COLUMN_TXN, fields, err));
    }
    for (size_t i = 0; i < table->domains.count; i++) {
        const tn_delta_domain *domain = &table->domains.items[i];
        const tn_value fields[] = {tn_value_varchar(domain->name),
                                   tn_value_varchar(domain->configuration),
                                   tn_value_boolean(false)};
        TN_RETURN_IF_ERROR(put_struct(c, COLUMN_DOMAIN, fields, err));
    }
    for (size_t i = 0; i < table->entries.count; i++) {
        const tn_delta_entry *entry = &table->entries.items[i];
        if (entry->is_live || entry->deleted_ms > now - kept_ms) {
            TN_RETURN_IF_ERROR(put_file(c, entry, err));
        }
    }
    return write_group(c, err);
}

/* ---- the file ---------------------------------------------------------------------------------*/

static TN_FALLIBLE put_hint(checkpoint *c, tarn_error *err)
{
    const tn_delta *table = c->table;
    const tn_put_options options = {.mode = TN_PUT_OVERWRITE, .durable = true};
    tn_outcome outcome;
    tn_str key;
    tn_str text;
    TN_RETURN_IF_ERROR(tn_arena_print(&c->arena, &key, err, "%.*s_delta_log/_last_checkpoint",
                                      TN_STR_ARGS(table->root)));
    TN_RETURN_IF_ERROR(tn_arena_print(&c->arena, &text, err, "{\"version\":%lld,\"size\":%llu}\n",
                                      (long long)table->about.version,
                                      (unsigned long long)c->rows));
    return tn_store_put(table->store, key, text, &options, &outcome, err);
}

static TN_FALLIBLE prepare(checkpoint *c, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_types_create(c->pool, &c->types, err));
    for (uint32_t i = 0; i < COLUMN_COUNT; i++) {
        TN_RETURN_IF_ERROR(
            tn_types_parse(c->types, tn_str_of(columns[i][1]), &c->column_types[i], err));
        c->fields[i] = (tn_field){tn_str_of(columns[i][0]), c->column_types[i], true};
    }
    return tn_chunk_builder_create(c->pool, c->column_types, c->column_count, UINT32_MAX,
                                   &c->builder, err);
}

tarn_code tn_delta_checkpoint(const tn_delta *table, tn_pool *pool, tarn_error *err)
{
    tarn_code code = TARN_OK;
    checkpoint c = {.table = table, .pool = pool};
    const tn_put_options put = {.mode = TN_PUT_OVERWRITE, .durable = true};
    c.column_count = table->domains.count > 0 ? COLUMN_COUNT : COLUMN_DOMAIN;
    const tn_schema schema = {c.column_count, c.fields};
    const tn_writer_options options = {.plain_only = true};
    tn_upload *upload = NULL;
    tn_file_receipt receipt;
    tn_outcome outcome;
    tn_str key;

    tn_arena_init(&c.arena, pool);
    tn_arena_init(&c.scratch, pool);
    TN_TRY(tn_delta__check_write(table, false, err));
    TN_TRY(prepare(&c, err));
    TN_TRY(tn_arena_print(&c.arena, &key, err, "%.*s_delta_log/%020lld.checkpoint.parquet",
                          TN_STR_ARGS(table->root), (long long)table->about.version));
    TN_TRY(tn_upload_create(table->store, key, pool, &put, &upload, err));
    TN_TRY(tn_parquet_writer_open(upload, &schema, &options, pool, &c.writer, err));
    TN_TRY(put_actions(&c, err));
    TN_TRY(c.writer->ops->finish(c.writer, &c.arena, &receipt, err));
    tn_upload *whole = upload;
    upload = NULL;
    TN_TRY(tn_upload_finish(whole, NULL, &outcome, err));
    TN_TRY(put_hint(&c, err));
done:
    if (c.writer != NULL) {
        c.writer->ops->destroy(c.writer);
    }
    tn_upload_abort(upload);
    tn_chunk_builder_destroy(c.builder);
    tn_types_destroy(c.types);
    tn_arena_deinit(&c.scratch);
    tn_arena_deinit(&c.arena);
    return code;
}
