/*
 * convert - numbers of a file as float. Values are read byte by byte through memcpy, because nothing
 * promises that a tensor in a file is aligned, and assembled as little-endian, because that is what every
 * format of weights is.
 */
#include "engine/weights/weights.h"

#include <endian.h>
#include <string.h>

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* IEEE 754 binary16 to binary32, exact. */
static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 31)
        return from_bits(sign | 0x7f800000 | mantissa << 13);
    if (exponent != 0)
        return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    float f = (float)mantissa * 0x1p-24f; /* subnormal, or zero */
    return sign ? -f : f;
}

static uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return le16toh(v);
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static float from_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return (float)d;
}

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    [TENSOR_F32] = {"F32", 4},   [TENSOR_F16] = {"F16", 2}, [TENSOR_BF16] = {"BF16", 2},
    [TENSOR_F64] = {"F64", 8},   [TENSOR_I64] = {"I64", 8}, [TENSOR_I32] = {"I32", 4},
    [TENSOR_I16] = {"I16", 2},   [TENSOR_I8] = {"I8", 1},   [TENSOR_U8] = {"U8", 1},
    [TENSOR_BOOL] = {"BOOL", 1},
};

const char *tensor_dtype_name(enum tensor_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t tensor_dtype_bytes(enum tensor_dtype dtype)
{
    return dtypes[dtype].bytes;
}

void tensor_to_float(const struct tensor *t, int64_t first, int64_t count, float *out)
{
    const uint8_t *d = t->data;
    switch (t->dtype) {
    case TENSOR_F32:
        for (int64_t i = 0; i < count; i++)
            out[i] = from_bits(get32(d + 4 * (first + i)));
        break;
    case TENSOR_F16:
        for (int64_t i = 0; i < count; i++)
            out[i] = from_half(get16(d + 2 * (first + i)));
        break;
    case TENSOR_BF16:
        for (int64_t i = 0; i < count; i++)
            out[i] = from_bits((uint32_t)get16(d + 2 * (first + i)) << 16);
        break;
    case TENSOR_F64:
        for (int64_t i = 0; i < count; i++)
            out[i] = from_double(get64(d + 8 * (first + i)));
        break;
    case TENSOR_I64:
        for (int64_t i = 0; i < count; i++)
            out[i] = (float)(int64_t)get64(d + 8 * (first + i));
        break;
    case TENSOR_I32:
        for (int64_t i = 0; i < count; i++)
            out[i] = (float)(int32_t)get32(d + 4 * (first + i));
        break;
    case TENSOR_I16:
        for (int64_t i = 0; i < count; i++)
            out[i] = (float)(int16_t)get16(d + 2 * (first + i));
        break;
    case TENSOR_I8:
        for (int64_t i = 0; i < count; i++)
            out[i] = (float)(int8_t)d[first + i];
        break;
    case TENSOR_U8:
    case TENSOR_BOOL:
        for (int64_t i = 0; i < count; i++)
            out[i] = (float)d[first + i];
        break;
    }
}
