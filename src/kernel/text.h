/*
 * text.h - values as text and back: as SQL and the command spell them.
 *
 * Integers and decimals are digits with their scale; floats the shortest text that reads back the
 * same; `true`, `false`; 2026-01-31; 13:05:00[.ffffff]; 2026-01-31 13:05:00[.ffffff][+00];
 * intervals as PostgreSQL's; binary \x6162; lists, structs and maps as JSON.  CSV, casts and the
 * JSON shell all print and read through these functions.  They hold no state.
 */
#ifndef TN_KERNEL_TEXT_H
#define TN_KERNEL_TEXT_H

#include "column/value.h"

/* ---- printing ---------------------------------------------------------------------------------
 */

/* Appends a value of any type and encoding; nothing for a null. */
void tn_text_value(const tn_column *column, uint32_t row, tn_text *out);

typedef struct tn_json_style {
    bool strings; /* integers beyond 2^53 and decimals as strings */
} tn_json_style;
/* The same as JSON: numbers for integers, decimals and finite floats, base64 for binary, `null`,
 * strings for all else that is no container. */
void tn_text_json(const tn_column *column, uint32_t row, const tn_json_style *style, tn_text *out);

/* One value outside a column. */
void tn_text_of(const tn_value *value, tn_text *out);
void tn_text_json_of(const tn_value *value, const tn_json_style *style, tn_text *out);

/*
 * The hot form: prints row `row` of flat values of a lane into at most TN_TEXT_SCALAR_SIZE bytes
 * and returns how many.  NULL where the type is a string, binary or nested.
 */
enum { TN_TEXT_SCALAR_SIZE = 128 };
typedef size_t tn_text_printer(const tn_type *type, const void *values, size_t row, char *out);
tn_text_printer *tn_text_printer_of(const tn_type *type, tn_lane lane);

/*
 * A column at a time, for casts: views of rows `from` and on, their text in `heap`, until `rows` or
 * until fewer than TN_TEXT_SCALAR_SIZE bytes are left; returns the row it came to.  Null rows
 * (`validity` may be NULL) get empty views.  Scalars only.
 */
size_t tn_text_print_rows(const tn_type *type, tn_lane lane, const void *values,
                          const uint64_t *validity, size_t from, size_t rows, tn_view *out,
                          char *heap, size_t heap_size, size_t *heap_used);

/* ---- reading ----------------------------------------------------------------------------------
 *
 * Each takes the whole text, without the spaces around it, and answers NULL, or why it cannot
 * ("no such day"); `out` is then undefined.
 */
typedef const char *tn_reason;

tn_reason tn_text_parse_boolean(tn_str text, bool *out); /* true t yes y on 1, false f no n off 0 */
tn_reason tn_text_parse_integer(tn_str text, const tn_type *type, int64_t *out); /* u64 as bits */
/* Is it a number with a fraction, which a scale of 0 would round away? */
bool tn_text_has_fraction(tn_str text);
/* What holds the digits of a text, if these and a sign are all there is. */
typedef enum tn_whole { TN_WHOLE_NONE, TN_WHOLE_64, TN_WHOLE_128, TN_WHOLE_LONGER } tn_whole;
/* *in_double: a DOUBLE holds this very number. */
tn_whole tn_text_whole(tn_str text, bool *in_double);
tn_reason tn_text_parse_double(tn_str text, double *out);
tn_reason tn_text_parse_real(tn_str text, float *out);
/* 2026-01-31, also with '/', one-digit months and days, " BC" behind; a time behind it is dropped.
 */
tn_reason tn_text_parse_date(tn_str text, int32_t *out);
tn_reason tn_text_parse_time(tn_str text, int64_t *out); /* us */
/*
 * A date, or date and time with ' ' or 'T' between, fractions of a second (rounded), then nothing,
 * 'Z', ' UTC' or an offset, which is taken off: the answer is UTC.  `unit` is TN_US_PER_SECOND or
 * TN_NS_PER_SECOND.
 */
tn_reason tn_text_parse_timestamp(tn_str text, int64_t unit, int64_t *out);
/* Does a text that is a timestamp say its zone?  Then it is an instant, of TIMESTAMP WITH TIME
 * ZONE. */
bool tn_text_has_zone(tn_str text);
/* PostgreSQL's form ("1 year 2 mons -3 days 04:05:06.7", "2 hours ago") and ISO 8601's ("P1DT2H").
 */
tn_reason tn_text_parse_interval(tn_str text, tn_interval *out);
/* Half away from zero where there are more digits than the scale; refused where the whole part has
 * too many.  The forms by lane. */
tn_reason tn_text_parse_decimal(tn_str text, const tn_type *type, int64_t *out); /* to 18 digits */
tn_reason tn_text_parse_decimal128(tn_str text, const tn_type *type, tn_i128 *out); /* to 38 */
tn_reason tn_text_parse_decimal256(tn_str text, const tn_type *type, tn_i256 *out);
/* \x6162; text without a backslash as its own bytes.  Appends to `out`. */
tn_reason tn_text_parse_blob(tn_str text, tn_text *out);

/*
 * A value of any type but nested ones, which come from their JSON elsewhere.  Strings are borrowed
 * from `text`, binary lies in the arena.  TARN_E_INVALID: "'x' is no DATE: ...".
 */
TN_FALLIBLE tn_text_parse(tn_str text, const tn_type *type, tn_arena *arena, tn_value *out,
                          tarn_error *err);
/* Fails as tn_text_parse does, for a reason found by one of the functions above; without a type
 * where the text is no value of any. */
TN_FALLIBLE tn_text_fail(tn_str text, const tn_type *type, tn_reason why, tarn_error *err);
/* The reason alone, for the message of a fault mask; NULL where the text is fine. */
tn_reason tn_text_why(tn_str text, const tn_type *type);

/*
 * A column at a time: views to `type`'s declared lane.  Rows that cannot be read get their bit in
 * `faults` ((rows + 63) / 64 words, all written) and a value of 0; null rows (`validity` may be
 * NULL) are passed over with 0.  Answers whether there was a fault.  All types but strings, binary
 * and nested ones.
 */
bool tn_text_parse_rows(const tn_type *type, const tn_view *views, const uint64_t *validity,
                        size_t rows, void *out, uint64_t *faults);

#endif
