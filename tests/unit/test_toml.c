/* TOML: values, places, all mistakes of a document at once. */
#include "base/toml.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>

static const char sample[] = "# a pipeline\n"
                             "title = \"caf\\u00e9 \\\"x\\\"\"\n"
                             "'odd key' = 'C:\\temp'\n"
                             "[numbers]\n"
                             "a = 1_000\n"
                             "b = 0xff # comment\n"
                             "c = -0.5e3\n"
                             "d = inf\n"
                             "e.f.g = true\n"
                             "[[source]]\n"
                             "id = \"raw\"\n"
                             "uri = [ \"a\", # one\n"
                             "        \"b\", ]\n"
                             "columns = { x = \"INTEGER\", y.z = 2001-01-31 }\n"
                             "[[source]]\n"
                             "at = 2001-01-31 13:05:00.5Z\n"
                             "sql = \"\"\"\n"
                             "SELECT \\\n"
                             "   a,\n"
                             "  b\"\"\"\n"
                             "[source.format]\n"
                             "type = 'csv'\r\n";

TEST(reads_values_of_every_kind)
{
    tn_arena arena;
    const tn_toml *root;
    tarn_error err = TARN_ERROR_INIT;
    tn_arena_init(&arena, pool);
    CHECK_EQ(tn_toml_parse(&arena, TN_STR(sample), &root, &err), TARN_OK);
    CHECK(tn_str_equal(tn_toml_get(root, "title")->text, TN_STR("caf\xc3\xa9 \"x\"")));
    CHECK(tn_str_equal(tn_toml_get(root, "odd key")->text, TN_STR("C:\\temp")));
    const tn_toml *numbers = tn_toml_get(root, "numbers");
    CHECK_EQ(tn_toml_get(numbers, "a")->integer, 1000);
    CHECK_EQ(tn_toml_get(numbers, "b")->integer, 255);
    CHECK_F64(tn_toml_get(numbers, "c")->number, -500);
    CHECK_EQ(tn_toml_get(numbers, "d")->kind, TN_TOML_FLOAT);
    CHECK(tn_toml_get(tn_toml_get(tn_toml_get(numbers, "e"), "f"), "g")->boolean);
    const tn_toml *source = tn_toml_get(root, "source")->child;
    CHECK_EQ(tn_toml_get(root, "source")->count, 2);
    CHECK_EQ(tn_toml_get(source, "uri")->count, 2);
    CHECK_EQ(tn_toml_get(source, "uri")->child->next->line, 13);
    CHECK_EQ(tn_toml_get(tn_toml_get(tn_toml_get(source, "columns"), "y"), "z")->kind,
             TN_TOML_DATE);
    source = source->next;
    CHECK_EQ(tn_toml_get(source, "at")->kind, TN_TOML_DATETIMETZ);
    const tn_toml *sql = tn_toml_get(source, "sql");
    CHECK(tn_str_equal(sql->text, TN_STR("SELECT a,\n  b")));
    CHECK(tn_str_equal(tn_toml_get(tn_toml_get(source, "format"), "type")->text, TN_STR("csv")));
    CHECK_EQ(sql->key_line, 17);
    CHECK_EQ(sql->column, 7);
    tn_arena_deinit(&arena);
}

TEST(places_inside_a_text_follow_trimmed_lines)
{
    tn_arena arena;
    const tn_toml *root;
    uint32_t line;
    uint32_t column;
    tn_arena_init(&arena, pool);
    CHECK_EQ(tn_toml_parse(&arena, TN_STR(sample), &root, NULL), TARN_OK);
    const tn_toml *sql = tn_toml_get(tn_toml_get(root, "source")->last, "sql");
    tn_toml_place(TN_STR(sample), sql, 7, &line, &column); /* the a */
    CHECK_EQ(line, 19);
    CHECK_EQ(column, 4);
    tn_toml_place(TN_STR(sample), sql, 12, &line, &column); /* the b */
    CHECK_EQ(line, 20);
    CHECK_EQ(column, 3);
    tn_arena_deinit(&arena);
}

