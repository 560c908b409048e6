/*
 * content.h - what local inputs hold, as a hash: made of the bytes as a run reads them.
 *
 * A file is cut into leaves of 16 MiB, as the morsels of text are: each is hashed from its start on
 * by whoever reads it, and the file's hash is that of its leaves'.  What a run did not read, or not
 * in order (Parquet, and a scan that ended early), is read once at its end.
 *
 * Used by one thread, but for the bytes, which come from any.
 */
#ifndef TN_PIPELINE_CONTENT_H
#define TN_PIPELINE_CONTENT_H

#include "pipeline/bind_internal.h"

#include <pthread.h>

typedef struct tn_content tn_content;

typedef struct tn_contents {
    tn_watch watch; /* first */
    tn_dataflow *p;
    tn_content **items; /* by the address of a key and tag: a hash table of pointers */
    size_t count, capacity;
} tn_contents;

/* Watches the local ones of the files; everything lives in the arena.  tn_contents_close() must
 * follow once the files are closed, or were never opened. */
TN_FALLIBLE tn_contents_open(tn_contents *contents, tn_dataflow *p, const tn_source_pin *pins,
                             tn_arena *arena, tarn_error *err);
void tn_contents_close(tn_contents *contents);
/* The hash as 16 digits, once nothing reads any more: `*out` is empty where the file is another one
 * now.  `contents` may be NULL: all of it is read. */
TN_FALLIBLE tn_content_hash(tn_contents *contents, tn_dataflow *p, const tn_listed_file *file,
                            tn_arena *arena, tn_str *out, tarn_error *err);

#endif
