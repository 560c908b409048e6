/*
 * convert.h - columns of one numeric lane as another.
 *
 * Plain conversions are C's: for widening, and where bounds are known.  Checked ones write a fault
 * bit for each value that the other lane cannot hold (whole words; bits past `rows` are 0) and
 * answer whether there is one; floats are rounded to the nearest integer, halves to the even one.
 */
#ifndef TN_KERNEL_CONVERT_H
#define TN_KERNEL_CONVERT_H

#include "column/lanes.h"

#include <stdbool.h>

typedef void tn_convert_fn(const void *from, size_t rows, void *to);
typedef bool tn_convert_checked_fn(const void *from, size_t rows, void *to, uint64_t *faults);

/* Numeric lanes and i128, also i128 to i256; NULL for others.  The same lane: a copy. */
tn_convert_fn *tn_convert_plain(tn_lane from, tn_lane to);
tn_convert_checked_fn *tn_convert_checked(tn_lane from, tn_lane to);

#endif
