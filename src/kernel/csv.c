#include "kernel/csv.h"

#include "os/cpu.h"

#define DECLARE(level) extern const tn_csv_kernels tn_csv_kernels_##level;
TN_CPU_LEVELS(DECLARE)
#if defined(__x86_64__)
extern const tn_csv_kernels tn_csv_kernels_v4_vbmi2;
#endif

const tn_csv_kernels *tn_csv_kernels_table(void)
{
#define TABLE(level) &tn_csv_kernels_##level,
    static const tn_csv_kernels *const tables[] = {TN_CPU_LEVELS(TABLE)};
#if defined(__x86_64__)
    if (tn_cpu_level() == TN_CPU_v4 && __builtin_cpu_supports("avx512vbmi2")) {
        return &tn_csv_kernels_v4_vbmi2;
    }
#endif
    return tables[tn_cpu_level()];
}
