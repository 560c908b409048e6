#include "format/parquet/leaf_internal.h"

#include "base/size.h"
#include "codec/bits.h"

enum {
    LEVELS_MAX = 1024,      /* decoded at a time */
    DICTIONARY_SMALL = 256, /* fixed-width values leave as codes of up to this many entries */
    LEVELS_A_BATCH_MAX = 1 << 28
};

/* Levels that wait, with one before them, and what each list's has_element is. */
static size_t pending_size(const tn_leaf_reader *reader)
{
    return (2 * (size_t)LEVELS_MAX + 2 + reader->leaf->rep_max) * sizeof(uint16_t);
}

TN_FALLIBLE tn_leaf__open(tn_leaf_reader *reader, const tn_footer *footer, uint32_t leaf,
                          bool is_flat, tn_decompressor *decompressor, tn_pool *pool,
                          tarn_error *err)
{
    static const uint8_t sizes[TN_PHYSICAL_COUNT] = {0, 4, 8, 12, 4, 8, 0, 0};
    *reader = (tn_leaf_reader){.pool = pool, .decompressor = decompressor, .is_flat = is_flat};
    reader->leaf = &footer->leaves[leaf];
    reader->element = &footer->elements[reader->leaf->element];
    reader->kept.pool = reader->kept_rooms.pool = pool;
    reader->physical_size = reader->element->physical == TN_PHYSICAL_FIXED
                                ? (size_t)reader->element->length
                                : sizes[reader->element->physical];
    tn_convert__choose(reader->element, reader->leaf->type, &reader->conversion, &reader->lane);
    reader->lane_size = tn_lane_size(reader->lane);
    if (!reader->is_flat) {
        void *memory;
        TN_RETURN_IF_ERROR(tn_pool_alloc(pool, pending_size(reader), &memory, err));
        reader->pending_reps = memory;
        reader->pending_defs = reader->pending_reps + LEVELS_MAX + 1;
        reader->has_element = reader->pending_defs + LEVELS_MAX;
        tn_levels__elements(footer, leaf, reader->has_element);
    }
    return TARN_OK;
}

/* Nobody has a page that is left: its room may become the next one's. */
static void let_go(tn_leaf_reader *reader, tn_buffer *page)
{
    if (page != NULL && reader->spare == NULL && reader->chunk.codec != TN_CODEC_NONE &&
        atomic_load(&page->refs) == 1) {
        reader->spare = page;
    } else {
        tn_reading__give(reader->range.reading, page);
    }
}

static void drop_kept(tn_leaf_reader *reader)
{
    while (reader->kept.count > 0) {
        let_go(reader, tn_vec_pop(&reader->kept));
    }
    while (reader->kept_rooms.count > 0) {
        tn_room room = tn_vec_pop(&reader->kept_rooms);
        tn_room__free(reader->pool, &room);
    }
}

void tn_leaf__close(tn_leaf_reader *reader)
{
    if (reader->pool == NULL) {
        return;
    }
    drop_kept(reader);
    tn_buffer_release(reader->spare);
    reader->spare = NULL;
    tn_vec_free(&reader->kept);
    tn_vec_free(&reader->kept_rooms);
    tn_range__close(&reader->range);
    tn_page__release(&reader->page);
    tn_page__release(&reader->dictionary_page);
    tn_room *const rooms[] = {
        &reader->dictionary_room, &reader->dictionary_heap, &reader->lengths, &reader->page_heap,
        &reader->values,          &reader->validity,        &reader->raw,     &reader->text,
        &reader->def_levels,      &reader->rep_levels};
    for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
        tn_room__free(reader->pool, rooms[i]);
    }
    tn_pool_free(reader->pool, reader->pending_reps, pending_size(reader));
    reader->pool = NULL;
}

static void give_pages(tn_leaf_reader *reader)
{
    tn_reading__give(reader->range.reading, reader->page.owner);
    tn_reading__give(reader->range.reading, reader->dictionary_page.owner);
    reader->page.owner = reader->dictionary_page.owner = NULL;
}

