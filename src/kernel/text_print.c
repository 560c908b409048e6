/* Scalars to text. */
#include "base/number.h"
#include "kernel/calendar.h"
#include "kernel/text_internal.h"

#include <assert.h>

size_t tn_text__print_padded(char *out, uint64_t value, size_t digits)
{
    if (value >= tn_powers_of_ten[digits]) {
        return tn_print_u64(out, value);
    }
    for (size_t i = digits; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return digits;
}

static inline void put_two(char *out, unsigned value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

/* ---- numbers ----------------------------------------------------------------------------------
 */

#define PRINT_INTEGER(lane, T, wide, print)                                                    \
    static size_t print_##lane(const tn_type *type, const void *values, size_t row, char *out) \
    {                                                                                          \
        (void)type;                                                                            \
        return print(out, (wide)((const T *)values)[row]);                                     \
    }
PRINT_INTEGER(i8, int8_t, int64_t, tn_print_i64)
PRINT_INTEGER(i16, int16_t, int64_t, tn_print_i64)
PRINT_INTEGER(i32, int32_t, int64_t, tn_print_i64)
PRINT_INTEGER(i64, int64_t, int64_t, tn_print_i64)
PRINT_INTEGER(u8, uint8_t, uint64_t, tn_print_u64)
PRINT_INTEGER(u16, uint16_t, uint64_t, tn_print_u64)
PRINT_INTEGER(u32, uint32_t, uint64_t, tn_print_u64)
PRINT_INTEGER(u64, uint64_t, uint64_t, tn_print_u64)
PRINT_INTEGER(i128, tn_i128, tn_i128, tn_print_i128)
PRINT_INTEGER(f32, float, float, tn_print_f32)
PRINT_INTEGER(f64, double, double, tn_print_f64)

static size_t print_bool(const tn_type *type, const void *values, size_t row, char *out)
{
    (void)type;
    const bool value = tn_bit_get(values, row);
    memcpy(out, value ? "true" : "false", value ? 4 : 5);
    return value ? 4 : 5;
}

/* Digits with a point before the last `scale` of them; at least one digit before it. */
static size_t place_point(char *out, const char *digits, size_t count, size_t scale)
{
    size_t at = 0;
    if (scale == 0) {
        memcpy(out, digits, count);
        return count;
    }
    if (count <= scale) {
        out[at++] = '0';
        out[at++] = '.';
        memset(out + at, '0', scale - count);
        at += scale - count;
        memcpy(out + at, digits, count);
        return at + count;
    }
    memcpy(out, digits, count - scale);
    at = count - scale;
    out[at++] = '.';
    memcpy(out + at, digits + count - scale, scale);
    return at + scale;
}

static size_t print_decimal(uint64_t magnitude, bool negative, size_t scale, char *out)
{
    out[0] = '-';
    char *at = out + negative;
    if (scale == 0) {
        return tn_print_u64(at, magnitude) + negative;
    }
    if (scale < 20) {
        at += tn_print_u64(at, magnitude / tn_powers_of_ten[scale]);
        *at++ = '.';
        at += tn_text__print_padded(at, magnitude % tn_powers_of_ten[scale], scale);
        return (size_t)(at - out);
    }
    char digits[TN_NUMBER_SIZE];
    return place_point(at, digits, tn_print_u64(digits, magnitude), scale) + negative;
}

#define PRINT_DECIMAL(lane, T)                                                              \
    static size_t print_decimal_##lane(const tn_type *type, const void *values, size_t row, \
                                       char *out)                                           \
    {                                                                                       \
        const int64_t value = ((const T *)values)[row];                                     \
        return print_decimal(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0,  \
                             type->scale, out);                                             \
    }
PRINT_DECIMAL(i8, int8_t)
PRINT_DECIMAL(i16, int16_t)
PRINT_DECIMAL(i32, int32_t)
PRINT_DECIMAL(i64, int64_t)

#define PRINT_UNSIGNED(lane, T)                                                             \
    static size_t print_decimal_##lane(const tn_type *type, const void *values, size_t row, \
                                       char *out)                                           \
    {                                                                                       \
        return print_decimal(((const T *)values)[row], false, type->scale, out);            \
    }
