/*
 * Uploads: parts of 8 MiB and more on their way at once, within a window; what fits one part is one
 * put.  The upload's lock guards all of it and is never held while a request is started, since a
 * request may complete before its start returns.
 */
#include "base/digest.h"
#include "base/size.h"
#include "base/vec.h"
#include "os/clock.h"
#include "store/s3_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    WINDOW_PARTS = 4,
    GROW_EVERY = 1000, /* parts: then they double, so that 10,000 hold what S3 takes */
    FIRST_CAPACITY = 256 << 10,
    ABORT_TRIES = 3
};
/* Nobody waits longer for what only tidies up: the journal remembers the upload. */
static const uint64_t abort_ns = UINT64_C(10000000000);
static const uint64_t create_ns = UINT64_C(2000000000);

typedef struct s3_part {
    tn_s3_request request;
    struct s3_upload *upload;
    struct s3_part *next;
    uint8_t *bytes;
    size_t capacity, size;
    size_t number; /* from 1 */
    char number_text[16];
} s3_part;

typedef struct s3_upload {
    tn_upload base;
    tn_s3 *s3;
    pthread_mutex_t lock;
    s3_part *filling;
    s3_part *sealed; /* whole, not started; newest first */
    s3_part *active; /* started */
    size_t count;    /* parts that were sealed */
    uint64_t size;
    uint64_t on_the_way;          /* bytes of sealed and active parts */
    unsigned running;             /* requests, and the note of the upload's id */
    uint8_t *spare[WINDOW_PARTS]; /* buffers to be filled again: mapping 8 MiB costs more than it */
    size_t spare_size;            /* of each */
    size_t spare_count;
    TN_VEC(tn_s3_etag) etags;
    TN_VEC(tn_waker *) waiters; /* for room */
    tn_waker *idle;             /* for nothing running */
    bool creating, created;
    tn_s3_request create;
    tn_job note;
    char id[1200];
    char journal[TN_S3_JOURNAL_NAME];
    tarn_code code; /* the first failure */
    tarn_error error;
} s3_upload;

static tn_str key_of(const s3_upload *upload)
{
    return (tn_str){upload->base.key, upload->base.key_size};
}

static size_t part_limit(const s3_upload *upload)
{
    const uint64_t fixed = upload->s3->part_size;
    if (fixed != 0) {
        return (size_t)fixed;
    }
    const uint64_t size = (uint64_t)TN_S3_PART_SIZE << (upload->count / GROW_EVERY);
    const uint64_t most = UINT64_C(5) << 30;
    return (size_t)(size < most ? size : most);
}

static void part_free(s3_part *part)
{
    if (part != NULL) {
        tn_pool *pool = part->upload->base.pool;
        tn_s3__deinit(&part->request);
        tn_pool_free(pool, part->bytes, part->capacity);
        tn_pool_free(pool, part, sizeof(*part));
    }
}

/* With the lock held: keeps the buffer of a part that was sent. */
static void part_recycle(s3_part *part)
{
    s3_upload *upload = part->upload;
    if (upload->spare_count < WINDOW_PARTS && part->bytes != NULL &&
        (upload->spare_count == 0 || upload->spare_size == part->capacity)) {
        upload->spare_size = part->capacity;
        upload->spare[upload->spare_count++] = part->bytes;
        part->bytes = NULL;
        part->capacity = 0;
    }
    part_free(part);
}

/* With the lock held: the first failure stays. */
static void fail(s3_upload *upload, tarn_code code, const tarn_error *error)
{
    if (upload->code == TARN_OK) {
        upload->code = code;
        upload->error = *error;
    }
}

/* Called with the lock, leaves without it: wakes who waits for room, or for quiet. */
static void unlock_and_wake(s3_upload *upload)
{
    tn_waker *idle = NULL;
    tn_waker *room[16];
    size_t count = 0;
    while (upload->waiters.count > 0 && count < 16) {
        room[count++] = tn_vec_pop(&upload->waiters);
    }
    const bool more = upload->waiters.count > 0;
    if (upload->running == 0 && (upload->sealed == NULL || upload->code != TARN_OK)) {
        idle = upload->idle;
        upload->idle = NULL;
    }
    pthread_mutex_unlock(&upload->lock);
    for (size_t i = 0; i < count; i++) {
        tn_wake(room[i]);
    }
    if (more) { /* they wait still, so the upload is still there */
        pthread_mutex_lock(&upload->lock);
        unlock_and_wake(upload);
    }
    tn_wake(idle); /* after that the upload may be gone */
}

/* ---- parts ------------------------------------------------------------------------------------
 */