void tn_leaf__chunk(tn_leaf_reader *reader, const tn_chunk_meta *chunk)
{
    const uint64_t codes = UINT64_C(1) << TN_PAGE_PLAIN_DICTIONARY | UINT64_C(1)
                                                                         << TN_PAGE_RLE_DICTIONARY;
    give_pages(reader);
    tn_range__close(&reader->range);
    reader->chunk = *chunk;
    reader->only_codes = chunk->has_encoding_stats && (chunk->data_encodings & ~codes) == 0;
    reader->has_dictionary = false;
    reader->dictionary_count = 0;
    reader->in_page = false;
    reader->page_left = 0;
    reader->pending_at = reader->pending_count = 0;
    if (!reader->is_flat) {
        reader->pending_defs[-1] = UINT16_MAX; /* it is asked elsewhere whether a row begins here */
    }
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* What a batch may point into stays until the next one. */
static TN_FALLIBLE leave_page(tn_leaf_reader *reader, tarn_error *err)
{
    reader->in_page = false;
    if (reader->lane == TN_LANE_view && reader->dense > 0) {
        if (reader->page.owner != NULL) {
            TN_RETURN_IF_ERROR(tn_vec_push(&reader->kept, reader->page.owner, err));
            reader->page.owner = NULL;
        }
        if (reader->page_heap.data != NULL) {
            TN_RETURN_IF_ERROR(tn_vec_push(&reader->kept_rooms, reader->page_heap, err));
            reader->page_heap = (tn_room){0};
        }
    }
    let_go(reader, reader->page.owner);
    reader->page.owner = NULL;
    return TARN_OK;
}

static TN_FALLIBLE open_page(tn_leaf_reader *reader, tarn_error *err)
{
    tn_page *const page = &reader->page;
    const tn_page_head *const head = &page->head;
    const uint8_t *body = page->body;
    size_t size = page->body_size;
    if (head->kind == TN_PAGE_DATA_V2) {
        reader->reps = (tn_levels){.is_runs = true, .width = tn_bit_width(reader->leaf->rep_max)};
        reader->defs = (tn_levels){.is_runs = true, .width = tn_bit_width(reader->leaf->def_max)};
        tn_rle_init(&reader->reps.rle, page->reps, head->rep_size, reader->reps.width);
        tn_rle_init(&reader->defs.rle, page->defs, head->def_size, reader->defs.width);
    } else {
        TN_RETURN_IF_ERROR(tn_levels__open(&reader->reps, reader->leaf->rep_max, head->rep_encoding,
                                           head->value_count, &body, &size, err));
        TN_RETURN_IF_ERROR(tn_levels__open(&reader->defs, reader->leaf->def_max, head->def_encoding,
                                           head->value_count, &body, &size, err));
    }
    reader->page_left = head->value_count;
    reader->page_values = 0;
    reader->in_page = true;
    reader->before_values = page->body_size - size + (size_t)(page->body - page->reps);
    return tn_values__open(reader, body, size, head->value_count, head->encoding, err);
}

/* How much a page takes, also one that there was no memory for: while it is made, and then. */
static void note_size(tn_leaf_reader *reader)
{
    const tn_page_head *const head = &reader->page.head;
    const size_t bytes = reader->chunk.codec == TN_CODEC_NONE ? head->stored_size : head->raw_size;
    size_t making = 2 * head->stored_size + head->raw_size;
    if (head->kind == TN_PAGE_DICTIONARY) {
        const size_t lanes = head->value_count * tn_max_size(reader->lane_size, 1);
        const size_t kept = lanes + (reader->lane == TN_LANE_view ? bytes : 0);
        reader->dictionary_most = tn_max_size(reader->dictionary_most, kept);
        making += lanes;
    } else if (head->kind != -1) {
        reader->page_most = tn_max_size(reader->page_most, bytes);
    }
    reader->making_most = tn_max_size(reader->making_most, making);
}

/* Makes sure that a page with values is open; `*end` at the chunk's end. */
static TN_FALLIBLE turn_page_past(tn_leaf_reader *reader, size_t *skip, tn_ready *ready, bool *end,
                                  tarn_error *err)
{
    *ready = TN_READY;
    *end = false;
    while (reader->page_left == 0) {
        if (reader->in_page) {
            TN_RETURN_IF_ERROR(leave_page(reader, err));
        }
        const tn_page_making making = {reader->decompressor, reader->chunk.codec, &reader->spare,
                                       reader->before_values};
        const tarn_code code =
            tn_page__next(&reader->range, &making, skip, &reader->page, ready, err);
        note_size(reader);
        TN_RETURN_IF_ERROR(code);
        if (*ready == TN_NOT_READY) {
            return TARN_OK;
        }
        if (reader->page.head.kind == -1) {
            *end = true;
            return TARN_OK;
        }
        if (reader->page.head.kind == TN_PAGE_DICTIONARY) {
            if (reader->has_dictionary) {
                return tn_fail(err, TARN_E_CORRUPT, "the chunk has two dictionaries");
            }
            reader->dictionary_page = reader->page;
            reader->page.owner = NULL;
            TN_RETURN_IF_ERROR(tn_values__dictionary(reader, err));
            reader->dictionary.dictionary_id = tn_dictionary_next_id();
            if (reader->lane != TN_LANE_view) {
                tn_reading__give(reader->range.reading, reader->dictionary_page.owner);
                reader->dictionary_page.owner = NULL;
            }
            continue;
        }
        TN_RETURN_IF_ERROR(open_page(reader, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE turn_page(tn_leaf_reader *reader, tn_ready *ready, bool *end, tarn_error *err)
{
    size_t skip = 0;
    return turn_page_past(reader, &skip, ready, end, err);
}

/* `count` levels of the page were taken, with their values; with the last ones all must be. */
static TN_FALLIBLE take_levels(tn_leaf_reader *reader, size_t count, size_t values, tarn_error *err)
{
    const tn_page_head *const head = &reader->page.head;
    reader->page_left -= count;
    reader->page_values += values;
    if (reader->page_left > 0 || count == 0) {
        return TARN_OK;
    }
    /* Some writers that keep no statistics say 0 whatever the page has. */
    if (head->null_count > 0 && head->null_count != head->value_count - reader->page_values) {
        return tn_fail(err, TARN_E_CORRUPT,
                       "the levels of a page have %zu NULLs, its head says %zu",
                       head->value_count - reader->page_values, head->null_count);
    }
    return tn_values__are_over(reader)
               ? TARN_OK
               : tn_fail(err, TARN_E_CORRUPT, "a page has more values than its levels ask for");
}

/* ---- flat leaves ----------------------------------------------------------------------------- */

void tn_leaf__begin(tn_leaf_reader *reader)
{
    drop_kept(reader);
    reader->filled = reader->dense = reader->null_count = 0;
    reader->level_count = 0;
    reader->as_codes = reader->is_spread = false;
    reader->lent = NULL;
    reader->text_at = 0;
}

size_t tn_leaf__heap_a_row(const tn_leaf_reader *reader)
{
    if (reader->lane != TN_LANE_view || !reader->in_page || reader->mode == TN_MODE_CODES ||
        reader->page.head.value_count == 0) {
        return 0;
    }
    return reader->page.body_size / reader->page.head.value_count;
}

static size_t buffer_size(const tn_buffer *buffer)
{
    return buffer == NULL ? 0 : buffer->size;
}

size_t tn_leaf__memory(const tn_leaf_reader *reader)
{
    const tn_room *const rooms[] = {
        &reader->dictionary_room, &reader->dictionary_heap, &reader->lengths, &reader->page_heap,
        &reader->values,          &reader->validity,        &reader->raw,     &reader->text,
        &reader->def_levels,      &reader->rep_levels};
    size_t sum = buffer_size(reader->page.owner) + buffer_size(reader->dictionary_page.owner) +
                 buffer_size(reader->spare) + buffer_size(reader->range.buffer);
    for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
        sum += rooms[i]->size;
    }
    return reader->making_most == 0 ? 0
                                    : tn_max_size(sum, reader->page_most + reader->dictionary_most);
}

size_t tn_leaf__rows_of_page(const tn_leaf_reader *reader, size_t rows)
{
    return reader->is_flat && reader->lane == TN_LANE_view && reader->page_left > 0
               ? tn_min_size(rows, reader->page_left)
               : rows;
}

static TN_FALLIBLE make_rooms(tn_leaf_reader *reader, size_t rows, tarn_error *err)
{
    const size_t words = tn_bitmap_words(rows) + 1;
    const size_t bytes =
        reader->lane_size > 0 ? (rows + 1) * tn_max_size(reader->lane_size, 4) : words * 8;
    TN_RETURN_IF_ERROR(tn_room__grow(reader->pool, &reader->values, bytes, 0, err));
    TN_RETURN_IF_ERROR(tn_room__grow(reader->pool, &reader->validity, words * 8, 0, err));
    memset(reader->validity.data, 0, words * 8);
    if (reader->lane_size == 0) {
        memset(reader->values.data, 0, words * 8);
    }
    return TARN_OK;
}

/* Which of the next `count` rows have values. */
static TN_FALLIBLE read_validity(tn_leaf_reader *reader, size_t count, size_t *ones,
                                 tarn_error *err)
{
    uint64_t *const bits = reader->validity.data;
    *ones = 0;
    if (reader->leaf->def_max > 0 && reader->defs.is_runs) {
        return tn_rle_read_bits(&reader->defs.rle, count, bits, reader->filled, ones, err);
    }
    for (size_t done = 0; done < count; done += LEVELS_MAX) {
        uint16_t levels[LEVELS_MAX];
        const size_t some = tn_min_size(count - done, LEVELS_MAX);
        if (reader->leaf->def_max > 0) {
            TN_RETURN_IF_ERROR(tn_levels__read(&reader->defs, some, levels, err));
        }
        for (size_t i = 0; i < some; i++) {
            const bool valid = reader->leaf->def_max == 0 || levels[i] != 0;
            *ones += valid;
            if (valid) {
                tn_bit_set(bits, reader->filled + done + i);
            }
        }
    }
    return TARN_OK;
}

/* The batch began with codes, but a page has none: what was gathered becomes values. */
static TN_FALLIBLE leave_codes(tn_leaf_reader *reader, size_t rows, tarn_error *err)
{
    const tn_lane lane = tn_values__code_lane(reader);
    const size_t size = reader->lane_size;
    tn_room values = {0};
    const uint8_t *const codes = reader->values.data;
    reader->as_codes = false;
    TN_RETURN_IF_ERROR(
        tn_room__grow(reader->pool, &values, (rows + 1) * tn_max_size(size, 4), 0, err));
    for (size_t i = 0; i < reader->dense; i++) {
        const size_t code = lane == TN_LANE_u8    ? codes[i]
                            : lane == TN_LANE_u16 ? ((const uint16_t *)(const void *)codes)[i]
                                                  : ((const uint32_t *)(const void *)codes)[i];
        memcpy((uint8_t *)values.data + i * size,
               (const uint8_t *)reader->dictionary_room.data + code * size, size);
    }
    tn_room__free(reader->pool, &reader->values);
    reader->values = values;
    return TARN_OK;
}

static bool worth_codes(const tn_leaf_reader *reader, size_t rows)
{
    return reader->mode == TN_MODE_CODES && reader->dictionary_count > 0 && reader->lane_size > 0 &&
           (reader->only_codes || reader->page_left >= rows) &&
           (reader->lane == TN_LANE_view || reader->dictionary_count <= DICTIONARY_SMALL);
}

/* Values of a batch that lie in the page as the lane has them, all of them and none a NULL. */
static bool may_lend(const tn_leaf_reader *reader, size_t rows, size_t ones)
{
    return reader->filled == 0 && ones == rows && reader->mode == TN_MODE_PLAIN &&
           reader->conversion == TN_CONVERT_COPY && !reader->as_codes &&
           reader->element->physical != TN_PHYSICAL_BYTES && reader->lane_size > 0 &&
           reader->physical_size == reader->lane_size &&
           (uintptr_t)reader->at % reader->lane_size == 0 &&
           rows <= (size_t)(reader->stop - reader->at) / reader->lane_size;
}

TN_FALLIBLE tn_leaf__fill(tn_leaf_reader *reader, size_t rows, tn_ready *ready, tarn_error *err)
{
    *ready = TN_READY;
    while (reader->filled < rows) {
        bool end;
        size_t ones = 0;
        TN_RETURN_IF_ERROR(turn_page(reader, ready, &end, err));
        if (*ready == TN_NOT_READY) {
            return TARN_OK;
        }
        if (end) {
            return tn_fail(err, TARN_E_CORRUPT, "the chunk has fewer rows than its row group");
        }
        if (reader->filled == 0) {
            TN_RETURN_IF_ERROR(make_rooms(reader, rows, err));
            reader->as_codes = worth_codes(reader, rows);
        } else if (reader->as_codes && reader->mode != TN_MODE_CODES) {
            TN_RETURN_IF_ERROR(leave_codes(reader, rows, err));
        }
        const size_t some = tn_min_size(rows - reader->filled, reader->page_left);
        if (reader->leaf->def_max == 0) {
            ones = some;
        } else {
            TN_RETURN_IF_ERROR(read_validity(reader, some, &ones, err));
        }
        if (may_lend(reader, rows, ones)) {
            reader->lent = reader->at;
            reader->at += rows * reader->lane_size;
            if (reader->leaf->type->kind == TN_KIND_DECIMAL) {
                TN_RETURN_IF_ERROR(tn_digits__check(reader, reader->lent, rows, err));
            }
        } else {
            TN_RETURN_IF_ERROR(
                reader->as_codes
                    ? tn_values__codes(reader, ones, reader->values.data, reader->dense, err)
                    : tn_values__read(reader, ones, reader->values.data, reader->dense, err));
        }
        reader->filled += some;
        reader->dense += ones;
        reader->null_count += some - ones;
        TN_RETURN_IF_ERROR(take_levels(reader, some, ones, err));
    }
    return TARN_OK;
}

TN_FALLIBLE tn_leaf__column(tn_leaf_reader *reader, size_t rows, tn_column *out, tarn_error *err)
{
    const uint64_t *const validity = reader->null_count > 0 ? reader->validity.data : NULL;
    (void)err;
    *out = (tn_column){.type = reader->leaf->type,
                       .lane = (uint8_t)reader->lane,
                       .encoding = TN_FLAT,
                       .rows = (uint32_t)rows,
                       .values = reader->lent != NULL ? reader->lent : reader->values.data,
                       .validity = validity};
    size_t size = reader->lane_size;
    if (reader->as_codes) {
        out->encoding = TN_DICTIONARY;
        out->code_lane = (uint8_t)tn_values__code_lane(reader);
        out->children = &reader->dictionary;
        out->dictionary_id = reader->dictionary.dictionary_id;
        size = tn_lane_size(out->code_lane);
    }
    if (validity != NULL && !reader->is_spread) {
        if (size > 0) {
            tn_values__spread(reader->values.data, size, reader->dense, rows, validity);
        } else {
            tn_values__spread_bits(reader->values.data, reader->dense, rows, validity);
        }
    }
    reader->is_spread = true; /* a column may be asked for twice */
    return TARN_OK;
}

/* ---- nested leaves --------------------------------------------------------------------------- */

/* Room for more values and levels, both of which keep what they have. */
static TN_FALLIBLE grow_nested(tn_leaf_reader *reader, size_t more, tarn_error *err)
{
    const size_t levels = reader->level_count + more;
    if (levels > LEVELS_A_BATCH_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a row has more than %d elements",
                       (int)LEVELS_A_BATCH_MAX);
    }
    const size_t used = reader->level_count * sizeof(uint16_t);
    TN_RETURN_IF_ERROR(
        tn_room__grow(reader->pool, &reader->def_levels, levels * sizeof(uint16_t), used, err));
    TN_RETURN_IF_ERROR(
        tn_room__grow(reader->pool, &reader->rep_levels, levels * sizeof(uint16_t), used, err));
    const size_t size = reader->lane_size;
    const size_t old = reader->values.size;
    const size_t bytes = size > 0 ? (levels + 1) * size : (tn_bitmap_words(levels) + 1) * 8;
    TN_RETURN_IF_ERROR(tn_room__grow(reader->pool, &reader->values, bytes,
                                     size > 0 ? reader->dense * size : old, err));
    if (size == 0 && reader->values.size > old) {
        memset((uint8_t *)reader->values.data + old, 0, reader->values.size - old);
    }
    return TARN_OK;
}

static TN_FALLIBLE more_pending(tn_leaf_reader *reader, tn_ready *ready, bool *end, tarn_error *err)
{
    TN_RETURN_IF_ERROR(turn_page(reader, ready, end, err));
    if (*ready == TN_NOT_READY || *end) {
        return TARN_OK;
    }
    const size_t some = tn_min_size(reader->page_left, LEVELS_MAX);
    if (reader->pending_count > 0) {
        reader->pending_defs[-1] = reader->pending_defs[reader->pending_count - 1];
    }
    TN_RETURN_IF_ERROR(tn_levels__read(&reader->reps, some, reader->pending_reps, err));
    TN_RETURN_IF_ERROR(tn_levels__read(&reader->defs, some, reader->pending_defs, err));
    TN_RETURN_IF_ERROR(tn_levels__check(reader, some, err));
    reader->pending_at = 0;
    reader->pending_count = some;
    return TARN_OK;
}

/* Takes pending levels up to the start of row `rows` (counted from 0); true when it was seen. */
static bool take_pending(tn_leaf_reader *reader, size_t rows, size_t *taken, size_t *values)
{
    const uint16_t *const reps = reader->pending_reps;
    const uint16_t *const defs = reader->pending_defs;
    const uint16_t full = reader->leaf->def_max;
    size_t at = reader->pending_at;
    *values = 0;
    for (; at < reader->pending_count; at++) {
        if (reps[at] == 0) {
            if (reader->filled == rows) {
                break;
            }
            reader->filled++;
        }
        *values += defs[at] == full;
    }
    *taken = at - reader->pending_at;
    return at < reader->pending_count;
}

/* `keep` false: rows are passed over. */
static TN_FALLIBLE fill_levels(tn_leaf_reader *reader, size_t rows, bool keep, tn_ready *ready,
                               tarn_error *err)
{
    *ready = TN_READY;
    for (;;) {
        bool end = false;
        size_t taken;
        size_t values;
        if (reader->pending_at == reader->pending_count) {
            if (reader->leaf->rep_max == 0 && reader->filled == rows) {
                return TARN_OK;
            }
            TN_RETURN_IF_ERROR(more_pending(reader, ready, &end, err));
            if (*ready == TN_NOT_READY) {
                return TARN_OK;
            }
            if (end) {
                return reader->filled == rows
                           ? TARN_OK
                           : tn_fail(err, TARN_E_CORRUPT,
                                     "the chunk has fewer rows than its row group");
            }
        }
        if (reader->filled == 0 && reader->pending_reps[reader->pending_at] != 0) {
            return tn_fail(err, TARN_E_CORRUPT, "the first value continues a row before it");
        }
        const bool done = take_pending(reader, rows, &taken, &values);
        if (keep) {
            TN_RETURN_IF_ERROR(grow_nested(reader, taken, err));
            memcpy((uint16_t *)reader->def_levels.data + reader->level_count,
                   reader->pending_defs + reader->pending_at, taken * sizeof(uint16_t));
            memcpy((uint16_t *)reader->rep_levels.data + reader->level_count,
                   reader->pending_reps + reader->pending_at, taken * sizeof(uint16_t));
            TN_RETURN_IF_ERROR(
                tn_values__read(reader, values, reader->values.data, reader->dense, err));
            reader->level_count += taken;
            reader->dense += values;
        } else {
            TN_RETURN_IF_ERROR(tn_values__skip(reader, values, err));
        }
        reader->pending_at += taken;
        TN_RETURN_IF_ERROR(take_levels(reader, taken, values, err));
        if (done) {
            return TARN_OK;
        }
    }
}

TN_FALLIBLE tn_leaf__fill_nested(tn_leaf_reader *reader, size_t rows, tn_ready *ready,
                                 tarn_error *err)
{
    if (reader->level_count == 0 && reader->lane_size == 0 && reader->values.size > 0) {
        memset(reader->values.data, 0, reader->values.size);
    }
    return fill_levels(reader, rows, true, ready, err);
}

TN_FALLIBLE tn_leaf__skip(tn_leaf_reader *reader, size_t rows, tn_ready *ready, tarn_error *err)
{
    if (!reader->is_flat) {
        return fill_levels(reader, rows, false, ready, err);
    }
    *ready = TN_READY;
    while (reader->filled < rows) {
        bool end;
        size_t ones = 0;
        size_t left = rows - reader->filled;
        TN_RETURN_IF_ERROR(turn_page_past(reader, &left, ready, &end, err));
        reader->filled = rows - left; /* whole pages need no decoding */
        if (*ready == TN_NOT_READY || left == 0) {
            return TARN_OK;
        }
        if (end) {
            return tn_fail(err, TARN_E_CORRUPT, "the chunk has fewer rows than its row group");
        }
        const size_t some =
            tn_min_size(tn_min_size(rows - reader->filled, reader->page_left), TN_BATCH_ROWS);
        if (reader->leaf->def_max == 0) {
            ones = some;
        } else {
            const size_t filled = reader->filled;
            reader->filled = 0;
            TN_RETURN_IF_ERROR(make_rooms(reader, TN_BATCH_ROWS, err));
            TN_RETURN_IF_ERROR(read_validity(reader, some, &ones, err));
            reader->filled = filled;
        }
        TN_RETURN_IF_ERROR(tn_values__skip(reader, ones, err));
        reader->filled += some;
        TN_RETURN_IF_ERROR(take_levels(reader, some, ones, err));
    }
    return TARN_OK;
}

TN_FALLIBLE tn_leaf__end(const tn_leaf_reader *reader, tarn_error *err)
{
    return reader->page_left == 0
               ? TARN_OK
               : tn_fail(err, TARN_E_CORRUPT, "the chunk has more rows than its row group");
}
