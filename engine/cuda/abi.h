/*
 * abi - what the program and its GPU module must agree on.
 *
 * The module exports one function, which gives its operations when it was built against the same interface.
 * Of them the program uses all but name and flags.
 */
#ifndef ENGINE_CUDA_ABI_H
#define ENGINE_CUDA_ABI_H

#include "engine/backend.h"

#define BACKEND_CUDA_ENTRY "reverie_cuda_ops"

/* Differs when one of the structures that cross the border has another size. */
#define BACKEND_CUDA_ABI                                                                                     \
    ((unsigned)(sizeof(struct backend_ops) * 31 + sizeof(struct backend_params) * 37 +                       \
                sizeof(struct backend_step) * 41 + sizeof(struct backend_measure) * 43 +                     \
                sizeof(struct dream_config) * 47 + sizeof(struct model) * 53 + sizeof(struct image_sums)))

/* The module's operations, or NULL when `abi` is not its own BACKEND_CUDA_ABI. */
typedef const struct backend_ops *backend_cuda_entry(unsigned abi);

#endif
