/* The registry: every entry is whole, and its example is true. */
#include "expr/function.h"
#include "support/exprs.h"

#include <stdio.h>

TEST(every_scalar_function_has_an_example_that_is_true)
{
    size_t count = 0;
    size_t wrong = 0;
    const tn_function *const *functions = tn_functions(&count);
    exprs e;
    exprs_init(&e, pool);
    CHECK(count > 100);
    for (size_t i = 0; i < count; i++) {
        const tn_function *function = functions[i];
        CHECK(function->doc != NULL && function->signature != NULL && function->category != NULL);
        if (function->aggregate != NULL || function->volatility != TN_IMMUTABLE) {
            continue;
        }
        CHECK(function->example != NULL && function->example_result != NULL);
        e.code = TARN_OK;
        const char *got = exprs_value(&e, function->example);
        if (strcmp(got, function->example_result) != 0) {
            fprintf(stderr, "%s is '%s', not '%s'\n", function->example, got,
                    function->example_result);
            wrong++;
        }
    }
    CHECK_EQ(wrong, 0);
    exprs_deinit(&e);
}

TEST(names_and_aliases_are_found_whatever_their_case)
{
    size_t count = 0;
    const tn_function *const *functions = tn_functions(&count);
    for (size_t i = 0; i < count; i++) {
        CHECK(tn_function_find(tn_str_of(functions[i]->name)) == functions[i]);
        CHECK(i == 0 || strcmp(functions[i - 1]->name, functions[i]->name) < 0);
    }
    CHECK(tn_function_find(TN_STR("SUBSTRING")) == tn_function_find(TN_STR("substr")));
    CHECK(tn_function_find(TN_STR("nothing_like_it")) == NULL);
    CHECK_EQ(tn_function_class_of(TN_STR("sum")), TN_FUNCTION_AGGREGATE);
    (void)pool;
}

