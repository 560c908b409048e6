/*
 * The S3 store against a real server, which scripts/with-s3 starts and names in the environment
 * (AWS_ENDPOINT_URL and credentials).  Where a server is known to lack something, TARN_S3_SERVER
 * says which it is and the check is left out.
 */
#include "store/s3_internal.h"
#include "support/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct bucket {
    tn_stores *stores;
    tn_store *store;
    char name[64];
    char part_size[32];
} bucket;

static const char *option(void *context, const char *name)
{
    const bucket *at = context;
    return strcmp(name, "s3.part_size") == 0 && at->part_size[0] != '\0' ? at->part_size : NULL;
}

static bool is_server(const char *name)
{
    const char *server = getenv("TARN_S3_SERVER");
    return server != NULL && strcmp(server, name) == 0;
}

static tarn_code show(tarn_code code, const tarn_error *err)
{
    if (code != TARN_OK) {
        printf("    %s: %s (%s)\n", tarn_code_name(code), err->message, err->hint);
    }
    return code;
}

static bool open_bucket(bucket *at, const char *name, tn_pool *pool)
{
    tn_arena arena;
    tn_str key;
    char uri[96];
    tarn_error err = TARN_ERROR_INIT;
    const tn_store_options options = {.get = option, .context = at};
    tn_s3_request request;

    at->part_size[0] = '\0';
    (void)snprintf(at->name, sizeof(at->name), "tarn-%s", name);
    (void)snprintf(uri, sizeof(uri), "s3://%s", at->name);
    tn_arena_init(&arena, pool);
    tarn_code code = tn_stores_create(pool, &options, &at->stores, &err);
    if (code == TARN_OK) {
        code = tn_stores_resolve(at->stores, tn_str_of(uri), &arena, &at->store, &key, &err);
    }
    if (show(code, &err) == TARN_OK) {
        tn_s3__init(&request, (tn_s3 *)at->store, "PUT", TN_STR_NONE);
        request.of_bucket = true;
        code = tn_s3__run(&request, &err);
        if (strncmp(request.s3_code, "BucketAlready", 13) == 0) {
            code = TARN_OK;
        }
        (void)show(code, &err);
        tn_s3__deinit(&request);
    }
    tn_arena_deinit(&arena);
    return code == TARN_OK;
}

static void close_bucket(bucket *at, tn_pool *pool)
{
    enum { MOST = 2000 };
    static tn_str keys[MOST];
    tn_listing *list;
    tn_object_info entry;
    tn_arena arena;
    bool more = true;
    size_t count = 0;
    tn_arena_init(&arena, pool);
    if (tn_listing_open(at->store, TN_STR_NONE, TN_STR_NONE, false, pool, &list, NULL) == TARN_OK) {
        while (count < MOST && tn_listing_next(list, &entry, &more, NULL) == TARN_OK && more) {
            if (tn_arena_copy(&arena, entry.key, &keys[count], NULL) == TARN_OK) {
                count++;
            }
        }
        tn_listing_close(list);
    }
    (void)!tn_store_delete_many(at->store, keys, count, NULL);
    tn_arena_deinit(&arena);
    tn_stores_destroy(at->stores);
}

static tarn_code put(bucket *at, const char *key, const char *bytes, tn_put_mode mode,
                     const char *if_match, tn_outcome *outcome)
{
    tarn_error err = TARN_ERROR_INIT;
    const tn_put_options options = {.mode = mode, .if_match = if_match, .durable = true};
    const tarn_code code =
        tn_store_put(at->store, tn_str_of(key), tn_str_of(bytes), &options, outcome, &err);
    return code == TARN_E_EXISTS || code == TARN_E_CONFLICT ? code : show(code, &err);
}

static bool holds(bucket *at, const char *key, const char *bytes, tn_pool *pool)
{
    tn_buffer *got = NULL;
    tarn_error err = TARN_ERROR_INIT;
    const tarn_code code = tn_store_get(at->store, tn_str_of(key), 1 << 24, pool, &got, NULL, &err);
    const bool same = show(code, &err) == TARN_OK && got->size == strlen(bytes) &&
                      memcmp(got->data, bytes, got->size) == 0;
    tn_buffer_release(got);
    return same;
}

