/* Opening a JSON file. */
#include "format/json/json_internal.h"

#include <stdatomic.h>

/* Does the sample hold a whole record, or all there is? */
static bool is_enough(const tn__text_sample *sample)
{
    size_t at = 0;
    while (at < sample->size && sample->text[at] != '{' && sample->text[at] != '"' &&
           (unsigned char)sample->text[at] != '-' &&
           (sample->text[at] < '0' || sample->text[at] > '9')) {
        at++; /* a byte order mark, spaces, the bracket of an array */
    }
    return sample->whole ||
           (at < sample->size && tn__json_skip(sample->text, sample->size, at) != SIZE_MAX);
}

/* More where the first record alone is larger. */
static tarn_code read_sample(tn_object *object, tn__json_source *source, tn_str compression,
                             size_t *size, tn__text_sample *sample, tarn_error *err)
{
    for (;;) {
        TN_RETURN_IF_ERROR(tn__text_sample_read(object, compression, *size, source->text.pool,
                                                &source->text.codec, sample, err));
        if (is_enough(sample) || *size >= source->text.record_size_max) {
            return TARN_OK;
        }
        tn__text_sample_free(sample);
        *size *= 4;
    }
}

tarn_code tn_json_open(tn_object *object, bool is_local, const tn_json_options *options,
                       tn_types *types, tn_pool *pool, tn_source **out, tarn_error *err)
{
    static const tn_json_options usual = {.columns = NULL};
    tarn_code code = TARN_OK;
    tn__json_source *source = NULL;
    tn__text_sample sample = {.memory = NULL};
    bool enough = false;
    void *memory;

    *out = NULL;
    options = options == NULL ? &usual : options;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*source), &memory, err));
    source = memory;
    source->text.pool = pool;
    tn_arena_init(&source->text.arena, pool);
    tn__text_source_start(&source->text, &tn__json_ops);
    source->text.is_local = is_local;
    source->text.drops_bad = options->ignore_errors;
    source->text.is_pipeline = options->is_pipeline;
    source->of_many = options->fill_missing;
    source->may_round =
        options->column_count > 0 || (options->type_count > 0 && !options->fill_missing);
    source->text.record_size_max =
        options->record_size_max != 0 ? options->record_size_max : TN__RECORD_SIZE_MAX;
    source->text.morsel_size = options->morsel_size != 0 ? options->morsel_size : TN__MORSEL_SIZE;
    source->text.base.name = tn_str_of(tn_object_uri(object));
    for (size_t size = TN__SAMPLE_SIZE; !enough;) {
        TN_TRY(read_sample(object, source, options->compression, &size, &sample, err));
        source->sampled = 0;
        source->text.header_lines = 0;
        TN_TRY(tn__json_infer(source, options, &sample, types, err));
        TN_TRY(tn__text_sample_enough(&sample, source->sampled,
                                      options->column_count > 0 ? 0 : options->sample_rows, &size,
                                      &enough, err));
    }
    /* what the records that were looked at do not have would be lost without a word */
    source->refuses_new =
        options->refuse_new_fields ||
        (!source->sampled_all && !options->is_pipeline && !options->ignore_errors &&
         !options->ignore_new_fields && !options->fill_missing && options->column_count == 0);
    source->text.object = object;
    *out = &source->text.base;
    source = NULL;
done:
    if (code != TARN_OK && err != NULL && err->subject[0] == '\0') {
        tn_explain(err, "opening '%s' as JSON", tn_object_uri(object));
        tn_subject(err, tn_object_uri(object));
    }
    tn__text_sample_free(&sample);
    if (source != NULL) {
        tn_arena_deinit(&source->text.arena);
        tn_pool_free(pool, source, sizeof(*source));
    }
    return code;
}
