#include "column/arrow.h"
#include "kernel/text.h"
#include "session/session.h"
#include "support/check.h"

#include <errno.h>

/* The only chunk of a query's result, and its schema in the arena. */
static tn_chunk *chunk_of(tn_session *session, tn_arena *arena, const char *sql, tn_schema *schema)
{
    tarn_error err = TARN_ERROR_INIT;
    tn_script *script = NULL;
    tn_result *result = NULL;
    tn_chunk *chunk = NULL;
    tarn_code code = tn_script_open(session, tn_str_of(sql), NULL, &script, &err);
    if (code == TARN_OK) {
        code = tn_script_next(script, &result, &err);
    }
    if (code == TARN_OK) {
        code = tn_schema_copy(arena, tn_result_schema(result), schema, &err);
    }
    if (code == TARN_OK) {
        code = tn_result_read(result, &chunk, &err);
    }
    if (code != TARN_OK) {
        test_fail(__FILE__, __LINE__, "%.30s...: %s", sql, err.message);
    }
    tn_script_close(script);
    return chunk;
}

/* Every type, nulls in all but the first column; %s is where rows come from. */
static const char *const all_types =
    "SELECT range AS id, CASE WHEN range % 3 <> 0 THEN range % 2 = 0 END AS b,"
    " CASE WHEN range % 3 <> 1 THEN CAST(range % 100 AS TINYINT) END AS i8,"
    " CASE WHEN range % 3 <> 1 THEN CAST(range % 100 AS SMALLINT) END AS i16,"
    " CASE WHEN range % 3 <> 1 THEN CAST(range AS INTEGER) END AS i32,"
    " CASE WHEN range % 3 <> 1 THEN CAST(range % 100 AS UTINYINT) END AS u8,"
    " CASE WHEN range % 3 <> 1 THEN CAST(range % 100 AS USMALLINT) END AS u16,"
    " CASE WHEN range % 3 <> 1 THEN CAST(range AS UINTEGER) END AS u32,"
    " CASE WHEN range % 3 <> 1 THEN CAST(range AS UBIGINT) END AS u64,"
    " CASE WHEN range % 3 <> 1 THEN CAST(range AS REAL) / 4 END AS f32,"
    " CASE WHEN range % 5 <> 1 THEN range / 8.0e0 END AS f64,"
    " CASE WHEN range % 5 <> 1 THEN CAST(range AS VARCHAR) END AS s,"
    " CASE WHEN range % 5 <> 1 THEN 'a longer text: ' || CAST(range AS VARCHAR) END AS t,"
    " CASE WHEN range % 5 <> 1 THEN CAST('blob' AS BLOB) END AS z,"
    " CASE WHEN range % 5 <> 1 THEN DATE '1999-12-31' + CAST(range AS INTEGER) END AS d,"
    " CASE WHEN range % 5 <> 1 THEN TIME '12:34:56.789' END AS tm,"
    " CASE WHEN range % 5 <> 1 THEN TIMESTAMP '1969-12-31 23:59:59.999999' END AS ts,"
    " CASE WHEN range % 5 <> 1 THEN CAST('2020-01-01 00:00:00.000000001' AS TIMESTAMP_NS) END AS "
    "ns,"
    " CASE WHEN range % 5 <> 1 THEN CAST('2020-01-01 00:00:00+00' AS TIMESTAMPTZ) END AS tz,"
    " CASE WHEN range % 5 <> 1 THEN INTERVAL '2 months 3 days' END AS iv,"
    " CASE WHEN range % 5 <> 1 THEN CAST(range AS DECIMAL(9, 2)) - 5 END AS d9,"
    " CASE WHEN range % 5 <> 1 THEN CAST(range AS DECIMAL(30, 3)) - 5 END AS d30,"
    " CASE WHEN range % 5 <> 1 THEN CAST(range AS DECIMAL(60, 10)) - 5 END AS d60,"
    " NULL AS n,"
    " CASE WHEN range % 4 <> 1 THEN [range, NULL, range + 1] END AS l,"
    " CASE WHEN range % 4 <> 2 THEN [['x'], ['a text beyond twelve', NULL]] END AS ll,"
    " CASE WHEN range % 4 <> 3 THEN {'a': range, 'b': [range % 2 = 0]} END AS st,"
    " CASE WHEN range % 4 <> 0 THEN MAP {'k': range, 'l': NULL} END AS m"
    " FROM range(700)";

