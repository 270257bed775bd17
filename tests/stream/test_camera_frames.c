/*
 * Every-frame mode: what the camera does with output frames that the dream made itself. On time they are
 * shown to the byte; missing, they are bridged; late, they are caught up with; after a gap nothing jumps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "tests/stream/camera_pictures.h"

enum { FRAME_WIDTH = 70, FRAME_HEIGHT = 38 }; /* chroma: 35 x 19 */

/* A frame of noise for position z; free() its bytes. */
static struct keyframe noise_frame(int64_t z)
{
    struct keyframe k = {.width_px = FRAME_WIDTH, .height_px = FRAME_HEIGHT, .z_frames = z, .is_frame = true};
    k.nv12 = xmalloc(FRAME_WIDTH * FRAME_HEIGHT / 2 * 3);
    for (int i = 0; i < FRAME_WIDTH * FRAME_HEIGHT / 2 * 3; i++)
        k.nv12[i] = (uint8_t)random32();
    snprintf(k.caption, sizeof k.caption, "frame %d", (int)z);
    k.request_id = z;
    return k;
}

static struct keyframe grey_frame(int grey, int64_t z)
{
    struct keyframe k = noise_frame(z);
    memset(k.nv12, grey, FRAME_WIDTH * FRAME_HEIGHT);
    memset(k.nv12 + FRAME_WIDTH * FRAME_HEIGHT, 128, FRAME_WIDTH * FRAME_HEIGHT / 2);
    return k;
}

static void push_frame(struct camera *c, struct keyframe k)
{
    assert_int_equal(camera_push(c, &k), 0);
    free(k.nv12);
}

static struct camera *open_for_frames(void)
{
    return open_camera(&modern, FRAME_WIDTH, FRAME_HEIGHT, NULL);
}

static void check_bytes(struct camera *c, const struct frame *f, const uint8_t *nv12)
{
    const uint8_t *pairs = nv12 + FRAME_WIDTH * FRAME_HEIGHT;
    camera_render(c, f);
    check_canaries(f);
    for (int y = 0; y < FRAME_HEIGHT; y++)
        assert_memory_equal(f->planes[0] + y * f->strides[0], nv12 + y * FRAME_WIDTH, FRAME_WIDTH);
    for (int i = 0; i < FRAME_WIDTH * FRAME_HEIGHT / 4; i++) {
        int x = i % (FRAME_WIDTH / 2), y = i / (FRAME_WIDTH / 2);
        assert_int_equal(f->planes[1][y * f->strides[1] + x], pairs[2 * i]);
        assert_int_equal(f->planes[2][y * f->strides[2] + x], pairs[2 * i + 1]);
    }
}

static void test_frames_are_shown_as_they_are(void **state)
{
    (void)state;
    struct camera *c = open_for_frames();
    struct frame f = new_frame(FRAME_WIDTH, FRAME_HEIGHT);
    for (int z = 7; z < 30; z++, camera_advance(c)) {
        assert_true(camera_wants_keyframe(c));
        struct keyframe k = noise_frame(z);
        assert_int_equal(camera_push(c, &k), 0);
        assert_false(camera_wants_keyframe(c)); /* the next one is for the next position */
        assert_int_equal(camera_horizon(c), z);
        check_bytes(c, &f, k.nv12);
        assert_false(camera_bridges(c));
        assert_string_equal(camera_caption(c), k.caption);
        assert_int_equal(camera_request_id(c), z);
        free(k.nv12);
    }
    free_frame(&f);
    camera_close(&c);
}

