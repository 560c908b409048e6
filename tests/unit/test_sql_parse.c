#include "sql/ast.h"
#include "support/check.h"

#include <stdlib.h>

/* ---- S-expressions of what was parsed, so that tests can say what they want ---- */

static void dump_query(const tn_ast_query *query, tn_text *out);

static void dump(const tn_ast *node, tn_text *out)
{
    static const char *const kinds[] = {
        "name",    "*",      "null",       "bool",  "num",  "str",      "blob",    "param",
        "default", "",       "and",        "or",    "like", "between",  "in",      "in",
        "exists",  "query",  "quantified", "case",  "cast", "interval", "call",    "arg",
        "list",    "struct", "row",        "field", "at",   "slice",    "grouping"};
    if (node == NULL) {
        tn_text_puts(out, "_");
        return;
    }
    switch (node->kind) {
    case TN_AST_NAME:
        for (uint32_t i = 0; i < node->count; i++) {
            tn_text_printf(out, i == 0 ? "%.*s" : ".%.*s", TN_STR_ARGS(node->names[i]));
        }
        return;
    case TN_AST_NUMBER:
        tn_text_append(out, node->text);
        return;
    case TN_AST_STRING:
        tn_text_printf(out, "'%.*s'", TN_STR_ARGS(node->text));
        return;
    case TN_AST_BOOLEAN:
        tn_text_puts(out, node->flag ? "true" : "false");
        return;
    case TN_AST_PARAMETER:
        tn_text_printf(out, "$%.*s", TN_STR_ARGS(node->text));
        return;
    default:
        break;
    }
    tn_text_printf(out, "(%s%s%.*s", node->negated ? "!" : "", kinds[node->kind],
                   node->kind == TN_AST_LIKE ? 0 : (int)node->text.size, node->text.data);
    if (node->kind == TN_AST_LIKE) {
        tn_text_printf(out, ":%.*s", TN_STR_ARGS(node->text));
    }
    if (node->kind == TN_AST_CALL && node->call != NULL) {
        tn_text_puts(out, node->call->distinct ? " distinct" : node->call->star ? " *" : "");
    }
    for (uint32_t i = 0; i < (node->kind == TN_AST_STAR ? 0 : node->count); i++) {
        tn_text_puts(out, " ");
        if (node->kind == TN_AST_STRUCT) {
            tn_text_printf(out, "%.*s=", TN_STR_ARGS(node->names[i]));
        }
        dump(node->items[i], out);
    }
    if (node->kind == TN_AST_CALL && node->call != NULL) {
        for (uint32_t i = 0; i < node->call->order_count; i++) {
            tn_text_puts(out, " order ");
            dump(node->call->order[i].expr, out);
        }
        if (node->call->filter != NULL) {
            tn_text_puts(out, " filter ");
            dump(node->call->filter, out);
        }
    }
    if ((node->kind == TN_AST_EXISTS || node->kind == TN_AST_SUBQUERY ||
         node->kind == TN_AST_IN_QUERY || node->kind == TN_AST_QUANTIFIED) &&
        node->query != NULL) {
        tn_text_puts(out, " ");
        dump_query(node->query, out);
    }
    tn_text_puts(out, ")");
}

static void dump_table(const tn_ast_table *table, tn_text *out)
{
    static const char *const joins[] = {"join", "left", "right", "full", "semi", "anti"};
    switch (table->kind) {
    case TN_TABLE_NAME:
        tn_text_append(out, table->name.name);
        break;
    case TN_TABLE_URI:
        tn_text_printf(out, "'%.*s'", TN_STR_ARGS(table->uri));
        break;
    case TN_TABLE_FUNCTION:
        dump(table->call, out);
        break;
    case TN_TABLE_QUERY:
        dump_query(table->query, out);
        break;
    case TN_TABLE_JOIN:
        tn_text_printf(out, "(%s%s ", table->natural ? "natural " : "", joins[table->join]);
        dump_table(table->left, out);
        tn_text_puts(out, " ");
        dump_table(table->right, out);
        if (table->condition != NULL) {
            tn_text_puts(out, " on ");
            dump(table->condition, out);
        }
        for (uint32_t i = 0; i < table->using_count; i++) {
            tn_text_printf(out, " using %.*s", TN_STR_ARGS(table->using[i].alias));
        }
        tn_text_puts(out, ")");
        break;
    }
    if (table->alias.size > 0) {
        tn_text_printf(out, ":%.*s", TN_STR_ARGS(table->alias));
    }
}

