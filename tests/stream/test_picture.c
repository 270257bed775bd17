/*
 * Still pictures: exact where the format is exact, near where it is not, and a plain word about everything
 * that is no picture.
 */
#include "tests/stream/picture_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/stream/png.h"

/* Reading must fail with this code and with a line that names the file and holds `word`. */
static void must_refuse(const char *path, int code, const char *word)
{
    float *rgb = (float *)&rgb;
    int w, h;
    struct error e = {""};
    int rc = picture_read(path, &rgb, &w, &h, &e);
    if (rc != -code || !strstr(e.text, path) || !strstr(e.text, word))
        fail_msg("%s: got %d, \"%s\"", path, rc, e.text);
    assert_null(rgb);
}

/* ---- what is exact ---- */

static void test_png_keeps_every_byte(void **state)
{
    (void)state;
    enum { W = 256, H = 7 };
    float *rgb = xmalloc(sizeof *rgb * 3 * W * H);
    for (int i = 0; i < 3 * W * H; i++)
        rgb[i] = (float)((i * 7 + i / W) % 256);
    const char *path = in_folder("exact.png");
    assert_int_equal(write_png(path, rgb, W, H, NULL), 0);
    float *back = must_read(path, W, H);
    assert_memory_equal(rgb, back, sizeof *rgb * 3 * W * H);
    free(rgb);
    free(back);
}

static void test_values_are_rounded_and_clipped(void **state)
{
    (void)state;
    const float in[3 * 4] = {-5,  0.49f, 0.51f,  254.4f, 254.6f, 300,
                             NAN, 1e30f, -1e30f, 127.5f, 12.2f,  INFINITY};
    const float out[3 * 4] = {0, 0, 1, 254, 255, 255, 0, 255, 0, 128, 12, 255};
    const char *path = in_folder("clip.png");
    assert_int_equal(write_png(path, in, 4, 1, NULL), 0);
    float *back = must_read(path, 4, 1);
    assert_memory_equal(out, back, sizeof out);
    free(back);
}

static void fill_grey16(AVFrame *f)
{
    for (int x = 0; x < f->width; x++) {
        f->data[0][2 * x] = (uint8_t)x; /* big-endian */
        f->data[0][2 * x + 1] = 0x80;
    }
}

static void test_sixteen_bits_and_grey(void **state)
{
    (void)state;
    AVPacket *p = encode(AV_CODEC_ID_PNG, AV_PIX_FMT_GRAY16BE, 200, 1, fill_grey16);
    put_file(in_folder("grey16.png"), p->data, (size_t)p->size);
    av_packet_free(&p);
    float *rgb = must_read(in_folder("grey16.png"), 200, 1);
    for (int i = 0; i < 600; i++)
        assert_true(fabs(rgb[i] - (i % 200 * 256 + 128) * 255.0 / 65535) < 1e-3);
    free(rgb);
}

static void fill_palette(AVFrame *f)
{
    for (int x = 0; x < f->width; x++)
        f->data[0][x] = (uint8_t)x;
    for (uint32_t i = 0; i < 256; i++)
        ((uint32_t *)f->data[1])[i] = 0xff000000 | i << 16 | (255 - i) << 8 | 7;
}

static void test_palette(void **state)
{
    (void)state;
    AVPacket *p = encode(AV_CODEC_ID_PNG, AV_PIX_FMT_PAL8, 256, 1, fill_palette);
    put_file(in_folder("palette.png"), p->data, (size_t)p->size);
    av_packet_free(&p);
    float *rgb = must_read(in_folder("palette.png"), 256, 1);
    for (int x = 0; x < 256; x++)
        assert_true(rgb[x] == x && rgb[256 + x] == 255 - x && rgb[512 + x] == 7);
    free(rgb);
}

static void fill_rgba(AVFrame *f)
{
    for (int x = 0; x < f->width; x++)
        memcpy(f->data[0] + 4 * x, (uint8_t[]){200, 100, 0, (uint8_t)x}, 4);
}

static void test_transparency_lies_over_grey(void **state)
{
    (void)state;
    AVPacket *p = encode(AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 256, 1, fill_rgba);
    put_file(in_folder("alpha.png"), p->data, (size_t)p->size);
    av_packet_free(&p);
    float *rgb = must_read(in_folder("alpha.png"), 256, 1);
    for (int x = 0; x < 256; x++)
        for (int c = 0; c < 3; c++)
            assert_true(fabs(rgb[c * 256 + x] - (128 + (200 - 100 * c - 128) * x / 255.0)) < 1e-3);
    free(rgb);
}