PRINT_UNSIGNED(u8, uint8_t)
PRINT_UNSIGNED(u16, uint16_t)
PRINT_UNSIGNED(u32, uint32_t)
PRINT_UNSIGNED(u64, uint64_t)

static size_t print_decimal_i128(const tn_type *type, const void *values, size_t row, char *out)
{
    char digits[TN_NUMBER_SIZE];
    const tn_i128 value = ((const tn_i128 *)values)[row];
    if (value >= INT64_MIN && value <= INT64_MAX) {
        const int64_t small = (int64_t)value;
        return print_decimal(small < 0 ? 0 - (uint64_t)small : (uint64_t)small, small < 0,
                             type->scale, out);
    }
    const size_t negative = value < 0;
    const size_t count = tn_print_i128(digits, value);
    out[0] = '-';
    return place_point(out + negative, digits + negative, count - negative, type->scale) + negative;
}

size_t tn_text__digits_of_i256(const tn_i256 *value, char *out, bool *negative)
{
    uint64_t words[4];
    char reversed[80];
    size_t count = 0;
    memcpy(words, value->words, sizeof(words));
    *negative = words[3] >> 63;
    if (*negative) { /* two's complement */
        uint64_t carry = 1;
        for (int i = 0; i < 4; i++) {
            words[i] = ~words[i] + carry;
            carry = carry != 0 && words[i] == 0;
        }
    }
    do {
        tn_u128 rest = 0;
        for (int i = 3; i >= 0; i--) {
            rest = rest << 64 | words[i];
            words[i] = (uint64_t)(rest / 10);
            rest %= 10;
        }
        reversed[count++] = (char)('0' + (int)rest);
    } while ((words[0] | words[1] | words[2] | words[3]) != 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = reversed[count - 1 - i];
    }
    return count;
}

static size_t print_decimal_i256(const tn_type *type, const void *values, size_t row, char *out)
{
    char digits[80];
    bool negative;
    const size_t count =
        tn_text__digits_of_i256(&((const tn_i256 *)values)[row], digits, &negative);
    out[0] = '-';
    return place_point(out + negative, digits, count, type->scale) + negative;
}

/* ---- dates and times --------------------------------------------------------------------------
 */

/* The year counts from 1; years before it are written with " BC" behind the whole. */
static size_t print_day(int64_t days, char *out, bool *before_christ)
{
    const tn_civil civil = tn_civil_from_days(days);
    *before_christ = civil.year < 1;
    size_t at =
        tn_text__print_padded(out, (uint64_t)(civil.year < 1 ? 1 - civil.year : civil.year), 4);
    out[at] = '-';
    put_two(out + at + 1, civil.month);
    out[at + 3] = '-';
    put_two(out + at + 4, civil.day);
    return at + 6;
}

static size_t print_era(char *out, bool before_christ)
{
    memcpy(out, " BC", 3);
    return before_christ ? 3 : 0;
}

