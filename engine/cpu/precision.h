/*
 * precision - what dream.precision and dream.cpu_tier mean together on this processor.
 */
#ifndef ENGINE_CPU_PRECISION_H
#define ENGINE_CPU_PRECISION_H

#include "common/error.h"
#include "engine/recipe.h"

/* The tier that computes. Recipe `classic`, and the precisions fp32, tf32 and fp16, take fp32. `auto` takes bf16 where
 * the processor has it, for any model: a network rounds in as many layers as leave the gradient its direction (cosine
 * to fp32's at least 0.99; net_rounding.c). It takes fp32 where dream.cpu_tier names a tier. bf16 on a processor without
 * it is imitated when the CPU was asked for by name, to measure with, and otherwise fp32, both with a warning. 0; -EINVAL
 * with a line when the two settings contradict one another. */
int cpu_precision_tier(const struct dream_config *c, enum cpu_tier *tier, struct error *e);

#endif
