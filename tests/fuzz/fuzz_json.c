/* What the JSON reader takes, the writer writes, and that reads back to the same text. */
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tn_pool pool;
    tn_arena arena;
    const tn_json *root;
    tn_pool_init(&pool, NULL, "fuzz", 256 << 20);
    tn_arena_init(&arena, &pool);
    if (tn_json_parse(&arena, (tn_str){(const char *)data, size}, &root, NULL) == TARN_OK) {
        tn_text once;
        tn_text twice;
        tn_text_init(&once, &pool, 64 << 20);
        tn_text_init(&twice, &pool, 64 << 20);
        tn_json_put(&(tn_json_writer){.out = &once}, root);
        if (tn_json_parse(&arena, tn_text_str(&once), &root, NULL) != TARN_OK) {
            abort();
        }
        tn_json_put(&(tn_json_writer){.out = &twice}, root);
        if (!tn_str_equal(tn_text_str(&once), tn_text_str(&twice))) {
            abort();
        }
        tn_text_deinit(&twice);
        tn_text_deinit(&once);
    }
    tn_arena_deinit(&arena);
    tn_pool_deinit(&pool);
    return 0;
}
