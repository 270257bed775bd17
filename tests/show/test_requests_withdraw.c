/*
 * Requests: what moderators and bans take away, from the queue, the screen and the walk.
 */
#include <errno.h>

#include "tests/show/requests_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_withdraw),
        cmocka_unit_test(test_restrict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
