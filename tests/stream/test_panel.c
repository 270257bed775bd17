/*
 * Panels with few colours: local means are those of the picture, fitted into the range of the inks; and stills in all
 * shapes.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavcodec/avcodec.h>

#include "common/mem.h"
#include "common/thread.h"
#include "stream/panel.h"
#include "stream/snapshot.h"
#include "stream/still.h"

enum { W = 80, H = 60, BLOCK = 20 };

static void paint(uint8_t *rgb, const uint8_t colour[3])
{
    for (int i = 0; i < W * H; i++)
        memcpy(rgb + 3 * i, colour, 3);
}

/* What the fit makes of a colour (panel.h). */
static double fitted(const struct panel *p, const uint8_t *rgb, int c)
{
    double luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    return p->black + luma * (p->white - p->black) / 255 + p->chroma * (rgb[c] - luma);
}

static double mean(const struct panel *p, const uint8_t *indices, int c)
{
    double sum = 0;
    for (int y = 0; y < BLOCK; y++)
        for (int x = 0; x < BLOCK; x++)
            sum += p->inks[indices[(y + BLOCK) * W + x + BLOCK]][c];
    return sum / (BLOCK * BLOCK);
}

static void test_means(void **state)
{
    (void)state;
    static const uint8_t colours[][3] = {
        {128, 128, 128}, {90, 60, 60}, {200, 180, 120}, {70, 80, 100}, {40, 40, 40}};
    static const char *const names[] = {"inky7", "bw", "gray4", "gray16"};
    uint8_t *rgb = xmalloc(3 * W * H), *out = xmalloc(W * H);
    for (size_t n = 0; n < ARRAY_LEN(names); n++)
        for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
            const struct panel *p = panel_find(names[n]);
            paint(rgb, colours[i]);
            assert_int_equal(panel_dither(p, PANEL_FLOYD, rgb, W, H, out), 0);
            for (int c = 0; c < 3; c++)
                if (fabs(mean(p, out, c) - fitted(p, colours[i], c)) > 8)
                    fail_msg("%s, colour %zu, channel %d: %.1f for %.1f", names[n], i, c, mean(p, out, c),
                             fitted(p, colours[i], c));
        }
    free(rgb);
    free(out);
}

static void test_ways(void **state)
{
    (void)state;
    uint8_t rgb[3 * W * H], out[W * H];
    const struct panel *p = panel_find("bw");
    static const uint8_t grey[3] = {100, 100, 100};
    paint(rgb, grey);
    assert_int_equal(panel_dither(p, PANEL_PLAIN, rgb, W, H, out), 0);
    for (int i = 0; i < W * H; i++)
        assert_int_equal(out[i], 0);
    assert_int_equal(panel_dither(p, PANEL_ORDERED, rgb, W, H, out), 0);
    assert_true(fabs(mean(p, out, 0) - 100) < 12);
    for (int y = 0; y + 8 < H; y++)
        for (int x = 0; x + 8 < W; x++)
            assert_int_equal(out[y * W + x], out[(y + 8) * W + x + 8]); /* a pattern of 8 x 8 */
    assert_null(panel_find("ink"));
    for (int i = 0; i < panel_find("spectra6")->count; i++)
        assert_true(panel_find("spectra6")->inks[i][0] <= 208);
}

/* ---- stills ---- */

static struct frame make_frame(uint8_t *pixels, int width_px, int height_px)
{
    struct frame f = {
        .width_px = width_px,
        .height_px = height_px,
        .planes = {pixels, pixels + width_px * height_px, pixels + width_px * height_px * 5 / 4},
        .strides = {width_px, width_px / 2, width_px / 2}};
    memset(pixels, 235, (size_t)(width_px * height_px));
    memset(f.planes[1], 128, (size_t)(width_px * height_px / 2));
    return f;
}

static AVFrame *decode(enum AVCodecID id, const uint8_t *bytes, size_t size)
{
    AVCodecContext *c = avcodec_alloc_context3(avcodec_find_decoder(id));
    AVPacket *packet = av_packet_alloc();
    AVFrame *f = av_frame_alloc();
    assert_int_equal(av_new_packet(packet, (int)size), 0);
    memcpy(packet->data, bytes, size);
    assert_int_equal(avcodec_open2(c, NULL, NULL), 0);
    assert_int_equal(avcodec_send_packet(c, packet), 0);
    avcodec_send_packet(c, NULL);
    assert_int_equal(avcodec_receive_frame(c, f), 0);
    av_packet_free(&packet);
    avcodec_free_context(&c);
    return f;
}

