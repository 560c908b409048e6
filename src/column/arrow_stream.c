/* Chunks that come one after the other, as Arrow's stream; and such a stream as chunks. */
#include "column/arrow_internal.h"

#include <errno.h>

/* ---- out ---- */

typedef struct stream {
    tn_pool *pool;
    tn_arrow_feed feed;
    tn_arrow_options options;
    tn_chunk *chunk; /* of which rows from `at` are still to be handed out */
    uint32_t at;
    tarn_error err;
} stream;

static int errno_of(tarn_code code)
{
    switch (code) {
    case TARN_OK:
        return 0;
    case TARN_E_NOMEM:
        return ENOMEM;
    case TARN_E_CANCELLED:
        return ECANCELED;
    case TARN_E_UNSUPPORTED:
        return ENOSYS;
    case TARN_E_INVALID:
        return EINVAL;
    case TARN_E_NOT_FOUND:
        return ENOENT;
    case TARN_E_DENIED:
        return EACCES;
    case TARN_E_EXISTS:
    case TARN_E_CONFLICT:
    case TARN_E_CORRUPT:
    case TARN_E_LIMIT:
    case TARN_E_DISK_FULL:
    case TARN_E_AUTH:
    case TARN_E_UNAVAILABLE:
    case TARN_E_IO:
    case TARN_E_OUTCOME_UNKNOWN:
    case TARN_E_INTERNAL:
    default:
        return EIO;
    }
}

static bool is_stale(const stream *s)
{
    return s->options.is_stale != NULL && s->options.is_stale(s->options.owner);
}

static int stale(stream *s)
{
    (void)tn_fail(&s->err, TARN_E_INVALID, "the stream was made before fork()");
    return EINVAL;
}

static int stream_schema(struct ArrowArrayStream *out, struct ArrowSchema *schema)
{
    stream *s = out->private_data;
    return errno_of(tn_arrow_export_schema(s->feed.schema, &s->options, s->pool, schema, &s->err));
}

/* As many rows as 31 bits of offset allow. */
static TN_FALLIBLE hand_out(stream *s, struct ArrowArray *array)
{
    uint32_t rows = s->chunk->rows - s->at;
    for (;;) {
        const tarn_code code =
            tn_arrow_export_chunk(s->chunk, s->at, rows, &s->options, s->pool, array, &s->err);
        if (code != TARN_E_LIMIT || rows <= 64) {
            s->at += rows;
            return code;
        }
        rows = rows / 2 / 64 * 64 + (rows < 128 ? 64 : 0);
    }
}

static int stream_next(struct ArrowArrayStream *out, struct ArrowArray *array)
{
    stream *s = out->private_data;
    *array = (struct ArrowArray){.release = NULL};
    if (is_stale(s)) {
        return stale(s);
    }
    if (s->err.code != TARN_OK) {
        return errno_of(s->err.code); /* it stays broken */
    }
    while (s->chunk == NULL || s->at == s->chunk->rows) {
        tn_chunk_release(s->chunk);
        s->chunk = NULL;
        s->at = 0;
        const tarn_code code = s->feed.next(s->feed.context, &s->chunk, &s->err);
        if (code != TARN_OK || s->chunk == NULL) {
            return errno_of(code);
        }
    }
    return errno_of(hand_out(s, array));
}

static const char *stream_error(struct ArrowArrayStream *out)
{
    const stream *s = out->private_data;
    return s->err.code == TARN_OK ? NULL : s->err.message;
}

static void stream_release(struct ArrowArrayStream *out)
{
    stream *s = out->private_data;
    const tn_arrow_options options = s->options;
    out->release = NULL;
    if (is_stale(s)) {
        return; /* its workers are not here */
    }
    tn_chunk_release(s->chunk);
    s->feed.close(s->feed.context);
    tn_pool_free(s->pool, s, sizeof(*s));
    if (options.release != NULL) {
        options.release(options.owner);
    }
}

