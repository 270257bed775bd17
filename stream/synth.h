/*
 * synth - a quiet pad that plays for ever and follows the dream: slow chords of soft tones, chosen by a seed.
 *
 * For shows without a source of sound, so that the stream is not silent and nobody holds rights in it. Four notes of a
 * mode swell and fade into the next four; each is two slightly detuned tones with harmonics, left and right. What is dreamed
 * decides root and mode, and a new dream brings a new chord as soon as the one before has faded; how surely the network sees
 * it decides how bright the sound is, within seconds; how fast the camera falls, how long a chord lasts. The
 * same seed and the same moods give the same samples, in whatever portions.
 */
#ifndef STREAM_SYNTH_H
#define STREAM_SYNTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/rng.h"

enum { SYNTH_HARMONICS = 3, SYNTH_TONES = 8 * SYNTH_HARMONICS };

/* What the pad goes by. */
struct synth_mood {
    uint64_t subject;     /* any number for each thing that is dreamed; 0: nothing */
    double belief;        /* how surely it is seen, 0..1; < 0: not known */
    double octaves_per_s; /* of zoom, either way */
};

/* A turning pointer: its height is the sample. */
struct synth_tone {
    double re, im, turn_re, turn_im;
    float left, right;
};

struct synth {
    struct rng rng;
    struct synth_mood mood;
    int64_t at, ends;                        /* samples since the chord began, and at which it ends */
    double bright;                           /* 0..1, follows the belief */
    int degree;                              /* of the scale: the chord's lowest note */
    struct synth_tone chord[2][SYNTH_TONES]; /* the present one, the one before; a tone, then its harmonics */
};

void synth_init(struct synth *s, uint64_t seed);

/* From the next sample on. */
void synth_set_mood(struct synth *s, const struct synth_mood *m);

/* The next `samples` of both channels at 48 kHz, within -1..1; about -24 dB RMS. */
void synth_render(struct synth *s, float *left, float *right, int samples);

#endif
