/* writer_internal.h - a write in progress: shared by writer_open.c, writer_rows.c (rows), writer.c
 * (files) and commit.c (the log). */
#ifndef TN_TABLE_DELTA_WRITER_INTERNAL_H
#define TN_TABLE_DELTA_WRITER_INTERNAL_H

#include "scan/writer.h"
#include "sched/io.h"
#include "table/delta/delta_internal.h"

#include <pthread.h>
#include <stddef.h>

/* A whole data file that no log entry names yet. */
typedef struct tn_staged_file {
    tn_str path; /* below the table, with Hive's escapes, as the store knows it */
    const tn_str *partitions;
    tn_str statistics;
    uint64_t size, rows;
} tn_staged_file;

/* One partition's file that is being written; the list of partitions is the writer's. */
typedef struct tn_delta_partition {
    struct tn_delta_partition *next; /* of the same bucket */
    uint64_t hash;
    tn_str key;          /* the raw values: null marks and bytes */
    const tn_str *texts; /* of each partition column; .data NULL: null */
    tn_upload *upload;
    tn_file_writer *writer;
    tn_str path;
    uint32_t groups;  /* being encoded for it */
    uint32_t ordinal; /* of its next file */
    uint64_t used;    /* for "longest idle" */
} tn_delta_partition;

struct tn_delta_writer {
    tn_sink sink; /* first: the engine's view */
    tn_pool *pool;
    tn_arena arena;
    tn_stores *stores;
    tn_types *types;
    tn_store *store;
    tn_str uri, table_root;
    tn_delta *table; /* the snapshot it writes upon; NULL: the table is made */
    tn_delta_mode mode;
    tn_schema table_schema; /* of a table that is made */
    tn_str application, operation, run;
    int64_t application_version;
    const tn_delta_property *properties;
    uint32_t property_count;
    tn_writer_options parquet;
    uint64_t file_size;

    uint32_t partition_count, data_count;
    uint32_t *partition_columns; /* positions in the sink's schema, in the table's order */
    uint32_t *data_columns;
    tn_field *data_fields;
    uint32_t leaf_count; /* columns of a data file, those within nested ones too */

    pthread_mutex_t lock; /* guards what follows; after finish it is the writer's own */
    tn_delta_partition **buckets;
    uint32_t open_files;
    uint64_t clock;
    TN_VEC(tn_staged_file) staged;

    uint32_t closing;     /* files that I/O threads are finishing */
    tarn_code close_code; /* of the first that failed */
    tarn_error close_error;
    TN_VEC(tn_waker *) waiting; /* for one of them */
    bool keep_files;            /* committed, or nobody can say */
};

extern const tn_sink_ops tn_delta__sink_ops;
/* The partition of a key has an open file, and one group more in it; *taken false: wait.  Row `row`
 * of the flat partition columns has the values. */
TN_FALLIBLE tn_delta__enter_partition(tn_delta_writer *writer, const tn_column *flat, uint32_t row,
                                      tn_str key, uint64_t hash, tn_waker *waker,
                                      tn_delta_partition **out, bool *taken, tarn_error *err);
/* One group less. */
void tn_delta__leave_partition(tn_delta_writer *writer, tn_delta_partition *p);
/* Finishes all files: the sink's finish. */
tarn_code tn_delta__finish_files(tn_sink *base, tn_waker *waker, tn_sink_answer *answer,
                                 tarn_error *err);
TN_FALLIBLE tn_delta__writer_buckets(tn_delta_writer *writer, tarn_error *err);
void tn_delta__abandon_files(tn_delta_writer *writer);

#endif
