/* S3 and what speaks like it: opening, reading, small objects.  Uploads, listings, deletes and
 * copies have files of their own. */
#include "base/vec.h"
#include "store/s3_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    FIRST_GET = 1 << 20, /* get() asks for that much before it knows the size */
    CONNECT_MS = 10000,
    IDLE_MS = 30000
};

/* ---- reading ----------------------------------------------------------------------------------
 */

typedef struct s3_object {
    tn_object base;
} s3_object;

/* One tn_read, as several requests where it is large. */
typedef struct s3_read {
    tn_read *read;
    tn_object *object;
    _Atomic size_t left;  /* parts under way */
    pthread_mutex_t lock; /* guards the read's error */
    size_t count;
    tn_s3_request parts[];
} s3_read;

static size_t read_size(size_t count)
{
    return sizeof(s3_read) + count * sizeof(tn_s3_request);
}

static void read_finish(s3_read *all)
{
    tn_read *read = all->read;
    tn_object *object = all->object;
    tn_s3 *s3 = (tn_s3 *)object->store;
    const size_t count = all->count;

    pthread_mutex_lock(&s3->lock); /* against a cancel that comes now */
    read->private_data[0] = NULL;
    pthread_mutex_unlock(&s3->lock);
    for (size_t i = 0; i < count; i++) {
        tn_s3__deinit(&all->parts[i]);
    }
    (void)pthread_mutex_destroy(&all->lock);
    const tarn_code code = read->code;
    tn_pool_free(object->pool, all, read_size(count));
    tn_read__finish(read, code);
}

static void part_done(tn_s3_request *part)
{
    s3_read *all = part->context;
    if (part->code != TARN_OK) {
        pthread_mutex_lock(&all->lock);
        /* The first that failed counts; what was cancelled because of it does not. */
        if (all->read->code == TARN_OK) {
            all->read->code = part->code;
            all->read->error = part->error;
        }
        pthread_mutex_unlock(&all->lock);
    }
    if (atomic_fetch_sub(&all->left, 1) == 1) {
        read_finish(all);
    }
}

static void s3_read_start(tn_object *object, tn_read *read)
{
    tn_s3 *s3 = (tn_s3 *)object->store;
    const size_t count = (read->size + TN_S3_PART_SIZE - 1) / TN_S3_PART_SIZE;
    void *memory;

    const tarn_code code = tn_pool_alloc(object->pool, read_size(count), &memory, &read->error);
    if (code != TARN_OK) {
        tn_read__finish(read, code);
        return;
    }
    s3_read *all = memory;
    all->read = read;
    all->object = object;
    all->count = count;
    atomic_init(&all->left, count + 1); /* one for us, until all have started */
    (void)pthread_mutex_init(&all->lock, NULL);
    read->private_data[0] = all;
    for (size_t i = 0; i < count; i++) {
        tn_s3_request *part = &all->parts[i];
        const size_t at = i * TN_S3_PART_SIZE;
        tn_s3__init(part, s3, "GET", object->info.key);
        part->into = read->into + at;
        part->offset = read->offset + at;
        part->size = read->size - at < TN_S3_PART_SIZE ? read->size - at : TN_S3_PART_SIZE;
        memcpy(part->tag, object->info.tag, sizeof(part->tag));
        part->complete = part_done;
        part->context = all;
    }
    for (size_t i = 0; i < count; i++) {
        tn_s3__start(&all->parts[i]);
    }
    if (atomic_fetch_sub(&all->left, 1) == 1) {
        read_finish(all);
    }
}

static void s3_read_cancel(tn_object *object, tn_read *read)
{
    tn_s3 *s3 = (tn_s3 *)object->store;
    pthread_mutex_lock(&s3->lock);
    s3_read *all = read->private_data[0];
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        tn_s3__cancel(&all->parts[i]);
    }
    pthread_mutex_unlock(&s3->lock);
}

static void s3_close(tn_object *object)
{
    (void)object;
}

static const tn_object_kind s3_object_kind = {s3_close, s3_read_start, s3_read_cancel, NULL, NULL};

static void about(const tn_http_head *head, tn_object_info *out)
{
    out->modified_us = head->has_modified ? head->modified_s * 1000000 : 0;
    memcpy(out->tag, head->etag, sizeof(out->tag));
}

