/* URIs to files: plain names, globs, folders. */
#include "base/sort.h"
#include "base/vec.h"
#include "table/listing/listing_internal.h"

/* Keys that no reader is meant to see: temporary ones, logs, markers. */
static bool is_hidden(tn_str relative)
{
    size_t from = 0;
    for (size_t i = 0; i <= relative.size; i++) {
        if (i == relative.size || relative.data[i] == '/') {
            const tn_str part = tn_str_slice(relative, from, i);
            const bool partition = tn_str_find(part, '=') != SIZE_MAX;
            if (part.size > 0 && (part.data[0] == '.' || (part.data[0] == '_' && !partition))) {
                return true;
            }
            from = i + 1;
        }
    }
    return false;
}

/* ---- expansion --------------------------------------------------------------------------------*/

typedef struct expansion {
    tn_stores *stores;
    tn_arena *arena;
    tn_pool *pool;
    tn_store *store; /* of what is listed now */
    TN_VEC(tn_listed_file) files;
} expansion;

static TN_FALLIBLE add(expansion *e, tn_store *store, const tn_object_info *info, tarn_error *err)
{
    tn_listed_file file = {.store = store, .size = info->size, .modified_us = info->modified_us};
    tn_str tag;
    TN_RETURN_IF_ERROR(tn_arena_copy(e->arena, info->key, &file.key, err));
    TN_RETURN_IF_ERROR(tn_store_uri(store, info->key, e->arena, &file.uri, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(e->arena, tn_str_of(info->tag), &tag, err));
    file.tag = tag.data;
    return tn_vec_push(&e->files, file, err);
}

/* It is looked at more than once, and its bytes come only once. */
static TN_FALLIBLE refuse_stream(tn_str uri, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "'%.*s' is a pipe or a device, whose bytes come only once",
                  TN_STR_ARGS(uri));
    tn_hint(err, "read it as standard input: FROM '-' with < %.*s", TN_STR_ARGS(uri));
    return TARN_E_INVALID;
}

/* Rows that nobody missed would be missing: what matches and is no file is an error. */
static TN_FALLIBLE refuse_no_file(expansion *e, const tn_object_info *info, tarn_error *err)
{
    tn_str uri;
    TN_RETURN_IF_ERROR(tn_store_uri(e->store, info->key, e->arena, &uri, err));
    if (info->is_stream) {
        return refuse_stream(uri, err);
    }
    (void)tn_fail(err, TARN_E_NOT_FOUND, "'%s' is a link to a file that is not there", uri.data);
    tn_subject(err, uri.data);
    tn_hint(err, "mend or remove the link, or leave it out of the pattern");
    return TARN_E_NOT_FOUND;
}

static tarn_code see(void *context, const tn_object_info *info, tn_str below, tarn_error *err)
{
    expansion *e = context;
    if (info->is_folder || is_hidden(below)) {
        return TARN_OK;
    }
    return info->is_stream || info->is_broken ? refuse_no_file(e, info, err)
                                              : add(e, e->store, info, err);
}

static int by_uri(const void *a, const void *b, void *context)
{
    (void)context;
    return tn_str_compare(((const tn_listed_file *)a)->uri, ((const tn_listed_file *)b)->uri);
}

/* "did you mean": the nearest name beside the missing one.  Where not even the bucket is there,
 * that is the error. */
static void suggest(expansion *e, tn_store *store, tn_str key, bool is_remote, tarn_error *err)
{
    const size_t slash = tn_str_find_last(key, '/');
    const tn_str folder = tn_str_slice(key, 0, slash == SIZE_MAX ? 0 : slash + 1);
    const tn_str name = tn_str_slice(key, folder.size, key.size);
    tn_listing *listing = NULL;
    tn_object_info info;
    bool more = true;
    tn_str nearest = TN_STR_NONE;
    size_t least = 2 + name.size / 3;

    tarn_error cause = TARN_ERROR_INIT;
    tarn_code code = tn_listing_open(store, folder, TN_STR_NONE, true, e->pool, &listing, &cause);
    for (int seen = 0; seen < 1000 && code == TARN_OK; seen++) {
        code = tn_listing_next(listing, &info, &more, &cause);
        if (code != TARN_OK || !more) {
            break;
        }
        const tn_str other = tn_str_slice(info.key, folder.size, info.key.size);
        const size_t distance = tn_str_distance(name, other);
        if (distance < least && tn_arena_copy(e->arena, other, &nearest, NULL) == TARN_OK) {
            least = distance;
        }
    }
    if (listing != NULL) {
        tn_listing_close(listing);
    }
    if (code == TARN_E_NOT_FOUND && is_remote && err != NULL) {
        tn_error_copy(err, &cause);
    } else if (nearest.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(nearest));
    }
}

