/*
 * stream.h - compressed text as it arrives: feed bytes, get text.
 *
 * For .gz and .zst files that CSV and JSON readers go through block by block.  Members or frames
 * one after another count as one text, as gzip and zstd write them.  One thread at a time.
 */
#ifndef TN_CODEC_STREAM_H
#define TN_CODEC_STREAM_H

#include "codec/codec.h"

typedef struct tn_inflater tn_inflater;

/* TN_CODEC_GZIP, TN_CODEC_ZSTD, or TN_CODEC_NONE, which copies. */
TN_FALLIBLE tn_inflater_create(tn_codec codec, tn_pool *pool, tn_inflater **out, tarn_error *err);
void tn_inflater_destroy(tn_inflater *inflater);

/*
 * Takes bytes from `*from` until `from_end` and puts text at `*to` until `to_end`; both move.  It
 * returns when either side is used up: no more text is to come from what was fed once `*from` is
 * at its end and there is room left in `to`.
 */
TN_FALLIBLE tn_inflater_step(tn_inflater *inflater, const uint8_t **from, const uint8_t *from_end,
                             uint8_t **to, uint8_t *to_end, tarn_error *err);
/* After the last byte was fed: fails where the text ends in the middle of a member. */
TN_FALLIBLE tn_inflater_finish(const tn_inflater *inflater, tarn_error *err);

/* What a name's ending says: ".gz" and ".zst"; TN_CODEC_NONE for any other. */
tn_codec tn_codec_of_name(const char *name, size_t size);
/* What a file's first bytes say (4 are enough): the magic numbers of gzip and zstd. */
tn_codec tn_codec_of_bytes(const void *bytes, size_t size);

#endif
