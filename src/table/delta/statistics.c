/* A file's statistics as JSON (PROTOCOL.md, "Per-file Statistics"). */
#include "base/size.h"
#include "kernel/calendar.h"
#include "kernel/text.h"
#include "table/delta/delta_internal.h"

#include <float.h>
#include <math.h>

enum {
    COLUMNS_MAX = 32, /* that get bounds, as other writers do */
    STRING_MAX = 32   /* characters of a bound */
};
static const int64_t us_per_ms = 1000;
static const int64_t year_1_us = -INT64_C(62135596800000000),
                     year_10000_us = INT64_C(253402300800000000);

/* ---- reading ----------------------------------------------------------------------------------*/

/* Other writers hold bounds as doubles: of a decimal with more digits than those keep, a bound may
 * lie within the values, and a file would be passed over that has the row asked for. */
static bool is_kept_by_doubles(const tn_type *type)
{
    return type->kind != TN_KIND_DECIMAL || type->precision <= DBL_DIG;
}

static bool has_bounds(const tn_type *type)
{
    return !tn_type_is_nested(type) && type->kind != TN_KIND_BOOLEAN &&
           type->kind != TN_KIND_BLOB && type->kind != TN_KIND_INTERVAL &&
           type->kind != TN_KIND_NULL;
}

static bool read_bound(const tn_json *json, const tn_type *type, tn_arena *arena, tn_value *out)
{
    tn_str copy;
    if (json == NULL || (json->kind != TN_JSON_STRING && json->kind != TN_JSON_NUMBER) ||
        tn_arena_copy(arena, json->text, &copy, NULL) != TARN_OK) {
        return false;
    }
    const bool read = tn_text_parse(copy, type, arena, out, NULL) == TARN_OK;
    out->type = type;
    return read && !(tn_type_is_float(type) && isnan(out->f64));
}

tarn_code tn_delta__parse_statistics(const tn_delta *table, const tn_delta_file *file,
                                     tn_arena *arena, tn_column_statistics **columns,
                                     uint64_t *rows, tarn_error *err)
{
    const tn_schema *schema = &table->about.schema;
    const tn_json *json;

    *columns = NULL;
    *rows = UINT64_MAX;
    /* Unreadable statistics are none: they only help. */
    if (file->statistics.size == 0 ||
        tn_json_parse(arena, file->statistics, &json, NULL) != TARN_OK) {
        return TARN_OK;
    }
    const tn_json *const records = tn_json_get(json, "numRecords");
    if (records == NULL) {
        return TARN_OK;
    }
    const int64_t count = records->is_integer ? records->integer : -1;
    if (count < 0) { /* a number that counts rows cannot be guessed */
        return tn_fail(
            err, TARN_E_CORRUPT, "the log of '%.*s' says that '%.*s' has a 'numRecords' of %.*s",
            TN_STR_ARGS(table->about.uri), TN_STR_ARGS(file->path),
            (int)tn_min_size(records->size, 40), file->statistics.data + records->offset);
    }
    /* Statistics are of the file; rows deleted from it only narrow them. */
    const uint64_t deleted = file->deletion == NULL ? 0 : (uint64_t)file->deletion->cardinality;
    if (deleted > (uint64_t)count) {
        return TARN_OK;
    }
    *rows = (uint64_t)count - deleted;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_column_statistics, schema->count, columns, err));
    const bool tight = deleted == 0 && tn_json_get_bool(json, "tightBounds", true);
    for (uint32_t i = 0; i < schema->count; i++) {
        tn_column_statistics *column = &(*columns)[i];
        const tn_type *type = schema->fields[i].type;
        const tn_str name =
            table->physical_names != NULL ? table->physical_names[i] : schema->fields[i].name;
        const tn_json *nulls = tn_json_find(tn_json_get(json, "nullCount"), name);
        if (tight && nulls != NULL && nulls->is_integer && nulls->integer >= 0) {
            column->nulls = TN_EXACT;
            column->null_count = (uint64_t)nulls->integer;
        }
        if (has_bounds(type) && is_kept_by_doubles(type) &&
            read_bound(tn_json_find(tn_json_get(json, "minValues"), name), type, arena,
                       &column->min) &&
            read_bound(tn_json_find(tn_json_get(json, "maxValues"), name), type, arena,
                       &column->max)) {
            column->bounds = TN_ESTIMATE;
            if (tn_type_is_timestamp(type)) { /* writers cut to milliseconds */
                column->max.i64 += us_per_ms - 1;
            }
            if (tn_type_is_float(type)) { /* and leave NaN out, which is above all */
                column->bounds = TN_UNKNOWN;
            }
        }
    }
    return TARN_OK;
}

/* ---- writing ----------------------------------------------------------------------------------*/

/* At most STRING_MAX characters; a maximum that was cut gets a character above all others. */
static void put_string(tn_json_writer *w, tn_str text, bool is_max, tn_text *scratch)
{
    size_t at = 0;
    size_t characters = 0;
    while (at < text.size && characters < STRING_MAX) {
        at++;
        while (at < text.size && ((unsigned char)text.data[at] & 0xC0) == 0x80) {
            at++;
        }
        characters++;
    }
    tn_text_clear(scratch);
    tn_text_append(scratch, tn_str_slice(text, 0, at));
    if (at < text.size && is_max) {
        tn_text_puts(scratch, "\xF4\x8F\xBF\xBF");
    }
    tn_json_put_str(w, tn_text_str(scratch));
}

