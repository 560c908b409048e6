/* Queries whose rows are read while other statements run: frames, and streams of results. */
#include "session/session_internal.h"

struct tn_rows {
    tn_session *session;
    tn_arena arena;
    tn_plan_context context;
    size_t mark; /* sources opened before */
    tn_sources sources;
    tn_schema schema;
    tn_query *query;
};

tarn_code tn_rows_create(tn_session *session, const tn_parameters *parameters, tn_rows **out,
                         tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(&session->pool, sizeof(tn_rows), &memory, err));
    tn_rows *rows = memory;
    rows->session = session;
    rows->mark = session->opened.count;
    tn_arena_init(&rows->arena, &session->pool);
    tn_session_plan_context(session, &rows->arena, parameters, &rows->context);
    *out = rows;
    return TARN_OK;
}

tn_plan_context *tn_rows_context(tn_rows *rows)
{
    return &rows->context;
}

tarn_code tn_rows_optimise(tn_rows *rows, tn_plan *plan, tn_plan **out, tarn_error *err)
{
    tn_optimise_options options;
    tn_session_optimise_options(rows->session, &options);
    return tn_plan_optimise(&rows->context, plan, &options, out, err);
}

tarn_code tn_rows_schema_of(tn_rows *rows, const tn_plan *plan, tn_schema *out, tarn_error *err)
{
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(&rows->arena, tn_field, plan->output_count, &fields, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const tn_output *output = &plan->outputs[i];
        fields[i] = (tn_field){output->name, output->type, output->nullable};
    }
    *out = (tn_schema){plan->output_count, fields};
    return TARN_OK;
}

tarn_code tn_rows_start(tn_rows *rows, tn_plan *plan, tarn_error *err)
{
    tn_session *session = rows->session;
    tn_query_options options;
    tn_plan *optimised;
    TN_RETURN_IF_ERROR(tn_rows_schema_of(rows, plan, &rows->schema, err));
    TN_RETURN_IF_ERROR(tn_rows_optimise(rows, plan, &optimised, err));
    TN_RETURN_IF_ERROR(tn_session__take_sources(session, rows->mark, &rows->sources, err));
    tn_session_query_options(session, &options);
    TN_RETURN_IF_ERROR(tn_query_create(&rows->context, optimised, &options, &rows->query, err));
    tn_session__run(session, rows->query);
    return TARN_OK;
}

const tn_schema *tn_rows_schema(const tn_rows *rows)
{
    return &rows->schema;
}

tarn_code tn_rows_read(tn_rows *rows, tn_chunk **out, tarn_error *err)
{
    tn_session__run(rows->session, rows->query); /* others may be read in turn */
    return tn_query_next(rows->query, out, err);
}

void tn_rows_close(tn_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    tn_session *session = rows->session;
    tn_session__run(session, NULL);
    tn_query_destroy(rows->query);
    tn_sources__free(&rows->sources);
    if (session->opened.count > rows->mark) {
        tn_session__drop_sources(session, rows->mark);
    }
    tn_arena_deinit(&rows->arena);
    tn_pool_free(&session->pool, rows, sizeof(*rows));
}
