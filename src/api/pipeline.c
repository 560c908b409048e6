#include "api/api_internal.h"

#include "pipeline/pipeline.h"

struct tarn_pipeline {
    tarn_session *session;
    tn_dataflow *dataflow;
    tn_dataflow_summary summary;
    tn_dataflow_status status;
    const tn_dataflow_file *files;
    size_t file_count;
    tn_arena arena; /* of texts that end with a zero */
};

static tn_pool *pool_of(const tarn_pipeline *p)
{
    return tn_session_pool(p->session->session);
}

static const char *text(const tarn_pipeline *p, tn_str from)
{
    tn_str copy;
    /* The arena is the handle's own scratch, though the handle is const to the caller. */
    tn_arena *arena = &((tarn_pipeline *)(uintptr_t)p)->arena;
    return tn_arena_copy(arena, from, &copy, NULL) == TARN_OK ? copy.data : "";
}

tarn_code tarn_pipeline_open(tarn_session *session, const char *path, const char *const *parameters,
                             size_t parameter_count, tarn_pipeline **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tarn_pipeline *p = NULL;
    tn_dataflow_parameter *given;
    void *memory;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(path, "path", err));
    TN_RETURN_IF_ERROR(parameter_count == 0
                           ? TARN_OK
                           : tn_api__check_given(parameters != NULL, "list of parameters", err));
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(tn_session_pool(session->session),
                                            sizeof(tarn_pipeline), &memory, err));
    p = memory;
    p->session = session;
    tn_arena_init(&p->arena, tn_session_pool(session->session));
    TN_TRY(tn_arena_array(&p->arena, tn_dataflow_parameter, parameter_count, &given, err));
    for (size_t i = 0; i < parameter_count; i++) {
        TN_TRY(tn_api__check_text(parameters[i], "parameter", err));
        const tn_str whole = tn_str_of(parameters[i]);
        const size_t equals = tn_str_find(whole, '=');
        if (equals == SIZE_MAX) {
            code = tn_fail(err, TARN_E_INVALID, "'%s' is no NAME=VALUE", parameters[i]);
            goto done;
        }
        given[i] = (tn_dataflow_parameter){tn_str_slice(whole, 0, equals),
                                           tn_str_slice(whole, equals + 1, whole.size)};
    }
    TN_TRY(tn_dataflow_open(session->session, tn_str_of(path), given, parameter_count, &p->dataflow,
                            err));
    *out = p;
    p = NULL;
done:
    tarn_pipeline_close(p);
    return code;
}

void tarn_pipeline_close(tarn_pipeline *p)
{
    if (p == NULL) {
        return;
    }
    tn_pool *pool = pool_of(p);
    tn_dataflow_close(p->dataflow);
    tn_arena_deinit(&p->arena);
    tn_pool_free(pool, p, sizeof(*p));
}

tarn_code tarn_pipeline_check(tarn_pipeline *p, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check_given(p != NULL, "pipeline", err));
    TN_RETURN_IF_ERROR(tn_api__check(p->session, err));
    return tn_dataflow_check(p->dataflow, err);
}

bool tarn_pipeline_fault(const tarn_pipeline *p, size_t index, tarn_error *fault, bool *is_warning)
{
    size_t count;
    if (p == NULL || fault == NULL) {
        return false;
    }
    const tn_dataflow_fault *faults = tn_dataflow_faults(p->dataflow, &count);
    if (index >= count) {
        return false;
    }
    *fault = faults[index].error;
    if (is_warning != NULL) {
        *is_warning = faults[index].is_warning;
    }
    return true;
}

/* ---- runs -------------------------------------------------------------------------------------*/

static void on_note(void *context, tn_dataflow_level level, tn_str note)
{
    char line[1100];
    const tarn_pipeline_run_options *options = context;
    const size_t size = note.size < sizeof(line) - 1 ? note.size : sizeof(line) - 1;
    memcpy(line, note.data, size);
    line[size] = '\0';
    if (options->note != NULL) {
        options->note(options->context, level == TN_NOTE_WARNING, line);
    }
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    const tarn_pipeline_run_options *options = context;
    options->progress(options->context, done, total);
}

static void put_summary(const tn_dataflow_summary *from, tarn_pipeline_summary *out)
{
    const tn_query_stats *stats = &from->stats;
    *out = (tarn_pipeline_summary){.struct_size = sizeof(*out),
                                   .run = from->run,
                                   .runs = from->runs,
                                   .files = from->files,
                                   .replayed = from->replayed,
                                   .voided = from->voided,
                                   .seconds = from->seconds,
                                   .stats = {sizeof(tarn_stats), stats->rows_in, stats->rows_out,
                                             stats->rows_rejected, stats->bytes_read,
                                             stats->spilled_bytes, stats->peak_bytes}};
}

