/* The other scalars from text, and the choice among all. */
#include "base/number.h"
#include "base/utf8.h"
#include "kernel/calendar.h"
#include "kernel/text_internal.h"

#include <assert.h>
#include <stdio.h>

tn_reason tn_text_parse_boolean(tn_str text, bool *out)
{
    static const char *const names[] = {"true", "false", "t",  "f",   "yes", "no",
                                        "y",    "n",     "on", "off", "1",   "0"};
    text = tn_text__trim(text);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tn_str_equal_fold(text, tn_str_of(names[i]))) {
            *out = i % 2 == 0;
            return NULL;
        }
    }
    return "a boolean is true or false";
}

static tn_reason reason_of(tn_parsed parsed, tn_reason nothing)
{
    return parsed == TN_PARSED           ? NULL
           : parsed == TN_PARSED_NOTHING ? nothing
                                         : "it does not fit the type";
}

tn_reason tn_text_parse_integer(tn_str text, const tn_type *type, int64_t *out)
{
    text = tn_text__trim(text);
    if (type->kind >= TN_KIND_UTINYINT) {
        uint64_t value = 0;
        const tn_parsed parsed = tn_parse_u64(text.data, text.size, &value);
        const unsigned bits = (unsigned)tn_lane_size(type->lane) * 8;
        *out = (int64_t)value;
        return parsed == TN_PARSED && value >> (bits - 1) > 1
                   ? "it does not fit the type"
                   : reason_of(parsed, "it is no whole number");
    }
    const tn_parsed parsed = tn_parse_i64(text.data, text.size, out);
    if (parsed != TN_PARSED) {
        return reason_of(parsed, "it is no whole number");
    }
    const unsigned bits = (unsigned)tn_lane_size(type->lane) * 8;
    const int64_t most = (int64_t)(UINT64_MAX >> (65 - bits));
    return *out > most || *out < -most - 1 ? "it does not fit the type" : NULL;
}

tn_reason tn_text_parse_double(tn_str text, double *out)
{
    text = tn_text__trim(text);
    return reason_of(tn_parse_f64(text.data, text.size, out), "it is no number");
}

tn_reason tn_text_parse_real(tn_str text, float *out)
{
    text = tn_text__trim(text);
    return reason_of(tn_parse_f32(text.data, text.size, out), "it is no number");
}

tn_reason tn_text_parse_blob(tn_str text, tn_text *out)
{
    if (text.size < 2 || text.data[0] != '\\' || tn_ascii_lower(text.data[1]) != 'x') {
        if (tn_str_find(text, '\\') != SIZE_MAX) {
            return "binary looks like \\x6162";
        }
        tn_text_append(out, text);
        return NULL;
    }
    for (size_t at = 2; at < text.size; at += 2) {
        if (text.size - at < 2) {
            return "a byte needs two hexadecimal digits";
        }
        if (text.data[at] == '\\' && tn_ascii_lower(text.data[at + 1]) == 'x') {
            continue;
        }
        const int high = tn_hex_digit(text.data[at]);
        const int low = tn_hex_digit(text.data[at + 1]);
        if (high < 0 || low < 0) {
            return "a byte needs two hexadecimal digits";
        }
        tn_text_putc(out, (char)(high << 4 | low));
    }
    return NULL;
}

/* ---- any type ---------------------------------------------------------------------------------
 */

static tn_reason parse_decimal(tn_str text, const tn_type *type, tn_value *out)
{
    switch (type->lane) {
    case TN_LANE_i128:
        return tn_text_parse_decimal128(text, type, &out->i128);
    case TN_LANE_i256:
        return tn_text_parse_decimal256(text, type, &out->i256);
    default:
        return tn_text_parse_decimal(text, type, &out->i64);
    }
}

