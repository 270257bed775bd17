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

/* ---- Pooling: by two and by four, which are all that the recipes use, in vectors ---- */

typedef float four __attribute__((vector_size(16)));

static inline four load(const float *p)
{
    four x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void add_to(float *p, four x)
{
    x = load(p) + x;
    memcpy(p, &x, sizeof x);
}

/* Adds the columns of four windows of a line to their sums, from left to right as a plain loop would. */
static inline four add_line(four sum, const float *line, int p)
{
    if (p == 2) {
        four a = load(line), b = load(line + 4);
        sum += __builtin_shufflevector(a, b, 0, 2, 4, 6);
        return sum + __builtin_shufflevector(a, b, 1, 3, 5, 7);
    }
    four a = load(line), b = load(line + 4), c = load(line + 8), d = load(line + 12);
    four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    sum += __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    sum += __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    sum += __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    return sum + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

static inline int pool_fours(const float *in, long pitch, int p, int out_width, float *out)
{
    int x = 0;
    for (; x + 4 <= out_width; x += 4) {
        four sum = {0};
        for (int j = 0; j < p; j++)
            sum = add_line(sum, in + j * pitch + x * p, p);
        sum *= 1.0f / (float)(p * p);
        memcpy(out + x, &sum, sizeof sum);
    }
    return x;
}

static inline int unpool_fours(const float *in, int in_width, int p, float *out, long pitch)
{
    int x = 0;
    for (; x + 4 <= in_width; x += 4) {
        four v = load(in + x) * (1.0f / (float)(p * p));
        for (int j = 0; j < p; j++) {
            float *line = out + j * pitch + x * p;
            if (p == 2) {
                add_to(line, __builtin_shufflevector(v, v, 0, 0, 1, 1));
                add_to(line + 4, __builtin_shufflevector(v, v, 2, 2, 3, 3));
            } else {
                for (int i = 0; i < 4; i++)
                    add_to(line + 4 * i, (four){v[i], v[i], v[i], v[i]});
            }
        }
    }
    return x;
}

void prior_pool_row(const float *in, long pitch, int p, int out_width, float *out)
{
    const float share = 1.0f / (float)(p * p);
    int first = p == 2   ? pool_fours(in, pitch, 2, out_width, out)
                : p == 4 ? pool_fours(in, pitch, 4, out_width, out)
                         : 0;
    for (int x = first; x < out_width; x++) {
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
    int first = p == 2   ? unpool_fours(in, in_width, 2, out, pitch)
                : p == 4 ? unpool_fours(in, in_width, 4, out, pitch)
                         : 0;
    for (int j = 0; j < p; j++)
        for (int x = first; x < in_width; x++)
            for (int i = 0; i < p; i++)
                out[j * pitch + x * p + i] += in[x] * share;
}
