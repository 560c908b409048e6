/* One leaf of a row group in the making: values to pages. */
#include "format/parquet/write_internal.h"

#include "base/size.h"
#include "codec/bits.h"
#include "codec/crc.h"
#include "codec/delta.h"
#include "codec/rle.h"

enum {
    SPAN_START = 6144,
    STEP = 1024,
    SEEN_MAX = 256,
    SAMPLE_MIN = 16 << 10, /* bytes of a page that tells whether compression gains */
    /* Room before a page's PLAIN values and texts: what goes before them is put there, where it is
     * short enough, so that they need not be copied.  Levels, and lengths. */
    GAP = 32,
    GAP_OF_TEXTS = 24 << 10
};

void tn_out_shared__open(tn_out_shared *shared, size_t memory, size_t leaves, tn_pool *pool)
{
    enum { PAGE_SHARE = 4, DICTIONARY_LEAST = 24 << 10, HEAD_MAX = 1 << 10 };
    const size_t share = memory / tn_max_size(leaves, 1);
    *shared = (tn_out_shared){.pool = pool, .page_bytes = TN_OUT_PAGE_BYTES};
    tn_text_init(&shared->head, pool, HEAD_MAX);
    if (memory > 0 && share / PAGE_SHARE < TN_OUT_PAGE_BYTES) {
        shared->is_short = true;
        shared->no_dictionaries = share < DICTIONARY_LEAST;
        shared->page_bytes = tn_max_size(share / PAGE_SHARE, TN_OUT_PAGE_BYTES_MIN);
    }
}

void tn_out_shared__close(tn_out_shared *shared)
{
    if (shared->pool == NULL) {
        return;
    }
    tn_out_room__free(shared->pool, &shared->scratch);
    tn_out_room__free(shared->pool, &shared->packed);
    tn_text_deinit(&shared->head);
    if (shared->has_compressor) {
        tn_compressor_deinit(&shared->compressor);
    }
    shared->pool = NULL;
}

void tn_out__open(tn_out_column *column, const tn_out_layout *layout, uint32_t leaf,
                  tn_out_shared *shared)
{
    *column = (tn_out_column){.leaf = &layout->leaves[leaf],
                              .layout = layout,
                              .shared = shared,
                              .pool = shared->pool,
                              .codec = layout->codec};
    column->pages.pool = shared->pool;
}

static TN_FALLIBLE grow_values(tn_out_column *column, size_t more, tarn_error *err)
{
    const bool is_first = column->values.capacity == 0;
    return tn_out_room__grow(column->pool, &column->values,
                             is_first ? tn_max_size(more, column->values_hint) : more, err);
}

static TN_FALLIBLE grow_body(tn_out_column *column, size_t more, tarn_error *err)
{
    tn_out_room *const body = &column->body;
    if (more > TN_OUT_BODY_MAX || body->size > TN_OUT_BODY_MAX - more) {
        return tn_fail(err, TARN_E_LIMIT, "a column is too large for one row group");
    }
    const size_t needed = body->size + more;
    if (needed <= body->capacity) {
        return TARN_OK;
    }
    const size_t wish = column->shared->is_short ? needed + needed / 4
                        : body->capacity == 0    ? tn_max_size(needed, column->body_hint)
                                                 : tn_max_size(needed, 2 * body->capacity);
    return tn_out_room__reserve(column->pool, body, wish, err);
}

/* What was gathered is in the body now: it goes before the next column needs room for its own. */
static void free_gathered(tn_out_column *column)
{
    tn_out_room *const rooms[] = {&column->defs, &column->reps, &column->values, &column->lengths};
    for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
        tn_out_room__free(column->pool, rooms[i]);
    }
    tn_out_dictionary__close(column);
}

void tn_out__close(tn_out_column *column)
{
    if (column->pool == NULL) {
        return;
    }
    free_gathered(column);
    tn_vec_free(&column->pages);
    tn_out_room__free(column->pool, &column->body);
    column->pool = NULL;
}

size_t tn_out__bytes(const tn_out_column *column)
{
    const size_t waiting = column->mode == TN_OUT_DICTIONARY
                               ? column->value_count * tn_bit_width(column->dictionary.count) / 8
                               : column->values.size / (column->mode == TN_OUT_DELTA ? 2 : 1);
    return column->body.size + waiting + column->dictionary.heap_size;
}

