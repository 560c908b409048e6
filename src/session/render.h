/*
 * render.h - results as text, in every form of the command's contract, and what the terminal needs
 * to know of text.
 *
 * A renderer reads a result to its end, chunk by chunk, and hands its text to a writer.  It holds a
 * bounded part of the rows: what is needed to choose the width of columns.  One thread.
 */
#ifndef TN_SESSION_RENDER_H
#define TN_SESSION_RENDER_H

#include "base/json.h"
#include "session/session.h"

typedef enum tn_form {
    TN_FORM_TABLE, /* columns with blanks and a rule, as psql writes them */
    TN_FORM_BOX,   /* the same in a frame */
    TN_FORM_CSV,
    TN_FORM_TSV,
    TN_FORM_JSON,  /* one array of objects, an object a line */
    TN_FORM_JSONL, /* an object a line */
    TN_FORM_MARKDOWN,
    TN_FORM_VERTICAL, /* a line a value */
    TN_FORM_COUNT
} tn_form;

typedef struct tn_render_options {
    tn_form form;
    bool no_header;
    bool json_strings;  /* integers beyond 2^53 and decimals as strings */
    bool colour;        /* a bold header */
    tn_str null_text;   /* how NULL is written; .data NULL: empty in CSV, NULL in tables */
    uint64_t max_rows;  /* of the forms for people; 0: all */
    uint32_t max_width; /* of the forms for people, in columns of the terminal; 0: any */
} tn_render_options;

/* Takes text; false ends the rendering, which is no error here: whoever said so knows why. */
typedef bool tn_render_write(void *context, const char *data, size_t size);

/* Where rows come from; tn_result_read has its shape. */
typedef struct tn_render_source {
    tn_pool *pool;
    const tn_schema *schema;
    tarn_code (*read)(void *context, tn_chunk **out, tarn_error *err);
    void *context;
} tn_render_source;

TN_FALLIBLE tn_render(const tn_render_source *source, const tn_render_options *options,
                      tn_render_write *write, void *context, tarn_error *err);

/* By name: "table", "csv"...; TN_FORM_COUNT where there is none. */
tn_form tn_form_find(tn_str name);
const char *tn_form_name(tn_form form);

/* One field of delimited text, quoted where it must be. */
void tn_render_field(tn_str text, char delimiter, tn_str null_text, tn_text *out);

/* Columns of a terminal that the text takes. */
size_t tn_text_width(tn_str text);
/* Bytes of the longest beginning that takes at most `width` columns. */
size_t tn_text_cut(tn_str text, size_t width);

/*
 * An error as people read it:
 *
 *     error: no column named 'dealy' in flights
 *       line 1, column 12: SELECT avg(dealy) FROM 'flights.parquet' AS flights
 *                                     ^^^^^
 *       hint: did you mean 'delay'?
 *
 * `sql` is the statement's text or empty; `what` is "error" or "warning".
 */
typedef struct tn_report_options {
    const char *what;
    bool colour, json;
    size_t width; /* of the terminal */
} tn_report_options;
void tn_report(const tarn_error *error, tn_str sql, const tn_report_options *options, tn_text *out);
/* code, message, subject, line, column, row, hint, retryable: the members of a JSON object that was
 * begun. */
void tn_report_members(const tarn_error *error, const char *message_name, tn_json_writer *w);

#endif
