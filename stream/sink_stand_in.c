/*
 * sink_stand_in - a line to nowhere, for rehearsals: as fast as the show, dead, or slow, as it is told.
 *
 * It has the queue of a line to an ingest server. Dead, it warns once, is deaf, and looks ten times a second whether the line is there again,
 * as a driver that connects does; slow, it takes a seventh of a second for each packet, so that its queue fills up and packets
 * are thrown away. What it is given is counted and forgotten.
 */
#include "stream/sink.h"

#include <unistd.h>

#include "common/log.h"
#include "stream/stream.h"

enum { LOOK_US = 100000, SLOW_US = 150000 };

static const struct stand_in *stand_in_of(const struct sink *s)
{
    return *(struct stand_in *const *)s->config;
}

static bool stand_in_enabled(const void *config)
{
    return *(struct stand_in *const *)config != NULL;
}

static int stand_in_open(struct sink *s, struct error *e)
{
    (void)s;
    (void)e;
    return 0;
}

static void be_dead(struct sink *s)
{
    const struct stand_in *c = stand_in_of(s);
    log_warn(s->name, "the line is dead, as the rehearsal wants it; trying again");
    stats_add(s->stats, STAT_SINK_ERRORS, 1);
    sink_tell(s, STATS_SINK_RETRYING);
    sink_set_deaf(s, true);
    while (atomic_load(&c->mood) == STAND_IN_DEAD && !sink_ending(s) && !sink_aborted(s))
        usleep(LOOK_US);
    sink_set_deaf(s, false);
    sink_tell(s, STATS_SINK_OK);
    log_info(s->name, "the line is back");
}

static void stand_in_write(struct sink *s, AVPacket *packet)
{
    int mood = atomic_load(&stand_in_of(s)->mood);
    if (mood == STAND_IN_DEAD)
        be_dead(s);
    else if (mood == STAND_IN_SLOW && !sink_ending(s))
        usleep(SLOW_US);
    sink_sent(s, packet->size);
}

const struct sink_ops sink_stand_in = {
    .name = "stand-in",
    .description = "a line to nowhere, for rehearsals",
    .config_size = sizeof(struct stand_in *),
    .limits = {.drop_unreferenced_ms = 700, .drop_pictures_ms = 900, .hard_ms = 2000},
    .live_only = true,
    .enabled = stand_in_enabled,
    .open = stand_in_open,
    .write = stand_in_write,
};
