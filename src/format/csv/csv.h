/*
 * csv.h - delimited text: a source to scan, and a writer.
 *
 * A source looks at the first rows when it is opened (delimiter, quotes, header, types, as far as
 * the options leave them open) and is read-only then.  Plain files are read by many tasks at once;
 * .gz and .zst ones, which open as one stream, by one.  `types` must outlive the source.
 */
#ifndef TN_FORMAT_CSV_CSV_H
#define TN_FORMAT_CSV_CSV_H

#include "scan/source.h"
#include "scan/writer.h"

enum { TN_CSV_AUTO = -1, TN_CSV_NONE = 0 };

/* Who says what types some columns have: for the words of an error. */
typedef enum tn_csv_origin {
    TN_CSV_DECLARED,    /* the user */
    TN_CSV_OTHER_FILES, /* the first file of several */
    TN_CSV_LEDGER       /* files of earlier runs of a pipeline, as its ledger keeps them */
} tn_csv_origin;

typedef struct tn_csv_options {
    tn_str delimiter;    /* up to 4 bytes; empty: found */
    int quote;           /* a byte; TN_CSV_AUTO, TN_CSV_NONE */
    int escape;          /* a byte; TN_CSV_AUTO: the quote itself, doubled */
    int comment;         /* lines that begin with it are passed over; TN_CSV_NONE by default */
    int header;          /* 1, 0, or TN_CSV_AUTO */
    uint64_t skip;       /* lines before the header */
    const tn_str *nulls; /* texts that stand for NULL; none given: the empty one */
    uint32_t null_count;
    const tn_str *names; /* of the columns, in order; fewer than there are is fine */
    uint32_t name_count;
    const tn_field *columns; /* all of them, names and types; NULL: found */
    uint32_t column_count;
    const tn_field *types; /* of some columns, by name */
    uint32_t type_count;
    bool types_may_lack;     /* their columns: what has them all is another's business */
    tn_csv_origin origin;    /* of `types` */
    bool may_be_empty;       /* a file without a byte has the columns that are said, and no rows */
    bool all_text;           /* VARCHAR for whatever has no type given */
    bool ignore_errors;      /* leave bad records out */
    bool null_padding;       /* missing fields at a record's end are NULL */
    bool new_line_in_values; /* quoted values run over lines, though the first show none */
    bool one_task;           /* never cut the file */
    uint64_t sample_rows;    /* to infer from; 0: 20,480 */
    size_t record_size_max;  /* 0: 16 MiB */
    uint32_t morsel_size;    /* 0: 16 MiB; tests take less */
    tn_str compression;      /* "gzip", "zstd", "none"; empty: found out */
    bool is_pipeline;        /* hints name the keys of a pipeline's file, not those of SQL */
} tn_csv_options;
#define TN_CSV_OPTIONS_DEFAULT \
    ((tn_csv_options){.quote = TN_CSV_AUTO, .escape = TN_CSV_AUTO, .header = TN_CSV_AUTO})

/* On success the object belongs to the source.  This waits.  `options` may be NULL. */
TN_FALLIBLE tn_csv_open(tn_object *object, bool is_local, const tn_csv_options *options,
                        tn_types *types, tn_pool *pool, tn_source **out, tarn_error *err);
/* One option by the name that SQL gives it ("delim", "header", "columns", "nullstr"...); strings
 * and lists are borrowed from `value`.  An unknown name is TARN_E_INVALID, with the nearest one. */
TN_FALLIBLE tn_csv_options_set(tn_csv_options *options, tn_str name, const tn_value *value,
                               tn_types *types, tn_arena *arena, tarn_error *err);

tarn_code tn_csv_writer_open(tn_upload *upload, const tn_schema *schema,
                             const tn_writer_options *options, tn_pool *pool, tn_file_writer **out,
                             tarn_error *err);

#endif
