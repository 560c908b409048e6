#include "support/check.h"
#include "table/listing/listing_internal.h"

#include <stdio.h>

TEST(stars_stay_in_their_folder_and_double_stars_do_not)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"a/*.csv", "a/b.csv", true},
        {"a/*.csv", "a/b/c.csv", false},
        {"a/**/*.csv", "a/b/c.csv", true},
        {"a/**/*.csv", "a/c.csv", true},
        {"a/**", "a/b/c/d", true},
        {"*", "", true},
        {"?", "", false},
        {"a?c", "abc", true},
        {"a?c", "a/c", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[]]x", "]x", true},
        {"y=*/m=*/f", "y=1/m=2/f", true},
        {"*a*b*c", "xxaxxbxxbxxc", true},
        {"*a*b*c", "xxaxxcxx", false},
        {"**/x/*/z", "a/x/b/x/c/z", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (tn_glob_matches(tn_str_of(cases[i].pattern), tn_str_of(cases[i].text)) !=
            cases[i].matches) {
            test_fail(__FILE__, __LINE__, "%s against %s", cases[i].pattern, cases[i].text);
        }
    }
}

/* ---- what is there is a name ---- */

typedef struct lake {
    tn_stores *stores;
    tn_store *store;
    uint32_t lists, heads;
    bool gone; /* nobody answers */
} lake;

static tn_fault note(void *context, tn_store_operation operation, tn_str key)
{
    lake *at = context;
    (void)key;
    at->lists += operation == TN_STORE_LIST;
    at->heads += operation == TN_STORE_OPEN;
    return at->gone ? TN_FAULT_BEFORE : TN_FAULT_NONE;
}

static tarn_code lake_open(lake *at, tn_pool *pool)
{
    static const char *const keys[] = {"a[b]c/t/f.csv", "st*r/[x]/f.csv", "q?.csv", "qa.csv",
                                       "[x]/f.csv"};
    *at = (lake){.stores = NULL};
    tarn_code code = tn_stores_create(pool, NULL, &at->stores, NULL);
    if (code == TARN_OK) {
        code = tn_stores_add_memory(at->stores, "lake", note, at, &at->store, NULL);
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && code == TARN_OK; i++) {
        code = tn_store_put(at->store, tn_str_of(keys[i]), TN_STR("x"), NULL, NULL, NULL);
    }
    at->lists = at->heads = 0;
    return code;
}

