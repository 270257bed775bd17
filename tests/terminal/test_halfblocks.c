/*
 * Pictures in cells: shape, averages, colours of both kinds, and the time that one takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "terminal/halfblocks.h"

enum { WIDTH = 1280, HEIGHT = 720 };

static uint8_t luma[HEIGHT][WIDTH], blue[HEIGHT / 2][WIDTH / 2], red[HEIGHT / 2][WIDTH / 2];
static const struct terminal_picture picture = {
    WIDTH, HEIGHT, {luma[0], blue[0], red[0]}, {WIDTH, WIDTH / 2, WIDTH / 2}};
static struct halfblocks h;

/* White on the left, pure BT.709 red on the right (Y 63, Cb 102, Cr 240). */
static void paint(void)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            bool left = x < WIDTH / 2;
            luma[y][x] = left ? 235 : 63;
            blue[y / 2][x / 2] = left ? 128 : 102;
            red[y / 2][x / 2] = left ? 128 : 240;
        }
}

static void test_shape(void **state)
{
    (void)state;
    const int cases[][6] = {
        {1280, 720, 80, 100, 80, 22}, /* width, height, columns, rows -> columns, rows */
        {1280, 720, 200, 16, 56, 16},      {720, 1280, 100, 16, 18, 16},
        {1280, 720, 5000, 5000, 400, 112}, {64, 64, 1, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int columns, rows;
        halfblocks_fit(cases[i][0], cases[i][1], cases[i][2], cases[i][3], &columns, &rows);
        assert_int_equal(columns, cases[i][4]);
        assert_int_equal(rows, cases[i][5]);
    }
}

static void test_colours(void **state)
{
    (void)state;
    char out[64 * HALFBLOCKS_CELL_BYTES + 16];
    paint();
    h.columns = 2;
    h.rows = 1;
    halfblocks_reduce(&h, &picture);
    assert_in_range(h.rgb[0][0][0], 253, 255);
    assert_in_range(h.rgb[0][0][2], 253, 255);
    assert_in_range(h.rgb[1][1][0], 253, 255);
    assert_in_range(h.rgb[1][1][1], 0, 3);
    out[halfblocks_row(&h, 0, TERMINAL_COLOURS_256, out)] = '\0';
    assert_string_equal(
        out, "\033[38;5;231m\033[48;5;231m\xe2\x96\x80\033[38;5;196m\033[48;5;196m\xe2\x96\x80\033[0m");
    out[halfblocks_row(&h, 0, TERMINAL_COLOURS_24_BIT, out)] = '\0';
    assert_ptr_equal(strstr(out, "\033[38;2;25"), out);
    for (int v = 0; v < 256; v += 5) { /* greys stay greys */
        memset(h.rgb[0][0], v, 3);
        memset(h.rgb[1][0], v, 3);
        h.columns = 1;
        out[halfblocks_row(&h, 0, TERMINAL_COLOURS_256, out)] = '\0';
        int index = atoi(out + 7);
        assert_true((index >= 232 && index <= 255) || index == 16 || index == 231);
    }
}

/* The largest that a terminal can be; cells that all differ. The output must fit, and a usual one takes little time. */
static void test_limits(void **state)
{
    (void)state;
    static char out[HALFBLOCKS_COLUMNS_MAX * HALFBLOCKS_CELL_BYTES + 16];
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            luma[y][x] = (uint8_t)(rand() % 256);
            blue[y / 2][x / 2] = (uint8_t)(rand() % 256);
            red[y / 2][x / 2] = (uint8_t)(rand() % 256);
        }
    h.columns = HALFBLOCKS_COLUMNS_MAX;
    h.rows = HALFBLOCKS_ROWS_MAX;
    halfblocks_reduce(&h, &picture);
    for (int row = 0; row < h.rows; row++)
        assert_in_range(halfblocks_row(&h, row, TERMINAL_COLOURS_24_BIT, out), h.columns, sizeof out);
    h.columns = 80;
    h.rows = 22;
    int64_t best_us = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        int64_t began_us = clock_real_us();
        halfblocks_reduce(&h, &picture);
        for (int row = 0; row < h.rows; row++)
            halfblocks_row(&h, row, TERMINAL_COLOURS_24_BIT, out);
        int64_t took_us = clock_real_us() - began_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    print_message("# a picture of 80x22 cells takes %.2f ms\n", (double)best_us / 1e3);
    assert_in_range(best_us, 0, 20000); /* sanitizers are slow; measured: about half a millisecond */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_colours),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests_name("halfblocks", tests, NULL, NULL);
}
