/*
 * text.h - text that grows: messages, rendered results, JSON, log entries.
 *
 * Every text has a limit, so that no input can make one without bound.  A failed append is sticky:
 * later appends do nothing and tn_text_status() tells, so that building needs one check at its end.
 */
#ifndef TN_BASE_TEXT_H
#define TN_BASE_TEXT_H

#include "base/pool.h"
#include "base/str.h"

typedef struct tn_text {
    tn_pool *pool;
    char *data; /* zero-terminated once anything was appended */
    size_t size, capacity, limit;
    tarn_code failed;
    size_t refused; /* bytes that there was no memory for */
} tn_text;

void tn_text_init(tn_text *text, tn_pool *pool, size_t limit);
void tn_text_deinit(tn_text *text);
void tn_text_clear(tn_text *text); /* keeps the memory, forgets a failure */

void tn_text_append(tn_text *text, tn_str piece);
void tn_text_puts(tn_text *text, const char *piece);
void tn_text_putc(tn_text *text, char c);
void tn_text_printf(tn_text *text, const char *format, ...) TN_PRINTF(2, 3);
/* Room for `size` more bytes, to be written at data + size by the caller; NULL when it failed. */
char *tn_text_reserve(tn_text *text, size_t size);

/* A text made of parts fails where one of them did: to be called before that part is cleared. */
void tn_text_take_failure(tn_text *text, const tn_text *part);
TN_FALLIBLE tn_text_status(const tn_text *text, tarn_error *err);
static inline tn_str tn_text_str(const tn_text *text)
{
    return (tn_str){text->data, text->size};
}

#endif
