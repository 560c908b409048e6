/*
 * json.h - JSON documents: reading one into a tree, and writing.
 *
 * For what is read whole: log entries, plans, requests, credentials.  (Files of records are read by
 * format/json, straight into columns.)
 *
 * Strict RFC 8259 in UTF-8, at most TN_JSON_DEPTH_MAX deep; no comments, no trailing commas, no
 * unpaired surrogates; a byte order mark in front is passed over.  Where a key comes twice in an
 * object, the last one counts and the others are gone.
 */
#ifndef TN_BASE_JSON_H
#define TN_BASE_JSON_H

#include "base/arena.h"
#include "base/text.h"

enum { TN_JSON_DEPTH_MAX = 1000 };

typedef enum tn_json_kind {
    TN_JSON_NULL,
    TN_JSON_FALSE,
    TN_JSON_TRUE,
    TN_JSON_NUMBER,
    TN_JSON_STRING,
    TN_JSON_ARRAY,
    TN_JSON_OBJECT
} tn_json_kind;

/*
 * One value.  Nodes live in the arena.  Names and texts without escapes point into the document,
 * the others into the arena: the document must live as long as they are looked at.
 */
typedef struct tn_json {
    uint8_t kind;
    bool is_integer;            /* a number without point and exponent that fits `integer` */
    uint32_t count;             /* of members or elements */
    size_t offset, size;        /* where it stands in the document: for raw text, and messages */
    int64_t integer;            /* where is_integer */
    tn_str name;                /* of a member */
    tn_str text;                /* of a string; of a number, as it is written */
    const struct tn_json *next; /* the next member or element, or NULL */
    const struct tn_json *child;
} tn_json;

/* `err` gets line and column.  On failure `*out` is NULL. */
TN_FALLIBLE tn_json_parse(tn_arena *arena, tn_str document, const tn_json **out, tarn_error *err);
/* A value at the start of `text`; `*end` becomes the index behind it.  For several in a row. */
TN_FALLIBLE tn_json_parse_prefix(tn_arena *arena, tn_str text, const tn_json **out, size_t *end,
                                 tarn_error *err);

/*
 * The code point of an escape in a string, from the digits behind its "\u" at *at, which moves
 * behind it; a pair of surrogates is one.  Says what is wrong, or NULL.
 */
const char *tn_json_read_point(tn_str text, size_t *at, uint32_t *out);

/* ---- looking ----------------------------------------------------------------------------------
 * All take NULL for the object and answer as if the member were missing.  */

/* A member by name, or NULL: also where `object` is no object, or the member is null. */
const tn_json *tn_json_get(const tn_json *object, const char *name);
/* The same, but a member that is null is found. */
const tn_json *tn_json_find(const tn_json *object, tn_str name);
/* A member's text, integer, truth; `otherwise` where it is missing or of another kind. */
tn_str tn_json_get_text(const tn_json *object, const char *name, tn_str otherwise);
int64_t tn_json_get_integer(const tn_json *object, const char *name, int64_t otherwise);
bool tn_json_get_bool(const tn_json *object, const char *name, bool otherwise);

static inline bool tn_json_is(const tn_json *value, tn_json_kind kind)
{
    return value != NULL && value->kind == kind;
}
/* The nearest double of a number. */
double tn_json_double(const tn_json *number);

/* for (const tn_json *it = tn_json_first(array); it != NULL; it = it->next) */
static inline const tn_json *tn_json_first(const tn_json *value)
{
    return value == NULL ? NULL : value->child;
}

/* ---- writing ----------------------------------------------------------------------------------
 *
 *     tn_json_writer w = {.out = &text};
 *     tn_json_begin(&w, '{');
 *     tn_json_name(&w, "version");
 *     tn_json_put_integer(&w, 3);
 *     tn_json_end(&w, '}');
 *
 * Commas come by themselves.  Failures are the text's: tn_text_status().
 */
typedef struct tn_json_writer {
    tn_text *out;
    bool comma; /* something stands before the next value */
} tn_json_writer;

void tn_json_begin(tn_json_writer *w, char bracket); /* '{' or '[' */
void tn_json_end(tn_json_writer *w, char bracket);
void tn_json_name(tn_json_writer *w, const char *name);
void tn_json_name_str(tn_json_writer *w, tn_str name);
void tn_json_put_null(tn_json_writer *w);
void tn_json_put_bool(tn_json_writer *w, bool value);
void tn_json_put_integer(tn_json_writer *w, int64_t value);
void tn_json_put_unsigned(tn_json_writer *w, uint64_t value);
void tn_json_put_double(tn_json_writer *w, double value);    /* NaN and infinities as strings */
void tn_json_put_text(tn_json_writer *w, const char *value); /* NULL as null */
void tn_json_put_str(tn_json_writer *w, tn_str value);
void tn_json_put_raw(tn_json_writer *w, tn_str json);
/* Any value as it was read, numbers to the letter. */
void tn_json_put(tn_json_writer *w, const tn_json *value);

/* The text in quotes.  Bytes that are no UTF-8 become U+FFFD, so what is written can be read. */
void tn_json_quote(tn_text *out, tn_str text);

#endif
