/* Entries and ends of the ledger as JSON, and back. */
#include "pipeline/ledger_internal.h"

#include "os/clock.h"

#include <stdio.h>

enum { LEDGER_KIND = 1 };
const char tn_ledger__damage_hint[] =
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

tarn_code tn_ledger__read_entry(tn_ledger *l, const tn_json *root, tn_ledger_entry *entry,
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

tarn_code tn_ledger__read_end(tn_ledger *l, const tn_json *root, tn_ledger_entry *entry,
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

tarn_code tn_ledger__check(const tn_json *root, bool is_entry, tn_str key, int64_t run,
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
    tn_hint(err, "%s", tn_ledger__damage_hint);
    return TARN_E_CORRUPT;
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

void tn_ledger__put_entry(tn_json_writer *w, const tn_ledger_entry *entry)
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

void tn_ledger__put_end(tn_json_writer *w, const tn_ledger_entry *entry)
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
