#include "pipeline/ledger_internal.h"
#include "pipeline/place.h"

#include "base/hash.h"
#include "os/clock.h"
#include "os/file.h"
#include "table/listing/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

/* ---- objects ----------------------------------------------------------------------------------*/

static TN_FALLIBLE key_of(tn_ledger *l, const char *folder, int64_t run, tn_str *out,
                          tarn_error *err)
{
    return tn_arena_print(&l->arena, out, err, "%.*s%s/%012lld.json", TN_STR_ARGS(l->root), folder,
                          (long long)run);
}

tarn_code tn_ledger__fetch(tn_ledger *l, tn_str key, tn_str *out, tarn_error *err)
{
    tn_buffer *buffer = NULL;
    tarn_error cause = TARN_ERROR_INIT;
    *out = TN_STR_NONE;
    tarn_code code =
        tn_store_get(l->store, key, TN_LEDGER_OBJECT_MAX, l->p->pool, &buffer, NULL, &cause);
    if (code == TARN_E_NOT_FOUND) {
        return TARN_OK;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &cause);
        tn_explain(err, "reading the ledger");
        return code;
    }
    code = tn_arena_copy(&l->arena, (tn_str){(const char *)buffer->data, buffer->size}, out, err);
    tn_buffer_release(buffer);
    return code;
}

static TN_FALLIBLE parse(tn_ledger *l, tn_str text, tn_str key, bool is_entry, int64_t run,
                         const tn_json **out, tarn_error *err)
{
    const tarn_code code = tn_json_parse(&l->arena, text, out, err);
    if (code == TARN_E_INVALID) {
        if (err != NULL) {
            err->code = TARN_E_CORRUPT;
        }
        tn_explain(err, "the ledger's '%.*s'", TN_STR_ARGS(key));
        tn_hint(err, "%s", tn_ledger__damage_hint);
        return TARN_E_CORRUPT;
    }
    TN_RETURN_IF_ERROR(code);
    return tn_ledger__check(*out, is_entry, key, run, err);
}

