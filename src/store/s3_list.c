/* ListObjectsV2, a page at a time; while one is handed out, the next is on its way. */
#include "store/s3_internal.h"

#include <stdio.h>

typedef struct s3_listing {
    tn_listing base;
    tn_arena names; /* prefix, after, and the last page's token */
    tn_str prefix, after;
    bool delimited;
    tn_arena arenas[2]; /* of the page that is handed out, and of the one before */
    unsigned turn;
    tn_s3_page page;
    size_t next;
    bool under_way;
    bool ended;
    tn_s3_request request;
} s3_listing;

static void wake_listing(tn_s3_request *request)
{
    tn_wake(&request->latch.waker);
}

/* Asks for the page behind `token` ("" for the first). */
static void ask(s3_listing *list, tn_str token)
{
    tn_s3_request *request = &list->request;
    tn_s3__init(request, (tn_s3 *)list->base.store, "GET", TN_STR_NONE);
    request->of_bucket = true;
    request->root = "ListBucketResult";
    tn_s3__query(request, TN_STR("list-type"), TN_STR("2"));
    tn_s3__query(request, TN_STR("encoding-type"), TN_STR("url"));
    tn_s3__query(request, TN_STR("prefix"), list->prefix);
    if (list->delimited) {
        tn_s3__query(request, TN_STR("delimiter"), TN_STR("/"));
    }
    if (token.size > 0) {
        tn_s3__query(request, TN_STR("continuation-token"), token);
    } else if (list->after.size > 0) {
        tn_s3__query(request, TN_STR("start-after"), list->after);
    }
    tn_latch_init(&request->latch);
    request->complete = wake_listing;
    list->under_way = true;
    tn_s3__start(request);
}

static TN_FALLIBLE fail_stuck(const s3_listing *list, tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT,
                   "listing '%s/%.*s': the server repeats itself and would never end",
                   list->base.store->root, TN_STR_ARGS(list->prefix));
}

/* Takes the page that is under way, and asks for the one behind it. */
static TN_FALLIBLE take_page(s3_listing *list, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_s3_request *request = &list->request;
    tn_arena *arena = &list->arenas[list->turn ^= 1];
    tn_s3_page page = {.count = 0};
    tn_str token;

    tn_latch_wait(&request->latch);
    list->under_way = false;
    list->ended = true; /* unless all goes well */
    if (request->code != TARN_OK) {
        tn_error_copy(err, &request->error);
        code = request->code;
        goto done;
    }
    tn_arena_reset(arena);
    TN_TRY(tn_s3__page(tn_text_str(&request->answer), arena, &page, err));
    if (page.count > 0) {
        const tn_s3_page *before = &list->page;
        if (before->count > 0 && tn_str_compare(page.entries[page.count - 1].key,
                                                before->entries[before->count - 1].key) <= 0) {
            code = fail_stuck(list, err);
            goto done;
        }
    } else if (page.truncated && list->page.count == 0 && list->page.token.size > 0) {
        code = fail_stuck(list, err); /* a second empty page */
        goto done;
    }
    if (page.truncated && (page.token.size == 0 || tn_str_equal(page.token, list->page.token))) {
        code = fail_stuck(list, err);
        goto done;
    }
    list->page = page;
    list->next = 0;
    list->ended = !page.truncated;
    token = page.token;
done:
    tn_s3__deinit(request);
    if (code == TARN_OK && !list->ended) {
        ask(list, token);
    }
    return code;
}

static tarn_code list_next(tn_listing *base, tn_object_info *entry, bool *more, tarn_error *err)
{
    s3_listing *list = (s3_listing *)base;
    for (;;) {
        while (list->next < list->page.count) {
            const tn_s3_entry *at = &list->page.entries[list->next++];
            const size_t name = tn_str_find_last(at->key, '/') + 1; /* 0 where there is none */
            if (!tn_str_starts(at->key, list->prefix) ||
                (list->after.size > 0 && tn_str_compare(at->key, list->after) <= 0) ||
                tn_store__is_hidden(tn_str_slice(at->key, name, at->key.size))) {
                continue;
            }
            entry->key = at->key;
            entry->size = at->size;
            entry->modified_us = at->modified_us;
            entry->is_folder = at->is_folder;
            (void)snprintf(entry->tag, sizeof(entry->tag), "%.*s", TN_STR_ARGS(at->tag));
            *more = true;
            return TARN_OK;
        }
        if (!list->under_way) {
            return TARN_OK;
        }
        const tarn_code code = take_page(list, err);
        if (code != TARN_OK) {
            list->next = list->page.count = 0;
            return code;
        }
    }
}

static void list_close(tn_listing *base)
{
    s3_listing *list = (s3_listing *)base;
    if (list->under_way) {
        tn_s3__cancel(&list->request);
        tn_latch_wait(&list->request.latch);
        tn_s3__deinit(&list->request);
    }
    tn_arena_deinit(&list->arenas[0]);
    tn_arena_deinit(&list->arenas[1]);
    tn_arena_deinit(&list->names);
    tn_pool_free(base->pool, list, sizeof(*list));
}

tarn_code tn_s3__listing_open(tn_store *store, tn_str prefix, tn_str after, bool delimited,
                              tn_pool *pool, tn_listing **out, tarn_error *err)
{
    static const tn_listing_kind kind = {list_next, list_close};
    tarn_code code = TARN_OK;
    void *memory;

    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(s3_listing), &memory, err));
    s3_listing *list = memory;
    list->base = (tn_listing){.kind = &kind, .store = store, .pool = pool};
    list->delimited = delimited;
    tn_arena_init(&list->names, pool);
    tn_arena_init(&list->arenas[0], pool);
    tn_arena_init(&list->arenas[1], pool);
    TN_TRY(tn_arena_copy(&list->names, prefix, &list->prefix, err));
    TN_TRY(tn_arena_copy(&list->names, after, &list->after, err));
    ask(list, TN_STR_NONE);
    *out = &list->base;
    list = NULL;
done:
    if (list != NULL) {
        list_close(&list->base);
    }
    return code;
}
