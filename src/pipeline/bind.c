/* Steps, bound one on the other: the graph is what their FROMs name. */
#include "pipeline/bind_internal.h"
#include "pipeline/quarantine.h"

#include <stdio.h>

static const char pending[] = "a step that is not bound yet";

static tn_build *build_of(tn_catalogue *catalogue)
{
    return (tn_build *)(void *)catalogue; /* its first member */
}

/* ---- what names mean --------------------------------------------------------------------------*/

static tarn_code find(tn_catalogue *catalogue, const tn_object_name *name, tn_relation *out,
                      tarn_error *err)
{
    tn_build *b = build_of(catalogue);
    *out = (tn_relation){.kind = TN_RELATION_NONE};
    tn_station *station = name->schema.size > 0 ? NULL : tn_dataflow__station(b->p, name->name);
    if (station == NULL) {
        return TARN_OK;
    }
    tn_built *built = &b->built[station->index];
    tn_built *own = b->reader == NULL ? NULL : &b->built[b->reader->index];
    b->queried[station->index] = b->queried[station->index] || own == NULL;
    if (own != NULL) {
        own->reads++;
        own->input = station;
        own->named[station->index] = own->named[station->index] || station != b->reader;
    }
    if (station == b->reader && b->reads_raw) {
        out->kind = TN_RELATION_PLAN;
        out->hidden_count = station->hidden;
        return tn_plan_shared(&b->context, built->raw, built->raw_shared, &out->plan, err);
    }
    station->uses++;
    if (built->state == TN_BUILD_FAULTY) {
        b->is_blocked = true;
    } else if (built->state != TN_BUILD_DONE) {
        b->missing = station;
    } else {
        out->kind = TN_RELATION_PLAN;
        out->hidden_count = station->hidden;
        return tn_plan_shared(&b->context, built->plan, built->shared, &out->plan, err);
    }
    return tn_fail(err, TARN_E_NOT_FOUND, "%s", pending);
}

static tarn_code open_uri(tn_catalogue *catalogue, tn_str uri, tn_span span, tn_relation *out,
                          tarn_error *err)
{
    tn_build *b = build_of(catalogue);
    (void)span;
    return tn_build__table(b, uri, -1, out, err);
}

/* delta_scan('uri', version => 3); range() and generate_series() read nothing. */
static tarn_code call(tn_catalogue *catalogue, tn_str name, tn_span span,
                      const tn_argument *arguments, uint32_t count, tn_relation *out,
                      tarn_error *err)
{
    static const char *const readers[] = {"read_csv",     "read_csv_auto", "read_parquet",
                                          "parquet_scan", "read_json",     "read_json_auto",
                                          "read_ndjson"};
    tn_build *b = build_of(catalogue);
    tn_catalogue *inner = tn_session_catalogue(b->p->session);
    int64_t version = -1;
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (tn_str_equal_fold(name, tn_str_of(readers[i]))) {
            (void)tn_fail(err, TARN_E_INVALID, "a step cannot call %s()", readers[i]);
            tn_hint(err, "files are read through a [[source]], so that a run can be repeated from "
                         "its pins");
            return TARN_E_INVALID;
        }
    }
    if (!tn_str_equal_fold(name, TN_STR("delta_scan"))) {
        return inner->ops->call(inner, name, span, arguments, count, out, err);
    }
    if (count == 0 || arguments[0].name.size > 0 || arguments[0].value.is_null ||
        arguments[0].value.type->kind != TN_KIND_VARCHAR) {
        return tn_fail(err, TARN_E_INVALID, "delta_scan() needs a URI");
    }
    for (uint32_t i = 1; i < count; i++) {
        if (tn_str_equal_fold(arguments[i].name, TN_STR("version")) &&
            !arguments[i].value.is_null && tn_type_is_integer(arguments[i].value.type)) {
            version = arguments[i].value.i64;
        }
    }
    return tn_build__table(b, arguments[0].value.str, version, out, err);
}

static tarn_code names(tn_catalogue *catalogue, bool functions, tn_arena *arena, const tn_str **out,
                       size_t *count, tarn_error *err)
{
    tn_build *b = build_of(catalogue);
    tn_catalogue *inner = tn_session_catalogue(b->p->session);
    tn_str *list;
    if (functions) {
        return inner->ops->names(inner, functions, arena, out, count, err);
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, b->p->nodes.count, &list, err));
    for (size_t i = 0; i < b->p->nodes.count; i++) {
        list[i] = b->p->nodes.items[i]->id;
    }
    *out = list;
    *count = b->p->nodes.count;
    return TARN_OK;
}

