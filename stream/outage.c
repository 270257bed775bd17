/*
 * outage - see outage.h.
 */
#include "stream/outage.h"

#include <stdbool.h>

#include "common/backoff.h"

static const int64_t first_us = 1000000, most_us = 60000000, remind_us = 600000000;

enum outage_news outage_stalls(struct outage *o, int64_t now_us)
{
    bool begins = o->since_us == 0;
    if (begins)
        o->since_us = now_us;
    if (!begins && now_us - o->told_us < remind_us)
        return OUTAGE_NOTHING;
    o->told_us = now_us;
    return begins ? OUTAGE_BEGINS : OUTAGE_REMAINS;
}

enum outage_news outage_fails(struct outage *o, int64_t now_us, int64_t *wait_us)
{
    *wait_us = backoff_us(&o->jitter, o->failures++, first_us, most_us);
    return outage_stalls(o, now_us);
}

enum outage_news outage_works(struct outage *o, int64_t now_us, double *lasted_s)
{
    bool ends = o->since_us != 0;
    *lasted_s = ends ? (double)(now_us - o->since_us) / 1e6 : 0;
    o->failures = 0;
    o->since_us = 0;
    return ends ? OUTAGE_ENDS : OUTAGE_NOTHING;
}
