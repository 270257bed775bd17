/*
 * fbdev - the dream on a screen of this machine itself, without any desktop: Linux's framebuffer device.
 *
 * For a picture frame on a desk: a small computer, a panel, and nothing else. The device is asked for its size and
 * its pixels' layout (FBIOGET_VSCREENINFO), mapped, and written to: 16, 24 or 32 bits a pixel with the colours
 * anywhere in them; 16 bits are dithered, or gradients would show steps. A thread of its own draws, at most
 * fbdev.fps times a second, from the newest picture; the stream never waits for it. Where there is no such screen,
 * one line says so and the show goes on.
 */
#ifndef STREAM_FBDEV_H
#define STREAM_FBDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "config/option.h"
#include "stream/frame.h"

/* Section "fbdev". */
struct fbdev_config {
    bool enabled;
    char device[OPTION_STRING_BYTES];
    bool contain;
    int64_t fps;
};
extern const struct option_section fbdev_section;

/* How the device is reached; tests put a file in its place. All as the system calls of those names. */
struct fbdev_calls {
    int (*open)(const char *path, int flags);
    int (*ioctl)(int fd, unsigned long request, void *out);
};
extern const struct fbdev_calls fbdev_system;

struct fbdev;

/* For pictures of this size. 0, or -errno with a line that begins with the device's name; *f is NULL then. */
int fbdev_open(struct fbdev **f, const struct fbdev_config *c, int width_px, int height_px,
               const struct fbdev_calls *calls, struct error *e);
void fbdev_close(struct fbdev **f); /* the stream has stopped; NULL is fine */

/* The stream's thread, with every picture; `number` grows. Does nothing where there is no screen. */
void fbdev_picture(struct fbdev *f, const struct frame *frame, int64_t number);

#endif
