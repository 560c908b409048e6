/*
 * inspect.h - what is there: files and objects below a URI, and what tables and files say of
 * themselves.  Answers are chunks, so that they print in every form that results have.
 */
#ifndef TN_SESSION_INSPECT_H
#define TN_SESSION_INSPECT_H

#include "session/session.h"
#include "table/delta/delta.h"

/* A chunk and its columns; the schema lives in the arena it was made with. */
typedef struct tn_facts {
    tn_schema schema;
    tn_chunk *chunk; /* the caller's */
} tn_facts;

/* ---- files and objects ---- */

typedef struct tn_walk_entry {
    tn_store *store;
    tn_str uri, relative; /* below what was asked for; until the visitor returns */
    const tn_object_info *info;
} tn_walk_entry;
typedef tarn_code tn_walk_visit(void *context, const tn_walk_entry *entry, tarn_error *err);

/*
 * Each file that a URI names: itself, what a glob matches, or what lies in a folder: one level,
 * folders included, or all levels.  Of a glob FOLDERS are the folders that match, too; with ALL the
 * files below them.  TARN_E_NOT_FOUND where there is nothing.
 */
enum { TN_WALK_ALL = 1, TN_WALK_FOLDERS = 2 };
TN_FALLIBLE tn_walk(tn_session *session, tn_str uri, uint32_t what, tn_walk_visit *visit,
                    void *context, tarn_error *err);

/* uri, size, modified, kind. */
TN_FALLIBLE tn_inspect_list(tn_session *session, tn_str uri, uint32_t what, tn_arena *arena,
                            tn_facts *out, tarn_error *err);
/* The same and the tag, of one thing, or of what a glob matches. */
TN_FALLIBLE tn_inspect_stat(tn_session *session, tn_str uri, tn_arena *arena, tn_facts *out,
                            tarn_error *err);
/* uri, id, started, process of uploads that were left open. */
TN_FALLIBLE tn_inspect_uploads(tn_session *session, tn_str uri, tn_arena *arena, tn_facts *out,
                               tarn_error *err);

/* ---- tables and files ---- */

TN_FALLIBLE tn_inspect_history(tn_session *session, tn_str uri, uint64_t limit, tn_arena *arena,
                               tn_facts *out, tarn_error *err);
TN_FALLIBLE tn_inspect_files(tn_session *session, tn_str uri, const tn_delta_at *at,
                             tn_arena *arena, tn_facts *out, tarn_error *err);
/* name and value. */
TN_FALLIBLE tn_inspect_detail(tn_session *session, tn_str uri, const tn_delta_at *at,
                              tn_arena *arena, tn_facts *out, tarn_error *err);
/* What is inside a file or table, as text. */
TN_FALLIBLE tn_inspect_describe(tn_session *session, tn_str uri, bool pages, bool json,
                                tn_text *out, tarn_error *err);

typedef struct tn_table_options {
    tn_str schema; /* "id BIGINT NOT NULL, day DATE", or: */
    tn_str like;   /* a file or table whose columns it takes */
    const tn_str *partition_by;
    uint32_t partition_count;
    const tn_delta_property *properties;
    uint32_t property_count;
} tn_table_options;
/* Of the latest version, which it answers. */
TN_FALLIBLE tn_inspect_checkpoint(tn_session *session, tn_str uri, int64_t *version,
                                  tarn_error *err);
/* *not_enforced: "PRIMARY KEY" or "UNIQUE" where the schema asks for one, else NULL. */
TN_FALLIBLE tn_inspect_create_table(tn_session *session, tn_str uri,
                                    const tn_table_options *options, tn_delta_receipt *receipt,
                                    const char **not_enforced, tarn_error *err);

#endif