static const tn_catalogue_ops catalogue_ops = {
    .find = find, .open_uri = open_uri, .call = call, .names = names};

/* ---- opening ----------------------------------------------------------------------------------*/

tarn_code tn_build__open(tn_build *b, tn_dataflow *p, tn_arena *arena, const tn_source_pin *pins,
                         int64_t now_us, uint64_t seed, tarn_error *err)
{
    *b = (tn_build){.catalogue = {&catalogue_ops}, .p = p, .arena = arena, .pins = pins};
    b->tables.pool = b->opened.pool = b->stack.pool = b->texts.pool = p->pool;
    b->table_reads.pool = p->pool;
    tn_session_plan_context(p->session, arena, &p->parameters, &b->context);
    if (now_us != 0) {
        b->context.expr.now_us = now_us;
        b->context.expr.seed = seed;
    }
    for (size_t i = 0; i < p->nodes.count; i++) {
        p->nodes.items[i]->uses = 0;
    }
    for (size_t i = 0; i < p->expects.count; i++) {
        const tn_expect *expect = p->expects.items[i];
        const bool of_step = expect->node != NULL && !expect->node->is_source && !expect->is_query;
        b->carries_row = b->carries_row || (of_step && expect->action == TN_EXPECT_FAIL);
        b->carries =
            b->carries || b->carries_row || (of_step && expect->action == TN_EXPECT_QUARANTINE);
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_built, p->nodes.count + 1, &b->built, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, bool, p->nodes.count + 1, &b->queried, err));
    for (size_t i = 0; i < p->nodes.count; i++) {
        TN_RETURN_IF_ERROR(tn_arena_array(arena, bool, p->nodes.count, &b->built[i].named, err));
        TN_RETURN_IF_ERROR(tn_arena_array(arena, bool, p->nodes.count, &b->built[i].read, err));
    }
    void *meters;
    TN_RETURN_IF_ERROR(
        tn_arena_alloc(arena, 2 * (p->nodes.count + 1) * sizeof(*b->meters), &meters, err));
    b->meters = meters;
    for (size_t i = 0; i < 2 * (p->nodes.count + 1); i++) {
        atomic_init(&b->meters[i], 0);
    }
    b->context.meters = b->meters;
    return TARN_OK;
}

void tn_build__close(tn_build *b)
{
    for (size_t i = 0; i < b->opened.count; i++) {
        tn_source_release(b->opened.items[i]);
    }
    if (b->opened.pool != NULL) {
        tn_vec_free(&b->opened);
        tn_vec_free(&b->tables);
        tn_vec_free(&b->table_reads);
        tn_vec_free(&b->stack);
        tn_vec_free(&b->texts);
        tn_session_end_statement(b->p->session);
    }
}

tarn_code tn_build__schema(tn_arena *arena, const tn_plan *plan, tn_schema *out, tarn_error *err)
{
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, plan->output_count, &fields, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        fields[i] =
            (tn_field){plan->outputs[i].name, plan->outputs[i].type, plan->outputs[i].nullable};
    }
    *out = (tn_schema){plan->output_count, fields};
    return TARN_OK;
}

/* A plan without its last columns: those of rules, or hidden ones. */
static TN_FALLIBLE first_columns(tn_build *b, tn_plan *plan, uint32_t width, tn_plan **out,
                                 tarn_error *err)
{
    const tn_expr **exprs;
    tn_str *columns;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expr *, width, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, width, &columns, err));
    for (uint32_t i = 0; i < width; i++) {
        columns[i] = plan->outputs[i].name;
        TN_RETURN_IF_ERROR(tn_plan_column(&b->context, plan, i, (tn_span){0, 0}, &exprs[i], err));
    }
    return tn_plan_project(&b->context, plan, exprs, columns, width, out, err);
}

tarn_code tn_build__read(tn_build *b, const tn_station *station, tn_plan **out, tarn_error *err)
{
    const tn_built *built = &b->built[station->index];
    TN_RETURN_IF_ERROR(tn_plan_shared(&b->context, built->plan, built->shared, out, err));
    return station->hidden == 0 /* _file and its kin are not in what is written */
               ? TARN_OK
               : first_columns(b, *out, (*out)->output_count - station->hidden, out, err);
}

tarn_code tn_build__written(const tn_build *b, tn_arena *arena, const tn_station *station,
                            tn_schema *out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_build__schema(arena, b->built[station->index].plan, out, err));
    out->count -= station->hidden;
    return TARN_OK;
}

/* ---- sources ----------------------------------------------------------------------------------*/

