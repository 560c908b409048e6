/*
 * delta.h - Delta Lake tables: snapshots, their rows, and commits.
 *
 * Follows the Delta Transaction Log Protocol (delta-io/delta, PROTOCOL.md).  A snapshot is
 * read-only and may be scanned from many threads.  A writer stages whole data files and makes them
 * visible with one create-only put of a log entry that carries a random id, so that an answer which
 * was lost can be looked up; it rebases over the commits of others where that is right.
 *
 * What a table asks for and Tarn lacks is refused by the feature's name, for reading only where
 * readers need it.
 */
#ifndef TN_TABLE_DELTA_DELTA_H
#define TN_TABLE_DELTA_DELTA_H

#include "scan/sink.h"
#include "scan/writer.h"
#include "store/store.h"

typedef struct tn_delta tn_delta;

/* ---- snapshots ---- */

typedef struct tn_delta_at {
    int64_t version;      /* -1: the latest */
    int64_t timestamp_us; /* the last version at or before; INT64_MIN: none */
} tn_delta_at;
#define TN_DELTA_LATEST ((tn_delta_at){-1, INT64_MIN})

/* TARN_E_NOT_FOUND where there is no table, or no such version. */
TN_FALLIBLE tn_delta_open(tn_stores *stores, tn_types *types, tn_str uri, const tn_delta_at *at,
                          tn_pool *pool, tn_delta **out, tarn_error *err);
void tn_delta_close(tn_delta *table); /* NULL is allowed */

typedef struct tn_delta_property {
    tn_str name, value;
} tn_delta_property;

/* Which of a file's rows are deleted, and where that is written (protocol: its descriptor). */
typedef struct tn_delta_vector {
    tn_str storage, path; /* "u" a file's id, "i" the bytes, "p" an absolute path */
    int64_t offset;       /* -1: none */
    int64_t size, cardinality;
} tn_delta_vector;

typedef struct tn_delta_file {
    tn_str path;              /* below the table, or absolute: decoded */
    tn_str written;           /* as the log spells it */
    const tn_str *partitions; /* as text, one a partition column; .data NULL: null */
    uint64_t size;
    int64_t modified_ms;
    tn_str statistics;      /* JSON, or empty */
    bool statistics_parsed; /* they were a checkpoint's struct: points in time are as Tarn's text */
    tn_str vector;          /* the deletion vector's id, or empty */
    const tn_delta_vector *deletion; /* NULL: no row is deleted */
} tn_delta_file;

typedef struct tn_delta_about {
    tn_str uri, id, name, description;
    int64_t version, created_ms, modified_ms;
    int reader_version, writer_version;
    const tn_str *reader_features, *writer_features;
    uint32_t reader_feature_count, writer_feature_count;
    tn_schema schema;
    const uint32_t *partition_fields;
    uint32_t partition_count;
    const tn_delta_property *properties;
    uint32_t property_count;
    const tn_delta_file *files;
    uint64_t file_count, bytes;
} tn_delta_about;
const tn_delta_about *tn_delta_describe(const tn_delta *table);

/* The version last recorded for an application; false where none. */
bool tn_delta_txn(const tn_delta *table, tn_str application, int64_t *version);

/* The rows.  Refuses what readers must understand and Tarn does not. */
TN_FALLIBLE tn_delta_source(const tn_delta *table, tn_pool *pool, tn_source **out, tarn_error *err);

/* What a commit says of itself, newest first. */
typedef struct tn_delta_commit_info {
    int64_t version, timestamp_ms;
    tn_str operation, engine, parameters, metrics; /* JSON texts of the last two */
    tn_str run;                                    /* of the writer's options, or empty */
} tn_delta_commit_info;
TN_FALLIBLE tn_delta_history(tn_stores *stores, tn_str uri, uint64_t limit, tn_arena *arena,
                             tn_pool *pool, tn_delta_commit_info **out, size_t *count,
                             tarn_error *err);

/* ---- writing ---- */

typedef enum tn_delta_mode {
    TN_DELTA_APPEND,
    TN_DELTA_OVERWRITE,
    TN_DELTA_ERROR /* the table must not exist yet */
} tn_delta_mode;

typedef struct tn_delta_write_options {
    tn_delta_mode mode;
    bool must_exist; /* APPEND and OVERWRITE make the table where there is none, unless set */
    const tn_str *partition_by;
    uint32_t partition_count;
    const tn_delta_property
        *properties; /* of a table that is made; refused if it cannot keep them */
    uint32_t property_count;
    uint64_t file_size; /* aimed at; 0: 128 MiB */
    tn_writer_options parquet;
    tn_str application; /* txn: with its version in the same commit; empty: none */
    int64_t application_version;
    tn_str operation; /* empty: "WRITE" or "CREATE TABLE" */
    tn_str run;       /* in data files' names and the commit info: a run's id, or empty */
} tn_delta_write_options;

typedef struct tn_delta_writer tn_delta_writer;

typedef struct tn_delta_receipt {
    int64_t version;
    uint64_t rows, files, bytes, removed_files;
    bool skipped; /* the table had this application version already: nothing was done */
} tn_delta_receipt;

/*
 * `schema` is what will be written, in its order; it must fit the table's: columns are matched by
 * name, NOT NULL ones must be there, types must widen without loss.  The sink takes the columns in
 * the given order, in the table's types.
 */
TN_FALLIBLE tn_delta_writer_open(tn_stores *stores, tn_types *types, tn_str uri,
                                 const tn_schema *schema, const tn_delta_write_options *options,
                                 tn_pool *pool, tn_delta_writer **out, tarn_error *err);
tn_sink *tn_delta_writer_sink(tn_delta_writer *writer);
/* After the sink finished.  TARN_E_CONFLICT where another writer's commit forbids this one,
 * TARN_E_OUTCOME_UNKNOWN where nobody can say: nothing is deleted then. */
TN_FALLIBLE tn_delta_writer_commit(tn_delta_writer *writer, tn_delta_receipt *receipt,
                                   tarn_error *err);
/* Removes what was staged and is known not to be visible. NULL is allowed. */
void tn_delta_writer_close(tn_delta_writer *writer);

/* A table without rows.  Its schema's nullability becomes NOT NULL columns. */
TN_FALLIBLE tn_delta_create(tn_stores *stores, tn_types *types, tn_str uri, const tn_schema *schema,
                            const tn_delta_write_options *options, tn_pool *pool,
                            tn_delta_receipt *receipt, tarn_error *err);
/* Only the marker txn(application, version): closes a pipeline's run that may not land any more. */
TN_FALLIBLE tn_delta_mark(tn_stores *stores, tn_types *types, tn_str uri, tn_str application,
                          int64_t version, tn_pool *pool, tn_delta_receipt *receipt,
                          tarn_error *err);
/* Writes the classic checkpoint of a snapshot, and _last_checkpoint. */
TN_FALLIBLE tn_delta_checkpoint(const tn_delta *table, tn_pool *pool, tarn_error *err);

#endif
