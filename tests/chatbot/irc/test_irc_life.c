/*
 * When a lost connection is tried again, on a clock that the test holds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "chatbot/irc/life.h"

static struct irc_life life;

static int setup(void **state)
{
    (void)state;
    irc_life_init(&life, &irc_tuning_default, 5);
    return 0;
}

static void assert_within(int64_t us, int64_t nominal_us)
{
    assert_true(us >= nominal_us * 3 / 4 && us <= nominal_us * 5 / 4);
}

static void doubles_up_to_a_minute_with_jitter(void **state)
{
    (void)state;
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    int64_t now = 0, differing = 0;
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        irc_life_attempt(&life, now);
        int64_t next = irc_life_next_us(&life, IRC_END_NETWORK, 0, now);
        assert_within(next - now, seconds[i] * 1000000);
        differing += next - now != seconds[i] * 1000000;
        now = next;
    }
    assert_true(differing > 5);
}

static void a_stable_connection_begins_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        irc_life_next_us(&life, IRC_END_NETWORK, 29000000, 0);
    assert_within(irc_life_next_us(&life, IRC_END_NETWORK, 30000000, 0), 1000000);
}

static void reconnect_is_quick_only_when_it_held(void **state)
{
    (void)state;
    assert_within(irc_life_next_us(&life, IRC_END_RECONNECT, 3600000000, 0), 500000);
    int64_t now = 0;
    for (int i = 0; i < 6; i++)
        now = irc_life_next_us(&life, IRC_END_RECONNECT, 1000, now);
    assert_true(now > 40000000);
}

static void a_refused_login_waits_a_minute_at_least(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        int64_t wait = irc_life_next_us(&life, IRC_END_LOGIN, 0, 0);
        assert_true(wait >= 60000000 && wait <= 75000000);
    }
}

/* Whatever the ends are, 21 attempts never fall into 10 s. */
static void never_more_than_twenty_logins_in_ten_seconds(void **state)
{
    (void)state;
    static int64_t at[400];
    int64_t now = 0;
    struct irc_tuning hasty = irc_tuning_default;
    hasty.quick_us = 1000;
    irc_life_init(&life, &hasty, 6);
    for (int i = 0; i < 400; i++) {
        at[i] = now;
        irc_life_attempt(&life, now);
        now = irc_life_next_us(&life, i % 3 ? IRC_END_RECONNECT : IRC_END_TOKEN, 30000000, now);
        if (i >= IRC_LOGINS_MAX)
            assert_true(at[i] - at[i - IRC_LOGINS_MAX] >= IRC_LOGINS_WINDOW_US);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(doubles_up_to_a_minute_with_jitter, setup),
        cmocka_unit_test_setup(a_stable_connection_begins_anew, setup),
        cmocka_unit_test_setup(reconnect_is_quick_only_when_it_held, setup),
        cmocka_unit_test_setup(a_refused_login_waits_a_minute_at_least, setup),
        cmocka_unit_test_setup(never_more_than_twenty_logins_in_ten_seconds, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
