/* Files and objects below a URI. */
#include "session/facts_internal.h"

#include "base/sort.h"

typedef struct walk {
    tn_session *session;
    tn_arena arena; /* of one entry */
    tn_walk_visit *visit;
    void *context;
    tn_store *store; /* of what is listed */
    uint64_t seen;
} walk;

static TN_FALLIBLE see(walk *w, tn_store *store, size_t prefix, const tn_object_info *info,
                       tarn_error *err)
{
    tn_walk_entry entry = {.store = store, .info = info};
    entry.relative = tn_str_slice(info->key, prefix, info->key.size);
    tn_arena_reset(&w->arena);
    TN_RETURN_IF_ERROR(tn_store_uri(store, info->key, &w->arena, &entry.uri, err));
    w->seen++;
    return w->visit(w->context, &entry, err);
}

static tarn_code see_listed(void *context, const tn_object_info *info, tn_str below,
                            tarn_error *err)
{
    walk *w = context;
    return see(w, w->store, info->key.size - below.size, info, err);
}

static TN_FALLIBLE list(walk *w, tn_store *store, const tn_glob *glob, bool recursive,
                        tarn_error *err)
{
    w->store = store;
    return tn_glob_list(store, glob, !recursive, &w->session->cancelled, &w->session->pool,
                        see_listed, w, err);
}

static TN_FALLIBLE missing(tn_str uri, bool pattern, bool folders, tarn_error *err)
{
    return tn_fail(err, TARN_E_NOT_FOUND,
                   !pattern  ? "there is no file or folder '%.*s'"
                   : folders ? "no file or folder matches '%.*s'"
                             : "no file matches '%.*s'",
                   TN_STR_ARGS(uri));
}

static TN_FALLIBLE walk_plain(walk *w, tn_store *store, tn_str key, bool recursive, tn_arena *arena,
                              bool *is_there, tarn_error *err)
{
    tn_object_info info;
    tarn_error unseen = TARN_ERROR_INIT;
    tn_glob folder = {.folder = key};
    tarn_code code = key.size == 0 ? TARN_E_NOT_FOUND : tn_store_head(store, key, &info, &unseen);
    *is_there = code == TARN_OK;
    if (code == TARN_OK && !info.is_folder) {
        info.key = key;
        const size_t slash = tn_str_find_last(key, '/');
        return see(w, store, slash == SIZE_MAX ? 0 : slash + 1, &info, err);
    }
    if (code != TARN_OK && code != TARN_E_NOT_FOUND) {
        tn_error_copy(err, &unseen);
        return code;
    }
    if (key.size > 0 && !tn_str_ends(key, TN_STR("/"))) {
        TN_RETURN_IF_ERROR(tn_arena_print(arena, &folder.folder, err, "%.*s/", TN_STR_ARGS(key)));
    }
    code = list(w, store, &folder, recursive, &unseen);
    /* Elsewhere it is the bucket that is not there. */
    if (code != TARN_OK &&
        !(code == TARN_E_NOT_FOUND && w->seen == 0 && tn_store_is_local(store))) {
        tn_error_copy(err, &unseen);
        return code;
    }
    *is_there = *is_there || (key.size == 0 && code == TARN_OK); /* an empty bucket */
    return TARN_OK;
}

tarn_code tn_walk(tn_session *session, tn_str uri, uint32_t what, tn_walk_visit *visit,
                  void *context, tarn_error *err)
{
    tarn_code code = TARN_OK;
    walk w = {.session = session, .visit = visit, .context = context};
    tn_arena arena;
    tn_store *store;
    tn_str key;
    tn_glob glob;
    bool is_there = false;

    tn_arena_init(&arena, &session->pool);
    tn_arena_init(&w.arena, &session->pool);
    TN_TRY(tn_stores_resolve(session->stores, uri, &arena, &store, &key, err));
    TN_TRY(tn_glob_of(store, key, &session->pool, &glob, err));
    if (glob.pattern.size > 0) {
        const bool folders = (what & TN_WALK_FOLDERS) != 0;
        glob.below = folders && (what & TN_WALK_ALL) != 0;
        glob.folders = folders && !glob.below;
        TN_TRY(list(&w, store, &glob, true, err));
    } else {
        TN_TRY(walk_plain(&w, store, key, (what & TN_WALK_ALL) != 0, &arena, &is_there, err));
    }
    /* A bucket's folder without an object is none; an empty local one is. */
    if (w.seen == 0 && !is_there) {
        code = missing(uri, glob.pattern.size > 0, (what & TN_WALK_FOLDERS) != 0, err);
    }
done:
    tn_arena_deinit(&w.arena);
    tn_arena_deinit(&arena);
    return code;
}

