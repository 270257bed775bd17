/*
 * Signals are handled by the main thread, whichever thread the system hands them to. Here main blocks them: what another
 * thread receives must wait for main.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "app/signals.h"

struct fixture {
    struct stop stop;
    sem_t started, over;
    sigset_t all, before;
};

static void *wait_for_the_end(void *context)
{
    struct fixture *f = context;
    pthread_sigmask(SIG_SETMASK, &f->before, NULL);
    sem_post(&f->started);
    while (sem_wait(&f->over) != 0)
        continue; /* a signal came */
    return NULL;
}

/* `number` goes to another thread; what it does there is over on return, and main has not seen it yet. */
static void hand_to_another_thread(struct fixture *f, int number)
{
    pthread_t other;
    sem_init(&f->started, 0, 0);
    sem_init(&f->over, 0, 0);
    assert_int_equal(pthread_create(&other, NULL, wait_for_the_end, f), 0);
    sem_wait(&f->started);
    pthread_kill(other, number);
    sem_post(&f->over);
    pthread_join(other, NULL);
}

static int catch_signals(void **state)
{
    static struct fixture f;
    sigfillset(&f.all);
    pthread_sigmask(SIG_SETMASK, &f.all, &f.before);
    assert_int_equal(stop_init(&f.stop), 0);
    assert_int_equal(signals_catch(&f.stop), 0);
    *state = &f;
    return 0;
}

static int release_signals(void **state)
{
    struct fixture *f = *state;
    signals_release();
    stop_close(&f->stop);
    pthread_sigmask(SIG_SETMASK, &f->before, NULL);
    return 0;
}

static void the_end_waits_for_main(void **state)
{
    struct fixture *f = *state;
    hand_to_another_thread(f, SIGTERM);
    assert_false(stop_requested(&f->stop));
    pthread_sigmask(SIG_SETMASK, &f->before, NULL);
    assert_true(stop_requested(&f->stop));
}

static void a_hangup_waits_for_main(void **state)
{
    struct fixture *f = *state;
    bool timed_out;
    hand_to_another_thread(f, SIGHUP);
    assert_false(signals_wait(&f->stop, 0, &timed_out));
    assert_true(timed_out);
    pthread_sigmask(SIG_SETMASK, &f->before, NULL);
    assert_true(signals_wait(&f->stop, 0, &timed_out));
    assert_false(stop_requested(&f->stop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_end_waits_for_main, catch_signals, release_signals),
        cmocka_unit_test_setup_teardown(a_hangup_waits_for_main, catch_signals, release_signals),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
