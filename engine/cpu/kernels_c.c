/*
 * kernels_c - the tier that every machine has: vectors of four, which the compiler lowers to what there is.
 *
 * On AArch64 that is NEON with thirty-two registers: 6 x 16 results live in twenty-four of them, and weights and one
 * broadcast in what is left. Elsewhere two rows are what sixteen registers hold.
 */
#define LANES   4
#define KERNELS kernels_c
#if defined(__aarch64__)
#define ROWS        6
#define KERNEL_NAME "neon"
#else
#define ROWS        2
#define KERNEL_NAME "c"
#endif
#include "engine/cpu/kernels_impl.h"
