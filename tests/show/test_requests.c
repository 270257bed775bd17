/*
 * Requests: turn order, hold, idle, replacing, times told, and what must never happen.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "common/rng.h"
#include "show/requests.h"

enum { GOLDFISH = 1, TENCH = 0, VOLCANO = 980, PIZZA = 963 };

static const struct show_config config = {.hold_s = 60, .idle_s = 30, .queue_max = 4, .daydream = true};
static struct stats stats;

static struct synsets_known knows(int count)
{
    struct synsets_known known = {{false}};
    for (int i = 0; i < count; i++)
        known.known[i] = true;
    return known;
}

static struct requests *open_with(const struct show_config *c, int count, uint64_t seed)
{
    struct requests *r;
    struct synsets_known known = knows(count);
    memset(&stats, 0, sizeof stats);
    assert_int_equal(requests_open(&r, c, &known, seed, &stats), 0);
    return r;
}

static int add(struct requests *r, const char *user, int synset, double now_s, double *eta_s)
{
    struct request q = {.count = 1, .synset = {synset}};
    bool replaced;
    snprintf(q.user, sizeof q.user, "%s", user);
    return requests_add(r, &q, now_s, eta_s, &replaced);
}

static int on(struct requests *r)
{
    struct request now;
    requests_list(r, &now, NULL, 0);
    return now.synset[0];
}

static void test_first_is_at_once(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now = {.count = 0};
    double eta;
    assert_int_equal(requests_list(r, &now, NULL, 0), 0);
    assert_int_equal(now.count, 0);
    assert_true(requests_turn(r, 0, &now)); /* the dream begins with an idea of its own */
    assert_int_equal(now.id, 0);
    assert_false(requests_turn(r, 1, &now));
    assert_int_equal(add(r, "ann", VOLCANO, 2, &eta), 0);
    assert_true(fabs(eta) < 1e-9);
    assert_true(requests_turn(r, 2, &now));
    assert_int_equal(now.id, 1);
    assert_int_equal(now.synset[0], VOLCANO);
    assert_string_equal(now.user, "ann");
    assert_int_equal(stats_get(&stats, STAT_REQUESTS), 1);
    requests_close(&r);
    assert_null(r);
    requests_close(&r);
}

static void test_hold_and_order(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now;
    double eta;
    assert_int_equal(add(r, "ann", VOLCANO, 0, &eta), 0);
    assert_true(requests_turn(r, 0, &now)); /* asked before the first turn: no daydream at all */
    assert_int_equal(now.id, 1);
    assert_int_equal(add(r, "bob", PIZZA, 10, &eta), 0);
    assert_true(fabs(eta - 50) < 1e-9);
    assert_int_equal(add(r, "eve", GOLDFISH, 20, &eta), 0);
    assert_true(fabs(eta - 100) < 1e-9);
    assert_false(requests_turn(r, 59.9, &now));
    assert_true(requests_turn(r, 60, &now));
    assert_int_equal(now.synset[0], PIZZA);
    assert_int_equal(requests_where(r, "EVE", 70, &eta), 1);
    assert_true(fabs(eta - 50) < 1e-9);
    assert_int_equal(requests_where(r, "bob", 70, &eta), 0); /* it is on, it waits no more */
    assert_int_equal(add(r, "bob", TENCH, 70, &eta), 0);     /* again, behind eve */
    assert_true(fabs(eta - 110) < 1e-9);
    assert_true(requests_turn(r, 121, &now));
    assert_int_equal(now.synset[0], GOLDFISH);
    assert_false(requests_turn(r, 180.5, &now)); /* held from 121 on */
    assert_true(requests_turn(r, 181, &now));
    assert_int_equal(now.synset[0], TENCH);
    requests_close(&r);
}

static void test_one_each(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now, next[8];
    double eta;
    bool replaced;
    add(r, "ann", VOLCANO, 0, &eta);
    requests_turn(r, 0, &now);
    add(r, "bob", PIZZA, 1, &eta);
    add(r, "eve", GOLDFISH, 2, &eta);
    struct request q = {.user = "Bob", .count = 2, .synset = {TENCH, VOLCANO}};
    assert_int_equal(requests_add(r, &q, 3, &eta, &replaced), 0);
    assert_true(replaced);
    assert_int_equal(q.id, 4);
    assert_true(fabs(eta - 57) < 1e-9); /* bob's place, not the end */
    assert_int_equal(requests_add(r, &q, 4, &eta, &replaced), -EALREADY);
    assert_true(fabs(eta - 56) < 1e-9);
    assert_int_equal(q.id, 4);
    assert_int_equal(add(r, "zed", VOLCANO, 5, &eta), -EALREADY); /* it is on */
    assert_int_equal(requests_list(r, &now, next, 8), 2);
    assert_int_equal(now.synset[0], VOLCANO);
    assert_int_equal(next[0].synset[1], VOLCANO);
    assert_string_equal(next[1].user, "eve");
    assert_int_equal(requests_list(r, NULL, next, 1), 2);
    assert_int_equal(requests_cancel(r, "bOB"), 0);
    assert_int_equal(requests_cancel(r, "bob"), -ENOENT);
    assert_int_equal(requests_where(r, "eve", 5, &eta), 1);
    requests_close(&r);
}

