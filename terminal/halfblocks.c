/*
 * halfblocks - see halfblocks.h.
 */
#include "terminal/halfblocks.h"

#include <stdio.h>
#include <string.h>

enum { SAMPLES = 4 }; /* each way, of a pixel's area */

void halfblocks_fit(int width_px, int height_px, int columns, int rows, int *fit_columns, int *fit_rows)
{
    columns = columns < HALFBLOCKS_COLUMNS_MAX ? columns : HALFBLOCKS_COLUMNS_MAX;
    rows = rows < HALFBLOCKS_ROWS_MAX ? rows : HALFBLOCKS_ROWS_MAX;
    int high = (int)((long)columns * height_px / width_px); /* pixels, two of which make a row */
    if (high > 2 * rows) {
        high = 2 * rows;
        columns = (int)((long)high * width_px / height_px);
    }
    *fit_columns = columns > 0 ? columns : 1;
    *fit_rows = high > 1 ? high / 2 : 1;
}

static uint8_t clamp(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* BT.709, limited range (ITU-R BT.709-6 item 3), in 16.16 fixed point; y, cb, cr are sums of `n` samples. */
static void to_rgb(int y, int cb, int cr, int n, uint8_t rgb[3])
{
    int luma = (y / n - 16) * 76309, blue = cb / n - 128, red = cr / n - 128;
    rgb[0] = clamp((luma + 117489 * red + 32768) >> 16);
    rgb[1] = clamp((luma - 13975 * blue - 34925 * red + 32768) >> 16);
    rgb[2] = clamp((luma + 138438 * blue + 32768) >> 16);
}

/* The mean of SAMPLES x SAMPLES places of the area [x0, x1) x [y0, y1). */
static void mean_of(const struct terminal_picture *p, int x0, int x1, int y0, int y1, uint8_t rgb[3])
{
    int sums[3] = {0};
    for (int j = 0; j < SAMPLES; j++) {
        int y = y0 + (2 * j + 1) * (y1 - y0) / (2 * SAMPLES);
        for (int i = 0; i < SAMPLES; i++) {
            int x = x0 + (2 * i + 1) * (x1 - x0) / (2 * SAMPLES);
            sums[0] += p->planes[0][(long)y * p->strides[0] + x];
            sums[1] += p->planes[1][(long)(y / 2) * p->strides[1] + x / 2];
            sums[2] += p->planes[2][(long)(y / 2) * p->strides[2] + x / 2];
        }
    }
    to_rgb(sums[0], sums[1], sums[2], SAMPLES * SAMPLES, rgb);
}

void halfblocks_reduce(struct halfblocks *h, const struct terminal_picture *p)
{
    for (int row = 0; row < 2 * h->rows; row++) {
        int y0 = (int)((long)row * p->height_px / (2 * h->rows));
        int y1 = (int)((long)(row + 1) * p->height_px / (2 * h->rows));
        for (int column = 0; column < h->columns; column++) {
            int x0 = (int)((long)column * p->width_px / h->columns);
            int x1 = (int)((long)(column + 1) * p->width_px / h->columns);
            mean_of(p, x0, x1 > x0 ? x1 : x0 + 1, y0, y1 > y0 ? y1 : y0 + 1, h->rgb[row][column]);
        }
    }
}

/* The nearest of the six levels of xterm's colour cube: 0, 95, 135, 175, 215, 255. */
static int cube_level(int v)
{
    return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

/* xterm's palette: 16 + a cube of 6x6x6, or one of 24 greys where the colour has none. */
static int colour_256(const uint8_t rgb[3])
{
    int low = rgb[0] < rgb[1] ? rgb[0] : rgb[1], high = rgb[0] > rgb[1] ? rgb[0] : rgb[1];
    low = rgb[2] < low ? rgb[2] : low;
    high = rgb[2] > high ? rgb[2] : high;
    int mean = (rgb[0] + rgb[1] + rgb[2]) / 3;
    if (high - low < 12 && mean >= 4 && mean < 243)
        return 232 + (mean - 3) / 10;
    return 16 + 36 * cube_level(rgb[0]) + 6 * cube_level(rgb[1]) + cube_level(rgb[2]);
}

static size_t colour(char *out, const uint8_t rgb[3], bool foreground, enum terminal_colours colours)
{
    int ground = foreground ? 38 : 48;
    int n = colours == TERMINAL_COLOURS_24_BIT
                ? snprintf(out, 24, "\033[%d;2;%d;%d;%dm", ground, rgb[0], rgb[1], rgb[2])
                : snprintf(out, 24, "\033[%d;5;%dm", ground, colour_256(rgb));
    return (size_t)n;
}

size_t halfblocks_row(const struct halfblocks *h, int row, enum terminal_colours colours, char *out)
{
    const uint8_t(*upper)[3] = h->rgb[2 * row], (*lower)[3] = h->rgb[2 * row + 1];
    size_t n = 0;
    for (int i = 0; i < h->columns; i++) {
        if (i == 0 || memcmp(upper[i], upper[i - 1], 3) != 0)
            n += colour(out + n, upper[i], true, colours);
        if (i == 0 || memcmp(lower[i], lower[i - 1], 3) != 0)
            n += colour(out + n, lower[i], false, colours);
        memcpy(out + n, "\xe2\x96\x80", 3); /* U+2580, upper half block */
        n += 3;
    }
    memcpy(out + n, "\033[0m", 4);
    return n + 4;
}
