#include "kernel/convert.h"

#include "kernel/template.h"

#include <math.h>
#include <string.h>

/* From integers: by value in 128 bits, which the compiler narrows or folds to nothing. */
#define FITS_i8(x)       ((x) >= (tn_i128)INT8_MIN && (x) <= (tn_i128)INT8_MAX)
#define FITS_i16(x)      ((x) >= (tn_i128)INT16_MIN && (x) <= (tn_i128)INT16_MAX)
#define FITS_i32(x)      ((x) >= (tn_i128)INT32_MIN && (x) <= (tn_i128)INT32_MAX)
#define FITS_i64(x)      ((x) >= (tn_i128)INT64_MIN && (x) <= (tn_i128)INT64_MAX)
#define FITS_u8(x)       ((x) >= (tn_i128)0 && (x) <= (tn_i128)UINT8_MAX)
#define FITS_u16(x)      ((x) >= (tn_i128)0 && (x) <= (tn_i128)UINT16_MAX)
#define FITS_u32(x)      ((x) >= (tn_i128)0 && (x) <= (tn_i128)UINT32_MAX)
#define FITS_u64(x)      ((x) >= (tn_i128)0 && (x) <= (tn_i128)UINT64_MAX)
#define FITS_f32(x)      ((x) == (x))
#define FITS_f64(x)      ((x) == (x))
#define FITS_i128(x)     ((x) == (x))
#define ROUNDED(type, x) (x)

#define F    int8_t
#define LANE from_i8
#include "kernel/convert_from.inc.h"
#define F    int16_t
#define LANE from_i16
#include "kernel/convert_from.inc.h"
#define F    int32_t
#define LANE from_i32
#include "kernel/convert_from.inc.h"
#define F    int64_t
#define LANE from_i64
#include "kernel/convert_from.inc.h"
#define F    uint8_t
#define LANE from_u8
#include "kernel/convert_from.inc.h"
#define F    uint16_t
#define LANE from_u16
#include "kernel/convert_from.inc.h"
#define F    uint32_t
#define LANE from_u32
#include "kernel/convert_from.inc.h"
#define F    uint64_t
#define LANE from_u64
#include "kernel/convert_from.inc.h"
#define F    tn_i128
#define LANE from_i128
#include "kernel/convert_from.inc.h"

/* From floats: bounds that are exact in them; the upper ones are the first that do not fit, and
 * halves beside a bound round to the even integer, which is inside for the lower and outside for
 * the upper ones. */
#undef FITS_i8
#undef FITS_i16
#undef FITS_i32
#undef FITS_i64
#undef FITS_u8
#undef FITS_u16
#undef FITS_u32
#undef FITS_u64
#undef FITS_f32
#undef FITS_f64
#undef FITS_i128
#undef ROUNDED
#define FITS_i8(x)  ((double)(x) >= -128.5 && (double)(x) < 127.5)
#define FITS_i16(x) ((double)(x) >= -32768.5 && (double)(x) < 32767.5)
#define FITS_i32(x) ((double)(x) >= -2147483648.5 && (double)(x) < 2147483647.5)
#define FITS_i64(x) ((double)(x) >= -0x1p63 && (double)(x) < 0x1p63)
#define FITS_u8(x)  ((double)(x) >= -0.5 && (double)(x) < 255.5)
#define FITS_u16(x) ((double)(x) >= -0.5 && (double)(x) < 65535.5)
#define FITS_u32(x) ((double)(x) >= -0.5 && (double)(x) < 4294967295.5)
#define FITS_u64(x) ((double)(x) >= -0.5 && (double)(x) < 0x1p64)
#define FITS_f32(x)                                          \
    (!((double)(x) > (double)0x1.fffffefffffffp127) &&       \
             !((double)(x) < -(double)0x1.fffffefffffffp127) \
         ? true                                              \
         : (double)(x) - (double)(x) != 0)
#define FITS_f64(x)         true /* NaN, too */
#define FITS_i128(x)        ((double)(x) > -0x1p126 && (double)(x) < 0x1p126)
#define IS_FLOAT_TYPE(type) ((type)0.5 != 0)
#define ROUNDED(type, x)    (IS_FLOAT_TYPE(type) ? (double)(x) : rint((double)(x)))

#define F    float
#define LANE from_f32
#include "kernel/convert_from.inc.h"
#define F    double
#define LANE from_f64
#include "kernel/convert_from.inc.h"

static void plain_i256_from_i128(const void *from, size_t rows, void *to)
{
    const tn_i128 *x = from;
    tn_i256 *y = to;
    for (size_t row = 0; row < rows; row++) {
        const uint64_t sign = x[row] < 0 ? ~UINT64_C(0) : 0;
        y[row] = (tn_i256){{(uint64_t)x[row], (uint64_t)(x[row] >> 64), sign, sign}};
    }
}
static bool checked_i128_from_i256(const void *from, size_t rows, void *to, uint64_t *faults)
{
    const tn_i256 *x = from;
    tn_i128 *y = to;
    bool any = false;
    memset(faults, 0, (rows + 63) / 64 * 8);
    for (size_t row = 0; row < rows; row++) {
        const uint64_t *words = x[row].words;
        const uint64_t sign = words[1] >> 63 != 0 ? ~UINT64_C(0) : 0;
        y[row] = (tn_i128)((tn_u128)words[1] << 64 | words[0]);
        if (words[2] != sign || words[3] != sign) {
            faults[row / 64] |= UINT64_C(1) << row % 64;
            any = true;
        }
    }
    return any;
}

#define ROW_OF(kind, to_name)                                                                     \
    {                                                                                             \
        [TN_LANE_i8] = kind##_##to_name##_from_i8, [TN_LANE_i16] = kind##_##to_name##_from_i16,   \
        [TN_LANE_i32] = kind##_##to_name##_from_i32, [TN_LANE_i64] = kind##_##to_name##_from_i64, \
        [TN_LANE_u8] = kind##_##to_name##_from_u8, [TN_LANE_u16] = kind##_##to_name##_from_u16,   \
        [TN_LANE_u32] = kind##_##to_name##_from_u32, [TN_LANE_u64] = kind##_##to_name##_from_u64, \
        [TN_LANE_f32] = kind##_##to_name##_from_f32, [TN_LANE_f64] = kind##_##to_name##_from_f64, \
        [TN_LANE_i128] = kind##_##to_name##_from_i128,                                            \
    }
#define PLAIN_ROW(name, type)   [TN_LANE_##name] = ROW_OF(plain, name),
#define CHECKED_ROW(name, type) [TN_LANE_##name] = ROW_OF(checked, name),

tn_convert_fn *tn_convert_plain(tn_lane from, tn_lane to)
{
    static tn_convert_fn *const table[TN_LANE_ALL][TN_LANE_ALL] = {TN_LANES(PLAIN_ROW)
                                                                       PLAIN_ROW(i128, tn_i128)};
    if (from == TN_LANE_i128 && to == TN_LANE_i256) {
        return plain_i256_from_i128;
    }
    return table[to][from];
}

tn_convert_checked_fn *tn_convert_checked(tn_lane from, tn_lane to)
{
    static tn_convert_checked_fn *const table[TN_LANE_ALL][TN_LANE_ALL] = {
        TN_LANES(CHECKED_ROW) CHECKED_ROW(i128, tn_i128)};
    if (from == TN_LANE_i256 && to == TN_LANE_i128) {
        return checked_i128_from_i256;
    }
    return table[to][from];
}
