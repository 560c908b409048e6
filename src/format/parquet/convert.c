/* Physical values of fixed width to the lanes of their types. */
#include "format/parquet/leaf_internal.h"

#include <math.h>

void tn_convert__choose(const tn_element *element, const tn_type *type, tn_conversion *out,
                        tn_lane *lane)
{
    const tn_physical physical = element->physical;
    *lane = type->lane;
    *out = TN_CONVERT_COPY;
    if (type->kind == TN_KIND_DECIMAL) {
        if (physical == TN_PHYSICAL_INT32 || physical == TN_PHYSICAL_INT64) {
            *lane = physical == TN_PHYSICAL_INT32 ? TN_LANE_i32 : TN_LANE_i64; /* a narrow lane */
        } else {
            *out = TN_CONVERT_DECIMAL;
        }
    } else if (physical == TN_PHYSICAL_BOOLEAN) {
        *out = TN_CONVERT_BOOL;
    } else if (physical == TN_PHYSICAL_INT96) {
        *out = type == TN_TIMESTAMP_NS ? TN_CONVERT_INT96_NANOS : TN_CONVERT_INT96;
    } else if (type->kind == TN_KIND_REAL && physical == TN_PHYSICAL_FIXED) {
        *out = TN_CONVERT_FLOAT16;
    } else if (type->kind == TN_KIND_INTERVAL) {
        *out = TN_CONVERT_INTERVAL;
    } else if (type->lane == TN_LANE_view) {
        *out = element->logical == TN_LOGICAL_UUID && type == TN_VARCHAR ? TN_CONVERT_UUID
                                                                         : TN_CONVERT_VIEW;
    } else if (tn_lane_size(type->lane) < 4) {
        *out = TN_CONVERT_NARROW;
    } else if (type->kind == TN_KIND_TIME || tn_type_is_timestamp(type)) {
        if (element->unit == TN_UNIT_MILLIS) {
            *out = physical == TN_PHYSICAL_INT32 ? TN_CONVERT_MILLIS_32 : TN_CONVERT_MILLIS_64;
        } else if (element->unit == TN_UNIT_NANOS && type != TN_TIMESTAMP_NS) {
            *out = TN_CONVERT_NANOS;
        } else if (type->kind == TN_KIND_TIME && physical == TN_PHYSICAL_INT64) {
            *out = TN_CONVERT_TIME;
        }
    }
}

static tarn_code beyond(const char *what, tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "%s is beyond the range of its type", what);
}

void tn_convert__hint(const tn_leaf_reader *reader, const char *type, const char *what,
                      tarn_error *err)
{
    const tn_str name = reader->element->name;
    const int size = (int)(name.size < 64 ? name.size : 64);
    if (tn_str_equal(reader->leaf->path, name)) {
        tn_hint(err, "types => {'%.*s': '%s'} takes %s; in a pipeline, columns = { %.*s = \"%s\" }",
                size, name.data, type, what, size, name.data, type);
    } else {
        tn_hint(err, "whoever wrote the file did not keep to its schema: read its other columns");
    }
}

static uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static int32_t load_i32(const uint8_t *at)
{
    int32_t value;
    memcpy(&value, at, 4);
    return value;
}

static TN_FALLIBLE millis(const uint8_t *from, size_t count, int64_t *to, tarn_error *err)
{
    bool overflow = false;
    for (size_t i = 0; i < count; i++) {
        overflow |= __builtin_mul_overflow((int64_t)load64(from + 8 * i), 1000, &to[i]);
    }
    return overflow ? beyond("a time in milliseconds", err) : TARN_OK;
}

/* Times brought to UTC from other zones without care lie before or behind the day: they wrap. */
static int64_t of_day(int64_t micros)
{
    const int64_t day = INT64_C(86400000000);
    if (micros >= 0 && micros <= day) {
        return micros;
    }
    const int64_t rest = micros % day;
    return rest < 0 ? rest + day : rest;
}

/* Microseconds, in place; others that lie outside of the day are no times of it. */
static TN_FALLIBLE times_of_day(const tn_leaf_reader *reader, int64_t *values, size_t count,
                                tarn_error *err)
{
    uint64_t most = 0; /* negative ones are large */
    for (size_t i = 0; i < count; i++) {
        const uint64_t value = (uint64_t)values[i];
        most = value > most ? value : most;
    }
    if (most <= UINT64_C(86400000000)) {
        return TARN_OK;
    }
    if (!reader->element->is_utc) {
        (void)tn_fail(err, TARN_E_UNSUPPORTED, "a time of day is beyond the range of its type");
        if (reader->element->physical == TN_PHYSICAL_INT64) {
            tn_convert__hint(reader, "BIGINT", "what is there", err);
        }
        return TARN_E_UNSUPPORTED;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = of_day(values[i]);
    }
    return TARN_OK;
}

