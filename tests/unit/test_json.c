/* JSON documents: JSONTestSuite, places of errors, repeated names, writing back. */
#include "base/json.h"
#include "support/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static tn_str read_file(const char *path, char *into, size_t room)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return TN_STR_NONE;
    }
    const size_t size = fread(into, 1, room, file);
    (void)fclose(file);
    return (tn_str){into, size};
}

TEST(takes_and_refuses_what_jsontestsuite_says)
{
    static char text[400000];
    char folder[512];
    char path[1024];
    const char *shared = getenv("TARN_SHARED");
    int files = 0;
    (void)snprintf(folder, sizeof(folder), "%s/corpora/formats/json-testsuite/test_parsing",
                   shared == NULL ? "../shared" : shared);
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        printf("SKIPPED: no %s\n", folder);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[1] != '_') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        tn_arena arena;
        tarn_error err = TARN_ERROR_INIT;
        const tn_json *root;
        const tn_str document = read_file(path, text, sizeof(text));
        tn_arena_init(&arena, pool);
        const tarn_code code = tn_json_parse(&arena, document, &root, &err);
        tn_arena_deinit(&arena);
        if (entry->d_name[0] != 'i' && (code == TARN_OK) != (entry->d_name[0] == 'y')) {
            test_fail(__FILE__, __LINE__, "%s: %s", entry->d_name, err.message);
        }
        files++;
    }
    (void)closedir(dir);
    CHECK(files > 300);
}

TEST(members_are_found_and_typed)
{
    tn_arena arena;
    const tn_json *root;
    tn_arena_init(&arena, pool);
    const tn_str text =
        TN_STR("{\"a\": 1, \"b\": {\"c\": \"x\\u00e4\\ud83d\\ude00\\n\"}, \"n\": null,"
               " \"f\": 1.5, \"big\": 9223372036854775808, \"t\": true, \"l\": [1, "
               "[], {}, \"s\"]}");
    CHECK_EQ(tn_json_parse(&arena, text, &root, NULL), TARN_OK);
    CHECK_EQ(root->count, 7);
    CHECK_EQ(tn_json_get_integer(root, "a", 0), 1);
    CHECK(tn_str_equal(tn_json_get_text(tn_json_get(root, "b"), "c", TN_STR_NONE),
                       TN_STR("x\xc3\xa4\xf0\x9f\x98\x80\n")));
    CHECK(tn_json_get(root, "n") == NULL);
    CHECK(tn_json_find(root, TN_STR("n")) != NULL);
    CHECK(tn_json_get(root, "nowhere") == NULL);
    CHECK(tn_json_get(NULL, "a") == NULL);
    CHECK_F64(tn_json_double(tn_json_get(root, "f")), 1.5);
    CHECK(!tn_json_get(root, "big")->is_integer);
    CHECK_F64(tn_json_double(tn_json_get(root, "big")), 9223372036854775808.0);
    CHECK(tn_json_get_bool(root, "t", false));
    CHECK(tn_json_get_bool(root, "a", true));
    const tn_json *list = tn_json_get(root, "l");
    CHECK_EQ(list->count, 4);
    CHECK_EQ(tn_json_first(list)->integer, 1);
    CHECK(tn_str_equal(tn_str_slice(text, list->offset, list->offset + list->size),
                       TN_STR("[1, [], {}, \"s\"]")));
    tn_arena_deinit(&arena);
}

TEST(of_a_repeated_name_the_last_member_counts)
{
    tn_arena arena;
    const tn_json *root;
    tn_text text;
    tn_arena_init(&arena, pool);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(
        tn_json_parse(&arena, TN_STR("{\"a\":1,\"b\":2,\"a\":3,\"b\":4,\"b\":5}"), &root, NULL),
        TARN_OK);
    CHECK_EQ(root->count, 2);
    CHECK_EQ(tn_json_get_integer(root, "a", 0), 3);
    CHECK_EQ(tn_json_get_integer(root, "b", 0), 5);
    for (int i = 0; i < 3000; i++) { /* through the hash table */
        tn_text_printf(&text, "%s\"k%d\":%d", i == 0 ? "{" : ",", i % 1000, i);
    }
    tn_text_puts(&text, "}");
    CHECK_EQ(tn_json_parse(&arena, tn_text_str(&text), &root, NULL), TARN_OK);
    CHECK_EQ(root->count, 1000);
    int i = 2000;
    for (const tn_json *it = root->child; it != NULL; it = it->next) {
        CHECK_EQ(it->integer, i);
        i++;
    }
    CHECK_EQ(i, 3000);
    tn_text_deinit(&text);
    tn_arena_deinit(&arena);
}

