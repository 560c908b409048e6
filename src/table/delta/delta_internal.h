/* delta_internal.h - a table's state from inside: shared by the files of delta/. */
#ifndef TN_TABLE_DELTA_INTERNAL_H
#define TN_TABLE_DELTA_INTERNAL_H

#include "base/json.h"
#include "base/vec.h"
#include "table/delta/delta.h"
#include "table/files/files.h"

enum { TN_DELTA_ENTRY_MAX = 1 << 30 }; /* bytes of one log entry */

/* A file as the replay knows it: the newest word on a (path, vector). */
typedef struct tn_delta_entry {
    tn_delta_file file;
    uint64_t hash;
    bool is_live; /* added; else removed, and kept until its tombstone expires */
    int64_t deleted_ms;
    bool data_change;
    uint64_t text;         /* of tn_delta.texts: which one said so; 0: a checkpoint's Parquet */
    uint32_t partitioning; /* of tn_delta.partitionings: whose values file.partitions has */
} tn_delta_entry;

typedef struct tn_delta_txn_entry {
    tn_str application;
    int64_t version, updated_ms;
} tn_delta_txn_entry;

/* What a feature or an application keeps with the table (domainMetadata). */
typedef struct tn_delta_domain {
    tn_str name, configuration;
} tn_delta_domain;

struct tn_delta {
    tn_pool *pool;
    tn_arena arena;
    tn_stores *stores;
    tn_types *types;
    tn_store *store;
    tn_str root; /* key of the table's folder, with a slash at its end */
    tn_delta_about about;
    tn_str schema_json;
    const bool *has_default;       /* one a column */
    const bool *bars_nulls_within; /* one a column: of its elements, or of its map's values */
    const tn_str *physical_names;  /* with column mapping; else NULL */
    const int32_t *field_ids;      /* with column mapping by id; else NULL */
    const tn_type *const *physical_types; /* likewise: nested fields by their names in files */
    bool has_protocol, has_metadata;
    const tn_str *partition_names;  /* as files have them */
    uint32_t partitionings;         /* how often other columns became those of partitions */
    uint64_t texts;                 /* log entries and JSON checkpoints that were applied */
    TN_VEC(tn_delta_entry) entries; /* live and removed */
    uint32_t *buckets;              /* indexes + 1 into entries, by hash */
    size_t bucket_count;
    TN_VEC(tn_delta_txn_entry) txns;
    TN_VEC(tn_delta_domain) domains;
};

/* ---- path.c ---- */
/* %41 -> A, once; the text is copied to the arena. */
TN_FALLIBLE tn_delta__decode(tn_arena *arena, tn_str path, tn_str *out, tarn_error *err);
/* For a path in the log: every byte that is not safe in a URI becomes %XX. */
void tn_delta__encode(tn_str path, tn_text *out);
/* Hive's escapes of a partition directory: "k=v" with %XX for what a file name may not hold. */
void tn_delta__put_partition(tn_str name, tn_str value, bool is_null, tn_text *out);
/* One name for the forms of one path: relative to the table where it lies in it. */
TN_FALLIBLE tn_delta__canonical(const tn_delta *table, tn_arena *arena, tn_str path, tn_str *out,
                                tarn_error *err);
/* Both forms of a path of the log's.  Who removes a file, or tells of it in a checkpoint, spells it
 * as it was: other readers compare spellings. */
TN_FALLIBLE tn_delta__name_file(tn_delta *table, tn_str path, tn_delta_file *file, tarn_error *err);
/* The store and key of a path of the log's in that form. */
TN_FALLIBLE tn_delta__resolve_path(const tn_delta *table, tn_str path, tn_arena *arena,
                                   tn_store **store, tn_str *key, tarn_error *err);

/* ---- schema.c ---- */
/* The schema string of metaData: types, nullability, physical names. */
TN_FALLIBLE tn_delta__parse_schema(tn_delta *table, tarn_error *err);
TN_FALLIBLE tn_delta__put_schema(const tn_schema *schema, tn_text *out, tarn_error *err);
/* Has the column a default that writers must fill in (feature allowColumnDefaults)? */
bool tn_delta__has_default(const tn_delta *table, uint32_t field);
/* Says the schema that its lists or maps hold no NULL?  Types do not, so nobody would check it. */
bool tn_delta__bars_nulls_within(const tn_delta *table, uint32_t field);
/* The type that a Delta table keeps for one of ours; refused by name where there is none. */
TN_FALLIBLE tn_delta__stored_type(tn_types *types, tn_str column, const tn_type *type,
                                  const tn_type **out, tarn_error *err);
bool tn_delta__has_ntz(const tn_type *type);

