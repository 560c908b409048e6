/* The encodings of a page's values, whatever their type. */
#include "format/parquet/leaf_internal.h"

#include "base/size.h"
#include "base/utf8.h"
#include "codec/bits.h"

enum {
    STEP = 1024, /* values decoded at a time into temporaries */
    ROOM_LARGE = 64 << 10,
    ENTRIES_MAX = 1 << 28,
    PAGE_HEAP_MAX = 1 << 29, /* what prefixes may make of one page */
    PADDING_MAX = 8
};

TN_FALLIBLE tn_room__grow(tn_pool *pool, tn_room *room, size_t size, size_t used, tarn_error *err)
{
    void *memory;
    if (size <= room->size) {
        return TARN_OK;
    }
    /* Large ones are dictionaries mostly, which do not grow: the next chunk's is about as large. */
    const size_t more = used == 0 && size >= ROOM_LARGE ? size / 16 : size / 4;
    const size_t wanted = tn_round_up(size + more, 64) + TN_BLOCK_PADDING;
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, wanted, &memory, err));
    if (used > 0) {
        memcpy(memory, room->data, used);
    }
    tn_pool_free(pool, room->data, room->size);
    room->data = memory;
    room->size = wanted;
    return TARN_OK;
}

void tn_room__free(tn_pool *pool, tn_room *room)
{
    tn_pool_free(pool, room->data, room->size);
    *room = (tn_room){0};
}

static tarn_code ends_early(tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "the values of a page end early");
}

static tarn_code wrong_encoding(const tn_leaf_reader *reader, int encoding, tarn_error *err)
{
    return tn_fail(err, TARN_E_UNSUPPORTED, "cannot read %s values that are encoded as %s (%d)",
                   tn_physical_name(reader->element->physical),
                   tn_page_encoding_name((tn_page_encoding)encoding), encoding);
}

static uint32_t load32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, 4);
    return word;
}

/* ---- opening a page -------------------------------------------------------------------------- */

static TN_FALLIBLE check_text(const tn_leaf_reader *reader, const tn_view *views, size_t count,
                              tarn_error *err)
{
    if (reader->page_is_ascii || reader->leaf->type != TN_VARCHAR) {
        return TARN_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (!tn_utf8_valid(tn_view_data(&views[i]), views[i].size)) {
            return tn_fail(err, TARN_E_CORRUPT, "a text is not UTF-8");
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE open_codes(tn_leaf_reader *reader, const uint8_t *body, size_t size,
                              tarn_error *err)
{
    reader->mode = TN_MODE_CODES;
    if (size == 0) { /* no values, only nulls */
        tn_rle_init(&reader->codes, body, 0, 1);
        return TARN_OK;
    }
    if (!reader->has_dictionary) {
        return tn_fail(err, TARN_E_CORRUPT, "a page needs a dictionary that the chunk lacks");
    }
    if (body[0] > 32) {
        return tn_fail(err, TARN_E_CORRUPT, "dictionary codes claim a width of %d bits", body[0]);
    }
    tn_rle_init(&reader->codes, body + 1, size - 1, body[0]);
    return TARN_OK;
}

/* Reads all lengths of a page, which stand before its bytes. */
/* Need the page's strings, from `text` on, no look at each of them? */
static bool all_ascii(const tn_leaf_reader *reader, const uint8_t *text)
{
    return reader->leaf->type == TN_VARCHAR &&
           tn_utf8_is_ascii((const char *)text, (size_t)(reader->stop - text));
}

static TN_FALLIBLE open_lengths(tn_leaf_reader *reader, const uint8_t *body, size_t size,
                                size_t count, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_delta_init(&reader->delta, body, size, err));
    const size_t there = reader->delta.left;
    if (there > count) {
        return tn_fail(err, TARN_E_CORRUPT, "a page has more lengths than values");
    }
    TN_RETURN_IF_ERROR(
        tn_room__grow(reader->pool, &reader->lengths, there * sizeof(int32_t), 0, err));
    TN_RETURN_IF_ERROR(tn_delta_read_i32(&reader->delta, there, reader->lengths.data, err));
    reader->mode = TN_MODE_LENGTHS;
    reader->at = tn_delta_end(&reader->delta);
    reader->stop = body + size;
    reader->length_at = 0;
    reader->length_count = there;
    reader->page_is_ascii = all_ascii(reader, reader->at);
    return TARN_OK;
}

/* Strings from their predecessors' prefixes: all of a page at once, into a heap of its own. */
static TN_FALLIBLE join_prefixes(tn_leaf_reader *reader, const int32_t *prefixes,
                                 const int32_t *suffixes, size_t count, const uint8_t *from,
                                 size_t size, tarn_error *err)
{
    uint64_t total = 0;
    uint64_t suffix_total = 0;
    int64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (prefixes[i] < 0 || suffixes[i] < 0 || prefixes[i] > last) {
            return tn_fail(err, TARN_E_CORRUPT, "a prefix is longer than the string before");
        }
        last = (int64_t)prefixes[i] + suffixes[i];
        total += (uint64_t)last;
        suffix_total += (uint64_t)suffixes[i];
        if (suffix_total > size || last > INT32_MAX) {
            return ends_early(err);
        }
    }
    if (total > PAGE_HEAP_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "the prefixes of a page make more than %d bytes of it",
                       (int)PAGE_HEAP_MAX);
    }
    TN_RETURN_IF_ERROR(
        tn_room__grow(reader->pool, &reader->page_heap, total + TN_BLOCK_PADDING, 0, err));
    TN_RETURN_IF_ERROR(
        tn_room__grow(reader->pool, &reader->lengths, count * sizeof(tn_view), 0, err));
    uint8_t *to = reader->page_heap.data;
    const uint8_t *before = to;
    tn_view *const views = reader->lengths.data;
    for (size_t i = 0; i < count; i++) {
        const size_t prefix = (size_t)prefixes[i];
        const size_t suffix = (size_t)suffixes[i];
        memcpy(to, before, prefix);
        memcpy(to + prefix, from, suffix);
        views[i] = tn_convert__view(to, prefix + suffix);
        before = to;
        to += prefix + suffix;
        from += suffix;
    }
    return TARN_OK;
}