static TN_FALLIBLE not_found(expansion *e, tn_store *store, tn_str key, tn_str uri, bool pattern,
                             bool is_folder, tarn_error *err)
{
    tn_str text;
    TN_RETURN_IF_ERROR(tn_arena_copy(e->arena, uri, &text, err));
    if (is_folder) {
        (void)tn_fail(err, TARN_E_NOT_FOUND, "the folder '%s' holds no file", text.data);
        tn_subject(err, text.data);
        tn_hint(err, "names that begin with '.' or '_' are passed over");
        return TARN_E_NOT_FOUND;
    }
    (void)tn_fail(err, TARN_E_NOT_FOUND, pattern ? "no file matches '%s'" : "there is no file '%s'",
                  text.data);
    tn_subject(err, text.data);
    if (!pattern) {
        suggest(e, store, key, strstr(text.data, "://") != NULL, err);
    }
    return TARN_E_NOT_FOUND;
}

static TN_FALLIBLE expand_one(expansion *e, tn_str uri, bool may_be_empty, tarn_error *err)
{
    tn_store *store;
    tn_str key;
    tn_object_info info;
    tn_glob glob;
    bool is_folder = false;
    const size_t before = e->files.count;

    if (tn_str_equal(uri, TN_STR("-")) || tn_str_equal(uri, TN_STR("/dev/stdin"))) {
        TN_RETURN_IF_ERROR(tn_stores_input(e->stores, e->arena, &store, &key, err));
        TN_RETURN_IF_ERROR(tn_store_head(store, key, &info, err));
        info.key = key;
        return add(e, store, &info, err);
    }
    TN_RETURN_IF_ERROR(tn_stores_resolve(e->stores, uri, e->arena, &store, &key, err));
    e->store = store;
    TN_RETURN_IF_ERROR(tn_glob_of(store, key, e->pool, &glob, err));
    glob.shows_all = true;
    if (glob.pattern.size > 0) {
        TN_RETURN_IF_ERROR(tn_glob_list(store, &glob, false, NULL, e->pool, see, e, err));
    } else {
        tarn_error missing = TARN_ERROR_INIT;
        const tarn_code code = tn_store_head(store, key, &info, &missing);
        if (code == TARN_OK && info.is_stream) {
            return refuse_stream(uri, err);
        }
        is_folder = code == TARN_OK && info.is_folder;
        if (code == TARN_OK && !is_folder) {
            info.key = key;
            return add(e, store, &info, err);
        }
        if (code != TARN_OK && code != TARN_E_NOT_FOUND) {
            tn_error_copy(err, &missing);
            return code;
        }
        TN_RETURN_IF_ERROR(tn_arena_print(e->arena, &glob.folder, err, "%.*s%s", TN_STR_ARGS(key),
                                          tn_str_ends(key, TN_STR("/")) ? "" : "/"));
        tarn_error unlisted = TARN_ERROR_INIT;
        const tarn_code listed =
            tn_glob_list(store, &glob, false, NULL, e->pool, see, e, &unlisted);
        if (listed != TARN_OK && listed != TARN_E_NOT_FOUND) {
            tn_error_copy(err, &unlisted);
            return listed;
        }
    }
    tn_sort(e->files.items + before, e->files.count - before, sizeof(tn_listed_file), by_uri, NULL);
    if (e->files.count == before && !may_be_empty) {
        return not_found(e, store, key, uri, glob.pattern.size > 0, is_folder, err);
    }
    return TARN_OK;
}

tarn_code tn_listing_expand(tn_stores *stores, const tn_str *uris, uint32_t count,
                            bool may_be_empty, tn_arena *arena, tn_pool *pool, tn_listed_file **out,
                            size_t *file_count, tarn_error *err)
{
    tarn_code code = TARN_OK;
    expansion e = {.stores = stores, .arena = arena, .pool = pool};

    *out = NULL;
    *file_count = 0;
    e.files.pool = pool;
    for (uint32_t i = 0; i < count; i++) {
        TN_TRY(expand_one(&e, uris[i], may_be_empty, err));
    }
    TN_TRY(tn_arena_array(arena, tn_listed_file, e.files.count, out, err));
    if (e.files.count > 0) {
        memcpy(*out, e.files.items, e.files.count * sizeof(tn_listed_file));
    }
    *file_count = e.files.count;
done:
    tn_vec_free(&e.files);
    return code;
}

tarn_code tn_listing_is_delta(tn_stores *stores, tn_str uri, tn_pool *pool, bool *out,
                              tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_store *store;
    tn_str key;
    tn_str log;
    tn_glob glob;
    tn_listing *listing = NULL;
    tn_object_info info;

    *out = false;
    tn_arena_init(&arena, pool);
    TN_TRY(tn_stores_resolve(stores, uri, &arena, &store, &key, err));
    TN_TRY(tn_glob_of(store, key, pool, &glob, err));
    if (glob.pattern.size > 0) {
        goto done;
    }
    TN_TRY(tn_arena_print(&arena, &log, err, "%.*s%s_delta_log/", TN_STR_ARGS(key),
                          key.size == 0 || tn_str_ends(key, TN_STR("/")) ? "" : "/"));
    code = tn_listing_open(store, log, TN_STR_NONE, true, pool, &listing, err);
    if (code == TARN_OK) {
        code = tn_listing_next(listing, &info, out, err);
    }
    code = code == TARN_E_NOT_FOUND ? TARN_OK : code;
done:
    if (listing != NULL) {
        tn_listing_close(listing);
    }
    tn_arena_deinit(&arena);
    return code;
}
