/* Writing CSV and JSON: every type, what needs quotes, groups, and reading it back. */
#include "base/json.h"
#include "format/json/json.h"
#include "support/texts.h"

typedef tarn_code open_fn(tn_upload *upload, const tn_schema *schema,
                          const tn_writer_options *options, tn_pool *pool, tn_file_writer **out,
                          tarn_error *err);

/* Three rows, twice: as one group and as another. */
static tarn_code write_sample(texts *t, open_fn *open, const tn_writer_options *options, int groups,
                              tn_file_receipt *receipt)
{
    static const int32_t numbers[] = {1, -2, 3};
    static const double floats[] = {0.5, 0, 1e30};
    static const uint64_t validity = 5;
    static const int32_t days[] = {0, 1, 20484};
    tn_view strings[3] = {tn_view_of("a,\"b\"\n", 6), tn_view_of("", 0),
                          tn_view_of("plain \xc3\xa4 and long enough", 24)};
    static const tn_list heads[] = {{0, 2}, {2, 0}, {2, 1}};
    const tn_column element = {
        .type = TN_INTEGER, .lane = TN_LANE_i32, .rows = 3, .values = numbers};
    const tn_type *list;
    tarn_code code = TARN_OK;
    tn_upload *upload = NULL;
    tn_file_writer *writer = NULL;
    tn_outcome outcome;
    TN_TRY(tn_types_list(t->types, TN_INTEGER, &list, &t->err));
    const tn_column columns[] = {
        {.type = TN_INTEGER, .lane = TN_LANE_i32, .rows = 3, .values = numbers},
        {.type = TN_DOUBLE,
         .lane = TN_LANE_f64,
         .rows = 3,
         .values = floats,
         .validity = &validity},
        {.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = 3, .values = strings},
        {.type = TN_DATE, .lane = TN_LANE_i32, .rows = 3, .values = days},
        {.type = list, .lane = TN_LANE_list, .rows = 3, .values = heads, .children = &element}};
    const tn_field fields[] = {{TN_STR("i"), TN_INTEGER, true},
                               {TN_STR("f"), TN_DOUBLE, true},
                               {TN_STR("a \"name\""), TN_VARCHAR, true},
                               {TN_STR("d"), TN_DATE, true},
                               {TN_STR("l"), list, true}};
    const tn_schema schema = {5, fields};
    const tn_batch batch = {.columns = columns, .width = 5, .rows = 3, .selected = 3};
    TN_TRY(tn_upload_create(t->store, TN_STR("out"), t->pool, NULL, &upload, &t->err));
    TN_TRY(open(upload, &schema, options, t->pool, &writer, &t->err));
    for (int i = 0; i < groups; i++) {
        tn_group_writer *group;
        bool taken = false;
        TN_TRY(writer->ops->group_begin(writer, t->pool, 0, &group, &t->err));
        code = writer->ops->group_write(group, &batch, &t->err);
        if (code != TARN_OK) {
            writer->ops->group_abort(group);
            goto done;
        }
        while (!taken) {
            TN_TRY(writer->ops->group_end(group, NULL, &taken, &t->err));
        }
    }
    TN_TRY(writer->ops->finish(writer, &t->arena, receipt, &t->err));
    code = tn_upload_finish(upload, NULL, &outcome, &t->err);
    upload = NULL;
done:
    if (writer != NULL) {
        writer->ops->destroy(writer);
    }
    tn_upload_abort(upload);
    return code;
}

static bool written_is(texts *t, const char *want, uint64_t bytes)
{
    tn_buffer *buffer;
    if (tn_store_get(t->store, TN_STR("out"), 1 << 20, t->pool, &buffer, NULL, &t->err) !=
        TARN_OK) {
        return false;
    }
    const tn_str got = {(const char *)buffer->data, buffer->size};
    const bool same = tn_str_equal(got, tn_str_of(want)) && bytes == got.size;
    if (!same) {
        test_fail(__FILE__, __LINE__, "written is\n%.*s", TN_STR_ARGS(got));
    }
    tn_buffer_release(buffer);
    return same;
}

