/*
 * block_internal.h - what the operators that block have in common: their expressions over a batch,
 * part by part, and scans that hand their rows to the next pipeline.
 */
#ifndef TN_EXEC_BLOCK_INTERNAL_H
#define TN_EXEC_BLOCK_INTERNAL_H

#include "exec/operators.h"
#include "rows/rows.h"

#include <stdatomic.h>

/* ---- expressions over batches ---- */

typedef struct tn_inputs {
    tn_pool *pool;
    tn_evaluator *evaluator;
    uint32_t count;
    tn_column *columns; /* of the part at hand, one an expression */
    const tn_column **pointers;
    uint16_t *identity; /* 0, 1, 2... */
    uint32_t next;      /* row of the selection to go on with */
} tn_inputs;

TN_FALLIBLE tn_inputs__create(const tn_program *program, uint32_t count, tn_pool *pool,
                              tn_inputs **out, tarn_error *err);
void tn_inputs__destroy(tn_inputs *inputs); /* NULL is allowed */
/*
 * Computes the expressions for the next rows of the batch: `part` is the batch with only those
 * selected.  False at its end; `inputs->next` is 0 then again.
 */
TN_FALLIBLE tn_inputs__part(tn_inputs *inputs, const tn_batch *in, tn_batch *part, bool *more,
                            tarn_error *err);
/* Faults of a column that reach the operator. */
static inline TN_FALLIBLE tn_inputs__raise(const tn_column *column, const tn_batch *part,
                                           tarn_error *err)
{
    return column->faults == NULL ? TARN_OK : tn_column_raise(column, part, err);
}

/* ---- scans ---- */

/*
 * Numbers the batches that a scan task gives: morsels of a few batches each.  The tasks of one scan
 * draw their morsels from one counter, since what stands behind a morsel's number (its rows held
 * until its turn, its part of a file) belongs to one task alone.
 */
typedef struct tn_numbering {
    _Atomic(uint64_t) *morsels; /* given out so far; of the scan */
    uint64_t morsel;
    uint32_t part;
    bool open; /* the morsel has not had its last batch */
} tn_numbering;
enum { TN_NUMBERING_PARTS = 31 }; /* a morsel of whole batches is TN_CHUNK_ROWS */
static inline void tn_numbering__next(tn_numbering *at, tn_batch *batch)
{
    if (!at->open) {
        at->morsel = atomic_fetch_add(at->morsels, 1);
        at->part = 0;
    }
    batch->tag = (tn_tag){at->morsel, at->part, at->part + 1 == TN_NUMBERING_PARTS};
    at->open = !batch->tag.last;
    at->part++;
}
/* The end of the rows: an empty last batch where one is owed, else END. */
static inline void tn_numbering__end(tn_numbering *at, tn_batch *batch, tn_scan_answer *answer)
{
    *answer = at->open ? TN_SCAN_BATCH : TN_SCAN_END;
    *batch = (tn_batch){.tag = {at->morsel, at->part, true}};
    at->open = false;
}

/* For scans that have nothing to say there. */
void tn_block__counters(tn_scan *scan, tn_scan_counters *out);
tarn_code tn_block__finish(tn_scan *scan, tarn_error *err);
void tn_block__close(tn_scan *scan); /* the operator owns it */
uint32_t tn_block__one(tn_scan *scan);

/* An operator, zeroed; paid by the query. */
static inline TN_FALLIBLE tn_block__new(tn_run *run, size_t size, void *out, tarn_error *err)
{
    void *memory = NULL;
    const tarn_code code = tn_pool_alloc_zeroed(run->pool, size, &memory, err);
    memcpy(out, &memory, sizeof(memory));
    return code;
}

#endif
