#include "session/transfer.h"

#include "session/session_internal.h"

/* A store far away answers several ranges at once; the first is small, so that something comes
 * soon. */
enum { BLOCK_SIZE = 4 << 20, FAR_BLOCK_SIZE = 32 << 20 };

typedef struct reading {
    tn_session *session;
    tn_arena arena;
    tn_object *object;
    void *memory;
    size_t memory_size;
} reading;

static void end(reading *r)
{
    if (r->object != NULL) {
        tn_object_close(r->object);
    }
    tn_pool_free(&r->session->pool, r->memory, r->memory_size);
    tn_arena_deinit(&r->arena);
}

static TN_FALLIBLE begin(reading *r, tn_session *session, tn_str uri, tarn_error *err)
{
    tn_store *store;
    tn_str key;
    *r = (reading){.session = session};
    tn_arena_init(&r->arena, &session->pool);
    TN_RETURN_IF_ERROR(tn_stores_resolve(session->stores, uri, &r->arena, &store, &key, err));
    TN_RETURN_IF_ERROR(
        tn_object_open(store, key, &session->pool, &TN_OBJECT_OPEN_DEFAULT, &r->object, err));
    const uint64_t size = tn_object_about(r->object)->size;
    const size_t most = tn_store_is_local(store) ? BLOCK_SIZE : FAR_BLOCK_SIZE;
    r->memory_size = size < most ? (size_t)size + 1 : most;
    atomic_fetch_add(&session->transfer_total, size);
    return tn_pool_alloc(&session->pool, r->memory_size, &r->memory, err);
}

/* The next block; *size 0 at the end. */
static TN_FALLIBLE next(reading *r, uint64_t offset, size_t *size, tarn_error *err)
{
    const uint64_t left = tn_object_about(r->object)->size - offset;
    *size = offset == 0 && r->memory_size > BLOCK_SIZE ? BLOCK_SIZE : r->memory_size;
    *size = left < *size ? (size_t)left : *size;
    if (atomic_load(&r->session->cancelled)) {
        return tn_fail(err, TARN_E_CANCELLED, "cancelled");
    }
    return *size == 0 ? TARN_OK : tn_object_read(r->object, offset, r->memory, *size, err);
}

/* From any of the threads that copy, one at a time. */
static void tell_progress(tn_session *session, size_t moved)
{
    const uint64_t done = atomic_fetch_add(&session->transfer_done, moved) + moved;
    if (session->progress != NULL && !atomic_exchange(&session->transfer_telling, true)) {
        session->progress(session->progress_context, done, atomic_load(&session->transfer_total));
        atomic_store(&session->transfer_telling, false);
    }
}

tarn_code tn_transfer_read(tn_session *session, tn_str uri, tn_transfer_write *write, void *context,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    reading r;
    size_t size;

    TN_TRY(begin(&r, session, uri, err));
    for (uint64_t offset = 0;; offset += size) {
        TN_TRY(next(&r, offset, &size, err));
        if (size == 0 || !write(context, r.memory, size)) {
            break;
        }
        tell_progress(session, size);
    }
    if (size == 0) {
        code = tn_object_verify(r.object, err);
    }
done:
    end(&r);
    return code;
}

static TN_FALLIBLE stream(reading *r, tn_upload **upload, uint64_t *bytes, tarn_error *err)
{
    size_t size;
    uint64_t at;
    tn_outcome outcome;
    for (uint64_t offset = 0;; offset += size) {
        TN_RETURN_IF_ERROR(next(r, offset, &size, err));
        if (size == 0) {
            *bytes = offset;
            break;
        }
        TN_RETURN_IF_ERROR(tn_upload_append(*upload, r->memory, size, &at, err));
        tell_progress(r->session, size);
    }
    TN_RETURN_IF_ERROR(tn_object_verify(r->object, err));
    tn_upload *finished = *upload;
    *upload = NULL;
    return tn_upload_finish(finished, NULL, &outcome, err);
}

tarn_code tn_transfer_copy(tn_session *session, tn_str from, tn_str to,
                           const tn_put_options *options, uint64_t *bytes, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_upload *upload = NULL;
    reading r = {.session = session};
    tn_store *source;
    tn_store *target;
    tn_object_info info;
    tn_str from_key;
    tn_str to_key;

    *bytes = 0;
    tn_arena_init(&r.arena, &session->pool);
    TN_TRY(tn_stores_resolve(session->stores, from, &r.arena, &source, &from_key, err));
    TN_TRY(tn_stores_resolve(session->stores, to, &r.arena, &target, &to_key, err));
    if (source == target && !tn_store_is_local(source)) { /* the store does it by itself */
        TN_TRY(tn_store_head(source, from_key, &info, err));
        TN_TRY(tn_store_copy(source, from_key, to_key, options, err));
        *bytes = info.size;
        goto done;
    }
    tn_arena_deinit(&r.arena);
    TN_TRY(begin(&r, session, from, err));
    TN_TRY(tn_stores_resolve(session->stores, to, &r.arena, &target, &to_key, err));
    TN_TRY(tn_upload_create(target, to_key, &session->pool, options, &upload, err));
    TN_TRY(stream(&r, &upload, bytes, err));
done:
    tn_upload_abort(upload);
    end(&r);
    if (code != TARN_OK) {
        tn_explain(err, "copying '%.*s' to '%.*s'", TN_STR_ARGS(from), TN_STR_ARGS(to));
    }
    return code;
}

tarn_code tn_transfer_delete(tn_session *session, tn_str uri, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_object_info info;
    tn_arena arena;
    tn_store *store;
    tn_str key;

    tn_arena_init(&arena, &session->pool);
    TN_TRY(tn_stores_resolve(session->stores, uri, &arena, &store, &key, err));
    TN_TRY(tn_store_head(store, key, &info, err));
    if (info.is_folder) {
        code = tn_fail(err, TARN_E_INVALID, "'%.*s' is a folder", TN_STR_ARGS(uri));
        tn_hint(err, "-r takes all that is in it");
        goto done;
    }
    code = tn_store_delete(store, key, err);
done:
    tn_arena_deinit(&arena);
    return code;
}

tarn_code tn_transfer_delete_many(tn_session *session, const char *const *uris, size_t count,
                                  tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(tn_str) keys = {.pool = &session->pool};
    tn_store *same = NULL;
    tn_arena arena;

    tn_arena_init(&arena, &session->pool);
    for (size_t i = 0; i < count; i++) {
        tn_store *store;
        tn_str key;
        if (atomic_load(&session->cancelled)) {
            code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
            goto done;
        }
        TN_TRY(tn_stores_resolve(session->stores, tn_str_of(uris[i]), &arena, &store, &key, err));
        if (key.size == 0) {
            code =
                tn_fail(err, TARN_E_INVALID, "'%s' names a bucket, not an object in it", uris[i]);
            goto done;
        }
        if (tn_store_is_local(store)) {
            code = tn_transfer_delete(session, tn_str_of(uris[i]), err);
            if (code != TARN_OK && code != TARN_E_NOT_FOUND) {
                goto done;
            }
            code = TARN_OK;
            continue;
        }
        if (store != same && keys.count > 0) {
            TN_TRY(tn_store_delete_many(same, keys.items, keys.count, err));
            keys.count = 0;
        }
        same = store;
        TN_TRY(tn_vec_push(&keys, key, err));
    }
    if (keys.count > 0) {
        TN_TRY(tn_store_delete_many(same, keys.items, keys.count, err));
    }
done:
    tn_vec_free(&keys);
    tn_arena_deinit(&arena);
    return code;
}
