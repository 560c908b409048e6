#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#include "format/text/reader_internal.h"

#include "base/size.h"

#include <stdatomic.h>
#include <time.h>

enum { PENDING, WAITING, DONE };
enum { SLOT_SMALL = 256 << 10, SLOT_LARGE = 2 << 20, SLOT_COMPRESSED = 256 << 10 };

static void wake_slot(tn_waker *waker)
{
    tn__slot *slot = (tn__slot *)(void *)waker;
    int state = PENDING;
    /* where the owner does not wait, it may free the slot as soon as it reads DONE */
    if (atomic_compare_exchange_strong(&slot->state, &state, DONE)) {
        return;
    }
    tn_waker *target = slot->target;
    atomic_store(&slot->state, DONE);
    tn_wake(target);
}

void tn__text_reader_init(tn__text_reader *reader, tn_object *object, tn_codec codec, bool is_local,
                          tn_pool *pool)
{
    memset(reader, 0, sizeof(*reader));
    reader->pool = pool;
    reader->object = object;
    reader->codec = codec;
    reader->direct = is_local && codec == TN_CODEC_NONE;
    for (size_t i = 0; i < TN__SLOTS; i++) {
        reader->slots[i].waker.wake = wake_slot;
    }
}

static void settle(tn__text_reader *reader)
{
    for (unsigned i = 0; i < TN__SLOTS; i++) {
        tn__slot *slot = &reader->slots[i];
        if (slot->used && atomic_load(&slot->state) != DONE) {
            tn_object_read_cancel(reader->object, &slot->read);
        }
        while (slot->used && atomic_load(&slot->state) != DONE) {
            const struct timespec moment = {0, 20000};
            (void)nanosleep(&moment, NULL);
        }
        slot->used = false;
    }
    reader->count = 0;
}

void tn__text_reader_deinit(tn__text_reader *reader)
{
    settle(reader);
    for (unsigned i = 0; i < TN__SLOTS; i++) {
        tn_pool_free(reader->pool, reader->slots[i].data, reader->slots[i].capacity);
        reader->slots[i].data = NULL;
    }
    tn_inflater_destroy(reader->inflater);
    reader->inflater = NULL;
}

tarn_code tn__text_reader_seek(tn__text_reader *reader, uint64_t offset, uint64_t end, bool small,
                               tarn_error *err)
{
    settle(reader);
    reader->next = offset;
    reader->end = end;
    reader->slot_size = small ? SLOT_SMALL : SLOT_LARGE;
    if (reader->codec != TN_CODEC_NONE) {
        reader->slot_size = SLOT_COMPRESSED;
        tn_inflater_destroy(reader->inflater);
        reader->inflater = NULL;
        return tn_inflater_create(reader->codec, reader->pool, &reader->inflater, err);
    }
    return TARN_OK;
}

static void start(tn__text_reader *reader, tn__slot *slot, uint8_t *into, size_t size)
{
    slot->read.offset = reader->next;
    slot->read.size = size;
    slot->read.into = into;
    slot->read.waker = &slot->waker;
    slot->taken = 0;
    slot->used = true;
    atomic_store(&slot->state, PENDING);
    reader->next += size;
    tn_object_read_start(reader->object, &slot->read);
}

/* True once the slot's bytes are there; else the waker will be called. */
static bool is_there(tn__slot *slot, tn_waker *waker)
{
    int state = atomic_load(&slot->state);
    if (state == DONE) {
        return true;
    }
    if (state == PENDING) {
        slot->target = waker;
        return !atomic_compare_exchange_strong(&slot->state, &state, WAITING);
    }
    return false;
}

static tarn_code answer_of(tn__text_reader *reader, tn__slot *slot, tarn_error *err)
{
    if (slot->read.code != TARN_OK) {
        tn_error_copy(err, &slot->read.error);
        slot->used = false;
        return slot->read.code;
    }
    reader->bytes_read += slot->read.size;
    return TARN_OK;
}

