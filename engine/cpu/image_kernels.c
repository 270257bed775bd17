/*
 * image_kernels - see image_kernels.h.
 */
#include "engine/cpu/image_kernels.h"

#include <math.h>

#include "common/spline.h"

enum { LANES = 16 };

void image_row_scale(float *restrict out, const float *restrict in, float weight, int n, int accumulate)
{
    if (accumulate)
        for (int i = 0; i < n; i++)
            out[i] += weight * in[i];
    else
        for (int i = 0; i < n; i++)
            out[i] = weight * in[i];
}

void image_row_gather(float *restrict out, const float *restrict in, const int *restrict index,
                      const float *restrict weight, int taps, int n)
{
    for (int i = 0; i < n; i++) {
        float sum = 0;
        for (int t = 0; t < taps; t++)
            sum += weight[i * taps + t] * in[index[i * taps + t]];
        out[i] = sum;
    }
}

void image_row_gather_lists(float *restrict out, const float *restrict in, const int *restrict start,
                            const int *restrict index, const float *restrict weight, int n)
{
    for (int i = 0; i < n; i++) {
        float sum = 0;
        for (int k = start[i]; k < start[i + 1]; k++)
            sum += weight[k] * in[index[k]];
        out[i] = sum;
    }
}

void image_row_halve(float *restrict out, const float *const rows[4], float *restrict line, int n)
{
    const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    float *v = line + 1; /* v[-1] and two behind the end repeat the border */
    for (int i = 0; i < n; i++)
        v[i] = 0.125f * (r0[i] + r3[i]) + 0.375f * (r1[i] + r2[i]);
    v[-1] = v[0];
    v[n] = v[n + 1] = v[n - 1];
    for (int i = 0; i < (n + 1) / 2; i++)
        out[i] = 0.125f * (v[2 * i - 1] + v[2 * i + 2]) + 0.375f * (v[2 * i] + v[2 * i + 1]);
}

void image_row_double(float *restrict out, const float *near, const float *far, float *restrict line,
                      int n_small, int n, float a, float b)
{
    float *v = line + 1;
    for (int i = 0; i < n_small; i++)
        v[i] = b * (0.75f * near[i] + 0.25f * far[i]);
    v[-1] = v[0];
    v[n_small] = v[n_small - 1];
    for (int i = 0; i < n / 2; i++) {
        out[2 * i] = a * out[2 * i] + (0.75f * v[i] + 0.25f * v[i - 1]);
        out[2 * i + 1] = a * out[2 * i + 1] + (0.75f * v[i] + 0.25f * v[i + 1]);
    }
    if (n % 2)
        out[n - 1] = a * out[n - 1] + (0.75f * v[n / 2] + 0.25f * v[n / 2 - 1]);
}

static double add_lanes(const float lanes[LANES])
{
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += (double)lanes[k];
    return sum;
}

double image_row_squares(const float *x, int n)
{
    float lanes[LANES] = {0};
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += x[i + k] * x[i + k];
    for (int k = 0; i + k < n; k++)
        lanes[k] += x[i + k] * x[i + k];
    return add_lanes(lanes);
}

/* A 32-bit finaliser (C. Wellons' lowbias32): two multiplications, no visible pattern between neighbours. */
static inline uint32_t hash32(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

void image_row_noise(float *x, int n, uint32_t key, float sigma)
{
    /* The sum of two uniform numbers of 16 bits has the deviation 65535 / sqrt(6). */
    const float unit = sigma * 2.4494897f / 65535.0f;
    for (int i = 0; i < n; i++) {
        uint32_t h = hash32(key + (uint32_t)i);
        x[i] += unit * (float)((int32_t)(h & 0xffff) + (int32_t)(h >> 16) - 65535);
    }
}

double image_row_momentum(float *restrict m, const float *restrict g, const float *restrict p, int n,
                          float keep, float a, float b)
{
    float lanes[LANES] = {0};
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            float v = keep * m[i + k] + a * g[i + k] - b * p[i + k];
            m[i + k] = v;
            lanes[k] += v * v;
        }
    for (int k = 0; i + k < n; k++) {
        float v = keep * m[i + k] + a * g[i + k] - b * p[i + k];
        m[i + k] = v;
        lanes[k] += v * v;
    }
    return add_lanes(lanes);
}

void image_row_colour(float *const rows[3], int n, float gain)
{
    float *restrict r = rows[0], *restrict g = rows[1], *restrict b = rows[2];
    for (int i = 0; i < n; i++) {
        float grey = (r[i] + g[i] + b[i]) * (1.0f / 3.0f);
        r[i] = grey + gain * (r[i] - grey);
        g[i] = grey + gain * (g[i] - grey);
        b[i] = grey + gain * (b[i] - grey);
    }
}

