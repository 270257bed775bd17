/*
 * halfblocks - a picture in the cells of a text terminal.
 *
 * A cell shows two pixels, one above the other: the upper half block in the colour of the upper one on a background of
 * the lower one's. That works over ssh, in tmux and in every terminal with 256 colours or more. Pictures come as the
 * encoder's own planes (8-bit YUV 4:2:0, BT.709, limited range) and are reduced by averaging a few samples of each
 * pixel's area: a terminal's pixel covers some 16x16 of theirs, and all of them would cost ten times as much for
 * nothing that can be seen.
 */
#ifndef TERMINAL_HALFBLOCKS_H
#define TERMINAL_HALFBLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum terminal_colours { TERMINAL_COLOURS_256, TERMINAL_COLOURS_24_BIT };

/* A picture in memory; chroma planes have half the size, rounded up. */
struct terminal_picture {
    int width_px, height_px;
    const uint8_t *planes[3]; /* Y [height][stride 0], Cb and Cr [(height + 1) / 2][stride 1, 2] */
    int strides[3];           /* bytes from row to row */
};

enum { HALFBLOCKS_COLUMNS_MAX = 400, HALFBLOCKS_ROWS_MAX = 120, HALFBLOCKS_CELL_BYTES = 48 };

/* What one picture is reduced to. */
struct halfblocks {
    int columns, rows;                                               /* of cells */
    uint8_t rgb[2 * HALFBLOCKS_ROWS_MAX][HALFBLOCKS_COLUMNS_MAX][3]; /* [2 rows][columns] */
};

/* The cells that a picture of this shape fills at most, inside columns x rows; cells are twice as high as wide. */
void halfblocks_fit(int width_px, int height_px, int columns, int rows, int *fit_columns, int *fit_rows);

/* Reduces the picture to h->columns x h->rows cells, which the caller has set within the limits. */
void halfblocks_reduce(struct halfblocks *h, const struct terminal_picture *p);

/* Writes the cells of one row as text with colours, and a reset behind it, without moving the cursor to it. `out`
 * holds HALFBLOCKS_CELL_BYTES for each column and 16 more. Returns the bytes. */
size_t halfblocks_row(const struct halfblocks *h, int row, enum terminal_colours colours, char *out);

#endif
