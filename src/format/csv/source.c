/* Opening a CSV file. */
#include "format/csv/csv_internal.h"

#include <stdatomic.h>

static tarn_code set_dialect(tn__csv_dialect *dialect, const tn_csv_options *o, tarn_error *err)
{
    if (o->delimiter.size > sizeof(dialect->delimiter)) {
        return tn_fail(err, TARN_E_INVALID, "the delimiter '%.*s' is longer than %zu bytes",
                       TN_STR_ARGS(o->delimiter), sizeof(dialect->delimiter));
    }
    *dialect = (tn__csv_dialect){.delimiter = {','}, .delimiter_size = 1, .quote = '"'};
    if (o->delimiter.size > 0) {
        memcpy(dialect->delimiter, o->delimiter.data, o->delimiter.size);
        dialect->delimiter_size = (uint8_t)o->delimiter.size;
    }
    if (o->quote != TN_CSV_AUTO) {
        dialect->quote = (char)o->quote;
    }
    dialect->escape = o->escape == TN_CSV_AUTO ? dialect->quote : (char)o->escape;
    dialect->comment = (char)(o->comment == TN_CSV_AUTO ? 0 : o->comment);
    if (dialect->quote != 0 && dialect->quote == dialect->delimiter[0]) {
        return tn_fail(err, TARN_E_INVALID, "the quote and the delimiter are the same");
    }
    return TARN_OK;
}

static tarn_code copy_nulls(tn__csv_source *source, const tn_csv_options *o, tarn_error *err)
{
    tn_str *nulls;
    source->empty_is_null = o->null_count == 0;
    TN_RETURN_IF_ERROR(tn_arena_array(&source->text.arena, tn_str, o->null_count + 1, &nulls, err));
    for (uint32_t i = 0; i < o->null_count; i++) {
        if (o->nulls[i].size == 0) {
            source->empty_is_null = true;
        } else {
            TN_RETURN_IF_ERROR(
                tn_arena_copy(&source->text.arena, o->nulls[i], &nulls[source->null_count++], err));
        }
    }
    source->nulls = nulls;
    return TARN_OK;
}

tarn_code tn_csv_open(tn_object *object, bool is_local, const tn_csv_options *options,
                      tn_types *types, tn_pool *pool, tn_source **out, tarn_error *err)
{
    static const tn_csv_options usual = {
        .quote = TN_CSV_AUTO, .escape = TN_CSV_AUTO, .header = TN_CSV_AUTO};
    tarn_code code = TARN_OK;
    tn__csv_source *source = NULL;
    tn__text_sample sample = {.memory = NULL};
    bool enough = false;
    void *memory;

    *out = NULL;
    options = options == NULL ? &usual : options;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*source), &memory, err));
    source = memory;
    source->text.pool = pool;
    tn_arena_init(&source->text.arena, pool);
    tn__text_source_start(&source->text, &tn__csv_ops);
    source->text.is_local = is_local;
    source->text.drops_bad = options->ignore_errors;
    source->text.record_size_max =
        options->record_size_max != 0 ? options->record_size_max : TN__RECORD_SIZE_MAX;
    source->text.morsel_size = options->morsel_size != 0 ? options->morsel_size : TN__MORSEL_SIZE;
    source->text.is_pipeline = options->is_pipeline;
    source->null_padding = options->null_padding;
    source->text.base.name = tn_str_of(tn_object_uri(object));
    TN_TRY(copy_nulls(source, options, err));
    for (size_t size = TN__SAMPLE_SIZE; !enough;) {
        source->dialect = (tn__csv_dialect){.delimiter_size = 0};
        TN_TRY(set_dialect(&source->dialect, options, err));
        TN_TRY(tn__text_sample_read(object, options->compression, size, pool, &source->text.codec,
                                    &sample, err));
        TN_TRY(tn__csv_sniff(source, options, &sample, types, err));
        TN_TRY(tn__text_sample_enough(&sample, source->sampled, options->sample_rows, &size,
                                      &enough, err));
    }
    source->text.object = object;
    *out = &source->text.base;
    source = NULL;
done:
    if (code != TARN_OK && err != NULL && err->subject[0] == '\0') {
        tn_explain(err, "opening '%s' as CSV", tn_object_uri(object));
        tn_subject(err, tn_object_uri(object));
    }
    tn__text_sample_free(&sample);
    if (source != NULL) {
        tn_arena_deinit(&source->text.arena);
        tn_pool_free(pool, source, sizeof(*source));
    }
    return code;
}