static void test_full(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    char user[16];
    double eta;
    for (int i = 0; i < 4; i++) {
        snprintf(user, sizeof user, "u%d", i);
        assert_int_equal(add(r, user, 10 + i, 0, &eta), 0);
    }
    assert_int_equal(add(r, "late", 20, 0, &eta), -EBUSY);
    assert_int_equal(stats_get(&stats, STAT_REQUESTS_REFUSED), 1);
    assert_int_equal(add(r, "u2", 30, 0, &eta), 0); /* a change of mind needs no place */
    struct request next[4];
    assert_int_equal(requests_list(r, NULL, next, 4), 4);
    assert_int_equal(next[2].synset[0], 30);
    assert_int_equal(requests_cancel(r, "u0"), 0);
    assert_int_equal(add(r, "late", 20, 0, &eta), 0);
    requests_close(&r);
}

static void test_invalid(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, 10, 1);
    struct request now, q = {.user = "x", .count = 0};
    double eta;
    bool replaced;
    assert_int_equal(requests_add(r, &q, 0, &eta, &replaced), -EINVAL);
    q.count = 3;
    assert_int_equal(requests_add(r, &q, 0, &eta, &replaced), -EINVAL);
    assert_int_equal(add(r, "x", -1, 0, &eta), -EINVAL);
    assert_int_equal(add(r, "x", SYNSET_COUNT, 0, &eta), -EINVAL);
    assert_int_equal(add(r, "x", 10, 0, &eta), -EINVAL); /* not known */
    assert_true(requests_turn(r, 0, &now));
    assert_int_equal(now.id, 0);
    requests_close(&r);
    struct synsets_known none = {{false}};
    assert_int_equal(requests_open(&r, &config, &none, 1, NULL), -EINVAL);
    assert_null(r);
}

