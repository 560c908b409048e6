/* The front door of all stores: faults, counting, waiting; the kinds do the work. */
#include "store/store.h"

#include "os/clock.h"
#include "store/store_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

/* ---- counters and names -----------------------------------------------------------------------
 */

static struct {
    _Atomic uint64_t bytes_read, bytes_written;
} counters;

void tn_store__count(uint64_t bytes_read, uint64_t bytes_written)
{
    if (bytes_read > 0) {
        atomic_fetch_add_explicit(&counters.bytes_read, bytes_read, memory_order_relaxed);
    }
    if (bytes_written > 0) {
        atomic_fetch_add_explicit(&counters.bytes_written, bytes_written, memory_order_relaxed);
    }
}

void tn_store_counters(uint64_t *bytes_read, uint64_t *bytes_written)
{
    *bytes_read = atomic_load_explicit(&counters.bytes_read, memory_order_relaxed);
    *bytes_written = atomic_load_explicit(&counters.bytes_written, memory_order_relaxed);
}

bool tn_store__is_hidden(tn_str name)
{
    return tn_str_starts(name, TN_STR(".tarn-"));
}

void tn_store__name(const tn_store *store, tn_str key, char out[256])
{
    const size_t size = key.size < 160 ? key.size : 160;
    (void)snprintf(out, 256, "%s%s%.*s%s", store->root, store->root[0] != '\0' ? "/" : "",
                   (int)size, key.size == 0 ? "" : key.data, size < key.size ? "..." : "");
}

tarn_code tn_store__conflict(const tn_store *store, tn_str key, tn_put_mode mode,
                             tn_outcome *outcome, tarn_error *err)
{
    char name[256];
    tn_store__name(store, key, name);
    *outcome = TN_OUTCOME_CONFLICT;
    if (mode == TN_PUT_UPDATE) {
        return tn_fail(err, TARN_E_CONFLICT, "'%s' was changed by someone else", name);
    }
    return tn_fail(err, TARN_E_EXISTS, "'%s' is already there", name);
}

/* ---- a session's stores -----------------------------------------------------------------------
 */

tarn_code tn_stores_create(tn_pool *pool, const tn_store_options *options, tn_stores **out,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory = NULL;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tn_stores), &memory, err));
    tn_stores *stores = memory;
    stores->pool = pool;
    if (options != NULL) {
        stores->options = *options;
    }
    (void)pthread_mutex_init(&stores->lock, NULL);
    (void)pthread_mutex_init(&stores->input_lock, NULL);
    TN_TRY(tn_store__local(stores, &stores->local, err));
    stores->first = stores->local;
    *out = stores;
    stores = NULL;
done:
    tn_stores_destroy(stores);
    return code;
}

void tn_stores_destroy(tn_stores *stores)
{
    if (stores == NULL) {
        return;
    }
    while (stores->first != NULL) {
        tn_store *gone = stores->first;
        stores->first = gone->next;
        gone->kind->destroy(gone);
    }
    tn_stores__close_input(stores);
    (void)pthread_mutex_destroy(&stores->input_lock);
    (void)pthread_mutex_destroy(&stores->lock);
    tn_pool_free(stores->pool, stores, sizeof(*stores));
}

