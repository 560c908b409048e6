#include "format/parquet/source_internal.h"

#include "base/size.h"

#include <inttypes.h>

/* A file ends with: Thrift, its length as 4 bytes, then the magic. */
enum {
    MAGIC_SIZE = 4,
    TRAILER_SIZE = 4 + MAGIC_SIZE,
    FILE_SIZE_MIN = MAGIC_SIZE + TRAILER_SIZE,
    FIRST_GUESS = 64 << 10, /* covers most footers, so most files cost one request */
    FOOTER_MAX = 1 << 30
};

static TN_FALLIBLE read_tail(tn_parquet_source *source, uint64_t size, tarn_error *err)
{
    tn_buffer_release(source->tail);
    source->tail = NULL;
    TN_RETURN_IF_ERROR(tn_buffer_create(source->pool, (size_t)size, &source->tail, err));
    return tn_object_read(source->object, source->file_size - size, source->tail->data,
                          (size_t)size, err);
}

static TN_FALLIBLE read_footer(tn_parquet_source *source, tn_types *types, tarn_error *err)
{
    const uint64_t file = source->file_size;
    if (file < FILE_SIZE_MIN) {
        return tn_fail(err, TARN_E_CORRUPT, "%" PRIu64 " bytes are too few for a Parquet file",
                       file);
    }
    uint64_t have = file < FIRST_GUESS ? file : FIRST_GUESS;
    TN_RETURN_IF_ERROR(read_tail(source, have, err));
    const uint8_t *trailer = source->tail->data + have - TRAILER_SIZE;
    if (memcmp(trailer + 4, "PARE", MAGIC_SIZE) == 0) {
        return tn_fail(err, TARN_E_UNSUPPORTED, "the Parquet file has an encrypted footer");
    }
    if (memcmp(trailer + 4, "PAR1", MAGIC_SIZE) != 0) {
        return tn_fail(err, TARN_E_CORRUPT,
                       "the file does not end in 'PAR1': it is no Parquet "
                       "file, or not a whole one");
    }
    uint32_t size;
    memcpy(&size, trailer, 4);
    if (size > file - FILE_SIZE_MIN || size > FOOTER_MAX) {
        return tn_fail(err, TARN_E_CORRUPT, "a footer of %" PRIu32 " bytes does not fit the file",
                       size);
    }
    if (size > have - TRAILER_SIZE) {
        have = (uint64_t)size + TRAILER_SIZE;
        TN_RETURN_IF_ERROR(read_tail(source, have, err));
    }
    return tn_footer__read(source->tail->data + have - TRAILER_SIZE - size, size, types,
                           &source->arena, &source->footer, err);
}

static void destroy(tn_source *base)
{
    tn_parquet_source *const source = (tn_parquet_source *)base;
    tn_arena_deinit(&source->arena);
    tn_buffer_release(source->tail);
    tn_object_close(source->object);
    tn_pool_free(source->pool, source, sizeof(*source));
}

static const tn_source_ops ops = {
    .kind = "parquet",
    .statistics = tn_parquet__statistics,
    .open = tn_parquet__scan,
    .destroy = destroy,
};

TN_FALLIBLE tn_parquet_open(tn_object *object, tn_types *types, tn_pool *pool, tn_source **out,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_parquet_source *source = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*source), &memory, err));
    source = memory;
    source->base = (tn_source){.ops = &ops, .is_ordered = true};
    atomic_init(&source->base.refs, 1);
    source->pool = pool;
    source->object = object;
    source->file_size = tn_object_about(object)->size;
    tn_arena_init(&source->arena, pool);
    TN_TRY(
        tn_arena_copy(&source->arena, tn_str_of(tn_object_uri(object)), &source->base.name, err));
    TN_TRY(read_footer(source, types, err));
    source->base.schema = source->footer.schema;
    *out = &source->base;
done:
    if (code != TARN_OK) {
        tn_explain(err, "reading the footer of '%s'", tn_object_uri(object));
        tn_subject(err, tn_object_uri(object));
        if (source != NULL) {
            source->object = NULL;
            tn_arena_deinit(&source->arena);
            tn_buffer_release(source->tail);
            tn_pool_free(pool, source, sizeof(*source));
        }
    }
    return code;
}

tn_str tn_parquet_metadata(const tn_source *base, tn_str key)
{
    const tn_footer *const footer = &((const tn_parquet_source *)base)->footer;
    for (uint32_t i = 0; i < footer->metadata_count; i++) {
        if (tn_str_equal(footer->metadata[2 * i], key)) {
            return footer->metadata[2 * i + 1];
        }
    }
    return TN_STR_NONE;
}

int32_t tn_parquet_field_id(const tn_source *base, uint32_t field)
{
    const tn_footer *const footer = &((const tn_parquet_source *)base)->footer;
    uint32_t element = 1;
    for (uint32_t i = 0; i < field; i++) { /* past the element and all below it */
        for (uint32_t open = 1; open > 0; open--) {
            open += (uint32_t)footer->elements[element++].child_count;
        }
    }
    return footer->elements[element].has_field_id ? footer->elements[element].field_id : -1;
}
