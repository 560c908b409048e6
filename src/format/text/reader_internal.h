/*
 * reader_internal.h - the bytes of an object from some place on, as they arrive.
 *
 * Local text is read straight to where it is wanted; the page cache answers at once.  Remote or
 * compressed bytes come through a few slots that are read ahead.  One task uses a reader.
 */
#ifndef TN_FORMAT_TEXT_READER_INTERNAL_H
#define TN_FORMAT_TEXT_READER_INTERNAL_H

#include "codec/stream.h"
#include "store/store.h"

typedef enum tn__fill { TN__FILL_GOT, TN__FILL_WAIT, TN__FILL_END } tn__fill;

/* A read in flight, and who is to be woken: PENDING, then WAITING where its owner parked, then
 * DONE. */
typedef struct tn__slot {
    tn_waker waker;
    _Atomic int state;
    tn_waker *target; /* set before WAITING */
    tn_read read;
    uint8_t *data;
    size_t capacity, taken;
    bool used; /* a read was started and not yet taken whole */
} tn__slot;

enum { TN__SLOTS = 4 };

typedef struct tn__text_reader {
    tn_pool *pool;
    tn_object *object;
    tn_codec codec;
    bool direct;
    tn_inflater *inflater;
    uint64_t next, end;    /* of the object: what is to be asked for; where to stop */
    size_t slot_size;      /* of the next slot to be filled: grows */
    unsigned first, count; /* the slots in use, in order */
    tn__slot slots[TN__SLOTS];
    uint64_t bytes_read;
} tn__text_reader;

void tn__text_reader_init(tn__text_reader *reader, tn_object *object, tn_codec codec, bool is_local,
                          tn_pool *pool);
/* Cancels what is in flight and waits for it. */
void tn__text_reader_deinit(tn__text_reader *reader);
/* Go to a byte; small: begin with small reads.  Compressed objects are read from 0 only. */
TN_FALLIBLE tn__text_reader_seek(tn__text_reader *reader, uint64_t offset, uint64_t end, bool small,
                                 tarn_error *err);
/*
 * Puts at most `room` bytes (not 0) at `into`.  GOT: *got of them, at least 1.  WAIT: call again
 * with the same place once the waker was called; `into` must stay.  END: there are no more.
 */
TN_FALLIBLE tn__text_reader_fill(tn__text_reader *reader, char *into, size_t room, tn_waker *waker,
                                 size_t *got, tn__fill *answer, tarn_error *err);

#endif
