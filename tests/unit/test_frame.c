#include "column/arrow.h"
#include "kernel/text.h"
#include "session/session.h" /* the root of all pools */
#include "support/check.h"

#include <tarn/tarn.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what a stream holds, as text: a header, then a line a row ---- */

static tarn_code stream_text(struct ArrowArrayStream *stream, tn_pool *pool, tn_text *out,
                             tarn_error *err)
{
    tn_types *types = NULL;
    tn_schema schema;
    tn_arena arena;
    tn_chunks chunks = {.pool = pool};

    tn_text_clear(out);
    tn_arena_init(&arena, pool);
    tarn_code code = tn_types_create(pool, &types, err);
    if (code == TARN_OK) {
        code = tn_arrow_import_stream(stream, types, &arena, &schema, &chunks, err);
    } else {
        stream->release(stream);
    }
    for (uint32_t i = 0; code == TARN_OK && i < schema.count; i++) {
        tn_text_printf(out, "%s%s %s", i == 0 ? "" : "|", schema.fields[i].name.data,
                       schema.fields[i].type->name.data);
    }
    tn_text_putc(out, '\n');
    for (size_t c = 0; c < chunks.count; c++) {
        const tn_chunk *chunk = chunks.items[c];
        for (uint32_t row = 0; row < chunk->rows; row++) {
            for (uint32_t i = 0; i < chunk->width; i++) {
                tn_text_puts(out, i == 0 ? "" : "|");
                if (tn_column_is_null(&chunk->columns[i], row)) {
                    tn_text_puts(out, "NULL");
                } else {
                    tn_text_value(&chunk->columns[i], row, out);
                }
            }
            tn_text_putc(out, '\n');
        }
    }
    tn_chunks_free(&chunks);
    tn_arena_deinit(&arena);
    tn_types_destroy(types);
    return code;
}

static void sql_text(tarn_session *session, const char *sql, tn_pool *pool, tn_text *out)
{
    tarn_error err = TARN_ERROR_INIT;
    struct ArrowArrayStream stream;
    tarn_code code = tarn_query(session, sql, &stream, &err);
    if (code == TARN_OK) {
        code = stream_text(&stream, pool, out, &err);
    }
    if (code != TARN_OK) {
        tn_text_clear(out);
        tn_text_printf(out, "%s: %s", tarn_code_name(code), err.message);
    }
}

static void frame_text(tarn_frame *frame, bool collect, tn_pool *pool, tn_text *out)
{
    tarn_error err = TARN_ERROR_INIT;
    struct ArrowArrayStream stream;
    tarn_code code = collect ? tarn_frame_collect(frame, &stream, &err)
                             : tarn_frame_stream(frame, &stream, &err);
    if (code == TARN_OK) {
        code = stream_text(&stream, pool, out, &err);
    }
    if (code != TARN_OK) {
        tn_text_clear(out);
        tn_text_printf(out, "%s: %s", tarn_code_name(code), err.message);
        if (err.hint[0] != '\0') {
            tn_text_printf(out, " (%s)", err.hint);
        }
    }
}

/* Two tables: flights of 12 rows, with nulls; airports of 3. */
static const char *const tables =
    "CREATE TABLE flights AS SELECT * FROM (VALUES"
    " (1, 'JFK', 10, DATE '2001-01-01'), (2, 'LAX', NULL, DATE '2001-01-02'),"
    " (3, 'JFK', 30, DATE '2001-01-03'), (4, 'SFO', -5, DATE '2001-02-01'),"
    " (5, 'LAX', 20, DATE '2001-02-02'), (6, NULL, 7, DATE '2001-02-03'),"
    " (7, 'JFK', 15, NULL), (8, 'XXX', 99, DATE '2001-03-01'))"
    " t (id, origin, delay, day);"
    "CREATE TABLE airports AS SELECT * FROM (VALUES ('JFK', 'New York', 1), ('LAX', 'Los Angeles',"
    " 2), ('BOS', 'Boston', 3)) t (iata, city, id);"
    "CREATE VIEW late AS SELECT * FROM flights WHERE delay > 12; SELECT 1";

static tarn_session *open_session(tn_pool *pool)
{
    tn_text text;
    tarn_session *session = NULL;
    if (tarn_session_open(&session, NULL) != TARN_OK) {
        return NULL;
    }
    tn_text_init(&text, pool, 1 << 20);
    sql_text(session, tables, pool, &text);
    if (strcmp(text.data, "1 INTEGER\n1\n") != 0) {
        test_fail(__FILE__, __LINE__, "tables: %s", text.data);
    }
    tn_text_deinit(&text);
    return session;
}

