/* stream_internal.h - what streams of results and frames share. */
#ifndef TN_API_STREAM_INTERNAL_H
#define TN_API_STREAM_INTERNAL_H

#include "api/api_internal.h"
#include "column/arrow.h"

/* A stream that holds the session; owns the feed, also on failure. */
TN_FALLIBLE tn_api__stream(tarn_session *session, const tn_arrow_feed *feed,
                           struct ArrowArrayStream *out, tarn_error *err);
TN_FALLIBLE tn_api__schema(tarn_session *session, const tn_schema *schema, struct ArrowSchema *out,
                           tarn_error *err);

#endif