static TN_FALLIBLE open_prefixes(tn_leaf_reader *reader, const uint8_t *body, size_t size,
                                 size_t count, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_room prefixes = {0};
    const uint8_t *const end = body + size;
    TN_RETURN_IF_ERROR(tn_delta_init(&reader->delta, body, size, err));
    const size_t there = reader->delta.left;
    if (there > count) {
        return tn_fail(err, TARN_E_CORRUPT, "a page has more prefixes than values");
    }
    TN_TRY(tn_room__grow(reader->pool, &prefixes, 2 * there * sizeof(int32_t), 0, err));
    int32_t *const lengths = prefixes.data;
    TN_TRY(tn_delta_read_i32(&reader->delta, there, lengths, err));
    const uint8_t *const second = tn_delta_end(&reader->delta);
    TN_TRY(tn_delta_init(&reader->delta, second, (size_t)(end - second), err));
    if (reader->delta.left != there) {
        code = tn_fail(err, TARN_E_CORRUPT, "a page has %zu prefixes and %zu suffixes", there,
                       reader->delta.left);
        goto done;
    }
    TN_TRY(tn_delta_read_i32(&reader->delta, there, lengths + there, err));
    const uint8_t *const bytes = tn_delta_end(&reader->delta);
    TN_TRY(
        join_prefixes(reader, lengths, lengths + there, there, bytes, (size_t)(end - bytes), err));
    reader->mode = TN_MODE_VIEWS;
    reader->length_at = 0;
    reader->length_count = there;
done:
    tn_room__free(reader->pool, &prefixes);
    return code;
}

static TN_FALLIBLE open_runs(tn_leaf_reader *reader, const uint8_t *body, size_t size,
                             tarn_error *err)
{
    reader->mode = TN_MODE_RUNS;
    if (size == 0) {
        tn_rle_init(&reader->codes, body, 0, 1);
        return TARN_OK;
    }
    if (size < 4 || load32(body) > size - 4) {
        return ends_early(err);
    }
    tn_rle_init(&reader->codes, body + 4, load32(body), 1);
    return TARN_OK;
}