/* An empty file of text has no rows, and no line that could name columns. */
static bool is_empty_text(const tn_station *station, const tn_listed_file *file)
{
    static const char *const ends[] = {".csv", ".tsv", ".json", ".jsonl", ".ndjson"};
    bool is_text =
        station->read.format.size > 0 && !tn_str_equal(station->read.format, TN_STR("parquet"));
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && station->read.format.size == 0; i++) {
        is_text = is_text || tn_str_ends(file->uri, tn_str_of(ends[i]));
    }
    return is_text && file->size == 0;
}

/* Those that are not empty, where columns are known without them. */
static TN_FALLIBLE filled_files(const tn_station *station, const tn_source_pin *pin,
                                tn_arena *arena, tn_listed_file **out, size_t *count,
                                tarn_error *err)
{
    *out = pin->files;
    *count = pin->count;
    if (!pin->has_columns && station->column_count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_listed_file, pin->count + 1, out, err));
    *count = 0;
    for (size_t i = 0; i < pin->count; i++) {
        if (!is_empty_text(station, &pin->files[i])) {
            (*out)[(*count)++] = pin->files[i];
        }
    }
    return TARN_OK;
}

tarn_code tn_build__source(const tn_dataflow *p, const tn_station *station,
                           const tn_source_pin *pin, tn_source **out, tarn_error *err)
{
    tn_read_options options = station->read;
    options.drop_bad_records = station->bad_record != TN_BAD_FAIL; /* where no edge takes them */
    options.is_pipeline = true;
    options.ignore_new_columns = station->ignores_new_columns;
    options.columns = pin->has_columns ? pin->columns : station->columns;
    options.column_count = pin->has_columns ? pin->column_count : station->column_count;
    options.columns_are_kept = pin->has_columns;
    tn_listed_file *files;
    size_t count;
    tn_arena arena; /* the source copies what it keeps */
    tn_arena_init(&arena, p->pool);
    tarn_code code = filled_files(station, pin, &arena, &files, &count, err);
    if (code == TARN_OK) {
        code = tn_listing_source_of(tn_session_stores(p->session), tn_session_types(p->session),
                                    files, count, &options, p->pool, out, err);
    }
    tn_arena_deinit(&arena);
    return code;
}

/* The column as the ledger keeps it: by name, cast where a file has another type. */
static TN_FALLIBLE kept_column(tn_build *b, const tn_station *station, const tn_plan *scan,
                               const tn_field *field, const tn_expr **out, tarn_error *err)
{
    uint32_t at = UINT32_MAX;
    for (uint32_t i = 0; i < scan->output_count && at == UINT32_MAX; i++) {
        at = tn_str_equal_fold(scan->outputs[i].name, field->name) ? i : UINT32_MAX;
    }
    if (at == UINT32_MAX) {
        (void)tn_fail(err, TARN_E_INVALID, "the files of '%.*s' have no column '%.*s'",
                      TN_STR_ARGS(station->id), TN_STR_ARGS(field->name));
        tn_hint(err, "earlier files, or 'columns', have it; union_by_name = true in 'format' takes "
                     "NULLs for it");
        return TARN_E_INVALID;
    }
    TN_RETURN_IF_ERROR(tn_plan_column(&b->context, scan, at, (tn_span){0, 0}, out, err));
    return scan->outputs[at].type == field->type
               ? TARN_OK
               : tn_expr_cast(&b->context.expr, *out, field->type, false, false, (tn_span){0, 0},
                              out, err);
}

/* Before the ledger keeps them: what is declared is a column's type, also of a file that says its
 * own. */
static TN_FALLIBLE found_column(tn_build *b, const tn_station *station, const tn_plan *scan,
                                uint32_t at, const tn_expr **out, tarn_error *err)
{
    for (uint32_t i = 0; i < station->column_count; i++) {
        if (tn_str_equal_fold(station->columns[i].name, scan->outputs[at].name)) {
            return kept_column(b, station, scan, &station->columns[i], out, err);
        }
    }
    return tn_plan_column(&b->context, scan, at, (tn_span){0, 0}, out, err);
}

static TN_FALLIBLE declared_are_there(tn_build *b, const tn_station *station, const tn_plan *scan,
                                      tarn_error *err)
{
    for (uint32_t i = 0; i < station->column_count; i++) {
        const tn_expr *ignored;
        TN_RETURN_IF_ERROR(kept_column(b, station, scan, &station->columns[i], &ignored, err));
    }
    return TARN_OK;
}

