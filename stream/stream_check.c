/*
 * stream_check - see stream_check.h.
 */
#include "stream/stream_check.h"

#include <stdio.h>

#include "stream/av_log.h"
#include "stream/beat.h"
#include "stream/sink.h"
#include "stream/stream_options.h"

static void check_encoder(const struct stream_config *c, stream_check_fn *say, void *context)
{
    struct error e = {0};
    struct encoder *encoder = NULL;
    struct audio_config silence = c->audio; /* the source has a row of its own */
    snprintf(silence.source, sizeof silence.source, "silence");
    struct encoder_params p = {.video = &c->video, .audio = &silence, .fps = (int)c->video.fps};
    char text[128];
    int rc = encoder_open(&encoder, &p, &e);
    snprintf(text, sizeof text, "%dx%d at %d frames/s, %d kbit/s", c->video.size.width_px,
             c->video.size.height_px, (int)c->video.fps, (int)c->video.bitrate_kbps);
    say(context, "video", rc, rc < 0 ? e.text : text);
    encoder_close(&encoder);
}

static void check_sound(const struct stream_config *c, bool network, stream_check_fn *say, void *context)
{
    struct error e = {0};
    char text[sizeof e.text] = "";
    int rc = audio_check(&c->audio, network, text, sizeof text, &e);
    if (rc != 0 || text[0])
        say(context, "audio", rc, rc < 0 ? e.text : text);
}

static bool is_enabled(const struct sink_setup *o)
{
    return o->ops->enabled && o->ops->enabled(o->config);
}

/* More than the other end takes makes it drop pictures or hang up. */
static void check_rate(const struct stream_config *c, const struct sink_setup *o, stream_check_fn *say,
                       void *context)
{
    char text[160];
    const char *who;
    int most_kbps = o->ops->most_kbps ? o->ops->most_kbps(o, &who) : 0;
    if (most_kbps == 0 || c->video.bitrate_kbps <= most_kbps)
        return;
    snprintf(text, sizeof text, "%s takes at most %d kbit/s; set video.bitrate_kbps=%d", who, most_kbps,
             most_kbps);
    say(context, o->name, 1, text);
}

static void check_output(const struct stream_config *c, const struct sink_setup *o, bool network,
                         stream_check_fn *say, void *context)
{
    struct error e = {0};
    char text[sizeof e.text] = "";
    int rc = o->ops->check ? o->ops->check(o, text, sizeof text, &e) : 0;
    if (rc < 0 || text[0])
        say(context, o->name, rc, rc < 0 ? e.text : text);
    check_rate(c, o, say, context);
    if (!network || !o->ops->reach || (o->ops->valid && o->ops->valid(o, NULL) < 0))
        return;
    rc = o->ops->reach(o, text, sizeof text, &e);
    say(context, o->name, rc, rc < 0 ? e.text : text);
}

void stream_check(const struct stream_config *c, bool network, stream_check_fn *say, void *context)
{
    struct sink_setup setups[STREAM_OUTPUTS_MAX];
    int count = stream_config_setups(c, setups);
    av_log_install();
    check_encoder(c, say, context);
    check_sound(c, network, say, context);
    for (int i = 0; i < count; i++)
        if (is_enabled(&setups[i]))
            check_output(c, &setups[i], network, say, context);
}

int stream_valid(const struct stream_config *c, bool offline, struct error *e)
{
    struct sink_setup setups[STREAM_OUTPUTS_MAX];
    int count = stream_config_setups(c, setups), rc = encoder_valid(&c->video, e);
    if (rc == 0 && c->audio.beat > 0)
        rc = beat_can_hear(e);
    for (int i = 0; rc == 0 && i < count; i++)
        if (is_enabled(&setups[i]) && setups[i].ops->valid && !(offline && setups[i].ops->live_only))
            rc = setups[i].ops->valid(&setups[i], e);
    return rc;
}