TN_FALLIBLE tn_values__open(tn_leaf_reader *reader, const uint8_t *body, size_t size, size_t count,
                            int encoding, tarn_error *err)
{
    const tn_physical physical = reader->element->physical;
    reader->at = body;
    reader->stop = body + size;
    reader->page_is_ascii = encoding == TN_PAGE_PLAIN && all_ascii(reader, body);
    switch (encoding) {
    case TN_PAGE_PLAIN:
        reader->mode = TN_MODE_PLAIN;
        reader->bit_at = 0;
        return TARN_OK;
    case TN_PAGE_PLAIN_DICTIONARY:
    case TN_PAGE_RLE_DICTIONARY:
        return open_codes(reader, body, size, err);
    case TN_PAGE_RLE:
        if (physical == TN_PHYSICAL_BOOLEAN) {
            return open_runs(reader, body, size, err);
        }
        break;
    case TN_PAGE_DELTA_BINARY_PACKED:
        if (physical == TN_PHYSICAL_INT32 || physical == TN_PHYSICAL_INT64) {
            reader->mode = TN_MODE_DELTA;
            reader->delta = (tn_delta){0};
            return size == 0 && count == 0 ? TARN_OK
                                           : tn_delta_init(&reader->delta, body, size, err);
        }
        break;
    case TN_PAGE_DELTA_LENGTH_BYTES:
        if (physical == TN_PHYSICAL_BYTES) {
            return open_lengths(reader, body, size, count, err);
        }
        break;
    case TN_PAGE_DELTA_BYTES:
        if (physical == TN_PHYSICAL_BYTES || physical == TN_PHYSICAL_FIXED) {
            return open_prefixes(reader, body, size, count, err);
        }
        break;
    case TN_PAGE_BYTE_STREAM_SPLIT:
        if (reader->physical_size > 0) {
            reader->mode = TN_MODE_SPLIT;
            reader->split_count = size / reader->physical_size;
            reader->split_at = 0;
            return TARN_OK;
        }
        break;
    default:
        break;
    }
    return wrong_encoding(reader, encoding, err);
}

/* ---- byte arrays ----------------------------------------------------------------------------- */

static TN_FALLIBLE plain_views(tn_leaf_reader *reader, size_t count, tn_view *restrict to,
                               tarn_error *err)
{
    const uint8_t *at = reader->at;
    const uint8_t *const stop = reader->stop;
    for (size_t i = 0; i < count; i++) {
        if (stop - at < 4) {
            return ends_early(err);
        }
        const size_t size = load32(at);
        at += 4;
        if (size > (size_t)(stop - at)) {
            return ends_early(err);
        }
        to[i] = tn_convert__view(at, size);
        at += size;
    }
    reader->at = at;
    return TARN_OK;
}

static TN_FALLIBLE length_views(tn_leaf_reader *reader, size_t count, tn_view *restrict to,
                                tarn_error *err)
{
    const int32_t *const lengths = (const int32_t *)reader->lengths.data + reader->length_at;
    const uint8_t *at = reader->at;
    const uint8_t *const stop = reader->stop;
    if (count > reader->length_count - reader->length_at) {
        return ends_early(err);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t size = (uint32_t)lengths[i]; /* below 0: too large for any page */
        if (size > (size_t)(stop - at)) {
            return ends_early(err);
        }
        to[i] = tn_convert__view(at, size);
        at += size;
    }
    reader->at = at;
    reader->length_at += count;
    return TARN_OK;
}

/* Values of BYTE_ARRAY as views, in any mode but codes. */
static TN_FALLIBLE read_views(tn_leaf_reader *reader, size_t count, tn_view *to, tarn_error *err)
{
    switch (reader->mode) {
    case TN_MODE_PLAIN:
        return plain_views(reader, count, to, err);
    case TN_MODE_LENGTHS:
        return length_views(reader, count, to, err);
    case TN_MODE_VIEWS:
        if (count > reader->length_count - reader->length_at) {
            return ends_early(err);
        }
        memcpy(to, (const tn_view *)reader->lengths.data + reader->length_at, count * sizeof(*to));
        reader->length_at += count;
        return TARN_OK;
    case TN_MODE_CODES:
    case TN_MODE_DELTA:
    case TN_MODE_SPLIT:
    case TN_MODE_RUNS:
        break;
    }
    return tn_fail(err, TARN_E_INTERNAL, "no byte arrays in this page");
}

/* ---- values of fixed width ------------------------------------------------------------------- */

