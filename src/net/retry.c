#include "net/retry.h"

enum { SHIFT_MAX = 16 };

void tn_retry_begin(tn_retry *retry, uint64_t now_ns)
{
    retry->attempts = 1;
    retry->since_ns = now_ns;
}

void tn_retry_progress(tn_retry *retry, uint64_t now_ns)
{
    retry->attempts = 0; /* the failure that follows counts as the first again */
    retry->since_ns = now_ns;
}

bool tn_retry_again(tn_retry *retry, uint64_t now_ns, uint32_t at_least_s, uint64_t chance,
                    uint64_t *wait_ns)
{
    const unsigned shift = retry->attempts < SHIFT_MAX ? retry->attempts : SHIFT_MAX;
    uint64_t most = retry->base_ns << shift;
    most = most > retry->cap_ns ? retry->cap_ns : most;
    /* All of the interval, not its upper half: clients that failed together must not return
     * together. */
    *wait_ns = most == 0 ? 0 : chance % (most + 1);
    const uint64_t asked = (uint64_t)at_least_s * 1000000000;
    *wait_ns = *wait_ns < asked ? asked : *wait_ns;
    const uint64_t spent = now_ns - retry->since_ns;
    if (retry->attempts >= retry->attempts_max || spent > retry->budget_ns ||
        *wait_ns > retry->budget_ns - spent) {
        return false;
    }
    retry->attempts++;
    return true;
}
