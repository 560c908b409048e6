/*
 * retry.h - when to try again, and when to give up: full jitter, a budget that progress renews, and
 * what the other side asks for (Retry-After).  Pure: time and chance are the caller's.
 */
#ifndef TN_NET_RETRY_H
#define TN_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tn_retry {
    unsigned attempts_max; /* without progress between them */
    uint64_t budget_ns;    /* likewise */
    uint64_t base_ns, cap_ns;
    /* its own: */
    unsigned attempts;
    uint64_t since_ns;
} tn_retry;

/* 10 attempts, 180 s, waits up to 0.1 s doubling to 15 s. */
#define TN_RETRY_DEFAULT \
    ((tn_retry){10, UINT64_C(180000000000), UINT64_C(100000000), UINT64_C(15000000000), 0, 0})

void tn_retry_begin(tn_retry *retry, uint64_t now_ns);
/* Bytes arrived: the other side lives, and the budget starts anew. */
void tn_retry_progress(tn_retry *retry, uint64_t now_ns);
/* After a failure: false means give up, else `*wait_ns` from now.  `at_least_s` is what the answer
 * asked for, `chance` any 64 random bits. */
bool tn_retry_again(tn_retry *retry, uint64_t now_ns, uint32_t at_least_s, uint64_t chance,
                    uint64_t *wait_ns);

#endif
