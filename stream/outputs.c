/*
 * outputs - see outputs.h.
 */
#include "stream/outputs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

enum {
    DRAIN_US = 3000000,      /* what an output gets to finish in */
    CLIP_REST_US = 10000000, /* between two clips */
    SHOWN_TEXT_BYTES = 256,
    SHOWN_NAME_BYTES = 64,
};

struct output {
    struct sink_setup setup; /* immutable, as is the next */
    bool can_switch;
    atomic_bool wanted;
    _Atomic int64_t clip_us; /* when its last minute was asked for; 0: never */
    atomic_bool clip_wanted;

    /* Stream thread only. */
    struct sink *sink;    /* fed now; NULL: off */
    struct sink *leaving; /* was switched off, and has not ended yet */
    int64_t leave_by_us;  /* then it is aborted */
};

struct shown {
    int64_t request_id, pts;
    char text[SHOWN_TEXT_BYTES], by[SHOWN_NAME_BYTES];
    bool is_known;
};

struct outputs {
    struct stats *stats; /* immutable, as are the next three */
    bool offline;
    struct output list[STREAM_OUTPUTS_MAX];
    int count;
    /* Stream thread only. */
    const struct encoder_tracks *tracks; /* NULL: closed */
    struct shown shown;                  /* what is on, for those that come later */
};

static bool is_enabled(const struct sink_setup *o)
{
    return o->ops->enabled && o->ops->enabled(o->config);
}

struct outputs *outputs_new(const struct stream_config *config, struct stats *stats, bool offline)
{
    struct outputs *o = xcalloc(1, sizeof *o);
    struct sink_setup setups[STREAM_OUTPUTS_MAX];
    o->stats = stats;
    o->offline = offline;
    o->count = stream_config_setups(config, setups);
    for (int i = 0; i < o->count; i++) {
        struct output *output = &o->list[i];
        bool left_out = offline && setups[i].ops->live_only;
        output->setup = setups[i];
        output->can_switch = !left_out && setups[i].section && setups[i].ops->enabled;
        atomic_store(&output->wanted, is_enabled(&setups[i]) && !left_out);
        if (left_out && is_enabled(&setups[i]))
            log_warn("stream", "%s is left out of an offline render", setups[i].name);
        if (!left_out && setups[i].section && setups[i].section != setups[i].ops->section)
            stats_sink_tell(stats_sink(stats, setups[i].name),
                            STATS_SINK_ENDED); /* of the list: has a row also when off */
    }
    return o;
}

void outputs_free(struct outputs **o)
{
    free(*o);
    *o = NULL;
}

/* One of the list may be switched on later. */
bool outputs_want_constant_rate(const struct outputs *o)
{
    for (int i = 0; i < o->count; i++) {
        const struct output *output = &o->list[i];
        bool may_come = output->can_switch && output->setup.section != output->setup.ops->section;
        if (output->setup.ops->constant_rate && (may_come || atomic_load(&output->wanted)))
            return true;
    }
    return false;
}

/* ---- open and close ---- */

static int open_one(struct outputs *o, struct output *output, struct error *e)
{
    const struct sink_params params = {.config = output->setup.config,
                                       .tracks = o->tracks,
                                       .stats = o->stats,
                                       .offline = o->offline,
                                       .name = output->setup.name,
                                       .section = output->setup.section};
    return sink_open(&output->sink, output->setup.ops, &params, e);
}

int outputs_open(struct outputs *o, const struct encoder_tracks *tracks, struct error *e)
{
    int open = 0, rc = 0;
    o->tracks = tracks;
    for (int i = 0; i < o->count && rc == 0; i++) {
        struct output *output = &o->list[i];
        bool is_last_resort = !output->setup.ops->enabled && open == 0;
        if (!atomic_load(&output->wanted) && !is_last_resort)
            continue;
        rc = open_one(o, output, e);
        open++;
    }
    return rc;
}

void outputs_close(struct outputs *o)
{
    int64_t deadline_us = clock_real_us() + DRAIN_US;
    for (int i = 0; i < o->count; i++)
        if (o->list[i].sink)
            sink_end(o->list[i].sink);
    for (int i = 0; i < o->count; i++)
        if (o->list[i].sink)
            sink_wait(o->list[i].sink, deadline_us);
    for (int i = 0; i < o->count; i++) {
        sink_close(&o->list[i].sink);
        sink_close(&o->list[i].leaving);
    }
    o->tracks = NULL;
}

