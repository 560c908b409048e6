/*
 * Open uploads, one small file each: the URI (encoded, so that it has no line end), the id and the
 * time, a line each.  Losing this folder loses nothing but the reminder.
 */
#include "base/vec.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "store/s3_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 8192, PAGES_MAX = 1000 };

/* With its slash; "" where there is no place for it. */
static void folder(char out[TN_PATH_SIZE])
{
    const char *state = getenv("XDG_STATE_HOME");
    char home[TN_PATH_SIZE];
    if (state != NULL && state[0] == '/') {
        (void)snprintf(out, TN_PATH_SIZE, "%.3000s/tarn/uploads/", state);
        return;
    }
    tn_os_home(home);
    out[0] = '\0';
    if (home[0] == '/') {
        (void)snprintf(out, TN_PATH_SIZE, "%.3000s/.local/state/tarn/uploads/", home);
    }
}

void tn_s3__journal_add(const tn_s3 *s3, tn_str key, tn_str id, char name[TN_S3_JOURNAL_NAME])
{
    char path[TN_PATH_SIZE];
    tn_text text;
    int fd;

    name[0] = '\0';
    folder(path);
    if (path[0] == '\0') {
        return;
    }
    tn_text_init(&text, s3->pool, FILE_SIZE_MAX);
    tn_text_printf(&text, "%s/", s3->base.root);
    tn_uri_encode(&text, key, true);
    tn_text_printf(&text, "\n%.*s\n%" PRId64 "\n%" PRId64 "\n", TN_STR_ARGS(id), tn_clock_now_us(),
                   (int64_t)getpid());
    if (text.failed == TARN_OK && tn_folder_make(path, false, NULL) == TARN_OK) {
        (void)snprintf(name, TN_S3_JOURNAL_NAME, "%016" PRIx64, tn_random_u64());
        const size_t size = strlen(path);
        (void)snprintf(path + size, sizeof(path) - size, "%s", name);
        if (tn_file_open(path, O_WRONLY | O_CREAT | O_EXCL, &fd, NULL) == TARN_OK) {
            (void)!tn_file_write(fd, text.data, text.size, NULL);
            tn_file_close(fd);
        }
    }
    tn_text_deinit(&text);
}

void tn_s3__journal_remove(const char *name)
{
    char path[TN_PATH_SIZE];
    folder(path);
    if (path[0] != '\0' && name[0] != '\0') {
        const size_t size = strlen(path);
        (void)snprintf(path + size, sizeof(path) - size, "%s", name);
        (void)unlink(path);
    }
}

/* ---- reading them -----------------------------------------------------------------------------
 */

typedef struct entry {
    char name[TN_S3_JOURNAL_NAME];
    char text[FILE_SIZE_MAX];
    tn_str uri, id; /* into the text; the URI still encoded */
    int64_t started_us, process;
} entry;

static bool read_entry(const char *place, const char *name, entry *out)
{
    char path[TN_PATH_SIZE];
    int fd;
    (void)snprintf(path, sizeof(path), "%.3500s%.200s", place, name);
    if (strlen(name) >= TN_S3_JOURNAL_NAME || name[0] == '.' ||
        tn_file_open(path, O_RDONLY, &fd, NULL) != TARN_OK) {
        return false;
    }
    const ssize_t size = read(fd, out->text, sizeof(out->text) - 1);
    tn_file_close(fd);
    if (size <= 0) {
        return false;
    }
    out->text[size] = '\0';
    (void)snprintf(out->name, sizeof(out->name), "%s", name);
    const tn_str text = {out->text, (size_t)size};
    const size_t first = tn_str_find(text, '\n');
    if (first == SIZE_MAX) {
        return false;
    }
    const tn_str rest = tn_str_slice(text, first + 1, text.size);
    const size_t second = tn_str_find(rest, '\n');
    if (second == SIZE_MAX) {
        return false;
    }
    out->uri = tn_str_slice(text, 0, first);
    out->id = tn_str_slice(rest, 0, second);
    char *behind;
    out->started_us = strtoll(rest.data + second + 1, &behind, 10);
    out->process = strtoll(behind, NULL, 10); /* 0 where it was not noted */
    return true;
}