static void dump_query(const tn_ast_query *query, tn_text *out)
{
    static const char *const kinds[] = {"select", "values", "union", "except", "intersect"};
    tn_text_puts(out, "{");
    for (uint32_t i = 0; i < query->cte_count; i++) {
        tn_text_printf(out, "%.*s", TN_STR_ARGS(query->ctes[i].name));
        dump_query(query->ctes[i].query, out);
        tn_text_puts(out, " ");
    }
    tn_text_printf(out, "%s%s%s", kinds[query->kind], query->all ? " all" : "",
                   query->distinct ? " distinct" : "");
    for (uint32_t i = 0; i < query->item_count; i++) {
        tn_text_puts(out, " ");
        dump(query->items[i].expr, out);
        if (query->items[i].alias.size > 0) {
            tn_text_printf(out, ":%.*s", TN_STR_ARGS(query->items[i].alias));
        }
    }
    for (uint32_t i = 0; i < query->row_count; i++) {
        tn_text_puts(out, " ");
        dump(query->rows[i], out);
    }
    for (uint32_t i = 0; i < query->child_count; i++) {
        tn_text_puts(out, " ");
        dump_query(query->children[i], out);
    }
    if (query->from != NULL) {
        tn_text_puts(out, " from ");
        dump_table(query->from, out);
    }
    if (query->where != NULL) {
        tn_text_puts(out, " where ");
        dump(query->where, out);
    }
    tn_text_puts(out, query->group_all ? " group all" : query->is_grouped ? " group" : "");
    for (uint32_t i = 0; i < query->group_count; i++) {
        tn_text_puts(out, " ");
        dump(query->groups[i], out);
    }
    if (query->having != NULL) {
        tn_text_puts(out, " having ");
        dump(query->having, out);
    }
    for (uint32_t i = 0; i < query->order_count; i++) {
        tn_text_puts(out, query->order[i].descending ? " desc " : " asc ");
        dump(query->order[i].expr, out);
        tn_text_puts(out, query->order[i].nulls_first ? "^" : "");
    }
    if (query->limit != NULL) {
        tn_text_puts(out, " limit ");
        dump(query->limit, out);
    }
    if (query->offset != NULL) {
        tn_text_puts(out, " offset ");
        dump(query->offset, out);
    }
    tn_text_puts(out, "}");
}

typedef struct parsed {
    tn_arena arena;
    const tn_statement *statements;
    size_t count;
    tn_text text;
    tarn_error err;
    tarn_code code;
} parsed;

static void parse(parsed *out, tn_pool *pool, tn_str sql)
{
    *out = (parsed){.err = TARN_ERROR_INIT};
    tn_arena_init(&out->arena, pool);
    tn_text_init(&out->text, pool, 1 << 20);
    out->code = tn_sql_parse(sql, &out->arena, pool, &out->statements, &out->count, &out->err);
}

static void forget(parsed *out)
{
    tn_text_deinit(&out->text);
    tn_arena_deinit(&out->arena);
}

/* The first statement's query as an S-expression, or the error. */
static bool parses_to(tn_pool *pool, const char *sql, const char *want)
{
    parsed result;
    parse(&result, pool, tn_str_of(sql));
    if (result.code != TARN_OK) {
        tn_text_printf(&result.text, "%" PRId64 ":%" PRId64 " %s%s%s", result.err.line,
                       result.err.column, result.err.message, result.err.hint[0] ? " / " : "",
                       result.err.hint);
    } else if (result.count == 0) {
        tn_text_puts(&result.text, "nothing");
    } else {
        dump_query(result.statements[0].ast->query, &result.text);
    }
    const bool same = strcmp(result.text.data, want) == 0;
    if (!same) {
        test_fail(__FILE__, __LINE__, "%s\n  gives %s\n  not   %s", sql, result.text.data, want);
    }
    forget(&result);
    return same;
}

