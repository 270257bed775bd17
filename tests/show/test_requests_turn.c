/*
 * Requests: whose turn it is. Rounds and the lottery, holds, and the walk of daydreams when nobody asks.
 */
#include <math.h>

#include "common/rng.h"
#include "show/daydream.h"
#include "show/daydream_table.h"
#include "tests/show/requests_fixture.h"

static int on(struct requests *r)
{
    struct request now;
    requests_list(r, &now, NULL, 0);
    return now.synset[0];
}

static void test_idle(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now;
    double eta;
    add(r, "ann", VOLCANO, 0, &eta);
    requests_turn(r, 0, &now);
    assert_false(requests_turn(r, 89.9, &now)); /* the hold, and the wait for somebody */
    assert_true(requests_turn(r, 90, &now));
    assert_int_equal(now.id, 0);
    assert_false(requests_turn(r, 119.9, &now));
    assert_true(requests_turn(r, 120, &now));
    assert_int_equal(now.id, 0);
    assert_false(requests_turn(r, 50, &now)); /* time does not run backwards */
    assert_int_equal(add(r, "bob", on(r), 121, &eta),
                     0); /* a daydream may be asked for: it stays, with a name */
    assert_true(requests_turn(r, 122, &now));
    assert_string_equal(now.user, "bob");
    requests_close(&r);

    struct show_config still = config;
    still.daydream = false;
    r = open_with(&still, SYNSET_COUNT, 1);
    assert_true(requests_turn(r, 0, &now)); /* something has to be dreamed */
    assert_false(requests_turn(r, 1e6, &now));
    add(r, "ann", VOLCANO, 1e6, &eta);
    assert_true(requests_turn(r, 1e6, &now));
    assert_false(requests_turn(r, 2e6, &now));
    requests_close(&r);
}

/* Time does not run backwards: a call with an earlier time counts as one at the latest. */
static void test_time(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now;
    double eta;
    add(r, "ann", VOLCANO, 100, &eta);
    assert_true(requests_turn(r, 50, &now)); /* on since 100 */
    add(r, "bob", PIZZA, 10, &eta);
    assert_true(fabs(eta - 60) < 1e-9);
    assert_false(requests_turn(r, 120, &now));
    requests_where(r, "bob", 20, &eta);
    assert_true(fabs(eta - 40) < 1e-9);
    assert_false(requests_turn(r, 159, &now));
    assert_true(requests_turn(r, 160, &now));
    requests_close(&r);
}

/* None twice in an hour, from one to one that is more like it than chance would have it, and the seed decides. */
static void test_walk(void **state)
{
    (void)state;
    enum { COUNT = 300, TURNS = 900, HOUR_TURNS = 120 };
    struct requests *r = open_with(&config, COUNT, 7), *again = open_with(&config, COUNT, 7),
                    *other = open_with(&config, COUNT, 8);
    int last = -1, differs = 0, seen = 0, seen_at[COUNT];
    long steps = 0, steps_by_chance = 0;
    struct rng rng = rng_make(1, 1);
    for (int i = 0; i < COUNT; i++)
        seen_at[i] = -HOUR_TURNS;
    for (int i = 0; i < TURNS; i++) {
        struct request a, b, c;
        assert_true(requests_turn(r, 30.0 * i, &a));
        assert_true(requests_turn(again, 30.0 * i, &b));
        assert_true(requests_turn(other, 30.0 * i, &c));
        assert_int_equal(a.synset[0], b.synset[0]);
        differs += a.synset[0] != c.synset[0];
        assert_true(i - seen_at[a.synset[0]] >= HOUR_TURNS);
        seen += seen_at[a.synset[0]] < 0;
        seen_at[a.synset[0]] = i;
        if (i > 0) {
            steps += synsets_distance(last, a.synset[0]);
            steps_by_chance += synsets_distance((int)rng_below(&rng, COUNT), (int)rng_below(&rng, COUNT));
        }
        last = a.synset[0];
    }
    assert_true(seen > COUNT * 9 / 10);
    assert_true(differs > TURNS / 2);
    assert_true(steps < steps_by_chance * 9 / 10);
    requests_close(&r);
    requests_close(&again);
    requests_close(&other);
}

static bool is_near(const struct daydream_row *row, int synset)
{
    for (int i = 0; i < DAYDREAM_NEAR; i++)
        if (row->near[i] == synset)
            return true;
    return false;
}