#define FLIGHTS  tarn_frame_scan(session, "flights")
#define AIRPORTS tarn_frame_scan(session, "airports")

/* The frame gives what the SQL gives, streamed and collected. */
#define CHECK_SAME(frame_, sql)                                                              \
    do {                                                                                     \
        tarn_frame *const made = (frame_);                                                   \
        sql_text(session, (sql), pool, &want);                                               \
        for (int collect = 0; collect < 2; collect++) {                                      \
            frame_text(tarn_frame_retain(made), collect, pool, &got);                        \
            if (strcmp(got.data, want.data) != 0) {                                          \
                test_fail(__FILE__, __LINE__, "%s: %s, not %s", (sql), got.data, want.data); \
            }                                                                                \
        }                                                                                    \
        tarn_frame_release(made);                                                            \
    } while (0)

#define CHECK_FAILS(frame_, message)             \
    do {                                         \
        frame_text((frame_), false, pool, &got); \
        CHECK_STR(got.data, (message));          \
    } while (0)

TEST(each_verb_says_what_sql_says)
{
    tn_text got;
    tn_text want;
    tn_text_init(&got, pool, 1 << 20);
    tn_text_init(&want, pool, 1 << 20);
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);

    CHECK_SAME(FLIGHTS, "FROM flights");
    CHECK_SAME(tarn_frame_scan(session, "late"), "FROM late");
    CHECK_SAME(tarn_frame_sql(session, "SELECT id + 1 AS x FROM late"),
               "SELECT id + 1 AS x FROM late");
    CHECK_SAME(tarn_frame_filter(FLIGHTS, tarn_gt(tarn_col("delay"), tarn_i64(12))),
               "FROM flights WHERE delay > 12");
    CHECK_SAME(tarn_frame_select(
                   FLIGHTS, TARN_EXPRS(tarn_as(tarn_mul(tarn_col("DELAY"), tarn_i64(2)), "twice"),
                                       tarn_all())),
               "SELECT delay * 2 AS twice, * FROM flights");
    CHECK_SAME(tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_add(tarn_col("id"), tarn_i64(1)))),
               "SELECT id + 1 FROM flights");
    CHECK_SAME(tarn_frame_with_columns(
                   FLIGHTS, TARN_EXPRS(tarn_as(tarn_neg(tarn_col("delay")), "delay"),
                                       tarn_as(tarn_is_null(tarn_col("day")), "no_day"))),
               "SELECT id, origin, -delay AS delay, day, day IS NULL AS no_day FROM flights");
    CHECK_SAME(tarn_frame_limit(FLIGHTS, 3), "FROM flights LIMIT 3");
    CHECK_SAME(tarn_frame_slice(FLIGHTS, 2, 3), "FROM flights LIMIT 3 OFFSET 2");
    CHECK_SAME(tarn_frame_sort(FLIGHTS, TARN_EXPRS(tarn_desc(tarn_col("delay")))),
               "FROM flights ORDER BY delay DESC");
    CHECK_SAME(tarn_frame_sort(FLIGHTS, TARN_EXPRS(tarn_nulls_first(tarn_asc(tarn_col("origin"))),
                                                   tarn_nulls_last(tarn_desc(tarn_col("delay"))))),
               "FROM flights ORDER BY origin NULLS FIRST, delay DESC NULLS LAST");
    CHECK_SAME(tarn_frame_top_k(FLIGHTS, 2, TARN_EXPRS(tarn_col("delay"))),
               "FROM flights ORDER BY delay LIMIT 2");
    CHECK_SAME(tarn_frame_union(tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_col("origin"))),
                                tarn_frame_select(AIRPORTS, TARN_EXPRS(tarn_col("iata")))),
               "SELECT origin FROM flights UNION ALL SELECT iata FROM airports");
    CHECK_SAME(tarn_frame_union_by_name(FLIGHTS, AIRPORTS),
               "FROM flights UNION ALL BY NAME FROM airports");
    CHECK_SAME(tarn_frame_sort(
                   tarn_frame_unique(tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_col("origin"))),
                                     TARN_EXPRS()),
                   TARN_EXPRS(tarn_col("origin"))),
               "SELECT DISTINCT origin FROM flights ORDER BY origin");
    CHECK_SAME(tarn_frame_sort(tarn_frame_unique(FLIGHTS, TARN_EXPRS(tarn_col("origin"))),
                               TARN_EXPRS(tarn_col("id"))),
               "SELECT * FROM (SELECT DISTINCT ON (origin) * FROM flights) ORDER BY id");
    tarn_session_close(session);
    tn_text_deinit(&got);
    tn_text_deinit(&want);
}

