/*
 * waker.h - the one wait primitive (decision 10).
 *
 * Whatever can finish later (a store request, a spill read, a timer, a full sink) is started with a
 * waker and calls it exactly once, from any thread, when it has finished.  A task's waker puts its
 * driver back into the run queue; a blocking caller's waker signals a condition.  wake() must be
 * quick, must not block and may run before the call that started the operation has returned.
 */
#ifndef TN_SCHED_WAKER_H
#define TN_SCHED_WAKER_H

typedef struct tn_waker {
    void (*wake)(struct tn_waker *waker);
} tn_waker;

static inline void tn_wake(tn_waker *waker)
{
    if (waker != 0) {
        waker->wake(waker);
    }
}

#endif
