/*
 * sink_rtmp - pushes the show to an ingest server (Twitch, YouTube, nginx-rtmp) as FLV over RTMP or RTMPS.
 *
 * What it does about connections is in live.h, what its settings mean in rtmp_place.h.
 */
#include "stream/sink.h"

#include <stdio.h>
#include <string.h>

#include "stream/live.h"
#include "stream/rtmp_place.h"

static bool rtmp_enabled(const void *config)
{
    return ((const struct rtmp_config *)config)->enabled;
}

static void connect_options(const struct sink *s, AVDictionary **options)
{
    rtmp_place_options(s->config, options);
}

static void mux_options(AVDictionary **options)
{
    av_dict_set(options, "flvflags", "no_duration_filesize", 0);
}

static const struct live_protocol protocol = {"flv", connect_options, mux_options};

static void add_target(struct live *l, const struct sink_setup *o, enum rtmp_which which)
{
    struct live_target *t = &l->targets[l->target_count++];
    struct rtmp_place p;
    rtmp_place_split(o, which, &p, NULL);
    t->address = rtmp_place_address(o->config, &p);
    memcpy(t->host, p.host, sizeof t->host);
    snprintf(t->where, sizeof t->where, "%s://%s", p.scheme, p.host);
}

static int rtmp_open(struct sink *s, struct error *e)
{
    const struct rtmp_config *c = s->config;
    const struct sink_setup o = {s->ops, s->name, s->section, s->config};
    struct live *l = s->priv;
    int rc = rtmp_place_valid(&o, e);
    if (rc < 0)
        return rc;
    add_target(l, &o, RTMP_FIRST);
    if (c->backup_url[0])
        add_target(l, &o, RTMP_BACKUP);
    l->protocol = &protocol;
    l->renew_us = (int64_t)(c->renew * 1e6);
    l->overlap = c->overlap;
    live_open(l, s);
    return 0;
}

static void rtmp_write(struct sink *s, AVPacket *packet)
{
    live_write(s->priv, packet);
}

static void rtmp_finish(struct sink *s)
{
    live_finish(s->priv);
}

static void rtmp_close(struct sink *s)
{
    live_close(s->priv);
}

const struct sink_ops sink_rtmp = {
    .name = "rtmp",
    .description = "live to an RTMP or RTMPS server",
    .section = &rtmp_section,
    .kind = &rtmp_kind,
    .config_size = sizeof(struct rtmp_config),
    .priv_size = sizeof(struct live),
    .limits = {.drop_unreferenced_ms = 700, .drop_pictures_ms = 900, .hard_ms = 2000},
    .live_only = true,
    .constant_rate = true,
    .enabled = rtmp_enabled,
    .valid = rtmp_place_valid,
    .check = rtmp_place_check,
    .reach = rtmp_place_reach,
    .most_kbps = rtmp_place_most_kbps,
    .open = rtmp_open,
    .write = rtmp_write,
    .finish = rtmp_finish,
    .close = rtmp_close,
};
