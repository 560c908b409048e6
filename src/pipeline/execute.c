/* One entry: its plan, its commits, its end. */
#include "pipeline/run_internal.h"

#include "kernel/text.h"

#include <stdarg.h>
#include <stdio.h>

void tn_execution__note(const tn_execution *x, bool is_warning, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (x->options == NULL || x->options->note == NULL) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    x->options->note(x->options->context, is_warning ? TN_NOTE_WARNING : TN_NOTE_INFO,
                     tn_str_of(text));
}

/* ---- opening ----------------------------------------------------------------------------------*/

static TN_FALLIBLE list_targets(tn_execution *x, tarn_error *err)
{
    const tn_dataflow *p = x->p;
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_target, p->sinks.count + 1, &x->targets, err));
    if (p->quarantine.size > 0) {
        tn_target *target = &x->targets[x->target_count++];
        target->name = TN_STR("quarantine");
        target->uri = p->quarantine;
        TN_RETURN_IF_ERROR(tn_arena_print(&x->arena, &target->application, err, "%.*s/_quarantine",
                                          TN_STR_ARGS(p->name)));
        TN_RETURN_IF_ERROR(tn_quarantine_schema(&x->arena, &target->schema, err));
    }
    for (size_t i = 0; i < p->sinks.count; i++) {
        const tn_sink_spec *spec = p->sinks.items[i];
        x->targets[x->target_count++] = (tn_target){
            .spec = spec, .name = spec->from, .uri = spec->to, .application = spec->application};
    }
    return TARN_OK;
}

tarn_code tn_execution__open(tn_execution *x, tn_dataflow *p, tn_ledger *ledger,
                             const tn_dataflow_run_options *options, tarn_error *err)
{
    const size_t count = p->nodes.count + 1;
    *x = (tn_execution){.p = p, .ledger = ledger, .options = options};
    tn_arena_init(&x->arena, p->pool);
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_source_edge, count, &x->edges, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_reject_edge *, count, &x->rejects, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_scan_counters, count, &x->counters, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_rule_sink *, count, &x->rules, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&x->arena, tn_rule_sink *, p->expects.count + 1, &x->queries, err));
    return list_targets(x, err);
}

void tn_execution__close(tn_execution *x)
{
    if (x->p == NULL) {
        return;
    }
    for (size_t i = 0; i < x->target_count; i++) {
        tn_delta_writer_close(x->targets[i].writer);
    }
    tn_build__close(&x->build);
    tn_contents_close(&x->contents);
    tn_collector_deinit(&x->collector);
    tn_arena_deinit(&x->arena);
}

/* ---- binding ----------------------------------------------------------------------------------*/

static TN_FALLIBLE not_bound(const tn_execution *x, tarn_error *err)
{
    const tn_dataflow *p = x->p;
    for (size_t i = 0; i < p->nodes.count; i++) {
        const tn_station *station = p->nodes.items[i];
        const tn_source_pin *pin = &x->found.pins[i];
        if (station->is_source && x->build.built[i].state == TN_BUILD_FAULTY && pin->count == 0 &&
            !pin->has_columns && station->column_count == 0) {
            (void)tn_fail(err, TARN_E_INVALID,
                          "the source '%.*s' matches no file yet, so its columns are not known",
                          TN_STR_ARGS(station->id));
            tn_locate(err, station->place->line, station->place->column, 0);
            tn_subject(err, p->path.data);
            tn_hint(err,
                    "wait for a file, or say what they are: columns = { id = \"BIGINT\", ... }");
            return TARN_E_INVALID;
        }
    }
    return tn_fail(err, TARN_E_INTERNAL, "a step was not bound");
}

