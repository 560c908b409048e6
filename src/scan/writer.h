/*
 * writer.h - everything that batches can be written to as files: Parquet, CSV, NDJSON (decision
 * 13).
 *
 * A *file writer* makes one file over an upload.  Its rows come in groups: a whole source morsel
 * (or what a task gathered of one partition) is encoded by one worker without a lock (group_begin,
 * batches, group_end), and only the file offset and the footer are shared.  Nothing is visible
 * before the upload's finish.
 */
#ifndef TN_SCAN_WRITER_H
#define TN_SCAN_WRITER_H

#include "scan/source.h"
#include "store/store.h"

typedef struct tn_file_writer tn_file_writer;
typedef struct tn_group_writer tn_group_writer;

/* What a finished file holds: the same receipt feeds Delta, COPY and a listing. */
typedef struct tn_file_receipt {
    uint64_t rows, bytes;
    uint32_t column_count;
    tn_column_statistics
        *columns; /* one a top-level column, in the writer's arena; nested: nulls only */
} tn_file_receipt;

typedef struct tn_writer_options {
    tn_str codec;         /* "snappy", "zstd", "gzip", "lz4", "none"; empty: the format's default */
    int codec_level;      /* 0: default */
    uint64_t group_rows;  /* 0: default */
    uint64_t group_bytes; /* 0: default */
    bool plain_only;      /* Parquet: PLAIN instead of DELTA, for old readers */
    char delimiter, quote, escape; /* CSV; 0: default */
    bool no_header;                /* CSV */
    tn_str null_text;              /* CSV; empty by default */
    bool json_strings;             /* integers beyond 2^53 and decimals as strings */
    const char *created_by;
} tn_writer_options;

typedef struct tn_file_writer_ops {
    /* A group of rows by one worker, which should hold `room` bytes of memory at most; 0: any. */
    tarn_code (*group_begin)(tn_file_writer *writer, tn_pool *pool, size_t room,
                             tn_group_writer **out, tarn_error *err);
    /* Rows of the batch's selection; columns in the order of the schema. */
    tarn_code (*group_write)(tn_group_writer *group, const tn_batch *batch, tarn_error *err);
    /* Bytes this group would take by now, about: the caller ends it when it is large enough. */
    uint64_t (*group_bytes)(const tn_group_writer *group);
    /* Bytes of memory it holds by now, about: it is ended, too, where that is too much.  NULL:
     * little beside what it would take. */
    size_t (*group_memory)(const tn_group_writer *group);
    /* Appends the encoded group to the upload and frees the group, also on failure.  When the
     * upload has no room: *taken false, and `waker` will be called: call again. */
    tarn_code (*group_end)(tn_group_writer *group, tn_waker *waker, bool *taken, tarn_error *err);
    void (*group_abort)(tn_group_writer *group);
    uint64_t (*file_bytes)(const tn_file_writer *writer); /* written so far, about */
    /* Writes the footer; the caller finishes the upload.  The receipt lives in `arena`. */
    tarn_code (*finish)(tn_file_writer *writer, tn_arena *arena, tn_file_receipt *out,
                        tarn_error *err);
    void (*destroy)(tn_file_writer *writer); /* the upload stays the caller's */
} tn_file_writer_ops;

struct tn_file_writer {
    const tn_file_writer_ops *ops;
};
struct tn_group_writer {
    const tn_file_writer_ops *ops;
};

/* What session/ knows of a format. `upload` is borrowed. */
typedef tarn_code tn_file_writer_open(tn_upload *upload, const tn_schema *schema,
                                      const tn_writer_options *options, tn_pool *pool,
                                      tn_file_writer **out, tarn_error *err);

#endif
