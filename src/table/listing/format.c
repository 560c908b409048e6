/* Which format a file of a listing has: by its ending; else by its first bytes. */
#include "codec/stream.h"
#include "table/listing/listing_internal.h"

static const struct {
    const char *name;
    tn_listing_format format;
} endings[] = {
    {".parquet", TN_FORMAT_PARQUET}, {".pq", TN_FORMAT_PARQUET},   {".csv", TN_FORMAT_CSV},
    {".tsv", TN_FORMAT_CSV},         {".txt", TN_FORMAT_CSV},      {".json", TN_FORMAT_JSON},
    {".jsonl", TN_FORMAT_JSONL},     {".ndjson", TN_FORMAT_JSONL},
};
static const char *const format_names[TN_FORMAT_COUNT] = {"parquet", "csv", "json", "jsonl",
                                                          "delta"};
static const char *const planned[] = {"arrow", "ipc", "feather", "avro", "orc", "xlsx"};

const char *tn_listing__format_name(tn_listing_format format)
{
    return format_names[format];
}

static TN_FALLIBLE format_named(tn_str name, tn_listing_format *out, tarn_error *err)
{
    tn_str names[TN_FORMAT_COUNT];
    for (size_t i = 0; i < TN_FORMAT_COUNT; i++) {
        names[i] = tn_str_of(format_names[i]);
        if (tn_str_equal_fold(name, names[i])) {
            *out = (tn_listing_format)i;
            return TARN_OK;
        }
    }
    for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++) {
        if (tn_str_equal_fold(name, tn_str_of(planned[i]))) {
            return tn_fail(err, TARN_E_UNSUPPORTED, "the format '%s' is not built yet", planned[i]);
        }
    }
    const tn_str near = tn_str_nearest(name, names, TN_FORMAT_COUNT);
    (void)tn_fail(err, TARN_E_INVALID, "no format named '%.*s'", TN_STR_ARGS(name));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    } else {
        tn_hint(err, "there are parquet, csv, json, jsonl and delta");
    }
    return TARN_E_INVALID;
}

tn_str tn_listing__without_codec(tn_str key)
{
    static const char *const codecs[] = {".gz", ".zst", ".gzip", ".zstd"};
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (tn_str_has_ending(key, tn_str_of(codecs[i]))) {
            key.size -= strlen(codecs[i]);
            break;
        }
    }
    return key;
}

/*
 * The first bytes of the text behind the compression.  Where it is damaged `head` is left: the
 * reader of the whole says so.
 */
static TN_FALLIBLE look_behind(tn_object *object, tn_codec codec, tn_pool *pool, uint8_t head[4],
                               tarn_error *err)
{
    enum { PIECE = 64 << 10 };
    tarn_code code = TARN_OK;
    tn_inflater *inflater = NULL;
    void *piece = NULL;
    uint8_t text[4] = {0};
    uint8_t *to = text;
    const uint64_t object_size = tn_object_about(object)->size;
    const size_t size = object_size < PIECE ? (size_t)object_size : PIECE;

    TN_TRY(tn_pool_alloc(pool, PIECE, &piece, err));
    TN_TRY(tn_inflater_create(codec, pool, &inflater, err));
    TN_TRY(tn_object_read(object, 0, piece, size, err));
    const uint8_t *from = piece;
    const uint8_t *const from_end = from + size;
    while (from < from_end && to < text + 4 && code == TARN_OK) {
        code = tn_inflater_step(inflater, &from, from_end, &to, text + 4, err);
    }
    if (code == TARN_E_CORRUPT) {
        code = TARN_OK;
    } else if (code == TARN_OK) {
        memcpy(head, text, 4);
    }
done:
    tn_inflater_destroy(inflater);
    tn_pool_free(pool, piece, PIECE);
    return code;
}

tarn_code tn_listing__find_format(const tn_listed_file *file, tn_str asked, tn_pool *pool,
                                  tn_listing_format *out, tarn_error *err)
{
    const tn_str key = tn_listing__without_codec(file->key);
    tn_object *object;
    uint8_t head[4] = {0};

    if (asked.size > 0) {
        return format_named(asked, out, err);
    }
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (tn_str_has_ending(key, tn_str_of(endings[i].name))) {
            *out = endings[i].format;
            return TARN_OK;
        }
    }
    for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++) {
        if (tn_str_has_ending(key, tn_str_of(planned[i])) &&
            key.data[key.size - strlen(planned[i]) - 1] == '.') {
            return format_named(tn_str_of(planned[i]), out, err);
        }
    }
    TN_RETURN_IF_ERROR(
        tn_object_open(file->store, file->key, pool, &TN_OBJECT_OPEN_DEFAULT, &object, err));
    const size_t size = tn_object_about(object)->size < 4 ? 0 : 4;
    tarn_code code = tn_object_read(object, 0, head, size, err);
    const tn_codec codec = tn_codec_of_bytes(head, size);
    if (code == TARN_OK && codec != TN_CODEC_NONE) {
        code = look_behind(object, codec, pool, head, err);
    }
    tn_object_close(object);
    TN_RETURN_IF_ERROR(code);
    *out = memcmp(head, "PAR1", 4) == 0       ? TN_FORMAT_PARQUET
           : head[0] == '{' || head[0] == '[' ? TN_FORMAT_JSON
                                              : TN_FORMAT_CSV;
    return TARN_OK;
}
