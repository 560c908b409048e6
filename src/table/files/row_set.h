/*
 * row_set.h - the positions of a file's rows that are no longer a table's.
 *
 * Read from the portable form of a 64-bit Roaring bitmap (RoaringFormatSpec: 32-bit bitmaps by the
 * high half of their values).  The bytes are somebody else's: everything is checked once, when they
 * are read.  A set is read-only then, may be asked from many threads, and keeps its bytes as they
 * came.
 */
#ifndef TN_TABLE_FILES_ROW_SET_H
#define TN_TABLE_FILES_ROW_SET_H

#include "base/buffer.h"

typedef struct tn_row_set tn_row_set;

/* `bytes` becomes the set's on success. */
TN_FALLIBLE tn_row_set_read(tn_buffer *bytes, tn_pool *pool, tn_row_set **out, tarn_error *err);
void tn_row_set_destroy(tn_row_set *set); /* NULL is allowed */

uint64_t tn_row_set_count(const tn_row_set *set);
/* One above the greatest row; 0 where there is none. */
uint64_t tn_row_set_end(const tn_row_set *set);

/* Writes the positions 0 <= i < count for which row `from + i` is not in the set, and returns how
 * many they are.  `count` is at most 65,536. */
uint32_t tn_row_set_others(const tn_row_set *set, uint64_t from, uint32_t count, uint16_t *out);

#endif
