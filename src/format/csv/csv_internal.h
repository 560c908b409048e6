/* csv_internal.h - what the files of format/csv share. */
#ifndef TN_FORMAT_CSV_CSV_INTERNAL_H
#define TN_FORMAT_CSV_CSV_INTERNAL_H

#include "format/csv/csv.h"
#include "format/text/text_internal.h"
#include "kernel/csv.h"

typedef struct tn__csv_dialect {
    char delimiter[4];
    uint8_t delimiter_size;
    char quote, escape, comment; /* 0: none */
    char newline;                /* '\n', before which a '\r' may stand, or '\r' */
} tn__csv_dialect;

/* Can the fast index take it? */
static inline bool tn__csv_is_simple(const tn__csv_dialect *dialect)
{
    return dialect->delimiter_size == 1 && dialect->comment == 0 &&
           (dialect->quote == 0 || dialect->escape == dialect->quote);
}

typedef struct tn__csv_source {
    tn__text_source text;
    tn__csv_dialect dialect;
    const tn_str *nulls;
    uint32_t null_count;
    bool empty_is_null; /* for strings; for all else it always is */
    bool null_padding;
    uint64_t sampled;  /* records that were looked at */
    const bool *asked; /* one a column: its type was asked for, and values may be rounded to it */
} tn__csv_source;

extern const tn__text_ops tn__csv_ops;

/* ---- splitting, the careful way ---------------------------------------------------------------
 */

typedef struct tn__csv_span {
    uint32_t start, end; /* the end without a '\r' before the line end */
} tn__csv_span;

typedef enum tn__csv_split {
    TN__CSV_RECORD,
    TN__CSV_SKIP,       /* a comment */
    TN__CSV_INCOMPLETE, /* the text ends within it */
    TN__CSV_UNCLOSED    /* the file ends within quotes */
} tn__csv_split;

/* Where the quotes of a record stand otherwise than around whole fields. */
typedef struct tn__csv_quotes {
    bool odd;    /* in the middle of a field, or with text behind the closing one */
    bool behind; /* the latter, which is no CSV: the first such field, and its ordinal from 0 */
    tn__csv_span span;
    uint32_t field;
} tn__csv_quotes;

/*
 * The record at *at, which moves behind it.  The first `max` of its fields go to `fields`; *count
 * counts all.  Of a record that is unclosed, *at moves to the field whose quote stays open.
 */
tn__csv_split tn__csv_split_record(const tn__csv_dialect *dialect, const char *text, size_t size,
                                   bool is_last, size_t *at, tn__csv_span *fields, size_t max,
                                   size_t *count, tn__csv_quotes *quotes);

/* In the words of errors, and what to do about it. */
#define TN__CSV_BEHIND      "text follows the closing quote"
#define TN__CSV_BEHIND_HINT "write a quote within a value twice (\"\")"

/* Takes escapes out of a field's inside, in place; answers its new size. */
size_t tn__csv_fold(const tn__csv_dialect *dialect, char *text, size_t size);

/* ---- looking at the first rows ----------------------------------------------------------------
 */

/* Fills in dialect, schema, data_start and the rest of the source from a sample. */
TN_FALLIBLE tn__csv_sniff(tn__csv_source *source, const tn_csv_options *options,
                          tn__text_sample *sample, tn_types *types, tarn_error *err);

bool tn__csv_is_null_text(const tn__csv_source *source, tn_str text);

#endif
