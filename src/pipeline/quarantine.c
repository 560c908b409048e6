#include "pipeline/quarantine.h"

#include "base/utf8.h"
#include "kernel/text.h"

#include <stdio.h>

enum { CHUNK_ROWS = TN_BATCH_ROWS, COLUMN_COUNT = 8 };
static const size_t raw_max = 16 << 20;
static const size_t chunk_bytes = 1 << 20;

tarn_code tn_quarantine_schema(tn_arena *arena, tn_schema *out, tarn_error *err)
{
    static const struct {
        const char *name;
        const tn_type *type;
    } columns[COLUMN_COUNT] = {{"pipeline", TN_VARCHAR}, {"run", TN_BIGINT},
                               {"source", TN_VARCHAR},   {"file", TN_VARCHAR},
                               {"line", TN_BIGINT},      {"column", TN_VARCHAR},
                               {"reason", TN_VARCHAR},   {"raw", TN_VARCHAR}};
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, COLUMN_COUNT, &fields, err));
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        fields[i] = (tn_field){tn_str_of(columns[i].name), columns[i].type, true};
    }
    *out = (tn_schema){COLUMN_COUNT, fields};
    return TARN_OK;
}

tarn_code tn_collector_init(tn_collector *c, tn_dataflow *p, tn_arena *arena, int64_t run,
                            tarn_error *err)
{
    const tn_type *types[COLUMN_COUNT];
    *c = (tn_collector){.p = p, .arena = arena, .run = run};
    (void)pthread_mutex_init(&c->lock, NULL);
    tn_text_init(&c->text, p->pool, raw_max);
    tn_text_init(&c->first, p->pool, raw_max);
    TN_RETURN_IF_ERROR(tn_quarantine_schema(arena, &c->schema, err));
    for (uint32_t i = 0; i < COLUMN_COUNT; i++) {
        types[i] = c->schema.fields[i].type;
    }
    const tn_type **kept;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_type *, COLUMN_COUNT, &kept, err));
    memcpy(kept, types, sizeof(types));
    tn_query_options query;
    tn_session_query_options(p->session, &query);
    TN_RETURN_IF_ERROR(tn_spool_open(&c->spool, p->pool, query.temp_dir, &c->schema, err));
    return tn_chunk_builder_create(p->pool, kept, COLUMN_COUNT, CHUNK_ROWS, &c->builder, err);
}

void tn_collector_deinit(tn_collector *c)
{
    if (c->p == NULL) {
        return;
    }
    tn_spool_close(&c->spool);
    tn_chunk_builder_destroy(c->builder);
    tn_text_deinit(&c->text);
    tn_text_deinit(&c->first);
    (void)pthread_mutex_destroy(&c->lock);
}

/* Locked. */
static TN_FALLIBLE end_chunk(tn_collector *c, tarn_error *err)
{
    tn_chunk *chunk;
    TN_RETURN_IF_ERROR(tn_chunk_builder_finish(c->builder, &chunk, err));
    const tarn_code code = tn_spool_add(&c->spool, chunk, err);
    tn_chunk_release(chunk);
    return code;
}

static tn_value text_or_null(tn_str text)
{
    return text.size == 0 ? tn_value_null(TN_VARCHAR) : tn_value_varchar(text);
}

/* Keeps the row if it stands before what was kept: so the same one whichever thread came first. */
static void see_first(tn_collector *c, tn_str source, const tn_reject *row)
{
    const tn_str kept = tn_text_str(&c->first);
    const tn_str before = tn_str_slice(kept, kept.size > 0, kept.size > 0 ? 1 + c->first_file : 0);
    const int order = kept.size == 0 ? -1 : tn_str_compare(row->file, before);
    const int most = 300;
    if (order > 0 || (order == 0 && row->line >= c->first_line)) {
        return;
    }
    tn_text_clear(&c->first);
    if (row->file.size > 0) {
        tn_text_printf(&c->first, "'%.*s'", TN_STR_ARGS(row->file));
    } else {
        tn_text_printf(&c->first, "a row of '%.*s'", TN_STR_ARGS(source));
    }
    if (row->line > 0) {
        tn_text_printf(&c->first, ", line %lld", (long long)row->line);
    }
    if (row->column.size > 0) {
        tn_text_printf(&c->first, ", column '%.*s'", TN_STR_ARGS(row->column));
    }
    tn_text_printf(&c->first, ": %.*s", row->reason.size > 300 ? most : (int)row->reason.size,
                   row->reason.data);
    c->first_line = row->line;
    c->first_file = row->file.size;
}

