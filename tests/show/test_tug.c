/*
 * The tug of war: one vote a viewer, a front that follows the votes of the last minute without a jump, and winners.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "common/rng.h"
#include "common/thread.h"
#include "show/tug.h"

#define PER_FRAME 0.02

static struct show_config config;
static struct tug *tug;
static double now_s;
static const struct request two = {.turn = 3, .count = 2, .synset = {1, 963}};

static void begin(int fps)
{
    option_defaults(&show_section, &config);
    tug = tug_open(&config, PER_FRAME * fps);
    now_s = 100;
    tug_turn(tug, &two, false, now_s);
}

static int end(void **state)
{
    (void)state;
    tug_close(&tug);
    return 0;
}

static int vote(const char *who, enum tug_side side)
{
    return tug_vote(tug, who, side, now_s);
}

static void crowd(const char *name, int first, int count, enum tug_side side)
{
    char key[32];
    for (int i = first; i < first + count; i++) {
        snprintf(key, sizeof key, "%s%d", name, i);
        assert_int_equal(vote(key, side), 0);
    }
}

static struct tug_view look(void)
{
    struct tug_view v;
    double front;
    tug_pull(tug, now_s, &front); /* or what is old is there still */
    tug_look(tug, &v);
    return v;
}

/* So many seconds in steps of `every_s`; returns the front, and checks that it never jumps. */
static double pull(double s, double every_s)
{
    double front = look().front, last = front;
    for (double end_s = now_s + s; now_s < end_s - 1e-9; last = front) {
        now_s += every_s;
        tug_pull(tug, now_s, &front);
        assert_true(fabs(front - last) <= PER_FRAME * fmax(every_s * 25, 1) + 1e-9);
        assert_true(front >= 0 && front <= 1);
    }
    return front;
}