/* Each remembered upload below `uri`; the visitor's answer ends it. */
static TN_FALLIBLE visit_all(tn_pool *pool, tn_str uri,
                             tarn_code (*visit)(void *context, const entry *entry, tn_str uri,
                                                bool *stop, tarn_error *err),
                             void *context, tarn_error *err)
{
    tarn_code code = TARN_OK;
    char place[TN_PATH_SIZE];
    void *memory = NULL;
    tn_arena arena;
    bool stop = false;

    tn_arena_init(&arena, pool);
    folder(place);
    DIR *files = place[0] == '\0' ? NULL : opendir(place);
    if (files == NULL) {
        return TARN_OK;
    }
    TN_TRY(tn_pool_alloc(pool, sizeof(entry), &memory, err));
    entry *at = memory;
    for (const struct dirent *file; !stop && (file = readdir(files)) != NULL;) { /* NOLINT */
        tn_str plain;
        if (!read_entry(place, file->d_name, at)) {
            continue;
        }
        tn_arena_reset(&arena);
        TN_TRY(tn_uri_decode(&arena, at->uri, false, &plain, err));
        if (tn_str_starts(plain, uri)) {
            TN_TRY(visit(context, at, plain, &stop, err));
        }
    }
done:
    (void)closedir(files);
    tn_pool_free(pool, memory, sizeof(entry));
    tn_arena_deinit(&arena);
    return code;
}

typedef struct visitor {
    bool (*visit)(void *context, const tn_open_upload *upload);
    void *context;
} visitor;

static tarn_code visit_one(void *context, const entry *at, tn_str uri, bool *stop, tarn_error *err)
{
    const visitor *to = context;
    const tn_open_upload upload = {uri, at->id, at->started_us, at->process};
    (void)err;
    *stop = !to->visit(to->context, &upload);
    return TARN_OK;
}

tarn_code tn_stores_uploads(tn_stores *stores, tn_str uri,
                            bool (*visit)(void *context, const tn_open_upload *upload),
                            void *context, tarn_error *err)
{
    visitor to = {visit, context};
    return visit_all(stores->pool, uri, visit_one, &to, err);
}

/* Whether another process of this machine may still be sending its parts. */
static bool is_under_way(const entry *at)
{
    return at->process > 0 && at->process <= INT32_MAX && at->process != (int64_t)getpid() &&
           (kill((pid_t)at->process, 0) == 0 || errno == EPERM);
}

/* Ids of what other processes are sending. */
typedef struct running {
    tn_arena arena;
    TN_VEC(tn_str) ids;
} running;

static tarn_code note_running(void *context, const entry *at, tn_str uri, bool *stop,
                              tarn_error *err)
{
    running *all = context;
    tn_str id;
    (void)uri, (void)stop;
    if (!is_under_way(at)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_copy(&all->arena, at->id, &id, err));
    return tn_vec_push(&all->ids, id, err);
}

static bool is_running(const running *all, tn_str id)
{
    for (size_t i = 0; i < all->ids.count; i++) {
        if (tn_str_equal(all->ids.items[i], id)) {
            return true;
        }
    }
    return false;
}

typedef struct aborter {
    tn_stores *stores;
    size_t count;
} aborter;

static tarn_code abort_one(void *context, const entry *at, tn_str uri, bool *stop, tarn_error *err)
{
    tarn_code code = TARN_OK;
    aborter *to = context;
    tn_store *store;
    tn_str key;
    tn_arena arena;

    (void)stop;
    if (is_under_way(at)) {
        return TARN_OK;
    }
    tn_arena_init(&arena, to->stores->pool);
    TN_TRY(tn_stores_resolve(to->stores, uri, &arena, &store, &key, err));
    if (tn_str_starts(uri, TN_STR("s3://"))) {
        TN_TRY(tn_s3__abort_upload((tn_s3 *)store, key, at->id, err));
        to->count++;
    }
    tn_s3__journal_remove(at->name);
done:
    tn_arena_deinit(&arena);
    return code;
}

/* ---- what the store knows ---------------------------------------------------------------------
 */

typedef struct listed {
    tn_str key, id;
} listed;

typedef struct upload_list {
    tn_arena arena;
    TN_VEC(listed) all;
    listed now;
    listed next; /* where the next page begins: behind this one */
    bool encoded;
    bool truncated;
} upload_list;

static tarn_code listed_close(void *context, tn_str parent, tn_str name, tn_str text,
                              tarn_error *err)
{
    upload_list *list = context;
    const bool of_upload = tn_str_equal(parent, TN_STR("Upload"));
    tn_str *keep = of_upload && tn_str_equal(name, TN_STR("Key"))        ? &list->now.key
                   : of_upload && tn_str_equal(name, TN_STR("UploadId")) ? &list->now.id
                   : tn_str_equal(name, TN_STR("NextKeyMarker"))         ? &list->next.key
                   : tn_str_equal(name, TN_STR("NextUploadIdMarker"))    ? &list->next.id
                                                                         : NULL;
    if (keep != NULL) {
        return tn_arena_copy(&list->arena, text, keep, err);
    }
    if (tn_str_equal(name, TN_STR("Upload"))) {
        return tn_vec_push(&list->all, list->now, err);
    }
    if (tn_str_equal(name, TN_STR("EncodingType"))) {
        list->encoded = tn_str_equal(text, TN_STR("url"));
    } else if (tn_str_equal(name, TN_STR("IsTruncated"))) {
        list->truncated = tn_str_equal(text, TN_STR("true"));
    }
    return TARN_OK;
}

