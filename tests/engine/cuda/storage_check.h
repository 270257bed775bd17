/*
 * storage_check - single numbers as a GPU stores them, read back for comparison.
 */
#ifndef TESTS_ENGINE_CUDA_STORAGE_CHECK_H
#define TESTS_ENGINE_CUDA_STORAGE_CHECK_H

#include "engine/cuda/storage.h"

/* What a number comes to when it is stored. */
static inline float cuda_stored(enum cuda_storage s, float f)
{
    return s == CUDA_STORAGE_BF16   ? float_of_bf16(bf16_of_float(f))
           : s == CUDA_STORAGE_FP16 ? float_of_fp16(fp16_of_float(f))
                                    : f;
}

/* The number at place `at`. */
static inline float cuda_load_one(enum cuda_storage s, const void *base, size_t at)
{
    return s == CUDA_STORAGE_BF16   ? float_of_bf16(((const uint16_t *)base)[at])
           : s == CUDA_STORAGE_FP16 ? float_of_fp16(((const uint16_t *)base)[at])
                                    : ((const float *)base)[at];
}

#endif
