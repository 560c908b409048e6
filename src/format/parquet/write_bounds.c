/* Bounds of values as they are written.  NaN is in none, and counted; zero is widened to both of
 * its signs; strings keep their first bytes, and an upper bound that was cut is rounded up. */
#include "format/parquet/write_internal.h"

#include "base/utf8.h"
#include "kernel/arithmetic.h"

#include <math.h>

static void see_i64(const int64_t *restrict values, size_t count, tn_out_bounds *bounds)
{
    int64_t least;
    int64_t most;
    tn_range_i64(values, count, &least, &most);
    bounds->i64[0] = bounds->any && bounds->i64[0] < least ? bounds->i64[0] : least;
    bounds->i64[1] = bounds->any && bounds->i64[1] > most ? bounds->i64[1] : most;
    bounds->any = true;
}

static void see_u64(const uint64_t *restrict values, size_t count, tn_out_bounds *bounds)
{
    uint64_t least = bounds->any ? bounds->u64[0] : values[0];
    uint64_t most = bounds->any ? bounds->u64[1] : values[0];
    for (size_t i = 0; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    bounds->u64[0] = least;
    bounds->u64[1] = most;
    bounds->any = true;
}

static void see_float(double value, tn_out_bounds *bounds)
{
    if (isnan(value)) {
        bounds->nan_count++;
        return;
    }
    bounds->f64[0] = !bounds->any || value < bounds->f64[0] ? value : bounds->f64[0];
    bounds->f64[1] = !bounds->any || value > bounds->f64[1] ? value : bounds->f64[1];
    bounds->any = true;
}

/* Several at once: as see_float() one after the other, but for the sign of a zero. */
static void see_doubles(const double *restrict values, size_t count, tn_out_bounds *bounds)
{
    double least[8];
    double most[8];
    uint64_t nans[8] = {0};
    size_t i = 0;
    for (size_t j = 0; j < 8; j++) {
        least[j] = bounds->any ? bounds->f64[0] : (double)INFINITY;
        most[j] = bounds->any ? bounds->f64[1] : -(double)INFINITY;
    }
    for (; i + 8 <= count; i += 8) {
        for (size_t j = 0; j < 8; j++) {
            const double value = values[i + j];
            least[j] = value < least[j] ? value : least[j];
            most[j] = value > most[j] ? value : most[j];
            nans[j] += value != value;
        }
    }
    uint64_t all_nans = 0;
    for (size_t j = 0; j < 8; j++) {
        all_nans += nans[j];
        least[0] = least[j] < least[0] ? least[j] : least[0];
        most[0] = most[j] > most[0] ? most[j] : most[0];
    }
    bounds->nan_count += all_nans;
    if (i > all_nans) {
        bounds->f64[0] = least[0];
        bounds->f64[1] = most[0];
        bounds->any = true;
    }
    for (; i < count; i++) {
        see_float(values[i], bounds);
    }
}

static void see_bits(const uint64_t *bits, size_t count, tn_out_bounds *bounds)
{
    const size_t ones = tn_bitmap_count(bits, count);
    const int64_t least = ones == count;
    const int64_t most = ones > 0;
    bounds->i64[0] = bounds->any && bounds->i64[0] < least ? bounds->i64[0] : least;
    bounds->i64[1] = bounds->any && bounds->i64[1] > most ? bounds->i64[1] : most;
    bounds->any = true;
}

static int compare_i256(const tn_i256 *a, const tn_i256 *b)
{
    const int64_t a_top = (int64_t)a->words[3];
    const int64_t b_top = (int64_t)b->words[3];
    if (a_top != b_top) {
        return a_top < b_top ? -1 : 1;
    }
    for (size_t i = 3; i-- > 0;) {
        if (a->words[i] != b->words[i]) {
            return a->words[i] < b->words[i] ? -1 : 1;
        }
    }
    return 0;
}

static void see_wide(tn_lane lane, const void *values, size_t count, tn_out_bounds *bounds)
{
    for (size_t i = 0; i < count; i++) {
        if (lane == TN_LANE_i128) {
            const tn_i128 value = ((const tn_i128 *)values)[i];
            bounds->i128[0] = !bounds->any || value < bounds->i128[0] ? value : bounds->i128[0];
            bounds->i128[1] = !bounds->any || value > bounds->i128[1] ? value : bounds->i128[1];
        } else {
            const tn_i256 *const value = &((const tn_i256 *)values)[i];
            if (!bounds->any || compare_i256(value, &bounds->i256[0]) < 0) {
                bounds->i256[0] = *value;
            }
            if (!bounds->any || compare_i256(value, &bounds->i256[1]) > 0) {
                bounds->i256[1] = *value;
            }
        }
        bounds->any = true;
    }
}

/* ---- strings --------------------------------------------------------------------------------- */

static uint64_t first_8(const char *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size < 8 ? size : 8);
    return __builtin_bswap64(word);
}

