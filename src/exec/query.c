#include "exec/exec_internal.h"

#include "exec/result.h"
#include "exec/sort_internal.h"
#include "rows/spill.h"

#include <assert.h>

/* How often a sleeping caller looks at the cancel flag, which a signal handler may have set. */
enum { LOOK_MS = 20, PROGRESS_MS = 100, TASK_MEMORY = 12 << 20 };

/* ---- making -----------------------------------------------------------------------------------*/

tarn_code tn_query_create(tn_plan_context *context, const tn_plan *plan,
                          const tn_query_options *options, tn_query **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_query *query = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(options->pool, sizeof(tn_query), &memory, err));
    query = memory;
    query->parent = options->pool;
    query->context = context;
    query->plan = plan;
    query->options = *options;
    tn_pool_init(&query->pool, options->pool, "query", SIZE_MAX);
    tn_arena_init(&query->arena, &query->pool);
    query->order.pool = query->all.pool = query->made.pool = query->operators.pool =
        query->filters.pool = &query->pool;
    query->run = (tn_run){
        .pool = &query->pool,
        .types = context->expr.types,
        .expr = &context->expr,
        .parameters = context->parameters,
        .threads = options->threads > 0 ? options->threads : 1,
        .preserve_order = options->preserve_order,
        .deterministic = options->deterministic,
        .cancelled = &query->cancelled,
    };
    /* Each task has its own scratch and the partition at hand: fewer at once where memory is short.
     */
    const size_t share = tn_run__budget(&query->run) / TASK_MEMORY;
    if (query->run.threads > share) {
        query->run.threads = share == 0 ? 1 : (uint32_t)share;
    }
    tn_gang_init(&query->gang, query->run.threads);
    TN_TRY(tn_spill_create(&query->pool, options->temp_dir, &query->run.spill, err));
    TN_TRY(tn_query__compile(query, err));
    *out = query;
    query = NULL;
done:
    tn_query_destroy(query);
    return code;
}

/* ---- one pipeline -----------------------------------------------------------------------------*/

static TN_FALLIBLE scan_source(tn_query *query, tn_segment *segment, tarn_error *err)
{
    const tn_plan *node = segment->node;
    uint32_t *fields;
    tn_promise *promises;
    tn_scan_request request = {
        .conjuncts = node->conjuncts,
        .conjunct_count = node->conjunct_count,
        .dynamic = segment->filters,
        .dynamic_count = segment->filter_count,
        .row_limit = node->kind == TN_PLAN_SCAN ? node->row_limit : UINT64_MAX,
        .rejects = node->rejects,
        .tasks_max = segment->single ? 1 : query->run.threads,
        .stop_early = segment->stop_early,
        .cancelled = &query->cancelled,
    };
    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, uint32_t, node->output_count, &fields, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&query->arena, tn_promise, node->conjunct_count, &promises, err));
    for (uint32_t i = 0; i < node->output_count; i++) {
        const uint32_t field = node->kind == TN_PLAN_SCAN ? node->fields[i] : i;
        if ((field & TN_FIELD_VIRTUAL) != 0) {
            request.virtuals |= field & ~TN_FIELD_VIRTUAL;
        } else {
            assert(request.virtuals == 0); /* those come last, in the order of their bits */
            fields[request.field_count++] = field;
        }
    }
    request.fields = fields;
    request.promises = promises;
    tn_source *source = segment->values != NULL ? segment->values : node->source;
    segment->owns_scan = true;
    return source->ops->open(source, &request, &query->pool, &segment->pipeline.scan, err);
}

static TN_FALLIBLE open_scan(tn_query *query, tn_segment *segment, tarn_error *err)
{
    tn_operator *state = segment->state;
    switch (segment->origin) {
    case TN_ORIGIN_SOURCE:
        return scan_source(query, segment, err);
    case TN_ORIGIN_KEPT:
        segment->owns_scan = true;
        return tn_keep_scan(state, &query->pool, &segment->pipeline.scan, err);
    default:
        return state->ops->scan(state, &segment->pipeline.scan, err);
    }
}

static TN_FALLIBLE start(tn_query *query, tn_segment *segment, tarn_error *err)
{
    TN_RETURN_IF_ERROR(open_scan(query, segment, err));
    tn_scan *scan = segment->pipeline.scan;
    uint32_t drivers = segment->single ? 1 : query->run.threads;
    if (scan->ops->morsels_expected != NULL) {
        const uint32_t morsels = scan->ops->morsels_expected(scan);
        drivers = morsels < drivers ? morsels : drivers;
    }
    if (segment->origin == TN_ORIGIN_SOURCE) {
        const size_t fit = tn_scan_tasks_fit(scan, tn_run__budget(&query->run));
        drivers = fit < drivers ? (uint32_t)fit : drivers;
    }
    segment->is_started = true;
    return tn_pipeline_start(&segment->pipeline, &query->gang, drivers > 0 ? drivers : 1, err);
}