static void test_stills(void **state)
{
    (void)state;
    uint8_t pixels[320 * 180 * 3 / 2], *bytes;
    size_t size;
    struct frame f = make_frame(pixels, 320, 180);
    static const struct {
        struct still_params p;
        int width_px, height_px;
        uint8_t middle, edge; /* luma or red: white picture, black borders */
    } cases[] = {
        {{.png = true}, 320, 180, 255, 255},
        {{.png = true, .width_px = 100, .height_px = 100}, 100, 100, 255, 255},
        {{.png = true, .width_px = 100, .height_px = 100, .contain = true}, 100, 100, 255, 0},
        {{.png = true, .width_px = 301, .height_px = 33, .contain = true}, 301, 33, 255, 255},
        {{.width_px = 101, .height_px = 99}, 101, 99, 255, 255},
        {{.width_px = 64, .height_px = 200, .contain = true}, 64, 200, 255, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(still_make(&f, &cases[i].p, &bytes, &size), 0);
        AVFrame *d = decode(cases[i].p.png ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG, bytes, size);
        assert_int_equal(d->width, cases[i].width_px);
        assert_int_equal(d->height, cases[i].height_px);
        int step = cases[i].p.png ? 3 : 1;
        int middle = d->data[0][d->height / 2 * d->linesize[0] + d->width / 2 * step];
        int edge = d->data[0][d->width / 2 * step];
        assert_true(abs(middle - cases[i].middle) <= 2);
        assert_true(abs(edge - cases[i].edge) <= 2);
        av_frame_free(&d);
        free(bytes);
    }
    struct still_params wrong = {.width_px = 5000, .height_px = 10};
    assert_int_equal(still_make(&f, &wrong, &bytes, &size), -EINVAL);
}

static void test_palette(void **state)
{
    (void)state;
    uint8_t pixels[320 * 180 * 3 / 2], *bytes;
    size_t size;
    struct frame f = make_frame(pixels, 320, 180);
    const struct panel *p = panel_find("inky7");
    struct still_params params = {.png = true, .width_px = 60, .height_px = 40, .panel = p};
    assert_int_equal(still_make(&f, &params, &bytes, &size), 0);
    AVFrame *d = decode(AV_CODEC_ID_PNG, bytes, size);
    assert_int_equal(d->format, AV_PIX_FMT_PAL8);
    int ink = d->data[0][20 * d->linesize[0] + 30];
    assert_true(ink < p->count);
    uint32_t colour = ((const uint32_t *)(const void *)d->data[1])[ink];
    assert_int_equal(colour, 0xff000000u | (uint32_t)p->inks[ink][0] << 16 | (uint32_t)p->inks[ink][1] << 8 |
                                 p->inks[ink][2]);
    av_frame_free(&d);
    free(bytes);
}

/* ---- snapshot ---- */

struct offering {
    struct snapshot *s;
    struct frame f;
    atomic_bool stop;
};

static void *offer_many(void *arg)
{
    struct offering *o = arg;
    for (int64_t n = 0; !atomic_load(&o->stop); n++) {
        memset(o->f.planes[0], (int)(n & 255), 64 * 32);
        snapshot_offer(o->s, &o->f, n);
        usleep(500);
    }
    return NULL;
}

static void test_snapshot(void **state)
{
    (void)state;
    static uint8_t pixels[64 * 32 * 3 / 2];
    struct offering o = {.f = make_frame(pixels, 64, 32)};
    struct frame got;
    int64_t number = -1, last = -1;
    assert_int_equal(snapshot_open(&o.s, 64, 32), 0);
    assert_int_equal(snapshot_borrow(o.s, -1, 1000, &got, &number), -EAGAIN);
    struct thread t = {0};
    assert_int_equal(thread_start(&t, "offer", offer_many, &o), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(snapshot_borrow(o.s, last, 5000000, &got, &number), 0);
        assert_true(number > last);
        for (int x = 0; x < 64 * 32; x++)
            assert_int_equal(got.planes[0][x], number & 255); /* whole, and not painted over meanwhile */
        snapshot_return(o.s);
        last = number;
    }
    atomic_store(&o.stop, true);
    thread_join(&t);
    snapshot_close(&o.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means),   cmocka_unit_test(test_ways),     cmocka_unit_test(test_stills),
        cmocka_unit_test(test_palette), cmocka_unit_test(test_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
