/*
 * picture_view - kernels between the picture and the view that the network gets: sampling, the way back, and
 * the octaves of a gradient. See picture_kernels.h.
 *
 * Both directions of a view are done at once, per output pixel: a view never enlarges the picture, so there
 * are about (2 + 2 scale)^2 products per picture pixel, and no buffer between two passes.
 */
#include "engine/cuda/module/picture_kernels.h"
#include "engine/cuda/module/picture_math.h"
#include "engine/cuda/module/sums.cuh"

KERNEL(sample_kernel, struct picture_sample)
{
    int width = a.x.view, height = a.y.view;
    long plane = (long)a.x.size * a.y.size, view_plane = (long)width * height;
    EACH_PIXEL(y, x, height, width)
    {
        const int *xi = a.x.index + (long)x * a.x.taps, *yi = a.y.index + (long)y * a.y.taps;
        const float *xw = a.x.weight + (long)x * a.x.taps, *yw = a.y.weight + (long)y * a.y.taps;
        for (int c = 0; c < 3; c++) {
            float v = pixel_sample(a.picture + c * plane, a.x.size, xi, xw, a.x.taps, yi, yw, a.y.taps);
            if (a.keys)
                v += pixel_noise(a.keys[c * height + y], x, a.noise);
            a.view[c * view_plane + (long)y * width + x] = v;
        }
    }
}

cudaError_t picture_sample(const struct picture_sample *a, cudaStream_t stream)
{
    return LAUNCH(sample_kernel, KERNEL_BLOCKS, *a, stream);
}

/* Colours and squares of a gradient's pixel, at `at` of its first plane. */
DEVICE_FN float keep_gradient(float *gradient, long at, long plane, float v[3], float colour)
{
    float squares = 0;
    if (colour != 1)
        pixel_colour(v, colour);
    for (int c = 0; c < 3; c++) {
        gradient[c * plane + at] = v[c];
        squares += v[c] * v[c];
    }
    return squares;
}

KERNEL(adjoint_kernel, struct picture_adjoint)
{
    int width = a.x.size, height = a.y.size;
    long plane = (long)width * height, view_plane = (long)a.x.view * a.y.view;
    double squares = 0;
    EACH_PIXEL(y, x, height, width)
    {
        float v[3] = {0, 0, 0};
        for (int k = a.y.start[y]; k < a.y.start[y + 1]; k++) {
            const float *row = a.view_gradient + (long)a.y.back[k] * a.x.view;
            float sum[3] = {0, 0, 0};
            for (int l = a.x.start[x]; l < a.x.start[x + 1]; l++)
                for (int c = 0; c < 3; c++)
                    sum[c] += a.x.back_weight[l] * row[c * view_plane + a.x.back[l]];
            for (int c = 0; c < 3; c++)
                v[c] += a.y.back_weight[k] * sum[c];
        }
        squares += (double)keep_gradient(a.gradient, (long)y * width + x, plane, v, a.colour);
    }
    block_leave(squares, a.squares);
}

cudaError_t picture_adjoint(const struct picture_adjoint *a, cudaStream_t stream)
{
    return LAUNCH(adjoint_kernel, KERNEL_BLOCKS, *a, stream);
}

/* ---- Octaves ---- */

KERNEL(halve_kernel, struct picture_halve)
{
    int width = (a.width + 1) / 2, height = (a.height + 1) / 2;
    EACH_PIXEL(row, x, 3 * height, width)
    {
        const float *plane = a.fine + (long)(row / height) * a.width * a.height;
        a.coarse[(long)row * width + x] = pixel_halve(plane, a.width, a.height, x, row % height);
    }
}

cudaError_t picture_halve(const struct picture_halve *a, cudaStream_t stream)
{
    return LAUNCH(halve_kernel, KERNEL_BLOCKS, *a, stream);
}

/* What the coarse level adds to a fine pixel; `row` counts through the three planes. */
DEVICE_FN float from_coarse(const float *coarse, int fine_width, int fine_height, int row, int x)
{
    int width = (fine_width + 1) / 2, height = (fine_height + 1) / 2;
    const float *plane = coarse + (long)(row / fine_height) * width * height;
    return pixel_double(plane, width, height, x, row % fine_height);
}

KERNEL(band_kernel, struct picture_band)
{
    double squares = 0;
    EACH_PIXEL(row, x, 3 * a.height, a.width)
    {
        long at = (long)row * a.width + x;
        float v = a.fine[at] - from_coarse(a.coarse, a.width, a.height, row, x);
        a.fine[at] = v;
        squares += (double)(v * v);
    }
    block_leave(squares, a.squares);
}

cudaError_t picture_band(const struct picture_band *a, cudaStream_t stream)
{
    return LAUNCH(band_kernel, KERNEL_BLOCKS, *a, stream);
}

/* As in image_pyramid.c: a band that is next to nothing stays out. */
PIXEL_FN float band_factor(double squares, double count, double weight)
{
    double rms = sqrt(squares / count);
    return rms > 1e-30 ? (float)(weight / rms) : 0.0f;
}

KERNEL(gather_kernel, struct picture_gather)
{
    __shared__ float shared;
    double squares = grid_total(a.squares);
    if (threadIdx.x == 0) /* as in picture_update.cu */
        shared = band_factor(squares, 3.0 * a.width * a.height, a.weight);
    __syncthreads();
    float factor = shared;
    EACH_PIXEL(row, x, 3 * a.height, a.width)
    {
        long at = (long)row * a.width + x;
        float up = a.coarse ? from_coarse(a.coarse, a.width, a.height, row, x) : 0.0f;
        a.band[at] = factor * a.band[at] + up;
    }
}

cudaError_t picture_gather(const struct picture_gather *a, cudaStream_t stream)
{
    return LAUNCH(gather_kernel, KERNEL_BLOCKS, *a, stream);
}

KERNEL(squares_kernel, struct picture_squares)
{
    double squares = 0;
    EACH_PIXEL(row, x, 3 * a.height, a.width)
    {
        float v = a.x[(long)row * a.width + x];
        squares += (double)(v * v);
    }
    block_leave(squares, a.squares);
}

cudaError_t picture_squares(const struct picture_squares *a, cudaStream_t stream)
{
    return LAUNCH(squares_kernel, KERNEL_BLOCKS, *a, stream);
}
