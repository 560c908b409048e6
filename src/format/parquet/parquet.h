/*
 * parquet.h - Parquet files: a source to scan, a writer to fill, a description to read.
 *
 * A source reads the footer once, when it is opened, and is read-only then.  Its scans read row
 * groups as morsels, each by one task.  Columns are the file's top-level ones; types are made in
 * `types`, which must outlive the source.
 */
#ifndef TN_FORMAT_PARQUET_PARQUET_H
#define TN_FORMAT_PARQUET_PARQUET_H

#include "base/json.h"
#include "base/text.h"
#include "scan/source.h"
#include "scan/writer.h"

/*
 * Reads the footer (this waits).  On success the object belongs to the source and is closed with
 * it; on failure it stays the caller's.
 */
TN_FALLIBLE tn_parquet_open(tn_object *object, tn_types *types, tn_pool *pool, tn_source **out,
                            tarn_error *err);

/* What may be said of how to read a file. */
typedef struct tn_parquet_options {
    /* Where they are wanted, columns whose bytes say more than their own type holds come as they
     * are: nanoseconds as TIMESTAMP_NS, times of day as BIGINT, small integers as INTEGER, decimals
     * with more digits.  Others stay what they are. */
    tn_schema types;
    bool ignore_statistics; /* of chunks and pages: nothing is passed over for what they say */
} tn_parquet_options;
/* The same with options, or NULL. */
TN_FALLIBLE tn_parquet_open_as(tn_object *object, const tn_parquet_options *options,
                               tn_types *types, tn_pool *pool, tn_source **out, tarn_error *err);

/*
 * The same for tasks, which must not wait: begin starts the read, step answers the source, or NULL
 * when the bytes are not there yet and `waker` will be called; end closes the state, on any path,
 * also before the source came.
 */
typedef struct tn_parquet_opening tn_parquet_opening;
TN_FALLIBLE tn_parquet_open_begin(tn_object *object, tn_types *types, tn_pool *pool,
                                  tn_parquet_opening **out, tarn_error *err);
TN_FALLIBLE tn_parquet_open_step(tn_parquet_opening *opening, tn_waker *waker, tn_source **out,
                                 tarn_error *err);
void tn_parquet_open_end(tn_parquet_opening *opening); /* NULL is allowed */

/* The value of a key in the footer's key-value metadata; TN_STR_NONE where it has none. */
tn_str tn_parquet_metadata(const tn_source *source, tn_str key);

/* Of all row groups, as the footer counts them. */
uint64_t tn_parquet_rows(const tn_source *source);
/* Field id of a top-level column, for tables that map columns by id; -1 where it has none. */
int32_t tn_parquet_field_id(const tn_source *source, uint32_t field);

/* Makes one file (scan/writer.h). */
TN_FALLIBLE tn_parquet_writer_open(tn_upload *upload, const tn_schema *schema,
                                   const tn_writer_options *options, tn_pool *pool,
                                   tn_file_writer **out, tarn_error *err);

/* What is inside, as text for `tarn meta`: schema, row groups, columns with their encodings,
 * codecs, sizes and statistics; pages where `pages` is set and the file has an index of them. */
TN_FALLIBLE tn_parquet_describe(tn_source *source, bool pages, tn_text *out, tarn_error *err);
/* The same as members of an object of JSON that was begun. */
TN_FALLIBLE tn_parquet_describe_json(tn_source *source, bool pages, tn_json_writer *w,
                                     tarn_error *err);

#endif
