/*
 * write_internal.h - one row group in the making.
 *
 * A group belongs to one worker.  Each leaf gathers a page of values, chooses its encoding on the
 * first of them and may leave a dictionary later.  Pages in a dictionary's
 * codes wait for the group's end, since the dictionary stands before them and fixes their width.
 */
#ifndef TN_FORMAT_PARQUET_WRITE_INTERNAL_H
#define TN_FORMAT_PARQUET_WRITE_INTERNAL_H

#include "base/text.h"
#include "base/vec.h"
#include "codec/codec.h"
#include "column/flatten.h"
#include "column/gather.h"
#include "format/parquet/format_internal.h"
#include "format/parquet/thrift_internal.h"

enum {
    TN_OUT_PAGE_ROWS = 8192,
    TN_OUT_PAGE_BYTES = 1 << 20,
    TN_OUT_PAGE_BYTES_MIN = 8 << 10, /* where memory is short */
    TN_OUT_BOUND_MAX = 64,           /* bytes of a string that a bound keeps */
    TN_OUT_BODY_MAX = 1 << 30
};

/* What its values are to the encoders. */
typedef enum tn_out_kind {
    TN_OUT_BOOL,
    TN_OUT_INT,   /* as int64_t; stored in 4 or 8 bytes */
    TN_OUT_UINT,  /* as uint64_t */
    TN_OUT_FLOAT, /* 4 or 8 bytes */
    TN_OUT_VIEW,
    TN_OUT_WIDE, /* decimals of more than 18 digits: big-endian bytes */
    TN_OUT_INTERVAL,
    TN_OUT_NULL
} tn_out_kind;

/* A node of the schema: parents before children. */
typedef struct tn_out_node {
    const tn_type *type;
    tn_str name;
    uint32_t parent; /* UINT32_MAX at the top */
    uint32_t child;  /* which one of its parent's it is */
    bool nullable;
    uint16_t def, rep; /* levels of a value that is there */
    uint32_t leaf;     /* of a leaf: its number */
} tn_out_node;

typedef struct tn_out_leaf {
    uint32_t node;
    tn_out_kind kind;
    tn_physical physical;
    tn_lane lane; /* in which values are taken from columns */
    size_t size;  /* stored bytes of a value; 0 for views and bits */
    bool is_flat; /* a column by itself */
    bool is_text;
    uint32_t column;
    uint32_t depth; /* nodes from the top to here */
    uint32_t *path;
} tn_out_leaf;

/* What the file's writer decides once. */
typedef struct tn_out_layout {
    tn_schema schema;
    uint32_t node_count, leaf_count;
    tn_out_node *nodes;
    tn_out_leaf *leaves;
    tn_codec codec;
    int level;
    bool plain_only;
} tn_out_layout;

TN_FALLIBLE tn_out__layout(tn_arena *arena, const tn_schema *schema, tn_out_layout *out,
                           tarn_error *err);
void tn_out__put_schema(tn_thrift_out *out, const tn_out_layout *layout);

/* Bounds of what was seen: of a page or a chunk. */
typedef struct tn_out_bounds {
    bool any;
    bool min_cut, max_cut; /* strings that were cut */
    uint8_t min_size, max_size;
    uint64_t nan_count;
    union {
        int64_t i64[2];
        uint64_t u64[2];
        double f64[2];
        tn_i128 i128[2];
        tn_i256 i256[2];
        char bytes[2][TN_OUT_BOUND_MAX];
    };
} tn_out_bounds;

void tn_out__see(const tn_out_leaf *leaf, const void *values, size_t count, tn_out_bounds *bounds);
void tn_out__merge(const tn_out_leaf *leaf, tn_out_bounds *all, const tn_out_bounds *one);
/* The stored bytes of the lower (0) or upper (1) bound in `room`; data NULL where there is none. */
tn_str tn_out__bound(const tn_out_leaf *leaf, const tn_out_bounds *bounds, int upper,
                     char room[TN_OUT_BOUND_MAX], bool *exact);

typedef enum tn_out_mode {
    TN_OUT_UNDECIDED,
    TN_OUT_DICTIONARY,
    TN_OUT_PLAIN,
    TN_OUT_DELTA,
    TN_OUT_LENGTHS /* DELTA_LENGTH_BYTE_ARRAY */
} tn_out_mode;

typedef struct tn_out_page {
    uint32_t rows, levels, values;
    uint32_t nulls; /* levels without a value */
    uint64_t first_row;
    size_t offset, stored_size; /* in the body, with its head */
    tn_out_bounds bounds;
} tn_out_page;

/* Memory that grows by doubling; whole pages from some size on, which go back to all at once. */
typedef struct tn_out_room {
    uint8_t *data;
    size_t size, capacity;
} tn_out_room;

