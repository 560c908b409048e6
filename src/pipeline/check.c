/* tarn check, tarn run --step, tarn graph: everything that binds steps and writes nothing. */
#include "pipeline/discover.h"

#include <stdio.h>

enum { CHECK_FILES = 4 }; /* of each source are looked into */

/* ---- binding everything -----------------------------------------------------------------------*/

static void on_note(void *context, bool is_warning, tn_str text)
{
    tn_dataflow *p = context;
    if (is_warning) {
        (void)!tn_dataflow__warn(p, NULL, NULL, NULL, "%.*s", TN_STR_ARGS(text));
    }
}

static TN_FALLIBLE bind_all(tn_dataflow *p, tn_build *b, tarn_error *err)
{
    for (size_t i = 0; i < p->nodes.count; i++) {
        TN_RETURN_IF_ERROR(tn_build__station(b, p->nodes.items[i], err));
    }
    for (size_t i = 0; i < p->expects.count; i++) {
        tn_plan *plan;
        if (p->expects.items[i]->is_query) {
            TN_RETURN_IF_ERROR(tn_build__query(b, p->expects.items[i], &plan, err));
        }
    }
    for (size_t i = 0; i < p->sinks.count; i++) {
        if (p->sinks.items[i]->node != NULL) {
            p->sinks.items[i]->node->uses++;
        }
    }
    return TARN_OK;
}

/* Is the id a word of the text? */
static bool names(tn_str text, tn_str id)
{
    for (size_t i = 0; i + id.size <= text.size; i++) {
        if (tn_str_equal_fold(tn_str_slice(text, i, i + id.size), id)) {
            return true;
        }
    }
    return false;
}

static TN_FALLIBLE unused(tn_dataflow *p, const tn_build *b, tarn_error *err)
{
    const bool has_faults = tn_dataflow__first_fault(p, NULL) != TARN_OK;
    for (size_t i = 0; i < p->nodes.count; i++) {
        const tn_station *station = p->nodes.items[i];
        bool blocked = station->is_faulty || station->uses > 0;
        for (size_t j = 0; j < p->nodes.count && !blocked; j++) {
            /* A step that did not bind may be the one that reads it. */
            blocked = b->built[j].state == TN_BUILD_FAULTY && !p->nodes.items[j]->is_source &&
                      j != i && names(p->nodes.items[j]->sql.text, station->id);
        }
        for (size_t j = 0; j < p->expects.count && !blocked; j++) {
            const tn_expect *expect = p->expects.items[j];
            const bool is_bound = expect->node == NULL || expect->is_query
                                      ? !has_faults
                                      : b->built[expect->node->index].state != TN_BUILD_FAULTY;
            blocked = !is_bound && names(expect->text.text, station->id);
        }
        if (!blocked) {
            TN_RETURN_IF_ERROR(tn_dataflow__fault(
                p, station->place, false, "name it in a FROM, give it a sink, or leave it out", err,
                "the %s '%.*s' is used by nothing", station->is_source ? "source" : "step",
                TN_STR_ARGS(station->id)));
        }
    }
    return TARN_OK;
}

/* ---- sinks ------------------------------------------------------------------------------------*/

static TN_FALLIBLE check_partitions(tn_dataflow *p, const tn_sink_spec *sink,
                                    const tn_schema *schema, bool *good, tarn_error *err)
{
    *good = true;
    for (uint32_t i = 0; i < sink->partition_count; i++) {
        bool ambiguous;
        if (tn_schema_find(schema, sink->partition_by[i], &ambiguous) != UINT32_MAX) {
            continue;
        }
        tn_str names[256];
        uint32_t count = 0;
        for (; count < schema->count && count < 256; count++) {
            names[count] = schema->fields[count].name;
        }
        *good = false;
        TN_RETURN_IF_ERROR(
            tn_dataflow__fault(p, sink->partition_places[i], false,
                               tn_dataflow__nearest(p, sink->partition_by[i], names, count), err,
                               "'%.*s' has no column '%.*s' to partition by",
                               TN_STR_ARGS(sink->from), TN_STR_ARGS(sink->partition_by[i])));
    }
    return TARN_OK;
}

