/* find.h - a piece of text in another: the first and the last byte of the needle are looked for
 * sixteen places at a time, and only where both fit the rest is compared. */
#ifndef TN_KERNEL_FIND_H
#define TN_KERNEL_FIND_H

#include "base/str.h"

/* Index of the first occurrence at or behind `from`, or SIZE_MAX. */
size_t tn_find(tn_str text, tn_str needle, size_t from);

#endif
