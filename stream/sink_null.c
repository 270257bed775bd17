/*
 * sink_null - takes everything, keeps nothing. The smallest driver, and what runs when nothing else is on.
 */
#include "stream/sink.h"

static int null_open(struct sink *s, struct error *e)
{
    (void)s;
    (void)e;
    return 0;
}

static void null_write(struct sink *s, AVPacket *packet)
{
    (void)s;
    (void)packet;
}

const struct sink_ops sink_null = {
    .name = "null",
    .description = "keeps nothing",
    .limits = {.hard_ms = 2000},
    .open = null_open,
    .write = null_write,
};
