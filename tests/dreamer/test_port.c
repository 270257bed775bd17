/*
 * The door between programme and dream: questions, answers, and nobody who waits for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/thread.h"
#include "dreamer/port.h"

/* A programme that answers every question after `slow_us` with its number, but for each third. */
struct side {
    struct port *port;
    struct thread thread;
    int slow_us, questions;
    double last_s;
};

static void *programme(void *arg)
{
    struct side *s = arg;
    double now_s;
    while (port_question(s->port, &now_s)) {
        struct port_target t = {.request_id = ++s->questions, .count = 1, .subjects = {{.class_index = 7}}};
        strcpy(t.caption, "goldfish");
        usleep((useconds_t)s->slow_us);
        s->last_s = now_s;
        port_answer(s->port, s->questions % 3 ? &t : NULL);
    }
    return NULL;
}

static void begin(struct side *s)
{
    assert_int_equal(port_open(&s->port), 0);
    assert_int_equal(thread_start(&s->thread, "programme", programme, s), 0);
}

static void end(struct side *s)
{
    port_shutdown(s->port);
    thread_join(&s->thread);
    port_close(&s->port);
    assert_null(s->port);
}

static void test_every_question_has_its_answer(void **state)
{
    (void)state;
    struct side s = {.slow_us = 200};
    begin(&s);
    for (int i = 1; i <= 30; i++) {
        struct port_target t = {0};
        bool has = port_ask(s.port, i, true, &t);
        assert_int_equal(has, i % 3 != 0);
        if (has) {
            assert_int_equal(t.request_id, i);
            assert_int_equal(t.subjects[0].class_index, 7);
            assert_string_equal(t.caption, "goldfish");
        }
    }
    end(&s);
    assert_int_equal(s.questions, 30);
    assert_true(s.last_s == 30);
}

/* Live the dream goes on without an answer, and has it with a later picture. */
static void test_a_slow_programme_never_stops_the_dream(void **state)
{
    (void)state;
    struct side s = {.slow_us = 150000};
    begin(&s);
    struct port_target t = {0};
    int64_t began_us = clock_real_us();
    assert_false(port_ask(s.port, 1, false, &t));
    assert_in_range(clock_real_us() - began_us, 10000, 140000);
    usleep(400000);
    assert_true(port_ask(s.port, 2, false, &t));
    assert_int_equal(t.request_id, 1);
    end(&s);
}

static void test_shutdown_frees_both_sides(void **state)
{
    (void)state;
    struct side s = {.slow_us = 0};
    begin(&s);
    struct port_target t;
    port_shutdown(s.port);
    thread_join(&s.thread);
    assert_false(port_ask(s.port, 1, true, &t)); /* nobody is there to answer */
    double now_s;
    assert_false(port_question(s.port, &now_s));
    end(&s);
}

static void test_the_state_is_the_latest(void **state)
{
    (void)state;
    struct port *p;
    assert_int_equal(port_open(&p), 0);
    struct port_state told = {.lag_s = 2.5, .request_id = 4, .belief = {0.5}}, heard;
    port_state(p, &heard);
    assert_true(heard.lag_s == 0 && heard.backend[0] == 0);
    strcpy(told.backend, "cpu");
    port_tell(p, &told);
    port_state(p, &heard);
    assert_memory_equal(&heard, &told, sizeof told);
    port_close(&p);
    port_close(&p);
}

/* A relay plays the programme's side without a thread of its own. */
static void test_a_relay_is_woken_and_looks(void **state)
{
    (void)state;
    struct port *p;
    struct port_state told = {.lag_s = 2}, heard;
    struct port_target t = {.number = 0};
    double now_s;
    uint64_t count;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_int_equal(port_open(&p), 0);
    port_set_wake_fd(p, fd);
    assert_int_equal(port_pending(p, &now_s), 0);
    assert_false(port_news(p, &heard));
    assert_false(port_ask(p, 7, false, &t)); /* nobody answers in time */
    assert_int_equal(read(fd, &count, sizeof count), sizeof count);
    assert_int_equal(port_pending(p, &now_s), 1);
    assert_true(now_s == 7);
    port_answer(p, &(struct port_target){.request_id = 4});
    assert_int_equal(port_pending(p, &now_s), 0);
    assert_true(port_ask(p, 8, false, &t));
    assert_int_equal(t.request_id, 4);
    assert_int_equal(t.number, 1);
    port_answer(p, &(struct port_target){.number = 9}); /* the other side has counted */
    assert_true(port_ask(p, 9, false, &t));
    assert_int_equal(t.number, 9);
    port_tell(p, &told);
    assert_true(port_news(p, &heard) && heard.lag_s == 2);
    assert_false(port_news(p, &heard));
    port_shutdown(p);
    port_close(&p);
    close(fd);
}

static void test_what_no_programme_says(void **state)
{
    (void)state;
    const struct port_target good = {.number = 1, .fade_s = 4, .count = 8, .caption = "goldfish  @ann"};
    struct port_target t = good;
    assert_true(port_target_is_sound(&t));
    t.count = 9;
    assert_false(port_target_is_sound(&t));
    t = good;
    t.fade_s = -1;
    assert_false(port_target_is_sound(&t));
    t = good;
    t.subjects[3].left = (float)NAN;
    assert_false(port_target_is_sound(&t));
    t = good;
    memset(t.caption, 'x', sizeof t.caption);
    assert_false(port_target_is_sound(&t));
    t = good;
    strcpy(t.caption, "two\nlines");
    assert_false(port_target_is_sound(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_question_has_its_answer),
        cmocka_unit_test(test_a_slow_programme_never_stops_the_dream),
        cmocka_unit_test(test_shutdown_frees_both_sides),
        cmocka_unit_test(test_the_state_is_the_latest),
        cmocka_unit_test(test_a_relay_is_woken_and_looks),
        cmocka_unit_test(test_what_no_programme_says),
    };
    return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
