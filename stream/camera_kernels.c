/*
 * camera_kernels - the plain C tier, which defines the bytes, and the choice of a tier.
 */
#include "stream/camera_kernels.h"

#include <math.h>

static inline int32_t clamp(int32_t v, int32_t max)
{
    return v < 0 ? 0 : v > max ? max : v;
}

static inline int32_t mix(int32_t a, int32_t b, int32_t weight)
{
    return a * (WEIGHT_ONE - weight) + b * weight;
}

/* The plane's value at (x, y), 7 fraction bits. */
static inline int32_t sample(const struct sample_plane *p, int32_t x, int32_t y)
{
    const int32_t mask = (1 << POSITION_BITS) - 1, down = POSITION_BITS - WEIGHT_BITS;
    x = clamp(x, (p->width - 1) << POSITION_BITS);
    y = clamp(y, (p->height - 1) << POSITION_BITS);
    const uint16_t *at = p->samples + (y >> POSITION_BITS) * (int64_t)p->stride + (x >> POSITION_BITS);
    int32_t fx = (x & mask) >> down, fy = (y & mask) >> down;
    int32_t upper = (mix(at[0], at[1], fx) + (1 << 12)) >> 13;
    int32_t lower = (mix(at[p->stride], at[p->stride + 1], fx) + (1 << 12)) >> 13;
    return (mix(upper, lower, fy) + (1 << 13)) >> 14;
}

static void one(uint8_t *out, int n, const struct sample_line *line)
{
    int32_t x = line->x, y = line->y;
    for (int i = 0; i < n; i++, x += line->dx, y += line->dy)
        out[i] = (uint8_t)((sample(line->plane, x, y) + (1 << 6)) >> 7);
}

static void two(uint8_t *out, int n, const struct sample_line *older, const struct sample_line *newer,
                const uint16_t *newer_weight)
{
    int32_t xo = older->x, yo = older->y, xn = newer->x, yn = newer->y;
    for (int i = 0; i < n; i++) {
        int32_t a = sample(older->plane, xo, yo), b = sample(newer->plane, xn, yn);
        out[i] = (uint8_t)((mix(a, b, newer_weight[i]) + (1 << 20)) >> 21);
        xo += older->dx;
        yo += older->dy;
        xn += newer->dx;
        yn += newer->dy;
    }
}

static inline int32_t above_black(int32_t v)
{
    return v > SAMPLE_BLACK ? v - SAMPLE_BLACK : 0;
}

static inline int32_t mix_light(int32_t a, int32_t b, int32_t weight)
{
    a = above_black(a);
    b = above_black(b);
    int32_t mean = (mix(a, b, weight) + (1 << 13)) >> 14, apart = a - b;
    int32_t share = (weight * (WEIGHT_ONE - weight)) >> 12; /* w (1 - w), 16 fraction bits */
    int32_t square = mean * mean + ((((apart * apart) >> 14) * share) >> 2);
    return SAMPLE_BLACK + (int32_t)(sqrtf((float)square) + 0.5f);
}

static void two_light(uint8_t *out, int n, const struct sample_line *older, const struct sample_line *newer,
                      const uint16_t *newer_weight)
{
    int32_t xo = older->x, yo = older->y, xn = newer->x, yn = newer->y;
    for (int i = 0; i < n; i++) {
        int32_t a = sample(older->plane, xo, yo), b = sample(newer->plane, xn, yn);
        out[i] = (uint8_t)((mix_light(a, b, newer_weight[i]) + (1 << 6)) >> 7);
        xo += older->dx;
        yo += older->dy;
        xn += newer->dx;
        yn += newer->dy;
    }
}

static inline float least(float a, float b)
{
    return a < b ? a : b;
}

void camera_border_weights(uint16_t weights[LINE_MAX], const struct border *b, int at, int weight)
{
    for (int i = 0; i < LINE_MAX; i++) {
        float n = (float)(at + i);
        float sides = least(b->first[0] + b->step[0] * n, b->first[1] + b->step[1] * n);
        float ends = least(b->first[2] + b->step[2] * n, b->first[3] + b->step[3] * n);
        float t = least(sides, ends) * b->gain + b->bias;
        t = t > 0 ? t : 0;
        t = t < 1 ? t : 1;
        weights[i] = (uint16_t)(int)(t * t * (3 - 2 * t) * (float)weight + 0.5f);
    }
}

const struct camera_kernels camera_kernels_c = {"c", one, two, two_light};

const struct camera_kernels *camera_kernels_best(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return &camera_kernels_avx2;
#endif
    return &camera_kernels_c;
}
