#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#include "sched/work.h"

#include "base/pool.h"
#include "os/thread.h"
#include "sched/io.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

/* Of a task.  IDLE: not started, or gone.  WOKEN: its waker was called while it ran, so parking
 * means running again. */
enum { STATE_IDLE, STATE_READY, STATE_RUNNING, STATE_WOKEN, STATE_PARKED };
enum { THREADS_MAX = 256, SLAB_WORKS = 63 };

/* Memory of tasks: given out again, never given back. */
typedef struct slab {
    struct slab *next;
    tn_work works[SLAB_WORKS];
} slab;

/* The process's workers; made anew in a child after fork(), where the threads are gone. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    tn_gang *gangs; /* a ring of those with ready tasks */
    unsigned threads, idle;
    tn_work *free; /* tasks to be given out */
    slab *slabs;
    tn_pool pool; /* of the slabs */
} workers = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void forget_in_child(void)
{
    (void)pthread_mutex_init(&workers.lock, NULL);
    (void)pthread_cond_init(&workers.more, NULL);
    workers.gangs = NULL;
    workers.threads = workers.idle = 0;
    workers.free = NULL; /* it may have been cut in the middle of a change */
}

static void prepare(void)
{
    tn_pool_init(&workers.pool, NULL, "tasks", SIZE_MAX);
    (void)pthread_atfork(NULL, NULL, forget_in_child);
}

/* ---- queues, under the lock -------------------------------------------------------------------*/

static void list_gang(tn_gang *gang)
{
    if (gang->is_listed) {
        return;
    }
    gang->is_listed = true;
    if (workers.gangs == NULL) {
        gang->next_gang = gang->previous_gang = gang;
        workers.gangs = gang;
        return;
    }
    gang->next_gang = workers.gangs;
    gang->previous_gang = workers.gangs->previous_gang;
    gang->previous_gang->next_gang = gang;
    gang->next_gang->previous_gang = gang;
}

static void unlist_gang(tn_gang *gang)
{
    if (!gang->is_listed) {
        return;
    }
    gang->is_listed = false;
    if (gang->next_gang == gang) {
        workers.gangs = NULL;
        return;
    }
    gang->previous_gang->next_gang = gang->next_gang;
    gang->next_gang->previous_gang = gang->previous_gang;
    workers.gangs = workers.gangs == gang ? gang->next_gang : workers.gangs;
}

static void *serve(void *argument);

/* A helper for the gang, where it has more ready tasks than its caller alone will take. */
static void call_help(tn_gang *gang)
{
    pthread_t thread;
    if (gang->running == 0 && gang->first != NULL && gang->first->next == NULL) {
        pthread_cond_signal(&gang->changed); /* one task: the caller's own */
        return;
    }
    if (gang->running >= gang->threads) {
        return;
    }
    pthread_cond_signal(&gang->changed);
    if (workers.idle > 0) {
        pthread_cond_signal(&workers.more);
    } else if (workers.threads + 1 < gang->threads && workers.threads < THREADS_MAX &&
               tn_thread_start("tarn-worker", serve, NULL, &thread, NULL) == TARN_OK) {
        tn_thread_detach(thread);
        workers.threads++; /* where none can be started the caller does all of it */
    }
}

static void enqueue(tn_work *work)
{
    tn_gang *gang = work->gang;
    work->next = NULL;
    *gang->last = work;
    gang->last = &work->next;
    list_gang(gang);
    call_help(gang);
}

static tn_work *dequeue(tn_gang *gang)
{
    tn_work *work = gang->first;
    if (work == NULL || gang->running >= gang->threads) {
        return NULL;
    }
    gang->first = work->next;
    if (gang->first == NULL) {
        gang->last = &gang->first;
        unlist_gang(gang);
    }
    gang->running++;
    return work;
}

/* ---- running ----------------------------------------------------------------------------------*/

/* Runs the task without the lock and puts it where its answer says. */
static void run_unlocked(tn_work *work)
{
    tn_gang *gang = work->gang;
    int expected = STATE_RUNNING;

    pthread_mutex_unlock(&workers.lock);
    atomic_store(&work->state, STATE_RUNNING);
    tn_task_enter();
    const tn_work_answer answer = work->run(work);
    tn_task_leave();
    pthread_mutex_lock(&workers.lock);
    gang->running--;
    if (answer == TN_WORK_DONE) {
        gang->living--; /* its owner may free it from here on */
    } else if (answer == TN_WORK_YIELD ||
               !atomic_compare_exchange_strong(&work->state, &expected, STATE_PARKED)) {
        atomic_store(&work->state, STATE_READY);
        enqueue(work);
    }
    pthread_cond_signal(&gang->changed);
}

static tn_work *any_ready(void)
{
    tn_gang *gang = workers.gangs;
    for (tn_gang *each = gang; each != NULL;) {
        tn_gang *next = each->next_gang;
        tn_work *work = dequeue(each);
        if (work != NULL) {
            if (workers.gangs != NULL && workers.gangs == each) {
                workers.gangs = each->next_gang; /* the others' turn */
            }
            return work;
        }
        each = next == gang ? NULL : next;
    }
    return NULL;
}