typedef struct example {
    const char *sql, *want;
} example;

static void check_examples(tn_pool *pool, const example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)parses_to(pool, examples[i].sql, examples[i].want);
    }
}
#define CHECK_EXAMPLES(examples) \
    check_examples(pool, examples, sizeof(examples) / sizeof(*examples))

TEST(expressions_bind_as_in_postgresql)
{
    static const example examples[] = {
        {"SELECT 1 + 2 * 3", "{select (+ 1 (* 2 3))}"},
        {"SELECT (1 + 2) * 3", "{select (* (+ 1 2) 3)}"},
        {"SELECT 1 - 2 - 3", "{select (- (- 1 2) 3)}"},
        {"SELECT a OR b AND NOT c = d", "{select (or a (and b (not (= c d))))}"},
        {"SELECT a AND b AND c OR d OR e", "{select (or (and a b c) d e)}"},
        {"SELECT -2 ^ 2, - 2, -a, - -1, +a", "{select (^ -2 2) -2 (- a) (- -1) (+ a)}"},
        {"SELECT -9223372036854775808", "{select -9223372036854775808}"},
        {"SELECT a || b || 'c' = d", "{select (= (|| (|| a b) 'c') d)}"},
        {"SELECT NOT a IS NULL, a IS NOT NULL", "{select (not (is_null a)) (is_not_null a)}"},
        {"SELECT a IS NOT TRUE, a IS UNKNOWN, a ISNULL, a NOT NULL",
         "{select (not (is_true a)) (is_unknown a) (is_null a) (is_not_null a)}"},
        {"SELECT a IS DISTINCT FROM b + 1 AND c", "{select (and (is_distinct_from a (+ b 1)) c)}"},
        {"SELECT a BETWEEN 1 AND 2 + 3 AND b", "{select (and (betweenbetween a 1 (+ 2 3)) b)}"},
        {"SELECT a NOT BETWEEN SYMMETRIC 1 AND 2 OR b", "{select (or (!betweenbetween a 1 2) b)}"},
        {"SELECT a LIKE 'x' || b ESCAPE '!' AND c",
         "{select (and (like:like a (|| 'x' b) '!') c)}"},
        {"SELECT a NOT ILIKE b, a !~ b, a ~~* b, a SIMILAR TO b",
         "{select (!like:ilike a b) (!like:~ a b) (like:ilike a b) (like:similar_to a b)}"},
        {"SELECT a IN (1, 2), a NOT IN (SELECT 1), a IN ((SELECT 1)), a IN ()",
         "{select (in a 1 2) (!in a {select 1}) (in a {select 1}) (in a)}"},
        {"SELECT a + 1 IN (2) = b", "{select (= (in (+ a 1) 2) b)}"},
        {"SELECT a = ANY (SELECT 1), a <> ALL ([1, 2])",
         "{select (quantified= a {select 1}) (quantified<> a (list 1 2))}"},
        {"SELECT a::INT::VARCHAR(10), CAST(a AS DECIMAL(10, 2)), TRY_CAST(a AS INT[])",
         "{select (castVARCHAR(10) (castINT a)) (castDECIMAL(10, 2) a) (castINT[] a)}"},
        {"SELECT DATE '2001-01-01', TIMESTAMP WITH TIME ZONE 'x', a::TIMESTAMP WITH TIME ZONE",
         "{select (!castDATE '2001-01-01') (!castTIMESTAMP WITH TIME ZONE 'x') "
         "(castTIMESTAMP WITH TIME ZONE a)}"},
        {"SELECT INTERVAL '1 day', INTERVAL '1' DAY, INTERVAL 2 HOURS, INTERVAL (a) MONTH",
         "{select (interval '1 day') (intervalDAY '1') (intervalHOURS 2) (intervalMONTH a)}"},
        {"SELECT CASE WHEN a THEN 1 ELSE 2 END, CASE a WHEN 1 THEN 2 WHEN 3 THEN 4 END",
         "{select (case _ a 1 2) (case a 1 2 3 4 _)}"},
        {"SELECT count(*), count(DISTINCT a), sum(a ORDER BY b) FILTER (WHERE c), f()",
         "{select (callcount *) (callcount distinct a) (callsum a order b filter c) (callf)}"},
        {"SELECT extract(year FROM a), substring(a FROM 2 FOR 3), substring(a FOR 3)",
         "{select (calldate_part 'year' a) (callsubstring a 2 3) (callsubstring a 1 3)}"},
        {"SELECT position('x' IN a), trim(a), trim(BOTH 'x' FROM a), trim(LEADING FROM a)",
         "{select (callstrpos a 'x') (calltrim a) (calltrim a 'x') (callltrim a)}"},
        {"SELECT [1, 2][1], {'a': 1, b: 2}.a, a[1:2], a[:], (a).b, t.a.b",
         "{select (at (list 1 2) 1) (fielda (struct a=1 b=2)) (slice a 1 2) (slice a _ _) "
         "(fieldb a) t.a.b}"},
        {"SELECT (1, 2) = ROW(1, 2), EXISTS (SELECT 1), NOT EXISTS (SELECT 1)",
         "{select (= (row 1 2) (row 1 2)) (exists {select 1}) (not (exists {select 1}))}"},
        {"SELECT ?, $a, $1, ?", "{select $1 $a $1 $2}"},
        {"SELECT a AT TIME ZONE 'UTC' + b", "{select (+ (at_time_zone a 'UTC') b)}"},
        {"SELECT 1.5, .5, 1., 1e10, 0x1F, 1_000", "{select 1.5 .5 1. 1e10 0x1F 1_000}"},
        {"SELECT MAP {'a': 1, b: 2}, {a: 1,}, a::INT UNSIGNED",
         "{select (callmap (list 'a' b) (list 1 2)) (struct a=1) (castUINTEGER a)}"},
        {"SELECT left(a, 1), \"left\", interval, first(x), date", "{select (callleft a 1) left "
                                                                  "interval (callfirst x) date}"},
        {"SELECT ((SELECT 1) UNION (SELECT 2)), ((SELECT 1) + 1)",
         "{select (query {union {select 1} {select 2}}) (+ (query {select 1}) 1)}"},
    };
    CHECK_EXAMPLES(examples);
}