static tarn_code s3_head(tn_store *store, tn_str key, tn_object_info *out, tarn_error *err)
{
    tn_s3_request request;
    tn_s3__init(&request, (tn_s3 *)store, "HEAD", key);
    tarn_code code = tn_s3__run(&request, err);
    if (code == TARN_OK && !request.http.head.has_length) {
        code = tn_fail(err, TARN_E_CORRUPT, "'%s/%.200s': the server does not tell the size",
                       store->root, key.data);
    }
    if (code == TARN_OK) {
        out->size = request.http.head.length;
        about(&request.http.head, out);
    }
    tn_s3__deinit(&request);
    return code;
}

static tarn_code s3_open(tn_store *store, tn_str key, tn_pool *pool,
                         const tn_object_open_options *options, tn_object **out, tarn_error *err)
{
    tn_object *object;
    TN_RETURN_IF_ERROR(
        tn_object__create(store, key, pool, sizeof(s3_object), &s3_object_kind, &object, err));
    const bool tagged = options->tag != NULL && options->tag[0] != '\0';
    if (tagged && options->size_hint != UINT64_MAX) {
        object->info.size = options->size_hint;
        (void)snprintf(object->info.tag, sizeof(object->info.tag), "%s", options->tag);
        *out = object;
        return TARN_OK;
    }
    tarn_code code = s3_head(store, key, &object->info, err);
    if (code == TARN_OK && tagged && strcmp(options->tag, object->info.tag) != 0) {
        code = tn_fail(err, TARN_E_INVALID, "'%s' has changed since it was listed", object->uri);
        tn_subject(err, object->uri);
    }
    if (code != TARN_OK) {
        tn_object__destroy(object);
        return code;
    }
    *out = object;
    return TARN_OK;
}

/* The rest of an object whose start is known. */
static TN_FALLIBLE get_rest(tn_store *store, tn_str key, const tn_s3_request *first,
                            tn_buffer *buffer, tn_pool *pool, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_object *object = NULL;
    const tn_object_open_options options = {first->tag, buffer->size};

    TN_TRY(s3_open(store, key, pool, &options, &object, err));
    TN_TRY(tn_object_read(object, first->done, buffer->data + first->done,
                          buffer->size - first->done, err));
done:
    if (object != NULL) {
        tn_object__destroy(object);
    }
    return code;
}

static bool is_empty_object(const tn_s3_request *request)
{
    return request->http.head.status == 416 &&
           (request->http.head.range_total == 0 || request->http.head.range_total == UINT64_MAX);
}

/* One request for what fits the first range, which is nearly everything a table's log holds. */
static tarn_code s3_get(tn_store *store, tn_str key, size_t size_max, tn_pool *pool,
                        tn_buffer **out, tn_object_info *info, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_s3_request request;
    tn_buffer *buffer = NULL;
    void *first = NULL;

    tn_s3__init(&request, (tn_s3 *)store, "GET", key);
    TN_TRY(tn_pool_alloc(pool, FIRST_GET, &first, err));
    request.into = first;
    request.size = FIRST_GET;
    request.up_to = true;
    code = tn_s3__run(&request, err);
    tn_object_info found = {.key = key};
    if (code != TARN_OK && is_empty_object(&request)) {
        TN_TRY(s3_head(store, key, &found, err));
        if (found.size != 0) {
            code = tn_fail(err, TARN_E_CONFLICT, "'%s/%.200s' was changed while being read",
                           store->root, key.data);
            goto done;
        }
        code = tn_buffer_create(pool, 0, &buffer, err);
    } else if (code == TARN_OK) {
        const uint64_t total = request.total == UINT64_MAX ? request.done : request.total;
        about(&request.http.head, &found);
        found.size = total;
        if (total > size_max) {
            code = tn_fail(err, TARN_E_LIMIT,
                           "'%s/%.200s' has %" PRIu64 " bytes; at most %zu are read at once",
                           store->root, key.data, total, size_max);
            goto done;
        }
        TN_TRY(tn_buffer_create(pool, (size_t)total, &buffer, err));
        memcpy(buffer->data, first, request.done);
        if (request.done < total) {
            TN_TRY(get_rest(store, key, &request, buffer, pool, err));
        }
    }
    if (code == TARN_OK) {
        tn_store__count(buffer->size, 0);
        if (info != NULL) {
            *info = found;
        }
        *out = buffer;
        buffer = NULL;
    }
done:
    tn_buffer_release(buffer);
    tn_pool_free(pool, first, FIRST_GET);
    tn_s3__deinit(&request);
    return code;
}

