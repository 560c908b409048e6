/* model_internal.h - reading keys of the TOML file: shared by model.c and model_tables.c. */
#ifndef TN_DATAFLOW_MODEL_INTERNAL_H
#define TN_DATAFLOW_MODEL_INTERNAL_H

#include "pipeline/pipeline_internal.h"

#define TN_KEY_TEXT    (1U << TN_TOML_STRING)
#define TN_KEY_LIST    (1U << TN_TOML_ARRAY)
#define TN_KEY_TABLE   (1U << TN_TOML_TABLE)
#define TN_KEY_NUMBER  (1U << TN_TOML_INTEGER | 1U << TN_TOML_FLOAT)
#define TN_KEY_BOOLEAN (1U << TN_TOML_BOOLEAN)
#define TN_KEY_INTEGER (1U << TN_TOML_INTEGER)

typedef struct tn_key {
    const char *name;
    unsigned kinds;    /* that its value may have; 0: the key is for later */
    const char *later; /* what to do instead, of such a key */
} tn_key;

/* Notes unknown keys, those that are for later, and values of a wrong kind. `where` is "a source",
 * "[pipeline]"... */
TN_FALLIBLE tn_model__check_keys(tn_dataflow *p, const tn_toml *table, const tn_key *keys,
                                 size_t count, const char *where, tarn_error *err);
/* A member of one of the kinds, or NULL. */
const tn_toml *tn_model__get(const tn_toml *table, const char *name, unsigned kinds);
/* A member that must be there: `*out` NULL and a fault where it is missing. */
TN_FALLIBLE tn_model__need(tn_dataflow *p, const tn_toml *table, const char *name, unsigned kinds,
                           const char *where, const tn_toml **out, tarn_error *err);
/* ${NAME} and ${NAME:-default}; `*good` false after a fault. */
TN_FALLIBLE tn_model__expand(tn_dataflow *p, const tn_toml *text, tn_str *out, bool *good,
                             tarn_error *err);
/* The same, and made absolute: relative to the file's folder. */
TN_FALLIBLE tn_model__uri(tn_dataflow *p, const tn_toml *text, tn_str *out, bool *good,
                          tarn_error *err);
/* One of `names`; -1 and a fault where it is none. */
TN_FALLIBLE tn_model__choose(tn_dataflow *p, const tn_toml *table, const char *key,
                             const char *const *names, int count, int otherwise, int *out,
                             tarn_error *err);

TN_FALLIBLE tn_model__read_source(tn_dataflow *p, const tn_toml *table, tarn_error *err);
TN_FALLIBLE tn_model__read_step(tn_dataflow *p, const tn_toml *table, tarn_error *err);
TN_FALLIBLE tn_model__read_expect(tn_dataflow *p, const tn_toml *table, tarn_error *err);
TN_FALLIBLE tn_model__read_sink(tn_dataflow *p, const tn_toml *table, tarn_error *err);
TN_FALLIBLE tn_model__read_quarantine(tn_dataflow *p, const tn_toml *table, tarn_error *err);

#endif
