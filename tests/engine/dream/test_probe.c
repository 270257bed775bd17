/*
 * dream_probe: its gradient is the one that the dream follows. Classic's first step is 5 levels against the
 * gradient's sign, whatever its size, so the step shows the sign of each of its numbers.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>
#include <cmocka.h>

#include "common/mem.h"
#include "config/config.h"
#include "engine/dream/probe.h"

enum { SIDE = 96, FLOATS = 3 * SIDE * SIDE };

static struct dream *open_dream(struct model *m, int profile, int backend)
{
    struct dream_config c;
    const struct config_entry entry = {&dream_section, &c};
    config_defaults(&(struct config){.entries = &entry, .count = 1});
    c.size = (struct option_size){SIDE, SIDE};
    c.profile = profile;
    c.backend = backend;
    c.threads = 1;
    struct dream *d;
    struct error e;
    assert_int_equal(dream_open(&d, &c, m, 7, NULL, &e), 0);
    return d;
}

static void classic_steps_against_the_gradient(void **state)
{
    (void)state;
    struct model *m;
    struct error e;
    struct dream_probe p;
    float *logits, *gradient, before[FLOATS], after[FLOATS];
    assert_int_equal(model_load(&m, NULL, &e), 0);
    struct dream *d = open_dream(m, DREAM_CLASSIC, DREAM_BACKEND_CPU);
    dream_set_target(
        d, &(struct dream_target){.count = 2, .subjects = {{.class_index = 3}, {.class_index = 50}}}, 0);
    assert_int_equal(dream_probe(d, &p, &logits, &gradient), 0);
    assert_int_equal(p.map_width, model_map_size(m, SIDE));
    assert_int_equal(p.prior_count, 5);
    dream_picture(d, before);
    assert_int_equal(dream_step(d), 0);
    dream_picture(d, after);
    for (int i = 0; i < FLOATS; i++)
        if (fabsf(gradient[i]) > 1e-6f && before[i] > 5 && before[i] < 250)
            assert_float_equal(after[i] - before[i], gradient[i] > 0 ? -5 : 5, 0.06);
    free(logits);
    free(gradient);
    dream_close(&d);
    model_close(&m);
}

static void nothing_to_climb_is_said(void **state)
{
    (void)state;
    struct model *m;
    struct error e;
    struct dream_probe p;
    float *logits, *gradient;
    assert_int_equal(model_load(&m, NULL, &e), 0);
    struct dream *d = open_dream(m, DREAM_MODERN, DREAM_BACKEND_CPU);
    assert_int_equal(dream_probe(d, &p, &logits, &gradient), -ENODATA);
    assert_null(logits);
    assert_null(gradient);
    dream_close(&d);
    d = open_dream(m, DREAM_CLASSIC, DREAM_BACKEND_NULL);
    dream_set_target(d, &(struct dream_target){.count = 1, .subjects = {{.class_index = 3}}}, 0);
    assert_int_equal(dream_probe(d, &p, &logits, &gradient), -ENODATA);
    dream_close(&d);
    model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classic_steps_against_the_gradient),
        cmocka_unit_test(nothing_to_climb_is_said),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
