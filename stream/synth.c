/*
 * synth - see synth.h. Tones are made by turning a unit vector by a fixed angle for each sample, which costs four
 * multiplications and no sine; in double it is still exact to 1e-11 when the chord ends.
 */
#include "stream/synth.h"

#include <math.h>
#include <string.h>

#include "common/mem.h"
#include "stream/audio.h"

enum { CHORD_SAMPLES = 11 * AUDIO_RATE_HZ, FADE_SAMPLES = 6 * AUDIO_RATE_HZ, NOTES = 4, DEGREES = 7 };

static const double level = 0.030, lowest_hz = 73.416;              /* D2 */
static const double usual_belief = 0.5, usual_octaves_per_s = 0.07; /* camera.zoom 1.05 */
static const double bright_step = 1.0 / (2 * AUDIO_RATE_HZ);        /* two seconds until it has followed */

/* Dorian first: it is what nothing sounds like. All of these share most of their notes. */
static const int modes[][DEGREES] = {
    {0, 2, 3, 5, 7, 9, 10}, /* dorian */
    {0, 2, 4, 5, 7, 9, 10}, /* mixolydian */
    {0, 2, 4, 6, 7, 9, 11}, /* lydian */
    {0, 2, 3, 5, 7, 8, 10}, /* aeolian */
};
/* Steps along the circle of fifths, so that a change of root keeps notes. */
static const int roots[] = {0, -5, 2, -3, 4};

/* A chord takes every second degree, which never clashes. */
static double note_hz(const struct synth *s, int degree)
{
    uint64_t subject = s->mood.subject;
    const int *mode = modes[subject % ARRAY_LEN(modes)];
    int root = roots[subject / ARRAY_LEN(modes) % ARRAY_LEN(roots)];
    return lowest_hz * exp2(degree / DEGREES + (root + mode[degree % DEGREES]) / 12.0);
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

/* The faster the fall, the sooner the next; within a factor of two. */
static int64_t chord_samples(const struct synth *s)
{
    double speed = fabs(s->mood.octaves_per_s) / usual_octaves_per_s;
    return (int64_t)(CHORD_SAMPLES / (speed < 0.5 ? 0.5 : speed > 1.8 ? 1.8 : speed));
}

static void next_chord(struct synth *s)
{
    static const int steps[] = {3, 4, 2, 5, 1, 6};
    memcpy(s->chord[1], s->chord[0], sizeof s->chord[0]);
    s->degree = (s->degree + steps[rng_below(&s->rng, 6)]) % DEGREES;
    s->at = 0;
    s->ends = chord_samples(s);
    for (int i = 0, t = 0; i < NOTES; i++) {
        double hz = note_hz(s, s->degree + 2 * i + (i > 0 ? DEGREES : 0)); /* the lowest stands alone below */
        double loud = level * (i == 0 ? 1.6 : 1.0);
        for (int side = 0; side < 2; side++) {
            double detuned = hz * (1 + (side ? 1 : -1) * (0.0008 + 0.0012 * rng_uniform(&s->rng)));
            for (int n = 1; n <= SYNTH_HARMONICS; n++)
                s->chord[0][t++] = tone(&s->rng, n * detuned, loud);
        }
    }
}

void synth_init(struct synth *s, uint64_t seed)
{
    *s = (struct synth){.rng = rng_make(seed, 0), .bright = usual_belief};
    s->mood = (struct synth_mood){.belief = -1, .octaves_per_s = usual_octaves_per_s};
}

void synth_set_mood(struct synth *s, const struct synth_mood *m)
{
    bool turned = m->subject != s->mood.subject;
    s->mood = *m;
    if (turned && s->ends > FADE_SAMPLES)
        s->ends = FADE_SAMPLES; /* or now, where it has faded in */
}

static void add(struct synth_tone *t, float gain, float *left, float *right)
{
    double re = t->re * t->turn_re - t->im * t->turn_im;
    t->im = t->re * t->turn_im + t->im * t->turn_re;
    t->re = re;
    *left += gain * t->left * (float)t->im;
    *right += gain * t->right * (float)t->im;
}

static void add_chord(struct synth_tone tones[SYNTH_TONES], float gain, const float share[SYNTH_HARMONICS],
                      float *left, float *right)
{
    for (int t = 0; t < SYNTH_TONES; t += SYNTH_HARMONICS)
        for (int n = 0; n < SYNTH_HARMONICS; n++)
            add(&tones[t + n], gain * share[n], left, right);
}

void synth_render(struct synth *s, float *left, float *right, int samples)
{
    double belief = s->mood.belief < 0 ? usual_belief : s->mood.belief > 1 ? 1 : s->mood.belief;
    for (int i = 0; i < samples; i++, s->at++) {
        if (s->at >= s->ends)
            next_chord(s);
        float in = s->at < FADE_SAMPLES ? (float)s->at / FADE_SAMPLES : 1;
        float gain = sqrtf(in), gone = sqrtf(1 - in); /* of equal power together */
        s->bright += bright_step * (belief - s->bright);
        float b = (float)s->bright, share[SYNTH_HARMONICS] = {1, 0.1f + 0.4f * b, 0.2f * b * b};
        left[i] = right[i] = 0;
        add_chord(s->chord[0], gain, share, &left[i], &right[i]);
        if (gone > 0)
            add_chord(s->chord[1], gone, share, &left[i], &right[i]);
    }
}
