/* Keys in memory, for tests: sorted, under one lock, with tags that count versions. */
#include "base/vec.h"
#include "os/clock.h"
#include "store/store_internal.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct memory_entry {
    tn_buffer *key;
    tn_buffer *bytes;
    uint64_t version;
    int64_t modified_us;
} memory_entry;

typedef struct memory_store {
    tn_store base;
    tn_pool *pool;
    pthread_mutex_t lock;
    TN_VEC(memory_entry) entries; /* by key */
    uint64_t version;
} memory_store;

static tn_str text_of(const tn_buffer *buffer)
{
    return (tn_str){(const char *)buffer->data, buffer->size};
}

/* Where the key is, or would be. */
static size_t find(const memory_store *store, tn_str key, bool *found)
{
    size_t low = 0;
    size_t high = store->entries.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (tn_str_compare(text_of(store->entries.items[middle].key), key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found =
        low < store->entries.count && tn_str_equal(text_of(store->entries.items[low].key), key);
    return low;
}

static void about(const memory_entry *entry, tn_object_info *out)
{
    out->size = entry->bytes->size;
    out->modified_us = entry->modified_us;
    (void)snprintf(out->tag, sizeof(out->tag), "\"v%" PRIu64 "\"", entry->version);
}

static TN_FALLIBLE fail_missing(const tn_store *store, tn_str key, tarn_error *err)
{
    char name[256];
    tn_store__name(store, key, name);
    const tarn_code code = tn_fail(err, TARN_E_NOT_FOUND, "there is no '%s'", name);
    tn_subject(err, name);
    return code;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

typedef struct memory_object {
    tn_object base;
    tn_buffer *bytes;
} memory_object;

static void memory_close(tn_object *object)
{
    tn_buffer_release(((memory_object *)object)->bytes);
}

static void memory_read_start(tn_object *object, tn_read *read)
{
    memcpy(read->into, ((memory_object *)object)->bytes->data + read->offset, read->size);
    tn_read__finish(read, TARN_OK);
}

static tarn_code memory_open(tn_store *base, tn_str key, tn_pool *pool,
                             const tn_object_open_options *options, tn_object **out,
                             tarn_error *err)
{
    static const tn_object_kind kind = {memory_close, memory_read_start, NULL, NULL, NULL};
    memory_store *store = (memory_store *)base;
    tn_object *object;
    bool found;

    TN_RETURN_IF_ERROR(
        tn_object__create(base, key, pool, sizeof(memory_object), &kind, &object, err));
    pthread_mutex_lock(&store->lock);
    const size_t index = find(store, key, &found);
    if (found) {
        about(&store->entries.items[index], &object->info);
        ((memory_object *)object)->bytes = tn_buffer_retain(store->entries.items[index].bytes);
    }
    pthread_mutex_unlock(&store->lock);
    if (!found) {
        tn_object__destroy(object);
        return fail_missing(base, key, err);
    }
    if (options->tag != NULL && options->tag[0] != '\0' &&
        strcmp(options->tag, object->info.tag) != 0) {
        const tarn_code code =
            tn_fail(err, TARN_E_INVALID, "'%s' has changed since it was listed", object->uri);
        memory_close(object);
        tn_object__destroy(object);
        return code;
    }
    *out = object;
    return TARN_OK;
}

static tarn_code memory_head(tn_store *base, tn_str key, tn_object_info *out, tarn_error *err)
{
    memory_store *store = (memory_store *)base;
    bool found;
    pthread_mutex_lock(&store->lock);
    const size_t index = find(store, key, &found);
    if (found) {
        about(&store->entries.items[index], out);
    }
    pthread_mutex_unlock(&store->lock);
    return found ? TARN_OK : fail_missing(base, key, err);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* Puts `bytes` (whose reference it takes over when it succeeds) under the key. */
static TN_FALLIBLE insert(memory_store *store, tn_str key, tn_buffer *bytes,
                          const tn_put_options *options, tn_object_info *info, tn_outcome *outcome,
                          tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_object_info now = {.size = 0};
    tn_buffer *name = NULL;
    bool found;

    pthread_mutex_lock(&store->lock);
    const size_t index = find(store, key, &found);
    if (found) {
        about(&store->entries.items[index], &now);
    }
    if ((options->mode == TN_PUT_CREATE && found) ||
        (options->mode == TN_PUT_UPDATE &&
         (!found || options->if_match == NULL || strcmp(options->if_match, now.tag) != 0))) {
        code = tn_store__conflict(&store->base, key, options->mode, outcome, err);
        goto done;
    }
    if (!found) {
        TN_TRY(tn_buffer_create(store->pool, key.size, &name, err));
        TN_TRY(tn_vec_reserve(&store->entries, 1, err));
        if (key.size > 0) {
            memcpy(name->data, key.data, key.size);
        }
        memory_entry *at = store->entries.items + index;
        memmove(at + 1, at, (store->entries.count - index) * sizeof(*at));
        *at = (memory_entry){.key = name};
        store->entries.count++;
        name = NULL;
    }
    memory_entry *entry = &store->entries.items[index];
    tn_buffer_release(entry->bytes);
    entry->bytes = bytes;
    entry->version = ++store->version;
    entry->modified_us = tn_clock_now_us();
    about(entry, info);
done:
    pthread_mutex_unlock(&store->lock);
    tn_buffer_release(name);
    return code;
}

static tarn_code memory_put(tn_store *base, tn_str key, tn_str bytes, const tn_put_options *options,
                            tn_outcome *outcome, tarn_error *err)
{
    memory_store *store = (memory_store *)base;
    tn_object_info info;
    tn_buffer *copy;
    TN_RETURN_IF_ERROR(tn_buffer_create(store->pool, bytes.size, &copy, err));
    if (bytes.size > 0) {
        memcpy(copy->data, bytes.data, bytes.size);
    }
    const tarn_code code = insert(store, key, copy, options, &info, outcome, err);
    if (code != TARN_OK) {
        tn_buffer_release(copy);
    }
    return code;
}

typedef struct memory_upload {
    tn_upload base;
    pthread_mutex_t lock;
    TN_VEC(uint8_t) bytes;
    bool failed;
} memory_upload;

static tarn_code memory_append(tn_upload *base, const void *data, size_t size, uint64_t *offset,
                               tn_waker *waker, bool *taken, tarn_error *err)
{
    memory_upload *upload = (memory_upload *)base;
    (void)waker;
    pthread_mutex_lock(&upload->lock);
    const tarn_code code = tn_vec_reserve(&upload->bytes, size, err);
    if (code == TARN_OK) {
        if (size > 0) {
            memcpy(upload->bytes.items + upload->bytes.count, data, size);
        }
        *offset = upload->bytes.count;
        upload->bytes.count += size;
        *taken = true;
    }
    upload->failed = upload->failed || code != TARN_OK;
    pthread_mutex_unlock(&upload->lock);
    return code;
}

static tarn_code memory_finish(tn_upload *base, tn_object_info *info, tn_outcome *outcome,
                               tarn_error *err)
{
    memory_upload *upload = (memory_upload *)base;
    memory_store *store = (memory_store *)base->store;
    tn_buffer *copy;
    if (upload->failed) {
        return tn_fail(err, TARN_E_IO, "'%s' was not written: an earlier write failed", base->key);
    }
    TN_RETURN_IF_ERROR(tn_buffer_create(store->pool, upload->bytes.count, &copy, err));
    if (upload->bytes.count > 0) {
        memcpy(copy->data, upload->bytes.items, upload->bytes.count);
    }
    const tarn_code code = insert(store, (tn_str){base->key, base->key_size}, copy, &base->options,
                                  info, outcome, err);
    if (code != TARN_OK) {
        tn_buffer_release(copy);
    }
    return code;
}

static void memory_abort(tn_upload *base)
{
    (void)base;
}

static void memory_upload_destroy(tn_upload *base)
{
    memory_upload *upload = (memory_upload *)base;
    tn_vec_free(&upload->bytes);
    (void)pthread_mutex_destroy(&upload->lock);
}

static tarn_code memory_upload_create(tn_store *store, tn_str key, tn_pool *pool,
                                      const tn_put_options *options, tn_upload **out,
                                      tarn_error *err)
{
    static const tn_upload_kind kind = {memory_append, NULL, memory_finish, memory_abort,
                                        memory_upload_destroy};
    TN_RETURN_IF_ERROR(
        tn_upload__create(store, key, pool, sizeof(memory_upload), options, &kind, out, err));
    memory_upload *upload = (memory_upload *)*out;
    (void)pthread_mutex_init(&upload->lock, NULL);
    upload->bytes.pool = pool;
    return TARN_OK;
}

static tarn_code memory_delete_many(tn_store *base, const tn_str *keys, size_t count,
                                    tarn_error *err)
{
    memory_store *store = (memory_store *)base;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        bool found;
        pthread_mutex_lock(&store->lock);
        const size_t index = find(store, keys[i], &found);
        if (found) {
            memory_entry *at = store->entries.items + index;
            tn_buffer_release(at->key);
            tn_buffer_release(at->bytes);
            store->entries.count--;
            memmove(at, at + 1, (store->entries.count - index) * sizeof(*at));
        }
        pthread_mutex_unlock(&store->lock);
    }
    return TARN_OK;
}

static tarn_code memory_copy(tn_store *base, tn_str from, tn_str to, const tn_put_options *options,
                             tarn_error *err)
{
    memory_store *store = (memory_store *)base;
    tn_object_info info;
    tn_outcome outcome;
    tn_buffer *bytes = NULL;
    bool found;
    pthread_mutex_lock(&store->lock);
    const size_t index = find(store, from, &found);
    if (found) {
        bytes = tn_buffer_retain(store->entries.items[index].bytes);
    }
    pthread_mutex_unlock(&store->lock);
    if (!found) {
        return fail_missing(base, from, err);
    }
    const tarn_code code = insert(store, to, bytes, options, &info, &outcome, err);
    if (code != TARN_OK) {
        tn_buffer_release(bytes);
    }
    return code;
}

/* ---- listing: looks the next key up each time, so that keys may come and go -------------------
 */

typedef struct memory_listing {
    tn_listing base;
    bool delimited;
    bool started;
    TN_VEC(char) prefix;
    TN_VEC(char) last; /* what was given last, or `after` */
    bool last_is_folder;
} memory_listing;

static void memory_list_close(tn_listing *base)
{
    memory_listing *list = (memory_listing *)base;
    tn_vec_free(&list->prefix);
    tn_vec_free(&list->last);
    tn_pool_free(base->pool, list, sizeof(*list));
}

static TN_FALLIBLE remember(memory_listing *list, tn_str key, bool is_folder, tarn_error *err)
{
    list->last.count = 0;
    TN_RETURN_IF_ERROR(tn_vec_reserve(&list->last, key.size + 1, err));
    if (key.size > 0) {
        memcpy(list->last.items, key.data, key.size);
    }
    list->last.count = key.size;
    list->last_is_folder = is_folder;
    return TARN_OK;
}

static tarn_code memory_next(tn_listing *base, tn_object_info *entry, bool *more, tarn_error *err)
{
    memory_listing *list = (memory_listing *)base;
    memory_store *store = (memory_store *)base->store;
    const tn_str prefix = {list->prefix.items, list->prefix.count};
    const tn_str last = {list->last.items, list->last.count};
    tarn_code code = TARN_OK;
    bool found;

    pthread_mutex_lock(&store->lock);
    size_t index = find(store, tn_str_compare(last, prefix) > 0 ? last : prefix, &found);
    for (; index < store->entries.count; index++) {
        const memory_entry *at = &store->entries.items[index];
        const tn_str key = text_of(at->key);
        if (!tn_str_starts(key, prefix)) {
            break;
        }
        if ((last.size > 0 && tn_str_compare(key, last) <= 0) ||
            (list->last_is_folder && tn_str_starts(key, last))) {
            continue;
        }
        const tn_str rest = tn_str_slice(key, prefix.size, key.size);
        const size_t slash = list->delimited ? tn_str_find(rest, '/') : SIZE_MAX;
        const bool is_folder = slash != SIZE_MAX;
        const tn_str given = is_folder ? tn_str_slice(key, 0, prefix.size + slash + 1) : key;
        if (!is_folder) {
            about(at, entry);
        }
        code = remember(list, given, is_folder, err);
        entry->key = (tn_str){list->last.items, list->last.count};
        entry->is_folder = is_folder;
        *more = code == TARN_OK;
        break;
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

static tarn_code memory_listing_open(tn_store *store, tn_str prefix, tn_str after, bool delimited,
                                     tn_pool *pool, tn_listing **out, tarn_error *err)
{
    static const tn_listing_kind kind = {memory_next, memory_list_close};
    tarn_code code = TARN_OK;
    void *memory;

    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(memory_listing), &memory, err));
    memory_listing *list = memory;
    list->base = (tn_listing){.kind = &kind, .store = store, .pool = pool};
    list->delimited = delimited;
    list->prefix.pool = pool;
    list->last.pool = pool;
    TN_TRY(tn_vec_reserve(&list->prefix, prefix.size + 1, err));
    if (prefix.size > 0) {
        memcpy(list->prefix.items, prefix.data, prefix.size);
    }
    list->prefix.count = prefix.size;
    TN_TRY(remember(list, after, delimited && tn_str_ends(after, TN_STR("/")), err));
    *out = &list->base;
    list = NULL;
done:
    if (list != NULL) {
        memory_list_close(&list->base);
    }
    return code;
}

/* ---- the store --------------------------------------------------------------------------------
 */

static void memory_destroy(tn_store *base)
{
    memory_store *store = (memory_store *)base;
    for (size_t i = 0; i < store->entries.count; i++) {
        tn_buffer_release(store->entries.items[i].key);
        tn_buffer_release(store->entries.items[i].bytes);
    }
    tn_vec_free(&store->entries);
    (void)pthread_mutex_destroy(&store->lock);
    tn_pool_free(store->pool, store, sizeof(*store));
}

tarn_code tn_store__memory(tn_stores *stores, tn_str name, tn_store **out, tarn_error *err)
{
    static const tn_store_kind kind = {
        .is_local = false,
        .destroy = memory_destroy,
        .open = memory_open,
        .head = memory_head,
        .put = memory_put,
        .upload_create = memory_upload_create,
        .listing_open = memory_listing_open,
        .delete_many = memory_delete_many,
        .copy = memory_copy,
    };
    void *memory;
    (void)name;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(stores->pool, sizeof(memory_store), &memory, err));
    memory_store *store = memory;
    store->base.kind = &kind;
    store->base.stores = stores;
    store->pool = stores->pool;
    store->entries.pool = stores->pool;
    (void)pthread_mutex_init(&store->lock, NULL);
    *out = &store->base;
    return TARN_OK;
}
