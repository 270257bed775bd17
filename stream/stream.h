/*
 * stream - the output side as a whole: camera, caption, encoder, sinks, and the thread that drives them.
 *
 * stream_open starts it on the keyframes hand-off and stream_close stops it; everything between is in this
 * folder. The thread takes keyframes, renders every frame on the pacer's deadlines, draws the caption,
 * encodes video and audio once, and hands packets to every sink's own queue.
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include <stdatomic.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/keyframes.h"
#include "common/stats.h"
#include "common/thread.h"
#include "config/option.h"
#include "stream/frame.h"
#include "stream/signs.h"

/* Sections "video", "camera", "caption", "audio", "record", "rtmp", "md5": see the *_config structs in
 * encoder.h, camera.h, overlay.h, audio.h and the sinks. */
struct stream_config;
struct camera_config;

/* Holds the structs of all sections of this folder, with their defaults. Never NULL. */
struct stream_config *stream_config_new(void);
void stream_config_free(struct stream_config *c); /* NULL is fine */

/* Lists at most `max` sections and the structs that they fill. Returns how many there are. */
int stream_config_sections(struct stream_config *c, const struct option_section **sections, void **configs,
                           int max);

/* The list of the file, "outputs". */
struct config_list;
struct config_list *stream_config_outputs(struct stream_config *c);

/* What the other side must know: the dream follows the camera's geometry and plans in frames. */
int stream_config_fps(const struct stream_config *c);
struct option_size stream_config_size(const struct stream_config *c);
bool stream_config_draws_belief(const struct stream_config *c);
bool stream_config_nudges(const struct stream_config *c); /* audio.beat: what is heard moves the picture */
const struct camera_config *stream_config_camera(const struct stream_config *c);

/* Calls `each` with the folders that outputs write to, those that are on and those that may be switched on later. */
void stream_config_folders(const struct stream_config *c,
                           void (*each)(void *context, const char *path, bool is_on), void *context);

/* Where the preview goes: fragments of an MP4, made for a browser's MediaSource. Called on a thread of the stream;
 * neither may wait. */
struct stream_page {
    /* It begins, or begins again: the header, and the media type ("video/mp4; codecs=..."). Frame `zero_frame` of the
     * show (which may be below 0) has the time 0 on the preview's clock. */
    void (*begin)(void *context, const uint8_t *header, size_t bytes, const char *type, int64_t zero_frame);
    /* Some 100 ms. `group`: it can be shown without those before. It ends at `end_s` of the preview's clock. */
    void (*fragment)(void *context, const uint8_t *data, size_t bytes, bool group, double end_s);
    void *context;
};
/* Turns the preview on. Before stream_open. */
void stream_config_set_page(struct stream_config *c, const struct stream_page *page);

/* In a rehearsal a line to nowhere stands in for the outputs: it takes packets as a server would, and fails as one would
 * when it is told to. */
enum stand_in_mood { STAND_IN_WELL, STAND_IN_DEAD, STAND_IN_SLOW };
struct stand_in {
    _Atomic int mood; /* enum stand_in_mood; from any thread */
};
/* Adds the stand-in, as the output "stand-in". Unless `with_outputs`, of all others only the recording is left: there are
 * none, also for who would switch them on. Before stream_open; `stand_in` must outlive the stream. */
void stream_config_rehearse(struct stream_config *c, struct stand_in *stand_in, bool with_outputs);

/* What else than pixels went into the frames of a show, for whoever wants to make them again. All on the stream thread;
 * none may wait. Frames count from 0. */
struct stream_witness {
    void (*taken)(void *context, int64_t frame, const struct keyframe *k);   /* before it is rendered */
    void (*missed)(void *context, int64_t frame, int repeated, int skipped); /* from this frame on */
    void (*withdrawn)(void *context, int64_t frame, int64_t request_id);     /* from this frame on */
    void *context;
};