static void part_done(tn_s3_request *request)
{
    s3_part *part = request->context;
    s3_upload *upload = part->upload;

    if (request->code == TARN_OK && request->http.head.etag[0] == '\0') {
        request->code = tn_fail(&request->error, TARN_E_CORRUPT,
                                "'%s': the server gives no ETag for a part", upload->base.key);
    }
    pthread_mutex_lock(&upload->lock);
    s3_part **at = &upload->active;
    while (*at != part) {
        at = &(*at)->next;
    }
    *at = part->next;
    if (request->code == TARN_OK) {
        memcpy(upload->etags.items[part->number - 1].text, request->http.head.etag, TN_TAG_SIZE);
    } else {
        fail(upload, request->code, &request->error);
    }
    upload->on_the_way -= part->size;
    upload->running--;
    /* Freed before the wake: what waits for quiet frees the pool next. */
    part_recycle(part);
    unlock_and_wake(upload);
}

static void start_part(s3_part *part)
{
    s3_upload *upload = part->upload;
    tn_s3_request *request = &part->request;
    (void)snprintf(part->number_text, sizeof(part->number_text), "%zu", part->number);
    request->body = (tn_str){(const char *)part->bytes, part->size};
    tn_s3__query(request, TN_STR("partNumber"), tn_str_of(part->number_text));
    tn_s3__query(request, TN_STR("uploadId"), tn_str_of(upload->id));
    request->complete = part_done;
    request->context = part;
    tn_s3__start(request);
}

static void start_create(s3_upload *upload);

/* Starts what is sealed, once there is an id. */
static void start_sealed(s3_upload *upload)
{
    for (;;) {
        pthread_mutex_lock(&upload->lock);
        if (upload->sealed == NULL || upload->code != TARN_OK ||
            (upload->creating && !upload->created)) {
            pthread_mutex_unlock(&upload->lock);
            return;
        }
        upload->running++;
        if (!upload->creating) {
            upload->creating = true;
            tn_s3__init(&upload->create, upload->s3, "POST", key_of(upload));
            pthread_mutex_unlock(&upload->lock);
            start_create(upload);
            return;
        }
        s3_part *part = upload->sealed;
        upload->sealed = part->next;
        part->next = upload->active;
        upload->active = part;
        pthread_mutex_unlock(&upload->lock);
        start_part(part);
    }
}

/* On an I/O thread: the id is written down before the first part is sent. */
static void note_id(tn_job *job)
{
    s3_upload *upload = (s3_upload *)(void *)((char *)job - offsetof(s3_upload, note));
    tn_s3__journal_add(upload->s3, key_of(upload), tn_str_of(upload->id), upload->journal);
    pthread_mutex_lock(&upload->lock);
    upload->created = true;
    pthread_mutex_unlock(&upload->lock);
    start_sealed(upload);
    pthread_mutex_lock(&upload->lock);
    upload->running--;
    unlock_and_wake(upload);
}

static void create_done(tn_s3_request *request)
{
    s3_upload *upload = request->context;
    tarn_code code = request->code;
    if (code == TARN_OK) {
        code = tn_s3__element(upload->s3->pool, tn_text_str(&request->answer), "UploadId",
                              upload->id, sizeof(upload->id), &request->error);
    }
    if (code == TARN_OK && upload->id[0] == '\0') {
        code = tn_fail(&request->error, TARN_E_CORRUPT, "'%s': the server gives no upload id",
                       upload->base.key);
    }
    if (code == TARN_OK) {
        upload->note.run = note_id;
        tn_io_submit(&upload->note);
        return;
    }
    pthread_mutex_lock(&upload->lock);
    fail(upload, code, &request->error);
    upload->running--;
    unlock_and_wake(upload);
}

static void start_create(s3_upload *upload)
{
    tn_s3_request *request = &upload->create;
    tn_s3__query(request, TN_STR("uploads"), TN_STR(""));
    if (upload->base.options.content_type != NULL) {
        tn_s3__header(request, TN_STR("content-type"),
                      tn_str_of(upload->base.options.content_type));
    }
    request->grace_ms = TN_S3_GRACE_CHANGE_MS;
    request->root = "InitiateMultipartUploadResult";
    request->complete = create_done;
    request->context = upload;
    tn_s3__start(request);
}

/* ---- filling ----------------------------------------------------------------------------------
 */

static TN_FALLIBLE part_open(s3_upload *upload, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(upload->base.pool, sizeof(s3_part), &memory, err));
    upload->filling = memory;
    upload->filling->upload = upload;
    tn_s3__init(&upload->filling->request, upload->s3, "PUT", key_of(upload));
    return TARN_OK;
}

