/*
 * storage - how numbers are stored on a GPU, and the way from and to float.
 *
 * Compiled for the device and, in the tests of the kernels' arithmetic, for the host; both round to nearest,
 * ties to even. Channels are innermost and padded to groups of 8, so that a group of 2-byte numbers is 16
 * bytes, one access, and begins at a multiple of 16.
 */
#ifndef ENGINE_CUDA_STORAGE_H
#define ENGINE_CUDA_STORAGE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define HOST_DEVICE static __host__ __device__ __forceinline__
#else
#define HOST_DEVICE static inline
#endif

enum { CUDA_GROUP = 8 };

enum cuda_storage { CUDA_STORAGE_BF16, CUDA_STORAGE_FP16, CUDA_STORAGE_FP32, CUDA_STORAGES };

/* What a number takes. */
HOST_DEVICE size_t cuda_storage_bytes(enum cuda_storage s)
{
    return s == CUDA_STORAGE_FP32 ? 4 : 2;
}

HOST_DEVICE int cuda_padded(int channels)
{
    return (channels + CUDA_GROUP - 1) / CUDA_GROUP * CUDA_GROUP;
}

HOST_DEVICE float float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

HOST_DEVICE uint32_t bits_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

HOST_DEVICE float float_of_bf16(uint16_t x)
{
    return float_of_bits((uint32_t)x << 16);
}

HOST_DEVICE uint16_t bf16_of_float(float f)
{
#ifdef __CUDA_ARCH__
    return __bfloat16_as_ushort(__float2bfloat16_rn(f));
#else
    uint32_t bits = bits_of_float(f);
    if (f != f)
        return 0x7fff;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
#endif
}

HOST_DEVICE float float_of_fp16(uint16_t x)
{
#ifdef __CUDA_ARCH__
    return __half2float(__ushort_as_half(x));
#else
    uint32_t sign = (uint32_t)(x & 0x8000) << 16, exponent = x >> 10 & 31, fraction = x & 1023;
    if (exponent == 31)
        return float_of_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) { /* zero and what is below 2^-14 */
        float f = (float)fraction * 0x1p-24f;
        return sign ? -f : f;
    }
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
#endif
}

HOST_DEVICE uint16_t fp16_of_float(float f)
{
#ifdef __CUDA_ARCH__
    return __half_as_ushort(__float2half_rn(f));
#else
    uint32_t bits = bits_of_float(f), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    if (size > 0x7f800000u)
        return 0x7fff;
    if (size >= 0x477ff000u) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (size < 0x38800000u) { /* below 2^-14: in steps of 2^-24; the addition rounds */
        uint32_t steps = bits_of_float(float_of_bits(size) + 0.5f) - 0x3f000000u;
        return (uint16_t)(sign | steps);
    }
    return (uint16_t)(sign | ((size - 0x38000000u + 0xfff + (size >> 13 & 1)) >> 13));
#endif
}

/* ---- Groups of 8 channels ---- */

/* As they lie in memory: 16 bytes, with fp32 32. */
struct cuda_bits {
#ifdef __CUDACC__
    uint4 four[2];
#else
    struct {
        uint32_t x, y, z, w;
    } four[2];
#endif
};

/* `at`: number of the first channel, a multiple of 8, from `base`, which is aligned to 16 bytes. */
HOST_DEVICE struct cuda_bits cuda_load_bits(enum cuda_storage s, const void *base, size_t at)
{
    struct cuda_bits b;
    const char *from = (const char *)base + at * cuda_storage_bytes(s);
#ifdef __CUDACC__
    b.four[0] = *(const uint4 *)from;
    b.four[1] = s == CUDA_STORAGE_FP32 ? *(const uint4 *)(from + 16) : make_uint4(0, 0, 0, 0);
#else
    memset(&b, 0, sizeof b);
    memcpy(b.four, from, CUDA_GROUP * cuda_storage_bytes(s));
#endif
    return b;
}

HOST_DEVICE void cuda_store_bits(enum cuda_storage s, void *base, size_t at, struct cuda_bits b)
{
    char *to = (char *)base + at * cuda_storage_bytes(s);
#ifdef __CUDACC__
    *(uint4 *)to = b.four[0];
    if (s == CUDA_STORAGE_FP32)
        *(uint4 *)(to + 16) = b.four[1];
#else
    memcpy(to, b.four, CUDA_GROUP * cuda_storage_bytes(s));
#endif
}