static void on_done(void *context, const tn_dataflow_summary *run)
{
    const tarn_pipeline_run_options *options = context;
    tarn_pipeline_summary summary;
    put_summary(run, &summary);
    options->done(options->context, &summary);
}

static void on_committing(void *context, bool begins)
{
    const tarn_pipeline_run_options *options = context;
    options->committing(options->context, begins);
}

tarn_code tarn_pipeline_run(tarn_pipeline *p, const tarn_pipeline_run_options *options,
                            tarn_pipeline_summary *out, tarn_error *err)
{
    tarn_pipeline_run_options given = {.struct_size = sizeof(given)};
    TN_RETURN_IF_ERROR(tn_api__check_given(p != NULL, "pipeline", err));
    TN_RETURN_IF_ERROR(tn_api__check(p->session, err));
    if (options != NULL) { /* a caller built with an older header knows less of it */
        memcpy(&given, options,
               options->struct_size < sizeof(given) ? options->struct_size : sizeof(given));
    }
    const tn_dataflow_run_options own = {.dry_run = given.dry_run,
                                         .no_wait = given.no_wait,
                                         .strict = given.strict,
                                         .limit_files = given.limit_files,
                                         .note = on_note,
                                         .progress = given.progress == NULL ? NULL : on_progress,
                                         .done = given.done == NULL ? NULL : on_done,
                                         .committing =
                                             given.committing == NULL ? NULL : on_committing,
                                         .context = &given};
    const tarn_code code = tn_dataflow_run(p->dataflow, &own, &p->summary, err);
    if (out != NULL && out->struct_size >= sizeof(*out)) {
        put_summary(&p->summary, out);
    }
    return code;
}

static void put_flow(const tarn_pipeline *p, const tn_flow *flow, tarn_flow *out)
{
    static const tarn_flow_kind kinds[] = {
        [TN_FLOW_SOURCE] = TARN_FLOW_SOURCE,      [TN_FLOW_STEP] = TARN_FLOW_STEP,
        [TN_FLOW_EXPECT] = TARN_FLOW_EXPECTATION, [TN_FLOW_QUARANTINE] = TARN_FLOW_QUARANTINE,
        [TN_FLOW_SINK] = TARN_FLOW_SINK,
    };
    *out = (tarn_flow){.struct_size = sizeof(*out),
                       .kind = kinds[flow->kind],
                       .name = text(p, flow->name),
                       .detail = text(p, flow->detail),
                       .files = flow->files,
                       .rows_in = flow->rows_in,
                       .rows = flow->rows_out,
                       .filtered = flow->filtered,
                       .quarantined = flow->quarantined,
                       .dropped = flow->dropped,
                       .version = flow->version,
                       .skipped = flow->skipped,
                       .row_wise = flow->is_row_wise};
}

bool tarn_pipeline_flow(const tarn_pipeline *p, size_t index, tarn_flow *out)
{
    if (p == NULL || out == NULL || index >= p->summary.flow_count ||
        out->struct_size < sizeof(*out)) {
        return false;
    }
    put_flow(p, &p->summary.flows[index], out);
    return true;
}

/* ---- one step ---------------------------------------------------------------------------------*/

static tarn_code read_rows(void *context, tn_chunk **out, tarn_error *err)
{
    return tn_dataflow_rows_read(context, out, err);
}