/* expression, result: what examples do not show. */
static const char *const cases[][2] = {
    {"substr('abcdef', -1, 4)", "ab"},
    {"substr('abcdef', 3)", "cdef"},
    {"substr('abc', 0, 2)", "a"},
    {"substr('abc', 1, -1)", "substring: a length of -1 is below 0"},
    {"substr('žluť', 2, 2)", "lu"},
    {"left('abc', -1)", "ab"},
    {"right('abc', -1)", "bc"},
    {"right('abc', 10)", "abc"},
    {"upper('straße žluť')", "STRAẞE ŽLUŤ"},
    {"split_part('a,b,c', ',', -1)", "c"},
    {"split_part('a,b,c', ',', 4)", ""},
    {"split_part('a,b,c', ',', -4)", ""},
    {"replace('aaaa', 'aa', 'b')", "bb"},
    {"repeat('ab', -1)", ""},
    {"lpad('abc', 2)", "ab"},
    {"lpad('ž', 4, 'xy')", "xyxž"},
    {"concat(NULL, NULL)", ""},
    {"'a' || NULL", "NULL"},
    {"trim('xyaxy', 'yx')", "a"},
    {"length('')", "0"},
    {"chr(0)", "chr(0) has no value"},
    {"'abc' LIKE 'a_c'", "true"},
    {"'aXbXc' LIKE '%X%X%'", "true"},
    {"'aXb' LIKE '%X%X%'", "false"},
    {"'50%' LIKE '50\\%'", "true"},
    {"'500' LIKE '50\\%'", "false"},
    {"like('a%b', 'a!%b', '!')", "true"},
    {"'abcabd' LIKE '%ab_'", "true"},
    {"'aab' LIKE '%ab'", "true"},
    {"'žž' LIKE '__'", "true"},
    {"'a long enough text for sixteen bytes' LIKE '%sixteen%'", "true"},
    {"'a long enough text for sixteen bytes' LIKE '%sixten%'", "false"},
    {"'' LIKE '%'", "true"},
    {"'' LIKE ''", "true"},
    {"'ŽLUŤ' ILIKE 'žl%'", "true"},
    {"'a' LIKE 'a\\'", "the LIKE pattern ends with its escape"},
    {"regexp_replace('abc', '(b)', '[\\1]')", "a[b]c"},
    {"'a' LIKE ('a' || '\\')", "the LIKE pattern ends with its escape"},
    {"false AND 'a' LIKE ('a' || '\\')", "false"},
    {"CASE WHEN true THEN 1 WHEN regexp_matches('a', '(' || 'b') THEN 2 END", "1"},
    {"regexp_matches('a', '(' || 'b')",
     "the regular expression '(b' is wrong at 3: missing closing parenthesis"},
    {"regexp_replace('abc', '', '-', 'g')", "-a-b-c-"},
    {"regexp_matches('ABC', 'b', 'i')", "true"},
    {"regexp_extract('x', 'y')", ""},
    {"regexp_matches('a', '(')",
     "the regular expression '(' is wrong at 2: missing closing parenthesis"},
    {"regexp_matches(repeat('a', 40) || 'b', '^(a+)+$')",
     "regexp_matches: the pattern needs too many steps on this text"},
    {"1 / 0", "division by zero: 1 / 0"},
    {"1.5 / 0", "division by zero: 1.5 / 0"},
    {"1e0 / 0", "Infinity"},
    {"2147483647 + 1", "INTEGER overflow in 2147483647 + 1"},
    {"-7 / 2", "-3"},
    {"-7 % 2", "-1"},
    {"1.25 * 1.5", "1.875"},
    {"10.0 / 3", "3.3333333333"},
    {"1 + 1.50", "2.50"},
    {"round(2.5)", "3"},
    {"round(-2.5)", "-3"},
    {"round(2.5e0)", "3"},
    {"round(1234.567, 1)", "1234.6"},
    {"floor(-1.01)", "-2"},
    {"trunc(-1.99)", "-1"},
    {"abs(-1.5)", "1.5"},
    {"sqrt(-1)", "sqrt(-1) has no value"},
    {"power(0, -1)", "power(0, -1) has no value"},
    {"CAST('12abc' AS INTEGER)", "cannot cast '12abc' to INTEGER: it is no whole number"},
    {"TRY_CAST('12abc' AS INTEGER)", "NULL"},
    {"CAST(300 AS TINYINT)", "cannot cast 300 to TINYINT"},
    {"CAST(2.5 AS INTEGER)", "3"},
    {"CAST(2.5e0 AS INTEGER)", "2"},
    {"CAST(1.005e0 AS DECIMAL(10,2))", "1.00"},
    {"CAST('NaN' AS INTEGER)", "cannot cast 'NaN' to INTEGER: it is no whole number"},
    {"CAST(CAST('NaN' AS DOUBLE) AS INTEGER)", "cannot cast NaN to INTEGER"},
    {"CAST(CAST('NaN' AS REAL) AS DOUBLE)", "NaN"},
    {"CAST(CAST('NaN' AS DOUBLE) AS REAL)", "NaN"},
    {"CAST(1 AS BOOLEAN)", "true"},
    {"CAST(true AS INTEGER)", "1"},
    {"CAST(DATE '2001-02-03' AS TIMESTAMP)", "2001-02-03 00:00:00"},
    {"CAST(TIMESTAMP '2001-02-03 23:59:59' AS DATE)", "2001-02-03"},
    {"CAST(TIMESTAMP '1969-12-31 23:59:59' AS DATE)", "1969-12-31"},
    {"CAST(123 AS VARCHAR)", "123"},
    {"CAST(1.50 AS VARCHAR)", "1.50"},
    {"DATE '2001-01-31' + INTERVAL '1 month'", "2001-02-28 00:00:00"},
    {"DATE '2001-03-01' - DATE '2001-02-01'", "28"},
    {"DATE '2001-03-01' + 5", "2001-03-06"},
    {"TIMESTAMP '2001-03-01 10:00:00' - TIMESTAMP '2001-02-28 09:00:00'", "1 day 01:00:00"},
    {"INTERVAL '1 month' * 2.5", "2 mons 15 days"},
    {"INTERVAL '1 day' / 2", "12:00:00"},
    {"-INTERVAL '1 day'", "-1 days"},
    {"date_trunc('week', DATE '2001-03-04')", "2001-02-26 00:00:00"},
    {"date_trunc('quarter', TIMESTAMP '2001-06-30 12:00:00')", "2001-04-01 00:00:00"},
    {"date_trunc('hour', TIMESTAMP '1969-12-31 23:30:00')", "1969-12-31 23:00:00"},
    {"date_trunc('epoch', TIMESTAMP '2001-02-03 04:05:06')",
     "'epoch' is no unit that time is cut at"},
    {"date_part('epoch', INTERVAL '1 hour')", "3600"},
    {"date_part('centuries', DATE '2001-01-01')", "21"},
    {"date_part('centurys', DATE '2001-01-01')", "21"},
    {"date_part('monht', DATE '2001-01-01')", "'monht' is no unit of time"},
    {"date_diff('year', DATE '2000-12-31', DATE '2001-01-01')", "1"},
    {"strptime('2001-02-29', '%Y-%m-%d')",
     "strptime: '2001-02-29' is not read by '%Y-%m-%d': there is no such day"},
    {"strptime('Feb 3 2001 04:05 PM', '%b %d %Y %I:%M %p')", "2001-02-03 16:05:00"},
    {"strptime('20010203040506', '%Y%m%d%H%M%S')", "2001-02-03 04:05:06"},
    {"strptime('20010203', '%Y%m%d')", "2001-02-03 00:00:00"},
    {"strptime('12001-02-03', '%Y-%m-%d')", "12001-02-03 00:00:00"},
    {"strptime('2001-02-03T04:05:06.5+02:00', '%Y-%m-%dT%H:%M:%S.%f%z')", "2001-02-03 02:05:06.5"},
    {"strftime(TIMESTAMP '2001-02-03 04:05:06', '%a %d %b %H:%M:%S %j %V')",
     "Sat 03 Feb 04:05:06 034 05"},
    {"strftime(DATE '2001-02-03', '%q')", "the format '%q' is wrong: it has an unknown %-code"},
    {"true AND NULL", "NULL"},
    {"false AND NULL", "false"},
    {"true OR 1 / 0 = 1", "true"},
    {"false AND 1 / 0 = 1", "false"},
    {"true AND 1 / 0 = 1", "division by zero: 1 / 0"},
    {"CASE WHEN true THEN 1 ELSE 1 / 0 END", "1"},
    {"CASE WHEN NULL THEN 1 END", "NULL"},
    {"coalesce(1, 1 / 0)", "1"},
    {"coalesce(NULL, 1 / 0)", "division by zero: 1 / 0"},
    {"1 IN (2, NULL)", "NULL"},
    {"1 IN (1, NULL)", "true"},
    {"1 NOT IN (2, 3)", "true"},
    {"'b' IN ('a', 'b', 'c', 'd', 'e', 'f')", "true"},
    {"1.50 IN (1.5, 2)", "true"},
    {"NULL IS DISTINCT FROM NULL", "false"},
    {"CAST('NaN' AS DOUBLE) = CAST('NaN' AS DOUBLE)", "true"},
    {"CAST('NaN' AS DOUBLE) > 1e300", "true"},
    {"greatest(1, 2.5)", "2.5"},
    {"least(NULL, NULL)", "NULL"},
    {"nullif(1, 2)", "1"},
    {"to_timestamp(0)", "1970-01-01 00:00:00+00"},
    {"INTERVAL '1 month' > INTERVAL '29 days'", "true"},
};

TEST(functions_keep_their_promises_at_the_edges)
{
    exprs e;
    size_t wrong = 0;
    exprs_init(&e, pool);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *got = exprs_value(&e, cases[i][0]);
        if (strcmp(got, cases[i][1]) != 0) {
            fprintf(stderr, "%s is '%s', not '%s'\n", cases[i][0], got, cases[i][1]);
            wrong++;
        }
    }
    CHECK_EQ(wrong, 0);
    exprs_deinit(&e);
}
