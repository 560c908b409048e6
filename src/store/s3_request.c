/* One question to S3, through all its attempts. */
#include "base/digest.h"
#include "os/clock.h"
#include "os/random.h"
#include "store/s3_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { URL_MAX = 16 << 10, HEADERS_MAX = 20, LEARN_MAX = 2, FIRST_CONTACT_TRIES = 3 };

static void completed(tn_http_request *http);
static bool take(tn_http_request *http, const uint8_t *data, size_t size);

static bool unwanted(const tn_http_request *http)
{
    const tn_s3_request *request = (const tn_s3_request *)(const void *)http;
    const uint64_t until = atomic_load_explicit(&request->until_ns, memory_order_relaxed);
    return (until != 0 && tn_clock_monotonic_ns() >= until) ||
           tn_stores__is_stopped(request->s3->base.stores, request->grace_ms);
}

void tn_s3__init(tn_s3_request *request, tn_s3 *s3, const char *method, tn_str key)
{
    memset(request, 0, sizeof(*request));
    request->s3 = s3;
    request->method = method;
    request->key = key;
    request->retry = s3->retry;
    request->error = (tarn_error)TARN_ERROR_INIT;
    request->total = UINT64_MAX;
    tn_text_init(&request->answer, s3->pool, TN_S3_ANSWER_MAX);
    tn_arena_init(&request->arena, s3->pool);
}

void tn_s3__deinit(tn_s3_request *request)
{
    tn_text_deinit(&request->answer);
    tn_arena_deinit(&request->arena);
}

void tn_s3__query(tn_s3_request *request, tn_str name, tn_str value)
{
    assert(request->query_count < TN_S3_PAIRS);
    request->query[request->query_count++] = (tn_pair){name, value};
}

void tn_s3__header(tn_s3_request *request, tn_str name, tn_str value)
{
    assert(request->header_count < TN_S3_PAIRS);
    request->headers[request->header_count++] = (tn_pair){name, value};
}

void tn_s3__put_options(tn_s3_request *request, const tn_put_options *options)
{
    if (options->mode == TN_PUT_CREATE) {
        tn_s3__header(request, TN_STR("if-none-match"), TN_STR("*"));
    } else if (options->mode == TN_PUT_UPDATE) {
        tn_s3__header(request, TN_STR("if-match"),
                      tn_str_of(options->if_match != NULL ? options->if_match : ""));
    }
    request->grace_ms = TN_S3_GRACE_CHANGE_MS;
    request->conditional = options->mode != TN_PUT_OVERWRITE;
    request->is_update = options->mode == TN_PUT_UPDATE;
    request->changes = true;
}

/* ---- one attempt ------------------------------------------------------------------------------
 */

typedef struct attempt {
    tn_s3_request *request;
    tn_s3_credentials credentials; /* as they were when it began */
    char region[40];
    int64_t skew_s;
    tn_str host;
    tn_str path; /* raw */
    tn_pair headers[HEADERS_MAX];
    size_t count;
} attempt;

/* Where AWS keeps a bucket; others say it by s3.endpoint. */
static TN_FALLIBLE place(attempt *a, tarn_error *err)
{
    const tn_s3 *s3 = a->request->s3;
    tn_arena *arena = &a->request->arena;
    const tn_str key = a->request->key;
    const char *region = a->region[0] != '\0' ? a->region : "us-east-1";
    tn_str base = tn_str_of(s3->endpoint);

    if (base.size == 0) {
        const char *zone = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";
        TN_RETURN_IF_ERROR(
            tn_arena_print(arena, &base, err, "s3.%s.amazonaws.com%s", region, zone));
    }
    if (s3->path_style) {
        a->host = base;
        return tn_arena_print(arena, &a->path, err, "/%s%s%.*s", s3->bucket,
                              a->request->of_bucket ? "" : "/", TN_STR_ARGS(key));
    }
    TN_RETURN_IF_ERROR(
        tn_arena_print(arena, &a->host, err, "%s.%.*s", s3->bucket, TN_STR_ARGS(base)));
    return tn_arena_print(arena, &a->path, err, "/%.*s", TN_STR_ARGS(key));
}