size_t tn_out__memory(const tn_out_column *column)
{
    const tn_out_dictionary *const dictionary = &column->dictionary;
    return column->body.capacity + column->values.capacity + column->defs.capacity +
           column->reps.capacity + column->lengths.capacity +
           dictionary->slot_count * sizeof(uint16_t) + dictionary->entries.capacity +
           dictionary->heap_size + column->pages.capacity * sizeof(tn_out_page);
}

static const tn_out_node *node_of(const tn_out_column *column)
{
    return &column->layout->nodes[column->leaf->node];
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void put_page_head(tn_text *to, int kind, size_t raw, size_t stored, uint32_t crc,
                          size_t values, int encoding)
{
    tn_thrift_out out = {.to = to};
    tn_thrift__put_struct(&out, 0);
    tn_thrift__put_i32(&out, 1, kind);
    tn_thrift__put_i32(&out, 2, (int64_t)raw);
    tn_thrift__put_i32(&out, 3, (int64_t)stored);
    tn_thrift__put_i32(&out, 4, (int32_t)crc);
    tn_thrift__put_struct(&out, kind == TN_PAGE_DICTIONARY ? 7 : 5);
    tn_thrift__put_i32(&out, 1, (int64_t)values);
    tn_thrift__put_i32(&out, 2, encoding);
    if (kind != TN_PAGE_DICTIONARY) {
        tn_thrift__put_i32(&out, 3, TN_PAGE_RLE);
        tn_thrift__put_i32(&out, 4, TN_PAGE_RLE);
    }
    tn_thrift__end_struct(&out);
    tn_thrift__end_struct(&out);
}

tn_codec tn_out__codec(const tn_out_column *column)
{
    return column->mode == TN_OUT_PLAIN || column->mode == TN_OUT_LENGTHS ? column->codec
                                                                          : TN_CODEC_NONE;
}

int tn_out__encoding(tn_out_mode mode)
{
    return mode == TN_OUT_DICTIONARY ? TN_PAGE_RLE_DICTIONARY
           : mode == TN_OUT_DELTA    ? TN_PAGE_DELTA_BINARY_PACKED
           : mode == TN_OUT_LENGTHS  ? TN_PAGE_DELTA_LENGTH_BYTES
                                     : TN_PAGE_PLAIN;
}

/* Is a first page of `raw` bytes worth the time that a fast codec takes here and at each reading?
 * Numbers that are not coded are noise but for a few bits; the slow codecs are asked for by name.
 */
static bool gains(const tn_out_column *column, size_t raw, size_t stored)
{
    const bool is_fast = column->codec == TN_CODEC_SNAPPY || column->codec == TN_CODEC_LZ4;
    const size_t least = column->leaf->kind == TN_OUT_VIEW ? raw / 8 : raw / 10 * 3;
    return !is_fast || raw < SAMPLE_MIN || stored + least <= raw;
}

/* A page's bytes, compressed where that is the way, to the body.  What the chunk's first page gains
 * decides for all of them, since a chunk has one codec. */
static TN_FALLIBLE put_page(tn_out_column *column, const uint8_t *bytes, size_t raw, int kind,
                            size_t values, int encoding, tarn_error *err)
{
    size_t stored = raw;
    tn_out_shared *const shared = column->shared;
    tn_out_room *const body = &column->body;
    const tn_codec codec = tn_out__codec(column);
    if (codec != TN_CODEC_NONE) {
        if (!shared->has_compressor) {
            TN_RETURN_IF_ERROR(tn_compressor_init(&shared->compressor, codec, column->layout->level,
                                                  column->pool, err));
            shared->has_compressor = true;
        }
        shared->packed.size = 0;
        stored = tn_compress_bound(codec, raw);
        TN_RETURN_IF_ERROR(tn_out_room__grow(column->pool, &shared->packed, stored, err));
        TN_RETURN_IF_ERROR(
            tn_compress(&shared->compressor, bytes, raw, shared->packed.data, &stored, err));
        if (body->size == 0 && !gains(column, raw, stored)) {
            column->codec = TN_CODEC_NONE;
            stored = raw;
        } else {
            bytes = shared->packed.data;
        }
    }
    tn_text_clear(&shared->head);
    put_page_head(&shared->head, kind, raw, stored, tn_crc32(0, bytes, stored), values, encoding);
    TN_RETURN_IF_ERROR(tn_text_status(&shared->head, err));
    TN_RETURN_IF_ERROR(grow_body(column, shared->head.size + stored, err));
    memcpy(body->data + body->size, shared->head.data, shared->head.size);
    body->size += shared->head.size;
    if (stored > 0) {
        memcpy(body->data + body->size, bytes, stored);
    }
    body->size += stored;
    column->raw_size += shared->head.size + raw;
    return TARN_OK;
}

/* Levels of a v1 page: 4 bytes of size, then runs. */
static TN_FALLIBLE put_levels(tn_out_column *column, const uint16_t *levels, size_t count,
                              unsigned max, tarn_error *err)
{
    const unsigned width = tn_bit_width(max);
    tn_out_room *const to = &column->shared->scratch;
    TN_RETURN_IF_ERROR(tn_out_room__grow(column->pool, to, tn_rle_bound(count, width) + 4, err));
    const uint32_t size = (uint32_t)tn_rle_write_u16(levels, count, width, to->data + to->size + 4);
    memcpy(to->data + to->size, &size, 4);
    to->size += 4 + (size_t)size;
    return TARN_OK;
}

static TN_FALLIBLE put_flat_levels(tn_out_column *column, size_t first, size_t count,
                                   tarn_error *err)
{
    uint64_t bits[2 * TN_OUT_PAGE_ROWS / 64];
    tn_out_room *const to = &column->shared->scratch;
    TN_RETURN_IF_ERROR(tn_out_room__grow(column->pool, to, tn_rle_bound(count, 1) + 4, err));
    tn_bitmap_copy(bits, column->defs.data, first, count);
    const uint32_t size = (uint32_t)tn_rle_write_bits(bits, count, to->data + to->size + 4);
    memcpy(to->data + to->size, &size, 4);
    to->size += 4 + (size_t)size;
    return TARN_OK;
}

/* `values` are those of the page: codes, integers, or stored bytes of `value_size` altogether. */
static TN_FALLIBLE put_values(tn_out_column *column, const uint8_t *values, size_t count,
                              size_t value_size, tarn_error *err)
{
    tn_out_room *const to = &column->shared->scratch;
    if (column->mode == TN_OUT_DICTIONARY) {
        unsigned width = tn_bit_width(column->dictionary.count - 1);
        width = width == 0 ? 1 : width;
        TN_RETURN_IF_ERROR(
            tn_out_room__grow(column->pool, to, tn_rle_bound(count, width) + 1, err));
        to->data[to->size++] = (uint8_t)width;
        to->size += tn_rle_write_u16((const uint16_t *)(const void *)values, count, width,
                                     to->data + to->size);
        return TARN_OK;
    }
    if (column->mode == TN_OUT_DELTA) {
        const int64_t *const wide = (const int64_t *)(const void *)values;
        TN_RETURN_IF_ERROR(tn_out_room__grow(column->pool, to, tn_delta_bound(count), err));
        if (column->leaf->size == 8) {
            to->size += tn_delta_write_i64(wide, count, to->data + to->size);
            return TARN_OK;
        }
        column->shared->packed.size = 0;
        TN_RETURN_IF_ERROR(
            tn_out_room__grow(column->pool, &column->shared->packed, count * sizeof(int32_t), err));
        int32_t *const narrow = (int32_t *)(void *)column->shared->packed.data;
        for (size_t i = 0; i < count; i++) {
            narrow[i] = (int32_t)wide[i];
        }
        to->size += tn_delta_write_i32(narrow, count, to->data + to->size);
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_out_room__grow(column->pool, to, value_size, err));
    if (value_size > 0) {
        memcpy(to->data + to->size, values, value_size);
        to->size += value_size;
    }
    return TARN_OK;
}

/* The bytes before the values gathered for a page. */
static size_t gap_of(const tn_out_column *column)
{
    return column->mode == TN_OUT_LENGTHS && !column->shared->is_short ? GAP_OF_TEXTS
           : column->mode == TN_OUT_LENGTHS ||
                   (column->mode == TN_OUT_PLAIN && column->leaf->kind != TN_OUT_BOOL)
               ? GAP
               : 0;
}

static TN_FALLIBLE put_lengths(tn_out_column *column, size_t count, tarn_error *err)
{
    tn_out_room *const to = &column->shared->scratch;
    const int32_t *const lengths = (const int32_t *)(const void *)column->lengths.data;
    TN_RETURN_IF_ERROR(tn_out_room__grow(column->pool, to, tn_delta_bound(count), err));
    to->size += tn_delta_write_i32(lengths, count, to->data + to->size);
    return TARN_OK;
}

/* Writes a page whose levels begin at `first_level`. */
static TN_FALLIBLE write_page(tn_out_column *column, tn_out_page *page, size_t first_level,
                              const uint8_t *values, size_t value_size, tarn_error *err)
{
    const tn_out_node *const node = node_of(column);
    const uint16_t *const defs = (const uint16_t *)(const void *)column->defs.data;
    const uint16_t *const reps = (const uint16_t *)(const void *)column->reps.data;
    column->shared->scratch.size = 0;
    if (node->rep > 0) {
        TN_RETURN_IF_ERROR(put_levels(column, reps + first_level, page->levels, node->rep, err));
    }
    if (node->def > 0) {
        TN_RETURN_IF_ERROR(
            column->leaf->is_flat
                ? put_flat_levels(column, first_level, page->levels, err)
                : put_levels(column, defs + first_level, page->levels, node->def, err));
    }
    if (column->mode == TN_OUT_LENGTHS) {
        TN_RETURN_IF_ERROR(put_lengths(column, page->values, err));
    }
    const uint8_t *bytes;
    size_t raw;
    const size_t gap = value_size > 0 ? gap_of(column) : 0;
    const size_t before = column->shared->scratch.size;
    if (gap > 0 && value_size > gap && before <= gap) {
        uint8_t *const first = column->values.data + gap - before;
        if (before > 0) {
            memcpy(first, column->shared->scratch.data, before);
        }
        bytes = first;
        raw = before + value_size - gap;
    } else {
        TN_RETURN_IF_ERROR(put_values(column, gap > 0 ? values + gap : values, page->values,
                                      value_size - gap, err));
        bytes = column->shared->scratch.data;
        raw = column->shared->scratch.size;
    }
    page->offset = column->body.size;
    TN_RETURN_IF_ERROR(put_page(column, bytes, raw, TN_PAGE_DATA, page->levels,
                                tn_out__encoding(column->mode), err));
    page->stored_size = column->body.size - page->offset;
    return TARN_OK;
}

static TN_FALLIBLE close_page(tn_out_column *column, tarn_error *err)
{
    tn_out_page *const page = &column->page;
    if (page->rows == 0) {
        return TARN_OK;
    }
    if (column->mode != TN_OUT_DICTIONARY) {
        if (column->mode == TN_OUT_UNDECIDED) { /* only nulls so far */
            column->mode = TN_OUT_PLAIN;
        }
        TN_RETURN_IF_ERROR(
            write_page(column, page, 0, column->values.data, column->values.size, err));
        column->defs.size = column->reps.size = column->values.size = column->lengths.size = 0;
        column->level_count = column->value_count = 0;
    }
    tn_out__merge(column->leaf, &column->bounds, &page->bounds);
    TN_RETURN_IF_ERROR(tn_vec_push(&column->pages, *page, err));
    *page = (tn_out_page){.first_row = column->rows};
    return TARN_OK;
}

/* ---- values ---------------------------------------------------------------------------------- */

static TN_FALLIBLE store_views(tn_out_column *column, const tn_view *views, size_t count,
                               tarn_error *err)
{
    size_t total = 4 * count;
    for (size_t i = 0; i < count; i++) {
        total += views[i].size;
    }
    TN_RETURN_IF_ERROR(grow_values(column, total + TN_BLOCK_PADDING, err));
    uint8_t *to = column->values.data + column->values.size;
    for (size_t i = 0; i < count; i++) {
        const size_t size = views[i].size;
        memcpy(to, &views[i].size, 4);
        if (size <= TN_VIEW_INLINE) {
            memcpy(to + 4, (const char *)&views[i] + 4, TN_VIEW_INLINE);
        } else {
            memcpy(to + 4, views[i].data, size);
        }
        to += 4 + size;
    }
    column->values.size += total;
    return TARN_OK;
}

/* At least 16 bytes are copied: to what will be written next. */
static void copy_text(uint8_t *to, const char *from, size_t size)
{
    if (size < 16) {
        memcpy(to, from, size);
        return;
    }
    for (size_t at = 0; at + 16 < size; at += 16) {
        memcpy(to + at, from + at, 16);
    }
    memcpy(to + size - 16, from + size - 16, 16);
}

/* Their lengths go before all of them, which compresses better and faster than between them. */
static TN_FALLIBLE store_texts(tn_out_column *column, const tn_view *views, size_t count,
                               tarn_error *err)
{
    size_t total = 0;
    TN_RETURN_IF_ERROR(
        tn_out_room__grow(column->pool, &column->lengths, count * sizeof(int32_t), err));
    int32_t *const lengths = (int32_t *)(void *)(column->lengths.data + column->lengths.size);
    for (size_t i = 0; i < count; i++) {
        lengths[i] = (int32_t)views[i].size;
        total += views[i].size;
    }
    TN_RETURN_IF_ERROR(grow_values(column, total + TN_BLOCK_PADDING, err));
    uint8_t *to = column->values.data + column->values.size;
    for (size_t i = 0; i < count; i++) {
        const size_t size = views[i].size;
        if (size <= TN_VIEW_INLINE) {
            memcpy(to, (const char *)&views[i] + 4, TN_VIEW_INLINE);
        } else {
            copy_text(to, views[i].data, size);
        }
        to += size;
    }
    column->lengths.size += count * sizeof(int32_t);
    column->values.size += total;
    return TARN_OK;
}

static TN_FALLIBLE store_bits(tn_out_column *column, const uint64_t *bits, size_t count,
                              tarn_error *err)
{
    const size_t bytes = (column->value_count + count + 7) / 8;
    TN_RETURN_IF_ERROR(
        tn_out_room__grow(column->pool, &column->values, bytes - column->values.size, err));
    memset(column->values.data + column->values.size, 0, bytes - column->values.size);
    for (size_t i = 0; i < count; i++) {
        const size_t at = column->value_count + i;
        column->values.data[at / 8] |= (uint8_t)(tn_bit_get(bits, i) << (at % 8));
    }
    column->values.size = bytes;
    return TARN_OK;
}

static TN_FALLIBLE store_interval(const tn_interval *value, uint8_t *to, tarn_error *err)
{
    const int64_t millis = value->nanos / 1000000;
    if (value->nanos % 1000000 != 0 || millis < 0 || millis > UINT32_MAX || value->months < 0 ||
        value->days < 0) {
        return tn_fail(err, TARN_E_INVALID,
                       "Parquet's intervals hold no negative parts and nothing finer than a "
                       "millisecond");
    }
    const uint32_t parts[3] = {(uint32_t)value->months, (uint32_t)value->days, (uint32_t)millis};
    memcpy(to, parts, 12);
    return TARN_OK;
}

/* Values to the page as PLAIN stores them; integers of a page to be packed stay 64 bits wide. */
static TN_FALLIBLE store(tn_out_column *column, const void *values, size_t count, tarn_error *err)
{
    const tn_out_leaf *const leaf = column->leaf;
    const size_t gap = gap_of(column);
    if (column->values.size == 0 && gap > 0) {
        TN_RETURN_IF_ERROR(grow_values(column, gap, err));
        memset(column->values.data, 0, gap);
        column->values.size = gap;
    }
    if (column->mode == TN_OUT_LENGTHS) {
        return store_texts(column, values, count, err);
    }
    if (leaf->kind == TN_OUT_VIEW) {
        return store_views(column, values, count, err);
    }
    if (leaf->kind == TN_OUT_BOOL) {
        return store_bits(column, values, count, err);
    }
    const size_t size = column->mode == TN_OUT_DELTA ? 8 : leaf->size;
    TN_RETURN_IF_ERROR(grow_values(column, count * size, err));
    uint8_t *const to = column->values.data + column->values.size;
    column->values.size += count * size;
    if (leaf->kind == TN_OUT_WIDE) {
        const size_t lane = tn_lane_size(leaf->lane);
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < size; k++) {
                to[i * size + k] = ((const uint8_t *)values)[i * lane + size - 1 - k];
            }
        }
    } else if (leaf->kind == TN_OUT_INTERVAL) {
        for (size_t i = 0; i < count; i++) {
            TN_RETURN_IF_ERROR(store_interval(&((const tn_interval *)values)[i], to + 12 * i, err));
        }
    } else if (size == tn_lane_size(leaf->lane)) {
        memcpy(to, values, count * size);
    } else {
        const int64_t *const wide = values;
        for (size_t i = 0; i < count; i++) {
            const int32_t narrow = (int32_t)wide[i];
            memcpy(to + 4 * i, &narrow, 4);
        }
    }
    return TARN_OK;
}