/* Locked.  Text columns are UTF-8: other bytes of a record become U+FFFD. */
static TN_FALLIBLE add_row(tn_collector *c, tn_str source, const tn_reject *row, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text raw;
    tn_text_init(&raw, c->p->pool, 3 * raw_max);
    tn_str bytes = row->raw;
    if (!tn_utf8_valid(bytes.data, bytes.size)) {
        while (bytes.size > 0) {
            const size_t good = tn_utf8_check(bytes.data, bytes.size);
            tn_text_append(&raw, tn_str_slice(bytes, 0, good));
            if (good < bytes.size) {
                tn_text_puts(&raw, "\xef\xbf\xbd");
            }
            bytes = tn_str_slice(bytes, good < bytes.size ? good + 1 : good, bytes.size);
        }
        TN_TRY(tn_text_status(&raw, err));
        bytes = tn_text_str(&raw);
    }
    const tn_value values[COLUMN_COUNT] = {
        tn_value_varchar(c->p->name),
        tn_value_bigint(c->run),
        text_or_null(source),
        text_or_null(row->file),
        row->line > 0 ? tn_value_bigint(row->line) : tn_value_null(TN_BIGINT),
        text_or_null(row->column),
        text_or_null(row->reason),
        tn_value_varchar(bytes),
    };
    for (uint32_t i = 0; i < COLUMN_COUNT; i++) {
        TN_TRY(tn_chunk_builder_put(c->builder, i, &values[i], err));
    }
    see_first(c, source, row);
    TN_TRY(tn_text_status(&c->first, err));
    c->rows++;
    if (tn_chunk_builder_rows(c->builder) == CHUNK_ROWS ||
        tn_chunk_builder_bytes(c->builder) > chunk_bytes) {
        code = end_chunk(c, err);
    }
done:
    tn_text_deinit(&raw);
    return code;
}

tarn_code tn_collector_source(tn_collector *c, tn_source **out, tarn_error *err)
{
    *out = NULL;
    if (tn_chunk_builder_rows(c->builder) > 0) {
        TN_RETURN_IF_ERROR(end_chunk(c, err));
    }
    return tn_spool_source(&c->spool, TN_STR("quarantine"), out, err);
}

/* ---- bad records ------------------------------------------------------------------------------*/

static tarn_code reject(tn_reject_edge *base, const tn_reject *row, tarn_error *err)
{
    tn_source_edge *edge = (tn_source_edge *)base;
    if (edge->station->bad_record == TN_BAD_DROP) {
        atomic_fetch_add(&edge->dropped, 1);
        return TARN_OK;
    }
    pthread_mutex_lock(&edge->collector->lock);
    const tarn_code code = add_row(edge->collector, edge->station->id, row, err);
    pthread_mutex_unlock(&edge->collector->lock);
    atomic_fetch_add(&edge->quarantined, 1);
    return code;
}

void tn_source_edge_init(tn_source_edge *edge, tn_collector *collector, const tn_station *station)
{
    edge->base.reject = reject;
    edge->collector = collector;
    edge->station = station;
    atomic_init(&edge->quarantined, 0);
    atomic_init(&edge->dropped, 0);
}

/* ---- broken rules -----------------------------------------------------------------------------*/

typedef struct rule_task {
    tn_sink_task base;
    tn_rule_sink *sink;
    tn_pool *pool;
} rule_task;

static tn_str text_of(const tn_batch *batch, uint32_t column, uint32_t row, tn_arena *arena)
{
    tn_value value;
    const bool known = column != UINT32_MAX &&
                       tn_value_of(&batch->columns[column], row, arena, &value, NULL) == TARN_OK;
    return known && !value.is_null && value.type->kind == TN_KIND_VARCHAR ? value.str : TN_STR_NONE;
}

