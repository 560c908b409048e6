/* Casts that go row by row: to and from text, and among times. */
#include "base/number.h"
#include "expr/expr_internal.h"
#include "kernel/calendar.h"
#include "kernel/operand.h"
#include "kernel/text.h"

/* ---- to text ---- */

static tarn_code to_text(tn_call *call, tarn_error *err)
{
    const tn_type *from = call->in_types[0];
    tn_text_printer *print = tn_text_printer_of(from, from->lane);
    TN_EACH (call, row) {
        char text[TN_TEXT_SCALAR_SIZE];
        const size_t size = print(from, call->in[0].values, row & call->in[0].mask, text);
        TN_RETURN_IF_ERROR(tn_call_put_str(call, row, (tn_str){text, size}, err));
    }
    return TARN_OK;
}

static tarn_code blob_to_text(tn_call *call, tarn_error *err)
{
    static const char digits[] = "0123456789abcdef";
    TN_EACH (call, row) {
        const tn_str bytes = tn_call_str(call, 0, row);
        const size_t size = 2 + 2 * bytes.size;
        char *text = NULL;
        if (size > UINT32_MAX) {
            tn_call_fault(call, row);
            continue;
        }
        TN_RETURN_IF_ERROR(tn_heap_take(call->heap, size, &text, err));
        text[0] = '\\';
        text[1] = 'x';
        for (size_t i = 0; i < bytes.size; i++) {
            text[2 + 2 * i] = digits[(uint8_t)bytes.data[i] >> 4];
            text[3 + 2 * i] = digits[(uint8_t)bytes.data[i] & 15];
        }
        TN_OUT(call, tn_view, row) = tn_view_of(text, size);
    }
    return TARN_OK;
}

static tarn_code nested_to_text(tn_call *call, tarn_error *err)
{
    enum { JSON_MAX = 1 << 30 };
    tn_text text;
    tarn_code code = TARN_OK;
    tn_text_init(&text, call->heap->pool, JSON_MAX);
    TN_EACH (call, row) {
        tn_column scratch;
        tn_value value;
        tn_text_clear(&text);
        TN_TRY(tn_call_value(call, 0, row, &scratch, &value, err));
        tn_text_of(&value, &text);
        TN_TRY(tn_text_status(&text, err));
        TN_TRY(tn_call_put_str(call, row, tn_text_str(&text), err));
    }
done:
    tn_text_deinit(&text);
    return code;
}

/* ---- from text ---- */

