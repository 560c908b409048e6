/* cells_internal.h - a parser's state, and its columns of cells. */
#ifndef TN_FORMAT_CSV_CELLS_INTERNAL_H
#define TN_FORMAT_CSV_CELLS_INTERNAL_H

#include "format/csv/csv_internal.h"

/* One wanted column. */
typedef struct tn__csv_cells {
    const tn_type *type;
    uint32_t field;   /* of the file */
    uint32_t same_as; /* an earlier column that reads the same field, or itself */
    uint32_t rows_max;
    void *values;
    size_t values_size;
    int64_t *wide; /* where the lane is narrower than what the kernel writes */
    uint64_t *validity, *odd;
    bool has_nulls;
    bool is_quoted; /* some field of an earlier batch was */
} tn__csv_cells;

typedef struct tn__csv_places {
    uint32_t ordinals[TN_BATCH_ROWS], starts[TN_BATCH_ROWS];
} tn__csv_places;

typedef struct tn__csv_parser {
    tn__text_parser base;
    const tn__csv_source *source;
    const tn_csv_kernels *kernels;
    uint32_t width; /* of the file */
    uint32_t field_count, rows_max;
    tn__csv_cells *cells;
    tn_column *columns;
    tn__csv_places *places;
    /* The index: offsets of all ends, or begin and end of each field of the good rows. */
    uint32_t *ends_memory, *ends;
    size_t ends_size; /* bytes */
    uint32_t *pairs, *records;
    size_t pairs_capacity, records_capacity;
    size_t newlines_all;
    /* The table in use: field c of row r ends at table[r * stride + first + c * step]. */
    const uint32_t *table;
    size_t stride, first, step, rows;
    bool has_ordinals, has_quotes, trim_return, check_utf8;
    size_t row;         /* the first of the batch */
    tn_arena unescaped; /* fields of the batch */
} tn__csv_parser;

/* Room for `rows`, a multiple of 64. */
TN_FALLIBLE tn__csv_cells_init(tn__csv_cells *cells, const tn_type *type, uint32_t field,
                               uint32_t rows, tn_pool *pool, tarn_error *err);
void tn__csv_cells_deinit(tn__csv_cells *cells, tn_pool *pool);
/* Some rows of one field as a column; what is no value of its type goes to the parser's bad list.
 */
TN_FALLIBLE tn__csv_cells_read(tn__csv_parser *p, tn__csv_cells *cells, const tn_csv_fields *fields,
                               tn_column *out, tarn_error *err);
TN_FALLIBLE tn__csv_add_bad_cell(tn__csv_parser *p, uint32_t row, uint32_t column, tn_str field,
                                 const tn_type *type, tn_reason why, tarn_error *err);

#endif
