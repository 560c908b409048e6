/* No allocation for each batch: in a steady state a query asks its pools for nothing, however many
 * batches there are.  Counted are the calls that ask the process's pools for memory. */
#include "session/session.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <tarn/tarn.h>
#include <unistd.h>

static _Atomic size_t calls;

static bool count_call(tn_pool *pool, size_t size)
{
    (void)pool;
    (void)size;
    atomic_fetch_add(&calls, 1);
    return false;
}

static int nowhere(void *context, const char *data, size_t size)
{
    (void)context;
    (void)data;
    (void)size;
    return 1;
}

/* How often a statement asks for memory. */
static size_t calls_of(tarn_session *session, const char *sql)
{
    tarn_error err = TARN_ERROR_INIT;
    tarn_script *script = NULL;
    tarn_result *result = NULL;
    tn_pool *process = tn_process_pool();

    process->refuse = count_call;
    atomic_store(&calls, 0);
    tarn_code code = tarn_script_open(session, sql, strlen(sql), &script, &err);
    while (code == TARN_OK) {
        code = tarn_script_next(script, &result, &err);
        if (code != TARN_OK || result == NULL) {
            break;
        }
        code = tarn_result_print(result, TARN_PRINT(.form = TARN_FORM_CSV), nowhere, NULL, &err);
    }
    tarn_script_close(script);
    process->refuse = NULL;
    if (code != TARN_OK) {
        test_fail(__FILE__, __LINE__, "%s: %s", sql, err.message);
    }
    return atomic_load(&calls);
}

enum {
    ROWS_FEW = 400000,
    ROWS_MANY = 1600000,
    BATCHES_MORE = (ROWS_MANY - ROWS_FEW) / 2048,
    MORSELS_MORE = (ROWS_MANY - ROWS_FEW) / (64 << 10)
};

/* `format` takes a number of rows.  At most `allowed` calls come with four times the batches. */
static void compare(tarn_session *session, const char *format, size_t allowed)
{
    char few[1024];
    char many[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(few, sizeof(few), format, ROWS_FEW, ROWS_FEW);
    (void)snprintf(many, sizeof(many), format, ROWS_MANY, ROWS_MANY);
#pragma GCC diagnostic pop
    (void)calls_of(session, few); /* what a session keeps is made */
    const size_t before = calls_of(session, few);
    const size_t after = calls_of(session, many);
    if (getenv("TARN_SHOW_CALLS") != NULL) {
        (void)printf("%zu, then %zu: %s\n", before, after, many);
    }
    if (after > before + allowed) {
        test_fail(__FILE__, __LINE__, "%zu calls became %zu with %d batches more: %s", before,
                  after, (int)BATCHES_MORE, many);
    }
}

static tarn_session *one_thread(void)
{
    tarn_session *session;
    if (tarn_session_open(&session, NULL) != TARN_OK ||
        tarn_session_set(session, "threads", "1", NULL) != TARN_OK) {
        test_fail(__FILE__, __LINE__, "no session");
    }
    return session;
}

TEST(filters_and_aggregates_ask_for_no_memory_by_the_batch)
{
    tarn_session *session = one_thread();
    compare(session,
            "SELECT count(*), sum(range), min(range * 2) FROM range(%d) WHERE range %% 3 = 1",
            MORSELS_MORE); /* a sum keeps its state by the morsel */
    compare(session,
            "SELECT range %% 100 AS g, count(*), sum(range), avg(range / 3.0) FROM range(%d) "
            "WHERE range %% 3 = 1 GROUP BY g",
            MORSELS_MORE);
    tarn_session_close(session);
}

TEST(projections_of_strings_ask_for_no_memory_by_the_batch)
{
    tarn_session *session = one_thread();
    compare(session,
            "SELECT max(upper('some text of row ' || range)), min(length(replace('a text with ' || "
            "range, 't', 'TT'))), max(substr('this is long enough ' || range, 3)) FROM range(%d)",
            MORSELS_MORE);
    tarn_session_close(session);
}

TEST(join_probes_ask_for_no_memory_by_the_batch)
{
    tarn_session *session = one_thread();
    compare(
        session,
        "SELECT count(*), sum(b.range), max(s) FROM range(%d) a JOIN (SELECT range, 'a long text "
        "of ' || range AS s FROM range(1000)) b ON a.range %% 1000 = b.range",
        0);
    compare(session,
            "SELECT count(*), sum(b.range) FROM range(%d) a LEFT JOIN range(500) b "
            "ON a.range %% 1000 = b.range AND a.range %% 7 < 3",
            0);
    tarn_session_close(session);
}

/* Files: a morsel of them (a row group, 16 MiB of text) asks a few times for its reads. */
static void scan(tarn_session *session, const char *suffix, const char *options, size_t allowed)
{
    char format[1024];
    char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/tarn-calls-%ld", (long)getpid());
    (void)snprintf(format, sizeof(format),
                   "COPY (SELECT range AS a, range / 3.0 AS b, 'some text of row ' || range AS s, "
                   "range %%%% 100 AS c FROM range(%%d)) TO '%s-%%d.%s'%s",
                   path, suffix, options);
    compare(session, format, SIZE_MAX / 2);
    (void)snprintf(format, sizeof(format),
                   "SELECT count(*), sum(a), max(b), max(s), sum(c) FROM '%s-%%d.%s' "
                   "WHERE a < %%d AND c <> 7",
                   path, suffix);
    compare(session, format, allowed);
    for (int i = 0; i < 2; i++) {
        char name[128];
        (void)snprintf(name, sizeof(name), "%s-%d.%s", path, i == 0 ? ROWS_FEW : ROWS_MANY, suffix);
        (void)unlink(name);
    }
}

TEST(scans_of_parquet_ask_for_no_memory_by_the_batch)
{
    tarn_session *session = one_thread();
    /* Windows and pages are used again; a row group's dictionary may be larger than any before. */
    scan(session, "parquet", " (COMPRESSION none)", (size_t)3 * MORSELS_MORE);
    scan(session, "parquet", "", (size_t)3 * MORSELS_MORE);
    scan(session, "parquet", " (COMPRESSION zstd)", (size_t)3 * MORSELS_MORE);
    tarn_session_close(session);
}

TEST(scans_of_csv_ask_for_no_memory_by_the_batch)
{
    tarn_session *session = one_thread();
    enum { SMALL_MORSELS = 24 }; /* at most, of 2 MiB, where a long text ends */
    scan(session, "csv", "", MORSELS_MORE + SMALL_MORSELS);
    tarn_session_close(session);
}
