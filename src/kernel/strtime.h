/*
 * strtime.h - moments written and read by a format of %-codes.
 *
 *   %Y year  %y two digits  %m month  %b %h %B its name  %d day  %e day without a zero
 *   %j of the year
 *   %H %I hour (24, 12)  %p AM or PM  %M minute  %S second  %f microseconds  %g %L milliseconds
 *   %n nanoseconds  %a %A weekday  %u %w its number (Monday 1 to 7, Sunday 0 to 6)  %G %V ISO year
 *   and week  %U %W week by Sunday and Monday  %s seconds since 1970  %z %Z +0000 and UTC
 *   %F %x %Y-%m-%d  %T %X %H:%M:%S  %c both  %D %m/%d/%y  %R %H:%M  %t a tab  %% a percent sign
 *   %-d and its like write a number without zeros in front
 *
 * Nanoseconds since 1970-01-01 in UTC as 128 bits hold every type.  No state, no locale.
 */
#ifndef TN_KERNEL_STRTIME_H
#define TN_KERNEL_STRTIME_H

#include "base/text.h"
#include "column/lanes.h"

/* Why a format is wrong ("%q is no code"), or NULL. */
const char *tn_strtime_check(tn_str format, bool reading);
void tn_strtime_print(tn_str format, int64_t day, int64_t nanos, tn_text *out);
/* `day` since 1970 and `nanos` of it, an offset (%z) taken off.  Answers NULL, or what is wrong. */
const char *tn_strtime_parse(tn_str text, tn_str format, int64_t *day, int64_t *nanos);

#endif
