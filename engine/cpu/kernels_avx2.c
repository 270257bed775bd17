/*
 * kernels_avx2 - eight lanes and fused multiply-add: 6 x 16 results live in twelve registers.
 * Compiled for x86-64-v3.
 */
#if defined(__x86_64__)
#define LANES       8
#define ROWS        6
#define KERNELS     kernels_avx2
#define KERNEL_NAME "avx2"
#include "engine/cpu/kernels_impl.h"
#endif
