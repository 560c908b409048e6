/* run_internal.h - one execution of a ledger entry: shared by run.c, execute.c and void.c. */
#ifndef TN_PIPELINE_RUN_INTERNAL_H
#define TN_PIPELINE_RUN_INTERNAL_H

#include "pipeline/content.h"
#include "pipeline/discover.h"
#include "pipeline/quarantine.h"
#include "pipeline/stop.h"

typedef struct tn_target {
    const tn_sink_spec *spec; /* NULL: the quarantine */
    tn_str name, uri, application;
    tn_schema schema;
    tn_delta_writer *writer;
    bool has_run; /* the table had the entry's number before */
    bool is_missing;
    tn_delta_receipt receipt;
} tn_target;

typedef struct tn_execution {
    tn_dataflow *p;
    tn_arena arena; /* of the plan */
    const tn_dataflow_run_options *options;
    tn_ledger *ledger;
    tn_ledger_entry *entry;
    tn_discovery found;
    tn_build build;
    tn_contents contents;
    tn_collector collector;
    tn_source_edge *edges;      /* one a station */
    tn_reject_edge **rejects;   /* one a station */
    tn_scan_counters *counters; /* one a station */
    tn_rule_sink **rules;       /* one a station, NULL where it has none; then one a query */
    tn_rule_sink **queries;     /* one an expectation, NULL where it is none */
    tn_target *targets;         /* the quarantine (where there is one), then the sinks */
    size_t target_count;
    tn_query_stats stats;
    tn_flow *flows; /* how rows went, once they have */
    size_t flow_count;
    bool lost_race; /* another writer's commit forbade one of ours: the run may be repeated */
} tn_execution;

void tn_execution__note(const tn_execution *x, bool is_warning, const char *format, ...)
    TN_PRINTF(3, 4);
/* Binds all that the sinks and expectations need; the first mistake is the answer. */
TN_FALLIBLE tn_execution__bind(tn_execution *x, tarn_error *err);
/* Fills in what the entry says of columns, tables and sinks. */
TN_FALLIBLE tn_execution__pin(tn_execution *x, tarn_error *err);
TN_FALLIBLE tn_execution__open(tn_execution *x, tn_dataflow *p, tn_ledger *ledger,
                               const tn_dataflow_run_options *options, tarn_error *err);
void tn_execution__close(tn_execution *x);
/* Marks the entry done: all its commits are there. */
TN_FALLIBLE tn_execution__finish(tn_execution *x, tarn_error *err);
/* TARN_E_INVALID and `*is_foreign` where a table has the number that a new entry is to get;
 * TARN_E_NOT_FOUND where one is gone that earlier runs filled. */
TN_FALLIBLE tn_execution__refuse_foreign(tn_execution *x, bool *is_foreign, tarn_error *err);
/* Transforms, commits, marks the entry done. */
TN_FALLIBLE tn_execution__run(tn_execution *x, tarn_error *err);
/* What the entry's commits carry: "NAME-RUN-ID", so that two ledgers' runs of one number differ. */
TN_FALLIBLE tn_void__run_name(const tn_ledger_entry *entry, tn_str application, tn_arena *arena,
                              tn_str *out, tarn_error *err);
/* TARN_E_INVALID where the table has the entry's number from a run of another ledger,
 * TARN_E_CONFLICT where it has the mark that keeps the entry's rows away. */
TN_FALLIBLE tn_void__refuse_foreign(tn_dataflow *p, const tn_ledger_entry *entry, tn_str uri,
                                    tn_str application, tn_arena *arena, tarn_error *err);
/* Which of an entry's tables have it. */
typedef struct tn_landed {
    size_t have;   /* with its rows */
    size_t voided; /* that only carry its mark */
    bool all;     /* every sink has it; so the quarantine, which is committed first, is done, too */
    tn_str names; /* of those that have it, for a message */
    bool *others; /* one a sink of the entry: the number there is another ledger's */
} tn_landed;
TN_FALLIBLE tn_void__look(tn_dataflow *p, const tn_ledger_entry *entry, tn_arena *arena,
                          tn_landed *out, tarn_error *err);
/* Puts the mark into each table that has not the entry: no runner can commit it there any more. */
TN_FALLIBLE tn_void__give_up(tn_dataflow *p, const tn_ledger_entry *entry, tarn_error *err);
/* Closes an entry whose inputs are gone and that no table has. */
TN_FALLIBLE tn_void__close(tn_dataflow *p, tn_ledger *ledger, tn_ledger_entry *entry,
                           tarn_error *err);
/* How rows went, for the summary; checks that none is lost. */
TN_FALLIBLE tn_report__flows(tn_execution *x, tn_flow **out, size_t *count, tarn_error *err);

#endif
