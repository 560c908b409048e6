/* The source and the scan: what all tasks share. */
#include "base/size.h"
#include "format/text/scan_internal.h"

#include <assert.h>

tarn_code tn__text_add_bad(tn__text_parser *parser, const tn__bad *bad, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_grow(parser->pool, (void **)&parser->bad, &parser->bad_capacity,
                                   parser->bad_count, 1, sizeof(*bad), err));
    parser->bad[parser->bad_count++] = *bad;
    return TARN_OK;
}

/* ---- the sample -------------------------------------------------------------------------------
 */

void tn__text_sample_free(tn__text_sample *sample)
{
    tn_pool_free(sample->pool, sample->memory, sample->memory_size);
    sample->memory = NULL;
}

static TN_FALLIBLE codec_of(tn_str name, const tn_object *object, tn_codec *out, tarn_error *err)
{
    *out = TN_CODEC_NONE;
    if (name.size == 0 || tn_str_equal_fold(name, TN_STR("auto"))) {
        const tn_str key = tn_object_about(object)->key;
        *out = tn_codec_of_name(key.data, key.size);
    } else if (tn_str_equal_fold(name, TN_STR("gzip"))) {
        *out = TN_CODEC_GZIP;
    } else if (tn_str_equal_fold(name, TN_STR("zstd"))) {
        *out = TN_CODEC_ZSTD;
    } else if (!tn_str_equal_fold(name, TN_STR("none"))) {
        return tn_fail(err, TARN_E_UNSUPPORTED,
                       "'%.*s' is no compression of text files: gzip, zstd or none",
                       TN_STR_ARGS(name));
    }
    return TARN_OK;
}

static tarn_code inflate_sample(tn_object *object, tn_codec codec, size_t size,
                                tn__text_sample *out, tarn_error *err)
{
    enum { PIECE = 64 << 10 };
    const uint64_t object_size = tn_object_about(object)->size;
    tarn_code code = TARN_OK;
    tn_inflater *inflater = NULL;
    void *piece = NULL;
    uint64_t offset = 0;
    uint8_t *to = (uint8_t *)out->text;
    uint8_t *const to_end = to + size;

    TN_TRY(tn_pool_alloc(out->pool, PIECE, &piece, err));
    TN_TRY(tn_inflater_create(codec, out->pool, &inflater, err));
    while (to < to_end && offset < object_size) {
        const size_t step = tn_min_size(PIECE, (size_t)(object_size - offset));
        TN_TRY(tn_object_read(object, offset, piece, step, err));
        const uint8_t *from = piece;
        offset += step;
        while (from < (const uint8_t *)piece + step && to < to_end) {
            TN_TRY(
                tn_inflater_step(inflater, &from, (const uint8_t *)piece + step, &to, to_end, err));
        }
    }
    out->whole = to < to_end;
    if (out->whole) {
        TN_TRY(tn_inflater_finish(inflater, err));
    }
    out->size = (size_t)(to - (uint8_t *)out->text);
done:
    tn_inflater_destroy(inflater);
    tn_pool_free(out->pool, piece, PIECE);
    if (code != TARN_OK) {
        tn_explain(err, "reading '%s'", tn_object_uri(object));
        tn_subject(err, tn_object_uri(object));
    }
    return code;
}

static TN_FALLIBLE read_sample(tn_object *object, tn_codec codec, size_t size, tn_pool *pool,
                               tn__text_sample *out, tarn_error *err)
{
    const uint64_t object_size = tn_object_about(object)->size;
    void *memory;
    *out = (tn__text_sample){.pool = pool};
    if (codec == TN_CODEC_NONE && object_size < size) {
        size = (size_t)object_size;
    }
    out->memory_size = size + 2 * TN_BLOCK_PADDING;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, out->memory_size, &memory, err));
    out->memory = memory;
    out->text = out->memory + TN_BLOCK_PADDING;
    tarn_code code;
    if (codec != TN_CODEC_NONE) {
        code = inflate_sample(object, codec, size, out, err);
    } else {
        out->size = size;
        out->whole = size == object_size;
        code = size == 0 ? TARN_OK : tn_object_read(object, 0, out->text, size, err);
    }
    if (code != TARN_OK) {
        tn__text_sample_free(out);
    }
    return code;
}

