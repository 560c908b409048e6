/*
 * frame.h - frames as a chain of steps, and their lowering to a plan.
 *
 * A step is immutable and counted; making one consumes its inputs and terms.  A step that could not
 * be built is of kind ERROR, or NULL where memory was refused.  Lowering is the only thing that
 * fails; it walks the steps without recursion, a step that several others build on becomes one
 * SHARED plan (scans are made anew: each prunes by its own filters), and what goes wrong is
 * explained with the step's number and verb.
 *
 * Nothing here knows of sessions: `owner` is the caller's, `open` makes a leaf's plan.
 */
#ifndef TN_FRAME_FRAME_H
#define TN_FRAME_FRAME_H

#include "frame/term.h"
#include "plan/plan.h"

#include <tarn/frame.h>

typedef enum tn_step_kind {
    TN_FRAME_ERROR, /* .code, .text */
    TN_FRAME_SCAN,  /* .text: a name or URI */
    TN_FRAME_SQL,   /* .text */
    TN_FRAME_FILTER,
    TN_FRAME_SELECT,
    TN_FRAME_WITH_COLUMNS,
    TN_FRAME_GROUP_BY, /* .key_count terms, then the aggregates */
    TN_FRAME_JOIN,     /* .join; terms: the columns */
    TN_FRAME_JOIN_ON,  /* .join; one term: the condition */
    TN_FRAME_SORT,     /* .offset, .limit: UINT64_MAX: all */
    TN_FRAME_LIMIT,
    TN_FRAME_UNIQUE,
    TN_FRAME_UNION,
    TN_FRAME_UNION_BY_NAME
} tn_step_kind;

struct tarn_frame {
    _Atomic size_t refs;
    tn_pool *pool;
    size_t size;
    tn_step_kind kind;
    void *owner;      /* the session of all its leaves */
    uint32_t ordinal; /* from 1: steps on the longest way from a leaf */
    const char *verb;
    tarn_code code;
    tarn_join_kind join;
    uint64_t offset, limit;
    tn_str text;
    tarn_frame *next; /* of those to be freed */
    size_t input_count, term_count, key_count;
    tarn_frame *inputs[2];
    tarn_expr **terms;
};

/* A copy of `like` with its .inputs and these terms, all of which are consumed. */
tarn_frame *tn_step_make(tn_pool *pool, const tarn_frame *like, const tarn_exprs *lists,
                         size_t list_count);
tarn_frame *tn_step_error(tn_pool *pool, tarn_code code, const char *verb, const char *message);
tarn_frame *tn_step_retain(tarn_frame *step); /* NULL is allowed */
void tn_step_release(tarn_frame *step);       /* NULL is allowed */

/* In a span's start: the rest is the number of a step, not a place in a text. */
#define TN_STEP_SPAN UINT32_C(0x80000000)

typedef struct tn_frame_source {
    /* The plan of a SCAN or SQL step. */
    tarn_code (*open)(void *context, const tarn_frame *step, tn_plan_context *plans, tn_plan **out,
                      tarn_error *err);
    void *context;
} tn_frame_source;

TN_FALLIBLE tn_frame_lower(const tarn_frame *frame, const tn_frame_source *source,
                           tn_plan_context *plans, tn_plan **out, tarn_error *err);

#endif