TEST(groups_say_what_sql_says)
{
    tn_text got;
    tn_text want;
    tn_text_init(&got, pool, 1 << 20);
    tn_text_init(&want, pool, 1 << 20);
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);

    CHECK_SAME(
        tarn_frame_sort(
            tarn_frame_group_by(
                FLIGHTS, TARN_EXPRS(tarn_col("origin")),
                TARN_EXPRS(
                    tarn_as(tarn_count_rows(), "n"), tarn_as(tarn_avg(tarn_col("delay")), "mean"),
                    tarn_as(tarn_quantile(tarn_col("delay"), 0.95), "p95"),
                    tarn_as(tarn_count_distinct(tarn_col("day")), "days"),
                    tarn_as(tarn_div(tarn_sum(tarn_if(tarn_gt(tarn_col("delay"), tarn_i64(12)),
                                                      tarn_f64(1), tarn_f64(0))),
                                     tarn_count_rows()),
                            "late"))),
            TARN_EXPRS(tarn_col("origin"))),
        "SELECT origin, count(*) AS n, avg(delay) AS mean, quantile_cont(delay, 0.95e0) AS p95, "
        "count(DISTINCT day) AS days, sum(CASE WHEN delay > 12 THEN 1e0 ELSE 0e0 END) / count(*) "
        "AS late FROM flights GROUP BY origin ORDER BY origin");
    CHECK_SAME(
        tarn_frame_group_by(FLIGHTS, TARN_EXPRS(),
                            TARN_EXPRS(tarn_min(tarn_col("delay")),
                                       tarn_where(tarn_count(tarn_col("id")),
                                                  tarn_lt(tarn_col("delay"), tarn_i64(12))))),
        "SELECT min(delay), count(id) FILTER (WHERE delay < 12) FROM flights");
    CHECK_SAME(tarn_frame_sort(
                   tarn_frame_group_by(
                       FLIGHTS, TARN_EXPRS(tarn_as(tarn_mod(tarn_col("id"), tarn_i64(3)), "k")),
                       TARN_EXPRS(tarn_as(tarn_add(tarn_mod(tarn_col("id"), tarn_i64(3)),
                                                   tarn_max(tarn_col("id"))),
                                          "x"))),
                   TARN_EXPRS(tarn_col("k"))),
               "SELECT id % 3 AS k, id % 3 + max(id) AS x FROM flights GROUP BY id % 3 ORDER BY k");
    CHECK_SAME(
        tarn_frame_sort(tarn_frame_group_by(FLIGHTS, TARN_EXPRS(tarn_col("origin")), TARN_EXPRS()),
                        TARN_EXPRS(tarn_col("origin"))),
        "SELECT origin FROM flights GROUP BY origin ORDER BY origin");
    CHECK_FAILS(
        tarn_frame_group_by(FLIGHTS, TARN_EXPRS(tarn_col("origin")), TARN_EXPRS(tarn_col("delay"))),
        "invalid: step 2 (group_by): column 'delay' is neither a key nor in an aggregate "
        "(add it to the keys, or use tarn_first())");
    CHECK_FAILS(
        tarn_frame_filter(FLIGHTS, tarn_gt(tarn_sum(tarn_col("id")), tarn_i64(1))),
        "invalid: step 2 (filter): the aggregate sum() stands where none can be (aggregates "
        "belong in tarn_frame_group_by(), not inside each other)");
    tarn_session_close(session);
    tn_text_deinit(&got);
    tn_text_deinit(&want);
}

static tarn_frame *by_id(tarn_frame *frame)
{
    return tarn_frame_sort(frame, TARN_EXPRS(tarn_col("id"), tarn_col("city")));
}

