/*
 * The last seconds as small pictures: what is kept, how it is shrunk, and that the film has no seam.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "stream/loop.h"
#include "tests/stream/camera_pictures.h"

enum { WIDTH = 1280, HEIGHT = 720 };

static void fill(const struct frame *f, int luma)
{
    frame_fill_grey(f, luma);
}

static void pictures_are_means(void **state)
{
    (void)state;
    struct frame f = new_frame(WIDTH, HEIGHT), p;
    struct loop *l = loop_open(WIDTH, HEIGHT);
    int width, height, count;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            f.planes[0][y * f.strides[0] + x] = (uint8_t)(x % 4 < 2 ? 100 : 140); /* 120 in the mean */
    for (int i = 1; i < 3; i++)
        for (int y = 0; y < HEIGHT / 2; y++)
            memset(f.planes[i] + y * f.strides[i], 60 + i, WIDTH / 2);
    assert_null(loop_take(l));
    for (int i = 0; i < 2 * LOOP_FPS; i++)
        assert_int_equal(loop_add(l, &f), 0);
    struct loop_film *film = loop_take(l);
    assert_non_null(film);
    loop_film_size(film, &width, &height, &count);
    assert_true(width == 320 && height == 180 && count == LOOP_FPS);
    loop_film_picture(film, 0, &p);
    for (int i = 0; i < 320 * 180; i++)
        assert_int_equal(p.planes[0][i], 120);
    for (int i = 0; i < 160 * 90; i++)
        assert_true(p.planes[1][i] == 61 && p.planes[2][i] == 62);
    loop_film_free(film);
    loop_close(&l);
    free_frame(&f);
}

/* Brightness grows with each picture, as a camera falls: at the end it comes back to where the film began, step by step. */
static void the_film_has_no_seam(void **state)
{
    (void)state;
    struct frame f = new_frame(640, 360), p;
    struct loop *l = loop_open(640, 360);
    int width, height, count, values[LOOP_PICTURES];
    for (int i = 0; i < 300; i++) {
        fill(&f, 40 + i / 2 % 170);
        loop_add(l, &f);
    }
    loop_clear(l);
    for (int i = 0; i < LOOP_PICTURES + 30; i++) {
        fill(&f, 40 + i);
        loop_add(l, &f);
    }
    struct loop_film *film = loop_take(l);
    loop_film_size(film, &width, &height, &count);
    assert_int_equal(count, LOOP_FPS * LOOP_SECONDS);
    for (int i = 0; i < 20; i++) { /* the film keeps what it took */
        fill(&f, 235);
        loop_add(l, &f);
    }
    loop_close(&l);
    for (int i = 0; i < count; i++) {
        loop_film_picture(film, i, &p);
        values[i] = p.planes[0][width * height / 2];
    }
    assert_int_equal(values[0], 40 + 30 + LOOP_FPS);
    for (int i = 1; i < count - LOOP_FPS; i++)
        assert_int_equal(values[i], values[i - 1] + 1);
    for (int i = count - LOOP_FPS + 1; i < count; i++)
        assert_true(values[i] < values[i - 1] && values[i - 1] - values[i] < 12); /* of 80 in all */
    assert_true(abs(values[count - 1] - values[0]) < 12);
    loop_film_free(film);
    free_frame(&f);
}

/* Odd and small sizes, and a frame that is not of the stream. */
static void sizes(void **state)
{
    (void)state;
    static const int all[][2] = {{2, 2}, {641, 361}, {854, 480}, {3840, 2160}, {64, 2}, {2000, 2}};
    for (int i = 0; i < 6; i++) {
        struct frame f = new_frame(all[i][0], all[i][1]), other = new_frame(10, 10);
        struct loop *l = loop_open(all[i][0], all[i][1]);
        int width, height, count;
        fill(&f, 50);
        for (int k = 0; k < 3 * LOOP_FPS; k++) {
            assert_int_equal(loop_add(l, &f), 0);
            assert_int_equal(loop_add(l, &other), 0);
        }
        struct loop_film *film = loop_take(l);
        loop_film_size(film, &width, &height, &count);
        assert_true(width >= 2 && height >= 2 && width % 2 == 0 && height % 2 == 0);
        assert_true(width <= 2 * LOOP_WIDTH_PX || all[i][1] < 4);
        assert_int_equal(count, 2 * LOOP_FPS);
        loop_film_free(film);
        loop_close(&l);
        check_canaries(&f);
        free_frame(&f);
        free_frame(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_means),
        cmocka_unit_test(the_film_has_no_seam),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
