/*
 * Delta tables over a store that fails on purpose: no commit is lost, none happens twice, and what
 * is known not to be visible leaves no file behind.
 */
#include "base/json.h"
#include "os/clock.h"
#include "support/statements.h"
#include "table/delta/delta.h"

#include <pthread.h>
#include <stdio.h>

typedef struct fault_plan {
    _Atomic bool armed;
    tn_fault fault;
    bool forever;     /* from then on everything fails */
    bool only_log;    /* counts what is done to the log alone */
    _Atomic int left; /* operations until it strikes */
    _Atomic int struck;
    tn_store_operation operation; /* of the first strike */
    char key[200];
} fault_plan;

static tn_fault strike(void *context, tn_store_operation operation, tn_str key)
{
    fault_plan *plan = context;
    if (!atomic_load(&plan->armed) ||
        (plan->only_log && (operation != TN_STORE_PUT || !tn_str_ends(key, TN_STR(".json"))) &&
         plan->struck == 0)) {
        return TN_FAULT_NONE;
    }
    const int left = atomic_fetch_sub(&plan->left, 1);
    if (left == 0) {
        plan->operation = operation;
        (void)snprintf(plan->key, sizeof(plan->key), "%.*s", TN_STR_ARGS(key));
        atomic_store(&plan->struck, 1);
        return plan->fault;
    }
    return left < 0 && plan->forever ? TN_FAULT_BEFORE : TN_FAULT_NONE;
}

static size_t count_files(tn_session *session, tn_store *store, const char *ending)
{
    tn_listing *listing = NULL;
    tn_object_info entry;
    bool more = true;
    size_t count = 0;
    if (tn_listing_open(store, TN_STR("t/"), TN_STR_NONE, false, tn_session_pool(session), &listing,
                        NULL) != TARN_OK) {
        return SIZE_MAX;
    }
    while (tn_listing_next(listing, &entry, &more, NULL) == TARN_OK && more) {
        count += tn_str_ends(entry.key, tn_str_of(ending)) &&
                 tn_str_find(entry.key, '_') != 2; /* not of the log */
    }
    tn_listing_close(listing);
    return count;
}

static const char *const make =
    "COPY (SELECT range AS a, range % 3 AS p, 'x' || range AS s FROM range(30)) TO 'memory://m/t' "
    "(FORMAT delta, PARTITION_BY (p))";
static const char *const append =
    "COPY (SELECT range + 30 AS a, range % 4 AS p, 'x' || range AS s FROM range(12)) TO "
    "'memory://m/t' (FORMAT delta, MODE append)";
static const char *const replace =
    "COPY (SELECT range AS a, range % 2 AS p, 'x' || range AS s FROM range(7)) TO "
    "'memory://m/t' (FORMAT delta, MODE overwrite)";
/* More partitions than a task has open in so little memory: the rest comes later. */
static const char *const crowd =
    "SET memory = '12MB'; COPY (SELECT range + 30 AS a, range AS p, 'x' || range AS s FROM "
    "range(12)) TO 'memory://m/t' (FORMAT delta, MODE append)";
static const char *const ask = "SELECT count(*), sum(a) FROM delta_scan('memory://m/t')";

/* One round: `sql` with one fault; *more false where it was not reached. */
static void fault_round(const char *sql, const char *before, const char *after, size_t files_before,
                        size_t files_after, fault_plan *plan, bool *more)
{
    tn_session *session;
    tn_store *store;
    tn_text text;
    tarn_error err = TARN_ERROR_INIT;

    *more = false;
    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_text_init(&text, tn_session_pool(session), 1 << 20);
    CHECK_EQ(tn_stores_add_memory(tn_session_stores(session), "m", strike, plan, &store, NULL),
             TARN_OK);
    if (before[0] != '\0') {
        CHECK_EQ(statements_run(session, make, &text, &err), TARN_OK);
    }
    atomic_store(&plan->armed, true);
    const tarn_code code = statements_run(session, sql, &text, &err);
    atomic_store(&plan->armed, false);
    const bool struck = plan->struck != 0;
    (void)!statements_run(session, ask, &text, NULL);
    const bool is_new = strcmp(text.data, after) == 0;
    const bool is_old = before[0] == '\0' ? strstr(text.data, "not_found") == text.data
                                          : strcmp(text.data, before) == 0;
    if (!(code == TARN_OK ? is_new : code == TARN_E_OUTCOME_UNKNOWN ? is_new || is_old : is_old)) {
        test_fail(__FILE__, __LINE__, "fault %d at %d %s: %s (%s), and then %s", (int)plan->fault,
                  (int)plan->operation, plan->key, tarn_code_name(code),
                  code == TARN_OK ? "" : err.message, text.data);
    }
    /* What a failed delete leaves is nobody's fault. */
    const size_t files = count_files(session, store, ".parquet");
    if (!plan->forever && plan->operation != TN_STORE_DELETE && code != TARN_E_OUTCOME_UNKNOWN &&
        files != (code == TARN_OK ? files_after : files_before)) {
        test_fail(__FILE__, __LINE__, "fault %d at %d %s: %s, %zu data files", (int)plan->fault,
                  (int)plan->operation, plan->key, tarn_code_name(code), files);
    }
    tn_text_deinit(&text);
    tn_session_destroy(session);
    *more = struck;
}