static void fill_bgr(AVFrame *f)
{
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++)
            memcpy(f->data[0] + y * f->linesize[0] + 3 * x,
                   (uint8_t[]){(uint8_t)(9 * x), (uint8_t)(20 * y), 250}, 3);
}

static void test_bmp(void **state)
{
    (void)state;
    AVPacket *p = encode(AV_CODEC_ID_BMP, AV_PIX_FMT_BGR24, 21, 9, fill_bgr);
    put_file(in_folder("a.bmp"), p->data, (size_t)p->size);
    av_packet_free(&p);
    float *rgb = must_read(in_folder("a.bmp"), 21, 9);
    for (int i = 0; i < 21 * 9; i++) {
        assert_true(rgb[i] == 250 && rgb[189 + i] == 20 * (i / 21) && rgb[378 + i] == 9 * (i % 21));
    }
    free(rgb);
}

/* 2 x 1, red and green; written by hand after the format's description. */
static const uint8_t small_gif[] = {'G', 'I', 'F', '8', '9', 'a', 2, 0,    1,    0, 0x80, 0,
                                    0,   255, 0,   0,   0,   255, 0, 0x2c, 0,    0, 0,    0,
                                    2,   0,   1,   0,   0,   2,   2, 0x44, 0x0a, 0, 0x3b};

static void test_gif(void **state)
{
    (void)state;
    put_file(in_folder("a.gif"), small_gif, sizeof small_gif);
    float *rgb = must_read(in_folder("a.gif"), 2, 1);
    assert_memory_equal(rgb, ((float[]){255, 0, 0, 255, 0, 0}), 6 * sizeof *rgb);
    free(rgb);
}

/* ---- what is near ---- */

/* Soft colours in full-range BT.601, as JPEG has them. */
static void colour_at(int x, int y, double yuv[3])
{
    yuv[0] = 128 + 90 * sin(x * 0.06) * cos(y * 0.05);
    yuv[1] = 128 + 50 * cos(x * 0.03);
    yuv[2] = 128 + 50 * sin(y * 0.04);
}

static void fill_yuv(AVFrame *f)
{
    bool halved = f->format != AV_PIX_FMT_YUVJ444P, limited = f->format == AV_PIX_FMT_YUV420P;
    for (int plane = 0; plane < 3; plane++) {
        int part = plane > 0 && halved ? 2 : 1;
        for (int y = 0; y < f->height / part; y++)
            for (int x = 0; x < f->width / part; x++) {
                double yuv[3];
                colour_at(x * part, y * part, yuv);
                double v = !limited ? yuv[plane]
                           : plane  ? 128 + (yuv[plane] - 128) * 224 / 255
                                    : 16 + yuv[0] * 219 / 255;
                f->data[plane][y * f->linesize[plane] + x] = (uint8_t)lrint(v);
            }
    }
}

static void check_lossy(enum AVCodecID id, enum AVPixelFormat format, const char *name, double bound)
{
    AVPacket *p = encode(id, format, 96, 64, fill_yuv);
    if (!p) {
        print_message("no encoder for %s here\n", name);
        return;
    }
    put_file(in_folder(name), p->data, (size_t)p->size);
    av_packet_free(&p);
    float *rgb = must_read(in_folder(name), 96, 64);
    double sum = 0;
    for (int i = 0; i < 96 * 64; i++) {
        double yuv[3];
        colour_at(i % 96, i / 96, yuv);
        double u = yuv[1] - 128, v = yuv[2] - 128;
        double want[3] = {yuv[0] + 1.402 * v, yuv[0] - 0.344136 * u - 0.714136 * v, yuv[0] + 1.772 * u};
        for (int c = 0; c < 3; c++)
            sum += fabs(rgb[c * 96 * 64 + i] - fmin(fmax(want[c], 0), 255)) / (3 * 96 * 64);
    }
    free(rgb);
    if (sum > bound)
        fail_msg("%s: off by %.2f on the average", name, sum);
}

static void test_jpeg_and_webp_have_the_right_colours(void **state)
{
    (void)state;
    check_lossy(AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ444P, "a.jpg", 1.2);
    check_lossy(AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ420P, "b.jpeg", 1.8);
    check_lossy(AV_CODEC_ID_WEBP, AV_PIX_FMT_YUV420P, "a.webp", 2.5);
}

static void fill_corners(AVFrame *f)
{
    for (int y = 0; y < f->height; y++) /* bright at the left, a little brighter at the top */
        for (int x = 0; x < f->width; x++)
            f->data[0][y * f->linesize[0] + x] =
                (uint8_t)((x < f->width / 2 ? 180 : 20) + (y < f->height / 2 ? 40 : 0));
    memset(f->data[1], 128, (size_t)(f->linesize[1] * f->height));
    memset(f->data[2], 128, (size_t)(f->linesize[2] * f->height));
}

