/* Dates, times and timestamps from text. */
#include "kernel/calendar.h"
#include "kernel/text_internal.h"

/* At most `digits_max` digits from *at; false where there is none, or one more. */
static bool parse_digits(tn_str text, size_t *at, size_t digits_max, unsigned *out)
{
    const size_t start = *at;
    unsigned value = 0;
    while (*at < text.size && tn_text__is_digit(text.data[*at]) && *at - start <= digits_max) {
        value = value * 10 + (unsigned)(text.data[*at] - '0');
        (*at)++;
    }
    *out = value;
    return *at > start && *at - start <= digits_max;
}

static bool take(tn_str text, size_t *at, char c)
{
    if (*at < text.size && text.data[*at] == c) {
        (*at)++;
        return true;
    }
    return false;
}

static inline bool two_digits(const char *p, unsigned *out)
{
    const unsigned high = (unsigned)(unsigned char)p[0] - '0';
    const unsigned low = (unsigned)(unsigned char)p[1] - '0';
    *out = high * 10 + low;
    return (high <= 9) & (low <= 9);
}

/* YYYY-MM-DD, as nearly all dates are written. */
static inline bool plain_day(const char *p, int64_t *out)
{
    unsigned part[4];
    const bool digits = two_digits(p, &part[0]) & two_digits(p + 2, &part[1]) &
                        two_digits(p + 5, &part[2]) & two_digits(p + 8, &part[3]);
    if (!digits || p[4] != '-' || p[7] != '-') {
        return false;
    }
    const int64_t year = part[0] * 100 + part[1];
    if (part[2] - 1 > 11 || part[3] - 1 > tn_days_in_month(year, part[2]) - 1) {
        return false;
    }
    *out = tn_days_from_civil(year, part[2], part[3]);
    return true;
}

/* YYYY-MM-DD HH:MM:SS, or with a T, perhaps with a Z behind; in seconds. */
static bool plain_timestamp(tn_str text, int64_t *out)
{
    unsigned part[3];
    int64_t day;
    const char *p = text.data;
    if ((text.size != 19 && (text.size != 20 || p[19] != 'Z')) || (p[10] != ' ' && p[10] != 'T') ||
        p[13] != ':' || p[16] != ':' || !plain_day(p, &day) || !two_digits(p + 11, &part[0]) ||
        !two_digits(p + 14, &part[1]) || !two_digits(p + 17, &part[2]) || part[0] > 23 ||
        part[1] > 59 || part[2] > 59) {
        return false;
    }
    *out = day * 86400 + part[0] * 3600 + part[1] * 60 + part[2];
    return true;
}

static bool ends_before_christ(tn_str *text)
{
    const tn_str era =
        text->size < 3 ? TN_STR_NONE : tn_str_slice(*text, text->size - 3, text->size);
    if (!tn_str_equal_fold(era, TN_STR(" BC"))) {
        return false;
    }
    text->size -= 3;
    return true;
}

/* YYYY-M-D from *at. */
static tn_reason parse_day(tn_str text, size_t *at, bool before_christ, int64_t *out)
{
    unsigned year;
    unsigned month;
    unsigned day;
    const size_t start = *at;
    if (!parse_digits(text, at, 7, &year) || *at - start < 4) {
        return "a date looks like 2026-01-31";
    }
    const char separator = take(text, at, '/') ? '/' : '-';
    if ((separator == '-' && !take(text, at, '-')) || !parse_digits(text, at, 2, &month) ||
        !take(text, at, separator) || !parse_digits(text, at, 2, &day)) {
        return "a date looks like 2026-01-31";
    }
    if (month < 1 || month > 12) {
        return "there is no such month";
    }
    const int64_t civil = before_christ ? 1 - (int64_t)year : (int64_t)year;
    if (day < 1 || day > tn_days_in_month(civil, month) || (before_christ && year == 0)) {
        return "there is no such day";
    }
    *out = tn_days_from_civil(civil, month, day);
    return NULL;
}

tn_reason tn_text__parse_clock(tn_str text, size_t *at, int64_t hours_max, int64_t *out)
{
    unsigned hours;
    unsigned minutes;
    unsigned seconds = 0;
    int64_t nanos = 0;
    if (!parse_digits(text, at, hours_max > 99 ? 8 : 2, &hours) || !take(text, at, ':') ||
        !parse_digits(text, at, 2, &minutes)) {
        return "a time looks like 13:05:00";
    }
    if (take(text, at, ':')) {
        if (!parse_digits(text, at, 2, &seconds)) {
            return "a time looks like 13:05:00";
        }
        if (take(text, at, '.') || take(text, at, ',')) {
            const size_t start = *at;
            int64_t unit = TN_NS_PER_SECOND / 10;
            for (; *at < text.size && tn_text__is_digit(text.data[*at]); (*at)++) {
                const int64_t digit = text.data[*at] - '0';
                nanos += unit > 0 ? digit * unit : (*at - start == 9 && digit >= 5);
                unit /= 10;
            }
            if (*at == start) {
                return "a time looks like 13:05:00.25";
            }
        }
    }
    if (minutes > 59 || seconds > 59 || hours > hours_max ||
        (hours_max == 24 && hours == 24 && (minutes | seconds) != 0)) {
        return "there is no such time of day";
    }
    *out = ((int64_t)hours * 3600 + (int64_t)minutes * 60 + (int64_t)seconds) * TN_NS_PER_SECOND +
           nanos;
    return NULL;
}

