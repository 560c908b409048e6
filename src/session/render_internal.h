/* render_internal.h - a renderer from inside. */
#ifndef TN_SESSION_RENDER_INTERNAL_H
#define TN_SESSION_RENDER_INTERNAL_H

#include "kernel/text.h"
#include "session/render.h"

typedef struct tn_renderer {
    const tn_render_source *source;
    const tn_render_options *options;
    tn_render_write *write;
    void *write_context;
    tn_text text; /* to be written */
    tn_text cell; /* scratch */
    bool stopped; /* the writer wants no more */
} tn_renderer;

TN_FALLIBLE tn_renderer__flush(tn_renderer *r, tarn_error *err);
TN_FALLIBLE tn_renderer__table(tn_renderer *r, tarn_error *err); /* the forms for people */

#endif
