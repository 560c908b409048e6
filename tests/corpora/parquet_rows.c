/*
 * Prints the rows of a Parquet file, for scripts that compare them with what others read:
 *
 *     parquet_rows FILE [ROWS]
 *     parquet_rows FILE scan      (times a scan of all of it)
 *     parquet_rows FILE meta      (what is inside)
 *     parquet_rows FILE write OUT (reads and writes all of it)
 *
 * The first line holds the columns' names, the second their types, each a JSON array; then one
 * array a row.  Values come raw: dates and times as the integers they are, decimals unscaled, bytes
 * as hexadecimal.  It reads in 256 MiB or says that it cannot.
 */
#include "base/text.h"
#include "format/parquet/parquet.h"
#include "sched/io.h"
#include "support/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MEMORY = 256 << 20 };

static void put_line(tn_text *line_text)
{
    fwrite(line_text->data, 1, line_text->size, stdout);
    tn_text_clear(line_text);
}

static void put_head(const tn_schema *schema, tn_text *line_text)
{
    for (int line = 0; line < 2; line++) {
        tn_text_puts(line_text, "[");
        for (uint32_t i = 0; i < schema->count; i++) {
            const tn_str text = line == 0 ? schema->fields[i].name : schema->fields[i].type->name;
            tn_text_puts(line_text, i > 0 ? "," : "");
            test_print_string(line_text, text);
        }
        tn_text_puts(line_text, "]\n");
        put_line(line_text);
    }
}

/* What is done with each batch. */
typedef struct visitor {
    tn_text line;
    bool silent;
    tn_file_writer *writer;
    tn_group_writer *group;
    uint64_t rows, values;
    tn_pool *pool;
} visitor;

static TN_FALLIBLE end_group(visitor *see, tarn_error *err)
{
    bool taken = false;
    tn_group_writer *const group = see->group;
    tn_latch latch;
    tn_latch_init(&latch);
    see->group = NULL;
    TN_RETURN_IF_ERROR(see->writer->ops->group_end(group, &latch.waker, &taken, err));
    return taken ? TARN_OK : tn_fail(err, TARN_E_INTERNAL, "the upload has no room");
}

static TN_FALLIBLE visit(visitor *see, const tn_batch *batch, tarn_error *err)
{
    see->rows += batch->rows;
    see->values += (uint64_t)batch->rows * batch->width;
    if (see->writer != NULL) {
        if (see->group == NULL) {
            TN_RETURN_IF_ERROR(
                see->writer->ops->group_begin(see->writer, see->pool, &see->group, err));
        }
        TN_RETURN_IF_ERROR(see->writer->ops->group_write(see->group, batch, err));
        return batch->tag.last ? end_group(see, err) : TARN_OK;
    }
    for (uint32_t row = 0; row < batch->rows && !see->silent; row++) {
        test_print_row(&see->line, batch, row);
        tn_text_puts(&see->line, "\n");
        TN_RETURN_IF_ERROR(tn_text_status(&see->line, err));
        put_line(&see->line);
    }
    return TARN_OK;
}

static TN_FALLIBLE scan_rows(tn_source *source, tn_pool *pool, uint64_t most, visitor *see,
                             tarn_error *err)
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
        TN_TRY(visit(see, &batch, err));
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

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static TN_FALLIBLE time_scan(tn_source *source, tn_pool *pool, tarn_error *err)
{
    for (int round = 0; round < 5; round++) {
        visitor see = {.silent = true};
        const double start = seconds();
        TN_RETURN_IF_ERROR(scan_rows(source, pool, UINT64_MAX, &see, err));
        const double took = seconds() - start;
        printf("%llu rows, %.1f ms of CPU, %.2f ns a value, %zu bytes of memory\n",
               (unsigned long long)see.rows, took * 1e3, took * 1e9 / (double)see.values,
               (size_t)pool->peak);
    }
    return TARN_OK;
}

static TN_FALLIBLE write_again(tn_source *source, tn_stores *stores, const char *path,
                               tn_pool *pool, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_store *store;
    tn_str key;
    tn_upload *upload = NULL;
    visitor see = {.pool = pool};
    const tn_put_options put = {0};
    const tn_writer_options options = {.codec = tn_str_of(getenv("CODEC")),
                                       .plain_only = getenv("PLAIN") != NULL};
    tn_file_receipt receipt;
    tn_outcome outcome;
    const double start = seconds();
    tn_arena_init(&arena, pool);
    TN_TRY(tn_stores_resolve(stores, tn_str_of(path), &arena, &store, &key, err));
    TN_TRY(tn_upload_create(store, key, pool, &put, &upload, err));
    TN_TRY(tn_parquet_writer_open(upload, &source->schema, &options, pool, &see.writer, err));
    TN_TRY(scan_rows(source, pool, UINT64_MAX, &see, err));
    TN_TRY(see.writer->ops->finish(see.writer, &arena, &receipt, err));
    tn_upload *const finished = upload;
    upload = NULL;
    TN_TRY(tn_upload_finish(finished, NULL, &outcome, err));
    printf("%llu rows, %llu bytes, %.1f ms of CPU with reading, %zu bytes of memory\n",
           (unsigned long long)receipt.rows, (unsigned long long)receipt.bytes,
           (seconds() - start) * 1e3, (size_t)pool->peak);
done:
    if (see.group != NULL) {
        see.writer->ops->group_abort(see.group);
    }
    if (see.writer != NULL) {
        see.writer->ops->destroy(see.writer);
    }
    if (upload != NULL) {
        tn_upload_abort(upload);
    }
    tn_arena_deinit(&arena);
    return code;
}

static TN_FALLIBLE print_rows(tn_source *source, tn_pool *pool, uint64_t most, tarn_error *err)
{
    visitor see = {0};
    tn_text_init(&see.line, pool, MEMORY);
    put_head(&source->schema, &see.line);
    const tarn_code code = scan_rows(source, pool, most, &see, err);
    tn_text_deinit(&see.line);
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
    if (argc > 2 && strcmp(argv[2], "scan") == 0) {
        code = time_scan(source, &pool, err);
    } else if (argc > 2 && strcmp(argv[2], "meta") == 0) {
        tn_text text;
        tn_text_init(&text, &pool, MEMORY);
        code = tn_parquet_describe(source, true, &text, err);
        if (code == TARN_OK) {
            put_line(&text);
        }
        tn_text_deinit(&text);
    } else if (argc > 3 && strcmp(argv[2], "write") == 0) {
        code = write_again(source, stores, argv[3], &pool, err);
    } else {
        code = print_rows(source, &pool, argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX, err);
    }
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
