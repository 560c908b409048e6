/* How many rows went where, and that none is lost (decision 16). */
#include "pipeline/run_internal.h"

static TN_FALLIBLE unbalanced(const char *what, tn_str name, uint64_t in, uint64_t out,
                              tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INTERNAL,
                  "rows are lost: %llu went into %s '%.*s', %llu came out of it or were set aside",
                  (unsigned long long)in, what, TN_STR_ARGS(name), (unsigned long long)out);
    tn_hint(err, "nothing was committed; this is a fault of Tarn's: please report it");
    return TARN_E_INTERNAL;
}

/* Rows that a station's rules took away. */
static void set_aside(const tn_execution *x, size_t index, tn_flow *flow)
{
    const tn_rule_sink *rules = x->rules[index];
    if (rules != NULL) {
        flow->quarantined += rules->quarantined;
        flow->dropped += rules->dropped;
    }
}

static uint64_t metered(const tn_execution *x, size_t index, bool after_rules)
{
    return atomic_load(&x->build.meters[2 * index + after_rules]);
}

/* A source counts what its files hold; what its rules leave is counted as it comes by. */
static TN_FALLIBLE source_flow(const tn_execution *x, size_t index, bool is_asked, tn_flow *flow,
                               tarn_error *err)
{
    const tn_station *station = x->p->nodes.items[index];
    const tn_scan_counters *counters = &x->counters[index];
    const tn_source_edge *edge = &x->edges[index];
    const uint64_t bad = atomic_load(&edge->quarantined) + atomic_load(&edge->dropped);
    *flow = (tn_flow){.kind = TN_FLOW_SOURCE,
                      .name = station->id,
                      .detail = station->take_all ? TN_STR("all") : TN_STR("new"),
                      .files = x->found.pins[index].count,
                      .rows_in = counters->rows_read + counters->rows_pruned,
                      .quarantined = atomic_load(&edge->quarantined),
                      .dropped = atomic_load(&edge->dropped),
                      .is_row_wise = true,
                      .knows_in = true,
                      .version = -1};
    set_aside(x, index, flow);
    const uint64_t lost = flow->quarantined + flow->dropped;
    if (counters->rows_rejected != bad) {
        return unbalanced("source", station->id, counters->rows_rejected, bad, err);
    }
    if (lost > flow->rows_in || counters->rows_out + bad > flow->rows_in) {
        return unbalanced("source", station->id, flow->rows_in,
                          lost > counters->rows_out + bad ? lost : counters->rows_out + bad, err);
    }
    flow->rows_out = flow->rows_in - lost; /* a condition of the one reader may have gone down */
    if (x->rules[index] != NULL && is_asked) {
        flow->rows_out = metered(x, index, true);
    }
    return flow->rows_out + lost == flow->rows_in
               ? TARN_OK
               : unbalanced("source", station->id, flow->rows_in, flow->rows_out + lost, err);
}

/* Which stations this execution reads.  A replay leaves out the tables that have the run already:
 * rows that kept the rules may then be asked for by nobody, and are not counted. */
typedef struct reading {
    bool *runs;     /* something reads its rows, before the rules or after them */
    bool *is_asked; /* ... after them: a sink that is written, or another station */
} reading;

static TN_FALLIBLE find_reading(tn_execution *x, reading *out, tarn_error *err)
{
    const size_t count = x->p->nodes.count;
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, bool, count + 1, &out->runs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, bool, count + 1, &out->is_asked, err));
    for (size_t i = 0; i < x->target_count; i++) {
        const tn_target *target = &x->targets[i];
        if (target->spec != NULL && target->writer != NULL) {
            out->is_asked[target->spec->node->index] = true;
        }
    }
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++) {
            if (out->runs[i] || !(out->is_asked[i] || x->rules[i] != NULL || x->build.queried[i])) {
                continue;
            }
            out->runs[i] = more = true;
            for (size_t j = 0; j < count; j++) {
                out->is_asked[j] = out->is_asked[j] || x->build.built[i].named[j];
            }
        }
    }
    return TARN_OK;
}

/* A step counts what it gives; what it takes is what those it reads gave. */
static TN_FALLIBLE step_flow(const tn_execution *x, size_t index, bool is_asked,
                             const tn_flow *flows, tn_flow *flow, tarn_error *err)
{
    const tn_station *station = x->p->nodes.items[index];
    const tn_built *built = &x->build.built[index];
    const uint64_t given = metered(x, index, false);
    *flow = (tn_flow){.kind = TN_FLOW_STEP,
                      .name = station->id,
                      .is_row_wise = built->is_row_wise,
                      .knows_in = true,
                      .version = -1};
    set_aside(x, index, flow);
    for (size_t i = 0; i < x->p->nodes.count; i++) {
        const bool reads =
            built->is_row_wise ? built->row_input == x->p->nodes.items[i] : built->read[i];
        flow->rows_in += reads ? flows[i].rows_out : 0;
    }
    const uint64_t lost = flow->quarantined + flow->dropped;
    flow->rows_out = x->rules[index] == NULL    ? given
                     : is_asked || lost > given ? metered(x, index, true)
                                                : given - lost;
    if (flow->rows_out + lost != given) {
        return unbalanced("the expectations of step", station->id, given, flow->rows_out + lost,
                          err);
    }
    if (built->is_row_wise && given > flow->rows_in) {
        return unbalanced("step", station->id, flow->rows_in, given, err);
    }
    flow->filtered = built->is_row_wise ? flow->rows_in - given : 0;
    return TARN_OK;
}

