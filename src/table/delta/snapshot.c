/* A table as it was at one version, and its rows as a source. */
#include "kernel/text.h"
#include "table/delta/delta_internal.h"

tarn_code tn_delta_open(tn_stores *stores, tn_types *types, tn_str uri, const tn_delta_at *at,
                        tn_pool *pool, tn_delta **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_delta *table = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(tn_delta), &memory, err));
    table = memory;
    table->pool = pool;
    table->stores = stores;
    table->types = types;
    table->about.version = -1;
    table->entries.pool = table->txns.pool = table->domains.pool = pool;
    tn_arena_init(&table->arena, pool);
    TN_TRY(tn_delta__resolve(table, uri, err));
    TN_TRY(tn_delta__load(table, at, err));
    *out = table;
    table = NULL;
done:
    tn_delta_close(table);
    return code;
}

void tn_delta_close(tn_delta *table)
{
    if (table == NULL) {
        return;
    }
    tn_vec_free(&table->entries);
    tn_vec_free(&table->txns);
    tn_vec_free(&table->domains);
    tn_pool_free(table->pool, table->buckets, table->bucket_count * sizeof(uint32_t));
    tn_arena_deinit(&table->arena);
    tn_pool_free(table->pool, table, sizeof(*table));
}

const tn_delta_about *tn_delta_describe(const tn_delta *table)
{
    return &table->about;
}

bool tn_delta_txn(const tn_delta *table, tn_str application, int64_t *version)
{
    for (size_t i = 0; i < table->txns.count; i++) {
        if (tn_str_equal(table->txns.items[i].application, application)) {
            *version = table->txns.items[i].version;
            return true;
        }
    }
    return false;
}

/* ---- rows -------------------------------------------------------------------------------------*/

/* Bytes as text: most writers put them as they are, some each as \\u00XX. */
static TN_FALLIBLE binary_value(tn_str text, tn_arena *arena, tn_value *out, tarn_error *err)
{
    enum { ESCAPE = 6 };
    void *memory;
    const tn_type *type = out->type;
    bool is_escaped = text.size % ESCAPE == 0;
    for (size_t i = 0; i < text.size && is_escaped; i += ESCAPE) {
        is_escaped = memcmp(text.data + i, "\\u00", 4) == 0 &&
                     tn_hex_digit(text.data[i + 4]) >= 0 && tn_hex_digit(text.data[i + 5]) >= 0;
    }
    *out = tn_value_varchar(text);
    out->type = type;
    if (!is_escaped) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, text.size / ESCAPE + 1, &memory, err));
    char *bytes = memory;
    for (size_t i = 0; i < text.size; i += ESCAPE) {
        bytes[i / ESCAPE] =
            (char)(16 * tn_hex_digit(text.data[i + 4]) + tn_hex_digit(text.data[i + 5]));
    }
    out->str = (tn_str){bytes, text.size / ESCAPE};
    return TARN_OK;
}

static TN_FALLIBLE partition_values(const tn_delta *table, const tn_delta_file *file,
                                    tn_arena *arena, const tn_value **out, tarn_error *err)
{
    const tn_delta_about *about = &table->about;
    tn_value *values;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_value, about->partition_count, &values, err));
    for (uint32_t i = 0; i < about->partition_count; i++) {
        const tn_field *field = &about->schema.fields[about->partition_fields[i]];
        values[i] = tn_value_null(field->type);
        if (file->partitions == NULL || file->partitions[i].data == NULL) {
            continue;
        }
        if (field->type->kind == TN_KIND_BLOB) {
            TN_RETURN_IF_ERROR(binary_value(file->partitions[i], arena, &values[i], err));
            continue;
        }
        const tarn_code code =
            tn_text_parse(file->partitions[i], field->type, arena, &values[i], err);
        if (code != TARN_OK) {
            tn_explain(err, "partition column '%.*s' of '%.*s'", TN_STR_ARGS(field->name),
                       TN_STR_ARGS(file->path));
            return code;
        }
        values[i].type = field->type;
    }
    *out = values;
    return TARN_OK;
}

static TN_FALLIBLE locate(const tn_delta *table, const tn_delta_file *file, tn_arena *arena,
                          tn_listed_file *out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(
        tn_delta__resolve_path(table, file->path, arena, &out->store, &out->key, err));
    TN_RETURN_IF_ERROR(tn_store_uri(out->store, out->key, arena, &out->uri, err));
    out->size = file->size;
    out->modified_us = file->modified_ms * 1000;
    out->tag = "";
    return TARN_OK;
}

