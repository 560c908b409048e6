#include "exec/window.h"

#include "base/vec.h"

#include <pthread.h>

enum { CHUNK_BATCHES = 4 };

/* A morsel whose turn has not come: only its driver adds to it, until it is closed. */
typedef struct held {
    struct held *next; /* by rising morsel */
    uint64_t morsel;
    bool is_closed;
    uint32_t row; /* of chunks[first], to go on with */
    size_t first;
    size_t bytes;
    tn_chunk_builder *builder;
    TN_VEC(tn_chunk *) chunks;
} held;

struct tn_window {
    tn_pool *pool;
    tn_window_consumer *consume;
    void *consumer;
    const tn_type *const *types;
    tn_column *columns; /* to hand on a part of a chunk */
    uint32_t width, batch_rows;
    size_t budget;

    pthread_mutex_t lock; /* guards what follows */
    uint64_t next;        /* the lowest morsel that is not finished */
    bool is_handing_on;   /* somebody is in the consumer */
    bool enough;
    bool was_turned; /* `next` rose, and nobody was told yet */
    size_t bytes;    /* held */
    held *first;
    TN_VEC(tn_waker *) waiting; /* for room or for their turn */
};

tarn_code tn_window_create(tn_pool *pool, const tn_type *const *types, uint32_t width,
                           size_t budget, tn_window_consumer *consume, void *consumer,
                           tn_window **out, tarn_error *err)
{
    void *memory;
    void *columns;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tn_window), &memory, err));
    const uint32_t room = tn_chunk_room(types, width);
    if (tn_pool_alloc_zeroed(pool, room * sizeof(tn_column), &columns, err) != TARN_OK) {
        tn_pool_free(pool, memory, sizeof(tn_window));
        return TARN_E_NOMEM;
    }
    size_t row_bytes = 0;
    for (uint32_t i = 0; i < width; i++) {
        row_bytes += tn_lane_size(types[i]->lane);
    }
    tn_window *window = memory;
    *window = (tn_window){.pool = pool,
                          .consume = consume,
                          .consumer = consumer,
                          .types = types,
                          .columns = columns,
                          .width = width,
                          .batch_rows = tn_batch_rows(row_bytes),
                          .budget = budget};
    window->waiting.pool = pool;
    (void)pthread_mutex_init(&window->lock, NULL);
    *out = window;
    return TARN_OK;
}

static void held_destroy(held *entry, tn_pool *pool)
{
    for (size_t i = entry->first; i < entry->chunks.count; i++) {
        tn_chunk_release(entry->chunks.items[i]);
    }
    tn_vec_free(&entry->chunks);
    tn_chunk_builder_destroy(entry->builder);
    tn_pool_free(pool, entry, sizeof(*entry));
}

void tn_window_destroy(tn_window *window)
{
    if (window == NULL) {
        return;
    }
    while (window->first != NULL) {
        held *gone = window->first;
        window->first = gone->next;
        held_destroy(gone, window->pool);
    }
    tn_vec_free(&window->waiting);
    (void)pthread_mutex_destroy(&window->lock);
    tn_pool_free(window->pool, window->columns,
                 tn_chunk_room(window->types, window->width) * sizeof(tn_column));
    tn_pool_free(window->pool, window, sizeof(*window));
}

/* ---- handing on: by whoever set is_handing_on ---- */

/* What was held of a morsel, in order; *answer WAIT where the consumer stopped in mid-way. */
static TN_FALLIBLE hand_on_held(tn_window *window, held *entry, tn_waker *waker, tn_answer *answer,
                                tarn_error *err)
{
    tn_chunk *rest = NULL;
    tn_batch batch;

    *answer = TN_MORE_INPUT;
    if (entry->builder != NULL && tn_chunk_builder_rows(entry->builder) > 0) {
        TN_RETURN_IF_ERROR(tn_vec_reserve(&entry->chunks, 1, err));
        TN_RETURN_IF_ERROR(tn_chunk_builder_finish(entry->builder, &rest, err));
        entry->chunks.items[entry->chunks.count++] = rest;
    }
    while (entry->first < entry->chunks.count) {
        tn_chunk *chunk = entry->chunks.items[entry->first];
        while (entry->row < chunk->rows) {
            const uint32_t left = chunk->rows - entry->row;
            const uint32_t rows = left < window->batch_rows ? left : window->batch_rows;
            tn_chunk_batch(chunk, entry->row, rows, window->columns, &batch);
            batch.tag.morsel = entry->morsel;
            TN_RETURN_IF_ERROR(window->consume(window->consumer, &batch, waker, answer, err));
            if (*answer == TN_WAIT) {
                return TARN_OK;
            }
            entry->row += rows;
            if (*answer == TN_ENOUGH) {
                return TARN_OK;
            }
        }
        tn_chunk_release(chunk);
        entry->first++;
        entry->row = 0;
    }
    return TARN_OK;
}

