/*
 * audio - see audio.h. One thread decodes (libavformat, libavcodec) and resamples to 48 kHz stereo float
 * (libswresample) into a ring; the encoder takes from it.
 */
#include "stream/audio.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>

#include "common/log.h"
#include "common/thread.h"
#include "stream/av_log.h"

enum { RING_SAMPLES = 2 * AUDIO_RATE_HZ, CHUNK_SAMPLES = 4096, RETRY_US = 10000000 };

static const struct option rows[] = {
    OPTION_STRING(struct audio_config, source, "silence", 0,
                  "The sound of the show: silence, or a sound file or http(s) address that is played in a "
                  "loop."),
    OPTION_FLOAT(struct audio_config, volume, "1.0", 0, 4, NULL, "Factor on the loudness of the source."),
    OPTION_INT(struct audio_config, bitrate_kbps, "128", 32, 320, "kbit/s", "AAC bit rate."),
};
const struct option_section audio_section =
    OPTION_SECTION("audio", struct audio_config, rows, "Sound: AAC, 48 kHz stereo, always there.");

struct audio {
    const struct audio_config *config; /* immutable after open, as is the next field */
    bool reproducible;
    struct thread thread;
    atomic_bool stop;
    bool warned; /* decoder thread only */

    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t changed;
    float ring[RING_SAMPLES][AUDIO_CHANNELS];
    int64_t written, read; /* samples since open */
    bool silent;           /* nothing comes at present */
};

/* What is open while one pass over the source runs. */
struct decoder {
    AVFormatContext *format;
    AVCodecContext *codec;
    SwrContext *resampler;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
};

static int should_stop(void *context)
{
    struct audio *a = context;
    return atomic_load(&a->stop);
}

static void decoder_close(struct decoder *d)
{
    av_frame_free(&d->frame);
    av_packet_free(&d->packet);
    swr_free(&d->resampler);
    avcodec_free_context(&d->codec);
    avformat_close_input(&d->format);
}

static bool is_url(const struct audio_config *c)
{
    return strstr(c->source, "://") != NULL;
}

static int open_input(struct decoder *d, struct audio *a)
{
    d->format = avformat_alloc_context();
    if (!d->format)
        return AVERROR(ENOMEM);
    d->format->interrupt_callback = (AVIOInterruptCB){should_stop, a};

    /* A playlist on disk must not make us fetch addresses, nor one on the network read our files. */
    AVDictionary *options = NULL;
    av_dict_set(&options, "protocol_whitelist",
                is_url(a->config) ? "http,https,tls,tcp,crypto" : "file,crypto", 0);
    if (is_url(a->config)) {
        av_dict_set(&options, "rw_timeout", "8000000", 0);
        av_dict_set(&options, "tls_verify", "1", 0);
    }
    int rc = avformat_open_input(&d->format, a->config->source, NULL, &options);
    av_dict_free(&options);
    return rc;
}