tarn_code tn_arrow_export_stream(const tn_arrow_feed *feed, const tn_arrow_options *options,
                                 tn_pool *pool, struct ArrowArrayStream *out, tarn_error *err)
{
    void *memory;
    *out = (struct ArrowArrayStream){.release = NULL};
    const tarn_code code = tn_pool_alloc_zeroed(pool, sizeof(stream), &memory, err);
    if (code != TARN_OK) {
        feed->close(feed->context);
        return code;
    }
    stream *s = memory;
    s->pool = pool;
    s->feed = *feed;
    s->err = (tarn_error)TARN_ERROR_INIT;
    s->options = options == NULL ? (tn_arrow_options){.views = false} : *options;
    if (s->options.retain != NULL) {
        s->options.retain(s->options.owner);
    }
    *out = (struct ArrowArrayStream){.get_schema = stream_schema,
                                     .get_next = stream_next,
                                     .get_last_error = stream_error,
                                     .release = stream_release,
                                     .private_data = s};
    return TARN_OK;
}

bool tn_arrow_stream_error(const struct ArrowArrayStream *out, tarn_error *err)
{
    if (out->release != stream_release) {
        return false;
    }
    const stream *s = out->private_data;
    const size_t size = err->struct_size < sizeof(*err) ? err->struct_size : sizeof(*err);
    memcpy((char *)err + sizeof(size_t), (const char *)&s->err + sizeof(size_t),
           size - sizeof(size_t));
    return true;
}

/* ---- in ---- */

void tn_chunks_free(tn_chunks *chunks)
{
    for (size_t i = 0; i < chunks->count; i++) {
        tn_chunk_release(chunks->items[i]);
    }
    tn_vec_free(chunks);
}

/* What a stream of others says of its failure. */
static TN_FALLIBLE stream_failed(struct ArrowArrayStream *stream_, int number, tarn_error *err)
{
    if (tn_arrow_stream_error(stream_, err != NULL ? err : &(tarn_error)TARN_ERROR_INIT) &&
        err != NULL && err->code != TARN_OK) {
        return err->code;
    }
    const char *message = stream_->get_last_error(stream_);
    const tarn_code code = number == ENOMEM      ? TARN_E_NOMEM
                           : number == ECANCELED ? TARN_E_CANCELLED
                           : number == EINVAL    ? TARN_E_INVALID
                           : number == ENOSYS    ? TARN_E_UNSUPPORTED
                                                 : TARN_E_IO;
    (void)tn_fail(err, code, "the Arrow stream failed: %.300s",
                  message == NULL ? "it does not say why" : message);
    if (err != NULL) {
        err->os_errno = number;
    }
    return code;
}

static TN_FALLIBLE read_stream(struct ArrowArrayStream *from, const tn_arrow_import *import,
                               tn_chunks *chunks, tarn_error *err)
{
    for (;;) {
        struct ArrowArray array = {.release = NULL};
        tn_chunk *chunk;
        const int failed = from->get_next(from, &array);
        if (failed != 0) {
            return stream_failed(from, failed, err);
        }
        if (array.release == NULL) {
            return TARN_OK;
        }
        if (array.length == 0) {
            array.release(&array);
            continue;
        }
        TN_RETURN_IF_ERROR(tn_arrow_import_array(import, &array, &chunk, err));
        if (tn_vec_push(chunks, chunk, err) != TARN_OK) {
            tn_chunk_release(chunk);
            return TARN_E_NOMEM;
        }
    }
}

tarn_code tn_arrow_import_stream(struct ArrowArrayStream *from, tn_types *types, tn_arena *arena,
                                 tn_schema *schema, tn_chunks *chunks, tarn_error *err)
{
    tarn_code code = TARN_OK;
    struct ArrowSchema theirs = {.release = NULL};
    tn_arrow_import *import = NULL;

    if (from == NULL || from->release == NULL) {
        return tn_fail(err, TARN_E_INVALID, "the Arrow stream was released");
    }
    const int failed = from->get_schema(from, &theirs);
    if (failed != 0) {
        code = stream_failed(from, failed, err);
        goto done;
    }
    TN_TRY(tn_arrow_import_open(&theirs, types, chunks->pool, &import, err));
    TN_TRY(tn_schema_copy(arena, tn_arrow_import_schema(import), schema, err));
    TN_TRY(read_stream(from, import, chunks, err));
done:
    tn_arrow_import_close(import);
    if (theirs.release != NULL) {
        theirs.release(&theirs);
    }
    from->release(from);
    if (code != TARN_OK) {
        tn_chunks_free(chunks);
    }
    return code;
}