static uint32_t virtuals_named(const tn_dataflow *p)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } columns[] = {{"_file", TN_VIRTUAL_FILE},
                   {"_row", TN_VIRTUAL_ROW},
                   {"_line", TN_VIRTUAL_LINE},
                   {"_modified", TN_VIRTUAL_MODIFIED}};
    uint32_t found = 0;
    for (size_t n = 0; n < p->nodes.count; n++) {
        const tn_str text = p->nodes.items[n]->sql.text;
        for (size_t i = 0; i < text.size; i++) {
            for (size_t c = 0; text.data[i] == '_' && c < 4; c++) {
                const size_t size = strlen(columns[c].name);
                found |= text.size - i >= size && tn_str_equal_fold(tn_str_slice(text, i, i + size),
                                                                    tn_str_of(columns[c].name))
                             ? columns[c].bit
                             : 0;
            }
        }
    }
    return found;
}

/* What a row that breaks a rule is told by: the file and, of text, the line; where that row fails
 * the run, the row's number too, since other files have no lines. */
static uint32_t virtuals_of_rules(const tn_build *b, const tn_station *station)
{
    bool found = b->carries, fails = b->carries_row;
    for (size_t i = 0; i < b->p->expects.count; i++) {
        const tn_expect *expect = b->p->expects.items[i];
        if (expect->node == station && !expect->is_query) {
            found = true;
            fails = fails || expect->action == TN_EXPECT_FAIL;
        }
    }
    for (uint32_t i = 0; i < station->column_count; i++) {
        if (!station->columns[i].nullable) {
            found = true;
            fails = fails || station->bad_record == TN_BAD_FAIL;
        }
    }
    return (found ? TN_VIRTUAL_FILE | TN_VIRTUAL_LINE : 0U) | (fails ? TN_VIRTUAL_ROW : 0U);
}

static TN_FALLIBLE build_source(tn_build *b, tn_station *station, tarn_error *err)
{
    const tn_source_pin *pin = &b->pins[station->index];
    const uint32_t virtuals = virtuals_named(b->p) | virtuals_of_rules(b, station);
    tn_built *built = &b->built[station->index];
    tn_source *source;
    tn_plan *scan;
    const tn_expr **exprs;
    tn_str *columns;

    TN_RETURN_IF_ERROR(tn_build__source(b->p, station, pin, &source, err));
    if (b->counters != NULL) {
        tn_source *inner = source;
        if (tn_counted_create(b->p->pool, inner, &b->counters[station->index], &source, err) !=
            TARN_OK) {
            tn_source_release(inner);
            return TARN_E_NOMEM;
        }
    }
    if (tn_vec_push(&b->opened, source, err) != TARN_OK) {
        tn_source_release(source);
        return TARN_E_NOMEM;
    }
    TN_RETURN_IF_ERROR(tn_plan_scan(&b->context, source, (tn_span){0, 0}, &scan, err));
    scan->rejects = b->rejects == NULL ? NULL : b->rejects[station->index];
    scan->label = station->id;
    const uint32_t width = scan->output_count;
    for (uint32_t bit = 1; bit <= TN_VIRTUAL_MODIFIED; bit <<= 1) {
        if ((virtuals & bit) != 0) {
            TN_RETURN_IF_ERROR(tn_plan_scan_add_virtual(&b->context, scan, (tn_virtual)bit, err));
        }
    }
    if (!pin->has_columns) {
        TN_RETURN_IF_ERROR(declared_are_there(b, station, scan, err));
    }
    const uint32_t kept = pin->has_columns ? pin->column_count : width;
    station->hidden = scan->output_count - width;
    TN_RETURN_IF_ERROR(
        tn_arena_array(b->arena, const tn_expr *, kept + station->hidden, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_str, kept + station->hidden, &columns, err));
    for (uint32_t i = 0; i < kept + station->hidden; i++) {
        const uint32_t at = i < kept ? i : width + i - kept;
        columns[i] = i < kept && pin->has_columns ? pin->columns[i].name : scan->outputs[at].name;
        TN_RETURN_IF_ERROR(
            i < kept && pin->has_columns
                ? kept_column(b, station, scan, &pin->columns[i], &exprs[i], err)
            : i < kept ? found_column(b, station, scan, at, &exprs[i], err)
                       : tn_plan_column(&b->context, scan, at, (tn_span){0, 0}, &exprs[i], err));
    }
    return tn_plan_project(&b->context, scan, exprs, columns, kept + station->hidden, &built->raw,
                           err);
}

/* ---- texts ------------------------------------------------------------------------------------*/

typedef enum bound_as { BOUND, BOUND_BLOCKED, BOUND_WAITING, BOUND_FAULTY } bound_as;