static TN_FALLIBLE part_reserve(s3_part *part, size_t size, size_t limit, tarn_error *err)
{
    tn_pool *pool = part->upload->base.pool;
    void *memory;
    if (size <= part->capacity) {
        return TARN_OK;
    }
    s3_upload *upload = part->upload;
    if (part->bytes == NULL && upload->spare_count > 0 && upload->spare_size >= size &&
        upload->spare_size <= limit) {
        part->bytes = upload->spare[--upload->spare_count];
        part->capacity = upload->spare_size;
        return TARN_OK;
    }
    /* Small objects stay small; whatever has filled one part will fill the next. */
    size_t capacity = tn_max_size(tn_max_size(FIRST_CAPACITY, 4 * part->capacity), size);
    capacity = upload->count > 0 ? limit : tn_max_size(size, tn_min_size(capacity, limit));
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, capacity, &memory, err));
    if (part->size > 0) {
        memcpy(memory, part->bytes, part->size);
    }
    tn_pool_free(pool, part->bytes, part->capacity);
    part->bytes = memory;
    part->capacity = capacity;
    return TARN_OK;
}

static TN_FALLIBLE seal(s3_upload *upload, tarn_error *err)
{
    s3_part *part = upload->filling;
    if (upload->count == TN_S3_PARTS_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "'%s': S3 takes at most %d parts: raise s3.part_size",
                       upload->base.key, TN_S3_PARTS_MAX);
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&upload->etags, ((tn_s3_etag){{0}}), err));
    part->number = ++upload->count;
    part->next = upload->sealed;
    upload->sealed = part;
    upload->on_the_way += part->size;
    upload->filling = NULL;
    return TARN_OK;
}

/* With the lock held. */
static TN_FALLIBLE fill(s3_upload *upload, const uint8_t *data, size_t size, tarn_error *err)
{
    while (size > 0) {
        const size_t limit = part_limit(upload);
        if (upload->filling == NULL) {
            TN_RETURN_IF_ERROR(part_open(upload, err));
        }
        s3_part *part = upload->filling;
        const size_t share = tn_min_size(size, limit - part->size);
        TN_RETURN_IF_ERROR(part_reserve(part, part->size + share, limit, err));
        memcpy(part->bytes + part->size, data, share);
        part->size += share;
        upload->size += share;
        data += share;
        size -= share;
        if (part->size == limit) {
            TN_RETURN_IF_ERROR(seal(upload, err));
        }
    }
    return TARN_OK;
}

static tarn_code s3_append(tn_upload *base, const void *data, size_t size, uint64_t *offset,
                           tn_waker *waker, bool *taken, tarn_error *err)
{
    s3_upload *upload = (s3_upload *)base;
    tarn_code code = TARN_OK;

    pthread_mutex_lock(&upload->lock);
    const uint64_t window = (uint64_t)WINDOW_PARTS * part_limit(upload);
    const size_t held = upload->filling == NULL ? 0 : upload->filling->size;
    if (upload->code != TARN_OK) {
        code = upload->code;
        tn_error_copy(err, &upload->error);
    } else if (upload->on_the_way > 0 && upload->on_the_way + held + size > window) {
        code = tn_vec_push(&upload->waiters, waker, err);
    } else {
        *offset = upload->size;
        code = fill(upload, data, size, err);
        *taken = code == TARN_OK;
        if (code != TARN_OK) { /* half of it may be in: the upload is of no use any more */
            tarn_error error = TARN_ERROR_INIT;
            (void)tn_fail(&error, code, "'%s' was not written: an earlier write failed",
                          upload->base.key);
            fail(upload, code, err != NULL ? err : &error);
        }
    }
    pthread_mutex_unlock(&upload->lock);
    if (*taken) {
        start_sealed(upload);
    }
    return code;
}

/* Until no request of this upload runs. */
static void wait_idle(s3_upload *upload)
{
    for (;;) {
        tn_latch latch;
        tn_latch_init(&latch);
        pthread_mutex_lock(&upload->lock);
        const bool quiet =
            upload->running == 0 && (upload->sealed == NULL || upload->code != TARN_OK);
        upload->idle = quiet ? NULL : &latch.waker;
        pthread_mutex_unlock(&upload->lock);
        if (quiet) {
            return;
        }
        tn_latch_wait(&latch);
    }
}

/* ---- the end ----------------------------------------------------------------------------------
 */

