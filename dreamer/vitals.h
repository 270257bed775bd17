/*
 * vitals - is the dreamer's process alive, when is it started again, and on which hardware? The rules, without the process.
 *
 * It hangs when it says nothing for HANG_US (it says something four times a second, whatever its dream does), or when its
 * dream neither takes a step nor hands over a picture while the camera waits for one, for STUCK_US: longer, because a
 * machine that others keep busy starves the dream first, and to end it then would make all worse. How long a step may
 * take is learned: a large picture on a small machine takes its time, and that is no fault. Until its first step a process may
 * load, measure and warm up for much longer; once that was seen, the next ones get four times as long.
 *
 * Time in which this program itself stood still (a stopped terminal job, a laptop asleep) does not count: between two
 * looks at most LOOK_MOST_US pass.
 *
 * A process that worked for a while and died is started again at once; one that dies again and again, later and later.
 * Three deaths on a GPU without an hour of work between them, and the CPU dreams from then on. Pure arithmetic on what it is
 * told; no clock, no thread.
 */
#ifndef DREAMER_VITALS_H
#define DREAMER_VITALS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/rng.h"

enum vitals_verdict { VITALS_GOOD, VITALS_SILENT, VITALS_STUCK, VITALS_NEVER_STARTED };

struct vitals {
    int64_t first_start_us; /* so long may the first start take */
    struct rng rng;         /* for waits */

    /* Of the process that lives. */
    int64_t looked_us;  /* 0: not yet */
    int64_t silent_us;  /* since it said something */
    int64_t stuck_us;   /* since it got on, or had no need to */
    int64_t age_us;     /* since it was started; from its first picture on: since that */
    bool is_ready;      /* it has opened its dream */
    bool has_begun;     /* it has taken a step or handed over a picture */
    int64_t start_us;   /* the longest start so far; 0: there was none */
    int64_t slowest_us; /* the longest time that it took to get on, since the start of the show */

    /* Over all. */
    int failures;   /* processes in a row that did not work for long */
    int gpu_deaths; /* without an hour of work between them */
};

/* `first_start_us` as in the struct; `seed` for chance. */
void vitals_init(struct vitals *v, int64_t first_start_us, uint64_t seed);

/* A process was started. */
void vitals_born(struct vitals *v, int64_t now_us);

/* It said something; it has opened its dream; it took a step or handed over a picture. */
void vitals_heard(struct vitals *v);
void vitals_ready(struct vitals *v);
void vitals_got_on(struct vitals *v);

/* To be called several times a second. `has_to` get on: the camera waits for a picture. */
enum vitals_verdict vitals_look(struct vitals *v, int64_t now_us, bool has_to);

/* How long it may take to get on, or to start, before that is called a hang. */
int64_t vitals_patience_us(const struct vitals *v);

/* It is dead, on a GPU or not. Returns how long to wait before the next one is started. */
int64_t vitals_died(struct vitals *v, bool on_gpu);

/* Is a GPU no longer worth a try? */
bool vitals_gives_up_gpu(const struct vitals *v);

#endif