/* ---- every frame ---- */

void outputs_put(struct outputs *o, const AVPacket *packet)
{
    for (int i = 0; i < o->count; i++)
        if (o->list[i].sink)
            sink_put(o->list[i].sink, packet);
}

static void remember(struct shown *s, int64_t request_id, const char *text, const char *by, int64_t pts)
{
    if (!text && s->request_id == request_id)
        s->by[0] = '\0';
    if (!text)
        return;
    *s = (struct shown){.request_id = request_id, .pts = pts, .is_known = true};
    text_copy(s->text, sizeof s->text, text);
    text_copy(s->by, sizeof s->by, by);
}

void outputs_shown(struct outputs *o, int64_t request_id, const char *text, const char *by, int64_t pts)
{
    remember(&o->shown, request_id, text, by, pts);
    for (int i = 0; i < o->count; i++)
        if (o->list[i].sink)
            sink_shown(o->list[i].sink, request_id, text, by, pts);
}

int64_t outputs_lag_us(const struct outputs *o)
{
    int64_t least_us = INT64_MAX;
    for (int i = 0; i < o->count; i++) {
        const struct sink *s = o->list[i].sink;
        int64_t us = s ? sink_lag_us(s) : 0;
        if (s && s->ops->constant_rate && sink_is_up(s) && us < least_us)
            least_us = us;
    }
    return least_us == INT64_MAX ? 0 : least_us;
}

static void switch_on(struct outputs *o, struct output *output)
{
    struct error e = {""};
    if (open_one(o, output, &e) == 0) {
        log_info(output->setup.name, "switched on");
        if (o->shown.is_known)
            sink_shown(output->sink, o->shown.request_id, o->shown.text, o->shown.by, o->shown.pts);
        return;
    }
    log_warn(output->setup.name, "cannot be switched on: %s", e.text);
    atomic_store(&output->wanted, false);
}

static void switch_off(struct output *output)
{
    log_info(output->setup.name, "switched off");
    output->leaving = output->sink;
    output->sink = NULL;
    output->leave_by_us = clock_real_us() + DRAIN_US;
    sink_end(output->leaving);
}

static void let_go(struct output *output)
{
    if (sink_is_done(output->leaving))
        sink_close(&output->leaving);
    else if (clock_real_us() > output->leave_by_us)
        sink_abort(output->leaving);
}

void outputs_tend(struct outputs *o)
{
    for (int i = 0; i < o->count; i++) {
        struct output *output = &o->list[i];
        bool wanted = atomic_load(&output->wanted);
        if (output->leaving)
            let_go(output);
        else if (output->can_switch && wanted && !output->sink)
            switch_on(o, output);
        else if (output->can_switch && !wanted && output->sink)
            switch_off(output);
        if (output->sink && atomic_exchange(&output->clip_wanted, false))
            sink_keep(output->sink);
    }
}

/* ---- from any thread ---- */

int outputs_switch(struct outputs *o, const char *name, bool on)
{
    if (o->offline)
        return -EPERM;
    for (int i = 0; i < o->count; i++)
        if (o->list[i].can_switch && strcasecmp(o->list[i].setup.name, name) == 0)
            return atomic_exchange(&o->list[i].wanted, on) == on ? -EALREADY : 0;
    return -ENOENT;
}

/* A clip is asked for at most every ten seconds. */
static int ask_for_clip(struct output *output)
{
    int64_t now_us = clock_real_us(), before_us = atomic_load(&output->clip_us);
    if ((before_us && now_us - before_us < CLIP_REST_US) ||
        !atomic_compare_exchange_strong(&output->clip_us, &before_us, now_us))
        return -EBUSY;
    atomic_store(&output->clip_wanted, true);
    return 0;
}

int outputs_clip(struct outputs *o)
{
    for (int i = 0; i < o->count; i++)
        if (o->list[i].setup.ops->keep && atomic_load(&o->list[i].wanted))
            return ask_for_clip(&o->list[i]);
    return -ENOENT;
}

int outputs_list(const struct outputs *o, struct stream_output *out, int max)
{
    int count = 0;
    for (int i = 0; i < o->count && count < max; i++)
        if (o->list[i].can_switch)
            out[count++] = (struct stream_output){o->list[i].setup.name, atomic_load(&o->list[i].wanted)};
    return count;
}
