/* Answers of an S3 server: listings, errors, single elements, open uploads. */
#include "store/s3_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tn_pool pool;
    tn_arena arena;
    tn_s3_page page;
    tn_s3_problem problem;
    char id[1200];
    const tn_str document = {(const char *)data, size};

    tn_pool_init(&pool, NULL, "fuzz", 64 << 20);
    tn_arena_init(&arena, &pool);
    if (tn_s3__page(document, &arena, &page, NULL) == TARN_OK) {
        size_t bytes = 0;
        for (size_t i = 0; i < page.count; i++) {
            bytes += page.entries[i].key.size;
        }
        if (bytes > size) { /* decoding never makes keys longer */
            __builtin_trap();
        }
    }
    (void)!tn_s3__problem(&pool, document, &problem);
    (void)!tn_s3__element(&pool, document, "UploadId", id, sizeof(id), NULL);
    tn_arena_deinit(&arena);
    tn_pool_deinit(&pool);
    return 0;
}
