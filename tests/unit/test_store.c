/* Local files, memory, URIs, faults: what every store promises, and what each promises alone. */
#include "base/vec.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "store/store.h"
#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A folder of the test's own, with its slash. */
static void make_folder(char out[128])
{
    const char *base = getenv("TMPDIR");
    char place[100];
    (void)snprintf(place, sizeof(place), "%s/tarn-store-XXXXXX", base != NULL ? base : "/tmp");
    const char *made = mkdtemp(place);
    (void)snprintf(out, 128, "%s/", made != NULL ? made : place);
}

static void remove_all(tn_stores *stores, const char *folder, tn_pool *pool)
{
    tn_store *store;
    tn_str key;
    tn_arena arena;
    tn_arena_init(&arena, pool);
    if (tn_stores_resolve(stores, tn_str_of(folder), &arena, &store, &key, NULL) == TARN_OK) {
        tn_listing *list;
        tn_object_info entry;
        bool more = true;
        if (tn_listing_open(store, key, TN_STR_NONE, false, pool, &list, NULL) == TARN_OK) {
            while (tn_listing_next(list, &entry, &more, NULL) == TARN_OK && more) {
                (void)!tn_store_delete(store, entry.key, NULL);
            }
            tn_listing_close(list);
        }
    }
    char command[256];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    (void)!system(command); /* NOLINT: what is left are empty folders of this test */
    tn_arena_deinit(&arena);
}

/* Both kinds, with the prefix that keys get. */
typedef struct place {
    tn_stores *stores;
    tn_store *store;
    char prefix[128];
    bool local;
} place;

static bool place_open(place *at, bool local, tn_pool *pool)
{
    tn_arena arena;
    tn_str key;
    at->local = local;
    if (tn_stores_create(pool, NULL, &at->stores, NULL) != TARN_OK) {
        return false;
    }
    at->prefix[0] = '\0';
    if (!local) {
        return tn_stores_add_memory(at->stores, "test", NULL, NULL, &at->store, NULL) == TARN_OK;
    }
    make_folder(at->prefix);
    tn_arena_init(&arena, pool);
    const tarn_code code =
        tn_stores_resolve(at->stores, tn_str_of(at->prefix), &arena, &at->store, &key, NULL);
    tn_arena_deinit(&arena);
    return code == TARN_OK;
}

static void place_close(place *at, tn_pool *pool)
{
    if (at->local) {
        remove_all(at->stores, at->prefix, pool);
    }
    tn_stores_destroy(at->stores);
}

static tn_str key_of(const place *at, const char *name, char buffer[512])
{
    (void)snprintf(buffer, 512, "%s%s", at->prefix, name);
    return tn_str_of(buffer);
}

static tarn_code put(const place *at, const char *name, const char *bytes, tn_put_mode mode,
                     const char *if_match, tn_outcome *outcome)
{
    char buffer[512];
    const tn_put_options options = {.mode = mode, .if_match = if_match, .durable = true};
    return tn_store_put(at->store, key_of(at, name, buffer), tn_str_of(bytes), &options, outcome,
                        NULL);
}

static bool holds(const place *at, const char *name, const char *bytes, tn_pool *pool)
{
    char buffer[512];
    tn_buffer *got = NULL;
    const tarn_code code =
        tn_store_get(at->store, key_of(at, name, buffer), 1 << 20, pool, &got, NULL, NULL);
    const bool same =
        code == TARN_OK && got->size == strlen(bytes) && memcmp(got->data, bytes, got->size) == 0;
    tn_buffer_release(got);
    return same;
}

/* The names below a prefix, "a,b/,c"; folders end in a slash. */
static void names(const place *at, const char *prefix, const char *after, bool delimited,
                  tn_pool *pool, char out[1024])
{
    char first[512];
    char second[512];
    tn_listing *list = NULL;
    tn_object_info entry;
    bool more = true;
    size_t size = 0;
    const tn_str start = after[0] == '\0' ? TN_STR_NONE : key_of(at, after, second);
    out[0] = '\0';
    if (tn_listing_open(at->store, key_of(at, prefix, first), start, delimited, pool, &list,
                        NULL) != TARN_OK) {
        return;
    }
    while (tn_listing_next(list, &entry, &more, NULL) == TARN_OK && more) {
        const size_t skip = strlen(at->prefix);
        const bool slash = entry.is_folder && entry.key.data[entry.key.size - 1] != '/';
        size +=
            (size_t)snprintf(out + size, 1024 - size, "%s%.*s%s", size > 0 ? "," : "",
                             (int)(entry.key.size - skip), entry.key.data + skip, slash ? "?" : "");
    }
    tn_listing_close(list);
}

