/*
 * stream.h - rows as Arrow streams: results out, tables in.
 *
 * Batches have up to 63,488 rows.  Strings come with 32-bit offsets, or as views where
 * tarn_session_string_views() asks for them.  What a stream hands out may outlive the stream and
 * the session, and may be released by any thread.  The stream itself belongs to the session's
 * thread; several may be open at a time.
 */
#ifndef TARN_STREAM_H
#define TARN_STREAM_H

#include <tarn/arrow_abi.h>
#include <tarn/session.h>

TARN_BEGIN_DECLS

/*
 * Runs the statements of a text; the rows of the last one are `out`'s, and those of the others are
 * dropped.  The last statement runs as the stream is read: releasing it early stops the query,
 * waits for its workers and frees what it held.  A statement without rows makes a stream without
 * columns.
 */
TARN_FALLIBLE tarn_query(tarn_session *session, const char *sql, struct ArrowArrayStream *out,
                         tarn_error *err);

/* Strings of the session's streams from now on: as views (nothing is copied), or with offsets. */
TARN_FALLIBLE tarn_session_string_views(tarn_session *session, bool views, tarn_error *err);

/* What made a stream's get_schema or get_next fail, whole; false for streams of other libraries. */
TARN_API bool tarn_stream_error(const struct ArrowArrayStream *stream, tarn_error *out);

/*
 * The stream's rows as a table of the session, in the place of one of that name; DROP TABLE drops
 * it.  The stream is read to its end and released, also on failure; its values are not copied
 * where their layout allows.
 */
TARN_FALLIBLE tarn_session_register(tarn_session *session, const char *name,
                                    struct ArrowArrayStream *stream, tarn_error *err);

TARN_END_DECLS

#endif