static void *serve(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&workers.lock);
    for (;;) {
        tn_work *work = any_ready();
        if (work != NULL) {
            run_unlocked(work);
            continue;
        }
        workers.idle++;
        pthread_cond_wait(&workers.more, &workers.lock);
        workers.idle--;
    }
    return NULL;
}

static void wake_work(tn_waker *waker)
{
    tn_work *work = (tn_work *)(void *)waker;
    for (;;) {
        int state = atomic_load(&work->state);
        if (state == STATE_RUNNING) {
            if (atomic_compare_exchange_weak(&work->state, &state, STATE_WOKEN)) {
                return;
            }
        } else if (state == STATE_PARKED) {
            if (atomic_compare_exchange_weak(&work->state, &state, STATE_READY)) {
                pthread_mutex_lock(&workers.lock);
                enqueue(work);
                pthread_mutex_unlock(&workers.lock);
                return;
            }
        } else {
            return; /* ready already, woken before, or gone */
        }
    }
}

/* Locked. */
static TN_FALLIBLE add_slab(tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(&workers.pool, sizeof(slab), &memory, err));
    slab *made = memory;
    made->next = workers.slabs;
    workers.slabs = made;
    for (size_t i = 0; i < SLAB_WORKS; i++) {
        made->works[i].waker.wake = wake_work;
        made->works[i].next = workers.free;
        workers.free = &made->works[i];
    }
    return TARN_OK;
}

tarn_code tn_work_create(tn_work **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    *out = NULL;
    (void)pthread_once(&once, prepare);
    pthread_mutex_lock(&workers.lock);
    if (workers.free == NULL) {
        code = add_slab(err);
    }
    if (code == TARN_OK) {
        *out = workers.free;
        workers.free = (*out)->next;
    }
    pthread_mutex_unlock(&workers.lock);
    return code;
}

void tn_work_destroy(tn_work *work)
{
    if (work == NULL) {
        return;
    }
    atomic_store(&work->state, STATE_IDLE);
    pthread_mutex_lock(&workers.lock);
    work->next = workers.free;
    workers.free = work;
    pthread_mutex_unlock(&workers.lock);
}

void tn_gang_init(tn_gang *gang, unsigned threads)
{
    pthread_condattr_t attributes;
    (void)pthread_once(&once, prepare);
    *gang = (tn_gang){.threads = threads > 0 ? threads : 1};
    gang->last = &gang->first;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&gang->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void tn_gang_deinit(tn_gang *gang)
{
    pthread_mutex_lock(&workers.lock);
    while (gang->living > 0) { /* tasks have said that they are done; their workers are leaving */
        pthread_cond_wait(&gang->changed, &workers.lock);
    }
    assert(gang->first == NULL);
    unlist_gang(gang);
    pthread_mutex_unlock(&workers.lock);
    (void)pthread_cond_destroy(&gang->changed);
}

void tn_gang_start(tn_gang *gang, tn_work *work, tn_work_answer (*run)(tn_work *work))
{
    if (work->waker.wake == NULL) { /* others may be looking at that of one from the slabs */
        work->waker.wake = wake_work;
    }
    work->run = run;
    work->gang = gang;
    atomic_store(&work->state, STATE_READY);
    pthread_mutex_lock(&workers.lock);
    gang->living++;
    enqueue(work);
    pthread_mutex_unlock(&workers.lock);
}

static struct timespec deadline_in(unsigned ms)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

void tn_gang_work(tn_gang *gang, bool (*until)(void *context), void *context, unsigned timeout_ms)
{
    const struct timespec deadline = deadline_in(timeout_ms);
    struct timespec now;

    assert(!tn_task_running()); /* tasks do not run tasks */
    pthread_mutex_lock(&workers.lock);
    for (;;) {
        pthread_mutex_unlock(&workers.lock);
        const bool enough = until(context);
        pthread_mutex_lock(&workers.lock);
        if (enough) {
            break;
        }
        tn_work *work = dequeue(gang);
        if (work != NULL) {
            run_unlocked(work);
            (void)clock_gettime(CLOCK_MONOTONIC, &now);
            if (now.tv_sec > deadline.tv_sec ||
                (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec)) {
                break;
            }
            continue;
        }
        if (gang->poked) {
            gang->poked = false;
            continue;
        }
        if (pthread_cond_timedwait(&gang->changed, &workers.lock, &deadline) == ETIMEDOUT) {
            break;
        }
    }
    gang->poked = false;
    pthread_mutex_unlock(&workers.lock);
}

void tn_gang_poke(tn_gang *gang)
{
    pthread_mutex_lock(&workers.lock);
    gang->poked = true;
    pthread_cond_signal(&gang->changed);
    pthread_mutex_unlock(&workers.lock);
}
