/*
 * pipeline.h - pipelines: a TOML file that says what comes in, what is done to it, what must hold,
 * and where it goes; each input is taken exactly once.  docs/pipeline.md is the reference.
 *
 * A pipeline belongs to its session and to one thread at a time; close it before the session.
 * Texts that it hands out live as long as it does, unless said otherwise.
 */
#ifndef TARN_PIPELINE_H
#define TARN_PIPELINE_H

#include <tarn/query.h>
#include <tarn/session.h>

TARN_BEGIN_DECLS

typedef struct tarn_pipeline tarn_pipeline;

/*
 * Reads a pipeline's file.  `parameters` are "NAME=VALUE", each in the type of its default.
 * Mistakes in the file are no failure of this call: tarn_pipeline_fault() lists them, and every
 * verb below answers the first.
 */
TARN_FALLIBLE tarn_pipeline_open(tarn_session *session, const char *path,
                                 const char *const *parameters, size_t parameter_count,
                                 tarn_pipeline **out, tarn_error *err);
TARN_API void tarn_pipeline_close(tarn_pipeline *pipeline); /* NULL is allowed */

/* All that is wrong, in the order of the file; the call answers the first, or TARN_OK. */
TARN_FALLIBLE tarn_pipeline_check(tarn_pipeline *pipeline, tarn_error *err);
/* From 0; false behind the last.  `*is_warning` may be NULL. */
TARN_API bool tarn_pipeline_fault(const tarn_pipeline *pipeline, size_t index, tarn_error *fault,
                                  bool *is_warning);

/* ---- runs ---- */

typedef enum tarn_flow_kind {
    TARN_FLOW_SOURCE = 0,
    TARN_FLOW_EXPECTATION = 1, /* rows: how many broke it */
    TARN_FLOW_QUARANTINE = 2,
    TARN_FLOW_SINK = 3,
    TARN_FLOW_STEP = 4
} tarn_flow_kind;

/* How rows went in a run. */
typedef struct tarn_flow {
    size_t struct_size;
    tarn_flow_kind kind;
    const char *name, *detail; /* detail: what a source takes, an expectation does, a sink's mode */
    uint64_t files, rows_in, rows, filtered, quarantined, dropped;
    int64_t version; /* of the table, after the commit; -1: none */
    bool skipped;    /* the table had this run already */
    bool row_wise;   /* rows_in = rows + filtered + quarantined + dropped */
} tarn_flow;
#define TARN_FLOW_INIT                                                                  \
    {                                                                                   \
        sizeof(tarn_flow), TARN_FLOW_SOURCE, "", "", 0, 0, 0, 0, 0, 0, -1, false, false \
    }

typedef struct tarn_pipeline_summary {
    size_t struct_size;
    int64_t run;    /* the last one done; 0: there was nothing to do */
    uint64_t runs;  /* done now */
    uint64_t files; /* new ones that they took; of a dry run: would take */
    bool replayed, voided;
    double seconds;
    tarn_stats stats;
} tarn_pipeline_summary;
#define TARN_PIPELINE_SUMMARY_INIT                                               \
    {                                                                            \
        sizeof(tarn_pipeline_summary), 0, 0, 0, false, false, 0, TARN_STATS_INIT \
    }

typedef struct tarn_pipeline_run_options {
    size_t struct_size;
    bool dry_run;         /* says what would be taken, writes nothing */
    bool no_wait;         /* TARN_E_CONFLICT where another runner is at work on this machine */
    bool strict;          /* warnings are errors */
    uint64_t limit_files; /* new files to take of each source; 0: all */
    void (*note)(void *context, bool is_warning, const char *text); /* what happens; or NULL */
    tarn_progress *progress;                                        /* or NULL */
    void *context;
    /* One run is done, and tarn_pipeline_flow() answers of it; another may follow: a run that was
     * not finished is repeated before what is new is taken.  `run` is of this one; or NULL. */
    void (*done)(void *context, const tarn_pipeline_summary *run);
    /* The commits of a run begin, or have ended: a stop in between leaves a run that the next one
     * repeats, so tarn_session_cancel() may better wait a little; or NULL. */
    void (*committing)(void *context, bool begins);
} tarn_pipeline_run_options;
#define TARN_PIPELINE_RUN(...) TARN_OPTIONS(tarn_pipeline_run_options, __VA_ARGS__)