/* What one slot gave is what the next took, and those that pass rows through neither lose nor make
 * any. */
static TN_FALLIBLE balance_steps(const tn_segment *segment, tarn_error *err)
{
    for (uint32_t slot = 1; slot < segment->pipeline.step_count + 2; slot++) {
        const tn_slot_counters *counters = &segment->counters[slot];
        const tn_plan *node = segment->nodes[slot];
        const uint64_t given = segment->counters[slot - 1].rows;
        const bool is_step = slot <= segment->pipeline.step_count && node != NULL;
        const bool passes =
            is_step && (node->kind == TN_PLAN_PROJECT || node->kind == TN_PLAN_METER);
        const bool filters = is_step && node->kind == TN_PLAN_FILTER;
        if (given != counters->taken) {
            return tn_fail(err, TARN_E_INTERNAL,
                           "rows out of balance: a step gave %llu rows and the next took %llu",
                           (unsigned long long)given, (unsigned long long)counters->taken);
        }
        if ((passes && counters->rows != counters->taken) ||
            (filters && counters->rows > counters->taken)) {
            return tn_fail(err, TARN_E_INTERNAL,
                           "rows out of balance: a step took %llu rows and gave %llu",
                           (unsigned long long)counters->taken, (unsigned long long)counters->rows);
        }
    }
    return TARN_OK;
}

/* What the scan says it gave is what the pipeline took (decision 16). */
static TN_FALLIBLE balance(const tn_segment *segment, bool ended, tarn_error *err)
{
    const uint64_t taken = segment->counters[0].rows;
    const uint64_t given = segment->scanned.rows_out;
    if (segment->origin == TN_ORIGIN_SOURCE && (taken > given || (ended && taken < given))) {
        return tn_fail(err, TARN_E_INTERNAL,
                       "rows out of balance: a scan gave %llu rows and %llu were taken",
                       (unsigned long long)given, (unsigned long long)taken);
    }
    return balance_steps(segment, err);
}

/* The pipeline has ended: how it went, and what it counted. */
static TN_FALLIBLE end(tn_query *query, tn_segment *segment, tarn_error *err)
{
    tn_pipeline *pipeline = &segment->pipeline;
    tn_scan *scan = pipeline->scan;
    const bool enough = atomic_load(&pipeline->enough);
    const bool ended = atomic_load(&pipeline->drained) == pipeline->driver_count;
    tarn_code code = tn_pipeline_close(pipeline, err);

    if (scan != NULL && scan->ops->counters != NULL) {
        scan->ops->counters(scan, &segment->scanned);
    }
    if (code == TARN_OK && scan != NULL && scan->ops->finish != NULL && segment->owns_scan) {
        code = scan->ops->finish(scan, err);
    }
    if (code == TARN_OK) {
        code = balance(segment, ended, err);
    }
    for (uint32_t i = 0; i < segment->output_count && code == TARN_OK; i++) {
        const tn_segment *output = segment->outputs[i];
        if (!atomic_load(&output->pipeline.enough)) { /* else rows on their way were dropped */
            code = balance_steps(output, err);
        }
    }
    if (scan != NULL && segment->owns_scan) {
        scan->ops->close(scan);
    }
    pipeline->scan = NULL;
    segment->is_started = false;
    while (enough && !pipeline->finalises) { /* those that would feed the same end */
        query->current++;
        pipeline = &query->order.items[query->current]->pipeline;
        query->order.items[query->current]->was_skipped = true;
    }
    query->current++;
    return code;
}

/* ---- the loop ---------------------------------------------------------------------------------*/

static bool something_came(void *context)
{
    tn_query *query = context;
    const tn_segment *segment = query->order.items[query->current];
    return atomic_load(&segment->pipeline.is_done) || atomic_load(&query->cancelled) ||
           (query->result != NULL && tn_result_is_ready(query->result));
}

static bool has_ended(void *context)
{
    const tn_query *query = context;
    return atomic_load(&query->order.items[query->current]->pipeline.is_done);
}

static TN_FALLIBLE fail(tn_query *query, tarn_code code, const tarn_error *failure, tarn_error *err)
{
    query->failed = code;
    query->failure = *failure;
    tn_error_copy(err, failure);
    return code;
}

