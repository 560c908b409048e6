/* options_internal.h - options by name, as SQL gives them, to C's. */
#ifndef TN_FORMAT_TEXT_OPTIONS_INTERNAL_H
#define TN_FORMAT_TEXT_OPTIONS_INTERNAL_H

#include "column/value.h"

/* Each reads a value of the option `name` or fails in the user's words. */
TN_FALLIBLE tn__option_bool(tn_str name, const tn_value *value, bool *out, tarn_error *err);
TN_FALLIBLE tn__option_size(tn_str name, const tn_value *value, uint64_t *out, tarn_error *err);
TN_FALLIBLE tn__option_text(tn_str name, const tn_value *value, tn_str *out, tarn_error *err);
/* One byte, or none where the text is empty. */
TN_FALLIBLE tn__option_byte(tn_str name, const tn_value *value, int *out, tarn_error *err);
/* A text, or a list of texts; `*out` lives in the arena. */
TN_FALLIBLE tn__option_texts(tn_str name, const tn_value *value, tn_arena *arena, tn_str **out,
                             uint32_t *count, tarn_error *err);
/* {'name': 'TYPE', ...}: a struct of texts, or a map; in order. */
TN_FALLIBLE tn__option_fields(tn_str name, const tn_value *value, tn_types *types, tn_arena *arena,
                              tn_field **out, uint32_t *count, tarn_error *err);
TN_FALLIBLE tn__option_unknown(tn_str name, const char *const *names, size_t count,
                               const char *format, tarn_error *err);

#endif
