/*
 * Requests: asking, replacing, places and times told, a full queue, captions, threads.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/rng.h"
#include "tests/show/requests_fixture.h"

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
    q.count = REQUESTS_SUBJECTS_MAX + 1;
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
        cmocka_unit_test(test_first_is_at_once), cmocka_unit_test(test_hold_and_order),
        cmocka_unit_test(test_one_each),         cmocka_unit_test(test_full),
        cmocka_unit_test(test_invalid),          cmocka_unit_test(test_operator),
        cmocka_unit_test(test_captions),         cmocka_unit_test(test_look_ahead),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