/* Physical bytes of the next `count` values: where they lie, or gathered in reader->raw. */
static TN_FALLIBLE fixed_bytes(tn_leaf_reader *reader, size_t count, const uint8_t **out,
                               tarn_error *err)
{
    const size_t size = reader->physical_size;
    if (reader->mode == TN_MODE_PLAIN) {
        if (size == 0 ? count > ENTRIES_MAX : count > (size_t)(reader->stop - reader->at) / size) {
            return ends_early(err);
        }
        *out = reader->at;
        reader->at += count * size;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_room__grow(reader->pool, &reader->raw, count * size + 8, 0, err));
    uint8_t *const raw = reader->raw.data;
    *out = raw;
    if (reader->mode == TN_MODE_DELTA) {
        return size == 4 ? tn_delta_read_i32(&reader->delta, count, reader->raw.data, err)
                         : tn_delta_read_i64(&reader->delta, count, reader->raw.data, err);
    }
    if (reader->mode == TN_MODE_SPLIT) {
        if (count > reader->split_count - reader->split_at) {
            return ends_early(err);
        }
        const uint8_t *const from = reader->at + reader->split_at;
        if (size == 4) {
            tn_bits_table()->join_4(from, reader->split_count, count, raw);
        } else if (size == 8) {
            tn_bits_table()->join_8(from, reader->split_count, count, raw);
        } else {
            tn_bytes_join(from, reader->split_count, size, count, raw);
        }
        reader->split_at += count;
        return TARN_OK;
    }
    if (reader->mode == TN_MODE_VIEWS) {
        const tn_view *const views = (const tn_view *)reader->lengths.data + reader->length_at;
        if (count > reader->length_count - reader->length_at) {
            return ends_early(err);
        }
        for (size_t i = 0; i < count; i++) {
            if (views[i].size != size) {
                return tn_fail(err, TARN_E_CORRUPT, "a value of %zu bytes has %u", size,
                               (unsigned)views[i].size);
            }
            memcpy(raw + i * size, tn_view_data(&views[i]), size);
        }
        reader->length_at += count;
        return TARN_OK;
    }
    return tn_fail(err, TARN_E_INTERNAL, "no values of fixed width in this page");
}

/* Fixed values that stay bytes: views must point to something that stays, too. */
static TN_FALLIBLE fixed_views(tn_leaf_reader *reader, size_t count, tn_view *to, tarn_error *err)
{
    if (reader->mode == TN_MODE_VIEWS) {
        const tn_view *const views = (const tn_view *)reader->lengths.data + reader->length_at;
        for (size_t i = 0; i < count && i < reader->length_count - reader->length_at; i++) {
            if (views[i].size != reader->physical_size) {
                return tn_fail(err, TARN_E_CORRUPT, "a value of %zu bytes has %u",
                               reader->physical_size, (unsigned)views[i].size);
            }
        }
        return read_views(reader, count, to, err);
    }
    if (reader->mode == TN_MODE_SPLIT && reader->split_at == 0 && reader->split_count > 0) {
        /* The whole page is joined at once, into the page's heap. */
        const size_t size = reader->split_count * reader->physical_size;
        TN_RETURN_IF_ERROR(
            tn_room__grow(reader->pool, &reader->page_heap, size + TN_BLOCK_PADDING, 0, err));
        tn_bytes_join(reader->at, reader->split_count, reader->physical_size, reader->split_count,
                      reader->page_heap.data);
        reader->mode = TN_MODE_PLAIN;
        reader->at = reader->page_heap.data;
        reader->stop = reader->at + size;
    }
    const uint8_t *from;
    TN_RETURN_IF_ERROR(fixed_bytes(reader, count, &from, err));
    return tn_convert__fixed(reader, from, count, to, err);
}

static TN_FALLIBLE read_bits(tn_leaf_reader *reader, size_t count, uint64_t *to, size_t first,
                             tarn_error *err)
{
    size_t ones = 0;
    if (reader->mode == TN_MODE_RUNS) {
        return tn_rle_read_bits(&reader->codes, count, to, first, &ones, err);
    }
    if (count > (size_t)(reader->stop - reader->at) * 8 - reader->bit_at) {
        return ends_early(err);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t bit = reader->bit_at + i;
        to[(first + i) / 64] |= (uint64_t)((reader->at[bit / 8] >> (bit % 8)) & 1)
                                << ((first + i) % 64);
    }
    reader->bit_at += count;
    return TARN_OK;
}

/* ---- dictionaries ---------------------------------------------------------------------------- */

tn_lane tn_values__code_lane(const tn_leaf_reader *reader)
{
    return reader->dictionary_count <= 256     ? TN_LANE_u8
           : reader->dictionary_count <= 65536 ? TN_LANE_u16
                                               : TN_LANE_u32;
}

