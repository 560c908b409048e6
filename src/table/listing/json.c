/* JSON files of a listing. */
#include "format/json/json.h"
#include "table/listing/listing_internal.h"

typedef struct json_context {
    tn_json_options options;
} json_context;

static tarn_code open_json(const void *context, tn_object *object, tn_types *types, tn_pool *pool,
                           tn_source **out, tarn_error *err)
{
    const json_context *json = context;
    const bool local = tn_uri_is_local(tn_str_of(tn_object_uri(object)));
    return tn_json_open(object, local, &json->options, types, pool, out, err);
}

/* In SQL `ignore_errors` passes over them, too. */
static bool ignores_new(const tn_read_options *options)
{
    return options->ignore_new_columns || (options->drop_bad_records && !options->is_pipeline);
}

tarn_code tn_listing__open_json(const tn_read_options *options, bool one, tn_arena *keep,
                                tn_file_set *set, tarn_error *err)
{
    json_context *json;
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_new(keep, json_context, &json, err));
    TN_RETURN_IF_ERROR(tn_arena_array(keep, tn_field, options->column_count + 1, &fields, err));
    for (uint32_t i = 0; i < options->column_count; i++) {
        fields[i] = options->columns[i];
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, options->columns[i].name, &fields[i].name, err));
    }
    json->options =
        (tn_json_options){.all_text = options->all_varchar,
                          .ignore_errors = options->drop_bad_records,
                          .sample_rows = options->sample_rows,
                          .record_size_max = (size_t)options->record_size_max,
                          .is_pipeline = options->is_pipeline,
                          .fill_missing = options->is_pipeline,
                          .may_be_empty = !one,
                          .ignore_new_fields = ignores_new(options),
                          .refuse_new_fields = options->is_pipeline && !ignores_new(options),
                          .compression = options->codec};
    if (options->columns_are_all) {
        json->options.columns = fields;
        json->options.column_count = options->column_count;
    } else {
        json->options.types = fields;
        json->options.type_count = options->column_count;
    }
    set->open = open_json;
    set->context = json;
    return TARN_OK;
}

tarn_code tn_listing__type_json(const tn_field *fields, uint32_t count, tn_arena *keep,
                                tn_file_set *set, tarn_error *err)
{
    json_context *json;
    TN_RETURN_IF_ERROR(tn_arena_new(keep, json_context, &json, err));
    *json = *(const json_context *)set->context;
    json->options.types = fields;
    json->options.type_count = count;
    json->options.fill_missing = true;
    json->options.may_be_empty = true;
    json->options.refuse_new_fields = !json->options.ignore_new_fields;
    set->context = json;
    return TARN_OK;
}
