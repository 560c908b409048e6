/* Reading records of JSON: the forms of files, inference, nested values, bad records. */
#include "format/json/json.h"
#include "support/texts.h"

#include <stdio.h>

static tarn_code read_json(texts *t, tn_str bytes, const tn_json_options *options)
{
    tn_source *source = NULL;
    t->err = (tarn_error)TARN_ERROR_INIT;
    if (!texts_put(t, "t.json", bytes)) {
        return t->err.code;
    }
    tn_object *object = texts_open(t, "t.json");
    if (object == NULL) {
        return t->err.code;
    }
    tarn_code code = tn_json_open(object, true, options, t->types, t->pool, &source, &t->err);
    if (code != TARN_OK) {
        tn_object_close(object);
        return code;
    }
    texts_describe(t, source);
    code = texts_scan(t, source, NULL, 0);
    tn_source_release(source);
    return code;
}

static const struct {
    const char *text, *schema, *rows;
} forms[] = {
    {"{\"a\":1,\"b\":\"x\"}\n{\"a\":-2,\"b\":null}\n", "a BIGINT, b VARCHAR", "1|x\n-2|~\n"},
    {"[{\"a\":1},{\"a\":2.5}\n,{\"a\":null}]\n", "a DOUBLE", "1\n2.5\n~\n"},
    {"{\n \"a\": 1\n}\n{\n \"a\": 2\n}", "a BIGINT", "1\n2\n"},
    {"\xef\xbb\xbf{\"a\":1}", "a BIGINT", "1\n"},
    {"{\"d\":\"2026-01-31\",\"t\":\"2026-01-31T13:05:00Z\",\"u\":\"13:05:00\"}\n",
     "d DATE, t TIMESTAMP WITH TIME ZONE, u TIME", "2026-01-31|2026-01-31 13:05:00+00|13:05:00\n"},
    {"{\"t\":\"2026-01-31T13:05:00\"}\n", "t TIMESTAMP", "2026-01-31 13:05:00\n"},
    {"{\"t\":\"2026-01-31T13:05:00\"}\n{\"t\":\"2026-01-31T13:05:00+02\"}\n",
     "t TIMESTAMP WITH TIME ZONE", "2026-01-31 13:05:00+00\n2026-01-31 11:05:00+00\n"},
    {"{\"a\":[1,2]}\n{\"a\":[]}\n{\"a\":null}\n{\"a\":[null,3]}\n", "a BIGINT[]",
     "[1,2]\n[]\n~\n[null,3]\n"},
    {"{\"s\":{\"x\":1,\"y\":\"p\"}}\n{\"s\":{\"y\":\"q\"}}\n{}\n", "s STRUCT(x BIGINT, y VARCHAR)",
     "{\"x\":1,\"y\":\"p\"}\n{\"x\":null,\"y\":\"q\"}\n~\n"},
    {"{\"l\":[{\"k\":[1]},{\"k\":[2,3]}]}\n{\"l\":[{}]}\n", "l STRUCT(k BIGINT[])[]",
     "[{\"k\":[1]},{\"k\":[2,3]}]\n[{\"k\":null}]\n"},
    {"{\"m\":1}\n{\"m\":\"x\"}\n{\"m\":[1, 2]}\n{\"m\":{\"a\":1}}\n", "m VARCHAR",
     "1\nx\n[1, 2]\n{\"a\":1}\n"},
    {"{\"a\":1,\"a\":2}\n", "a BIGINT", "2\n"},
    {"{\"b\":2,\"a\":1}\n{\"a\":3,\"c\":4}\n", "b BIGINT, a BIGINT, c BIGINT", "2|1|~\n~|3|4\n"},
    {"{\"a\\u00e4\":\"x\\ny\\u00e4\\ud83d\\ude00\"}\n", "a\xc3\xa4 VARCHAR",
     "x\ny\xc3\xa4\xf0\x9f\x98\x80\n"},
    {"1\n2\n", "json BIGINT", "1\n2\n"},
    {"[1, 2]\n[3]\n", "json BIGINT[]", "[1,2]\n[3]\n"},
    {"{\"a\":true,\"big\":18446744073709551616}\n\n  {\"a\":false,\"big\":1}  \n",
     "a BOOLEAN, big DECIMAL(38,0)", "true|18446744073709551616\nfalse|1\n"},
    {"{\"a\":9007199254740992,\"b\":9007199254740993}\n{\"a\":0.5,\"b\":0.5}\n",
     "a DOUBLE, b VARCHAR", "9007199254740992|9007199254740993\n0.5|0.5\n"},
    {"{\"a\":100000000000000000000000000000000000000}\n", "a VARCHAR",
     "100000000000000000000000000000000000000\n"},
    {"[]", NULL,
     "opening 'memory://texts/t.json' as JSON: there is no record to take columns "
     "from"},
    {"", NULL, "opening 'memory://texts/t.json' as JSON: there is no record to take columns from"},
    {"{\"a\":1}\n{\"a\":}\n", NULL, "'memory://texts/t.json', line 2: it is no valid JSON"},
    {"{\"a\":1}\n{\"a\":2\n", NULL, "'memory://texts/t.json', line 2: it is no valid JSON"},
    {"{\"a\":1}\n\n{\"a\":1} x\n", NULL,
     "'memory://texts/t.json', line 3: something follows the record"},
    {"{\"a\":\"\xff\"}\n{\"a\":\"b\"}\n", NULL,
     "'memory://texts/t.json', line 1: '{\"a\":\"\\xFF\"}': bytes that are no UTF-8"},
};

