/* time_internal.h - the calendar's arithmetic as functions of SQL need it. */
#ifndef TN_EXPR_TIME_INTERNAL_H
#define TN_EXPR_TIME_INTERNAL_H

#include "expr/expr_internal.h"
#include "kernel/calendar.h"

typedef enum tn_time_part {
    TN_PART_NONE,
    TN_PART_MILLENNIUM,
    TN_PART_CENTURY,
    TN_PART_DECADE,
    TN_PART_YEAR,
    TN_PART_QUARTER,
    TN_PART_MONTH,
    TN_PART_WEEK,
    TN_PART_DAY,
    TN_PART_HOUR,
    TN_PART_MINUTE,
    TN_PART_SECOND,
    TN_PART_MILLISECOND,
    TN_PART_MICROSECOND,
    TN_PART_DOW,
    TN_PART_ISODOW,
    TN_PART_DOY,
    TN_PART_ISOYEAR,
    TN_PART_EPOCH,
    TN_PART_JULIAN
} tn_time_part;

/* The part that a literal names ("month", "Mons", "ms"...). */
TN_FALLIBLE tn_time__read_part(const tn_expr *literal, tn_time_part *out, tarn_error *err);

/* Values count `unit` nanoseconds: 86,400e9 for days, 1,000, 1. */
/* One part; `*real` is the same with what lies behind the point (seconds, epoch). */
int64_t tn_time__part(tn_time_part part, int64_t value, int64_t unit, double *real);
int64_t tn_time__interval_part(tn_time_part part, tn_interval value, double *real);
int64_t tn_time__trunc(tn_time_part part, int64_t value, int64_t unit);
tn_interval tn_time__trunc_interval(tn_time_part part, tn_interval value);
int64_t tn_time__diff(tn_time_part part, int64_t from_us, int64_t to_us);
tn_interval tn_time__age(int64_t later_us, int64_t earlier_us);
/* Months first (the day is cut to the month's length), then days, then nanoseconds. */
bool tn_time__add(int64_t value, int64_t unit, tn_interval by, int sign, int64_t *out);
bool tn_time__scale(tn_interval value, double factor, tn_interval *out);

extern const tn_overload tn_time__plus[], tn_time__minus[], tn_time__times[], tn_time__by[];

#endif
