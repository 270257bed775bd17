/*
 * audio - where the sound of the show comes from: silence, a synthesizer, or a file, a folder, a playlist or an address
 * that is looped.
 *
 * Ingest servers expect an audio track, so there is always one. A source is decoded ahead by its own thread
 * into a ring of two seconds, so that a slow disk or network never holds up the encoder: what is missing in a
 * live show is silence. A source that cannot be read, or stops, is told at once, reminded of every ten minutes, asked
 * again after 1, 2, 4 ... 60 s, told when it is back, and is silence meanwhile.
 */
#ifndef STREAM_AUDIO_H
#define STREAM_AUDIO_H

#include <stdbool.h>
#include <stddef.h>

#include "config/option.h"
#include "stream/synth.h"

enum { AUDIO_RATE_HZ = 48000, AUDIO_CHANNELS = 2 };

struct audio_config {
    char source[OPTION_STRING_BYTES]; /* "silence", "synth", a path or an address */
    double volume;
    double beat; /* 0: nobody listens for one */
    int64_t bitrate_kbps;
};
extern const struct option_section audio_section;

struct audio;

/* `reproducible`: audio_read waits for the decoder instead of filling in silence, and a source that fails is
 * not tried again. 0 or -errno (no thread could be started). `c` must outlive the audio. */
int audio_open(struct audio **a, const struct audio_config *c, bool reproducible, struct error *e);
void audio_close(struct audio **a); /* NULL is fine */

/* Can the source be played? Reads its beginning; an address only when the network may be used. 0 with a line in `text`
 * ("": silence), or -errno with a line in `e`. */
int audio_check(const struct audio_config *c, bool network, char *text, size_t size, struct error *e);

/* What the synthesizer goes by from now on; other sources have no ear for it. By the caller of audio_read. */
void audio_set_mood(struct audio *a, const struct synth_mood *m);

/* By how much the beat of what audio_read gave quickens the fall now, share of its speed: 0 .. config.beat. 0 for silence and
 * the synthesizer. By the caller of audio_read. */
double audio_beat(const struct audio *a);

/* The next `samples` of both channels, -1..1. One caller at a time; does not block in a live show. */
void audio_read(struct audio *a, float *left, float *right, int samples);

#endif