static const struct daydream_row *row_of(int synset)
{
    for (int i = 0; i < daydream_table_count; i++)
        if (daydream_table[i].synset == synset)
            return &daydream_table[i];
    return NULL;
}

/* With the embedded model's classes: the table is sound, most steps go to a neighbour of it, and what dreams well comes
 * more often. */
static void test_walk_by_the_table(void **state)
{
    (void)state;
    enum { TURNS = 4000 };
    struct synsets_known known = {{false}};
    double mean = 0, shown = 0;
    for (int i = 0; i < daydream_table_count; i++) {
        const struct daydream_row *row = &daydream_table[i];
        assert_true(i == 0 || row[-1].synset < row->synset);
        assert_true(row->synset < SYNSET_COUNT && row->weight >= 5 && row->weight <= 100);
        assert_false(is_near(row, row->synset));
        for (int k = 0; k < DAYDREAM_NEAR; k++)
            assert_non_null(row_of(row->near[k]));
        known.known[row->synset] = true;
        mean += row->weight / (double)daydream_table_count;
    }
    assert_int_equal(daydream_table_count, 200);
    struct daydream d;
    double on_until_s[SYNSET_COUNT];
    for (int i = 0; i < SYNSET_COUNT; i++)
        on_until_s[i] = -INFINITY;
    daydream_init(&d, &known, 5);
    int now = daydream_next(&d, NULL, 0, on_until_s, 0), near = 0;
    for (int i = 1; i <= TURNS; i++) {
        on_until_s[now] = 60.0 * i;
        int next = daydream_next(&d, &now, 1, on_until_s, 60.0 * i);
        near += is_near(row_of(now), next);
        shown += row_of(next)->weight / (double)TURNS;
        now = next;
    }
    assert_in_range(near, TURNS * 4 / 10, TURNS * 8 / 10);
    assert_true(shown > 1.05 * mean);
}

/* Models that know one or two classes must not make the walk turn in circles. */
static void test_walk_of_few(void **state)
{
    (void)state;
    for (int count = 1; count <= 3; count++) {
        struct requests *r = open_with(&config, count, 3);
        struct request now, q = {.user = "a", .count = 2, .synset = {0, count - 1}};
        double eta;
        bool replaced;
        assert_true(requests_turn(r, 0, &now));
        int changes = 0, last = now.synset[0];
        for (int i = 1; i < 50; i++)
            if (requests_turn(r, 30.0 * i, &now)) {
                assert_int_not_equal(now.synset[0], last);
                last = now.synset[0];
                changes++;
            }
        assert_int_equal(changes, count == 1 ? 0 : 49);
        assert_int_equal(requests_add(r, &q, 1500, &eta, &replaced), 0);
        assert_true(requests_turn(r, 1500, &now));
        assert_true(requests_turn(r, 1600, &now)); /* one of the two alone is another picture */
        requests_close(&r);
    }
}

/* What is on by request is not the next idea. */
static void test_walk_meets_request(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, 2, 3);
    struct request now;
    double eta;
    assert_true(requests_turn(r, 0, &now));
    int first = now.synset[0];
    assert_int_equal(add(r, "ann", 1 - first, 1, &eta), 0);
    assert_true(requests_turn(r, 1, &now));
    assert_true(requests_turn(r, 91, &now));
    assert_int_equal(now.id, 0);
    assert_int_equal(now.synset[0], first);
    requests_close(&r);
}

/* Ideas of two things: as many as were asked for, never one thing twice. */
static void test_mixtures(void **state)
{
    (void)state;
    struct show_config c = config;
    c.mixtures = 0.5;
    struct requests *r = open_with(&c, SYNSET_COUNT, 1);
    struct request now;
    int two = 0;
    for (int i = 0; i < 400; i++) {
        assert_true(requests_turn(r, 30.0 * i, &now));
        two += now.count == 2;
        assert_true(now.count == 1 || now.synset[0] != now.synset[1]);
        assert_int_equal(now.id, 0);
    }
    assert_in_range(two, 150, 250);
    requests_close(&r);
    r = open_with(&c, 1, 1); /* with what is there */
    assert_true(requests_turn(r, 0, &now));
    assert_int_equal(now.count, 1);
    requests_close(&r);
}

