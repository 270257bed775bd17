/*
 * stream_check - see stream_check.h.
 */
#include "stream/stream_check.h"

#include <stdio.h>

#include "stream/av_log.h"
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

static bool is_enabled(const struct stream_config *c, int sink)
{
    const struct sink_ops *ops = sink_registry[sink];
    return ops->enabled && ops->enabled(c->sinks[sink]);
}

/* More than the other end takes makes it drop pictures or hang up. */
static void check_rate(const struct stream_config *c, int sink, stream_check_fn *say, void *context)
{
    const struct sink_ops *ops = sink_registry[sink];
    char text[160];
    const char *who;
    int most_kbps = ops->most_kbps ? ops->most_kbps(c->sinks[sink], &who) : 0;
    if (most_kbps == 0 || c->video.bitrate_kbps <= most_kbps)
        return;
    snprintf(text, sizeof text, "%s takes at most %d kbit/s; set video.bitrate_kbps=%d", who, most_kbps,
             most_kbps);
    say(context, ops->name, 1, text);
}

static void check_sink(const struct stream_config *c, int sink, bool network, stream_check_fn *say,
                       void *context)
{
    const struct sink_ops *ops = sink_registry[sink];
    struct error e = {0};
    char text[sizeof e.text] = "";
    int rc = ops->check ? ops->check(c->sinks[sink], text, sizeof text, &e) : 0;
    if (rc < 0 || text[0])
        say(context, ops->name, rc, rc < 0 ? e.text : text);
    check_rate(c, sink, say, context);
    if (!network || !ops->reach || (ops->valid && ops->valid(c->sinks[sink], NULL) < 0))
        return;
    rc = ops->reach(c->sinks[sink], text, sizeof text, &e);
    say(context, ops->name, rc, rc < 0 ? e.text : text);
}

void stream_check(const struct stream_config *c, bool network, stream_check_fn *say, void *context)
{
    av_log_install();
    check_encoder(c, say, context);
    check_sound(c, network, say, context);
    for (int i = 0; sink_registry[i]; i++)
        if (is_enabled(c, i))
            check_sink(c, i, network, say, context);
}

int stream_valid(const struct stream_config *c, bool offline, struct error *e)
{
    int rc = encoder_valid(&c->video, e);
    for (int i = 0; rc == 0 && sink_registry[i]; i++)
        if (is_enabled(c, i) && sink_registry[i]->valid && !(offline && sink_registry[i]->live_only))
            rc = sink_registry[i]->valid(c->sinks[i], e);
    return rc;
}