TEST(joins_say_what_sql_says)
{
    static const struct {
        tarn_join_kind kind;
        const char *sql;
    } kinds[] = {
        {TARN_JOIN_INNER, "SELECT f.*, a.* FROM flights f JOIN airports a ON origin = iata"},
        {TARN_JOIN_LEFT, "SELECT f.*, a.* FROM flights f LEFT JOIN airports a ON origin = iata"},
        {TARN_JOIN_RIGHT, "SELECT f.*, a.* FROM flights f RIGHT JOIN airports a ON origin = iata"},
        {TARN_JOIN_FULL, "SELECT f.*, a.* FROM flights f FULL JOIN airports a ON origin = iata"},
    };
    tn_text got;
    tn_text want;
    char sql[512];
    tn_text_init(&got, pool, 1 << 20);
    tn_text_init(&want, pool, 1 << 20);
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);

    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(sql, sizeof(sql),
                       "SELECT id, origin, delay, day, iata, city, id_1 AS id_right FROM (%s) t "
                       "(id, origin, delay, day, iata, city, id_1) ORDER BY id, city",
                       kinds[i].sql);
        CHECK_SAME(by_id(tarn_frame_join_on(FLIGHTS, AIRPORTS, kinds[i].kind,
                                            tarn_eq(tarn_col("origin"), tarn_col("iata")))),
                   sql);
    }
    CHECK_SAME(
        by_id(tarn_frame_join(FLIGHTS, AIRPORTS, TARN_JOIN_INNER, TARN_EXPRS(tarn_col("id")))),
        "SELECT f.id, origin, delay, day, iata, city FROM flights f JOIN airports a ON f.id "
        "= a.id ORDER BY f.id, city");
    CHECK_SAME(
        by_id(tarn_frame_join(AIRPORTS, FLIGHTS, TARN_JOIN_FULL, TARN_EXPRS(tarn_col("id")))),
        "SELECT iata, city, coalesce(a.id, f.id) AS id, origin, delay, day FROM airports a "
        "FULL JOIN flights f ON f.id = a.id ORDER BY id, city");
    CHECK_SAME(tarn_frame_sort(tarn_frame_join_on(FLIGHTS, AIRPORTS, TARN_JOIN_SEMI,
                                                  tarn_lt(tarn_left("id"), tarn_right("id"))),
                               TARN_EXPRS(tarn_col("id"))),
               "FROM flights f WHERE EXISTS (FROM airports a WHERE f.id < a.id) ORDER BY id");
    CHECK_SAME(tarn_frame_sort(
                   tarn_frame_join(FLIGHTS, AIRPORTS, TARN_JOIN_ANTI, TARN_EXPRS(tarn_col("id"))),
                   TARN_EXPRS(tarn_col("id"))),
               "FROM flights WHERE id > 3 ORDER BY id");
    CHECK_SAME(
        tarn_frame_group_by(tarn_frame_join(FLIGHTS, AIRPORTS, TARN_JOIN_CROSS, TARN_EXPRS()),
                            TARN_EXPRS(), TARN_EXPRS(tarn_as(tarn_count_rows(), "n"))),
        "SELECT 24::BIGINT AS n");
    tarn_frame *late = tarn_frame_filter(FLIGHTS, tarn_gt(tarn_col("delay"), tarn_i64(12)));
    CHECK_SAME(tarn_frame_group_by(tarn_frame_join(tarn_frame_retain(late), late, TARN_JOIN_INNER,
                                                   TARN_EXPRS(tarn_col("id"))),
                                   TARN_EXPRS(), TARN_EXPRS(tarn_as(tarn_count_rows(), "n"))),
               "SELECT count(*) AS n FROM late");
    CHECK_FAILS(tarn_frame_join_on(FLIGHTS, AIRPORTS, TARN_JOIN_INNER,
                                   tarn_eq(tarn_col("id"), tarn_i64(1))),
                "invalid: step 2 (join_on): the name 'id' fits two columns (name the side: "
                "tarn_left(), tarn_right())");
    CHECK_FAILS(tarn_frame_join(FLIGHTS, AIRPORTS, TARN_JOIN_INNER, TARN_EXPRS()),
                "invalid: step 2 (join): the join has no columns to match (TARN_JOIN_CROSS makes "
                "every pair)");
    tarn_session_close(session);
    tn_text_deinit(&got);
    tn_text_deinit(&want);
}

TEST(each_expression_says_what_sql_says)
{
    tn_text got;
    tn_text want;
    tn_text_init(&got, pool, 1 << 20);
    tn_text_init(&want, pool, 1 << 20);
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);

