/*
 * audio_decoder - see audio_decoder.h.
 */
#include "stream/audio_decoder.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>

#include "common/file.h"
#include "stream/audio.h"
#include "stream/audio_net.h"
#include "stream/av_log.h"

enum { CHUNK_SAMPLES = 4096 };

/* What sound comes in. The libraries know some 350 formats, a few of which name other files and addresses; playlists of
 * files are read by audio_list, of addresses by the libraries, through audio_net. */
#define FORMATS "aac,ac3,aiff,ape,asf,au,caf,eac3,flac,matroska,mov,mp3,mpegts,ogg,tta,w64,wav,wv"

struct decoder {
    const struct audio_decoder_params *p;
    struct audio_net *net; /* NULL: a file */
    AVFormatContext *format;
    AVCodecContext *codec;
    SwrContext *resampler;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
};

static int should_stop(void *context)
{
    const struct audio_decoder_params *p = context;
    return p->should_stop(p->context);
}

static void decoder_close(struct decoder *d)
{
    av_frame_free(&d->frame);
    av_packet_free(&d->packet);
    swr_free(&d->resampler);
    avcodec_free_context(&d->codec);
    avformat_close_input(&d->format);
    audio_net_close(&d->net);
}

static int open_file(const struct decoder *d, AVDictionary **options)
{
    struct stat st;
    int fd = file_open_regular(d->p->source, &st, NULL);
    if (fd < 0)
        return AVERROR(-fd);
    close(fd);
    av_dict_set(options, "format_whitelist", FORMATS, 0);
    return av_dict_set(options, "protocol_whitelist", "file", 0);
}

/* The demuxer of HLS is not to keep connections: it would use them past audio_net. */
static int open_address(struct decoder *d, AVDictionary **options)
{
    const AVIOInterruptCB stop = {should_stop, (void *)d->p};
    av_dict_set(options, "http_persistent", "0", 0);
    av_dict_set(options, "http_multiple", "0", 0);
    av_dict_set(options, "format_whitelist", FORMATS ",hls", 0);
    av_dict_set(options, "protocol_whitelist", "http,https,tls,tcp,crypto", 0);
    return audio_net_open(&d->net, d->format, d->p->source, stop);
}

static int open_input(struct decoder *d)
{
    AVDictionary *options = NULL;
    d->format = avformat_alloc_context();
    if (!d->format)
        return AVERROR(ENOMEM);
    d->format->interrupt_callback = (AVIOInterruptCB){should_stop, (void *)d->p};
    int rc = audio_net_is_address(d->p->source) ? open_address(d, &options) : open_file(d, &options);
    if (rc >= 0)
        rc = avformat_open_input(&d->format, d->p->source, NULL, &options);
    av_dict_free(&options);
    return rc;
}

static int open_codec(struct decoder *d)
{
    audio_net_step(d->net);
    int rc = avformat_find_stream_info(d->format, NULL);
    if (rc < 0)
        return rc;
    const AVCodec *codec = NULL;
    d->stream = av_find_best_stream(d->format, AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);
    if (d->stream < 0)
        return d->stream;
    d->codec = avcodec_alloc_context3(codec);
    if (!d->codec)
        return AVERROR(ENOMEM);
    if ((rc = avcodec_parameters_to_context(d->codec, d->format->streams[d->stream]->codecpar)) < 0)
        return rc;
    return avcodec_open2(d->codec, codec, NULL);
}

static int open_resampler(struct decoder *d)
{
    AVChannelLayout stereo = AV_CHANNEL_LAYOUT_STEREO, in;
    if (d->codec->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&in, d->codec->ch_layout.nb_channels);
    else if (av_channel_layout_copy(&in, &d->codec->ch_layout) < 0)
        return AVERROR(ENOMEM);
    int rc = swr_alloc_set_opts2(&d->resampler, &stereo, AV_SAMPLE_FMT_FLT, AUDIO_RATE_HZ, &in,
                                 d->codec->sample_fmt, d->codec->sample_rate, 0, NULL);
    av_channel_layout_uninit(&in);
    return rc < 0 ? rc : swr_init(d->resampler);
}

/* Resamples `frame` (NULL: what is left inside the resampler) and hands it over. Returns samples written. */
static int64_t resample(struct decoder *d, const AVFrame *frame)
{
    float out[CHUNK_SAMPLES * AUDIO_CHANNELS];
    uint8_t *planes[] = {(uint8_t *)out};
    const uint8_t **in = frame ? (const uint8_t **)frame->extended_data : NULL;
    int in_count = frame ? frame->nb_samples : 0;
    int64_t total = 0;
    for (;;) {
        int n = swr_convert(d->resampler, planes, CHUNK_SAMPLES, in, in_count);
        if (n <= 0 || should_stop((void *)d->p))
            return total;
        d->p->samples(d->p->context, out, n);
        total += n;
        in = NULL; /* later rounds only fetch what did not fit */
        in_count = 0;
        if (frame && n < CHUNK_SAMPLES)
            return total;
    }
}

static int64_t drain_codec(struct decoder *d)
{
    int64_t total = 0;
    while (avcodec_receive_frame(d->codec, d->frame) >= 0) {
        if (d->frame->sample_rate == d->codec->sample_rate &&
            d->frame->ch_layout.nb_channels == d->codec->ch_layout.nb_channels &&
            d->frame->format == d->codec->sample_fmt)
            total += resample(d, d->frame);
        av_frame_unref(d->frame);
    }
    return total;
}

static int open_all(struct decoder *d)
{
    av_log_forget();
    int rc = open_input(d);
    return rc < 0 ? rc : open_codec(d);
}

/* Why there is no sound, in words. */
static int explain(const struct decoder *d, int rc, struct error *e)
{
    const char *refused = audio_net_refused(d->net);
    if (refused[0])
        return error_set(e, EACCES, "%s", refused);
    if (rc >= 0 || rc == AVERROR_EOF)
        return error_set(e, ENODATA, "there is no sound in it");
    return error_set(e, EIO, "%s", av_error_describe(rc).text);
}

static int64_t decode_all(struct decoder *d, int *rc)
{
    int64_t total = 0;
    while (*rc >= 0 && !should_stop((void *)d->p)) {
        audio_net_step(d->net);
        *rc = av_read_frame(d->format, d->packet);
        if (*rc == AVERROR_EOF || (*rc < 0 && total > 0)) {
            avcodec_send_packet(d->codec, NULL);
            return total + drain_codec(d) + resample(d, NULL);
        }
        if (*rc >= 0 && d->packet->stream_index == d->stream && avcodec_send_packet(d->codec, d->packet) >= 0)
            total += drain_codec(d);
        av_packet_unref(d->packet);
    }
    return total;
}

int64_t audio_decoder_play(const struct audio_decoder_params *p, struct error *e)
{
    struct decoder d = {.p = p, .packet = av_packet_alloc(), .frame = av_frame_alloc()};
    int rc = d.packet && d.frame ? open_all(&d) : AVERROR(ENOMEM);
    if (rc >= 0)
        rc = open_resampler(&d);
    int64_t total = decode_all(&d, &rc);
    if (total == 0)
        total = explain(&d, rc, e);
    decoder_close(&d);
    return total;
}

int audio_decoder_look(const struct audio_decoder_params *p, struct error *e)
{
    struct decoder d = {.p = p};
    int rc = open_all(&d);
    if (rc < 0)
        rc = explain(&d, rc, e);
    decoder_close(&d);
    return rc;
}
