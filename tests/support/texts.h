/* texts.h - text files in memory, and scans of them as text: for the tests of CSV and JSON. */
#ifndef TN_TESTS_TEXTS_H
#define TN_TESTS_TEXTS_H

#include "format/csv/csv.h"
#include "store/store.h"
#include "support/check.h"

typedef struct texts {
    tn_pool *pool;
    tn_stores *stores;
    tn_store *store;
    tn_types *types;
    tn_arena arena;
    tn_text out;     /* what the last scan gave: a line a row, '|' between values, NULL as ~ */
    tn_text schema;  /* of the source that was opened last: "a BIGINT, b VARCHAR" */
    tn_text rejects; /* "line row column reason raw" */
    tarn_error err;
    uint32_t virtuals;  /* of the scans */
    uint32_t tasks;     /* 0: one */
    uint64_t row_limit; /* 0: none */
    bool with_rejects;
    bool remote;   /* read as from afar: through slots */
    int fail_read; /* counts reads down; the one that comes to 0 fails */
    tn_scan_counters counters;
} texts;

bool texts_start(texts *t, tn_pool *pool);
void texts_stop(texts *t);
bool texts_put(texts *t, const char *key, tn_str bytes);
tn_object *texts_open(texts *t, const char *key); /* NULL: t->err */
void texts_describe(texts *t, const tn_source *source);

/* Reads all of a source (its fields in `fields`, or all) into t->out, in the source's order, by
 * t->tasks tasks that take turns. */
tarn_code texts_scan(texts *t, tn_source *source, const uint32_t *fields, uint32_t count);
/* Puts, opens and reads. */
tarn_code texts_csv(texts *t, tn_str bytes, const tn_csv_options *options);

#endif