static tn_out_mode fallback_of(const tn_out_column *column)
{
    const bool is_integer = column->leaf->kind == TN_OUT_INT || column->leaf->kind == TN_OUT_UINT;
    return column->layout->plain_only          ? TN_OUT_PLAIN
           : is_integer                        ? TN_OUT_DELTA
           : column->leaf->kind == TN_OUT_VIEW ? TN_OUT_LENGTHS
                                               : TN_OUT_PLAIN;
}

/* A dictionary's entries for codes. */
static TN_FALLIBLE store_codes(tn_out_column *column, const uint16_t *codes, size_t count,
                               tarn_error *err)
{
    const tn_out_leaf *const leaf = column->leaf;
    for (size_t done = 0; done < count; done += STEP) {
        const size_t some = tn_min_size(count - done, STEP);
        union {
            tn_view views[STEP];
            uint64_t wide[STEP];
            uint32_t narrow[STEP];
        } values;
        for (size_t i = 0; i < some; i++) {
            const uint16_t code = codes[done + i];
            if (leaf->kind == TN_OUT_VIEW) {
                values.views[i] = ((const tn_view *)(void *)column->dictionary.entries.data)[code];
            } else {
                const uint64_t entry =
                    ((const uint64_t *)(void *)column->dictionary.entries.data)[code];
                if (tn_lane_size(leaf->lane) == 4) {
                    values.narrow[i] = (uint32_t)entry;
                } else {
                    values.wide[i] = entry;
                }
            }
        }
        TN_RETURN_IF_ERROR(store(column, &values, some, err));
        column->value_count += some;
    }
    return TARN_OK;
}

