/* TOML documents: whatever is read has places inside the document. */
#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tn_pool pool;
    static int made;
    tn_arena arena;
    tn_toml_document read;
    const tn_str document = {(const char *)data, size};
    if (!made) {
        tn_pool_init(&pool, NULL, "fuzz", 256 << 20);
        made = 1;
    }
    tn_arena_init(&arena, &pool);
    if (tn_toml_read(&arena, document, &read, NULL) == TARN_OK) {
        for (const tn_toml *each = tn_toml_first(read.root); each != NULL; each = each->next) {
            uint32_t line = 1;
            uint32_t column = 1;
            if (each->kind == TN_TOML_STRING) {
                tn_toml_place(document, each, each->text.size / 2, &line, &column);
            }
            if (each->offset + each->size > size || line == 0 || column == 0) {
                __builtin_trap();
            }
        }
    }
    tn_arena_deinit(&arena);
    return 0;
}