/* In a first run the files are compared with the first of them. */
static TN_FALLIBLE check_first_columns(const tn_execution *x, tarn_error *err)
{
    for (size_t i = 0; i < x->p->nodes.count; i++) {
        const tn_station *station = x->p->nodes.items[i];
        const tn_plan *raw = x->build.built[i].raw;
        tn_source_pin pin = x->found.pins[i];
        tn_schema schema;
        if (!station->is_source || pin.has_columns || pin.count < 2 || raw == NULL) {
            continue;
        }
        tn_arena *arena = x->collector.arena;
        TN_RETURN_IF_ERROR(tn_build__schema(arena, raw, &schema, err));
        tn_field *fields;
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, schema.count, &fields, err));
        memcpy(fields, schema.fields, schema.count * sizeof(*fields));
        pin.columns = fields;
        pin.column_count = schema.count - station->hidden;
        pin.has_columns = true;
        TN_RETURN_IF_ERROR(tn_discover_columns(x->p, station, &pin, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE require(tn_execution *x, tn_station *station, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_build__station(&x->build, station, err));
    return TARN_OK;
}

tarn_code tn_execution__bind(tn_execution *x, tarn_error *err)
{
    tn_dataflow *p = x->p;
    TN_RETURN_IF_ERROR(tn_contents_open(&x->contents, p, x->found.pins, &x->arena,
                                        err)); /* before any is opened */
    TN_RETURN_IF_ERROR(tn_collector_init(&x->collector, p, &x->arena, x->entry->run, err));
    TN_RETURN_IF_ERROR(tn_build__open(&x->build, p, &x->arena, x->found.pins, x->entry->now_us,
                                      x->entry->seed, err));
    for (size_t i = 0; i < x->entry->table_count; i++) {
        TN_RETURN_IF_ERROR(tn_vec_push(&x->build.tables, x->entry->tables[i], err));
    }
    for (size_t i = 0; i < p->nodes.count; i++) {
        tn_station *station = p->nodes.items[i];
        tn_source_edge_init(&x->edges[i], &x->collector, station);
        x->rejects[i] = station->bad_record == TN_BAD_FAIL ? NULL : &x->edges[i].base;
        if (station->is_source) {
            TN_RETURN_IF_ERROR(tn_discover_columns(p, station, &x->found.pins[i], err));
        }
    }
    x->build.rejects = x->rejects;
    x->build.counters = x->counters;
    bool whole = true;
    for (size_t i = 0; i < p->sinks.count; i++) {
        tn_station *station = p->sinks.items[i]->node;
        TN_RETURN_IF_ERROR(require(x, station, err));
        TN_RETURN_IF_ERROR(tn_build__sink_columns(&x->build, p->sinks.items[i], err));
        whole = whole && x->build.built[station->index].state == TN_BUILD_DONE;
    }
    for (size_t i = 0; i < p->expects.count; i++) {
        if (p->expects.items[i]->node != NULL) {
            TN_RETURN_IF_ERROR(require(x, p->expects.items[i]->node, err));
        }
    }
    TN_RETURN_IF_ERROR(tn_dataflow__first_fault(p, err));
    return whole ? check_first_columns(x, err) : not_bound(x, err);
}

/* ---- pins -------------------------------------------------------------------------------------*/

static TN_FALLIBLE pin_source(tn_execution *x, const tn_station *station, tn_entry_source *out,
                              tarn_error *err)
{
    const tn_source_pin *pin = &x->found.pins[station->index];
    const tn_plan *raw = x->build.built[station->index].raw;
    *out = (tn_entry_source){.id = station->id};
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_input, pin->count, &out->inputs, err));
    for (size_t i = 0; i < pin->count; i++) {
        const tn_listed_file *file = &pin->files[i];
        out->inputs[out->input_count++] = (tn_input){.source = station->id,
                                                     .key = pin->keys[i],
                                                     .uri = file->uri,
                                                     .size = file->size,
                                                     .modified_us = file->modified_us,
                                                     .tag = tn_str_of(file->tag)};
    }
    if (raw == NULL) {
        return TARN_OK; /* nothing reads it */
    }
    out->has_columns = true;
    out->column_count = raw->output_count - station->hidden;
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_field, out->column_count, &out->columns, err));
    for (uint32_t i = 0; i < out->column_count; i++) {
        out->columns[i] =
            (tn_field){raw->outputs[i].name, raw->outputs[i].type, raw->outputs[i].nullable};
    }
    return TARN_OK;
}

