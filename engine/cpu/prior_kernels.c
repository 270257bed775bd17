/*
 * prior_kernels - see prior_kernels.h.
 */
#include "engine/cpu/prior_kernels.h"

#include <math.h>
#include <string.h>

enum { LANES = 16 };

void prior_patch_gather(const float *picture, long plane, long pitch, float out[PRIOR_DIM])
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < PRIOR_SIDE; y++)
            memcpy(out + (c * PRIOR_SIDE + y) * PRIOR_SIDE, picture + c * plane + y * pitch,
                   PRIOR_SIDE * sizeof *out);
}

void prior_patch_scatter(float *picture, long plane, long pitch, const float patch[PRIOR_DIM])
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < PRIOR_SIDE; y++) {
            float *row = picture + c * plane + y * pitch;
            const float *from = patch + (c * PRIOR_SIDE + y) * PRIOR_SIDE;
            for (int x = 0; x < PRIOR_SIDE; x++)
                row[x] += from[x];
        }
}

/* The logarithm of a product is one call where the sum of logarithms is many: every lane multiplies twelve
 * factors, each at most 1e24, so that a product stays below 1e288. */
double prior_student_t(float z[PRIOR_DIM], const float offset[PRIOR_DIM], float nu, float scale)
{
    double product[LANES];
    for (int i = 0; i < LANES; i++)
        product[i] = 1;
    const float per_nu = 1 / nu, slope = 2 * scale * per_nu;
    for (int k = 0; k < PRIOR_DIM; k += LANES)
        for (int i = 0; i < LANES; i++) {
            float u = z[k + i] + offset[k + i];
            float q = 1 + u * u * per_nu;
            z[k + i] = slope * u / q;
            q = q < 1e24f ? q : 1e24f;
            product[i] *= (double)q;
        }
    double sum = 0;
    for (int i = 0; i < LANES; i += 2) {
        int pair = product[i] < 1e150 && product[i + 1] < 1e150;
        sum += pair ? log(product[i] * product[i + 1]) : log(product[i]) + log(product[i + 1]);
    }
    return sum;
}

double prior_gaussian(float z[PRIOR_DIM], const float offset[PRIOR_DIM], float nu, float scale)
{
    (void)nu;
    double squares[LANES] = {0};
    for (int k = 0; k < PRIOR_DIM; k += LANES)
        for (int i = 0; i < LANES; i++) {
            float u = z[k + i] + offset[k + i];
            squares[i] += (double)u * (double)u;
            z[k + i] = 2 * scale * u;
        }
    double sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += squares[i];
    return sum;
}

void prior_pool_row(const float *in, long pitch, int p, int out_width, float *out)
{
    const float share = 1.0f / (float)(p * p);
    for (int x = 0; x < out_width; x++) {
        float sum = 0;
        for (int j = 0; j < p; j++)
            for (int i = 0; i < p; i++)
                sum += in[j * pitch + x * p + i];
        out[x] = sum * share;
    }
}

void prior_unpool_row(const float *in, int in_width, int p, float *out, long pitch)
{
    const float share = 1.0f / (float)(p * p);
    for (int j = 0; j < p; j++)
        for (int x = 0; x < in_width; x++)
            for (int i = 0; i < p; i++)
                out[j * pitch + x * p + i] += in[x] * share;
}
