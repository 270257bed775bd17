/*
 * The screen without a desktop: a file takes the place of the device, its ioctls say how it is laid out, and what is
 * in it then is what a screen would show.
 */
#include <errno.h>
#include <linux/fb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/mem.h"
#include "stream/fbdev.h"

enum { WIDTH = 64, HEIGHT = 32, STRIDE_PIXELS = 80, LINES = 70 };

static struct fb_var_screeninfo variable;
static struct fb_fix_screeninfo fixed;
static int screen_fd; /* stays open here, to look into */

static int fake_open(const char *path, int flags)
{
    (void)flags;
    if (strcmp(path, "/dev/fake") != 0) {
        errno = ENOENT;
        return -1;
    }
    return dup(screen_fd);
}

static int fake_ioctl(int fd, unsigned long request, void *out)
{
    (void)fd;
    if (request == FBIOGET_VSCREENINFO)
        memcpy(out, &variable, sizeof variable);
    else if (request == FBIOGET_FSCREENINFO)
        memcpy(out, &fixed, sizeof fixed);
    else
        return errno = ENOTTY, -1;
    return 0;
}

static int refuse(int fd, unsigned long request, void *out)
{
    (void)fd;
    (void)request;
    (void)out;
    errno = ENOTTY;
    return -1;
}

static const struct fbdev_calls fake = {fake_open, fake_ioctl}, no_screen = {fake_open, refuse};
static const struct fbdev_config config = {.enabled = true, .device = "/dev/fake", .fps = 60};

/* A panel of `bits` with the visible part away from the corner; r, g, b as {offset, length}. */
static void make_screen(unsigned bits, const unsigned fields[3][2])
{
    variable = (struct fb_var_screeninfo){
        .xres = WIDTH, .yres = HEIGHT, .xoffset = 8, .yoffset = 32, .bits_per_pixel = bits};
    variable.red = (struct fb_bitfield){.offset = fields[0][0], .length = fields[0][1]};
    variable.green = (struct fb_bitfield){.offset = fields[1][0], .length = fields[1][1]};
    variable.blue = (struct fb_bitfield){.offset = fields[2][0], .length = fields[2][1]};
    fixed = (struct fb_fix_screeninfo){.type = FB_TYPE_PACKED_PIXELS,
                                       .line_length = STRIDE_PIXELS * bits / 8,
                                       .smem_len = STRIDE_PIXELS * bits / 8 * LINES};
    screen_fd = memfd_create("screen", MFD_CLOEXEC);
    assert_int_equal(ftruncate(screen_fd, fixed.smem_len), 0);
}

static uint32_t pixel_at(int x, int y)
{
    uint32_t value = 0;
    size_t bytes = variable.bits_per_pixel / 8;
    assert_int_equal(pread(screen_fd, &value, bytes, (off_t)(y * fixed.line_length + (size_t)x * bytes)),
                     bytes);
    return value;
}

/* Value 0..255 of a field. */
static double value_of(uint32_t pixel, const struct fb_bitfield *b)
{
    uint32_t top = (1u << b->length) - 1;
    return (pixel >> b->offset & top) * 255.0 / top;
}

static uint8_t planes[3][128 * 72];

/* One colour all over: the left half of it, the right half black. */
static struct frame picture(int luma, int cb, int cr)
{
    struct frame f = {.width_px = 128,
                      .height_px = 72,
                      .planes = {planes[0], planes[1], planes[2]},
                      .strides = {128, 64, 64}};
    frame_fill_grey(&f, COLOUR_BLACK_Y);
    for (int y = 0; y < 72; y++)
        memset(planes[0] + 128 * y, luma, 64);
    for (int y = 0; y < 36; y++) {
        memset(planes[1] + 64 * y, cb, 32);
        memset(planes[2] + 64 * y, cr, 32);
    }
    return f;
}

/* Until the thread has drawn it. */
static void show(struct fbdev *f, const struct frame *p)
{
    static int64_t number;
    for (int ms = 0; ms < 5000 && pixel_at(8 + 10, 32 + 16) == 0; ms += 5) {
        fbdev_picture(f, p, ++number);
        usleep(5000);
    }
    usleep(50000); /* and the rest of that picture */
}

/* The mean of the three fields over some pixels, so that the dither is looked through. */
static void look(int x0, int y0, double mean[3])
{
    const struct fb_bitfield *fields[] = {&variable.red, &variable.green, &variable.blue};
    for (int c = 0; c < 3; c++)
        mean[c] = 0;
    for (int y = y0; y < y0 + 8; y++)
        for (int x = x0; x < x0 + 8; x++)
            for (int c = 0; c < 3; c++)
                mean[c] += value_of(pixel_at(x, y), fields[c]) / 64.0;
}

