/*
 * writer_internal.h - what CSV and JSON writers share: rows become text in a group's own memory,
 * and a group goes to the upload whole, perhaps as a compressed member of its own.
 */
#ifndef TN_FORMAT_TEXT_WRITER_INTERNAL_H
#define TN_FORMAT_TEXT_WRITER_INTERNAL_H

#include "codec/codec.h"
#include "column/flatten.h"
#include "kernel/text.h"
#include "scan/writer.h"

#include <pthread.h>

typedef struct tn__row_writer tn__row_writer;

/* A flat, dense column as printing wants it. */
typedef struct tn__row_column {
    tn_column flat;
    tn_text_printer *print; /* NULL: strings, binary, nested */
} tn__row_column;

/* Appends `rows` rows; `written` were written to this group before. */
typedef void tn__print_rows(const tn__row_writer *writer, const tn__row_column *columns,
                            uint32_t rows, uint64_t written, tn_text *out);

struct tn__row_writer {
    tn_file_writer base;
    tn_pool *pool;
    tn_arena arena;
    tn_upload *upload; /* borrowed */
    tn_schema schema;
    tn_writer_options options;
    tn_codec codec;
    tn__print_rows *print;
    bool plain_scalars; /* CSV: the texts of numbers and times need no quotes */
    tn_str header;      /* before the first group, also where there is none */
    tn_str separator;   /* between groups */
    tn_str footer;
    const tn_str *names;  /* as JSON writes them, with the comma before and the colon behind */
    pthread_mutex_t lock; /* guards what follows */
    bool begun;           /* the header was written */
    bool any;             /* and a group */
    uint64_t rows, bytes;
};

/* A writer with everything but print, header, separator, footer and names. */
TN_FALLIBLE tn__row_writer_create(tn_upload *upload, const tn_schema *schema,
                                  const tn_writer_options *options, tn_pool *pool,
                                  tn__row_writer **out, tarn_error *err);
void tn__row_writer_destroy(tn_file_writer *writer);

#endif