static TN_FALLIBLE too_fine(const tn_leaf_reader *reader, tarn_error *err)
{
    const bool time = reader->leaf->type->kind == TN_KIND_TIME;
    (void)tn_fail(err, TARN_E_UNSUPPORTED, "a value has nanoseconds, which %.*s would lose",
                  TN_STR_ARGS(reader->leaf->type->name));
    tn_convert__hint(reader, time ? "BIGINT" : "TIMESTAMP_NS",
                     time ? "it as nanoseconds of the day" : "all its digits, in UTC", err);
    return TARN_E_UNSUPPORTED;
}

static TN_FALLIBLE nanos(const tn_leaf_reader *reader, const uint8_t *from, size_t count,
                         int64_t *to, tarn_error *err)
{
    int64_t rest = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t value = (int64_t)load64(from + 8 * i);
        to[i] = value / 1000;
        rest |= value % 1000;
    }
    return rest != 0 ? too_fine(reader, err) : TARN_OK;
}

/* Nanoseconds of the day, then the Julian day. */
static TN_FALLIBLE int96(const tn_leaf_reader *reader, const uint8_t *from, size_t count,
                         int64_t *to, tarn_error *err)
{
    enum { EPOCH_DAY = 2440588 };
    const int64_t unit = reader->conversion == TN_CONVERT_INT96 ? 1000 : 1; /* nanoseconds */
    bool overflow = false;
    int64_t rest = 0;
    for (size_t i = 0; i < count; i++, from += 12) {
        const int64_t time = (int64_t)load64(from);
        const int64_t day = (int64_t)load_i32(from + 8) - EPOCH_DAY;
        int64_t start;
        rest |= time % unit;
        overflow |= __builtin_mul_overflow(day, INT64_C(86400000000000) / unit, &start);
        overflow |= __builtin_add_overflow(start, time / unit, &to[i]);
    }
    return overflow    ? beyond("an INT96 timestamp", err)
           : rest != 0 ? too_fine(reader, err)
                       : TARN_OK;
}

static float half_to_float(const uint8_t *at)
{
    const unsigned half = (unsigned)at[0] | (unsigned)at[1] << 8;
    const unsigned exponent = half >> 10 & 31;
    const float fraction = (float)(half & 1023);
    const float sign = (half & 0x8000) != 0 ? -1.0f : 1.0f;
    if (exponent == 31) {
        return fraction != 0 ? NAN : sign * INFINITY;
    }
    return sign *
           (exponent == 0 ? ldexpf(fraction, -24) : ldexpf(fraction + 1024.0f, (int)exponent - 25));
}

static TN_FALLIBLE narrow(const tn_leaf_reader *reader, const uint8_t *from, size_t count,
                          size_t size, void *to, tarn_error *err)
{
    const tn_kind kind = reader->leaf->type->kind;
    const uint32_t low = kind == TN_KIND_TINYINT ? 128 : kind == TN_KIND_SMALLINT ? 32768 : 0;
    uint32_t high = 0; /* of values from 0 up, in bits that must be none */
    for (size_t i = 0; i < count; i++) {
        high |= (uint32_t)load_i32(from + 4 * i) + low;
    }
    if (high >> (8 * size) != 0) {
        (void)tn_fail(err, TARN_E_UNSUPPORTED, "a value is beyond the range of its type %.*s",
                      TN_STR_ARGS(reader->leaf->type->name));
        tn_convert__hint(reader, "INTEGER", "what is there", err);
        return TARN_E_UNSUPPORTED;
    }
    uint8_t *const bytes = to;
    uint16_t *const words = to;
    if (size == 1) {
        for (size_t i = 0; i < count; i++) {
            bytes[i] = from[4 * i];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            memcpy(&words[i], from + 4 * i, 2);
        }
    }
    return TARN_OK;
}

static void intervals(const uint8_t *from, size_t count, tn_interval *to)
{
    for (size_t i = 0; i < count; i++, from += 12) {
        uint32_t millis_of;
        memcpy(&millis_of, from + 8, 4);
        to[i] = (tn_interval){load_i32(from), load_i32(from + 4), (int64_t)millis_of * 1000000};
    }
}

TN_FALLIBLE tn_convert__decimal(const uint8_t *from, size_t size, tn_lane lane, void *to,
                                tarn_error *err)
{
    const size_t width = tn_lane_size(lane);
    const uint8_t sign = size > 0 && (from[0] & 0x80) != 0 ? 0xff : 0;
    uint8_t bytes[32];
    memset(bytes, sign, sizeof(bytes));
    while (size > width) { /* bytes that only repeat the sign */
        if (*from != sign) {
            return beyond("a decimal", err);
        }
        from++;
        size--;
    }
    if (size == width && size > 0 && ((from[0] ^ sign) & 0x80) != 0) {
        return beyond("a decimal", err);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[size - 1 - i] = from[i];
    }
    memcpy(to, bytes, width);
    return TARN_OK;
}