static TN_FALLIBLE check_codes(const tn_leaf_reader *reader, size_t count, uint32_t most,
                               tarn_error *err)
{
    return count == 0 || most < reader->dictionary_count
               ? TARN_OK
               : tn_fail(err, TARN_E_CORRUPT, "a code of %u in a dictionary of %u entries",
                         (unsigned)most, (unsigned)reader->dictionary_count);
}

static TN_FALLIBLE read_codes(tn_leaf_reader *reader, size_t count, uint32_t *to, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_rle_read_u32(&reader->codes, count, to, err));
    return check_codes(reader, count, tn_bits_table()->most_u32(to, count), err);
}

/* Of at most 16 bits. */
static TN_FALLIBLE read_short_codes(tn_leaf_reader *reader, size_t count, uint16_t *to,
                                    tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_rle_read_u16(&reader->codes, count, to, err));
    return check_codes(reader, count, tn_bits_table()->most_u16(to, count), err);
}

TN_FALLIBLE tn_values__codes(tn_leaf_reader *reader, size_t count, void *to, size_t first,
                             tarn_error *err)
{
    const tn_lane lane = tn_values__code_lane(reader);
    const bool is_short = reader->codes.width <= 16;
    if (lane == TN_LANE_u32) {
        return read_codes(reader, count, (uint32_t *)to + first, err);
    }
    if (lane == TN_LANE_u16 && is_short) {
        return read_short_codes(reader, count, (uint16_t *)to + first, err);
    }
    union {
        uint16_t narrow[STEP];
        uint32_t wide[STEP];
    } step;
    for (size_t done = 0; done < count; done += STEP) {
        const size_t some = tn_min_size(count - done, STEP);
        uint8_t *const bytes = (uint8_t *)to + first + done; /* not for 16 bits */
        if (is_short) {
            TN_RETURN_IF_ERROR(read_short_codes(reader, some, step.narrow, err));
            for (size_t i = 0; i < some; i++) {
                bytes[i] = (uint8_t)step.narrow[i];
            }
            continue;
        }
        TN_RETURN_IF_ERROR(read_codes(reader, some, step.wide, err));
        for (size_t i = 0; i < some; i++) {
            if (lane == TN_LANE_u8) {
                bytes[i] = (uint8_t)step.wide[i];
            } else {
                ((uint16_t *)to)[first + done + i] = (uint16_t)step.wide[i];
            }
        }
    }
    return TARN_OK;
}

#define GATHER(T)                            \
    do {                                     \
        const T *const entries = dictionary; \
        T *const values = (T *)to + first;   \
        for (size_t i = 0; i < count; i++) { \
            values[i] = entries[codes[i]];   \
        }                                    \
    } while (0)

static void gather(const void *dictionary, size_t size, const uint32_t *codes, size_t count,
                   void *to, size_t first)
{
    switch (size) {
    case 1:
        GATHER(uint8_t);
        break;
    case 2:
        GATHER(uint16_t);
        break;
    case 4:
        GATHER(uint32_t);
        break;
    case 8:
        GATHER(uint64_t);
        break;
    case 16:
        GATHER(tn_view);
        break;
    default:
        GATHER(tn_i256);
    }
}

static TN_FALLIBLE gather_codes(tn_leaf_reader *reader, size_t count, void *to, size_t first,
                                tarn_error *err)
{
    uint32_t codes[STEP];
    for (size_t done = 0; done < count; done += STEP) {
        const size_t some = tn_min_size(count - done, STEP);
        TN_RETURN_IF_ERROR(read_codes(reader, some, codes, err));
        if (reader->lane_size > 0) {
            gather(reader->dictionary_room.data, reader->lane_size, codes, some, to, first + done);
            continue;
        }
        for (size_t i = 0; i < some; i++) { /* booleans have no use for a dictionary, but may */
            tn_bit_put(to, first + done + i, tn_bit_get(reader->dictionary_room.data, codes[i]));
        }
    }
    return TARN_OK;
}

