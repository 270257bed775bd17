/*
 * camera - falls into the dream without end: renders every output frame from the last two keyframes.
 *
 * The camera stands at a position z on the zoom axis, counted in output frames. A keyframe that was dreamed
 * for position z_k is shown there zoomed by s^(z - z_k) and turned clockwise by theta (z - z_k), where s is
 * the zoom and theta the rotation per frame; because the dream warps its work picture by the same amounts,
 * older and newer keyframe lie on top of one another and are blended while the camera travels from one to the
 * other. Output index -> keyframe index (x to the right, y down), about half-size centres:
 *
 *     p_in = R(-theta (z - z_k)) / (s^(z - z_k) e) * (p_out - c_out) + c_in
 *
 * with c_in the point that stands still, size_in (1/2 + (x, y)), c_out = size_out / 2 + e (c_in - size_in / 2),
 * R(a) = [cos a, -sin a; sin a, cos a] and e = max(out_width / in_width, out_height / in_height): where the
 * aspect ratios differ the picture covers the frame and is cut, there are no black bars. (With blend:
 * linear e is the smaller of the two, as in 2015, and edges fill the rest.) The older keyframe is continued
 * at its edges; outside of the newer one, which is still smaller than the frame, only the older one shows.
 *
 * Zoom and rotation are the settings', or what the newer keyframe says it came by, as is the point: who bends them
 * bends the way between two keyframes.
 *
 * The weight of the newer one goes from 0 where it was taken up to 1 at its own position, by a straight line
 * (`linear`) or a smoothstep (`smooth`). A keyframe that came late gets at least LATE_BLEND_MS for this, so
 * nothing ever jumps. While none comes the camera goes on falling into what it has; after `linger_s` it slows
 * down and stands still at last, and takes up speed again with the next keyframe.
 *
 * An output frame that the dream made itself (keyframe.is_frame) is shown at its position as it is, byte for
 * byte, and the next one is wanted one frame later. Where one is missing the camera bridges: it zooms on into
 * the last one. One that comes a little late is shown at once, moved to where the camera is by now; after a
 * gap of more than GAP_MS the camera glides into it, as into a keyframe.
 *
 * Colours are blended as they are (gamma space); with light: linear luma as the light that it stands for, so that what is
 * bright in one of two keyframes fades less into grey on the way. Because all else is linear, keyframes are turned into
 * YUV once, when they are pushed; a frame is then sampled per plane in fixed-point arithmetic, which gives
 * the same bytes on every processor and for any number of threads.
 *
 * A nudge (camera_set_nudge, audio.beat) quickens the zoom for a moment and is given back afterwards: p_out is drawn towards
 * the middle of the frame by e^-a, where a grows with the nudge and fades within AHEAD_MS. Only the view changes,
 * never z, so neither does which keyframes are dreamed and when.
 *
 * One thread uses a camera; with a pool, its workers help during camera_push and camera_render.
 */
#ifndef STREAM_CAMERA_H
#define STREAM_CAMERA_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/keyframes.h"
#include "common/pool.h"
#include "config/option.h"
#include "stream/frame.h"

enum camera_filter { CAMERA_BILINEAR, CAMERA_BICUBIC };
enum camera_blend { CAMERA_LINEAR, CAMERA_SMOOTH };
enum camera_light { CAMERA_VALUES, CAMERA_LIGHT };

struct camera_config {
    double zoom;       /* per second, >= 1 */
    double rotation;   /* degrees per second */
    int filter;        /* enum camera_filter */
    int blend;         /* enum camera_blend */
    int64_t border_px; /* feather at the newer picture's border, for 720 lines; `smooth` only */
    double linger_s;
    int light;   /* enum camera_light */
    bool follow; /* what is dreamed; read by whoever warps the picture */
};

extern const struct option_section camera_section; /* "camera" */

struct camera;

struct camera_params {
    const struct camera_config *config; /* copied */
    int fps, width_px, height_px;       /* of what is rendered */
    struct pool *pool;                  /* must outlive the camera. NULL: everything on the caller's thread */
};

/* 0, -EINVAL or -ENOMEM with one line; *c is NULL then. */
int camera_open(struct camera **c, const struct camera_params *p, struct error *e);
void camera_close(struct camera **c); /* NULL is fine */

/* The geometry that the dream must follow, per output frame. */
double camera_zoom_per_frame(const struct camera_config *config, int fps);
double camera_degrees_per_frame(const struct camera_config *config, int fps);

/* True when the newer keyframe is fully in view, or there are fewer than two: push the next one, if
 * there is one. With frames: when the one for this position has not been pushed. Offline wait for it,
 * live go on without. */
bool camera_wants_keyframe(const struct camera *c);

/* The newer keyframe becomes the older, `k` the newer. Everything needed is copied: `k` may go at once. The
 * first keyframe of all puts the camera at its position. Pushing before it is wanted cuts the running blend.
 * Sizes may change from keyframe to keyframe. 0 or -ENOMEM (the camera then keeps what it has). */
int camera_push(struct camera *c, const struct keyframe *k);

/* Renders the frame at the current position; black before the first keyframe. The frame's size is the one
 * given to camera_open. Rendering twice gives the same frame twice. */
void camera_render(struct camera *c, const struct frame *out);

/* How much faster the picture grows from now on, share of its own speed; taken within 0..1. The camera's position goes on as
 * ever, so the dream never learns of it: the picture leads by a little, and falls slower until it does not. 0 at first; a camera
 * that was never nudged renders the same bytes. */
void camera_set_nudge(struct camera *c, double quicker);

/* The newest picture is a frame, and what is rendered now is not that frame as it is. */
bool camera_bridges(const struct camera *c);

/* One frame on. Before the first keyframe the camera does not move. */
void camera_advance(struct camera *c);

/* For keyframes_set_position: where the running blend ends, rounded up; while the camera waits for a
 * keyframe, where a blend into one that came now would end. A keyframe that is begun after that one must lie
 * behind this point: if it does not, it is late before it is dreamed, and so are all that follow. */
int64_t camera_horizon(const struct camera *c);

/* What prevails in the picture now (the older keyframe's until the newer one's weight reaches one half):
 * caption (never NULL) and request (0: none). Valid until the next push. */
const char *camera_caption(const struct camera *c);
int64_t camera_request_id(const struct camera *c);

/* Where the two subjects of what prevails meet, share of the height: on its way from one keyframe's to the other's, as
 * the picture is. < 0: they do not move. */
double camera_front(const struct camera *c);

#endif