/* The text behind those before it, which are spaces now. */
static TN_FALLIBLE stand_behind(const tn_build *b, tn_str text, tn_str *out, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_arena_alloc(b->arena, b->texts_end + text.size + 1, &memory, err));
    char *whole = memory;
    memset(whole, ' ', b->texts_end);
    memcpy(whole + b->texts_end, text.data, text.size);
    whole[b->texts_end + text.size] = '\0';
    *out = (tn_str){whole, b->texts_end + text.size};
    return TARN_OK;
}

void tn_build__place(const tn_build *b, tarn_error *error)
{
    for (size_t i = 0; error != NULL && error->span_length > 0 && i < b->texts.count; i++) {
        const tn_bound_text *text = &b->texts.items[i];
        if (error->span_start < text->start || error->span_start - text->start >= text->size) {
            continue;
        }
        tn_sql_text sql = text->sql;
        sql.prefix = text->start;
        tn_dataflow__place(b->p, &sql, error);
        if (text->step.size > 0) {
            tn_explain(error, "in the step '%.*s'", TN_STR_ARGS(text->step));
        } else {
            tn_explain(error, "in the query of an expectation");
        }
    }
}

/* One SELECT; `sql` says where mistakes in it stand. */
static TN_FALLIBLE bind_text(tn_build *b, tn_str text, const tn_sql_text *sql, tn_plan **out,
                             bound_as *as, tarn_error *err)
{
    const tn_statement *statements;
    size_t count;
    tn_bound bound;
    tarn_error cause = TARN_ERROR_INIT;
    tn_sql_text behind = *sql;
    tn_str whole;

    behind.prefix += b->texts_end;
    TN_RETURN_IF_ERROR(stand_behind(b, text, &whole, err));
    b->missing = NULL;
    b->is_blocked = false;
    if (b->reader != NULL) {
        b->built[b->reader->index].reads = 0;
        b->built[b->reader->index].input = NULL;
    }
    *as = BOUND;
    tarn_code code = tn_sql_parse(whole, b->arena, b->p->pool, &statements, &count, &cause);
    if (code == TARN_OK && (count != 1 || statements[0].kind != TN_STATEMENT_SELECT ||
                            statements[0].explain != TN_EXPLAIN_NONE)) {
        code = tn_fail(&cause, TARN_E_INVALID,
                       count == 0 ? "there is no query" : "a step is one query: SELECT ...");
        if (count > 1) {
            cause.span_start = statements[1].span.start;
            cause.span_length = statements[1].span.length;
        }
    }
    if (code == TARN_OK) {
        code = tn_sql_bind(&statements[0], &b->catalogue, &b->context, &bound, &cause);
    }
    if (code == TARN_OK) {
        *out = bound.plan;
        if (text.data != sql->text.data) {
            return TARN_OK; /* made of a rule, whose faults are no errors */
        }
        const tn_bound_text kept = {b->texts_end, text.size, *sql,
                                    b->reader == NULL ? TN_STR_NONE : b->reader->id};
        b->texts_end += text.size + 1;
        return tn_vec_push(&b->texts, kept, err);
    }
    *as = b->missing != NULL ? BOUND_WAITING : b->is_blocked ? BOUND_BLOCKED : BOUND_FAULTY;
    return *as == BOUND_FAULTY ? tn_dataflow__fault_of(b->p, &behind, NULL, &cause, err) : TARN_OK;
}

/* ---- expectations -----------------------------------------------------------------------------*/

/* A rule alone, so that its mistakes are told at their place. */
static TN_FALLIBLE check_rule(tn_build *b, tn_station *station, const tn_expect *expect,
                              bound_as *as, tarn_error *err)
{
    tn_str text;
    tn_plan *plan;
    tn_sql_text sql = expect->text;
    TN_RETURN_IF_ERROR(tn_arena_print(b->arena, &text, err, "SELECT (%.*s\n) FROM \"%.*s\"",
                                      TN_STR_ARGS(expect->text.text), TN_STR_ARGS(station->id)));
    sql.prefix = 8;
    TN_RETURN_IF_ERROR(bind_text(b, text, &sql, &plan, as, err));
    if (*as == BOUND && plan->outputs[0].type != TN_BOOLEAN &&
        plan->outputs[0].type != TN_TYPE_NULL) {
        *as = BOUND_FAULTY;
        return tn_dataflow__fault(b->p, expect->text.node, false, NULL, err,
                                  "a rule is true or false, but this is %.*s",
                                  TN_STR_ARGS(plan->outputs[0].type->name));
    }
    return TARN_OK;
}

