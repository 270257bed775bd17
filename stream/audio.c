/*
 * audio - see audio.h. One thread plays the sources one after the other (audio_list.h, audio_decoder.h) into a ring;
 * the encoder takes from it. What is wrong with a source is said as outage.h has it.
 */
#include "stream/audio.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thread.h"
#include "stream/audio_decoder.h"
#include "stream/audio_list.h"
#include "stream/audio_net.h"
#include "stream/beat.h"
#include "stream/outage.h"

enum {
    RING_SAMPLES = 2 * AUDIO_RATE_HZ,
    STALL_US = 3000000, /* without a sample: the ring is empty, and people hear it */
};

static const struct option rows[] = {
    OPTION_STRING(
        struct audio_config, source, "silence", 0,
        "The sound of the show: silence; synth, a quiet pad of the program's own that follows the dream; or a sound file, a folder of "
        "them, a playlist (.m3u), or an http(s) address, played in a loop."),
    OPTION_FLOAT(struct audio_config, volume, "1.0", 0, 4, NULL, "Factor on the loudness of the source."),
    OPTION_FLOAT(
        struct audio_config, beat, "0", 0, 1, "of the speed",
        "With each beat of a music file, list or address the camera falls faster by up to this share, and slower "
        "between the beats; 0.5 is well seen. 0: the beat does nothing. Needs a build with aubio, and no tape."),
    OPTION_INT(struct audio_config, bitrate_kbps, "128", 32, 320, "kbit/s", "AAC bit rate."),
};
const struct option_section audio_section =
    OPTION_SECTION("audio", struct audio_config, rows, "Sound: AAC, 48 kHz stereo, always there.");

struct audio {
    const struct audio_config *config; /* immutable after open, as are the next two */
    bool reproducible, is_synth;
    struct synth synth; /* caller of audio_read only, as is the next */
    struct beat *beat;  /* NULL: nobody listens for one */
    struct thread thread;
    atomic_bool stop;

    struct outage outage; /* these three: decoder thread only */
    int64_t heard_us;     /* when the last sample came, or this source was begun */
    bool listed;          /* sources of a list that cannot be played have been told */

    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t changed;
    float ring[RING_SAMPLES][AUDIO_CHANNELS];
    int64_t written, read; /* samples since open */
    bool silent;           /* nothing comes at present */
};

/* ---- what is said ---- */

static void tell(const struct audio *a, enum outage_news news, const char *why)
{
    if (news == OUTAGE_BEGINS)
        log_warn("audio",
                 "cannot play \"%s\": %s; the show goes on in silence and tries again. Check audio.source",
                 a->config->source, why);
    if (news == OUTAGE_REMAINS)
        log_warn("audio", "still no sound from \"%s\" after %.0f minutes: %s", a->config->source,
                 (double)(clock_real_us() - a->outage.since_us) / 60e6, why);
}

static void tell_back(struct audio *a)
{
    double lasted_s;
    if (outage_works(&a->outage, clock_real_us(), &lasted_s) == OUTAGE_ENDS)
        log_info("audio", "the sound is back after %.0f s", lasted_s);
}

/* Asked while the network is waited for, which makes it the place to notice that nothing comes. */
static bool should_stop(void *context)
{
    struct audio *a = context;
    int64_t now_us = clock_real_us();
    if (!a->reproducible && now_us - a->heard_us > STALL_US)
        tell(a, outage_stalls(&a->outage, now_us), "it sends nothing");
    return atomic_load(&a->stop);
}

/* ---- the ring ---- */

/* Waits until the ring has room for all of it. */
static void ring_write(void *context, const float *samples /* [count][2] */, int count)
{
    struct audio *a = context;
    float volume = (float)a->config->volume;
    tell_back(a);
    pthread_mutex_lock(&a->lock);
    while (!atomic_load(&a->stop) && a->written - a->read + count > RING_SAMPLES)
        cond_wait_us(&a->changed, &a->lock, -1);
    for (int i = 0; i < count && !atomic_load(&a->stop); i++, a->written++)
        for (int c = 0; c < AUDIO_CHANNELS; c++)
            a->ring[a->written % RING_SAMPLES][c] = samples[i * AUDIO_CHANNELS + c] * volume;
    a->silent = false;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    a->heard_us = clock_real_us();
}

/* ---- the sources, one after the other ---- */

/* Plays it once. Returns the samples it gave, or -errno with the reason. An address that gives next to nothing counts
 * as failed, lest it be asked many times a second. */
static int64_t play_source(struct audio *a, const char *source, struct error *e)
{
    const struct audio_decoder_params p = {source, should_stop, ring_write, a};
    a->heard_us = clock_real_us();
    int64_t samples = audio_decoder_play(&p, e);
    if (samples >= 0 && samples < AUDIO_RATE_HZ && audio_net_is_address(source))
        return error_set(e, ENODATA, "it ends within a second");
    return samples;
}