static bool same_rows(const tn_chunk *a, uint32_t a_from, const tn_chunk *b, uint32_t b_from,
                      uint32_t rows, const tn_schema *schema)
{
    for (uint32_t i = 0; i < a->width; i++) {
        if (a->columns[i].type != b->columns[i].type) {
            test_fail(__FILE__, __LINE__, "column %s is %s, not %s", schema->fields[i].name.data,
                      b->columns[i].type->name.data, a->columns[i].type->name.data);
            return false;
        }
        for (uint32_t row = 0; row < rows; row++) {
            if (tn_column_is_null(&a->columns[i], a_from + row) !=
                    tn_column_is_null(&b->columns[i], b_from + row) ||
                tn_column_compare(&a->columns[i], a_from + row, &b->columns[i], b_from + row) !=
                    0) {
                test_fail(__FILE__, __LINE__, "column %s differs in row %u",
                          schema->fields[i].name.data, row);
                return false;
            }
        }
    }
    return true;
}

TEST(every_type_makes_the_round_trip)
{
    tn_session *session;
    tn_schema schema;
    tn_arena arena;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_arena_init(&arena, pool);
    tn_chunk *chunk = chunk_of(session, &arena, all_types, &schema);
    CHECK(chunk != NULL && chunk->rows == 700);
    for (int views = 0; views < 2; views++) {
        for (uint32_t from = 0; from < 700; from += 320) {
            const tn_arrow_options options = {.views = views != 0};
            const uint32_t rows = 700 - from < 100 ? 700 - from : 100;
            struct ArrowSchema theirs;
            struct ArrowArray array;
            tn_arrow_import *import;
            tn_chunk *back;
            CHECK_EQ(tn_arrow_export_schema(&schema, &options, pool, &theirs, NULL), TARN_OK);
            CHECK_EQ(tn_arrow_export_chunk(chunk, from, rows, &options, pool, &array, NULL),
                     TARN_OK);
            CHECK_EQ(tn_arrow_import_open(&theirs, tn_session_types(session), pool, &import, NULL),
                     TARN_OK);
            theirs.release(&theirs);
            CHECK(theirs.release == NULL);
            CHECK_EQ(tn_arrow_import_array(import, &array, &back, NULL), TARN_OK);
            CHECK(array.release == NULL);
            CHECK_EQ(back->rows, rows);
            CHECK(same_rows(chunk, from, back, 0, rows, &schema));
            tn_chunk_release(back);
            tn_arrow_import_close(import);
        }
    }
    tn_chunk_release(chunk);
    tn_arena_deinit(&arena);
    tn_session_destroy(session);
}

TEST(slices_are_read_at_any_offset)
{
    tn_session *session;
    tn_schema schema;
    tn_arena arena;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_arena_init(&arena, pool);
    tn_chunk *chunk = chunk_of(session, &arena, all_types, &schema);
    CHECK(chunk != NULL);
    for (uint32_t offset = 0; offset < 140; offset += 23) {
        for (int whole = 0; whole < 2; whole++) { /* the batch has the offset, or its columns do */
            const tn_arrow_options options = {.views = offset % 2 == 0};
            struct ArrowSchema theirs;
            struct ArrowArray array;
            tn_arrow_import *import;
            tn_chunk *back;
            CHECK_EQ(tn_arrow_export_schema(&schema, &options, pool, &theirs, NULL), TARN_OK);
            CHECK_EQ(tn_arrow_export_chunk(chunk, 0, 700, &options, pool, &array, NULL), TARN_OK);
            CHECK_EQ(tn_arrow_import_open(&theirs, tn_session_types(session), pool, &import, NULL),
                     TARN_OK);
            theirs.release(&theirs);
            array.length = 77;
            if (whole != 0) {
                array.offset = offset;
            } else {
                for (int64_t i = 0; i < array.n_children; i++) {
                    array.children[i]->offset = offset;
                    array.children[i]->length = 80;
                    array.children[i]->null_count = -1;
                }
            }
            CHECK_EQ(tn_arrow_import_array(import, &array, &back, NULL), TARN_OK);
            CHECK_EQ(back->rows, 77);
            CHECK(same_rows(chunk, offset, back, 0, 77, &schema));
            tn_chunk_release(back);
            tn_arrow_import_close(import);
        }
    }
    tn_chunk_release(chunk);
    tn_arena_deinit(&arena);
    tn_session_destroy(session);
}

/* ---- arrays of others, made by hand ---- */

static int living; /* arrays and schemas that were not released */

