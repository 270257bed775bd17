/*
 * fbdev - see fbdev.h.
 */
#include "stream/fbdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thread.h"
#include "stream/snapshot.h"
#include "stream/still.h"

enum { PATIENCE_US = 200000, MAP_BYTES_MAX = 256 << 20, CHANNELS = 3, THRESHOLDS = 16 };

static const struct option rows[] = {
    OPTION_BOOL(struct fbdev_config, enabled, "false",
                "Show the dream on a screen of this machine without a desktop, as on a picture frame."),
    OPTION_STRING(struct fbdev_config, device, "/dev/fb0", 0, "Its framebuffer device."),
    OPTION_BOOL(
        struct fbdev_config, contain, "false",
        "true: all of the picture, with black borders; false: the screen is filled and edges are cut."),
    OPTION_INT(struct fbdev_config, fps, "12", 1, 60, "frames/s", "How often it is drawn at most."),
};
const struct option_section fbdev_section =
    OPTION_SECTION("fbdev", struct fbdev_config, rows, "A screen of this machine itself.");

struct fbdev {
    /* immutable after open */
    int fd, width_px, height_px, pixel_bytes;
    int64_t every_us;
    bool contain;
    uint32_t bits[CHANNELS][THRESHOLDS][256]; /* what a value puts into a pixel */
    uint8_t *map, *screen;                    /* the mapping, and the visible part's first pixel in it */
    size_t map_bytes, stride_bytes;
    struct snapshot *snapshot;
    struct stop stop;
    struct thread thread;

    uint8_t *rgb; /* [height][width][3]; the thread's */
    bool warned;
};

static int system_open(const char *path, int flags)
{
    return open(path, flags);
}

static int system_ioctl(int fd, unsigned long request, void *out)
{
    return ioctl(fd, request, out);
}

const struct fbdev_calls fbdev_system = {system_open, system_ioctl};

/* ---- pixels ---- */

/* A value 0..255 in its field; `threshold` 0..15 decides whether what lies between two steps goes up or down. */
static uint32_t in_field(const struct fb_bitfield *b, uint32_t value, uint32_t threshold)
{
    uint32_t top = (1u << b->length) - 1;
    if (b->length >= 8)
        return value * top / 255 << b->offset;
    return (16 * value * top + 255 * threshold + 127) / (16 * 255) << b->offset;
}

/* Bayer's ordered dither: the thresholds of a 4x4 tile. */
static const uint8_t bayer[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};

static void make_tables(struct fbdev *f, const struct fb_var_screeninfo *v)
{
    const struct fb_bitfield *fields[CHANNELS] = {&v->red, &v->green, &v->blue};
    for (int c = 0; c < CHANNELS; c++)
        for (uint32_t threshold = 0; threshold < THRESHOLDS; threshold++)
            for (uint32_t value = 0; value < 256; value++)
                f->bits[c][threshold][value] = in_field(fields[c], value, threshold);
}

static void draw_row(const struct fbdev *f, int y)
{
    const uint8_t *from = f->rgb + 3 * (size_t)y * (size_t)f->width_px;
    uint8_t *to = f->screen + (size_t)y * f->stride_bytes;
    for (int x = 0; x < f->width_px; x++, from += 3, to += f->pixel_bytes) {
        int threshold = bayer[y % 4][x % 4];
        uint32_t pixel =
            f->bits[0][threshold][from[0]] | f->bits[1][threshold][from[1]] | f->bits[2][threshold][from[2]];
        memcpy(to, &pixel, (size_t)f->pixel_bytes); /* little-endian, as all that have such a device */
    }
}

static void draw(struct fbdev *f, const struct frame *frame)
{
    int rc = still_scale(frame, f->width_px, f->height_px, f->contain, f->rgb);
    if (rc < 0 && !f->warned)
        log_warn("fbdev", "the picture cannot be scaled: %s", strerror(-rc));
    f->warned = rc < 0;
    for (int y = 0; rc == 0 && y < f->height_px; y++)
        draw_row(f, y);
}

static void *fbdev_main(void *arg)
{
    struct fbdev *f = arg;
    struct frame frame;
    struct pollfd stop = {.fd = f->stop.fd, .events = POLLIN};
    int64_t number = -1, next_us = 0;
    thread_lower_priority(0);
    while (!stop_requested(&f->stop)) {
        int64_t now_us = clock_real_us();
        if (now_us < next_us) {
            poll(&stop, 1, (int)((next_us - now_us) / 1000) + 1);
        } else if (snapshot_borrow(f->snapshot, number, PATIENCE_US, &frame, &number) == 0) {
            draw(f, &frame);
            snapshot_return(f->snapshot);
            next_us = now_us + f->every_us;
        }
    }
    return NULL;
}

/* ---- open ---- */

