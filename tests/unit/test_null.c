/* NULL where the library wants something: each function of include/tarn answers that it is an
 * invalid argument, or nothing, and none fails in another way. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>
#include <unistd.h>

static int drop(void *context, const char *data, size_t size)
{
    (void)context;
    (void)data;
    (void)size;
    return 1;
}

TEST(null_instead_of_anything_of_a_session_and_its_statements)
{
    tarn_session *session = NULL;
    tarn_error err = TARN_ERROR_INIT;
    tarn_script *script = NULL;
    tarn_result *result = NULL;

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    (void)tarn_version();
    (void)tarn_build();
    (void)tarn_libraries();
    CHECK_EQ(tarn_cpu(NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_cpu(NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_open(NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_open(NULL, &err), TARN_E_INVALID);
    tarn_session_close(NULL);
    tarn_session_cancel(NULL);
    tarn_session_resume(NULL);
    CHECK_EQ(tarn_session_set(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set(NULL, "x", "x", &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set(session, NULL, "x", &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set(session, "x", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set(session, "x", "x", NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set_option(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set_option(NULL, "x", "x", &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set_option(session, NULL, "x", &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set_option(session, "x", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_set_option(session, "x", "x", NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_bind(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_bind(NULL, "x", "x", &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_bind(session, NULL, "x", &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_bind(session, "x", NULL, &err), TARN_E_INVALID);
    tarn_session_on_progress(NULL, NULL, NULL);
    tarn_session_on_progress(session, NULL, NULL);
    (void)tarn_session_setting(NULL, 0, NULL);
    (void)tarn_session_setting(session, 0, NULL);
    tarn_process_figures(NULL);
    CHECK_EQ(tarn_script_open(NULL, NULL, 0, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_script_open(session, NULL, 8, &script, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_script_open(session, "SELECT 1", 8, NULL, &err), TARN_E_INVALID);
    tarn_script_close(NULL);
    CHECK_EQ(tarn_script_next(NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_script_next(script, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_script_next(script, &result, NULL), TARN_E_INVALID);
    (void)tarn_script_results(NULL);
    CHECK(!tarn_script_has_parameter(NULL, "x"));
    CHECK_EQ(tarn_script_write_to(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_script_write_to(script, NULL, "x", &err), TARN_E_INVALID);
    CHECK_EQ(tarn_script_write_to(script, "no/such", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_script_write_to(script, "no/such", "x", NULL), TARN_E_INVALID);
    (void)tarn_result_column_count(NULL);
    (void)tarn_result_column_name(NULL, 0);
    (void)tarn_result_column_type(NULL, 0);
    (void)tarn_result_is_count(NULL);
    (void)tarn_result_warning(NULL);
    tarn_result_stats(NULL, NULL);
    CHECK_EQ(tarn_result_print(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_result_rows(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    tarn_result_close(NULL);
    (void)tarn_sql_is_complete(NULL, 0);
    (void)tarn_sql_is_complete(NULL, 8);
    tarn_session_close(session);
}

TEST(null_instead_of_anything_of_a_session_and_its_statements_too)
{
    tarn_session *session = NULL;
    tarn_error err = TARN_ERROR_INIT;
    char *text = NULL;
    struct ArrowArrayStream stream = {.release = NULL};

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    (void)tarn_sql_keyword(0);
    CHECK_EQ(tarn_shell_open(NULL, NULL), TARN_E_INVALID);
    tarn_shell_close(NULL);
    CHECK_EQ(tarn_shell_set(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    (void)tarn_shell_is_cancel(NULL, 0);
    tarn_shell_cancel(NULL);
    tarn_shell_begin(NULL, false);
    CHECK_EQ(tarn_shell_answer(NULL, NULL, 0, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_text_resize(NULL, 0, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_text_resize(NULL, 0, &err), TARN_E_INVALID);
    tarn_text_free(NULL);
    (void)tarn_text_width(NULL, 0);
    CHECK_EQ(tarn_error_report(NULL, NULL, NULL, 0, 0, 0, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_error_report(NULL, "x", "SELECT 1", 8, 0, 0, &text, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_error_report(NULL, NULL, "SELECT 1", 8, 0, 0, &text, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_error_report(NULL, "x", NULL, 8, 0, 0, &text, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_error_report(NULL, "x", "SELECT 1", 8, 0, 0, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_error_report(NULL, "x", "SELECT 1", 8, 0, 0, &text, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_query(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_query(NULL, "SELECT 1", &stream, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_query(session, NULL, &stream, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_query(session, "SELECT 1", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_string_views(NULL, false, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_string_views(NULL, false, &err), TARN_E_INVALID);
    (void)tarn_stream_error(NULL, NULL);
    CHECK_EQ(tarn_session_register(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_session_register(NULL, "x", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_register(session, NULL, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_register(session, "x", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_session_register(session, "x", NULL, NULL), TARN_E_INVALID);
    tarn_session_close(session);
}

TEST(null_instead_of_anything_of_files_and_tables)
{
    tarn_session *session = NULL;
    tarn_error err = TARN_ERROR_INIT;
    tarn_result *result = NULL;
    char *text = NULL;
    uint64_t rows = 0;
    bool flag = false;
    int64_t version = 0;

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_table_create(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_table_create(NULL, "no/such", NULL, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_create(session, NULL, NULL, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_create(session, "no/such", NULL, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_create(session, "no/such", NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_table_checkpoint(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_table_checkpoint(NULL, "no/such", &version, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_checkpoint(session, NULL, &version, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_exists(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_table_exists(NULL, "no/such", &flag, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_exists(session, NULL, &flag, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_exists(session, "no/such", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_history(NULL, NULL, 0, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_table_history(NULL, "no/such", 0, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_history(session, NULL, 0, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_history(session, "no/such", 0, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_files(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_table_files(NULL, "no/such", NULL, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_files(session, NULL, NULL, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_files(session, "no/such", NULL, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_detail(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_table_detail(NULL, "no/such", NULL, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_detail(session, NULL, NULL, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_table_detail(session, "no/such", NULL, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_describe(NULL, NULL, false, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_describe(NULL, "no/such", false, &text, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_describe(session, NULL, false, &text, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_describe(session, "no/such", false, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_list(NULL, NULL, false, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_store_list(NULL, "no/such", false, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_list(session, NULL, false, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_list(session, "no/such", 4, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_list(session, "no/such", false, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_stat(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_store_stat(NULL, "no/such", &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_stat(session, NULL, &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_stat(session, "no/such", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_read(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_store_read(NULL, "no/such", drop, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_read(session, NULL, drop, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_read(session, "no/such", NULL, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_copy(NULL, NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_store_copy(NULL, "no/such", "no/such/x", NULL, &rows, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_copy(session, NULL, "no/such/x", NULL, &rows, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_copy(session, "no/such", NULL, NULL, &rows, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_delete(NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_store_delete(NULL, "no/such", &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_delete(session, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_delete_many(NULL, NULL, 0, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_store_delete_many(NULL, NULL, 0, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_uploads(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_store_uploads(NULL, "no/such", &result, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_uploads(session, NULL, &result, &err), TARN_E_INVALID);
    tarn_session_close(session);
}

TEST(null_instead_of_anything_of_files_and_tables_too)
{
    tarn_session *session = NULL;
    tarn_error err = TARN_ERROR_INIT;
    uint64_t rows = 0;
    tarn_upload *upload = NULL;

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_store_uploads(session, "no/such", NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_abort_uploads(NULL, NULL, false, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_store_abort_uploads(NULL, "no/such", false, &rows, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_abort_uploads(session, NULL, false, &rows, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_store_abort_uploads(session, "no/such", false, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_upload_open(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_upload_open(session, NULL, NULL, &upload, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_upload_open(session, "no/such", NULL, NULL, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_upload_write(NULL, NULL, 0, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_upload_finish(NULL, NULL), TARN_E_INVALID);
    tarn_upload_abort(NULL);
    tarn_session_close(session);
}

TEST(null_instead_of_anything_of_a_pipeline)
{
    tarn_session *session = NULL;
    tarn_error err = TARN_ERROR_INIT;
    tarn_pipeline *pipeline = NULL;

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_pipeline_open(NULL, NULL, NULL, 0, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_open(session, NULL, NULL, 0, &pipeline, &err), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_open(session, "x", NULL, 0, NULL, &err), TARN_E_INVALID);
    tarn_pipeline_close(NULL);
    CHECK_EQ(tarn_pipeline_check(NULL, NULL), TARN_E_INVALID);
    (void)tarn_pipeline_fault(NULL, 0, NULL, NULL);
    CHECK_EQ(tarn_pipeline_run(NULL, NULL, NULL, NULL), TARN_E_INVALID);
    (void)tarn_pipeline_flow(NULL, 0, NULL);
    CHECK_EQ(tarn_pipeline_step(NULL, NULL, 0, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_status(NULL, NULL), TARN_E_INVALID);
    (void)tarn_pipeline_name(NULL);
    (void)tarn_pipeline_state(NULL);
    (void)tarn_pipeline_past_run(NULL, 0, NULL);
    (void)tarn_pipeline_past_table(NULL, 0, 0, NULL);
    (void)tarn_pipeline_past_flow(NULL, 0, 0, NULL);
    (void)tarn_pipeline_known_file(NULL, 0, NULL);
    CHECK_EQ(tarn_pipeline_reset(NULL, NULL, 0, false, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_graph(NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_graph_json(NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_init(NULL, NULL, NULL), TARN_E_INVALID);
    tarn_session_close(session);
}

TEST(null_instead_of_an_expression_or_its_parts)
{
    tarn_session *session = NULL;
    const tarn_exprs none = {0};

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    tarn_expr_release(tarn_expr_retain(NULL));
    tarn_expr_release(NULL);
    tarn_expr_release(tarn_col(NULL));
    tarn_expr_release(tarn_left(NULL));
    tarn_expr_release(tarn_right(NULL));
    tarn_expr_release(tarn_str(NULL));
    tarn_expr_release(tarn_blob(NULL, 0));
    tarn_expr_release(tarn_decimal(NULL));
    tarn_expr_release(tarn_date(NULL));
    tarn_expr_release(tarn_time(NULL));
    tarn_expr_release(tarn_timestamp(NULL));
    tarn_expr_release(tarn_timestamptz(NULL));
    tarn_expr_release(tarn_interval(NULL));
    tarn_expr_release(tarn_eq(NULL, NULL));
    tarn_expr_release(tarn_eq(NULL, tarn_col("a")));
    tarn_expr_release(tarn_eq(tarn_col("a"), NULL));
    tarn_expr_release(tarn_ne(NULL, NULL));
    tarn_expr_release(tarn_ne(NULL, tarn_col("a")));
    tarn_expr_release(tarn_ne(tarn_col("a"), NULL));
    tarn_expr_release(tarn_lt(NULL, NULL));
    tarn_expr_release(tarn_lt(NULL, tarn_col("a")));
    tarn_expr_release(tarn_lt(tarn_col("a"), NULL));
    tarn_expr_release(tarn_le(NULL, NULL));
    tarn_expr_release(tarn_le(NULL, tarn_col("a")));
    tarn_expr_release(tarn_le(tarn_col("a"), NULL));
    tarn_expr_release(tarn_gt(NULL, NULL));
    tarn_expr_release(tarn_gt(NULL, tarn_col("a")));
    tarn_expr_release(tarn_gt(tarn_col("a"), NULL));
    tarn_expr_release(tarn_ge(NULL, NULL));
    tarn_expr_release(tarn_ge(NULL, tarn_col("a")));
    tarn_expr_release(tarn_ge(tarn_col("a"), NULL));
    tarn_expr_release(tarn_same(NULL, NULL));
    tarn_expr_release(tarn_same(NULL, tarn_col("a")));
    tarn_expr_release(tarn_same(tarn_col("a"), NULL));
    tarn_expr_release(tarn_between(NULL, NULL, NULL));
    tarn_expr_release(tarn_between(NULL, tarn_col("a"), tarn_col("a")));
    tarn_expr_release(tarn_between(tarn_col("a"), NULL, tarn_col("a")));
    tarn_expr_release(tarn_between(tarn_col("a"), tarn_col("a"), NULL));
    tarn_expr_release(tarn_in(NULL, none));
    tarn_expr_release(tarn_not_in(NULL, none));
    tarn_expr_release(tarn_like(NULL, NULL));
    tarn_expr_release(tarn_like(NULL, "x"));
    tarn_expr_release(tarn_like(tarn_col("a"), NULL));
    tarn_expr_release(tarn_ilike(NULL, NULL));
    tarn_expr_release(tarn_ilike(NULL, "x"));
    tarn_expr_release(tarn_ilike(tarn_col("a"), NULL));
    tarn_expr_release(tarn_is_null(NULL));
    tarn_expr_release(tarn_is_not_null(NULL));
    tarn_expr_release(tarn_and(NULL, NULL));
    tarn_expr_release(tarn_and(NULL, tarn_col("a")));
    tarn_expr_release(tarn_and(tarn_col("a"), NULL));
    tarn_expr_release(tarn_or(NULL, NULL));
    tarn_session_close(session);
}

TEST(null_instead_of_an_expression_or_its_parts_too)
{
    tarn_session *session = NULL;
    const tarn_exprs none = {0};

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    tarn_expr_release(tarn_or(NULL, tarn_col("a")));
    tarn_expr_release(tarn_or(tarn_col("a"), NULL));
    tarn_expr_release(tarn_not(NULL));
    tarn_expr_release(tarn_add(NULL, NULL));
    tarn_expr_release(tarn_add(NULL, tarn_col("a")));
    tarn_expr_release(tarn_add(tarn_col("a"), NULL));
    tarn_expr_release(tarn_sub(NULL, NULL));
    tarn_expr_release(tarn_sub(NULL, tarn_col("a")));
    tarn_expr_release(tarn_sub(tarn_col("a"), NULL));
    tarn_expr_release(tarn_mul(NULL, NULL));
    tarn_expr_release(tarn_mul(NULL, tarn_col("a")));
    tarn_expr_release(tarn_mul(tarn_col("a"), NULL));
    tarn_expr_release(tarn_div(NULL, NULL));
    tarn_expr_release(tarn_div(NULL, tarn_col("a")));
    tarn_expr_release(tarn_div(tarn_col("a"), NULL));
    tarn_expr_release(tarn_mod(NULL, NULL));
    tarn_expr_release(tarn_mod(NULL, tarn_col("a")));
    tarn_expr_release(tarn_mod(tarn_col("a"), NULL));
    tarn_expr_release(tarn_neg(NULL));
    tarn_expr_release(tarn_cast(NULL, NULL));
    tarn_expr_release(tarn_cast(NULL, "x"));
    tarn_expr_release(tarn_cast(tarn_col("a"), NULL));
    tarn_expr_release(tarn_try_cast(NULL, NULL));
    tarn_expr_release(tarn_try_cast(NULL, "x"));
    tarn_expr_release(tarn_try_cast(tarn_col("a"), NULL));
    tarn_expr_release(tarn_if(NULL, NULL, NULL));
    tarn_expr_release(tarn_if(NULL, tarn_col("a"), tarn_col("a")));
    tarn_expr_release(tarn_if(tarn_col("a"), NULL, tarn_col("a")));
    tarn_expr_release(tarn_if(tarn_col("a"), tarn_col("a"), NULL));
    tarn_expr_release(tarn_call(NULL, none));
    tarn_expr_release(tarn_count(NULL));
    tarn_expr_release(tarn_count_distinct(NULL));
    tarn_expr_release(tarn_sum(NULL));
    tarn_expr_release(tarn_avg(NULL));
    tarn_expr_release(tarn_min(NULL));
    tarn_expr_release(tarn_max(NULL));
    tarn_expr_release(tarn_median(NULL));
    tarn_expr_release(tarn_quantile(NULL, 0));
    tarn_expr_release(tarn_stddev(NULL));
    tarn_expr_release(tarn_first(NULL));
    tarn_expr_release(tarn_last(NULL));
    tarn_expr_release(tarn_aggregate(NULL, none));
    tarn_expr_release(tarn_where(NULL, NULL));
    tarn_expr_release(tarn_where(NULL, tarn_col("a")));
    tarn_expr_release(tarn_where(tarn_col("a"), NULL));
    tarn_expr_release(tarn_as(NULL, NULL));
    tarn_expr_release(tarn_as(NULL, "x"));
    tarn_expr_release(tarn_as(tarn_col("a"), NULL));
    tarn_expr_release(tarn_asc(NULL));
    tarn_expr_release(tarn_desc(NULL));
    tarn_expr_release(tarn_nulls_first(NULL));
    tarn_expr_release(tarn_nulls_last(NULL));
    tarn_session_close(session);
}

TEST(null_instead_of_anything_of_a_frame)
{
    tarn_session *session = NULL;
    tarn_error err = TARN_ERROR_INIT;
    char *text = NULL;
    uint64_t rows = 0;
    struct ArrowArrayStream stream = {.release = NULL};
    struct ArrowSchema schema = {.release = NULL};
    const tarn_exprs none = {0};

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    tarn_frame_release(tarn_frame_retain(NULL));
    tarn_frame_release(NULL);
    tarn_frame_release(tarn_frame_scan(NULL, NULL));
    tarn_frame_release(tarn_frame_scan(NULL, "x"));
    tarn_frame_release(tarn_frame_scan(session, NULL));
    tarn_frame_release(tarn_frame_sql(NULL, NULL));
    tarn_frame_release(tarn_frame_sql(NULL, "x"));
    tarn_frame_release(tarn_frame_sql(session, NULL));
    tarn_frame_release(tarn_frame_filter(NULL, NULL));
    tarn_frame_release(tarn_frame_filter(NULL, tarn_col("a")));
    tarn_frame_release(tarn_frame_filter(tarn_frame_sql(session, "SELECT 1 AS a"), NULL));
    tarn_frame_release(tarn_frame_select(NULL, none));
    tarn_frame_release(tarn_frame_with_columns(NULL, none));
    tarn_frame_release(tarn_frame_group_by(NULL, none, none));
    tarn_frame_release(tarn_frame_join(NULL, NULL, TARN_JOIN_INNER, none));
    tarn_frame_release(
        tarn_frame_join(NULL, tarn_frame_sql(session, "SELECT 1 AS a"), TARN_JOIN_INNER, none));
    tarn_frame_release(
        tarn_frame_join(tarn_frame_sql(session, "SELECT 1 AS a"), NULL, TARN_JOIN_INNER, none));
    tarn_frame_release(tarn_frame_join_on(NULL, NULL, TARN_JOIN_INNER, NULL));
    tarn_frame_release(tarn_frame_join_on(NULL, tarn_frame_sql(session, "SELECT 1 AS a"),
                                          TARN_JOIN_INNER, tarn_col("a")));
    tarn_frame_release(tarn_frame_join_on(tarn_frame_sql(session, "SELECT 1 AS a"), NULL,
                                          TARN_JOIN_INNER, tarn_col("a")));
    tarn_frame_release(tarn_frame_join_on(tarn_frame_sql(session, "SELECT 1 AS a"),
                                          tarn_frame_sql(session, "SELECT 1 AS a"), TARN_JOIN_INNER,
                                          NULL));
    tarn_frame_release(tarn_frame_sort(NULL, none));
    tarn_frame_release(tarn_frame_limit(NULL, 0));
    tarn_frame_release(tarn_frame_slice(NULL, 0, 0));
    tarn_frame_release(tarn_frame_top_k(NULL, 0, none));
    tarn_frame_release(tarn_frame_unique(NULL, none));
    tarn_frame_release(tarn_frame_union(NULL, NULL));
    tarn_frame_release(tarn_frame_union(NULL, tarn_frame_sql(session, "SELECT 1 AS a")));
    tarn_frame_release(tarn_frame_union(tarn_frame_sql(session, "SELECT 1 AS a"), NULL));
    tarn_frame_release(tarn_frame_union_by_name(NULL, NULL));
    tarn_frame_release(tarn_frame_union_by_name(NULL, tarn_frame_sql(session, "SELECT 1 AS a")));
    tarn_frame_release(tarn_frame_union_by_name(tarn_frame_sql(session, "SELECT 1 AS a"), NULL));
    CHECK_EQ(tarn_frame_collect(NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_frame_collect(NULL, &stream, &err), TARN_E_NOMEM);
    CHECK_EQ(tarn_frame_collect(tarn_frame_sql(session, "SELECT 1 AS a"), NULL, &err),
             TARN_E_INVALID);
    CHECK_EQ(tarn_frame_stream(NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_frame_stream(NULL, &stream, &err), TARN_E_NOMEM);
    CHECK_EQ(tarn_frame_stream(tarn_frame_sql(session, "SELECT 1 AS a"), NULL, &err),
             TARN_E_INVALID);
    CHECK_EQ(tarn_frame_write_parquet(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_frame_write_parquet(NULL, "no/such", NULL, &rows, &err), TARN_E_NOMEM);
    CHECK_EQ(
        tarn_frame_write_parquet(tarn_frame_sql(session, "SELECT 1 AS a"), NULL, NULL, &rows, &err),
        TARN_E_INVALID);
    CHECK_EQ(tarn_frame_write_csv(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_frame_write_csv(NULL, "no/such", NULL, &rows, &err), TARN_E_NOMEM);
    CHECK_EQ(
        tarn_frame_write_csv(tarn_frame_sql(session, "SELECT 1 AS a"), NULL, NULL, &rows, &err),
        TARN_E_INVALID);
    CHECK_EQ(tarn_frame_write_delta(NULL, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_frame_write_delta(NULL, "no/such", NULL, NULL, &err), TARN_E_NOMEM);
    CHECK_EQ(
        tarn_frame_write_delta(tarn_frame_sql(session, "SELECT 1 AS a"), NULL, NULL, NULL, &err),
        TARN_E_INVALID);
    CHECK_EQ(tarn_frame_explain(NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_frame_explain(NULL, &text, &err), TARN_E_NOMEM);
    CHECK_EQ(tarn_frame_schema(NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_frame_schema(NULL, &schema, &err), TARN_E_NOMEM);
    tarn_session_close(session);
}

/* The same of things that are there. */
TEST(null_beside_a_handle_that_is_there)
{
    tarn_session *session = NULL;
    tarn_script *script = NULL;
    tarn_result *result = NULL;
    tarn_shell *shell = NULL;
    char *text = NULL;
    size_t size = 0;
    tarn_error err = TARN_ERROR_INIT;

    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_script_open(session, "SELECT 1 AS a", 13, &script, NULL), TARN_OK);
    CHECK_EQ(tarn_script_next(script, NULL, &err), TARN_E_INVALID);
    CHECK(strstr(err.message, "is NULL") != NULL);
    CHECK_EQ(tarn_script_write_to(script, NULL, "csv", NULL), TARN_OK);
    CHECK_EQ(tarn_script_next(script, &result, NULL), TARN_OK);
    CHECK_EQ(tarn_result_print(result, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_result_rows(result, NULL, NULL, NULL), TARN_E_INVALID);
    tarn_result_stats(result, NULL);
    CHECK_EQ(tarn_result_print(result, NULL, drop, NULL, NULL), TARN_OK);
    tarn_script_close(script);

    CHECK_EQ(tarn_shell_open(&shell, NULL), TARN_OK);
    CHECK_EQ(tarn_shell_set(shell, NULL, "1", NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_shell_answer(shell, NULL, 3, &text, &size, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_shell_answer(shell, "{}", 2, NULL, &size, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_shell_answer(shell, "{}", 2, &text, NULL, NULL), TARN_E_INVALID);
    tarn_shell_close(shell);
    tarn_session_close(session);
}

TEST(null_beside_a_pipeline_that_is_there)
{
    static const char *const parameters[] = {NULL};
    tarn_session *session = NULL;
    tarn_pipeline *pipeline = NULL;
    tarn_flow flow = TARN_FLOW_INIT;
    char path[] = "/tmp/tarn-null-XXXXXX";
    const int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, "[pipeline]\nname = \"x\"\n", 22) == 22);
    (void)close(fd);
    CHECK_EQ(tarn_session_open(&session, NULL), TARN_OK);
    CHECK_EQ(tarn_pipeline_open(session, "no/such.toml", parameters, 1, &pipeline, NULL),
             TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_open(session, "no/such.toml", NULL, 1, &pipeline, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_open(session, path, NULL, 0, &pipeline, NULL), TARN_OK);
    CHECK_EQ(tarn_pipeline_check(pipeline, NULL), TARN_OK);
    CHECK(!tarn_pipeline_fault(pipeline, 0, NULL, NULL));
    CHECK(tarn_pipeline_run(pipeline, NULL, NULL, NULL) != TARN_OK);
    CHECK(!tarn_pipeline_flow(pipeline, 0, NULL));
    CHECK(!tarn_pipeline_flow(pipeline, 0, &flow));
    CHECK_EQ(tarn_pipeline_step(pipeline, NULL, 0, NULL, drop, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_step(pipeline, "x", 0, NULL, NULL, NULL, NULL), TARN_E_INVALID);
    CHECK(tarn_pipeline_status(pipeline, NULL) != TARN_OK);
    CHECK(strlen(tarn_pipeline_name(pipeline)) < 100);
    CHECK(strlen(tarn_pipeline_state(pipeline)) < 1000);
    CHECK(!tarn_pipeline_past_run(pipeline, 0, NULL));
    CHECK(!tarn_pipeline_past_table(pipeline, 0, 0, NULL));
    CHECK(!tarn_pipeline_past_flow(pipeline, 0, 0, NULL));
    CHECK(!tarn_pipeline_known_file(pipeline, 0, NULL));
    CHECK_EQ(tarn_pipeline_reset(pipeline, NULL, 0, false, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_graph(pipeline, NULL, NULL), TARN_E_INVALID);
    CHECK_EQ(tarn_pipeline_graph_json(pipeline, NULL, NULL), TARN_E_INVALID);
    tarn_pipeline_close(pipeline);
    tarn_session_close(session);
    (void)unlink(path);
}