/* Decimals of up to 8 bytes in a lane of 8: one load and a shift.  Reads 8 bytes each. */
static void short_decimals(const uint8_t *from, size_t count, size_t size, int64_t *to)
{
    const unsigned shift = (unsigned)(64 - 8 * size);
    for (size_t i = 0; i < count; i++) {
        to[i] = (int64_t)__builtin_bswap64(load64(from + i * size)) >> shift;
    }
}

static TN_FALLIBLE decimals(const uint8_t *from, size_t count, size_t size, tn_lane lane, void *to,
                            tarn_error *err)
{
    if (lane == TN_LANE_i64 && size >= 1 && size <= 8) {
        short_decimals(from, count, size, to);
        return TARN_OK;
    }
    const size_t width = tn_lane_size(lane);
    for (size_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(
            tn_convert__decimal(from + i * size, size, lane, (uint8_t *)to + i * width, err));
    }
    return TARN_OK;
}

/* Text of 36 letters each; the room was made by the caller. */
static void uuids(const uint8_t *from, size_t count, char *text, tn_view *to)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++, from += 16, text += 36) {
        size_t at = 0;
        for (size_t k = 0; k < 16; k++) {
            if (k == 4 || k == 6 || k == 8 || k == 10) {
                text[at++] = '-';
            }
            text[at++] = digits[from[k] >> 4];
            text[at++] = digits[from[k] & 15];
        }
        to[i] = tn_view_of(text, 36);
    }
}

/* Room for text that does not move while views point to it: an outgrown one is kept. */
static TN_FALLIBLE text_room(tn_leaf_reader *reader, size_t size, char **out, tarn_error *err)
{
    if (reader->text_at + size > reader->text.size) {
        if (reader->text.data != NULL) {
            TN_RETURN_IF_ERROR(tn_vec_push(&reader->kept_rooms, reader->text, err));
            reader->text = (tn_room){0};
        }
        reader->text_at = 0;
        TN_RETURN_IF_ERROR(tn_room__grow(reader->pool, &reader->text, size * 2, 0, err));
    }
    *out = (char *)reader->text.data + reader->text_at;
    reader->text_at += size;
    return TARN_OK;
}

TN_FALLIBLE tn_convert__fixed(tn_leaf_reader *reader, const uint8_t *from, size_t count, void *to,
                              tarn_error *err)
{
    const size_t size = reader->physical_size;
    int64_t *const wide = to;
    switch (reader->conversion) {
    case TN_CONVERT_COPY:
        memcpy(to, from, count * size);
        return TARN_OK;
    case TN_CONVERT_NARROW:
        return narrow(reader, from, count, reader->lane_size, to, err);
    case TN_CONVERT_MILLIS_32:
        for (size_t i = 0; i < count; i++) {
            wide[i] = (int64_t)load_i32(from + 4 * i) * 1000;
        }
        return times_of_day(reader, wide, count, err);
    case TN_CONVERT_MILLIS_64:
        return millis(from, count, to, err);
    case TN_CONVERT_NANOS:
        TN_RETURN_IF_ERROR(nanos(reader, from, count, wide, err));
        return reader->leaf->type->kind == TN_KIND_TIME ? times_of_day(reader, wide, count, err)
                                                        : TARN_OK;
    case TN_CONVERT_TIME:
        memcpy(to, from, count * size);
        return times_of_day(reader, wide, count, err);
    case TN_CONVERT_INT96:
    case TN_CONVERT_INT96_NANOS:
        return int96(reader, from, count, to, err);
    case TN_CONVERT_DECIMAL:
        return decimals(from, count, size, reader->lane, to, err);
    case TN_CONVERT_FLOAT16:
        for (size_t i = 0; i < count; i++) {
            ((float *)to)[i] = half_to_float(from + 2 * i);
        }
        return TARN_OK;
    case TN_CONVERT_INTERVAL:
        intervals(from, count, to);
        return TARN_OK;
    case TN_CONVERT_UUID: {
        char *text;
        TN_RETURN_IF_ERROR(text_room(reader, count * 36, &text, err));
        uuids(from, count, text, to);
        return TARN_OK;
    }
    case TN_CONVERT_VIEW:
        for (size_t i = 0; i < count; i++) {
            ((tn_view *)to)[i] = tn_convert__view(from + i * size, size);
        }
        return TARN_OK;
    case TN_CONVERT_BOOL:
        break;
    }
    return tn_fail(err, TARN_E_INTERNAL, "a boolean is no value of fixed width");
}
