/* source_internal.h - an opened file, and what its scans and its description share. */
#ifndef TN_FORMAT_PARQUET_SOURCE_INTERNAL_H
#define TN_FORMAT_PARQUET_SOURCE_INTERNAL_H

#include "format/parquet/format_internal.h"
#include "format/parquet/parquet.h"

typedef struct tn_parquet_source {
    tn_source base;
    tn_pool *pool;
    tn_object *object;
    uint64_t file_size;
    tn_buffer *tail; /* holds the footer's bytes */
    tn_arena arena;
    tn_footer footer;
} tn_parquet_source;

/* Where a page lies. */
typedef struct tn_page_place {
    uint64_t offset, size, first_row;
} tn_page_place;

typedef struct tn_page_index {
    size_t count;
    tn_page_place *places;
    tn_chunk_statistics *bounds; /* NULL: unknown */
    uint8_t *only_nulls;
} tn_page_index;

/* Reads both indexes of a chunk of `rows` rows; bounds point into the bytes.  Without an offset
 * index the count is 0. */
TN_FALLIBLE tn_page_index__read(const uint8_t *offsets, size_t offsets_size, const uint8_t *bounds,
                                size_t bounds_size, uint64_t rows, tn_arena *arena,
                                tn_page_index *out, tarn_error *err);

/* Statistics of one chunk, or one page, in the terms of pruning.  Strings point into the bytes. */
void tn_bounds__read(const tn_footer *footer, uint32_t leaf, const tn_chunk_statistics *statistics,
                     tn_column_statistics *out);
/* The leaf of a top-level column that is one; UINT32_MAX for nested columns. */
static inline uint32_t tn_footer__flat_leaf(const tn_footer *footer, uint32_t column)
{
    const tn_node *const node = &footer->columns[column];
    return node->kind == TN_NODE_LEAF ? node->leaf : UINT32_MAX;
}
/* Do the bounds of a row group refute the conjunct?  Chunks that cannot be read refute nothing. */
bool tn_group__excluded(const tn_parquet_source *source, uint32_t group,
                        const tn_conjunct *conjunct);

TN_FALLIBLE tn_parquet__statistics(tn_source *source, const tn_conjunct *conjuncts, uint32_t count,
                                   tn_arena *arena, tn_statistics *out, tarn_error *err);
void tn_parquet__hint(tarn_code code, tarn_error *err); /* what to do about a damaged file */
TN_FALLIBLE tn_parquet__scan(tn_source *source, const tn_scan_request *request, tn_pool *pool,
                             tn_scan **out, tarn_error *err);

#endif