static TN_FALLIBLE put_parameters(tn_execution *x, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text text;
    tn_text_init(&text, x->p->pool, 1 << 20);
    tn_json_writer w = {.out = &text};
    tn_json_begin(&w, '{');
    for (uint32_t i = 0; i < x->p->param_count; i++) {
        tn_text value;
        tn_text_init(&value, x->p->pool, 1 << 16);
        tn_text_of(&x->p->param_values[i], &value);
        tn_json_name_str(&w, x->p->param_names[i]);
        tn_json_put_str(&w, tn_text_str(&value));
        code = tn_text_status(&value, err);
        tn_text_deinit(&value);
        if (code != TARN_OK) {
            goto done;
        }
    }
    tn_json_end(&w, '}');
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(tn_arena_copy(&x->arena, tn_text_str(&text), &x->entry->parameters, err));
done:
    tn_text_deinit(&text);
    return code;
}

static TN_FALLIBLE target_schema(tn_execution *x, tn_target *target, tarn_error *err)
{
    return target->spec == NULL
               ? TARN_OK
               : tn_build__written(&x->build, &x->arena, target->spec->node, &target->schema, err);
}

tarn_code tn_execution__pin(tn_execution *x, tarn_error *err)
{
    const tn_dataflow *p = x->p;
    tn_ledger_entry *entry = x->entry;
    TN_RETURN_IF_ERROR(
        tn_arena_array(&x->arena, tn_entry_source, p->nodes.count + 1, &entry->sources, err));
    for (size_t i = 0; i < p->nodes.count; i++) {
        if (p->nodes.items[i]->is_source) {
            TN_RETURN_IF_ERROR(
                pin_source(x, p->nodes.items[i], &entry->sources[entry->source_count++], err));
        }
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(&x->arena, tn_table_pin, x->build.tables.count, &entry->tables, err));
    for (size_t i = 0; i < x->build.tables.count; i++) {
        entry->tables[entry->table_count++] = x->build.tables.items[i];
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(&x->arena, tn_entry_table, x->target_count, &entry->sinks, err));
    for (size_t i = 0; i < x->target_count; i++) {
        tn_target *target = &x->targets[i];
        TN_RETURN_IF_ERROR(target_schema(x, target, err));
        tn_field *fields;
        TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_field, target->schema.count, &fields, err));
        for (uint32_t f = 0; f < target->schema.count; f++) {
            fields[f] = target->schema.fields[f];
        }
        entry->sinks[entry->sink_count++] = (tn_entry_table){
            .name = target->spec == NULL ? TN_STR("") : target->name,
            .uri = target->uri,
            .application = target->application,
            .columns = fields,
            .column_count = target->schema.count,
            .partition_by = target->spec == NULL ? NULL : target->spec->partition_by,
            .partition_count = target->spec == NULL ? 0 : target->spec->partition_count};
    }
    return put_parameters(x, err);
}

/* ---- writers ----------------------------------------------------------------------------------*/

/* `*version`: the last run of this pipeline that the table has. */
static TN_FALLIBLE look_up(tn_execution *x, tn_target *target, int64_t *version, tarn_error *err)
{
    tn_delta *table;
    tarn_error cause = TARN_ERROR_INIT;
    const tarn_code code =
        tn_delta_open(tn_session_stores(x->p->session), tn_session_types(x->p->session),
                      target->uri, &TN_DELTA_LATEST, x->p->pool, &table, &cause);
    target->is_missing = code == TARN_E_NOT_FOUND;
    if (target->is_missing) {
        return TARN_OK;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &cause);
        return code;
    }
    target->has_run =
        tn_delta_txn(table, target->application, version) && *version >= x->entry->run;
    target->receipt = (tn_delta_receipt){.version = tn_delta_describe(table)->version,
                                         .skipped = target->has_run};
    tn_delta_close(table);
    return TARN_OK;
}

