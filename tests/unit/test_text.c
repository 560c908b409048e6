/* Values as text and back: every type, the forms that are read, and the reasons of refusal. */
#include "kernel/calendar.h"
#include "kernel/text.h"
#include "support/check.h"

static const tn_json_style plain_style = {.strings = false};

typedef struct session {
    tn_types *types;
    tn_arena arena;
    tn_text text;
} session;

static void start(session *s, tn_pool *pool)
{
    if (tn_types_create(pool, &s->types, NULL) != TARN_OK) {
        s->types = NULL;
    }
    tn_arena_init(&s->arena, pool);
    tn_text_init(&s->text, pool, 1 << 20);
}

static void stop(session *s)
{
    tn_text_deinit(&s->text);
    tn_arena_deinit(&s->arena);
    tn_types_destroy(s->types);
}

TEST(days_and_dates_agree_over_all_years)
{
    int64_t day = tn_days_from_civil(-4800, 1, 1);
    for (int64_t year = -4800; year < 5000; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            const unsigned days = tn_days_in_month(year, month);
            CHECK_EQ(tn_days_from_civil(year, month, 1), day);
            for (unsigned i = 1; i <= days; i += days - 1) {
                const tn_civil civil = tn_civil_from_days(day + i - 1);
                CHECK_EQ(civil.year, year);
                CHECK_EQ(civil.month, month);
                CHECK_EQ(civil.day, i);
            }
            day += days;
        }
    }
    CHECK_EQ(tn_days_from_civil(1970, 1, 1), 0);
    CHECK_EQ(tn_weekday_of_days(0), 4);
    CHECK_EQ(tn_weekday_of_days(-5), 6);
}

