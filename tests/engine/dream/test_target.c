/*
 * target and objective: several subjects with weights and places, places that ride along with the zoom, fades and
 * wipes. No network: what the gradient would climb is read from the weights over the logit map.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "config/config.h"
#include "engine/dream/internal.h"

static struct model *model;

static int load_model(void **state)
{
    (void)state;
    struct error e;
    return model_load(&model, NULL, &e);
}

static int close_model(void **state)
{
    (void)state;
    model_close(&model);
    return 0;
}

static struct dream *open_dream(const char *assignment)
{
    struct dream_config c;
    const struct config_entry entry = {&dream_section, &c};
    const struct config all = {.entries = &entry, .count = 1};
    const char *const sets[] = {"dream.size=640x384", "dream.object_small=0.05", "dream.backend=null",
                                assignment};
    struct error e = {""};
    struct dream *d;
    config_defaults(&all);
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        if (config_set(&all, sets[i], &e) < 0)
            fail_msg("%s", e.text);
    if (dream_open(&d, &c, model, 1, NULL, &e) < 0)
        fail_msg("%s", e.text);
    return d;
}

/* A map of 20x12 logits, less than the largest, whose windows' centres lie all over the picture and nowhere else. */
static const struct dream_map map = {20, 12, 0.025, 0.05, 1 / 24.0, 1 / 12.0};

static struct objective_subject subjects[BACKEND_SUBJECTS_MAX];

static float weight_at(int subject, double x, double y)
{
    int column = (int)(x * map.width), row = (int)(y * map.height);
    return subjects[subject].weight[row * map.width + column] * (float)(map.width * map.height);
}

static int plan(struct dream *d, const struct dream_target *t)
{
    dream_set_target(d, t, 0);
    return dream_objective_soft(d, &map, subjects);
}

static void room_goes_by_weight(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.border=0");
    const struct dream_target three_to_one = {2, {{.class_index = 1, .weight = 3}, {.class_index = 2}}, 0};
    assert_int_equal(plan(d, &three_to_one), 2);
    for (double y = 0.08; y < 1; y += 0.1) {
        assert_true((weight_at(0, 0.5, y) > 0) == (y < 0.75));
        assert_true((weight_at(1, 0.5, y) > 0) == (y > 0.75));
    }
    assert_true(weight_at(0, 0.5, 0.1) == weight_at(1, 0.5, 0.9)); /* each is as strong in its part */

    const struct dream_target five = {5,
                                      {{.class_index = 1},
                                       {.class_index = 2},
                                       {.class_index = 3, .weight = 2},
                                       {.class_index = 4},
                                       {.class_index = 5}},
                                      0}; /* two above, three below */
    assert_int_equal(plan(d, &five), 5);
    static const double centres[][2] = {{0.2, 0.1}, {0.8, 0.1}, {0.2, 0.9}, {0.6, 0.9}, {0.9, 0.9}};
    for (int k = 0; k < 5; k++)
        for (int at = 0; at < 5; at++)
            assert_true((weight_at(k, centres[at][0], centres[at][1]) > 0) == (k == at));
    dream_close(&d);
}

/* Every place of the picture is somebody's, whoever shares it with how soft a border. */
static void layouts_leave_nothing_out(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.border=0.2");
    for (int count = 1; count <= DREAM_SUBJECTS_MAX; count++) {
        struct dream_target t = {.count = count};
        for (int i = 0; i < count; i++)
            t.subjects[i] = (struct dream_subject){.class_index = i, .weight = (float)(1 + i % 3)};
        assert_int_equal(plan(d, &t), count);
        for (double x = 0.05; x < 1; x += 0.1)
            for (double y = 0.08; y < 1; y += 0.1) {
                double sum = 0;
                for (int k = 0; k < count; k++)
                    sum += dream_subject_share(d, &d->mix[0], k, x, y);
                assert_float_equal(sum, 1, 1e-6);
            }
    }
    dream_close(&d);
}

