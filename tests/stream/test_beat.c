/*
 * A beat is found in clicks at 120 a minute, at that rate, and not in silence or a steady tone; a pulse is never higher than its share,
 * has no jump, and is gone when the clicks end. The same sound in other portions gives the same pulses.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stream/audio.h"
#include "stream/beat.h"

enum { FPS = 25, PER_FRAME = AUDIO_RATE_HZ / FPS };
static const double share = 0.5;

static struct beat *open_beat(void)
{
    struct beat *b;
    struct error e = {""};
    if (beat_can_hear(&e) < 0) {
        assert_int_equal(beat_open(&b, share, &e), -ENOTSUP);
        assert_null(b);
        assert_non_null(strstr(e.text, "aubio"));
        print_message("aubio was not built in\n");
        skip();
    }
    assert_int_equal(beat_open(&b, share, &e), 0);
    return b;
}

/* One sample at this time: a click of a tenth of a second twice a second, a tone, or nothing. */
static float clicks(int64_t n)
{
    int64_t since = n % (AUDIO_RATE_HZ / 2);
    return since < AUDIO_RATE_HZ / 10 ? 0.8f * sinf((float)since * 0.05f) * expf(-(float)since / 900) : 0;
}

static float hum(int64_t n)
{
    return 0.5f * (float)sin((double)n * 0.0288);
}

static float silence(int64_t n)
{
    (void)n;
    return 0;
}

struct heard {
    int risings;             /* times that it rose over half of the share */
    double first_s, last_s;  /* when it did so */
    double most, step, last; /* shares of the share; the largest change from frame to frame */
};

static struct heard hear(struct beat *b, float (*sound)(int64_t n), int from_s, int to_s)
{
    float samples[PER_FRAME];
    struct heard h = {.last = beat_now(b) / share};
    for (int frame = from_s * FPS; frame < to_s * FPS; frame++) {
        for (int i = 0; i < PER_FRAME; i++)
            samples[i] = sound((int64_t)frame * PER_FRAME + i);
        beat_hear(b, samples, samples, PER_FRAME);
        double now = beat_now(b) / share;
        assert_true(now >= 0 && now <= 1);
        if (now > 0.5 && h.last <= 0.5) {
            h.last_s = (double)frame / FPS;
            h.first_s = h.risings++ ? h.first_s : h.last_s;
        }
        h.most = fmax(h.most, now);
        h.step = fmax(h.step, fabs(now - h.last));
        h.last = now;
    }
    return h;
}

static void clicks_are_beats(void **state)
{
    (void)state;
    struct beat *b = open_beat();
    hear(b, clicks, 0, 10); /* until it is sure */
    struct heard h = hear(b, clicks, 10, 40);
    double bpm = 60 * (h.risings - 1) / (h.last_s - h.first_s);
    print_message("%.1f beats a minute, most %.2f, largest step %.2f\n", bpm, h.most, h.step);
    assert_true(fabs(bpm - 120) < 3);
    assert_true(h.most > 0.8);
    assert_true(h.step < 0.9); /* of the speed, and to its height in more than a frame */
    h = hear(b, silence, 40, 44);
    assert_true(h.last == 0);
    beat_close(&b);
    assert_null(b);
}

static void without_a_beat(void **state)
{
    (void)state;
    float (*const sounds[])(int64_t) = {silence, hum};
    for (int i = 0; i < 2; i++) {
        struct beat *b = open_beat();
        assert_true(hear(b, sounds[i], 0, 20).most == 0);
        beat_close(&b);
    }
}

static void portions_do_not_matter(void **state)
{
    (void)state;
    struct beat *a = open_beat(), *b = open_beat();
    for (int64_t n = 0; n < 12 * AUDIO_RATE_HZ; n++) {
        float s = clicks(n);
        beat_hear(b, &s, &s, 1);
    }
    hear(a, clicks, 0, 12);
    assert_true(beat_now(a) == beat_now(b));
    beat_close(&a);
    beat_close(&b);
}

static void nobody_listens(void **state)
{
    (void)state;
    float none[4] = {0};
    struct beat *b = NULL;
    beat_hear(NULL, none, none, 4);
    assert_true(beat_now(NULL) == 0);
    beat_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clicks_are_beats),
        cmocka_unit_test(without_a_beat),
        cmocka_unit_test(portions_do_not_matter),
        cmocka_unit_test(nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
