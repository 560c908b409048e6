/*
 * io.h - threads that may block: local file reads that miss the page cache, spill, fsync, libcurl.
 *
 * The threads belong to the process, start when first needed, block all signals and are few.  Who
 * waits for a job parks on its waker; nothing computes here.
 */
#ifndef TN_SCHED_IO_H
#define TN_SCHED_IO_H

#include "base/error.h"
#include "sched/waker.h"

#include <stdbool.h>

/* Lives in its owner's memory until `run` has returned; `run` ends by waking whom it serves, and
 * does not touch the job after that. */
typedef struct tn_job {
    void (*run)(struct tn_job *job);
    struct tn_job *next; /* the queue's */
} tn_job;

/* Runs the job on an I/O thread; where none can be started, here and now. */
void tn_io_submit(tn_job *job);

/* A waker for callers that may block: tn_latch_wait() returns once it was woken. */
typedef struct tn_latch tn_latch;
struct tn_latch {
    tn_waker waker;
    _Atomic unsigned state;
};
void tn_latch_init(tn_latch *latch);
void tn_latch_wait(tn_latch *latch);                 /* asserts that no task runs on this thread */
bool tn_latch_wait_ms(tn_latch *latch, unsigned ms); /* false: not yet woken */

/* Whoever runs tasks says so, thread by thread: between the two no call of this thread may wait. */
void tn_task_enter(void);
void tn_task_leave(void);
bool tn_task_running(void);

#endif
