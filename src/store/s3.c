#include "store/store_internal.h"

tarn_code tn_store__s3(tn_stores *stores, tn_str bucket, tn_store **out, tarn_error *err)
{
    (void)stores;
    *out = NULL;
    return tn_fail(err, TARN_E_UNSUPPORTED, "s3://%.*s: not built yet", TN_STR_ARGS(bucket));
}
