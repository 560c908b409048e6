/* Parquet files: written, read back, pruned, damaged. */
#include "column/chunk.h"
#include "format/parquet/parquet.h"
#include "support/check.h"
#include "support/print.h"

#include <math.h>
#include <stdlib.h>

/* A place for files, and the types of all tests. */
typedef struct bench {
    tn_pool *pool;
    tn_stores *stores;
    tn_store *store;
    tn_types *types;
    tn_arena arena;
    tarn_error err;
    int reads_left; /* before one fails; -1: none does */
} bench;

static tn_fault hook(void *context, tn_store_operation operation, tn_str key)
{
    bench *const b = context;
    (void)key;
    if (operation == TN_STORE_READ && b->reads_left >= 0 && b->reads_left-- == 0) {
        return TN_FAULT_BEFORE;
    }
    return TN_FAULT_NONE;
}

static bool bench_open(bench *b, tn_pool *pool)
{
    *b = (bench){.pool = pool, .err = TARN_ERROR_INIT, .reads_left = -1};
    tn_arena_init(&b->arena, pool);
    return tn_stores_create(pool, NULL, &b->stores, &b->err) == TARN_OK &&
           tn_stores_add_memory(b->stores, "m", hook, b, &b->store, &b->err) == TARN_OK &&
           tn_types_create(pool, &b->types, &b->err) == TARN_OK;
}

static void bench_close(bench *b)
{
    tn_types_destroy(b->types);
    tn_stores_destroy(b->stores);
    tn_arena_deinit(&b->arena);
}

static uint64_t mix(uint64_t seed)
{
    seed = (seed ^ (seed >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return seed ^ (seed >> 29);
}

/* How values vary. */
typedef enum shape { FEW, RISING, WILD, FEW_THEN_WILD, NO_VALUES } shape;

static tn_value some_value(bench *b, const tn_type *type, shape how, bool nulls, uint64_t row)
{
    tn_value value = {.type = type};
    uint64_t r = mix(row + 1);
    if (how == NO_VALUES || (nulls && r % 7 == 0)) {
        return tn_value_null(type);
    }
    if (how == FEW || (how == FEW_THEN_WILD && row < 3000)) {
        r %= 10;
    } else if (how == RISING) {
        r = row * 3;
    }
    switch (type->kind) {
    case TN_KIND_BOOLEAN:
        value.boolean = (r & 1) != 0;
        break;
    case TN_KIND_TINYINT:
        value.i64 = (int8_t)r;
        break;
    case TN_KIND_SMALLINT:
        value.i64 = (int16_t)r;
        break;
    case TN_KIND_INTEGER:
    case TN_KIND_DATE:
        value.i64 = (int32_t)r;
        break;
    case TN_KIND_UTINYINT:
        value.u64 = (uint8_t)r;
        break;
    case TN_KIND_USMALLINT:
        value.u64 = (uint16_t)r;
        break;
    case TN_KIND_UINTEGER:
        value.u64 = (uint32_t)r;
        break;
    case TN_KIND_UBIGINT:
        value.u64 = r;
        break;
    case TN_KIND_REAL:
        value.f64 = (double)(float)r / 4;
        break;
    case TN_KIND_DOUBLE:
        value.f64 = r % 11 == 5 ? NAN : (double)r / 3;
        break;
    case TN_KIND_VARCHAR:
    case TN_KIND_BLOB: {
        const int width = (int)(r % 30);
        (void)!tn_arena_print(&b->arena, &value.str, NULL, "%0*llu \xc3\xa9", width,
                              (unsigned long long)r);
        break;
    }
    case TN_KIND_INTERVAL:
        value.interval =
            (tn_interval){(int32_t)(r % 12), (int32_t)(r % 31), (int64_t)(r % 86400000) * 1000000};
        break;
    case TN_KIND_DECIMAL:
        if (type->lane == TN_LANE_i64) {
            value.i64 = (int64_t)(r % 1000000) - 500000;
        } else if (type->lane == TN_LANE_i128) {
            value.i128 = (tn_i128)(int64_t)r * 1000003;
        } else {
            value.i256 =
                (tn_i256){{r, mix(r), (uint64_t)((int64_t)r >> 63), (uint64_t)((int64_t)r >> 63)}};
        }
        break;
    case TN_KIND_TIME: /* others are refused, as they are no times of a day */
        value.i64 = (int64_t)(r % 86400000001);
        break;
    case TN_KIND_BIGINT:
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMP_NS:
    case TN_KIND_TIMESTAMPTZ:
        value.i64 = (int64_t)r;
        break;
    case TN_KIND_NULL:
    case TN_KIND_LIST:
    case TN_KIND_STRUCT:
    case TN_KIND_MAP:
    case TN_KIND_COUNT:
        return tn_value_null(type);
    }
    return value;
}

static TN_FALLIBLE make_chunk(bench *b, const tn_schema *schema, shape how, uint32_t rows,
                              uint64_t first, tn_chunk **out)
{
    tarn_code code = TARN_OK;
    tn_chunk_builder *builder = NULL;
    const tn_type *types[64];
    *out = NULL;
    for (uint32_t i = 0; i < schema->count; i++) {
        types[i] = schema->fields[i].type;
    }
    TN_TRY(tn_chunk_builder_create(b->pool, types, schema->count, rows, &builder, &b->err));
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < schema->count; i++) {
            const tn_value value =
                some_value(b, types[i], how, schema->fields[i].nullable, first + row);
            TN_TRY(tn_chunk_builder_put(builder, i, &value, &b->err));
        }
    }
    TN_TRY(tn_chunk_builder_finish(builder, out, &b->err));
done:
    tn_chunk_builder_destroy(builder);
    return code;
}

