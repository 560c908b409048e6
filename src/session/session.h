/*
 * session.h - one user's world: stores, settings, tables, and statements run in it.
 *
 * A session is used by one thread at a time (cancel: by any).  What it opens lives in its pool,
 * which is a child of the process's.  Tables and views made by CREATE live in the session; files
 * and Delta tables are named by URI.
 */
#ifndef TN_SESSION_SESSION_H
#define TN_SESSION_SESSION_H

#include "exec/query.h"
#include "plan/optimise.h"
#include "sql/sql.h"
#include "table/listing/listing.h"

typedef struct tn_session tn_session;

TN_FALLIBLE tn_session_create(tn_session **out, tarn_error *err);
void tn_session_destroy(tn_session *session); /* NULL is allowed */
/* From any thread and from a signal handler: the running statement ends with TARN_E_CANCELLED. */
void tn_session_cancel(tn_session *session);
void tn_session_resume(tn_session *session); /* forgets a cancel that met no statement */

bool tn_session_is_cancelled(const tn_session *session);

tn_pool *tn_process_pool(void); /* the root of all sessions' pools */
tn_pool *tn_session_pool(tn_session *session);
tn_types *tn_session_types(tn_session *session);
tn_stores *tn_session_stores(tn_session *session);

/* Called now and then from the thread that runs a statement; NULL: not. */
typedef void tn_session_progress(void *context, uint64_t done, uint64_t total);
void tn_session_on_progress(tn_session *session, tn_session_progress *progress, void *context);

/* ---- settings: settings.c has the table ---- */

typedef struct tn_setting {
    const char *name;        /* "memory", "s3.endpoint"... */
    const char *environment; /* its twin, or NULL: TARN_ and the name in capitals */
    const char *fallback;    /* as text */
    const char *doc;
    bool is_secret; /* shown as *** and refused from SQL and the command line */
} tn_setting;

typedef enum tn_setting_from {
    TN_FROM_DEFAULT,
    TN_FROM_FILE,
    TN_FROM_ENVIRONMENT,
    TN_FROM_OPTION, /* of the command line: what RESET goes back to */
    TN_FROM_SESSION
} tn_setting_from;

const tn_setting *tn_settings(size_t *count);
/* TARN_E_INVALID with the nearest name, or what values there are. */
TN_FALLIBLE tn_session_set(tn_session *session, tn_str name, tn_str value, tn_setting_from from,
                           tarn_error *err);
TN_FALLIBLE tn_session_reset(tn_session *session, tn_str name, tarn_error *err); /* "": all */
/* The value as text, NULL where there is none; unknown names are answered NULL, too. */
const char *tn_session_get(tn_session *session, const char *name, tn_setting_from *from);
/* Does the text have a word that such a setting's name has? */
bool tn_setting_says_secret(tn_str text);
/* Does the text have the name of a setting for a secret, or one much like it?  Then what stands
 * around it is not shown. */
bool tn_setting_names_secret(tn_str text);
/* Raises while a secret may not come by this road. */
TN_FALLIBLE tn_session_refuse_secret(tn_str name, tarn_error *err);
uint32_t tn_session_threads(tn_session *session);

/* ---- statements ---- */

/* A text with its statements; what they answer is read one after the other. */
typedef struct tn_script tn_script;
/* The answer of one statement: columns, and chunks as they come. */
typedef struct tn_result tn_result;

TN_FALLIBLE tn_script_open(tn_session *session, tn_str sql, const tn_parameters *parameters,
                           tn_script **out, tarn_error *err);
void tn_script_close(tn_script *script); /* its results are closed first */

/*
 * Starts the next statement; NULL when there is none.  A statement without rows (CREATE, SET, DROP)
 * has run when this returns, and its result has no columns.  On failure the script may go on with
 * the next.
 */
TN_FALLIBLE tn_script_next(tn_script *script, tn_result **out, tarn_error *err);

/*
 * The rows of the next statement that answers any go to a file instead of to the reader, and
 * its result is their count; `options` (borrowed) says where to, NULL ends it.
 */