/* A writer is opened and closed: it says whether the columns fit the table. */
static TN_FALLIBLE check_sink(tn_build *b, const tn_sink_spec *sink, bool runs, tarn_error *err)
{
    tn_dataflow *const p = b->p;
    tn_session *session = p->session;
    tn_schema schema;
    tn_delta_writer *writer;
    tarn_error cause = TARN_ERROR_INIT;
    bool good;
    if (sink->node == NULL || sink->to.size == 0 ||
        b->built[sink->node->index].state != TN_BUILD_DONE) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_build__written(b, b->arena, sink->node, &schema, err));
    TN_RETURN_IF_ERROR(tn_build__sink_columns(b, sink, err));
    TN_RETURN_IF_ERROR(check_partitions(p, sink, &schema, &good, err));
    if (!good) {
        return TARN_OK;
    }
    const tn_delta_write_options options = {.mode = sink->mode,
                                            .partition_by = sink->partition_by,
                                            .partition_count = sink->partition_count};
    const tarn_code code =
        tn_delta_writer_open(tn_session_stores(session), tn_session_types(session), sink->to,
                             &schema, &options, p->pool, &writer, &cause);
    if (code == TARN_OK) {
        tn_delta_writer_close(writer);
        return TARN_OK;
    }
    if (runs && code != TARN_E_INVALID && code != TARN_E_UNSUPPORTED) {
        return tn_error_copy(err, &cause); /* not a mistake of the file's: a store, perhaps */
    }
    return tn_dataflow__fault_of(p, NULL, tn_toml_get(sink->place, "to"), &cause, err);
}

TN_FALLIBLE tn_build__check_sinks(tn_build *b, bool runs, tarn_error *err)
{
    for (size_t i = 0; i < b->p->sinks.count; i++) {
        TN_RETURN_IF_ERROR(check_sink(b, b->p->sinks.items[i], runs, err));
    }
    return TARN_OK;
}

/* ---- check ------------------------------------------------------------------------------------*/

tarn_code tn_dataflow_check(tn_dataflow *p, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_discovery found;
    tn_build b = {0};
    tn_ledger ledger = {0};
    tarn_error cause = TARN_ERROR_INIT;

    if (p->checked) {
        return tn_dataflow__first_fault(p, err);
    }
    p->checked = true;
    tn_arena_init(&arena, p->pool);
    if (p->state.size > 0) { /* columns that the ledger keeps count as declared */
        TN_TRY(tn_ledger_open(&ledger, p, err));
        code = tn_ledger_load(&ledger, &cause);
        if (code != TARN_OK) {
            TN_TRY(tn_dataflow__fault_of(p, NULL, NULL, &cause, err));
        }
    }
    code = tn_discover(p, &ledger, true, CHECK_FILES, &arena, on_note, p, &found, &cause);
    if (code != TARN_OK) {
        TN_TRY(tn_dataflow__fault_of(p, NULL, NULL, &cause, err));
        code = tn_dataflow__first_fault(p, err);
        goto done;
    }
    TN_TRY(tn_build__open(&b, p, &arena, found.pins, 0, 0, err));
    TN_TRY(bind_all(p, &b, err));
    TN_TRY(unused(p, &b, err));
    TN_TRY(tn_build__check_sinks(&b, false, err));
    tn_dataflow__sort_faults(p);
    code = tn_dataflow__first_fault(p, err);
done:
    tn_build__close(&b);
    tn_ledger_close(&ledger);
    tn_arena_deinit(&arena);
    return code;
}

/* ---- one step's rows --------------------------------------------------------------------------*/

struct tn_dataflow_rows {
    tn_dataflow *p;
    tn_arena arena;
    tn_ledger ledger;
    tn_discovery found;
    tn_build build;
    tn_schema schema;
    tn_query *query;
};

static TN_FALLIBLE no_such_step(tn_dataflow *p, tn_str id, tarn_error *err)
{
    tn_str names[256];
    size_t count = 0;
    for (; count < p->nodes.count && count < 256; count++) {
        names[count] = p->nodes.items[count]->id;
    }
    const char *near = tn_dataflow__nearest(p, id, names, count);
    (void)tn_fail(err, TARN_E_INVALID, "the pipeline has no step '%.*s'", TN_STR_ARGS(id));
    if (near != NULL) {
        tn_hint(err, "%s", near);
    }
    return TARN_E_INVALID;
}

