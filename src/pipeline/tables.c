/* Delta tables that SQL names by URI, in the versions that a run fixes. */
#include "pipeline/bind_internal.h"
#include "pipeline/place.h"
#include "scan/memory.h"

enum { NO_VERSION = -1 }; /* there was no table yet: a pin, too */

/* The sink of this pipeline that makes the table, or NULL. */
static TN_FALLIBLE sink_of(const tn_build *b, tn_str uri, const tn_sink_spec **out, tarn_error *err)
{
    const tn_dataflow *p = b->p;
    tn_str place;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_place(p, b->arena, uri, &place, err));
    for (size_t i = 0; i < p->sinks.count; i++) {
        tn_str other;
        if (p->sinks.items[i]->to.size == 0) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_place(p, b->arena, p->sinks.items[i]->to, &other, err));
        *out = tn_str_equal(place, other) ? p->sinks.items[i] : *out;
    }
    return TARN_OK;
}

static TN_FALLIBLE keep(tn_build *b, tn_source *source, tn_relation *out, tarn_error *err)
{
    if (tn_vec_push(&b->opened, source, err) != TARN_OK) {
        tn_source_release(source);
        return TARN_E_NOMEM;
    }
    *out = (tn_relation){.kind = TN_RELATION_SOURCE, .source = source};
    return TARN_OK;
}

/* Before its sink has made it a table is empty, where it is said what it will hold. */
static TN_FALLIBLE open_unmade(tn_build *b, tn_str uri, const tn_sink_spec *sink, tn_relation *out,
                               tarn_error *err)
{
    tn_source *source;
    if (sink->columns_place == NULL) {
        (void)tn_fail(err, TARN_E_INVALID,
                      "there is no table at '%.*s' yet: the first run makes it, so its columns are "
                      "not known",
                      TN_STR_ARGS(uri));
        tn_hint(err, "say them in its [[sink]]: columns = { id = \"BIGINT\", ... } is read as an "
                     "empty table then; or make it with 'tarn table create'");
        return TARN_E_INVALID;
    }
    const tn_schema schema = {sink->column_count, sink->columns};
    TN_RETURN_IF_ERROR(
        tn_memory_source_create(b->p->pool, sink->to, &schema, NULL, 0, &source, err));
    return keep(b, source, out, err);
}

static TN_FALLIBLE open_table(tn_build *b, tn_str uri, int64_t version, tn_relation *out,
                              tarn_error *err)
{
    tn_session *session = b->p->session;
    tn_source *source;
    tn_read_options options = TN_READ_DEFAULT;
    options.format = TN_STR("delta");
    options.version = version;
    TN_RETURN_IF_ERROR(tn_listing_source(tn_session_stores(session), tn_session_types(session),
                                         &uri, 1, &options, b->p->pool, &source, err));
    return keep(b, source, out, err);
}

/* The latest version; NO_VERSION where there is none, and the table is a sink's. */
static TN_FALLIBLE find_version(const tn_build *b, tn_str written, tn_str uri,
                                const tn_sink_spec *sink, int64_t *version, tarn_error *err)
{
    tn_session *session = b->p->session;
    tn_delta *table;
    bool is_delta;
    *version = NO_VERSION;
    TN_RETURN_IF_ERROR(
        tn_listing_is_delta(tn_session_stores(session), uri, b->p->pool, &is_delta, err));
    if (!is_delta && sink != NULL) {
        return TARN_OK;
    }
    if (!is_delta) {
        (void)tn_fail(err, TARN_E_INVALID, "'%.*s' is no Delta table", TN_STR_ARGS(written));
        tn_hint(err, "files are read through a [[source]], so that a run can be repeated from "
                     "its pins; take = \"all\" reads all of them each time");
        return TARN_E_INVALID;
    }
    TN_RETURN_IF_ERROR(tn_delta_open(tn_session_stores(session), tn_session_types(session), uri,
                                     &TN_DELTA_LATEST, b->p->pool, &table, err));
    *version = tn_delta_describe(table)->version;
    tn_delta_close(table);
    return TARN_OK;
}

/* For the graph; a text may be bound twice. */
static TN_FALLIBLE note_read(tn_build *b, tn_str uri, tarn_error *err)
{
    tn_table_read read = {b->reader, b->reader == NULL ? b->asking : NULL, uri};
    for (size_t i = 0; i < b->table_reads.count; i++) {
        const tn_table_read *other = &b->table_reads.items[i];
        if (other->reader == read.reader && other->asking == read.asking &&
            tn_str_equal(other->uri, uri)) {
            return TARN_OK;
        }
    }
    TN_RETURN_IF_ERROR(tn_arena_copy(b->arena, uri, &read.uri, err));
    return tn_vec_push(&b->table_reads, read, err);
}

tarn_code tn_build__table(tn_build *b, tn_str uri, int64_t version, tn_relation *out,
                          tarn_error *err)
{
    const tn_sink_spec *sink;
    tn_table_pin pin;
    size_t at = 0;
    TN_RETURN_IF_ERROR(tn_uri_join(b->arena, b->p->folder, uri, &pin.uri, err));
    TN_RETURN_IF_ERROR(sink_of(b, pin.uri, &sink, err));
    TN_RETURN_IF_ERROR(note_read(b, sink == NULL ? pin.uri : sink->to, err));
    if (version >= 0) {
        return open_table(b, pin.uri, version, out, err);
    }
    pin.uri = sink == NULL ? pin.uri : sink->to; /* one table, however it is written */
    while (at < b->tables.count && !tn_str_equal(b->tables.items[at].uri, pin.uri)) {
        at++;
    }
    if (at == b->tables.count) {
        TN_RETURN_IF_ERROR(find_version(b, uri, pin.uri, sink, &pin.version, err));
        TN_RETURN_IF_ERROR(tn_arena_copy(&b->p->arena, pin.uri, &pin.uri, err));
        TN_RETURN_IF_ERROR(tn_vec_push(&b->tables, pin, err));
    }
    pin = b->tables.items[at];
    return pin.version == NO_VERSION && sink != NULL
               ? open_unmade(b, uri, sink, out, err)
               : open_table(b, pin.uri, pin.version, out, err);
}

tarn_code tn_build__sink_columns(const tn_build *b, const tn_sink_spec *sink, tarn_error *err)
{
    tn_schema written;
    const tn_built *built = sink->node == NULL ? NULL : &b->built[sink->node->index];
    if (sink->columns_place == NULL || built == NULL || built->state != TN_BUILD_DONE) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_build__written(b, b->arena, sink->node, &written, err));
    for (uint32_t i = 0; i < written.count || i < sink->column_count; i++) {
        const tn_field *field = i < written.count ? &written.fields[i] : NULL;
        const tn_field *said = i < sink->column_count ? &sink->columns[i] : NULL;
        if (field != NULL && said != NULL && tn_str_equal_fold(field->name, said->name) &&
            field->type == said->type) {
            continue;
        }
        return tn_dataflow__fault(
            b->p, sink->columns_place, false, "CAST in the step, or change 'columns'", err,
            "column %u of '%.*s' is %.*s%s%.*s, but its sink says %.*s%s%.*s", i + 1,
            TN_STR_ARGS(sink->from), TN_STR_ARGS(field == NULL ? TN_STR("missing") : field->name),
            field == NULL ? "" : " ", TN_STR_ARGS(field == NULL ? TN_STR("") : field->type->name),
            TN_STR_ARGS(said == NULL ? TN_STR("nothing of it") : said->name),
            said == NULL ? "" : " ", TN_STR_ARGS(said == NULL ? TN_STR("") : said->type->name));
    }
    return TARN_OK;
}