/* What the sources hold, once: rows where they are known, else bytes. */
static void weigh(tn_query *query)
{
    tn_arena arena;
    query->is_weighed = true;
    tn_arena_init(&arena, query->parent);
    for (size_t i = 0; i < query->order.count; i++) {
        tn_segment *segment = query->order.items[i];
        tn_source *source = segment->node == NULL ? NULL : segment->node->source;
        tn_statistics known = {0};
        if (segment->origin != TN_ORIGIN_SOURCE || segment->values != NULL || source == NULL ||
            source->ops->statistics == NULL ||
            source->ops->statistics(source, NULL, 0, &arena, &known, NULL) != TARN_OK) {
            continue;
        }
        segment->rows_all = known.rows_known == TN_EXACT ? known.rows : 0;
        segment->bytes_all = known.bytes_known != TN_UNKNOWN ? known.bytes : 0;
    }
    tn_arena_deinit(&arena);
}

/* Bytes read so far; and how many it will be, by the share of the sources' rows or bytes that was
 * seen. */
static void report_progress(tn_query *query)
{
    uint64_t done = 0;
    double seen = 0;
    double all = 0;
    bool is_known = true;
    if (query->options.progress == NULL) {
        return;
    }
    if (!query->is_weighed) {
        weigh(query);
    }
    for (size_t i = 0; i < query->order.count; i++) {
        tn_segment *segment = query->order.items[i];
        tn_scan *scan = segment->pipeline.scan;
        tn_scan_counters now = segment->scanned;
        if (segment->origin != TN_ORIGIN_SOURCE || segment->values != NULL) {
            continue;
        }
        if (i <= query->current && scan != NULL && scan->ops->counters != NULL) {
            scan->ops->counters(scan, &now);
        }
        const double rows = (double)(now.rows_read + now.rows_pruned);
        const double share = i < query->current      ? 1
                             : segment->rows_all > 0 ? rows / (double)segment->rows_all
                             : segment->bytes_all > 0
                                 ? (double)now.bytes_read / (double)segment->bytes_all
                                 : 0;
        done += now.bytes_read;
        seen += (share < 1 ? share : 1) * (double)segment->bytes_all;
        all += (double)segment->bytes_all;
        is_known = is_known && segment->bytes_all > 0;
    }
    const double total = !is_known ? 0 : seen > 0 ? (double)done * all / seen : all;
    query->options.progress(query->options.progress_context, done,
                            total > (double)done ? (uint64_t)total
                            : is_known           ? done
                                                 : 0);
}

/* The count of a WRITE: one row. */
static TN_FALLIBLE answer_count(tn_query *query, tn_chunk **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_type *const type = TN_BIGINT;
    tn_chunk_builder *builder = NULL;

    query->answered = true;
    if (query->plan->kind != TN_PLAN_WRITE) {
        return TARN_OK;
    }
    const tn_value count = tn_value_bigint((int64_t)atomic_load(&query->plan->sink->rows));
    TN_TRY(tn_chunk_builder_create(query->parent, &type, 1, 1, &builder, err));
    TN_TRY(tn_chunk_builder_put(builder, 0, &count, err));
    TN_TRY(tn_chunk_builder_finish(builder, out, err));
done:
    tn_chunk_builder_destroy(builder);
    return code;
}

/* Runs the pipeline in turn for a while. */
static TN_FALLIBLE advance(tn_query *query, tarn_error *err)
{
    tn_segment *segment = query->order.items[query->current];
    if (segment->is_teed) {
        query->current++;
        return TARN_OK;
    }
    if (!segment->is_started) {
        const tarn_code code = start(query, segment, err);
        if (code != TARN_OK) {
            tarn_error ignored = TARN_ERROR_INIT;
            if (segment->is_started || segment->pipeline.scan != NULL) {
                (void)!end(query, segment, &ignored);
            }
            return code;
        }
    }
    tn_gang_work(&query->gang, something_came, query,
                 query->options.progress != NULL ? PROGRESS_MS : LOOK_MS);
    report_progress(query);
    if (atomic_load(&query->cancelled)) {
        tn_pipeline_stir(&segment->pipeline);
        while (!has_ended(query)) {
            tn_gang_work(&query->gang, has_ended, query, LOOK_MS);
        }
    }
    return atomic_load(&segment->pipeline.is_done) ? end(query, segment, err) : TARN_OK;
}

tarn_code tn_query_next(tn_query *query, tn_chunk **out, tarn_error *err)
{
    tarn_error failure = TARN_ERROR_INIT;
    tarn_code code = query->failed;

    *out = NULL;
    if (code != TARN_OK) {
        failure = query->failure;
        return fail(query, code, &failure, err);
    }
    for (;;) {
        const bool all = query->current >= query->order.count;
        if (query->result != NULL) {
            code = tn_result_next(query->result, all, out, &failure);
        }
        if (code == TARN_OK && *out == NULL && all && query->result == NULL && !query->answered) {
            code = answer_count(query, out, &failure);
        }
        if (code == TARN_OK && *out == NULL && !all) {
            code = advance(query, &failure);
            if (code == TARN_OK && atomic_load(&query->cancelled)) {
                code = tn_fail(&failure, TARN_E_CANCELLED, "cancelled");
            }
        } else if (code == TARN_OK) {
            query->rows_out += *out == NULL ? 0 : (*out)->rows;
            return TARN_OK;
        }
        if (code != TARN_OK) {
            code = tn_spill_explain(query->run.spill, code, &failure);
            if (query->plan->kind == TN_PLAN_WRITE) { /* a scan fails for what a sink holds, too */
                code = tn_sink_end_explain(query->plan->sink, &query->pool, code, &failure);
            }
            return fail(query, code, &failure, err);
        }
    }
}

