/*
 * The family of transports: each member is whole, the settings find theirs, and what is optional may be missing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "chatbot/irc/transport.h"

static void every_member_is_whole(void **state)
{
    (void)state;
    int count = 0;
    for (const struct transport_ops *const *t = transport_registry; *t; t++, count++) {
        const struct transport_ops *o = *t;
        assert_true(o->name && o->description);
        assert_true(o->open && o->fd && o->read && o->write && o->close);
        for (const struct transport_ops *const *other = transport_registry; other != t; other++)
            assert_string_not_equal(o->name, (*other)->name);
    }
    assert_int_equal(count, 4);
}

static void the_setting_finds_its_member(void **state)
{
    (void)state;
    assert_ptr_equal(transport_find(true), &transport_tls);
    assert_ptr_equal(transport_find(false), &transport_plain);
}

static bool yes(void *priv)
{
    (void)priv;
    return true;
}

static bool no(void *priv)
{
    (void)priv;
    return false;
}

static void what_is_optional_may_be_missing(void **state)
{
    (void)state;
    const struct transport_ops bare = {.encrypted = false}, local = {.is_local = yes}, far = {.is_local = no},
                               hidden = {.encrypted = true}, full = {.pending = yes};
    assert_false(transport_pending(&(struct transport){&bare, NULL}));
    assert_true(transport_pending(&(struct transport){&full, NULL}));
    assert_false(transport_is_private(&(struct transport){&bare, NULL}));
    assert_false(transport_is_private(&(struct transport){&far, NULL}));
    assert_true(transport_is_private(&(struct transport){&local, NULL}));
    assert_true(transport_is_private(&(struct transport){&hidden, NULL}));
}

static int closed;

static int fail_to_open(void *priv, const struct transport_target *target, struct error *e)
{
    (void)priv;
    (void)target;
    return error_set(e, ECONNREFUSED, "nobody there");
}

static void count_close(void *priv)
{
    (void)priv;
    closed++;
}

static void one_that_failed_to_open_is_closed_once(void **state)
{
    (void)state;
    const struct transport_ops ops = {.priv_size = 16, .open = fail_to_open, .close = count_close};
    const struct transport_target target = {.host = ""};
    struct transport t = {0};
    struct error e = {""};
    assert_int_equal(transport_open(&t, &ops, &target, &e), -ECONNREFUSED);
    assert_string_equal(e.text, "nobody there");
    transport_close(&t);
    assert_int_equal(closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_whole),
        cmocka_unit_test(the_setting_finds_its_member),
        cmocka_unit_test(what_is_optional_may_be_missing),
        cmocka_unit_test(one_that_failed_to_open_is_closed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
