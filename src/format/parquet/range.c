#include "format/parquet/range_internal.h"

#include "base/poison.h"
#include "base/size.h"

#include <inttypes.h>
#include <time.h>

enum {
    LEAD_SAVED = 2 * TN_BLOCK_PADDING,
    SPARE_MIN = 64 << 10 /* bytes in vain, in a buffer that is used again */
};

static void wake_waiting(tn_waker *waker)
{
    tn_fetch *const fetch = (tn_fetch *)waker;
    const uintptr_t waiting = atomic_exchange(&fetch->state, 1);
    if (waiting > 1) { /* the fetch may be gone by now, but who waits for it still waits */
        tn_wake((tn_waker *)waiting);
    }
}

bool tn_range__park(tn_range *range, tn_waker *waker)
{
    uintptr_t running = 0;
    return range->fetch != NULL &&
           atomic_compare_exchange_strong(&range->fetch->state, &running, (uintptr_t)waker);
}

TN_FALLIBLE tn_reading__take(tn_reading *reading, size_t size, tn_buffer **out, tarn_error *err)
{
    uint32_t best = reading->spare_count;
    for (uint32_t i = 0; i < reading->spare_count; i++) {
        const size_t has = reading->spares[i]->size;
        const bool fits = has >= size && has - size <= tn_max_size(size, SPARE_MIN);
        if (fits && (best == reading->spare_count || has < reading->spares[best]->size)) {
            best = i;
        }
    }
    if (best == reading->spare_count) {
        return tn_buffer_create(reading->pool, size, out, err);
    }
    *out = reading->spares[best];
    reading->spares[best] = reading->spares[--reading->spare_count];
    reading->spare_bytes -= (*out)->size;
    return TARN_OK;
}

void tn_reading__give(tn_reading *reading, tn_buffer *buffer)
{
    if (buffer == NULL) {
        return;
    }
    if (reading == NULL || reading->spare_count == TN_READING_SPARES ||
        buffer->size > reading->spare_max ||
        reading->spare_bytes > reading->spare_max - buffer->size ||
        atomic_load(&buffer->refs) != 1 || buffer->pool != reading->pool) {
        tn_buffer_release(buffer);
        return;
    }
    TN_SPOIL(buffer->data, buffer->size, 0xDD);
    reading->spares[reading->spare_count++] = buffer;
    reading->spare_bytes += buffer->size;
}

void tn_reading__close(tn_reading *reading)
{
    while (reading->spare_count > 0) {
        tn_buffer_release(reading->spares[--reading->spare_count]);
    }
    reading->spare_bytes = 0;
    while (reading->fetches != NULL) {
        tn_fetch *const gone = reading->fetches;
        reading->fetches = gone->next;
        tn_pool_free(reading->pool, gone, sizeof(*gone));
    }
}

static TN_FALLIBLE take_fetch_room(tn_reading *reading, void **out, tarn_error *err)
{
    if (reading->fetches == NULL) {
        return tn_pool_alloc_zeroed(reading->pool, sizeof(tn_fetch), out, err);
    }
    *out = reading->fetches;
    reading->fetches = reading->fetches->next;
    memset(*out, 0, sizeof(tn_fetch));
    return TARN_OK;
}

static void give_fetch_room(tn_reading *reading, tn_fetch *fetch)
{
    if (reading->spare_max == 0) {
        tn_pool_free(reading->pool, fetch, sizeof(*fetch));
        return;
    }
    fetch->next = reading->fetches;
    reading->fetches = fetch;
}

TN_FALLIBLE tn_fetch__start(tn_reading *reading, uint64_t offset, size_t size, size_t lead,
                            tn_fetch **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory = NULL;
    *out = NULL;
    TN_TRY(take_fetch_room(reading, &memory, err));
    tn_fetch *const fetch = memory;
    fetch->refs = 1;
    fetch->lead = lead;
    fetch->waker.wake = wake_waiting;
    TN_TRY(tn_reading__take(reading, lead + size + TN_BLOCK_PADDING, &fetch->buffer, err));
    fetch->read = (tn_read){
        .offset = offset, .size = size, .into = fetch->buffer->data + lead, .waker = &fetch->waker};
    fetch->read.error = (tarn_error)TARN_ERROR_INIT;
    reading->bytes_read += size;
    tn_object_read_start(reading->object, &fetch->read);
    *out = fetch;
    memory = NULL;
done:
    tn_pool_free(reading->pool, memory, sizeof(tn_fetch));
    return code;
}