/* Values come that the dictionary cannot hold: the pages that wait are written as values, and the
 * open one goes on as such. */
static TN_FALLIBLE leave_dictionary(tn_out_column *column, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_out_room codes = column->values;
    const uint16_t *at = (const uint16_t *)(const void *)codes.data;
    size_t first_level = 0;
    column->values = (tn_out_room){0};
    column->value_count = 0;
    column->mode = fallback_of(column);
    for (size_t i = 0; i < column->pages.count; i++) {
        tn_out_page *const page = &column->pages.items[i];
        TN_TRY(store_codes(column, at, page->values, err));
        TN_TRY(
            write_page(column, page, first_level, column->values.data, column->values.size, err));
        at += page->values;
        first_level += page->levels;
        column->values.size = column->lengths.size = column->value_count = 0;
    }
    TN_TRY(store_codes(column, at, column->page.values, err));
    column->level_count -= first_level;
    if (column->leaf->is_flat && column->defs.size > 0) {
        tn_bitmap_copy((uint64_t *)(void *)column->defs.data, column->defs.data, first_level,
                       column->level_count);
        column->defs.size = tn_bitmap_words(column->level_count) * 8;
    } else if (column->defs.size > 0) {
        memmove(column->defs.data, column->defs.data + 2 * first_level, 2 * column->level_count);
        column->defs.size = 2 * column->level_count;
    }
    if (column->reps.size > 0) {
        memmove(column->reps.data, column->reps.data + 2 * first_level, 2 * column->level_count);
        column->reps.size = 2 * column->level_count;
    }
    tn_out_dictionary__close(column);
done:
    tn_out_room__free(column->pool, &codes);
    return code;
}