static size_t print_fraction(char *out, uint64_t fraction, size_t digits)
{
    if (fraction == 0) {
        return 0;
    }
    while (fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    out[0] = '.';
    return 1 + tn_text__print_padded(out + 1, fraction, digits);
}

/* A time of day, or longer, in parts of a second. */
static size_t print_clock(char *out, uint64_t parts, uint64_t unit, size_t digits)
{
    const uint64_t seconds = parts / unit;
    size_t at = tn_text__print_padded(out, seconds / 3600, 2);
    out[at] = ':';
    put_two(out + at + 1, (unsigned)(seconds / 60 % 60));
    out[at + 3] = ':';
    put_two(out + at + 4, (unsigned)(seconds % 60));
    at += 6;
    return at + print_fraction(out + at, parts % unit, digits);
}

static size_t print_date(const tn_type *type, const void *values, size_t row, char *out)
{
    bool before_christ;
    (void)type;
    const size_t at = print_day(((const int32_t *)values)[row], out, &before_christ);
    return at + print_era(out + at, before_christ);
}

static size_t print_time(const tn_type *type, const void *values, size_t row, char *out)
{
    (void)type;
    return print_clock(out, (uint64_t)((const int64_t *)values)[row], TN_US_PER_SECOND, 6);
}

static size_t print_timestamp(const tn_type *type, const void *values, size_t row, char *out)
{
    const bool nanos = type->kind == TN_KIND_TIMESTAMP_NS;
    const int64_t unit = nanos ? TN_NS_PER_SECOND : TN_US_PER_SECOND;
    const int64_t value = ((const int64_t *)values)[row];
    bool before_christ;
    size_t at = print_day(tn_floor_div(value, 86400 * unit), out, &before_christ);
    out[at++] = ' ';
    at += print_clock(out + at, (uint64_t)tn_floor_mod(value, 86400 * unit), (uint64_t)unit,
                      nanos ? 9 : 6);
    if (type->kind == TN_KIND_TIMESTAMPTZ) {
        memcpy(out + at, "+00", 3);
        at += 3;
    }
    return at + print_era(out + at, before_christ);
}

static size_t print_part(char *out, size_t at, int64_t value, const char *unit, bool *negative)
{
    if (value == 0) {
        return at;
    }
    if (at > 0) {
        out[at++] = ' ';
    }
    if (*negative && value > 0) {
        out[at++] = '+';
    }
    at += tn_print_i64(out + at, value);
    out[at++] = ' ';
    const size_t size = strlen(unit);
    memcpy(out + at, unit, size);
    at += size;
    if (value != 1) {
        out[at++] = 's';
    }
    *negative = value < 0;
    return at;
}

static size_t print_interval(const tn_type *type, const void *values, size_t row, char *out)
{
    const tn_interval value = ((const tn_interval *)values)[row];
    bool negative = false;
    (void)type;
    size_t at = print_part(out, 0, value.months / 12, "year", &negative);
    at = print_part(out, at, value.months % 12, "mon", &negative);
    at = print_part(out, at, value.days, "day", &negative);
    if (at > 0 && value.nanos == 0) {
        return at;
    }
    if (at > 0) {
        out[at++] = ' ';
    }
    if (value.nanos < 0) {
        out[at++] = '-';
    } else if (negative) {
        out[at++] = '+';
    }
    const uint64_t nanos = value.nanos < 0 ? 0 - (uint64_t)value.nanos : (uint64_t)value.nanos;
    return at + print_clock(out + at, nanos, (uint64_t)TN_NS_PER_SECOND, 9);
}

static size_t print_nothing(const tn_type *type, const void *values, size_t row, char *out)
{
    (void)type;
    (void)values;
    (void)row;
    (void)out;
    return 0;
}

/* ---- the choice -------------------------------------------------------------------------------
 */

static tn_text_printer *printer_of_lane(tn_lane lane)
{
    static tn_text_printer *const printers[TN_LANE_ALL] = {
        [TN_LANE_i8] = print_i8,
        [TN_LANE_i16] = print_i16,
        [TN_LANE_i32] = print_i32,
        [TN_LANE_i64] = print_i64,
        [TN_LANE_u8] = print_u8,
        [TN_LANE_u16] = print_u16,
        [TN_LANE_u32] = print_u32,
        [TN_LANE_u64] = print_u64,
        [TN_LANE_f32] = print_f32,
        [TN_LANE_f64] = print_f64,
        [TN_LANE_bool] = print_bool,
        [TN_LANE_i128] = print_i128,
        [TN_LANE_interval] = print_interval,
        [TN_LANE_none] = print_nothing,
    };
    return printers[lane];
}

static tn_text_printer *printer_of_decimal(tn_lane lane)
{
    static tn_text_printer *const printers[TN_LANE_ALL] = {
        [TN_LANE_i8] = print_decimal_i8,     [TN_LANE_i16] = print_decimal_i16,
        [TN_LANE_i32] = print_decimal_i32,   [TN_LANE_i64] = print_decimal_i64,
        [TN_LANE_u8] = print_decimal_u8,     [TN_LANE_u16] = print_decimal_u16,
        [TN_LANE_u32] = print_decimal_u32,   [TN_LANE_u64] = print_decimal_u64,
        [TN_LANE_i128] = print_decimal_i128, [TN_LANE_i256] = print_decimal_i256,
    };
    return printers[lane];
}

/* Dates and times in a lane narrower than their own are widened first. */
static size_t print_narrow(const tn_type *type, int64_t value, char *out)
{
    const int32_t days = (int32_t)value;
    return type->kind == TN_KIND_DATE   ? print_date(type, &days, 0, out)
           : type->kind == TN_KIND_TIME ? print_time(type, &value, 0, out)
                                        : print_timestamp(type, &value, 0, out);
}

#define PRINT_NARROW(lane, T)                                                              \
    static size_t print_narrow_##lane(const tn_type *type, const void *values, size_t row, \
                                      char *out)                                           \
    {                                                                                      \
        return print_narrow(type, ((const T *)values)[row], out);                          \
    }