tarn_code tn__text_sample_read(tn_object *object, tn_str compression, size_t size, tn_pool *pool,
                               tn_codec *codec, tn__text_sample *out, tarn_error *err)
{
    *out = (tn__text_sample){.pool = pool};
    TN_RETURN_IF_ERROR(codec_of(compression, object, codec, err));
    TN_RETURN_IF_ERROR(read_sample(object, *codec, size, pool, out, err));
    if (*codec == TN_CODEC_NONE && !tn_str_equal_fold(compression, TN_STR("none"))) {
        /* Neither magic number begins UTF-8, so no text is taken for another. */
        *codec = tn_codec_of_bytes(out->text, out->size);
        if (*codec != TN_CODEC_NONE) {
            tn__text_sample_free(out);
            return read_sample(object, *codec, size, pool, out, err);
        }
    }
    return TARN_OK;
}

tarn_code tn__text_sample_enough(tn__text_sample *sample, uint64_t seen, uint64_t wanted,
                                 size_t *size, bool *enough, tarn_error *err)
{
    *enough = sample->whole || seen >= wanted;
    if (*enough) {
        return TARN_OK;
    }
    if (*size >= TN__SAMPLE_SIZE_MAX) {
        (void)tn_fail(err, TARN_E_LIMIT,
                      "the first %d MB have but %llu records to infer types from",
                      (int)(TN__SAMPLE_SIZE_MAX >> 20), (unsigned long long)seen);
        tn_hint(err, "give a smaller sample_size, or the types themselves: types => {'name': "
                     "'TYPE', ...}");
        return TARN_E_LIMIT;
    }
    *size = *size > TN__SAMPLE_SIZE_MAX / 8 ? TN__SAMPLE_SIZE_MAX : *size * 8;
    tn__text_sample_free(sample);
    return TARN_OK;
}

/* ---- the source -------------------------------------------------------------------------------
 */

static tarn_code statistics(tn_source *base, const tn_conjunct *conjuncts, uint32_t count,
                            tn_arena *arena, tn_statistics *out, tarn_error *err)
{
    const tn__text_source *source = (const tn__text_source *)base;
    const uint64_t size = tn_object_about(source->object)->size;
    (void)conjuncts;
    (void)count;
    (void)arena;
    (void)err;
    *out = (tn_statistics){.bytes_known = TN_EXACT, .bytes = size};
    if (source->row_bytes > 0) {
        const double inflation = source->codec == TN_CODEC_NONE ? 1 : 4;
        out->rows_known = TN_ESTIMATE;
        out->rows = (uint64_t)((double)size * inflation / source->row_bytes);
    }
    return TARN_OK;
}

static void destroy(tn_source *base)
{
    tn__text_source *source = (tn__text_source *)base;
    tn_pool *pool = source->pool;
    const size_t size = source->ops->source_size;
    tn_object_close(source->object);
    tn_arena_deinit(&source->arena);
    tn_pool_free(pool, source, size);
}

static const tn_scan_ops scan_ops;

static void cut_morsels(tn__text_scan *scan)
{
    const tn__text_source *source = scan->source;
    const uint64_t size = tn_object_about(source->object)->size;
    const uint64_t large = source->morsel_size;
    if (source->codec != TN_CODEC_NONE || source->one_morsel) {
        scan->morsel_count = scan->large_morsels = 1;
        return;
    }
    if (size <= source->data_start) {
        return;
    }
    uint64_t count = (size + large - 1) / large;
    uint64_t small = 0;
    if (count > 2 * TN__LAST_MORSELS && large / TN__SMALL_MORSELS >= TN__SMALL_MORSEL_MIN) {
        const uint64_t step = large / TN__SMALL_MORSELS;
        count = size / large - TN__LAST_MORSELS;
        small = (size - count * large + step - 1) / step;
    }
    scan->large_morsels = (uint32_t)tn_min_size(count, UINT32_MAX / 2);
    scan->morsel_count = scan->large_morsels + (uint32_t)small;
}

static void scan_close(tn_scan *base)
{
    tn__text_scan *scan = (tn__text_scan *)base;
    if (scan->morsels != NULL) {
        tn_pool_free(scan->pool, scan->morsels, scan->morsel_count * sizeof(*scan->morsels));
    }
    (void)pthread_mutex_destroy(&scan->lock);
    tn_pool_free(scan->pool, scan, scan->size);
}