TEST(strings_and_names_are_decoded)
{
    static const example examples[] = {
        {"SELECT 'it''s', E'a\\tb\\u00e9\\x41', $$a'b$$, $x$a$$b$x$", "{select 'it's' 'a\tb\xC3\xA9"
                                                                      "A' 'a'b' 'a$$b'}"},
        {"SELECT \"a \"\"b\"\"\" FROM \"T\"", "{select a \"b\" from T}"},
        {"SELECT 1 -- one\n, /* two /* nested */ */ 3", "{select 1 3}"},
        {"SELECT 'a", "1:8 this string has no end: a ' is missing"},
        {"SELECT /* a", "1:8 this comment has no end: '*/' is missing"},
        {"SELECT 1abc", "1:9 a number cannot be followed by a letter: put a blank between"},
        {"SELECT \"\"", "1:8 a name cannot be empty"},
        {"SELECT 1 \x01", "1:10 the byte 0x01 has no place in SQL"},
    };
    CHECK_EXAMPLES(examples);
}

TEST(queries_have_all_their_clauses)
{
    static const example examples[] = {
        {"SELECT a b, c AS \"D\" FROM t", "{select a:b c:D from t}"},
        {"FROM t", "{select from t}"},
        {"FROM t SELECT a WHERE b", "{select a from t where b}"},
        {"SELECT DISTINCT a FROM t WHERE b GROUP BY a, 2 HAVING c ORDER BY a DESC, b NULLS FIRST "
         "LIMIT 10 OFFSET 5",
         "{select distinct a from t where b group a 2 having c desc a^ asc b^ limit 10 offset 5}"},
        {"SELECT a FROM t GROUP BY ALL ORDER BY ALL", "{select a from t group all asc _}"},
        {"SELECT a FROM t OFFSET 2 ROWS FETCH FIRST 3 ROWS ONLY",
         "{select a from t limit 3 offset 2}"},
        {"SELECT a FROM t GROUP BY ROLLUP (a, b), GROUPING SETS ((a), ())",
         "{select a from t group (grouping a b) (grouping a (row))}"},
        {"SELECT * EXCLUDE (a, b) REPLACE (1 AS c), t.* FROM t", "{select (*) (*) from t}"},
        {"VALUES (1, 2), (3, 4) ORDER BY 1", "{values (row 1 2) (row 3 4) asc 1}"},
        {"TABLE t", "{select from t}"},
        {"SELECT * EXCEPT (a) FROM t EXCEPT (SELECT 1)", "{except {select (*) from t} {select 1}}"},
        {"SELECT a FROM t AS at WHERE at.a = 1", "{select a from t:at where (= at.a 1)}"},
        {"SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3",
         "{union all {select 1} {select 2} {select 3}}"},
        {"SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT SELECT 4 ORDER BY 1",
         "{except {union {select 1} {intersect {select 2} {select 3}}} {select 4} asc 1}"},
        {"(SELECT 1 LIMIT 1) LIMIT 2", "{union all {select 1 limit 1} limit 2}"},
        {"(SELECT 1 LIMIT 1) UNION (SELECT 2) LIMIT 2",
         "{union {select 1 limit 1} {select 2} limit 2}"},
        {"WITH a AS (SELECT 1), b(x) AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a",
         "{a{select 1} b{select 2} select (*) from a}"},
        {"SELECT 1;", "{select 1}"},
        {" ; -- nothing", "nothing"},
    };
    CHECK_EXAMPLES(examples);
}

