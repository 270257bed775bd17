/*
 * kernels_impl - the kernels, written once with the compiler's vectors and compiled per tier.
 *
 * The including file defines LANES (floats per vector, a divisor of 16), ROWS (rows of a matrix product held
 * in registers), KERNELS and KERNEL_NAME.
 */
#include "engine/cpu/kernels.h"

#include <string.h>

#include "engine/cpu/kernels_vectors_impl.h"
#include "engine/cpu/kernels_tiles_impl.h"
#include "engine/cpu/kernels_rows_impl.h"
#include "engine/cpu/kernels_filters_impl.h"
#include "engine/cpu/kernels_seven_impl.h"

const struct kernels KERNELS = {
    .name = KERNEL_NAME,
    .rows = ROWS,
    .filters_in = filters_in,
    .filters_in_turned = filters_in_turned,
    .tiles_in = tiles_in,
    .tiles_in_unpool = tiles_in_unpool,
    .multiply = multiply,
    .tiles_out_relu = tiles_out_relu,
    .tiles_out_pool = tiles_out_pool,
    .tiles_out_alive = tiles_out_alive,
    .normalise = normalise,
    .rgb_forward = rgb_forward,
    .rgb_backward = rgb_backward,
    .widen = widen,
    .widen_turned = widen_turned,
    .seven_filters = seven_filters,
    .seven_filters_turned = seven_filters_turned,
    .seven_in = seven_in,
    .seven_out = seven_out,
    .seven_out_adjoint = seven_out_adjoint,
    .seven_in_adjoint = seven_in_adjoint,
    .rows_bias = rows_bias,
    .rows_alive = rows_alive,
    .add = add,
    .pixels_alive = pixels_alive,
    .objective = objective,
};