/* Everything that needs no memory. */
static tn_reason parse_scalar(tn_str text, const tn_type *type, tn_value *out)
{
    tn_reason why;
    int32_t days = 0;
    float real = 0;
    switch (type->kind) {
    case TN_KIND_BOOLEAN:
        return tn_text_parse_boolean(text, &out->boolean);
    case TN_KIND_TINYINT:
    case TN_KIND_SMALLINT:
    case TN_KIND_INTEGER:
    case TN_KIND_BIGINT:
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT:
        return tn_text_parse_integer(text, type, &out->i64);
    case TN_KIND_REAL:
        why = tn_text_parse_real(text, &real);
        out->f64 = (double)real;
        return why;
    case TN_KIND_DOUBLE:
        return tn_text_parse_double(text, &out->f64);
    case TN_KIND_DATE:
        why = tn_text_parse_date(text, &days);
        out->i64 = days;
        return why;
    case TN_KIND_TIME:
        return tn_text_parse_time(text, &out->i64);
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMPTZ:
        return tn_text_parse_timestamp(text, TN_US_PER_SECOND, &out->i64);
    case TN_KIND_TIMESTAMP_NS:
        return tn_text_parse_timestamp(text, TN_NS_PER_SECOND, &out->i64);
    case TN_KIND_INTERVAL:
        return tn_text_parse_interval(text, &out->interval);
    case TN_KIND_DECIMAL:
        return parse_decimal(text, type, out);
    case TN_KIND_VARCHAR:
        out->str = text;
        return NULL;
    case TN_KIND_NULL:
    case TN_KIND_BLOB:
    case TN_KIND_LIST:
    case TN_KIND_STRUCT:
    case TN_KIND_MAP:
    case TN_KIND_COUNT:
        break;
    }
    return "text is not read as this type";
}

tarn_code tn_text_fail(tn_str text, const tn_type *type, tn_reason why, tarn_error *err)
{
    enum { SHOWN = 80 };
    size_t shown = text.size;
    if (shown > SHOWN) { /* not in the middle of a letter */
        for (shown = SHOWN; shown > SHOWN - 4 && (text.data[shown] & 0xc0) == 0x80; shown--) {
        }
    }
    const char *more = shown < text.size ? "…" : "";
    if (type == NULL) {
        return tn_fail(err, TARN_E_INVALID, "'%.*s%s': %s", (int)shown, text.data, more, why);
    }
    const char *article = strchr("AEIOU", type->name.data[0]) != NULL ? "an" : "a";
    return tn_fail(err, TARN_E_INVALID, "'%.*s%s' is not %s %.*s: %s", (int)shown, text.data, more,
                   article, TN_STR_ARGS(type->name), why);
}

static tarn_code parse_blob(tn_str text, const tn_type *type, tn_arena *arena, tn_value *out,
                            tarn_error *err)
{
    tn_text bytes;
    tn_text_init(&bytes, arena->pool, SIZE_MAX / 8);
    const tn_reason why = tn_text_parse_blob(text, &bytes);
    tarn_code code = why != NULL ? tn_text_fail(text, type, why, err) : tn_text_status(&bytes, err);
    if (code == TARN_OK) {
        code = tn_arena_copy(arena, tn_text_str(&bytes), &out->str, err);
    }
    tn_text_deinit(&bytes);
    return code;
}

tarn_code tn_text_parse(tn_str text, const tn_type *type, tn_arena *arena, tn_value *out,
                        tarn_error *err)
{
    *out = (tn_value){.type = type};
    if (type->kind == TN_KIND_BLOB) {
        return parse_blob(text, type, arena, out, err);
    }
    const tn_reason why = parse_scalar(text, type, out);
    return why == NULL ? TARN_OK : tn_text_fail(text, type, why, err);
}

tn_reason tn_text_why(tn_str text, const tn_type *type)
{
    tn_value value;
    return parse_scalar(text, type, &value);
}

/* ---- a column at a time -----------------------------------------------------------------------
 */

