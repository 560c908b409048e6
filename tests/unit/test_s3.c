/* What the S3 store makes of answers, by script: the fault model, without a network. */
#include "store/s3_internal.h"
#include "support/check.h"
#include "support/fake_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ERROR_XML(code) \
    "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>so</Message></Error>"

typedef struct bench {
    fake_http fake;
    tn_stores *stores;
    tn_store *store;
} bench;

static const char *option(void *context, const char *name)
{
    static const char *const settings[][2] = {
        {"s3.access_key_id", "AKIDEXAMPLE"},
        {"s3.secret_access_key", "verysecret"},
        {"s3.region", "us-east-1"},
        {"s3.retries", "4"},
    };
    (void)context;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (strcmp(name, settings[i][0]) == 0) {
            return settings[i][1];
        }
    }
    return NULL;
}

static bool bench_open(bench *at, const fake_answer *answers, size_t count, tn_pool *pool)
{
    static const tn_store_options options = {.get = option};
    fake_http_init(&at->fake, answers, count);
    if (tn_stores_create(pool, &options, &at->stores, NULL) != TARN_OK) {
        return false;
    }
    at->stores->http = &at->fake.http;
    tn_arena arena;
    tn_str key;
    tn_arena_init(&arena, pool);
    const tarn_code code =
        tn_stores_resolve(at->stores, TN_STR("s3://lake/"), &arena, &at->store, &key, NULL);
    tn_arena_deinit(&arena);
    return code == TARN_OK;
}

static void bench_close(bench *at)
{
    tn_stores_destroy(at->stores);
}

/* Open uploads are remembered in a folder of the test's own, not among the user's. */
static void state_make(char state[32])
{
    (void)snprintf(state, 32, "/tmp/tarn-state-XXXXXX");
    if (mkdtemp(state) != NULL) {
        (void)setenv("XDG_STATE_HOME", state, 1);
    }
}

static void state_remove(const char *state)
{
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", state);
    (void)!system(command);
    (void)unsetenv("XDG_STATE_HOME");
}

#define OPEN(at, answers) bench_open((at), (answers), sizeof(answers) / sizeof((answers)[0]), pool)

static const tn_put_options create = {.mode = TN_PUT_CREATE, .durable = true};

/* ---- the commit rule --------------------------------------------------------------------------
 */

