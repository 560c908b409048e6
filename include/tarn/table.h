/*
 * table.h - Delta tables: made, and asked about themselves.  Rows are read and written by SQL and
 * by frames.
 */
#ifndef TARN_TABLE_H
#define TARN_TABLE_H

#include <tarn/delta.h>
#include <tarn/query.h>

TARN_BEGIN_DECLS

typedef struct tarn_table {
    size_t struct_size;
    const char *schema;            /* "id BIGINT NOT NULL, day DATE", or: */
    const char *like;              /* a file or table whose columns it takes */
    const char *partition_by;      /* column names with commas between, or NULL */
    const char *const *properties; /* "delta.appendOnly=true", ...; ends with NULL; or NULL */
} tarn_table;
#define TARN_TABLE(...) TARN_OPTIONS(tarn_table, __VA_ARGS__)

/* An empty table; TARN_E_EXISTS where there is one. */
TARN_FALLIBLE tarn_table_create(tarn_session *session, const char *uri, const tarn_table *options,
                                tarn_receipt *receipt, tarn_error *err);
/* Writes the checkpoint of the latest version, which spares readers the log before it; `version`
 * (or NULL) is told which. */
TARN_FALLIBLE tarn_table_checkpoint(tarn_session *session, const char *uri, int64_t *version,
                                    tarn_error *err);
TARN_FALLIBLE tarn_table_exists(tarn_session *session, const char *uri, bool *out, tarn_error *err);

/* Which version is asked about. */
typedef struct tarn_at {
    size_t struct_size;
    int64_t version;       /* -1: the latest */
    const char *timestamp; /* the last version at or before; or NULL */
} tarn_at;
#define TARN_AT_LATEST            \
    {                             \
        sizeof(tarn_at), -1, NULL \
    }

/* version, timestamp, operation, parameters, metrics, engine; newest first; `limit` 0: all. */
TARN_FALLIBLE tarn_table_history(tarn_session *session, const char *uri, uint64_t limit,
                                 tarn_result **out, tarn_error *err);
/* path, size, rows, modified, partition. */
TARN_FALLIBLE tarn_table_files(tarn_session *session, const char *uri, const tarn_at *at,
                               tarn_result **out, tarn_error *err);
/* name and value: id, version, features, properties... */
TARN_FALLIBLE tarn_table_detail(tarn_session *session, const char *uri, const tarn_at *at,
                                tarn_result **out, tarn_error *err);

enum { TARN_DESCRIBE_PAGES = 1, TARN_DESCRIBE_JSON = 2 };
/* What is inside a file or table, as text, or as a line of JSON: columns, row groups, encodings,
 * statistics; with TARN_DESCRIBE_PAGES down to pages. */
TARN_FALLIBLE tarn_describe(tarn_session *session, const char *uri, uint32_t what, char **out,
                            tarn_error *err);

TARN_END_DECLS

#endif
