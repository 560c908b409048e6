/* scan_internal.h - a scan and its tasks, and which rows of a row group page indexes leave. */
#ifndef TN_FORMAT_PARQUET_SCAN_INTERNAL_H
#define TN_FORMAT_PARQUET_SCAN_INTERNAL_H

#include "base/vec.h"
#include "format/parquet/assemble_internal.h"
#include "format/parquet/source_internal.h"

typedef struct tn_parquet_morsel {
    uint32_t group;
    uint64_t rows; /* at most so many are wanted */
} tn_parquet_morsel;

typedef struct tn_parquet_scan {
    tn_scan base;
    tn_parquet_source *source;
    tn_pool *pool;
    tn_arena arena;
    tn_scan_request request;
    tn_parquet_morsel *morsels;
    uint32_t morsel_count;
    _Atomic uint32_t next;
    uint32_t *leaves; /* that are read, ascending */
    uint32_t leaf_count;
    uint8_t *is_flat; /* one a leaf of those: it is a column by itself */
    bool is_short;    /* of memory: batches end with pages of text */
    tn_view file_name;
    int64_t modified;
    _Atomic uint64_t bytes_read, rows_read, rows_pruned, groups, groups_pruned;
} tn_parquet_scan;

typedef enum task_state {
    TASK_MORSEL,
    TASK_INDEX, /* waits for page indexes */
    TASK_BATCH,
    TASK_SKIP, /* passes over rows that the page index excludes */
    TASK_FILL
} task_state;

/* Rows of a morsel that may pass, counted from its first. */
typedef struct tn_row_range {
    uint64_t from, to;
} tn_row_range;

typedef struct tn_parquet_task {
    tn_scan_task base;
    tn_parquet_scan *scan;
    tn_pool *pool;
    tn_reading reading;
    tn_decompressor decompressor;
    tn_leaf_reader *readers;  /* one a leaf of scan->leaves */
    tn_leaf_reader **by_leaf; /* NULL where not read */
    tn_assembly *assemblies;  /* one a requested field */
    tn_column *columns;       /* handed out */
    uint32_t column_count;
    tn_sequence row_numbers; /* of the batch handed out last */
    uint32_t rows_handed;
    task_state state;
    uint32_t morsel;
    uint32_t morsels_done;
    uint32_t part;
    uint64_t row, first_row; /* the next one, of the morsel; the morsel's first, of the file */
    TN_VEC(tn_row_range) ranges;
    size_t range;
    tn_range *indexes;            /* two a conjunct: offsets, bounds */
    size_t rows, skip, next_leaf; /* of the batch in the making; rows before it to pass over */
    uint64_t bytes_counted;
} tn_parquet_task;

/* scan_rows.c: begins to read the page indexes of a morsel's conjuncts. */
TN_FALLIBLE tn_rows__start(tn_parquet_task *task, tarn_error *err);
/* Makes task->ranges: all rows of the morsel, less what the indexes exclude. */
TN_FALLIBLE tn_rows__choose(tn_parquet_task *task, tn_waker *waker, bool *wait, tarn_error *err);
/* Lets go of indexes that are being read. */
void tn_rows__close(tn_parquet_task *task);

#endif
