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
    struct encoder_params p = {.video = &c->video, .audio = &c->audio, .fps = (int)c->video.fps};
    char text[128];
    int rc = encoder_open(&encoder, &p, &e);
    snprintf(text, sizeof text, "%dx%d at %d frames/s, %d kbit/s", c->video.size.width_px,
             c->video.size.height_px, (int)c->video.fps, (int)c->video.bitrate_kbps);
    say(context, "video", rc, rc < 0 ? e.text : text);
    encoder_close(&encoder);
}

void stream_check(const struct stream_config *c, stream_check_fn *say, void *context)
{
    av_log_install();
    check_encoder(c, say, context);
    for (int i = 0; sink_registry[i]; i++) {
        const struct sink_ops *ops = sink_registry[i];
        struct error e = {0};
        char text[sizeof e.text] = "";
        if (!ops->check || !ops->enabled || !ops->enabled(c->sinks[i]))
            continue;
        int rc = ops->check(c->sinks[i], text, sizeof text, &e);
        say(context, ops->name, rc, rc < 0 ? e.text : text);
    }
}