typedef struct tn_copy_options tn_copy_options;
void tn_script_redirect(tn_script *script, const tn_copy_options *options);
/* How many of the statements that have not run answer rows. */
size_t tn_script_results(const tn_script *script);
/* Calls `see` with the name of each parameter of the script's text, and of the session's views. */
TN_FALLIBLE tn_script_parameters(const tn_script *script, void (*see)(void *context, tn_str name),
                                 void *context, tarn_error *err);
/* Where the statement that was started last stands in the text. */
tn_span tn_script_span(const tn_script *script);

bool tn_script_is_at_end(const tn_script *script); /* no statement is left to start */

const tn_schema *tn_result_schema(const tn_result *result);
/* What deserves a word though the statement succeeded: "PRIMARY KEY is not enforced"; or NULL. */
const char *tn_result_warning(const tn_result *result);
/* The statement changes something and has no rows, but a count: INSERT, COPY, CREATE TABLE AS. */
bool tn_result_is_count(const tn_result *result);
TN_FALLIBLE tn_result_read(tn_result *result, tn_chunk **out, tarn_error *err); /* NULL: the end */
void tn_result_stats(const tn_result *result, tn_query_stats *out);
void tn_result_close(tn_result *result); /* cancels what still runs; NULL is allowed */

/* ---- for pipelines and frames, which make their own plans ---- */

/* A context for one statement: its arena must outlive the plan.  now() and the seed are fixed. */
void tn_session_plan_context(tn_session *session, tn_arena *arena, const tn_parameters *parameters,
                             tn_plan_context *out);
void tn_session_optimise_options(tn_session *session, tn_optimise_options *out);
void tn_session_query_options(tn_session *session, tn_query_options *out);
/* The session's catalogue: tables, views, files, table functions.  Sources live until
 * tn_session_end_statement(). */
tn_catalogue *tn_session_catalogue(tn_session *session);
void tn_session_end_statement(tn_session *session);
/* Runs a plan of WRITE nodes to its end, or fails; nothing is committed. */
TN_FALLIBLE tn_session_run_writes(tn_session *session, tn_plan_context *context, tn_plan *plan,
                                  tn_query_stats *stats, tarn_error *err);

/*
 * A query whose rows are read while other statements of the session run: it keeps its plan and what
 * it opened.  Made, planned and started within one call of the user's.
 */
typedef struct tn_rows tn_rows;
TN_FALLIBLE tn_rows_create(tn_session *session, const tn_parameters *parameters, tn_rows **out,
                           tarn_error *err);
tn_plan_context *tn_rows_context(tn_rows *rows); /* its plan is made with this */
TN_FALLIBLE tn_rows_optimise(tn_rows *rows, tn_plan *plan, tn_plan **out, tarn_error *err);
TN_FALLIBLE tn_rows_schema_of(tn_rows *rows, const tn_plan *plan, tn_schema *out, tarn_error *err);
/* Optimises and starts the plan; what the catalogue opened since tn_rows_create() is the rows'. */
TN_FALLIBLE tn_rows_start(tn_rows *rows, tn_plan *plan, tarn_error *err);
const tn_schema *tn_rows_schema(const tn_rows *rows);
TN_FALLIBLE tn_rows_read(tn_rows *rows, tn_chunk **out, tarn_error *err); /* NULL: the end */
void tn_rows_close(tn_rows *rows); /* cancels what still runs; NULL is allowed */

/* Chunks as a table, in the place of one of that name; they are retained. */
TN_FALLIBLE tn_session_add_table(tn_session *session, tn_str name, const tn_schema *schema,
                                 tn_chunk *const *chunks, size_t count, tarn_error *err);

/* Where COPY ... TO goes: makes a sink for a format, whose commit makes the files visible. */
typedef struct tn_copy tn_copy;
struct tn_copy_options {
    tn_str uri;
    tn_str format; /* empty: by ending */
    const tn_str *partition_by;
    uint32_t partition_count;
    const tn_copy_option *options; /* of the statement */
    uint32_t option_count;
};
TN_FALLIBLE tn_copy_open(tn_session *session, const tn_schema *schema,
                         const tn_copy_options *options, tn_copy **out, tarn_error *err);
tn_sink *tn_copy_sink(tn_copy *copy);
TN_FALLIBLE tn_copy_commit(tn_copy *copy, tarn_error *err);
void tn_copy_close(tn_copy *copy); /* aborts what was not committed; NULL is allowed */

#endif
