/*
 * media - pictures out: the live preview, its fallback, and stills.
 */
#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "web/site.h"

enum { SIDE_MIN = 16, SIDE_MAX = 2048, MJPG_FPS_MAX = 15, WAIT_MAX_US = 60000000, FIRST_WAIT_US = 5000000 };

#define BOUNDARY "reverie-next-picture"

static bool busy(struct call *c, const char *text)
{
    site_error(c, 503, "busy", text);
    http_add_header(c->answer, "Retry-After", "1");
    return true;
}

/* ---- MP4 ---- */

bool site_get_live(struct call *c)
{
    char type[LIVE_TYPE_BYTES];
    struct live_state state;
    live_look(c->web->live, &state);
    if (state.viewers >= c->web->p.config->viewers_max)
        return busy(c, "all seats for the preview are taken (web.viewers_max)");
    struct live_viewer *v = live_join(c->web->live, type);
    if (!v)
        return c->request->age_us < FIRST_WAIT_US ? false : busy(c, "the preview has not begun yet");
    c->answer->status = 200;
    c->answer->type = "video/mp4";
    http_add_header(c->answer, "Reverie-Media-Type", "%s", type);
    c->answer->source = (struct http_source){v, live_read, live_leave};
    return true;
}

/* ---- JPEG after JPEG ---- */

struct mjpg {
    struct web *web;
    struct web_picture_want want;
    int64_t every_us, next_us, after;
    const struct picture *current; /* on its way; NULL: between two */
    char head[128];
    size_t head_bytes, sent; /* of head and picture together */
};

static bool begin_part(struct mjpg *m)
{
    int64_t now_us = clock_real_us();
    if (now_us < m->next_us || pictures_get(m->web->pictures, &m->want, m->after, &m->current) < 0)
        return false;
    m->next_us = now_us + m->every_us;
    m->after = m->current->made.frame;
    m->head_bytes = (size_t)snprintf(
        m->head, sizeof m->head, "--" BOUNDARY "\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n",
        m->current->made.size);
    m->sent = 0;
    return true;
}

static ssize_t read_mjpg(void *context, char *out, size_t size)
{
    struct mjpg *m = context;
    if (!m->current && !begin_part(m))
        return 0;
    bool in_head = m->sent < m->head_bytes;
    const uint8_t *from =
        in_head ? (const uint8_t *)m->head + m->sent : m->current->made.bytes + (m->sent - m->head_bytes);
    size_t end = m->head_bytes + m->current->made.size;
    size_t left = (in_head ? m->head_bytes : end) - m->sent, n = left < size ? left : size;
    memcpy(out, from, n);
    m->sent += n;
    if (m->sent == end) {
        pictures_release(m->web->pictures, m->current);
        m->current = NULL;
    }
    return (ssize_t)n;
}

static void close_mjpg(void *context)
{
    struct mjpg *m = context;
    pictures_release(m->web->pictures, m->current);
    m->web->mjpg_readers--;
    free(m);
}

/* Widths that are asked for fall into two kinds, so that many viewers share few encodes. */
bool site_get_mjpg(struct call *c)
{
    int64_t width, fps;
    if (!target_number(&c->target, "width", SIDE_MIN, SIDE_MAX, 640, &width) ||
        !target_number(&c->target, "fps", 1, MJPG_FPS_MAX, 10, &fps)) {
        site_error(c, 400, "bad_size", "width is a number from 16 to 2048, fps one from 1 to 15");
        return true;
    }
    if (c->web->mjpg_readers >= SITE_MJPG_MAX)
        return busy(c, "too many watch these pictures; /live.mp4 and /frame.jpg are there too");
    const struct web_status *s = &c->web->status;
    int width_px = width > 320 ? 640 : 320;
    int height_px =
        s->width_px > 0 ? (int)((int64_t)width_px * s->height_px / s->width_px) : width_px * 9 / 16;
    struct mjpg *m = xcalloc(1, sizeof *m);
    *m = (struct mjpg){.web = c->web,
                       .want = {.width_px = width_px, .height_px = height_px},
                       .every_us = 1000000 / fps,
                       .after = -1};
    c->web->mjpg_readers++;
    c->answer->status = 200;
    c->answer->type = "multipart/x-mixed-replace; boundary=" BOUNDARY;
    c->answer->source = (struct http_source){m, read_mjpg, close_mjpg};
    return true;
}

/* ---- stills ---- */

static const char *const palettes[WEB_PALETTES] = {"rgb", "inky7", "spectra6", "bw", "gray4", "gray16"};
static const char *const dithers[WEB_DITHERS] = {"floyd", "ordered", "none"};
static const char *const fits[] = {"cover", "contain"};

/* The place of a value in `names`; 0 when it is not there at all, -1 when it is none of them. */
static int choice(const struct target *t, const char *name, const char *const *names, int count)
{
    const char *value = target_value(t, name);
    for (int i = 0; value && i < count; i++)
        if (strcmp(value, names[i]) == 0)
            return i;
    return value ? -1 : 0;
}