TARN_FALLIBLE tarn_pipeline_run(tarn_pipeline *pipeline, const tarn_pipeline_run_options *options,
                                tarn_pipeline_summary *out, tarn_error *err);
/* Of the last run that was done, from 0; false behind the last. */
TARN_API bool tarn_pipeline_flow(const tarn_pipeline *pipeline, size_t index, tarn_flow *out);

/* The rows of one step (or source) over what a run would take; nothing is written. */
TARN_FALLIBLE tarn_pipeline_step(tarn_pipeline *pipeline, const char *id, uint64_t limit_files,
                                 const tarn_print *print, tarn_write *write, void *context,
                                 tarn_error *err);

/* ---- the ledger ---- */

typedef struct tarn_pipeline_past {
    size_t struct_size;
    int64_t run, started_us, ended_us;
    const char *state; /* "done", "open", "void" or "reset" */
    uint64_t files, rows;
    size_t table_count;
} tarn_pipeline_past;
#define TARN_PIPELINE_PAST_INIT                          \
    {                                                    \
        sizeof(tarn_pipeline_past), 0, 0, 0, "", 0, 0, 0 \
    }
typedef struct tarn_pipeline_table {
    size_t struct_size;
    const char *name, *uri;
    int64_t version;
    uint64_t rows;
} tarn_pipeline_table;
#define TARN_PIPELINE_TABLE_INIT                   \
    {                                              \
        sizeof(tarn_pipeline_table), "", "", -1, 0 \
    }
typedef struct tarn_pipeline_file {
    size_t struct_size;
    const char *source, *uri;
    uint64_t size;
    int64_t run; /* that took it; 0: it waits */
    bool is_forgotten;
} tarn_pipeline_file;
#define TARN_PIPELINE_FILE_INIT                         \
    {                                                   \
        sizeof(tarn_pipeline_file), "", "", 0, 0, false \
    }

/* Reads the ledger; the functions below then answer by index, from 0, false behind the last. */
TARN_FALLIBLE tarn_pipeline_status(tarn_pipeline *pipeline, tarn_error *err);
TARN_API const char *tarn_pipeline_name(const tarn_pipeline *pipeline);
TARN_API const char *tarn_pipeline_state(const tarn_pipeline *pipeline); /* the ledger's URI */
TARN_API bool tarn_pipeline_past_run(const tarn_pipeline *pipeline, size_t index,
                                     tarn_pipeline_past *out);
TARN_API bool tarn_pipeline_past_table(const tarn_pipeline *pipeline, size_t run_index,
                                       size_t index, tarn_pipeline_table *out);
/* How rows went in a past run: what its record keeps. */
TARN_API bool tarn_pipeline_past_flow(const tarn_pipeline *pipeline, size_t run_index, size_t index,
                                      tarn_flow *out);
/* Known files, then those that wait; after a reset: those it is about. */
TARN_API bool tarn_pipeline_known_file(const tarn_pipeline *pipeline, size_t index,
                                       tarn_pipeline_file *out);

/* Forgets inputs whose path the glob matches (or NULL: those of `run`), so that the next run takes
 * them again.  Without `do_it` it only lists them: tarn_pipeline_known_file(). */
TARN_FALLIBLE tarn_pipeline_reset(tarn_pipeline *pipeline, const char *glob, int64_t run,
                                  bool do_it, size_t *count, tarn_error *err);

/* Sources, steps, expectations and sinks as text: tarn_text_free(). */
TARN_FALLIBLE tarn_pipeline_graph(tarn_pipeline *pipeline, char **out, tarn_error *err);
/* The same as one line of JSON: "nodes" with kind, id, reads, tables, expectations, sinks. */
TARN_FALLIBLE tarn_pipeline_graph_json(tarn_pipeline *pipeline, char **out, tarn_error *err);

/* A small pipeline that works, in a folder ("" or NULL: here); nothing that is there is replaced.
 */
TARN_FALLIBLE tarn_pipeline_init(tarn_session *session, const char *folder, tarn_error *err);

TARN_END_DECLS

#endif
