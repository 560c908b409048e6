/* Reading CSV: what is sniffed, what is taken, what is refused and how. */
#include "base/json.h"
#include "kernel/csv.h"
#include "support/texts.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *text, *schema, *rows;
} plain[] = {
    {"a,b\n1,x\n2,y\n", "a BIGINT, b VARCHAR", "1|x\n2|y\n"},
    {"a;b\r\n1;2.5\r\n-2;0.25\r\n", "a BIGINT, b DOUBLE", "1|2.5\n-2|0.25\n"},
    {"a\tb\n1\t2026-01-31\n", "a BIGINT, b DATE", "1|2026-01-31\n"},
    {"1,2\n3,4", "column0 BIGINT, column1 BIGINT", "1|2\n3|4\n"},
    {"a,b\n\"x,1\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"\"\n", "a VARCHAR, b VARCHAR",
     "x,1|say \"hi\"\ntwo\nlines|\n"},
    {"a,b\n1,\n,2\n", "a BIGINT, b BIGINT", "1|~\n~|2\n"},
    {"t,d,ts,tz\n13:05:00,2024-02-29,2024-02-29 01:02:03,x\n,,,\n",
     "t TIME, d DATE, ts TIMESTAMP, tz VARCHAR",
     "13:05:00|2024-02-29|2024-02-29 01:02:03|x\n~|~|~|~\n"},
    {"a,b\n2024-01-01 10:00:00Z,2024-01-01 10:00:00\n,2024-01-01T10:00:00+02:00\n",
     "a TIMESTAMP WITH TIME ZONE, b TIMESTAMP WITH TIME ZONE",
     "2024-01-01 10:00:00+00|2024-01-01 10:00:00+00\n~|2024-01-01 08:00:00+00\n"},
    {"b\ntrue\nFALSE\n", "b BOOLEAN", "true\nfalse\n"},
    {"zip,n\n00501,1\n10001,2\n", "zip VARCHAR, n BIGINT", "00501|1\n10001|2\n"},
    {"a,b\n1,2\n\n3,4\n\n", "a BIGINT, b BIGINT", "1|2\n3|4\n"},
    {"a\n1\n\n3\n", "a BIGINT", "1\n~\n3\n"},
    {"\xef\xbb\xbfn\xc3\xa4me,b\n\xc3\xa4,1\n", "n\xc3\xa4me VARCHAR, b BIGINT", "\xc3\xa4|1\n"},
    {"a,a,\n1,2,3\n", "a BIGINT, a_1 BIGINT, column2 BIGINT", "1|2|3\n"},
    {"a,b\n5\" pipe,1\n6\" pipe,2\n", "a VARCHAR, b BIGINT", "5\" pipe|1\n6\" pipe|2\n"},
    {"name,city\nann,rome\nbob,oslo\n", "name VARCHAR, city VARCHAR", "ann|rome\nbob|oslo\n"},
    {"a,b\r1,2\r3,4\r", "a BIGINT, b BIGINT", "1|2\n3|4\n"},
    {"a,b\n\"1\",\"2024-01-01\"\n\"22\",\"2024-01-02\"\n", "a BIGINT, b DATE",
     "1|2024-01-01\n22|2024-01-02\n"},
    {"a,b\n123456789012,0.1\n-9,1e3\n99999999,-12345.678901\n", "a BIGINT, b DOUBLE",
     "123456789012|0.1\n-9|1000\n99999999|-12345.678901\n"},
    {"a,b\n", "a VARCHAR, b VARCHAR", ""},
    {"a|b\n1|'x|y'\n2|'z'\n", "a BIGINT, b VARCHAR", "1|x|y\n2|z\n"},
    /* times keep their digits */
    {"a,b,c,d\n2024-01-01 10:00:00.1234567,2024-01-01 "
     "10:00:00.1234560,10:00:00.0000001,10:00:00.5\n",
     "a VARCHAR, b TIMESTAMP, c VARCHAR, d TIME",
     "2024-01-01 10:00:00.1234567|2024-01-01 10:00:00.123456|10:00:00.0000001|10:00:00.5\n"},
    {"a,b\n2024-01-01T10:00:00.123456789Z,2024-01-01 10:00:00.5+02:35\n",
     "a VARCHAR, b TIMESTAMP WITH TIME ZONE",
     "2024-01-01T10:00:00.123456789Z|2024-01-01 07:25:00.5+00\n"},
    /* whole numbers keep their digits */
    {"a,b\n9223372036854775807,-9223372036854775808\n", "a BIGINT, b BIGINT",
     "9223372036854775807|-9223372036854775808\n"},
    {"a,b\n1,-1\n9223372036854775808,-9223372036854775809\n", "a DECIMAL(38,0), b DECIMAL(38,0)",
     "1|-1\n9223372036854775808|-9223372036854775809\n"},
    {"a,b\n99999999999999999999999999999999999999,100000000000000000000000000000000000000\n",
     "a DECIMAL(38,0), b VARCHAR",
     "99999999999999999999999999999999999999|100000000000000000000000000000000000000\n"},
    {"a,b,c\n9007199254740992,9007199254740993,100000000000000000000\n0.5,0.5,1e3\n",
     "a DOUBLE, b VARCHAR, c DOUBLE", "9007199254740992|9007199254740993|1e+20\n0.5|0.5|1000\n"},
    {"18446744073709551615,0.5\n1,9007199254740993\n", "column0 DECIMAL(38,0), column1 VARCHAR",
     "18446744073709551615|0.5\n1|9007199254740993\n"},
};

TEST(what_the_first_rows_show_is_how_it_is_read)
{
    texts t;
    CHECK(texts_start(&t, pool));
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        const tarn_code code = texts_csv(&t, tn_str_of(plain[i].text), NULL);
        CHECK_STR(t.err.message, "");
        CHECK_EQ(code, TARN_OK);
        CHECK_STR(t.schema.data, plain[i].schema);
        CHECK_STR(t.out.data, plain[i].rows);
    }
    texts_stop(&t);
}

