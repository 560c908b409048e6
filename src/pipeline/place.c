#include "pipeline/place.h"

#include "os/file.h"
#include "table/listing/listing.h"

static bool has_scheme(tn_str uri)
{
    for (size_t i = 0; i + 3 <= uri.size; i++) {
        if (uri.data[i] == '/') {
            return false;
        }
        if (memcmp(uri.data + i, "://", 3) == 0) {
            return true;
        }
    }
    return false;
}

/* Without "." and doubled slashes; `up`: ".." takes a folder away. */
static TN_FALLIBLE tidy(tn_arena *arena, tn_str path, bool up, tn_str *out, tarn_error *err)
{
    void *memory;
    size_t size = 0;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, path.size + 2, &memory, err));
    char *text = memory;
    const size_t root = path.size > 0 && path.data[0] == '/' ? 1 : 0;
    if (root == 1) {
        text[size++] = '/';
    }
    for (size_t i = 0; i < path.size;) {
        size_t end = i;
        while (end < path.size && path.data[end] != '/') {
            end++;
        }
        const tn_str part = tn_str_slice(path, i, end);
        i = end + 1;
        if (part.size == 0 || tn_str_equal(part, TN_STR("."))) {
            continue;
        }
        if (up && tn_str_equal(part, TN_STR("..")) && root == 1) {
            while (size > 1 && text[size - 1] != '/') {
                size--;
            }
            size -= size > 1; /* the slash before it */
            continue;
        }
        if (size > root) {
            text[size++] = '/';
        }
        memcpy(text + size, part.data, part.size);
        size += part.size;
    }
    text[size] = '\0';
    *out = (tn_str){text, size};
    return TARN_OK;
}

tarn_code tn_place(const tn_dataflow *p, tn_arena *arena, tn_str uri, tn_str *out, tarn_error *err)
{
    tn_str whole = uri;
    if (tn_str_starts(uri, TN_STR("file:///")) && tn_str_find(uri, '%') == SIZE_MAX) {
        whole = tn_str_slice(uri, strlen("file://"), uri.size);
    } else if (has_scheme(uri)) {
        size_t size = uri.size;
        while (size > 1 && uri.data[size - 1] == '/') {
            size--;
        }
        *out = tn_str_slice(uri, 0, size);
        return tn_arena_copy(arena, *out, out, err);
    } else if (uri.size == 0 || uri.data[0] != '/') {
        TN_RETURN_IF_ERROR(tn_arena_print(arena, &whole, err, "%.*s/%.*s", TN_STR_ARGS(p->here),
                                          TN_STR_ARGS(uri)));
    }
    return tidy(arena, whole, true, out, err);
}

bool tn_place_is_inside(tn_str place, tn_str folder)
{
    return tn_str_starts(place, folder) &&
           (place.size == folder.size || place.data[folder.size] == '/');
}

static bool goes_up(tn_str path)
{
    for (size_t i = 0; i + 2 <= path.size; i++) {
        if (path.data[i] == '.' && path.data[i + 1] == '.' && (i == 0 || path.data[i - 1] == '/') &&
            (i + 2 == path.size || path.data[i + 2] == '/')) {
            return true; /* what it means may hang on a link */
        }
    }
    return false;
}

tarn_code tn_place_key(const tn_dataflow *p, tn_arena *arena, tn_str uri, tn_str place, tn_str *out,
                       tarn_error *err)
{
    const bool is_relative = p->folder.size > 0 && tn_str_starts(uri, p->folder);
    const tn_str written = is_relative ? tn_str_slice(uri, p->folder.size, uri.size) : uri;
    if (has_scheme(uri)) {
        *out = written;
        return TARN_OK;
    }
    if (!goes_up(written) && place.size > p->place.size && tn_place_is_inside(place, p->place)) {
        *out = tn_str_slice(place, p->place.size + 1, place.size);
        return TARN_OK;
    }
    return tidy(arena, written, false, out, err);
}

/* ---- what lies where --------------------------------------------------------------------------*/

/* Listings pass over names that begin with "." or "_". */
static bool is_hidden(tn_str relative)
{
    bool starts = true;
    for (size_t i = 0; i < relative.size; i++) {
        if (starts && (relative.data[i] == '_' || relative.data[i] == '.')) {
            return true;
        }
        starts = relative.data[i] == '/';
    }
    return false;
}

/* The size of the folder that is listed: the whole where it is no pattern.  A folder that is called
 * [x] is none, where it is there; a bucket is not asked for that. */
static TN_FALLIBLE listed_folder(const tn_dataflow *p, tn_str pattern, size_t *out, tarn_error *err)
{
    tn_store *store;
    tn_str key;
    tn_glob glob;
    *out = tn_glob_start(pattern);
    if (*out < pattern.size && !has_scheme(pattern)) {
        tn_arena arena;
        tarn_code code;
        tn_arena_init(&arena, p->pool);
        code = tn_stores_resolve(tn_session_stores(p->session), pattern, &arena, &store, &key, err);
        code = code != TARN_OK ? code : tn_glob_of(store, key, p->pool, &glob, err);
        *out = code == TARN_OK ? pattern.size - glob.pattern.size : 0;
        tn_arena_deinit(&arena);
        return code;
    }
    while (*out<pattern.size && * out> 0 && pattern.data[*out - 1] != '/') {
        --*out;
    }
    return TARN_OK;
}

