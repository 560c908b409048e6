/*
 * leaf_internal.h - one leaf of one scan task: pages in, lanes out.
 *
 * A reader keeps its scratch from chunk to chunk.  What it hands out is lent until the next
 * tn_leaf__begin(): pages that were left meanwhile are kept until then.
 */
#ifndef TN_FORMAT_PARQUET_LEAF_INTERNAL_H
#define TN_FORMAT_PARQUET_LEAF_INTERNAL_H

#include "base/vec.h"
#include "codec/delta.h"
#include "codec/rle.h"
#include "format/parquet/page_internal.h"

/* How physical values become those of the lane. */
typedef enum tn_conversion {
    TN_CONVERT_COPY,   /* the same bytes */
    TN_CONVERT_BOOL,   /* bits */
    TN_CONVERT_VIEW,   /* byte arrays, fixed or not */
    TN_CONVERT_UUID,   /* 16 bytes to text */
    TN_CONVERT_NARROW, /* 32 bits to 8 or 16 */
    TN_CONVERT_MILLIS_32,
    TN_CONVERT_MILLIS_64,
    TN_CONVERT_NANOS, /* to microseconds, exactly */
    TN_CONVERT_TIME,  /* of microseconds, within the day */
    TN_CONVERT_INT96,
    TN_CONVERT_INT96_NANOS,
    TN_CONVERT_DECIMAL, /* big-endian bytes, fixed or not */
    TN_CONVERT_FLOAT16,
    TN_CONVERT_INTERVAL
} tn_conversion;

typedef enum tn_value_mode {
    TN_MODE_PLAIN,
    TN_MODE_CODES,
    TN_MODE_DELTA,
    TN_MODE_LENGTHS,
    TN_MODE_VIEWS, /* a page whose views are made already */
    TN_MODE_SPLIT,
    TN_MODE_RUNS /* booleans */
} tn_value_mode;

/* Memory that grows and is reused. */
typedef struct tn_room {
    void *data;
    size_t size;
} tn_room;

typedef struct tn_levels {
    bool is_runs; /* else the old bit-packed form */
    tn_rle rle;
    const uint8_t *packed;
    size_t packed_size, packed_at;
    unsigned width;
} tn_levels;

typedef struct tn_leaf_reader {
    tn_pool *pool;
    const tn_leaf *leaf;
    const tn_element *element;
    bool is_flat;
    tn_conversion conversion;
    tn_lane lane;
    size_t physical_size; /* of fixed values */
    size_t lane_size;     /* 0: bits */
    tn_decompressor *decompressor;
    uint32_t text_error_hint;

    /* the chunk */
    tn_chunk_meta chunk;
    tn_range range;
    /* Bytes that its pages take at most, of this chunk and those before; while one is made. */
    size_t page_most, dictionary_most, making_most;
    bool only_codes; /* all its data pages are dictionary-coded */

    /* its dictionary */
    tn_page dictionary_page;
    tn_room dictionary_room, dictionary_heap;
    uint32_t dictionary_count;
    bool has_dictionary;
    tn_column dictionary;

    /* the page */
    tn_page page;
    bool in_page;
    size_t page_left;   /* values with nulls */
    size_t page_values; /* taken */
    tn_value_mode mode;
    const uint8_t *at, *stop; /* plain values; streams */
    size_t split_count, split_at;
    size_t bit_at; /* plain booleans */
    tn_rle codes;
    tn_delta delta;
    tn_room lengths; /* of a page's strings, or its views */
    size_t length_at, length_count;
    tn_room page_heap; /* strings put together from prefixes */
    tn_levels defs, reps;
    bool page_is_ascii;
    TN_VEC(tn_buffer *) kept; /* pages left, lent until the next batch */
    TN_VEC(tn_room) kept_rooms;
    tn_buffer *spare;     /* room of a page that was left, for the next one */
    size_t before_values; /* bytes before the values of the page: of the next one, too, mostly */

    /* the batch */
    bool as_codes;
    bool is_spread;   /* nulls have their places by now */
    const void *lent; /* the values, where they lie in the page; else NULL */
    size_t filled;    /* rows */
    size_t dense;     /* values without nulls */
    size_t null_count;
    tn_room values, validity, raw;
    tn_room text; /* of UUIDs */
    size_t text_at;

    /* levels of nested leaves */
    tn_room def_levels, rep_levels; /* of the batch */
    size_t level_count;
    uint16_t *pending_defs, *pending_reps; /* LEVELS_MAX each; the level before is defs[-1] */
    size_t pending_at, pending_count;
    uint16_t *has_element; /* [rep]: the list of that level has an element from this def on */
} tn_leaf_reader;

/* `is_flat`: the leaf is a column by itself. */
TN_FALLIBLE tn_leaf__open(tn_leaf_reader *reader, const tn_footer *footer, uint32_t leaf,
                          bool is_flat, tn_decompressor *decompressor, tn_pool *pool,
                          tarn_error *err);
void tn_leaf__close(tn_leaf_reader *reader);

/* Begins a chunk; the range is opened by the caller. */
void tn_leaf__chunk(tn_leaf_reader *reader, const tn_chunk_meta *chunk);

/* What it holds, or will: by its rooms, and by the largest pages that it met; 0: it met none. */
size_t tn_leaf__memory(const tn_leaf_reader *reader);
/* How many rows a batch may have so that no page of text must be kept beside the next one. */
size_t tn_leaf__rows_of_page(const tn_leaf_reader *reader, size_t rows);
/* Forgets the batch before. */
void tn_leaf__begin(tn_leaf_reader *reader);
/* About how many bytes of heap a row has, by the current page. */
size_t tn_leaf__heap_a_row(const tn_leaf_reader *reader);
/*
 * Adds rows to the batch until it has `rows`.  NOT_READY: wait for the range and call again.
 * Flat leaves then have a column; others levels and dense values.
 */