TEST(each_way_a_commit_can_end_is_told_apart)
{
    static const struct {
        fake_answer answers[5];
        size_t asked;
        tarn_code code;
        tn_outcome outcome;
    } cases[] = {
        {{{200, 0, NULL, NULL, 0}}, 1, TARN_OK, TN_OUTCOME_DONE},
        {{{412, 0, NULL, ERROR_XML("PreconditionFailed"), 0}},
         1,
         TARN_E_EXISTS,
         TN_OUTCOME_CONFLICT},
        /* 409 is never "it exists". */
        {{{409, 0, NULL, ERROR_XML("ConditionalRequestConflict"), 0}, {200, 0, NULL, NULL, 0}},
         2,
         TARN_OK,
         TN_OUTCOME_DONE},
        {{{409, 0, NULL, NULL, 0}, {412, 0, NULL, NULL, 0}}, 2, TARN_E_EXISTS, TN_OUTCOME_CONFLICT},
        {{{409, 0, NULL, NULL, 0},
          {409, 0, NULL, NULL, 0},
          {409, 0, NULL, NULL, 0},
          {409, 0, NULL, NULL, 0}},
         4,
         TARN_E_UNAVAILABLE,
         TN_OUTCOME_UNAVAILABLE},
        /* Lost, then taken: perhaps by us. */
        {{{0, TN_HTTP_LOST, NULL, NULL, 0}, {412, 0, NULL, NULL, 0}},
         2,
         TARN_E_OUTCOME_UNKNOWN,
         TN_OUTCOME_UNKNOWN},
        {{{500, 0, NULL, ERROR_XML("InternalError"), 0}, {412, 0, NULL, NULL, 0}},
         2,
         TARN_E_OUTCOME_UNKNOWN,
         TN_OUTCOME_UNKNOWN},
        {{{0, TN_HTTP_LOST, NULL, NULL, 0}, {200, 0, NULL, NULL, 0}}, 2, TARN_OK, TN_OUTCOME_DONE},
        {{{0, TN_HTTP_LOST, NULL, NULL, 0}, {403, 0, NULL, ERROR_XML("AccessDenied"), 0}},
         2,
         TARN_E_OUTCOME_UNKNOWN,
         TN_OUTCOME_UNKNOWN},
        {{{0, TN_HTTP_LOST, NULL, NULL, 0},
          {0, TN_HTTP_LOST, NULL, NULL, 0},
          {0, TN_HTTP_LOST, NULL, NULL, 0},
          {0, TN_HTTP_LOST, NULL, NULL, 0}},
         4,
         TARN_E_OUTCOME_UNKNOWN,
         TN_OUTCOME_UNKNOWN},
        /* Never sent, or turned away at the door: it did not happen. */
        {{{503, 0, "Retry-After: 0\n", ERROR_XML("SlowDown"), 0}, {412, 0, NULL, NULL, 0}},
         2,
         TARN_E_EXISTS,
         TN_OUTCOME_CONFLICT},
        {{{0, TN_HTTP_NOT_SENT, NULL, NULL, 0}, {412, 0, NULL, NULL, 0}},
         2,
         TARN_E_EXISTS,
         TN_OUTCOME_CONFLICT},
        {{{0, TN_HTTP_NOT_SENT, NULL, NULL, 0},
          {0, TN_HTTP_NOT_SENT, NULL, NULL, 0},
          {0, TN_HTTP_NOT_SENT, NULL, NULL, 0}},
         3,
         TARN_E_UNAVAILABLE,
         TN_OUTCOME_UNAVAILABLE},
        {{{403, 0, NULL, ERROR_XML("AccessDenied"), 0}}, 1, TARN_E_AUTH, TN_OUTCOME_REFUSED},
        {{{501, 0, NULL, ERROR_XML("NotImplemented"), 0}},
         1,
         TARN_E_UNSUPPORTED,
         TN_OUTCOME_REFUSED},
        {{{400, 0, NULL, ERROR_XML("RequestTimeout"), 0}, {200, 0, NULL, NULL, 0}},
         2,
         TARN_OK,
         TN_OUTCOME_DONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench at;
        tn_outcome outcome;
        tarn_error err = TARN_ERROR_INIT;
        CHECK(bench_open(&at, cases[i].answers, 5, pool));
        const tarn_code code = tn_store_put(at.store, TN_STR("_delta_log/1.json"), TN_STR("{}"),
                                            &create, &outcome, &err);
        if (code != cases[i].code || outcome != cases[i].outcome ||
            at.fake.next != cases[i].asked) {
            printf("case %zu: %s\n", i, err.message);
        }
        CHECK_EQ(code, cases[i].code);
        CHECK_EQ(outcome, cases[i].outcome);
        CHECK_U64(at.fake.next, cases[i].asked);
        CHECK(at.fake.fresh[0]); /* or libcurl would repeat it in silence */
        CHECK(strstr(at.fake.headers[0], "if-none-match: *") != NULL);
        CHECK(strstr(err.message, "verysecret") == NULL);
        bench_close(&at);
    }
}

TEST(asking_a_store_survives_the_loss_of_any_allocation)
{
    static const fake_answer answers[] = {{200, 0, NULL, NULL, 0},
                                          {412, 0, NULL, ERROR_XML("PreconditionFailed"), 0},
                                          {204, 0, NULL, NULL, 0},
                                          {200, 0, NULL, NULL, 0}};
    (void)setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9", 1);
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        bench at = {.stores = NULL};
        tarn_code code = OPEN(&at, answers) ? TARN_OK : TARN_E_NOMEM;
        if (code == TARN_OK) {
            code = tn_store_put(at.store, TN_STR("t/1.json"), TN_STR("v"), &create, NULL, NULL);
        }
        bench_close(&at);
        CHECK(code == TARN_OK || oom.refused);
        CHECK_U64(pool->used, 0);
    }
    (void)unsetenv("AWS_ENDPOINT_URL_S3");
}