static void add_header(attempt *a, tn_str name, tn_str value)
{
    assert(a->count < HEADERS_MAX);
    a->headers[a->count++] = (tn_pair){name, value};
}

static TN_FALLIBLE make_headers(attempt *a, tarn_error *err)
{
    tn_s3_request *request = a->request;
    tn_arena *arena = &request->arena;
    for (size_t i = 0; i < request->header_count; i++) {
        add_header(a, request->headers[i].name, request->headers[i].value);
    }
    if (request->into != NULL) {
        tn_str range;
        TN_RETURN_IF_ERROR(tn_arena_print(arena, &range, err, "bytes=%" PRIu64 "-%" PRIu64,
                                          request->offset + request->done,
                                          request->offset + request->size - 1));
        add_header(a, TN_STR("range"), range);
        if (request->tag[0] != '\0') {
            add_header(a, TN_STR("if-match"), tn_str_of(request->tag));
        }
    }
    add_header(a, TN_STR("host"), a->host);
    if (request->s3->anonymous || a->credentials.access_key[0] == '\0') {
        return TARN_OK;
    }
    /* Over TLS a body cannot be changed on its way; hashing it would double the work. */
    const bool hashed = request->payload[0] != '\0';
    const tn_str payload = hashed ? tn_str_of(request->payload) : TN_STR("UNSIGNED-PAYLOAD");
    const int64_t now_s = tn_clock_now_us() / 1000000 + a->skew_s;
    char date[TN_SIGV4_DATE_SIZE];
    tn_str kept;
    tn_sigv4_date(now_s, date);
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, tn_str_of(date), &kept, err));
    add_header(a, TN_STR("x-amz-date"), kept);
    add_header(a, TN_STR("x-amz-content-sha256"), payload);
    if (a->credentials.session_token[0] != '\0') {
        add_header(a, TN_STR("x-amz-security-token"), tn_str_of(a->credentials.session_token));
    }
    const tn_sigv4 sign = {
        .access_key = tn_str_of(a->credentials.access_key),
        .secret_key = tn_str_of(a->credentials.secret_key),
        .region = tn_str_of(a->region[0] != '\0' ? a->region : "us-east-1"),
        .service = TN_STR("s3"),
        .time_s = now_s,
        .method = tn_str_of(request->method),
        .path = a->path,
        .query = request->query,
        .query_count = request->query_count,
        .headers = a->headers,
        .header_count = a->count,
        .payload = payload,
    };
    tn_str authorisation;
    TN_RETURN_IF_ERROR(tn_sigv4_authorise(&sign, arena, &authorisation, err));
    add_header(a, TN_STR("authorization"), authorisation);
    return TARN_OK;
}

static TN_FALLIBLE make_url(const attempt *a, const char **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_s3_request *request = a->request;
    tn_text url;
    tn_str kept;

    tn_text_init(&url, request->s3->pool, URL_MAX);
    tn_text_puts(&url, request->s3->https ? "https://" : "http://");
    tn_text_append(&url, a->host);
    tn_uri_encode(&url, a->path, true);
    for (size_t i = 0; i < request->query_count; i++) {
        tn_text_putc(&url, i == 0 ? '?' : '&');
        tn_uri_encode(&url, request->query[i].name, false);
        tn_text_putc(&url, '=');
        tn_uri_encode(&url, request->query[i].value, false);
    }
    TN_TRY(tn_text_status(&url, err));
    TN_TRY(tn_arena_copy(&a->request->arena, tn_text_str(&url), &kept, err));
    *out = kept.data;
done:
    tn_text_deinit(&url);
    return code;
}