static void draw_and_look(void)
{
    struct fbdev *f;
    struct error e = {""};
    struct frame p = picture(63, 102, 240); /* BT.709 limited range: red, 255 0 0 */
    double left[3], right[3];
    if (fbdev_open(&f, &config, 128, 72, &fake, &e) < 0)
        fail_msg("%s", e.text);
    show(f, &p);
    fbdev_close(&f);
    assert_null(f);
    look(8 + 8, 32 + 12, left);
    look(8 + 48, 32 + 12, right);
    assert_true(left[0] > 245 && left[1] < 10 && left[2] < 10);
    assert_true(right[0] < 6 && right[1] < 6 && right[2] < 6);
    for (int y = 0; y < LINES; y++) /* nothing beside the visible part */
        for (int x = 0; x < STRIDE_PIXELS; x++)
            if (x < 8 || x >= 8 + WIDTH || y < 32 || y >= 32 + HEIGHT)
                assert_int_equal(pixel_at(x, y), 0);
    close(screen_fd);
}

static void test_layouts(void **state)
{
    static const struct {
        unsigned bits, fields[3][2];
    } layouts[] = {
        {32, {{16, 8}, {8, 8}, {0, 8}}}, /* XRGB */
        {32, {{0, 8}, {8, 8}, {16, 8}}}, /* BGR the other way round */
        {32, {{20, 10}, {10, 10}, {0, 10}}}, {24, {{16, 8}, {8, 8}, {0, 8}}},
        {16, {{11, 5}, {5, 6}, {0, 5}}},     {16, {{10, 5}, {5, 5}, {0, 5}}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
        make_screen(layouts[i].bits, layouts[i].fields);
        draw_and_look();
    }
}

/* Sixteen bits show a grey between two of their steps as a mixture of both. */
static void test_dither(void **state)
{
    static const unsigned rgb565[3][2] = {{11, 5}, {5, 6}, {0, 5}};
    (void)state;
    struct fbdev *f;
    struct error e = {""};
    struct frame p = picture(16 + 219 * 103 / 255, 128, 128); /* grey 103: between 98.7 and 106.9 of red */
    double mean[3];
    make_screen(16, rgb565);
    assert_int_equal(fbdev_open(&f, &config, 128, 72, &fake, &e), 0);
    show(f, &p);
    fbdev_close(&f);
    look(8 + 8, 32 + 12, mean);
    for (int c = 0; c < 3; c++)
        assert_true(mean[c] > 99.5 && mean[c] < 105);
    bool mixed = false;
    for (int x = 1; x < 8; x++)
        mixed |= pixel_at(8 + 8 + x, 32 + 12) != pixel_at(8 + 8, 32 + 12);
    assert_true(mixed);
    close(screen_fd);
}

static void assert_refused(const struct fbdev_calls *calls, const char *device, int code)
{
    struct fbdev *f;
    struct error e = {""};
    struct fbdev_config c = config;
    snprintf(c.device, sizeof c.device, "%s", device);
    assert_int_equal(fbdev_open(&f, &c, 128, 72, calls, &e), -code);
    assert_null(f);
    assert_non_null(strstr(e.text, device));
}

static void test_refused(void **state)
{
    static const unsigned rgb[3][2] = {{16, 8}, {8, 8}, {0, 8}};
    (void)state;
    make_screen(32, rgb);
    assert_refused(&fake, "/dev/none", ENOENT);
    assert_refused(&no_screen, "/dev/fake", ENOTTY);
    assert_refused(&fbdev_system, "/dev/null", ENOTTY);
    variable.bits_per_pixel = 8; /* a palette */
    assert_refused(&fake, "/dev/fake", ENOTSUP);
    variable.bits_per_pixel = 32;
    variable.yoffset = 60; /* beyond its memory */
    assert_refused(&fake, "/dev/fake", ENOTSUP);
    variable.yoffset = 0;
    variable.red.offset = 30; /* beyond its pixel */
    assert_refused(&fake, "/dev/fake", ENOTSUP);
    variable.red.offset = 16;
    variable.xres = 100; /* wider than a line */
    assert_refused(&fake, "/dev/fake", ENOTSUP);
    struct fbdev *none = NULL;
    fbdev_picture(none, NULL, 1);
    fbdev_close(&none);
    close(screen_fd);
}

static int quiet(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_dither),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