TEST(says_where_and_what_was_expected)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"a\": 1,\n \"b\" 2}", "JSON, line 2, column 6: '2' where ':' should follow"},
        {"[1, 2", "JSON, line 1, column 6: the text ends where ',' or ']' should follow"},
        {"", "JSON, line 1, column 1: the text ends where a value should follow"},
        {"[01]", "JSON, line 1, column 2: a number must not begin with 0"},
        {"\"abc", "JSON, line 1, column 1: this string has no closing quote"},
        {"[1]x", "JSON, line 1, column 4: 'x' where the end should follow"},
        {"\"\\ud800\"", "JSON, line 1, column 2: an unpaired surrogate, which no text can hold"},
        {"\"\xc3\xa4\xff\"", "JSON, line 1, column 3: bytes that are no UTF-8"},
        {"{1:2}", "JSON, line 1, column 2: '1' where a member's name in quotes should follow"},
    };
    tn_arena arena;
    tn_arena_init(&arena, pool);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tarn_error err = TARN_ERROR_INIT;
        const tn_json *root;
        CHECK_EQ(tn_json_parse(&arena, tn_str_of(cases[i].text), &root, &err), TARN_E_INVALID);
        CHECK_STR(err.message, cases[i].message);
        CHECK(root == NULL);
    }
    tn_arena_deinit(&arena);
}

TEST(nesting_has_a_limit_and_needs_no_stack)
{
    static char deep[4000];
    tn_arena arena;
    const tn_json *root;
    tn_arena_init(&arena, pool);
    memset(deep, '[', 2000);
    memset(deep + 2000, ']', 2000);
    CHECK_EQ(tn_json_parse(&arena, (tn_str){deep, 4000}, &root, NULL), TARN_E_LIMIT);
    CHECK_EQ(tn_json_parse(&arena, (tn_str){deep + 1000, 2000}, &root, NULL), TARN_OK);
    tn_text text;
    tn_text_init(&text, pool, 1 << 20);
    tn_json_put(&(tn_json_writer){.out = &text}, root);
    CHECK_EQ(text.size, 2000);
    tn_text_deinit(&text);
    tn_arena_deinit(&arena);
}

TEST(writes_what_reads_back)
{
    tn_text text;
    tn_arena arena;
    const tn_json *root;
    tn_text_init(&text, pool, 1 << 20);
    tn_arena_init(&arena, pool);
    tn_json_writer w = {.out = &text};
    tn_json_begin(&w, '{');
    tn_json_name(&w, "a");
    tn_json_put_integer(&w, -3);
    tn_json_name(&w, "b");
    tn_json_begin(&w, '[');
    tn_json_put_double(&w, 0.5);
    tn_json_put_double(&w, -__builtin_inf());
    tn_json_put_null(&w);
    tn_json_put_bool(&w, true);
    tn_json_begin(&w, '{');
    tn_json_end(&w, '}');
    tn_json_end(&w, ']');
    tn_json_name(&w, "c");
    tn_json_put_str(&w, TN_STR("\"\\\n\x01\xff\xc3\xa4/"));
    tn_json_end(&w, '}');
    const char *want = "{\"a\":-3,\"b\":[0.5,\"-Infinity\",null,true,{}],"
                       "\"c\":\"\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa4/\"}";
    CHECK_STR(text.data, want);
    CHECK_EQ(tn_json_parse(&arena, tn_text_str(&text), &root, NULL), TARN_OK);
    tn_text again;
    tn_text_init(&again, pool, 1 << 20);
    tn_json_put(&(tn_json_writer){.out = &again}, root);
    CHECK_STR(again.data, want);
    tn_text_deinit(&again);
    tn_arena_deinit(&arena);
    tn_text_deinit(&text);
}

TEST(json_survives_the_loss_of_any_allocation)
{
    tn_text text;
    tn_text_init(&text, pool, 1 << 20);
    for (int i = 0; i < 400; i++) {
        tn_text_printf(&text, "%s\"k%d\":\"\\u00e4%d\"", i == 0 ? "{" : ",", i, i);
    }
    tn_text_puts(&text, "}");
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tn_arena arena;
        const tn_json *root;
        tn_arena_init(&arena, pool);
        const tarn_code code = tn_json_parse(&arena, tn_text_str(&text), &root, NULL);
        tn_arena_deinit(&arena);
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
    tn_text_deinit(&text);
}