/* Writes batches as one group each `group_batches` of them. */
static TN_FALLIBLE write_file(bench *b, const char *key, const tn_schema *schema,
                              const tn_batch *batches, size_t count, size_t group_batches,
                              const tn_writer_options *options, tn_file_receipt *receipt)
{
    tarn_code code = TARN_OK;
    const tn_put_options put = {0};
    tn_upload *upload = NULL;
    tn_file_writer *writer = NULL;
    tn_group_writer *group = NULL;
    tn_outcome outcome;
    tn_file_receipt ignored;
    bool taken = true;
    TN_TRY(tn_upload_create(b->store, tn_str_of(key), b->pool, &put, &upload, &b->err));
    TN_TRY(tn_parquet_writer_open(upload, schema, options, b->pool, &writer, &b->err));
    for (size_t i = 0; i < count; i++) {
        if (group == NULL) {
            TN_TRY(writer->ops->group_begin(writer, b->pool, 0, &group, &b->err));
        }
        TN_TRY(writer->ops->group_write(group, &batches[i], &b->err));
        if ((i + 1) % group_batches == 0 || i + 1 == count) {
            tn_group_writer *const ending = group;
            group = NULL;
            TN_TRY(writer->ops->group_end(ending, NULL, &taken, &b->err));
        }
    }
    TN_TRY(writer->ops->finish(writer, &b->arena, receipt == NULL ? &ignored : receipt, &b->err));
    tn_upload *const finished = upload;
    upload = NULL;
    TN_TRY(tn_upload_finish(finished, NULL, &outcome, &b->err));
done:
    if (group != NULL) {
        writer->ops->group_abort(group);
    }
    if (writer != NULL) {
        writer->ops->destroy(writer);
    }
    tn_upload_abort(upload);
    return code;
}

static TN_FALLIBLE open_file(bench *b, const char *key, tn_source **out)
{
    tarn_code code = TARN_OK;
    tn_object *object = NULL;
    *out = NULL;
    TN_TRY(tn_object_open(b->store, tn_str_of(key), b->pool, NULL, &object, &b->err));
    TN_TRY(tn_parquet_open(object, b->types, b->pool, out, &b->err));
    object = NULL;
done:
    if (object != NULL) {
        tn_object_close(object);
    }
    return code;
}