double image_row_classic(float *restrict x, float *restrict m, float *restrict v,
                         const float *restrict gradient, const float *restrict prior, int n,
                         const struct classic_step *s)
{
    const struct classic_step step = *s;
    float bad = 0;
    for (int i = 0; i < n; i++) {
        float g = prior[i] - gradient[i];
        m[i] = 0.9f * g + 0.1f * m[i];
        v[i] = 0.999f * g * g + 0.001f * v[i];
        float next = x[i] - step.rate * (m[i] * step.first) / (sqrtf(v[i] * step.second) + 1e-8f);
        bad += next - next == 0 ? 0 : 1.0f;
        next = next < 0 ? 0 : next;
        x[i] = next > 255 ? 255 : next;
    }
    return (double)bad;
}

static inline float settle(float v, float delta, float grey, const struct image_step *s)
{
    v += delta + s->shift + s->contrast * (s->centre - v) + s->chroma * (grey - v);
    float up = v - grey - s->glare, down = grey - v - s->glare;
    v -= s->glare_pull * (up > 0 ? up : 0);
    v += s->glare_pull * (down > 0 ? down : 0);
    float over = v - (255.0f - s->margin), under = s->margin - v;
    v -= s->margin_pull * (over > 0 ? over : 0);
    v += s->margin_pull * (under > 0 ? under : 0);
    v = v < 0 ? 0 : v;
    return v > 255 ? 255 : v;
}

/* What a row adds to struct image_sums, one sum per lane. */
struct lane_sums {
    float mean[LANES], square[LANES], chroma[LANES], extreme[LANES], bad[LANES];
};

static inline float beyond(float v)
{
    return v < 4 || v > 251 ? 1.0f : 0;
}

/* Pixels i.. of the rows, as many as `count` says: LANES but for the last ones. */
static inline void update_lanes(float *const x[3], const float *const m[3], int i, int count,
                                const struct image_step *s, struct lane_sums *sums)
{
    float *restrict r = x[0] + i, *restrict g = x[1] + i, *restrict b = x[2] + i;
    const float *restrict mr = m[0] + i, *restrict mg = m[1] + i, *restrict mb = m[2] + i;
    const struct image_step step = *s;
    for (int k = 0; k < count; k++) {
        float grey = (r[k] + g[k] + b[k]) * (1.0f / 3.0f);
        float sound = grey + step.step * (mr[k] + mg[k] + mb[k]); /* NaN when anything is */
        float vr = settle(r[k], step.step * mr[k], grey, &step);
        float vg = settle(g[k], step.step * mg[k], grey, &step);
        float vb = settle(b[k], step.step * mb[k], grey, &step);
        r[k] = vr;
        g[k] = vg;
        b[k] = vb;
        grey = (vr + vg + vb) * (1.0f / 3.0f);
        sums->mean[k] += grey;
        sums->square[k] += grey * grey;
        sums->chroma[k] +=
            ((vr - grey) * (vr - grey) + (vg - grey) * (vg - grey) + (vb - grey) * (vb - grey)) *
            (1.0f / 3.0f);
        sums->extreme[k] += beyond(vr) + beyond(vg) + beyond(vb);
        sums->bad[k] += sound - sound == 0 ? 0 : 1.0f;
    }
}

void image_row_update(float *const x[3], const float *const m[3], int n, const struct image_step *s,
                      struct image_sums *sums)
{
    struct lane_sums lanes = {{0}, {0}, {0}, {0}, {0}};
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        update_lanes(x, m, i, LANES, s, &lanes);
    update_lanes(x, m, i, n - i, s, &lanes);
    sums->mean += add_lanes(lanes.mean);
    sums->square += add_lanes(lanes.square);
    sums->chroma += add_lanes(lanes.chroma);
    sums->extreme += add_lanes(lanes.extreme);
    sums->bad += add_lanes(lanes.bad);
}

static inline int clamp_index(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

void image_row_bicubic(float *const *out, const float *const *in, int planes, int width, int height, int n,
                       double sx, double sy, double dx, double dy, int clip)
{
    for (int i = 0; i < n; i++) {
        double px = sx + i * dx, py = sy + i * dy;
        int x0 = (int)floor(px), y0 = (int)floor(py);
        float wx[4], wy[4];
        spline_weights_float((float)(px - x0), wx);
        spline_weights_float((float)(py - y0), wy);
        long row[4];
        int column[4];
        for (int k = 0; k < 4; k++) {
            row[k] = (long)clamp_index(y0 - 1 + k, height) * width;
            column[k] = clamp_index(x0 - 1 + k, width);
        }
        for (int c = 0; c < planes; c++) {
            float v = 0;
            for (int k = 0; k < 4; k++) {
                const float *line = in[c] + row[k];
                v += wy[k] * (wx[0] * line[column[0]] + wx[1] * line[column[1]] + wx[2] * line[column[2]] +
                              wx[3] * line[column[3]]);
            }
            if (clip)
                v = v < 0 ? 0 : v > 255 ? 255 : v;
            out[c][i] = v;
        }
    }
}