/* Behind an endpoint of its own a store is asked once whether it protects what is there. */
TEST(a_store_that_replaces_what_is_protected_gets_no_commit)
{
    static const struct {
        fake_answer answers[6];
        size_t asked;
        tarn_code code;
        tn_outcome outcome;
    } cases[] = {
        {{{200, 0, NULL, NULL, 0}, {200, 0, NULL, NULL, 0}, {204, 0, NULL, NULL, 0}},
         3,
         TARN_E_UNSUPPORTED,
         TN_OUTCOME_REFUSED},
        {{{200, 0, NULL, NULL, 0},
          {412, 0, NULL, ERROR_XML("PreconditionFailed"), 0},
          {204, 0, NULL, NULL, 0},
          {200, 0, NULL, NULL, 0},
          {412, 0, NULL, ERROR_XML("PreconditionFailed"), 0}},
         4,
         TARN_OK,
         TN_OUTCOME_DONE},
        /* an answer was lost, and the key was there then: kept */
        {{{0, TN_HTTP_LOST, NULL, NULL, 0},
          {412, 0, NULL, ERROR_XML("PreconditionFailed"), 0},
          {403, 0, NULL, ERROR_XML("AccessDenied"), 0}, /* to delete */
          {412, 0, NULL, ERROR_XML("PreconditionFailed"), 0}},
         4,
         TARN_E_EXISTS,
         TN_OUTCOME_CONFLICT},
        {{{403, 0, NULL, ERROR_XML("AccessDenied"), 0}}, 1, TARN_E_AUTH, TN_OUTCOME_REFUSED},
        {{{0, TN_HTTP_LOST, NULL, NULL, 0},
          {0, TN_HTTP_LOST, NULL, NULL, 0},
          {0, TN_HTTP_LOST, NULL, NULL, 0},
          {0, TN_HTTP_LOST, NULL, NULL, 0}},
         4,
         TARN_E_OUTCOME_UNKNOWN,
         TN_OUTCOME_UNAVAILABLE}, /* of the probe nobody knows; the commit was not sent */
    };
    (void)setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9", 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench at;
        tn_outcome outcome;
        tarn_error err = TARN_ERROR_INIT;
        CHECK(bench_open(&at, cases[i].answers, 6, pool));
        const tarn_code code = tn_store_put(at.store, TN_STR("t/_delta_log/1.json"), TN_STR("{}"),
                                            &create, &outcome, &err);
        CHECK_EQ(code, cases[i].code);
        CHECK_EQ(outcome, cases[i].outcome);
        CHECK_U64(at.fake.next, cases[i].asked);
        CHECK(strstr(at.fake.urls[0], "/lake/t/_delta_log/.tarn-probe-") != NULL);
        for (size_t k = 0; k < at.fake.next && code != TARN_OK && i != 2; k++) {
            CHECK(strstr(at.fake.urls[k], "1.json") == NULL);
        }
        if (code == TARN_OK) { /* asked once */
            CHECK_EQ(tn_store_put(at.store, TN_STR("t/_delta_log/1.json"), TN_STR("{}"), &create,
                                  &outcome, NULL),
                     TARN_E_EXISTS);
            CHECK_U64(at.fake.next, 5);
        }
        bench_close(&at);
    }
    (void)unsetenv("AWS_ENDPOINT_URL_S3");
}

