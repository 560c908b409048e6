/* JSON files of a listing. */
#include "table/listing/listing_internal.h"

tarn_code tn_listing__open_json(const tn_read_options *options, bool lines, tn_arena *keep,
                                tn_file_set *set, tarn_error *err)
{
    (void)options;
    (void)lines;
    (void)keep;
    (void)set;
    return tn_fail(err, TARN_E_UNSUPPORTED, "JSON is not read yet");
}
