/* SQL text: parsed, and bound where it parses.  There are no tables but what the text itself makes.
 */
#include "sql/sql.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MEMORY = 64 << 20 };
    tn_pool pool;
    tn_arena arena;
    tn_types *types = NULL;
    const tn_statement *statements;
    size_t count = 0;
    tarn_error err = TARN_ERROR_INIT;
    const tn_str text = {(const char *)data, size};

    tn_pool_init(&pool, NULL, "fuzz", MEMORY);
    tn_arena_init(&arena, &pool);
    (void)tn_sql_is_complete(text);
    if (tn_types_create(&pool, &types, &err) == TARN_OK &&
        tn_sql_parse(text, &arena, &pool, &statements, &count, &err) == TARN_OK) {
        for (size_t i = 0; i < count; i++) {
            tn_bound bound;
            tn_plan_context context = {
                .expr = {.arena = &arena, .types = types, .zone = TN_STR("UTC")}, .pool = &pool};
            (void)tn_sql_bind(&statements[i], NULL, &context, &bound, &err);
        }
    }
    tn_types_destroy(types);
    tn_arena_deinit(&arena);
    tn_pool_deinit(&pool);
    return 0;
}
