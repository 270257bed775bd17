/*
 * Pictures as they are written: each format near enough, with its note and its transparency, whole or not at all.
 */
#include "tests/stream/picture_rig.h"

#include <errno.h>
#include <libavutil/crc.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/stream/png.h"

enum { SIDE = 48 };

/* Smooth colours with an edge: [3][SIDE][SIDE]. */
static float *sample(void)
{
    float *rgb = xmalloc(sizeof *rgb * 3 * SIDE * SIDE);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < SIDE * SIDE; i++)
            rgb[c * SIDE * SIDE + i] =
                (float)((i % SIDE * 4 + i / SIDE * (c + 1)) % 256 + (i % SIDE > SIDE / 2 ? 0 : 20)) * 0.8f;
    return rgb;
}

static void write_as(const char *path, const struct picture_image *p, const struct picture_style *s)
{
    uint8_t *data;
    size_t bytes;
    struct error e = {""};
    if (picture_encode(&data, &bytes, p, s, &e) < 0)
        fail_msg("%s", e.text);
    put_file(path, data, bytes);
    free(data);
}

static double psnr(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
    return 10 * log10(255.0 * 255.0 * (double)count / fmax(sum, 1e-9));
}

static void test_each_format_keeps_the_picture_and_a_note(void **state)
{
    (void)state;
    static const char note[] = "Reverie test\nstill.text=caf\xc3\xa9";
    static const struct {
        const char *name;
        struct picture_style style;
        double least_db;
    } cases[] = {
        {"n.png", {PICTURE_PNG, 8, 0, note}, 50},      {"n16.png", {PICTURE_PNG, 16, 0, note}, 90},
        {"n.jpg", {PICTURE_JPEG, 8, 92, note}, 33},    {"n.webp", {PICTURE_WEBP, 8, 92, note}, 26},
        {"nn.webp", {PICTURE_WEBP, 8, 100, note}, 50},
    };
    float *rgb = sample();
    const struct picture_image p = {rgb, NULL, SIDE, SIDE};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *back_note;
        struct error e = {""};
        write_as(in_folder(cases[i].name), &p, &cases[i].style);
        float *back = must_read(in_folder(cases[i].name), SIDE, SIDE);
        double db = psnr(rgb, back, 3 * SIDE * SIDE);
        if (db < cases[i].least_db)
            fail_msg("%s: %.1f dB", cases[i].name, db);
        assert_int_equal(picture_read_note(in_folder(cases[i].name), &back_note, &e), 0);
        assert_string_equal(back_note, note);
        free(back_note);
        free(back);
    }
    assert_int_equal(truncate(in_folder("n.png"), (off_t)200 << 20), 0); /* more than is ever read whole */
    char *kept;
    struct error e = {""};
    assert_int_equal(picture_read_note(in_folder("n.png"), &kept, &e), 0);
    assert_string_equal(kept, note);
    free(kept);
    free(rgb);
}

static void test_quality_is_libjpegs(void **state)
{
    (void)state;
    size_t last = 0;
    float *rgb = sample();
    for (int quality = 1; quality <= 100; quality += 33) {
        const struct picture_style s = {PICTURE_JPEG, 8, quality, NULL};
        const struct picture_image p = {rgb, NULL, SIDE, SIDE};
        uint8_t *data;
        size_t bytes;
        assert_int_equal(picture_encode(&data, &bytes, &p, &s, NULL), 0);
        assert_true(bytes > last);
        const uint8_t *table = memmem(
            data, bytes, "\xff\xdb", 2); /* the quantisers, behind the first: 11 in the middle of the scale */
        int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality, second = (11 * percent + 50) / 100;
        assert_non_null(table);
        assert_int_equal(table[6], second < 1 ? 1 : second > 255 ? 255 : second);
        last = bytes;
        free(data);
    }
    free(rgb);
}