/* The same picture once as a frame, once as a keyframe: zoomed into, they are alike. */
static void test_a_missing_frame_is_bridged(void **state)
{
    (void)state;
    struct camera *c = open_for_frames(), *other = open_for_frames();
    struct frame f = new_frame(FRAME_WIDTH, FRAME_HEIGHT), g = new_frame(FRAME_WIDTH, FRAME_HEIGHT);
    struct keyframe k = waves(FRAME_WIDTH, FRAME_HEIGHT, 0);
    for (int i = 0; i < FRAME_WIDTH * FRAME_HEIGHT; i++) /* colours, so that misplaced chroma shows */
        k.rgb[FRAME_WIDTH * FRAME_HEIGHT + i] = 255 - k.rgb[i];
    push(other, k);
    camera_render(other, &g);
    struct keyframe same = noise_frame(0);
    for (int i = 0; i < FRAME_WIDTH * FRAME_HEIGHT; i++)
        same.nv12[i] = g.planes[0][i / FRAME_WIDTH * g.strides[0] + i % FRAME_WIDTH];
    for (int i = 0; i < FRAME_WIDTH * FRAME_HEIGHT / 2; i++) {
        int row = i / FRAME_WIDTH, column = i % FRAME_WIDTH / 2, plane = 1 + i % 2;
        same.nv12[FRAME_WIDTH * FRAME_HEIGHT + i] = g.planes[plane][row * g.strides[plane] + column];
    }
    push_frame(c, same);
    int worst = 0;
    for (int n = 0; n < 40; n++, camera_advance(c), camera_advance(other)) {
        assert_int_equal(camera_wants_keyframe(c), n > 0);
        assert_int_equal(camera_bridges(c), n > 0);
        camera_render(c, &f);
        camera_render(other, &g);
        check_canaries(&f);
        for (int plane = 0; plane < 3; plane++) {
            int w = plane ? FRAME_WIDTH / 2 : FRAME_WIDTH, h = plane ? FRAME_HEIGHT / 2 : FRAME_HEIGHT;
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    int off = abs(f.planes[plane][y * f.strides[plane] + x] -
                                  g.planes[plane][y * g.strides[plane] + x]);
                    worst = off > worst ? off : worst;
                }
        }
    }
    assert_in_range(worst, 0, 3);
    free_frame(&f);
    free_frame(&g);
    camera_close(&c);
    camera_close(&other);
}

static void test_a_late_frame_is_shown_at_once_and_the_next_one_as_it_is(void **state)
{
    (void)state;
    struct camera *c = open_for_frames();
    struct frame f = new_frame(FRAME_WIDTH, FRAME_HEIGHT);
    push_frame(c, noise_frame(0));
    for (int i = 0; i < 3; i++)
        camera_advance(c);
    assert_int_equal(camera_horizon(c), 3); /* the dream plans with this, without a glide */
    push_frame(c, grey_frame(60, 1));
    assert_true(camera_wants_keyframe(c)); /* this one is late: perhaps there is a later one */
    push_frame(c, grey_frame(90, 2));
    assert_true(camera_wants_keyframe(c));
    assert_true(camera_bridges(c));
    assert_int_equal(middle_luma(c, &f), 90);
    assert_string_equal(camera_caption(c), "frame 2");
    camera_advance(c);
    struct keyframe k = noise_frame(4);
    assert_int_equal(camera_push(c, &k), 0);
    assert_false(camera_wants_keyframe(c));
    check_bytes(c, &f, k.nv12);
    free(k.nv12);

    push_frame(c, grey_frame(90, 7)); /* the dream gave up some positions: glided into */
    for (int z = 4; z < 7; z++, camera_advance(c))
        assert_true(camera_bridges(c) && !camera_wants_keyframe(c));
    assert_false(camera_wants_keyframe(c) || camera_bridges(c));
    free_frame(&f);
    camera_close(&c);
}

