/*
 * pipeline.h - a pipeline file and its runs (docs/pipeline.md is the reference).
 *
 * A pipeline is read from a TOML file; all its mistakes are gathered, not only the first.  A run
 * takes new inputs into an entry of the ledger, transforms them as one plan, and commits the
 * quarantine and the sinks, each with the entry's number in the same commit, so that a crash at any
 * moment is replayed from the entry.
 *
 * A pipeline belongs to a session and is used by one thread at a time.  Nothing here prints.
 */
#ifndef TN_DATAFLOW_PIPELINE_H
#define TN_DATAFLOW_PIPELINE_H

#include "session/session.h"

typedef struct tn_dataflow tn_dataflow;

typedef struct tn_dataflow_fault {
    bool is_warning;
    tarn_error error; /* with line and column where they are known; the subject is the file */
} tn_dataflow_fault;

/* A parameter given from outside: "max_delay", "900". */
typedef struct tn_dataflow_parameter {
    tn_str name, value;
} tn_dataflow_parameter;

/*
 * Reads the file.  Mistakes in it are no failure here: tn_dataflow_faults() has them, and every
 * verb below answers the first that is no warning.
 */
TN_FALLIBLE tn_dataflow_open(tn_session *session, tn_str path,
                             const tn_dataflow_parameter *parameters, size_t parameter_count,
                             tn_dataflow **out, tarn_error *err);
void tn_dataflow_close(tn_dataflow *pipeline); /* NULL is allowed */
const tn_dataflow_fault *tn_dataflow_faults(const tn_dataflow *pipeline, size_t *count);

/* Looks at sources and tables and binds every step: the rest of what can be wrong. */
TN_FALLIBLE tn_dataflow_check(tn_dataflow *pipeline, tarn_error *err);

typedef enum tn_flow_kind {
    TN_FLOW_SOURCE,
    TN_FLOW_STEP,
    TN_FLOW_EXPECT,
    TN_FLOW_QUARANTINE,
    TN_FLOW_SINK
} tn_flow_kind;

/* How many rows went where: one for each source, step, expectation and sink. */
typedef struct tn_flow {
    tn_flow_kind kind;
    tn_str name;   /* the source's, step's id; the expectation's name; the sink's URI */
    tn_str detail; /* the expectation's step and action; the sink's mode */
    uint64_t files, rows_in, rows_out, filtered, quarantined, dropped;
    bool is_row_wise; /* rows_in = rows_out + filtered + quarantined + dropped */
    bool knows_in;    /* false: only rows_out is known */
    int64_t version;  /* of the sink's table after its commit; -1: not committed */
    bool skipped;     /* the table had this run already */
} tn_flow;

typedef struct tn_dataflow_summary {
    int64_t run;    /* the last one done; 0: there was nothing to do */
    uint64_t runs;  /* done now: a replay and what is new are two */
    uint64_t files; /* taken in by them */
    bool replayed, voided;
    double seconds;
    tn_query_stats stats;
    const tn_flow *flows; /* of the last run; lives as long as the pipeline */
    size_t flow_count;
} tn_dataflow_summary;

typedef enum tn_dataflow_level { TN_NOTE_INFO, TN_NOTE_WARNING } tn_dataflow_level;

typedef struct tn_dataflow_run_options {
    bool dry_run;         /* says what would be taken; writes nothing */
    bool no_wait;         /* another runner has the lock: TARN_E_CONFLICT at once */
    bool strict;          /* warnings are errors */
    uint64_t limit_files; /* new files to take of each source; 0: all */
    /* What happens, a line each: "run 4 takes 2 new files of raw". May be NULL. */
    void (*note)(void *context, tn_dataflow_level level, tn_str text);
    void (*progress)(void *context, uint64_t done, uint64_t total);
    /* A run is done; the summary that will be the answer has its number and flows now, `run` is of
     * it alone. May be NULL. */
    void (*done)(void *context, const tn_dataflow_summary *run);
    /* Commits begin, or have ended with the run's mark: a stop in between leaves a run that is
     * repeated, and so may better wait a little. May be NULL. */
    void (*committing)(void *context, bool begins);
    void *context;
} tn_dataflow_run_options;

TN_FALLIBLE tn_dataflow_run(tn_dataflow *pipeline, const tn_dataflow_run_options *options,
                            tn_dataflow_summary *out, tarn_error *err);

/* `--step ID`: that step over the inputs that a run would take, as a query whose rows the caller
 * reads; nothing is written. */
typedef struct tn_dataflow_rows tn_dataflow_rows;
TN_FALLIBLE tn_dataflow_step_open(tn_dataflow *pipeline, tn_str id,
                                  const tn_dataflow_run_options *options, tn_dataflow_rows **out,
                                  tarn_error *err);
const tn_schema *tn_dataflow_rows_schema(const tn_dataflow_rows *rows);
TN_FALLIBLE tn_dataflow_rows_read(tn_dataflow_rows *rows, tn_chunk **out, tarn_error *err);
void tn_dataflow_rows_close(tn_dataflow_rows *rows); /* NULL is allowed */

/* ---- what is known ---- */

typedef enum tn_run_state { TN_RUN_OPEN, TN_RUN_DONE, TN_RUN_VOID, TN_RUN_RESET } tn_run_state;

typedef struct tn_dataflow_table {
    tn_str name, uri; /* the sink's `from`, or "quarantine" */
    int64_t version;  /* that the run's commit made; -1: none */
    uint64_t rows;
} tn_dataflow_table;

typedef struct tn_dataflow_file {
    tn_str source, uri;
    uint64_t size;
    int64_t modified_us;
    int64_t run; /* that took it; 0: none yet */
    bool is_forgotten;
} tn_dataflow_file;

typedef struct tn_dataflow_past {
    int64_t run, started_us, ended_us;
    tn_run_state state;
    uint64_t files, rows_in;
    const tn_dataflow_table *tables;
    size_t table_count;
    const tn_flow *flows; /* how rows went; none of a run whose end was marked by a later one */
    size_t flow_count;
} tn_dataflow_past;

typedef struct tn_dataflow_status {
    tn_str name, state; /* the ledger's URI */
    const tn_dataflow_past *runs;
    size_t run_count;
    const tn_dataflow_file *files; /* known ones, then those that a run would take */
    size_t file_count, waiting;    /* ... of which are waiting */
} tn_dataflow_status;
/* Lives as long as the pipeline. */
TN_FALLIBLE tn_dataflow_get_status(tn_dataflow *pipeline, tn_dataflow_status *out, tarn_error *err);

/* What a reset would forget: files whose URI the glob matches, or those of a run (glob empty). */
TN_FALLIBLE tn_dataflow_reset(tn_dataflow *pipeline, tn_str glob, int64_t run, bool do_it,
                              const tn_dataflow_file **files, size_t *count,
                              const tn_dataflow_table **tables, size_t *table_count,
                              tarn_error *err);

/* Sources, steps, expectations and sinks as a tree; or as one line of JSON. */
TN_FALLIBLE tn_dataflow_graph(tn_dataflow *pipeline, bool json, tn_text *out, tarn_error *err);

/* A small pipeline in a folder: "" is the current one.  Nothing that is there is replaced. */
TN_FALLIBLE tn_dataflow_init(tn_session *session, tn_str folder, tarn_error *err);

#endif
