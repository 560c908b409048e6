/* Blocks of whole records. */
#include "base/size.h"
#include "format/text/scan_internal.h"

tarn_code tn__block_reader_init(tn__block_reader *blocks, tn__text_scan *scan,
                                const uint32_t *fields, uint32_t field_count, tn_pool *pool,
                                tarn_error *err)
{
    const tn__text_source *source = scan->source;
    void *memory;
    memset(blocks, 0, sizeof(*blocks));
    blocks->scan = scan;
    blocks->pool = pool;
    tn__text_reader_init(&blocks->reader, source->object, source->codec, source->is_local, pool);
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, TN__BLOCK_SIZE + 2 * TN_BLOCK_PADDING, &memory, err));
    blocks->memory = memory;
    blocks->capacity = TN__BLOCK_SIZE;
    memset(blocks->memory, 0, TN_BLOCK_PADDING);
    return source->ops->parser_create(source, fields, field_count, pool, &blocks->parser, err);
}

void tn__block_reader_deinit(tn__block_reader *blocks)
{
    tn__text_reader_deinit(&blocks->reader);
    if (blocks->parser != NULL) {
        blocks->parser->ops->parser_destroy(blocks->parser);
        blocks->parser = NULL;
    }
    if (blocks->memory != NULL) {
        tn_pool_free(blocks->pool, blocks->memory, blocks->capacity + 2 * TN_BLOCK_PADDING);
        blocks->memory = NULL;
    }
}

tarn_code tn__block_reader_seek(tn__block_reader *blocks, uint64_t offset, uint64_t limit,
                                tarn_error *err)
{
    const tn__text_source *source = blocks->scan->source;
    const uint64_t size = tn_object_about(source->object)->size;
    const bool compressed = source->codec != TN_CODEC_NONE;
    blocks->held = blocks->used = 0;
    blocks->base = offset;
    blocks->limit = limit;
    blocks->skip = compressed ? offset : 0;
    blocks->is_end = false;
    blocks->has_block = false;
    if (limit < UINT64_MAX && limit > offset) {
        tn_object_expect(source->object, offset, limit - offset);
    }
    return tn__text_reader_seek(&blocks->reader, compressed ? 0 : tn_min_size(offset, size), size,
                                blocks->scan->request.stop_early, err);
}

static tarn_code grow(tn__block_reader *blocks, tarn_error *err)
{
    void *memory;
    const size_t most = blocks->scan->source->record_size_max;
    if (blocks->capacity >= most) {
        const tarn_code code = tn_fail(
            err, TARN_E_LIMIT, "the record that begins at byte %llu is longer than %zu bytes",
            (unsigned long long)(blocks->base + blocks->used), most);
        tn_hint(err, "is a quote not closed? max_line_size = N allows longer ones");
        return code;
    }
    const size_t capacity = tn_min_size(2 * blocks->capacity, most);
    TN_RETURN_IF_ERROR(tn_pool_alloc(blocks->pool, capacity + 2 * TN_BLOCK_PADDING, &memory, err));
    memset(memory, 0, TN_BLOCK_PADDING);
    memcpy((char *)memory + TN_BLOCK_PADDING, tn__block_reader_text(blocks), blocks->held);
    tn_pool_free(blocks->pool, blocks->memory, blocks->capacity + 2 * TN_BLOCK_PADDING);
    blocks->memory = memory;
    blocks->capacity = capacity;
    return TARN_OK;
}

/* One portion more of bytes; GOT also at the end. */
static tarn_code fill(tn__block_reader *blocks, tn_waker *waker, tn__block_answer *answer,
                      tarn_error *err)
{
    enum { BEYOND = 16 << 10 }; /* past the limit only the last record's end is wanted */
    tn__fill filled;
    size_t got;
    char *text = tn__block_reader_text(blocks);
    const uint64_t at = blocks->base + blocks->held;
    size_t room = blocks->capacity - blocks->held;

    if (at < blocks->limit) {
        room = tn_min_size(room, blocks->limit - at);
    } else if (blocks->held < blocks->capacity / 2) {
        room = tn_min_size(room, BEYOND);
    }
    if (blocks->skip > 0) { /* inflated text before the first record: over and over the same room */
        room = tn_min_size(blocks->capacity, blocks->skip);
        text -= blocks->held;
    }
    *answer = TN__BLOCK;
    TN_RETURN_IF_ERROR(tn__text_reader_fill(&blocks->reader, text + blocks->held, room, waker, &got,
                                            &filled, err));
    if (filled == TN__FILL_WAIT) {
        *answer = TN__BLOCK_WAIT;
    } else if (filled == TN__FILL_END) {
        blocks->is_end = true;
    } else if (blocks->skip > 0) {
        blocks->skip -= got;
    } else {
        blocks->held += got;
    }
    return TARN_OK;
}

tarn_code tn__block_reader_find(tn__block_reader *blocks, tn_waker *waker, uint64_t *found,
                                tn__block_answer *answer, tarn_error *err)
{
    for (;;) {
        const char *text = tn__block_reader_text(blocks);
        const size_t at = blocks->parser->ops->first_record(blocks->parser, text, blocks->held);
        if (at != SIZE_MAX || blocks->is_end) {
            *found = blocks->base + (at != SIZE_MAX ? at : blocks->held);
            *answer = TN__BLOCK;
            /* what was read stays: the first block begins in it */
            blocks->used = at != SIZE_MAX ? at : blocks->held;
            return TARN_OK;
        }
        if (blocks->held == blocks->capacity) {
            TN_RETURN_IF_ERROR(grow(blocks, err));
        }
        TN_RETURN_IF_ERROR(fill(blocks, waker, answer, err));
        if (*answer == TN__BLOCK_WAIT) {
            return TARN_OK;
        }
    }
}

/* Moves what the last block left to the front. */
static void advance(tn__block_reader *blocks)
{
    char *text = tn__block_reader_text(blocks);
    memmove(text, text + blocks->used, blocks->held - blocks->used);
    blocks->base += blocks->used;
    blocks->held -= blocks->used;
    blocks->used = 0;
    blocks->has_block = false;
}

tarn_code tn__block_reader_next(tn__block_reader *blocks, tn_waker *waker, tn__block_answer *answer,
                                tarn_error *err)
{
    if (blocks->has_block || blocks->used > 0) {
        advance(blocks);
    }
    for (;;) {
        const uint64_t at = blocks->base + blocks->held;
        if (blocks->base >= blocks->limit || (blocks->is_end && blocks->held == 0)) {
            *answer = TN__BLOCK_END;
            return TARN_OK;
        }
        if (blocks->is_end || blocks->held == blocks->capacity ||
            (at >= blocks->limit && blocks->held > 0)) {
            const uint64_t limit = blocks->limit - blocks->base;
            size_t used;
            TN_RETURN_IF_ERROR(blocks->parser->ops->index(
                blocks->parser, tn__block_reader_text(blocks), blocks->held,
                limit < blocks->held ? (size_t)limit : blocks->held, blocks->is_end, &used, err));
            if (used > 0) {
                blocks->used = used;
                blocks->has_block = true;
                *answer = TN__BLOCK;
                return TARN_OK;
            }
            if (blocks->is_end) { /* nothing but what is passed over */
                blocks->used = blocks->held;
                advance(blocks);
                continue;
            }
            if (blocks->held == blocks->capacity) {
                TN_RETURN_IF_ERROR(grow(blocks, err));
            }
        }
        TN_RETURN_IF_ERROR(fill(blocks, waker, answer, err));
        if (*answer == TN__BLOCK_WAIT) {
            return TARN_OK;
        }
    }
}
