#include "pipeline/ledger.h"
#include "pipeline/place.h"

#include "base/hash.h"
#include "os/clock.h"
#include "os/file.h"
#include "table/listing/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

enum { LEDGER_KIND = 1 };
static const size_t object_max = 256 << 20;
static const char *const damage_hint =
    "nothing was committed or taken; bring the ledger back, which is as precious as the tables";

/* ---- reading ----------------------------------------------------------------------------------*/

static TN_FALLIBLE read_columns(tn_ledger *l, const tn_json *list, tn_field **out, uint32_t *count,
                                tarn_error *err)
{
    *count = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(&l->arena, tn_field, list->count, out, err));
    for (const tn_json *each = tn_json_first(list); each != NULL; each = each->next) {
        tn_field *field = &(*out)[(*count)++];
        field->name = tn_json_get_text(each, "name", TN_STR(""));
        field->nullable = tn_json_get_bool(each, "nullable", true);
        TN_RETURN_IF_ERROR(tn_types_parse(tn_session_types(l->p->session),
                                          tn_json_get_text(each, "type", TN_STR("")), &field->type,
                                          err));
    }
    return TARN_OK;
}

static TN_FALLIBLE read_inputs(tn_ledger *l, const tn_json *list, tn_entry_source *source,
                               tarn_error *err)
{
    TN_RETURN_IF_ERROR(
        tn_arena_array(&l->arena, tn_input, list == NULL ? 0 : list->count, &source->inputs, err));
    for (const tn_json *each = tn_json_first(list); each != NULL; each = each->next) {
        source->inputs[source->input_count++] =
            (tn_input){.source = source->id,
                       .key = tn_json_get_text(each, "key", TN_STR("")),
                       .uri = tn_json_get_text(each, "uri", TN_STR("")),
                       .size = (uint64_t)tn_json_get_integer(each, "size", 0),
                       .modified_us = tn_json_get_integer(each, "modified_us", 0),
                       .tag = tn_json_get_text(each, "tag", TN_STR(""))};
    }
    return TARN_OK;
}