/* All rows as text, one a line; text may be NULL.  Checks that a batch keeps its promises. */
static TN_FALLIBLE read_rows(bench *b, tn_source *source, const tn_scan_request *wanted,
                             tn_text *text, tn_scan_counters *counters)
{
    tarn_code code = TARN_OK;
    tn_scan *scan = NULL;
    tn_scan_task *task = NULL;
    uint32_t fields[64];
    tn_scan_request request = {.row_limit = UINT64_MAX, .tasks_max = 1};
    if (wanted != NULL) {
        request = *wanted;
    }
    if (request.fields == NULL) {
        for (uint32_t i = 0; i < source->schema.count; i++) {
            fields[i] = i;
        }
        request.fields = fields;
        request.field_count = source->schema.count;
    }
    TN_TRY(source->ops->open(source, &request, b->pool, &scan, &b->err));
    TN_TRY(scan->ops->task_open(scan, b->pool, &task, &b->err));
    for (;;) {
        tn_batch batch;
        tn_scan_answer answer;
        TN_TRY(task->ops->read(task, NULL, &batch, &answer, &b->err));
        if (answer == TN_SCAN_END) {
            break;
        }
        if (answer == TN_SCAN_WAIT || batch.rows > TN_BATCH_ROWS || batch.selected != batch.rows) {
            code = TARN_E_INTERNAL; /* memory never waits */
            goto done;
        }
        for (uint32_t row = 0; text != NULL && row < batch.rows; row++) {
            test_print_row(text, &batch, row);
            tn_text_putc(text, '\n');
        }
    }
    TN_TRY(scan->ops->finish(scan, &b->err));
    if (counters != NULL) {
        scan->ops->counters(scan, counters);
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

static size_t batches_of(const tn_chunk *chunk, tn_column *columns, tn_batch *batches)
{
    size_t count = 0;
    const tn_type *types[64];
    for (uint32_t i = 0; i < chunk->width; i++) {
        types[i] = chunk->columns[i].type;
    }
    const size_t room = tn_chunk_room(types, chunk->width);
    for (uint32_t from = 0; from < chunk->rows; from += TN_BATCH_ROWS) {
        const uint32_t rows =
            chunk->rows - from < TN_BATCH_ROWS ? chunk->rows - from : TN_BATCH_ROWS;
        tn_chunk_batch(chunk, from, rows, columns + count * room, &batches[count]);
        count++;
    }
    return count;
}

static void print_all(tn_text *text, const tn_batch *batches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (uint32_t row = 0; row < batches[i].selected; row++) {
            test_print_row(text, &batches[i], tn_batch_row(&batches[i], row));
            tn_text_putc(text, '\n');
        }
    }
}

static size_t all_types(bench *b, tn_field *fields, bool nullable)
{
    static const char *const names[] = {"BOOLEAN",       "TINYINT",      "SMALLINT",
                                        "INTEGER",       "BIGINT",       "UTINYINT",
                                        "USMALLINT",     "UINTEGER",     "UBIGINT",
                                        "REAL",          "DOUBLE",       "VARCHAR",
                                        "BLOB",          "DATE",         "TIME",
                                        "TIMESTAMP",     "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE",
                                        "INTERVAL",      "DECIMAL(9,2)", "DECIMAL(18,3)",
                                        "DECIMAL(38,4)", "DECIMAL(76,5)"};
    const size_t count = sizeof(names) / sizeof(*names);
    for (size_t i = 0; i < count; i++) {
        fields[i] = (tn_field){.name = tn_str_of(names[i]), .nullable = nullable};
        if (tn_types_parse(b->types, fields[i].name, &fields[i].type, &b->err) != TARN_OK) {
            return 0;
        }
    }
    return count;
}

TEST(every_type_comes_back_in_every_shape_and_codec)
{
    static const char *const codecs[] = {"snappy", "zstd", "gzip", "lz4", "none"};
    enum { ROWS = 11000 };
    bench b;
    tn_field fields[32];
    tn_text want;
    tn_text got;
    CHECK(bench_open(&b, pool));
    tn_text_init(&want, pool, 1 << 30);
    tn_text_init(&got, pool, 1 << 30);
    for (int variant = 0; variant < 20; variant += TEST_SIZE(1, 6)) {
        const tn_schema schema = {(uint32_t)all_types(&b, fields, variant % 2 == 0), fields};
        const tn_writer_options options = {.codec = tn_str_of(codecs[variant % 5]),
                                           .plain_only = variant / 5 % 2 == 1};
        tn_column columns[24 * 32];
        tn_batch batches[8];
        tn_chunk *chunk;
        tn_source *source;
        CHECK(schema.count > 0);
        const shape how = (shape)(variant / 4 % (variant % 2 == 0 ? 5 : 4));
        CHECK_EQ(make_chunk(&b, &schema, how, ROWS, 0, &chunk), TARN_OK);
        const size_t count = batches_of(chunk, columns, batches);
        tn_text_clear(&want);
        tn_text_clear(&got);
        print_all(&want, batches, count);
        CHECK_EQ(write_file(&b, "t.parquet", &schema, batches, count, 6, &options, NULL), TARN_OK);
        CHECK_EQ(open_file(&b, "t.parquet", &source), TARN_OK);
        CHECK_EQ(source->schema.count, schema.count);
        for (uint32_t i = 0; i < schema.count; i++) {
            CHECK(source->schema.fields[i].type == schema.fields[i].type);
            CHECK_EQ(source->schema.fields[i].nullable, schema.fields[i].nullable);
        }
        const tarn_code code = read_rows(&b, source, NULL, &got, NULL);
        CHECK_STR(b.err.message, "");
        CHECK_EQ(code, TARN_OK);
        CHECK(want.size == got.size && memcmp(want.data, got.data, want.size) == 0);
        tn_source_release(source);
        tn_chunk_release(chunk);
    }
    tn_text_deinit(&want);
    tn_text_deinit(&got);
    bench_close(&b);
}

TEST(what_compression_gains_little_for_is_stored_as_it_is)
{
    enum { ROWS = 24 * TN_BATCH_ROWS };
    static const struct {
        const char *codec, *numbers, *words;
        shape how;
    } cases[] = {
        {"snappy", "x: PLAIN, none,", "s: DELTA_LENGTH_BYTE_ARRAY, snappy,", WILD},
        {"lz4", "x: PLAIN, none,", "s: DELTA_LENGTH_BYTE_ARRAY, lz4,", WILD},
        {"zstd", "x: PLAIN, zstd,", "s: DELTA_LENGTH_BYTE_ARRAY, zstd,", WILD},
        {"snappy", "x: PLAIN, none,", "s: DELTA_LENGTH_BYTE_ARRAY, snappy,", FEW_THEN_WILD}};
    bench b;
    tn_field fields[2] = {{.name = TN_STR("x"), .type = TN_DOUBLE},
                          {.name = TN_STR("s"), .type = TN_VARCHAR, .nullable = true}};
    const tn_schema schema = {2, fields};
    tn_column columns[24 * 8];
    tn_batch batches[24];
    tn_text want;
    tn_text got;
    CHECK(bench_open(&b, pool));
    tn_text_init(&want, pool, 1 << 26);
    tn_text_init(&got, pool, 1 << 26);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const tn_writer_options options = {.codec = tn_str_of(cases[i].codec)};
        tn_chunk *chunk;
        tn_source *source;
        CHECK_EQ(make_chunk(&b, &schema, cases[i].how, ROWS, 0, &chunk), TARN_OK);
        const size_t count = batches_of(chunk, columns, batches);
        tn_text_clear(&want);
        tn_text_clear(&got);
        print_all(&want, batches, count);
        CHECK_EQ(write_file(&b, "g.parquet", &schema, batches, count, 12, &options, NULL), TARN_OK);
        CHECK_EQ(open_file(&b, "g.parquet", &source), TARN_OK);
        CHECK_EQ(read_rows(&b, source, NULL, &got, NULL), TARN_OK);
        CHECK(want.size == got.size && memcmp(want.data, got.data, want.size) == 0);
        tn_text_clear(&got);
        CHECK_EQ(tn_parquet_describe(source, false, &got, NULL), TARN_OK);
        CHECK(strstr(got.data, cases[i].numbers) != NULL);
        CHECK(strstr(got.data, cases[i].words) != NULL);
        tn_source_release(source);
        tn_chunk_release(chunk);
    }
    tn_text_deinit(&want);
    tn_text_deinit(&got);
    bench_close(&b);
}