/* type, what is read, what it prints as (NULL: refused, and `reason` is part of the message) */
static const struct {
    const char *type, *text, *printed, *reason;
} cases[] = {
    {"BOOLEAN", "true", "true", NULL},
    {"BOOLEAN", " F ", "false", NULL},
    {"BOOLEAN", "YES", "true", NULL},
    {"BOOLEAN", "2", NULL, "'2' is not a BOOLEAN: a boolean is true or false"},
    {"TINYINT", "-128", "-128", NULL},
    {"TINYINT", "128", NULL, "'128' is not a TINYINT: it does not fit the type"},
    {"SMALLINT", "32767", "32767", NULL},
    {"INTEGER", " 42\n", "42", NULL},
    {"INTEGER", "2147483648", NULL, "'2147483648' is not an INTEGER: it does not fit the type"},
    {"INTEGER", "-2147483648", "-2147483648", NULL},
    {"INTEGER", "1.5", NULL, "it is no whole number"},
    {"BIGINT", "-9223372036854775808", "-9223372036854775808", NULL},
    {"BIGINT", "9223372036854775808", NULL, "it does not fit the type"},
    {"UTINYINT", "255", "255", NULL},
    {"UTINYINT", "256", NULL, "it does not fit the type"},
    {"UTINYINT", "-1", NULL, "it does not fit the type"},
    {"UBIGINT", "18446744073709551615", "18446744073709551615", NULL},
    {"REAL", "0.1", "0.1", NULL},
    {"DOUBLE", "1e30", "1e+30", NULL},
    {"DOUBLE", "-0", "-0", NULL},
    {"DOUBLE", "inf", "Infinity", NULL},
    {"DOUBLE", "1e400", NULL, "it does not fit the type"},
    {"DOUBLE", "", NULL, "it is no number"},
    {"VARCHAR", " as it is ", " as it is ", NULL},
    {"BLOB", "\\x6162ff", "\\x6162ff", NULL},
    {"BLOB", "ab", "\\x6162", NULL},
    {"BLOB", "\\xAA\\xBB", "\\xaabb", NULL},
    {"BLOB", "\\x6", NULL, "a byte needs two hexadecimal digits"},
    {"BLOB", "a\\b", NULL, "binary looks like"},
    {"DATE", "2026-01-31", "2026-01-31", NULL},
    {"DATE", "2026/1/5", "2026-01-05", NULL},
    {"DATE", "2024-02-29", "2024-02-29", NULL},
    {"DATE", "2023-02-29", NULL, "'2023-02-29' is not a DATE: there is no such day"},
    {"DATE", "2023-13-01", NULL, "there is no such month"},
    {"DATE", "31.12.2023", NULL, "a date looks like 2026-01-31"},
    {"DATE", "10000-12-31", "10000-12-31", NULL},
    {"DATE", "0044-03-15 BC", "0044-03-15 BC", NULL},
    {"DATE", "0001-12-31 BC", "0001-12-31 BC", NULL},
    {"DATE", "2026-01-31 12:30:00", "2026-01-31", NULL},
    {"TIME", "13:05", "13:05:00", NULL},
    {"TIME", "13:05:06.5", "13:05:06.5", NULL},
    {"TIME", "00:00:00.0000014", "00:00:00.000001", NULL},
    {"TIME", "23:59:59.9999999", "24:00:00", NULL},
    {"TIME", "25:00:00", NULL, "there is no such time of day"},
    {"TIME", "24:00:01", NULL, "there is no such time of day"},
    {"TIMESTAMP", "2026-01-31", "2026-01-31 00:00:00", NULL},
    {"TIMESTAMP", "2026-01-31T13:05:00.25Z", "2026-01-31 13:05:00.25", NULL},
    {"TIMESTAMP", "2026-01-31 13:05:00+02:00", "2026-01-31 11:05:00", NULL},
    {"TIMESTAMP", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999", NULL},
    {"TIMESTAMP", "2026-12-31 24:00:00", "2027-01-01 00:00:00", NULL},
    {"TIMESTAMP", "2026-12-31 23:00:00 x", NULL, "a zone looks like Z or +02:00"},
    {"TIMESTAMP", "9999999-01-01", NULL, "no timestamp reaches so far"},
    {"TIMESTAMP_NS", "2026-01-31 13:05:00.123456789", "2026-01-31 13:05:00.123456789", NULL},
    {"TIMESTAMP_NS", "2300-01-01", NULL, "no timestamp reaches so far"},
    {"TIMESTAMPTZ", "2026-01-31 13:05:00-0330", "2026-01-31 16:35:00+00", NULL},
    {"TIMESTAMPTZ", "2026-01-31 13:05:00 UTC", "2026-01-31 13:05:00+00", NULL},
    {"INTERVAL", "1 year 2 months 3 days 04:05:06.789", "1 year 2 mons 3 days 04:05:06.789", NULL},
    {"INTERVAL", "-1 year 3 days", "-1 years +3 days", NULL},
    {"INTERVAL", "1.5 days", "1 day 12:00:00", NULL},
    {"INTERVAL", "90 minutes ago", "-01:30:00", NULL},
    {"INTERVAL", "P1Y2M3DT4H5M6.5S", "1 year 2 mons 3 days 04:05:06.5", NULL},
    {"INTERVAL", "2 weeks", "14 days", NULL},
    {"INTERVAL", "0 days", "00:00:00", NULL},
    {"INTERVAL", "-1 day -00:00:01", "-1 days -00:00:01", NULL},
    {"INTERVAL", "36:00:00", "36:00:00", NULL},
    {"INTERVAL", "3 parsecs", NULL, "there is no such unit of time"},
    {"INTERVAL", "99999999999 years", NULL, "no interval is so long"},
    {"DECIMAL(5,2)", "123.45", "123.45", NULL},
    {"DECIMAL(5,2)", "-0.005", "-0.01", NULL},
    {"DECIMAL(5,2)", "0.0049999", "0.00", NULL},
    {"DECIMAL(5,2)", "1e2", "100.00", NULL},
    {"DECIMAL(5,2)", "12345e-3", "12.35", NULL},
    {"DECIMAL(5,2)", "999.995", NULL, "it has too many digits before the point"},
    {"DECIMAL(5,2)", "1000", NULL, "it has too many digits before the point"},
    {"DECIMAL(5,2)", "00000000999.99", "999.99", NULL},
    {"DECIMAL(5,2)", ".5", "0.50", NULL},
    {"DECIMAL(5,2)", "abc", NULL, "'abc' is not a DECIMAL(5,2): it is no number"},
    {"DECIMAL(5,2)", "1e", NULL, "it is no number"},
    {"DECIMAL(18,0)", "999999999999999999", "999999999999999999", NULL},
    {"DECIMAL(38,10)", "-1234567890123456789012345678.0123456789",
     "-1234567890123456789012345678.0123456789", NULL},
    {"DECIMAL(38,38)", "0.00000000000000000000000000000000000001",
     "0.00000000000000000000000000000000000001", NULL},
    {"DECIMAL(76,2)",
     "-99999999999999999999999999999999999999999999999999999999999999999999999999.99",
     "-99999999999999999999999999999999999999999999999999999999999999999999999999.99", NULL},
    {"DECIMAL(76,0)", "1e76", NULL, "it has too many digits before the point"},
    {"DECIMAL(40,39)", "0.5", "0.500000000000000000000000000000000000000", NULL},
};

TEST(values_are_read_and_printed)
{
    session s;
    start(&s, pool);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tarn_error err = TARN_ERROR_INIT;
        const tn_type *type;
        tn_value value;
        CHECK_EQ(tn_types_parse(s.types, tn_str_of(cases[i].type), &type, &err), TARN_OK);
        const tarn_code code =
            tn_text_parse(tn_str_of(cases[i].text), type, &s.arena, &value, &err);
        if (cases[i].printed == NULL) {
            if (code != TARN_E_INVALID || strstr(err.message, cases[i].reason) == NULL) {
                test_fail(__FILE__, __LINE__, "%s '%s': %d %s", cases[i].type, cases[i].text,
                          (int)code, err.message);
            }
            continue;
        }
        CHECK_STR(err.message, "");
        tn_text_clear(&s.text);
        tn_text_of(&value, &s.text);
        CHECK_STR(s.text.data, cases[i].printed);
        /* what was printed reads back to the same */
        tn_value again;
        CHECK_EQ(tn_text_parse(tn_text_str(&s.text), type, &s.arena, &again, &err), TARN_OK);
        CHECK_EQ(tn_value_compare(&value, &again), 0);
        /* and a column at a time gives the same value */
        if (!tn_type_is_string(type)) {
            uint64_t out[8] = {0};
            uint64_t faults;
            char heap[TN_TEXT_SCALAR_SIZE];
            size_t used = 0;
            tn_view view = tn_view_of(cases[i].text, strlen(cases[i].text));
            CHECK(!tn_text_parse_rows(type, &view, NULL, 1, out, &faults));
            CHECK_EQ(tn_text_print_rows(type, type->lane, out, NULL, 0, 1, &view, heap,
                                        sizeof(heap), &used),
                     1);
            CHECK(tn_str_equal(tn_view_str(&view), tn_str_of(cases[i].printed)));
        }
    }
    stop(&s);
}

