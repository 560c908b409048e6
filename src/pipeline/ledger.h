/*
 * ledger.h - what a pipeline knows of its runs: create-only JSON objects below `state`.
 *
 *     STATE/runs/000000000012.json   entry 12, with the run's pins, written before it reads
 *     STATE/done/000000000012.json   how it ended, with the content hashes of its inputs
 *     STATE/packs/FIRST-LAST.jsonl   entries and ends of 16, 256 or 4,096 runs once more
 *     STATE/lock                     (local disk) held by the runner
 *
 * A reset is an entry of its own, so that one sequence orders everything.  Nothing is rewritten.
 */
#ifndef TN_PIPELINE_LEDGER_H
#define TN_PIPELINE_LEDGER_H

#include "pipeline/bind_internal.h"

typedef struct tn_input {
    tn_str source, key; /* the key is relative to the pipeline's folder where its pattern is */
    tn_str uri;
    uint64_t size;
    int64_t modified_us;
    tn_str tag, hash; /* hash: of local files, once the run is done; or empty */
} tn_input;

typedef struct tn_entry_source {
    tn_str id;
    tn_field *columns;
    uint32_t column_count;
    bool has_columns;
    tn_input *inputs;
    size_t input_count;
} tn_entry_source;

typedef struct tn_entry_table {
    tn_str name; /* the sink's `from`, or "" for the quarantine */
    tn_str uri, application;
    tn_field *columns; /* of what the run writes: to make the table where a void run must mark it */
    uint32_t column_count;
    const tn_str *partition_by;
    uint32_t partition_count;
} tn_entry_table;

typedef struct tn_ledger_entry {
    int64_t run;
    bool is_reset;
    tn_str id, document_hash;
    int64_t now_us;
    uint64_t seed;
    tn_str parameters;             /* as JSON, to be written */
    const tn_json *parameter_list; /* as it was read */
    tn_entry_source *sources;
    size_t source_count;
    tn_table_pin *tables;
    size_t table_count;
    tn_entry_table *sinks; /* in the order of their commits */
    size_t sink_count;
    tn_str forget_glob; /* of a reset: keys, or those of run forget_run */
    int64_t forget_run;

    tn_run_state state;
    int64_t ended_us;
    uint64_t rows_in;
    tn_dataflow_table *written;
    size_t written_count;
    tn_flow *flows;
    size_t flow_count;

    tn_str text, end_text; /* as they were read; `data` NULL without an end */
    uint32_t packed;       /* runs of the pack it was read from, or 0 */
} tn_ledger_entry;

/* What was taken and not forgotten. */
typedef struct tn_known {
    const tn_input *input;
    tn_str place; /* of its key */
    int64_t run;
    bool is_forgotten;
    uint32_t next; /* of those whose places share a bucket: index + 1, older ones */
} tn_known;

typedef struct tn_ledger {
    tn_dataflow *p;
    tn_arena arena;
    tn_store *store;
    tn_str root;                       /* key prefix, with a slash at its end */
    TN_VEC(tn_ledger_entry *) entries; /* by number */
    TN_VEC(tn_known) known;
    uint32_t *buckets; /* by place: index + 1 of the newest */
    size_t bucket_count;
    int64_t last; /* the highest number */
} tn_ledger;

TN_FALLIBLE tn_ledger_open(tn_ledger *ledger, tn_dataflow *p, tarn_error *err);
void tn_ledger_close(tn_ledger *ledger);
/* Reads all that is there. */
TN_FALLIBLE tn_ledger_load(tn_ledger *ledger, tarn_error *err);
/* The first without an end, or NULL. */
tn_ledger_entry *tn_ledger_unfinished(const tn_ledger *ledger);
/* Of that size and tag; of a local file whatever number its device has, which another one may get
 * when the machine starts anew. */
bool tn_input_is(const tn_input *input, uint64_t size, tn_str tag, bool is_local);
/* Known by place, size and tag; the newest of that source and place in *same_name, or NULL. */
const tn_known *tn_ledger_find(const tn_ledger *ledger, tn_str source, tn_str place,
                               const tn_listed_file *file, const tn_known **same_name);
/* Taken by a source that the pipeline no longer has; or NULL. */
const tn_known *tn_ledger_taken_before(const tn_ledger *ledger, tn_str place,
                                       const tn_listed_file *file);
/* Was a content of that hash taken under that name, now or earlier?  Of any hash where none is
 * given: is it worth making one? */
bool tn_ledger_has_content(const tn_ledger *ledger, tn_str source, tn_str place, uint64_t size,
                           tn_str hash);
/* Columns of a source as the first run that took a file of it kept them; NULL where none did. */
const tn_entry_source *tn_ledger_columns(const tn_ledger *ledger, tn_str source);

/* Create-only: *mine false where another runner was there first (or wrote the same end). */
TN_FALLIBLE tn_ledger_begin(tn_ledger *ledger, const tn_ledger_entry *entry, bool *mine,
                            tarn_error *err);
TN_FALLIBLE tn_ledger_end(tn_ledger *ledger, const tn_ledger_entry *entry, bool *mine,
                          tarn_error *err);

/* Writes the packs that are due of what was loaded.  They spare later runs requests, and no more:
 * a failure is none. */
void tn_ledger_pack(tn_ledger *ledger);

/* Held until the descriptor is closed: tn_file_close().  -1 where the state is not local. */
TN_FALLIBLE tn_ledger_lock(tn_ledger *ledger, bool no_wait, void (*waiting)(void *context),
                           void *context, int *fd, tarn_error *err);

#endif
