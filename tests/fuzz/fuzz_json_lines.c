/* Any bytes as records of JSON. */
#include "format/json/json.h"
#include "fuzz/records.inc.h"

static tarn_code open_records(uint8_t flags, tn_object *object, tn_types *types, tn_pool *pool,
                              tn_source **out)
{
    const tn_json_options options = {.morsel_size = 256 + (flags >> 1 & 3) * 64,
                                     .sample_rows = 3,
                                     .ignore_errors = (flags & 8) != 0,
                                     .all_text = (flags & 16) != 0};
    return tn_json_open(object, (flags & 2) != 0, &options, types, pool, out, NULL);
}
