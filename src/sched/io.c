#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#include "sched/io.h"

#include "os/thread.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Enough for a disk's queue and a few fsyncs; they sleep, so their number costs no core. */
enum { THREADS_MAX = 8 };

/* The process's: made once, never destroyed, and made anew in a child after fork(), where the
 * threads are gone. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    tn_job *first;
    tn_job **last;
    unsigned threads;
    unsigned idle;
    unsigned queued;
} io = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, &io.first, 0, 0, 0};

/* Jobs of jobs run where they are asked for: were they queued, those that wait for them could hold
 * every thread. */
static _Thread_local bool serves;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void forget_in_child(void)
{
    /* Jobs of the parent stay the parent's; nobody waits for them here. */
    (void)pthread_mutex_init(&io.lock, NULL);
    (void)pthread_cond_init(&io.more, NULL);
    io.first = NULL;
    io.last = &io.first;
    io.threads = 0;
    io.idle = 0;
    io.queued = 0;
    serves = false;
}

static void prepare(void)
{
    (void)pthread_atfork(NULL, NULL, forget_in_child);
}

static void *serve(void *argument)
{
    (void)argument;
    serves = true;
    pthread_mutex_lock(&io.lock);
    for (;;) {
        while (io.first == NULL) {
            io.idle++;
            pthread_cond_wait(&io.more, &io.lock);
            io.idle--;
        }
        tn_job *job = io.first;
        io.first = job->next;
        io.last = io.first == NULL ? &io.first : io.last;
        io.queued--;
        pthread_mutex_unlock(&io.lock);
        job->run(job);
        pthread_mutex_lock(&io.lock);
    }
    return NULL;
}

void tn_io_submit(tn_job *job)
{
    pthread_t thread;
    bool here = false;

    if (serves) {
        job->run(job);
        return;
    }
    (void)pthread_once(&once, prepare);
    job->next = NULL;
    pthread_mutex_lock(&io.lock);
    *io.last = job;
    io.last = &job->next;
    io.queued++;
    if (io.idle >= io.queued) {
        pthread_cond_signal(&io.more);
    } else if (io.threads < THREADS_MAX) {
        if (tn_thread_start("tarn-io", serve, NULL, &thread, NULL) == TARN_OK) {
            tn_thread_detach(thread);
            io.threads++;
        } else if (io.threads == 0) {
            here = true; /* and the queue held nothing but this job */
            io.first = NULL;
            io.last = &io.first;
            io.queued = 0;
        }
    }
    pthread_mutex_unlock(&io.lock);
    if (here) {
        job->run(job);
    }
}

/* ---- latches ----------------------------------------------------------------------------------
 */

static void futex(_Atomic unsigned *word, int operation, unsigned value,
                  const struct timespec *timeout)
{
    (void)syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, timeout, NULL, 0);
}

static void wake_latch(tn_waker *waker)
{
    tn_latch *latch = (tn_latch *)(void *)waker;
    _Atomic unsigned *state = &latch->state;
    /* Once the state is set the waiter may leave and its latch be gone: only the address is used
     * below, and a stray wake of it is harmless. */
    atomic_store_explicit(state, 1, memory_order_release);
    futex(state, FUTEX_WAKE, INT_MAX, NULL);
}

void tn_latch_init(tn_latch *latch)
{
    latch->waker.wake = wake_latch;
    atomic_init(&latch->state, 0);
}

void tn_latch_wait(tn_latch *latch)
{
    assert(!tn_task_running());
    while (atomic_load_explicit(&latch->state, memory_order_acquire) == 0) {
        futex(&latch->state, FUTEX_WAIT, 0, NULL);
    }
}

bool tn_latch_wait_ms(tn_latch *latch, unsigned ms)
{
    struct timespec now;
    assert(!tn_task_running());
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t end = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
    while (atomic_load_explicit(&latch->state, memory_order_acquire) == 0) {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        const int64_t left = end - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
        if (left <= 0) {
            return false;
        }
        const struct timespec timeout = {left / 1000, left % 1000 * 1000000};
        futex(&latch->state, FUTEX_WAIT, 0, &timeout);
    }
    return true;
}

/* ---- who may wait -----------------------------------------------------------------------------
 */

static _Thread_local unsigned running;

void tn_task_enter(void)
{
    running++;
}

void tn_task_leave(void)
{
    assert(running > 0);
    running--;
}

bool tn_task_running(void)
{
    return running > 0;
}
