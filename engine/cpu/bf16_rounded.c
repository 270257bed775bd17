/*
 * bf16_rounded - bf16 by rounding, on every machine.
 */
#define LANES       4
#define KERNELS     bf16_rounded
#define KERNEL_NAME "bf16 by rounding"
#include "engine/cpu/bf16_rounded_impl.h"
