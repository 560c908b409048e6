#include "kernel/like.h"

#include "base/utf8.h"
#include "kernel/find.h"

/* A piece between two %: literal bytes, with the places where any one character stands instead. */
typedef struct piece {
    uint32_t from, size; /* bytes in `text` */
    bool has_any;
} piece;

struct tn_like {
    tn_pool *pool;
    size_t size; /* of this block */
    uint32_t piece_count;
    bool open_start, open_end; /* a % stands there */
    piece *pieces;
    char *text;
    bool *any; /* of each byte of `text`: it stands for one character */
    bool has_sieve;
    tn_sieve sieve;
};

/* The two longest pieces that stand for themselves. */
static void make_sieve(tn_like *like)
{
    const piece *chosen[TN_SIEVE_PIECES] = {NULL, NULL};
    for (uint32_t i = 0; i < like->piece_count; i++) {
        const piece *next = &like->pieces[i];
        if (next->has_any || next->size > TN_SIEVE_SIZE_MAX) {
            continue;
        }
        for (size_t p = 0; p < TN_SIEVE_PIECES; p++) {
            if (chosen[p] == NULL || next->size > chosen[p]->size) {
                const piece *before = chosen[p];
                chosen[p] = next;
                next = before;
                if (next == NULL) {
                    break;
                }
            }
        }
    }
    like->has_sieve = chosen[0] != NULL;
    for (size_t p = 0; like->has_sieve && p < TN_SIEVE_PIECES; p++) {
        const piece *from = chosen[p] == NULL ? chosen[0] : chosen[p];
        like->sieve.pieces[p].first = like->text[from->from];
        like->sieve.pieces[p].last = like->text[from->from + from->size - 1];
        like->sieve.pieces[p].gap = (uint8_t)(from->size - 1);
    }
}

const tn_sieve *tn_like_sieve(const tn_like *like)
{
    return like->has_sieve ? &like->sieve : NULL;
}

tarn_code tn_like_create(tn_pool *pool, tn_str pattern, tn_str escape, tn_like **out,
                         tarn_error *err)
{
    void *memory = NULL;
    const size_t most = pattern.size + 1;
    const size_t size = sizeof(tn_like) + most * (sizeof(piece) + 2);
    *out = NULL;
    if (pattern.size > UINT32_MAX / 32) {
        return tn_fail(err, TARN_E_LIMIT, "a pattern of %zu bytes is too long", pattern.size);
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, size, &memory, err));
    tn_like *like = memory;
    like->pool = pool;
    like->size = size;
    like->pieces = (piece *)(like + 1);
    like->text = (char *)(like->pieces + most);
    like->any = (bool *)(like->text + most);
    uint32_t used = 0;
    bool open = true; /* the next byte begins a piece */
    for (size_t at = 0; at < pattern.size;) {
        const bool escaped =
            escape.size > 0 && tn_str_starts(tn_str_slice(pattern, at, pattern.size), escape);
        if (escaped) {
            at += escape.size;
            if (at >= pattern.size) {
                tn_like_destroy(like);
                return tn_fail(err, TARN_E_INVALID, "the LIKE pattern ends with its escape");
            }
        } else if (pattern.data[at] == '%') {
            like->open_start |= used == 0 && like->piece_count == 0;
            like->open_end = true;
            open = true;
            at++;
            continue;
        }
        if (open) {
            like->pieces[like->piece_count++] = (piece){used, 0, false};
            open = false;
        }
        like->open_end = false;
        piece *last = &like->pieces[like->piece_count - 1];
        like->any[used] = !escaped && pattern.data[at] == '_';
        last->has_any |= like->any[used];
        last->size++;
        like->text[used++] = pattern.data[at++];
    }
    make_sieve(like);
    *out = like;
    return TARN_OK;
}

void tn_like_destroy(tn_like *like)
{
    if (like != NULL) {
        tn_pool_free(like->pool, like, like->size);
    }
}

/* Bytes of `text` at `at` that the piece takes, or SIZE_MAX. */
static size_t match_here(const tn_like *like, const piece *part, tn_str text, size_t at)
{
    const char *bytes = like->text + part->from;
    const bool *any = like->any + part->from;
    const size_t start = at;
    for (uint32_t i = 0; i < part->size; i++) {
        if (at >= text.size) {
            return SIZE_MAX;
        }
        if (any[i]) {
            (void)tn_utf8_next(text.data, text.size, &at);
        } else if (text.data[at++] != bytes[i]) {
            return SIZE_MAX;
        }
    }
    return at - start;
}

/* The leftmost place at or behind `from`; *length is what it takes. */
static size_t find_piece(const tn_like *like, const piece *part, tn_str text, size_t from,
                         size_t *length)
{
    if (!part->has_any) {
        *length = part->size;
        return tn_find(text, (tn_str){like->text + part->from, part->size}, from);
    }
    while (from < text.size) {
        *length = match_here(like, part, text, from);
        if (*length != SIZE_MAX) {
            return from;
        }
        (void)tn_utf8_next(text.data, text.size, &from);
    }
    return SIZE_MAX;
}

/* Does the piece match exactly the text's end, behind `from`? */
static bool match_end(const tn_like *like, const piece *part, tn_str text, size_t from)
{
    if (!part->has_any) {
        return text.size - from >= part->size &&
               memcmp(text.data + text.size - part->size, like->text + part->from, part->size) == 0;
    }
    uint32_t characters = 0; /* of the piece: each continuation byte belongs to one before it */
    for (uint32_t i = 0; i < part->size; i++) {
        characters += ((uint8_t)like->text[part->from + i] & 0xc0) != 0x80;
    }
    size_t at = text.size;
    while (characters > 0 && at > from) {
        at--;
        while (at > from && ((uint8_t)text.data[at] & 0xc0) == 0x80) {
            at--;
        }
        characters--;
    }
    return characters == 0 && match_here(like, part, text, at) == text.size - at;
}

bool tn_like_match(const tn_like *like, tn_str text)
{
    size_t at = 0;
    uint32_t first = 0;
    uint32_t last = like->piece_count;
    if (like->piece_count == 0) {
        return like->open_start || text.size == 0;
    }
    if (!like->open_start) {
        const size_t length = match_here(like, &like->pieces[0], text, 0);
        if (length == SIZE_MAX) {
            return false;
        }
        at = length;
        first = 1;
        if (like->piece_count == 1) {
            return like->open_end || at == text.size;
        }
    }
    if (!like->open_end) {
        last--;
    }
    for (uint32_t i = first; i < last; i++) {
        size_t length = 0;
        at = find_piece(like, &like->pieces[i], text, at, &length);
        if (at == SIZE_MAX) {
            return false;
        }
        at += length;
    }
    return like->open_end || match_end(like, &like->pieces[like->piece_count - 1], text, at);
}