static TN_FALLIBLE prepare(attempt *a, tarn_error *err)
{
    tn_s3_request *request = a->request;
    tn_http_request *http = &request->http;
    void *memory;

    TN_RETURN_IF_ERROR(place(a, err));
    TN_RETURN_IF_ERROR(make_headers(a, err));
    TN_RETURN_IF_ERROR(make_url(a, &http->url, err));
    TN_RETURN_IF_ERROR(
        tn_arena_alloc(&request->arena, (a->count + 1) * sizeof(char *), &memory, err));
    const char **lines = memory;
    for (size_t i = 0; i < a->count; i++) {
        tn_str line;
        TN_RETURN_IF_ERROR(tn_arena_print(&request->arena, &line, err, "%.*s: %.*s",
                                          TN_STR_ARGS(a->headers[i].name),
                                          TN_STR_ARGS(a->headers[i].value)));
        lines[i] = line.data;
    }
    http->headers = lines;
    http->header_count = a->count;
    return TARN_OK;
}

/* The request may be gone when this returns. */
static void conclude(tn_s3_request *request, tarn_code code, tn_outcome outcome)
{
    request->code = code;
    request->outcome = outcome;
    request->complete(request);
}

/* Signs and sends, after `wait_ns`. */
static void try_once(tn_s3_request *request, uint64_t wait_ns)
{
    tn_s3 *s3 = request->s3;
    tn_http_request *http = &request->http;
    attempt a = {.request = request};

    tn_arena_reset(&request->arena);
    tn_text_clear(&request->answer);
    request->stopped = TARN_OK;
    pthread_mutex_lock(&s3->lock);
    a.credentials = s3->credentials;
    memcpy(a.region, s3->region, sizeof(a.region));
    a.skew_s = s3->skew_s;
    memcpy(request->region, s3->region, sizeof(request->region));
    pthread_mutex_unlock(&s3->lock);
    const tarn_code code = prepare(&a, &request->error);
    if (code != TARN_OK) {
        conclude(request, code, request->ambiguous ? TN_OUTCOME_UNKNOWN : TN_OUTCOME_REFUSED);
        return;
    }
    http->method = request->method;
    http->body = request->body;
    http->ca_file = s3->ca_file[0] != '\0' ? s3->ca_file : NULL;
    http->fresh_connection = request->fresh || request->conditional;
    http->connect_ms = s3->connect_ms;
    http->idle_ms = s3->idle_ms;
    http->start_ns = wait_ns == 0 ? 0 : tn_clock_monotonic_ns() + wait_ns;
    http->take = take;
    http->complete = completed;
    http->unwanted = unwanted;
    s3->http->start(s3->http, http);
}

void tn_s3__start(tn_s3_request *request)
{
    tn_s3 *s3 = request->s3;
    if (request->key.size == 0 && !request->of_bucket) {
        /* Sent all the same, a PUT would make a bucket and a DELETE remove one. */
        const tarn_code code = tn_fail(&request->error, TARN_E_INVALID,
                                       "'%s' names a bucket, not an object in it", s3->base.root);
        conclude(request, code, TN_OUTCOME_REFUSED);
        return;
    }
    /* No change begins any more; cleaning up may. */
    if (tn_stores__is_stopped(s3->base.stores, request->grace_ms == TN_S3_GRACE_CLEAN_MS
                                                   ? TN_S3_GRACE_CLEAN_MS
                                                   : 0)) {
        const tarn_code code = tn_fail(&request->error, TARN_E_CANCELLED, "cancelled");
        conclude(request, code, TN_OUTCOME_REFUSED);
        return;
    }
    if (!s3->anonymous && (!s3->https || request->body.size < (1 << 20))) {
        uint8_t hash[TN_SHA256_SIZE];
        tn_sha256_of(request->body, hash);
        tn_hex(hash, sizeof(hash), request->payload);
    }
    tn_retry_begin(&request->retry, tn_clock_monotonic_ns());
    try_once(request, 0);
}

void tn_s3__cancel(tn_s3_request *request)
{
    request->s3->http->cancel(request->s3->http, &request->http);
}

/* ---- the answer's body ------------------------------------------------------------------------
 */