void tn_query_cancel(tn_query *query)
{
    atomic_store(&query->cancelled, true);
}

bool tn_query_reclaim(tn_query *query, size_t size)
{
    return tn_spill_reclaim(query->run.spill, size);
}

/* ---- the end ----------------------------------------------------------------------------------*/

void tn_query_destroy(tn_query *query)
{
    if (query == NULL) {
        return;
    }
    if (query->current < query->order.count && query->order.items[query->current]->is_started) {
        tn_segment *segment = query->order.items[query->current];
        tn_query_cancel(query);
        tn_pipeline_stir(&segment->pipeline);
        while (!has_ended(query)) {
            tn_gang_work(&query->gang, has_ended, query, LOOK_MS);
        }
        (void)!end(query, segment, NULL);
    }
    for (size_t i = query->operators.count; i > 0; i--) {
        query->operators.items[i - 1]->ops->destroy(query->operators.items[i - 1]);
    }
    for (size_t i = 0; i < query->filters.count; i++) {
        tn_join_filter_destroy(query->filters.items[i]);
    }
    for (size_t i = 0; i < query->all.count; i++) {
        tn_source_release(query->all.items[i]->values);
    }
    for (size_t i = 0; i < query->made.count; i++) {
        tn_vec_free(&query->made.items[i]->builds);
    }
    tn_vec_free(&query->operators);
    tn_vec_free(&query->filters);
    tn_vec_free(&query->order);
    tn_vec_free(&query->all);
    tn_vec_free(&query->made);
    tn_gang_deinit(&query->gang);
    tn_spill_destroy(query->run.spill);
    tn_arena_deinit(&query->arena);
    tn_pool_deinit(&query->pool);
    tn_pool_free(query->parent, query, sizeof(*query));
}

/* ---- figures ----------------------------------------------------------------------------------*/

void tn_query_get_stats(const tn_query *query, tn_query_stats *out)
{
    *out = (tn_query_stats){
        .rows_out = query->rows_out,
        .spilled_bytes = tn_spill_bytes(query->run.spill),
        .peak_bytes = atomic_load(&query->pool.peak),
    };
    for (size_t i = 0; i < query->order.count; i++) {
        const tn_segment *segment = query->order.items[i];
        if (segment->origin == TN_ORIGIN_SOURCE && segment->values == NULL) {
            out->rows_in += segment->scanned.rows_read;
            out->rows_rejected += segment->scanned.rows_rejected;
            out->bytes_read += segment->scanned.bytes_read;
        }
    }
}

void tn_query_annotate(void *context, const tn_plan *node, tn_text *out)
{
    const tn_query *query = context;
    tn_slot_counters sum = {0};
    const tn_segment *scan = NULL;
    bool ran = false;

    for (size_t i = 0; i < query->order.count; i++) {
        const tn_segment *segment = query->order.items[i];
        const uint32_t slots = segment->pipeline.step_count + 2;
        for (uint32_t slot = 0; slot < slots; slot++) {
            if (segment->nodes[slot] != node || segment->was_skipped) {
                continue;
            }
            const bool is_end = slot + 1 == slots;
            ran = true;
            sum.rows += is_end ? 0 : segment->counters[slot].rows;
            sum.batches += segment->counters[slot].batches;
            sum.nanos += segment->counters[slot].nanos;
            scan = slot == 0 && node->kind == TN_PLAN_SCAN ? segment : scan;
        }
    }
    if (!ran) {
        return;
    }
    tn_text_printf(out, "  | rows %llu, %.3f ms", (unsigned long long)sum.rows,
                   (double)sum.nanos / 1e6);
    if (scan != NULL) {
        tn_text_printf(
            out, ", read %llu bytes, %llu of %llu file%s and %llu of %llu group%s pruned",
            (unsigned long long)scan->scanned.bytes_read,
            (unsigned long long)scan->scanned.files_pruned, (unsigned long long)scan->scanned.files,
            scan->scanned.files == 1 ? "" : "s", (unsigned long long)scan->scanned.groups_pruned,
            (unsigned long long)scan->scanned.groups, scan->scanned.groups == 1 ? "" : "s");
    }
}