TEST(selected_rows_alone_are_written)
{
    enum { ROWS = 2000 };
    bench b;
    tn_field field = {.name = TN_STR("a"), .type = TN_VARCHAR, .nullable = true};
    const tn_schema schema = {1, &field};
    tn_column column;
    tn_batch batch;
    tn_chunk *chunk;
    tn_source *source;
    uint16_t selection[ROWS];
    tn_text want;
    tn_text got;
    CHECK(bench_open(&b, pool));
    tn_text_init(&want, pool, 1 << 20);
    tn_text_init(&got, pool, 1 << 20);
    CHECK_EQ(make_chunk(&b, &schema, WILD, ROWS, 0, &chunk), TARN_OK);
    tn_chunk_batch(chunk, 0, ROWS, &column, &batch);
    batch.selection = selection;
    batch.selected = 0;
    for (uint16_t i = 3; i < ROWS; i = (uint16_t)(i + 1 + i % 5)) {
        selection[batch.selected++] = i;
    }
    print_all(&want, &batch, 1);
    CHECK_EQ(write_file(&b, "t.parquet", &schema, &batch, 1, 1, NULL, NULL), TARN_OK);
    CHECK_EQ(open_file(&b, "t.parquet", &source), TARN_OK);
    CHECK_EQ(read_rows(&b, source, NULL, &got, NULL), TARN_OK);
    CHECK_STR(got.data, want.data);
    tn_source_release(source);
    tn_chunk_release(chunk);
    tn_text_deinit(&want);
    tn_text_deinit(&got);
    bench_close(&b);
}

/* Lists of 0 to 3 integers, structs of a text and a list of lists, and maps: with nulls on all
 * floors. */
enum { NESTED_ROWS = 700, NESTED_ELEMENTS = 4 * NESTED_ROWS };
typedef struct nested {
    tn_list lists[NESTED_ROWS], inner[NESTED_ELEMENTS];
    int32_t numbers[4 * NESTED_ELEMENTS];
    tn_view texts[NESTED_ELEMENTS];
    uint64_t valid[4][NESTED_ELEMENTS / 16 + 1];
    tn_column number, texts_column, list, list_list, structs, keys, map;
    tn_column fields[2], pair[2];
} nested;

static void fill_nested(nested *n, bench *b, tn_schema *schema, tn_field *fields)
{
    static const char *const names[] = {"INTEGER[]", "STRUCT(a VARCHAR, b INTEGER[][])",
                                        "MAP(VARCHAR, INTEGER)"};
    memset(n, 0, sizeof(*n));
    for (size_t i = 0; i < 3; i++) {
        fields[i] = (tn_field){.name = tn_str_of(names[i]), .nullable = true};
        (void)!tn_types_parse(b->types, fields[i].name, &fields[i].type, &b->err);
    }
    *schema = (tn_schema){3, fields};
    uint32_t next = 0;
    for (uint32_t i = 0; i < NESTED_ROWS; i++) {
        n->lists[i] = (tn_list){next, (uint32_t)(mix(i) % 4)};
        next += n->lists[i].length;
    }
    for (uint32_t i = 0; i < NESTED_ELEMENTS; i++) {
        n->inner[i] = (tn_list){i, (uint32_t)(mix(i + 7) % 3)};
        n->numbers[i] = (int32_t)mix(i);
        n->texts[i] = i % 3 == 0 ? tn_view_of("short", 5) : tn_view_of("not at all short", 16);
    }
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < NESTED_ELEMENTS; i++) {
            tn_bit_put(n->valid[k], i, mix(i * 4 + k) % 5 != 0);
        }
    }
    n->number = (tn_column){.type = TN_INTEGER,
                            .lane = TN_LANE_i32,
                            .rows = NESTED_ELEMENTS,
                            .values = n->numbers,
                            .validity = n->valid[0]};
    n->texts_column = (tn_column){.type = TN_VARCHAR,
                                  .lane = TN_LANE_view,
                                  .rows = NESTED_ELEMENTS,
                                  .values = n->texts,
                                  .validity = n->valid[1]};
    n->keys = n->texts_column;
    n->keys.validity = NULL;
    n->list = (tn_column){.type = fields[0].type,
                          .lane = TN_LANE_list,
                          .rows = NESTED_ELEMENTS,
                          .values = n->inner,
                          .validity = n->valid[2],
                          .children = &n->number};
    n->list_list = (tn_column){.type = fields[1].type->fields[1].type,
                               .lane = TN_LANE_list,
                               .rows = NESTED_ROWS,
                               .values = n->lists,
                               .validity = n->valid[3],
                               .children = &n->list};
    n->fields[0] = n->texts_column;
    n->fields[1] = n->list_list;
    n->pair[0] = n->keys;
    n->pair[1] = n->number;
}

