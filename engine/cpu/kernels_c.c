/*
 * kernels_c - the tier that every machine has: vectors of four, which the compiler lowers to what there is.
 */
#define LANES       4
#define ROWS        2
#define KERNELS     kernels_c
#define KERNEL_NAME "c"
#include "engine/cpu/kernels_impl.h"