TEST(tables_join_in_order)
{
    static const example examples[] = {
        {"FROM a, b JOIN c ON x", "{select from (join a (join b c on x))}"},
        {"FROM a LEFT JOIN b USING (x, y) CROSS JOIN c",
         "{select from (join (left a b using x using y) c)}"},
        {"FROM a JOIN b JOIN c ON x ON y", "{select from (join a (join b c on x) on y)}"},
        {"FROM a NATURAL FULL OUTER JOIN (b JOIN c ON x) d",
         "{select from (natural full a (join b c on x):d)}"},
        {"FROM a SEMI JOIN b ON x ANTI JOIN c ON y", "{select from (anti (semi a b on x) c on y)}"},
        {"FROM 'a.csv' t, read_csv('b', delim => ';') AS u(x)",
         "{select from (join 'a.csv':t (callread_csv 'b' (argdelim ';')):u)}"},
        {"FROM (SELECT 1) a, LATERAL (SELECT 2) b, (VALUES (1)) c, ((SELECT 1) UNION SELECT 2) d",
         "{select from (join (join (join {select 1}:a {select 2}:b) {values (row 1)}:c) "
         "{union {select 1} {select 2}}:d)}"},
        {"FROM main.t AS u", "{select from t:u}"},
        {"FROM a RIGHT SEMI JOIN b ON x", "{select from (semi b a on x)}"},
        {"FROM VALUES (1), (2), AS t(a)", "{select from {values (row 1) (row 2)}:t}"},
    };
    CHECK_EXAMPLES(examples);
}

