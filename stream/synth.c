/*
 * synth - see synth.h. Tones are made by turning a unit vector by a fixed angle for each sample, which costs four
 * multiplications and no sine; in double it is still exact to 1e-11 when the chord ends.
 */
#include "stream/synth.h"

#include <math.h>
#include <string.h>

#include "stream/audio.h"

enum { CHORD_SAMPLES = 11 * AUDIO_RATE_HZ, FADE_SAMPLES = 6 * AUDIO_RATE_HZ, NOTES = 4, DEGREES = 7 };

static const double level = 0.030, lowest_hz = 73.416; /* D2 */

/* D dorian, in semitones; a chord takes every second degree, which never clashes. */
static double note_hz(int degree)
{
    static const int scale[DEGREES] = {0, 2, 3, 5, 7, 9, 10};
    return lowest_hz * exp2(degree / DEGREES + scale[degree % DEGREES] / 12.0);
}

static struct synth_tone tone(struct rng *rng, double hz, double amplitude)
{
    double turn = 2 * M_PI * hz / AUDIO_RATE_HZ, phase = 2 * M_PI * rng_uniform(rng), pan = rng_uniform(rng);
    return (struct synth_tone){
        .re = cos(phase),
        .im = sin(phase),
        .turn_re = cos(turn),
        .turn_im = sin(turn),
        .left = (float)(amplitude * sqrt(pan)),
        .right = (float)(amplitude * sqrt(1 - pan)),
    };
}

static void next_chord(struct synth *s)
{
    static const int steps[] = {3, 4, 2, 5, 1, 6};
    memcpy(s->chord[1], s->chord[0], sizeof s->chord[0]);
    s->degree = (s->degree + steps[rng_below(&s->rng, 6)]) % DEGREES;
    for (int i = 0, t = 0; i < NOTES; i++) {
        double hz = note_hz(s->degree + 2 * i + (i > 0 ? DEGREES : 0)); /* the lowest stands alone below */
        double loud = level * (i == 0 ? 1.6 : 1.0);
        for (int side = 0; side < 2; side++) {
            double detuned = hz * (1 + (side ? 1 : -1) * (0.0008 + 0.0012 * rng_uniform(&s->rng)));
            s->chord[0][t++] = tone(&s->rng, detuned, loud);
            s->chord[0][t++] = tone(&s->rng, 2 * detuned, 0.3 * loud);
        }
    }
}

void synth_init(struct synth *s, uint64_t seed)
{
    *s = (struct synth){.rng = rng_make(seed, 0)};
}

static void add(struct synth_tone *t, float gain, float *left, float *right)
{
    double re = t->re * t->turn_re - t->im * t->turn_im;
    t->im = t->re * t->turn_im + t->im * t->turn_re;
    t->re = re;
    *left += gain * t->left * (float)t->im;
    *right += gain * t->right * (float)t->im;
}

void synth_render(struct synth *s, float *left, float *right, int samples)
{
    for (int i = 0; i < samples; i++, s->sample++) {
        int64_t at = s->sample % CHORD_SAMPLES;
        if (at == 0)
            next_chord(s);
        float in = at < FADE_SAMPLES ? (float)at / FADE_SAMPLES : 1;
        float gain = sqrtf(in), gone = sqrtf(1 - in); /* of equal power together */
        left[i] = right[i] = 0;
        for (int t = 0; t < SYNTH_TONES; t++)
            add(&s->chord[0][t], gain, &left[i], &right[i]);
        for (int t = 0; t < SYNTH_TONES && gone > 0; t++)
            add(&s->chord[1][t], gone, &left[i], &right[i]);
    }
}