static void keep(const char *data, size_t size, int upper, tn_out_bounds *bounds)
{
    const size_t some = size < TN_OUT_BOUND_MAX ? size : TN_OUT_BOUND_MAX;
    memcpy(bounds->bytes[upper], data, some);
    if (upper == 0) {
        bounds->min_size = (uint8_t)some;
        bounds->min_cut = size > some;
    } else {
        bounds->max_size = (uint8_t)some;
        bounds->max_cut = size > some;
    }
}

/* Is the value beyond the bound?  What begins as a bound that was cut is covered by it. */
static bool beyond(const char *data, size_t size, int upper, const tn_out_bounds *bounds)
{
    const size_t have = upper == 0 ? bounds->min_size : bounds->max_size;
    const bool cut = upper == 0 ? bounds->min_cut : bounds->max_cut;
    const int order = memcmp(data, bounds->bytes[upper], size < have ? size : have);
    if (order != 0) {
        return upper == 0 ? order < 0 : order > 0;
    }
    return upper == 0 ? size < have : size > have && !cut;
}

static void see_views(const tn_view *views, size_t count, tn_out_bounds *bounds)
{
    if (!bounds->any) {
        keep(tn_view_data(&views[0]), views[0].size, 0, bounds);
        keep(tn_view_data(&views[0]), views[0].size, 1, bounds);
        bounds->any = true;
    }
    uint64_t least = first_8(bounds->bytes[0], bounds->min_size);
    uint64_t most = first_8(bounds->bytes[1], bounds->max_size);
    for (size_t i = 0; i < count; i++) {
        uint32_t head; /* the first four bytes are in the view, and settle most */
        memcpy(&head, (const char *)&views[i] + 4, 4);
        head = __builtin_bswap32(head);
        if (head > least >> 32 && head < most >> 32) {
            continue;
        }
        const char *const data = tn_view_data(&views[i]);
        const size_t size = views[i].size;
        uint64_t word;
        memcpy(&word, data, 8); /* short ones lie in the view, padded by zeros */
        word = __builtin_bswap64(word);
        const bool is_least = word == least && size <= 8 && size == bounds->min_size;
        const bool is_most = word == most && size <= 8 && size == bounds->max_size;
        if (word <= least && !is_least && beyond(data, size, 0, bounds)) {
            keep(data, size, 0, bounds);
            least = first_8(bounds->bytes[0], bounds->min_size);
        }
        if (word >= most && !is_most && beyond(data, size, 1, bounds)) {
            keep(data, size, 1, bounds);
            most = first_8(bounds->bytes[1], bounds->max_size);
        }
    }
}

void tn_out__see(const tn_out_leaf *leaf, const void *values, size_t count, tn_out_bounds *bounds)
{
    if (count == 0) {
        return;
    }
    switch (leaf->kind) {
    case TN_OUT_INT:
        see_i64(values, count, bounds);
        break;
    case TN_OUT_UINT:
        see_u64(values, count, bounds);
        break;
    case TN_OUT_FLOAT:
        if (leaf->lane == TN_LANE_f64) {
            see_doubles(values, count, bounds);
            break;
        }
        for (size_t i = 0; i < count; i++) {
            see_float((double)((const float *)values)[i], bounds);
        }
        break;
    case TN_OUT_BOOL:
        see_bits(values, count, bounds);
        break;
    case TN_OUT_VIEW:
        see_views(values, count, bounds);
        break;
    case TN_OUT_WIDE:
        see_wide(leaf->lane, values, count, bounds);
        break;
    case TN_OUT_INTERVAL:
    case TN_OUT_NULL:
        break;
    }
}