static void test_after_a_gap_frames_do_not_jump(void **state)
{
    (void)state;
    struct camera *c = open_for_frames();
    struct frame f = new_frame(FRAME_WIDTH, FRAME_HEIGHT);
    push_frame(c, grey_frame(16, 0));
    for (int i = 0; i < 40; i++)
        camera_advance(c);
    int64_t promised = camera_horizon(c), z = promised + 1;
    assert_in_range(promised, 52, 53);
    push_frame(c, grey_frame(235, 20));
    int last = 16, waiting = 0;
    for (int64_t at = 40; at < z; at++) {
        if (camera_wants_keyframe(c))
            waiting++;
        assert_true(largest_step(c, &f, 1, &last) <= 30); /* 219 levels in half a second */
    }
    assert_int_equal(last, 235);
    assert_in_range(waiting, 0, 2);
    push_frame(c, grey_frame(235, 21)); /* begun before the late one was taken */
    assert_int_equal(camera_horizon(c), z);
    struct keyframe k = noise_frame(z); /* begun after that: in time */
    assert_int_equal(camera_push(c, &k), 0);
    check_bytes(c, &f, k.nv12);
    free(k.nv12);
    free_frame(&f);
    camera_close(&c);
}

/* The dream has become slow and goes on with keyframes; nothing jumps, nothing is late. */
static void test_from_frames_to_keyframes_and_back(void **state)
{
    (void)state;
    struct camera *c = open_for_frames();
    struct frame f = new_frame(FRAME_WIDTH, FRAME_HEIGHT);
    for (int z = 0; z < 5; z++, camera_advance(c))
        push_frame(c, grey_frame(60, z));
    int64_t z = camera_horizon(c) + 20;
    struct keyframe k = flat(170, z);
    push(c, k);
    assert_int_equal(camera_horizon(c), z);
    int last = 60, bridged = 0;
    for (; !camera_wants_keyframe(c); camera_advance(c)) {
        bridged += camera_bridges(c);
        int now = middle_luma(c, &f);
        assert_in_range(now - last, 0, 12);
        last = now;
    }
    assert_int_equal(bridged, 0);           /* keyframes are no frames that could be missing */
    assert_int_equal(camera_horizon(c), z); /* it is there */
    push_frame(c, noise_frame(z));
    assert_false(camera_wants_keyframe(c) || camera_bridges(c));
    free_frame(&f);
    camera_close(&c);
}

/* Having stood still the camera is between two positions; frames put it back on one. */
static void test_frames_after_standing_still(void **state)
{
    (void)state;
    struct camera_config config = modern;
    config.linger_s = 0.2;
    struct camera *c = open_camera(&config, FRAME_WIDTH, FRAME_HEIGHT, NULL);
    struct frame f = new_frame(FRAME_WIDTH, FRAME_HEIGHT);
    push_frame(c, grey_frame(60, 0));
    for (int i = 0; i < 500; i++)
        camera_advance(c);
    int64_t z = camera_horizon(c) + 1;
    int exact = 0;
    for (int i = 0; i < 100; i++, camera_advance(c)) {
        while (camera_wants_keyframe(c))
            push_frame(c, noise_frame(z++));
        z = z > camera_horizon(c) + 1 ? z : camera_horizon(c) + 1;
        exact += !camera_bridges(c);
    }
    assert_in_range(exact, 100 - 40, 100); /* the glide, and speeding up */
    free_frame(&f);
    camera_close(&c);
}

static void test_frames_of_wrong_or_other_sizes(void **state)
{
    (void)state;
    struct camera *c = open_for_frames(), *large = open_camera(&modern, 2 * FRAME_WIDTH, 90, NULL);
    struct keyframe k = noise_frame(0);
    k.height_px = FRAME_HEIGHT - 1;
    assert_int_equal(camera_push(c, &k), -EINVAL);
    k.height_px = FRAME_HEIGHT;
    k.width_px = 1;
    assert_int_equal(camera_push(c, &k), -EINVAL);
    assert_true(camera_wants_keyframe(c));
    free(k.nv12);

    struct frame f = new_frame(2 * FRAME_WIDTH, 90);
    push_frame(large, grey_frame(99, 0));
    assert_true(camera_bridges(large)); /* it must be enlarged, so it is not shown as it is */
    assert_int_equal(middle_luma(large, &f), 99);
    check_canaries(&f);
    free_frame(&f);
    camera_close(&large);
    camera_close(&c);
}

/* A keyframe that says by what motion it came is met as if the settings said so, and between two with different
 * ones nothing jumps. */
