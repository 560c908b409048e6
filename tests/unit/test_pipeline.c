/* Pipelines over a store in memory: the loss of every allocation, and every failure of the store,
 * at which a second run must make the tables whole. */
#include "kernel/text.h"
#include "pipeline/pipeline.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct world {
    tn_session *session;
    const char *folder;
    _Atomic long countdown; /* operations of the store until one fails; below 0: none */
    tn_fault fault;
    _Atomic bool failed;
} world;

static tn_fault on_operation(void *context, tn_store_operation operation, tn_str key)
{
    world *w = context;
    (void)operation;
    (void)key;
    if (atomic_load(&w->countdown) < 0 || atomic_fetch_sub(&w->countdown, 1) != 0) {
        return TN_FAULT_NONE;
    }
    atomic_store(&w->failed, true);
    return w->fault;
}

static bool open_world(world *w)
{
    tn_store *store;
    *w = (world){.countdown = -1, .folder = "memory://m/shop"};
    return tn_session_create(&w->session, NULL) == TARN_OK &&
           tn_session_set(w->session, TN_STR("threads"), TN_STR("2"), TN_FROM_SESSION, NULL) ==
               TARN_OK &&
           tn_stores_add_memory(tn_session_stores(w->session), "m", on_operation, w, &store,
                                NULL) == TARN_OK &&
           tn_dataflow_init(w->session, TN_STR("memory://m/shop"), NULL) == TARN_OK;
}

static tarn_code run(world *w, tarn_error *err)
{
    tn_dataflow *pipeline = NULL;
    tn_dataflow_summary summary;
    const tn_dataflow_run_options options = {.no_wait = true};
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/pipeline.toml", w->folder);
    tarn_code code = tn_dataflow_open(w->session, tn_str_of(path), NULL, 0, &pipeline, err);
    if (code == TARN_OK) {
        code = tn_dataflow_run(pipeline, &options, &summary, err);
    }
    tn_dataflow_close(pipeline);
    return code;
}

/* A query's one number; -1 where it fails. */
static int64_t number(world *w, const char *sql)
{
    tn_script *script = NULL;
    tn_result *result = NULL;
    tn_chunk *chunk = NULL;
    int64_t found = -1;
    if (tn_script_open(w->session, tn_str_of(sql), NULL, &script, NULL) == TARN_OK &&
        tn_script_next(script, &result, NULL) == TARN_OK &&
        tn_result_read(result, &chunk, NULL) == TARN_OK && chunk != NULL && chunk->rows == 1) {
        found = ((const int64_t *)chunk->columns[0].values)[0];
    }
    tn_chunk_release(chunk);
    tn_script_close(script);
    return found;
}

static bool is_whole(world *w)
{
    return number(w, "SELECT sum(id)::BIGINT FROM 'memory://m/shop/lake/sales'") == 18 &&
           number(w, "SELECT count(*) FROM 'memory://m/shop/lake/sales'") == 5 &&
           number(w, "SELECT count(*) FROM 'memory://m/shop/lake/by_day'") == 4 &&
           number(w, "SELECT count(*) FROM 'memory://m/shop/lake/_bad/sales'") == 2;
}

TEST(a_run_fills_its_tables_and_a_second_one_adds_nothing)
{
    world w;
    tarn_error err = TARN_ERROR_INIT;
    CHECK(open_world(&w));
    CHECK_EQ(run(&w, &err), TARN_OK);
    CHECK(is_whole(&w));
    CHECK_EQ(run(&w, &err), TARN_OK);
    CHECK(is_whole(&w));
    tn_session_destroy(w.session);
}

/* The n-th operation of the store fails, without effect or with its answer lost. */
static void fail_each(bool (*open)(world *), bool (*whole)(world *), tn_fault fault)
{
    for (long n = 0;; n++) {
        world w;
        tarn_error err = TARN_ERROR_INIT;
        CHECK(open(&w));
        w.fault = fault;
        atomic_store(&w.countdown, n);
        const tarn_code code = run(&w, &err);
        const bool failed = atomic_load(&w.failed);
        atomic_store(&w.countdown, -1);
        const tarn_code again = run(&w, &err);
        if (again != TARN_OK || !whole(&w)) {
            test_fail(__FILE__, __LINE__, "operation %ld: %s, then %s (%s)", n,
                      tarn_code_name(code), tarn_code_name(again), err.message);
            tn_session_destroy(w.session);
            return;
        }
        tn_session_destroy(w.session);
        if (!failed) {
            CHECK(n > 20);
            return;
        }
    }
}

TEST(any_operation_of_the_store_may_fail)
{
    fail_each(open_world, is_whole, TN_FAULT_BEFORE);
}

TEST(the_answer_of_any_operation_may_be_lost)
{
    fail_each(open_world, is_whole, TN_FAULT_AFTER);
}

/* ---- memory ---- */

static _Atomic long allocations;
static long refused_at;

static bool refuse_one(tn_pool *pool, size_t size)
{
    (void)pool;
    (void)size;
    return atomic_fetch_add(&allocations, 1) == refused_at;
}

/* All that a run has, once: a source with a bad record, a step with a rule, a table, a quarantine.
 */
static const char small_toml[] =
    "[pipeline]\nname = \"s\"\n"
    "[[source]]\nid = \"raw\"\nuri = \"*.csv\"\ncolumns = { id = \"BIGINT\" }\n"
    "[[step]]\nid = \"even\"\nsql = \"SELECT id, v FROM raw\"\n"
    "[[expect]]\non = \"even\"\nname = \"even\"\nrule = \"id % 2 = 0\"\naction = \"quarantine\"\n"
    "[[sink]]\nfrom = \"even\"\nto = \"lake/t\"\n"
    "[quarantine]\nto = \"lake/bad\"\n";
