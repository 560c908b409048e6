#include "os/random.h"

#include "os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>

/* A kernel without getrandom() (or a sandbox that forbids it) still must not give two processes
 * the same names: time, process and place are mixed. */
static void weak_bytes(uint8_t *out, size_t size)
{
    uint64_t state = tn_clock_monotonic_ns() ^ ((uint64_t)getpid() << 32) ^ (uintptr_t)&size ^
                     (uint64_t)tn_clock_now_us();
    for (size_t i = 0; i < size; i++) {
        state += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t mixed = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        out[i] = (uint8_t)(mixed >> 56);
    }
}

void tn_random_bytes(void *out, size_t size)
{
    uint8_t *at = out;
    while (size > 0) {
        const ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            weak_bytes(at, size);
            return;
        }
        at += got;
        size -= (size_t)got;
    }
}

uint64_t tn_random_u64(void)
{
    uint64_t value;
    tn_random_bytes(&value, sizeof(value));
    return value;
}

void tn_random_uuid(char out[TN_UUID_SIZE])
{
    uint8_t b[16];
    tn_random_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    (void)snprintf(out, TN_UUID_SIZE,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
}
