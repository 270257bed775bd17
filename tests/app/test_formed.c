/*
 * formed: subjects that form, that never do, and that take their time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/formed.h"

/* When a subject may go whose share grows so fast, up to `most`; 1000: never within 200 s. */
static double goes_at(double per_s, double most)
{
    struct formed f = {.request_id = 0};
    for (double now_s = 5; now_s < 205; now_s += 0.5) {
        double share = (now_s - 5) * per_s;
        if (formed_look(&f, 7, share < most ? share : most, now_s))
            return now_s - 5;
    }
    return 1000;
}

static void what_forms_goes_soon_but_not_at_once(void **state)
{
    (void)state;
    assert_true(goes_at(1, 1) == 15);                                    /* the least that everything gets */
    assert_true(goes_at(0.025, 0.9) >= 28 && goes_at(0.025, 0.9) <= 29); /* sure at 20 s, and so for 8 s */
    assert_true(goes_at(0, 0) == 25);                                    /* nothing comes of it */
    assert_true(goes_at(0.01, 0.2) > 40 && goes_at(0.01, 0.2) < 50);     /* it grew for 20 s, then stalled */
    assert_true(goes_at(0.004, 1) > 100);                                /* slow, but it gets on */
}

static void what_flickers_is_not_sure(void **state)
{
    (void)state;
    struct formed f = {.request_id = 0};
    for (int i = 0; i < 20; i++)
        assert_false(formed_look(&f, 1, i % 4 ? 0.8 : 0.3, 100 + i));
}

static void the_next_one_begins_anew(void **state)
{
    (void)state;
    struct formed f = {.request_id = 0};
    for (int i = 0; i < 60; i++)
        formed_look(&f, 1, 0.9, i);
    assert_false(formed_look(&f, 2, 0.9, 60));
    assert_true(formed_look(&f, 2, 0.9, 76));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_forms_goes_soon_but_not_at_once),
        cmocka_unit_test(what_flickers_is_not_sure),
        cmocka_unit_test(the_next_one_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
