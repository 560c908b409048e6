/*
 * toml.h - TOML 1.0 documents, read into a tree that knows the place of every key and value.
 *
 * For what people write by hand: pipeline files and settings.  So a document with mistakes answers
 * *all* of them that can be told apart: after one the reader goes on at the next line that looks
 * like a key or a header.
 *
 * Nodes live in the arena; texts without escapes point into the document, which must live as long.
 * Nesting is bounded by TN_TOML_DEPTH_MAX.  Nothing here recurses.
 */
#ifndef TN_BASE_TOML_H
#define TN_BASE_TOML_H

#include "base/arena.h"

enum { TN_TOML_DEPTH_MAX = 128, TN_TOML_FAULTS_MAX = 50 };

typedef enum tn_toml_kind {
    TN_TOML_TABLE,
    TN_TOML_ARRAY,
    TN_TOML_STRING,
    TN_TOML_INTEGER,
    TN_TOML_FLOAT,
    TN_TOML_BOOLEAN,
    TN_TOML_DATE,      /* 2001-01-31 */
    TN_TOML_TIME,      /* 13:05:00.5 */
    TN_TOML_DATETIME,  /* both */
    TN_TOML_DATETIMETZ /* both, and an offset */
} tn_toml_kind;

typedef struct tn_toml {
    uint8_t kind;
    bool from_header; /* a table that has its own [header] */
    bool is_dotted;   /* a table made by a dotted key */
    bool is_closed;   /* an inline table, or an array in brackets: nothing is added later */
    uint32_t key_line, key_column; /* from 1; of an element of an array: the element's */
    uint32_t line, column;         /* of the value; of a table: its header's or its first key's */
    size_t offset, size;           /* of the value in the document */
    tn_str key;                    /* of a member */
    tn_str text;                   /* of a string; of the others as it is written */
    int64_t integer;
    double number; /* of an INTEGER, too */
    bool boolean;
    uint32_t count; /* of members or elements */
    struct tn_toml *next, *child, *last;
} tn_toml;

typedef struct tn_toml_fault {
    uint32_t line, column;
    tn_str message;
} tn_toml_fault;

typedef struct tn_toml_document {
    const tn_toml *root; /* what could be read; NULL only where memory is short */
    const tn_toml_fault *faults;
    size_t fault_count;
} tn_toml_document;

/* Fails only for want of memory: mistakes are `faults`. */
TN_FALLIBLE tn_toml_read(tn_arena *arena, tn_str document, tn_toml_document *out, tarn_error *err);
/* The same where the first mistake is enough: TARN_E_INVALID with line and column. */
TN_FALLIBLE tn_toml_parse(tn_arena *arena, tn_str document, const tn_toml **out, tarn_error *err);

/* A member by name, or NULL; NULL and other kinds have none. */
const tn_toml *tn_toml_get(const tn_toml *table, const char *name);
const tn_toml *tn_toml_find(const tn_toml *table, tn_str name);
const char *tn_toml_kind_name(tn_toml_kind kind); /* "a string"... */

/* Where byte `index` of a string's text stands in the document: escapes and trimmed line ends are
 * followed.  Line and column count from 1, columns in characters. */
void tn_toml_place(tn_str document, const tn_toml *string, size_t index, uint32_t *line,
                   uint32_t *column);

/* for (const tn_toml *it = tn_toml_first(array); it != NULL; it = it->next) */
static inline const tn_toml *tn_toml_first(const tn_toml *value)
{
    return value == NULL ? NULL : value->child;
}

#endif
