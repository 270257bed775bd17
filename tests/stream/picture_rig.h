/*
 * picture_rig - what the tests of still pictures share: a folder of their own, files in it, and an encoder that is not the
 * program's.
 */
#ifndef TESTS_STREAM_PICTURE_RIG_H
#define TESTS_STREAM_PICTURE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "stream/picture.h"

static char folder[] = "/tmp/reverie-picture-XXXXXX";

/* A path in the test's folder; good until the next call but three. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void put_file(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

static inline size_t get_file(const char *path, uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(data, 1, size, f);
    fclose(f);
    return n;
}

static inline float *must_read(const char *path, int width, int height)
{
    float *rgb;
    int w, h;
    struct error e = {""};
    if (picture_read(path, &rgb, &w, &h, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(w, width);
    assert_int_equal(h, height);
    return rgb;
}

/* Encodes one frame that `fill` painted. The bytes are the whole file for PNG, JPEG, BMP and WebP. */
static inline AVPacket *encode(enum AVCodecID id, enum AVPixelFormat format, int width, int height,
                               void (*fill)(AVFrame *))
{
    const AVCodec *codec = avcodec_find_encoder(id);
    if (!codec)
        return NULL;
    AVCodecContext *c = avcodec_alloc_context3(codec);
    AVFrame *f = av_frame_alloc();
    AVPacket *p = av_packet_alloc();
    c->width = f->width = width;
    c->height = f->height = height;
    c->pix_fmt = format;
    f->format = format;
    c->time_base = (AVRational){1, 25};
    c->flags |= AV_CODEC_FLAG_QSCALE;
    c->global_quality = f->quality = FF_QP2LAMBDA; /* the best */
    c->qmin = 1;
    if (id == AV_CODEC_ID_WEBP)
        c->global_quality = 95 * FF_QP2LAMBDA;
    assert_int_equal(avcodec_open2(c, codec, NULL), 0);
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    fill(f);
    assert_int_equal(avcodec_send_frame(c, f), 0);
    avcodec_send_frame(c, NULL);
    assert_int_equal(avcodec_receive_packet(c, p), 0);
    avcodec_free_context(&c);
    av_frame_free(&f);
    return p;
}

static inline int make_folder(void **state)
{
    (void)state;
    av_log_set_level(AV_LOG_QUIET);
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

#endif
