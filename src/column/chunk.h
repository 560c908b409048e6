/*
 * chunk.h - rows kept: flat, dense columns that own their memory.
 *
 * What in-memory tables, VALUES lists, results and the Arrow door are made of.  A chunk is
 * immutable and shared by reference count; its columns have owners, so a scan of it lends them
 * without a copy. A builder copies the selected rows of lent batches (any encoding, any lane) and
 * hands out chunks.
 */
#ifndef TN_COLUMN_CHUNK_H
#define TN_COLUMN_CHUNK_H

#include "column/column.h"
#include "column/value.h"

typedef struct tn_chunk {
    _Atomic size_t refs;
    tn_pool *pool;
    uint32_t width, rows;
    tn_column *columns; /* flat, in the declared lane, no faults, with owners */
    tn_owners *owners;
    size_t size; /* of this struct with its columns */
} tn_chunk;

tn_chunk *tn_chunk_retain(tn_chunk *chunk);
void tn_chunk_release(tn_chunk *chunk); /* NULL is allowed */

/* Of a chunk that is as large as chunks get: 31 batches, since values of 8 bytes then fit 512 KiB
 * with what memory costs beside them.  A power of two of rows would take a span twice as large. */
enum { TN_CHUNK_ROWS = 31 * TN_BATCH_ROWS };

typedef struct tn_chunk_builder tn_chunk_builder;

/* `rows_max` rows a chunk (about 64 k is Arrow's usual); types must outlive the builder. */
TN_FALLIBLE tn_chunk_builder_create(tn_pool *pool, const tn_type *const *types, uint32_t width,
                                    uint32_t rows_max, tn_chunk_builder **out, tarn_error *err);
void tn_chunk_builder_destroy(tn_chunk_builder *builder); /* NULL is allowed */
uint32_t tn_chunk_builder_rows(const tn_chunk_builder *builder);
size_t tn_chunk_builder_bytes(const tn_chunk_builder *builder); /* of heap and values */

/*
 * Copies rows `*next` and on of the batch's selection until the chunk is full (rows, or 2 GiB of
 * heap) and moves `*next`; the caller takes the chunk and goes on.  Faulting rows raise.
 */
TN_FALLIBLE tn_chunk_builder_append(tn_chunk_builder *builder, const tn_batch *batch,
                                    uint32_t *next, tarn_error *err);
/* One value at the end of one column; every column must get one for each row. */
TN_FALLIBLE tn_chunk_builder_put(tn_chunk_builder *builder, uint32_t column, const tn_value *value,
                                 tarn_error *err);
/* What was gathered (perhaps no rows); the builder is empty again. */
TN_FALLIBLE tn_chunk_builder_finish(tn_chunk_builder *builder, tn_chunk **out, tarn_error *err);

/*
 * A batch of at most TN_BATCH_ROWS rows of the chunk from row `from`; `columns` has room for
 * tn_chunk_room() of its types: the width, and the fields of structs, which begin at the same row.
 * No copy: bitmaps that do not begin at a word are handled by cutting at multiples of 64, so `from`
 * must be one.
 */
uint32_t tn_chunk_room(const tn_type *const *types, uint32_t width);
uint32_t tn_chunk_room_of(const tn_schema *schema);
void tn_chunk_batch(const tn_chunk *chunk, uint32_t from, uint32_t rows, tn_column *columns,
                    tn_batch *out);

#endif
