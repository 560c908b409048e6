/*
 * text_internal.h - what CSV and JSON readers share: one object of text, cut into morsels of 16
 * MiB (of 2 at its end), read in blocks of 128 KiB, by as many tasks as like to.
 *
 * A morsel knows its first byte, not its first record.  It begins behind the first line end, which
 * is a guess where line ends may stand inside a record; each publishes where its records began and
 * ended, and neighbours must agree (decision 19).  A fault in a guessed morsel counts only once
 * the records before it were counted: where the guess was wrong, the morsel is read again.  Line
 * and row numbers are relative until something needs them; then the records before the morsel are
 * counted, once.
 */
#ifndef TN_FORMAT_TEXT_INTERNAL_H
#define TN_FORMAT_TEXT_INTERNAL_H

#include "base/vec.h"
#include "format/text/reader_internal.h"
#include "kernel/text.h"
#include "scan/source.h"

#include <pthread.h>

enum {
    TN__MORSEL_SIZE = 16 << 20,
    TN__BLOCK_SIZE = 128 << 10,
    TN__RECORD_SIZE_MAX = 16 << 20, /* by default */
    TN__SAMPLE_SIZE = 1 << 20,      /* larger where more records are to be looked at */
    TN__SAMPLE_SIZE_MAX = 1 << 30
};

/* A record, or a field of it, that cannot be taken.  Places are indices into the block. */
typedef struct tn__bad {
    uint32_t row;    /* of the batch, or UINT32_MAX where the record is in no batch */
    uint32_t record; /* its ordinal in the block */
    uint32_t start, end;
    uint32_t field_start, field_size;
    int32_t column; /* of the source's schema; -1: the whole record */
    tarn_code code;
    tn_reason why;
    const tn_type *type;      /* of the column, where the field is no value of it */
    uint32_t expected, found; /* fields, where the record has a wrong number of them */
    bool is_shown;            /* the field's text, though it is a matter of no type */
    bool fails;               /* whatever is done with bad records */
} tn__bad;

#define TN__NO_UTF8 "bytes that are no UTF-8"

typedef struct tn__text_source tn__text_source;

/* What knows a block of records.  One task, or its counting of records, uses a parser. */
typedef struct tn__text_parser {
    const struct tn__text_ops *ops;
    const tn__text_source *source;
    tn_pool *pool;
    /* The block, after index(): */
    char *text;
    size_t records;  /* in it, bad ones too */
    size_t newlines; /* in the bytes used */
    /* The batch, after parse(): */
    const tn_column *columns; /* one a wanted field */
    uint32_t rows;
    const uint32_t *ordinals; /* of its records in the block */
    const uint32_t *starts;   /* of its records in the text */
    /* Of the block and batch; cleared by who takes it. */
    tn__bad *bad;
    size_t bad_count, bad_capacity;
} tn__text_parser;

typedef struct tn__text_ops {
    const char *kind;   /* "csv" or "json" */
    size_t source_size; /* of the struct that begins with tn__text_source */
    tarn_code (*parser_create)(const tn__text_source *source, const uint32_t *fields,
                               uint32_t field_count, tn_pool *pool, tn__text_parser **out,
                               tarn_error *err);
    void (*parser_destroy)(tn__text_parser *parser);
    /* Behind the first record end, where the text begins outside quotes; SIZE_MAX: none. */
    size_t (*first_record)(tn__text_parser *parser, const char *text, size_t size);
    /*
     * Finds the records of the block, which begins with one; those that begin at `limit` or behind
     * are left.  *used: bytes of whole records (0: none).  `is_last`: the file ends here, so the
     * last record is whole; the byte behind the text may be written.
     */
    tarn_code (*index)(tn__text_parser *parser, char *text, size_t size, size_t limit, bool is_last,
                       size_t *used, tarn_error *err);
    /* The next rows of the block; 0 rows: there are no more. */
    tarn_code (*parse)(tn__text_parser *parser, tarn_error *err);
    /* Explains a bad field in the format's own options. */
    void (*hint)(const tn__text_source *source, const tn__bad *bad, tarn_error *err);
} tn__text_ops;

/* Made by a format; read-only then. */
struct tn__text_source {
    tn_source base;
    const tn__text_ops *ops;
    tn_pool *pool;
    tn_arena arena;
    tn_object *object; /* owned */
    bool is_local;
    tn_codec codec;
    uint64_t data_start;       /* of the first record in the (inflated) text */
    int64_t header_lines;      /* line ends before it */
    bool one_morsel;           /* records cannot be found from the middle */
    bool line_ends_in_records; /* each morsel counts what is before it first */
    bool drops_bad;            /* without an edge: left out instead of failing */
    bool is_pipeline;          /* hints name the keys of a pipeline's file */
    size_t record_size_max;
    uint32_t morsel_size;
    double row_bytes; /* about, from the sample; 0 unknown */
};

/* Fills in the ops of tn_source; the format has set the rest. */
void tn__text_source_start(tn__text_source *source, const tn__text_ops *ops);

/* Whole numbers from here on may be more than a DOUBLE holds. */
static inline bool tn__double_is_long(double value)
{
    return value >= 0x1p53 || value <= -0x1p53;
}
/* Refuses by name what begins as another format or in another encoding does. */
TN_FALLIBLE tn__text_refuse_binary(tn_str text, tarn_error *err);

/* "2026-01-31 13:05:00", or with up to six digits behind it: nothing of it is lost. */
static inline bool tn__text_is_plain_time(tn_str text)
{
    return text.size <= 26 && text.size >= 19 &&
           (text.size == 19 ? text.data[16] == ':' : text.data[19] == '.');
}
/* Of a time that was read: has it digits, other than 0, behind the microseconds? */
bool tn__text_is_fine(tn_str text);
/* Of a type that was inferred: why the value that was read is less than its text says, or NULL. */
tn_reason tn__text_loses(const tn_type *type, const void *values, uint32_t row, tn_str text);

TN_FALLIBLE tn__text_add_bad(tn__text_parser *parser, const tn__bad *bad, tarn_error *err);

/*
 * The first bytes of the text, inflated, for sniffing; fewer than `size` where the text is shorter,
 * and `*whole` tells.  Zeros before and behind.  Freed by tn__text_sample_free.  This waits.
 * The compression is "gzip", "zstd" or "none"; empty or "auto": by the object's name, else by its
 * first bytes; *codec says which it is.
 */
typedef struct tn__text_sample {
    tn_pool *pool;
    char *memory;
    size_t memory_size;
    char *text;
    size_t size;
    bool whole;
} tn__text_sample;
TN_FALLIBLE tn__text_sample_read(tn_object *object, tn_str compression, size_t size, tn_pool *pool,
                                 tn_codec *codec, tn__text_sample *out, tarn_error *err);
void tn__text_sample_free(tn__text_sample *sample);
/*
 * Of a sample that held `seen` records, where `wanted` (0: as many as there are in the usual one)
 * are to be looked at: is it enough?  Else *size is that of the next one, and the sample is freed.
 */
TN_FALLIBLE tn__text_sample_enough(tn__text_sample *sample, uint64_t seen, uint64_t wanted,
                                   size_t *size, bool *enough, tarn_error *err);

#endif
