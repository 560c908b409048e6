/* clock.h - what time it is, and how long something took.  From any thread. */
#ifndef TN_OS_CLOCK_H
#define TN_OS_CLOCK_H

#include <stdint.h>

int64_t tn_clock_now_us(void);        /* since 1970, UTC; may jump */
uint64_t tn_clock_monotonic_ns(void); /* since some start; never goes back */
void tn_clock_sleep_ms(unsigned ms);  /* for threads that may block */

#endif
