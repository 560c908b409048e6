/* The library as a guest in somebody's process (decision 17). */
#include "support/check.h"

#include <tarn/tarn.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Takes minutes: to be stopped. */
static const char *const endless =
    "SELECT count(*) AS n FROM range(100000000000) a WHERE sqrt(range) < 0";

static tarn_session *open_session(void)
{
    tarn_session *session = NULL;
    if (tarn_session_open(&session, NULL) != TARN_OK ||
        tarn_session_set(session, "threads", "2", NULL) != TARN_OK) {
        return NULL;
    }
    return session;
}

/* The one number that a query answers; -1 on failure. */
static int64_t number_of(tarn_session *session, const char *sql, tarn_error *err)
{
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    int64_t number = -1;
    if (tarn_query(session, sql, &stream, err) != TARN_OK) {
        return -1;
    }
    if (stream.get_next(&stream, &array) != 0) {
        (void)tarn_stream_error(&stream, err);
    } else if (array.release != NULL) {
        number = ((const int64_t *)array.children[0]->buffers[1])[0];
        array.release(&array);
    }
    stream.release(&stream);
    return number;
}

/* What a child of the process sees; 0 where all is as it should be, else the failed step. */
static int in_child(tarn_session *session, tarn_frame *frame, struct ArrowArrayStream *stream)
{
    struct ArrowArrayStream other;
    struct ArrowArray array;
    tarn_error err = TARN_ERROR_INIT;

    if (tarn_query(session, "SELECT 1", &other, &err) != TARN_E_INVALID ||
        strcmp(err.message, "the session was made before fork()") != 0) {
        return 1;
    }
    if (stream->get_next(stream, &array) != EINVAL ||
        strcmp(stream->get_last_error(stream), "the stream was made before fork()") != 0) {
        return 2;
    }
    if (tarn_frame_collect(frame, &other, &err) != TARN_E_INVALID) {
        return 3;
    }
    stream->release(stream);
    tarn_session_close(session);
    session = open_session();
    if (session == NULL) {
        return 4;
    }
    if (number_of(session, "SELECT count(*) AS n FROM range(3000000) WHERE range % 3 = 0", &err) !=
        1000000) {
        return 5;
    }
    tarn_session_close(session);
    return 0;
}

/* Keeps taking memory, so that fork() meets locks that are held. */
static void *churn(void *context)
{
    const _Atomic bool *stop = context;
    while (!atomic_load(stop)) {
        tarn_expr_release(tarn_col("x"));
    }
    return NULL;
}

TEST(after_fork_old_handles_answer_invalid_and_new_ones_work)
{
    struct ArrowArrayStream stream;
    pthread_t thread;
    _Atomic bool stop = false;
    tarn_error err = TARN_ERROR_INIT;
    if (!TEST_FORKS_THREADS) {
        (void)printf("SKIPPED: a sanitizer that knows no threads after a fork\n");
        return;
    }
    tarn_session *session = open_session();
    CHECK(session != NULL);
    CHECK_EQ(number_of(session, "SELECT count(*) AS n FROM range(2000000)", &err), 2000000);
    CHECK_EQ(tarn_query(session, "SELECT range AS a FROM range(50000000)", &stream, &err), TARN_OK);
    CHECK_EQ(pthread_create(&thread, NULL, churn, &stop), 0);
    for (int i = 0; i < 20; i++) {
        tarn_frame *frame = tarn_frame_sql(session, "SELECT 1");
        int status = -1;
        const pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            (void)alarm(60);
            _exit(in_child(session, frame, &stream));
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK(WIFEXITED(status));
        CHECK_EQ(WEXITSTATUS(status), 0);
        tarn_frame_release(frame);
    }
    atomic_store(&stop, true);
    (void)pthread_join(thread, NULL);
    stream.release(&stream);
    CHECK_EQ(number_of(session, "SELECT count(*) AS n FROM range(7)", &err), 7);
    tarn_session_close(session);
}

static void nap(long milliseconds)
{
    const struct timespec time = {0, milliseconds * 1000000};
    (void)nanosleep(&time, NULL);
}

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

typedef struct canceller {
    tarn_session *session;
    double at;
} canceller;

static void *cancel_soon(void *context)
{
    canceller *c = context;
    nap(50);
    c->at = now();
    tarn_session_cancel(c->session);
    return NULL;
}

TEST(another_thread_cancels_a_query)
{
    pthread_t thread;
    tarn_session *session = open_session();
    CHECK(session != NULL);
    for (int i = 0; i < 3; i++) {
        tarn_error err = TARN_ERROR_INIT;
        canceller c = {session, 0};
        CHECK_EQ(pthread_create(&thread, NULL, cancel_soon, &c), 0);
        CHECK_EQ(number_of(session, endless, &err), -1);
        CHECK_EQ(err.code, TARN_E_CANCELLED);
        (void)pthread_join(thread, NULL);
        CHECK(now() - c.at < 1.0);
        tarn_session_resume(session);
        CHECK_EQ(number_of(session, "SELECT count(*) AS n FROM range(7)", &err), 7);
    }
    tarn_session_close(session);
}

static tarn_session *to_cancel;

static void on_alarm(int number)
{
    (void)number;
    tarn_session_cancel(to_cancel);
}

TEST(a_signal_handler_cancels_a_query)
{
    tarn_error err = TARN_ERROR_INIT;
    struct sigaction action = {.sa_handler = on_alarm};
    struct sigaction old;
    to_cancel = open_session();
    CHECK(to_cancel != NULL);
    CHECK_EQ(sigaction(SIGALRM, &action, &old), 0);
    (void)alarm(1);
    CHECK_EQ(number_of(to_cancel, endless, &err), -1);
    CHECK_EQ(err.code, TARN_E_CANCELLED);
    (void)sigaction(SIGALRM, &old, NULL);
    tarn_session_close(to_cancel);
}

TEST(a_stream_may_be_abandoned_at_any_batch)
{
    tarn_session *session = open_session();
    CHECK(session != NULL);
    for (int batches = 0; batches < 4; batches++) {
        struct ArrowArrayStream stream;
        CHECK_EQ(tarn_query(session,
                            "SELECT range AS a, range::VARCHAR AS s FROM range(1000000000)",
                            &stream, NULL),
                 TARN_OK);
        for (int i = 0; i < batches; i++) {
            struct ArrowArray array;
            CHECK_EQ(stream.get_next(&stream, &array), 0);
            CHECK(array.release != NULL);
            array.release(&array);
        }
        const double start = now();
        stream.release(&stream);
        CHECK(now() - start < 1.0);
    }
    tarn_session_close(session);
}

typedef struct user {
    pthread_t thread;
    bool good;
} user;

static void *use_session(void *context)
{
    user *u = context;
    tarn_error err = TARN_ERROR_INIT;
    tarn_session *session = open_session();
    u->good = session != NULL;
    for (int i = 0; i < 5 && u->good; i++) {
        u->good = number_of(session,
                            "SELECT count(*) AS n FROM (SELECT range % 1000 AS k, count(*) FROM "
                            "range(300000) GROUP BY k)",
                            &err) == 1000;
    }
    tarn_session_close(session);
    return NULL;
}

TEST(two_sessions_run_at_once)
{
    user users[2];
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(pthread_create(&users[i].thread, NULL, use_session, &users[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(users[i].thread, NULL);
    }
    CHECK(users[0].good && users[1].good);
}
