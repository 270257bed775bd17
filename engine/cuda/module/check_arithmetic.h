/*
 * check_arithmetic - what tells two maps apart: their energy, and sums in which every number has a sign of
 * its own that looks like chance.
 *
 * A wrong size shows in the energy. Numbers in wrong places do not, but under the signs they are another sum:
 * of two maps that hold the same numbers in another order, four such sums agree within a fiftieth of the root
 * of the energy once in ten million times. Compiled for the device and, in the tests, for the host.
 */
#ifndef ENGINE_CUDA_MODULE_CHECK_ARITHMETIC_H
#define ENGINE_CUDA_MODULE_CHECK_ARITHMETIC_H

#include "engine/cuda/storage.h"

enum { CHECK_SIGNS = 4, CHECK_SUMS = 1 + CHECK_SIGNS, CHECK_BLOCKS_MAX = 200 };

/* Bits of group `i`: one for each number of it and each sum. The finalizer of MurmurHash3. */
HOST_DEVICE uint32_t check_bits(uint32_t i)
{
    i = (i + 1) * 0x9e3779b9u;
    i = (i ^ i >> 16) * 0x85ebca6bu;
    i = (i ^ i >> 13) * 0xc2b2ae35u;
    return i ^ i >> 16;
}

/* Adds group `i` of a map: its squares to sums[0], its numbers with their signs to the others. */
HOST_DEVICE void check_group(enum cuda_storage storage, const void *map, uint32_t i, float sums[CHECK_SUMS])
{
    float v[CUDA_GROUP];
    uint32_t bits = check_bits(i);
    cuda_load(storage, map, (size_t)i * CUDA_GROUP, v);
    for (int k = 0; k < CUDA_GROUP; k++) {
        sums[0] += v[k] * v[k];
        for (int s = 0; s < CHECK_SIGNS; s++)
            sums[1 + s] += bits >> (k * CHECK_SIGNS + s) & 1 ? v[k] : -v[k];
    }
}

#endif
