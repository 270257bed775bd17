/*
 * nv12 - from a dreamed pixel to the video's numbers: BT.709, limited range, 8 bits.
 *
 * One formula for all who need it: the CPU backend's loops and the CUDA kernels include this file. Y is
 * 16 + 219 luma / 255, Cb and Cr are 128 + 224 times the scaled colour differences, of values 0..255 as they
 * are (gamma space); ITU-R BT.709-6, items 3.2 to 3.5. Chroma is the mean of two rows and, sited left, of
 * columns weighted 1 2 1 about the even one, the picture's edge repeated.
 */
#ifndef ENGINE_NV12_H
#define ENGINE_NV12_H

#include "common/colour.h"

#ifdef __CUDACC__
#define IMAGE_NV12_FN static __host__ __device__ __forceinline__
#else
#define IMAGE_NV12_FN static inline
#endif

/* 0..255 of each -> the byte, rounded to nearest. */
IMAGE_NV12_FN unsigned char image_nv12_luma(float r, float g, float b)
{
    return (unsigned char)(16.5f + COLOUR_LUMA(float, r, g, b) * (COLOUR_Y_STEPS / 255.0f));
}

IMAGE_NV12_FN unsigned char image_nv12_cb(float r, float g, float b)
{
    float luma = COLOUR_LUMA(float, r, g, b);
    return (unsigned char)(128.5f + (b - luma) * (COLOUR_C_STEPS / 255.0f / COLOUR_CB_RANGE(float)));
}

IMAGE_NV12_FN unsigned char image_nv12_cr(float r, float g, float b)
{
    float luma = COLOUR_LUMA(float, r, g, b);
    return (unsigned char)(128.5f + (r - luma) * (COLOUR_C_STEPS / 255.0f / COLOUR_CR_RANGE(float)));
}

/* The colour at the chroma sample of columns 2 i and rows 2 j: `plane` [height][width], even sizes. */
IMAGE_NV12_FN float image_nv12_chroma_site(const float *plane, int width, int i, int j)
{
    const float *upper = plane + (long)2 * j * width, *lower = upper + width;
    int x = 2 * i, left = x > 0 ? x - 1 : 0;
    float sides = upper[left] + lower[left] + upper[x + 1] + lower[x + 1];
    return (sides + 2 * (upper[x] + lower[x])) * 0.125f;
}

#endif
