#include "sql_catalogue.h"

static tarn_code no_statistics(tn_source *source, const tn_conjunct *conjuncts, uint32_t count,
                               tn_arena *arena, tn_statistics *out, tarn_error *err)
{
    (void)source;
    (void)conjuncts;
    (void)count;
    (void)arena;
    (void)err;
    *out = (tn_statistics){.rows_known = TN_UNKNOWN};
    return TARN_OK;
}

static const tn_source_ops ops = {.kind = "test", .statistics = no_statistics};

static const tn_field element = {{"element", 7}, TN_VARCHAR, true};
static const tn_type strings = {.kind = TN_KIND_LIST,
                                .lane = TN_LANE_none,
                                .depth = 2,
                                .field_count = 1,
                                .fields = &element,
                                .name = {"VARCHAR[]", 9}};

static const tn_field t_fields[] = {{{"a", 1}, TN_INTEGER, false},
                                    {{"b", 1}, TN_INTEGER, true},
                                    {{"s", 1}, TN_VARCHAR, true},
                                    {{"d", 1}, TN_DATE, true}};
static const tn_field u_fields[] = {{{"a", 1}, TN_INTEGER, true}, {{"c", 1}, TN_BIGINT, true}};
static const tn_field flights_fields[] = {{{"origin", 6}, TN_VARCHAR, true},
                                          {{"delay", 5}, TN_INTEGER, true},
                                          {{"Month", 5}, TN_INTEGER, true}};
static const tn_field nested_fields[] = {{{"id", 2}, TN_INTEGER, true},
                                         {{"tags", 4}, &strings, true}};

static const struct {
    const char *name;
    tn_schema schema;
} tables[TEST_TABLES] = {{"t", {4, t_fields}},
                         {"u", {2, u_fields}},
                         {"flights", {3, flights_fields}},
                         {"nested", {2, nested_fields}}};

static const struct {
    const char *name, *sql;
} views[] = {{"v", "SELECT a AS x, b + 1 AS y FROM t"},
             {"loop", "SELECT * FROM loop"},
             {"bad", "SELECT nothing FROM t"}};

static tarn_code find(tn_catalogue *base, const tn_object_name *name, tn_relation *out,
                      tarn_error *err)
{
    test_catalogue *catalogue = (test_catalogue *)base;
    (void)err;
    *out = (tn_relation){.kind = TN_RELATION_NONE};
    for (size_t i = 0; i < TEST_TABLES; i++) {
        if (tn_str_equal_fold(name->name, tn_str_of(tables[i].name))) {
            *out = (tn_relation){.kind = TN_RELATION_SOURCE,
                                 .source = &catalogue->sources[i],
                                 .virtuals = TN_VIRTUAL_FILE | TN_VIRTUAL_ROW};
        }
    }
    for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
        if (tn_str_equal_fold(name->name, tn_str_of(views[i].name))) {
            *out = (tn_relation){.kind = TN_RELATION_VIEW, .sql = tn_str_of(views[i].sql)};
        }
    }
    return TARN_OK;
}

static tarn_code open_uri(tn_catalogue *base, tn_str uri, tn_span span, tn_relation *out,
                          tarn_error *err)
{
    test_catalogue *catalogue = (test_catalogue *)base;
    (void)span;
    if (!tn_str_ends(uri, TN_STR(".csv"))) {
        return tn_fail(err, TARN_E_NOT_FOUND, "no file '%.*s'", TN_STR_ARGS(uri));
    }
    *out = (tn_relation){.kind = TN_RELATION_SOURCE,
                         .source = &catalogue->sources[2],
                         .default_alias = TN_STR("flights")};
    return TARN_OK;
}

static tarn_code call(tn_catalogue *base, tn_str name, tn_span span, const tn_argument *arguments,
                      uint32_t count, tn_relation *out, tarn_error *err)
{
    test_catalogue *catalogue = (test_catalogue *)base;
    (void)span;
    (void)arguments;
    (void)err;
    *out = (tn_relation){.kind = TN_RELATION_NONE};
    if (tn_str_equal_fold(name, TN_STR("rows")) && count <= 2) {
        *out = (tn_relation){.kind = TN_RELATION_SOURCE, .source = &catalogue->sources[2]};
    }
    return TARN_OK;
}

static tarn_code names(tn_catalogue *base, bool functions, tn_arena *arena, const tn_str **out,
                       size_t *count, tarn_error *err)
{
    tn_str *list;
    (void)base;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, TEST_TABLES, &list, err));
    for (size_t i = 0; i < TEST_TABLES; i++) {
        list[i] = functions ? TN_STR("rows") : tn_str_of(tables[i].name);
    }
    *out = list;
    *count = TEST_TABLES;
    return TARN_OK;
}

static const tn_catalogue_ops catalogue_ops = {find, open_uri, call, names};

void test_catalogue_init(test_catalogue *catalogue)
{
    *catalogue = (test_catalogue){.base.ops = &catalogue_ops};
    for (size_t i = 0; i < TEST_TABLES; i++) {
        catalogue->sources[i] = (tn_source){.ops = &ops,
                                            .refs = 1,
                                            .schema = tables[i].schema,
                                            .name = tn_str_of(tables[i].name),
                                            .is_ordered = true};
    }
}