static bool wrote_to(const tn_ledger_entry *entry, tn_str uri)
{
    for (size_t i = 0; i < entry->written_count; i++) {
        if (entry->written[i].version >= 0 && tn_str_equal(entry->written[i].uri, uri)) {
            return true;
        }
    }
    return false;
}

/* The last run that took what is not forgotten, and wrote it to the table; 0: none. */
static int64_t last_written(const tn_ledger *ledger, tn_str uri)
{
    for (size_t e = ledger->entries.count; e > 0; e--) {
        const tn_ledger_entry *entry = ledger->entries.items[e - 1];
        if (!wrote_to(entry, uri)) {
            continue;
        }
        for (size_t k = 0; k < ledger->known.count; k++) {
            if (ledger->known.items[k].run == entry->run && !ledger->known.items[k].is_forgotten) {
                return entry->run;
            }
        }
    }
    return 0;
}

/* A table that earlier runs filled is not made anew with the rows of the new files alone, unless
 * each run overwrites it anyway. */
static TN_FALLIBLE refuse_gone(const tn_execution *x, const tn_target *target, tarn_error *err)
{
    if (!target->is_missing || target->spec == NULL || target->spec->mode != TN_DELTA_APPEND) {
        return TARN_OK;
    }
    const int64_t run = last_written(x->ledger, target->uri);
    if (run == 0) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_NOT_FOUND,
                  "the table '%.*s' is gone, which has the rows of earlier runs, up to run %lld",
                  TN_STR_ARGS(target->uri), (long long)run);
    if (tn_ledger_unfinished(x->ledger) != NULL) {
        tn_hint(err,
                "bring it back; or 'tarn reset --run %lld --yes', then 'tarn reset --input \"**\" "
                "--yes', and the next run takes every file again, for all tables",
                (long long)x->entry->run);
        return TARN_E_NOT_FOUND;
    }
    tn_hint(err,
            "bring it back; or 'tarn reset --input \"**\" --yes', and the next run takes every "
            "file again, for all tables");
    return TARN_E_NOT_FOUND;
}

/* A table that has the number: has it the rows of this entry? */
static TN_FALLIBLE refuse_others(tn_execution *x, const tn_target *target, tarn_error *err)
{
    const tarn_code code =
        tn_void__refuse_foreign(x->p, x->entry, target->uri, target->application, &x->arena, err);
    x->lost_race = x->lost_race || code == TARN_E_CONFLICT;
    return code;
}

static TN_FALLIBLE had_run(tn_execution *x, tn_target *target, tarn_error *err)
{
    int64_t version;
    TN_RETURN_IF_ERROR(look_up(x, target, &version, err));
    TN_RETURN_IF_ERROR(refuse_gone(x, target, err));
    return target->has_run ? refuse_others(x, target, err) : TARN_OK;
}

/* A number that was just made cannot be in a table, unless another ledger gave it out: what this
 * run would write there would be taken for written. */
tarn_code tn_execution__refuse_foreign(tn_execution *x, bool *is_foreign, tarn_error *err)
{
    *is_foreign = false;
    for (size_t i = 0; i < x->target_count; i++) {
        tn_target *target = &x->targets[i];
        int64_t version = 0;
        TN_RETURN_IF_ERROR(look_up(x, target, &version, err));
        TN_RETURN_IF_ERROR(refuse_gone(x, target, err));
        if (!target->has_run) {
            continue;
        }
        *is_foreign = true;
        (void)tn_fail(err, TARN_E_INVALID,
                      "'%.*s' has run %lld of '%.*s' already, but the ledger in '%.*s' has no run "
                      "%lld: it was lost, or another pipeline of this name writes there",
                      TN_STR_ARGS(target->uri), (long long)version,
                      TN_STR_ARGS(target->application), TN_STR_ARGS(x->p->state),
                      (long long)x->entry->run);
        tn_hint(err, "nothing was committed or taken; bring the ledger back ('state' says where it "
                     "is), or give the pipeline another 'name' and every file is taken again");
        return TARN_E_INVALID;
    }
    return TARN_OK;
}