static int fault_every(const char *sql, const char *before, const char *after, size_t files_before,
                       size_t files_after)
{
    int rounds = 0;
    for (int fault = TN_FAULT_BEFORE; fault <= TN_FAULT_AFTER; fault++) {
        bool more = true;
        for (int n = 0; more && n < 400; n++) {
            fault_plan plan = {.fault = (tn_fault)fault, .left = n};
            fault_round(sql, before, after, files_before, files_after, &plan, &more);
            rounds++;
        }
    }
    return rounds;
}

TEST(an_append_happens_once_or_not_at_all_whatever_fails)
{
    CHECK(fault_every(append, "30|435\n", "42|861\n", 3, 7) > 20);
}

TEST(an_append_to_many_partitions_happens_once_or_not_at_all_whatever_fails)
{
    CHECK(fault_every(crowd, "30|435\n", "42|861\n", 3, 15) > 40);
}

TEST(an_overwrite_happens_once_or_not_at_all_whatever_fails)
{
    CHECK(fault_every(replace, "30|435\n", "7|21\n", 3, 5) > 20);
}

TEST(a_table_is_made_once_or_not_at_all_whatever_fails)
{
    CHECK(fault_every(make, "", "30|435\n", 0, 3) > 10);
}

TEST(a_commit_whose_answer_nobody_gives_is_unknown_and_keeps_its_files)
{
    for (int fault = TN_FAULT_BEFORE; fault <= TN_FAULT_AFTER; fault++) {
        bool more;
        fault_plan plan = {.fault = (tn_fault)fault, .forever = true, .only_log = true};
        fault_round(append, "30|435\n", "42|861\n", 3, 7, &plan, &more);
        CHECK(more);
    }
}

/* ---- writers race -----------------------------------------------------------------------------*/

enum { WRITERS = 8, APPENDS = 6 };

typedef struct racer {
    tn_session *session;
    int number;
    int failed;
} racer;

/* One session a thread; the stores are of one, so that they meet. */
static void *race(void *context)
{
    racer *r = context;
    tn_types *types = NULL;
    tn_stores *stores = tn_session_stores(r->session);
    tn_pool pool;

    tn_pool_init(&pool, NULL, "racer", SIZE_MAX);
    if (tn_types_create(&pool, &types, NULL) != TARN_OK) {
        r->failed = 1000;
        return NULL;
    }
    for (int i = 0; i < APPENDS; i++) {
        const tn_field field = {TN_STR("a"), TN_BIGINT, true};
        const tn_schema schema = {1, &field};
        char application[32];
        (void)snprintf(application, sizeof(application), "racer-%d", r->number);
        const tn_delta_write_options options = {.mode = TN_DELTA_APPEND,
                                                .application = tn_str_of(application),
                                                .application_version = i};
        int64_t values[10];
        tn_column column = {.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = 10, .values = values};
        const tn_batch batch = {
            .columns = &column, .width = 1, .rows = 10, .selected = 10, .tag = {.last = true}};
        tn_delta_writer *writer = NULL;
        tn_sink_task *task = NULL;
        tn_sink_answer answer = TN_SINK_TAKEN;
        tn_latch latch;
        tn_latch_init(&latch);
        for (int j = 0; j < 10; j++) {
            values[j] = 1;
        }
        tarn_code code = tn_delta_writer_open(stores, types, TN_STR("memory://m/t"), &schema,
                                              &options, &pool, &writer, NULL);
        if (code == TARN_OK) {
            tn_sink *sink = tn_delta_writer_sink(writer);
            code = sink->ops->task_open(sink, &pool, &task, NULL);
            if (code == TARN_OK) {
                code = task->ops->write(task, &batch, &latch.waker, &answer, NULL);
                code = code != TARN_OK ? code
                                       : task->ops->task_finish(task, &latch.waker, &answer, NULL);
                task->ops->task_close(task);
            }
            while (code == TARN_OK) {
                code = sink->ops->finish(sink, &latch.waker, &answer, NULL);
                if (answer != TN_SINK_WAIT) {
                    break;
                }
                tn_clock_sleep_ms(1);
            }
            code = code != TARN_OK ? code : tn_delta_writer_commit(writer, NULL, NULL);
            tn_delta_writer_close(writer);
        }
        r->failed += code != TARN_OK;
    }
    tn_types_destroy(types);
    r->failed += pool.used != 0 ? 100000 : 0;
    if (pool.used == 0) {
        tn_pool_deinit(&pool);
    }
    return NULL;
}

