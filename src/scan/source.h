/*
 * source.h - everything that can be read: a file, a table, a list of chunks (decision 19).
 *
 * A *source* describes: schema, statistics.  A *scan* is one run over it, made from a request and
 * shared by all tasks through atomics.  A *scan task* is one driver's reader: it takes numbered
 * morsels from the scan's cursor and hands out lent batches.
 *
 * Sources are made at planning, are read-only then, and may be scanned many times and from many
 * threads.
 */
#ifndef TN_SCAN_SOURCE_H
#define TN_SCAN_SOURCE_H

#include "column/value.h"
#include "expr/expr.h"
#include "sched/waker.h"

typedef struct tn_source tn_source;
typedef struct tn_scan tn_scan;
typedef struct tn_scan_task tn_scan_task;

typedef enum tn_certainty { TN_UNKNOWN, TN_ESTIMATE, TN_EXACT } tn_certainty;

/*
 * Bounds that are not unknown hold for every value that is not null, in the one order of values
 * (NaN is above all: a format whose bounds leave NaN out says unknown, or NaN).  TN_EXACT: min and
 * max are values of the column; TN_ESTIMATE: they may be wider (cut strings, deleted rows).
 */
typedef struct tn_column_statistics {
    tn_certainty bounds, nulls, distinct;
    tn_value min, max; /* of the column's type; inclusive */
    uint64_t null_count, distinct_count;
} tn_column_statistics;

typedef struct tn_statistics {
    tn_certainty rows_known, bytes_known;
    uint64_t rows, bytes;
    const tn_column_statistics *columns; /* one a schema field, or NULL */
} tn_statistics;

/*
 * A conjunct that a source may use.  Only this form is pushed: column `op` literal(s).  Anything
 * else stays above as a filter.
 */
typedef enum tn_conjunct_op {
    TN_OP_EQ,
    TN_OP_NE,
    TN_OP_LT,
    TN_OP_LE,
    TN_OP_GT,
    TN_OP_GE,
    TN_OP_IN, /* any of values */
    TN_OP_IS_NULL,
    TN_OP_IS_NOT_NULL,
    TN_OP_STARTS_WITH /* strings: values[0] is the prefix */
} tn_conjunct_op;

typedef enum tn_promise {
    TN_PROMISE_NONE,    /* looked at it, will not use it */
    TN_PROMISE_PARTIAL, /* may leave out rows that fail it; the filter stays */
    TN_PROMISE_EXACT    /* hands out only rows that pass; the filter may go */
} tn_promise;

typedef struct tn_conjunct {
    uint32_t field; /* of the source's schema */
    tn_conjunct_op op;
    uint32_t value_count;
    const tn_value *values; /* of the column's type, not null */
} tn_conjunct;

/*
 * A filter that grows while the query runs: a join's keys, a top-n's bound.  Looked at between
 * morsels and between pages: when `version` moved, lock, copy the conjuncts, unlock.
 */
typedef struct tn_dynamic_filter {
    _Atomic uint64_t version; /* 0: nothing known yet */
    /* Calls back for each present conjunct, under the filter's lock. */
    void (*visit)(struct tn_dynamic_filter *filter,
                  void (*see)(void *context, const tn_conjunct *conjunct), void *context);
} tn_dynamic_filter;

/* Built-in columns (PIPELINE) that a request may ask for besides the schema's. */
typedef enum tn_virtual {
    TN_VIRTUAL_FILE = 1,    /* "_file" VARCHAR */
    TN_VIRTUAL_ROW = 2,     /* "_row" BIGINT, from 1, within its file */
    TN_VIRTUAL_LINE = 4,    /* "_line" BIGINT, from 1 (text formats; NULL elsewhere) */
    TN_VIRTUAL_MODIFIED = 8 /* "_modified" TIMESTAMPTZ of the file */
} tn_virtual;

/* Rows a step cannot take (decision 16). */
typedef struct tn_reject {
    tn_str file;       /* URI, or empty */
    int64_t row, line; /* from 1; 0 unknown */
    tn_str column;     /* or empty */
    tarn_code code;
    tn_str reason;
    tn_str raw; /* the record's bytes */
} tn_reject;
typedef struct tn_reject_edge {
    /* Thread-safe.  An error ends the scan. */
    tarn_code (*reject)(struct tn_reject_edge *edge, const tn_reject *row, tarn_error *err);
} tn_reject_edge;

