/*
 * synth - a quiet pad that plays for ever: slow chords of soft tones, chosen by a seed.
 *
 * For shows without a source of sound, so that the stream is not silent and nobody holds rights in it. Four notes of a
 * mode, each of two slightly detuned tones with an octave above, left and right, swell and fade into the next four.
 * The same seed gives the same samples.
 */
#ifndef STREAM_SYNTH_H
#define STREAM_SYNTH_H

#include <stdint.h>

#include "common/rng.h"

enum { SYNTH_TONES = 16 };

/* A turning pointer: its height is the sample. */
struct synth_tone {
    double re, im, turn_re, turn_im;
    float left, right;
};

struct synth {
    struct rng rng;
    int64_t sample;                          /* since the beginning */
    int degree;                              /* of the scale: the chord's lowest note */
    struct synth_tone chord[2][SYNTH_TONES]; /* the present one, the one before */
};

void synth_init(struct synth *s, uint64_t seed);

/* The next `samples` of both channels at 48 kHz, within -1..1; about -24 dB RMS. */
void synth_render(struct synth *s, float *left, float *right, int samples);

#endif
