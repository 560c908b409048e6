#include "api/api_internal.h"

/* tarn_upload is the store's by another name. */
static tn_upload *inner(tarn_upload *upload)
{
    return (tn_upload *)(void *)upload;
}

tarn_code tarn_upload_open(tarn_session *session, const char *uri, tarn_upload **out,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_put_options put = {.mode = TN_PUT_OVERWRITE};
    tn_upload *upload = NULL;
    tn_arena arena;
    tn_store *store;
    tn_str key;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
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
    return tn_upload_append(inner(upload), data, size, &offset, err);
}

tarn_code tarn_upload_finish(tarn_upload *upload, tarn_error *err)
{
    tn_outcome outcome;
    return tn_upload_finish(inner(upload), NULL, &outcome, err);
}

void tarn_upload_abort(tarn_upload *upload)
{
    tn_upload_abort(inner(upload));
}
