/* The bitmap of a table's deleted rows: what is read is asked from end to end. */
#include "table/files/row_set.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tn_pool pool;
    tn_buffer *bytes = NULL;
    tn_row_set *set = NULL;
    uint16_t rows[4096];

    tn_pool_init(&pool, NULL, "fuzz", 64 << 20);
    if (tn_buffer_create(&pool, size, &bytes, NULL) == TARN_OK) {
        if (size > 0) {
            memcpy(bytes->data, data, size);
        }
        if (tn_row_set_read(bytes, &pool, &set, NULL) != TARN_OK) {
            tn_buffer_release(bytes);
        }
    }
    if (set != NULL) {
        const uint64_t end = tn_row_set_end(set);
        uint64_t others = 0;
        uint64_t asked = 0;
        for (uint64_t from = 0; from < end && from < 1000000; from += 4096) {
            others += tn_row_set_others(set, from, 4096, rows);
            asked += 4096;
        }
        if (asked >= end && asked - others != tn_row_set_count(set)) {
            __builtin_trap();
        }
        (void)tn_row_set_others(set, end == 0 ? 0 : end - 1, 4096, rows);
    }
    tn_row_set_destroy(set);
    tn_pool_deinit(&pool);
    return 0;
}