/* One page of ListMultipartUploads, from behind `marker`. */
static TN_FALLIBLE list_page(tn_s3 *s3, tn_str prefix, const listed *marker, upload_list *list,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_s3_request request;
    const tn_s3_xml handler = {NULL, listed_close, list};

    tn_s3__init(&request, s3, "GET", TN_STR_NONE);
    request.of_bucket = true;
    request.root = "ListMultipartUploadsResult";
    tn_s3__query(&request, TN_STR("uploads"), TN_STR(""));
    tn_s3__query(&request, TN_STR("encoding-type"), TN_STR("url"));
    tn_s3__query(&request, TN_STR("prefix"), prefix);
    if (marker->key.size > 0) {
        tn_s3__query(&request, TN_STR("key-marker"), marker->key);
        tn_s3__query(&request, TN_STR("upload-id-marker"), marker->id);
    }
    TN_TRY(tn_s3__run(&request, err));
    TN_TRY(tn_s3__xml(s3->pool, tn_text_str(&request.answer), &handler, err));
    for (size_t i = 0; list->encoded && i < list->all.count; i++) {
        listed *at = &list->all.items[i];
        TN_TRY(tn_uri_decode(&list->arena, at->key, true, &at->key, err));
    }
    if (list->encoded) {
        TN_TRY(tn_uri_decode(&list->arena, list->next.key, true, &list->next.key, err));
    }
    if (list->next.key.size == 0 && list->all.count > 0) { /* a server that does not name it */
        list->next = list->all.items[list->all.count - 1];
    }
done:
    tn_s3__deinit(&request);
    return code;
}

/* All of a page is aborted, but for what other processes of this machine are sending.  `marker`
 * moves to its end, in `arena`. */
static TN_FALLIBLE abort_page(tn_s3 *s3, tn_str prefix, listed *marker, tn_arena *arena,
                              size_t *count, bool *more, tarn_error *err)
{
    tarn_code code = TARN_OK;
    upload_list list = {.encoded = false};
    running others = {.ids = {.pool = s3->pool}};

    tn_arena_init(&list.arena, s3->pool);
    tn_arena_init(&others.arena, s3->pool);
    list.all.pool = s3->pool;
    TN_TRY(list_page(s3, prefix, marker, &list, err));
    TN_TRY(visit_all(s3->pool, TN_STR(""), note_running, &others, err));
    for (size_t i = 0; i < list.all.count; i++) {
        const listed *at = &list.all.items[i];
        if (tn_str_starts(at->key, prefix) && !is_running(&others, at->id)) {
            TN_TRY(tn_s3__abort_upload(s3, at->key, at->id, err));
            (*count)++;
        }
    }
    /* One that stands still would have us ask for the same page for ever. */
    *more = list.truncated && list.next.key.size > 0 &&
            !(tn_str_equal(list.next.key, marker->key) && tn_str_equal(list.next.id, marker->id));
    if (*more) {
        TN_TRY(tn_arena_copy(arena, list.next.key, &marker->key, err));
        TN_TRY(tn_arena_copy(arena, list.next.id, &marker->id, err));
    }
done:
    tn_vec_free(&list.all);
    tn_vec_free(&others.ids);
    tn_arena_deinit(&list.arena);
    tn_arena_deinit(&others.arena);
    return code;
}

tarn_code tn_stores_abort_uploads(tn_stores *stores, tn_str uri, bool everyones, size_t *count,
                                  tarn_error *err)
{
    tarn_code code = TARN_OK;
    aborter to = {stores, 0};
    tn_store *store;
    tn_str key;
    listed marker = {TN_STR_NONE, TN_STR_NONE};
    tn_arena arena;
    bool more = true;

    *count = 0;
    tn_arena_init(&arena, stores->pool);
    TN_TRY(visit_all(stores->pool, uri, abort_one, &to, err));
    if (everyones && tn_str_starts(uri, TN_STR("s3://"))) {
        TN_TRY(tn_stores_resolve(stores, uri, &arena, &store, &key, err));
        for (unsigned pages = 0; more && pages < PAGES_MAX; pages++) {
            TN_TRY(abort_page((tn_s3 *)store, key, &marker, &arena, &to.count, &more, err));
        }
    }
done:
    *count = to.count;
    tn_arena_deinit(&arena);
    return code;
}