#define CHECK_EXPR(expr, sql)                                                \
    CHECK_SAME(tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_as((expr), "x"))), \
               "SELECT " sql " AS x FROM flights")
    CHECK_EXPR(tarn_null(), "NULL");
    CHECK_EXPR(tarn_bool(true), "true");
    CHECK_EXPR(tarn_i64(5000000000), "5000000000");
    CHECK_EXPR(tarn_u64(7), "7::UBIGINT");
    CHECK_EXPR(tarn_f64(0.5), "0.5e0");
    CHECK_EXPR(tarn_str("it's"), "'it''s'");
    CHECK_EXPR(tarn_blob("ab", 2), "'ab'::BLOB");
    CHECK_EXPR(tarn_decimal("-12.50"), "-12.50");
    CHECK_EXPR(tarn_date("2001-01-31"), "DATE '2001-01-31'");
    CHECK_EXPR(tarn_time("12:34:56.5"), "TIME '12:34:56.5'");
    CHECK_EXPR(tarn_timestamp("2001-01-31 12:34:56"), "TIMESTAMP '2001-01-31 12:34:56'");
    CHECK_EXPR(tarn_timestamptz("2001-01-31 12:34:56+01"), "TIMESTAMPTZ '2001-01-31 12:34:56+01'");
    CHECK_EXPR(tarn_add(tarn_col("day"), tarn_interval("2 months")), "day + INTERVAL '2 months'");
    CHECK_EXPR(tarn_eq(tarn_col("origin"), tarn_str("JFK")), "origin = 'JFK'");
    CHECK_EXPR(tarn_ne(tarn_col("id"), tarn_i64(2)), "id <> 2");
    CHECK_EXPR(tarn_le(tarn_col("id"), tarn_i64(2)), "id <= 2");
    CHECK_EXPR(tarn_ge(tarn_col("id"), tarn_i64(2)), "id >= 2");
    CHECK_EXPR(tarn_same(tarn_col("delay"), tarn_null()), "delay IS NOT DISTINCT FROM NULL");
    CHECK_EXPR(tarn_between(tarn_col("id"), tarn_i64(2), tarn_i64(4)), "id BETWEEN 2 AND 4");
    CHECK_EXPR(tarn_in(tarn_col("origin"), TARN_EXPRS(tarn_str("JFK"), tarn_str("SFO"))),
               "origin IN ('JFK', 'SFO')");
    CHECK_EXPR(tarn_not_in(tarn_col("id"), TARN_EXPRS(tarn_i64(1), tarn_i64(2))),
               "id NOT IN (1, 2)");
    CHECK_EXPR(tarn_like(tarn_col("origin"), "%F%"), "origin LIKE '%F%'");
    CHECK_EXPR(tarn_ilike(tarn_col("origin"), "j%"), "origin ILIKE 'j%'");
    CHECK_EXPR(tarn_and(tarn_is_not_null(tarn_col("day")), tarn_not(tarn_bool(false))),
               "day IS NOT NULL AND NOT false");
    CHECK_EXPR(tarn_or(tarn_is_null(tarn_col("day")), tarn_lt(tarn_col("id"), tarn_i64(3))),
               "day IS NULL OR id < 3");
    CHECK_EXPR(tarn_sub(tarn_col("id"), tarn_col("delay")), "id - delay");
    CHECK_EXPR(tarn_div(tarn_col("id"), tarn_i64(2)), "id / 2");
    CHECK_EXPR(tarn_cast(tarn_col("id"), "VARCHAR"), "id::VARCHAR");
    CHECK_EXPR(tarn_try_cast(tarn_col("origin"), "BIGINT"), "TRY_CAST(origin AS BIGINT)");
    CHECK_EXPR(tarn_if(tarn_gt(tarn_col("id"), tarn_i64(2)), tarn_str("a"), tarn_str("b")),
               "CASE WHEN id > 2 THEN 'a' ELSE 'b' END");
    CHECK_EXPR(tarn_case(TARN_EXPRS(tarn_eq(tarn_col("id"), tarn_i64(1)), tarn_i64(10),
                                    tarn_eq(tarn_col("id"), tarn_i64(2)), tarn_i64(20))),
               "CASE WHEN id = 1 THEN 10 WHEN id = 2 THEN 20 END");
    CHECK_EXPR(tarn_call("lower", TARN_EXPRS(tarn_col("origin"))), "lower(origin)");
    CHECK_EXPR(tarn_call("date_trunc", TARN_EXPRS(tarn_str("month"), tarn_col("day"))),
               "date_trunc('month', day)");
    tarn_session_close(session);
    tn_text_deinit(&got);
    tn_text_deinit(&want);
}