void tn_fetch__release(tn_reading *reading, tn_fetch *fetch)
{
    if (fetch == NULL || --fetch->refs > 0) {
        return;
    }
    uintptr_t waiting = atomic_load(&fetch->state);
    if (waiting > 1) { /* whoever waited does so no longer */
        (void)atomic_compare_exchange_strong(&fetch->state, &waiting, 0);
    }
    if (!tn_fetch__done(fetch)) {
        tn_object_read_cancel(reading->object, &fetch->read);
        while (!tn_fetch__done(fetch)) { /* soon: only a scan that is given up comes here */
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        }
    }
    tn_reading__give(reading, fetch->buffer);
    give_fetch_room(reading, fetch);
}

void tn_range__open(tn_range *range, tn_reading *reading, uint64_t start, uint64_t end,
                    size_t window, bool ahead)
{
    *range =
        (tn_range){.reading = reading, .next = start, .end = end, .window = window, .ahead = ahead};
}

void tn_range__share(tn_range *range, tn_fetch *fetch, size_t at, size_t size)
{
    fetch->refs++;
    range->fetch = fetch;
    range->fetch_at = at;
    range->fetch_size = size;
    range->next += size;
}

static TN_FALLIBLE fetch_next(tn_range *range, size_t least, tarn_error *err)
{
    const uint64_t left = range->end - range->next;
    size_t size = range->window > least ? range->window : least;
    /* With the window and the padding a round sum; a file's tail may have a smaller window. */
    const size_t most = range->window > LEAD_SAVED ? range->window - LEAD_SAVED : 0;
    const size_t lead = tn_range__there(range) > 0 ? most : 0;
    if (left <= size + size / 4) { /* no crumbs */
        size = (size_t)left;
    }
    TN_RETURN_IF_ERROR(
        tn_fetch__start(range->reading, range->next, size, lead, &range->fetch, err));
    range->fetch_at = 0;
    range->fetch_size = size;
    range->next += size;
    return TARN_OK;
}

TN_FALLIBLE tn_range__start(tn_range *range, tarn_error *err)
{
    if (range->fetch != NULL || range->next == range->end) {
        return TARN_OK;
    }
    return fetch_next(range, 0, err);
}

void tn_range__close(tn_range *range)
{
    if (range->reading != NULL) {
        tn_fetch__release(range->reading, range->fetch);
        tn_reading__give(range->reading, range->buffer);
        *range = (tn_range){0};
    }
}

void tn_range__let_go(tn_range *range)
{
    if (range->at == range->stop) {
        tn_reading__give(range->reading, range->buffer);
        range->buffer = NULL;
        range->at = range->stop = NULL;
    }
}

/* What is left of the window goes before the bytes that came, mostly into the room kept there. */
static TN_FALLIBLE take_fetch(tn_range *range, tarn_error *err)
{
    tn_fetch *const fetch = range->fetch;
    const size_t left = tn_range__there(range);
    uint8_t *const came = fetch->buffer->data + fetch->lead + range->fetch_at;
    tn_buffer *buffer = NULL;
    if (left == 0 || (fetch->refs == 1 && range->fetch_at == 0 && left <= fetch->lead)) {
        buffer = tn_buffer_retain(fetch->buffer);
        if (left > 0) {
            memcpy(came - left, range->at, left);
        }
        range->at = came - left;
        range->stop = came + range->fetch_size;
    } else {
        const size_t size = left + range->fetch_size;
        TN_RETURN_IF_ERROR(tn_reading__take(range->reading, size + TN_BLOCK_PADDING, &buffer, err));
        memcpy(buffer->data, range->at, left);
        memcpy(buffer->data + left, came, range->fetch_size);
        range->at = buffer->data;
        range->stop = buffer->data + size;
    }
    tn_reading__give(range->reading, range->buffer);
    range->buffer = buffer;
    tn_fetch__release(range->reading, fetch);
    range->fetch = NULL;
    range->fetch_size = 0;
    return TARN_OK;
}

TN_FALLIBLE tn_range__need(tn_range *range, size_t size, tn_ready *ready, tarn_error *err)
{
    *ready = TN_READY;
    while (tn_range__there(range) < size) {
        if (range->fetch == NULL) {
            if (range->next == range->end) {
                return tn_fail(err, TARN_E_CORRUPT, "the column chunk ends early");
            }
            TN_RETURN_IF_ERROR(fetch_next(range, size - tn_range__there(range), err));
        }
        if (!tn_fetch__done(range->fetch)) {
            *ready = TN_NOT_READY;
            return TARN_OK;
        }
        if (range->fetch->read.code != TARN_OK) {
            tn_error_copy(err, &range->fetch->read.error);
            return range->fetch->read.code;
        }
        TN_RETURN_IF_ERROR(take_fetch(range, err));
        if (range->ahead && range->next < range->end) {
            TN_RETURN_IF_ERROR(fetch_next(range, 0, err));
        }
    }
    return TARN_OK;
}
