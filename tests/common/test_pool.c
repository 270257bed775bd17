/*
 * Every item once, whatever the number of threads, and worker numbers that can stand for scratch memory.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/pool.h"

enum { ITEMS_MAX = 200, THREADS_MAX = 4 };

struct job {
    int hits[ITEMS_MAX];        /* plain ints: a sanitizer sees an item that two threads have */
    atomic_int in[THREADS_MAX]; /* calls with this worker number right now */
    atomic_bool doubled;
    int64_t scratch[THREADS_MAX]; /* plain as well */
};

static void run_item(void *context, int item, int worker)
{
    struct job *j = context;
    if (atomic_fetch_add(&j->in[worker], 1) != 0)
        atomic_store(&j->doubled, true);
    j->hits[item]++;
    j->scratch[worker] += item;
    atomic_fetch_sub(&j->in[worker], 1);
}

static void run_and_check(struct pool *p, int count)
{
    struct job j;
    memset(&j, 0, sizeof j);
    pool_run(p, run_item, &j, count);
    int64_t sum = 0;
    for (int i = 0; i < ITEMS_MAX; i++)
        assert_int_equal(j.hits[i], i < count);
    for (int i = 0; i < THREADS_MAX; i++)
        sum += j.scratch[i];
    assert_int_equal(sum, (int64_t)count * (count - 1) / 2);
    assert_false(atomic_load(&j.doubled));
}

static void every_item_once(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 3, 4, 5, 63, ITEMS_MAX};
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        struct pool *p;
        assert_int_equal(pool_open(&p, threads), 0);
        assert_int_equal(pool_threads(p), threads);
        for (int round = 0; round < 300; round++)
            run_and_check(p, counts[(size_t)round % (sizeof counts / sizeof *counts)]);
        pool_close(&p);
        assert_null(p);
    }
}

/* Workers that fell asleep in the kernel between jobs wake for the next one. */
static void sleeping_workers_wake(void **state)
{
    (void)state;
    struct pool *p;
    assert_int_equal(pool_open(&p, 3), 0);
    for (int round = 0; round < 10; round++) {
        usleep(5000);
        run_and_check(p, ITEMS_MAX);
    }
    usleep(5000);
    pool_close(&p);
}

/* Items that take a while: pool_run waits for the last one, and worker numbers are apart. */
static void run_slow_item(void *context, int item, int worker)
{
    struct job *j = context;
    if (atomic_fetch_add(&j->in[worker], 1) != 0)
        atomic_store(&j->doubled, true);
    usleep(1000);
    j->hits[item]++;
    atomic_fetch_sub(&j->in[worker], 1);
}

static void slow_items_are_waited_for(void **state)
{
    (void)state;
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        struct pool *p;
        assert_int_equal(pool_open(&p, threads), 0);
        for (int round = 0; round < 10; round++) {
            struct job j;
            memset(&j, 0, sizeof j);
            pool_run(p, run_slow_item, &j, 7);
            for (int i = 0; i < 7; i++)
                assert_int_equal(j.hits[i], 1);
            assert_false(atomic_load(&j.doubled));
        }
        pool_close(&p);
    }
}

struct meeting {
    atomic_int arrived, number[THREADS_MAX];
    int wanted;
};

/* Returns only when all threads are in it at once. */
static void meet(void *context, int item, int worker)
{
    (void)item;
    struct meeting *m = context;
    atomic_fetch_add(&m->number[worker], 1);
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < m->wanted)
        usleep(100);
}

static void all_threads_take_part(void **state)
{
    (void)state;
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        struct pool *p;
        struct meeting m = {.wanted = threads};
        assert_int_equal(pool_open(&p, threads), 0);
        alarm(60); /* a meeting that one never joins would hang */
        pool_run(p, meet, &m, threads);
        alarm(0);
        for (int i = 0; i < threads; i++)
            assert_int_equal(atomic_load(&m.number[i]), 1);
        pool_close(&p);
    }
}

static void hit(void *context, int item, int worker)
{
    (void)worker;
    ((unsigned char *)context)[item]++;
}

/* One atomic word has room for some million items; longer loops are cut into several. */
static void loops_may_be_very_long(void **state)
{
    (void)state;
    enum { LIMIT = (1 << 20) - 1 };
    static const int counts[] = {LIMIT, LIMIT + 1, 2 * LIMIT + 3};
    unsigned char *hits = malloc((size_t)counts[2]);
    struct pool *p;
    assert_non_null(hits);
    assert_int_equal(pool_open(&p, 3), 0);
    for (int i = 0; i < 3; i++) {
        memset(hits, 0, (size_t)counts[2]);
        pool_run(p, hit, hits, counts[i]);
        for (int j = 0; j < counts[2]; j++)
            if (hits[j] != (j < counts[i]))
                fail_msg("item %d of %d ran %d times", j, counts[i], hits[j]);
    }
    pool_close(&p);
    free(hits);
}

struct priorities {
    struct meeting meeting;
    int nice[THREADS_MAX];
};

static void note_priority(void *context, int item, int worker)
{
    struct priorities *n = context;
    meet(&n->meeting, item, worker);
    n->nice[worker] = getpriority(PRIO_PROCESS, 0);
}

static void workers_step_back_and_the_caller_does_not(void **state)
{
    (void)state;
    struct pool *p;
    struct priorities n = {.meeting = {.wanted = 3}};
    int mine = getpriority(PRIO_PROCESS, 0);
    assert_int_equal(pool_open(&p, 3), 0);
    pool_lower_priority(p);
    pool_run(p, note_priority, &n, 3);
    assert_int_equal(n.nice[0], mine);
    for (int i = 1; i < 3; i++)
        assert_true(mine < 10 ? n.nice[i] == 10 : n.nice[i] >= 10);
    pool_close(&p);
}

static void opening_and_closing(void **state)
{
    (void)state;
    struct pool *p = (struct pool *)1;
    assert_int_equal(pool_open(&p, 0), -EINVAL);
    assert_null(p);
    assert_int_equal(pool_open(&p, -3), -EINVAL);
    pool_close(&p);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(pool_open(&p, 1 + i % THREADS_MAX), 0);
        if (i % 3 == 0)
            run_and_check(p, 7);
        pool_close(&p); /* also before a worker has begun */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_once),
        cmocka_unit_test(sleeping_workers_wake),
        cmocka_unit_test(slow_items_are_waited_for),
        cmocka_unit_test(all_threads_take_part),
        cmocka_unit_test(loops_may_be_very_long),
        cmocka_unit_test(workers_step_back_and_the_caller_does_not),
        cmocka_unit_test(opening_and_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
