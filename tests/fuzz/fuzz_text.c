/* Text to a value of every scalar type: what is taken prints as text that gives the same value. */
#include "kernel/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tn_pool pool;
    tn_arena arena;
    tn_types *types;
    const tn_type *decimals[3];
    if (size > 4096) {
        return 0;
    }
    tn_pool_init(&pool, NULL, "fuzz", 64 << 20);
    tn_arena_init(&arena, &pool);
    if (tn_types_create(&pool, &types, NULL) != TARN_OK ||
        tn_types_decimal(types, 9, 4, &decimals[0], NULL) != TARN_OK ||
        tn_types_decimal(types, 38, 10, &decimals[1], NULL) != TARN_OK ||
        tn_types_decimal(types, 76, 76, &decimals[2], NULL) != TARN_OK) {
        abort();
    }
#define TYPE(kind, text, lane) &tn_type_##kind,
    const tn_type *all[] = {TN_SIMPLE_TYPES(TYPE) decimals[0], decimals[1], decimals[2]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        tn_value value;
        tn_value again;
        tn_text text;
        tn_text_init(&text, &pool, 1 << 20);
        if (tn_text_parse((tn_str){(const char *)data, size}, all[i], &arena, &value, NULL) ==
            TARN_OK) {
            tn_text_of(&value, &text);
            if (tn_text_parse(tn_text_str(&text), all[i], &arena, &again, NULL) != TARN_OK ||
                tn_value_compare(&value, &again) != 0) {
                abort();
            }
        }
        tn_text_deinit(&text);
    }
    tn_arena_deinit(&arena);
    tn_types_destroy(types);
    tn_pool_deinit(&pool);
    return 0;
}
