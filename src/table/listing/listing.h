/*
 * listing.h - files, globs and folders as one source.
 *
 * A set of URIs (each a file, a glob, or a folder) becomes the list of its files, in the order of
 * their names, each pinned by size and tag when it is listed.  Hive partitions
 * (".../year=2001/...") become columns; files whose schemas differ are united by name where asked;
 * `_file`, `_row`,
 * `_line` and `_modified` may be requested.  A folder that holds a `_delta_log` is a Delta table
 * and is opened as one.
 */
#ifndef TN_TABLE_LISTING_H
#define TN_TABLE_LISTING_H

#include "scan/source.h"
#include "store/store.h"

typedef enum tn_tristate { TN_AUTO, TN_NO, TN_YES } tn_tristate;

/* What may be said of how to read.  Zero means "as it is found". */
typedef struct tn_read_options {
    tn_str format; /* "csv", "parquet", "json" (array or lines), "jsonl", "delta"; empty: by ending,
                      else by the first bytes */
    tn_str codec;  /* "gzip", "zstd", "none"; empty: by ending or first bytes */
    char delimiter, quote, escape, comment;
    bool no_quotes; /* they are text like any other */
    tn_tristate header;
    const tn_str *nulls; /* texts that mean NULL; NULL: the empty field */
    uint32_t null_count;
    uint64_t skip;        /* lines before the header */
    uint64_t sample_rows; /* for inference; 0: default */
    const tn_str *names;  /* of CSV columns, in order; fewer than there are is fine */
    uint32_t name_count;
    bool null_padding;        /* missing fields at a record's end are NULL */
    bool new_line_in_values;  /* quoted values run over lines, though the first show none */
    uint64_t record_size_max; /* 0: default */
    bool is_pipeline;         /* hints name the keys of a pipeline's file, not those of SQL */
    const tn_field *columns;  /* types of the columns they name; the others are inferred */
    uint32_t column_count;
    bool columns_are_kept; /* by a pipeline's ledger, not declared: for the words of errors */
    bool columns_are_all;  /* ... or there are no others: names by position where no header */
    bool all_varchar;
    bool drop_bad_records;   /* count them and go on */
    bool ignore_new_columns; /* that the first files lack, and fields within columns: they are
                                passed over; else an error */
    tn_tristate hive;        /* Hive partitions; AUTO: those that every path has, of files united by
                                name those of any; YES: a path without one is an error */
    bool union_by_name;
    bool ignore_statistics; /* of Parquet files: nothing is pruned by them */
    int64_t version;        /* of a Delta table; -1: the latest */
    int64_t timestamp_us;   /* the version at that time; INT64_MIN: none */
} tn_read_options;
#define TN_READ_DEFAULT ((tn_read_options){.version = -1, .timestamp_us = INT64_MIN})

/* One file of a listing. */
typedef struct tn_listed_file {
    tn_store *store;
    tn_str key, uri;
    uint64_t size;
    int64_t modified_us;
    const char *tag; /* "" where unknown */
} tn_listed_file;

/* Expands URIs to files.  A pattern that matches nothing is TARN_E_NOT_FOUND, with the nearest
 * name, unless `may_be_empty`. */
TN_FALLIBLE tn_listing_expand(tn_stores *stores, const tn_str *uris, uint32_t count,
                              bool may_be_empty, tn_arena *arena, tn_pool *pool,
                              tn_listed_file **out, size_t *file_count, tarn_error *err);

/* The files as one source; "-" is standard input. */
TN_FALLIBLE tn_listing_source(tn_stores *stores, tn_types *types, const tn_str *uris,
                              uint32_t count, const tn_read_options *options, tn_pool *pool,
                              tn_source **out, tarn_error *err);
/* The same over files already listed (a pipeline's pins); an empty list needs `columns`. */
TN_FALLIBLE tn_listing_source_of(tn_stores *stores, tn_types *types, const tn_listed_file *files,
                                 size_t count, const tn_read_options *options, tn_pool *pool,
                                 tn_source **out, tarn_error *err);

/* `*` and `?` stay within a folder, `**` does not; [a-z]. */
bool tn_glob_matches(tn_str pattern, tn_str text);
/* Index of the first character of a glob; the size where the key is a plain one. */
size_t tn_glob_start(tn_str key);

/* What a key means. */
typedef struct tn_glob {
    tn_str folder;  /* that is listed, with its slash; a plain key as it is */
    tn_str pattern; /* of what is below the folder; empty: the key is a plain one */
    bool shows_all; /* also what is no file: tn_listing_show_all() */
    bool folders;   /* of a pattern, folders that match, too; empty ones only in its first one */
    bool below;     /* of a pattern, all files below folders that match */
} tn_glob;
/* Names that are there win: what a folder or file is called is no pattern.  This waits. */
TN_FALLIBLE tn_glob_of(tn_store *store, tn_str key, tn_pool *pool, tn_glob *out, tarn_error *err);

/* Each key below the folder, as the store lists it; of a pattern, the files that match.  `below` is
 * the key without the folder; a folder that matches has a slash at the end of its key.  `cancelled`
 * (or NULL) ends it. */
typedef tarn_code tn_glob_see(void *context, const tn_object_info *info, tn_str below,
                              tarn_error *err);
TN_FALLIBLE tn_glob_list(tn_store *store, const tn_glob *glob, bool delimited,
                         const _Atomic bool *cancelled, tn_pool *pool, tn_glob_see *see,
                         void *context, tarn_error *err);

/* Is the folder a Delta table? */
TN_FALLIBLE tn_listing_is_delta(tn_stores *stores, tn_str uri, tn_pool *pool, bool *out,
                                tarn_error *err);

#endif
