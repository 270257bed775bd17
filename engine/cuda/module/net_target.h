/*
 * net_target - which logits count, as it lies in device memory: read by kernels, so that a recorded graph can
 * be replayed for other classes. For C and C++.
 */
#ifndef ENGINE_CUDA_MODULE_NET_TARGET_H
#define ENGINE_CUDA_MODULE_NET_TARGET_H

#include <stdbool.h>

enum { CUDA_SUBJECTS_MAX = 32 }; /* BACKEND_SUBJECTS_MAX */

/* Subjects from `count` on are not read. */
struct cuda_target {
    int count;                          /* 0..CUDA_SUBJECTS_MAX */
    int class_index[CUDA_SUBJECTS_MAX]; /* 0..model.classes - 1; others are passed over */
    float minus_mean;
};

#endif