TEST(a_put_creates_replaces_and_updates_only_where_it_may)
{
    for (int local = 0; local < 2; local++) {
        place at;
        tn_outcome outcome;
        char buffer[512];
        tn_object_info info;
        CHECK(place_open(&at, local == 1, pool));
        CHECK_EQ(put(&at, "d/a b+%", "one", TN_PUT_CREATE, NULL, &outcome), TARN_OK);
        CHECK_EQ(outcome, TN_OUTCOME_DONE);
        CHECK_EQ(put(&at, "d/a b+%", "two", TN_PUT_CREATE, NULL, &outcome), TARN_E_EXISTS);
        CHECK_EQ(outcome, TN_OUTCOME_CONFLICT);
        CHECK(holds(&at, "d/a b+%", "one", pool));
        CHECK_EQ(tn_store_head(at.store, key_of(&at, "d/a b+%", buffer), &info, NULL), TARN_OK);
        CHECK_U64(info.size, 3);
        CHECK_EQ(put(&at, "d/a b+%", "four", TN_PUT_OVERWRITE, NULL, &outcome), TARN_OK);
        CHECK(holds(&at, "d/a b+%", "four", pool));
        CHECK_EQ(put(&at, "d/a b+%", "five", TN_PUT_UPDATE, info.tag, &outcome), TARN_E_CONFLICT);
        CHECK_EQ(outcome, TN_OUTCOME_CONFLICT);
        CHECK_EQ(tn_store_head(at.store, key_of(&at, "d/a b+%", buffer), &info, NULL), TARN_OK);
        CHECK_EQ(put(&at, "d/a b+%", "six", TN_PUT_UPDATE, info.tag, &outcome), TARN_OK);
        CHECK(holds(&at, "d/a b+%", "six", pool));
        CHECK_EQ(tn_store_delete(at.store, key_of(&at, "d/a b+%", buffer), NULL), TARN_OK);
        CHECK_EQ(tn_store_delete(at.store, key_of(&at, "d/a b+%", buffer), NULL), TARN_OK);
        CHECK_EQ(tn_store_head(at.store, key_of(&at, "d/a b+%", buffer), &info, NULL),
                 TARN_E_NOT_FOUND);
        place_close(&at, pool);
    }
}

TEST(a_durable_upload_of_large_pieces_is_whole)
{
    place at;
    tn_upload *upload;
    tn_object_info info;
    tn_outcome outcome;
    uint64_t offset;
    char buffer[512];
    void *memory;
    const size_t size = 3 << 20;
    const tn_put_options options = {.mode = TN_PUT_CREATE, .durable = true};
    CHECK(place_open(&at, true, pool));
    CHECK_EQ(tn_pool_alloc(pool, 2 * size, &memory, NULL), TARN_OK);
    char *bytes = memory;
    memset(bytes, 'a', size);
    memset(bytes + size, 'b', size);
    CHECK_EQ(
        tn_upload_create(at.store, key_of(&at, "large", buffer), pool, &options, &upload, NULL),
        TARN_OK);
    const tn_str pieces[2] = {{bytes, size}, {bytes + size, 7}};
    CHECK_EQ(tn_upload_append_pieces(upload, pieces, 2, &offset, NULL), TARN_OK);
    CHECK_U64(offset, 0);
    CHECK_EQ(tn_upload_append(upload, bytes + size + 7, size - 7, &offset, NULL), TARN_OK);
    CHECK_U64(offset, size + 7);
    CHECK_EQ(tn_upload_finish(upload, &info, &outcome, NULL), TARN_OK);
    CHECK_U64(info.size, 2 * size);
    FILE *file = fopen(key_of(&at, "large", buffer).data, "rb");
    CHECK(file != NULL);
    bool same = true;
    for (size_t i = 0; i < 2 * size; i++) {
        same &= fgetc(file) == bytes[i];
    }
    CHECK(same && fgetc(file) == EOF);
    (void)fclose(file);
    tn_pool_free(pool, memory, 2 * size);
    place_close(&at, pool);
}

