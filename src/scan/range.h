/* range.h - numbers in sequence as a source: range() and generate_series(). */
#ifndef TN_SCAN_RANGE_H
#define TN_SCAN_RANGE_H

#include "scan/source.h"

/* One BIGINT column: first, first + step ... `count` of them. */
TN_FALLIBLE tn_range_source_create(tn_pool *pool, tn_str column, int64_t first, int64_t step,
                                   uint64_t count, tn_source **out, tarn_error *err);

#endif
