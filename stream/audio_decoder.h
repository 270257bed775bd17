/*
 * audio_decoder - plays one file or address once: opens it (libavformat), decodes it (libavcodec), and hands it over
 * as 48 kHz stereo (libswresample), as fast as the other side takes it.
 *
 * A playlist on disk cannot make us fetch addresses, nor one on the network read our files; audio_net.h has the rules
 * of the network. What is not a regular file is not opened, because that could wait for ever.
 */
#ifndef STREAM_AUDIO_DECODER_H
#define STREAM_AUDIO_DECODER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct audio_decoder_params {
    const char *source; /* a path or an address */
    /* Give up? Asked while it waits for the network, some ten times a second. */
    bool (*should_stop)(void *context);
    /* The next samples, [count][2], -1..1; may wait. */
    void (*samples)(void *context, const float *samples, int count);
    void *context;
};

/* Returns the samples handed over, or -errno with the reason in `e` when there were none. A source that breaks off
 * after some sound counts as ended. */
int64_t audio_decoder_play(const struct audio_decoder_params *p, struct error *e);

/* Reads its beginning only. 0 or -errno with the reason. */
int audio_decoder_look(const struct audio_decoder_params *p, struct error *e);

#endif
