/*
 * still_progress - see still_progress.h.
 */
#include "app/still_progress.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"

enum { SAY_EVERY_US = 30000000, DRAW_EVERY = 5, BELIEF_EVERY = 25 };

static volatile sig_atomic_t is_stopped; /* what the handler sets */

static void stop(int signal)
{
    (void)signal;
    is_stopped = 1;
}

bool still_is_stopped(void)
{
    return is_stopped;
}

void still_progress_begin(struct still_progress *p, int64_t all_steps, double all_pixels)
{
    struct sigaction once = {.sa_handler = stop, .sa_flags = (int)(SA_RESTART | SA_RESETHAND)};
    int64_t now_us = clock_real_us();
    is_stopped = 0;
    sigaction(SIGINT, &once, NULL);
    sigaction(SIGTERM, &once, NULL);
    *p = (struct still_progress){.all_steps = all_steps,
                                 .all_pixels = all_pixels,
                                 .began_us = now_us,
                                 .said_us = now_us,
                                 .is_terminal = isatty(STDERR_FILENO)};
}

static double seconds_left(const struct still_progress *p, int64_t now_us)
{
    return (double)(now_us - p->began_us) / 1e6 / p->pixels * fmax(0, p->all_pixels - p->pixels);
}

bool still_progress_step(struct still_progress *p, double pixels, bool is_whole)
{
    int64_t now_us = clock_real_us();
    p->pixels += pixels;
    p->steps += is_whole;
    bool is_last = p->steps == p->all_steps;
    if (p->is_terminal && (!is_whole || p->steps % DRAW_EVERY == 0 || is_last)) {
        fprintf(stderr, "\rstep %lld of %lld, %.0f s left ", (long long)p->steps, (long long)p->all_steps,
                ceil(seconds_left(p, now_us)));
        return is_whole && (p->steps % BELIEF_EVERY == 0 || is_last);
    }
    if (!p->is_terminal && now_us - p->said_us > SAY_EVERY_US) {
        fprintf(stderr, "step %lld of %lld, %.0f s left\n", (long long)p->steps, (long long)p->all_steps,
                ceil(seconds_left(p, now_us)));
        p->said_us = now_us;
    }
    return false;
}

void still_progress_belief(const struct still_progress *p, const double *belief, int count)
{
    if (!p->is_terminal)
        return;
    for (int i = 0; i < count; i++)
        fprintf(stderr, "%s%2.0f %%", i ? ", " : "  seen: ", 100 * belief[i]);
    fputs("   ", stderr);
}

void still_progress_end(const struct still_progress *p)
{
    if (p->is_terminal && p->steps > 0)
        fputc('\n', stderr);
}