TEST(puts_keep_their_conditions)
{
    bucket at;
    tn_outcome outcome;
    tn_object_info info;
    CHECK(open_bucket(&at, "conditions", pool));
    CHECK_EQ(put(&at, "log/1.json", "one", TN_PUT_CREATE, NULL, &outcome), TARN_OK);
    CHECK_EQ(outcome, TN_OUTCOME_DONE);
    CHECK_EQ(put(&at, "log/1.json", "two", TN_PUT_CREATE, NULL, &outcome), TARN_E_EXISTS);
    CHECK_EQ(outcome, TN_OUTCOME_CONFLICT);
    CHECK(holds(&at, "log/1.json", "one", pool));
    CHECK_EQ(tn_store_head(at.store, TN_STR("log/1.json"), &info, NULL), TARN_OK);
    CHECK_U64(info.size, 3);
    CHECK(info.tag[0] != '\0' && info.modified_us > INT64_C(1600000000000000));
    CHECK_EQ(put(&at, "log/1.json", "three", TN_PUT_OVERWRITE, NULL, &outcome), TARN_OK);
    CHECK_EQ(put(&at, "log/1.json", "four", TN_PUT_UPDATE, info.tag, &outcome), TARN_E_CONFLICT);
    CHECK_EQ(outcome, TN_OUTCOME_CONFLICT);
    CHECK_EQ(tn_store_head(at.store, TN_STR("log/1.json"), &info, NULL), TARN_OK);
    CHECK_EQ(put(&at, "log/1.json", "five", TN_PUT_UPDATE, info.tag, &outcome), TARN_OK);
    CHECK(holds(&at, "log/1.json", "five", pool));
    CHECK_EQ(tn_store_delete(at.store, TN_STR("log/1.json"), NULL), TARN_OK);
    CHECK_EQ(tn_store_delete(at.store, TN_STR("log/1.json"), NULL), TARN_OK);
    CHECK_EQ(tn_store_head(at.store, TN_STR("log/1.json"), &info, NULL), TARN_E_NOT_FOUND);
    close_bucket(&at, pool);
}

typedef struct writer {
    tn_store *store;
    const char *key;
    char bytes[16];
    bool won;
} writer;

static void *write_once(void *argument)
{
    writer *self = argument;
    const tn_put_options create = {.mode = TN_PUT_CREATE, .durable = true};
    self->won = tn_store_put(self->store, tn_str_of(self->key), tn_str_of(self->bytes), &create,
                             NULL, NULL) == TARN_OK;
    return NULL;
}

TEST(one_of_many_writers_wins)
{
    enum { WRITERS = 8, ROUNDS = 10 };
    bucket at;
    CHECK(open_bucket(&at, "race", pool));
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[WRITERS];
        writer writers[WRITERS];
        char key[32];
        int won = -1;
        (void)snprintf(key, sizeof(key), "v/%d", round);
        for (int i = 0; i < WRITERS; i++) {
            writers[i] = (writer){.store = at.store, .key = key};
            (void)snprintf(writers[i].bytes, sizeof(writers[i].bytes), "writer %d", i);
            CHECK_EQ(pthread_create(&threads[i], NULL, write_once, &writers[i]), 0);
        }
        for (int i = 0; i < WRITERS; i++) {
            (void)pthread_join(threads[i], NULL);
            CHECK(!writers[i].won || won < 0);
            won = writers[i].won ? i : won;
        }
        CHECK(won >= 0);
        CHECK(holds(&at, key, writers[won].bytes, pool));
    }
    close_bucket(&at, pool);
}

TEST(keys_are_bytes)
{
    static const char *const keys[] = {"a b",     "a+b", "a%20b", "p=1/x",     "\xC3\xA9t\xC3\xA9",
                                       "a'b(c)*", "a&b", "a#b?c", "a:b@c;d,e", "a<b>\"c"};
    bucket at;
    char listed[2048] = "";
    CHECK(open_bucket(&at, "keys", pool));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        CHECK_EQ(put(&at, keys[i], keys[i], TN_PUT_CREATE, NULL, NULL), TARN_OK);
        CHECK(holds(&at, keys[i], keys[i], pool));
    }
    tn_listing *list;
    tn_object_info entry;
    bool more = true;
    size_t found = 0;
    CHECK_EQ(tn_listing_open(at.store, TN_STR_NONE, TN_STR_NONE, false, pool, &list, NULL),
             TARN_OK);
    while (tn_listing_next(list, &entry, &more, NULL) == TARN_OK && more) {
        bool known = false;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            known = known || tn_str_equal(entry.key, tn_str_of(keys[i]));
        }
        if (!known) {
            printf("    listed: '%.*s'\n", TN_STR_ARGS(entry.key));
        }
        found += known;
    }
    tn_listing_close(list);
    (void)listed;
    CHECK_U64(found, sizeof(keys) / sizeof(keys[0]));
    close_bucket(&at, pool);
}