static const char small_csv[] = "id,v\n2,a\n3,b\nx,c\n4,d\n";

static bool open_small_world(world *w)
{
    const tn_put_options create = {.mode = TN_PUT_CREATE};
    tn_store *store;
    *w = (world){.countdown = -1, .folder = "memory://m"};
    return tn_session_create(&w->session, NULL) == TARN_OK &&
           tn_session_set(w->session, TN_STR("threads"), TN_STR("1"), TN_FROM_SESSION, NULL) ==
               TARN_OK &&
           tn_stores_add_memory(tn_session_stores(w->session), "m", on_operation, w, &store,
                                NULL) == TARN_OK &&
           tn_store_put(store, TN_STR("pipeline.toml"), tn_str_of(small_toml), &create, NULL,
                        NULL) == TARN_OK &&
           tn_store_put(store, TN_STR("a.csv"), tn_str_of(small_csv), &create, NULL, NULL) ==
               TARN_OK;
}

static bool small_is_whole(world *w)
{
    return number(w, "SELECT sum(id)::BIGINT * 10 + count(*) FROM 'memory://m/lake/t'") == 62 &&
           number(w, "SELECT sum(line)::BIGINT * 10 + count(*) FROM 'memory://m/lake/bad'") == 72;
}

/* The same behind sixteen runs that ended: theirs is a pack to be made, and to be read. */
static bool open_packed_world(world *w)
{
    const tn_put_options create = {.mode = TN_PUT_CREATE};
    tn_store *store;
    tn_str key;
    bool good = open_small_world(w) &&
                tn_stores_resolve(tn_session_stores(w->session), TN_STR("memory://m/x"), NULL,
                                  &store, &key, NULL) == TARN_OK;
    for (int run = 1; good && run <= 16; run++) {
        char name[64];
        char text[64];
        (void)snprintf(name, sizeof(name), "lake/_tarn/s/runs/%012d.json", run);
        (void)snprintf(text, sizeof(text), "{\"ledger\":1,\"kind\":\"run\",\"run\":%d}", run);
        good =
            tn_store_put(store, tn_str_of(name), tn_str_of(text), &create, NULL, NULL) == TARN_OK;
        (void)snprintf(name, sizeof(name), "lake/_tarn/s/done/%012d.json", run);
        (void)snprintf(text, sizeof(text), "{\"run\":%d}", run);
        good = good && tn_store_put(store, tn_str_of(name), tn_str_of(text), &create, NULL, NULL) ==
                           TARN_OK;
    }
    return good;
}

static bool packed_is_whole(world *w)
{
    tn_store *store;
    tn_str key;
    tn_object_info info;
    return small_is_whole(w) &&
           tn_stores_resolve(tn_session_stores(w->session), TN_STR("memory://m/x"), NULL, &store,
                             &key, NULL) == TARN_OK &&
           tn_store_head(store, TN_STR("lake/_tarn/s/packs/000000000001-000000000016.jsonl"), &info,
                         NULL) == TARN_OK;
}

/* Every allocation below `all` in turn, then each `step`-th; how many there are. */
static long lose_each(bool (*open)(world *), bool (*whole)(world *), long all, long step)
{
    for (long n = 0;; n += n < all ? 1 : step) {
        world w;
        tarn_error err = TARN_ERROR_INIT;
        if (!open(&w)) {
            test_fail(__FILE__, __LINE__, "the world does not open");
            return 0;
        }
        atomic_store(&allocations, 0);
        refused_at = n;
        tn_process_pool()->refuse = refuse_one;
        const tarn_code code = run(&w, &err);
        tn_process_pool()->refuse = NULL;
        const bool reached = atomic_load(&allocations) > n;
        const tarn_code again = run(&w, &err);
        const bool good =
            (code == TARN_OK || code == TARN_E_NOMEM || code == TARN_E_OUTCOME_UNKNOWN) &&
            again == TARN_OK && whole(&w);
        tn_session_destroy(w.session);
        if (!good) {
            test_fail(__FILE__, __LINE__, "allocation %ld: %s, then %s (%s)", n,
                      tarn_code_name(code), tarn_code_name(again), err.message);
            return 0;
        }
        if (!reached) {
            return n;
        }
    }
}

TEST(a_run_survives_the_loss_of_any_allocation)
{
    CHECK(lose_each(open_world, is_whole, 200, 61) > 1000);
}

TEST(a_small_run_survives_the_loss_of_every_one_of_its_first_2000_allocations)
{
    const long count = lose_each(open_small_world, small_is_whole, TEST_SIZE(2000, 400), 61);
    CHECK(count > 1000);
    if (getenv("TARN_TEST_COUNTS") != NULL) {
        (void)fprintf(stderr, "%ld allocations\n", count);
    }
}

TEST(a_pack_of_runs_survives_the_loss_of_any_allocation)
{
    CHECK(lose_each(open_packed_world, packed_is_whole, 0, TEST_SIZE(31, 211)) > 1000);
}

TEST(a_pack_of_runs_survives_any_failure_of_the_store)
{
    fail_each(open_packed_world, packed_is_whole, TN_FAULT_BEFORE);
    fail_each(open_packed_world, packed_is_whole, TN_FAULT_AFTER);
}
