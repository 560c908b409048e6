#include "api/api_internal.h"

#include "session/transfer.h"

/* tarn_upload is the store's by another name. */
static tn_upload *inner(tarn_upload *upload)
{
    return (tn_upload *)(void *)upload;
}

/* ---- lists ---- */

tarn_code tarn_store_list(tarn_session *session, const char *uri, uint32_t what, tarn_result **out,
                          tarn_error *err)
{
    tn_facts facts;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    if (what > (TARN_LIST_ALL | TARN_LIST_FOLDERS)) {
        return tn_fail(err, TARN_E_INVALID, "a list is of TARN_LIST_ALL and TARN_LIST_FOLDERS");
    }
    TN_RETURN_IF_ERROR(tn_api__begin_result(session, out, err));
    return tn_api__end_result(
        tn_inspect_list(session->session, tn_str_of(uri), what, &(*out)->arena, &facts, err),
        &facts, out);
}

tarn_code tarn_store_stat(tarn_session *session, const char *uri, tarn_result **out,
                          tarn_error *err)
{
    tn_facts facts;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    TN_RETURN_IF_ERROR(tn_api__begin_result(session, out, err));
    return tn_api__end_result(
        tn_inspect_stat(session->session, tn_str_of(uri), &(*out)->arena, &facts, err), &facts,
        out);
}

tarn_code tarn_store_uploads(tarn_session *session, const char *uri, tarn_result **out,
                             tarn_error *err)
{
    tn_facts facts;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    TN_RETURN_IF_ERROR(tn_api__begin_result(session, out, err));
    return tn_api__end_result(
        tn_inspect_uploads(session->session, tn_str_of(uri), &(*out)->arena, &facts, err), &facts,
        out);
}

tarn_code tarn_store_abort_uploads(tarn_session *session, const char *uri, bool everyones,
                                   uint64_t *count, tarn_error *err)
{
    size_t aborted = 0;
    TN_RETURN_IF_ERROR(tn_api__check_given(count != NULL, "place for the answer", err));
    *count = 0;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    const tarn_code code = tn_stores_abort_uploads(tn_session_stores(session->session),
                                                   tn_str_of(uri), everyones, &aborted, err);
    *count = aborted;
    return code;
}

/* ---- bytes ---- */

tarn_code tarn_store_read(tarn_session *session, const char *uri, tarn_write *write, void *context,
                          tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check_given(write != NULL, "function that takes the bytes", err));
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    return tn_transfer_read(session->session, tn_str_of(uri), write, context, err);
}

static TN_FALLIBLE read_options(const tarn_copy *options, tn_put_options *out, tarn_error *err)
{
    *out = (tn_put_options){.mode = TN_PUT_OVERWRITE};
    if (options == NULL) {
        return TARN_OK;
    }
    if (options->struct_size < sizeof(*options)) {
        return tn_fail(err, TARN_E_INVALID, "the copy options were not made with TARN_COPY");
    }
    out->mode = options->no_clobber != 0    ? TN_PUT_CREATE
                : options->if_match != NULL ? TN_PUT_UPDATE
                                            : TN_PUT_OVERWRITE;
    out->if_match = options->if_match;
    out->needs_folder = options->needs_folder != 0;
    return TARN_OK;
}

tarn_code tarn_store_copy(tarn_session *session, const char *from, const char *to,
                          const tarn_copy *options, uint64_t *bytes, tarn_error *err)
{
    tn_put_options put;
    uint64_t copied;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(from, "source", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(to, "target", err));
    TN_RETURN_IF_ERROR(read_options(options, &put, err));
    return tn_transfer_copy(session->session, tn_str_of(from), tn_str_of(to), &put,
                            bytes == NULL ? &copied : bytes, err);
}

tarn_code tarn_store_delete(tarn_session *session, const char *uri, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    return tn_transfer_delete(session->session, tn_str_of(uri), err);
}

tarn_code tarn_store_delete_many(tarn_session *session, const char *const *uris, size_t count,
                                 tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(count == 0 ? TARN_OK
                                  : tn_api__check_given(uris != NULL, "list of URIs", err));
    for (size_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_api__check_text(uris[i], "URI", err));
    }
    return tn_transfer_delete_many(session->session, uris, count, err);
}

/* ---- uploads ---- */

tarn_code tarn_upload_open(tarn_session *session, const char *uri, const tarn_copy *options,
                           tarn_upload **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_put_options put;
    tn_upload *upload = NULL;
    tn_arena arena;
    tn_store *store;
    tn_str key;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    TN_RETURN_IF_ERROR(read_options(options, &put, err));
    tn_pool *pool = tn_session_pool(session->session);
    tn_arena_init(&arena, pool);
    TN_TRY(tn_stores_resolve(tn_session_stores(session->session), tn_str_of(uri), &arena, &store,
                             &key, err));
    TN_TRY(tn_upload_create(store, key, pool, &put, &upload, err));
    *out = (tarn_upload *)(void *)upload;
done:
    tn_arena_deinit(&arena);
    return code;
}

tarn_code tarn_upload_write(tarn_upload *upload, const void *data, size_t size, tarn_error *err)
{
    uint64_t offset;
    TN_RETURN_IF_ERROR(tn_api__check_given(upload != NULL, "upload", err));
    TN_RETURN_IF_ERROR(size == 0 ? TARN_OK : tn_api__check_given(data != NULL, "data", err));
    return tn_upload_append(inner(upload), data, size, &offset, err);
}

tarn_code tarn_upload_finish(tarn_upload *upload, tarn_error *err)
{
    tn_outcome outcome;
    TN_RETURN_IF_ERROR(tn_api__check_given(upload != NULL, "upload", err));
    return tn_upload_finish(inner(upload), NULL, &outcome, err);
}

void tarn_upload_abort(tarn_upload *upload)
{
    tn_upload_abort(inner(upload));
}