static void test_alpha_is_kept_where_it_can_be(void **state)
{
    (void)state;
    float *rgb = sample(), alpha[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++)
        alpha[i] = (float)(i % 256);
    const struct picture_image p = {rgb, alpha, SIDE, SIDE};
    static const char *const names[] = {"clear.png", "clear16.png", "clear.webp"};
    static const struct picture_style styles[] = {
        {PICTURE_PNG, 8, 0, NULL}, {PICTURE_PNG, 16, 0, NULL}, {PICTURE_WEBP, 8, 100, "a note"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        float *back, *clear;
        int w, h;
        struct error e = {""};
        write_as(in_folder(names[i]), &p, &styles[i]);
        assert_int_equal(picture_read_layered(in_folder(names[i]), &back, &clear, &w, &h, &e), 0);
        assert_non_null(clear);
        for (int k = 0; k < SIDE * SIDE; k++) {
            assert_true(fabsf(clear[k] - alpha[k]) < 0.6f);
            float expected = alpha[k] > 0 ? rgb[k] : 128; /* where nothing shows, grey */
            assert_true(fabsf(back[k] - expected) < 0.6f);
        }
        free(back);
        free(clear);
    }
    free(rgb);
}

static void test_names_choose_the_format(void **state)
{
    (void)state;
    enum picture_format f;
    struct error e = {""};
    assert_true(picture_format_of("a.b/c", &f, &e) == 0 && f == PICTURE_PNG);
    assert_true(picture_format_of("a.PNG", &f, &e) == 0 && f == PICTURE_PNG);
    assert_true(picture_format_of("/x/a.jpeg", &f, &e) == 0 && f == PICTURE_JPEG);
    assert_true(picture_format_of("a.webp", &f, &e) == 0 && f == PICTURE_WEBP);
    assert_int_equal(picture_format_of("a.tiff", &f, &e), -EINVAL);
    assert_non_null(strstr(e.text, ".png, .jpg or .webp"));
    const struct picture_style webp = {PICTURE_WEBP, 8, 90, NULL};
    assert_int_equal(picture_fits(&webp, 16384, 8, &e), -EINVAL);
    assert_non_null(strstr(e.text, "16383 in WebP"));
    const struct picture_style png = {PICTURE_PNG, 16, 0, NULL}, jpeg = {PICTURE_JPEG, 8, 92, NULL};
    assert_int_equal(picture_fits(&png, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX, &e), 0);
    assert_int_equal(picture_fits(&png, PICTURE_SIDE_MAX + 1, 1, &e), -EINVAL);
    assert_int_equal(picture_fits(&jpeg, 16000, 16000, &e), 0);
    assert_int_equal(picture_fits(&jpeg, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX, &e),
                     -EINVAL); /* FFmpeg's own limit */
    assert_non_null(strstr(e.text, "ends in .png"));
}

/* Cameras' PNGs say in eXIf how they were held. */
static void test_png_is_turned_upright(void **state)
{
    (void)state;
    float rgb[3 * 2] = {10, 200, 10, 200, 10, 200}, *back; /* dark, light */
    struct error e = {""};
    uint8_t data[4096];
    assert_int_equal(write_png(in_folder("held.png"), rgb, 2, 1, &e), 0);
    size_t n = get_file(in_folder("held.png"), data, sizeof data);
    static const uint8_t exif[] = {0, 0, 0,    26, 'e', 'X', 'I', 'f', 'M', 'M', 0, 42, 0, 0, 0, 8, 0,
                                   1, 1, 0x12, 0,  3,   0,   0,   0,   1,   0,   6, 0,  0, 0, 0, 0, 0};
    const uint32_t crc = ~av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), ~0u, exif + 4, sizeof exif - 4);
    memmove(data + 33 + sizeof exif + 4, data + 33, n - 33);
    memcpy(data + 33, exif, sizeof exif);
    for (int i = 0; i < 4; i++)
        data[33 + sizeof exif + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    put_file(in_folder("held.png"), data, n + sizeof exif + 4);
    back = must_read(in_folder("held.png"), 1, 2); /* 6: turned to the right */
    assert_true(back[0] == 10 && back[1] == 200);
    free(back);
}

static void test_writing_leaves_no_half_files(void **state)
{
    (void)state;
    float rgb[3] = {1, 2, 3};
    struct error e = {""};
    assert_int_equal(write_png(in_folder("no/such/folder.png"), rgb, 1, 1, &e), -ENOENT);
    assert_non_null(strstr(e.text, "no/such/folder.png"));
    assert_int_equal(mkdir(in_folder("taken.png"), 0700), 0);
    assert_true(write_png(in_folder("taken.png"), rgb, 1, 1, &e) < 0);
    char command[300];
    snprintf(command, sizeof command, "ls %s | grep -q part", folder);
    assert_int_not_equal(system(command), 0);
    assert_int_equal(write_png(in_folder("again.png"), rgb, 1, 1, &e), 0);
    rgb[0] = 9;
    assert_int_equal(write_png(in_folder("again.png"), rgb, 1, 1, &e), 0);
    float *back = must_read(in_folder("again.png"), 1, 1);
    assert_true(back[0] == 9);
    free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_format_keeps_the_picture_and_a_note),
        cmocka_unit_test(test_quality_is_libjpegs),
        cmocka_unit_test(test_alpha_is_kept_where_it_can_be),
        cmocka_unit_test(test_names_choose_the_format),
        cmocka_unit_test(test_png_is_turned_upright),
        cmocka_unit_test(test_writing_leaves_no_half_files),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