/* Is this the range that was asked for, of the version that was opened? */
static tarn_code check_range(tn_s3_request *request)
{
    const tn_http_head *head = &request->http.head;
    const uint64_t first = request->offset + request->done;
    uint64_t last = request->offset + request->size - 1;

    if (request->tag[0] != '\0' && head->etag[0] != '\0' && strcmp(request->tag, head->etag) != 0) {
        return tn_fail(&request->error, TARN_E_CONFLICT, "the object was changed while being read");
    }
    if (head->status == 200) { /* all of it, although a part was asked for */
        const bool whole =
            first == 0 && head->has_length &&
            (head->length == request->size || (request->up_to && head->length < request->size));
        if (!whole) {
            return tn_fail(&request->error, TARN_E_UNSUPPORTED, "the server ignores ranges");
        }
        request->total = head->length;
        request->size = (size_t)head->length;
    } else {
        if (request->up_to && head->has_range && head->range_total != UINT64_MAX &&
            head->range_total > first && last >= head->range_total) {
            last = head->range_total - 1;
        }
        if (!head->has_range || head->range_first != first || head->range_last != last) {
            return tn_fail(&request->error, TARN_E_CORRUPT,
                           "the server answered another range than bytes %" PRIu64 " to %" PRIu64,
                           first, last);
        }
        request->total = head->range_total;
        request->size = (size_t)(last + 1 - request->offset);
    }
    if (request->tag[0] == '\0') {
        memcpy(request->tag, head->etag, sizeof(request->tag));
    }
    return TARN_OK;
}

static bool take(tn_http_request *http, const uint8_t *data, size_t size)
{
    tn_s3_request *request = (tn_s3_request *)(void *)http;
    if (request->into == NULL || (http->head.status != 206 && http->head.status != 200)) {
        const size_t most = http->head.status == 200 ? TN_S3_ANSWER_MAX : TN_S3_ERROR_MAX;
        if (size > most - request->answer.size) {
            request->stopped =
                tn_fail(&request->error, TARN_E_LIMIT, "an answer of over %zu bytes", most);
            return false;
        }
        tn_text_append(&request->answer, (tn_str){(const char *)data, size});
        if (request->answer.failed != TARN_OK) {
            request->stopped = tn_text_status(&request->answer, &request->error);
        }
        return request->stopped == TARN_OK;
    }
    if (http->received == size) { /* the first piece: `received` counts it already */
        request->stopped = check_range(request);
        if (request->stopped != TARN_OK) {
            return false;
        }
    }
    if (size > request->size - request->done) {
        request->stopped = tn_fail(&request->error, TARN_E_CORRUPT, "more bytes than promised");
        return false;
    }
    memcpy(request->into + request->done, data, size);
    request->done += size;
    return true;
}

/* ---- what an answer means ---------------------------------------------------------------------
 */

static void describe(tn_s3_request *request, tarn_code code, const tn_s3_problem *problem)
{
    char attempts[40] = "";
    const tn_http_request *http = &request->http;
    const tn_s3 *s3 = request->s3;
    char name[256];
    const char *host = http->url == NULL ? "" : strstr(http->url, "://");
    host = host == NULL ? "" : host + 3;
    const int host_size = (int)strcspn(host, "/");

    tn_store__name(&s3->base, request->key, name);
    if (request->retry.attempts > 1) {
        (void)snprintf(attempts, sizeof(attempts), ", after %u attempts", request->retry.attempts);
    }
    if (http->result != TN_HTTP_ANSWERED) {
        (void)tn_fail(&request->error, code, "'%s': %.*s: %s%s", name, host_size, host,
                      http->problem, attempts);
    } else if (http->head.status == 412 && !request->conditional) {
        (void)tn_fail(&request->error, code, "'%s' was changed while being read", name);
    } else {
        const char *message = problem->message;
        const bool gone = http->head.status == 404 &&
                          (problem->code[0] == '\0' || strcmp(problem->code, "NoSuchKey") == 0);
        pthread_mutex_lock(&request->s3->lock);
        const tn_s3_credentials *own = &s3->credentials;
        if ((own->secret_key[0] != '\0' && strstr(message, own->secret_key) != NULL) ||
            (own->session_token[0] != '\0' && strstr(message, own->session_token) != NULL)) {
            message = "";
        }
        (void)tn_fail(&request->error, code, "'%s'%s: %.*s answered %d%s%s%s%s%s", name,
                      gone ? " is not there" : "", host_size, host, http->head.status,
                      problem->code[0] != '\0' ? " " : "", problem->code,
                      message[0] != '\0' ? ": " : "", message, attempts);
        pthread_mutex_unlock(&request->s3->lock);
    }
    tn_subject(&request->error, name);
}

