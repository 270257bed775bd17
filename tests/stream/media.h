/*
 * media - what the stream tests share: a moving picture, a temporary folder, and a file taken apart again.
 */
#ifndef TESTS_STREAM_MEDIA_H
#define TESTS_STREAM_MEDIA_H

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavformat/avformat.h>
#include <libavcodec/avcodec.h>

#include "common/mem.h"
#include "stream/encoder.h"

/* Something that moves, with a flat 16x16 block at the top left whose grey level says which frame it is. */
static inline void media_draw(const struct frame *f, int64_t n)
{
    for (int y = 0; y < f->height_px; y++)
        for (int x = 0; x < f->width_px; x++)
            f->planes[0][y * f->strides[0] + x] =
                (uint8_t)(x < 16 && y < 16 ? 16 + n * 4 % 200 : 16 + ((x + 3 * n) ^ (y + n)) % 200);
    for (int p = 1; p < 3; p++)
        for (int y = 0; y < f->height_px / 2; y++)
            for (int x = 0; x < f->width_px / 2; x++)
                f->planes[p][y * f->strides[p] + x] = (uint8_t)(64 + (x + y * p + n) % 128);
}

static inline struct video_config media_video(int width, int height)
{
    struct video_config v;
    option_defaults(&video_section, &v);
    v.size = (struct option_size){width, height};
    v.encoder = VIDEO_ENCODER_LIBX264;
    return v;
}

static inline struct audio_config media_silence(void)
{
    struct audio_config a;
    option_defaults(&audio_section, &a);
    return a;
}

static inline struct encoder *media_encoder(const struct video_config *v, const struct audio_config *a)
{
    struct encoder *e = NULL;
    struct error error = {""};
    struct encoder_params p = {.video = v, .audio = a, .fps = (int)v->fps, .reproducible = true};
    if (encoder_open(&e, &p, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
    return e;
}

static inline void media_encode(struct encoder *e, int64_t from, int64_t count, encoder_packet_fn *fn,
                                void *context)
{
    for (int64_t n = from; n < from + count; n++) {
        struct frame f;
        if (!encoder_picture(e, &f))
            abort();
        media_draw(&f, n);
        if (encoder_push(e, fn, context) < 0)
            abort();
    }
}

/* A new folder under $TMPDIR; free() the name. */
static inline char *media_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    char *name = xasprintf("%s/reverie-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(name))
        abort();
    return name;
}

static inline int media_by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static inline int media_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* The n-th file of a folder by name, or NULL; free() it. */
static inline char *media_file(const char *folder, int n)
{
    struct dirent **list = NULL;
    int count = scandir(folder, &list, media_visible, media_by_name);
    char *path = count > n ? xasprintf("%s/%s", folder, list[n]->d_name) : NULL;
    for (int i = 0; i < count; i++)
        free(list[i]);
    free(list);
    return path;
}

static inline int media_file_count(const char *folder)
{
    int n = 0;
    for (char *path; (path = media_file(folder, n)); n++)
        free(path);
    return n;
}

static inline void media_remove(char *folder)
{
    for (char *path; (path = media_file(folder, 0));) {
        if (unlink(path) < 0 && rmdir(path) < 0)
            abort();
        free(path);
    }
    rmdir(folder);
    free(folder);
}

/* What a demuxer and a decoder find in a file. */
struct media_report {
    int width, height;
    enum AVCodecID codec[2];
    AVRational fps, guessed_fps;
    double duration_s;
    int video_packets, audio_packets, pictures;
    int uneven;         /* packets of either track that do not follow the one before exactly */
    int first_picture;  /* number painted into the first decoded picture (modulo 50), -1: none */
    int wrong_pictures; /* decoded pictures whose number is not the one before plus one */
    int64_t first_video_pts_us, first_audio_pts_us;
    int64_t last_end_us[2];
    bool starts_with_idr;
};

static inline void media_decode(AVCodecContext *c, const AVPacket *p, AVFrame *f, struct media_report *r,
                                int *number)
{
    avcodec_send_packet(c, p);
    while (avcodec_receive_frame(c, f) >= 0) {
        int seen = (f->data[0][8 * f->linesize[0] + 8] - 16 + 2) / 4;
        if (r->first_picture < 0)
            r->first_picture = seen;
        else
            r->wrong_pictures += seen != (*number + 1) % 50;
        *number = seen;
        r->pictures++;
    }
}

static inline int media_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Counts gaps between shown pictures (sorted by pts) that are not exactly one frame. */
static inline int media_gaps(int64_t *pts, int count, int64_t step)
{
    int gaps = 0;
    qsort(pts, (size_t)count, sizeof *pts, media_compare);
    for (int i = 1; i < count; i++)
        gaps += pts[i] - pts[i - 1] != step;
    return gaps;
}

static inline void media_note(struct media_report *r, const AVPacket *p, const AVStream *s)
{
    int t = p->stream_index;
    int64_t pts_us = av_rescale_q(p->pts, s->time_base, AV_TIME_BASE_Q);
    int64_t end_us = av_rescale_q(p->pts + p->duration, s->time_base, AV_TIME_BASE_Q);
    if (end_us > r->last_end_us[t])
        r->last_end_us[t] = end_us;
    if (t == 0 && r->video_packets++ == 0) {
        r->first_video_pts_us = pts_us;
        r->starts_with_idr = p->flags & AV_PKT_FLAG_KEY;
    } else if (t == 1 && r->audio_packets++ == 0) {
        r->first_audio_pts_us = pts_us;
    }
}

/* 0, or the AVERROR with which the file could not be opened. */
static inline int media_inspect(const char *path, int fps, struct media_report *r)
{
    static int64_t pts[2][1 << 16];
    AVFormatContext *format = NULL;
    *r = (struct media_report){.first_picture = -1};
    int rc = avformat_open_input(&format, path, NULL, NULL);
    if (rc >= 0)
        rc = avformat_find_stream_info(format, NULL);
    if (rc < 0 || format->nb_streams != 2) {
        avformat_close_input(&format);
        return rc < 0 ? rc : AVERROR_STREAM_NOT_FOUND;
    }
    const AVStream *video = format->streams[0], *audio = format->streams[1];
    r->width = video->codecpar->width;
    r->height = video->codecpar->height;
    r->codec[0] = video->codecpar->codec_id;
    r->codec[1] = audio->codecpar->codec_id;
    r->fps = video->avg_frame_rate;
    r->guessed_fps = video->r_frame_rate;
    r->duration_s = (double)format->duration / AV_TIME_BASE;

    AVCodecContext *decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
    avcodec_parameters_to_context(decoder, video->codecpar);
    decoder->thread_count = 1;
    avcodec_open2(decoder, NULL, NULL);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    int number = 0;
    while (av_read_frame(format, packet) >= 0) {
        int t = packet->stream_index, n = t ? r->audio_packets : r->video_packets;
        pts[t][n % (1 << 16)] = packet->pts;
        media_note(r, packet, format->streams[t]);
        if (t == 0)
            media_decode(decoder, packet, frame, r, &number);
        av_packet_unref(packet);
    }
    media_decode(decoder, NULL, frame, r, &number);
    r->uneven =
        media_gaps(pts[0], r->video_packets, av_rescale_q(1, (AVRational){1, fps}, video->time_base)) +
        media_gaps(pts[1], r->audio_packets, av_rescale_q(1024, (AVRational){1, 48000}, audio->time_base));
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&decoder);
    avformat_close_input(&format);
    return 0;
}

#endif
