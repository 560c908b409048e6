/* URIs: which store, which key.  Keys are bytes; only file:// is percent-decoded, as RFC 8089 says
 * and as other programs write it. */
#include "store/store_internal.h"

/* Where "://" stands behind a scheme (RFC 3986, 3.1); SIZE_MAX for a path. */
static size_t scheme_size(tn_str uri)
{
    size_t i = 0;
    while (i < uri.size) {
        const char c = tn_ascii_lower(uri.data[i]);
        const bool letter = c >= 'a' && c <= 'z';
        const bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!letter && !(other && i > 0)) {
            break;
        }
        i++;
    }
    return i > 0 && tn_str_starts(tn_str_slice(uri, i, uri.size), TN_STR("://")) ? i : SIZE_MAX;
}

static bool is_file(tn_str uri, size_t scheme)
{
    return scheme == 4 && tn_str_equal_fold(tn_str_slice(uri, 0, 4), TN_STR("file"));
}

bool tn_uri_is_local(tn_str uri)
{
    const size_t scheme = scheme_size(uri);
    return scheme == SIZE_MAX || is_file(uri, scheme);
}

tarn_code tn_uri_join(tn_arena *arena, tn_str base, tn_str relative, tn_str *out, tarn_error *err)
{
    if (base.size == 0 || scheme_size(relative) != SIZE_MAX ||
        (relative.size > 0 && relative.data[0] == '/')) {
        return tn_arena_copy(arena, relative, out, err);
    }
    const bool slash = base.data[base.size - 1] == '/';
    void *memory;
    *out = TN_STR_NONE;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, base.size + relative.size + 2, &memory, err));
    char *text = memory;
    size_t size = base.size;
    memcpy(text, base.data, base.size);
    if (!slash) {
        text[size++] = '/';
    }
    if (relative.size > 0) {
        memcpy(text + size, relative.data, relative.size);
    }
    *out = (tn_str){text, size + relative.size};
    return TARN_OK;
}

/* The path of "file:///a%20b": "/a b". */
static TN_FALLIBLE file_path(tn_str uri, tn_arena *arena, tn_str *out, tarn_error *err)
{
    tn_str rest = tn_str_slice(uri, strlen("file://"), uri.size);
    if (tn_str_starts(rest, TN_STR("localhost/"))) {
        rest = tn_str_slice(rest, strlen("localhost"), rest.size);
    }
    if (rest.size == 0 || rest.data[0] != '/') {
        (void)tn_fail(err, TARN_E_INVALID, "'%.*s' names a file of another host", TN_STR_ARGS(uri));
        tn_hint(err, "a file's URI has three slashes: file:///path; a relative path needs none");
        return TARN_E_INVALID;
    }
    if (tn_str_find(rest, '%') == SIZE_MAX) {
        *out = rest;
        return TARN_OK;
    }
    void *memory;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, rest.size + 1, &memory, err));
    char *text = memory;
    size_t size = 0;
    for (size_t i = 0; i < rest.size; i++) {
        char c = rest.data[i];
        if (c == '%' && rest.size - i > 2) {
            const int high = tn_hex_digit(rest.data[i + 1]);
            const int low = tn_hex_digit(rest.data[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
            }
        }
        text[size++] = c;
    }
    *out = (tn_str){text, size};
    return TARN_OK;
}

static TN_FALLIBLE unknown_scheme(tn_str scheme, tarn_error *err)
{
    static const tn_str known[] = {{"s3", 2}, {"file", 4}, {"memory", 6}};
    (void)tn_fail(err, TARN_E_UNSUPPORTED,
                  "no store for '%.*s://': the known ones are paths, file://, s3:// (also s3a://, "
                  "s3n://) and memory://",
                  TN_STR_ARGS(scheme));
    const tn_str near = tn_str_nearest(scheme, known, sizeof(known) / sizeof(known[0]));
    if (near.size > 0) {
        tn_hint(err, "did you mean '%.*s://'?", TN_STR_ARGS(near));
    } else if (tn_str_starts(scheme, TN_STR("http"))) {
        tn_hint(err, "fetch it first; FROM '-' reads what curl writes to standard output");
    }
    return TARN_E_UNSUPPORTED;
}