static int64_t number_of(const tn_batch *batch, uint32_t column, uint32_t row, tn_arena *arena)
{
    tn_value value;
    const bool known = column != UINT32_MAX &&
                       tn_value_of(&batch->columns[column], row, arena, &value, NULL) == TARN_OK;
    return known && !value.is_null && value.type == TN_BIGINT ? value.i64 : 0;
}

static uint32_t own_width(const tn_rule_sink *sink)
{
    return sink->sink.schema.count -
           (sink->station == NULL ? 0 : sink->rule_count + sink->station->hidden);
}

/* One of the two among the hidden columns: sources and steps name them differently. */
static uint32_t position(const tn_rule_sink *sink, const char *name, const char *other)
{
    for (uint32_t i = own_width(sink); i < sink->sink.schema.count - sink->rule_count; i++) {
        const tn_str column = sink->sink.schema.fields[i].name;
        if (tn_str_equal(column, tn_str_of(name)) || tn_str_equal(column, tn_str_of(other))) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void put_json(const tn_rule_sink *sink, const tn_batch *batch, uint32_t row, tn_text *out)
{
    const tn_json_style style = {false};
    const uint32_t width = own_width(sink);
    tn_json_writer w = {.out = out};
    tn_text_clear(out);
    tn_json_begin(&w, '{');
    for (uint32_t i = 0; i < width; i++) {
        tn_json_name_str(&w, sink->sink.schema.fields[i].name);
        tn_text_json(&batch->columns[i], row, &style, out);
        w.comma = true;
    }
    tn_json_end(&w, '}');
}

static bool is_broken(const tn_rule_sink *sink, const tn_batch *batch, uint32_t rule, uint32_t row,
                      tn_arena *arena)
{
    tn_value value;
    if (sink->station == NULL) {
        return true;
    }
    const uint32_t column = sink->sink.schema.count - sink->rule_count + rule;
    return tn_value_of(&batch->columns[column], row, arena, &value, NULL) != TARN_OK ||
           value.is_null || !value.boolean;
}

/* Of the rows that fail the run the one is told that stands first by file and place: the same one
 * whichever thread came first. */
static void keep_first(tn_rule_sink *sink, const tn_expect *rule, const tn_reject *row,
                       int64_t number)
{
    char file[sizeof(sink->first.subject)];
    const int shown = row->raw.size > 300 ? 300 : (int)row->raw.size;
    const char *dots = row->raw.size > 300 ? "..." : "";

    (void)snprintf(file, sizeof(file), "%.*s", TN_STR_ARGS(row->file));
    if (sink->first.code != TARN_OK) {
        const int order = strcmp(file, sink->first.subject);
        if (order > 0 || (order == 0 && number >= sink->first_row)) {
            return;
        }
        sink->first = (tarn_error)TARN_ERROR_INIT;
    }
    sink->first_row = number;
    if (rule->is_query) {
        (void)tn_fail(&sink->first, TARN_E_INVALID,
                      "the expectation '%.*s' is broken: its query returns %.*s%s",
                      TN_STR_ARGS(rule->name), shown, row->raw.data, dots);
    } else {
        const bool named = !tn_str_equal(rule->name, rule->text.text) && !rule->is_not_null &&
                           rule->text.text.size <= 200;
        (void)tn_fail(&sink->first, TARN_E_INVALID,
                      "the expectation '%.*s'%s%.*s%s on '%.*s' is broken by %.*s%s",
                      TN_STR_ARGS(rule->name), named ? " (" : "",
                      named ? (int)rule->text.text.size : 0, rule->text.text.data, named ? ")" : "",
                      TN_STR_ARGS(sink->station->id), shown, row->raw.data, dots);
    }
    tn_hint(&sink->first,
            rule->is_query ? "nothing was committed; action = \"warn\" lets the run go on"
                           : "nothing was committed; action = \"quarantine\" sets such rows aside");
    if (row->file.size > 0) {
        tn_subject(&sink->first, file);
        tn_locate(&sink->first, row->line, 0, row->line > 0 ? 0 : number);
    }
}

/* Locked: one row that broke something. */
static TN_FALLIBLE take_row(tn_rule_sink *sink, const tn_batch *batch, uint32_t row,
                            tn_arena *arena, tarn_error *err)
{
    tn_collector *c = sink->collector;
    const tn_expect *quarantines = NULL;
    bool drops = false;
    const tn_str file = text_of(batch, position(sink, "_file", TN_ORIGIN_FILE), row, arena);
    const int64_t line = number_of(batch, position(sink, "_line", TN_ORIGIN_LINE), row, arena);
    const int64_t number = number_of(batch, position(sink, "_row", TN_ORIGIN_ROW), row, arena);
    put_json(sink, batch, row, &c->text);
    TN_RETURN_IF_ERROR(tn_text_status(&c->text, err));
    tn_reject reject = {.file = file, .line = line, .raw = tn_text_str(&c->text)};
    for (uint32_t i = 0; i < sink->rule_count; i++) {
        const tn_expect *rule = sink->rules[i];
        if (!is_broken(sink, batch, i, row, arena)) {
            continue;
        }
        sink->broken[i]++;
        if (rule->action == TN_EXPECT_FAIL) {
            keep_first(sink, rule, &reject, number);
        }
        quarantines =
            rule->action == TN_EXPECT_QUARANTINE && quarantines == NULL ? rule : quarantines;
        drops = drops || rule->action == TN_EXPECT_DROP;
    }
    if (quarantines == NULL) {
        sink->dropped += drops;
        return TARN_OK;
    }
    sink->quarantined++;
    reject.column = quarantines->column;
    reject.reason = quarantines->name;
    return add_row(c, sink->station->id, &reject, err);
}

static tarn_code rule_write(tn_sink_task *base, const tn_batch *batch, tn_waker *waker,
                            tn_sink_answer *answer, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const rule_task *task = (rule_task *)base;
    tn_rule_sink *sink = task->sink;
    tn_arena arena;
    (void)waker;

    *answer = TN_SINK_TAKEN;
    tn_arena_init(&arena, task->pool);
    pthread_mutex_lock(&sink->collector->lock);
    for (uint32_t i = 0; i < batch->selected && code == TARN_OK; i++) {
        code = take_row(sink, batch, tn_batch_row(batch, i), &arena, err);
    }
    pthread_mutex_unlock(&sink->collector->lock);
    tn_arena_deinit(&arena);
    return code;
}

static tarn_code rule_task_open(tn_sink *base, tn_pool *pool, tn_sink_task **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(rule_task), &memory, err));
    rule_task *task = memory;
    *task = (rule_task){{.ops = base->ops}, (tn_rule_sink *)base, pool};
    *out = &task->base;
    return TARN_OK;
}

