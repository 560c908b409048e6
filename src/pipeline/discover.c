#include "pipeline/discover.h"

#include "base/utf8.h"
#include "pipeline/content.h"
#include "pipeline/place.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- new files --------------------------------------------------------------------------------*/

typedef struct finder {
    tn_dataflow *p;
    const tn_ledger *ledger;
    bool every;
    tn_arena *arena;
    tn_discover_note *note;
    void *context;
    tn_discovery *out;
} finder;

static void note(const finder *f, bool is_warning, const char *format, ...) TN_PRINTF(3, 4);
static void note(const finder *f, bool is_warning, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (f->note == NULL) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    f->note(f->context, is_warning, tn_str_of(text));
}

/* A file whose time or inode moved is hashed before it counts as new. */
static TN_FALLIBLE is_new(const finder *f, const tn_station *station, const tn_listed_file *file,
                          tn_str key, tn_str place, bool *out, tarn_error *err)
{
    const tn_known *same;
    tn_str hash;
    *out = true;
    if (f->every || station->take_all) {
        return TARN_OK;
    }
    if (tn_ledger_find(f->ledger, station->id, place, file, &same) != NULL) {
        *out = false;
        return TARN_OK;
    }
    if (same == NULL) {
        const tn_known *before = tn_ledger_taken_before(f->ledger, place, file);
        if (before != NULL && f->out->taken_before == NULL) {
            f->out->taken_before = before;
            f->out->taken_by = station;
        }
        return TARN_OK;
    }
    if (tn_store_is_local(file->store) &&
        tn_ledger_has_content(f->ledger, station->id, place, file->size, TN_STR_NONE)) {
        TN_RETURN_IF_ERROR(tn_content_hash(NULL, f->p, file, f->arena, &hash, err));
        *out = !tn_ledger_has_content(f->ledger, station->id, place, file->size, hash);
    }
    if (*out) {
        note(f, true,
             "'%.*s' holds something else than when run %lld took it: it is taken again, "
             "and the earlier rows stay",
             TN_STR_ARGS(key), (long long)same->run);
    }
    return TARN_OK;
}

/* Among the first `count`, of the patterns before. */
static bool has_file(const tn_source_pin *pin, size_t count, tn_str place,
                     const tn_listed_file *file)
{
    for (size_t i = 0; i < count; i++) {
        if (tn_str_equal(pin->places[i], place) && pin->files[i].size == file->size &&
            strcmp(pin->files[i].tag, file->tag) == 0) {
            return true; /* two patterns match it */
        }
    }
    return false;
}

/* The ledger is JSON, which could not give such a name back. */
static TN_FALLIBLE check_name(const tn_station *station, tn_str uri, tarn_error *err)
{
    char shown[300];
    size_t size = 0;
    if (tn_utf8_valid(uri.data, uri.size)) {
        return TARN_OK;
    }
    for (size_t i = 0; i < uri.size && size + 5 < sizeof(shown); i++) {
        const unsigned char c = (unsigned char)uri.data[i];
        size +=
            (size_t)snprintf(shown + size, sizeof(shown) - size, c < 0x80 ? "%c" : "\\x%02x", c);
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "the name of the file '%s' is not UTF-8, so the ledger cannot keep it: the "
                  "source '%.*s' would take it anew each time",
                  shown, TN_STR_ARGS(station->id));
    tn_hint(err, "give the file a name in UTF-8; nothing was taken");
    return TARN_E_INVALID;
}