TEST(an_upload_is_visible_whole_or_not_at_all)
{
    for (int local = 0; local < 2; local++) {
        place at;
        tn_upload *upload;
        tn_object_info info;
        tn_outcome outcome;
        uint64_t offset;
        char buffer[512];
        char listed[1024];
        CHECK(place_open(&at, local == 1, pool));
        CHECK_EQ(
            tn_upload_create(at.store, key_of(&at, "x/y/part", buffer), pool, NULL, &upload, NULL),
            TARN_OK);
        CHECK_EQ(tn_upload_append(upload, "hello ", 6, &offset, NULL), TARN_OK);
        CHECK_U64(offset, 0);
        CHECK_EQ(tn_upload_append(upload, "world", 5, &offset, NULL), TARN_OK);
        CHECK_U64(offset, 6);
        names(&at, "", "", false, pool, listed);
        CHECK_STR(listed, "");
        CHECK_EQ(tn_upload_finish(upload, &info, &outcome, NULL), TARN_OK);
        CHECK_EQ(outcome, TN_OUTCOME_DONE);
        CHECK_U64(info.size, 11);
        CHECK(holds(&at, "x/y/part", "hello world", pool));
        CHECK_EQ(
            tn_upload_create(at.store, key_of(&at, "x/gone", buffer), pool, NULL, &upload, NULL),
            TARN_OK);
        CHECK_EQ(tn_upload_append(upload, "z", 1, NULL, NULL), TARN_OK);
        tn_upload_abort(upload);
        names(&at, "", "", false, pool, listed);
        CHECK_STR(listed, "x/y/part");
        place_close(&at, pool);
    }
}

TEST(listings_come_in_the_order_of_whole_keys)
{
    static const char *const keys[] = {"t/a.txt", "t/a/x", "t/a/b/c",  "t/a0", "t/.tarn-123",
                                       "t/z",     "u",     "t/_log/1", "t/a b"};
    for (int local = 0; local < 2; local++) {
        place at;
        char listed[1024];
        CHECK(place_open(&at, local == 1, pool));
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            if (local == 1 || strstr(keys[i], ".tarn") == NULL) {
                CHECK_EQ(put(&at, keys[i], "1", TN_PUT_OVERWRITE, NULL, NULL), TARN_OK);
            }
        }
        names(&at, "", "", false, pool, listed);
        CHECK_STR(listed, "t/_log/1,t/a b,t/a.txt,t/a/b/c,t/a/x,t/a0,t/z,u");
        names(&at, "t/a", "", false, pool, listed);
        CHECK_STR(listed, "t/a b,t/a.txt,t/a/b/c,t/a/x,t/a0");
        names(&at, "t/", "t/a/b/c", false, pool, listed);
        CHECK_STR(listed, "t/a/x,t/a0,t/z");
        names(&at, "t/", "", true, pool, listed);
        CHECK_STR(listed, "t/_log/,t/a b,t/a.txt,t/a/,t/a0,t/z");
        names(&at, "t/", "t/a/", true, pool, listed);
        CHECK_STR(listed, "t/a0,t/z");
        names(&at, "nothing/", "", false, pool, listed);
        CHECK_STR(listed, "");
        place_close(&at, pool);
    }
}

TEST(one_of_many_creators_wins)
{
    enum { COUNT = 4, ROUNDS = 20 };
    place at;
    CHECK(place_open(&at, true, pool));
    for (int round = 0; round < ROUNDS; round++) {
        char name[32];
        int won = 0;
        (void)snprintf(name, sizeof(name), "log/%d", round);
        for (int i = 0; i < COUNT; i++) {
            won += put(&at, name, "x", TN_PUT_CREATE, NULL, NULL) == TARN_OK;
        }
        CHECK_EQ(won, 1);
    }
    place_close(&at, pool);
}

