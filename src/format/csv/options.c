/* Options by the names that SQL gives them. */
#include "format/csv/csv.h"
#include "format/text/options_internal.h"

typedef enum option {
    DELIMITER,
    QUOTE,
    ESCAPE,
    COMMENT,
    HEADER,
    SKIP,
    NULLS,
    NAMES,
    COLUMNS,
    TYPES,
    ALL_TEXT,
    IGNORE,
    PADDING,
    BREAKS,
    PARALLEL,
    SAMPLE,
    RECORD_SIZE,
    COMPRESSION,
    DETECT
} option;

static const char *const names[] = {"delim",
                                    "delimiter",
                                    "sep",
                                    "separator",
                                    "quote",
                                    "escape",
                                    "comment",
                                    "header",
                                    "skip",
                                    "nullstr",
                                    "null",
                                    "null_text",
                                    "names",
                                    "column_names",
                                    "columns",
                                    "schema",
                                    "types",
                                    "dtypes",
                                    "column_types",
                                    "all_varchar",
                                    "ignore_errors",
                                    "null_padding",
                                    "new_line_in_values",
                                    "parallel",
                                    "sample_size",
                                    "max_line_size",
                                    "maximum_line_size",
                                    "compression",
                                    "auto_detect"};
static const option options_of[] = {
    DELIMITER, DELIMITER,   DELIMITER,   DELIMITER,   QUOTE,  ESCAPE,  COMMENT, HEADER,
    SKIP,      NULLS,       NULLS,       NULLS,       NAMES,  NAMES,   COLUMNS, COLUMNS,
    TYPES,     TYPES,       TYPES,       ALL_TEXT,    IGNORE, PADDING, BREAKS,  PARALLEL,
    SAMPLE,    RECORD_SIZE, RECORD_SIZE, COMPRESSION, DETECT};
enum { NAME_COUNT = sizeof(names) / sizeof(names[0]) };
_Static_assert(NAME_COUNT == sizeof(options_of) / sizeof(options_of[0]), "one option a name");

/* "\t" as people type it. */
static tn_str unescape(tn_str text)
{
    return tn_str_equal(text, TN_STR("\\t")) || tn_str_equal_fold(text, TN_STR("tab"))
               ? TN_STR("\t")
               : text;
}

static tarn_code set_names(tn_csv_options *o, tn_str name, const tn_value *value, tn_arena *arena,
                           tarn_error *err)
{
    tn_str *texts;
    uint32_t count;
    TN_RETURN_IF_ERROR(tn__option_texts(name, value, arena, &texts, &count, err));
    o->names = texts;
    o->name_count = count;
    return TARN_OK;
}

static tarn_code set_nulls(tn_csv_options *o, tn_str name, const tn_value *value, tn_arena *arena,
                           tarn_error *err)
{
    tn_str *texts;
    TN_RETURN_IF_ERROR(tn__option_texts(name, value, arena, &texts, &o->null_count, err));
    o->nulls = texts;
    return TARN_OK;
}

static tarn_code set_fields(tn_csv_options *o, tn_str name, const tn_value *value, bool all,
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

static tarn_code set_flag(tn_csv_options *o, option which, tn_str name, const tn_value *value,
                          tarn_error *err)
{
    bool flag;
    TN_RETURN_IF_ERROR(tn__option_bool(name, value, &flag, err));
    switch ((int)which) {
    case HEADER:
        o->header = flag;
        break;
    case ALL_TEXT:
        o->all_text = flag;
        break;
    case IGNORE:
        o->ignore_errors = flag;
        break;
    case PADDING:
        o->null_padding = flag;
        break;
    case BREAKS:
        o->new_line_in_values = flag;
        break;
    case PARALLEL:
        o->one_task = !flag;
        break;
    default: /* auto_detect: what the options leave open is always found */
        break;
    }
    return TARN_OK;
}

tarn_code tn_csv_options_set(tn_csv_options *o, tn_str name, const tn_value *value, tn_types *types,
                             tn_arena *arena, tarn_error *err)
{
    size_t i = 0;
    uint64_t size;
    while (i < NAME_COUNT && !tn_str_equal_fold(name, tn_str_of(names[i]))) {
        i++;
    }
    if (i == NAME_COUNT) {
        return tn__option_unknown(name, names, NAME_COUNT, "CSV", err);
    }
    switch (options_of[i]) {
    case DELIMITER:
        TN_RETURN_IF_ERROR(tn__option_text(name, value, &o->delimiter, err));
        o->delimiter = unescape(o->delimiter);
        return TARN_OK;
    case QUOTE:
        return tn__option_byte(name, value, &o->quote, err);
    case ESCAPE:
        return tn__option_byte(name, value, &o->escape, err);
    case COMMENT:
        return tn__option_byte(name, value, &o->comment, err);
    case SKIP:
        return tn__option_size(name, value, &o->skip, err);
    case SAMPLE:
        return tn__option_size(name, value, &o->sample_rows, err);
    case RECORD_SIZE:
        TN_RETURN_IF_ERROR(tn__option_size(name, value, &size, err));
        o->record_size_max = size < (UINT64_C(1) << 30) ? (size_t)size : (size_t)1 << 30;
        return TARN_OK;
    case COMPRESSION:
        return tn__option_text(name, value, &o->compression, err);
    case NULLS:
        return set_nulls(o, name, value, arena, err);
    case NAMES:
        return set_names(o, name, value, arena, err);
    case COLUMNS:
        return set_fields(o, name, value, true, types, arena, err);
    case TYPES:
        return set_fields(o, name, value, false, types, arena, err);
    case HEADER:
    case ALL_TEXT:
    case IGNORE:
    case PADDING:
    case BREAKS:
    case PARALLEL:
    case DETECT:
        break;
    }
    return set_flag(o, options_of[i], name, value, err);
}