TEST(listings_page_and_delimit)
{
    enum { COUNT = 1203 };
    bucket at;
    tn_listing *list;
    tn_object_info entry;
    tarn_error err = TARN_ERROR_INIT;
    bool more = true;
    size_t count = 0;
    char last[64] = "";
    CHECK(open_bucket(&at, "pages", pool));
    for (int i = 0; i < COUNT; i++) {
        char key[64];
        (void)snprintf(key, sizeof(key), "t/%s%05d", i % 3 == 0 ? "d/" : "", i);
        CHECK_EQ(put(&at, key, "x", TN_PUT_OVERWRITE, NULL, NULL), TARN_OK);
    }
    CHECK_EQ(tn_listing_open(at.store, TN_STR("t/"), TN_STR_NONE, false, pool, &list, NULL),
             TARN_OK);
    while (show(tn_listing_next(list, &entry, &more, &err), &err) == TARN_OK && more) {
        char key[64];
        (void)snprintf(key, sizeof(key), "%.*s", TN_STR_ARGS(entry.key));
        CHECK(strcmp(last, key) < 0);
        CHECK_U64(entry.size, 1);
        CHECK(entry.tag[0] != '\0');
        memcpy(last, key, sizeof(last));
        count++;
    }
    tn_listing_close(list);
    CHECK_U64(count, COUNT);
    CHECK_EQ(tn_listing_open(at.store, TN_STR("t/"), TN_STR("t/01200"), true, pool, &list, NULL),
             TARN_OK);
    count = 0;
    while (show(tn_listing_next(list, &entry, &more, &err), &err) == TARN_OK && more) {
        count++;
    }
    tn_listing_close(list);
    CHECK_U64(count, 3); /* 01201, 01202 and d/ */
    CHECK_EQ(tn_listing_open(at.store, TN_STR("none/"), TN_STR_NONE, false, pool, &list, NULL),
             TARN_OK);
    CHECK_EQ(tn_listing_next(list, &entry, &more, NULL), TARN_OK);
    CHECK(!more);
    tn_listing_close(list);
    /* And one that is left in the middle. */
    CHECK_EQ(tn_listing_open(at.store, TN_STR("t/"), TN_STR_NONE, false, pool, &list, NULL),
             TARN_OK);
    CHECK_EQ(tn_listing_next(list, &entry, &more, NULL), TARN_OK);
    tn_listing_close(list);
    close_bucket(&at, pool);
}

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 131 >> 7 ^ i);
}

TEST(large_objects_go_up_in_parts_and_come_down_in_ranges)
{
    enum { SIZE = 23 * 1000 * 1000, STEP = 700001 };
    bucket at;
    tn_upload *upload;
    tn_object *object;
    tn_object_info info;
    tn_object_info head;
    tn_outcome outcome;
    tn_buffer *back;
    tarn_error err = TARN_ERROR_INIT;
    void *memory;
    CHECK(open_bucket(&at, "large", pool));
    CHECK_EQ(tn_pool_alloc(pool, SIZE, &memory, NULL), TARN_OK);
    uint8_t *bytes = memory;
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = byte_at(i);
    }
    const tn_put_options create = {
        .mode = TN_PUT_CREATE, .content_type = "application/x-test", .durable = true};
    for (int round = 0; round < 2; round++) {
        CHECK_EQ(tn_upload_create(at.store, TN_STR("big"), pool, &create, &upload, NULL), TARN_OK);
        for (size_t i = 0; i < SIZE; i += STEP) {
            uint64_t offset;
            const size_t size = SIZE - i < STEP ? SIZE - i : STEP;
            CHECK_EQ(tn_upload_append(upload, bytes + i, size, &offset, NULL), TARN_OK);
            CHECK_U64(offset, i);
        }
        const tarn_code code = tn_upload_finish(upload, &info, &outcome, &err);
        if (round == 0) {
            CHECK_EQ(show(code, &err), TARN_OK);
            CHECK_EQ(outcome, TN_OUTCOME_DONE);
        } else { /* the name is taken now */
            CHECK_EQ(code, TARN_E_EXISTS);
            CHECK_EQ(outcome, TN_OUTCOME_CONFLICT);
        }
    }
    CHECK_EQ(tn_store_head(at.store, TN_STR("big"), &head, NULL), TARN_OK);
    CHECK_U64(head.size, SIZE);
    CHECK_EQ(tn_object_open(at.store, TN_STR("big"), pool, NULL, &object, NULL), TARN_OK);
    CHECK_EQ(show(tn_object_read_all(object, SIZE, pool, &back, &err), &err), TARN_OK);
    CHECK(memcmp(back->data, bytes, SIZE) == 0);
    tn_buffer_release(back);
    uint8_t some[1000];
    CHECK_EQ(tn_object_read(object, 8388600, some, sizeof(some), NULL), TARN_OK);
    CHECK(memcmp(some, bytes + 8388600, sizeof(some)) == 0);
    /* A reader of the old version is told when the object is replaced. */
    CHECK_EQ(put(&at, "big", "small now", TN_PUT_OVERWRITE, NULL, NULL), TARN_OK);
    const tarn_code changed = tn_object_read(object, 0, some, 5, &err);
    CHECK_EQ(changed, TARN_E_CONFLICT);
    CHECK(strstr(err.hint, "changed while being read") != NULL ||
          strstr(err.message, "changed while being read") != NULL);
    tn_object_close(object);
    CHECK_EQ(tn_store_get(at.store, TN_STR("big"), 4, pool, &back, NULL, NULL), TARN_E_LIMIT);
    tn_pool_free(pool, memory, SIZE);
    close_bucket(&at, pool);
}

