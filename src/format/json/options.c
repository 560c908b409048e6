/* Options by the names that SQL gives them. */
#include "format/json/json.h"
#include "format/text/options_internal.h"

static const char *const names[] = {
    "columns",       "schema",      "types",       "dtypes",        "all_varchar",
    "ignore_errors", "parallel",    "sample_size", "max_line_size", "maximum_object_size",
    "compression",   "auto_detect", "format",      "records"};

static tarn_code set_fields(tn_json_options *o, tn_str name, const tn_value *value, bool all,
                            tn_types *types, tn_arena *arena, tarn_error *err)
{
    tn_field *fields;
    uint32_t count;
    TN_RETURN_IF_ERROR(tn__option_fields(name, value, types, arena, &fields, &count, err));
    if (all) {
        o->columns = fields;
        o->column_count = count;
    } else {
        o->types = fields;
        o->type_count = count;
    }
    return TARN_OK;
}

tarn_code tn_json_options_set(tn_json_options *o, tn_str name, const tn_value *value,
                              tn_types *types, tn_arena *arena, tarn_error *err)
{
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    size_t i = 0;
    bool flag = true;
    uint64_t size;
    while (i < COUNT && !tn_str_equal_fold(name, tn_str_of(names[i]))) {
        i++;
    }
    switch (i) {
    case 0:
    case 1:
        return set_fields(o, name, value, true, types, arena, err);
    case 2:
    case 3:
        return set_fields(o, name, value, false, types, arena, err);
    case 4:
        return tn__option_bool(name, value, &o->all_text, err);
    case 5:
        return tn__option_bool(name, value, &o->ignore_errors, err);
    case 6:
        TN_RETURN_IF_ERROR(tn__option_bool(name, value, &flag, err));
        o->one_task = !flag;
        return TARN_OK;
    case 7:
        return tn__option_size(name, value, &o->sample_rows, err);
    case 8:
    case 9:
        TN_RETURN_IF_ERROR(tn__option_size(name, value, &size, err));
        o->record_size_max = size < (UINT64_C(1) << 30) ? (size_t)size : (size_t)1 << 30;
        return TARN_OK;
    case 10:
        return tn__option_text(name, value, &o->compression, err);
    case 11:
    case 12:
    case 13:
        return TARN_OK; /* the form is always found */
    default:
        return tn__option_unknown(name, names, COUNT, "JSON", err);
    }
}