/* ---- answers ----------------------------------------------------------------------------------*/

typedef struct listed {
    tn_str uri;
    uint64_t size;
    int64_t modified_us;
    bool is_folder;
    const char *tag; /* or NULL */
} listed;

typedef struct gathering {
    tn_arena *arena;
    TN_VEC(listed) items;
} gathering;

static tarn_code gather(void *context, const tn_walk_entry *entry, tarn_error *err)
{
    gathering *g = context;
    listed item = {.size = entry->info->size,
                   .modified_us = entry->info->modified_us,
                   .is_folder = entry->info->is_folder};
    tn_str tag;
    TN_RETURN_IF_ERROR(tn_arena_copy(g->arena, tn_str_of(entry->info->tag), &tag, err));
    item.tag = tag.data;
    TN_RETURN_IF_ERROR(tn_arena_copy(g->arena, entry->uri, &item.uri, err));
    if (item.is_folder && !tn_str_ends(item.uri, TN_STR("/"))) {
        TN_RETURN_IF_ERROR(
            tn_arena_print(g->arena, &item.uri, err, "%.*s/", TN_STR_ARGS(item.uri)));
    }
    return tn_vec_push(&g->items, item, err);
}

static int by_uri(const void *a, const void *b, void *context)
{
    (void)context;
    return tn_str_compare(((const listed *)a)->uri, ((const listed *)b)->uri);
}

enum { WITHOUT_TAG = 4, WITH_TAG = 5 };
#define LIST_FIELDS                                                                          \
    {                                                                                        \
        {TN_STR("uri"), TN_VARCHAR, false}, {TN_STR("size"), TN_BIGINT, true},               \
            {TN_STR("modified"), TN_TIMESTAMPTZ, true}, {TN_STR("kind"), TN_VARCHAR, false}, \
        {                                                                                    \
            TN_STR("tag"), TN_VARCHAR, true                                                  \
        }                                                                                    \
    }

static tn_value timestamp(int64_t us)
{
    return us == 0 ? tn_value_null(TN_TIMESTAMPTZ) : (tn_value){.type = TN_TIMESTAMPTZ, .i64 = us};
}

static TN_FALLIBLE put_listed(tn_facts_maker *maker, const listed *item, const char *tag,
                              tarn_error *err)
{
    const tn_value values[] = {
        tn_value_varchar(item->uri),
        item->is_folder ? tn_value_null(TN_BIGINT) : tn_value_bigint((int64_t)item->size),
        timestamp(item->modified_us),
        tn_value_varchar(item->is_folder ? TN_STR("folder") : TN_STR("file")),
        tag == NULL || tag[0] == '\0' ? tn_value_null(TN_VARCHAR)
                                      : tn_value_varchar(tn_str_of(tag))};
    return tn_facts__put(maker, values, err);
}

static TN_FALLIBLE list_all(tn_session *session, tn_str uri, uint32_t what, uint32_t width,
                            tn_arena *arena, tn_facts *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_field list_fields[] = LIST_FIELDS;
    gathering g = {.arena = arena};
    tn_facts_maker maker = {NULL, 0};

    g.items.pool = &session->pool;
    *out = (tn_facts){.chunk = NULL};
    TN_TRY(tn_walk(session, uri, what, gather, &g, err));
    tn_sort(g.items.items, g.items.count, sizeof(listed), by_uri, NULL);
    TN_TRY(tn_facts__begin(session, list_fields, width, &maker, err));
    for (size_t i = 0; i < g.items.count; i++) {
        TN_TRY(put_listed(&maker, &g.items.items[i], g.items.items[i].tag, err));
    }
    TN_TRY(tn_facts__finish(&maker, list_fields, width, arena, out, err));
done:
    tn_facts__end(&maker);
    tn_vec_free(&g.items);
    return code;
}

tarn_code tn_inspect_list(tn_session *session, tn_str uri, uint32_t what, tn_arena *arena,
                          tn_facts *out, tarn_error *err)
{
    return list_all(session, uri, what, WITHOUT_TAG, arena, out, err);
}

