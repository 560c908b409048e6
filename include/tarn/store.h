/*
 * store.h - files and objects by URI: "a/b.csv", "file:///x", "s3://bucket/key".
 */
#ifndef TARN_STORE_H
#define TARN_STORE_H

#include <tarn/session.h>
#include <tarn/text.h>

TARN_BEGIN_DECLS

/* Something that is being written: nothing is visible under its name before it is finished. */
typedef struct tarn_upload tarn_upload;
TARN_FALLIBLE tarn_upload_open(tarn_session *session, const char *uri, tarn_upload **out,
                               tarn_error *err);
TARN_FALLIBLE tarn_upload_write(tarn_upload *upload, const void *data, size_t size,
                                tarn_error *err);
/* The upload is gone then, also after a failure. */
TARN_FALLIBLE tarn_upload_finish(tarn_upload *upload, tarn_error *err);
TARN_API void tarn_upload_abort(tarn_upload *upload); /* NULL is allowed */

TARN_END_DECLS

#endif
