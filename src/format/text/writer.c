#include "format/text/writer_internal.h"

#include "base/size.h"

typedef struct row_group {
    tn_group_writer base;
    tn__row_writer *writer;
    tn_pool *pool;
    tn_scratch *scratch; /* one a column */
    tn__row_column *columns;
    tn_text text;
    uint64_t rows;
    tn_text packed; /* compressed, once the group ended */
    bool is_packed;
} row_group;

static uint32_t width_of(const row_group *group)
{
    return group->writer->schema.count;
}

static void group_destroy(row_group *group)
{
    tn_pool *pool = group->pool;
    for (uint32_t i = 0; group->scratch != NULL && i < width_of(group); i++) {
        tn_scratch_deinit(&group->scratch[i]);
    }
    tn_pool_free(pool, group->scratch, width_of(group) * sizeof(*group->scratch));
    tn_pool_free(pool, group->columns, width_of(group) * sizeof(*group->columns));
    tn_text_deinit(&group->text);
    tn_text_deinit(&group->packed);
    tn_pool_free(pool, group, sizeof(*group));
}

static tarn_code group_begin(tn_file_writer *base, tn_pool *pool, size_t room,
                             tn_group_writer **out, tarn_error *err)
{
    tn__row_writer *writer = (tn__row_writer *)base;
    tarn_code code = TARN_OK;
    void *memory;

    (void)room; /* lines are written as they come */
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(row_group), &memory, err));
    row_group *group = memory;
    group->base.ops = base->ops;
    group->writer = writer;
    group->pool = pool;
    tn_text_init(&group->text, pool, SIZE_MAX / 8);
    tn_text_init(&group->packed, pool, SIZE_MAX / 8);
    if (writer->schema.count > 0) {
        TN_TRY(tn_pool_alloc(pool, writer->schema.count * sizeof(tn_scratch), &memory, err));
        group->scratch = memory;
        for (uint32_t i = 0; i < writer->schema.count; i++) {
            tn_scratch_init(&group->scratch[i], pool);
        }
        TN_TRY(tn_pool_alloc(pool, writer->schema.count * sizeof(tn__row_column), &memory, err));
        group->columns = memory;
    }
    *out = &group->base;
    group = NULL;
done:
    if (group != NULL) {
        group_destroy(group);
    }
    return code;
}

static tarn_code group_write(tn_group_writer *base, const tn_batch *batch, tarn_error *err)
{
    row_group *group = (row_group *)base;
    const tn__row_writer *writer = group->writer;
    for (uint32_t i = 0; i < writer->schema.count; i++) {
        tn__row_column *column = &group->columns[i];
        const tn_type *type = batch->columns[i].type;
        TN_RETURN_IF_ERROR(tn_column_flatten(&batch->columns[i], batch->selection, batch->selected,
                                             type->lane, &group->scratch[i], &column->flat, err));
        column->print =
            tn_type_is_string(type) ? NULL : tn_text_printer_of(type, (tn_lane)column->flat.lane);
    }
    writer->print(writer, group->columns, batch->selected, group->rows, &group->text);
    group->rows += batch->selected;
    return tn_text_status(&group->text, err);
}

static uint64_t group_bytes(const tn_group_writer *base)
{
    return ((const row_group *)base)->text.size;
}

static tarn_code compress(const tn__row_writer *writer, tn_pool *pool, tn_str text, tn_text *out,
                          tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_compressor compressor = {.pool = pool};
    size_t size = tn_compress_bound(writer->codec, text.size);
    char *room = tn_text_reserve(out, size);
    if (room == NULL) {
        return tn_text_status(out, err);
    }
    TN_TRY(tn_compressor_init(&compressor, writer->codec, writer->options.codec_level, pool, err));
    TN_TRY(tn_compress(&compressor, text.data, text.size, room, &size, err));
    out->size += size;
done:
    tn_compressor_deinit(&compressor);
    return code;
}

