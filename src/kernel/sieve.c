#include "kernel/sieve.h"

#include "os/cpu.h"

#define DECLARE(level) extern tn_sieve_fn tn_sieve_##level;
TN_CPU_LEVELS(DECLARE)

tn_sieve_fn *tn_sieve_kernel(void)
{
#define KERNEL(level) tn_sieve_##level,
    static tn_sieve_fn *const kernels[] = {TN_CPU_LEVELS(KERNEL)};
    return kernels[tn_cpu_level()];
}
