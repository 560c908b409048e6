/* The library as its users see it: sessions, scripts, results, requests; and the loss of every
 * allocation through the front door. */
#include "session/session.h"
#include "support/check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <tarn/tarn.h>
#include <unistd.h>

typedef struct gathered {
    char text[4096];
    size_t size;
    size_t most; /* after so many bytes the writer wants no more; 0: all */
} gathered;

static int gather(void *context, const char *data, size_t size)
{
    gathered *g = context;
    for (size_t i = 0; i < size && g->size + 1 < sizeof(g->text); i++) {
        g->text[g->size++] = data[i];
    }
    g->text[g->size] = '\0';
    return g->most == 0 || g->size < g->most;
}

/* All statements of a text, their rows as CSV without header. */
static tarn_code run(tarn_session *session, const char *sql, gathered *out, tarn_error *err)
{
    tarn_script *script = NULL;
    tarn_result *result = NULL;
    out->size = 0;
    out->text[0] = '\0';
    tarn_code code = tarn_script_open(session, sql, strlen(sql), &script, err);
    while (code == TARN_OK) {
        code = tarn_script_next(script, &result, err);
        if (code != TARN_OK || result == NULL) {
            break;
        }
        code = tarn_result_print(result, TARN_PRINT(.form = TARN_FORM_CSV, .no_header = 1), gather,
                                 out, err);
    }
    tarn_script_close(script);
    return code;
}

TEST(api_runs_statements_and_prints_results)
{
    tarn_session *session;
    gathered out = {.size = 0};
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(run(session,
                 "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2); SELECT * FROM t", &out,
                 NULL),
             TARN_OK);
    CHECK_STR(out.text, "2\n1\n2\n");
    tarn_session_close(session);
}

TEST(api_binds_parameters_as_values)
{
    tarn_session *session;
    gathered out = {.size = 0};
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_session_bind(session, "n", "41", NULL), TARN_OK);
    CHECK_EQ(tarn_session_bind(session, "t", "x'; DROP TABLE t; --", NULL), TARN_OK);
    CHECK_EQ(tarn_session_bind(session, "zip", "0123", NULL), TARN_OK);
    CHECK_EQ(run(session, "SELECT $n + 1, $t, $zip", &out, NULL), TARN_OK);
    CHECK_STR(out.text, "42,x'; DROP TABLE t; --,0123\n");
    CHECK_EQ(tarn_session_bind(session, "n", "1", NULL), TARN_OK); /* the later wins */
    CHECK_EQ(run(session, "SELECT $n", &out, NULL), TARN_OK);
    CHECK_STR(out.text, "1\n");
    tarn_session_close(session);
}

TEST(api_tells_places_of_errors)
{
    tarn_session *session;
    tarn_error err = TARN_ERROR_INIT;
    gathered out = {.size = 0};
    char *text;
    const char *sql = "SELECT 1;\nSELECT dealy FROM (SELECT 1 AS delay) AS t";
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(run(session, sql, &out, &err), TARN_E_INVALID);
    CHECK_EQ(err.line, 2);
    CHECK_EQ(err.column, 8);
    CHECK_EQ(tarn_error_report(&err, "error", sql, strlen(sql), 0, 0, &text, NULL), TARN_OK);
    CHECK_STR(text, "error: no column named 'dealy' in t\n"
                    "  line 2, column 8: SELECT dealy FROM (SELECT 1 AS delay) AS t\n"
                    "                           ^^^^^\n"
                    "  hint: did you mean 'delay'?\n");
    tarn_text_free(text);
    tarn_session_close(session);
}

TEST(api_ends_a_result_when_its_reader_leaves)
{
    tarn_session *session;
    gathered out = {.most = 1};
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(run(session, "SELECT * FROM range(100000000)", &out, NULL), TARN_OK);
    out.most = 0;
    CHECK_EQ(run(session, "SELECT 7", &out, NULL), TARN_OK);
    CHECK_STR(out.text, "7\n");
    tarn_session_close(session);
}

