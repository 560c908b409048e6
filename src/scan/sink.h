/*
 * sink.h - everything a query can be written into: a file, a table, chunks in memory.
 *
 * The engine pushes batches from many tasks; the sink *stages* (decision 13) and makes nothing
 * visible.  Whoever ran the query then commits or aborts through the sink's own kind (table/,
 * session/): commit is not the engine's business.
 */
#ifndef TN_SCAN_SINK_H
#define TN_SCAN_SINK_H

#include "scan/source.h"

typedef struct tn_sink tn_sink;
typedef struct tn_sink_task tn_sink_task;

typedef enum tn_sink_answer {
    TN_SINK_TAKEN,
    TN_SINK_ENOUGH, /* taken, and nothing more is wanted: the scan stops */
    TN_SINK_WAIT    /* not taken: offer the same batch again after the waker was called */
} tn_sink_answer;

typedef struct tn_sink_ops {
    const char *kind; /* "parquet", "delta", "memory"... for EXPLAIN */
    tarn_code (*task_open)(tn_sink *sink, tn_pool *pool, tn_sink_task **out, tarn_error *err);
    /* Rows of the batch's selection, columns in the order of `schema`, no faults (they were raised
     * before).  A batch with tag.last ends its morsel and may be empty. */
    tarn_code (*write)(tn_sink_task *task, const tn_batch *batch, tn_waker *waker,
                       tn_sink_answer *answer, tarn_error *err);
    /* After the task's last batch, and between parts of what it wanted later; WAIT as above. */
    tarn_code (*task_finish)(tn_sink_task *task, tn_waker *waker, tn_sink_answer *answer,
                             tarn_error *err);
    void (*task_close)(tn_sink_task *task); /* on any path, also without task_finish */
    /* After all tasks finished: everything staged is whole. */
    tarn_code (*finish)(tn_sink *sink, tn_waker *waker, tn_sink_answer *answer, tarn_error *err);
} tn_sink_ops;

struct tn_sink {
    const tn_sink_ops *ops;
    tn_schema schema;      /* what it takes */
    bool is_ordered;       /* wants batches in tag order; one task then writes at a time */
    _Atomic uint64_t rows; /* taken */
    size_t task_memory;    /* what a task should keep open at most, told by the engine; 0: any */
    size_t column_memory; /* what a task needs for each column, however little that is; 0: little */
};
/*
 * A sink that cannot have all its rows at once, such as a table of thousands of partitions, leaves
 * some out of a batch that it takes: the engine keeps them, and offers them to another task of the
 * sink before finish(), part by part, so that what belongs together comes together.
 */
enum { TN_SINK_PARTS = 64 };
/* column_memory of sinks that encode each column on its own. */
enum { TN_SINK_COLUMN_MEMORY = 24 << 10 };

struct tn_sink_task {
    const tn_sink_ops *ops;
    /* Set by write() with TN_SINK_TAKEN, until the next one: positions in the batch's columns, and
     * the part of each.  Only sinks that are not ordered. */
    const uint16_t *later;
    const uint8_t *parts; /* below TN_SINK_PARTS */
    uint32_t later_count;
};

/*
 * Refuses the batch where a column that is NOT NULL by the sink's schema has a NULL: names column,
 * table and row.  `pool` lends room for the words.
 */
TN_FALLIBLE tn_sink_refuse_nulls(const tn_sink *sink, tn_str table, const tn_batch *batch,
                                 tn_pool *pool, tarn_error *err);
/* In err->row of a fault that write() finds in a row of the batch: the engine says which file and
 * lines the batch came from, and clears it. */
#define TN_ROW_OF_BATCH INT64_C(-1)

#endif
