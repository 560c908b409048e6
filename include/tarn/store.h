/*
 * store.h - files and objects by URI: "a/b.csv", "file:///x", "s3://bucket/key".
 *
 * Lists come as results (query.h), to be printed or read row by row, and closed with
 * tarn_result_close().
 */
#ifndef TARN_STORE_H
#define TARN_STORE_H

#include <tarn/query.h>

TARN_BEGIN_DECLS

enum { TARN_LIST_LEVEL = 0, TARN_LIST_ALL = 1, TARN_LIST_FOLDERS = 2 };
/* uri, size, modified, kind ("file" or "folder") of the file itself, of files that a glob matches,
 * or of what lies in a folder: one level, or all with TARN_LIST_ALL.  With TARN_LIST_FOLDERS
 * folders that a glob matches are listed, too, and with both the files below them. TARN_E_NOT_FOUND
 * where nothing is. */
TARN_FALLIBLE tarn_store_list(tarn_session *session, const char *uri, uint32_t what,
                              tarn_result **out, tarn_error *err);
/* The same and the tag (ETag, or device, inode and time) of one file or folder, or of all that a
 * glob matches. */
TARN_FALLIBLE tarn_store_stat(tarn_session *session, const char *uri, tarn_result **out,
                              tarn_error *err);
/* The bytes of one, in order; from `write` 0 ends it. */
TARN_FALLIBLE tarn_store_read(tarn_session *session, const char *uri, tarn_write *write,
                              void *context, tarn_error *err);

typedef struct tarn_copy {
    size_t struct_size;
    int no_clobber;       /* TARN_E_EXISTS where the name is taken */
    const char *if_match; /* TARN_E_CONFLICT unless it still holds this tag; or NULL */
    int needs_folder;     /* local: a folder that is not there is TARN_E_NOT_FOUND, not made */
} tarn_copy;
#define TARN_COPY(...) TARN_OPTIONS(tarn_copy, __VA_ARGS__)
/* One file, also from one store to another.  Nothing is visible under `to` before it is whole. */
TARN_FALLIBLE tarn_store_copy(tarn_session *session, const char *from, const char *to,
                              const tarn_copy *options, uint64_t *bytes, tarn_error *err);
/* A missing file is TARN_E_NOT_FOUND. */
TARN_FALLIBLE tarn_store_delete(tarn_session *session, const char *uri, tarn_error *err);
/* Many; those of one bucket that follow each other go in one request.  Missing ones are no error.
 */
TARN_FALLIBLE tarn_store_delete_many(tarn_session *session, const char *const *uris, size_t count,
                                     tarn_error *err);

/* uri, id, started, process (its number) of uploads that processes of this user left open. */
TARN_FALLIBLE tarn_store_uploads(tarn_session *session, const char *uri, tarn_result **out,
                                 tarn_error *err);
/* Aborts them; with `everyones` also those that the store itself knows below the URI. */
TARN_FALLIBLE tarn_store_abort_uploads(tarn_session *session, const char *uri, bool everyones,
                                       uint64_t *count, tarn_error *err);

/* Something that is being written: nothing is visible under its name before it is finished. */
typedef struct tarn_upload tarn_upload;
TARN_FALLIBLE tarn_upload_open(tarn_session *session, const char *uri, const tarn_copy *options,
                               tarn_upload **out, tarn_error *err);
TARN_FALLIBLE tarn_upload_write(tarn_upload *upload, const void *data, size_t size,
                                tarn_error *err);
/* The upload is gone then, also after a failure. */
TARN_FALLIBLE tarn_upload_finish(tarn_upload *upload, tarn_error *err);
TARN_API void tarn_upload_abort(tarn_upload *upload); /* NULL is allowed */

TARN_END_DECLS

#endif