TN_FALLIBLE tn_leaf__fill(tn_leaf_reader *reader, size_t rows, tn_ready *ready, tarn_error *err);
TN_FALLIBLE tn_leaf__fill_nested(tn_leaf_reader *reader, size_t rows, tn_ready *ready,
                                 tarn_error *err);
/* Passes over rows that nobody wants. */
TN_FALLIBLE tn_leaf__skip(tn_leaf_reader *reader, size_t rows, tn_ready *ready, tarn_error *err);
/* All rows of the row group were taken: does the chunk's page hold more? */
TN_FALLIBLE tn_leaf__end(const tn_leaf_reader *reader, tarn_error *err);
/* The column of a filled flat leaf. */
TN_FALLIBLE tn_leaf__column(tn_leaf_reader *reader, size_t rows, tn_column *out, tarn_error *err);

/* levels.c: */
/* Levels of a v1 page: they stand at the front of the body, which is moved past them. */
TN_FALLIBLE tn_levels__open(tn_levels *levels, unsigned max, int encoding, size_t count,
                            const uint8_t **body, size_t *size, tarn_error *err);
TN_FALLIBLE tn_levels__read(tn_levels *levels, size_t count, uint16_t *to, tarn_error *err);
/* `count` levels of a nested leaf, with the definition level before them at defs[-1]: they stay
 * within the schema's, and what continues a list follows an element of it, and is one. */
TN_FALLIBLE tn_levels__check(const tn_leaf_reader *reader, size_t count, tarn_error *err);
/* From which definition level on the list of each repetition level around a leaf has an element. */
void tn_levels__elements(const tn_footer *footer, uint32_t leaf, uint16_t *out);

/* values.c: */
TN_FALLIBLE tn_room__grow(tn_pool *pool, tn_room *room, size_t size, size_t used, tarn_error *err);
void tn_room__free(tn_pool *pool, tn_room *room);
/* Makes the page's body ready to give values; `count` of them at most. */
TN_FALLIBLE tn_values__open(tn_leaf_reader *reader, const uint8_t *body, size_t size, size_t count,
                            int encoding, tarn_error *err);
/* `count` values, without nulls, to `to` at `first` (which counts values; bits for bool). */
TN_FALLIBLE tn_values__read(tn_leaf_reader *reader, size_t count, void *to, size_t first,
                            tarn_error *err);
TN_FALLIBLE tn_values__skip(tn_leaf_reader *reader, size_t count, tarn_error *err);
/* Whether a page whose last level was taken has given its last value, too.  Behind PLAIN values
 * some writers leave a few bytes of padding: these are no value. */
bool tn_values__are_over(const tn_leaf_reader *reader);
/* Dictionary codes, checked, in the lane of the dictionary's size. */
TN_FALLIBLE tn_values__codes(tn_leaf_reader *reader, size_t count, void *to, size_t first,
                             tarn_error *err);
tn_lane tn_values__code_lane(const tn_leaf_reader *reader);
TN_FALLIBLE tn_values__dictionary(tn_leaf_reader *reader, tarn_error *err);
/* Moves dense values apart so that row i has its own where the bit is set, zero where not. */
void tn_values__spread(void *values, size_t size, size_t dense, size_t rows,
                       const uint64_t *validity);
void tn_values__spread_bits(uint64_t *bits, size_t dense, size_t rows, const uint64_t *validity);
void tn_convert__choose(const tn_element *element, const tn_type *type, tn_conversion *out,
                        tn_lane *lane);
/* digits.c: decimals, in the reader's lane, within their type's digits. */
TN_FALLIBLE tn_digits__check(const tn_leaf_reader *reader, const void *values, size_t count,
                             tarn_error *err);
/* Which type that may be asked for takes what the column's own cannot. */
void tn_convert__hint(const tn_leaf_reader *reader, const char *type, const char *what,
                      tarn_error *err);
/* convert.c: fixed-width physical values to the lane. */
TN_FALLIBLE tn_convert__fixed(tn_leaf_reader *reader, const uint8_t *from, size_t count, void *to,
                              tarn_error *err);
TN_FALLIBLE tn_convert__decimal(const uint8_t *from, size_t size, tn_lane lane, void *to,
                                tarn_error *err);
/* Reads 12 bytes, whatever the size.  Without branches: sizes of strings are hard to foresee. */
static inline tn_view tn_convert__view(const uint8_t *from, size_t size)
{
    static const uint32_t head_masks[TN_VIEW_INLINE + 1] = {
        0,          0xff,       0xffff,     0xffffff,   UINT32_MAX, UINT32_MAX, UINT32_MAX,
        UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    static const uint64_t rest_masks[TN_VIEW_INLINE + 1] = {0,
                                                            0,
                                                            0,
                                                            0,
                                                            0,
                                                            0xff,
                                                            0xffff,
                                                            0xffffff,
                                                            0xffffffff,
                                                            UINT64_C(0xffffffffff),
                                                            UINT64_C(0xffffffffffff),
                                                            UINT64_C(0xffffffffffffff),
                                                            UINT64_MAX};
    uint32_t head;
    uint64_t rest;
    tn_view view;
    memcpy(&head, from, 4);
    memcpy(&rest, from + 4, 8);
    const size_t inline_size = size <= TN_VIEW_INLINE ? size : TN_VIEW_INLINE;
    head &= head_masks[inline_size];
    rest &= rest_masks[inline_size];
    rest = size <= TN_VIEW_INLINE ? rest : (uint64_t)(uintptr_t)from;
    view.size = (uint32_t)size;
    memcpy(view.prefix, &head, 4);
    memcpy(view.rest, &rest, 8);
    return view;
}

#endif