static TN_FALLIBLE forget(tn_ledger *l, const tn_ledger_entry *reset)
{
    for (size_t i = 0; i < l->known.count; i++) {
        tn_known *known = &l->known.items[i];
        if (known->run < reset->run &&
            (reset->forget_run > 0 ? known->run == reset->forget_run
                                   : tn_glob_matches(reset->forget_glob, known->input->key))) {
            known->is_forgotten = true;
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE learn(tn_ledger *l, const tn_ledger_entry *entry, tarn_error *err)
{
    if (entry->is_reset) {
        return forget(l, entry);
    }
    for (size_t s = 0; s < entry->source_count && entry->state != TN_RUN_VOID; s++) {
        const tn_station *station = tn_dataflow__station(l->p, entry->sources[s].id);
        if (station != NULL && station->take_all) {
            continue;
        }
        for (size_t i = 0; i < entry->sources[s].input_count; i++) {
            tn_known known = {.input = &entry->sources[s].inputs[i], .run = entry->run};
            tn_str uri;
            TN_RETURN_IF_ERROR(tn_uri_join(&l->arena, l->p->folder, known.input->key, &uri, err));
            TN_RETURN_IF_ERROR(tn_place(l->p, &l->arena, uri, &known.place, err));
            TN_RETURN_IF_ERROR(tn_vec_push(&l->known, known, err));
        }
    }
    return TARN_OK;
}

static size_t bucket_of(const tn_ledger *l, tn_str place)
{
    return (size_t)tn_hash_bytes(place.data, place.size, 0) & (l->bucket_count - 1);
}

static TN_FALLIBLE index_known(tn_ledger *l, tarn_error *err)
{
    size_t count = 16;
    while (count < l->known.count) {
        count *= 2;
    }
    if (l->known.count >= UINT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "the ledger has too many inputs");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(&l->arena, uint32_t, count, &l->buckets, err));
    l->bucket_count = count;
    for (size_t i = 0; i < l->known.count; i++) {
        uint32_t *bucket = &l->buckets[bucket_of(l, l->known.items[i].place)];
        l->known.items[i].next = *bucket;
        *bucket = (uint32_t)i + 1;
    }
    return TARN_OK;
}

tarn_code tn_ledger__add(tn_ledger *l, tn_str entry_text, tn_str entry_key, tn_str end_text,
                         tn_str end_key, uint32_t packed, tarn_error *err)
{
    tn_ledger_entry *entry;
    const tn_json *root;
    TN_RETURN_IF_ERROR(tn_arena_new(&l->arena, tn_ledger_entry, &entry, err));
    entry->run = l->last + 1;
    entry->text = entry_text;
    entry->end_text = end_text;
    entry->packed = packed;
    TN_RETURN_IF_ERROR(parse(l, entry_text, entry_key, true, entry->run, &root, err));
    TN_RETURN_IF_ERROR(tn_ledger__read_entry(l, root, entry, err));
    entry->state = entry->is_reset ? TN_RUN_DONE : TN_RUN_OPEN;
    if (!entry->is_reset && end_text.data != NULL) {
        TN_RETURN_IF_ERROR(parse(l, end_text, end_key, false, entry->run, &root, err));
        TN_RETURN_IF_ERROR(tn_ledger__read_end(l, root, entry, err));
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&l->entries, entry, err));
    TN_RETURN_IF_ERROR(learn(l, entry, err));
    l->last = entry->run;
    return TARN_OK;
}

/* The next run from objects of its own, if there is one. */
static TN_FALLIBLE load_run(tn_ledger *l, bool *found, tarn_error *err)
{
    tn_str key;
    tn_str end_key;
    tn_str text;
    tn_str end;
    TN_RETURN_IF_ERROR(key_of(l, "runs", l->last + 1, &key, err));
    TN_RETURN_IF_ERROR(tn_ledger__fetch(l, key, &text, err));
    *found = text.data != NULL;
    if (!*found) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(key_of(l, "done", l->last + 1, &end_key, err));
    TN_RETURN_IF_ERROR(tn_ledger__fetch(l, end_key, &end, err));
    return tn_ledger__add(l, text, key, end, end_key, 0, err);
}

tarn_code tn_ledger_load(tn_ledger *l, tarn_error *err)
{
    tn_arena_reset(&l->arena);
    l->entries.count = l->known.count = l->bucket_count = 0;
    l->last = 0;
    for (bool found = true; found;) {
        TN_RETURN_IF_ERROR(tn_ledger__load_pack(l, &found, err));
        if (!found) {
            TN_RETURN_IF_ERROR(load_run(l, &found, err));
        }
    }
    return index_known(l, err);
}

tarn_code tn_ledger_open(tn_ledger *l, tn_dataflow *p, tarn_error *err)
{
    tn_str key;
    *l = (tn_ledger){.p = p};
    l->entries.pool = l->known.pool = p->pool;
    tn_arena_init(&l->arena, p->pool);
    if (p->state.size == 0) {
        return tn_fail(err, TARN_E_INVALID, "the pipeline has no state: it has no sink");
    }
    TN_RETURN_IF_ERROR(tn_stores_resolve(tn_session_stores(p->session), p->state, &p->arena,
                                         &l->store, &key, err));
    return tn_arena_print(&p->arena, &l->root, err, "%.*s%s", TN_STR_ARGS(key),
                          tn_str_ends(key, TN_STR("/")) ? "" : "/");
}

void tn_ledger_close(tn_ledger *l)
{
    if (l->p == NULL) {
        return;
    }
    tn_vec_free(&l->entries);
    tn_vec_free(&l->known);
    tn_arena_deinit(&l->arena);
}

/* ---- asking -----------------------------------------------------------------------------------*/

tn_ledger_entry *tn_ledger_unfinished(const tn_ledger *l)
{
    for (size_t i = 0; i < l->entries.count; i++) {
        if (l->entries.items[i]->state == TN_RUN_OPEN) {
            return l->entries.items[i];
        }
    }
    return NULL;
}

/* The newest of those that may have the place, then older ones. */
static const tn_known *at(const tn_ledger *l, uint32_t index)
{
    return index == 0 ? NULL : &l->known.items[index - 1];
}

static const tn_known *first_at(const tn_ledger *l, tn_str place)
{
    return l->bucket_count == 0 ? NULL : at(l, l->buckets[bucket_of(l, place)]);
}

/* "DEVICE-INODE-TIME-SIZE" without the first. */
static tn_str within_device(tn_str tag)
{
    const size_t dash = tn_str_find(tag, '-');
    return dash == SIZE_MAX ? tag : tn_str_slice(tag, dash, tag.size);
}

bool tn_input_is(const tn_input *input, uint64_t size, tn_str tag, bool is_local)
{
    return input->size == size &&
           (is_local ? tn_str_equal(within_device(input->tag), within_device(tag))
                     : tn_str_equal(input->tag, tag));
}

static bool is_it(const tn_known *known, const tn_listed_file *file)
{
    return tn_input_is(known->input, file->size, tn_str_of(file->tag),
                       tn_store_is_local(file->store));
}

const tn_known *tn_ledger_find(const tn_ledger *l, tn_str source, tn_str place,
                               const tn_listed_file *file, const tn_known **same_name)
{
    *same_name = NULL;
    for (const tn_known *known = first_at(l, place); known != NULL; known = at(l, known->next)) {
        if (known->is_forgotten || !tn_str_equal(known->place, place) ||
            !tn_str_equal(known->input->source, source)) {
            continue;
        }
        if (is_it(known, file)) {
            return known;
        }
        *same_name = *same_name == NULL ? known : *same_name;
    }
    return NULL;
}

const tn_known *tn_ledger_taken_before(const tn_ledger *l, tn_str place, const tn_listed_file *file)
{
    for (const tn_known *known = first_at(l, place); known != NULL; known = at(l, known->next)) {
        if (!known->is_forgotten && is_it(known, file) && tn_str_equal(known->place, place) &&
            tn_dataflow__station(l->p, known->input->source) == NULL) {
            return known;
        }
    }
    return NULL;
}

bool tn_ledger_has_content(const tn_ledger *l, tn_str source, tn_str place, uint64_t size,
                           tn_str hash)
{
    for (const tn_known *known = first_at(l, place); known != NULL; known = at(l, known->next)) {
        const tn_str had = known->input->hash;
        if (!known->is_forgotten && known->input->size == size && had.size > 0 &&
            (hash.size == 0 || tn_str_equal(had, hash)) && tn_str_equal(known->place, place) &&
            tn_str_equal(known->input->source, source)) {
            return true;
        }
    }
    return false;
}

/* Bytes that could say something of columns. */
static bool has_bytes(const tn_entry_source *source)
{
    bool found = false;
    for (size_t i = 0; i < source->input_count; i++) {
        found = found || source->inputs[i].size > 0;
    }
    return found;
}

const tn_entry_source *tn_ledger_columns(const tn_ledger *l, tn_str source)
{
    const tn_entry_source *newest = NULL;
    for (size_t i = l->entries.count; i > 0; i--) {
        const tn_ledger_entry *entry = l->entries.items[i - 1];
        for (size_t s = 0; s < entry->source_count && entry->state == TN_RUN_DONE; s++) {
            const tn_entry_source *each = &entry->sources[s];
            if (!each->has_columns || !tn_str_equal(each->id, source)) {
                continue;
            }
            newest = newest == NULL ? each : newest;
            if (has_bytes(each)) {
                return newest;
            }
        }
    }
    return NULL; /* also where there was no file yet: what was declared need not be all */
}

/* ---- writing ----------------------------------------------------------------------------------*/

static bool contains(const tn_buffer *buffer, tn_str text)
{
    for (size_t i = 0; i + text.size <= buffer->size; i++) {
        if (memcmp(buffer->data + i, text.data, text.size) == 0) {
            return true;
        }
    }
    return false;
}

/* One create-only put; after any answer that is not definite the key is looked at. */
static TN_FALLIBLE put(tn_ledger *l, const char *folder, int64_t run, tn_str id, tn_str bytes,
                       bool *mine, tarn_error *err)
{
    const tn_put_options options = {
        .mode = TN_PUT_CREATE, .content_type = "application/json", .durable = true};
    tarn_error cause = TARN_ERROR_INIT;
    tn_str key;
    TN_RETURN_IF_ERROR(key_of(l, folder, run, &key, err));
    for (unsigned tries = 0;; tries++) {
        tn_outcome outcome = TN_OUTCOME_UNKNOWN;
        tn_buffer *buffer = NULL;
        const tarn_code code = tn_store_put(l->store, key, bytes, &options, &outcome, &cause);
        *mine = code == TARN_OK;
        if (code == TARN_OK) {
            return TARN_OK;
        }
        if (outcome != TN_OUTCOME_REFUSED &&
            tn_store_get(l->store, key, TN_LEDGER_OBJECT_MAX, l->p->pool, &buffer, NULL, NULL) ==
                TARN_OK) {
            *mine = contains(buffer, id);
            tn_buffer_release(buffer);
            return TARN_OK;
        }
        if (outcome == TN_OUTCOME_REFUSED || code == TARN_E_CANCELLED || tries == 5) {
            tn_error_copy(err, &cause);
            tn_explain(err, "writing the ledger");
            return code;
        }
        tn_clock_sleep_ms(20U << tries);
    }
}

tarn_code tn_ledger_begin(tn_ledger *l, const tn_ledger_entry *entry, bool *mine, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text text;
    tn_text_init(&text, l->p->pool, TN_LEDGER_OBJECT_MAX);
    tn_json_writer w = {.out = &text};
    tn_ledger__put_entry(&w, entry);
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(put(l, "runs", entry->run, entry->id, tn_text_str(&text), mine, err));
done:
    tn_text_deinit(&text);
    return code;
}

tarn_code tn_ledger_end(tn_ledger *l, const tn_ledger_entry *entry, bool *mine, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text text;
    tn_text_init(&text, l->p->pool, TN_LEDGER_OBJECT_MAX);
    tn_json_writer w = {.out = &text};
    tn_ledger__put_end(&w, entry);
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(put(l, "done", entry->run, entry->id, tn_text_str(&text), mine, err));
done:
    tn_text_deinit(&text);
    return code;
}

/* ---- the lock ---------------------------------------------------------------------------------*/

tarn_code tn_ledger_lock(tn_ledger *l, bool no_wait, void (*waiting)(void *context), void *context,
                         int *fd, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_path path;
    tn_path folder;
    tn_str lock;
    bool told = false;

    *fd = -1;
    if (!tn_store_is_local(l->store)) {
        return TARN_OK;
    }
    TN_TRY(tn_path_set(&folder, tn_str_slice(l->root, 0, l->root.size - 1), err));
    TN_TRY(tn_folder_make(folder.text, true, err));
    TN_TRY(tn_arena_print(&l->p->arena, &lock, err, "%.*slock", TN_STR_ARGS(l->root)));
    TN_TRY(tn_path_set(&path, lock, err));
    TN_TRY(tn_file_open(path.text, O_RDWR | O_CREAT, fd, err));
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            code = tn_os_fail(err, errno, "locking '%s'", path.text);
            goto done;
        }
        if (no_wait) {
            code = tn_fail(err, TARN_E_CONFLICT, "another runner is at work on '%.*s'",
                           TN_STR_ARGS(l->p->name));
            tn_subject(err, path.text);
            tn_hint(err, "leave out --no-wait to wait for it");
            goto done;
        }
        if (!told && waiting != NULL) {
            waiting(context);
            told = true;
        }
        if (tn_session_is_cancelled(l->p->session)) {
            code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
            goto done;
        }
        tn_clock_sleep_ms(20);
    }
done:
    if (code != TARN_OK) {
        tn_file_close(*fd);
        *fd = -1;
    }
    return code;
}
