#include "format/parquet/range_internal.h"
#include "format/parquet/source_internal.h"

#include "sched/io.h"

#include <inttypes.h>

/* A file ends with: Thrift, its length as 4 bytes, then the magic. */
enum {
    MAGIC_SIZE = 4,
    TRAILER_SIZE = 4 + MAGIC_SIZE,
    FILE_SIZE_MIN = MAGIC_SIZE + TRAILER_SIZE,
    FIRST_GUESS = 64 << 10, /* covers most footers, so most files cost one request */
    FOOTER_MAX = 1 << 30
};

struct tn_parquet_opening {
    tn_pool *pool;
    tn_parquet_source *source;
    tn_types *types;
    tn_reading reading;
    tn_range tail;
};

/* ---- the footer, in one read or two ----------------------------------------------------------
 */

static TN_FALLIBLE read_tail(tn_parquet_opening *opening, uint64_t size, tarn_error *err)
{
    tn_parquet_source *const source = opening->source;
    tn_range__close(&opening->tail);
    opening->reading = (tn_reading){.object = source->object, .pool = source->pool};
    tn_range__open(&opening->tail, &opening->reading, source->file_size - size, source->file_size,
                   (size_t)size, false);
    return tn_range__start(&opening->tail, err);
}

/* The tail is there: it is parsed, or a longer one is asked for. */
static TN_FALLIBLE take_tail(tn_parquet_opening *opening, bool *done, tarn_error *err)
{
    tn_parquet_source *const source = opening->source;
    const uint64_t file = source->file_size;
    const uint64_t have = tn_range__there(&opening->tail);
    const uint8_t *const trailer = opening->tail.at + have - TRAILER_SIZE;
    uint32_t size;
    *done = true;
    if (memcmp(trailer + 4, "PARE", MAGIC_SIZE) == 0) {
        return tn_fail(err, TARN_E_UNSUPPORTED, "the Parquet file has an encrypted footer");
    }
    if (memcmp(trailer + 4, "PAR1", MAGIC_SIZE) != 0) {
        return tn_fail(err, TARN_E_CORRUPT,
                       "the file does not end in 'PAR1': it is no Parquet "
                       "file, or not a whole one");
    }
    memcpy(&size, trailer, 4);
    if (size > file - FILE_SIZE_MIN || size > FOOTER_MAX) {
        return tn_fail(err, TARN_E_CORRUPT, "a footer of %" PRIu32 " byte%s does not fit the file",
                       size, size == 1 ? "" : "s");
    }
    if (size > have - TRAILER_SIZE) {
        *done = false;
        return read_tail(opening, (uint64_t)size + TRAILER_SIZE, err);
    }
    source->tail = tn_buffer_retain(opening->tail.buffer);
    return tn_footer__read(trailer - size, size, opening->types, &source->arena, &source->footer,
                           err);
}

static void destroy(tn_source *base)
{
    tn_parquet_source *const source = (tn_parquet_source *)base;
    tn_arena_deinit(&source->arena);
    tn_buffer_release(source->tail);
    tn_object_close(source->object);
    tn_pool_free(source->pool, source, sizeof(*source));
}

static const tn_source_ops ops = {
    .kind = "parquet",
    .statistics = tn_parquet__statistics,
    .open = tn_parquet__scan,
    .destroy = destroy,
};

/* A source in the making is freed without its object, which stays the caller's. */
void tn_parquet_open_end(tn_parquet_opening *opening)
{
    if (opening == NULL) {
        return;
    }
    tn_parquet_source *const source = opening->source;
    tn_range__close(&opening->tail);
    if (source != NULL) {
        tn_arena_deinit(&source->arena);
        tn_buffer_release(source->tail);
        tn_pool_free(source->pool, source, sizeof(*source));
    }
    tn_pool_free(opening->pool, opening, sizeof(*opening));
}

void tn_parquet__hint(tarn_code code, tarn_error *err)
{
    if (code == TARN_E_CORRUPT) {
        tn_hint(err, "the file is damaged, or was not written to its end: write or copy it again");
    }
}

static tarn_code explain_open(const tn_object *object, tarn_code code, tarn_error *err)
{
    if (code != TARN_OK) {
        tn_parquet__hint(code, err);
        tn_explain(err, "reading the footer of '%s'", tn_object_uri(object));
        tn_subject(err, tn_object_uri(object));
    }
    return code;
}