TEST(uris_name_a_store_and_a_key)
{
    static const struct {
        const char *uri, *key;
        tarn_code code;
    } cases[] = {
        {"a/b.csv", "a/b.csv", TARN_OK},
        {"/a//b", "/a//b", TARN_OK},
        {"~/x", "~/x", TARN_OK},
        {"file:///a%20b/c", "/a b/c", TARN_OK},
        {"FILE:///a%2", "/a%2", TARN_OK},
        {"file://localhost/a", "/a", TARN_OK},
        {"file://host/a", "", TARN_E_INVALID},
        {"memory://m/a//b %20", "a//b %20", TARN_OK},
        {"memory://m", "", TARN_OK},
        {"memory:///x", "", TARN_E_INVALID},
        {"memory://user:secret@m/x", "", TARN_E_INVALID},
        {"gs://bucket/x", "", TARN_E_UNSUPPORTED},
        {"C:/x", "C:/x", TARN_OK},
        {"://x", "://x", TARN_OK},
        {"", "", TARN_E_INVALID},
    };
    tn_stores *stores;
    tn_arena arena;
    tn_arena_init(&arena, pool);
    CHECK_EQ(tn_stores_create(pool, NULL, &stores, NULL), TARN_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_store *store;
        tn_str key;
        tarn_error err = TARN_ERROR_INIT;
        CHECK_EQ(tn_stores_resolve(stores, tn_str_of(cases[i].uri), &arena, &store, &key, &err),
                 cases[i].code);
        CHECK(tn_str_equal(key, tn_str_of(cases[i].key)) || cases[i].code != TARN_OK);
        CHECK(strstr(err.message, "secret") == NULL);
    }
    tn_str joined;
    CHECK_EQ(tn_uri_join(&arena, TN_STR("s3://b/t"), TN_STR("p=1/x%20.parquet"), &joined, NULL),
             TARN_OK);
    CHECK(tn_str_equal(joined, TN_STR("s3://b/t/p=1/x%20.parquet")));
    CHECK_EQ(tn_uri_join(&arena, TN_STR("t/"), TN_STR("/abs"), &joined, NULL), TARN_OK);
    CHECK(tn_str_equal(joined, TN_STR("/abs")));
    CHECK(tn_uri_is_local(TN_STR("a:b")) && !tn_uri_is_local(TN_STR("s3://b")));
    tn_arena_deinit(&arena);
    tn_stores_destroy(stores);
}

TEST(reads_are_pinned_to_the_file_that_was_opened)
{
    place at;
    char buffer[512];
    tn_object *object;
    tarn_error err = TARN_ERROR_INIT;
    uint8_t bytes[8];
    CHECK(place_open(&at, true, pool));
    CHECK_EQ(put(&at, "f", "0123456789", TN_PUT_OVERWRITE, NULL, NULL), TARN_OK);
    CHECK_EQ(tn_object_open(at.store, key_of(&at, "f", buffer), pool, NULL, &object, NULL),
             TARN_OK);
    CHECK_EQ(put(&at, "f", "abc", TN_PUT_OVERWRITE, NULL, NULL), TARN_OK);
    CHECK_EQ(tn_object_read(object, 2, bytes, 3, NULL), TARN_OK);
    CHECK(memcmp(bytes, "234", 3) == 0);
    CHECK_EQ(tn_object_verify(object, NULL), TARN_OK); /* replaced, not changed */
    CHECK_EQ(tn_object_read(object, 8, bytes, 3, &err), TARN_E_CORRUPT);
    tn_object_close(object);

    CHECK_EQ(tn_object_open(at.store, key_of(&at, "f", buffer), pool, NULL, &object, NULL),
             TARN_OK);
    FILE *file = fopen(buffer, "r+");
    CHECK(file != NULL);
    (void)fseek(file, 0, SEEK_END);
    (void)fputs("more", file);
    (void)fclose(file);
    CHECK_EQ(tn_object_verify(object, &err), TARN_E_CONFLICT);
    CHECK(strstr(err.message, "was changed while being read") != NULL);
    tn_object_close(object);

    CHECK_EQ(tn_object_open(at.store, key_of(&at, "f", buffer), pool, NULL, &object, NULL),
             TARN_OK);
    CHECK_EQ(truncate(buffer, 2), 0);
    CHECK_EQ(tn_object_read(object, 0, bytes, 5, &err), TARN_E_CONFLICT);
    CHECK(strstr(err.message, "was changed while being read") != NULL);
    CHECK(strstr(err.hint, "run it again") != NULL);
    tn_object_close(object);
    place_close(&at, pool);
}

