// What C's macros make in place, C++ has as well: lists in C++17, options by name in C++20.
#include <tarn/tarn.h>

int sample(tarn_session *session, tarn_receipt *receipt, tarn_error *err);

int sample(tarn_session *session, tarn_receipt *receipt, tarn_error *err)
{
    tarn_frame *delays = tarn_frame_scan(session, "s3://lake/flights/*.parquet");
    delays = tarn_frame_filter(delays, tarn_gt(tarn_col("delay"), tarn_i64(15)));
    delays = tarn_frame_group_by(
        delays, TARN_EXPRS(tarn_col("origin")),
        TARN_EXPRS(tarn_as(tarn_avg(tarn_col("delay")), "mean"), tarn_count_rows()));
    tarn_frame_release(tarn_frame_select(tarn_frame_retain(delays), TARN_EXPRS()));
    if (tarn_store_copy(session, "a.csv", "b.csv", TARN_COPY(), nullptr, err) != TARN_OK) {
        tarn_frame_release(delays);
        return 1;
    }
#if __cplusplus >= 202002L
    return tarn_frame_write_delta(delays, "s3://lake/delays", TARN_DELTA_WRITE(.mode = TARN_APPEND),
                                  receipt, err) != TARN_OK;
#else
    tarn_delta_write options = {};
    options.struct_size = sizeof(options);
    options.mode = TARN_APPEND;
    return tarn_frame_write_delta(delays, "s3://lake/delays", &options, receipt, err) != TARN_OK;
#endif
}
