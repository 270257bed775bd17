/*
 * clock - the one source of time for the show: monotonic for a live one, virtual for --offline and for tests.
 *
 * Everything that paces, waits or measures takes a `struct clock *`, so that a test can hold time still and
 * an offline render runs as fast or slow as the machine is. Wall-clock time is only for file names and logs.
 * A virtual clock moves only by sleeping on it, and never backwards. A hand clock moves in the same
 * way but counts as live: it is how tests are late. All kinds are safe to read from every thread.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct clock {
    bool is_virtual;        /* immutable after init: one frame after the other, nobody is ever late */
    bool by_hand;           /* immutable after init: now_us counts, not the machine's clock */
    _Atomic int64_t now_us; /* by_hand only */
};

void clock_init_monotonic(struct clock *c);
void clock_init_virtual(struct clock *c, int64_t start_us);
void clock_init_by_hand(struct clock *c, int64_t start_us);

int64_t clock_now_us(struct clock *c);

/* Returns at `deadline_us` or later; at once when it has passed. A virtual or hand clock is moved there. */
void clock_sleep_until_us(struct clock *c, int64_t deadline_us);

/* Real elapsed time for measurements, whatever clock the show runs on. */
int64_t clock_real_us(void);

#endif