/* A prefix of objects' names has nothing to tell of itself; whoever asks may mean what is below. */
static TN_FALLIBLE explain_prefix(tn_session *session, tn_store *store, tn_str key, tn_str uri,
                                  tn_arena *arena, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_listing *listing = NULL;
    tn_object_info info;
    tn_str prefix = key;
    tarn_error unseen = TARN_ERROR_INIT;
    bool any = false;
    if (key.size > 0 && !tn_str_ends(key, TN_STR("/"))) {
        TN_TRY(tn_arena_print(arena, &prefix, &unseen, "%.*s/", TN_STR_ARGS(key)));
    }
    TN_TRY(tn_listing_open(store, prefix, TN_STR_NONE, false, &session->pool, &listing, &unseen));
    TN_TRY(tn_listing_next(listing, &info, &any, &unseen));
done:
    if (listing != NULL) {
        tn_listing_close(listing);
    }
    if (code == TARN_OK && any) {
        const bool slash = tn_str_ends(uri, TN_STR("/"));

        code = tn_fail(err, TARN_E_NOT_FOUND, "'%.*s' is a prefix of objects, not an object",
                       TN_STR_ARGS(uri));
        tn_hint(err, "'tarn ls %.*s%s' lists what is below it", TN_STR_ARGS(uri), slash ? "" : "/");
    }
    return TARN_E_NOT_FOUND;
}

tarn_code tn_inspect_stat(tn_session *session, tn_str uri, tn_arena *arena, tn_facts *out,
                          tarn_error *err)
{
    const tn_field list_fields[] = LIST_FIELDS;
    tarn_code code = TARN_OK;
    tn_facts_maker maker = {NULL, 0};
    tn_object_info info;
    tn_store *store;
    tn_str key;
    tn_glob glob;

    *out = (tn_facts){.chunk = NULL};
    TN_TRY(tn_stores_resolve(session->stores, uri, arena, &store, &key, err));
    TN_TRY(tn_glob_of(store, key, &session->pool, &glob, err));
    if (glob.pattern.size > 0) {
        return list_all(session, uri, TN_WALK_FOLDERS, WITH_TAG, arena, out, err);
    }
    code = tn_store_head(store, key, &info, err);
    if (code == TARN_E_NOT_FOUND && !tn_store_is_local(store) && err != NULL) {
        code = explain_prefix(session, store, key, uri, arena, err);
    }
    if (code != TARN_OK) {
        goto done;
    }
    listed item = {.size = info.size, .modified_us = info.modified_us, .is_folder = info.is_folder};
    TN_TRY(tn_store_uri(store, key, arena, &item.uri, err));
    TN_TRY(tn_facts__begin(session, list_fields, 5, &maker, err));
    TN_TRY(put_listed(&maker, &item, info.tag, err));
    TN_TRY(tn_facts__finish(&maker, list_fields, 5, arena, out, err));
done:
    tn_facts__end(&maker);
    return code;
}

/* ---- uploads that were left open ---- */

typedef struct uploads {
    tn_facts_maker *maker;
    tarn_code code;
    tarn_error *err;
} uploads;

static bool see_upload(void *context, const tn_open_upload *upload)
{
    uploads *u = context;
    const tn_value values[] = {
        tn_value_varchar(upload->uri), tn_value_varchar(upload->id), timestamp(upload->started_us),
        upload->process > 0 ? tn_value_bigint(upload->process) : tn_value_null(TN_BIGINT)};
    u->code = tn_facts__put(u->maker, values, u->err);
    return u->code == TARN_OK;
}

tarn_code tn_inspect_uploads(tn_session *session, tn_str uri, tn_arena *arena, tn_facts *out,
                             tarn_error *err)
{
    const tn_field fields[] = {{TN_STR("uri"), TN_VARCHAR, false},
                               {TN_STR("id"), TN_VARCHAR, false},
                               {TN_STR("started"), TN_TIMESTAMPTZ, true},
                               {TN_STR("process"), TN_BIGINT, true}};
    tarn_code code = TARN_OK;
    tn_facts_maker maker = {NULL, 0};
    uploads u = {.maker = &maker, .code = TARN_OK, .err = err};

    *out = (tn_facts){.chunk = NULL};
    TN_TRY(tn_facts__begin(session, fields, 4, &maker, err));
    TN_TRY(tn_stores_uploads(session->stores, uri, see_upload, &u, err));
    TN_TRY(u.code);
    TN_TRY(tn_facts__finish(&maker, fields, 4, arena, out, err));
done:
    tn_facts__end(&maker);
    return code;
}
