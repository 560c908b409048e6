/* format_internal.h - Parquet's own words: numbers as the format defines them, and the parts of a
 * footer as we keep them. */
#ifndef TN_FORMAT_PARQUET_FORMAT_INTERNAL_H
#define TN_FORMAT_PARQUET_FORMAT_INTERNAL_H

#include "codec/codec.h"
#include "column/type.h"

typedef enum tn_physical {
    TN_PHYSICAL_BOOLEAN,
    TN_PHYSICAL_INT32,
    TN_PHYSICAL_INT64,
    TN_PHYSICAL_INT96,
    TN_PHYSICAL_FLOAT,
    TN_PHYSICAL_DOUBLE,
    TN_PHYSICAL_BYTES,
    TN_PHYSICAL_FIXED,
    TN_PHYSICAL_COUNT,
    TN_PHYSICAL_GROUP = TN_PHYSICAL_COUNT /* a group: no values of its own */
} tn_physical;

typedef enum tn_page_encoding {
    TN_PAGE_PLAIN = 0,
    TN_PAGE_PLAIN_DICTIONARY = 2,
    TN_PAGE_RLE = 3,
    TN_PAGE_BIT_PACKED = 4,
    TN_PAGE_DELTA_BINARY_PACKED = 5,
    TN_PAGE_DELTA_LENGTH_BYTES = 6,
    TN_PAGE_DELTA_BYTES = 7,
    TN_PAGE_RLE_DICTIONARY = 8,
    TN_PAGE_BYTE_STREAM_SPLIT = 9,
    TN_PAGE_ENCODING_COUNT
} tn_page_encoding;

typedef enum tn_repetition { TN_REQUIRED, TN_OPTIONAL, TN_REPEATED } tn_repetition;

typedef enum tn_page_kind {
    TN_PAGE_DATA = 0,
    TN_PAGE_INDEX = 1,
    TN_PAGE_DICTIONARY = 2,
    TN_PAGE_DATA_V2 = 3
} tn_page_kind;

/* ConvertedType, and LogicalType's field ids. */
enum {
    TN_CONVERTED_UTF8 = 0,
    TN_CONVERTED_MAP = 1,
    TN_CONVERTED_MAP_KEY_VALUE = 2,
    TN_CONVERTED_LIST = 3,
    TN_CONVERTED_ENUM = 4,
    TN_CONVERTED_DECIMAL = 5,
    TN_CONVERTED_DATE = 6,
    TN_CONVERTED_TIME_MILLIS = 7,
    TN_CONVERTED_TIME_MICROS = 8,
    TN_CONVERTED_TIMESTAMP_MILLIS = 9,
    TN_CONVERTED_TIMESTAMP_MICROS = 10,
    TN_CONVERTED_UINT_8 = 11,
    TN_CONVERTED_UINT_16 = 12,
    TN_CONVERTED_UINT_32 = 13,
    TN_CONVERTED_UINT_64 = 14,
    TN_CONVERTED_INT_8 = 15,
    TN_CONVERTED_INT_16 = 16,
    TN_CONVERTED_INT_32 = 17,
    TN_CONVERTED_INT_64 = 18,
    TN_CONVERTED_JSON = 19,
    TN_CONVERTED_BSON = 20,
    TN_CONVERTED_INTERVAL = 21,

    TN_LOGICAL_NONE = 0,
    TN_LOGICAL_STRING = 1,
    TN_LOGICAL_MAP = 2,
    TN_LOGICAL_LIST = 3,
    TN_LOGICAL_ENUM = 4,
    TN_LOGICAL_DECIMAL = 5,
    TN_LOGICAL_DATE = 6,
    TN_LOGICAL_TIME = 7,
    TN_LOGICAL_TIMESTAMP = 8,
    TN_LOGICAL_INTEGER = 10,
    TN_LOGICAL_UNKNOWN = 11, /* always null */
    TN_LOGICAL_JSON = 12,
    TN_LOGICAL_BSON = 13,
    TN_LOGICAL_UUID = 14,
    TN_LOGICAL_FLOAT16 = 15,
    TN_LOGICAL_VARIANT = 16
};

typedef enum tn_time_unit {
    TN_UNIT_MILLIS = 1,
    TN_UNIT_MICROS = 2,
    TN_UNIT_NANOS = 3
} tn_time_unit;

/* One element of the footer's schema, in its order (parents before children). */
typedef struct tn_element {
    tn_str name;
    tn_physical physical;
    int32_t length; /* of fixed values */
    int32_t child_count;
    tn_repetition repetition;
    int converted; /* -1 none */
    int logical;
    int32_t scale, precision;
    tn_time_unit unit;
    uint8_t bit_width;
    bool is_signed, is_utc, has_type;
    int32_t field_id;
    bool has_field_id;
} tn_element;

