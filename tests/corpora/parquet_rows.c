/*
 * Prints the rows of a Parquet file, for scripts that compare them with what others read:
 *
 *     parquet_rows FILE [ROWS]
 *
 * The first line holds the columns' names, the second their types, each a JSON array; then one
 * array a row.  Values come raw: dates and times as the integers they are, decimals unscaled, bytes
 * as hexadecimal.  It reads in 256 MiB or says that it cannot.
 */
#include "base/text.h"
#include "format/parquet/parquet.h"
#include "sched/io.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MEMORY = 256 << 20 };

static void put_string(const char *data, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)data[i];
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void put_wide(const tn_column *flat, uint32_t row)
{
    const uint8_t *bytes = (const uint8_t *)flat->values + row * tn_lane_size(flat->lane);
    printf("\"i");
    for (size_t i = tn_lane_size(flat->lane); i-- > 0;) {
        printf("%02x", bytes[i]);
    }
    putchar('"');
}

static void put_value(const tn_column *column, uint32_t row);

static void put_list(const tn_column *flat, uint32_t row)
{
    const tn_list list = ((const tn_list *)flat->values)[row];
    putchar('[');
    for (uint32_t i = 0; i < list.length; i++) {
        printf("%s", i > 0 ? "," : "");
        if (flat->type->kind == TN_KIND_MAP) {
            printf("{\"key\":");
            put_value(&flat->children[0], list.offset + i);
            printf(",\"value\":");
            put_value(&flat->children[1], list.offset + i);
            putchar('}');
        } else {
            put_value(&flat->children[0], list.offset + i);
        }
    }
    putchar(']');
}

static void put_struct(const tn_column *flat, uint32_t row)
{
    putchar('{');
    for (uint32_t i = 0; i < flat->type->field_count; i++) {
        printf("%s", i > 0 ? "," : "");
        put_string(flat->type->fields[i].name.data, flat->type->fields[i].name.size);
        putchar(':');
        put_value(&flat->children[i], row);
    }
    putchar('}');
}

#define INTEGER(name, format, T)                            \
    case TN_LANE_##name:                                    \
        printf("%" format, ((const T *)flat->values)[row]); \
        return;

static void put_value(const tn_column *column, uint32_t row)
{
    const tn_column *const flat = tn_column_locate(column, &row);
    if (flat == NULL) {
        printf("null");
        return;
    }
    if (flat->type->kind == TN_KIND_STRUCT) {
        put_struct(flat, row);
        return;
    }
    switch ((tn_lane)flat->lane) {
        INTEGER(i8, PRId8, int8_t)
        INTEGER(i16, PRId16, int16_t)
        INTEGER(i32, PRId32, int32_t)
        INTEGER(i64, PRId64, int64_t)
        INTEGER(u8, PRIu8, uint8_t)
        INTEGER(u16, PRIu16, uint16_t)
        INTEGER(u32, PRIu32, uint32_t)
        INTEGER(u64, PRIu64, uint64_t)
    case TN_LANE_f32:
    case TN_LANE_f64: {
        const double value = flat->lane == TN_LANE_f32 ? (double)((const float *)flat->values)[row]
                                                       : ((const double *)flat->values)[row];
        printf(isnan(value) ? "\"NaN\"" : isinf(value) ? "\"%g\"" : "%.17g", value);
        return;
    }
    case TN_LANE_bool:
        printf(tn_bit_get(flat->values, row) ? "true" : "false");
        return;
    case TN_LANE_view: {
        const tn_view *const view = &((const tn_view *)flat->values)[row];
        if (flat->type == TN_VARCHAR) {
            put_string(tn_view_data(view), view->size);
            return;
        }
        printf("\"0x");
        for (size_t i = 0; i < view->size; i++) {
            printf("%02x", (unsigned char)tn_view_data(view)[i]);
        }
        putchar('"');
        return;
    }
    case TN_LANE_list:
        put_list(flat, row);
        return;
    case TN_LANE_interval: {
        const tn_interval *const value = &((const tn_interval *)flat->values)[row];
        printf("[%" PRId32 ",%" PRId32 ",%" PRId64 "]", value->months, value->days, value->nanos);
        return;
    }
    case TN_LANE_i128:
    case TN_LANE_i256:
        put_wide(flat, row);
        return;
    case TN_LANE_none:
    case TN_LANE_ALL:
        break;
    }
    printf("null");
}

