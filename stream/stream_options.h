/*
 * stream_options - the settings of this folder in one place; what is inside is known to stream/ only.
 */
#ifndef STREAM_STREAM_OPTIONS_H
#define STREAM_STREAM_OPTIONS_H

#include "config/list.h"
#include "stream/camera.h"
#include "stream/encoder.h"
#include "stream/overlay.h"
#include "stream/sink.h"
#include "stream/stream.h"

enum { STREAM_SINKS_MAX = 12, STREAM_OUTPUTS_MAX = STREAM_SINKS_MAX + CONFIG_ITEMS_MAX };

struct stream_config {
    struct video_config video;
    struct camera_config camera;
    struct overlay_config caption;
    struct audio_config audio;
    void *sinks[STREAM_SINKS_MAX]; /* of sink_registry[i]; NULL: it has no options */
    bool is_rehearsal;             /* only the recording, the page and the stand-in are there */
    struct config_list outputs;    /* and those of the list */
    const struct option_section *kinds[STREAM_SINKS_MAX + 1]; /* of outputs; ends with NULL */
    const char *taken[STREAM_SINKS_MAX + 1]; /* names of outputs without it; ends with NULL */
};

/* All outputs that the settings know, on or off: those of the registry, then those of the list. Returns how many; `out`
 * holds STREAM_OUTPUTS_MAX. */
int stream_config_setups(const struct stream_config *c, struct sink_setup *out);

/* md5.pictures */
bool stream_config_wants_digest(const struct stream_config *c);

#endif