static TN_FALLIBLE decide_integers(tn_out_column *column, const int64_t *values, size_t count,
                                   bool *direct, tarn_error *err)
{
    bool falls = false;
    for (size_t i = 1; i < count; i++) {
        falls |= values[i] < values[i - 1];
    }
    const int64_t least = column->page.bounds.i64[0];
    const int64_t most = column->page.bounds.i64[1];
    const uint64_t span = (uint64_t)most - (uint64_t)least;
    const bool rises = !falls && span > 0;
    *direct = false;
    if (rises && count >= 16) {
        column->mode = fallback_of(column);
        return TARN_OK;
    }
    if (column->leaf->kind == TN_OUT_INT && span < SPAN_START && !column->shared->no_dictionaries) {
        column->mode = TN_OUT_DICTIONARY;
        *direct = true;
        return tn_out_dictionary__open(column, true, least, most, err);
    }
    return TARN_OK;
}

/* The first values of the group choose. */
static TN_FALLIBLE decide(tn_out_column *column, const void *values, size_t count, tarn_error *err)
{
    const tn_out_kind kind = column->leaf->kind;
    uint16_t codes[TN_BATCH_ROWS];
    bool full = false;
    bool direct = false;
    if (kind == TN_OUT_INT || kind == TN_OUT_UINT) {
        TN_RETURN_IF_ERROR(decide_integers(column, values, count, &direct, err));
    } else if (kind != TN_OUT_FLOAT && kind != TN_OUT_VIEW) {
        column->mode = TN_OUT_PLAIN;
    }
    if (column->mode == TN_OUT_UNDECIDED && column->shared->no_dictionaries) {
        column->mode = fallback_of(column);
    }
    if (column->mode != TN_OUT_UNDECIDED) {
        return TARN_OK;
    }
    const size_t some = tn_min_size(count, TN_BATCH_ROWS);
    TN_RETURN_IF_ERROR(tn_out_dictionary__open(column, false, 0, 0, err));
    TN_RETURN_IF_ERROR(tn_out_dictionary__add(column, values, some, codes, &full, err));
    column->mode = TN_OUT_DICTIONARY;
    if (full || (some >= 16 && column->dictionary.count > some / 2)) {
        tn_out_dictionary__close(column);
        column->mode = fallback_of(column);
    }
    return TARN_OK;
}

