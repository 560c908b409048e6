/* ascii.h - letters of ASCII text, many at a time. */
#ifndef TN_KERNEL_ASCII_H
#define TN_KERNEL_ASCII_H

#include <stddef.h>

/* A copy with the 26 letters from `first` ('a' or 'A') on in their other case. */
void tn_ascii_map(const char *from, size_t size, char first, char *to);

#endif