TEST(a_cold_file_is_read_by_an_io_thread)
{
    enum { SIZE = 3 << 20 };
    place at;
    char buffer[512];
    tn_object *object;
    tn_upload *upload;
    tn_buffer *all;
    void *bytes;
    CHECK(place_open(&at, true, pool));
    const tn_put_options durable = {.mode = TN_PUT_CREATE, .durable = true};
    CHECK_EQ(tn_pool_alloc(pool, SIZE, &bytes, NULL), TARN_OK);
    for (size_t i = 0; i < SIZE; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(i * 31 >> 8);
    }
    CHECK_EQ(tn_upload_create(at.store, key_of(&at, "cold", buffer), pool, &durable, &upload, NULL),
             TARN_OK);
    CHECK_EQ(tn_upload_append(upload, bytes, SIZE, NULL, NULL), TARN_OK);
    CHECK_EQ(tn_upload_finish(upload, NULL, NULL, NULL), TARN_OK);
    const int fd = open(buffer, O_RDONLY);
    CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    (void)close(fd);
    CHECK_EQ(tn_object_open(at.store, key_of(&at, "cold", buffer), pool, NULL, &object, NULL),
             TARN_OK);
    tn_object_expect(object, 0, SIZE);
    CHECK_EQ(tn_object_read_all(object, SIZE, pool, &all, NULL), TARN_OK);
    CHECK(memcmp(all->data, bytes, SIZE) == 0);
    tn_buffer_release(all);
    CHECK_EQ(tn_object_read_all(object, SIZE - 1, pool, &all, NULL), TARN_E_LIMIT);
    tn_object_close(object);
    tn_pool_free(pool, bytes, SIZE);
    place_close(&at, pool);
}

TEST(a_device_is_written_in_place)
{
    place at;
    tn_upload *upload;
    tarn_error err = TARN_ERROR_INIT;
    struct stat before;
    struct stat after;
    CHECK(place_open(&at, true, pool));
    CHECK_EQ(stat("/dev/null", &before), 0);
    CHECK_EQ(tn_upload_create(at.store, TN_STR("/dev/null"), pool, NULL, &upload, NULL), TARN_OK);
    CHECK_EQ(tn_upload_append(upload, "x", 1, NULL, NULL), TARN_OK);
    CHECK_EQ(tn_upload_finish(upload, NULL, NULL, NULL), TARN_OK);
    CHECK_EQ(stat("/dev/null", &after), 0);
    CHECK(before.st_ino == after.st_ino && S_ISCHR(after.st_mode));
    CHECK_EQ(tn_upload_create(at.store, TN_STR("/dev/full"), pool, NULL, &upload, NULL), TARN_OK);
    CHECK_EQ(tn_upload_append(upload, "x", 1, NULL, &err), TARN_E_DISK_FULL);
    CHECK_EQ(tn_upload_finish(upload, NULL, NULL, &err), TARN_E_DISK_FULL);
    place_close(&at, pool);
}

TEST(a_file_is_no_folder_to_write_to)
{
    place at;
    char key[512];
    tarn_error err = TARN_ERROR_INIT;
    tn_upload *upload;
    CHECK(place_open(&at, true, pool));
    CHECK_EQ(put(&at, "file", "1", TN_PUT_CREATE, NULL, NULL), TARN_OK);
    for (int needs_folder = 0; needs_folder < 2; needs_folder++) {
        const char *const names[] = {"file/x", "file/deep/x"};
        for (size_t i = 0; i < 2; i++) {
            const tn_put_options options = {.needs_folder = needs_folder == 1};
            CHECK_EQ(tn_upload_create(at.store, key_of(&at, names[i], key), pool, &options, &upload,
                                      &err),
                     needs_folder == 1 && i == 1 ? TARN_E_NOT_FOUND : TARN_E_INVALID);
            CHECK(strstr(err.message, needs_folder == 1 && i == 1 ? "there is no folder"
                                                                  : "/file' is a file, no folder"));
        }
    }
    CHECK(holds(&at, "file", "1", pool));
    place_close(&at, pool);
}