TEST(api_refuses_null_and_wrong_sizes)
{
    tarn_session *session;
    tarn_script *script;
    tarn_result *result;
    tarn_print print = {.struct_size = 0};
    tarn_error err = TARN_ERROR_INIT;
    CHECK_EQ(tarn_script_open(NULL, "SELECT 1", 8, &script, &err), TARN_E_INVALID);
    CHECK_STR(err.message, "the session is NULL");
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_script_open(session, NULL, 8, &script, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set(session, "memroy", "1GB", &err), TARN_E_INVALID);
    CHECK_STR(err.hint, "did you mean 'memory'?");
    CHECK_EQ(tarn_script_open(session, "SELECT 1", 8, &script, NULL), TARN_OK);
    CHECK_EQ(tarn_script_next(script, &result, NULL), TARN_OK);
    CHECK_EQ(tarn_result_print(result, &print, gather, NULL, NULL), TARN_E_INVALID);
    tarn_script_close(script);
    tarn_session_close(session);
    tarn_session_close(NULL);
}

TEST(api_refuses_a_session_of_before_fork)
{
    tarn_session *session;
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    const pid_t child = fork();
    if (child == 0) {
        tarn_error err = TARN_ERROR_INIT;
        tarn_script *script;
        const tarn_code code = tarn_script_open(session, "SELECT 1", 8, &script, &err);
        _exit(code == TARN_E_INVALID && strstr(err.message, "before fork()") != NULL ? 0 : 1);
    }
    int status = 1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    tarn_session_close(session);
}

TEST(api_cancels_before_and_forgets)
{
    tarn_session *session;
    gathered out = {.size = 0};
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    tarn_session_cancel(session);
    CHECK_EQ(run(session, "SELECT sum(range) FROM range(100000000000)", &out, NULL),
             TARN_E_CANCELLED);
    tarn_session_resume(session);
    CHECK_EQ(run(session, "SELECT 1", &out, NULL), TARN_OK);
    tarn_session_close(session);
}

static void *cancel_soon(void *session)
{
    (void)usleep(50000);
    tarn_session_cancel(session);
    return NULL;
}

TEST(api_cancels_from_another_thread)
{
    tarn_session *session;
    pthread_t thread;
    gathered out = {.size = 0};
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(pthread_create(&thread, NULL, cancel_soon, session), 0);
    CHECK_EQ(run(session, "SELECT sum(range) FROM range(100000000000)", &out, NULL),
             TARN_E_CANCELLED);
    (void)pthread_join(thread, NULL);
    tarn_session_close(session);
}

TEST(api_shell_answers_each_request_with_one_line)
{
    static const char *const requests[][2] = {
        {"{\"sql\": \"SELECT 1 AS a, NULL AS b\"}", "\"rows\":[[\"1\",null]]"},
        {"{\"sql\": \"SELECT $x\", \"params\": {\"x\": \"y\"}, \"id\": 3}",
         "{\"id\":3,\"ok\":true"},
        {"{\"sql\": \"SELEC 1\"}", "\"ok\":false"},
        {"nonsense", "\"ok\":false"},
        {"{\"sql\": \"SELECT * FROM range(9)\", \"max_rows\": 2}", "\"truncated\":true"},
        {"{\"cmd\": \"reset\"}", "{\"ok\":true}"}};
    tarn_shell *shell;
    CHECK_EQ(tarn_shell_open(&shell, NULL), TARN_OK);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char *answer;
        size_t size;
        tarn_shell_begin(shell, false);
        CHECK_EQ(
            tarn_shell_answer(shell, requests[i][0], strlen(requests[i][0]), &answer, &size, NULL),
            TARN_OK);
        CHECK(strstr(answer, requests[i][1]) != NULL);
        CHECK(size > 0 && answer[size - 1] == '\n' && strchr(answer, '\n') == answer + size - 1);
        tarn_text_free(answer);
    }
    CHECK(tarn_shell_is_cancel(" {\"cmd\" : \"cancel\"} ", 20));
    CHECK(!tarn_shell_is_cancel("{\"cmd\":\"reset\"}", 15));
    tarn_shell_close(shell);
}

/* ---- the loss of every allocation -------------------------------------------------------------*/