TEST(a_bucket_is_never_taken_for_an_object)
{
    static const fake_answer answers[] = {{200, 0, "Content-Length: 1\n", NULL, 0}};
    bench at;
    tn_outcome outcome;
    tn_object_info info;
    tn_upload *upload;
    CHECK(OPEN(&at, answers));
    CHECK_EQ(tn_store_put(at.store, TN_STR_NONE, TN_STR("v"), NULL, &outcome, NULL),
             TARN_E_INVALID);
    CHECK_EQ(outcome, TN_OUTCOME_REFUSED);
    CHECK_EQ(tn_store_delete(at.store, TN_STR_NONE, NULL), TARN_E_INVALID);
    CHECK_EQ(tn_store_head(at.store, TN_STR_NONE, &info, NULL), TARN_E_INVALID);
    CHECK_EQ(tn_upload_create(at.store, TN_STR_NONE, pool, NULL, &upload, NULL), TARN_OK);
    CHECK_EQ(tn_upload_finish(upload, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_U64(at.fake.next, 0);
    bench_close(&at);
}

TEST(nothing_begins_once_all_is_to_stop_but_cleaning_up)
{
    static const fake_answer answers[] = {{204, 0, NULL, NULL, 0}};
    static _Atomic bool stop;
    bench at;
    tn_outcome outcome;
    tn_object_info info;
    tn_listing *listing;
    bool more;
    CHECK(OPEN(&at, answers));
    at.stores->options.stop = &stop;
    stop = true;
    CHECK_EQ(tn_store_put(at.store, TN_STR("k"), TN_STR("v"), &create, &outcome, NULL),
             TARN_E_CANCELLED);
    CHECK_EQ(outcome, TN_OUTCOME_REFUSED);
    CHECK_EQ(tn_store_head(at.store, TN_STR("k"), &info, NULL), TARN_E_CANCELLED);
    CHECK_EQ(tn_listing_open(at.store, TN_STR("k"), TN_STR_NONE, false, pool, &listing, NULL),
             TARN_OK);
    CHECK_EQ(tn_listing_next(listing, &info, &more, NULL), TARN_E_CANCELLED);
    tn_listing_close(listing);
    CHECK_U64(at.fake.next, 0);
    CHECK_EQ(tn_store_delete(at.store, TN_STR("k"), NULL), TARN_OK);
    CHECK_STR(at.fake.methods[0], "DELETE");
    at.stores->stop_seen_ns = 1; /* long ago */
    CHECK_EQ(tn_store_delete(at.store, TN_STR("k"), NULL), TARN_E_CANCELLED);
    CHECK_U64(at.fake.next, 1);
    stop = false;                                                        /* and on it goes */
    CHECK_EQ(tn_store_delete(at.store, TN_STR("k"), NULL), TARN_E_AUTH); /* the double refuses */
    CHECK_U64(at.fake.next, 2);
    bench_close(&at);
}

/* ---- what is learnt ---------------------------------------------------------------------------
 */

TEST(learns_the_region_and_signs_for_it)
{
    static const fake_answer answers[] = {
        {301, 0, "x-amz-bucket-region: eu-west-3\n", ERROR_XML("PermanentRedirect"), 0},
        {200, 0, "Content-Length: 3\nETag: \"a\"\n", NULL, 0},
        {200, 0, "Content-Length: 3\nETag: \"a\"\n", NULL, 0},
    };
    bench at;
    tn_object_info info;
    CHECK(OPEN(&at, answers));
    CHECK_EQ(tn_store_head(at.store, TN_STR("k"), &info, NULL), TARN_OK);
    CHECK_EQ(tn_store_head(at.store, TN_STR("k"), &info, NULL), TARN_OK);
    CHECK_U64(at.fake.next, 3);
    CHECK_STR(at.fake.urls[0], "https://lake.s3.us-east-1.amazonaws.com/k");
    CHECK_STR(at.fake.urls[1], "https://lake.s3.eu-west-3.amazonaws.com/k");
    CHECK(strstr(at.fake.headers[1], "/eu-west-3/s3/aws4_request") != NULL);
    CHECK_STR(at.fake.urls[2], at.fake.urls[1]);
    bench_close(&at);
}

TEST(a_server_that_points_in_circles_is_left)
{
    static const fake_answer answers[] = {
        {301, 0, "x-amz-bucket-region: a\n", NULL, 0},
        {301, 0, "x-amz-bucket-region: b\n", NULL, 0},
        {301, 0, "x-amz-bucket-region: a\n", NULL, 0},
        {301, 0, "x-amz-bucket-region: b\n", NULL, 0},
    };
    bench at;
    tn_object_info info;
    CHECK(OPEN(&at, answers));
    CHECK_EQ(tn_store_head(at.store, TN_STR("k"), &info, NULL), TARN_E_INVALID);
    CHECK_U64(at.fake.next, 4); /* one of them to learn why */
    bench_close(&at);
}

TEST(learns_the_servers_clock)
{
    static const fake_answer answers[] = {
        {403, 0, "Date: Sun, 06 Nov 1994 08:49:37 GMT\n", ERROR_XML("RequestTimeTooSkewed"), 0},
        {200, 0, NULL, NULL, 0},
    };
    bench at;
    CHECK(OPEN(&at, answers));
    CHECK_EQ(tn_store_put(at.store, TN_STR("k"), TN_STR("v"), NULL, NULL, NULL), TARN_OK);
    CHECK(strstr(at.fake.headers[1], "x-amz-date: 19941106T0849") != NULL);
    bench_close(&at);
}

/* ---- ranges -----------------------------------------------------------------------------------
 */

static tarn_code read_ten(bench *at, const char *tag, uint8_t out[10], tarn_error *err)
{
    const tn_object_open_options known = {tag, 100};
    tn_object *object;
    tarn_code code = tn_object_open(at->store, TN_STR("k"), at->stores->pool, &known, &object, err);
    if (code == TARN_OK) {
        code = tn_object_read(object, 5, out, 10, err);
        tn_object_close(object);
    }
    return code;
}

TEST(a_broken_body_resumes_where_it_broke)
{
    static const fake_answer answers[] = {
        {206, TN_HTTP_LOST, "Content-Range: bytes 5-14/100\nETag: \"t\"\n", "0123", 0},
        {500, 0, NULL, ERROR_XML("InternalError"), 0},
        {206, TN_HTTP_LOST, "Content-Range: bytes 9-14/100\nETag: \"t\"\n", "45", 0},
        {206, 0, "Content-Range: bytes 11-14/100\nETag: \"t\"\n", "6789", 0},
    };
    bench at;
    uint8_t got[10];
    CHECK(OPEN(&at, answers));
    CHECK_EQ(read_ten(&at, "\"t\"", got, NULL), TARN_OK);
    CHECK(memcmp(got, "0123456789", 10) == 0);
    CHECK(strstr(at.fake.headers[0], "range: bytes=5-14") != NULL);
    CHECK(strstr(at.fake.headers[3], "range: bytes=11-14") != NULL);
    CHECK(strstr(at.fake.headers[3], "if-match: \"t\"") != NULL);
    bench_close(&at);
}

TEST(an_answer_that_is_not_the_range_is_no_answer)
{
    static const struct {
        fake_answer answer;
        tarn_code code;
    } cases[] = {
        {{206, 0, "Content-Range: bytes 0-9/100\n", "0123456789", 0}, TARN_E_CORRUPT},
        {{206, 0, "Content-Range: bytes 5-13/100\n", "012345678", 0}, TARN_E_CORRUPT},
        {{206, 0, NULL, "0123456789", 0}, TARN_E_CORRUPT},
        {{206, 0, "Content-Range: bytes 5-14/100\n", "0123456789x", 0}, TARN_E_CORRUPT},
        {{200, 0, "Content-Length: 100\n", "0123456789", 0}, TARN_E_UNSUPPORTED},
        {{206, 0, "Content-Range: bytes 5-14/100\nETag: \"u\"\n", "0123456789", 0},
         TARN_E_CONFLICT},
        {{412, 0, NULL, ERROR_XML("PreconditionFailed"), 0}, TARN_E_CONFLICT},
        {{404, 0, NULL, ERROR_XML("NoSuchKey"), 0}, TARN_E_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench at;
        uint8_t got[10];
        tarn_error err = TARN_ERROR_INIT;
        CHECK(bench_open(&at, &cases[i].answer, 1, pool));
        CHECK_EQ(read_ten(&at, "\"t\"", got, &err), cases[i].code);
        CHECK(strstr(err.message, "s3://lake/k") != NULL);
        bench_close(&at);
    }
}

TEST(a_short_clean_body_is_asked_for_again)
{
    static const fake_answer answers[] = {
        {206, 0, "Content-Range: bytes 5-14/100\nETag: \"t\"\n", "01234", 0},
        {206, 0, "Content-Range: bytes 10-14/100\nETag: \"t\"\n", "56789", 0},
    };
    bench at;
    uint8_t got[10];
    CHECK(OPEN(&at, answers));
    CHECK_EQ(read_ten(&at, "\"t\"", got, NULL), TARN_OK);
    CHECK(memcmp(got, "0123456789", 10) == 0);
    bench_close(&at);
}

/* ---- small objects, listings, bodies with errors ----------------------------------------------
 */

TEST(gets_a_small_object_in_one_request)
{
    static const fake_answer answers[] = {
        {206, 0, "Content-Range: bytes 0-4/5\nETag: \"t\"\n", "hello", 0},
        {416, 0, "Content-Range: bytes */0\n", ERROR_XML("InvalidRange"), 0},
        {200, 0, "Content-Length: 0\nETag: \"e\"\n", NULL, 0},
        {200, 0, "Content-Length: 5\nETag: \"t\"\n", "hello", 0},
    };
    bench at;
    tn_buffer *got;
    tn_object_info info;
    CHECK(OPEN(&at, answers));
    CHECK_EQ(tn_store_get(at.store, TN_STR("k"), 100, pool, &got, &info, NULL), TARN_OK);
    CHECK(got->size == 5 && memcmp(got->data, "hello", 5) == 0);
    CHECK_STR(info.tag, "\"t\"");
    CHECK_U64(at.fake.next, 1);
    tn_buffer_release(got);
    CHECK_EQ(tn_store_get(at.store, TN_STR("k"), 100, pool, &got, &info, NULL), TARN_OK);
    CHECK_U64(got->size, 0);
    CHECK_STR(info.tag, "\"e\"");
    tn_buffer_release(got);
    CHECK_EQ(tn_store_get(at.store, TN_STR("k"), 100, pool, &got, NULL, NULL), TARN_OK);
    CHECK_U64(got->size, 5);
    tn_buffer_release(got);
    bench_close(&at);
}

#define LIST(inside) \
    "<ListBucketResult><EncodingType>url</EncodingType>" inside "</ListBucketResult>"
#define FILE_XML(key) \
    "<Contents><Key>" key "</Key><Size>1</Size><ETag>&quot;t&quot;</ETag></Contents>"
#define MORE(token) \
    "<IsTruncated>true</IsTruncated><NextContinuationToken>" token "</NextContinuationToken>"

static tarn_code list_all(bench *at, size_t *count, tarn_error *err)
{
    tn_listing *list;
    tn_object_info entry;
    bool more = true;
    *count = 0;
    tarn_code code =
        tn_listing_open(at->store, TN_STR_NONE, TN_STR_NONE, false, at->stores->pool, &list, err);
    while (code == TARN_OK && more) {
        code = tn_listing_next(list, &entry, &more, err);
        *count += more;
    }
    if (list != NULL) {
        tn_listing_close(list);
    }
    return code;
}

TEST(listings_end_or_fail_but_never_go_round)
{
    static const struct {
        fake_answer answers[3];
        tarn_code code;
        size_t count;
    } cases[] = {
        {{{200, 0, NULL, LIST(FILE_XML("a%2Fb+c") MORE("x")), 0},
          {200, 0, NULL, LIST(FILE_XML("b")), 0}},
         TARN_OK,
         2},
        {{{200, 0, NULL, LIST(FILE_XML("a") MORE("x")), 0},
          {200, 0, NULL, LIST(FILE_XML("b") MORE("x")), 0}},
         TARN_E_CORRUPT,
         1},
        {{{200, 0, NULL, LIST(FILE_XML("b") MORE("x")), 0},
          {200, 0, NULL, LIST(FILE_XML("a") MORE("y")), 0}},
         TARN_E_CORRUPT,
         1},
        {{{200, 0, NULL, LIST("<IsTruncated>true</IsTruncated>"), 0}}, TARN_E_CORRUPT, 0},
        {{{200, 0, NULL, "<ListBucketResult><Contents></ListBucketResult>", 0}},
         TARN_E_UNAVAILABLE,
         0},
        {{{200, 0, NULL, "<html><body>Welcome to our hotel</body></html>", 0}},
         TARN_E_UNAVAILABLE,
         0},
        {{{200, 0, NULL, "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult/>", 0}},
         TARN_E_UNAVAILABLE,
         0},
        {{{200, 0, NULL, LIST("<Contents><Size>-1</Size></Contents>"), 0}}, TARN_E_CORRUPT, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench at;
        size_t count;
        fake_answer answers[6];
        tarn_error err = TARN_ERROR_INIT;
        for (size_t a = 0; a < 6; a++) { /* a bad answer comes again and again */
            const fake_answer *from = cases[i].answers;
            answers[a] = from[a == 0 ? 0 : from[1].status != 0 ? 1 : 0];
        }
        CHECK(bench_open(&at, answers, 6, pool));
        ((tn_s3 *)at.store)->retry.base_ns = 0;
        CHECK_EQ(list_all(&at, &count, &err), cases[i].code);
        CHECK_U64(count, cases[i].count);
        bench_close(&at);
    }
}

TEST(success_with_an_error_inside_is_an_error)
{
    static const fake_answer copy[] = {
        {200, 0, "Content-Length: 4\nETag: \"s\"\n", NULL, 0},
        {200, 0, NULL, ERROR_XML("InternalError"), 0},
        {200, 0, NULL, "  \n", 0},
        {200, 0, NULL, "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>", 0},
    };
    static const fake_answer deletes[] = {
        {200, 0, NULL,
         "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
         "<Error><Key>b</Key><Code>NoSuchKey</Code><Message>no</Message></Error></DeleteResult>",
         0},
    };
    bench at;
    tarn_error err = TARN_ERROR_INIT;
    const tn_str keys[] = {{"a", 1}, {"b", 1}};
    CHECK(OPEN(&at, copy));
    CHECK_EQ(tn_store_copy(at.store, TN_STR("k"), TN_STR("l"), NULL, NULL), TARN_OK);
    CHECK_U64(at.fake.next, 4);
    bench_close(&at);
    CHECK(OPEN(&at, deletes));
    CHECK_EQ(tn_store_delete_many(at.store, keys, 2, &err), TARN_E_AUTH);
    CHECK(strstr(err.message, "1 keys of s3://lake were not deleted, 'a' first") != NULL);
    CHECK(strstr(at.fake.headers[0], "content-md5: ") != NULL);
    bench_close(&at);
}

/* ---- uploads ----------------------------------------------------------------------------------
 */

#define CREATED                                                          \
    {                                                                    \
        200, 0, NULL,                                                    \
            "<InitiateMultipartUploadResult><UploadId>id/1</UploadId></" \
            "InitiateMultipartUploadResult>",                            \
            0                                                            \
    }
#define PART(etag)                              \
    {                                           \
        200, 0, "ETag: \"" etag "\"\n", NULL, 0 \
    }
#define MD5_A "0cc175b9c0f1b6a831c399e269772661"
#define MD5_B "92eb5ffee6ae2fec3ad71c777531578f"

static tarn_code upload_two_parts(bench *at, tn_pool *pool, tn_outcome *outcome, tarn_error *err)
{
    tn_upload *upload;
    ((tn_s3 *)at->store)->part_size = 6;
    tarn_code code = tn_upload_create(at->store, TN_STR("k"), pool, &create, &upload, err);
    if (code != TARN_OK) {
        *outcome = TN_OUTCOME_REFUSED;
        return code;
    }
    code = tn_upload_append(upload, "0123", 4, NULL, err);
    if (code == TARN_OK) {
        code = tn_upload_append(upload, "456789ab", 8, NULL, err);
    }
    if (code != TARN_OK) {
        tn_upload_abort(upload);
        *outcome = TN_OUTCOME_REFUSED;
        return code;
    }
    return tn_upload_finish(upload, NULL, outcome, err);
}

/* Parts start on their own threads' time; the script is the same in any order. */
TEST(an_upload_ends_as_the_answers_say)
{
    static const fake_answer done = {
        200, 0, NULL,
        "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>", 0};
    static const fake_answer lost = {0, TN_HTTP_LOST, NULL, NULL, 0};
    static const fake_answer gone = {404, 0, NULL, ERROR_XML("NoSuchUpload"), 0};
    static const fake_answer taken = {412, 0, NULL, ERROR_XML("PreconditionFailed"), 0};
    static const fake_answer slow = {200, 0, NULL, ERROR_XML("SlowDown"), 0};
    static const fake_answer same = {
        200, 0, "Content-Length: 12\nETag: \"c5fa7b3fce5bdb4ddd98b5e9b0a1bd03-2\"\n", NULL, 0};
    static const fake_answer aborted = {204, 0, NULL, NULL, 0};
    const struct {
        fake_answer tail[4];
        tarn_code code;
        tn_outcome outcome;
    } cases[] = {
        {{done}, TARN_OK, TN_OUTCOME_DONE},
        {{slow, done}, TARN_OK, TN_OUTCOME_DONE},
        {{taken, aborted}, TARN_E_EXISTS, TN_OUTCOME_CONFLICT},
        {{lost, done}, TARN_OK, TN_OUTCOME_DONE},
        {{lost, taken}, TARN_E_OUTCOME_UNKNOWN, TN_OUTCOME_UNKNOWN},
        {{lost, gone, {404, 0, NULL, NULL, 0}}, TARN_E_OUTCOME_UNKNOWN, TN_OUTCOME_UNKNOWN},
        {{lost, gone, same}, TARN_E_OUTCOME_UNKNOWN, TN_OUTCOME_UNKNOWN}, /* other parts' MD5s */
        {{gone, aborted}, TARN_E_NOT_FOUND, TN_OUTCOME_REFUSED},
    };
    char state[32];
    state_make(state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench at;
        tn_outcome outcome;
        tarn_error err = TARN_ERROR_INIT;
        fake_answer answers[7] = {CREATED, PART(MD5_A), PART(MD5_B)};
        memcpy(answers + 3, cases[i].tail, sizeof(cases[i].tail));
        CHECK(bench_open(&at, answers, 7, pool));
        ((tn_s3 *)at.store)->retry.base_ns = 0;
        const tarn_code code = upload_two_parts(&at, pool, &outcome, &err);
        CHECK_EQ(code, cases[i].code);
        CHECK_EQ(outcome, cases[i].outcome);
        CHECK(strstr(at.fake.urls[3], "uploadId=id%2F1") != NULL);
        CHECK(strstr(at.fake.headers[3], "if-none-match: *") != NULL);
        bench_close(&at);
    }
    state_remove(state);
}

/* An upload of a process that lives: the first, which no test may kill. */
static void journal_of_another(const char *state, const char *id)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/tarn", state);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/tarn/uploads", state);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/tarn/uploads/%s", state, id);
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        (void)fprintf(file, "s3://lake/k\n%s\n1\n1\n", id);
        (void)fclose(file);
    }
}

#define UPLOADS(truncated, rest)                                   \
    "<ListMultipartUploadsResult><EncodingType>url</EncodingType>" \
    "<IsTruncated>" truncated "</IsTruncated>" rest "</ListMultipartUploadsResult>"
#define UPLOAD(key, id) "<Upload><Key>" key "</Key><UploadId>" id "</UploadId></Upload>"
#define NEXT(key, id)                        \
    "<NextKeyMarker>" key "</NextKeyMarker>" \
    "<NextUploadIdMarker>" id "</NextUploadIdMarker>"

TEST(a_page_of_uploads_that_are_all_under_way_does_not_end_the_sweep)
{
    static const fake_answer answers[] = {
        {200, 0, NULL,
         UPLOADS("true", UPLOAD("d/a%20b", "one") UPLOAD("d/c", "two") NEXT("d/c%2Bc", "two")), 0},
        {200, 0, NULL, UPLOADS("true", UPLOAD("d/e", "three") UPLOAD("d/f", "one")), 0},
        {204, 0, NULL, NULL, 0},
        {200, 0, NULL, UPLOADS("true", UPLOAD("d/f", "one")), 0}, /* stands still */
    };
    char state[32];
    state_make(state);
    journal_of_another(state, "one");
    journal_of_another(state, "two");
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        bench at = {.stores = NULL};
        size_t count = 9;
        tarn_code code = OPEN(&at, answers) ? TARN_OK : TARN_E_NOMEM;
        if (code == TARN_OK) {
            code = tn_stores_abort_uploads(at.stores, TN_STR("s3://lake/d/"), true, &count, NULL);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        if (code == TARN_OK) {
            CHECK_U64(count, 1);
            CHECK_U64(at.fake.next, 4);
            CHECK(strstr(at.fake.urls[0], "key-marker") == NULL);
            CHECK(strstr(at.fake.urls[1], "key-marker=d%2Fc%2Bc&upload-id-marker=two") != NULL);
            CHECK_STR(at.fake.methods[2], "DELETE");
            CHECK(strstr(at.fake.urls[2], "/d/e?uploadId=three") != NULL);
            CHECK(strstr(at.fake.urls[3], "key-marker=d%2Ff&upload-id-marker=one") != NULL);
        }
        bench_close(&at);
        CHECK_U64(pool->used, 0);
    }
    state_remove(state);
}

TEST(s3_survives_the_loss_of_any_allocation)
{
    static const fake_answer reading[] = {
        {206, 0, "Content-Range: bytes 0-4/5\nETag: \"t\"\n", "hello", 0},
        {200, 0, NULL, LIST(FILE_XML("a") FILE_XML("b")), 0},
        {200, 0, NULL, NULL, 0},
    };
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        bench at = {.stores = NULL};
        tn_buffer *got = NULL;
        size_t count;
        tarn_code code = OPEN(&at, reading) ? TARN_OK : TARN_E_NOMEM;
        if (code == TARN_OK) {
            code = tn_store_get(at.store, TN_STR("k"), 100, pool, &got, NULL, NULL);
            tn_buffer_release(got);
        }
        if (code == TARN_OK) {
            code = list_all(&at, &count, NULL);
        }
        if (code == TARN_OK) {
            code = tn_store_put(at.store, TN_STR("k"), TN_STR("v"), &create, NULL, NULL);
        }
        bench_close(&at);
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        CHECK_U64(pool->used, 0);
    }
}