TEST(every_mistake_of_a_document_is_found)
{
    static const char text[] = "a = 1\n"
                               "a = 2\n"
                               "b = tru\n"
                               "c = \"no end\n"
                               "d = 2001-02-30\n"
                               "[t]\n"
                               "x = [1, 2\n"
                               "y = 07\n"
                               "[t]\n"
                               "z = 1 2\n"
                               "[[a]]\n"
                               "= 3\n"
                               "u = \"\\q\"\n"
                               "v = 99999999999999999999\n";
    static const struct {
        uint32_t line, column;
        const char *message;
    } want[] = {
        {2, 1, "'a' has a value already, on line 1"},
        {3, 5, "'tru' is no value; a text stands in quotes"},
        {4, 12, "the string does not end on its line; use three quotes for long ones"},
        {5, 5, "'2001-02-30' is no date or time"},
        {7, 5, "the array that begins here has no end: ']' is missing"},
        {8, 5, "'07' is no number or date"},
        {9, 2, "the table 't' is there already, on line 6"},
        {10, 7, "something stands behind the end of the value"},
        {11, 3, "'a' is no list of tables: see line 1"},
        {13, 6, "there is no such escape; a backslash itself is \\\\, or use '...' quotes"},
        {14, 5, "this number is too large"},
    };
    tn_arena arena;
    tn_toml_document read;
    tn_arena_init(&arena, pool);
    CHECK_EQ(tn_toml_read(&arena, TN_STR(text), &read, NULL), TARN_OK);
    for (size_t i = 0; i < read.fault_count && i < sizeof(want) / sizeof(want[0]); i++) {
        char got[300];
        (void)snprintf(got, sizeof(got), "%.*s", TN_STR_ARGS(read.faults[i].message));
        CHECK_STR(got, want[i].message);
        CHECK_EQ(read.faults[i].line, want[i].line);
        CHECK_EQ(read.faults[i].column, want[i].column);
    }
    CHECK_EQ(read.fault_count, sizeof(want) / sizeof(want[0]));
    tn_arena_deinit(&arena);
}

TEST(an_array_without_end_is_told_where_it_begins)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *message;
    } bad[] = {
        {"a = 1\nx = [\n  \"a\",\n  \"b\"\n\n[t]\nb = 2\n", 2, 5,
         "the array that begins here has no end: ']' is missing"},
        {"x = [1, [2, 3], # none\n[[t]]\nb = 2\n", 1, 5,
         "the array that begins here has no end: ']' is missing"},
        {"x = [1, [2, 3\ny = 4\n", 1, 9, "the array that begins here has no end: ']' is missing"},
        {"x = [1,\n[2],\n[true],\n  3", 1, 5,
         "the array that begins here has no end: ']' is missing"},
        {"x = [\n  1\n  2\n]\n", 3, 3, "',' or ']' is missing"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tn_arena arena;
        tn_toml_document read;
        char got[300] = "";
        tn_arena_init(&arena, pool);
        CHECK_EQ(tn_toml_read(&arena, tn_str_of(bad[i].text), &read, NULL), TARN_OK);
        CHECK_EQ(read.fault_count, 1);
        if (read.fault_count == 1) {
            (void)snprintf(got, sizeof(got), "%.*s", TN_STR_ARGS(read.faults[0].message));
            CHECK_EQ(read.faults[0].line, bad[i].line);
            CHECK_EQ(read.faults[0].column, bad[i].column);
        }
        CHECK_STR(got, bad[i].message);
        tn_arena_deinit(&arena);
    }
}