enum { APPENDERS = 4, APPENDS = 12, CHUNK = 1 << 20 };

typedef struct appender {
    tn_upload *upload;
    uint8_t *chunk;
    uint8_t mark;
    uint64_t offsets[APPENDS];
    bool failed;
} appender;

static void *append_some(void *argument)
{
    appender *self = argument;
    memset(self->chunk, self->mark, CHUNK);
    for (int i = 0; i < APPENDS && !self->failed; i++) {
        self->failed =
            tn_upload_append(self->upload, self->chunk, CHUNK, &self->offsets[i], NULL) != TARN_OK;
    }
    return NULL;
}

TEST(many_threads_append_and_each_piece_stays_together)
{
    static uint8_t chunks[APPENDERS][CHUNK];
    bucket at;
    tn_upload *upload;
    tn_buffer *back;
    pthread_t threads[APPENDERS];
    appender appenders[APPENDERS];
    tarn_error err = TARN_ERROR_INIT;
    CHECK(open_bucket(&at, "threads", pool));
    CHECK_EQ(tn_upload_create(at.store, TN_STR("all"), pool, NULL, &upload, NULL), TARN_OK);
    for (int i = 0; i < APPENDERS; i++) {
        appenders[i] = (appender){.upload = upload, .chunk = chunks[i], .mark = (uint8_t)('a' + i)};
        CHECK_EQ(pthread_create(&threads[i], NULL, append_some, &appenders[i]), 0);
    }
    for (int i = 0; i < APPENDERS; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK(!appenders[i].failed);
    }
    CHECK_EQ(show(tn_upload_finish(upload, NULL, NULL, &err), &err), TARN_OK);
    CHECK_EQ(tn_store_get(at.store, TN_STR("all"), 1 << 28, pool, &back, NULL, NULL), TARN_OK);
    CHECK_U64(back->size, (uint64_t)APPENDERS * APPENDS * CHUNK);
    for (int i = 0; i < APPENDERS; i++) {
        for (int j = 0; j < APPENDS; j++) {
            CHECK(memcmp(back->data + appenders[i].offsets[j], chunks[i], CHUNK) == 0);
        }
    }
    tn_buffer_release(back);
    close_bucket(&at, pool);
}

TEST(a_read_can_be_cancelled)
{
    enum { SIZE = 40 << 20 };
    bucket at;
    tn_object *object;
    tn_upload *upload;
    void *memory;
    CHECK(open_bucket(&at, "cancel", pool));
    CHECK_EQ(tn_pool_alloc_zeroed(pool, SIZE, &memory, NULL), TARN_OK);
    CHECK_EQ(tn_upload_create(at.store, TN_STR("zeros"), pool, NULL, &upload, NULL), TARN_OK);
    CHECK_EQ(tn_upload_append(upload, memory, SIZE, NULL, NULL), TARN_OK);
    CHECK_EQ(tn_upload_finish(upload, NULL, NULL, NULL), TARN_OK);
    CHECK_EQ(tn_object_open(at.store, TN_STR("zeros"), pool, NULL, &object, NULL), TARN_OK);
    for (int i = 0; i < 5; i++) {
        tn_latch latch;
        tn_read read = {.offset = 0, .size = SIZE, .into = memory};
        tn_latch_init(&latch);
        read.waker = &latch.waker;
        tn_object_read_start(object, &read);
        (void)tn_latch_wait_ms(&latch, (unsigned)i * 3);
        tn_object_read_cancel(object, &read);
        tn_latch_wait(&latch);
        CHECK(read.done && (read.code == TARN_OK || read.code == TARN_E_CANCELLED));
    }
    tn_object_close(object);
    tn_pool_free(pool, memory, SIZE);
    close_bucket(&at, pool);
}