static void test_keyframes_that_move_by_themselves(void **state)
{
    (void)state;
    struct camera_config fast = modern;
    fast.zoom = 1.3;
    fast.rotation = 6;
    struct camera *c = open_for_frames(), *other = open_camera(&fast, FRAME_WIDTH, FRAME_HEIGHT, NULL);
    struct frame f = new_frame(FRAME_WIDTH, FRAME_HEIGHT), g = new_frame(FRAME_WIDTH, FRAME_HEIGHT);
    for (int z = 0; z <= 50; z += 25) {
        struct keyframe k = waves(FRAME_WIDTH, FRAME_HEIGHT, z), same = waves(FRAME_WIDTH, FRAME_HEIGHT, z);
        k.zoom_per_frame = camera_zoom_per_frame(&fast, 25);
        k.degrees_per_frame = camera_degrees_per_frame(&fast, 25);
        push(c, k);
        push(other, same);
        for (int i = 0; i < 25 && z > 0; i++, camera_advance(c), camera_advance(other)) {
            camera_render(c, &f);
            camera_render(other, &g);
            for (int plane = 0; plane < 3; plane++)
                for (int y = 0; y < (plane ? FRAME_HEIGHT / 2 : FRAME_HEIGHT); y++)
                    assert_memory_equal(f.planes[plane] + y * f.strides[plane],
                                        g.planes[plane] + y * g.strides[plane],
                                        (size_t)(plane ? FRAME_WIDTH / 2 : FRAME_WIDTH));
        }
    }
    free_frame(&f);
    free_frame(&g);
    camera_close(&other);
    camera_close(&c);
}

/* The front is on its way as the picture is: between two keyframes along a straight line, at a frame that frame's. */
static void test_the_front_goes_with_the_picture(void **state)
{
    (void)state;
    struct camera *c = open_for_frames();
    assert_true(camera_front(c) < 0);
    static const struct {
        double front;
        int64_t request_id, z;
    } shots[] = {{-1, 4, 0}, {0.5, 4, 10}, {0.7, 4, 20}, {0.1, 5, 30}, {0.2, 5, 40}, {-1, 5, 50}};
    double last = -1;
    size_t next = 0;
    for (int z = 0; z < 50; z++, camera_advance(c)) {
        while (camera_wants_keyframe(c) && next < ARRAY_LEN(shots)) {
            struct keyframe k = waves(FRAME_WIDTH, FRAME_HEIGHT, shots[next].z);
            k.front = shots[next].front;
            k.request_id = shots[next++].request_id;
            push(c, k);
        }
        double front = camera_front(c);
        if (z < 5)
            assert_true(front < 0); /* the first front of all begins when its picture prevails */
        if (z >= 5 && z < 10)
            assert_float_equal(front, 0.5, 1e-5);
        if (z > 10 && z <= 20)
            assert_float_equal(front - last, 0.02, 1e-5);
        if (z >= 20 && z < 30) /* another dream: it does not travel from one to the other */
            assert_float_equal(front, z < 25 ? 0.7 : 0.1, 1e-5);
        if (z >= 45)
            assert_true(front < 0);
        last = front;
    }
    struct keyframe f = grey_frame(60, 50);
    f.front = 0.9;
    f.request_id = 5;
    push_frame(c, f);
    assert_float_equal(camera_front(c), 0.9, 1e-5);
    camera_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_front_goes_with_the_picture),
        cmocka_unit_test(test_frames_are_shown_as_they_are),
        cmocka_unit_test(test_a_missing_frame_is_bridged),
        cmocka_unit_test(test_a_late_frame_is_shown_at_once_and_the_next_one_as_it_is),
        cmocka_unit_test(test_after_a_gap_frames_do_not_jump),
        cmocka_unit_test(test_from_frames_to_keyframes_and_back),
        cmocka_unit_test(test_frames_after_standing_still),
        cmocka_unit_test(test_frames_of_wrong_or_other_sizes),
        cmocka_unit_test(test_keyframes_that_move_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
