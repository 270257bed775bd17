/*
 * What common/ opens, refused call by call; and that the tests of this folder see what they are made to see.
 */
#include "tests/failures/inject.h"

#include "common/keyframes.h"
#include "common/pool.h"
#include "common/thread.h"
#include "config/config.h"

OPENING(keyframes, keyframes, keyframes_open(out, 64, 36, false))
OPENING(frames, keyframes, keyframes_open(out, 64, 36, true))
OPENING(pool, pool, pool_open(out, 4))

static struct stop stop;

static int open_stop(void **thing, struct error *e)
{
    (void)e;
    int rc = stop_init(&stop);
    *thing = rc == 0 ? &stop : NULL;
    return rc;
}

static void close_stop(void **thing)
{
    if (*thing)
        stop_close(*thing);
    *thing = NULL;
}

/* A file of settings: read, not kept. */
static int open_settings(void **thing, struct error *e)
{
    static const struct config none = {.count = 0};
    (void)thing;
    return config_load(&none, "/dev/null", e);
}

static void close_settings(void **thing)
{
    (void)thing;
}

static void everything_opens_or_says_why_not(void **state)
{
    (void)state;
    static const struct opening openings[] = {
        OPENS("keyframes", keyframes, .has_no_line = true),
        OPENS("keyframes with frames", frames, .has_no_line = true),
        OPENS("pool", pool, .has_no_line = true),
        OPENS("stop", stop, .has_no_line = true),
        OPENS("settings", settings),
    };
    fail_all(openings, ARRAY_LEN(openings));
}

/* The tool itself: every call is met in turn, and what an open forgets is seen. */
static void what_is_forgotten_is_seen(void **state)
{
    (void)state;
    struct census before = take_census(), now;
    void *memory = buffer_alloc(100);
    assert_non_null(memory);
    now = take_census();
    assert_int_equal(now.memory, before.memory + 1);
    assert_false(is_back(&before, &now));
    free(memory);

    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    now = take_census();
    assert_int_equal(now.descriptors, before.descriptors + 1);
    assert_false(is_back(&before, &now));
    close(fd);

    struct pool *pool;
    assert_int_equal(pool_open(&pool, 3), 0);
    now = take_census();
    assert_int_equal(now.threads, before.threads + 2);
    assert_false(is_back(&before, &now));
    pool_close(&pool);
    assert_true(back_to(&before, &now));
}

static void the_nth_call_fails(void **state)
{
    (void)state;
    calls_left = 2;
    void *first = buffer_alloc(1), *small = xmalloc(1), *second = buffer_alloc(1), *third = buffer_alloc(1);
    assert_non_null(first);
    assert_non_null(small); /* not counted: it never fails */
    assert_null(second);
    assert_string_equal(failed_call, "aligned_alloc");
    assert_non_null(third);
    free(first);
    free(small);
    free(third);
    calls_left = 1;
    assert_int_equal(open("/dev/null", O_RDONLY), -1);
    assert_int_equal(errno, EMFILE);
    calls_left = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_forgotten_is_seen),
        cmocka_unit_test(the_nth_call_fails),
        cmocka_unit_test(everything_opens_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
