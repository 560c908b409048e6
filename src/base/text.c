#include "base/text.h"

#include "base/size.h"

#include <stdarg.h>
#include <stdio.h>

enum { LARGE = 4 << 20, FIRST_CAPACITY = 256 };

void tn_text_init(tn_text *text, tn_pool *pool, size_t limit)
{
    *text = (tn_text){.pool = pool, .limit = limit};
}

void tn_text_deinit(tn_text *text)
{
    tn_pool_free(text->pool, text->data, text->capacity);
    text->data = NULL;
    text->size = text->capacity = 0;
}

void tn_text_clear(tn_text *text)
{
    text->size = 0;
    text->failed = TARN_OK;
    if (text->data != NULL) {
        text->data[0] = '\0';
    }
}

void tn_text_take_failure(tn_text *text, const tn_text *part)
{
    if (text->failed == TARN_OK) {
        text->failed = part->failed;
        text->refused = part->refused;
    }
}

char *tn_text_reserve(tn_text *text, size_t size)
{
    size_t needed;
    if (text->failed != TARN_OK) {
        return NULL;
    }
    if (!tn_size_add(text->size, size, &needed) || needed > text->limit || needed > SIZE_MAX / 4) {
        text->failed = TARN_E_LIMIT;
        return NULL;
    }
    if (needed + 1 > text->capacity) {
        /* Twice as much, and a large one an eighth beyond what is asked for: memory that is counted
         * and not used says little of what the process has. */
        const size_t least = needed + 1 + (needed > LARGE ? needed / 8 : 0);
        const size_t twice = text->capacity > LARGE ? 0 : 2 * text->capacity;
        const size_t capacity = tn_max_size(tn_max_size(FIRST_CAPACITY, twice), least);
        void *memory;
        text->failed = tn_pool_alloc(text->pool, capacity, &memory, NULL);
        if (text->failed != TARN_OK) {
            text->refused = capacity;
            return NULL;
        }
        if (text->size > 0) {
            memcpy(memory, text->data, text->size);
        }
        tn_pool_free(text->pool, text->data, text->capacity);
        text->data = memory;
        text->capacity = capacity;
    }
    return text->data + text->size;
}

void tn_text_append(tn_text *text, tn_str piece)
{
    char *room = tn_text_reserve(text, piece.size);
    if (room == NULL) {
        return;
    }
    if (piece.size > 0) {
        memcpy(room, piece.data, piece.size);
    }
    room[piece.size] = '\0';
    text->size += piece.size;
}

void tn_text_puts(tn_text *text, const char *piece)
{
    tn_text_append(text, tn_str_of(piece));
}

void tn_text_putc(tn_text *text, char c)
{
    tn_text_append(text, (tn_str){&c, 1});
}

void tn_text_printf(tn_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *room = tn_text_reserve(text, (size_t)size);
    if (room == NULL) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(room, (size_t)size + 1, format, args);
    va_end(args);
    text->size += (size_t)size;
}

tarn_code tn_text_status(const tn_text *text, tarn_error *err)
{
    if (text->failed == TARN_E_LIMIT) {
        return tn_fail(err, TARN_E_LIMIT, "the text would pass its limit of %zu bytes",
                       text->limit);
    }
    if (text->failed != TARN_OK) {
        return tn_pool_fail(text->pool, text->refused, NULL, err);
    }
    return TARN_OK;
}
