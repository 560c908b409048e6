/*
 * column.h - columns and batches: how rows travel (decisions 3 and 4).
 *
 * A batch is *lent*: valid until its producer, or any step above it, is called again.  A producer
 * owns its scratch and reuses it.  Who keeps rows copies them (tn_chunk, the row store) or retains
 * the column's owners, where there are any.
 *
 * Every consumer must accept every encoding, any narrower lane of the same signedness or, for
 * unsigned values, any that holds them (tn_column_lane_fits), absent validity, and a selection.
 * column/flatten.h brings any of it to flat, dense columns of the declared lane.
 */
#ifndef TN_COLUMN_COLUMN_H
#define TN_COLUMN_COLUMN_H

#include "base/bitmap.h"
#include "base/buffer.h"
#include "column/type.h"

enum {
    TN_BATCH_ROWS = 2048,
    TN_BATCH_BYTES = 1 << 20, /* of fixed-width values, about; but 64 rows whatever their width */
    TN_BATCH_HEAP = 4 << 20,  /* a batch ends with the row by which its heap passes this */
    TN_BLOCK_PADDING = 64     /* readable and writable bytes before and behind a block of text */
};

/* Rows a batch of rows of so many bytes, texts aside: a multiple of 64. */
static inline uint32_t tn_batch_rows(size_t row_bytes)
{
    const size_t rows = row_bytes == 0 ? TN_BATCH_ROWS : TN_BATCH_BYTES / row_bytes;
    return rows >= TN_BATCH_ROWS ? TN_BATCH_ROWS : rows < 64 ? 64 : (uint32_t)rows & ~63U;
}

typedef enum tn_encoding {
    TN_FLAT,       /* values[row] */
    TN_CONSTANT,   /* values[0] for every row; null where validity has bit 0 clear */
    TN_DICTIONARY, /* dictionary->values[code[row]]; nulls by `validity` of this column, and of the
                      dictionary's entries where that has a validity */
    TN_SEQUENCE    /* tn_sequence: first + step * row; no nulls; integer lanes */
} tn_encoding;

typedef struct tn_sequence {
    int64_t first, step;
} tn_sequence;

/* Buffers that keep everything a column reaches alive. */
typedef struct tn_owners {
    _Atomic size_t refs;
    tn_pool *pool;
    uint32_t count, capacity;
    tn_buffer *items[];
} tn_owners;

/*
 * Rows on which an expression failed (decision 5): a value until a row that survives needs it.
 * One entry for each kernel that failed; `describe` writes the error for a row as tn_fail would.
 */
typedef struct tn_faults {
    const uint64_t *mask; /* one bit a row of the batch */
    tarn_code (*describe)(const struct tn_faults *faults, uint32_t row, tarn_error *err);
    const void *context[3];
    uint32_t span_start, span_length; /* in the statement */
    const struct tn_faults *next;     /* of the same column; NULL at the end */
} tn_faults;

typedef struct tn_column {
    const tn_type *type;
    uint8_t lane;      /* tn_lane of the values (of the dictionary's values for TN_DICTIONARY) */
    uint8_t encoding;  /* tn_encoding */
    uint8_t code_lane; /* of a dictionary: TN_LANE_u8, _u16 or _u32 */
    uint8_t in_heap_order; /* views: far rows lie back to back in one heap, row after row */
    uint32_t rows;
    const void *values;               /* lane values; bits for bool; codes for a dictionary */
    const uint64_t *validity;         /* bit set = not null; NULL: no nulls */
    const tn_faults *faults;          /* NULL: none */
    tn_owners *owners;                /* NULL: lent */
    const struct tn_column *children; /* TN_DICTIONARY: the dictionary; list: the elements; map: key
                                         and value; struct: one a field, with as many rows */
    uint64_t dictionary_id;           /* never reused in a process: equal ids, equal dictionaries */
} tn_column;

/* Where a batch stands in its source's order (decision 7). */
typedef struct tn_tag {
    uint64_t morsel;
    uint32_t part;
    bool last; /* closes the morsel; such a batch travels even when empty */
} tn_tag;

typedef struct tn_batch {
    const tn_column *columns;
    const uint16_t *selection; /* ascending positions; NULL: all rows */
    uint32_t width, rows, selected;
    tn_tag tag;
} tn_batch;

/* Row `i` of the selection, as a position. */
static inline uint32_t tn_batch_row(const tn_batch *batch, uint32_t i)
{
    return batch->selection == NULL ? i : batch->selection[i];
}

uint64_t tn_dictionary_next_id(void);

static inline const char *tn_view_data(const tn_view *view)
{
    return view->size <= TN_VIEW_INLINE ? (const char *)view + 4 : view->data;
}
static inline tn_str tn_view_str(const tn_view *view)
{
    return (tn_str){tn_view_data(view), view->size};
}
static inline tn_view tn_view_of(const char *data, size_t size)
{
    tn_view view = {.size = (uint32_t)size, .prefix = {0}, .rest = {0}};
    if (size > TN_VIEW_INLINE) {
        memcpy(view.prefix, data, 4);
        view.data = data;
    } else if (size > 0) {
        memcpy((char *)&view + 4, data, size);
    }
    return view;
}
static inline bool tn_view_equal(const tn_view *a, const tn_view *b)
{
    uint64_t a_head;
    uint64_t b_head;
    memcpy(&a_head, a, 8);
    memcpy(&b_head, b, 8);
    if (a_head != b_head) {
        return false; /* sizes or first four bytes differ */
    }
    return a->size <= TN_VIEW_INLINE ? memcmp(a->rest, b->rest, 8) == 0
                                     : memcmp(a->data, b->data, a->size) == 0;
}
int tn_view_compare(const tn_view *a, const tn_view *b); /* by bytes */

/* May a column of `type` come in `lane`? */
bool tn_lane_fits(const tn_type *type, tn_lane lane);

/* Null-ness and position for slow paths (printing, tests): sees through encodings.  `*row` becomes
 * the row of the returned flat column; NULL means the value is null. */
const tn_column *tn_column_locate(const tn_column *column, uint32_t *row);
bool tn_column_is_null(const tn_column *column, uint32_t row);

/* The code of a dictionary column's row. */
static inline uint32_t tn_column_code(const tn_column *column, uint32_t row)
{
    return column->code_lane == TN_LANE_u8    ? ((const uint8_t *)column->values)[row]
           : column->code_lane == TN_LANE_u16 ? ((const uint16_t *)column->values)[row]
                                              : ((const uint32_t *)column->values)[row];
}

void tn_owners_retain(tn_owners *owners);
void tn_owners_release(tn_owners *owners); /* NULL is allowed */

/*
 * The first row of the selection on which a column faults raises its error, with the span set;
 * TARN_OK where none does.  Asked where a row reaches an output, aggregate, key or sink.
 */
TN_FALLIBLE tn_column_raise(const tn_column *column, const tn_batch *batch, tarn_error *err);

#endif
