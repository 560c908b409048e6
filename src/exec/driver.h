/*
 * driver.h - the loop that walks a pipeline's steps for one task (decision 6).
 *
 * A pipeline is a scan, steps and an end; a driver has one task of each in an array and one 64-bit
 * word, whose bit k says "step k wants the same input again".  It can park at any slot and go on
 * there, on any worker.  Nothing is allocated per batch.
 */
#ifndef TN_EXEC_DRIVER_H
#define TN_EXEC_DRIVER_H

#include "exec/step.h"
#include "sched/work.h"

enum { TN_STEPS_MAX = 60 };

/* What one slot did; summed over drivers when a pipeline ends. */
typedef struct tn_slot_counters {
    uint64_t batches, rows, nanos; /* that came out */
    uint64_t taken;                /* rows that went in */
} tn_slot_counters;

typedef struct tn_pipeline {
    tn_run *run;
    tn_scan *scan;
    tn_operator *const *steps;
    uint32_t step_count;
    tn_operator *end;
    uint64_t ordinal; /* of pipelines with one end: batches of a lower one come first */

    uint32_t driver_count;
    struct tn_driver *drivers;
    tn_gang *gang;
    _Atomic uint32_t walking;   /* drivers that have not combined yet */
    _Atomic uint32_t drained;   /* drivers whose scan said that it has ended */
    _Atomic bool enough;        /* the end wants no more */
    _Atomic uint64_t failed_at; /* the lowest morsel that failed; UINT64_MAX: none */
    _Atomic bool is_done;       /* all drivers have left */
    bool finalises;             /* its last driver finalises the end: the last of its end's */
    pthread_mutex_t lock;       /* guards `error` */
    tarn_code code;
    tarn_error error;
    tn_slot_counters *counters; /* scan, steps..., end: filled when done */
} tn_pipeline;

/*
 * Opens `drivers` tasks of everything on the caller's thread and starts them.  On failure nothing
 * was started.  When `is_done` turns true (the gang's caller is poked) the pipeline may be closed.
 */
TN_FALLIBLE tn_pipeline_start(tn_pipeline *pipeline, tn_gang *gang, uint32_t drivers,
                              tarn_error *err);
/* Wakes whoever is parked: after the cancel flag was set. */
void tn_pipeline_stir(tn_pipeline *pipeline);
#ifdef TARN_TEST_HOOKS
uint32_t tn_driver__forced_waits(void); /* TARN_FORCE_WAIT: waits that each slot makes up */
#endif
/* Frees the drivers; answers how it went.  Only when done, or never started. */
TN_FALLIBLE tn_pipeline_close(tn_pipeline *pipeline, tarn_error *err);

#endif
