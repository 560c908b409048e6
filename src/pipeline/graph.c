/* Sources, steps, expectations and sinks, and who reads whom: as text, and as JSON. */
#include "pipeline/run_internal.h"

#include "base/json.h"

/* ---- text -------------------------------------------------------------------------------------*/

static void put_tables(const tn_build *b, const tn_station *reader, const tn_expect *asking,
                       tn_text *out)
{
    for (size_t i = 0; i < b->table_reads.count; i++) {
        const tn_table_read *read = &b->table_reads.items[i];
        if (read->reader == reader && read->asking == asking) {
            tn_text_printf(out, "  reads  %.*s\n", TN_STR_ARGS(read->uri));
        }
    }
}

static void put_query(const tn_dataflow *p, const tn_build *b, const tn_expect *expect,
                      tn_text *out)
{
    tn_text_printf(out, "expect %.*s\n", TN_STR_ARGS(expect->name));
    for (size_t i = 0; i < p->nodes.count; i++) {
        if (b->queried[i]) {
            tn_text_printf(out, "  reads  %.*s\n", TN_STR_ARGS(p->nodes.items[i]->id));
        }
    }
    put_tables(b, NULL, expect, out);
}

static void put_station(const tn_dataflow *p, const tn_build *b, const tn_station *station,
                        tn_text *out)
{
    tn_text_printf(out, "%s %.*s", station->is_source ? "source" : "step",
                   TN_STR_ARGS(station->id));
    if (station->is_source) {
        for (uint32_t i = 0; i < station->uri_count; i++) {
            tn_text_printf(out, "%s %.*s", i == 0 ? "" : ",", TN_STR_ARGS(station->uris[i]));
        }
        tn_text_puts(out, station->take_all ? " (all)\n" : " (new)\n");
    } else {
        tn_text_puts(out, "\n");
    }
    for (size_t i = 0; i < p->nodes.count; i++) {
        const bool *reads = b->built[station->index].named;
        if (reads != NULL && reads[i]) {
            tn_text_printf(out, "  reads  %.*s\n", TN_STR_ARGS(p->nodes.items[i]->id));
        }
    }
    put_tables(b, station, NULL, out);
    for (size_t i = 0; i < p->expects.count; i++) {
        const tn_expect *expect = p->expects.items[i];
        if (expect->node == station) {
            tn_text_printf(out, "  expect %.*s\n", TN_STR_ARGS(expect->name));
        }
    }
    for (size_t i = 0; i < p->sinks.count; i++) {
        const tn_sink_spec *sink = p->sinks.items[i];
        if (sink->node == station) {
            tn_text_printf(out, "  sink   %.*s (%s)\n", TN_STR_ARGS(sink->to),
                           sink->mode == TN_DELTA_OVERWRITE ? "overwrite" : "append");
        }
    }
}

/* ---- JSON -------------------------------------------------------------------------------------*/

static void put_table_names(const tn_build *b, const tn_station *reader, const tn_expect *asking,
                            tn_json_writer *w)
{
    tn_json_name(w, "tables");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < b->table_reads.count; i++) {
        const tn_table_read *read = &b->table_reads.items[i];
        if (read->reader == reader && read->asking == asking) {
            tn_json_put_str(w, read->uri);
        }
    }
    tn_json_end(w, ']');
}

static void put_reads(const tn_dataflow *p, const bool *reads, tn_json_writer *w)
{
    tn_json_name(w, "reads");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < p->nodes.count && reads != NULL; i++) {
        if (reads[i]) {
            tn_json_put_str(w, p->nodes.items[i]->id);
        }
    }
    tn_json_end(w, ']');
}