static void places_and_minus_signs(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.border=0.1");
    const struct dream_target t = {3,
                                   {{.class_index = 1},
                                    {.class_index = 2, .weight = 2, .place = {0.5f, 0, 1, 0.5f}},
                                    {.class_index = 3, .weight = -1}},
                                   0};
    assert_int_equal(plan(d, &t), 3);
    assert_true(weight_at(1, 0.9, 0.1) == 2 && weight_at(1, 0.1, 0.9) == 0);
    assert_true(weight_at(0, 0.9, 0.1) == 0 &&
                weight_at(0, 0.1, 0.9) == 1); /* it yields to what has a place */
    assert_true(weight_at(2, 0.9, 0.1) == -1 && weight_at(2, 0.1, 0.9) == -1);

    const struct dream_target away = {1, {{.class_index = 3, .weight = -2}}, 0};
    assert_int_equal(plan(d, &away), 1);
    assert_true(weight_at(0, 0.3, 0.7) == -2);
    dream_close(&d);
}

/* A place that was asked for grows with the zoom about the picture's middle, and turns with it. */
static void places_ride_along(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.border=0");
    const struct dream_target t = {1, {{.class_index = 1, .place = {0.4f, 0.4f, 0.6f, 0.6f}}}, 0};
    dream_set_target(d, &t, 0);
    const struct mix *m = &d->mix[0];
    assert_true(dream_subject_share(d, m, 0, 0.5, 0.5) == 1 && dream_subject_share(d, m, 0, 0.35, 0.5) == 0);
    for (int i = 0; i < 10; i++)
        dream_warp(d, pow(2, 0.1), 0, 0.1);
    assert_true(dream_subject_share(d, m, 0, 0.35, 0.5) == 1 && dream_subject_share(d, m, 0, 0.25, 0.5) == 0);
    assert_true(dream_subject_share(d, m, 0, 0.5, 0.31) == 1 && dream_subject_share(d, m, 0, 0.5, 0.29) == 0);

    const struct dream_target right = {1, {{.class_index = 1, .place = {0.5f, 0, 1, 1}}}, 0};
    dream_set_target(d, &right, 0);
    dream_warp(d, 1, 90, 1); /* clockwise: what was at the right is below */
    assert_true(dream_subject_share(d, m, 0, 0.5, 0.9) == 1 && dream_subject_share(d, m, 0, 0.5, 0.1) == 0);

    const struct dream_target left = {1, {{.class_index = 1, .place = {0, 0, 0.5f, 1}}}, 0};
    dream_set_target(d, &left, 0);
    dream_move(d, &(struct image_move){.zoom = 2, .x = 0.25},
               1); /* about three quarters: its edge goes to 1/4 */
    assert_true(dream_subject_share(d, m, 0, 0.24, 0.5) == 1 && dream_subject_share(d, m, 0, 0.26, 0.5) == 0);

    const struct dream_target halves = {2, {{.class_index = 1}, {.class_index = 2}}, 0};
    dream_set_target(d, &halves, 0);
    dream_warp(d, 3, 90, 1); /* the rows of a layout stay where they are */
    assert_true(dream_subject_share(d, m, 0, 0.9, 0.1) == 1 && dream_subject_share(d, m, 0, 0.9, 0.9) == 0);
    dream_close(&d);
}

/* What has been carried away must not have all of a step's strength in its last corner. */
static void what_is_out_of_sight_is_everywhere(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.border=0.1");
    const struct dream_target t = {
        2, {{.class_index = 1}, {.class_index = 2, .place = {0.8f, 0.8f, 1, 1}}}, 0};
    assert_int_equal(plan(d, &t), 2);
    assert_true(weight_at(1, 0.1, 0.1) == 0);
    for (int i = 0; i < 40; i++)
        dream_warp(d, 1.05, 0, 1);
    assert_int_equal(dream_objective_soft(d, &map, subjects), 2);
    assert_true(weight_at(1, 0.1, 0.1) == 1 && weight_at(1, 0.9, 0.9) == 1);
    assert_true(weight_at(0, 0.5, 0.5) == 0);
    dream_close(&d);
}

static double all_weights(int count)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        for (int p = 0; p < map.width * map.height; p++)
            sum += (double)subjects[k].weight[p];
    return sum;
}