/* What is wanted, or false after telling what is wrong. */
static bool read_want(struct call *c, struct web_picture_want *want)
{
    const struct target *t = &c->target;
    int64_t width, height;
    int fit = choice(t, "fit", fits, 2), palette = choice(t, "palette", palettes, WEB_PALETTES),
        dither = choice(t, "dither", dithers, WEB_DITHERS);
    bool png = strcmp(t->path, "/frame.png") == 0;
    if (!target_number(t, "width", SIDE_MIN, SIDE_MAX, 0, &width) ||
        !target_number(t, "height", SIDE_MIN, SIDE_MAX, 0, &height) || (width > 0) != (height > 0))
        site_error(c, 400, "bad_size", "width and height go together, from 16 to 2048 each");
    else if (fit < 0)
        site_error(c, 400, "bad_fit", "fit is cover or contain");
    else if (palette < 0 || dither < 0)
        site_error(c, 400, "bad_palette",
                   "palette is rgb, inky7, spectra6, bw, gray4 or gray16; dither is floyd, ordered or none");
    else if (palette > 0 && !png)
        site_error(c, 400, "bad_palette", "only /frame.png has palettes");
    else {
        *want = (struct web_picture_want){.png = png,
                                          .width_px = (int)width,
                                          .height_px = (int)height,
                                          .contain = fit == 1,
                                          .palette = (enum web_palette)palette,
                                          .dither = palette ? (enum web_dither)dither : WEB_FLOYD};
        return true;
    }
    return false;
}

/* "17-640x360-p0d0c1": the frame, and how it was made. */
static void make_etag(const struct web_picture_want *w, int64_t frame, char out[80])
{
    snprintf(out, 80, "\"%lld-%dx%d-p%dd%dc%d\"", (long long)frame, w->width_px, w->height_px,
             (int)w->palette, (int)w->dither, (int)w->contain);
}

/* The frame in an ETag, with or without its quotes; -1: none. */
static int64_t frame_of(const char *etag)
{
    if (!etag)
        return -1;
    etag += *etag == '"';
    size_t digits = strspn(etag, "0123456789");
    return digits > 0 && digits < 19 && etag[digits] == '-' ? atoll(etag) : -1;
}

static void send_picture(struct call *c, const struct web_picture_want *want, const struct picture *p)
{
    char etag[80];
    const char *known = c->request->header[HTTP_IF_NONE_MATCH];
    make_etag(want, p->made.frame, etag);
    c->answer->status = known && strcmp(known, etag) == 0 ? 304 : 200;
    if (c->answer->status == 200) {
        c->answer->type = want->png ? "image/png" : "image/jpeg";
        c->answer->body = p->made.bytes;
        c->answer->body_bytes = p->made.size;
    }
    http_add_header(c->answer, "ETag", "%s", etag);
    http_add_header(c->answer, "Reverie-Subject", "%s", p->made.dream.text);
    if (p->made.seen >= 0)
        http_add_header(c->answer, "Reverie-Seen", "%.3f", p->made.seen);
}

/* A frame's picture that is not ready, or not any more. True: answered. */
static bool is_unready(struct call *c)
{
    int64_t id;
    if (!target_value(&c->target, "id"))
        return false;
    enum frame_state state =
        target_number(&c->target, "id", 1, INT64_MAX, 0, &id) ? site_frame_state(c->web, id) : FRAME_UNKNOWN;
    if (state == FRAME_READY)
        return false;
    if (state == FRAME_WAITS) {
        site_error(c, 202, "not_ready", "it is being dreamed");
        http_add_header(c->answer, "Retry-After", "2");
    } else {
        site_error(c, state == FRAME_OVER ? 410 : 404, state == FRAME_OVER ? "over" : "not_found",
                   state == FRAME_OVER ? "its time is over; /api/history still has it small"
                                       : "no frame has asked for that");
    }
    return true;
}

/* A picture that was known already is sent again only when nobody waits for a later one. */
bool site_get_frame(struct call *c)
{
    struct web_picture_want want;
    const struct picture *p;
    if (!read_want(c, &want) || is_unready(c))
        return true;
    int64_t after = frame_of(target_value(&c->target, "after"));
    int rc = pictures_get(c->web->pictures, &want, after, &p);
    if ((rc == -EAGAIN || rc == -EBUSY) && c->request->age_us < (after >= 0 ? WAIT_MAX_US : FIRST_WAIT_US))
        return false;
    if (rc == -EAGAIN && after >= 0) {
        c->answer->status = 304;
        return true;
    }
    if (rc < 0)
        return busy(c, "there is no picture yet");
    send_picture(c, &want, p);
    pictures_release(c->web->pictures, p);
    return true;
}