TEST(an_aborted_upload_leaves_nothing)
{
    enum { SIZE = 9 << 20 };
    bucket at;
    tn_upload *upload;
    tn_object_info info;
    void *memory;
    size_t count = 99;
    CHECK(open_bucket(&at, "abort", pool));
    CHECK_EQ(tn_pool_alloc_zeroed(pool, SIZE, &memory, NULL), TARN_OK);
    for (int appends = 0; appends < 3; appends++) {
        CHECK_EQ(tn_upload_create(at.store, TN_STR("gone"), pool, NULL, &upload, NULL), TARN_OK);
        for (int i = 0; i < appends; i++) {
            CHECK_EQ(tn_upload_append(upload, memory, SIZE, NULL, NULL), TARN_OK);
        }
        tn_upload_abort(upload);
        CHECK_EQ(tn_store_head(at.store, TN_STR("gone"), &info, NULL), TARN_E_NOT_FOUND);
    }
    tn_pool_free(pool, memory, SIZE);
    char uri[96];
    (void)snprintf(uri, sizeof(uri), "s3://%s/", at.name);
    CHECK_EQ(tn_stores_abort_uploads(at.stores, tn_str_of(uri), true, &count, NULL), TARN_OK);
    CHECK_U64(count, 0);
    close_bucket(&at, pool);
}

static bool count_upload(void *context, const tn_open_upload *upload)
{
    (void)upload;
    ++*(size_t *)context;
    return true;
}

TEST(a_forgotten_upload_is_remembered_and_swept)
{
    bucket at;
    tn_s3_request request;
    char id[1200];
    char name[TN_S3_JOURNAL_NAME];
    char uri[96];
    size_t count = 0;
    CHECK(open_bucket(&at, "orphans", pool));
    (void)snprintf(uri, sizeof(uri), "s3://%s/", at.name);
    for (int known = 0; known < 2; known++) { /* the second only to the server */
        tn_s3__init(&request, (tn_s3 *)at.store, "POST", TN_STR("o r+phan"));
        tn_s3__query(&request, TN_STR("uploads"), TN_STR(""));
        CHECK_EQ(tn_s3__run(&request, NULL), TARN_OK);
        CHECK_EQ(
            tn_s3__element(pool, tn_text_str(&request.answer), "UploadId", id, sizeof(id), NULL),
            TARN_OK);
        tn_s3__deinit(&request);
        if (known == 0) {
            tn_s3__journal_add((tn_s3 *)at.store, TN_STR("o r+phan"), tn_str_of(id), name);
        }
    }
    CHECK_EQ(tn_stores_uploads(at.stores, tn_str_of(uri), count_upload, &count, NULL), TARN_OK);
    CHECK_U64(count, 1);
    CHECK_EQ(tn_stores_abort_uploads(at.stores, tn_str_of(uri), false, &count, NULL), TARN_OK);
    CHECK_U64(count, 1);
    CHECK_EQ(tn_stores_abort_uploads(at.stores, tn_str_of(uri), true, &count, NULL), TARN_OK);
    CHECK_U64(count, 1);
    CHECK_EQ(tn_stores_abort_uploads(at.stores, tn_str_of(uri), true, &count, NULL), TARN_OK);
    CHECK_U64(count, 0);
    close_bucket(&at, pool);
}

TEST(empty_objects_and_empty_uploads_exist)
{
    bucket at;
    tn_upload *upload;
    tn_buffer *got;
    tn_object *object;
    tn_object_info info;
    CHECK(open_bucket(&at, "empty", pool));
    CHECK_EQ(put(&at, "nothing", "", TN_PUT_CREATE, NULL, NULL), TARN_OK);
    CHECK(holds(&at, "nothing", "", pool));
    CHECK_EQ(tn_upload_create(at.store, TN_STR("none"), pool, NULL, &upload, NULL), TARN_OK);
    CHECK_EQ(tn_upload_finish(upload, &info, NULL, NULL), TARN_OK);
    CHECK_U64(info.size, 0);
    CHECK_EQ(tn_object_open(at.store, TN_STR("none"), pool, NULL, &object, NULL), TARN_OK);
    CHECK_EQ(tn_object_read_all(object, 10, pool, &got, NULL), TARN_OK);
    tn_buffer_release(got);
    tn_object_close(object);
    close_bucket(&at, pool);
}

