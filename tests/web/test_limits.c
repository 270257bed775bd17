/*
 * Who may wish how often; and what was dreamed before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/history.h"
#include "web/limits.h"

static void test_one_address(void **state)
{
    (void)state;
    struct limits l = {0};
    for (int i = 0; i < 5; i++)
        assert_true(limits_take(&l, "a", 100) == 0);
    double wait_s = limits_take(&l, "a", 100);
    assert_true(wait_s > 1.9 && wait_s <= 2);
    assert_true(limits_take(&l, "b", 100) == 0); /* another one is not held up */
    assert_true(limits_take(&l, "a", 101.9) > 0);
    assert_true(limits_take(&l, "a", 102.1) == 0);
    assert_true(limits_take(&l, "a", 102.2) > 0);
    for (int i = 0; i < 5; i++)
        assert_true(limits_take(&l, "a", 1000) == 0); /* never more than a burst */
    assert_true(limits_take(&l, "a", 1000) > 0);
}

static void test_all_together(void **state)
{
    (void)state;
    struct limits l = {0};
    char peer[16];
    int taken = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(peer, sizeof peer, "10.0.%d.%d", i / 256, i % 256);
        taken += limits_take(&l, peer, 50) == 0;
    }
    assert_int_equal(taken, 20);
    assert_true(limits_take(&l, "10.9.9.9", 51.1) == 0); /* two a second come back */
}

static void test_history(void **state)
{
    (void)state;
    struct history *h = history_new();
    struct history_entry list[HISTORY_MAX + 1];
    size_t bytes;
    assert_int_equal(history_list(h, 0, list, 10), 0);
    assert_null(history_picture(h, 1, &bytes));
    for (int i = 1; i <= 250; i++) {
        struct history_entry e = {.dream = {.id = i, .by = "ann"}};
        snprintf(e.dream.text, sizeof e.dream.text, "dream %d", i);
        assert_int_equal(history_add(h, &e, (const uint8_t *)e.dream.text, strlen(e.dream.text)), i);
    }
    assert_int_equal(history_list(h, 0, list, HISTORY_MAX + 1), HISTORY_MAX);
    assert_int_equal(list[0].id, 250);
    assert_int_equal(list[HISTORY_MAX - 1].id, 151);
    assert_int_equal(history_list(h, 200, list, 3), 3);
    assert_string_equal(list[0].dream.text, "dream 199");
    assert_int_equal(history_list(h, 152, list, 10), 1);
    assert_int_equal(history_list(h, 151, list, 10), 0);
    uint8_t *picture = history_picture(h, 151, &bytes);
    assert_memory_equal(picture, "dream 151", bytes);
    free(picture);
    assert_null(history_picture(h, 150, &bytes));
    assert_null(history_picture(h, 251, &bytes));
    assert_null(history_picture(h, -49, &bytes));
    history_forget(h, 0);   /* nobody's */
    history_forget(h, 100); /* gone already */
    history_forget(h, 249);
    assert_int_equal(history_list(h, 0, list, 3), 3);
    assert_string_equal(list[0].dream.by, "ann");
    assert_string_equal(list[1].dream.by, "");
    assert_string_equal(list[2].dream.by, "ann");
    history_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_address),
        cmocka_unit_test(test_all_together),
        cmocka_unit_test(test_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