/* A leaf: what a column chunk holds. */
typedef struct tn_leaf {
    uint32_t element; /* in the schema */
    uint16_t def_max, rep_max;
    tn_str path;         /* "a.b.c" for messages */
    const tn_type *type; /* of its values */
} tn_leaf;

/*
 * How a column is put together from levels.  A node has a value (perhaps null) wherever its
 * enclosing list has an element.
 */
typedef enum tn_node_kind { TN_NODE_LEAF, TN_NODE_STRUCT, TN_NODE_LIST, TN_NODE_MAP } tn_node_kind;
typedef struct tn_node {
    tn_node_kind kind;
    bool nullable;
    const tn_type *type;
    tn_str name;
    uint16_t def_slot;    /* the enclosing list has an element from this definition level on */
    uint16_t def_present; /* not null from this one on */
    uint16_t def_element; /* lists and maps: not empty from this one on */
    uint16_t rep;         /* lists and maps: their own repetition level; others: the enclosing's */
    uint32_t child_count;
    struct tn_node *children; /* a list has one, a map two */
    uint32_t leaf;            /* the first leaf at or below */
    uint32_t leaf_end;        /* one past the last */
} tn_node;

typedef struct tn_chunk_statistics {
    tn_str min, max; /* PLAIN bytes, without the length; data NULL where absent */
    bool min_exact, max_exact, has_null_count, is_legacy, has_nan_count, has_distinct;
    uint64_t null_count, distinct_count, nan_count;
} tn_chunk_statistics;

/* A column chunk, read from the footer when it is wanted. */
typedef struct tn_chunk_meta {
    tn_physical physical;
    tn_codec codec;
    uint64_t encodings; /* bit set of tn_page_encoding */
    bool has_encoding_stats;
    uint64_t data_encodings; /* of data pages, by the encoding stats */
    uint64_t value_count;
    uint64_t raw_size, stored_size;
    uint64_t data_offset, dictionary_offset; /* 0: none */
    uint64_t start;                          /* first byte of the first page */
    uint64_t column_index_offset, offset_index_offset;
    uint64_t column_index_size, offset_index_size;
    uint64_t bloom_offset, bloom_size;
    tn_chunk_statistics statistics;
    bool is_encrypted, is_elsewhere;
    tn_str file_path;
} tn_chunk_meta;

typedef struct tn_row_group {
    uint64_t rows, first_row;
    uint64_t raw_size;
    uint32_t chunk_count;
    uint32_t chunks; /* index of its first chunk in tn_footer.chunk_offsets */
} tn_row_group;

typedef enum tn_column_order {
    TN_ORDER_NONE,
    TN_ORDER_TYPE,
    TN_ORDER_IEEE,
    TN_ORDER_OTHER
} tn_column_order;

typedef struct tn_footer {
    const uint8_t *bytes; /* the Thrift struct; names and statistics point into it */
    size_t size;
    int64_t version;
    uint64_t rows;
    tn_str created_by;
    bool ignore_statistics; /* as who opened the file wants it */
    uint32_t element_count, leaf_count, group_count, order_count;
    tn_element *elements;
    tn_leaf *leaves;
    tn_row_group *groups;
    uint32_t *chunk_offsets; /* where each chunk's Thrift begins */
    uint8_t *orders;         /* tn_column_order of each leaf */
    tn_node *columns;        /* one a top-level column */
    tn_schema schema;
    tn_schema found; /* NULL's type where the file says that a column is always null */
    uint32_t metadata_count;
    tn_str *metadata; /* key, value, key, value... */
} tn_footer;

/* Reads the Thrift of a footer.  Everything lives in `arena`, and in `bytes`. */
TN_FALLIBLE tn_footer__read(const uint8_t *bytes, size_t size, tn_types *types, tn_arena *arena,
                            tn_footer *out, tarn_error *err);
/* Elements to leaves, nodes and types; part of tn_footer__read(). */
/* Types that are asked for, where they hold more than the columns' own. */
TN_FALLIBLE tn_footer__take_as(tn_footer *footer, const tn_schema *wanted, tn_arena *arena,
                               tarn_error *err);
TN_FALLIBLE tn_footer__build(tn_footer *footer, tn_types *types, tn_arena *arena, tarn_error *err);

/* Chunk `leaf` of a row group, checked against the file's size. */
TN_FALLIBLE tn_footer__chunk(const tn_footer *footer, uint32_t group, uint32_t leaf,
                             uint64_t file_size, tn_chunk_meta *out, tarn_error *err);

const char *tn_page_encoding_name(tn_page_encoding encoding);
const char *tn_physical_name(tn_physical physical);

#endif