/* No jump on the way: at every moment the shares add up, and from one moment to the next they hardly change. */
static void changes_are_steady(void **state)
{
    (void)state;
    for (int change = DREAM_FADE; change <= DREAM_WIPE; change++) {
        struct dream *d = open_dream("dream.border=0.2");
        const struct dream_target old = {1, {{.class_index = 1}}, 0};
        struct dream_target new = {8,
                                   {{.class_index = 11},
                                    {.class_index = 12},
                                    {.class_index = 13},
                                    {.class_index = 14},
                                    {.class_index = 15},
                                    {.class_index = 16},
                                    {.class_index = 17},
                                    {.class_index = 18}},
                                   change};
        dream_set_target(d, &old, 0);
        dream_set_target(d, &new, 10);
        float before = 1;
        for (int i = 0; i <= 100; i++) {
            int count = dream_objective_soft(d, &map, subjects);
            assert_float_equal(all_weights(count), 1, 1e-4);
            float now = count == 9 ? weight_at(0, 0.3, 0.3) : 0;
            assert_true(now <= before && before - now < 0.21F);
            if (i == 50) /* in the middle of it: everywhere half, or all inside of the disc */
                assert_true(change == DREAM_FADE ? fabsf(now - 0.5F) < 0.02F
                                                 : weight_at(0, 0.5, 0.5) == 0 && weight_at(0, 0, 0) == 1);
            before = now;
            dream_warp(d, 1.001, 0, 0.1);
        }
        assert_int_equal(d->mix_count, 1);
        assert_int_equal(d->mix[0].target.count, 8);
        dream_close(&d);
    }
}

/* A request in the middle of a wipe takes over from the picture as it is, disc and all. */
static void a_wipe_can_be_interrupted(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.border=0.1");
    struct dream_target t = {1, {{.class_index = 1}}, DREAM_WIPE};
    dream_set_target(d, &t, 0);
    for (int i = 2; i < 9; i++) {
        float before[2], after[2];
        t.subjects[0].class_index = i;
        dream_set_target(d, &t, 10);
        dream_warp(d, 1, 0, 4);
        int count = dream_objective_soft(d, &map, subjects);
        assert_true(count <= MIX_MAX);
        assert_float_equal(all_weights(count), 1, 1e-5);
        before[0] = weight_at(count - 1, 0.5, 0.5);
        before[1] = weight_at(count - 1, 0.02, 0.02);
        assert_true(before[0] == 1 && before[1] == 0);
        if (count == MIX_MAX) /* then the oldest of all makes room */
            continue;
        t.subjects[0].class_index = 20;
        dream_set_target(d, &t, 10);
        assert_int_equal(dream_objective_soft(d, &map, subjects), count + 1);
        after[0] = weight_at(count - 1, 0.5, 0.5);
        after[1] = weight_at(count - 1, 0.02, 0.02);
        assert_true(after[0] == before[0] && after[1] == before[1]);
        d->mix_count--; /* as if it had not been said */
    }
    dream_close(&d);
}

static void nonsense_is_the_usual(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.border=0.1");
    const struct dream_target t = {4,
                                   {{-1, 1, {0, 0, 1, 1}},
                                    {1, NAN, {0.5f, 0.5f, 0.5f, 0.5f}},
                                    {2, -1e30f, {NAN, 0, 1, 1}},
                                    {3, 1e5f, {0, 0, INFINITY, 1}}},
                                   0};
    assert_int_equal(plan(d, &t), 3);
    for (int k = 0; k < 3; k++)
        for (int p = 0; p < map.width * map.height; p++)
            assert_true(fabsf(subjects[k].weight[p]) <= 16);
    dream_close(&d);
}

/* `classic` keeps its own halves for what 2015 had, and takes soft places for the rest. */
static void classic_has_them_too(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.profile=classic");
    struct dream_map own = dream_view_map(d, &d->params.views[0]);
    const struct dream_target two = {2, {{.class_index = 1}, {.class_index = 2}}, 0},
                              left = {2,
                                      {{.class_index = 1, .place = {0, 0, 0.5f, 1}},
                                       {.class_index = 2, .weight = -1}},
                                      0};
    dream_set_target(d, &two, 0);
    assert_true(dream_mix_is_plain(&d->mix[0]));
    assert_int_equal(dream_objective_halves(d, own.width, own.height, subjects), 2);
    dream_set_target(d, &left, 0);
    assert_false(dream_mix_is_plain(&d->mix[0]));
    assert_int_equal(dream_objective_halves(d, own.width, own.height, subjects), 2);
    assert_true(subjects[0].weight[0] > 0 && subjects[0].weight[own.width - 1] == 0);
    assert_true(subjects[1].weight[0] < 0);
    dream_close(&d);
}