/* ---- protocol.c ---- */
TN_FALLIBLE tn_delta__check_read(const tn_delta *table, tarn_error *err);
TN_FALLIBLE tn_delta__check_write(const tn_delta *table, bool removes, tarn_error *err);
tn_str tn_delta__property(const tn_delta *table, const char *name);

/* ---- property.c ---- */
/* Can a table be made with it?  Features that the protocol will not have, unknown names with the
 * prefix "delta." and values of the wrong kind are refused by name. */
/* A property's duration; the longest where it is none that can be read. */
int64_t tn_delta__duration(const tn_delta *table, const char *name, int64_t otherwise_ms);
TN_FALLIBLE tn_delta__check_property(const tn_delta_property *given, tarn_error *err);

/* ---- replay.c ---- */
/* One action of a log entry, as JSON: {"add":{...}}. */
TN_FALLIBLE tn_delta__apply(tn_delta *table, const tn_json *action, bool removes, tarn_error *err);
typedef struct tn_delta_action {
    const tn_json *json;
    size_t at; /* where it begins in the entry's text */
} tn_delta_action;
/* The actions of a log entry's text, which must live as long as they. */
TN_FALLIBLE tn_delta__parse_actions(tn_arena *arena, tn_str text, const tn_delta_action **out,
                                    size_t *count, tn_pool *pool, tarn_error *err);
/* Numbers that no file, and no time, can have are damage. */
TN_FALLIBLE tn_delta__check_file(const char *action, const tn_delta_entry *entry, tarn_error *err);
/* As if nothing had been applied; what was copied stays in the arena. */
void tn_delta__forget(tn_delta *table);
/* A whole log entry: removes first, since the order within a commit means nothing.  One without an
 * action, or that both adds and removes a file, is damage. */
TN_FALLIBLE tn_delta__apply_entry(tn_delta *table, tn_str text, tarn_error *err);
TN_FALLIBLE tn_delta__put_file(tn_delta *table, const tn_delta_entry *entry, tarn_error *err);
TN_FALLIBLE tn_delta__set_txn(tn_delta *table, const tn_delta_txn_entry *txn, tarn_error *err);
TN_FALLIBLE tn_delta__set_domain(tn_delta *table, tn_str name, tn_str configuration, bool removed,
                                 tarn_error *err);
TN_FALLIBLE tn_delta__set_metadata(tn_delta *table, const tn_json *metadata, tarn_error *err);
TN_FALLIBLE tn_delta__set_protocol(tn_delta *table, const tn_json *protocol, tarn_error *err);

/* ---- vector.c ---- */
/* Copies a descriptor to the table, for a file and its identity. */
TN_FALLIBLE tn_delta__set_vector(tn_delta *table, const tn_delta_vector *vector,
                                 tn_delta_file *file, tarn_error *err);
/* What tn_delta__load_vector needs; in the arena, and independent of the table. */
TN_FALLIBLE tn_delta__locate_vector(const tn_delta *table, const tn_delta_file *file,
                                    tn_arena *arena, const void **out, tarn_error *err);
tn_deletion_loader tn_delta__load_vector;

/* ---- checkpoint_read.c ---- */
/* Applies the actions of a Parquet checkpoint part or sidecar; sidecars' paths are appended. */
typedef TN_VEC(tn_str) tn_str_list;
TN_FALLIBLE tn_delta__read_checkpoint(tn_delta *table, tn_str key, tn_str_list *sidecars,
                                      tarn_error *err);

/* ---- log.c ---- */
TN_FALLIBLE tn_delta__log_key(const tn_delta *table, int64_t version, tn_arena *arena, tn_str *out,
                              tarn_error *err);
TN_FALLIBLE tn_delta__resolve(tn_delta *table, tn_str uri, tarn_error *err);
TN_FALLIBLE tn_delta__load(tn_delta *table, const tn_delta_at *at, tarn_error *err);
/* Reads the log entries after the snapshot's version and applies them; `each` (or NULL) sees every
 * entry first. */
typedef tarn_code tn_delta_entry_visitor(void *context, int64_t version, tn_str text,
                                         tarn_error *err);
TN_FALLIBLE tn_delta__catch_up(tn_delta *table, tn_delta_entry_visitor *each, void *context,
                               tarn_error *err);
TN_FALLIBLE tn_delta__finish(tn_delta *table, tarn_error *err); /* after loading */

/* ---- statistics.c ---- */
TN_FALLIBLE tn_delta__parse_statistics(const tn_delta *table, const tn_delta_file *file,
                                       tn_arena *arena, tn_column_statistics **columns,
                                       uint64_t *rows, tarn_error *err);
/* {"numRecords":..,"minValues":..} of a written file; `fields` names the file's columns. */
TN_FALLIBLE tn_delta__put_statistics(const tn_file_receipt *receipt, const tn_field *fields,
                                     tn_text *out, tarn_error *err);

#endif
