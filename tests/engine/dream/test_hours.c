/*
 * test_hours - a dream that goes on and on at ten times the usual zoom stays a picture: brightness, contrast and colours
 * stay where they are led, nothing saturates and the network sees its subjects as well at
 * the end as in the beginning.
 *
 * REVERIE_HOURS says how many hours of show (default: 80 s); `make hours` runs two of them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/mem.h"
#include "config/config.h"
#include "engine/dream/dream.h"

enum { SUBJECTS = 4, KEYFRAMES_PER_S = 2, KEYFRAMES_EACH = 20, STEPS = 5 };
#define ZOOM_PER_S 1.63 /* 1.05 ten times over */

static const char *const wnids[SUBJECTS] = {"n01443537", "n02410509", "n07873807", "n02279972"};

/* A stretch of the run: how strongly the subjects were seen at the end of their turns, and sums over keyframes. */
struct stretch {
    double seen, mean, contrast, colour;
    int turns;
};

/* Falling into a black bison is dark for a while; the reddest moment of two hours of goldfish has a colour of 48.7. */
static void check_health(struct dream *d, int keyframe, struct stretch *s)
{
    struct dream_health h = dream_health(d);
    s->mean += h.mean / KEYFRAMES_EACH;
    s->contrast += h.contrast / KEYFRAMES_EACH;
    s->colour += h.colour / KEYFRAMES_EACH;
    if (keyframe >= KEYFRAMES_EACH && (h.mean < 45 || h.mean > 175 || h.contrast < 8 || h.contrast > 72 ||
                                       h.colour > 52 || h.extreme > 0.05))
        fail_msg("keyframe %d: brightness %.0f, contrast %.0f, colour %.0f, extreme %.1f %%", keyframe,
                 h.mean, h.contrast, h.colour, 100 * h.extreme);
}

static void one_turn(struct dream *d, const struct model *m, int turn, struct stretch *s)
{
    struct dream_target t = {.count = 1};
    t.subjects[0].class_index = model_class(m, wnids[turn % SUBJECTS]);
    assert_true(t.subjects[0].class_index >= 0);
    dream_set_target(d, &t, 1);
    for (int k = 0; k < KEYFRAMES_EACH; k++) {
        dream_warp(d, pow(ZOOM_PER_S, 1.0 / KEYFRAMES_PER_S), 0.1, 1.0 / KEYFRAMES_PER_S);
        assert_int_equal(dream_steps(d, STEPS), 0);
        check_health(d, turn * KEYFRAMES_EACH + k, s);
    }
    double belief[DREAM_SUBJECTS_MAX];
    dream_belief(d, belief);
    s->seen += belief[0];
    s->turns++;
}

static void hours_change_nothing(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* half an hour for the statistics of one thread's numbers; test_dream shares its steps between threads */
#endif
    struct dream_config c;
    const struct config_entry entry = {&dream_section, &c};
    const struct config all = {.entries = &entry, .count = 1};
    struct error e = {""};
    struct model *m;
    struct dream *d;
    config_defaults(&all);
    assert_int_equal(config_set(&all, "dream.size=160x96", &e), 0);
    assert_int_equal(config_set(&all, "dream.backend=cpu", &e), 0);
    assert_int_equal(model_load(&m, NULL, &e), 0);
    assert_int_equal(dream_open(&d, &c, m, 1, NULL, &e), 0);
    const char *asked = getenv("REVERIE_HOURS");
    double hours = asked ? atof(asked) : 80.0 / 3600;
    int turns = (int)(hours * 3600 * KEYFRAMES_PER_S / KEYFRAMES_EACH),
        part = turns / 2 / SUBJECTS * SUBJECTS;
    assert_true(part >= SUBJECTS);
    struct stretch first = {0}, last = {0}, between = {0};
    for (int i = -SUBJECTS; i < turns; i++) /* the first ones grow out of grey noise */
        one_turn(d, m, i + SUBJECTS,
                 i < 0               ? &between
                 : i < part          ? &first
                 : i >= turns - part ? &last
                                     : &between);
    double before = first.seen / part, after = last.seen / part;
    print_message("%d turns: seen %.2f in the first part, %.2f in the last; brightness %.0f, %.0f\n", turns,
                  before, after, first.mean / part, last.mean / part);
    assert_float_equal(last.mean / part, first.mean / part, 15);
    assert_float_equal(last.contrast / part, first.contrast / part, 10);
    assert_float_equal(last.colour / part, first.colour / part, 8);
    assert_true(before > 0.08);                        /* of 200 classes, in the middle of a fall */
    assert_true(after > (asked ? 0.9 : 0.5) * before); /* a few turns alone are noisy */
    dream_close(&d);
    model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hours_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