const char *tn_stores__option(const tn_stores *stores, const char *name)
{
    if (stores->options.get == NULL) {
        return NULL;
    }
    const char *value = stores->options.get(stores->options.context, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool tn_stores__is_stopped(tn_stores *stores, unsigned grace_ms)
{
    const bool set = stores->options.stop != NULL &&
                     atomic_load_explicit(stores->options.stop, memory_order_relaxed);
    uint64_t seen = atomic_load_explicit(&stores->stop_seen_ns, memory_order_relaxed);
    if (!set) {
        if (seen != 0) {
            atomic_store_explicit(&stores->stop_seen_ns, 0, memory_order_relaxed);
        }
        return false;
    }
    const uint64_t now = tn_clock_monotonic_ns();
    if (seen == 0 && atomic_compare_exchange_strong(&stores->stop_seen_ns, &seen, now)) {
        seen = now;
    }
    return now >= seen && now - seen >= (uint64_t)grace_ms * 1000000;
}

void tn_stores_inject(tn_stores *stores, tn_fault_hook *hook, void *context)
{
    stores->hook = hook;
    stores->hook_context = context;
}

static tn_fault fault_of(tn_store *store, tn_store_operation operation, tn_str key)
{
    tn_fault fault = TN_FAULT_NONE;
    if (store->hook != NULL) {
        fault = store->hook(store->hook_context, operation, key);
    }
    if (fault == TN_FAULT_NONE && store->stores->hook != NULL) {
        fault = store->stores->hook(store->stores->hook_context, operation, key);
    }
    return fault;
}

/* A question failed on purpose: asking has no effect, so before and after are alike. */
static tarn_code fail_on_purpose(tn_store *store, tn_str key, tarn_error *err)
{
    char name[256];
    tn_store__name(store, key, name);
    const tarn_code code = tn_fail(err, TARN_E_UNAVAILABLE, "'%s': injected fault", name);
    tn_subject(err, name);
    return code;
}

static tarn_code lose_answer(tn_store *store, tn_str key, tn_outcome *outcome, tarn_error *err)
{
    char name[256];
    tn_store__name(store, key, name);
    *outcome = TN_OUTCOME_UNKNOWN;
    return tn_fail(err, TARN_E_OUTCOME_UNKNOWN, "'%s': injected loss of the answer", name);
}

tarn_code tn_store_uri(const tn_store *store, tn_str key, tn_arena *arena, tn_str *out,
                       tarn_error *err)
{
    if (store->root[0] == '\0') {
        return tn_arena_copy(arena, tn_stores__is_input(store->stores, key) ? TN_INPUT_NAME : key,
                             out, err);
    }
    return tn_arena_print(arena, out, err, "%s/%.*s", store->root, TN_STR_ARGS(key));
}

bool tn_store_is_local(const tn_store *store)
{
    return store->kind->is_local;
}

/* ---- objects ----------------------------------------------------------------------------------
 */

tarn_code tn_object__create(tn_store *store, tn_str key, tn_pool *pool, size_t struct_size,
                            const tn_object_kind *kind, tn_object **out, tarn_error *err)
{
    const bool is_input = store->root[0] == '\0' && tn_stores__is_input(store->stores, key);
    /* The key is the URI's end, but for standard input, whose name is none. */
    const tn_str head = is_input ? TN_INPUT_NAME : tn_str_of(store->root);
    const size_t before = head.size + (head.size > 0);
    const size_t uri_size = before + key.size + 1;
    void *memory = NULL;
    void *uri = NULL;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, struct_size, &memory, err));
    const tarn_code code = tn_pool_alloc(pool, uri_size, &uri, err);
    if (code != TARN_OK) {
        tn_pool_free(pool, memory, struct_size);
        return code;
    }
    tn_object *object = memory;
    *object = (tn_object){.kind = kind, .store = store, .pool = pool, .struct_size = struct_size};
    object->uri = uri;
    object->uri_size = uri_size;
    if (head.size > 0) {
        memcpy(object->uri, head.data, head.size);
        object->uri[head.size] = is_input ? '\0' : '/';
    }
    object->key = object->uri + before;
    if (key.size > 0) {
        memcpy(object->key, key.data, key.size);
    }
    object->key[key.size] = '\0';
    object->info.key = (tn_str){object->key, key.size};
    *out = object;
    return TARN_OK;
}

void tn_object__destroy(tn_object *object)
{
    if (object != NULL) {
        tn_pool_free(object->pool, object->uri, object->uri_size);
        tn_pool_free(object->pool, object, object->struct_size);
    }
}

tarn_code tn_object_open(tn_store *store, tn_str key, tn_pool *pool,
                         const tn_object_open_options *options, tn_object **out, tarn_error *err)
{
    static const tn_object_open_options usual = {NULL, UINT64_MAX};
    *out = NULL;
    if (fault_of(store, TN_STORE_OPEN, key) != TN_FAULT_NONE) {
        return fail_on_purpose(store, key, err);
    }
    TN_RETURN_IF_ERROR(
        store->kind->open(store, key, pool, options != NULL ? options : &usual, out, err));
    if (store->stores != NULL && store->stores->watch != NULL && tn_store_is_local(store)) {
        (*out)->witness = store->stores->watch->opened(store->stores->watch, &(*out)->info);
    }
    return TARN_OK;
}

void tn_stores_watch(tn_stores *stores, tn_watch *watch)
{
    stores->watch = watch;
}

void tn_object_close(tn_object *object)
{
    if (object != NULL) {
        object->kind->close(object);
        tn_object__destroy(object);
    }
}

const tn_object_info *tn_object_about(const tn_object *object)
{
    return &object->info;
}

const char *tn_object_uri(const tn_object *object)
{
    return object->uri;
}

