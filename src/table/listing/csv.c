/* CSV files of a listing. */
#include "format/csv/csv.h"
#include "table/listing/listing_internal.h"

typedef struct csv_context {
    tn_csv_options options;
} csv_context;

static tarn_code open_csv(const void *context, tn_object *object, tn_types *types, tn_pool *pool,
                          tn_source **out, tarn_error *err)
{
    const csv_context *csv = context;
    const bool local = tn_uri_is_local(tn_str_of(tn_object_uri(object)));
    return tn_csv_open(object, local, &csv->options, types, pool, out, err);
}

static TN_FALLIBLE take_options(const tn_read_options *options, tn_str key, tn_arena *keep,
                                tn_csv_options *out, tarn_error *err)
{
    tn_field *fields = NULL;
    tn_str *nulls = NULL;
    *out = TN_CSV_OPTIONS_DEFAULT;
    if (options->delimiter != '\0' ||
        tn_str_has_ending(tn_listing__without_codec(key), TN_STR(".tsv"))) {
        const char delimiter = options->delimiter != '\0' ? options->delimiter : '\t';
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, (tn_str){&delimiter, 1}, &out->delimiter, err));
    }
    out->quote = options->no_quotes       ? TN_CSV_NONE
                 : options->quote != '\0' ? (unsigned char)options->quote
                                          : TN_CSV_AUTO;
    out->escape = options->escape != '\0' ? (unsigned char)options->escape : TN_CSV_AUTO;
    out->comment = options->comment != '\0' ? (unsigned char)options->comment : TN_CSV_NONE;
    out->header = options->header == TN_AUTO ? TN_CSV_AUTO : options->header == TN_YES;
    out->skip = options->skip;
    out->sample_rows = options->sample_rows;
    out->all_text = options->all_varchar;
    out->ignore_errors = options->drop_bad_records;
    out->compression = options->codec;
    out->null_padding = options->null_padding;
    out->new_line_in_values = options->new_line_in_values;
    out->record_size_max = (size_t)options->record_size_max;
    out->is_pipeline = options->is_pipeline;
    out->may_be_empty =
        !options->is_pipeline && (options->column_count > 0 || options->name_count > 0);
    tn_str *names;
    TN_RETURN_IF_ERROR(tn_arena_array(keep, tn_str, options->name_count, &names, err));
    for (uint32_t i = 0; i < options->name_count; i++) {
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, options->names[i], &names[i], err));
    }
    out->names = names;
    out->name_count = options->name_count;
    TN_RETURN_IF_ERROR(tn_arena_array(keep, tn_str, options->null_count, &nulls, err));
    for (uint32_t i = 0; i < options->null_count; i++) {
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, options->nulls[i], &nulls[i], err));
    }
    out->nulls = nulls;
    out->null_count = options->null_count;
    TN_RETURN_IF_ERROR(tn_arena_array(keep, tn_field, options->column_count, &fields, err));
    for (uint32_t i = 0; i < options->column_count; i++) {
        fields[i] = options->columns[i];
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, options->columns[i].name, &fields[i].name, err));
    }
    if (options->columns_are_all) {
        out->columns = fields;
        out->column_count = options->column_count;
    } else {
        out->types = fields;
        out->type_count = options->column_count;
        out->types_may_lack = options->union_by_name;
        out->origin = options->columns_are_kept ? TN_CSV_LEDGER : TN_CSV_DECLARED;
    }
    return TARN_OK;
}

tarn_code tn_listing__open_csv(const tn_read_options *options, tn_str key, tn_arena *keep,
                               tn_file_set *set, tarn_error *err)
{
    csv_context *csv;
    TN_RETURN_IF_ERROR(tn_arena_new(keep, csv_context, &csv, err));
    TN_RETURN_IF_ERROR(take_options(options, key, keep, &csv->options, err));
    set->open = open_csv;
    set->context = csv;
    return TARN_OK;
}

tarn_code tn_listing__type_csv(const tn_read_options *options, const tn_field *fields,
                               uint32_t count, tn_arena *keep, tn_file_set *set, tarn_error *err)
{
    csv_context *csv;
    TN_RETURN_IF_ERROR(tn_arena_new(keep, csv_context, &csv, err));
    *csv = *(const csv_context *)set->context;
    csv->options.types = fields;
    csv->options.type_count = count;
    csv->options.types_may_lack = options->union_by_name;
    csv->options.origin = TN_CSV_OTHER_FILES;
    set->context = csv;
    return TARN_OK;
}
