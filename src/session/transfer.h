/* transfer.h - bytes from one store to another, and away. */
#ifndef TN_SESSION_TRANSFER_H
#define TN_SESSION_TRANSFER_H

#include "session/session.h"

/* Takes bytes; 0 ends the reading, which is no error. */
typedef int tn_transfer_write(void *context, const char *data, size_t size);
TN_FALLIBLE tn_transfer_read(tn_session *session, tn_str uri, tn_transfer_write *write,
                             void *context, tarn_error *err);
TN_FALLIBLE tn_transfer_copy(tn_session *session, tn_str from, tn_str to,
                             const tn_put_options *options, uint64_t *bytes, tarn_error *err);
/* A missing one is TARN_E_NOT_FOUND. */
TN_FALLIBLE tn_transfer_delete(tn_session *session, tn_str uri, tarn_error *err);
/* Missing ones are no error. */
TN_FALLIBLE tn_transfer_delete_many(tn_session *session, const char *const *uris, size_t count,
                                    tarn_error *err);

#endif