TEST(errors_travel_to_the_end_of_the_chain)
{
    tn_text got;
    tn_text_init(&got, pool, 1 << 20);
    tarn_session *session = open_session(pool);
    tarn_session *other = open_session(pool);
    CHECK(session != NULL && other != NULL);

    CHECK_FAILS(
        tarn_frame_limit(tarn_frame_filter(FLIGHTS, tarn_gt(tarn_col("dela"), tarn_i64(1))), 1),
        "invalid: step 2 (filter): there is no column 'dela' (did you mean 'delay'?)");
    CHECK_FAILS(tarn_frame_limit(tarn_frame_filter(FLIGHTS, tarn_col(NULL)), 1),
                "invalid: step 2 (filter): the name of a column is NULL");
    CHECK_FAILS(tarn_frame_filter(FLIGHTS, tarn_eq(tarn_col("origin"), tarn_str("\xff"))),
                "invalid: step 2 (filter): a text is no UTF-8; bytes are tarn_blob()");
    CHECK_FAILS(tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_as(tarn_col("origin"), "\xc3"))),
                "invalid: step 2 (select): the name in tarn_as() is no UTF-8");
    CHECK_FAILS(tarn_frame_limit(tarn_frame_filter(FLIGHTS, NULL), 1),
                "out_of_memory: no memory is left for building the frame");
    CHECK_FAILS(tarn_frame_select(NULL, TARN_EXPRS(tarn_col("a"), tarn_all())),
                "out_of_memory: no memory is left for building the frame");
    CHECK_FAILS(tarn_frame_scan(NULL, "flights"), "invalid: step 1 (scan): the session is NULL");
    CHECK_FAILS(tarn_frame_scan(session, "flight"),
                "not_found: step 1 (scan): no table named 'flight' (did you mean 'flights'?)");
    CHECK_FAILS(tarn_frame_union(FLIGHTS, tarn_frame_scan(other, "flights")),
                "invalid: step 1 (union): the two frames are of different sessions");
    CHECK_FAILS(tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_date("2001-02-30"))),
                "invalid: step 2 (select): cannot cast '2001-02-30' to DATE: there is no such day "
                "(TRY_CAST makes it NULL)");
    CHECK_FAILS(tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_col("id"), tarn_col("ID"))),
                "invalid: step 2 (select): two columns are named 'id' (give one another name with "
                "tarn_as())");
    CHECK_FAILS(
        tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_as(tarn_in(tarn_col("id"), TARN_EXPRS()), "x"))),
        "invalid: step 2 (select): a list of IN is empty");
    CHECK_FAILS(tarn_frame_sql(session, "SELECT 1; SELECT 2"),
                "invalid: step 1 (sql): a frame's SQL is one query");
    CHECK_FAILS(
        tarn_frame_select(FLIGHTS,
                          TARN_EXPRS(tarn_div(tarn_i64(1), tarn_sub(tarn_col("id"), tarn_i64(3))))),
        "invalid: step 2: division by zero: 1 / 0 (nullif(divisor, 0) makes the result NULL "
        "there)");
    tarn_session_close(session);
    tarn_session_close(other);
    tn_text_deinit(&got);
}

TEST(long_chains_and_deep_expressions_do_not_recurse)
{
    tn_text got;
    tn_text_init(&got, pool, 1 << 20);
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);
    tarn_expr *sum = tarn_col("id");
    for (int i = 0; i < 20000; i++) {
        sum = tarn_add(sum, tarn_f64(1));
    }
    tarn_expr_release(tarn_expr_retain(sum));
    tarn_frame *frame =
        tarn_frame_limit(tarn_frame_select(FLIGHTS, TARN_EXPRS(tarn_as(sum, "x"))), 1);
    CHECK_FAILS(frame, "x DOUBLE\n20001\n");
    frame = FLIGHTS;
    for (int i = 0; i < 2000; i++) {
        frame = tarn_frame_limit(frame, 5);
    }
    frame = tarn_frame_group_by(frame, TARN_EXPRS(), TARN_EXPRS(tarn_as(tarn_count_rows(), "n")));
    CHECK_FAILS(frame, "n BIGINT\n5\n");
    for (int i = 0; i < 200000; i++) {
        frame = i == 0 ? FLIGHTS : tarn_frame_limit(frame, 5);
    }
    tarn_frame_release(frame);
    tarn_session_close(session);
    tn_text_deinit(&got);
}

/* ---- files and tables ---- */

static void path_in(char *out, size_t size, const char *directory, const char *name)
{
    (void)snprintf(out, size, "%s/%s", directory, name);
}

static bool remove_tree(const char *directory)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command) == 0; /* NOLINT(cert-env33-c): a path of ours */
}

