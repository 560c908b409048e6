/*
 * records.inc.h - files of records: the first byte chooses options, the rest is the file.
 *
 * Who includes it defines open_records(), which opens the object as its format with the options of
 * `flags`.  Bit 0: two tasks read in turn; bit 1: the object is a local one.
 */
#include "kernel/text.h"
#include "store/store.h"

#include <stdlib.h>

static TN_FALLIBLE open_records(uint8_t flags, tn_object *object, tn_types *types, tn_pool *pool,
                                tn_source **out);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const tn_batch *batch, tn_text *text)
{
    tn_text_clear(text);
    for (uint32_t i = 0; i < batch->selected; i++) {
        for (uint32_t c = 0; c < batch->width; c++) {
            tn_text_value(&batch->columns[c], tn_batch_row(batch, i), text);
        }
    }
}

static void scan_all(tn_source *source, tn_pool *pool, uint32_t tasks)
{
    uint32_t fields[64];
    tn_scan *scan;
    tn_scan_task *open[2] = {NULL, NULL};
    bool more[2] = {true, tasks > 1};
    tn_text text;
    for (uint32_t i = 0; i < 64; i++) {
        fields[i] = i;
    }
    const tn_scan_request request = {.fields = fields,
                                     .field_count =
                                         source->schema.count < 64 ? source->schema.count : 64,
                                     .virtuals = TN_VIRTUAL_ROW | TN_VIRTUAL_LINE,
                                     .row_limit = UINT64_MAX};
    tn_text_init(&text, pool, 64 << 20);
    if (source->ops->open(source, &request, pool, &scan, NULL) == TARN_OK) {
        for (uint32_t i = 0; i < tasks; i++) {
            more[i] = scan->ops->task_open(scan, pool, &open[i], NULL) == TARN_OK;
        }
        while (more[0] || more[1]) {
            for (uint32_t i = 0; i < tasks; i++) {
                tn_batch batch;
                tn_scan_answer answer;
                if (!more[i]) {
                    continue;
                }
                if (open[i]->ops->read(open[i], NULL, &batch, &answer, NULL) != TARN_OK ||
                    answer == TN_SCAN_END) {
                    more[i] = false;
                } else if (answer == TN_SCAN_BATCH) {
                    touch(&batch, &text);
                }
            }
        }
        for (uint32_t i = 0; i < tasks; i++) {
            if (open[i] != NULL) {
                open[i]->ops->task_close(open[i]);
            }
        }
        scan->ops->close(scan);
    }
    tn_text_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tn_pool pool;
    tn_stores *stores;
    tn_store *store;
    tn_types *types;
    tn_object *object;
    tn_source *source;
    tn_outcome outcome;
    if (size < 2) {
        return 0;
    }
    tn_pool_init(&pool, NULL, "fuzz", 512 << 20);
    if (tn_stores_create(&pool, NULL, &stores, NULL) != TARN_OK ||
        tn_stores_add_memory(stores, "fuzz", NULL, NULL, &store, NULL) != TARN_OK ||
        tn_types_create(&pool, &types, NULL) != TARN_OK ||
        tn_store_put(store, TN_STR("t"), (tn_str){(const char *)data + 1, size - 1}, NULL, &outcome,
                     NULL) != TARN_OK ||
        tn_object_open(store, TN_STR("t"), &pool, NULL, &object, NULL) != TARN_OK) {
        abort();
    }
    if (open_records(data[0], object, types, &pool, &source) == TARN_OK) {
        scan_all(source, &pool, data[0] & 1 ? 2 : 1);
        tn_source_release(source);
    } else {
        tn_object_close(object);
    }
    tn_types_destroy(types);
    tn_stores_destroy(stores);
    tn_pool_deinit(&pool);
    return 0;
}
