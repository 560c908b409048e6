/* pipeline_internal.h - a pipeline from inside: shared by the files of pipeline/. */
#ifndef TN_DATAFLOW_INTERNAL_H
#define TN_DATAFLOW_INTERNAL_H

#include "base/json.h"
#include "base/toml.h"
#include "base/vec.h"
#include "pipeline/pipeline.h"
#include "table/delta/delta.h"

enum { TN_DATAFLOW_FAULTS_MAX = 200 };

/* Where something stands in the pipeline's file, or in a file of SQL that it names. */
typedef struct tn_sql_text {
    tn_str text;           /* the SQL */
    const tn_toml *node;   /* the string in the TOML file; NULL: `file` holds the text */
    tn_str file;           /* "sql/clean.sql", as it was given */
    size_t prefix, suffix; /* bytes that were put before and behind it to make a statement */
} tn_sql_text;

typedef enum tn_bad_record { TN_BAD_QUARANTINE, TN_BAD_DROP, TN_BAD_FAIL } tn_bad_record;
typedef enum tn_expect_action {
    TN_EXPECT_WARN,
    TN_EXPECT_QUARANTINE,
    TN_EXPECT_DROP,
    TN_EXPECT_FAIL
} tn_expect_action;

/* A source or a step: what a FROM may name. */
typedef struct tn_station {
    bool is_source;
    tn_str id;
    const tn_toml *place; /* of the id */
    uint32_t index;       /* among the pipeline's nodes */
    uint32_t uses;        /* by steps, expectations and sinks */

    /* source */
    tn_str *uris; /* absolute */
    uint32_t uri_count;
    tn_read_options read;
    tn_field *columns; /* declared */
    uint32_t column_count;
    bool take_all, ignores_new_columns;
    tn_bad_record bad_record;

    /* step */
    tn_sql_text sql;
    bool has_sql;

    uint32_t hidden; /* its last columns, _file and its kin, are not in * */
    bool is_faulty;  /* what stands on it is not looked at */
} tn_station;

typedef struct tn_expect {
    tn_str on, name;
    const tn_toml *place;
    tn_station *node;
    tn_sql_text text;
    bool is_query;
    bool is_not_null; /* of a source's column, not of the file */
    tn_str column;
    tn_expect_action action;
} tn_expect;

typedef struct tn_sink_spec {
    tn_str from, to; /* `to` is absolute */
    tn_str to_written;
    const tn_toml *place, *from_place;
    tn_station *node;
    tn_delta_mode mode;
    tn_str *partition_by;
    const tn_toml **partition_places;
    uint32_t partition_count;
    const tn_toml *columns_place; /* of what the table holds before it is made, or NULL */
    tn_field *columns;
    uint32_t column_count;
    tn_str application; /* name/from */
} tn_sink_spec;

typedef struct tn_param {
    tn_str name;
    tn_value value;
    const tn_toml *place;
} tn_param;

struct tn_dataflow {
    tn_session *session;
    tn_pool *pool;
    tn_arena arena; /* of the model, and of answers */
    tn_str path, folder, document;
    tn_str here, place; /* the folder of the process, and this one's: tn_place() */
    tn_str document_hash;
    const tn_toml *root;

    tn_str name, state; /* state: a folder's URI, without a slash at its end */
    tn_param *params;
    uint32_t param_count;
    tn_str *param_names; /* as tn_parameters wants them */
    tn_value *param_values;
    tn_parameters parameters;

    TN_VEC(tn_station *) nodes; /* sources, then steps, in the order of the file */
    TN_VEC(tn_expect *) expects;
    TN_VEC(tn_sink_spec *) sinks;
    tn_str quarantine; /* absolute, or empty */
    const tn_toml *quarantine_place;
    double max_ratio;

    TN_VEC(tn_dataflow_fault) faults;
    size_t errors; /* among them */
    bool checked;
};

/* ---- faults.c ---- */
/* Notes a mistake at a node of the TOML tree (NULL: of the file as a whole). */
TN_FALLIBLE tn_dataflow__fault(tn_dataflow *p, const tn_toml *at, bool at_key, const char *hint,
                               tarn_error *err, const char *format, ...) TN_PRINTF(6, 7);
TN_FALLIBLE tn_dataflow__warn(tn_dataflow *p, const tn_toml *at, const char *hint, tarn_error *err,
                              const char *format, ...) TN_PRINTF(5, 6);
/* Takes what a lower floor said of an SQL text, with its place in the file. Passes failures on that
 * are no mistakes of the file (memory, cancelled). */
TN_FALLIBLE tn_dataflow__fault_of(tn_dataflow *p, const tn_sql_text *sql, const tn_toml *at,
                                  const tarn_error *cause, tarn_error *err);
/* The first mistake as an error; TARN_OK where there is none. */
void tn_dataflow__sort_faults(tn_dataflow *p); /* by line and column */
TN_FALLIBLE tn_dataflow__first_fault(const tn_dataflow *p, tarn_error *err);
/* Puts an error's span of an SQL text into the terms of the file it stands in. */
void tn_dataflow__place(const tn_dataflow *p, const tn_sql_text *sql, tarn_error *error);
/* "did you mean", or NULL. */
const char *tn_dataflow__nearest(tn_dataflow *p, tn_str name, const tn_str *names, size_t count);

/* ---- model.c, model_tables.c ---- */
TN_FALLIBLE tn_dataflow__read_model(tn_dataflow *p, const tn_dataflow_parameter *given,
                                    size_t given_count, tarn_error *err);
tn_station *tn_dataflow__station(const tn_dataflow *p, tn_str id);

#endif
