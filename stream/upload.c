/*
 * upload - see upload.h.
 */
#include "stream/upload.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/error.h>
#include <libavutil/hwcontext.h>

#include "common/mem.h"

struct upload {
    AVBufferRef *device, *pool;
    AVFrame *staging; /* NV12 in memory */
    AVFrame *frame;   /* NV12 in the card's memory, of the pool; empty between two calls */
};

static int make_pool(struct upload *u, int width_px, int height_px)
{
    u->pool = av_hwframe_ctx_alloc(u->device);
    if (!u->pool)
        return AVERROR(ENOMEM);
    AVHWFramesContext *c = (AVHWFramesContext *)u->pool->data;
    c->format = AV_PIX_FMT_CUDA;
    c->sw_format = AV_PIX_FMT_NV12;
    c->width = width_px;
    c->height = height_px;
    return av_hwframe_ctx_init(u->pool);
}

static int make_frames(struct upload *u, int width_px, int height_px)
{
    u->staging = av_frame_alloc();
    u->frame = av_frame_alloc();
    if (!u->staging || !u->frame)
        return AVERROR(ENOMEM);
    u->staging->format = AV_PIX_FMT_NV12;
    u->staging->width = width_px;
    u->staging->height = height_px;
    return av_frame_get_buffer(u->staging, 0);
}

int upload_open(struct upload **out, int gpu, int width_px, int height_px)
{
    struct upload *u = *out = xcalloc(1, sizeof *u);
    char name[16];
    snprintf(name, sizeof name, "%d", gpu);
    int rc = av_hwdevice_ctx_create(&u->device, AV_HWDEVICE_TYPE_CUDA, name, NULL, 0);
    if (rc >= 0)
        rc = make_pool(u, width_px, height_px);
    if (rc >= 0)
        rc = make_frames(u, width_px, height_px);
    if (rc < 0)
        upload_close(out);
    return rc < 0 ? rc : 0;
}

void upload_close(struct upload **out)
{
    struct upload *u = *out;
    if (!u)
        return;
    av_frame_free(&u->frame);
    av_frame_free(&u->staging);
    av_buffer_unref(&u->pool);
    av_buffer_unref(&u->device);
    free(u);
    *out = NULL;
}

AVBufferRef *upload_pool(const struct upload *u)
{
    return u->pool;
}

void upload_interleave(const AVFrame *from, AVFrame *to)
{
    for (int y = 0; y < from->height; y++)
        memcpy(to->data[0] + (ptrdiff_t)y * to->linesize[0], from->data[0] + (ptrdiff_t)y * from->linesize[0],
               (size_t)from->width);
    for (int y = 0; y < from->height / 2; y++) {
        const uint8_t *cb = from->data[1] + (ptrdiff_t)y * from->linesize[1];
        const uint8_t *cr = from->data[2] + (ptrdiff_t)y * from->linesize[2];
        uint8_t *pairs = to->data[1] + (ptrdiff_t)y * to->linesize[1];
        for (int x = 0; x < from->width / 2; x++) {
            pairs[2 * x] = cb[x];
            pairs[2 * x + 1] = cr[x];
        }
    }
}

int upload_frame(struct upload *u, const AVFrame *from, AVFrame **out)
{
    av_frame_unref(u->frame);
    int rc = av_hwframe_get_buffer(u->pool, u->frame, 0);
    if (rc < 0)
        return rc;
    upload_interleave(from, u->staging);
    rc = av_hwframe_transfer_data(u->frame, u->staging, 0);
    if (rc >= 0)
        rc = av_frame_copy_props(u->frame, from);
    *out = u->frame;
    return rc < 0 ? rc : 0;
}
