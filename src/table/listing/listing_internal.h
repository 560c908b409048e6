/* listing_internal.h - what the files of listing/ share. */
#ifndef TN_TABLE_LISTING_INTERNAL_H
#define TN_TABLE_LISTING_INTERNAL_H

#include "base/vec.h"
#include "table/files/files.h"
#include "table/listing/listing.h"

typedef enum tn_listing_format {
    TN_FORMAT_PARQUET,
    TN_FORMAT_CSV,
    TN_FORMAT_JSON,
    TN_FORMAT_JSONL,
    TN_FORMAT_DELTA,
    TN_FORMAT_COUNT
} tn_listing_format;

/* A source of many files in the making. */
typedef struct tn_listing_maker {
    tn_stores *stores;
    tn_types *types;
    const tn_read_options *options; /* whose columns are those of the files themselves */
    const tn_read_options *given;   /* ... and of the folders that they stand in */
    tn_pool *pool;
    tn_arena arena; /* of the making */
    tn_arena keep;  /* of the opener's options */
    const tn_listed_file *files;
    size_t count;
    tn_listing_format format;
    tn_file_set set;
    tn_source *first;
    tn_str *hive_names; /* partition columns in the files' paths */
    uint32_t hive_count;
    bool without_rows; /* the files looked at so far have no row that shows types */
    bool guessed;      /* a file has columns without a value, whose types the others tell */
    bool retyped;      /* a column has another type than in its file */
    TN_VEC(tn_field) fields;
} tn_listing_maker;

/* format.c: by the name that was asked for, the file's ending, or its first bytes. */
TN_FALLIBLE tn_listing__find_format(const tn_listed_file *file, tn_str asked, tn_pool *pool,
                                    tn_listing_format *out, tarn_error *err);
const char *tn_listing__format_name(tn_listing_format format);
/* A key without the ending of its compression. */
tn_str tn_listing__without_codec(tn_str key);

/* source.c: the file as a source of its own, through the set's opener. */
TN_FALLIBLE tn_listing__open_file(tn_listing_maker *m, size_t index, tn_source **out,
                                  tarn_error *err);

/* schema.c: text files without a byte have nothing to say where others have. */
TN_FALLIBLE tn_listing__leave_out_empty(tn_listing_maker *m, tarn_error *err);
/* Fills m->fields; m->first is the first file's source, where it can serve. */
TN_FALLIBLE tn_listing__find_schema(tn_listing_maker *m, tarn_error *err);
/* Text files after the first are read in its types, so that a column is one type in all of them. */
TN_FALLIBLE tn_listing__fix_types(tn_listing_maker *m, tarn_error *err);

/* hive.c: the folders' names that every file has, wherever they stand in its path; of all files,
 * where they are united. */
TN_FALLIBLE tn_listing__find_partitions(tn_listing_maker *m, tarn_error *err);
/* Leaves m->options those columns that no folder's name gives: no file is asked for the others. */
TN_FALLIBLE tn_listing__split_columns(tn_listing_maker *m, tarn_error *err);
/* Those as columns of m->fields and values of `files`. */
TN_FALLIBLE tn_listing__add_partitions(tn_listing_maker *m, tn_data_file *files, tarn_error *err);

/* Sets the opener of a set of CSV files, whose options go to `keep`; `key` is the first's. */
TN_FALLIBLE tn_listing__open_csv(const tn_read_options *options, tn_str key, tn_arena *keep,
                                 tn_file_set *set, tarn_error *err);
/* The set's files in these types, which lie in `keep`. */
TN_FALLIBLE tn_listing__type_csv(const tn_read_options *options, const tn_field *fields,
                                 uint32_t count, tn_arena *keep, tn_file_set *set, tarn_error *err);

/* Sets the opener of a set of JSON files; its options go to `keep`.  Unless it is but one, a file
 * may be without records. */
TN_FALLIBLE tn_listing__open_json(const tn_read_options *options, bool one, tn_arena *keep,
                                  tn_file_set *set, tarn_error *err);
/* The set's files in these types, which lie in `keep`, as far as they have the fields. */
TN_FALLIBLE tn_listing__type_json(const tn_field *fields, uint32_t count, tn_arena *keep,
                                  tn_file_set *set, tarn_error *err);

#endif
