/* How many rows went where, and that none is lost (CONTRACTS, 15). */
#include "pipeline/run_internal.h"

static TN_FALLIBLE unbalanced(const char *what, tn_str name, uint64_t in, uint64_t out,
                              tarn_error *err)
{
    return tn_fail(err, TARN_E_INTERNAL,
                   "rows are lost: %llu went into %s '%.*s', %llu came out of it or were set aside",
                   (unsigned long long)in, what, TN_STR_ARGS(name), (unsigned long long)out);
}

/* What a source hands on: read, less what was set aside. */
static TN_FALLIBLE source_flow(const tn_execution *x, size_t index, tn_flow *flow, tarn_error *err)
{
    const tn_station *station = x->p->nodes.items[index];
    const tn_scan_counters *counters = &x->counters[index];
    const tn_source_edge *edge = &x->edges[index];
    *flow = (tn_flow){.kind = TN_FLOW_SOURCE,
                      .name = station->id,
                      .detail = station->take_all ? TN_STR("all") : TN_STR("new"),
                      .files = x->found.pins[index].count,
                      .rows_in = counters->rows_read + counters->rows_pruned,
                      .quarantined = atomic_load(&edge->quarantined),
                      .dropped = atomic_load(&edge->dropped),
                      .filtered = counters->rows_pruned,
                      .is_row_wise = true,
                      .knows_in = true,
                      .version = -1};
    flow->rows_out = flow->rows_in - flow->filtered - flow->quarantined - flow->dropped;
    if (counters->rows_rejected != flow->quarantined + flow->dropped) {
        return unbalanced("source", station->id, counters->rows_rejected,
                          flow->quarantined + flow->dropped, err);
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
    TN_RETURN_IF_ERROR(tn_arena_array(&x->p->arena, tn_flow, room + 1, out, err));
    *count = 0;
    for (size_t i = 0; i < p->nodes.count; i++) {
        if (p->nodes.items[i]->is_source) {
            TN_RETURN_IF_ERROR(source_flow(x, i, &(*out)[(*count)++], err));
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
