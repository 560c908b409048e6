/*
 * json.h - records as JSON: a source to scan, and writers.
 *
 * Read are records one a line (NDJSON), one array of records, or records one after another over any
 * number of lines; the first bytes tell which.  Lines are read by many tasks at once, the other
 * forms by one.  Names and types come from a sample unless they are given: objects become STRUCT,
 * arrays LIST, what differs becomes the type that holds both, else VARCHAR with the JSON as it
 * stands.  A field that the sample did not show fails the scan where all columns were inferred;
 * else it is passed over, or refused.
 */
#ifndef TN_FORMAT_JSON_JSON_H
#define TN_FORMAT_JSON_JSON_H

#include "scan/source.h"
#include "scan/writer.h"

typedef struct tn_json_options {
    const tn_field *columns; /* all of them, names and types; NULL: found */
    uint32_t column_count;
    const tn_field *types; /* of some columns, by name */
    uint32_t type_count;
    bool all_text;          /* VARCHAR for whatever has no type given */
    bool ignore_errors;     /* leave bad records out */
    bool one_task;          /* never cut the file */
    uint64_t sample_rows;   /* to infer from; 0: 20,480 */
    size_t record_size_max; /* 0: 16 MiB */
    tn_str compression;     /* "gzip", "zstd", "none"; empty: found out */
    uint32_t morsel_size;   /* 0: 16 MiB; tests take less */
    bool is_pipeline;       /* hints name the keys of a pipeline's file, not those of SQL */
    bool fill_missing;      /* a type for a field that no record of the sample has adds it */
    bool may_be_empty;      /* without a record, and so without a column */
    bool refuse_new_fields; /* those without a column, at any depth, fail the scan */
    bool ignore_new_fields; /* ... are passed over.  Neither: they fail it where the types were
                               inferred from a part of the file */
} tn_json_options;

/* On success the object belongs to the source.  This waits.  `options` may be NULL. */
TN_FALLIBLE tn_json_open(tn_object *object, bool is_local, const tn_json_options *options,
                         tn_types *types, tn_pool *pool, tn_source **out, tarn_error *err);
/* As tn_csv_options_set. */
TN_FALLIBLE tn_json_options_set(tn_json_options *options, tn_str name, const tn_value *value,
                                tn_types *types, tn_arena *arena, tarn_error *err);

/* One record a line. */
tarn_code tn_json_lines_writer_open(tn_upload *upload, const tn_schema *schema,
                                    const tn_writer_options *options, tn_pool *pool,
                                    tn_file_writer **out, tarn_error *err);
/* One array of records. */
tarn_code tn_json_array_writer_open(tn_upload *upload, const tn_schema *schema,
                                    const tn_writer_options *options, tn_pool *pool,
                                    tn_file_writer **out, tarn_error *err);

#endif
