/* URIs as users and tables write them, and the encoding of keys. */
#include "net/sigv4.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Memory stores only: no network, no files. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tn_pool pool;
    tn_arena arena;
    tn_stores *stores = NULL;
    tn_store *store;
    tn_str key;
    tn_str back;
    tn_text text;
    const tn_str uri = {(const char *)data, size};

    tn_pool_init(&pool, NULL, "fuzz", 64 << 20);
    tn_arena_init(&arena, &pool);
    tn_text_init(&text, &pool, 1 << 20);
    const bool remote = size > 1 && (data[0] == 's' || data[0] == 'S') && (data[1] == '3');
    if (!remote && tn_stores_create(&pool, NULL, &stores, NULL) == TARN_OK) {
        if (tn_stores_resolve(stores, uri, &arena, &store, &key, NULL) == TARN_OK) {
            (void)!tn_store_uri(store, key, &arena, &back, NULL);
        }
        (void)!tn_uri_join(&arena, TN_STR("s3://b/t"), uri, &back, NULL);
        (void)tn_uri_is_local(uri);
        tn_stores_destroy(stores);
    }
    tn_uri_encode(&text, uri, (size & 1) != 0);
    if (tn_text_status(&text, NULL) == TARN_OK &&
        tn_uri_decode(&arena, tn_text_str(&text), true, &back, NULL) == TARN_OK &&
        !tn_str_equal(back, uri)) {
        __builtin_trap();
    }
    tn_text_deinit(&text);
    tn_arena_deinit(&arena);
    tn_pool_deinit(&pool);
    return 0;
}
