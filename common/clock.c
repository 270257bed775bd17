/*
 * clock - see clock.h.
 */
#include "common/clock.h"

#include <errno.h>
#include <time.h>

int64_t clock_real_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_init_monotonic(struct clock *c)
{
    c->is_virtual = c->by_hand = false;
    atomic_init(&c->now_us, 0);
}

void clock_init_virtual(struct clock *c, int64_t start_us)
{
    c->is_virtual = c->by_hand = true;
    atomic_init(&c->now_us, start_us);
}

void clock_init_by_hand(struct clock *c, int64_t start_us)
{
    c->is_virtual = false;
    c->by_hand = true;
    atomic_init(&c->now_us, start_us);
}

int64_t clock_now_us(struct clock *c)
{
    return c->by_hand ? atomic_load(&c->now_us) : clock_real_us();
}

/* A time in the past is ignored: time never runs backwards. */
static void advance_to_us(struct clock *c, int64_t t_us)
{
    int64_t now = atomic_load(&c->now_us);
    while (t_us > now && !atomic_compare_exchange_weak(&c->now_us, &now, t_us))
        ;
}

void clock_sleep_until_us(struct clock *c, int64_t deadline_us)
{
    if (c->by_hand) {
        advance_to_us(c, deadline_us);
        return;
    }
    struct timespec t = {.tv_sec = deadline_us / 1000000, .tv_nsec = deadline_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}