TEST(frames_write_what_they_read)
{
    char directory[] = "/tmp/tarn-frame-XXXXXX";
    char path[128];
    tn_text got;
    tn_text want;
    tarn_error err = TARN_ERROR_INIT;
    tarn_receipt receipt = TARN_RECEIPT_INIT;
    uint64_t rows = 0;

    CHECK(mkdtemp(directory) != NULL);
    tn_text_init(&got, pool, 1 << 20);
    tn_text_init(&want, pool, 1 << 20);
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);
    tarn_frame *flights = FLIGHTS;

    path_in(path, sizeof(path), directory, "f.parquet");
    CHECK_EQ(tarn_frame_write_parquet(tarn_frame_retain(flights), path,
                                      TARN_PARQUET_WRITE(.codec = "zstd"), &rows, &err),
             TARN_OK);
    CHECK_EQ(rows, 8);
    CHECK_SAME(tarn_frame_scan(session, path), "FROM flights");
    path_in(path, sizeof(path), directory, "f.csv");
    CHECK_EQ(tarn_frame_write_csv(tarn_frame_retain(flights), path,
                                  TARN_CSV_WRITE(.delimiter = ';', .null_text = "-"), &rows, &err),
             TARN_OK);
    CHECK_SAME(tarn_frame_group_by(tarn_frame_scan(session, path), TARN_EXPRS(),
                                   TARN_EXPRS(tarn_as(tarn_count_rows(), "n"))),
               "SELECT 8::BIGINT AS n");
    path_in(path, sizeof(path), directory, "table");
    CHECK_EQ(tarn_frame_write_delta(tarn_frame_retain(flights), path,
                                    TARN_DELTA_WRITE(.mode = TARN_CREATE, .partition_by = "origin"),
                                    &receipt, &err),
             TARN_OK);
    CHECK_EQ(receipt.version, 0);
    CHECK_EQ(receipt.rows, 8);
    CHECK_EQ(receipt.files, 5);
    CHECK_EQ(tarn_frame_write_delta(tarn_frame_retain(flights), path, NULL, &receipt, &err),
             TARN_OK);
    CHECK_EQ(receipt.version, 1);
    CHECK_EQ(tarn_frame_write_delta(tarn_frame_retain(flights), path,
                                    TARN_DELTA_WRITE(.mode = TARN_CREATE), &receipt, &err),
             TARN_E_EXISTS);
    CHECK_SAME(tarn_frame_sort(tarn_frame_unique(tarn_frame_scan(session, path), TARN_EXPRS()),
                               TARN_EXPRS(tarn_col("id"))),
               "FROM flights ORDER BY id");
    tarn_frame_release(flights);
    tarn_session_close(session);
    tn_text_deinit(&got);
    tn_text_deinit(&want);
    CHECK(remove_tree(directory));
}

TEST(plans_and_schemas_are_told_without_running)
{
    struct ArrowSchema schema;
    tarn_error err = TARN_ERROR_INIT;
    char *text = NULL;
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);
    tarn_frame *frame = tarn_frame_filter(FLIGHTS, tarn_gt(tarn_col("delay"), tarn_i64(1)));
    CHECK_EQ(tarn_frame_explain(frame, &text, &err), TARN_OK);
    CHECK(strstr(text, "delay > 1") != NULL);
    tarn_text_free(text);
    CHECK_EQ(tarn_frame_schema(frame, &schema, &err), TARN_OK);
    CHECK_EQ(schema.n_children, 4);
    CHECK_STR(schema.children[3]->name, "day");
    CHECK_STR(schema.children[3]->format, "tdD");
    schema.release(&schema);
    tarn_frame_release(frame);
    tarn_session_close(session);
}

/* ---- streams and sessions ---- */

TEST(an_arrow_stream_becomes_a_table)
{
    struct ArrowArrayStream stream;
    tarn_error err = TARN_ERROR_INIT;
    tn_text got;
    tn_text want;
    tn_text_init(&got, pool, 1 << 22);
    tn_text_init(&want, pool, 1 << 22);
    tarn_session *session = open_session(pool);
    tarn_session *other = open_session(pool);
    CHECK(session != NULL && other != NULL);
    for (int views = TEST_SIZE(0, 1); views < 2; views++) {
        CHECK_EQ(tarn_session_string_views(session, views != 0, &err), TARN_OK);
        CHECK_EQ(tarn_query(session,
                            "SELECT range AS a, 'number ' || range::VARCHAR AS s, [range, range + "
                            "1] AS l, {'x': range} AS st, CASE WHEN range % 7 <> 3 THEN range % 10 "
                            "END AS n FROM range(150000)",
                            &stream, &err),
                 TARN_OK);
        CHECK_EQ(tarn_session_register(other, "t", &stream, &err), TARN_OK);
        CHECK(stream.release == NULL);
        sql_text(other,
                 "SELECT count(*) AS n, sum(a) AS a, max(s) AS s, sum(l[2]) AS l, sum(st.x) AS x, "
                 "count(n) AS k, count(DISTINCT s) AS d FROM t",
                 pool, &got);
        CHECK_STR(
            got.data,
            "n BIGINT|a DECIMAL(38,0)|s VARCHAR|l DECIMAL(38,0)|x DECIMAL(38,0)|k BIGINT|d "
            "BIGINT\n150000|11249925000|number 99999|11250075000|11249925000|128571|150000\n");
        sql_text(other, "SELECT n, count(*) AS k FROM t GROUP BY n ORDER BY n LIMIT 2", pool, &got);
        CHECK_STR(got.data, "n BIGINT|k BIGINT\n0|12857\n1|12857\n");
        sql_text(other, "SELECT a, st FROM t WHERE a IN (5, 2049, 149999) ORDER BY a", pool, &got);
        CHECK_STR(got.data, "a BIGINT|st STRUCT(x BIGINT)\n5|{\"x\":5}\n2049|{\"x\":2049}\n"
                            "149999|{\"x\":149999}\n");
    }
    tarn_session_close(session);
    tarn_session_close(other);
    tn_text_deinit(&got);
    tn_text_deinit(&want);
}