static TN_FALLIBLE open_writer(tn_execution *x, tn_target *target, tarn_error *err)
{
    tn_session *session = x->p->session;
    const char *codec = tn_session_get(session, "codec", NULL);
    tn_str run;
    TN_RETURN_IF_ERROR(tn_void__run_name(x->entry, target->application, &x->arena, &run, err));
    TN_RETURN_IF_ERROR(target_schema(x, target, err));
    const tn_delta_write_options options = {
        .mode = target->spec == NULL ? TN_DELTA_APPEND : target->spec->mode,
        .partition_by = target->spec == NULL ? NULL : target->spec->partition_by,
        .partition_count = target->spec == NULL ? 0 : target->spec->partition_count,
        .parquet = {.codec = tn_str_of(codec == NULL ? "" : codec)},
        .application = target->application,
        .application_version = x->entry->run,
        .run = run};
    return tn_delta_writer_open(tn_session_stores(session), tn_session_types(session), target->uri,
                                &target->schema, &options, x->p->pool, &target->writer, err);
}

/* ---- the plan ---------------------------------------------------------------------------------*/

typedef struct roots {
    TN_VEC(tn_plan *) plans;
} roots;

static TN_FALLIBLE add_write(tn_execution *x, roots *r, tn_plan *plan, tn_sink *sink,
                             tarn_error *err)
{
    tn_plan *write;
    TN_RETURN_IF_ERROR(tn_plan_write(&x->build.context, plan, sink, &write, err));
    return tn_vec_push(&r->plans, write, err);
}

