/* scan_internal.h - a scan of one text, and its tasks. */
#ifndef TN_FORMAT_TEXT_SCAN_INTERNAL_H
#define TN_FORMAT_TEXT_SCAN_INTERNAL_H

#include "format/text/text_internal.h"

/* What is known of a morsel.  Offsets are of record starts: of its first, and of the first behind
 * it. */
typedef struct tn__morsel {
    uint64_t from, to;
    uint64_t rows, lines; /* of its records */
    bool has_from, has_to, is_exact;
} tn__morsel;

/*
 * The end of a long text is cut finer, so that no task works alone for long while the others are
 * done: this many to a large morsel, in place of the last whole ones.
 */
enum { TN__SMALL_MORSELS = 8, TN__LAST_MORSELS = 2, TN__SMALL_MORSEL_MIN = 1 << 10 };

typedef struct tn__text_scan {
    tn_scan base;
    tn__text_source *source;
    tn_pool *pool;
    size_t size; /* of this struct with its fields */
    tn_scan_request request;
    uint32_t *fields;
    uint32_t morsel_count;
    uint32_t large_morsels; /* of the source's size; those behind have an eighth of it */
    _Atomic uint32_t next;
    _Atomic bool enough;
    _Atomic uint64_t bytes_read, rows_read, rows_out, rows_rejected;
    pthread_mutex_t lock; /* guards the morsels */
    tn__morsel *morsels;
} tn__text_scan;

/* Of the first byte; the records that begin from there to the next one's are the morsel's. */
static inline uint64_t tn__morsel_start(const tn__text_scan *scan, uint32_t index)
{
    const uint64_t size = scan->source->morsel_size;
    return index <= scan->large_morsels
               ? index * size
               : scan->large_morsels * size +
                     (index - scan->large_morsels) * (size / TN__SMALL_MORSELS);
}

/* Reads blocks of records from a place on. */
typedef struct tn__block_reader {
    tn__text_scan *scan;
    tn_pool *pool;
    tn__text_parser *parser;
    tn__text_reader reader;
    char *memory;    /* padding, text, padding */
    size_t capacity; /* of the text */
    size_t held;     /* bytes of text */
    size_t used;     /* by the records of the block; the rest is the next block's */
    uint64_t base;   /* the text's offset in the file */
    uint64_t limit;  /* records that begin here or behind are another morsel's */
    uint64_t skip;   /* bytes of inflated text still to be passed over */
    bool is_end;     /* no bytes are left */
    bool has_block;
} tn__block_reader;

typedef enum tn__block_answer { TN__BLOCK, TN__BLOCK_WAIT, TN__BLOCK_END } tn__block_answer;

TN_FALLIBLE tn__block_reader_init(tn__block_reader *blocks, tn__text_scan *scan,
                                  const uint32_t *fields, uint32_t field_count, tn_pool *pool,
                                  tarn_error *err);
void tn__block_reader_deinit(tn__block_reader *blocks);
/* Goes to a record start, for the records that begin before `limit`. */
TN_FALLIBLE tn__block_reader_seek(tn__block_reader *blocks, uint64_t offset, uint64_t limit,
                                  tarn_error *err);
/* Bytes only, from `offset`: looks for the first record behind it.  BLOCK: *found is its offset. */
TN_FALLIBLE tn__block_reader_find(tn__block_reader *blocks, tn_waker *waker, uint64_t *found,
                                  tn__block_answer *answer, tarn_error *err);
/* The next block of whole records, indexed.  END: none begins before the limit, and
 * tn__block_reader_at() is the first record behind. */
TN_FALLIBLE tn__block_reader_next(tn__block_reader *blocks, tn_waker *waker,
                                  tn__block_answer *answer, tarn_error *err);
/* Where the block begins, or the record behind the last one. */
static inline uint64_t tn__block_reader_at(const tn__block_reader *blocks)
{
    return blocks->base + (blocks->has_block ? 0 : blocks->used);
}
static inline char *tn__block_reader_text(const tn__block_reader *blocks)
{
    return blocks->memory + TN_BLOCK_PADDING;
}

typedef enum tn__phase {
    TN__NEXT,   /* take a morsel */
    TN__LOCATE, /* count what is before it */
    TN__SEEK,   /* find its first record */
    TN__READ,   /* get a block */
    TN__PARSE,  /* make batches of it */
    TN__DONE
} tn__phase;

typedef struct tn__text_task {
    tn_scan_task base;
    tn__text_scan *scan;
    tn_pool *pool;
    tn__phase phase, after_locate;
    tn__block_reader blocks;
    tn__block_reader counting; /* of what is before; made when first needed */
    bool has_counting, is_counting;
    uint32_t counting_morsel;
    uint64_t counting_from, rows_counted, lines_counted;

    uint32_t morsel;
    uint64_t from;
    bool is_exact;   /* `from` is no guess */
    bool is_located; /* base_rows and base_lines are known */
    uint64_t base_rows, base_lines;
    uint64_t rows, lines; /* of the morsel's blocks before this one */
    uint64_t rows_handed; /* of this morsel */
    uint32_t part;
    bool has_batch; /* parsed, and its faults are to be seen to */

    uint32_t width;
    tn_column *columns;
    uint16_t *selection;
    uint64_t *dropped; /* bits: rows of the batch that are bad */
    int64_t *row_numbers, *line_numbers;
    tn_view file_name;
    int64_t modified;
} tn__text_task;

tarn_code tn__text_task_open(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err);
tarn_code tn__text_task_read(tn_scan_task *task, tn_waker *waker, tn_batch *out,
                             tn_scan_answer *answer, tarn_error *err);
void tn__text_task_close(tn_scan_task *task);
bool tn__text_task_place(tn_scan_task *task, tn_waker *waker, tn_scan_place *out);
TN_FALLIBLE tn__text_fail_guess(const tn__text_scan *scan, uint64_t at, tarn_error *err);

/* Numbers, messages and rejects of the parser's bad records; `dropped` gets a bit a row. */
TN_FALLIBLE tn__text_take_bad(tn__text_task *task, uint32_t *dropped, tarn_error *err);
/* The line and the row of a record of the block, from 1. */
int64_t tn__text_line_of(const tn__text_task *task, uint32_t start);
int64_t tn__text_row_of(const tn__text_task *task, uint32_t record);

#endif