/* A front moves the row between two without a jump, from one who has all to the other who has all. */
static void a_front_moves_between_two(void **state)
{
    (void)state;
    static const char *const settings[] = {"dream.border=0.2", "dream.border=0", "dream.first=bottom"};
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct dream *d = open_dream(settings[i]);
        const struct dream_target two = {2, {{.class_index = 1}, {.class_index = 2}}, 0};
        int upper = i == 2, lower = !upper;
        assert_int_equal(plan(d, &two), 2);
        double before[2] = {weight_at(upper, 0.5, 0.5), weight_at(lower, 0.5, 0.5)};
        assert_true(dream_set_front(d, 0.5)); /* where it was */
        dream_objective_soft(d, &map, subjects);
        assert_float_equal(weight_at(upper, 0.5, 0.5), before[0], 1e-5);
        assert_float_equal(weight_at(lower, 0.5, 0.5), before[1], 1e-5);
        double last = 0;
        for (int f = 0; f <= 100; f++) {
            double sum = 0;
            assert_true(dream_set_front(d, f / 100.0));
            for (double y = 0.005; y < 1; y += 0.01) {
                double above = dream_subject_share(d, &d->mix[0], upper, 0.3, y);
                assert_float_equal(above + dream_subject_share(d, &d->mix[0], lower, 0.3, y), 1, 1e-6);
                sum += above / 100;
            }
            assert_true(sum >= last - 1e-6 && sum - last < 0.025);
            assert_true(f > 0 || sum < 1e-6);
            last = sum;
        }
        assert_true(last > 1 - 1e-6);
        dream_warp(d, 1.5, 30, 1); /* it stays where it is */
        assert_true(dream_subject_share(d, &d->mix[0], upper, 0.9, 0.95) > 1 - 1e-6);
        assert_false(dream_set_front(d, 1.01) || dream_set_front(d, -0.01) || dream_set_front(d, NAN));
        dream_close(&d);
    }
}

static void a_front_wants_just_two(void **state)
{
    (void)state;
    struct dream *d = open_dream("dream.border=0.1");
    const struct dream_target
        one = {1, {{.class_index = 1}}, 0},
        three = {3, {{.class_index = 1}, {.class_index = 2}, {.class_index = 3}}, 0},
        placed = {2, {{.class_index = 1, .place = {0, 0, 0.5f, 1}}, {.class_index = 2}}, 0},
        minus = {3, {{.class_index = 1}, {.class_index = 3, .weight = -1}, {.class_index = 2}}, 0};
    assert_false(dream_set_front(d, 0.3)); /* nothing is dreamed */
    plan(d, &one);
    assert_false(dream_set_front(d, 0.3));
    plan(d, &three);
    assert_false(dream_set_front(d, 0.3));
    plan(d, &placed);
    assert_false(dream_set_front(d, 0.3));
    plan(d, &minus); /* what is avoided has no room to lose */
    assert_true(dream_set_front(d, 1));
    assert_true(dream_subject_share(d, &d->mix[0], 2, 0.5, 0.9) < 1e-6);
    assert_true(dream_subject_share(d, &d->mix[0], 1, 0.5, 0.9) > 1 - 1e-6);
    dream_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_goes_by_weight),
        cmocka_unit_test(layouts_leave_nothing_out),
        cmocka_unit_test(places_and_minus_signs),
        cmocka_unit_test(places_ride_along),
        cmocka_unit_test(what_is_out_of_sight_is_everywhere),
        cmocka_unit_test(changes_are_steady),
        cmocka_unit_test(a_wipe_can_be_interrupted),
        cmocka_unit_test(nonsense_is_the_usual),
        cmocka_unit_test(classic_has_them_too),
        cmocka_unit_test(a_front_moves_between_two),
        cmocka_unit_test(a_front_wants_just_two),
    };
    return cmocka_run_group_tests(tests, load_model, close_model);
}