static void advise(tn_s3_request *request, const tn_s3_problem *problem)
{
    const tn_s3 *s3 = request->s3;
    tarn_error *err = &request->error;
    const int status = request->http.head.status;
    if (request->http.result == TN_HTTP_NOT_SENT && s3->https &&
        strncmp(request->http.problem, "SSL", 3) == 0) {
        tn_hint(err, "is the endpoint right, and does it speak TLS? (s3.endpoint)");
    } else if (request->http.result == TN_HTTP_NOT_SENT) {
        tn_hint(err, s3->endpoint[0] != '\0'
                         ? "is the endpoint right, and does it run? (s3.endpoint)"
                         : "is this machine online?");
    } else if (strncmp(request->http.problem, "no byte for", 11) == 0) {
        tn_hint(err, "the store was silent: try again, or allow it more with s3.idle_timeout_ms");
    } else if (request->http.result == TN_HTTP_REFUSED && s3->https) {
        tn_hint(err, "for a private certificate authority set s3.ca_file to its certificate");
    } else if (strcmp(problem->code, "NoSuchBucket") == 0) {
        tn_hint(err, "there is no bucket '%s' at this endpoint", s3->bucket);
    } else if (strcmp(problem->code, "ExpiredToken") == 0) {
        tn_hint(err, "the session token has expired: get a new one, and set AWS_SESSION_TOKEN and "
                     "its keys, or the profile");
    } else if (strcmp(problem->code, "InvalidToken") == 0) {
        tn_hint(err, "AWS_SESSION_TOKEN (s3.session_token) does not belong to the access key");
    } else if (strcmp(problem->code, "InvalidAccessKeyId") == 0) {
        tn_hint(err, "this endpoint does not know the access key (AWS_ACCESS_KEY_ID)");
    } else if (strcmp(problem->code, "RequestTimeTooSkewed") == 0) {
        tn_hint(err, "set this machine's clock: it differs from the store's by too much");
    } else if (strcmp(problem->code, "SignatureDoesNotMatch") == 0) {
        tn_hint(err, "the secret key does not belong to the access key, or something between "
                     "changes requests");
    } else if ((status == 401 || status == 403) &&
               (s3->anonymous || s3->credentials.access_key[0] == '\0')) {
        tn_hint(err, "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                     "AWS_PROFILE, or s3.* settings (s3.skip_signature for public buckets)");
    } else if (status == 401 || status == 403) {
        tn_hint(err, "these credentials may not do that here, or the key does not exist and they "
                     "may not list");
    } else if (status == 301 || status == 307) {
        tn_hint(err, "set s3.region to the bucket's region");
    } else if (status == 412 && !request->conditional) {
        tn_hint(err, "run it again: it then reads the new object");
    } else if (status == 501) {
        tn_hint(err, "this server lacks what was asked for");
    }
}

/* For answers of 200 that carry an error (Complete, Copy, Delete): the status they mean. */
static int status_of_code(const char *code)
{
    if (strcmp(code, "SlowDown") == 0 || strcmp(code, "ServiceUnavailable") == 0) {
        return 503;
    }
    if (strcmp(code, "InternalError") == 0 || strcmp(code, "OperationTimedOut") == 0) {
        return 500;
    }
    if (strcmp(code, "RequestTimeout") == 0) {
        return 408;
    }
    if (strcmp(code, "PreconditionFailed") == 0) {
        return 412;
    }
    if (strcmp(code, "ConditionalRequestConflict") == 0) {
        return 409;
    }
    return strncmp(code, "NoSuch", 6) == 0 ? 404 : 400;
}

static void retry_or_give_up(tn_s3_request *request, tarn_code code, const tn_s3_problem *problem)
{
    const tn_http_request *http = &request->http;
    const uint64_t now = tn_clock_monotonic_ns();
    const bool asked = http->result == TN_HTTP_ANSWERED && http->head.has_retry_after;
    uint64_t wait;

    if (request->into != NULL && http->received > 0 && request->done > 0) {
        tn_retry_progress(&request->retry, now);
    }
    const bool nobody = http->result == TN_HTTP_NOT_SENT && !request->s3->answered &&
                        request->retry.attempts >= FIRST_CONTACT_TRIES;
    if (!nobody && !atomic_load(&request->http.cancelled) &&
        tn_retry_again(&request->retry, now, asked ? http->head.retry_after_s : 0, tn_random_u64(),
                       &wait)) {
        try_once(request, wait);
        return;
    }
    if (request->ambiguous) {
        code = TARN_E_OUTCOME_UNKNOWN;
    }
    describe(request, code, problem);
    advise(request, problem);
    conclude(request, code,
             code == TARN_E_OUTCOME_UNKNOWN ? TN_OUTCOME_UNKNOWN : TN_OUTCOME_UNAVAILABLE);
}

static void refuse(tn_s3_request *request, tarn_code code, tn_outcome outcome,
                   const tn_s3_problem *problem)
{
    if (code == TARN_E_CANCELLED) { /* wished for; those who commit look at the outcome */
        (void)tn_fail(&request->error, code, "cancelled");
        conclude(request, code, request->ambiguous ? TN_OUTCOME_UNKNOWN : outcome);
        return;
    }
    if (request->ambiguous) { /* an attempt before this one may have done it */
        code = TARN_E_OUTCOME_UNKNOWN;
        outcome = TN_OUTCOME_UNKNOWN;
    }
    describe(request, code, problem);
    advise(request, problem);
    if (outcome == TN_OUTCOME_CONFLICT) {
        (void)tn_store__conflict(&request->s3->base, request->key,
                                 request->is_update ? TN_PUT_UPDATE : TN_PUT_CREATE, &outcome,
                                 &request->error);
    }
    conclude(request, code, outcome);
}

static bool is_one_of(const char *code, const char *const *known)
{
    while (*known != NULL && strcmp(*known, code) != 0) {
        known++;
    }
    return *known != NULL;
}

/* Who we are was refused; S3 says so with 400, too. */
static bool is_refusal(int status, const char *code)
{
    static const char *const codes[] = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired",
                                        "RequestExpired", NULL};
    return status == 401 || status == 403 || (status == 400 && is_one_of(code, codes));
}

