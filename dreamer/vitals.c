/*
 * vitals - see vitals.h.
 */
#include "dreamer/vitals.h"

#include "common/backoff.h"

enum { GPU_DEATHS_MAX = 3, RNG_STREAM = 0x7669 };

static const int64_t HANG_US = 5000000, STUCK_US = 20000000;
static const int64_t LOOK_MOST_US = 500000;
static const int64_t WORKED_US = 10000000; /* a process that lived for so long had begun well */
static const int64_t HOUR_US = INT64_C(3600) * 1000000;
static const int64_t FIRST_WAIT_US = 500000, LONGEST_WAIT_US = 30000000;
static const int64_t START_LEAST_US = 10000000;

void vitals_init(struct vitals *v, int64_t first_start_us, uint64_t seed)
{
    *v = (struct vitals){.first_start_us = first_start_us, .rng = rng_make(seed, RNG_STREAM)};
}

void vitals_born(struct vitals *v, int64_t now_us)
{
    v->looked_us = now_us;
    v->silent_us = v->stuck_us = v->age_us = 0;
    v->is_ready = v->has_begun = false;
}

void vitals_heard(struct vitals *v)
{
    v->silent_us = 0;
}

void vitals_ready(struct vitals *v)
{
    v->is_ready = true;
    v->silent_us = v->stuck_us = 0;
}

void vitals_got_on(struct vitals *v)
{
    if (!v->has_begun) {
        v->start_us = v->age_us > v->start_us ? v->age_us : v->start_us;
        v->age_us = 0;
        v->has_begun = true;
    } else if (v->stuck_us > v->slowest_us) {
        v->slowest_us = v->stuck_us;
    }
    v->stuck_us = 0;
}

int64_t vitals_patience_us(const struct vitals *v)
{
    if (v->has_begun)
        return 4 * v->slowest_us > STUCK_US ? 4 * v->slowest_us : STUCK_US;
    if (v->start_us == 0)
        return v->first_start_us;
    return START_LEAST_US + 4 * v->start_us;
}

enum vitals_verdict vitals_look(struct vitals *v, int64_t now_us, bool has_to)
{
    int64_t passed_us = now_us - v->looked_us < LOOK_MOST_US ? now_us - v->looked_us : LOOK_MOST_US;
    v->looked_us = now_us;
    if (v->has_begun || !v->is_ready || has_to) /* else it waits for the show to begin */
        v->age_us += passed_us;
    v->silent_us += passed_us;
    v->stuck_us = has_to ? v->stuck_us + passed_us : 0;
    if (!v->has_begun && v->age_us > vitals_patience_us(v))
        return VITALS_NEVER_STARTED;
    if (v->is_ready && v->silent_us > HANG_US) /* before, it opens its dream and cannot say anything */
        return VITALS_SILENT;
    return v->has_begun && v->stuck_us > vitals_patience_us(v) ? VITALS_STUCK : VITALS_GOOD;
}

int64_t vitals_died(struct vitals *v, bool on_gpu)
{
    bool worked = v->has_begun && v->age_us > WORKED_US;
    if (v->has_begun && v->age_us > HOUR_US)
        v->gpu_deaths = 0;
    v->gpu_deaths += on_gpu;
    v->failures = worked ? 0 : v->failures + 1;
    return v->failures == 0 ? 0 : backoff_us(&v->rng, v->failures - 1, FIRST_WAIT_US, LONGEST_WAIT_US);
}

bool vitals_gives_up_gpu(const struct vitals *v)
{
    return v->gpu_deaths >= GPU_DEATHS_MAX;
}