TEST(writers_that_race_lose_no_row_and_double_none)
{
    racer racers[WRITERS];
    pthread_t threads[WRITERS];
    tn_session *session;
    tn_store *store;
    tn_text text;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(tn_stores_add_memory(tn_session_stores(session), "m", NULL, NULL, &store, NULL),
             TARN_OK);
    CHECK_SQL("COPY (SELECT range AS a FROM range(0)) TO 'memory://m/t' (FORMAT delta)", "0\n");
    for (int i = 0; i < WRITERS; i++) {
        racers[i] = (racer){session, i, 0};
        CHECK_EQ(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        CHECK_EQ(racers[i].failed, 0);
    }
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t')", "480|480\n");
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t', version => 47)",
              "470|470\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* ---- what a table refuses, and what it is asked -----------------------------------------------*/

TEST(rows_that_do_not_fit_are_refused_by_column)
{
    tn_session *session;
    tn_store *store;
    tn_text text;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(tn_stores_add_memory(tn_session_stores(session), "m", NULL, NULL, &store, NULL),
             TARN_OK);
    CHECK_SQL(make, "30\n");
    CHECK_SQL(
        "COPY (SELECT 'x' AS a, 1 AS p, 's' AS s, 2 AS more) TO 'memory://m/t' (FORMAT delta, "
        "MODE append)",
        "invalid: the rows do not fit the Delta table 'memory://m/t': column 'a' is VARCHAR "
        "and BIGINT in the table; column 'more' is not in it\n");
    CHECK_SQL("COPY (SELECT 1 AS a, 1.5::DOUBLE AS p, 's' AS s) TO 'memory://m/t' (FORMAT delta, "
              "MODE append)",
              "invalid: the rows do not fit the Delta table 'memory://m/t': column 'p' is DOUBLE "
              "and BIGINT in the table\n");
    CHECK_SQL(make, "exists: there is a Delta table at 'memory://m/t' already\n");
    CHECK_SQL("COPY (SELECT 1 AS a, 1 AS p) TO 'memory://m/t' (FORMAT delta, MODE append, "
              "PARTITION_BY (a))",
              "invalid: the Delta table 'memory://m/t' is partitioned by other columns\n");
    CHECK_SQL("COPY (SELECT 1 AS a, 1 AS p) TO 'memory://m/twice' (FORMAT delta, "
              "PARTITION_BY (a, A))",
              "invalid: the column 'a' partitions the table twice\n");
    /* fewer columns, in another order, narrower: what is missing is NULL */
    CHECK_SQL("COPY (SELECT 5::SMALLINT AS P, 100::INTEGER AS a) TO 'memory://m/t' (FORMAT delta, "
              "MODE append)",
              "1\n");
    CHECK_SQL("SELECT a, p, s FROM delta_scan('memory://m/t') WHERE a = 100", "100|5|NULL\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t', version => 0)", "30\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t', version => 7)",
              "not_found: the table 'memory://m/t' has no version 7\n");
    CHECK_EQ(count_files(session, store, ".parquet"), 4);
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(partition_values_of_every_kind_come_back)
{
    tn_session *session;
    tn_store *store;
    tn_text text;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(tn_stores_add_memory(tn_session_stores(session), "m", NULL, NULL, &store, NULL),
             TARN_OK);
    CHECK_SQL(
        "COPY (SELECT * FROM (VALUES (1, 'a/b'), (2, 'a b'), (3, '100%'), (4, ''), (5, NULL), "
        "(6, 'ä=#?:\"'), (7, 'x')) v (n, p)) TO 'memory://m/t' (FORMAT delta, PARTITION_BY (p))",
        "7\n");
    CHECK_SQL("SELECT n, p FROM delta_scan('memory://m/t') ORDER BY n",
              "1|a/b\n2|a b\n3|100%\n4|NULL\n5|NULL\n6|ä=#?:\"\n7|x\n");
    CHECK_SQL("SELECT n FROM delta_scan('memory://m/t') WHERE p = '100%'", "3\n");
    CHECK_SQL("SELECT n FROM delta_scan('memory://m/t') WHERE p IS NULL ORDER BY n", "4\n5\n");
    /* bytes stand in the log as the text that they are */
    CHECK_SQL("COPY (SELECT * FROM (VALUES (1, 'a/b'::BLOB), (2, NULL), (3, "
              "'\\x5c75303034315c7530306666'::BLOB), "
              "(4, '\\x5c7530307a7a'::BLOB)) v (n, p)) TO 'memory://m/b' (FORMAT delta, "
              "PARTITION_BY (p))",
              "4\n");
    CHECK_SQL("SELECT n, p FROM delta_scan('memory://m/b') ORDER BY n",
              "1|\\x612f62\n2|NULL\n3|\\x41ff\n4|\\x5c7530307a7a\n");
    CHECK_SQL(
        "COPY (SELECT 1 AS n, '\\xff'::BLOB AS p) TO 'memory://m/b' (FORMAT delta, MODE append)",
        "invalid: the column 'p' has bytes that are no UTF-8 text: no table can be partitioned "
        "by such\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(rows_of_many_partitions_in_no_order_each_go_where_they_belong)
{
    tn_session *session;
    tn_store *store;
    tn_text text;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(tn_stores_add_memory(tn_session_stores(session), "m", NULL, NULL, &store, NULL),
             TARN_OK);
    CHECK_SQL(
        "COPY (SELECT range AS n, range % 5 AS i, range % 7 = 0 AS b, CASE WHEN range % 4 < 3 "
        "THEN 'a name of many letters ' || (range % 4) END AS s, CASE WHEN range % 4 = 1 "
        "THEN DATE '2020-01-01' ELSE DATE '2021-01-01' END AS d, CAST(range % 3 AS "
        "DECIMAL(30, 1)) AS w FROM range(6000)) TO 'memory://m/t' "
        "(FORMAT delta, PARTITION_BY (i, b, s, d, w))",
        "6000\n");
    CHECK_SQL("SELECT count(*), sum(n), count(DISTINCT n) FROM delta_scan('memory://m/t')",
              "6000|17997000|6000\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t') WHERE i = n % 5 AND b = (n % 7 = 0) "
              "AND coalesce(s, 'none') = CASE WHEN n % 4 < 3 THEN 'a name of many letters ' || "
              "(n % 4) ELSE 'none' END AND (d = DATE '2020-01-01') = (n % 4 = 1) AND w = n % 3",
              "6000\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(a_checkpoint_holds_what_the_log_said)
{
    tn_session *session;
    tn_store *store;
    tn_text text;

    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(tn_stores_add_memory(tn_session_stores(session), "m", NULL, NULL, &store, NULL),
             TARN_OK);
    CHECK_SQL(make, "30\n");
    for (int i = 1; i <= 12; i++) {
        CHECK_SQL(i == 4 ? replace : append, i == 4 ? "7\n" : "12\n");
    }
    bool more = true;
    tn_listing *listing;
    tn_object_info entry;
    size_t checkpoints = 0;
    CHECK_EQ(
        tn_listing_open(store, TN_STR("t/_delta_log/"), TN_STR_NONE, false, pool, &listing, NULL),
        TARN_OK);
    while (tn_listing_next(listing, &entry, &more, NULL) == TARN_OK && more) {
        checkpoints += tn_str_ends(entry.key, TN_STR("00010.checkpoint.parquet"));
    }
    tn_listing_close(listing);
    CHECK_EQ(checkpoints, 1);
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t')", "103|3429\n");
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t', version => 10)",
              "79|2577\n");
    /* without the entries that the checkpoint replaces */
    for (int i = 0; i <= 10; i++) {
        char key[64];
        (void)snprintf(key, sizeof(key), "t/_delta_log/%020d.json", i);
        CHECK_EQ(tn_store_delete(store, tn_str_of(key), NULL), TARN_OK);
    }
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t')", "103|3429\n");
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t', version => 10)",
              "79|2577\n");
    CHECK_SQL(append, "12\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t')", "115\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* ---- memory -----------------------------------------------------------------------------------*/

/* The statement again and again, each time without one allocation; `ok` are its answers else. */
static void lose_every(const char *first, const char *sql, const char *ok)
{
    tn_session *session;
    tn_store *store;
    tn_text text;
    tn_pool texts;
    int rounds = 0;

    tn_pool_init(&texts, NULL, "texts", SIZE_MAX);
    tn_text_init(&text, &texts, 1 << 20);
    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    CHECK_EQ(tn_stores_add_memory(tn_session_stores(session), "m", NULL, NULL, &store, NULL),
             TARN_OK);
    CHECK_SQL("SET threads = 1", "");
    for (test_oom oom = test_oom_start(tn_session_pool(session)); test_oom_next(&oom); rounds++) {
        tarn_error err = TARN_ERROR_INIT;
        bool (*refuse)(tn_pool *, size_t) = tn_session_pool(session)->refuse;
        tn_session_pool(session)->refuse = NULL;
        tn_listing *listing = NULL;
        tn_object_info entry;
        for (bool more = true; more;) { /* a table anew each time */
            char key[300];
            CHECK_EQ(
                tn_listing_open(store, TN_STR_NONE, TN_STR_NONE, false, &texts, &listing, NULL),
                TARN_OK);
            CHECK_EQ(tn_listing_next(listing, &entry, &more, NULL), TARN_OK);
            if (more) {
                (void)snprintf(key, sizeof(key), "%.*s", TN_STR_ARGS(entry.key));
                CHECK_EQ(tn_store_delete(store, tn_str_of(key), NULL), TARN_OK);
            }
            tn_listing_close(listing);
        }
        CHECK_EQ(statements_run(session, first, &text, &err), TARN_OK);
        tn_session_pool(session)->refuse = refuse;
        const tarn_code code = statements_run(session, sql, &text, &err);
        tn_session_pool(session)->refuse = NULL;
        /* What only helps (a checkpoint, a pruned file) may go without. */
        if (code != TARN_OK && (code != TARN_E_NOMEM || !oom.refused)) {
            test_fail(__FILE__, __LINE__, "round %d: %s %s", rounds, tarn_code_name(code),
                      err.message);
        }
        if (code == TARN_OK && strcmp(text.data, ok) != 0) {
            test_fail(__FILE__, __LINE__, "round %d: %s", rounds, text.data);
        }
        /* whatever happened: a table that is whole, before or after */
        CHECK_EQ(statements_run(session, ask, &text, &err), TARN_OK);
        if (strcmp(text.data, "30|435\n") != 0 && strcmp(text.data, "42|861\n") != 0 &&
            strcmp(text.data, "7|21\n") != 0) {
            test_fail(__FILE__, __LINE__, "round %d: then %s", rounds, text.data);
        }
    }
    CHECK(rounds > 30);
    tn_session_destroy(session);
    tn_text_deinit(&text);
    CHECK_EQ(texts.used, 0);
    tn_pool_deinit(&texts);
}

TEST(an_append_that_loses_any_allocation_leaves_a_whole_table)
{
    lose_every(make, append, "12\n");
}

TEST(an_append_to_many_partitions_that_loses_any_allocation_leaves_a_whole_table)
{
    lose_every(make, crowd, "12\n");
}

TEST(an_overwrite_that_loses_any_allocation_leaves_a_whole_table)
{
    lose_every(make, replace, "7\n");
}

TEST(a_reading_that_loses_any_allocation_says_so)
{
    lose_every(make, ask, "30|435\n");
}
