/*
 * bf16 - which driver this processor can run. Whether it multiplies rightly: bf16_sound.c.
 *
 * Bits of cpuid and XCR0 are those of Intel's Software Developer's Manual, volume 1, chapters 13 and 18: AVX512_BF16
 * is leaf 7.1 EAX bit 5, AMX_BF16 and AMX_TILE are leaf 7.0 EDX bits 22 and 24, and the system keeps tiles where
 * XCR0 bits 17 and 18 are set. Linux gives tiles to a process that asks (arch_prctl, since 5.16), and says of an Arm
 * whether it has bfmmla (HWCAP2_BF16, Documentation/arch/arm64/elf_hwcaps.rst).
 */
#include "engine/cpu/bf16.h"

#include "common/log.h"
#include "engine/cpu/kernels.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP2_BF16
#define HWCAP2_BF16 (1 << 14)
#endif
#elif defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__x86_64__)

enum { LEAF_FEATURES = 7, ASK_FOR_STATE = 0x1023, STATE_OF_TILES = 18 };

static bool has_avx512_bf16(void)
{
    unsigned a, b, c, d;
    return kernels_pick(CPU_TIER_AVX512) && __get_cpuid_count(LEAF_FEATURES, 1, &a, &b, &c, &d) &&
           (a >> 5 & 1);
}

/* State components that the system saves; only where cpuid says that it can be asked (OSXSAVE). */
static uint64_t states_kept(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (uint64_t)d << 32 | a;
}

static bool has_amx(void)
{
    unsigned a, b, c, d;
    return has_avx512_bf16() && __get_cpuid_count(LEAF_FEATURES, 0, &a, &b, &c, &d) && (d >> 22 & 1) &&
           (d >> 24 & 1) && (states_kept() >> 17 & 3) == 3 &&
           syscall(SYS_arch_prctl, ASK_FOR_STATE, STATE_OF_TILES) == 0;
}

static bool has_neon_bf16(void)
{
    return false;
}
#else
static bool has_avx512_bf16(void)
{
    return false;
}

static bool has_amx(void)
{
    return false;
}

static bool has_neon_bf16(void)
{
#if defined(__aarch64__)
    return getauxval(AT_HWCAP2) & HWCAP2_BF16;
#else
    return false;
#endif
}
#endif

/* `k` where it is there and right. */
static const struct bf16_kernels *checked(const struct bf16_kernels *k)
{
    if (k && !bf16_is_sound(k)) {
        log_warn("cpu", "%s multiplies wrongly on this processor and is left alone; please report it",
                 k->name);
        return NULL;
    }
    return k;
}

static const struct bf16_kernels *rounded(void)
{
#if defined(__x86_64__)
    if (kernels_pick(CPU_TIER_AVX2))
        return &bf16_rounded_avx2;
#endif
    return &bf16_rounded;
}

const struct bf16_kernels *bf16_pick(enum cpu_tier tier)
{
    switch (tier) {
    case CPU_TIER_AVX512BF16:
        return bf16_avx512 && has_avx512_bf16() ? checked(bf16_avx512) : NULL;
    case CPU_TIER_AMX:
        return bf16_amx && has_amx() ? checked(bf16_amx) : NULL;
    case CPU_TIER_NEONBF16:
        return bf16_neon && has_neon_bf16() ? checked(bf16_neon) : NULL;
    case CPU_TIER_ROUNDED:
        return rounded();
    default:
        return NULL;
    }
}

enum cpu_tier bf16_best_tier(void)
{
    return bf16_pick(CPU_TIER_AMX)          ? CPU_TIER_AMX
           : bf16_pick(CPU_TIER_AVX512BF16) ? CPU_TIER_AVX512BF16
           : bf16_pick(CPU_TIER_NEONBF16)   ? CPU_TIER_NEONBF16
                                            : CPU_TIER_AUTO;
}