TEST(documents_that_toml_refuses)
{
    static const char *const bad[] = {"a",
                                      "a =",
                                      "= 1",
                                      "a = 01",
                                      "a = 1_",
                                      "a = _1",
                                      "a = 1__0",
                                      "a = .5",
                                      "a = 5.",
                                      "a = 0x",
                                      "a = 0xg",
                                      "a = +0x1",
                                      "a = 1e",
                                      "a = tRue",
                                      "a = 13:60:00",
                                      "a = 2001-13-01",
                                      "a = [1",
                                      "a = {b = 1",
                                      "a = {b = 1,}",
                                      "a = {b = 1\n}",
                                      "a = '\x01'",
                                      "a = \"\\ud800\"",
                                      "a = \"\\u12\"",
                                      "a = '''x",
                                      "a.b = 1\na = 2",
                                      "a = 1\na.b = 2",
                                      "[a]\n[a]",
                                      "[a",
                                      "[[a]",
                                      "[]",
                                      "a = {b = 1}\n[a.c]",
                                      "a = [{b = 1}]\n[[a]]",
                                      "[a]\nb.c = 1\n[a.b]",
                                      "\xff",
                                      "a = 1 # \x01",
                                      "a = \"\"\"x\"\"\"\"\"\"",
                                      "a b = 1",
                                      "\"\"\"a\"\"\" = 1",
                                      "a = 2001-01-31T",
                                      "a = 1979-05-27 7:32:00"};
    tn_arena arena;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tarn_error err = TARN_ERROR_INIT;
        const tn_toml *root;
        tn_arena_init(&arena, pool);
        if (tn_toml_parse(&arena, tn_str_of(bad[i]), &root, &err) != TARN_E_INVALID) {
            test_fail(__FILE__, __LINE__, "taken: %s", bad[i]);
        }
        tn_arena_deinit(&arena);
    }
}

TEST(documents_that_toml_takes)
{
    static const char *const good[] = {"",
                                       "\n\n# only\n",
                                       ("\xef\xbb\xbf"
                                        "a = 1"),
                                       "a = []",
                                       "a = {}",
                                       "a = [[],[1,[2]],]",
                                       "a = \"\"",
                                       "a = ''",
                                       "a = \"\"\"\"\"\"",
                                       "a = \"\"\"\"q\"\"\"\"\"",
                                       "a = '''\n'x'''",
                                       "a = +0",
                                       "a = -0.0",
                                       "a = 0",
                                       "a = 0o17",
                                       "a = 0b11",
                                       "a = nan",
                                       "a = -inf",
                                       "a = 00:00:00",
                                       "a = 2000-02-29t01:02:03+05:30",
                                       "1 = 1",
                                       "a.b.c = 1\na.b.d = 2",
                                       "[a.b]\n[a]\nc = 1",
                                       "[a]\n[a.b]\n[a.c]",
                                       "[[a]]\n[a.b]\n[[a]]\n[a.b]",
                                       "\"\" = 1",
                                       "a = 1\r\nb = 2\r\n",
                                       "a = [\n# c\n1,\n2 # d\n]",
                                       "'a b'.\"c\" = 1",
                                       "a = { b.c = 1 }"};
    tn_arena arena;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        tarn_error err = TARN_ERROR_INIT;
        const tn_toml *root;
        tn_arena_init(&arena, pool);
        if (tn_toml_parse(&arena, tn_str_of(good[i]), &root, &err) != TARN_OK) {
            test_fail(__FILE__, __LINE__, "refused: %s: %s", good[i], err.message);
        }
        tn_arena_deinit(&arena);
    }
}

TEST(nesting_has_a_limit)
{
    char text[1024] = "a = ";
    tn_arena arena;
    const tn_toml *root;
    memset(text + 4, '[', 500);
    tn_arena_init(&arena, pool);
    CHECK_EQ(tn_toml_parse(&arena, (tn_str){text, 504}, &root, NULL), TARN_E_INVALID);
    tn_arena_deinit(&arena);
}

TEST(a_document_survives_the_loss_of_any_allocation)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tn_arena arena;
        const tn_toml *root;
        tn_arena_init(&arena, pool);
        CHECK_EQ(tn_toml_parse(&arena, TN_STR(sample), &root, NULL),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
        tn_arena_deinit(&arena);
    }
}