/* Of all stations that ran, by index: a step after those it reads. */
static TN_FALLIBLE station_flows(const tn_execution *x, const reading *read, tn_flow *flows,
                                 bool *done, tarn_error *err)
{
    const size_t count = x->p->nodes.count;
    for (size_t left = count, before = count + 1; left > 0 && left < before;) {
        before = left;
        for (size_t i = 0; i < count; i++) {
            const tn_built *built = &x->build.built[i];
            bool ready = !done[i] && built->state == TN_BUILD_DONE;
            for (size_t j = 0; j < count && ready; j++) {
                ready = done[j] || !built->read[j];
            }
            if (!ready) {
                continue;
            }
            TN_RETURN_IF_ERROR(x->p->nodes.items[i]->is_source
                                   ? source_flow(x, i, read->is_asked[i], &flows[i], err)
                                   : step_flow(x, i, read->is_asked[i], flows, &flows[i], err));
            done[i] = true;
            left--;
        }
    }
    return TARN_OK;
}

static void rule_flows(const tn_rule_sink *sink, tn_flow *flows, size_t *count)
{
    static const char *const actions[] = {"warn", "quarantine", "drop", "fail"};
    for (uint32_t r = 0; sink != NULL && r < sink->rule_count; r++) {
        if (sink->rules[r]->is_not_null && sink->broken[r] == 0) {
            continue; /* nobody wrote it as an expectation */
        }
        flows[(*count)++] = (tn_flow){.kind = TN_FLOW_EXPECT,
                                      .name = sink->rules[r]->name,
                                      .detail = tn_str_of(actions[sink->rules[r]->action]),
                                      .rows_out = sink->broken[r],
                                      .version = -1};
    }
}

tarn_code tn_report__flows(tn_execution *x, tn_flow **out, size_t *count, tarn_error *err)
{
    const tn_dataflow *p = x->p;
    size_t room = p->nodes.count + x->target_count + p->expects.count;
    for (size_t i = 0; i < p->nodes.count; i++) {
        room += p->nodes.items[i]->column_count;
    }
    tn_flow *stations;
    bool *done;
    reading read;
    TN_RETURN_IF_ERROR(find_reading(x, &read, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&x->p->arena, tn_flow, room + 1, out, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, tn_flow, p->nodes.count + 1, &stations, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&x->arena, bool, p->nodes.count + 1, &done, err));
    TN_RETURN_IF_ERROR(station_flows(x, &read, stations, done, err));
    *count = 0;
    for (size_t i = 0; i < p->nodes.count; i++) {
        if (done[i] && read.runs[i]) {
            (*out)[(*count)++] = stations[i];
        }
        rule_flows(x->rules[i], *out, count);
    }
    for (size_t i = 0; i < p->expects.count; i++) {
        rule_flows(x->queries[i], *out, count);
    }
    for (size_t i = 0; i < x->target_count; i++) {
        const tn_target *target = &x->targets[i];
        const bool written = target->writer != NULL;
        const uint64_t rows =
            written ? atomic_load(&tn_delta_writer_sink(target->writer)->rows) : 0;
        if (target->spec == NULL && !written && !target->has_run) {
            continue; /* nothing to set aside */
        }
        const tn_flow *from = target->spec == NULL ? NULL : &stations[target->spec->node->index];
        if (from != NULL && written && rows != from->rows_out) {
            return unbalanced("sink", target->uri, from->rows_out, rows, err);
        }
        if (target->spec == NULL && written && rows != x->collector.rows) {
            return unbalanced("the quarantine", target->uri, x->collector.rows, rows, err);
        }
        (*out)[(*count)++] =
            (tn_flow){.kind = target->spec == NULL ? TN_FLOW_QUARANTINE : TN_FLOW_SINK,
                      .name = target->uri,
                      .detail = target->spec == NULL                       ? TN_STR("append")
                                : target->spec->mode == TN_DELTA_OVERWRITE ? TN_STR("overwrite")
                                                                           : TN_STR("append"),
                      .rows_in = rows,
                      .rows_out = rows,
                      .knows_in = true,
                      .version = target->receipt.version,
                      .skipped = target->has_run || target->receipt.skipped};
    }
    return TARN_OK;
}