/* The bytes that came were not those that we sent: nothing happened, and sending again may help. */
static bool is_spoilt(int status, const char *code)
{
    static const char *const codes[] = {"BadDigest", "XAmzContentSHA256Mismatch",
                                        "XAmzContentChecksumMismatch", "IncompleteBody", NULL};
    return status == 400 && is_one_of(code, codes);
}

/* The server says where the bucket is, by header or in its error. */
static bool learn_region(tn_s3_request *request, const tn_s3_problem *problem)
{
    tn_s3 *s3 = request->s3;
    const int status = request->http.head.status;
    const char *region =
        request->http.head.region[0] != '\0' ? request->http.head.region : problem->region;
    if (region[0] == '\0' || request->region_tries >= LEARN_MAX ||
        (status != 301 && status != 307 && status != 400 && status != 403)) {
        return false;
    }
    pthread_mutex_lock(&s3->lock);
    (void)snprintf(s3->region, sizeof(s3->region), "%s", region);
    pthread_mutex_unlock(&s3->lock);
    request->region_tries++;
    return strcmp(request->region, region) != 0; /* than the one this attempt was signed for */
}

static bool learn_clock(tn_s3_request *request, const tn_s3_problem *problem)
{
    tn_s3 *s3 = request->s3;
    const tn_http_head *head = &request->http.head;
    if (strcmp(problem->code, "RequestTimeTooSkewed") != 0 || !head->has_date ||
        request->clock_tries >= LEARN_MAX) {
        return false;
    }
    request->clock_tries++;
    pthread_mutex_lock(&s3->lock);
    s3->skew_s = head->date_s - tn_clock_now_us() / 1000000;
    pthread_mutex_unlock(&s3->lock);
    return true;
}