void tn_read__finish(tn_read *read, tarn_code code)
{
    tn_waker *waker = read->waker;
    read->code = code;
    if (code == TARN_OK) {
        tn_store__count(read->size, 0);
    }
    atomic_store_explicit(&read->done, true, memory_order_release);
    tn_wake(waker);
}

void tn_object_read_start(tn_object *object, tn_read *read)
{
    const uint64_t size = object->info.size;

    read->error = (tarn_error)TARN_ERROR_INIT;
    read->code = TARN_OK;
    read->next = NULL;
    atomic_store_explicit(&read->cancelled, false, memory_order_relaxed);
    atomic_store_explicit(&read->done, false, memory_order_relaxed);
    if (read->offset > size || read->size > size - read->offset) {
        const tarn_code code =
            tn_fail(&read->error, TARN_E_CORRUPT,
                    "'%s' ends early: bytes %" PRIu64 " to %" PRIu64 " are wanted, it has %" PRIu64,
                    object->uri, read->offset, read->offset + read->size, size);
        tn_subject(&read->error, object->uri);
        tn_read__finish(read, code);
        return;
    }
    if (fault_of(object->store, TN_STORE_READ, object->info.key) != TN_FAULT_NONE) {
        tn_read__finish(read, fail_on_purpose(object->store, object->info.key, &read->error));
        return;
    }
    if (read->size == 0) {
        tn_read__finish(read, TARN_OK);
        return;
    }
    object->kind->read_start(object, read);
}

void tn_object_read_cancel(tn_object *object, tn_read *read)
{
    atomic_store(&read->cancelled, true);
    if (object->kind->read_cancel != NULL) {
        object->kind->read_cancel(object, read);
    }
}

void tn_object_expect(tn_object *object, uint64_t offset, uint64_t size)
{
    if (object->kind->expect != NULL) {
        object->kind->expect(object, offset, size);
    }
}

tarn_code tn_object_read(tn_object *object, uint64_t offset, void *into, size_t size,
                         tarn_error *err)
{
    tn_latch latch;
    tn_read read = {.offset = offset, .size = size, .into = into};

    tn_latch_init(&latch);
    read.waker = &latch.waker;
    tn_object_read_start(object, &read);
    tn_latch_wait(&latch);
    if (read.code != TARN_OK) {
        tn_error_copy(err, &read.error);
    }
    return read.code;
}

tarn_code tn_object_read_all(tn_object *object, size_t size_max, tn_pool *pool, tn_buffer **out,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_buffer *buffer = NULL;

    *out = NULL;
    if (object->info.size > size_max) {
        code =
            tn_fail(err, TARN_E_LIMIT, "'%s' has %" PRIu64 " bytes; at most %zu are read at once",
                    object->uri, object->info.size, size_max);
        goto done;
    }
    TN_TRY(tn_buffer_create(pool, (size_t)object->info.size, &buffer, err));
    TN_TRY(tn_object_read(object, 0, buffer->data, buffer->size, err));
    *out = buffer;
    buffer = NULL;
done:
    tn_buffer_release(buffer);
    return code;
}

tarn_code tn_object_verify(tn_object *object, tarn_error *err)
{
    return object->kind->verify == NULL ? TARN_OK : object->kind->verify(object, err);
}

tarn_code tn_store_get(tn_store *store, tn_str key, size_t size_max, tn_pool *pool, tn_buffer **out,
                       tn_object_info *info, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_object *object = NULL;

    *out = NULL;
    if (store->kind->get != NULL) {
        if (fault_of(store, TN_STORE_OPEN, key) != TN_FAULT_NONE ||
            fault_of(store, TN_STORE_READ, key) != TN_FAULT_NONE) {
            return fail_on_purpose(store, key, err);
        }
        return store->kind->get(store, key, size_max, pool, out, info, err);
    }
    TN_TRY(tn_object_open(store, key, pool, NULL, &object, err));
    TN_TRY(tn_object_read_all(object, size_max, pool, out, err));
    code = tn_object_verify(object, err);
    if (code != TARN_OK) {
        tn_buffer_release(*out);
        *out = NULL;
        goto done;
    }
    if (info != NULL) {
        *info = object->info;
        info->key = key;
    }
done:
    tn_object_close(object);
    return code;
}