/* What the columns of a group share: they make one page at a time. */
typedef struct tn_out_shared {
    tn_pool *pool;
    tn_out_room scratch, packed;
    tn_text head;
    tn_compressor compressor;
    bool has_compressor;
    bool is_short;        /* of memory: nothing is reserved in advance */
    bool no_dictionaries; /* not even for those */
    size_t page_bytes;    /* a page is large enough with so many gathered */
} tn_out_shared;

/* `memory`: what the group should hold at most, of `leaves` columns; 0: any. */
void tn_out_shared__open(tn_out_shared *shared, size_t memory, size_t leaves, tn_pool *pool);
void tn_out_shared__close(tn_out_shared *shared);

typedef struct tn_out_dictionary {
    uint16_t *slots;   /* entry + 1; of the direct map: by value less base */
    size_t slot_count; /* a power of two: half of them are free at least */
    bool is_direct;
    int64_t base;
    uint32_t count;
    tn_out_room entries; /* uint64_t, or tn_view */
    tn_arena heap;       /* of strings */
    size_t heap_size;
} tn_out_dictionary;

typedef struct tn_out_column {
    const tn_out_leaf *leaf;
    const tn_out_layout *layout;
    tn_out_shared *shared;
    tn_pool *pool;
    tn_out_mode mode;
    tn_codec codec; /* of PLAIN pages and texts: the layout's, or none where the first page gained
                       nothing */
    /* of the open page; in dictionary mode, of the whole group */
    tn_out_room defs, reps; /* uint16_t; defs of flat leaves: bits in words */
    tn_out_room values;     /* int64_t, stored values, or PLAIN bytes; codes in dictionary mode */
    tn_out_room lengths;    /* int32_t, of texts that `values` holds without */
    size_t level_count, value_count;
    tn_out_page page;          /* the open one */
    TN_VEC(tn_out_page) pages; /* closed */
    uint64_t rows, nulls;
    tn_out_bounds bounds;
    tn_out_dictionary dictionary;
    tn_out_room body;
    size_t body_hint, values_hint; /* what the group before needed: room for it is made at once */
    size_t values_most;
    size_t raw_size; /* of pages with heads, before compression */
    size_t dictionary_offset, data_offset;
    bool has_dictionary;
} tn_out_column;

void tn_out__open(tn_out_column *column, const tn_out_layout *layout, uint32_t leaf,
                  tn_out_shared *shared);
void tn_out__close(tn_out_column *column);
/*
 * `rows` rows of a flat leaf, of which `validity` (NULL: all) have one of the `values`; those of a
 * nested leaf with their levels.
 */
TN_FALLIBLE tn_out__append(tn_out_column *column, uint32_t rows, const uint64_t *validity,
                           const void *values, size_t count, tarn_error *err);
TN_FALLIBLE tn_out__append_levels(tn_out_column *column, uint32_t rows, const uint16_t *defs,
                                  const uint16_t *reps, size_t levels, const void *values,
                                  size_t count, tarn_error *err);
/* The last page, and all that waits. */
TN_FALLIBLE tn_out__finish(tn_out_column *column, tarn_error *err);
size_t tn_out__bytes(const tn_out_column *column);
size_t tn_out__memory(const tn_out_column *column); /* what it holds */
/* Of its data pages. */
tn_codec tn_out__codec(const tn_out_column *column);
int tn_out__encoding(tn_out_mode mode);

/* dictionaries: write_dictionary.c */
TN_FALLIBLE tn_out_dictionary__open(tn_out_column *column, bool is_direct, int64_t least,
                                    int64_t most, tarn_error *err);
void tn_out_dictionary__close(tn_out_column *column);
/* Codes for values; `*full` when they do not all fit, and nothing was added then (but entries). */
TN_FALLIBLE tn_out_dictionary__add(tn_out_column *column, const void *values, size_t count,
                                   uint16_t *codes, bool *full, tarn_error *err);

TN_FALLIBLE tn_out_room__grow(tn_pool *pool, tn_out_room *room, size_t more, tarn_error *err);
/* Exactly: no more room than for `capacity` bytes, rounded to pages. */
TN_FALLIBLE tn_out_room__reserve(tn_pool *pool, tn_out_room *room, size_t capacity,
                                 tarn_error *err);
void tn_out_room__free(tn_pool *pool, tn_out_room *room);

/* Rows of nested columns to levels and values: write_shred.c */
typedef struct tn_shredder {
    tn_pool *pool;
    tn_out_room defs[2], reps[2], rows[2];
    tn_out_room values;
} tn_shredder;
void tn_shredder__close(tn_shredder *shredder);
size_t tn_shredder__memory(const tn_shredder *shredder); /* what it holds */
TN_FALLIBLE tn_shredder__append(tn_shredder *shredder, const tn_out_layout *layout,
                                tn_out_column *to, const tn_column *column, uint32_t rows,
                                tarn_error *err);

#endif