static void one_vote_a_viewer(void **state)
{
    (void)state;
    begin(25);
    double front;
    assert_false(tug_pull(tug, now_s, &front)); /* nobody has pulled: the dream is left alone */
    assert_int_equal(vote("ann", TUG_UPPER), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(vote(i % 2 ? "Ann" : "ANN", TUG_UPPER), 0);
    assert_int_equal(look().votes[0], 1);
    assert_int_equal(vote("ann", TUG_LOWER), 0); /* she has changed her mind */
    assert_int_equal(vote("bob", TUG_LOWER), 0);
    struct tug_view v = look();
    assert_true(v.votes[0] == 0 && v.votes[1] == 2 && v.is_on && v.turn == 3);
    assert_true(v.synset[0] == 1 && v.synset[1] == 963);
    assert_true(tug_pull(tug, now_s, &front));
    tug_forget(tug, "aNN"); /* a moderator has banned her */
    tug_forget(tug, "nobody");
    assert_int_equal(look().votes[1], 1);
    now_s += 59.9;
    assert_int_equal(look().votes[1], 1);
    now_s += 0.2;
    assert_int_equal(look().votes[1], 0);
    now_s -= 30; /* time that runs backwards brings nobody back */
    assert_int_equal(look().votes[1], 0);
}

/* Of more than it can remember the oldest is forgotten, also when one of them has voted again meanwhile. */
static void the_oldest_is_forgotten(void **state)
{
    (void)state;
    begin(25);
    crowd("viewer", 0, TUG_VOTERS_MAX, TUG_UPPER);
    assert_int_equal(vote("viewer0", TUG_UPPER), 0);
    crowd("late", 0, 10, TUG_LOWER); /* viewer1 .. viewer10 are gone */
    assert_int_equal(look().votes[0], TUG_VOTERS_MAX - 10);
    assert_int_equal(look().votes[1], 10);
    assert_int_equal(vote("viewer0", TUG_LOWER), 0);
    assert_int_equal(look().votes[0], TUG_VOTERS_MAX - 11);
    assert_int_equal(vote("viewer5", TUG_LOWER), 0); /* takes the place of viewer11 */
    assert_int_equal(look().votes[0], TUG_VOTERS_MAX - 12);
    assert_int_equal(look().votes[1], 12);
    for (int i = 0; i < 200000; i++) /* a flood by one */
        vote("viewer12", TUG_UPPER);
    assert_int_equal(look().votes[0], TUG_VOTERS_MAX - 12);
    now_s += 61;
    struct tug_view v = look();
    assert_true(v.votes[0] == 0 && v.votes[1] == 0);
    crowd("anew", 0, TUG_VOTERS_MAX, TUG_LOWER); /* every place is free again */
    assert_int_equal(look().votes[1], TUG_VOTERS_MAX);
}

/* Anybody can open many tabs: all pages together are a small part of a crowd. */
static void pages_are_few(void **state)
{
    (void)state;
    begin(25);
    crowd("viewer", 0, 5, TUG_LOWER);
    crowd(TUG_PAGE_PREFIX, 0, 300, TUG_UPPER);
    assert_int_equal(look().votes[0], TUG_PAGES_MAX);
    assert_int_equal(look().votes[1], 5);
    tug_forget(tug, TUG_PAGE_PREFIX "299");
    assert_int_equal(look().votes[0], TUG_PAGES_MAX - 1);
    crowd(TUG_PAGE_PREFIX, 280, 20, TUG_LOWER);
    assert_int_equal(look().votes[0], 0);
    assert_int_equal(look().votes[1], 5 + TUG_PAGES_MAX);
}

/* Where the votes put it it is after 5 s, from anywhere, whether it is asked 25 times a second or every other second. */
static void the_front_follows_within_five_seconds(void **state)
{
    (void)state;
    static const double every_s[] = {0.04, 0.1, 0.33, 1, 2};
    for (size_t i = 0; i < sizeof every_s / sizeof *every_s; i++) {
        begin(25);
        crowd("a", 0, 7, TUG_UPPER);
        crowd("b", 0, 1, TUG_LOWER);
        assert_float_equal(pull(5, every_s[i]), 0.8, 0.02);
        crowd("b", 1, 50, TUG_LOWER); /* as far as it goes */
        assert_float_equal(pull(6, every_s[i]), 0.1333, 0.02);
        crowd("a", 7, 400, TUG_UPPER);
        assert_float_equal(pull(6, every_s[i]), 0.88, 0.02);
        tug_close(&tug);
    }
    begin(25);
    crowd("a", 0, 1, TUG_LOWER); /* a voter alone */
    assert_float_equal(pull(8, 0.04), 1.0 / 3, 0.01);
    pull(70, 0.04);
    assert_float_equal(look().front, 0.5, 0.01); /* and nobody any more */
}

/* Few pictures a second are no reason to jump: then it takes longer. */
static void it_never_jumps(void **state)
{
    (void)state;
    static const int rates[] = {5, 10, 25, 60};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        begin(rates[i]);
        struct rng rng = rng_make(7, 7);
        double last = 0.5, front = 0.5, most = 0;
        for (int frame = 0; frame < 400 * rates[i]; frame++, last = front) {
            now_s += 1.0 / rates[i];
            char key[32];
            snprintf(key, sizeof key, "v%u", rng_below(&rng, 50));
            bool storm = frame / (20 * rates[i]) % 2;
            if (rng_below(&rng, 20) == 0 || storm)
                vote(key, storm && frame / (40 * rates[i]) % 2 ? TUG_UPPER : TUG_LOWER);
            tug_pull(tug, now_s, &front);
            most = fmax(most, fabs(front - last));
        }
        assert_true(most > 0 && most <= PER_FRAME + 1e-9);
        tug_close(&tug);
    }
    begin(25);
}

static void a_winner_has_all_for_ten_seconds(void **state)
{
    (void)state;
    begin(25);
    crowd("a", 0, 2, TUG_UPPER);
    pull(30, 0.04);
    assert_int_equal(look().winner, TUG_NOBODY); /* two are no majority worth the name */
    crowd("a", 0, 7, TUG_UPPER);
    crowd("b", 0, 3, TUG_LOWER);
    pull(config.tug_hold_s - 0.2, 0.04);
    assert_int_equal(look().winner, TUG_NOBODY);
    assert_int_equal(vote("b3", TUG_LOWER), 0); /* 7 of 11 */
    pull(1, 0.04);
    tug_forget(tug, "b3");
    pull(config.tug_hold_s - 0.2, 0.04);
    assert_int_equal(look().winner, TUG_NOBODY); /* it had to begin again */
    pull(0.4, 0.04);
    struct tug_view v = look();
    assert_int_equal(v.winner, TUG_UPPER);
    assert_true(v.wins[0] == 1 && v.wins[1] == 0 && v.votes[0] == 7);
    assert_int_equal(vote("c", TUG_LOWER), -EALREADY);
    assert_float_equal(pull(5, 0.04), 1, 0.01);
    double whole_s = 0;
    for (; look().winner && whole_s < 60; whole_s += 0.04)
        pull(0.04, 0.04);
    assert_true(whole_s > 8 && whole_s < 11);
    assert_float_equal(pull(5, 0.04), 0.5, 0.01);
    v = look();
    assert_true(v.votes[0] == 0 && v.votes[1] == 0 && v.wins[0] == 1 && v.is_on);
    crowd("a", 0, 4, TUG_LOWER);
    pull(config.tug_hold_s + 8, 0.04);
    assert_true(look().winner == TUG_LOWER && look().front < 0.01 && look().wins[1] == 1);
    tug_turn(tug, &two, true, now_s); /* a new dream, its first thing below */
    v = look();
    assert_true(!v.winner && v.front == 0.5 && v.wins[1] == 0 && v.synset[0] == 963 && !v.has_moved);
}