static TN_FALLIBLE add_rules(tn_execution *x, roots *r, tarn_error *err)
{
    const tn_dataflow *p = x->p;
    for (size_t i = 0; i < p->nodes.count; i++) {
        const tn_built *built = &x->build.built[i];
        if (built->broken == NULL || built->state != TN_BUILD_DONE) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_arena_new(&x->arena, tn_rule_sink, &x->rules[i], err));
        TN_RETURN_IF_ERROR(tn_rule_sink_init(x->rules[i], &x->collector, p->nodes.items[i],
                                             built->rules, built->rule_count, built->broken, err));
        TN_RETURN_IF_ERROR(add_write(x, r, built->broken, &x->rules[i]->sink, err));
    }
    for (size_t i = 0; i < p->expects.count; i++) {
        tn_plan *plan;
        const tn_expect *const *one = (const tn_expect *const *)&p->expects.items[i];
        if (!p->expects.items[i]->is_query) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_build__query(&x->build, p->expects.items[i], &plan, err));
        if (plan == NULL) {
            return tn_dataflow__first_fault(p, err);
        }
        TN_RETURN_IF_ERROR(tn_arena_new(&x->arena, tn_rule_sink, &x->queries[i], err));
        TN_RETURN_IF_ERROR(
            tn_rule_sink_init(x->queries[i], &x->collector, NULL, one, 1, plan, err));
        TN_RETURN_IF_ERROR(add_write(x, r, plan, &x->queries[i]->sink, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE transform(tn_execution *x, tarn_error *err)
{
    tarn_code code = TARN_OK;
    roots r = {.plans = TN_VEC_INIT(x->p->pool)};
    tn_plan *all;

    for (size_t i = 0; i < x->target_count; i++) {
        tn_target *target = &x->targets[i];
        tn_plan *read;
        if (target->spec == NULL || target->has_run) {
            continue;
        }
        TN_TRY(open_writer(x, target, err));
        TN_TRY(tn_build__read(&x->build, target->spec->node, &read, err));
        TN_TRY(add_write(x, &r, read, tn_delta_writer_sink(target->writer), err));
    }
    TN_TRY(add_rules(x, &r, err));
    tn_stop_at(TN_STOP_writers_open);
    TN_TRY(tn_plan_all(&x->build.context, r.plans.items, (uint32_t)r.plans.count, &all, err));
    if (x->options->progress != NULL) {
        tn_session_on_progress(x->p->session, x->options->progress, x->options->context);
    }
    tn_stop_at(TN_STOP_rows_moving);
    code = tn_session_run_writes(x->p->session, &x->build.context, all, &x->stats, err);
    tn_session_on_progress(x->p->session, NULL, NULL);
    if (code != TARN_OK) {
        tn_build__place(&x->build, err);
    }
    tn_stop_at(TN_STOP_staged);
done:
    tn_vec_free(&r.plans);
    return code;
}

/* ---- what must hold before a commit -----------------------------------------------------------*/

static TN_FALLIBLE strict(tarn_error *err, uint64_t rows, tn_str of, tn_str rule)
{
    (void)tn_fail(err, TARN_E_INVALID, "%llu row%s of '%.*s' break%s '%.*s'",
                  (unsigned long long)rows, rows == 1 ? "" : "s", TN_STR_ARGS(of),
                  rows == 1 ? "s" : "", TN_STR_ARGS(rule));
    tn_hint(err, "nothing was committed; --strict makes warnings errors");
    return TARN_E_INVALID;
}

static TN_FALLIBLE check_rules(const tn_execution *x, tarn_error *err)
{
    for (size_t i = 0; i < x->p->nodes.count; i++) {
        const tn_rule_sink *sink = x->rules[i];
        if (sink != NULL && sink->first.code != TARN_OK) {
            return tn_error_copy(err, &sink->first);
        }
        for (uint32_t r = 0; sink != NULL && r < sink->rule_count; r++) {
            if (sink->rules[r]->action == TN_EXPECT_WARN && sink->broken[r] > 0) {
                if (x->options->strict) {
                    return strict(err, sink->broken[r], sink->station->id, sink->rules[r]->name);
                }
                const bool one = sink->broken[r] == 1;
                tn_execution__note(x, true, "%llu row%s of '%.*s' break%s '%.*s'",
                                   (unsigned long long)sink->broken[r], one ? "" : "s",
                                   TN_STR_ARGS(sink->station->id), one ? "s" : "",
                                   TN_STR_ARGS(sink->rules[r]->name));
            }
        }
    }
    for (size_t i = 0; i < x->p->expects.count; i++) {
        const tn_rule_sink *sink = x->queries[i];
        if (sink == NULL || sink->broken[0] == 0) {
            continue;
        }
        if (sink->first.code != TARN_OK) {
            return tn_error_copy(err, &sink->first);
        }
        if (x->options->strict) {
            return strict(err, sink->broken[0], TN_STR("its query"), sink->rules[0]->name);
        }
        tn_execution__note(x, true, "the query of '%.*s' returns %llu row%s",
                           TN_STR_ARGS(sink->rules[0]->name), (unsigned long long)sink->broken[0],
                           sink->broken[0] == 1 ? "" : "s");
    }
    return TARN_OK;
}

/* Of new inputs; a dimension that is read whole each time would hide a bad file among its rows. */
static uint64_t rows_read(const tn_execution *x)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < x->p->nodes.count; i++) {
        if (!x->found.takes_new || !x->p->nodes.items[i]->take_all) {
            rows += x->counters[i].rows_read + x->counters[i].rows_pruned;
        }
    }
    return rows;
}