static void test_photographs_stand_upright(void **state)
{
    (void)state;
    /* what the four quarters (top left, top right, bottom left, bottom right) show, after the table of
     * EXIF 2.3: row 0 and column 0 of the file lie at these sides */
    static const int quarters[9][4] = {{0},
                                       {220, 60, 180, 20},
                                       {60, 220, 20, 180},
                                       {20, 180, 60, 220},
                                       {180, 20, 220, 60},
                                       {220, 180, 60, 20},
                                       {180, 220, 20, 60},
                                       {20, 60, 180, 220},
                                       {60, 20, 220, 180}};
    AVPacket *p = encode(AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ444P, 32, 16, fill_corners);
    uint8_t exif[] = {0xff, 0xd8, 0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', '*', 0, 8, 0, 0,
                      0,    1,    0,    0x12, 1, 3,  0,   1,   0,   0,   0, 0, 0,   0,   0,   0, 0, 0, 0};
    uint8_t *file = xmalloc(sizeof exif + (size_t)p->size);
    for (int o = 1; o <= 8; o++) {
        exif[30] = (uint8_t)o;
        memcpy(file, exif, sizeof exif);
        memcpy(file + sizeof exif, p->data + 2, (size_t)p->size - 2);
        put_file(in_folder("turned.jpg"), file, sizeof exif + (size_t)p->size - 2);
        int w = o > 4 ? 16 : 32, h = 48 - w;
        float *rgb = must_read(in_folder("turned.jpg"), w, h);
        for (int i = 0; i < 4; i++) {
            float v = rgb[(h / 4 + i / 2 * h / 2) * w + w / 4 + i % 2 * w / 2];
            if (fabs(v - quarters[o][i]) > 8)
                fail_msg("orientation %d, quarter %d: %.0f instead of %d", o, i, v, quarters[o][i]);
        }
        free(rgb);
    }
    free(file);
    av_packet_free(&p);
}

static void test_the_name_does_not_matter(void **state)
{
    (void)state;
    put_file(in_folder("really-a-gif-%03d.png"), small_gif, sizeof small_gif);
    free(must_read(in_folder("really-a-gif-%03d.png"), 2, 1));
}

/* ---- what is no picture ---- */

static void test_missing_and_strange_files(void **state)
{
    (void)state;
    must_refuse(in_folder("missing.png"), ENOENT, "No such file");
    must_refuse(folder, EISDIR, "folder");
    put_file(in_folder("empty.png"), "", 0);
    must_refuse(in_folder("empty.png"), EINVAL, "empty");
    put_file(in_folder("text.png"), "hello\n", 6);
    must_refuse(in_folder("text.png"), EINVAL, "PNG, JPEG");
    static const char list[] = "ffconcat version 1.0\nfile /etc/passwd\n";
    put_file(in_folder("list.png"), list, sizeof list - 1);
    must_refuse(in_folder("list.png"), EINVAL, "PNG, JPEG");
    assert_int_equal(mkfifo(in_folder("pipe.png"), 0600), 0);
    must_refuse(in_folder("pipe.png"), EINVAL, "not a regular file");
    int fd = open(in_folder("large.png"), O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, (off_t)200 << 20), 0);
    close(fd);
    must_refuse(in_folder("large.png"), EFBIG, "larger than");
}

static void fill_zero(AVFrame *f)
{
    memset(f->data[0], 0, (size_t)f->linesize[0] * (size_t)f->height);
}

