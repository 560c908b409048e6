/* The library as its users see it: sessions, scripts, results, requests; and the loss of every
 * allocation through the front door. */
#define _GNU_SOURCE /* nftw(); NOLINT(bugprone-reserved-identifier) */
#include "session/session.h"
#include "support/check.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

static tarn_form form = TARN_FORM_CSV;

/* All statements of a text, their rows in `form`; as CSV without header. */
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
        code = tarn_result_print(
            result, TARN_PRINT(.form = form, .no_header = form == TARN_FORM_CSV), gather, out, err);
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

TEST(api_writes_one_result_to_a_file_and_refuses_the_next)
{
    static const char sql[] = "SET threads = 1; SELECT 1 AS a; CREATE TABLE t (a INT); SHOW TABLES";
    tarn_session *session;
    tarn_script *script;
    tarn_result *result;
    tarn_error err = TARN_ERROR_INIT;
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_script_open(session, sql, strlen(sql), &script, NULL), TARN_OK);
    CHECK_EQ(tarn_script_results(script), 2);
    CHECK_EQ(tarn_script_write_to(script, "/dev/null", "csv", NULL), TARN_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(tarn_script_next(script, &result, NULL), TARN_OK);
        CHECK_EQ(tarn_result_is_count(result), i == 1);
    }
    CHECK_EQ(tarn_script_results(script), 1);
    CHECK_EQ(tarn_script_next(script, &result, &err), TARN_E_INVALID);
    CHECK_STR(err.message, "'/dev/null' holds a result already, which this one would replace");
    CHECK_EQ(tarn_script_next(script, &result, NULL), TARN_OK);
    CHECK(result == NULL);
    tarn_script_close(script);
    tarn_session_close(session);
}

