#include "net/date.h"

enum { DAY = 86400 };

/* Days since 1970 of a date of the Gregorian calendar, and back.  Years start in March, so that
 * the leap day is the last; an era of 400 years has 146,097 days. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t in_era = year - era * 400;
    const int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

tn_date tn_date_of(int64_t time_s)
{
    int64_t days = time_s / DAY;
    int64_t rest = time_s % DAY;
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    const int64_t shifted = days + 719468;
    const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const int64_t in_era = shifted - era * 146097;
    const int64_t years = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    const int64_t in_year = in_era - (365 * years + years / 4 - years / 100);
    const int month = (int)((5 * in_year + 2) / 153);
    return (tn_date){
        .year = (int)(years + era * 400 + (month >= 10)),
        .month = month < 10 ? month + 3 : month - 9,
        .day = (int)(in_year - (153 * month + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
    };
}

/* Exactly `count` digits. */
static bool digits(tn_str text, size_t at, size_t count, int *out)
{
    if (at > text.size || text.size - at < count) {
        return false;
    }
    *out = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *out = *out * 10 + (text.data[i] - '0');
    }
    return true;
}

static bool time_of(tn_str text, size_t at, int *seconds)
{
    int hour;
    int minute;
    int second;
    if (!digits(text, at, 2, &hour) || !digits(text, at + 3, 2, &minute) ||
        !digits(text, at + 6, 2, &second) || text.data[at + 2] != ':' || text.data[at + 5] != ':' ||
        hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

bool tn_date_parse_http(tn_str text, int64_t *time_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int day;
    int year;
    int seconds;
    int month = 1;
    if (text.size < 29 || text.data[3] != ',' || !digits(text, 5, 2, &day) ||
        !digits(text, 12, 4, &year) || !time_of(text, 17, &seconds)) {
        return false;
    }
    while (month <= 12 && memcmp(months + (month - 1) * 3, text.data + 8, 3) != 0) {
        month++;
    }
    if (month > 12 || day < 1 || day > 31) {
        return false;
    }
    *time_s = days_of(year, month, day) * DAY + seconds;
    return true;
}

bool tn_date_parse_iso(tn_str text, int64_t *time_us)
{
    int year;
    int month;
    int day;
    int seconds;
    if (!digits(text, 0, 4, &year) || !digits(text, 5, 2, &month) || !digits(text, 8, 2, &day) ||
        !time_of(text, 11, &seconds) || month < 1 || month > 12 || day < 1 || day > 31) {
        return false;
    }
    int64_t micros = 0;
    if (text.size > 19 && text.data[19] == '.') {
        int64_t unit = 100000;
        for (size_t i = 20; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
            micros += (text.data[i] - '0') * unit;
            unit /= 10;
        }
    }
    *time_us = (days_of(year, month, day) * DAY + seconds) * 1000000 + micros;
    return true;
}