static void only_where_there_are_two(void **state)
{
    (void)state;
    begin(25);
    static const struct request others[] = {
        {.count = 1, .synset = {1}},
        {.count = 3, .synset = {1, 2, 3}},
        {.count = 2, .synset = {1, 2}, .manner = {{.weight = 3}}},
        {.count = 2, .synset = {1, 2}, .manner = {{.place = SYNSETS_LEFT}}},
        {.count = 2, .synset = {1, 2}, .change = {.at = 1}},
    };
    double front;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        tug_turn(tug, &others[i], false, now_s);
        assert_int_equal(vote("ann", TUG_UPPER), -ENOENT);
        assert_false(tug_pull(tug, now_s, &front) || look().is_on);
    }
    tug_close(&tug);
    config.tug = false;
    tug = tug_open(&config, 1);
    tug_turn(tug, &two, false, now_s);
    assert_int_equal(vote("ann", TUG_UPPER), -ENOENT);
}

static void moderators_end_it(void **state)
{
    (void)state;
    begin(25);
    crowd("a", 0, 9, TUG_UPPER);
    pull(5, 0.04);
    tug_stop(tug, true);
    assert_int_equal(vote("a0", TUG_UPPER), -EPERM);
    assert_true(!look().is_on && look().is_stopped);
    assert_float_equal(pull(5, 0.04), 0.5, 0.01); /* back to halves */
    tug_turn(tug, &two, false, now_s);
    assert_int_equal(vote("a0", TUG_UPPER), -EPERM); /* also in the next dream */
    tug_stop(tug, false);
    assert_int_equal(vote("a0", TUG_UPPER), 0);
}

static void *vote_all_the_time(void *arg)
{
    char key[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "%s%d", (const char *)arg, i % 3000);
        tug_vote(tug, key, i % 2 ? TUG_UPPER : TUG_LOWER, 100 + i * 0.001);
        if (i % 100 == 0)
            tug_forget(tug, key);
    }
    return NULL;
}

static void from_many_threads(void **state)
{
    (void)state;
    begin(25);
    struct thread threads[2] = {{0}};
    assert_int_equal(thread_start(&threads[0], "a", vote_all_the_time, "a"), 0);
    assert_int_equal(thread_start(&threads[1], "b", vote_all_the_time, "b"), 0);
    double front;
    for (int i = 0; i < 2000; i++) {
        struct tug_view v = look();
        assert_true(v.votes[0] + v.votes[1] <= TUG_VOTERS_MAX);
        tug_pull(tug, now_s += 0.01, &front);
    }
    thread_join(&threads[0]);
    thread_join(&threads[1]);
    assert_true(look().votes[0] + look().votes[1] > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_vote_a_viewer, end),
        cmocka_unit_test_teardown(the_oldest_is_forgotten, end),
        cmocka_unit_test_teardown(pages_are_few, end),
        cmocka_unit_test_teardown(the_front_follows_within_five_seconds, end),
        cmocka_unit_test_teardown(it_never_jumps, end),
        cmocka_unit_test_teardown(a_winner_has_all_for_ten_seconds, end),
        cmocka_unit_test_teardown(only_where_there_are_two, end),
        cmocka_unit_test_teardown(moderators_end_it, end),
        cmocka_unit_test_teardown(from_many_threads, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