tarn_code tn_s3__abort_upload(tn_s3 *s3, tn_str key, tn_str upload_id, tarn_error *err)
{
    tn_s3_request request;
    tn_s3__init(&request, s3, "DELETE", key);
    tn_s3__query(&request, TN_STR("uploadId"), upload_id);
    request.grace_ms = TN_S3_GRACE_CLEAN_MS;
    request.until_ns = tn_clock_monotonic_ns() + abort_ns;
    request.retry.attempts_max = ABORT_TRIES;
    tarn_code code = tn_s3__run(&request, NULL);
    if (code == TARN_E_NOT_FOUND) {
        code = TARN_OK;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &request.error);
    }
    tn_s3__deinit(&request);
    return code;
}

/* What S3 computes for an object of parts: MD5 of their MD5s, and their number. */
static bool expected_tag(const tn_s3_etag *etags, size_t count, char out[TN_TAG_SIZE])
{
    tn_md5 md5;
    uint8_t digest[TN_MD5_SIZE];
    char hex[2 * TN_MD5_SIZE + 1];
    tn_md5_init(&md5);
    for (size_t i = 0; i < count; i++) {
        tn_str tag = tn_str_of(etags[i].text);
        if (tag.size < 2 || tag.data[0] != '"' ||
            !tn_hex_parse(tn_str_slice(tag, 1, tag.size - 1), digest, sizeof(digest))) {
            return false; /* encrypted with a key: not an MD5 */
        }
        tn_md5_add(&md5, digest, sizeof(digest));
    }
    tn_md5_end(&md5, digest);
    tn_hex(digest, sizeof(digest), hex);
    (void)snprintf(out, TN_TAG_SIZE, "\"%s-%zu\"", hex, count);
    return true;
}

/* "No such upload" to a repeated completion: the first may have done it, and the key tells. */
static bool was_completed(tn_s3 *s3, tn_str key, const tn_s3_etag *etags, size_t count,
                          uint64_t size, char tag[TN_TAG_SIZE])
{
    tn_object_info info;
    if (!expected_tag(etags, count, tag) || tn_store_head(&s3->base, key, &info, NULL) != TARN_OK) {
        return false;
    }
    return info.size == size && strcmp(info.tag, tag) == 0;
}

tarn_code tn_s3__complete(tn_s3 *s3, tn_str key, tn_str upload_id, const tn_s3_etag *etags,
                          size_t count, uint64_t size, const tn_put_options *options,
                          char tag[TN_TAG_SIZE], tn_outcome *outcome, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_s3_request request;
    tn_text body;

    tn_s3__init(&request, s3, "POST", key);
    tn_text_init(&body, s3->pool, TN_S3_ANSWER_MAX);
    tn_text_puts(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/"
                        "\">");
    for (size_t i = 0; i < count; i++) {
        tn_text_printf(&body, "<Part><PartNumber>%zu</PartNumber><ETag>", i + 1);
        (void)tn_s3__escape(&body, tn_str_of(etags[i].text));
        tn_text_puts(&body, "</ETag></Part>");
    }
    tn_text_puts(&body, "</CompleteMultipartUpload>");
    TN_TRY(tn_text_status(&body, err));
    request.body = tn_text_str(&body);
    tn_s3__query(&request, TN_STR("uploadId"), upload_id);
    tn_s3__header(&request, TN_STR("content-type"), TN_STR("application/xml"));
    tn_s3__put_options(&request, options);
    request.fresh = true;
    request.root = "CompleteMultipartUploadResult";
    code = tn_s3__run(&request, err);
    *outcome = request.outcome;
    if (code == TARN_OK) {
        code =
            tn_s3__element(s3->pool, tn_text_str(&request.answer), "ETag", tag, TN_TAG_SIZE, err);
        if (code != TARN_OK) {
            *outcome = TN_OUTCOME_UNKNOWN;
        }
    } else if (*outcome == TN_OUTCOME_UNKNOWN && strcmp(request.s3_code, "NoSuchUpload") == 0 &&
               was_completed(s3, key, etags, count, size, tag)) {
        *outcome = TN_OUTCOME_DONE;
        code = TARN_OK;
    }
done:
    tn_text_deinit(&body);
    tn_s3__deinit(&request);
    return code;
}

/* Forgets the parts that the server has, unless the object may have become visible. */
static void discard(s3_upload *upload)
{
    if (upload->created &&
        tn_s3__abort_upload(upload->s3, key_of(upload), tn_str_of(upload->id), NULL) == TARN_OK) {
        tn_s3__journal_remove(upload->journal);
    }
    upload->created = false;
}