/* A PNG that says it is width x height, with the right checksum. */
static void put_png_header(const char *path, uint32_t width, uint32_t height)
{
    uint8_t png[33] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    for (int i = 0; i < 4; i++) {
        png[16 + i] = (uint8_t)(width >> (24 - 8 * i));
        png[20 + i] = (uint8_t)(height >> (24 - 8 * i));
    }
    png[24] = 8;
    png[25] = 2;
    uint32_t crc = 0xffffffff;
    for (int i = 12; i < 29; i++) {
        crc ^= png[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    for (int i = 0; i < 4; i++)
        png[29 + i] = (uint8_t)(~crc >> (24 - 8 * i));
    put_file(path, png, sizeof png);
}

static void test_sizes_are_bounded(void **state)
{
    (void)state;
    put_png_header(in_folder("huge.png"), 0x7fffffff, 0x7fffffff);
    must_refuse(in_folder("huge.png"), EINVAL, "sides can be up to");
    put_png_header(in_folder("square.png"), 16000, 16000);
    must_refuse(in_folder("square.png"), EINVAL, "million pixels");
    put_png_header(in_folder("none.png"), 0, 10);
    must_refuse(in_folder("none.png"), EINVAL, "damaged");

    /* a whole and very small file; its picture has 70 million pixels */
    AVPacket *blank = encode(AV_CODEC_ID_PNG, AV_PIX_FMT_MONOBLACK, 8400, 8400, fill_zero);
    put_file(in_folder("bomb.png"), blank->data, (size_t)blank->size);
    av_packet_free(&blank);
    must_refuse(in_folder("bomb.png"), EINVAL, "million pixels");

    const int width = PICTURE_SIDE_MAX + 1;
    AVPacket *p = encode(AV_CODEC_ID_PNG, AV_PIX_FMT_GRAY16BE, width, 1, fill_grey16);
    put_file(in_folder("wide.png"), p->data, (size_t)p->size);
    av_packet_free(&p);
    must_refuse(in_folder("wide.png"), EINVAL, "16385 x 1");
    float none = 0;
    struct error e;
    assert_int_equal(write_png(in_folder("x.png"), &none, width, 1, &e), -EINVAL);
    assert_int_equal(write_png(in_folder("x.png"), &none, 0, 1, &e), -EINVAL);
}

static void test_cut_files_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"exact.png", "a.bmp", "a.gif", "a.jpg", "a.webp"};
    uint8_t data[100000];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (access(in_folder(names[i]), R_OK) != 0)
            continue;
        size_t n = get_file(in_folder(names[i]), data, sizeof data);
        for (size_t part = 1; part < 8; part++) {
            put_file(in_folder("cut"), data, n * part / 8);
            must_refuse(in_folder("cut"), EINVAL, "");
        }
    }
}

/* Damage may hit the size, too, or what kind of file it is. */
static bool is_told(const char *text)
{
    static const char *const words[] = {"damaged", "million pixels", "sides can be", "not a picture",
                                        "animated"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

static void test_damaged_files_do_no_harm(void **state)
{
    (void)state;
    static const char *const names[] = {"exact.png", "alpha.png", "a.bmp", "a.gif",
                                        "a.jpg",     "b.jpeg",    "a.webp"};
    uint8_t data[100000];
    uint32_t seed = 3;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (access(in_folder(names[i]), R_OK) != 0)
            continue;
        size_t n = get_file(in_folder(names[i]), data, sizeof data);
        for (int round = 0; round < 150; round++) {
            uint8_t old[4];
            size_t at[4];
            for (int k = 0; k < 4; k++) {
                seed = seed * 1664525u + 1013904223u;
                at[k] = (seed >> 8) % (round % 2 ? n : n < 64 ? n : 64);
                old[k] = data[at[k]];
                data[at[k]] = (uint8_t)(seed >> 3);
            }
            put_file(in_folder("damaged"), data, n);
            for (int k = 3; k >= 0; k--)
                data[at[k]] = old[k];
            float *rgb;
            int w, h;
            struct error e = {""};
            int rc = picture_read(in_folder("damaged"), &rgb, &w, &h, &e);
            assert_true(rc == 0 ? rgb && w > 0 && h > 0 : !rgb && is_told(e.text));
            for (int k = 0; rc == 0 && k < 3 * w * h; k++)
                assert_true(rgb[k] >= 0 && rgb[k] <= 255);
            free(rgb);
        }
    }
}

static void test_what_is_wrong_has_a_name(void **state)
{
    (void)state;
    static const uint8_t animated[64] = "RIFF\x38\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x3f\0\0\x3f\0\0ANIM";
    static const uint8_t heic[32] = "\0\0\0\x18"
                                    "ftypheic";
    put_file(in_folder("anim.webp"), animated, sizeof animated);
    must_refuse(in_folder("anim.webp"), EINVAL, "animated WebP");
    put_file(in_folder("phone.heic"), heic, sizeof heic);
    must_refuse(in_folder("phone.heic"), EINVAL, "heif-convert");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_keeps_every_byte),
        cmocka_unit_test(test_values_are_rounded_and_clipped),
        cmocka_unit_test(test_sixteen_bits_and_grey),
        cmocka_unit_test(test_palette),
        cmocka_unit_test(test_transparency_lies_over_grey),
        cmocka_unit_test(test_bmp),
        cmocka_unit_test(test_gif),
        cmocka_unit_test(test_jpeg_and_webp_have_the_right_colours),
        cmocka_unit_test(test_photographs_stand_upright),
        cmocka_unit_test(test_the_name_does_not_matter),
        cmocka_unit_test(test_missing_and_strange_files),
        cmocka_unit_test(test_sizes_are_bounded),
        cmocka_unit_test(test_cut_files_are_refused),
        cmocka_unit_test(test_damaged_files_do_no_harm),
        cmocka_unit_test(test_what_is_wrong_has_a_name),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
