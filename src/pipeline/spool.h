/*
 * spool.h - rows that wait for the end of a run: in memory up to a bound, the rest in a temporary
 * file without a name.
 *
 * Rows come as chunks, in any number, one caller at a time; they are read once, as a source, after
 * the last.
 */
#ifndef TN_PIPELINE_SPOOL_H
#define TN_PIPELINE_SPOOL_H

#include "column/chunk.h"
#include "rows/rows.h"
#include "scan/source.h"

enum { TN_SPOOL_MEMORY = 4 << 20 };

typedef struct tn_spool {
    tn_pool pool; /* of all that follows */
    const tn_schema *schema;
    tn_spill *spill;
    tn_row_layout *layout;
    tn_row_writer *writer;
    tn_rows rows;
    uint8_t **added;
    bool is_open;
} tn_spool;

/* Flat columns only.  The schema outlives the spool.  A spool of zeros may be closed. */
TN_FALLIBLE tn_spool_open(tn_spool *spool, tn_pool *parent, tn_str temp_dir,
                          const tn_schema *schema, tarn_error *err);
void tn_spool_close(tn_spool *spool);
TN_FALLIBLE tn_spool_add(tn_spool *spool, const tn_chunk *chunk, tarn_error *err);
/* Of the spool's rows, which it outlives. */
TN_FALLIBLE tn_spool_source(tn_spool *spool, tn_str name, tn_source **out, tarn_error *err);

#endif