static tarn_code rule_task_finish(tn_sink_task *task, tn_waker *waker, tn_sink_answer *answer,
                                  tarn_error *err)
{
    (void)task;
    (void)waker;
    (void)err;
    *answer = TN_SINK_TAKEN;
    return TARN_OK;
}

static void rule_task_close(tn_sink_task *base)
{
    rule_task *task = (rule_task *)base;
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code rule_finish(tn_sink *sink, tn_waker *waker, tn_sink_answer *answer,
                             tarn_error *err)
{
    (void)sink;
    (void)waker;
    (void)err;
    *answer = TN_SINK_TAKEN;
    return TARN_OK;
}

static const tn_sink_ops rule_ops = {.kind = "expectations",
                                     .task_open = rule_task_open,
                                     .write = rule_write,
                                     .task_finish = rule_task_finish,
                                     .task_close = rule_task_close,
                                     .finish = rule_finish};

tarn_code tn_rule_sink_init(tn_rule_sink *sink, tn_collector *collector, const tn_station *station,
                            const tn_expect *const *rules, uint32_t rule_count, const tn_plan *plan,
                            tarn_error *err)
{
    *sink = (tn_rule_sink){.sink = {.ops = &rule_ops},
                           .collector = collector,
                           .station = station,
                           .rules = rules,
                           .rule_count = rule_count,
                           .first = TARN_ERROR_INIT};
    TN_RETURN_IF_ERROR(tn_arena_array(collector->arena, uint64_t, rule_count, &sink->broken, err));
    return tn_build__schema(collector->arena, plan, &sink->sink.schema, err);
}

/* ---- counted sources --------------------------------------------------------------------------*/

typedef struct counted_source {
    tn_source base;
    tn_pool *pool;
    tn_source *inner;
    tn_scan_counters *counters;
} counted_source;

typedef struct counted_scan {
    tn_scan base;
    counted_source *source;
    tn_scan *inner;
    tn_pool *pool;
} counted_scan;

static tarn_code counted_task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out,
                                   tarn_error *err)
{
    tn_scan *inner = ((counted_scan *)base)->inner;
    return inner->ops->task_open(inner, pool, out, err); /* whose operations are its own */
}