static void wake_all(tn_window *window)
{
    for (size_t i = 0; i < window->waiting.count; i++) {
        tn_wake(window->waiting.items[i]);
    }
    window->waiting.count = 0;
}

/* A driver that asks again stands in the queue no more. */
static void forget(tn_window *window, const tn_waker *waker)
{
    size_t kept = 0;
    for (size_t i = 0; i < window->waiting.count; i++) {
        if (window->waiting.items[i] != waker) {
            window->waiting.items[kept++] = window->waiting.items[i];
        }
    }
    window->waiting.count = kept;
}

static held *unlink_first(tn_window *window)
{
    held *gone = window->first;
    window->first = gone->next;
    window->bytes -= gone->bytes;
    return gone;
}

/* Locked.  Hands on every closed morsel whose turn has come. */
static TN_FALLIBLE drain(tn_window *window, tn_waker *waker, tn_answer *answer, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const uint64_t before = window->next;
    *answer = TN_MORE_INPUT;
    while (code == TARN_OK && !window->enough && !window->is_handing_on && window->first != NULL &&
           window->first->morsel == window->next && window->first->is_closed) {
        held *entry = window->first;
        window->is_handing_on = true;
        pthread_mutex_unlock(&window->lock);
        code = hand_on_held(window, entry, waker, answer, err);
        pthread_mutex_lock(&window->lock);
        window->is_handing_on = false;
        if (code != TARN_OK || *answer == TN_WAIT) {
            break;
        }
        window->enough = *answer == TN_ENOUGH;
        held_destroy(unlink_first(window), window->pool);
        window->next++;
    }
    if (code != TARN_OK || window->enough || window->next != before || window->was_turned) {
        window->was_turned = false;
        wake_all(window); /* else nothing has changed for those who wait */
    }
    return code;
}

/* Locked.  The batch belongs to the morsel whose turn it is. */
static TN_FALLIBLE stream(tn_window *window, const tn_batch *batch, tn_waker *waker,
                          tn_answer *answer, tarn_error *err)
{
    tarn_code code = TARN_OK;
    held *own =
        window->first != NULL && window->first->morsel == window->next ? window->first : NULL;

    window->is_handing_on = true;
    pthread_mutex_unlock(&window->lock);
    *answer = TN_MORE_INPUT;
    if (own != NULL) {
        code = hand_on_held(window, own, waker, answer, err);
    }
    if (code == TARN_OK && *answer == TN_MORE_INPUT && batch->selected > 0) {
        code = window->consume(window->consumer, batch, waker, answer, err);
    }
    pthread_mutex_lock(&window->lock);
    window->is_handing_on = false;
    if (code != TARN_OK || *answer == TN_WAIT) {
        return code; /* a failure ends the pipeline, which wakes everybody */
    }
    if (own != NULL) {
        held_destroy(unlink_first(window), window->pool);
    }
    window->enough = window->enough || *answer == TN_ENOUGH;
    if (batch->tag.last && !window->enough) {
        tn_answer ignored; /* the batch was taken, whatever waits behind it */
        window->next++;
        window->was_turned = true;
        return drain(window, waker, &ignored, err);
    }
    return TARN_OK;
}

/* Locked.  The entry of a morsel, made where there is none. */
static TN_FALLIBLE find_or_make(tn_window *window, uint64_t morsel, held **out, tarn_error *err)
{
    held **link = &window->first;
    void *memory;
    while (*link != NULL && (*link)->morsel < morsel) {
        link = &(*link)->next;
    }
    if (*link == NULL || (*link)->morsel != morsel) {
        TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(window->pool, sizeof(held), &memory, err));
        held *made = memory;
        made->morsel = morsel;
        made->chunks.pool = window->pool;
        made->next = *link;
        *link = made;
    }
    *out = *link;
    return TARN_OK;
}