static TN_FALLIBLE list_rules(tn_build *b, const tn_station *station, tarn_error *err)
{
    const tn_dataflow *p = b->p;
    tn_built *built = &b->built[station->index];
    const tn_expect **rules;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, const tn_expect *,
                                      p->expects.count + station->column_count + 1, &rules, err));
    built->rule_count = 0;
    for (size_t i = 0; i < p->expects.count; i++) {
        if (!p->expects.items[i]->is_query && p->expects.items[i]->node == station) {
            rules[built->rule_count++] = p->expects.items[i];
        }
    }
    /* NOT NULL of a source's column is a rule, too. */
    for (uint32_t i = 0; i < station->column_count; i++) {
        tn_expect *rule;
        if (station->columns[i].nullable) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_arena_new(b->arena, tn_expect, &rule, err));
        rule->node = NULL;
        rule->is_not_null = true;
        rule->column = station->columns[i].name;
        rule->action = station->bad_record == TN_BAD_QUARANTINE ? TN_EXPECT_QUARANTINE
                       : station->bad_record == TN_BAD_DROP     ? TN_EXPECT_DROP
                                                                : TN_EXPECT_FAIL;
        TN_RETURN_IF_ERROR(tn_arena_print(&b->p->arena, &rule->name, err, "%.*s is NULL",
                                          TN_STR_ARGS(rule->column)));
        TN_RETURN_IF_ERROR(tn_arena_print(b->arena, &rule->text.text, err, "\"%.*s\" IS NOT NULL",
                                          TN_STR_ARGS(rule->column)));
        rules[built->rule_count++] = rule;
    }
    built->rules = rules;
    return TARN_OK;
}

/* All rules as columns behind the station's own: TRUE where the row keeps it. */
static TN_FALLIBLE bind_rules(tn_build *b, tn_station *station, tn_plan **out, bound_as *as,
                              tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_built *built = &b->built[station->index];
    tn_text text;
    tn_str copy;
    tn_text_init(&text, b->p->pool, 1 << 20);
    tn_text_puts(&text, "SELECT *");
    for (uint32_t i = station->hidden; i > 0; i--) {
        tn_text_printf(&text, ", %.*s",
                       TN_STR_ARGS(built->raw->outputs[built->raw->output_count - i].name));
    }
    for (uint32_t i = 0; i < built->rule_count; i++) {
        tn_text_printf(&text, ", coalesce(try((%.*s\n)), false) AS \"_rule_%u\"",
                       TN_STR_ARGS(built->rules[i]->text.text), i);
    }
    tn_text_printf(&text, " FROM \"%.*s\"", TN_STR_ARGS(station->id));
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(tn_arena_copy(b->arena, tn_text_str(&text), &copy, err));
    const tn_sql_text sql = {.text = station->id, .node = built->rules[0]->text.node};
    TN_TRY(bind_text(b, copy, &sql, out, as, err));
done:
    tn_text_deinit(&text);
    return code;
}