static tarn_code fill_direct(tn__text_reader *reader, char *into, size_t room, tn_waker *waker,
                             size_t *got, tn__fill *answer, tarn_error *err)
{
    tn__slot *slot = &reader->slots[0];
    if (!slot->used) {
        const uint64_t left = reader->end - reader->next;
        if (left == 0) {
            *answer = TN__FILL_END;
            return TARN_OK;
        }
        start(reader, slot, (uint8_t *)into, room < left ? room : (size_t)left);
    }
    if (!is_there(slot, waker)) {
        *answer = TN__FILL_WAIT;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(answer_of(reader, slot, err));
    slot->used = false;
    *got = slot->read.size;
    *answer = TN__FILL_GOT;
    return TARN_OK;
}

/* Starts reads into all free slots. */
static tarn_code run_ahead(tn__text_reader *reader, tarn_error *err)
{
    const unsigned most = reader->codec != TN_CODEC_NONE ? 2 : TN__SLOTS;
    while (reader->count < most && reader->next < reader->end) {
        tn__slot *slot = &reader->slots[(reader->first + reader->count) % TN__SLOTS];
        const uint64_t left = reader->end - reader->next;
        const size_t size = reader->slot_size < left ? reader->slot_size : (size_t)left;
        if (slot->capacity < size) {
            void *memory;
            TN_RETURN_IF_ERROR(tn_pool_alloc(reader->pool, reader->slot_size, &memory, err));
            tn_pool_free(reader->pool, slot->data, slot->capacity);
            slot->data = memory;
            slot->capacity = reader->slot_size;
        }
        reader->count++;
        start(reader, slot, slot->data, size);
        reader->slot_size = tn_min_size(
            2 * reader->slot_size, reader->codec != TN_CODEC_NONE ? SLOT_COMPRESSED : SLOT_LARGE);
    }
    return TARN_OK;
}

static void drop_first(tn__text_reader *reader)
{
    reader->slots[reader->first].used = false;
    reader->first = (reader->first + 1) % TN__SLOTS;
    reader->count--;
}

static tarn_code fill_from_slots(tn__text_reader *reader, char *into, size_t room, tn_waker *waker,
                                 size_t *got, tn__fill *answer, tarn_error *err)
{
    uint8_t *to = (uint8_t *)into;
    uint8_t *const to_end = to + room;
    for (;;) {
        TN_RETURN_IF_ERROR(run_ahead(reader, err));
        if (reader->count == 0) {
            *answer = TN__FILL_END;
            return reader->inflater == NULL ? TARN_OK : tn_inflater_finish(reader->inflater, err);
        }
        tn__slot *slot = &reader->slots[reader->first];
        if (!is_there(slot, waker)) {
            *answer = TN__FILL_WAIT;
            return TARN_OK;
        }
        if (slot->taken == 0) {
            TN_RETURN_IF_ERROR(answer_of(reader, slot, err));
        }
        const uint8_t *from = slot->data + slot->taken;
        const uint8_t *const from_end = slot->data + slot->read.size;
        if (reader->inflater != NULL) {
            TN_RETURN_IF_ERROR(
                tn_inflater_step(reader->inflater, &from, from_end, &to, to_end, err));
        } else {
            const size_t size = tn_min_size((size_t)(from_end - from), room);
            memcpy(to, from, size);
            to += size;
            from += size;
        }
        slot->taken = (size_t)(from - slot->data);
        /* an inflater that filled the room may hold more of the same bytes */
        if (from == from_end && (reader->inflater == NULL || to < to_end)) {
            drop_first(reader);
        }
        if (to > (uint8_t *)into) {
            *got = (size_t)(to - (uint8_t *)into);
            *answer = TN__FILL_GOT;
            return TARN_OK;
        }
    }
}

tarn_code tn__text_reader_fill(tn__text_reader *reader, char *into, size_t room, tn_waker *waker,
                               size_t *got, tn__fill *answer, tarn_error *err)
{
    *got = 0;
    return reader->direct ? fill_direct(reader, into, room, waker, got, answer, err)
                          : fill_from_slots(reader, into, room, waker, got, answer, err);
}
