/*
 * quarantine.h - where rows go that a run does not take: counted, and kept with their reason.
 *
 * A collector serves all reject edges and expectations of a run, from any thread.  Its rows become
 * the quarantine table's when the run's plan has ended; until then they are in its spool.
 */
#ifndef TN_PIPELINE_QUARANTINE_H
#define TN_PIPELINE_QUARANTINE_H

#include "pipeline/bind_internal.h"
#include "pipeline/spool.h"

#include <pthread.h>

typedef struct tn_collector tn_collector;

/* Bad records of one source. */
typedef struct tn_source_edge {
    tn_reject_edge base; /* first */
    tn_collector *collector;
    const tn_station *station;
    _Atomic uint64_t quarantined, dropped;
} tn_source_edge;

/* Rows that break a rule of a station, or that an expectation's query returns. */
typedef struct tn_rule_sink {
    tn_sink sink; /* first */
    tn_collector *collector;
    const tn_station *station;     /* NULL: of a query */
    const tn_expect *const *rules; /* or the query's one */
    uint32_t rule_count;
    uint64_t *broken;              /* one a rule; under the collector's lock */
    uint64_t quarantined, dropped; /* rows */
    tarn_error first;              /* of a rule whose action is "fail": its first row by place */
    int64_t first_row;
} tn_rule_sink;

struct tn_collector {
    pthread_mutex_t lock;
    tn_dataflow *p;
    tn_arena *arena;
    int64_t run;
    tn_chunk_builder *builder;
    tn_spool spool;
    uint64_t rows;
    tn_schema schema;
    tn_text text;  /* scratch */
    tn_text first; /* the row that stands first by file and line, as "'a.csv', line 2: why" */
    int64_t first_line;
    size_t first_file; /* bytes of its name in `first`, behind the quote */
};

TN_FALLIBLE tn_collector_init(tn_collector *collector, tn_dataflow *p, tn_arena *arena, int64_t run,
                              tarn_error *err);
void tn_collector_deinit(tn_collector *collector);
void tn_source_edge_init(tn_source_edge *edge, tn_collector *collector, const tn_station *station);
TN_FALLIBLE tn_rule_sink_init(tn_rule_sink *sink, tn_collector *collector,
                              const tn_station *station, const tn_expect *const *rules,
                              uint32_t rule_count, const tn_plan *plan, tarn_error *err);
/* What was gathered, as a source. */
TN_FALLIBLE tn_collector_source(tn_collector *collector, tn_source **out, tarn_error *err);
/* The quarantine table's columns. */
TN_FALLIBLE tn_quarantine_schema(tn_arena *arena, tn_schema *out, tarn_error *err);

/* A source that keeps what its scans counted, in *counters once they are closed. */
TN_FALLIBLE tn_counted_create(tn_pool *pool, tn_source *inner, tn_scan_counters *counters,
                              tn_source **out, tarn_error *err);

#endif