TEST(csv_is_written_so_that_it_reads_back)
{
    texts t;
    tn_file_receipt receipt;
    CHECK(texts_start(&t, pool));
    CHECK_EQ(write_sample(&t, tn_csv_writer_open, NULL, 2, &receipt), TARN_OK);
    CHECK_EQ(receipt.rows, 6);
#define CSV_ROWS                                      \
    "1,0.5,\"a,\"\"b\"\"\n\",1970-01-01,\"[1,-2]\"\n" \
    "-2,,\"\",1970-01-02,[]\n"                        \
    "3,1e+30,plain \xc3\xa4 and long enough,2026-01-31,[3]\n"
    CHECK(written_is(&t, "i,f,\"a \"\"name\"\"\",d,l\n" CSV_ROWS CSV_ROWS, receipt.bytes));
    const tn_writer_options options = {
        .delimiter = ';', .null_text = TN_STR("NA"), .no_header = true};
    CHECK_EQ(write_sample(&t, tn_csv_writer_open, &options, 1, &receipt), TARN_OK);
    CHECK(written_is(&t,
                     "1;0.5;\"a,\"\"b\"\"\n\";1970-01-01;[1,-2]\n-2;NA;\"\";1970-01-02;[]\n"
                     "3;1e+30;plain \xc3\xa4 and long enough;2026-01-31;[3]\n",
                     receipt.bytes));
    CHECK_EQ(write_sample(&t, tn_csv_writer_open, NULL, 0, &receipt), TARN_OK);
    CHECK(written_is(&t, "i,f,\"a \"\"name\"\"\",d,l\n", receipt.bytes));
    texts_stop(&t);
}

TEST(json_is_written_by_lines_and_as_an_array)
{
    texts t;
    tn_file_receipt receipt;
    CHECK(texts_start(&t, pool));
#define NAME "\"a \\\"name\\\"\""
#define ROW1 "{\"i\":1,\"f\":0.5," NAME ":\"a,\\\"b\\\"\\n\",\"d\":\"1970-01-01\",\"l\":[1,-2]}"
#define ROW2 "{\"i\":-2,\"f\":null," NAME ":\"\",\"d\":\"1970-01-02\",\"l\":[]}"
#define ROW3                     \
    "{\"i\":3,\"f\":1e+30," NAME \
    ":\"plain \xc3\xa4 and long enough\",\"d\":\"2026-01-31\",\"l\":[3]}"
    CHECK_EQ(write_sample(&t, tn_json_lines_writer_open, NULL, 1, &receipt), TARN_OK);
    CHECK(written_is(&t, ROW1 "\n" ROW2 "\n" ROW3 "\n", receipt.bytes));
    CHECK_EQ(write_sample(&t, tn_json_array_writer_open, NULL, 2, &receipt), TARN_OK);
    CHECK(written_is(&t, "[\n" ROW1 ",\n" ROW2 ",\n" ROW3 ",\n" ROW1 ",\n" ROW2 ",\n" ROW3 "\n]\n",
                     receipt.bytes));
    CHECK_EQ(write_sample(&t, tn_json_array_writer_open, NULL, 0, &receipt), TARN_OK);
    CHECK(written_is(&t, "[\n\n]\n", receipt.bytes));
    texts_stop(&t);
}

TEST(compressed_text_reads_back)
{
    static const char *const codecs[] = {"gzip", "zstd", "gzip", "zstd"};
    static const char *const keys[] = {"t.csv.gz", "t.csv.zst", "g.csv", "z.dat"}; /* sniffed */
    texts t;
    tn_file_receipt receipt;
    CHECK(texts_start(&t, pool));
    for (int i = 0; i < 4; i++) {
        const tn_writer_options options = {.codec = tn_str_of(codecs[i])};
        tn_source *source;
        CHECK_EQ(write_sample(&t, tn_csv_writer_open, &options, 3, &receipt), TARN_OK);
        tn_buffer *buffer;
        CHECK_EQ(tn_store_get(t.store, TN_STR("out"), 1 << 20, pool, &buffer, NULL, NULL), TARN_OK);
        CHECK(texts_put(&t, keys[i], (tn_str){(const char *)buffer->data, buffer->size}));
        tn_buffer_release(buffer);
        CHECK_EQ(tn_csv_open(texts_open(&t, keys[i]), true, NULL, t.types, pool, &source, &t.err),
                 TARN_OK);
        const uint32_t fields[] = {3, 0, 0};
        t.virtuals = TN_VIRTUAL_LINE;
        CHECK_EQ(texts_scan(&t, source, fields, 3), TARN_OK);
        CHECK_STR(t.out.data,
                  "1970-01-01|1|1|2\n1970-01-02|-2|-2|4\n2026-01-31|3|3|5\n1970-01-01|1|1|6\n"
                  "1970-01-02|-2|-2|8\n2026-01-31|3|3|9\n1970-01-01|1|1|10\n"
                  "1970-01-02|-2|-2|12\n2026-01-31|3|3|13\n");
        tn_source_release(source);
    }
    texts_stop(&t);
}

TEST(writers_survive_the_loss_of_any_allocation)
{
    static open_fn *const writers[] = {tn_csv_writer_open, tn_json_array_writer_open};
    texts t;
    CHECK(texts_start(&t, pool));
    for (int i = 0; i < 2; i++) {
        const tn_writer_options options = {.codec = i == 0 ? TN_STR("zstd") : TN_STR_NONE};
        for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
            tn_file_receipt receipt;
            const tarn_code code = write_sample(&t, writers[i], &options, 2, &receipt);
            CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        }
    }
    texts_stop(&t);
}