TEST(what_is_there_is_a_name_and_no_pattern)
{
    static const struct {
        const char *key, *folder, *pattern;
        uint32_t lists, heads; /* what the bucket is asked; a list opens and reads */
    } cases[] = {
        {"a/b.csv", "a/b.csv", "", 0, 0},
        {"a[b]c/t", "a[b]c/t", "", 1, 0},
        {"a[b]c/t/*.csv", "a[b]c/t/", "*.csv", 1, 0},
        {"a[b]c", "a[b]c", "", 1, 0},
        {"a[b]c/", "a[b]c/", "", 1, 0},
        {"st*r/[x]/f.csv", "st*r/[x]/f.csv", "", 2, 0},
        {"st*r/[y]/f.csv", "st*r/", "[y]/f.csv", 2, 0},
        {"q?.csv", "q?.csv", "", 1, 1},
        {"p?.csv", "", "p?.csv", 1, 1},
        {"none*/q?.csv", "", "none*/q?.csv", 1, 0},
        {"x/*/y?.csv", "x/", "*/y?.csv", 0, 0}, /* surely patterns */
        {"x/**", "x/", "**", 0, 0},
        {"x/part-*.parquet", "x/", "part-*.parquet", 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lake at;
        tn_glob glob;
        CHECK_EQ(lake_open(&at, pool), TARN_OK);
        CHECK_EQ(tn_glob_of(at.store, tn_str_of(cases[i].key), pool, &glob, NULL), TARN_OK);
        if (!tn_str_equal(glob.folder, tn_str_of(cases[i].folder)) ||
            !tn_str_equal(glob.pattern, tn_str_of(cases[i].pattern)) ||
            at.lists != 2 * cases[i].lists || at.heads != cases[i].heads) {
            test_fail(__FILE__, __LINE__, "%s: '%.*s' and '%.*s', %u lists, %u heads", cases[i].key,
                      TN_STR_ARGS(glob.folder), TN_STR_ARGS(glob.pattern), at.lists, at.heads);
        }
        tn_stores_destroy(at.stores);
    }
}

static tarn_code gather(void *context, const tn_object_info *info, tn_str below, tarn_error *err)
{
    char *to = context;
    (void)info, (void)err;
    (void)snprintf(to + strlen(to), 100 - strlen(to), "%.*s ", TN_STR_ARGS(below));
    return TARN_OK;
}

static tarn_code list_all(lake *at, const char *key, tn_pool *pool, char said[100], tarn_error *err)
{
    tn_glob glob;
    said[0] = '\0';
    const tarn_code code = tn_glob_of(at->store, tn_str_of(key), pool, &glob, err);
    return code != TARN_OK ? code
                           : tn_glob_list(at->store, &glob, false, NULL, pool, gather, said, err);
}

TEST(a_pattern_lists_folders_that_match_and_what_is_below_them)
{
    static const struct {
        const char *key;
        bool folders, below;
        const char *said;
    } cases[] = {
        {"[q]*", false, false, "q?.csv qa.csv "},
        {"*", true, false, "[x]/ a[b]c/ q?.csv qa.csv st*r/ "},
        {"a*", true, false, "a[b]c/ "},
        {"a*", false, false, ""},
        {"a*", false, true, "a[b]c/t/f.csv "},
        {"*/*", true, false, "[x]/f.csv a[b]c/t/ st*r/[x]/ "},
        {"*/t", true, false, "a[b]c/t/ "},
        {"**/t", false, true, "a[b]c/t/f.csv "},
        {"a**", true, false, "a[b]c/ a[b]c/t/ a[b]c/t/f.csv "},
        {"a**", false, true, "a[b]c/t/f.csv "},
        {"z*", true, false, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lake at;
        tn_glob glob;
        char said[100] = "";
        CHECK_EQ(lake_open(&at, pool), TARN_OK);
        CHECK_EQ(tn_glob_of(at.store, tn_str_of(cases[i].key), pool, &glob, NULL), TARN_OK);
        glob.folders = cases[i].folders;
        glob.below = cases[i].below;
        CHECK_EQ(tn_glob_list(at.store, &glob, false, NULL, pool, gather, said, NULL), TARN_OK);
        if (strcmp(said, cases[i].said) != 0) {
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].key, said);
        }
        tn_stores_destroy(at.stores);
    }
}

TEST(a_pattern_lists_what_matches_and_loses_no_failure)
{
    lake at;
    char said[100];
    tarn_error err = TARN_ERROR_INIT;
    CHECK_EQ(lake_open(&at, pool), TARN_OK);
    CHECK_EQ(list_all(&at, "[q]?.csv", pool, said, NULL), TARN_OK);
    CHECK_STR(said, "q?.csv qa.csv ");
    CHECK_EQ(list_all(&at, "st*r/**/*.csv", pool, said, NULL), TARN_OK);
    CHECK_STR(said, "[x]/f.csv ");
    at.gone = true;
    CHECK_EQ(list_all(&at, "[q]?.csv", pool, said, &err), TARN_E_UNAVAILABLE);
    tn_stores_destroy(at.stores);
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tarn_code code = lake_open(&at, pool);
        if (code == TARN_OK) {
            code = list_all(&at, "st*r/[x]/*.csv", pool, said, NULL);
        }
        if (code == TARN_OK) {
            const tn_glob deep = {.folder = TN_STR(""), .pattern = TN_STR("**"), .folders = true};
            said[0] = '\0';
            code = tn_glob_list(at.store, &deep, false, NULL, pool, gather, said, NULL);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        tn_stores_destroy(at.stores);
        CHECK_U64(pool->used, 0);
    }
}
