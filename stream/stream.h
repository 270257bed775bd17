/*
 * stream - the output side as a whole: camera, caption, encoder, sinks, and the thread that drives them.
 *
 * main opens it with the keyframes hand-off, starts it, and stops it; everything between is in this folder.
 * The thread takes keyframes, renders every frame on the pacer's deadlines, draws the caption, encodes video
 * and audio once, and hands packets to every sink's own queue.
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "common/clock.h"
#include "common/error.h"
#include "common/keyframes.h"
#include "common/stats.h"
#include "common/thread.h"
#include "config/option.h"

/* Sections "camera", "video", "audio", "record", "rtmp", "md5" ...: see the *_config structs in camera.h,
 * overlay.h, encoder.h and the sinks. stream_sections lists them with the fields below; filled by main. */
struct stream_config;
struct stream_config *stream_config_new(void); /* holds the structs of all sections of this folder */
void stream_config_free(struct stream_config *c);
int stream_config_sections(struct stream_config *c, const struct option_section **sections, void **configs,
                           int max);

struct stream_params {
    const struct stream_config *config;
    struct keyframes *keyframes;
    struct clock *clock; /* virtual: offline, the camera waits for keyframes */
    struct stats *stats;
    struct stop *stop;       /* requested by main; also by the stream itself when nothing can go on */
    int64_t duration_frames; /* end after so many; 0: never */
    int fps;
    /* Called on the stream thread when a keyframe begins to show. NULL: none. */
    void (*on_shown)(void *context, int64_t request_id, int64_t frame);
    void *context;
};

struct stream;

/* Opens encoder and sinks and starts the thread. 0 or -errno with one line. */
int stream_open(struct stream **s, const struct stream_params *p, struct error *e);

/* Stops, drains the encoder, finalises every file (at most 4 s), joins. The result: 0, or the first error
 * that made the stream end before it was asked to. */
int stream_close(struct stream **s, struct error *e);

int64_t stream_frames(const struct stream *s); /* encoded so far */

#endif