static TN_FALLIBLE start_step(tn_dataflow_rows *rows, tn_station *station, tarn_error *err)
{
    tn_session *session = rows->p->session;
    tn_optimise_options optimise;
    tn_query_options options;
    tn_plan *plan;
    tn_plan *optimised;
    TN_RETURN_IF_ERROR(
        tn_build__open(&rows->build, rows->p, &rows->arena, rows->found.pins, 0, 0, err));
    TN_RETURN_IF_ERROR(tn_build__station(&rows->build, station, err));
    TN_RETURN_IF_ERROR(tn_dataflow__first_fault(rows->p, err));
    const tn_built *built = &rows->build.built[station->index];
    if (built->state != TN_BUILD_DONE) {
        return tn_fail(err, TARN_E_INVALID, "'%.*s' stands on a source that matches no file",
                       TN_STR_ARGS(station->id));
    }
    TN_RETURN_IF_ERROR(tn_build__read(&rows->build, station, &plan, err));
    TN_RETURN_IF_ERROR(tn_build__schema(&rows->arena, plan, &rows->schema, err));
    tn_session_optimise_options(session, &optimise);
    tn_session_query_options(session, &options);
    TN_RETURN_IF_ERROR(tn_plan_optimise(&rows->build.context, plan, &optimise, &optimised, err));
    return tn_query_create(&rows->build.context, optimised, &options, &rows->query, err);
}

/* What the next run would read: the pins of one that is unfinished, or what is new. */
static TN_FALLIBLE find_files(tn_dataflow_rows *rows, uint64_t limit, tarn_error *err)
{
    const tn_ledger_entry *open = tn_ledger_unfinished(&rows->ledger);
    const tn_input *changed = NULL;
    bool is_gone;
    if (open != NULL) {
        TN_RETURN_IF_ERROR(
            tn_discover_entry(rows->p, open, &rows->arena, &rows->found, &changed, &is_gone, err));
    }
    return open != NULL && changed == NULL
               ? TARN_OK
               : tn_discover(rows->p, &rows->ledger, false, limit, &rows->arena, NULL, NULL,
                             &rows->found, err);
}

tarn_code tn_dataflow_step_open(tn_dataflow *p, tn_str id, const tn_dataflow_run_options *options,
                                tn_dataflow_rows **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_dataflow_rows *rows = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_dataflow__first_fault(p, err));
    tn_station *station = tn_dataflow__station(p, id);
    if (station == NULL) {
        return no_such_step(p, id, err);
    }
    TN_TRY(tn_pool_alloc_zeroed(p->pool, sizeof(tn_dataflow_rows), &memory, err));
    rows = memory;
    rows->p = p;
    tn_arena_init(&rows->arena, p->pool);
    TN_TRY(tn_ledger_open(&rows->ledger, p, err));
    TN_TRY(tn_ledger_load(&rows->ledger, err));
    TN_TRY(find_files(rows, options->limit_files, err));
    TN_TRY(start_step(rows, station, err));
    *out = rows;
    rows = NULL;
done:
    tn_dataflow_rows_close(rows);
    return code;
}

const tn_schema *tn_dataflow_rows_schema(const tn_dataflow_rows *rows)
{
    return &rows->schema;
}

tarn_code tn_dataflow_rows_read(tn_dataflow_rows *rows, tn_chunk **out, tarn_error *err)
{
    *out = NULL;
    if (tn_session_is_cancelled(rows->p->session)) {
        return tn_fail(err, TARN_E_CANCELLED, "cancelled");
    }
    const tarn_code code = tn_query_next(rows->query, out, err);
    if (code != TARN_OK) {
        tn_build__place(&rows->build, err);
    }
    return code;
}

void tn_dataflow_rows_close(tn_dataflow_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    tn_query_destroy(rows->query);
    tn_build__close(&rows->build);
    tn_ledger_close(&rows->ledger);
    tn_arena_deinit(&rows->arena);
    tn_pool_free(rows->p->pool, rows, sizeof(*rows));
}