static void forget_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
    living--;
}

static void forget_array(struct ArrowArray *array)
{
    array->release = NULL;
    living--;
}

/* One column of one format, with at most four buffers. */
typedef struct foreign {
    struct ArrowSchema schema, column_schema, value_schema;
    struct ArrowSchema *schemas[1], *value_schemas[1];
    struct ArrowArray array, column, values;
    struct ArrowArray *arrays[1], *value_arrays[1];
    const void *none[1], *buffers[4], *value_buffers[3];
} foreign;

static void foreign_init(foreign *f, const char *format, int64_t rows, int64_t buffers)
{
    *f = (foreign){
        .schema = {.format = "+s", .name = "", .n_children = 1, .release = forget_schema},
        .column_schema = {.format = format, .name = "x", .flags = 2, .release = forget_schema},
        .value_schema = {.format = "u", .name = "item", .flags = 2, .release = forget_schema},
        .array = {.length = rows, .n_buffers = 1, .n_children = 1, .release = forget_array},
        .column = {.length = rows, .n_buffers = buffers, .release = forget_array},
        .values = {.length = 0, .n_buffers = 3, .release = forget_array},
    };
    f->schemas[0] = &f->column_schema;
    f->schema.children = f->schemas;
    f->value_schemas[0] = &f->value_schema;
    f->arrays[0] = &f->column;
    f->array.children = f->arrays;
    f->array.buffers = f->none;
    f->value_arrays[0] = &f->values;
    f->column.buffers = f->buffers;
    f->values.buffers = f->value_buffers;
}

/* Imports the column and writes its rows, or the error. */
static void import_foreign(foreign *f, tn_pool *pool, tn_text *out)
{
    tarn_error err = TARN_ERROR_INIT;
    tn_types *types = NULL;
    tn_arrow_import *import = NULL;
    tn_chunk *chunk = NULL;
    struct ArrowArray array = f->array;

    tn_text_clear(out);
    living = 1;
    tarn_code code = tn_types_create(pool, &types, &err);
    if (code == TARN_OK) {
        code = tn_arrow_import_open(&f->schema, types, pool, &import, &err);
    }
    if (code == TARN_OK) {
        code = tn_arrow_import_array(import, &array, &chunk, &err);
    } else {
        array.release(&array);
    }
    if (code != TARN_OK) {
        tn_text_printf(out, "%s: %s", tarn_code_name(code), err.message);
    } else {
        tn_text_printf(out, "%s", chunk->columns[0].type->name.data);
        for (uint32_t row = 0; row < chunk->rows; row++) {
            tn_text_putc(out, row == 0 ? ' ' : ',');
            if (tn_column_is_null(&chunk->columns[0], row)) {
                tn_text_puts(out, "NULL");
            } else {
                tn_text_value(&chunk->columns[0], row, out);
            }
        }
    }
    tn_chunk_release(chunk);
    tn_arrow_import_close(import);
    tn_types_destroy(types);
    if (living != 0) {
        test_fail(__FILE__, __LINE__, "the array was not released");
    }
}

#define CHECK_FOREIGN(f, want)             \
    do {                                   \
        import_foreign(&(f), pool, &text); \
        CHECK_STR(text.data, (want));      \
    } while (0)

