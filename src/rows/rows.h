/*
 * rows.h - the row store (decision 8): what every operator that blocks keeps its rows in.
 *
 * A row is a fixed part: the owner's header, the fields by falling size, a bit per field that is
 * set where it is null.  Strings of more than 12 bytes lie in the heap of the same page, which
 * grows from its end, and a row's views point there.  A nested value is one such string
 * (rows/nested.h).
 *
 * Rows are added through a tn_row_writer, which brings any columns to flat, dense ones of the
 * declared lanes, and read through a tn_row_reader.  A tn_rows is a list of pages; partitions are
 * arrays of them.  Pages that are full, or sealed, are evictable unless `keep` is set.
 *
 * One task at a time for each object; finished tn_rows may be read by many (their pages' pins are
 * the spill's business).
 */
#ifndef TN_ROWS_ROWS_H
#define TN_ROWS_ROWS_H

#include "column/flatten.h"
#include "rows/spill.h"

typedef struct tn_row_field {
    const tn_type *type;
    uint8_t lane; /* the declared one; view for nested types */
    bool is_nested;
    uint16_t size;
    uint32_t offset;
} tn_row_field;

typedef struct tn_row_layout {
    tn_pool *pool;
    uint32_t count, header_size, nulls, row_size, view_count;
    uint32_t batch_rows; /* of a batch read from rows: TN_BATCH_BYTES of them, but 64 at least */
    bool has_nested;
    tn_row_field *fields;
    uint32_t *views; /* fields of lane view */
} tn_row_layout;

/* `header_size` bytes at the head of each row are the owner's: a multiple of 8. */
TN_FALLIBLE tn_row_layout_create(tn_pool *pool, const tn_type *const *types, uint32_t count,
                                 uint32_t header_size, tn_row_layout **out, tarn_error *err);
void tn_row_layout_destroy(tn_row_layout *layout); /* NULL is allowed */

static inline bool tn_row_is_null(const tn_row_layout *layout, const uint8_t *row, uint32_t field)
{
    return (row[layout->nulls + field / 8] >> (field % 8)) & 1;
}

/* Rows are short mostly: a call would cost more than the copy, and a compiler that sees the loop as
 * one makes a call of it.  `size` is a multiple of 8. */
static inline void tn_row_copy(uint8_t *restrict to, const uint8_t *restrict from, size_t size)
{
    if (size > 128) {
        memcpy(to, from, size);
        return;
    }
    size_t at = 0;
    for (; at + 32 <= size; at += 32) {
        memcpy(to + at, from + at, 32);
        __asm__ volatile("" ::: "memory");
    }
    for (; at < size; at += 8) {
        memcpy(to + at, from + at, 8);
        __asm__ volatile("" ::: "memory");
    }
}

/* ---- lists of pages ---- */

typedef struct tn_rows {
    const tn_row_layout *layout;
    tn_pool *pool;
    tn_spill *spill; /* NULL: nothing is evicted */
    tn_page *first, *last;
    tn_page *held; /* from here on pages stay pinned: some of their rows are still being written */
    uint8_t *next_row, *heap; /* of the open page; NULL: none is open */
    uint64_t count;
    size_t bytes;    /* of all pages */
    size_t page_max; /* 0: 256 KiB; what an open page may hold pinned */
    bool keep;       /* full pages stay pinned */
} tn_rows;

void tn_rows_init(tn_rows *rows, const tn_row_layout *layout, tn_pool *pool, tn_spill *spill);
void tn_rows_clear(tn_rows *rows); /* frees all pages; may be used again */
/* Notes in the open page what it holds, for those who walk the pages themselves. */
void tn_rows_note(tn_rows *rows);
/* Closes the open page; from here on nothing is pinned. */
void tn_rows_seal(tn_rows *rows);
TN_FALLIBLE tn_rows_pin(tn_rows *rows, tarn_error *err); /* all of it, after tn_rows_seal() */
void tn_rows_append(tn_rows *into, tn_rows *from);       /* moves the pages; seals both */

/* Moves whole pages from the front of one sealed list to the end of another, until `bytes`. */
void tn_rows_move(tn_rows *into, tn_rows *from, size_t bytes);

/* The rows whose slots were taken are written: pages that filled up meanwhile may be evicted. */
void tn_rows_settle(tn_rows *rows);

/* One row with `heap` bytes of heap, its bytes undefined.  Its page stays pinned until
 * tn_rows_settle(), or until the rows are sealed, which is for when it is written. */
TN_FALLIBLE tn_rows_slot_slow(tn_rows *rows, size_t heap, uint8_t **row, tarn_error *err);
static inline TN_FALLIBLE tn_rows_slot(tn_rows *rows, size_t heap, uint8_t **row, tarn_error *err)
{
    const size_t size = rows->layout->row_size;
    if (rows->next_row == NULL || (size_t)(rows->heap - rows->next_row) < size + heap) {
        return tn_rows_slot_slow(rows, heap, row, err);
    }
    *row = rows->next_row;
    rows->next_row += size;
    rows->heap -= heap;
    rows->count++;
    return TARN_OK;
}