TEST(columns_of_text_mark_what_they_cannot_read)
{
    enum { ROWS = 130 };
    tn_view views[ROWS];
    int32_t days[ROWS];
    uint64_t faults[3];
    const uint64_t validity[3] = {~UINT64_C(2), ~UINT64_C(0), ~UINT64_C(0)};
    for (size_t i = 0; i < ROWS; i++) {
        views[i] = i % 10 == 3 ? tn_view_of("never", 5) : tn_view_of("1970-01-02", 10);
    }
    views[1] = tn_view_of("null, so not looked at", 22);
    CHECK(tn_text_parse_rows(TN_DATE, views, validity, ROWS, days, faults));
    for (size_t i = 0; i < ROWS; i++) {
        CHECK_EQ(tn_bit_get(faults, i), i % 10 == 3);
        CHECK_EQ(days[i], i % 10 != 3 && i != 1);
    }
    CHECK_STR(tn_text_why(TN_STR("never"), TN_DATE), "a date looks like 2026-01-31");
    CHECK(tn_text_why(TN_STR("2026-01-01"), TN_DATE) == NULL);
}

TEST(printing_stops_where_the_heap_ends)
{
    int64_t values[100];
    tn_view views[100];
    char heap[TN_TEXT_SCALAR_SIZE + 100];
    size_t used = 0;
    size_t row = 0;
    size_t rounds = 0;
    for (int i = 0; i < 100; i++) {
        values[i] = INT64_MAX - i;
    }
    while (row < 100) {
        const size_t before = row;
        used = 0;
        row = tn_text_print_rows(TN_BIGINT, TN_LANE_i64, values, NULL, row, 100, views, heap,
                                 sizeof(heap), &used);
        CHECK(row > before);
        CHECK(tn_str_equal(tn_view_str(&views[0]), TN_STR("9223372036854775807")) || before > 0);
        rounds++;
    }
    CHECK(rounds > 10);
}

