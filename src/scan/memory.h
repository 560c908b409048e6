/*
 * memory.h - rows in memory as a source: tables made by CREATE TABLE, VALUES, results read again.
 *
 * A list of chunks is immutable; a scan lends their columns without a copy.  Morsels are runs of
 * rows cut by the chunks alone.
 */
#ifndef TN_SCAN_MEMORY_H
#define TN_SCAN_MEMORY_H

#include "column/chunk.h"
#include "scan/source.h"

/* Retains the chunks; copies names and schema. */
TN_FALLIBLE tn_memory_source_create(tn_pool *pool, tn_str name, const tn_schema *schema,
                                    tn_chunk *const *chunks, size_t count, tn_source **out,
                                    tarn_error *err);

#endif