static TN_FALLIBLE put_whole(s3_upload *upload, tn_object_info *info, tn_outcome *outcome,
                             tarn_error *err)
{
    tn_s3_request request;
    const s3_part *part = upload->filling;
    tn_s3__init(&request, upload->s3, "PUT", key_of(upload));
    if (part != NULL) {
        request.body = (tn_str){(const char *)part->bytes, part->size};
    }
    tn_s3__put_options(&request, &upload->base.options);
    if (upload->base.options.content_type != NULL) {
        tn_s3__header(&request, TN_STR("content-type"),
                      tn_str_of(upload->base.options.content_type));
    }
    const tarn_code code = tn_s3__run(&request, err);
    *outcome = request.outcome;
    if (code == TARN_OK) {
        memcpy(info->tag, request.http.head.etag, sizeof(info->tag));
    }
    tn_s3__deinit(&request);
    return code;
}

static TN_FALLIBLE finish_parts(s3_upload *upload, tn_object_info *info, tn_outcome *outcome,
                                tarn_error *err)
{
    tarn_code code = TARN_OK;
    pthread_mutex_lock(&upload->lock);
    if (upload->code == TARN_OK && upload->filling != NULL && upload->filling->size > 0) {
        code = seal(upload, err);
    }
    pthread_mutex_unlock(&upload->lock);
    if (code == TARN_OK) {
        start_sealed(upload);
    }
    wait_idle(upload);
    if (code == TARN_OK && upload->code != TARN_OK) {
        code = upload->code;
        tn_error_copy(err, &upload->error);
    }
    *outcome = TN_OUTCOME_REFUSED;
    if (code == TARN_OK) {
        code = tn_s3__complete(upload->s3, key_of(upload), tn_str_of(upload->id),
                               upload->etags.items, upload->count, upload->size,
                               &upload->base.options, info->tag, outcome, err);
    } else if (code == TARN_E_UNAVAILABLE) {
        *outcome = TN_OUTCOME_UNAVAILABLE;
    }
    if (code == TARN_OK) {
        tn_s3__journal_remove(upload->journal);
    } else if (*outcome != TN_OUTCOME_UNKNOWN) {
        discard(upload);
    }
    return code;
}

static tarn_code s3_finish(tn_upload *base, tn_object_info *info, tn_outcome *outcome,
                           tarn_error *err)
{
    s3_upload *upload = (s3_upload *)base;
    info->size = upload->size;
    if (upload->count == 0 && upload->code == TARN_OK) {
        return put_whole(upload, info, outcome, err);
    }
    return finish_parts(upload, info, outcome, err);
}

static void s3_abort(tn_upload *base)
{
    s3_upload *upload = (s3_upload *)base;
    tarn_error error = TARN_ERROR_INIT;
    const tarn_code code = tn_fail(&error, TARN_E_CANCELLED, "the upload was given up");
    pthread_mutex_lock(&upload->lock);
    fail(upload, code, &error);
    for (s3_part *part = upload->active; part != NULL; part = part->next) {
        tn_s3__cancel(&part->request);
    }
    /* An id that is on its way is worth a moment: without it the upload cannot be aborted. */
    atomic_store(&upload->create.until_ns, tn_clock_monotonic_ns() + create_ns);
    pthread_mutex_unlock(&upload->lock);
    wait_idle(upload);
    discard(upload);
}

static void s3_upload_destroy(tn_upload *base)
{
    s3_upload *upload = (s3_upload *)base;
    if (upload->creating) {
        tn_s3__deinit(&upload->create);
    }
    part_free(upload->filling);
    while (upload->sealed != NULL) {
        s3_part *part = upload->sealed;
        upload->sealed = part->next;
        part_free(part);
    }
    while (upload->spare_count > 0) {
        tn_pool_free(upload->base.pool, upload->spare[--upload->spare_count], upload->spare_size);
    }
    tn_vec_free(&upload->etags);
    tn_vec_free(&upload->waiters);
    (void)pthread_mutex_destroy(&upload->lock);
}

tarn_code tn_s3__upload_create(tn_store *store, tn_str key, tn_pool *pool,
                               const tn_put_options *options, tn_upload **out, tarn_error *err)
{
    static const tn_upload_kind kind = {s3_append, NULL, s3_finish, s3_abort, s3_upload_destroy};
    tn_upload *base;
    TN_RETURN_IF_ERROR(
        tn_upload__create(store, key, pool, sizeof(s3_upload), options, &kind, &base, err));
    s3_upload *upload = (s3_upload *)base;
    upload->s3 = (tn_s3 *)store;
    upload->etags.pool = upload->waiters.pool = pool;
    upload->error = (tarn_error)TARN_ERROR_INIT;
    (void)pthread_mutex_init(&upload->lock, NULL);
    *out = base;
    return TARN_OK;
}