TEST(a_script_tells_which_parameters_it_has)
{
    static const char view[] = "CREATE VIEW v AS SELECT $in_view AS x";
    static const char sql[] = "SELECT $day, '$text', ?, ? -- $comment\n; SELECT ?, $$ $x $$";
    tarn_session *session;
    tarn_script *script;
    tarn_result *result;
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_session_bind(session, "in_view", "1", NULL), TARN_OK);
    CHECK_EQ(tarn_script_open(session, view, strlen(view), &script, NULL), TARN_OK);
    CHECK_EQ(tarn_script_next(script, &result, NULL), TARN_OK);
    tarn_script_close(script);
    CHECK_EQ(tarn_script_open(session, sql, strlen(sql), &script, NULL), TARN_OK);
    CHECK(tarn_script_has_parameter(script, "day"));
    CHECK(tarn_script_has_parameter(script, "in_view"));
    CHECK(tarn_script_has_parameter(script, "1"));
    CHECK(tarn_script_has_parameter(script, "2"));
    CHECK(!tarn_script_has_parameter(script, "3"));
    CHECK(!tarn_script_has_parameter(script, "text"));
    CHECK(!tarn_script_has_parameter(script, "comment"));
    CHECK(!tarn_script_has_parameter(script, "x"));
    CHECK(!tarn_script_has_parameter(script, "Day"));
    CHECK(!tarn_script_has_parameter(script, NULL));
    tarn_script_close(script);
    tarn_session_close(session);
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
    test_oom oom = test_oom_start(process);
    oom.every = TEST_SIZE(2000, 100);
    while (test_oom_next(&oom)) {
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

TEST(api_survives_the_loss_of_every_allocation_of_printing)
{
    static const tarn_form forms[] = {TARN_FORM_TABLE, TARN_FORM_MARKDOWN, TARN_FORM_TSV,
                                      TARN_FORM_JSON, TARN_FORM_JSONL};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        form = forms[i];
        lose_every_allocation("SELECT [range, 2] AS a_list_with_a_name_that_is_rather_long, repeat("
                              "'|', 90) AS bars, {'a': 'x'} AS s, 1.5 AS n FROM range(3)");
    }
    form = TARN_FORM_CSV;
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

/* ---- ... of what reads and writes files
 * --------------------------------------------------------*/

/* `@` in its texts is a folder of its own, made anew for each round from what `make_inputs` wrote.
 */
typedef struct statement {
    const char *sql;
    const char *look;      /* at what it writes; NULL: it only reads */
    const char *states[3]; /* what `look` may answer; "": there is nothing */
    size_t files[3];       /* and how many data files are there then */
    const char *memory;    /* NULL: as much as there is */
    size_t rounds;         /* one by one, above it a growing number is skipped; 0: 2,000 */
} statement;

static const char inputs[] =
    "COPY (SELECT range AS a, 'row ' || range AS b, range / 4.0 AS c FROM range(40)) TO '@/in.csv';"
    "COPY (SELECT range AS a, 'row ' || range AS b FROM range(40)) TO '@/in.parquet';"
    "COPY (SELECT range AS a, 'row ' || range AS b FROM range(40)) TO '@/in.jsonl';"
    "COPY (SELECT range AS a, 'row ' || range AS b FROM range(40)) TO '@/in' (FORMAT delta);"
    "COPY (SELECT range + 40 AS a, 'row' AS b FROM range(5)) TO '@/in' (FORMAT delta, MODE append)";

static const statement file_statements[] = {
    {.sql = "SELECT count(*), sum(a), max(b) FROM '@/in.csv' WHERE c > 1"},
    {.sql = "SELECT a % 3 AS k, count(*) FROM '@/in.csv' GROUP BY k ORDER BY k"},
    {.sql = "SELECT sum(a), min(b) FROM '@/in.jsonl' WHERE a > 3"},
    {.sql = "SELECT a, b FROM '@/in.parquet' WHERE a BETWEEN 7 AND 9"},
    {.sql = "SELECT count(*), sum(a), max(b) FROM '@/in'"},
    {.sql = "SELECT x.b, y.a FROM '@/in.csv' x JOIN '@/in' y ON x.a = y.a ORDER BY 2 LIMIT 3"},
    {.sql = "DESCRIBE SELECT * FROM '@/in.parquet'"},
    {.sql = "SELECT count(*) FROM '@/*.csv' WHERE a = 1"},
    {.sql = "CREATE TABLE t AS SELECT * FROM '@/in.csv'; INSERT INTO t SELECT a, b, 0 FROM "
            "'@/in.parquet'; SELECT count(*), sum(a) FROM t"},
    {.sql = "COPY (SELECT a, b FROM '@/in.parquet') TO '@/out/x.csv'",
     .look = "SELECT count(*) FROM '@/out/x.csv'",
     .states = {"", "40\n"},
     .files = {0, 1}},
    {.sql = "COPY (SELECT range AS a FROM range(7)) TO '@/out/x.jsonl'",
     .look = "SELECT count(*) FROM '@/out/x.jsonl'",
     .states = {"", "7\n"},
     .files = {0, 1}},
    {.sql = "COPY (SELECT range AS a, 's' || range AS s FROM range(7)) TO '@/out/x.parquet'; "
            "COPY (SELECT range AS a FROM range(9)) TO '@/out/x.parquet'",
     .look = "SELECT count(*) FROM '@/out/x.parquet'",
     .states = {"", "7\n", "9\n"},
     .files = {0, 1, 1}},
    {.sql = "COPY (SELECT * FROM '@/in.csv') TO '@/out/t' (FORMAT delta); "
            "COPY (SELECT 1 AS a, 'x' AS b, 0.5 AS c) TO '@/out/t' (FORMAT delta, MODE append)",
     .look = "SELECT count(*) FROM '@/out/t' WHERE b > 'a'", /* its bounds are right */
     .states = {"", "40\n", "41\n"},
     .files = {0, 1, 2}},
    {.sql = "SELECT count(*), sum(c) FROM (SELECT 'g' || range AS k, count(*) c FROM range(40000) "
            "GROUP BY k)",
     .memory = "3MB", /* and so it spills */
     .rounds = 6},
    {.sql =
         "SELECT count(*) FROM (SELECT 'g' || range AS k FROM range(20000)) a JOIN (SELECT 'g' || "
         "range AS k FROM range(20000)) b ON a.k = b.k",
     .memory = "2MB",
     .rounds = 6},
};

static int remove_one(const char *path, const struct stat *file, int kind, struct FTW *at)
{
    (void)file;
    (void)kind;
    return at->level == 0 ? 0 : remove(path);
}

static size_t data_files;
static bool has_partial;

static int count_one(const char *path, const struct stat *file, int kind, struct FTW *at)
{
    (void)file;
    has_partial = has_partial || strncmp(path + at->base, ".tarn-", 6) == 0;
    data_files += kind == FTW_F && strstr(path, "/_delta_log/") == NULL && path[at->base] != '.';
    return 0;
}

static void look_around(const char *folder)
{
    data_files = 0;
    has_partial = false;
    (void)nftw(folder, count_one, 16, FTW_PHYS);
}

/* The text with a folder for each `@`. */
static void place(const char *text, const char *folder, char out[4096])
{
    size_t used = 0;
    for (; *text != '\0' && used + strlen(folder) + 1 < 4096; text++) {
        const size_t size = *text == '@' ? strlen(folder) : 1;
        memcpy(out + used, *text == '@' ? folder : text, size);
        used += size;
    }
    out[used] = '\0';
}

/* What is wrong after a visit, in words; "" where nothing is. */
static tarn_code attempt(const statement *of, const char *folder, gathered *out, tarn_error *err,
                         const char **wrong)
{
    tarn_session *session = NULL;
    gathered seven = {.size = 0};
    char sql[4096];
    place(of->sql, folder, sql);
    tarn_code code = tarn_session_open(&session, err);
    if (code == TARN_OK) {
        code = tarn_session_set(session, "threads", "1", err);
    }
    if (code == TARN_OK && of->memory != NULL) {
        code = tarn_session_set(session, "memory", of->memory, err);
    }
    if (code == TARN_OK) {
        code = tarn_session_set(session, "temp_dir", folder, err);
    }
    if (code == TARN_OK) {
        code = run(session, sql, out, err);
    }
    tn_process_pool()->refuse = NULL;
    if (session != NULL &&
        (run(session, "SELECT 7", &seven, NULL) != TARN_OK || strcmp(seven.text, "7\n") != 0)) {
        *wrong = "the session is of no use any more";
    }
    tarn_session_close(session);
    return code;
}

/* Is what it writes as before, or after a whole step? */
static const char *judge(const statement *of, const char *folder, bool done)
{
    tarn_session *session = NULL;
    gathered got = {.size = 0};
    char sql[4096];
    if (of->look == NULL) {
        return "";
    }
    place(of->look, folder, sql);
    if (tarn_session_open(&session, NULL) != TARN_OK) {
        return "no session after it";
    }
    const tarn_code code = run(session, sql, &got, NULL);
    tarn_session_close(session);
    if (code != TARN_OK && code != TARN_E_NOT_FOUND) {
        return "what it writes cannot be read";
    }
    const size_t last = of->states[2] != NULL ? 2 : 1;
    for (size_t i = done ? last : 0; i <= last; i++) {
        if (strcmp(got.text, of->states[i]) == 0) {
            return data_files == of->files[i] ? "" : "data files are left behind";
        }
    }
    return "what it writes is neither as before nor as after";
}

/* A new folder with what the statements read. */
static bool make_inputs(char folder[64])
{
    tarn_session *session = NULL;
    gathered out;
    char sql[4096];
    (void)snprintf(folder, 64, "/tmp/tarn-losses-XXXXXX");
    if (mkdtemp(folder) == NULL || tarn_session_open(&session, NULL) != TARN_OK) {
        return false;
    }
    place(inputs, folder, sql);
    const tarn_code code = run(session, sql, &out, NULL);
    tarn_session_close(session);
    return code == TARN_OK;
}

static void remove_folder(const char *folder)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    (void)rmdir(folder);
}