/* Nobody has a second turn while somebody waits for a first. */
static void test_fair(void **state)
{
    (void)state;
    struct show_config c = config;
    c.queue_max = 10;
    struct requests *r = open_with(&c, SYNSET_COUNT, 1);
    struct request now, next[10];
    double eta, t = 0;
    add(r, "ann", 1, t, &eta);
    requests_turn(r, t, &now);
    add(r, "ann", 2, t, &eta); /* her second */
    assert_true(fabs(eta - 60) < 1e-9);
    add(r, "bob", 3, t, &eta); /* a first one: before her */
    assert_true(fabs(eta - 60) < 1e-9);
    add(r, "eve", 4, t, &eta);
    assert_true(fabs(eta - 120) < 1e-9);
    assert_int_equal(requests_where(r, "ann", t, &eta), 3);
    assert_true(fabs(eta - 180) < 1e-9);
    requests_turn(r, t += 60, &now);
    assert_string_equal(now.user, "bob");
    add(r, "bob", 5, t, &eta); /* behind ann: she came first */
    assert_int_equal(requests_list(r, NULL, next, 10), 3);
    assert_string_equal(next[0].user, "eve");
    assert_string_equal(next[1].user, "ann");
    assert_string_equal(next[2].user, "bob");
    requests_close(&r);

    /* One who always wishes and nine who do so now and then: all that asked equally often are served so. */
    r = open_with(&c, SYNSET_COUNT, 1);
    int served[3] = {0};
    t = 0;
    for (int i = 0; i < 300; i++) {
        for (int u = 0; u < 3; u++) {
            char user[8];
            snprintf(user, sizeof user, "u%d", u);
            add(r, user, (7 * i + u) % 1000, t, &eta);
            if (u == 0) /* the eager one tries again at once */
                add(r, user, (7 * i + 500) % 1000, t, &eta);
        }
        if (requests_turn(r, t += 60, &now) && now.id)
            served[now.user[1] - '0']++;
    }
    for (int u = 0; u < 3; u++)
        assert_in_range(served[u], 95, 105);
    requests_close(&r);
}

static void test_lottery(void **state)
{
    (void)state;
    struct show_config c = config;
    c.order = SHOW_LOTTERY;
    c.queue_max = 10;
    struct requests *r = open_with(&c, SYNSET_COUNT, 1);
    assert_true(requests_is_lottery(r));
    struct request now;
    double eta, t = 0;
    int won[4] = {0};
    add(r, "x", 999, 0, &eta);
    requests_turn(r, 0, &now);
    for (int i = 0; i < 400; i++) {
        for (int u = 0; u < 4; u++) {
            char user[8];
            snprintf(user, sizeof user, "u%d", u);
            assert_int_equal(add(r, user, (i * 4 + u) % 900, t + 1, &eta), 0);
            assert_true(fabs(eta - 59) < 1e-9); /* the next draw, whoever it is */
        }
        assert_true(requests_turn(r, t += 60, &now));
        assert_int_equal(requests_list(r, NULL, NULL, 0), 0); /* all others have lost */
        won[now.user[1] - '0']++;
    }
    for (int u = 0; u < 4; u++)
        assert_in_range(won[u], 70, 130);
    requests_close(&r);
}

static void test_hold(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now;
    double eta;
    add(r, "ann", VOLCANO, 0, &eta);
    requests_turn(r, 0, &now);
    add(r, "bob", PIZZA, 1, &eta);
    requests_hold(r, 200);
    assert_int_equal(requests_where(r, "bob", 50, &eta), 1);
    assert_true(fabs(eta - 150) < 1e-9);
    assert_false(requests_turn(r, 199, &now));
    assert_true(requests_turn(r, 200, &now));
    assert_false(requests_turn(r, 201, &now)); /* it held once */
    assert_true(requests_turn(r, 290, &now));  /* the idle one comes as always */
    requests_hold(r, 1000);
    assert_false(requests_turn(r, 400, &now)); /* daydreams are held too */
    requests_skip(r);
    assert_true(requests_turn(r, 401, &now));
    requests_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle),        cmocka_unit_test(test_time),
        cmocka_unit_test(test_walk),        cmocka_unit_test(test_walk_by_the_table),
        cmocka_unit_test(test_walk_of_few), cmocka_unit_test(test_walk_meets_request),
        cmocka_unit_test(test_mixtures),    cmocka_unit_test(test_fair),
        cmocka_unit_test(test_lottery),     cmocka_unit_test(test_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
