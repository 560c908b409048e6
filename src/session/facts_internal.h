/* facts_internal.h - makes small tables of values, row by row. */
#ifndef TN_SESSION_FACTS_INTERNAL_H
#define TN_SESSION_FACTS_INTERNAL_H

#include "session/inspect.h"
#include "session/session_internal.h"

typedef struct tn_facts_maker {
    tn_chunk_builder *builder;
    uint32_t width;
} tn_facts_maker;

TN_FALLIBLE tn_facts__begin(tn_session *session, const tn_field *fields, uint32_t width,
                            tn_facts_maker *out, tarn_error *err);
TN_FALLIBLE tn_facts__put(tn_facts_maker *maker, const tn_value *values, tarn_error *err);
TN_FALLIBLE tn_facts__finish(tn_facts_maker *maker, const tn_field *fields, uint32_t width,
                             tn_arena *arena, tn_facts *out, tarn_error *err);
void tn_facts__end(tn_facts_maker *maker); /* on any path */

#endif
