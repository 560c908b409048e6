/* page_internal.h - heads of pages, and pages taken from a range: checked and decompressed. */
#ifndef TN_FORMAT_PARQUET_PAGE_INTERNAL_H
#define TN_FORMAT_PARQUET_PAGE_INTERNAL_H

#include "codec/codec.h"
#include "format/parquet/format_internal.h"
#include "format/parquet/range_internal.h"

typedef struct tn_page_head {
    int kind; /* tn_page_kind, or another number: to be skipped */
    size_t raw_size, stored_size;
    size_t head_size; /* of its Thrift */
    uint32_t crc;
    bool has_crc, is_compressed;
    size_t value_count; /* with nulls */
    int encoding, def_encoding, rep_encoding;
    size_t null_count, row_count, def_size, rep_size; /* of v2 pages */
} tn_page_head;

enum {
    TN_PAGE_SIZE_MAX = 1 << 30,
    TN_PAGE_HEAD_MAX = 1 << 24 /* statistics stand in it */
};

/* `*ready` false: the bytes end before the head does. */
TN_FALLIBLE tn_page__head(const uint8_t *from, size_t size, tn_page_head *out, tn_ready *ready,
                          tarn_error *err);

/* A page's bytes as its encoders made them; `levels` and `body` are one block in v1 pages. */
typedef struct tn_page {
    tn_page_head head;
    tn_buffer *owner;
    const uint8_t *reps, *defs; /* v2 only */
    const uint8_t *body;
    size_t body_size;
} tn_page;

/* How a chunk's pages are made. */
typedef struct tn_page_making {
    tn_decompressor *decompressor;
    tn_codec codec;
    tn_buffer **spare; /* is used where it has the room, and NULL then */
    size_t before;     /* bytes that will stand before the values: these come to lie aligned */
} tn_page_making;

/* The next page of a chunk.  Data pages of at most `*skip` values are passed over undecoded, and
 * `*skip` falls by what they hold.  Padded by TN_BLOCK_PADDING readable bytes.  READY with owner
 * NULL and kind -1 at the chunk's end. */
TN_FALLIBLE tn_page__next(tn_range *range, const tn_page_making *making, size_t *skip, tn_page *out,
                          tn_ready *ready, tarn_error *err);
static inline void tn_page__release(tn_page *page)
{
    tn_buffer_release(page->owner);
    page->owner = NULL;
}

#endif
