/* Any bytes as CSV, cut into small morsels. */
#include "format/csv/csv.h"
#include "fuzz/records.inc.h"

static tarn_code open_records(uint8_t flags, tn_object *object, tn_types *types, tn_pool *pool,
                              tn_source **out)
{
    tn_csv_options options = TN_CSV_OPTIONS_DEFAULT;
    options.morsel_size = 256 + (flags >> 1 & 3) * 64;
    options.sample_rows = 3;
    options.ignore_errors = (flags & 8) != 0;
    options.null_padding = (flags & 16) != 0;
    options.new_line_in_values = (flags & 32) != 0;
    options.escape = (flags & 64) != 0 ? '\\' : TN_CSV_AUTO;
    options.delimiter = (flags & 128) != 0 ? TN_STR(";;") : TN_STR_NONE;
    return tn_csv_open(object, (flags & 2) != 0, &options, types, pool, out, NULL);
}