TN_FALLIBLE tn_values__dictionary(tn_leaf_reader *reader, tarn_error *err)
{
    const tn_page_head *const head = &reader->dictionary_page.head;
    const size_t size = reader->dictionary_page.body_size;
    const size_t count = head->value_count;
    const size_t least =
        reader->element->physical == TN_PHYSICAL_BYTES ? 4 : tn_max_size(reader->physical_size, 1);
    if (head->encoding != TN_PAGE_PLAIN && head->encoding != TN_PAGE_PLAIN_DICTIONARY) {
        return wrong_encoding(reader, head->encoding, err);
    }
    if (reader->element->physical == TN_PHYSICAL_BOOLEAN ? count > size * 8
                                                         : count > size / least) {
        return ends_early(err);
    }
    const size_t bytes = reader->lane_size > 0 ? count * reader->lane_size : (count + 63) / 64 * 8;
    TN_RETURN_IF_ERROR(tn_room__grow(reader->pool, &reader->dictionary_room, bytes + 64, 0, err));
    if (reader->lane_size == 0) {
        memset(reader->dictionary_room.data, 0, bytes);
    }
    TN_RETURN_IF_ERROR(
        tn_values__open(reader, reader->dictionary_page.body, size, count, TN_PAGE_PLAIN, err));
    TN_RETURN_IF_ERROR(tn_values__read(reader, count, reader->dictionary_room.data, 0, err));
    if (reader->conversion == TN_CONVERT_UUID) { /* its text stays with it */
        tn_room__free(reader->pool, &reader->dictionary_heap);
        reader->dictionary_heap = reader->text;
        reader->text = (tn_room){0};
        reader->text_at = 0;
    }
    reader->dictionary_count = (uint32_t)count;
    reader->has_dictionary = true;
    reader->dictionary = (tn_column){.type = reader->leaf->type,
                                     .lane = (uint8_t)reader->lane,
                                     .encoding = TN_FLAT,
                                     .rows = (uint32_t)count,
                                     .values = reader->dictionary_room.data};
    return TARN_OK;
}

/* ---- all together ---------------------------------------------------------------------------- */

static TN_FALLIBLE decode(tn_leaf_reader *reader, size_t count, void *to, size_t first,
                          tarn_error *err)
{
    if (reader->conversion == TN_CONVERT_BOOL) {
        return read_bits(reader, count, to, first, err);
    }
    uint8_t *const out = (uint8_t *)to + first * reader->lane_size;
    if (reader->conversion == TN_CONVERT_VIEW) {
        tn_view *const views = (tn_view *)(void *)out;
        TN_RETURN_IF_ERROR(reader->element->physical == TN_PHYSICAL_BYTES
                               ? read_views(reader, count, views, err)
                               : fixed_views(reader, count, views, err));
        return check_text(reader, views, count, err);
    }
    if (reader->element->physical == TN_PHYSICAL_BYTES) { /* decimals of any length */
        tn_view views[STEP];
        for (size_t done = 0; done < count; done += STEP) {
            const size_t some = tn_min_size(count - done, STEP);
            TN_RETURN_IF_ERROR(read_views(reader, some, views, err));
            for (size_t i = 0; i < some; i++) {
                TN_RETURN_IF_ERROR(tn_convert__decimal((const uint8_t *)tn_view_data(&views[i]),
                                                       views[i].size, reader->lane,
                                                       out + (done + i) * reader->lane_size, err));
            }
        }
        return TARN_OK;
    }
    if (reader->conversion == TN_CONVERT_COPY && reader->mode == TN_MODE_DELTA) {
        return reader->lane_size == 4
                   ? tn_delta_read_i32(&reader->delta, count, (int32_t *)(void *)out, err)
                   : tn_delta_read_i64(&reader->delta, count, (int64_t *)(void *)out, err);
    }
    const uint8_t *from;
    TN_RETURN_IF_ERROR(fixed_bytes(reader, count, &from, err));
    return tn_convert__fixed(reader, from, count, out, err);
}

TN_FALLIBLE tn_values__read(tn_leaf_reader *reader, size_t count, void *to, size_t first,
                            tarn_error *err)
{
    if (count == 0) {
        return TARN_OK;
    }
    if (reader->mode == TN_MODE_CODES) {
        return gather_codes(reader, count, to, first, err);
    }
    TN_RETURN_IF_ERROR(decode(reader, count, to, first, err));
    return reader->leaf->type->kind == TN_KIND_DECIMAL
               ? tn_digits__check(reader, (const uint8_t *)to + first * reader->lane_size, count,
                                  err)
               : TARN_OK;
}