TEST(mistakes_are_told_in_the_words_of_the_text)
{
    static const example examples[] = {
        {"SELEC 1", "1:1 expected a statement before 'SELEC' / did you mean 'SELECT'?"},
        {"SELECT a FORM t",
         "1:15 expected the end of the statement before 't' / did you mean 'FROM' for 'FORM'?"},
        {"SELECT a FROM t WEHRE b = 1",
         "1:23 expected the end of the statement before 'b' / did you mean 'WHERE' for 'WEHRE'?"},
        {"SELECT a FROM t ODER BY a", "1:22 expected the end of the statement before 'BY' / "
                                      "did you mean 'ORDER' for 'ODER'?"},
        {"SELECT a,, b", "1:10 expected an expression before ','"},
        {"SELECT FROM", "1:8 expected an expression before 'FROM' / FROM is a reserved word: as a "
                        "name, write \"FROM\""},
        {"SELECT (1 + 2", "1:14 expected ')' before the end of the statement"},
        {"SELECT 1 +", "1:11 expected an expression before the end of the statement"},
        {"SELECT a BETWEEN 1", "1:19 expected AND of BETWEEN before the end of the statement"},
        {"SELECT CASE WHEN a THEN b", "1:26 expected WHEN, ELSE or END of CASE before the end of "
                                      "the statement"},
        {"FROM a JOIN b", "1:14 expected ON or USING of the JOIN before the end of the statement"},
        {"SELECT 1\nFROM t\n  WHERE 'a' LIKE", "3:17 expected an expression before the end of the "
                                               "statement"},
        {"UPDATE t SET a = 1",
         "1:1 UPDATE: not built yet / CREATE OR REPLACE TABLE ... AS SELECT makes the table anew"},
        {"BEGIN", "1:1 BEGIN: not built yet"},
        {"SELECT rank() OVER (ORDER BY a) FROM t",
         "1:15 window functions (OVER): not built yet / a group's figures: GROUP BY in a subquery, "
         "joined by its keys; its first rows: a LATERAL subquery with ORDER BY and LIMIT"},
        {"SELECT a FROM t QUALIFY b", "1:17 QUALIFY: not built yet / DISTINCT ON (key) with ORDER "
                                      "BY keeps the first row of each key"},
        {"SELECT list_transform(a, lambda x: x + 1)",
         "1:26 lambdas (x -> ...): not built yet / unnest() the list in FROM, and "
         "gather the results with list()"},
        {"SELECT [x for x in a]", "1:11 lists made by FOR: not built yet / unnest() the list in "
                                  "FROM, and gather the results with list()"},
        {"CREATE INDEX i ON t (a)", "1:8 CREATE INDEX: not built yet"},
        {"CREATE TABLE t (a INT DEFAULT 1)", "1:23 DEFAULT of a column: not built yet"},
        {"COPY t FROM 'a.csv'", "1:8 COPY ... FROM: not built yet / INSERT INTO t SELECT * FROM "
                                "'file' does the same"},
        {"FROM a ASOF JOIN b ON x", "1:8 ASOF JOIN: not built yet / LEFT JOIN LATERAL (SELECT ... "
                                    "WHERE b.at <= a.at ORDER BY b.at DESC LIMIT 1) b ON true"},
        {"SELECT a COLLATE nocase", "1:18 COLLATE nocase is not built: strings compare by bytes / "
                                    "compare lower(x) for an order without case"},
    };
    CHECK_EXAMPLES(examples);
}

