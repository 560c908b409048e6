/*
 * files.h - a set of data files as one source: what listings and Delta tables scan.
 *
 * Every file has the set's schema up to names, order and width: columns are found by (physical)
 * name, missing ones are NULL where that is allowed, narrower types are widened, and partition
 * columns come as constants.  Files are pruned by partition values and statistics before they are
 * opened, opened a few ahead on I/O threads, and read by all tasks together; morsels are numbered
 * densely over all of them.
 */
#ifndef TN_TABLE_FILES_FILES_H
#define TN_TABLE_FILES_FILES_H

#include "scan/source.h"
#include "table/files/row_set.h"
#include "table/listing/listing.h"

/* Opens one file: the object is the source's on success. */
typedef tarn_code tn_file_opener(const void *context, tn_object *object, tn_types *types,
                                 tn_pool *pool, tn_source **out, tarn_error *err);
tn_file_opener tn_files_open_parquet; /* context: NULL, or tn_parquet_options */

/* Reads which rows of a file are deleted; called on an I/O thread. */
typedef tarn_code tn_deletion_loader(const void *deletion, tn_pool *pool, tn_row_set **out,
                                     tarn_error *err);

typedef struct tn_data_file {
    tn_listed_file file;
    const tn_value *partitions; /* one for each of partition_fields; NULL where there are none */
    const tn_column_statistics *statistics; /* one a schema field, or NULL */
    uint64_t rows;                          /* without deleted ones; UINT64_MAX: unknown */
    const void *deletion;                   /* lies in the set's `keep`; NULL: no row is deleted */
} tn_data_file;

typedef struct tn_file_set {
    tn_str name; /* for messages and EXPLAIN: the table's or the pattern's URI */
    const char *kind;
    tn_schema schema;
    const uint32_t *partition_fields; /* of the schema */
    uint32_t partition_count;
    const tn_str *physical_names;         /* one a schema field; NULL: the names themselves */
    const int32_t *field_ids;             /* likewise: found by these in Parquet files that have
                                             ids, -1 none; NULL: by names alone */
    const tn_type *const *physical_types; /* likewise, with the files' names of nested fields */
    bool refuse_new_columns; /* a file with a column, or a field, that the set lacks is an error */
    bool is_pipeline;        /* hints name the keys of a pipeline's file, not those of SQL */
    bool fill_missing;       /* a file that lacks a column has NULLs in it */
    const tn_data_file *files;
    size_t count;
    tn_file_opener *open;
    const void *context;               /* of `open`; lies in `keep`, or outlives the source */
    tn_deletion_loader *load_deletion; /* where a file has a deletion */
    tn_arena *keep;                    /* taken over with the set; or NULL */
} tn_file_set;

/* Copies the set. `first` (or NULL): the first file, opened already; taken over on success. */
TN_FALLIBLE tn_files_source_create(const tn_file_set *set, tn_types *types, tn_source *first,
                                   tn_pool *pool, tn_source **out, tarn_error *err);

#endif
