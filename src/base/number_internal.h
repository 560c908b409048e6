/* number_internal.h - the powers of five that reading and printing floats share. */
#ifndef TN_BASE_NUMBER_INTERNAL_H
#define TN_BASE_NUMBER_INTERNAL_H

#include "base/number.h"

enum { TN_POWER_LEAST = -342, TN_POWER_MOST = 324 };

typedef struct tn_power {
    uint64_t high, low;
} tn_power;

extern const tn_power tn__powers_of_five[TN_POWER_MOST - TN_POWER_LEAST + 1];

#endif