TEST(a_link_is_followed_and_its_target_replaced)
{
    place at;
    char target[512];
    char link[512];
    struct stat about;
    CHECK(place_open(&at, true, pool));
    CHECK_EQ(put(&at, "real", "1", TN_PUT_CREATE, NULL, NULL), TARN_OK);
    (void)key_of(&at, "real", target);
    (void)key_of(&at, "link", link);
    CHECK_EQ(symlink(target, link), 0);
    CHECK_EQ(chmod(target, 0640), 0);
    CHECK_EQ(put(&at, "link", "2", TN_PUT_OVERWRITE, NULL, NULL), TARN_OK);
    CHECK_EQ(lstat(link, &about), 0);
    CHECK(S_ISLNK(about.st_mode));
    CHECK_EQ(stat(target, &about), 0);
    CHECK_EQ(about.st_mode & 0777, 0640);
    CHECK(holds(&at, "real", "2", pool));
    place_close(&at, pool);
}

TEST(a_pipe_is_read_once_and_kept)
{
    place at;
    int ends[2];
    char path[64];
    tn_buffer *got;
    CHECK(place_open(&at, true, pool));
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(write(ends[1], "piped", 5), 5);
    (void)close(ends[1]);
    (void)snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    CHECK_EQ(tn_store_get(at.store, tn_str_of(path), 100, pool, &got, NULL, NULL), TARN_OK);
    CHECK(got->size == 5 && memcmp(got->data, "piped", 5) == 0);
    tn_buffer_release(got);
    (void)close(ends[0]);
    place_close(&at, pool);
}

TEST(copies_within_a_store)
{
    for (int local = 0; local < 2; local++) {
        place at;
        char from[512];
        char to[512];
        const tn_put_options create = {.mode = TN_PUT_CREATE};
        CHECK(place_open(&at, local == 1, pool));
        CHECK_EQ(put(&at, "a", "bytes", TN_PUT_CREATE, NULL, NULL), TARN_OK);
        CHECK_EQ(
            tn_store_copy(at.store, key_of(&at, "a", from), key_of(&at, "n/b", to), &create, NULL),
            TARN_OK);
        CHECK(holds(&at, "n/b", "bytes", pool));
        CHECK_EQ(
            tn_store_copy(at.store, key_of(&at, "a", from), key_of(&at, "n/b", to), &create, NULL),
            TARN_E_EXISTS);
        CHECK_EQ(
            tn_store_copy(at.store, key_of(&at, "none", from), key_of(&at, "c", to), NULL, NULL),
            TARN_E_NOT_FOUND);
        place_close(&at, pool);
    }
}

/* ---- faults -----------------------------------------------------------------------------------
 */

typedef struct fault_plan {
    tn_store_operation operation;
    tn_fault fault;
    int after; /* that many such operations pass first */
} fault_plan;

static tn_fault fail_as_planned(void *context, tn_store_operation operation, tn_str key)
{
    fault_plan *plan = context;
    (void)key;
    return operation == plan->operation && plan->after-- == 0 ? plan->fault : TN_FAULT_NONE;
}

TEST(a_lost_answer_is_unknown_and_the_bytes_are_there)
{
    place at;
    tn_outcome outcome;
    CHECK(place_open(&at, false, pool));
    fault_plan plan = {TN_STORE_PUT, TN_FAULT_AFTER, 0};
    tn_stores_inject(at.stores, fail_as_planned, &plan);
    CHECK_EQ(put(&at, "k", "v", TN_PUT_CREATE, NULL, &outcome), TARN_E_OUTCOME_UNKNOWN);
    CHECK_EQ(outcome, TN_OUTCOME_UNKNOWN);
    CHECK(holds(&at, "k", "v", pool));
    plan = (fault_plan){TN_STORE_PUT, TN_FAULT_BEFORE, 0};
    CHECK_EQ(put(&at, "l", "v", TN_PUT_CREATE, NULL, &outcome), TARN_E_UNAVAILABLE);
    CHECK_EQ(outcome, TN_OUTCOME_UNAVAILABLE);
    CHECK(!holds(&at, "l", "v", pool));
    plan = (fault_plan){TN_STORE_READ, TN_FAULT_BEFORE, 0};
    CHECK(!holds(&at, "k", "v", pool));
    CHECK(holds(&at, "k", "v", pool));
    place_close(&at, pool);
}