static tn_batch nested_batch(nested *n, const tn_schema *schema, tn_column *columns)
{
    columns[0] = (tn_column){.type = schema->fields[0].type,
                             .lane = TN_LANE_list,
                             .rows = NESTED_ROWS,
                             .values = n->lists,
                             .validity = n->valid[1],
                             .children = &n->number};
    columns[1] = (tn_column){.type = schema->fields[1].type,
                             .lane = TN_LANE_none,
                             .rows = NESTED_ROWS,
                             .validity = n->valid[2],
                             .children = n->fields};
    columns[2] = (tn_column){.type = schema->fields[2].type,
                             .lane = TN_LANE_list,
                             .rows = NESTED_ROWS,
                             .values = n->lists,
                             .validity = n->valid[0],
                             .children = n->pair};
    return (tn_batch){.columns = columns, .width = 3, .rows = NESTED_ROWS, .selected = NESTED_ROWS};
}

TEST(nested_columns_come_back)
{
    bench b;
    tn_schema schema;
    tn_field fields[3];
    tn_column columns[3];
    tn_source *source;
    tn_text want;
    tn_text got;
    nested *const n = malloc(sizeof(*n));
    CHECK(bench_open(&b, pool));
    tn_text_init(&want, pool, 1 << 24);
    tn_text_init(&got, pool, 1 << 24);
    fill_nested(n, &b, &schema, fields);
    tn_batch batches[20];
    for (size_t i = 0; i < 20; i++) { /* more than a page, and several pages' worth of rows */
        batches[i] = nested_batch(n, &schema, columns);
    }
    print_all(&want, batches, 20);
    CHECK_EQ(write_file(&b, "t.parquet", &schema, batches, 20, 13, NULL, NULL), TARN_OK);
    CHECK_EQ(open_file(&b, "t.parquet", &source), TARN_OK);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(source->schema.fields[i].type == schema.fields[i].type);
    }
    const tarn_code code = read_rows(&b, source, NULL, &got, NULL);
    CHECK_STR(b.err.message, "");
    CHECK_EQ(code, TARN_OK);
    CHECK(want.size == got.size && memcmp(want.data, got.data, want.size) == 0);
    tn_source_release(source);
    tn_text_deinit(&want);
    tn_text_deinit(&got);
    bench_close(&b);
    free(n);
}

/* ---- pruning, limits, built-in columns ------------------------------------------------------- */

static bool rising_file(bench *b, tn_source **source, tn_file_receipt *receipt)
{
    enum { ROWS = 10 * TN_BATCH_ROWS };
    tn_field fields[2] = {{.name = TN_STR("a"), .type = TN_BIGINT},
                          {.name = TN_STR("b"), .type = TN_VARCHAR, .nullable = true}};
    const tn_schema schema = {2, fields};
    tn_column columns[8 * 10];
    tn_batch batches[10];
    tn_chunk *chunk;
    if (make_chunk(b, &schema, RISING, ROWS, 0, &chunk) != TARN_OK) {
        return false;
    }
    const size_t count = batches_of(chunk, columns, batches);
    const bool good =
        write_file(b, "r.parquet", &schema, batches, count, 1, NULL, receipt) == TARN_OK &&
        open_file(b, "r.parquet", source) == TARN_OK;
    tn_chunk_release(chunk);
    return good;
}

TEST(bounds_prune_row_groups)
{
    bench b;
    tn_source *source;
    tn_file_receipt receipt;
    tn_scan_counters counters;
    CHECK(bench_open(&b, pool));
    CHECK(rising_file(&b, &source, &receipt));
    CHECK_EQ(receipt.rows, 10 * TN_BATCH_ROWS);
    CHECK_EQ(receipt.columns[0].bounds, TN_EXACT);
    CHECK_EQ(receipt.columns[0].min.i64, 0);
    CHECK_EQ(receipt.columns[0].max.i64, (10 * TN_BATCH_ROWS - 1) * 3);
    const tn_value value = tn_value_bigint(5 * TN_BATCH_ROWS * 3 + 3);
    const tn_conjunct conjunct = {.field = 0, .op = TN_OP_EQ, .value_count = 1, .values = &value};
    tn_promise promise;
    const tn_scan_request request = {
        .conjuncts = &conjunct, .conjunct_count = 1, .promises = &promise, .row_limit = UINT64_MAX};
    CHECK_EQ(read_rows(&b, source, &request, NULL, &counters), TARN_OK);
    CHECK_EQ(promise, TN_PROMISE_PARTIAL);
    CHECK_EQ(counters.groups, 10);
    CHECK_EQ(counters.groups_pruned, 9);
    CHECK_EQ(counters.rows_read + counters.rows_pruned, 10 * TN_BATCH_ROWS);

    tn_statistics statistics;
    CHECK_EQ(source->ops->statistics(source, NULL, 0, &b.arena, &statistics, &b.err), TARN_OK);
    CHECK_EQ(statistics.rows_known, TN_EXACT);
    CHECK_EQ(statistics.rows, 10 * TN_BATCH_ROWS);
    CHECK_EQ(statistics.columns[0].bounds, TN_EXACT);
    CHECK_EQ(statistics.columns[0].max.i64, receipt.columns[0].max.i64);
    CHECK_EQ(statistics.columns[1].null_count, receipt.columns[1].null_count);
    CHECK(receipt.columns[1].null_count > 0);
    tn_source_release(source);
    bench_close(&b);
}

