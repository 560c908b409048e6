/* writer_internal.h - a write in progress: shared by writer.c (files) and commit.c (the log). */
#ifndef TN_TABLE_DELTA_WRITER_INTERNAL_H
#define TN_TABLE_DELTA_WRITER_INTERNAL_H

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

    pthread_mutex_t lock; /* guards what follows; after finish it is the writer's own */
    struct partition **buckets;
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
TN_FALLIBLE tn_delta__writer_buckets(tn_delta_writer *writer, tarn_error *err);
void tn_delta__abandon_files(tn_delta_writer *writer);

#endif