TN_FALLIBLE tn_values__skip(tn_leaf_reader *reader, size_t count, tarn_error *err)
{
    if (reader->mode == TN_MODE_CODES || reader->mode == TN_MODE_RUNS) {
        return tn_rle_skip(&reader->codes, count, err);
    }
    uint64_t scratch[STEP * 4]; /* as wide as the widest lane */
    for (size_t done = 0; done < count; done += STEP) {
        const size_t some = tn_min_size(count - done, STEP);
        memset(scratch, 0, STEP / 8);
        TN_RETURN_IF_ERROR(tn_values__read(reader, some, scratch, 0, err));
    }
    return TARN_OK;
}

/* fastparquet leaves eight zero bytes behind the values of each page. */
static bool is_padding(const uint8_t *from, const uint8_t *stop)
{
    const size_t size = (size_t)(stop - from);
    uint8_t bits = 0;
    for (size_t i = 0; i < size && i < PADDING_MAX; i++) {
        bits |= from[i];
    }
    return size <= PADDING_MAX && bits == 0;
}

/* What is left is too short for another value, or padding. */
static bool plain_are_over(const tn_leaf_reader *reader)
{
    const uint8_t *const at = reader->at;
    const size_t size = (size_t)(reader->stop - at);
    if (reader->element->physical == TN_PHYSICAL_BOOLEAN) {
        return is_padding(at + (reader->bit_at + 7) / 8, reader->stop);
    }
    if (reader->element->physical == TN_PHYSICAL_BYTES) {
        return size < 4 || load32(at) > size - 4 || is_padding(at, reader->stop);
    }
    return size < tn_max_size(reader->physical_size, 1) || is_padding(at, reader->stop);
}

/* No run follows that has values.  Writers fill up the last run of groups as they like: DuckDB to
 * 32 codes and more. */
static bool codes_are_over(tn_rle codes)
{
    return codes.width == 0 || ((codes.run != NULL || codes.left == 0) &&
                                tn_rle_skip(&codes, codes.left + 1, NULL) != TARN_OK);
}

bool tn_values__are_over(const tn_leaf_reader *reader)
{
    switch (reader->mode) {
    case TN_MODE_PLAIN:
        return plain_are_over(reader);
    case TN_MODE_CODES:
    case TN_MODE_RUNS:
        return codes_are_over(reader->codes);
    case TN_MODE_DELTA:
        return reader->delta.left == 0;
    case TN_MODE_LENGTHS:
    case TN_MODE_VIEWS:
        return reader->length_at == reader->length_count;
    case TN_MODE_SPLIT:
        return reader->split_at == reader->split_count;
    }
    return true;
}

#define SPREAD_WORD(T)                          \
    do {                                        \
        T *const all = values;                  \
        for (size_t i = last; i-- > 0;) {       \
            const uint64_t bit = word >> i & 1; \
            taken -= bit;                       \
            all[base + i] = all[taken];         \
        }                                       \
    } while (0)

void tn_values__spread(void *values, size_t size, size_t dense, size_t rows,
                       const uint64_t *validity)
{
    uint8_t *const bytes = values;
    size_t taken = dense;
    if (dense == rows) {
        return;
    }
    memset(bytes + dense * size, 0, size); /* what nulls at the end take */
    for (size_t words = tn_bitmap_words(rows); words-- > 0 && taken != words * 64 + 64;) {
        const size_t base = words * 64;
        const size_t last = tn_min_size(rows - base, 64);
        const uint64_t word = validity[words] & tn_bitmap_tail(last);
        if (word == 0) {
            memset(bytes + base * size, 0, last * size);
            continue;
        }
        switch (size) {
        case 1:
            SPREAD_WORD(uint8_t);
            break;
        case 2:
            SPREAD_WORD(uint16_t);
            break;
        case 4:
            SPREAD_WORD(uint32_t);
            break;
        case 8:
            SPREAD_WORD(uint64_t);
            break;
        case 16:
            SPREAD_WORD(tn_view);
            break;
        default:
            SPREAD_WORD(tn_i256);
        }
    }
}

void tn_values__spread_bits(uint64_t *bits, size_t dense, size_t rows, const uint64_t *validity)
{
    size_t taken = dense;
    for (size_t row = rows; row-- > 0;) {
        bool value = false;
        if (tn_bit_get(validity, row)) {
            value = tn_bit_get(bits, --taken);
        }
        tn_bit_put(bits, row, value);
    }
}