/* The reader is a constant at each call, so that each loop calls, or holds, only its own. */
#define EACH_ROW(T, zero, read)                                  \
    do {                                                         \
        T *into = out;                                           \
        for (size_t row = 0; row < rows; row++) {                \
            T value = zero;                                      \
            const tn_str text = tn_view_str(&views[row]);        \
            if (validity == NULL || tn_bit_get(validity, row)) { \
                if ((read) != NULL) {                            \
                    tn_bit_set(faults, row);                     \
                    any = true;                                  \
                    value = zero;                                \
                }                                                \
            }                                                    \
            into[row] = value;                                   \
        }                                                        \
    } while (0)

static inline tn_reason parse_narrow(tn_str text, const tn_type *type, void *out, size_t size)
{
    int64_t wide = 0;
    const tn_reason why = tn_text_parse_integer(text, type, &wide);
    memcpy(out, &wide, size); /* little-endian: the low bytes */
    return why;
}

static bool parse_bits(const tn_view *views, const uint64_t *validity, size_t rows, uint64_t *out,
                       uint64_t *faults)
{
    bool any = false;
    memset(out, 0, tn_bitmap_words(rows) * 8);
    for (size_t row = 0; row < rows; row++) {
        bool value = false;
        if (validity != NULL && !tn_bit_get(validity, row)) {
            continue;
        }
        if (tn_text_parse_boolean(tn_view_str(&views[row]), &value) != NULL) {
            tn_bit_set(faults, row);
            any = true;
        } else if (value) {
            tn_bit_set(out, row);
        }
    }
    return any;
}

bool tn_text_parse_rows(const tn_type *type, const tn_view *views, const uint64_t *validity,
                        size_t rows, void *out, uint64_t *faults)
{
    static const tn_interval none = {0, 0, 0};
    static const tn_i256 zero = {{0, 0, 0, 0}};
    bool any = false;
    const int64_t unit = type->kind == TN_KIND_TIMESTAMP_NS ? TN_NS_PER_SECOND : TN_US_PER_SECOND;

    memset(faults, 0, tn_bitmap_words(rows) * 8);
    if (type->kind == TN_KIND_BOOLEAN) {
        return parse_bits(views, validity, rows, out, faults);
    }
    if (tn_type_is_integer(type)) {
        switch (tn_lane_size(type->lane)) {
        case 1:
            EACH_ROW(uint8_t, 0, parse_narrow(text, type, &value, 1));
            break;
        case 2:
            EACH_ROW(uint16_t, 0, parse_narrow(text, type, &value, 2));
            break;
        case 4:
            EACH_ROW(uint32_t, 0, parse_narrow(text, type, &value, 4));
            break;
        default:
            EACH_ROW(int64_t, 0, tn_text_parse_integer(text, type, &value));
            break;
        }
    } else if (type->kind == TN_KIND_DECIMAL) {
        switch (type->lane) {
        case TN_LANE_i128:
            EACH_ROW(tn_i128, 0, tn_text_parse_decimal128(text, type, &value));
            break;
        case TN_LANE_i256:
            EACH_ROW(tn_i256, zero, tn_text_parse_decimal256(text, type, &value));
            break;
        default:
            EACH_ROW(int64_t, 0, tn_text_parse_decimal(text, type, &value));
            break;
        }
    } else if (type->kind == TN_KIND_DOUBLE) {
        EACH_ROW(double, 0, tn_text_parse_double(text, &value));
    } else if (type->kind == TN_KIND_REAL) {
        EACH_ROW(float, 0, tn_text_parse_real(text, &value));
    } else if (type->kind == TN_KIND_DATE) {
        EACH_ROW(int32_t, 0, tn_text_parse_date(text, &value));
    } else if (type->kind == TN_KIND_TIME) {
        EACH_ROW(int64_t, 0, tn_text_parse_time(text, &value));
    } else if (tn_type_is_timestamp(type)) {
        EACH_ROW(int64_t, 0, tn_text_parse_timestamp(text, unit, &value));
    } else {
        assert(type->kind == TN_KIND_INTERVAL);
        EACH_ROW(tn_interval, none, tn_text_parse_interval(text, &value));
    }
    return any;
}
