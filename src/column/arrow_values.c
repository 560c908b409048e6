#include "column/arrow_values.h"

#include <math.h>

static bool is_null(const tn_arrow_values *in, uint32_t row)
{
    return in->validity != NULL && !tn_bit_get(in->validity, row);
}

static float float_of_half(uint16_t half)
{
    const unsigned exponent = half >> 10 & 31U;
    const float fraction = (float)(half & 1023U);
    const float sign = (half & 0x8000U) != 0 ? -1.0F : 1.0F;
    if (exponent == 31) {
        return fraction == 0.0F ? sign * INFINITY : NAN;
    }
    return exponent == 0 ? sign * ldexpf(fraction, -24)
                         : sign * ldexpf(1024.0F + fraction, (int)exponent - 25);
}

static void convert_halves(const tn_arrow_values *in, float *out)
{
    for (uint32_t row = 0; row < in->rows; row++) {
        uint16_t half;
        memcpy(&half, in->data + (size_t)row * 2, 2);
        out[row] = is_null(in, row) ? 0.0F : float_of_half(half);
    }
}

static TN_FALLIBLE too_large(const tn_arrow_values *in, uint32_t row, tarn_error *err)
{
    return tn_fail(err, TARN_E_INVALID, "row %u: the value does not fit %.*s", row + 1,
                   TN_STR_ARGS(in->node->type->name));
}

static int64_t integer_at(const tn_arrow_values *in, uint32_t row)
{
    int32_t narrow;
    int64_t wide;
    if (in->node->width == 8) {
        memcpy(&wide, in->data + (size_t)row * 8, 8);
        return wide;
    }
    memcpy(&narrow, in->data + (size_t)row * 4, 4);
    return narrow;
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static TN_FALLIBLE convert_scaled(const tn_arrow_values *in, void *out, tarn_error *err)
{
    const int64_t factor = in->node->factor;
    const bool is_date = in->node->type->kind == TN_KIND_DATE;
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t value = is_null(in, row) ? 0 : integer_at(in, row);
        if (factor < 0) {
            value = floor_divide(value, -factor);
        } else if (__builtin_mul_overflow(value, factor, &value)) {
            return too_large(in, row, err);
        }
        if (!is_date) {
            ((int64_t *)out)[row] = value;
        } else if (value < INT32_MIN || value > INT32_MAX) {
            return too_large(in, row, err);
        } else {
            ((int32_t *)out)[row] = (int32_t)value;
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE convert_intervals(const tn_arrow_values *in, tn_interval *out, tarn_error *err)
{
    for (uint32_t row = 0; row < in->rows; row++) {
        int32_t pair[2] = {0, 0};
        out[row] = (tn_interval){0, 0, 0};
        if (is_null(in, row)) {
            continue;
        }
        if (in->node->form == TN_ARROW_DURATION) {
            if (__builtin_mul_overflow(integer_at(in, row), in->node->factor, &out[row].nanos)) {
                return too_large(in, row, err);
            }
        } else {
            memcpy(pair, in->data + (size_t)row * in->node->width, in->node->width);
            out[row].months = in->node->form == TN_ARROW_MONTHS ? pair[0] : 0;
            out[row].days = in->node->form == TN_ARROW_MONTHS ? 0 : pair[0];
            out[row].nanos = in->node->form == TN_ARROW_MONTHS ? 0 : (int64_t)pair[1] * 1000000;
        }
    }
    return TARN_OK;
}

/* Little-endian two's complement of any of Arrow's widths, to the lane; false where it is cut. */
static bool convert_decimal(const uint8_t *from, size_t width, uint8_t *to, size_t size)
{
    const uint8_t sign = (from[width - 1] & 0x80) != 0 ? 0xff : 0;
    const size_t common = width < size ? width : size;
    memcpy(to, from, common);
    memset(to + common, sign, size - common);
    for (size_t i = size; i < width; i++) {
        if (from[i] != sign) {
            return false;
        }
    }
    return width <= size || (to[size - 1] & 0x80) == (sign & 0x80);
}

static TN_FALLIBLE convert_decimals(const tn_arrow_values *in, uint8_t *out, tarn_error *err)
{
    const size_t width = in->node->width;
    const size_t size = tn_lane_size(in->node->type->lane);
    for (uint32_t row = 0; row < in->rows; row++) {
        if (is_null(in, row)) {
            memset(out + row * size, 0, size);
        } else if (!convert_decimal(in->data + row * width, width, out + row * size, size)) {
            return too_large(in, row, err);
        }
    }
    return TARN_OK;
}

tarn_code tn_arrow__convert(const tn_arrow_values *in, void *out, tarn_error *err)
{
    switch ((int)in->node->form) {
    case TN_ARROW_HALF:
        convert_halves(in, out);
        return TARN_OK;
    case TN_ARROW_SCALED:
        return convert_scaled(in, out, err);
    case TN_ARROW_DECIMAL:
        return convert_decimals(in, out, err);
    default:
        return convert_intervals(in, out, err);
    }
}

void tn_arrow__uuid(const uint8_t *bytes, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *text++ = '-';
        }
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
}