TEST(values_of_other_layouts_are_converted)
{
    static const struct {
        const char *format;
        int64_t values[2];
        const char *want;
    } cases[] = {
        {"tss:", {1, -1}, "TIMESTAMP 1970-01-01 00:00:01,1969-12-31 23:59:59"},
        {"tsm:", {1500, -1}, "TIMESTAMP 1970-01-01 00:00:01.5,1969-12-31 23:59:59.999"},
        {"tsn:",
         {1, -1},
         "TIMESTAMP_NS 1970-01-01 00:00:00.000000001,1969-12-31 23:59:59.999999999"},
        {"tsn:Europe/Rome",
         {1999, -1},
         "TIMESTAMP WITH TIME ZONE 1970-01-01 00:00:00.000001+00,1969-12-31 23:59:59.999999+00"},
        {"tss:", {INT64_MAX, 0}, "invalid: column 'x': row 1: the value does not fit TIMESTAMP"},
        {"tdm", {86400000, -1}, "DATE 1970-01-02,1969-12-31"},
        {"ttn", {1000, 2000}, "TIME 00:00:00.000001,00:00:00.000002"},
        {"tDs", {1, 2}, "INTERVAL 00:00:01,00:00:02"},
        {"d:18,2,64", {12345, -1}, "DECIMAL(18,2) 123.45,-0.01"},
        {"l", {1, 2}, "BIGINT 1,2"},
        {"w:8",
         {0x4141414141414141, 0x4242424242424242},
         "BLOB \\x4141414141414141,\\x4242424242424242"},
    };
    foreign f;
    tn_text text;
    unsigned char odd[32];

    tn_text_init(&text, pool, 1 << 16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t shift = 0; shift < 2; shift++) { /* unaligned buffers, too */
            memcpy(odd + shift, cases[i].values, 16);
            foreign_init(&f, cases[i].format, 2, 2);
            f.buffers[1] = odd + shift;
            CHECK_FOREIGN(f, cases[i].want);
        }
    }
    static const uint16_t halves[] = {0x3c00, 0x0001, 0xfc00};
    foreign_init(&f, "e", 3, 2);
    f.buffers[1] = halves;
    CHECK_FOREIGN(f, "REAL 1,5.9604645e-08,-Infinity");
    static const int32_t days_millis[] = {3, 1500};
    foreign_init(&f, "tiD", 1, 2);
    f.buffers[1] = days_millis;
    CHECK_FOREIGN(f, "INTERVAL 3 days 00:00:01.5");
    static const int32_t seconds[] = {1, 2};
    foreign_init(&f, "tts", 2, 2);
    f.buffers[1] = seconds;
    CHECK_FOREIGN(f, "TIME 00:00:01,00:00:02");
    static const int64_t offsets[] = {0, 1, 3};
    foreign_init(&f, "U", 2, 3);
    f.buffers[1] = offsets;
    f.buffers[2] = "abc";
    CHECK_FOREIGN(f, "VARCHAR a,bc");
    static const char uuid[17] = "0123456789abcdef";
    static const char metadata[] = "\1\0\0\0\x14\0\0\0ARROW:extension:name\x0a\0\0\0arrow.uuid";
    foreign_init(&f, "w:16", 1, 2);
    f.column_schema.metadata = metadata;
    f.buffers[1] = uuid;
    CHECK_FOREIGN(f, "VARCHAR 30313233-3435-3637-3839-616263646566");
    tn_text_deinit(&text);
}

TEST(dictionaries_become_their_values)
{
    static const int8_t codes[] = {1, 0, 1, -7, 2};
    static const uint8_t valid[] = {0x17};
    static const uint8_t entries_valid[] = {0x03};
    static const int32_t offsets[] = {0, 1, 21, 21};
    foreign f;
    tn_text text;

    tn_text_init(&text, pool, 1 << 16);
    foreign_init(&f, "c", 5, 2);
    f.column_schema.dictionary = &f.value_schema;
    f.column.dictionary = &f.values;
    f.buffers[0] = valid;
    f.buffers[1] = codes;
    f.column.null_count = -1;
    f.values.length = 3;
    f.values.null_count = 1;
    f.value_buffers[0] = entries_valid;
    f.value_buffers[1] = offsets;
    f.value_buffers[2] = "aa text of 20 letters";
    CHECK_FOREIGN(f, "VARCHAR a text of 20 letters,a,a text of 20 letters,NULL,NULL");
    f.buffers[0] = NULL;
    CHECK_FOREIGN(f, "corrupt: column 'x': row 4: index below 0: 249 into an Arrow dictionary of 3 "
                     "values");
    f.column.length = f.array.length = 3;
    f.values.length = 1;
    CHECK_FOREIGN(f, "corrupt: column 'x': row 1: index 1 into an Arrow dictionary of 1 values");
    tn_text_deinit(&text);
}