/* Zeros where `keep` has no bit: bit k is channel k of the group. */
HOST_DEVICE uint32_t cuda_mask_word(enum cuda_storage s, uint32_t word, int index, uint32_t keep)
{
    if (s == CUDA_STORAGE_FP32)
        return keep >> index & 1 ? word : 0;
    uint32_t low = keep >> (2 * index) & 1 ? 0xffffu : 0,
             high = keep >> (2 * index + 1) & 1 ? 0xffff0000u : 0;
    return word & (low | high);
}

HOST_DEVICE struct cuda_bits cuda_mask_bits(enum cuda_storage s, struct cuda_bits b, uint32_t keep)
{
    for (int i = 0; i < (s == CUDA_STORAGE_FP32 ? 2 : 1); i++) {
        b.four[i].x = cuda_mask_word(s, b.four[i].x, 4 * i, keep);
        b.four[i].y = cuda_mask_word(s, b.four[i].y, 4 * i + 1, keep);
        b.four[i].z = cuda_mask_word(s, b.four[i].z, 4 * i + 2, keep);
        b.four[i].w = cuda_mask_word(s, b.four[i].w, 4 * i + 3, keep);
    }
    return b;
}

HOST_DEVICE void cuda_unpack_pair(enum cuda_storage s, uint32_t pair, float *out)
{
    uint16_t low = (uint16_t)(pair & 0xffff), high = (uint16_t)(pair >> 16);
    out[0] = s == CUDA_STORAGE_BF16 ? float_of_bf16(low) : float_of_fp16(low);
    out[1] = s == CUDA_STORAGE_BF16 ? float_of_bf16(high) : float_of_fp16(high);
}

HOST_DEVICE uint32_t cuda_pack_pair(enum cuda_storage s, const float *in)
{
    uint32_t low = s == CUDA_STORAGE_BF16 ? bf16_of_float(in[0]) : fp16_of_float(in[0]);
    uint32_t high = s == CUDA_STORAGE_BF16 ? bf16_of_float(in[1]) : fp16_of_float(in[1]);
    return low | high << 16;
}

HOST_DEVICE void cuda_unpack(enum cuda_storage s, struct cuda_bits b, float v[CUDA_GROUP])
{
    if (s == CUDA_STORAGE_FP32) {
        v[0] = float_of_bits(b.four[0].x), v[1] = float_of_bits(b.four[0].y);
        v[2] = float_of_bits(b.four[0].z), v[3] = float_of_bits(b.four[0].w);
        v[4] = float_of_bits(b.four[1].x), v[5] = float_of_bits(b.four[1].y);
        v[6] = float_of_bits(b.four[1].z), v[7] = float_of_bits(b.four[1].w);
        return;
    }
    cuda_unpack_pair(s, b.four[0].x, v);
    cuda_unpack_pair(s, b.four[0].y, v + 2);
    cuda_unpack_pair(s, b.four[0].z, v + 4);
    cuda_unpack_pair(s, b.four[0].w, v + 6);
}

HOST_DEVICE void cuda_load(enum cuda_storage s, const void *base, size_t at, float v[CUDA_GROUP])
{
    cuda_unpack(s, cuda_load_bits(s, base, at), v);
}

HOST_DEVICE void cuda_store(enum cuda_storage s, void *base, size_t at, const float v[CUDA_GROUP])
{
    struct cuda_bits b;
    if (s == CUDA_STORAGE_FP32) {
        b.four[0].x = bits_of_float(v[0]), b.four[0].y = bits_of_float(v[1]);
        b.four[0].z = bits_of_float(v[2]), b.four[0].w = bits_of_float(v[3]);
        b.four[1].x = bits_of_float(v[4]), b.four[1].y = bits_of_float(v[5]);
        b.four[1].z = bits_of_float(v[6]), b.four[1].w = bits_of_float(v[7]);
    } else {
        b.four[0].x = cuda_pack_pair(s, v), b.four[0].y = cuda_pack_pair(s, v + 2);
        b.four[0].z = cuda_pack_pair(s, v + 4), b.four[0].w = cuda_pack_pair(s, v + 6);
        b.four[1] = b.four[0]; /* not stored */
    }
    cuda_store_bits(s, base, at, b);
}

/* A single number, where speed does not matter. */
HOST_DEVICE void cuda_store_one(enum cuda_storage s, void *base, size_t at, float f)
{
    if (s == CUDA_STORAGE_FP32)
        ((float *)base)[at] = f;
    else
        ((uint16_t *)base)[at] = s == CUDA_STORAGE_BF16 ? bf16_of_float(f) : fp16_of_float(f);
}

#endif
