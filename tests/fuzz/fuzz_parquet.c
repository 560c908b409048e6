/* A whole Parquet file from strangers: footer, schema, page heads, encodings, nested columns. */
#include "format/parquet/parquet.h"

#include <stdlib.h>

enum { MEMORY = 64 << 20, ROWS_MAX = 1 << 20 };

static tarn_code scan_all(tn_source *source, tn_pool *pool)
{
    tarn_code code = TARN_OK;
    tn_scan *scan = NULL;
    tn_scan_task *task = NULL;
    uint32_t fields[64];
    uint64_t rows = 0;
    const tn_scan_request request = {.fields = fields,
                                     .field_count =
                                         source->schema.count < 64 ? source->schema.count : 64,
                                     .row_limit = ROWS_MAX,
                                     .tasks_max = 1};
    for (uint32_t i = 0; i < 64; i++) {
        fields[i] = i;
    }
    TN_TRY(source->ops->open(source, &request, pool, &scan, NULL));
    TN_TRY(scan->ops->task_open(scan, pool, &task, NULL));
    while (rows < ROWS_MAX) {
        tn_batch batch;
        tn_scan_answer answer;
        TN_TRY(task->ops->read(task, NULL, &batch, &answer, NULL));
        if (answer != TN_SCAN_BATCH) {
            break;
        }
        rows += batch.rows;
    }
done:
    if (task != NULL) {
        task->ops->task_close(task);
    }
    if (scan != NULL) {
        scan->ops->close(scan);
    }
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tarn_code code = TARN_OK;
    const tn_put_options put = {0};
    tn_pool pool;
    tn_stores *stores = NULL;
    tn_store *store;
    tn_types *types = NULL;
    tn_object *object = NULL;
    tn_source *source = NULL;
    tn_text text;
    tn_outcome outcome;
    tn_pool_init(&pool, NULL, "fuzz", MEMORY);
    tn_text_init(&text, &pool, MEMORY);
    TN_TRY(tn_stores_create(&pool, NULL, &stores, NULL));
    TN_TRY(tn_stores_add_memory(stores, "m", NULL, NULL, &store, NULL));
    TN_TRY(tn_types_create(&pool, &types, NULL));
    TN_TRY(
        tn_store_put(store, TN_STR("f"), (tn_str){(const char *)data, size}, &put, &outcome, NULL));
    TN_TRY(tn_object_open(store, TN_STR("f"), &pool, NULL, &object, NULL));
    TN_TRY(tn_parquet_open(object, types, &pool, &source, NULL));
    object = NULL;
    (void)!tn_parquet_describe(source, true, &text, NULL);
    tn_text_clear(&text);
    tn_json_writer w = {.out = &text};
    tn_json_begin(&w, '{');
    (void)!tn_parquet_describe_json(source, true, &w, NULL);
    code = scan_all(source, &pool);
done:
    tn_text_deinit(&text);
    tn_source_release(source);
    if (object != NULL) {
        tn_object_close(object);
    }
    tn_types_destroy(types);
    tn_stores_destroy(stores);
    tn_pool_deinit(&pool);
    (void)code;
    return 0;
}