static void test_operator(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now, next[2], q = {.user = "op", .count = 1, .synset = {PIZZA}, .immediate = true};
    double eta;
    bool replaced;
    add(r, "ann", VOLCANO, 0, &eta);
    requests_turn(r, 0, &now);
    add(r, "bob", TENCH, 1, &eta);
    assert_int_equal(requests_add(r, &q, 2, &eta, &replaced), 0);
    assert_true(fabs(eta) < 1e-9);
    assert_int_equal(requests_list(r, NULL, next, 2), 2);
    assert_int_equal(next[0].synset[0], PIZZA);
    assert_string_equal(next[1].user, "bob");
    assert_int_equal(requests_where(r, "bob", 2, &eta), 1);
    assert_true(fabs(eta - 60) < 1e-9); /* behind the operator's hold */
    assert_true(requests_turn(r, 3, &now));
    assert_int_equal(now.synset[0], PIZZA);
    assert_int_equal(requests_add(r, &q, 4, &eta, &replaced), -EALREADY);
    assert_false(requests_turn(r, 62, &now));
    assert_true(requests_turn(r, 63, &now));
    assert_int_equal(now.synset[0], TENCH);

    requests_skip(r);
    assert_true(requests_turn(r, 64, &now)); /* nobody waits: a daydream */
    assert_int_equal(now.id, 0);
    add(r, "eve", VOLCANO, 65, &eta);
    assert_true(requests_turn(r, 65, &now));
    add(r, "bob", TENCH, 66, &eta);
    requests_skip(r);
    assert_int_equal(requests_where(r, "bob", 66, &eta), 1);
    assert_true(fabs(eta) < 1e-9);
    assert_true(requests_turn(r, 67, &now));
    assert_int_equal(now.synset[0], TENCH);
    assert_false(requests_turn(r, 68, &now)); /* one skip skips one */
    requests_close(&r);
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

/* Each round shows every class once, never one twice in a row, neighbours differ more than chance would have
 * it, and the seed decides. */
static void test_walk(void **state)
{
    (void)state;
    enum { COUNT = 300, ROUNDS = 3 };
    struct requests *r = open_with(&config, COUNT, 7), *again = open_with(&config, COUNT, 7),
                    *other = open_with(&config, COUNT, 8);
    int seen[COUNT] = {0}, last = -1, differs = 0, walked[COUNT * ROUNDS];
    long steps = 0, steps_by_chance = 0;
    struct rng rng = rng_make(1, 1);
    for (int i = 0; i < COUNT * ROUNDS; i++) {
        struct request a, b, c;
        assert_true(requests_turn(r, 30.0 * i, &a));
        assert_true(requests_turn(again, 30.0 * i, &b));
        assert_true(requests_turn(other, 30.0 * i, &c));
        assert_int_equal(a.synset[0], b.synset[0]);
        differs += a.synset[0] != c.synset[0];
        assert_int_not_equal(a.synset[0], last);
        walked[i] = a.synset[0];
        if (i > 0) {
            steps += synsets_distance(last, a.synset[0]);
            steps_by_chance += synsets_distance((int)rng_below(&rng, COUNT), (int)rng_below(&rng, COUNT));
        }
        last = a.synset[0];
    }
    for (int i = 0; i < COUNT; i++)
        seen[walked[i]]++;
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(seen[i], 1);
    assert_true(differs > COUNT);
    assert_true(steps > steps_by_chance * 11 / 10);
    requests_close(&r);
    requests_close(&again);
    requests_close(&other);
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

/* What the walk has left is on by request already: the next round begins with the other one. */
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

static void test_captions(void **state)
{
    (void)state;
    char out[64];
    struct request q = {.id = 3, .user = "ann", .count = 2, .synset = {GOLDFISH, VOLCANO}};
    request_label(&q, out, sizeof out);
    assert_string_equal(out, "goldfish + volcano");
    request_caption(&q, out, sizeof out);
    assert_string_equal(out, "goldfish + volcano  @ann");
    q = (struct request){.count = 1, .synset = {GOLDFISH}};
    request_caption(&q, out, sizeof out);
    assert_string_equal(out, "goldfish ~");
    request_caption(&q, out, 5);
    assert_string_equal(out, "gold");
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

static int64_t withdrawn[8];
static int withdrawn_count;

static void on_withdrawn(void *context, int64_t id)
{
    assert_ptr_equal(context, withdrawn);
    withdrawn[withdrawn_count++] = id;
}

static void test_withdraw(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now,
        q = {.user = "Ann A.", .login = "ann", .message_id = "m1", .count = 1, .synset = {PIZZA}};
    double eta;
    bool replaced;
    char caption[64];
    withdrawn_count = 0;
    requests_on_withdrawn(r, on_withdrawn, withdrawn);
    requests_add(r, &q, 0, &eta, &replaced);
    requests_turn(r, 0, &now);
    q.synset[0] = VOLCANO;
    memcpy(q.message_id, "m2", 3);
    requests_add(r, &q, 1, &eta, &replaced);
    add(r, "bob", TENCH, 2, &eta);
    assert_int_equal(requests_withdraw(r, "nobody", NULL), 0);
    assert_int_equal(requests_withdraw(r, NULL, "m2"), 1); /* the waiting one */
    assert_int_equal(withdrawn_count, 0);
    assert_int_equal(requests_where(r, "ann", 2, &eta), 0);
    assert_int_equal(requests_withdraw(r, NULL, "m1"), 1); /* the one that is on */
    assert_int_equal(withdrawn_count, 1);
    assert_int_equal(withdrawn[0], 1);
    requests_list(r, &now, NULL, 0);
    request_caption(&now, caption, sizeof caption);
    assert_string_equal(caption, "pizza ~");
    assert_true(requests_turn(r, 3, &now)); /* long before its time is over */
    assert_string_equal(now.user, "bob");
    assert_int_equal(requests_withdraw(r, NULL, "m1"), 0); /* told once */
    add(r, "eve", VOLCANO, 4, &eta);
    requests_turn(r, 70, &now);
    assert_string_equal(now.user, "eve");
    requests_withdraw(r, "BOB", NULL); /* no longer on, but perhaps still on its way to the screen */
    assert_int_equal(withdrawn_count, 2);
    assert_false(requests_turn(r, 71, &now)); /* eve's stays */
    add(r, "bob", TENCH, 72, &eta);
    assert_int_equal(requests_withdraw(r, NULL, NULL), 2); /* everybody's: bob's waits, eve's is on */
    assert_int_equal(withdrawn_count, 3);
    requests_close(&r);
}

static void *chat_side(void *arg)
{
    struct requests *r = arg;
    struct rng rng = rng_make(4, 4);
    for (int i = 0; i < 20000; i++) {
        char user[8];
        double eta = 0;
        snprintf(user, sizeof user, "u%u", rng_below(&rng, 6));
        switch (rng_below(&rng, 4)) {
        case 0:
            requests_cancel(r, user);
            break;
        case 1:
            requests_where(r, user, i, &eta);
            break;
        default:
            add(r, user, (int)rng_below(&rng, 1000), i, &eta);
        }
        if (!(eta >= 0))
            abort(); /* cmocka's asserts belong to the main thread */
    }
    return NULL;
}

/* Something is forbidden while the show is on: it goes from the screen, the queue and the walk; and comes back. */
static void test_restrict(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, 6, 1);
    struct synsets_known four = knows(4), six = knows(6), none = knows(0);
    struct request now, next[4];
    double eta;
    assert_int_equal(add(r, "ann", 5, 0, &eta), 0);
    assert_true(requests_turn(r, 0, &now));
    assert_int_equal(add(r, "bob", 4, 1, &eta), 0);
    assert_int_equal(add(r, "cat", 3, 1, &eta), 0);
    assert_int_equal(requests_restrict(r, &none), -EINVAL);
    assert_int_equal(requests_list(r, NULL, next, 4), 2);
    assert_int_equal(requests_restrict(r, &four), 0);
    assert_int_equal(requests_list(r, NULL, next, 4), 1);
    assert_string_equal(next[0].user, "cat");
    assert_int_equal(add(r, "dan", 5, 2, &eta), -EINVAL);
    assert_true(requests_turn(r, 2, &now)); /* what was on is forbidden now */
    assert_int_equal(now.synset[0], 3);
    bool came[6] = {false};
    for (int i = 0; i < 40; i++)
        if (requests_turn(r, 100 + 31 * i, &now))
            assert_true(now.synset[0] < 4);
    assert_int_equal(requests_restrict(r, &six), 0);
    for (int i = 0; i < 40; i++)
        if (requests_turn(r, 2000 + 31 * i, &now))
            came[now.synset[0]] = true;
    assert_true(came[4] && came[5]);
    requests_close(&r);
}

static void test_threads(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, chat_side, r);
    int64_t last = 0;
    for (int i = 0; i < 20000; i++) {
        struct request now, next[4];
        if (requests_turn(r, 61.0 * i, &now) && now.id)
            last = now.id;
        int waiting = requests_list(r, &now, next, 4);
        assert_in_range(waiting, 0, 4);
        assert_true(now.count >= 1);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_true(last >= 0);
    requests_close(&r);
}

static struct requests_outlook look(struct requests *r, double now_s)
{
    struct requests_outlook o;
    requests_look_ahead(r, now_s, &o);
    return o;
}

static void test_look_ahead(void **state)
{
    (void)state;
    struct requests *r = open_with(&config, SYNSET_COUNT, 1);
    struct request now;
    double eta_s;
    assert_true(look(r, 0).on_s == 0);
    requests_turn(r, 10, &now);
    assert_true(fabs(look(r, 15).on_s - 5) < 1e-9);
    assert_true(fabs(look(r, 15).changes_in_s - 25) < 1e-9); /* a daydream lasts idle_s */
    add(r, "ann", GOLDFISH, 15, &eta_s);
    assert_true(look(r, 15).changes_in_s == 0); /* and gives way at once */
    requests_turn(r, 16, &now);
    assert_true(fabs(look(r, 20).changes_in_s - 86) < 1e-9); /* held, and then nobody comes for a while */
    add(r, "ben", PIZZA, 20, &eta_s);
    assert_true(fabs(look(r, 20).changes_in_s - eta_s) < 1e-9);
    assert_true(look(r, 20).held_for_s == 0);
    requests_hold(r, 220);
    assert_true(fabs(look(r, 20).changes_in_s - 200) < 1e-9);
    assert_true(fabs(look(r, 20).held_for_s - 200) < 1e-9);
    requests_skip(r);
    assert_true(look(r, 20).changes_in_s == 0);
    requests_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_is_at_once),
        cmocka_unit_test(test_hold_and_order),
        cmocka_unit_test(test_one_each),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_operator),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_walk_of_few),
        cmocka_unit_test(test_walk_meets_request),
        cmocka_unit_test(test_fair),
        cmocka_unit_test(test_lottery),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_withdraw),
        cmocka_unit_test(test_mixtures),
        cmocka_unit_test(test_captions),
        cmocka_unit_test(test_restrict),
        cmocka_unit_test(test_look_ahead),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