/* Somebody may have renewed what is in the environment's files since. */
static bool renew_credentials(tn_s3_request *request, const tn_s3_problem *problem)
{
    tn_s3 *s3 = request->s3;
    tn_s3_credentials fresh;
    const bool expired = request->http.head.status == 401 ||
                         strcmp(problem->code, "ExpiredToken") == 0 ||
                         strcmp(problem->code, "InvalidToken") == 0 ||
                         strcmp(problem->code, "InvalidAccessKeyId") == 0;
    if (!expired || s3->anonymous || request->credential_tries > 0 ||
        tn_s3__credentials(s3->base.stores, &fresh, NULL) != TARN_OK ||
        fresh.access_key[0] == '\0') {
        return false;
    }
    request->credential_tries++;
    pthread_mutex_lock(&s3->lock);
    const bool news = memcmp(&s3->credentials, &fresh, sizeof(fresh)) != 0;
    s3->credentials = fresh;
    pthread_mutex_unlock(&s3->lock);
    return news;
}

/* What is refused says why in its body, which the answer to a HEAD has not. */
static bool ask_why(tn_s3_request *request, int status, const tn_s3_problem *problem)
{
    if (strcmp(request->method, "HEAD") != 0 || problem->code[0] != '\0' || request->explained ||
        (status != 301 && status != 307 && status != 400 && status != 403)) {
        return false;
    }
    request->explained = true;
    request->method = "GET";
    tn_s3__header(request, TN_STR("range"), TN_STR("bytes=0-0"));
    return true;
}

/* An answer other than success. */
static void judge(tn_s3_request *request, int status, const tn_s3_problem *problem)
{
    if (ask_why(request, status, problem) || learn_region(request, problem) ||
        learn_clock(request, problem) || renew_credentials(request, problem)) {
        try_once(request, 0);
        return;
    }
    (void)snprintf(request->s3_code, sizeof(request->s3_code), "%s", problem->code);
    const bool slow = strcmp(problem->code, "SlowDown") == 0 || status == 429 ||
                      strcmp(problem->code, "ServiceUnavailable") == 0;
    if (status >= 500 && status != 501 && status != 505) {
        request->ambiguous = request->ambiguous || (request->changes && !slow);
        retry_or_give_up(request, TARN_E_UNAVAILABLE, problem);
    } else if (status == 408 || status == 429 || strcmp(problem->code, "RequestTimeout") == 0 ||
               is_spoilt(status, problem->code) || (status == 409 && request->changes)) {
        /* 409: two changes met, and this one did not happen; never "it exists". */
        retry_or_give_up(request, TARN_E_UNAVAILABLE, problem);
    } else if (status == 412 && request->conditional) {
        refuse(request, request->is_update ? TARN_E_CONFLICT : TARN_E_EXISTS, TN_OUTCOME_CONFLICT,
               problem);
    } else if (status == 412) {
        refuse(request, TARN_E_CONFLICT, TN_OUTCOME_REFUSED, problem);
    } else if (status == 404 && request->is_update) {
        refuse(request, TARN_E_CONFLICT, TN_OUTCOME_CONFLICT, problem);
    } else if (status == 404) {
        refuse(request, TARN_E_NOT_FOUND, TN_OUTCOME_REFUSED, problem);
    } else if (is_refusal(status, problem->code)) {
        refuse(request, TARN_E_AUTH, TN_OUTCOME_REFUSED, problem);
    } else if (status == 501 || status == 405) {
        refuse(request, TARN_E_UNSUPPORTED, TN_OUTCOME_REFUSED, problem);
    } else {
        refuse(request, TARN_E_INVALID, TN_OUTCOME_REFUSED, problem);
    }
}