/* A column of one row of list, struct and map, made by hand. */
TEST(nested_values_print_as_json)
{
    session s;
    const tn_type *type;
    start(&s, pool);
    const int32_t numbers[] = {1, 2, 3};
    const uint64_t validity = 5; /* the second is null */
    const tn_list heads[] = {{0, 3}, {3, 0}};
    const tn_view strings[] = {tn_view_of("a\"b", 3), tn_view_of("", 0)};
    const double floats[] = {0.5, __builtin_inf()};
    const tn_view bytes[] = {tn_view_of("\x01\xff", 2), tn_view_of("abc", 3)};
    CHECK_EQ(tn_types_parse(s.types, TN_STR("STRUCT(l INTEGER[], s VARCHAR, f DOUBLE, b BLOB)"),
                            &type, NULL),
             TARN_OK);
    const tn_column element = {.type = TN_INTEGER,
                               .lane = TN_LANE_i32,
                               .rows = 3,
                               .values = numbers,
                               .validity = &validity};
    const tn_column fields[] = {
        {.type = type->fields[0].type,
         .lane = TN_LANE_list,
         .rows = 2,
         .values = heads,
         .children = &element},
        {.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = 2, .values = strings},
        {.type = TN_DOUBLE, .lane = TN_LANE_f64, .rows = 2, .values = floats},
        {.type = TN_BLOB, .lane = TN_LANE_view, .rows = 2, .values = bytes}};
    const tn_column column = {.type = type, .lane = TN_LANE_none, .rows = 2, .children = fields};
    tn_text_value(&column, 0, &s.text);
    CHECK_STR(s.text.data, "{\"l\":[1,null,3],\"s\":\"a\\\"b\",\"f\":0.5,\"b\":\"Af8=\"}");
    tn_text_clear(&s.text);
    tn_text_json(&column, 1, &plain_style, &s.text);
    CHECK_STR(s.text.data, "{\"l\":[],\"s\":\"\",\"f\":\"Infinity\",\"b\":\"YWJj\"}");

    CHECK_EQ(tn_types_parse(s.types, TN_STR("MAP(INTEGER, INTEGER)"), &type, NULL), TARN_OK);
    const tn_column pair[] = {
        {.type = TN_INTEGER, .lane = TN_LANE_i32, .rows = 3, .values = numbers}, element};
    const tn_column map = {
        .type = type, .lane = TN_LANE_list, .rows = 2, .values = heads, .children = pair};
    tn_text_clear(&s.text);
    tn_text_value(&map, 0, &s.text);
    CHECK_STR(s.text.data, "{\"1\":1,\"2\":null,\"3\":3}");
    CHECK_EQ(tn_types_parse(s.types, TN_STR("MAP(INTEGER[], INTEGER)"), &type, NULL), TARN_OK);
    const tn_list ones[] = {{0, 1}, {1, 1}, {2, 1}};
    const tn_column keys[] = {{.type = type->fields[0].type,
                               .lane = TN_LANE_list,
                               .rows = 3,
                               .values = ones,
                               .children = &pair[0]},
                              element};
    const tn_column odd = {
        .type = type, .lane = TN_LANE_list, .rows = 2, .values = heads, .children = keys};
    tn_text_clear(&s.text);
    tn_text_value(&odd, 0, &s.text);
    CHECK_STR(s.text.data, "[{\"key\":[1],\"value\":1},{\"key\":[2],\"value\":null},"
                           "{\"key\":[3],\"value\":3}]");
    stop(&s);
}

TEST(encodings_and_narrow_lanes_print_alike)
{
    session s;
    const tn_type *type;
    start(&s, pool);
    CHECK_EQ(tn_types_parse(s.types, TN_STR("DECIMAL(15,2)"), &type, NULL), TARN_OK);
    const int16_t cents[] = {-5, 12345};
    const tn_column decimals = {.type = type, .lane = TN_LANE_i16, .rows = 2, .values = cents};
    tn_text_value(&decimals, 0, &s.text);
    tn_text_putc(&s.text, ' ');
    tn_text_value(&decimals, 1, &s.text);
    tn_text_putc(&s.text, ' ');
    const tn_sequence sequence = {10, 5};
    const tn_column days = {.type = TN_DATE,
                            .lane = TN_LANE_i32,
                            .encoding = TN_SEQUENCE,
                            .rows = 9,
                            .values = &sequence};
    tn_text_value(&days, 2, &s.text);
    tn_text_putc(&s.text, ' ');
    const uint8_t codes[] = {1, 0};
    const tn_column dictionary = {.type = type,
                                  .lane = TN_LANE_i16,
                                  .encoding = TN_DICTIONARY,
                                  .code_lane = TN_LANE_u8,
                                  .rows = 2,
                                  .values = codes,
                                  .children = &decimals};
    tn_text_value(&dictionary, 0, &s.text);
    CHECK_STR(s.text.data, "-0.05 123.45 1970-01-21 123.45");
    tn_value big = tn_value_bigint((INT64_C(1) << 53) + 1);
    tn_text_clear(&s.text);
    tn_text_json_of(&big, &(tn_json_style){.strings = true}, &s.text);
    tn_text_putc(&s.text, ' ');
    tn_text_json_of(&big, &plain_style, &s.text);
    CHECK_STR(s.text.data, "\"9007199254740993\" 9007199254740993");
    stop(&s);
}
