/*
 * kernels_avx512 - sixteen lanes and thirty-two registers. Compiled for x86-64-v4.
 */
#if defined(__x86_64__)
#define LANES       16
#define ROWS        14
#define KERNELS     kernels_avx512
#define KERNEL_NAME "avx512"
#include "engine/cpu/kernels_impl.h"
#endif