TN_FALLIBLE tn_parquet_open_begin(tn_object *object, tn_types *types, tn_pool *pool,
                                  tn_parquet_opening **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_parquet_opening *opening = NULL;
    void *memory;
    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*opening), &memory, err));
    opening = memory;
    opening->pool = pool;
    opening->types = types;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(tn_parquet_source), &memory, err));
    tn_parquet_source *const source = memory;
    opening->source = source;
    source->base = (tn_source){.ops = &ops, .is_ordered = true};
    atomic_init(&source->base.refs, 1);
    source->pool = pool;
    source->object = object;
    source->file_size = tn_object_about(object)->size;
    tn_arena_init(&source->arena, pool);
    TN_TRY(
        tn_arena_copy(&source->arena, tn_str_of(tn_object_uri(object)), &source->base.name, err));
    if (source->file_size < FILE_SIZE_MIN) {
        code = tn_fail(err, TARN_E_CORRUPT, "%" PRIu64 " byte%s too few for a Parquet file",
                       source->file_size, source->file_size == 1 ? " is" : "s are");
        goto done;
    }
    TN_TRY(
        read_tail(opening, source->file_size < FIRST_GUESS ? source->file_size : FIRST_GUESS, err));
    *out = opening;
    opening = NULL;
done:
    tn_parquet_open_end(opening);
    return explain_open(object, code, err);
}

TN_FALLIBLE tn_parquet_open_step(tn_parquet_opening *opening, tn_waker *waker, tn_source **out,
                                 tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_object *const object = opening->source->object;
    bool done = false;
    *out = NULL;
    while (!done) {
        tn_ready ready;
        TN_TRY(tn_range__need(&opening->tail, (size_t)tn_range__left(&opening->tail), &ready, err));
        if (ready == TN_READY) {
            TN_TRY(take_tail(opening, &done, err));
        } else if (tn_range__park(&opening->tail, waker)) {
            return TARN_OK;
        }
    }
    opening->source->base.schema = opening->source->footer.schema;
    opening->source->base.found = opening->source->footer.found;
    *out = &opening->source->base;
    opening->source = NULL;
done:
    return explain_open(object, code, err);
}

TN_FALLIBLE tn_parquet_open(tn_object *object, tn_types *types, tn_pool *pool, tn_source **out,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_parquet_opening *opening = NULL;
    *out = NULL;
    TN_TRY(tn_parquet_open_begin(object, types, pool, &opening, err));
    while (*out == NULL) {
        tn_latch latch;
        tn_latch_init(&latch);
        TN_TRY(tn_parquet_open_step(opening, &latch.waker, out, err));
        if (*out == NULL) {
            tn_latch_wait(&latch);
        }
    }
done:
    tn_parquet_open_end(opening);
    return code;
}

TN_FALLIBLE tn_parquet_open_as(tn_object *object, const tn_parquet_options *options,
                               tn_types *types, tn_pool *pool, tn_source **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_parquet_open(object, types, pool, out, err));
    if (options == NULL) {
        return TARN_OK;
    }
    tn_parquet_source *const source = (tn_parquet_source *)*out;
    tarn_code code = TARN_OK;
    source->footer.ignore_statistics = options->ignore_statistics;
    if (options->types.count > 0) {
        code = tn_footer__take_as(&source->footer, &options->types, &source->arena, err);
        source->base.schema = source->footer.schema;
    }
    if (code != TARN_OK) {
        source->object = NULL; /* which stays the caller's */
        tn_source_release(&source->base);
        *out = NULL;
    }
    return code;
}

tn_str tn_parquet_metadata(const tn_source *base, tn_str key)
{
    const tn_footer *const footer = &((const tn_parquet_source *)base)->footer;
    for (uint32_t i = 0; i < footer->metadata_count; i++) {
        if (tn_str_equal(footer->metadata[2 * i], key)) {
            return footer->metadata[2 * i + 1];
        }
    }
    return TN_STR_NONE;
}

uint64_t tn_parquet_rows(const tn_source *base)
{
    return ((const tn_parquet_source *)base)->footer.rows;
}

int32_t tn_parquet_field_id(const tn_source *base, uint32_t field)
{
    const tn_footer *const footer = &((const tn_parquet_source *)base)->footer;
    uint32_t element = 1;
    for (uint32_t i = 0; i < field; i++) { /* past the element and all below it */
        for (uint32_t open = 1; open > 0; open--) {
            open += (uint32_t)footer->elements[element++].child_count;
        }
    }
    return footer->elements[element].has_field_id ? footer->elements[element].field_id : -1;
}