tarn_code tn_store_head(tn_store *store, tn_str key, tn_object_info *out, tarn_error *err)
{
    if (fault_of(store, TN_STORE_OPEN, key) != TN_FAULT_NONE) {
        return fail_on_purpose(store, key, err);
    }
    *out = (tn_object_info){.key = key};
    return store->kind->head(store, key, out, err);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static const tn_put_options put_usual = {.mode = TN_PUT_OVERWRITE};

tarn_code tn_store_put(tn_store *store, tn_str key, tn_str bytes, const tn_put_options *options,
                       tn_outcome *outcome, tarn_error *err)
{
    tn_outcome ignored;
    outcome = outcome != NULL ? outcome : &ignored;
    const tn_fault fault = fault_of(store, TN_STORE_PUT, key);
    if (fault == TN_FAULT_BEFORE) {
        *outcome = TN_OUTCOME_UNAVAILABLE;
        return fail_on_purpose(store, key, err);
    }
    *outcome = TN_OUTCOME_REFUSED;
    const tarn_code code =
        store->kind->put(store, key, bytes, options != NULL ? options : &put_usual, outcome, err);
    if (code == TARN_OK) {
        *outcome = TN_OUTCOME_DONE;
        tn_store__count(0, bytes.size);
    }
    return fault == TN_FAULT_AFTER ? lose_answer(store, key, outcome, err) : code;
}

tarn_code tn_upload__create(tn_store *store, tn_str key, tn_pool *pool, size_t struct_size,
                            const tn_put_options *options, const tn_upload_kind *kind,
                            tn_upload **out, tarn_error *err)
{
    void *memory = NULL;
    void *copy = NULL;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, struct_size, &memory, err));
    const tarn_code code = tn_pool_alloc(pool, key.size + 1, &copy, err);
    if (code != TARN_OK) {
        tn_pool_free(pool, memory, struct_size);
        return code;
    }
    tn_upload *upload = memory;
    upload->kind = kind;
    upload->store = store;
    upload->pool = pool;
    upload->struct_size = struct_size;
    upload->key = copy;
    upload->key_size = key.size;
    if (key.size > 0) {
        memcpy(upload->key, key.data, key.size);
    }
    upload->key[key.size] = '\0';
    upload->options = options != NULL ? *options : put_usual;
    if (upload->options.if_match != NULL) {
        (void)snprintf(upload->if_match, sizeof(upload->if_match), "%s", options->if_match);
        upload->options.if_match = upload->if_match;
    }
    if (upload->options.content_type != NULL) {
        (void)snprintf(upload->content_type, sizeof(upload->content_type), "%s",
                       options->content_type);
        upload->options.content_type = upload->content_type;
    }
    *out = upload;
    return TARN_OK;
}

void tn_upload__destroy(tn_upload *upload)
{
    if (upload != NULL) {
        tn_pool_free(upload->pool, upload->key, upload->key_size + 1);
        tn_pool_free(upload->pool, upload, upload->struct_size);
    }
}

tarn_code tn_upload_create(tn_store *store, tn_str key, tn_pool *pool,
                           const tn_put_options *options, tn_upload **out, tarn_error *err)
{
    *out = NULL;
    if (fault_of(store, TN_STORE_OPEN, key) != TN_FAULT_NONE) {
        return fail_on_purpose(store, key, err);
    }
    return store->kind->upload_create(store, key, pool, options, out, err);
}

static tn_str upload_key(const tn_upload *upload)
{
    return (tn_str){upload->key, upload->key_size};
}

tarn_code tn_upload_append_start(tn_upload *upload, const void *data, size_t size, uint64_t *offset,
                                 tn_waker *waker, bool *taken, tarn_error *err)
{
    *taken = false;
    if (fault_of(upload->store, TN_STORE_APPEND, upload_key(upload)) != TN_FAULT_NONE) {
        return fail_on_purpose(upload->store, upload_key(upload), err);
    }
    uint64_t ignored;
    const tarn_code code = upload->kind->append_start(
        upload, data, size, offset != NULL ? offset : &ignored, waker, taken, err);
    if (code == TARN_OK && *taken) {
        tn_store__count(0, size);
    }
    return code;
}

bool tn_upload_takes_pieces(const tn_upload *upload)
{
    return upload->kind->append_pieces != NULL;
}

tarn_code tn_upload_append_pieces(tn_upload *upload, const tn_str *pieces, size_t count,
                                  uint64_t *offset, tarn_error *err)
{
    if (fault_of(upload->store, TN_STORE_APPEND, upload_key(upload)) != TN_FAULT_NONE) {
        return fail_on_purpose(upload->store, upload_key(upload), err);
    }
    TN_RETURN_IF_ERROR(upload->kind->append_pieces(upload, pieces, count, offset, err));
    for (size_t i = 0; i < count; i++) {
        tn_store__count(0, pieces[i].size);
    }
    return TARN_OK;
}