static const tn_type *type_named(texts *t, const char *name)
{
    const tn_type *type = NULL;
    return tn_types_parse(t->types, tn_str_of(name), &type, NULL) == TARN_OK ? type : NULL;
}

TEST(declared_types_are_read_or_refused)
{
    static const char *const types[] = {
        "TINYINT", "SMALLINT",    "INTEGER",  "UBIGINT", "DECIMAL(6,2)", "DECIMAL(30,3)", "REAL",
        "DATE",    "TIMESTAMPTZ", "INTERVAL", "BLOB",    "BOOLEAN",      "VARCHAR"};
    enum { COUNT = sizeof(types) / sizeof(types[0]) };
    texts t;
    tn_field columns[COUNT];
    CHECK(texts_start(&t, pool));
    for (size_t i = 0; i < COUNT; i++) {
        columns[i] = (tn_field){tn_str_of(types[i]), type_named(&t, types[i]), true};
    }
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    options.columns = columns;
    options.column_count = COUNT;
    options.header = 0;
    CHECK_EQ(texts_csv(&t,
                       TN_STR("-128,32767,-2147483648,18446744073709551615,1234.56,"
                              "123456789012345678901234567.891,0.1,1969-12-31,"
                              "2026-01-31T13:05:00+02:00,1 day 2 hours,\\x00ff,t,\"q\"\n"
                              "5, 7 ,,0,-0.01,1,-1,0001-01-01,2026-01-31,P1M,ab,0,\n"),
                       &options),
             TARN_OK);
    CHECK_STR(t.out.data,
              "-128|32767|-2147483648|18446744073709551615|1234.56|"
              "123456789012345678901234567.891|0.1|1969-12-31|2026-01-31 11:05:00+00|"
              "1 day 02:00:00|\\x00ff|true|q\n"
              "5|7|~|0|-0.01|1.000|-1|0001-01-01|2026-01-31 00:00:00+00|1 mon|\\x6162|false|~\n");
    CHECK_EQ(texts_csv(&t, TN_STR("128,1,1,1,1,1,1,2026-01-01,2026-01-01,1 day,x,t,\n"), &options),
             TARN_E_INVALID);
    CHECK_STR(t.err.message, "'memory://texts/t.csv', line 1, column 'TINYINT': '128' is not a "
                             "TINYINT: it does not fit the type");
    CHECK_EQ(
        texts_csv(&t, TN_STR("1,1,1,1,12345.67,1,1,2026-01-01,2026-01-01,1 day,x,t,\n"), &options),
        TARN_E_INVALID);
    CHECK_EQ(t.err.line, 1);
    texts_stop(&t);
}

TEST(a_scale_of_zero_takes_whole_numbers_only)
{
    static const char *const good[] = {"12", "12.0", "12.", "1.2e1", "120e-1", "+12"};
    static const char *const bad[] = {"12.5", "1.25e1", "121e-1", "0.1", "12.0000000001", ".9e-3"};
    texts t;
    CHECK(texts_start(&t, pool));
    for (int digits = 9; digits <= 38; digits += 29) {
        char name[32];
        char text[64];
        (void)snprintf(name, sizeof(name), "DECIMAL(%d,0)", digits);
        tn_field columns[] = {{TN_STR("a"), type_named(&t, name), true},
                              {TN_STR("b"), TN_BIGINT, true}};
        tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
        options.columns = columns;
        options.column_count = 2;
        options.header = 0;
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
            (void)snprintf(text, sizeof(text), "%s,1\n", good[i]);
            CHECK_EQ(texts_csv(&t, tn_str_of(text), &options), TARN_OK);
            CHECK_STR(t.out.data, "12|1\n");
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            (void)snprintf(text, sizeof(text), "%s,1\n", bad[i]);
            CHECK_EQ(texts_csv(&t, tn_str_of(text), &options), TARN_E_INVALID);
            CHECK(strstr(t.err.message, "it is no whole number") != NULL);
        }
    }
    texts_stop(&t);
}

TEST(bad_records_are_named)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a,b\n1,2\n3\n", "'memory://texts/t.csv', line 3: too few fields: 1 field where 2 are "
                          "expected: '3'"},
        {"a,b\n1,2\n3,4,5\n", "'memory://texts/t.csv', line 3: too many fields: 3 fields where 2 "
                              "are expected: '3,4,5'"},
        {"a,b\n1,2\n\xff,4\n",
         "'memory://texts/t.csv', line 3, column 'a': '\\xFF': bytes that are no UTF-8"},
        {"a,b\n1,x\n2,\"y\n3,z\n",
         "'memory://texts/t.csv', line 3, column 'b': a quote is opened and never closed"},
        {"a,b\n\"1\n\",2\n1,\"bad\"x\n",
         "'memory://texts/t.csv', line 4, column 'b': '\"bad\"x': text follows the closing quote"},
        {"a,b\n\"1\" ,2\n",
         "'memory://texts/t.csv', line 2, column 'a': '\"1\" ': text follows the "
         "closing quote"},
        {"a,b\n1,2\n3,\"4\"\"5\"6,7\n",
         "'memory://texts/t.csv', line 3, column 'b': '\"4\"\"5\"6': "
         "text follows the closing quote"},
        {"a,b\n1,\"2\"\rx\n",
         "'memory://texts/t.csv', line 2, column 'b': '\"2\"\rx': text follows "
         "the closing quote"},
        {"a,b\n1,2\n1,2,\"3\"4\n",
         "'memory://texts/t.csv', line 3: '\"3\"4': text follows the closing quote"},
        {"a,\"b\"x\n1,2\n", "opening 'memory://texts/t.csv' as CSV: line 1, field 2 of the header: "
                            "'\"b\"x': text follows the closing quote"},
        {"", "opening 'memory://texts/t.csv' as CSV: it is empty: there are no columns"},
        {"\xff\xfe"
         "a\0,\0",
         "opening 'memory://texts/t.csv' as CSV: it is UTF-16"},
    };
    texts t;
    CHECK(texts_start(&t, pool));
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    options.header = 1;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(texts_csv(&t, tn_str_of(cases[i].text), &options) != TARN_OK);
        CHECK_STR(t.err.message, cases[i].message);
        CHECK(t.err.hint[0] != '\0');
    }
    texts_stop(&t);
}

