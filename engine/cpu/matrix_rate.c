/*
 * matrix_rate - see matrix_rate.h.
 */
#include "engine/cpu/matrix_rate.h"

#include <cblas.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"

enum { SIDE = 1536, MEASURE_US = 500000 };

double matrix_rate_gflops(int threads)
{
    size_t count = (size_t)SIDE * SIDE;
    float *a = buffer_alloc(3 * count * sizeof *a);
    if (!a)
        return 0;
    for (size_t i = 0; i < 3 * count; i++)
        a[i] = (float)(i % 7) * 0.25f;
    openblas_set_num_threads(threads);
    double best_us = 0;
    int64_t began_us = clock_real_us();
    for (int i = 0; i < 3 || clock_real_us() - began_us < MEASURE_US; i++) {
        int64_t start_us = clock_real_us();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1.0f, a, SIDE, a + count,
                    SIDE, 0.0f, a + 2 * count, SIDE);
        double took_us = (double)(clock_real_us() - start_us);
        best_us = i == 0 || took_us < best_us ? took_us : best_us;
    }
    openblas_set_num_threads(1);
    free(a);
    return 2.0 * SIDE * SIDE * SIDE / (best_us * 1e3);
}