/* Bounds of strings that are coded: each entry met is looked at once, not each value. */
static void see_entries(tn_out_column *column, const uint16_t *codes, size_t count)
{
    const tn_view *const entries = (const tn_view *)(void *)column->dictionary.entries.data;
    uint8_t met[SEEN_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        met[codes[i]] = 1;
    }
    for (size_t i = 0; i < column->dictionary.count; i++) {
        if (met[i] != 0) {
            tn_out__see(column->leaf, &entries[i], 1, &column->page.bounds);
        }
    }
}

static TN_FALLIBLE add_values(tn_out_column *column, const void *values, size_t count,
                              tarn_error *err)
{
    if (count == 0) {
        return TARN_OK;
    }
    const bool by_entry = column->leaf->kind == TN_OUT_VIEW && column->mode == TN_OUT_DICTIONARY &&
                          column->dictionary.count <= SEEN_MAX / 2;
    bool seen = !by_entry;
    if (!by_entry) {
        tn_out__see(column->leaf, values, count, &column->page.bounds);
    }
    if (column->mode == TN_OUT_UNDECIDED) {
        TN_RETURN_IF_ERROR(decide(column, values, count, err));
    }
    if (column->mode == TN_OUT_DICTIONARY) {
        bool full;
        TN_RETURN_IF_ERROR(grow_values(column, count * sizeof(uint16_t), err));
        TN_RETURN_IF_ERROR(tn_out_dictionary__add(
            column, values, count, (uint16_t *)(void *)(column->values.data + column->values.size),
            &full, err));
        if (!full) {
            if (by_entry && column->dictionary.count <= SEEN_MAX) {
                see_entries(
                    column,
                    (const uint16_t *)(const void *)(column->values.data + column->values.size),
                    count);
                seen = true;
            }
            column->values.size += count * sizeof(uint16_t);
        } else {
            TN_RETURN_IF_ERROR(leave_dictionary(column, err));
        }
    }
    if (!seen) { /* too many entries came along */
        tn_out__see(column->leaf, values, count, &column->page.bounds);
    }
    if (column->mode != TN_OUT_DICTIONARY) {
        TN_RETURN_IF_ERROR(store(column, values, count, err));
    }
    column->value_count += count;
    column->page.values += (uint32_t)count;
    column->values_most = tn_max_size(column->values_most, column->values.size);
    return TARN_OK;
}