TEST(bad_records_go_to_the_edge_or_are_left_out)
{
    texts t;
    CHECK(texts_start(&t, pool));
    tn_field columns[2] = {{TN_STR("a"), TN_BIGINT, true}, {TN_STR("b"), TN_DATE, true}};
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    options.columns = columns;
    options.column_count = 2;
    options.header = 1;
    const tn_str text = TN_STR("a,b\n1,2026-01-01\nx,never\n\n3\n\"4\n4\",2026-01-01\n"
                               "5,2026-01-05\n6,2026-02-30\n\xff,2026-01-01\n7,2026-01-07\n");
    t.with_rejects = true;
    t.virtuals = TN_VIRTUAL_ROW | TN_VIRTUAL_LINE;
    CHECK_EQ(texts_csv(&t, text, &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2026-01-01|1|2\n5|2026-01-05|5|8\n7|2026-01-07|8|11\n");
    CHECK_STR(t.rejects.data,
              "3 2 a [x,never] 'x' is not a BIGINT: it is no whole number\n"
              "5 3  [3] too few fields: 1 field where 2 are expected\n"
              "6 4 a [\"4\n4\",2026-01-01] '4\n4' is not a BIGINT: it is no whole number\n"
              "9 6 b [6,2026-02-30] '2026-02-30' is not a DATE: there is no such day\n"
              "10 7 a [\xff,2026-01-01] bytes that are no UTF-8\n");
    CHECK_EQ(t.counters.rows_read, 8);
    CHECK_EQ(t.counters.rows_out, 3);
    CHECK_EQ(t.counters.rows_rejected, 5);
    t.with_rejects = false;
    t.virtuals = 0;
    options.ignore_errors = true;
    CHECK_EQ(texts_csv(&t, text, &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2026-01-01\n5|2026-01-05\n7|2026-01-07\n");
    texts_stop(&t);
}

TEST(text_behind_a_closing_quote_is_no_witness_of_types)
{
    texts t;
    CHECK(texts_start(&t, pool));
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    const tn_str text = TN_STR("a,b\n1,2\n3,\"4\"x\n5,\"6\"\r\n\"7\"\"\"y,8\n9,\"10\"\r");
    t.with_rejects = true;
    CHECK_EQ(texts_csv(&t, text, &options), TARN_OK);
    CHECK_STR(t.schema.data, "a BIGINT, b BIGINT");
    CHECK_STR(t.out.data, "1|2\n5|6\n9|10\n");
    CHECK_STR(t.rejects.data,
              "3 2 b [3,\"4\"x] '\"4\"x': text follows the closing quote\n"
              "5 4 a [\"7\"\"\"y,8] '\"7\"\"\"y': text follows the closing quote\n");
    t.with_rejects = false;
    options.ignore_errors = true;
    CHECK_EQ(texts_csv(&t, text, &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2\n5|6\n9|10\n");
    options.quote = TN_CSV_NONE;
    CHECK_EQ(texts_csv(&t, text, &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2\n3|\"4\"x\n5|\"6\"\n\"7\"\"\"y|8\n9|\"10\"\n");
    texts_stop(&t);
}

TEST(lines_above_the_table_are_never_left_out_unasked)
{
    const tn_str text = TN_STR("My report\nmade today\n\na,b,c\n1,2,3\n4,5,6\n");
    texts t;
    CHECK(texts_start(&t, pool));
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    CHECK_EQ(texts_csv(&t, text, &options), TARN_E_INVALID);
    CHECK_STR(t.err.message, "opening 'memory://texts/t.csv' as CSV: line 1: 1 field, where most "
                             "lines below it have 3");
    CHECK_STR(t.err.hint, "skip => 3 leaves out what is above the table");
    options.skip = 1; /* too few: it says how many there are */
    CHECK_EQ(texts_csv(&t, text, &options), TARN_E_INVALID);
    CHECK_EQ(t.err.line, 2);
    CHECK_STR(t.err.hint, "skip => 3 leaves out what is above the table");
    options.skip = 3;
    CHECK_EQ(texts_csv(&t, text, &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2|3\n4|5|6\n");
    options.skip = 0;
    options.ignore_errors = true;
    CHECK_EQ(texts_csv(&t, text, &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2|3\n4|5|6\n");
    options.is_pipeline = true; /* each record is accounted for */
    CHECK_EQ(texts_csv(&t, text, &options), TARN_E_INVALID);
    CHECK_STR(t.err.hint, "skip = 3 in 'format' leaves out what is above the table");

    /* no header: they are bad records */
    options.header = 0;
    t.with_rejects = true;
    CHECK_EQ(texts_csv(&t, TN_STR("A title\n1,2\n3,4\n"), &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2\n3|4\n");
    CHECK_STR(t.rejects.data, "1 1  [A title] too few fields: 1 field where 2 are expected\n");

    options = TN_CSV_OPTIONS_DEFAULT;
    CHECK_EQ(texts_csv(&t, TN_STR("# made today\na,b\n1,2\n"), &options), TARN_E_INVALID);
    CHECK_STR(t.err.hint, "skip => 1 leaves out what is above the table; comment => '#' passes "
                          "over such lines");
    options.comment = '#';
    CHECK_EQ(texts_csv(&t, TN_STR("# made today\na,b\n1,2\n"), &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2\n");
    texts_stop(&t);
}

TEST(options_say_what_the_sample_does_not)
{
    texts t;
    CHECK(texts_start(&t, pool));
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    const tn_str nulls[] = {TN_STR("NA"), TN_STR("-")};
    options.nulls = nulls;
    options.null_count = 2;
    CHECK_EQ(texts_csv(&t, TN_STR("a,b\n1,NA\n-,\nNA,x\n"), &options), TARN_OK);
    CHECK_STR(t.schema.data, "a BIGINT, b VARCHAR");
    CHECK_STR(t.out.data, "1|~\n~|\n~|x\n");

    options = TN_CSV_OPTIONS_DEFAULT;
    options.delimiter = TN_STR("||");
    options.comment = '#';
    CHECK_EQ(texts_csv(&t, TN_STR("a||b\n#no\n1||x|y\n2||\"z||\"\n"), &options), TARN_OK);
    CHECK_STR(t.out.data, "1|x|y\n2|z||\n");

    options = TN_CSV_OPTIONS_DEFAULT;
    options.escape = '\\';
    CHECK_EQ(texts_csv(&t, TN_STR("a,b\n1,\"x\\\"y\"\n"), &options), TARN_OK);
    CHECK_STR(t.out.data, "1|x\"y\n");

    options = TN_CSV_OPTIONS_DEFAULT;
    options.null_padding = true;
    options.header = 1;
    CHECK_EQ(texts_csv(&t, TN_STR("a,b,c\n1,2,3\n4\n5,6\n"), &options), TARN_OK);
    CHECK_STR(t.out.data, "1|2|3\n4|~|~\n5|6|~\n");

    options = TN_CSV_OPTIONS_DEFAULT;
    options.all_text = true;
    options.skip = 1;
    CHECK_EQ(texts_csv(&t, TN_STR("junk\na,b\n1,2\n"), &options), TARN_OK);
    CHECK_STR(t.schema.data, "a VARCHAR, b VARCHAR");
    CHECK_STR(t.out.data, "1|2\n");
    texts_stop(&t);
}

TEST(options_are_set_by_their_names)
{
    texts t;
    CHECK(texts_start(&t, pool));
    tn_csv_options o = TN_CSV_OPTIONS_DEFAULT;
    const tn_value semicolon = tn_value_varchar(TN_STR(";"));
    const tn_value yes = tn_value_boolean(true);
    const tn_value two = tn_value_bigint(2);
#define SET(name, value) tn_csv_options_set(&o, TN_STR(name), value, t.types, &t.arena, &t.err)
    CHECK_EQ(SET("DELIM", &semicolon), TARN_OK);
    CHECK_EQ(SET("header", &yes), TARN_OK);
    CHECK_EQ(SET("skip", &two), TARN_OK);
    CHECK_EQ(SET("nullstr", &semicolon), TARN_OK);
    CHECK(tn_str_equal(o.delimiter, TN_STR(";")) && o.header == 1 && o.skip == 2);
    CHECK_EQ(o.null_count, 1);
    CHECK_EQ(SET("delimitter", &semicolon), TARN_E_INVALID);
    CHECK_STR(t.err.hint, "did you mean 'delimiter'?");
    CHECK_EQ(SET("header", &semicolon), TARN_E_INVALID);
    CHECK_STR(t.err.message, "the option header takes true or false, not VARCHAR");
    const tn_type *type;
    CHECK_EQ(tn_types_parse(t.types, TN_STR("STRUCT(a VARCHAR, b VARCHAR)"), &type, NULL), TARN_OK);
    const tn_view a = tn_view_of("DECIMAL(5,1)", 12);
    const tn_view b = tn_view_of("DATE", 4);
    const tn_column fields[] = {
        {.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = 1, .values = &a},
        {.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = 1, .values = &b}};
    const tn_column row = {.type = type, .lane = TN_LANE_none, .rows = 1, .children = fields};
    const tn_value columns = {.type = type, .nested = &row};
    CHECK_EQ(SET("columns", &columns), TARN_OK);
    CHECK_EQ(o.column_count, 2);
    CHECK(tn_str_equal(o.columns[0].name, TN_STR("a")) && o.columns[1].type == TN_DATE);
    texts_stop(&t);
}

/* ---- large files, many morsels ------------------------------------------------------------------
 */

enum { MORSEL = 100 << 10, LARGE = 10 * MORSEL / 2 };

static uint64_t checksum(tn_str text)
{
    uint64_t sum = 14695981039346656037U;
    for (size_t i = 0; i < text.size; i++) {
        sum = (sum ^ (uint8_t)text.data[i]) * 1099511628211U;
    }
    return sum;
}

/* Records of changing width; `kind` 0: plain, 1: quotes, 2: line ends in quotes, but late */
static void make_large(tn_text *text, tn_text *want, int kind)
{
    uint64_t state = 99;
    tn_text_puts(text, "id,name,amount,day\n");
    for (int i = 0; text->size < LARGE; i++) {
        char row[600];
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const int wide = (int)(state >> 20 & 255);
        const bool late = kind == 2 && text->size > MORSEL;
        const char *extra = kind == 0 ? "" : late ? "a,b\n1,2,3,4\n\"\"x\"\"," : "a,b";
        const char *plain_extra = kind == 0 ? "" : late ? "a,b\n1,2,3,4\n\"x\"," : "a,b";
        const char *quote = kind == 0 ? "" : "\"";
        int size = snprintf(row, sizeof(row), "%d,%s%s%0*d%s,%d.%02d,2024-02-%02d\n", i, quote,
                            extra, wide, i, quote, i % 100000, i % 100, 1 + i % 29);
        tn_text_append(text, (tn_str){row, (size_t)size});
        if (want != NULL) {
            size = snprintf(row, sizeof(row), "%d|%s%0*d|%d.%02d|2024-02-%02d\n", i, plain_extra,
                            wide, i, i % 100000, i % 100, 1 + i % 29);
            tn_text_append(want, (tn_str){row, (size_t)size});
        }
    }
}

static void check_large(tn_pool *pool, int kind, uint32_t tasks, const char *problem)
{
    texts t;
    tn_text text;
    tn_text want;
    CHECK(texts_start(&t, pool));
    tn_text_init(&text, pool, 1 << 28);
    tn_text_init(&want, pool, 1 << 28);
    make_large(&text, &want, kind);
    tn_field types[] = {{TN_STR("amount"), type_named(&t, "DECIMAL(10,2)"), true}};
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    options.types = types;
    options.type_count = 1;
    options.new_line_in_values = kind == 2 && problem == NULL;
    options.morsel_size = MORSEL;
    options.sample_rows = 50;
    t.tasks = tasks;
    const tarn_code code = texts_csv(&t, tn_text_str(&text), &options);
    if (problem != NULL) {
        CHECK(code == TARN_OK || strstr(t.err.message, problem) != NULL);
    } else {
        CHECK_STR(t.err.message, "");
    }
    if (code == TARN_OK) {
        CHECK_EQ(t.out.size, want.size);
        CHECK_U64(checksum(tn_text_str(&t.out)), checksum(tn_text_str(&want)));
    }
    tn_text_deinit(&want);
    tn_text_deinit(&text);
    texts_stop(&t);
}

TEST(morsels_meet_where_records_do)
{
    check_large(pool, 0, 1, NULL);
    check_large(pool, 0, 3, NULL);
    check_large(pool, 1, 3, NULL);
    check_large(pool, 2, 3, NULL);
}

/* What stops a field is looked for eight bytes at a time when a file is sniffed. */
TEST(stops_are_found_at_any_place_of_a_word)
{
    texts t;
    CHECK(texts_start(&t, pool));
    for (int size = 0; size < 20; size++) {
        for (int at = 0; at <= size; at++) {
            static const char stops[] = {',', '"', '\'', '\xac', '-'};
            const char stop = stops[(size + at) % 5];
            const char fill[] = "xxxxxxxxxxxxxxxxxxxx";
            tn_text text;
            tn_text want;
            tn_text_init(&text, pool, 1 << 16);
            tn_text_init(&want, pool, 1 << 16);
            tn_text_printf(&text, "key;value\n");
            for (int row = 0; row < 3; row++) {
                tn_text_printf(&text, "%d;a%.*s%s%c%.*sz\n", row, at, fill,
                               stop == '\xac' ? "\xe2\x82" : "", stop, size - at, fill);
                tn_text_printf(&want, "%d|a%.*s%s%c%.*sz\n", row, at, fill,
                               stop == '\xac' ? "\xe2\x82" : "", stop, size - at, fill);
            }
            const tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
            CHECK_EQ(texts_csv(&t, tn_text_str(&text), &options), TARN_OK);
            CHECK_STR(tn_text_str(&t.out).data, tn_text_str(&want).data);
            tn_text_deinit(&want);
            tn_text_deinit(&text);
        }
    }
    texts_stop(&t);
}

TEST(a_wrong_guess_is_never_handed_on_in_silence)
{
    check_large(pool, 2, 1, NULL);
    check_large(pool, 2, 3, "new_line_in_values");
    check_large(pool, 2, 3, "middle of a quoted value");
}

TEST(remote_text_is_read_ahead_and_failed_reads_are_errors)
{
    texts t;
    tn_text text;
    tn_text want;
    CHECK(texts_start(&t, pool));
    tn_text_init(&text, pool, 1 << 28);
    tn_text_init(&want, pool, 1 << 28);
    make_large(&text, &want, 1);
    t.remote = true;
    t.tasks = 2;
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    const tn_field types[] = {{TN_STR("amount"), type_named(&t, "DECIMAL(10,2)"), true}};
    options.types = types;
    options.type_count = 1;
    options.morsel_size = MORSEL;
    CHECK_EQ(texts_csv(&t, tn_text_str(&text), &options), TARN_OK);
    CHECK(tn_str_equal(tn_text_str(&t.out), tn_text_str(&want)));
    for (int remote = 0; remote < 2; remote++) {
        int failed = 0;
        for (int read = 1; read < 100; read += TEST_SIZE(1, 3)) {
            t.remote = remote != 0;
            t.fail_read = read;
            const tarn_code code = texts_csv(&t, tn_text_str(&text), &options);
            if (t.fail_read == 0) {
                CHECK(code != TARN_OK);
                failed++;
            } else {
                CHECK_EQ(code, TARN_OK);
                break;
            }
        }
        t.fail_read = 0;
        CHECK(failed > TEST_SIZE(3, 1));
    }
    tn_text_deinit(&want);
    tn_text_deinit(&text);
    texts_stop(&t);
}

TEST(rows_and_lines_are_numbered_across_morsels)
{
    texts t;
    tn_text text;
    CHECK(texts_start(&t, pool));
    tn_text_init(&text, pool, 1 << 28);
    make_large(&text, NULL, 2);
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    options.new_line_in_values = true;
    options.morsel_size = MORSEL;
    t.tasks = 2;
    t.virtuals = TN_VIRTUAL_ROW | TN_VIRTUAL_LINE;
    CHECK(texts_put(&t, "t.csv", tn_text_str(&text)));
    tn_source *source;
    CHECK_EQ(tn_csv_open(texts_open(&t, "t.csv"), true, &options, t.types, pool, &source, &t.err),
             TARN_OK);
    const uint32_t field = 0;
    CHECK_EQ(texts_scan(&t, source, &field, 1), TARN_OK);
    int64_t id = 0;
    int64_t last_line = 1;
    for (char *at = t.out.data; *at != '\0'; id++) {
        CHECK_EQ(strtoll(at, &at, 10), id);
        CHECK_EQ(strtoll(at + 1, &at, 10), id + 1);
        const int64_t line = strtoll(at + 1, &at, 10);
        CHECK(line == last_line + 1 || line == last_line + 3);
        last_line = line;
        at++;
    }
    CHECK(id > 1000);
    tn_source_release(source);
    tn_text_deinit(&text);
    texts_stop(&t);
}

TEST(a_limit_ends_the_scan_early)
{
    texts t;
    tn_text text;
    CHECK(texts_start(&t, pool));
    tn_text_init(&text, pool, 1 << 28);
    for (int i = 0; i < 1000000; i++) {
        tn_text_puts(&text, "1,2,3,4\n");
    }
    t.row_limit = 5;
    CHECK_EQ(texts_csv(&t, tn_text_str(&text), NULL), TARN_OK);
    CHECK(t.counters.rows_read >= 5 && t.counters.rows_read < 4096);
    CHECK(t.counters.bytes_read < 1 << 20);
    tn_text_deinit(&text);
    texts_stop(&t);
}

/* Long values with line ends and quotes, and here and there text behind a closing quote: first
 * where no sample comes, so that morsels begin within quotes, and everywhere with any number of
 * tasks. */
static void make_bad_quotes(tn_text *text, tn_text *want, tn_text *rejects)
{
    int64_t line = 2;
    int64_t row = 1;
    tn_text_puts(text, "id,name\n");
    for (int i = 0; text->size < LARGE; i++, row++) {
        const bool late = text->size > MORSEL / 2;
        const bool bad = late && i % 97 == 0;
        const int size = 1 + i * 37 % 400;
        char name[500];
        char record[600];
        for (int k = 0; k < size; k++) {
            name[k] = late && k % 50 == 49 ? '\n' : (char)('a' + k % 26);
        }
        name[size] = '\0';
        (void)snprintf(record, sizeof(record), "%d,\"%s\"%s", i, name, bad ? "x\"y" : "");
        tn_text_printf(text, "%s\n", record);
        if (bad) {
            tn_text_printf(rejects, "%lld %lld\n", (long long)line, (long long)row);
        } else {
            tn_text_printf(want, "%d|%s|%lld|%lld\n", i, name, (long long)row, (long long)line);
        }
        for (const char *at = record; *at != '\0'; at++) {
            line += *at == '\n';
        }
        line++;
    }
}

static int by_line(const void *a, const void *b)
{
    const long long x = *(const long long *)a;
    const long long y = *(const long long *)b;
    return (x > y) - (x < y);
}

/* "line row column [raw] reason", each in several lines, to "line row", in their order. */
static void places_of(const texts *t, tn_text *out)
{
    static long long places[2000];
    size_t count = 0;
    const char *at = t->rejects.data;
    while (at != NULL && *at != '\0' && count < 1000) {
        char *end;
        places[2 * count] = strtoll(at, &end, 10);
        places[2 * count + 1] = strtoll(end, NULL, 10);
        count++;
        at = strstr(at, "text follows the closing quote\n");
        at = at == NULL ? NULL : strchr(at, '\n') + 1;
    }
    qsort(places, count, 2 * sizeof(*places), by_line);
    for (size_t i = 0; i < count; i++) {
        tn_text_printf(out, "%lld %lld\n", places[2 * i], places[2 * i + 1]);
    }
}

TEST(bad_quotes_are_the_same_for_any_split_and_any_number_of_tasks)
{
    static const uint32_t sizes[] = {1 << 24, MORSEL, MORSEL / 3 + 7, 20011};
    texts t;
    tn_text text;
    tn_text want;
    tn_text rejects;
    CHECK(texts_start(&t, pool));
    tn_text_init(&text, pool, 1 << 28);
    tn_text_init(&want, pool, 1 << 28);
    tn_text_init(&rejects, pool, 1 << 28);
    make_bad_quotes(&text, &want, &rejects);
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    options.sample_rows = 50;
    options.new_line_in_values = true;
    t.with_rejects = true;
    t.virtuals = TN_VIRTUAL_ROW | TN_VIRTUAL_LINE;
    for (size_t i = 0; i < 4 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        tn_text places;
        tn_text_init(&places, pool, 1 << 28);
        options.morsel_size = sizes[i / 4];
        t.tasks = 1 + (uint32_t)i % 4;
        CHECK_EQ(texts_csv(&t, tn_text_str(&text), &options), TARN_OK);
        CHECK_EQ(t.out.size, want.size);
        CHECK_U64(checksum(tn_text_str(&t.out)), checksum(tn_text_str(&want)));
        places_of(&t, &places);
        CHECK_STR(places.data, rejects.data);
        tn_text_deinit(&places);
    }
    tn_text_deinit(&rejects);
    tn_text_deinit(&want);
    tn_text_deinit(&text);
    texts_stop(&t);
}

/* ---- the test suite of csv-spectrum -------------------------------------------------------------
 */

static bool load(const char *path, tn_text *out)
{
    FILE *file = fopen(path, "rb");
    char piece[4096];
    if (file == NULL) {
        return false;
    }
    for (size_t size; (size = fread(piece, 1, sizeof(piece), file)) > 0;) {
        tn_text_append(out, (tn_str){piece, size});
    }
    (void)fclose(file);
    return true;
}

static void check_spectrum(texts *t, const char *folder, const char *name)
{
    char path[1024];
    tn_text text;
    tn_text json;
    tn_text want;
    const tn_json *root;
    tn_text_init(&text, t->pool, 1 << 20);
    tn_text_init(&json, t->pool, 1 << 20);
    tn_text_init(&want, t->pool, 1 << 20);
    (void)snprintf(path, sizeof(path), "%s/csvs/%s.csv", folder, name);
    CHECK(load(path, &text));
    (void)snprintf(path, sizeof(path), "%s/json/%s.json", folder, name);
    CHECK(load(path, &json));
    CHECK_EQ(tn_json_parse(&t->arena, tn_text_str(&json), &root, &t->err), TARN_OK);
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    options.all_text = true;
    options.header = 1;
    CHECK_EQ(texts_csv(t, tn_text_str(&text), &options), TARN_OK);
    for (const tn_json *row = root->child; row != NULL; row = row->next) {
        for (const tn_json *cell = row->child; cell != NULL; cell = cell->next) {
            for (size_t i = 0; i < cell->text.size; i++) {
                if (cell->text.data[i] != '\r') {
                    tn_text_putc(&want, cell->text.data[i]);
                }
            }
            tn_text_putc(&want, cell->next == NULL ? '\n' : '|');
        }
    }
    tn_text got;
    tn_text_init(&got, t->pool, 1 << 20);
    for (size_t i = 0; i < t->out.size; i++) {
        if (t->out.data[i] != '~' && t->out.data[i] != '\r') {
            tn_text_putc(&got, t->out.data[i]);
        }
    }
    if (root->kind == TN_JSON_OBJECT) { /* its JSON is of another row */
        CHECK_EQ(root->count, 4);
        tn_text_append(&want, tn_text_str(&got));
    }
    tn_text_puts(&got, "");
    tn_text_puts(&want, "");
    CHECK_STR(got.data, want.data);
    tn_text_deinit(&got);
    tn_text_deinit(&want);
    tn_text_deinit(&json);
    tn_text_deinit(&text);
}

TEST(csv_spectrum_whole)
{
    char folder[512];
    char csvs[600];
    const char *shared = getenv("TARN_SHARED");
    texts t;
    int files = 0;
    (void)snprintf(folder, sizeof(folder), "%s/corpora/formats/csv-spectrum",
                   shared == NULL ? "../shared" : shared);
    (void)snprintf(csvs, sizeof(csvs), "%s/csvs", folder);
    DIR *dir = opendir(csvs);
    if (dir == NULL) {
        printf("SKIPPED: no %s\n", csvs);
        return;
    }
    CHECK(texts_start(&t, pool));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char name[256];
        const size_t size = strlen(entry->d_name);
        if (size > 4 && strcmp(entry->d_name + size - 4, ".csv") == 0) {
            memcpy(name, entry->d_name, size - 4);
            name[size - 4] = '\0';
            check_spectrum(&t, folder, name);
            files++;
        }
    }
    (void)closedir(dir);
    CHECK(files >= 12);
    texts_stop(&t);
}

/* ---- the kernels against plain loops ------------------------------------------------------------
 */

TEST(the_index_finds_what_a_plain_loop_finds)
{
    static const char letters[] = "aaaa,,\n\"\n\xc3\r;b";
    uint64_t state = 5;
    static char memory[4096 + 128];
    static uint32_t ends[4096 + 128];
    const tn_csv_kernels *kernels = tn_csv_kernels_table();
    char *text = memory + 64;
    for (int round = 0; round < 3000; round++) {
        const size_t size = 1 + state % 600;
        uint32_t want[600];
        size_t count = 0;
        size_t newlines = 0;
        bool inside = round % 2 == 1;
        for (size_t i = 0; i < size; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            const size_t letter = (state >> 30) % (sizeof(letters) - 1);
            text[i] = round % 3 == 0 && letters[letter] == '"' ? 'q' : letters[letter];
            inside ^= text[i] == '"';
            newlines += text[i] == '\n';
            if (!inside && (text[i] == ',' || text[i] == '\n')) {
                want[count++] = (uint32_t)i;
            }
        }
        tn_csv_scan scan = {
            .delimiter = ',', .quote = '"', .newline = '\n', .in_quotes = round % 2 == 1};
        CHECK_EQ(kernels->index(text, size, ends, &scan), count);
        CHECK(memcmp(ends, want, count * sizeof(*want)) == 0);
        CHECK_EQ(scan.in_quotes, inside);
        CHECK_EQ(scan.newlines, newlines);
        CHECK_EQ(kernels->count(text, size, 'a'),
                 kernels->count(text, size / 2, 'a') +
                     kernels->count(text + size / 2, size - size / 2, 'a'));
    }
}

/* Random fields of every short shape, between delimiters, quoted and before a '\r' or plain. */
typedef struct field_case {
    char room[TN_BLOCK_PADDING + 64 * 16 + TN_BLOCK_PADDING];
    uint32_t ends[64 + 1];
    char field[64][16];
    tn_csv_fields fields;
} field_case;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 20;
}

static void make_fields(field_case *c, const char *letters, bool is_plain, uint64_t *state)
{
    const size_t rows = next_random(state) % 65;
    char *text = c->room + TN_BLOCK_PADDING;
    uint32_t at = 0;
    memset(c->room, '-', sizeof(c->room)); /* what is before a field must not count */
    c->ends[0] = UINT32_MAX;
    for (size_t row = 0; row < rows; row++) {
        const size_t size = next_random(state) % 12;
        const bool quoted = !is_plain && next_random(state) % 2 == 0;
        for (size_t i = 0; i < size; i++) {
            c->field[row][i] = letters[next_random(state) % strlen(letters)];
        }
        c->field[row][size] = '\0';
        at += (uint32_t)snprintf(text + at, 17, quoted ? "\"%s\"" : "%s", c->field[row]);
        if (!is_plain && next_random(state) % 2 == 0) {
            text[at++] = '\r';
        }
        c->ends[row + 1] = at;
        text[at++] = ',';
    }
    c->fields = (tn_csv_fields){.text = text,
                                .end = c->ends + 1,
                                .stride = 1,
                                .rows = rows,
                                .quote = is_plain ? '\0' : '"',
                                .trim_return = !is_plain};
}

/* A number of at most `most` characters besides the sign: [-]digits, with a point where it may be.
 */
static bool is_short_number(const char *text, size_t most, bool point)
{
    text += *text == '-';
    const size_t size = strlen(text);
    size_t points = 0;
    size_t digits = 0;
    for (size_t i = 0; i < size; i++) {
        points += text[i] == '.';
        digits += text[i] >= '0' && text[i] <= '9';
    }
    return digits > 0 && size <= most && points <= point && digits + points == size;
}

TEST(numbers_are_taken_where_a_plain_loop_takes_them)
{
    static field_case c;
    const tn_csv_kernels *kernels = tn_csv_kernels_table();
    static const char *const shapes[] = {"0123456789",   "0123456789-", "0123456789.",
                                         "0123456789-.", "05.-+e ",     "0123456789/:"};
    uint64_t state = 11;
    for (int round = 0; round < 12000; round++) {
        int64_t wholes[64];
        double reals[64];
        uint64_t odd[1] = {0};
        make_fields(&c, shapes[round % 6], round % 4 != 0, &state);
        kernels->integers(&c.fields, wholes, odd);
        for (size_t row = 0; row < c.fields.rows; row++) {
            CHECK_EQ(!tn_bit_get(odd, row), is_short_number(c.field[row], 8, false));
            CHECK(tn_bit_get(odd, row) || wholes[row] == strtoll(c.field[row], NULL, 10));
        }
        kernels->doubles(&c.fields, reals, odd);
        for (size_t row = 0; row < c.fields.rows; row++) {
            CHECK_EQ(!tn_bit_get(odd, row), is_short_number(c.field[row], 8, true));
            CHECK(tn_bit_get(odd, row) || test_same_f64(reals[row], strtod(c.field[row], NULL)));
        }
        const unsigned scale = 1 + (unsigned)round % 7;
        kernels->decimals(&c.fields, scale, wholes, odd);
        for (size_t row = 0; row < c.fields.rows; row++) {
            const char *text = c.field[row];
            const size_t size = strlen(text);
            const bool has_point = size > scale && text[size - 1 - scale] == '.';
            CHECK_EQ(!tn_bit_get(odd, row), has_point && is_short_number(text, 9, true));
            CHECK(tn_bit_get(odd, row) ||
                  wholes[row] == llround(strtod(text, NULL) * pow(10, scale)));
        }
    }
}

/* What the kernels may take: any day but those of year 0 and 29 February. */
static bool is_plain_date(const char *text, int32_t *days)
{
    static const unsigned lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (size_t i = 0; i < 10; i++) {
        const bool right = i == 4 || i == 7 ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
        if (!right) {
            return false;
        }
    }
    const int32_t year = (int32_t)strtol(text, NULL, 10);
    const unsigned month = (unsigned)strtoul(text + 5, NULL, 10);
    const unsigned day = (unsigned)strtoul(text + 8, NULL, 10);
    if (year == 0 || month - 1 > 11 || day - 1 > lengths[month - 1] - 1) {
        return false;
    }
    *days = (int32_t)day - 1 - 719162; /* 1970 begins so long after year 1 */
    for (int32_t before = 1; before < year; before++) {
        *days += 365 + (before % 4 == 0 && (before % 100 != 0 || before % 400 == 0));
    }
    for (unsigned before = 1; before < month; before++) {
        *days += (int32_t)lengths[before - 1] +
                 (before == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    }
    return true;
}

TEST(dates_are_taken_where_a_plain_loop_takes_them)
{
    static field_case c;
    const tn_csv_kernels *kernels = tn_csv_kernels_table();
    uint64_t state = 17;
    for (int round = 0; round < 300; round++) {
        int32_t days[64];
        uint64_t odd[1] = {0};
        make_fields(&c, "0", true, &state);
        uint32_t at = 0;
        for (size_t row = 0; row < c.fields.rows; row++) {
            const unsigned year = (unsigned)(next_random(&state) % 10000);
            const unsigned month = (unsigned)(next_random(&state) % 14);
            const unsigned day = (unsigned)(next_random(&state) % 33);
            snprintf(c.field[row], 16, "%04u-%02u-%02u", year, month, day);
            if (next_random(&state) % 8 == 0) { /* a letter that does not belong there */
                c.field[row][next_random(&state) % 10] = "-/:a0"[next_random(&state) % 5];
            }
            memcpy(c.fields.text + at, c.field[row], 10);
            at += 10;
            c.ends[row + 1] = at;
            c.fields.text[at++] = ',';
        }
        kernels->dates(&c.fields, days, odd);
        for (size_t row = 0; row < c.fields.rows; row++) {
            int32_t want;
            const bool taken = is_plain_date(c.field[row], &want);
            CHECK_EQ(!tn_bit_get(odd, row), taken);
            CHECK(!taken || days[row] == want);
        }
    }
}

TEST(csv_survives_the_loss_of_any_allocation)
{
    texts t;
    CHECK(texts_start(&t, pool));
    CHECK(texts_put(&t, "t.csv", TN_STR("a,b,c\n1,\"x\ny\",2.5\n\n4,\xc3\xa4,6\n")));
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tn_source *source = NULL;
        tn_object *object = texts_open(&t, "t.csv");
        tarn_code code = object == NULL
                             ? TARN_E_NOMEM
                             : tn_csv_open(object, true, NULL, t.types, pool, &source, &t.err);
        if (object != NULL && code != TARN_OK) {
            tn_object_close(object);
        }
        if (code == TARN_OK) {
            t.virtuals = TN_VIRTUAL_LINE;
            code = texts_scan(&t, source, NULL, 0);
            tn_source_release(source);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        if (oom.refused) { /* the texts that grow are the test's own */
            tn_text_deinit(&t.out);
            tn_text_init(&t.out, pool, 1 << 30);
        }
    }
    texts_stop(&t);
}