TEST(statements_tell_what_they_are)
{
    static const struct {
        const char *sql;
        tn_statement_kind kind;
    } examples[] = {
        {"CREATE TABLE t (a INT NOT NULL, b DECIMAL(10, 2), PRIMARY KEY (a))",
         TN_STATEMENT_CREATE_TABLE},
        {"CREATE OR REPLACE TEMP TABLE IF NOT EXISTS t AS SELECT 1", TN_STATEMENT_CREATE_TABLE_AS},
        {"CREATE TABLE t (a, b) AS SELECT 1, 2", TN_STATEMENT_CREATE_TABLE_AS},
        {"CREATE VIEW v (a) AS SELECT 1", TN_STATEMENT_CREATE_VIEW},
        {"DROP TABLE IF EXISTS a, main.b CASCADE", TN_STATEMENT_DROP_TABLE},
        {"DROP VIEW v", TN_STATEMENT_DROP_VIEW},
        {"INSERT INTO t VALUES (1, DEFAULT)", TN_STATEMENT_INSERT},
        {"INSERT INTO t (a, b) SELECT 1, 2", TN_STATEMENT_INSERT},
        {"INSERT INTO t (SELECT 1)", TN_STATEMENT_INSERT},
        {"INSERT INTO t DEFAULT VALUES", TN_STATEMENT_INSERT},
        {"COPY t (a) TO 'x.parquet'", TN_STATEMENT_COPY_TO},
        {"COPY (SELECT 1) TO 'x' (FORMAT delta, PARTITION_BY (a, b), HEADER, DELIMITER ';', N = "
         "-1)",
         TN_STATEMENT_COPY_TO},
        {"DESCRIBE t", TN_STATEMENT_DESCRIBE},
        {"DESCRIBE 'x.parquet'", TN_STATEMENT_DESCRIBE},
        {"DESC SELECT 1", TN_STATEMENT_DESCRIBE},
        {"SHOW TABLES", TN_STATEMENT_SHOW},
        {"SHOW FUNCTIONS LIKE 'a%'", TN_STATEMENT_SHOW},
        {"SHOW threads", TN_STATEMENT_SHOW},
        {"SET threads = 4", TN_STATEMENT_SET},
        {"SET s3.region TO 'eu'", TN_STATEMENT_SET},
        {"SET preserve_order = off", TN_STATEMENT_SET},
        {"SET TIME ZONE 'UTC'", TN_STATEMENT_SET},
        {"SET threads = DEFAULT", TN_STATEMENT_RESET},
        {"RESET ALL", TN_STATEMENT_RESET},
        {"EXPLAIN ANALYZE SELECT 1", TN_STATEMENT_SELECT},
        {"(SELECT 1)", TN_STATEMENT_SELECT},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        parsed result;
        parse(&result, pool, tn_str_of(examples[i].sql));
        if (result.code != TARN_OK || result.count != 1 ||
            result.statements[0].kind != examples[i].kind) {
            test_fail(__FILE__, __LINE__, "%s: %s", examples[i].sql, result.err.message);
        }
        forget(&result);
    }
}

TEST(a_text_holds_many_statements_with_their_places)
{
    parsed result;
    parse(&result, pool, TN_STR("SELECT 1; ;\n EXPLAIN SELECT 'a;b' ;SELECT 3"));
    CHECK_EQ(result.code, TARN_OK);
    CHECK_EQ(result.count, 3);
    CHECK_EQ(result.statements[0].span.length, 8);
    CHECK_EQ(result.statements[1].span.start, 13);
    CHECK_EQ(result.statements[1].explain, TN_EXPLAIN_PLAN);
    CHECK_EQ(result.statements[2].span.start, 35);
    forget(&result);
}

TEST(keywords_are_in_order)
{
    size_t count;
    const char *const *words = tn_sql_keywords(&count);
    for (size_t i = 1; i < count; i++) {
        CHECK(strcmp(words[i - 1], words[i]) < 0);
    }
}

TEST(a_shell_knows_when_a_statement_is_complete)
{
    CHECK(tn_sql_is_complete(TN_STR("")));
    CHECK(tn_sql_is_complete(TN_STR("SELECT 1;")));
    CHECK(tn_sql_is_complete(TN_STR("SELECT 1; -- done")));
    CHECK(!tn_sql_is_complete(TN_STR("SELECT 1")));
    CHECK(!tn_sql_is_complete(TN_STR("SELECT 'a;")));
    CHECK(!tn_sql_is_complete(TN_STR("SELECT (1;")));
    CHECK(!tn_sql_is_complete(TN_STR("SELECT /* ;")));
    CHECK(!tn_sql_is_complete(TN_STR("SELECT $$ ;")));
    CHECK(tn_sql_is_complete(TN_STR("SELECT 1abc")));
}