void tn_out__merge(const tn_out_leaf *leaf, tn_out_bounds *all, const tn_out_bounds *one)
{
    all->nan_count += one->nan_count;
    if (!one->any) {
        return;
    }
    if (!all->any) {
        const uint64_t nans = all->nan_count;
        *all = *one;
        all->nan_count = nans;
        return;
    }
    switch (leaf->kind) {
    case TN_OUT_INT:
    case TN_OUT_BOOL:
        see_i64(one->i64, 2, all);
        break;
    case TN_OUT_UINT:
        see_u64(one->u64, 2, all);
        break;
    case TN_OUT_FLOAT:
        see_float(one->f64[0], all);
        see_float(one->f64[1], all);
        break;
    case TN_OUT_WIDE:
        see_wide(leaf->lane, leaf->lane == TN_LANE_i128 ? (const void *)one->i128 : one->i256, 2,
                 all);
        break;
    case TN_OUT_VIEW:
        if (beyond(one->bytes[0], one->min_size, 0, all)) {
            memcpy(all->bytes[0], one->bytes[0], one->min_size);
            all->min_size = one->min_size;
            all->min_cut = one->min_cut;
        }
        if (beyond(one->bytes[1], one->max_size, 1, all) ||
            (one->max_cut && one->max_size == all->max_size &&
             memcmp(one->bytes[1], all->bytes[1], one->max_size) == 0)) {
            memcpy(all->bytes[1], one->bytes[1], one->max_size);
            all->max_size = one->max_size;
            all->max_cut = one->max_cut;
        }
        break;
    case TN_OUT_INTERVAL:
    case TN_OUT_NULL:
        break;
    }
}

/* ---- as the file stores them ----------------------------------------------------------------- */

/* Bytes at the front that are whole characters. */
static size_t whole_text(const char *bytes, size_t size)
{
    size_t end = size;
    while (end > 0 && size - end < TN_UTF8_MAX && ((unsigned char)bytes[end - 1] & 0xc0) == 0x80) {
        end--;
    }
    if (end == 0 || (unsigned char)bytes[end - 1] < 0x80) {
        return size;
    }
    const unsigned char lead = (unsigned char)bytes[end - 1];
    const size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return size - (end - 1) < wanted ? end - 1 : size;
}

/* The next string of this length or shorter above all that begin so; 0 where there is none. */
static size_t round_up(char *bytes, size_t size, bool is_text)
{
    if (!is_text) {
        while (size > 0 && (unsigned char)bytes[size - 1] == 0xff) {
            size--;
        }
        if (size > 0) {
            bytes[size - 1]++;
        }
        return size;
    }
    size = whole_text(bytes, size);
    while (size > 0) {
        size_t start = size - 1;
        while (start > 0 && ((unsigned char)bytes[start] & 0xc0) == 0x80) {
            start--;
        }
        char next[TN_UTF8_MAX];
        size_t at = 0;
        uint32_t point = tn_utf8_next(bytes + start, size - start, &at) + 1;
        point = point == 0xd800 ? 0xe000 : point;
        if (point <= 0x10ffff && tn_utf8_encode(point, next) == size - start) {
            memcpy(bytes + start, next, size - start);
            return size;
        }
        size = start;
    }
    return 0;
}

static tn_str view_bound(const tn_out_bounds *bounds, int upper, char *room, bool is_text,
                         bool *exact)
{
    size_t size = upper == 0 ? bounds->min_size : bounds->max_size;

    memcpy(room, bounds->bytes[upper], size);
    if (upper == 0 ? bounds->min_cut : bounds->max_cut) {
        *exact = false;
        if (upper == 0) {
            size = is_text ? whole_text(room, size) : size;
        } else if ((size = round_up(room, size, is_text)) == 0) {
            return TN_STR_NONE;
        }
    }
    return (tn_str){room, size};
}

tn_str tn_out__bound(const tn_out_leaf *leaf, const tn_out_bounds *bounds, int upper,
                     char room[TN_OUT_BOUND_MAX], bool *exact)
{
    *exact = true;
    if (!bounds->any) {
        return TN_STR_NONE;
    }
    switch (leaf->kind) {
    case TN_OUT_INT:
    case TN_OUT_UINT:
        memcpy(room, &bounds->i64[upper], leaf->size);
        return (tn_str){room, leaf->size};
    case TN_OUT_BOOL:
        room[0] = (char)bounds->i64[upper];
        return (tn_str){room, 1};
    case TN_OUT_FLOAT: {
        double value = bounds->f64[upper];
        if (value == 0) {
            value = upper == 0 ? -0.0 : 0.0;
        }
        const float narrow = (float)value;
        memcpy(room, leaf->size == 4 ? (const void *)&narrow : &value, leaf->size);
        return (tn_str){room, leaf->size};
    }
    case TN_OUT_WIDE: {
        const uint8_t *const bytes = leaf->lane == TN_LANE_i128
                                         ? (const uint8_t *)&bounds->i128[upper]
                                         : (const uint8_t *)&bounds->i256[upper];
        for (size_t i = 0; i < leaf->size; i++) {
            room[i] = (char)bytes[leaf->size - 1 - i];
        }
        return (tn_str){room, leaf->size};
    }
    case TN_OUT_VIEW:

        return view_bound(bounds, upper, room, leaf->is_text, exact);
    case TN_OUT_INTERVAL:
    case TN_OUT_NULL:
        break;
    }
    return TN_STR_NONE;
}
