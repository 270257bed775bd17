/*
 * bf16_rounded_avx2 - the same with eight lanes and fused multiply-add. Compiled for x86-64-v3.
 */
#if defined(__x86_64__)
#define LANES       8
#define KERNELS     bf16_rounded_avx2
#define KERNEL_NAME "bf16 by rounding, avx2"
#include "engine/cpu/bf16_rounded_impl.h"
#endif
