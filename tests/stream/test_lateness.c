/*
 * Late frames: repeats after a hiccup, gaps under an overload, and what is said and done about it when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream/lateness.h"

enum { FPS = 50, PERIOD_US = 1000000 / FPS };

/* A stream whose frames take so long each, for so many seconds of the clock. Counts what was told. */
struct play {
    struct lateness l;
    int64_t now_us, due_us;
    int told[4], repeated, skipped, encoded;
    int64_t first_told_us;
};

static void play(struct play *p, int frame_us, double seconds)
{
    int64_t end_us = p->now_us + (int64_t)(seconds * 1e6), period_us = 1000000 / p->l.fps;
    while (p->now_us < end_us) {
        int missed = 0;
        if (p->now_us < p->due_us)
            p->now_us = p->due_us;
        else
            missed = (int)((p->now_us - p->due_us) / period_us);
        int repeats = 0;
        while (missed > repeats &&
               lateness_repeat(&p->l, missed - repeats, repeats, (int64_t)repeats * frame_us)) {
            lateness_cost(&p->l, frame_us);
            p->now_us += frame_us;
            repeats++;
        }
        p->repeated += repeats;
        p->skipped += missed - repeats;
        p->due_us += (int64_t)(missed + 1) * period_us;
        enum lateness_news news = lateness_watch(&p->l, p->now_us);
        if (news == LATENESS_OVERLOADED && !p->told[news])
            p->first_told_us = p->now_us;
        p->told[news]++;
        lateness_cost(&p->l, frame_us);
        p->now_us += frame_us;
        p->encoded++;
    }
}

static void begin(struct play *p)
{
    *p = (struct play){.now_us = 1000000, .due_us = 1000000};
    lateness_init(&p->l, FPS);
}

static void test_a_hiccup_is_repeated(void **state)
{
    (void)state;
    struct play p;
    begin(&p);
    play(&p, PERIOD_US / 4, 5);
    p.now_us += 400000;
    play(&p, PERIOD_US / 4, 20);
    assert_in_range(p.repeated, 18, 24);
    assert_int_equal(p.skipped, 0);
    assert_int_equal(p.told[LATENESS_OVERLOADED], 0);
    p.now_us += 3000000; /* too long to be a hiccup, too short to be told as an overload */
    play(&p, PERIOD_US / 4, 20);
    assert_in_range(p.skipped, 140, 155);
    assert_int_equal(p.told[LATENESS_OVERLOADED], 0);
}

static void test_an_overload_is_told_and_the_ladder_climbed(void **state)
{
    (void)state;
    struct play p;
    begin(&p);
    play(&p, PERIOD_US / 4, 10);
    int64_t began_us = p.now_us;
    play(&p, 3 * PERIOD_US, 60);
    assert_int_equal(p.told[LATENESS_OVERLOADED], 1);
    assert_in_range(p.first_told_us - began_us, 2000000, 5000000);
    assert_in_range(p.told[LATENESS_PERSISTS], 4, 6);
    assert_in_range(p.repeated, 0, FPS); /* until it was known */
    assert_in_range(p.skipped, 1900, 2010);
    assert_in_range(p.now_us - p.due_us + 1000000, 0, 1000000 + 4 * PERIOD_US); /* and never behind */
    play(&p, PERIOD_US / 4, 29);
    assert_int_equal(p.told[LATENESS_RELIEVED], 0);
    play(&p, PERIOD_US / 4, 10);
    assert_int_equal(p.told[LATENESS_RELIEVED], 1);
    play(&p, 3 * PERIOD_US, 1300);
    assert_in_range(p.told[LATENESS_OVERLOADED], 3, 4); /* anew, and every ten minutes */
}

/* Whatever a frame costs, and wherever in a window it begins. Repeats must not hold the warning up: at 250 ms each (medium
 * at 1080p60 on a shared core, after a second in which the encoder only collects pictures) a few of them are seconds. */
static void test_an_overload_is_told_within_five_seconds(void **state)
{
    static const int rates[] = {25, 60}, costs_ms[] = {50, 100, 250, 500, 1000, 1500, 2000};
    (void)state;
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 7; c++)
            for (int phase = 0; phase < 20; phase++) {
                struct play p;
                begin(&p);
                lateness_init(&p.l, rates[r]);
                play(&p, 5000, 1 + 0.05 * phase);
                int64_t began_us = p.now_us;
                play(&p, costs_ms[c] * 1000, 8);
                assert_int_equal(p.told[LATENESS_OVERLOADED], 1);
                assert_in_range(p.first_told_us - began_us, 2000000, 5000000);
            }
}

static void test_just_fast_enough(void **state)
{
    (void)state;
    struct play p;
    begin(&p);
    play(&p, PERIOD_US * 9 / 10, 60);
    assert_int_equal(p.skipped + p.repeated, 0);
    assert_int_equal(p.told[LATENESS_OVERLOADED], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hiccup_is_repeated),
        cmocka_unit_test(test_an_overload_is_told_and_the_ladder_climbed),
        cmocka_unit_test(test_an_overload_is_told_within_five_seconds),
        cmocka_unit_test(test_just_fast_enough),
    };
    return cmocka_run_group_tests_name("lateness", tests, NULL, NULL);
}