TEST(a_store_survives_the_loss_of_any_allocation)
{
    for (int local = 0; local < 2; local++) {
        place at;
        CHECK(place_open(&at, local == 1, pool));
        tn_pool inner;
        tn_pool_init(&inner, pool, "inner", SIZE_MAX);
        for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
            char buffer[512];
            tn_upload *upload = NULL;
            tn_buffer *got = NULL;
            tn_listing *list = NULL;
            tn_object_info entry;
            bool more = false;
            tarn_code code = tn_upload_create(at.store, key_of(&at, "deep/er/x", buffer), &inner,
                                              NULL, &upload, NULL);
            if (code == TARN_OK) {
                code = tn_upload_append(upload, "12345", 5, NULL, NULL);
                if (code == TARN_OK) {
                    code = tn_upload_finish(upload, NULL, NULL, NULL);
                } else {
                    tn_upload_abort(upload);
                }
            }
            if (code == TARN_OK) {
                code = tn_store_get(at.store, key_of(&at, "deep/er/x", buffer), 100, &inner, &got,
                                    NULL, NULL);
                tn_buffer_release(got);
            }
            if (code == TARN_OK) {
                code = tn_listing_open(at.store, key_of(&at, "deep", buffer), TN_STR_NONE, false,
                                       &inner, &list, NULL);
            }
            if (code == TARN_OK) {
                code = tn_listing_next(list, &entry, &more, NULL);
                tn_listing_close(list);
            }
            CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
            CHECK_U64(inner.used, 0);
        }
        tn_pool_deinit(&inner);
        place_close(&at, pool);
    }
}

/* ---- what they stand on -----------------------------------------------------------------------
 */

typedef struct counted_job {
    tn_job job;
    tn_latch *latch;
    _Atomic int *left;
} counted_job;

static void count_down(tn_job *job)
{
    const counted_job *mine = (counted_job *)(void *)job;
    tn_latch *latch = mine->latch;
    if (atomic_fetch_sub(mine->left, 1) == 1) {
        tn_wake(&latch->waker);
    }
}

TEST(jobs_run_on_other_threads_and_wake_who_waits)
{
    enum { JOBS = 500 };
    static counted_job jobs[JOBS];
    for (int round = 0; round < 20; round++) {
        _Atomic int left = JOBS;
        tn_latch latch;
        tn_latch_init(&latch);
        for (size_t i = 0; i < JOBS; i++) {
            jobs[i] = (counted_job){{count_down, NULL}, &latch, &left};
            tn_io_submit(&jobs[i].job);
        }
        tn_latch_wait(&latch);
        CHECK_EQ(left, 0);
    }
    tn_latch never;
    tn_latch_init(&never);
    CHECK(!tn_latch_wait_ms(&never, 5));
}

TEST(a_child_after_fork_has_threads_of_its_own)
{
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        _Atomic int left = 1;
        tn_latch latch;
        tn_latch_init(&latch);
        counted_job job = {{count_down, NULL}, &latch, &left};
        tn_io_submit(&job.job);
        _exit(tn_latch_wait_ms(&latch, 5000) ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(a_uuid_looks_like_one)
{
    char a[TN_UUID_SIZE];
    char b[TN_UUID_SIZE];
    tn_random_uuid(a);
    tn_random_uuid(b);
    CHECK_EQ(strlen(a), 36);
    CHECK(a[14] == '4' && a[8] == '-' && strcmp(a, b) != 0);
    CHECK(tn_clock_monotonic_ns() <= tn_clock_monotonic_ns());
}
