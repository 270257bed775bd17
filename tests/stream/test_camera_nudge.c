/*
 * A nudge (audio.beat) quickens the fall and gives it back: the picture never grows by less than nothing or more than twice as fast, leads
 * by no more than a second of the fall, is where it would have been when the nudge is forgotten, and moves neither the
 * camera's position nor the middle of the frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/stream/camera_pictures.h"

enum { FPS = 25, WIDTH = 320, HEIGHT = 180, OFF = 20 };

static const struct camera_config fast = {
    .zoom = 1.3, .filter = CAMERA_BICUBIC, .blend = CAMERA_SMOOTH, .border_px = 24, .linger_s = 1000};

/* A soft spot on black, right of the middle. */
static struct keyframe spot(void)
{
    struct keyframe k = noise(WIDTH, HEIGHT, 0);
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++) {
        double x = i % WIDTH + 0.5 - WIDTH / 2.0 - OFF, y = i / WIDTH % HEIGHT + 0.5 - HEIGHT / 2.0;
        k.rgb[i] = (float)(255 * exp(-(x * x + y * y) / 30));
    }
    return k;
}

/* How many times as large as the keyframe the picture is, by where the spot lies. */
static double size_of(struct camera *c, const struct frame *f)
{
    double sum = 0, moment = 0;
    camera_render(c, f);
    check_canaries(f);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double light = f->planes[0][y * f->strides[0] + x] - 16;
            sum += light > 0 ? light : 0;
            moment += light > 0 ? light * (x + 0.5) : 0;
        }
    return (moment / sum - WIDTH / 2.0) / OFF;
}

/* Nudged beyond all bounds for a half second, then not, and so on. */
static double wild(int frame)
{
    return frame / (FPS / 2) % 2 ? 0 : 7;
}

static void test_the_speed_stays_between_none_and_twice_its_own(void **state)
{
    (void)state;
    struct camera *c = open_camera(&fast, WIDTH, HEIGHT, NULL),
                  *plain = open_camera(&fast, WIDTH, HEIGHT, NULL);
    struct frame f = new_frame(WIDTH, HEIGHT);
    push(c, spot());
    push(plain, spot());
    double fall = log(1.3) / FPS, before = log(size_of(c, &f)), least = 1, most = 0, lead_most = 0;
    for (int i = 0; i < 4 * FPS; i++) {
        camera_set_nudge(c, wild(i));
        camera_advance(c);
        camera_advance(plain);
        double now = log(size_of(c, &f)), lead = now - log(size_of(plain, &f));
        least = fmin(least, (now - before) / fall);
        most = fmax(most, (now - before) / fall);
        lead_most = fmax(lead_most, lead);
        before = now;
        assert_true(lead > -0.002 && lead < log(1.3) + 0.002);
        assert_int_equal(camera_horizon(c), camera_horizon(plain));
    }
    print_message("speed %.2f to %.2f, leads by up to %.3f s of the fall\n", least, most,
                  lead_most / log(1.3));
    assert_true(least > -0.1 && least < 0.75); /* the spot's place is known to a tenth of a frame's fall */
    assert_true(most > 1.7 && most < 2.1);
    assert_true(lead_most > 0.2 * log(1.3));
    camera_close(&c);
    camera_close(&plain);
    free_frame(&f);
}

/* Byte for byte, and so does one that was told of no nudge at all. */
static void test_it_is_forgotten(void **state)
{
    (void)state;
    struct camera_config slow = fast;
    slow.zoom = 1.02;
    struct camera *c = open_camera(&slow, WIDTH, HEIGHT, NULL),
                  *plain = open_camera(&slow, WIDTH, HEIGHT, NULL);
    struct frame a = new_frame(WIDTH, HEIGHT), b = new_frame(WIDTH, HEIGHT);
    push(c, waves(WIDTH, HEIGHT, 0));
    push(plain, waves(WIDTH, HEIGHT, 0));
    for (int i = 0; i < 12 * FPS; i++) {
        camera_set_nudge(c, i < FPS ? 1 : 0);
        camera_advance(c);
        camera_advance(plain);
        camera_render(c, &a);
        camera_render(plain, &b);
        bool same = memcmp(a.planes[0], b.planes[0], (size_t)(a.strides[0] * HEIGHT)) == 0;
        assert_true(i != FPS || !same);
    }
    for (int i = 0; i < 3; i++)
        assert_memory_equal(a.planes[i], b.planes[i],
                            (size_t)(a.strides[i] * (i == 0 ? HEIGHT : HEIGHT / 2)));
    camera_close(&c);
    camera_close(&plain);
    free_frame(&a);
    free_frame(&b);
}

/* Where there is no fall there is nothing to quicken. */
static void test_a_still_camera_stays_still(void **state)
{
    (void)state;
    struct camera_config still = fast;
    still.zoom = 1;
    struct camera *c = open_camera(&still, WIDTH, HEIGHT, NULL);
    struct frame f = new_frame(WIDTH, HEIGHT);
    push(c, spot());
    double before = size_of(c, &f);
    for (int i = 0; i < FPS; i++) {
        camera_set_nudge(c, 1);
        camera_advance(c);
        assert_true(size_of(c, &f) == before);
    }
    camera_close(&c);
    free_frame(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_speed_stays_between_none_and_twice_its_own),
        cmocka_unit_test(test_it_is_forgotten),
        cmocka_unit_test(test_a_still_camera_stays_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