static int open_codec(struct decoder *d)
{
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

/* Waits until the ring has room for all of it. */
static void ring_write(struct audio *a, const float *samples /* [count][2] */, int count)
{
    float volume = (float)a->config->volume;
    pthread_mutex_lock(&a->lock);
    while (!atomic_load(&a->stop) && a->written - a->read + count > RING_SAMPLES)
        cond_wait_us(&a->changed, &a->lock, -1);
    for (int i = 0; i < count && !atomic_load(&a->stop); i++, a->written++)
        for (int c = 0; c < AUDIO_CHANNELS; c++)
            a->ring[a->written % RING_SAMPLES][c] = samples[i * AUDIO_CHANNELS + c] * volume;
    a->silent = false;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

/* Resamples `frame` (NULL: what is left inside the resampler) into the ring. Returns samples written. */
static int64_t resample(struct audio *a, struct decoder *d, const AVFrame *frame)
{
    float out[CHUNK_SAMPLES * AUDIO_CHANNELS];
    uint8_t *planes[] = {(uint8_t *)out};
    const uint8_t **in = frame ? (const uint8_t **)frame->extended_data : NULL;
    int in_count = frame ? frame->nb_samples : 0;
    int64_t total = 0;
    for (;;) {
        int n = swr_convert(d->resampler, planes, CHUNK_SAMPLES, in, in_count);
        if (n <= 0 || atomic_load(&a->stop))
            return total;
        ring_write(a, out, n);
        total += n;
        in = NULL; /* later rounds only fetch what did not fit */
        in_count = 0;
        if (frame && n < CHUNK_SAMPLES)
            return total;
    }
}

static int64_t drain_codec(struct audio *a, struct decoder *d)
{
    int64_t total = 0;
    while (avcodec_receive_frame(d->codec, d->frame) >= 0) {
        if (d->frame->sample_rate == d->codec->sample_rate &&
            d->frame->ch_layout.nb_channels == d->codec->ch_layout.nb_channels &&
            d->frame->format == d->codec->sample_fmt)
            total += resample(a, d, d->frame);
        av_frame_unref(d->frame);
    }
    return total;
}

/* Plays the source once. Returns the samples it gave, or a negative AVERROR when it could not be opened. */
static int64_t play_once(struct audio *a)
{
    struct decoder d = {.packet = av_packet_alloc(), .frame = av_frame_alloc()};
    int64_t total = 0;
    int rc = d.packet && d.frame ? open_input(&d, a) : AVERROR(ENOMEM);
    if (rc >= 0)
        rc = open_codec(&d);
    if (rc >= 0)
        rc = open_resampler(&d);
    while (rc >= 0 && !atomic_load(&a->stop)) {
        rc = av_read_frame(d.format, d.packet);
        if (rc == AVERROR_EOF || (rc < 0 && total > 0)) {
            avcodec_send_packet(d.codec, NULL);
            total += drain_codec(a, &d) + resample(a, &d, NULL);
            rc = 0;
            break;
        }
        if (rc >= 0 && d.packet->stream_index == d.stream && avcodec_send_packet(d.codec, d.packet) >= 0)
            total += drain_codec(a, &d);
        av_packet_unref(d.packet);
    }
    decoder_close(&d);
    return rc < 0 ? rc : total;
}

static bool is_silence(const struct audio_config *c)
{
    return strcmp(c->source, "silence") == 0 || c->source[0] == '\0';
}

int audio_check(const struct audio_config *c, bool network, char *text, size_t size, struct error *e)
{
    struct decoder d = {.stream = 0};
    text[0] = '\0';
    if (is_silence(c))
        return 0;
    snprintf(text, size, "%.400s", c->source);
    if (is_url(c) && !network)
        return 0;
    struct audio *a = xcalloc(1, sizeof *a);
    a->config = c;
    av_log_forget();
    int rc = open_input(&d, a);
    if (rc >= 0)
        rc = open_codec(&d);
    decoder_close(&d);
    free(a);
    return rc < 0 ? error_set(e, EINVAL,
                              "cannot play \"%.200s\": %s; the show would be silent. Check audio.source",
                              c->source, av_error_describe(rc).text)
                  : 0;
}

static void fall_silent(struct audio *a, int64_t rc)
{
    if (!a->warned && !atomic_load(&a->stop))
        log_warn("audio", "cannot play \"%s\": %s; the show goes on in silence. Check audio.source",
                 a->config->source, rc < 0 ? av_error_describe((int)rc).text : "there is no sound in it");
    a->warned = true;
    pthread_mutex_lock(&a->lock);
    a->silent = true;
    pthread_cond_broadcast(&a->changed);
    if (!atomic_load(&a->stop))
        cond_wait_us(&a->changed, &a->lock, a->reproducible ? -1 : RETRY_US);
    pthread_mutex_unlock(&a->lock);
}

static void *decode_main(void *arg)
{
    struct audio *a = arg;
    while (!atomic_load(&a->stop)) {
        av_log_forget();
        int64_t samples = play_once(a);
        if (samples > 0)
            a->warned = false;
        while (samples <= 0 && !atomic_load(&a->stop)) {
            fall_silent(a, samples);
            if (!a->reproducible)
                break;
        }
    }
    return NULL;
}

int audio_open(struct audio **out, const struct audio_config *c, bool reproducible, struct error *e)
{
    struct audio *a = xcalloc(1, sizeof *a);
    a->config = c;
    a->reproducible = reproducible;
    pthread_mutex_init(&a->lock, NULL);
    cond_init_monotonic(&a->changed);
    a->silent = is_silence(c);
    *out = a;
    int rc = a->silent ? 0 : thread_start(&a->thread, "audio", decode_main, a);
    if (rc < 0) {
        audio_close(out);
        return error_set(e, -rc, "audio: cannot start a thread: %s", strerror(-rc));
    }
    return 0;
}

void audio_close(struct audio **out)
{
    struct audio *a = *out;
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->stop, true);
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    thread_join(&a->thread);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
    *out = NULL;
}

void audio_read(struct audio *a, float *left, float *right, int samples)
{
    pthread_mutex_lock(&a->lock);
    while (a->reproducible && !a->silent && a->written - a->read < samples)
        cond_wait_us(&a->changed, &a->lock, -1);
    for (int i = 0; i < samples; i++) {
        bool there = a->read < a->written;
        const float *sample = a->ring[a->read % RING_SAMPLES];
        left[i] = there ? sample[0] : 0.0f;
        right[i] = there ? sample[1] : 0.0f;
        a->read += there;
    }
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}