/* Nothing, "Z", " UTC", "+02", "+0230", "+02:30", "-02:30:15"; in seconds. */
static tn_reason parse_zone(tn_str text, size_t *at, int64_t *out)
{
    unsigned hours;
    unsigned minutes = 0;
    unsigned seconds = 0;
    *out = 0;
    if (*at == text.size) {
        return NULL;
    }
    const tn_str rest = tn_str_slice(text, *at, text.size);
    if (tn_str_equal_fold(rest, TN_STR("Z")) || tn_str_equal_fold(rest, TN_STR(" UTC")) ||
        tn_str_equal_fold(rest, TN_STR("UTC")) || tn_str_equal_fold(rest, TN_STR(" Z"))) {
        *at = text.size;
        return NULL;
    }
    (void)take(text, at, ' ');
    const bool negative = take(text, at, '-');
    const size_t start = *at + !negative;
    if ((!negative && !take(text, at, '+')) || !parse_digits(text, at, 4, &hours)) {
        return "a zone looks like Z or +02:00";
    }
    if (*at - start > 2) {
        minutes = hours % 100;
        hours /= 100;
    } else if (take(text, at, ':') && !parse_digits(text, at, 2, &minutes)) {
        return "a zone looks like Z or +02:00";
    } else if (take(text, at, ':') && !parse_digits(text, at, 2, &seconds)) {
        return "a zone looks like Z or +02:00";
    }
    if (hours > 15 || minutes > 59 || seconds > 59) {
        return "there is no such zone";
    }
    const int64_t offset = (int64_t)hours * 3600 + (int64_t)minutes * 60 + (int64_t)seconds;
    *out = negative ? -offset : offset;
    return NULL;
}

/* Day, time of day in nanoseconds (0 where there is none), seconds east of UTC. */
static tn_reason parse_parts(tn_str text, int64_t *day, int64_t *nanos, int64_t *zone)
{
    size_t at = 0;
    text = tn_text__trim(text);
    const bool before_christ = ends_before_christ(&text);
    *nanos = *zone = 0;
    tn_reason why = parse_day(text, &at, before_christ, day);
    if (why != NULL || at == text.size) {
        return why;
    }
    if (text.data[at] == 'T' || text.data[at] == 't' || text.data[at] == ' ') {
        at++;
        why = tn_text__parse_clock(text, &at, 24, nanos);
        why = why == NULL ? parse_zone(text, &at, zone) : why;
    }
    return why != NULL ? why : at < text.size ? "something follows the date" : NULL;
}

tn_reason tn_text_parse_date(tn_str text, int32_t *out)
{
    int64_t day;
    int64_t nanos;
    int64_t zone;
    if (text.size == 10 && plain_day(text.data, &day)) {
        *out = (int32_t)day;
        return NULL;
    }
    const tn_reason why = parse_parts(text, &day, &nanos, &zone);
    if (why == NULL) {
        if (day < INT32_MIN || day > INT32_MAX) {
            return "no DATE reaches so far";
        }
        *out = (int32_t)day;
    }
    return why;
}

tn_reason tn_text_parse_time(tn_str text, int64_t *out)
{
    size_t at = 0;
    int64_t nanos;
    text = tn_text__trim(text);
    const tn_reason why = tn_text__parse_clock(text, &at, 24, &nanos);
    if (why != NULL) {
        return why;
    }
    *out = (nanos + 500) / 1000;
    return at < text.size ? "something follows the time" : NULL;
}

tn_reason tn_text_parse_timestamp(tn_str text, int64_t unit, int64_t *out)
{
    int64_t day;
    int64_t nanos;
    int64_t zone;
    int64_t value;
    if (plain_timestamp(text, &value)) {
        return __builtin_mul_overflow(value, unit, out) ? "no timestamp reaches so far" : NULL;
    }
    const tn_reason why = parse_parts(text, &day, &nanos, &zone);
    if (why != NULL) {
        return why;
    }
    const int64_t per_part = TN_NS_PER_SECOND / unit;
    const int64_t parts = (nanos + per_part / 2) / per_part - zone * unit;
    if (__builtin_mul_overflow(day, 86400 * unit, &value) ||
        __builtin_add_overflow(value, parts, &value)) {
        return "no timestamp reaches so far";
    }
    *out = value;
    return NULL;
}

bool tn_text_has_zone(tn_str text)
{
    for (size_t i = tn_str_find(text, ':'); i < text.size; i++) {
        if (strchr("+-Uu", text.data[i]) != NULL || text.data[i] == 'Z' || text.data[i] == 'z') {
            return true;
        }
    }
    return false;
}