/* ---- writing small objects --------------------------------------------------------------------
 */

static tarn_code s3_put(tn_store *store, tn_str key, tn_str bytes, const tn_put_options *options,
                        tn_outcome *outcome, tarn_error *err)
{
    tn_s3_request request;
    *outcome = TN_OUTCOME_REFUSED;
    if (options->mode == TN_PUT_CREATE && options->durable) {
        TN_RETURN_IF_ERROR(tn_s3__keeps_create((tn_s3 *)store, key, outcome, err));
    }
    tn_s3__init(&request, (tn_s3 *)store, "PUT", key);
    request.body = bytes;
    tn_s3__put_options(&request, options);
    if (options->content_type != NULL) {
        tn_s3__header(&request, TN_STR("content-type"), tn_str_of(options->content_type));
    }
    const tarn_code code = tn_s3__run(&request, err);
    *outcome = request.outcome;
    if (code != TARN_OK && request.outcome == TN_OUTCOME_UNKNOWN) {
        tn_hint(err, "look at the key before repeating or undoing this write");
    }
    tn_s3__deinit(&request);
    return code;
}

/* ---- the store --------------------------------------------------------------------------------
 */

static bool is_true(const char *text)
{
    return text != NULL && (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0 ||
                            strcasecmp(text, "on") == 0 || strcasecmp(text, "yes") == 0);
}

