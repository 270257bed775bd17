/*
 * precision - see precision.h.
 */
#include "engine/cpu/precision.h"

#include <errno.h>

#include "common/log.h"
#include "engine/cpu/bf16.h"

static int contradiction(const struct dream_config *c, struct error *e)
{
    if (c->precision == DREAM_PRECISION_BF16)
        return error_set(
            e, EINVAL,
            "dream.precision bf16: dream.cpu_tier names a tier that has none; take auto, avx512bf16, amx, "
            "neonbf16 or rounded");
    return error_set(
        e, EINVAL,
        "dream.cpu_tier names a tier of bf16, but %s computes in fp32; take auto, c, avx2 or avx512",
        c->profile == DREAM_CLASSIC ? "recipe classic" : "dream.precision");
}

/* bf16 was asked for and is not there. */
static enum cpu_tier in_its_place(const struct dream_config *c)
{
    bool is_by_name = c->backend == DREAM_BACKEND_CPU;
    log_warn("cpu",
             "dream.precision: bf16: this processor has none of AVX512-BF16, AMX and Arm's FEAT_BF16; %s",
             is_by_name ? "its rounding is imitated, slower than fp32 and only good to measure with"
                        : "fp32 is taken");
    return is_by_name ? CPU_TIER_ROUNDED : CPU_TIER_AUTO;
}

int cpu_precision_tier(const struct dream_config *c, enum cpu_tier *tier, struct error *e)
{
    bool is_modern = c->profile == DREAM_MODERN, is_auto = c->precision == DREAM_PRECISION_AUTO;
    bool may_round = is_modern && (is_auto || c->precision == DREAM_PRECISION_BF16);
    *tier = (enum cpu_tier)c->cpu_tier;
    if (bf16_is_tier(*tier))
        return may_round ? 0 : contradiction(c, e);
    if (!may_round || (is_auto && *tier != CPU_TIER_AUTO))
        return 0;
    if (*tier != CPU_TIER_AUTO)
        return contradiction(c, e);
    *tier = bf16_best_tier();
    if (*tier == CPU_TIER_AUTO && !is_auto)
        *tier = in_its_place(c);
    return 0;
}
