/*
 * npy_write - arrays of floats as NumPy's .npy files, for those who compare.
 */
#ifndef ENGINE_WEIGHTS_NPY_WRITE_H
#define ENGINE_WEIGHTS_NPY_WRITE_H

#include "common/error.h"

/* Writes data [shape[0]]...[shape[dims-1]] in C order, 1 to 4 dimensions, through a temporary name, so that
 * no half file is ever seen. 0 or -errno with one line naming the file. */
int npy_write(const char *path, const float *data, const int *shape, int dims, struct error *e);

#endif