/* The store of this root, made where it is asked for the first time. */
static TN_FALLIBLE store_of(tn_stores *stores, tn_str scheme, tn_str name, tn_store **out,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    char root[sizeof(stores->first->root)];

    *out = NULL;
    if (name.size + scheme.size + 4 > sizeof(root)) {
        return tn_fail(err, TARN_E_INVALID, "'%.*s' is too long for a bucket's name",
                       TN_STR_ARGS(name));
    }
    size_t size = 0;
    memcpy(root, scheme.data, scheme.size);
    size += scheme.size;
    memcpy(root + size, "://", 3);
    size += 3;
    memcpy(root + size, name.data, name.size);
    root[size + name.size] = '\0';

    pthread_mutex_lock(&stores->lock);
    tn_store *found = stores->first;
    while (found != NULL && strcmp(found->root, root) != 0) {
        found = found->next;
    }
    if (found == NULL) {
        code = scheme.data[0] == 's' ? tn_store__s3(stores, name, &found, err)
                                     : tn_store__memory(stores, name, &found, err);
        if (code == TARN_OK) {
            memcpy(found->root, root, sizeof(root));
            found->next = stores->first;
            stores->first = found;
        }
    }
    pthread_mutex_unlock(&stores->lock);
    *out = found;
    return code;
}

tarn_code tn_stores_resolve(tn_stores *stores, tn_str uri, tn_arena *arena, tn_store **store,
                            tn_str *key, tarn_error *err)
{
    const size_t size = scheme_size(uri);

    *store = NULL;
    *key = TN_STR_NONE;
    if (uri.size == 0) {
        return tn_fail(err, TARN_E_INVALID, "an empty text is no path and no URI");
    }
    if (size == SIZE_MAX) {
        *store = stores->local;
        *key = uri;
        return TARN_OK;
    }
    if (is_file(uri, size)) {
        *store = stores->local;
        return file_path(uri, arena, key, err);
    }
    const tn_str given = tn_str_slice(uri, 0, size);
    const bool s3 = tn_str_equal_fold(given, TN_STR("s3")) ||
                    tn_str_equal_fold(given, TN_STR("s3a")) ||
                    tn_str_equal_fold(given, TN_STR("s3n"));
    if (!s3 && !tn_str_equal_fold(given, TN_STR("memory"))) {
        return unknown_scheme(given, err);
    }
    const tn_str rest = tn_str_slice(uri, size + 3, uri.size);
    const size_t slash = tn_str_find(rest, '/');
    const tn_str name = tn_str_slice(rest, 0, slash == SIZE_MAX ? rest.size : slash);
    if (tn_str_find(name, '@') != SIZE_MAX || tn_str_find(name, ':') != SIZE_MAX) {
        /* Not repeated in the message: what stands there may be a secret. */
        (void)tn_fail(err, TARN_E_INVALID, "%.*s:// URIs take no user, password or port",
                      TN_STR_ARGS(given));
        tn_hint(err, "credentials come from the environment or ~/.aws, an endpoint from "
                     "s3.endpoint");
        return TARN_E_INVALID;
    }
    if (name.size == 0) {
        return tn_fail(err, TARN_E_INVALID, "'%.*s' names no %s", TN_STR_ARGS(uri),
                       s3 ? "bucket" : "store");
    }
    *key = slash == SIZE_MAX ? (tn_str){uri.data + uri.size, 0}
                             : tn_str_slice(rest, slash + 1, rest.size);
    return store_of(stores, s3 ? TN_STR("s3") : TN_STR("memory"), name, store, err);
}

tarn_code tn_stores_add_memory(tn_stores *stores, const char *name, tn_fault_hook *hook,
                               void *context, tn_store **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(store_of(stores, TN_STR("memory"), tn_str_of(name), out, err));
    (*out)->hook = hook;
    (*out)->hook_context = context;
    return TARN_OK;
}
