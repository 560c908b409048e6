/* json_internal.h - what the files of format/json share. */
#ifndef TN_FORMAT_JSON_JSON_INTERNAL_H
#define TN_FORMAT_JSON_JSON_INTERNAL_H

#include "format/json/json.h"
#include "format/text/text_internal.h"
#include "kernel/csv.h"

typedef struct tn__json_source {
    tn__text_source text;
    uint64_t sampled; /* records that were looked at */
    bool sampled_all; /* and there are no others */
    bool by_lines;    /* else records are found by their brackets */
    bool in_array;    /* records stand in one array, behind whose end nothing may follow */
    bool is_values;   /* records are no objects: the one column "json" takes them whole */
    bool may_round;   /* types were asked for, and values may be rounded to them */
    bool of_many;     /* files, which have the same types */
    bool refuses_new; /* fields that no column takes fail the scan */
} tn__json_source;

extern const tn__text_ops tn__json_ops;

/* Finds form, schema and data_start from the sample. */
TN_FALLIBLE tn__json_infer(tn__json_source *source, const tn_json_options *options,
                           const tn__text_sample *sample, tn_types *types, tarn_error *err);

/* ---- columns that are being filled --------------------------------------------------------------
 *
 * A tree of nodes in one array, parents before their children.  Rows are addressed by number: a
 * struct's children have its rows, a list's or map's have as many as were appended.  Everything is
 * zero and null until it is put.
 */
typedef struct tn__json_node {
    const tn_type *type;
    uint32_t parent;      /* UINT32_MAX for the top */
    uint32_t first_child; /* of field_count ones, in order */
    uint32_t guess;       /* the field that probably comes next */
    uint32_t rows;        /* of lists' and maps' children: appended so far */
    uint32_t capacity;
    void *values;
    uint64_t *validity;
} tn__json_node;

typedef struct tn__json_nodes {
    tn_pool *pool;
    tn__json_node *nodes;
    tn_column *columns; /* one a node */
    uint32_t count;
} tn__json_nodes;

/* One top node for each type, then the nodes beneath. */
TN_FALLIBLE tn__json_nodes_init(tn__json_nodes *nodes, const tn_type *const *types, uint32_t count,
                                tn_pool *pool, tarn_error *err);
void tn__json_nodes_deinit(tn__json_nodes *nodes);
/* Everything is null again. */
void tn__json_nodes_clear(tn__json_nodes *nodes);
/* Room for row `row` of a node. */
TN_FALLIBLE tn__json_node_grow(tn__json_nodes *nodes, uint32_t node, uint32_t row, tarn_error *err);
/* Makes the columns; the top ones come first and have `rows` rows. */
TN_FALLIBLE tn__json_nodes_finish(tn__json_nodes *nodes, uint32_t top_count, uint32_t rows,
                                  tarn_error *err);

/* ---- the parser ---------------------------------------------------------------------------------
 */

typedef struct tn__json_record {
    uint32_t start, end, ordinal;
} tn__json_record;

typedef struct tn__json_level {
    uint32_t node, row;
    bool is_list;
} tn__json_level;

typedef struct tn__json_parser {
    tn__text_parser base;
    const tn__json_source *source;
    const tn_csv_kernels *kernels;
    uint32_t field_count;
    uint32_t *fields;
    tn__json_nodes nodes;
    uint32_t *places; /* ordinals and starts of the batch */
    TN_VEC(tn__json_record) records;
    size_t record;        /* the first of the batch */
    uint32_t guess;       /* the wanted field that probably comes next */
    bool names_are_plain; /* none needs an escape, so they compare as they stand */
    uint32_t top;         /* the wanted field being read, for messages */
    uint32_t known;       /* the field of the schema that probably comes next, wanted or not */
    char unknown[256];    /* what is told of the first field that no column takes */
    tn__json_level stack[TN_TYPE_DEPTH_MAX + 1];
} tn__json_parser;

/* Puts one record into row `row`.  Answers why not; `*field` is then what was at fault, and p->top
 * says in which column (UINT32_MAX: in none).  Memory failures come through the code. */
TN_FALLIBLE tn__json_shred(tn__json_parser *p, char *text, size_t size, uint32_t row,
                           tn_reason *why, tn_str *field, const tn_type **type, tarn_error *err);

/* Behind the value at `at`, checked only as far as brackets and strings go; SIZE_MAX: the text ends
 * within it, or it is none. */
size_t tn__json_skip(const char *text, size_t size, size_t at);

#endif