static void counted_counters(tn_scan *base, tn_scan_counters *out)
{
    tn_scan *inner = ((counted_scan *)base)->inner;
    inner->ops->counters(inner, out);
}

static tarn_code counted_finish(tn_scan *base, tarn_error *err)
{
    tn_scan *inner = ((counted_scan *)base)->inner;
    return inner->ops->finish == NULL ? TARN_OK : inner->ops->finish(inner, err);
}

static uint32_t counted_morsels(tn_scan *base)
{
    tn_scan *inner = ((counted_scan *)base)->inner;
    return inner->ops->morsels_expected == NULL ? UINT32_MAX : inner->ops->morsels_expected(inner);
}

static void counted_close(tn_scan *base)
{
    counted_scan *scan = (counted_scan *)base;
    tn_scan_counters *sum = scan->source->counters;
    tn_scan_counters counters = {0};
    scan->inner->ops->counters(scan->inner, &counters);
    sum->bytes_read += counters.bytes_read;
    sum->rows_read += counters.rows_read;
    sum->rows_out += counters.rows_out;
    sum->rows_pruned += counters.rows_pruned;
    sum->rows_rejected += counters.rows_rejected;
    sum->files += 1; /* here: scans */
    scan->inner->ops->close(scan->inner);
    tn_source_release(&scan->source->base);
    tn_pool_free(scan->pool, scan, sizeof(*scan));
}

static const tn_scan_ops counted_scan_ops = {.task_open = counted_task_open,
                                             .counters = counted_counters,
                                             .finish = counted_finish,
                                             .close = counted_close,
                                             .morsels_expected = counted_morsels};

static tarn_code counted_statistics(tn_source *base, const tn_conjunct *conjuncts, uint32_t count,
                                    tn_arena *arena, tn_statistics *out, tarn_error *err)
{
    tn_source *inner = ((counted_source *)base)->inner;
    return inner->ops->statistics(inner, conjuncts, count, arena, out, err);
}

static tarn_code counted_open(tn_source *base, const tn_scan_request *request, tn_pool *pool,
                              tn_scan **out, tarn_error *err)
{
    counted_source *source = (counted_source *)base;
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(counted_scan), &memory, err));
    counted_scan *scan = memory;
    const tarn_code code =
        source->inner->ops->open(source->inner, request, pool, &scan->inner, err);
    if (code != TARN_OK) {
        tn_pool_free(pool, scan, sizeof(*scan));
        return code;
    }
    scan->base.ops = &counted_scan_ops;
    scan->pool = pool;
    scan->source = source;
    (void)tn_source_retain(base);
    *out = &scan->base;
    return TARN_OK;
}

static void counted_destroy(tn_source *base)
{
    counted_source *source = (counted_source *)base;
    tn_source_release(source->inner);
    tn_pool_free(source->pool, source, sizeof(*source));
}

static const tn_source_ops counted_ops = {.kind = "files",
                                          .statistics = counted_statistics,
                                          .open = counted_open,
                                          .destroy = counted_destroy};

tarn_code tn_counted_create(tn_pool *pool, tn_source *inner, tn_scan_counters *counters,
                            tn_source **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(counted_source), &memory, err));
    counted_source *source = memory;
    source->base.ops = &counted_ops;
    source->base.schema = inner->schema;
    source->base.name = inner->name;
    source->base.is_ordered = inner->is_ordered;
    source->base.reads_only_once = inner->reads_only_once;
    atomic_init(&source->base.refs, 1);
    source->pool = pool;
    source->inner = inner; /* taken over */
    source->counters = counters;
    *out = &source->base;
    return TARN_OK;
}
