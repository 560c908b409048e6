#include "table/delta/delta_internal.h"

tarn_code tn_delta_checkpoint(const tn_delta *table, tn_pool *pool, tarn_error *err)
{
    (void)pool;
    return tn_fail(err, TARN_E_UNSUPPORTED, "checkpoints of '%.*s' are not written yet",
                   TN_STR_ARGS(table->about.uri));
}
