/*
 * camera - see camera.h. Time and geometry are double precision and computed anew for every line of at most
 * LINE_MAX pixels; only the walk along the line is fixed-point (camera_kernels.h).
 *
 * Invariants: shots[newest] is the newer keyframe, the other one the older; `count` says how many are there.
 * The position only ever grows.
 */
#include "stream/camera.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "stream/camera_kernels.h"
#include "stream/plate.h"

enum {
    LATE_BLEND_MS = 500,    /* a late keyframe is blended in over at least this */
    SLOW_DOWN_MS = 10000,   /* from full speed to standing still */
    SPEED_UP_MS = 1000,     /* and back */
    AHEAD_MS = 1000,        /* a nudge is forgotten with this time constant */
    GAP_MS = 250,           /* frames that are missing for longer are followed by a glide */
    BAND_ROWS = 32,         /* luma rows of one work item; even */
    PLATE_PIXELS = 1 << 24, /* luma is not enlarged beyond this */
};

/* Bounds on what one step may be, so that fixed-point positions stay in int32 for any pair of sizes. */
static const double zoom_min = 1.0 / 16, zoom_max = 1e6, step_max = 40, place_max = 29000, far_away = 1e8;
/* How far a nudge may lead the picture, as a logarithm: twice its size; and what nobody sees. */
static const double ahead_max = 0.693, ahead_none = 1e-5;

static const char *const filter_names[] = {"bilinear", "bicubic", NULL};
static const char *const blend_names[] = {"linear", "smooth", NULL};
static const char *const light_names[] = {"gamma", "linear", NULL};

static const struct option rows[] = {
    OPTION_FLOAT(struct camera_config, zoom, "1.05", 1, 2, "per second", "How fast the camera falls in."),
    OPTION_FLOAT(struct camera_config, rotation, "0.25", -30, 30, "degrees per second",
                 "How fast the picture turns clockwise."),
    OPTION_CHOICE(struct camera_config, filter, "bicubic", filter_names,
                  "How keyframes are enlarged. bilinear is what the stream of 2015 did."),
    OPTION_CHOICE(
        struct camera_config, blend, "smooth", blend_names,
        "How one keyframe goes over into the next: along a straight line with a hard border, as in 2015, "
        "or smoothly. linear also shows all of a keyframe of another shape, its edges continued; "
        "smooth cuts it."),
    OPTION_INT(struct camera_config, border_px, "24", 0, 200, "px",
               "Width of the soft border of the newer keyframe, for 720 lines. Only with blend: smooth."),
    OPTION_FLOAT(
        struct camera_config, linger_s, "30", 0, 86400, "s",
        "When no new keyframe comes, the camera goes on for so long before it slows down to a stop."),
    OPTION_CHOICE(
        struct camera_config, light, "gamma", light_names,
        "What is mixed on the way from one keyframe to the next: gamma: the values as they are; linear: the "
        "light that they stand for, so that less fades into grey."),
    OPTION_BOOL(struct camera_config, follow, "true",
                "The camera falls to where what is dreamed is seen best, within the inner two fifths of the "
                "picture; false: always into the middle. dream.profile classic has the middle."),
};
const struct option_section camera_section =
    OPTION_SECTION("camera", struct camera_config, rows, "How the picture moves between two keyframes.");

struct shot {
    struct plate plate;
    bool is_frame;
    double z;                                 /* where it is shown at scale 1 */
    double zoom_per_frame, radians_per_frame; /* by which it came out of the one before it */
    double x, y;                              /* about which point, as in struct keyframe */
    int64_t request_id;
    double front;
    char caption[KEYFRAME_CAPTION_BYTES];
};

struct camera {
    /* Immutable after open. */
    struct camera_config config;
    const struct camera_kernels *kernels;
    struct pool *pool; /* NULL: none */
    int fps, width_px, height_px;
    double zoom_per_frame, radians_per_frame;

    struct shot shots[2];
    int newest, count;
    double z;                    /* position of the frame that is rendered next */
    double blend_from, blend_to; /* positions where the newer one's weight is 0 and 1; the same: it is 1 */
    double wanted_from;          /* position from which the next keyframe is wanted */
    double pace;                 /* 0: stands still .. 1: full speed */
    double quicker;              /* camera_set_nudge */
    double ahead;                /* by which the picture is larger than z says, as a logarithm; >= 0 */
    int64_t idle_frames;         /* since a keyframe was wanted */
};