TEST(records_are_read_whatever_their_form)
{
    texts t;
    CHECK(texts_start(&t, pool));
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const tarn_code code = read_json(&t, tn_str_of(forms[i].text), NULL);
        if (forms[i].schema == NULL) {
            CHECK(code != TARN_OK);
            CHECK_STR(t.err.message, forms[i].rows);
            continue;
        }
        CHECK_STR(t.err.message, "");
        CHECK_STR(t.schema.data, forms[i].schema);
        CHECK_STR(t.out.data, forms[i].rows);
    }
    texts_stop(&t);
}

TEST(declared_json_types_are_kept)
{
    texts t;
    const tn_type *types[4];
    CHECK(texts_start(&t, pool));
    static const char *const names[] = {"DECIMAL(6,2)", "MAP(VARCHAR, INTEGER)", "BLOB",
                                        "STRUCT(a TINYINT, b DATE)"};
    tn_field columns[4];
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(tn_types_parse(t.types, tn_str_of(names[i]), &types[i], &t.err), TARN_OK);
        columns[i] = (tn_field){(tn_str){&"dmbs"[i], 1}, types[i], true};
    }
    const tn_json_options options = {.columns = columns, .column_count = 4};
    CHECK_EQ(read_json(&t,
                       TN_STR("{\"d\":1.5,\"m\":{\"x\":1,\"y\":null},\"b\":\"AP8=\",\"s\":{\"a\":"
                              "7,\"b\":\"2026-01-31\",\"c\":[{}]},\"other\":{\"deep\":[1,\"]\"]}}\n"
                              "{\"d\":\"-2.25\",\"m\":{},\"b\":\"\",\"s\":null}\n"),
                       &options),
             TARN_OK);
    CHECK_STR(t.out.data, "1.50|{\"x\":1,\"y\":null}|\\x00ff|{\"a\":7,\"b\":\"2026-01-31\"}\n"
                          "-2.25|{}|\\x|~\n");
    CHECK_EQ(read_json(&t, TN_STR("{\"s\":{\"a\":300}}\n"), &options), TARN_E_INVALID);
    CHECK_STR(t.err.message, "'memory://texts/t.json', line 1, column 's': '300' is not a TINYINT: "
                             "it does not fit the type");
    CHECK_EQ(read_json(&t, TN_STR("{\"s\":[1]}\n"), &options), TARN_E_INVALID);
    CHECK(strstr(t.err.message, "an object is expected") != NULL);
    texts_stop(&t);
}

