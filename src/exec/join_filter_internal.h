/* join_filter_internal.h - dynamic filters as those who fill them see them. */
#ifndef TN_EXEC_JOIN_FILTER_INTERNAL_H
#define TN_EXEC_JOIN_FILTER_INTERNAL_H

#include "exec/operators.h"

enum { TN_FILTER_IN_MAX = 64 };

/* Values from `min` to `max` pass (either may be NULL); of several calls the tightest counts. */
void tn_join_filter__bounds(tn_dynamic_filter *filter, const tn_value *min, const tn_value *max);
/* Only these values pass; at most TN_FILTER_IN_MAX, no strings. */
void tn_join_filter__values(tn_dynamic_filter *filter, const tn_value *values, uint32_t count);
/* No row passes. */
void tn_join_filter__nothing(tn_dynamic_filter *filter);

#endif