static void put_head(const tn_schema *schema)
{
    for (int line = 0; line < 2; line++) {
        putchar('[');
        for (uint32_t i = 0; i < schema->count; i++) {
            const tn_str text = line == 0 ? schema->fields[i].name : schema->fields[i].type->name;
            printf("%s", i > 0 ? "," : "");
            put_string(text.data, text.size);
        }
        printf("]\n");
    }
}

static TN_FALLIBLE print_rows(tn_source *source, tn_pool *pool, uint64_t most, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_scan *scan = NULL;
    tn_scan_task *task = NULL;
    uint32_t fields[4096];
    const uint32_t count = source->schema.count < 4096 ? source->schema.count : 4096;
    tn_scan_request request = {
        .fields = fields, .field_count = count, .row_limit = most, .tasks_max = 1};
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = i;
    }
    put_head(&source->schema);
    TN_TRY(source->ops->open(source, &request, pool, &scan, err));
    TN_TRY(scan->ops->task_open(scan, pool, &task, err));
    for (;;) {
        tn_batch batch;
        tn_scan_answer answer;
        tn_latch latch;
        tn_latch_init(&latch);
        TN_TRY(task->ops->read(task, &latch.waker, &batch, &answer, err));
        if (answer == TN_SCAN_END) {
            break;
        }
        if (answer == TN_SCAN_WAIT) {
            tn_latch_wait(&latch);
            continue;
        }
        for (uint32_t row = 0; row < batch.rows; row++) {
            putchar('[');
            for (uint32_t i = 0; i < batch.width; i++) {
                printf("%s", i > 0 ? "," : "");
                put_value(&batch.columns[i], row);
            }
            printf("]\n");
        }
    }
    code = scan->ops->finish(scan, err);
done:
    if (task != NULL) {
        task->ops->task_close(task);
    }
    if (scan != NULL) {
        scan->ops->close(scan);
    }
    return code;
}

int main(int argc, char **argv)
{
    tarn_code code = TARN_OK;
    tarn_error error = TARN_ERROR_INIT;
    tarn_error *const err = &error;
    tn_pool pool;
    tn_arena arena;
    tn_stores *stores = NULL;
    tn_types *types = NULL;
    tn_object *object = NULL;
    tn_source *source = NULL;
    tn_store *store;
    tn_str key;
    if (argc < 2) {
        fprintf(stderr, "usage: parquet_rows FILE [ROWS]\n");
        return 2;
    }
    tn_pool_init(&pool, NULL, "process", MEMORY);
    tn_arena_init(&arena, &pool);
    TN_TRY(tn_stores_create(&pool, NULL, &stores, err));
    TN_TRY(tn_types_create(&pool, &types, err));
    TN_TRY(tn_stores_resolve(stores, tn_str_of(argv[1]), &arena, &store, &key, err));
    TN_TRY(tn_object_open(store, key, &pool, NULL, &object, err));
    TN_TRY(tn_parquet_open(object, types, &pool, &source, err));
    object = NULL;
    TN_TRY(print_rows(source, &pool, argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX, err));
done:
    if (code != TARN_OK) {
        fprintf(stderr, "%s: %s\n", tarn_code_name(code), error.message);
    }
    tn_source_release(source);
    if (object != NULL) {
        tn_object_close(object);
    }
    tn_types_destroy(types);
    tn_stores_destroy(stores);
    tn_arena_deinit(&arena);
    tn_pool_deinit(&pool);
    return code != TARN_OK;
}
