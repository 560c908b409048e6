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

static bool is_glob(char c)
{
    return c == '*' || c == '?' || c == '[';
}

size_t tn_glob_start(tn_str key)
{
    size_t at = 0;
    while (at < key.size && !is_glob(key.data[at])) {
        at++;
    }
    return at;
}

/* Asks a bucket only where a name with a bracket may be one: stars match themselves. */
size_t tn_glob_start_in(tn_store *store, tn_str key)
{
    size_t at = 0; /* behind the last folder that is there */
    size_t glob = tn_glob_start(key);
    tn_object_info info;
    if (glob == key.size || (!tn_store_is_local(store) && tn_str_find(key, '[') == SIZE_MAX)) {
        return glob;
    }
    if (tn_store_head(store, key, &info, NULL) == TARN_OK) {
        return key.size;
    }
    while (tn_store_is_local(store) && glob < key.size) {
        const size_t slash = tn_str_find(tn_str_slice(key, glob, key.size), '/');
        if (slash == SIZE_MAX ||
            tn_store_head(store, tn_str_slice(key, 0, glob + slash), &info, NULL) != TARN_OK ||
            !info.is_folder) {
            break;
        }
        at = glob + slash + 1;
        glob = at + tn_glob_start(tn_str_slice(key, at, key.size));
    }
    return glob;
}

/* [abc], [a-z], [!x]: moves *at behind the class. */
static bool in_class(tn_str pattern, size_t *at, char c)
{
    size_t i = *at + 1;
    bool negated = false;
    bool found = false;
    if (i < pattern.size && (pattern.data[i] == '!' || pattern.data[i] == '^')) {
        negated = true;
        i++;
    }
    for (bool first = true; i < pattern.size && (first || pattern.data[i] != ']'); first = false) {
        const char low = pattern.data[i];
        char high = low;
        if (i + 2 < pattern.size && pattern.data[i + 1] == '-' && pattern.data[i + 2] != ']') {
            high = pattern.data[i + 2];
            i += 2;
        }
        found = found || (c >= low && c <= high);
        i++;
    }
    *at = i < pattern.size ? i + 1 : i;
    return found != negated && c != '/';
}

/* One character of the pattern against one of the text; `*at` moves on a match. */
static bool matches_one(tn_str pattern, size_t *at, char c)
{
    if (*at >= pattern.size) {
        return false;
    }
    if (pattern.data[*at] == '[') {
        size_t next = *at;
        if (!in_class(pattern, &next, c)) {
            return false;
        }
        *at = next;
        return true;
    }
    if (pattern.data[*at] == c || (pattern.data[*at] == '?' && c != '/')) {
        (*at)++;
        return true;
    }
    return false;
}

/*
 * `*` stays within a folder, `**` does not, and "**" with a slash behind it may also match nothing.
 * A failed match falls back to the last star of either kind, and from a single one to the last
 * double one, so the work is bounded by the product of both sizes.
 */
bool tn_glob_matches(tn_str pattern, tn_str text)
{
    size_t at = 0;
    size_t i = 0;
    size_t star = SIZE_MAX;
    size_t star_text = 0;
    size_t deep = SIZE_MAX;
    size_t deep_text = 0;
    for (;;) {
        if (at < pattern.size && pattern.data[at] == '*') {
            const bool double_star = at + 1 < pattern.size && pattern.data[at + 1] == '*';
            if (double_star) {
                at += 2;
                at += at < pattern.size && pattern.data[at] == '/' ? 1 : 0;
                deep = at;
                deep_text = i;
                star = SIZE_MAX;
            } else {
                star = ++at;
                star_text = i;
            }
            continue;
        }
        if (i == text.size) {
            if (at == pattern.size) {
                return true;
            }
        } else if (matches_one(pattern, &at, text.data[i])) {
            i++;
            continue;
        }
        if (star != SIZE_MAX && star_text < text.size && text.data[star_text] != '/') {
            at = star;
            i = ++star_text;
        } else if (deep != SIZE_MAX && deep_text < text.size) {
            star = SIZE_MAX;
            at = deep;
            i = ++deep_text;
        } else {
            return false;
        }
    }
}

/* ---- expansion --------------------------------------------------------------------------------*/