/* Milliseconds, a minimum rounded down and a maximum up, so that readers which add nothing are
 * right, too; but not up to a year of five digits, which some cannot read. */
static void put_timestamp(tn_json_writer *w, int64_t us, bool is_max, bool is_zoned,
                          tn_text *scratch)
{
    const int64_t floor = tn_floor_div(us, us_per_ms);
    const bool up = is_max && floor * us_per_ms != us && (floor + 1) * us_per_ms < year_10000_us;
    const int64_t ms = up ? floor + 1 : floor;
    const int64_t days = tn_floor_div(ms, 86400000);
    const int64_t rest = ms - days * 86400000;
    const tn_civil civil = tn_civil_from_days(days);
    tn_text_clear(scratch);
    tn_text_printf(scratch, "%04lld-%02u-%02uT%02lld:%02lld:%02lld.%03lld%s", (long long)civil.year,
                   (unsigned)civil.month, (unsigned)civil.day, (long long)(rest / 3600000),
                   (long long)(rest / 60000 % 60), (long long)(rest / 1000 % 60),
                   (long long)(rest % 1000), is_zoned ? "Z" : "");
    tn_json_put_str(w, tn_text_str(scratch));
}

static void put_bound(tn_json_writer *w, const tn_value *value, bool is_max, tn_text *scratch)
{
    switch (value->type->kind) {
    case TN_KIND_VARCHAR:
        put_string(w, value->str, is_max, scratch);
        break;
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMPTZ:
        put_timestamp(w, value->i64, is_max, value->type->kind == TN_KIND_TIMESTAMPTZ, scratch);
        break;
    case TN_KIND_REAL:
    case TN_KIND_DOUBLE:
        tn_text_clear(scratch);
        if (value->f64 == 0) { /* one to SQL, two to readers that order by bits */
            tn_text_puts(scratch, is_max ? "0.0" : "-0.0");
        } else {
            tn_text_of(value, scratch);
        }
        tn_json_put_raw(w, tn_text_str(scratch));
        break;
    default:
        tn_text_clear(scratch);
        tn_text_of(value, scratch);
        if (value->type->kind == TN_KIND_DATE) {
            tn_json_put_str(w, tn_text_str(scratch));
        } else {
            tn_json_put_raw(w, tn_text_str(scratch));
        }
        break;
    }
}

static bool is_writable(const tn_column_statistics *column, const tn_type *type, bool is_max)
{
    const tn_value *value = is_max ? &column->max : &column->min;
    if (!has_bounds(type) || column->bounds == TN_UNKNOWN || value->is_null ||
        value->type == NULL) {
        return false;
    }
    if (value->type->kind == TN_KIND_TIMESTAMP || value->type->kind == TN_KIND_TIMESTAMPTZ) {
        return value->i64 < year_10000_us && value->i64 >= year_1_us;
    }
    return !tn_type_is_float(value->type) || isfinite(value->f64);
}

static void put_bounds(tn_json_writer *w, const tn_file_receipt *receipt, const tn_field *fields,
                       bool is_max, tn_text *scratch)
{
    tn_json_name(w, is_max ? "maxValues" : "minValues");
    tn_json_begin(w, '{');
    for (uint32_t i = 0; i < receipt->column_count && i < COLUMNS_MAX; i++) {
        const tn_column_statistics *column = &receipt->columns[i];
        if (is_writable(column, fields[i].type, is_max)) {
            tn_json_name_str(w, fields[i].name);
            put_bound(w, is_max ? &column->max : &column->min, is_max, scratch);
            tn_text_take_failure(w->out, scratch); /* or a bound would be a wrong one */
        }
    }
    tn_json_end(w, '}');
}

tarn_code tn_delta__put_statistics(const tn_file_receipt *receipt, const tn_field *fields,
                                   tn_text *out, tarn_error *err)
{
    tn_json_writer w = {.out = out};
    tn_text scratch;

    tn_text_init(&scratch, out->pool, 1 << 20);
    tn_json_begin(&w, '{');
    tn_json_name(&w, "numRecords");
    tn_json_put_unsigned(&w, receipt->rows);
    put_bounds(&w, receipt, fields, false, &scratch);
    put_bounds(&w, receipt, fields, true, &scratch);
    tn_json_name(&w, "nullCount");
    tn_json_begin(&w, '{');
    for (uint32_t i = 0; i < receipt->column_count && i < COLUMNS_MAX; i++) {
        if (!tn_type_is_nested(fields[i].type) && receipt->columns[i].nulls == TN_EXACT) {
            tn_json_name_str(&w, fields[i].name);
            tn_json_put_unsigned(&w, receipt->columns[i].null_count);
        }
    }
    tn_json_end(&w, '}');
    tn_json_end(&w, '}');
    const tarn_code code = tn_text_status(out, err);
    tn_text_deinit(&scratch);
    return code;
}
