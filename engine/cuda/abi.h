/*
 * abi - what the program and its GPU module must agree on.
 *
 * The module exports one function, which gives its operations when it was built against the same headers. Of
 * them the program uses all but name and flags; only describe and lower_priority may be NULL.
 *
 * BACKEND_CUDA_ABI is a checksum over all headers that both sides read, in any room. The Makefile computes it
 * and gives it to the files that compare it; so no change of a struct, of the order of its fields or of a
 * function's parameters goes unseen.
 *
 * What the module takes from the program, which exports it (-rdynamic), and nothing else:
 *
 *     common/       clock_real_us error_set log_write buffer_alloc xasprintf xcalloc xmalloc xrealloc
 *     engine/       image_axis_plan image_axis_taps image_classic_step
 *     engine/model/ model_map_size prior_filters_open prior_filters_close
 *     engine/cuda/  cuda_plan_make cuda_plan_fit cuda_pack_rows cuda_pack_turned cuda_pack_rgb cuda_pack_bias cuda_pack_mean
 *                   cuda_activation_scale cuda_gradient_scale
 */
#ifndef ENGINE_CUDA_ABI_H
#define ENGINE_CUDA_ABI_H

#include "engine/backend.h"

#define BACKEND_CUDA_ENTRY "reverie_cuda_ops"

/* The module's operations, or NULL when `abi` is not its own BACKEND_CUDA_ABI. */
typedef const struct backend_ops *backend_cuda_entry(unsigned abi);

#endif
