/* Nested columns of a file in a table's shape: by name, in its order, with NULL for what is
 * missing. */
#include "support/check.h"
#include "support/print.h"
#include "table/files/reshape_internal.h"

enum { ROWS = 3 };

typedef struct bench {
    tn_arena arena;
    tn_types *types;
} bench;

static tarn_code bench_open(bench *at, tn_pool *pool)
{
    tn_arena_init(&at->arena, pool);
    return tn_types_create(pool, &at->types, NULL);
}

static void bench_close(bench *at)
{
    tn_arena_deinit(&at->arena);
    tn_types_destroy(at->types);
}

/* NULL without memory. */
static const tn_type *type_of(bench *at, const char *name)
{
    const tn_type *type = NULL;
    return tn_types_parse(at->types, tn_str_of(name), &type, NULL) == TARN_OK ? type : NULL;
}

static tarn_code plan(bench *at, const char *own, const char *type, const char *physical,
                      bool fill_missing, const tn_reshape **out, tarn_error *err)
{
    const tn_type *const types[3] = {type_of(at, own), type_of(at, type), type_of(at, physical)};
    *out = NULL;
    return types[0] == NULL || types[1] == NULL || types[2] == NULL
               ? TARN_E_NOMEM
               : tn_reshape__plan(types[0], types[1], types[2], fill_missing, &at->arena, out, err);
}

TEST(nested_columns_are_reshaped_only_where_no_value_is_cast)
{
    static const struct {
        const char *own, *type;
        bool fill_missing, fits;
    } cases[] = {
        {"STRUCT(a INTEGER)", "STRUCT(a INTEGER)", false, true},
        {"STRUCT(a INTEGER)", "STRUCT(a BIGINT)", false, true},
        {"STRUCT(a BIGINT)", "STRUCT(a INTEGER)", false, false},
        {"STRUCT(a VARCHAR)", "STRUCT(a INTEGER)", false, false},
        {"STRUCT(a INTEGER)", "STRUCT(A INTEGER)", false, false}, /* names are exact here */
        {"STRUCT(a INTEGER)", "STRUCT(a INTEGER, b DATE)", false, false},
        {"STRUCT(a INTEGER)", "STRUCT(a INTEGER, b DATE)", true, true},
        {"STRUCT(a INTEGER, b DATE)", "STRUCT(b DATE)", false, true},
        {"STRUCT(a DECIMAL(9, 2))", "STRUCT(a DECIMAL(20, 2))", false, true},
        {"STRUCT(a DECIMAL(9, 2))", "STRUCT(a DECIMAL(20, 3))", false, false},
        {"STRUCT(a TIMESTAMP)", "STRUCT(a TIMESTAMPTZ)", false, true},
        {"STRUCT(a INTEGER)[]", "STRUCT(a BIGINT)[]", false, true},
        {"INTEGER[]", "BIGINT[]", false, true},
        {"INTEGER[]", "STRUCT(a INTEGER)", true, false},
        {"STRUCT(a INTEGER)", "STRUCT(a INTEGER[])", true, false},
        {"MAP(VARCHAR, STRUCT(a INTEGER))", "MAP(VARCHAR, STRUCT(b INTEGER, a BIGINT))", true,
         true},
        {"INTEGER", "BIGINT", true, false}, /* no nested one */
    };
    bench at;
    const tn_reshape *got;
    CHECK_EQ(bench_open(&at, pool), TARN_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(plan(&at, cases[i].own, cases[i].type, cases[i].type, cases[i].fill_missing, &got,
                      NULL),
                 TARN_OK);
        if ((got != NULL) != cases[i].fits) {
            test_fail(__FILE__, __LINE__, "%s as %s", cases[i].own, cases[i].type);
        }
    }
    bench_close(&at);
}