static bool is_clean(const tarn_error *err)
{
    return err->message[0] != '\0' && strstr(err->message, "(null)") == NULL &&
           (strstr(err->message, "memory") != NULL || strstr(err->message, "bytes") != NULL);
}

static void lose_each(const statement *of, const char *folder)
{
    tn_pool *process = tn_process_pool();
    gathered want = {.size = 0};
    gathered got = {.size = 0};
    tarn_error err = TARN_ERROR_INIT;
    const char *wrong = "";
    char outputs[128];
    (void)snprintf(outputs, sizeof(outputs), "%s/out", folder);
    (void)mkdir(outputs, 0777);
    if (attempt(of, folder, &want, &err, &wrong) != TARN_OK || wrong[0] != '\0') {
        test_fail(__FILE__, __LINE__, "%s\n    fails: %s%s", of->sql, err.message, wrong);
        return;
    }
    const size_t used = atomic_load(&process->used);
    size_t rounds = 0;
    test_oom oom = test_oom_start(process);
    oom.every = TEST_SIZE(of->rounds == 0 ? 2000 : of->rounds, 5);
    oom.share = TEST_SIZE(of->rounds == 0 ? 32 : 2, 1);
    for (; wrong[0] == '\0' && test_oom_next(&oom); rounds++) {
        (void)nftw(outputs, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        const tarn_code code = attempt(of, folder, &got, &err, &wrong);
        const bool is_refusal = oom.refused && code == TARN_E_NOMEM;
        look_around(outputs);
        if (code != TARN_OK && !is_refusal) {
            wrong = "another error";
        } else if (code != TARN_OK && !is_clean(&err)) {
            wrong = "a message that does not say so";
        } else if (code == TARN_OK && strcmp(got.text, want.text) != 0) {
            wrong = "another answer";
        } else if (has_partial) {
            wrong = "a partial file is left behind";
        } else if (wrong[0] == '\0') {
            wrong = judge(of, folder, code == TARN_OK);
        }
        if (atomic_load(&process->used) != used) {
            wrong = "memory is lost";
        }
        if (wrong[0] != '\0') {
            test_fail(__FILE__, __LINE__, "%s\n    round %zu: %s (%d, %s; '%s')", of->sql, rounds,
                      wrong, (int)code, err.message, got.text);
        }
    }
    process->refuse = NULL;
    if (getenv("TARN_TEST_COUNTS") != NULL) {
        (void)fprintf(stderr, "%6zu rounds: %.70s\n", rounds, of->sql);
    }
}

TEST(api_survives_the_loss_of_every_allocation_of_what_reads_and_writes_files)
{
    char folder[64];
    CHECK(make_inputs(folder));
    for (size_t i = 0; i < sizeof(file_statements) / sizeof(file_statements[0]); i++) {
        lose_each(&file_statements[i], folder);
    }
    remove_folder(folder);
}

/* A run that lost an allocation is made good by the next, and nothing is counted twice. */
TEST(api_survives_the_loss_of_every_allocation_of_a_pipeline_run)
{
    char folder[64];
    char file[128];
    char look[256];
    tn_pool *process = tn_process_pool();
    (void)snprintf(folder, sizeof(folder), "/tmp/tarn-losses-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(file, sizeof(file), "%s/shop/pipeline.toml", folder);
    (void)snprintf(look, sizeof(look),
                   "SELECT count(*), sum(amount) FROM '%s/shop/lake/sales'; "
                   "SELECT sum(sales) FROM '%s/shop/lake/by_day'",
                   folder, folder);
    test_oom oom = test_oom_start(process);
    oom.every = TEST_SIZE(20, 2);
    oom.share = TEST_SIZE(8, 1);
    size_t used = SIZE_MAX;
    while (test_oom_next(&oom)) {
        bool (*const refuse)(tn_pool *, size_t) = process->refuse;
        tarn_error err = TARN_ERROR_INIT;
        gathered got = {.size = 0};
        tarn_session *session = NULL;
        tarn_pipeline *pipeline = NULL;
        char shop[80];
        (void)snprintf(shop, sizeof(shop), "%s/shop", folder);
        process->refuse = NULL;
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
        CHECK_EQ(tarn_session_set(session, "threads", "1", NULL), TARN_OK);
        CHECK_EQ(tarn_pipeline_init(session, shop, NULL), TARN_OK);
        process->refuse = refuse;
        tarn_code code = tarn_pipeline_open(session, file, NULL, 0, &pipeline, &err);
        if (code == TARN_OK) {
            code = tarn_pipeline_run(pipeline, NULL, NULL, &err);
        }
        process->refuse = NULL;
        tarn_pipeline_close(pipeline);
        CHECK(code == TARN_OK || (oom.refused && code == TARN_E_NOMEM && is_clean(&err)));
        CHECK_EQ(tarn_pipeline_open(session, file, NULL, 0, &pipeline, NULL), TARN_OK);
        CHECK_EQ(tarn_pipeline_run(pipeline, NULL, NULL, NULL), TARN_OK);
        tarn_pipeline_close(pipeline);
        CHECK_EQ(run(session, look, &got, &err), TARN_OK);
        CHECK_STR(got.text, "5,77.84\n5\n");
        tarn_session_close(session);
        look_around(folder);
        CHECK(!has_partial);
        CHECK(used == SIZE_MAX || atomic_load(&process->used) == used);
        used = atomic_load(&process->used);
    }
    remove_folder(folder);
}
