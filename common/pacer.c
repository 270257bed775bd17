/*
 * pacer - see pacer.h.
 */
#include "common/pacer.h"

static int64_t due_us(const struct pacer *p, int64_t frame)
{
    return p->start_us + frame * 1000000 / p->fps;
}

void pacer_start(struct pacer *p, struct clock *clock, int fps)
{
    *p = (struct pacer){.clock = clock, .start_us = clock_now_us(clock), .fps = fps};
}

int pacer_wait(struct pacer *p)
{
    clock_sleep_until_us(p->clock, due_us(p, p->frames));
    if (p->clock->is_virtual) {
        p->frames++;
        return 1;
    }
    int64_t late_us = clock_now_us(p->clock) - due_us(p, p->frames);
    if (late_us > PACER_GAP_MAX_US) {
        p->start_us += late_us;
        p->skipped_us += late_us;
        late_us = 0;
    }
    int due = 1 + (int)(late_us * p->fps / 1000000);
    p->frames += due;
    return due;
}
