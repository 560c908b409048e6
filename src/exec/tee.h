/*
 * tee.h - an end that hands its rows on to several outputs, each with steps and an end of its own
 * (decision 16): nothing is kept, a batch is offered again only to those that waited.
 *
 * The outputs' operators are the caller's, as those of a pipeline are.  No output may need another
 * to end first: that one reads a row store instead.
 */
#ifndef TN_EXEC_TEE_H
#define TN_EXEC_TEE_H

#include "exec/driver.h"

typedef struct tn_tee_output {
    tn_operator *const *steps;
    uint32_t step_count; /* at most TN_STEPS_MAX */
    tn_operator *end;
    _Atomic bool *enough;       /* set when the end wants no more */
    tn_slot_counters *counters; /* what it was offered, steps, end: added to as tasks close */
} tn_tee_output;

TN_FALLIBLE tn_tee_create(tn_run *run, const tn_tee_output *outputs, uint32_t count,
                          tn_operator **out, tarn_error *err);

#endif