TEST(the_page_index_passes_over_pages_and_rows_stay_what_they_are)
{
    enum { ROWS = 30000, COLUMN = 4 };
    bench b;
    tn_field fields[32];
    tn_column *const columns = malloc(60 * 32 * sizeof(tn_column));
    tn_batch batches[15];
    tn_chunk *chunk;
    tn_source *source;
    tn_text all;
    tn_text got;
    CHECK(bench_open(&b, pool));
    tn_text_init(&all, pool, 1 << 26);
    tn_text_init(&got, pool, 1 << 26);
    for (shape how = TEST_SIZE(RISING, WILD); how <= WILD; how++) {
        const tn_schema schema = {(uint32_t)all_types(&b, fields, true), fields};
        CHECK_EQ(make_chunk(&b, &schema, RISING, ROWS, 0, &chunk), TARN_OK);
        const size_t count = batches_of(chunk, columns, batches);
        const tn_writer_options options = {.plain_only = how == WILD};
        CHECK_EQ(write_file(&b, "p.parquet", &schema, batches, count, 15, &options, NULL), TARN_OK);
        CHECK_EQ(open_file(&b, "p.parquet", &source), TARN_OK);
        const tn_value low = tn_value_bigint(3 * 9000);
        const tn_value high = tn_value_bigint(3 * 16100);
        const tn_conjunct both[] = {
            {.field = COLUMN, .op = TN_OP_GE, .value_count = 1, .values = &low},
            {.field = COLUMN, .op = TN_OP_LT, .value_count = 1, .values = &high}};
        tn_promise promises[2];
        tn_scan_counters counters;
        tn_scan_request request = {.virtuals = TN_VIRTUAL_ROW, .row_limit = UINT64_MAX};
        tn_text_clear(&all);
        tn_text_clear(&got);
        CHECK_EQ(read_rows(&b, source, &request, &all, NULL), TARN_OK);
        request.conjuncts = both;
        request.conjunct_count = 2;
        request.promises = promises;
        CHECK_EQ(read_rows(&b, source, &request, &got, &counters), TARN_OK);
        CHECK_EQ(counters.rows_read + counters.rows_pruned, ROWS);
        CHECK_EQ(counters.rows_read, 8192);                   /* one page of four */
        const char *const place = strstr(all.data, got.data); /* whole lines, in order */
        CHECK(place != NULL && got.size > 0 && (place == all.data || place[-1] == '\n'));
        tn_source_release(source);
        tn_chunk_release(chunk);
    }
    tn_text_deinit(&all);
    tn_text_deinit(&got);
    bench_close(&b);
    free(columns);
}

TEST(a_limit_reads_no_more_groups_than_it_needs)
{
    bench b;
    tn_source *source;
    tn_scan_counters counters;
    const tn_scan_request request = {.row_limit = 10, .stop_early = true};
    tn_text got;
    CHECK(bench_open(&b, pool));
    tn_text_init(&got, pool, 1 << 20);
    CHECK(rising_file(&b, &source, NULL));
    CHECK_EQ(read_rows(&b, source, &request, &got, &counters), TARN_OK);
    CHECK_EQ(counters.rows_read, 10);
    CHECK(strncmp(got.data, "[0,", 3) == 0);
    tn_source_release(source);
    tn_text_deinit(&got);
    bench_close(&b);
}

TEST(file_and_row_numbers_are_given_where_asked_for)
{
    bench b;
    tn_source *source;
    tn_text got;
    const uint32_t fields[] = {0, 0};
    const tn_scan_request request = {.fields = fields,
                                     .field_count = 2,
                                     .virtuals = TN_VIRTUAL_FILE | TN_VIRTUAL_ROW | TN_VIRTUAL_LINE,
                                     .row_limit = 2};
    CHECK(bench_open(&b, pool));
    tn_text_init(&got, pool, 1 << 20);
    CHECK(rising_file(&b, &source, NULL));
    CHECK_EQ(read_rows(&b, source, &request, &got, NULL), TARN_OK);
    CHECK_STR(got.data,
              "[0,0,\"memory://m/r.parquet\",1,null]\n[3,3,\"memory://m/r.parquet\",2,null]\n");
    tn_source_release(source);
    tn_text_deinit(&got);
    bench_close(&b);
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

static TN_FALLIBLE small_file(bench *b, shape how)
{
    tn_field fields[32];
    const tn_schema schema = {(uint32_t)all_types(b, fields, true), fields};
    tn_column columns[32];
    tn_batch batch;
    tn_chunk *chunk;
    TN_RETURN_IF_ERROR(make_chunk(b, &schema, how, 60, 0, &chunk));
    tn_chunk_batch(chunk, 0, 60, columns, &batch);
    const tarn_code code = write_file(b, "t.parquet", &schema, &batch, 1, 1, NULL, NULL);
    tn_chunk_release(chunk);
    return code;
}

static TN_FALLIBLE read_small(bench *b)
{
    tn_source *source;
    TN_RETURN_IF_ERROR(open_file(b, "t.parquet", &source));
    const tarn_code code = read_rows(b, source, NULL, NULL, NULL);
    tn_source_release(source);
    return code;
}

TEST(reading_survives_the_loss_of_any_allocation)
{
    bench b;
    CHECK(bench_open(&b, pool));
    CHECK_EQ(small_file(&b, WILD), TARN_OK);
    CHECK_EQ(read_small(&b), TARN_OK); /* types are interned once */
    const size_t used = pool->used;
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        const tarn_code code = read_small(&b);
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        CHECK_EQ(pool->used, used);
    }
    bench_close(&b);
}

