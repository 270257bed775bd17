/*
 * picture - in and out of the device, warped, waited for. See picture.h.
 */
#include "engine/cuda/module/picture.h"

#include <math.h>
#include <string.h>

static int clear(struct backend *b, void *p, size_t bytes, const char *what)
{
    return cuda_fail(&b->device, cudaMemsetAsync(p, 0, bytes, b->device.stream), what);
}

static int copy(struct backend *b, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                const char *what)
{
    return cuda_fail(&b->device, cudaMemcpyAsync(to, from, bytes, kind, b->device.stream), what);
}

static int copy_picture(struct backend *b, float *to, const float *from)
{
    return copy(b, to, from, b->floats * sizeof *to, cudaMemcpyDeviceToDevice, "picture");
}

static int forget_momentum(struct backend *b)
{
    int rc = clear(b, b->momentum, b->floats * sizeof *b->momentum, "momentum");
    if (rc == 0 && b->second)
        rc = clear(b, b->second, b->floats * sizeof *b->second, "momentum");
    return rc;
}

int picture_put(struct backend *b, const float *rgb)
{
    int rc = cuda_device_enter(&b->device);
    if (rc == 0)
        rc = copy(b, b->x, rgb, b->floats * sizeof *rgb, cudaMemcpyHostToDevice, "picture in");
    if (rc == 0)
        rc = copy_picture(b, b->good, b->x);
    if (rc == 0)
        rc = forget_momentum(b);
    if (rc == 0)
        rc = clear(b, b->state, sizeof *b->state, "sums");
    return picture_verdict(b, rc == 0 ? cuda_device_wait(&b->device) : rc); /* `rgb` may go now */
}

int picture_get(struct backend *b, float *rgb)
{
    int rc = cuda_device_enter(&b->device);
    if (rc == 0)
        rc = copy(b, rgb, b->x, b->floats * sizeof *rgb, cudaMemcpyDeviceToHost, "picture out");
    return picture_verdict(b, rc == 0 ? cuda_device_wait(&b->device) : rc);
}

int picture_get_momentum(struct backend *b, float *out, struct image_sums *sums)
{
    size_t bytes = b->floats * sizeof *out;
    int rc = cuda_device_enter(&b->device);
    if (rc == 0)
        rc = copy(b, out, b->momentum, bytes, cudaMemcpyDeviceToHost, "momentum out");
    if (rc == 0 && b->second)
        rc = copy(b, out + b->floats, b->second, bytes, cudaMemcpyDeviceToHost, "momentum out");
    if (rc == 0)
        rc = copy(b, sums, &b->state->sums, sizeof *sums, cudaMemcpyDeviceToHost, "sums");
    return picture_verdict(b, rc == 0 ? cuda_device_wait(&b->device) : rc);
}

int picture_set_momentum(struct backend *b, const float *in, const struct image_sums *sums)
{
    size_t bytes = b->floats * sizeof *in;
    int rc = cuda_device_enter(&b->device);
    if (rc == 0)
        rc = copy(b, b->momentum, in, bytes, cudaMemcpyHostToDevice, "momentum in");
    if (rc == 0 && b->second)
        rc = copy(b, b->second, in + b->floats, bytes, cudaMemcpyHostToDevice, "momentum in");
    if (rc == 0)
        rc = copy(b, &b->state->sums, sums, sizeof *sums, cudaMemcpyHostToDevice, "sums");
    return picture_verdict(b, rc == 0 ? cuda_device_wait(&b->device) : rc); /* both may go now */
}

/* from, warped, into `to`, and back to where it was: graphs know the buffers by their places. */
static int warp(struct backend *b, float *from, float *to, const struct image_move *by, bool clip)
{
    double a = -by->degrees * M_PI / 180;
    const struct picture_warp w = {.in = from,
                                   .out = to,
                                   .width = b->width,
                                   .height = b->height,
                                   .cx = b->width * (0.5 + by->x),
                                   .cy = b->height * (0.5 + by->y),
                                   .dx = cos(a) / by->zoom,
                                   .dy = sin(a) / by->zoom,
                                   .clip = clip};
    int rc = cuda_fail(&b->device, picture_warp(&w, b->device.stream), "warp");
    return rc == 0 ? copy_picture(b, from, to) : rc;
}

int picture_warp_by(struct backend *b, const struct image_move *by)
{
    int rc = cuda_device_enter(&b->device);
    if (rc == 0)
        rc = warp(b, b->x, b->good, by, true);
    if (rc == 0 && b->config.profile == DREAM_MODERN) /* between steps nobody needs the gradient */
        rc = warp(b, b->momentum, b->gradient, by, false);
    else if (rc == 0)
        rc = forget_momentum(b);
    return picture_verdict(b, rc);
}

/* Has somebody written where nobody should? */
static int check_guards(struct backend *b)
{
    uint8_t zone[PICTURE_GUARD_BYTES];
    int rc = 0;
    for (int i = 0; i < b->guard_count && rc == 0; i++) {
        rc = copy(b, zone, b->guards[i], sizeof zone, cudaMemcpyDeviceToHost, "guards");
        if (rc == 0)
            rc = cuda_device_wait(&b->device);
        for (size_t k = 0; k < sizeof zone && rc == 0; k++)
            if (zone[k] != PICTURE_GUARD)
                rc = cuda_fail(&b->device, cudaErrorIllegalAddress, "a buffer's border was written over");
    }
    return rc;
}

static int restore(struct backend *b)
{
    int rc = copy_picture(b, b->x, b->good);
    if (rc == 0)
        rc = forget_momentum(b);
    return rc == 0 ? clear(b, b->state, sizeof *b->state, "sums") : rc;
}

int picture_finish(struct backend *b, struct image_sums *sums)
{
    *sums = (struct image_sums){0};
    int rc = cuda_device_enter(&b->device);
    if (rc == 0)
        rc = copy(b, b->seen, b->state, sizeof *b->seen, cudaMemcpyDeviceToHost, "sums");
    if (rc == 0)
        rc = cuda_device_wait(&b->device);
    if (rc == 0)
        rc = check_guards(b);
    if (rc < 0)
        return picture_verdict(b, rc);
    picture_deliver(b);
    *sums = b->seen->sums;
    sums->bad = b->seen->bad; /* of all steps since the last look */
    return sums->bad == 0 ? 0 : picture_verdict(b, restore(b));
}
