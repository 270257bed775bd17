/*
 * image_kernels - see image_kernels.h.
 */
#include "engine/cpu/image_kernels.h"

#include <math.h>
#include <string.h>

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

/* ---- The update, which is the most that a step does to every pixel beside the network ---- */

/* Four lanes by name: out of a plain loop over three rows and five sums compilers make no vectors (five times as
 * long). Each lane does what a plain loop would, in its order. */
enum { FOUR = 4 };
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_bits __attribute__((vector_size(16)));

/* x where the mask is set, 0 elsewhere. */
static inline four where(four_bits mask, four x)
{
    return (four)((four_bits)x & mask);
}

static inline four settle(four v, four delta, four grey, const struct image_step *s)
{
    v += delta + s->shift + s->contrast * (s->centre - v) + s->chroma * (grey - v);
    four up = v - grey - s->glare, down = grey - v - s->glare;
    v -= s->glare_pull * where(up > 0.0f, up);
    v += s->glare_pull * where(down > 0.0f, down);
    four over = v - (255.0f - s->margin), under = s->margin - v;
    v -= s->margin_pull * where(over > 0.0f, over);
    v += s->margin_pull * where(under > 0.0f, under);
    v = where(~(v < 0.0f), v);
    four_bits high = v > 255.0f;
    return (four)((four_bits)where(high, (four){255, 255, 255, 255}) | (four_bits)where(~high, v));
}

/* What a row adds to struct image_sums, one sum per lane. */
struct lane_sums {
    four mean, square, chroma, extreme, bad;
};

static inline four beyond(four v)
{
    return where((v < 4.0f) | (v > 251.0f), (four){1, 1, 1, 1});
}

/* Four pixels x of red, green, blue with their momentum m; sums only where `valid`. */
static inline void update_four(four x[3], const four m[3], const struct image_step *s, four_bits valid,
                               struct lane_sums *sums)
{
    four grey = (x[0] + x[1] + x[2]) * (1.0f / 3.0f);
    four sound = grey + s->step * (m[0] + m[1] + m[2]); /* NaN when anything is */
    for (int c = 0; c < 3; c++)
        x[c] = settle(x[c], s->step * m[c], grey, s);
    grey = (x[0] + x[1] + x[2]) * (1.0f / 3.0f);
    four r = x[0] - grey, g = x[1] - grey, b = x[2] - grey;
    sums->mean += where(valid, grey);
    sums->square += where(valid, grey * grey);
    sums->chroma += where(valid, (r * r + g * g + b * b) * (1.0f / 3.0f));
    sums->extreme += where(valid, beyond(x[0]) + beyond(x[1]) + beyond(x[2]));
    sums->bad += where(valid & ~(sound - sound == 0.0f), (four){1, 1, 1, 1});
}

/* Pixels i.. of the rows, FOUR or the last ones. */
static inline void update_at(float *const x[3], const float *const m[3], int i, int count,
                             const struct image_step *s, struct lane_sums *sums)
{
    const four_bits lane = {0, 1, 2, 3};
    size_t bytes = (size_t)count * sizeof(float);
    four pixels[3] = {{0}, {0}, {0}}, moves[3] = {{0}, {0}, {0}};
    for (int c = 0; c < 3; c++) {
        memcpy(&pixels[c], x[c] + i, bytes);
        memcpy(&moves[c], m[c] + i, bytes);
    }
    update_four(pixels, moves, s, lane < count, sums);
    for (int c = 0; c < 3; c++)
        memcpy(x[c] + i, &pixels[c], bytes);
}

static double add_fours(const four *lanes, size_t stride)
{
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += (double)lanes[(size_t)(k / FOUR) * stride][k % FOUR];
    return sum;
}

void image_row_update(float *const x[3], const float *const m[3], int n, const struct image_step *s,
                      struct image_sums *sums)
{
    struct lane_sums lanes[LANES / FOUR] = {{{0}, {0}, {0}, {0}, {0}}};
    const struct image_step step = *s;
    const size_t stride = sizeof lanes[0] / sizeof(four);
    int i = 0;
    for (; i + FOUR <= n; i += FOUR)
        update_at(x, m, i, FOUR, &step, &lanes[i / FOUR % (LANES / FOUR)]);
    if (i < n)
        update_at(x, m, i, n - i, &step, &lanes[i / FOUR % (LANES / FOUR)]);
    sums->mean += add_fours(&lanes[0].mean, stride);
    sums->square += add_fours(&lanes[0].square, stride);
    sums->chroma += add_fours(&lanes[0].chroma, stride);
    sums->extreme += add_fours(&lanes[0].extreme, stride);
    sums->bad += add_fours(&lanes[0].bad, stride);
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
