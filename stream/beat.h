/*
 * beat - hears the beat in the sound of the show, and says how much it quickens the camera's fall at this moment: a soft
 * pulse with each beat, nothing between beats that are far apart.
 *
 * What is heard is the sound that goes out with the frames, sample by sample, so picture and beat cannot drift apart, and the
 * same sound gives the same pulses in whatever portions it comes. What finds the beat is aubio (its default onset function
 * and the beat tracker of P. Brossier), where the program was built with it; elsewhere beat_open says so. One thread.
 */
#ifndef STREAM_BEAT_H
#define STREAM_BEAT_H

#include "common/error.h"

struct beat;

/* 0, or -ENOTSUP with a line: this program was built without aubio. */
int beat_can_hear(struct error *e);

/* `share`: the height of a pulse, 0..1. 0, or -ENOTSUP or -ENOMEM with a line; *b is NULL then. */
int beat_open(struct beat **b, double share, struct error *e);
void beat_close(struct beat **b); /* NULL is fine */

/* The next samples of both channels at AUDIO_RATE_HZ. NULL is fine. */
void beat_hear(struct beat *b, const float *left, const float *right, int samples);

/* The pulse after the last sample: 0 .. share. NULL: 0. */
double beat_now(const struct beat *b);

#endif
