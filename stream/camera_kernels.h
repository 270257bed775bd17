/*
 * camera_kernels - the camera's inner loops: sample one or two planes along a straight line, blend, round.
 *
 * All arithmetic is fixed-point and defined to the bit, so every tier gives the same bytes:
 *
 *   samples    unsigned, 6 fraction bits: value * 64, at most 255 * 64 (they pass signed 16-bit lanes)
 *   positions  16.16; clamped to the plane first (edges are continued), then 14 bits of fraction are used
 *   in x       (p0 (16384 - f) + p1 f + 2^12) >> 13         7 fraction bits
 *   in y       the same with 2^13 and >> 14                 7 fraction bits
 *   blend      (older (16384 - w) + newer w + 2^20) >> 21   the byte
 *   one only   (older + 2^6) >> 7                           the byte
 *   as light   of luma: sqrt(m^2 + w (1 - w) (older - newer)^2), m = older (1 - w) + newer w, all above black: the
 *              mean of squares, for light goes nearly as the square of luma; in integers but for the root, which
 *              IEEE has exact to the bit
 *
 * The error against real arithmetic is under 0.04 of a level, before the final rounding.
 */
#ifndef STREAM_CAMERA_KERNELS_H
#define STREAM_CAMERA_KERNELS_H

#include <stdint.h>

enum {
    SAMPLE_BITS = 6,
    SAMPLE_MAX = 255 << SAMPLE_BITS,
    POSITION_BITS = 16,
    WEIGHT_BITS = 14,
    WEIGHT_ONE = 1 << WEIGHT_BITS,
    SAMPLE_OVERREAD = 8, /* samples that may be read behind the end of a plane (and are not used) */
    SAMPLE_BLACK = 16 << (SAMPLE_BITS + 1), /* luma of black, 7 fraction bits */
    LINE_MAX = 64, /* longest line of one call: bounds what the rounded step adds up to */
};

/* A plane to sample from. One column and one row more than width and height stand behind it, repeating the
 * last, so that the right and lower neighbour can always be read. stride > width. */
struct sample_plane {
    uint16_t *samples; /* [height + 1][stride] */
    int width, height, stride;
};

/* Pixel i of the line is sampled at (x + i dx, y + i dy), 16.16, in samples. No position may leave int32. */
struct sample_line {
    const struct sample_plane *plane;
    int32_t x, y, dx, dy;
};

struct camera_kernels {
    const char *name;

    /* out[0..n), 1 <= n <= LINE_MAX. */
    void (*one)(uint8_t *out, int n, const struct sample_line *line);

    /* newer_weight: [n], 0..WEIGHT_ONE; readable up to LINE_MAX. */
    void (*two)(uint8_t *out, int n, const struct sample_line *older, const struct sample_line *newer,
                const uint16_t *newer_weight);
    /* The same for luma, mixed as light. */
    void (*two_light)(uint8_t *out, int n, const struct sample_line *older, const struct sample_line *newer,
                      const uint16_t *newer_weight);
};

/* A row's distances to the four sides of the newer keyframe, in output pixels, positive inside; affine along
 * the row: first + i * step. */
struct border {
    float first[4], step[4];
    float gain, bias; /* share of the weight = smoothstep(clamp(nearest side * gain + bias, 0, 1)) */
};

/* weights[i] for the row's samples at + i, 0 <= i < LINE_MAX: the share of `weight` that
 * the border leaves. */
void camera_border_weights(uint16_t weights[LINE_MAX], const struct border *b, int at, int weight);

extern const struct camera_kernels camera_kernels_c;
extern const struct camera_kernels camera_kernels_avx2;

/* The fastest tier that this processor has. */
const struct camera_kernels *camera_kernels_best(void);

#endif