/* What stands before the first group; the group's own text is packed once. */
static tarn_code begin_text(tn__row_writer *writer, row_group *group, tarn_error *err)
{
    if (group->is_packed) {
        return TARN_OK;
    }
    const tn_str before = writer->any ? writer->separator : TN_STR_NONE;
    if (writer->codec == TN_CODEC_NONE && before.size == 0) {
        group->is_packed = true;
        return TARN_OK;
    }
    tn_text whole;
    tn_text_init(&whole, group->pool, SIZE_MAX / 8);
    tn_text_append(&whole, before);
    tn_text_append(&whole, tn_text_str(&group->text));
    tarn_code code = tn_text_status(&whole, err);
    if (code == TARN_OK && writer->codec != TN_CODEC_NONE) {
        code = compress(writer, group->pool, tn_text_str(&whole), &group->packed, err);
        tn_text_deinit(&whole);
    } else {
        group->packed = whole;
    }
    group->is_packed = code == TARN_OK;
    return code;
}

static tarn_code append_header(tn__row_writer *writer, tn_waker *waker, bool *taken,
                               tarn_error *err)
{
    uint64_t offset;
    tn_text packed;
    tarn_code code = TARN_OK;
    tn_str bytes = writer->header;
    tn_text_init(&packed, writer->pool, SIZE_MAX / 8);
    *taken = true;
    if (bytes.size > 0 && writer->codec != TN_CODEC_NONE) {
        TN_TRY(compress(writer, writer->pool, bytes, &packed, err));
        bytes = tn_text_str(&packed);
    }
    if (bytes.size > 0) {
        TN_TRY(tn_upload_append_start(writer->upload, bytes.data, bytes.size, &offset, waker, taken,
                                      err));
    }
    if (*taken) {
        writer->begun = true;
        writer->bytes += bytes.size;
    }
done:
    tn_text_deinit(&packed);
    return code;
}