TEST(deletes_many_and_copies)
{
    enum { COUNT = 25 };
    bucket at;
    char names[COUNT][64];
    tn_str keys[COUNT];
    tarn_error err = TARN_ERROR_INIT;
    tn_object_info info;
    CHECK(open_bucket(&at, "many", pool));
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "d/%d<&>'\" +%%", i);
        keys[i] = tn_str_of(names[i]);
        CHECK_EQ(put(&at, names[i], "1", TN_PUT_OVERWRITE, NULL, NULL), TARN_OK);
    }
    CHECK_EQ(show(tn_store_copy(at.store, keys[0], TN_STR("copy of"), NULL, &err), &err), TARN_OK);
    CHECK(holds(&at, "copy of", "1", pool));
    const tn_put_options create = {.mode = TN_PUT_CREATE};
    CHECK_EQ(show(tn_store_copy(at.store, keys[0], TN_STR("fresh"), &create, &err), &err), TARN_OK);
    CHECK(holds(&at, "fresh", "1", pool));
    CHECK_EQ(tn_store_copy(at.store, keys[1], TN_STR("fresh"), &create, NULL), TARN_E_EXISTS);
    CHECK_EQ(show(tn_store_delete_many(at.store, keys, COUNT, &err), &err), TARN_OK);
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(tn_store_head(at.store, keys[i], &info, NULL), TARN_E_NOT_FOUND);
    }
    CHECK_EQ(tn_store_delete_many(at.store, keys, COUNT, &err), TARN_OK);
    close_bucket(&at, pool);
}

TEST(says_who_refused_and_why)
{
    bucket at;
    tn_object_info info;
    tn_buffer *got;
    tn_arena arena;
    tn_store *store;
    tn_str key;
    tarn_error err = TARN_ERROR_INIT;
    CHECK(open_bucket(&at, "errors", pool));
    tn_arena_init(&arena, pool);
    CHECK_EQ(tn_store_get(at.store, TN_STR("missing"), 10, pool, &got, NULL, &err),
             TARN_E_NOT_FOUND);
    CHECK(strstr(err.message, "s3://tarn-errors/missing") != NULL);
    CHECK(strstr(err.message, "404 NoSuchKey") != NULL);
    CHECK_EQ(tn_stores_resolve(at.stores, TN_STR("s3://no-such-bucket-here/x"), &arena, &store,
                               &key, NULL),
             TARN_OK);
    CHECK_EQ(tn_store_get(store, key, 10, pool, &got, NULL, &err), TARN_E_NOT_FOUND);
    CHECK(strstr(err.hint, "no bucket 'no-such-bucket-here'") != NULL);
    if (!is_server("moto")) { /* which does not check signatures */
        tn_s3 *s3 = (tn_s3 *)at.store;
        (void)snprintf(s3->credentials.secret_key, sizeof(s3->credentials.secret_key), "wrong");
        s3->credentials.session_token[0] = '\0';
        CHECK_EQ(tn_store_get(at.store, TN_STR("missing"), 10, pool, &got, NULL, &err),
                 TARN_E_AUTH);
        CHECK(strstr(err.message, "SignatureDoesNotMatch") != NULL);
        CHECK(strstr(err.message, "wrong") == NULL);
        CHECK_EQ(tn_store_head(at.store, TN_STR("missing"), &info, &err), TARN_E_AUTH);
        CHECK_EQ(tn_s3__credentials(at.stores, &s3->credentials, NULL), TARN_OK);
    }
    tn_arena_deinit(&arena);
    close_bucket(&at, pool);
}

TEST(learns_the_clock_where_the_server_minds)
{
    bucket at;
    CHECK(open_bucket(&at, "clock", pool));
    ((tn_s3 *)at.store)->skew_s = 7200;
    CHECK_EQ(put(&at, "x", "1", TN_PUT_OVERWRITE, NULL, NULL), TARN_OK);
    if (is_server("versitygw")) {
        const int64_t skew = ((tn_s3 *)at.store)->skew_s;
        CHECK(skew > -60 && skew < 60);
    }
    close_bucket(&at, pool);
}
