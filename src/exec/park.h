/*
 * park.h - rows that a sink wants later (scan/sink.h): kept in the row store by part, spilled like
 * all others, and given to it part by part at the end.  So a table of thousands of partitions is
 * written with a few files open, and each partition is one file.
 *
 * A tn_parked is one task's; the tn_park takes them all when the tasks combine, and is then read by
 * one task.
 */
#ifndef TN_EXEC_PARK_H
#define TN_EXEC_PARK_H

#include "exec/step.h"
#include "rows/rows.h"
#include "scan/sink.h"

#include <pthread.h>

typedef struct tn_park {
    tn_run *run;
    tn_row_layout *layout; /* NULL until a task parks a row */
    uint32_t width;
    const tn_type *const *types;

    pthread_mutex_t lock; /* guards layout being made and sets, while tasks combine */
    tn_rows sets[TN_SINK_PARTS];

    /* the reading */
    tn_rows again; /* rows of the part that the sink wanted later once more */
    tn_row_reader *reader;
    tn_rows_cursor cursor;
    uint32_t part;
    uint8_t *rows[TN_BATCH_ROWS];
    tn_column *columns;
} tn_park;

typedef struct tn_parked {
    tn_park *park;
    tn_pool *pool;
    tn_row_writer *writer; /* NULL: nothing was parked */
    tn_rows *sets;         /* TN_SINK_PARTS */
    const tn_column **pointers;
    uint8_t *rows[TN_BATCH_ROWS];
} tn_parked;

void tn_park_init(tn_park *park, tn_run *run, const tn_type *const *types, uint32_t width);
void tn_park_deinit(tn_park *park);

void tn_parked_init(tn_parked *parked, tn_park *park, tn_pool *pool);
void tn_parked_deinit(tn_parked *parked);
/* Keeps the rows that the writer wants later of the batch it took. */
TN_FALLIBLE tn_parked_add(tn_parked *parked, const tn_sink_task *writer, const tn_batch *batch,
                          tarn_error *err);
/* Gives them all to the park. */
void tn_parked_combine(tn_parked *parked);

/* The next rows of the part that is read: selected 0 at its end.  They lie in the park's pages
 * until the next call. */
TN_FALLIBLE tn_park_next(tn_park *park, tn_batch *out, tarn_error *err);
/* Rows of the batch that was read last are to be read once more, after the rest of the part. */
TN_FALLIBLE tn_park_again(tn_park *park, const tn_sink_task *writer, tarn_error *err);
/* On to what was parked again, or to the next part that has rows; false: there is none. */
bool tn_park_turn(tn_park *park);

#endif
