#include "column/type.h"
#include "support/check.h"

TEST(equal_types_are_the_same_pointer)
{
    tn_types *types;
    const tn_type *a;
    const tn_type *b;
    const tn_type *list;

    CHECK_EQ(tn_types_create(pool, &types, NULL), TARN_OK);
    CHECK_EQ(tn_types_decimal(types, 15, 2, &a, NULL), TARN_OK);
    CHECK_EQ(tn_types_parse(types, TN_STR("numeric( 15 , 2 )"), &b, NULL), TARN_OK);
    CHECK(a == b);
    CHECK_EQ(a->lane, TN_LANE_i64);
    CHECK_EQ(tn_types_list(types, a, &list, NULL), TARN_OK);
    CHECK_STR(list->name.data, "DECIMAL(15,2)[]");
    CHECK_EQ(
        tn_types_parse(types, TN_STR("STRUCT(a INT, \"b c\" MAP(TEXT, DOUBLE[]))[]"), &b, NULL),
        TARN_OK);
    CHECK_STR(b->name.data, "STRUCT(a INTEGER, \"b c\" MAP(VARCHAR, DOUBLE[]))[]");
    CHECK_EQ(b->depth, 5);
    CHECK_EQ(tn_types_parse(types, b->name, &a, NULL), TARN_OK);
    CHECK(a == b);
    CHECK_EQ(tn_types_parse(types, TN_STR("timestamp with time zone"), &a, NULL), TARN_OK);
    CHECK(a == TN_TIMESTAMPTZ);
    tn_types_destroy(types);
}

TEST(a_wrong_type_name_is_answered_with_the_nearest)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"BIGNIT", "no type named 'BIGNIT'"},
        {"DECIMAL(5",
         "'DECIMAL(5' is no type: expected DECIMAL(digits, digits behind the point) at "
         "character 10"},
        {"STRUCT(a INT", "'STRUCT(a INT' is no type: expected ',' or ')' at character 13"},
        {"MAP(INT)", "'MAP(INT)' is no type: expected MAP(key type, value type) at character 9"},
        {"", "'' is no type: expected a type's name at character 1"},
        {"DECIMAL(80,2)", "DECIMAL(80,2) is no decimal type"},
    };
    tn_types *types;
    const tn_type *type;

    CHECK_EQ(tn_types_create(pool, &types, NULL), TARN_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tarn_error err = TARN_ERROR_INIT;
        CHECK_EQ(tn_types_parse(types, tn_str_of(cases[i].text), &type, &err), TARN_E_INVALID);
        CHECK_STR(err.message, cases[i].message);
        CHECK(type == NULL);
    }
    tarn_error err = TARN_ERROR_INIT;
    CHECK_EQ(tn_types_parse(types, TN_STR("BIGNIT"), &type, &err), TARN_E_INVALID);
    CHECK_STR(err.hint, "did you mean 'BIGINT'?");
    tn_types_destroy(types);
}

TEST(a_common_type_loses_nothing)
{
    static const struct {
        const char *a, *b, *common;
    } cases[] = {
        {"INTEGER", "BIGINT", "BIGINT"},
        {"UTINYINT", "TINYINT", "SMALLINT"},
        {"UBIGINT", "INTEGER", "DECIMAL(20,0)"},
        {"INTEGER", "DECIMAL(5,2)", "DECIMAL(12,2)"},
        {"DECIMAL(38,0)", "DECIMAL(10,5)", "DOUBLE"},
        {"BIGINT", "REAL", "DOUBLE"},
        {"DATE", "TIMESTAMP", "TIMESTAMP"},
        {"NULL", "VARCHAR", "VARCHAR"},
        {"INTEGER[]", "BIGINT[]", "BIGINT[]"},
        {"VARCHAR", "INTEGER", NULL},
        {"STRUCT(a INTEGER)", "STRUCT(b INTEGER)", NULL},
    };
    tn_types *types;
    CHECK_EQ(tn_types_create(pool, &types, NULL), TARN_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const tn_type *a;
        const tn_type *b;
        const tn_type *common;
        bool found;
        CHECK_EQ(tn_types_parse(types, tn_str_of(cases[i].a), &a, NULL), TARN_OK);
        CHECK_EQ(tn_types_parse(types, tn_str_of(cases[i].b), &b, NULL), TARN_OK);
        CHECK_EQ(tn_types_common(types, a, b, &common, &found, NULL), TARN_OK);
        CHECK_EQ(found, cases[i].common != NULL);
        if (found) {
            CHECK_STR(common->name.data, cases[i].common);
        }
    }
    tn_types_destroy(types);
}

TEST(types_survive_the_loss_of_any_allocation)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tn_types *types = NULL;
        const tn_type *type = NULL;
        tarn_code code = tn_types_create(pool, &types, NULL);
        if (code == TARN_OK) {
            code = tn_types_parse(types, TN_STR("STRUCT(a DECIMAL(9,1)[], b TEXT)"), &type, NULL);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        tn_types_destroy(types);
    }
}
