/* Files of a listing as one source. */
#include "format/parquet/parquet.h"
#include "table/delta/delta.h"
#include "table/listing/listing_internal.h"

static TN_FALLIBLE choose_opener(tn_listing_maker *m, tarn_error *err)
{
    tn_parquet_options *parquet;
    switch (m->format) {
    case TN_FORMAT_PARQUET:
        m->set.open = tn_files_open_parquet;
        TN_RETURN_IF_ERROR(tn_arena_new(&m->keep, tn_parquet_options, &parquet, err));
        parquet->ignore_statistics = m->options->ignore_statistics;
        const tn_schema given = {m->options->column_count, m->options->columns};
        m->set.context = parquet;
        return tn_schema_copy(&m->keep, &given, &parquet->types, err);
    case TN_FORMAT_CSV:
        return tn_listing__open_csv(m->options, m->files[0].key, &m->keep, &m->set, err);
    default:
        return tn_listing__open_json(m->options, m->count == 1, &m->keep, &m->set, err);
    }
}

tarn_code tn_listing__open_file(tn_listing_maker *m, size_t index, tn_source **out, tarn_error *err)
{
    const tn_listed_file *file = &m->files[index];
    const tn_object_open_options options = {file->tag[0] == '\0' ? NULL : file->tag, file->size};
    tn_object *object;
    TN_RETURN_IF_ERROR(tn_object_open(file->store, file->key, m->pool, &options, &object, err));
    const tarn_code code = m->set.open(m->set.context, object, m->types, m->pool, out, err);
    if (code != TARN_OK) {
        tn_object_close(object);
    }
    return code;
}

static TN_FALLIBLE make(tn_listing_maker *m, tn_str name, tn_source **out, tarn_error *err)
{
    tn_data_file *files;
    TN_RETURN_IF_ERROR(
        tn_listing__find_format(&m->files[0], m->options->format, m->pool, &m->format, err));
    TN_RETURN_IF_ERROR(tn_listing__leave_out_empty(m, err));
    TN_RETURN_IF_ERROR(tn_listing__split_columns(m, err));
    TN_RETURN_IF_ERROR(choose_opener(m, err));
    TN_RETURN_IF_ERROR(tn_listing__find_schema(m, err));
    TN_RETURN_IF_ERROR(tn_listing__fix_types(m, err));
    TN_RETURN_IF_ERROR(tn_listing__find_partitions(m, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&m->arena, tn_data_file, m->count, &files, err));
    for (size_t i = 0; i < m->count; i++) {
        files[i] = (tn_data_file){.file = m->files[i], .rows = UINT64_MAX};
    }
    if (m->hive_count > 0) {
        TN_RETURN_IF_ERROR(tn_listing__add_partitions(m, files, err));
    }
    if (m->count == 1 && m->hive_count == 0 && !m->retyped) { /* one file is its own source */
        *out = m->first;
        m->first = NULL;
        return TARN_OK;
    }
    m->set.name = name;
    m->set.kind = tn_listing__format_name(m->format);
    m->set.schema = (tn_schema){(uint32_t)m->fields.count, m->fields.items};
    m->set.files = files;
    m->set.count = m->count;
    m->set.keep = &m->keep;
    m->set.is_pipeline = m->options->is_pipeline;
    m->set.refuse_new_columns = !m->options->union_by_name && !m->options->ignore_new_columns &&
                                (m->format == TN_FORMAT_PARQUET || m->format == TN_FORMAT_CSV ||
                                 m->options->is_pipeline || !m->options->drop_bad_records);
    TN_RETURN_IF_ERROR(tn_files_source_create(&m->set, m->types, m->first, m->pool, out, err));
    m->first = NULL;
    return TARN_OK;
}

/* ---- the interface ----------------------------------------------------------------------------*/

static TN_FALLIBLE source_of(tn_stores *stores, tn_types *types, tn_str name,
                             const tn_listed_file *files, size_t count,
                             const tn_read_options *options, tn_pool *pool, tn_source **out,
                             tarn_error *err)
{
    tn_listing_maker m = {.stores = stores,
                          .types = types,
                          .options = options,
                          .given = options,
                          .pool = pool,
                          .files = files,
                          .count = count};
    *out = NULL;
    tn_arena_init(&m.arena, pool);
    tn_arena_init(&m.keep, pool);
    m.fields.pool = pool;
    const tarn_code code = make(&m, name, out, err);
    if (m.first != NULL) {
        tn_source_release(m.first);
    }
    tn_vec_free(&m.fields);
    tn_arena_deinit(&m.arena);
    if (code != TARN_OK || *out == NULL || m.set.keep == NULL) {
        /* One file's own source keeps what it needs of the options itself. */
        tn_arena_deinit(&m.keep);
    }
    return code;
}

/* Without files there are the columns that were declared, and no rows. */
static TN_FALLIBLE empty_source(tn_types *types, const tn_read_options *options, tn_pool *pool,
                                tn_source **out, tarn_error *err)
{
    const tn_file_set set = {.name = TN_STR("no files"),
                             .kind = "files",
                             .schema = {options->column_count, options->columns},
                             .fill_missing = true,
                             .open = tn_files_open_parquet};
    return tn_files_source_create(&set, types, NULL, pool, out, err);
}

tarn_code tn_listing_source_of(tn_stores *stores, tn_types *types, const tn_listed_file *files,
                               size_t count, const tn_read_options *options, tn_pool *pool,
                               tn_source **out, tarn_error *err)
{
    return count == 0
               ? empty_source(types, options, pool, out, err)
               : source_of(stores, types, files[0].uri, files, count, options, pool, out, err);
}

static TN_FALLIBLE delta_source(tn_stores *stores, tn_types *types, tn_str uri,
                                const tn_read_options *options, tn_pool *pool, tn_source **out,
                                tarn_error *err)
{
    const tn_delta_at at = {options->version, options->timestamp_us};
    tn_delta *table;
    TN_RETURN_IF_ERROR(tn_delta_open(stores, types, uri, &at, pool, &table, err));
    const tarn_code code = tn_delta_source(table, pool, out, err);
    tn_delta_close(table);
    return code;
}

tarn_code tn_listing_source(tn_stores *stores, tn_types *types, const tn_str *uris, uint32_t count,
                            const tn_read_options *options, tn_pool *pool, tn_source **out,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_listed_file *files;
    size_t file_count;
    bool is_delta = tn_str_equal_fold(options->format, TN_STR("delta"));

    *out = NULL;
    if (count == 1 && options->format.size == 0 && !tn_str_equal(uris[0], TN_STR("-"))) {
        TN_RETURN_IF_ERROR(tn_listing_is_delta(stores, uris[0], pool, &is_delta, err));
    }
    if (is_delta) {
        return delta_source(stores, types, uris[0], options, pool, out, err);
    }
    tn_arena_init(&arena, pool);
    TN_TRY(tn_listing_expand(stores, uris, count, false, &arena, pool, &files, &file_count, err));
    TN_TRY(source_of(stores, types, uris[0], files, file_count, options, pool, out, err));
done:
    tn_arena_deinit(&arena);
    return code;
}