/* Numbers that lie in their pages as batches have them, five pages a column; text beside them. */
static TN_FALLIBLE plain_file(bench *b, const char *codec, tn_text *want)
{
    enum { ROWS = 20 * TN_BATCH_ROWS - 100 };
    const tn_writer_options options = {.codec = tn_str_of(codec), .plain_only = true};
    tn_field fields[3] = {{.name = TN_STR("x"), .type = TN_DOUBLE},
                          {.name = TN_STR("k"), .type = TN_BIGINT},
                          {.name = TN_STR("s"), .type = TN_VARCHAR}};
    const tn_schema schema = {3, fields};
    tn_column columns[20 * 8];
    tn_batch batches[20];
    tn_chunk *chunk;
    TN_RETURN_IF_ERROR(make_chunk(b, &schema, WILD, ROWS, 0, &chunk));
    const size_t count = batches_of(chunk, columns, batches);
    const tarn_code code = write_file(b, "p.parquet", &schema, batches, count, 8, &options, NULL);
    if (want != NULL) {
        print_all(want, batches, count);
    }
    tn_chunk_release(chunk);
    return code;
}

/* How many batches lie right behind the one before, as values of one page do. */
static TN_FALLIBLE read_lent(bench *b, tn_text *text, uint32_t *lent)
{
    tarn_code code = TARN_OK;
    const uint32_t fields[3] = {0, 1, 2};
    const tn_scan_request request = {
        .fields = fields, .field_count = 3, .row_limit = UINT64_MAX, .tasks_max = 1};
    tn_source *source = NULL;
    tn_scan *scan = NULL;
    tn_scan_task *task = NULL;
    tn_scan_answer answer = TN_SCAN_BATCH;
    const char *ends[2] = {NULL, NULL};
    *lent = 0;
    TN_TRY(open_file(b, "p.parquet", &source));
    TN_TRY(source->ops->open(source, &request, b->pool, &scan, &b->err));
    TN_TRY(scan->ops->task_open(scan, b->pool, &task, &b->err));
    while (answer != TN_SCAN_END) {
        tn_batch batch = {0};
        TN_TRY(task->ops->read(task, NULL, &batch, &answer, &b->err));
        for (uint32_t i = 0; i < 2 && batch.rows > 0; i++) {
            const char *const values = batch.columns[i].values;
            *lent += values == ends[i];
            ends[i] = values + 8 * (size_t)batch.rows;
        }
        for (uint32_t row = 0; text != NULL && row < batch.rows; row++) {
            test_print_row(text, &batch, row);
            tn_text_putc(text, '\n');
        }
    }
done:
    if (task != NULL) {
        task->ops->task_close(task);
    }
    if (scan != NULL) {
        scan->ops->close(scan);
    }
    tn_source_release(source);
    return code;
}

TEST(values_that_lie_in_their_page_are_lent_from_there)
{
    static const char *const codecs[] = {"none", "zstd", "gzip"};
    bench b;
    CHECK(bench_open(&b, pool));
    for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
        tn_text want;
        tn_text got;
        uint32_t lent;
        tn_text_init(&want, pool, 1 << 26);
        tn_text_init(&got, pool, 1 << 26);
        CHECK_EQ(plain_file(&b, codecs[i], &want), TARN_OK);
        CHECK_EQ(read_lent(&b, &got, &lent), TARN_OK);
        CHECK(want.size == got.size && memcmp(want.data, got.data, want.size) == 0);
        /* Of 2 columns, 20 batches, every fourth at a page's start.  Stored ones lie as they fall.
         */
        CHECK(i == 0 || lent >= 24);
        tn_text_deinit(&want);
        tn_text_deinit(&got);
    }
    bench_close(&b);
}

TEST(lending_pages_survives_the_loss_of_any_allocation)
{
    static const char *const codecs[] = {"none", "zstd"};
    bench b;
    uint32_t lent;
    CHECK(bench_open(&b, pool));
    for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
        CHECK_EQ(plain_file(&b, codecs[i], NULL), TARN_OK);
        CHECK_EQ(read_lent(&b, NULL, &lent), TARN_OK);
        const size_t used = pool->used;
        for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
            const tarn_code code = read_lent(&b, NULL, &lent);
            CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
            CHECK_EQ(pool->used, used);
        }
    }
    bench_close(&b);
}