PRINT_NARROW(i8, int8_t)
PRINT_NARROW(i16, int16_t)
PRINT_NARROW(i32, int32_t)
PRINT_NARROW(u8, uint8_t)
PRINT_NARROW(u16, uint16_t)
PRINT_NARROW(u32, uint32_t)

static tn_text_printer *printer_of_time(const tn_type *type, tn_lane lane)
{
    static tn_text_printer *const printers[TN_LANE_ALL] = {
        [TN_LANE_i8] = print_narrow_i8,   [TN_LANE_i16] = print_narrow_i16,
        [TN_LANE_i32] = print_narrow_i32, [TN_LANE_u8] = print_narrow_u8,
        [TN_LANE_u16] = print_narrow_u16, [TN_LANE_u32] = print_narrow_u32,
    };
    if (lane != type->lane) {
        return printers[lane];
    }
    return type->kind == TN_KIND_DATE   ? print_date
           : type->kind == TN_KIND_TIME ? print_time
                                        : print_timestamp;
}

tn_text_printer *tn_text_printer_of(const tn_type *type, tn_lane lane)
{
    if (type->kind == TN_KIND_DECIMAL) {
        return printer_of_decimal(lane);
    }
    if (type->kind >= TN_KIND_DATE && type->kind <= TN_KIND_TIMESTAMPTZ) {
        return printer_of_time(type, lane);
    }
    return tn_type_is_nested(type) ? NULL : printer_of_lane(lane);
}

size_t tn_text_print_rows(const tn_type *type, tn_lane lane, const void *values,
                          const uint64_t *validity, size_t from, size_t rows, tn_view *out,
                          char *heap, size_t heap_size, size_t *heap_used)
{
    tn_text_printer *print = tn_text_printer_of(type, lane);
    size_t used = *heap_used;
    size_t row = from;

    assert(print != NULL);
    for (; row < rows && heap_size - used >= TN_TEXT_SCALAR_SIZE; row++) {
        if (validity != NULL && !tn_bit_get(validity, row)) {
            out[row] = tn_view_of(NULL, 0);
            continue;
        }
        const size_t size = print(type, values, row, heap + used);
        out[row] = tn_view_of(heap + used, size);
        used += size > TN_VIEW_INLINE ? size : 0; /* short ones need no heap */
    }
    *heap_used = used;
    return row;
}
