/* Deleting and copying. */
#include "base/digest.h"
#include "base/vec.h"
#include "store/s3_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH = 1000, BODY_MAX = 4 << 20 };
static const uint64_t copy_max = UINT64_C(5) << 30; /* in one request */
static const uint64_t copy_part = UINT64_C(1) << 30;

/* ---- delete -----------------------------------------------------------------------------------
 */

static TN_FALLIBLE delete_one(tn_s3 *s3, tn_str key, tarn_error *err)
{
    tn_s3_request request;
    tn_s3__init(&request, s3, "DELETE", key);
    request.grace_ms = TN_S3_GRACE_CLEAN_MS;
    tarn_code code = tn_s3__run(&request, NULL);
    /* A bucket that is not there is an error, a key that is not there is none. */
    if (code == TARN_E_NOT_FOUND && strcmp(request.s3_code, "NoSuchBucket") != 0) {
        code = TARN_OK;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &request.error);
    }
    tn_s3__deinit(&request);
    return code;
}

typedef struct delete_answer {
    size_t failed;
    char key[128], code[64], message[192]; /* of the first that failed */
    char now_key[128], now_code[64], now_message[192];
} delete_answer;

static void keep(char *out, size_t out_size, tn_str text)
{
    (void)snprintf(out, out_size, "%.*s", (int)(text.size < out_size ? text.size : out_size - 1),
                   text.data);
}