static TN_FALLIBLE check_ratio(const tn_execution *x, tarn_error *err)
{
    const uint64_t rows = rows_read(x);
    const double ratio = rows == 0 ? 0 : (double)x->collector.rows / (double)rows;
    if (x->p->max_ratio < 0 || ratio <= x->p->max_ratio) {
        return TARN_OK;
    }
    const tn_str first = tn_text_str(&x->collector.first);
    (void)tn_fail(err, TARN_E_INVALID,
                  "%llu of %llu row%s would be quarantined (%.2f %%), above max_ratio = %g, the "
                  "first: %.*s",
                  (unsigned long long)x->collector.rows, (unsigned long long)rows,
                  rows == 1 ? "" : "s", 100 * ratio, x->p->max_ratio, TN_STR_ARGS(first));
    tn_subject(err, x->p->path.data);
    tn_hint(err, "nothing was committed; mend the input, or the rule, or raise max_ratio in "
                 "[quarantine]");
    return TARN_E_INVALID;
}

/* ---- the quarantine ---------------------------------------------------------------------------*/

static TN_FALLIBLE stage_quarantine(tn_execution *x, tn_target *target, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_source *source = NULL;
    tn_plan *scan;
    tn_plan *write;
    tn_query_stats stats;

    TN_TRY(open_writer(x, target, err));
    TN_TRY(tn_collector_source(&x->collector, &source, err));
    TN_TRY(tn_plan_scan(&x->build.context, source, (tn_span){0, 0}, &scan, err));
    TN_TRY(
        tn_plan_write(&x->build.context, scan, tn_delta_writer_sink(target->writer), &write, err));
    TN_TRY(tn_session_run_writes(x->p->session, &x->build.context, write, &stats, err));
    x->stats.spilled_bytes += stats.spilled_bytes + tn_spill_bytes(x->collector.spool.spill);
    x->stats.peak_bytes =
        stats.peak_bytes > x->stats.peak_bytes ? stats.peak_bytes : x->stats.peak_bytes;
done:
    tn_source_release(source);
    return code;
}

/* ---- commits ----------------------------------------------------------------------------------*/

/* A table that another runner made or changed meanwhile is looked at again: it may have the run. */
static TN_FALLIBLE commit_one(tn_execution *x, tn_target *target, tarn_error *err)
{
    const tarn_code code = tn_delta_writer_commit(target->writer, &target->receipt, err);
    if (code == TARN_E_CONFLICT) {
        tn_target again = *target;
        int64_t version;
        if (look_up(x, &again, &version, NULL) == TARN_OK && again.has_run) {
            TN_RETURN_IF_ERROR(had_run(x, &again, err));
            target->has_run = true;
            target->receipt = again.receipt;
            return TARN_OK;
        }
        x->lost_race = true;
    }
    if (code == TARN_OK && target->receipt.skipped) { /* by a twin of this run, or by another's? */
        return refuse_others(x, target, err);
    }
    return code;
}

static TN_FALLIBLE commit(tn_execution *x, tarn_error *err)
{
    unsigned sinks = 0;
    for (size_t i = 0; i < x->target_count; i++) {
        tn_target *target = &x->targets[i];
        const bool is_sink = target->spec != NULL;
        sinks += is_sink;
        if (target->writer == NULL) {
            continue;
        }
        tn_stop_at(!is_sink     ? TN_STOP_quarantine_commit
                   : sinks == 1 ? TN_STOP_sink_1_commit
                                : TN_STOP_sink_2_commit);
        TN_RETURN_IF_ERROR(commit_one(x, target, err));
        tn_stop_at(!is_sink     ? TN_STOP_quarantine_done
                   : sinks == 1 ? TN_STOP_sink_1_done
                                : TN_STOP_sink_2_done);
        if (target->receipt.skipped) {
            tn_execution__note(x, false, "'%.*s' has run %lld already", TN_STR_ARGS(target->uri),
                               (long long)x->entry->run);
        }
    }
    return TARN_OK;
}

/* ---- the end ----------------------------------------------------------------------------------*/

/* Of the bytes that were read: a file that was changed since gets none, and so is a new one then.
 */