TEST(list_views_and_fixed_lists_become_lists)
{
    static const int32_t offsets[] = {2, 0, 9};
    static const int32_t sizes[] = {1, 2, 9};
    static const uint8_t valid[] = {0x03};
    static const int32_t text_offsets[] = {0, 1, 2, 3};
    foreign f;
    tn_text text;

    tn_text_init(&text, pool, 1 << 16);
    for (int fixed = 0; fixed < 2; fixed++) {
        foreign_init(&f, fixed != 0 ? "+w:1" : "+vl", 3, fixed != 0 ? 1 : 3);
        f.column_schema.n_children = f.column.n_children = 1;
        f.column_schema.children = f.value_schemas;
        f.column.children = f.value_arrays;
        f.column.null_count = 1;
        f.buffers[0] = valid;
        f.buffers[1] = offsets;
        f.buffers[2] = sizes;
        f.values.length = 3;
        f.value_buffers[1] = text_offsets;
        f.value_buffers[2] = "abc";
        CHECK_FOREIGN(f, fixed != 0 ? "VARCHAR[] [\"a\"],[\"b\"],NULL"
                                    : "VARCHAR[] [\"c\"],[\"a\",\"b\"],NULL");
    }
    foreign_init(&f, "+vl", 3, 3);
    f.column_schema.n_children = f.column.n_children = 1;
    f.column_schema.children = f.value_schemas;
    f.column.children = f.value_arrays;
    f.buffers[1] = offsets;
    f.buffers[2] = sizes;
    f.values.length = 3;
    f.value_buffers[1] = text_offsets;
    f.value_buffers[2] = "abc";
    CHECK_FOREIGN(f, "corrupt: column 'x': row 3: an Arrow list of 9 elements from 9");
    tn_text_deinit(&text);
}

TEST(damaged_arrays_are_refused)
{
    static const int32_t falling[] = {0, 3, 1};
    static const int32_t negative[] = {-1, 0, 1};
    static const int32_t good[] = {0, 1, 2};
    static const int32_t view[] = {20, 0, 0, 7};
    static const int64_t view_sizes[] = {10};
    foreign f;
    tn_text text;

    tn_text_init(&text, pool, 1 << 16);
    foreign_init(&f, "u", 2, 3);
    f.buffers[1] = falling;
    f.buffers[2] = "abc";
    CHECK_FOREIGN(f, "corrupt: column 'x': Arrow offset 1 follows 3");
    f.buffers[1] = negative;
    CHECK_FOREIGN(f, "corrupt: column 'x': Arrow offset 0 follows -1");
    f.buffers[1] = good;
    f.buffers[2] = "\xc3\xa9";
    CHECK_FOREIGN(f, "corrupt: column 'x': row 1 is no UTF-8");
    f.buffers[2] = NULL;
    CHECK_FOREIGN(f, "corrupt: column 'x': buffer 2 of an Arrow array is NULL");
    f.buffers[1] = NULL;
    CHECK_FOREIGN(f, "corrupt: column 'x': buffer 1 of an Arrow array is NULL");
    f.column.null_count = 1;
    CHECK_FOREIGN(f, "corrupt: column 'x': an Arrow array with nulls has no bitmap");
    f.column.null_count = 3;
    CHECK_FOREIGN(f, "corrupt: column 'x': an Arrow array of length 2, offset 0, null count 3");
    f.column.null_count = 0;
    f.column.length = 1;
    CHECK_FOREIGN(f, "corrupt: column 'x': an Arrow array of 1 rows where its parent needs 2");
    f.column.length = INT64_MAX;
    CHECK_FOREIGN(f, "corrupt: column 'x': an Arrow array of length 9223372036854775807, offset 0, "
                     "null count 0");
    f.column.length = 2;
    f.column.n_buffers = 2;
    CHECK_FOREIGN(f, "corrupt: column 'x': an Arrow array with 2 buffers and 0 children, where its "
                     "type has 3 and 0");
    foreign_init(&f, "vu", 1, 4);
    f.buffers[1] = view;
    f.buffers[2] = "ten bytes.";
    f.buffers[3] = view_sizes;
    CHECK_FOREIGN(f, "corrupt: column 'x': row 1: an Arrow view of 20 bytes at 7 of buffer 0");
    tn_text_deinit(&text);
}

TEST(types_without_a_counterpart_are_refused_by_name)
{
    static const struct {
        const char *format, *want;
    } cases[] = {
        {"+ud:0", "unsupported: column 'x': Arrow's union ('+ud:0') has no type here"},
        {"+r", "unsupported: column 'x': Arrow's run-end encoding ('+r') has no type here"},
        {"d:5,-2", "unsupported: column 'x': Arrow's decimal with a negative scale ('d:5,-2') has "
                   "no type here"},
        {"d:99,2", "unsupported: column 'x': Arrow's decimal of this size ('d:99,2') has no type "
                   "here"},
        {"q", "corrupt: column 'x': 'q' is no Arrow format"},
        {"", "corrupt: column 'x': '' is no Arrow format"},
        {"tsx:", "corrupt: column 'x': 'tsx:' is no Arrow format"},
        {"w:99999999999", "corrupt: column 'x': 'w:99999999999' is no Arrow format"},
        {"+l", "corrupt: column 'x': an Arrow type '+l' with 0 children"},
    };
    foreign f;
    tn_text text;

    tn_text_init(&text, pool, 1 << 16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        foreign_init(&f, cases[i].format, 1, 2);
        CHECK_FOREIGN(f, cases[i].want);
    }
    tn_text_deinit(&text);
}