/* Whether we can write such pixels. */
static bool is_usable(const struct fb_var_screeninfo *v, const struct fb_fix_screeninfo *fix)
{
    const struct fb_bitfield *fields[] = {&v->red, &v->green, &v->blue};
    bool fits = (v->bits_per_pixel == 16 || v->bits_per_pixel == 24 || v->bits_per_pixel == 32) &&
                fix->type == FB_TYPE_PACKED_PIXELS && v->xres >= 2 && v->yres >= 2 &&
                v->xres <= STILL_SIDE_MAX && v->yres <= STILL_SIDE_MAX;
    for (size_t i = 0; i < ARRAY_LEN(fields) && fits; i++)
        fits = fields[i]->length >= 1 && fields[i]->length <= 16 && !fields[i]->msb_right &&
               fields[i]->offset + fields[i]->length <= v->bits_per_pixel;
    size_t pixel_bytes = v->bits_per_pixel / 8;
    size_t end = ((size_t)v->yoffset + v->yres) * fix->line_length;
    return fits && ((size_t)v->xoffset + v->xres) * pixel_bytes <= fix->line_length && end <= fix->smem_len &&
           fix->smem_len <= MAP_BYTES_MAX;
}

static int map_screen(struct fbdev *f, const struct fbdev_config *c, const struct fbdev_calls *calls,
                      struct error *e)
{
    struct fb_var_screeninfo v;
    struct fb_fix_screeninfo fix;
    f->fd = calls->open(c->device, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0) {
        int code = errno;
        return error_set(e, code, "%s: %s", c->device, strerror(code));
    }
    memset(&v, 0, sizeof v);
    memset(&fix, 0, sizeof fix);
    if (calls->ioctl(f->fd, FBIOGET_VSCREENINFO, &v) < 0 ||
        calls->ioctl(f->fd, FBIOGET_FSCREENINFO, &fix) < 0)
        return error_set(e, ENOTTY, "%s: is no framebuffer", c->device);
    if (!is_usable(&v, &fix))
        return error_set(e, ENOTSUP, "%s: %ux%u with %u bits a pixel is no layout that is known here",
                         c->device, v.xres, v.yres, v.bits_per_pixel);
    f->width_px = (int)v.xres;
    f->height_px = (int)v.yres;
    f->pixel_bytes = (int)v.bits_per_pixel / 8;
    make_tables(f, &v);
    f->stride_bytes = fix.line_length;
    f->map_bytes = fix.smem_len;
    f->map = mmap(NULL, f->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (f->map == MAP_FAILED) {
        int code = errno;
        f->map = NULL;
        return error_set(e, code, "%s: cannot be mapped: %s", c->device, strerror(code));
    }
    f->screen = f->map + v.yoffset * f->stride_bytes + v.xoffset * (size_t)f->pixel_bytes;
    return 0;
}

static int start(struct fbdev *f, int width_px, int height_px)
{
    f->rgb = malloc(3 * (size_t)f->width_px * (size_t)f->height_px);
    int rc = f->rgb ? snapshot_open(&f->snapshot, width_px, height_px) : -ENOMEM;
    if (rc == 0)
        rc = stop_init(&f->stop);
    return rc < 0 ? rc : thread_start(&f->thread, "fbdev", fbdev_main, f);
}

int fbdev_open(struct fbdev **out, const struct fbdev_config *c, int width_px, int height_px,
               const struct fbdev_calls *calls, struct error *e)
{
    struct fbdev *f = *out = xcalloc(1, sizeof *f);
    f->fd = f->stop.fd = -1;
    f->every_us = 1000000 / c->fps;
    f->contain = c->contain;
    int rc = map_screen(f, c, calls, e);
    if (rc == 0 && (rc = start(f, width_px, height_px)) < 0)
        error_set(e, -rc, "%s: cannot be drawn to: %s", c->device, strerror(-rc));
    if (rc < 0) {
        fbdev_close(out);
        return rc;
    }
    log_info("fbdev", "%s: %dx%d, %d bits a pixel", c->device, f->width_px, f->height_px, 8 * f->pixel_bytes);
    return 0;
}

void fbdev_close(struct fbdev **out)
{
    struct fbdev *f = *out;
    if (!f)
        return;
    if (f->stop.fd >= 0)
        stop_request(&f->stop);
    thread_join(&f->thread);
    stop_close(&f->stop);
    snapshot_close(&f->snapshot);
    if (f->map)
        munmap(f->map, f->map_bytes);
    if (f->fd >= 0)
        close(f->fd);
    free(f->rgb);
    free(f);
    *out = NULL;
}

void fbdev_picture(struct fbdev *f, const struct frame *frame, int64_t number)
{
    if (f)
        snapshot_offer(f->snapshot, frame, number);
}