/* ---- credentials ------------------------------------------------------------------------------
 */

TEST(reads_profiles_as_the_aws_tools_write_them)
{
    static const char file[] = "# mine\n[default]\naws_access_key_id = AKIA1\n"
                               "s3 =\n  aws_access_key_id = nested\n"
                               "[profile work]\r\nAWS_ACCESS_KEY_ID=AKIA2\r\nregion = eu-west-1\r\n"
                               "[ other ]\nregion=x\nregion=y";
    tn_str value;
    const tn_str text = tn_str_of(file);
    CHECK(tn_s3__ini_value(text, TN_STR("default"), TN_STR("aws_access_key_id"), &value));
    CHECK(tn_str_equal(value, TN_STR("AKIA1")));
    CHECK(tn_s3__ini_value(text, TN_STR("work"), TN_STR("aws_access_key_id"), &value));
    CHECK(tn_str_equal(value, TN_STR("AKIA2")));
    CHECK(tn_s3__ini_value(text, TN_STR("other"), TN_STR("region"), &value));
    CHECK(tn_str_equal(value, TN_STR("y")));
    CHECK(!tn_s3__ini_value(text, TN_STR("default"), TN_STR("region"), &value));
    CHECK(!tn_s3__ini_value(text, TN_STR("none"), TN_STR("region"), &value));
}

TEST(xml_text_survives_escaping)
{
    tn_text text;
    char back[64];
    tn_text_init(&text, pool, 1000);
    tn_text_puts(&text, "<a><k>");
    CHECK(tn_s3__escape(&text, TN_STR("<&>\"'\t\r\n]]>")));
    tn_text_puts(&text, "</k></a>");
    CHECK_EQ(tn_s3__element(pool, tn_text_str(&text), "k", back, sizeof(back), NULL), TARN_OK);
    CHECK_STR(back, "<&>\"'   ]]>"); /* line ends are kept off messages */
    CHECK(!tn_s3__escape(&text, TN_STR("\x01")));
    tn_text_deinit(&text);
}