/* Unlocked: the entry is this driver's. */
static TN_FALLIBLE hold(tn_window *window, held *entry, const tn_batch *batch, tarn_error *err)
{
    tn_chunk *full;
    if (batch->selected == 0) {
        return TARN_OK;
    }
    if (entry->builder == NULL) {
        TN_RETURN_IF_ERROR(tn_chunk_builder_create(window->pool, window->types, window->width,
                                                   CHUNK_BATCHES * window->batch_rows,
                                                   &entry->builder, err));
    }
    for (uint32_t next = 0; next < batch->selected;) {
        TN_RETURN_IF_ERROR(tn_chunk_builder_append(entry->builder, batch, &next, err));
        if (next < batch->selected ||
            tn_chunk_builder_rows(entry->builder) == CHUNK_BATCHES * window->batch_rows) {
            TN_RETURN_IF_ERROR(tn_vec_reserve(&entry->chunks, 1, err));
            TN_RETURN_IF_ERROR(tn_chunk_builder_finish(entry->builder, &full, err));
            entry->chunks.items[entry->chunks.count++] = full;
        }
    }
    return TARN_OK;
}

/* Locked.  The batch belongs to a later morsel. */
static TN_FALLIBLE keep_for_later(tn_window *window, const tn_batch *batch, tn_waker *waker,
                                  tn_answer *answer, tarn_error *err)
{
    held *entry = NULL;
    tn_answer ignored;

    TN_RETURN_IF_ERROR(drain(window, waker, &ignored, err));
    if (window->bytes > window->budget && batch->selected > 0) {
        TN_RETURN_IF_ERROR(tn_vec_push(&window->waiting, waker, err));
        *answer = TN_WAIT;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(find_or_make(window, batch->tag.morsel, &entry, err));
    pthread_mutex_unlock(&window->lock);
    const size_t before = entry->builder == NULL ? 0 : tn_chunk_builder_bytes(entry->builder);
    const tarn_code code = hold(window, entry, batch, err);
    const size_t after = entry->builder == NULL ? 0 : tn_chunk_builder_bytes(entry->builder);
    pthread_mutex_lock(&window->lock);
    TN_RETURN_IF_ERROR(code);
    const size_t grown = after > before ? after - before : 0;
    entry->bytes += grown;
    window->bytes += grown;
    entry->is_closed = batch->tag.last;
    *answer = TN_MORE_INPUT;
    return drain(window, waker, &ignored, err); /* its turn may have come meanwhile */
}

tarn_code tn_window_take(tn_window *window, const tn_batch *batch, tn_waker *waker,
                         tn_answer *answer, tarn_error *err)
{
    tarn_code code;
    const uint64_t morsel = batch->tag.morsel;

    pthread_mutex_lock(&window->lock);
    forget(window, waker);
    if (morsel >> TN_ORDINAL_SHIFT > window->next >> TN_ORDINAL_SHIFT) {
        /* The pipelines before have ended, and all of theirs was handed on. */
        window->next = morsel >> TN_ORDINAL_SHIFT << TN_ORDINAL_SHIFT;
    }
    if (window->enough) {
        *answer = TN_ENOUGH;
        code = TARN_OK;
    } else if (morsel == window->next) {
        code = stream(window, batch, waker, answer, err);
    } else {
        code = keep_for_later(window, batch, waker, answer, err);
    }
    if (code == TARN_OK && *answer == TN_MORE_INPUT && window->enough) {
        *answer = TN_ENOUGH;
    }
    pthread_mutex_unlock(&window->lock);
    return code;
}

tarn_code tn_window_check(tn_window *window, tarn_error *err)
{
    pthread_mutex_lock(&window->lock);
    const bool lost = window->first != NULL && !window->enough;
    pthread_mutex_unlock(&window->lock);
    return lost ? tn_fail(err, TARN_E_INTERNAL,
                          "rows out of balance: a morsel before the ones held never ended")
                : TARN_OK;
}

tarn_code tn_window_flush(tn_window *window, tn_waker *waker, tn_answer *answer, tarn_error *err)
{
    pthread_mutex_lock(&window->lock);
    forget(window, waker);
    const tarn_code code = drain(window, waker, answer, err);
    *answer = *answer == TN_WAIT ? TN_WAIT : TN_MORE_INPUT;
    pthread_mutex_unlock(&window->lock);
    return code;
}
