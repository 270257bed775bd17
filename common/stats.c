/*
 * stats - the names; see stats.h.
 */
#include "common/stats.h"

#include <stddef.h>
#include <string.h>

#include "common/clock.h"

const struct stat_info stat_infos[STAT_COUNT] = {
#define X(id, name, counter, text) [STAT_##id] = {name, text, counter},
    STATS_LIST(X)
#undef X
};

const char *const stats_sources[STATS_SOURCES] = {"terminal", "script", "irc", "page", "frame"};
const char *const stats_results[STATS_RESULTS] = {"said",      "taken",   "unknown", "missing",
                                                  "many",      "already", "full",    "cooldown",
                                                  "forbidden", "paused",  "unpaid",  "banned"};

struct stats_sink *stats_sink(struct stats *s, const char *name)
{
    for (int i = 0; i < STATS_SINKS; i++) {
        const char *there = NULL;
        if (atomic_compare_exchange_strong(&s->sinks[i].name, &there, name) || strcmp(there, name) == 0)
            return &s->sinks[i];
    }
    return NULL;
}

void stats_sink_tell(struct stats_sink *row, enum stats_sink_state state)
{
    if (!row || (row->since_us && atomic_load(&row->state) == (int)state))
        return;
    if (state == STATS_SINK_OK)
        atomic_fetch_add(&row->connects, 1);
    atomic_store(&row->state, (int)state);
    atomic_store(&row->since_us, clock_real_us());
}

const int stats_gap_bounds_ms[STATS_GAPS - 1] = {50, 100, 200, 500, 1000, 2000, 5000};

void stats_keyframe_gap(struct stats *s, int64_t ms)
{
    int i = 0;
    while (i < STATS_GAPS - 1 && ms > stats_gap_bounds_ms[i])
        i++;
    atomic_fetch_add(&s->keyframe_gaps[i], 1);
    atomic_fetch_add(&s->keyframe_gaps_ms, ms);
    stats_max(s, STAT_KEYFRAME_GAP_MAX_MS, ms);
}
