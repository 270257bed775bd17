/*
 * npy_builder - .npy files for tests, put together from any header.
 */
#ifndef TESTS_ENGINE_NPY_BUILDER_H
#define TESTS_ENGINE_NPY_BUILDER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Version 1 with `header` as it is and `bytes` of data behind it; the caller frees it. */
static inline uint8_t *npy_build(const char *header, const void *data, size_t bytes, size_t *size)
{
    size_t n = strlen(header);
    uint8_t *file = xmalloc(10 + n + bytes);
    memcpy(file, "\x93NUMPY\1\0", 8);
    file[8] = (uint8_t)n;
    file[9] = (uint8_t)(n >> 8);
    memcpy(file + 10, header, n);
    if (bytes)
        memcpy(file + 10 + n, data, bytes);
    *size = 10 + n + bytes;
    return file;
}

#endif
