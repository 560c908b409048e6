/* api_internal.h - what public handles are inside. */
#ifndef TN_API_API_INTERNAL_H
#define TN_API_API_INTERNAL_H

#include "base/vec.h"
#include "session/inspect.h"
#include "session/render.h"
#include "session/session.h"

#include <tarn/tarn.h>

#include <stdatomic.h>
#include <sys/types.h>

typedef struct tn_bound_parameter {
    tn_str name;
    tn_value value;
} tn_bound_parameter;

struct tarn_session {
    tn_session *session;
    pid_t owner;              /* the process that opened it */
    tn_arena arena;           /* of the parameters */
    tn_parameters parameters; /* grown by _bind; arrays in the arena */
    uint32_t parameter_capacity;
    _Atomic size_t holds; /* its user's, and one for each thing handed out that lives in its pool */
    bool string_views;
};

/* The session is freed with its last hold, after it was closed: what was handed out may live on. */
void tn_api__hold(tarn_session *session);
void tn_api__let_go(tarn_session *session);

struct tarn_result {
    tn_result *result; /* of a script, or NULL: */
    tn_chunk *chunk;   /* what is left of an answer that is there already */
    tn_schema schema;  /* copied with names that end with a zero */
    tn_arena arena;
};
/* A result that belongs to no script: begin makes it, with an arena for its schema; end gives it
 * its rows, or closes it after a failure. */
TN_FALLIBLE tn_api__begin_result(tarn_session *session, tarn_result **out, tarn_error *err);
TN_FALLIBLE tn_api__end_result(tarn_code code, const tn_facts *facts, tarn_result **out);

/* TARN_E_INVALID for NULL and for a session made before fork(). */
TN_FALLIBLE tn_api__check(const tarn_session *session, tarn_error *err);
/* NULL is TARN_E_INVALID, by the argument's name. */
TN_FALLIBLE tn_api__check_text(const char *text, const char *name, tarn_error *err);
TN_FALLIBLE tn_api__check_given(bool is_given, const char *name, tarn_error *err);

/* Rows as text, as tarn_result_print() has it. */
TN_FALLIBLE tn_api__print(tn_render_source *source, const tarn_print *options, tarn_write *write,
                          void *context, tarn_error *err);

/* A copy of a text that grew, for the caller; frees the text's own memory. */
TN_FALLIBLE tn_api__give(tn_text *text, char **out, size_t *size, tarn_error *err);

#endif