/* The other way round: how the next frame comes about. */
struct stream_cue {
    int repeated, skipped;         /* places before it, as in stream_witness */
    int pictures;                  /* that are taken before it is rendered */
    const struct keyframe *ghosts; /* of unseen frames: pictures of which only places count, before those */
    int ghost_count;
    bool is_left_out; /* it is not encoded */
    bool is_unseen;   /* nor rendered */
};

struct stream_params {
    const struct stream_config *config; /* must outlive the stream, as must all that follows */
    struct keyframes *keyframes;
    struct clock *clock; /* virtual: offline, the camera waits for keyframes */
    struct stats *stats;
    struct stop *stop;       /* requested by the owner; also by the stream itself at its end */
    int64_t duration_frames; /* end after so many; 0: never */
    int fps;                 /* 0: video.fps */
    int gpu;                 /* graphics card that may encode, as CUDA counts: the dream's */
    /* Called on the stream thread when the picture begins to show another dream: a request's, or with id 0 an idea of
     * the dream's own; `caption` is the dream's, `frame` counts from 0. NULL: none. It must not wait. */
    void (*on_shown)(void *context, int64_t request_id, const char *caption, int64_t frame);
    /* Called on the stream thread with every frame of a dream before anything is written on it. NULL: none. It must not
     * wait, and not keep the frame. */
    void (*on_dreamed)(void *context, const struct frame *f);
    /* Called on the stream thread with every frame, caption included, before it is encoded. NULL: none. It must not
     * wait, and not keep the frame. */
    void (*on_picture)(void *context, const struct frame *f);
    /* Called on the stream thread for every frame: what stands on it besides the caption; `c` says nothing yet. The
     * frame shows the dream of this request and caption, with its front (camera_front). NULL: nothing. It must not wait. */
    void (*on_signs)(void *context, int64_t request_id, const char *caption, double front,
                     struct signs_content *c);
    void *context;
    const struct stream_witness *witness; /* NULL: none */
    /* Offline, on the stream thread: the cue for this frame; what is withdrawn from here on was told by stream_withdraw. False: the
     * show is over. NULL: the camera decides. */
    bool (*next_cue)(void *context, int64_t frame, struct stream_cue *cue);
};

struct stream;

/* Opens encoder and sinks and starts the thread. 0 or -errno with one line; *s is NULL then. The show begins
 * with the first keyframe; a live one after a moment without. */
int stream_open(struct stream **s, const struct stream_params *p, struct error *e);

/* Stops, drains the encoder, finalises every file (at most 4 s), joins. NULL is fine. The result: 0, or the
 * first error that made the stream end before it was asked to. */
int stream_close(struct stream **s, struct error *e);

/* For the files that describe recordings: what is shown now, and who asked for it ("": nobody). From on_shown only. */
void stream_describe(struct stream *s, int64_t request_id, const char *text, const char *by);

/* The frame that is rendered now or next, from 0. From any thread. */
int64_t stream_frame(const struct stream *s);

/* How surely the network sees what it dreams, 0..1, for audio.source=synth. From any thread; a live show only, because an
 * offline one is to sound the same each time. */
void stream_set_belief(struct stream *s, double belief);

/* ---- outputs while the show runs; from any thread ---- */

/* On or off, from the next frame on. 0; -ENOENT: the settings know no output of that name; -EALREADY: it is so; -EPERM:
 * not in an offline render. What then becomes of it is in the state table. */
int stream_switch(struct stream *s, const char *name, bool on);

/* Names of all outputs that can be switched, and which are on. Returns how many. */
struct stream_output {
    const char *name;
    bool on;
};
int stream_list_outputs(struct stream *s, struct stream_output *out, int max);

/* The last minute into a file of its own. 0; -ENOENT: no output keeps it; -EBUSY: one was written just now. */
int stream_clip(struct stream *s);

/* This request's caption is not shown any more, from the next frame on. From any thread. */
void stream_withdraw(struct stream *s, int64_t request_id);

#endif