/* One round. Returns the samples of all, or -errno with the last reason. */
static int64_t play_all(struct audio *a, struct error *e)
{
    struct audio_list list;
    int64_t total = 0, rc = audio_list_read(&list, a->config->source, e);
    for (int i = 0; i < list.count && !atomic_load(&a->stop); i++) {
        rc = play_source(a, list.sources[i], e);
        total += rc > 0 ? rc : 0;
        if (rc < 0 && list.count > 1)
            log_write(a->listed ? LOG_DEBUG : LOG_WARN, "audio", "left out \"%s\": %s", list.sources[i],
                      e->text);
    }
    a->listed = true;
    audio_list_free(&list);
    return total > 0 ? total : rc;
}

/* Waits for its next turn; with what is reproducible, for the end. */
static void fall_silent(struct audio *a, const char *why)
{
    int64_t wait_us, now_us = clock_real_us();
    if (atomic_load(&a->stop))
        return;
    tell(a, outage_fails(&a->outage, now_us, &wait_us), why);
    pthread_mutex_lock(&a->lock);
    a->silent = true;
    pthread_cond_broadcast(&a->changed);
    for (int64_t left_us = wait_us; !atomic_load(&a->stop) && left_us > 0;
         left_us = a->reproducible ? wait_us : now_us + wait_us - clock_real_us())
        cond_wait_us(&a->changed, &a->lock, a->reproducible ? -1 : left_us);
    pthread_mutex_unlock(&a->lock);
}

static void *decode_main(void *arg)
{
    struct audio *a = arg;
    while (!atomic_load(&a->stop)) {
        struct error why = {"there is no sound in it"};
        if (play_all(a, &why) <= 0)
            fall_silent(a, why.text);
    }
    return NULL;
}

static bool is_silence(const struct audio_config *c)
{
    return strcmp(c->source, "silence") == 0 || c->source[0] == '\0';
}

static bool is_synth(const struct audio_config *c)
{
    return strcmp(c->source, "synth") == 0;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

int audio_check(const struct audio_config *c, bool network, char *text, size_t size, struct error *e)
{
    struct audio_list list;
    struct error why = {""};
    text[0] = '\0';
    if (is_silence(c))
        return 0;
    snprintf(text, size, "%.400s", c->source);
    if (is_synth(c))
        return 0;
    int rc = audio_list_read(&list, c->source, &why);
    if (rc == 0 && (network || !audio_net_is_address(list.sources[0]))) {
        const struct audio_decoder_params p = {.source = list.sources[0], .should_stop = never};
        rc = audio_decoder_look(&p, &why);
    }
    audio_list_free(&list);
    return rc < 0 ? error_set(e, EINVAL,
                              "cannot play \"%.200s\": %.200s; the show would be silent. Check audio.source",
                              c->source, why.text)
                  : 0;
}

int audio_open(struct audio **out, const struct audio_config *c, bool reproducible, struct error *e)
{
    struct audio *a = xcalloc(1, sizeof *a);
    a->config = c;
    a->reproducible = reproducible;
    pthread_mutex_init(&a->lock, NULL);
    cond_init_monotonic(&a->changed);
    a->is_synth = is_synth(c);
    a->silent = is_silence(c) || a->is_synth;
    synth_init(&a->synth, reproducible ? 0 : (uint64_t)clock_real_us());
    a->outage.jitter = rng_make((uint64_t)clock_real_us(), 0);
    *out = a;
    int rc = a->silent || c->beat <= 0 ? 0 : beat_open(&a->beat, c->beat, e);
    if (rc == 0 && !a->silent && (rc = thread_start(&a->thread, "audio", decode_main, a)) < 0)
        error_set(e, -rc, "audio: cannot start a thread: %s", strerror(-rc));
    if (rc < 0)
        audio_close(out);
    return rc;
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
    beat_close(&a->beat);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
    *out = NULL;
}

void audio_set_mood(struct audio *a, const struct synth_mood *m)
{
    synth_set_mood(&a->synth, m);
}

static void read_synth(struct audio *a, float *left, float *right, int samples)
{
    float volume = (float)a->config->volume;
    synth_render(&a->synth, left, right, samples);
    for (int i = 0; i < samples; i++) {
        left[i] *= volume;
        right[i] *= volume;
    }
}

void audio_read(struct audio *a, float *left, float *right, int samples)
{
    if (a->is_synth) {
        read_synth(a, left, right, samples);
        return;
    }
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
    beat_hear(a->beat, left, right, samples);
}

double audio_beat(const struct audio *a)
{
    return beat_now(a->beat);
}