/* Would the source take a file of that name below the folder? */
static TN_FALLIBLE takes(tn_dataflow *p, tn_str pattern, tn_str folder, const char *name, bool *out,
                         tarn_error *err)
{
    tn_str file;
    size_t base;
    TN_RETURN_IF_ERROR(tn_arena_print(&p->arena, &file, err, "%.*s/%s", TN_STR_ARGS(folder), name));
    TN_RETURN_IF_ERROR(listed_folder(p, pattern, &base, err));
    const bool is_glob = base < pattern.size;
    const bool matches = is_glob ? tn_str_starts(file, tn_str_slice(pattern, 0, base)) &&
                                       tn_glob_matches(tn_str_slice(pattern, base, pattern.size),
                                                       tn_str_slice(file, base, file.size))
                                 : tn_place_is_inside(file, pattern);
    *out =
        *out || (matches && base <= file.size && !is_hidden(tn_str_slice(file, base, file.size)));
    return TARN_OK;
}

typedef struct placed {
    const tn_toml *at;
    tn_str written, place;
    bool is_state, is_quarantine, has_partitions;
    uint32_t table_line; /* of the sink */
} placed;

static TN_FALLIBLE check_sources(tn_dataflow *p, const placed *table, tarn_error *err)
{
    for (size_t i = 0; i < p->nodes.count; i++) {
        const tn_station *station = p->nodes.items[i];
        for (uint32_t u = 0; u < station->uri_count; u++) {
            tn_str pattern;
            bool found = false;
            TN_RETURN_IF_ERROR(tn_place(p, &p->arena, station->uris[u], &pattern, err));
            if (table->is_state) {
                TN_RETURN_IF_ERROR(
                    takes(p, pattern, table->place, "runs/000000000001.json", &found, err));
            } else {
                TN_RETURN_IF_ERROR(takes(p, pattern, table->place, "part-0.parquet", &found, err));
            }
            if (table->has_partitions && !found) {
                TN_RETURN_IF_ERROR(
                    takes(p, pattern, table->place, "k=v/part-0.parquet", &found, err));
            }
            if (found) {
                return tn_dataflow__fault(
                    p, table->at, false, "put it elsewhere, or make the pattern narrower", err,
                    "%s '%.*s' lies where the source '%.*s' takes its files: the next run would "
                    "read what this one wrote",
                    table->is_state ? "the state" : "the table", TN_STR_ARGS(table->written),
                    TN_STR_ARGS(station->id));
            }
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE check_pair(tn_dataflow *p, const placed *a, const placed *b, tarn_error *err)
{
    if (tn_str_equal(a->place, b->place)) {
        return b->is_state || b->is_quarantine
                   ? tn_dataflow__fault(p, b->at, false, "give it a folder of its own", err,
                                        "%s '%.*s' is the table of line %u",
                                        b->is_state ? "the state" : "the quarantine",
                                        TN_STR_ARGS(b->written), a->at == NULL ? 0 : a->at->line)
                   : tn_dataflow__fault(p, b->at, false,
                                        "UNION ALL both in one step: a table has one sink", err,
                                        "the table '%.*s' has a sink already, on line %u",
                                        TN_STR_ARGS(b->written), a->at == NULL ? 0 : a->table_line);
    }
    const bool outer = tn_place_is_inside(a->place, b->place) && !b->is_state;
    if (outer || (tn_place_is_inside(b->place, a->place) && !a->is_state)) {
        const placed *in = outer ? a : b;
        const placed *around = outer ? b : a;
        return tn_dataflow__fault(p, in->at, false, "put it beside the table", err,
                                  "%s '%.*s' lies inside the table '%.*s'",
                                  in->is_state ? "the state" : "the table",
                                  TN_STR_ARGS(in->written), TN_STR_ARGS(around->written));
    }
    return TARN_OK;
}

tarn_code tn_place_check(tn_dataflow *p, tarn_error *err)
{
    placed *list;
    size_t count = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, placed, p->sinks.count + 2, &list, err));
    for (size_t i = 0; i < p->sinks.count; i++) {
        const tn_sink_spec *sink = p->sinks.items[i];
        if (sink->to.size > 0) {
            list[count++] = (placed){.at = tn_toml_get(sink->place, "to"),
                                     .written = sink->to_written,
                                     .place = sink->to,
                                     .table_line = sink->place->line,
                                     .has_partitions = sink->partition_count > 0};
        }
    }
    if (p->quarantine.size > 0) {
        const tn_toml *to = tn_toml_get(p->quarantine_place, "to");
        list[count++] =
            (placed){.at = to, .written = to->text, .place = p->quarantine, .is_quarantine = true};
    }
    if (p->state.size > 0) {
        const tn_toml *state = tn_toml_get(tn_toml_get(p->root, "pipeline"), "state");
        list[count++] = (placed){.at = state,
                                 .written = state == NULL ? p->state : state->text,
                                 .place = p->state,
                                 .is_state = true};
    }
    for (size_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_place(p, &p->arena, list[i].place, &list[i].place, err));
        TN_RETURN_IF_ERROR(check_sources(p, &list[i], err));
        for (size_t j = 0; j < i; j++) {
            TN_RETURN_IF_ERROR(check_pair(p, &list[j], &list[i], err));
        }
    }
    return TARN_OK;
}