typedef struct tn_scan_request {
    const uint32_t *fields; /* of the schema, in the order wanted; virtual columns follow them in
                               the batch: file, row, line, modified, those that are set */
    uint32_t field_count;
    uint32_t virtuals; /* tn_virtual bits */
    const tn_conjunct *conjuncts;
    uint32_t conjunct_count;
    tn_promise *promises; /* one a conjunct, answered by open */
    tn_dynamic_filter *const *dynamic;
    uint32_t dynamic_count;
    uint64_t row_limit;      /* enough for the plan; UINT64_MAX: all */
    tn_reject_edge *rejects; /* NULL: a bad record fails the scan */
    uint32_t tasks_max;      /* tasks that will be opened at most */
    bool stop_early;         /* a LIMIT is above: begin with small run-ahead */
    const _Atomic bool *cancelled;
} tn_scan_request;

/* Counted where it happens, by each task; summed by the scan. */
typedef struct tn_scan_counters {
    uint64_t bytes_read, rows_read, rows_out, rows_pruned, rows_rejected;
    uint64_t files, files_pruned, groups, groups_pruned;
} tn_scan_counters;

typedef enum tn_scan_answer { TN_SCAN_BATCH, TN_SCAN_WAIT, TN_SCAN_END } tn_scan_answer;

typedef struct tn_source_ops {
    const char *kind; /* "parquet", "csv", "delta", "memory"... for EXPLAIN */
    /* Statistics for these conjuncts (pruned where that is cheap); columns may be NULL. */
    tarn_code (*statistics)(tn_source *source, const tn_conjunct *conjuncts, uint32_t count,
                            tn_arena *arena, tn_statistics *out, tarn_error *err);
    tarn_code (*open)(tn_source *source, const tn_scan_request *request, tn_pool *pool,
                      tn_scan **out, tarn_error *err);
    void (*destroy)(tn_source *source);
} tn_source_ops;

struct tn_source {
    const tn_source_ops *ops;
    _Atomic size_t refs;
    tn_schema schema;
    /* As far as values were seen: NULL's type, at any depth, where there were none, so that the
     * schema's is but a guess.  Without fields: nothing is one. */
    tn_schema found;
    tn_str name;          /* for EXPLAIN and messages: URI or table name */
    bool is_ordered;      /* morsels are numbered in reading order */
    bool reads_only_once; /* standard input */
};

/* Where a batch came from, for messages about its rows. */
typedef struct tn_scan_place {
    tn_str file;                   /* empty: from no file */
    int64_t first_line, last_line; /* of text, from 1; 0: not known */
    int64_t first_row, last_row;   /* else of the file, from 1; 0: not known */
} tn_scan_place;

typedef struct tn_scan_ops {
    /*
     * A task's reader.  Its scratch is paid by `pool` and freed by task_close.
     */
    tarn_code (*task_open)(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err);
    /*
     * The next batch (lent until the next call), in morsels taken from the shared cursor: the tag's
     * morsel numbers grow within a task; the last batch of a morsel has tag.last, and travels even
     * when it is empty.  Morsel numbers are dense: 0, 1, 2... over all tasks, so that an ordered
     * consumer knows which comes next; what was pruned has no number.  WAIT: bytes are on their
     * way, and `waker` will be called once; call again then.  END: no morsel is left.
     */
    tarn_code (*read)(tn_scan_task *task, tn_waker *waker, tn_batch *out, tn_scan_answer *answer,
                      tarn_error *err);
    void (*task_close)(tn_scan_task *task); /* cancels and waits for its reads in flight */
    void (*counters)(tn_scan *scan, tn_scan_counters *out);
    /* After the last task ended without an error: objects still the same, counts balanced. */
    tarn_code (*finish)(tn_scan *scan, tarn_error *err);
    void (*close)(tn_scan *scan);
    uint32_t (*morsels_expected)(tn_scan *scan); /* 1: a second thread would have nothing to do */
    /* Of the batch that the task handed out last.  False: it waits to count what lies before; call
     * again once `waker` was called.  NULL: from no file. */
    bool (*place)(tn_scan_task *task, tn_waker *waker, tn_scan_place *out);
    /* About what a task of it takes of memory; NULL: little. */
    size_t (*task_memory)(tn_scan *scan);
} tn_scan_ops;

struct tn_scan {
    const tn_scan_ops *ops;
};
struct tn_scan_task {
    const tn_scan_ops *ops;
};

/* How many tasks may read at a time, 1 at least, by what they hold: half of the memory is theirs.
 */
size_t tn_scan_tasks_fit(tn_scan *scan, size_t memory);

tn_source *tn_source_retain(tn_source *source);
void tn_source_release(tn_source *source); /* NULL is allowed */

/*
 * Can no row with these statistics pass the conjunct?  The one place where bounds prune: files, row
 * groups and pages ask it.  Unknown answers false.
 */
bool tn_conjunct_excludes(const tn_conjunct *conjunct, const tn_column_statistics *statistics,
                          uint64_t rows);

#endif
