/*
 * stop.h - moments at which a test may kill the process: TARN_STOP_AT=point, in test builds.
 * TARN_HOLD_AT=point waits there for two seconds, for a test that sends a signal.
 *
 * The points lie where a crash leaves something half done; tests/fault/pipeline.py kills at each.
 */
#ifndef TN_PIPELINE_STOP_H
#define TN_PIPELINE_STOP_H

#include "base/error.h"

/* X(name): in the order in which a run comes by. */
#define TN_STOP_POINTS(X) \
    X(discovered)         \
    X(ledger_written)     \
    X(writers_open)       \
    X(rows_moving)        \
    X(staged)             \
    X(quarantine_staged)  \
    X(conserved)          \
    X(quarantine_commit)  \
    X(quarantine_done)    \
    X(sink_1_commit)      \
    X(sink_1_done)        \
    X(sink_2_commit)      \
    X(sink_2_done)        \
    X(hashed)             \
    X(done_marked)        \
    X(void_begun)         \
    X(void_table_marked)  \
    X(void_tables_marked) \
    X(void_marked)

#define TN_STOP_ID(name) TN_STOP_##name,
typedef enum tn_stop { TN_STOP_POINTS(TN_STOP_ID) TN_STOP_COUNT } tn_stop;
#undef TN_STOP_ID

#ifdef TARN_TEST_HOOKS
void tn_stop_at(tn_stop point);
/* TARN_E_INVALID with the list of points where TARN_STOP_AT names none. */
TN_FALLIBLE tn_stop_check(tarn_error *err);
#else
static inline void tn_stop_at(tn_stop point)
{
    (void)point;
}
static inline TN_FALLIBLE tn_stop_check(tarn_error *err)
{
    (void)err;
    return TARN_OK;
}
#endif

#endif
