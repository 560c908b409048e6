/*
 * arrow.h - the door to and from other libraries: Arrow's C data and C stream interfaces.
 *
 * Out: fixed-width values, validity and, where views are asked for, string bytes cross without a
 * copy; offsets and heads are rewritten.  What is handed out holds the chunk, and each of its
 * structs may be moved and released on its own, from any thread.
 *
 * In: fixed-width values and string bytes cross without a copy where they are aligned; bits are
 * copied, so that no byte behind a foreign buffer is ever read.  Lengths, offsets, indices and
 * UTF-8 are checked as far as the interface lets one: it does not say how long its buffers are.
 *
 * Types: half floats come as REAL, seconds and milliseconds as microseconds, date64 as DATE,
 * durations and the old intervals as INTERVAL, UUIDs and dictionaries as their values.  Unions,
 * run-end encoding, decimals with a negative scale and what we have never heard of are refused by
 * name.
 */
#ifndef TN_COLUMN_ARROW_H
#define TN_COLUMN_ARROW_H

#include "base/vec.h"
#include "column/chunk.h"

#include <tarn/arrow_abi.h>

/* ---- out ---- */

typedef struct tn_arrow_options {
    bool views; /* strings as views instead of 32-bit offsets */
    /* Called for each tree of structs that is handed out, and when the last of it was released:
     * keeps alive what owns the pool.  May be NULL. */
    void (*retain)(void *owner);
    void (*release)(void *owner);
    /* True: the memory is another process's copy, and is left alone (decision 17).  May be NULL.
     */
    bool (*is_stale)(void *owner);
    void *owner;
} tn_arrow_options;

/* A struct of the columns.  On failure `out->release` is NULL. */
TN_FALLIBLE tn_arrow_export_schema(const tn_schema *schema, const tn_arrow_options *options,
                                   tn_pool *pool, struct ArrowSchema *out, tarn_error *err);
/*
 * Rows `from` (a multiple of 64) to `from + rows` of the chunk, which is retained.  TARN_E_LIMIT
 * where a column's strings need more than 31 bits of offset: take fewer rows, or views.
 */
TN_FALLIBLE tn_arrow_export_chunk(tn_chunk *chunk, uint32_t from, uint32_t rows,
                                  const tn_arrow_options *options, tn_pool *pool,
                                  struct ArrowArray *out, tarn_error *err);

/* Where a stream's chunks come from. */
typedef struct tn_arrow_feed {
    const tn_schema *schema;                                           /* until close */
    tarn_code (*next)(void *context, tn_chunk **out, tarn_error *err); /* NULL: the end */
    void (*close)(void *context);
    void *context;
} tn_arrow_feed;

/* Owns the feed, also on failure: close is called once. */
TN_FALLIBLE tn_arrow_export_stream(const tn_arrow_feed *feed, const tn_arrow_options *options,
                                   tn_pool *pool, struct ArrowArrayStream *out, tarn_error *err);
/* The whole error of a stream made here, whose interface has a number and a message only; false
 * for streams of others. */
bool tn_arrow_stream_error(const struct ArrowArrayStream *stream, tarn_error *out);

/* ---- in ---- */

typedef struct tn_arrow_import tn_arrow_import;

/* Only looks at the schema, which must be a struct.  Nested types are made in `types`. */
TN_FALLIBLE tn_arrow_import_open(const struct ArrowSchema *schema, tn_types *types, tn_pool *pool,
                                 tn_arrow_import **out, tarn_error *err);
void tn_arrow_import_close(tn_arrow_import *import); /* NULL is allowed */
const tn_schema *tn_arrow_import_schema(const tn_arrow_import *import);
/* Consumes the array, also on failure; the chunk holds it as long as it needs it. */
TN_FALLIBLE tn_arrow_import_array(const tn_arrow_import *import, struct ArrowArray *array,
                                  tn_chunk **out, tarn_error *err);

typedef TN_VEC(tn_chunk *) tn_chunks;
void tn_chunks_free(tn_chunks *chunks); /* and releases them */

/* Consumes the stream, also on failure.  The schema is copied to the arena. */
TN_FALLIBLE tn_arrow_import_stream(struct ArrowArrayStream *stream, tn_types *types,
                                   tn_arena *arena, tn_schema *schema, tn_chunks *chunks,
                                   tarn_error *err);

#endif