typedef struct tn_rows_cursor {
    tn_rows *rows;
    tn_page *page;
    uint32_t row;
    bool consume; /* frees each page once it was read */
} tn_rows_cursor;

/* Rows in the order they were added; from one page at a time, which stays pinned until the next
 * call.  count 0 at the end.  tn_rows_cursor_close() on any path. */
TN_FALLIBLE tn_rows_cursor_next(tn_rows_cursor *cursor, uint32_t max, uint8_t **rows,
                                uint32_t *count, tarn_error *err);
void tn_rows_cursor_close(tn_rows_cursor *cursor);

/* ---- columns to rows ---- */

typedef struct tn_row_writer {
    tn_pool *pool;
    const tn_row_layout *layout;
    uint32_t key_count;
    tn_column *columns; /* prepared: flat, dense, declared lanes; nested ones as views */
    tn_scratch *scratch;
    struct tn_nested **nested;
    uint32_t *heaps;   /* bytes of heap each row needs */
    uint8_t **heap_at; /* where each row's next string goes */
    tn_rows **filled;  /* sets of which a page filled up while rows were added */
    uint32_t filled_count;
    bool has_heap;
} tn_row_writer;

/* The first `key_count` fields are keys: equal values get equal bytes there. */
TN_FALLIBLE tn_row_writer_create(tn_pool *pool, const tn_row_layout *layout, uint32_t key_count,
                                 tn_row_writer **out, tarn_error *err);
void tn_row_writer_destroy(tn_row_writer *writer); /* NULL is allowed */
/* Field i is columns[i], at the rows of the selection; at most TN_BATCH_ROWS. */
TN_FALLIBLE tn_row_writer_prepare(tn_row_writer *writer, const tn_column *const *columns,
                                  const uint16_t *selection, uint32_t count, tarn_error *err);
/* Fields `first` and on only; the caller sets the columns before. */
TN_FALLIBLE tn_row_writer_prepare_from(tn_row_writer *writer, uint32_t first,
                                       const tn_column *const *columns, const uint16_t *selection,
                                       uint32_t count, tarn_error *err);
/* The keys only, for those who look rows up. */
TN_FALLIBLE tn_row_writer_prepare_keys(tn_row_writer *writer, const tn_column *const *columns,
                                       const uint16_t *selection, uint32_t count, tarn_error *err);
/* Bytes of heap each prepared row needs: writer->heaps, and has_heap. */
void tn_row_writer_measure(tn_row_writer *writer, uint32_t count);
/*
 * Adds rows `which` (NULL: all) of what was prepared, row i to sets[part[i]] (part NULL: sets[0]),
 * and says where they lie.  They may be written to, and no page of theirs is evicted, until
 * tn_row_writer_settle(), which must follow before the sets go elsewhere.
 */
TN_FALLIBLE tn_row_writer_add(tn_row_writer *writer, tn_rows *sets, const uint8_t *part,
                              const uint16_t *which, uint32_t count, uint8_t **rows,
                              tarn_error *err);
void tn_row_writer_settle(tn_row_writer *writer);
/* The same for rows whose slots were taken with tn_rows_slot(); row i's heap begins at heap_at[i]
 * (NULL where the layout has no views). */
void tn_row_writer_fill(tn_row_writer *writer, const uint16_t *which, uint32_t count,
                        uint8_t *const *rows, uint8_t **heap_at);
/* Which of `count` rows equal prepared rows `which` in the keys: keeps bit-equal ones, answers how
 * many; `equal` gets the positions in `which`/`rows` of equal ones, `other` those of the rest. */
uint32_t tn_row_writer_match(const tn_row_writer *writer, const uint16_t *which, uint32_t count,
                             uint8_t *const *rows, uint16_t *equal, uint16_t *other);

/* Copies whole rows (of the same layout) to other sets, with what their views point to.  They are
 * not to be written to, unless the sets keep their pages. */
TN_FALLIBLE tn_rows_copy(tn_rows *sets, const uint8_t *part, uint8_t *const *from, uint32_t count,
                         uint8_t **rows, tarn_error *err);

/* ---- rows to columns ---- */

typedef struct tn_row_reader {
    tn_pool *pool;
    const tn_row_layout *layout;
    tn_scratch *scratch; /* one a field */
    struct tn_nested **nested;
    uint8_t *null_row; /* all fields are null */
} tn_row_reader;

TN_FALLIBLE tn_row_reader_create(tn_pool *pool, const tn_row_layout *layout, tn_row_reader **out,
                                 tarn_error *err);
void tn_row_reader_destroy(tn_row_reader *reader); /* NULL is allowed */
/*
 * Field `field` of the rows as a flat column of `span` rows: value i at row positions[i] (NULL: i).
 * Lent until the field's next gather.  Strings point into the rows' pages.  Nested fields take no
 * positions.
 */
TN_FALLIBLE tn_row_reader_gather(tn_row_reader *reader, uint32_t field, uint8_t *const *rows,
                                 uint32_t count, const uint16_t *positions, uint32_t span,
                                 tn_column *out, tarn_error *err);

#endif