/* Status 2xx: is it what was asked for? */
static void accept(tn_s3_request *request)
{
    tn_s3_problem problem = {{0}, {0}, {0}, {0}};
    if (request->into != NULL) {
        if (request->size > request->done) { /* the body was empty, or shorter than its range */
            request->stopped = request->done == 0 ? check_range(request) : TARN_OK;
            (void)snprintf(request->http.problem, sizeof(request->http.problem),
                           "the answer ends early");
            request->http.result = TN_HTTP_LOST;
            if (request->size > request->done) {
                retry_or_give_up(request, TARN_E_UNAVAILABLE, &problem);
                return;
            }
        }
    } else if (request->explained &&
               request->http.head.status == 206) { /* it went well after all */
        request->http.head.has_length = request->http.head.range_total != UINT64_MAX;
        request->http.head.length = request->http.head.range_total;
    } else if (request->root != NULL) {
        const tarn_code code =
            tn_s3__problem(request->s3->pool, tn_text_str(&request->answer), &problem);
        if (code == TARN_E_NOMEM) {
            request->ambiguous = request->ambiguous || request->changes;
            refuse(request, code, TN_OUTCOME_REFUSED, &problem);
            return;
        }
        if (code == TARN_OK && strcmp(problem.root, "Error") == 0) {
            request->http.head.status = status_of_code(problem.code);
            judge(request, request->http.head.status, &problem);
            return;
        }
        if (code != TARN_OK ||
            strcmp(problem.root, request->root) != 0) { /* cut short, or not from S3 */
            (void)snprintf(request->http.problem, sizeof(request->http.problem),
                           "the answer has no <%s>", request->root);
            request->http.result = TN_HTTP_LOST;
            request->ambiguous = request->ambiguous || request->changes;
            retry_or_give_up(request, TARN_E_UNAVAILABLE, &problem);
            return;
        }
    }
    conclude(request, TARN_OK, TN_OUTCOME_DONE);
}

static void completed(tn_http_request *http)
{
    tn_s3_request *request = (tn_s3_request *)(void *)http;
    tn_s3_problem problem = {{0}, {0}, {0}, {0}};

    if (http->result == TN_HTTP_ANSWERED) {
        request->s3->answered = true;
        if (http->head.status >= 200 && http->head.status < 300) {
            accept(request);
            return;
        }
        /* Proxies answer in HTML, HEAD has no body: then the status is all there is. */
        (void)!tn_s3__problem(request->s3->pool, tn_text_str(&request->answer), &problem);
        judge(request, http->head.status, &problem);
        return;
    }
    if (http->result == TN_HTTP_STOPPED) {
        const tarn_code code = request->stopped != TARN_OK ? request->stopped : TARN_E_CORRUPT;
        char name[256];
        tn_store__name(&request->s3->base, request->key, name);
        tn_explain(&request->error, "'%s'", name);
        tn_subject(&request->error, name);
        const bool unknown = request->changes;
        conclude(request, unknown ? TARN_E_OUTCOME_UNKNOWN : code,
                 unknown ? TN_OUTCOME_UNKNOWN : TN_OUTCOME_REFUSED);
        return;
    }
    if (http->result == TN_HTTP_LOST || (http->result == TN_HTTP_CANCELLED && http->begun)) {
        request->ambiguous = request->ambiguous || request->changes;
    }
    if (http->result == TN_HTTP_CANCELLED) {
        refuse(request, TARN_E_CANCELLED, TN_OUTCOME_REFUSED, &problem);
    } else if (http->result == TN_HTTP_REFUSED) { /* as bad credentials: again helps nobody */
        refuse(request, TARN_E_AUTH, TN_OUTCOME_REFUSED, &problem);
    } else {
        retry_or_give_up(request, TARN_E_UNAVAILABLE, &problem);
    }
}

static void wake_runner(tn_s3_request *request)
{
    tn_wake(&request->latch.waker);
}

tarn_code tn_s3__run(tn_s3_request *request, tarn_error *err)
{
    tn_latch_init(&request->latch);
    request->complete = wake_runner;
    tn_s3__start(request);
    tn_latch_wait(&request->latch);
    if (request->code != TARN_OK) {
        tn_error_copy(err, &request->error);
    }
    return request->code;
}