static void put_node(const tn_dataflow *p, const tn_build *b, const tn_station *station,
                     tn_json_writer *w)
{
    tn_json_begin(w, '{');
    tn_json_name(w, "kind");
    tn_json_put_text(w, station->is_source ? "source" : "step");
    tn_json_name(w, "id");
    tn_json_put_str(w, station->id);
    if (station->is_source) {
        tn_json_name(w, "uris");
        tn_json_begin(w, '[');
        for (uint32_t i = 0; i < station->uri_count; i++) {
            tn_json_put_str(w, station->uris[i]);
        }
        tn_json_end(w, ']');
        tn_json_name(w, "take");
        tn_json_put_text(w, station->take_all ? "all" : "new");
    }
    put_reads(p, b->built[station->index].named, w);
    put_table_names(b, station, NULL, w);
    tn_json_name(w, "expectations");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < p->expects.count; i++) {
        if (p->expects.items[i]->node == station) {
            tn_json_put_str(w, p->expects.items[i]->name);
        }
    }
    tn_json_end(w, ']');
    tn_json_name(w, "sinks");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < p->sinks.count; i++) {
        const tn_sink_spec *sink = p->sinks.items[i];
        if (sink->node == station) {
            tn_json_begin(w, '{');
            tn_json_name(w, "to");
            tn_json_put_str(w, sink->to);
            tn_json_name(w, "mode");
            tn_json_put_text(w, sink->mode == TN_DELTA_OVERWRITE ? "overwrite" : "append");
            tn_json_end(w, '}');
        }
    }
    tn_json_end(w, ']');
    tn_json_end(w, '}');
}

static void put_query_node(const tn_dataflow *p, const tn_build *b, const tn_expect *expect,
                           tn_json_writer *w)
{
    tn_json_begin(w, '{');
    tn_json_name(w, "kind");
    tn_json_put_text(w, "expectation");
    tn_json_name(w, "id");
    tn_json_put_str(w, expect->name);
    put_reads(p, b->queried, w);
    put_table_names(b, NULL, expect, w);
    tn_json_end(w, '}');
}

/* ---- both -------------------------------------------------------------------------------------*/

/* What an expectation's query asks of rows that others gave: b->queried. */
static TN_FALLIBLE ask(const tn_dataflow *p, tn_build *b, const tn_expect *expect, tarn_error *err)
{
    tn_plan *ignored;
    memset(b->queried, 0, p->nodes.count * sizeof(*b->queried));
    return tn_build__query(b, expect, &ignored, err);
}

static TN_FALLIBLE draw(const tn_dataflow *p, tn_build *b, bool json, tn_text *out, tarn_error *err)
{
    tn_json_writer w = {.out = out};
    if (json) {
        tn_json_begin(&w, '{');
        tn_json_name(&w, "pipeline");
        tn_json_put_str(&w, p->name);
        tn_json_name(&w, "nodes");
        tn_json_begin(&w, '[');
    } else {
        tn_text_printf(out, "pipeline %.*s\n", TN_STR_ARGS(p->name));
    }
    for (size_t i = 0; i < p->nodes.count; i++) {
        json ? put_node(p, b, p->nodes.items[i], &w) : put_station(p, b, p->nodes.items[i], out);
    }
    for (size_t i = 0; i < p->expects.count; i++) {
        if (p->expects.items[i]->is_query) {
            TN_RETURN_IF_ERROR(ask(p, b, p->expects.items[i], err));
            json ? put_query_node(p, b, p->expects.items[i], &w)
                 : put_query(p, b, p->expects.items[i], out);
        }
    }
    if (json) {
        tn_json_end(&w, ']');
        tn_json_name(&w, "quarantine");
        p->quarantine.size > 0 ? tn_json_put_str(&w, p->quarantine) : tn_json_put_null(&w);
        tn_json_end(&w, '}');
        tn_text_putc(out, '\n');
    } else if (p->quarantine.size > 0) {
        tn_text_printf(out, "quarantine %.*s\n", TN_STR_ARGS(p->quarantine));
    }
    return tn_text_status(out, err);
}

tarn_code tn_dataflow_graph(tn_dataflow *p, bool json, tn_text *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_discovery found;
    tn_build b = {0};

    TN_RETURN_IF_ERROR(tn_dataflow__first_fault(p, err));
    tn_arena_init(&arena, p->pool);
    TN_TRY(tn_discover(p, NULL, true, 1, &arena, NULL, NULL, &found, err));
    TN_TRY(tn_build__open(&b, p, &arena, found.pins, 0, 0, err));
    for (size_t i = 0; i < p->nodes.count; i++) {
        TN_TRY(tn_build__station(&b, p->nodes.items[i], err));
    }
    TN_TRY(draw(p, &b, json, out, err));
done:
    tn_build__close(&b);
    tn_arena_deinit(&arena);
    return code;
}