static TN_FALLIBLE add_files(const finder *f, const tn_station *station, tn_listed_file *files,
                             size_t count, uint64_t limit, tn_source_pin *pin, tarn_error *err)
{
    tn_listed_file *all;
    tn_str *keys;
    tn_str *places;
    const size_t before = pin->count;
    TN_RETURN_IF_ERROR(tn_arena_array(f->arena, tn_str, pin->count + count, &places, err));
    TN_RETURN_IF_ERROR(tn_arena_array(f->arena, tn_listed_file, pin->count + count, &all, err));
    TN_RETURN_IF_ERROR(tn_arena_array(f->arena, tn_str, pin->count + count, &keys, err));
    for (size_t i = 0; i < pin->count; i++) {
        all[i] = pin->files[i];
        keys[i] = pin->keys[i];
        places[i] = pin->places[i];
    }
    pin->places = places;
    pin->files = all;
    pin->keys = keys;
    for (size_t i = 0; i < count && (limit == 0 || pin->count < limit); i++) {
        bool wanted;
        tn_str place;
        tn_str key;
        TN_RETURN_IF_ERROR(check_name(station, files[i].uri, err));
        TN_RETURN_IF_ERROR(tn_place(f->p, f->arena, files[i].uri, &place, err));
        TN_RETURN_IF_ERROR(tn_place_key(f->p, f->arena, files[i].uri, place, &key, err));
        if (has_file(pin, before, place, &files[i])) {
            continue;
        }
        TN_RETURN_IF_ERROR(is_new(f, station, &files[i], key, place, &wanted, err));
        if (wanted) {
            places[pin->count] = place;
            keys[pin->count] = key;
            all[pin->count++] = files[i];
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE keep_columns(const finder *f, const tn_station *station, tn_source_pin *pin,
                                tarn_error *err)
{
    const tn_entry_source *kept =
        f->ledger == NULL ? NULL : tn_ledger_columns(f->ledger, station->id);
    tn_field *fields;
    if (kept == NULL || (f->every && pin->count > 0)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(f->arena, tn_field, kept->column_count, &fields, err));
    for (uint32_t i = 0; i < kept->column_count; i++) {
        fields[i] = kept->columns[i];
        TN_RETURN_IF_ERROR(tn_arena_copy(f->arena, fields[i].name, &fields[i].name, err));
        for (uint32_t j = 0; j < station->column_count; j++) { /* what is declared now counts */
            if (tn_str_equal_fold(station->columns[j].name, fields[i].name)) {
                fields[i].type = station->columns[j].type;
                fields[i].nullable = station->columns[j].nullable;
            }
        }
    }
    pin->columns = fields;
    pin->column_count = kept->column_count;
    pin->has_columns = true;
    return TARN_OK;
}

static bool ever_matched(const finder *f, const tn_station *station)
{
    for (size_t i = 0; f->ledger != NULL && i < f->ledger->entries.count; i++) {
        const tn_ledger_entry *entry = f->ledger->entries.items[i];
        for (size_t s = 0; s < entry->source_count; s++) {
            if (entry->sources[s].input_count > 0 &&
                tn_str_equal(entry->sources[s].id, station->id)) {
                return true;
            }
        }
    }
    return false;
}

tarn_code tn_discover(tn_dataflow *p, const tn_ledger *ledger, bool every, uint64_t limit,
                      tn_arena *arena, tn_discover_note *take_note, void *context,
                      tn_discovery *out, tarn_error *err)
{
    const finder f = {p, ledger, every, arena, take_note, context, out};
    *out = (tn_discovery){0};
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_source_pin, p->nodes.count + 1, &out->pins, err));
    for (size_t i = 0; i < p->nodes.count; i++) {
        const tn_station *station = p->nodes.items[i];
        tn_source_pin *pin = &out->pins[i];
        size_t seen = 0;
        for (uint32_t u = 0; u < station->uri_count && station->is_source; u++) {
            tn_listed_file *files;
            size_t count;
            TN_RETURN_IF_ERROR(tn_listing_expand(tn_session_stores(p->session), &station->uris[u],
                                                 1, true, arena, p->pool, &files, &count, err));
            seen += count;
            TN_RETURN_IF_ERROR(
                add_files(&f, station, files, count, station->take_all ? 0 : limit, pin, err));
        }
        if (!station->is_source) {
            continue;
        }
        TN_RETURN_IF_ERROR(keep_columns(&f, station, pin, err));
        if (seen == 0 && !station->is_faulty && !ever_matched(&f, station)) {
            note(&f, true, "the source '%.*s' matches no file%s", TN_STR_ARGS(station->id),
                 pin->has_columns || station->column_count > 0
                     ? ""
                     : " yet, and without 'columns' no run begins before it does");
        }
        out->takes_new = out->takes_new || !station->take_all;
        out->new_files += station->take_all ? 0 : pin->count;
    }
    return TARN_OK;
}

/* ---- a replay ---------------------------------------------------------------------------------*/

static TN_FALLIBLE look_again(tn_dataflow *p, const tn_input *input, tn_arena *arena,
                              tn_listed_file *out, bool *is_same, bool *is_gone, tarn_error *err)
{
    tn_object_info info;
    tarn_error cause = TARN_ERROR_INIT;
    tn_str tag;
    tn_str whole;
    TN_RETURN_IF_ERROR(tn_uri_join(arena, p->folder, input->key, &whole, err));
    out->uri = whole;
    out->tag = "";
    TN_RETURN_IF_ERROR(tn_stores_resolve(tn_session_stores(p->session), whole, arena, &out->store,
                                         &out->key, err));
    const tarn_code code = tn_store_head(out->store, out->key, &info, &cause);
    *is_gone = code == TARN_E_NOT_FOUND;
    *is_same = code == TARN_OK &&
               tn_input_is(input, info.size, tn_str_of(info.tag), tn_store_is_local(out->store));
    if (code != TARN_OK && code != TARN_E_NOT_FOUND) {
        tn_error_copy(err, &cause);
        return code;
    }
    if (code == TARN_OK) {
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, tn_str_of(info.tag), &tag, err));
        out->tag = tag.data;
        out->size = info.size;
        out->modified_us = info.modified_us;
    }
    return TARN_OK;
}