tarn_code tn_upload_append(tn_upload *upload, const void *data, size_t size, uint64_t *offset,
                           tarn_error *err)
{
    for (;;) {
        tn_latch latch;
        bool taken;
        tn_latch_init(&latch);
        TN_RETURN_IF_ERROR(
            tn_upload_append_start(upload, data, size, offset, &latch.waker, &taken, err));
        if (taken) {
            return TARN_OK;
        }
        tn_latch_wait(&latch);
    }
}

tarn_code tn_upload_finish(tn_upload *upload, tn_object_info *info, tn_outcome *outcome,
                           tarn_error *err)
{
    tn_outcome ignored;
    tn_object_info about = {.key = TN_STR_NONE};
    tarn_code code;

    outcome = outcome != NULL ? outcome : &ignored;
    const tn_fault fault = fault_of(upload->store, TN_STORE_FINISH, upload_key(upload));
    if (fault == TN_FAULT_BEFORE) {
        *outcome = TN_OUTCOME_UNAVAILABLE;
        code = fail_on_purpose(upload->store, upload_key(upload), err);
        upload->kind->abort(upload);
    } else {
        *outcome = TN_OUTCOME_REFUSED;
        code = upload->kind->finish(upload, &about, outcome, err);
        if (code == TARN_OK) {
            *outcome = TN_OUTCOME_DONE;
        }
        if (fault == TN_FAULT_AFTER) {
            code = lose_answer(upload->store, upload_key(upload), outcome, err);
        }
    }
    if (info != NULL) {
        *info = about;
        info->key = TN_STR_NONE; /* the upload's copy dies with it */
    }
    upload->kind->destroy(upload);
    tn_upload__destroy(upload);
    return code;
}

void tn_upload_abort(tn_upload *upload)
{
    if (upload != NULL) {
        upload->kind->abort(upload);
        upload->kind->destroy(upload);
        tn_upload__destroy(upload);
    }
}

/* ---- names ------------------------------------------------------------------------------------
 */

tarn_code tn_listing_open(tn_store *store, tn_str prefix, tn_str after, bool delimited,
                          tn_pool *pool, tn_listing **out, tarn_error *err)
{
    *out = NULL;
    if (fault_of(store, TN_STORE_LIST, prefix) != TN_FAULT_NONE) {
        return fail_on_purpose(store, prefix, err);
    }
    return store->kind->listing_open(store, prefix, after, delimited, pool, out, err);
}

tarn_code tn_listing_next(tn_listing *listing, tn_object_info *entry, bool *more, tarn_error *err)
{
    *more = false;
    *entry = (tn_object_info){.key = TN_STR_NONE};
    if (fault_of(listing->store, TN_STORE_LIST, TN_STR_NONE) != TN_FAULT_NONE) {
        return fail_on_purpose(listing->store, TN_STR_NONE, err);
    }
    do { /* what was said of an entry that is passed over is not said of the next */
        *more = false;
        *entry = (tn_object_info){.key = TN_STR_NONE};
        TN_RETURN_IF_ERROR(listing->kind->next(listing, entry, more, err));
    } while (*more && !listing->shows_all && (entry->is_stream || entry->is_broken));
    return TARN_OK;
}

void tn_listing_show_all(tn_listing *listing)
{
    listing->shows_all = true;
}

void tn_listing_close(tn_listing *listing)
{
    if (listing != NULL) {
        listing->kind->close(listing);
    }
}

tarn_code tn_store_delete(tn_store *store, tn_str key, tarn_error *err)
{
    return tn_store_delete_many(store, &key, 1, err);
}

tarn_code tn_store_delete_many(tn_store *store, const tn_str *keys, size_t count, tarn_error *err)
{
    tn_fault lost = TN_FAULT_NONE;
    for (size_t i = 0; i < count; i++) {
        const tn_fault fault = fault_of(store, TN_STORE_DELETE, keys[i]);
        if (fault == TN_FAULT_BEFORE) {
            return fail_on_purpose(store, keys[i], err);
        }
        lost = fault == TN_FAULT_AFTER ? fault : lost;
    }
    if (count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(store->kind->delete_many(store, keys, count, err));
    return lost == TN_FAULT_NONE ? TARN_OK : fail_on_purpose(store, keys[0], err);
}

tarn_code tn_store_copy(tn_store *store, tn_str from, tn_str to, const tn_put_options *options,
                        tarn_error *err)
{
    if (fault_of(store, TN_STORE_PUT, to) != TN_FAULT_NONE) {
        return fail_on_purpose(store, to, err);
    }
    return store->kind->copy(store, from, to, options != NULL ? options : &put_usual, err);
}
