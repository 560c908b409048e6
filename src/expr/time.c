#include "expr/time_internal.h"

#include <math.h>

static const struct {
    const char *name;
    tn_time_part part;
} part_names[] = {
    {"millennium", TN_PART_MILLENNIUM},
    {"millennia", TN_PART_MILLENNIUM},
    {"century", TN_PART_CENTURY},
    {"centuries", TN_PART_CENTURY},
    {"decade", TN_PART_DECADE},
    {"year", TN_PART_YEAR},
    {"y", TN_PART_YEAR},
    {"yr", TN_PART_YEAR},
    {"quarter", TN_PART_QUARTER},
    {"month", TN_PART_MONTH},
    {"mon", TN_PART_MONTH},
    {"week", TN_PART_WEEK},
    {"w", TN_PART_WEEK},
    {"day", TN_PART_DAY},
    {"d", TN_PART_DAY},
    {"hour", TN_PART_HOUR},
    {"h", TN_PART_HOUR},
    {"hr", TN_PART_HOUR},
    {"minute", TN_PART_MINUTE},
    {"min", TN_PART_MINUTE},
    {"m", TN_PART_MINUTE},
    {"second", TN_PART_SECOND},
    {"sec", TN_PART_SECOND},
    {"s", TN_PART_SECOND},
    {"millisecond", TN_PART_MILLISECOND},
    {"ms", TN_PART_MILLISECOND},
    {"msec", TN_PART_MILLISECOND},
    {"microsecond", TN_PART_MICROSECOND},
    {"us", TN_PART_MICROSECOND},
    {"usec", TN_PART_MICROSECOND},
    {"dow", TN_PART_DOW},
    {"dayofweek", TN_PART_DOW},
    {"weekday", TN_PART_DOW},
    {"isodow", TN_PART_ISODOW},
    {"doy", TN_PART_DOY},
    {"dayofyear", TN_PART_DOY},
    {"isoyear", TN_PART_ISOYEAR},
    {"epoch", TN_PART_EPOCH},
    {"julian", TN_PART_JULIAN},
};

tarn_code tn_time__read_part(const tn_expr *literal, tn_time_part *out, tarn_error *err)
{
    enum { COUNT = sizeof(part_names) / sizeof(*part_names) };
    tn_str name = literal->value.str;
    tn_str names[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = tn_str_of(part_names[i].name);
        const bool plural = name.size == names[i].size + 1 && names[i].size > 2 &&
                            tn_ascii_lower(name.data[name.size - 1]) == 's' &&
                            tn_str_equal_fold(tn_str_slice(name, 0, names[i].size), names[i]);
        if (plural || tn_str_equal_fold(name, names[i])) {
            *out = part_names[i].part;
            return TARN_OK;
        }
    }
    const tn_str near = tn_str_nearest(name, names, COUNT);
    tn_bind__fail(err, literal->span, "'%.*s' is no unit of time", TN_STR_ARGS(name));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    }
    return TARN_E_INVALID;
}

/* ---- parts ---- */

static int64_t iso_week_start(int64_t day) /* its Monday */
{
    return day - (tn_weekday_of_days(day) + 6) % 7;
}
static int64_t iso_year_of(int64_t day)
{
    return tn_civil_from_days(iso_week_start(day) + 3).year;
}
static int64_t century_of(int64_t year, int64_t span)
{
    return year > 0 ? (year + span - 1) / span : -((span - year) / span);
}

