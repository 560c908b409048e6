/* toml_internal.h - what the files of the TOML reader share. */
#ifndef TN_BASE_TOML_INTERNAL_H
#define TN_BASE_TOML_INTERNAL_H

#include "base/toml.h"

typedef struct tn_toml_reader {
    tn_arena *arena;
    tn_str text;
    size_t at;
    tn_toml *root, *table; /* the table that keys go to */
    tn_toml_fault *faults;
    size_t fault_count;
    tn_toml *stack[TN_TOML_DEPTH_MAX]; /* open arrays and inline tables */
    size_t depth;
    size_t seen, seen_start; /* the last place asked for, so that places are found once over */
    uint32_t seen_line;
} tn_toml_reader;

/* TARN_E_INVALID after noting a mistake at byte `at`; TARN_E_NOMEM. */
tarn_code tn_toml__fault(tn_toml_reader *r, size_t at, tarn_error *err, const char *format, ...)
    TN_PRINTF(4, 5);
void tn_toml__locate(tn_toml_reader *r, size_t at, uint32_t *line, uint32_t *column);

/* A string at r->at, whose quotes say its kind; `multiline` may be NULL where it must not be. */
TN_FALLIBLE tn_toml__string(tn_toml_reader *r, bool may_be_long, tn_str *out, tarn_error *err);
/* Anything but a string, an array or an inline table. */
TN_FALLIBLE tn_toml__scalar(tn_toml_reader *r, tn_toml *node, tarn_error *err);

#endif
