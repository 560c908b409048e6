/*
 * calendar.h - days and dates of the proleptic Gregorian calendar, in which year 0 is 1 BC.
 *
 * A DATE counts days from 1970-01-01, a TIMESTAMP microseconds.  No zones and no leap seconds: a
 * day has 86,400 seconds.  The day arithmetic is Howard Hinnant's (eras of 400 years from 1 March).
 */
#ifndef TN_KERNEL_CALENDAR_H
#define TN_KERNEL_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define TN_US_PER_SECOND INT64_C(1000000)
#define TN_US_PER_MINUTE INT64_C(60000000)
#define TN_US_PER_HOUR   INT64_C(3600000000)
#define TN_US_PER_DAY    INT64_C(86400000000)
#define TN_NS_PER_SECOND INT64_C(1000000000)
#define TN_NS_PER_DAY    INT64_C(86400000000000)

typedef struct tn_civil {
    int64_t year;
    unsigned month, day; /* from 1 */
} tn_civil;

static inline bool tn_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline unsigned tn_days_in_month(int64_t year, unsigned month)
{
    return month == 2 ? 28U + tn_is_leap(year) : 30U | (month ^ month >> 3);
}

/* Any year; month 1 to 12, day 1 to 31: not checked. */
static inline int64_t tn_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month < 3;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year =
        (153 * (int64_t)(month + (month < 3 ? 9U : (unsigned)-3)) + 2) / 5 + (int64_t)day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static inline tn_civil tn_civil_from_days(int64_t days)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t day_of_era = days - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * day_of_year + 2) / 153; /* months from March */
    const unsigned month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    return (tn_civil){.year = year_of_era + era * 400 + (month < 3),
                      .month = month,
                      .day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

/* 0 for Sunday to 6 for Saturday. */
static inline unsigned tn_weekday_of_days(int64_t days)
{
    const int64_t weekday = (days + 4) % 7;
    return (unsigned)(weekday < 0 ? weekday + 7 : weekday);
}

/* Quotient towards minus infinity, for a positive divisor: the day of a timestamp. */
static inline int64_t tn_floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}
static inline int64_t tn_floor_mod(int64_t value, int64_t by)
{
    const int64_t rest = value % by;
    return rest < 0 ? rest + by : rest;
}

#endif
