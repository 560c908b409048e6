/* bind_internal.h - steps as plans over pinned sources: shared by check, run, --step and graph. */
#ifndef TN_PIPELINE_BIND_INTERNAL_H
#define TN_PIPELINE_BIND_INTERNAL_H

#include "pipeline/pipeline_internal.h"

/* Hidden columns of steps: where their rows stand in the files. */
#define TN_ORIGIN_FILE "_origin_file"
#define TN_ORIGIN_ROW  "_origin_row"
#define TN_ORIGIN_LINE "_origin_line"

/* What a run fixes of a source before its first read. */
typedef struct tn_source_pin {
    tn_listed_file *files; /* in the order in which they are read */
    tn_str *keys;          /* by which the ledger knows them: relative where the pattern is */
    tn_str *places;        /* while they are discovered */
    size_t count;
    tn_field *columns; /* of the source, once known */
    uint32_t column_count;
    bool has_columns;
} tn_source_pin;

/* A Delta table that SQL names by URI. */
typedef struct tn_table_pin {
    tn_str uri;
    int64_t version;
} tn_table_pin;

typedef enum tn_build_state {
    TN_BUILD_NEW,
    TN_BUILD_OPEN,
    TN_BUILD_DONE,
    TN_BUILD_FAULTY
} tn_build_state;

typedef struct tn_built {
    tn_build_state state;
    tn_plan *raw, *plan; /* before and after its expectations; each of them SHARED */
    uint32_t raw_shared, shared;
    tn_plan *broken; /* rows that broke a rule, with a BOOLEAN for each at their end; or NULL */
    const tn_expect **rules; /* of those BOOLEANs, in their order */
    uint32_t rule_count;
    bool is_row_wise;      /* one input, and each of its rows gives at most one */
    tn_station *row_input; /* ... which is this one */
    tn_station *input;     /* the last name in FROM of the text being bound */
    uint32_t reads;        /* ... and how many there were */
    bool *named;           /* one a station: named by its text or its rules */
    bool *read;            /* ... by its text alone */
} tn_built;

/* An SQL text as it was bound: all of them stand one behind the other, so that a span tells which.
 */
typedef struct tn_bound_text {
    size_t start, size;
    tn_sql_text sql;
    tn_str step; /* or empty: an expectation's query */
} tn_bound_text;

typedef struct tn_table_read {
    const tn_station *reader; /* NULL: */
    const tn_expect *asking;
    tn_str uri;
} tn_table_read;

typedef struct tn_build {
    tn_catalogue catalogue; /* first: what the binder asks */
    tn_dataflow *p;
    tn_arena *arena;
    tn_plan_context context;
    const tn_source_pin *pins; /* one a station */
    TN_VEC(tn_table_pin) tables;
    TN_VEC(tn_table_read) table_reads; /* which text names which table */
    tn_reject_edge **rejects;          /* one a station, or NULL */
    tn_scan_counters *counters;        /* one a station, or NULL: what its scans count */
    tn_built *built;
    bool *queried;            /* one a station: named by an expectation's query */
    _Atomic uint64_t *meters; /* two a station: rows that it gave before its rules, and after */
    TN_VEC(tn_source *) opened;
    TN_VEC(tn_bound_text) texts;
    size_t texts_end;
    /* of the text being bound */
    tn_station *reader, *missing;
    const tn_expect *asking; /* whose query it is, where nobody reads */
    bool reads_raw;          /* the reader's own name means its rows before the expectations */
    bool is_blocked;         /* it stands on something faulty */
    bool carries;     /* rules quarantine or refuse rows of steps: their place goes with them */
    bool carries_row; /* a rule that fails the run names the row where a file has no lines */
    TN_VEC(tn_station *) stack;
} tn_build;

TN_FALLIBLE tn_build__open(tn_build *b, tn_dataflow *p, tn_arena *arena, const tn_source_pin *pins,
                           int64_t now_us, uint64_t seed, tarn_error *err);
void tn_build__close(tn_build *b);
/* Binds a station and all that it stands on.  Mistakes become faults of the pipeline, and its state
 * tells. */
TN_FALLIBLE tn_build__station(tn_build *b, tn_station *station, tarn_error *err);
/* A query expectation, over stations that were built; NULL after a fault. */
TN_FALLIBLE tn_build__query(tn_build *b, const tn_expect *expect, tn_plan **out, tarn_error *err);
/* The rows of a station once more. */
TN_FALLIBLE tn_build__read(tn_build *b, const tn_station *station, tn_plan **out, tarn_error *err);
/* A Delta table that SQL names, in the version given (-1: as pinned, or the latest, which is pinned
 * then).  One that a sink of this pipeline is still to make is empty. */
TN_FALLIBLE tn_build__table(tn_build *b, tn_str uri, int64_t version, tn_relation *out,
                            tarn_error *err);
/* A fault where a sink gets other columns than it says. */
TN_FALLIBLE tn_build__sink_columns(const tn_build *b, const tn_sink_spec *sink, tarn_error *err);
/* Faults where a sink's rows do not fit its table.  In a run (`runs`) an error of the store is one,
 * not a mistake of the file. */
TN_FALLIBLE tn_build__check_sinks(tn_build *b, bool runs, tarn_error *err);
/* A fault of SQL while rows move: it gets the step's name and its place in the file. */
void tn_build__place(const tn_build *b, tarn_error *error);
/* Outputs of a plan as a schema. */
TN_FALLIBLE tn_build__schema(tn_arena *arena, const tn_plan *plan, tn_schema *out, tarn_error *err);
/* Of what tn_build__read() gives. */
TN_FALLIBLE tn_build__written(const tn_build *b, tn_arena *arena, const tn_station *station,
                              tn_schema *out, tarn_error *err);
/* The source of a station over its pinned files, as it is found. */
TN_FALLIBLE tn_build__source(const tn_dataflow *p, const tn_station *station,
                             const tn_source_pin *pin, tn_source **out, tarn_error *err);

#endif
