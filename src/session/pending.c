/* Parts that are still being built answer by name; each goes when its part has landed. */
#include "exec/operators.h"
#include "session/session_internal.h"

#define PENDING       __attribute__((weak))
#define NOT_YET(what) tn_fail(err, TARN_E_UNSUPPORTED, "%s is not built yet", (what))
#pragma GCC diagnostic ignored "-Wunused-parameter"

PENDING tarn_code tn_aggregate_create(tn_run *run, const tn_expr *const *keys, uint32_t key_count,
                                      const tn_expr *const *aggregates, uint32_t aggregate_count,
                                      const tn_layout *layout, bool input_ordered,
                                      double groups_estimate, tn_operator **out, tarn_error *err)
{
    return NOT_YET("GROUP BY");
}

PENDING tarn_code tn_join_create(tn_run *run, const tn_join_options *options, tn_operator **build,
                                 tn_operator **probe, tarn_error *err)
{
    return NOT_YET("JOIN");
}

PENDING tarn_code tn_join_filter_create(tn_pool *pool, uint32_t field, const tn_type *type,
                                        tn_dynamic_filter **out, tarn_error *err)
{
    return NOT_YET("JOIN");
}

PENDING void tn_join_filter_destroy(tn_dynamic_filter *filter)
{
}

PENDING tarn_code tn_sort_create(tn_run *run, const tn_sort_key *keys, uint32_t key_count,
                                 const tn_layout *layout, const tn_type *const *types,
                                 uint32_t width, uint64_t limit, uint64_t offset,
                                 tn_dynamic_filter *filter, tn_operator **out, tarn_error *err)
{
    return NOT_YET("ORDER BY");
}

PENDING tarn_code tn_distinct_create(tn_run *run, const tn_expr *const *keys, uint32_t key_count,
                                     const tn_sort_key *order, uint32_t order_count,
                                     const tn_layout *layout, const tn_type *const *types,
                                     uint32_t width, tn_operator **out, tarn_error *err)
{
    return NOT_YET("DISTINCT");
}

PENDING tarn_code tn_set_create(tn_run *run, tn_plan_kind kind, bool all,
                                const tn_type *const *types, uint32_t width, tn_operator **left,
                                tn_operator **right, tarn_error *err)
{
    return NOT_YET("EXCEPT");
}

PENDING tarn_code tn_keep_create(tn_run *run, const tn_type *const *types, uint32_t width,
                                 bool ordered, tn_operator **out, tarn_error *err)
{
    return NOT_YET("a shared subquery");
}

PENDING tarn_code tn_keep_scan(tn_operator *keep, tn_pool *pool, tn_scan **out, tarn_error *err)
{
    return NOT_YET("a shared subquery");
}

PENDING tarn_code tn_plan_optimise(tn_plan_context *context, tn_plan *plan,
                                   const tn_optimise_options *options, tn_plan **out,
                                   tarn_error *err)
{
    *out = plan;
    return TARN_OK;
}

PENDING tarn_code tn_sql_bind(const tn_statement *statement, tn_catalogue *catalogue,
                              tn_plan_context *context, tn_bound *out, tarn_error *err)
{
    return NOT_YET("SQL");
}

tn_file_writer_open *tn_session__json_writer(void)
{
    return NULL;
}

PENDING tarn_code tn_csv_writer_open(tn_upload *upload, const tn_schema *schema,
                                     const tn_writer_options *options, tn_pool *pool,
                                     tn_file_writer **out, tarn_error *err);
PENDING tarn_code tn_csv_writer_open(tn_upload *upload, const tn_schema *schema,
                                     const tn_writer_options *options, tn_pool *pool,
                                     tn_file_writer **out, tarn_error *err)
{
    return NOT_YET("writing CSV");
}
