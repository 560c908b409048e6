/*
 * The main job through the C interface: the tables that pipeline.toml makes, from the same files.
 *
 *     flights AIRPORTS.csv LAKE FILE...
 *
 * reads the months' files (Parquet or CSV) and writes LAKE/flights and LAKE/delays.
 */
#include <stdio.h>
#include <string.h>
#include <tarn/tarn.h>

enum { MAX_DELAY = 1440, LATE = 15, PATH_SIZE = 4096 };

/* One month: its columns in the types that are wanted, whatever its file says. */
static tarn_frame *month_file(tarn_session *session, const char *path)
{
    return tarn_frame_select(
        tarn_frame_scan(session, path),
        TARN_EXPRS(tarn_as(tarn_cast(tarn_col("date"), "TIMESTAMP"), "date"),
                   tarn_as(tarn_cast(tarn_col("delay"), "INTEGER"), "delay"),
                   tarn_as(tarn_cast(tarn_col("distance"), "INTEGER"), "distance"),
                   tarn_col("origin"), tarn_col("destination")));
}

static tarn_frame *known(tarn_frame *flights, tarn_frame *airports, const char *column)
{
    return tarn_frame_join_on(flights, airports, TARN_JOIN_SEMI,
                              tarn_eq(tarn_left(column), tarn_right("iata")));
}

/* Sane delays between airports that we know, with the month. */
static tarn_frame *clean(tarn_frame *flights, tarn_frame *airports)
{
    tarn_expr *month = tarn_call("date_trunc", TARN_EXPRS(tarn_str("month"), tarn_col("date")));

    flights = tarn_frame_filter(
        flights, tarn_between(tarn_col("delay"), tarn_i64(-120), tarn_i64(MAX_DELAY)));
    flights = known(flights, tarn_frame_retain(airports), "origin");
    flights = known(flights, airports, "destination");
    return tarn_frame_select(flights, TARN_EXPRS(tarn_col("date"),
                                                 tarn_as(tarn_cast(month, "DATE"), "month"),
                                                 tarn_col("delay"), tarn_col("distance"),
                                                 tarn_col("origin"), tarn_col("destination")));
}

/* A row for each month, airport and hour. */
static tarn_frame *delays_by_hour(tarn_frame *flights, tarn_frame *airports)
{
    tarn_expr *hour = tarn_call("date_part", TARN_EXPRS(tarn_str("hour"), tarn_col("date")));
    tarn_expr *late = tarn_if(tarn_gt(tarn_col("delay"), tarn_i64(LATE)), tarn_f64(1), tarn_f64(0));

    flights = tarn_frame_join_on(flights, airports, TARN_JOIN_INNER,
                                 tarn_eq(tarn_left("origin"), tarn_right("iata")));
    return tarn_frame_group_by(flights,
                               TARN_EXPRS(tarn_col("month"), tarn_as(tarn_col("origin"), "airport"),
                                          tarn_col("city"),
                                          tarn_as(tarn_cast(hour, "INTEGER"), "hour")),
                               TARN_EXPRS(tarn_as(tarn_count_rows(), "flights"),
                                          tarn_as(tarn_avg(tarn_col("delay")), "mean"),
                                          tarn_as(tarn_quantile(tarn_col("delay"), 0.95), "p95"),
                                          tarn_as(tarn_avg(late), "share_late")));
}

static tarn_code write_table(tarn_frame *frame, const char *lake, const char *name,
                             const char *partition_by, tarn_error *err)
{
    char uri[PATH_SIZE];
    tarn_receipt receipt = TARN_RECEIPT_INIT;
    snprintf(uri, sizeof(uri), "%s/%s", lake, name);
    tarn_code code = tarn_frame_write_delta(
        frame, uri, TARN_DELTA_WRITE(.mode = TARN_CREATE, .partition_by = partition_by), &receipt,
        err);
    if (code == TARN_OK) {
        printf("%s: version %lld, %llu rows in %llu files\n", name, (long long)receipt.version,
               (unsigned long long)receipt.rows, (unsigned long long)receipt.files);
    }
    return code;
}

static tarn_code run(tarn_session *session, char **arguments, int files, tarn_error *err)
{
    const char *lake = arguments[1];
    tarn_frame *airports = tarn_frame_scan(session, arguments[0]);
    tarn_frame *flights = month_file(session, arguments[2]);
    for (int i = 1; i < files; i++) {
        flights = tarn_frame_union_by_name(flights, month_file(session, arguments[2 + i]));
    }
    flights = clean(flights, tarn_frame_retain(airports));

    tarn_code code = write_table(tarn_frame_retain(flights), lake, "flights", "month", err);
    if (code == TARN_OK) {
        code = write_table(delays_by_hour(tarn_frame_retain(flights), tarn_frame_retain(airports)),
                           lake, "delays", NULL, err);
    }
    tarn_frame_release(flights);
    tarn_frame_release(airports);
    return code;
}

int main(int argc, char **argv)
{
    tarn_error err = TARN_ERROR_INIT;
    tarn_session *session;
    if (argc < 4) {
        fprintf(stderr, "usage: flights AIRPORTS.csv LAKE FILE...\n");
        return 2;
    }
    tarn_code code = tarn_session_open(&session, &err);
    if (code == TARN_OK) {
        code = run(session, argv + 1, argc - 3, &err);
        tarn_session_close(session);
    }
    if (code != TARN_OK) {
        fprintf(stderr, "%s: %s\n", tarn_code_name(code), err.message);
        return 1;
    }
    return 0;
}