tarn_code tarn_pipeline_step(tarn_pipeline *p, const char *id, uint64_t limit_files,
                             const tarn_print *print, tarn_write *write, void *context,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_dataflow_rows *rows = NULL;
    tn_schema schema;
    const tn_dataflow_run_options options = {.limit_files = limit_files};
    TN_RETURN_IF_ERROR(tn_api__check_given(p != NULL, "pipeline", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(write != NULL, "function that takes the text", err));

    TN_RETURN_IF_ERROR(tn_api__check(p->session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(id, "step", err));
    TN_TRY(tn_dataflow_step_open(p->dataflow, tn_str_of(id), &options, &rows, err));
    TN_TRY(tn_schema_copy(&p->arena, tn_dataflow_rows_schema(rows), &schema, err));
    tn_render_source source = {
        .pool = pool_of(p), .schema = &schema, .read = read_rows, .context = rows};
    TN_TRY(tn_api__print(&source, print, write, context, err));
done:
    tn_dataflow_rows_close(rows);
    return code;
}

/* ---- the ledger -------------------------------------------------------------------------------*/

tarn_code tarn_pipeline_status(tarn_pipeline *p, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check_given(p != NULL, "pipeline", err));
    TN_RETURN_IF_ERROR(tn_api__check(p->session, err));
    TN_RETURN_IF_ERROR(tn_dataflow_get_status(p->dataflow, &p->status, err));
    p->files = p->status.files;
    p->file_count = p->status.file_count;
    return TARN_OK;
}

const char *tarn_pipeline_name(const tarn_pipeline *p)
{
    return p == NULL ? "" : text(p, p->status.name);
}

const char *tarn_pipeline_state(const tarn_pipeline *p)
{
    return p == NULL ? "" : text(p, p->status.state);
}

bool tarn_pipeline_past_run(const tarn_pipeline *p, size_t index, tarn_pipeline_past *out)
{
    static const char *const states[] = {
        [TN_RUN_OPEN] = "open",
        [TN_RUN_DONE] = "done",
        [TN_RUN_VOID] = "void",
        [TN_RUN_RESET] = "reset",
    };
    if (p == NULL || out == NULL || index >= p->status.run_count ||
        out->struct_size < sizeof(*out)) {
        return false;
    }
    const tn_dataflow_past *past = &p->status.runs[index];
    *out = (tarn_pipeline_past){.struct_size = sizeof(*out),
                                .run = past->run,
                                .started_us = past->started_us,
                                .ended_us = past->ended_us,
                                .state = states[past->state],
                                .files = past->files,
                                .rows = past->rows_in,
                                .table_count = past->table_count};
    return true;
}

bool tarn_pipeline_past_table(const tarn_pipeline *p, size_t run_index, size_t index,
                              tarn_pipeline_table *out)
{
    if (p == NULL || out == NULL || run_index >= p->status.run_count ||
        index >= p->status.runs[run_index].table_count || out->struct_size < sizeof(*out)) {
        return false;
    }
    const tn_dataflow_table *table = &p->status.runs[run_index].tables[index];
    *out = (tarn_pipeline_table){sizeof(*out), text(p, table->name), text(p, table->uri),
                                 table->version, table->rows};
    return true;
}

bool tarn_pipeline_past_flow(const tarn_pipeline *p, size_t run_index, size_t index, tarn_flow *out)
{
    if (p == NULL || out == NULL || run_index >= p->status.run_count ||
        index >= p->status.runs[run_index].flow_count || out->struct_size < sizeof(*out)) {
        return false;
    }
    put_flow(p, &p->status.runs[run_index].flows[index], out);
    return true;
}

bool tarn_pipeline_known_file(const tarn_pipeline *p, size_t index, tarn_pipeline_file *out)
{
    if (p == NULL || out == NULL || index >= p->file_count || out->struct_size < sizeof(*out)) {
        return false;
    }
    const tn_dataflow_file *file = &p->files[index];
    *out = (tarn_pipeline_file){sizeof(*out), text(p, file->source), text(p, file->uri), file->size,
                                file->run,    file->is_forgotten};
    return true;
}

tarn_code tarn_pipeline_reset(tarn_pipeline *p, const char *glob, int64_t run, bool do_it,
                              size_t *count, tarn_error *err)
{
    const tn_dataflow_table *tables;
    size_t table_count;
    TN_RETURN_IF_ERROR(tn_api__check_given(p != NULL, "pipeline", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(count != NULL, "place for the answer", err));
    TN_RETURN_IF_ERROR(tn_api__check(p->session, err));
    TN_RETURN_IF_ERROR(tn_dataflow_reset(p->dataflow, tn_str_of(glob == NULL ? "" : glob), run,
                                         do_it, &p->files, &p->file_count, &tables, &table_count,
                                         err));
    *count = p->file_count;
    return TARN_OK;
}

static TN_FALLIBLE draw_graph(tarn_pipeline *p, bool json, char **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text made;
    size_t size;
    TN_RETURN_IF_ERROR(tn_api__check_given(p != NULL, "pipeline", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_api__check(p->session, err));
    tn_text_init(&made, pool_of(p), 1 << 24);
    TN_TRY(tn_dataflow_graph(p->dataflow, json, &made, err));
    return tn_api__give(&made, out, &size, err);
done:
    tn_text_deinit(&made);
    return code;
}

tarn_code tarn_pipeline_graph(tarn_pipeline *p, char **out, tarn_error *err)
{
    return draw_graph(p, false, out, err);
}

tarn_code tarn_pipeline_graph_json(tarn_pipeline *p, char **out, tarn_error *err)
{
    return draw_graph(p, true, out, err);
}

tarn_code tarn_pipeline_init(tarn_session *session, const char *folder, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    return tn_dataflow_init(session->session, tn_str_of(folder == NULL ? "" : folder), err);
}
