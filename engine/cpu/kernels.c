/*
 * kernels - picks the tier. The instruction sets are those of the x86-64-v3 and -v4 levels, which is what the
 * tiers' files are compiled for.
 */
#include "engine/cpu/kernels.h"

#include "engine/cpu/bf16.h"

#include <stdbool.h>

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

const struct kernels *kernels_pick(enum cpu_tier tier)
{
#if defined(__x86_64__)
    tier = tier == CPU_TIER_ROUNDED ? CPU_TIER_AUTO : tier > CPU_TIER_AVX512 ? CPU_TIER_AVX512 : tier;
    if ((tier == CPU_TIER_AVX512 || tier == CPU_TIER_AUTO) && has_avx512())
        return &kernels_avx512;
    if ((tier == CPU_TIER_AVX2 || tier == CPU_TIER_AUTO) && has_avx2())
        return &kernels_avx2;
#else
    tier = bf16_is_tier(tier) ? CPU_TIER_AUTO : tier;
#endif
    return tier == CPU_TIER_C || tier == CPU_TIER_AUTO ? &kernels_c : NULL;
}