TEST(a_shredded_variant_is_refused_by_name)
{
    bench at;
    const tn_reshape *got;
    tarn_error err = TARN_ERROR_INIT;
    CHECK_EQ(bench_open(&at, pool), TARN_OK);
    CHECK_EQ(plan(&at, "STRUCT(metadata BLOB, value BLOB, typed_value BIGINT)",
                  "STRUCT(metadata BLOB, value BLOB)", "STRUCT(metadata BLOB, value BLOB)", false,
                  &got, &err),
             TARN_E_UNSUPPORTED);
    CHECK(strstr(err.message, "variantShredding") != NULL);
    CHECK(got == NULL);
    bench_close(&at);
}

/* A list of structs, whose fields are renamed, turned about, widened and one of them made up. */
typedef struct file_column {
    int32_t numbers[4];
    tn_view texts[4];
    tn_list lists[ROWS];
    uint64_t lists_valid;
    tn_column fields[2], elements, list;
} file_column;

static bool file_column_make(file_column *c, bench *at)
{
    *c = (file_column){.numbers = {1, 2, 3, 4},
                       .lists = {{0, 2}, {2, 0}, {2, 2}},
                       .lists_valid = 5}; /* the one in the middle is NULL */
    for (size_t i = 0; i < 4; i++) {
        c->texts[i] = tn_view_of(&"wxyz"[i], 1);
    }
    c->fields[0] =
        (tn_column){.type = TN_INTEGER, .lane = TN_LANE_i32, .rows = 4, .values = c->numbers};
    c->fields[1] =
        (tn_column){.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = 4, .values = c->texts};
    c->elements = (tn_column){
        .type = type_of(at, "STRUCT(p1 INTEGER, p2 VARCHAR)"), .rows = 4, .children = c->fields};
    c->list = (tn_column){.type = type_of(at, "STRUCT(p1 INTEGER, p2 VARCHAR)[]"),
                          .rows = ROWS,
                          .values = c->lists,
                          .validity = &c->lists_valid,
                          .children = &c->elements};
    if (c->list.type == NULL || c->elements.type == NULL) {
        return false;
    }
    c->elements.lane = (uint8_t)c->elements.type->lane;
    c->list.lane = (uint8_t)c->list.type->lane;
    return true;
}

static const char *const renamed[3] = {"STRUCT(p1 INTEGER, p2 VARCHAR)[]",
                                       "STRUCT(s VARCHAR, none DATE, n BIGINT)[]",
                                       "STRUCT(p2 VARCHAR, p3 DATE, p1 BIGINT)[]"};

static tarn_code reshape_twice(bench *at, tn_text *text)
{
    file_column file;
    tn_column out;
    const tn_reshape *made;
    tn_reshaped *task;
    if (!file_column_make(&file, at)) {
        return TARN_E_NOMEM;
    }
    tarn_code code = plan(at, renamed[0], renamed[1], renamed[2], true, &made, NULL);
    if (code == TARN_OK) {
        code = tn_reshape__start(made, &at->arena, &task, NULL);
    }
    for (int round = 0; round < 2 && code == TARN_OK; round++) { /* of the same task */
        tn_reshape__run(task, &file.list, &out);
        const tn_batch batch = {.columns = &out, .width = 1, .rows = ROWS, .selected = ROWS};
        tn_text_clear(text);
        for (uint32_t row = 0; row < ROWS; row++) {
            test_print_row(text, &batch, row);
        }
        code = text->failed;
        file.numbers[0] = 100;
    }
    return code;
}

TEST(fields_are_found_by_the_files_names_and_missing_ones_are_null)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        bench at = {.types = NULL};
        tn_text text;
        tn_text_init(&text, pool, SIZE_MAX);
        tarn_code code = bench_open(&at, pool);
        if (code == TARN_OK) {
            code = reshape_twice(&at, &text);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        if (code == TARN_OK) {
            CHECK_STR(
                text.data,
                "[[{\"s\":\"w\",\"none\":null,\"n\":100},{\"s\":\"x\",\"none\":null,\"n\":2}]]"
                "[null]"
                "[[{\"s\":\"y\",\"none\":null,\"n\":3},{\"s\":\"z\",\"none\":null,\"n\":4}]]");
        }
        tn_text_deinit(&text);
        bench_close(&at);
        CHECK_U64(pool->used, 0);
    }
}