typedef struct expansion {
    tn_stores *stores;
    tn_arena *arena;
    tn_pool *pool;
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

/* Every file below `prefix` whose name from there on the pattern (or NULL: all that is not hidden)
 * matches. */
static TN_FALLIBLE list(expansion *e, tn_store *store, tn_str prefix, const tn_str *pattern,
                        tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_listing *listing = NULL;
    tn_object_info info;
    bool more;

    TN_TRY(tn_listing_open(store, prefix, TN_STR_NONE, false, e->pool, &listing, err));
    for (;;) {
        TN_TRY(tn_listing_next(listing, &info, &more, err));
        if (!more) {
            break;
        }
        const tn_str relative = tn_str_slice(info.key, prefix.size, info.key.size);
        const bool wanted = pattern != NULL
                                ? tn_glob_matches(*pattern, relative) && !is_hidden(relative)
                                : !is_hidden(relative);
        if (wanted && !info.is_folder) {
            TN_TRY(add(e, store, &info, err));
        }
    }
done:
    if (listing != NULL) {
        tn_listing_close(listing);
    }
    return code;
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
                             tarn_error *err)
{
    tn_str text;
    TN_RETURN_IF_ERROR(tn_arena_copy(e->arena, uri, &text, err));
    (void)tn_fail(err, TARN_E_NOT_FOUND, pattern ? "no file matches '%s'" : "there is no file '%s'",
                  text.data);
    tn_subject(err, text.data);
    if (!pattern) {
        suggest(e, store, key, strstr(text.data, "://") != NULL, err);
    }
    return TARN_E_NOT_FOUND;
}

/* It is looked at more than once, and its bytes come only once. */
static TN_FALLIBLE refuse_stream(tn_str uri, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "'%.*s' is a pipe, whose bytes come only once",
                  TN_STR_ARGS(uri));
    tn_hint(err, "read it as standard input: FROM '-' with < %.*s", TN_STR_ARGS(uri));
    return TARN_E_INVALID;
}

static TN_FALLIBLE expand_one(expansion *e, tn_str uri, bool may_be_empty, tarn_error *err)
{
    tn_store *store;
    tn_str key;
    tn_object_info info;
    const size_t before = e->files.count;

    if (tn_str_equal(uri, TN_STR("-")) || tn_str_equal(uri, TN_STR("/dev/stdin"))) {
        TN_RETURN_IF_ERROR(tn_stores_input(e->stores, e->arena, &store, &key, err));
        TN_RETURN_IF_ERROR(tn_store_head(store, key, &info, err));
        info.key = key;
        return add(e, store, &info, err);
    }
    TN_RETURN_IF_ERROR(tn_stores_resolve(e->stores, uri, e->arena, &store, &key, err));
    const size_t glob = tn_glob_start_in(store, key);
    if (glob < key.size) {
        size_t folder = glob;
        while (folder > 0 && key.data[folder - 1] != '/') {
            folder--;
        }
        const tn_str pattern = tn_str_slice(key, folder, key.size);
        TN_RETURN_IF_ERROR(list(e, store, tn_str_slice(key, 0, folder), &pattern, err));
    } else {
        tarn_error missing = TARN_ERROR_INIT;
        const tarn_code code = tn_store_head(store, key, &info, &missing);
        if (code == TARN_OK && info.is_stream) {
            return refuse_stream(uri, err);
        }
        if (code == TARN_OK && !info.is_folder) {
            info.key = key;
            return add(e, store, &info, err);
        }
        if (code != TARN_OK && code != TARN_E_NOT_FOUND) {
            tn_error_copy(err, &missing);
            return code;
        }
        tn_str folder;
        TN_RETURN_IF_ERROR(tn_arena_print(e->arena, &folder, err, "%.*s%s", TN_STR_ARGS(key),
                                          tn_str_ends(key, TN_STR("/")) ? "" : "/"));
        tarn_error unlisted = TARN_ERROR_INIT;
        const tarn_code listed = list(e, store, folder, NULL, &unlisted);
        if (listed != TARN_OK && listed != TARN_E_NOT_FOUND) {
            tn_error_copy(err, &unlisted);
            return listed;
        }
    }
    tn_sort(e->files.items + before, e->files.count - before, sizeof(tn_listed_file), by_uri, NULL);
    if (e->files.count == before && !may_be_empty) {
        return not_found(e, store, key, uri, glob < key.size, err);
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
    tn_listing *listing = NULL;
    tn_object_info info;

    *out = false;
    tn_arena_init(&arena, pool);
    TN_TRY(tn_stores_resolve(stores, uri, &arena, &store, &key, err));
    if (tn_glob_start_in(store, key) < key.size) {
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
