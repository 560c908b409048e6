/* Opening a JSON file. */
#include "format/json/json_internal.h"

#include <stdatomic.h>

enum { SAMPLE_SIZE = 1 << 20 };

tarn_code tn_json_open(tn_object *object, bool is_local, const tn_json_options *options,
                       tn_types *types, tn_pool *pool, tn_source **out, tarn_error *err)
{
    static const tn_json_options usual = {.columns = NULL};
    tarn_code code = TARN_OK;
    tn__json_source *source = NULL;
    tn__text_sample sample = {.memory = NULL};
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
    source->text.record_size_max =
        options->record_size_max != 0 ? options->record_size_max : TN__RECORD_SIZE_MAX;
    source->text.morsel_size = options->morsel_size != 0 ? options->morsel_size : TN__MORSEL_SIZE;
    source->text.base.name = tn_str_of(tn_object_uri(object));
    TN_TRY(tn__text_codec_of(options->compression, object, &source->text.codec, err));
    TN_TRY(tn__text_sample_read(object, source->text.codec, SAMPLE_SIZE, pool, &sample, err));
    TN_TRY(tn__json_infer(source, options, &sample, types, err));
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