TEST(names_are_quoted_where_they_must_be)
{
    tn_text text;
    tn_text_init(&text, pool, 1 << 10);
    const char *const names[] = {"delay", "select", "a b", "1a", "\"", "year"};
    for (size_t i = 0; i < 6; i++) {
        tn_sql_quote_name(tn_str_of(names[i]), &text);
        tn_text_putc(&text, ' ');
    }
    CHECK_STR(text.data, "delay \"select\" \"a b\" \"1a\" \"\"\"\" year ");
    tn_text_deinit(&text);
}

/* ---- size ---- */

enum { MANY = 100000 };

static void repeat(tn_text *text, const char *first, const char *piece, const char *last)
{
    tn_text_puts(text, first);
    for (int i = 0; i < MANY; i++) {
        tn_text_puts(text, piece);
    }
    tn_text_puts(text, last);
}

TEST(a_hundred_thousand_terms_do_not_overflow)
{
    static const struct {
        const char *first, *piece, *middle, *closing;
    } shapes[] = {
        {"SELECT 1", "+1", "", ""},
        {"SELECT ", "(", "1", ")"},
        {"SELECT ", "-(", "1", ")"},
        {"SELECT ", "NOT ", "true", ""},
        {"SELECT true", " AND a = 1", "", ""},
        {"SELECT 1 IN (1", ", 2", ")", ""},
        {"SELECT ", "f(", "1", ")"},
        {"SELECT ", "[", "1", "]"},
        {"SELECT ", "CASE WHEN true THEN ", "1", " END"},
        {"SELECT ", "(SELECT ", "1", ")"},
        {"SELECT * FROM ", "(SELECT * FROM ", "t", ")"},
        {"SELECT 1", " UNION ALL SELECT 1", "", ""},
        {"SELECT 1", " EXCEPT SELECT 1", "", ""},
        {"", "(", "SELECT 1", ")"},
        {"SELECT * FROM t", ", t", "", ""},
        {"SELECT * FROM ", "(", "t", ")"},
        {"SELECT * FROM t", " JOIN t", "", " ON true"},
        {"SELECT 1", "::INT", "", ""},
        {"SELECT a", "[1]", "", ""},
        {"VALUES (1)", ", (1)", "", ""},
        {"SELECT 1", ", 1 AS a", "", ""},
        {"", "SELECT 1;", "", ""},
        {"SELECT 1::STRUCT", "(a STRUCT", "(b INT)", ")"},
        {"SELECT 1 ", "/*", "", "*/"},
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
        tn_text text;
        tn_text_init(&text, pool, 64 << 20);
        repeat(&text, shapes[i].first, shapes[i].piece, shapes[i].middle);
        repeat(&text, "", shapes[i].closing, "");
        parsed result;
        parse(&result, pool, tn_text_str(&text));
        if (result.code != TARN_OK) {
            test_fail(__FILE__, __LINE__, "%s%s...: %s", shapes[i].first, shapes[i].piece,
                      result.err.message);
        }
        forget(&result);
        tn_text_deinit(&text);
    }
}

TEST(parsing_survives_the_loss_of_any_allocation)
{
    static const char sql[] =
        "WITH a AS (SELECT 1), b AS (VALUES (1, 'it''s')) SELECT DISTINCT count(*) x, sum(a "
        "ORDER BY b) FILTER (WHERE c), CASE WHEN a THEN [1] ELSE {'a': 1} END, * EXCLUDE (q) FROM "
        "a JOIN b USING (c), (d LEFT JOIN e ON f) WHERE a IN (SELECT 1 UNION SELECT 2) GROUP BY "
        "CUBE (a, b) HAVING a BETWEEN 1 AND 2 ORDER BY 1 LIMIT 3; CREATE TABLE t (a INT, b INT); "
        "COPY t TO 'x' (FORMAT csv, PARTITION_BY (a)); DROP TABLE a, b; SET a = -1";
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        parsed result;
        parse(&result, pool, tn_str_of(sql));
        CHECK_EQ(result.code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        forget(&result);
        CHECK_EQ(pool->used, 0);
    }
}