static TN_FALLIBLE read_sources(tn_ledger *l, const tn_json *root, tn_ledger_entry *entry,
                                tarn_error *err)
{
    const tn_json *list = tn_json_get(root, "sources");
    TN_RETURN_IF_ERROR(tn_arena_array(&l->arena, tn_entry_source, list == NULL ? 0 : list->count,
                                      &entry->sources, err));
    for (const tn_json *each = tn_json_first(list); each != NULL; each = each->next) {
        tn_entry_source *source = &entry->sources[entry->source_count++];
        const tn_json *columns = tn_json_get(each, "columns");
        source->id = tn_json_get_text(each, "id", TN_STR(""));
        source->has_columns = columns != NULL;
        if (columns != NULL) {
            TN_RETURN_IF_ERROR(
                read_columns(l, columns, &source->columns, &source->column_count, err));
        }
        TN_RETURN_IF_ERROR(read_inputs(l, tn_json_get(each, "inputs"), source, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE read_texts(tn_ledger *l, const tn_json *list, const tn_str **out,
                              uint32_t *count, tarn_error *err)
{
    tn_str *texts;
    *count = 0;
    TN_RETURN_IF_ERROR(
        tn_arena_array(&l->arena, tn_str, list == NULL ? 0 : list->count, &texts, err));
    for (const tn_json *each = tn_json_first(list); each != NULL; each = each->next) {
        texts[(*count)++] = each->text;
    }
    *out = texts;
    return TARN_OK;
}

static TN_FALLIBLE read_tables(tn_ledger *l, const tn_json *root, tn_ledger_entry *entry,
                               tarn_error *err)
{
    const tn_json *tables = tn_json_get(root, "tables");
    const tn_json *sinks = tn_json_get(root, "sinks");
    TN_RETURN_IF_ERROR(tn_arena_array(&l->arena, tn_table_pin, tables == NULL ? 0 : tables->count,
                                      &entry->tables, err));
    for (const tn_json *each = tn_json_first(tables); each != NULL; each = each->next) {
        entry->tables[entry->table_count++] = (tn_table_pin){
            tn_json_get_text(each, "uri", TN_STR("")), tn_json_get_integer(each, "version", -1)};
    }
    TN_RETURN_IF_ERROR(tn_arena_array(&l->arena, tn_entry_table, sinks == NULL ? 0 : sinks->count,
                                      &entry->sinks, err));
    for (const tn_json *each = tn_json_first(sinks); each != NULL; each = each->next) {
        tn_entry_table *sink = &entry->sinks[entry->sink_count++];
        const tn_json *columns = tn_json_get(each, "columns");
        sink->name = tn_json_get_text(each, "name", TN_STR(""));
        sink->uri = tn_json_get_text(each, "uri", TN_STR(""));
        sink->application = tn_json_get_text(each, "txn", TN_STR(""));
        if (columns != NULL) {
            TN_RETURN_IF_ERROR(read_columns(l, columns, &sink->columns, &sink->column_count, err));
        }
        TN_RETURN_IF_ERROR(read_texts(l, tn_json_get(each, "partition_by"), &sink->partition_by,
                                      &sink->partition_count, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE read_entry(tn_ledger *l, const tn_json *root, tn_ledger_entry *entry,
                              tarn_error *err)
{
    const tn_json *parameters = tn_json_get(root, "parameters");
    const tn_str seed = tn_json_get_text(root, "seed", TN_STR("0"));
    entry->is_reset = tn_str_equal(tn_json_get_text(root, "kind", TN_STR("run")), TN_STR("reset"));
    entry->id = tn_json_get_text(root, "id", TN_STR(""));
    entry->now_us = tn_json_get_integer(root, "now_us", 0);
    for (size_t i = 0; i < seed.size; i++) {
        entry->seed = entry->seed * 10 + (uint64_t)(seed.data[i] - '0');
    }
    entry->document_hash = tn_json_get_text(root, "file_hash", TN_STR(""));
    entry->forget_glob = tn_json_get_text(root, "forget_glob", TN_STR(""));
    entry->forget_run = tn_json_get_integer(root, "forget_run", 0);
    entry->parameters = TN_STR("{}");
    entry->parameter_list = parameters;
    TN_RETURN_IF_ERROR(read_sources(l, root, entry, err));
    return read_tables(l, root, entry, err);
}

static const char *const flow_kinds[] = {[TN_FLOW_SOURCE] = "source",
                                         [TN_FLOW_STEP] = "step",
                                         [TN_FLOW_EXPECT] = "expectation",
                                         [TN_FLOW_QUARANTINE] = "quarantine",
                                         [TN_FLOW_SINK] = "sink"};
enum { FLOW_KINDS = sizeof(flow_kinds) / sizeof(flow_kinds[0]) };

static TN_FALLIBLE read_flows(tn_ledger *l, const tn_json *list, tn_ledger_entry *entry,
                              tarn_error *err)
{
    TN_RETURN_IF_ERROR(
        tn_arena_array(&l->arena, tn_flow, list == NULL ? 0 : list->count, &entry->flows, err));
    for (const tn_json *each = tn_json_first(list); each != NULL; each = each->next) {
        const tn_str kind = tn_json_get_text(each, "kind", TN_STR(""));
        tn_flow *flow = &entry->flows[entry->flow_count];
        *flow = (tn_flow){
            .name = tn_json_get_text(each, "name", TN_STR("")),
            .detail = tn_json_get_text(each, "detail", TN_STR("")),
            .files = (uint64_t)tn_json_get_integer(each, "files", 0),
            .rows_in = (uint64_t)tn_json_get_integer(each, "rows_in", 0),
            .rows_out = (uint64_t)tn_json_get_integer(each, "rows_out", 0),
            .filtered = (uint64_t)tn_json_get_integer(each, "filtered", 0),
            .quarantined = (uint64_t)tn_json_get_integer(each, "quarantined", 0),
            .dropped = (uint64_t)tn_json_get_integer(each, "dropped", 0),
            .is_row_wise = tn_json_get_bool(each, "row_wise", false),
            .version = tn_json_get_integer(each, "version", -1),
        };
        for (size_t i = 0; i < FLOW_KINDS; i++) {
            if (tn_str_equal(kind, tn_str_of(flow_kinds[i]))) { /* others: of a later Tarn */
                flow->kind = (tn_flow_kind)i;
                entry->flow_count++;
            }
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE read_end(tn_ledger *l, const tn_json *root, tn_ledger_entry *entry,
                            tarn_error *err)
{
    const tn_str outcome = tn_json_get_text(root, "outcome", TN_STR("done"));
    const tn_json *tables = tn_json_get(root, "tables");
    entry->state = tn_str_equal(outcome, TN_STR("void"))    ? TN_RUN_VOID
                   : tn_str_equal(outcome, TN_STR("reset")) ? TN_RUN_RESET
                                                            : TN_RUN_DONE;
    entry->ended_us = tn_json_get_integer(root, "ended_us", 0);
    entry->rows_in = (uint64_t)tn_json_get_integer(root, "rows_in", 0);
    TN_RETURN_IF_ERROR(tn_arena_array(&l->arena, tn_dataflow_table,
                                      tables == NULL ? 0 : tables->count, &entry->written, err));
    for (const tn_json *each = tn_json_first(tables); each != NULL; each = each->next) {
        entry->written[entry->written_count++] = (tn_dataflow_table){
            tn_json_get_text(each, "name", TN_STR("")), tn_json_get_text(each, "uri", TN_STR("")),
            tn_json_get_integer(each, "version", -1),
            (uint64_t)tn_json_get_integer(each, "rows", 0)};
    }
    TN_RETURN_IF_ERROR(read_flows(l, tn_json_get(root, "flows"), entry, err));
    /* Hashes stand in the order of the entry's inputs. */
    const tn_json *hash = tn_json_first(tn_json_get(root, "hashes"));
    for (size_t s = 0; s < entry->source_count; s++) {
        for (size_t i = 0; i < entry->sources[s].input_count && hash != NULL; i++) {
            entry->sources[s].inputs[i].hash = hash->text;
            hash = hash->next;
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE key_of(tn_ledger *l, const char *folder, int64_t run, tn_str *out,
                          tarn_error *err)
{
    return tn_arena_print(&l->arena, out, err, "%.*s%s/%012lld.json", TN_STR_ARGS(l->root), folder,
                          (long long)run);
}

/* What stands there must be of this run and of a kind that is known: what was taken for an entry
 * without inputs would have them taken again. */
static TN_FALLIBLE check_kind(const tn_json *root, bool is_entry, tn_str key, int64_t run,
                              tarn_error *err)
{
    const int64_t kind = is_entry ? tn_json_get_integer(root, "ledger", 0) : LEDGER_KIND;
    if (kind > LEDGER_KIND) {
        (void)tn_fail(err, TARN_E_UNSUPPORTED,
                      "the ledger's '%.*s' is of version %lld: a newer Tarn wrote it",
                      TN_STR_ARGS(key), (long long)kind);
        tn_hint(err, "run the pipeline with that Tarn");
        return TARN_E_UNSUPPORTED;
    }
    if (tn_json_is(root, TN_JSON_OBJECT) && kind == LEDGER_KIND &&
        tn_json_get_integer(root, "run", 0) == run) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_CORRUPT, "the ledger's '%.*s' is no %s of run %lld", TN_STR_ARGS(key),
                  is_entry ? "entry" : "end", (long long)run);
    tn_hint(err, "%s", damage_hint);
    return TARN_E_CORRUPT;
}

/* *out NULL where the object is missing. */
static TN_FALLIBLE read_object(tn_ledger *l, const char *folder, int64_t run, const tn_json **out,
                               tarn_error *err)
{
    tn_str key;
    tn_str text;
    tn_buffer *buffer = NULL;
    tarn_error cause = TARN_ERROR_INIT;
    *out = NULL;
    TN_RETURN_IF_ERROR(key_of(l, folder, run, &key, err));
    tarn_code code = tn_store_get(l->store, key, object_max, l->p->pool, &buffer, NULL, &cause);
    if (code == TARN_E_NOT_FOUND) {
        return TARN_OK;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &cause);
        tn_explain(err, "reading the ledger");
        return code;
    }
    code = tn_arena_copy(&l->arena, (tn_str){(const char *)buffer->data, buffer->size}, &text, err);
    tn_buffer_release(buffer);
    TN_RETURN_IF_ERROR(code);
    code = tn_json_parse(&l->arena, text, out, err);
    if (code == TARN_E_INVALID) {
        if (err != NULL) {
            err->code = TARN_E_CORRUPT;
        }
        tn_explain(err, "the ledger's '%.*s'", TN_STR_ARGS(key));
        tn_hint(err, "%s", damage_hint);
        return TARN_E_CORRUPT;
    }
    TN_RETURN_IF_ERROR(code);
    return check_kind(*out, tn_str_equal(tn_str_of(folder), TN_STR("runs")), key, run, err);
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

tarn_code tn_ledger_load(tn_ledger *l, tarn_error *err)
{
    tn_ledger_entry *entry;
    const tn_json *root;
    tn_arena_reset(&l->arena);
    l->entries.count = l->known.count = l->bucket_count = 0;
    l->last = 0;
    for (int64_t run = 1;; run++) {
        TN_RETURN_IF_ERROR(read_object(l, "runs", run, &root, err));
        if (root == NULL) {
            return index_known(l, err);
        }
        TN_RETURN_IF_ERROR(tn_arena_new(&l->arena, tn_ledger_entry, &entry, err));
        entry->run = run;
        TN_RETURN_IF_ERROR(read_entry(l, root, entry, err));
        entry->state = entry->is_reset ? TN_RUN_DONE : TN_RUN_OPEN;
        if (!entry->is_reset) {
            TN_RETURN_IF_ERROR(read_object(l, "done", run, &root, err));
            if (root != NULL) {
                TN_RETURN_IF_ERROR(read_end(l, root, entry, err));
            }
        }
        TN_RETURN_IF_ERROR(tn_vec_push(&l->entries, entry, err));
        TN_RETURN_IF_ERROR(learn(l, entry, err));
        l->last = run;
    }
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

static void put_columns(tn_json_writer *w, const tn_field *columns, uint32_t count)
{
    tn_json_name(w, "columns");
    tn_json_begin(w, '[');
    for (uint32_t i = 0; i < count; i++) {
        tn_json_begin(w, '{');
        tn_json_name(w, "name");
        tn_json_put_str(w, columns[i].name);
        tn_json_name(w, "type");
        tn_json_put_str(w, columns[i].type->name);
        tn_json_name(w, "nullable");
        tn_json_put_bool(w, columns[i].nullable);
        tn_json_end(w, '}');
    }
    tn_json_end(w, ']');
}

static void put_source(tn_json_writer *w, const tn_entry_source *source)
{
    tn_json_begin(w, '{');
    tn_json_name(w, "id");
    tn_json_put_str(w, source->id);
    if (source->has_columns) {
        put_columns(w, source->columns, source->column_count);
    }
    tn_json_name(w, "inputs");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < source->input_count; i++) {
        const tn_input *input = &source->inputs[i];
        tn_json_begin(w, '{');
        tn_json_name(w, "key");
        tn_json_put_str(w, input->key);
        tn_json_name(w, "uri");
        tn_json_put_str(w, input->uri);
        tn_json_name(w, "size");
        tn_json_put_unsigned(w, input->size);
        tn_json_name(w, "tag");
        tn_json_put_str(w, input->tag);
        tn_json_name(w, "modified_us");
        tn_json_put_integer(w, input->modified_us);
        tn_json_end(w, '}');
    }
    tn_json_end(w, ']');
    tn_json_end(w, '}');
}

static void put_sink(tn_json_writer *w, const tn_entry_table *sink)
{
    tn_json_begin(w, '{');
    tn_json_name(w, "name");
    tn_json_put_str(w, sink->name);
    tn_json_name(w, "uri");
    tn_json_put_str(w, sink->uri);
    tn_json_name(w, "txn");
    tn_json_put_str(w, sink->application);
    put_columns(w, sink->columns, sink->column_count);
    tn_json_name(w, "partition_by");
    tn_json_begin(w, '[');
    for (uint32_t i = 0; i < sink->partition_count; i++) {
        tn_json_put_str(w, sink->partition_by[i]);
    }
    tn_json_end(w, ']');
    tn_json_end(w, '}');
}

static void put_pins(tn_json_writer *w, const tn_ledger_entry *entry)
{
    tn_json_name(w, "parameters");
    tn_json_put_raw(w, entry->parameters);
    tn_json_name(w, "sources");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < entry->source_count; i++) {
        put_source(w, &entry->sources[i]);
    }
    tn_json_end(w, ']');
    tn_json_name(w, "tables");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < entry->table_count; i++) {
        tn_json_begin(w, '{');
        tn_json_name(w, "uri");
        tn_json_put_str(w, entry->tables[i].uri);
        tn_json_name(w, "version");
        tn_json_put_integer(w, entry->tables[i].version);
        tn_json_end(w, '}');
    }
    tn_json_end(w, ']');
    tn_json_name(w, "sinks");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < entry->sink_count; i++) {
        put_sink(w, &entry->sinks[i]);
    }
    tn_json_end(w, ']');
}

static void put_entry(tn_json_writer *w, const tn_ledger_entry *entry)
{
    char seed[32];
    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)entry->seed);
    tn_json_begin(w, '{');
    tn_json_name(w, "ledger");
    tn_json_put_integer(w, LEDGER_KIND);
    tn_json_name(w, "kind");
    tn_json_put_text(w, entry->is_reset ? "reset" : "run");
    tn_json_name(w, "run");
    tn_json_put_integer(w, entry->run);
    tn_json_name(w, "id");
    tn_json_put_str(w, entry->id);
    tn_json_name(w, "now_us");
    tn_json_put_integer(w, entry->now_us);
    tn_json_name(w, "seed");
    tn_json_put_text(w, seed);
    tn_json_name(w, "zone");
    tn_json_put_text(w, "UTC");
    tn_json_name(w, "file_hash");
    tn_json_put_str(w, entry->document_hash);
    if (entry->is_reset) {
        tn_json_name(w, "forget_glob");
        tn_json_put_str(w, entry->forget_glob);
        tn_json_name(w, "forget_run");
        tn_json_put_integer(w, entry->forget_run);
    } else {
        put_pins(w, entry);
    }
    tn_json_end(w, '}');
}

static void put_flow(tn_json_writer *w, const tn_flow *flow)
{
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {{"files", flow->files},
                   {"rows_in", flow->rows_in},
                   {"rows_out", flow->rows_out},
                   {"filtered", flow->filtered},
                   {"quarantined", flow->quarantined},
                   {"dropped", flow->dropped}};
    tn_json_begin(w, '{');
    tn_json_name(w, "kind");
    tn_json_put_text(w, flow_kinds[flow->kind]);
    tn_json_name(w, "name");
    tn_json_put_str(w, flow->name);
    tn_json_name(w, "detail");
    tn_json_put_str(w, flow->detail);
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        tn_json_name(w, figures[i].name);
        tn_json_put_unsigned(w, figures[i].value);
    }
    tn_json_name(w, "row_wise");
    tn_json_put_bool(w, flow->is_row_wise);
    tn_json_name(w, "version");
    tn_json_put_integer(w, flow->version);
    tn_json_end(w, '}');
}

static void put_end(tn_json_writer *w, const tn_ledger_entry *entry)
{
    tn_json_begin(w, '{');
    tn_json_name(w, "run");
    tn_json_put_integer(w, entry->run);
    tn_json_name(w, "id");
    tn_json_put_str(w, entry->id);
    tn_json_name(w, "outcome");
    tn_json_put_text(w, entry->state == TN_RUN_VOID    ? "void"
                        : entry->state == TN_RUN_RESET ? "reset"
                                                       : "done");
    tn_json_name(w, "ended_us");
    tn_json_put_integer(w, tn_clock_now_us());
    tn_json_name(w, "rows_in");
    tn_json_put_unsigned(w, entry->rows_in);
    tn_json_name(w, "tables");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < entry->written_count; i++) {
        const tn_dataflow_table *table = &entry->written[i];
        tn_json_begin(w, '{');
        tn_json_name(w, "name");
        tn_json_put_str(w, table->name);
        tn_json_name(w, "uri");
        tn_json_put_str(w, table->uri);
        tn_json_name(w, "version");
        tn_json_put_integer(w, table->version);
        tn_json_name(w, "rows");
        tn_json_put_unsigned(w, table->rows);
        tn_json_end(w, '}');
    }
    tn_json_end(w, ']');
    tn_json_name(w, "flows");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < entry->flow_count; i++) {
        put_flow(w, &entry->flows[i]);
    }
    tn_json_end(w, ']');
    tn_json_name(w, "hashes");
    tn_json_begin(w, '[');
    for (size_t s = 0; s < entry->source_count; s++) {
        for (size_t i = 0; i < entry->sources[s].input_count; i++) {
            tn_json_put_str(w, entry->sources[s].inputs[i].hash);
        }
    }
    tn_json_end(w, ']');
    tn_json_end(w, '}');
}

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
            tn_store_get(l->store, key, object_max, l->p->pool, &buffer, NULL, NULL) == TARN_OK) {
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
    tn_text_init(&text, l->p->pool, object_max);
    tn_json_writer w = {.out = &text};
    put_entry(&w, entry);
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
    tn_text_init(&text, l->p->pool, object_max);
    tn_json_writer w = {.out = &text};
    put_end(&w, entry);
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