static const char *either(const tn_stores *stores, const char *option, const char *variable,
                          const char *other)
{
    const char *value = tn_stores__option(stores, option);
    value = value != NULL ? value : getenv(variable);
    if ((value == NULL || value[0] == '\0') && other != NULL) {
        value = getenv(other);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static TN_FALLIBLE number_option(const tn_stores *stores, const char *name, uint64_t most,
                                 uint64_t *out, tarn_error *err)
{
    const char *text = tn_stores__option(stores, name);
    if (text == NULL || text[0] == '\0') {
        return TARN_OK;
    }
    char *end;
    const unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || value > most || text[0] == '-') {
        return tn_fail(err, TARN_E_INVALID, "%s is '%s', which is no number up to %" PRIu64, name,
                       text, most);
    }
    *out = value;
    return TARN_OK;
}

/* "http://127.0.0.1:9000" */
static TN_FALLIBLE set_endpoint(tn_s3 *s3, const tn_stores *stores, const char *url,
                                tarn_error *err)
{
    tn_str rest = tn_str_of(url);
    s3->https = !tn_str_starts(rest, TN_STR("http://"));
    if (!s3->https) {
        rest = tn_str_slice(rest, strlen("http://"), rest.size);
    } else if (tn_str_starts(rest, TN_STR("https://"))) {
        rest = tn_str_slice(rest, strlen("https://"), rest.size);
    }
    while (rest.size > 0 && rest.data[rest.size - 1] == '/') {
        rest.size--;
    }
    if (tn_str_find(rest, '@') != SIZE_MAX) {
        return tn_fail(err, TARN_E_INVALID, "s3.endpoint takes no user and no password");
    }
    if (rest.size == 0 || rest.size >= sizeof(s3->endpoint) || tn_str_find(rest, '/') != SIZE_MAX) {
        (void)tn_fail(err, TARN_E_INVALID, "s3.endpoint is '%s', which is no URL of a host", url);
        tn_hint(err, "such as https://minio.example.com:9000, without a path");
        return TARN_E_INVALID;
    }
    const char *allow = either(stores, "s3.allow_http", "AWS_ALLOW_HTTP", NULL);
    if (!s3->https && allow != NULL && !is_true(allow)) {
        return tn_fail(err, TARN_E_INVALID, "s3.endpoint is '%s', and s3.allow_http is off", url);
    }
    memcpy(s3->endpoint, rest.data, rest.size);
    s3->endpoint[rest.size] = '\0';
    return TARN_OK;
}

static TN_FALLIBLE configure(tn_s3 *s3, const tn_stores *stores, tarn_error *err)
{
    const char *endpoint = either(stores, "s3.endpoint", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    const char *path_style = tn_stores__option(stores, "s3.path_style");
    char of_profile[256];
    const char *ca = either(stores, "s3.ca_file", "AWS_CA_BUNDLE", "SSL_CERT_FILE");
    uint64_t connect_ms = CONNECT_MS;
    uint64_t idle_ms = IDLE_MS;
    uint64_t attempts = s3->retry.attempts_max;
    uint64_t budget_s = s3->retry.budget_ns / 1000000000;
    uint64_t base_ms = s3->retry.base_ns / 1000000;

    s3->https = true;
    if (endpoint == NULL) {
        tn_s3__profile(stores, "endpoint_url", of_profile, sizeof(of_profile));
        endpoint = of_profile[0] != '\0' ? of_profile : NULL;
    }
    if (endpoint != NULL) {
        TN_RETURN_IF_ERROR(set_endpoint(s3, stores, endpoint, err));
    }
    /* A dot in a bucket's name does not match the certificate of *.s3.amazonaws.com. */
    s3->path_style = path_style != NULL ? is_true(path_style)
                                        : endpoint != NULL || strchr(s3->bucket, '.') != NULL;
    s3->anonymous = is_true(tn_stores__option(stores, "s3.skip_signature"));
    atomic_store(&s3->keeps_create, is_true(tn_stores__option(stores, "s3.trust_conditional_put")));
    if (ca != NULL) {
        (void)snprintf(s3->ca_file, sizeof(s3->ca_file), "%s", ca);
    }
    TN_RETURN_IF_ERROR(number_option(stores, "s3.connect_timeout_ms", 600000, &connect_ms, err));
    TN_RETURN_IF_ERROR(number_option(stores, "s3.idle_timeout_ms", 3600000, &idle_ms, err));
    TN_RETURN_IF_ERROR(number_option(stores, "s3.retries", 1000, &attempts, err));
    TN_RETURN_IF_ERROR(number_option(stores, "s3.retry_timeout_s", 86400, &budget_s, err));
    TN_RETURN_IF_ERROR(number_option(stores, "s3.retry_wait_ms", 60000, &base_ms, err));
    TN_RETURN_IF_ERROR(
        number_option(stores, "s3.part_size", UINT64_C(5) << 30, &s3->part_size, err));
    s3->connect_ms = (unsigned)connect_ms;
    s3->idle_ms = (unsigned)idle_ms;
    s3->retry.attempts_max = (unsigned)attempts;
    s3->retry.budget_ns = budget_s * 1000000000;
    s3->retry.base_ns = base_ms * 1000000;
    if (!s3->anonymous) {
        TN_RETURN_IF_ERROR(tn_s3__credentials(stores, &s3->credentials, err));
    }
    tn_s3__region(stores, s3->region);
    return TARN_OK;
}

static void s3_destroy(tn_store *store)
{
    tn_s3 *s3 = (tn_s3 *)store;
    (void)pthread_mutex_destroy(&s3->lock);
    memset(&s3->credentials, 0, sizeof(s3->credentials));
    tn_pool_free(s3->pool, s3, sizeof(*s3));
}

static bool is_bucket_name(tn_str name)
{
    for (size_t i = 0; i < name.size; i++) {
        const char c = tn_ascii_lower(name.data[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
            c != '_') {
            return false;
        }
    }
    return name.size > 0 && name.size < 80;
}

tarn_code tn_store__s3(tn_stores *stores, tn_str bucket, tn_store **out, tarn_error *err)
{
    static const tn_store_kind kind = {
        .is_local = false,
        .destroy = s3_destroy,
        .open = s3_open,
        .get = s3_get,
        .head = s3_head,
        .put = s3_put,
        .upload_create = tn_s3__upload_create,
        .listing_open = tn_s3__listing_open,
        .delete_many = tn_s3__delete_many,
        .copy = tn_s3__copy,
    };
    tarn_code code = TARN_OK;
    void *memory;

    *out = NULL;
    if (!is_bucket_name(bucket)) {
        return tn_fail(err, TARN_E_INVALID, "'%.*s' is no name of a bucket", TN_STR_ARGS(bucket));
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(stores->pool, sizeof(tn_s3), &memory, err));
    tn_s3 *s3 = memory;
    s3->base.kind = &kind;
    s3->base.stores = stores;
    s3->pool = stores->pool;
    s3->http = stores->http;
    s3->retry = TN_RETRY_DEFAULT;
    (void)pthread_mutex_init(&s3->lock, NULL);
    memcpy(s3->bucket, bucket.data, bucket.size);
    TN_TRY(configure(s3, stores, err));
    if (s3->http == NULL) {
        TN_TRY(tn_http_open(&s3->http, err));
    }
    *out = &s3->base;
    s3 = NULL;
done:
    if (s3 != NULL) {
        s3_destroy(&s3->base);
    }
    return code;
}