static int64_t day_part(tn_time_part part, int64_t day)
{
    const tn_civil civil = tn_civil_from_days(day);
    switch (part) {
    case TN_PART_MILLENNIUM:
        return century_of(civil.year, 1000);
    case TN_PART_CENTURY:
        return century_of(civil.year, 100);
    case TN_PART_DECADE:
        return tn_floor_div(civil.year, 10);
    case TN_PART_YEAR:
        return civil.year;
    case TN_PART_QUARTER:
        return (civil.month + 2) / 3;
    case TN_PART_MONTH:
        return civil.month;
    case TN_PART_WEEK:
        return (iso_week_start(day) + 3 - tn_days_from_civil(iso_year_of(day), 1, 1)) / 7 + 1;
    case TN_PART_DAY:
        return civil.day;
    case TN_PART_DOW:
        return tn_weekday_of_days(day);
    case TN_PART_ISODOW:
        return (tn_weekday_of_days(day) + 6) % 7 + 1;
    case TN_PART_DOY:
        return day - tn_days_from_civil(civil.year, 1, 1) + 1;
    case TN_PART_ISOYEAR:
        return iso_year_of(day);
    case TN_PART_JULIAN:
        return day + 2440588;
    default:
        return 0;
    }
}

/* The day and what is left of it; the divisors are constants, which divide without a division. */
static inline int64_t split_day(int64_t value, int64_t unit, int64_t *nanos)
{
    if (unit == TN_NS_PER_DAY) {
        *nanos = 0;
        return value;
    }
    if (unit == 1) {
        *nanos = tn_floor_mod(value, TN_NS_PER_DAY);
        return tn_floor_div(value, TN_NS_PER_DAY);
    }
    *nanos = tn_floor_mod(value, TN_US_PER_DAY) * 1000;
    return tn_floor_div(value, TN_US_PER_DAY);
}

int64_t tn_time__part(tn_time_part part, int64_t value, int64_t unit, double *real)
{
    int64_t nanos = 0;
    const int64_t day = split_day(value, unit, &nanos);
    const int64_t in_minute = nanos % (60 * TN_NS_PER_SECOND);
    int64_t whole = 0;
    switch (part) {
    case TN_PART_HOUR:
        whole = nanos / (3600 * TN_NS_PER_SECOND);
        break;
    case TN_PART_MINUTE:
        whole = nanos / (60 * TN_NS_PER_SECOND) % 60;
        break;
    case TN_PART_SECOND:
        whole = in_minute / TN_NS_PER_SECOND;
        break;
    case TN_PART_MILLISECOND:
        whole = in_minute / 1000000;
        break;
    case TN_PART_MICROSECOND:
        whole = in_minute / 1000;
        break;
    case TN_PART_EPOCH:
        whole = day * 86400 + nanos / TN_NS_PER_SECOND;
        *real = unit >= 1000 ? ((double)day * 86400e6 + (double)(nanos / 1000)) / 1e6
                             : (double)day * 86400 + (double)nanos / 1e9;
        return whole;
    default:
        whole = day_part(part, day);
        break;
    }
    *real = (double)whole;
    return whole;
}

int64_t tn_time__interval_part(tn_time_part part, tn_interval value, double *real)
{
    const int64_t in_minute = value.nanos % (60 * TN_NS_PER_SECOND);
    int64_t whole = 0;
    switch (part) {
    case TN_PART_MILLENNIUM:
        whole = value.months / 12000;
        break;
    case TN_PART_CENTURY:
        whole = value.months / 1200;
        break;
    case TN_PART_DECADE:
        whole = value.months / 120;
        break;
    case TN_PART_YEAR:
        whole = value.months / 12;
        break;
    case TN_PART_QUARTER:
        whole = value.months % 12 / 3 + 1;
        break;
    case TN_PART_MONTH:
        whole = value.months % 12;
        break;
    case TN_PART_WEEK:
        whole = value.days / 7;
        break;
    case TN_PART_DAY:
        whole = value.days;
        break;
    case TN_PART_HOUR:
        whole = value.nanos / (3600 * TN_NS_PER_SECOND);
        break;
    case TN_PART_MINUTE:
        whole = value.nanos / (60 * TN_NS_PER_SECOND) % 60;
        break;
    case TN_PART_SECOND:
        whole = in_minute / TN_NS_PER_SECOND;
        break;
    case TN_PART_MILLISECOND:
        whole = in_minute / 1000000;
        break;
    case TN_PART_MICROSECOND:
        whole = in_minute / 1000;
        break;
    case TN_PART_EPOCH: { /* a year has 365.25 days, a month 30 */
        const double seconds = (double)(value.months / 12) * 31557600 +
                               (double)(value.months % 12) * 2592000 + (double)value.days * 86400 +
                               (double)value.nanos / 1e9;
        *real = seconds;
        return (int64_t)seconds;
    }
    default:
        break;
    }
    *real = (double)whole;
    return whole;
}