TEST(columns_may_be_moved_out_and_outlive_their_batch)
{
    tn_session *session;
    tn_schema schema;
    tn_arena arena;
    struct ArrowArray array;
    struct ArrowSchema theirs;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_arena_init(&arena, pool);
    tn_chunk *chunk = chunk_of(session, &arena, all_types, &schema);
    CHECK(chunk != NULL);
    CHECK_EQ(tn_arrow_export_chunk(chunk, 0, 700, NULL, pool, &array, NULL), TARN_OK);
    CHECK_EQ(tn_arrow_export_schema(&schema, NULL, pool, &theirs, NULL), TARN_OK);
    tn_chunk_release(chunk);
    struct ArrowArray moved = *array.children[26];
    array.children[26]->release = NULL;
    array.release(&array);
    struct ArrowSchema moved_schema = *theirs.children[26];
    theirs.children[26]->release = NULL;
    theirs.release(&theirs);
    CHECK_STR(moved_schema.format, "+s");
    CHECK_STR(moved_schema.children[0]->name, "a");
    CHECK_EQ(((const int64_t *)moved.children[0]->buffers[1])[699], 0); /* null: 699 % 4 is 3 */
    CHECK_EQ(((const int64_t *)moved.children[0]->buffers[1])[698], 698);
    moved.release(&moved);
    moved_schema.release(&moved_schema);
    tn_arena_deinit(&arena);
    tn_session_destroy(session);
}

/* ---- streams ---- */

typedef struct feed {
    tn_chunk *chunk;
    int left;
    bool fails, is_closed;
} feed;

static tarn_code feed_next(void *context, tn_chunk **out, tarn_error *err)
{
    feed *f = context;
    *out = NULL;
    if (f->left == 0) {
        return f->fails ? tn_fail(err, TARN_E_CORRUPT, "the disk is bent") : TARN_OK;
    }
    f->left--;
    *out = tn_chunk_retain(f->chunk);
    return TARN_OK;
}

static void feed_close(void *context)
{
    ((feed *)context)->is_closed = true;
}

TEST(streams_make_the_round_trip_and_survive_the_loss_of_any_allocation)
{
    tn_session *session;
    tn_schema schema;
    tn_arena arena;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_arena_init(&arena, tn_session_pool(session));
    tn_chunk *chunk = chunk_of(session, &arena, all_types, &schema);
    CHECK(chunk != NULL);
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        feed f = {.chunk = chunk, .left = 2};
        const tn_arrow_feed source = {&schema, feed_next, feed_close, &f};
        struct ArrowArrayStream stream;
        tn_chunks chunks = {.pool = pool};
        tn_schema back;
        tn_arena names;
        tn_arena_init(&names, pool);
        tarn_code code = tn_arrow_export_stream(&source, NULL, pool, &stream, NULL);
        if (code == TARN_OK) {
            code = tn_arrow_import_stream(&stream, tn_session_types(session), &names, &back,
                                          &chunks, NULL);
            CHECK(stream.release == NULL);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        CHECK(f.is_closed);
        CHECK_EQ(chunks.count, code == TARN_OK ? 2 : 0);
        tn_chunks_free(&chunks);
        tn_arena_deinit(&names);
        CHECK_EQ(pool->used, 0);
    }
    tn_chunk_release(chunk);
    tn_arena_deinit(&arena);
    tn_session_destroy(session);
}

TEST(a_stream_that_fails_says_why)
{
    tn_schema schema = {0, NULL};
    feed f = {.fails = true};
    const tn_arrow_feed source = {&schema, feed_next, feed_close, &f};
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    tarn_error err = TARN_ERROR_INIT;

    CHECK_EQ(tn_arrow_export_stream(&source, NULL, pool, &stream, NULL), TARN_OK);
    CHECK_EQ(stream.get_next(&stream, &array), EIO);
    CHECK_EQ(stream.get_next(&stream, &array), EIO);
    CHECK_STR(stream.get_last_error(&stream), "the disk is bent");
    CHECK(tn_arrow_stream_error(&stream, &err));
    CHECK_EQ(err.code, TARN_E_CORRUPT);
    stream.release(&stream);
    CHECK(f.is_closed);
}