static double smoothstep(double t)
{
    return t * t * (3 - 2 * t);
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static const struct shot *newer_of(const struct camera *c)
{
    return &c->shots[c->newest];
}

static const struct shot *older_of(const struct camera *c)
{
    return &c->shots[c->count == 2 ? !c->newest : c->newest];
}

double camera_zoom_per_frame(const struct camera_config *config, int fps)
{
    return pow(config->zoom, 1.0 / fps);
}

double camera_degrees_per_frame(const struct camera_config *config, int fps)
{
    return config->rotation / fps;
}

int camera_open(struct camera **out, const struct camera_params *p, struct error *e)
{
    *out = NULL;
    if (p->fps < 1 || p->width_px < 2 || p->height_px < 2 || p->width_px > PLATE_SIDE_MAX ||
        p->height_px > PLATE_SIDE_MAX)
        return error_set(e, EINVAL,
                         "camera: %d x %d at %d frames per second cannot be rendered; sides are 2 to %d",
                         p->width_px, p->height_px, p->fps, PLATE_SIDE_MAX);
    struct camera *c = xcalloc(1, sizeof *c);
    c->config = *p->config;
    c->kernels = camera_kernels_best();
    c->pool = p->pool;
    c->fps = p->fps;
    c->width_px = p->width_px;
    c->height_px = p->height_px;
    c->zoom_per_frame = camera_zoom_per_frame(p->config, p->fps);
    c->radians_per_frame = camera_degrees_per_frame(p->config, p->fps) * (acos(-1) / 180);
    c->pace = 1;
    *out = c;
    return 0;
}

void camera_close(struct camera **out)
{
    struct camera *c = *out;
    if (!c)
        return;
    for (int i = 0; i < 2; i++)
        plate_clear(&c->shots[i].plate);
    free(c);
    *out = NULL;
}

/* Scale at which a keyframe covers the frame; in 2015 it lay inside of it. */
static double base_scale(const struct camera *c, int width_px, int height_px)
{
    double x = (double)c->width_px / width_px, y = (double)c->height_px / height_px;
    return c->config.blend == CAMERA_LINEAR ? fmin(x, y) : fmax(x, y);
}

/* How a keyframe of this size is prepared: averaged when it is larger than the output, then enlarged to
 * about the output's size or twice the keyframe's, whichever is more. */
static void choose_factors(const struct camera *c, struct plate_source *s)
{
    s->up = s->shrink = 1;
    if (c->config.filter == CAMERA_BILINEAR)
        return;
    double e = base_scale(c, s->width_px, s->height_px);
    s->shrink = (int)clamp(1 / e + 0.25, 1, 64);
    s->up = e < 3 ? 2 : PLATE_UP_MAX;
    double pixels = (double)(s->width_px / s->shrink) * (s->height_px / s->shrink);
    int longest = (s->width_px > s->height_px ? s->width_px : s->height_px) / s->shrink;
    while (s->up > 1 && (pixels * s->up * s->up > PLATE_PIXELS || longest * s->up > PLATE_SIDE_MAX))
        s->up /= 2;
}

/* Has the camera gone on for too long without a new picture to take one without a glide of its own? */
static bool is_late(const struct camera *c)
{
    double most = newer_of(c)->is_frame ? GAP_MS * c->fps / 1000.0 : 1;
    return c->count > 0 && c->z - c->blend_to >= fmax(most, 1);
}

static double late_blend_end(const struct camera *c)
{
    return c->z + LATE_BLEND_MS * c->fps / 1000.0;
}

static int fill_plate(const struct camera *c, struct plate *p, const struct keyframe *k)
{
    if (k->is_frame)
        return plate_fill_nv12(p, k->nv12, k->width_px, k->height_px);
    struct plate_source source = {.rgb = k->rgb, .width_px = k->width_px, .height_px = k->height_px};
    choose_factors(c, &source);
    return plate_fill(p, &source, c->pool);
}

/* A frame whose turn it is, or that comes a little late. */
static void show_at_once(struct camera *c, const struct shot *s)
{
    c->z = fmax(c->z, s->z); /* after standing still it may lie between two */
    c->blend_from = c->blend_to = c->z;
    c->wanted_from = s->z + 1;
}

static void glide(struct camera *c, const struct shot *s, bool late)
{
    c->blend_from = c->z;
    c->blend_to = s->z;
    if (late || s->z <= c->z)
        c->blend_to = fmax(s->z, late_blend_end(c));
    c->wanted_from = c->count < 2 ? c->z : c->blend_to;
    if (s->is_frame) /* which serves its own position too */
        c->wanted_from = fmax(c->blend_to, s->z + 1);
}

int camera_push(struct camera *c, const struct keyframe *k)
{
    if (k->width_px < 2 || k->height_px < 2 || k->width_px > PLATE_SIDE_MAX || k->height_px > PLATE_SIDE_MAX)
        return -EINVAL;
    struct shot *s = &c->shots[!c->newest];
    int rc = fill_plate(c, &s->plate, k);
    if (rc != 0)
        return rc;
    s->is_frame = k->is_frame;
    s->z = (double)k->z_frames;
    bool own = k->zoom_per_frame > 0;
    s->zoom_per_frame = own ? k->zoom_per_frame : c->zoom_per_frame;
    s->radians_per_frame = own ? k->degrees_per_frame * (acos(-1) / 180) : c->radians_per_frame;
    s->x = clamp(k->x, -0.5, 0.5);
    s->y = clamp(k->y, -0.5, 0.5);
    s->request_id = k->request_id;
    s->front = k->front;
    text_copy(s->caption, sizeof s->caption, k->caption);

    if (c->count == 0)
        c->z = s->z;
    bool late = is_late(c);
    c->newest = !c->newest;
    c->count = c->count == 0 ? 1 : 2;
    if (s->is_frame && !late && s->z < c->z + 1)
        show_at_once(c, s);
    else
        glide(c, s, late);
    c->idle_frames = 0;
    return 0;
}

bool camera_wants_keyframe(const struct camera *c)
{
    return c->count == 0 || c->z >= c->wanted_from;
}

void camera_set_nudge(struct camera *c, double quicker)
{
    c->quicker = clamp(quicker, 0, 1);
}

/* What the nudge adds to the fall it gives back, but never more than the fall: so the picture's speed stays between none and
 * twice its own, and does not go backwards. A fall that leads outward is left alone. */
static void nudge(struct camera *c)
{
    double fall = fmax(log(newer_of(c)->zoom_per_frame), 0);
    double back = c->ahead * 1000 / (AHEAD_MS * c->fps);
    c->ahead = clamp(c->ahead + smoothstep(c->pace) * (c->quicker * fall - fmin(back, fall)), 0, ahead_max);
    if (c->quicker <= 0 && c->ahead < ahead_none)
        c->ahead = 0;
}

void camera_advance(struct camera *c)
{
    if (c->count == 0)
        return;
    if (camera_wants_keyframe(c))
        c->idle_frames++;
    bool slow = (double)c->idle_frames > c->config.linger_s * c->fps;
    double change = slow ? -1000.0 / (SLOW_DOWN_MS * c->fps) : 1000.0 / (SPEED_UP_MS * c->fps);
    c->pace = clamp(c->pace + change, 0, 1);
    c->z += smoothstep(c->pace);
    if (c->quicker > 0 || c->ahead > 0)
        nudge(c);
}

int64_t camera_horizon(const struct camera *c)
{
    double end = camera_wants_keyframe(c) ? c->z : c->blend_to;
    if (camera_wants_keyframe(c) && is_late(c))
        end = late_blend_end(c);
    return (int64_t)ceil(end);
}

/* How far the blend has gone, 0..1, along a straight line. */
static double progress(const struct camera *c)
{
    if (c->count < 2 || c->blend_to <= c->blend_from)
        return 1;
    return clamp((c->z - c->blend_from) / (c->blend_to - c->blend_from), 0, 1);
}

static const struct shot *prevailing(const struct camera *c)
{
    return progress(c) < 0.5 ? older_of(c) : newer_of(c);
}

const char *camera_caption(const struct camera *c)
{
    return prevailing(c)->caption;
}

int64_t camera_request_id(const struct camera *c)
{
    return prevailing(c)->request_id;
}

double camera_front(const struct camera *c)
{
    const struct shot *a = older_of(c), *b = newer_of(c);
    bool same = a->request_id == b->request_id && strcmp(a->caption, b->caption) == 0;
    if (c->count == 0)
        return -1;
    if (!same || a->front < 0 || b->front < 0)
        return prevailing(c)->front;
    return a->front + (b->front - a->front) * progress(c);
}

/* The newer picture alone, at its own position and size: a frame is shown as it is. */
static bool is_exact(const struct camera *c)
{
    const struct shot *s = newer_of(c);
    return c->count > 0 && s->is_frame && progress(c) >= 1 && c->z == s->z &&
           s->plate.width_px == c->width_px && s->plate.height_px == c->height_px;
}

bool camera_bridges(const struct camera *c)
{
    return c->count > 0 && newer_of(c)->is_frame && !is_exact(c);
}

/* x_in = xx x + xy y + x0, y_in = yx x + yy y + y0. */
struct affine {
    double xx, xy, x0, yx, yy, y0;
};

/* All that a frame's lines share. Index 0: older, 1: newer. */
struct view {
    const struct camera *camera;
    const struct frame *frame;
    struct affine to_keyframe[2]; /* output index -> keyframe index */
    double scale[2];              /* output pixels per keyframe pixel */
    const struct plate *plates[2];
    int weight;         /* of the newer one, 0..WEIGHT_ONE */
    double feather_px;  /* in output pixels; 0: hard border */
    double low, beyond; /* the newer one reaches from -low to size - beyond */
};

/* A picture larger by a nudge, about the middle of the frame whatever the fall's point, lest it move when that does. It shows a
 * part of what it would show without. */
static void enlarge(struct view *v, int i)
{
    const struct camera *c = v->camera;
    struct affine *a = &v->to_keyframe[i];
    double part = exp(-c->ahead), cx = c->width_px / 2.0, cy = c->height_px / 2.0;
    a->x0 += (1 - part) * (a->xx * cx + a->xy * cy);
    a->y0 += (1 - part) * (a->yx * cx + a->yy * cy);
    a->xx *= part;
    a->xy *= part;
    a->yx *= part;
    a->yy *= part;
    v->scale[i] /= part;
}

static void look_at(struct view *v, int i, const struct shot *s)
{
    const struct camera *c = v->camera;
    const struct shot *newer = newer_of(c); /* its motion led from the older one to it */
    double n = c->z - s->z;
    double zoom = clamp(pow(newer->zoom_per_frame, n), zoom_min, zoom_max);
    double base = base_scale(c, s->plate.width_px, s->plate.height_px), scale = zoom * base;
    double cosine = cos(-newer->radians_per_frame * n) / scale,
           sine = sin(-newer->radians_per_frame * n) / scale;
    double off_x = newer->x * s->plate.width_px, off_y = newer->y * s->plate.height_px;
    double cx = c->width_px / 2.0 + base * off_x, cy = c->height_px / 2.0 + base * off_y;
    v->scale[i] = scale;
    v->plates[i] = &s->plate;
    v->to_keyframe[i] = (struct affine){
        .xx = cosine,
        .xy = -sine,
        .x0 = s->plate.width_px / 2.0 + off_x - cosine * cx + sine * cy,
        .yx = sine,
        .yy = cosine,
        .y0 = s->plate.height_px / 2.0 + off_y - sine * cx - cosine * cy,
    };
    if (c->ahead > 0)
        enlarge(v, i);
}

/* A plane's row of output samples on its way through one keyframe: plane index, with 32 fraction bits so that
 * any sample of the row can be reached by one multiplication. */
struct track {
    const struct sample_plane *plane;
    int64_t x, y, dx, dy;
};

static int64_t fixed(double v, double bound)
{
    return llrint(clamp(v, -bound, bound) * 4294967296.0);
}

static struct track track_row(const struct view *v, int i, int plane, double y, double step)
{
    const struct affine *a = &v->to_keyframe[i];
    const struct plate_map *m = &v->plates[i]->maps[plane];
    return (struct track){
        .plane = &v->plates[i]->planes[plane],
        .x = fixed((a->xy * y + a->x0) * m->scale + m->offset_x, far_away),
        .y = fixed((a->yy * y + a->y0) * m->scale + m->offset_y, far_away),
        .dx = fixed(a->xx * step * m->scale, step_max),
        .dy = fixed(a->yx * step * m->scale, step_max),
    };
}

static int32_t shorten(int64_t v)
{
    const int64_t bound = (int64_t)place_max << POSITION_BITS;
    v = (v + (1 << 15)) >> (32 - POSITION_BITS);
    return (int32_t)(v < -bound ? -bound : v > bound ? bound : v);
}

static struct sample_line line_at(const struct track *t, int at)
{
    return (struct sample_line){
        .plane = t->plane,
        .x = shorten(t->x + t->dx * at),
        .y = shorten(t->y + t->dy * at),
        .dx = shorten(t->dx),
        .dy = shorten(t->dy),
    };
}

/* The newer keyframe's border as a row of output samples sees it. A hard border is a very steep one that
 * starts a hair outside, so that what lies exactly on it counts as inside. */
static struct border border_of_row(const struct view *v, double y, double step)
{
    const struct affine *a = &v->to_keyframe[1];
    const double scale = v->scale[1];
    double px = a->xy * y + a->x0, py = a->yy * y + a->y0;
    double right = v->plates[1]->width_px - v->beyond, bottom = v->plates[1]->height_px - v->beyond;
    float dx = (float)(a->xx * step * scale), dy = (float)(a->yx * step * scale);
    bool hard = v->feather_px < 0.01;
    return (struct border){
        .first = {(float)((px + v->low) * scale), (float)((right - px) * scale),
                  (float)((py + v->low) * scale), (float)((bottom - py) * scale)},
        .step = {dx, -dx, dy, -dy},
        .gain = hard ? 1e6f : (float)(1 / v->feather_px),
        .bias = hard ? 1e3f : 0,
    };
}

/* Weight of the newer keyframe that holds for the whole of samples first..last, or -1. What holds for an
 * affine distance at both ends holds between them. */
static int common_weight(const struct border *b, int first, int last, int weight)
{
    bool inside = true;
    for (int i = 0; i < 4; i++) {
        float from = (b->first[i] + b->step[i] * (float)first) * b->gain + b->bias;
        float to = (b->first[i] + b->step[i] * (float)last) * b->gain + b->bias;
        if (from <= 0 && to <= 0)
            return 0;
        inside = inside && from >= 1 && to >= 1;
    }
    return inside || weight == 0 ? weight : -1;
}

static void fill_weights(uint16_t weights[LINE_MAX], int weight)
{
    for (int i = 0; i < LINE_MAX; i++)
        weights[i] = (uint16_t)weight;
}

static void render_row(const struct view *v, int plane, int row)
{
    const struct camera_kernels *kernels = v->camera->kernels;
    const double step = plane == 0 ? 1 : 2;
    const double y = plane == 0 ? row : 2 * row + 0.5; /* chroma is sited left */
    const int width = plane == 0 ? v->frame->width_px : (v->frame->width_px + 1) / 2;
    const struct track older = track_row(v, 0, plane, y, step), newer = track_row(v, 1, plane, y, step);
    const struct border border = border_of_row(v, y, step);
    const int common_to_row = common_weight(&border, 0, width - 1, v->weight);
    bool as_light = plane == 0 && v->camera->config.light == CAMERA_LIGHT;
    void (*mixes)(uint8_t *, int, const struct sample_line *, const struct sample_line *, const uint16_t *) =
        as_light ? kernels->two_light : kernels->two;
    uint8_t *out = v->frame->planes[plane] + (int64_t)row * v->frame->strides[plane];
    uint16_t weights[LINE_MAX];
    int filled_with = -1;
    for (int at = 0; at < width; at += LINE_MAX) {
        int n = width - at < LINE_MAX ? width - at : LINE_MAX;
        int common = common_to_row >= 0 ? common_to_row : common_weight(&border, at, at + n - 1, v->weight);
        struct sample_line a = line_at(&older, at), b = line_at(&newer, at);
        if (common == 0) {
            kernels->one(out + at, n, &a);
        } else if (common == WEIGHT_ONE) {
            kernels->one(out + at, n, &b);
        } else {
            if (common < 0)
                camera_border_weights(weights, &border, at, v->weight);
            else if (filled_with != common)
                fill_weights(weights, common);
            filled_with = common;
            mixes(out + at, n, &a, &b, weights);
        }
    }
}

static void render_band(void *context, int item, int worker)
{
    (void)worker;
    const struct view *v = context;
    for (int plane = 0; plane < 3; plane++) {
        int rows_here = plane == 0 ? BAND_ROWS : BAND_ROWS / 2;
        int height = plane == 0 ? v->frame->height_px : (v->frame->height_px + 1) / 2;
        for (int y = item * rows_here; y < (item + 1) * rows_here && y < height; y++)
            render_row(v, plane, y);
    }
}

void camera_render(struct camera *c, const struct frame *out)
{
    if (c->count == 0) {
        frame_fill_grey(out, COLOUR_BLACK_Y);
        return;
    }
    if (is_exact(c) && c->ahead <= 0) {
        plate_copy(&newer_of(c)->plate, out);
        return;
    }
    bool smooth = c->config.blend == CAMERA_SMOOTH;
    double t = progress(c);
    struct view v = {
        .camera = c,
        .frame = out,
        .weight = (int)lrint((smooth ? smoothstep(t) : t) * WEIGHT_ONE),
        /* The border leaves the frame where the blend ends; the feather must be gone by then. */
        .feather_px = smooth ? (double)c->config.border_px * c->height_px / 720 * fmin(4 * (1 - t), 1) : 0,
        .low = smooth ? 0.5 : 0,
        .beyond = smooth ? 0 : 1,
    };
    look_at(&v, 0, older_of(c));
    look_at(&v, 1, newer_of(c));
    if (c->count < 2)
        v.weight = 0;
    int bands = (c->height_px + BAND_ROWS - 1) / BAND_ROWS;
    if (c->pool)
        pool_run(c->pool, render_band, &v, bands);
    for (int i = 0; !c->pool && i < bands; i++)
        render_band(&v, i, 0);
}