/* The rows whose rules hold (those that reject), or of which one does not. */
static TN_FALLIBLE split(tn_build *b, const tn_built *built, tn_plan *checked, uint32_t shared,
                         bool broken, tn_plan **out, tarn_error *err)
{
    const tn_expr **rules;
    const tn_expr *all;
    tn_plan *read;
    uint32_t count = 0;
    TN_RETURN_IF_ERROR(tn_plan_shared(&b->context, checked, shared, &read, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(b->arena, const tn_expr *, built->rule_count + 1, &rules, err));
    const uint32_t width = read->output_count - built->rule_count;
    for (uint32_t i = 0; i < built->rule_count; i++) {
        const tn_expect_action action = built->rules[i]->action;
        if (broken || action == TN_EXPECT_QUARANTINE || action == TN_EXPECT_DROP) {
            TN_RETURN_IF_ERROR(tn_plan_column(&b->context, read, width + i, (tn_span){0, 0},
                                              &rules[count++], err));
        }
    }
    *out = read;
    if (count == 0) {
        return TARN_OK;
    }
    if (count == 1) {
        all = rules[0];
    } else {
        TN_RETURN_IF_ERROR(tn_expr_and(&b->context.expr, rules, count, &all, err));
    }
    if (broken) {
        const tn_expr *const kept[1] = {all};
        TN_RETURN_IF_ERROR(
            tn_expr_call(&b->context.expr, TN_STR("not"), kept, 1, (tn_span){0, 0}, &all, err));
    }
    return tn_plan_filter(&b->context, read, all, out, err);
}

static TN_FALLIBLE build_rules(tn_build *b, tn_station *station, bound_as *as, tarn_error *err)
{
    tn_built *built = &b->built[station->index];
    tn_plan *checked;
    bool good = true;

    TN_RETURN_IF_ERROR(list_rules(b, station, err));
    built->plan = built->raw;
    built->shared = built->raw_shared;
    *as = BOUND;
    if (built->rule_count == 0) {
        return TARN_OK;
    }
    b->reads_raw = true;
    for (uint32_t i = 0; i < built->rule_count; i++) {
        if (built->rules[i]->is_not_null) {
            continue;
        }
        TN_RETURN_IF_ERROR(check_rule(b, station, built->rules[i], as, err));
        if (*as == BOUND_WAITING || *as == BOUND_BLOCKED) {
            return TARN_OK;
        }
        good = good && *as == BOUND;
    }
    *as = good ? BOUND : BOUND_FAULTY;
    if (!good) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(bind_rules(b, station, &checked, as, err));
    if (*as != BOUND) {
        return TARN_OK;
    }
    const uint32_t shared = b->context.next_shared++;
    TN_RETURN_IF_ERROR(split(b, built, checked, shared, true, &built->broken, err));
    TN_RETURN_IF_ERROR(split(b, built, checked, shared, false, &built->plan, err));
    TN_RETURN_IF_ERROR(first_columns(b, built->plan, checked->output_count - built->rule_count,
                                     &built->plan, err));
    TN_RETURN_IF_ERROR(
        tn_plan_meter(&b->context, built->plan, 2 * station->index + 1, &built->plan, err));
    built->shared = b->context.next_shared++;
    return TARN_OK;
}

/* ---- stations ---------------------------------------------------------------------------------*/

/* Filters and projections of one input: rows go in and out one by one. */
static bool is_row_wise(const tn_plan *plan)
{
    while (plan->kind == TN_PLAN_FILTER || plan->kind == TN_PLAN_PROJECT) {
        plan = plan->children[0];
    }
    return plan->kind == TN_PLAN_SHARED || plan->kind == TN_PLAN_SCAN;
}

/* Where the rows stand in the files: hidden columns of a source, and of a step over one. */
static bool find_place(const tn_plan *rows, uint32_t hidden, uint32_t count, uint32_t out[3])
{
    static const char *const names[3][2] = {
        {"_file", TN_ORIGIN_FILE}, {"_line", TN_ORIGIN_LINE}, {"_row", TN_ORIGIN_ROW}};
    bool found = true;
    for (uint32_t c = 0; c < count; c++) {
        out[c] = UINT32_MAX;
        for (uint32_t i = rows->output_count - hidden; i < rows->output_count; i++) {
            const tn_str name = rows->outputs[i].name;
            if (tn_str_equal(name, tn_str_of(names[c][0])) ||
                tn_str_equal(name, tn_str_of(names[c][1]))) {
                out[c] = i;
            }
        }
        found = found && out[c] != UINT32_MAX;
    }
    return found;
}

/* Each row of the step that is one row of a file keeps its place, for whoever tells of it. */
static TN_FALLIBLE carry_place(tn_build *b, tn_station *station, uint32_t first_own,
                               tarn_error *err)
{
    const tn_str names[3] = {TN_STR(TN_ORIGIN_FILE), TN_STR(TN_ORIGIN_LINE), TN_STR(TN_ORIGIN_ROW)};
    const uint32_t count = b->carries_row ? 3 : 2;
    tn_built *built = &b->built[station->index];
    uint32_t columns[3];
    bool found = false;
    const tn_plan *origin = b->carries ? tn_plan_origin(built->raw, first_own) : NULL;
    for (size_t i = 0; i < b->p->nodes.count && origin != NULL && !found; i++) {
        found = b->built[i].state == TN_BUILD_DONE && b->built[i].shared == origin->shared_id &&
                find_place(origin, b->p->nodes.items[i]->hidden, count, columns);
    }
    for (uint32_t i = 0; i < count * built->raw->output_count; i++) {
        found = found && !tn_str_equal_fold(built->raw->outputs[i / count].name, names[i % count]);
    }
    if (!found) {
        return TARN_OK;
    }
    station->hidden = count;
    return tn_plan_carry(&b->context, built->raw, origin, columns, names, count, &built->raw, err);
}

static TN_FALLIBLE build_step(tn_build *b, tn_station *station, bound_as *as, tarn_error *err)
{
    tn_built *built = &b->built[station->index];
    tarn_error cause = TARN_ERROR_INIT;
    if (built->raw != NULL) {
        *as = BOUND; /* it waited for a name in a rule */
        return TARN_OK;
    }
    b->reads_raw = false;
    *as = BOUND;
    if (station->is_source) {
        const tn_source_pin *pin = &b->pins[station->index];
        if (pin->count == 0 && !pin->has_columns && station->column_count == 0) {
            *as = BOUND_BLOCKED; /* no file yet: nobody knows the columns */
            return TARN_OK;
        }
        if (build_source(b, station, &cause) != TARN_OK) {
            *as = BOUND_FAULTY;
            return tn_dataflow__fault_of(b->p, NULL, station->place, &cause, err);
        }
    } else {
        const uint32_t first_own = b->context.next_shared;
        station->hidden = 0;
        TN_RETURN_IF_ERROR(bind_text(b, station->sql.text, &station->sql, &built->raw, as, err));
        if (*as != BOUND) {
            built->raw = NULL;
            return TARN_OK;
        }
        built->is_row_wise = built->reads == 1 && is_row_wise(built->raw);
        built->row_input = built->is_row_wise ? built->input : NULL;
        for (size_t i = 0; i < b->p->nodes.count; i++) {
            built->read[i] = built->named[i];
        }
        TN_RETURN_IF_ERROR(carry_place(b, station, first_own, err));
        TN_RETURN_IF_ERROR(
            tn_plan_meter(&b->context, built->raw, 2 * station->index, &built->raw, err));
    }
    built->raw->label = station->id;
    built->raw_shared = b->context.next_shared++;
    return TARN_OK;
}

static TN_FALLIBLE note_cycle(tn_build *b, const tn_station *from, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text path;
    bool inside = false;
    tn_text_init(&path, b->p->pool, 4096);
    for (size_t i = 0; i < b->stack.count; i++) {
        tn_station *each = b->stack.items[i];
        inside = inside || each == from;
        if (inside) {
            tn_text_printf(&path, "%.*s -> ", TN_STR_ARGS(each->id));
            b->built[each->index].state = TN_BUILD_FAULTY;
        }
    }
    tn_text_append(&path, from->id);
    TN_TRY(tn_dataflow__fault(b->p, from->place, false, NULL, err, "steps read each other: %s",
                              path.data == NULL ? "" : path.data));
done:
    tn_text_deinit(&path);
    return code;
}

tarn_code tn_build__station(tn_build *b, tn_station *root, tarn_error *err)
{
    b->stack.count = 0;
    if (b->built[root->index].state == TN_BUILD_NEW) {
        TN_RETURN_IF_ERROR(tn_vec_push(&b->stack, root, err));
    }
    while (b->stack.count > 0) {
        tn_station *station = b->stack.items[b->stack.count - 1];
        tn_built *built = &b->built[station->index];
        bound_as as = BOUND_FAULTY;
        if (built->state == TN_BUILD_FAULTY) { /* part of a cycle */
            b->stack.count--;
            continue;
        }
        built->state = TN_BUILD_OPEN;
        b->reader = station;
        if (!station->is_faulty) {
            TN_RETURN_IF_ERROR(build_step(b, station, &as, err));
            if (as == BOUND) {
                TN_RETURN_IF_ERROR(build_rules(b, station, &as, err));
            }
        }
        b->reader = NULL;
        if (as == BOUND_WAITING) {
            tn_station *missing = b->missing;
            if (b->built[missing->index].state == TN_BUILD_OPEN) {
                TN_RETURN_IF_ERROR(note_cycle(b, missing, err));
            } else {
                TN_RETURN_IF_ERROR(tn_vec_push(&b->stack, missing, err));
            }
            continue;
        }
        built->state = as == BOUND ? TN_BUILD_DONE : TN_BUILD_FAULTY;
        b->stack.count--;
    }
    return TARN_OK;
}

tarn_code tn_build__query(tn_build *b, const tn_expect *expect, tn_plan **out, tarn_error *err)
{
    bound_as as;
    *out = NULL;
    b->reader = NULL;
    b->asking = expect;
    TN_RETURN_IF_ERROR(bind_text(b, expect->text.text, &expect->text, out, &as, err));
    while (as == BOUND_WAITING) {
        tn_station *missing = b->missing;
        TN_RETURN_IF_ERROR(tn_build__station(b, missing, err));
        b->reader = NULL;
        b->asking = expect;
        TN_RETURN_IF_ERROR(bind_text(b, expect->text.text, &expect->text, out, &as, err));
    }
    *out = as == BOUND ? *out : NULL;
    return TARN_OK;
}