static TN_FALLIBLE end_append(tn_out_column *column, uint32_t rows, size_t levels, size_t count,
                              tarn_error *err)
{
    column->level_count += levels;
    column->page.rows += rows;
    column->page.levels += (uint32_t)levels;
    column->page.nulls += (uint32_t)(levels - count);
    column->rows += rows;
    column->nulls += levels - count;
    const bool large =
        column->mode != TN_OUT_DICTIONARY && column->values.size >= column->shared->page_bytes;
    return column->page.rows >= TN_OUT_PAGE_ROWS || large ? close_page(column, err) : TARN_OK;
}

TN_FALLIBLE tn_out__append(tn_out_column *column, uint32_t rows, const uint64_t *validity,
                           const void *values, size_t count, tarn_error *err)
{
    /* Values first: if they make the column leave its dictionary, levels move. */
    TN_RETURN_IF_ERROR(add_values(column, values, count, err));
    if (node_of(column)->def > 0) {
        tn_out_room *const defs = &column->defs;
        const size_t first = column->level_count;
        const size_t size = (tn_bitmap_words(first + rows) + 1) * 8;
        TN_RETURN_IF_ERROR(
            tn_out_room__grow(column->pool, defs, size > defs->size ? size - defs->size : 0, err));
        if (size > defs->size) {
            memset(defs->data + defs->size, 0, size - defs->size);
            defs->size = size;
        }
        uint64_t *const bits = (uint64_t *)(void *)defs->data;
        for (size_t i = 0; i < rows; i += 64) {
            const size_t some = tn_min_size(rows - i, 64);
            const uint64_t word =
                (validity == NULL ? ~UINT64_C(0) : validity[i / 64]) & tn_bitmap_tail(some);
            const unsigned shift = (unsigned)((first + i) % 64);
            bits[(first + i) / 64] |= word << shift;
            if (shift > 0) {
                bits[(first + i) / 64 + 1] |= word >> (64 - shift);
            }
        }
    }
    return end_append(column, rows, rows, count, err);
}

