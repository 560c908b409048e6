#include "format/parquet/page_internal.h"

#include "base/size.h"
#include "codec/crc.h"
#include "format/parquet/thrift_internal.h"

#include <inttypes.h>

enum {
    PAGE_ALIGN = 64,
    /* Where a copy reads what looks, by the low 12 bits of its address, like what it has just
     * written, it takes four times as long: long pages are kept half of that away. */
    FAR = 4096,
    FAR_MIN = 64 << 10,
    PAGE_ROUND = 4 << 10 /* pages of a chunk are about equal: the first one's room is for all */
};

static size_t take_size(tn_thrift *t, int type)
{
    const int64_t value = tn_thrift__int(t, type);
    if (value < 0 || value > INT32_MAX) {
        t->failed = true;
        return 0;
    }
    return (size_t)value;
}

/* Of a data page, or of a dictionary, which shares the first two fields. */
static void read_data_head(tn_thrift *t, int type, bool is_dictionary, tn_page_head *out)
{
    int id = 0;
    if (!tn_thrift__is_struct(t, type)) {
        return;
    }
    while ((type = tn_thrift__field(t, &id)) != TN_THRIFT_STOP) {
        switch (is_dictionary && id > 2 ? 0 : id) {
        case 1:
            out->value_count = take_size(t, type);
            break;
        case 2:
            out->encoding = (int)tn_thrift__int(t, type);
            break;
        case 3:
            out->def_encoding = (int)tn_thrift__int(t, type);
            break;
        case 4:
            out->rep_encoding = (int)tn_thrift__int(t, type);
            break;
        default:
            tn_thrift__skip(t, type);
        }
    }
}

static void read_data_head_v2(tn_thrift *t, int type, tn_page_head *out)
{
    int id = 0;
    if (!tn_thrift__is_struct(t, type)) {
        return;
    }
    out->def_encoding = out->rep_encoding = TN_PAGE_RLE;
    while ((type = tn_thrift__field(t, &id)) != TN_THRIFT_STOP) {
        switch (id) {
        case 1:
            out->value_count = take_size(t, type);
            break;
        case 2:
            out->null_count = take_size(t, type);
            break;
        case 3:
            out->row_count = take_size(t, type);
            break;
        case 4:
            out->encoding = (int)tn_thrift__int(t, type);
            break;
        case 5:
            out->def_size = take_size(t, type);
            break;
        case 6:
            out->rep_size = take_size(t, type);
            break;
        case 7:
            out->is_compressed = tn_thrift__bool(t, type);
            break;
        default:
            tn_thrift__skip(t, type);
        }
    }
}

TN_FALLIBLE tn_page__head(const uint8_t *from, size_t size, tn_page_head *out, tn_ready *ready,
                          tarn_error *err)
{
    tn_thrift reader = tn_thrift__over(from, size);
    tn_thrift *const t = &reader;
    int id = 0;
    int type;
    *out = (tn_page_head){.kind = -1, .is_compressed = true};
    *ready = TN_READY;
    while ((type = tn_thrift__field(t, &id)) != TN_THRIFT_STOP) {
        switch (id) {
        case 1:
            out->kind = (int)take_size(t, type);
            break;
        case 2:
            out->raw_size = take_size(t, type);
            break;
        case 3:
            out->stored_size = take_size(t, type);
            break;
        case 4:
            out->crc = (uint32_t)tn_thrift__int(t, type);
            out->has_crc = true;
            break;
        case 5:
        case 7:
            read_data_head(t, type, id == 7, out);
            break;
        case 8:
            read_data_head_v2(t, type, out);
            break;
        default:
            tn_thrift__skip(t, type);
        }
    }
    out->head_size = (size_t)(t->at - from);
    if (!t->failed) {
        return TARN_OK;
    }
    if (t->short_of_bytes && size < TN_PAGE_HEAD_MAX) {
        *ready = TN_NOT_READY;
        return TARN_OK;
    }
    return tn_fail(err, TARN_E_CORRUPT, "the head of a page is damaged");
}

/* No codec makes more of a byte than this, so no head can make us reserve what cannot come. */
static size_t expansion_max(tn_codec codec)
{
    switch (codec) {
    case TN_CODEC_NONE:
        return 1;
    case TN_CODEC_SNAPPY:
        return 64;
    case TN_CODEC_LZ4:
    case TN_CODEC_LZ4_HADOOP:
        return 256;
    case TN_CODEC_GZIP:
        return 1100;
    case TN_CODEC_ZSTD:
    case TN_CODEC_BROTLI:
    case TN_CODEC_LZO:
    case TN_CODEC_COUNT:
        break;
    }
    return 1 << 20;
}

/* The page before leaves its room to this one, mostly: it is warm, and no page of it is new. */
static TN_FALLIBLE make_room(tn_reading *reading, size_t size, tn_buffer **spare, tn_buffer **out,
                             tarn_error *err)
{
    tn_buffer *const left = *spare;
    *spare = NULL;
    if (left != NULL && left->size >= size && left->size / 2 <= size) {
        *out = left;
        return TARN_OK;
    }
    tn_reading__give(reading, left);
    return tn_reading__take(reading, tn_round_up(size, size < FAR_MIN ? PAGE_ALIGN : PAGE_ROUND),
                            out, err);
}

