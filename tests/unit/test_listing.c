/* What a file without a telling name is: found by its first bytes, behind compression too. */
#include "codec/codec.h"
#include "support/check.h"
#include "table/listing/listing.h"

typedef struct bench {
    tn_pool *pool;
    tn_stores *stores;
    tn_store *store;
    tn_types *types;
    tarn_error err;
    int reads_left; /* before one fails; -1: none does */
} bench;

static tn_fault hook(void *context, tn_store_operation operation, tn_str key)
{
    bench *const b = context;
    (void)key;
    if (operation == TN_STORE_READ && b->reads_left >= 0 && b->reads_left-- == 0) {
        return TN_FAULT_BEFORE;
    }
    return TN_FAULT_NONE;
}

static bool bench_open(bench *b, tn_pool *pool)
{
    *b = (bench){.pool = pool, .err = TARN_ERROR_INIT, .reads_left = -1};
    return tn_stores_create(pool, NULL, &b->stores, &b->err) == TARN_OK &&
           tn_stores_add_memory(b->stores, "m", hook, b, &b->store, &b->err) == TARN_OK &&
           tn_types_create(pool, &b->types, &b->err) == TARN_OK;
}

static void bench_close(bench *b)
{
    tn_types_destroy(b->types);
    tn_stores_destroy(b->stores);
}

/* Compresses the text (TN_CODEC_NONE: not), damages byte `damaged` (SIZE_MAX: none), puts it. */
static TN_FALLIBLE put(bench *b, const char *key, const char *text, tn_codec codec, size_t damaged)
{
    tarn_code code = TARN_OK;
    const tn_put_options options = {0};
    const size_t size = strlen(text);
    char bytes[1024];
    size_t stored = size;
    tn_compressor compressor;
    TN_RETURN_IF_ERROR(tn_compressor_init(&compressor, codec, 0, b->pool, &b->err));
    if (codec == TN_CODEC_NONE) {
        memcpy(bytes, text, size);
    } else {
        stored = sizeof(bytes);
        TN_TRY(tn_compress(&compressor, text, size, bytes, &stored, &b->err));
    }
    if (damaged < stored) {
        bytes[damaged] = (char)(bytes[damaged] ^ 0x55);
    }
    code = tn_store_put(b->store, tn_str_of(key), (tn_str){bytes, stored}, &options, NULL, &b->err);
done:
    tn_compressor_deinit(&compressor);
    return code;
}

static TN_FALLIBLE open_source(bench *b, tn_source **out)
{
    const tn_str uri = TN_STR("memory://m/data");
    return tn_listing_source(b->stores, b->types, &uri, 1, &TN_READ_DEFAULT, b->pool, out, &b->err);
}

static const char table[] = "id,v\n1,a\n2,b\n";
static const char records[] = "{\"id\":3,\"name\":\"c\"}\n";

TEST(what_compression_hides_is_known_by_its_first_bytes)
{
    static const tn_codec codecs[] = {TN_CODEC_NONE, TN_CODEC_GZIP, TN_CODEC_ZSTD};
    bench b;
    CHECK(bench_open(&b, pool));
    for (size_t i = 0; i < 2 * sizeof(codecs) / sizeof(*codecs); i++) {
        tn_source *source;
        CHECK_EQ(put(&b, "data", i % 2 == 0 ? table : records, codecs[i / 2], SIZE_MAX), TARN_OK);
        CHECK_EQ(open_source(&b, &source), TARN_OK);
        CHECK_EQ(source->schema.count, 2);
        CHECK(
            tn_str_equal(source->schema.fields[1].name, i % 2 == 0 ? TN_STR("v") : TN_STR("name")));
        tn_source_release(source);
    }
    bench_close(&b);
}

TEST(damage_behind_the_first_bytes_is_told_by_the_reader)
{
    bench b;
    tn_source *source;
    CHECK(bench_open(&b, pool));
    CHECK_EQ(put(&b, "data", table, TN_CODEC_GZIP, 12), TARN_OK); /* in the first block */
    CHECK_EQ(open_source(&b, &source), TARN_E_CORRUPT);
    CHECK(strstr(b.err.message, "memory://m/data") != NULL);
    bench_close(&b);
}

TEST(a_look_behind_compression_survives_the_loss_of_any_allocation)
{
    static const tn_codec codecs[] = {TN_CODEC_GZIP, TN_CODEC_ZSTD};
    bench b;
    tn_source *source;
    CHECK(bench_open(&b, pool));
    for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
        CHECK_EQ(put(&b, "data", table, codecs[i], SIZE_MAX), TARN_OK);
        CHECK_EQ(open_source(&b, &source), TARN_OK); /* types are interned once */
        tn_source_release(source);
        const size_t used = pool->used;
        for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
            const tarn_code code = open_source(&b, &source);
            CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
            tn_source_release(source);
            CHECK_EQ(pool->used, used);
        }
    }
    bench_close(&b);
}

TEST(a_failed_look_behind_compression_names_the_file)
{
    bench b;
    tn_source *source = NULL;
    tarn_code code = TARN_E_IO;
    CHECK(bench_open(&b, pool));
    CHECK_EQ(put(&b, "data", table, TN_CODEC_ZSTD, SIZE_MAX), TARN_OK);
    for (int reads = 0; code != TARN_OK; reads++) {
        b.reads_left = reads;
        code = open_source(&b, &source);
        CHECK(code == TARN_OK || strstr(b.err.message, "memory://m/data") != NULL);
        CHECK(reads < 20);
    }
    tn_source_release(source);
    bench_close(&b);
}

/* Opens all files of a folder. */
static TN_FALLIBLE open_all(bench *b, const char *pattern, const tn_read_options *options,
                            tn_source **out)
{
    const tn_str uri = tn_str_of(pattern);
    return tn_listing_source(b->stores, b->types, &uri, 1, options, b->pool, out, &b->err);
}

TEST(files_without_rows_leave_the_types_to_others_and_survive_the_loss_of_any_allocation)
{
    static const char *const files[][2] = {
        {"c/1.csv", "a,b\n"}, {"c/2.csv", ""},
        {"c/3.csv", "b,a\n"}, {"c/4.csv", "a,b\n1,2001-01-01\n"},
        {"j/1.jsonl", "\n"},  {"j/2.jsonl", "{\"a\":1,\"b\":\"2001-01-01\"}\n"}};
    static const char *const patterns[] = {"memory://m/c/*", "memory://m/j/*"};
    bench b;
    tn_source *source;
    CHECK(bench_open(&b, pool));
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        CHECK_EQ(put(&b, files[i][0], files[i][1], TN_CODEC_NONE, SIZE_MAX), TARN_OK);
    }
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        CHECK_EQ(open_all(&b, patterns[i], &TN_READ_DEFAULT, &source), TARN_OK);
        CHECK_EQ(source->schema.count, 2);
        CHECK_EQ(source->schema.fields[0].type->kind, TN_KIND_BIGINT);
        CHECK_EQ(source->schema.fields[1].type->kind, TN_KIND_DATE);
        tn_source_release(source);
        const size_t used = pool->used;
        for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
            const tarn_code code = open_all(&b, patterns[i], &TN_READ_DEFAULT, &source);
            CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
            tn_source_release(source);
            CHECK_EQ(pool->used, used);
        }
    }
    bench_close(&b);
}
