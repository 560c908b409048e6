/*
 * step.h - operators as steps that a driver walks (decision 6).
 *
 * A pipeline is a scan (scan/source.h), steps, and an end.  Plan-time objects and shared state are
 * an *operator* (one a run); what a driver changes is an *operator task*.  Operators never call
 * each other.  The driver is one loop over one 64-bit word: exec/driver.h.
 */
#ifndef TN_EXEC_STEP_H
#define TN_EXEC_STEP_H

#include "expr/program.h"
#include "scan/source.h"

typedef enum tn_answer {
    TN_MORE_INPUT,  /* done with `in`; may come with rows */
    TN_MORE_OUTPUT, /* call again with the same `in`; needs no rows */
    TN_ENOUGH,      /* may carry rows; nothing from above is wanted any more */
    TN_WAIT         /* nothing happened; the waker will be called */
} tn_answer;

typedef struct tn_spill tn_spill; /* rows/spill.h: the query's temporary files */

/* What all operators of a run share. */
typedef struct tn_run {
    tn_pool *pool; /* the query's */
    tn_types *types;
    tn_expr_context *expr;
    const struct tn_parameters *parameters;
    tn_spill *spill;
    uint32_t threads; /* tasks that may run at once */
    bool preserve_order, deterministic;
    _Atomic bool *cancelled; /* looked at per batch by the driver, every 64 k rows inside loops */
} tn_run;

/* What one call may use: the driver's waker changes from task to task. */
typedef struct tn_task {
    tn_run *run;
    tn_pool *pool;   /* this task's; a child of the operator's */
    tn_waker *waker; /* of the driver; to be handed to whatever makes it wait */
    uint32_t index;  /* of the driver among its pipeline's */
} tn_task;

/* Kept always, in per-task counters, summed for EXPLAIN ANALYZE and row balance. */
typedef struct tn_step_counters {
    uint64_t rows_in, rows_out, batches, nanos;
} tn_step_counters;

typedef struct tn_operator tn_operator;
typedef struct tn_operator_task tn_operator_task;

typedef struct tn_operator_ops {
    const char *name; /* "filter", "hash join probe"... */
    tarn_code (*task_open)(tn_operator *op, const tn_task *task, tn_operator_task **out,
                           tarn_error *err);
    void (*task_close)(tn_operator_task *task); /* on any path */

    /* A step: rows in, rows out.  NULL for ends. */
    tarn_code (*step)(tn_operator_task *task, const tn_batch *in, tn_batch *out, tn_answer *answer,
                      tarn_error *err);

    /* An end: takes batches (MORE_INPUT = taken, ENOUGH, WAIT = offer again). */
    tarn_code (*take)(tn_operator_task *task, const tn_batch *in, tn_answer *answer,
                      tarn_error *err);
    /* Once a task, after its last batch: hands its state to the operator. MORE_INPUT = done, WAIT.
     */
    tarn_code (*combine)(tn_operator_task *task, tn_answer *answer, tarn_error *err);
    /* Once, after every task combined; runs on one driver, and may be cut by WAIT, or by
     * MORE_OUTPUT to let others in and be called again. */
    tarn_code (*finalise)(tn_operator *op, const tn_task *task, tn_answer *answer, tarn_error *err);

    /* After finalise: what the next pipeline reads (a sort's rows, an aggregate's groups, a full
     * join's unmatched rows).  Owned by the operator.  NULL where nothing is read. */
    tarn_code (*scan)(tn_operator *op, tn_scan **out, tarn_error *err);
    void (*destroy)(tn_operator *op);

    /* Before it runs: it is one of so many ends of a tee that keep rows, and each has its part of
     * the budget.  NULL for those that keep none. */
    void (*share_budget)(tn_operator *op, uint32_t sharers);
} tn_operator_ops;

struct tn_operator {
    const tn_operator_ops *ops;
};
struct tn_operator_task {
    const tn_operator_ops *ops;
};

#endif