/* The part of a page behind its levels. */
static TN_FALLIBLE decompress(tn_range *range, const tn_page_making *making, size_t levels,
                              tn_page *out, const uint8_t **bytes, tarn_error *err)
{
    const tn_codec codec = making->codec;
    const uint8_t *const from = range->at;
    const size_t stored = out->head.stored_size - levels;
    const size_t raw = out->head.raw_size - levels;
    if (raw > TN_PAGE_SIZE_MAX || raw / expansion_max(codec) > stored) {
        return tn_fail(err, TARN_E_CORRUPT,
                       "a page claims to make %zu bytes of %zu, which %s cannot", raw, stored,
                       tn_codec_name(codec));
    }
    const size_t shift = (PAGE_ALIGN - making->before % PAGE_ALIGN) % PAGE_ALIGN;
    const size_t slack = raw < FAR_MIN ? 0 : FAR;
    const size_t wanted = shift + slack + out->head.raw_size + TN_BLOCK_PADDING;
    TN_RETURN_IF_ERROR(make_room(range->reading, wanted, making->spare, &out->owner, err));
    uint8_t *to = out->owner->data + shift;
    if (slack > 0) {
        to += ((uintptr_t)from - (uintptr_t)to - FAR / 2) % FAR / PAGE_ALIGN * PAGE_ALIGN;
    }
    *bytes = to;
    if (levels > 0) {
        memcpy(to, from, levels);
    }
    if (stored == 0 && raw == 0) { /* nothing was there to be compressed */
        return TARN_OK;
    }
    const tarn_code code = tn_decompress(making->decompressor, making->codec, from + levels, stored,
                                         to + levels, raw, err);
    if (code != TARN_OK) {
        tn_page__release(out);
    }
    return code;
}

static TN_FALLIBLE page_body(tn_range *range, const tn_page_making *making, tn_page *out,
                             tarn_error *err)
{
    const tn_page_head *const head = &out->head;
    const bool v2 = head->kind == TN_PAGE_DATA_V2;
    const size_t levels = v2 ? head->def_size + head->rep_size : 0;
    if (head->has_crc && tn_crc32(0, range->at, head->stored_size) != head->crc) {
        return tn_fail(err, TARN_E_CORRUPT, "the checksum of a page does not fit its bytes");
    }
    if (levels > head->stored_size || levels > head->raw_size) {
        return tn_fail(err, TARN_E_CORRUPT, "the levels of a page are longer than the page");
    }
    const uint8_t *bytes = range->at;
    size_t size = head->stored_size;
    if (making->codec == TN_CODEC_NONE || (v2 && !head->is_compressed)) {
        out->owner = tn_buffer_retain(range->buffer);
    } else {
        TN_RETURN_IF_ERROR(decompress(range, making, levels, out, &bytes, err));
        size = head->raw_size;
    }
    out->reps = bytes;
    out->defs = bytes + (v2 ? head->rep_size : 0);
    out->body = bytes + levels;
    out->body_size = size - levels;
    range->at += head->stored_size;
    tn_range__let_go(range);
    return TARN_OK;
}

TN_FALLIBLE tn_page__next(tn_range *range, const tn_page_making *making, size_t *skip, tn_page *out,
                          tn_ready *ready, tarn_error *err)
{
    for (;;) {
        *out = (tn_page){.head = {.kind = -1}};
        tn_ready whole = TN_NOT_READY;
        size_t want = 1;
        if (tn_range__left(range) == 0) {
            *ready = TN_READY;
            return TARN_OK;
        }
        while (whole == TN_NOT_READY) {
            TN_RETURN_IF_ERROR(tn_range__need(range, want, ready, err));
            if (*ready == TN_NOT_READY) {
                return TARN_OK;
            }
            want = tn_range__there(range);
            TN_RETURN_IF_ERROR(tn_page__head(range->at, want, &out->head, &whole, err));
            want = (size_t)(want + tn_min_size(want + 64, (size_t)1 << 16));
            if (whole == TN_NOT_READY && want > tn_range__left(range)) {
                want = (size_t)tn_range__left(range);
                if (want == tn_range__there(range)) {
                    return tn_fail(err, TARN_E_CORRUPT, "the head of a page is cut off");
                }
            }
        }
        const size_t size = out->head.head_size + out->head.stored_size;
        if (size > tn_range__left(range)) {
            return tn_fail(err, TARN_E_CORRUPT, "a page of %zu bytes reaches past its column chunk",
                           out->head.stored_size);
        }
        TN_RETURN_IF_ERROR(tn_range__need(range, size, ready, err));
        if (*ready == TN_NOT_READY) {
            return TARN_OK; /* the head is read again then: it is short */
        }
        range->at += out->head.head_size;
        const bool is_data = out->head.kind == TN_PAGE_DATA || out->head.kind == TN_PAGE_DATA_V2;
        if (is_data && out->head.value_count <= *skip) {
            *skip -= out->head.value_count;
        } else if (is_data || out->head.kind == TN_PAGE_DICTIONARY) {
            return page_body(range, making, out, err);
        }
        range->at += out->head.stored_size; /* an index page, or what is not invented yet */
    }
}
