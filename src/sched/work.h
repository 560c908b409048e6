/*
 * work.h - the workers: who computes, and how a task parks and is taken up again (decision 10,
 * 16).
 *
 * A *gang* is one query's share of the process: a queue of ready tasks and a bound on how many of
 * them run at once.  The calling thread is worker 0: it runs tasks in tn_gang_work(); the process's
 * other workers help where there are more ready tasks than it can take, and serve all gangs by
 * turns.  They start when first needed and block all signals.
 *
 * A task runs until it is done, yields, or parks.  One that parks is taken up after its waker was
 * called; a wake that comes while it still runs is not lost.  Wakes may be spurious: who is taken
 * up asks again for what it waited for.
 */
#ifndef TN_SCHED_WORK_H
#define TN_SCHED_WORK_H

#include "base/error.h"
#include "sched/waker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef enum tn_work_answer {
    TN_WORK_DONE,  /* never run again; its memory is its owner's from now on */
    TN_WORK_YIELD, /* to the end of the queue */
    TN_WORK_PARK   /* until its waker was called */
} tn_work_answer;

typedef struct tn_gang tn_gang;

typedef struct tn_work {
    tn_waker waker; /* to be handed to whatever it waits for */
    tn_work_answer (*run)(struct tn_work *work);
    void *context; /* its owner's */
    tn_gang *gang;
    struct tn_work *next; /* the queue's */
    _Atomic int state;    /* private */
} tn_work;

struct tn_gang {
    unsigned threads; /* tasks that may run at once, the caller's among them */
    /* Under the workers' lock: */
    unsigned running, living;
    tn_work *first, **last;
    tn_gang *next_gang, *previous_gang; /* of those that have ready tasks */
    bool is_listed, poked;
    pthread_cond_t changed;
};

/*
 * Tasks whose waker is handed to others live in memory that is never anything else: who wakes one
 * late (a store's request that ends after the query gave up) wakes nobody, or a stranger once more
 * than needed.  So no operation must be recalled before its query goes.
 */
TN_FALLIBLE tn_work_create(tn_work **out, tarn_error *err);
void tn_work_destroy(tn_work *work); /* done, or never started; NULL is allowed */

void tn_gang_init(tn_gang *gang, unsigned threads);
void tn_gang_deinit(tn_gang *gang); /* every task is done, or about to say so */

/* Makes the task ready to run; one of the caller's own making is all zero before. */
void tn_gang_start(tn_gang *gang, tn_work *work, tn_work_answer (*run)(tn_work *work));

/*
 * Runs ready tasks on this thread, and sleeps while there are none, until `until` answers true (it
 * is asked between tasks and after each change) or `timeout_ms` have passed.
 */
void tn_gang_work(tn_gang *gang, bool (*until)(void *context), void *context, unsigned timeout_ms);

/* Has the thread in tn_gang_work() ask again. */
void tn_gang_poke(tn_gang *gang);

#endif