static void hash_inputs(tn_execution *x)
{
    for (size_t s = 0; s < x->entry->source_count; s++) {
        tn_entry_source *source = &x->entry->sources[s];
        const tn_station *station = tn_dataflow__station(x->p, source->id);
        if (station == NULL || station->take_all) {
            continue;
        }
        const tn_source_pin *pin = &x->found.pins[station->index];
        for (size_t i = 0; i < source->input_count && i < pin->count; i++) {
            const tn_listed_file *file = &pin->files[i];
            tn_input *input = &source->inputs[i];
            if (!tn_store_is_local(file->store)) {
                continue;
            }
            if (!tn_input_is(input, file->size, tn_str_of(file->tag), true) ||
                tn_content_hash(&x->contents, x->p, file, &x->arena, &input->hash, NULL) !=
                    TARN_OK) {
                input->hash = TN_STR_NONE;
            }
        }
    }
}

static TN_FALLIBLE mark_done(tn_execution *x, tarn_error *err)
{
    tn_ledger_entry *entry = x->entry;
    bool mine;
    hash_inputs(x);
    tn_stop_at(TN_STOP_hashed);
    TN_RETURN_IF_ERROR(
        tn_arena_array(&x->arena, tn_dataflow_table, x->target_count, &entry->written, err));
    entry->written_count = 0;
    for (size_t i = 0; i < x->target_count; i++) {
        const tn_target *target = &x->targets[i];
        if (target->writer != NULL || target->has_run) {
            entry->written[entry->written_count++] = (tn_dataflow_table){
                target->name, target->uri, target->receipt.version, target->receipt.rows};
        }
    }
    entry->rows_in = rows_read(x);
    entry->flows = x->flows;
    entry->flow_count = x->flow_count;
    entry->state = TN_RUN_DONE;
    TN_RETURN_IF_ERROR(tn_ledger_end(x->ledger, entry, &mine, err));
    tn_stop_at(TN_STOP_done_marked);
    return TARN_OK;
}

tarn_code tn_execution__finish(tn_execution *x, tarn_error *err)
{
    for (size_t i = 0; i < x->target_count; i++) {
        TN_RETURN_IF_ERROR(had_run(x, &x->targets[i], err));
    }
    return mark_done(x, err);
}

static TN_FALLIBLE conclude(tn_execution *x, tarn_error *err)
{
    TN_RETURN_IF_ERROR(commit(x, err));
    TN_RETURN_IF_ERROR(tn_report__flows(x, &x->flows, &x->flow_count, err)); /* with versions */
    return mark_done(x, err);
}

tarn_code tn_execution__run(tn_execution *x, tarn_error *err)
{
    bool all_have_it = true;
    tn_target *quarantine = x->targets[0].spec == NULL ? &x->targets[0] : NULL;

    for (size_t i = 0; i < x->target_count; i++) {
        TN_RETURN_IF_ERROR(had_run(x, &x->targets[i], err));
        all_have_it = all_have_it && (x->targets[i].has_run || x->targets[i].spec == NULL);
    }
    if (all_have_it) {
        return mark_done(x, err);
    }
    TN_RETURN_IF_ERROR(transform(x, err));
    TN_RETURN_IF_ERROR(check_rules(x, err));
    TN_RETURN_IF_ERROR(check_ratio(x, err));
    if (quarantine != NULL && !quarantine->has_run && x->collector.rows > 0) {
        TN_RETURN_IF_ERROR(stage_quarantine(x, quarantine, err));
        tn_stop_at(TN_STOP_quarantine_staged);
    }
    TN_RETURN_IF_ERROR(tn_report__flows(x, &x->flows, &x->flow_count, err));
    tn_stop_at(TN_STOP_conserved);
    const tn_dataflow_run_options *options = x->options;
    if (options->committing != NULL) {
        options->committing(options->context, true);
    }
    const tarn_code code = conclude(x, err);
    if (options->committing != NULL) {
        options->committing(options->context, false);
    }
    return code;
}