TEST(bad_json_records_go_to_the_edge)
{
    texts t;
    CHECK(texts_start(&t, pool));
    const tn_field columns[] = {{TN_STR("a"), TN_BIGINT, true}};
    const tn_json_options options = {.columns = columns, .column_count = 1};
    t.with_rejects = true;
    t.virtuals = TN_VIRTUAL_ROW | TN_VIRTUAL_LINE;
    CHECK_EQ(read_json(&t,
                       TN_STR("{\"a\":1}\n{\"a\":\"x\"}\n\n[1]\n{\"a\":\"\xff\"}\n{\"a\":5}\n{\"a\""
                              ":\n"),
                       &options),
             TARN_OK);
    CHECK_STR(t.out.data, "1|1|1\n5|5|6\n");
    CHECK_STR(t.rejects.data, "2 2 a [{\"a\":\"x\"}] 'x' is not a BIGINT: it is no whole number\n"
                              "4 3  [[1]] a record is an object\n"
                              "5 4  [{\"a\":\"\xff\"}] bytes that are no UTF-8\n"
                              "7 6  [{\"a\":] it is no valid JSON\n");
    texts_stop(&t);
}

TEST(morsels_of_json_meet)
{
    texts t;
    tn_text text;
    tn_text want;
    CHECK(texts_start(&t, pool));
    tn_text_init(&text, pool, 1 << 26);
    tn_text_init(&want, pool, 1 << 26);
    for (int i = 0; i < 20000; i++) {
        tn_text_printf(&text, "{\"id\":%d,\"tags\":[\"t%d\",\"%0*d\"],\"v\":%d.25}\n", i, i % 7,
                       i % 300, i, i);
        tn_text_printf(&want, "%d|[\"t%d\",\"%0*d\"]|%d.25\n", i, i % 7, i % 300, i, i);
    }
    for (uint32_t tasks = 1; tasks <= 3; tasks += 2) {
        const tn_json_options options = {.morsel_size = 100000};
        t.tasks = tasks;
        CHECK_EQ(read_json(&t, tn_text_str(&text), &options), TARN_OK);
        CHECK_STR(t.schema.data, "id BIGINT, tags VARCHAR[], v DOUBLE");
        CHECK(tn_str_equal(tn_text_str(&t.out), tn_text_str(&want)));
    }
    /* the same in an array, over many blocks */
    tn_text array;
    tn_text_init(&array, pool, 1 << 26);
    tn_text_puts(&array, "[");
    for (size_t i = 0; i < text.size; i++) {
        tn_text_putc(&array, text.data[i]);
        if (text.data[i] == '\n' && i + 1 < text.size) {
            tn_text_puts(&array, " ,\n ");
        }
    }
    tn_text_puts(&array, "]\n");
    CHECK_EQ(read_json(&t, tn_text_str(&array), NULL), TARN_OK);
    CHECK(tn_str_equal(tn_text_str(&t.out), tn_text_str(&want)));
    tn_text_deinit(&array);
    tn_text_deinit(&want);
    tn_text_deinit(&text);
    texts_stop(&t);
}

TEST(one_large_record_is_sampled_whole)
{
    texts t;
    tn_text text;
    CHECK(texts_start(&t, pool));
    tn_text_init(&text, pool, 1 << 26);
    tn_text_puts(&text, "{\n\"points\":[");
    for (int i = 0; i < 200000; i++) {
        tn_text_printf(&text, "%s{\"x\":%d}", i == 0 ? "" : ",", i);
    }
    tn_text_puts(&text, "]}\n");
    CHECK(text.size > 2 << 20);
    CHECK_EQ(read_json(&t, tn_text_str(&text), NULL), TARN_OK);
    CHECK_STR(t.schema.data, "points STRUCT(x BIGINT)[]");
    CHECK_EQ(t.out.size, text.size - strlen("{\n\"points\":}"));
    tn_text_deinit(&text);
    texts_stop(&t);
}

TEST(json_lines_survive_the_loss_of_any_allocation)
{
    texts t;
    CHECK(texts_start(&t, pool));
    CHECK(texts_put(&t, "t.json", TN_STR("{\"a\":[{\"b\":1}],\"c\":\"x\"}\n{\"a\":null}\n")));
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tn_source *source = NULL;
        tn_object *object = texts_open(&t, "t.json");
        tarn_code code = object == NULL
                             ? TARN_E_NOMEM
                             : tn_json_open(object, true, NULL, t.types, pool, &source, &t.err);
        if (object != NULL && code != TARN_OK) {
            tn_object_close(object);
        }
        if (code == TARN_OK) {
            code = texts_scan(&t, source, NULL, 0);
            tn_source_release(source);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        if (oom.refused) {
            tn_text_deinit(&t.out);
            tn_text_init(&t.out, pool, 1 << 30);
        }
    }
    texts_stop(&t);
}
