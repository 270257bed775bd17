/*
 * The pad: quiet, never silent once it has begun, never clipped, the same for the same seed, and cheap; it follows
 * what is dreamed without a click.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/mem.h"
#include "stream/audio.h"
#include "stream/synth.h"

enum { SECONDS = 120 };

static double rms_db(const float *x, int samples)
{
    double sum = 0;
    for (int i = 0; i < samples; i++)
        sum += (double)x[i] * x[i];
    return 10 * log10(sum / samples);
}

static void test_level(void **state)
{
    (void)state;
    float *left = xcalloc(AUDIO_RATE_HZ, sizeof *left), *right = xcalloc(AUDIO_RATE_HZ, sizeof *right);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct synth s;
        double sum = 0;
        synth_init(&s, seed);
        for (int second = 0; second < SECONDS; second++) {
            synth_render(&s, left, right, AUDIO_RATE_HZ);
            for (int i = 0; i < AUDIO_RATE_HZ; i++)
                assert_true(fabsf(left[i]) < 0.7f && fabsf(right[i]) < 0.7f);
            double l = rms_db(left, AUDIO_RATE_HZ), r = rms_db(right, AUDIO_RATE_HZ);
            if (second >= 3) /* it fades in */
                assert_true(l > -36 && l < -15 && r > -36 && r < -15);
            sum += l / 2 + r / 2;
        }
        print_message("seed %d: %.1f dB RMS\n", (int)seed, sum / SECONDS);
        assert_true(sum / SECONDS > -30 && sum / SECONDS < -18);
    }
    free(left);
    free(right);
}

static void test_no_step_is_a_click(void **state)
{
    (void)state;
    struct synth s;
    float *x = xcalloc(30 * AUDIO_RATE_HZ, sizeof *x), *y = xcalloc(30 * AUDIO_RATE_HZ, sizeof *y);
    synth_init(&s, 7);
    synth_render(&s, x, y, 30 * AUDIO_RATE_HZ);
    for (int i = 1; i < 30 * AUDIO_RATE_HZ; i++) /* nothing above 2.5 kHz at full level could step so far */
        assert_true(fabsf(x[i] - x[i - 1]) < 0.05f);
    free(x);
    free(y);
}

static void test_the_seed_decides(void **state)
{
    (void)state;
    float a[2][5000], b[2][5000];
    struct synth s, t, other;
    synth_init(&s, 5);
    synth_init(&t, 5);
    synth_init(&other, 6);
    synth_render(&s, a[0], a[1], 5000);
    for (int i = 0; i < 5000; i += 1000) /* in other portions */
        synth_render(&t, b[0] + i, b[1] + i, 1000);
    assert_memory_equal(a, b, sizeof a);
    synth_render(&other, b[0], b[1], 5000);
    assert_memory_not_equal(a, b, sizeof a);
}

/* How much of it is high: the power of its differences against its own. */
static double brightness(struct synth *s, int seconds)
{
    static float x[AUDIO_RATE_HZ], y[AUDIO_RATE_HZ];
    double power = 1e-12, differences = 0;
    for (int second = 0; second < seconds; second++) {
        synth_render(s, x, y, AUDIO_RATE_HZ);
        for (int i = 1; i < AUDIO_RATE_HZ; i++) {
            power += (double)x[i] * x[i];
            differences += (double)(x[i] - x[i - 1]) * (x[i] - x[i - 1]);
        }
    }
    return differences / power;
}

static void test_belief_makes_it_bright_without_a_step(void **state)
{
    (void)state;
    struct synth unsure, sure;
    synth_init(&unsure, 3);
    synth_init(&sure, 3);
    synth_set_mood(&unsure, &(struct synth_mood){.belief = 0, .octaves_per_s = 0.07});
    synth_set_mood(&sure, &(struct synth_mood){.belief = 1, .octaves_per_s = 0.07});
    brightness(&unsure, 10);
    brightness(&sure, 10);
    assert_true(brightness(&sure, 20) > 1.5 * brightness(&unsure, 20));
    float x[4800], y[4800], last = 0;
    for (int i = 0; i < 200;
         i++) { /* what no network does: sure and unsure in turns, each tenth of a second */
        synth_set_mood(&sure, &(struct synth_mood){.belief = i % 2, .octaves_per_s = 0.07});
        synth_render(&sure, x, y, 4800);
        for (int n = i > 0 ? 0 : 1; n < 4800; n++)
            assert_true(fabsf(x[n] - (n > 0 ? x[n - 1] : last)) < 0.05f);
        last = x[4799];
    }
}

/* At which of its samples chords begin, in the first `seconds`. */
static int count_chords(const struct synth_mood *m, int seconds)
{
    float x[480], y[480];
    struct synth s;
    int count = 0;
    synth_init(&s, 9);
    synth_set_mood(&s, m);
    for (int64_t i = 0, before = -1; i < 100 * seconds; i++, before = s.at) {
        synth_render(&s, x, y, 480);
        count += s.at <= before;
    }
    return count;
}

static void test_a_fast_fall_hurries_it(void **state)
{
    (void)state;
    int slow = count_chords(&(struct synth_mood){.octaves_per_s = 0.07}, 120);
    int fast = count_chords(&(struct synth_mood){.octaves_per_s = 0.5}, 120);
    int still = count_chords(&(struct synth_mood){.octaves_per_s = 0}, 120);
    assert_true(slow >= 9 && slow <= 12);
    assert_true(fast > 1.5 * slow && fast < 2.2 * slow);
    assert_true(still < slow && still > 0);
}

static void test_a_new_subject_has_a_chord_of_its_own_soon(void **state)
{
    (void)state;
    float a[2][4800], b[2][4800], last = 0;
    struct synth s, same;
    synth_init(&s, 4);
    synth_init(&same, 4);
    for (int i = 0; i < 150; i++) { /* it turns after nine seconds, long after the first fade */
        if (i == 90)
            synth_set_mood(&s, &(struct synth_mood){.subject = 7, .belief = -1, .octaves_per_s = 0.07});
        synth_render(&s, a[0], a[1], 4800);
        synth_render(&same, b[0], b[1], 4800);
        if (i < 90)
            assert_memory_equal(a, b, sizeof a);
        for (int n = i > 0 ? 0 : 1; n < 4800; n++)
            assert_true(fabsf(a[0][n] - (n > 0 ? a[0][n - 1] : last)) < 0.05f);
        last = a[0][4799];
        if (i == 95)
            assert_true(s.at < AUDIO_RATE_HZ && same.at > AUDIO_RATE_HZ); /* it has begun another */
    }
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_it_costs_little(void **state)
{
    (void)state;
    float left[1024], right[1024];
    struct synth s;
    struct timespec begin, end;
    synth_init(&s, 1);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    for (int i = 0; i < 20 * AUDIO_RATE_HZ / 1024; i++)
        synth_render(&s, left, right, 1024);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    double took_s = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    print_message("%.2f %% of a core\n", 100 * took_s / 20);
    if (!getenv("SANITIZER") || !getenv("SANITIZER")[0])
        assert_true(took_s / 20 < 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level),
        cmocka_unit_test(test_no_step_is_a_click),
        cmocka_unit_test(test_the_seed_decides),
        cmocka_unit_test(test_belief_makes_it_bright_without_a_step),
        cmocka_unit_test(test_a_fast_fall_hurries_it),
        cmocka_unit_test(test_a_new_subject_has_a_chord_of_its_own_soon),
        cmocka_unit_test(test_it_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