static tarn_code delete_close(void *context, tn_str parent, tn_str name, tn_str text,
                              tarn_error *err)
{
    delete_answer *answer = context;
    (void)err;
    if (tn_str_equal(parent, TN_STR("Error"))) {
        if (tn_str_equal(name, TN_STR("Key"))) {
            keep(answer->now_key, sizeof(answer->now_key), text);
        } else if (tn_str_equal(name, TN_STR("Code"))) {
            keep(answer->now_code, sizeof(answer->now_code), text);
        } else if (tn_str_equal(name, TN_STR("Message"))) {
            keep(answer->now_message, sizeof(answer->now_message), text);
        }
    } else if (tn_str_equal(parent, TN_STR("DeleteResult")) &&
               tn_str_equal(name, TN_STR("Error")) && strcmp(answer->now_code, "NoSuchKey") != 0) {
        if (answer->failed++ == 0) {
            memcpy(answer->key, answer->now_key, sizeof(answer->key));
            memcpy(answer->code, answer->now_code, sizeof(answer->code));
            memcpy(answer->message, answer->now_message, sizeof(answer->message));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE check_deleted(tn_s3 *s3, tn_str document, tarn_error *err)
{
    delete_answer answer = {.failed = 0};
    const tn_s3_xml handler = {NULL, delete_close, &answer};
    TN_RETURN_IF_ERROR(tn_s3__xml(s3->pool, document, &handler, err));
    if (answer.failed == 0) {
        return TARN_OK;
    }
    const tarn_code code =
        strcmp(answer.code, "AccessDenied") == 0 ? TARN_E_AUTH
        : strcmp(answer.code, "InternalError") == 0 || strcmp(answer.code, "SlowDown") == 0
            ? TARN_E_UNAVAILABLE
            : TARN_E_IO;
    return tn_fail(err, code, "%zu keys of s3://%s were not deleted, '%s' first: %s: %s",
                   answer.failed, s3->bucket, answer.key, answer.code, answer.message);
}

/* Up to a thousand keys; those that XML cannot write go one by one. */
static TN_FALLIBLE delete_batch(tn_s3 *s3, const tn_str *keys, size_t count, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_s3_request request;
    tn_text body;
    uint8_t digest[TN_MD5_SIZE];
    char md5[32];
    size_t written = 0;

    tn_s3__init(&request, s3, "POST", TN_STR_NONE);
    tn_text_init(&body, s3->pool, BODY_MAX);
    tn_text_puts(&body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true"
                        "</Quiet>");
    for (size_t i = 0; i < count; i++) {
        const size_t before = body.size;
        tn_text_puts(&body, "<Object><Key>");
        if (tn_s3__escape(&body, keys[i])) {
            tn_text_puts(&body, "</Key></Object>");
            written++;
        } else {
            body.size = before;
            TN_TRY(delete_one(s3, keys[i], err));
        }
    }
    tn_text_puts(&body, "</Delete>");
    TN_TRY(tn_text_status(&body, err));
    if (written == 0) {
        goto done;
    }
    request.of_bucket = true;
    request.grace_ms = TN_S3_GRACE_CLEAN_MS;
    request.body = tn_text_str(&body);
    request.root = "DeleteResult";
    tn_md5_of(request.body, digest);
    tn_base64(digest, sizeof(digest), md5);
    tn_s3__query(&request, TN_STR("delete"), TN_STR(""));
    tn_s3__header(&request, TN_STR("content-md5"), tn_str_of(md5));
    tn_s3__header(&request, TN_STR("content-type"), TN_STR("application/xml"));
    TN_TRY(tn_s3__run(&request, err));
    TN_TRY(check_deleted(s3, tn_text_str(&request.answer), err));
done:
    tn_text_deinit(&body);
    tn_s3__deinit(&request);
    return code;
}

tarn_code tn_s3__delete_many(tn_store *store, const tn_str *keys, size_t count, tarn_error *err)
{
    tn_s3 *s3 = (tn_s3 *)store;
    if (count == 1) {
        return delete_one(s3, keys[0], err);
    }
    for (size_t at = 0; at < count; at += BATCH) {
        const size_t part = count - at < BATCH ? count - at : BATCH;
        TN_RETURN_IF_ERROR(delete_batch(s3, keys + at, part, err));
    }
    return TARN_OK;
}

/* ---- copy -------------------------------------------------------------------------------------
 */

typedef struct copy {
    tn_s3 *s3;
    tn_str from, to;
    tn_object_info source;
    tn_text source_header; /* "/bucket/key", encoded */
    char upload_id[1200];
    char journal[TN_S3_JOURNAL_NAME];
    TN_VEC(tn_s3_etag) etags;
} copy;

static void add_source(const copy *c, tn_s3_request *request)
{
    tn_s3__header(request, TN_STR("x-amz-copy-source"), tn_text_str(&c->source_header));
    if (c->source.tag[0] != '\0') {
        tn_s3__header(request, TN_STR("x-amz-copy-source-if-match"), tn_str_of(c->source.tag));
    }
}

static TN_FALLIBLE copy_at_once(const copy *c, tarn_error *err)
{
    tn_s3_request request;
    tn_s3__init(&request, c->s3, "PUT", c->to);
    add_source(c, &request);
    request.changes = true;
    request.grace_ms = TN_S3_GRACE_CHANGE_MS;
    request.root = "CopyObjectResult";
    const tarn_code code = tn_s3__run(&request, err);
    tn_s3__deinit(&request);
    return code;
}

static TN_FALLIBLE begin_copy(copy *c, tarn_error *err)
{
    tn_s3_request request;
    tn_s3__init(&request, c->s3, "POST", c->to);
    tn_s3__query(&request, TN_STR("uploads"), TN_STR(""));
    request.root = "InitiateMultipartUploadResult";
    tarn_code code = tn_s3__run(&request, err);
    if (code == TARN_OK) {
        code = tn_s3__element(c->s3->pool, tn_text_str(&request.answer), "UploadId", c->upload_id,
                              sizeof(c->upload_id), err);
    }
    tn_s3__deinit(&request);
    return code;
}

static TN_FALLIBLE copy_range(copy *c, uint64_t from, uint64_t to, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_s3_request request;
    tn_s3_etag etag;
    char number[24];
    char range[64];

    tn_s3__init(&request, c->s3, "PUT", c->to);
    (void)snprintf(number, sizeof(number), "%zu", c->etags.count + 1);
    (void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, from, to - 1);
    tn_s3__query(&request, TN_STR("partNumber"), tn_str_of(number));
    tn_s3__query(&request, TN_STR("uploadId"), tn_str_of(c->upload_id));
    add_source(c, &request);
    tn_s3__header(&request, TN_STR("x-amz-copy-source-range"), tn_str_of(range));
    request.root = "CopyPartResult";
    TN_TRY(tn_s3__run(&request, err));
    TN_TRY(tn_s3__element(c->s3->pool, tn_text_str(&request.answer), "ETag", etag.text,
                          sizeof(etag.text), err));
    code = tn_vec_push(&c->etags, etag, err);
done:
    tn_s3__deinit(&request);
    return code;
}

/* What is large, and what must not replace anything: the completion of an upload has conditions
 * that servers keep, the plain copy has not. */
static TN_FALLIBLE copy_in_parts(copy *c, const tn_put_options *options, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_outcome outcome = TN_OUTCOME_REFUSED;
    char tag[TN_TAG_SIZE];

    TN_RETURN_IF_ERROR(begin_copy(c, err));
    tn_s3__journal_add(c->s3, c->to, tn_str_of(c->upload_id), c->journal);
    for (uint64_t at = 0; at < c->source.size; at += copy_part) {
        const uint64_t rest = c->source.size - at;
        TN_TRY(copy_range(c, at, at + (rest < copy_part ? rest : copy_part), err));
    }
    code = tn_s3__complete(c->s3, c->to, tn_str_of(c->upload_id), c->etags.items, c->etags.count,
                           c->source.size, options, tag, &outcome, err);
done:
    if (code != TARN_OK && outcome != TN_OUTCOME_UNKNOWN) {
        if (tn_s3__abort_upload(c->s3, c->to, tn_str_of(c->upload_id), NULL) == TARN_OK) {
            tn_s3__journal_remove(c->journal);
        }
    } else if (code == TARN_OK) {
        tn_s3__journal_remove(c->journal);
    }
    return code;
}

tarn_code tn_s3__copy(tn_store *store, tn_str from, tn_str to, const tn_put_options *options,
                      tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_outcome outcome;
    tn_s3 *s3 = (tn_s3 *)store;
    copy c = {.s3 = s3, .from = from, .to = to};

    c.etags.pool = s3->pool;
    tn_text_init(&c.source_header, s3->pool, 8192);
    TN_TRY(store->kind->head(store, from, &c.source, err));
    tn_text_printf(&c.source_header, "/%s/", s3->bucket);
    tn_uri_encode(&c.source_header, from, true);
    TN_TRY(tn_text_status(&c.source_header, err));
    if (options->mode == TN_PUT_OVERWRITE && c.source.size <= copy_max) {
        code = copy_at_once(&c, err);
    } else if (c.source.size == 0) {
        code = store->kind->put(store, to, TN_STR(""), options, &outcome, err);
    } else {
        code = copy_in_parts(&c, options, err);
    }
done:
    tn_vec_free(&c.etags);
    tn_text_deinit(&c.source_header);
    return code;
}