static tn_str trimmed(tn_str text)
{
    while (text.size > 0 &&
           (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r'))) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 &&
           (text.data[text.size - 1] == ' ' ||
            (text.data[text.size - 1] >= '\t' && text.data[text.size - 1] <= '\r'))) {
        text.size--;
    }
    return text;
}

static bool read_integer(tn_str text, const tn_type *type, void *out)
{
    int64_t value = 0;
    if (tn_text_parse_integer(text, type, &value) != NULL) {
        return false;
    }
    memcpy(out, &value, tn_lane_size(type->lane)); /* little endian */
    return true;
}

static bool read_value(tn_str text, const tn_type *type, void *out)
{
    switch (type->kind) {
    case TN_KIND_TINYINT:
    case TN_KIND_SMALLINT:
    case TN_KIND_INTEGER:
    case TN_KIND_BIGINT:
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT:
        return read_integer(text, type, out);
    case TN_KIND_REAL:
        return tn_text_parse_real(text, out) == NULL;
    case TN_KIND_DOUBLE:
        return tn_text_parse_double(text, out) == NULL;
    case TN_KIND_DATE:
        return tn_text_parse_date(text, out) == NULL;
    case TN_KIND_TIME:
        return tn_text_parse_time(text, out) == NULL;
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMPTZ:
        return tn_text_parse_timestamp(text, TN_US_PER_SECOND, out) == NULL;
    case TN_KIND_TIMESTAMP_NS:
        return tn_text_parse_timestamp(text, TN_NS_PER_SECOND, out) == NULL;
    case TN_KIND_INTERVAL:
        return tn_text_parse_interval(text, out) == NULL;
    case TN_KIND_DECIMAL:
        return (type->lane == TN_LANE_i64    ? tn_text_parse_decimal(text, type, out)
                : type->lane == TN_LANE_i128 ? tn_text_parse_decimal128(text, type, out)
                                             : tn_text_parse_decimal256(text, type, out)) == NULL;
    default:
        return false;
    }
}

static tarn_code from_text(tn_call *call, tarn_error *err)
{
    (void)err;
    const size_t size = tn_lane_size(call->type->lane);
    TN_EACH (call, row) {
        const tn_str text = trimmed(tn_call_str(call, 0, row));
        bool truth = false;
        bool fine;
        if (call->type->kind == TN_KIND_BOOLEAN) {
            fine = tn_text_parse_boolean(text, &truth) == NULL;
            tn_call_put_bool(call, row, truth);
        } else {
            char *out = (char *)call->values + row * size;
            memset(out, 0, size);
            fine = read_value(text, call->type, out);
        }
        if (!fine) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}

const char *tn_cast__why(tn_str text, const tn_type *to)
{
    return tn_type_is_nested(to) || to->kind == TN_KIND_VARCHAR ? NULL
                                                                : tn_text_why(trimmed(text), to);
}

static tarn_code text_to_blob(tn_call *call, tarn_error *err)
{
    enum { BLOB_MAX = 1 << 30 };
    tn_text bytes;
    tarn_code code = TARN_OK;
    tn_text_init(&bytes, call->heap->pool, BLOB_MAX);
    TN_EACH (call, row) {
        tn_text_clear(&bytes);
        if (tn_text_parse_blob(tn_call_str(call, 0, row), &bytes) != NULL) {
            tn_call_fault(call, row);
            TN_OUT(call, tn_view, row) = tn_view_of(NULL, 0);
            continue;
        }
        TN_TRY(tn_text_status(&bytes, err));
        TN_TRY(tn_call_put_str(call, row, tn_text_str(&bytes), err));
    }
done:
    tn_text_deinit(&bytes);
    return code;
}

/* ---- [] and [NULL] ---- */

/* Lists of nothing but NULLs as lists of another type. */
static tarn_code empty_list(tn_call *call, tarn_error *err)
{
    tn_column *elements = NULL;
    const tn_value null = tn_value_null(call->type->fields[0].type);
    uint32_t most = 1;
    TN_EACH (call, row) {
        const tn_list list = TN_IN(call, 0, tn_list, row);
        TN_OUT(call, tn_list, row) = list;
        most = list.offset + list.length > most ? list.offset + list.length : most;
    }
    TN_RETURN_IF_ERROR(tn_arena_new(call->arena, tn_column, &elements, err));
    TN_RETURN_IF_ERROR(tn_value_column(&null, most, call->arena, elements, err));
    call->children = elements;
    return TARN_OK;
}

/* ---- times, one by one ---- */

/* Nanoseconds a unit of the type's values: DATE counts days. */
static int64_t unit_of(const tn_type *type)
{
    return type->kind == TN_KIND_DATE           ? TN_NS_PER_DAY
           : type->kind == TN_KIND_TIMESTAMP_NS ? 1
                                                : 1000;
}

/* From one of DATE, TIMESTAMP and TIMESTAMP_NS to another; false where it does not fit,
 * or, if `exact`, would lose what is behind the coarser unit. */
static bool convert_time(int64_t value, const tn_type *from, const tn_type *to, bool exact,
                         int64_t *out)
{
    const int64_t from_unit = unit_of(from);
    const int64_t to_unit = unit_of(to);
    if (to_unit < from_unit) {
        return !__builtin_mul_overflow(value, from_unit / to_unit, out);
    }
    const int64_t step = to_unit / from_unit;
    *out = tn_floor_div(value, step);
    return (to->kind != TN_KIND_DATE || *out == (int32_t)*out) && !(exact && value % step != 0);
}

/* ---- the elements of lists ---- */

/* The element as the text of its type; `text` is room for what is printed. */
static TN_FALLIBLE element_text(tn_call *call, const tn_column *at, uint32_t row, char *text,
                                tn_str *out, tarn_error *err)
{
    tn_value value;
    TN_RETURN_IF_ERROR(tn_value_of(at, row, call->arena, &value, err));
    if (at->type->kind == TN_KIND_VARCHAR) {
        *out = trimmed(value.str);
    } else if (at->encoding == TN_SEQUENCE) {
        *out = (tn_str){text, tn_print_i64(text, value.i64)};
    } else {
        const tn_lane lane = (tn_lane)at->lane;
        *out = (tn_str){text, tn_text_printer_of(at->type, lane)(at->type, at->values, row, text)};
    }
    return TARN_OK;
}

/* An element that is a time, to another kind of time. */
static TN_FALLIBLE cast_time_element(tn_call *call, const tn_column *from, uint32_t row,
                                     const tn_type *type, bool exact, char *out, bool *fine,
                                     tarn_error *err)
{
    tn_value value;
    int64_t converted;
    TN_RETURN_IF_ERROR(tn_value_of(from, row, call->arena, &value, err));
    *fine = convert_time(value.i64, from->type, type, exact, &converted);
    if (type->lane == TN_LANE_i32) {
        const int32_t days = (int32_t)converted;
        memcpy(out, &days, sizeof(days));
    } else {
        memcpy(out, &converted, sizeof(converted));
    }
    return TARN_OK;
}

/* One element, if it is not there yet: several rows may have it. */
static TN_FALLIBLE cast_element(tn_call *call, const tn_column *from, uint32_t at, bool exact,
                                char *values, uint64_t *validity, bool *fine, tarn_error *err)
{
    const tn_type *type = call->type->fields[0].type;
    char room[TN_TEXT_SCALAR_SIZE];
    uint32_t row = at;
    tn_str text;
    const tn_column *located = tn_bit_get(validity, at) ? NULL : tn_column_locate(from, &row);
    if (located == NULL) {
        return TARN_OK;
    }
    char *out = values + at * tn_lane_size(type->lane);
    if (tn_cast__is_local_time(located->type) && tn_cast__is_local_time(type)) {
        bool fits;
        TN_RETURN_IF_ERROR(cast_time_element(call, located, row, type, exact, out, &fits, err));
        if (fits) {
            tn_bit_set(validity, at);
        }
        *fine = *fine && fits;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(element_text(call, located, row, room, &text, err));
    if (type->kind == TN_KIND_VARCHAR) {
        TN_RETURN_IF_ERROR(tn_arena_copy(call->arena, text, &text, err));
        const tn_view view = tn_view_of(text.data, text.size);
        memcpy(out, &view, sizeof(view));
    } else if (!read_value(text, type, out)) {
        *fine = false;
        return TARN_OK;
    }
    tn_bit_set(validity, at);
    return TARN_OK;
}

/* The heads stay as they are; a list with an element that cannot be cast faults. */
static TN_FALLIBLE cast_lists(tn_call *call, bool exact, tarn_error *err)
{
    const tn_column *from = call->in[0].column->children;
    const tn_type *type = call->type->fields[0].type;
    tn_column *elements = NULL;
    char *values = NULL;
    uint64_t *validity = NULL;
    uint32_t most = 1;
    TN_EACH (call, row) {
        const tn_list list = TN_IN(call, 0, tn_list, row);
        most = list.offset + list.length > most ? list.offset + list.length : most;
    }
    const size_t words = ((size_t)most + 63) / 64;
    TN_RETURN_IF_ERROR(tn_arena_new(call->arena, tn_column, &elements, err));
    TN_RETURN_IF_ERROR(
        tn_arena_alloc(call->arena, most * tn_lane_size(type->lane), (void **)&values, err));
    TN_RETURN_IF_ERROR(tn_arena_array(call->arena, uint64_t, words, &validity, err));
    memset(values, 0, most * tn_lane_size(type->lane));
    memset(validity, 0, words * sizeof(*validity));
    TN_EACH (call, row) {
        const tn_list list = TN_IN(call, 0, tn_list, row);
        bool fine = true;
        for (uint32_t i = 0; i < list.length; i++) {
            TN_RETURN_IF_ERROR(
                cast_element(call, from, list.offset + i, exact, values, validity, &fine, err));
        }
        TN_OUT(call, tn_list, row) = list;
        if (!fine) {
            tn_call_fault(call, row);
        }
    }
    *elements = (tn_column){.type = type,
                            .lane = (uint8_t)type->lane,
                            .encoding = TN_FLAT,
                            .rows = most,
                            .values = values,
                            .validity = validity};
    call->children = elements;
    return TARN_OK;
}

static tarn_code list_to_list(tn_call *call, tarn_error *err)
{
    return cast_lists(call, false, err);
}

static tarn_code list_to_list_exactly(tn_call *call, tarn_error *err)
{
    return cast_lists(call, true, err);
}

/* ---- times ---- */

static int64_t read_time(const tn_call *call, uint32_t row)
{
    return call->in_types[0]->lane == TN_LANE_i32 ? TN_IN(call, 0, int32_t, row)
                                                  : TN_IN(call, 0, int64_t, row);
}

static tarn_code cast_time(tn_call *call, tarn_error *err)
{
    (void)err;
    const tn_type *to = call->type;
    const int64_t from_unit = unit_of(call->in_types[0]);
    const int64_t to_unit = unit_of(to);
    TN_EACH (call, row) {
        const int64_t value = read_time(call, row);
        if (to->kind == TN_KIND_INTERVAL) {
            TN_OUT(call, tn_interval, row) = (tn_interval){0, 0, value * 1000};
        } else if (to->kind == TN_KIND_TIME) {
            const int64_t day = TN_NS_PER_DAY / from_unit;
            TN_OUT(call, int64_t, row) = tn_floor_mod(value, day) * from_unit / 1000;
        } else if (to->kind == TN_KIND_DATE) {
            const int64_t days = tn_floor_div(value, to_unit / from_unit);
            TN_OUT(call, int32_t, row) = (int32_t)days;
            if (days != (int32_t)days) {
                tn_call_fault(call, row);
            }
        } else if (to_unit >= from_unit) {
            TN_OUT(call, int64_t, row) = tn_floor_div(value, to_unit / from_unit);
        } else if (__builtin_mul_overflow(value, from_unit / to_unit,
                                          &TN_OUT(call, int64_t, row))) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}

/* To a coarser unit, where nothing is left over. */
static tarn_code cast_time_exactly(tn_call *call, tarn_error *err)
{
    const int64_t step = unit_of(call->type) / unit_of(call->in_types[0]);
    TN_RETURN_IF_ERROR(cast_time(call, err));
    TN_EACH (call, row) {
        if (step > 1 && read_time(call, row) % step != 0) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}

const tn_kernel tn_cast__to_text = {.run = to_text};
const tn_kernel tn_cast__blob_to_text = {.run = blob_to_text, .can_fail = true};
const tn_kernel tn_cast__nested_to_text = {.run = nested_to_text};
const tn_kernel tn_cast__from_text = {.run = from_text, .can_fail = true};
const tn_kernel tn_cast__text_to_blob = {.run = text_to_blob, .can_fail = true};
const tn_kernel tn_cast__empty_list = {.run = empty_list};
const tn_kernel tn_cast__list = {.run = list_to_list, .can_fail = true};
const tn_kernel tn_cast__time = {.run = cast_time, .can_fail = true};
const tn_kernel tn_cast__list_exact = {.run = list_to_list_exactly, .can_fail = true};
const tn_kernel tn_cast__time_exact = {.run = cast_time_exactly, .can_fail = true};
