/*
 * beat - see beat.h. The only file that knows aubio. A beat lets a charge jump to its height; the charge decays, and the pulse
 * follows it as a capacitor charges, so that it has no corner that an eye could see.
 */
#include "stream/beat.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/mem.h"
#include "stream/audio.h"

#ifdef REVERIE_AUBIO

#include <aubio/aubio.h>

enum { WINDOW = 1024, HOP = 512 };
static const double in_s = 0.05, out_s = 0.15; /* an e-th part of the way up, and down */
static const double none = 1e-4;               /* less of a pulse is none */
static const float sure = 0.05f;               /* aubio's confidence; a hum stays below */
static const float hiss = 3e-4f, loud = 3e-3f; /* see listen; what counts as sound */

struct beat {
    aubio_tempo_t *tempo;
    fvec_t *in, *out;
    int filled; /* samples of `in` */
    int left;   /* samples for which a sound is not over yet */
    uint32_t noise;
    double share, height, in_part, out_part;
    double charge, pulse;
};

int beat_can_hear(struct error *e)
{
    (void)e;
    return 0;
}

int beat_open(struct beat **out, double share, struct error *e)
{
    struct beat *b = *out = xcalloc(1, sizeof *b);
    b->share = share;
    b->noise = 1;
    b->height = pow(out_s / in_s, in_s / (out_s - in_s)); /* so that a lone pulse reaches 1 */
    b->in_part = 1 - exp(-1 / (in_s * AUDIO_RATE_HZ));
    b->out_part = exp(-1 / (out_s * AUDIO_RATE_HZ));
    b->tempo = new_aubio_tempo("default", WINDOW, HOP, AUDIO_RATE_HZ);
    b->in = new_fvec(HOP);
    b->out = new_fvec(1);
    if (b->tempo && b->in && b->out)
        return 0;
    beat_close(out);
    return error_set(e, ENOMEM, "audio.beat: no memory to listen for beats");
}

void beat_close(struct beat **out)
{
    struct beat *b = *out;
    if (!b)
        return;
    if (b->tempo)
        del_aubio_tempo(b->tempo);
    if (b->in)
        del_fvec(b->in);
    if (b->out)
        del_fvec(b->out);
    free(b);
    *out = NULL;
}

static void look_for_beat(struct beat *b)
{
    b->filled = 0;
    aubio_tempo_do(b->tempo, b->in, b->out);
    if (b->out->data[0] > 0 && b->left > 0 && aubio_tempo_get_confidence(b->tempo) > sure)
        b->charge = b->height;
}

/* aubio drops a beat that falls into digital silence, as all do that it expects a moment before a click. So it never hears any:
 * a hiss of -80 dB is laid under the sound, and after a second without sound there are no beats. */
static void listen(struct beat *b, float sample)
{
    b->noise = b->noise * 1664525u + 1013904223u; /* Numerical Recipes' */
    b->left = fabsf(sample) > loud ? AUDIO_RATE_HZ : b->left - (b->left > 0);
    b->in->data[b->filled++] = sample + hiss * ((float)(b->noise >> 8) / 16777216.0f - 0.5f);
    if (b->filled == HOP)
        look_for_beat(b);
}

void beat_hear(struct beat *b, const float *left, const float *right, int samples)
{
    for (int i = 0; b && i < samples; i++) {
        b->pulse += b->in_part * (b->charge - b->pulse);
        b->charge *= b->out_part;
        listen(b, (left[i] + right[i]) / 2);
    }
}

double beat_now(const struct beat *b)
{
    return b && b->pulse >= none ? b->share * fmin(b->pulse, 1) : 0;
}

#else

int beat_can_hear(struct error *e)
{
    return error_set(
        e, ENOTSUP,
        "audio.beat: this program was built without aubio and hears no beats; install libaubio-dev "
        "and build it again, or set audio.beat to 0");
}

int beat_open(struct beat **out, double share, struct error *e)
{
    (void)share;
    *out = NULL;
    return beat_can_hear(e);
}

void beat_close(struct beat **out)
{
    *out = NULL;
}

void beat_hear(struct beat *b, const float *left, const float *right, int samples)
{
    (void)b;
    (void)left;
    (void)right;
    (void)samples;
}

double beat_now(const struct beat *b)
{
    (void)b;
    return 0;
}

#endif