static tarn_code open_scan(tn_source *base, const tn_scan_request *request, tn_pool *pool,
                           tn_scan **out, tarn_error *err)
{
    tn__text_source *source = (tn__text_source *)base;
    void *memory;
    size_t size = sizeof(tn__text_scan) + (size_t)request->field_count * sizeof(uint32_t);

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, size, &memory, err));
    tn__text_scan *scan = memory;
    scan->base.ops = &scan_ops;
    scan->source = source;
    scan->pool = pool;
    scan->size = size;
    scan->request = *request;
    scan->fields = (uint32_t *)(void *)(scan + 1);
    if (request->field_count > 0) {
        memcpy(scan->fields, request->fields, request->field_count * sizeof(uint32_t));
    }
    scan->request.fields = scan->fields;
    (void)pthread_mutex_init(&scan->lock, NULL);
    cut_morsels(scan);
    if (scan->morsel_count > 0) {
        const tarn_code code =
            tn_pool_alloc_zeroed(pool, scan->morsel_count * sizeof(*scan->morsels), &memory, err);
        if (code != TARN_OK) {
            scan_close(&scan->base);
            return code;
        }
        scan->morsels = memory;
        scan->morsels[0].from = source->data_start;
        scan->morsels[0].has_from = scan->morsels[0].is_exact = true;
    }
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        request->promises[i] = TN_PROMISE_NONE;
    }
    *out = &scan->base;
    return TARN_OK;
}

static const tn_source_ops csv_ops = {"csv", statistics, open_scan, destroy};
static const tn_source_ops json_ops = {"json", statistics, open_scan, destroy};

void tn__text_source_start(tn__text_source *source, const tn__text_ops *ops)
{
    source->base.ops = strcmp(ops->kind, "csv") == 0 ? &csv_ops : &json_ops;
    source->base.is_ordered = true;
    atomic_store(&source->base.refs, 1);
    source->ops = ops;
}

/* ---- the scan ---------------------------------------------------------------------------------
 */

static void counters(tn_scan *base, tn_scan_counters *out)
{
    tn__text_scan *scan = (tn__text_scan *)base;
    *out = (tn_scan_counters){
        .bytes_read = atomic_load(&scan->bytes_read),
        .rows_read = atomic_load(&scan->rows_read),
        .rows_out = atomic_load(&scan->rows_out),
        .rows_rejected = atomic_load(&scan->rows_rejected),
        .files = 1,
        .groups = scan->morsel_count,
    };
}

/* Where one morsel's records ended the next one's began; else a guess was wrong. */
static tarn_code finish(tn_scan *base, tarn_error *err)
{
    tn__text_scan *scan = (tn__text_scan *)base;
    for (uint32_t i = 0; i + 1 < scan->morsel_count; i++) {
        const tn__morsel *left = &scan->morsels[i];
        const tn__morsel *right = &scan->morsels[i + 1];
        if (left->has_to && right->has_from && left->to != right->from) {
            return tn__text_fail_guess(scan, right->from, err);
        }
    }
    return tn_object_verify(scan->source->object, err);
}

tarn_code tn__text_fail_guess(const tn__text_scan *scan, uint64_t at, tarn_error *err)
{
    const char *uri = tn_object_uri(scan->source->object);
    const tarn_code code =
        tn_fail(err, TARN_E_INVALID,
                "'%s': what was read as a record at byte %llu is the middle of a quoted value, and "
                "the first lines showed none that runs over several lines",
                uri, (unsigned long long)at);
    tn_hint(err, "read it with new_line_in_values = true");
    tn_subject(err, uri);
    return code;
}

static uint32_t morsels_expected(tn_scan *base)
{
    return ((tn__text_scan *)base)->morsel_count;
}

static const tn_scan_ops scan_ops = {
    .task_open = tn__text_task_open,
    .read = tn__text_task_read,
    .task_close = tn__text_task_close,
    .counters = counters,
    .finish = finish,
    .close = scan_close,
    .morsels_expected = morsels_expected,
    .place = tn__text_task_place,
};
