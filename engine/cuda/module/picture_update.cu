/*
 * picture_update - kernels that move the picture: momentum, the update of both profiles, its sums, the warp;
 * and the one that turns it into video. See picture_kernels.h.
 */
#include "engine/nv12.h"
#include "engine/cuda/module/picture_kernels.h"
#include "engine/cuda/module/picture_math.h"
#include "engine/cuda/module/sums.cuh"

KERNEL(momentum_kernel, struct picture_momentum)
{
    __shared__ float scale[2]; /* of the gradient, of the prior */
    double count = 3.0 * a.width * a.height, squares = 0;
    double g_squares = grid_total(a.g_squares), p_squares = grid_total(a.p_squares);
    if (threadIdx.x == 0) { /* doubles cost 32 to 64 times as much on cards for games */
        scale[0] = image_per_rms(1, sqrt(g_squares / count));
        scale[1] = image_per_rms(a.prior_ratio, sqrt(p_squares / count));
    }
    __syncthreads();
    float gain = scale[0], prior = scale[1];
    EACH_PIXEL(row, x, 3 * a.height, a.width)
    {
        long at = (long)row * a.width + x;
        float v = a.keep * a.m[at] + gain * a.g[at] - prior * a.p[at];
        a.m[at] = v;
        squares += (double)(v * v);
    }
    block_leave(squares, a.squares);
}

cudaError_t picture_momentum(const struct picture_momentum *a, cudaStream_t stream)
{
    return LAUNCH(momentum_kernel, KERNEL_BLOCKS, *a, stream);
}

DEVICE_FN void leave_sums(const struct pixel_sums *s, double *partials)
{
    block_leave((double)s->mean, partials);
    block_leave((double)s->square, partials + KERNEL_BLOCKS);
    block_leave((double)s->chroma, partials + 2 * KERNEL_BLOCKS);
    block_leave((double)s->extreme, partials + 3 * KERNEL_BLOCKS);
    block_leave((double)s->bad, partials + 4 * KERNEL_BLOCKS);
}

KERNEL(update_kernel, struct picture_update)
{
    __shared__ struct image_step shared;
    double pixels = (double)a.width * a.height, m_squares = grid_total(a.m_squares);
    if (threadIdx.x == 0)
        shared = image_control(&a.aim, &a.state->sums, pixels, a.levels, sqrt(m_squares / (3 * pixels)));
    __syncthreads();
    struct image_step step = shared;
    struct pixel_sums sums = {0, 0, 0, 0, 0};
    long plane = (long)a.width * a.height;
    EACH_PIXEL(y, x, a.height, a.width)
    {
        long at = (long)y * a.width + x;
        float v[3] = {a.x[at], a.x[plane + at], a.x[2 * plane + at]};
        float m[3] = {a.m[at], a.m[plane + at], a.m[2 * plane + at]};
        pixel_update(v, m, &step, &sums);
        for (int c = 0; c < 3; c++)
            a.x[c * plane + at] = v[c];
    }
    leave_sums(&sums, a.partials);
}

cudaError_t picture_update(const struct picture_update *a, cudaStream_t stream)
{
    return LAUNCH(update_kernel, KERNEL_BLOCKS, *a, stream);
}

KERNEL(classic_kernel, struct picture_classic)
{
    struct classic_step step = *a.step;
    struct pixel_sums sums = {0, 0, 0, 0, 0};
    long plane = (long)a.width * a.height;
    EACH_PIXEL(y, x, a.height, a.width)
    {
        float v[3];
        for (int c = 0; c < 3; c++) {
            long at = c * plane + (long)y * a.width + x;
            v[c] = a.x[at] = pixel_classic(a.x[at], &a.m[at], &a.v[at], a.g[at], a.p[at], &step, &sums.bad);
        }
        pixel_add(&sums, v);
    }
    leave_sums(&sums, a.partials);
}

cudaError_t picture_classic(const struct picture_classic *a, cudaStream_t stream)
{
    return LAUNCH(classic_kernel, KERNEL_BLOCKS, *a, stream);
}

/* One block. */
KERNEL(total_kernel, struct picture_total)
{
    double sum[PICTURE_SUMS];
    for (int i = 0; i < PICTURE_SUMS; i++)
        sum[i] = grid_total(a.partials + i * KERNEL_BLOCKS);
    if (threadIdx.x != 0)
        return;
    a.state->sums.mean = sum[0];
    a.state->sums.square = sum[1];
    a.state->sums.chroma = sum[2];
    a.state->sums.extreme = sum[3];
    a.state->sums.bad = sum[4];
    a.state->bad += sum[4];
}

cudaError_t picture_total(const struct picture_total *a, cudaStream_t stream)
{
    return LAUNCH(total_kernel, 1, *a, stream);
}

KERNEL(warp_kernel, struct picture_warp)
{
    long plane = (long)a.width * a.height;
    EACH_PIXEL(y, x, a.height, a.width)
    {
        double u = x - a.cx, v = y - a.cy;
        struct pixel_bicubic b;
        pixel_bicubic_at(&b, a.cx + a.dx * u - a.dy * v, a.cy + a.dy * u + a.dx * v, a.width, a.height);
        for (int c = 0; c < 3; c++) {
            float value = pixel_bicubic_take(&b, a.in + c * plane, a.width);
            if (a.clip)
                value = value < 0 ? 0 : value > 255 ? 255 : value;
            a.out[c * plane + (long)y * a.width + x] = value;
        }
    }
}

cudaError_t picture_warp(const struct picture_warp *a, cudaStream_t stream)
{
    return LAUNCH(warp_kernel, KERNEL_BLOCKS, *a, stream);
}

/* A thread makes two columns of two rows: four bytes of luma and one pair of chroma. */
KERNEL(nv12_kernel, struct picture_nv12)
{
    long plane = (long)a.width * a.height;
    const float *r = a.x, *g = a.x + plane, *b = a.x + 2 * plane;
    EACH_PIXEL(j, i, a.height / 2, a.width / 2)
    {
        for (int k = 0; k < 4; k++) {
            long at = (long)(2 * j + k / 2) * a.width + 2 * i + k % 2;
            a.out[at] = image_nv12_luma(r[at], g[at], b[at]);
        }
        float red = image_nv12_chroma_site(r, a.width, i, j);
        float green = image_nv12_chroma_site(g, a.width, i, j);
        float blue = image_nv12_chroma_site(b, a.width, i, j);
        unsigned char *pair = a.out + plane + (long)j * a.width + 2 * i;
        pair[0] = image_nv12_cb(red, green, blue);
        pair[1] = image_nv12_cr(red, green, blue);
    }
}

cudaError_t picture_nv12(const struct picture_nv12 *a, cudaStream_t stream)
{
    return LAUNCH(nv12_kernel, KERNEL_BLOCKS, *a, stream);
}