tarn_code tn_discover_entry(tn_dataflow *p, const tn_ledger_entry *entry, tn_arena *arena,
                            tn_discovery *out, const tn_input **changed, bool *is_gone,
                            tarn_error *err)
{
    *out = (tn_discovery){.takes_new = true};
    *changed = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_source_pin, p->nodes.count + 1, &out->pins, err));
    for (size_t s = 0; s < entry->source_count; s++) {
        const tn_entry_source *source = &entry->sources[s];
        const tn_station *station = tn_dataflow__station(p, source->id);
        if (station == NULL || !station->is_source) {
            continue; /* the file changed since, and says so elsewhere */
        }
        tn_source_pin *pin = &out->pins[station->index];
        TN_RETURN_IF_ERROR(
            tn_arena_array(arena, tn_listed_file, source->input_count, &pin->files, err));
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, source->input_count, &pin->keys, err));
        for (size_t i = 0; i < source->input_count; i++) {
            const tn_input *input = &source->inputs[i];
            bool same;
            bool gone;
            TN_RETURN_IF_ERROR(
                look_again(p, input, arena, &pin->files[pin->count], &same, &gone, err));
            if (!same && *changed == NULL) {
                *changed = input;
                *is_gone = gone;
            }
            pin->keys[pin->count++] = input->key;
        }
        pin->has_columns = source->has_columns;
        pin->columns = source->columns;
        pin->column_count = source->column_count;
        out->new_files += station->take_all ? 0 : pin->count;
    }
    return TARN_OK;
}

/* ---- columns ----------------------------------------------------------------------------------*/

static const tn_field *find_field(const tn_source_pin *pin, tn_str name)
{
    for (uint32_t i = 0; i < pin->column_count; i++) {
        if (tn_str_equal_fold(pin->columns[i].name, name)) {
            return &pin->columns[i];
        }
    }
    return NULL;
}

static bool has_fields(const tn_source_pin *pin)
{
    bool found = false;
    for (uint32_t i = 0; i < pin->column_count; i++) {
        found = found || tn_type_is_nested(pin->columns[i].type);
    }
    return found;
}

/* As it is found, where that says more: what is declared of a nested column hides what the file
 * has in it. */
static TN_FALLIBLE open_one(tn_dataflow *p, const tn_station *station, const tn_source_pin *one,
                            tn_source **out, tarn_error *err)
{
    tn_station bare = *station;
    tn_source_pin unknown = *one;
    tarn_error cause = TARN_ERROR_INIT;
    bare.column_count = 0;
    unknown.has_columns = false;
    if (has_fields(one)) {
        const tarn_code code = tn_build__source(p, &bare, &unknown, out, &cause);
        if (code == TARN_OK) {
            return TARN_OK;
        }
        if (code != TARN_E_INVALID) { /* else no record shows its columns */
            return tn_error_copy(err, &cause);
        }
    }
    return tn_build__source(p, station, one, out, err);
}

static TN_FALLIBLE refuse_column(const tn_station *station, const tn_source_pin *pin, size_t file,
                                 const char *what, tn_str name, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID,
                  "'%.*s' has a %s '%.*s' that the source '%.*s' did not have before",
                  TN_STR_ARGS(pin->keys[file]), what, TN_STR_ARGS(name), TN_STR_ARGS(station->id));
    tn_subject(err, pin->files[file].uri.data);
    tn_hint(err, "on_new_column = \"ignore\" leaves it out");
    return TARN_E_INVALID;
}

tarn_code tn_discover_columns(tn_dataflow *p, const tn_station *station, tn_source_pin *pin,
                              tarn_error *err)
{
    if (!pin->has_columns || station->ignores_new_columns) {
        return TARN_OK;
    }
    for (size_t i = 0; i < pin->count; i++) {
        tn_source *source;
        tn_source_pin one = *pin;
        tarn_code code = TARN_OK;
        one.files = &pin->files[i];
        one.count = 1;
        TN_RETURN_IF_ERROR(open_one(p, station, &one, &source, err));
        for (uint32_t c = 0; c < source->schema.count && code == TARN_OK; c++) {
            const tn_field *field = &source->schema.fields[c];
            const tn_field *kept = find_field(pin, field->name);
            char path[256] = "";
            if (kept == NULL) {
                code = refuse_column(station, pin, i, "column", field->name, err);
                continue;
            }
            (void)snprintf(path, sizeof(path), "%.*s",
                           (int)(field->name.size < 48 ? field->name.size : 48), field->name.data);
            /* what is kept as text or as a map takes any */
            if (tn_type_find_new(kept->type, field->type, true, path, sizeof(path))) {
                code = refuse_column(station, pin, i, "field", tn_str_of(path), err);
            }
        }
        tn_source_release(source);
        TN_RETURN_IF_ERROR(code);
    }
    return TARN_OK;
}
