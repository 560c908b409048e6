/*
 * Packs: the entries and ends of 16, 256 or 4,096 runs in one object, so that a ledger of many runs
 * is read by few requests.  A line for each entry, one for its end ("null" for none).  Made of
 * objects that are never rewritten, so they may be made by anyone and at any time, or be removed.
 */
#include "pipeline/ledger_internal.h"

#include <string.h>

static const uint32_t spans[] = {16, 256, 4096};
enum { SPANS = sizeof(spans) / sizeof(spans[0]), PACK_MAX = 64 << 20 };

static const char *const pack_hint =
    "nothing was committed or taken; remove that file: it repeats what runs/ and done/ hold";

static TN_FALLIBLE pack_key(tn_ledger *l, int64_t first, uint32_t span, tn_str *out,
                            tarn_error *err)
{
    return tn_arena_print(&l->arena, out, err, "%.*spacks/%012lld-%012lld.jsonl",
                          TN_STR_ARGS(l->root), (long long)first, (long long)(first + span - 1));
}

/* ---- reading ---- */

static TN_FALLIBLE fail_damaged(tn_str key, int64_t run, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_CORRUPT, "the ledger's '%.*s' ends before run %lld", TN_STR_ARGS(key),
                  (long long)run);
    tn_hint(err, "%s", pack_hint);
    return TARN_E_CORRUPT;
}

static bool next_line(tn_str *text, tn_str *line)
{
    const char *end = text->size == 0 ? NULL : memchr(text->data, '\n', text->size);
    if (end == NULL) {
        return false;
    }
    *line = tn_str_slice(*text, 0, (size_t)(end - text->data));
    *text = tn_str_slice(*text, line->size + 1, text->size);
    return true;
}

static TN_FALLIBLE add_runs(tn_ledger *l, tn_str key, tn_str text, uint32_t span, tarn_error *err)
{
    for (uint32_t i = 0; i < span; i++) {
        tn_str entry;
        tn_str end;
        if (!next_line(&text, &entry) || !next_line(&text, &end)) {
            return fail_damaged(key, l->last + 1, err);
        }
        end = tn_str_equal(end, TN_STR("null")) ? TN_STR_NONE : end;
        const tarn_code code = tn_ledger__add(l, entry, key, end, key, span, err);
        if (code == TARN_E_CORRUPT && err != NULL) {
            err->hint[0] = '\0'; /* that of an object, which nothing repeats */
            tn_hint(err, "%s", pack_hint);
        }
        TN_RETURN_IF_ERROR(code);
    }
    return TARN_OK;
}

tarn_code tn_ledger__load_pack(tn_ledger *l, bool *found, tarn_error *err)
{
    tn_str key = TN_STR_NONE;
    tn_str text = TN_STR_NONE;
    uint32_t span = 0;
    *found = false;
    /* Small ones are made first: where one is missing there is no larger one. */
    for (size_t i = 0; i < SPANS && l->last % spans[i] == 0; i++) {
        tn_str larger_key;
        tn_str larger;
        TN_RETURN_IF_ERROR(pack_key(l, l->last + 1, spans[i], &larger_key, err));
        TN_RETURN_IF_ERROR(tn_ledger__fetch(l, larger_key, &larger, err));
        if (larger.data == NULL) {
            break;
        }
        key = larger_key;
        text = larger;
        span = spans[i];
    }
    *found = span > 0;
    return span == 0 ? TARN_OK : add_runs(l, key, text, span, err);
}

/* ---- writing ---- */

static bool is_line(tn_str text)
{
    return text.size > 0 && memchr(text.data, '\n', text.size) == NULL;
}

/* Runs that have ended, none of which a pack of that size holds. */
static bool can_pack(tn_ledger_entry *const *entries, uint32_t span)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < span; i++) {
        const tn_ledger_entry *entry = entries[i];
        bytes += entry->text.size + entry->end_text.size;
        if (entry->packed >= span || entry->state == TN_RUN_OPEN || !is_line(entry->text) ||
            (entry->end_text.data != NULL && !is_line(entry->end_text)) || bytes > PACK_MAX) {
            return false;
        }
    }
    return true;
}

static TN_FALLIBLE write_pack(tn_ledger *l, tn_ledger_entry *const *entries, uint32_t span,
                              tarn_error *err)
{
    const tn_put_options options = {
        .mode = TN_PUT_CREATE, .content_type = "application/x-ndjson", .durable = true};
    tarn_code code = TARN_OK;
    tn_outcome outcome;
    tn_text text;
    tn_str key;
    tn_text_init(&text, l->p->pool, TN_LEDGER_OBJECT_MAX);
    for (uint32_t i = 0; i < span; i++) {
        const tn_str end = entries[i]->end_text;
        tn_text_append(&text, entries[i]->text);
        tn_text_puts(&text, "\n");
        tn_text_append(&text, end.data != NULL ? end : TN_STR("null"));
        tn_text_puts(&text, "\n");
    }
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(pack_key(l, entries[0]->run, span, &key, err));
    TN_TRY(tn_store_put(l->store, key, tn_text_str(&text), &options, &outcome, err));
done:
    tn_text_deinit(&text);
    return code;
}

void tn_ledger_pack(tn_ledger *l)
{
    for (size_t s = 0; s < SPANS; s++) {
        const uint32_t span = spans[s];
        for (size_t at = 0; at + span <= l->entries.count; at += span) {
            tn_ledger_entry **entries = l->entries.items + at;
            if (!can_pack(entries, span)) {
                continue;
            }
            const tarn_code code = write_pack(l, entries, span, NULL);
            if (code != TARN_OK && code != TARN_E_EXISTS && code != TARN_E_CONFLICT) {
                return; /* a later run makes it */
            }
        }
    }
}
