/*
 * stream_options - the settings of this folder in one place; what is inside is known to stream/ only.
 */
#ifndef STREAM_STREAM_OPTIONS_H
#define STREAM_STREAM_OPTIONS_H

#include "stream/camera.h"
#include "stream/encoder.h"
#include "stream/overlay.h"
#include "stream/stream.h"

enum { STREAM_SINKS_MAX = 8 };

struct stream_config {
    struct video_config video;
    struct camera_config camera;
    struct overlay_config caption;
    struct audio_config audio;
    void *sinks[STREAM_SINKS_MAX]; /* of sink_registry[i]; NULL: it has no options */
};

#endif