TEST(a_scan_short_of_memory_reads_the_same_rows)
{
    enum { LIMITS = 3 };
    bench b;
    tn_text want;
    CHECK(bench_open(&b, pool));
    tn_text_init(&want, pool, 1 << 26);
    CHECK_EQ(plain_file(&b, "none", &want), TARN_OK);
    for (size_t i = 0; i < LIMITS; i++) {
        tn_pool small;
        tn_text got;
        uint32_t lent;
        bench limited = b;
        tn_text_init(&got, pool, 1 << 26);
        tn_pool_init(&small, pool, "small", (size_t)2 << (20 + i));
        limited.pool = &small;
        CHECK_EQ(read_lent(&limited, &got, &lent), TARN_OK);
        CHECK(want.size == got.size && memcmp(want.data, got.data, want.size) == 0);
        tn_text_deinit(&got);
        tn_pool_deinit(&small);
    }
    tn_text_deinit(&want);
    bench_close(&b);
}

TEST(writing_survives_the_loss_of_any_allocation)
{
    bench b;
    tn_field fields[32];
    tn_column columns[32];
    tn_batch batch;
    tn_chunk *chunk;
    CHECK(bench_open(&b, pool));
    const tn_schema schema = {(uint32_t)all_types(&b, fields, true), fields};
    CHECK_EQ(make_chunk(&b, &schema, WILD, 20, 0, &chunk), TARN_OK);
    tn_chunk_batch(chunk, 0, 20, columns, &batch);
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        const tarn_code code = write_file(&b, "t.parquet", &schema, &batch, 1, 1, NULL, NULL);
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
    tn_chunk_release(chunk);
    bench_close(&b);
}

TEST(a_failed_read_names_the_file)
{
    bench b;
    CHECK(bench_open(&b, pool));
    CHECK_EQ(small_file(&b, FEW), TARN_OK);
    for (int reads = 0; reads < 2; reads++) {
        b.reads_left = reads;
        CHECK(read_small(&b) != TARN_OK);
        CHECK(strstr(b.err.message, "memory://m/t.parquet") != NULL);
        b.reads_left = -1;
    }
    bench_close(&b);
}

static bool put_bytes(bench *b, const uint8_t *bytes, size_t size)
{
    const tn_put_options put = {0};
    tn_outcome outcome;
    return tn_store_put(b->store, TN_STR("t.parquet"), (tn_str){(const char *)bytes, size}, &put,
                        &outcome, &b->err) == TARN_OK;
}

TEST(damaged_files_are_refused_or_read_but_nothing_else)
{
    bench b;
    CHECK(bench_open(&b, pool));
    for (shape how = FEW; how <= WILD; how++) {
        tn_buffer *whole;
        CHECK_EQ(small_file(&b, how), TARN_OK);
        CHECK_EQ(tn_store_get(b.store, TN_STR("t.parquet"), 1 << 24, pool, &whole, NULL, &b.err),
                 TARN_OK);
        uint8_t *const copy = malloc(whole->size);
        for (size_t cut = 0; cut < whole->size; cut += 1 + whole->size / 200) {
            CHECK(put_bytes(&b, whole->data, cut));
            const tarn_code code = read_small(&b);
            CHECK(code == TARN_E_CORRUPT || code == TARN_E_UNSUPPORTED);
        }
        for (uint64_t round = 0; round < TEST_SIZE(3000, 300); round++) {
            memcpy(copy, whole->data, whole->size);
            for (uint64_t flips = 0; flips <= round % 3; flips++) {
                copy[mix(round * 8 + flips) % whole->size] ^=
                    (uint8_t)(1u << (mix(round * 16 + flips) % 8));
            }
            CHECK(put_bytes(&b, copy, whole->size));
            const tarn_code code = read_small(&b);
            CHECK(code == TARN_OK || code == TARN_E_CORRUPT || code == TARN_E_UNSUPPORTED ||
                  code == TARN_E_LIMIT || code == TARN_E_NOMEM);
        }
        free(copy);
        tn_buffer_release(whole);
    }
    bench_close(&b);
}

TEST(says_what_is_wrong_with_what_is_no_parquet_file)
{
    bench b;
    CHECK(bench_open(&b, pool));
    CHECK(put_bytes(&b, (const uint8_t *)"PAR1", 4));
    CHECK_EQ(read_small(&b), TARN_E_CORRUPT);
    CHECK_STR(b.err.message, "reading the footer of 'memory://m/t.parquet': 4 bytes are too few "
                             "for a Parquet file");
    CHECK(put_bytes(&b, (const uint8_t *)"a,b\n1,2\n3,4\n5,6\n", 16));
    CHECK_EQ(read_small(&b), TARN_E_CORRUPT);
    CHECK(strstr(b.err.message, "does not end in 'PAR1'") != NULL);
    bench_close(&b);
}

TEST(nulls_in_a_required_column_are_refused_by_name)
{
    bench b;
    tn_field field = {.name = TN_STR("a"), .type = TN_BIGINT, .nullable = true};
    tn_schema schema = {1, &field};
    tn_column column;
    tn_batch batch;
    tn_chunk *chunk;
    CHECK(bench_open(&b, pool));
    CHECK_EQ(make_chunk(&b, &schema, WILD, 100, 0, &chunk), TARN_OK);
    tn_chunk_batch(chunk, 0, 100, &column, &batch);
    field.nullable = false;
    CHECK_EQ(write_file(&b, "t.parquet", &schema, &batch, 1, 1, NULL, NULL), TARN_E_INVALID);
    CHECK_STR(b.err.message, "writing column 'a': 'a' has nulls and is declared NOT NULL");
    tn_chunk_release(chunk);
    bench_close(&b);
}
