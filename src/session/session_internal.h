/* session_internal.h - a session from inside: shared by the files of session/. */
#ifndef TN_SESSION_INTERNAL_H
#define TN_SESSION_INTERNAL_H

#include "base/vec.h"
#include "column/chunk.h"
#include "scan/writer.h"
#include "session/session.h"

enum { TN_SETTINGS_MAX = 64 };

typedef struct tn_kept_value {
    char *text;
    size_t size;
    tn_setting_from from;
} tn_kept_value;

/* A table or view of the session: immutable once listed; INSERT puts another in its place. */
typedef struct tn_entry {
    struct tn_entry *next;
    tn_arena arena;
    tn_str name;
    tn_schema schema;  /* of a table */
    tn_source *source; /* of a table; NULL for views */
    tn_chunk **chunks;
    size_t chunk_count;
    tn_str sql; /* of a view */
    const tn_str *columns;
    uint32_t column_count;
    bool is_view;
} tn_entry;

struct tn_session {
    tn_pool pool;
    tn_types *types;
    tn_stores *stores;
    tn_catalogue catalogue; /* first the vtable, then found by offset */
    tn_entry *entries;
    TN_VEC(tn_source *) opened; /* by the statement that is being started */
    tn_kept_value values[TN_SETTINGS_MAX];
    tn_kept_value file_values[TN_SETTINGS_MAX];   /* that files of settings gave */
    tn_kept_value option_values[TN_SETTINGS_MAX]; /* that options of the command line gave */
    uint32_t threads;
    bool preserve_order, deterministic;
    _Atomic bool cancelled;
    _Atomic uint64_t transfer_done, transfer_total; /* bytes of files that are copied or read */
    _Atomic bool transfer_telling;
    _Atomic(tn_query *) running;
    _Atomic int cancelling; /* threads that cancel or reclaim: the query they saw must stay */
    tn_session_progress *progress;
    void *progress_context;
    uint64_t statements; /* run so far: part of the seed */
};

uint64_t tn_session__memory(void); /* what this process may use: the cgroup's limit, or RAM */
void tn_session__free_settings(tn_session *session);
bool tn_session__has_setting(tn_str name);
/* A value by a file of settings: RESET goes back to it.  It takes effect with tn_session_reset().
 */
TN_FALLIBLE tn_session__keep_file_value(tn_session *session, tn_str name, tn_str value,
                                        tarn_error *err);
/* config.c: reads the files. */
TN_FALLIBLE tn_session__read_config(tn_session *session, tarn_error *err);
/* The query that a cancel reaches; NULL: none, and nobody looks at the last one any more. */
void tn_session__run(tn_session *session, tn_query *query);

/* What was opened since there were `mark` sources: given up, or moved to one who keeps them. */
typedef TN_VEC(tn_source *) tn_sources;
void tn_session__drop_sources(tn_session *session, size_t mark);
TN_FALLIBLE tn_session__take_sources(tn_session *session, size_t mark, tn_sources *out,
                                     tarn_error *err);
void tn_sources__free(tn_sources *sources);

/* ---- catalogue.c ---- */
extern const tn_catalogue_ops tn_session__catalogue_ops;
tn_entry *tn_session__find(tn_session *session, tn_str name, bool *ambiguous);
TN_FALLIBLE tn_session__add_table(tn_session *session, tn_str name, const tn_schema *schema,
                                  tn_chunk *const *chunks, size_t count, bool replace,
                                  tarn_error *err);
TN_FALLIBLE tn_session__add_view(tn_session *session, const tn_bound *bound, tarn_error *err);
void tn_session__drop(tn_session *session, tn_entry *entry);

/* ---- memory_sink.c: rows gathered for a table in memory, in the order of their tags ---- */
typedef struct tn_memory_sink tn_memory_sink;
TN_FALLIBLE tn_memory_sink_create(tn_pool *pool, tn_str table, const tn_schema *schema,
                                  tn_memory_sink **out, tarn_error *err);
tn_sink *tn_memory_sink_base(tn_memory_sink *sink);
tn_chunk *const *tn_memory_sink_chunks(const tn_memory_sink *sink, size_t *count);
void tn_memory_sink_destroy(tn_memory_sink *sink); /* NULL is allowed */

/* ---- file_sink.c: one file, written by many tasks in the order of their tags ---- */
typedef struct tn_file_sink tn_file_sink;
/* `has_groups`: the format's groups stand alone (Parquet), so tasks encode side by side. */
TN_FALLIBLE tn_file_sink_create(tn_stores *stores, tn_str uri, const tn_schema *schema,
                                tn_file_writer_open *open, const tn_writer_options *options,
                                bool has_groups, tn_pool *pool, tn_file_sink **out,
                                tarn_error *err);
tn_sink *tn_file_sink_base(tn_file_sink *sink);
TN_FALLIBLE tn_file_sink_commit(tn_file_sink *sink, tarn_error *err);
void tn_file_sink_destroy(tn_file_sink *sink); /* aborts what was not committed; NULL is allowed */

/* ---- answer.c: results that are made of text ---- */
TN_FALLIBLE tn_session__show(tn_session *session, const tn_bound *bound, tn_arena *arena,
                             tn_schema *schema, tn_chunk **out, tarn_error *err);
TN_FALLIBLE tn_session__describe(tn_session *session, const tn_plan *plan, tn_arena *arena,
                                 tn_schema *schema, tn_chunk **out, tarn_error *err);
/* One column "plan", a row a line. */
TN_FALLIBLE tn_session__lines(tn_session *session, tn_str text, tn_arena *arena, tn_schema *schema,
                              tn_chunk **out, tarn_error *err);

#endif