TEST(what_was_handed_out_outlives_its_session)
{
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);
    CHECK_EQ(tarn_query(session, "SELECT range AS a FROM range(1000000)", &stream, NULL), TARN_OK);
    CHECK_EQ(stream.get_next(&stream, &array), 0);
    tarn_session_close(session);
    CHECK_EQ(((const int64_t *)array.children[0]->buffers[1])[77], 77);
    stream.release(&stream);
    CHECK_EQ(((const int64_t *)array.children[0]->buffers[1])[78], 78);
    array.release(&array);
}

TEST(streams_of_one_session_are_read_in_turn)
{
    struct ArrowArrayStream streams[3];
    struct ArrowArray array;
    tn_text text;
    int64_t rows[3] = {0, 0, 0};
    tn_text_init(&text, pool, 1 << 20);
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(tarn_query(session, "SELECT range % 5 AS a FROM range(200000)", &streams[i], NULL),
                 TARN_OK);
    }
    for (int left = 3; left > 0;) {
        for (int i = 0; i < 3; i++) {
            if (streams[i].release == NULL) {
                continue;
            }
            CHECK_EQ(streams[i].get_next(&streams[i], &array), 0);
            if (array.release == NULL) {
                streams[i].release(&streams[i]);
                left--;
                continue;
            }
            rows[i] += array.length;
            array.release(&array);
            sql_text(session, "SELECT count(*) AS n FROM flights", pool, &text);
            CHECK_STR(text.data, "n BIGINT\n8\n");
        }
    }
    CHECK_EQ(rows[0], 200000);
    CHECK_EQ(rows[1], 200000);
    CHECK_EQ(rows[2], 200000);
    tarn_session_close(session);
    tn_text_deinit(&text);
}

/* A chain with every part that allocates. */
static tarn_code run_chain(tarn_session *session, tarn_error *err)
{
    struct ArrowArrayStream stream;
    tarn_frame *late = tarn_frame_filter(
        FLIGHTS,
        tarn_and(tarn_gt(tarn_col("delay"), tarn_i64(0)),
                 tarn_in(tarn_col("origin"), TARN_EXPRS(tarn_str("JFK"), tarn_str("LAX")))));
    tarn_frame *grouped = tarn_frame_group_by(
        tarn_frame_retain(late), TARN_EXPRS(tarn_col("origin")),
        TARN_EXPRS(tarn_as(tarn_avg(tarn_col("delay")), "mean"),
                   tarn_as(tarn_where(tarn_count(tarn_col("id")),
                                      tarn_between(tarn_col("id"), tarn_i64(1), tarn_i64(5))),
                           "n")));
    tarn_frame *joined =
        tarn_frame_join(late, grouped, TARN_JOIN_LEFT, TARN_EXPRS(tarn_col("origin")));
    joined = tarn_frame_with_columns(
        joined, TARN_EXPRS(tarn_as(tarn_cast(tarn_date("2001-01-01"), "TIMESTAMP"), "t")));
    joined = tarn_frame_top_k(joined, 3, TARN_EXPRS(tarn_desc(tarn_col("id"))));
    tarn_code code = tarn_frame_collect(joined, &stream, err);
    while (code == TARN_OK) {
        struct ArrowArray array;
        if (stream.get_next(&stream, &array) != 0) {
            tarn_error why = TARN_ERROR_INIT;
            code = tarn_stream_error(&stream, &why) ? why.code : TARN_E_INTERNAL;
        }
        if (code != TARN_OK || array.release == NULL) {
            break;
        }
        array.release(&array);
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    return code;
}

TEST(a_chain_survives_the_loss_of_any_allocation)
{
    tarn_error err = TARN_ERROR_INIT;
    tarn_session *session = open_session(pool);
    CHECK(session != NULL);
    CHECK_EQ(run_chain(session, &err), TARN_OK);
    const size_t before = atomic_load(&tn_process_pool()->used);
    for (test_oom oom = test_oom_start(tn_process_pool()); test_oom_next(&oom);) {
        const tarn_code code = run_chain(session, NULL);
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        CHECK_EQ(atomic_load(&tn_process_pool()->used), before);
    }
    tarn_session_close(session);
}
