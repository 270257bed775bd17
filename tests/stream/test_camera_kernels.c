/*
 * The camera's kernels by themselves: the same bytes from every tier, and what they compute against the formulas.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "stream/camera_kernels.h"
#include "tests/stream/camera_pictures.h"

#if defined(__x86_64__)
static void random_line(struct sample_line *l, const struct sample_plane *p)
{
    int wild = random32() % 4 == 0;
    l->plane = p;
    l->x = (int32_t)(random32() % (uint32_t)((p->width + 40) << 16)) - (20 << 16);
    l->y = (int32_t)(random32() % (uint32_t)((p->height + 40) << 16)) - (20 << 16);
    l->dx = (int32_t)(random32() % (wild ? 6 << 16 : 2 << 16)) - (wild ? 3 << 16 : 0);
    l->dy = (int32_t)(random32() % (wild ? 6 << 16 : 4000)) - (wild ? 3 << 16 : 2000);
}
#endif

static void test_every_tier_gives_the_same_bytes(void **state)
{
    (void)state;
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2"))
        skip();
    enum { W = 97, H = 31, STRIDE = 101 };
    uint16_t *samples = xmalloc(sizeof *samples * ((H + 1) * STRIDE + SAMPLE_OVERREAD));
    struct sample_plane p = {samples, W, H, STRIDE};
    for (int i = 0; i < (H + 1) * STRIDE; i++)
        samples[i] =
            random32() % 3 == 0 ? (random32() % 2 ? SAMPLE_MAX : 0) : (uint16_t)(random32() % SAMPLE_MAX);
    for (int round = 0; round < 20000; round++) {
        struct sample_line a, b;
        random_line(&a, &p);
        random_line(&b, &p);
        uint16_t weights[LINE_MAX];
        for (int i = 0; i < LINE_MAX; i++)
            weights[i] = (uint16_t)(random32() % (WEIGHT_ONE + 1));
        weights[0] = WEIGHT_ONE;
        int n = 1 + (int)(random32() % LINE_MAX);
        uint8_t plain[LINE_MAX + 8], fast[LINE_MAX + 8];
        memset(plain, CANARY, sizeof plain);
        memset(fast, CANARY, sizeof fast);
        camera_kernels_c.two(plain, n, &a, &b, weights);
        camera_kernels_avx2.two(fast, n, &a, &b, weights);
        assert_memory_equal(plain, fast, sizeof plain);
        camera_kernels_c.two_light(plain, n, &a, &b, weights);
        camera_kernels_avx2.two_light(fast, n, &a, &b, weights);
        assert_memory_equal(plain, fast, sizeof plain);
        camera_kernels_c.one(plain, n, &a);
        camera_kernels_avx2.one(fast, n, &a);
        assert_memory_equal(plain, fast, sizeof plain);
    }
    free(samples);
#else
    skip();
#endif
}

/* Every pair of levels at every tenth of the way, against the formula. */
static void test_luma_is_mixed_as_light(void **state)
{
    (void)state;
    uint16_t samples[2][4 + SAMPLE_OVERREAD], weights[LINE_MAX];
    for (int a = 0; a < 256; a += 3)
        for (int b = 0; b < 256; b += 5)
            for (int tenth = 0; tenth <= 10; tenth++) {
                struct sample_plane planes[2] = {{samples[0], 1, 1, 2}, {samples[1], 1, 1, 2}};
                struct sample_line older = {&planes[0], 0, 0, 0, 0}, newer = {&planes[1], 0, 0, 0, 0};
                for (int i = 0; i < 4 + SAMPLE_OVERREAD; i++) {
                    samples[0][i] = (uint16_t)(a << SAMPLE_BITS);
                    samples[1][i] = (uint16_t)(b << SAMPLE_BITS);
                }
                double w = tenth / 10.0, dark = fmax(a - 16, 0), bright = fmax(b - 16, 0);
                weights[0] = (uint16_t)lrint(w * WEIGHT_ONE);
                uint8_t out;
                camera_kernels_c.two_light(&out, 1, &older, &newer, weights);
                assert_true(fabs(out - 16 - sqrt((1 - w) * dark * dark + w * bright * bright)) <= 0.55);
            }
}

static void test_border_weights_are_a_smoothstep(void **state)
{
    (void)state;
    struct border b = {.first = {-5, 1000, 1000, 1000}, .step = {0.25f, 0, 0, 0}, .gain = 1 / 8.0f};
    uint16_t w[LINE_MAX];
    camera_border_weights(w, &b, 0, WEIGHT_ONE);
    for (int i = 0; i < LINE_MAX; i++) {
        double t = fmin(fmax((-5 + 0.25 * i) / 8, 0), 1);
        assert_true(fabs(w[i] - WEIGHT_ONE * t * t * (3 - 2 * t)) <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tier_gives_the_same_bytes),
        cmocka_unit_test(test_luma_is_mixed_as_light),
        cmocka_unit_test(test_border_weights_are_a_smoothstep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
