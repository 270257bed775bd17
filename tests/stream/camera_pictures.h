/*
 * camera_pictures - what the tests of the camera share: frames with canaries, keyframes to push, and looks at
 * the middle of what comes out. Include cmocka first.
 */
#ifndef TESTS_STREAM_CAMERA_PICTURES_H
#define TESTS_STREAM_CAMERA_PICTURES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "stream/camera.h"

static uint32_t random_state = 1;

static inline uint32_t random32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static const struct camera_config classic = {
    .zoom = 1.05, .rotation = 0.25, .filter = CAMERA_BILINEAR, .blend = CAMERA_LINEAR, .linger_s = 30};
static const struct camera_config modern = {.zoom = 1.05,
                                            .rotation = 0.25,
                                            .filter = CAMERA_BICUBIC,
                                            .blend = CAMERA_SMOOTH,
                                            .border_px = 24,
                                            .linger_s = 30,
                                            .follow = true};

/* A frame with canaries behind every row. */
enum { CANARY = 0xa5, CANARY_BYTES = 7 };

static inline struct frame new_frame(int width, int height)
{
    struct frame f = {.width_px = width, .height_px = height};
    for (int i = 0; i < 3; i++) {
        int w = i == 0 ? width : (width + 1) / 2, h = i == 0 ? height : (height + 1) / 2;
        f.strides[i] = w + CANARY_BYTES;
        f.planes[i] = xmalloc((size_t)(f.strides[i] * h));
        memset(f.planes[i], CANARY, (size_t)(f.strides[i] * h));
    }
    return f;
}

static inline void check_canaries(const struct frame *f)
{
    for (int i = 0; i < 3; i++) {
        int w = i == 0 ? f->width_px : (f->width_px + 1) / 2,
            h = i == 0 ? f->height_px : (f->height_px + 1) / 2;
        for (int y = 0; y < h; y++)
            for (int x = w; x < f->strides[i]; x++)
                assert_int_equal(f->planes[i][y * f->strides[i] + x], CANARY);
    }
}

static inline void free_frame(struct frame *f)
{
    for (int i = 0; i < 3; i++)
        free(f->planes[i]);
}

/* A picture of noise, full contrast, so that every misplaced sample shows. */
static inline struct keyframe noise(int width, int height, int64_t z)
{
    struct keyframe k = {.width_px = width, .height_px = height, .z_frames = z};
    k.rgb = buffer_alloc(sizeof(float) * 3 * (size_t)(width * height));
    for (int i = 0; i < 3 * width * height; i++)
        k.rgb[i] = (float)(random32() % 256);
    return k;
}

/* Broad waves: a picture that hardly depends on the filter. */
static inline struct keyframe waves(int width, int height, int64_t z)
{
    struct keyframe k = noise(width, height, z);
    for (int i = 0; i < 3 * width * height; i++)
        k.rgb[i] = (float)(128 + 100 * sin(i % width * 0.1) * cos(i / width % height * 0.1));
    return k;
}

static inline struct keyframe flat(float value, int64_t z)
{
    struct keyframe k = noise(64, 36, z);
    for (int i = 0; i < 3 * 64 * 36; i++)
        k.rgb[i] = value;
    return k;
}

static inline void push(struct camera *c, struct keyframe k)
{
    assert_int_equal(camera_push(c, &k), 0);
    free(k.rgb); /* the camera must not need it any more */
}

static inline struct camera *open_camera(const struct camera_config *config, int width, int height,
                                         struct pool *pool)
{
    struct camera *c;
    struct error e;
    assert_int_equal(camera_open(&c, &(struct camera_params){config, 25, width, height, pool}, &e), 0);
    return c;
}

static inline int middle_luma(struct camera *c, const struct frame *f)
{
    camera_render(c, f);
    return f->planes[0][f->height_px / 2 * f->strides[0] + f->width_px / 2];
}

/* Runs `frames` frames and returns the largest change of brightness from one to the next. */
static inline int largest_step(struct camera *c, const struct frame *f, int frames, int *last)
{
    int most = 0;
    for (int i = 0; i < frames; i++, camera_advance(c)) {
        int now = middle_luma(c, f), step = abs(now - *last);
        most = step > most ? step : most;
        *last = now;
    }
    return most;
}

#endif