TN_FALLIBLE tn_out__append_levels(tn_out_column *column, uint32_t rows, const uint16_t *defs,
                                  const uint16_t *reps, size_t levels, const void *values,
                                  size_t count, tarn_error *err)
{
    const tn_out_node *const node = node_of(column);
    const size_t size = levels * sizeof(uint16_t);
    TN_RETURN_IF_ERROR(add_values(column, values, count, err));
    if (node->def > 0) {
        TN_RETURN_IF_ERROR(tn_out_room__grow(column->pool, &column->defs, size, err));
        memcpy(column->defs.data + column->defs.size, defs, size);
        column->defs.size += size;
    }
    if (node->rep > 0) {
        TN_RETURN_IF_ERROR(tn_out_room__grow(column->pool, &column->reps, size, err));
        memcpy(column->reps.data + column->reps.size, reps, size);
        column->reps.size += size;
    }
    return end_append(column, rows, levels, count, err);
}

/* ---- the end --------------------------------------------------------------------------------- */

static TN_FALLIBLE put_dictionary(tn_out_column *column, tarn_error *err)
{
    const tn_out_leaf *const leaf = column->leaf;
    tn_out_room entries = column->dictionary.entries;
    tn_out_room codes = column->values;
    const uint32_t count = column->dictionary.count;
    column->values = (tn_out_room){0};
    tarn_code code = TARN_OK;
    if (leaf->kind == TN_OUT_VIEW) {
        TN_TRY(store_views(column, (const tn_view *)(void *)entries.data, count, err));
    } else {
        TN_TRY(tn_out_room__grow(column->pool, &column->values, count * leaf->size, err));
        for (uint32_t i = 0; i < count; i++) {
            memcpy(column->values.data + i * leaf->size, entries.data + 8 * i, leaf->size);
        }
        column->values.size = count * leaf->size;
    }
    TN_TRY(put_page(column, column->values.data, column->values.size, TN_PAGE_DICTIONARY, count,
                    TN_PAGE_PLAIN, err));
    column->has_dictionary = true;
done:
    tn_out_room__free(column->pool, &column->values);
    column->values = codes;
    return code;
}

TN_FALLIBLE tn_out__finish(tn_out_column *column, tarn_error *err)
{
    TN_RETURN_IF_ERROR(close_page(column, err));
    if (column->mode != TN_OUT_DICTIONARY) {
        free_gathered(column);
        return TARN_OK;
    }
    const uint8_t *at = column->values.data;
    size_t first_level = 0;
    TN_RETURN_IF_ERROR(put_dictionary(column, err));
    column->data_offset = column->body.size;
    for (size_t i = 0; i < column->pages.count; i++) {
        tn_out_page *const page = &column->pages.items[i];
        TN_RETURN_IF_ERROR(write_page(column, page, first_level, at, 0, err));
        at += page->values * sizeof(uint16_t);
        first_level += page->levels;
    }
    free_gathered(column);
    return TARN_OK;
}