/* ---- truncation ---- */

static int64_t trunc_day(tn_time_part part, int64_t day)
{
    const tn_civil civil = tn_civil_from_days(day);
    switch (part) {
    case TN_PART_MILLENNIUM:
        return tn_days_from_civil((century_of(civil.year, 1000) - 1) * 1000 + 1, 1, 1);
    case TN_PART_CENTURY:
        return tn_days_from_civil((century_of(civil.year, 100) - 1) * 100 + 1, 1, 1);
    case TN_PART_DECADE:
        return tn_days_from_civil(tn_floor_div(civil.year, 10) * 10, 1, 1);
    case TN_PART_YEAR:
        return tn_days_from_civil(civil.year, 1, 1);
    case TN_PART_QUARTER:
        return tn_days_from_civil(civil.year, (civil.month - 1) / 3 * 3 + 1, 1);
    case TN_PART_MONTH:
        return tn_days_from_civil(civil.year, civil.month, 1);
    case TN_PART_WEEK:
        return iso_week_start(day);
    case TN_PART_ISOYEAR: {
        const int64_t fourth = tn_days_from_civil(iso_year_of(day), 1, 4);
        return iso_week_start(fourth);
    }
    default:
        return day;
    }
}

/* Nanoseconds of a part below a day; 0 for others. */
static int64_t part_nanos(tn_time_part part)
{
    switch (part) {
    case TN_PART_HOUR:
        return 3600 * TN_NS_PER_SECOND;
    case TN_PART_MINUTE:
        return 60 * TN_NS_PER_SECOND;
    case TN_PART_SECOND:
        return TN_NS_PER_SECOND;
    case TN_PART_MILLISECOND:
        return 1000000;
    case TN_PART_MICROSECOND:
        return 1000;
    default:
        return 0;
    }
}

int64_t tn_time__trunc(tn_time_part part, int64_t value, int64_t unit)
{
    const int64_t per_day = TN_NS_PER_DAY / unit;
    const int64_t small = part_nanos(part);
    if (small != 0) {
        const int64_t step = small < unit ? 1 : small / unit;
        return value - tn_floor_mod(value, step);
    }
    int64_t nanos = 0;
    return trunc_day(part, split_day(value, unit, &nanos)) * per_day;
}

tn_interval tn_time__trunc_interval(tn_time_part part, tn_interval value)
{
    static const int32_t months[] = {
        [TN_PART_MILLENNIUM] = 12000, [TN_PART_CENTURY] = 1200, [TN_PART_DECADE] = 120,
        [TN_PART_YEAR] = 12,          [TN_PART_QUARTER] = 3,    [TN_PART_MONTH] = 1};
    const int64_t small = part_nanos(part);
    if (small != 0) {
        value.nanos -= value.nanos % small;
        return value;
    }
    value.nanos = 0;
    if (part <= TN_PART_MONTH && part > TN_PART_NONE) {
        value.days = 0;
        value.months -= value.months % months[part];
    } else if (part == TN_PART_WEEK) {
        value.days -= value.days % 7;
    }
    return value;
}

/* ---- differences and sums ---- */

