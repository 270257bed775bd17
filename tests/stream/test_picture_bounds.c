/*
 * Small files that unfold to large pictures are refused as soon as their size is known, before memory is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>
#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>

#include "common/mem.h"
#include "stream/picture.h"

enum { GREY = 0, RGB = 2, GREY_ALPHA = 4, RGBA = 6 }; /* PNG's colour types */

static size_t put_chunk(uint8_t *out, const char *name, const uint8_t *data, uint32_t bytes)
{
    AV_WB32(out, bytes);
    memcpy(out + 4, name, 4);
    memcpy(out + 8, data, bytes);
    uint32_t crc = av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), UINT32_MAX, out + 4, bytes + 4);
    AV_WB32(out + 8 + bytes, ~crc);
    return bytes + 12;
}

/* A PNG that says so much and holds next to nothing. */
static void write_png(const char *path, uint32_t width, uint32_t height, uint8_t bits, uint8_t type)
{
    static const uint8_t data[] = {0x78, 0x9c, 0x63, 0x60, 0x00, 0x00}; /* the beginning of rows of zeros */
    uint8_t file[128] = "\x89PNG\r\n\x1a\n", head[13] = {0};
    AV_WB32(head, width);
    AV_WB32(head + 4, height);
    head[8] = bits;
    head[9] = type;
    size_t n = 8;
    n += put_chunk(file + n, "IHDR", head, sizeof head);
    n += put_chunk(file + n, "IDAT", data, sizeof data);
    n += put_chunk(file + n, "IEND", data, 0);
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(file, 1, n, f), n);
    fclose(f);
}

static void test_refused(void **state)
{
    static const struct {
        uint32_t width, height;
        uint8_t bits, type;
        int code;
        const char *word;
    } rows[] = {
        {8191, 8191, 16, RGBA, EFBIG, "unfolded"}, /* 20 bytes a pixel: 1.3 GB */
        {8191, 8191, 16, RGB, EFBIG, "unfolded"},
        {8192, 8192, 16, GREY_ALPHA, EINVAL, "damaged"}, /* 16 bytes a pixel: fits, and the rest is missing */
        {8192, 8192, 8, RGB, EINVAL, "damaged"},
        {16384, 16384, 8, GREY, EINVAL, "67 million"},
        {0x7fffffff, 1, 8, GREY, EINVAL, "sides can be up to"},
    };
    (void)state;
    char path[] = "/tmp/reverie-bounds-XXXXXX";
    close(mkstemp(path));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        float *rgb;
        int w, h;
        struct error e = {""};
        write_png(path, rows[i].width, rows[i].height, rows[i].bits, rows[i].type);
        int rc = picture_read(path, &rgb, &w, &h, &e);
        if (rc != -rows[i].code || !strstr(e.text, rows[i].word))
            fail_msg("row %zu: %d, %s", i, rc, e.text);
        assert_null(rgb);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
