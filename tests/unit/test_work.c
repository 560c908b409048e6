#include "os/clock.h"
#include "sched/io.h"
#include "sched/work.h"
#include "support/check.h"

#include <pthread.h>

enum { TASKS = 40, ROUNDS = 300 };

/* A task that parks again and again, and is woken by others: before, while and after it parks. */
typedef struct sleeper {
    tn_work *work;
    tn_job job;
    _Atomic int *done;
    _Atomic bool came;
    bool waits;
    int rounds, how;
} sleeper;

static void wake_sleeper(tn_job *job)
{
    sleeper *s = (sleeper *)(void *)((char *)job - offsetof(sleeper, job));
    atomic_store(&s->came, true);
    tn_wake(&s->work->waker);
}

static tn_work_answer run_sleeper(tn_work *work)
{
    sleeper *s = work->context;
    if (s->waits && !atomic_load(&s->came)) {
        return TN_WORK_PARK; /* a wake that was not ours */
    }
    s->waits = false;
    if (++s->rounds > ROUNDS) {
        atomic_fetch_add(s->done, 1);
        tn_gang_poke(work->gang);
        return TN_WORK_DONE;
    }
    switch ((s->rounds + s->how) % 3) {
    case 0:
        return TN_WORK_YIELD;
    case 1: /* woken before it parks */
        tn_wake(&work->waker);
        return TN_WORK_PARK;
    default:
        s->waits = true;
        atomic_store(&s->came, false);
        s->job.run = wake_sleeper;
        tn_io_submit(&s->job);
        return TN_WORK_PARK;
    }
}

static bool are_done(void *context)
{
    return atomic_load((_Atomic int *)context) == TASKS;
}

static void *run_gang(void *argument)
{
    const unsigned threads = *(const unsigned *)argument;
    static const unsigned patience_ms = 20000;
    _Atomic int done = 0;
    sleeper sleepers[TASKS];
    tn_gang gang;

    memset(sleepers, 0, sizeof(sleepers));
    tn_gang_init(&gang, threads);
    for (int i = 0; i < TASKS; i++) {
        sleepers[i].done = &done;
        sleepers[i].how = i;
        if (tn_work_create(&sleepers[i].work, NULL) != TARN_OK) {
            return argument;
        }
        sleepers[i].work->context = &sleepers[i];
    }
    for (int i = 0; i < TASKS; i++) {
        tn_gang_start(&gang, sleepers[i].work, run_sleeper);
    }
    tn_gang_work(&gang, are_done, &done, patience_ms);
    const bool all = atomic_load(&done) == TASKS;
    if (all) {
        tn_gang_deinit(&gang);
        for (int i = 0; i < TASKS; i++) {
            tn_work_destroy(sleepers[i].work);
        }
    }
    return all ? NULL : argument;
}

TEST(a_task_that_parks_is_taken_up_after_every_wake)
{
    unsigned threads = 1;
    CHECK(run_gang(&threads) == NULL);
    threads = 3;
    CHECK(run_gang(&threads) == NULL);
}

TEST(many_gangs_share_the_workers)
{
    enum { GANGS = 8 };
    pthread_t callers[GANGS];
    unsigned threads[GANGS];
    for (unsigned i = 0; i < GANGS; i++) {
        threads[i] = 1 + i % 4;
        CHECK_EQ(pthread_create(&callers[i], NULL, run_gang, &threads[i]), 0);
    }
    int late = 0;
    for (unsigned i = 0; i < GANGS; i++) {
        void *failed = NULL;
        CHECK_EQ(pthread_join(callers[i], &failed), 0);
        late += failed != NULL;
    }
    CHECK_EQ(late, 0);
}

/* ---- how many run at once ---------------------------------------------------------------------*/

static _Atomic int running, most, finished;

static tn_work_answer run_and_count(tn_work *work)
{
    const int now = atomic_fetch_add(&running, 1) + 1;
    int before = atomic_load(&most);
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now)) {
    }
    tn_clock_sleep_ms(2);
    atomic_fetch_sub(&running, 1);
    atomic_fetch_add(&finished, 1);
    tn_gang_poke(work->gang);
    return TN_WORK_DONE;
}

static bool twenty(void *context)
{
    (void)context;
    return atomic_load(&finished) == 20;
}

TEST(no_more_tasks_run_at_once_than_a_gang_may)
{
    for (int threads = 1; threads <= 3; threads++) {
        tn_work works[20];
        tn_gang gang;
        memset(works, 0, sizeof(works));
        running = most = finished = 0;
        tn_gang_init(&gang, (unsigned)threads);
        for (int i = 0; i < 20; i++) {
            tn_gang_start(&gang, &works[i], run_and_count);
        }
        tn_gang_work(&gang, twenty, NULL, 20000);
        tn_gang_deinit(&gang);
        CHECK_EQ(finished, 20);
        CHECK(most <= threads);
    }
}

static bool never(void *context)
{
    atomic_fetch_add((_Atomic int *)context, 1);
    return false;
}

TEST(a_caller_without_tasks_comes_back_in_time)
{
    _Atomic int asked = 0;
    tn_gang gang;
    const uint64_t before = tn_clock_monotonic_ns();
    tn_gang_init(&gang, 2);
    tn_gang_poke(&gang);
    tn_gang_work(&gang, never, &asked, 20);
    tn_gang_deinit(&gang);
    CHECK(tn_clock_monotonic_ns() - before >= 19000000);
    CHECK(asked >= 2); /* at first, and after the poke */
}

TEST(a_wake_that_comes_after_the_end_wakes_nobody)
{
    tn_work *work = NULL;
    CHECK_EQ(tn_work_create(&work, NULL), TARN_OK);
    tn_waker *late = &work->waker;
    tn_wake(late); /* not started */
    tn_work_destroy(work);
    tn_wake(late);
    unsigned threads = 2;
    CHECK(run_gang(&threads) == NULL); /* its memory may be one of these tasks' now */
    tn_wake(late);
}

/* ---- I/O jobs ---------------------------------------------------------------------------------*/

typedef struct opening {
    tn_job job, inner;
    tn_latch inside, *outside;
    _Atomic int *left;
} opening;

static void run_inner(tn_job *job)
{
    opening *o = (opening *)(void *)((char *)job - offsetof(opening, inner));
    tn_wake(&o->inside.waker);
}

static void run_outer(tn_job *job)
{
    opening *o = (opening *)(void *)job;
    tn_latch_init(&o->inside);
    o->inner.run = run_inner;
    tn_io_submit(&o->inner);
    tn_latch_wait(&o->inside);
    if (atomic_fetch_sub(o->left, 1) == 1) {
        tn_wake(&o->outside->waker);
    }
}

TEST(jobs_that_wait_for_jobs_do_not_stop_each_other)
{
    enum { OPENINGS = 64 };
    opening openings[OPENINGS];
    _Atomic int left = OPENINGS;
    tn_latch all;
    memset(openings, 0, sizeof(openings));
    tn_latch_init(&all);
    for (int i = 0; i < OPENINGS; i++) {
        openings[i].job.run = run_outer;
        openings[i].outside = &all;
        openings[i].left = &left;
        tn_io_submit(&openings[i].job);
    }
    CHECK(tn_latch_wait_ms(&all, 20000));
}