static tarn_code end_locked(tn__row_writer *writer, row_group *group, tn_waker *waker, bool *taken,
                            tarn_error *err)
{
    uint64_t offset;
    *taken = true;
    if (!writer->begun) {
        TN_RETURN_IF_ERROR(append_header(writer, waker, taken, err));
    }
    if (!*taken || group->rows == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(begin_text(writer, group, err));
    const tn_str bytes =
        group->packed.size > 0 ? tn_text_str(&group->packed) : tn_text_str(&group->text);
    TN_RETURN_IF_ERROR(
        tn_upload_append_start(writer->upload, bytes.data, bytes.size, &offset, waker, taken, err));
    if (*taken) {
        writer->any = true;
        writer->rows += group->rows;
        writer->bytes += bytes.size;
    }
    return TARN_OK;
}

static tarn_code group_end(tn_group_writer *base, tn_waker *waker, bool *taken, tarn_error *err)
{
    row_group *group = (row_group *)base;
    tn__row_writer *writer = group->writer;
    tarn_code code = TARN_OK;
    /* without separators the work is done before the lock */
    if (writer->separator.size == 0 && group->rows > 0) {
        code = begin_text(writer, group, err);
    }
    if (code == TARN_OK) {
        pthread_mutex_lock(&writer->lock);
        code = end_locked(writer, group, waker, taken, err);
        pthread_mutex_unlock(&writer->lock);
    }
    if (code != TARN_OK || *taken) {
        group_destroy(group);
    }
    return code;
}

static void group_abort(tn_group_writer *base)
{
    group_destroy((row_group *)base);
}

static uint64_t file_bytes(const tn_file_writer *base)
{
    union {
        const tn_file_writer *from;
        tn__row_writer *to;
    } own = {.from = base}; /* the lock is not part of what is const */
    pthread_mutex_lock(&own.to->lock);
    const uint64_t bytes = own.to->bytes;
    pthread_mutex_unlock(&own.to->lock);
    return bytes;
}

static tarn_code append_rest(tn__row_writer *writer, tn_str bytes, tarn_error *err)
{
    uint64_t offset;
    tn_text packed;
    tarn_code code = TARN_OK;
    tn_text_init(&packed, writer->pool, SIZE_MAX / 8);
    if (bytes.size > 0 && writer->codec != TN_CODEC_NONE) {
        TN_TRY(compress(writer, writer->pool, bytes, &packed, err));
        bytes = tn_text_str(&packed);
    }
    if (bytes.size > 0) {
        TN_TRY(tn_upload_append(writer->upload, bytes.data, bytes.size, &offset, err));
        writer->bytes += bytes.size;
    }
done:
    tn_text_deinit(&packed);
    return code;
}

static tarn_code finish(tn_file_writer *base, tn_arena *arena, tn_file_receipt *out,
                        tarn_error *err)
{
    tn__row_writer *writer = (tn__row_writer *)base;
    *out = (tn_file_receipt){.column_count = writer->schema.count};
    if (!writer->begun) {
        writer->begun = true;
        TN_RETURN_IF_ERROR(append_rest(writer, writer->header, err));
    }
    TN_RETURN_IF_ERROR(append_rest(writer, writer->footer, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, tn_column_statistics, writer->schema.count + 1, &out->columns, err));
    out->rows = writer->rows;
    out->bytes = writer->bytes;
    return TARN_OK;
}

void tn__row_writer_destroy(tn_file_writer *base)
{
    tn__row_writer *writer = (tn__row_writer *)base;
    tn_pool *pool = writer->pool;
    (void)pthread_mutex_destroy(&writer->lock);
    tn_arena_deinit(&writer->arena);
    tn_pool_free(pool, writer, sizeof(*writer));
}

static const tn_file_writer_ops writer_ops = {
    .group_begin = group_begin,
    .group_write = group_write,
    .group_bytes = group_bytes,
    .group_end = group_end,
    .group_abort = group_abort,
    .file_bytes = file_bytes,
    .finish = finish,
    .destroy = tn__row_writer_destroy,
};

static tarn_code codec_of(tn_str name, tn_codec *out, tarn_error *err)
{
    *out = TN_CODEC_NONE;
    if (tn_str_equal_fold(name, TN_STR("gzip")) || tn_str_equal_fold(name, TN_STR("gz"))) {
        *out = TN_CODEC_GZIP;
    } else if (tn_str_equal_fold(name, TN_STR("zstd")) || tn_str_equal_fold(name, TN_STR("zst"))) {
        *out = TN_CODEC_ZSTD;
    } else if (name.size > 0 && !tn_str_equal_fold(name, TN_STR("none"))) {
        return tn_fail(err, TARN_E_UNSUPPORTED,
                       "'%.*s' is no compression of text files: gzip, zstd or none",
                       TN_STR_ARGS(name));
    }
    return TARN_OK;
}

tarn_code tn__row_writer_create(tn_upload *upload, const tn_schema *schema,
                                const tn_writer_options *options, tn_pool *pool,
                                tn__row_writer **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tn__row_writer), &memory, err));
    tn__row_writer *writer = memory;
    writer->base.ops = &writer_ops;
    writer->pool = pool;
    writer->upload = upload;
    (void)pthread_mutex_init(&writer->lock, NULL);
    tn_arena_init(&writer->arena, pool);
    if (options != NULL) {
        writer->options = *options;
        TN_TRY(tn_arena_copy(&writer->arena, options->null_text, &writer->options.null_text, err));
    }
    TN_TRY(codec_of(writer->options.codec, &writer->codec, err));
    TN_TRY(tn_schema_copy(&writer->arena, schema, &writer->schema, err));
    *out = writer;
    writer = NULL;
done:
    if (writer != NULL) {
        tn__row_writer_destroy(&writer->base);
    }
    return code;
}
