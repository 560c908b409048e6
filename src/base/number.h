/*
 * number.h - numbers from text and back, exactly.
 *
 * Reading is correctly rounded and takes the whole text or nothing: no spaces, no grouping, no
 * locale.  Floats are printed as the shortest text that reads back the same: `1`, `0.1`, `1e+30`,
 * `-0`, `NaN`, `Infinity`; with an exponent below 1e-04 and from 1e+16 on.  Nothing is allocated.
 */
#ifndef TN_BASE_NUMBER_H
#define TN_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 tn_i128;
__extension__ typedef unsigned __int128 tn_u128;

typedef enum tn_parsed {
    TN_PARSED,          /* all of it, into `out` */
    TN_PARSED_NOTHING,  /* it is no number; `out` is untouched */
    TN_PARSED_TOO_LARGE /* a number that does not fit; floats: `out` is an infinity */
} tn_parsed;

/* An optional sign ('+' or '-'), then digits. */
tn_parsed tn_parse_i64(const char *text, size_t size, int64_t *out);
tn_parsed tn_parse_u64(const char *text, size_t size, uint64_t *out);
tn_parsed tn_parse_i128(const char *text, size_t size, tn_i128 *out);

/* A sign, digits with at most one point (".5" and "5." too), an exponent; or "nan", "inf",
 * "infinity" in any case.  Too small becomes 0. */
tn_parsed tn_parse_f64(const char *text, size_t size, double *out);
tn_parsed tn_parse_f32(const char *text, size_t size, float *out);

/* What every printer below needs at most; each returns how many bytes it wrote, without a
 * terminating zero. */
enum { TN_NUMBER_SIZE = 48 };
size_t tn_print_i64(char *out, int64_t value);
size_t tn_print_u64(char *out, uint64_t value);
size_t tn_print_i128(char *out, tn_i128 value);
size_t tn_print_f64(char *out, double value);
size_t tn_print_f32(char *out, float value);

/* The digits of the shortest decimal that reads back as |value| (finite, not 0): digits x
 * 10^exponent, without zeros at their end. */
typedef struct tn_shortest {
    uint64_t digits;
    int exponent;
} tn_shortest;
tn_shortest tn_shortest_f64(double value);
tn_shortest tn_shortest_f32(float value);

/* 10^exponent for 0 to 19. */
extern const uint64_t tn_powers_of_ten[20];

#endif