static const char *const statements[] = {
    "SELECT 1 + 2 * 3, 'a' || 'b', NULL",
    "SELECT sum(range), count(*), min(range), max(range) FROM range(5000)",
    "SELECT range % 7 AS k, count(*), avg(range) FROM range(5000) GROUP BY k ORDER BY k",
    "SELECT a.range FROM range(200) a JOIN range(300) b ON a.range = b.range * 3 ORDER BY 1",
    "SELECT DISTINCT range % 5 FROM range(3000) ORDER BY 1",
    "SELECT range FROM range(10000) ORDER BY range DESC LIMIT 3",
    "WITH t AS (SELECT range AS n FROM range(50)) SELECT count(*) FROM t WHERE n > (SELECT avg(n) "
    "FROM t)",
    "SELECT count(*) FROM range(40) a WHERE EXISTS (SELECT 1 FROM range(10) b WHERE b.range = "
    "a.range)",
    "SELECT range FROM range(6) EXCEPT SELECT range FROM range(3) ORDER BY 1",
    "SELECT range FROM range(3) UNION ALL SELECT range + 10 FROM range(2)",
    "SELECT CASE WHEN range > 1 THEN 'big' ELSE upper('small') END FROM range(3)",
    "SELECT CAST('2026-01-31' AS DATE), CAST('1.50' AS DECIMAL(10,2)), TRUE",
    "CREATE TABLE t (a INTEGER, b VARCHAR); INSERT INTO t VALUES (1, 'x'), (2, NULL); SELECT * "
    "FROM t",
    "CREATE TABLE u AS SELECT range AS n, 'row ' || range AS s FROM range(3000); SELECT count(*), "
    "max(s) FROM u",
    "CREATE VIEW v AS SELECT range AS n FROM range(4); SELECT sum(n) FROM v; DROP VIEW v",
    "EXPLAIN SELECT count(*) FROM range(10) WHERE range > 3",
    "DESCRIBE SELECT 1 AS a, 'x' AS b",
    "SET threads = 1; SHOW threads",
    "SELECT string_agg(CAST(range AS VARCHAR), ',') FROM range(20)",
    "SELECT [1, 2, 3], {'a': 1}",
};

/* A whole visit: a session, one text, and out again. */
static tarn_code visit(const char *sql, gathered *out, tarn_error *err)
{
    tarn_session *session = NULL;
    tarn_code code = tarn_session_open(&session, err);
    if (code == TARN_OK) {
        code = tarn_session_set(session, "threads", "1", err);
    }
    if (code == TARN_OK) {
        code = run(session, sql, out, err);
    }
    tarn_session_close(session);
    return code;
}

static void lose_every_allocation(const char *sql)
{
    tn_pool *process = tn_process_pool();
    gathered want = {.size = 0};
    gathered got;
    tarn_error err = TARN_ERROR_INIT;
    const tarn_code expected = visit(sql, &want, &err); /* and what is made once is made now */
    if (expected != TARN_OK) {
        test_fail(__FILE__, __LINE__, "%s\n    fails: %s", sql, err.message);
        return;
    }
    const size_t used = atomic_load(&process->used);
    for (test_oom oom = test_oom_start(process); test_oom_next(&oom);) {
        const tarn_code code = visit(sql, &got, &err);
        process->refuse = NULL;
        if (code != TARN_OK && !(oom.refused && code == TARN_E_NOMEM)) {
            test_fail(__FILE__, __LINE__, "%s\n    ends with %d: %s", sql, (int)code, err.message);
            return;
        }
        if (code == TARN_OK && strcmp(got.text, want.text) != 0) {
            test_fail(__FILE__, __LINE__, "%s\n    answers '%s', not '%s'", sql, got.text,
                      want.text);
            return;
        }
        if (atomic_load(&process->used) != used) {
            test_fail(__FILE__, __LINE__, "%s\n    leaves %zu bytes", sql,
                      atomic_load(&process->used) - used);
            return;
        }
    }
}

TEST(api_survives_the_loss_of_every_allocation)
{
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        lose_every_allocation(statements[i]);
    }
}

TEST(api_survives_the_loss_of_every_allocation_of_a_request)
{
    static const char request[] = "{\"sql\": \"SELECT range % 3 AS k, count(*) FROM range(100) "
                                  "GROUP BY k ORDER BY k\", \"id\": 1}";
    tn_pool *process = tn_process_pool();
    const size_t used = atomic_load(&process->used);
    for (test_oom oom = test_oom_start(process); test_oom_next(&oom);) {
        tarn_shell *shell = NULL;
        char *answer = NULL;
        size_t size;
        tarn_code code = tarn_shell_open(&shell, NULL);
        if (code == TARN_OK) {
            tarn_shell_begin(shell, false);
            code = tarn_shell_answer(shell, request, sizeof(request) - 1, &answer, &size, NULL);
        }
        process->refuse = NULL;
        const bool fine =
            code == TARN_E_NOMEM || (code == TARN_OK && (strstr(answer, "\"ok\":true") != NULL ||
                                                         strstr(answer, "out_of_memory") != NULL));
        tarn_text_free(answer);
        tarn_shell_close(shell);
        CHECK(fine);
        CHECK(code == TARN_OK || oom.refused);
        CHECK_U64(atomic_load(&process->used), used);
    }
}