int64_t tn_time__diff(tn_time_part part, int64_t from_us, int64_t to_us)
{
    const int64_t small = part_nanos(part) / 1000;
    const int64_t from_day = tn_floor_div(from_us, TN_US_PER_DAY);
    const int64_t to_day = tn_floor_div(to_us, TN_US_PER_DAY);
    const tn_civil from = tn_civil_from_days(from_day);
    const tn_civil to = tn_civil_from_days(to_day);
    const int64_t from_month = from.year * 12 + from.month - 1;
    const int64_t to_month = to.year * 12 + to.month - 1;
    if (small != 0) {
        return tn_floor_div(to_us, small) - tn_floor_div(from_us, small);
    }
    switch (part) {
    case TN_PART_MILLENNIUM:
    case TN_PART_CENTURY:
    case TN_PART_DECADE:
    case TN_PART_YEAR:
    case TN_PART_ISOYEAR:
        return day_part(part, to_day) - day_part(part, from_day);
    case TN_PART_QUARTER:
        return tn_floor_div(to_month, 3) - tn_floor_div(from_month, 3);
    case TN_PART_MONTH:
        return to_month - from_month;
    case TN_PART_WEEK:
        return (iso_week_start(to_day) - iso_week_start(from_day)) / 7;
    case TN_PART_EPOCH:
        return tn_floor_div(to_us, TN_US_PER_SECOND) - tn_floor_div(from_us, TN_US_PER_SECOND);
    default:
        return to_day - from_day;
    }
}

tn_interval tn_time__age(int64_t later_us, int64_t earlier_us)
{
    const bool swapped = later_us < earlier_us;
    const int64_t a = swapped ? earlier_us : later_us;
    const int64_t b = swapped ? later_us : earlier_us;
    const tn_civil to = tn_civil_from_days(tn_floor_div(a, TN_US_PER_DAY));
    const tn_civil from = tn_civil_from_days(tn_floor_div(b, TN_US_PER_DAY));
    int64_t months = (to.year - from.year) * 12 + (int64_t)to.month - (int64_t)from.month;
    int64_t days = (int64_t)to.day - (int64_t)from.day;
    int64_t us = tn_floor_mod(a, TN_US_PER_DAY) - tn_floor_mod(b, TN_US_PER_DAY);
    if (us < 0) {
        us += TN_US_PER_DAY;
        days--;
    }
    if (days < 0) { /* borrowed from the earlier one's month, as PostgreSQL */
        days += tn_days_in_month(from.year, from.month);
        months--;
    }
    const int32_t sign = swapped ? -1 : 1;
    return (tn_interval){sign * (int32_t)months, sign * (int32_t)days, sign * us * 1000};
}

bool tn_time__add(int64_t value, int64_t unit, tn_interval by, int sign, int64_t *out)
{
    const int64_t per_day = TN_NS_PER_DAY / unit;
    int64_t day = tn_floor_div(value, per_day);
    const int64_t rest = tn_floor_mod(value, per_day);
    if (by.months != 0) {
        const tn_civil civil = tn_civil_from_days(day);
        const int64_t month = civil.year * 12 + civil.month - 1 + sign * (int64_t)by.months;
        const int64_t year = tn_floor_div(month, 12);
        const unsigned in_year = (unsigned)tn_floor_mod(month, 12) + 1;
        const unsigned most = tn_days_in_month(year, in_year);
        day = tn_days_from_civil(year, in_year, civil.day < most ? civil.day : most);
    }
    day += sign * (int64_t)by.days;
    int64_t nanos = by.nanos / unit;
    if (sign < 0 && nanos == INT64_MIN) {
        return false;
    }
    nanos *= sign;
    return !__builtin_mul_overflow(day, per_day, out) && !__builtin_add_overflow(*out, rest, out) &&
           !__builtin_add_overflow(*out, nanos, out);
}

/* What is left of a month goes on as days (30 a month), of a day as hours. */
bool tn_time__scale(tn_interval value, double factor, tn_interval *out)
{
    const double months = (double)value.months * factor;
    const double whole_months = trunc(months);
    const double days = (double)value.days * factor + (months - whole_months) * 30;
    const double whole_days = trunc(days + (days < 0 ? -1e-9 : 1e-9));
    const double nanos = (double)value.nanos * factor + (days - whole_days) * 86400e9;
    *out = (tn_interval){0, 0, 0};
    if (!(fabs(whole_months) < 2147483647.0 && fabs(whole_days) < 2147483647.0 &&
          fabs(nanos) < 9.2e18)) {
        return false;
    }
    *out = (tn_interval){(int32_t)whole_months, (int32_t)whole_days,
                         (int64_t)(rint(nanos / 1000) * 1000)};
    return true;
}