tarn_code tn_delta_source(const tn_delta *table, tn_pool *pool, tn_source **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_delta_about *about = &table->about;
    tn_arena arena;
    tn_arena keep; /* where vectors lie; the source's in the end */
    bool has_vectors = false;
    tn_data_file *files;

    *out = NULL;
    tn_arena_init(&arena, pool);
    tn_arena_init(&keep, pool);
    TN_TRY(tn_delta__check_read(table, err));
    if (about->schema.count == 0) {
        code = tn_fail(err, TARN_E_INVALID, "the Delta table '%.*s' has no columns yet",
                       TN_STR_ARGS(about->uri));
        goto done;
    }
    TN_TRY(tn_arena_array(&arena, tn_data_file, about->file_count, &files, err));
    for (uint64_t i = 0; i < about->file_count; i++) {
        tn_column_statistics *statistics;
        TN_TRY(locate(table, &about->files[i], &arena, &files[i].file, err));
        TN_TRY(partition_values(table, &about->files[i], &arena, &files[i].partitions, err));
        TN_TRY(tn_delta__parse_statistics(table, &about->files[i], &arena, &statistics,
                                          &files[i].rows, err));
        files[i].statistics = statistics;
        if (about->files[i].deletion != NULL) {
            TN_TRY(
                tn_delta__locate_vector(table, &about->files[i], &keep, &files[i].deletion, err));
            has_vectors = true;
        }
    }
    const tn_file_set set = {.name = about->uri,
                             .kind = "delta",
                             .schema = about->schema,
                             .partition_fields = about->partition_fields,
                             .partition_count = about->partition_count,
                             .physical_names = table->physical_names,
                             .physical_types = table->physical_types,
                             .field_ids = table->field_ids,
                             .fill_missing = true,
                             .files = files,
                             .count = about->file_count,
                             .open = tn_files_open_parquet,
                             .load_deletion = has_vectors ? tn_delta__load_vector : NULL,
                             .keep = &keep};
    TN_TRY(tn_files_source_create(&set, table->types, NULL, pool, out, err));
done:
    tn_arena_deinit(&keep);
    tn_arena_deinit(&arena);
    return code;
}

/* ---- history ----------------------------------------------------------------------------------*/

static TN_FALLIBLE copy_raw(tn_arena *arena, tn_str text, const tn_json *value, tn_str *out,
                            tarn_error *err)
{
    *out = TN_STR("{}");
    return value == NULL
               ? TARN_OK
               : tn_arena_copy(arena, (tn_str){text.data + value->offset, value->size}, out, err);
}

static TN_FALLIBLE read_info(const tn_delta *table, int64_t version, tn_arena *arena,
                             tn_delta_commit_info *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena scratch;
    tn_buffer *buffer = NULL;
    tn_object_info object;
    tn_str key;
    tn_str text;

    *out = (tn_delta_commit_info){.version = version,
                                  .operation = TN_STR(""),
                                  .engine = TN_STR(""),
                                  .run = TN_STR(""),
                                  .parameters = TN_STR("{}"),
                                  .metrics = TN_STR("{}")};
    tn_arena_init(&scratch, table->pool);
    TN_TRY(tn_delta__log_key(table, version, &scratch, &key, err));
    TN_TRY(tn_store_get(table->store, key, TN_DELTA_ENTRY_MAX, table->pool, &buffer, &object, err));
    out->timestamp_ms = object.modified_us / 1000;
    text = (tn_str){(const char *)buffer->data, buffer->size};
    while (text.size > 0) {
        const size_t newline = tn_str_find(text, '\n');
        const tn_str line = tn_str_slice(text, 0, newline == SIZE_MAX ? text.size : newline);
        const tn_json *json;
        text = tn_str_slice(text, newline == SIZE_MAX ? text.size : newline + 1, text.size);
        if (line.size == 0 || tn_json_parse(&scratch, line, &json, NULL) != TARN_OK) {
            continue;
        }
        const tn_json *info = tn_json_get(json, "commitInfo");
        if (info == NULL) {
            continue;
        }
        out->timestamp_ms = tn_json_get_integer(info, "timestamp", out->timestamp_ms);
        out->timestamp_ms = tn_json_get_integer(info, "inCommitTimestamp", out->timestamp_ms);
        TN_TRY(tn_arena_copy(arena, tn_json_get_text(info, "operation", TN_STR("")),
                             &out->operation, err));
        TN_TRY(tn_arena_copy(arena, tn_json_get_text(info, "engineInfo", TN_STR("")), &out->engine,
                             err));
        TN_TRY(
            copy_raw(arena, line, tn_json_get(info, "operationParameters"), &out->parameters, err));
        TN_TRY(copy_raw(arena, line, tn_json_get(info, "operationMetrics"), &out->metrics, err));
        TN_TRY(tn_arena_copy(arena, tn_json_get_text(info, "tarnRun", TN_STR("")), &out->run, err));
        break;
    }
done:
    tn_buffer_release(buffer);
    tn_arena_deinit(&scratch);
    return code;
}

tarn_code tn_delta_history(tn_stores *stores, tn_str uri, uint64_t limit, tn_arena *arena,
                           tn_pool *pool, tn_delta_commit_info **out, size_t *count,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_types *types = NULL;
    tn_delta *table = NULL;

    *out = NULL;
    *count = 0;
    TN_TRY(tn_types_create(pool, &types, err));
    TN_TRY(tn_delta_open(stores, types, uri, &TN_DELTA_LATEST, pool, &table, err));
    const uint64_t versions = (uint64_t)table->about.version + 1;
    const uint64_t wanted = versions < limit ? versions : limit;
    TN_TRY(tn_arena_array(arena, tn_delta_commit_info, wanted, out, err));
    for (uint64_t i = 0; i < wanted; i++) {
        const int64_t version = table->about.version - (int64_t)i;
        tarn_error missing = TARN_ERROR_INIT;
        code = read_info(table, version, arena, &(*out)[*count], &missing);
        if (code == TARN_E_NOT_FOUND) { /* older entries were cleaned away */
            code = TARN_OK;
            break;
        }
        if (code != TARN_OK) {
            tn_error_copy(err, &missing);
            goto done;
        }
        (*count)++;
    }
done:
    tn_delta_close(table);
    tn_types_destroy(types);
    return code;
}
