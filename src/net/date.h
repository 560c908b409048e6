/* date.h - the dates of HTTP and of store answers, as seconds since 1970, UTC. */
#ifndef TN_NET_DATE_H
#define TN_NET_DATE_H

#include "base/str.h"

typedef struct tn_date {
    int year, month, day, hour, minute, second, weekday; /* 0 is Sunday */
} tn_date;

tn_date tn_date_of(int64_t time_s);
/* "Sun, 06 Nov 1994 08:49:37 GMT"; false for anything else. */
bool tn_date_parse_http(tn_str text, int64_t *time_s);
/* "2009-10-12T17:50:30.000Z" */
bool tn_date_parse_iso(tn_str text, int64_t *time_us);

#endif
